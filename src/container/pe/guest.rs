//! A second format in the same file: an archive that is read from the end, a script that readers find anywhere.

use std::io;

use super::super::source::{Source, read_up_to};
use super::PeFacts;
use super::unsigned::{UnsignedRun, unsigned_run};

/// What a second format is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestKind {
    /// ZIP, and with it JAR, APK, Office documents.
    Zip,
    /// A JAR's manifest or markup that a script host runs.
    Script,
}

/// A second format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guest {
    /// Which.
    pub kind: GuestKind,
    /// Where in the file it was recognised: the end record of an archive, the marker of a script.
    pub offset: u64,
    /// Whether it lies before the certificate table, where the signature's digest covers it.
    pub covered: bool,
}

/// An end of central directory record is 22 octets and a comment of at most 65,535. Source: PKWARE APPNOTE, 4.3.16.
const END_RECORD: usize = 22;
const WINDOW: u64 = 22 + 65_535 + 8;
const END_MARK: [u8; 4] = *b"PK\x05\x06";

/// What script hosts and Java look for, whatever lies before it. In lower case.
const MARKERS: [&[u8]; 4] = [b"<script", b"<hta:application", b"<job", b"meta-inf/manifest.mf"];

/// Octets of the longest of them.
pub(super) const LONGEST_MARKER: usize = 20;

/// Looks for a second format behind what is signed, and then for an archive before it.
///
/// # Errors
/// Errors of reading.
pub(super) fn guest(source: &dyn Source, facts: &PeFacts, unsigned: &[UnsignedRun]) -> io::Result<Option<Guest>> {
    let Some(table) = facts.certificate_table() else { return Ok(None) };
    let length = source.len();
    if let Some(offset) = archive_end(source, table.start, length)? {
        return Ok(Some(Guest { kind: GuestKind::Zip, offset, covered: false }));
    }
    let behind = unsigned_run(source, table.end, length)?;
    if let Some(offset) = behind.iter().chain(unsigned).find_map(|run| run.script) {
        return Ok(Some(Guest { kind: GuestKind::Script, offset, covered: false }));
    }
    let image = facts.sections.iter().filter(|section| section.raw_size > 0).map(|section| section.raw_end()).max();
    let start = image.unwrap_or(u64::from(facts.size_of_headers));
    let end = archive_end(source, start, table.start.min(length))?;
    Ok(end.map(|offset| Guest { kind: GuestKind::Zip, offset, covered: true }))
}

/// The offset of an end record whose comment ends where `end` is, up to seven zeros of alignment apart.
fn archive_end(source: &dyn Source, start: u64, end: u64) -> io::Result<Option<u64>> {
    let start = start.max(end.saturating_sub(WINDOW));
    let Some(size) = end.checked_sub(start).filter(|size| *size >= END_RECORD as u64) else { return Ok(None) };
    let bytes = read_up_to(source, start, usize::try_from(size).unwrap_or(0))?;
    let is_end = |at: &usize| {
        let found = bytes.get(*at..).and_then(|rest| rest.split_at_checked(END_RECORD));
        found.is_some_and(|(record, rest)| ends_there(record, rest))
    };
    let found = memchr::memmem::find_iter(&bytes, &END_MARK).filter(is_end).last();
    Ok(found.map(|at| start.saturating_add(at as u64)))
}

/// Whether the record is of an archive in one piece and its comment is all that follows.
fn ends_there(record: &[u8], rest: &[u8]) -> bool {
    let word = |at: usize| record.get(at..)?.first_chunk::<2>().map(|word| u16::from_le_bytes(*word));
    let whole = word(4) == Some(0) && word(8) == word(10);
    let comment = word(20).map_or(usize::MAX, usize::from);
    let padding = rest.get(comment..);
    whole && padding.is_some_and(|zeros| zeros.len() < 8 && zeros.iter().all(|octet| *octet == 0))
}

/// Where the first marker lies in these octets.
pub(super) fn marker(bytes: &[u8]) -> Option<usize> {
    let lower = bytes.to_ascii_lowercase();
    MARKERS.iter().filter_map(|marker| memchr::memmem::find(&lower, marker)).min()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::super::Section;
    use super::*;
    use crate::container::MemorySource;

    /// 64 octets of image, an overlay, a table, and what follows it.
    fn look(overlay: &[u8], table: &[u8], behind: &[u8], script: Option<u64>) -> Option<Guest> {
        let file = [&[1; 64][..], overlay, table, behind].concat();
        let start = 64 + overlay.len() as u32;
        let section = Section { virtual_address: 0, virtual_size: 64, raw_offset: 0, raw_size: 64 };
        let facts = PeFacts {
            security_directory: Some((start, table.len() as u32)),
            sections: vec![section],
            ..PeFacts::default()
        };
        let unsigned = [UnsignedRun { script, ..UnsignedRun::default() }];
        guest(&MemorySource(&file), &facts, &unsigned).unwrap()
    }

    fn end_record(comment: &[u8]) -> Vec<u8> {
        let mut record = [0; END_RECORD];
        record[..4].copy_from_slice(&END_MARK);
        record[20..].copy_from_slice(&(comment.len() as u16).to_le_bytes());
        [&record[..], comment].concat()
    }

    #[test]
    fn an_archive_counts_where_readers_find_it() {
        let zip = |offset, covered| Some(Guest { kind: GuestKind::Zip, offset, covered });
        let record = end_record(b"comment");
        assert_eq!(look(&[], &[2; 32], &record, None), zip(96, false));
        assert_eq!(look(&[], &[&[2; 32][..], &record].concat(), &[], None), zip(96, false));
        assert_eq!(look(&[&[3; 10][..], &record].concat(), &[2; 32], &[], None), zip(74, true));
        // Zeros of alignment, but no more than those; and nothing else behind the comment.
        assert_eq!(look(&[], &[2; 32], &[&record[..], &[0; 7]].concat(), None), zip(96, false));
        assert_eq!(look(&[], &[2; 32], &[&record[..], &[0; 8]].concat(), None), None);
        assert_eq!(look(&[], &[2; 32], &[&record[..], &[1]].concat(), None), None);
        assert_eq!(look(&[], &[2; 32], &record[..record.len() - 1], None), None);
        assert_eq!(look(&[], &[2; 32], &[], None), None);
    }

    #[test]
    fn a_script_counts_behind_what_is_signed() {
        let script = |offset| Some(Guest { kind: GuestKind::Script, offset, covered: false });
        assert_eq!(look(&[], &[2; 32], b"..<SCRIPT language=vbs>", None), script(98));
        assert_eq!(look(&[], &[2; 32], &[], Some(72)), script(72));
        assert_eq!(look(b"<script>", &[2; 32], &[], None), None);
        let far = [&[b'.'; 200_000][..], b"<Job id=1>"].concat();
        assert_eq!(look(&[], &[2; 32], &far, None), script(200_096));
        assert_eq!(MARKERS.iter().map(|marker| marker.len()).max(), Some(LONGEST_MARKER));
    }
}
