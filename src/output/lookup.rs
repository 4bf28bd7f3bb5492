//! A look-up table: CSV with one row a key, for what joins events with tables (Splunk lookups, LogScale `match()`,
//! Vector enrichment tables, QRadar reference data, Logstash translate).

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::escape::for_csv;
use super::event::{boolean, finding_codes, named_signer};
use super::sysmon::signature_fields;
use super::{Output, Record, signer_name};
use crate::scan::Tally;

/// What a look-up table is keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKey {
    /// The SHA-256 of the file.
    Sha256,
    /// The path as it was given and walked.
    Path,
}

impl LookupKey {
    /// Both.
    pub const ALL: [LookupKey; 2] = [LookupKey::Sha256, LookupKey::Path];

    /// The column that holds it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LookupKey::Sha256 => "sha256",
            LookupKey::Path => "path",
        }
    }
}

/// The columns behind the two keys.
pub(crate) const COLUMNS: [&str; 17] = [
    "SignatureStatus",
    "Signed",
    "SysmonSignatureStatus",
    "Signer",
    "SignerVerified",
    "reason",
    "self_signed",
    "issuer",
    "serial",
    "thumbprint_sha1",
    "thumbprint_sha256",
    "not_after",
    "signing_time",
    "signing_time_verified",
    "authentihash_sha256",
    "findings",
    "judged_at",
];

/// A header and one row a key, the key first. Of several records with the same key the first one counts, and records
/// come in path order, so that the same files give the same table. A record without the key (a file that could not be
/// read has no digest) has no row. Costs some 50 bytes of memory a row, for remembering the keys.
pub struct Lookup<W: Write> {
    writer: csv::Writer<W>,
    key: LookupKey,
    started: bool,
    seen: HashSet<[u8; 32]>,
}

impl<W: Write> std::fmt::Debug for Lookup<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("key", &self.key).field("rows", &self.seen.len()).finish_non_exhaustive()
    }
}

impl<W: Write> Lookup<W> {
    /// Rows that are written to `writer`.
    pub fn new(key: LookupKey, writer: W) -> Self {
        Lookup { writer: csv::Writer::from_writer(writer), key, started: false, seen: HashSet::new() }
    }

    fn header(&mut self) -> io::Result<()> {
        if !self.started {
            self.started = true;
            let keys = match self.key {
                LookupKey::Sha256 => ["sha256", "path"],
                LookupKey::Path => ["path", "sha256"],
            };
            self.writer.write_record(keys.into_iter().chain(COLUMNS))?;
        }
        Ok(())
    }
}

impl<W: Write> Output for Lookup<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.header()?;
        let sha256 = record.hashes.get("sha256").map_or("", String::as_str);
        let keys = match self.key {
            LookupKey::Sha256 => [sha256, record.path.as_str()],
            LookupKey::Path => [record.path.as_str(), sha256],
        };
        // Two paths may look the same once what is not UTF-8 in them is replaced: what the table shows is the key.
        let [key, _] = keys;
        if key.is_empty() || !self.seen.insert(Sha256::digest(for_csv(key).as_bytes()).into()) {
            return Ok(());
        }
        let cells = keys.into_iter().map(Cow::Borrowed).chain(row(record));
        self.writer.write_record(cells.map(|cell| for_csv(&cell).into_owned()))?;
        self.writer.flush()
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.header()?;
        self.writer.flush()
    }
}

/// The cells of [`COLUMNS`], in their order, as they are.
pub(crate) fn row(record: &Record) -> [Cow<'_, str>; COLUMNS.len()] {
    let fields = signature_fields(record);
    let signer = named_signer(record).map(|(signer, _)| signer);
    let timestamp = record.timestamp.as_ref();
    [
        fields.signature_status.into(),
        fields.signed.unwrap_or_default().into(),
        fields.sysmon_signature_status.unwrap_or_default().into(),
        signer.and_then(signer_name).unwrap_or_default().into(),
        fields.signer_verified.unwrap_or_default().into(),
        record.reason.code().into(),
        boolean(record.self_signed).into(),
        signer.map_or("", |signer| &signer.issuer).into(),
        signer.map_or("", |signer| &signer.serial).into(),
        signer.map_or("", |signer| &signer.thumbprint_sha1).into(),
        signer.map_or("", |signer| &signer.thumbprint_sha256).into(),
        signer.and_then(|signer| signer.not_after.as_deref()).unwrap_or_default().into(),
        timestamp.and_then(|timestamp| timestamp.time.as_deref()).unwrap_or_default().into(),
        timestamp.map_or("", |timestamp| boolean(timestamp.verified)).into(),
        record.authentihash.get("sha256").map_or("", String::as_str).into(),
        finding_codes(record, ";").into(),
        record.judged_at.as_str().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    const REST: &str = "SignatureStatus,Signed,SysmonSignatureStatus,Signer,SignerVerified,reason,self_signed,issuer,\
                        serial,thumbprint_sha1,thumbprint_sha256,not_after,signing_time,signing_time_verified,\
                        authentihash_sha256,findings,judged_at\n";
    const GOOD: &str = "Valid,true,Valid,Good Company,true,ok,false,CN=Good CA,1A2B,11,22,2028-01-01T00:00:00Z,\
                        2025-03-01T12:00:00Z,true,bb,,2026-06-01T00:00:00Z\n";

    fn table(key: LookupKey, records: &[Record]) -> String {
        let mut bytes = Vec::new();
        let mut output = Lookup::new(key, &mut bytes);
        for record in records {
            output.record(record).unwrap();
        }
        output.finish(&Tally::default()).unwrap();
        drop(output);
        String::from_utf8(bytes).unwrap()
    }

    fn at(path: &str) -> Record {
        Record { path: path.to_owned(), ..samples::valid() }
    }

    #[test]
    fn one_row_a_digest_the_first_path_counts_and_no_row_without_one() {
        let records = [at("a.exe"), at("b.exe"), samples::missing()];
        assert_eq!(table(LookupKey::Sha256, &records), format!("sha256,path,{REST}cc,a.exe,{GOOD}"));
    }

    #[test]
    fn one_row_a_path() {
        let missing = "gone.exe,,Error,,,,,not-found,false,,,,,,,,,,2026-06-01T00:00:00Z\n";
        let records = [at("a.exe"), at("b.exe"), at("a.exe"), samples::missing()];
        let wanted = format!("path,sha256,{REST}a.exe,cc,{GOOD}b.exe,cc,{GOOD}{missing}");
        assert_eq!(table(LookupKey::Path, &records), wanted);
    }

    #[test]
    fn an_empty_table_has_a_header() {
        assert_eq!(table(LookupKey::Path, &[]), format!("path,sha256,{REST}"));
    }
}
