//! How much public-key work one file may cause.

use std::cell::Cell;

use crate::crypto::key_info;

/// Units for one file. An RSA-2048 verification is 4 units and a busy honest file needs 200; the whole budget
/// is about two seconds with the largest keys that are verified at all.
const UNITS: u64 = 20_000;

/// The budget of one file, spent in a fixed order: the primary signature first, so that what is nested in it
/// or stands beside it can never take its share.
#[derive(Debug)]
pub struct Work {
    left: Cell<u64>,
}

impl Default for Work {
    fn default() -> Self {
        Work { left: Cell::new(UNITS) }
    }
}

impl Work {
    /// Takes what one verification under this key costs; false when that is more than is left.
    #[must_use]
    pub fn spend(&self, spki: &[u8]) -> bool {
        let left = self.left.get();
        let cost = cost(spki);
        if cost > left {
            // Once short, always short: whether a later, cheaper key is tried must not depend on luck.
            self.left.set(0);
            return false;
        }
        self.left.set(left.saturating_sub(cost));
        true
    }

    /// Whether a verification had to be left out.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }
}

/// Modular multiplication grows with the square of the length; anything but RSA costs a constant.
fn cost(spki: &[u8]) -> u64 {
    match key_info(spki) {
        Some(key) if key.kind == "rsa" => {
            let kilobits = u64::from(key.bits).div_ceil(1024).max(1);
            kilobits.saturating_mul(kilobits)
        }
        _ => 8,
    }
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
}
