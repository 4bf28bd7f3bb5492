//! The stream: lines are cut from whatever a read returns, workers take a batch each, one writer puts them in order.
//!
//! Nothing waits for more input: what one read returned is worked on at once, and flushed as soon as nothing else is
//! finished. So a sender that waits for each answer gets it, and one that does not wait gets large batches.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::csv::RowEnds;
use super::line::{Enricher, Protocol, count};

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
    /// The first line of a table.
    Header,
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
    let knows = Arc::clone(enricher);
    let reader = thread::spawn(move || {
        let mut number = 0u64;
        cut(input, Cutter::new(Ends::of(knows.protocol), longest), &mut |batch| {
            if let Some((to, Piece::Header)) = batch.pieces.first() {
                // Before anybody meets the rows.
                knows.learn_header(batch.bytes.get(..*to).unwrap_or_default());
            }
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
                Piece::Header => enricher.header(line, &mut out),
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

/// Where lines end.
#[derive(Debug, Clone)]
enum Ends {
    /// At each line feed.
    Lines,
    /// At each line feed outside of quotes; the first row is the header.
    Rows(RowEnds),
}

impl Ends {
    fn of(protocol: Protocol) -> Ends {
        if protocol.is_table() { Ends::Rows(RowEnds::new()) } else { Ends::Lines }
    }

    /// Positions behind each end in what follows what was searched before.
    fn find(&mut self, fresh: &[u8]) -> Vec<usize> {
        let ends = fresh.iter().enumerate();
        let ends = ends.filter(|(_, byte)| match self {
            Ends::Lines => **byte == b'\n',
            Ends::Rows(rows) => rows.ends_with(**byte),
        });
        ends.map(|(at, _)| at.saturating_add(1)).collect()
    }
}

/// What is held of the input until it is a whole line.
struct Cutter {
    ends: Ends,
    longest: usize,
    held: Vec<u8>,
    /// Bytes of `held` that are known to hold no line end.
    searched: usize,
    within_long: bool,
    /// Whether the next line is the first of a table.
    header: bool,
}

impl Cutter {
    fn new(ends: Ends, longest: usize) -> Cutter {
        let header = matches!(ends, Ends::Rows(_));
        Cutter { ends, longest, held: Vec::new(), searched: 0, within_long: false, header }
    }

    fn piece(&mut self, long: bool) -> Piece {
        let header = std::mem::take(&mut self.header);
        match () {
            () if long => Piece::LastPart,
            () if header => Piece::Header,
            () => Piece::Line,
        }
    }

    /// Takes what was read and gives out what is whole by now; lines that are too long go out in parts.
    fn take(&mut self, chunk: &[u8]) -> Option<Batch> {
        self.held.extend_from_slice(chunk);
        let ends = self.ends.find(self.held.get(self.searched..).unwrap_or_default());
        let mut pieces = Vec::with_capacity(ends.len());
        let mut from = 0usize;
        for end in ends {
            let end = end.saturating_add(self.searched);
            let long = self.within_long || end.saturating_sub(from) > self.longest.saturating_add(1);
            let piece = self.piece(long);
            pieces.push((end, piece));
            self.within_long = false;
            from = end;
        }
        let rest = self.held.len().saturating_sub(from);
        if rest > 0 && (self.within_long || rest > self.longest) {
            pieces.push((self.held.len(), Piece::Part));
            self.within_long = true;
            from = self.held.len();
        }
        let left = self.held.split_off(from);
        let bytes = std::mem::replace(&mut self.held, left);
        self.searched = self.held.len();
        (!pieces.is_empty()).then_some(Batch { bytes, pieces })
    }

    /// The last line, if the input does not end with a line end.
    fn finish(mut self) -> Option<Batch> {
        if self.held.is_empty() && !self.within_long {
            return None;
        }
        let piece = self.piece(self.within_long);
        Some(Batch { pieces: vec![(self.held.len(), piece)], bytes: self.held })
    }
}

/// Cuts the input into batches of whole lines.
fn cut(mut input: impl Read, mut cutter: Cutter, give: &mut dyn FnMut(Batch) -> bool) -> io::Result<()> {
    let mut chunk = vec![0u8; READ];
    loop {
        let read = match input.read(&mut chunk) {
            Ok(length) => Ok(length),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        match read {
            Ok(length @ 1..) => {
                let batch = cutter.take(chunk.get(..length).unwrap_or_default());
                if !batch.is_none_or(|batch| give_in_batches(batch, give)) {
                    return Ok(());
                }
            }
            end => {
                if let Some(batch) = cutter.finish() {
                    give(batch);
                }
                return end.map(|_| ());
            }
        }
    }
}

fn give_in_batches(batch: Batch, give: &mut dyn FnMut(Batch) -> bool) -> bool {
    if batch.pieces.len() <= BATCH {
        return give(batch);
    }
    let mut from = 0usize;
    for part in batch.pieces.chunks(BATCH) {
        let to = part.last().map_or(from, |(end, _)| *end);
        let pieces = part.iter().map(|(end, piece)| (end.saturating_sub(from), *piece)).collect();
        if !give(Batch { bytes: batch.bytes.get(from..to).unwrap_or_default().to_vec(), pieces }) {
            return false;
        }
        from = to;
    }
    true
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
        cut_by(&Ends::Lines, text, step, longest)
    }

    fn cut_by(ends: &Ends, text: &[u8], step: usize, longest: usize) -> Vec<(Vec<u8>, Piece)> {
        let mut all = Vec::new();
        cut(Slow(text, step), Cutter::new(ends.clone(), longest), &mut |batch| {
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
    #[test]
    fn rows_of_a_table_end_outside_of_quotes_and_the_first_is_the_header() {
        let text = b"a,\"b\nc\"\nd,\"e\n\nf\"\n\"123\n45678901\",2\nlast";
        let wanted = [
            (&b"a,\"b\nc\"\n"[..], Piece::Header),
            (b"d,\"e\n\nf\"\n", Piece::Line),
            (b"\"123\n45678901\",2\n", Piece::LastPart),
            (b"last", Piece::Line),
        ];
        for step in 1..=text.len() {
            let mut whole: Vec<(Vec<u8>, Piece)> = Vec::new();
            for (bytes, piece) in cut_by(&Ends::of(Protocol::Csv), text, step, 9) {
                match whole.last_mut() {
                    Some((before, last @ Piece::Part)) => {
                        before.extend(bytes);
                        *last = piece;
                    }
                    _ => whole.push((bytes, piece)),
                }
            }
            let whole: Vec<_> = whole.iter().map(|(bytes, piece)| (bytes.as_slice(), *piece)).collect();
            assert_eq!(whole, wanted, "{step}");
        }
        assert_eq!(cut_by(&Ends::of(Protocol::Csv), b"a,b", 1, 9), [(b"a,b".to_vec(), Piece::Header)]);
    }
}
