//! Verdicts, reasons and numbers in words that fit into a cell.

use super::style::Ink;
use crate::judge::{Reason, Status};
use crate::output::signer_name;
use crate::record::{Record, Severity, Signer};

/// What a person is told of a file: its status, with the self-signed apart from the otherwise untrusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The signature is broken or belongs to other bytes.
    Invalid,
    /// Revoked for the moment that counts.
    Revoked,
    /// Signed by a certificate that vouches for itself.
    SelfSigned,
    /// Intact, but leads to no trusted root, or not for this use.
    Untrusted,
    /// Out of its validity at the moment that counts.
    Expired,
    /// Not judged.
    Error,
    /// No signature at all.
    Unsigned,
    /// Everything holds.
    Valid,
}

impl Verdict {
    /// Every verdict, worst first: the order of the variants.
    pub const WORST_FIRST: [Verdict; 8] = [
        Verdict::Invalid,
        Verdict::Revoked,
        Verdict::SelfSigned,
        Verdict::Untrusted,
        Verdict::Expired,
        Verdict::Error,
        Verdict::Unsigned,
        Verdict::Valid,
    ];

    /// The verdict that a status and its reason amount to.
    #[must_use]
    pub fn of(status: Status, reason: Reason) -> Verdict {
        match status {
            Status::Invalid => Verdict::Invalid,
            Status::Revoked => Verdict::Revoked,
            Status::Untrusted if reason == Reason::SelfSigned => Verdict::SelfSigned,
            Status::Untrusted => Verdict::Untrusted,
            Status::Expired => Verdict::Expired,
            Status::Error => Verdict::Error,
            Status::Unsigned => Verdict::Unsigned,
            Status::Valid => Verdict::Valid,
        }
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Invalid => "Invalid",
            Verdict::Revoked => "Revoked",
            Verdict::SelfSigned => "Self-signed",
            Verdict::Untrusted => "Untrusted",
            Verdict::Expired => "Expired",
            Verdict::Error => "Error",
            Verdict::Unsigned => "Unsigned",
            Verdict::Valid => "Valid",
        }
    }
}

/// No text of [`short`] is longer.
pub const SHORT: usize = 19;

/// A reason in at most 19 characters; empty where the verdict's own word says it all.
#[must_use]
pub fn short(reason: Reason) -> &'static str {
    match reason {
        Reason::NotFound => "no such file",
        Reason::Io => "cannot be read",
        Reason::ChangedWhileReading => "changed during read",
        Reason::Limit => "limit reached",
        Reason::UnsupportedFormat => "format not read yet",
        Reason::UnsupportedSubject => "cannot carry one",
        Reason::CertPadding => "data in padding",
        Reason::Malformed => "malformed signature",
        Reason::BadDigest => "digest mismatch",
        Reason::BadAlgorithm => "refused algorithm",
        Reason::SignerSignature => "signature mismatch",
        Reason::NoSignerCert => "signer cert missing",
        Reason::ExplicitDistrust => "on disallowed list",
        Reason::CertSignature => "wrong issuer key",
        Reason::UnsupportedAlgorithm => "unknown algorithm",
        Reason::WeakSignature => "weak key or hash",
        Reason::CertRevoked => "certificate revoked",
        Reason::NoSignature | Reason::SelfSigned | Reason::Ok => "",
        Reason::UntrustedRoot => "untrusted root",
        Reason::RootEku => "root not for code",
        Reason::RootNotBefore => "after root cut-off",
        Reason::RootDisabled => "root disabled",
        Reason::ChainIncomplete => "issuer missing",
        Reason::WrongUsage => "not for this use",
        Reason::TimestampOutsideValidity => "stamped out of term",
        Reason::CertExpired => "certificate expired",
        Reason::CertNotYetValid => "not yet valid",
        Reason::LifetimeExpired => "lifetime ended",
        Reason::NameConstraint => "name not permitted",
        Reason::Policy => "policy not met",
        Reason::BasicConstraints => "issuer is no CA",
        Reason::PathLen => "chain too long",
        Reason::CriticalExt => "critical extension",
        Reason::TimestampInvalid => "broken timestamp",
        Reason::TimestampUntrusted => "untrusted timestamp",
        Reason::KernelPolicy => "refused by kernel",
        Reason::RevocationUnknown => "revocation unknown",
    }
}

/// A signer's name, whatever there is of it.
#[must_use]
pub fn name_of(signer: &Signer) -> &str {
    signer_name(signer).unwrap_or("a certificate without a name")
}

/// The name in a distinguished name as records write it: the common name, else the organization, else all of it.
#[must_use]
pub fn name_in(subject: &str) -> String {
    let attributes = attributes_of(subject);
    // Records write the most specific attribute first and take the first in file order: the last one here.
    let value = |title: &str| attributes.iter().rev().find(|(known, _)| known == title).map(|(_, value)| value.clone());
    let known = value("CN").or_else(|| value("O")).filter(|name| !name.trim().is_empty());
    known.unwrap_or_else(|| if subject.is_empty() { "(no name)".to_owned() } else { subject.to_owned() })
}

/// Title and value of each attribute; quoted values without their quotes.
fn attributes_of(subject: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut characters = subject.chars().peekable();
    while let Some(character) = characters.next() {
        quoted ^= character == '"';
        if character == ',' && !quoted && characters.next_if_eq(&' ').is_some() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    let pairs = parts.iter().filter_map(|part| part.split_once('='));
    pairs
        .map(|(title, value)| {
            let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (title.to_owned(), bare.map_or_else(|| value.to_owned(), |value| value.replace("\"\"", "\"")))
        })
        .collect()
}

/// `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`.
#[must_use]
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number of bytes in decimal units: `999 bytes`, `1.2 GB`.
#[must_use]
pub fn sized(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            #[allow(clippy::cast_precision_loss)] // three digits are shown
            let value = bytes as f64 / unit as f64;
            return if value < 10.0 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") };
        }
    }
    plural(bytes, "byte", "bytes")
}

/// `2026-06-01T00:00:00Z` as `2026-06-01 00:00:00 UTC`.
#[must_use]
pub fn moment(time: &str) -> String {
    match time.strip_suffix('Z').and_then(|time| time.split_once('T')) {
        Some((date, clock)) => format!("{date} {clock} UTC"),
        None => time.to_owned(),
    }
}

/// The date of a moment.
#[must_use]
pub fn date(time: &str) -> &str {
    time.split_once('T').map_or(time, |(date, _)| date)
}

/// The signer that a record names, and whether the signature holds.
#[must_use]
pub fn signer_of(record: &Record) -> Option<(&Signer, bool)> {
    let verified = record.signer.as_ref().map(|signer| (signer, true));
    verified.or_else(|| record.claimed_signer.as_ref().map(|signer| (signer, false)))
}

/// How a severity looks, and its word.
#[must_use]
pub fn severity(severity: Severity) -> (Ink, &'static str) {
    match severity {
        Severity::Critical => (Ink::Bad, "CRITICAL"),
        Severity::High => (Ink::Bad, "HIGH"),
        Severity::Medium => (Ink::Doubtful, "MEDIUM"),
        Severity::Low => (Ink::Plain, "LOW"),
        Severity::Info => (Ink::Faint, "INFO"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::TABLE;

    #[test]
    fn reasons_are_short_and_all_but_three_say_something() {
        assert!(TABLE.iter().all(|row| short(row.reason).len() <= SHORT));
        assert_eq!(TABLE.iter().filter(|row| short(row.reason).is_empty()).count(), 3);
    }

    #[test]
    fn names_are_found_in_subjects() {
        let cases = [
            ("CN=Good Company, O=Good, C=XX", "Good Company"),
            ("O=Good, C=XX", "Good"),
            ("CN=\"Good, Inc.\", O=Good", "Good, Inc."),
            ("CN=\"say \"\"hi\"\", CN=Microsoft\", O=x", "say \"hi\", CN=Microsoft"),
            ("O=\"x, CN=Microsoft\", CN=Mallory", "Mallory"),
            ("CN=Second, CN=First", "First"),
            ("E=a@b", "E=a@b"),
            ("", "(no name)"),
            ("CN=\"", "\""),
        ];
        for (subject, name) in cases {
            assert_eq!(name_in(subject), name, "{subject}");
        }
    }

    #[test]
    fn numbers_and_moments_are_readable() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 999, 1500, 12_345_678].map(sized), ["1 byte", "999 bytes", "1.5 kB", "12 MB"]);
        assert_eq!(moment("2026-06-01T00:00:00Z"), "2026-06-01 00:00:00 UTC");
        assert_eq!(date("2026-06-01T00:00:00Z"), "2026-06-01");
        assert_eq!(moment("odd"), "odd");
    }
}
