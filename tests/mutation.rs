//! Damage: no change of anything that a signature vouches for is overlooked, and nothing makes a signature vanish.
//!
//! Which octet is what comes from the generator's side (`lab::anatomy`), not from the program. `mutation.tsv` holds how
//! every flip was judged, part by part; `SIGSCAN_BLESS=1 cargo test --test mutation` writes it anew, and cannot change
//! the rules that the flips are held against here.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use lab::anatomy::{Label, Owner, Part, anatomy, carries_signature};
use lab::catalogue::AT;
use program::{scanner, testdata};
use sigscan::container::Format;
use sigscan::judge::Status;
use sigscan::record::TimestampSummary;
use sigscan::{HashMode, Options, Record, Scanner};

/// Far beyond what any file of this size may take; a guard against hanging, no measure of speed.
const HANG: Duration = Duration::from_secs(20);

/// Judges the verdict only: no digest of the whole file, no version resource.
fn quick(roots: &[&str], flags: &[&str]) -> Scanner {
    let slow = scanner(roots, AT, flags);
    let options = Options { hashes: HashMode::None, version_info: false, ..slow.options().clone() };
    let files: Vec<_> = roots.iter().map(|stem| testdata().join(format!("pki/{stem}.pem"))).collect();
    Scanner::with_trust(options, sigscan::trust::load_paths(&files).unwrap())
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(testdata().join("fixtures").join(name)).unwrap()
}

/// Does the work on every processor and puts the answers back into the order of the questions.
fn in_parallel<Q: Sync, A: Send>(questions: &[Q], answer: impl Fn(&Q, &mut Vec<u8>) -> A + Sync) -> Vec<A> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let share = questions.len().div_ceil(workers).max(1);
    let work = |part: &[Q]| {
        let mut buffer = Vec::new();
        part.iter().map(|question| answer(question, &mut buffer)).collect::<Vec<A>>()
    };
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = questions.chunks(share).map(|part| scope.spawn(move || work(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Judges a damaged file and holds it against what is true of every file: it ends, and it is unsigned if and only if
/// nothing stands in the place of a signature.
fn judge(scanner: &Scanner, what: &str, file: &[u8], buffer: &mut Vec<u8>) -> Record {
    let source = sigscan::container::MemorySource(file);
    let start = Instant::now();
    let format = sigscan::container::sniff(&source).unwrap();
    let record = scanner.scan_as("damaged", &source, format, buffer);
    assert!(start.elapsed() < HANG, "{what}: took {:?}", start.elapsed());
    let unsigned = record.status == Status::Unsigned;
    assert_eq!(unsigned, !carries_signature(file), "{what}: {:?} {:?}", record.status, record.reason);
    record
}

/// One flip of the exhaustive part.
struct Flip {
    at: usize,
    mask: u8,
    label: Label,
}

/// Holds one flipped file against the specification; `before` is the record of the sound file.
fn check_flip(name: &str, before: &Record, after: &Record, flip: &Flip, file: &[u8]) {
    let what = format!("{name}: octet {} ^ {:#04x} ({:?}) is {:?}", flip.at, flip.mask, flip.label, after.reason);
    let stamped_later = before.timestamp.is_some();
    let valid = after.status == Status::Valid;
    // Certificates have unsigned octets of their own (the outer algorithm), so thumbprints may change, names not.
    let named = |record: &Record| record.signer.as_ref().map(|signer| (signer.subject.clone(), signer.serial.clone()));
    assert!(!valid || named(after) == named(before), "{what}: another signer");
    match flip.label {
        (Owner::File, Part::Hashed) if carries_signature(file) => {
            assert_eq!(after.reason.code(), "bad-digest", "{what}");
            assert_eq!(after.signer, None, "{what}: the signature does not hold");
            assert_eq!(after.claimed_signer, before.signer, "{what}: the name can still be read");
        }
        (Owner::File, Part::Hashed) => assert_eq!(after.status, Status::Unsigned, "{what}"),
        // Outside of every digest: it costs no more than a finding that the field is not the file's sum.
        (Owner::File, Part::CheckSum) => {
            let (sums, findings): (Vec<_>, Vec<_>) =
                after.findings.iter().cloned().partition(|finding| finding.code == "S112");
            assert_eq!(sums.len(), 1, "{what}");
            assert_eq!(summary(&Record { findings, ..after.clone() }), summary(before), "{what}");
        }
        (Owner::File, Part::Directory) => {
            assert!(matches!(after.reason.code(), "malformed" | "bad-digest"), "{what}: another table is no table");
        }
        (Owner::Primary, Part::Revision) => {
            assert!(valid, "{what}: any revision is read");
            assert!(after.anomalies.iter().any(|anomaly| anomaly.code == "table-entry-revision"), "{what}");
        }
        // Where another entry follows, that one is now the first signature.
        (Owner::Primary, Part::Kind) if before.signatures.iter().filter(|one| one.nested_in.is_none()).count() == 1 => {
            assert_eq!(after.reason.code(), "malformed", "{what}");
        }
        (Owner::Primary, Part::Length) => assert!(valid || after.reason.code() == "malformed", "{what}"),
        (Owner::File | Owner::Primary, Part::Padding) => {
            assert!(valid, "{what}: MS13-098 is opt-in");
            assert!(after.anomalies.iter().any(|anomaly| anomaly.code == "data-in-padding"), "{what}");
        }
        (Owner::Primary, part) if part.is_protected() => {
            assert!(!valid, "{what}");
            if matches!(part, Part::Content | Part::SignedAttributes | Part::Signature) {
                assert_eq!(after.signer, None, "{what}: the signature does not hold");
            }
        }
        (Owner::Second, _) => assert!(valid, "{what}: the first entry decides"),
        (Owner::Nested, part) => {
            // A length that no longer fits is the attribute's around it, which is the first signature's.
            let unfit = part == Part::Frame && after.reason.code() == "malformed";
            assert!(valid || unfit, "{what}: nested signatures are not the file's");
            let inner = after.signatures.iter().find(|signature| signature.nested_in.is_some());
            let sound = inner.is_some_and(|signature| signature.status == Status::Valid);
            assert!(!(sound && part.is_protected()), "{what}");
        }
        (Owner::Stamp, part) if part.is_protected() => {
            assert!(!after.timestamp.as_ref().is_some_and(|stamp| stamp.verified), "{what}");
            assert!(!valid || !stamped_later || before.signer.as_ref().is_some_and(alive), "{what}");
        }
        // What is left is covered by no signature. Whatever it does, an expired signer lives by its verified
        // timestamp alone.
        _ => {
            let verified = |stamp: &TimestampSummary| stamp.verified && before.timestamp.as_ref() == Some(stamp);
            let vouched = after.timestamp.as_ref().is_some_and(verified);
            assert!(!valid || vouched || before.signer.as_ref().is_some_and(alive), "{what}");
        }
    }
}

/// Whether the signer's certificate is valid at [`AT`] by itself.
fn alive(signer: &sigscan::record::Signer) -> bool {
    signer.not_before.as_deref() < Some(AT) && signer.not_after.as_deref() > Some(AT)
}

/// The record without what follows the file's octets by definition.
fn summary(record: &Record) -> serde_json::Value {
    serde_json::to_value(record).unwrap()
}

/// Every octet of these files is flipped, with each mask.
const EXHAUSTIVE: [(&str, &[u8]); 12] = [
    ("pe32.exe", &[0x01, 0xff]),
    ("ecdsa-p256.exe", &[0xff]),
    ("pages-sha256.exe", &[0x01]),
    ("rsa-pss.exe", &[0x01]),
    ("signer-info-v3-key-id.exe", &[0x01]),
    ("content-octet-string.exe", &[0x20]),
    ("two-signatures.efi", &[0x01]),
    ("nested-one.exe", &[0x01]),
    ("token.exe", &[0x01]),
    ("expired-token.exe", &[0xff]),
    ("expired-counter.exe", &[0x01]),
    ("ber-indefinite.exe", &[0x01]),
];

/// How many flips that is: a fixture that shrinks, or an octet without a label, shows here.
const FLIPS: usize = 73_776;

#[test]
fn every_octet_flipped() {
    let mut table = String::from("# file\twhose\tpart\tflips\thow often they are judged how\n");
    let mut flips = 0;
    for (name, masks) in EXHAUSTIVE {
        let file = fixture(name);
        let labels = anatomy(&file).unwrap();
        let scanner = quick(&["root", "tsa-root"], &[]);
        let before = judge(&scanner, name, &file, &mut Vec::new());
        assert_eq!(before.status, Status::Valid, "{name}");
        let questions: Vec<Flip> = labels
            .iter()
            .enumerate()
            .flat_map(|(at, label)| masks.iter().map(move |mask| Flip { at, mask: *mask, label: *label }))
            .collect();
        flips += questions.len();
        let answers = in_parallel(&questions, |flip, buffer| {
            let mut damaged = file.clone();
            damaged[flip.at] ^= flip.mask;
            let after = judge(&scanner, &format!("{name} at {}", flip.at), &damaged, buffer);
            check_flip(name, &before, &after, flip, &damaged);
            format!("{}/{}", after.status.name(), after.reason.code())
        });
        let mut counts: BTreeMap<Label, BTreeMap<String, usize>> = BTreeMap::new();
        for (flip, answer) in questions.iter().zip(answers) {
            *counts.entry(flip.label).or_default().entry(answer).or_default() += 1;
        }
        for ((owner, part), answers) in counts {
            let total: usize = answers.values().sum();
            let each: Vec<String> = answers.iter().map(|(answer, count)| format!("{answer} {count}")).collect();
            table += &format!("{name}\t{owner:?}\t{part:?}\t{total}\t{}\n", each.join(", "));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutation.tsv");
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(table, fs::read_to_string(&path).unwrap(), "judged otherwise than before");
    assert_eq!(flips, FLIPS);
}

/// The only octets of a small signed file whose change can take its signature away, bit by bit: those that make it no
/// PE file at all, or a PE file that counts fewer than five directories.
#[test]
fn every_bit_of_the_headers_flipped() {
    let file = fixture("pe32.exe");
    let scanner = quick(&["root", "tsa-root"], &[]);
    let questions: Vec<(usize, u8)> = (0..0x200).flat_map(|at| (0..8).map(move |bit| (at, 1 << bit))).collect();
    let answers = in_parallel(&questions, |(at, mask), buffer| {
        let mut damaged = file.clone();
        damaged[*at] ^= mask;
        judge(&scanner, &format!("octet {at} ^ {mask:#04x}"), &damaged, buffer)
    });
    let mut gone: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for ((at, _), record) in questions.iter().zip(&answers) {
        let checksum = (0xd8..0xdc).contains(at);
        assert_eq!(record.status == Status::Valid, checksum, "octet {at}: {:?}", record.reason);
        if record.status == Status::Unsigned {
            gone.entry(record.reason.code()).or_default().push(*at);
        }
    }
    let each_bit = |range: std::ops::Range<usize>| range.flat_map(|at| [at; 8]).collect::<Vec<usize>>();
    let no_pe = [
        each_bit(0..2),       // MZ
        each_bit(0x3c..0x40), // e_lfanew
        each_bit(0x80..0x84), // PE\0\0
        each_bit(0x98..0x9a), // the optional header's magic: one bit apart lies no other magic
    ];
    assert_eq!(gone.remove("unsupported-subject"), Some(no_pe.concat()));
    // NumberOfRvaAndSizes is 16: only the bit that makes it 0 goes below 5.
    assert_eq!(gone.remove("no-signature"), Some(vec![0xf4]));
    assert!(gone.is_empty());
}

/// EnableCertPaddingCheck: every octet behind the PKCS#7 counts when it is asked for, none when it is not.
#[test]
fn every_octet_of_padding_flipped() {
    let file = fixture("padding-zeros.exe");
    let labels = anatomy(&file).unwrap();
    let padding: Vec<usize> = (0..file.len()).filter(|at| matches!(labels[*at], (_, Part::Padding))).collect();
    assert_eq!(padding.len(), 1024);
    let (lax, strict) = (quick(&["root"], &[]), quick(&["root"], &["--strict-padding"]));
    in_parallel(&padding, |at, buffer| {
        let mut damaged = file.clone();
        damaged[*at] ^= 0x80;
        assert_eq!(judge(&lax, "lax", &damaged, buffer).reason.code(), "ok", "octet {at}");
        assert_eq!(judge(&strict, "strict", &damaged, buffer).reason.code(), "cert-padding", "octet {at}");
    });
}

/// splitmix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// What was done to a file.
#[derive(Debug, PartialEq, Eq)]
enum Damage {
    Replaced,
    Cut,
    Grown,
}

/// Replaces up to eight octets, most of them in the signature; cuts the end off; or puts octets in between.
fn damage(file: &[u8], table: usize, random: &mut Random) -> (Vec<u8>, Damage) {
    let mut out = file.to_vec();
    match random.below(10) {
        0 => {
            out.truncate(random.below(file.len()));
            (out, Damage::Cut)
        }
        1 => {
            let at = random.below(file.len() + 1);
            let new: Vec<u8> = (0..=random.below(32)).map(|_| random.next() as u8).collect();
            out.splice(at..at, new);
            (out, Damage::Grown)
        }
        kind => {
            for _ in 0..=random.below(8) {
                // Small files are mostly signature, but headers and lengths deserve a share of their own.
                let at = match kind {
                    2 => random.below(0x200.min(file.len())),
                    3..=7 => table + random.below(file.len() - table),
                    _ => random.below(file.len()),
                };
                out[at] = match random.below(4) {
                    0 => random.next() as u8,
                    1 => out[at] ^ (1 << random.below(8)),
                    2 => [0x00, 0x80, 0xff, 0x7f, 0x30, 0x84][random.below(6)],
                    _ => out[at].wrapping_add(1),
                };
            }
            (out, Damage::Replaced)
        }
    }
}

/// Files damaged at random in many places at once.
const DAMAGED: usize = 20_000;

#[test]
fn random_damage() {
    let fixtures: Vec<_> = lab::catalogue::all()
        .into_iter()
        // No octet map for those: no PE files, and one whose nested signature is no ASN.1.
        .filter(|one| ![".cat", ".inf", ".p7", "nested-garbage.exe"].iter().any(|end| one.name.ends_with(end)))
        .map(|one| {
            let file = fixture(one.name);
            let labels = anatomy_of(&file);
            (one.name, quick(one.roots, &[]), file, labels)
        })
        .collect();
    let cases: Vec<u64> = (0..DAMAGED as u64).collect();
    let valid = in_parallel(&cases, |case, buffer| {
        let mut random = Random(*case);
        let (name, scanner, file, labels) = &fixtures[*case as usize % fixtures.len()];
        let table =
            labels.as_ref().map_or(0, |labels| labels.iter().position(|label| label.1 == Part::Length).unwrap_or(0));
        let (damaged, kind) = damage(file, table, &mut random);
        let what = format!("case {case}, {name} {kind:?}");
        let record = judge(scanner, &what, &damaged, buffer);
        if record.status != Status::Valid {
            return 0;
        }
        // Whatever was valid or not before: a valid file holds every octet that its signatures vouch for.
        let labels = labels.as_ref().unwrap_or_else(|| panic!("{what}: no signature can be followed in it"));
        assert_eq!(kind, Damage::Replaced, "{what}: octets lost or added");
        for (at, label) in labels.iter().enumerate() {
            let vouched = matches!(label, (Owner::File | Owner::Primary, part) if part.is_protected());
            assert!(!vouched || file[at] == damaged[at], "{what}: octet {at} ({label:?}) differs");
        }
        1
    });
    assert_eq!(valid.len(), DAMAGED);
    assert_eq!(valid.iter().sum::<usize>(), STILL_VALID);
}

/// How many of the damaged files were hit where no signature looks.
const STILL_VALID: usize = 174;

/// The anatomy, where the file is a PE file that has one.
fn anatomy_of(file: &[u8]) -> Option<Vec<Label>> {
    let pe = sigscan::container::sniff(&sigscan::container::MemorySource(file)).unwrap() == Format::Pe;
    if pe { anatomy(file) } else { None }
}
