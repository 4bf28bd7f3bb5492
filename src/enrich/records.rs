//! Records of earlier scans, found by digest or path when a file itself is out of reach.
//!
//! Only where each record lies is kept in memory. What is read from there is compared with what was asked for, so that
//! keys may be short. A digest says which file is meant wherever it lies; a path says so only on one machine.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::machine::{HostName, Machine};
use super::stated::HashKind;
use crate::fold::folded;
use crate::record::{RECORD_SCHEMA, Reason, Record, Status};

/// Keys that are kept: about 500 MiB of memory, a million files with all digests.
const MAX_KEYS: usize = 8_000_000;
/// The longest record that is read.
const MAX_LINE: u64 = 64 << 20;

const KINDS: [(&str, HashKind); 3] = [("sha256", HashKind::Sha256), ("sha1", HashKind::Sha1), ("md5", HashKind::Md5)];

/// Why records that have a path answer nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Several have it, of files that differ, and nothing says which of them is meant.
    Several,
    /// They are of other machines.
    Others,
    /// What had this path on this machine could not be judged.
    NotJudged,
}

impl Doubt {
    /// Part of a sentence for a person.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Doubt::Several => "records of this path are of files that differ",
            Doubt::Others => "records of this path are of other machines",
            Doubt::NotJudged => "the record of this path is of a file that was not judged",
        }
    }
}

/// Records of earlier scans.
#[derive(Debug, Default)]
pub struct Records {
    files: Vec<(PathBuf, Mutex<File>)>,
    places: HashMap<u128, At>,
    paths: HashMap<u128, Named>,
}

/// The number of a file of records, and where in it a line begins.
type At = (u32, u64);

/// The last of the records that have a path, under one of the names of a machine.
#[derive(Debug, Clone, Copy)]
struct Named {
    at: At,
    /// What the file was.
    content: u128,
    /// The one machine that all of them name; `None` if they name several, or none.
    host: Option<u128>,
    judged: bool,
    /// Whether there were different files, and not one after the other on one machine.
    several: bool,
}

/// What is read of every record to index it.
#[derive(Deserialize)]
struct Indexed {
    schema: String,
    path: Option<String>,
    host: Option<String>,
    status: Option<Status>,
    reason: Option<Reason>,
    #[serde(default)]
    hashes: HashMap<String, String>,
    #[serde(default)]
    authentihash: HashMap<String, String>,
}

/// Which records a path is looked for among.
#[derive(Debug, Clone, Copy)]
enum Among<'h> {
    /// All.
    All,
    /// Those that name no machine.
    Hostless,
    /// Those of a machine of exactly this name.
    Whole(&'h str),
    /// Those of machines of this name, whatever the domain.
    Short(&'h str),
}

impl Among<'_> {
    fn key(self, path: &str) -> u128 {
        let (kind, host) = match self {
            Among::All => ("path", ""),
            Among::Hostless => ("path without host", ""),
            Among::Whole(host) => ("path on host", host),
            Among::Short(host) => ("path on hosts", host),
        };
        key(kind, format!("{host}\0{path}"))
    }
}

impl Records {
    /// Indexes files of records, JSON Lines as a scan writes them; of several records of one file the last counts. Findings
    /// among them are passed over. Files that could not be judged are found by nothing; that they have a path makes it
    /// doubtful what another machine, or another scan, says of it.
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
        self.places.is_empty() && self.paths.is_empty()
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
                self.add(&indexed, (number, at), &line);
                if self.places.len().saturating_add(self.paths.len()) > MAX_KEYS {
                    return Err(io::Error::other(format!("more than {MAX_KEYS} digests and paths")));
                }
            }
            at = at.saturating_add(length as u64);
        }
        self.files.push((path.to_path_buf(), Mutex::new(file)));
        Ok(())
    }

    fn add(&mut self, indexed: &Indexed, at: At, line: &[u8]) {
        let (Some(status), true) = (indexed.status, indexed.schema == RECORD_SCHEMA) else { return };
        let judged = status != Status::Error;
        if judged {
            let whole = KINDS.iter().filter_map(|(name, kind)| Some(hash_key(*kind, indexed.hashes.get(*name)?)));
            let covered = indexed.authentihash.get("sha256").map(|digest| key("authentihash", digest));
            self.places.extend(whole.chain(covered).map(|key| (key, at)));
        }
        let Some(path) = indexed.path.as_deref().filter(|_| indexed.reason != Some(Reason::NotFound)) else { return };
        let path = path_key(path);
        // Without a digest two records are of one file only if they say the same.
        let digest = KINDS.iter().find_map(|(name, kind)| Some(hash_key(*kind, indexed.hashes.get(*name)?)));
        let content = digest.unwrap_or_else(|| key("record", line));
        let host = indexed.host.as_deref().map(HostName::of);
        let whole = host.as_ref().map(|host| key("host", &host.whole));
        let named = Named { at, content, host: whole, judged, several: false };
        self.put(Among::All, &path, named);
        match &host {
            None => self.put(Among::Hostless, &path, named),
            Some(host) => {
                self.put(Among::Whole(&host.whole), &path, named);
                if let Some(short) = &host.short {
                    self.put(Among::Short(short), &path, named);
                }
            }
        }
    }

    fn put(&mut self, among: Among<'_>, path: &str, new: Named) {
        match self.paths.entry(among.key(path)) {
            Entry::Vacant(entry) => drop(entry.insert(new)),
            Entry::Occupied(mut entry) => {
                let old = entry.get_mut();
                let (same_host, same_file) = (old.host.is_some() && old.host == new.host, old.content == new.content);
                old.several |= !same_host && !same_file;
                if !same_host {
                    old.host = None;
                }
                // On one machine the last counts, of what was judged.
                if new.judged || !old.judged {
                    *old = Named { host: old.host, several: old.several, ..new };
                }
            }
        }
    }

    /// The last record of a file with this digest, or of one whose Authenticode digest it is.
    #[must_use]
    pub fn with_digest(&self, kind: HashKind, digest: &str) -> Option<Record> {
        let name = KINDS.iter().find(|(_, known)| *known == kind).map(|(name, _)| *name)?;
        let same = |found: Option<&String>| found.is_some_and(|found| found == digest);
        let whole = self.places.get(&hash_key(kind, digest)).and_then(|at| self.read(*at));
        whole.filter(|record| same(record.hashes.get(name))).or_else(|| {
            let at = self.places.get(&key("authentihash", digest)).filter(|_| kind == HashKind::Sha256)?;
            self.read(*at).filter(|record| same(record.authentihash.get("sha256")))
        })
    }

    /// The record of the file that has one of these paths on a machine. Records that name a machine speak for that machine
    /// alone, others for all that have none of their own. `None` if no record has the path.
    ///
    /// # Errors
    /// Why none of those that have it counts.
    pub fn with_path(&self, machine: &Machine, paths: &[&str]) -> Result<Option<Record>, Doubt> {
        let paths: Vec<String> = paths.iter().map(|path| path_key(path)).collect();
        let host = match machine {
            Machine::Named(name) => Some(HostName::of(name)),
            Machine::Unsaid | Machine::Unreadable => None,
        };
        let found = match (&host, machine) {
            (Some(host), _) => match self.on(host, &paths)? {
                None => self.last(Among::Hostless, &paths)?,
                own => own,
            },
            (None, Machine::Unsaid) => self.last(Among::All, &paths)?,
            (None, _) => self.last(Among::Hostless, &paths)?,
        };
        let Some(found) = found else {
            let others = paths.iter().any(|path| self.paths.contains_key(&Among::All.key(path)));
            return if others { Err(Doubt::Others) } else { Ok(None) };
        };
        if !found.judged {
            return Err(Doubt::NotJudged);
        }
        let meant = |record: &Record| {
            let theirs = record.host.as_deref().map(HostName::of);
            let fits = host.as_ref().zip(theirs.as_ref()).is_none_or(|(host, theirs)| host.may_be(theirs));
            fits && paths.contains(&path_key(&record.path))
        };
        Ok(self.read(found.at).filter(meant))
    }

    /// What records of this machine have one of the paths. A name without a domain may be any domain's; a name with one is
    /// also meant by records that leave it out, unless machines of that name differ.
    fn on(&self, host: &HostName, paths: &[String]) -> Result<Option<Named>, Doubt> {
        let Some(short) = &host.short else { return self.last(Among::Whole(&host.whole), paths) };
        if !host.has_domain() {
            return self.last(Among::Short(short), paths);
        }
        match self.last(Among::Whole(&host.whole), paths)? {
            None => match self.last(Among::Whole(short), paths)? {
                Some(found) => self.last(Among::Short(short), paths).map(|_| Some(found)),
                None => Ok(None),
            },
            own => Ok(own),
        }
    }

    /// The last of these records that has one of the paths.
    fn last(&self, among: Among<'_>, paths: &[String]) -> Result<Option<Named>, Doubt> {
        let found = paths.iter().filter_map(|path| self.paths.get(&among.key(path)));
        let mut last: Option<Named> = None;
        for named in found {
            let other = last.is_some_and(|last| last.content != named.content);
            if other || named.several {
                return Err(Doubt::Several);
            }
            last = last.filter(|last| last.judged && last.at > named.at).or(Some(*named));
        }
        Ok(last)
    }

    fn read(&self, (number, at): At) -> Option<Record> {
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

fn key(kind: &str, value: impl AsRef<[u8]>) -> u128 {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(value).finalize();
    digest.iter().take(16).fold(0, |key, octet| (key << 8) | u128::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::samples;

    /// Records with these paths, hosts and digests (`-` for one that was not judged), indexed in this order.
    fn records(entries: &[(&str, Option<&str>, &str)]) -> (tempfile::NamedTempFile, Records) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = entries.iter().map(|(path, host, digest)| {
            let mut record = samples::valid();
            record.path = (*path).to_owned();
            record.host = host.map(str::to_owned);
            record.hashes.clear();
            record.authentihash.clear();
            if *digest == "-" {
                (record.status, record.reason) = (Status::Error, Reason::Io);
            } else {
                record.hashes.insert("sha256".to_owned(), digest.repeat(64));
            }
            serde_json::to_string(&record).unwrap() + "\n"
        });
        std::fs::write(file.path(), lines.collect::<String>()).unwrap();
        let records = Records::open(&[file.path().to_path_buf()]).unwrap();
        (file, records)
    }

    /// The digit that the found record's digest is made of.
    fn found(records: &Records, host: &str, path: &str) -> Result<Option<String>, Doubt> {
        let machine = Machine::called(host).unwrap_or_default();
        let record = records.with_path(&machine, &[path])?;
        Ok(record.map(|record| record.hashes["sha256"][..1].to_owned()))
    }

    #[test]
    fn records_are_found_by_every_key_and_the_last_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut old = samples::valid();
        old.path = r"C:\Tools\A.exe".to_owned();
        old.host = Some("WS01".to_owned());
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
        let hash = |kind, digit: &str, length| records.with_digest(kind, &digit.repeat(length));
        assert_eq!(hash(HashKind::Sha256, "1", 64), Some(old.clone()));
        assert_eq!(hash(HashKind::Md5, "2", 32), Some(old.clone()));
        assert_eq!(hash(HashKind::Sha256, "3", 64), Some(old.clone()));
        assert_eq!(hash(HashKind::Sha256, "4", 64), Some(new.clone()));
        assert_eq!(hash(HashKind::Sha256, "5", 64), None);
        assert_eq!(hash(HashKind::Sha1, "1", 40), None);
        let ws01 = Machine::Named("ws01.corp.example".to_owned());
        assert_eq!(records.with_path(&ws01, &["c:/tools/a.EXE"]), Ok(Some(new)));
        assert_eq!(records.with_path(&ws01, &["a.exe"]), Ok(None));
        assert_ne!(path_key("\u{212a}ernel32.dll"), path_key("kernel32.dll"));
        std::fs::write(file.path(), "{}\n").unwrap();
        assert!(Records::open(&[file.path().to_path_buf()]).unwrap_err().contains("line 1 is no record"));
    }

    #[test]
    fn a_path_is_found_on_its_own_machine_alone() {
        let tool = r"C:\tool.exe";
        for turned in [false, true] {
            let mut entries = vec![(tool, Some("A"), "a"), (tool, Some("B"), "b"), (r"C:\one.exe", Some("A"), "a")];
            if turned {
                entries.reverse();
            }
            let (_file, records) = records(&entries);
            let text = |found: &str| Ok(Some(found.to_owned()));
            assert_eq!(found(&records, "a", tool), text("a"));
            assert_eq!(found(&records, "B.corp.example", tool), text("b"));
            assert_eq!(found(&records, "C", tool), Err(Doubt::Others));
            assert_eq!(found(&records, "", tool), Err(Doubt::Several));
            assert_eq!(found(&records, "B", r"C:\one.exe"), Err(Doubt::Others));
            assert_eq!(found(&records, "", r"C:\one.exe"), text("a"));
            assert_eq!(records.with_path(&Machine::Unreadable, &[tool]), Err(Doubt::Others));
            assert_eq!(found(&records, "C", r"C:\none.exe"), Ok(None));
        }
    }

    #[test]
    fn a_name_without_a_domain_is_no_machine_s_where_two_domains_have_it() {
        let (b, corp, other) = (Some("b"), Some("b.corp.example"), Some("B.other.example"));
        let text = |found: &str| Ok(Some(found.to_owned()));
        let (_file, two) = records(&[("C:/x", corp, "1"), ("C:/x", other, "2"), ("C:/y", b, "3"), ("C:/z", corp, "4")]);
        assert_eq!(found(&two, "B", "C:/x"), Err(Doubt::Several));
        assert_eq!(found(&two, "b.corp.example", "C:/x"), text("1"));
        assert_eq!(found(&two, "b.other.example", "C:/x"), text("2"));
        assert_eq!(found(&two, "b.third.example", "C:/x"), Err(Doubt::Others));
        assert_eq!(found(&two, "b.third.example", "C:/y"), text("3"));
        assert_eq!(found(&two, "b", "C:/z"), text("4"));
        assert_eq!(found(&two, "b.third.example", "C:/z"), Err(Doubt::Others));
        let (_file, three) = records(&[("C:/x", b, "1"), ("C:/x", other, "2")]);
        assert_eq!(found(&three, "b.corp.example", "C:/x"), Err(Doubt::Several));
        assert_eq!(found(&three, "b.other.example", "C:/x"), text("2"));
        let (_file, same) = records(&[("C:/x", b, "1"), ("C:/x", other, "1")]);
        assert_eq!(found(&same, "b.corp.example", "C:/x"), text("1"));
    }

    #[test]
    fn records_without_a_machine_speak_for_all_that_have_none_of_their_own_unless_they_differ() {
        let text = |found: &str| Ok(Some(found.to_owned()));
        let (_file, one) = records(&[("C:/x", None, "1"), ("C:/x", Some("B"), "2"), ("C:/x", None, "1")]);
        assert_eq!(found(&one, "C", "C:/x"), text("1"));
        assert_eq!(found(&one, "B", "C:/x"), text("2"));
        assert_eq!(found(&one, "", "C:/x"), Err(Doubt::Several));
        assert_eq!(one.with_path(&Machine::Unreadable, &["C:/x"]).unwrap().unwrap().host, None);
        let (_file, two) = records(&[("C:/x", None, "1"), ("C:/x", None, "2"), ("C:/X", None, "2")]);
        assert_eq!(found(&two, "C", "C:/x"), Err(Doubt::Several));
        assert_eq!(found(&two, "", "C:/x"), Err(Doubt::Several));
    }

    #[test]
    fn what_was_not_judged_answers_nothing_and_is_a_file_all_the_same() {
        let text = |found: &str| Ok(Some(found.to_owned()));
        for turned in [false, true] {
            let mut entries = vec![("C:/x", Some("A"), "1"), ("C:/x", Some("B"), "-"), ("C:/y", Some("A"), "-")];
            if turned {
                entries.reverse();
            }
            let (_file, records) = records(&entries);
            assert_eq!(found(&records, "A", "C:/x"), text("1"));
            assert_eq!(found(&records, "B", "C:/x"), Err(Doubt::NotJudged));
            assert_eq!(found(&records, "", "C:/x"), Err(Doubt::Several));
            assert_eq!(found(&records, "A", "C:/y"), Err(Doubt::NotJudged));
        }
    }

    #[test]
    fn either_of_two_names_leads_to_a_file_and_to_none_if_these_differ() {
        let (_file, two) =
            records(&[("C:/x", None, "1"), ("/mnt/x", None, "2"), ("/mnt/y", None, "3"), ("C:/y", None, "3")]);
        let ask = |paths: &[&str]| {
            let record = two.with_path(&Machine::Unsaid, paths)?;
            Ok(record.map(|record| (record.path, record.hashes["sha256"][..1].to_owned())))
        };
        let named = |path: &str, digest: &str| Ok(Some((path.to_owned(), digest.to_owned())));
        assert_eq!(ask(&[r"C:\x"]), named("C:/x", "1"));
        assert_eq!(ask(&[r"C:\x", "/mnt/x"]), Err(Doubt::Several));
        assert_eq!(ask(&[r"C:\z", "/mnt/y"]), named("/mnt/y", "3"));
        assert_eq!(ask(&[r"C:\y", "/mnt/y"]), named("C:/y", "3"));
        assert_eq!(ask(&["/mnt/y", r"C:\y"]), named("C:/y", "3"));
    }
}
