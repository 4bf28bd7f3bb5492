//! The table: a file a row, worst first.

use std::io::{self, Write};

use super::page::{fit_name, fit_path, padded, width_of};
use super::style::{Ink, Style};
use super::words::{SHORT, Verdict, grouped, name_of, short, signer_of};
use crate::judge::{Reason, Status};
use crate::output::Output;
use crate::output::escape::for_terminal;
use crate::record::{Record, Severity};
use crate::scan::Tally;

/// Rows that are kept to be sorted (specification section 3).
pub const SORTED_ROWS: usize = 10_000;

/// How a table looks.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions {
    /// Columns of the terminal; 0 cuts nothing, for pipes and files.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// Rows that are kept to be sorted; beyond them the table streams in path order.
    pub sorted_rows: usize,
}

impl Default for TableOptions {
    fn default() -> Self {
        TableOptions { width: 0, style: Style::default(), sorted_rows: SORTED_ROWS }
    }
}

/// A table on `out`, with remarks about it on `notes`.
#[derive(Debug)]
pub struct Table<W, N> {
    out: W,
    notes: N,
    options: TableOptions,
    rows: Vec<Row>,
    streaming: Option<Layout>,
    claimed: bool,
    catalogs: bool,
}

/// One file, its texts already made harmless.
#[derive(Debug)]
struct Row {
    verdict: Verdict,
    reason: Reason,
    /// The verdict is that of a catalog.
    catalog: bool,
    /// The worst finding of a file whose verdict lets expect none.
    finding: Option<Severity>,
    signer: String,
    claimed: bool,
    path: String,
}

impl<W: Write, N: Write> Table<W, N> {
    /// An empty table.
    pub fn new(out: W, notes: N, options: TableOptions) -> Self {
        Table { out, notes, options, rows: Vec::new(), streaming: None, claimed: false, catalogs: false }
    }

    fn write(&mut self, layout: &Layout, rows: &[Row]) -> io::Result<()> {
        for row in rows {
            self.out.write_all(layout.row(row, self.options.style).as_bytes())?;
        }
        Ok(())
    }

    fn start_streaming(&mut self) -> io::Result<()> {
        let limit = grouped(u64::try_from(self.options.sorted_rows).unwrap_or(u64::MAX));
        writeln!(self.notes, "More than {limit} rows: listed in path order, not worst first (--status lists fewer).")?;
        let rows = std::mem::take(&mut self.rows);
        let layout = Layout::for_more(&rows, self.options.width);
        self.out.write_all(layout.header(self.options.style).as_bytes())?;
        self.write(&layout, &rows)?;
        self.streaming = Some(layout);
        Ok(())
    }
}

impl<W: Write, N: Write> Output for Table<W, N> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let row = Row::of(record);
        self.claimed |= row.claimed;
        self.catalogs |= row.catalog && row.reason != Reason::Ok;
        if let Some(layout) = &self.streaming {
            return self.out.write_all(layout.row(&row, self.options.style).as_bytes());
        }
        self.rows.push(row);
        if self.rows.len() > self.options.sorted_rows { self.start_streaming() } else { Ok(()) }
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        let mut rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            // The sort is stable: within a verdict and a reason, path order remains.
            rows.sort_by_key(|row| (row.verdict, row.reason.position()));
            let layout = Layout::of(&rows, self.options.width);
            self.out.write_all(layout.header(self.options.style).as_bytes())?;
            self.write(&layout, &rows)?;
        }
        self.out.flush()?;
        if self.claimed {
            writeln!(self.notes, "“name”? is only claimed: the signature does not hold for that file's bytes.")?;
        }
        if self.catalogs {
            writeln!(
                self.notes,
                "Some of these verdicts are those of catalogs that list the files; --json names them."
            )?;
        }
        Ok(())
    }
}

impl Row {
    fn of(record: &Record) -> Row {
        let signer = signer_of(record);
        Row {
            verdict: Verdict::of(record.status, record.reason),
            reason: record.reason,
            catalog: record.deciding_catalog().is_some(),
            finding: worst_finding(record).filter(|_| record.status == Status::Valid),
            signer: signer.map(|(signer, _)| for_terminal(name_of(signer)).into_owned()).unwrap_or_default(),
            claimed: signer.is_some_and(|(_, verified)| !verified),
            path: for_terminal(&record.path).into_owned(),
        }
    }

    /// The reason in short, or why a verdict without one deserves a look, or where it comes from.
    fn words(&self) -> &'static str {
        match self.finding {
            Some(Severity::Critical) => return "critical finding",
            Some(Severity::High) => return "high finding",
            _ => {}
        }
        if self.catalog && self.reason == Reason::Ok { "through a catalog" } else { short(self.reason) }
    }

    fn signer_width(&self) -> usize {
        width_of(&self.signer).saturating_add(if self.claimed { 3 } else { 0 })
    }

    /// The signer in so many columns; a name that is only claimed says so.
    fn signer(&self, width: usize) -> String {
        if self.claimed {
            format!("“{}”?", fit_name(&self.signer, width.saturating_sub(3)))
        } else {
            fit_name(&self.signer, width)
        }
    }
}

fn worst_finding(record: &Record) -> Option<Severity> {
    record.findings.iter().map(|finding| finding.severity).max()
}

/// Columns between columns.
const GAP: usize = 2;
/// A path shorter than this says too little: it gets a line of its own.
const LEAST_PATH: usize = 26;
/// A signer shorter than this says too little.
const LEAST_SIGNER: usize = 14;
/// Where nothing is cut, longer names than this do not push the paths further to the right.
const USUAL_SIGNER: usize = 40;

/// Widths of the columns; 0 leaves a column out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    width: usize,
    status: usize,
    reason: usize,
    signer: usize,
    path: usize,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Everything on one line.
    OneLine,
    /// The path below.
    PathBelow,
    /// The signer below, and the path below that.
    AllBelow,
}

impl Layout {
    /// The layout that fits these rows.
    fn of(rows: &[Row], width: usize) -> Layout {
        let widest = |measure: &dyn Fn(&Row) -> usize| rows.iter().map(measure).max().unwrap_or(0);
        let column = |title: &str, widest: usize| if widest == 0 { 0 } else { widest.max(title.len()) };
        let status = column("STATUS", widest(&|row| row.verdict.word().len()));
        let reason = column("REASON", widest(&|row| row.words().len()));
        let signer = column("SIGNER", widest(&Row::signer_width));
        Layout::arrange(width, status, reason, signer, widest(&|row| width_of(&row.path)))
    }

    /// A layout that later rows will fit as well.
    fn for_more(rows: &[Row], width: usize) -> Layout {
        let seen = Layout::of(rows, width);
        let path = rows.iter().map(|row| width_of(&row.path)).max().unwrap_or(0);
        Layout::arrange(width, 11, SHORT, seen.signer.max(USUAL_SIGNER), path)
    }

    fn arrange(width: usize, status: usize, reason: usize, signer: usize, path: usize) -> Layout {
        let taken = |column: usize| if column == 0 { 0 } else { column.saturating_add(GAP) };
        let layout = Layout { width, status, reason, signer, path, shape: Shape::OneLine };
        if width == 0 {
            return Layout { signer: signer.min(USUAL_SIGNER), ..layout };
        }
        let rest = width.saturating_sub(taken(status)).saturating_sub(taken(reason));
        if taken(signer).saturating_add(path) <= rest {
            return layout;
        }
        // A little less than half of what is left is for the signer, unless the path needs less than its share.
        let share = (rest.saturating_mul(9) / 20).max(rest.saturating_sub(GAP).saturating_sub(path));
        let cut = signer.min(share.saturating_sub(GAP).max(LEAST_SIGNER));
        let left = rest.saturating_sub(taken(cut));
        if left >= LEAST_PATH.min(path) {
            return Layout { signer: cut, path: left, ..layout };
        }
        let below = width.saturating_sub(GAP);
        let shape = if rest >= signer.min(LEAST_SIGNER) { Shape::PathBelow } else { Shape::AllBelow };
        let signer = signer.min(if shape == Shape::PathBelow { rest } else { below });
        Layout { signer, path: below, shape, ..layout }
    }

    fn header(&self, style: Style) -> String {
        let cells = |signer: &str, path: &str| {
            self.lines(
                (padded("STATUS", self.status), self.status),
                padded("REASON", self.reason),
                signer.to_owned(),
                path,
            )
        };
        let text = cells(if self.signer > 0 { "SIGNER" } else { "" }, "PATH");
        text.lines().map(|line| format!("{}\n", style.paint(Ink::Strong, line))).collect()
    }

    fn row(&self, row: &Row, style: Style) -> String {
        let word = row.verdict.word();
        let status = padded(word, self.status).replacen(word, &style.paint(Ink::Verdict(row.verdict), word), 1);
        let unlimited = self.width == 0;
        let signer = if unlimited { row.signer(usize::MAX) } else { row.signer(self.signer) };
        let path = if unlimited { row.path.clone() } else { fit_path(&row.path, self.path) };
        self.lines((status, self.status), padded(row.words(), self.reason), signer, &path)
    }

    /// Arranges cells; the status comes with its width because it may hold colours.
    fn lines(&self, (status, _): (String, usize), reason: String, signer: String, path: &str) -> String {
        let gap = " ".repeat(GAP);
        let mut first = status;
        if self.reason > 0 {
            first = format!("{first}{gap}{reason}");
        }
        let trimmed = |line: String| line.trim_end_matches(' ').to_owned();
        match self.shape {
            Shape::OneLine if self.signer > 0 => {
                format!("{}\n", trimmed(format!("{first}{gap}{}{gap}{path}", padded(&signer, self.signer))))
            }
            Shape::OneLine => format!("{}\n", trimmed(format!("{first}{gap}{path}"))),
            Shape::PathBelow => format!("{}\n{gap}{path}\n", trimmed(format!("{first}{gap}{signer}"))),
            Shape::AllBelow if signer.is_empty() => format!("{}\n{gap}{path}\n", trimmed(first)),
            Shape::AllBelow => format!("{}\n{gap}{signer}\n{gap}{path}\n", trimmed(first)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Status;
    use crate::output::samples;

    fn table(options: TableOptions, records: &[Record]) -> (String, String) {
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut table = Table::new(&mut out, &mut notes, options);
        for record in records {
            table.record(record).unwrap();
        }
        table.finish(&Tally::default()).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
    }

    fn self_signed() -> Record {
        let mut record = samples::valid();
        (record.status, record.reason) = (Status::Untrusted, Reason::SelfSigned);
        record
    }

    #[test]
    fn the_worst_comes_first_and_claimed_names_are_marked() {
        let records = [samples::valid(), samples::missing(), self_signed(), samples::hostile()];
        let (out, notes) = table(TableOptions::default(), &records);
        let expected = "\
STATUS       REASON           SIGNER        PATH
Invalid      digest mismatch  “Good”?       =cmd|' /C calc'!A0
Self-signed                   Good Company  dir/good.exe
Error        no such file                   gone.exe
Valid                         Good Company  dir/good.exe
";
        assert_eq!(out, expected);
        assert_eq!(notes, "“name”? is only claimed: the signature does not hold for that file's bytes.\n");
    }

    #[test]
    fn beyond_the_limit_rows_stream_in_path_order_and_the_table_says_so_once() {
        let records = [samples::valid(), self_signed(), samples::hostile(), samples::missing()];
        let (out, notes) = table(TableOptions { sorted_rows: 2, ..TableOptions::default() }, &records);
        let words: Vec<&str> = out.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(words, ["STATUS", "Valid", "Self-signed", "Invalid", "Error"]);
        assert_eq!(notes.matches("More than 2 rows: listed in path order").count(), 1);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut long = samples::hostile();
        long.path = format!("/mnt/{}/Файл 株式会社.exe", "directory/".repeat(20));
        if let Some(signer) = &mut long.claimed_signer {
            signer.common_name = Some("A company whose name goes on and on and on, Inc.".to_owned());
        }
        let records = [samples::valid(), long, self_signed(), samples::missing()];
        for width in 34..240 {
            let (out, _) = table(TableOptions { width, ..TableOptions::default() }, &records);
            assert!(out.lines().all(|line| width_of(line) <= width), "{width}:\n{out}");
            assert!(out.contains("Self-signed") && out.contains(".exe") && out.contains("”?"), "{width}:\n{out}");
        }
    }

    #[test]
    fn an_empty_table_is_empty() {
        assert_eq!(table(TableOptions::default(), &[]), (String::new(), String::new()));
    }
}
