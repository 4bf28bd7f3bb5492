//! The checked-in fixtures are what the generator makes, and the program judges them as the catalogue says.
//!
//! `SIGSCAN_BLESS=1 cargo test --test fixtures` writes fixtures and records anew. It cannot change what the catalogue
//! demands of the records: status, reasons and facts are written there by hand.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    sync::LazyLock,
};

use lab::catalogue::{Fixture, Verdict};
use program::{scanner, testdata};
use serde_json::Value;

/// Every generated file by its path below `testdata/`: the table, certificates, and at the end the fixtures.
static GENERATED: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut files = vec![("expected.tsv".to_string(), lab::catalogue::table().into_bytes())];
    files.extend(lab::cast::trusted().into_iter().map(|(stem, der)| (format!("pki/{stem}.pem"), lab::der::pem(&der))));
    let delegates = lab::revoked::delegates().into_iter();
    files.extend(delegates.map(|(stem, der)| (format!("intermediates/{stem}.pem"), lab::der::pem(&der))));
    files.extend(lab::revoked::crls().into_iter().map(|(name, bytes)| (format!("crl/{name}"), bytes)));
    files.extend(lab::revoked::responses().into_iter().map(|(name, bytes)| (format!("ocsp/{name}"), bytes)));
    files.extend(
        lab::cast::kernel_roots().into_iter().map(|(stem, der)| (format!("kernel/{stem}.pem"), lab::der::pem(&der))),
    );
    files.extend(lab::cast::disallowed().into_iter().map(|(name, bytes)| (format!("disallowed/{name}"), bytes)));
    let served = lab::catalogue::online::served();
    files.extend(served.into_iter().map(|(name, der)| (format!("online/{name}"), der)));
    files.extend(lab::catalogue::all().into_iter().map(|fixture| {
        let bytes = (fixture.build)();
        (format!("fixtures/{}", fixture.name), bytes)
    }));
    files
});

fn blessing() -> bool {
    std::env::var_os("SIGSCAN_BLESS").is_some()
}

/// Writes the files when blessing, else names those that are not on disk as they should be.
fn stale(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    let mut stale = Vec::new();
    for (name, bytes) in files {
        let path = testdata().join(name);
        if fs::read(&path).ok().as_ref() == Some(bytes) {
            continue; // never rewritten: the tests beside this one may be reading it
        }
        if blessing() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
        } else {
            stale.push(name.as_str());
        }
    }
    stale
}

#[test]
fn fixtures_are_what_the_generator_makes() {
    let files = &*GENERATED;
    assert_eq!(stale(files), [""; 0], "differ from what the generator makes");
    let known: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known.len(), files.len(), "two fixtures share a name");
    for folder in ["crl", "disallowed", "fixtures", "intermediates", "kernel", "ocsp", "pki"] {
        for file in fs::read_dir(testdata().join(folder)).unwrap() {
            let name = format!("{folder}/{}", file.unwrap().file_name().to_str().unwrap());
            let record = name.ends_with(".json");
            assert!(record || known.contains(name.as_str()), "{name} is no longer generated: remove it");
        }
    }
}

#[test]
fn fixtures_stay_small() {
    let total: usize = GENERATED.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total < 1_500_000, "{total} bytes of fixtures");
}

/// `NAME.json` under default options, else the options in the name: `expired.exe.at-2022-06-01.json`.
fn record_name(fixture: &Fixture, verdict: &Verdict) -> String {
    let mut variant = String::new();
    if verdict.at != lab::catalogue::AT {
        variant += &format!(".at-{}", &verdict.at[..10]);
    }
    if !verdict.flags.is_empty() {
        variant += &format!(".{}", verdict.flags.join("-").trim_start_matches('-'));
    }
    format!("fixtures/{}{variant}.json", fixture.name)
}

/// What the record says otherwise than the catalogue. `null` in the catalogue is an absent member, too.
fn contradictions(record: &Value, verdict: &Verdict, facts: &[(&str, String)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |what: &str, wanted: &str, got: &str| {
        if wanted != got {
            found.push(format!("{what}: must be {wanted}, is {got}"));
        }
    };
    expect("status", verdict.status, record["status"].as_str().unwrap());
    expect("reason", verdict.reason, record["reason"].as_str().unwrap());
    if let Some(others) = verdict.others {
        let got: Vec<&str> = record["other_reasons"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
        expect("other_reasons", &others.join(","), &got.join(","));
    }
    expect("revocation", verdict.revocation, record["revocation"].as_str().unwrap());
    for (pointer, wanted) in facts.iter().chain(&verdict.facts) {
        let got = match record.pointer(pointer) {
            None => "null".to_string(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        expect(pointer, wanted, &got);
    }
    found
}

#[test]
fn fixtures_are_judged_as_the_catalogue_says() {
    let bytes_of: HashMap<&str, &[u8]> = GENERATED.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let mut records = Vec::new();
    let mut wrong = Vec::new();
    for fixture in lab::catalogue::all() {
        let bytes = bytes_of[format!("fixtures/{}", fixture.name).as_str()];
        for (index, verdict) in fixture.verdicts.iter().enumerate() {
            let record = scanner(fixture.roots, verdict.at, verdict.flags).scan_bytes(fixture.name, bytes);
            let facts = if index == 0 { &fixture.facts[..] } else { &[] };
            let name = record_name(&fixture, verdict);
            let said = contradictions(&serde_json::to_value(&record).unwrap(), verdict, facts);
            wrong.extend(said.into_iter().map(|line| format!("{name}: {line}")));
            records.push((name, (serde_json::to_string_pretty(&record).unwrap() + "\n").into_bytes()));
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(stale(&records), [""; 0], "records differ from the checked-in ones");
    let known: BTreeSet<&str> = records.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known.len(), records.len(), "two records share a name");
    for file in fs::read_dir(testdata().join("fixtures")).unwrap() {
        let name = format!("fixtures/{}", file.unwrap().file_name().to_str().unwrap());
        assert!(!name.ends_with(".json") || known.contains(name.as_str()), "{name} is no longer made: remove it");
    }
}
