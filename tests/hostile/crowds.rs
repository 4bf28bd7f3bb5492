//! Certificates by the thousand that all share what a search tells them apart by, and what stands around them.

use super::lab::ca::{AUTHORITY_KEY_ID, COMMON_NAME, Cert, aki, crl_points, distribution_points, extension, name, ski};
use super::lab::cast::{authority, inter, leaf};
use super::lab::cms::{Signature, nested};
use super::lab::der::*;
use super::lab::keys::{Hash, Key, Scheme};
use super::lab::pe::*;
use super::lab::stamp::Counter;
use super::{expect, image, signed};

/// A name of nearly four thousand octets, about the longest that is compared by its meaning.
fn vast(end: &str) -> Der {
    name(&[(COMMON_NAME, printable(&("Vast Name ".repeat(380) + end)))])
}

/// As many certificates of one subject and one key as are asked for: each names itself as its issuer in another spelling,
/// and asks for an issuer of another key identifier. Nobody signed any of them.
fn crowd(subject: &Der, issuer: &Der, serial: &[u8], count: u32) -> Vec<Der> {
    let algorithm = Key::P256.sig_alg(Key::P256.scheme(), Hash::Sha256);
    let validity = seq(&[time("20000101000000Z"), time("20450101000000Z")]);
    (0..count)
        .map(|number| {
            let extensions = ctx(3, &seq(&[super::lab::ca::ca(None), aki(&number.to_be_bytes())]));
            let serial = int_raw(serial);
            let fields = [ctx(0, &small(2)), serial, algorithm.clone(), issuer.clone(), validity.clone()];
            let fields = [&fields[..], &[subject.clone(), Key::P256.spki(), extensions]].concat();
            seq(&[seq(&fields), algorithm.clone(), bits(&[0x5a; 70])])
        })
        .collect()
}

#[test]
pub fn a_crowd_of_one_vast_name_and_one_key() {
    let (subject, issuer) = (vast("END"), vast("end"));
    let cert = leaf().without(AUTHORITY_KEY_ID).by(&subject, Key::P256).der();
    let certs = [vec![cert.clone()], crowd(&subject, &issuer, &[9], 1_900)].concat();
    let file = signed(&Signature { certs, ..Signature::with(cert, Key::Leaf) });
    expect("crowd", &file, "Error/limit", &["path-limit"]);
}

/// Every timestamp gathers the certificates around it and looks for its authority among them: here all have its serial
/// number and none its issuer.
#[test]
pub fn a_crowd_around_five_hundred_timestamps() {
    let image = image();
    let stamped = |mut signature: Signature| {
        let cert = Cert::own(vast("authority"), Key::Tsa, &[0x74]).der();
        for _ in 0..16 {
            signature = signature.add(Counter { cert: cert.clone(), ..Counter::at("20250301120000Z") }.attribute());
        }
        signature
    };
    let inner = stamped(Signature::by(Key::P256)).build(&image);
    let mut outer = Signature::default().add(nested(vec![inner; 31]));
    outer.certs.extend(crowd(&vast("END"), &vast("end"), &[0x74], 800));
    expect("crowd-and-timestamps", &sign(&image, &outer), "Valid/ok", &[]);
}

/// One key identifier and one name for everybody, and a key of its own for each.
#[test]
pub fn a_crowd_of_one_name_and_one_key_identifier() {
    let fake = |number: u32| {
        let modulus = [&[0xc5; 252][..], &(number | 1).to_be_bytes()].concat();
        let key = seq(&[uint(&modulus), small(65_537)]);
        seq(&[alg_null("1.2.840.113549.1.1.1"), bits(&key)])
    };
    let mut template = inter().without("2.5.29.14").with(ski(&Key::Inter.id()));
    let others: Vec<Der> = (0..4_000u32)
        .map(|number| {
            template.spki = fake(number * 2);
            let der = template.der_unsigned(number);
            assert!(der.len() < 2_000);
            der
        })
        .collect();
    let certs = [vec![leaf().der()], others, vec![inter().der()]].concat();
    let file = signed(&Signature { certs, ..Signature::default() });
    expect("crowd-of-keys", &file, "Error/limit", &["path-limit"]);
}

/// A certificate of megabytes is hashed for each key that may have signed it.
#[test]
pub fn a_vast_certificate_and_thirty_possible_issuers() {
    let fake = |number: u8| {
        let modulus = [&[0xc5; 60][..], &[0, 0, number, 1]].concat();
        let key = seq(&[uint(&modulus), small(3)]);
        Cert { spki: seq(&[alg_null("1.2.840.113549.1.1.1"), bits(&key)]), serial: vec![1, number], ..inter() }
    };
    let issuers: Vec<Der> = (0..32).map(|number| fake(number).without("2.5.29.14").der()).collect();
    let filling = extension("2.999.5", false, &octets(&vec![0x5a; 12 << 20]));
    for (name, hash) in [("vast-certificate-sha1", Hash::Sha1), ("vast-certificate-md2", Hash::Md2)] {
        let cert = leaf().without(AUTHORITY_KEY_ID).with(filling.clone());
        // Signed with another hash than it says, and so by nobody.
        let cert = Cert { sig_alg: Some(Key::Inter.sig_alg(Scheme::Pkcs1, hash)), ..cert }.der();
        let certs = [vec![cert.clone()], issuers.clone()].concat();
        let file = signed(&Signature { certs, ..Signature::with(cert, Key::Leaf) });
        expect(name, &file, "Error/limit", &["path-limit"]);
    }
}

/// Each timestamp digests the signature value that it stamps. What they cost does not hide that nobody made that value, and
/// with MD2, which proves nothing, they cost nothing.
#[test]
pub fn timestamps_over_a_vast_signature_value() {
    let limits = [("vast-value-sha1", Hash::Sha1, &["path-limit"][..]), ("vast-value-md2", Hash::Md2, &[])];
    for (name, hash, noted) in limits {
        let mut signature = Signature::default();
        for _ in 0..16 {
            signature =
                signature.add(Counter { hash, wrong_digest: true, ..Counter::at("20250301120000Z") }.attribute());
        }
        signature.certs.push(super::lab::cast::tsa().der());
        signature.bend_signature = |value| value.resize(15 << 20, 0x5a);
        expect(name, &signed(&signature), "Invalid/signer-signature", noted);
    }
}

/// Every chain has two certificates for each of its authorities, every authority excludes a hundred vast names, and every
/// certificate has as many: all of them differ at their ends only.
#[test]
pub fn quadratic_name_constraints() {
    let many = |letter: char| (0..100).map(|number| vast(&format!("{letter}{number}"))).collect::<Vec<_>>();
    let names: Der = many('n').iter().flat_map(|name| ctx(4, name)).collect();
    let san = seq(&[oid("2.5.29.17"), octets(&tlv(0x30, &names))]);
    let constraints = super::lab::ca::name_constraints(&[], &many('c'));
    let node = |level: u8| super::node(usize::from(level));
    let mut certs = Vec::new();
    let cert = leaf().without(AUTHORITY_KEY_ID).with(san.clone()).by(&node(0), Key::P256).der();
    certs.push(cert.clone());
    for level in 0..8u8 {
        for twin in 0..2 {
            let by = authority(node(level), Key::P256, 1).by(&node(level + 1), Key::P256);
            let by = Cert { serial: vec![1, level, twin], ..by.with(constraints.clone()).with(san.clone()) };
            certs.push(by.der());
        }
    }
    certs.push(authority(node(8), Key::P256, 9).der());
    let file = signed(&Signature { certs, ..Signature::with(cert, Key::Leaf) });
    expect("name-constraints-quadratic", &file, "Error/limit", &["path-limit"]);
}

/// The names of a list's distribution point are compared with those of the certificate.
#[test]
pub fn distribution_points_of_half_a_million_names() {
    let names =
        |from: u32| -> Der { (from..from + 500_000).flat_map(|name| ctx_prim(6, &name.to_be_bytes())).collect() };
    let point = |from| ctx(0, &ctx(0, &names(from)));
    let mut issuer = inter();
    issuer.spki = Key::P256.spki();
    let issuer = issuer.without("2.5.29.14").der();
    let cert = leaf().without(AUTHORITY_KEY_ID).by(&super::lab::cast::inter_name(), Key::P256);
    let cert = cert.with(distribution_points(&[point(0)])).with(crl_points(&["http://fixture.example/a.crl"])).der();
    let crl = super::lab::ca::Crl::by(super::lab::cast::inter_name(), Key::P256)
        .with(super::lab::ca::distribution_point(&point(1 << 30)));
    let certs = vec![cert.clone(), issuer];
    let file = signed(&Signature { certs, crls: vec![crl.der(); 2], ..Signature::with(cert, Key::Leaf) });
    expect("point-names", &file, "Valid/ok", &["crl-unusable"]);
}
