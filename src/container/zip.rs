//! Whether a ZIP archive is a package or a document that may be signed, as its directory says.
//!
//! Source: PKWARE, APPNOTE.TXT 6.3.10, "central directory structure" and "end of central directory record"; Microsoft,
//! "App package and bundle format": the footprint files of APPX and MSIX; [MS-OVBA] 2.4.2: the parts with a VBA project's
//! signatures; ECMA-376-2, part names, which are the same whatever their case.

use std::io;
use std::ops::Range;

use memchr::memmem;

use super::sniff::Format;
use super::source::{Source, read_exact_at, read_up_to};

/// The files that make an archive something, in small letters; the first that is there counts.
const NAMES: [(&[u8], Format); 5] = [
    (b"appxsignature.p7x", Format::Msix),
    (b"appxmanifest.xml", Format::Msix),
    (b"appxbundlemanifest.xml", Format::Msix),
    (b"vbaproject.bin", Format::Office),
    (b"vbaprojectsignature", Format::Office),
];
const LONGEST: u64 = 22;

/// The records behind the directory, the last with the longest comment.
const TAIL: u64 = 56 + 20 + 22 + 0xffff;
/// How much of directories is read: a package of 100,000 files has 10 MB.
const DIRECTORY: u64 = 16 << 20;
const CHUNK: u64 = 1 << 20;
/// A comment may hold what looks like another end of a directory.
const MOST_ENDS: usize = 8;

/// What an archive is by what it holds; `None` for one that nobody signs.
pub(super) fn kind(source: &dyn Source) -> io::Result<Option<Format>> {
    let start = source.len().saturating_sub(TAIL);
    let tail = read_up_to(source, start, TAIL as usize)?;
    let known = named(&tail);
    if known.is_some() {
        return Ok(known);
    }
    let mut budget = DIRECTORY;
    for end in memmem::rfind_iter(&tail, b"PK\x05\x06").take(MOST_ENDS) {
        for directory in directories(source, &tail, start, end)? {
            let known = if directory.start < start { listed(source, directory, &mut budget)? } else { None };
            if known.is_some() {
                return Ok(known);
            }
        }
    }
    Ok(None)
}

fn named(bytes: &[u8]) -> Option<Format> {
    let small = bytes.to_ascii_lowercase();
    NAMES.iter().find(|(name, _)| memmem::find(&small, name).is_some()).map(|(_, format)| *format)
}

/// Where the directory is by a record of its end in the tail: by its place, and by its length, which differ where
/// something stands before the archive.
fn directories(source: &dyn Source, tail: &[u8], start: u64, end: usize) -> io::Result<[Range<u64>; 2]> {
    let number = |at: usize| tail.get(end.saturating_add(at)..)?.first_chunk().copied().map(u32::from_le_bytes);
    let (length, place) = (number(12).unwrap_or(0), number(16).unwrap_or(0));
    let mut found = (u64::from(length), u64::from(place), start.saturating_add(end as u64));
    if length == u32::MAX || place == u32::MAX {
        found = large(source, tail, end)?.unwrap_or(found);
    }
    let (length, place, behind) = found;
    let (by_place, by_length) = (place..place.saturating_add(length), behind.saturating_sub(length)..behind);
    let other = if by_place == by_length { 0..0 } else { by_length };
    Ok([by_place, other])
}

/// Length and place of a directory that has another record of its end, and where this is: a locator says it.
fn large(source: &dyn Source, tail: &[u8], end: usize) -> io::Result<Option<(u64, u64, u64)>> {
    let number = |bytes: &[u8], at: usize| bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes);
    let locator = end.checked_sub(20).and_then(|at| tail.get(at..end)).filter(|it| it.starts_with(b"PK\x06\x07"));
    let Some(at) = locator.and_then(|locator| number(locator, 8)) else { return Ok(None) };
    let record = read_exact_at(source, at, 56)?.filter(|record| record.starts_with(b"PK\x06\x06"));
    Ok(record.and_then(|record| Some((number(&record, 40)?, number(&record, 48)?, at))))
}

fn listed(source: &dyn Source, directory: Range<u64>, budget: &mut u64) -> io::Result<Option<Format>> {
    let mut at = directory.start;
    while at < directory.end && *budget > 0 {
        let length = CHUNK.min(directory.end.saturating_sub(at)).min(*budget);
        let chunk = read_up_to(source, at, usize::try_from(length).unwrap_or(0))?;
        let known = named(&chunk);
        if known.is_some() {
            return Ok(known);
        }
        // A name may begin in this piece and end in the next.
        let step = (chunk.len() as u64).saturating_sub(LONGEST);
        let next = at.saturating_add(chunk.len() as u64);
        if step == 0 || next >= directory.end {
            return Ok(None);
        }
        *budget = budget.saturating_sub(step);
        at = at.saturating_add(step);
    }
    Ok(None)
}
