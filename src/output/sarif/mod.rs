//! SARIF 2.1.0: one document for code scanning services.
//!
//! Source: OASIS, Static Analysis Results Interchange Format 2.1.0 with errata 01; sections are those of that document.
//! Every file is an artifact; a bad status and a finding are a result each. Results leave at once. Artifacts are a second
//! list that has to follow them whole: beyond a megabyte they wait in a temporary file, so that memory stays the same
//! however many files there are. Nothing that a file says of itself gets into a message: SARIF gives some characters in
//! messages a meaning (section 3.11), so names are properties.

mod later;
mod rules;
mod uri;

use std::collections::HashSet;
use std::io::{self, Write};

use serde_json::{Value, json};

use self::later::Later;
use self::uri::Location;
use super::Output;
use super::identity::{Object, any_signer, evidence_texts, put};
use super::json::append;
use super::signer_name;
use crate::record::{Finding, FindingLine, Record};
use crate::scan::Tally;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The base of relative locations: the folder that sigscan ran in, which a build takes for the root of its sources.
const BASE: &str = "%SRCROOT%";

/// One document, a result and an artifact a line.
#[derive(Debug)]
pub struct Sarif<W> {
    writer: W,
    started: bool,
    results: u64,
    artifacts: Later,
    artifact_count: u64,
    buffer: Vec<u8>,
}

impl<W: Write> Sarif<W> {
    /// A document that is written to `writer`.
    pub fn new(writer: W) -> Self {
        Sarif { writer, started: false, results: 0, artifacts: Later::new(), artifact_count: 0, buffer: Vec::new() }
    }

    fn start(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let base = json!({ BASE: { "description": { "text": "The folder that sigscan ran in." } } });
        self.buffer.clear();
        self.buffer
            .extend_from_slice(format!("{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{").as_bytes());
        for (name, value) in
            [("tool", rules::tool()), ("taxonomies", rules::taxonomies()), ("originalUriBaseIds", base)]
        {
            self.buffer.extend_from_slice(format!("\"{name}\":").as_bytes());
            append(&value, &mut self.buffer)?;
            self.buffer.extend_from_slice(b",\n");
        }
        self.buffer.extend_from_slice(b"\"results\":[");
        self.writer.write_all(&self.buffer)
    }

    fn result(&mut self, result: &Object) -> io::Result<()> {
        self.start()?;
        self.buffer.clear();
        self.buffer.extend_from_slice(if self.results == 0 { b"\n" } else { b",\n" });
        self.results = self.results.saturating_add(1);
        append(result, &mut self.buffer)?;
        self.writer.write_all(&self.buffer)
    }

    fn artifact(&mut self, artifact: &Object) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.extend_from_slice(if self.artifact_count == 0 { b"\n" } else { b",\n" });
        self.artifact_count = self.artifact_count.saturating_add(1);
        append(artifact, &mut self.buffer)?;
        self.artifacts.push(&self.buffer)
    }
}

impl<W: Write> Output for Sarif<W> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let location = Place { location: uri::of_record(record), index: Some(self.artifact_count) };
        if let Some(rule) = rules::STATUS_RULES.iter().find(|rule| rule.status == record.status) {
            self.result(&status_result(record, rule, &location))?;
        }
        for finding in &record.findings {
            self.result(&finding_result(record, finding, &location))?;
        }
        self.artifact(&artifact(record, location))
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        self.result(&line_result(finding))
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.start()?;
        self.writer.write_all(b"],\n\"artifacts\":[")?;
        self.artifacts.copy(&mut self.writer)?;
        self.buffer.clear();
        self.buffer.extend_from_slice(b"],\n\"invocations\":");
        append(&invocations(tally), &mut self.buffer)?;
        self.buffer.extend_from_slice(b"}]}\n");
        self.writer.write_all(&self.buffer)?;
        self.writer.flush()
    }
}

/// The sink saw the end of its scan; that is all it knows of the process.
fn invocations(tally: &Tally) -> Value {
    let unsupported = tally.unsupported.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    json!([{
        "executionSuccessful": tally.unjudged == 0,
        "properties": {
            "records": tally.records,
            "bytes": tally.bytes,
            "notSignable": tally.not_signable,
            "unsupported": unsupported,
            "special": tally.special,
            "links": tally.links,
            "excluded": tally.excluded,
            "excludedFolders": tally.excluded_folders,
            "missing": tally.missing,
            "unjudged": tally.unjudged,
        },
    }])
}

/// A location and, for a file with a record, the position of its artifact.
struct Place {
    location: Location,
    index: Option<u64>,
}

fn artifact_location(location: Location, index: Option<u64>) -> Object {
    let mut place = Object::new();
    // Required by what reads it, even if it is empty. A base and a way out of it exclude each other (section 3.10.2).
    let based = location.relative && !location.uri.split('/').any(|segment| segment == "..");
    place.insert("uri".to_owned(), Value::from(location.uri));
    put(&mut place, "uriBaseId", based.then_some(BASE));
    put(&mut place, "index", index);
    place
}

fn located(location: Location, index: Option<u64>) -> Value {
    json!({ "physicalLocation": { "artifactLocation": artifact_location(location, index) } })
}

fn artifact(record: &Record, place: Place) -> Object {
    let mut artifact = Object::new();
    put(&mut artifact, "location", artifact_location(place.location, None));
    put(&mut artifact, "length", record.size);
    put(&mut artifact, "roles", vec!["analysisTarget"]);
    // Names of section 3.24.11: those of the IANA registry of hash functions.
    let names =
        [("md5", "md5"), ("sha1", "sha-1"), ("sha256", "sha-256"), ("sha384", "sha-384"), ("sha512", "sha-512")];
    let mut hashes = Object::new();
    for (algorithm, name) in names {
        put(&mut hashes, name, record.hashes.get(algorithm).map(String::as_str));
    }
    put(&mut artifact, "hashes", hashes);
    let mut said = verdict(record);
    // The list holds each artifact once (section 3.14.15), and a file may be named twice.
    put(&mut said, "position", place.index);
    put(&mut artifact, "properties", said);
    artifact
}

fn verdict(record: &Record) -> Object {
    let mut said = Object::new();
    put(&mut said, "status", record.status.name());
    put(&mut said, "reason", record.reason.code());
    put(&mut said, "hresult", record.hresult.as_deref());
    put(&mut said, "format", record.format.name());
    if let Some((signer, verified)) = any_signer(record) {
        put(&mut said, "signer", signer_name(signer));
        put(&mut said, "signerVerified", verified);
        put(&mut said, "thumbprintSha1", signer.thumbprint_sha1.as_str());
    }
    put(&mut said, "judgedAt", record.judged_at.as_str());
    said
}

/// What makes a result the same in another run, whatever the file is called.
fn fingerprints(record: &Record) -> Object {
    let mut fingerprints = Object::new();
    put(&mut fingerprints, "fileSha256/v1", record.hashes.get("sha256").map(String::as_str));
    put(&mut fingerprints, "authentihash/v1", record.authentihash.get("sha256").map(String::as_str));
    fingerprints
}

fn result(id: &str, level: &str, text: &str) -> Object {
    let mut result = Object::new();
    put(&mut result, "ruleId", id);
    put(&mut result, "ruleIndex", rules::index(id));
    // Level "none" is for results that are no failures (section 3.27.10), "open" for what lacks information (3.27.9).
    put(&mut result, "kind", if level == "none" { "open" } else { "fail" });
    put(&mut result, "level", level);
    put(&mut result, "message", json!({ "text": text }));
    result
}

fn status_result(record: &Record, rule: &rules::StatusRule, place: &Place) -> Object {
    let meaning = record.reason.row().meaning;
    let mut result =
        result(rule.id, rule.level, &format!("{} ({}): {meaning}.", rule.status.name(), record.reason.code()));
    add_place(&mut result, record, place);
    let mut said = verdict(record);
    put(&mut said, "error", record.error.as_ref().map(|error| error.message.as_str()));
    put(&mut result, "properties", said);
    result
}

fn add_place(result: &mut Object, record: &Record, place: &Place) {
    let location = Location { uri: place.location.uri.clone(), relative: place.location.relative };
    put(result, "locations", vec![located(location, place.index)]);
    put(result, "partialFingerprints", fingerprints(record));
}

fn finding_result(record: &Record, finding: &Finding, place: &Place) -> Object {
    let mut result = result(&finding.code, rules::level(finding.severity), title(&finding.code));
    add_place(&mut result, record, place);
    put(&mut result, "taxa", finding.attack.iter().filter_map(|id| rules::taxon(id)).collect::<Vec<_>>());
    let mut said = verdict(record);
    put(&mut said, "severity", json!(finding.severity));
    put(&mut said, "confidence", json!(finding.confidence));
    put(&mut said, "evidence", evidence_texts(&finding.evidence));
    put(&mut said, "related", finding.related.clone());
    put(&mut result, "properties", said);
    result
}

/// The table's title of a finding, which no file can have a hand in.
fn title(code: &str) -> &'static str {
    crate::hunt::row(code).map_or("A finding of sigscan", |row| row.title)
}

/// The first member is the location, the others are related ones: several locations would mean that all have to change
/// together (section 3.27.12).
fn line_result(finding: &FindingLine) -> Object {
    let mut result = result(&finding.code, rules::level(finding.severity), title(&finding.code));
    // A file that was scanned twice is one location: lists of them hold each once.
    let mut seen = HashSet::new();
    let paths = finding.members.iter().filter(|path| seen.insert(path.as_str()));
    let mut members = paths.map(|path| located(uri::of_octets(path.as_bytes()), None));
    put(&mut result, "locations", members.next().map(|first| vec![first]));
    put(&mut result, "relatedLocations", members.collect::<Vec<_>>());
    put(&mut result, "taxa", finding.attack.iter().filter_map(|id| rules::taxon(id)).collect::<Vec<_>>());
    let mut said = Object::new();
    put(&mut said, "severity", json!(finding.severity));
    put(&mut said, "confidence", json!(finding.confidence));
    put(&mut said, "evidence", evidence_texts(&finding.evidence));
    put(&mut said, "donor", finding.donor.as_deref());
    put(&mut result, "properties", said);
    result
}
