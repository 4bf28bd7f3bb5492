//! Records leave for a file: whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn testdata(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name).to_str().unwrap().to_owned()
}

fn sigscan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sigscan")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn names(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_file_holds_what_standard_output_would() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    let name = path.to_str().unwrap();
    let scan = [&testdata("pki"), &testdata("fixtures/pe32.exe"), "--at", "2026-06-01", "--quiet"];
    for (format, option) in [("jsonl", None), ("jsonl", Some("jsonl")), ("json", Some("json")), ("csv", Some("csv"))] {
        let shown = sigscan(&[&scan[..], &["--format", format]].concat());
        let option: Vec<&str> = option.map_or(Vec::new(), |format| vec!["--format", format]);
        let written = sigscan(&[&scan[..], &["--output", name], &option].concat());
        assert_eq!((written.status.code(), said(&written)), (Some(0), String::new()));
        assert!(written.stdout.is_empty());
        assert_eq!(fs::read(&path).unwrap(), shown.stdout, "{format}");
        assert_eq!(names(folder.path()), [path.as_path()]);
    }
    let hunted = sigscan(&[&["hunt"][..], &scan, &["--output", name]].concat());
    assert_eq!(hunted.status.code(), Some(0));
    assert_eq!(fs::read(&path).unwrap(), sigscan(&[&scan[..], &["--json"]].concat()).stdout);
}

#[test]
fn a_file_that_cannot_be_written_is_a_failure_before_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let file = testdata("fixtures/pe32.exe");
    let output = sigscan(&[&file, "--output", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).ends_with("exists and is no regular file\n"), "{}", said(&output));
    let path = folder.path().join("records.jsonl");
    fs::write(&path, "old").unwrap();
    let output = sigscan(&[&file, "--output", path.to_str().unwrap(), "--format", "table"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(said(&output), "sigscan: --output needs a format for programs: --format FORMAT\n");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), [path]);
}

/// A name that was mistyped is no empty spool.
#[test]
fn a_spool_that_is_not_there_is_not_made_to_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spol");
    let output = sigscan(&["send", "--spool", spool.to_str().unwrap(), "--send", "http://127.0.0.1:9/"]);
    let why = format!("sigscan: --spool {}: no folder: a scan with --spool makes one\n", spool.display());
    assert_eq!((output.status.code(), said(&output)), (Some(2), why));
    assert!(!spool.exists());
}
