//! Sets and sequences of a million elements wherever something is read one by one, depth without end, and signatures in
//! signatures in all directions.

use super::lab::ca::{Crl, crl_number, extension};
use super::lab::cast::{inter, inter_name, leaf};
use super::lab::catalog;
use super::lab::cms::{MESSAGE_DIGEST, SPC_NESTED_SIGNATURE, Signature, nested, ocsp_in_bag};
use super::lab::der::*;
use super::lab::keys::{Hash, Key};
use super::lab::ocsp::{Ocsp, Said};
use super::lab::pe::*;
use super::lab::stamp::{COUNTER_SIGNATURE, RFC3161_COUNTER_SIGN, Token};
use super::{expect, holding, image, signed, with_page_hashes};

const MILLION: usize = 1_000_000;

/// A million of the same.
fn million(element: Der) -> Der {
    element.repeat(MILLION)
}

/// A certificate of the publisher's with something about it changed.
fn by(cert: &super::lab::ca::Cert) -> Signature {
    Signature::with(cert.der(), Key::Leaf)
}

#[test]
pub fn a_million_digest_algorithms() {
    let file =
        signed(&Signature { digest_algs: Some(vec![million(seq(&[tlv(0x06, &[0x2a])]))]), ..Signature::default() });
    expect("million-digest-algorithms", &file, "Valid/ok", &[]);
}

#[test]
pub fn a_million_attributes() {
    let attribute = seq(&[tlv(0x06, &[0x2a]), set(&[])]);
    let many = million(attribute);
    let file = signed(&Signature::default().add(move |_| many.clone()));
    expect("million-unsigned-attributes", &file, "Valid/ok", &["unsigned-attributes"]);
    let bend_attrs = |attrs: &mut Vec<Der>| attrs.push(million(seq(&[tlv(0x06, &[0x2a]), set(&[])])));
    let file = signed(&Signature { bend_attrs, ..Signature::default() });
    expect("million-signed-attributes", &file, "Invalid/malformed", &[]);
}

/// In the order in which a sort has the most to do.
#[test]
pub fn a_million_values_of_an_attribute() {
    let descending: Der = (0..MILLION as u32).rev().flat_map(|number| octets(&number.to_be_bytes())).collect();
    let values = tlv(0x31, &descending);
    let unknown = seq(&[oid("2.999.4"), values.clone()]);
    let file = signed(&Signature::default().add(move |_| unknown.clone()));
    expect("million-values", &file, "Valid/ok", &["signer-info-der"]);
    for (name, kind, verdict, noted) in [
        ("million-nested-values", SPC_NESTED_SIGNATURE, "Valid/ok", &["signature-limit"][..]),
        ("million-tokens", RFC3161_COUNTER_SIGN, "Invalid/timestamp-invalid", &[]),
        ("million-counter-signatures", COUNTER_SIGNATURE, "Invalid/timestamp-invalid", &[]),
    ] {
        let attribute = seq(&[oid(kind), values.clone()]);
        expect(name, &signed(&Signature::default().add(move |_| attribute.clone())), verdict, noted);
    }
    let bend_attrs = |attrs: &mut Vec<Der>| attrs[1] = attribute(MESSAGE_DIGEST, &[million(null())]);
    let file = signed(&Signature { bend_attrs, ..Signature::default() });
    expect("million-message-digests", &file, "Invalid/signer-signature", &[]);
}

#[test]
pub fn a_million_certificates() {
    let certs = |element: Der| vec![leaf().der(), inter().der(), million(element)];
    let file = signed(&Signature { certs: certs(seq(&[])), ..Signature::default() });
    expect("million-certificates", &file, "Valid/ok", &["certificate-limit", "certificate-unreadable", "path-limit"]);
    let file = signed(&Signature { certs: certs(ctx(1, &[])), ..Signature::default() });
    expect("million-other-certificates", &file, "Valid/ok", &[]);
}

#[test]
pub fn a_million_signers() {
    let mut file = Signature::default().build(&image());
    let signers = elements(split(elements(split(elements(split(&file).0)[1]).0)[0]).0).last().unwrap().to_vec();
    let one = split(&signers).0.to_vec();
    file = super::numbers::replaced(&file, &[1, 0, 4], &tlv(0x31, &[one, million(seq(&[]))].concat()));
    expect("million-signers", &attach(&image(), &entry(&file)), "Invalid/malformed", &[]);
}

#[test]
pub fn a_million_parts_of_a_name() {
    let named = |relative: Der| {
        let mut cert = leaf();
        cert.subject = tlv(0x30, &[split(&cert.subject).0, &relative].concat());
        cert
    };
    expect("million-relative-names", &signed(&by(&named(million(set(&[]))))), "Valid/ok", &[]);
    let attribute = seq(&[tlv(0x06, &[0x55, 4, 3]), printable("x")]);
    let file = signed(&by(&named(set(&[million(attribute)]))));
    expect("million-name-attributes", &file, "Valid/ok", &[]);
}

#[test]
pub fn a_million_extensions_and_a_million_things_in_one() {
    let mut cert = leaf();
    cert.exts.push(million(seq(&[tlv(0x06, &[0x2a]), octets(&[])])));
    expect("million-extensions", &signed(&by(&cert)), "Invalid/no-signer-cert", &["certificate-unreadable"]);
    let with =
        |kind: &str, element: Der| leaf().without(kind).with(extension(kind, false, &tlv(0x30, &million(element))));
    let usages = with("2.5.29.37", oid("1.3.6.1.5.5.7.3.3"));
    expect("million-usages", &signed(&by(&usages)), "Untrusted/wrong-usage", &[]);
    let policies = with("2.5.29.32", seq(&[oid("2.999.6")]));
    expect("million-policies", &signed(&by(&policies)), "Untrusted/policy", &[]);
    let names = with("2.5.29.17", ctx_prim(2, b"x.example"));
    expect("million-alternative-names", &signed(&by(&names)), "Valid/ok", &[]);
    let points = with("2.5.29.31", seq(&[]));
    let file = signed(&Signature { crls: vec![listing(&[]).der()], ..by(&points) });
    expect("million-points", &file, "Valid/ok", &[]);
    let access = with("1.3.6.1.5.5.7.1.1", seq(&[]));
    expect("million-access-descriptions", &signed(&by(&access)), "Valid/ok", &[]);
}

/// The intermediate's current list, with these entries.
fn listing(entries: &[Der]) -> Crl {
    let crl = Crl::by(inter_name(), Key::Inter).with(super::lab::ca::aki(&Key::Inter.id())).with(crl_number(7));
    Crl { entries: entries.to_vec(), ..crl }
}

#[test]
pub fn a_million_revoked_serial_numbers() {
    // A million entries of the least size that can be read, and the publisher's behind them.
    let other: Der = seq(&[int_raw(&[1]), tlv(0x17, &[])]);
    let publisher = super::lab::revoked::leaf_before().entries.concat();
    let file = signed(&Signature { crls: vec![listing(&[million(other), publisher]).der()], ..Signature::default() });
    expect("million-crl-entries", &file, "Revoked/cert-revoked", &[]);
    // The publisher's own serial number, a hundred thousand times, under an issuer that has as many names.
    let indirect = super::lab::ca::distribution_point(&ctx_prim(4, &[0xff]));
    let names: Der = (0..300_000).flat_map(|_| ctx(4, &seq(&[]))).collect();
    let issuers = extension("2.5.29.29", true, &tlv(0x30, &names));
    let first = listing(&[]).lists(&[1], "20250101000000Z", &[issuers]).entries.concat();
    let same = seq(&[int_raw(&super::lab::revoked::LEAF), tlv(0x17, &[])]);
    for (name, count) in [("crl-issuer-names", 4_000), ("crl-same-serial", 100_000)] {
        let crl = listing(&[first.clone(), same.repeat(count)]).with(indirect.clone());
        expect(
            name,
            &signed(&Signature { crls: vec![crl.der()], ..Signature::default() }),
            "Valid/ok",
            &["crl-unusable"],
        );
    }
}

#[test]
pub fn a_million_revocation_lists() {
    for (name, element) in [("million-crls", seq(&[])), ("million-other-lists", ctx(1, &[]))] {
        expect(name, &signed(&Signature { crls: vec![million(element)], ..Signature::default() }), "Valid/ok", &[]);
    }
    // Lists behind the documented number are not looked at, one that revokes among them.
    let silent = listing(&[]).der();
    let revoking = super::lab::revoked::leaf_before().der();
    for (name, before, verdict) in [("crl-64th", 63, "Revoked/cert-revoked"), ("crl-65th", 64, "Valid/ok")] {
        let crls = [vec![silent.clone(); before], vec![revoking.clone()]].concat();
        expect(name, &signed(&Signature { crls, ..Signature::default() }), verdict, &[]);
    }
}

#[test]
pub fn ocsp_responses_without_end() {
    let answered = |others: u32, certs: Vec<Der>| {
        let mut response = Ocsp::by(Key::Inter);
        let one = Ocsp::by(Key::Inter).about(&inter_name(), Key::Inter, &[7], Said::Good).answers.concat();
        response.answers.push(one.repeat(others as usize));
        let said = Said::Revoked("20250301115959Z", 1);
        let response = Ocsp { certs, ..response.about(&inter_name(), Key::Inter, &super::lab::revoked::LEAF, said) };
        Signature { crls: vec![ocsp_in_bag(&response.der())], ..Signature::default() }
    };
    for (name, others, verdict) in [
        ("ocsp-1024th-answer", 1_023, "Revoked/cert-revoked"),
        ("ocsp-1025th-answer", 1_024, "Valid/ok"),
        ("ocsp-answers", 100_000, "Valid/ok"),
    ] {
        expect(name, &signed(&answered(others, Vec::new())), verdict, &[]);
    }
    expect("ocsp-certificates", &signed(&answered(0, vec![million(seq(&[]))])), "Revoked/cert-revoked", &[]);
    let one = super::lab::revoked::response("revoked-before");
    let silent = super::lab::revoked::response("wrong-serial");
    for (name, before, verdict) in [("ocsp-64th", 63, "Revoked/cert-revoked"), ("ocsp-65th", 64, "Valid/ok")] {
        let crls = [vec![ocsp_in_bag(&silent); before], vec![ocsp_in_bag(&one)]].concat();
        expect(name, &signed(&Signature { crls, ..Signature::default() }), verdict, &[]);
    }
}

#[test]
pub fn a_million_members_of_a_catalog() {
    let file = catalog::catalog(
        catalog::list(catalog::MEMBER_V2, &[million(seq(&[octets(&[]), set(&[])]))]),
        Signature::default(),
    );
    expect("million-members", &file, "Valid/ok", &[]);
}

#[test]
pub fn a_hundred_timestamps() {
    let mut signature = Signature::default();
    for _ in 0..100 {
        signature = signature.add(Token::at("20250301120000Z").attribute());
    }
    expect("timestamps-100", &signed(&signature), "Valid/ok", &[]);
    // The first good one is the seventeenth.
    let mut signature = Signature::default();
    for number in 0..17 {
        signature = signature.add(Token { broken: number < 16, ..Token::at("20250301120000Z") }.attribute());
    }
    expect("timestamp-17th", &signed(&signature), "Invalid/timestamp-invalid", &[]);
}

#[test]
pub fn a_hundred_entries_in_the_certificate_table() {
    let pkcs7 = Signature::by(Key::P256).build(&image());
    let file = attach(&image(), &entry(&pkcs7).repeat(100));
    expect("table-entries", &file, "Valid/ok", &["table-entries", "signature-limit"]);
}

/// A million levels, each around the next, with lengths of four octets.
fn deep(tag: u8) -> Der {
    let depth = MILLION as u32;
    (0..depth).flat_map(|level| [&[tag, 0x84][..], &(6 * (depth - 1 - level)).to_be_bytes()].concat()).collect()
}

#[test]
pub fn a_million_levels() {
    expect("million-levels", &holding(&deep(0x30)), "Invalid/malformed", &[]);
    let value = tlv(0x31, &deep(0x30));
    let value = seq(&[oid("2.999.4"), value]);
    expect(
        "million-levels-attribute",
        &signed(&Signature::default().add(move |_| value.clone())),
        "Valid/ok",
        &["signer-info-der"],
    );
    let pieces = deep(0x24);
    let file = signed(&Signature { wrapped: false, content: Some(pieces), ..Signature::default() });
    expect("million-levels-content", &file, "Invalid/malformed", &[]);
    let cert = leaf().with(extension("2.999.5", false, &deep(0x30)));
    expect("million-levels-extension", &signed(&by(&cert)), "Valid/ok", &[]);
    let mut cert = leaf();
    cert.subject = deep(0x30);
    expect("million-levels-name", &signed(&by(&cert)), "Valid/ok", &[]);
    let file = signed(&Signature { opus: deep(0xa0), ..Signature::default() });
    expect("million-levels-opus", &file, "Valid/ok", &["signer-info-der"]);
}

/// Three signatures in each, five levels deep: 364 of them.
#[test]
pub fn a_tree_of_signatures() {
    let image = image();
    let mut inner = Signature::by(Key::P256).build(&image);
    for _ in 0..5 {
        inner = Signature::default().add(nested(vec![inner; 3])).build(&image);
    }
    expect("nested-tree", &attach(&image, &entry(&inner)), "Valid/ok", &["signature-limit"]);
}

#[test]
pub fn page_hashes_as_long_as_the_file() {
    let mut image = Pe::pe32();
    image.header_size = 0x400;
    image.sections = vec![code(0x1000, 0x400, 8 << 20)];
    let image = padded(&image.bytes());
    let pages = super::lab::pages::table(&image, Hash::Sha256, 4096);
    let filled = pages.len() - 36;
    for (name, list) in [
        ("pages-of-the-file", pages.clone()),
        ("pages-as-long-as-the-file", [pages[..filled].repeat(image.len() / filled), vec![0; 36]].concat()),
    ] {
        expect(name, &with_page_hashes(&image, &list), "Valid/ok", &[]);
    }
}
