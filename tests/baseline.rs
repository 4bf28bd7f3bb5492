//! `sigscan baseline build` and `--baseline`: what a known-good folder held, and what another holds otherwise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn run(words: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(words).args(["--at", "2026-06-01T00:00:00Z", "--quiet"]).stdin(Stdio::null());
    for pem in ["testdata/pki/root.pem", "testdata/pki/tsa-root.pem"] {
        command.arg("--trust-store").arg(root(pem));
    }
    command.args(paths).output().unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (fixture, name) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(root("testdata/fixtures").join(fixture), path).unwrap();
    }
    folder
}

fn lines(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
        .stdout
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Findings of the baseline by the file's name.
fn found(words: &[&str], path: &Path) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for record in lines(&run(words, &[path])) {
        let name = record["path"].as_str().unwrap_or("").rsplit('/').next().unwrap().to_owned();
        for finding in record["findings"].as_array().into_iter().flatten() {
            let code = finding["code"].as_str().unwrap();
            if ("S131"..="S134").contains(&code) {
                found.push((name.clone(), code.to_owned(), finding["severity"].as_str().unwrap().to_owned()));
            }
        }
    }
    found
}

fn expected(list: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    list.iter().map(|(name, code, severity)| ((*name).to_owned(), (*code).to_owned(), (*severity).to_owned())).collect()
}

#[test]
fn a_baseline_is_one_line_a_file_in_the_order_of_paths() {
    let good = folder(&[("pe32.exe", "bin/tool.exe"), ("unsigned-pe32.exe", "a.exe")]);
    let first = run(&["baseline", "build"], &[good.path()]);
    let known = lines(&first);
    let short: Vec<_> = known.iter().map(|line| (&line["path"], &line["status"], &line["signer"])).collect();
    let signer = json!("Sigscan Fixtures");
    assert_eq!(
        short,
        [(&json!("a.exe"), &json!("Unsigned"), &Value::Null), (&json!("bin/tool.exe"), &json!("Valid"), &signer)]
    );
    let generated = Command::new(env!("CARGO_BIN_EXE_sigscan")).args(["generate", "baseline-schema"]).output().unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_slice(&generated.stdout).unwrap()).unwrap();
    for line in &known {
        assert_eq!(line["schema"], "sigscan.baseline/1");
        assert!(validator.is_valid(line), "{line}");
    }
    // Elsewhere and again: the same bytes; and with --output the same in the file.
    let copy = folder(&[("pe32.exe", "bin/tool.exe"), ("unsigned-pe32.exe", "a.exe")]);
    assert_eq!(run(&["baseline", "build", "--jobs", "2"], &[copy.path()]).stdout, first.stdout);
    let file = good.path().with_extension("jsonl");
    let output = run(&["baseline", "build", "--output", file.to_str().unwrap()], &[copy.path()]);
    assert_eq!((output.status.code(), output.stdout), (Some(0), Vec::new()));
    assert_eq!(fs::read(&file).unwrap(), first.stdout);
    fs::remove_file(file).unwrap();
}

#[test]
fn what_is_otherwise_than_in_the_baseline_is_found() {
    let good = folder(&[
        ("pe32.exe", "bin/same.exe"),
        ("pe32.exe", "bin/stripped.exe"),
        ("pe32.exe", "bin/updated.exe"),
        ("pe32.exe", "bin/grafted.exe"),
        ("unsigned-pe32.exe", "plain.exe"),
    ]);
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("known.jsonl");
    fs::write(&file, run(&["baseline", "build"], &[good.path()]).stdout).unwrap();
    let words = ["--json", "--no-correlate", "--baseline", file.to_str().unwrap()];
    assert_eq!(found(&words, good.path()), []);
    // Case and place of the folder do not matter; a file that was not there before is none of the baseline's business.
    let other = folder(&[
        ("pe32.exe", "BIN/Same.exe"),
        ("unsigned-pe32.exe", "bin/stripped.exe"),
        ("pe64.exe", "bin/updated.exe"),
        ("thief.exe", "bin/grafted.exe"),
        ("unsigned-pe32.exe", "bin/new.exe"),
        ("unsigned-pe64.exe", "plain.exe"),
        ("self-signed.exe", "unknown.exe"),
    ]);
    let differing = [
        ("grafted.exe", "S134", "high"),
        ("stripped.exe", "S133", "high"),
        ("updated.exe", "S134", "info"),
        ("plain.exe", "S134", "medium"),
        // Its version resource says that it is the product, and the signer is another.
        ("unknown.exe", "S131", "high"),
    ];
    assert_eq!(found(&words, other.path()), expected(&differing));
    // Without digests of unsigned files nothing is said of them but that they are unsigned.
    let bare = [&words[..], &["--hashes", "none"]].concat();
    let without = differing.into_iter().filter(|(name, ..)| *name != "plain.exe").collect::<Vec<_>>();
    assert_eq!(found(&bare, other.path()), expected(&without));
    assert_eq!(found(&[&words[..], &["--no-findings"]].concat(), other.path()), []);
    // A file that is named by itself lies below no folder.
    assert_eq!(found(&words, &other.path().join("bin/stripped.exe")), []);
}

/// One product and one publisher of a baseline that somebody wrote, with paths that mean harm.
#[test]
fn signers_and_issuers_that_are_not_in_the_baseline_are_found() {
    let record = &lines(&run(&["--json", "--no-correlate"], &[&root("testdata/fixtures/pe64.exe")]))[0];
    let (company, product) = (&record["version_info"]["company"], &record["version_info"]["product"]);
    let line = |path: &str, signer: &str, issuer: &str| {
        json!({"schema": "sigscan.baseline/1", "path": path, "status": "Valid", "signer": signer, "issuer": issuer,
            "company": company, "product": product, "authentihash": {}})
        .to_string()
    };
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("known.jsonl");
    let words = ["--json", "--no-correlate", "--baseline", file.to_str().unwrap()];
    let found = |text: String| {
        fs::write(&file, text).unwrap();
        found(&words, &root("testdata/fixtures/pe64.exe"))
    };
    let own = record["signer"]["issuer"].as_str().unwrap();
    assert_eq!(found(line("../../etc/passwd\n\u{1b}[31m", "SIGSCAN FIXTURES, Inc.", own)), []);
    assert_eq!(found(line("", "Somebody Else", own)), expected(&[("pe64.exe", "S131", "medium")]));
    assert_eq!(found(line("\\\\?\\C:\\", "Sigscan Fixtures", "CN=Other")), expected(&[("pe64.exe", "S132", "low")]));
    let both = [
        line("a", "Somebody Else", own),
        line("b", "Sigscan Fixtures", "CN=Other"),
        line("c", "Sigscan Fixtures", own),
    ];
    assert_eq!(found(both.join("\n")), []);
}

/// Anybody can write an issuer's name into a certificate.
#[test]
fn an_issuer_of_the_baseline_is_one_where_a_root_stands_behind_it() {
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("known.jsonl");
    for (name, expected_severity) in
        [("pe32.exe", None), ("missing-intermediate.exe", Some("medium")), ("untrusted-root.exe", Some("high"))]
    {
        let path = root("testdata/fixtures").join(name);
        let record = &lines(&run(&["--json", "--no-correlate"], &[&path]))[0];
        let signer = &record["signer"];
        let line = json!({"schema": "sigscan.baseline/1", "path": "a", "status": "Valid",
            "signer": signer["organization"], "issuer": signer["issuer"], "company": null, "product": null,
            "authentihash": {}});
        fs::write(&file, line.to_string()).unwrap();
        let words = ["--json", "--no-correlate", "--baseline", file.to_str().unwrap()];
        let told: Vec<(&str, &str, &str)> =
            expected_severity.map(|severity| (name, "S132", severity)).into_iter().collect();
        assert_eq!(found(&words, &path), expected(&told));
    }
}

#[test]
fn wrong_usage_is_refused() {
    let file = root("testdata/fixtures/pe32.exe");
    let refused = |words: &[&str], path: &Path| {
        let output = run(words, &[path]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["baseline", "build"], &file).ends_with("pe32.exe: not a folder\n"));
    assert!(refused(&["baseline", "build", "--json"], &root("testdata/pki")).contains("has one format"));
    let message = refused(&["--json", "--baseline", file.to_str().unwrap()], &file);
    assert!(message.contains("--baseline") && message.contains("line 1: "), "{message}");
}
