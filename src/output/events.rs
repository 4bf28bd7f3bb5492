//! Formats of events: one a file, one a finding, in this order. How one is spelled is all that they differ in.

use std::io;

use super::event::Alert;
use super::{Origin, Output, Record};
use crate::record::FindingLine;
use crate::scan::Tally;

/// How a format spells its events. `judged_at` is the moment of the last record, in RFC 3339.
pub(super) trait EventFormat {
    /// Writes the event of a file.
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()>;

    /// Writes the event of a finding.
    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()>;

    /// Ends the output.
    fn end(&mut self, tally: &Tally, judged_at: &str, origin: &Origin) -> io::Result<()>;
}

/// An [`Output`] in a format of events.
#[derive(Debug)]
pub struct Events<F> {
    format: F,
    origin: Origin,
    moment: Option<String>,
}

impl<F> Events<F> {
    pub(super) fn new(format: F, origin: Origin) -> Self {
        Events { format, origin, moment: None }
    }
}

/// The moment of what is about no single file: that of the last record, or else what the origin says, or else the first
/// second of 1970.
fn moment<'m>(last: Option<&'m String>, origin: &'m Origin) -> &'m str {
    last.or(origin.judged_at.as_ref()).map_or("1970-01-01T00:00:00Z", String::as_str)
}

impl<F: EventFormat> Output for Events<F> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if self.moment.as_ref() != Some(&record.judged_at) {
            self.moment = Some(record.judged_at.clone());
        }
        self.format.file(record, &self.origin)?;
        let mut alert = |finding| self.format.alert(&Alert::single(record, finding), &record.judged_at, &self.origin);
        record.findings.iter().try_for_each(&mut alert)
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        let judged_at = moment(self.moment.as_ref(), &self.origin);
        self.format.alert(&Alert::cross(finding), judged_at, &self.origin)
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let judged_at = moment(self.moment.as_ref(), &self.origin);
        self.format.end(tally, judged_at, &self.origin)
    }
}
