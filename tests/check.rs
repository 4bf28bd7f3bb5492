//! `sigscan trust check`: a certificate by itself, judged by the same search and the same rules as signatures.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "lab/mod.rs"]
mod lab;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lab::ca::{TIME_STAMPING, eku_critical, ski};
use lab::cast;
use lab::der::pem_block;
use lab::keys::Key;
use serde_json::Value;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// `sigscan trust check` with the fixtures' root and moment, for files that are written to a folder of their own.
struct Check {
    folder: tempfile::TempDir,
    roots: &'static [&'static str],
}

fn check() -> Check {
    Check { folder: tempfile::tempdir().unwrap(), roots: &["root"] }
}

impl Check {
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.current_dir(self.folder.path()).args(["trust", "check", "--at", "2026-06-01"]);
        for root in self.roots {
            command.arg("--trust-store").arg(testdata(&format!("pki/{root}.pem")));
        }
        command.args(args).output().unwrap()
    }

    /// Exit code, then status, reason and revocation of every report.
    fn told(&self, args: &[&str]) -> (i32, Vec<String>) {
        let output = self.run(&[args, &["--json"]].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let reports = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |report: &Value, key: &str| report[key].as_str().unwrap().to_owned();
        let told = reports
            .map(|r| format!("{}/{} {}", word(&r, "status"), word(&r, "reason"), word(&r, "revocation")))
            .collect();
        (output.status.code().unwrap(), told)
    }
}

fn one(code: i32, text: &str) -> (i32, Vec<String>) {
    (code, vec![text.to_owned()])
}

#[test]
fn a_certificate_is_trusted_for_what_it_is_made_for() {
    let check = check();
    check.file("leaf.der", &cast::leaf().der());
    check.file("inter.der", &cast::inter().der());
    let with = ["leaf.der", "--intermediates", "inter.der"];
    assert_eq!(check.told(&["leaf.der"]), one(1, "Untrusted/chain-incomplete not-checked"));
    assert_eq!(check.told(&with), one(0, "Valid/ok not-checked"));
    let stamping = [&with[..], &["--purpose", "time-stamping"]].concat();
    assert_eq!(check.told(&stamping), one(1, "Untrusted/wrong-usage not-checked"));
    assert_eq!(check.told(&[&with[..], &["--purpose", "any"]].concat()), one(0, "Valid/ok not-checked"));
    assert_eq!(check.told(&[&with[..], &["--at", "2030-01-01"]].concat()).0, 2, "--at twice");
    let root = testdata("pki/root.pem");
    assert_eq!(check.told(&[root.to_str().unwrap()]), one(0, "Valid/ok not-checked"));
}

/// A root is believed for its key: that its own signature is MD2 and wrong says nothing.
#[test]
fn a_root_is_trusted_whatever_its_own_signature() {
    let root = testdata("pki/old-root.pem");
    let told = |at: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        let output = command.args(["trust", "check", "--json", "--at", at]).arg(&root).arg("--trust-store").arg(&root);
        let report: Value = serde_json::from_slice(&output.output().unwrap().stdout).unwrap();
        format!("{}/{}", report["status"].as_str().unwrap(), report["reason"].as_str().unwrap())
    };
    assert_eq!(told("2015-01-01"), "Valid/ok");
    assert_eq!(told("2021-01-01"), "Expired/cert-expired");
}

#[test]
fn every_certificate_of_a_file_is_judged_and_helps_the_others() {
    let check = check();
    let junk = b"\x30\x03\x02\x01\x07".to_vec();
    let bundle: Vec<u8> =
        [cast::leaf().der(), cast::inter().der(), junk].iter().flat_map(|der| pem_block("CERTIFICATE", der)).collect();
    check.file("bundle.pem", &bundle);
    let expected = ["Valid/ok not-checked", "Valid/ok not-checked", "Invalid/malformed not-checked"];
    assert_eq!(check.told(&["bundle.pem"]), (1, expected.map(str::to_owned).to_vec()));
}

/// Whatever stands in a file beside certificates that are trusted is judged, or the file is refused: nothing in it is passed
/// over and called trusted.
#[test]
fn nothing_beside_a_certificate_is_passed_over() {
    let check = check();
    let (valid, alone, malformed) =
        ("Valid/ok not-checked", "Untrusted/self-signed not-checked", "Invalid/malformed not-checked");
    let (root, other) = (cast::root().der(), cast::self_signed(lab::ca::dn("Nobody")).der());
    let told = |name: &str, parts: &[&[u8]]| {
        check.file(name, &parts.concat());
        check.told(&[name])
    };
    let expected = |code: i32, words: &[&str]| (code, words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let pem = |der: &[u8]| pem_block("CERTIFICATE", der);
    assert_eq!(told("one.der", &[&root]), expected(0, &[valid]));
    assert_eq!(told("junk.der", &[&root, b"junk"]), expected(1, &[valid, malformed]));
    assert_eq!(told("cut.der", &[&root, &other[..other.len() - 1]]), expected(1, &[valid, malformed]));
    assert_eq!(told("two.der", &[&root, &other]), expected(1, &[valid, alone]));
    assert_eq!(told("three.der", &[&root, &other, b"\0"]), expected(1, &[valid, alone, malformed]));
    assert_eq!(told("mixed.der", &[&root, &pem(&other)]), expected(1, &[valid, alone]));
    assert_eq!(told("mixed-junk.der", &[&root, b"\n", &pem(&root)]), expected(0, &[valid, valid]));
    // The same inside of a block; behind a certificate that is trusted for something stands what for.
    assert_eq!(told("junk.pem", &[&pem(&[&root[..], b"junk"].concat())]), expected(1, &[valid, malformed]));
    assert_eq!(told("two.pem", &[&pem(&[&root[..], &other].concat())]), expected(1, &[valid, alone]));
    let trusted = pem_block("TRUSTED CERTIFICATE", &[&root[..], b"\x30\x00"].concat());
    assert_eq!(told("trusted.pem", &[&trusted]), expected(0, &[valid]));
    // Blocks that begin and cannot be read.
    let text = String::from_utf8(pem(&other).to_vec()).unwrap();
    let odd = [
        text[..text.len() / 2].to_owned(),
        "-----BEGIN CERTIFICATE-----\n".to_owned(),
        text.replace("CERTIFICATE-----", "CERTIFICATE -----"),
        text.replace("BEGIN ", "BEGIN  "),
        text.replace("BEGIN CERTIFICATE", "begin certificate"),
        text.replacen('\n', "\n!", 2),
    ];
    for broken in &odd {
        for name in ["before.pem", "behind.pem"] {
            let mut parts = [pem(&root).to_vec(), broken.as_bytes().to_vec()];
            if name == "before.pem" {
                parts.reverse();
            }
            check.file(name, &parts.join(&b'\n'));
            let output = check.run(&[name]);
            let words = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{name} {broken} {words}");
            let begun = words.starts_with(&format!("sigscan: {name}: 2 blocks begin as certificates in PEM, and "));
            assert!(begun && words.ends_with(" can be read\n"), "{words}");
        }
    }
}

#[test]
fn a_file_of_certificates_beyond_64_mib_is_refused() {
    let check = check();
    let path = check.file("large.der", &cast::root().der());
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len((64 << 20) + 1).unwrap();
    let output = check.run(&["large.der"]);
    let words = "sigscan: large.der: larger than 67108864 bytes\n";
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(2), words));
}

#[test]
fn revocation_counts_whatever_the_purpose() {
    let mut check = check();
    let crl = |name: &str| testdata(&format!("crl/{name}")).to_str().unwrap().to_owned();
    check.file("leaf.der", &cast::leaf().der());
    check.file("inter.der", &cast::inter().der());
    let (clear, before, roots) = (crl("clear.crl"), crl("leaf-before.crl"), crl("root.pem"));
    let with = ["leaf.der", "--intermediates", "inter.der", "--crl", &roots, "--crl"];
    let told = |list: &str, more: &[&str]| check.told(&[&with[..], &[list], more].concat());
    assert_eq!(told(&clear, &[]), one(0, "Valid/ok good"));
    assert_eq!(told(&before, &[]), one(1, "Revoked/cert-revoked revoked"));
    let only = ["leaf.der", "--intermediates", "inter.der", "--crl", &clear];
    assert_eq!(check.told(&only), one(0, "Valid/ok unknown"));
    let required = [&only[..], &["--require-revocation"]].concat();
    assert_eq!(check.told(&required), one(1, "Untrusted/revocation-unknown unknown"));

    check.roots = &["tsa-root"];
    check.file("tsa.der", &cast::tsa().der());
    let tsa = crl("tsa.crl");
    let stamping = ["tsa.der", "--purpose", "time-stamping"];
    assert_eq!(check.told(&stamping), one(0, "Valid/ok not-checked"));
    assert_eq!(check.told(&[&stamping[..], &["--crl", &tsa]].concat()), one(1, "Revoked/cert-revoked revoked"));
}

#[test]
fn a_person_reads_whether_and_why() {
    let check = check();
    let mut odd = cast::leaf().without(lab::ca::EKU).with(eku_critical(&[TIME_STAMPING])).with(ski(&Key::Leaf.id()));
    odd.subject = lab::ca::dn("\u{202e}Evil");
    check.file("odd.der", &odd.der());
    check.file("inter.der", &cast::inter().der());
    let output = check.run(&["odd.der", "--intermediates", "inter.der"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = [
        "✘ NOT TRUSTED for signing code: a certificate of the chain is not meant for this use",
        "  wrong-usage, 0x800B0110",
        "Root         a root that was given, for every usage and without dates",
        "Not checked  revocation",
        "Judged       as of 2026-06-01 00:00:00 UTC, trusting root.pem",
    ];
    for line in lines {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[test]
fn wrong_usage_is_no_verdict() {
    let check = check();
    check.file("notes.txt", b"no certificate");
    for args in [&[][..], &["notes.txt"], &["missing.der"], &["notes.txt", "--purpose", "fun"]] {
        assert_eq!(check.run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn every_report_fulfils_the_schema_and_the_checked_in_schema_is_current() {
    let check = check();
    let generated =
        Command::new(env!("CARGO_BIN_EXE_sigscan")).args(["generate", "certificate-schema"]).output().unwrap().stdout;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/certificate.schema.json");
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let text = String::from_utf8(generated).unwrap();
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "run with SIGSCAN_BLESS=1");
    let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    check.file("leaf.der", &cast::leaf().der());
    check.file("inter.der", &cast::inter().der());
    check.file("junk.pem", &pem_block("CERTIFICATE", b"\x30\x00"));
    let output = check.run(&["leaf.der", "inter.der", "junk.pem", "--json", "--intermediates", "inter.der"]);
    let lines: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let report: Value = serde_json::from_str(line).unwrap();
        assert!(validator.is_valid(&report), "{line}");
        let mut more = report.clone();
        more["surprise"] = Value::Null;
        assert!(!validator.is_valid(&more));
    }
}
