//! Modular exponentiation of public values: RSA's verification primitive for keys that aws-lc declines.
//!
//! Nothing here is secret, so nothing here is constant-time. Numbers are little-endian 64-bit limbs; products
//! are reduced by Montgomery's method (Koç, Acar, Kaliski 1996, "separated operand scanning").

use std::cmp::Ordering;

/// `base ^ exponent mod modulus`, numbers in big-endian octets, result as long as `modulus`.
///
/// `None` unless the modulus is odd and above one, has no leading zero octet, and is larger than the base.
/// Time grows with the square of the modulus length and with the exponent's bits; callers bound both.
pub(super) fn mod_exp(base: &[u8], exponent: u64, modulus: &[u8]) -> Option<Vec<u8>> {
    let field = Montgomery::new(modulus)?;
    let mut base_limbs = limbs(base);
    // A longer base is only longer by zeros if it is smaller; trailing zero limbs make the lengths equal.
    if base_limbs.iter().skip(field.n.len()).any(|limb| *limb != 0) {
        return None;
    }
    base_limbs.resize(field.n.len(), 0);
    if compare(&base_limbs, &field.n) != Ordering::Less || exponent == 0 {
        return None;
    }
    // Left-to-right square and multiply; the leading one bit is the starting value.
    let base = field.multiply(&base_limbs, &field.r_squared);
    let mut power = base.clone();
    for bit in (0..exponent.ilog2()).rev() {
        power = field.multiply(&power, &power);
        if exponent >> bit & 1 == 1 {
            power = field.multiply(&power, &base);
        }
    }
    let mut one = vec![0; field.n.len()];
    *one.first_mut()? = 1;
    let power = field.multiply(&power, &one);
    // The modulus has no leading zero octet, so only octets beyond its length are dropped, and those are zero.
    let octets: Vec<u8> = power.iter().flat_map(|limb| limb.to_le_bytes()).take(modulus.len()).collect();
    Some(octets.into_iter().rev().collect())
}

/// A modulus with what Montgomery's reduction needs. R is 2^(64 × limbs).
struct Montgomery {
    n: Vec<u64>,
    /// -1 / n mod 2^64.
    n_inverse: u64,
    /// R² mod n.
    r_squared: Vec<u64>,
}

impl Montgomery {
    fn new(modulus: &[u8]) -> Option<Self> {
        let n = limbs(modulus);
        let (first, last) = (*n.first()?, *n.last()?);
        if first & 1 == 0 || modulus.first() == Some(&0) || (n.len() == 1 && first == 1) {
            return None;
        }
        // Newton's iteration doubles the correct low bits each time: 1, 2, 4, ... 64.
        let mut inverse = 1u64;
        for _ in 0..6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(first.wrapping_mul(inverse)));
        }
        let mut field = Montgomery { n, n_inverse: inverse.wrapping_neg(), r_squared: Vec::new() };

        // Start at the modulus's top bit, which is below the modulus, and double up to R (at most 64 times),
        // then up to R × 2^limbs; six squarings then turn 2^limbs into 2^(64 × limbs) = R.
        let mut value = vec![0; field.n.len()];
        *value.last_mut()? = 1u64 << last.ilog2();
        let doublings = usize::try_from(64u32.saturating_sub(last.ilog2())).ok()?.saturating_add(field.n.len());
        for _ in 0..doublings {
            field.double(&mut value);
        }
        for _ in 0..6 {
            value = field.multiply(&value, &value);
        }
        field.r_squared = value;
        Some(field)
    }

    /// value × 2 mod n, for a value below n.
    fn double(&self, value: &mut [u64]) {
        let mut carry = 0;
        for limb in value.iter_mut() {
            (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
        }
        if carry != 0 || compare(value, &self.n) != Ordering::Less {
            subtract(value, &self.n);
        }
    }

    /// a × b / R mod n, for a and b below n.
    fn multiply(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let size = self.n.len();
        // Below 2n × R, so one limb beyond the double length holds every carry.
        let mut product = vec![0; size.saturating_mul(2).saturating_add(1)];
        for (shift, limb) in a.iter().enumerate() {
            add_product(product.get_mut(shift..).unwrap_or_default(), b, *limb);
        }
        for shift in 0..size {
            let window = product.get_mut(shift..).unwrap_or_default();
            let factor = window.first().copied().unwrap_or(0).wrapping_mul(self.n_inverse);
            add_product(window, &self.n, factor);
        }
        let mut result = product.split_off(size);
        let top = result.pop().unwrap_or(0);
        if top != 0 || compare(&result, &self.n) != Ordering::Less {
            subtract(&mut result, &self.n);
        }
        result
    }
}

/// sum += a × factor, with the carry running on into the limbs beyond a.
#[allow(clippy::arithmetic_side_effects)] // (2^64-1)² + 2 × (2^64-1) = 2^128-1: the widest step just fits
fn add_product(sum: &mut [u64], a: &[u64], factor: u64) {
    let mut carry = 0u128;
    let (low, high) = sum.split_at_mut_checked(a.len()).unwrap_or_default();
    for (limb, a) in low.iter_mut().zip(a) {
        let wide = u128::from(*a) * u128::from(factor) + u128::from(*limb) + carry;
        *limb = wide as u64;
        carry = wide >> 64;
    }
    for limb in high {
        if carry == 0 {
            break;
        }
        let wide = u128::from(*limb) + carry;
        *limb = wide as u64;
        carry = wide >> 64;
    }
}

/// a -= b modulo 2^(64 × limbs), for equal lengths.
fn subtract(a: &mut [u64], b: &[u64]) {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(*b);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        *a = difference;
        borrow = first || second;
    }
}

/// Numeric order of two numbers of equal length.
fn compare(a: &[u64], b: &[u64]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

/// Big-endian octets to little-endian limbs.
fn limbs(octets: &[u8]) -> Vec<u64> {
    let join = |chunk: &[u8]| chunk.iter().fold(0u64, |limb, octet| limb << 8 | u64::from(*octet));
    octets.rchunks(8).map(join).collect()
}
