//! What lies around a certificate table and is no part of any signature: bytes behind a PKCS#7 inside its entry, and an
//! older table that a newer one was put behind.

use std::io;

use super::super::Blob;
use super::super::source::{Source, read_up_to};
use super::PeFacts;

/// Bytes of a tail that are kept: enough to tell a vendor's tag from an unknown payload.
const SAMPLE: usize = 4096;

/// The remains in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// For each signature blob, what lies behind its PKCS#7 from the first octet that is not zero on, at most 4 KiB.
    pub tails: Vec<Vec<u8>>,
    /// Offset and size of a WIN_CERTIFICATE that ends where the certificate table begins.
    pub previous_table: Option<(u64, u64)>,
}

/// Looks for remains. Files whose tails are empty cost one small read.
///
/// # Errors
/// Errors of reading.
pub fn remains(source: &dyn Source, facts: &PeFacts, blobs: &[Blob]) -> io::Result<Remains> {
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
    Ok(Remains { tails, previous_table: previous_table(source, facts)? })
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
