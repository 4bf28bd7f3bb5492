//! The stream: lines are cut from whatever a read returns, workers take a batch each, one writer puts them in order.
//!
//! Nothing waits for more input: what one read returned is worked on at once, and flushed as soon as nothing else is
//! finished. So a sender that waits for each answer gets it, and one that does not wait gets large batches.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::line::{Enricher, count};

/// Bytes of one read.
const READ: usize = 1 << 18;
/// Lines of one batch: their verdicts may be large.
const BATCH: usize = 256;
/// Batches that exist for each worker.
const WINDOW: usize = 4;

/// Lines that were read together, with their ends.
#[derive(Debug)]
struct Batch {
    bytes: Vec<u8>,
    /// Where each piece ends.
    pieces: Vec<(usize, Piece)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Line,
    /// Part of a line that is too long.
    Part,
    /// Its last part.
    LastPart,
}

/// Enriches everything that can be read, until the end of the input or until nobody reads the output any more.
///
/// # Errors
/// Errors of reading, after everything that was read has been written; errors of writing.
pub fn run(
    enricher: &Arc<Enricher>,
    input: impl Read + Send + 'static,
    output: &mut dyn Write,
    jobs: usize,
    longest: usize,
) -> io::Result<()> {
    let jobs = jobs.max(1);
    let window = jobs.saturating_mul(WINDOW);
    let (batch_in, batches) = bounded::<(u64, Batch)>(window);
    let (done_in, done) = bounded::<(u64, Vec<u8>)>(window);
    let (permit_in, permits) = bounded::<()>(window);
    // The threads are not waited for if writing fails: a reader may be blocked for ever.
    let reader = thread::spawn(move || {
        let mut number = 0u64;
        cut(input, longest, &mut |batch| {
            let sent = permit_in.send(()).is_ok() && batch_in.send((number, batch)).is_ok();
            number = number.saturating_add(1);
            sent
        })
    });
    for _ in 0..jobs {
        let (enricher, batches, done_in) = (Arc::clone(enricher), batches.clone(), done_in.clone());
        thread::spawn(move || work(&enricher, &batches, &done_in));
    }
    drop((batches, done_in));
    write_in_order(&done, &permits, output)?;
    reader.join().unwrap_or_else(|_| Err(io::Error::other("the reader failed")))
}

fn work(enricher: &Enricher, batches: &Receiver<(u64, Batch)>, done: &Sender<(u64, Vec<u8>)>) {
    let mut buffer = Vec::new();
    for (number, batch) in batches {
        let mut out = Vec::with_capacity(batch.bytes.len().saturating_mul(2));
        let mut from = 0usize;
        for (to, piece) in &batch.pieces {
            let line = batch.bytes.get(from..*to).unwrap_or_default();
            from = *to;
            match piece {
                Piece::Line => {
                    let (line, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |line| (line, b"\n"));
                    enricher.line(line, &mut out, &mut buffer);
                    out.extend_from_slice(end);
                }
                Piece::Part => enricher.long(line, false, &mut out),
                Piece::LastPart => {
                    count(&enricher.counts.lines);
                    count(&enricher.counts.too_long);
                    enricher.long(line, true, &mut out);
                }
            }
        }
        if done.send((number, out)).is_err() {
            return;
        }
    }
}

fn write_in_order(done: &Receiver<(u64, Vec<u8>)>, permits: &Receiver<()>, output: &mut dyn Write) -> io::Result<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0u64;
    loop {
        let (number, out) = match done.try_recv() {
            Ok(finished) => finished,
            Err(TryRecvError::Disconnected) => return output.flush(),
            Err(TryRecvError::Empty) => {
                output.flush()?;
                match done.recv() {
                    Ok(finished) => finished,
                    Err(_) => return Ok(()),
                }
            }
        };
        waiting.insert(number, out);
        while let Some(out) = waiting.remove(&next) {
            next = next.saturating_add(1);
            let _ = permits.try_recv();
            output.write_all(&out)?;
        }
    }
}

/// Cuts the input into batches of whole lines; lines longer than `longest` go out in parts.
fn cut(mut input: impl Read, longest: usize, give: &mut dyn FnMut(Batch) -> bool) -> io::Result<()> {
    let mut held: Vec<u8> = Vec::new();
    // Bytes of `held` that are known to hold no line end.
    let mut searched = 0usize;
    let mut within_long = false;
    let mut chunk = vec![0u8; READ];
    loop {
        let length = match input.read(&mut chunk) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                finish(held, within_long, give);
                return Err(error);
            }
        };
        if length == 0 {
            finish(held, within_long, give);
            return Ok(());
        }
        held.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let fresh = held.get(searched..).unwrap_or_default();
        let ends: Vec<usize> = fresh
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at.saturating_add(searched).saturating_add(1))
            .collect();
        let mut pieces = Vec::with_capacity(ends.len());
        let mut from = 0usize;
        for end in ends {
            let long = within_long || end.saturating_sub(from) > longest.saturating_add(1);
            pieces.push((end, if long { Piece::LastPart } else { Piece::Line }));
            within_long = false;
            from = end;
        }
        let rest = held.len().saturating_sub(from);
        if rest > 0 && (within_long || rest > longest) {
            pieces.push((held.len(), Piece::Part));
            within_long = true;
            from = held.len();
        }
        let left = held.split_off(from);
        let bytes = std::mem::replace(&mut held, left);
        searched = held.len();
        if !pieces.is_empty() && !give_in_batches(bytes, pieces, give) {
            return Ok(());
        }
    }
}

fn give_in_batches(bytes: Vec<u8>, pieces: Vec<(usize, Piece)>, give: &mut dyn FnMut(Batch) -> bool) -> bool {
    if pieces.len() <= BATCH {
        return give(Batch { bytes, pieces });
    }
    let mut from = 0usize;
    for part in pieces.chunks(BATCH) {
        let to = part.last().map_or(from, |(end, _)| *end);
        let pieces = part.iter().map(|(end, piece)| (end.saturating_sub(from), *piece)).collect();
        if !give(Batch { bytes: bytes.get(from..to).unwrap_or_default().to_vec(), pieces }) {
            return false;
        }
        from = to;
    }
    true
}

/// The last line, if the input does not end with a line end.
fn finish(held: Vec<u8>, within_long: bool, give: &mut dyn FnMut(Batch) -> bool) {
    if !held.is_empty() || within_long {
        let piece = if within_long { Piece::LastPart } else { Piece::Line };
        give(Batch { pieces: vec![(held.len(), piece)], bytes: held });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most so many bytes a read.
    struct Slow<'s>(&'s [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn pieces(text: &[u8], step: usize, longest: usize) -> Vec<(Vec<u8>, Piece)> {
        let mut all = Vec::new();
        cut(Slow(text, step), longest, &mut |batch| {
            assert!(batch.pieces.len() <= BATCH);
            let mut from = 0;
            for (to, piece) in batch.pieces {
                all.push((batch.bytes[from..to].to_vec(), piece));
                from = to;
            }
            assert_eq!(from, batch.bytes.len());
            true
        })
        .unwrap();
        all
    }

    #[test]
    fn lines_come_out_whole_however_they_are_read() {
        let text = b"one\n\ntwo\r\nthe third\nlast";
        let wanted: Vec<(Vec<u8>, Piece)> =
            text.split_inclusive(|byte| *byte == b'\n').map(|line| (line.to_vec(), Piece::Line)).collect();
        for step in 1..=text.len() {
            assert_eq!(pieces(text, step, 100), wanted, "{step}");
        }
        assert_eq!(pieces(b"", 1, 100), []);
        let many = b"x\n".repeat(1000);
        assert_eq!(pieces(&many, 5000, 100).len(), 1000);
    }

    #[test]
    fn long_lines_come_out_in_parts_that_are_the_line() {
        let text = b"12345\n123456\n1\n1234567890\n1234567";
        for step in 1..=text.len() {
            let found = pieces(text, step, 5);
            let whole: Vec<u8> = found.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            assert_eq!(whole, text);
            let ends: Vec<Piece> =
                found.iter().map(|(_, piece)| *piece).filter(|piece| *piece != Piece::Part).collect();
            assert_eq!(ends, [Piece::Line, Piece::LastPart, Piece::Line, Piece::LastPart, Piece::LastPart], "{step}");
            let lines: Vec<_> =
                found.iter().filter(|(_, piece)| *piece == Piece::Line).map(|(bytes, _)| bytes.as_slice()).collect();
            assert_eq!(lines, [&b"12345\n"[..], b"1\n"], "{step}");
        }
    }
}
