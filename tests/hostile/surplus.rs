//! Elements where their type has none, outside of everything that is signed: what was signed is intact and is shown, and a
//! decoder of the whole structure refuses it, so nothing vouches for the file.

use super::lab::ca::Cert;
use super::lab::cast::{inter, leaf};
use super::lab::cms::Signature;
use super::lab::der::*;
use super::lab::keys::Key;
use super::lab::pe::*;
use super::lab::stamp::{RFC3161_COUNTER_SIGN, Token};
use super::{expect, image, signed};

const SURPLUS: &str = "an ASN.1 element follows that its type does not have";
/// Claims more than there is.
const CUT_OFF: [u8; 4] = [0x30, 0x82, 0xff, 0xff];

/// The small PE32 with the signature's PKCS#7 changed.
fn changed(signature: &Signature, change: impl Fn(Der) -> Der) -> Vec<u8> {
    let image = padded(&image());
    attach(&image, &entry(&change(signature.build(&image))))
}

/// Verdict, the problem without its place, and the name of whom the digest and the signature prove.
fn told(name: &str, file: &[u8], verdict: &str, noted: &[&str]) -> Option<(String, Option<String>)> {
    let record = expect(name, file, verdict, noted)?;
    let signature = &record.signatures[0];
    let problem = signature.problem.as_deref().unwrap_or_default();
    let problem = problem.split(" (offset").next().unwrap_or_default().to_owned();
    Some((problem, signature.signer.as_ref().and_then(|signer| signer.common_name.clone())))
}

fn refused(name: &str, file: &[u8], problem: &str, noted: &[&str]) {
    let Some((found, signer)) = told(name, file, "Invalid/malformed", noted) else { return };
    assert_eq!((found.as_str(), signer.as_deref()), (problem, Some("Fixture Publisher")), "{name}");
}

#[test]
fn behind_the_parts_of_a_signature() {
    let plain = Signature::default;
    let with_attribute = || plain().add(|_| attribute("2.999.4", &[null()]));
    let places: [(&str, &[isize], &[&str]); 6] = [
        ("content-info", &[], &[]),
        ("explicit-tag", &[1], &[]),
        ("signed-data", &[1, 0], &[]),
        ("encapsulated", &[1, 0, 2], &[]),
        ("content-tag", &[1, 0, 2, 1], &[]),
        ("attribute", &[1, 0, -1, 0, -1, 0], &["signer-info-der", "unsigned-attributes"]),
    ];
    for (name, path, noted) in places {
        let signature = if path.len() > 4 { with_attribute() } else { plain() };
        let file = changed(&signature, |der| extended(&der, path, &octets(b"stowaway")));
        refused(&format!("surplus-{name}"), &file, SURPLUS, noted);
        // As an end of contents that nothing began.
        let file = changed(&signature, |der| extended(&der, path, &[0, 0]));
        refused(&format!("surplus-{name}-zeros"), &file, SURPLUS, noted);
    }
    let noted = ["signer-info-der", "unsigned-attributes"];
    let file = changed(&with_attribute(), |der| extended(&der, &[1, 0, -1, 0], &null()));
    refused("surplus-signer", &file, SURPLUS, &noted);
    let file = changed(&plain(), |der| extended(&der, &[1, 0, -1, 0], &null()));
    refused("surplus-signer-plain", &file, "ASN.1 tag 0x05 stands where 0xa1 belongs", &noted);
}

#[test]
fn behind_the_fields_of_a_signer() {
    // What cannot be read without guessing is not read: nobody is named.
    for (name, path) in [("signer-id", [1, 0, -1, 0, 1]), ("digest-algorithm", [1, 0, -1, 0, 2])] {
        let file = changed(&Signature::default(), |der| extended(&der, &path, &null()));
        let found = told(&format!("surplus-{name}"), &file, "Invalid/malformed", &[]);
        assert!(found.is_none_or(|found| found == (SURPLUS.to_owned(), None)), "{name}");
    }
}

#[test]
fn sets_that_cannot_be_delimited() {
    let cut = "an ASN.1 element reaches beyond its container";
    let file = changed(&Signature::default(), |der| extended(&der, &[1, 0, 3], &CUT_OFF));
    refused("cut-off-certificates", &file, cut, &["certificate-bag"]);
    let file = signed(&Signature { crls: vec![CUT_OFF.to_vec()], ..Signature::default() });
    refused("cut-off-revocation-lists", &file, cut, &[]);
    let file = changed(&Signature::default(), |der| extended(&der, &[1, 0, 1], &CUT_OFF));
    refused("cut-off-algorithms", &file, cut, &[]);
    let file = changed(&Signature::default(), |der| extended(&der, &[1, 0, 1], &null()));
    refused("algorithm-null", &file, "ASN.1 tag 0x05 stands where 0x30 belongs", &[]);
    let noted = ["signer-info-der", "unsigned-attributes"];
    let file = signed(&Signature::default().add(|_| CUT_OFF.to_vec()));
    refused("cut-off-attributes", &file, cut, &noted);
    // With it would go what follows: a timestamp that is bad.
    let file = signed(&Signature::default().add(|_| attribute(RFC3161_COUNTER_SIGN, &[CUT_OFF.to_vec(), null()])));
    refused("cut-off-value", &file, cut, &noted);
}

#[test]
fn identifiers_that_are_none() {
    let no_value = "an ASN.1 value is not well formed";
    let cut_off = seq(&[tlv(0x06, &[0x2a, 0x86])]);
    let file = signed(&Signature { digest_algs: Some(vec![cut_off.clone()]), ..Signature::default() });
    refused("cut-off-identifier", &file, no_value, &[]);
    let padded = seq(&[tlv(0x06, &[0x2a, 0x80, 0x01]), set(&[null()])]);
    let file = signed(&Signature::default().add(move |_| padded.clone()));
    refused("padded-identifier", &file, no_value, &["unsigned-attributes"]);
    let file = signed(&Signature { sig_alg: Some(cut_off), ..Signature::default() });
    let found = told("signature-identifier", &file, "Invalid/malformed", &[]);
    assert!(found.is_none_or(|found| found == (no_value.to_owned(), None)));
}

/// The certificate's own signature still holds, and its digest is another one: no decoder takes it for a certificate.
#[test]
fn behind_a_certificate() {
    let longer = |cert: Cert| extended(&cert.der(), &[], &null());
    let file = signed(&Signature { certs: vec![longer(leaf()), inter().der()], ..Signature::default() });
    expect("surplus-leaf", &file, "Invalid/no-signer-cert", &["certificate-unreadable"]);
    let file = signed(&Signature { certs: vec![leaf().der(), longer(inter())], ..Signature::default() });
    expect("surplus-issuer", &file, "Untrusted/chain-incomplete", &["certificate-unreadable"]);
}

#[test]
fn behind_the_parts_of_a_timestamp() {
    let places: [(&str, &[isize]); 4] =
        [("token", &[]), ("explicit-tag", &[1]), ("signed-data", &[1, 0]), ("signer", &[1, 0, -1, 0])];
    let stamp = |path: &'static [isize]| {
        move |value: &[u8]| {
            let token = Token::at("20250101000000Z").build(value);
            attribute(RFC3161_COUNTER_SIGN, &[extended(&token, path, &null())])
        }
    };
    for (name, path) in places {
        let file = signed(&Signature::by(Key::Leaf).add(stamp(path)));
        let Some(record) = expect(&format!("surplus-stamp-{name}"), &file, "Invalid/timestamp-invalid", &[]) else {
            continue;
        };
        let stamp = &record.signatures[0].timestamps[0];
        let said = (stamp.fault.map(|fault| format!("{fault:?}")), stamp.verified, stamp.time.as_deref());
        assert_eq!(said, (Some("Malformed".to_owned()), false, Some("2025-01-01T00:00:00Z")), "{name}");
    }
}

/// What a person is told of such a file: not that its signature cannot be read.
#[test]
fn the_story_says_what_holds_and_what_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stowaway.exe");
    let file = changed(&Signature::default(), |der| extended(&der, &[1], &octets(b"stowaway")));
    std::fs::write(&path, file).unwrap();
    let root = super::program::testdata().join("pki/root.pem");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.arg(&path).arg("--trust-store").arg(root).args(["--at", super::lab::catalogue::AT]);
    let output = command.output().unwrap();
    let story = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{story}");
    for line in [
        "✘ INVALID: what was signed is intact, but the structure around it is not what it should be",
        "Detail       an ASN.1 element follows that its type does not have (offset ",
        "Signer       ✔ “Fixture Publisher” signed exactly these bytes",
    ] {
        assert!(story.contains(line), "{line}\n{story}");
    }
}
