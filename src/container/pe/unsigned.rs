//! What lies in an entry of the certificate table where no signature is. No digest covers it, so all of it is looked at:
//! a payload begins where whoever hides it wants it to.

use std::io;

use super::super::source::{Source, read_up_to};
use super::guest::{LONGEST_MARKER, marker};

/// First octets that are kept: enough to tell a vendor's tag from an unknown payload.
const SAMPLE: u64 = 4096;
/// Octets whose entropy is measured together: more would let a plain part thin out a dense one.
const WINDOW: usize = 4096;
/// Octets that are read at once, beside those that a mark could reach over into.
const CHUNK: usize = 16 * WINDOW;
const OVERLAP: usize = LONGEST_MARKER;

/// The tag that SigFlip puts before what it hides.
const SIGFLIP: [u8; 8] = [0xfe, 0xed, 0xfa, 0xce, 0xfe, 0xed, 0xfa, 0xce];

/// A run of octets that no signature covers, from the first to the last one that is not zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnsignedRun {
    /// Octets of the place that it lies in, zeros at both ends included.
    pub room: u64,
    /// Octets from the first to the last that is not zero; never 0.
    pub length: u64,
    /// The first of them, at most 4 KiB.
    pub sample: Vec<u8>,
    /// The highest Shannon entropy of 4 KiB of it, in bits an octet.
    pub entropy: f64,
    /// Whether SigFlip's tag occurs.
    pub sigflip: bool,
    /// Offset in the file of the first marker of a script.
    pub script: Option<u64>,
    /// The run is in a whole entry in which no signature can be read, and not behind a signature.
    pub is_entry: bool,
}

/// Looks at `start..end` of the file; `None` where all of it is zero.
///
/// # Errors
/// Errors of reading.
pub(super) fn unsigned_run(source: &dyn Source, start: u64, end: u64) -> io::Result<Option<UnsignedRun>> {
    let end = end.min(source.len());
    let mut run = UnsignedRun { room: end.saturating_sub(start), ..UnsignedRun::default() };
    let (mut first, mut last) = (None, start);
    let mut at = start;
    while at < end {
        let wanted = end.saturating_sub(at).min(CHUNK.saturating_add(OVERLAP) as u64);
        let octets = read_up_to(source, at, usize::try_from(wanted).unwrap_or(CHUNK))?;
        if octets.is_empty() {
            break; // the file became shorter
        }
        let place = |index: usize| at.saturating_add(index as u64);
        let nonzero = |octet: &u8| *octet != 0;
        first = first.or(octets.iter().position(nonzero).map(place));
        last = octets.iter().rposition(nonzero).map_or(last, place).max(last);
        run.sigflip |= memchr::memmem::find(&octets, &SIGFLIP).is_some();
        run.script = run.script.or(marker(&octets).map(place));
        let windows = octets.get(..CHUNK).unwrap_or(&octets).chunks(WINDOW);
        run.entropy = windows.map(entropy).fold(run.entropy, f64::max);
        at = at.saturating_add(CHUNK as u64);
    }
    let Some(first) = first else { return Ok(None) };
    run.length = last.saturating_sub(first).saturating_add(1);
    run.sample = read_up_to(source, first, usize::try_from(run.length.min(SAMPLE)).unwrap_or(0))?;
    Ok(Some(run))
}

/// Shannon entropy in bits an octet.
#[allow(clippy::cast_precision_loss)] // at most 4,096 octets
fn entropy(octets: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for octet in octets {
        if let Some(count) = counts.get_mut(usize::from(*octet)) {
            *count = count.saturating_add(1);
        }
    }
    let total = octets.len() as f64;
    let terms = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    terms.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::container::MemorySource;

    fn run(octets: &[u8]) -> Option<UnsignedRun> {
        let file = [&[1; 16][..], octets, &[1; 16]].concat();
        unsigned_run(&MemorySource(&file), 16, 16 + octets.len() as u64).unwrap()
    }

    /// Every octet value equally often.
    fn dense(length: usize) -> Vec<u8> {
        (0..length).map(|index| index as u8).collect()
    }

    #[test]
    fn a_run_is_what_lies_between_zeros() {
        assert_eq!(run(&[]), None);
        assert_eq!(run(&[0; 100_000]), None);
        let found = run(&[&[0; 70_000][..], b"ab\0c", &[0; 70_000]].concat()).unwrap();
        assert_eq!((found.room, found.length, found.sample.as_slice()), (140_004, 4, b"ab\0c".as_slice()));
        assert_eq!((found.sigflip, found.script, found.is_entry), (false, None, false));
        let found = run(&[2; 9000]).unwrap();
        assert_eq!((found.length, found.sample.len(), found.entropy), (9000, 4096, 0.0));
    }

    #[test]
    fn the_whole_of_it_is_looked_at() {
        // Dense octets behind plain ones, and a mark anywhere, where two reads meet included.
        assert!((run(&[&[b'A'; 8192][..], &dense(4096)].concat()).unwrap().entropy - 8.0).abs() < 1e-9);
        for at in [0, 5000, CHUNK - 1, CHUNK - 4, CHUNK, 3 * CHUNK + 7] {
            let mut octets = vec![b'.'; at];
            octets.extend(SIGFLIP);
            octets.extend(vec![b'.'; 40]);
            assert!(run(&octets).unwrap().sigflip, "{at}");
            octets.truncate(at);
            octets.extend(b"<HTA:Application>");
            assert_eq!(run(&octets).unwrap().script, Some(16 + at as u64), "{at}");
        }
    }
}
