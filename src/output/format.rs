//! The formats by name: one row each, and the one place where a format is opened.

use std::io::Write;

use super::{Csv, JsonArray, JsonLines, Output};

/// A format for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One record a line, as the JSON Schema describes it.
    Jsonl,
    /// One array of records.
    Json,
    /// A flat row a record.
    Csv,
}

/// What a format says beside the records: a record knows nothing of the machine that its file is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The machine's name, where somebody gave it.
    pub host: Option<String>,
}

impl Format {
    /// All formats, in the order in which the help lists them.
    pub const ALL: [Format; 3] = [Format::Jsonl, Format::Json, Format::Csv];

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
        }
    }

    /// A sink that writes this format to `writer`.
    pub fn open<W: Write + 'static>(self, origin: &Origin, writer: W) -> Box<dyn Output> {
        let _ = origin;
        match self {
            Format::Jsonl => Box::new(JsonLines::new(writer)),
            Format::Json => Box::new(JsonArray::new(writer)),
            Format::Csv => Box::new(Csv::new(writer)),
        }
    }
}
