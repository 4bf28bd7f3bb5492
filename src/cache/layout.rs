//! The cache file, octet by octet.
//!
//! ```text
//! 0      header: what wrote the file. Written once.
//! 512    commit: which part of the file counts. Written anew, within one sector, when what it names is on the disk.
//! 1024   entries, one behind the other, each a multiple of 16 octets
//! ```
//!
//! Numbers are little-endian; what is not named is zero. Header, commit and every entry end with a checksum, the first
//! eight octets of a SHA-256. Octets that no commit names mean nothing: they are what an interrupted run left.

use crate::crypto::{DigestAlgorithm, digest};

/// The first octets of a file that is one of ours. A line break of each kind shows what text mode did to it.
pub(super) const MAGIC: &[u8; 16] = b"sigscan cache\r\n\n";
/// The number of this layout.
const LAYOUT: u32 = 1;
/// Octets of the header, and of the commit.
pub(super) const SECTOR: usize = 512;
/// Where the commit stands.
pub(super) const COMMIT_AT: u64 = SECTOR as u64;
/// Where entries may begin.
pub(super) const DATA: u64 = 2 * SECTOR as u64;
/// Entries begin at multiples of this, and offsets are remembered in it.
pub(super) const UNIT: u64 = 16;
/// Octets of an entry before its answer: run, length, place and state.
const HEAD: usize = 56;
/// Octets of a checksum.
const CHECKSUM: usize = 8;
/// The longest answer. That about a file with 32 lists of page hashes, and every digest, has 900 octets.
pub(super) const MAX_ANSWER: usize = 4096;
/// The longest entry.
pub(super) const MAX_ENTRY: usize = (HEAD + MAX_ANSWER + CHECKSUM).next_multiple_of(UNIT as usize);
/// The shortest one.
pub(super) const MIN_ENTRY: usize = (HEAD + CHECKSUM).next_multiple_of(UNIT as usize);

fn checksum(octets: &[u8]) -> [u8; CHECKSUM] {
    let value = digest(DigestAlgorithm::Sha256, octets);
    value.as_ref().and_then(|value| value.as_bytes().first_chunk().copied()).unwrap_or_default()
}

/// A sector of fields, zeros and a checksum.
fn sealed(fields: &[&[u8]]) -> [u8; SECTOR] {
    let mut sector = [0; SECTOR];
    let (body, seal) = sector.split_at_mut(SECTOR - CHECKSUM);
    for (to, from) in body.iter_mut().zip(fields.iter().copied().flatten()) {
        *to = *from;
    }
    seal.copy_from_slice(&checksum(body));
    sector
}

fn is_sealed(sector: &[u8; SECTOR]) -> bool {
    let (body, seal) = sector.split_at(SECTOR - CHECKSUM);
    seal == checksum(body)
}

/// What the first sector of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// A cache that this program wrote.
    Ours,
    /// A cache that another version wrote.
    OtherVersion,
    /// A cache whose header is not as it was written.
    Damaged,
    /// No cache.
    Foreign,
}

/// The header of a cache; `writer` names the program, its version, and everything that answers are made of.
pub(super) fn header(writer: &str) -> [u8; SECTOR] {
    let value = digest(DigestAlgorithm::Sha256, writer.as_bytes());
    let writer = value.as_ref().map(|value| value.as_bytes()).unwrap_or_default();
    sealed(&[MAGIC, &LAYOUT.to_le_bytes(), writer])
}

pub(super) fn read_header(sector: &[u8], writer: &str) -> Header {
    match sector.first_chunk::<SECTOR>() {
        Some(sector) if *sector == header(writer) => Header::Ours,
        Some(sector) if sector.starts_with(MAGIC) && is_sealed(sector) => Header::OtherVersion,
        _ if sector.starts_with(MAGIC) => Header::Damaged,
        _ => Header::Foreign,
    }
}

/// Which part of the file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commit {
    /// Where the entries begin that count.
    pub(super) start: u64,
    /// Where they end.
    pub(super) end: u64,
    /// How many runs have used the cache.
    pub(super) run: u32,
}

impl Commit {
    pub(super) const EMPTY: Commit = Commit { start: DATA, end: DATA, run: 0 };

    pub(super) fn sector(&self) -> [u8; SECTOR] {
        sealed(&[&self.start.to_le_bytes(), &self.end.to_le_bytes(), &self.run.to_le_bytes()])
    }

    /// What a sector says, if it is as it was written and can be true of a file of `length` octets.
    pub(super) fn read(sector: &[u8], length: u64) -> Option<Commit> {
        let sector = sector.first_chunk::<SECTOR>().filter(|sector| is_sealed(sector))?;
        let (start, rest) = sector.split_first_chunk::<8>()?;
        let (end, rest) = rest.split_first_chunk::<8>()?;
        let commit = Commit {
            start: u64::from_le_bytes(*start),
            end: u64::from_le_bytes(*end),
            run: u32::from_le_bytes(*rest.first_chunk()?),
        };
        let possible = DATA <= commit.start && commit.start <= commit.end && commit.end <= length;
        let even = commit.start.is_multiple_of(UNIT) && commit.end.is_multiple_of(UNIT);
        (possible && even).then_some(commit)
    }
}

/// An answer as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'e> {
    /// The run that wrote it.
    pub(super) run: u32,
    /// The place and the state that it is about.
    pub(super) place: [u8; 16],
    pub(super) state: [u8; 32],
    /// The answer.
    pub(super) answer: &'e [u8],
}

impl<'e> Entry<'e> {
    /// Its octets; `None` for an answer that is too long.
    pub(super) fn octets(&self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.answer.len()).ok().filter(|length| usize::from(*length) <= MAX_ANSWER)?;
        let fields: [&[u8]; 6] =
            [&self.run.to_le_bytes(), &length.to_le_bytes(), &[0; 2], &self.place, &self.state, self.answer];
        let mut octets = fields.concat();
        octets.extend(checksum(&octets));
        octets.resize(octets.len().next_multiple_of(UNIT as usize), 0);
        Some(octets)
    }

    /// How many octets an entry has, by its first eight; `None` if it cannot be one.
    pub(super) fn size(first: [u8; 8]) -> Option<usize> {
        let [_, _, _, _, low, high, 0, 0] = first else { return None };
        let length = usize::from(u16::from_le_bytes([low, high]));
        let whole = HEAD.checked_add(length)?.checked_add(CHECKSUM)?.checked_next_multiple_of(UNIT as usize)?;
        (length <= MAX_ANSWER).then_some(whole)
    }

    /// The entry that these octets are, all of them, if they are as they were written.
    pub(super) fn read(octets: &'e [u8]) -> Option<Entry<'e>> {
        let size = Entry::size(*octets.first_chunk()?)?;
        let (run, rest) = octets.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_first_chunk::<2>()?;
        let (place, rest) = rest.split_first_chunk::<16>()?;
        let (state, rest) = rest.split_first_chunk::<32>()?;
        let (answer, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (seal, padding) = rest.split_first_chunk::<CHECKSUM>()?;
        let sound = *seal == checksum(octets.get(..HEAD.checked_add(answer.len())?)?);
        let whole = octets.len() == size && padding.iter().all(|octet| *octet == 0);
        (sound && whole).then_some(Entry { run: u32::from_le_bytes(*run), place: *place, state: *state, answer })
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        let entry = Entry { run: 7, place: [1; 16], state: [2; 32], answer: b"sixty-seven" };
        let octets = entry.octets().unwrap();
        assert_eq!((octets.len(), Entry::read(&octets)), (80, Some(entry)));
        let commit = Commit { start: DATA, end: DATA + 160, run: 3 };
        assert_eq!(Commit::read(&commit.sector(), DATA + 160), Some(commit));
        for bit in 0..octets.len() * 8 {
            let mut damaged = octets.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Entry::read(&damaged), None, "{bit}");
        }
        for bit in 0..SECTOR * 8 {
            let mut damaged = commit.sector();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Commit::read(&damaged, u64::MAX), None, "{bit}");
            let mut damaged = header("me");
            damaged[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < MAGIC.len() { Header::Foreign } else { Header::Damaged };
            assert_eq!(read_header(&damaged, "me"), expected, "{bit}");
        }
        assert_eq!(read_header(&header("me"), "me"), Header::Ours);
        assert_eq!(read_header(&header("you"), "me"), Header::OtherVersion);
    }

    #[test]
    fn what_cannot_be_true_of_a_file_is_not_believed() {
        let read = |start, end, length| Commit::read(&Commit { start, end, run: 0 }.sector(), length).is_some();
        assert!(read(DATA, DATA, DATA) && read(DATA + 16, DATA + 32, DATA + 32));
        assert!(!read(DATA, DATA + 16, DATA + 15) && !read(DATA + 16, DATA, DATA + 16));
        assert!(!read(0, DATA, DATA) && !read(DATA + 8, DATA + 16, DATA + 16));
        assert!(Commit::read(&[0; SECTOR], u64::MAX).is_none());
        let too_long = Entry { run: 0, place: [0; 16], state: [0; 32], answer: &[0; MAX_ANSWER + 1] };
        assert_eq!(too_long.octets(), None);
        assert_eq!(Entry::size([0, 0, 0, 0, 0xff, 0xff, 0, 0]), None);
    }
}
