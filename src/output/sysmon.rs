//! The fields of Sysmon's image load event, so that rules for Event ID 7 run over a folder.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::event::{boolean, finding_codes, named_signer};
use super::{JsonLines, Origin, Output, Record, signer_name};
use crate::judge::{Reason, Status};
use crate::scan::Tally;

/// The signature fields of Sysmon's events 6 and 7, as text like Sysmon's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SysmonSignature<'a> {
    /// What Sysmon would say: `true` for a signature that holds and is trusted, else `false`. Absent where Sysmon says
    /// nothing: no image, or not judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<&'static str>,
    /// The signer's name, verified or else claimed; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<&'a str>,
    /// Sigscan's status: `Valid`, `Invalid`, `Expired`, `Revoked`, `Untrusted`, `Unsigned` or `Error`.
    pub signature_status: &'static str,
    /// Sysmon's word for it: `Valid`, `Expired`, `Revoked` or `Unavailable`; absent like `Signed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sysmon_signature_status: Option<&'static str>,
    /// Whether the signature over these bytes holds, so that `Signature` is more than a claim; absent without a signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer_verified: Option<&'static str>,
}

/// The signature fields of a record. Sysmon's vocabulary has four words, and whatever is not `Valid` has `Signed` false:
/// broken, untrusted and missing signatures are all `Unavailable` to it. Source: the strings of Sysmon 13.34 and the
/// events of public data sets (`semantics.md` sections 0.2 and 1.1).
#[must_use]
pub fn signature_fields(record: &Record) -> SysmonSignature<'_> {
    let signer = named_signer(record);
    let words = sysmon_words(record);
    SysmonSignature {
        signed: words.map(|(signed, _)| boolean(signed)),
        signature: signer.and_then(|(signer, _)| signer_name(signer)),
        signature_status: record.status.name(),
        sysmon_signature_status: words.map(|(_, word)| word),
        signer_verified: signer.map(|(_, verified)| boolean(verified)),
    }
}

/// The same, with reason and codes of findings under the names that [`Sysmon`] gives them, for an event that speaks of
/// the same file.
pub(crate) fn event_fields(record: &Record) -> Map<String, Value> {
    let fields = serde_json::to_value(signature_fields(record)).unwrap_or_default();
    let mut fields = fields.as_object().cloned().unwrap_or_default();
    fields.insert("Reason".to_owned(), Value::from(record.reason.code()));
    let findings = finding_codes(record, ",");
    if !findings.is_empty() {
        fields.insert("FindingIDs".to_owned(), Value::from(findings));
    }
    fields
}

fn sysmon_words(record: &Record) -> Option<(bool, &'static str)> {
    match record.status {
        Status::Error => None,
        Status::Unsigned if record.reason == Reason::UnsupportedSubject => None,
        Status::Valid => Some((true, "Valid")),
        Status::Expired => Some((false, "Expired")),
        Status::Revoked => Some((false, "Revoked")),
        Status::Invalid | Status::Untrusted | Status::Unsigned => Some((false, "Unavailable")),
    }
}

/// One event a record as JSON Lines, in Sysmon's names. What only a running process has (ProcessId, Image, User) is
/// absent.
#[derive(Debug)]
pub struct Sysmon<W> {
    lines: JsonLines<W>,
    origin: Origin,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ImageLoad<'a> {
    #[serde(rename = "EventID")]
    event_id: u32,
    utc_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    computer: Option<&'a str>,
    image_loaded: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_file_name: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    hashes: String,
    #[serde(flatten)]
    signature: SysmonSignature<'a>,
    reason: &'static str,
    #[serde(rename = "FindingIDs", skip_serializing_if = "String::is_empty")]
    finding_ids: String,
}

impl<W: Write> Sysmon<W> {
    /// Lines that are written to `writer`.
    pub fn new(origin: Origin, writer: W) -> Self {
        Sysmon { lines: JsonLines::new(writer), origin }
    }
}

impl<W: Write> Output for Sysmon<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let version = record.version_info.as_ref();
        let event = ImageLoad {
            event_id: 7,
            utc_time: utc_time(&record.judged_at),
            computer: self.origin.host.as_deref(),
            image_loaded: &record.path,
            file_version: version.and_then(|version| version.file_version.as_deref()),
            description: version.and_then(|version| version.description.as_deref()),
            product: version.and_then(|version| version.product.as_deref()),
            company: version.and_then(|version| version.company.as_deref()),
            original_file_name: version.and_then(|version| version.original_filename.as_deref()),
            hashes: hashes(record),
            signature: signature_fields(record),
            reason: record.reason.code(),
            finding_ids: finding_codes(record, ","),
        };
        self.lines.line(&event)
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.lines.finish(tally)
    }
}

/// `2026-06-01T00:00:00Z` as Sysmon writes it: `2026-06-01 00:00:00.000`.
fn utc_time(moment: &str) -> String {
    format!("{}.000", moment.trim_end_matches('Z').replacen('T', " ", 1))
}

/// `SHA1=...,MD5=...,SHA256=...`: what there is of the digests that Sysmon knows, in its order and case.
fn hashes(record: &Record) -> String {
    let mut text = String::new();
    for (name, key) in [("SHA1", "sha1"), ("MD5", "md5"), ("SHA256", "sha256")] {
        if let Some(digest) = record.hashes.get(key) {
            let comma = if text.is_empty() { "" } else { "," };
            let _ = write!(text, "{comma}{name}={}", digest.to_ascii_uppercase());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    fn line(record: &Record, origin: Origin) -> String {
        let mut bytes = Vec::new();
        let mut output = Sysmon::new(origin, &mut bytes);
        output.record(record).unwrap();
        output.finish(&Tally::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_valid_image() {
        let origin = Origin { host: Some("PC-1".to_owned()), ..Origin::default() };
        let wanted = concat!(
            r#"{"EventID":7,"UtcTime":"2026-06-01 00:00:00.000","Computer":"PC-1","ImageLoaded":"dir/good.exe","#,
            r#""FileVersion":"1.2.3.4","Product":"Goodware","Company":"Good","OriginalFileName":"good.exe","#,
            r#""Hashes":"SHA256=CC","Signed":"true","Signature":"Good Company","SignatureStatus":"Valid","#,
            r#""SysmonSignatureStatus":"Valid","SignerVerified":"true","Reason":"ok"}"#,
            "\n"
        );
        assert_eq!(line(&samples::valid(), origin), wanted);
    }

    #[test]
    fn digests_in_the_order_of_sysmon() {
        let mut record = samples::valid();
        record.hashes = [("md5", "b0"), ("sha1", "a0"), ("sha256", "c0"), ("sha512", "d0")]
            .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
            .into();
        assert_eq!(hashes(&record), "SHA1=A0,MD5=B0,SHA256=C0");
        assert_eq!(hashes(&samples::missing()), "");
    }

    #[test]
    fn sysmon_has_four_words_and_sigscan_keeps_its_own() {
        let cases = [
            (Reason::Ok, Some("true"), "Valid", Some("Valid")),
            (Reason::BadDigest, Some("false"), "Invalid", Some("Unavailable")),
            (Reason::TimestampInvalid, Some("false"), "Invalid", Some("Unavailable")),
            (Reason::ExplicitDistrust, Some("false"), "Untrusted", Some("Unavailable")),
            (Reason::SelfSigned, Some("false"), "Untrusted", Some("Unavailable")),
            (Reason::CertRevoked, Some("false"), "Revoked", Some("Revoked")),
            (Reason::CertExpired, Some("false"), "Expired", Some("Expired")),
            (Reason::LifetimeExpired, Some("false"), "Expired", Some("Expired")),
            (Reason::NoSignature, Some("false"), "Unsigned", Some("Unavailable")),
            (Reason::UnsupportedSubject, None, "Unsigned", None),
            (Reason::UnsupportedAlgorithm, None, "Error", None),
        ];
        for (reason, signed, status, word) in cases {
            let mut record = samples::valid();
            (record.status, record.reason) = (reason.status(), reason);
            let fields = signature_fields(&record);
            assert_eq!(
                (fields.signed, fields.signature_status, fields.sysmon_signature_status),
                (signed, status, word),
                "{reason:?}"
            );
        }
        let claimed = samples::hostile();
        let fields = signature_fields(&claimed);
        assert_eq!((fields.signature, fields.signer_verified), (Some("Good"), Some("false")));
        let missing = samples::missing();
        assert_eq!((signature_fields(&missing).signature, signature_fields(&missing).signer_verified), (None, None));
    }
}
