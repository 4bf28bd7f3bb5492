//! Rows of CSV, read without changing them: where each ends, where its cells lie, and text as a cell.
//!
//! Rows go through byte for byte, so that quotes, blanks and line ends survive. Grammar: RFC 4180; what it leaves open is
//! read as the `csv` crate (and Python's `csv`) does: a quote counts only at the start of a cell, and what follows the
//! closing one belongs to the cell.

use std::borrow::Cow;
use std::ops::Range;

/// The mark of UTF-8 in front of a table that Windows programs wrote.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a byte of a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// At the start of the table, after so many bytes of [`MARK`].
    Mark(u8),
    /// At the start of a cell.
    Start,
    /// In a cell without quotes, or behind the closing one.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote between quotes: it closes, unless another follows.
    Closing,
}

/// What a byte ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Nothing,
    Cell,
    Row,
}

impl Within {
    fn step(self, byte: u8) -> (Within, End) {
        match (self, byte) {
            (Within::Mark(seen), _) if MARK.get(usize::from(seen)) == Some(&byte) => {
                (if seen == 2 { Within::Start } else { Within::Mark(seen.saturating_add(1)) }, End::Nothing)
            }
            (Within::Quoted, b'"') => (Within::Closing, End::Nothing),
            (Within::Quoted, _) | (Within::Mark(_) | Within::Start | Within::Closing, b'"') => {
                (Within::Quoted, End::Nothing)
            }
            (_, b',') => (Within::Start, End::Cell),
            (_, b'\n') => (Within::Start, End::Row),
            _ => (Within::Plain, End::Nothing),
        }
    }
}

/// Finds where rows end in what is read piece by piece.
#[derive(Debug, Clone)]
pub(super) struct RowEnds(Within);

impl RowEnds {
    /// At the start of a table.
    pub(super) fn new() -> RowEnds {
        RowEnds(Within::Mark(0))
    }

    /// Whether the next byte ends a row.
    pub(super) fn ends_with(&mut self, byte: u8) -> bool {
        let (within, end) = self.0.step(byte);
        self.0 = within;
        end == End::Row
    }
}

/// One row without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'r> {
    text: &'r [u8],
    cells: Vec<Range<usize>>,
    closed: bool,
}

impl<'r> Row<'r> {
    /// The cells of a row, at least one.
    #[must_use]
    pub fn of(text: &'r [u8]) -> Row<'r> {
        let mut cells = Vec::new();
        let (mut within, mut from) = (Within::Start, 0usize);
        for (at, byte) in text.iter().enumerate() {
            let (next, end) = within.step(*byte);
            within = next;
            if end != End::Nothing {
                cells.push(from..at);
                from = at.saturating_add(1);
            }
        }
        cells.push(from..text.len());
        Row { text, cells, closed: within != Within::Quoted }
    }

    /// The first row of a table: its mark of UTF-8 belongs to no cell.
    #[must_use]
    pub fn header(text: &'r [u8]) -> Row<'r> {
        Row::of(text.strip_prefix(MARK).unwrap_or(text))
    }

    /// Cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is nothing in the row, not even a separator.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether no quote is open at the end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// A cell as it is written.
    #[must_use]
    pub fn raw(&self, column: usize) -> &'r [u8] {
        self.cells.get(column).and_then(|cell| self.text.get(cell.clone())).unwrap_or_default()
    }

    /// What a cell says; nothing where there is none, and `None` if it is not UTF-8.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<Cow<'r, str>> {
        let raw = std::str::from_utf8(self.raw(column)).ok()?;
        let Some(inner) = raw.strip_prefix('"') else { return Some(Cow::Borrowed(raw)) };
        if let Some(simple) = inner.strip_suffix('"').filter(|inner| !inner.contains('"')) {
            return Some(Cow::Borrowed(simple));
        }
        let mut text = String::with_capacity(inner.len());
        let mut within = Within::Quoted;
        for character in inner.chars() {
            // Only ASCII moves the state, and every other character is part of the text.
            let (next, _) = within.step(u8::try_from(character).unwrap_or(b'x'));
            let quote = within == Within::Quoted && next == Within::Closing;
            if !quote {
                text.push(character);
            }
            within = next;
        }
        Some(Cow::Owned(text))
    }
}

/// Text as a cell, in quotes where it needs them.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(row: &[u8]) -> Vec<String> {
        let row = Row::of(row);
        (0..row.len()).map(|column| row.text(column).unwrap().into_owned()).collect()
    }

    /// Rows as this module cuts them, each with its end.
    fn rows(table: &[u8]) -> Vec<&[u8]> {
        let mut ends = RowEnds::new();
        table.split_inclusive(|byte| ends.ends_with(*byte)).collect()
    }

    #[test]
    fn cells_are_read_as_written() {
        let cases: [(&[u8], &[&str]); 10] = [
            (b"", &[""]),
            (b",", &["", ""]),
            (b"a,b c,d", &["a", "b c", "d"]),
            (br#""a,b","c""d","""#, &["a,b", "c\"d", ""]),
            (b"\"two\nlines\",x", &["two\nlines", "x"]),
            (br#"a"b,"c"#, &["a\"b", "c"]),
            (br#""a"b,"c"d"e"#, &["ab", "cd\"e"]),
            (br#" "a",b"#, &[" \"a\"", "b"]),
            (br#"""""#, &["\""]),
            ("é,\"ü\"\"\"".as_bytes(), &["é", "ü\""]),
        ];
        for (row, wanted) in cases {
            assert_eq!(texts(row), wanted, "{}", String::from_utf8_lossy(row));
        }
        let row = Row::of(b"\xff,b");
        assert_eq!((row.text(0), row.text(1).as_deref(), row.text(2).as_deref()), (None, Some("b"), Some("")));
        assert_eq!((row.raw(0), row.raw(2)), (b"\xff".as_slice(), b"".as_slice()));
        let marked = Row::header(b"\xef\xbb\xbf\"path\",x");
        assert_eq!(marked.text(0).as_deref(), Some("path"));
    }

    #[test]
    fn rows_end_where_no_quote_is_open() {
        assert_eq!(
            rows(b"\xef\xbb\xbf\"a\nb\",c\n\"d\"\r\n\ne\"\nf"),
            [b"\xef\xbb\xbf\"a\nb\",c\n".as_slice(), b"\"d\"\r\n", b"\n", b"e\"\n", b"f",]
        );
    }

    /// Every table of seven bytes that matter reads as the `csv` crate reads it.
    #[test]
    fn whatever_is_written_reads_as_the_csv_crate_reads_it() {
        let alphabet = *b"a\",\n";
        for number in 0..4usize.pow(7) {
            let table: Vec<u8> = (0..7).map(|place| alphabet[number / 4usize.pow(place) % 4]).collect();
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .terminator(csv::Terminator::Any(b'\n'))
                .buffer_capacity(64)
                .from_reader(table.as_slice());
            let wanted: Vec<Vec<String>> =
                reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            let found = rows(&table)
                .into_iter()
                .map(|row| row.strip_suffix(b"\n").filter(|row| Row::of(row).is_closed()).unwrap_or(row));
            // The crate passes over empty rows.
            let found: Vec<Vec<String>> = found.filter(|row| !row.is_empty()).map(texts).collect();
            assert_eq!(found, wanted, "{:?}", String::from_utf8_lossy(&table));
        }
    }

    #[test]
    fn cells_are_written_as_the_csv_crate_writes_them() {
        for text in ["", "a b", "a,b", "a\"b", "a\nb", "a\rb", "=1", "é"] {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["x", text]).unwrap();
            let wanted = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            assert_eq!(format!("x,{}\n", cell(text)), wanted);
        }
    }
}
