//! Numbers and object identifiers far beyond any use: keys of 64 kilobits with exponents as long, integers and identifiers of
//! a megabyte wherever one is read.

use super::lab::ca::{Cert, Crl, aki, delta_of, extension, inhibit_any_policy};
use super::lab::cast::{authority, inter, inter_name, leaf, root_name, tsa, tsa_root_name};
use super::lab::cms::{Signature, ocsp_in_bag};
use super::lab::der::*;
use super::lab::keys::Key;
use super::lab::ocsp::{Ocsp, Said};
use super::lab::pe::*;
use super::lab::stamp::Token;
use super::{expect, image, signed};

/// The element with another one in the place that a path of positions leads to.
pub fn replaced(element: &[u8], path: &[usize], new: &[u8]) -> Der {
    let Some((position, rest)) = path.split_first() else { return new.to_vec() };
    let mut children: Vec<Der> = elements(split(element).0).into_iter().map(<[u8]>::to_vec).collect();
    children[*position] = replaced(&children[*position], rest, new);
    tlv(element[0], &children.concat())
}

/// An RSA key of any octets.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Der {
    seq(&[alg_null("1.2.840.113549.1.1.1"), bits(&seq(&[uint(modulus), uint(exponent)]))])
}

/// The octets of a large odd number.
fn odd(length: usize) -> Vec<u8> {
    vec![0xc5; length]
}

/// The key as signer, as authority, as time authority, and on its own.
fn everywhere(stem: &str, key: &Der, verdicts: [&str; 4]) {
    let with = |cert: Cert| Cert { spki: key.clone(), ..cert };
    let file = signed(&Signature::with(with(leaf()).der(), Key::Leaf));
    expect(&format!("{stem}-signer"), &file, verdicts[0], &[]);
    let certs = vec![leaf().der(), with(inter()).der()];
    expect(&format!("{stem}-authority"), &signed(&Signature { certs, ..Signature::default() }), verdicts[1], &[]);
    let token = Token::at("20250301120000Z").from(with(tsa()).der());
    expect(&format!("{stem}-time-authority"), &signed(&Signature::default().add(token.attribute())), verdicts[2], &[]);
    let alone = with(super::lab::cast::self_signed(super::lab::ca::dn("Giant"))).der();
    let file = signed(&Signature { certs: vec![alone.clone()], ..Signature::with(alone, Key::Leaf) });
    expect(&format!("{stem}-self-signed"), &file, verdicts[3], &[]);
}

#[test]
pub fn keys_of_64_kilobits() {
    let unsupported = "Error/unsupported-algorithm";
    everywhere("rsa-65536", &rsa(&odd(8_192), &odd(8_192)), [unsupported; 4]);
    everywhere("rsa-4-megabytes", &rsa(&odd(4 << 20), &odd(4 << 20)), [unsupported; 4]);
    // A modulus that is computed with, and an exponent of its length.
    everywhere("rsa-exponent", &rsa(&odd(256), &odd(256)), [unsupported; 4]);
}

/// As many keys at the upper limit as the search tries, each with the largest exponent that is computed with.
#[test]
pub fn the_largest_keys_with_the_largest_exponents() {
    let key = |number: u8| rsa(&[&[0xc5; 2_046][..], &[number, 1]].concat(), &[0xff; 8]);
    let namesakes = (0..64u8).map(|number| {
        let cert = Cert { spki: key(number), serial: vec![1, number], ..inter().without("2.5.29.14") };
        Cert { broken: true, ..cert }.der()
    });
    let mut certs = vec![leaf().without("2.5.29.35").der()];
    certs.extend(namesakes);
    let cert = Cert { spki: key(200), ..leaf().without("2.5.29.35") }.der();
    certs[0].clone_from(&cert);
    let signature =
        Signature { certs, bend_signature: |value| *value = vec![0x5a; 2_048], ..Signature::with(cert, Key::Leaf) };
    let mut timestamps = signature;
    for _ in 0..16 {
        let tsa = Cert { spki: key(201), ..tsa().without("2.5.29.35") }.by(&tsa_root_name(), Key::TsaRoot);
        timestamps = timestamps.add(Token::at("20250301120000Z").from(tsa.der()).attribute());
    }
    expect("rsa-16384", &signed(&timestamps), "Error/limit", &["path-limit"]);
}

/// An object identifier of a megabyte: one arc, or a million of them.
fn giant_oid(arcs: bool) -> Der {
    tlv(0x06, &[vec![if arcs { 0x01 } else { 0x81 }; 1 << 20], vec![1]].concat())
}

#[test]
pub fn object_identifiers_of_a_megabyte() {
    for arcs in [false, true] {
        let id = giant_oid(arcs);
        let name = |what: &str| format!("oid-{}-{what}", if arcs { "arcs" } else { "arc" });
        let plain = || Signature::default().build(&image());
        let file = |pkcs7: &[u8]| attach(&image(), &entry(pkcs7));
        let bent = |path: &[usize], new: &Der| file(&replaced(&plain(), path, new));
        let algorithm = seq(std::slice::from_ref(&id));
        expect(&name("type"), &bent(&[0], &id), "Invalid/malformed", &[]);
        expect(&name("digest-algorithms"), &bent(&[1, 0, 1, 0], &algorithm), "Valid/ok", &[]);
        expect(&name("content-type"), &bent(&[1, 0, 2, 0], &id), "Invalid/malformed", &[]);
        let file_alg = Some(algorithm.clone());
        let by = signed(&Signature { file_alg, ..Signature::default() });
        expect(&name("file-digest"), &by, "Error/unsupported-algorithm", &[]);
        expect(
            &name("digest"),
            &bent(&[1, 0, 4, 0, 2], &algorithm),
            "Error/unsupported-algorithm",
            &["signer-info-der"],
        );
        expect(
            &name("signature"),
            &bent(&[1, 0, 4, 0, 4], &algorithm),
            "Error/unsupported-algorithm",
            &["signer-info-der"],
        );
        expect(
            &name("signed-attribute"),
            &bent(&[1, 0, 4, 0, 3, 0, 0], &id),
            "Invalid/signer-signature",
            &["signer-info-der"],
        );
        let attribute = seq(&[id.clone(), set(&[null()])]);
        expect(
            &name("attribute"),
            &signed(&Signature::default().add(move |_| attribute.clone())),
            "Valid/ok",
            &["signer-info-der"],
        );
        let with = |cert: Cert| signed(&Signature::with(cert.der(), Key::Leaf));
        let one = leaf().with(seq(&[id.clone(), octets(&[])]));
        expect(&name("extension"), &with(one), "Valid/ok", &[]);
        let one = leaf().with(seq(&[id.clone(), boolean(true), octets(&[])]));
        expect(&name("critical-extension"), &with(one), "Untrusted/critical-ext", &[]);
        let one = leaf().without("2.5.29.37").with(extension("2.5.29.37", false, &algorithm));
        expect(&name("usage"), &with(one), "Untrusted/wrong-usage", &[]);
        let one = leaf().with(extension("2.5.29.32", false, &seq(std::slice::from_ref(&algorithm))));
        expect(&name("policy"), &with(one), "Valid/ok", &[]);
        let mut one = leaf();
        one.subject = seq(&[set(&[seq(&[id.clone(), printable("x")])])]);
        expect(&name("name"), &with(one), "Valid/ok", &[]);
        let one = Cert { spki: seq(&[algorithm.clone(), bits(&[1; 64])]), ..leaf() };
        expect(&name("key"), &with(one), "Error/unsupported-algorithm", &[]);
        let curve = seq(&[oid("1.2.840.10045.2.1"), id.clone()]);
        let one = Cert { spki: seq(&[curve, bits(&[4; 65])]), ..leaf() };
        expect(&name("curve"), &with(one), "Error/unsupported-algorithm", &[]);
        let one = Cert { sig_alg: Some(algorithm.clone()), ..leaf() };
        expect(&name("certificate-signature"), &with(one), "Error/unsupported-algorithm", &[]);
    }
}

#[test]
pub fn integers_of_a_megabyte() {
    let digits = vec![0x5a; 1 << 20];
    let giant = int_raw(&digits);
    let bent =
        |path: &[usize]| attach(&image(), &entry(&replaced(&Signature::default().build(&image()), path, &giant)));
    expect("integer-version", &bent(&[1, 0, 0]), "Invalid/malformed", &[]);
    expect("integer-signer-version", &bent(&[1, 0, 4, 0, 0]), "Invalid/malformed", &[]);
    let with = |cert: &Cert| signed(&Signature::with(cert.der(), Key::Leaf));
    expect("integer-serial", &with(&Cert { serial: digits.clone(), ..leaf() }), "Valid/ok", &["signer-info-der"]);
    expect(
        "integer-serial-negative",
        &with(&Cert { serial: vec![0xff; 1 << 20], ..leaf() }),
        "Valid/ok",
        &["signer-info-der"],
    );
    // Of an authority: a path length, and what policies may follow.
    let by = |issuer: Cert| {
        let certs = vec![leaf().der(), issuer.der()];
        signed(&Signature { certs, ..Signature::default() })
    };
    let constraints = extension("2.5.29.19", true, &seq(&[boolean(true), giant.clone()]));
    let limited = inter().without("2.5.29.19").with(constraints);
    expect("integer-path-length", &by(limited), "Untrusted/basic-constraints", &[]);
    let inhibited = extension("2.5.29.54", true, &giant);
    assert_ne!(inhibited, inhibit_any_policy(0));
    expect("integer-any-policy", &by(inter().with(inhibited)), "Untrusted/policy", &[]);
    let required = extension("2.5.29.36", true, &seq(&[ctx_prim(0, &digits)]));
    expect("integer-explicit-policy", &by(inter().with(required)), "Untrusted/policy", &[]);
    // Of lists and responses.
    let list = |extension: Der| Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id())).with(extension);
    let lists =
        [list(extension("2.5.29.20", false, &giant)), list(delta_of(7)).with(extension("2.5.29.20", false, &giant))];
    let crls = lists.iter().map(Crl::der).collect();
    expect("integer-crl-numbers", &signed(&Signature { crls, ..Signature::default() }), "Valid/ok", &[]);
    let cert = Cert { serial: digits.clone(), ..leaf() }.der();
    let response = Ocsp::by(Key::Inter).about(&inter_name(), Key::Inter, &digits, Said::Revoked("20250301115959Z", 1));
    let crls = vec![ocsp_in_bag(&response.der())];
    let file = signed(&Signature { crls, ..Signature::with(cert.clone(), Key::Leaf) });
    expect("integer-ocsp-serial", &file, "Revoked/cert-revoked", &["signer-info-der"]);
    let crl = Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id())).lists(&digits, "20250301115959Z", &[]);
    let file = signed(&Signature { crls: vec![crl.der()], ..Signature::with(cert, Key::Leaf) });
    expect("integer-crl-serial", &file, "Revoked/cert-revoked", &["signer-info-der"]);
}

/// A chain of twelve below the root is followed, one of thirteen is not.
#[test]
pub fn chains_of_twelve_and_of_thirteen() {
    for (name, length, verdict) in [("chain-12", 11, "Valid/ok"), ("chain-13", 12, "Untrusted/chain-incomplete")] {
        let cert = leaf().without("2.5.29.35").by(&super::node(0), Key::P256).der();
        let mut certs = vec![cert.clone()];
        for level in 0..length {
            let by = authority(super::node(level), Key::P256, 1 + level as u8).without("2.5.29.14");
            let last = level + 1 == length;
            certs.push(
                if last { by.by(&root_name(), Key::Root) } else { by.by(&super::node(level + 1), Key::P256) }.der(),
            );
        }
        expect(name, &signed(&Signature { certs, ..Signature::with(cert, Key::Leaf) }), verdict, &[]);
    }
}
