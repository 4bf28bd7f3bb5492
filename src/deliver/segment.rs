//! One file of a spool: a line that says what its entries are, then entries that are only ever appended.
//!
//! An entry is its length (4 octets), the CRC-32 of what follows it (4), the moment when it was written (8, seconds since
//! 1970), and the octets themselves; numbers are little-endian. An entry that was cut off or changed ends a segment.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The largest entry; the record of a file with very many certificates has a few megabytes.
pub(super) const MAX_ENTRY: usize = 64 << 20;
/// Longest first line.
const MAX_HEADER: u64 = 4096;
const ENDING: &str = "spool";

/// The first line of a segment: JSON, so that a person can tell what a spool is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The version of this layout.
    pub(super) spool: u32,
    /// The format's name.
    pub(super) format: String,
    /// The machine's name, where somebody gave it.
    pub(super) host: Option<String>,
}

/// A piece of output and when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Seconds since 1970.
    pub(super) time: u64,
    pub(super) line: Vec<u8>,
}

/// The octets of an entry; `None` for one that is too large.
pub(super) fn encode(time: u64, line: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(line.len()).ok().filter(|_| line.len() <= MAX_ENTRY)?;
    let mut octets = Vec::with_capacity(line.len().saturating_add(16));
    octets.extend_from_slice(&length.to_le_bytes());
    octets.extend_from_slice(&checksum(time, line).to_le_bytes());
    octets.extend_from_slice(&time.to_le_bytes());
    octets.extend_from_slice(line);
    Some(octets)
}

fn checksum(time: u64, line: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(&time.to_le_bytes());
    sum.update(line);
    sum.sum()
}

/// What stands where an entry could.
#[derive(Debug)]
pub(super) enum Found {
    Entry(Entry),
    /// The segment ends here.
    End,
    /// Octets that are no entry.
    Damage,
}

/// A segment that is read from its beginning.
#[derive(Debug)]
pub(super) struct Segment {
    /// The number of its first entry.
    pub(super) base: u64,
    pub(super) header: Header,
    reader: BufReader<File>,
}

impl Segment {
    /// Opens a segment; `None` if its first line is not one.
    pub(super) fn open(folder: &Path, base: u64) -> io::Result<Option<Segment>> {
        let mut reader = BufReader::with_capacity(256 << 10, File::open(path(folder, base))?);
        let mut line = Vec::new();
        (&mut reader).take(MAX_HEADER).read_until(b'\n', &mut line)?;
        let header = serde_json::from_slice::<Header>(&line).ok();
        let header = header.filter(|header| line.ends_with(b"\n") && header.spool == 1);
        Ok(header.map(|header| Segment { base, header, reader }))
    }

    /// Reads on.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        let mut head = [0u8; 16];
        match fill(&mut self.reader, &mut head)? {
            0 => return Ok(Found::End),
            16 => {}
            _ => return Ok(Found::Damage),
        }
        let (length, rest) = head.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        let (sum, rest) = rest.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        let time = u64::from_le_bytes(*rest.first_chunk::<8>().unwrap_or(&[0; 8]));
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_ENTRY {
            return Ok(Found::Damage);
        }
        // A length that damage made up costs no more memory than the file has octets.
        let mut line = Vec::new();
        (&mut self.reader).take(length as u64).read_to_end(&mut line)?;
        let whole = line.len() == length && checksum(time, &line) == u32::from_le_bytes(*sum);
        Ok(if whole { Found::Entry(Entry { time, line }) } else { Found::Damage })
    }
}

/// As many octets as there are, up to the buffer's length.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Where the segment is that begins with this entry.
pub(super) fn path(folder: &Path, base: u64) -> PathBuf {
    folder.join(format!("{base:020}.{ENDING}"))
}

/// The first entries' numbers of all segments, in order.
pub(super) fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut bases = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let base: Option<u64> =
            name.to_str().and_then(|name| name.strip_suffix(ENDING)?.strip_suffix('.')?.parse().ok());
        bases.extend(base);
    }
    bases.sort_unstable();
    Ok(bases)
}
