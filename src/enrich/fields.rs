//! What an event gets: a record, or its most important parts.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::csv::cell;
use super::merge::Form;
use crate::output::escape::for_csv;
use crate::output::{LOOKUP_COLUMNS, lookup_row};
use crate::record::Record;

/// Longest line with [`Shape::Compact`], without its end: what pipelines with buffers of 64 KiB can take.
pub const MAX_COMPACT: usize = 65_535;
/// Characters of one value that a compact verdict keeps.
const MAX_TEXT: usize = 512;
/// Findings that a compact verdict names, and members of any list that it keeps.
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

/// The value with its texts cut and its lists shortened. It is one of ours, a few levels deep.
pub(super) fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(items) => items.iter().take(MAX_FINDINGS).map(shortened).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), shortened(value))).collect(),
        other => other.clone(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    text.chars().take(MAX_TEXT.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// A record as it goes into events: written once for all events that name its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The value of a field.
    Json(String),
    /// The cells of [`columns`], quoted where they need it.
    Cells(Vec<String>),
    /// Fields to be merged, by what an event calls the file.
    Forms(Vec<Form>),
}

impl Written {
    /// Bytes that it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Written::Json(text) => text.len(),
            Written::Cells(cells) => {
                cells.iter().map(String::len).fold(cells.len().saturating_mul(24), usize::saturating_add)
            }
            Written::Forms(forms) => forms.iter().map(Form::weight).fold(0, usize::saturating_add),
        }
    }
}

/// Columns that tables can have beside those of `--format lookup`.
const MORE: [&str; 6] = ["status", "hresult", "subject", "revocation", "sha256", "error"];

/// Columns that tables get or lookups fill: those of `--format lookup` and a few more.
pub fn columns() -> impl Iterator<Item = &'static str> {
    MORE.into_iter().chain(LOOKUP_COLUMNS)
}

/// Whether a column says no more than the status and its reason.
#[must_use]
pub fn is_least(column: &str) -> bool {
    matches!(column, "status" | "SignatureStatus" | "reason")
}

/// The cells of [`columns`], in their order, safe for spreadsheets and quoted where they need it.
#[must_use]
pub fn cells(record: &Record, shape: Shape) -> Vec<String> {
    let signer = record.signer.as_ref().or(record.claimed_signer.as_ref());
    let revocation = serde_json::to_value(record.revocation).unwrap_or_default();
    let more = [
        Some(record.status.name()),
        record.hresult.as_deref(),
        signer.map(|signer| signer.subject.as_str()),
        revocation.as_str(),
        record.hashes.get("sha256").map(String::as_str),
        record.error.as_ref().map(|error| error.message.as_str()),
    ];
    let more = more.into_iter().map(|text| Cow::Borrowed(text.unwrap_or_default()));
    let texts = more.chain(lookup_row(record)).map(|text| match shape {
        Shape::Whole => text,
        Shape::Compact => Cow::Owned(cut(&text)),
    });
    texts.map(|text| cell(&for_csv(&text)).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    fn cells_of(record: &Record, shape: Shape) -> Vec<(&'static str, String)> {
        columns().zip(cells(record, shape)).filter(|(_, cell)| !cell.is_empty()).collect()
    }

    #[test]
    fn cells_say_what_lookups_say_and_escape_it() {
        let wanted = [
            ("status", "Invalid"),
            ("hresult", "0x80096010"),
            ("subject", "O=\\u{202e}Evil"),
            ("revocation", "not-checked"),
            ("sha256", "cc"),
            ("SignatureStatus", "Invalid"),
            ("Signed", "false"),
            ("SysmonSignatureStatus", "Unavailable"),
            ("Signer", "Good"),
            ("SignerVerified", "false"),
            ("reason", "bad-digest"),
            ("self_signed", "true"),
            ("issuer", "CN=Good CA"),
            ("serial", "1A2B"),
            ("thumbprint_sha1", "11"),
            ("thumbprint_sha256", "22"),
            ("not_after", "2028-01-01T00:00:00Z"),
            ("authentihash_sha256", "bb"),
            ("judged_at", "2026-06-01T00:00:00Z"),
        ];
        assert_eq!(cells_of(&samples::hostile(), Shape::Whole), wanted.map(|(name, cell)| (name, cell.to_owned())));
        assert_eq!(columns().count(), cells(&samples::missing(), Shape::Whole).len());
        let mut named = samples::valid();
        if let Some(signer) = &mut named.signer {
            signer.common_name = Some("=A, \"B\"".to_owned());
            signer.issuer = "i".repeat(600);
        }
        let compact = cells_of(&named, Shape::Compact);
        assert!(compact.contains(&("Signer", "\"'=A, \"\"B\"\"\"".to_owned())));
        assert!(compact.contains(&("issuer", format!("{}…", "i".repeat(511)))));
    }
}
