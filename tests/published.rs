//! Attacks that others have published, on code signing, revocation and time stamping, each with the verdict that it is to have.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
mod program;

use std::fs;
use std::path::Path;

use lab::ca::*;
use lab::cast::{inter, inter_name, leaf, publisher, root, root_name, tsa, tsa_root_name};
use lab::cms::{RSA_ENCRYPTION, SPC_INDIVIDUAL_PURPOSE, SPC_PE_IMAGE_DATA, Signature, nested};
use lab::der::*;
use lab::keys::{Hash, Key};
use lab::ocsp::{Ocsp, Said};
use lab::pe::*;
use lab::stamp::{COUNTER_SIGNATURE, Counter, Token};
use program::command::{judged, verdict};
use serde_json::{Value, json};

/// The octets of a program may be the text of a script in UTF-16, so that whoever has the script signed has the program's
/// digest signed. What else is signed says what it is.
#[test]
fn a_signature_that_was_made_for_another_kind_of_file_is_none_of_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        (SPC_PE_IMAGE_DATA, "Valid/ok"),
        (SPC_INDIVIDUAL_PURPOSE, "Valid/ok"), // as pesign writes it
        ("1.3.6.1.4.1.311.2.1.30", "Invalid/malformed"),
        ("1.3.6.1.4.1.311.2.1.25", "Invalid/malformed"),
        ("1.2.3.4", "Invalid/malformed"),
    ];
    for (data_type, expected) in kinds {
        let file = sign(&image(), &Signature { data_type, ..Signature::default() });
        let record = judged(folder.path(), &file, &[]);
        assert_eq!(format!("{}/{}", record["status"], record["reason"]).replace('"', ""), expected, "{data_type}");
        let problem = record["signatures"][0]["problem"].as_str();
        let told = format!("what was signed is a file of another kind ({data_type})");
        let foreign = expected == "Invalid/malformed";
        assert_eq!(problem, foreign.then_some(told.as_str()));
        let mut anomalies = record["anomalies"].as_array().unwrap().iter();
        assert_eq!(anomalies.any(|anomaly| anomaly["code"] == "foreign-content"), foreign);
    }
}

/// A list of some reasons only: onlySomeReasons of an issuing distribution point (RFC 5280 section 5.2.5).
fn of_reasons(reasons: &[u8]) -> Der {
    let bits = named_bits(reasons);
    distribution_point(&ctx_prim(3, split(&bits).0))
}

/// An authority may list a certificate again, with other words. That takes nothing back unless the later list could have said
/// what the earlier one says.
#[test]
fn a_later_list_takes_nothing_back_of_which_it_does_not_speak() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, list: &Crl| fs::write(folder.join(name), list.der()).unwrap();
    let list = |made: &'static str, revoked: &str, reason: u8| {
        let list = Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id())).valid(made, "20270501000000Z");
        list.lists(&leaf().serial, revoked, &[crl_reason(reason)])
    };
    write("root.crl", &Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())));
    // The key was stolen before the timestamp of 2025-01-01, and its owner went out of business after it.
    let stolen = |made| list(made, "20240601000000Z", 1);
    let closed = |made| list(made, "20250901000000Z", 5);
    let (early, late) = ("20260501000000Z", "20260502000000Z");
    let some = stolen(early).with(of_reasons(&[1, 2]));
    let others = closed(late).with(of_reasons(&[3, 4, 5, 6, 7, 8]));
    let file = |crls: Vec<Der>| {
        let signature = Signature { crls, ..Signature::default() };
        sign(&image(), &signature.add(Token::at("20250101000000Z").attribute()))
    };
    let by = |file: &[u8], lists: &[&Crl]| {
        let mut options = vec!["--crl", "root.crl"];
        for (name, list) in ["1.crl", "2.crl", "3.crl"].into_iter().zip(lists) {
            write(name, list);
            options.extend(["--crl", name]);
        }
        verdict(folder, file, &options)
    };
    let (plain, bringing) = (file(Vec::new()), file(vec![others.der()]));
    assert_eq!(by(&plain, &[&some]), "Revoked/cert-revoked");
    assert_eq!(by(&plain, &[&some, &others]), "Revoked/cert-revoked");
    assert_eq!(by(&bringing, &[&some]), "Revoked/cert-revoked");
    assert_eq!(by(&plain, &[&stolen(early), &others]), "Revoked/cert-revoked");
    let elsewhere = ctx(0, &ctx(0, &ctx_prim(6, b"http://fixture.invalid/other.crl")));
    for part in [distribution_point(&elsewhere), distribution_point(&ctx_prim(2, &[0xff])), delta_of(9)] {
        assert_eq!(by(&plain, &[&stolen(early), &closed(late).with(part)]), "Revoked/cert-revoked");
    }
    // A later list of everything has the last word, and so has the one before it if the order is turned around.
    assert_eq!(by(&plain, &[&stolen(early), &closed(late)]), "Valid/ok");
    assert_eq!(by(&plain, &[&stolen(late), &closed(early)]), "Revoked/cert-revoked");
    assert_eq!(by(&plain, &[&some, &closed(late)]), "Valid/ok");
    // A hold ends when a list is silent, and hides no other entry.
    let held = list(late, "20240601000000Z", 6);
    let silent =
        Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id())).valid("20260503000000Z", "20270501000000Z");
    assert_eq!(by(&plain, &[&held]), "Revoked/cert-revoked");
    assert_eq!(by(&plain, &[&held, &silent]), "Valid/ok");
    assert_eq!(by(&plain, &[&stolen(early), &held, &silent]), "Revoked/cert-revoked");
}

/// Whoever has found out a time authority's short key writes any date he likes, also one at which short keys were good enough.
#[test]
fn a_short_key_does_not_excuse_itself() {
    let folder = tempfile::tempdir().unwrap();
    let old = |key: Key| {
        let cert = publisher(key).valid("20080101000000Z", "20110101000000Z");
        (cert.der(), key)
    };
    let authority_of = |key: Key| {
        let stamping = Cert::own(dn("Fixture Time Stamping"), key, &[0x75]).valid("20000101000000Z", "20400101000000Z");
        let stamping = stamping.with(eku_critical(&[TIME_STAMPING])).by(&tsa_root_name(), Key::TsaRoot);
        stamping.with(aki(&Key::TsaRoot.id())).der()
    };
    let file = |signer: Key, stamping: Key| {
        let (cert, key) = old(signer);
        let token =
            Token { key: stamping, hash: Hash::Sha1, ..Token::at("20090601000000Z").from(authority_of(stamping)) };
        let certs = vec![cert.clone(), inter().valid("20000101000000Z", "20400101000000Z").der()];
        let signature = Signature { certs, hash: Hash::Sha1, ..Signature::with(cert, key) };
        sign(&image(), &signature.add(token.attribute()))
    };
    let root = root().valid("20000101000000Z", "20400101000000Z").der();
    fs::write(folder.path().join("old-root.pem"), pem(&root)).unwrap();
    let by = |signer, stamping| verdict(folder.path(), &file(signer, stamping), &["--trust-store", "old-root.pem"]);
    assert_eq!(by(Key::Leaf, Key::Tsa), "Valid/ok");
    assert_eq!(by(Key::Rsa512, Key::Tsa), "Valid/ok");
    assert_eq!(by(Key::Leaf, Key::Rsa512), "Expired/cert-expired");
}

/// Answers for the publisher's certificate: `responder` is what makes its certificate, `bend` what is done to the answer.
fn answered(folder: &Path, responder: &Cert, key: Key, bend: impl FnOnce(&mut Ocsp)) -> String {
    let mut response = Ocsp { certs: vec![responder.der()], ..Ocsp::by(key) };
    response = response.about(&inter_name(), Key::Inter, &leaf().serial, Said::Good);
    bend(&mut response);
    fs::write(folder.join("leaf.ocsp"), response.der()).unwrap();
    let root = Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())).der();
    fs::write(folder.join("root.crl"), root).unwrap();
    fs::write(folder.join("responder.pem"), pem(&responder.der())).unwrap();
    let file = sign(&image(), &Signature::default());
    let options = ["--ocsp", "leaf.ocsp", "--crl", "root.crl", "--require-revocation"];
    let free = verdict(folder, &file, &options);
    let listed = verdict(folder, &file, &[&options[..], &["--disallowed", "responder.pem"]].concat());
    if responder.der() != inter().der() {
        assert_eq!(listed, "Untrusted/revocation-unknown");
    }
    free
}

#[test]
fn who_is_not_to_be_believed_clears_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let of = |key: Key, hash: Hash| {
        let cert = Cert::own(dn("Fixture Responder"), key, &[0x0c]).valid("20260101000000Z", "20270101000000Z");
        let cert = cert.with(eku(&[OCSP_SIGNING])).with(ocsp_no_check()).by(&inter_name(), Key::Inter);
        Cert { hash, ..cert }
    };
    let unknown = "Untrusted/revocation-unknown";
    assert_eq!(answered(folder, &of(Key::Other, Hash::Sha256), Key::Other, |_| ()), "Valid/ok");
    assert_eq!(answered(folder, &of(Key::Rsa512, Hash::Sha256), Key::Rsa512, |_| ()), unknown);
    for weak in [Hash::Md2, Hash::Md5] {
        assert_eq!(answered(folder, &of(Key::Other, weak), Key::Other, |_| ()), unknown, "{weak:?}");
        let weakly = |response: &mut Ocsp| response.signed_hash = weak;
        assert_eq!(answered(folder, &of(Key::Other, Hash::Sha256), Key::Other, weakly), unknown, "{weak:?}");
    }
    let sha1 = |response: &mut Ocsp| response.signed_hash = Hash::Sha1;
    assert_eq!(answered(folder, &of(Key::Other, Hash::Sha1), Key::Other, sha1), "Valid/ok");
}

/// A delegate of the authority's signs its list. Microsoft's disallowed list counts for him as for everybody.
#[test]
fn a_disallowed_delegate_and_a_weakly_signed_list_clear_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let signer = Cert::own(inter_name(), Key::Other, &[0x0d]).valid("20240101000000Z", "20300101000000Z");
    let signer = signer.with(key_usage(&[6])).with(ski(&Key::Other.id())).by(&root_name(), Key::Root);
    let signer = signer.with(aki(&Key::Root.id())).der();
    let list = |issuer: Der, key: Key| Crl::by(issuer, key).with(aki(&key.id())).der();
    fs::write(folder.join("leaf.crl"), list(inter_name(), Key::Other)).unwrap();
    fs::write(folder.join("root.crl"), list(root_name(), Key::Root)).unwrap();
    fs::write(folder.join("signer.pem"), pem(&signer)).unwrap();
    let file = sign(&image(), &Signature::default());
    let options = ["--crl", "leaf.crl", "--crl", "root.crl", "--intermediates", "signer.pem", "--require-revocation"];
    assert_eq!(verdict(folder, &file, &options), "Valid/ok");
    // Of a list whose hash others can find, too, only what it lists is believed.
    for (hash, expected) in [(Hash::Md5, "Untrusted/revocation-unknown"), (Hash::Sha1, "Valid/ok")] {
        let list = Crl { hash, ..Crl::by(inter_name(), Key::Inter) }.with(aki(&Key::Inter.id()));
        fs::write(folder.join("weak.crl"), list.der()).unwrap();
        let options = ["--crl", "weak.crl", "--crl", "root.crl", "--require-revocation"];
        assert_eq!(verdict(folder, &file, &options), expected, "{hash:?}");
        fs::write(folder.join("weak.crl"), list.lists(&leaf().serial, "20240601000000Z", &[]).der()).unwrap();
        assert_eq!(verdict(folder, &file, &options), "Revoked/cert-revoked", "{hash:?}");
    }
    let disallowed = [&options[..], &["--disallowed", "signer.pem"]].concat();
    assert_eq!(verdict(folder, &file, &disallowed), "Untrusted/revocation-unknown");
}

/// A number and its negative twin have the same octets, but for a zero.
#[test]
fn a_signer_is_named_by_the_number_of_his_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let of = |own: &[u8], named: &[u8]| {
        let cert = Cert { serial: own.to_vec(), ..leaf() }.der();
        let sid = Some(seq(&[inter_name(), int_raw(named)]));
        verdict(folder.path(), &sign(&image(), &Signature { sid, ..Signature::with(cert, Key::Leaf) }), &[])
    };
    assert_eq!(of(&[0, 0x83], &[0, 0x83]), "Valid/ok");
    assert_eq!(of(&[0, 0x83], &[0, 0, 0x83]), "Valid/ok");
    assert_eq!(of(&[0, 0x83], &[0x83]), "Invalid/no-signer-cert");
    assert_eq!(of(&[0x83], &[0, 0x83]), "Invalid/no-signer-cert");
    assert_eq!(of(&[0x83], &[0xff, 0x83]), "Valid/ok");
}

/// A certificate in a timestamp's bag belongs to nobody and is signed by nobody, as in the signature's own.
#[test]
fn a_certificate_in_a_timestamp_carries_nothing_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let found = |octets_of_cargo: usize| {
        let cargo = extension("1.2.3.4", false, &octets(&vec![0x90; octets_of_cargo]));
        let mut token = Token::at("20250101000000Z");
        token.certs.push(Cert::own(dn("Somebody"), Key::Other, &[5]).with(cargo).der());
        let record = judged(folder.path(), &sign(&image(), &Signature::default().add(token.attribute())), &[]);
        assert_eq!(record["status"], "Valid");
        let finding = record["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "S110").cloned();
        finding.map(|finding| [finding["severity"].clone(), finding["evidence"]["extension"].clone()])
    };
    assert_eq!(found(6000), Some([json!("medium"), json!("1.2.3.4")]));
    assert_eq!(found(100), None);
}

/// S109 of a file: severity and length.
fn unsigned_data(record: &Value) -> Option<(&str, u64)> {
    let findings = record["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == "S109")?;
    Some((found["severity"].as_str().unwrap(), found["evidence"]["length"].as_u64().unwrap()))
}

/// SigFlip hides its payload behind the PKCS#7, where the padding check finds it. Inside there is as much room.
#[test]
fn data_that_nobody_signed_is_found_wherever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let cargo = octets(&[b"MZ", &[0x90; 6000][..]].concat());
    let parameters = |dotted: &str| seq(&[oid(dotted), cargo.clone()]);
    let sha256 = || parameters(Hash::Sha256.oid());
    let default = Signature::default;
    let token = |bend: &dyn Fn(&mut Token)| {
        let mut token = Token::at("20250101000000Z");
        bend(&mut token);
        Signature::default().add(token.attribute())
    };
    let overlong = |cert: Der| {
        let [tbs, algorithm, _] = elements(split(&cert).0)[..] else { unreachable!() };
        seq(&[tbs.to_vec(), algorithm.to_vec(), bits(&cargo)])
    };
    let files = [
        ("digest algorithms", Signature { digest_algs: Some(vec![sha256()]), ..default() }),
        ("digest algorithm", Signature { digest_alg: Some(sha256()), ..default() }),
        ("signature algorithm", Signature { sig_alg: Some(parameters(RSA_ENCRYPTION)), ..default() }),
        ("root", Signature { certs: vec![leaf().der(), inter().der(), overlong(root().der())], ..default() }),
        ("lists", Signature { crls: vec![seq(std::slice::from_ref(&cargo))], ..default() }),
        ("other certificates", Signature { certs: vec![leaf().der(), inter().der(), ctx(3, &cargo)], ..default() }),
        ("junk among certificates", token(&|token| token.certs.push(seq(std::slice::from_ref(&cargo))))),
        (
            "sealing",
            default().add({
                let cargo = cargo.clone();
                move |_| attribute("1.3.6.1.4.1.311.2.4.4", std::slice::from_ref(&cargo))
            }),
        ),
        ("nested", default().add(nested(vec![seq(&[oid("1.2.3"), cargo.clone()])]))),
        ("nested algorithms", {
            let inner = Signature { digest_algs: Some(vec![sha256()]), ..default() };
            default().add(nested(vec![inner.build(&image())]))
        }),
        ("counter-signature", {
            let cargo = cargo.clone();
            let honest = Counter::at("20250101000000Z").attribute();
            let certs = vec![leaf().der(), inter().der(), tsa().der()];
            Signature { certs, ..default() }.add(move |value| {
                let counter = honest(value);
                let more = ctx(1, &attribute("1.2.3.4", std::slice::from_ref(&cargo)));
                let values = elements(split(&counter).0)[1].to_vec();
                let signer = split(&values).0.to_vec();
                attribute(COUNTER_SIGNATURE, &[seq(&[split(&signer).0.to_vec(), more])])
            })
        }),
    ];
    for (place, signature) in files {
        let record = judged(folder.path(), &sign(&image(), &signature), &["--strict-padding"]);
        assert_eq!(record["status"], "Valid", "{place}");
        let (severity, length) = unsigned_data(&record).unwrap_or_else(|| panic!("{place}"));
        // A part of it may be an attribute certificate, or an honest signature.
        let expected = if ["other certificates", "root"].contains(&place) { "medium" } else { "high" };
        assert_eq!(severity, expected, "{place} {length}");
        assert!((1500..13_000).contains(&length), "{place} {length}");
    }
    for sound in [default(), token(&|_| ()), token(&|token| token.attribute_certificate = true)] {
        let record = judged(folder.path(), &sign(&image(), &sound), &[]);
        assert_eq!((&record["status"], unsigned_data(&record)), (&json!("Valid"), None));
    }
    let doubled = default().add(nested(vec![default().build(&image())])).add(Token::at("20250101000000Z").attribute());
    let record = judged(folder.path(), &sign(&image(), &doubled), &[]);
    assert_eq!(unsigned_data(&record), None);
}
