//! Public-key verification: does this key confirm this signature over this message or digest.

mod ecdsa;
mod modpow;
mod rsa;
mod spki;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::asn1::oid_to_string;

use super::algorithm::{AlgorithmId, Padding, Plan};
use super::digest::DigestAlgorithm;
use super::hasher::digest;
pub use rsa::MAX_MODULUS_BITS as MAX_RSA_BITS;
use spki::{Curve, PublicKey};

/// The answer to one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// The key confirms the signature; how it departs from the usual form, if it does.
    Good(Deviation),
    /// The key does not confirm the signature, or the key, the parameters or the signature are malformed.
    Bad,
    /// This cannot be computed here, though Windows may be able to: DSA, other curves, RSA above 16384 bits.
    /// The text names what is missing.
    Unsupported(&'static str),
    /// Windows itself refuses this on principle: MD4, explicit elliptic curve parameters (CVE-2020-0601). The
    /// text names what is refused.
    Refused(&'static str),
}

impl Verification {
    /// Whether the key confirms the signature, in whatever form.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Verification::Good(_))
    }

    /// Adds to the deviations of a good signature.
    fn with(self, more: Deviation) -> Self {
        match self {
            Verification::Good(deviation) => Verification::Good(deviation.with(more)),
            other => other,
        }
    }
}

/// In what way a good signature departs from the usual form: a set, empty for nearly all signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deviation(u8);

impl Deviation {
    /// The usual form.
    pub const NONE: Self = Deviation(0);
    /// The DigestInfo of a PKCS #1 v1.5 signature has no NULL parameters (RFC 8017 appendix B.1 allows it to
    /// verifiers and forbids it to signers).
    pub const MISSING_NULL: Self = Deviation(1);
    /// The signature algorithm names another hash than SignerInfo.digestAlgorithm, which was used.
    pub const HASH_NOT_AS_DECLARED: Self = Deviation(2);
    /// A digest identifier stands where a signature algorithm belongs; the key decided how to verify.
    pub const BARE_DIGEST_OID: Self = Deviation(4);

    /// Each deviation with a sentence for people.
    const NOTES: [(Self, &'static str); 3] = [
        (Self::MISSING_NULL, "the signature's DigestInfo lacks the NULL parameters"),
        (Self::HASH_NOT_AS_DECLARED, "the signature algorithm names another hash than the digest algorithm"),
        (Self::BARE_DIGEST_OID, "a digest algorithm stands in place of the signature algorithm"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Deviation(self.0 | other.0)
    }

    /// Whether every deviation in `other` is in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the form is the usual one.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// A sentence for each deviation in the set.
    pub fn notes(self) -> impl Iterator<Item = &'static str> {
        Self::NOTES.iter().filter(move |row| self.contains(row.0)).map(|row| row.1)
    }
}

/// Verifies a CMS or X.509 signature over `message`.
///
/// * `spki`: the SubjectPublicKeyInfo as it stands in the certificate.
/// * `algorithm`: the signatureAlgorithm as it stands beside the signature.
/// * `digest_hint`: SignerInfo.digestAlgorithm, which decides, whether `algorithm` names no hash (rsaEncryption,
///   id-ecPublicKey; RFC 5754 section 3.2) or another one. `None` for certificates, whose algorithm must name the hash.
/// * `signature`: the octets of the OCTET STRING or BIT STRING.
///
/// Never fails otherwise than by its answer, whatever the bytes.
#[must_use]
pub fn verify_signature(
    spki: &[u8],
    algorithm: &AlgorithmId<'_>,
    digest_hint: Option<DigestAlgorithm>,
    message: &[u8],
    signature: &[u8],
) -> Verification {
    let plan = match Plan::new(algorithm, digest_hint) {
        Ok(plan) => plan,
        Err(verdict) => return refused_key(spki).unwrap_or(verdict),
    };
    match digest(plan.hash, message) {
        Some(value) => verify_planned(spki, &plan, value.as_bytes(), signature),
        None => Verification::Unsupported(plan.hash.name()),
    }
}

/// Like [`verify_signature`], with the digest of the message already computed by `digest_algorithm`.
///
/// Where `algorithm` names a hash of its own, that one counts; ask [`super::hash_for_signature`] first and
/// compute that digest. A digest by another algorithm, or of another length, is `Bad`.
#[must_use]
pub fn verify_digest(
    spki: &[u8],
    algorithm: &AlgorithmId<'_>,
    digest_algorithm: DigestAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Verification {
    let plan = match Plan::new(algorithm, Some(digest_algorithm)) {
        Ok(plan) => plan,
        Err(verdict) => return refused_key(spki).unwrap_or(verdict),
    };
    let other = plan.hash != digest_algorithm || plan.deviation.contains(Deviation::HASH_NOT_AS_DECLARED);
    if other || digest.len() != digest_algorithm.output_len() {
        return refused_key(spki).unwrap_or(Verification::Bad);
    }
    verify_planned(spki, &plan, digest, signature)
}

/// A key that Windows refuses stays refused whatever is said about the signature.
fn refused_key(spki: &[u8]) -> Option<Verification> {
    match PublicKey::parse(spki) {
        Some(PublicKey::ExplicitEc { .. }) => Some(EXPLICIT_CURVE),
        _ => None,
    }
}

const EXPLICIT_CURVE: Verification = Verification::Refused("explicit elliptic curve parameters");

fn verify_planned(spki: &[u8], plan: &Plan, digest: &[u8], signature: &[u8]) -> Verification {
    let Some(key) = PublicKey::parse(spki) else { return Verification::Bad };
    let verdict = match (key, plan.padding) {
        (PublicKey::ExplicitEc { .. }, _) => EXPLICIT_CURVE,
        (PublicKey::Dsa { .. }, _) => Verification::Unsupported("DSA"),
        (PublicKey::Other { reason, .. }, _) => Verification::Unsupported(reason),
        (PublicKey::Rsa(key), Padding::Pkcs1 | Padding::ByKey) => rsa::verify_pkcs1(&key, plan.hash, digest, signature),
        (PublicKey::Rsa(key), Padding::Pss(parameters)) => rsa::verify_pss(&key, &parameters, digest, signature),
        (PublicKey::Ec { curve, point }, Padding::Ecdsa | Padding::ByKey) => {
            ecdsa::verify(curve, point, digest, signature)
        }
        // A signature algorithm for another kind of key.
        (PublicKey::Rsa(_), Padding::Ecdsa) | (PublicKey::Ec { .. }, Padding::Pkcs1 | Padding::Pss(_)) => {
            Verification::Bad
        }
    };
    verdict.with(plan.deviation)
}

/// Verifies the form that old Symantec, Thawte and VeriSign timestamp counter-signatures have: PKCS #1 v1.5
/// padding around the bare MD5 or SHA-1 digest, without a DigestInfo. False for any other digest length.
///
/// Use it for counter-signatures only, after [`verify_signature`] said `Bad`, and report it.
#[must_use]
pub fn verify_raw_hash_rsa(spki: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    let lengths = [DigestAlgorithm::Md5.output_len(), DigestAlgorithm::Sha1.output_len()];
    match PublicKey::parse(spki) {
        Some(PublicKey::Rsa(key)) if lengths.contains(&digest.len()) => rsa::verify_raw_hash(&key, digest, signature),
        _ => false,
    }
}

/// MinRsaPubKeyBitLength of Windows (KB2661254): RSA keys below it are too short to prove anything.
pub const MIN_RSA_BITS: u32 = 1023;

/// Whether an RSA key is so short that others than its owner can sign with it.
#[must_use]
pub fn is_short_rsa(spki: &[u8]) -> bool {
    matches!(PublicKey::parse(spki), Some(PublicKey::Rsa(key)) if key.bits() < MIN_RSA_BITS)
}

/// What one verification under this key costs, in quarters of one with RSA-2048 and the exponent 65537: multiplication grows
/// with the square of the length, and an exponent demands one for each of its bits and another for each that is set. Elliptic
/// curves as measured, with compressed points; what is not computed at all costs little more than being read.
#[must_use]
pub fn effort(spki: &[u8]) -> u64 {
    match PublicKey::parse(spki) {
        Some(PublicKey::Rsa(key)) if key.bits() <= MAX_RSA_BITS => {
            let kilobits = u64::from(key.bits()).div_ceil(1024).max(1);
            kilobits.saturating_mul(kilobits).saturating_mul(key.multiplications().div_ceil(17).max(1))
        }
        Some(PublicKey::Ec { curve: Curve::P256, .. }) => 12,
        Some(PublicKey::Ec { curve: Curve::P384, .. }) => 50,
        Some(PublicKey::Ec { curve: Curve::P521, .. }) => 100,
        _ => 8,
    }
}

/// What a public key is, for reports and for rules about key sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// `rsa`, `ec`, `dsa`, or the dotted object identifier of another algorithm.
    pub kind: Cow<'static, str>,
    /// Bits of the RSA modulus, of the curve's field or of DSA's p; 0 when not known.
    pub bits: u32,
    /// The curve's name, when it is named and known.
    pub curve: Option<&'static str>,
    /// The curve is given by numbers instead of a name (CVE-2020-0601).
    pub explicit_curve: bool,
}

/// Describes a SubjectPublicKeyInfo; `None` when it is malformed.
#[must_use]
pub fn key_info(spki: &[u8]) -> Option<KeyInfo> {
    let info = |kind, bits, curve| KeyInfo { kind: Cow::Borrowed(kind), bits, curve, explicit_curve: false };
    Some(match PublicKey::parse(spki)? {
        PublicKey::Rsa(key) => info("rsa", key.bits(), None),
        PublicKey::Ec { curve, .. } => info("ec", curve.bits(), Some(curve.name())),
        PublicKey::ExplicitEc { bits } => KeyInfo { explicit_curve: true, ..info("ec", bits, None) },
        PublicKey::Dsa { bits } => info("dsa", bits, None),
        PublicKey::Other { oid: super::oids::EC_PUBLIC_KEY, .. } => info("ec", 0, None),
        PublicKey::Other { oid: super::oids::RSASSA_PSS, .. } => info("rsa", 0, None),
        PublicKey::Other { oid, .. } => KeyInfo { kind: Cow::Owned(oid_to_string(oid)), ..info("", 0, None) },
    })
}
