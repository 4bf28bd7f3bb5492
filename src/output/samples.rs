//! Records for the tests of the formats.

use crate::asn1::Time;
use crate::judge::{Reason, Status};
use crate::record::{
    AppliedPolicy, Format, Record, Signer, TimestampKind, TimestampSummary, TrustStoreName, VersionInfo, error_record,
};
use crate::trust::TrustStore;

/// A path that does not exist.
pub(crate) fn missing() -> Record {
    let now = Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap();
    let store = TrustStore::from_roots(&crate::trust::Provenance::default(), &[]);
    error_record(
        "gone.exe",
        Format::Other,
        Reason::NotFound,
        "no such file".to_owned(),
        now,
        AppliedPolicy::default(),
        &store,
    )
}

/// A file with a verified signer and a verified timestamp.
pub(crate) fn valid() -> Record {
    let digests = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Record {
        path: "dir/good.exe".to_owned(),
        size: Some(4096),
        format: Format::Pe,
        status: Status::Valid,
        reason: Reason::Ok,
        hresult: Reason::Ok.hresult(),
        signer: Some(Signer {
            subject: "CN=Good Company, O=Good".to_owned(),
            common_name: Some("Good Company".to_owned()),
            organization: Some("Good".to_owned()),
            issuer: "CN=Good CA".to_owned(),
            serial: "1A2B".to_owned(),
            thumbprint_sha1: "11".to_owned(),
            thumbprint_sha256: "22".to_owned(),
            not_before: Some("2024-01-01T00:00:00Z".to_owned()),
            not_after: Some("2028-01-01T00:00:00Z".to_owned()),
        }),
        timestamp: Some(TimestampSummary {
            time: Some("2025-03-01T12:00:00Z".to_owned()),
            kind: TimestampKind::Rfc3161,
            verified: true,
            authority: Some("Good Time".to_owned()),
        }),
        authentihash: digests(&[("sha1", "aa"), ("sha256", "bb")]),
        hashes: digests(&[("sha256", "cc")]),
        version_info: Some(VersionInfo {
            company: Some("Good".to_owned()),
            product: Some("Goodware".to_owned()),
            description: None,
            original_filename: Some("good.exe".to_owned()),
            file_version: Some("1.2.3.4".to_owned()),
            legal_copyright: None,
        }),
        trust_store: TrustStoreName { name: "roots.pem".to_owned(), date: String::new(), disallowed: Vec::new() },
        error: None,
        ..missing()
    }
}

/// A changed file whose names try to break out of every format.
pub(crate) fn hostile() -> Record {
    let mut record = valid();
    record.path = "=cmd|' /C calc'!A0".to_owned();
    (record.status, record.reason) = (Status::Invalid, Reason::BadDigest);
    record.hresult = Reason::BadDigest.hresult();
    record.other_reasons = vec![Reason::SelfSigned, Reason::CertExpired];
    record.self_signed = true;
    record.timestamp = None;
    record.claimed_signer = record.signer.take();
    if let Some(signer) = &mut record.claimed_signer {
        signer.common_name = None;
        signer.subject = "O=\u{202e}Evil".to_owned();
    }
    if let Some(version) = &mut record.version_info {
        version.company = Some("\tGood".to_owned());
        version.product = Some("@G, \"x\"".to_owned());
    }
    record
}
