//! What an event of a SIEM says of a file or of a finding, before a format spells it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::sysmon::{SysmonSignature, signature_fields};
use super::{Record, json, signer_name};
use crate::judge::Status;
use crate::record::{Confidence, Finding, FindingLine, Severity, Signer};

/// Who speaks, in every format that asks for a vendor, a product and a version.
pub(super) const PRODUCT: &str = "sigscan";
/// The version that goes with it.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The last component of a path of any system. A Windows path may be read on Linux and the other way round, so both
/// separators count; a path that ends with one is its own name.
pub(super) fn file_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    if name.is_empty() { path } else { name }
}

/// How bad a status is on a scale from 1 to 10 (LEEF `sev` 1 to 10, CEF severity 0 to 10), in the order of
/// [`Status::WORST_FIRST`].
pub(super) fn status_severity(status: Status) -> u8 {
    match status {
        Status::Invalid => 8,
        Status::Revoked => 7,
        Status::Untrusted => 6,
        Status::Expired => 5,
        Status::Error => 3,
        Status::Unsigned => 2,
        Status::Valid => 1,
    }
}

/// How bad a finding is on the same scale. CEF calls 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10 very high.
pub(super) fn finding_severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

/// The word for how sure a finding is, as records have it.
pub(super) fn confidence_name(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
        Confidence::Proof => "proof",
    }
}

/// The certificate that signed the file, else the one that its signature names, and whether it is the former.
pub(super) fn named_signer(record: &Record) -> Option<(&Signer, bool)> {
    let claimed = record.claimed_signer.as_ref().map(|signer| (signer, false));
    record.signer.as_ref().map(|signer| (signer, true)).or(claimed)
}

/// The codes of a file's findings, one each, in the record's order.
pub(super) fn finding_codes(record: &Record, separator: &str) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for finding in &record.findings {
        if !codes.contains(&finding.code.as_str()) {
            codes.push(&finding.code);
        }
    }
    codes.join(separator)
}

pub(super) fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// At most `limit` bytes of a text; an ellipsis says that there was more. For limits of at least three bytes.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or(""))
}

/// As many of the first paths as fit into `limit` bytes, as a JSON array without control or invisible characters.
pub(super) fn list_within(paths: &[String], limit: usize) -> String {
    let mut list = String::from("[");
    for path in paths {
        let item = json::text(path);
        if list.len().saturating_add(item.len()).saturating_add(2) > limit {
            break;
        }
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&item);
    }
    list.push(']');
    list
}

/// As much evidence as fits into `limit` bytes, as a JSON object; `left_out` counts the rest.
pub(super) fn evidence_within(evidence: &BTreeMap<String, Value>, limit: usize) -> String {
    const NOTE: usize = 32; // for the note and the brackets
    let mut object = String::from("{");
    let mut left_out = 0u32;
    for (key, value) in evidence {
        let item = format!("{}:{}", json::text(key), json::text(value));
        if object.len().saturating_add(item.len()).saturating_add(NOTE) > limit {
            left_out = left_out.saturating_add(1);
            continue;
        }
        if object.len() > 1 {
            object.push(',');
        }
        object.push_str(&item);
    }
    if left_out > 0 {
        object.push_str(if object.len() > 1 { "," } else { "" });
        object.push_str(&format!("\"left_out\":{left_out}"));
    }
    object.push('}');
    object
}

/// A finding as an event of its own, about one file or several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alert<'a> {
    pub(super) code: &'a str,
    pub(super) title: &'a str,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) attack: &'a [String],
    pub(super) evidence: &'a BTreeMap<String, Value>,
    /// The file, of a finding about one.
    pub(super) record: Option<&'a Record>,
    /// The other files concerned, or all of a finding about several.
    pub(super) members: &'a [String],
    pub(super) donor: Option<&'a str>,
}

impl<'a> Alert<'a> {
    /// Of a finding about one file.
    pub(super) fn single(record: &'a Record, finding: &'a Finding) -> Alert<'a> {
        Alert {
            code: &finding.code,
            title: &finding.title,
            severity: finding.severity,
            confidence: finding.confidence,
            attack: &finding.attack,
            evidence: &finding.evidence,
            record: Some(record),
            members: &finding.related,
            donor: None,
        }
    }

    /// Of a finding about several files.
    pub(super) fn cross(finding: &'a FindingLine) -> Alert<'a> {
        Alert {
            code: &finding.code,
            title: &finding.title,
            severity: finding.severity,
            confidence: finding.confidence,
            attack: &finding.attack,
            evidence: &finding.evidence,
            record: None,
            members: &finding.members,
            donor: finding.donor.as_deref(),
        }
    }
}

/// A file as the body of a JSON event: the names that Splunk's and LogScale's rules know (Splunk Common Information
/// Model, Filesystem; Sysmon's), and the record beside them.
#[derive(Debug, Serialize)]
pub(super) struct FileEvent<'a> {
    vendor_product: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest: Option<&'a str>,
    file_path: &'a str,
    file_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "Signer")]
    signer: Option<&'a str>,
    #[serde(flatten)]
    signature: SysmonSignature<'a>,
    record: &'a Record,
}

impl<'a> FileEvent<'a> {
    pub(super) fn new(record: &'a Record, host: Option<&'a str>) -> FileEvent<'a> {
        FileEvent {
            vendor_product: PRODUCT,
            dest: host,
            file_path: &record.path,
            file_name: file_name(&record.path),
            file_hash: record.hashes.get("sha256").map(String::as_str),
            file_size: record.size,
            signer: named_signer(record).and_then(|(signer, _)| signer_name(signer)),
            signature: signature_fields(record),
            record,
        }
    }
}

/// A finding as the body of a JSON event (Splunk Common Information Model, Malware Attacks, where `signature` is the
/// rule that matched). The file's status is `file_status`, so that a search for `SignatureStatus` meets each file once.
#[derive(Debug, Serialize)]
pub(super) struct AlertEvent<'a> {
    vendor_product: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest: Option<&'a str>,
    category: &'static str,
    signature: &'a str,
    signature_id: String,
    severity: &'static str,
    confidence: Confidence,
    mitre_technique_id: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    file_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "Signer")]
    signer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "SignerVerified")]
    signer_verified: Option<&'static str>,
    evidence: &'a BTreeMap<String, Value>,
    members: &'a [String],
    donor: Option<&'a str>,
}

impl<'a> AlertEvent<'a> {
    pub(super) fn new(alert: &Alert<'a>, host: Option<&'a str>) -> AlertEvent<'a> {
        let record = alert.record;
        let signer = record.and_then(named_signer);
        AlertEvent {
            vendor_product: PRODUCT,
            dest: host,
            category: "code-signing",
            signature: alert.title,
            signature_id: event_id(alert.code),
            severity: match alert.severity {
                Severity::Info => "informational",
                Severity::Low => "low",
                Severity::Medium => "medium",
                Severity::High => "high",
                Severity::Critical => "critical",
            },
            confidence: alert.confidence,
            mitre_technique_id: alert.attack,
            file_path: record.map(|record| record.path.as_str()),
            file_name: record.map(|record| file_name(&record.path)),
            file_hash: record.and_then(|record| record.hashes.get("sha256")).map(String::as_str),
            file_status: record.map(|record| record.status.name()),
            signer: signer.and_then(|(signer, _)| signer_name(signer)),
            signer_verified: signer.map(|(_, verified)| boolean(verified)),
            evidence: alert.evidence,
            members: alert.members,
            donor: alert.donor,
        }
    }
}

/// What a finding's event is called, in every format alike.
pub(super) fn event_id(code: &str) -> String {
    format!("SIG-{code}")
}
