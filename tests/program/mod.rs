//! The program as tests ask it: bytes and options in, record out, through the library's own face.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)]

pub mod command;

use std::path::{Path, PathBuf};

use sha1::Digest;
use sigscan::judge::{Profile, SignaturePolicy};
use sigscan::trust::{CatalogIndex, Disallowed, KernelRoots, RevocationLists, TrustStore, certificates_below};
use sigscan::{Options, Record, Scanner, Time};

pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// A scanner that trusts the named certificates of `testdata/pki/` and takes options as the command line spells them
/// (revocation lists, OCSP responses, intermediates and disallowed lists by their names in `testdata/crl/`, `ocsp/`,
/// `intermediates/` and `disallowed/`).
pub fn scanner(roots: &[&str], at: &str, flags: &[&str]) -> Scanner {
    let mut options = Options::at(Time::parse_rfc3339(at).unwrap());
    let mut crls = Vec::new();
    let mut intermediates = Vec::new();
    let mut disallowed = Vec::new();
    let mut listed = Vec::new();
    let mut words = flags.iter();
    while let Some(flag) = words.next() {
        match *flag {
            "--strict-padding" => options.strict_padding = true,
            "--require-revocation" => options.require_revocation = true,
            "--policy" => {
                let name = *words.next().unwrap();
                options.profile = Profile::ALL.into_iter().find(|profile| profile.name() == name).unwrap();
            }
            "--crl" => crls.push(testdata().join("crl").join(words.next().unwrap())),
            "--disallowed" => disallowed.push(testdata().join("disallowed").join(words.next().unwrap())),
            "--ocsp" => crls.push(testdata().join("ocsp").join(words.next().unwrap())),
            "--intermediates" => intermediates.push(testdata().join("intermediates").join(words.next().unwrap())),
            "--signature" => {
                options.signature = match *words.next().unwrap() {
                    "any" => SignaturePolicy::Any,
                    "all" => SignaturePolicy::All,
                    "best" => SignaturePolicy::Best,
                    other => panic!("no policy {other}"),
                }
            }
            "--catalog" => listed.extend(words.by_ref()),
            other => panic!("no test uses {other} yet"),
        }
    }
    let lists = RevocationLists::load(&crls).unwrap();
    let trust = trusting(roots).with_disallowed(Disallowed::load(&disallowed, &TrustStore::embedded()).unwrap());
    let scanner = Scanner::with_trust(options, trust).with_revocation(lists);
    let scanner = scanner.with_intermediates(certificates_below(&intermediates).unwrap());
    let scanner = if roots.contains(&"kernel-root") { scanner.with_kernel_roots(kernel_roots()) } else { scanner };
    if listed.is_empty() { scanner } else { scanner.with_catalogs(catalogs(&listed)) }
}

/// A store of the named certificates of `testdata/pki/`.
pub fn trusting(roots: &[&str]) -> TrustStore {
    let files: Vec<PathBuf> = roots.iter().map(|stem| testdata().join(format!("pki/{stem}.pem"))).collect();
    sigscan::trust::load_paths(&files).unwrap()
}

/// The fixtures' stand-ins for the roots of Microsoft's that the kernel believes.
fn kernel_roots() -> KernelRoots {
    let read = |path: &str| sigscan::trust::certificates_below(&[testdata().join(path)]).unwrap();
    let microsoft = read("pki/kernel-root.pem").iter().map(|raw| sha1::Sha1::digest(raw).into()).collect();
    KernelRoots::new(microsoft, &read("kernel/code-verification-root.pem"))
}

/// Fixtures as catalogs, under names that are the same on every machine.
fn catalogs(names: &[&&str]) -> CatalogIndex {
    let read = |name: &&&str| (PathBuf::from(name), std::fs::read(testdata().join("fixtures").join(name)).unwrap());
    CatalogIndex::from_bytes(names.iter().map(read).collect())
}

/// `Status/reason` and the other reasons, as text.
pub fn verdict(record: &Record) -> (String, Vec<&'static str>) {
    let others = record.other_reasons.iter().map(|reason| reason.code()).collect();
    (format!("{}/{}", record.status.name(), record.reason.code()), others)
}
