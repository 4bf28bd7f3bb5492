//! Records of earlier scans, found by digest or path when a file itself is out of reach.
//!
//! Only where each record lies is kept in memory. What is read from there is compared with what was asked for, so that
//! keys may be short.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::subject::HashKind;
use crate::fold::folded;
use crate::record::{RECORD_SCHEMA, Record, Status};

/// Keys that are kept: about 400 MiB of memory, a million files with all digests.
const MAX_KEYS: usize = 8_000_000;
/// The longest record that is read.
const MAX_LINE: u64 = 64 << 20;

/// What a record can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'w> {
    /// A digest of the file, or a SHA-256 of what Authenticode covers.
    Hash(HashKind, &'w str),
    /// The path of the scan, or an event's.
    Path(&'w str),
}

/// Records of earlier scans.
#[derive(Debug, Default)]
pub struct Records {
    files: Vec<(PathBuf, Mutex<File>)>,
    places: HashMap<u128, (u32, u64)>,
}

/// What is read of every record to index it.
#[derive(Deserialize)]
struct Indexed {
    schema: String,
    path: Option<String>,
    status: Option<Status>,
    #[serde(default)]
    hashes: HashMap<String, String>,
    #[serde(default)]
    authentihash: HashMap<String, String>,
}

impl Records {
    /// Indexes files of records, JSON Lines as a scan writes them; of several records of one file the last counts.
    /// Findings among them are passed over, and so are files that could not be judged.
    ///
    /// # Errors
    /// A sentence for a person.
    pub fn open(paths: &[PathBuf]) -> Result<Records, String> {
        let mut records = Records::default();
        for path in paths {
            records.index(path).map_err(|error| format!("--records {}: {error}", path.display()))?;
        }
        Ok(records)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn index(&mut self, path: &Path) -> io::Result<()> {
        let number = u32::try_from(self.files.len()).map_err(|_| io::Error::other("too many files"))?;
        let file = File::open(path)?;
        let mut reader = BufReader::with_capacity(1 << 20, &file);
        let (mut line, mut at, mut count) = (Vec::new(), 0u64, 0u64);
        loop {
            line.clear();
            let length = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            count = count.saturating_add(1);
            let blank = line.iter().all(u8::is_ascii_whitespace);
            let bad = |_| io::Error::other(format!("line {count} is no record"));
            if !blank {
                let indexed: Indexed = serde_json::from_slice(&line).map_err(bad)?;
                self.add(&indexed, (number, at))?;
            }
            at = at.saturating_add(length as u64);
        }
        self.files.push((path.to_path_buf(), Mutex::new(file)));
        Ok(())
    }

    fn add(&mut self, indexed: &Indexed, place: (u32, u64)) -> io::Result<()> {
        if indexed.schema != RECORD_SCHEMA || matches!(indexed.status, None | Some(Status::Error)) {
            return Ok(());
        }
        let kinds = [("sha256", HashKind::Sha256), ("sha1", HashKind::Sha1), ("md5", HashKind::Md5)];
        let whole = kinds.iter().filter_map(|(name, kind)| Some(hash_key(*kind, indexed.hashes.get(*name)?)));
        let covered = indexed.authentihash.get("sha256").map(|digest| key("authentihash", digest));
        let path = indexed.path.as_deref().map(|path| key("path", &path_key(path)));
        for key in whole.chain(covered).chain(path) {
            self.places.insert(key, place);
        }
        if self.places.len() > MAX_KEYS {
            return Err(io::Error::other(format!("more than {MAX_KEYS} digests and paths")));
        }
        Ok(())
    }

    /// The last record of a file.
    #[must_use]
    pub fn find(&self, wanted: Wanted<'_>) -> Option<Record> {
        match wanted {
            Wanted::Hash(kind, digest) => {
                let whole = self.read(hash_key(kind, digest));
                let name = match kind {
                    HashKind::Sha256 => "sha256",
                    HashKind::Sha1 => "sha1",
                    HashKind::Md5 => "md5",
                };
                let same = |found: Option<&String>| found.is_some_and(|found| found == digest);
                whole.filter(|record| same(record.hashes.get(name))).or_else(|| {
                    let covered = (kind == HashKind::Sha256).then(|| self.read(key("authentihash", digest)))?;
                    covered.filter(|record| same(record.authentihash.get("sha256")))
                })
            }
            Wanted::Path(path) => {
                let found = self.read(key("path", &path_key(path)))?;
                (path_key(&found.path) == path_key(path)).then_some(found)
            }
        }
    }

    fn read(&self, key: u128) -> Option<Record> {
        let (number, at) = *self.places.get(&key)?;
        let (_, file) = self.files.get(usize::try_from(number).ok()?)?;
        let mut file = file.lock().ok()?;
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut line = Vec::new();
        BufReader::new(&mut *file).take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }
}

/// Paths are compared as Windows does: without case, and with either separator.
fn path_key(path: &str) -> String {
    folded(&path.replace('\\', "/"))
}

fn hash_key(kind: HashKind, digest: &str) -> u128 {
    let name = match kind {
        HashKind::Sha256 => "sha256",
        HashKind::Sha1 => "sha1",
        HashKind::Md5 => "md5",
    };
    key(name, digest)
}

fn key(kind: &str, value: &str) -> u128 {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(value).finalize();
    digest.iter().take(16).fold(0, |key, octet| (key << 8) | u128::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    #[test]
    fn records_are_found_by_every_key_and_the_last_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut old = samples::valid();
        old.path = r"C:\Tools\A.exe".to_owned();
        old.hashes = [("sha256".to_owned(), "1".repeat(64)), ("md5".to_owned(), "2".repeat(32))].into();
        old.authentihash = [("sha256".to_owned(), "3".repeat(64))].into();
        let mut new = old.clone();
        new.hashes = [("sha256".to_owned(), "4".repeat(64))].into();
        new.authentihash.clear();
        let mut broken = old.clone();
        broken.status = Status::Error;
        broken.hashes = [("sha256".to_owned(), "5".repeat(64))].into();
        let lines: Vec<String> =
            [&old, &new, &broken].iter().map(|record| serde_json::to_string(record).unwrap()).collect();
        std::fs::write(
            file.path(),
            format!("{}\n\n{}\n{{\"schema\":\"sigscan.finding/1\"}}\n{}", lines[0], lines[1], lines[2]),
        )
        .unwrap();
        let records = Records::open(&[file.path().to_path_buf()]).unwrap();
        let hash = |kind, digit: &str, length| records.find(Wanted::Hash(kind, &digit.repeat(length)));
        assert_eq!(hash(HashKind::Sha256, "1", 64), Some(old.clone()));
        assert_eq!(hash(HashKind::Md5, "2", 32), Some(old.clone()));
        assert_eq!(hash(HashKind::Sha256, "3", 64), Some(old.clone()));
        assert_eq!(hash(HashKind::Sha256, "4", 64), Some(new.clone()));
        assert_eq!(hash(HashKind::Sha256, "5", 64), None);
        assert_eq!(hash(HashKind::Sha1, "1", 40), None);
        assert_eq!(records.find(Wanted::Path("c:/tools/a.EXE")), Some(new));
        assert_eq!(records.find(Wanted::Path("a.exe")), None);
        assert_ne!(path_key("\u{212a}ernel32.dll"), path_key("kernel32.dll"));
        std::fs::write(file.path(), "{}\n").unwrap();
        assert!(Records::open(&[file.path().to_path_buf()]).unwrap_err().contains("line 1 is no record"));
    }
}
