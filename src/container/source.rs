//! Bytes at offsets: a file, standard input, memory, or whatever else can be read at random.

use std::fs::File;
use std::io;

/// Random access to the bytes of one file. Implementations must not block for ever and need not be consistent:
/// a file that changes while it is read gives wrong bytes, never a crash.
pub trait Source {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Reads into `buffer` from `offset`; fewer bytes than asked for are allowed, 0 is the end.
    ///
    /// # Errors
    /// Errors of reading.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The open file behind the bytes, where there is one: who keeps digests between scans knows a file by it.
    fn handle(&self) -> Option<&File> {
        None
    }

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Bytes in memory.
#[derive(Debug, Clone, Copy)]
pub struct MemorySource<'a>(pub &'a [u8]);

impl Source for MemorySource<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.0.get(start..).unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

/// A source whose first bytes have been read: what lies in them is not asked for again.
pub(super) struct Headed<'s> {
    head: &'s [u8],
    rest: &'s dyn Source,
}

impl<'s> Headed<'s> {
    /// A source and its first bytes.
    pub(super) fn new(head: &'s [u8], rest: &'s dyn Source) -> Headed<'s> {
        Headed { head, rest }
    }
}

impl Source for Headed<'_> {
    fn len(&self) -> u64 {
        self.rest.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match MemorySource(self.head).read_at(buffer, offset)? {
            count if count == buffer.len() => Ok(count),
            _ => self.rest.read_at(buffer, offset),
        }
    }

    fn handle(&self) -> Option<&File> {
        self.rest.handle()
    }
}

/// Fills `buffer` with the bytes at `offset`, as far as the file has them, and gives what was filled.
///
/// # Errors
/// Errors of reading.
pub(super) fn fill<'b>(source: &dyn Source, offset: u64, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut filled = 0usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or(&[]))
}

/// Reads up to `length` bytes at `offset`, fewer at the end of the file.
///
/// # Errors
/// Errors of reading.
pub fn read_up_to(source: &dyn Source, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let available = usize::try_from(source.len().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0u8; length.min(available)];
    let filled = fill(source, offset, &mut bytes)?.len();
    bytes.truncate(filled);
    Ok(bytes)
}

/// Reads exactly `length` bytes at `offset`, or `None` where the file ends earlier.
///
/// # Errors
/// Errors of reading.
pub fn read_exact_at(source: &dyn Source, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
    let bytes = read_up_to(source, offset, length)?;
    Ok((bytes.len() == length).then_some(bytes))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Bytes that count how often they were asked for.
    struct Asked<'a>(&'a [u8], Cell<usize>);

    impl Source for Asked<'_> {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.1.set(self.1.get() + 1);
            MemorySource(self.0).read_at(buffer, offset)
        }
    }

    #[test]
    fn what_lies_in_the_head_is_not_asked_for_again() {
        let bytes: Vec<u8> = (0..100).collect();
        let asked = Asked(&bytes, Cell::new(0));
        let source = Headed::new(&bytes[..40], &asked);
        assert_eq!(source.len(), 100);
        for (offset, length, calls) in
            [(0, 40, 0), (3, 37, 0), (39, 1, 0), (40, 0, 0), (39, 2, 1), (40, 1, 1), (90, 9, 1)]
        {
            asked.1.set(0);
            let read = read_up_to(&source, offset, length).unwrap();
            let expected = &bytes[offset as usize..offset as usize + length];
            assert_eq!((read.as_slice(), asked.1.get()), (expected, calls), "{offset} {length}");
        }
        assert_eq!(read_up_to(&source, 95, 9).unwrap(), bytes[95..]);
        assert_eq!(read_exact_at(&source, 95, 9).unwrap(), None);
    }
}
