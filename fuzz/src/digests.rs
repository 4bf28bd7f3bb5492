//! Digests of several streams at once.

use sha2::Digest;
use sigscan::crypto::{DigestAlgorithm, Hasher, update_together};

/// What the processor has instructions for.
const ALGORITHMS: [DigestAlgorithm; 3] = [DigestAlgorithm::Sha1, DigestAlgorithm::Sha224, DigestAlgorithm::Sha256];

/// Streams that go on together in any mixture, against each by itself in another implementation. The octets say how many there
/// are, of which kind, and which of them take how much in each step; each piece begins wherever the one before ended.
pub fn digests(octets: &[u8]) {
    let Some((&count, octets)) = octets.split_first() else { return };
    let count = usize::from(count % 7) + 1;
    let Some((kinds, mut rest)) = octets.split_at_checked(count) else { return };
    let algorithms: Vec<DigestAlgorithm> = kinds.iter().map(|kind| ALGORITHMS[usize::from(kind % 3)]).collect();
    let mut hashers: Vec<Hasher> = algorithms.iter().map(|algorithm| Hasher::new(*algorithm).unwrap()).collect();
    let mut given = vec![Vec::new(); count];
    while let [mask, low, high, tail @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high]) % 2048);
        rest = tail;
        let mut feeds = Vec::new();
        for (index, hasher) in hashers.iter_mut().enumerate().filter(|(index, _)| mask >> index & 1 == 1) {
            let piece;
            (piece, rest) = rest.split_at((length + 31 * index).min(rest.len()));
            given[index].extend_from_slice(piece);
            feeds.push((hasher, piece));
        }
        update_together(feeds);
    }
    for ((algorithm, hasher), octets) in algorithms.into_iter().zip(hashers).zip(given) {
        let expected = match algorithm {
            DigestAlgorithm::Sha1 => sha1::Sha1::digest(&octets).to_vec(),
            DigestAlgorithm::Sha224 => sha2::Sha224::digest(&octets).to_vec(),
            _ => sha2::Sha256::digest(&octets).to_vec(),
        };
        assert_eq!(hasher.finish().as_bytes(), expected, "{algorithm:?} of {} octets", octets.len());
    }
}
