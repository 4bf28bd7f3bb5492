//! Files that were made so that a signature, a token or a certificate would prove what it does not, or not prove what it does.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
mod program;

use std::fs;

use lab::ca::{AUTHORITY_KEY_ID, Cert, dn, extension, key_usage};
use lab::cast::{authority, expired_leaf, inter, inter_name, leaf, tsa};
use lab::cms::{Signature, flip};
use lab::der::*;
use lab::keys::{Hash, Key, Scheme, pss_params};
use lab::pe::*;
use lab::stamp::{SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, Token, naming};
use program::command::{judged, verdict};
use serde_json::Value;

/// Nothing signs how a token names its authority's certificate, and any other one for the same key fits: one that is valid at
/// another time, or from another issuer. What the authority did sign is the hash of its own.
#[test]
fn a_token_is_of_the_certificate_that_its_authority_signed() {
    let folder = tempfile::tempdir().unwrap();
    let over = tsa().valid("20000101000000Z", "20240101000000Z").der();
    let v1 = |cert: &[u8]| naming(SIGNING_CERTIFICATE, &[octets(&Hash::Sha1.digest(cert))]);
    let v2 = |cert: &[u8]| naming(SIGNING_CERTIFICATE_V2, &[octets(&Hash::Sha256.digest(cert))]);
    let by = |hash: Hash, cert: &[u8]| {
        naming(SIGNING_CERTIFICATE_V2, &[hash.alg(), octets(&hash.digest(cert)), seq(&[Der::new(), small(1)])])
    };
    let pair = |first: &[u8], second: &[u8]| {
        let ids = [first, second].map(|cert| seq(&[octets(&Hash::Sha256.digest(cert))]));
        attribute(SIGNING_CERTIFICATE_V2, &[seq(&[seq(&ids)])])
    };
    let own = &tsa().der();
    let hash = || octets(&Hash::Sha256.digest(own));
    let sound = ["Valid/ok", "null"];
    let broken = ["Invalid/timestamp-invalid", "\"signature\""];
    let unknown = ["Error/unsupported-algorithm", "\"unsupported-algorithm\""];
    let cases = [
        ("none", vec![], sound),
        ("v1", vec![v1(own)], sound),
        ("v2", vec![v2(own)], sound),
        ("both", vec![v1(own), v2(own)], sound),
        ("SHA-512", vec![by(Hash::Sha512, own)], sound),
        ("the first of two", vec![pair(own, &over)], sound),
        ("pieces", vec![naming(SIGNING_CERTIFICATE_V2, &[octets_in_pieces(&Hash::Sha256.digest(own), 7)])], sound),
        ("v1 of another", vec![v1(&over)], broken),
        ("v2 of another", vec![v2(&over)], broken),
        ("SHA-512 of another", vec![by(Hash::Sha512, &over)], broken),
        ("v1 of another, v2 right", vec![v1(&over), v2(own)], broken),
        ("v1 right, v2 of another", vec![v1(own), v2(&over)], broken),
        ("the second of two", vec![pair(&over, own)], broken),
        ("no certificate", vec![attribute(SIGNING_CERTIFICATE_V2, &[seq(&[seq(&[])])])], broken),
        ("no value", vec![attribute(SIGNING_CERTIFICATE_V2, &[])], broken),
        ("two values", vec![attribute(SIGNING_CERTIFICATE, &[seq(&[]), seq(&[])])], broken),
        ("twice", vec![v2(own), by(Hash::Sha512, own)], broken),
        ("no hash", vec![naming(SIGNING_CERTIFICATE_V2, &[Hash::Sha256.alg()])], broken),
        ("not octets", vec![naming(SIGNING_CERTIFICATE, &[bits(&Hash::Sha1.digest(own))])], broken),
        ("cut off", vec![naming(SIGNING_CERTIFICATE, &[octets(&Hash::Sha1.digest(own)[..19])])], broken),
        ("empty", vec![naming(SIGNING_CERTIFICATE, &[octets(&[])])], broken),
        ("an unknown hash", vec![naming(SIGNING_CERTIFICATE_V2, &[seq(&[oid("2.999.7")]), hash()])], unknown),
        (
            "an unknown hash, v1 of another",
            vec![v1(&over), naming(SIGNING_CERTIFICATE_V2, &[seq(&[oid("2.999.7")]), hash()])],
            broken,
        ),
    ];
    for (name, naming, [told, fault]) in cases {
        let token = Token { naming: Some(naming), ..Token::at("20250301120000Z") };
        let record = judged(folder.path(), &sign(&image(), &Signature::default().add(token.attribute())), &[]);
        let found = format!("{}/{}", record["status"].as_str().unwrap(), record["reason"].as_str().unwrap());
        let stamp = &record["signatures"][0]["timestamps"][0];
        assert_eq!((found.as_str(), stamp["fault"].to_string().as_str()), (told, fault), "{name}");
        assert_eq!(stamp["verified"], fault == "null", "{name}");
    }
    // The authority's certificate was over at the stated time; another one for its key was not.
    let at = |cert: &Der| Token { naming: Some(vec![v2(&over)]), ..Token::at("20250301120000Z").from(cert.clone()) };
    let of = |cert: &Der| sign(&image(), &Signature::default().add(at(cert).attribute()));
    assert_eq!(verdict(folder.path(), &of(&over), &[]), "Untrusted/timestamp-untrusted");
    assert_eq!(verdict(folder.path(), &of(own), &[]), "Invalid/timestamp-invalid");
}

/// The hash is the declared one, whatever the signature algorithm calls itself.
#[test]
fn a_signature_algorithm_with_another_hash_in_its_name_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let of = |sig_alg: Option<Der>, scheme: Scheme| {
        let record =
            judged(folder.path(), &sign(&image(), &Signature { sig_alg, scheme, ..Signature::default() }), &[]);
        let told = |value: &Value| value.as_str().unwrap().to_owned();
        let notes = record["anomalies"].as_array().unwrap().iter().filter(|one| one["code"] == "signature-form");
        let notes: Vec<String> = notes.map(|one| told(&one["message"])).collect();
        (told(&record["reason"]), told(&record["signatures"][0]["signature_algorithm"]), notes.join("; "))
    };
    let note = |text: &str| if text.is_empty() { String::new() } else { format!("signature 0: {text}") };
    let found = |reason: &str, name: &str, text: &str| (reason.to_owned(), name.to_owned(), note(text));
    let named = |hash: Hash| Some(alg_null(hash.rsa_oid()));
    let other = "the signature algorithm names another hash than the digest algorithm";
    assert_eq!(of(None, Scheme::Pkcs1), found("ok", "RSA-SHA256", ""));
    assert_eq!(of(named(Hash::Sha256), Scheme::Pkcs1), found("ok", "RSA-SHA256", ""));
    assert_eq!(of(named(Hash::Sha1), Scheme::Pkcs1), found("ok", "RSA-SHA1", other));
    let bare = "a digest algorithm stands in place of the signature algorithm";
    assert_eq!(of(Some(Hash::Sha256.alg()), Scheme::Pkcs1), found("ok", "key's own-SHA256", bare));
    let short = "the signature's DigestInfo lacks the NULL parameters";
    assert_eq!(of(None, Scheme::Pkcs1NoNull), found("ok", "RSA-SHA256", short));
    // Parameters are more than a name.
    assert_eq!(of(None, Scheme::Pss), found("ok", "RSA-PSS-SHA256", ""));
    let params = seq(&[oid("1.2.840.113549.1.1.10"), pss_params(Hash::Sha1)]);
    assert_eq!(of(Some(params), Scheme::Pss), found("signer-signature", "RSA-PSS", ""));
}

/// MD2 is as weak where parameters say it as where the identifier does.
#[test]
fn a_weak_hash_hides_in_no_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("root.pem"), pem(&authority(dn("Fixture Curve Root"), Key::P256, 5).der())).unwrap();
    let pss = |hash: Hash| Cert { scheme: Scheme::Pss, hash, ..leaf() };
    let curve = |hash: Hash| {
        let sig_alg = Some(seq(&[oid("1.2.840.10045.4.3"), hash.alg()]));
        let cert = leaf().without(AUTHORITY_KEY_ID).by(&dn("Fixture Curve Root"), Key::P256);
        Cert { hash, sig_alg, ..cert }
    };
    for (hash, told) in [(Hash::Sha256, "Valid/ok"), (Hash::Md5, "Valid/ok"), (Hash::Md2, "Untrusted/weak-signature")] {
        let by = |cert: Cert| sign(&image(), &Signature::with(cert.der(), Key::Leaf));
        assert_eq!(verdict(folder, &by(pss(hash)), &[]), told, "PSS {hash:?}");
        assert_eq!(verdict(folder, &by(curve(hash)), &["--trust-store", "root.pem"]), told, "ECDSA {hash:?}");
    }
}

/// A critical statement of what a key is for that nobody can read allows nothing.
#[test]
fn an_unreadable_key_usage_is_not_none() {
    const KEY_USAGE: &str = "2.5.29.15";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let usage = |critical: bool, value: &[u8]| extension(KEY_USAGE, critical, &value.to_vec());
    let by = |leaf: Cert, inter: Cert| {
        let certs = vec![leaf.der(), inter.der()];
        sign(&image(), &Signature { certs, ..Signature::with(leaf.der(), Key::Leaf) })
    };
    let unreadable: [&[u8]; 6] = [&[], &[3], &[3, 1, 0], &[4, 1, 0x84], &[3, 5, 0, 0x86], &[0x23, 2, 0, 0x86]];
    for value in unreadable {
        for critical in [true, false] {
            let issuing = inter().without(KEY_USAGE).with(usage(critical, value));
            assert_eq!(verdict(folder, &by(leaf(), issuing), &[]), "Untrusted/basic-constraints", "{value:?}");
        }
        let signing = || by(leaf().without(KEY_USAGE).with(usage(true, value)), inter());
        assert_eq!(verdict(folder, &signing(), &[]), "Valid/ok", "{value:?}");
        assert_eq!(verdict(folder, &signing(), &["--policy", "rfc5280"]), "Untrusted/wrong-usage", "{value:?}");
    }
    // Needless bits, and no statement at all.
    for issuing in [inter().without(KEY_USAGE).with(usage(true, &[3, 3, 0, 0x86, 0])), inter().without(KEY_USAGE)] {
        assert_eq!(verdict(folder, &by(leaf(), issuing), &[]), "Valid/ok");
    }
}

/// RFC 5280 section 4.2.1.12 has digitalSignature or nonRepudiation for time stamping, and the former for code signing.
#[test]
fn a_time_authority_may_sign_what_it_answers_for() {
    const KEY_USAGE: &str = "2.5.29.15";
    let folder = tempfile::tempdir().unwrap();
    for (bits, told) in [
        (&[0][..], "Valid/ok"),
        (&[1], "Valid/ok"),
        (&[0, 1], "Valid/ok"),
        (&[2], "Untrusted/timestamp-untrusted"),
        (&[5, 6], "Untrusted/timestamp-untrusted"),
    ] {
        let authority = tsa().without(KEY_USAGE).with(key_usage(bits)).der();
        let token = Token::at("20250301120000Z").from(authority);
        let file = sign(&image(), &Signature::default().add(token.attribute()));
        assert_eq!(verdict(folder.path(), &file, &["--policy", "rfc5280"]), told, "{bits:?}");
    }
    let signing = Signature::with(leaf().without(KEY_USAGE).with(key_usage(&[1])).der(), Key::Leaf);
    let options = ["--policy", "rfc5280"];
    assert_eq!(verdict(folder.path(), &sign(&image(), &signing), &options), "Untrusted/wrong-usage");
}

/// The value of an attribute under another tag.
fn retagged(attribute: &[u8], tag: u8) -> Der {
    let [kind, values] = elements(split(attribute).0)[..] else { unreachable!() };
    seq(&[kind.to_vec(), set(&[tlv(tag, split(split(values).0).0)])])
}

/// The value of an attribute, an OCTET STRING, in pieces.
fn in_pieces(attribute: &[u8]) -> Der {
    let [kind, values] = elements(split(attribute).0)[..] else { unreachable!() };
    seq(&[kind.to_vec(), set(&[octets_in_pieces(split(split(values).0).0, 20)])])
}

/// What is signed is of the types that its structure has, not of whatever holds the same octets.
#[test]
fn signed_attributes_are_of_their_types() {
    let folder = tempfile::tempdir().unwrap();
    let of = |bend_attrs: fn(&mut Vec<Der>)| {
        verdict(folder.path(), &sign(&image(), &Signature { bend_attrs, ..Signature::default() }), &[])
    };
    assert_eq!(of(|attrs| attrs[0] = retagged(&attrs[0], 6)), "Valid/ok");
    assert_eq!(of(|attrs| attrs[0] = retagged(&attrs[0], 4)), "Invalid/signer-signature");
    assert_eq!(of(|attrs| attrs[0] = retagged(&attrs[0], 0x0d)), "Invalid/signer-signature");
    assert_eq!(of(|attrs| attrs[1] = retagged(&attrs[1], 4)), "Valid/ok");
    assert_eq!(of(|attrs| attrs[1] = retagged(&attrs[1], 3)), "Invalid/signer-signature");
    assert_eq!(of(|attrs| attrs[1] = retagged(&attrs[1], 0x0c)), "Invalid/signer-signature");
    assert_eq!(of(|attrs| attrs[1] = retagged(&attrs[1], 0x80)), "Invalid/signer-signature");
    // An OCTET STRING in pieces is one, and a SEQUENCE of the same pieces is none.
    assert_eq!(of(|attrs| attrs[1] = in_pieces(&attrs[1])), "Valid/ok");
    assert_eq!(of(|attrs| attrs[1] = retagged(&in_pieces(&attrs[1]), 0x30)), "Invalid/signer-signature");
}

/// What sigscan cannot compute is neither trusted nor untrusted.
#[test]
fn an_authority_under_an_algorithm_that_is_not_computed_is_not_untrusted() {
    let folder = tempfile::tempdir().unwrap();
    let dsa = || Some(alg("1.2.840.10040.4.3"));
    let stamped = |signature: Signature, sig_alg: Option<Der>| {
        let token = Token::at("20250301120000Z").from(Cert { sig_alg, ..tsa() }.der());
        judged(folder.path(), &sign(&image(), &signature.add(token.attribute())), &[])
    };
    let told = |record: &Value| {
        let reasons = record["other_reasons"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
        let first = [record["status"].as_str().unwrap(), record["reason"].as_str().unwrap()];
        first.into_iter().chain(reasons).collect::<Vec<&str>>().join(" ")
    };
    assert_eq!(told(&stamped(Signature::default(), None)), "Valid ok");
    let record = stamped(Signature::default(), dsa());
    assert_eq!(told(&record), "Error unsupported-algorithm timestamp-untrusted");
    let what = record["error"]["message"].as_str().unwrap().rsplit(": ").next().unwrap();
    assert_eq!(what, "DSA in the chain of a time authority");
    let broken = stamped(Signature { bend_digest: |digest| flip(digest), ..Signature::default() }, dsa());
    assert_eq!(told(&broken), "Invalid bad-digest timestamp-untrusted");
    let over = Signature::with(expired_leaf().der(), Key::Leaf);
    assert_eq!(told(&stamped(over, dsa())), "Expired cert-expired timestamp-untrusted");
    // Beside a timestamp that is usable it says nothing.
    let token = Token::at("20250301120000Z");
    assert_eq!(told(&stamped(Signature::default().add(token.attribute()), dsa())), "Valid ok");
}

#[test]
fn a_path_that_is_not_computed_goes_before_one_that_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let dsa = |cert: Cert| Cert { sig_alg: Some(alg("1.2.840.10040.4.3")), ..cert };
    let nowhere = || authority(inter_name(), Key::Inter, 9).by(&dn("Nowhere"), Key::Other);
    let of = |inters: Vec<Cert>| {
        let certs = [leaf()].iter().chain(&inters).map(Cert::der).collect();
        verdict(folder.path(), &sign(&image(), &Signature { certs, ..Signature::default() }), &[])
    };
    assert_eq!(of(vec![nowhere()]), "Untrusted/chain-incomplete");
    assert_eq!(of(vec![dsa(inter())]), "Error/unsupported-algorithm");
    assert_eq!(of(vec![dsa(inter()), nowhere()]), "Error/unsupported-algorithm");
    assert_eq!(of(vec![nowhere(), dsa(inter())]), "Error/unsupported-algorithm");
    assert_eq!(of(vec![dsa(inter()), nowhere(), inter()]), "Valid/ok");
    // One that would not do anyway is no better than the other.
    let unfit = || dsa(inter().without(lab::ca::BASIC_CONSTRAINTS).with(lab::ca::no_ca()));
    assert_eq!(of(vec![unfit(), nowhere()]), "Untrusted/chain-incomplete");
}
