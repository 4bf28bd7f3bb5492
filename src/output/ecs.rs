//! Elastic Common Schema 9: one event a file, one a finding, a line each.
//!
//! Source: Elastic Common Schema 9.4, `generated/csv/fields.csv`. Status literals are those that Elastic's own endpoint
//! writes and its detection rules match. What ECS has no field for goes below `sigscan.`. `@timestamp` is the moment as of
//! which files were judged, so that the output is a pure function of records.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::attack::{self, Tactic};
use super::event::Alert;
use super::events::{EventFormat, Events};
use super::identity::{
    Object, Place, alert_id, any_signer, deciding, evidence_texts, file_id, is_signed, leaf, name_parts, put,
    severity_name,
};
use super::{JsonLines, Origin, Output, signer_name};
use crate::hunt::row;
use crate::judge::{Reason, Status};
use crate::record::{ChainCertificate, Record, Severity, Signer};
use crate::scan::Tally;

/// The value of `ecs.version`.
pub const ECS_VERSION: &str = "9.4.0";

/// Events as JSON Lines.
#[derive(Debug)]
pub struct Ecs<W> {
    lines: JsonLines<W>,
}

impl<W: Write> Ecs<W> {
    /// Events that are written to `writer`.
    pub fn events(origin: Origin, writer: W) -> Events<Self> {
        Events::new(Ecs { lines: JsonLines::new(writer) }, origin)
    }
}

impl<W: Write> Ecs<W> {
    pub(super) fn lines(writer: W) -> Self {
        Ecs { lines: JsonLines::new(writer) }
    }

    pub(super) fn line(&mut self, event: &Object) -> io::Result<()> {
        self.lines.line(event)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.lines.end()
    }
}

impl<W: Write> EventFormat for Ecs<W> {
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()> {
        self.lines.line(&file_event(record, origin))
    }

    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()> {
        self.lines.line(&finding_event(alert, judged_at, origin))
    }

    fn end(&mut self, tally: &Tally, _: &str, _: &Origin) -> io::Result<()> {
        self.lines.finish(tally)
    }
}

/// What ECS says of a record, without moment, event and machine: `file`, `related` and `sigscan`. For merging into an
/// event that speaks of the same file.
#[must_use]
pub fn ecs_fields(record: &Record) -> Object {
    let mut fields = Object::new();
    put(&mut fields, "file", file(record));
    let hashes = record.hashes.values().chain(record.authentihash.values());
    let mut related: Vec<&str> = hashes.map(String::as_str).collect();
    related.sort_unstable();
    related.dedup();
    put(&mut fields, "related", json!({ "hash": related }));
    put(&mut fields, "sigscan", verdict(record));
    fields
}

/// Elastic's literal for a verdict; `None` where its endpoint gives none: for a file without a signature and one that
/// was not judged.
#[must_use]
pub fn elastic_status(status: Status, reason: Reason) -> Option<&'static str> {
    match (status, reason) {
        (Status::Unsigned | Status::Error, _) => None,
        (Status::Valid, _) => Some("trusted"),
        (Status::Expired, _) => Some("errorExpired"),
        (Status::Revoked, _) => Some("errorRevoked"),
        (_, Reason::BadDigest) => Some("errorBadDigest"),
        (_, Reason::SelfSigned | Reason::UntrustedRoot | Reason::RootNotBefore) => Some("errorUntrustedRoot"),
        (_, Reason::ChainIncomplete) => Some("errorChaining"),
        (_, Reason::TimestampInvalid | Reason::TimestampUntrusted) => Some("errorTimeStamp"),
        (Status::Invalid | Status::Untrusted, _) => Some("errorCode_endpoint"),
    }
}

fn file(record: &Record) -> Object {
    let place = Place::of(&record.path);
    let mut file = Object::new();
    put(&mut file, "path", record.path.as_str());
    put(&mut file, "name", place.name);
    put(&mut file, "directory", place.directory);
    put(&mut file, "extension", place.extension);
    put(&mut file, "drive_letter", place.drive.map(String::from));
    put(&mut file, "size", record.size);
    put(&mut file, "type", "file");
    let mut hash = Object::new();
    for algorithm in ["md5", "sha1", "sha256", "sha384", "sha512"] {
        put(&mut hash, algorithm, record.hashes.get(algorithm).map(String::as_str));
    }
    put(&mut file, "hash", hash);
    put(&mut file, "code_signature", code_signature(record));
    put(&mut file, "x509", any_signer(record).map(|(signer, _)| x509(signer, leaf(record, signer))));
    put(&mut file, "pe", pe(record));
    file
}

/// `valid` is about the bytes, `trusted` about the chain; neither is there unless both were judged.
fn code_signature(record: &Record) -> Object {
    let mut said = Object::new();
    let exists = is_signed(record);
    put(&mut said, "exists", exists);
    if exists != Some(true) {
        return said;
    }
    if !matches!(record.status, Status::Error | Status::Unsigned) {
        put(&mut said, "valid", !reasons(record).any(breaks_the_signature));
        put(&mut said, "trusted", record.status == Status::Valid);
    }
    put(&mut said, "status", elastic_status(record.status, record.reason));
    put(&mut said, "digest_algorithm", deciding(record).and_then(|signature| signature.digest_algorithm.as_deref()));
    let verified = record.timestamp.as_ref().filter(|timestamp| timestamp.verified);
    put(&mut said, "timestamp", verified.and_then(|timestamp| timestamp.time.as_deref()));
    if let Some((signer, _)) = any_signer(record) {
        put(&mut said, "subject_name", signer_name(signer));
        put(&mut said, "thumbprint_sha256", signer.thumbprint_sha256.as_str());
    }
    said
}

fn reasons(record: &Record) -> impl Iterator<Item = Reason> {
    std::iter::once(record.reason).chain(record.other_reasons.iter().copied())
}

/// Reasons that say that the signature, or one above or beside it, does not hold: those of status Invalid.
fn breaks_the_signature(reason: Reason) -> bool {
    reason.status() == Status::Invalid
}

fn x509(signer: &Signer, leaf: Option<&ChainCertificate>) -> Object {
    let mut x509 = Object::new();
    put(&mut x509, "subject", party(&signer.subject));
    put(&mut x509, "issuer", party(&signer.issuer));
    put(&mut x509, "serial_number", signer.serial.as_str());
    put(&mut x509, "not_before", signer.not_before.as_deref());
    put(&mut x509, "not_after", signer.not_after.as_deref());
    if let Some(leaf) = leaf {
        put(&mut x509, "signature_algorithm", leaf.signature_algorithm.as_deref());
        let (algorithm, more) = leaf.key.split_once(' ').unwrap_or((&leaf.key, ""));
        put(&mut x509, "public_key_algorithm", algorithm);
        match more.parse::<u64>() {
            Ok(bits) => put(&mut x509, "public_key_size", bits),
            Err(_) => put(&mut x509, "public_key_curve", if algorithm == "EC" { more } else { "" }),
        }
    }
    x509
}

fn party(name: &str) -> Object {
    let titles = [
        ("common_name", "CN"),
        ("organization", "O"),
        ("organizational_unit", "OU"),
        ("locality", "L"),
        ("state_or_province", "ST"),
        ("country", "C"),
    ];
    let mut party = Object::new();
    put(&mut party, "distinguished_name", name);
    for (field, title) in titles {
        put(&mut party, field, name_parts(name, title));
    }
    party
}

fn pe(record: &Record) -> Object {
    let mut pe = Object::new();
    if let Some(version) = &record.version_info {
        put(&mut pe, "company", version.company.as_deref());
        put(&mut pe, "description", version.description.as_deref());
        put(&mut pe, "file_version", version.file_version.as_deref());
        put(&mut pe, "original_file_name", version.original_filename.as_deref());
        put(&mut pe, "product", version.product.as_deref());
    }
    pe
}

/// What only sigscan has to say, in the names of the record. The signatures one by one stay in the record.
fn verdict(record: &Record) -> Object {
    let mut said = Object::new();
    put(&mut said, "status", record.status.name());
    put(&mut said, "reason", record.reason.code());
    put(&mut said, "hresult", record.hresult.as_deref());
    put(&mut said, "other_reasons", record.other_reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>());
    put(&mut said, "format", record.format.name());
    put(&mut said, "self_signed", record.self_signed);
    put(&mut said, "ev_code_signing", record.ev_code_signing);
    put(&mut said, "signer_verified", any_signer(record).map(|(_, verified)| verified));
    put(&mut said, "thumbprint_sha1", any_signer(record).map(|(signer, _)| signer.thumbprint_sha1.as_str()));
    put(&mut said, "path_hex", record.path_hex.as_deref());
    put(&mut said, "signatures", record.signatures.len());
    let deciding = deciding(record);
    put(&mut said, "program_name", deciding.and_then(|signature| signature.program_name.as_deref()));
    put(&mut said, "authentihash", json!(record.authentihash));
    put(&mut said, "timestamp", record.timestamp.as_ref().map(|timestamp| without_nulls(json!(timestamp))));
    put(&mut said, "revocation", json!(record.revocation));
    put(&mut said, "catalog", record.catalog.as_str());
    put(&mut said, "keys", without_nulls(json!(record.keys)));
    put(&mut said, "findings", codes(record));
    let anomalies: Vec<&str> = record.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect();
    put(&mut said, "anomalies", anomalies);
    put(&mut said, "judged_at", record.judged_at.as_str());
    put(&mut said, "policy", json!(record.policy));
    put(&mut said, "trust_store", json!(record.trust_store));
    put(&mut said, "error", record.error.as_ref().map(|error| error.message.as_str()));
    said
}

fn codes(record: &Record) -> Vec<&str> {
    let mut codes: Vec<&str> = record.findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.dedup();
    codes
}

fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// The head of every event: moment, schema, machine, and what made it.
pub(super) fn head(judged_at: &str, origin: &Origin) -> Object {
    let mut event = Object::new();
    put(&mut event, "@timestamp", judged_at);
    put(&mut event, "ecs", json!({ "version": ECS_VERSION }));
    put(&mut event, "host", origin.host.as_ref().map(|host| json!({ "name": host, "hostname": host })));
    put(
        &mut event,
        "observer",
        json!({ "vendor": "sigscan", "product": "sigscan", "type": "scanner", "version": env!("CARGO_PKG_VERSION") }),
    );
    event
}

pub(super) fn add_related_host(event: &mut Object, origin: &Origin) {
    let Some(host) = &origin.host else { return };
    match event.get_mut("related").and_then(Value::as_object_mut) {
        Some(related) => put(related, "hosts", vec![host.as_str()]),
        None => put(event, "related", json!({ "hosts": [host] })),
    }
}

fn file_event(record: &Record, origin: &Origin) -> Object {
    let mut event = head(&record.judged_at, origin);
    put(
        &mut event,
        "event",
        json!({
            "kind": "event",
            "category": ["file"],
            "type": ["info"],
            "module": "sigscan",
            "provider": "sigscan",
            "dataset": "sigscan.file",
            "action": "signature-verification",
            "outcome": if record.status == Status::Error { "failure" } else { "success" },
            "code": record.status.name(),
            "reason": record.reason.code(),
            "id": file_id(record, origin),
        }),
    );
    put(&mut event, "message", format!("{}: {}", record.status.name(), record.reason.row().meaning));
    event.extend(ecs_fields(record));
    add_related_host(&mut event, origin);
    event
}

/// `event.severity` is 1 to 5 and `event.risk_score` what Elastic gives an alert of that severity.
/// Source: Elastic Security, detection rules: 21 low, 47 medium, 73 high, 99 critical.
pub(super) fn add_finding(event: &mut Object, alert: &Alert<'_>, id: &str) {
    let (severity, risk) = match alert.severity {
        Severity::Info => (1, 0),
        Severity::Low => (2, 21),
        Severity::Medium => (3, 47),
        Severity::High => (4, 73),
        Severity::Critical => (5, 99),
    };
    put(
        event,
        "event",
        json!({
            "kind": if alert.severity == Severity::Info { "event" } else { "alert" },
            "category": ["file", "intrusion_detection"],
            "type": ["info"],
            "module": "sigscan",
            "provider": "sigscan",
            "dataset": "sigscan.finding",
            "action": "signature-finding",
            "code": alert.code,
            "severity": severity,
            "risk_score": risk,
            "id": id,
        }),
    );
    put(event, "message", alert.title);
    let row = row(alert.code);
    let mut rule = Object::new();
    put(&mut rule, "id", alert.code);
    put(&mut rule, "name", alert.title);
    put(&mut rule, "category", "code-signature");
    put(&mut rule, "ruleset", "sigscan");
    put(&mut rule, "version", env!("CARGO_PKG_VERSION"));
    put(&mut rule, "description", row.map(|row| row.condition));
    put(&mut rule, "reference", row.and_then(|row| row.references.first().copied()));
    put(event, "rule", rule);
    put(event, "threat", threat(alert.attack));
}

fn finding_event(alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> Object {
    let mut event = head(judged_at, origin);
    add_finding(&mut event, alert, &alert_id(alert, judged_at, origin));
    let mut said = Object::new();
    put(&mut said, "severity", severity_name(alert.severity));
    put(&mut said, "confidence", json!(alert.confidence));
    put(&mut said, "evidence", evidence_texts(alert.evidence));
    match alert.record {
        Some(record) => {
            event.extend(ecs_fields(record));
            put(&mut said, "related", alert.members);
            if let Some(sigscan) = event.get_mut("sigscan").and_then(Value::as_object_mut) {
                put(sigscan, "finding", said);
            }
        }
        None => {
            put(&mut said, "members", alert.members);
            put(&mut said, "donor", alert.donor);
            put(&mut event, "sigscan", json!({ "finding": said, "judged_at": judged_at }));
        }
    }
    add_related_host(&mut event, origin);
    event
}

/// Techniques with the tactics that they serve; a technique without a known name is told by its number alone.
fn threat(numbers: &[String]) -> Object {
    let mut threat = Object::new();
    if numbers.is_empty() {
        return threat;
    }
    let parents: Vec<&str> = distinct(numbers.iter().map(|id| attack::parent(id)));
    let subs: Vec<&str> = distinct(numbers.iter().map(String::as_str).filter(|id| id.contains('.')));
    let tactics: Vec<&Tactic> =
        distinct(numbers.iter().filter_map(|id| attack::technique(id)).flat_map(|row| row.tactics));
    put(&mut threat, "framework", "MITRE ATT&CK");
    let (ids, names): (Vec<&str>, Vec<&str>) = tactics.iter().map(|tactic| (tactic.id, tactic.name)).unzip();
    put(&mut threat, "tactic", both(&ids, &names));
    let mut technique = both(&parents, &names_of(&parents));
    put(&mut technique, "subtechnique", both(&subs, &names_of(&subs)));
    put(&mut threat, "technique", technique);
    threat
}

fn both(ids: &[&str], names: &[&str]) -> Object {
    let mut object = Object::new();
    put(&mut object, "id", ids.to_vec());
    put(&mut object, "name", names.to_vec());
    object
}

fn names_of(ids: &[&str]) -> Vec<&'static str> {
    ids.iter().filter_map(|id| attack::technique(id)).map(|row| row.name).collect()
}

/// Each once, in the order in which they first come.
fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn every_reason_has_the_literal_of_its_row() {
        let literal = |reason: Reason| elastic_status(reason.status(), reason).unwrap_or("-");
        let codes = |wanted: &str| -> Vec<&str> {
            let rows = crate::judge::TABLE.iter().filter(|row| literal(row.reason) == wanted);
            rows.map(|row| row.code).collect()
        };
        assert_eq!(codes("trusted"), ["ok"]);
        assert_eq!(codes("errorBadDigest"), ["bad-digest"]);
        assert_eq!(codes("errorRevoked"), ["cert-revoked"]);
        assert_eq!(codes("errorUntrustedRoot"), ["self-signed", "untrusted-root", "root-not-before"]);
        assert_eq!(codes("errorChaining"), ["chain-incomplete"]);
        assert_eq!(
            codes("errorExpired"),
            ["timestamp-outside-validity", "cert-expired", "cert-not-yet-valid", "lifetime-expired"]
        );
        assert_eq!(codes("errorTimeStamp"), ["timestamp-invalid", "timestamp-untrusted"]);
        assert_eq!(
            codes("-"),
            [
                "not-found",
                "io",
                "changed-while-reading",
                "limit",
                "unsupported-format",
                "no-signature",
                "unsupported-subject",
                "unsupported-algorithm",
            ]
        );
    }

    #[test]
    fn a_verified_and_a_claimed_signer() {
        let valid = Value::Object(ecs_fields(&samples::valid()));
        assert_eq!(
            valid["file"]["code_signature"],
            json!({ "exists": true, "valid": true, "trusted": true, "status": "trusted",
                "timestamp": "2025-03-01T12:00:00Z", "subject_name": "Good Company", "thumbprint_sha256": "22" })
        );
        assert_eq!(valid["sigscan"]["signer_verified"], true);
        assert_eq!(
            valid["file"]["x509"]["issuer"],
            json!({ "distinguished_name": "CN=Good CA", "common_name": ["Good CA"] })
        );
        let hostile = Value::Object(ecs_fields(&samples::hostile()));
        assert_eq!(
            hostile["file"]["code_signature"],
            json!({ "exists": true, "valid": false, "trusted": false, "status": "errorBadDigest",
                "subject_name": "Good", "thumbprint_sha256": "22" })
        );
        assert_eq!(hostile["sigscan"]["signer_verified"], false);
    }

    #[test]
    fn what_was_not_judged_is_not_said() {
        let missing = Value::Object(ecs_fields(&samples::missing()));
        assert_eq!(
            missing["file"],
            json!({ "path": "gone.exe", "name": "gone.exe", "extension": "exe", "type": "file" })
        );
        let mut unsigned = samples::missing();
        (unsigned.status, unsigned.reason) = (Status::Unsigned, Reason::NoSignature);
        let unsigned = Value::Object(ecs_fields(&unsigned));
        assert_eq!(unsigned["file"]["code_signature"], json!({ "exists": false }));
    }

    #[test]
    fn techniques_are_spelt_out() {
        let numbers = ["T1036.001", "T1553.002", "T9999.001"].map(str::to_owned);
        assert_eq!(
            Value::Object(threat(&numbers)),
            json!({
                "framework": "MITRE ATT&CK",
                "tactic": { "id": ["TA0005"], "name": ["Defense Evasion"] },
                "technique": {
                    "id": ["T1036", "T1553", "T9999"],
                    "name": ["Masquerading", "Subvert Trust Controls"],
                    "subtechnique": {
                        "id": ["T1036.001", "T1553.002", "T9999.001"],
                        "name": ["Invalid Code Signature", "Code Signing"],
                    },
                },
            })
        );
    }
}
