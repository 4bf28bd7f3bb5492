//! RSA signatures: PKCS #1 v1.5 and PSS (RFC 8017 section 8).
//!
//! aws-lc goes first where it offers the combination, because it is several times faster. Where it does not, or
//! says no, the signature is opened with [`mod_exp`] and compared as a whole with the encodings that would be
//! right. Nothing inside an opened signature is ever parsed: that is how trailing garbage after a short
//! DigestInfo forges signatures for keys with exponent 3 (Bleichenbacher 2006).

use aws_lc_rs::digest as lc_digest;
use aws_lc_rs::signature as lc;

use crate::asn1::{Reader, tag};

use super::super::algorithm::PssParameters;
use super::super::digest::DigestAlgorithm;
use super::super::hasher::Hasher;
use super::modpow::mod_exp;
use super::spki::{bit_length, unsigned};
use super::{Deviation, Verification};

/// The largest modulus that is computed with, as in Windows (CNG `BCRYPT_RSA_ALGORITHM`: 512 to 16384 bits).
pub const MAX_MODULUS_BITS: u32 = 16384;

/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 appendix A.1.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct RsaKey<'a> {
    /// The structure as it stands.
    encoded: &'a [u8],
    /// Without leading zeros.
    modulus: &'a [u8],
    /// Without leading zeros.
    exponent: &'a [u8],
    allowed: RsaUse,
}

/// What an RSA key's own identifier allows it to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RsaUse {
    /// rsaEncryption: everything.
    Any,
    /// id-RSASSA-PSS without parameters: every RSASSA-PSS signature.
    Pss,
    /// id-RSASSA-PSS with parameters: RSASSA-PSS with these hashes and at least this salt.
    PssWith(PssParameters),
}

impl<'a> RsaKey<'a> {
    /// `None` when the structure is malformed or a number is negative.
    pub(super) fn parse(encoded: &'a [u8], allowed: RsaUse) -> Option<Self> {
        let mut outer = Reader::new(encoded);
        let mut fields = outer.expect(tag::SEQUENCE).ok()?.children();
        let modulus = unsigned(fields.expect(tag::INTEGER).ok()?)?;
        let exponent = unsigned(fields.expect(tag::INTEGER).ok()?)?;
        (outer.is_empty() && fields.is_empty()).then_some(RsaKey { encoded, modulus, exponent, allowed })
    }

    /// Bits of the modulus.
    pub(super) fn bits(&self) -> u32 {
        bit_length(self.modulus).unwrap_or(u32::MAX)
    }

    /// Multiplications that raising to the exponent takes; none where the exponent is too long to be computed with.
    pub(super) fn multiplications(&self) -> u64 {
        if self.exponent.len() > 8 {
            return 0;
        }
        let ones: u32 = self.exponent.iter().map(|octet| octet.count_ones()).sum();
        u64::from(bit_length(self.exponent).unwrap_or(0).saturating_add(ones).saturating_sub(2))
    }

    /// The exponent, when this key's numbers are ones that can be computed with.
    fn usable_exponent(&self) -> Result<u64, Verification> {
        if self.bits() > MAX_MODULUS_BITS {
            return Err(Verification::Unsupported("RSA modulus above 16384 bits"));
        }
        if self.exponent.len() > 8 {
            return Err(Verification::Unsupported("RSA exponent above 64 bits"));
        }
        let exponent = self.exponent.iter().fold(0u64, |value, octet| value << 8 | u64::from(*octet));
        // RFC 8017 section 3.1: n is odd, e is odd and at least 3. With e = 1 anybody can sign.
        let odd_modulus = self.modulus.last().is_some_and(|octet| octet & 1 == 1);
        if !odd_modulus || exponent & 1 == 0 || exponent < 3 {
            return Err(Verification::Bad);
        }
        Ok(exponent)
    }

    /// RSAVP1 with its checks (RFC 8017 sections 5.2.2 and 8.2.2 step 1): the encoded message, as long as the
    /// modulus.
    pub(super) fn open(&self, signature: &[u8]) -> Result<Vec<u8>, Verification> {
        let exponent = self.usable_exponent()?;
        if signature.len() != self.modulus.len() {
            return Err(Verification::Bad);
        }
        mod_exp(signature, exponent, self.modulus).ok_or(Verification::Bad)
    }
}

/// RSASSA-PKCS1-V1_5-VERIFY (RFC 8017 section 8.2.2).
pub(super) fn verify_pkcs1(key: &RsaKey<'_>, hash: DigestAlgorithm, digest: &[u8], signature: &[u8]) -> Verification {
    if key.allowed != RsaUse::Any || digest.len() != hash.output_len() {
        return Verification::Bad;
    }
    // The numbers are judged first, so that both paths accept the same keys.
    if let Err(verdict) = key.usable_exponent() {
        return verdict;
    }
    if signature.len() == key.modulus.len() && verify_fast(key, hash, digest, signature) {
        return Verification::Good(Deviation::NONE);
    }
    verify_pkcs1_opened(key, hash, digest, signature)
}

/// The part of [`verify_pkcs1`] that does without aws-lc: one exponentiation, compared with both encodings.
pub(super) fn verify_pkcs1_opened(
    key: &RsaKey<'_>,
    hash: DigestAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Verification {
    let opened = match key.open(signature) {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let encoding = |with_null| encode_pkcs1(opened.len(), &digest_info(hash, digest, with_null));
    if encoding(true).as_ref() == Some(&opened) {
        Verification::Good(Deviation::NONE)
    } else if encoding(false).as_ref() == Some(&opened) {
        Verification::Good(Deviation::MISSING_NULL)
    } else {
        Verification::Bad
    }
}

/// Whether the opened signature is the bare digest in PKCS #1 v1.5 padding.
pub(super) fn verify_raw_hash(key: &RsaKey<'_>, digest: &[u8], signature: &[u8]) -> bool {
    if key.allowed != RsaUse::Any {
        return false;
    }
    key.open(signature).is_ok_and(|opened| encode_pkcs1(opened.len(), digest).as_ref() == Some(&opened))
}

/// Asks aws-lc, where it offers this hash; false also means "not offered".
fn verify_fast(key: &RsaKey<'_>, hash: DigestAlgorithm, digest: &[u8], signature: &[u8]) -> bool {
    let (parameters, algorithm): (&'static lc::RsaParameters, _) = match hash {
        DigestAlgorithm::Sha1 => {
            (&lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &lc_digest::SHA1_FOR_LEGACY_USE_ONLY)
        }
        DigestAlgorithm::Sha256 => (&lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &lc_digest::SHA256),
        DigestAlgorithm::Sha384 => (&lc::RSA_PKCS1_2048_8192_SHA384, &lc_digest::SHA384),
        DigestAlgorithm::Sha512 => (&lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, &lc_digest::SHA512),
        _ => return false,
    };
    if !(parameters.min_modulus_len()..=parameters.max_modulus_len()).contains(&key.bits()) {
        return false;
    }
    let Ok(digest) = lc_digest::Digest::import_less_safe(digest, algorithm) else { return false };
    lc::UnparsedPublicKey::new(parameters, key.encoded).verify_digest(&digest, signature).is_ok()
}

/// DigestInfo ::= SEQUENCE { digestAlgorithm AlgorithmIdentifier, digest OCTET STRING } in DER (RFC 8017 section
/// 9.2 note 1). The parameters are NULL; some signers leave them out, which RFC 8017 appendix B.1 asks
/// verifiers to accept.
pub(super) fn digest_info(hash: DigestAlgorithm, digest: &[u8], with_null: bool) -> Vec<u8> {
    let null: &[u8] = if with_null { &[tag::NULL, 0] } else { &[] };
    let algorithm = sequence(&[&element(tag::OID, hash.oid()), null]);
    sequence(&[&algorithm, &element(tag::OCTET_STRING, digest)])
}

/// One DER element whose content is below 128 octets, as everything in a DigestInfo is.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    [&[tag, length], content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, &parts.concat())
}

/// EM = 00 01 FF...FF 00 T (RFC 8017 section 9.2), `length` octets; `None` when there is no room for at least
/// eight octets of padding.
fn encode_pkcs1(length: usize, t: &[u8]) -> Option<Vec<u8>> {
    let padding = length.checked_sub(t.len())?.checked_sub(3).filter(|padding| *padding >= 8)?;
    Some([&[0, 1], vec![0xff; padding].as_slice(), &[0], t].concat())
}

/// RSASSA-PSS-VERIFY (RFC 8017 section 8.1.2).
pub(super) fn verify_pss(
    key: &RsaKey<'_>,
    parameters: &PssParameters,
    digest: &[u8],
    signature: &[u8],
) -> Verification {
    if let RsaUse::PssWith(bound) = key.allowed
        && !parameters.allowed_by(&bound)
    {
        return Verification::Bad;
    }
    let opened = match key.open(signature) {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    match pss_holds(&opened, key.bits(), parameters, digest) {
        Some(true) => Verification::Good(Deviation::NONE),
        _ => Verification::Bad,
    }
}

/// EMSA-PSS-VERIFY (RFC 8017 section 9.1.2) over an opened signature; `None` is "inconsistent" found by a length.
fn pss_holds(opened: &[u8], modulus_bits: u32, parameters: &PssParameters, digest: &[u8]) -> Option<bool> {
    let hash_len = parameters.hash.output_len();
    if digest.len() != hash_len {
        return None;
    }
    // emBits is one less than the modulus: if that is a whole number of octets less, the first octet is zero.
    let em_bits = usize::try_from(modulus_bits).ok()?.checked_sub(1)?;
    let em_len = em_bits.div_ceil(8);
    let (surplus, em) = opened.split_at_checked(opened.len().checked_sub(em_len)?)?;
    if surplus.iter().any(|octet| *octet != 0) {
        return Some(false);
    }
    // Steps 3 to 5: EM = maskedDB || H || 0xbc.
    let (em, trailer) = em.split_at_checked(em_len.checked_sub(1)?)?;
    let db_len = em.len().checked_sub(hash_len)?;
    let padding_len = db_len.checked_sub(parameters.salt_len)?.checked_sub(1)?;
    let (masked_db, h) = em.split_at_checked(db_len)?;
    // Step 6: the bits above emBits are zero in maskedDB; step 9: and cleared in DB.
    let unused_bits = u32::try_from(em_len.checked_mul(8)?.checked_sub(em_bits)?).ok()?;
    let top_mask = 0xffu8.checked_shr(unused_bits)?;
    if trailer != [0xbc] || masked_db.first()? & !top_mask != 0 {
        return Some(false);
    }
    // Steps 7 to 10: unmask, then expect zeros, a one, and the salt.
    let mask = mgf1(parameters.mgf1_hash, h, db_len)?;
    let mut db: Vec<u8> = masked_db.iter().zip(mask).map(|(masked, mask)| masked ^ mask).collect();
    *db.first_mut()? &= top_mask;
    let (padding, rest) = db.split_at_checked(padding_len)?;
    let (one, salt) = rest.split_first()?;
    if padding.iter().any(|octet| *octet != 0) || *one != 1 {
        return Some(false);
    }
    // Steps 12 to 14: H is the hash of eight zero octets, the message's digest and the salt.
    let mut hasher = Hasher::new(parameters.hash)?;
    [&[0; 8], digest, salt].into_iter().for_each(|part| hasher.update(part));
    Some(hasher.finish().as_bytes() == h)
}

/// MGF1 (RFC 8017 appendix B.2.1).
fn mgf1(hash: DigestAlgorithm, seed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut mask = Vec::with_capacity(length.saturating_add(64));
    for counter in 0u32.. {
        if mask.len() >= length {
            break;
        }
        let mut hasher = Hasher::new(hash)?;
        hasher.update(seed);
        hasher.update(&counter.to_be_bytes());
        mask.extend_from_slice(hasher.finish().as_bytes());
    }
    mask.truncate(length);
    Some(mask)
}
