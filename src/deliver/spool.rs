//! What waits for its receiver, on disk: a folder of segments and the number up to which all was acknowledged.
//!
//! Each entry is written to the file when it is made, so that killing the process loses none; it is synchronised to the disk
//! at least every second while entries come, when a segment ends, and at the end, so that a power failure loses the last
//! second at most. The acknowledgement may be lost and is then older than it was: entries are sent again, never left out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::file::sync_folder;
use super::segment::{self, Entry, Found, Header, Segment, encode, list};
use crate::online::make_folder;

/// Octets after which a segment ends.
const SEGMENT: u64 = 16 << 20;
/// How old an entry may be that is not synchronised.
const SYNC: Duration = Duration::from_secs(1);
const ACKNOWLEDGED: &str = "acknowledged";
const REJECTED: &str = "rejected.lines";

/// A folder that belongs to one process at a time.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// Locked while this lives; the system unlocks it when the process ends in whatever way.
    _lock: File,
    state: Arc<State>,
}

/// What writer and reader know of each other.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The number that the next entry gets; all before are whole.
    pub(super) next: AtomicU64,
    /// All entries before this one are acknowledged.
    pub(super) acknowledged: AtomicU64,
    /// Octets in segments.
    pub(super) octets: AtomicU64,
    /// Lines that were too large, of this process.
    pub(super) oversized: AtomicU64,
}

impl State {
    /// Entries that wait.
    pub(super) fn pending(&self) -> u64 {
        self.next.load(Ordering::Acquire).saturating_sub(self.acknowledged.load(Ordering::Acquire))
    }
}

impl Spool {
    /// Opens a spool, and makes the folder if there is none.
    pub(super) fn open(folder: &Path) -> io::Result<Spool> {
        make_folder(folder)?;
        let lock = private().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        lock.try_lock().map_err(|_| io::Error::new(ErrorKind::WouldBlock, "another sigscan uses it"))?;
        let bases = list(folder)?;
        let mut octets = 0u64;
        for base in &bases {
            octets = octets.saturating_add(fs::metadata(segment::path(folder, *base))?.len());
        }
        let end = match bases.last() {
            Some(base) => base.saturating_add(whole_entries(folder, *base)?),
            None => 0,
        };
        let first = bases.first().copied().unwrap_or(end);
        // An acknowledgement that cannot be read is none. One beyond the end tells of entries that a power failure took.
        let known = acknowledged(folder).unwrap_or(first);
        let state = State {
            next: AtomicU64::new(end.max(known)),
            acknowledged: AtomicU64::new(known.max(first)),
            octets: AtomicU64::new(octets),
            oversized: AtomicU64::new(0),
        };
        Ok(Spool { folder: folder.to_owned(), _lock: lock, state: Arc::new(state) })
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// What appends entries of this kind, in a segment of its own.
    pub(super) fn writer(&self, format: &str, host: Option<&str>) -> Writer {
        let header = Header { spool: 1, format: format.to_owned(), host: host.map(str::to_owned) };
        Writer { folder: self.folder.clone(), header, state: Arc::clone(&self.state), current: None }
    }

    /// What reads entries, from the first that is not acknowledged.
    pub(super) fn reader(&self) -> Reader {
        let next = self.state.acknowledged.load(Ordering::Acquire);
        Reader { folder: self.folder.clone(), state: Arc::clone(&self.state), next, current: None, damaged: 0 }
    }
}

/// How files are made: what is in them is nobody else's business.
fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn whole_entries(folder: &Path, base: u64) -> io::Result<u64> {
    let Some(mut segment) = Segment::open(folder, base)? else { return Ok(0) };
    let mut count = 0u64;
    while let Found::Entry(_) = segment.next()? {
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// `NUMBER CRC`, the CRC-32 of the number's digits.
fn acknowledged(folder: &Path) -> Option<u64> {
    let text = fs::read_to_string(folder.join(ACKNOWLEDGED)).ok()?;
    let (number, sum) = text.trim_end().split_once(' ')?;
    (sum == sum_of(number)).then(|| number.parse().ok()).flatten()
}

fn sum_of(number: &str) -> String {
    let mut sum = flate2::Crc::new();
    sum.update(number.as_bytes());
    format!("{:08x}", sum.sum())
}

/// Appends entries.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    header: Header,
    state: Arc<State>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: File,
    length: u64,
    synced: Instant,
}

impl Writer {
    /// Appends an entry.
    pub(super) fn append(&mut self, time: u64, line: &[u8]) -> io::Result<()> {
        let octets = encode(time, line)
            .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "a record is too large to be sent"))?;
        if self.current.as_ref().is_some_and(|current| current.length > SEGMENT) {
            self.sync()?;
            self.current = None;
        }
        let current = match &mut self.current {
            Some(current) => current,
            none => none.insert(begin(&self.folder, &self.header, &self.state)?),
        };
        current.file.write_all(&octets)?;
        current.length = current.length.saturating_add(octets.len() as u64);
        self.state.octets.fetch_add(octets.len() as u64, Ordering::AcqRel);
        self.state.next.fetch_add(1, Ordering::AcqRel);
        if current.synced.elapsed() > SYNC {
            self.sync()?;
        }
        Ok(())
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Some(current) = &mut self.current {
            current.file.sync_data()?;
            current.synced = Instant::now();
        }
        Ok(())
    }
}

fn begin(folder: &Path, header: &Header, state: &State) -> io::Result<Current> {
    let path = segment::path(folder, state.next.load(Ordering::Acquire));
    if path.exists() {
        // No entry of it can be read, else the next would have another number.
        fs::rename(&path, path.with_extension("damaged"))?;
    }
    let mut line = serde_json::to_vec(header)?;
    line.push(b'\n');
    let mut file = private().append(true).create_new(true).open(&path)?;
    file.write_all(&line)?;
    sync_folder(folder)?;
    state.octets.fetch_add(line.len() as u64, Ordering::AcqRel);
    Ok(Current { file, length: line.len() as u64, synced: Instant::now() })
}

/// Entries that go together.
#[derive(Debug)]
pub(super) struct Batch {
    /// What they are.
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
    /// The number of the entry behind them.
    pub(super) end: u64,
}

/// Reads entries in order, and says which are done with.
#[derive(Debug)]
pub(super) struct Reader {
    folder: PathBuf,
    state: Arc<State>,
    next: u64,
    current: Option<Segment>,
    /// Segments whose ends could not be read.
    pub(super) damaged: u64,
}

impl Reader {
    /// Another one, that begins with this entry and acknowledges nothing.
    pub(super) fn scout(&self, next: u64) -> Reader {
        Reader { folder: self.folder.clone(), state: Arc::clone(&self.state), next, current: None, damaged: 0 }
    }

    /// Whether a receiver has taken any entry of this spool yet.
    pub(super) fn has_acknowledged(&self) -> bool {
        self.state.acknowledged.load(Ordering::Acquire) > 0
    }

    /// How many whole entries are ahead.
    pub(super) fn ahead(&self) -> u64 {
        self.state.next.load(Ordering::Acquire).saturating_sub(self.next)
    }

    /// The next entries of one kind: at least one, at most `count`, and no more than `octets` unless one alone has more.
    /// `None` when there is none.
    pub(super) fn batch(&mut self, count: usize, octets: usize) -> io::Result<Option<Batch>> {
        let mut batch: Option<Batch> = None;
        let mut size = 0usize;
        while self.ahead() > 0 {
            let Some(segment) = self.segment()? else { break };
            if batch.as_ref().is_some_and(|batch| batch.header != segment.header) {
                break;
            }
            let (base, header) = (segment.base, segment.header.clone());
            match segment.next()? {
                Found::Entry(entry) => {
                    self.next = self.next.saturating_add(1);
                    size = size.saturating_add(entry.line.len());
                    let batch = batch.get_or_insert_with(|| Batch { header, entries: Vec::new(), end: 0 });
                    batch.entries.push(entry);
                    batch.end = self.next;
                    // Entries are about as large as those before them.
                    let mean = size.checked_div(batch.entries.len()).unwrap_or(0);
                    if batch.entries.len() >= count || size.saturating_add(mean) > octets {
                        break;
                    }
                }
                Found::End | Found::Damage => {
                    self.current = None;
                    self.pass(base)?;
                }
            }
        }
        Ok(batch)
    }

    /// The segment of the next entry, read up to it.
    fn segment(&mut self) -> io::Result<Option<&mut Segment>> {
        if self.current.is_none() {
            let bases = list(&self.folder)?;
            let Some(base) = bases.iter().copied().rfind(|base| *base <= self.next).or(bases.first().copied()) else {
                self.next = self.state.next.load(Ordering::Acquire); // somebody removed them
                return Ok(None);
            };
            match Segment::open(&self.folder, base)? {
                Some(mut segment) => {
                    self.next = self.next.max(base);
                    for _ in base..self.next {
                        if !matches!(segment.next()?, Found::Entry(_)) {
                            break;
                        }
                    }
                    self.current = Some(segment);
                }
                None => self.pass(base)?,
            }
        }
        Ok(self.current.as_mut())
    }

    /// Goes on behind a segment that ends here.
    fn pass(&mut self, base: u64) -> io::Result<()> {
        let following = list(&self.folder)?.into_iter().find(|other| *other > base);
        let following = following.unwrap_or_else(|| self.state.next.load(Ordering::Acquire));
        // The last entry of a process that was killed may be half there: it was never counted, and the next segment begins
        // with its number. Other numbers that are left out are entries that cannot be read.
        if following > self.next {
            self.damaged = self.damaged.saturating_add(1);
            let path = segment::path(&self.folder, base);
            fs::copy(&path, path.with_extension("damaged"))?;
        }
        self.next = self.next.max(following);
        Ok(())
    }

    /// Remembers that all entries before this one are done with, and removes segments that hold no others. On a full disk the
    /// number is not written, which needs room, while a segment that goes makes some: what is left is sent once more at worst.
    pub(super) fn acknowledge(&mut self, end: u64) -> io::Result<()> {
        self.state.acknowledged.store(end, Ordering::Release);
        let bases = list(&self.folder)?;
        for (base, following) in bases.iter().zip(bases.iter().skip(1)) {
            if *following <= end {
                self.remove(*base)?;
            }
        }
        self.remember()
    }

    /// Writes down the number, if there is room for it.
    fn remember(&self) -> io::Result<()> {
        let number = self.state.acknowledged.load(Ordering::Acquire).to_string();
        let new = self.folder.join("acknowledged.new");
        let write = || {
            let mut file = private().write(true).create(true).truncate(true).open(&new)?;
            file.write_all(format!("{number} {}\n", sum_of(&number)).as_bytes())
        };
        match write() {
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => fs::rename(&new, self.folder.join(ACKNOWLEDGED)),
        }
    }

    /// Removes the last segment too, if nothing in it waits. No writer may be at work.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if self.state.pending() == 0 {
            self.current = None;
            for base in list(&self.folder)? {
                self.remove(base)?;
            }
            if acknowledged(&self.folder).unwrap_or(0) != self.state.acknowledged.load(Ordering::Acquire) {
                self.remember()?; // there was no room for it before
            }
        }
        Ok(())
    }

    fn remove(&self, base: u64) -> io::Result<()> {
        let path = segment::path(&self.folder, base);
        let length = fs::metadata(&path)?.len();
        fs::remove_file(&path)?;
        self.state.octets.fetch_sub(length, Ordering::AcqRel);
        Ok(())
    }

    /// Keeps an entry that the receiver will never take, where a person can read it.
    pub(super) fn reject(&self, entry: &Entry) -> io::Result<()> {
        let mut file = private().append(true).create(true).open(self.folder.join(REJECTED))?;
        file.write_all(&[entry.line.as_slice(), b"\n"].concat())?;
        file.sync_data()
    }
}
