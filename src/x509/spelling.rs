//! Other octets that say the same certificate: what nobody signed, and what a signature allows.

use super::{Certificate, significant_octets};
use crate::asn1::{Reader, element, tag};

/// Orders of the curves P-256, P-384 and P-521. Source: SP 800-186 section 3.2.1.
const ORDERS: [&[u8]; 3] = [
    &[
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
        0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ],
    &[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
        0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
    ],
    &[
        0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86,
        0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8,
        0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
    ],
];

impl Certificate<'_> {
    /// The certificate as its issuer may have written it, where this one is spelled otherwise: length forms, the outer algorithm
    /// and the head of the signature value are signed by nobody, and of an ECDSA signature (r, s) everybody can make (r, n - s), n
    /// being the order of the issuer's curve. Whoever changes them gives the certificate another thumbprint. Empty where it
    /// stands as DER, with the algorithm of the TBSCertificate (RFC 5280 section 4.1.1.2), and is signed otherwise.
    #[must_use]
    pub fn respelled(&self) -> Vec<Vec<u8>> {
        let Some(algorithm) = self.inner_algorithm() else { return Vec::new() };
        let with = |value: &[u8]| {
            let signature = element(tag::BIT_STRING, &[&[0], value]);
            element(tag::SEQUENCE, &[self.tbs, algorithm, &signature])
        };
        let written = with(self.signature);
        let twins = twins(self.signature);
        (written != self.raw).then_some(written).into_iter().chain(twins.iter().map(|twin| with(twin))).collect()
    }

    /// The AlgorithmIdentifier inside the TBSCertificate.
    fn inner_algorithm(&self) -> Option<&[u8]> {
        let mut fields = Reader::new(self.tbs).expect(tag::SEQUENCE).ok()?.children();
        fields.optional(tag::context_constructed(0)).ok()?;
        fields.expect(tag::INTEGER).ok()?;
        Some(fields.expect(tag::SEQUENCE).ok()?.raw)
    }
}

/// The signatures with n - s for s, one for each curve that it may be of; none for what is no Ecdsa-Sig-Value.
fn twins(signature: &[u8]) -> Vec<Vec<u8>> {
    let numbers = || {
        let mut numbers = Reader::new(signature).expect(tag::SEQUENCE).ok()?.children();
        Some((numbers.expect(tag::INTEGER).ok()?, numbers.expect(tag::INTEGER).ok()?))
    };
    let Some((r, s)) = numbers() else { return Vec::new() };
    let other = ORDERS.into_iter().filter_map(|order| difference(order, significant_octets(s.content)));
    other.map(|s| element(tag::SEQUENCE, &[r.raw, &element(tag::INTEGER, &[&s])])).collect()
}

/// Octets of the INTEGER `order - number`; `None` where that is no number above zero.
fn difference(order: &[u8], number: &[u8]) -> Option<Vec<u8>> {
    let missing = order.len().checked_sub(number.len())?;
    let mut borrow = false;
    let mut out = Vec::with_capacity(order.len().saturating_add(1));
    let number = number.iter().rev().chain(std::iter::repeat_n(&0, missing));
    for (left, right) in order.iter().rev().zip(number) {
        let (without, first) = left.overflowing_sub(*right);
        let (digit, second) = without.overflowing_sub(u8::from(borrow));
        borrow = first || second;
        out.push(digit);
    }
    out.push(0); // a sign, if one is needed
    out.reverse();
    let kept = out.iter().position(|octet| *octet != 0).filter(|_| !borrow)?;
    let kept = if out.get(kept).is_some_and(|octet| *octet >= 0x80) { kept.saturating_sub(1) } else { kept };
    Some(out.split_off(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_an_integer_above_zero() {
        assert_eq!(difference(&[1, 0], &[1]), Some(vec![0, 0xff]));
        assert_eq!(difference(&[1, 0], &[0x81]), Some(vec![0x7f]));
        assert_eq!(difference(&[1, 0], &[1, 0]), None);
        assert_eq!(difference(&[1, 0], &[1, 1]), None);
        assert_eq!(difference(&[1, 0], &[0, 0, 1]), None);
        assert_eq!(difference(&[0xff, 3], &[]), Some(vec![0, 0xff, 3]));
    }

    #[test]
    fn a_twin_s_twin_is_the_signature() {
        let signature = element(tag::SEQUENCE, &[&element(2, &[&[5]]), &element(2, &[&[0, 0x80, 1]])]);
        let first = twins(&signature);
        let lengths: Vec<usize> = first.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2 + 3 + 2 + 33, 2 + 3 + 2 + 49, 2 + 3 + 2 + 66]);
        for (place, twin) in first.iter().enumerate() {
            assert!(twins(twin).contains(&signature), "{place}");
        }
        assert_eq!(twins(&[0x30, 3, 2, 1, 1]), Vec::<Vec<u8>>::new());
        assert_eq!(twins(b"no signature"), Vec::<Vec<u8>>::new());
    }
}
