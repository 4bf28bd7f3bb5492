//! The CheckSum of a PE image, computed while the file goes by.
//!
//! The sum of all 16-bit words with end-around carry, CheckSum itself taken for zero, plus the file's length. Source:
//! Microsoft PE format, "Optional Header Windows-Specific Fields"; `CheckSumMappedFile` of ImageHlp.

use super::PeFacts;

/// End-around carry is arithmetic modulo this.
const MODULUS: u64 = 0xffff;

/// A sum on its way through a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageSum {
    /// Congruent to the sum of words: four octets at a time count as two of them, because 2^16 is 1 modulo 0xffff.
    sum: u64,
    length: u64,
}

impl ImageSum {
    /// Takes the next octets of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(usize::from(self.length & 1 != 0)));
        let (words, tail) = rest.as_chunks::<4>();
        let mut sum = self.sum;
        for octet in head {
            sum = sum.wrapping_add(u64::from(*octet) << 8);
        }
        for word in words {
            sum = sum.wrapping_add(u64::from(u32::from_le_bytes(*word)));
        }
        for (octet, shift) in tail.iter().zip([0, 8, 0]) {
            sum = sum.wrapping_add(u64::from(*octet) << shift);
        }
        // Blocks are far below the 2^32 words that would fill what is left after this.
        self.sum = (sum & 0xffff_ffff).wrapping_add(sum >> 32);
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    /// What [`ImageSum::resumed`] needs beside the length.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.sum
    }

    /// The sum as it stood after `length` octets, with the state that it had then.
    #[must_use]
    pub fn resumed(state: u64, length: u64) -> ImageSum {
        ImageSum { sum: state, length }
    }

    /// The checksum that the headers should state.
    #[must_use]
    pub fn finish(&self, facts: &PeFacts) -> u32 {
        let field = u64::from(facts.checksum);
        // At an odd place the field's octets lie the other way round in the words.
        let field = if facts.checksum_offset & 1 == 0 { field } else { field << 8 };
        let sum = self.sum % MODULUS;
        let rest = sum.wrapping_add(MODULUS).wrapping_sub(field % MODULUS) % MODULUS;
        // Only a file of zeros sums up to 0; with end-around carry every other multiple of the modulus is 0xffff.
        let folded = if rest == 0 { MODULUS } else { rest };
        u32::try_from(folded.wrapping_add(self.length) & 0xffff_ffff).unwrap_or(0)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    /// As ImageHlp computes it, word by word.
    fn plain(bytes: &[u8], field: usize) -> u32 {
        let mut copy = bytes.to_vec();
        copy[field..field + 4].fill(0);
        copy.resize(copy.len().next_multiple_of(2), 0);
        let sum = copy.chunks_exact(2).fold(0u32, |sum, word| {
            let sum = sum + u32::from(u16::from_le_bytes([word[0], word[1]]));
            (sum & 0xffff) + (sum >> 16)
        });
        sum + bytes.len() as u32
    }

    #[test]
    fn the_sum_does_not_depend_on_where_blocks_end() {
        let bytes: Vec<u8> = (0..4099u32).map(|at| (at * at % 251) as u8).collect();
        for field in [216, 217] {
            let stated = u32::from_le_bytes(bytes[field..field + 4].try_into().unwrap());
            let facts = PeFacts { checksum: stated, checksum_offset: field as u64, ..PeFacts::default() };
            for block in [1, 2, 3, 7, 64, 5000] {
                let mut sum = ImageSum::default();
                bytes.chunks(block).for_each(|part| sum.update(part));
                assert_eq!(sum.finish(&facts), plain(&bytes, field), "{field} {block}");
            }
        }
        // Words that add up to a multiple of 0xffff.
        let mut sum = ImageSum::default();
        sum.update(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(sum.finish(&PeFacts::default()), 0xffff + 8);
    }
}
