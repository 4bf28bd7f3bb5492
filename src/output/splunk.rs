//! Events for Splunk's HTTP Event Collector (Splunk, "Format events for HTTP Event Collector").

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Alert, AlertEvent, FileEvent, Moment, PRODUCT};
use super::{JsonLines, Origin, Output, Record};
use crate::Time;
use crate::record::FindingLine;
use crate::scan::Tally;

/// An envelope a line: what the collector takes in one request or many. Records have the source type `sigscan:file`,
/// findings `sigscan:finding`.
#[derive(Debug)]
pub struct SplunkHec<W> {
    lines: JsonLines<W>,
    origin: Origin,
    moment: Moment,
}

#[derive(Serialize)]
struct Envelope<'a, E: Serialize> {
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    source: &'static str,
    sourcetype: &'static str,
    event: E,
}

impl<W: Write> SplunkHec<W> {
    /// Envelopes that are written to `writer`.
    pub fn new(origin: Origin, writer: W) -> Self {
        SplunkHec { lines: JsonLines::new(writer), origin, moment: Moment::default() }
    }

    fn envelope<E: Serialize>(&mut self, sourcetype: &'static str, event: E) -> io::Result<()> {
        let time = Time::parse_rfc3339(self.moment.text()).map(|time| time.0);
        let host = self.origin.host.as_deref();
        self.lines.line(&Envelope { time, host, source: PRODUCT, sourcetype, event })
    }

    fn alert(&mut self, alert: &Alert<'_>) -> io::Result<()> {
        let host = self.origin.host.clone();
        self.envelope("sigscan:finding", AlertEvent::new(alert, host.as_deref()))
    }
}

impl<W: Write> Output for SplunkHec<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.moment.see(record);
        let host = self.origin.host.clone();
        self.envelope("sigscan:file", FileEvent::new(record, host.as_deref()))?;
        for finding in &record.findings {
            self.alert(&Alert::single(record, finding))?;
        }
        Ok(())
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        self.alert(&Alert::cross(finding))
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.lines.finish(tally)
    }
}
