//! A run that did not look at everything that it was given says so, by its exit code, its summary or its records.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(testdata("fixtures").join(name)).unwrap()
}

fn judging(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(["--at", "2026-06-01T00:00:00Z", "--trust-store"]).arg(testdata("pki/root.pem"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn records(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Exit code and words of a program whose output nobody reads.
fn unread(command: &mut Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    (output.status.code(), said(&output))
}

const GONE: &str = "sigscan: --fail-on: the reader of the output went away before everything was judged\n";

#[test]
fn who_asked_for_an_exit_code_gets_it_whether_or_not_the_output_is_read() {
    let scan = |name: &str, arguments: &[&str]| {
        unread(judging(&["--quiet"]).args(arguments).arg(testdata("fixtures").join(name)))
    };
    let quiet = String::new();
    assert_eq!(scan("thief.exe", &["--json", "--fail-on", "invalid"]), (Some(1), quiet.clone()));
    assert_eq!(scan("pe32.exe", &["--json", "--fail-on", "invalid"]), (Some(2), GONE.to_owned()));
    assert_eq!(scan("thief.exe", &["--json"]), (Some(0), quiet.clone()));
    // A table is written when everything is judged.
    assert_eq!(scan("thief.exe", &["--format", "table", "--fail-on", "invalid"]), (Some(1), quiet.clone()));
    assert_eq!(scan("pe32.exe", &["--format", "table", "--fail-on", "invalid"]), (Some(0), quiet.clone()));

    let events = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.args(["events", "--quiet"]).arg(testdata("events/test1.xml")).args(arguments).stdin(Stdio::null());
        unread(&mut command)
    };
    assert_eq!(events(&["--fail-on", "low"]), (Some(1), quiet.clone()));
    assert_eq!(events(&["--fail-on", "critical"]), (Some(2), GONE.to_owned()));
    assert_eq!(events(&[]), (Some(0), quiet));
}

/// Paths of the records of a list.
fn listed(list: &[u8], folder: &Path) -> Vec<(String, String)> {
    let path = folder.join("list");
    fs::write(&path, list).unwrap();
    let output = judging(&["--json", "--no-correlate", "--quiet", "--files-from"]).arg(path).output().unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let name = |record: &Value| word(&record["path"]).rsplit('/').next().unwrap().to_owned();
    records(&output).iter().map(|record| (name(record), word(&record["status"]))).collect()
}

#[cfg(unix)]
#[test]
fn a_name_in_a_list_is_the_name_of_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let named = |name: &str| format!("{}/{name}", folder.path().display());
    fs::write(named("good.exe"), fixture("pe32.exe")).unwrap();
    let line = named("good.exe\r\n");
    let (with, without) = ("good.exe\r".to_owned(), "good.exe".to_owned());
    assert_eq!(listed(line.as_bytes(), folder.path()), [(without, "Valid".to_owned())]);
    fs::write(named("good.exe\r"), fixture("thief.exe")).unwrap();
    assert_eq!(listed(line.as_bytes(), folder.path()), [(with, "Invalid".to_owned())]);
    let gone = named("gone.exe\r\n\r\n\n");
    assert_eq!(listed(gone.as_bytes(), folder.path()), [("gone.exe\r".to_owned(), "Error".to_owned())]);
}

#[test]
fn a_list_of_names_beyond_1_gib_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    fs::File::create(&list).unwrap().set_len((1 << 30) + 1).unwrap();
    let output = judging(&["--json", "--files-from"]).arg(&list).output().unwrap();
    let words = format!("sigscan: --files-from {}: the list is longer than 1073741824 bytes\n", list.display());
    assert_eq!((output.status.code(), output.stdout.len(), said(&output)), (Some(2), 0, words));
}
