//! Detections in the formats of SIEMs: printed, written to a file, and what is refused.

use std::fs;

use serde_json::Value;

use super::{detections, events};

fn printed(arguments: &[&str]) -> String {
    let output = events(&[&["--quiet", "test1.xml"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn detections_leave_in_the_formats_of_findings() {
    let found = detections(&events(&["--quiet", "test1.xml"]));
    assert_eq!(found.len(), 4);
    for format in ["jsonl", "leef", "cef", "splunk-hec", "logscale", "ecs", "ocsf"] {
        assert_eq!(printed(&["--format", format]).lines().count(), 4, "{format}");
    }
    assert_eq!(printed(&["--format", "jsonl"]), printed(&["--json"]));
    let array: Vec<Value> = serde_json::from_str(&printed(&["--format", "json"])).unwrap();
    assert_eq!(array, found);
    let leef = printed(&["--format", "leef"]);
    assert!(leef.lines().all(|line| line.starts_with("LEEF:2.0|sigscan|sigscan|")), "{leef}");
    assert!(leef.contains("|SIG-SigntoolSigning|x09|cat=CodeSignature\t"), "{leef}");
    // Those that are hidden or left out are so in every format.
    assert_eq!(printed(&["--format", "cef", "--exclude", "type=SigntoolSigning"]).lines().count(), 3);
    assert_eq!(printed(&["--format", "cef", "--min-severity", "critical"]), "");
    assert_eq!(printed(&["--format", "json", "--min-severity", "critical"]), "[]\n");
}

#[test]
fn a_file_of_detections_appears_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("detections.leef");
    let name = path.to_str().unwrap();
    assert_eq!(printed(&["--format", "leef", "--output", name]), "");
    let leef = printed(&["--format", "leef"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), leef);
    // Without a format it is JSON Lines; a log that cannot be read leaves the others their detections.
    let output = events(&["--quiet", "test1.xml", "gone.evtx", "--output", name]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&path).unwrap(), printed(&["--json"]));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["detections.leef"]);
}

#[test]
fn the_machine_is_the_events_or_else_the_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    let load = r#"{"EventID":7,"Provider":"Microsoft-Windows-Sysmon","EventData":{"ImageLoaded":"C:\\a.dll","Signed":"true","Signature":"x","SignatureStatus":"Revoked"}HOST}"#;
    fs::write(&log, load.replace("HOST", "") + "\n" + &load.replace("HOST", r#","Hostname":"WS9""#) + "\n").unwrap();
    let name = log.to_str().unwrap();
    let hosts = |arguments: &[&str]| -> Vec<Value> {
        detections(&events(&[&["--quiet", name], arguments].concat()))
            .iter()
            .map(|found| found["event"]["host"].clone())
            .collect()
    };
    assert_eq!(hosts(&[]), [Value::Null, "WS9".into()]);
    assert_eq!(hosts(&["--host", "PC-1"]), ["PC-1", "WS9"]);
    assert_eq!(hosts(&["--host", "PC-1", "--exclude-host", "PC-*"]), ["WS9"]);
}

#[test]
fn what_events_cannot_do_is_refused() {
    let refused = |arguments: &[&str], why: &str| {
        let output = events(&[&["test1.xml"], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    };
    refused(&["--jobs", "2"], "--jobs: events are read one after the other");
    for format in ["csv", "lookup", "sysmon", "sarif", "mde", "table"] {
        refused(&["--format", format], "invalid value");
    }
    refused(&["--json", "--format", "leef"], "cannot be used with");
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let send = ["--send", "http://127.0.0.1:9/", "--spool", spool.to_str().unwrap(), "--format", "json"];
    refused(&send, "--send takes formats of lines that stand alone, and json is none");
}
