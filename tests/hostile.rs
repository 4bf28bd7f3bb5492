//! Files made to cost: counts, depths and graphs far beyond what any signer writes, each with its documented answer.
//!
//! Records are compared whole with `tests/hostile/*.json`; `SIGSCAN_BLESS=1 cargo test --test hostile` writes them anew.
//! Status, reason and the anomalies that say which limit was hit are demanded here. `tests/limits.tsv` says which test stands
//! for which limit and which trap.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "hostile/crowds.rs"]
mod crowds;
#[path = "lab/mod.rs"]
mod lab;
#[path = "hostile/numbers.rs"]
mod numbers;
#[path = "program/mod.rs"]
mod program;
#[path = "hostile/sets.rs"]
mod sets;
#[path = "hostile/surplus.rs"]
mod surplus;
#[path = "hostile/together.rs"]
mod together;

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lab::ca::{AUTHORITY_KEY_ID, Cert, SUBJECT_KEY_ID, dn, name_constraints};
use lab::cast::{authority, inter, leaf, root_name};
use lab::cms::{MESSAGE_DIGEST, SIGNED_DATA, SPC_INDIRECT_DATA, Signature, nested};
use lab::der::*;
use lab::keys::{Hash, Key};
use lab::pages;
use lab::pe::*;
use lab::stamp::Token;
use program::scanner;
use sigscan::Record;

/// A guard against hanging on a slow and busy machine without optimisation, no measure of speed: what bounds the time is the
/// work that is counted.
const HANG: Duration = Duration::from_secs(300);

thread_local! {
    /// Where files are written to instead of being judged.
    static KEEP: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Judges the file in bounded time and compares verdict and limits noted; `None` where the file was to be kept instead.
fn expect(name: &str, file: &[u8], verdict: &str, noted: &[&str]) -> Option<Record> {
    if let Some(folder) = KEEP.with_borrow(Clone::clone) {
        fs::write(folder.join(format!("{name}.exe")), file).unwrap();
        return None;
    }
    let scanner = scanner(&["root", "tsa-root"], lab::catalogue::AT, &[]);
    let start = Instant::now();
    let record = scanner.scan_bytes(name, file);
    let took = start.elapsed();
    assert!(took < HANG, "{name}: {took:?}");
    let codes: Vec<&str> = record.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect();
    assert_eq!((program::verdict(&record).0.as_str(), &codes[..]), (verdict, noted), "{name}");
    Some(record)
}

/// The same, and compares the whole record.
fn check(name: &str, file: &[u8], verdict: &str, noted: &[&str]) {
    let Some(record) = expect(name, file, verdict, noted) else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/hostile/{name}.json"));
    let text = serde_json::to_string_pretty(&record).unwrap() + "\n";
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name}");
}

fn image() -> Vec<u8> {
    padded(&Pe::pe32().bytes())
}

fn signed(signature: &Signature) -> Vec<u8> {
    sign(&image(), signature)
}

/// The small PE32 with anything in the place of the PKCS#7.
fn holding(pkcs7: &[u8]) -> Vec<u8> {
    attach(&image(), &entry(pkcs7))
}

/// Certificates of one subject, none of which is signed by anybody: the serial numbers differ.
fn namesakes(cert: &Cert, count: u32) -> Vec<Der> {
    let der = cert.der();
    let [_, algorithm, signature] = elements(split(&der).0)[..] else { unreachable!() };
    (0..count)
        .map(|number| {
            let mut one = cert.clone();
            one.serial = [&[0x40], &number.to_be_bytes()[..]].concat();
            let version = ctx(0, &small(2));
            let validity = seq(&[one.not_before, one.not_after]);
            let exts = ctx(3, &seq(&one.exts));
            let serial = int_raw(&one.serial);
            let fields = [version, serial, algorithm.to_vec(), one.issuer, validity, one.subject, one.spki, exts];
            seq(&[seq(&fields), algorithm.to_vec(), signature.to_vec()])
        })
        .collect()
}

#[test]
fn ten_thousand_namesakes_of_the_issuer() {
    let impostor = inter().without(SUBJECT_KEY_ID);
    let impostor = Cert { spki: Key::Other.spki(), ..impostor };
    let many = namesakes(&impostor, 10_000);
    let unnamed = leaf().without(AUTHORITY_KEY_ID).der();
    let bag = |front: &[Der], back: &[Der]| Signature {
        certs: [front, &many, back].concat(),
        ..Signature::with(unnamed.clone(), Key::Leaf)
    };
    // The right one comes first: it is tried first.
    let file = signed(&bag(&[unnamed.clone(), inter().der()], &[]));
    check("namesakes-behind", &file, "Valid/ok", &["certificate-limit", "path-limit"]);
    // It comes after more candidates than the search tries: that it was not found proves nothing.
    let file = signed(&bag(std::slice::from_ref(&unnamed), &[inter().der()]));
    check("namesakes-before", &file, "Error/limit", &["certificate-limit", "path-limit"]);
}

#[test]
fn ten_thousand_namesakes_of_the_signer() {
    let many = namesakes(&leaf(), 10_000);
    let certs = [many, vec![leaf().der(), inter().der()]].concat();
    // Certificates behind the documented limit are not looked at, the signer's among them.
    let file = signed(&Signature { certs, ..Signature::default() });
    check("signer-behind-limit", &file, "Invalid/no-signer-cert", &["certificate-limit"]);
}

#[test]
fn ten_thousand_signers() {
    let file = signed(&Signature { signers: 10_000, ..Signature::default() });
    check("signers", &file, "Invalid/malformed", &[]);
}

#[test]
fn signatures_in_signatures() {
    let image = image();
    let mut inner = Signature::default().build(&image);
    for _ in 0..60 {
        inner = Signature::default().add(nested(vec![inner])).build(&image);
    }
    check("nested-levels", &attach(&image, &entry(&inner)), "Valid/ok", &["signature-limit"]);
    let value = Signature::by(Key::P256).build(&image);
    let file = signed(&Signature::default().add(nested(vec![value; 500])));
    check("nested-values", &file, "Valid/ok", &["signature-limit"]);
    let file = signed(&Signature::default().add(nested(vec![null(); 100_000])));
    check("nested-values-of-nothing", &file, "Valid/ok", &["signature-limit"]);
}

/// Every signature that is read brings a bag of its own, every timestamp looks into every bag around it.
#[test]
fn signatures_times_timestamps_times_certificates() {
    let image = image();
    let many = namesakes(&authority(dn("Nobody Asked"), Key::P256, 1), 1_000);
    let stamped = |mut signature: Signature| {
        for _ in 0..16 {
            signature = signature.add(Token::at("20250301120000Z").attribute());
        }
        signature.certs.extend(many.clone());
        signature
    };
    let mut inner = stamped(Signature::default()).build(&image);
    for _ in 0..3 {
        inner = stamped(Signature::default()).add(nested(vec![inner])).build(&image);
    }
    check("bags-in-bags", &attach(&image, &entry(&inner)), "Valid/ok", &[]);
}

fn node(number: usize) -> Der {
    dn(&format!("Node {number}"))
}

/// `from` certified by `by`, with one key for all: only names tell the nodes apart.
fn edge(from: usize, by: usize) -> Der {
    let cert = authority(node(from), Key::P256, 1).by(&node(by), Key::P256);
    Cert { serial: vec![1, from as u8, by as u8], ..cert }.der()
}

#[test]
fn everybody_certifies_everybody() {
    let nodes = 15;
    let graph: Vec<Der> =
        (0..nodes).flat_map(|from| (0..nodes).filter(move |by| *by != from).map(move |by| edge(from, by))).collect();
    assert_eq!(graph.len(), 210);
    let cert = leaf().without(AUTHORITY_KEY_ID).by(&node(0), Key::P256).der();
    let signature = |more: &[Der]| Signature {
        certs: [std::slice::from_ref(&cert), &graph[..], more].concat(),
        ..Signature::with(cert.clone(), Key::Leaf)
    };
    // Paths without number and none to a root: the search gives up, and says so.
    check("graph", &signed(&signature(&[])), "Error/limit", &["path-limit"]);
    // The root is one step away: the store is asked before the bag.
    let exit = authority(node(0), Key::P256, 9).by(&root_name(), Key::Root).der();
    let mut first = signature(&[]);
    first.certs.insert(1, exit);
    check("graph-with-exit", &signed(&first), "Valid/ok", &["path-limit"]);
}

#[test]
fn sets_of_a_hundred_thousand() {
    let file = signed(&Signature { digest_algs: Some(vec![Hash::Sha256.alg(); 100_000]), ..Signature::default() });
    check("digest-algorithms", &file, "Valid/ok", &[]);
    let attributes: Vec<Der> = vec![attribute("2.999.4", &[null()]); 100_000];
    let file = signed(&Signature::default().add(move |_| attributes.concat()));
    check("unsigned-attributes", &file, "Valid/ok", &["signer-info-der", "unsigned-attributes"]);
    let bend_attrs = |attrs: &mut Vec<Der>| attrs.extend(vec![attribute("2.999.4", &[null()]); 100_000]);
    let file = signed(&Signature { bend_attrs, ..Signature::default() });
    check("signed-attributes", &file, "Invalid/malformed", &[]);
    let bend_attrs = |attrs: &mut Vec<Der>| attrs[1] = attribute(MESSAGE_DIGEST, &vec![octets(&[0; 32]); 100_000]);
    let file = signed(&Signature { bend_attrs, ..Signature::default() });
    check("message-digest-values", &file, "Invalid/signer-signature", &[]);
}

#[test]
fn names_against_constraints() {
    let names: Vec<Der> = (0..2_000).map(node).collect();
    let alternatives: Der = names.iter().flat_map(|name| ctx(4, name)).collect();
    let san = seq(&[oid("2.5.29.17"), octets(&tlv(0x30, &alternatives))]);
    let (cert, issuer) = (leaf().with(san), inter().with(name_constraints(&[], &names)));
    let certs = vec![cert.der(), issuer.der()];
    let file = signed(&Signature { certs, ..Signature::with(cert.der(), Key::Leaf) });
    check("name-constraints", &file, "Untrusted/name-constraint", &[]);
}

#[test]
fn sections_without_end() {
    let announced = |mut file: Vec<u8>, count: u16| {
        let at = Offsets::of(&file).checksum - 64 - 18;
        file[at..at + 2].copy_from_slice(&count.to_le_bytes());
        padded(&file)
    };
    let file = announced(Pe::pe32().bytes(), 0xffff);
    let file = attach(&file, &entry(&Signature::default().build(&file)));
    check(
        "sections-announced",
        &file,
        "Invalid/malformed",
        &["section-table-truncated", "table-in-section", "table-in-headers"],
    );
    // All of them there, each claiming the whole file.
    let mut one = Pe::pe32();
    one.header_size = 0x400 + 0xffff * 40;
    one.sections = vec![code(0x1000, 0x400, 0x200)];
    let mut file = one.bytes();
    let table = Offsets::of(&file).checksum - 64 + 224;
    let size = file.len() as u32;
    for row in 0..0xffff_usize {
        let at = table + row * 40;
        file[at + 16..at + 20].copy_from_slice(&size.to_le_bytes());
        file[at + 20..at + 24].copy_from_slice(&0u32.to_le_bytes());
    }
    let file = announced(file, 0xffff);
    let file = attach(&file, &entry(&Signature::default().build(&file)));
    check("sections-overlapping", &file, "Valid/ok", &[]);
}

/// SpcIndirectDataContent with a page-hash list of the forger's choice.
fn with_page_hashes(image: &[u8], list: &[u8]) -> Vec<u8> {
    let data = seq(&[tlv(0x03, &[0]), ctx(0, &pages::link(list, Hash::Sha256))]);
    let digest = seq(&[Hash::Sha256.alg(), octets(&authentihash(image, Hash::Sha256))]);
    let content = Some(seq(&[seq(&[oid(lab::cms::SPC_PE_IMAGE_DATA), data]), digest]));
    sign(image, &Signature { content_type: SPC_INDIRECT_DATA, content, ..Signature::default() })
}

#[test]
fn page_hashes_without_end() {
    let entry = |offset: u32| [&offset.to_le_bytes()[..], &[0x5a; 32]].concat();
    let ascending: Vec<u8> = (0..200_000).flat_map(|page| entry(page * 0x1000)).chain([0; 36]).collect();
    check("page-hashes", &with_page_hashes(&image(), &ascending), "Valid/ok", &[]);
    let repeated: Vec<u8> = (0..200_000).flat_map(|_| entry(0x200)).chain([0; 36]).collect();
    check("page-hashes-repeated", &with_page_hashes(&image(), &repeated), "Valid/ok", &[]);
}

/// Every page is filled up to its size: eight thousand octets, each a section of its own, are 31 MiB to be hashed.
#[test]
fn page_hashes_of_sections_of_one_octet() {
    let count = 8_000u32;
    let header_size = 0x400 + count * 40;
    let section = |number: u32| Section {
        name: "",
        address: 0x1000 * (number + 0x100),
        virtual_size: 1,
        raw: header_size + number,
        size: 1,
        content: Vec::new(),
    };
    let image = padded(&Pe { header_size, sections: (0..count).map(section).collect(), ..Pe::pe32() }.bytes());
    let entry = |offset: u32| [&offset.to_le_bytes()[..], &[0x5a; 32]].concat();
    let pages = (0..count).flat_map(|number| entry(header_size + number));
    let list: Vec<u8> = entry(0).into_iter().chain(pages).chain([0; 36]).collect();
    check("page-hashes-of-octets", &with_page_hashes(&image, &list), "Valid/ok", &[]);
}

#[test]
fn a_signature_larger_than_the_limit() {
    let file = holding(&tlv_long_length(0x30, &vec![0; 17 << 20]));
    check("signature-size", &file, "Error/limit", &[]);
}

#[test]
fn depth_without_end() {
    check("indefinite-depth", &holding(&[0x30, 0x80].repeat(1 << 20)), "Invalid/malformed", &[]);
    let message = [&seq(&[oid(SIGNED_DATA)])[..2], &[0xa0, 0x80].repeat(1 << 20)].concat();
    check("explicit-depth", &holding(&message), "Invalid/malformed", &["data-in-padding"]);
}

#[test]
fn zero_length_everything() {
    let none = Der::new();
    let empty = || tlv(0x30, &[]);
    let bare = |parts: &[Der]| seq(&[oid(SIGNED_DATA), ctx(0, &seq(parts))]);
    let cases = [
        none.clone(),
        empty(),
        seq(&[tlv(0x06, &[])]),
        seq(&[oid(SIGNED_DATA), ctx(0, &none)]),
        bare(&[]),
        bare(&[int_raw(&[]), set(&[]), empty(), set(&[])]),
        bare(&[small(1), set(&[]), seq(&[oid(SPC_INDIRECT_DATA)]), set(&[])]),
        bare(&[small(1), set(&[]), seq(&[oid(SPC_INDIRECT_DATA), ctx(0, &none)]), set(&[empty()])]),
        bare(&[small(1), set(&[]), seq(&[oid(SPC_INDIRECT_DATA), ctx(0, &empty())]), ctx(0, &none), set(&[empty()])]),
    ];
    for (number, pkcs7) in cases.iter().enumerate() {
        check(&format!("empty-{number}"), &holding(pkcs7), "Invalid/malformed", &[]);
    }
    let mut certs = vec![leaf().der()];
    certs.extend(vec![empty(); 3_000]);
    certs.push(inter().der());
    let file = signed(&Signature { certs, ..Signature::default() });
    check("empty-certificates", &file, "Valid/ok", &["certificate-unreadable"]);
    let file = signed(&Signature::default().add(|_| seq(&[])));
    check("empty-attribute", &file, "Invalid/malformed", &["signer-info-der", "unsigned-attributes"]);
}
