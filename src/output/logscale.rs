//! Events for LogScale's structured ingest (CrowdStrike LogScale documentation, "Ingesting Structured Data":
//! `POST /api/v1/ingest/humio-structured`).

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Alert, AlertEvent, FileEvent};
use super::events::{EventFormat, Events};
use super::{JsonLines, Origin, Output, Record};
use crate::scan::Tally;

/// A group of one event a line: a request's body is a JSON array of such groups. The tags are two, `type` and `kind`
/// (`file` or `finding`), because each combination of tags costs LogScale a data source.
#[derive(Debug)]
pub struct LogScale<W> {
    lines: JsonLines<W>,
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
    pub fn events(origin: Origin, writer: W) -> Events<Self> {
        Events::new(LogScale { lines: JsonLines::new(writer) }, origin)
    }

    pub(super) fn group<E: Serialize>(&mut self, kind: &'static str, timestamp: &str, attributes: E) -> io::Result<()> {
        let event = Event { timestamp, attributes };
        self.lines.line(&Group { tags: Tags { r#type: "sigscan", kind }, events: [event] })
    }
}

impl<W: Write> LogScale<W> {
    pub(super) fn lines(writer: W) -> Self {
        LogScale { lines: JsonLines::new(writer) }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.lines.end()
    }
}

impl<W: Write> EventFormat for LogScale<W> {
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()> {
        self.group("file", &record.judged_at, FileEvent::new(record, origin.host.as_deref()))
    }

    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()> {
        self.group("finding", judged_at, AlertEvent::new(alert, origin.host.as_deref()))
    }

    fn end(&mut self, tally: &Tally, _: &str, _: &Origin) -> io::Result<()> {
        self.lines.finish(tally)
    }
}
