//! The program as tests ask it: bytes and options in, record out, through the library's own face.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use sigscan::judge::SignaturePolicy;
use sigscan::trust::CatalogIndex;
use sigscan::{Options, Record, Scanner, Time};

pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// A scanner that trusts the named certificates of `testdata/pki/` and takes options as the command line spells them.
pub fn scanner(roots: &[&str], at: &str, flags: &[&str]) -> Scanner {
    let mut options = Options::at(Time::parse_rfc3339(at).unwrap());
    match flags {
        [] => {}
        ["--strict-padding"] => options.strict_padding = true,
        ["--signature", "any"] => options.signature = SignaturePolicy::Any,
        ["--signature", "all"] => options.signature = SignaturePolicy::All,
        ["--signature", "best"] => options.signature = SignaturePolicy::Best,
        ["--catalog", names @ ..] => return trusting(roots, options).with_catalogs(catalogs(names)),
        other => panic!("no test uses {other:?} yet"),
    }
    trusting(roots, options)
}

fn trusting(roots: &[&str], options: Options) -> Scanner {
    let files: Vec<PathBuf> = roots.iter().map(|stem| testdata().join(format!("pki/{stem}.pem"))).collect();
    Scanner::with_trust(options, sigscan::trust::load_paths(&files).unwrap())
}

/// Fixtures as catalogs, under names that are the same on every machine.
fn catalogs(names: &[&str]) -> CatalogIndex {
    let read = |name: &&str| (PathBuf::from(name), std::fs::read(testdata().join("fixtures").join(name)).unwrap());
    CatalogIndex::from_bytes(names.iter().map(read).collect())
}

/// `Status/reason` and the other reasons, as text.
pub fn verdict(record: &Record) -> (String, Vec<&'static str>) {
    let others = record.other_reasons.iter().map(|reason| reason.code()).collect();
    (format!("{}/{}", record.status.name(), record.reason.code()), others)
}
