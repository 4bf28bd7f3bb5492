//! What each stage of judging a file costs, by itself: `cargo bench`.
//!
//! The file is `testdata/fixtures/token.exe`: one signature with a timestamp. The digest stages say how many octets
//! of file they get through; `sha256_one_stream` is the limit that the others are seen beside.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::fs;
use std::path::{Path, PathBuf};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use sigscan::container::{Format, MemorySource, Subject, container_for, sniff};
use sigscan::crypto::{DigestAlgorithm, Hasher, digest, update_together};
use sigscan::judge::{InitialPolicies, Layout, Policy, Rules, SignaturePolicy, judge_signature};
use sigscan::output::{JsonLines, Output};
use sigscan::trust::{RevocationLists, TrustStore};
use sigscan::verify::{FileDigests, Lists, Memo, Work, facts, parse_tree};
use sigscan::{HashMode, Options, Scanner, Time};

fn main() {
    divan::main();
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn file() -> Vec<u8> {
    fs::read(testdata("fixtures/token.exe")).unwrap()
}

fn now() -> Time {
    Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()
}

fn store() -> TrustStore {
    sigscan::trust::load_paths(&[testdata("pki/root.pem"), testdata("pki/tsa-root.pem")]).unwrap()
}

fn scanner(hashes: HashMode, findings: bool) -> Scanner {
    Scanner::with_trust(Options { hashes, findings, ..Options::at(now()) }, store())
}

fn opened(bytes: &[u8]) -> Subject {
    container_for(Format::Pe).unwrap().open(&MemorySource(bytes), &Options::at(now()).limits).unwrap()
}

#[divan::bench]
fn a_sniff(bencher: Bencher<'_, '_>) {
    let bytes = file();
    bencher.bench(|| sniff(&MemorySource(black_box(&bytes))));
}

#[divan::bench]
fn b_container(bencher: Bencher<'_, '_>) {
    let bytes = file();
    bencher.bench(|| opened(black_box(&bytes)));
}

#[divan::bench]
fn c_signatures_parsed(bencher: Bencher<'_, '_>) {
    let subject = opened(&file());
    bencher.bench(|| parse_tree(black_box(subject.signatures.blobs()), subject.covers));
}

/// With every public-key operation, or with those of the file before this one remembered.
#[divan::bench(args = ["anew", "remembered"])]
fn d_facts_verified(bencher: Bencher<'_, '_>, memory: &str) {
    let (bytes, trust, revocation) = (file(), store(), RevocationLists::default());
    let subject = opened(&bytes);
    let (tree, _) = parse_tree(subject.signatures.blobs(), subject.covers);
    let authentihash = subject.regions.within(0..bytes.len() as u64).fold(
        Hasher::new(DigestAlgorithm::Sha256).unwrap(),
        |mut hasher, part| {
            hasher.update(&bytes[usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap()]);
            hasher
        },
    );
    let digests = FileDigests { authentihash: [(DigestAlgorithm::Sha256, authentihash.finish())].into() };
    let kept = Memo::default();
    bencher.bench(|| {
        let fresh = Memo::default();
        let memo = if memory == "anew" { &fresh } else { &kept };
        let (trust, revocation, work) = (&trust, &revocation, &Work::default());
        let lists = Lists { trust, intermediates: &[], downloaded: &[], revocation, memo, work };
        facts(black_box(&tree), subject.signatures.blobs(), &digests, lists).len()
    });
}

#[divan::bench]
fn e_judged(bencher: Bencher<'_, '_>) {
    let (bytes, trust, revocation, memo) = (file(), store(), RevocationLists::default(), Memo::default());
    let subject = opened(&bytes);
    let (tree, _) = parse_tree(subject.signatures.blobs(), subject.covers);
    let work = Work::default();
    let lists =
        Lists { trust: &trust, intermediates: &[], downloaded: &[], revocation: &revocation, memo: &memo, work: &work };
    let facts = facts(&tree, subject.signatures.blobs(), &FileDigests::default(), lists);
    let policy = Policy {
        now: now(),
        signature: SignaturePolicy::Primary,
        strict_padding: false,
        require_revocation: false,
        rules: Rules { policies: InitialPolicies::default(), ..Rules::default() },
    };
    let layout = Layout { table_inside: false, malformed: false };
    bencher.bench(|| judge_signature(black_box(&facts[0]), layout, &policy));
}

/// The whole file, bytes to record, with findings about it and without.
#[divan::bench(args = [false, true])]
fn f_record(bencher: Bencher<'_, '_>, findings: bool) {
    let (bytes, scanner) = (file(), scanner(HashMode::Sha256, findings));
    bencher.bench(|| scanner.scan_bytes("file.exe", black_box(&bytes)));
}

#[divan::bench]
fn g_json(bencher: Bencher<'_, '_>) {
    let record = scanner(HashMode::Sha256, true).scan_bytes("file.exe", &file());
    let mut lines = JsonLines::new(std::io::sink());
    bencher.bench_local(|| lines.record(black_box(&record)));
}

/// Blocks of this size fit into the second-level cache.
const BLOCK: usize = 256 * 1024;

fn noise() -> Vec<u8> {
    (0..BLOCK).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[divan::bench]
fn sha256_one_stream(bencher: Bencher<'_, '_>) {
    let block = noise();
    bencher.counter(BytesCount::new(BLOCK)).bench(|| digest(DigestAlgorithm::Sha256, black_box(&block)));
}

/// The octets of one file for several digests, of which all but the first begin twelve octets later: as those that leave
/// out CheckSum and directory entry do.
#[divan::bench(args = [&[DigestAlgorithm::Sha256, DigestAlgorithm::Sha256], &[DigestAlgorithm::Sha256, DigestAlgorithm::Sha1],
    &[DigestAlgorithm::Sha256, DigestAlgorithm::Sha256, DigestAlgorithm::Sha1]] as [&[DigestAlgorithm]; 3])]
fn several_digests_of_one_file(bencher: Bencher<'_, '_>, algorithms: &[DigestAlgorithm]) {
    let block = noise();
    bencher.counter(BytesCount::new(BLOCK)).bench(|| {
        let mut hashers: Vec<_> = algorithms.iter().filter_map(|algorithm| Hasher::new(*algorithm)).collect();
        let starts = std::iter::once(0).chain(std::iter::repeat(12));
        update_together(hashers.iter_mut().zip(starts.map(|start| black_box(&block[start..]))));
        hashers.into_iter().map(Hasher::finish).collect::<Vec<_>>()
    });
}

#[divan::bench]
fn sha256_of_two_files_together(bencher: Bencher<'_, '_>) {
    let (one, two) = (noise(), noise());
    bencher.counter(BytesCount::new(2 * BLOCK)).bench(|| {
        let mut hashers = [(); 2].map(|()| Hasher::new(DigestAlgorithm::Sha256).expect("SHA-256 is there"));
        update_together(hashers.iter_mut().zip([black_box(&one[..]), black_box(&two[..])]));
        hashers.map(Hasher::finish)
    });
}
