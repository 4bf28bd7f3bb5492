//! Certificates and chains as records show them.

use sha2::{Digest, Sha256};

use super::{CertificateRevocation, ChainCertificate, DisallowedBy, Revocation, RevocationKind, Signer, Source, shown};
use crate::asn1::Time;
use crate::hex;
use crate::judge::{self, ChainVerdict, RevocationStatus};
use crate::trust::Root;
use crate::verify::{CertificateSource, ListKind, ListPlace, ListSource, PathEnd, Paths, Pool};
use crate::x509::{CertificateText, Name, key_text, serial_to_hex, usage_text};

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::lower(&Sha256::digest(bytes))
}

pub(super) fn time_text(time: Option<Time>) -> Option<String> {
    time.map(Time::to_rfc3339)
}

/// A certificate as a signer.
pub(super) fn signer(text: &CertificateText) -> Signer {
    Signer {
        common_name: text.common_name.as_deref().map(shown),
        organization: text.organization.as_deref().map(shown),
        subject: shown(&text.subject),
        issuer: shown(&text.issuer),
        serial: shown(&text.serial),
        thumbprint_sha1: text.thumbprint_sha1.clone(),
        thumbprint_sha256: text.thumbprint_sha256.clone(),
        not_before: text.not_before.clone(),
        not_after: text.not_after.clone(),
    }
}

/// The judged path, certificate by certificate, with the store's root as its last member where it ends there.
pub(super) fn chain(pool: &Pool<'_>, paths: &Paths<'_>, verdict: &ChainVerdict) -> Vec<ChainCertificate> {
    let Some(path) = verdict.path.and_then(|index| paths.list.get(index)) else { return Vec::new() };
    let problems_at = |position: usize| {
        let mut found: Vec<_> =
            verdict.problems.iter().filter(|problem| problem.0 == position).map(|problem| problem.1).collect();
        found.sort_by_key(|reason| reason.position());
        found.dedup();
        found
    };
    let disallowed_at = |position: usize| {
        let (_, entry) = path.disallowed.iter().find(|(known, _)| *known == position)?;
        let (list, kind) = (entry.list.clone(), entry.kind.name().to_owned());
        Some(DisallowedBy { list, kind, entry: entry.value.clone() })
    };
    let mut chain = Vec::new();
    for (position, index) in path.certificates.iter().enumerate() {
        let Some(entry) = pool.certificates.get(*index) else { continue };
        let Some(text) = pool.text(*index) else { continue };
        let mut certificate = chain_certificate(text, source(entry.source));
        certificate.problems = problems_at(position);
        certificate.disallowed = disallowed_at(position);
        let told = verdict.revocation.as_ref().and_then(|(_, list)| list.get(position));
        certificate.revocation = told.map(revocation);
        chain.push(certificate);
    }
    match path.end {
        PathEnd::Anchor { in_bag: true, .. } => {
            if let Some(last) = chain.last_mut() {
                last.trusted_root = true;
            }
        }
        PathEnd::Anchor { root, in_bag: false } => {
            let mut shown = chain_root(&root);
            shown.problems = problems_at(path.certificates.len());
            shown.disallowed = disallowed_at(path.certificates.len());
            chain.push(shown);
        }
        _ => {}
    }
    chain
}

/// One word for what is known of revocation.
pub(super) fn revocation_status(status: RevocationStatus) -> Revocation {
    match status {
        RevocationStatus::Good => Revocation::Good,
        RevocationStatus::Revoked => Revocation::Revoked,
        RevocationStatus::Unknown => Revocation::Unknown,
    }
}

/// Where a list came from: `bag`, or `file:` or `online:` and its name.
pub(super) fn list_place(source: &ListSource) -> String {
    match &source.place {
        ListPlace::Bag => "bag".to_owned(),
        // A file's name has no two slashes in a row, so that this can only be the URL of a download.
        ListPlace::File(name) if name.contains("://") => format!("online:{name}"),
        ListPlace::File(name) => format!("file:{name}"),
    }
}

pub(super) fn list_kind(source: &ListSource) -> RevocationKind {
    match source.kind {
        ListKind::Crl => RevocationKind::Crl,
        ListKind::DeltaCrl => RevocationKind::DeltaCrl,
        ListKind::Ocsp => RevocationKind::Ocsp,
    }
}

fn revocation(told: &judge::CertificateRevocation) -> CertificateRevocation {
    let entry = told.entry.as_ref();
    CertificateRevocation {
        status: revocation_status(told.status),
        kind: told.source.as_ref().map(list_kind),
        source: told.source.as_ref().map(list_place),
        this_update: time_text(told.this_update),
        next_update: time_text(told.next_update),
        revoked_at: time_text(entry.and_then(|entry| entry.date)),
        reason: entry.and_then(|entry| entry.reason).map(|reason| reason.name().to_owned()),
        invalidity_date: time_text(entry.and_then(|entry| entry.invalidity_date)),
        stale: told.stale,
    }
}

fn source(source: CertificateSource) -> Source {
    match source {
        CertificateSource::Signature => Source::Signature,
        CertificateSource::Timestamp => Source::Timestamp,
        CertificateSource::Outer => Source::Outer,
        CertificateSource::Intermediates => Source::Intermediates,
        CertificateSource::TrustStore => Source::TrustStore,
        CertificateSource::Given => Source::Given,
        CertificateSource::Online => Source::Online,
    }
}

fn chain_certificate(text: &CertificateText, source: Source) -> ChainCertificate {
    ChainCertificate {
        subject: shown(&text.subject),
        issuer: shown(&text.issuer),
        serial: shown(&text.serial),
        thumbprint_sha1: text.thumbprint_sha1.clone(),
        thumbprint_sha256: text.thumbprint_sha256.clone(),
        not_before: text.not_before.clone(),
        not_after: text.not_after.clone(),
        key: shown(&text.key),
        signature_algorithm: Some(shown(&text.signature_algorithm)),
        usages: text.usages.as_ref().map(|usages| usages.iter().map(|usage| shown(usage)).collect()),
        policies: text.policies.iter().map(|policy| shown(policy)).collect(),
        source,
        trusted_root: false,
        problems: Vec::new(),
        revocation: None,
        disallowed: None,
    }
}

fn chain_root(root: &Root<'_>) -> ChainCertificate {
    let subject = Name::decode(root.subject).to_string();
    ChainCertificate {
        issuer: subject.clone(),
        subject,
        serial: serial_to_hex(root.serial),
        thumbprint_sha1: hex::lower(root.thumbprint_sha1),
        thumbprint_sha256: hex::lower(root.thumbprint_sha256),
        not_before: time_text(root.not_before),
        not_after: time_text(root.not_after),
        key: key_text(root.spki),
        signature_algorithm: None,
        usages: root.usages.filter(|_| !root.built_in).map(|list| list.iter().map(usage_text).collect()),
        policies: Vec::new(),
        source: Source::TrustStore,
        trusted_root: true,
        problems: Vec::new(),
        revocation: None,
        disallowed: None,
    }
}
