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
use std::sync::{Arc, Mutex};

use lab::ca::*;
use lab::cast::{authority, inter_name, leaf, publisher, publisher_name, self_signed};
use lab::cms::{Signature, nested};
use lab::der::{Der, printable, utf8};
use lab::hunted::tricks;
use lab::keys::{Hash, Key};
use lab::pe::{Pe, attach, entry, padded, sign};
use lab::revoked::LEAF;
use lab::stamp::Token;
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

/// A name is the same in another string type, and an issuer by its common name.
#[test]
fn a_clone_is_found_whatever_its_names_are_written_in() {
    let genuine = sign(&Pe::pe32().bytes(), &Signature::default());
    let clone = |subject: &Der, issuer: &Der| {
        let mut cert = publisher(Key::Other).without(AUTHORITY_KEY_ID).by(issuer, Key::CloneInter);
        cert.subject = subject.clone();
        sign(&Pe::pe64().bytes(), &Signature { certs: vec![cert.der()], ..Signature::with(cert.der(), Key::Other) })
    };
    let written = |organization: &str, common_name: &str| {
        let (country, organization) = ((COUNTRY, printable("XX")), (ORGANIZATION, utf8(organization)));
        name(&[country, organization, (COMMON_NAME, utf8(common_name))])
    };
    let pair = |clone: Vec<u8>| shared(&[("genuine.exe", genuine.clone()), ("aaa.exe", clone)]);
    let number = "X204 critical aaa.exe,genuine.exe <- genuine.exe";
    let expected = [number, "X205 low aaa.exe <- genuine.exe", "X208 low aaa.exe,genuine.exe <- genuine.exe"];
    let issuer = written("SIGSCAN  Fixtures", "Fixture issuing CA");
    assert_eq!(pair(clone(&publisher_name(), &inter_name())), expected);
    assert_eq!(pair(clone(&written("Sigscan Fixtures ", "FIXTURE Publisher"), &issuer)), expected);
    // As LimeLighter writes it: of the issuer's name only the common name.
    let alone = |text: &str| name(&[(COMMON_NAME, utf8(text))]);
    let expected = [number, "X208 high aaa.exe,genuine.exe <- genuine.exe"];
    assert_eq!(pair(clone(&alone("Somebody"), &alone("Fixture Issuing CA"))), expected);
    assert_eq!(pair(clone(&alone("Somebody"), &alone("Another CA"))), expected[1..]);
}

/// Severity of a finding of this code in the record of a file.
fn severity_of(code: &str, file: &[u8], words: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.exe");
    std::fs::write(&path, file).unwrap();
    let mut scan = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    scan.args(["--json", "--no-correlate", "--quiet", "--at", lab::catalogue::AT]).args(words).arg(&path);
    for pem in ["root.pem", "tsa-root.pem"] {
        scan.arg("--trust-store").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pki").join(pem));
    }
    let record: Value = serde_json::from_slice(&scan.output().unwrap().stdout).unwrap();
    let found = record["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code)?;
    Some(found["severity"].as_str().unwrap().to_owned())
}

const STAMPED: &str = "20250301120000Z";

#[test]
fn the_worst_of_several_timestamps_is_told() {
    let forged = || Token { bend_imprint: |imprint| imprint[0] ^= 1, ..Token::at(STAMPED) };
    let stranger = || {
        let own = Cert::own(dn("Self Made Time"), Key::Tsa, &[0x77]).with(eku_critical(&[TIME_STAMPING]));
        Token::at(STAMPED).from(own.der())
    };
    let told = |tokens: Vec<Token>| {
        let signature = tokens.into_iter().fold(Signature::default(), |signed, token| signed.add(token.attribute()));
        severity_of("S118", &sign(&Pe::pe32().bytes(), &signature), &[])
    };
    assert_eq!(told(vec![stranger()]).as_deref(), Some("medium"));
    assert_eq!(told(vec![forged(), stranger()]).as_deref(), Some("high"));
    assert_eq!(told(vec![stranger(), forged()]).as_deref(), Some("high"));
    assert_eq!(told(vec![Token::at(STAMPED), forged()]).as_deref(), Some("medium"));
    assert_eq!(told(vec![Token::at(STAMPED)]), None);
}

/// A stolen timestamp is found behind one of the thief's own.
#[test]
fn a_timestamp_on_two_signatures_is_found_wherever_it_stands() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&taken);
    let honest = Token::at(STAMPED).attribute();
    let genuine = Signature::default().add(move |value| {
        let token = honest(value);
        *kept.lock().unwrap() = token.clone();
        token
    });
    let genuine = sign(&Pe::pe32().bytes(), &genuine);
    let stolen = move |_: &[u8]| taken.lock().unwrap().clone();
    let own = Token::at("20250401120000Z").attribute();
    let thief = sign(&Pe::pe64().bytes(), &Signature::default().add(own).add(stolen));
    assert_eq!(shared(&[("a.exe", genuine), ("b.exe", thief)]), ["X206 high a.exe,b.exe <- ?"]);
}

/// The certificate of any signature may be listed, but only the signature that decides speaks for the file.
#[test]
fn a_list_names_the_signer_of_any_signature() {
    let folder = tempfile::tempdir().unwrap();
    let other = Cert::own(dn("Listed"), Key::Other, &[0x52]).valid("20240101000000Z", "20280101000000Z");
    let other = other.with(eku(&[CODE_SIGNING]));
    let list = |name: &str, cert: &[u8]| {
        let thumbprint = Hash::Sha1.digest(cert).iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let path = folder.path().join(name);
        let text = format!("type,value,name,reason,severity,reference\nthumbprint,{thumbprint},x,stolen,critical,\n");
        std::fs::write(&path, text).unwrap();
        format!("csv:{}", path.display())
    };
    let (listed, publishers) = (list("other.csv", &other.der()), list("own.csv", &leaf().der()));
    let image = padded(&Pe::pe32().bytes());
    let by = |cert: &Cert| Signature { certs: vec![cert.der()], ..Signature::with(cert.der(), Key::Other) };
    let alone = sign(&image, &by(&other));
    let within = sign(&image, &Signature::default().add(nested(vec![by(&other).build(&image)])));
    let outside = sign(&image, &by(&other).add(nested(vec![Signature::default().build(&image)])));
    let beside =
        attach(&image, &[entry(&Signature::default().build(&image)), entry(&by(&other).build(&image))].concat());
    for file in [&alone, &within, &outside, &beside] {
        assert_eq!(severity_of("S122", file, &["--blocklist", &listed]).as_deref(), Some("critical"));
    }
    // Of another file's content, and still by the listed signer, whose signature over that holds.
    let foreign = by(&other).build(&padded(&Pe::pe64().bytes()));
    let copy = sign(&image, &Signature::default().add(nested(vec![foreign])));
    assert_eq!(severity_of("S122", &copy, &["--blocklist", &listed]).as_deref(), Some("medium"));
    let allowed = |file: &[u8]| severity_of("S122", file, &["--blocklist", &listed, "--allowlist", &publishers]);
    assert_eq!(allowed(&within).as_deref(), Some("info"));
    assert_eq!(allowed(&outside).as_deref(), Some("critical"));
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
