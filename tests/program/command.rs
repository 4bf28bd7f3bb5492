//! The program as its users ask it: a file and options on the command line, the record on standard output.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::testdata;

/// The record that the program writes of a file, judged with these options under the fixtures' roots. It runs in the folder, where
/// the file is written.
pub fn judged(folder: &Path, file: &[u8], options: &[&str]) -> Value {
    let path = folder.join("file");
    std::fs::write(&path, file).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command
        .current_dir(folder)
        .arg(&path)
        .args(["--json", "--all", "--quiet", "--at", "2026-06-01T00:00:00Z"])
        .args(options);
    for stem in ["root", "tsa-root"] {
        command.arg("--trust-store").arg(testdata().join(format!("pki/{stem}.pem")));
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let first = text.lines().next().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(first).unwrap()
}

/// Its status and reason.
pub fn verdict(folder: &Path, file: &[u8], options: &[&str]) -> String {
    let record = judged(folder, file, options);
    format!("{}/{}", record["status"].as_str().unwrap(), record["reason"].as_str().unwrap())
}
