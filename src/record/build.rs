//! Facts and verdicts become a record.

use std::collections::BTreeMap;

use super::chain::{chain, list_place, revocation_status, sha256_hex, signer, time_text};
use super::kernel::ev_code_signing;
use super::{
    Anomaly, AppliedPolicy, ChainCertificate, ErrorDetail, Format, Keys, PageHashes, RECORD_SCHEMA, Reason, Record,
    Revocation, RevocationKind, Signature, Status, TableEntry, Timestamp, TimestampFault, TimestampKind,
    TimestampSummary, TrustStoreName, UnsignedAttribute, VersionInfo, shown,
};
use crate::anomaly::FOREIGN_CONTENT;
use crate::asn1::{Time, oid_to_string, oids};
use crate::cms::spc::{SpcOpusInfo, statement_types};
use crate::container::Blob;
use crate::crypto::{
    DigestAlgorithm, Verification, hash_for_signature, signature_name, signature_scheme, verify_signature,
};
use crate::hex;
use crate::judge::{ChainVerdict, SignatureVerdict, TimestampVerdict};
use crate::trust::TrustStore;
use crate::verify::{self, AttributeFault, ContentFacts, DigestFact, ListKind, SignatureFacts, TimestampFacts};
use crate::x509::usage_text;

/// Everything that a record is made of.
#[derive(Debug)]
pub struct Inputs<'i, 'a> {
    /// Length of the file.
    pub size: u64,
    /// Kind of file.
    pub format: Format,
    /// What the judge said of the file: status, reason, other reasons.
    pub verdict: (Status, Reason, Vec<Reason>),
    /// Index of the signature that decided.
    pub deciding: Option<usize>,
    /// Facts of the signatures.
    pub facts: &'i [SignatureFacts<'a>],
    /// Verdicts on them.
    pub verdicts: &'i [SignatureVerdict],
    /// Page hashes, by signature.
    pub page_hashes: Vec<Option<PageHashes>>,
    /// The blobs that hold them.
    pub blobs: &'i [Blob],
    /// Authenticode digests to report.
    pub authentihash: BTreeMap<String, String>,
    /// File digests to report.
    pub hashes: BTreeMap<String, String>,
    /// Version resource and its SHA-256.
    pub version: Option<(VersionInfo, String)>,
    /// SHA-256 of the first page of a PE file, where it is told.
    pub first_page: Option<String>,
    /// Oddities noted on the way.
    pub anomalies: Vec<Anomaly>,
    /// Message of an `Error` verdict or a malformed signature.
    pub message: Option<String>,
    /// The moment that counted as now.
    pub now: Time,
    /// The policy used.
    pub policy: AppliedPolicy,
    /// The store used.
    pub trust: &'i TrustStore,
}

fn empty(path: String, format: Format, reason: Reason, now: Time, policy: AppliedPolicy, trust: &TrustStore) -> Record {
    Record {
        schema: RECORD_SCHEMA.to_owned(),
        path,
        path_hex: None,
        host: None,
        size: None,
        format,
        status: reason.status(),
        reason,
        hresult: reason.hresult(),
        other_reasons: Vec::new(),
        self_signed: false,
        ev_code_signing: false,
        signer: None,
        claimed_signer: None,
        timestamp: None,
        signatures: Vec::new(),
        authentihash: BTreeMap::new(),
        hashes: BTreeMap::new(),
        revocation: Revocation::NotChecked,
        catalog: "not-checked".to_owned(),
        catalog_signature: None,
        kernel: None,
        version_info: None,
        findings: Vec::new(),
        keys: Keys::default(),
        anomalies: Vec::new(),
        judged_at: now.to_rfc3339(),
        policy,
        trust_store: TrustStoreName::of(trust),
        error: None,
    }
}

/// The record of a file that could not be judged.
#[must_use]
pub fn error_record(
    path: &str,
    format: Format,
    reason: Reason,
    message: String,
    now: Time,
    policy: AppliedPolicy,
    trust: &TrustStore,
) -> Record {
    let mut record = empty(path.to_owned(), format, reason, now, policy, trust);
    record.error = Some(ErrorDetail { kind: reason, message });
    record
}

/// Builds the record of a file that was read.
#[must_use]
pub fn build(path: &str, inputs: Inputs<'_, '_>) -> Record {
    let (status, reason, other_reasons) = inputs.verdict;
    let mut record = empty(path.to_owned(), inputs.format, reason, inputs.now, inputs.policy, inputs.trust);
    record.size = Some(inputs.size);
    record.status = status;
    record.other_reasons = other_reasons;
    record.authentihash = inputs.authentihash;
    record.hashes = inputs.hashes;
    record.anomalies = inputs.anomalies;
    let pairs = inputs.facts.iter().zip(inputs.verdicts).enumerate();
    for (index, (facts, verdict)) in pairs {
        let pages = inputs.page_hashes.get(index).cloned().flatten();
        record.signatures.push(signature(index, facts, verdict, pages, inputs.blobs));
        note_oddities(index, facts, &mut record.anomalies);
        if let Some(shown) = record.signatures.last() {
            note_revocation(shown, verdict, facts.parsed.offset, &mut record.anomalies);
        }
    }
    record.note_cut();
    let deciding =
        inputs.deciding.and_then(|index| Some((inputs.facts.get(index)?, inputs.verdicts.get(index)?, index)));
    if let Some((facts, verdict, index)) = deciding {
        if let Some(shown) = record.signatures.get(index) {
            record.signer = shown.signer.clone();
            record.claimed_signer = shown.claimed_signer.clone();
        }
        if let Some(content) = &facts.content {
            if let Some((status, _)) = verdict.chain.as_ref().and_then(|chain| chain.revocation.as_ref()) {
                record.revocation = revocation_status(*status);
            }
            record.self_signed = is_self_signed(content);
            record.ev_code_signing = ev_code_signing(content, verdict);
            record.timestamp = timestamp_summary(content, verdict);
            record.keys = keys(content, verdict);
        }
    }
    if let Some((info, sha256)) = inputs.version {
        record.version_info = Some(info);
        record.keys.version_res_sha256 = Some(sha256);
    }
    record.keys.first_page_sha256 = inputs.first_page;
    if let Some(message) = inputs.message {
        if status == Status::Error {
            record.error = Some(ErrorDetail { kind: reason, message });
        } else {
            record.anomalies.push(Anomaly::new("malformed-signature", message));
        }
    } else if status == Status::Error {
        let what = deciding.and_then(|(facts, _, _)| facts.content.as_ref()).and_then(unsupported);
        let message = match what.filter(|_| reason == Reason::UnsupportedAlgorithm) {
            Some(what) => format!("{}: {what}", reason.row().meaning),
            None => reason.row().meaning.to_owned(),
        };
        record.error = Some(ErrorDetail { kind: reason, message });
    }
    record
}

/// What exactly could not be verified, in the order in which it matters.
fn unsupported(content: &ContentFacts<'_>) -> Option<String> {
    if content.digest == DigestFact::Unknown {
        return Some(format!("file digest {}", digest_name(content)));
    }
    if content.signer.attributes == Err(AttributeFault::UnknownDigest) {
        return Some(format!("attribute digest {}", oid_to_string(content.body.signer.digest_algorithm.oid)));
    }
    if let Some(Verification::Unsupported(what)) = content.signer.signature {
        return Some(what.to_owned());
    }
    let link = first_unsupported(content.paths.list.iter().flat_map(|path| &path.unverified), "the chain");
    let stamp = || {
        content.timestamps.iter().find_map(|stamp| match stamp.fault {
            Some(verify::TimestampFault::Unsupported(what)) => Some(format!("{what} in a timestamp")),
            _ => None,
        })
    };
    let intact = content.timestamps.iter().filter(|stamp| stamp.fault.is_none());
    let authority = intact.flat_map(|stamp| &stamp.paths.list).flat_map(|path| &path.unverified);
    link.or_else(stamp).or_else(|| first_unsupported(authority, "the chain of a time authority"))
}

fn first_unsupported<'a>(mut links: impl Iterator<Item = &'a (usize, Verification)>, place: &str) -> Option<String> {
    links.find_map(|(_, verification)| match verification {
        Verification::Unsupported(what) => Some(format!("{what} in {place}")),
        _ => None,
    })
}

fn signature(
    index: usize,
    facts: &SignatureFacts<'_>,
    verdict: &SignatureVerdict,
    page_hashes: Option<PageHashes>,
    blobs: &[Blob],
) -> Signature {
    let content = facts.content.as_ref();
    let named = content.and_then(signer_of);
    let (signer, claimed_signer) = if verdict.holds { (named, None) } else { (None, named) };
    let opus = content.map(opus).unwrap_or_default();
    Signature {
        index,
        nested_in: facts.parsed.parent,
        offset: facts.parsed.offset,
        status: verdict.status,
        reason: verdict.reason,
        hresult: verdict.reason.hresult(),
        other_reasons: verdict.other_reasons.clone(),
        problem: facts.parsed.problem().map(|malformed| malformed.message.clone()),
        digest_algorithm: content.map(digest_name),
        signed_digest: content.and_then(signed_digest),
        computed_digest: content.and_then(|content| content.computed).map(|value| value.to_string()),
        signature_algorithm: content.map(signature_algorithm),
        signer,
        claimed_signer,
        chain: match (content, &verdict.chain) {
            (Some(content), Some(judged)) => chain(&content.pool, &content.paths, judged),
            _ => Vec::new(),
        },
        timestamps: content.map(|content| timestamps(content, verdict)).unwrap_or_default(),
        program_name: opus.program_name.as_deref().map(shown),
        more_info: opus.more_info.as_deref().map(shown),
        statement_type: content.map(statement_type).unwrap_or_default(),
        page_hashes,
        unauthenticated_attributes: content.map(unsigned_attributes).unwrap_or_default(),
        certificates: content.map_or(0, |content| content.body.data.certificates.len()),
        entry: match facts.parsed.parent {
            None => blobs.get(facts.parsed.blob).and_then(|blob| {
                let (revision, certificate_type) = blob.entry?;
                let (padding, padding_nonzero) = (blob.tail.length, blob.tail.first_nonzero.is_some());
                Some(TableEntry { revision, certificate_type, padding, padding_nonzero })
            }),
            Some(_) => None,
        },
    }
}

fn signer_of(content: &ContentFacts<'_>) -> Option<super::Signer> {
    content.certificate.and_then(|index| content.pool.text(index)).map(signer)
}

/// The digest in SpcIndirectDataContent; for a catalog the one in the messageDigest attribute, if there is one.
fn signed_digest(content: &ContentFacts<'_>) -> Option<String> {
    if let Some(indirect) = content.body.content.file() {
        return Some(hex::lower(indirect.digest));
    }
    let attribute = content.body.signer.signed_attributes.as_ref()?.one(oids::MESSAGE_DIGEST).ok()?;
    Some(hex::lower(&attribute.single_value().ok()?.octets().ok()?))
}

fn digest_name(content: &ContentFacts<'_>) -> String {
    match content.digest_algorithm {
        Some(algorithm) => algorithm.name().to_owned(),
        None => {
            let signer = content.body.signer.digest_algorithm.oid;
            oid_to_string(content.body.content.file().map_or(signer, |indirect| indirect.digest_algorithm.oid))
        }
    }
}

/// The signature algorithm as it calls itself, with the hash that its parameters or SignerInfo name where its identifier
/// names none.
fn signature_algorithm(content: &ContentFacts<'_>) -> String {
    let signer = &content.body.signer;
    let name = signature_name(signer.signature_algorithm.oid);
    let hint = DigestAlgorithm::from_oid(signer.digest_algorithm.oid);
    let names_none = signature_scheme(signer.signature_algorithm.oid).is_some_and(|(_, hash)| hash.is_none());
    match hash_for_signature(&signer.signature_algorithm, hint).map(|hash| hash.name().to_uppercase()) {
        Some(hash) if names_none => format!("{name}-{hash}"),
        _ => name,
    }
}

fn is_self_signed(content: &ContentFacts<'_>) -> bool {
    content.certificate.and_then(|index| content.pool.certificate(index)).is_some_and(|certificate| {
        certificate.is_self_issued() && {
            let (spki, algorithm, tbs) = (certificate.spki, &certificate.signature_algorithm, certificate.tbs);
            verify::Work::default().verify(spki, algorithm, tbs)
                && verify_signature(spki, algorithm, None, tbs, certificate.signature).is_good()
        }
    })
}

fn opus(content: &ContentFacts<'_>) -> SpcOpusInfo {
    let attributes = content.body.signer.signed_attributes.as_ref();
    let value = attributes
        .and_then(|attributes| attributes.one(oids::SPC_OPUS_INFO).ok())
        .and_then(|attribute| attribute.single_value().ok());
    value.map(|value| SpcOpusInfo::parse(&value)).unwrap_or_default()
}

fn statement_type(content: &ContentFacts<'_>) -> Vec<String> {
    let attributes = content.body.signer.signed_attributes.as_ref();
    let value = attributes
        .and_then(|attributes| attributes.one(oids::SPC_STATEMENT_TYPE).ok())
        .and_then(|attribute| attribute.single_value().ok());
    let list = value.and_then(|value| statement_types(&value).ok()).unwrap_or_default();
    list.into_iter().map(|usage| shown(&usage_text(usage))).collect()
}

fn unsigned_attributes(content: &ContentFacts<'_>) -> Vec<UnsignedAttribute> {
    let Some(attributes) = &content.body.signer.unsigned_attributes else { return Vec::new() };
    let list = attributes.attributes.iter().take(64);
    list.map(|attribute| UnsignedAttribute {
        oid: shown(&oid_to_string(attribute.oid)),
        name: oids::title(attribute.oid).map(str::to_owned),
        size: attribute.raw.len(),
        sha256: sha256_hex(attribute.raw),
    })
    .collect()
}

fn kind(kind: verify::TimestampKind) -> TimestampKind {
    match kind {
        verify::TimestampKind::Rfc3161 => TimestampKind::Rfc3161,
        verify::TimestampKind::Pkcs9 => TimestampKind::Pkcs9,
    }
}

fn timestamps(content: &ContentFacts<'_>, verdict: &SignatureVerdict) -> Vec<Timestamp> {
    let used = verdict.timestamp.map(|chosen| chosen.index);
    let pairs = content.timestamps.iter().zip(&verdict.timestamps).enumerate();
    pairs.map(|(index, (facts, judged))| timestamp(facts, judged, used == Some(index))).collect()
}

fn timestamp(facts: &TimestampFacts<'_>, judged: &TimestampVerdict, used: bool) -> Timestamp {
    Timestamp {
        kind: kind(facts.kind),
        time: time_text(facts.time),
        used,
        verified: judged.usable,
        fault: facts.fault.map(|fault| match fault {
            verify::TimestampFault::Malformed => TimestampFault::Malformed,
            verify::TimestampFault::Imprint => TimestampFault::Imprint,
            verify::TimestampFault::Signature => TimestampFault::Signature,
            verify::TimestampFault::NoCertificate => TimestampFault::NoCertificate,
            verify::TimestampFault::NoTime => TimestampFault::NoTime,
            verify::TimestampFault::Refused(_) => TimestampFault::BadAlgorithm,
            verify::TimestampFault::Unsupported(_) => TimestampFault::UnsupportedAlgorithm,
            verify::TimestampFault::OverBudget => TimestampFault::Limit,
        }),
        digest_algorithm: facts.imprint_algorithm.map(|algorithm: DigestAlgorithm| algorithm.name().to_owned()),
        authority: facts.certificate.and_then(|index| facts.pool.text(index)).map(signer),
        chain: chain(&facts.pool, &facts.paths, &judged.chain),
        chain_reasons: judged.chain.reasons.clone(),
    }
}

fn timestamp_summary(content: &ContentFacts<'_>, verdict: &SignatureVerdict) -> Option<TimestampSummary> {
    let index = verdict.timestamp.map_or(0, |chosen| chosen.index);
    let facts = content.timestamps.get(index)?;
    let authority = facts.certificate.and_then(|index| facts.pool.text(index));
    Some(TimestampSummary {
        time: time_text(facts.time),
        kind: kind(facts.kind),
        verified: verdict.timestamp.is_some(),
        authority: authority.map(|text| shown(text.common_name.as_ref().unwrap_or(&text.subject))),
    })
}

fn keys(content: &ContentFacts<'_>, verdict: &SignatureVerdict) -> Keys {
    let certificate = content.certificate.and_then(|index| content.pool.digests(index));
    let chosen = verdict.timestamp.map_or(0, |chosen| chosen.index);
    let token = content.timestamps.get(chosen);
    let others = content.timestamps.iter().enumerate().filter(|(index, _)| *index != chosen);
    Keys {
        signed_digest: signed_digest(content),
        pkcs7_sha256: Some(sha256_hex(content.body.data.raw)),
        signer_info_sha256: Some(sha256_hex(&content.body.signer.signature)),
        timestamp_token_sha256: token.map(|facts| sha256_hex(facts.raw)),
        other_timestamps_sha256: others.map(|(_, facts)| sha256_hex(facts.raw)).collect(),
        leaf_tbs_sha256: certificate.map(|digests| hex::lower(&digests.tbs)),
        leaf_spki_sha256: certificate.map(|digests| hex::lower(&digests.spki)),
        issuer_serial_key: certificate.map(|digests| hex::lower(&digests.issuer_serial)),
        subject_key: certificate.map(|digests| hex::lower(&digests.subject)),
        version_res_sha256: None,
        first_page_sha256: None,
        signed_first_page_sha256: signed_first_page(content),
    }
}

/// The first entry of the page hashes, which is that of the headers.
fn signed_first_page(content: &ContentFacts<'_>) -> Option<String> {
    let list = content.body.content.file()?.page_hashes()?;
    let (offset, digest) = list.entry(0).filter(|_| list.algorithm == DigestAlgorithm::Sha256)?;
    (offset == 0).then(|| hex::lower(digest))
}

/// Departures from DER and from what signers usually write, each harmless by itself.
fn note_oddities(index: usize, facts: &SignatureFacts<'_>, anomalies: &mut Vec<Anomaly>) {
    let place = facts.parsed.offset;
    if let Some(at) = facts.tail.first_nonzero {
        let message = "bytes that are not zero follow the signature inside its table entry";
        anomalies.push(Anomaly::at("data-in-padding", message, at));
    }
    let Some(content) = &facts.content else {
        // Of the first one the status says so.
        if facts.parsed.level == 0 && facts.parsed.blob > 0 {
            let message = format!("signature {index}: no signature can be read in this further table entry");
            anomalies.push(Anomaly::at("entry-unreadable", message, place));
        }
        return;
    };
    let body = content.body;
    let mut note =
        |code: &str, message: String| anomalies.push(Anomaly::at(code, format!("signature {index}: {message}"), place));
    if body.data.ber {
        note("ber", "the SignedData uses BER lengths".to_owned());
    }
    if body.data.version != 1 {
        note("signed-data-version", format!("SignedData has version {}", body.data.version));
    }
    if body.signer.version != 1 {
        note("signer-info-version", format!("SignerInfo has version {}", body.signer.version));
    }
    if let Some(objection) = &body.signer.der_objection {
        note("signer-info-der", format!("a strict DER reader refuses the SignerInfo: {objection}"));
    }
    if let Some(error) = body.signer.unsigned_error {
        note("unsigned-attributes", format!("the unsigned attributes cannot be read: {error}"));
    }
    if let Some(error) = body.data.certificates_error {
        note("certificate-bag", format!("the rest of the certificates cannot be delimited: {error}"));
    }
    if body.data.certificates_truncated {
        note("certificate-limit", "certificates beyond the documented limit were not looked at".to_owned());
    }
    if body.signer.signed_attributes.is_none() {
        note("no-signed-attributes", "the signature covers the content directly".to_owned());
    }
    if let Some(Verification::Good(deviation)) = content.signer.signature {
        deviation.notes().for_each(|sentence| note("signature-form", sentence.to_owned()));
    }
    if let Some(foreign) = body.content.file().filter(|content| !content.is_of_pe()) {
        let kind = oid_to_string(foreign.data_type);
        note(FOREIGN_CONTENT, format!("the signed content is of type {kind}, which is not that of a PE file"));
    }
    let file = body.content.file().map(|indirect| indirect.digest_algorithm.oid);
    if file.is_some_and(DigestAlgorithm::is_signature_oid) {
        note("digest-oid", "a signature algorithm stands where a digest algorithm belongs".to_owned());
    }
    let bad = content.pool.certificates.iter().filter(|entry| entry.parsed.is_err()).count();
    if bad > 0 {
        note("certificate-unreadable", format!("{bad} certificates of the bag cannot be read"));
    }
    if content.paths.exhausted {
        note("path-limit", "the search for chains stopped at its documented limit".to_owned());
    }
    if content.timestamps.iter().any(|stamp| stamp.paths.exhausted) {
        note("path-limit", "the search for chains of a time authority stopped at its documented limit".to_owned());
    }
    if facts.content.as_ref().is_some_and(|c| c.timestamps.iter().any(|t| t.raw_hash)) {
        note("timestamp-raw-hash", "the counter-signature covers the bare hash, as old authorities did".to_owned());
    }
    let unused_broken = content.timestamps.iter().filter(|stamp| stamp.fault.is_some()).count();
    if unused_broken > 0 && unused_broken < content.timestamps.len() {
        note("timestamp-broken", format!("{unused_broken} of {} timestamps broken", content.timestamps.len()));
    }
}

/// Notes about revocation for one signature; more than this many lists that cannot be used are counted only.
const MAX_NOTES: usize = 8;

/// What disallowed and revocation lists say, and which of the latter could not be used.
fn note_revocation(shown: &Signature, verdict: &SignatureVerdict, place: u64, anomalies: &mut Vec<Anomaly>) {
    let index = shown.index;
    let mut note = |code: &str, message: String| {
        let anomaly = Anomaly::at(code, format!("signature {index}: {message}"), place);
        if !anomalies.contains(&anomaly) {
            anomalies.push(anomaly);
        }
    };
    let stamps = shown.timestamps.iter().flat_map(|stamp| &stamp.chain).map(|certificate| (certificate, true));
    let certificates = shown.chain.iter().map(|certificate| (certificate, false)).chain(stamps);
    let chains = verdict.chain.iter().chain(verdict.timestamps.iter().map(|stamp| &stamp.chain));
    note_chains(certificates, chains, &mut note);
}

/// The same for any chains: their certificates, each with whether it is a time authority's, and the verdicts on them.
pub(super) fn note_chains<'c>(
    certificates: impl Iterator<Item = (&'c ChainCertificate, bool)>,
    chains: impl Iterator<Item = &'c ChainVerdict>,
    note: &mut dyn FnMut(&str, String),
) {
    for (certificate, authority) in certificates {
        let subject = &certificate.subject;
        if let Some(by) = &certificate.disallowed {
            let of = if authority { "of the timestamp, " } else { "" };
            note("disallowed", format!("{of}{subject} is on {}: {} {}", by.list, by.kind, by.entry));
        }
        let Some(told) = &certificate.revocation else { continue };
        let date = told.revoked_at.as_deref().unwrap_or("an unreadable date");
        match told.status {
            Revocation::Revoked if authority => {
                note(
                    "timestamp-revoked",
                    format!("of the timestamp, {subject} was revoked on {date}; Windows ignores that"),
                );
            }
            Revocation::Good | Revocation::Unknown if told.revoked_at.is_some() => {
                note("revoked-later", format!("{subject} was revoked on {date}, after the timestamp"));
            }
            _ => {}
        }
        if let (true, Some(source)) = (told.stale, &told.source) {
            let due = match (told.kind, &told.next_update) {
                (_, Some(due)) => format!("was to be replaced on {due}"),
                (Some(RevocationKind::Ocsp), None) => "does not say how long it holds".to_owned(),
                (_, None) => "was to be replaced on an unreadable date".to_owned(),
            };
            let (code, what) = match told.kind {
                Some(RevocationKind::Ocsp) => ("ocsp-stale", "OCSP response"),
                _ => ("crl-stale", "revocation list"),
            };
            note(code, format!("the {what} {source} for {subject} {due}"));
        }
    }
    let told = chains.filter_map(|chain| chain.revocation.as_ref()).flat_map(|(_, list)| list);
    let mut unusable: Vec<(&str, String)> = Vec::new();
    for (source, why) in told.flat_map(|one| &one.unusable) {
        let (code, what) = match source.kind {
            ListKind::Ocsp => ("ocsp-unusable", "OCSP response"),
            ListKind::Crl | ListKind::DeltaCrl => ("crl-unusable", "revocation list"),
        };
        let text = format!("the {what} {} was not used: {why}", list_place(source));
        if !unusable.iter().any(|known| known.1 == text) {
            unusable.push((code, text));
        }
    }
    let more = unusable.len().saturating_sub(MAX_NOTES);
    for (code, text) in unusable.into_iter().take(MAX_NOTES) {
        note(code, text);
    }
    if more > 0 {
        note("crl-unusable", format!("{more} more revocation lists and OCSP responses were not used"));
    }
}
