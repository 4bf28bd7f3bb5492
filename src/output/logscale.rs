//! Events for LogScale's structured ingest (CrowdStrike LogScale documentation, "Ingesting Structured Data":
//! `POST /api/v1/ingest/humio-structured`).

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Alert, AlertEvent, FileEvent, Moment};
use super::{JsonLines, Origin, Output, Record};
use crate::record::FindingLine;
use crate::scan::Tally;

/// A group of one event a line: a request's body is a JSON array of such groups. The tags are two, `type` and `kind`
/// (`file` or `finding`), because each combination of tags costs LogScale a data source.
#[derive(Debug)]
pub struct LogScale<W> {
    lines: JsonLines<W>,
    origin: Origin,
    moment: Moment,
}

#[derive(Serialize)]
struct Group<'a, E: Serialize> {
    tags: Tags,
    events: [Event<'a, E>; 1],
}

#[derive(Serialize)]
struct Tags {
    r#type: &'static str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Event<'a, E: Serialize> {
    /// ISO 8601.
    timestamp: &'a str,
    attributes: E,
}

impl<W: Write> LogScale<W> {
    /// Groups that are written to `writer`.
    pub fn new(origin: Origin, writer: W) -> Self {
        LogScale { lines: JsonLines::new(writer), origin, moment: Moment::default() }
    }

    fn group<E: Serialize>(&mut self, kind: &'static str, attributes: E) -> io::Result<()> {
        let event = Event { timestamp: self.moment.text(), attributes };
        self.lines.line(&Group { tags: Tags { r#type: "sigscan", kind }, events: [event] })
    }

    fn alert(&mut self, alert: &Alert<'_>) -> io::Result<()> {
        let host = self.origin.host.clone();
        self.group("finding", AlertEvent::new(alert, host.as_deref()))
    }
}

impl<W: Write> Output for LogScale<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.moment.see(record);
        let host = self.origin.host.clone();
        self.group("file", FileEvent::new(record, host.as_deref()))?;
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
