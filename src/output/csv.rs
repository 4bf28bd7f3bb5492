//! CSV: a flat row a record, safe to open in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use super::escape::for_csv;
use super::event::{boolean, finding_codes};
use super::{Output, Record, signer_name};
use crate::record::Signer;
use crate::scan::Tally;

/// The columns. `Signer` and `SignerVerified` carry the names that detection rules match.
pub const COLUMNS: [&str; 30] = [
    "path",
    "status",
    "reason",
    "hresult",
    "other_reasons",
    "self_signed",
    "Signer",
    "SignerVerified",
    "subject",
    "issuer",
    "serial",
    "thumbprint_sha1",
    "thumbprint_sha256",
    "not_before",
    "not_after",
    "timestamp",
    "timestamp_verified",
    "signatures",
    "authentihash_sha1",
    "authentihash_sha256",
    "sha256",
    "format",
    "size",
    "company",
    "product",
    "original_filename",
    "file_version",
    "judged_at",
    "findings",
    "path_hex",
];

/// A header and one row a record (RFC 4180, but lines end in LF).
pub struct Csv<W: Write> {
    writer: csv::Writer<W>,
    started: bool,
}

impl<W: Write> std::fmt::Debug for Csv<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Csv").field("started", &self.started).finish_non_exhaustive()
    }
}

impl<W: Write> Csv<W> {
    /// Rows that are written to `writer`.
    pub fn new(writer: W) -> Self {
        Csv { writer: csv::Writer::from_writer(writer), started: false }
    }

    fn header(&mut self) -> io::Result<()> {
        if !self.started {
            self.started = true;
            self.writer.write_record(COLUMNS)?;
        }
        Ok(())
    }
}

impl<W: Write> Output for Csv<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.header()?;
        self.writer.write_record(row(record).iter().map(|cell| for_csv(cell).into_owned()))?;
        self.writer.flush()
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.header()?;
        self.writer.flush()
    }
}

fn row(record: &Record) -> [Cow<'_, str>; COLUMNS.len()] {
    let signer = record.signer.as_ref().or(record.claimed_signer.as_ref());
    let of = |field: fn(&Signer) -> &str| Cow::Borrowed(signer.map_or("", field));
    let time = |field: fn(&Signer) -> &Option<String>| text(signer.and_then(|signer| field(signer).as_ref()));
    let timestamp = record.timestamp.as_ref();
    let version = record.version_info.as_ref();
    let other: Vec<&str> = record.other_reasons.iter().map(|reason| reason.code()).collect();
    [
        Cow::Borrowed(record.path.as_str()),
        record.status.name().into(),
        record.reason.code().into(),
        text(record.hresult.as_ref()),
        other.join(";").into(),
        boolean(record.self_signed).into(),
        of(|signer| signer_name(signer).unwrap_or_default()),
        signer.map_or("", |_| boolean(record.signer.is_some())).into(),
        of(|signer| &signer.subject),
        of(|signer| &signer.issuer),
        of(|signer| &signer.serial),
        of(|signer| &signer.thumbprint_sha1),
        of(|signer| &signer.thumbprint_sha256),
        time(|signer| &signer.not_before),
        time(|signer| &signer.not_after),
        text(timestamp.and_then(|timestamp| timestamp.time.as_ref())),
        timestamp.map_or("", |timestamp| boolean(timestamp.verified)).into(),
        record.signatures.len().to_string().into(),
        text(record.authentihash.get("sha1")),
        text(record.authentihash.get("sha256")),
        text(record.hashes.get("sha256")),
        record.format.name().into(),
        record.size.map(|size| size.to_string()).unwrap_or_default().into(),
        text(version.and_then(|version| version.company.as_ref())),
        text(version.and_then(|version| version.product.as_ref())),
        text(version.and_then(|version| version.original_filename.as_ref())),
        text(version.and_then(|version| version.file_version.as_ref())),
        Cow::Borrowed(record.judged_at.as_str()),
        finding_codes(record, ";").into(),
        text(record.path_hex.as_ref()),
    ]
}

fn text(value: Option<&String>) -> Cow<'_, str> {
    Cow::Borrowed(value.map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    const HEADER: &str = "path,status,reason,hresult,other_reasons,self_signed,Signer,SignerVerified,subject,issuer,\
                          serial,thumbprint_sha1,thumbprint_sha256,not_before,not_after,timestamp,timestamp_verified,\
                          signatures,authentihash_sha1,authentihash_sha256,sha256,format,size,company,product,\
                          original_filename,file_version,judged_at,findings,path_hex\n";

    fn table(records: &[Record]) -> String {
        let mut bytes = Vec::new();
        let mut output = Csv::new(&mut bytes);
        for record in records {
            output.record(record).unwrap();
        }
        output.finish(&Tally::default()).unwrap();
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn without_records_there_is_a_header() {
        assert_eq!(table(&[]), HEADER);
    }

    #[test]
    fn a_verified_signer() {
        let row = "dir/good.exe,Valid,ok,0x00000000,,false,Good Company,true,\"CN=Good Company, O=Good\",CN=Good CA,\
                   1A2B,11,22,2024-01-01T00:00:00Z,2028-01-01T00:00:00Z,2025-03-01T12:00:00Z,true,0,aa,bb,cc,pe,4096,\
                   Good,Goodware,good.exe,1.2.3.4,2026-06-01T00:00:00Z,,\n";
        assert_eq!(table(&[samples::valid()]), format!("{HEADER}{row}"));
    }

    #[test]
    fn a_claimed_signer_without_a_common_name_and_hostile_text() {
        let row = "'=cmd|' /C calc'!A0,Invalid,bad-digest,0x80096010,self-signed;cert-expired,true,\
                   Good,false,O=\\u{202e}Evil,CN=Good CA,1A2B,11,22,2024-01-01T00:00:00Z,\
                   2028-01-01T00:00:00Z,,,0,aa,bb,cc,pe,4096,'\\x09Good,\"'@G, \"\"x\"\"\",good.exe,1.2.3.4,\
                   2026-06-01T00:00:00Z,,\n";
        assert_eq!(table(&[samples::hostile()]), format!("{HEADER}{row}"));
    }

    #[test]
    fn an_error_has_empty_cells() {
        let row = "gone.exe,Error,not-found,,,false,,,,,,,,,,,,0,,,,other,,,,,,2026-06-01T00:00:00Z,,\n";
        assert_eq!(table(&[samples::missing()]), format!("{HEADER}{row}"));
    }
}
