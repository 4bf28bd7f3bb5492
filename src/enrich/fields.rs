//! What an event gets: a record, or its most important parts.

use serde_json::{Map, Value};

use crate::output::signer_name;
use crate::record::Record;

/// Longest line with [`Shape::Compact`], without its end: what pipelines with buffers of 64 KiB can take.
pub const MAX_COMPACT: usize = 65_535;
/// Characters of one value that a compact verdict keeps.
const MAX_TEXT: usize = 512;
/// Findings that a compact verdict names.
const MAX_FINDINGS: usize = 64;

/// How much of a record an event gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// The whole record.
    #[default]
    Whole,
    /// What a rule needs, in at most 64 KiB a line.
    Compact,
}

/// Members of a record that a compact verdict keeps.
const KEPT: [&str; 17] = [
    "path",
    "size",
    "format",
    "status",
    "reason",
    "hresult",
    "other_reasons",
    "self_signed",
    "ev_code_signing",
    "signer",
    "claimed_signer",
    "timestamp",
    "authentihash",
    "hashes",
    "revocation",
    "catalog",
    "judged_at",
];

/// The record as JSON.
#[must_use]
pub fn verdict(record: &Record, shape: Shape) -> String {
    match shape {
        Shape::Whole => crate::output::json_text(record),
        Shape::Compact => {
            let Ok(Value::Object(whole)) = serde_json::to_value(record) else { return String::new() };
            let mut kept = Map::new();
            for key in KEPT {
                kept.extend(whole.get(key).map(|value| (key.to_owned(), shortened(value))));
            }
            let codes: Vec<Value> =
                record.findings.iter().take(MAX_FINDINGS).map(|finding| Value::from(finding.code.as_str())).collect();
            kept.insert("finding_codes".to_owned(), Value::Array(codes));
            if let Some(error) = &record.error {
                kept.insert("error".to_owned(), shortened(&serde_json::to_value(error).unwrap_or_default()));
            }
            crate::output::json_text(&kept)
        }
    }
}

/// The least that can be said, for lines that have no room for more.
#[must_use]
pub fn least(status: &str, reason: &str) -> String {
    format!(r#"{{"status":"{status}","reason":"{reason}"}}"#)
}

/// The value with its texts cut; records are at most two levels deep where this is used.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(items) => Value::Array(items.iter().take(MAX_FINDINGS).cloned().collect()),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                (key.clone(), value.as_str().map_or_else(|| value.clone(), |text| Value::String(cut(text))))
            })
            .collect(),
        other => other.clone(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    text.chars().take(MAX_TEXT.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// Columns that a lookup can fill, and what goes into them.
pub const COLUMNS: [&str; 16] = [
    "status",
    "reason",
    "hresult",
    "signer",
    "signer_subject",
    "issuer",
    "serial",
    "thumbprint_sha1",
    "thumbprint_sha256",
    "self_signed",
    "signed_at",
    "revocation",
    "findings",
    "sha256",
    "authentihash_sha256",
    "error",
];

/// The cells of [`COLUMNS`], in their order.
#[must_use]
pub fn cells(record: &Record) -> Vec<String> {
    let signer = record.signer.as_ref();
    let of = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let word = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let codes: Vec<&str> = record.findings.iter().map(|finding| finding.code.as_str()).collect();
    let time = record
        .timestamp
        .as_ref()
        .filter(|timestamp| timestamp.verified)
        .and_then(|timestamp| timestamp.time.as_deref());
    vec![
        record.status.name().to_owned(),
        record.reason.code().to_owned(),
        of(record.hresult.as_deref()),
        of(signer.and_then(signer_name)),
        of(signer.map(|signer| signer.subject.as_str())),
        of(signer.map(|signer| signer.issuer.as_str())),
        of(signer.map(|signer| signer.serial.as_str())),
        of(signer.map(|signer| signer.thumbprint_sha1.as_str())),
        of(signer.map(|signer| signer.thumbprint_sha256.as_str())),
        record.self_signed.to_string(),
        of(time),
        word(serde_json::to_value(record.revocation).unwrap_or_default()),
        codes.join(" "),
        of(record.hashes.get("sha256").map(String::as_str)),
        of(record.authentihash.get("sha256").map(String::as_str)),
        of(record.error.as_ref().map(|error| error.message.as_str())),
    ]
}
