//! What others warn of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{FileFacts, finding};
use crate::crypto::{DigestAlgorithm, DigestValue};
use crate::hex::lower as hex;
use crate::record::{Finding, Severity, Status};
use crate::trust::wdac::{self, DeniedBy, Field, FileVersion, HashOf, Scenarios, SubjectSigner};
use crate::trust::{ListEntry, Named, issuer_serial_key, signature_hash};
use crate::verify::{ContentFacts, PathEnd};
use crate::x509::{Certificate, Name, serial_to_hex};

/// That a list names a file, and what it says of it.
struct Hit {
    severity: Severity,
    /// What it is called in the list, for a mention beside another list.
    title: String,
    evidence: Vec<(&'static str, Value)>,
}

/// S122: the file, its signer or an issuer is on a list.
pub(super) fn on_a_blocklist(facts: &FileFacts<'_>) -> Option<Finding> {
    if facts.blocked.is_empty() {
        return None;
    }
    let keys = keys(facts);
    let mut hits: Vec<Hit> = listed(facts, &keys).into_iter().chain(denied(facts)).collect();
    // The worst says it, the first of several.
    let worst = hits.iter().map(|hit| hit.severity).max()?;
    let place = hits.iter().position(|hit| hit.severity == worst)?;
    let hit = hits.remove(place);
    let allowed = wanted(facts, &keys);
    let severity = if allowed.is_some() { Severity::Info } else { hit.severity };
    let mut evidence = hit.evidence;
    evidence.push(("allowed", json!(allowed.map(|entry| format!("{}: {}", entry.list, entry.reason)))));
    if !hits.is_empty() {
        evidence.push(("also", json!(hits.iter().map(|hit| &hit.title).collect::<Vec<_>>())));
    }
    finding("S122", Some(severity), &evidence)
}

/// The entry by which the file is wanted all the same. A name that anybody can give a file makes it no harmless one: a signer
/// whose signature does not hold, a name and a number in a chain of one's own, a digest that leaves out a part of the program.
fn wanted<'f>(facts: &FileFacts<'f>, keys: &[Listable]) -> Option<&'f ListEntry> {
    let record = facts.record;
    let whole = facts.pe.is_none_or(|pe| record.size.is_some_and(|length| pe.hides_nothing(length)));
    let signed = record.signer.is_some();
    let trusted = std::iter::once(record.reason)
        .chain(record.other_reasons.iter().copied())
        .all(|reason| !matches!(reason.status(), Status::Untrusted | Status::Error));
    // Only the signature that decides speaks for the file.
    let decides = |key: &&Listable| !matches!(key.of, Of::Signature { decides: false, .. });
    let proven = keys.iter().filter(decides).filter(|key| match key.by {
        Named::File => true,
        Named::Authentihash => whole,
        Named::Tbs | Named::Thumbprint => signed,
        Named::IssuerSerial => signed && trusted,
    });
    proven.into_iter().find_map(|key| facts.allowed.find(key.by, &key.octets))
}

/// A copied signature says nothing of the file that carries it, but that somebody copied it.
fn of_signer(severity: Severity, verified: bool) -> Severity {
    if verified { severity } else { severity.min(Severity::Medium) }
}

/// What lists of single entries say; the worst, the first of several.
fn listed(facts: &FileFacts<'_>, keys: &[Listable]) -> Option<Hit> {
    let found = keys.iter().filter_map(|key| Some((key, facts.blocked.find(key.by, &key.octets)?)));
    let severities = found.map(|(key, entry)| match key.of {
        Of::File => (entry.severity, key, entry),
        Of::Signature { holds, .. } => (of_signer(entry.severity, holds), key, entry),
    });
    let (severity, key, entry) = severities.reduce(|worst, next| if next.0 > worst.0 { next } else { worst })?;
    let verified = match key.of {
        Of::File => None,
        Of::Signature { holds, .. } => Some(holds),
    };
    let value = match key.by {
        Named::IssuerSerial => String::from_utf8_lossy(&key.octets).replace('\0', "/"),
        _ => hex(&key.octets),
    };
    Some(Hit {
        severity,
        title: format!("{}: {}", entry.list, entry.name),
        evidence: vec![
            ("list", json!(entry.list)),
            ("by", json!(key.by.word())),
            ("value", json!(value)),
            ("name", json!(entry.name)),
            ("reason", json!(entry.reason)),
            ("reference", json!(entry.reference)),
            ("signer_verified", json!(verified)),
        ],
    })
}

/// What each policy says. It does not tell the malicious from the vulnerable, so none of it is critical.
fn denied(facts: &FileFacts<'_>) -> Vec<Hit> {
    if facts.blocked.policies().is_empty() {
        return Vec::new();
    }
    let (subject, verified) = subject(facts);
    let denials = facts.blocked.policies().iter().filter_map(|policy| {
        let denial = policy.rules.find(&subject)?;
        let signer = match &denial.by {
            DeniedBy::Signer(number, _) => Some(verified.get(*number).copied().unwrap_or(false)),
            DeniedBy::Hash(..) | DeniedBy::Attributes => None,
        };
        let (by, value) = match &denial.by {
            DeniedBy::Hash(HashOf::Authentihash, octets) => ("authentihash", hex(octets)),
            DeniedBy::Hash(HashOf::FirstPage, octets) => ("first-page", hex(octets)),
            DeniedBy::Hash(HashOf::File, octets) => ("file", hex(octets)),
            DeniedBy::Attributes => ("file-attributes", denial.matched.clone()),
            DeniedBy::Signer(_, octets) => ("tbs", hex(octets)),
        };
        let mut evidence = vec![
            ("list", json!(policy.list)),
            ("rule", json!(denial.rule.id)),
            ("by", json!(by)),
            ("value", json!(value)),
            ("name", json!(denial.rule.name)),
            ("scenario", json!(denial.rule.scenario())),
            ("signer_verified", json!(signer)),
        ];
        if signer.is_some() && !denial.matched.is_empty() {
            evidence.push(("matched", json!(denial.matched)));
        }
        let severity = of_signer(Severity::High, signer.unwrap_or(true));
        Some(Hit { severity, title: format!("{}: {}", policy.list, denial.rule.id), evidence })
    });
    denials.collect()
}

/// The file as deny rules see it, and of each of its signers whether the signature holds. Those that hold come first.
fn subject(facts: &FileFacts<'_>) -> (wdac::Subject, Vec<bool>) {
    let digests = |of, values: &BTreeMap<DigestAlgorithm, DigestValue>| {
        strongest(values).map(move |octets| (of, octets)).collect::<Vec<_>>()
    };
    let mut hashes = digests(HashOf::Authentihash, facts.digests.authentihash);
    hashes.extend(digests(HashOf::FirstPage, facts.digests.first_page));
    if facts.pe.is_none() {
        hashes.extend(digests(HashOf::File, facts.digests.file));
    }
    let attribute = |field| {
        let version = facts.version?;
        let value = match field {
            Field::FileName => &version.original_filename,
            Field::InternalName => &version.internal_name,
            Field::FileDescription => &version.file_description,
            Field::ProductName => &version.product_name,
        };
        Some((field, value.clone()?))
    };
    let (verified, signers) = signers(facts);
    let subject = wdac::Subject {
        hashes,
        attributes: Field::ALL.into_iter().filter_map(attribute).collect(),
        version: facts.version.and_then(|version| version.fixed_file_version).map(FileVersion),
        scenarios: scenarios(facts),
        signers,
    };
    (subject, verified)
}

/// Drivers run in the kernel, and programs of the firmware before there is one: both lists may mean those.
fn scenarios(facts: &FileFacts<'_>) -> Scenarios {
    match facts.pe {
        Some(pe) if pe.is_firmware() => Scenarios::KERNEL.with(Scenarios::USER),
        Some(pe) if !pe.driver_signs().is_empty() => Scenarios::KERNEL,
        _ => Scenarios::USER,
    }
}

fn signers(facts: &FileFacts<'_>) -> (Vec<bool>, Vec<SubjectSigner>) {
    let both = facts.signatures.iter().zip(&facts.record.signatures).filter_map(|(signature, shown)| {
        let content = signature.content.as_ref()?;
        let leaf = content.pool.certificate(content.certificate?)?;
        let chain = std::iter::once(leaf).chain(issuers(content));
        Some((
            shown.signer.is_some(),
            SubjectSigner {
                certificates: chain.flat_map(signature_hashes).map(|(_, octets)| octets).collect(),
                publisher: Name::decode(leaf.subject).get("CN").map(Into::into),
                program: shown.program_name.clone(),
                usages: leaf.extended_key_usage().unwrap_or_default().into_iter().map(<[u8]>::to_vec).collect(),
            },
        ))
    });
    let mut both: Vec<_> = both.collect();
    both.sort_by_key(|(verified, _)| !verified);
    both.into_iter().unzip()
}

fn strongest(values: &BTreeMap<DigestAlgorithm, DigestValue>) -> impl Iterator<Item = Vec<u8>> {
    values.values().rev().map(|value| value.as_bytes().to_vec())
}

/// Something by which a list may name the file.
struct Listable {
    by: Named,
    octets: Vec<u8>,
    /// What it is of: the file itself, or a signature, which holds or not.
    of: Of,
}

#[derive(Clone, Copy)]
enum Of {
    File,
    Signature { holds: bool, decides: bool },
}

/// Everything by which the file may be listed: what is its own first, then each signer and its issuers, of the signature that
/// decides before others and of those that hold before those that do not.
fn keys(facts: &FileFacts<'_>) -> Vec<Listable> {
    let of_file = |by| move |octets| Listable { by, octets, of: Of::File };
    let mut keys: Vec<Listable> = strongest(facts.digests.authentihash).map(of_file(Named::Authentihash)).collect();
    keys.extend(strongest(facts.digests.file).map(of_file(Named::File)));
    let signatures = facts.signatures.iter().zip(&facts.record.signatures).enumerate();
    let mut signatures: Vec<_> = signatures
        .filter_map(|(index, (signature, shown))| {
            let (decides, holds) = (facts.deciding == Some(index), shown.signer.is_some());
            Some((decides, holds, signature.content.as_ref()?))
        })
        .collect();
    signatures.sort_by_key(|(decides, holds, _)| (!decides, !holds));
    for (decides, holds, content) in signatures {
        let named = signer_keys(content).into_iter();
        let of = Of::Signature { holds, decides };
        keys.extend(named.map(|(by, octets)| Listable { by, octets, of }));
    }
    keys
}

/// By what a list may name a signer or its issuers.
fn signer_keys(content: &ContentFacts<'_>) -> Vec<(Named, Vec<u8>)> {
    let mut keys = Vec::new();
    if let Some(leaf) = content.certificate.and_then(|index| content.pool.certificate(index)) {
        let respelled = leaf.respelled();
        for octets in std::iter::once(leaf.raw).chain(respelled.iter().map(Vec::as_slice)) {
            keys.push((Named::Thumbprint, Sha1::digest(octets).to_vec()));
            keys.push((Named::Thumbprint, Sha256::digest(octets).to_vec()));
        }
        keys.extend(signature_hashes(leaf));
        if let Some(issuer) = Name::decode(leaf.issuer).get("CN") {
            keys.push((Named::IssuerSerial, issuer_serial_key(issuer, &serial_to_hex(leaf.serial))));
        }
    }
    keys.extend(issuers(content).flat_map(signature_hashes));
    keys
}

/// The certificates of a signer's chains that are not its own, their roots included where the signature carries them. A root
/// that only the trust store knows is none of them, and Windows' rules name none either: policies are made from what
/// signatures carry.
fn issuers<'c, 'a>(content: &'c ContentFacts<'a>) -> impl Iterator<Item = &'c Certificate<'a>> {
    let mut above = BTreeSet::new();
    for path in &content.paths.list {
        above.extend(path.certificates.iter().copied());
        if let PathEnd::Anchor { root, .. } = &path.end {
            above.extend(content.pool.copies_of(root));
        }
    }
    let own = content.certificate;
    above.into_iter().filter(move |index| Some(*index) != own).filter_map(|index| content.pool.certificate(index))
}

/// Lists name a TBSCertificate by the hash of the certificate's own signature (WDAC) or by SHA-256 whatever that is.
fn signature_hashes(certificate: &Certificate<'_>) -> Vec<(Named, Vec<u8>)> {
    let own = signature_hash(certificate);
    let fixed = [Sha256::digest(certificate.tbs).to_vec(), Sha1::digest(certificate.tbs).to_vec()];
    own.into_iter().chain(fixed).map(|key| (Named::Tbs, key)).collect()
}
