//! Events for Splunk's HTTP Event Collector (Splunk, "Format events for HTTP Event Collector").

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Alert, AlertEvent, FileEvent, PRODUCT};
use super::events::{EventFormat, Events};
use super::{JsonLines, Origin, Output, Record};
use crate::Time;
use crate::scan::Tally;

/// An envelope a line: what the collector takes in one request or many. Records have the source type `sigscan:file`,
/// findings `sigscan:finding`.
#[derive(Debug)]
pub struct SplunkHec<W> {
    lines: JsonLines<W>,
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
    pub fn events(origin: Origin, writer: W) -> Events<Self> {
        Events::new(SplunkHec { lines: JsonLines::new(writer) }, origin)
    }

    pub(super) fn envelope<E: Serialize>(
        &mut self,
        sourcetype: &'static str,
        judged_at: &str,
        host: Option<&str>,
        event: E,
    ) -> io::Result<()> {
        let time = Time::parse_rfc3339(judged_at).map(|time| time.0);
        self.lines.line(&Envelope { time, host, source: PRODUCT, sourcetype, event })
    }
}

impl<W: Write> SplunkHec<W> {
    pub(super) fn lines(writer: W) -> Self {
        SplunkHec { lines: JsonLines::new(writer) }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.lines.end()
    }
}

impl<W: Write> EventFormat for SplunkHec<W> {
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()> {
        let host = origin.host.as_deref();
        self.envelope("sigscan:file", &record.judged_at, host, FileEvent::new(record, host))
    }

    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()> {
        let host = origin.host.as_deref();
        self.envelope("sigscan:finding", judged_at, host, AlertEvent::new(alert, host))
    }

    fn end(&mut self, tally: &Tally, _: &str, _: &Origin) -> io::Result<()> {
        self.lines.finish(tally)
    }
}
