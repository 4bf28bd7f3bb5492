//! The formats by name: one row each, and the one place where a format is opened.

use std::io::Write;

use super::{Cef, Csv, Ecs, JsonArray, JsonLines, Leef, LogScale, Lookup, LookupKey, Mde, Ocsf, Output, Sarif};
use super::{SplunkHec, Sysmon};

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
    /// Elastic Common Schema.
    Ecs,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
    /// Static Analysis Results Interchange Format.
    Sarif,
    /// Columns of Microsoft Defender's DeviceFileCertificateInfo.
    Mde,
}

/// What a format says beside the records: a record knows nothing of the machine that its file is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The machine's name, where somebody gave it.
    pub host: Option<String>,
    /// The moment as of which files are judged, for what is said of none of them alone; RFC 3339.
    pub judged_at: Option<String>,
}

impl Format {
    /// All formats, in the order in which the help lists them.
    pub const ALL: [Format; 13] = [
        Format::Jsonl,
        Format::Json,
        Format::Csv,
        Format::Lookup(LookupKey::Sha256),
        Format::Leef,
        Format::Cef,
        Format::SplunkHec,
        Format::LogScale,
        Format::Sysmon,
        Format::Ecs,
        Format::Ocsf,
        Format::Sarif,
        Format::Mde,
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
            Format::Ecs => ("ecs", "Elastic Common Schema 9, an event a file and an event a finding", true),
            Format::Ocsf => ("ocsf", "Open Cybersecurity Schema Framework 1.8, an event a line", true),
            Format::Sarif => ("sarif", "SARIF 2.1.0, one document", true),
            Format::Mde => ("mde", "Microsoft Defender's DeviceFileCertificateInfo, a JSON array", false),
        }
    }

    /// A sink that writes this format to `writer`.
    pub fn open<W: Write + 'static>(self, origin: &Origin, writer: W) -> Box<dyn Output> {
        let own = origin.clone();
        match self {
            Format::Jsonl => Box::new(JsonLines::new(writer)),
            Format::Json => Box::new(JsonArray::new(writer)),
            Format::Csv => Box::new(Csv::new(writer)),
            Format::Lookup(key) => Box::new(Lookup::new(key, writer)),
            Format::Leef => Box::new(Leef::events(own, writer)),
            Format::Cef => Box::new(Cef::events(own, writer)),
            Format::SplunkHec => Box::new(SplunkHec::events(own, writer)),
            Format::LogScale => Box::new(LogScale::events(own, writer)),
            Format::Sysmon => Box::new(Sysmon::new(own, writer)),
            Format::Ecs => Box::new(Ecs::events(own, writer)),
            Format::Ocsf => Box::new(Ocsf::events(own, writer)),
            Format::Sarif => Box::new(Sarif::new(writer)),
            Format::Mde => Box::new(Mde::new(origin, writer)),
        }
    }
}
