//! Compression of several streams at once with the processor's SHA instructions.
//!
//! The only place with `unsafe`: one call of a function that needs these instructions, from one that does not. Everything
//! inside is safe code: intrinsics that work on values, and loads that are made of slices.

use super::sha::Lane;

/// Leave to use the instructions: there is one only where the processor has them.
#[derive(Clone, Copy)]
pub(super) struct Kernel(());

#[cfg(not(target_arch = "x86_64"))]
impl Kernel {
    pub(super) fn detect() -> Option<Kernel> {
        None
    }

    pub(super) fn compress<const A: usize, const B: usize>(self, _: [&mut Lane<'_, 8>; A], _: [&mut Lane<'_, 5>; B]) {}
}

#[cfg(target_arch = "x86_64")]
impl Kernel {
    /// The answer is kept by the standard library, so that asking costs nothing.
    pub(super) fn detect() -> Option<Kernel> {
        let there = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1")
            && is_x86_feature_detected!("avx");
        there.then_some(Kernel(()))
    }

    /// Compresses as many blocks of every lane as the shortest has.
    pub(super) fn compress<const A: usize, const B: usize>(
        self,
        mut twos: [&mut Lane<'_, 8>; A],
        mut ones: [&mut Lane<'_, 5>; B],
    ) {
        let lengths = twos.iter().map(|lane| lane.blocks.len()).chain(ones.iter().map(|lane| lane.blocks.len()));
        let count = lengths.min().unwrap_or(0);
        let first = twos.each_mut().map(|lane| lane.split(count));
        let second = ones.each_mut().map(|lane| lane.split(count));
        // SAFETY: the only condition of `x86::compress` is that the processor has the features that it is compiled for. A
        // `Kernel` is made by `detect` alone, where it has them.
        #[allow(unsafe_code)]
        unsafe {
            x86::compress(first, second, count);
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl<const WORDS: usize> Lane<'_, WORDS> {
    /// Takes the first `count` blocks away, for its state.
    fn split(&mut self, count: usize) -> (&mut [u32; WORDS], &[super::sha::Block]) {
        let (now, later) = self.blocks.split_at_checked(count).unwrap_or((self.blocks, &[]));
        self.blocks = later;
        (self.state, now)
    }
}

/// The functions of FIPS 180-4 sections 6.1.2 and 6.2.2 in Intel's instructions (Intel 64 and IA-32 Architectures Software
/// Developer's Manual, volume 2, SHA1RNDS4 to SHA256RNDS2).
#[cfg(target_arch = "x86_64")]
// Indices are those of rounds and lanes, all constant but the number of the block, which is below each slice's length.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod x86 {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x, _mm_setzero_si128,
        _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32, _mm_sha256msg1_epu32,
        _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_xor_si128,
    };

    use crate::crypto::sha::Block;

    /// The constants of SHA-256, four rounds a row (FIPS 180-4 section 4.2.2).
    const K: [[u32; 4]; 16] = [
        [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
        [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
        [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
        [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
        [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
        [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
        [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
        [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
        [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
        [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
        [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
        [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
        [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
        [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
        [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
        [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
    ];

    /// A quarter of a block: sixteen octets in the order that the instructions want.
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn quarter(block: &Block, index: usize, order: __m128i) -> __m128i {
        let (eights, _) = block.as_chunks::<8>();
        let word = |at: usize| i64::from_le_bytes(eights[at]);
        _mm_shuffle_epi8(_mm_set_epi64x(word(2 * index + 1), word(2 * index)), order)
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn quarters(block: &Block, order: __m128i) -> [__m128i; 4] {
        [quarter(block, 0, order), quarter(block, 1, order), quarter(block, 2, order), quarter(block, 3, order)]
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn four(words: [u32; 4]) -> __m128i {
        let [a, b, c, d] = words.map(u32::cast_signed);
        _mm_set_epi32(d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    fn words(vector: __m128i) -> [u32; 4] {
        let words = [
            _mm_extract_epi32::<0>(vector),
            _mm_extract_epi32::<1>(vector),
            _mm_extract_epi32::<2>(vector),
            _mm_extract_epi32::<3>(vector),
        ];
        words.map(i32::cast_unsigned)
    }

    /// The schedule, its part for rounds 4Q to 4Q + 3 first.
    #[inline]
    fn turned<const Q: usize>(schedule: [__m128i; 4]) -> [__m128i; 4] {
        [schedule[Q % 4], schedule[(Q + 1) % 4], schedule[(Q + 2) % 4], schedule[(Q + 3) % 4]]
    }

    /// SHA-256 under way: the state in the order of SHA256RNDS2, and the sixteen words of the schedule in use.
    #[derive(Clone, Copy)]
    struct Two {
        abef: __m128i,
        cdgh: __m128i,
        schedule: [__m128i; 4],
    }

    impl Two {
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
        fn load(&[a, b, c, d, e, f, g, h]: &[u32; 8]) -> Two {
            Two { abef: four([f, e, b, a]), cdgh: four([h, g, d, c]), schedule: [_mm_setzero_si128(); 4] }
        }

        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
        fn store(self) -> [u32; 8] {
            let ([f, e, b, a], [h, g, d, c]) = (words(self.abef), words(self.cdgh));
            [a, b, c, d, e, f, g, h]
        }

        /// Four rounds, and the words of the four that come twelve rounds later.
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
        fn rounds<const Q: usize>(&mut self) {
            let [now, next, third, last] = turned::<Q>(self.schedule);
            let sum = _mm_add_epi32(now, four(K[Q]));
            self.cdgh = _mm_sha256rnds2_epu32(self.cdgh, self.abef, sum);
            self.abef = _mm_sha256rnds2_epu32(self.abef, self.cdgh, _mm_shuffle_epi32::<0x0e>(sum));
            if Q < 12 {
                let begun = _mm_add_epi32(_mm_sha256msg1_epu32(now, next), _mm_alignr_epi8::<4>(last, third));
                self.schedule[Q % 4] = _mm_sha256msg2_epu32(begun, last);
            }
        }
    }

    /// SHA-1 under way: A to D, what E is made of, and the sixteen words of the schedule in use.
    #[derive(Clone, Copy)]
    struct One {
        abcd: __m128i,
        /// E before the first rounds, afterwards A to D as they were four rounds ago: SHA1NEXTE turns them into E.
        before: __m128i,
        schedule: [__m128i; 4],
    }

    impl One {
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
        fn load(&[a, b, c, d, e]: &[u32; 5]) -> One {
            One { abcd: four([d, c, b, a]), before: four([0, 0, 0, e]), schedule: [_mm_setzero_si128(); 4] }
        }

        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
        fn store(self) -> [u32; 5] {
            let ([d, c, b, a], [_, _, _, e]) = (words(self.abcd), words(self.before));
            [a, b, c, d, e]
        }

        /// Four rounds with function F, and the words of the four that come twelve rounds later.
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
        fn rounds<const Q: usize, const F: i32>(&mut self) {
            let [now, next, third, last] = turned::<Q>(self.schedule);
            let sum = if Q == 0 { _mm_add_epi32(self.before, now) } else { _mm_sha1nexte_epu32(self.before, now) };
            self.before = self.abcd;
            self.abcd = _mm_sha1rnds4_epu32::<F>(self.abcd, sum);
            if Q < 16 {
                let begun = _mm_xor_si128(_mm_sha1msg1_epu32(now, next), third);
                self.schedule[Q % 4] = _mm_sha1msg2_epu32(begun, last);
            }
        }
    }

    /// Compresses `count` blocks of every lane, four rounds of each in turn.
    #[target_feature(enable = "sha,ssse3,sse4.1,avx")]
    pub(super) fn compress<const A: usize, const B: usize>(
        twos: [(&mut [u32; 8], &[Block]); A],
        ones: [(&mut [u32; 5], &[Block]); B],
        count: usize,
    ) {
        let order256 = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        let order1 = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
        let mut first = twos.each_ref().map(|lane| Two::load(lane.0));
        let mut second = ones.each_ref().map(|lane| One::load(lane.0));
        for at in 0..count {
            let (first_before, second_before) = (first, second);
            for (lane, (_, blocks)) in first.iter_mut().zip(&twos) {
                lane.schedule = quarters(&blocks[at], order256);
            }
            for (lane, (_, blocks)) in second.iter_mut().zip(&ones) {
                lane.schedule = quarters(&blocks[at], order1);
            }
            macro_rules! rounds {
                ($($q:literal $f:literal,)*) => { $(
                    for lane in &mut first {
                        lane.rounds::<$q>();
                    }
                    for lane in &mut second {
                        lane.rounds::<$q, $f>();
                    }
                )* };
            }
            rounds!(0 0, 1 0, 2 0, 3 0, 4 0, 5 1, 6 1, 7 1, 8 1, 9 1, 10 2, 11 2, 12 2, 13 2, 14 2, 15 3,);
            for lane in &mut second {
                lane.rounds::<16, 3>();
                lane.rounds::<17, 3>();
                lane.rounds::<18, 3>();
                lane.rounds::<19, 3>();
            }
            for (lane, before) in first.iter_mut().zip(first_before) {
                lane.abef = _mm_add_epi32(lane.abef, before.abef);
                lane.cdgh = _mm_add_epi32(lane.cdgh, before.cdgh);
            }
            for (lane, before) in second.iter_mut().zip(second_before) {
                lane.abcd = _mm_add_epi32(lane.abcd, before.abcd);
                lane.before = _mm_sha1nexte_epu32(lane.before, before.before);
            }
        }
        for (lane, (state, _)) in first.into_iter().zip(twos) {
            *state = lane.store();
        }
        for (lane, (state, _)) in second.into_iter().zip(ones) {
            *state = lane.store();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Every other file is held to the lint; this one names where it may be broken.
    #[test]
    fn there_is_one_unsafe_block() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                let text = std::fs::read_to_string(&entry).unwrap();
                let allowed = text.lines().filter(|line| line.trim() == concat!("#[allow(", "unsafe_code)]")).count();
                found.extend(vec![entry.file_name().unwrap().to_owned(); allowed]);
            }
        }
        assert_eq!(found, ["interleaved.rs"]);
    }
}
