//! Downloads that are kept between runs, in a folder that several runs may share at once.
//!
//! One file an entry, named by the SHA-256 of what was asked: a line of JSON about it, then the octets. Files are
//! written beside and renamed, so that a reader sees a whole entry or none. What is read is checked against its own
//! digest and URL, and is otherwise as hostile as a download.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::client::Validators;
use crate::crypto::{DigestAlgorithm, digest};

/// Octets that a cache may have on disk unless it is told otherwise.
pub const DEFAULT_CACHE_BYTES: u64 = 512 << 20;
/// Longest line of JSON before the octets.
const MAX_HEAD: u64 = 8 << 10;
/// How long an entry is used without asking again, whatever it says of itself: 30 days.
const LONGEST_FRESH: u64 = 30 * 24 * 3600;
const SUFFIX: &str = "entry";

/// What is known of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// The URL that was asked.
    pub url: String,
    /// When, in seconds since 1970.
    pub fetched: u64,
    /// Until when it is used without asking again.
    pub until: u64,
    /// ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Last-Modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Of the octets.
    sha256: String,
}

impl Meta {
    /// What is known of these octets.
    #[must_use]
    pub fn new(url: &str, fetched: u64, until: u64, validators: Validators, bytes: &[u8]) -> Meta {
        let Validators { etag, modified } = validators;
        Meta { url: url.to_owned(), fetched, until, etag, modified, sha256: sha256(bytes) }
    }

    /// Whether the entry may be used at `now` without asking again. One from the future may not.
    #[must_use]
    pub fn is_fresh(&self, now: u64) -> bool {
        self.fetched <= now && now < self.until.min(self.fetched.saturating_add(LONGEST_FRESH))
    }

    /// What makes the next request conditional.
    #[must_use]
    pub fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), modified: self.modified.clone() }
    }
}

/// A folder of downloads.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    cap: u64,
    /// Octets on disk, as far as this run knows.
    octets: AtomicU64,
    damaged: AtomicU64,
    evicting: Mutex<()>,
}

impl Cache {
    /// Opens a folder, making it if need be, and keeps it below `cap` octets.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: &Path, cap: u64) -> io::Result<Cache> {
        make_folder(folder)?;
        let octets = files_of(folder)?.iter().fold(0, |sum: u64, file| sum.saturating_add(file.1));
        let (octets, damaged) = (AtomicU64::new(octets), AtomicU64::new(0));
        Ok(Cache { folder: folder.to_owned(), cap, octets, damaged, evicting: Mutex::default() })
    }

    /// Entries that could not be read, so far.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    fn path(&self, question: &str) -> PathBuf {
        self.folder.join(format!("{}.{SUFFIX}", sha256(question.as_bytes())))
    }

    /// The entry for a question with at most `limit` octets; `None` where there is none, or one that is damaged.
    #[must_use]
    pub fn load(&self, question: &str, url: &str, limit: u64) -> Option<(Meta, Vec<u8>)> {
        let file = match open_regular(&self.path(question)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => return self.damage(),
        };
        match read_entry(file, limit) {
            Some((meta, bytes)) if meta.url == url && meta.sha256 == sha256(&bytes) => Some((meta, bytes)),
            _ => self.damage(),
        }
    }

    fn damage<T>(&self) -> Option<T> {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Keeps an entry, and lets the oldest go if there is too much.
    ///
    /// # Errors
    /// When the entry cannot be written; an older one is then still whole.
    pub fn store(&self, question: &str, meta: &Meta, bytes: &[u8]) -> io::Result<()> {
        let head = serde_json::to_vec(meta)?;
        let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(&self.folder)?;
        for part in [&head, &b"\n"[..], bytes] {
            file.write_all(part)?;
        }
        file.persist(self.path(question)).map_err(|error| error.error)?;
        let added = (head.len() as u64).saturating_add(1).saturating_add(bytes.len() as u64);
        let octets = self.octets.fetch_add(added, Ordering::Relaxed).saturating_add(added);
        if octets > self.cap { self.evict() } else { Ok(()) }
    }

    /// Removes the oldest files until nine tenths of the cap are left.
    fn evict(&self) -> io::Result<()> {
        let _one = self.evicting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = files_of(&self.folder)?;
        files.sort();
        let mut octets = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.1));
        let wanted = (self.cap / 10).saturating_mul(9);
        for (_, length, path) in &files {
            if octets <= wanted {
                break;
            }
            // Another run may have removed it already.
            let _ = fs::remove_file(path);
            octets = octets.saturating_sub(*length);
        }
        self.octets.store(octets, Ordering::Relaxed);
        Ok(())
    }
}

/// Opens a regular file and nothing else: opening a FIFO would block, and a link may lead to a file that somebody else chose.
#[cfg(unix)]
fn open_regular(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = fs::File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(not(unix))]
fn open_regular(path: &Path) -> io::Result<fs::File> {
    fs::File::open(path)
}

/// Makes a folder for nobody else, if there is none: which certificates and files somebody looks at is nobody else's business.
#[cfg(unix)]
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Age, length and name of every file that the cache made, finished or not.
fn files_of(folder: &Path) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_file() && (name.ends_with(SUFFIX) || name.starts_with(".writing-")) {
            files.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), entry.path()));
        }
    }
    Ok(files)
}

fn read_entry(file: fs::File, limit: u64) -> Option<(Meta, Vec<u8>)> {
    let mut bytes = Vec::new();
    let most = limit.saturating_add(MAX_HEAD);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).ok().filter(|count| *count as u64 <= most)?;
    let end = bytes.iter().take(usize::try_from(MAX_HEAD).ok()?).position(|byte| *byte == b'\n')?;
    let meta = serde_json::from_slice(bytes.get(..end)?).ok()?;
    bytes.drain(..=end);
    Some((meta, bytes))
}

fn sha256(bytes: &[u8]) -> String {
    digest(DigestAlgorithm::Sha256, bytes).map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(url: &str, bytes: &[u8]) -> Meta {
        Meta::new(url, 1000, 2000, Validators { etag: Some("\"v1\"".to_owned()), modified: None }, bytes)
    }

    #[test]
    fn what_is_stored_is_found_by_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let (first, second) = (Cache::open(&path, 1000).unwrap(), Cache::open(&path, 1000).unwrap());
        assert_eq!(first.load("q", "http://a.example/", 100), None);
        let known = meta("http://a.example/", b"octets\n\0");
        first.store("q", &known, b"octets\n\0").unwrap();
        assert_eq!(second.load("q", "http://a.example/", 100), Some((known, b"octets\n\0".to_vec())));
        assert_eq!((first.damaged(), second.damaged()), (0, 0));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_entry_is_no_entry() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 100_000).unwrap();
        let (url, bytes) = ("http://a.example/", b"octets");
        let mut damaged = 0;
        let mut expect_damage = |cache: &Cache, limit: u64, what: &str| {
            damaged += 1;
            assert_eq!((cache.load("q", url, limit), cache.damaged()), (None, damaged), "{what}");
        };
        cache.store("q", &meta(url, bytes), b"0ctets").unwrap();
        expect_damage(&cache, 100, "other octets");
        cache.store("q", &meta("http://b.example/", bytes), bytes).unwrap();
        expect_damage(&cache, 100, "another URL");
        cache.store("q", &meta(url, &[7; 9000]), &[7; 9000]).unwrap();
        expect_damage(&cache, 100, "longer than allowed");
        for text in ["", "\n", "{}\noctets", "not JSON\n", "{\"url\":\"http://a.example/\"", "\0\0\0\0"] {
            fs::write(cache.path("q"), text).unwrap();
            expect_damage(&cache, 100, text);
        }
        let whole = [&serde_json::to_vec(&meta(url, bytes)).unwrap()[..], b"\n", bytes].concat();
        for cut in 0..whole.len() {
            fs::write(cache.path("q"), &whole[..cut]).unwrap();
            expect_damage(&cache, 100, "cut");
        }
        fs::write(cache.path("q"), &whole).unwrap();
        assert!(cache.load("q", url, 100).is_some());
        fs::remove_file(cache.path("q")).unwrap();
        fs::create_dir(cache.path("q")).unwrap();
        expect_damage(&cache, 100, "a folder");
        #[cfg(unix)]
        {
            fs::remove_dir(cache.path("q")).unwrap();
            let fifo = std::process::Command::new("mkfifo").arg(cache.path("q")).status().unwrap();
            assert!(fifo.success());
            expect_damage(&cache, 100, "a FIFO that nobody writes to");
            fs::remove_file(cache.path("q")).unwrap();
            let elsewhere = folder.path().join("elsewhere");
            fs::write(&elsewhere, &whole).unwrap();
            std::os::unix::fs::symlink(&elsewhere, cache.path("q")).unwrap();
            expect_damage(&cache, 100, "a link");
        }
    }

    #[test]
    fn freshness_ends_and_does_not_begin_in_the_future() {
        let mut entry = meta("u", b"");
        assert!(!entry.is_fresh(999) && entry.is_fresh(1000) && entry.is_fresh(1999) && !entry.is_fresh(2000));
        entry.until = u64::MAX;
        assert!(entry.is_fresh(1000 + LONGEST_FRESH - 1) && !entry.is_fresh(1000 + LONGEST_FRESH));
    }

    #[test]
    fn the_oldest_entries_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 10_000).unwrap();
        for number in 0..10u8 {
            let (url, bytes) = (format!("http://{number}.example/"), vec![number; 1000]);
            cache.store(&url, &meta(&url, &bytes), &bytes).unwrap();
            let age = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(number) * 100);
            fs::File::options().write(true).open(cache.path(&url)).unwrap().set_modified(age).unwrap();
        }
        let left: Vec<u8> = (0..10)
            .filter(|number| {
                let url = format!("http://{number}.example/");
                cache.load(&url, &url, 2000).is_some()
            })
            .collect();
        // Each has 1,000 octets and a line of about 180: the ninth is too much, and seven of those then there may stay.
        assert_eq!(left, [2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn many_writers_leave_one_whole_entry() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for number in 0..8u8 {
                let folder = folder.path();
                scope.spawn(move || {
                    let cache = Cache::open(folder, 1 << 20).unwrap();
                    for _ in 0..20 {
                        let bytes = vec![number; 5000];
                        cache.store("q", &meta("u", &bytes), &bytes).unwrap();
                        let (_, found) = cache.load("q", "u", 5000).unwrap();
                        assert!(found.len() == 5000 && found.iter().all(|byte| *byte == found[0]));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
