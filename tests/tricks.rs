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

use lab::ca::{AUTHORITY_KEY_ID, Cert, Crl, aki, crl_number, crl_reason};
use lab::cast::{authority, inter_name, publisher, publisher_name, self_signed};
use lab::cms::Signature;
use lab::hunted::tricks;
use lab::keys::Key;
use lab::pe::{Pe, sign};
use lab::revoked::LEAF;
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
    assert_eq!(tag("padding-tag-no-text.exe"), Value::Null);
    // A further entry that cannot be read is odd, too, and the whole of it is told.
    let told = |name: &str| {
        let record = records.iter().find(|record| record["path"].as_str().unwrap().ends_with(name)).unwrap();
        let odd = record["anomalies"].as_array().unwrap().iter().map(|anomaly| anomaly["code"].clone());
        let evidence = &record["findings"][0]["evidence"];
        (evidence["length"].clone(), evidence["unreadable_entry"].clone(), odd.collect::<Vec<Value>>())
    };
    assert_eq!(told("further-entry-dense.exe").0, 2048);
    assert_eq!(told("further-entry-dense.exe").1, true);
    assert_eq!(told("further-entry-dense.exe").2, ["data-in-padding", "entry-unreadable"]);
    assert_eq!(told("further-entry-der.exe"), (2056.into(), true.into(), vec!["entry-unreadable".into()]));
    assert_eq!(told("further-entry-zeros.exe"), (Value::Null, Value::Null, vec!["entry-unreadable".into()]));
    assert_eq!(told("padding-tag.exe"), (64.into(), Value::Null, vec!["data-in-padding".into()]));
}

/// One content in two files is a variant, and worse where one of them hides something.
#[test]
fn what_only_begins_like_a_tag_is_hidden_in_a_variant() {
    let built = |name: &str| (tricks().iter().find(|trick| trick.name == name).unwrap().build)();
    let genuine = ("genuine.exe", sign(&Pe::pe32().bytes(), &Signature::default()));
    let pair = |name: &str| shared(&[genuine.clone(), ("variant.exe", built(name))]);
    assert_eq!(pair("padding-tag.exe"), ["X207 info genuine.exe,variant.exe <- ?"]);
    assert_eq!(pair("padding-tag-no-text.exe"), ["X207 high genuine.exe,variant.exe <- ?"]);
    assert_eq!(pair("further-entry-dense.exe"), ["X207 high genuine.exe,variant.exe <- ?"]);
}

/// Codes, severities, members and donors of what these files share, whether scanned, or correlated from their records, or
/// from the keys of these.
fn shared(files: &[(&str, Vec<u8>)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in files {
        std::fs::write(folder.path().join(name), file).unwrap();
    }
    let mut scan = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    scan.args(["--json", "--quiet", "--at", lab::catalogue::AT]).arg(folder.path());
    for pem in ["root.pem", "tsa-root.pem"] {
        scan.arg("--trust-store").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pki").join(pem));
    }
    let scanned = scan.output().unwrap().stdout;
    let correlated = |lines: &[u8]| {
        let path = folder.path().join("lines");
        std::fs::write(&path, lines).unwrap();
        Command::new(env!("CARGO_BIN_EXE_sigscan")).arg("correlate").arg(path).output().unwrap().stdout
    };
    let found = |lines: &[u8]| -> Vec<String> {
        let short = String::from_utf8_lossy(lines).replace(&format!("{}/", folder.path().display()), "");
        let lines = short.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let text = |line: Value| {
            let members: Vec<&str> =
                line["members"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
            let word = |name: &str| line[name].as_str().unwrap_or("?").to_owned();
            format!("{} {} {} <- {}", word("code"), word("severity"), members.join(","), word("donor"))
        };
        lines.filter(|line| line["schema"] == "sigscan.finding/1").map(text).collect()
    };
    let keys = correlated(&scanned);
    assert_eq!(found(&keys), found(&scanned));
    assert_eq!(found(&correlated(&keys)), found(&scanned));
    found(&scanned)
}

/// Whoever founds an authority can make lists with it: a clone is no original for being revoked by its own maker, or for
/// a key that is too short.
#[test]
fn a_clone_that_is_revoked_by_its_own_authority_is_a_clone() {
    let genuine = sign(&Pe::pe32().bytes(), &Signature::default());
    let issuer = authority(inter_name(), Key::CloneInter, 9);
    let ends_at = aki(&Key::CloneInter.id());
    let clone = |key: Key, serial: &[u8]| {
        let cert = Cert { serial: serial.to_vec(), ..publisher(key) };
        cert.without(AUTHORITY_KEY_ID).by(&inter_name(), Key::CloneInter).with(ends_at.clone())
    };
    let signed = |cert: Cert, key: Key, revoked: bool| {
        let list = Crl::by(inter_name(), Key::CloneInter).with(ends_at.clone()).with(crl_number(1));
        let list = list.lists(&cert.serial, "20250101000000Z", &[crl_reason(1)]);
        let crls = if revoked { vec![list.der()] } else { Vec::new() };
        let certs = vec![cert.der(), issuer.der()];
        sign(&Pe::pe64().bytes(), &Signature { certs, crls, ..Signature::with(cert.der(), key) })
    };
    let pair = |clone: Vec<u8>| shared(&[("genuine.exe", genuine.clone()), ("aaa.exe", clone)]);
    let expected = [
        "X204 critical aaa.exe,genuine.exe <- genuine.exe",
        "X205 medium aaa.exe <- genuine.exe",
        "X208 high aaa.exe,genuine.exe <- genuine.exe",
    ];
    assert_eq!(pair(signed(clone(Key::CloneLeaf, &LEAF), Key::CloneLeaf, false)), expected);
    assert_eq!(pair(signed(clone(Key::CloneLeaf, &LEAF), Key::CloneLeaf, true)), expected);
    assert_eq!(pair(signed(clone(Key::Rsa512, &LEAF), Key::Rsa512, false)), expected);
    assert_eq!(pair(signed(clone(Key::Rsa512, &LEAF), Key::Rsa512, true)), expected);
    // Its key makes nothing else that it signed genuine.
    let own = self_signed(publisher_name());
    let own = Signature { certs: vec![own.der()], ..Signature::with(own.der(), Key::Other) };
    let files = [
        ("genuine.exe", genuine.clone()),
        ("own.exe", sign(&Pe::pe64().bytes(), &own)),
        ("revoked.exe", signed(clone(Key::Other, &[7]), Key::Other, true)),
    ];
    let expected = [
        "X205 critical own.exe,revoked.exe <- genuine.exe",
        "X208 high genuine.exe,own.exe,revoked.exe <- genuine.exe",
    ];
    assert_eq!(shared(&files), expected);
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
