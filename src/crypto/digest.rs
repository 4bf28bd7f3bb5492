//! Digest algorithms and digest values.

use std::fmt;

use super::algorithm::{Scheme, signature_scheme};
use super::oids;

/// The digest algorithms that Authenticode signatures and the certificates of their chains have used.
///
/// The order is by age and then by length; it is the order in which several digests are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// MD2 (RFC 1319): self-signatures of roots from the 1990s.
    Md2,
    /// MD4 (RFC 1320): named so that it can be reported; there is no implementation and Windows refuses it.
    Md4,
    /// MD5 (RFC 1321).
    Md5,
    /// SHA-1 (FIPS 180-4).
    Sha1,
    /// SHA-224 (FIPS 180-4).
    Sha224,
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
}

/// Every algorithm with its name, output length in octets and object identifier.
const ALGORITHMS: [(DigestAlgorithm, &str, usize, &[u8]); 8] = [
    (DigestAlgorithm::Md2, "md2", 16, oids::MD2),
    (DigestAlgorithm::Md4, "md4", 16, oids::MD4),
    (DigestAlgorithm::Md5, "md5", 16, oids::MD5),
    (DigestAlgorithm::Sha1, "sha1", 20, oids::SHA1),
    (DigestAlgorithm::Sha224, "sha224", 28, oids::SHA224),
    (DigestAlgorithm::Sha256, "sha256", 32, oids::SHA256),
    (DigestAlgorithm::Sha384, "sha384", 48, oids::SHA384),
    (DigestAlgorithm::Sha512, "sha512", 64, oids::SHA512),
];

impl DigestAlgorithm {
    /// Every one, in their order.
    pub const ALL: [DigestAlgorithm; 8] = [
        DigestAlgorithm::Md2,
        DigestAlgorithm::Md4,
        DigestAlgorithm::Md5,
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha224,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ];

    fn row(self) -> (&'static str, usize, &'static [u8]) {
        // Every variant has its row (tested), so the default is never seen.
        let row = ALGORITHMS.iter().find(|row| row.0 == self);
        row.map_or(("", 0, &[]), |row| (row.1, row.2, row.3))
    }

    /// Lower-case name without a hyphen: `md5`, `sha1`, `sha256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Length of a digest in octets.
    #[must_use]
    pub fn output_len(self) -> usize {
        self.row().1
    }

    /// The content octets of the hash function's own object identifier.
    #[must_use]
    pub fn oid(self) -> &'static [u8] {
        self.row().2
    }

    /// The algorithm that an object identifier (content octets) names where a digest algorithm belongs.
    ///
    /// Some signers put a signature identifier there, for example sha1WithRSAEncryption; the hash that it names
    /// is what they meant. [`DigestAlgorithm::is_signature_oid`] tells the two apart.
    #[must_use]
    pub fn from_oid(oid: &[u8]) -> Option<Self> {
        Self::from_hash_oid(oid).or_else(|| match signature_scheme(oid)? {
            (Scheme::RsaPkcs1 | Scheme::Ecdsa, hash) => hash,
            _ => None,
        })
    }

    /// True when the identifier names a digest only as part of a signature algorithm, which is an anomaly in a
    /// digestAlgorithm field (RFC 5652 section 10.1.1).
    #[must_use]
    pub fn is_signature_oid(oid: &[u8]) -> bool {
        Self::from_hash_oid(oid).is_none() && Self::from_oid(oid).is_some()
    }

    /// Like [`DigestAlgorithm::from_oid`] for identifiers of hash functions alone.
    #[must_use]
    pub fn from_hash_oid(oid: &[u8]) -> Option<Self> {
        ALGORITHMS.iter().find(|row| row.3 == oid).map(|row| row.0)
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A digest: up to 64 octets, held inline. Values of different lengths are never equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestValue {
    /// The unused tail is zero, so that derived equality holds.
    octets: [u8; 64],
    len: u8,
}

impl DigestValue {
    /// Copies up to 64 octets; `None` for more.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut octets = [0; 64];
        octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(DigestValue { octets, len: u8::try_from(bytes.len()).ok()? })
    }

    /// What one of the algorithms gave; none has more than 64 octets.
    pub(super) fn of(digest: &[u8]) -> Self {
        Self::from_slice(digest).unwrap_or(DigestValue { octets: [0; 64], len: 0 })
    }

    /// The digest's octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hex::lower(self.as_bytes()))
    }
}

impl fmt::LowerHex for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestValue({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_has_its_row() {
        for (algorithm, row) in DigestAlgorithm::ALL.into_iter().zip(ALGORITHMS) {
            assert_eq!(algorithm, row.0);
            assert_eq!(DigestAlgorithm::from_oid(algorithm.oid()), Some(algorithm));
            assert!(!DigestAlgorithm::is_signature_oid(algorithm.oid()));
        }
        assert!(DigestAlgorithm::ALL.is_sorted());
    }

    #[test]
    fn signature_identifiers_stand_for_their_hash_and_are_told_apart() {
        for (oid, algorithm) in [
            (oids::SHA1_WITH_RSA, DigestAlgorithm::Sha1),
            (oids::OIW_SHA1_WITH_RSA, DigestAlgorithm::Sha1),
            (oids::OIW_MD5_WITH_RSA, DigestAlgorithm::Md5),
            (oids::SHA256_WITH_RSA, DigestAlgorithm::Sha256),
            (oids::ECDSA_WITH_SHA384, DigestAlgorithm::Sha384),
        ] {
            assert_eq!(DigestAlgorithm::from_oid(oid), Some(algorithm));
            assert!(DigestAlgorithm::is_signature_oid(oid));
        }
        for oid in [oids::RSA_ENCRYPTION, oids::RSASSA_PSS, oids::EC_PUBLIC_KEY, oids::P256, &[], &[0x2a]] {
            assert_eq!(DigestAlgorithm::from_oid(oid), None);
            assert!(!DigestAlgorithm::is_signature_oid(oid));
        }
    }

    #[test]
    fn values_of_different_length_are_different() {
        let short = DigestValue::from_slice(&[0; 20]).unwrap();
        let long = DigestValue::from_slice(&[0; 32]).unwrap();
        assert_ne!(short, long);
        assert_eq!(DigestValue::from_slice(&[0xab; 64]).unwrap().to_string(), "ab".repeat(64));
        assert!(DigestValue::from_slice(&[0; 65]).is_none());
    }
}
