//! What a person or a program gets to see of a scan: the right output for the arguments and the terminal.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::args::{ColorArg, FailOn, ScanArgs};
use super::deliver::{self, DeliveryArgs, SendArgs};
use super::hunt::{Hunt, HuntOptions};
use super::progress::ProgressLine;
use super::run::View;
use super::story::{StoryOptions, story};
use super::style::Style;
use super::summary::{Summary, SummaryOptions};
use super::table::{SORTED_ROWS, Table, TableOptions};
use super::words::plural;
use crate::deliver::{AtomicFile, Envelope, Post};
use crate::hunt::Correlator;
use crate::output::{Filtered, Origin, Output, StatusFilter};
use crate::record::Record;
use crate::scan::{Progress, Tally};

type Out = BufWriter<StdoutLock<'static>>;

/// Takes records, shows them, counts them.
pub(super) struct Report {
    output: Filtered<Box<dyn Output>>,
    /// What `output` writes to, where that is a file.
    file: Option<AtomicFile>,
    /// What `output` writes to, where records are sent.
    post: Option<Post>,
    /// Compares the files with each other, where the view has a place for what that finds.
    correlator: Option<Correlator>,
    /// What to tell of findings in a format that has no place for them.
    unseen_findings: bool,
    summary: Option<Summary>,
    /// Whether findings are shown, and not files.
    below_findings: bool,
    filtered: bool,
    terminal: Terminal,
    fail_on: Option<FailOn>,
    progress: Option<ProgressLine>,
    streams: bool,
    /// How many catalogs are looked at.
    pub(super) catalogs: Option<u64>,
    /// Whether a record was at or above `--fail-on`.
    pub(super) failed: bool,
}

/// What standard output and standard error are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    /// Columns of standard output; 0 where it is no terminal.
    pub(super) out_width: usize,
    pub(super) out_colour: bool,
    /// Columns of standard error; 0 where it is no terminal.
    error_width: usize,
    error_colour: bool,
}

impl Terminal {
    pub(super) fn look(color: ColorArg) -> Terminal {
        // Columns of whichever stream is a terminal; one that is none is never cut.
        let width = |is_terminal: bool| match terminal_size::terminal_size() {
            Some((columns, _)) if is_terminal => usize::from(columns.0),
            _ => 0,
        };
        // https://no-color.org: any value that is not empty.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let colour = |is_terminal: bool| match color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => is_terminal && !refused && !dumb,
        };
        let (out, error) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Terminal {
            out_width: width(out),
            out_colour: colour(out),
            error_width: width(error),
            error_colour: colour(error),
        }
    }
}

impl Report {
    /// The report that the arguments ask for.
    pub(super) fn new(args: &ScanArgs, delivery: &DeliveryArgs, view: View) -> Result<Report, String> {
        let filters: Result<Vec<StatusFilter>, _> = args.status.iter().map(|word| word.parse()).collect();
        let filters = filters.map_err(|error| format!("--status: {error}"))?;
        let terminal = Terminal::look(args.color);
        let filtered = !filters.is_empty();
        let judged_at = args.judging.at.unwrap_or_else(super::run::now).to_rfc3339();
        let origin = Origin { host: args.judging.host.clone(), judged_at: Some(judged_at) };
        let file = delivery.output.as_deref().map(deliver::create).transpose()?;
        let post = deliver::open(&delivery.sending, args.quiet)?;
        let output = match (&file, view) {
            _ if post.is_some() => sending(post.as_ref(), view, &origin)?,
            (None, _) => open(view, &origin, terminal, args.quiet),
            (Some(file), View::Structured(format)) => {
                format.open(&origin, file.writer().map_err(|error| format!("--output: {error}"))?)
            }
            (Some(_), _) => return Err("--output needs a format for programs: --format FORMAT".to_owned()),
        };
        let elsewhere = file.is_some() || post.is_some();
        let to_terminal = matches!(view, View::Structured(_)) && !elsewhere && terminal.out_width > 0;
        Ok(Report {
            output: Filtered::new(output, filters),
            file,
            post,
            correlator: (!args.no_correlate && !args.judging.no_findings && view.correlates()).then(Correlator::new),
            unseen_findings: !args.quiet && matches!(view, View::Structured(format) if !format.takes_findings()),
            summary: (matches!(view, View::Table | View::Hunt(_)) && !args.quiet).then(Summary::default),
            below_findings: matches!(view, View::Hunt(_)),
            filtered,
            terminal,
            fail_on: args.fail_on,
            progress: None,
            streams: to_terminal,
            catalogs: None,
            failed: false,
        })
    }

    /// Draws how far the scan is, where somebody can see it.
    pub(super) fn start_progress(&mut self, args: &ScanArgs, progress: &Arc<Progress>) {
        if !args.quiet && self.terminal.error_width > 0 && !self.streams {
            self.progress = Some(ProgressLine::start(Arc::clone(progress)));
        }
    }

    /// Ends the drawing.
    pub(super) fn stop_progress(&mut self) {
        if let Some(progress) = self.progress.take() {
            progress.stop();
        }
    }

    /// Takes the next record.
    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        self.failed |= self.fail_on.is_some_and(|fail_on| fail_on.hit(record));
        if let Some(summary) = &mut self.summary {
            summary.add(record);
        }
        if let Some(correlator) = &mut self.correlator {
            correlator.add(record);
        }
        // From here on the table streams to the terminal that the progress line is on.
        if let Some(progress) = self.progress.as_ref().filter(|_| self.output.passed >= SORTED_ROWS as u64) {
            progress.hide();
        }
        self.output.record(record)
    }

    /// Ends the output and prints the summary.
    pub(super) fn finish(&mut self, tally: &Tally, elapsed: Duration, interrupted: bool) -> io::Result<()> {
        self.findings()?;
        self.output.finish(tally)?;
        // An interrupted scan is no complete one: what it wrote goes with the temporary file.
        if let Some(file) = self.file.take().filter(|_| !interrupted) {
            file.commit()?;
        }
        if let Some(summary) = &self.summary {
            let options = SummaryOptions {
                width: self.terminal.error_width,
                style: Style { colour: self.terminal.error_colour },
                elapsed: Some(elapsed),
                shown: self.filtered.then_some(self.output.passed),
                catalogs: self.catalogs,
                findings: self.fail_on.and_then(FailOn::severity),
                below_findings: self.below_findings,
            };
            let together = self.terminal.out_width > 0 && self.terminal.error_width > 0;
            let gap = if together { "\n" } else { "" };
            io::stderr().write_all(format!("{gap}{}", summary.render(tally, &options)).as_bytes())?;
        }
        if interrupted {
            let left = match tally.unjudged {
                0 => String::new(),
                count => format!(" {} found and not judged.", plural(count, "file was", "files were")),
            };
            writeln!(io::stderr(), "Interrupted: the scan is not complete.{left}")?;
        }
        Ok(())
    }
}

impl Report {
    /// Waits until what was sent has arrived; whether all has.
    pub(super) fn deliver(self, args: &SendArgs, interrupted: &AtomicBool, quiet: bool) -> Result<bool, String> {
        let Some(post) = self.post else { return Ok(true) };
        drop(self.output); // nothing writes to the spool any more
        deliver::finish(post, args, interrupted, quiet)
    }

    /// Gives out what the files have in common.
    fn findings(&mut self) -> io::Result<()> {
        let Some(correlator) = self.correlator.take() else { return Ok(()) };
        let (_, findings) = correlator.finish();
        let fail_on = self.fail_on;
        let mut hits = findings.iter().map(|finding| fail_on.is_some_and(|fail_on| fail_on.hit_by(finding.severity)));
        self.failed |= hits.any(|hit| hit); // whether or not somebody still reads them
        findings.iter().try_for_each(|finding| self.output.finding(finding))?;
        if self.unseen_findings && !findings.is_empty() {
            let have =
                plural(findings.len() as u64, "finding about several files has", "findings about several files have");
            writeln!(io::stderr(), "sigscan: {have} no place in this format; --json has them")?;
        }
        Ok(())
    }
}

/// What puts records into the spool.
fn sending(post: Option<&Post>, view: View, origin: &Origin) -> Result<Box<dyn Output>, String> {
    let format = match view {
        View::Structured(format) => format,
        _ => return Err("--send needs a format for programs: --format FORMAT".to_owned()),
    };
    let name = format.name();
    let none = || format!("--send takes formats of lines that stand alone, and {name} is none");
    let (post, envelope) = post.zip(Envelope::of(name)).ok_or_else(none)?;
    let output = format.open(origin, post.lines(envelope, name, origin.host.as_deref()));
    Ok(Box::new(deliver::Fitting(output)))
}

fn open(view: View, origin: &Origin, terminal: Terminal, quiet: bool) -> Box<dyn Output> {
    // Who reads a pipe gets a record when it is there, whatever comes after it and however long that takes.
    let room = if standard_output_is_a_file() { 64 * 1024 } else { 0 };
    let out = BufWriter::with_capacity(room, io::stdout().lock());
    match view {
        View::Structured(format) => format.open(origin, out),
        View::Hunt(min_severity) => {
            let style = Style { colour: terminal.out_colour };
            Box::new(Hunt::new(out, HuntOptions { width: terminal.out_width, style, min_severity }))
        }
        View::Story => Box::new(Stories { out, terminal, count: 0 }),
        View::Table => {
            let options = TableOptions {
                width: terminal.out_width,
                style: Style { colour: terminal.out_colour },
                sorted_rows: SORTED_ROWS,
            };
            let notes: Box<dyn Write> = if quiet { Box::new(io::sink()) } else { Box::new(io::stderr()) };
            Box::new(Table::new(out, notes, options))
        }
    }
}

#[cfg(unix)]
pub(super) fn standard_output_is_a_file() -> bool {
    use std::os::fd::AsFd;
    let file = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    file.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(not(unix))]
pub(super) fn standard_output_is_a_file() -> bool {
    false
}

/// The story of each record, for a person.
struct Stories {
    out: Out,
    terminal: Terminal,
    count: u64,
}

impl Output for Stories {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if self.count > 0 {
            self.out.write_all(b"\n")?;
        }
        self.count = self.count.saturating_add(1);
        let options = StoryOptions { width: self.terminal.out_width, colour: self.terminal.out_colour };
        self.out.write_all(story(record, &options).as_bytes())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.out.flush()
    }
}
