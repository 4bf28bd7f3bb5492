//! What a signed file tells beside its signatures: bytes behind a PKCS#7 inside its entry, an older table that a newer one
//! was put behind, a second format, traces of the build.

use std::io;

use super::super::Blob;
use super::super::source::{Source, read_up_to};
use super::debug::{DebugFacts, debug_facts};
use super::guest::{Guest, guest};
use super::unsigned::{UnsignedRun, unsigned_run};
use super::{ImageSum, PeFacts};

/// The remains in one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remains {
    /// What lies behind each PKCS#7 inside its entry, and in entries in which no signature can be read.
    pub unsigned: Vec<UnsignedRun>,
    /// A WIN_CERTIFICATE that ends where the certificate table begins.
    pub previous_table: Option<PreviousTable>,
    /// A second format in the file.
    pub guest: Option<Guest>,
    /// What the debug directory tells.
    pub debug: DebugFacts,
    /// The CheckSum that the headers should state, where the file was read for it.
    pub checksum: Option<u32>,
}

/// A WIN_CERTIFICATE in front of the certificate table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousTable {
    /// Where it starts in the file.
    pub offset: u64,
    /// Its length as it states it, in bytes.
    pub size: u64,
    /// Other data lies between the last section and it: a file that carries a signed one ends so as well.
    pub behind_overlay: bool,
}

/// Octets in front of the certificate table in which another one is looked for: real ones have some ten thousand.
const SEARCHED: u64 = 64 * 1024;
/// wRevision, wCertificateType and the beginning of a PKCS#7.
const HEAD: [u8; 5] = [0, 2, 2, 0, 0x30];

/// Looks for remains; `sum` is the file's, if it was computed, and `is_read` says of which blobs a signature was read. Files
/// without any cost a few small reads.
///
/// # Errors
/// Errors of reading.
pub fn remains(
    source: &dyn Source,
    facts: &PeFacts,
    blobs: &[Blob],
    is_read: impl Fn(usize) -> bool,
    sum: Option<&ImageSum>,
) -> io::Result<Remains> {
    // Where nothing can be read the file has no signature that could lend it anything.
    let any_read = (0..blobs.len()).any(&is_read);
    let mut unsigned = Vec::new();
    for (index, blob) in blobs.iter().enumerate() {
        let is_entry = any_read && !is_read(index);
        let behind = blob.offset.saturating_add(blob.bytes.len() as u64);
        let start = if is_entry { blob.offset } else { behind };
        if is_entry || blob.tail.first_nonzero.is_some() {
            let run = unsigned_run(source, start, behind.saturating_add(blob.tail.length))?;
            unsigned.extend(run.map(|run| UnsignedRun { is_entry, ..run }));
        }
    }
    Ok(Remains {
        previous_table: previous_table(source, facts)?,
        guest: guest(source, facts, &unsigned)?,
        debug: debug_facts(source, facts)?,
        checksum: sum.map(|sum| sum.finish(facts)),
        unsigned,
    })
}

/// A graft on a signed file leaves the old table where it was: directly before the new one.
fn previous_table(source: &dyn Source, facts: &PeFacts) -> io::Result<Option<PreviousTable>> {
    let Some(table) = facts.certificate_table() else { return Ok(None) };
    let image = facts.sections.iter().filter(|section| section.raw_size > 0).map(|section| section.raw_end()).max();
    let Some(image) = image.map(|end| end.saturating_add(7) & !7).filter(|start| *start < table.start) else {
        return Ok(None);
    };
    let start = image.max(table.start.saturating_sub(SEARCHED) & !7);
    let length = usize::try_from(table.start.saturating_sub(start)).unwrap_or(0);
    let octets = read_up_to(source, start, length)?;
    let found = memchr::memmem::find_iter(&octets, &HEAD).find_map(|at| {
        let at = at.checked_sub(4).filter(|at| at % 8 == 0)?;
        let size = u64::from(u32::from_le_bytes(*octets.get(at..)?.first_chunk::<4>()?));
        let offset = start.saturating_add(at as u64);
        let end = offset.saturating_add(size.saturating_add(7) & !7);
        let ends = size > 8 && end == table.start;
        ends.then_some(PreviousTable { offset, size, behind_overlay: offset != image })
    });
    Ok(found)
}
