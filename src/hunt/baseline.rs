//! What a known-good folder holds, and what another one holds otherwise.
//!
//! A baseline is JSON Lines, one [`BaselineLine`] a file. Files are matched by their path below the scanned folder, with
//! `/` for `\` and without regard to case, as Windows has it; products by company and product name; publishers by their
//! organisation. A file that was named by itself has no path below a folder and is compared by the other two alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::leads::LeadsTo;
use super::names::plain;
use super::single::finding;
use crate::fold::folded;
use crate::judge::Status;
use crate::record::{Finding, Record, Severity, Signer};

/// The value of [`BaselineLine::schema`].
pub const BASELINE_SCHEMA: &str = "sigscan.baseline/1";

/// Longest line that is read; texts of a version resource and of names have a few kilobytes.
const MAX_LINE: u64 = 1 << 20;

/// Most files of a baseline. A million took 310 to 380 MiB, by the length of their paths, so that these fit in 1 GiB.
const MAX_FILES: usize = 2_000_000;

/// Names that a finding lists as evidence.
const SHOWN: usize = 8;

/// One file of a known-good folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineLine {
    /// `sigscan.baseline/1`.
    pub schema: String,
    /// The path below the folder, with `/`.
    pub path: String,
    /// The file's status.
    pub status: Status,
    /// The verified signer's organisation or, failing that, its common name.
    pub signer: Option<String>,
    /// Distinguished name of that certificate's issuer.
    pub issuer: Option<String>,
    /// CompanyName of the version resource.
    pub company: Option<String>,
    /// ProductName of the version resource.
    pub product: Option<String>,
    /// Authenticode digests by algorithm.
    pub authentihash: BTreeMap<String, String>,
}

impl BaselineLine {
    /// The line of a record with this path below the folder; `None` for files that were not judged.
    #[must_use]
    pub fn of(record: &Record, path: &str) -> Option<BaselineLine> {
        if record.status == Status::Error {
            return None;
        }
        let signer = record.signer.as_ref().filter(|_| record.status == Status::Valid);
        let version = record.version_info.as_ref();
        Some(BaselineLine {
            schema: BASELINE_SCHEMA.to_owned(),
            path: path.replace('\\', "/"),
            status: record.status,
            signer: signer.map(|signer| signer_name(signer).to_owned()),
            issuer: signer.map(|signer| signer.issuer.clone()),
            company: version.and_then(|version| version.company.clone()),
            product: version.and_then(|version| version.product.clone()),
            authentihash: record.authentihash.clone(),
        })
    }
}

/// The JSON Schema of [`BaselineLine`], draft 2020-12.
#[must_use]
pub fn baseline_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<BaselineLine>().to_value()
}

fn signer_name(signer: &Signer) -> &str {
    let names = [signer.organization.as_deref(), signer.common_name.as_deref()];
    names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or(&signer.subject)
}

/// A file of the baseline, as far as its path decides.
#[derive(Debug)]
struct Known {
    status: Status,
    signer: Option<Arc<str>>,
    /// Authenticode digests with their algorithms: one or two, so a list is far smaller than a map.
    authentihash: Box<[(Arc<str>, Box<str>)]>,
}

/// A baseline in memory.
#[derive(Debug, Default)]
pub struct Baseline {
    files: usize,
    by_path: BTreeMap<String, Vec<Known>>,
    /// Signers (plain name, and as they are written) by company and product.
    products: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// Issuers by the signer's plain name.
    publishers: BTreeMap<String, BTreeSet<String>>,
    /// Texts that many files share.
    shared: BTreeSet<Arc<str>>,
    /// Scanned folders, without the separator at their ends, longest first.
    folders: Vec<String>,
}

impl Baseline {
    /// Reads lines, those of several files one after the other.
    ///
    /// # Errors
    /// Errors of reading, and the number of a line that is none of a baseline.
    pub fn read(&mut self, reader: &mut dyn BufRead) -> io::Result<()> {
        let invalid =
            |number: usize, what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("line {number}: {what}"));
        let mut text = Vec::new();
        for number in 1.. {
            text.clear();
            if (&mut *reader).take(MAX_LINE).read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if text.len() as u64 == MAX_LINE {
                return Err(invalid(number, "too long"));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let line: BaselineLine =
                serde_json::from_slice(&text).map_err(|error| invalid(number, &error.to_string()))?;
            if line.schema != BASELINE_SCHEMA {
                return Err(invalid(number, &format!("not of schema {BASELINE_SCHEMA}")));
            }
            self.add(line);
            if self.files > MAX_FILES {
                return Err(invalid(number, &format!("more than {MAX_FILES} files")));
            }
        }
        Ok(())
    }

    /// Takes a file.
    pub fn add(&mut self, line: BaselineLine) {
        self.files = self.files.saturating_add(1);
        if let Some(signer) = line.signer.as_ref().filter(|_| line.status == Status::Valid) {
            if let Some(key) = product_key(line.company.as_deref(), line.product.as_deref()) {
                self.products.entry(key).or_default().insert(plain(signer), signer.clone());
            }
            let issuers = self.publishers.entry(plain(signer)).or_default();
            issuers.extend(line.issuer);
        }
        let digests = line.authentihash.into_iter();
        let authentihash = digests.map(|(name, digest)| (self.share(&name), digest.into_boxed_str())).collect();
        let signer = line.signer.map(|signer| self.share(&signer));
        let known = Known { status: line.status, signer, authentihash };
        self.by_path.entry(path_key(&line.path)).or_insert_with(|| Vec::with_capacity(1)).push(known);
    }

    /// One copy of a text.
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.shared.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.shared.insert(Arc::clone(&text));
        text
    }

    /// Says which folders are scanned: a file's path below one of them is what the baseline's paths are compared with.
    #[must_use]
    pub fn below(mut self, folders: impl IntoIterator<Item = String>) -> Baseline {
        self.folders = folders.into_iter().map(|folder| folder.trim_end_matches(['/', '\\']).to_owned()).collect();
        self.folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
        self
    }

    /// What is otherwise about this file than it is in the baseline.
    #[must_use]
    pub fn findings(&self, record: &Record) -> Vec<Finding> {
        if record.status == Status::Error {
            return Vec::new();
        }
        let path = self.folders.iter().find_map(|folder| path_below(folder, &record.path));
        let known = path.and_then(|path| Some((path, self.by_path.get(&path_key(path))?.as_slice())));
        let of_path = |rule: fn(&Record, &str, &[Known]) -> Option<Finding>| {
            known.and_then(|(path, known)| rule(record, path, known))
        };
        let found = [self.new_signer(record), self.new_issuer(record), of_path(no_longer_signed), of_path(changed)];
        found.into_iter().flatten().collect()
    }

    /// S131: a known product, signed by somebody who signs no file of it in the baseline.
    fn new_signer(&self, record: &Record) -> Option<Finding> {
        let version = record.version_info.as_ref()?;
        let known = self.products.get(&product_key(version.company.as_deref(), version.product.as_deref())?)?;
        let signer = signer_name(record.signer.as_ref().or(record.claimed_signer.as_ref())?);
        if known.contains_key(&plain(signer)) {
            return None;
        }
        let severity = if record.status == Status::Valid { Severity::Medium } else { Severity::High };
        let evidence = [
            ("company", json!(version.company)),
            ("product", json!(version.product)),
            ("signer", json!(signer)),
            ("known_signers", json!(known.values().take(SHOWN).collect::<Vec<_>>())),
        ];
        finding("S131", Some(severity), &evidence)
    }

    /// S132: a publisher of the baseline, with a certificate from an issuer that is not there.
    fn new_issuer(&self, record: &Record) -> Option<Finding> {
        let signer = record.signer.as_ref().or(record.claimed_signer.as_ref())?;
        let known = self.publishers.get(&plain(signer_name(signer)))?;
        let reasons = std::iter::once(record.reason).chain(record.other_reasons.iter().copied());
        let named_only = known.contains(&signer.issuer);
        // Behind every certificate of the baseline stood a root: the issuer's name alone is no issuer.
        let severity = match (LeadsTo::of(record.status, reasons), record.status) {
            (Some(LeadsTo::UntrustedRoot), _) => Severity::High,
            (Some(LeadsTo::Nowhere), _) if named_only => Severity::Medium,
            _ if named_only => return None,
            (_, Status::Valid) => Severity::Low,
            _ => Severity::High,
        };
        let mut evidence = vec![
            ("signer", json!(signer_name(signer))),
            ("issuer", json!(signer.issuer)),
            ("known_issuers", json!(known.iter().take(SHOWN).collect::<Vec<_>>())),
        ];
        if named_only {
            evidence.push(("issuer_named_only", json!(true)));
        }
        finding("S132", Some(severity), &evidence)
    }
}

/// S133: at this path was a file whose signature held, and now there is one without any.
fn no_longer_signed(record: &Record, path: &str, known: &[Known]) -> Option<Finding> {
    let signed = known.iter().all(|known| known.status == Status::Valid) && record.status == Status::Unsigned;
    let was = known.first().filter(|_| signed)?;
    finding("S133", None, &[("path", json!(path)), ("signer", json!(was.signer.as_deref()))])
}

/// S134: at this path was a file with other content.
fn changed(record: &Record, path: &str, known: &[Known]) -> Option<Finding> {
    let same = |known: &Known| {
        let digests = known.authentihash.iter();
        let mut both = digests.filter_map(|(name, old)| Some((old, record.authentihash.get(&**name)?)));
        // Without a digest in common nothing is known.
        both.next().is_none_or(|(old, new)| **old == **new)
    };
    if known.iter().any(same) {
        return None;
    }
    let was_valid = known.iter().all(|known| known.status == Status::Valid);
    let valid = record.status == Status::Valid;
    let signer = record.signer.as_ref().filter(|_| valid).map(|signer| plain(signer_name(signer)));
    let same_signer = known.iter().any(|known| known.signer.as_deref().map(plain) == signer);
    let severity = match () {
        () if valid && same_signer => Severity::Info,
        () if valid => Severity::Low,
        // S133 says the worse of it.
        () if record.status == Status::Unsigned || !was_valid => Severity::Medium,
        () => Severity::High,
    };
    let was = known.first()?;
    let evidence = [
        ("path", json!(path)),
        (
            "known_authentihash",
            json!(was.authentihash.iter().map(|(name, digest)| (&**name, &**digest)).collect::<BTreeMap<_, _>>()),
        ),
        ("authentihash", json!(record.authentihash)),
        ("known_signer", json!(was.signer.as_deref())),
    ];
    finding("S134", Some(severity), &evidence)
}

fn product_key(company: Option<&str>, product: Option<&str>) -> Option<(String, String)> {
    let (company, product) = (plain(company?), plain(product?));
    (!company.is_empty() && !product.is_empty()).then_some((company, product))
}

fn path_key(path: &str) -> String {
    folded(&path.replace('\\', "/"))
}

/// The part of a path that lies below a folder; the folder is without separator at its end.
#[must_use]
pub fn path_below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    let below = rest.trim_start_matches(['/', '\\']);
    (below.len() < rest.len() && !below.is_empty()).then_some(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_below_the_folder() {
        assert_eq!(path_below("dir", "dir/a/B.exe"), Some("a/B.exe"));
        assert_eq!(path_below("", "/a.exe"), Some("a.exe"));
        assert_eq!(path_below("C:\\dir", "C:\\dir\\a.exe"), Some("a.exe"));
        for outside in ["dirt/a.exe", "dir", "dir/", "a.exe"] {
            assert_eq!(path_below("dir", outside), None, "{outside}");
        }
        assert_eq!(path_key("A\\b/C.EXE"), "a/b/c.exe");
        assert_ne!(path_key("\u{212a}ernel32.dll"), path_key("kernel32.dll"));
    }

    #[test]
    fn what_is_no_baseline_is_refused_by_its_line() {
        let read = |text: &[u8]| Baseline::default().read(&mut &*text).map_err(|error| error.to_string());
        let line = r#"{"schema":"sigscan.baseline/1","path":"a","status":"Unsigned","signer":null,"issuer":null,"company":null,"product":null,"authentihash":{}}"#;
        assert_eq!(read(format!("{line}\n\n{line}").as_bytes()), Ok(()));
        let other = line.replace("baseline/1", "baseline/2");
        assert_eq!(
            read(format!("{line}\n{other}\n").as_bytes()).unwrap_err(),
            "line 2: not of schema sigscan.baseline/1"
        );
        assert!(read(b"{}").unwrap_err().starts_with("line 1: missing field"));
        assert!(read(b"\xff\xfe\n").unwrap_err().starts_with("line 1: "));
        assert_eq!(read(&vec![b' '; 1 << 21]).unwrap_err(), "line 1: too long");
    }
}
