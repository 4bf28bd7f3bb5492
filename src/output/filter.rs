//! Which records are given out: by status, in the words that people read.

use std::io;
use std::str::FromStr;

use super::Output;
use crate::judge::{Reason, Status};
use crate::record::{FindingLine, Record};
use crate::scan::Tally;

/// A status to keep. `Untrusted` includes the self-signed, which can also be asked for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// Every record with this status.
    Status(Status),
    /// Records that are untrusted because their signer signed itself.
    SelfSigned,
}

impl StatusFilter {
    /// The words that [`StatusFilter::from_str`] takes, whatever their case.
    pub const NAMES: [&'static str; 8] =
        ["valid", "invalid", "expired", "revoked", "untrusted", "unsigned", "error", "self-signed"];

    /// Whether the record is one of those.
    #[must_use]
    pub fn keep(&self, record: &Record) -> bool {
        match self {
            StatusFilter::Status(status) => record.status == *status,
            StatusFilter::SelfSigned => record.status == Status::Untrusted && record.reason == Reason::SelfSigned,
        }
    }
}

/// A word that is no status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownStatus(String);

impl std::fmt::Display for UnknownStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = super::escape::for_terminal(&self.0);
        write!(f, "'{word}' is no status: expected one of {}", StatusFilter::NAMES.join(", "))
    }
}

impl std::error::Error for UnknownStatus {}

impl FromStr for StatusFilter {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        if word.eq_ignore_ascii_case("self-signed") {
            return Ok(StatusFilter::SelfSigned);
        }
        let status = Status::WORST_FIRST.into_iter().find(|status| status.name().eq_ignore_ascii_case(word));
        status.map(StatusFilter::Status).ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}

/// Passes on the records that one of the filters keeps; without filters, all.
#[derive(Debug)]
pub struct Filtered<O> {
    output: O,
    filters: Vec<StatusFilter>,
    /// Records passed on.
    pub passed: u64,
}

impl<O: Output> Filtered<O> {
    /// Puts filters before an output.
    pub fn new(output: O, filters: Vec<StatusFilter>) -> Self {
        Filtered { output, filters, passed: 0 }
    }
}

impl<O: Output> Output for Filtered<O> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if !self.filters.is_empty() && !self.filters.iter().any(|filter| filter.keep(record)) {
            return Ok(());
        }
        self.passed = self.passed.saturating_add(1);
        self.output.record(record)
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        self.output.finding(finding)
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.output.finish(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn every_word_parses_whatever_its_case() {
        for name in StatusFilter::NAMES {
            assert!(name.parse::<StatusFilter>().is_ok(), "{name}");
            assert_eq!(name.to_uppercase().parse::<StatusFilter>(), name.parse::<StatusFilter>());
        }
        assert_eq!("Expired".parse(), Ok(StatusFilter::Status(Status::Expired)));
        let error = "good\u{1b}".parse::<StatusFilter>().unwrap_err().to_string();
        assert!(error.starts_with("'good\\x1b' is no status: expected one of valid, invalid"), "{error}");
    }

    #[test]
    fn untrusted_includes_self_signed_and_not_the_other_way_round() {
        let mut record = samples::valid();
        record.status = Status::Untrusted;
        record.reason = Reason::SelfSigned;
        assert!(StatusFilter::SelfSigned.keep(&record));
        assert!(StatusFilter::Status(Status::Untrusted).keep(&record));
        record.reason = Reason::ChainIncomplete;
        assert!(!StatusFilter::SelfSigned.keep(&record));
        assert!(StatusFilter::Status(Status::Untrusted).keep(&record));
        assert!(!StatusFilter::Status(Status::Valid).keep(&record));
    }

    #[test]
    fn a_self_signed_file_that_was_changed_is_invalid() {
        let mut record = samples::valid();
        (record.status, record.reason, record.self_signed) = (Status::Invalid, Reason::BadDigest, true);
        assert!(!StatusFilter::SelfSigned.keep(&record));
    }
}
