//! What the signed content and the place of the signature give away.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::cargo::unexplained;
use super::tags::{Tag, attribute_tag, vendor_tag};
use super::{FileFacts, finding};
use crate::anomaly::SIGNED_BY_SECTION;
use crate::asn1::oids;
use crate::cms::Attribute;
use crate::hex::lower as hex;
use crate::judge::Status;
use crate::record::{Finding, Record, Severity};
use crate::verify::DigestFact;

/// S101: the signature was made for other content.
pub(super) fn digest_differs(facts: &FileFacts<'_>) -> Option<Finding> {
    let differing = facts.signatures.iter().zip(&facts.record.signatures).find_map(|(signature, shown)| {
        let content = signature.content.as_ref()?;
        (content.digest == DigestFact::Mismatch).then_some((content, shown))
    });
    let (content, shown) = differing?;
    let intact = content.signer.holds();
    let by_section = facts.has(SIGNED_BY_SECTION);
    let mut evidence = vec![
        ("algorithm", json!(shown.digest_algorithm)),
        ("signed_digest", json!(shown.signed_digest)),
        ("computed_digest", json!(shown.computed_digest)),
        ("signature_intact", json!(intact)),
        ("signer", facts.signer()),
    ];
    if by_section {
        evidence.push(("signed_by_section", json!(true)));
    }
    finding("S101", by_section.then_some(Severity::Low), &evidence)
}

/// S101 of a file whose signature was made for one that this catalog lists: the donor is part of what the catalog ships with.
pub fn donor_in_catalog(record: &mut Record, catalog: &Record) {
    if let Some(finding) = record.findings.iter_mut().find(|finding| finding.code == "S101") {
        finding.evidence.insert("donor_catalog".to_owned(), json!(catalog.path));
        finding.evidence.insert("donor_catalog_status".to_owned(), json!(catalog.status.name()));
    }
}

/// S102: the table of page hashes ends where another file ended.
pub(super) fn page_hashes_of_another_file(facts: &FileFacts<'_>) -> Option<Finding> {
    let table = facts.pe?.certificate_table()?;
    facts.signatures.iter().find_map(|signature| {
        let content = signature.content.as_ref().filter(|content| content.digest == DigestFact::Mismatch)?;
        let list = content.body.content.file()?.page_hashes()?;
        let (end, digest) = list.entry(list.len().checked_sub(1)?)?;
        // Up to 7 octets of padding are the signer's; a list that is cut off has no end to compare.
        let (end, start) = (u64::from(end), table.start);
        if digest.iter().any(|octet| *octet != 0) || end.abs_diff(start) < 8 {
            return None;
        }
        finding("S102", None, &[("donor_size", json!(end)), ("expected_size", json!(start))])
    })
}

/// S104: the file was signed before, and its old table still lies in front of the new one.
pub(super) fn previous_table(facts: &FileFacts<'_>) -> Option<Finding> {
    let old = facts.remains.previous_table?;
    // A program that carries a signed one ends so, too, and was signed so.
    let grafted = !old.behind_overlay || digest_differs(facts).is_some();
    grafted.then(|| finding("S104", None, &[("offset", json!(old.offset)), ("size", json!(old.size))]))?
}

/// S105: a table as no signing tool writes it.
pub(super) fn table_geometry(facts: &FileFacts<'_>) -> Option<Finding> {
    const ODD: [&str; 12] = [
        "table-unaligned",
        "table-in-section",
        "table-before-section",
        "table-in-headers",
        "entry-in-table",
        "directory-in-table",
        "fields-overlaid",
        "table-entry-type",
        "table-entry-revision",
        "table-junk",
        "table-entries",
        "table-size-unaligned",
    ];
    let reasons: Vec<&str> = ODD.into_iter().filter(|code| facts.has(code)).collect();
    // Some signers leave the size as it comes; that alone says little.
    let severity = match reasons.as_slice() {
        [] => return None,
        ["table-size-unaligned"] => Severity::Low,
        _ => Severity::Medium,
    };
    let table = facts.pe?.certificate_table()?;
    let evidence = [("offset", json!(table.start)), ("end", json!(table.end)), ("reasons", json!(reasons))];
    finding("S105", Some(severity), &evidence)
}

/// S106: something lies behind the PKCS#7 inside its entry, or in an entry without one. The worst of several is told.
pub(super) fn hidden_data(facts: &FileFacts<'_>) -> Option<Finding> {
    let runs = facts.remains.unsigned.iter().map(|run| {
        let tag = vendor_tag(&run.sample, run.length);
        let severity = match () {
            () if run.sigflip => Severity::Critical,
            // A tag stands behind a signature.
            () if !run.is_entry && tag.as_ref().is_some_and(|tag| tag.alone) => Severity::Info,
            () if run.length >= 1024 && run.entropy > 7.0 => Severity::High,
            () => Severity::Medium,
        };
        (severity, run, tag)
    });
    let (severity, run, tag) = runs.reduce(|worst, next| if next.0 > worst.0 { next } else { worst })?;
    let mut evidence = vec![
        ("length", json!(run.room)),
        ("sample_sha256", json!(hex(&Sha256::digest(&run.sample)))),
        ("first_octets", json!(hex(run.sample.get(..16).unwrap_or(&run.sample)))),
        ("entropy", json!((run.entropy * 10.0).round() / 10.0)),
        ("known_tag", json!(tag.map(|tag| tag.text))),
        ("sigflip_marker", json!(run.sigflip)),
    ];
    if run.is_entry {
        evidence.push(("unreadable_entry", json!(true)));
    }
    finding("S106", Some(severity), &evidence)
}

/// S108: bytes behind the certificate table.
pub(super) fn data_after_table(facts: &FileFacts<'_>) -> Option<Finding> {
    let table = facts.pe?.certificate_table().filter(|_| facts.has("data-after-table"))?;
    let size = facts.record.size?;
    finding("S108", None, &[("offset", json!(table.end)), ("length", json!(size.saturating_sub(table.end)))])
}

/// Unsigned attributes that signing tools write. Source: AuthenticodeLint rule 10009 and `wintrust.h`.
pub(super) const KNOWN_ATTRIBUTES: &[&[u8]] = &[
    oids::COUNTER_SIGNATURE,
    oids::MS_COUNTER_SIGNATURE,
    oids::SIGNATURE_TIME_STAMP,
    oids::NESTED_SIGNATURE,
    oids::INTENT_TO_SEAL,
    oids::SEALING_SIGNATURE,
    oids::SEALING_TIMESTAMP,
    oids::ENCRYPTED_DIGEST_RETRY_COUNT,
];

/// Unexplained octets of an entry from which on they are cargo: those of real files have fewer than half as many.
const CARGO: usize = 1024;
/// Octets from which on unsigned data is room for a program.
const ROOMY: usize = 4096;

/// S109: an unsigned attribute that no signing tool writes, or other octets of the PKCS#7 that nothing signs or needs.
pub(super) fn unsigned_data(facts: &FileFacts<'_>) -> Option<Finding> {
    // A known tag must not hide what lies elsewhere.
    [unknown_attribute(facts), cargo(facts)]
        .into_iter()
        .flatten()
        .reduce(|worst, next| if next.severity > worst.severity { next } else { worst })
}

fn cargo(facts: &FileFacts<'_>) -> Option<Finding> {
    let bodies = facts.signatures.iter().filter(|signature| signature.parsed.level == 0);
    let bodies = bodies.filter_map(|signature| signature.content.as_ref().map(|content| content.body));
    let unexplained = bodies.map(|body| unexplained(&body.data, &body.signer)).max()?;
    let severity = if unexplained > ROOMY { Severity::High } else { Severity::Medium };
    (unexplained > CARGO).then(|| finding("S109", Some(severity), &[("length", json!(unexplained))]))?
}

fn unknown_attribute(facts: &FileFacts<'_>) -> Option<Finding> {
    let bodies = facts.signatures.iter().filter_map(|signature| signature.content.as_ref());
    let sets = bodies.filter_map(|content| content.body.signer.unsigned_attributes.as_ref());
    let unknown = sets.flat_map(|set| &set.attributes).filter(|one| !KNOWN_ATTRIBUTES.contains(&one.oid));
    let found = unknown.map(|attribute| {
        let tag = only_value_tag(attribute);
        let severity = match () {
            () if tag.as_ref().is_some_and(|tag| tag.alone) => Severity::Info,
            () if attribute.raw.len() > ROOMY => Severity::High,
            () => Severity::Medium,
        };
        (severity, attribute, tag)
    });
    let (severity, attribute, tag) = found.reduce(|worst, next| if next.0 > worst.0 { next } else { worst })?;
    let evidence = [
        ("oid", json!(crate::asn1::oid_to_string(attribute.oid))),
        ("length", json!(attribute.raw.len())),
        ("sha256", json!(hex(&Sha256::digest(attribute.raw)))),
        ("known_tag", json!(tag.map(|tag| tag.text))),
    ];
    finding("S109", Some(severity), &evidence)
}

/// The tag that an attribute has for its only value.
fn only_value_tag(attribute: &Attribute<'_>) -> Option<Tag> {
    let mut values = attribute.values();
    let value = values.next().ok()??;
    let alone = matches!(values.next(), Ok(None));
    attribute_tag(value.content).filter(|_| alone)
}

/// S117: what known tools leave in the publisher's own words and in the certificate.
pub(super) fn tool_marks(facts: &FileFacts<'_>) -> Option<Finding> {
    const PROGRAMS: [&str; 2] = ["Notepad Benchmark Util", "MozDef Corp"];
    const STAMPS: [&str; 3] = ["timestamp", "/tsa", "rfc3161"];
    let shown = facts.deciding()?.1;
    let known = shown.program_name.as_deref().filter(|name| PROGRAMS.contains(name));
    let link = shown.more_info.as_deref().filter(|link| {
        let lower = link.to_ascii_lowercase();
        STAMPS.iter().any(|word| lower.contains(word))
    });
    let limelighter = super::certificates::made_by_limelighter(facts);
    let severity = match (known, link) {
        (Some(_), _) => Severity::High,
        _ if limelighter => Severity::High,
        (None, Some(_)) => Severity::Low,
        (None, None) => return None,
    };
    let evidence = [
        ("program_name", json!(shown.program_name)),
        ("more_info", json!(shown.more_info)),
        ("certificate", json!(limelighter.then_some("LimeLighter"))),
    ];
    finding("S117", Some(severity), &evidence)
}

/// S126: a version resource that no compiler writes.
pub(super) fn forged_version(facts: &FileFacts<'_>) -> Option<Finding> {
    let info = facts.record.version_info.as_ref()?;
    let original = info.original_filename.as_deref().filter(|name| {
        let drive = name.as_bytes().get(1) == Some(&b':');
        name.contains('\\') || drive
    })?;
    let severity = if facts.record.status == Status::Valid { Severity::Low } else { Severity::Medium };
    finding("S126", Some(severity), &[("original_filename", json!(original)), ("company", json!(info.company))])
}

/// S127: of several signatures some are for this content and some are not.
pub(super) fn mixed_signatures(facts: &FileFacts<'_>) -> Option<Finding> {
    let digests = || facts.signatures.iter().filter_map(|signature| Some(signature.content.as_ref()?.digest));
    let matching = digests().filter(|digest| *digest == DigestFact::Match).count();
    let differing = digests().filter(|digest| *digest == DigestFact::Mismatch).count();
    if matching == 0 || differing == 0 {
        return None;
    }
    finding("S127", None, &[("matching", json!(matching)), ("differing", json!(differing))])
}
