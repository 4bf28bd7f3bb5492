//! How much work one file may cause: public-key operations, and what is hashed and compared for them again and again.

use std::cell::{Cell, OnceCell};

use crate::crypto::{AlgorithmId, DigestAlgorithm, effort, hash_for_signature};

/// Units for one file. An RSA-2048 verification is 4 units and a busy honest file needs 200; the whole budget
/// is less than half a second, with the costliest keys that are verified at all.
const UNITS: u64 = 20_000;

/// Octets hashed for one unit: an honest certificate has a quarter of that, and one of twelve megabytes that bears the name
/// of thirty possible issuers is hashed for each of them.
const HASHED: u64 = 4 * 1024;

/// MD2 is some twenty times slower than the other hash functions.
const MD2_FACTOR: u64 = 16;

/// Octets of certificates gathered for one unit. Every signature and every timestamp gathers all certificates that stand
/// around it.
const GATHERED: u64 = 8 * 1024;

/// The same for certificates that the user gave: a rich collection of them must not make honest files too costly.
const GIVEN: u64 = 256 * 1024;

/// Certificates that a file may add to those that are remembered for others. Three chains have a dozen.
pub(super) const REMEMBERED: usize = 32;

/// The budget of one file, spent in a fixed order: the primary signature first, so that what is nested in it
/// or stands beside it can never take its share.
#[derive(Debug)]
pub struct Work {
    left: Cell<u64>,
    /// How many certificates the file may still add to those that are remembered for other files.
    to_remember: Cell<usize>,
    /// The file's number among those that asked for remembered certificates.
    number: OnceCell<u64>,
}

impl Default for Work {
    fn default() -> Self {
        Work { left: Cell::new(UNITS), to_remember: Cell::new(REMEMBERED), number: OnceCell::new() }
    }
}

impl Work {
    /// Takes what one verification under this key costs; false when that is more than is left.
    #[must_use]
    pub fn spend(&self, spki: &[u8]) -> bool {
        self.take(effort(spki))
    }

    /// The same together with hashing the message, and the key to remember the answer by.
    #[must_use]
    pub fn verify(&self, spki: &[u8], algorithm: &AlgorithmId<'_>, message: &[u8]) -> bool {
        let hashing = hashing(hash_for_signature(algorithm, None), message.len().saturating_add(spki.len()));
        self.take(effort(spki).saturating_add(hashing))
    }

    /// Takes what hashing costs.
    #[must_use]
    pub fn hash(&self, algorithm: Option<DigestAlgorithm>, octets: usize) -> bool {
        self.take(hashing(algorithm, octets))
    }

    /// Takes what gathering certificates costs: `own` octets of them that the file brings along, and `given` ones.
    #[must_use]
    pub fn gather(&self, own: usize, given: usize) -> bool {
        self.take(octets(own).wrapping_div(GATHERED).saturating_add(octets(given).wrapping_div(GIVEN)))
    }

    fn take(&self, cost: u64) -> bool {
        let left = self.left.get();
        if cost > left {
            // Once short, always short: whether a later, cheaper key is tried must not depend on luck.
            self.left.set(0);
            return false;
        }
        self.left.set(left.saturating_sub(cost));
        true
    }

    /// Nothing more is to be computed: what was left out might have changed the verdict.
    pub(super) fn give_up(&self) {
        self.left.set(0);
    }

    /// Takes the right to have one more certificate remembered.
    pub(super) fn may_remember(&self) -> bool {
        let left = self.to_remember.get();
        self.to_remember.set(left.saturating_sub(1));
        left > 0
    }

    /// The file's number, which `next` gives once.
    pub(super) fn number(&self, next: impl FnOnce() -> u64) -> u64 {
        *self.number.get_or_init(next)
    }

    /// Whether something had to be left out.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }
}

fn octets(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Nothing for what is as short as honest messages are.
fn hashing(algorithm: Option<DigestAlgorithm>, length: usize) -> u64 {
    let factor = if algorithm == Some(DigestAlgorithm::Md2) { MD2_FACTOR } else { 1 };
    octets(length).saturating_mul(factor).wrapping_div(HASHED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_ends_and_stays_ended() {
        let work = Work::default();
        let mut count = 0u64;
        while work.spend(b"no key at all") {
            count += 1;
        }
        assert_eq!(count, UNITS / 8);
        assert!(work.is_exhausted() && !work.spend(b""));
    }

    #[test]
    fn hashing_and_gathering_count() {
        let left = |take: &dyn Fn(&Work) -> bool| {
            let work = Work::default();
            assert!(take(&work));
            UNITS - work.left.get()
        };
        assert_eq!(left(&|work| work.hash(Some(DigestAlgorithm::Sha1), 4095)), 0);
        assert_eq!(left(&|work| work.hash(Some(DigestAlgorithm::Sha1), 1 << 20)), 256);
        assert_eq!(left(&|work| work.hash(Some(DigestAlgorithm::Md2), 1 << 20)), 4096);
        assert_eq!(left(&|work| work.gather(1 << 20, 0)), 128);
        assert_eq!(left(&|work| work.gather(0, 1 << 20)), 4);
        assert!(!Work::default().hash(None, usize::MAX));
        let work = Work::default();
        assert!(!work.gather(usize::MAX, usize::MAX) && work.is_exhausted());
    }
}
