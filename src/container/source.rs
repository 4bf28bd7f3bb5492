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

/// Reads up to `length` bytes at `offset`, fewer at the end of the file.
///
/// # Errors
/// Errors of reading.
pub fn read_up_to(source: &dyn Source, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let available = usize::try_from(source.len().saturating_sub(offset)).unwrap_or(usize::MAX);
    let mut bytes = vec![0u8; length.min(available)];
    let mut filled = 0usize;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
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
