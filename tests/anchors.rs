//! Who is a root of the store: not everybody who bears its name and its key, because anybody can copy both.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use lab::ca::*;
use lab::cast::{authority, inter_name, leaf, self_signed, tsa, tsa_root_name};
use lab::cms::Signature;
use lab::der::*;
use lab::keys::Key;
use lab::pe::{image, sign};
use lab::stamp::Token;
use program::command::{judged, verdict};
use serde_json::json;

/// What somebody without a key makes of a certificate: other words, the same name and key, a signature of nobody's.
fn copied(cert: &Cert) -> Der {
    cert.der_unsigned(0x4141)
}

/// Writes a certificate that the user trusts, and gives the options that say so.
fn trust<'o>(folder: &Path, name: &'o str, der: &[u8]) -> [&'o str; 2] {
    fs::write(folder.join(name), pem(der)).unwrap();
    ["--trust-store", name]
}

/// A file whose signature was made under this certificate, and what is in its bag.
fn signed(cert: &Der, key: Key, bag: Vec<Der>) -> Vec<u8> {
    sign(&image(), &Signature { certs: bag, sid: Some(issuer_and_serial(cert)), ..Signature::with(cert.clone(), key) })
}

#[test]
fn a_copy_of_a_trusted_certificate_without_its_limits_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let of = |usages: &[&str]| self_signed(dn("In-house")).without(EKU).with(eku(usages));
    let original = of(&[SERVER_AUTH]);
    let options = trust(folder, "tls.pem", &original.der());
    let by = |bag: Der| verdict(folder, &signed(&bag, Key::Other, vec![bag.clone()]), &options);
    assert_eq!(by(original.der()), "Untrusted/wrong-usage");
    // Self-signed in name only, or issued by nobody who is there.
    assert_eq!(by(copied(&of(&[CODE_SIGNING]))), "Invalid/cert-signature");
    let stranger = Cert { issuer: dn("Elsewhere CA"), ..of(&[CODE_SIGNING]) };
    assert_eq!(by(copied(&stranger)), "Untrusted/chain-incomplete");
    // Issued by somebody else, and rightly so: that proves nothing of the one that is trusted.
    let elsewhere = authority(dn("Elsewhere CA"), Key::Tsa, 9);
    let cross = of(&[CODE_SIGNING]).by(&dn("Elsewhere CA"), Key::Tsa).der();
    let file = signed(&cross, Key::Other, vec![cross.clone(), elsewhere.der()]);
    assert_eq!(verdict(folder, &file, &options), "Untrusted/untrusted-root");
    // Its own key says so: it was renewed.
    assert_eq!(by(of(&[CODE_SIGNING]).valid("20250101000000Z", "20290101000000Z").der()), "Valid/ok");
}

#[test]
fn a_copy_of_a_trusted_certificate_lends_it_no_other_words() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let original = self_signed(dn("In-house"));
    let options = trust(folder, "own.pem", &original.der());
    let record = judged(folder, &signed(&original.der(), Key::Other, vec![original.der()]), &options);
    assert_eq!((&record["status"], &record["signer"]["common_name"]), (&json!("Valid"), &json!("In-house")));
    let copy = copied(&Cert { issuer: dn("Famous CA"), ..original });
    let record = judged(folder, &signed(&copy, Key::Other, vec![copy.clone()]), &options);
    assert_eq!((&record["status"], &record["reason"]), (&json!("Untrusted"), &json!("chain-incomplete")));
}

/// The usage that ends a signature's life with the certificate cannot be taken off by who does not have the key.
#[test]
fn a_copy_lives_no_longer_than_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let of = |usages: &[&str]| {
        self_signed(dn("In-house")).valid("20240101000000Z", "20260101000000Z").without(EKU).with(eku(usages))
    };
    let original = of(&[CODE_SIGNING, LIFETIME_SIGNING]);
    let options = trust(folder, "lifetime.pem", &original.der());
    let stamped = |bag: Der| {
        let signature = Signature { certs: vec![bag.clone()], ..Signature::with(bag, Key::Other) };
        sign(&image(), &signature.add(Token::at("20250601000000Z").attribute()))
    };
    assert_eq!(verdict(folder, &stamped(original.der()), &options), "Expired/lifetime-expired");
    assert_eq!(verdict(folder, &stamped(copied(&of(&[CODE_SIGNING]))), &options), "Invalid/cert-signature");
}

#[test]
fn a_copy_of_a_trusted_certificate_stamps_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let plain = Cert::own(dn("Time"), Key::Other, &[0x75]).valid("20000101000000Z", "20400101000000Z");
    let stamping = plain.clone().with(eku_critical(&[TIME_STAMPING]));
    let options = trust(folder, "time.pem", &plain.der());
    let expired = leaf().valid("20240101000000Z", "20260101000000Z").der();
    let by = |bag: Der| {
        let token = Token { key: Key::Other, ..Token::at("20250601000000Z").from(bag) };
        let file = sign(&image(), &Signature::with(expired.clone(), Key::Leaf).add(token.attribute()));
        verdict(folder, &file, &options)
    };
    assert_eq!(by(plain.der()), "Expired/cert-expired");
    assert_eq!(by(copied(&stamping)), "Expired/cert-expired");
    let genuine = Token::at("20250601000000Z").from(tsa().by(&tsa_root_name(), Key::TsaRoot).der());
    let file = sign(&image(), &Signature::with(expired.clone(), Key::Leaf).add(genuine.attribute()));
    assert_eq!(verdict(folder, &file, &options), "Valid/ok");
}

/// `trust check` asks of a certificate alone, also of a copy of a root that the program carries.
#[test]
fn a_copy_of_a_root_is_none_to_trust_check() {
    let folder = tempfile::tempdir().unwrap();
    let mine = authority(dn("My Root"), Key::Other, 9);
    fs::write(folder.path().join("mine.pem"), pem(&mine.der())).unwrap();
    fs::write(folder.path().join("copy.pem"), pem(&copied(&Cert { issuer: dn("Anybody"), ..mine }))).unwrap();
    for (name, code) in [("mine.pem", 0), ("copy.pem", 1)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        let asked = ["trust", "check", name, "--trust-store", "mine.pem", "--purpose", "any", "--at", "2026-06-01"];
        let output = command.current_dir(folder.path()).args(asked).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Basic constraints and key usage say what a certificate is, whoever trusts it. Old roots say nothing.
#[test]
fn a_trusted_end_entity_issues_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let issuer = |extensions: &[Der]| {
        let cert = Cert::own(dn("In-house"), Key::Other, &[0x52]).valid("20240101000000Z", "20300101000000Z");
        extensions.iter().fold(cert, |cert, extension| cert.with(extension.clone()))
    };
    let below = leaf().without(AUTHORITY_KEY_ID).by(&dn("In-house"), Key::Other);
    for (extensions, expected) in [
        (vec![], "Valid/ok"),
        (vec![ca(None), key_usage(&[5])], "Valid/ok"),
        (vec![ca(None)], "Valid/ok"),
        (vec![key_usage(&[5])], "Valid/ok"),
        (vec![no_ca()], "Untrusted/basic-constraints"),
        (vec![no_ca(), key_usage(&[5])], "Untrusted/basic-constraints"),
        (vec![ca(None), key_usage(&[0])], "Untrusted/basic-constraints"),
        (vec![key_usage(&[0])], "Untrusted/basic-constraints"),
        (vec![extension(BASIC_CONSTRAINTS, true, &octets(b"x"))], "Untrusted/basic-constraints"),
    ] {
        let trusted = issuer(&extensions).der();
        let options = trust(folder, "own.pem", &trusted);
        let bag = vec![below.der(), trusted.clone()];
        assert_eq!(verdict(folder, &signed(&below.der(), Key::Leaf, bag), &options), expected, "{extensions:?}");
        let bare = signed(&below.der(), Key::Leaf, vec![below.der()]);
        assert_eq!(verdict(folder, &bare, &options), expected, "{extensions:?}");
        // It signs itself all the same, where that is what it is for.
        if expected != "Valid/ok"
            && !extensions.iter().any(|one| *one == extension(BASIC_CONSTRAINTS, true, &octets(b"x")))
        {
            let own = signed(&trusted, Key::Other, vec![trusted.clone()]);
            assert_eq!(verdict(folder, &own, &options), "Valid/ok", "{extensions:?}");
        }
    }
}

/// Of two roots with one name and key, the one that the signer is counts.
#[test]
fn of_namesakes_with_one_key_each_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let new = self_signed(dn("In-house")).valid("20250101000000Z", "20300101000000Z");
    let file = signed(&new.der(), Key::Other, vec![new.der()]);
    trust(folder, "new.pem", &new.der());
    for serial in 0..8 {
        let old = self_signed(dn("In-house")).valid("20200101000000Z", "20240101000000Z");
        trust(folder, "old.pem", &Cert { serial: vec![serial + 1], ..old }.der());
        let options = ["--trust-store", "old.pem", "--trust-store", "new.pem"];
        assert_eq!(verdict(folder, &file, &options), "Valid/ok", "{serial}");
    }
}

/// A root that was renewed with another key identifier still is the one that the store has, if its own key says so.
#[test]
fn a_renewed_root_in_the_bag_leads_to_the_root_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let named =
        |id: &[u8], serial: u8| authority(dn("My Root"), Key::Other, serial).without(SUBJECT_KEY_ID).with(ski(id));
    let issuing = authority(inter_name(), Key::Inter, 2).by(&dn("My Root"), Key::Other).with(aki(b"new")).der();
    let cert = leaf().der();
    let options = trust(folder, "store.pem", &named(b"old", 1).der());
    let by =
        |root: Der| verdict(folder, &signed(&cert, Key::Leaf, vec![cert.clone(), issuing.clone(), root]), &options);
    assert_eq!(by(named(b"new", 2).der()), "Valid/ok");
    assert_eq!(by(copied(&named(b"new", 2))), "Invalid/cert-signature");
    assert_eq!(
        verdict(folder, &signed(&cert, Key::Leaf, vec![cert.clone(), issuing.clone()]), &options),
        "Untrusted/chain-incomplete"
    );
}

/// A list names a root by what the signature carries of it, trusted or not.
#[test]
fn a_blocklist_finds_a_root_that_the_signature_carries() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = lab::cast::root().der();
    let tbs = lab::keys::Hash::Sha256.digest(elements(split(&root).0)[0]);
    let hex: String = tbs.iter().map(|octet| format!("{octet:02x}")).collect();
    fs::write(folder.join("list.csv"), format!("type,value\ntbs,{hex}\n")).unwrap();
    let listed = |bag: Vec<Der>| {
        let file = sign(&image(), &Signature { certs: bag, ..Signature::default() });
        let record = judged(folder, &file, &["--blocklist", "csv:list.csv"]);
        assert_eq!(record["status"], "Valid");
        record["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "S122")
    };
    let own = [leaf().der(), lab::cast::inter().der()];
    assert!(listed([&own[..], &[root]].concat()));
    assert!(!listed(own.to_vec()));
}
