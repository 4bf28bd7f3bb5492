//! Answers that outlive a run, in one file: what [`DigestStore`] asks for, on a disk.
//!
//! Entries are appended, and count from the moment when the commit that names them is on the disk: a run that is killed
//! loses what it had not committed, a few seconds' worth, and nothing else. A file that is damaged in any octet that
//! counts is not used at all. The file is opened, checked and locked once; later work is on that open file alone, so that
//! it needs no permission for the folder. What is stale is left behind, and the rest copied to the front, when it is more
//! than half.

mod layout;
mod place;
#[cfg(all(test, unix))]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use layout::{COMMIT_AT, Commit, DATA, Entry, Header, MAX_ENTRY, MIN_ENTRY, SECTOR, UNIT, header, read_header};

use crate::scan::{DigestStore, StoreKey, vocabulary};

/// Tells the time in nanoseconds since 1970, by the clock that files get their times from.
pub type Clock = fn() -> i128;

/// Entries that no run has used for so many runs are dropped.
const KEPT_RUNS: u32 = 64;
/// Octets of entries. At about 160 octets an entry, six million files.
const MOST_OCTETS: u64 = 1 << 30;
/// Entries are written when there are so many octets of them,
const BATCH: usize = 1 << 20;
/// or when the last ones were written so many nanoseconds ago.
const LONGEST_WAIT: i128 = 2_000_000_000;
/// A file that is smaller than this is not made smaller.
const SMALL: u64 = 256 << 10;

/// A cache file, open and locked.
#[derive(Debug)]
pub struct Cache {
    file: File,
    path: PathBuf,
    clock: Clock,
    /// Nanoseconds.
    settle: i128,
    /// This run's number.
    run: u32,
    most: u64,
    state: Mutex<State>,
    /// Held by whoever writes. Taken before `state` where both are.
    written: Mutex<Written>,
}

/// What is known of the entries.
#[derive(Debug, Default)]
struct State {
    /// By the first octets of their places; the whole place is compared when an entry is read.
    index: HashMap<u64, Place>,
    /// Octets of all entries in the index.
    live: u64,
    /// Entries that are not written yet,
    pending: Vec<u8>,
    /// and where they will be.
    pending_at: u64,
    /// Whether there is no more room.
    full: bool,
}

/// Where an entry is, in 16 octets together with its key: there are millions.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// In units.
    at: u32,
    /// Octets.
    size: u16,
    /// How many runs ago it was written, 255 at most.
    age: u8,
    /// Whether this run asked for it.
    used: bool,
}

impl Place {
    fn offset(self) -> u64 {
        u64::from(self.at).saturating_mul(UNIT)
    }
}

#[derive(Debug)]
struct Written {
    commit: Commit,
    /// When.
    moment: i128,
    /// Why nothing can be written any more.
    failed: Option<String>,
}

impl Cache {
    /// Opens the cache of that name, or makes it, readable and writable by its owner alone. A file that was changed less
    /// than `settle` nanoseconds before it is read is not remembered. What is said besides is a note for a person: that
    /// a cache was damaged, or from another version, and is made anew.
    ///
    /// # Errors
    /// Why there is no cache to be used, for a person. A file that is no cache is left as it is.
    pub fn open(path: &Path, clock: Clock, settle: i128) -> Result<(Cache, Option<String>), String> {
        Cache::open_as(path, clock, settle, &writer(env!("CARGO_PKG_VERSION")), MOST_OCTETS)
    }

    fn open_as(
        path: &Path,
        clock: Clock,
        settle: i128,
        writer: &str,
        most: u64,
    ) -> Result<(Cache, Option<String>), String> {
        let file = place::open(path)?;
        let (loaded, note) = match load(&file, writer).map_err(|error| place::reason(&error))? {
            Found::Cache(loaded) => (loaded, None),
            Found::Nothing => (Loaded::empty(), None),
            Found::Unusable(why) => (Loaded::empty(), Some(format!("{why}: it is made anew"))),
            Found::Foreign => return Err("it is no cache of sigscan's, and is left as it is".to_owned()),
        };
        if loaded.commit == Commit::EMPTY {
            begin(&file, writer).map_err(|error| place::reason(&error))?;
        }
        let Loaded { commit, index, live } = loaded;
        let cache = Cache {
            file,
            path: path.to_path_buf(),
            clock,
            settle,
            run: commit.run.saturating_add(1),
            most,
            state: Mutex::new(State { index, live, pending_at: commit.end, ..State::default() }),
            written: Mutex::new(Written { commit, moment: clock(), failed: None }),
        };
        Ok((cache, note))
    }

    /// Whether something could not be kept because there is no more room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state().full
    }

    /// The name that it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is not written yet, and leaves behind what is stale.
    ///
    /// # Errors
    /// Why it could not be written, now or earlier. What was committed before is still there.
    pub fn finish(&self) -> Result<(), String> {
        self.commit(true);
        let mut written = self.written();
        if written.failed.is_none()
            && let Err(error) = self.tidy(&mut written)
        {
            written.failed = Some(error.to_string());
        }
        written.failed.clone().map_or(Ok(()), Err)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the pending entries and then the commit that names them. Whoever finds somebody at it has nothing to do,
    /// unless it must be done.
    fn commit(&self, wait: bool) {
        let mut written = match (wait, self.written.try_lock()) {
            (_, Ok(written)) => written,
            (false, Err(_)) => return,
            (true, Err(_)) => self.written(),
        };
        let (batch, at) = {
            let mut state = self.state();
            let (batch, at) = (std::mem::take(&mut state.pending), state.pending_at);
            state.pending_at = at.saturating_add(batch.len() as u64);
            (batch, at)
        };
        written.moment = (self.clock)();
        if written.failed.is_some() {
            return;
        }
        let end = at.saturating_add(batch.len() as u64);
        let commit = Commit { end, run: self.run, ..written.commit };
        if commit == written.commit {
            return;
        }
        // The number of the run alone may as well be lost.
        let written_now = match batch.is_empty() {
            true => write_all_at(&self.file, &commit.sector(), COMMIT_AT),
            false => self.append(&batch, at, commit),
        };
        match written_now {
            Ok(()) => written.commit = commit,
            Err(error) => {
                written.failed = Some(error.to_string());
                // What is behind the commit means nothing, and its room may be wanted.
                let _ = self.file.set_len(written.commit.end);
            }
        }
    }

    fn append(&self, batch: &[u8], at: u64, commit: Commit) -> io::Result<()> {
        write_all_at(&self.file, batch, at)?;
        self.file.sync_data()?;
        write_all_at(&self.file, &commit.sector(), COMMIT_AT)?;
        self.file.sync_data()
    }

    /// Copies what is live to where it takes no room that is not needed, if there is much to gain.
    fn tidy(&self, written: &mut Written) -> io::Result<()> {
        let mut state = self.state();
        if state.full {
            // What this run did not ask for makes room for what it could not keep.
            state.index.retain(|_, place| place.used);
            state.live = state.index.values().fold(0, |sum, place| sum.saturating_add(u64::from(place.size)));
        }
        if !state.pending.is_empty() {
            return Ok(());
        }
        let full = state.full;
        let stale = |commit: &Commit, live: u64| {
            let octets = commit.end.saturating_sub(commit.start);
            let gain = octets.saturating_sub(live);
            commit.start > DATA || (gain > 0 && full) || (gain > live && octets > SMALL)
        };
        // Behind everything first, if there is no room before it, and from there to the front.
        for _ in 0..2 {
            let commit = written.commit;
            if !stale(&commit, state.live) {
                break;
            }
            let before = DATA.saturating_add(state.live) <= commit.start;
            let start = if before { DATA } else { commit.end };
            let end = self.copy(&mut state.index, start)?;
            let commit = Commit { start, end, run: self.run };
            self.append(&[], start, commit)?;
            written.commit = commit;
            state.pending_at = end;
            if before {
                self.file.set_len(end)?;
                break;
            }
        }
        Ok(())
    }

    /// Copies every entry of the index to `start` and further, in the order in which they lie; the end of the copies.
    fn copy(&self, index: &mut HashMap<u64, Place>, start: u64) -> io::Result<u64> {
        let mut places: Vec<&mut Place> = index.values_mut().collect();
        places.sort_unstable_by_key(|place| place.at);
        let (mut batch, mut at) = (Vec::with_capacity(BATCH), start);
        for place in places {
            let end = at.saturating_add(batch.len() as u64);
            let octets = self.entry(*place).ok_or_else(|| io::Error::other("it changed while it was used"))?;
            place.at = units(end).ok_or_else(|| io::Error::other("it is too large"))?;
            batch.extend(octets);
            if batch.len() >= BATCH {
                write_all_at(&self.file, &batch, at)?;
                at = at.saturating_add(batch.len() as u64);
                batch.clear();
            }
        }
        write_all_at(&self.file, &batch, at)?;
        Ok(at.saturating_add(batch.len() as u64))
    }

    /// The octets of a written entry, if they are as they were written.
    fn entry(&self, place: Place) -> Option<Vec<u8>> {
        let mut octets = vec![0; usize::from(place.size)];
        read_exact_at(&self.file, &mut octets, place.offset()).ok()?;
        Entry::read(&octets).map(drop)?;
        Some(octets)
    }

    /// Adds an entry; whether it is time to write.
    fn add(&self, key: &StoreKey, answer: &[u8]) -> bool {
        let entry = Entry { run: self.run, place: key.place, state: key.state, answer };
        let Some(octets) = entry.octets() else { return false };
        let mut state = self.state();
        let at = state.pending_at.saturating_add(state.pending.len() as u64);
        let (Some(units), Ok(size)) = (units(at), u16::try_from(octets.len())) else { return false };
        if state.full || at.saturating_add(u64::from(size)) > self.most {
            state.full = true;
            return false;
        }
        let place = Place { at: units, size, age: 0, used: true };
        let before = state.index.insert(short(&key.place), place).map_or(0, |place| place.size);
        state.live = state.live.saturating_sub(u64::from(before)).saturating_add(u64::from(size));
        state.pending.extend(octets);
        state.pending.len() >= BATCH
    }

    /// The octets of an entry, written or not, and whether it will soon be too old.
    fn find(&self, key: &StoreKey) -> Option<(Vec<u8>, bool)> {
        let mut state = self.state();
        let place = state.index.get_mut(&short(&key.place))?;
        place.used = true;
        let place = *place;
        let ageing = u32::from(place.age) >= KEPT_RUNS / 2;
        if let Some(from) = place.offset().checked_sub(state.pending_at) {
            let from = usize::try_from(from).ok()?;
            let octets = state.pending.get(from..from.checked_add(usize::from(place.size))?)?;
            return Some((octets.to_vec(), ageing));
        }
        drop(state);
        Some((self.entry(place)?, ageing))
    }
}

impl DigestStore for Cache {
    fn settled(&self, changed: i128) -> bool {
        changed.saturating_add(self.settle) <= (self.clock)()
    }

    fn recall(&self, key: &StoreKey) -> Option<Vec<u8>> {
        let (octets, ageing) = self.find(key)?;
        let entry = Entry::read(&octets)?;
        if entry.place != key.place || entry.state != key.state {
            return None;
        }
        if ageing {
            self.keep(key, entry.answer);
        }
        Some(entry.answer.to_vec())
    }

    fn keep(&self, key: &StoreKey, answer: &[u8]) {
        let enough = self.add(key, answer);
        let late = || {
            let waiting = |written: MutexGuard<'_, Written>| (self.clock)().saturating_sub(written.moment);
            self.written.try_lock().is_ok_and(|written| waiting(written) >= LONGEST_WAIT)
        };
        if enough || late() {
            self.commit(enough);
        }
    }
}

/// Nobody asks what came of it any more.
impl Drop for Cache {
    fn drop(&mut self) {
        self.commit(true);
    }
}

/// Everything that must be the same for an answer to be understood as it was meant.
fn writer(version: &str) -> String {
    format!("sigscan {version}; {}", vocabulary())
}

fn units(offset: u64) -> Option<u32> {
    u32::try_from(offset.checked_div(UNIT)?).ok()
}

fn short(place: &[u8; 16]) -> u64 {
    place.first_chunk().map_or(0, |octets| u64::from_le_bytes(*octets))
}

/// What a file turned out to be.
enum Found {
    Cache(Loaded),
    /// An empty file, or one that was just made.
    Nothing,
    /// A cache of ours that cannot be used, and why.
    Unusable(&'static str),
    Foreign,
}

/// What was read of a cache.
struct Loaded {
    commit: Commit,
    index: HashMap<u64, Place>,
    live: u64,
}

impl Loaded {
    fn empty() -> Loaded {
        Loaded { commit: Commit::EMPTY, index: HashMap::new(), live: 0 }
    }
}

/// Reads everything that counts, and checks it.
fn load(file: &File, writer: &str) -> io::Result<Found> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(Found::Nothing);
    }
    let mut reader = BufReader::with_capacity(1 << 18, file);
    reader.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    (&mut reader).take(DATA).read_to_end(&mut head)?;
    match read_header(&head, writer) {
        Header::Ours => {}
        Header::OtherVersion => return Ok(Found::Unusable("it is from another version of sigscan")),
        Header::Damaged => return Ok(Found::Unusable(DAMAGED)),
        Header::Foreign => return Ok(Found::Foreign),
    }
    let Some(commit) = Commit::read(head.get(SECTOR..).unwrap_or_default(), length) else {
        return Ok(Found::Unusable(DAMAGED));
    };
    reader.seek(SeekFrom::Start(commit.start))?;
    Ok(match entries(&mut reader, commit)? {
        Some((index, live)) => Found::Cache(Loaded { commit, index, live }),
        None => Found::Unusable(DAMAGED),
    })
}

const DAMAGED: &str = "it is damaged";

/// The entries that a commit names; `None` if one of them is not as it was written.
fn entries(reader: &mut dyn Read, commit: Commit) -> io::Result<Option<(HashMap<u64, Place>, u64)>> {
    let mut index: HashMap<u64, Place> = HashMap::new();
    let mut live = 0u64;
    let mut buffer = vec![0; MAX_ENTRY];
    let mut at = commit.start;
    while at < commit.end {
        let room = commit.end.saturating_sub(at);
        let Some(first) = buffer.get_mut(..MIN_ENTRY).filter(|first| first.len() as u64 <= room) else {
            return Ok(None);
        };
        reader.read_exact(first)?;
        let size = first.first_chunk().and_then(|first| Entry::size(*first));
        let Some(size) = size.filter(|size| *size as u64 <= room) else { return Ok(None) };
        if let Some(rest) = buffer.get_mut(MIN_ENTRY..size) {
            reader.read_exact(rest)?;
        }
        let Some(entry) = buffer.get(..size).and_then(Entry::read) else { return Ok(None) };
        let (Some(age), Some(units), Ok(size)) = (commit.run.checked_sub(entry.run), units(at), u16::try_from(size))
        else {
            return Ok(None);
        };
        let place = Place { at: units, size, age: u8::try_from(age).unwrap_or(u8::MAX), used: false };
        let key = short(&entry.place);
        let before = if age < KEPT_RUNS { index.insert(key, place) } else { index.remove(&key) };
        live = live.saturating_sub(before.map_or(0, |place| u64::from(place.size)));
        live = live.saturating_add(if age < KEPT_RUNS { u64::from(size) } else { 0 });
        at = at.saturating_add(u64::from(size));
    }
    Ok(Some((index, live)))
}

/// Makes an empty cache of whatever cache the file was.
fn begin(file: &File, writer: &str) -> io::Result<()> {
    file.set_len(0)?;
    write_all_at(file, &[header(writer), Commit::EMPTY.sector()].concat(), 0)?;
    file.sync_data()
}

#[cfg(unix)]
fn write_all_at(file: &File, octets: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, octets, offset)
}

#[cfg(unix)]
fn read_exact_at(file: &File, octets: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, octets, offset)
}

/// Where no cache is opened.
#[cfg(not(unix))]
fn write_all_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(unix))]
fn read_exact_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
