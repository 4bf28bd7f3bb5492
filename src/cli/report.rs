//! What a person or a program gets to see of a scan.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Instant;

use super::args::ScanArgs;
use super::run::View;
use crate::record::Record;
use crate::scan::{Progress, Scanner, Tally};

/// Takes records, writes them, counts them.
pub(super) struct Report {
    out: BufWriter<io::StdoutLock<'static>>,
    fail_on: Option<super::args::FailOn>,
    /// Whether a record was at or above `--fail-on`.
    pub(super) failed: bool,
}

/// TMP
pub(super) struct Drawing;
impl Drawing {
    pub(super) fn stop(self) {}
}

impl Report {
    pub(super) fn new(args: &ScanArgs, _view: View) -> Result<Report, String> {
        Ok(Report { out: BufWriter::new(io::stdout().lock()), fail_on: args.fail_on, failed: false })
    }
    pub(super) fn start_progress(&self, _progress: &Arc<Progress>) -> Option<Drawing> {
        None
    }
    pub(super) fn record(&mut self, record: &Record) -> io::Result<()> {
        self.failed |= self.fail_on.is_some_and(|fail_on| fail_on.hit(record));
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")
    }
    pub(super) fn finish(
        &mut self,
        tally: &Tally,
        _scanner: &Scanner,
        started: Instant,
        _interrupted: bool,
    ) -> io::Result<()> {
        self.out.flush()?;
        eprintln!("{tally:?} {:?}", started.elapsed());
        Ok(())
    }
}
