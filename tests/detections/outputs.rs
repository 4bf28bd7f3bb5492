//! What the program really writes, as the events that a SIEM would hold: each field by the name that its language uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{fs, io::Write};

use serde_json::Value;

use crate::{cef, leef};

/// Fields of one event: name to text. A list has one entry with all its values, separated by line ends.
pub type Event = BTreeMap<String, String>;

/// What queries may be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Leef,
    Cef,
    Ecs,
    SplunkHec,
    LogScale,
    Mde,
    /// Events with verdicts.
    Enrich,
    /// Events with verdicts under the names of ECS.
    EnrichEcs,
    /// Events with verdicts under the names of Sysmon.
    EnrichSysmon,
    /// Detections in events.
    Events,
}

impl Input {
    /// As the head of a query names it.
    pub fn of(text: &str) -> Option<Input> {
        let named = [
            ("--format leef,", Input::Leef),
            ("--format cef,", Input::Cef),
            ("--format ecs,", Input::Ecs),
            ("--format splunk-hec,", Input::SplunkHec),
            ("--format logscale,", Input::LogScale),
            ("--format mde,", Input::Mde),
            ("sigscan enrich --merge ecs ", Input::EnrichEcs),
            ("sigscan enrich --merge sysmon ", Input::EnrichSysmon),
            ("sigscan enrich over ", Input::Enrich),
            ("sigscan events ", Input::Events),
        ];
        named.iter().find(|(start, _)| text.starts_with(start)).map(|(_, input)| *input)
    }
}

pub fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn program(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sigscan"))
        .args(arguments)
        .current_dir(root("testdata"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Files with every status but none that cannot be read, files that share a signature, one whose signer is listed, and
/// two that a baseline knows otherwise.
pub struct Outputs {
    /// What scans wrote, by the name of the format.
    scans: BTreeMap<&'static str, String>,
}

const JUDGING: [&str; 6] =
    ["--at", "2026-06-01T00:00:00Z", "--trust-store", "pki/root.pem", "--trust-store", "pki/tsa-root.pem"];
impl Outputs {
    /// The same for all tests.
    pub fn get() -> &'static Outputs {
        static OUTPUTS: OnceLock<Outputs> = OnceLock::new();
        OUTPUTS.get_or_init(Outputs::new)
    }

    fn new() -> Outputs {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let copy = |from: &str, to: &str| {
            fs::copy(root("testdata/fixtures").join(from), path(to)).unwrap();
        };
        fs::create_dir(path("known")).unwrap();
        fs::create_dir(path("files")).unwrap();
        crate::expected("files").iter().for_each(|file| copy(file, &format!("files/{file}")));
        for scenario in crate::expected("scenarios") {
            fs::create_dir(path(&format!("files/{scenario}"))).unwrap();
            for file in fs::read_dir(root("testdata/scenarios").join(&scenario)).unwrap() {
                let name = format!("{scenario}/{}", file.unwrap().file_name().to_str().unwrap());
                copy(&format!("../scenarios/{name}"), &format!("files/{name}"));
            }
        }
        copy("pe32.exe", "known/tool.exe");
        copy("unsigned-pe64.exe", "files/tool.exe");
        let judged = |words: &[&str]| program(&[words, &JUDGING].concat(), "");
        let (known, baseline, files) = (path("known"), path("baseline"), path("files"));
        judged(&["baseline", "build", &known, "--output", &baseline]);
        let expired = "type,value,name,reason\nthumbprint,83e02d59365d68080e52f1c902f3b9806c93b959,stolen,test\n";
        fs::write(path("listed.csv"), expired).unwrap();
        let list = format!("csv:{}", path("listed.csv"));
        let lists = ["--baseline", &baseline, "--blocklist", &list, "--host", "PC-1", "--quiet"];
        let scan = |format: &'static str| (format, judged(&[&[&files, "--format", format], &lists[..]].concat()));
        Outputs { scans: ["leef", "cef", "ecs", "splunk-hec", "logscale", "mde", "jsonl"].map(scan).into() }
    }

    /// What Sigma rules for `product: sigscan` are over: records and findings, or detections.
    pub fn of_sigma(&self, service: &str) -> Vec<Event> {
        match service {
            "scan" => lines(self.scan("jsonl")).iter().map(|value| flat(value, "sigma")).collect(),
            "events" => self.events(Input::Events, "sigma"),
            "enrich" => self.events(Input::Enrich, "sigma"),
            "enrich-sysmon" => self.events(Input::EnrichSysmon, "sigma"),
            other => panic!("service {other}"),
        }
    }

    fn scan(&self, format: &str) -> &str {
        &self.scans[format]
    }

    /// The events of an input, with the names that fields have in `language` (a folder of `detections/`).
    pub fn events(&self, input: Input, language: &str) -> Vec<Event> {
        let events = match input {
            Input::Leef => self.scan("leef").lines().map(universal_leef).collect(),
            Input::Cef => self.scan("cef").lines().map(common_security_log).collect(),
            Input::Ecs => lines(self.scan("ecs")).iter().map(|value| flat(value, language)).collect(),
            Input::SplunkHec => lines(self.scan("splunk-hec")).iter().map(|value| envelope(value, language)).collect(),
            Input::LogScale => lines(self.scan("logscale")).iter().map(|value| group(value, language)).collect(),
            Input::Mde => {
                let rows: Vec<Value> = serde_json::from_str(self.scan("mde")).unwrap();
                rows.iter().map(|row| flat(row, language)).collect()
            }
            Input::Enrich | Input::EnrichEcs | Input::EnrichSysmon => {
                let shape = if language == "elastic" { "winlogbeat" } else { "nxlog" };
                let loads = fs::read_to_string(root(&format!("testdata/siem/loads.{shape}.jsonl"))).unwrap();
                let mut words = vec!["enrich", "--compact", "--path-map", r"C:\=fixtures"];
                match input {
                    Input::EnrichEcs => words.extend(["--merge", "ecs"]),
                    Input::EnrichSysmon => words.extend(["--merge", "sysmon"]),
                    _ => {}
                }
                words.extend(JUDGING);
                lines(&program(&words, &loads)).iter().map(|value| flat(value, language)).collect()
            }
            Input::Events => {
                let files = ["loads.event.jsonl", "test1.xml", "test2.winlogbeat.jsonl", "test3.xml"];
                let files = files.map(|name| format!("events/{name}"));
                let mut words = vec!["events", "--quiet"];
                words.extend(files.iter().map(String::as_str));
                lines(&program(&words, "")).iter().map(|value| flat(value, language)).collect()
            }
        };
        let events: Vec<Event> = if language == "qradar" { with_properties(events, input) } else { events };
        assert!(events.len() >= 9, "{input:?}: {} events", events.len());
        events.into_iter().map(|event| with_columns_of(event, input, language)).collect()
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// JSON as fields with dots. Empty values are no fields. Splunk puts `{}` behind the name of a list; LogScale numbers
/// its elements, and its array functions take the name alone.
fn flat(value: &Value, language: &str) -> Event {
    fn add(name: &str, value: &Value, list: &str, event: &mut Event) {
        let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        match value {
            Value::Null => {}
            Value::Object(members) => members.iter().for_each(|(key, value)| add(&below(key), value, list, event)),
            Value::Array(items) => items.iter().for_each(|item| add(&format!("{name}{list}"), item, list, event)),
            plain => {
                let text = plain.as_str().map_or_else(|| plain.to_string(), str::to_owned);
                let entry = event.entry(name.to_owned()).or_default();
                if !entry.is_empty() {
                    entry.push('\n');
                }
                entry.push_str(&text);
            }
        }
    }
    let mut event = Event::new();
    add("", value, if language == "splunk" { "{}" } else { "" }, &mut event);
    event
}

fn envelope(value: &Value, language: &str) -> Event {
    let mut event = flat(&value["event"], language);
    event.insert("sourcetype".to_owned(), value["sourcetype"].as_str().unwrap().to_owned());
    event.insert("_time".to_owned(), value["time"].to_string());
    event
}

fn group(value: &Value, language: &str) -> Event {
    let inner = &value["events"][0];
    let mut event = flat(&inner["attributes"], language);
    event.insert("@timestamp".to_owned(), inner["timestamp"].as_str().unwrap().to_owned());
    for (tag, text) in value["tags"].as_object().unwrap() {
        event.insert(format!("#{tag}"), text.as_str().unwrap().to_owned());
    }
    event
}

fn universal_leef(line: &str) -> Event {
    let read = leef::parse(line).unwrap();
    assert!(read.id.starts_with("SIG"), "{line}");
    read.attributes
}

/// Columns of CommonSecurityLog. Source: Microsoft, "CEF and CommonSecurityLog field mapping".
fn common_security_log(line: &str) -> Event {
    const COLUMNS: [(&str, &str); 15] = [
        ("cat", "DeviceEventCategory"),
        ("rt", "ReceiptTime"),
        ("dvchost", "DeviceName"),
        ("reason", "Reason"),
        ("fname", "FileName"),
        ("filePath", "FilePath"),
        ("fileHash", "FileHash"),
        ("fileType", "FileType"),
        ("fsize", "FileSize"),
        ("msg", "Message"),
        ("flexString1", "FlexString1"),
        ("flexString2", "FlexString2"),
        ("deviceCustomDate1", "DeviceCustomDate1"),
        ("cn1", "FieldDeviceCustomNumber1"),
        ("externalId", "ExternalID"),
    ];
    let read = cef::parse(line).unwrap();
    let header: Vec<&str> = line.split('|').collect();
    let mut event = Event::from([
        ("DeviceVendor".to_owned(), header[1].to_owned()),
        ("DeviceProduct".to_owned(), header[2].to_owned()),
        ("DeviceVersion".to_owned(), header[3].to_owned()),
        ("DeviceEventClassID".to_owned(), read.id),
        ("Activity".to_owned(), read.name),
        ("LogSeverity".to_owned(), header[6].to_owned()),
    ]);
    for (key, value) in read.extension {
        let custom = key.strip_prefix("cs").map(|rest| format!("DeviceCustomString{rest}"));
        let named = COLUMNS.iter().find(|(name, _)| *name == key).map(|(_, column)| (*column).to_owned());
        if let Some(column) = named.or(custom) {
            event.insert(column, value);
        }
    }
    event
}

/// `docs/recipes/qradar/properties.tsv`: property, inputs, kind of expression, expression.
pub fn properties() -> Vec<[String; 4]> {
    let text = fs::read_to_string(root("docs/recipes/qradar/properties.tsv")).unwrap();
    let mut rows = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<String>>());
    assert_eq!(rows.next().unwrap(), ["property", "input", "kind", "expression", "what"]);
    rows.map(|row| <[String; 5]>::try_from(row).unwrap())
        .map(|[name, input, kind, it, _]| [name, input, kind, it])
        .collect()
}

/// The properties that QRadar extracts.
fn with_properties(events: Vec<Event>, input: Input) -> Vec<Event> {
    let (name, kind) = match input {
        Input::Leef => ("leef", "LEEF"),
        Input::Enrich => ("enrich", "JSON"),
        Input::EnrichSysmon => ("merged", "JSON"),
        Input::Events => ("events", "JSON"),
        other => panic!("{other:?} does not go to QRadar"),
    };
    let mut seen = BTreeSet::new();
    let of_input = |inputs: &str| inputs.split(' ').any(|input| input == name);
    let extracted = |event: Event| {
        let mut found = Event::new();
        for [property, _, row_kind, expression] in properties().into_iter().filter(|row| of_input(&row[1])) {
            assert_eq!(row_kind, kind, "{property}");
            let field = if kind == "JSON" { path_of(&expression) } else { expression };
            if let Some(value) = event.get(&field) {
                seen.insert(property.clone());
                found.insert(property, value.clone());
            }
        }
        found
    };
    let found: Vec<Event> = events.into_iter().map(extracted).collect();
    for [property, input, ..] in properties() {
        assert!(!of_input(&input) || seen.contains(&property), "no output has what {property} is extracted from");
    }
    found
}

/// `/"a"/"b"` as `a.b`. Source: IBM, "Configuring a custom property expression".
fn path_of(expression: &str) -> String {
    let inner = expression.strip_prefix("/\"").and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or_else(|| panic!("{expression}")).replace("\"/\"", ".")
}

/// What the SIEM itself adds to each event.
fn with_columns_of(mut event: Event, input: Input, language: &str) -> Event {
    let mut add = |name: &str, value: &str| {
        event.insert(name.to_owned(), value.to_owned());
    };
    match language {
        "qradar" => {
            add("devicetime", "2026-06-01");
            add("devicetype", "sigscan");
        }
        // The parser of docs/recipes/logscale.md gives events their time, and is called sigscan.
        "logscale" if input != Input::LogScale => {
            add("@timestamp", "2026-06-01");
            add("#type", "sigscan");
        }
        "splunk" if input != Input::SplunkHec => {
            add("_time", "1780272000");
            add("sourcetype", if input == Input::Events { "sigscan:detection" } else { "sigscan:enriched" });
        }
        "sentinel" if input != Input::Mde => add("TimeGenerated", "2026-06-01"),
        _ => {}
    }
    event
}
