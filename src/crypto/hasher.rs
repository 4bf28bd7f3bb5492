//! Hashing: one stream with several algorithms, and several streams at once.

use md5::Digest as _;

use super::digest::{DigestAlgorithm, DigestValue};
use super::sha::{self, Sha};

/// The digest of `bytes`; `None` for MD4, which has no implementation.
#[must_use]
pub fn digest(algorithm: DigestAlgorithm, bytes: &[u8]) -> Option<DigestValue> {
    let mut hasher = Hasher::new(algorithm)?;
    hasher.update(bytes);
    Some(hasher.finish())
}

/// An incremental digest.
#[derive(Debug, Clone)]
pub struct Hasher(State);

#[derive(Debug, Clone)]
enum State {
    Md2(md2::Md2),
    Md5(md5::Md5),
    /// SHA-1, SHA-224, SHA-256: those that the processor has instructions for.
    Sha(Sha),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl State {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            State::Md2(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::Sha(state) => sha::update_together([(state, bytes)]),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }
}

impl Hasher {
    /// Starts a digest; `None` for MD4, which has no implementation.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Option<Self> {
        Some(Hasher(match algorithm {
            DigestAlgorithm::Md2 => State::Md2(md2::Md2::new()),
            DigestAlgorithm::Md4 => return None,
            DigestAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            DigestAlgorithm::Sha1 => State::Sha(Sha::sha1()),
            DigestAlgorithm::Sha224 => State::Sha(Sha::sha224()),
            DigestAlgorithm::Sha256 => State::Sha(Sha::sha256()),
            DigestAlgorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        }))
    }

    /// Continues with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything given so far.
    #[must_use]
    pub fn finish(self) -> DigestValue {
        match self.0 {
            State::Md2(state) => DigestValue::of(&state.finalize()),
            State::Md5(state) => DigestValue::of(&state.finalize()),
            State::Sha(state) => state.finish(),
            State::Sha384(state) => DigestValue::of(&state.finalize()),
            State::Sha512(state) => DigestValue::of(&state.finalize()),
        }
    }
}

/// How much every algorithm takes in turn: small enough to stay in the first-level cache between them.
const BLOCK: usize = 16 * 1024;

/// Continues several hashers, each with its own bytes. SHA-1, SHA-224 and SHA-256 go through the processor together,
/// which takes less time than one after the other; a hasher alone is continued as by [`Hasher::update`].
pub fn update_together<'f>(feeds: impl IntoIterator<Item = (&'f mut Hasher, &'f [u8])>) {
    let mut feeds: Vec<_> = feeds.into_iter().collect();
    while feeds.iter().any(|(_, bytes)| !bytes.is_empty()) {
        let round = feeds.iter_mut().filter_map(|(hasher, bytes)| {
            let (block, rest) = bytes.split_at_checked(BLOCK).unwrap_or((bytes, &[]));
            *bytes = rest;
            match &mut hasher.0 {
                State::Sha(state) => Some((state, block)),
                other => {
                    other.update(block);
                    None
                }
            }
        });
        sha::update_together(round);
    }
}

/// Several digests over one stream, in one pass over memory.
#[derive(Debug, Clone)]
pub struct MultiHasher(Vec<(DigestAlgorithm, Hasher)>);

impl MultiHasher {
    /// Starts a digest for each algorithm; repetitions count once and MD4 is left out.
    pub fn new(algorithms: impl IntoIterator<Item = DigestAlgorithm>) -> Self {
        let mut wanted: Vec<_> = algorithms.into_iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        MultiHasher(wanted.into_iter().filter_map(|algorithm| Some((algorithm, Hasher::new(algorithm)?))).collect())
    }

    /// Continues every digest with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        update_together(self.feeds(bytes));
    }

    /// Every hasher with `bytes`, to be continued by [`update_together`].
    pub fn feeds<'f>(&'f mut self, bytes: &'f [u8]) -> impl Iterator<Item = (&'f mut Hasher, &'f [u8])> {
        self.0.iter_mut().map(move |(_, hasher)| (hasher, bytes))
    }

    /// All digests, in the order of [`DigestAlgorithm`].
    #[must_use]
    pub fn finish(self) -> Vec<(DigestAlgorithm, DigestValue)> {
        self.0.into_iter().map(|(algorithm, hasher)| (algorithm, hasher.finish())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [DigestAlgorithm; 8] = DigestAlgorithm::ALL;

    /// RFC 1319 and RFC 1321 appendix A.5, FIPS 180-4 examples: the digest of "abc".
    #[test]
    fn known_answers_for_abc() {
        let answers = [
            "da853b0d3f88d99b30283a69e6ded6bb",
            "",
            "900150983cd24fb0d6963f7d28e17f72",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
             454d4423643ce80e2a9ac94fa54ca49f",
        ];
        for (algorithm, answer) in ALL.into_iter().zip(answers) {
            let value = digest(algorithm, b"abc");
            assert_eq!(value.map(|value| value.to_string()).unwrap_or_default(), answer);
            assert_eq!(value.is_none(), algorithm == DigestAlgorithm::Md4);
            assert!(value.is_none_or(|value| value.as_bytes().len() == algorithm.output_len()));
        }
    }

    #[test]
    fn one_pass_equals_single_digests_over_odd_chunks() {
        let data: Vec<u8> = (0u32..40_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for step in [1, 63, 64, 4097, BLOCK - 1, BLOCK, BLOCK + 1, data.len()] {
            // One octet at a time is slow without optimisation; a prefix is enough.
            let data = &data[..if step == 1 { 3000 } else { data.len() }];
            let mut hasher = MultiHasher::new(ALL.into_iter().rev().chain(ALL));
            data.chunks(step).for_each(|chunk| hasher.update(chunk));
            let expected: Vec<_> = ALL.iter().filter_map(|&a| Some((a, digest(a, data)?))).collect();
            assert_eq!(hasher.finish(), expected);
            assert_eq!(expected.len(), 7);
        }
    }
}
