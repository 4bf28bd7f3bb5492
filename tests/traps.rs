//! Every correctness trap that this project knows of has a test or a fixture, and `tests/traps.tsv` says which.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Traps that may be without a test, because what they are about is not built yet or is no PE file.
const WAITING: [&str; 8] = ["T64", "T68", "T69", "T80", "T81", "T82", "T84", "T86"];

/// (id, names, remark) of each row.
fn rows() -> Vec<(String, Vec<String>, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traps.tsv");
    let text = fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let [id, names, remark] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        (id.to_string(), names.split(' ').map(String::from).collect(), remark.to_string())
    };
    text.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

/// The text of every Rust file below a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}

#[test]
fn every_trap_has_a_row() {
    let known: BTreeSet<String> = rows().into_iter().map(|(id, ..)| id).collect();
    for number in (1..=16).chain(20..=39).chain(50..=70).chain(80..=86) {
        assert!(known.contains(&format!("T{number}")), "T{number} has no row");
    }
}

#[test]
fn every_named_test_and_fixture_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = sources(&root.join("src")) + &sources(&root.join("tests"));
    let fixtures: BTreeMap<&str, &str> =
        lab::catalogue::all().iter().map(|fixture| (fixture.name, fixture.traps)).collect();
    for (id, names, remark) in rows() {
        assert!(!remark.is_empty(), "{id} says nothing");
        for name in names {
            if name == "-" {
                assert!(WAITING.contains(&id.as_str()), "{id} is covered by nothing");
            } else if name.contains('.') {
                let traps = fixtures.get(name.as_str()).unwrap_or_else(|| panic!("{id}: there is no fixture {name}"));
                assert!(traps.split(' ').any(|trap| trap == id), "{name} does not claim to cover {id}");
            } else {
                assert!(text.contains(&format!("fn {name}(")), "{id}: there is no test {name}");
            }
        }
    }
}

#[test]
fn every_claim_of_a_fixture_is_listed() {
    let rows = rows();
    for fixture in lab::catalogue::all() {
        for trap in fixture.traps.split_whitespace() {
            let row = rows.iter().find(|(id, ..)| id == trap).unwrap_or_else(|| panic!("{trap} has no row"));
            assert!(row.1.iter().any(|name| name == fixture.name), "{trap} does not name {}", fixture.name);
        }
    }
}
