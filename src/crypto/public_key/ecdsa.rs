//! ECDSA on the NIST curves, with any hash (FIPS 186-5 section 6.4.2).

use aws_lc_rs::digest as lc_digest;
use aws_lc_rs::signature as lc;

use super::spki::Curve;
use super::{Deviation, Verification};

/// Verifies a DER `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3); its encoding
/// must be DER and r and s in range, as aws-lc demands. The point may be compressed.
pub(super) fn verify(curve: Curve, point: &[u8], digest: &[u8], signature: &[u8]) -> Verification {
    // aws-lc ties each curve to one list of hashes, but the mathematics only sees a number: the leftmost bits
    // of the digest, as many as the group order has. So the digest is cut to the order's octets and then
    // filled with zeros on the left, which changes no number, to the length of a hash that aws-lc pairs with
    // the curve. All three orders are so long that no cut inside an octet is needed: 256 and 384 bits are whole
    // octets, and 521 bits exceed every digest.
    let (parameters, algorithm, order_len): (&'static lc::EcdsaVerificationAlgorithm, _, usize) = match curve {
        Curve::P256 => (&lc::ECDSA_P256_SHA256_ASN1, &lc_digest::SHA256, 32),
        Curve::P384 => (&lc::ECDSA_P384_SHA384_ASN1, &lc_digest::SHA384, 48),
        Curve::P521 => (&lc::ECDSA_P521_SHA512_ASN1, &lc_digest::SHA512, 66),
        Curve::Other(name, _) => return Verification::Unsupported(name),
    };
    let cut = digest.get(..digest.len().min(order_len)).unwrap_or(digest);
    let Some(fill) = algorithm.output_len().checked_sub(cut.len()) else { return Verification::Bad };
    let number = [vec![0; fill].as_slice(), cut].concat();
    let Ok(number) = lc_digest::Digest::import_less_safe(&number, algorithm) else { return Verification::Bad };
    // aws-lc also reads a whole SubjectPublicKeyInfo here, explicit parameters included; only a point gets in.
    if !is_point(curve, point) {
        return Verification::Bad;
    }
    match lc::UnparsedPublicKey::new(parameters, point).verify_digest(&number, signature) {
        Ok(()) => Verification::Good(Deviation::NONE),
        Err(_) => Verification::Bad,
    }
}

/// Whether the octets have the form and length of a point (SEC 1 section 2.3.3): 04 x y, or 02/03 x.
fn is_point(curve: Curve, point: &[u8]) -> bool {
    let field_len = usize::try_from(curve.bits().div_ceil(8)).unwrap_or(usize::MAX);
    match point.split_first() {
        Some((4, xy)) => field_len.checked_mul(2) == Some(xy.len()),
        Some((2 | 3, x)) => x.len() == field_len,
        _ => false,
    }
}
