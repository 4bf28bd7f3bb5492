//! The formats for SIEMs, over the records of the fixtures: valid by the formats' own grammars whatever files are called,
//! and what the rules that exist look for is found in them.
//!
//! `SIGSCAN_BLESS=1 cargo test --test siem` writes `testdata/siem/` anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "siem/cef.rs"]
mod cef;
#[path = "siem/detections.rs"]
mod detections;
#[path = "siem/leef.rs"]
mod leef;
#[path = "siem/hostile.rs"]
mod names;
#[path = "siem/told.rs"]
mod told;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::Value;
use sigscan::Record;
use sigscan::hunt::Correlator;
use sigscan::output::{Format, LookupKey, Origin};
use sigscan::record::FindingLine;
use sigscan::scan::Tally;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The checked-in records of the fixtures, each with the name of its file as the path: options make several of one file.
fn fixtures() -> Vec<Record> {
    let mut names: Vec<PathBuf> = fs::read_dir(testdata("fixtures")).unwrap().map(|it| it.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    names.sort();
    names.iter().map(|path| fixture(path.file_stem().unwrap().to_str().unwrap())).collect()
}

fn fixture(name: &str) -> Record {
    let text = fs::read_to_string(testdata("fixtures").join(format!("{name}.json"))).unwrap();
    Record { path: format!("/mnt/c/{name}"), ..serde_json::from_str(&text).unwrap() }
}

/// Remembers each write by itself.
#[derive(Clone, Default)]
struct Writes(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Writes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every write by itself.
fn written(format: Format, records: &[Record], findings: &[FindingLine]) -> Vec<Vec<u8>> {
    let origin = Origin { host: Some("PC-1".to_owned()), ..Origin::default() };
    let writes = Writes::default();
    let mut output = format.open(&origin, writes.clone());
    for record in records {
        output.record(record).unwrap();
    }
    for finding in findings {
        output.finding(finding).unwrap();
    }
    output.finish(&Tally::default()).unwrap();
    drop(output);
    writes.0.take()
}

/// The lines of a format in which each event is a line that is written in one piece.
fn lines(format: Format, records: &[Record], findings: &[FindingLine]) -> Vec<String> {
    let written = written(format, records, findings).into_iter();
    let mut lines: Vec<String> = written.map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    for line in &mut lines {
        assert_eq!(line.pop(), Some('\n'));
        assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    }
    lines
}

fn correlated(records: &[Record]) -> Vec<FindingLine> {
    let mut correlator = Correlator::new();
    records.iter().for_each(|record| correlator.add(record));
    correlator.finish().1
}

/// How many events records and findings make where findings are events of their own.
fn events(records: &[Record], findings: &[FindingLine]) -> usize {
    records.iter().map(|record| 1 + record.findings.len()).sum::<usize>() + findings.len()
}

#[test]
fn every_fixture_is_valid_leef_and_cef_and_every_finding_an_event_of_its_own() {
    let records = fixtures();
    let findings = correlated(&records);
    assert!(findings.iter().any(|finding| finding.code == "X201"));
    let leef: Vec<leef::Event> =
        lines(Format::Leef, &records, &findings).iter().map(|line| leef::parse(line).unwrap()).collect();
    let cef: Vec<cef::Event> =
        lines(Format::Cef, &records, &findings).iter().map(|line| cef::parse(line).unwrap()).collect();
    assert_eq!((leef.len(), cef.len()), (events(&records, &findings), events(&records, &findings)));
    let mut at = 0;
    for record in &records {
        let status = format!("SIG_{}", record.status.name().to_uppercase());
        let codes = record.findings.iter().map(|finding| format!("SIG-{}", finding.code));
        for id in std::iter::once(status).chain(codes) {
            assert_eq!((&leef[at].id, &cef[at].id), (&id, &id));
            assert_eq!(leef[at].attributes["filepath"], record.path);
            assert_eq!(leef[at].attributes["hostname"], "PC-1");
            assert_eq!(cef[at].extension["filePath"], record.path);
            assert_eq!(cef[at].extension["dvchost"], "PC-1");
            at += 1;
        }
    }
    for (finding, (leef, cef)) in findings.iter().zip(leef[at..].iter().zip(&cef[at..])) {
        let id = format!("SIG-{}", finding.code);
        assert_eq!((&leef.id, &cef.id, &cef.name), (&id, &id, &finding.title));
        assert_eq!(leef.attributes["MemberCount"], finding.members.len().to_string());
        let shown: Vec<String> = serde_json::from_str(&leef.attributes["Members"]).unwrap();
        assert!(!shown.is_empty() && finding.members.starts_with(&shown));
        assert_eq!(leef.attributes.get("Donor"), finding.donor.as_ref());
        assert_eq!(cef.extension["cn1"], finding.members.len().to_string());
    }
}

/// The T1036.001 query: `SignatureStatus` is one of four and not `Valid`, and there is a `Signer`.
fn matches(status: Option<&str>, signer: Option<&str>) -> bool {
    status.is_some_and(|status| status != "Valid" && ["Invalid", "Expired", "Revoked", "Untrusted"].contains(&status))
        && signer.is_some_and(|signer| !signer.is_empty())
}

#[test]
fn the_query_for_invalid_code_signatures_finds_exactly_the_files_that_it_is_for() {
    let records = fixtures();
    let findings = correlated(&records);
    let mut wanted = Vec::new();
    for record in &records {
        let plain = serde_json::to_value(record).unwrap();
        let of = |signer: &str, field: &str| plain[signer][field].as_str().is_some_and(|name| !name.is_empty());
        let named = ["signer", "claimed_signer"]
            .iter()
            .any(|signer| ["common_name", "organization", "subject"].iter().any(|field| of(signer, field)));
        if named && matches!(plain["status"].as_str().unwrap(), "Invalid" | "Expired" | "Revoked" | "Untrusted") {
            wanted.push(record.path.clone());
        }
    }
    for scenario in ["self-signed.exe", "thief.exe", "carbon-copy.exe", "expired.exe", "untrusted-root.exe"] {
        assert!(wanted.contains(&format!("/mnt/c/{scenario}")), "{scenario}");
    }
    let statuses: BTreeSet<&str> =
        records.iter().filter(|record| wanted.contains(&record.path)).map(|record| record.status.name()).collect();
    assert_eq!(statuses, BTreeSet::from(["Expired", "Invalid", "Revoked", "Untrusted"]));

    let mut leef = Vec::new();
    for line in lines(Format::Leef, &records, &findings) {
        let event = leef::parse(&line).unwrap().attributes;
        let text = |key: &str| event.get(key).map(String::as_str);
        if matches(text("SignatureStatus"), text("Signer")) {
            assert!(event["filepath"].ends_with(&format!("/{}", event["filename"])), "{line}");
            leef.push(event["filepath"].clone());
        }
    }
    assert_eq!(leef, wanted);

    let mut sysmon = Vec::new();
    for line in lines(Format::Sysmon, &records, &findings) {
        let event: BTreeMap<String, Value> = serde_json::from_str(&line).unwrap();
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        if matches(text("SignatureStatus"), text("Signature")) {
            sysmon.push(text("ImageLoaded").unwrap().to_owned());
        }
    }
    assert_eq!(sysmon, wanted);
}

#[test]
fn sysmon_events_hold_the_words_of_sysmon() {
    let records = fixtures();
    let written = lines(Format::Sysmon, &records, &[]);
    assert_eq!(written.len(), records.len());
    for (line, record) in written.iter().zip(&records) {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["EventID"], 7);
        assert_eq!(event["SignatureStatus"], record.status.name());
        let words = (event["Signed"].as_str(), event["SysmonSignatureStatus"].as_str());
        let wanted = match (record.status.name(), record.reason.code()) {
            ("Valid", _) => (Some("true"), Some("Valid")),
            ("Expired", _) => (Some("false"), Some("Expired")),
            ("Revoked", _) => (Some("false"), Some("Revoked")),
            ("Error", _) | (_, "unsupported-subject") => (None, None),
            _ => (Some("false"), Some("Unavailable")),
        };
        assert_eq!(words, wanted, "{line}");
    }
}

/// Strict: no member that the collector does not know.
fn envelope(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    let known = ["time", "host", "source", "sourcetype", "event"];
    assert!(value.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{line}");
    assert!(value["time"].is_i64() && value["host"] == "PC-1" && value["source"] == "sigscan", "{line}");
    assert!(value["event"].as_object().is_some_and(|event| !event.is_empty()), "{line}");
    value
}

/// Strict: tags of short text, one event with a moment, attributes and nothing else.
fn group(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<String>>();
    assert_eq!(keys(&value), ["tags", "events"]);
    assert!(value["tags"].as_object().unwrap().values().all(Value::is_string), "{line}");
    assert_eq!(value["events"].as_array().unwrap().len(), 1);
    let event = &value["events"][0];
    assert_eq!(keys(event), ["timestamp", "attributes"]);
    assert!(sigscan::Time::parse_rfc3339(event["timestamp"].as_str().unwrap()).is_some());
    assert!(event["attributes"].is_object());
    value
}

#[test]
fn envelopes_and_groups_carry_the_same_events() {
    let records = fixtures();
    let findings = correlated(&records);
    let hec: Vec<Value> = lines(Format::SplunkHec, &records, &findings).iter().map(|line| envelope(line)).collect();
    let logscale: Vec<Value> = lines(Format::LogScale, &records, &findings).iter().map(|line| group(line)).collect();
    assert_eq!(hec.len(), events(&records, &findings));
    assert_eq!(logscale.len(), hec.len());
    for (hec, logscale) in hec.iter().zip(&logscale) {
        assert_eq!(hec["event"], logscale["events"][0]["attributes"]);
        let kind = logscale["tags"]["kind"].as_str().unwrap();
        assert_eq!(hec["sourcetype"], format!("sigscan:{kind}"));
        let time = sigscan::Time::parse_rfc3339(logscale["events"][0]["timestamp"].as_str().unwrap()).unwrap();
        assert_eq!(hec["time"], time.0);
    }
    let files: Vec<Record> = hec
        .iter()
        .filter(|line| line["sourcetype"] == "sigscan:file")
        .map(|line| serde_json::from_value(line["event"]["record"].clone()).unwrap())
        .collect();
    assert_eq!(files, records);
    let rest = &hec[hec.len() - findings.len()..];
    for (line, finding) in rest.iter().zip(&findings) {
        assert_eq!(line["event"]["signature_id"], format!("SIG-{}", finding.code));
        assert_eq!(line["event"]["members"], serde_json::to_value(&finding.members).unwrap());
    }
}

fn table(format: Format, records: &[Record]) -> Vec<Vec<String>> {
    let text = written(format, records, &[]).concat();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(&text[..]);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn tables_have_a_row_a_record_or_a_row_a_key() {
    let records = fixtures();
    let rows = table(Format::Csv, &records);
    assert_eq!(rows.len(), records.len() + 1);
    let by_path = table(Format::Lookup(LookupKey::Path), &records);
    let paths: Vec<&str> = records.iter().map(|record| record.path.as_str()).collect();
    assert_eq!(by_path[1..].iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), paths);
    let by_digest = table(Format::Lookup(LookupKey::Sha256), &records);
    assert_eq!(by_digest[0][..4], ["sha256", "path", "SignatureStatus", "Signed"]);
    let mut first = Vec::new();
    for record in &records {
        let digest = record.hashes["sha256"].as_str();
        if !first.iter().any(|(known, _)| *known == digest) {
            first.push((digest, record.path.as_str()));
        }
    }
    let rows: Vec<(&str, &str)> = by_digest[1..].iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(rows, first);
    assert!(rows.len() < records.len());
}

const GOLDEN: [&str; 10] = [
    "pe32.exe",
    "thief.exe",
    "tampered-section.exe",
    "self-signed.exe",
    "expired.exe",
    "padding-payload.exe",
    "revocable.exe.crl-root.pem---crl-leaf-before.crl",
    "unsigned-pe64.exe",
    "dsa.exe",
    "untrusted-root.exe",
];

#[test]
fn golden_outputs() {
    let records = GOLDEN.map(fixture);
    let findings = correlated(&records);
    let mut stale = Vec::new();
    for (name, format) in [
        ("events.leef", Format::Leef),
        ("events.cef", Format::Cef),
        ("splunk-hec.jsonl", Format::SplunkHec),
        ("logscale.jsonl", Format::LogScale),
        ("sysmon.jsonl", Format::Sysmon),
        ("lookup-sha256.csv", Format::Lookup(LookupKey::Sha256)),
        ("lookup-path.csv", Format::Lookup(LookupKey::Path)),
        ("table.csv", Format::Csv),
    ] {
        let text = written(format, &records, &findings).concat();
        let path = testdata("siem").join(name);
        if fs::read(&path).ok().as_ref() == Some(&text) {
            continue;
        }
        if std::env::var_os("SIGSCAN_BLESS").is_some() {
            fs::create_dir_all(testdata("siem")).unwrap();
            fs::write(path, text).unwrap();
        } else {
            stale.push(name);
        }
    }
    assert_eq!(stale, [""; 0], "SIGSCAN_BLESS=1 writes them anew");
}
