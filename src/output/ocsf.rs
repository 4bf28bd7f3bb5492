//! Open Cybersecurity Schema Framework 1.8: events of three classes, a line each.
//!
//! Source: the schema's export, version 1.8.0. A finding is a Detection Finding (2004) with the file and its `signatures[]`
//! as evidence; a file without one is a Live Evidence Info (5040), and the run ends with a Scan Activity (6007) from what
//! was counted. `time` is the moment as of which files were judged, so that the output is a pure function of records. What
//! the schema has no attribute for goes to `unmapped.sigscan`.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::attack;
use super::event::Alert;
use super::events::{EventFormat, Events};
use super::identity::{Object, Place, alert_id, epoch_milliseconds, evidence_texts, file_id, put, severity_name};
use super::{JsonLines, Origin, Output};
use crate::hunt::row;
use crate::judge::{Reason, Status};
use crate::record::{Confidence, Record, Severity, Signature, Signer};
use crate::scan::Tally;

/// The value of `metadata.version`.
pub const OCSF_VERSION: &str = "1.8.0";

/// Events as JSON Lines.
#[derive(Debug)]
pub struct Ocsf<W> {
    lines: JsonLines<W>,
    detections: u64,
}

impl<W: Write> Ocsf<W> {
    /// Events that are written to `writer`.
    pub fn events(origin: Origin, writer: W) -> Events<Self> {
        Events::new(Ocsf { lines: JsonLines::new(writer), detections: 0 }, origin)
    }
}

impl<W: Write> Ocsf<W> {
    pub(super) fn lines(writer: W) -> Self {
        Ocsf { lines: JsonLines::new(writer), detections: 0 }
    }

    pub(super) fn line(&mut self, event: &Object) -> io::Result<()> {
        self.lines.line(event)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.lines.end()
    }
}

impl<W: Write> EventFormat for Ocsf<W> {
    /// A file with findings is the evidence of each of them.
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()> {
        if record.findings.is_empty() { self.lines.line(&evidence_info(record, origin)) } else { Ok(()) }
    }

    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()> {
        self.detections = self.detections.saturating_add(1);
        self.lines.line(&detection(alert, judged_at, origin))
    }

    fn end(&mut self, tally: &Tally, judged_at: &str, origin: &Origin) -> io::Result<()> {
        self.lines.line(&scan_activity(tally, self.detections, judged_at, origin))?;
        self.lines.finish(tally)
    }
}

/// A class with the one activity that sigscan reports of it.
struct Class {
    uid: u32,
    name: &'static str,
    category: (u32, &'static str),
    activity: (u32, &'static str),
}

const DETECTION: Class =
    Class { uid: 2004, name: "Detection Finding", category: (2, "Findings"), activity: (1, "Create") };
const EVIDENCE: Class =
    Class { uid: 5040, name: "Live Evidence Info", category: (5, "Discovery"), activity: (1, "Query") };
const SCAN: Class =
    Class { uid: 6007, name: "Scan Activity", category: (6, "Application Activity"), activity: (2, "Completed") };

/// What every event starts with. Without an identity an event is none that could come twice.
fn head(class: &Class, judged_at: &str, severity: (u32, &str), id: Option<&str>) -> Object {
    let mut event = Object::new();
    put(&mut event, "class_uid", class.uid);
    put(&mut event, "class_name", class.name);
    put(&mut event, "category_uid", class.category.0);
    put(&mut event, "category_name", class.category.1);
    put(&mut event, "activity_id", class.activity.0);
    put(&mut event, "activity_name", class.activity.1);
    put(&mut event, "type_uid", class.uid.saturating_mul(100).saturating_add(class.activity.0));
    put(&mut event, "type_name", format!("{}: {}", class.name, class.activity.1));
    put(&mut event, "time", epoch_milliseconds(judged_at).unwrap_or_default());
    put(&mut event, "severity_id", severity.0);
    put(&mut event, "severity", severity.1);
    let mut metadata = Object::new();
    put(&mut metadata, "version", OCSF_VERSION);
    put(
        &mut metadata,
        "product",
        json!({ "name": "sigscan", "vendor_name": "sigscan", "version": env!("CARGO_PKG_VERSION") }),
    );
    put(&mut metadata, "uid", id);
    put(&mut event, "metadata", metadata);
    event
}

/// The machine, where it is known.
fn device(origin: &Origin) -> Option<Value> {
    let host = origin.host.as_ref()?;
    Some(json!({ "hostname": host, "name": host, "type_id": 0, "type": "Unknown" }))
}

/// Where a class demands a device, and one of its names: the schema's own word for what is not known, and why it is not.
fn unnamed_device() -> Value {
    let why = "not named: sigscan --host says which machine the files are from";
    json!({ "name": "Unknown", "desc": why, "type_id": 0, "type": "Unknown" })
}

const INFORMATIONAL: (u32, &str) = (1, "Informational");

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => INFORMATIONAL,
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// Proof is the schema's High: it has nothing above.
fn confidence(confidence: Confidence) -> (u32, &'static str) {
    match confidence {
        Confidence::Low => (1, "Low"),
        Confidence::Medium => (2, "Medium"),
        Confidence::High | Confidence::Proof => (3, "High"),
    }
}

fn evidence_info(record: &Record, origin: &Origin) -> Object {
    let mut event = head(&EVIDENCE, &record.judged_at, INFORMATIONAL, Some(&file_id(record, origin)));
    let failed = record.status == Status::Error;
    put(&mut event, "status_id", if failed { 2 } else { 1 });
    put(&mut event, "status", if failed { "Failure" } else { "Success" });
    put(&mut event, "status_code", record.reason.code());
    put(&mut event, "status_detail", record.reason.row().meaning);
    put(&mut event, "message", format!("{}: {}", record.status.name(), record.reason.row().meaning));
    let (result, caption) = match record.reason {
        Reason::NotFound => (3, "Does not exist"),
        Reason::UnsupportedFormat => (5, "Unsupported"),
        _ if failed => (4, "Error"),
        _ => (1, "Exists"),
    };
    put(&mut event, "query_result_id", result);
    put(&mut event, "query_result", caption);
    put(&mut event, "device", device(origin).unwrap_or_else(unnamed_device));
    put(&mut event, "query_evidence", json!({ "query_type_id": 2, "query_type": "File", "file": file(record) }));
    put(&mut event, "unmapped", json!({ "sigscan": verdict(record) }));
    event
}

fn detection(alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> Object {
    let mut event = finding(alert, &alert_id(alert, judged_at, origin), judged_at, origin);
    add_evidence(&mut event, alert);
    event
}

/// A Detection Finding without its evidence.
pub(super) fn finding(alert: &Alert<'_>, id: &str, judged_at: &str, origin: &Origin) -> Object {
    let mut event = head(&DETECTION, judged_at, severity(alert.severity), Some(id));
    put(&mut event, "status_id", 1);
    put(&mut event, "status", "New");
    let (confidence_id, caption) = confidence(alert.confidence);
    put(&mut event, "confidence_id", confidence_id);
    put(&mut event, "confidence", caption);
    put(&mut event, "is_alert", alert.severity >= Severity::Medium);
    put(&mut event, "message", alert.title);
    let row = row(alert.code);
    let mut info = Object::new();
    put(&mut info, "uid", id);
    put(&mut info, "title", alert.title);
    put(&mut info, "desc", row.map(|row| row.condition));
    put(&mut info, "src_url", row.and_then(|row| row.references.first().copied()));
    put(&mut info, "types", vec!["Code Signature"]);
    put(&mut info, "created_time", epoch_milliseconds(judged_at));
    put(
        &mut info,
        "analytic",
        json!({ "uid": alert.code, "name": alert.title, "type_id": 1, "type": "Rule", "version": env!("CARGO_PKG_VERSION") }),
    );
    put(&mut info, "attacks", alert.attack.iter().flat_map(|id| attacks(id)).collect::<Vec<_>>());
    put(&mut event, "finding_info", info);
    put(&mut event, "device", device(origin));
    event
}

/// The files, and what is proven of them.
fn add_evidence(event: &mut Object, alert: &Alert<'_>) {
    let mut proof = Object::new();
    put(&mut proof, "severity", severity_name(alert.severity));
    put(&mut proof, "confidence", json!(alert.confidence));
    put(&mut proof, "evidence", evidence_texts(alert.evidence));
    let mut said = match alert.record {
        Some(record) => {
            put(event, "evidences", json!([{ "file": file(record) }]));
            put(&mut proof, "related", alert.members);
            verdict(record)
        }
        None => {
            let member = |path: &String| json!({ "file": named_file(path) });
            put(event, "evidences", alert.members.iter().map(member).collect::<Vec<_>>());
            put(&mut proof, "donor", alert.donor);
            Object::new()
        }
    };
    put(&mut said, "finding", proof);
    put(event, "unmapped", json!({ "sigscan": said }));
}

/// A technique, once for each tactic that it serves.
fn attacks(id: &str) -> Vec<Object> {
    let named = |id: &str| {
        let mut named = Object::new();
        put(&mut named, "uid", id);
        put(&mut named, "name", attack::technique(id).map(|row| row.name));
        named
    };
    let mut plain = Object::new();
    put(&mut plain, "technique", named(attack::parent(id)));
    put(&mut plain, "sub_technique", id.contains('.').then(|| named(id)));
    let Some(row) = attack::technique(id) else { return vec![plain] };
    let with_tactic = |tactic: &attack::Tactic| {
        let mut attack = plain.clone();
        put(&mut attack, "tactic", json!({ "uid": tactic.id, "name": tactic.name }));
        put(&mut attack, "version", attack::VERSION);
        attack
    };
    row.tactics.iter().map(with_tactic).collect()
}

pub(super) fn named_file(path: &str) -> Object {
    let place = Place::of(path);
    let mut file = Object::new();
    // Required, even if it is empty.
    file.insert("name".to_owned(), Value::from(place.name));
    put(&mut file, "type_id", 1);
    put(&mut file, "type", "Regular File");
    put(&mut file, "path", path);
    put(&mut file, "parent_folder", place.directory);
    put(&mut file, "ext", place.extension);
    file
}

fn file(record: &Record) -> Object {
    let mut file = named_file(&record.path);
    put(&mut file, "size", record.size);
    let hashes = record.hashes.iter().filter_map(|(algorithm, value)| fingerprint(algorithm, value));
    put(&mut file, "hashes", hashes.collect::<Vec<_>>());
    let listed = record.catalog_signature.iter().chain(&record.signatures);
    put(&mut file, "signatures", listed.map(signature).collect::<Vec<_>>());
    if let Some(version) = &record.version_info {
        put(&mut file, "company_name", version.company.as_deref());
        put(&mut file, "version", version.file_version.as_deref());
    }
    file
}

pub(super) fn fingerprint(algorithm: &str, value: &str) -> Option<Value> {
    let (id, caption) = match algorithm {
        "md5" => (1, "MD5"),
        "sha1" => (2, "SHA-1"),
        "sha256" => (3, "SHA-256"),
        "sha384" => (9, "SHA-384"),
        "sha512" => (4, "SHA-512"),
        other => (99, other),
    };
    (!value.is_empty()).then(|| json!({ "algorithm_id": id, "algorithm": caption, "value": value }))
}

fn signature(signature: &Signature) -> Object {
    let mut said = Object::new();
    put(&mut said, "algorithm_id", 4);
    put(&mut said, "algorithm", "Authenticode");
    let (state, caption) = state(signature.status, signature.reason);
    put(&mut said, "state_id", state);
    put(&mut said, "state", caption);
    let signer = signature.signer.as_ref().or(signature.claimed_signer.as_ref());
    let own_key = std::iter::once(&signature.reason).chain(&signature.other_reasons).any(|r| *r == Reason::SelfSigned);
    put(&mut said, "certificate", signer.map(|signer| certificate(signer, own_key)));
    let digest = signature.digest_algorithm.as_deref().zip(signature.signed_digest.as_deref());
    put(&mut said, "digest", digest.and_then(|(algorithm, value)| fingerprint(algorithm, value)));
    let timestamp = signature.timestamps.iter().find(|timestamp| timestamp.used && timestamp.verified);
    put(&mut said, "created_time", timestamp.and_then(|used| epoch_milliseconds(used.time.as_deref()?)));
    said
}

fn certificate(signer: &Signer, self_signed: bool) -> Object {
    let mut said = Object::new();
    put(&mut said, "subject", signer.subject.as_str());
    // Required, even if they are empty.
    said.insert("issuer".to_owned(), Value::from(signer.issuer.as_str()));
    said.insert("serial_number".to_owned(), Value::from(signer.serial.as_str()));
    let thumbprints = [("sha1", &signer.thumbprint_sha1), ("sha256", &signer.thumbprint_sha256)];
    let fingerprints = thumbprints.iter().filter_map(|(algorithm, value)| fingerprint(algorithm, value));
    put(&mut said, "fingerprints", fingerprints.collect::<Vec<_>>());
    put(&mut said, "created_time", signer.not_before.as_deref().and_then(epoch_milliseconds));
    put(&mut said, "expiration_time", signer.not_after.as_deref().and_then(epoch_milliseconds));
    put(&mut said, "is_self_signed", self_signed);
    said
}

/// The schema's `state_id` of a verdict.
fn state(status: Status, reason: Reason) -> (u32, &'static str) {
    match (status, reason) {
        (Status::Valid, _) => (1, "Valid"),
        (Status::Expired, _) => (2, "Expired"),
        (Status::Revoked, _) => (3, "Revoked"),
        (_, Reason::ExplicitDistrust) => (7, "Distrusted"),
        (_, Reason::WrongUsage | Reason::RootEku) => (8, "WrongUsage"),
        (_, Reason::Malformed) => (10, "Broken"),
        (Status::Untrusted, _) => (6, "Untrusted"),
        (Status::Invalid, _) => (9, "Bad"),
        (Status::Error | Status::Unsigned, _) => (0, "Unknown"),
    }
}

fn verdict(record: &Record) -> Object {
    let mut said = Object::new();
    put(&mut said, "status", record.status.name());
    put(&mut said, "reason", record.reason.code());
    put(&mut said, "hresult", record.hresult.as_deref());
    put(&mut said, "other_reasons", record.other_reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>());
    put(&mut said, "format", record.format.name());
    put(&mut said, "signer_verified", super::identity::any_signer(record).map(|(_, verified)| verified));
    put(&mut said, "path_hex", record.path_hex.as_deref());
    put(&mut said, "authentihash", json!(record.authentihash));
    put(&mut said, "revocation", json!(record.revocation));
    put(&mut said, "catalog", record.catalog.as_str());
    put(&mut said, "error", record.error.as_ref().map(|error| error.message.as_str()));
    said
}

/// `num_detections` is the number of Detection Findings before this event.
fn scan_activity(tally: &Tally, detections: u64, judged_at: &str, origin: &Origin) -> Object {
    let mut event = head(&SCAN, judged_at, INFORMATIONAL, None);
    let unsupported = tally.unsupported.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    let left_out = tally.excluded.saturating_add(tally.excluded_folders);
    let skipped = [tally.not_signable, unsupported, tally.special, tally.links, left_out]
        .iter()
        .fold(0u64, |sum, count| sum.saturating_add(*count));
    put(&mut event, "message", format!("{} files judged, {detections} findings, {skipped} skipped", tally.records));
    let whole = tally.unjudged == 0;
    put(&mut event, "status_id", if whole { 1 } else { 2 });
    put(&mut event, "status", if whole { "Success" } else { "Failure" });
    let left = (!whole).then(|| format!("ended early: {} files were found and not judged", tally.unjudged));
    put(&mut event, "status_detail", left);
    put(&mut event, "scan", json!({ "name": "sigscan", "type_id": 0, "type": "Unknown" }));
    put(&mut event, "num_files", tally.records);
    put(&mut event, "num_detections", detections);
    put(&mut event, "num_skipped_items", skipped);
    put(&mut event, "total", tally.records.saturating_add(skipped));
    if let Some(device) = device(origin) {
        put(&mut event, "device", device);
        // In this class the device comes with the Host profile.
        if let Some(metadata) = event.get_mut("metadata").and_then(Value::as_object_mut) {
            put(metadata, "profiles", vec!["host"]);
        }
    }
    put(&mut event, "unmapped", json!({ "sigscan": { "bytes": tally.bytes, "missing": tally.missing } }));
    event
}
