//! The verdict of the file that an event names: judged once, remembered, or found in records.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::cache::Lru;
use super::digests;
use super::paths::{PathMap, Unresolved};
use super::records::{Records, Wanted};
use super::subject::{HashKind, Name, Subject};
use crate::container::Format;
use crate::guard::Caught;
use crate::record::{Reason, Record, Status};
use crate::scan::Scanner;

/// A share of the memory for verdicts that the names of files get.
const NAMES_SHARE: usize = 8;
/// What an entry costs beside its contents.
const ENTRY: usize = 256;

/// A file under one of its names: a record says the name, and a baseline knows files by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FileKey {
    path: Arc<Path>,
    state: State,
}

/// What makes a file another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    #[cfg(unix)]
    place: (u64, u64),
    size: u64,
    modified: Option<SystemTime>,
    /// When anything about it changed last: a time of modification can be set back, this cannot.
    #[cfg(unix)]
    changed: (i64, i64),
}

impl State {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> State {
        use std::os::unix::fs::MetadataExt;
        State {
            place: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> State {
        State { size: metadata.len(), modified: metadata.modified().ok() }
    }

    fn now(path: &Path) -> Option<State> {
        std::fs::metadata(path).ok().map(|metadata| State::of(&metadata))
    }
}

impl FileKey {
    fn now(path: PathBuf) -> Option<FileKey> {
        let state = State::now(&path)?;
        Some(FileKey { path: path.into(), state })
    }

    /// Whether the file of this name is still the same.
    fn is_current(&self) -> bool {
        State::now(&self.path) == Some(self.state)
    }

    /// Bytes that an entry with this key takes beside its contents.
    fn weight(&self) -> usize {
        self.path.as_os_str().len().saturating_add(ENTRY)
    }
}

/// A verdict as events get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<T> {
    /// What is written.
    pub text: T,
    /// The status.
    pub status: Status,
    /// The reason.
    pub reason: Reason,
    /// Digest of the file, where it was computed.
    sha256: Option<String>,
}

/// Writes a record for events.
pub type Render<T> = dyn Fn(&Record) -> (T, usize) + Send + Sync;

/// Judges the files that events name.
pub struct Verdicts<T> {
    scanner: Scanner,
    paths: PathMap,
    records: Records,
    render: Box<Render<T>>,
    files: Mutex<Lru<FileKey, Arc<Verdict<T>>>>,
    digests: Mutex<Lru<String, Arc<Verdict<T>>>>,
    /// Digests of files that judging did not make, by file and kind.
    stated: Mutex<Lru<(FileKey, HashKind), String>>,
    names: Mutex<Lru<String, FileKey>>,
}

impl<T> std::fmt::Debug for Verdicts<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Verdicts").finish_non_exhaustive()
    }
}

/// What became of the search for a file.
enum Sought<T> {
    /// The verdict, and which file it is of.
    Judged(Arc<Verdict<T>>, FileKey),
    Missing(Unresolved),
}

impl<T> Verdicts<T> {
    /// Verdicts by this scanner; `render` writes each once and says how many bytes that takes, and `cache` bounds what
    /// is remembered.
    #[must_use]
    pub fn new(
        scanner: Scanner,
        paths: PathMap,
        records: Records,
        render: Box<Render<T>>,
        cache: usize,
    ) -> Verdicts<T> {
        Verdicts {
            scanner,
            paths,
            records,
            render,
            files: Mutex::new(Lru::new(cache)),
            digests: Mutex::new(Lru::new(cache.checked_div(NAMES_SHARE).unwrap_or(0))),
            stated: Mutex::new(Lru::new(cache.checked_div(NAMES_SHARE).unwrap_or(0))),
            names: Mutex::new(Lru::new(cache.checked_div(NAMES_SHARE).unwrap_or(0))),
        }
    }

    /// The verdict of the file that an event is about. A file out of reach is looked up by the event's digests, and by
    /// its path where the event states none. A file in reach has to have the strongest digest that the event states: it may
    /// have been another one when the event was written. A name that cannot be read leads nowhere.
    pub fn of(&self, subject: &Subject<'_>, buffer: &mut Vec<u8>) -> Arc<Verdict<T>> {
        let sha256 = subject.hashes.iter().find(|(kind, _)| *kind == HashKind::Sha256).map(|(_, digest)| digest);
        let sought = match &subject.name {
            Name::Text(name) => self.file(name, buffer),
            Name::None => Sought::Missing(Unresolved::Missing),
            Name::Unreadable => Sought::Missing(Unresolved::Unreadable),
        };
        let why = match sought {
            Sought::Judged(verdict, key) => {
                let unread = verdict.status == Status::Error && matches!(verdict.reason, Reason::Io | Reason::NotFound);
                let stated = subject.hashes.first().filter(|_| !unread);
                let other = stated.filter(|(kind, digest)| !self.has(&verdict, &key, *kind, digest));
                match (other, unread) {
                    (None, false) => return verdict,
                    (other, _) => match (self.elsewhere(subject, sha256), other) {
                        (Some(found), _) => return found,
                        (None, None) => return verdict,
                        (None, Some((kind, _))) => {
                            format!("the file of this name has another {} now than the event states", kind.name())
                        }
                    },
                }
            }
            Sought::Missing(why) => match self.elsewhere(subject, sha256) {
                Some(found) => return found,
                None => why.message().to_owned(),
            },
        };
        let name = if let Name::Text(name) = &subject.name { name } else { "" };
        Arc::new(self.rendered(&self.scanner.error(name, Format::Other, Reason::NotFound, why)).0)
    }

    /// What is said where judging fails by a defect of sigscan: what a scan says then.
    #[must_use]
    pub fn failure(&self, caught: &Caught) -> Verdict<T> {
        self.rendered(&self.scanner.failure("", Format::Other, caught)).0
    }

    /// The verdict of the file of that name, if it is in reach.
    fn file(&self, name: &str, buffer: &mut Vec<u8>) -> Sought<T> {
        let known = self.names.lock().ok().and_then(|mut names| names.get(name));
        let key = match known.filter(FileKey::is_current) {
            Some(known) => known,
            None => {
                let path = match self.paths.resolve(name) {
                    Ok(path) => path,
                    Err(why) => return Sought::Missing(why),
                };
                let Some(key) = FileKey::now(path) else { return Sought::Missing(Unresolved::Missing) };
                if let Ok(mut names) = self.names.lock() {
                    let weight = name.len().saturating_mul(2).saturating_add(key.weight());
                    names.insert(name.to_owned(), key.clone(), weight);
                }
                key
            }
        };
        if let Some(verdict) = self.files.lock().ok().and_then(|mut files| files.get(&key)) {
            return Sought::Judged(verdict, key);
        }
        let record = self.scanner.compared(self.scanner.scan_file(&key.path, buffer));
        let (verdict, weight) = self.rendered(&record);
        let verdict = Arc::new(verdict);
        let lasting = !matches!(record.reason, Reason::Io | Reason::NotFound | Reason::ChangedWhileReading);
        // Only what is still the same file is remembered as that file.
        if lasting && key.is_current() {
            if let Ok(mut files) = self.files.lock() {
                files.insert(key.clone(), Arc::clone(&verdict), weight.saturating_add(key.weight()));
            }
            self.remember_digest(&verdict, weight);
        }
        Sought::Judged(verdict, key)
    }

    /// Whether the file that was judged has this digest. Judging makes SHA-256 unless it is told not to; another digest takes a
    /// second reading, once for each file. What cannot be read, or has changed since, has none.
    fn has(&self, verdict: &Verdict<T>, key: &FileKey, kind: HashKind, stated: &str) -> bool {
        if let (HashKind::Sha256, Some(found)) = (kind, &verdict.sha256) {
            return found == stated;
        }
        let asked = (key.clone(), kind);
        if let Some(found) = self.stated.lock().ok().and_then(|mut known| known.get(&asked)) {
            return found == stated;
        }
        let Ok([found]) = digests::of_file(&key.path, [kind.algorithm()]) else { return false };
        if !key.is_current() {
            return false;
        }
        let same = found == stated;
        if let Ok(mut known) = self.stated.lock() {
            known.insert(asked, found, key.weight());
        }
        same
    }

    /// The verdict of a file that is not in reach, or no longer the one that the event means.
    fn elsewhere(&self, subject: &Subject<'_>, sha256: Option<&String>) -> Option<Arc<Verdict<T>>> {
        let remembered = |digest: &String| self.digests.lock().ok().and_then(|mut digests| digests.get(digest));
        if let Some(verdict) = sha256.and_then(remembered) {
            return Some(verdict);
        }
        // Files can be made that share an MD5 or SHA-1, so these count only where there is nothing stronger.
        let record = match (subject.hashes.first(), &subject.name) {
            (Some((kind, digest)), _) => self.records.find(Wanted::Hash(*kind, digest)),
            (None, Name::Text(name)) => self.records.find(Wanted::Path(name)),
            (None, Name::None | Name::Unreadable) => None,
        }?;
        let (verdict, weight) = self.rendered(&record);
        let verdict = Arc::new(verdict);
        self.remember_digest(&verdict, weight);
        Some(verdict)
    }

    fn remember_digest(&self, verdict: &Arc<Verdict<T>>, weight: usize) {
        if let (Some(digest), Ok(mut digests)) = (&verdict.sha256, self.digests.lock()) {
            digests.insert(digest.clone(), Arc::clone(verdict), weight);
        }
    }

    fn rendered(&self, record: &Record) -> (Verdict<T>, usize) {
        let (text, weight) = (self.render)(record);
        let sha256 = record.hashes.get("sha256").cloned();
        (Verdict { text, status: record.status, reason: record.reason, sha256 }, weight.saturating_add(ENTRY))
    }
}
