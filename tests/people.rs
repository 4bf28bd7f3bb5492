//! What people read, word for word: stories, the table and the summary of a handful of fixtures.
//!
//! `SIGSCAN_BLESS=1 cargo test --test people` writes the expected texts anew; read the difference before committing.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use sigscan::cli::story::{StoryOptions, story};
use sigscan::cli::style::Style;
use sigscan::cli::summary::{Summary, SummaryOptions};
use sigscan::cli::table::{Table, TableOptions};
use sigscan::output::Output;
use sigscan::scan::Tally;
use sigscan::{Options, Record, Scanner, Time, trust};

/// One of each kind that a person meets.
const STORIES: [&str; 14] = [
    "bytes-after-table-signed.exe",
    "expired-token-untrusted.exe",
    "file-sha3.exe",
    "length-7.exe",
    "lifetime-expired.exe",
    "missing-intermediate.exe",
    "nested-broken.exe",
    "no-certificates.exe",
    "pages-wrong.exe",
    "self-signed.exe",
    "tampered-untrusted-expired.exe",
    "token-wrong-imprint.exe",
    "two-tokens.exe",
    "unsigned-pe64.exe",
];

/// Rows of the table, with one file of most statuses.
const ROWS: [&str; 8] = [
    "expired.exe",
    "file-sha3.exe",
    "missing-intermediate.exe",
    "pe64.exe",
    "self-signed.exe",
    "tampered-section.exe",
    "token-wrong-imprint.exe",
    "unsigned-pe64.exe",
];

fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path)
}

fn scanner() -> Scanner {
    let trust = trust::load_paths(&[testdata("pki/root.pem"), testdata("pki/tsa-root.pem")]).unwrap();
    Scanner::with_trust(Options::at(Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()), trust)
}

fn record(scanner: &Scanner, name: &str) -> Record {
    scanner.scan_bytes(&format!("fixtures/{name}"), &fs::read(testdata("fixtures").join(name)).unwrap())
}

/// Compares with, or writes, a file below `testdata/snapshots/`.
fn check(name: &str, text: &str) {
    let path = testdata("snapshots").join(name);
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} is another text now:\n{text}\nexpected:\n{expected}");
}

#[test]
fn stories_read_as_they_should() {
    let scanner = scanner();
    for name in STORIES {
        let options = StoryOptions { width: 80, colour: false };
        check(&format!("story-{name}.txt"), &story(&record(&scanner, name), &options));
    }
    let options = StoryOptions { width: 44, colour: false };
    check("story-narrow.txt", &story(&record(&scanner, "self-signed.exe"), &options));
}

/// What nobody signed is no part of what a signature proves, whatever else is wrong with it.
#[test]
fn stories_leave_out_what_nobody_signed() {
    let scanner = scanner();
    let told = |name: &str, length: u64| {
        let mut value = serde_json::to_value(record(&scanner, name)).unwrap();
        let finding = serde_json::json!({ "code": "S106", "title": "x", "severity": "high", "confidence": "proof", "attack": [],
            "evidence": { "length": length }, "related": [] });
        value["findings"] = serde_json::json!([finding]);
        story(&serde_json::from_value(value).unwrap(), &StoryOptions::default())
    };
    let expired = told("expired.exe", 1234);
    assert!(expired.contains("that moment is now. Nobody signed 1,234 bytes of it (see Findings).\n"), "{expired}");
    let own = told("self-signed.exe", 1);
    assert!(own.contains(" unchanged since. Nobody signed 1 byte of it (see Findings).\n"), "{own}");
    assert!(own.contains("the key signed these bytes, except 1 byte that nobody signed, but nobody trusted"), "{own}");
    let valid = told("pe64.exe", 16);
    assert!(valid.contains("that were signed, except 16 bytes that nobody signed (see Findings), and"), "{valid}");
    for (name, length) in [("expired.exe", 0), ("tampered-section.exe", 16)] {
        assert!(!told(name, length).contains("obody signed"), "{name}");
    }
}

#[test]
fn stories_tell_of_revocation() {
    let options = StoryOptions { width: 80, colour: false };
    let crls = |names: &[&str]| {
        let paths: Vec<PathBuf> = names.iter().map(|name| testdata("crl").join(name)).collect();
        trust::RevocationLists::load(&paths).unwrap()
    };
    let cases = [
        ("revoked", "revocable.exe", crls(&["root.pem", "leaf-before.crl"])),
        ("revoked-later", "revocable-token.exe", crls(&["root.pem", "leaf-after.crl", "tsa.crl"])),
        ("revocation-stale", "revocable.exe", crls(&["root.pem", "stale-silent.crl"])),
    ];
    for (name, file, lists) in cases {
        let scanner = scanner().with_revocation(lists);
        check(&format!("story-{name}.txt"), &story(&record(&scanner, file), &options));
    }
}

#[test]
fn colours_add_nothing_but_colours() {
    let scanner = scanner();
    for name in STORIES {
        let record = record(&scanner, name);
        let plain = story(&record, &StoryOptions { width: 80, colour: false });
        let coloured = story(&record, &StoryOptions { width: 80, colour: true });
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "{name}");
        assert_ne!(coloured, plain);
    }
}

/// Drivers, judged with the fixtures' stand-ins for the kernel's roots.
#[test]
fn stories_of_drivers_read_as_they_should() {
    for (name, flags) in [("driver-cross-late.sys", &["--policy", "kernel"][..]), ("driver-nested.sys", &[])] {
        let scanner = program::scanner(&["root", "tsa-root", "kernel-root"], "2026-06-01T00:00:00Z", flags);
        let text = story(&record(&scanner, name), &StoryOptions { width: 80, colour: false });
        check(&format!("story-{name}.txt"), &text);
    }
}

#[test]
fn tables_read_as_they_should() {
    let scanner = scanner();
    for width in [0, 40, 60, 80, 120] {
        let (mut out, mut notes, mut summary) = (Vec::new(), Vec::new(), Summary::default());
        let mut tally = Tally::default();
        let options = TableOptions { width, style: Style { colour: false }, ..TableOptions::default() };
        let mut table = Table::new(&mut out, &mut notes, options);
        for name in ROWS {
            let record = record(&scanner, name);
            tally.bytes += record.size.unwrap_or(0);
            table.record(&record).unwrap();
            summary.add(&record);
        }
        table.finish(&tally).unwrap();
        drop(table);
        let end = summary.render(&tally, &SummaryOptions { width, ..SummaryOptions::default() });
        let text = [String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap(), end].concat();
        check(&format!("table-{width}.txt"), &text);
    }
}

#[test]
fn hostile_names_reach_no_terminal() {
    let mut record = record(&scanner(), "tampered-untrusted-expired.exe");
    let evil = "\u{1b}[2J\u{202e}\u{200b}\n";
    let mut value = serde_json::to_value(&record).unwrap();
    let policy = value["policy"].take(); // its names are ours
    poison(&mut value, evil);
    value["policy"] = policy;
    record = serde_json::from_value(value).unwrap();
    for width in [0, 30, 80] {
        let text = story(&record, &StoryOptions { width, colour: false });
        let hidden: Vec<char> = text.chars().filter(|c| *c != '\n' && sigscan::output::escape::is_hidden(*c)).collect();
        assert!(hidden.is_empty(), "{hidden:?}\n{text}");
        assert!(text.contains("\\x1b[2J"));
    }
}

/// Puts text into every string that the file under examination controls, and into some that it does not.
fn poison(value: &mut serde_json::Value, evil: &str) {
    const FREE: [&str; 16] = [
        "path",
        "subject",
        "common_name",
        "organization",
        "issuer",
        "serial",
        "program_name",
        "more_info",
        "company",
        "product",
        "description",
        "original_filename",
        "file_version",
        "message",
        "key",
        "name",
    ];
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value {
                    serde_json::Value::String(text) if FREE.contains(&key.as_str()) => text.push_str(evil),
                    value => poison(value, evil),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|value| poison(value, evil)),
        _ => {}
    }
}
