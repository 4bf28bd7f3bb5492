//! What genuine files do that looks wrong, and large sets of files of which only the number is unusual.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
mod program;

use std::fs;
use std::process::Command;

use lab::ca::dn;
use lab::cast::self_signed;
use lab::cms::{Signature, nested};
use lab::keys::{Hash, Key};
use lab::pe::*;
use program::command::judged;
use program::testdata;
use serde_json::Value;

/// VirtualBox's drivers have an old signature in front of those that count.
#[test]
fn a_story_says_that_another_signature_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let image = image();
    let told = |inner: &Signature| {
        let own = Signature::with(self_signed(dn("Fixture Test")).der(), Key::Other);
        let file = sign(&image, &own.add(nested(vec![inner.build(&image)])));
        fs::write(folder.path().join("file.sys"), file).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.current_dir(folder.path()).args(["file.sys", "--at", "2026-06-01T00:00:00Z", "--trust-store"]);
        let output = command.arg(testdata().join("pki/root.pem")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("SELF-SIGNED"), "{text}");
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").contains(
            "But signature 1 of this file is Valid, by “Fixture Publisher”. Windows asks the first one alone; \
             --signature any lets any decide.",
        )
    };
    assert!(told(&Signature::default()));
    assert!(!told(&Signature::with(self_signed(dn("Fixture Test")).der(), Key::Other)));
}

/// Firmware digests headers and sections in their order, and what lies behind them, with what lies between them left out. For
/// Windows that is another file's digest; nobody changed this one for all that.
#[test]
fn what_firmware_would_accept_is_told_from_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    let apart = Pe { sections: vec![code(0x1000, 0x200, 0x200), resources(0x2000, 0x800, 0x400)], ..Pe::pe64() };
    let image = padded(&Pe { subsystem: 10, overlay: b"overlay ".repeat(8), ..apart }.bytes());
    let at = Offsets::of(&image);
    let directory = at.directory.unwrap();
    let headers = [&image[..at.checksum], &image[at.checksum + 4..directory], &image[directory + 8..0x200]].concat();
    let counted = 0x200 + 0x200 + 0x400;
    let by_section = [&headers, &image[0x200..0x400], &image[0x800..0xc00], &image[counted..]].concat();
    let of = |digest: &[u8]| {
        let file = attach(&image, &entry(&Signature::default().build_for(&image, digest)));
        let record = judged(folder.path(), &file, &[]);
        let noted = record["anomalies"].as_array().unwrap().iter().any(|one| one["code"] == "signed-by-section");
        let found = record["findings"].as_array().unwrap().iter().find(|one| one["code"] == "S101").cloned();
        let severity = found.as_ref().map(|found| found["severity"].as_str().unwrap().to_owned());
        let marked = found.is_some_and(|found| found["evidence"]["signed_by_section"] == true);
        (record["reason"].as_str().unwrap().to_owned(), severity, noted, marked)
    };
    let is = |reason: &str, severity: Option<&str>, by_section: bool| {
        (reason.to_owned(), severity.map(str::to_owned), by_section, by_section)
    };
    assert_eq!(of(&Hash::Sha256.digest(&by_section)), is("bad-digest", Some("low"), true));
    assert_eq!(of(&authentihash(&image, Hash::Sha256)), is("ok", None, false));
    assert_eq!(of(&Hash::Sha256.digest(b"another")), is("bad-digest", Some("high"), false));
}

/// The artifacts of a SARIF document follow its results. Those of many files wait in a file, and nothing is made any more by then.
#[test]
fn a_long_document_is_written_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..6000 {
        fs::write(folder.path().join(format!("{number:0200}.txt")), "x").unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.arg(folder.path()).args(["--format", "sarif", "--all", "--quiet", "--at", "2026-06-01T00:00:00Z"]);
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    assert!(output.stdout.len() > 2 << 20);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let artifacts = document["runs"][0]["artifacts"].as_array().unwrap();
    assert_eq!(artifacts.len(), 6000);
    for (at, artifact) in artifacts.iter().enumerate() {
        assert!(artifact["location"]["uri"].as_str().unwrap().ends_with(&format!("/{at:0200}.txt")));
    }
}
