//! Windows event logs (EVTX, [MS-EVEN6] 2.2.12 to 2.2.17), chunk by chunk.
//!
//! The `evtx` crate reads them, within budgets of its own for nesting, nodes and output. Should it panic all the same, one
//! chunk is lost and the rest of the log is read.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evtx::{EvtxChunkData, EvtxParser, ParserSettings};
use serde_json::Value;

/// The first bytes of a log. Source: [MS-EVEN6] 2.2.12 as libevtx describes it, the file header's signature.
pub const MAGIC: &[u8] = b"ElfFile\0";

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
