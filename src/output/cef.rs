//! CEF (ArcSight, "Implementing ArcSight Common Event Format", version 27): a line an event.

use std::io::{self, Write};

use super::escape::for_terminal;
use super::event::{
    Alert, PRODUCT, VERSION, boolean, confidence_name, cut, event_id, evidence_within, file_name, finding_codes,
    finding_severity, list_within, named_signer, status_severity,
};
use super::events::{EventFormat, Events};
use super::identity::epoch_milliseconds;
use super::sysmon::signature_fields;
use super::{Origin, Record, signer_name};
use crate::Time;
use crate::scan::Tally;

/// Lengths of the extension dictionary: most text, custom strings, and host names.
pub(super) const TEXT: usize = 1023;
pub(super) const CUSTOM: usize = 4000;
const HOST: usize = 100;

/// A line a record, a line a finding. Keys are those of the extension dictionary, with custom strings for the rest.
#[derive(Debug)]
pub struct Cef<W> {
    writer: W,
}

impl<W: Write> Cef<W> {
    /// Lines that are written to `writer`, each in one piece.
    pub fn events(origin: Origin, writer: W) -> Events<Self> {
        Events::new(Cef { writer }, origin)
    }
}

impl<W: Write> Cef<W> {
    pub(super) fn lines(writer: W) -> Self {
        Cef { writer }
    }

    pub(super) fn writer(&mut self) -> &mut W {
        &mut self.writer
    }
}

impl<W: Write> EventFormat for Cef<W> {
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()> {
        file_line(record, origin).write(&mut self.writer)
    }

    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()> {
        let mut line = Line::new(&event_id(alert.code), alert.title, finding_severity(alert.severity));
        line.start(judged_at, origin);
        if let Some(record) = alert.record {
            line.file(record);
            line.custom("cs1", "FileStatus", record.status.name());
            line.signer(record);
        } else {
            line.custom("cs1", "Donor", alert.donor.unwrap_or_default());
        }
        line.custom("cs3", "MitreTechnique", &alert.attack.join(","));
        line.custom("cs4", "Confidence", confidence_name(alert.confidence));
        line.custom("cs5", "Evidence", &evidence_within(alert.evidence, CUSTOM));
        if !alert.members.is_empty() {
            line.custom("cs6", "Members", &list_within(alert.members, CUSTOM));
            line.custom("cn1", "MemberCount", &alert.members.len().to_string());
        }
        line.write(&mut self.writer)
    }

    fn end(&mut self, _: &Tally, _: &str, _: &Origin) -> io::Result<()> {
        self.writer.flush()
    }
}

fn file_line(record: &Record, origin: &Origin) -> Line {
    let fields = signature_fields(record);
    let status = record.status.name();
    let event = format!("SIG_{}", status.to_ascii_uppercase());
    let mut line = Line::new(&event, &format!("Signature {status}"), status_severity(record.status));
    line.start(&record.judged_at, origin);
    line.field("reason", record.reason.code(), TEXT);
    line.file(record);
    line.field("msg", record.error.as_ref().map_or("", |error| error.message.as_str()), TEXT);
    line.custom("cs1", "SignatureStatus", fields.signature_status);
    line.signer(record);
    if let Some((signer, _)) = named_signer(record) {
        line.custom("cs3", "Issuer", &signer.issuer);
        line.custom("cs4", "SerialNumber", &signer.serial);
        line.custom("cs5", "Thumbprint", &signer.thumbprint_sha1);
        line.custom("cn1", "DaysSinceExpiry", &days_since(signer.not_after.as_deref(), &record.judged_at));
    }
    line.custom("cs6", "FindingIDs", &finding_codes(record, ","));
    line.custom("flexString2", "SysmonSignatureStatus", fields.sysmon_signature_status.unwrap_or_default());
    let verified = record.timestamp.as_ref().filter(|timestamp| timestamp.verified);
    let signed = verified.and_then(|timestamp| epoch_milliseconds(timestamp.time.as_deref()?));
    line.custom("deviceCustomDate1", "SigningTime", &signed.map(|time| time.to_string()).unwrap_or_default());
    line
}

/// Whole days since a certificate's end; empty before it and where that is unreadable.
fn days_since(not_after: Option<&str>, moment: &str) -> String {
    let passed = not_after
        .and_then(Time::parse_rfc3339)
        .and_then(|end| Time::parse_rfc3339(moment)?.0.checked_sub(end.0))
        .filter(|seconds| *seconds > 0);
    passed.map(|seconds| (seconds / 86_400).to_string()).unwrap_or_default()
}

/// A line that grows. Each key is used once a line; an empty value leaves its key out.
pub(super) struct Line(String);

impl Line {
    pub(super) fn new(event: &str, name: &str, severity: u8) -> Line {
        let event = header(event, TEXT);
        Line(format!("CEF:0|{PRODUCT}|{PRODUCT}|{VERSION}|{event}|{}|{severity}|cat=CodeSignature", header(name, 512)))
    }

    pub(super) fn start(&mut self, moment: &str, origin: &Origin) {
        self.field("rt", &epoch_milliseconds(moment).map(|time| time.to_string()).unwrap_or_default(), TEXT);
        self.field("dvchost", origin.host.as_deref().unwrap_or_default(), HOST);
    }

    pub(super) fn field(&mut self, key: &str, value: &str, limit: usize) {
        if !value.is_empty() {
            self.0.push(' ');
            self.0.push_str(key);
            self.0.push('=');
            self.0.push_str(&extension(value, limit));
        }
    }

    /// A custom key and the label that says what it is.
    pub(super) fn custom(&mut self, key: &str, label: &str, value: &str) {
        if !value.is_empty() {
            let limit = if key.starts_with("cs") { CUSTOM } else { TEXT };
            self.field(&format!("{key}Label"), label, TEXT);
            self.field(key, value, limit);
        }
    }

    fn file(&mut self, record: &Record) {
        self.field("fname", file_name(&record.path), TEXT);
        self.field("filePath", &record.path, TEXT);
        self.field("fileType", record.format.name(), TEXT);
        self.field("fsize", &record.size.map(|size| size.to_string()).unwrap_or_default(), TEXT);
        self.field("fileHash", record.hashes.get("sha256").map_or("", String::as_str), 255);
    }

    fn signer(&mut self, record: &Record) {
        if let Some((signer, verified)) = named_signer(record) {
            self.custom("cs2", "Signer", signer_name(signer).unwrap_or_default());
            self.custom("flexString1", "SignerVerified", boolean(verified));
        }
    }

    pub(super) fn write(mut self, writer: &mut impl Write) -> io::Result<()> {
        self.0.push('\n');
        writer.write_all(self.0.as_bytes())
    }
}

/// A field of the header: a backslash before `|` and `\`, nothing invisible, no line breaks.
fn header(text: &str, limit: usize) -> String {
    cut(&for_terminal(text), limit).replace('\\', "\\\\").replace('|', "\\|")
}

/// A value of the extension: a backslash before `=` and `\`, line breaks as `\n` and `\r`; other control characters and
/// invisible ones, for which CEF has no escape, written out. The limit counts what a reader gets.
fn extension(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '\r']) {
        let body = piece.trim_end_matches(['\n', '\r']);
        shown.push_str(&for_terminal(body));
        shown.push_str(piece.get(body.len()..).unwrap_or(""));
    }
    let cut = cut(&shown, limit);
    cut.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;
    use crate::output::samples;

    fn lines(record: &Record, origin: Origin) -> String {
        let mut bytes = Vec::new();
        let mut output = Cef::events(origin, &mut bytes);
        output.record(record).unwrap();
        output.finish(&Tally::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_valid_file() {
        let origin = Origin { host: Some("PC-1".to_owned()), ..Origin::default() };
        let wanted = format!(
            "CEF:0|sigscan|sigscan|{VERSION}|SIG_VALID|Signature Valid|1|cat=CodeSignature rt=1780272000000 \
             dvchost=PC-1 reason=ok fname=good.exe filePath=dir/good.exe fileType=pe fsize=4096 fileHash=cc \
             cs1Label=SignatureStatus cs1=Valid cs2Label=Signer cs2=Good Company flexString1Label=SignerVerified \
             flexString1=true cs3Label=Issuer cs3=CN\\=Good CA cs4Label=SerialNumber cs4=1A2B cs5Label=Thumbprint \
             cs5=11 flexString2Label=SysmonSignatureStatus flexString2=Valid deviceCustomDate1Label=SigningTime \
             deviceCustomDate1=1740830400000\n"
        );
        assert_eq!(lines(&samples::valid(), origin), wanted);
    }

    #[test]
    fn a_changed_file_with_hostile_names() {
        let wanted = format!(
            "CEF:0|sigscan|sigscan|{VERSION}|SIG_INVALID|Signature Invalid|8|cat=CodeSignature rt=1780272000000 \
             reason=bad-digest fname=C calc'!A0 filePath=\\=cmd|' /C calc'!A0 fileType=pe fsize=4096 fileHash=cc \
             cs1Label=SignatureStatus cs1=Invalid cs2Label=Signer cs2=Good flexString1Label=SignerVerified \
             flexString1=false cs3Label=Issuer cs3=CN\\=Good CA cs4Label=SerialNumber cs4=1A2B cs5Label=Thumbprint \
             cs5=11 flexString2Label=SysmonSignatureStatus flexString2=Unavailable\n"
        );
        assert_eq!(lines(&samples::hostile(), Origin::default()), wanted);
    }

    #[test]
    fn escapes_of_the_header_and_of_the_extension() {
        assert_eq!(header("a|b\\c\nd=e", 512), "a\\|b\\\\c\\\\x0ad=e");
        assert_eq!(extension("a|b\\c\r\nd=e\t\u{202e}", 512), "a|b\\\\c\\r\\nd\\=e\\\\x09\\\\u{202e}");
        assert_eq!(extension("====", 4), "\\=\\=\\=\\=");
        assert_eq!(extension("=====", 4), "\\=…");
    }

    #[test]
    fn days_since_a_certificate_ended() {
        let end = "2026-05-01T00:00:00Z";
        assert_eq!(days_since(Some(end), "2026-06-01T00:00:00Z"), "31");
        assert_eq!(days_since(Some(end), "2026-05-01T00:00:01Z"), "0");
        assert_eq!(days_since(Some(end), end), "");
        assert_eq!(days_since(Some("never"), end), "");
        assert_eq!(days_since(None, end), "");
    }
}
