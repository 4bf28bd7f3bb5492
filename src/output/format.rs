//! The formats by name: one row each, and the one place where a format is opened.

use std::io::Write;

use super::{Cef, Csv, JsonArray, JsonLines, Leef, LogScale, Lookup, LookupKey, Output, SplunkHec, Sysmon};

/// A format for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One record a line, as the JSON Schema describes it.
    Jsonl,
    /// One array of records.
    Json,
    /// A flat row a record.
    Csv,
    /// A row a key.
    Lookup(LookupKey),
    /// Log Event Extended Format 2.0.
    Leef,
    /// Common Event Format.
    Cef,
    /// Envelopes for the HTTP Event Collector.
    SplunkHec,
    /// Groups for structured ingest.
    LogScale,
    /// The names of Sysmon's Event ID 7.
    Sysmon,
}

/// What a format says beside the records: a record knows nothing of the machine that its file is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The machine's name, where somebody gave it.
    pub host: Option<String>,
}

impl Format {
    /// All formats, in the order in which the help lists them.
    pub const ALL: [Format; 9] = [
        Format::Jsonl,
        Format::Json,
        Format::Csv,
        Format::Lookup(LookupKey::Sha256),
        Format::Leef,
        Format::Cef,
        Format::SplunkHec,
        Format::LogScale,
        Format::Sysmon,
    ];

    /// The word that chooses it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it is, in a line.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().1
    }

    /// Whether it has a place for findings about several files; [`Output::finding`] does nothing in others.
    #[must_use]
    pub fn takes_findings(self) -> bool {
        self.row().2
    }

    fn row(self) -> (&'static str, &'static str, bool) {
        match self {
            Format::Jsonl => ("jsonl", "One JSON record a line", true),
            Format::Json => ("json", "One JSON array", true),
            Format::Csv => ("csv", "Comma-separated values", false),
            Format::Lookup(_) => ("lookup", "CSV with one row a key, for lookups (see --lookup-key)", false),
            Format::Leef => ("leef", "LEEF 2.0, for QRadar", true),
            Format::Cef => ("cef", "CEF, for ArcSight and others", true),
            Format::SplunkHec => ("splunk-hec", "Envelopes for Splunk's HTTP Event Collector, one a line", true),
            Format::LogScale => ("logscale", "Groups for LogScale's structured ingest, one a line", true),
            Format::Sysmon => ("sysmon", "JSON Lines in the field names of Sysmon's Event ID 7", false),
        }
    }

    /// A sink that writes this format to `writer`.
    pub fn open<W: Write + 'static>(self, origin: &Origin, writer: W) -> Box<dyn Output> {
        let origin = origin.clone();
        match self {
            Format::Jsonl => Box::new(JsonLines::new(writer)),
            Format::Json => Box::new(JsonArray::new(writer)),
            Format::Csv => Box::new(Csv::new(writer)),
            Format::Lookup(key) => Box::new(Lookup::new(key, writer)),
            Format::Leef => Box::new(Leef::new(origin, writer)),
            Format::Cef => Box::new(Cef::new(origin, writer)),
            Format::SplunkHec => Box::new(SplunkHec::new(origin, writer)),
            Format::LogScale => Box::new(LogScale::new(origin, writer)),
            Format::Sysmon => Box::new(Sysmon::new(origin, writer)),
        }
    }
}
