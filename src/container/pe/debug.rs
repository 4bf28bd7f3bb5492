//! The debug directory: when its entries were made, and whether the build is reproducible.

use std::io;

use super::super::source::{Source, read_up_to};
use super::PeFacts;

/// Octets of an IMAGE_DEBUG_DIRECTORY, and how many are read; linkers write at most seven.
const ENTRY: usize = 28;
const MAX_ENTRIES: usize = 32;

/// IMAGE_DEBUG_TYPE_REPRO: time stamps of this file are hashes. Source: Microsoft PE format, "Debug Type".
const REPRO: u32 = 16;

/// What the debug directory tells of the build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DebugFacts {
    /// Time stamps in the file are no times.
    pub reproducible: bool,
    /// The entries' TimeDateStamp, in file order.
    pub stamps: Vec<u32>,
}

/// Reads the directory, as far as a section of the file holds it.
///
/// # Errors
/// Errors of reading.
pub(super) fn debug_facts(source: &dyn Source, facts: &PeFacts) -> io::Result<DebugFacts> {
    let Some((rva, size)) = facts.debug_directory().filter(|entry| entry.1 != 0) else {
        return Ok(DebugFacts::default());
    };
    let place = facts.sections.iter().find_map(|section| {
        let within = rva.checked_sub(section.virtual_address).filter(|within| *within < section.raw_size)?;
        Some(u64::from(section.raw_offset).saturating_add(u64::from(within)))
    });
    let Some(offset) = place else { return Ok(DebugFacts::default()) };
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(ENTRY.saturating_mul(MAX_ENTRIES));
    let bytes = read_up_to(source, offset, size)?;
    let word = |entry: &[u8], at: usize| entry.get(at..)?.first_chunk::<4>().map(|word| u32::from_le_bytes(*word));
    let entries = || bytes.chunks_exact(ENTRY);
    Ok(DebugFacts {
        reproducible: entries().any(|entry| word(entry, 12) == Some(REPRO)),
        stamps: entries().filter_map(|entry| word(entry, 4)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Section;
    use super::*;
    use crate::container::MemorySource;

    #[test]
    fn entries_give_their_stamps_and_say_whether_those_are_times() {
        let mut file = vec![0; 0x200];
        for (stamp, kind) in [(5u32, 2u32), (7, REPRO)] {
            let mut entry = [0; ENTRY];
            entry[4..8].copy_from_slice(&stamp.to_le_bytes());
            entry[12..16].copy_from_slice(&kind.to_le_bytes());
            file.extend(entry);
        }
        let section = Section { virtual_address: 0x1000, virtual_size: 0x100, raw_offset: 0x1f0, raw_size: 0x100 };
        let of = |directory: Option<(u32, u32)>| {
            let directories = directory.map_or(Vec::new(), |directory| [vec![(0, 0); 6], vec![directory]].concat());
            let facts = PeFacts { directories, sections: vec![section], ..PeFacts::default() };
            debug_facts(&MemorySource(&file), &facts).unwrap()
        };
        assert_eq!(of(Some((0x1010, 56))), DebugFacts { reproducible: true, stamps: vec![5, 7] });
        assert_eq!(of(Some((0x1010, 28))), DebugFacts { reproducible: false, stamps: vec![5] });
        // More than the file has, a place that no section holds, and none at all.
        assert_eq!(of(Some((0x1010, u32::MAX))).stamps, [5, 7]);
        assert_eq!(of(Some((0x0fff, 56))), DebugFacts::default());
        assert_eq!(of(Some((0x1100, 56))), DebugFacts::default());
        assert_eq!(of(None), DebugFacts::default());
    }
}
