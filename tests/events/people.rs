//! What people read of detections, word for word.
//!
//! `SIGSCAN_BLESS=1 cargo test --test events` writes the expected text anew; read the difference before committing.

use std::fs;

use serde_json::{Value, json};
use sigscan::cli::detection::{EventCounts, shown, summary};
use sigscan::enrich::events::{Detection, DetectionType, FileCounts};

use super::join::{Drive, UNAVAILABLE, hash, load};
use super::{attack, detections, events, root};

fn check(name: &str, text: &str) {
    let path = root("testdata/snapshots").join(name);
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} is another text now:\n{text}\nexpected:\n{expected}");
}

fn read(found: &[Value]) -> String {
    let detection = |found: &Value| serde_json::from_value::<Detection>(found.clone()).unwrap();
    found.iter().map(|found| shown(&detection(found))).collect()
}

#[test]
fn the_published_tests_read_as_they_should() {
    let drive = Drive::with(&attack::FILES);
    let place = drive.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let roots = ["root", "tsa-root"].map(|name| root(&format!("testdata/pki/{name}.pem")).to_str().unwrap().to_owned());
    let output = events(&[
        "attack.evtx",
        "--root",
        &place,
        "--at",
        "2026-06-01",
        "--trust-store",
        &roots[0],
        "--trust-store",
        &roots[1],
    ]);
    let text = read(&detections(&output)) + &String::from_utf8(output.stderr).unwrap();
    check("events-attack.txt", &text.replace(&place, "/mnt/c"));
}

/// Where the event and the file do not agree, or only one of them speaks.
#[test]
fn doubts_read_as_they_should() {
    let drive = Drive::new();
    let copied = hash("scenarios/t1036.001-test-2/copied.exe").join(",");
    let temp = r"C:\Users\alice\AppData\Local\Temp";
    let says = |status| ["true", "Example Tools GmbH", status];
    let lines = [
        load(&format!(r"{temp}\copied.exe"), &copied, says("Valid")),
        load(&format!(r"{temp}\gone.exe"), &copied, says("Expired")),
        load(&format!(r"{temp}\source.exe"), &copied, says("Revoked")),
        load(r"C:\Tools\revocable.exe", &hash("fixtures/revocable.exe")[0], says("Revoked")),
        load(&format!(r"{temp}\copied.exe"), "", UNAVAILABLE),
    ];
    let (found, _) = drive.found(&lines, &[]);
    let place = drive.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let source = found[0]["event"]["source"].as_str().unwrap().to_owned();
    check("events-doubts.txt", &read(&found).replace(&place, "/mnt/c").replace(&source, "events.jsonl"));
}

#[test]
fn the_summary_counts_in_words() {
    let named = FileCounts { judged: 1234, changed: 1, missing: 2, not_judged: 3, held: 4, expired_since: 5 };
    let counts = EventCounts {
        files: 2,
        events: 1_000_000,
        unread: 7,
        cut: 6,
        damaged: 1,
        excluded: 8,
        hidden: 9,
        found: [(DetectionType::SigntoolSigning, 2), (DetectionType::InvalidCodeSignature, 1)].into(),
        named: Some(named),
    };
    let expected = "1,000,000 events in 2 files, 3 detections, 1 InvalidCodeSignature, 2 SigntoolSigning, 8 excluded, \
        9 milder, 7 not read, 6 not completely read, 1 chunk of event logs damaged\n\
        events that name files: 1,234 judged, 1 another file now, 2 not found, 3 not judged, \
        4 called broken by the event and sound, 5 expired since\n";
    assert_eq!(summary(&counts), expected);
}

/// Whatever stands in an event, nothing in it gives orders to a terminal or pretends to be another line.
#[test]
fn nothing_in_an_event_reaches_a_terminal() {
    let evil = "a\u{1b}[2J\u{202e}\nHIGH     forged\u{9b}b";
    let line = json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 1, "Hostname": evil, "UtcTime": evil,
        "Image": format!("C:\\{evil}\\signtool.exe"), "CommandLine": format!("signtool sign {evil}"), "User": evil,
        "ParentImage": evil });
    let log = tempfile::NamedTempFile::new().unwrap();
    let load = load(&format!("C:\\{evil}"), "", ["true", evil, "Revoked"]);
    fs::write(log.path(), format!("{line}\n{load}\n")).unwrap();
    let text = read(&detections(&events(&["-q", log.path().to_str().unwrap()])));
    assert_eq!(text.matches("\\x1b[2J").count(), text.matches("forged").count());
    assert!(text.matches("forged").count() >= 7, "{text}");
    let hidden = |c: &char| *c != '\n' && sigscan::output::escape::is_hidden(*c);
    assert_eq!(text.chars().filter(hidden).collect::<String>(), "");
    assert!(text.lines().all(|line| !line.starts_with("HIGH     forged")));
}
