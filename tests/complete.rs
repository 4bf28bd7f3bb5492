//! A run that did not look at everything that it was given says so, by its exit code, its summary or its records.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
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
