//! What a signed file tells beside its signatures: bytes behind a PKCS#7 inside its entry, an older table that a newer one
//! was put behind, a second format, traces of the build.

use std::io;

use super::super::Blob;
use super::super::source::{Source, read_up_to};
use super::debug::{DebugFacts, debug_facts};
use super::guest::{Guest, guest};
use super::{ImageSum, PeFacts};

/// Bytes of a tail that are kept: enough to tell a vendor's tag from an unknown payload.
const SAMPLE: usize = 4096;

/// The remains in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// For each signature blob, what lies behind its PKCS#7 from the first octet that is not zero on, at most 4 KiB.
    pub tails: Vec<Vec<u8>>,
    /// Offset and size of a WIN_CERTIFICATE that ends where the certificate table begins.
    pub previous_table: Option<(u64, u64)>,
    /// A second format in the file.
    pub guest: Option<Guest>,
    /// What the debug directory tells.
    pub debug: DebugFacts,
    /// The CheckSum that the headers should state, where the file was read for it.
    pub checksum: Option<u32>,
}

/// Looks for remains; `sum` is the file's, if it was computed. Files without any cost a few small reads.
///
/// # Errors
/// Errors of reading.
pub fn remains(source: &dyn Source, facts: &PeFacts, blobs: &[Blob], sum: Option<&ImageSum>) -> io::Result<Remains> {
    let mut tails = Vec::new();
    for blob in blobs {
        let end = blob.offset.saturating_add(blob.bytes.len() as u64).saturating_add(blob.tail.length);
        tails.push(match blob.tail.first_nonzero {
            Some(at) => {
                let room = usize::try_from(end.saturating_sub(at)).unwrap_or(SAMPLE).min(SAMPLE);
                read_up_to(source, at, room)?
            }
            None => Vec::new(),
        });
    }
    Ok(Remains {
        previous_table: previous_table(source, facts)?,
        guest: guest(source, facts, &tails)?,
        debug: debug_facts(source, facts)?,
        checksum: sum.map(|sum| sum.finish(facts)),
        tails,
    })
}

/// A graft on a signed file leaves the old table where it was: behind the last section, and directly before the new one.
fn previous_table(source: &dyn Source, facts: &PeFacts) -> io::Result<Option<(u64, u64)>> {
    let Some(table) = facts.certificate_table() else { return Ok(None) };
    let image = facts.sections.iter().filter(|section| section.raw_size > 0).map(|section| section.raw_end()).max();
    let Some(start) = image.map(|end| end.saturating_add(7) & !7).filter(|start| *start < table.start) else {
        return Ok(None);
    };
    let head = read_up_to(source, start, 9)?;
    let (Some(length), Some([_, _, _, _, _, 2, 2, 0, 0x30])) = (head.first_chunk::<4>(), head.first_chunk::<9>())
    else {
        return Ok(None);
    };
    let size = u64::from(u32::from_le_bytes(*length));
    let end = start.saturating_add(size.saturating_add(7) & !7);
    Ok((size > 8 && end == table.start).then_some((start, size)))
}
