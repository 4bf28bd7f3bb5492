//! Files that verdicts alone do not tell from honest ones, and what is found in each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
#![allow(dead_code)]

#[path = "lab/mod.rs"]
mod lab;

use std::path::Path;
use std::process::Command;

use lab::hunted::tricks;
use serde_json::Value;

#[test]
fn each_trick_has_its_findings() {
    let folder = tempfile::tempdir().unwrap();
    let tricks = tricks();
    let mut scan = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    scan.args(["--json", "--no-correlate", "--quiet", "--at", lab::catalogue::AT]);
    for pem in ["root.pem", "tsa-root.pem"] {
        scan.arg("--trust-store").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pki").join(pem));
    }
    for trick in &tricks {
        let path = folder.path().join(trick.name);
        std::fs::write(&path, (trick.build)()).unwrap();
        scan.arg(path);
    }
    let output = scan.output().unwrap();
    let records: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(records.len(), tricks.len());
    for (record, trick) in records.iter().zip(&tricks) {
        let found = record["findings"].as_array().unwrap().iter();
        let found: Vec<_> = found.map(|f| (f["code"].as_str().unwrap(), f["severity"].as_str().unwrap())).collect();
        let got = (record["status"].as_str().unwrap(), found);
        assert_eq!(got, (trick.status, trick.findings.to_vec()), "{}: {}", trick.name, trick.about);
    }
    // What a vendor's tag says is told.
    let tag = |name: &str| {
        let record = records.iter().find(|record| record["path"].as_str().unwrap().ends_with(name)).unwrap();
        record["findings"][0]["evidence"]["known_tag"].clone()
    };
    assert_eq!(tag("certificate-tag.exe"), "Omaha: appguid={8A69}&ap=x64");
    assert_eq!(tag("attribute-tag.exe"), "Dropbox: DBPREAUTH::chrome::eJyrVkos");
    assert_eq!(tag("padding-tag.exe"), "Omaha: appguid={8A69}");
    assert_eq!(tag("certificate-cargo.exe"), Value::Null);
}

#[test]
fn a_donor_that_a_catalog_lists_is_named_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let fixture = |name: &str| std::fs::read(testdata.join("fixtures").join(name)).unwrap();
    let graft = lab::pe::graft(&fixture("listed-signed.exe"), &fixture("unsigned-pe64.exe"));
    let path = folder.path().join("graft.exe");
    std::fs::write(&path, graft).unwrap();
    let evidence = |catalogs: &[&str]| {
        let mut scan = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        scan.args(["--json", "--no-correlate", "--quiet", "--at", lab::catalogue::AT]);
        for pem in ["root.pem", "tsa-root.pem"] {
            scan.arg("--trust-store").arg(testdata.join("pki").join(pem));
        }
        for catalog in catalogs {
            scan.arg("--catalog").arg(testdata.join("fixtures").join(catalog));
        }
        let record: Value = serde_json::from_slice(&scan.arg(&path).output().unwrap().stdout).unwrap();
        assert_eq!((&record["status"], &record["reason"]), (&"Invalid".into(), &"bad-digest".into()));
        let finding = record["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "S101").unwrap();
        let evidence = &finding["evidence"];
        let words = |key: &str| evidence.get(key).and_then(Value::as_str).map(str::to_owned);
        (words("donor_catalog"), words("donor_catalog_status"))
    };
    assert_eq!(evidence(&[]), (None, None));
    assert_eq!(evidence(&["catalog-v1.cat"]), (None, None), "it lists others");
    let (catalog, status) = evidence(&["catalog-v1.cat", "catalog-v2.cat"]);
    assert!(catalog.unwrap().ends_with("testdata/fixtures/catalog-v2.cat"));
    assert_eq!(status.as_deref(), Some("Valid"));
}
