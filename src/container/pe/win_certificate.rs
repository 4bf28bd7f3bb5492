//! The attribute certificate table: a run of WIN_CERTIFICATE entries.
//!
//! ```text
//! WIN_CERTIFICATE { u32 dwLength (header included), u16 wRevision, u16 wCertificateType, bCertificate[] }
//! ```
//! each entry aligned to 8 bytes. Source: Microsoft PE format, "The Attribute Certificate Table".

use std::io;

use super::super::source::{Source, read_exact_at, read_up_to};
use super::super::{Blob, ContainerLimits, Presence, Tail};
use crate::anomaly::Anomaly;
use crate::asn1::Reader;

/// WIN_CERT_TYPE_PKCS_SIGNED_DATA.
const PKCS_SIGNED_DATA: u16 = 2;
/// WIN_CERT_REVISION_2_0.
const REVISION_2: u16 = 0x0200;
const HEADER: u64 = 8;

/// Carves the entries of the table at `offset`, `size` bytes long.
pub(super) fn read(
    source: &dyn Source,
    offset: u32,
    size: u32,
    limits: &ContainerLimits,
    anomalies: &mut Vec<Anomaly>,
) -> io::Result<Presence> {
    let start = u64::from(offset);
    let end = start.saturating_add(u64::from(size));
    let malformed = |message: String, offset, salvaged| Ok(Presence::Malformed { message, offset, salvaged });
    if start >= source.len() {
        return malformed("the certificate table lies outside the file".to_owned(), start, Vec::new());
    }
    let clipped = end.min(source.len());
    let mut walk = Walk { source, limits, anomalies, blobs: Vec::new(), left: limits.signature_size, problem: None };
    walk.entries(start, clipped)?;
    let Walk { blobs, problem, .. } = walk;
    match problem {
        Some(Problem::Limit(message)) => Ok(Presence::Limit { message }),
        _ if end > source.len() => {
            malformed("the certificate table reaches beyond the end of the file".to_owned(), start, blobs)
        }
        Some(Problem::Malformed(message, at)) => malformed(message, at, blobs),
        None if blobs.is_empty() => malformed("the certificate table holds no PKCS#7 entry".to_owned(), start, blobs),
        None => Ok(Presence::Blobs(blobs)),
    }
}

enum Problem {
    Malformed(String, u64),
    Limit(String),
}

struct Walk<'w> {
    source: &'w dyn Source,
    limits: &'w ContainerLimits,
    anomalies: &'w mut Vec<Anomaly>,
    blobs: Vec<Blob>,
    /// Octets that may still be read: all signatures of a table share the limit.
    left: u64,
    problem: Option<Problem>,
}

impl Walk<'_> {
    fn entries(&mut self, start: u64, end: u64) -> io::Result<()> {
        let mut at = start;
        let mut count = 0usize;
        while at < end {
            if count >= self.limits.table_entries {
                self.limit(format!("entries after the first {count} are not read"), at);
                return Ok(());
            }
            count = count.saturating_add(1);
            let header = read_up_to(self.source, at, HEADER as usize)?;
            let (Some(length), Some(revision), Some(kind)) =
                (field::<4>(&header, 0), field::<2>(&header, 4), field::<2>(&header, 6))
            else {
                self.junk("bytes after the last entry are too short for another one", at);
                return Ok(());
            };
            let length = u64::from(u32::from_le_bytes(length));
            if length < HEADER || length > end.saturating_sub(at) {
                if !self.blobs.is_empty() && first_nonzero(self.source, at, end)?.is_none() {
                    return Ok(()); // zero padding up to the end of the table
                }
                self.junk(&format!("an entry states a length of {length} bytes"), at);
                return self.salvage(at, end, u16::from_le_bytes(revision), u16::from_le_bytes(kind));
            }
            let goes_on = self.entry(at, length, u16::from_le_bytes(revision), u16::from_le_bytes(kind))?;
            if self.problem.is_some() || !goes_on {
                return Ok(());
            }
            at = at.saturating_add(length.saturating_add(7) & !7);
        }
        Ok(())
    }

    /// Reads one entry. False where no further one is to be read.
    fn entry(&mut self, at: u64, length: u64, revision: u16, kind: u16) -> io::Result<bool> {
        if kind != PKCS_SIGNED_DATA {
            let message = format!("an entry of type 0x{kind:04x} and revision 0x{revision:04x} is no PKCS#7");
            self.anomalies.push(Anomaly::at("table-entry-type", message, at));
            return Ok(true);
        }
        if revision != REVISION_2 {
            let message = format!("an entry has revision 0x{revision:04x} instead of 0x0200");
            self.anomalies.push(Anomaly::at("table-entry-revision", message, at));
        }
        let data = at.saturating_add(HEADER);
        let available = length.saturating_sub(HEADER);
        let wanted = self.pkcs7_length(data, available)?;
        if wanted > self.left {
            let limit = self.limits.signature_size;
            self.limit(format!("a signature of {wanted} bytes exceeds the limit of {limit} for all of a file"), at);
            return Ok(false);
        }
        let length = usize::try_from(wanted).unwrap_or(usize::MAX);
        let Some(mut bytes) = read_exact_at(self.source, data, length)? else {
            self.junk("an entry reaches beyond the end of the file", at);
            return Ok(true);
        };
        // An indefinite length only shows its end once the bytes are there.
        if let Ok(Some(element)) = Reader::new(&bytes).next() {
            let end = element.raw.len();
            bytes.truncate(end);
            bytes.shrink_to_fit();
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        let behind = data.saturating_add(bytes.len() as u64);
        let entry_end = data.saturating_add(available);
        let tail = Tail {
            length: entry_end.saturating_sub(behind),
            first_nonzero: first_nonzero(self.source, behind, entry_end)?,
        };
        self.blobs.push(Blob { bytes, offset: data, entry: Some((revision, kind)), tail });
        Ok(true)
    }

    /// The first entry does not fit, but the PKCS#7 in it may: then it is kept to be shown.
    fn salvage(&mut self, at: u64, end: u64, revision: u16, kind: u16) -> io::Result<()> {
        let length = end.saturating_sub(at);
        if !self.blobs.is_empty() || kind != PKCS_SIGNED_DATA || length <= HEADER {
            return Ok(());
        }
        let problem = self.problem.take();
        self.entry(at, length, revision, kind)?;
        self.problem = problem;
        self.blobs.retain(|blob| Reader::new(&blob.bytes).next().is_ok_and(|element| element.is_some()));
        Ok(())
    }

    /// Length of the PKCS#7 by its outer DER header, or the whole entry where that says nothing usable.
    fn pkcs7_length(&self, data: u64, available: u64) -> io::Result<u64> {
        let head = read_up_to(self.source, data, 12)?;
        Ok(definite_length(&head).filter(|length| *length <= available).unwrap_or(available))
    }

    /// What follows is not read. Behind a signature that is an anomaly, because the first one counts; before any, nothing can
    /// be said of the file.
    fn limit(&mut self, message: String, at: u64) {
        if self.blobs.is_empty() {
            self.problem = Some(Problem::Limit(message));
        } else {
            self.anomalies.push(Anomaly::at("table-entries", message, at));
        }
    }

    /// Junk before any blob makes the table malformed; behind a blob it is an anomaly.
    fn junk(&mut self, message: &str, at: u64) {
        if self.blobs.is_empty() {
            self.problem = Some(Problem::Malformed(message.to_owned(), at));
        } else {
            self.anomalies.push(Anomaly::at("table-junk", message.to_owned(), at));
        }
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// Header and content length of a definite-length SEQUENCE.
fn definite_length(head: &[u8]) -> Option<u64> {
    let (first, rest) = head.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != 0x30 || *length == 0x80 {
        return None;
    }
    if *length < 0x80 {
        return Some(u64::from(*length).saturating_add(2));
    }
    let count = usize::from(*length & 0x7f);
    if count > 8 {
        return None;
    }
    let octets = rest.get(..count)?;
    let value = octets.iter().fold(0u64, |value, octet| (value << 8) | u64::from(*octet));
    value.checked_add(2)?.checked_add(count as u64)
}

/// File offset of the first byte in `start..end` that is not zero.
fn first_nonzero(source: &dyn Source, start: u64, end: u64) -> io::Result<Option<u64>> {
    let mut at = start;
    let left = |at: u64| usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(64 * 1024);
    let mut buffer = vec![0u8; left(start)];
    while at < end {
        let want = left(at).min(buffer.len());
        let Some(window) = buffer.get_mut(..want) else { break };
        let count = source.read_at(window, at)?;
        if count == 0 {
            break;
        }
        if let Some(position) = window.iter().take(count).position(|byte| *byte != 0) {
            return Ok(Some(at.saturating_add(position as u64)));
        }
        at = at.saturating_add(count as u64);
    }
    Ok(None)
}
