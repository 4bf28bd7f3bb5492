//! The columns of DeviceFileCertificateInfo, as one JSON array that Azure Monitor's Logs Ingestion API takes.
//!
//! Source: Microsoft, Azure Monitor reference, tables, DeviceFileCertificateInfo: names and types of the columns; Microsoft
//! Defender XDR, advanced hunting schema, has the same with `Timestamp` for `TimeGenerated`. Queries that join on `SHA1` or
//! `SignerHash` run over it unchanged. `SHA1` is there with `--hashes all` only. What the table has no column for goes
//! into `Sigscan`; columns that sigscan knows nothing of are left out. `TimeGenerated` is the moment as of which files
//! were judged.

use std::io::{self, Write};

use super::identity::{Object, any_signer, deciding, file_id, is_signed, leaf, name_parts, put};
use super::json::JsonArray;
use super::{Origin, Output, signer_name};
use crate::judge::Status;
use crate::record::Record;
use crate::scan::Tally;

/// SHA-1 of the roots that Microsoft signs Windows with, of 1997, 2001, 2010 and 2011.
const MICROSOFT_ROOTS: [&str; 4] = [
    "a43489159a520f0d93d032ccaf37e7fe20a8b419",
    "cdd4eeae6000ac7f40c3802c171e30148030c072",
    "3b1efd3a66ea28b16697394703a72ca340a05bd5",
    "8f43288ad272f3103b6fb1428485ea3014c0bcfe",
];

/// One row a file.
#[derive(Debug)]
pub struct Mde<W> {
    rows: JsonArray<W>,
    origin: Origin,
}

impl<W: Write> Mde<W> {
    /// Rows that are written to `writer`.
    pub fn new(origin: &Origin, writer: W) -> Self {
        Mde { rows: JsonArray::new(writer), origin: origin.clone() }
    }
}

impl<W: Write> Output for Mde<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.rows.element(&row(record, &self.origin))
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.rows.finish(tally)
    }
}

fn row(record: &Record, origin: &Origin) -> Object {
    let mut row = Object::new();
    put(&mut row, "TimeGenerated", record.judged_at.as_str());
    put(&mut row, "DeviceName", origin.host.as_deref());
    put(&mut row, "SHA1", record.hashes.get("sha1").map(String::as_str));
    let signed = is_signed(record);
    put(&mut row, "IsSigned", signed);
    if signed == Some(true) {
        signature(record, &mut row);
    }
    let judged = !matches!(record.status, Status::Error);
    put(&mut row, "IsTrusted", judged.then_some(record.status == Status::Valid));
    let id = file_id(record, origin);
    // A whole number that stays exact where numbers are doubles.
    put(&mut row, "ReportId", id.get(..13).and_then(|digits| i64::from_str_radix(digits, 16).ok()));
    let mut more = Object::new();
    put(&mut more, "FilePath", record.path.as_str());
    put(&mut more, "SHA256", record.hashes.get("sha256").map(String::as_str));
    put(&mut more, "AuthentihashSHA256", record.authentihash.get("sha256").map(String::as_str));
    put(&mut more, "SignatureStatus", record.status.name());
    put(&mut more, "SignatureReason", record.reason.code());
    put(&mut more, "SignerVerified", any_signer(record).map(|(_, verified)| verified));
    put(&mut more, "Findings", record.findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>());
    put(&mut more, "EventId", id);
    put(&mut row, "Sigscan", more);
    row
}

fn signature(record: &Record, row: &mut Object) {
    put(row, "SignatureType", if record.deciding_catalog().is_some() { "Catalog" } else { "Embedded" });
    if let Some((signer, _)) = any_signer(record) {
        put(row, "Signer", signer_name(signer));
        put(row, "SignerHash", signer.thumbprint_sha1.as_str());
        let common = name_parts(&signer.issuer, "CN").into_iter().next();
        put(row, "Issuer", common.unwrap_or_else(|| signer.issuer.clone()));
        let chain = deciding(record).map(|signature| signature.chain.as_slice()).unwrap_or_default();
        let issuer = leaf(record, signer).and_then(|_| chain.get(1));
        put(row, "IssuerHash", issuer.map(|issuer| issuer.thumbprint_sha1.as_str()));
        put(row, "CertificateSerialNumber", signer.serial.as_str());
        put(row, "CertificateCreationTime", signer.not_before.as_deref());
        put(row, "CertificateExpirationTime", signer.not_after.as_deref());
        let root = chain.last().filter(|last| last.trusted_root);
        let by_microsoft = root.is_some_and(|root| MICROSOFT_ROOTS.contains(&root.thumbprint_sha1.as_str()));
        put(row, "IsRootSignerMicrosoft", by_microsoft);
    }
    let verified = record.timestamp.as_ref().filter(|timestamp| timestamp.verified);
    put(row, "CertificateCountersignatureTime", verified.and_then(|timestamp| timestamp.time.as_deref()));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::output::samples;

    fn rows(records: &[Record], origin: &Origin) -> Value {
        let mut bytes = Vec::new();
        let mut output = Mde::new(origin, &mut bytes);
        for record in records {
            output.record(record).unwrap();
        }
        output.finish(&Tally::default()).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_row_a_file_in_the_tables_columns() {
        let origin = Origin { host: Some("pc\n1".to_owned()), ..Origin::default() };
        let mut valid = samples::valid();
        valid.hashes.insert("sha1".to_owned(), "ab".to_owned());
        let mut rows = rows(&[valid, samples::hostile(), samples::missing()], &origin);
        let identities: Vec<Value> = (0..3).map(|index| rows[index]["Sigscan"]["EventId"].take()).collect();
        for (index, identity) in identities.iter().enumerate() {
            let number = rows[index].as_object_mut().unwrap().remove("ReportId").unwrap().as_i64().unwrap();
            assert!(number < 1 << 53 && identity.as_str().unwrap().starts_with(&format!("{number:013x}")));
        }
        let signed = json!({
            "TimeGenerated": "2026-06-01T00:00:00Z", "DeviceName": "pc\n1", "SHA1": "ab", "IsSigned": true,
            "SignatureType": "Embedded", "Signer": "Good Company", "SignerHash": "11", "Issuer": "Good CA",
            "CertificateSerialNumber": "1A2B", "CertificateCreationTime": "2024-01-01T00:00:00Z",
            "CertificateExpirationTime": "2028-01-01T00:00:00Z", "IsRootSignerMicrosoft": false,
            "CertificateCountersignatureTime": "2025-03-01T12:00:00Z", "IsTrusted": true,
            "Sigscan": { "FilePath": "dir/good.exe", "SHA256": "cc", "AuthentihashSHA256": "bb",
                "SignatureStatus": "Valid", "SignatureReason": "ok", "SignerVerified": true, "EventId": null },
        });
        assert_eq!(rows[0], signed);
        assert_eq!(rows[1]["Sigscan"]["SignerVerified"], false);
        assert_eq!((&rows[1]["IsSigned"], &rows[1]["IsTrusted"]), (&json!(true), &json!(false)));
        let missing = json!({
            "TimeGenerated": "2026-06-01T00:00:00Z", "DeviceName": "pc\n1",
            "Sigscan": { "FilePath": "gone.exe", "SignatureStatus": "Error", "SignatureReason": "not-found",
                "EventId": null },
        });
        assert_eq!(rows[2], missing);
        assert_eq!(self::rows(&[], &origin), json!([]));
    }
}
