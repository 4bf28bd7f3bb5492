//! The checked-in fixtures are what the generator makes, and the program judges them as the catalogue says.
//!
//! `SIGSCAN_BLESS=1 cargo test --test fixtures` writes them anew.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "lab/mod.rs"]
mod lab;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Every generated file by its path below `testdata/`.
fn generated() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![("expected.tsv".to_string(), lab::catalogue::table().into_bytes())];
    files.extend(lab::cast::trusted().into_iter().map(|(stem, der)| (format!("pki/{stem}.pem"), lab::der::pem(&der))));
    files.extend(lab::catalogue::all().into_iter().map(|fixture| {
        let bytes = (fixture.build)();
        (format!("fixtures/{}", fixture.name), bytes)
    }));
    files
}

#[test]
fn fixtures_are_what_the_generator_makes() {
    let files = generated();
    let bless = std::env::var_os("SIGSCAN_BLESS").is_some();
    let mut stale = Vec::new();
    for (name, bytes) in &files {
        let path = testdata().join(name);
        if bless {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
        } else if fs::read(&path).ok().as_ref() != Some(bytes) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "differ from what the generator makes: {stale:?}");
    let known: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(known.len(), files.len(), "two fixtures share a name");
    for folder in ["fixtures", "pki"] {
        for file in fs::read_dir(testdata().join(folder)).unwrap() {
            let name = format!("{folder}/{}", file.unwrap().file_name().to_str().unwrap());
            let record = name.ends_with(".json");
            assert!(record || known.contains(name.as_str()), "{name} is no longer generated: remove it");
        }
    }
}

#[test]
fn fixtures_stay_small() {
    let total: usize = generated().iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(total < 1_500_000, "{total} bytes of fixtures");
}
