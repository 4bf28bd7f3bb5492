//! The verdict of the file that an event names: judged once, remembered, or found in records.
//!
//! What is remembered saves work and decides nothing: an answer is the same whatever was asked before it.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::cache::Lru;
use super::digests;
use super::machine::Machine;
use super::paths::{PathMap, Unresolved};
use super::records::{Doubt, Records};
use super::stated::HashKind;
use super::subject::{Name, Subject};
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

/// A digest as events state it.
type StatedDigest = (HashKind, String);

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
    /// The machine of events that name none.
    host: Machine,
    files: Mutex<Lru<FileKey, Arc<Verdict<T>>>>,
    /// Verdicts of records, by the digest that led to them.
    recorded: Mutex<Lru<StatedDigest, Arc<Verdict<T>>>>,
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
            host: Machine::Unsaid,
            files: Mutex::new(Lru::new(cache)),
            recorded: Mutex::new(Lru::new(cache.checked_div(NAMES_SHARE).unwrap_or(0))),
            stated: Mutex::new(Lru::new(cache.checked_div(NAMES_SHARE).unwrap_or(0))),
            names: Mutex::new(Lru::new(cache.checked_div(NAMES_SHARE).unwrap_or(0))),
        }
    }

    /// The same for events of this machine, where they name none themselves.
    #[must_use]
    pub fn of_host(self, host: Option<&str>) -> Verdicts<T> {
        Verdicts { host: host.and_then(Machine::called).unwrap_or_default(), ..self }
    }

    /// Whether it matters which machine an event is of.
    #[must_use]
    pub fn ask_for_machines(&self) -> bool {
        !self.records.is_empty()
    }

    /// The verdict of the file that an event is about. A file out of reach is looked up among the records by the event's
    /// digests, and by its path where the event states none. A file in reach has to have the strongest digest that the event
    /// states: it may have been another one when the event was written. A name, or a digest, that cannot be read leads nowhere.
    pub fn of(&self, subject: &Subject<'_>, buffer: &mut Vec<u8>) -> Arc<Verdict<T>> {
        let sought = match &subject.name {
            _ if subject.stated.is_unreadable() => Sought::Missing(Unresolved::Digest),
            Name::Text(name) => self.file(name, buffer),
            Name::None => Sought::Missing(Unresolved::Missing),
            Name::Unreadable => Sought::Missing(Unresolved::Unreadable),
        };
        let (seen, why) = match sought {
            Sought::Judged(verdict, key) => {
                let unread = verdict.status == Status::Error && matches!(verdict.reason, Reason::Io | Reason::NotFound);
                let stated = subject.stated.hashes.first().filter(|_| !unread);
                let other = stated.filter(|(kind, digest)| !self.has(&verdict, &key, *kind, digest));
                let why = other.map(|(kind, _)| {
                    format!("the file of this name has another {} now than the event states", kind.name())
                });
                match why {
                    None if !unread => return verdict,
                    None => (Some(verdict), String::new()),
                    Some(why) => (None, why),
                }
            }
            Sought::Missing(why) => (None, why.message().to_owned()),
        };
        let doubt = match (self.recorded(subject), seen) {
            (Ok(Some(found)), _) => return found,
            (_, Some(verdict)) => return verdict,
            (Ok(None), None) => String::new(),
            (Err(doubt), None) => format!("; {}", doubt.message()),
        };
        let name = if let Name::Text(name) = &subject.name { name } else { "" };
        let message = why + &doubt;
        Arc::new(self.rendered(&self.scanner.error(name, Format::Other, Reason::NotFound, message)).0)
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
        if lasting
            && key.is_current()
            && let Ok(mut files) = self.files.lock()
        {
            files.insert(key.clone(), Arc::clone(&verdict), weight.saturating_add(key.weight()));
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

    /// What records say of a file that is not in reach, or no longer the one that the event means. Files can be made that
    /// share an MD5 or SHA-1, so these count only where there is nothing stronger.
    fn recorded(&self, subject: &Subject<'_>) -> Result<Option<Arc<Verdict<T>>>, Doubt> {
        let Some(stated) = subject.stated.hashes.first() else { return self.recorded_by_path(subject) };
        if let Some(known) = self.recorded.lock().ok().and_then(|mut known| known.get(stated)) {
            return Ok(Some(known));
        }
        let (kind, digest) = stated;
        let Some(record) = self.records.with_digest(*kind, digest) else { return Ok(None) };
        let (verdict, weight) = self.rendered(&record);
        let verdict = Arc::new(verdict);
        if let Ok(mut known) = self.recorded.lock() {
            known.insert(stated.clone(), Arc::clone(&verdict), weight);
        }
        Ok(Some(verdict))
    }

    /// Records know a file by the event's name for it, and by the name that it has below a mounted folder.
    fn recorded_by_path(&self, subject: &Subject<'_>) -> Result<Option<Arc<Verdict<T>>>, Doubt> {
        let Name::Text(name) = &subject.name else { return Ok(None) };
        if subject.stated.is_unreadable() || self.records.is_empty() {
            return Ok(None);
        }
        let mapped = self.paths.mapped(name);
        let mapped = mapped.as_deref().and_then(Path::to_str);
        let paths: Vec<&str> = std::iter::once(name.as_ref()).chain(mapped).collect();
        let machine = subject.machine.clone().or(|| self.host.clone());
        let record = self.records.with_path(&machine, &paths)?;
        Ok(record.map(|record| Arc::new(self.rendered(&record).0)))
    }

    fn rendered(&self, record: &Record) -> (Verdict<T>, usize) {
        let (text, weight) = (self.render)(record);
        let sha256 = record.hashes.get("sha256").cloned();
        (Verdict { text, status: record.status, reason: record.reason, sha256 }, weight.saturating_add(ENTRY))
    }
}
