//! What a SARIF document says before its results: the tool with its rules, and the taxonomy that they refer to.

use serde_json::{Value, json};

use crate::hunt;
use crate::judge::Status;
use crate::output::attack;
use crate::output::identity::{Object, put};
use crate::record::Severity;

/// A rule for a status that is a result.
pub(super) struct StatusRule {
    pub status: Status,
    pub id: &'static str,
    name: &'static str,
    meaning: &'static str,
    /// `error`, `warning` or `none`; the last is for what could not be decided.
    pub level: &'static str,
    severity: &'static str,
}

const fn rule(
    status: Status,
    id: &'static str,
    name: &'static str,
    meaning: &'static str,
    level: &'static str,
    severity: &'static str,
) -> StatusRule {
    StatusRule { status, id, name, meaning, level, severity }
}

/// Statuses that are results, worst first: a file that is Valid or Unsigned is an artifact without one.
pub(super) const STATUS_RULES: [StatusRule; 5] = [
    rule(
        Status::Invalid,
        "SIG-INVALID",
        "InvalidSignature",
        "The signature is broken or belongs to other bytes.",
        "error",
        "8.0",
    ),
    rule(Status::Revoked, "SIG-REVOKED", "RevokedSignature", "A certificate of the chain was revoked.", "error", "8.0"),
    rule(
        Status::Untrusted,
        "SIG-UNTRUSTED",
        "UntrustedSignature",
        "The signature is intact but leads to no trusted root, or not for this use.",
        "error",
        "7.0",
    ),
    rule(
        Status::Expired,
        "SIG-EXPIRED",
        "ExpiredSignature",
        "The signature is out of its validity at the moment that counts.",
        "warning",
        "4.0",
    ),
    rule(Status::Error, "SIG-ERROR", "NotJudged", "The file was not judged.", "none", "0.0"),
];

/// The level of a finding.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// What code scanning services rank by: above 9 critical, from 7 high, from 4 medium.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}

/// Position of a rule: those of statuses come first, then those of findings in the order of their codes.
pub(super) fn index(id: &str) -> Option<usize> {
    let ids = STATUS_RULES.iter().map(|rule| rule.id).chain(hunt::rows().map(|row| row.code));
    ids.into_iter().position(|known| known == id)
}

/// `tool`.
pub(super) fn tool() -> Value {
    let statuses = STATUS_RULES.iter().map(|rule| {
        json!({
            "id": rule.id,
            "name": rule.name,
            "shortDescription": { "text": rule.meaning },
            "defaultConfiguration": { "level": rule.level },
            "properties": { "tags": ["security", "code-signature"], "security-severity": rule.severity },
        })
    });
    let findings = hunt::rows().map(|row| {
        let mut rule = Object::new();
        put(&mut rule, "id", row.code);
        put(&mut rule, "shortDescription", json!({ "text": plain(row.title) }));
        put(&mut rule, "fullDescription", json!({ "text": plain(&format!("{} {}", row.condition, row.why)) }));
        put(&mut rule, "help", json!({ "text": plain(&format!("{} Else: {}", row.todo, row.false_positives)) }));
        put(&mut rule, "helpUri", row.references.first().copied());
        put(&mut rule, "defaultConfiguration", json!({ "level": level(row.severity) }));
        put(&mut rule, "relationships", row.attack.iter().filter_map(|id| relationship(id)).collect::<Vec<_>>());
        let tags = ["security", "code-signature"];
        put(&mut rule, "properties", json!({ "tags": tags, "security-severity": security_severity(row.severity) }));
        Value::Object(rule)
    });
    json!({
        "driver": {
            "name": "sigscan",
            "version": env!("CARGO_PKG_VERSION"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "supportedTaxonomies": [{ "name": TAXONOMY, "index": 0 }],
            "rules": statuses.chain(findings).collect::<Vec<_>>(),
        }
    })
}

/// Text without what SARIF reads as a link or a placeholder (sections 3.11.5 and 3.11.6).
fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace('{', "{{").replace('}', "}}")
}

const TAXONOMY: &str = "MITRE ATT&CK";

/// The reference to a technique of the taxonomy, where that has it.
pub(super) fn taxon(id: &str) -> Option<Value> {
    let index = attack::TECHNIQUES.iter().position(|row| row.id == id)?;
    Some(json!({ "id": id, "index": index, "toolComponent": { "name": TAXONOMY, "index": 0 } }))
}

fn relationship(id: &str) -> Option<Value> {
    Some(json!({ "target": taxon(id)?, "kinds": ["relevant"] }))
}

/// `taxonomies`.
pub(super) fn taxonomies() -> Value {
    let taxa = attack::TECHNIQUES.iter().map(|row| {
        let page = row.id.replace('.', "/");
        json!({
            "id": row.id,
            "name": row.name,
            "helpUri": format!("https://attack.mitre.org/techniques/{page}/"),
        })
    });
    json!([{
        "name": TAXONOMY,
        "version": attack::VERSION,
        "organization": "MITRE",
        "informationUri": "https://attack.mitre.org/",
        "isComprehensive": false,
        "taxa": taxa.collect::<Vec<_>>(),
    }])
}
