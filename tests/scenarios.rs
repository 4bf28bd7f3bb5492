//! What tools of attackers leave behind, a folder each, and that a scan of the folder finds exactly what it must.
//!
//! `SIGSCAN_BLESS=1 cargo test --test scenarios` writes the files, and the output shown in `docs/tools.md`, anew. It cannot
//! change the expectations: `testdata/scenarios.tsv` and `scenarios-shared.tsv` are written by hand.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use lab::scenarios::Scenario;
use serde_json::Value;

static SCENARIOS: LazyLock<Vec<Scenario>> = LazyLock::new(lab::scenarios::all);

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn blessing() -> bool {
    std::env::var_os("SIGSCAN_BLESS").is_some()
}

/// Standard output of the program at the fixtures' moment, under the fixtures' roots, in this repository's root.
fn sigscan(words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.current_dir(root("")).args(words).stdin(Stdio::null()).env_remove("NO_COLOR");
    command.args(["--quiet", "--at", lab::catalogue::AT]);
    for pem in ["testdata/pki/root.pem", "testdata/pki/tsa-root.pem"] {
        command.args(["--trust-store", pem]);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn folder(scenario: &str) -> String {
    format!("testdata/scenarios/{scenario}")
}

/// Rows of a checked-in table, without its heading and without the columns from `columns` on.
fn rows(name: &str, columns: usize) -> Vec<String> {
    let text = fs::read_to_string(root("testdata").join(name)).unwrap();
    let cut = |line: &str| line.split('\t').take(columns).collect::<Vec<_>>().join("\t");
    text.lines().skip(1).map(cut).collect()
}

#[test]
fn the_files_are_what_the_generator_makes() {
    let mut known = BTreeSet::new();
    let mut stale = Vec::new();
    let mut total = 0;
    for scenario in SCENARIOS.iter() {
        for (file, bytes) in &scenario.files {
            let name = format!("{}/{file}", folder(scenario.name));
            total += bytes.len();
            if fs::read(root(&name)).ok().as_ref() != Some(bytes) {
                if blessing() {
                    fs::create_dir_all(root(&folder(scenario.name))).unwrap();
                    fs::write(root(&name), bytes).unwrap();
                } else {
                    stale.push(name.clone());
                }
            }
            assert!(known.insert(name), "two files share a name");
        }
    }
    assert_eq!(stale, [""; 0], "SIGSCAN_BLESS=1 writes them anew");
    assert!(total < 300_000, "{total} bytes");
    for folder in fs::read_dir(root("testdata/scenarios")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(root("")).unwrap().to_str().unwrap().to_owned();
            assert!(known.contains(&name), "{name} is no longer made: remove it");
        }
    }
}

/// Text of a member of a JSON object; nothing where it is null.
fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

#[test]
fn each_folder_is_judged_and_found_as_its_tables_say() {
    let (mut files, mut shared) = (Vec::new(), Vec::new());
    for scenario in SCENARIOS.iter() {
        let prefix = format!("{}/", folder(scenario.name));
        let output = sigscan(&["--json", &folder(scenario.name)]).replace(&prefix, "");
        for line in output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let columns = if line["schema"] == "sigscan.record/1" {
                let found = line["findings"].as_array().unwrap().iter();
                let found: Vec<_> = found.map(|f| format!("{} {}", text(f, "code"), text(f, "severity"))).collect();
                files.push(
                    [text(&line, "path"), text(&line, "status"), text(&line, "reason"), found.join(", ")].join("\t"),
                );
                files.last_mut().unwrap()
            } else {
                let members: Vec<&str> = line["members"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
                shared.push(
                    [text(&line, "code"), text(&line, "severity"), members.join(", "), text(&line, "donor")].join("\t"),
                );
                shared.last_mut().unwrap()
            };
            *columns = format!("{}\t{columns}", scenario.name);
        }
    }
    assert_eq!(differences(&rows("scenarios.tsv", 5), &files), [""; 0]);
    assert_eq!(differences(&rows("scenarios-shared.tsv", 5), &shared), [""; 0]);
}

/// What one table has and the other has not; and their order, if that is all.
fn differences(wanted: &[String], got: &[String]) -> Vec<String> {
    let missing = wanted.iter().filter(|row| !got.contains(row)).map(|row| format!("must be: {row}"));
    let unexpected = got.iter().filter(|row| !wanted.contains(row)).map(|row| format!("is:      {row}"));
    let found: Vec<String> = missing.chain(unexpected).collect();
    if found.is_empty() && wanted != got { vec!["the rows are in another order".to_owned()] } else { found }
}

/// Options that a reader needs to see the same output.
const SHOWN: &str =
    "--at 2026-06-01T00:00:00Z --trust-store testdata/pki/root.pem --trust-store testdata/pki/tsa-root.pem";

/// Both tables for a reader, a heading for each tool's folder.
fn table_for_readers() -> String {
    let mut out = String::from("| folder | file | status | findings | what it is |\n|---|---|---|---|---|\n");
    let mut last = String::new();
    for row in rows("scenarios.tsv", 6) {
        let [scenario, file, status, reason, findings, about] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}: not six columns");
        };
        let name = if scenario == last { String::new() } else { format!("`{scenario}`") };
        let findings = if findings.is_empty() { "none" } else { findings };
        out += &format!("| {name} | `{file}` | {status}, `{reason}` | {findings} | {about} |\n");
        last = scenario.to_owned();
    }
    out += "\n| folder | files together | members | donor |\n|---|---|---|---|\n";
    for row in rows("scenarios-shared.tsv", 5) {
        let [scenario, code, severity, members, donor] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{row}: not five columns");
        };
        let donor = if donor.is_empty() { "not there".to_owned() } else { format!("`{donor}`") };
        out += &format!("| `{scenario}` | {code} {severity} | {members} | {donor} |\n");
    }
    out
}

/// The text between a comment `<!-- NAME -->` and `<!-- end -->` of a page, made anew.
#[test]
fn the_page_of_tools_shows_what_the_program_says() {
    let path = root("docs/tools.md");
    let page = fs::read_to_string(&path).unwrap();
    let mut made = String::new();
    let mut blocks = 0;
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once("<!-- ") {
        let (name, block) = after.split_once(" -->\n").unwrap();
        let (_, behind) = block.split_once("<!-- end -->").unwrap();
        let text = match name.strip_prefix("hunt ") {
            Some(scenario) => {
                let words = ["hunt", &folder(scenario)];
                format!("```text\n$ sigscan {} {SHOWN}\n{}```\n", words.join(" "), sigscan(&words))
            }
            None => table_for_readers(),
        };
        made += &format!("{before}<!-- {name} -->\n{text}<!-- end -->");
        blocks += 1;
        rest = behind;
    }
    made += rest;
    assert_eq!(blocks, 4);
    if blessing() && made != page {
        fs::write(&path, &made).unwrap();
    } else {
        assert!(made == page, "docs/tools.md is stale: SIGSCAN_BLESS=1 writes its blocks anew");
    }
}
