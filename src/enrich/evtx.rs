//! Windows event logs (EVTX, [MS-EVEN6] 2.2.12 to 2.2.17), chunk by chunk.
//!
//! The `evtx` crate reads them, within budgets of its own for nesting, nodes and output. Should it panic all the same, what
//! it was reading is lost and the rest of the log is read. Nothing is lost silently: each chunk says how many records it
//! holds and carries checksums, and what differs is counted.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use evtx::{EvtxChunk, EvtxChunkData, EvtxParser, EvtxRecord, ParserSettings};
use serde_json::Value;

use crate::guard::guarded;

/// The first bytes of a log. Source: [MS-EVEN6] 2.2.12 as libevtx describes it, the file header's signature.
pub const MAGIC: &[u8] = b"ElfFile\0";
/// Bytes of the header of a log, and of a chunk. Source: libevtx, "File header" and "Chunk".
const FILE_HEADER: u64 = 4096;
const CHUNK: u64 = 65_536;
/// Bytes of one record as JSON. A record is at most 64 KiB of UTF-16, which JSON's escapes make six times as long; a
/// crafted one says more by naming the same text again and again.
const MAX_RECORD: usize = 4 << 20;
/// The records of a chunk: 65,024 bytes behind its header, 28 or more each.
const MAX_RECORDS: u64 = 65_024 / 28;

/// Whether a file is a log, by its first bytes; it is at its start again then.
///
/// # Errors
/// Errors of reading.
pub fn is_log(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start == MAGIC)
}

/// What of a log could not be read.
#[derive(Debug, Clone, Default)]
pub struct Unread(Arc<Mutex<(u64, String)>>);

impl Unread {
    /// How many parts, and what was wrong with the first.
    #[must_use]
    pub fn parts(&self) -> (u64, String) {
        self.0.lock().map(|parts| parts.clone()).unwrap_or_default()
    }

    fn add(&self, message: String) {
        if let Ok(mut parts) = self.0.lock() {
            if parts.0 == 0 {
                parts.1 = message;
            }
            parts.0 = parts.0.saturating_add(1);
        }
    }
}

/// Bytes of lines that are handed over together.
const BLOCK: usize = 1 << 16;
/// Blocks between the reader of the log and the reader of its lines.
const BLOCKS: usize = 8;

/// A log as text: each record one line of JSON, the tree that `Event.System` and `Event.EventData` are parts of.
#[derive(Debug)]
pub struct Lines {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: io::Cursor<Vec<u8>>,
}

impl Lines {
    /// Reads a log in a thread of its own; what of it cannot be read has no line and is told to `unread`.
    #[must_use]
    pub fn of(log: File, unread: Unread) -> Lines {
        let (full, blocks) = bounded(BLOCKS);
        thread::spawn(move || {
            let mut block = Vec::new();
            let nobody = || io::Error::from(io::ErrorKind::BrokenPipe);
            let read = read(log, &mut |record| {
                match record {
                    Ok(tree) => {
                        block.extend_from_slice(crate::output::json_text(&tree).as_bytes());
                        block.push(b'\n');
                    }
                    Err(message) => unread.add(message),
                }
                if block.len() < BLOCK {
                    return Ok(());
                }
                full.send(Ok(std::mem::take(&mut block))).map_err(|_| nobody())
            });
            let _ = full.send(Ok(block));
            match read {
                Ok(totals) if totals.missing > 0 => unread.add(totals.problem.unwrap_or_default()),
                Ok(_) => {}
                Err(error) => drop(full.send(Err(error))),
            }
        });
        Lines { blocks, block: io::Cursor::default() }
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.block.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.blocks.recv() {
                Ok(block) => self.block = io::Cursor::new(block?),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// How much of a log was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Chunks that hold something.
    pub chunks: u64,
    /// Chunks that are not what their writer left: a checksum is wrong, or they could not be read.
    pub damaged: u64,
    /// Records that were read.
    pub records: u64,
    /// Records, or chunks, that could not be read; `take` was told of each.
    pub unread: u64,
    /// Records that chunks state and that are not there.
    pub missing: u64,
    /// The first thing that was wrong.
    pub problem: Option<String>,
}

/// Takes a record as the tree that `Event.System` and `Event.EventData` are parts of, or a sentence on what could not be
/// read.
pub type Take<'t> = dyn FnMut(Result<Value, String>) -> io::Result<()> + 't;

/// Reads all records of a log in their order and hands each to `take`. Memory is that of one chunk (64 KiB of log).
///
/// # Errors
/// A file that is no event log, as `InvalidData`; what `take` returns.
pub fn read(file: File, take: &mut Take<'_>) -> io::Result<Totals> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let length = file.metadata()?.len();
    let mut parser = match guarded(|| EvtxParser::from_read_seek(file)) {
        Ok(Ok(parser)) => parser,
        Ok(Err(error)) => return Err(invalid(error.to_string())),
        Err(_) => return Err(invalid("the event log could not be read".to_owned())),
    };
    let settings = Arc::new(ParserSettings::new().num_threads(1));
    let mut log = Log { totals: Totals::default(), take, hurt: false };
    let stated = u64::from(parser.header().chunk_count);
    let mut chunks = parser.chunks();
    loop {
        match guarded(|| chunks.next()) {
            Ok(None) => {
                log.cut_off(length, stated)?;
                return Ok(log.totals);
            }
            Ok(Some(Ok(chunk))) => log.chunk(chunk, &settings)?,
            Ok(Some(Err(error))) => {
                log.next_chunk();
                log.lost(error.to_string())?;
            }
            Err(_) => {
                // Where it stands is no longer known.
                log.next_chunk();
                log.lost("the rest of the event log could not be read".to_owned())?;
                return Ok(log.totals);
            }
        }
    }
}

struct Log<'l, 't> {
    totals: Totals,
    take: &'l mut Take<'t>,
    /// The chunk that is being read was found to be damaged.
    hurt: bool,
}

impl Log<'_, '_> {
    /// Compares the log's length with its header's count of chunks, of 64 KiB each.
    fn cut_off(&mut self, length: u64, stated: u64) -> io::Result<()> {
        let room = length.saturating_sub(FILE_HEADER);
        let (whole, rest) = (room / CHUNK, room % CHUNK);
        if rest == 0 && whole >= stated {
            return Ok(());
        }
        self.next_chunk();
        self.lost(format!("the log is cut off: {stated} chunks are stated, and {whole} are there"))
    }

    fn next_chunk(&mut self) {
        self.totals.chunks = self.totals.chunks.saturating_add(1);
        self.hurt = false;
    }

    /// All records of one chunk.
    fn chunk(&mut self, mut data: EvtxChunkData, settings: &Arc<ParserSettings>) -> io::Result<()> {
        self.next_chunk();
        let number = data.number.unwrap_or_default();
        if guarded(|| data.validate_checksum()) != Ok(true) {
            self.damaged(&format!("chunk {number}: a checksum is wrong"));
        }
        let stated = stated_records(&data);
        let before = self.totals.records.saturating_add(self.totals.unread);
        match guarded(|| data.parse(Arc::clone(settings))) {
            Ok(Ok(mut chunk)) => self.records(&mut chunk, number)?,
            Ok(Err(error)) => self.lost(format!("chunk {number}: {error}"))?,
            Err(_) => self.lost(format!("chunk {number} could not be read"))?,
        }
        let seen = self.totals.records.saturating_add(self.totals.unread).saturating_sub(before);
        let missing = stated.saturating_sub(seen);
        if missing > 0 {
            self.totals.missing = self.totals.missing.saturating_add(missing);
            self.damaged(&format!("chunk {number}: {missing} of {stated} records are not there"));
        }
        Ok(())
    }

    fn records(&mut self, chunk: &mut EvtxChunk<'_>, number: u64) -> io::Result<()> {
        let mut records = chunk.iter();
        loop {
            let next = guarded(|| records.next().map(|record| record.and_then(EvtxRecord::into_json)));
            // Behind a panic, the iterator does not know where it is.
            let Ok(next) = next else { return self.lost(format!("chunk {number}: the rest could not be read")) };
            let Some(record) = next else { return Ok(()) };
            match record.map_err(|error| error.to_string()).and_then(|record| value(&record.data)) {
                Ok(value) => {
                    self.totals.records = self.totals.records.saturating_add(1);
                    (self.take)(Ok(value))?;
                }
                Err(problem) => self.unread(problem)?,
            }
        }
    }

    fn unread(&mut self, problem: String) -> io::Result<()> {
        self.totals.unread = self.totals.unread.saturating_add(1);
        self.totals.problem.get_or_insert_with(|| problem.clone());
        (self.take)(Err(problem))
    }

    /// Counts the chunk that is being read, once.
    fn damaged(&mut self, problem: &str) {
        self.totals.problem.get_or_insert_with(|| problem.to_owned());
        if !std::mem::replace(&mut self.hurt, true) {
            self.totals.damaged = self.totals.damaged.saturating_add(1);
        }
    }

    /// A part of the log whose records cannot be counted.
    fn lost(&mut self, problem: String) -> io::Result<()> {
        self.damaged(&problem);
        self.unread(problem)
    }
}

fn value(text: &str) -> Result<Value, String> {
    if text.len() > MAX_RECORD {
        return Err("a record that is too long".to_owned());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// How many records a chunk says that it holds; no more than fit into one.
fn stated_records(data: &EvtxChunkData) -> u64 {
    let header = &data.header;
    let count = header.last_event_record_number.wrapping_sub(header.first_event_record_number).wrapping_add(1);
    if count > MAX_RECORDS { 0 } else { count }
}
