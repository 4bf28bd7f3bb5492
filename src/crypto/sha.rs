//! SHA-1, SHA-224 and SHA-256 (FIPS 180-4) as streams of blocks, several of which go through the processor together.
//!
//! One stream waits for itself most of the time: each round needs the one before. Two streams, round by round in turn, keep
//! the unit busy and take 1.3 to 1.5 times the time of one. Where the processor cannot do that, `sha1` and `sha2` do
//! the work, as they do for a stream that is alone.

use std::fmt;

use super::digest::DigestValue;
use super::interleaved::Kernel;

/// What the compression functions take at a time (FIPS 180-4 section 5.2.1).
pub(super) type Block = [u8; 64];

/// Initial hash values, FIPS 180-4 sections 5.3.1 to 5.3.3.
const SHA1: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
const SHA224: [u32; 8] =
    [0xc105_9ed8, 0x367c_d507, 0x3070_dd17, 0xf70e_5939, 0xffc0_0b31, 0x6858_1511, 0x64f9_8fa7, 0xbefa_4fa4];
const SHA256: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A digest under way.
#[derive(Clone)]
pub(super) struct Sha {
    state: State,
    /// What does not fill a block yet.
    tail: Block,
    /// Octets in `tail`, less than a block.
    filled: usize,
    /// Octets so far.
    length: u64,
}

#[derive(Clone, Copy)]
enum State {
    Sha1([u32; 5]),
    Sha224([u32; 8]),
    Sha256([u32; 8]),
}

impl Sha {
    pub(super) fn sha1() -> Sha {
        Sha::start(State::Sha1(SHA1))
    }

    pub(super) fn sha224() -> Sha {
        Sha::start(State::Sha224(SHA224))
    }

    pub(super) fn sha256() -> Sha {
        Sha::start(State::Sha256(SHA256))
    }

    fn start(state: State) -> Sha {
        Sha { state, tail: [0; 64], filled: 0, length: 0 }
    }

    /// Takes `bytes`: what completes a block that was begun is done at once, whole blocks go to `lanes`, and the rest
    /// waits.
    fn take<'s>(&'s mut self, bytes: &'s [u8], lanes: &mut Lanes<'s>) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        let Some(bytes) = self.top_up(bytes) else { return };
        let (blocks, rest) = bytes.as_chunks::<64>();
        if let Some(tail) = self.tail.get_mut(..rest.len()) {
            tail.copy_from_slice(rest);
        }
        self.filled = rest.len();
        lanes.push(&mut self.state, blocks);
    }

    /// Completes the block that was begun; what is left of `bytes`, or `None` where there is still no whole block.
    fn top_up<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        if self.filled == 0 {
            return Some(bytes);
        }
        let room = self.tail.get_mut(self.filled..)?;
        let Some((head, rest)) = bytes.split_at_checked(room.len()) else {
            room.get_mut(..bytes.len())?.copy_from_slice(bytes);
            self.filled = self.filled.saturating_add(bytes.len());
            return None;
        };
        room.copy_from_slice(head);
        self.filled = 0;
        let mut lanes = Lanes::default();
        lanes.push(&mut self.state, std::slice::from_ref(&self.tail));
        lanes.compress();
        Some(rest)
    }

    /// Padding and length (FIPS 180-4 section 5.1.1), and the digest.
    pub(super) fn finish(mut self) -> DigestValue {
        const PADDING: Block = {
            let mut padding = [0; 64];
            padding[0] = 0x80;
            padding
        };
        let bits = self.length.wrapping_mul(8);
        let until = if self.filled < 56 { 56usize } else { 120 };
        let padding = until.saturating_sub(self.filled);
        update_together([(&mut self, PADDING.get(..padding).unwrap_or(&PADDING))]);
        update_together([(&mut self, bits.to_be_bytes().as_slice())]);
        let octets =
            |words: &[u32]| DigestValue::of(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>());
        match &self.state {
            State::Sha1(words) => octets(words),
            State::Sha224(words) => octets(words.get(..7).unwrap_or(words)),
            State::Sha256(words) => octets(words),
        }
    }
}

/// State and length; not what was hashed.
impl fmt::Debug for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha").field("length", &self.length).finish_non_exhaustive()
    }
}

/// Continues every stream with its bytes.
pub(super) fn update_together<'s>(feeds: impl IntoIterator<Item = (&'s mut Sha, &'s [u8])>) {
    let mut lanes = Lanes::default();
    for (sha, bytes) in feeds {
        sha.take(bytes, &mut lanes);
    }
    lanes.compress();
}

/// A state and the blocks that it still has to take.
pub(super) struct Lane<'s, const WORDS: usize> {
    pub(super) state: &'s mut [u32; WORDS],
    pub(super) blocks: &'s [Block],
}

/// What is to be compressed.
#[derive(Default)]
struct Lanes<'s> {
    /// Of SHA-224 and SHA-256.
    twos: Vec<Lane<'s, 8>>,
    /// Of SHA-1.
    ones: Vec<Lane<'s, 5>>,
}

impl<'s> Lanes<'s> {
    fn push(&mut self, state: &'s mut State, blocks: &'s [Block]) {
        match state {
            State::Sha1(state) => self.ones.push(Lane { state, blocks }),
            State::Sha224(state) | State::Sha256(state) => self.twos.push(Lane { state, blocks }),
        }
    }

    /// Compresses every block of every lane.
    fn compress(mut self) {
        if let (Some(kernel), true) = (Kernel::detect(), self.twos.len().saturating_add(self.ones.len()) > 1) {
            self.interleave(kernel);
        }
        for lane in self.twos {
            sha2::block_api::compress256(lane.state, lane.blocks);
        }
        for lane in self.ones {
            sha1::block_api::compress(lane.state, lane.blocks);
        }
    }

    /// Compresses together until at most one lane is left. Each turn brings one lane to its end.
    fn interleave(&mut self, kernel: Kernel) {
        loop {
            prepare(&mut self.twos);
            prepare(&mut self.ones);
            match (self.twos.as_mut_slice(), self.ones.as_mut_slice()) {
                ([a, b, c], []) => kernel.compress([a, b, c], []),
                ([a, b], [c]) => kernel.compress([a, b], [c]),
                ([a, b, ..], _) => kernel.compress([a, b], []),
                ([a], [b, ..]) => kernel.compress([a], [b]),
                ([], [a, b, ..]) => kernel.compress([], [a, b]),
                ([], [_]) | ([_], []) | ([], []) => return,
            }
        }
    }
}

/// Drops lanes that are done and puts the longest first, so that those that go together end together.
fn prepare<const WORDS: usize>(lanes: &mut Vec<Lane<'_, WORDS>>) {
    lanes.retain(|lane| !lane.blocks.is_empty());
    lanes.sort_by_key(|lane| std::cmp::Reverse(lane.blocks.len()));
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    fn octets(count: usize, seed: u32) -> Vec<u8> {
        (0u32..).map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).take(count).collect()
    }

    fn expected(kind: usize, bytes: &[u8]) -> Vec<u8> {
        match kind {
            0 => sha2::Sha256::digest(bytes).to_vec(),
            1 => sha2::Sha224::digest(bytes).to_vec(),
            _ => sha1::Sha1::digest(bytes).to_vec(),
        }
    }

    fn start(kind: usize) -> Sha {
        [Sha::sha256, Sha::sha224, Sha::sha1][kind]()
    }

    /// Every length up to five blocks, alone.
    #[test]
    fn every_length_gives_the_digest_of_the_reference() {
        let bytes = octets(320, 1);
        for kind in 0..3 {
            for length in 0..=bytes.len() {
                let mut sha = start(kind);
                update_together([(&mut sha, &bytes[..length])]);
                assert_eq!(sha.finish().as_bytes(), expected(kind, &bytes[..length]), "{kind} {length}");
            }
        }
    }

    /// Two streams over the same octets, the second begins anywhere in the first two blocks and both are fed in two
    /// parts that are cut anywhere: what a file and its covered regions are.
    #[test]
    fn streams_that_are_shifted_against_each_other_do_not_mix() {
        let bytes = octets(900, 2);
        for (first, second) in [(0, 0), (0, 2), (2, 0), (2, 2), (1, 0)] {
            for shift in 0..=128 {
                for cut in [0, 1, 63, 64, 65, 127, 500, 836, 837, 900 - shift] {
                    let (mut a, mut b) = (start(first), start(second));
                    let other = &bytes[shift..];
                    let cut = cut.min(other.len());
                    update_together([(&mut a, &bytes[..cut]), (&mut b, &other[..cut])]);
                    update_together([(&mut a, &bytes[cut..]), (&mut b, &other[cut..])]);
                    assert_eq!(a.finish().as_bytes(), expected(first, &bytes), "{first} {second} {shift} {cut}");
                    assert_eq!(b.finish().as_bytes(), expected(second, other), "{first} {second} {shift} {cut}");
                }
            }
        }
    }

    /// Up to six streams of every mixture of kinds and of very different lengths.
    #[test]
    fn any_mixture_of_streams_gives_the_digests_of_the_reference() {
        for mixture in 0..3usize.pow(6) {
            let kinds: Vec<_> = (0..6).map(|place| mixture / 3usize.pow(place) % 3).collect();
            let count = 1 + mixture % 6;
            let inputs: Vec<_> =
                (0..count).map(|i| octets([3000, 64, 0, 1000, 129, 2999][i], mixture as u32)).collect();
            let mut streams: Vec<_> = kinds[..count].iter().map(|kind| start(*kind)).collect();
            update_together(streams.iter_mut().zip(&inputs).map(|(sha, input)| (sha, &input[..])));
            for ((sha, input), kind) in streams.into_iter().zip(&inputs).zip(&kinds) {
                assert_eq!(sha.finish().as_bytes(), expected(*kind, input), "{kinds:?} of {count}");
            }
        }
    }

    /// The length in bits goes beyond 32 bits; FIPS 180-4 reduces it by 2^64.
    #[test]
    fn the_length_is_counted_in_64_bits() {
        let mut sha = Sha { length: 0x2000_0000, ..Sha::sha256() };
        update_together([(&mut sha, [0; 64].as_slice())]);
        let mut state = SHA256;
        let mut last = [0; 64];
        last[0] = 0x80;
        last[56..].copy_from_slice(&0x1_0000_0200u64.to_be_bytes());
        sha2::block_api::compress256(&mut state, &[[0; 64], last]);
        let words: Vec<_> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
        assert_eq!(sha.finish().as_bytes(), words);
    }
}
