//! Damage to catalogs: no change of anything that a catalog's signature vouches for lets a listed file stay Valid.
//!
//! Which octet is what comes from the generator's side (`lab::anatomy`), not from the program.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::path::PathBuf;

use lab::anatomy::{Part, anatomy_of_catalog};
use lab::catalogue::AT;
use program::{testdata, trusting};
use sigscan::judge::Status;
use sigscan::trust::CatalogIndex;
use sigscan::{HashMode, Options, Record, Scanner, Time};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(testdata().join("fixtures").join(name)).unwrap()
}

fn scanner() -> Scanner {
    let options = Options {
        hashes: HashMode::None,
        version_info: false,
        findings: false,
        ..Options::at(Time::parse_rfc3339(AT).unwrap())
    };
    Scanner::with_trust(options, trusting(&["root", "tsa-root"]))
}

/// The listed file's record, looked up in one catalog, and the scanner back: it remembers certificates verified before.
fn looked_up(scanner: Scanner, catalog: &[u8], file: &[u8]) -> (Record, Scanner) {
    let index = CatalogIndex::from_bytes(vec![(PathBuf::from("damaged.cat"), catalog.to_vec())]);
    let scanner = scanner.with_catalogs(index);
    (scanner.scan_bytes("listed", file), scanner)
}

/// The signer's certificate has unsigned octets of its own (the outer algorithm): its thumbprint may change, names not.
fn named(record: &Record) -> Option<(String, String)> {
    record.signer.as_ref().map(|signer| (signer.subject.clone(), signer.serial.clone()))
}

/// Flips a bit in every octet of a catalog; how many flips left the listed file Valid.
fn survivors(name: &str, file: &[u8]) -> usize {
    let sound = fixture(name);
    let labels = anatomy_of_catalog(&sound).unwrap();
    assert_eq!(labels.len(), sound.len());
    let (before, _) = looked_up(scanner(), &sound, file);
    assert_eq!(before.status, Status::Valid);
    let protected = labels.iter().filter(|label| label.1.is_protected()).count();
    assert!(protected * 10 > sound.len() * 8, "{name}: {protected} of {} octets are protected", sound.len());
    let wanted =
        [Part::Content, Part::Certificate, Part::CertificateSignature, Part::SignedAttributes, Part::Signature];
    for part in wanted {
        assert!(labels.iter().any(|label| label.1 == part), "{name}: no octet is {part:?}");
    }
    // Half of the octets for each of two threads; each has its scanner.
    let half = |parity: usize| {
        let mut scanner = looked_up(self::scanner(), &sound, file).1;
        let mut survivors = 0;
        for (at, label) in labels.iter().enumerate().filter(|(at, _)| at % 2 == parity) {
            let mut damaged = sound.clone();
            damaged[at] ^= 1 << (at % 8);
            let after;
            (after, scanner) = looked_up(scanner, &damaged, file);
            let what = format!("{name}: octet {at} ({label:?}) is {:?} {:?}", after.status, after.reason);
            if after.status == Status::Valid {
                assert!(!label.1.is_protected(), "{what}");
                assert_eq!(named(&after), named(&before), "{what}: another signer");
                survivors += 1;
            } else if matches!(label.1, Part::Content | Part::SignedAttributes | Part::Signature) {
                assert_eq!(after.signer, None, "{what}: the catalog's signature does not hold");
            }
        }
        survivors
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0) + other.join().unwrap()
    })
}

#[test]
fn no_flip_of_a_protected_octet_keeps_a_listed_file_valid() {
    let file = fixture("listed-odd.exe");
    // What is left are octets that no reader asks for: NULL parameters, names of algorithms, versions, statements of age.
    assert_eq!(["catalog-v1.cat", "catalog-v2.cat"].map(|name| survivors(name, &file)), [19, 25]);
}
