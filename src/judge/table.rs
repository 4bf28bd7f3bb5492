//! The decision table: every reason once, in the order in which it decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Status of a file or a signature, in the SIEM's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Status {
    /// Digest, signature, chain, time and usage all hold.
    Valid,
    /// The signature is broken or belongs to other bytes.
    Invalid,
    /// Out of its validity at the moment that counts.
    Expired,
    /// Revoked for the moment that counts.
    Revoked,
    /// Intact, but leads to no trusted root, or not for this use.
    Untrusted,
    /// No signature at all.
    Unsigned,
    /// Not judged.
    Error,
}

impl Status {
    /// Every status, worst first.
    pub const WORST_FIRST: [Status; 7] = [
        Status::Invalid,
        Status::Revoked,
        Status::Untrusted,
        Status::Expired,
        Status::Error,
        Status::Unsigned,
        Status::Valid,
    ];

    /// 6 for the worst, 0 for Valid.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Status::Invalid => 6,
            Status::Revoked => 5,
            Status::Untrusted => 4,
            Status::Expired => 3,
            Status::Error => 2,
            Status::Unsigned => 1,
            Status::Valid => 0,
        }
    }

    /// The word that records carry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Status::Valid => "Valid",
            Status::Invalid => "Invalid",
            Status::Expired => "Expired",
            Status::Revoked => "Revoked",
            Status::Untrusted => "Untrusted",
            Status::Unsigned => "Unsigned",
            Status::Error => "Error",
        }
    }
}

/// Why a status was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // each is explained by its row in TABLE
pub enum Reason {
    NoSignature,
    UnsupportedSubject,
    CertPadding,
    Malformed,
    BadDigest,
    BadAlgorithm,
    SignerSignature,
    NoSignerCert,
    ExplicitDistrust,
    CertSignature,
    UnsupportedAlgorithm,
    WeakSignature,
    CertRevoked,
    SelfSigned,
    UntrustedRoot,
    RootEku,
    RootNotBefore,
    RootDisabled,
    ChainIncomplete,
    WrongUsage,
    TimestampOutsideValidity,
    CertExpired,
    CertNotYetValid,
    LifetimeExpired,
    NameConstraint,
    Policy,
    BasicConstraints,
    PathLen,
    CriticalExt,
    TimestampInvalid,
    TimestampUntrusted,
    KernelPolicy,
    RevocationUnknown,
    Io,
    NotFound,
    Limit,
    ChangedWhileReading,
    UnsupportedFormat,
    Ok,
}

/// One row of the decision table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The row of the published table (`semantics.md` section 0.2) that this one implements; empty for rows of
    /// sigscan's own.
    pub row: &'static str,
    /// The code in records.
    pub reason: Reason,
    /// The status it gives.
    pub status: Status,
    /// What WinVerifyTrust returns; `None` where nothing was judged.
    pub hresult: Option<u32>,
    /// The code as text.
    pub code: &'static str,
    /// What it means, for a person.
    pub meaning: &'static str,
}

const fn row(
    row: &'static str,
    reason: Reason,
    status: Status,
    hresult: u32,
    code: &'static str,
    meaning: &'static str,
) -> Row {
    Row { row, reason, status, hresult: Some(hresult), code, meaning }
}

const fn error(reason: Reason, code: &'static str, meaning: &'static str) -> Row {
    Row { row: "", reason, status: Status::Error, hresult: None, code, meaning }
}

/// The decision table. The first row that matches gives status and reason, all other matching rows go to
/// `other_reasons`. Errors that stop judging come first: nothing else is known then. Order of the rest: the
/// object, its CMS, explicit distrust, the chain in the order that Microsoft documents for base policy
/// errors, usage, time, timestamp.
pub const TABLE: &[Row] = &[
    error(Reason::NotFound, "not-found", "there is no such file"),
    error(Reason::Io, "io", "the file could not be read, or sigscan failed on it"),
    error(Reason::ChangedWhileReading, "changed-while-reading", "the file changed while it was being read"),
    error(Reason::Limit, "limit", "a documented limit was reached before a verdict was possible"),
    error(Reason::UnsupportedFormat, "unsupported-format", "a kind of signed file that sigscan does not read yet"),
    row("1", Reason::NoSignature, Status::Unsigned, 0x800b_0100, "no-signature", "the file carries no signature"),
    row(
        "1a",
        Reason::UnsupportedSubject,
        Status::Unsigned,
        0x800b_0003,
        "unsupported-subject",
        "a kind of file that cannot carry a signature",
    ),
    row(
        "1b",
        Reason::CertPadding,
        Status::Invalid,
        0x800b_0100,
        "cert-padding",
        "bytes that are not zero follow the signature inside its table entry (strict padding check)",
    ),
    row(
        "2",
        Reason::Malformed,
        Status::Invalid,
        0x8009_200d,
        "malformed",
        "what stands in the place of a signature is not as the format demands",
    ),
    row(
        "3",
        Reason::BadDigest,
        Status::Invalid,
        0x8009_6010,
        "bad-digest",
        "the file's content is not the content that was signed",
    ),
    row(
        "3a",
        Reason::BadAlgorithm,
        Status::Invalid,
        0x8009_0008,
        "bad-algorithm",
        "the signature uses an algorithm that Windows refuses",
    ),
    row(
        "4",
        Reason::SignerSignature,
        Status::Invalid,
        0x8009_6004,
        "signer-signature",
        "the signer's key does not confirm the signature",
    ),
    row(
        "4a",
        Reason::NoSignerCert,
        Status::Invalid,
        0x8009_6002,
        "no-signer-cert",
        "the signer's certificate is not in the signature",
    ),
    row(
        "5",
        Reason::ExplicitDistrust,
        Status::Untrusted,
        0x800b_0111,
        "explicit-distrust",
        "a certificate of the chain is on a disallowed list",
    ),
    row(
        "6",
        Reason::CertSignature,
        Status::Invalid,
        0x8009_6004,
        "cert-signature",
        "a certificate of the chain is not confirmed by its issuer's key",
    ),
    error(
        Reason::UnsupportedAlgorithm,
        "unsupported-algorithm",
        "the signature uses an algorithm that sigscan cannot verify, although Windows might",
    ),
    row(
        "6a",
        Reason::WeakSignature,
        Status::Untrusted,
        0x8009_6004,
        "weak-signature",
        "the chain rests on a key or hash that Windows no longer accepts",
    ),
    row(
        "7",
        Reason::CertRevoked,
        Status::Revoked,
        0x800b_010c,
        "cert-revoked",
        "a certificate of the chain was revoked at the moment that counts",
    ),
    row(
        "8",
        Reason::SelfSigned,
        Status::Untrusted,
        0x800b_0109,
        "self-signed",
        "the signer's certificate is signed by itself alone and trusted by nobody",
    ),
    row(
        "9",
        Reason::UntrustedRoot,
        Status::Untrusted,
        0x800b_0109,
        "untrusted-root",
        "the chain ends in a root that is not trusted",
    ),
    row("9a", Reason::RootEku, Status::Untrusted, 0x800b_0110, "root-eku", "the root is trusted, but not for this use"),
    row(
        "9b",
        Reason::RootNotBefore,
        Status::Untrusted,
        0x800b_0109,
        "root-not-before",
        "the root is trusted only for certificates issued before a date, and this one is later",
    ),
    row(
        "9c",
        Reason::RootDisabled,
        Status::Untrusted,
        0x800b_010c,
        "root-disabled",
        "the root is trusted only for signatures timestamped before a date, and this one is not",
    ),
    row(
        "10",
        Reason::ChainIncomplete,
        Status::Untrusted,
        0x800b_010a,
        "chain-incomplete",
        "an issuer's certificate is missing, so no root is reached",
    ),
    row(
        "11",
        Reason::WrongUsage,
        Status::Untrusted,
        0x800b_0110,
        "wrong-usage",
        "a certificate of the chain is not meant for this use",
    ),
    row(
        "12",
        Reason::TimestampOutsideValidity,
        Status::Expired,
        0x800b_0101,
        "timestamp-outside-validity",
        "the timestamp lies outside the validity of the signer's certificate",
    ),
    row(
        "12",
        Reason::CertExpired,
        Status::Expired,
        0x800b_0101,
        "cert-expired",
        "a certificate of the chain had expired at the moment that counts",
    ),
    row(
        "12",
        Reason::CertNotYetValid,
        Status::Expired,
        0x800b_0101,
        "cert-not-yet-valid",
        "a certificate of the chain was not yet valid at the moment that counts",
    ),
    row(
        "12",
        Reason::LifetimeExpired,
        Status::Expired,
        0x800b_0101,
        "lifetime-expired",
        "the signer's certificate has expired and asks that its timestamps end with it",
    ),
    row(
        "13",
        Reason::NameConstraint,
        Status::Untrusted,
        0x800b_0114,
        "name-constraint",
        "an issuer of the chain may not certify this name",
    ),
    row(
        "13",
        Reason::Policy,
        Status::Untrusted,
        0x800b_0113,
        "policy",
        "the chain does not fulfil a certificate policy that it demands itself",
    ),
    row(
        "13",
        Reason::BasicConstraints,
        Status::Untrusted,
        0x8009_6019,
        "basic-constraints",
        "a certificate of the chain issued another one without being a CA",
    ),
    row(
        "13",
        Reason::PathLen,
        Status::Untrusted,
        0x8009_6019,
        "path-len",
        "the chain is longer than one of its CAs may have it",
    ),
    row(
        "13",
        Reason::CriticalExt,
        Status::Untrusted,
        0x800b_0105,
        "critical-ext",
        "a certificate of the chain holds a critical extension that nobody here understands",
    ),
    row(
        "14",
        Reason::TimestampInvalid,
        Status::Invalid,
        0x8009_6005,
        "timestamp-invalid",
        "the timestamp is broken or belongs to another signature",
    ),
    row(
        "14",
        Reason::TimestampUntrusted,
        Status::Untrusted,
        0x8009_6005,
        "timestamp-untrusted",
        "the timestamp is intact, but its authority is not trusted",
    ),
    // ERROR_INVALID_IMAGE_HASH, what a service controller reports when the kernel refuses a driver.
    row(
        "",
        Reason::KernelPolicy,
        Status::Untrusted,
        0x8007_0241,
        "kernel-policy",
        "the signature is sound, and the kernel of Windows 10 is not sure to load the driver (kernel policy)",
    ),
    row(
        "15",
        Reason::RevocationUnknown,
        Status::Untrusted,
        0x800b_010e,
        "revocation-unknown",
        "it could not be determined whether a certificate of the chain is revoked",
    ),
    row("16", Reason::Ok, Status::Valid, 0, "ok", "everything that was checked holds"),
];

impl Reason {
    /// The reason's row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        // Every reason has a row (a test says so); the last one is only named to make this total.
        const OK: Row = row("16", Reason::Ok, Status::Valid, 0, "ok", "everything that was checked holds");
        TABLE.iter().find(|row| row.reason == self).unwrap_or(&OK)
    }

    /// The status it gives.
    #[must_use]
    pub fn status(self) -> Status {
        self.row().status
    }

    /// The code in records.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// Position in the table: smaller decides first.
    #[must_use]
    pub fn position(self) -> usize {
        TABLE.iter().position(|row| row.reason == self).unwrap_or(usize::MAX)
    }

    /// The HRESULT as records write it.
    #[must_use]
    pub fn hresult(self) -> Option<String> {
        self.row().hresult.map(|code| format!("0x{code:08X}"))
    }
}

/// Sorts reasons into table order without repetition: the first decides, the rest are the other reasons.
/// No reason at all is [`Reason::Ok`].
#[must_use]
pub fn first_in_table(mut reasons: Vec<Reason>) -> (Reason, Vec<Reason>) {
    reasons.sort_by_key(|reason| reason.position());
    reasons.dedup();
    let mut reasons = reasons.into_iter();
    let first = reasons.next().unwrap_or(Reason::Ok);
    (first, reasons.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_serialised_names_and_rows_are_unique() {
        for row in TABLE {
            assert_eq!(serde_json::to_value(row.reason).unwrap(), row.code);
            assert_eq!(TABLE.iter().filter(|other| other.reason == row.reason).count(), 1);
            assert_eq!(row.hresult.is_none(), row.status == Status::Error);
        }
        assert_eq!(TABLE.len(), 39);
    }

    #[test]
    fn digest_beats_root_and_root_beats_time() {
        let (first, rest) = first_in_table(vec![Reason::CertExpired, Reason::UntrustedRoot, Reason::BadDigest]);
        assert_eq!((first, rest), (Reason::BadDigest, vec![Reason::UntrustedRoot, Reason::CertExpired]));
        assert_eq!(first_in_table(Vec::new()).0, Reason::Ok);
    }
}
