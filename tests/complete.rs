//! A run that did not look at everything that it was given says so, by its exit code, its summary or its records.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs;
use std::io::Write;
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

#[test]
fn folders_that_are_left_out_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["out/deep/a.exe", "in/out/b.exe", "in/c.exe"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, fixture("pe32.exe")).unwrap();
    }
    let summary = |pattern: &str| {
        let output = judging(&["--exclude", pattern]).arg(folder.path()).output().unwrap();
        let text = said(&output);
        text.lines().find(|line| line.contains("Not judged")).map(str::to_owned)
    };
    assert_eq!(summary("out").as_deref(), Some("  Not judged: 2 folders excluded"));
    assert_eq!(summary("in/out").as_deref(), Some("  Not judged: 1 folder excluded"));
    assert_eq!(summary("nothing"), None);
}

/// The record of what comes through a pipe.
fn piped(arguments: &[&str], octets: &[u8]) -> Value {
    let mut command = judging(&["--json", "--quiet", "-"]);
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // It need not read everything.
    let _ = child.stdin.take().unwrap().write_all(octets);
    records(&child.wait_with_output().unwrap()).remove(0)
}

#[test]
fn standard_input_is_taken_up_to_the_limit() {
    let octets = fixture("pe32.exe");
    let verdict = |record: &Value| format!("{}/{}", record["status"], record["reason"]).replace('"', "");
    let whole = piped(&["--max-size", &octets.len().to_string()], &octets);
    assert_eq!((verdict(&whole).as_str(), &whole["size"]), ("Valid/ok", &Value::from(octets.len())));
    let cut = piped(&["--max-size", &(octets.len() - 1).to_string()], &octets);
    let words = format!("there are more bytes than the limit of {}", octets.len() - 1);
    assert_eq!((verdict(&cut).as_str(), &cut["size"]), ("Error/limit", &Value::Null));
    assert_eq!(cut["error"]["message"], Value::from(words));
}

/// What never ends is left at the limit.
#[cfg(unix)]
#[test]
fn standard_input_without_end_ends_at_the_limit() {
    let mut zeros = Command::new("cat").arg("/dev/zero").stdout(Stdio::piped()).spawn().unwrap();
    let mut command = judging(&["--json", "--quiet", "-", "--max-size", "100000"]);
    let output = command.stdin(zeros.stdout.take().unwrap()).output().unwrap();
    zeros.kill().unwrap();
    zeros.wait().unwrap();
    let record = &records(&output)[0];
    assert_eq!((&record["reason"], &record["path"]), (&Value::from("limit"), &Value::from("-")));
}

#[test]
fn standard_input_is_compared_with_the_baseline() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tool.exe"), fixture("pe32.exe")).unwrap();
    let known = folder.path().join("known.jsonl");
    let mut build = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    build.args(["baseline", "build", "--at", "2026-06-01", "--quiet", "--trust-store"]).arg(testdata("pki/root.pem"));
    let output = build.arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    fs::write(&known, output.stdout).unwrap();
    let codes = |record: &Value| -> Vec<String> {
        let findings = record["findings"].as_array().into_iter().flatten();
        let codes = findings.map(|finding| finding["code"].as_str().unwrap().to_owned());
        codes.filter(|code| ("S131"..="S134").contains(&code.as_str())).collect()
    };
    let arguments = ["--baseline", known.to_str().unwrap()];
    // Its version resource says that it is the product, and the signer is another.
    assert_eq!(codes(&piped(&arguments, &fixture("self-signed.exe"))), ["S131"]);
    assert_eq!(codes(&piped(&arguments, &fixture("pe32.exe"))), [""; 0]);
}
