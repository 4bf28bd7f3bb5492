//! LEEF 2.0 (IBM, QRadar Log Event Extended Format guide): a line an event, for QRadar.

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
use crate::scan::Tally;

/// Longest value in bytes. QRadar takes lines of up to 32 KiB; a certificate may hold names of megabytes.
pub(super) const VALUE_LIMIT: usize = 1023;
/// Longest path, and longest list of paths: what Linux takes as one path.
pub(super) const PATH_LIMIT: usize = 4096;

/// A line a record, a line a finding. The attributes are separated by tabs, which no value contains: LEEF has no
/// escapes, so control and invisible characters are written out (`\x09`).
#[derive(Debug)]
pub struct Leef<W> {
    writer: W,
}

impl<W: Write> Leef<W> {
    /// Lines that are written to `writer`, each in one piece.
    pub fn events(origin: Origin, writer: W) -> Events<Self> {
        Events::new(Leef { writer }, origin)
    }
}

impl<W: Write> Leef<W> {
    pub(super) fn lines(writer: W) -> Self {
        Leef { writer }
    }

    pub(super) fn writer(&mut self) -> &mut W {
        &mut self.writer
    }
}

impl<W: Write> EventFormat for Leef<W> {
    fn file(&mut self, record: &Record, origin: &Origin) -> io::Result<()> {
        file_line(record, origin).write(&mut self.writer)
    }

    fn alert(&mut self, alert: &Alert<'_>, judged_at: &str, origin: &Origin) -> io::Result<()> {
        let mut line = Line::new(&event_id(alert.code), judged_at);
        line.field("sev", &finding_severity(alert.severity).to_string());
        line.field("FindingCode", alert.code);
        line.field("FindingTitle", alert.title);
        line.field("Confidence", confidence_name(alert.confidence));
        line.field("MitreTechnique", &alert.attack.join(","));
        line.field("Evidence", &evidence_within(alert.evidence, VALUE_LIMIT));
        if let Some(record) = alert.record {
            line.field("FileStatus", record.status.name());
            line.signer(record);
            line.file(record, origin);
        } else {
            line.field("hostname", origin.host.as_deref().unwrap_or_default());
        }
        if !alert.members.is_empty() {
            line.field("MemberCount", &alert.members.len().to_string());
            line.limited("Members", &list_within(alert.members, PATH_LIMIT), PATH_LIMIT);
        }
        line.limited("Donor", alert.donor.unwrap_or_default(), PATH_LIMIT);
        line.write(&mut self.writer)
    }

    fn end(&mut self, _: &Tally, _: &str, _: &Origin) -> io::Result<()> {
        self.writer.flush()
    }
}

fn file_line(record: &Record, origin: &Origin) -> Line {
    let fields = signature_fields(record);
    let mut line = Line::new(&format!("SIG_{}", record.status.name().to_ascii_uppercase()), &record.judged_at);
    line.field("sev", &status_severity(record.status).to_string());
    line.field("SignatureStatus", fields.signature_status);
    line.field("Reason", record.reason.code());
    line.field("HResult", record.hresult.as_deref().unwrap_or_default());
    line.field("SelfSigned", boolean(record.self_signed));
    line.field("Signed", fields.signed.unwrap_or_default());
    line.field("SysmonSignatureStatus", fields.sysmon_signature_status.unwrap_or_default());
    line.signer(record);
    if let Some((signer, _)) = named_signer(record) {
        line.field("Issuer", &signer.issuer);
        line.field("SerialNumber", &signer.serial);
        line.field("Thumbprint", &signer.thumbprint_sha1);
        line.field("NotBefore", signer.not_before.as_deref().unwrap_or_default());
        line.field("NotAfter", signer.not_after.as_deref().unwrap_or_default());
    }
    if let Some((timestamp, time)) = record.timestamp.as_ref().and_then(|it| Some((it, it.time.as_ref()?))) {
        line.field("SigningTime", time);
        line.field("SigningTimeVerified", boolean(timestamp.verified));
    }
    line.file(record, origin);
    line.field("FileType", record.format.name());
    line.field("FileSize", &record.size.map(|size| size.to_string()).unwrap_or_default());
    let version = record.version_info.as_ref();
    line.field("Company", version.and_then(|version| version.company.as_deref()).unwrap_or_default());
    line.field("Product", version.and_then(|version| version.product.as_deref()).unwrap_or_default());
    line.field(
        "OriginalFileName",
        version.and_then(|version| version.original_filename.as_deref()).unwrap_or_default(),
    );
    line.field("FindingIDs", &finding_codes(record, ","));
    line.field("Message", record.error.as_ref().map_or("", |error| error.message.as_str()));
    line
}

/// A line that grows. Keys are constants of one word, each used once a line; an empty value leaves its key out.
pub(super) struct Line(String);

impl Line {
    pub(super) fn new(event: &str, moment: &str) -> Line {
        let event = cut(&for_terminal(event).replace('|', " "), 255);
        let mut line = Line(format!("LEEF:2.0|{PRODUCT}|{PRODUCT}|{VERSION}|{event}|x09|cat=CodeSignature"));
        if let Some(time) = epoch_milliseconds(moment) {
            line.field("devTime", &time.to_string());
        }
        line
    }

    pub(super) fn field(&mut self, key: &str, value: &str) {
        self.limited(key, value, VALUE_LIMIT);
    }

    pub(super) fn limited(&mut self, key: &str, value: &str, limit: usize) {
        if !value.is_empty() {
            self.0.push('\t');
            self.0.push_str(key);
            self.0.push('=');
            self.0.push_str(&cut(&for_terminal(value), limit));
        }
    }

    fn signer(&mut self, record: &Record) {
        if let Some((signer, verified)) = named_signer(record) {
            self.field("Signer", signer_name(signer).unwrap_or_default());
            self.field("SignerVerified", boolean(verified));
        }
    }

    /// What the file is called, and its digests.
    fn file(&mut self, record: &Record, origin: &Origin) {
        self.field("filename", file_name(&record.path));
        self.limited("filepath", &record.path, PATH_LIMIT);
        self.limited("PathHex", record.path_hex.as_deref().unwrap_or_default(), PATH_LIMIT);
        self.field("hostname", origin.host.as_deref().unwrap_or_default());
        for (key, algorithm) in [("MD5", "md5"), ("SHA1", "sha1"), ("SHA256", "sha256")] {
            self.field(key, record.hashes.get(algorithm).map_or("", String::as_str));
        }
        self.field("Authentihash", record.authentihash.get("sha256").map_or("", String::as_str));
    }

    pub(super) fn write(mut self, writer: &mut impl Write) -> io::Result<()> {
        self.0.push('\n');
        writer.write_all(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;
    use crate::output::samples;

    fn lines(records: &[Record], origin: Origin) -> String {
        let mut bytes = Vec::new();
        let mut output = Leef::events(origin, &mut bytes);
        for record in records {
            output.record(record).unwrap();
        }
        output.finish(&Tally::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_valid_file() {
        let origin = Origin { host: Some("PC-1".to_owned()), ..Origin::default() };
        let wanted = format!(
            "LEEF:2.0|sigscan|sigscan|{VERSION}|SIG_VALID|x09|cat=CodeSignature\tdevTime=1780272000000\tsev=1\t\
             SignatureStatus=Valid\tReason=ok\tHResult=0x00000000\tSelfSigned=false\tSigned=true\t\
             SysmonSignatureStatus=Valid\tSigner=Good Company\tSignerVerified=true\tIssuer=CN=Good CA\t\
             SerialNumber=1A2B\tThumbprint=11\tNotBefore=2024-01-01T00:00:00Z\tNotAfter=2028-01-01T00:00:00Z\t\
             SigningTime=2025-03-01T12:00:00Z\tSigningTimeVerified=true\tfilename=good.exe\tfilepath=dir/good.exe\t\
             hostname=PC-1\tSHA256=cc\tAuthentihash=bb\tFileType=pe\tFileSize=4096\tCompany=Good\tProduct=Goodware\t\
             OriginalFileName=good.exe\n"
        );
        assert_eq!(lines(&[samples::valid()], origin), wanted);
    }

    #[test]
    fn a_changed_file_with_hostile_names() {
        let wanted = format!(
            "LEEF:2.0|sigscan|sigscan|{VERSION}|SIG_INVALID|x09|cat=CodeSignature\tdevTime=1780272000000\tsev=8\t\
             SignatureStatus=Invalid\tReason=bad-digest\tHResult=0x80096010\tSelfSigned=true\tSigned=false\t\
             SysmonSignatureStatus=Unavailable\tSigner=Good\tSignerVerified=false\tIssuer=CN=Good CA\t\
             SerialNumber=1A2B\tThumbprint=11\tNotBefore=2024-01-01T00:00:00Z\tNotAfter=2028-01-01T00:00:00Z\t\
             filename=C calc'!A0\tfilepath==cmd|' /C calc'!A0\tSHA256=cc\tAuthentihash=bb\tFileType=pe\t\
             FileSize=4096\tCompany=\\x09Good\tProduct=@G, \"x\"\tOriginalFileName=good.exe\n"
        );
        assert_eq!(lines(&[samples::hostile()], Origin::default()), wanted);
    }

    #[test]
    fn an_error_says_what_is_known() {
        let wanted = format!(
            "LEEF:2.0|sigscan|sigscan|{VERSION}|SIG_ERROR|x09|cat=CodeSignature\tdevTime=1780272000000\tsev=3\t\
             SignatureStatus=Error\tReason=not-found\tSelfSigned=false\tfilename=gone.exe\tfilepath=gone.exe\t\
             FileType=other\tMessage=no such file\n"
        );
        assert_eq!(lines(&[samples::missing()], Origin::default()), wanted);
    }
}
