//! Digest algorithms, digest values, and hashing one stream with several algorithms at once.

use std::fmt;

use md5::Digest as _;

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

    /// The digest's octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for DigestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// Starts a digest; `None` for MD4, which has no implementation.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Option<Self> {
        Some(Hasher(match algorithm {
            DigestAlgorithm::Md2 => State::Md2(md2::Md2::new()),
            DigestAlgorithm::Md4 => return None,
            DigestAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            DigestAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            DigestAlgorithm::Sha224 => State::Sha224(sha2::Sha224::new()),
            DigestAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        }))
    }

    /// Continues with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Md2(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha224(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of everything given so far.
    #[must_use]
    pub fn finish(self) -> DigestValue {
        let value = match self.0 {
            State::Md2(state) => DigestValue::from_slice(&state.finalize()),
            State::Md5(state) => DigestValue::from_slice(&state.finalize()),
            State::Sha1(state) => DigestValue::from_slice(&state.finalize()),
            State::Sha224(state) => DigestValue::from_slice(&state.finalize()),
            State::Sha256(state) => DigestValue::from_slice(&state.finalize()),
            State::Sha384(state) => DigestValue::from_slice(&state.finalize()),
            State::Sha512(state) => DigestValue::from_slice(&state.finalize()),
        };
        // No algorithm here has more than 64 octets, so the empty value is never seen.
        value.unwrap_or(DigestValue { octets: [0; 64], len: 0 })
    }
}

/// How much every algorithm takes in turn: small enough to stay in the first-level cache between them.
const BLOCK: usize = 16 * 1024;

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
        for block in bytes.chunks(BLOCK) {
            for (_, hasher) in &mut self.0 {
                hasher.update(block);
            }
        }
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

    const ALL: [DigestAlgorithm; 8] = [
        DigestAlgorithm::Md2,
        DigestAlgorithm::Md4,
        DigestAlgorithm::Md5,
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha224,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha384,
        DigestAlgorithm::Sha512,
    ];

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
    fn every_algorithm_has_its_row() {
        for (algorithm, row) in ALL.into_iter().zip(ALGORITHMS) {
            assert_eq!(algorithm, row.0);
            assert_eq!(DigestAlgorithm::from_oid(algorithm.oid()), Some(algorithm));
            assert!(!DigestAlgorithm::is_signature_oid(algorithm.oid()));
        }
        assert!(ALL.is_sorted());
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
