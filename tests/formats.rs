//! The formats of the standards are what their published schemas demand, whatever files say of themselves.
//!
//! The records are those of `testdata/fixtures/`; the schemas are distilled ones (`testdata/schemas/README.md`).
//! `SIGSCAN_BLESS=1 cargo test --test formats` writes `testdata/formats/` anew.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "siem/told.rs"]
mod told;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use sigscan::enrich::events::{Detection, DetectionType};
use sigscan::hunt::Correlator;
use sigscan::output::escape::is_hidden;
use sigscan::output::{Format, Origin};
use sigscan::record::FindingLine;
use sigscan::scan::Tally;
use sigscan::{Record, Time};

/// Text that tries to break out of every format at once.
const HOSTILE: &str = "=1+1|^x\t\"q\" '\\\r\nnew: a=b, O=\"c\u{1b}[2J\u{202e}exe.\u{0}{0}[l](http://x)<b>&;%0A";

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

static RECORDS: LazyLock<BTreeMap<String, Record>> = LazyLock::new(read_records);

fn records() -> BTreeMap<String, Record> {
    RECORDS.clone()
}

fn read_records() -> BTreeMap<String, Record> {
    let files = fs::read_dir(testdata().join("fixtures")).unwrap().map(|file| file.unwrap().path());
    let records = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().strip_suffix(".json").unwrap().to_owned();
    records.map(|path| (name(&path), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

fn correlated(records: &[Record]) -> Vec<FindingLine> {
    let mut correlator = Correlator::new();
    records.iter().for_each(|record| correlator.add(record));
    correlator.finish().1
}

fn origin() -> Origin {
    Origin { host: Some(HOSTILE.to_owned()), judged_at: Some("2026-06-01T00:00:00Z".to_owned()) }
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(format: Format, origin: &Origin, records: &[Record], findings: &[FindingLine]) -> String {
    let octets = Shared::default();
    let mut output = format.open(origin, octets.clone());
    records.iter().for_each(|record| output.record(record).unwrap());
    findings.iter().for_each(|finding| output.finding(finding).unwrap());
    let tally = Tally { records: records.len() as u64, bytes: 7, not_signable: 2, links: 1, ..Tally::default() };
    output.finish(&tally).unwrap();
    let text = String::from_utf8(octets.0.take()).unwrap();
    assert!(!text.chars().any(|c| is_hidden(c) && c != '\n'), "{format:?}: something hidden");
    text
}

fn lines(text: &str) -> Vec<Value> {
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Replaces every text that a file's author can choose: a text that is no date and without which the record is still one.
fn hostile(record: &Record) -> Record {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) if Time::parse_rfc3339(text).is_none() => found.push(at.to_owned()),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), found));
            }
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, &format!("{at}/{name}"), found);
            }),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(record).unwrap();
    let mut found = Vec::new();
    places(&value, "", &mut found);
    for at in found {
        let before = value.pointer(&at).unwrap().clone();
        *value.pointer_mut(&at).unwrap() = json!(HOSTILE);
        if serde_json::from_value::<Record>(value.clone()).is_err() {
            *value.pointer_mut(&at).unwrap() = before;
        }
    }
    let mut record: Record = serde_json::from_value(value).unwrap();
    record.path_hex = Some("2f746d702fff0a41".to_owned());
    record
}

/// Every fixture's record, a few of them with hostile texts everywhere, and the findings about all of them.
fn everything() -> (Vec<Record>, Vec<FindingLine>) {
    let records = records();
    let names = [
        "thief.exe",
        "self-signed.exe",
        "expired-token-broken.exe",
        "listed-signed.exe.catalog-catalog-v2.cat",
        "dsa.exe",
    ];
    let bad: Vec<Record> = names.iter().map(|name| hostile(&records[*name])).collect();
    assert_eq!(bad[0].path, HOSTILE);
    assert_eq!(bad[0].claimed_signer.as_ref().unwrap().subject, HOSTILE);
    let mut all: Vec<Record> = records.into_values().collect();
    let mut findings = correlated(&all);
    assert!(findings.len() > 5);
    let mut last = findings[0].clone();
    last.members = vec![HOSTILE.to_owned(), "../up".to_owned()];
    last.donor = Some(HOSTILE.to_owned());
    last.evidence.insert(HOSTILE.to_owned(), json!(HOSTILE));
    findings.push(last);
    all.extend(bad);
    (all, findings)
}

fn schema(name: &str) -> Value {
    serde_json::from_slice(&fs::read(testdata().join("schemas").join(name)).unwrap()).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

fn check(validator: &Validator, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .take(5)
        .map(|error| format!("{}: {}", error.instance_path(), error.to_string().chars().take(300).collect::<String>()))
        .collect();
    let shown: String = value.to_string().chars().take(300).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{shown}");
}

/// Field to type, and whether it is a list.
fn ecs_fields() -> HashMap<String, (String, bool)> {
    let table = fs::read_to_string(testdata().join("schemas/ecs.tsv")).unwrap();
    let rows = table.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.map(|row| (row[0].to_owned(), (row[1].to_owned(), row[2] == "array"))).collect()
}

/// Collects what is wrong with an event, and under which type each of sigscan's own fields would be indexed.
fn check_ecs(
    at: &str,
    value: &Value,
    known: &HashMap<String, (String, bool)>,
    own: &mut BTreeMap<String, BTreeSet<&'static str>>,
    wrong: &mut BTreeSet<String>,
) {
    if let Value::Object(members) = value {
        for (name, member) in members {
            let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            check_ecs(&path, member, known, own, wrong);
        }
        return;
    }
    let kind = |value: &Value| match value {
        Value::String(text) if Time::parse_rfc3339(text).is_some() => "date",
        Value::String(_) => "keyword",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "long",
        Value::Null | Value::Array(_) | Value::Object(_) => "other",
    };
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    if at.starts_with("sigscan.") {
        own.entry(at.to_owned()).or_default().extend(items.iter().map(kind));
        return;
    }
    let Some((wanted, list)) = known.get(at) else {
        wrong.insert(format!("{at}: no such field"));
        return;
    };
    if *list != value.is_array() {
        wrong.insert(format!("{at}: list or not"));
    }
    for item in items {
        let fits = match wanted.as_str() {
            "keyword" | "match_only_text" | "wildcard" => item.is_string(),
            "float" => item.is_number(),
            wanted => kind(item) == wanted,
        };
        if !fits {
            wrong.insert(format!("{at}: {item} is no {wanted}"));
        }
    }
}

#[test]
fn every_ecs_event_has_only_fields_of_the_schema() {
    let (records, findings) = everything();
    let (known, mut own, mut wrong) = (ecs_fields(), BTreeMap::new(), BTreeSet::new());
    let events = lines(&written(Format::Ecs, &origin(), &records, &findings));
    let found: usize = records.iter().map(|record| record.findings.len()).sum();
    assert_eq!(events.len(), records.len() + found + findings.len());
    for event in &events {
        check_ecs("", event, &known, &mut own, &mut wrong);
        for required in ["/@timestamp", "/ecs/version", "/event/id", "/event/kind", "/event/dataset"] {
            assert!(event.pointer(required).is_some_and(Value::is_string), "{required}: {event}");
        }
        assert_eq!(event["host"]["name"], HOSTILE);
        let alert = event["event"]["dataset"] == "sigscan.finding";
        assert_eq!(event.pointer("/rule/id").is_some(), alert);
    }
    assert_eq!(wrong, BTreeSet::new());
    // A text that is hostile in one event may be a date in none: one type a field, or an index refuses events.
    for (field, types) in own {
        let types: Vec<&str> = types.into_iter().collect();
        let text = types.iter().all(|kind| matches!(*kind, "keyword" | "date")) && field != "sigscan.judged_at";
        assert!(types.len() == 1 || text && !field.ends_with(".time"), "{field}: {types:?}");
    }
}

/// Detections in events, and of each type one with hostile texts everywhere.
fn told_events() -> Vec<Detection> {
    let mut found = told::detections();
    for kind in DetectionType::ALL {
        let one = found.iter().find(|detection| detection.detection_type == kind).unwrap();
        found.push(told::with_texts(one, HOSTILE));
    }
    let loaded = found.iter_mut().find(|detection| detection.signature.is_some()).unwrap();
    let evidence = json!({ "file": "same", "sha256": "ab".repeat(32), "disagrees": false });
    loaded.evidence = Some(serde_json::from_value(evidence).unwrap());
    found
}

fn detected(format: Format, detections: &[Detection]) -> Vec<Value> {
    let octets = Shared::default();
    let mut output = format.open_detections(&origin(), octets.clone()).unwrap();
    detections.iter().for_each(|detection| output.detection(detection).unwrap());
    output.finish().unwrap();
    let text = String::from_utf8(octets.0.take()).unwrap();
    assert!(!text.chars().any(|c| is_hidden(c) && c != '\n'), "{format:?}: something hidden");
    lines(&text)
}

#[test]
fn every_detection_is_an_alert_of_the_common_schema() {
    let found = told_events();
    let (known, mut own, mut wrong) = (ecs_fields(), BTreeMap::new(), BTreeSet::new());
    let events = detected(Format::Ecs, &found);
    let mut identities = BTreeSet::new();
    for (event, detection) in events.iter().zip(&found) {
        check_ecs("", event, &known, &mut own, &mut wrong);
        assert_eq!(
            (&event["event"]["dataset"], &event["event"]["kind"]),
            (&json!("sigscan.detection"), &json!(if event["event"]["risk_score"] == 0 { "event" } else { "alert" }))
        );
        assert_eq!(event["rule"]["id"], detection.detection_type.name());
        assert_eq!(event["host"]["name"], detection.event.host.as_deref().unwrap_or(HOSTILE));
        if detection.attack != [HOSTILE] {
            let technique = &event["threat"]["technique"];
            assert_eq!(technique["subtechnique"]["id"], json!(detection.attack));
            assert!(technique["subtechnique"]["name"][0].is_string());
        }
        let registry = detection.detection_type == DetectionType::CertStoreRegistryMod;
        let target = if registry { &event["registry"]["path"] } else { &event["file"]["path"] };
        assert_eq!(target, &json!(detection.target));
        assert_eq!(event["process"]["executable"], json!(detection.image));
        assert_eq!(event["file"]["code_signature"]["trusted"] == false, detection.signature.is_some());
        assert!(Time::parse_rfc3339(event["@timestamp"].as_str().unwrap()).is_some());
        identities.insert(event["event"]["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(wrong, BTreeSet::new());
    assert_eq!(identities.len(), found.len());
    for (field, types) in own {
        assert_eq!(types.len(), 1, "{field}: {types:?}");
    }
    let with_digest = events.iter().find(|event| event["file"]["hash"]["sha256"].is_string()).unwrap();
    assert_eq!(with_digest["related"]["hash"], json!(["ab".repeat(32)]));
    assert!(events.iter().any(|event| event["user"] == json!({ "name": "alice", "domain": "EXAMPLE" })));
}

#[test]
fn every_detection_is_a_detection_finding() {
    let found = told_events();
    let schema = schema("ocsf.schema.json");
    let class = validator(&json!({ "$ref": "#/$defs/detection_finding", "$defs": schema["$defs"] }));
    for (event, detection) in detected(Format::Ocsf, &found).iter().zip(&found) {
        check(&class, event);
        assert_eq!(event["finding_info"]["analytic"]["uid"], detection.detection_type.name());
        assert_eq!(event["evidences"][0]["data"]["event"]["source"], json!(detection.event.source));
        let registry = detection.detection_type == DetectionType::CertStoreRegistryMod;
        let target = if registry { &event["evidences"][0]["reg_key"] } else { &event["evidences"][0]["file"] };
        assert_eq!(target["path"], json!(detection.target));
    }
}

#[test]
fn hostile_text_comes_back_as_it_was() {
    let records = records();
    let bad = [hostile(&records["thief.exe"])];
    let event = &lines(&written(Format::Ecs, &origin(), &bad, &[]))[0];
    assert_eq!(event["file"]["path"], HOSTILE);
    assert_eq!(event["file"]["code_signature"]["subject_name"], HOSTILE);
    assert_eq!(event["sigscan"]["path_hex"], "2f746d702fff0a41");
    let event = &lines(&written(Format::Ocsf, &origin(), &bad, &[]))[0];
    assert_eq!(event["evidences"][0]["file"]["path"], HOSTILE);
    let row: Value = serde_json::from_str(&written(Format::Mde, &origin(), &bad, &[])).unwrap();
    assert_eq!(row[0]["Signer"], HOSTILE);
    let log: Value = serde_json::from_str(&written(Format::Sarif, &origin(), &bad, &[])).unwrap();
    assert_eq!(log["runs"][0]["artifacts"][0]["location"]["uri"], "file:///tmp/%FF%0AA");
    assert_eq!(log["runs"][0]["artifacts"][0]["properties"]["signer"], HOSTILE);
}

#[test]
fn every_ocsf_event_is_of_its_class() {
    let (records, findings) = everything();
    let schema = schema("ocsf.schema.json");
    let class = |name: &str| validator(&json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] }));
    let classes = HashMap::from([
        (2004, class("detection_finding")),
        (5040, class("evidence_info")),
        (6007, class("scan_activity")),
    ]);
    for origin in [origin(), Origin::default()] {
        let events = lines(&written(Format::Ocsf, &origin, &records, &findings));
        let mut counts = BTreeMap::new();
        for event in &events {
            let uid = event["class_uid"].as_u64().unwrap();
            *counts.entry(uid).or_insert(0) += 1;
            check(&classes[&uid], event);
            let named = event.get("device").is_some_and(|device| device["hostname"] == HOSTILE);
            assert_eq!(named, origin.host.is_some());
            // Only where the class demands one there is a device that nobody named, and it says so.
            let unknown = event.get("device").is_some_and(|device| device["name"] == "Unknown");
            assert_eq!(unknown, uid == 5040 && origin.host.is_none());
            assert!(!unknown || event["device"]["desc"].as_str().unwrap().contains("--host"));
        }
        let found: usize = records.iter().map(|record| record.findings.len()).sum();
        let without = records.iter().filter(|record| record.findings.is_empty()).count();
        assert_eq!(counts, BTreeMap::from([(2004, found + findings.len()), (5040, without), (6007, 1)]));
        let last = events.last().unwrap();
        assert_eq!((&last["class_uid"], &last["num_skipped_items"]), (&json!(6007), &json!(3)));
        assert_eq!(last["num_detections"], found + findings.len());
        assert_eq!(last.get("device").is_some(), origin.host.is_some());
    }
}

#[test]
fn the_sarif_document_is_one_and_its_indices_hold() {
    let (records, findings) = everything();
    let schema = validator(&schema("sarif.schema.json"));
    let log: Value = serde_json::from_str(&written(Format::Sarif, &origin(), &records, &findings)).unwrap();
    check(&schema, &log);
    let run = &log["runs"][0];
    assert_eq!(run["artifacts"].as_array().unwrap().len(), records.len());
    let results = run["results"].as_array().unwrap();
    let found: usize = records.iter().map(|record| record.findings.len()).sum();
    let bad = records.iter().filter(|record| !matches!(record.status.name(), "Valid" | "Unsigned")).count();
    assert_eq!(results.len(), bad + found + findings.len());
    let rules = &run["tool"]["driver"]["rules"];
    for result in results {
        // A code that is none has no rule; only the hostile records have such.
        match result["ruleIndex"].as_u64() {
            Some(index) => assert_eq!(rules[index as usize]["id"], result["ruleId"]),
            None => assert_eq!(result["ruleId"], HOSTILE),
        }
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        if let Some(index) = place["index"].as_u64() {
            assert_eq!(run["artifacts"][index as usize]["location"]["uri"], place["uri"]);
        }
        for taxon in result["taxa"].as_array().into_iter().flatten() {
            assert_eq!(run["taxonomies"][0]["taxa"][taxon["index"].as_u64().unwrap() as usize]["id"], taxon["id"]);
        }
        let text = result["message"]["text"].as_str().unwrap();
        assert!(!text.contains(['{', '[', '\n']), "{text}");
    }
    let up = results.last().unwrap();
    let base = |place: &Value| place["physicalLocation"]["artifactLocation"].get("uriBaseId").cloned();
    assert_eq!(base(&up["relatedLocations"][0]), None);
    let empty: Value = serde_json::from_str(&written(Format::Sarif, &origin(), &[], &[])).unwrap();
    check(&schema, &empty);
    assert_eq!((&empty["runs"][0]["results"], &empty["runs"][0]["artifacts"]), (&json!([]), &json!([])));
}

#[test]
fn artifacts_beyond_memory_come_back_in_order() {
    let mut record = records().remove("self-signed.exe").unwrap();
    let mut many = Vec::new();
    for number in 0..3000 {
        record.path = format!("dir/{number}.exe");
        many.push(record.clone());
    }
    let text = written(Format::Sarif, &origin(), &many, &[]);
    let log: Value = serde_json::from_str(&text).unwrap();
    let artifacts = log["runs"][0]["artifacts"].as_array().unwrap();
    assert!(serde_json::to_string(artifacts).unwrap().len() > 1024 * 1024);
    for (number, artifact) in artifacts.iter().enumerate() {
        assert_eq!(artifact["location"]["uri"], format!("dir/{number}.exe"));
    }
    assert_eq!(artifacts.len(), 3000);
}

#[test]
fn every_mde_row_has_only_columns_of_the_table() {
    let (records, _) = everything();
    let table = fs::read_to_string(testdata().join("schemas/mde.tsv")).unwrap();
    let types: HashMap<&str, &str> = table.lines().skip(1).filter_map(|line| line.split_once('\t')).collect();
    let rows: Value = serde_json::from_str(&written(Format::Mde, &origin(), &records, &[])).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), records.len());
    for (column, value) in rows.as_array().unwrap().iter().flat_map(|row| row.as_object().unwrap()) {
        let fits = match types[column.as_str()] {
            "datetime" => value.as_str().is_some_and(|text| Time::parse_rfc3339(text).is_some()),
            "string" => value.is_string(),
            "bool" => value.is_boolean(),
            "long" => value.is_i64(),
            _ => value.is_object(),
        };
        assert!(fits, "{column}: {value}");
    }
}

#[test]
fn identities_are_unique_and_stay_the_same() {
    let records: Vec<Record> = records().into_values().collect();
    let ids = |origin: &Origin| -> Vec<String> {
        let events = lines(&written(Format::Ecs, origin, &records, &[]));
        events.iter().map(|event| event["event"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let once = ids(&origin());
    assert_eq!(once, ids(&origin()));
    let all: BTreeSet<&String> = once.iter().collect();
    // Records of one file under several options differ in their verdicts or say the same.
    assert!(all.len() * 10 > once.len() * 7, "{} of {}", all.len(), once.len());
    assert!(ids(&Origin::default()).iter().all(|id| !all.contains(id)));
}

/// One file a status, and what is found in a folder with a stolen signature.
#[test]
fn golden_outputs() {
    let records = records();
    let names = ["dsa.exe", "expired.exe", "revoked-by-bag.exe", "self-signed.exe", "thief.exe", "thief-unaligned.exe"];
    let names = names.iter().chain(&["token.exe", "unsigned-pe64.exe", "listed.inf.catalog-catalog-v2.cat"]);
    let chosen: Vec<Record> = names.map(|name| records[*name].clone()).collect();
    let findings = correlated(&chosen);
    let origin = Origin { host: Some("pc-1".to_owned()), judged_at: Some("2026-06-01T00:00:00Z".to_owned()) };
    let mut stale = Vec::new();
    for (format, name) in [
        (Format::Ecs, "ecs.ndjson"),
        (Format::Ocsf, "ocsf.ndjson"),
        (Format::Sarif, "sarif.json"),
        (Format::Mde, "mde.json"),
    ] {
        let text = written(format, &origin, &chosen, &findings);
        let path = testdata().join("formats").join(name);
        if fs::read_to_string(&path).ok().as_ref() == Some(&text) {
            continue;
        }
        if std::env::var_os("SIGSCAN_BLESS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            stale.push(name);
        }
    }
    assert_eq!(stale, [""; 0], "differ; SIGSCAN_BLESS=1 writes them anew");
}
