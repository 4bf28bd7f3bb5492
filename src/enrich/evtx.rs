//! Windows event logs (EVTX, [MS-EVEN6] 2.2.12 to 2.2.17), chunk by chunk.
//!
//! The `evtx` crate reads them, within budgets of its own for nesting, nodes and output. Should it panic all the same, one
//! chunk is lost and the rest of the log is read.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use evtx::{EvtxChunkData, EvtxParser, ParserSettings};
use serde_json::Value;

/// The first bytes of a log. Source: [MS-EVEN6] 2.2.12 as libevtx describes it, the file header's signature.
pub const MAGIC: &[u8] = b"ElfFile\0";

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
            if let Err(error) = read {
                let _ = full.send(Err(error));
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

/// Reads all records of a log in their order and hands each to `take`: as the tree that `Event.System` and
/// `Event.EventData` are parts of, or as a sentence on what could not be read. Memory is that of one chunk (64 KiB of log).
///
/// # Errors
/// A file that is no event log, as `InvalidData`; what `take` returns.
pub fn read(file: File, take: &mut dyn FnMut(Result<Value, String>) -> io::Result<()>) -> io::Result<()> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let opened = catch_unwind(AssertUnwindSafe(|| EvtxParser::from_read_seek(file)));
    let mut parser = match opened {
        Ok(Ok(parser)) => parser,
        Ok(Err(error)) => return Err(invalid(error.to_string())),
        Err(_) => return Err(invalid("the event log could not be read".to_owned())),
    };
    let settings = Arc::new(ParserSettings::new().num_threads(1));
    let mut chunks = parser.chunks();
    loop {
        let next = catch_unwind(AssertUnwindSafe(|| chunks.next()));
        match next {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(chunk))) => records(chunk, &settings, take)?,
            Ok(Some(Err(error))) => take(Err(error.to_string()))?,
            // Where it stands is no longer known.
            Err(_) => return take(Err("the rest of the event log could not be read".to_owned())),
        }
    }
}

/// All records of one chunk.
fn records(
    mut data: EvtxChunkData,
    settings: &Arc<ParserSettings>,
    take: &mut dyn FnMut(Result<Value, String>) -> io::Result<()>,
) -> io::Result<()> {
    let mut outcome = Ok(());
    let whole = catch_unwind(AssertUnwindSafe(|| {
        let mut chunk = match data.parse(Arc::clone(settings)) {
            Ok(chunk) => chunk,
            Err(error) => {
                outcome = take(Err(error.to_string()));
                return;
            }
        };
        for record in chunk.iter() {
            let value = record.and_then(evtx::EvtxRecord::into_json_value);
            outcome = take(value.map(|record| record.data).map_err(|error| error.to_string()));
            if outcome.is_err() {
                return;
            }
        }
    }));
    match whole {
        Ok(()) => outcome,
        Err(_) => take(Err("a chunk of the event log could not be read".to_owned())),
    }
}
