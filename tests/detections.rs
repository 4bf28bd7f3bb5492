//! The queries of `detections/`: each names fields and values that the program really writes, and finds what it is for.
//!
//! A query is read by a tokenizer that knows as much of its language as the queries use (`detections/languages.rs`); the
//! languages' own parsers, where they can be had, are asked by `detections/check.sh`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::string_slice)]

#[path = "siem/cef.rs"]
mod cef;
#[path = "detections/languages.rs"]
mod languages;
#[path = "siem/leef.rs"]
mod leef;
#[path = "detections/outputs.rs"]
mod outputs;
#[path = "detections/tokens.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use languages::{Condition, LANGUAGES, Language, Query, Wanted};
use outputs::{Event, Input, Outputs, root};
use sigscan::enrich::events::DetectionType;
use sigscan::judge::Status;

/// A file of `detections/`.
struct Content {
    name: String,
    topic: String,
    head: BTreeMap<String, String>,
    input: Input,
    query: Query,
}

/// Title and the labelled parts of a head.
fn head(text: &str, comment: &str) -> BTreeMap<String, String> {
    const LABELS: [&str; 5] = ["Technique", "Input", "False positives", "Tuning", "Language"];
    let mut parts = BTreeMap::new();
    let mut label = "Title";
    for line in text.lines() {
        let line = line.strip_prefix(comment).unwrap_or_else(|| panic!("{line:?} is no comment"));
        let line = line.trim_matches(['`', ' ']);
        let found = LABELS.iter().find_map(|name| Some((*name, line.strip_prefix(name)?.strip_prefix(": ")?)));
        let (name, rest) = found.unwrap_or((label, line));
        label = name;
        let part: &mut String = parts.entry(label.to_owned()).or_default();
        *part = format!("{part} {rest}").trim().to_owned();
    }
    parts
}

fn contents(language: &Language) -> Vec<Content> {
    let folder = root("detections").join(language.folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().unwrap() == language.extension);
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = format!("{}/{}", language.folder, path.file_name().unwrap().to_str().unwrap());
        let text = fs::read_to_string(path).unwrap();
        let (top, query) = text.split_once("\n\n").unwrap_or_else(|| panic!("{name} has no head"));
        let head = head(top, language.comment);
        let labels: Vec<&str> = head.keys().map(String::as_str).collect();
        assert_eq!(labels, ["False positives", "Input", "Language", "Technique", "Title", "Tuning"], "{name}");
        let input = Input::of(&head["Input"]).unwrap_or_else(|| panic!("{name}: input {}", head["Input"]));
        let query = language.read(query).unwrap_or_else(|error| panic!("{name}: {error}"));
        let topic = path.file_stem().unwrap().to_str().unwrap().trim_end_matches("-certificates").to_owned();
        Content { name, topic, head, input, query }
    };
    paths.iter().map(read).collect()
}

/// Sets of words that the program documents; a field that holds some of one may be compared with any other of it.
fn vocabularies() -> Vec<BTreeSet<String>> {
    let statuses = || Status::WORST_FIRST.iter().map(|status| status.name().to_owned());
    let codes = || sigscan::hunt::rows().map(|row| row.code.to_owned());
    let events = statuses().map(|status| format!("SIG_{}", status.to_uppercase()));
    vec![
        statuses().collect(),
        ["info", "low", "medium", "high", "critical"].map(str::to_owned).into(),
        codes().collect(),
        events.chain(codes().map(|code| format!("SIG-{code}"))).collect(),
        DetectionType::ALL
            .iter()
            .map(|kind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned())
            .collect(),
        ["true", "false"].map(str::to_owned).into(),
    ]
}

/// Every value of a field, in all events.
fn values(events: &[Event], field: &str) -> BTreeSet<String> {
    events.iter().filter_map(|event| event.get(field)).flat_map(|text| text.split('\n')).map(str::to_owned).collect()
}

/// Whether some event has the field, or an object of that name.
fn known(events: &[Event], field: &str) -> bool {
    events.iter().any(|event| event.contains_key(field))
}

/// Names and values of a query that no event has.
fn unknown(query: &Query, events: &[Event]) -> Vec<String> {
    let mut unknown: Vec<String> = query.fields.iter().filter(|field| !known(events, field)).cloned().collect();
    for Condition { fields, values: wanted } in &query.conditions {
        let Wanted::One(wanted) = wanted else { continue };
        for field in fields {
            let seen = values(events, field);
            let vocabulary = vocabularies().into_iter().find(|words| !seen.is_empty() && seen.is_subset(words));
            let may =
                |value: &String| seen.contains(value) || vocabulary.as_ref().is_some_and(|words| words.contains(value));
            unknown.extend(wanted.iter().filter(|value| !may(value)).map(|value| format!("{field}={value}")));
        }
    }
    unknown
}

fn holds(condition: &Condition, event: &Event) -> bool {
    let mut texts = condition.fields.iter().filter_map(|field| event.get(field));
    match &condition.values {
        Wanted::Any => texts.any(|text| !text.is_empty()),
        Wanted::None => texts.next().is_none(),
        Wanted::One(wanted) => texts.any(|text| text.split('\n').any(|value| wanted.iter().any(|one| one == value))),
    }
}

fn found<'e>(query: &Query, events: &'e [Event]) -> Vec<&'e Event> {
    events.iter().filter(|event| query.conditions.iter().all(|condition| holds(condition, event))).collect()
}

/// The fields that name a file, an image or a finding, whatever the format calls them; what it found of them.
fn told(topic: &str, events: &[&Event]) -> BTreeSet<String> {
    let names: &[&str] = match topic {
        "invalid-signature" => &["filepath", "file_path", "file.path", "FilePath", "Sigscan.FilePath"],
        "image-load" | "image-load-merged" => &["ImageLoaded", "winlog.event_data.ImageLoaded"],
        "event-detection" | "signing-without-time" => &["DetectionType", "detection_type"],
        _ => &["FindingCode", "signature_id", "rule.id", "DeviceEventClassID"],
    };
    let one = |event: &&Event| {
        let text =
            names.iter().find_map(|name| event.get(*name)).unwrap_or_else(|| panic!("{event:?} has no {names:?}"));
        let last = text.rsplit(['/', '\\']).next().unwrap();
        last.strip_prefix("SIG-").unwrap_or(last).to_owned()
    };
    events.iter().map(one).collect()
}

/// A row of `detections/expected.tsv`: what each query has to find, and nothing else, and in which files.
pub fn expected(name: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root("tests/detections/expected.tsv")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap());
    let row =
        rows.into_iter().find(|(first, _)| *first == name).unwrap_or_else(|| panic!("nobody says what {name} finds"));
    row.1.split(' ').map(str::to_owned).collect()
}

const TOPICS: [&str; 9] = [
    "baseline-change",
    "copied-signature",
    "event-detection",
    "image-load",
    "image-load-merged",
    "invalid-signature",
    "listed-signer",
    "severe-finding",
    "signing-without-time",
];

#[test]
fn every_query_names_what_the_program_writes_and_finds_what_it_is_for() {
    let outputs = Outputs::get();
    let mut wrong = Vec::new();
    for language in &LANGUAGES {
        let contents = contents(language);
        let topics: BTreeSet<&str> = contents.iter().map(|content| content.topic.as_str()).collect();
        assert_eq!(topics, BTreeSet::from(TOPICS), "{}", language.folder);
        for Content { name, topic, input, query, .. } in &contents {
            let events = outputs.events(*input, language.folder);
            let unknown = unknown(query, &events);
            if !unknown.is_empty() {
                wrong.push(format!("{name} names {unknown:?}, which {input:?} does not have"));
                continue;
            }
            let told = told(topic, &found(query, &events));
            if told != expected(topic) {
                wrong.push(format!("{name} finds {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_name_a_wrong_value_and_a_query_that_nobody_understands_are_noticed() {
    let event =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let events: [Event; 1] = [event(&[("SignatureStatus", "Invalid"), ("Signer", "x"), ("devicetype", "sigscan")])];
    let aql = |text: &str| LANGUAGES[0].read(text).map(|query| unknown(&query, &events));
    let text = "SELECT \"Signer\" FROM events WHERE \"SignatureStatus\" IN ('Invalid', 'Revoked')";
    assert_eq!(aql(text), Ok(vec![]));
    assert_eq!(aql(&text.replace("Signer", "Signed")), Ok(vec!["Signed".to_owned()]));
    assert_eq!(
        aql(&text.replace("Status", "State")),
        Ok(vec!["SignatureState".to_owned(), "SignatureState=Invalid".to_owned(), "SignatureState=Revoked".to_owned()])
    );
    assert_eq!(aql(&text.replace("'Revoked'", "'revoked'")), Ok(vec!["SignatureStatus=revoked".to_owned()]));
    assert_eq!(
        aql(&text.replace("IN (", "LIKE (")),
        Ok(vec!["function LIKE".to_owned()]).and(Err("function LIKE".to_owned()))
    );
    assert_eq!(aql("SELECT 'Signer'").unwrap_err(), "\"Signer\" is compared with nothing");
    assert_eq!(aql("SELECT \"Signer").unwrap_err(), "a quote without an end: \"Signer");

    // Every language: each name of each query, and each value that it compares with, one letter different.
    let outputs = Outputs::get();
    for language in &LANGUAGES {
        let mut cache: Vec<(Input, Vec<Event>)> = Vec::new();
        for content in contents(language) {
            if !cache.iter().any(|(input, _)| *input == content.input) {
                cache.push((content.input, outputs.events(content.input, language.folder)));
            }
            let events = &cache.iter().find(|(input, _)| *input == content.input).unwrap().1;
            for field in &content.query.fields {
                let mut fields = content.query.fields.clone();
                fields.iter_mut().filter(|name| *name == field).for_each(|name| name.push('x'));
                let query = Query { fields, ..Query::default() };
                assert_eq!(unknown(&query, events), [format!("{field}x")], "{}", content.name);
            }
            for condition in &content.query.conditions {
                let Wanted::One(values) = &condition.values else { continue };
                let mut condition = condition.clone();
                condition.values = Wanted::One(vec![format!("{}x", values[0])]);
                let count = condition.fields.len();
                let query = Query { conditions: vec![condition], ..Query::default() };
                assert_eq!(unknown(&query, events).len(), count, "{}", content.name);
            }
        }
    }
}

#[test]
fn the_tokenizers_read_names_comparisons_and_nothing_else() {
    let read = |extension: &str, text: &str| {
        let language = LANGUAGES.iter().find(|language| language.extension == extension).unwrap();
        let query = language.read(text).unwrap();
        let one = |Condition { fields, values }: &Condition| format!("{} {values:?}", fields.join("|"));
        let conditions: Vec<String> = query.conditions.iter().map(one).collect();
        (query.source, query.fields.join(" "), conditions.join("; "))
    };
    let told =
        |source: &str, fields: &str, conditions: &str| (source.to_owned(), fields.to_owned(), conditions.to_owned());
    assert_eq!(
        read(
            "aql",
            "SELECT DATEFORMAT(t, 'yyyy') AS 'T' FROM events WHERE (\"a\" IS NOT NULL OR \"b\" IS NOT NULL) AND \"c\" IS NULL LAST 2 HOURS"
        ),
        told("", "t a b c", "a|b Any; c None")
    );
    assert_eq!(
        read(
            "cql",
            "#k=\"v\" | in(field=a.b, values=[\"x\", \"y\"]) | n := coalesce([c, d]) | n=* n!=\"\" | select([e, n]) | concatArray(\"l\", separator=\" \", as=m) | groupBy([m])"
        ),
        told("", "#k a.b c d e l", "#k One([\"v\"]); a.b One([\"x\", \"y\"]); c|d Any; c|d Any")
    );
    assert_eq!(
        read(
            "esql",
            "FROM logs-x-*\n| WHERE a == \"x\" AND b IN (\"y\", \"z\")\n| EVAL n = COALESCE(c, d)\n| WHERE n IS NOT NULL\n| KEEP e, n"
        ),
        told("logs-x-*", "a b c d e", "a One([\"x\"]); b One([\"y\", \"z\"]); c|d Any")
    );
    assert_eq!(
        read("kuery", "a : \"x\" and b : (\"y\" or \"z\") and (c : * or d : *) and e : true"),
        told("", "a b c d e", "a One([\"x\"]); b One([\"y\", \"z\"]); c|d Any; e One([\"true\"])")
    );
    assert_eq!(
        read(
            "spl",
            "a=\"x\" b IN (\"y\", \"z\") c=*\n| eval n=coalesce('d.e', 'f')\n| where isnotnull(n)\n| rename \"l{}\" AS m\n| stats count, values(g) AS h BY m, n | sort 0 - h"
        ),
        told("", "a b c d.e f l{} g", "a One([\"x\"]); b One([\"y\", \"z\"]); c Any; d.e|f Any")
    );
    assert_eq!(
        read(
            "kql",
            "T_CL\n| where t > ago(1d)\n| extend n = tostring(a.b), m = c\n| where n in (\"x\", \"y\") and d == 7\n| where isnotempty(m)\n| project n, o = e"
        ),
        told("T_CL", "t a.b c d e", "a.b One([\"x\", \"y\"]); d One([\"7\"]); c Any")
    );
}

/// The columns that the Kusto queries are checked against are those that events have.
#[test]
fn tables_have_the_columns_of_events() {
    let text = fs::read_to_string(root("detections/sentinel/tables.json")).unwrap();
    let tables: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    assert_eq!(names, ["SigscanDetection_CL", "SigscanFileCertificateInfo_CL", "SigscanImageLoad_CL"]);
    // Computed with --hashes all, told by 4688 and 1 alone, and where a program was renamed.
    let elsewhere = ["SHA1", "renamed"];
    let inputs: [&[Input]; 3] = [&[Input::Events], &[Input::Mde], &[Input::Enrich, Input::EnrichSysmon]];
    for (inputs, columns) in inputs.iter().zip(tables.values()) {
        let events: Vec<Event> = inputs.iter().flat_map(|input| Outputs::get().events(*input, "sentinel")).collect();
        for (column, kind) in columns {
            let below = format!("{column}.");
            let seen = |event: &Event| {
                event
                    .iter()
                    .find(|(name, _)| *name == column || (kind == "dynamic" && name.starts_with(&below)))
                    .map(|it| it.1.clone())
            };
            let values: Vec<String> = events.iter().filter_map(seen).collect();
            assert!(!values.is_empty() || elsewhere.contains(&column.as_str()), "{column}");
            let fits = |value: &String| match kind.as_str() {
                "bool" => matches!(value.as_str(), "true" | "false"),
                "int" | "long" => value.parse::<i64>().is_ok(),
                "datetime" => value.starts_with("20"),
                "string" | "dynamic" => true,
                other => panic!("type {other}"),
            };
            assert!(values.iter().all(fits), "{column}: {kind}, {values:?}");
        }
    }
}

/// Names that a Sigma rule selects by, without their modifiers, and those that it shows. The rules are written in one
/// shape: a name a line, eight blanks deep, in `detection`, and a list in `fields`.
fn sigma_fields(rule: &str) -> Vec<String> {
    let (mut part, mut found) = ("", Vec::new());
    for line in rule.lines() {
        match line.split_once(':') {
            Some((name, _)) if !line.starts_with(' ') => part = name,
            Some((name, _))
                if part == "detection" && line.starts_with("        ") && !line.starts_with("         ") =>
            {
                found.push(name.trim().split('|').next().unwrap().to_owned());
            }
            _ => {}
        }
        if part == "fields" {
            found.extend(line.strip_prefix("    - ").map(str::to_owned));
        }
    }
    found
}

#[test]
fn sigma_rules_name_what_the_program_writes() {
    let mut count = 0;
    for entry in fs::read_dir(root("detections/sigma")).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_str().unwrap().starts_with("sigscan_") {
            continue;
        }
        let rule = fs::read_to_string(&path).unwrap();
        let service = rule.lines().find_map(|line| line.strip_prefix("    service: ")).unwrap();
        let events = Outputs::get().of_sigma(service);
        let fields = sigma_fields(&rule);
        assert!(fields.len() >= 4, "{path:?} {fields:?}");
        for field in fields {
            assert!(known(&events, &field), "{path:?} names {field}");
        }
        count += 1;
    }
    assert_eq!(count, 9);
}

/// Every file has its row in the table of `detections/README.md`, and every row its file.
#[test]
fn the_table_of_contents_names_every_file() {
    let table = fs::read_to_string(root("detections/README.md")).unwrap();
    let mut files = BTreeSet::new();
    for language in &LANGUAGES {
        files.extend(contents(language).into_iter().map(|content| content.name));
    }
    for entry in fs::read_dir(root("detections/sigma")).unwrap() {
        files.insert(format!("sigma/{}", entry.unwrap().file_name().to_str().unwrap()));
    }
    let linked = table.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    let linked: BTreeSet<String> = linked.filter(|path| !path.starts_with("..")).map(str::to_owned).collect();
    assert_eq!(linked, files);
}

/// Codes of findings among the values that a query compares with.
fn codes_in(query: &Query) -> BTreeSet<&'static str> {
    let one = |value: &String| Some(sigscan::hunt::row(value.strip_prefix("SIG-").unwrap_or(value))?.code);
    let of = |condition: &'_ Condition| match &condition.values {
        Wanted::One(values) => values.iter().filter_map(one).collect::<Vec<_>>(),
        Wanted::Any | Wanted::None => Vec::new(),
    };
    query.conditions.iter().flat_map(of).collect()
}

/// Nobody is told of a finding that no query asks for: by its code, or by its severity if it is high. What is left out
/// says why (`tests/detections/left-out.tsv`), and what is found after all must not be there. All languages, Sigma
/// included, ask for the same codes.
#[test]
fn every_finding_is_asked_for_or_left_out_with_a_reason() {
    let text = fs::read_to_string(root("tests/detections/left-out.tsv")).unwrap();
    let rows: Vec<(&str, &str)> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap()).collect();
    assert!(rows.iter().all(|(_, reason)| reason.len() > 20), "a reason, in words");
    let left_out: BTreeSet<&str> = rows.iter().map(|(code, _)| *code).collect();
    let mut asked = Vec::new();
    for language in &LANGUAGES {
        let queries = contents(language);
        let codes: BTreeSet<&str> = queries.iter().flat_map(|content| codes_in(&content.query)).collect();
        asked.push((language.extension, codes));
    }
    let quoted = |rule: String| {
        let detection = rule.split_once("\ndetection:").unwrap().1.split_once("\nfields:").unwrap().0.to_owned();
        let words: Vec<&str> = detection.split('\'').collect();
        words.into_iter().filter_map(|word| Some(sigscan::hunt::row(word)?.code)).collect::<Vec<_>>()
    };
    let rules = fs::read_dir(root("detections/sigma")).unwrap().map(|entry| entry.unwrap().path());
    asked.push(("sigma", rules.flat_map(|path| quoted(fs::read_to_string(path).unwrap())).collect()));
    for (language, codes) in &asked {
        assert_eq!(codes, &asked[0].1, "{language} asks for other codes than {}", asked[0].0);
        for row in sigscan::hunt::rows() {
            // That files have something in common is a question of its own, whatever the severity.
            let by_severity = row.code.starts_with('S') && row.severity >= sigscan::record::Severity::High;
            let told = codes.contains(row.code) || by_severity;
            assert!(told != left_out.contains(row.code), "{language}: {} {}", row.code, row.title);
        }
    }
    let known: BTreeSet<&str> = sigscan::hunt::rows().map(|row| row.code).collect();
    assert!(left_out.is_subset(&known), "{left_out:?}");
}

/// Where queries look is where their heads say that the input is.
#[test]
fn sources_and_techniques_are_those_of_the_heads() {
    for language in &LANGUAGES {
        for Content { name, topic, head, query, .. } in contents(language) {
            let place = query.source.replace('*', "");
            assert!(head["Input"].contains(&place), "{name} looks into {place}");
            let (table, _) = head["Technique"].split_once(',').unwrap_or((&head["Technique"], ""));
            assert!(table.starts_with('T'), "{name}");
            let codes = match topic.as_str() {
                "copied-signature" => vec!["X201", "X202", "X203", "X204", "X205", "X206", "X208", "X209"],
                "listed-signer" => vec!["S122"],
                "baseline-change" => vec!["S131", "S132", "S133", "S134"],
                _ => continue,
            };
            let rows = sigscan::hunt::rows().filter(|row| codes.contains(&row.code));
            let attack: BTreeSet<&str> = rows.flat_map(|row| row.attack.iter().copied()).collect();
            assert_eq!(head["Technique"].split(", ").collect::<BTreeSet<&str>>(), attack, "{name}");
        }
    }
}
