//! Records leave: one file a format, each behind the same trait.
//!
//! Whatever comes out of a file under examination is hostile until its sink has escaped it: [`escape`] holds
//! the rules, and every format applies its own.

mod attack;
mod cef;
mod csv;
mod detection;
mod ecs;
pub mod escape;
mod event;
mod events;
mod filter;
mod format;
mod identity;
mod json;
mod jsonl;
mod leef;
mod logscale;
mod lookup;
mod mde;
mod ocsf;
#[cfg(test)]
pub(crate) mod samples;
mod sarif;
mod splunk;
mod sysmon;

use std::io;

pub use self::cef::Cef;
pub use self::csv::Csv;
pub use detection::Detections;
pub use ecs::{ECS_VERSION, Ecs, ecs_fields, elastic_status};
pub use events::Events;
pub use filter::{Filtered, StatusFilter, UnknownStatus};
pub use format::{Format, Origin};
pub use json::JsonArray;
pub use jsonl::JsonLines;
pub use leef::Leef;
pub use logscale::LogScale;
pub(crate) use lookup::{COLUMNS as LOOKUP_COLUMNS, row as lookup_row};
pub use lookup::{Lookup, LookupKey};
pub use mde::Mde;
pub use ocsf::{OCSF_VERSION, Ocsf};
pub use sarif::Sarif;
pub use splunk::SplunkHec;
pub(crate) use sysmon::event_fields as sysmon_fields;
pub use sysmon::{Sysmon, SysmonSignature, signature_fields};

use crate::record::{FindingLine, Record, Signer};
use crate::scan::Tally;

/// A sink for records in one format.
pub trait Output {
    /// Takes the next record. Structured formats write it at once.
    ///
    /// # Errors
    /// Errors of writing.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Takes a finding about several files, after the last record. Formats that have no place for one drop it.
    ///
    /// # Errors
    /// Errors of writing.
    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        let _ = finding;
        Ok(())
    }

    /// Ends the output after the last record and finding.
    ///
    /// # Errors
    /// Errors of writing.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}

/// Any value as one line of JSON without a line end, with the escapes of every line that leaves.
#[must_use]
pub fn json_text<T: serde::Serialize>(value: &T) -> String {
    let mut text = Vec::new();
    // A vector takes everything, and no key of what leaves is anything but a string.
    let written = json::append(value, &mut text).map(|()| text);
    written.ok().and_then(|text| String::from_utf8(text).ok()).unwrap_or_default()
}

/// A signer's name: the common name, else the organization, else the whole subject; `None` when all are blank.
#[must_use]
pub fn signer_name(signer: &Signer) -> Option<&str> {
    let names = [signer.common_name.as_deref(), signer.organization.as_deref(), Some(signer.subject.as_str())];
    names.into_iter().flatten().find(|name| !name.trim().is_empty())
}

impl<O: Output + ?Sized> Output for Box<O> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        (**self).record(record)
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        (**self).finding(finding)
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        (**self).finish(tally)
    }
}
