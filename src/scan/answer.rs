//! What a store keeps, as octets: written plainly, and read as if anybody might have written it.
//!
//! An answer that does not fit its question, in the algorithms or in the lengths, is none.

use std::collections::BTreeMap;

use super::pass::{Digests, Plan};
use crate::container::Format;
use crate::container::pe::ImageSum;
use crate::crypto::{DigestAlgorithm, DigestValue};

/// The algorithms that answers name by their positions here.
const ALGORITHMS: [DigestAlgorithm; 8] = DigestAlgorithm::ALL;
/// The kinds of files, likewise.
const FORMATS: [Format; 11] = Format::ALL;

/// The names of everything that answers are made of, for whoever keeps answers longer than a program lives.
#[must_use]
pub fn vocabulary() -> String {
    let algorithms = ALGORITHMS.map(|algorithm| format!("{}/{}", algorithm.name(), algorithm.output_len()));
    format!("{} {}", algorithms.join(" "), FORMATS.map(Format::name).join(" "))
}

fn identifier(algorithm: DigestAlgorithm) -> u8 {
    let position = ALGORITHMS.iter().position(|known| *known == algorithm);
    position.and_then(|position| u8::try_from(position).ok()).unwrap_or(u8::MAX)
}

/// Algorithms as octets.
pub(super) fn identifiers(algorithms: &[DigestAlgorithm]) -> Vec<u8> {
    algorithms.iter().map(|algorithm| identifier(*algorithm)).collect()
}

/// What a pass gave: the digests of the file, those of what is covered, the sum, and the first mismatch of each run.
pub(super) fn write_pass(computed: &Digests, plan: &Plan<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    for digests in [&computed.file, &computed.authentihash] {
        octets.push(u8::try_from(digests.len()).unwrap_or(u8::MAX));
        for (algorithm, value) in digests {
            octets.extend(write_digest(*algorithm, value));
        }
    }
    write_option(&mut octets, computed.sum.as_ref().map(ImageSum::state));
    for run in &plan.pages {
        write_option(&mut octets, run.first_mismatch);
    }
    octets
}

/// The answer to the plan's question about a file of `length` octets. The runs in the plan get their mismatches.
pub(super) fn read_pass(octets: &[u8], plan: &mut Plan<'_>, length: u64) -> Option<Digests> {
    let mut rest = octets;
    let (file, covered) = plan.algorithms();
    let file = read_digests(&mut rest, &file)?;
    let authentihash = read_digests(&mut rest, &covered)?;
    let sum = read_option(&mut rest)?;
    let mismatches: Vec<Option<u64>> = plan.pages.iter().map(|_| read_option(&mut rest)).collect::<Option<_>>()?;
    if !rest.is_empty() || sum.is_some() != plan.sum {
        return None;
    }
    for (run, mismatch) in plan.pages.iter_mut().zip(mismatches) {
        run.first_mismatch = mismatch;
    }
    Some(Digests { file, authentihash, sum: sum.map(|state| ImageSum::resumed(state, length)) })
}

/// One digest with its algorithm.
pub(super) fn write_digest(algorithm: DigestAlgorithm, value: &DigestValue) -> Vec<u8> {
    [&[identifier(algorithm)], value.as_bytes()].concat()
}

/// The one digest that an answer is.
pub(super) fn read_digest(octets: &[u8], algorithm: DigestAlgorithm) -> Option<DigestValue> {
    let mut rest = octets;
    let value = take_digest(&mut rest, algorithm)?;
    rest.is_empty().then_some(value)
}

/// A kind of file.
pub(super) fn write_format(format: Format) -> [u8; 1] {
    let position = FORMATS.iter().position(|known| *known == format);
    [position.and_then(|position| u8::try_from(position).ok()).unwrap_or(u8::MAX)]
}

/// The kind of file that an answer is.
pub(super) fn read_format(octets: &[u8]) -> Option<Format> {
    let [position] = octets else { return None };
    FORMATS.get(usize::from(*position)).copied()
}

fn read_digests(rest: &mut &[u8], expected: &[DigestAlgorithm]) -> Option<BTreeMap<DigestAlgorithm, DigestValue>> {
    let (count, behind) = rest.split_first()?;
    *rest = behind;
    if usize::from(*count) != expected.len() {
        return None;
    }
    expected.iter().map(|algorithm| Some((*algorithm, take_digest(rest, *algorithm)?))).collect()
}

fn take_digest(rest: &mut &[u8], algorithm: DigestAlgorithm) -> Option<DigestValue> {
    let (found, behind) = rest.split_first()?;
    let (value, behind) = behind.split_at_checked(algorithm.output_len())?;
    *rest = behind;
    if *found == identifier(algorithm) { DigestValue::from_slice(value) } else { None }
}

fn write_option(octets: &mut Vec<u8>, value: Option<u64>) {
    octets.push(value.is_some().into());
    octets.extend(value.unwrap_or_default().to_le_bytes());
}

/// The outer `None` is no answer at all.
fn read_option(rest: &mut &[u8]) -> Option<Option<u64>> {
    let (flag, behind) = rest.split_first()?;
    let (value, behind) = behind.split_first_chunk::<8>()?;
    *rest = behind;
    match (flag, u64::from_le_bytes(*value)) {
        (0, 0) => Some(None),
        (1, value) => Some(Some(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::HashedRegions;
    use crate::crypto::digest;

    fn plan() -> Plan<'static> {
        let (sha256, sha1) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha1);
        let mut plan = Plan::new(vec![sha256], vec![sha256, sha1], HashedRegions::default());
        plan.sum = true;
        plan
    }

    fn answer() -> Vec<u8> {
        let of = |algorithm| (algorithm, digest(algorithm, b"abc").unwrap());
        let computed = Digests {
            file: [of(DigestAlgorithm::Sha256)].into(),
            authentihash: [of(DigestAlgorithm::Sha1), of(DigestAlgorithm::Sha256)].into(),
            sum: Some(ImageSum::resumed(77, 3)),
        };
        write_pass(&computed, &plan())
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let read = read_pass(&answer(), &mut plan(), 3).unwrap();
        assert_eq!(read.sum, Some(ImageSum::resumed(77, 3)));
        assert_eq!(read.file.len(), 1);
        assert_eq!(
            read.authentihash.keys().copied().collect::<Vec<_>>(),
            [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256]
        );
        assert_eq!(read.authentihash.get(&DigestAlgorithm::Sha1), digest(DigestAlgorithm::Sha1, b"abc").as_ref());
        for format in FORMATS {
            assert_eq!(read_format(&write_format(format)), Some(format));
        }
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let whole = answer();
        for length in 0..whole.len() {
            assert!(read_pass(&whole[..length], &mut plan(), 3).is_none(), "{length}");
        }
        assert!(read_pass(&[whole.clone(), vec![0]].concat(), &mut plan(), 3).is_none());
        let mut without_sum = plan();
        without_sum.sum = false;
        assert!(read_pass(&whole, &mut without_sum, 3).is_none());
        let other = |file, covered| {
            let mut plan = Plan::new(file, covered, HashedRegions::default());
            plan.sum = true;
            read_pass(&whole, &mut plan, 3).is_none()
        };
        let (sha256, sha1, md5) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha1, DigestAlgorithm::Md5);
        assert!(other(vec![sha1], vec![sha256, sha1]));
        assert!(other(vec![sha256, md5], vec![sha256, sha1]));
        assert!(other(vec![sha256], vec![sha256]));
        assert!(!other(vec![sha256], vec![sha1, sha256]));
        assert!(read_digest(&write_digest(sha1, &digest(sha1, b"").unwrap()), sha256).is_none());
        assert_eq!((read_format(&[11]), read_format(&[]), read_format(&[0, 0])), (None, None, None));
    }
}
