//! Where catalogs are looked for and which are believed to list a file: what a scanned folder holds is somebody else's.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use program::{scanner, testdata};
use serde_json::Value;
use sigscan::Record;
use sigscan::trust::CatalogIndex;

const AT: &str = "2026-06-01T00:00:00Z";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(testdata().join("fixtures").join(name)).unwrap()
}

/// What a record says of a file and of the catalogs.
fn said(record: &Record) -> (&'static str, String, Vec<String>) {
    let codes = record.anomalies.iter().map(|anomaly| anomaly.code.clone()).collect();
    (record.status.name(), record.catalog.clone(), codes)
}

fn sigscan(arguments: &[&str], path: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(["--at", AT, "--quiet", "--json", "--no-correlate", "--trust-store"]);
    command.arg(testdata().join("pki/root.pem")).args(arguments).arg(path);
    command.stdin(Stdio::null()).output().unwrap()
}

/// Status and catalog of the one program below a folder.
#[cfg(unix)]
fn program_below(arguments: &[&str], path: &Path) -> (String, String) {
    let text = String::from_utf8(sigscan(arguments, path).stdout).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let programs = records.filter(|record| word(&record["path"]).ends_with("x.exe"));
    let found: Vec<_> = programs.map(|record| (word(&record["status"]), word(&record["catalog"]))).collect();
    assert_eq!(found.len(), 1, "{text}");
    found.into_iter().next().unwrap()
}

/// A drive of which one folder on the way to the catalogs is a link to somewhere else.
#[cfg(unix)]
#[test]
fn no_link_leads_the_look_for_catalogs_out_of_what_is_scanned() {
    use std::os::unix::fs::symlink;
    let elsewhere = tempfile::tempdir().unwrap();
    let catroot = elsewhere.path().join("Windows/System32/CatRoot");
    fs::create_dir_all(&catroot).unwrap();
    fs::write(catroot.join("a.cat"), fixture("catalog-v2.cat")).unwrap();
    let (unsigned, unlisted) = ("Unsigned".to_owned(), "not-checked".to_owned());
    for linked in ["Windows", "Windows/System32", "Windows/System32/CatRoot"] {
        let drive = tempfile::tempdir().unwrap();
        fs::write(drive.path().join("x.exe"), fixture("listed-odd.exe")).unwrap();
        let link = drive.path().join(linked);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(elsewhere.path().join(linked), &link).unwrap();
        for sandbox in [&[][..], &["--no-sandbox"]] {
            let found = program_below(sandbox, drive.path());
            assert_eq!(found, (unsigned.clone(), unlisted.clone()), "{linked} {sandbox:?}");
            let catalog = drive.path().join("Windows/System32/CatRoot/a.cat").to_str().unwrap().to_owned();
            let followed = program_below(&[sandbox, &["--follow"]].concat(), drive.path());
            assert_eq!(followed, ("Valid".to_owned(), catalog), "{linked} {sandbox:?}");
        }
    }
    // A root that is named is looked into whatever it is.
    fs::write(elsewhere.path().join("x.exe"), fixture("listed-odd.exe")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("image");
    symlink(elsewhere.path(), &root).unwrap();
    let catalog = root.join("Windows/System32/CatRoot/a.cat").to_str().unwrap().to_owned();
    for sandbox in [&[][..], &["--no-sandbox"]] {
        assert_eq!(program_below(sandbox, &root), ("Valid".to_owned(), catalog.clone()), "{sandbox:?}");
    }
}

/// A catalog that is gone when a file asks for it may have been the one that lists the file.
#[test]
fn a_catalog_that_cannot_be_read_leaves_the_catalogs_unchecked() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.cat"), folder.path().join("two.cat"));
    for path in [&one, &other] {
        fs::write(path, fixture("catalog-v2.cat")).unwrap();
    }
    let judge = || {
        let index = CatalogIndex::load(&[folder.path().to_owned()], &[]).unwrap();
        scanner(&["root", "tsa-root"], AT, &[]).with_catalogs(index)
    };
    let (both, second) = (judge(), judge());
    fs::remove_file(&one).unwrap();
    let unreadable = "catalog-unreadable".to_owned();
    let record = second.scan_bytes("file", &fixture("listed-odd.exe"));
    assert_eq!(said(&record), ("Valid", other.to_str().unwrap().to_owned(), vec![unreadable.clone()]));
    fs::remove_file(&other).unwrap();
    let record = both.scan_bytes("file", &fixture("listed-odd.exe"));
    assert_eq!(said(&record), ("Unsigned", "not-checked".to_owned(), vec![unreadable.clone(), unreadable]));
    let mut unlisted = fixture("listed-odd.exe");
    *unlisted.last_mut().unwrap() ^= 1;
    let record = both.scan_bytes("file", &unlisted);
    assert_eq!(said(&record), ("Unsigned", "none".to_owned(), vec![]));
}

/// Zeros behind a catalog are none of it; of very many nobody waits for the end.
#[test]
fn what_follows_a_catalog_is_read_as_far_as_a_signature_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.cat");
    fs::write(&path, fixture("catalog-v2.cat")).unwrap();
    let length = fs::metadata(&path).unwrap().len();
    let file = fs::File::options().write(true).open(&path).unwrap();
    let (sound, zeros) = (("Valid", "ok"), "zeros-after-catalog");
    for (length, expected, code) in [
        (length, sound, None),
        (length + 8, sound, Some(zeros)),
        (16 << 20, sound, Some(zeros)),
        ((16 << 20) + 1, sound, Some(zeros)),
        ((16 << 20) + 2, ("Error", "limit"), None),
        (1 << 36, ("Error", "limit"), None),
    ] {
        file.set_len(length).unwrap();
        let text = String::from_utf8(sigscan(&["--hashes", "none"], &path).stdout).unwrap();
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((record["status"].as_str().unwrap(), record["reason"].as_str().unwrap()), expected, "{length}");
        assert_eq!(record["anomalies"][0]["code"].as_str(), code, "{length}");
    }
}

/// Decoys whose members begin as the digest of the program does are no candidates, however many they are.
#[test]
fn members_that_begin_as_a_digest_does_hide_no_catalog_that_lists_it() {
    let (program, catalog) = (fixture("listed-odd.exe"), fixture("catalog-v2.cat"));
    let alone = scanner(&["root", "tsa-root"], AT, &[]).with_catalogs(index(vec![catalog.clone()]));
    let sha256 = alone.scan_bytes("file", &program).authentihash["sha256"].clone();
    let digest: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&sha256[2 * at..2 * at + 2], 16).unwrap()).collect();
    let places: Vec<usize> = (0..catalog.len() - 32).filter(|at| catalog[*at..at + 32] == digest[..]).collect();
    assert!(!places.is_empty());
    let decoy = |number: u16| {
        let mut decoy = catalog.clone();
        for place in &places {
            decoy[place + 30..place + 32].copy_from_slice(&number.to_be_bytes());
        }
        decoy
    };
    let decoys: Vec<Vec<u8>> = (0..600).map(decoy).filter(|decoy| *decoy != catalog).collect();
    let judge = |catalogs| scanner(&["root", "tsa-root"], AT, &[]).with_catalogs(index(catalogs));
    let hidden = judge([decoys.clone(), vec![catalog.clone()]].concat());
    let last = format!("{:03}.cat", decoys.len());
    assert_eq!(said(&hidden.scan_bytes("file", &program)), ("Valid", last, vec![]));
    assert_eq!(said(&judge(decoys).scan_bytes("file", &program)), ("Unsigned", "none".to_owned(), vec![]));
}

/// Catalogs in memory, called by their numbers.
fn index(catalogs: Vec<Vec<u8>>) -> CatalogIndex {
    let named = catalogs.into_iter().enumerate().map(|(number, bytes)| (format!("{number:03}.cat").into(), bytes));
    CatalogIndex::from_bytes(named.collect())
}

/// What was indexed and lists the file no more is not counted, and no verdict is taken from it.
#[test]
fn catalogs_that_cannot_be_read_are_tried_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = |number: usize| folder.path().join(format!("{number:03}.cat"));
    for number in 0..257 {
        fs::write(path(number), fixture("catalog-v2.cat")).unwrap();
    }
    let named = [folder.path().to_owned()];
    let judge = scanner(&["root", "tsa-root"], AT, &[]).with_catalogs(CatalogIndex::load(&named, &[]).unwrap());
    (0..257).for_each(|number| fs::remove_file(path(number)).unwrap());
    let record = judge.scan_bytes("file", &fixture("listed-odd.exe"));
    let mut codes = vec!["catalog-unreadable".to_owned(); 256];
    codes.push("catalog-limit".to_owned());
    assert_eq!(said(&record), ("Unsigned", "not-checked".to_owned(), codes));
    // All but the last are other catalogs by now.
    (0..256).for_each(|number| fs::write(path(number), fixture("driver.cat")).unwrap());
    fs::write(path(256), fixture("catalog-v2.cat")).unwrap();
    let record = judge.scan_bytes("file", &fixture("listed-odd.exe"));
    let last = path(256).to_str().unwrap().to_owned();
    assert_eq!(said(&record), ("Valid", last, vec![]));
}
