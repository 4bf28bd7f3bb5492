//! SubjectPublicKeyInfo: which key it is, with the parts that verification needs.
//!
//! ```asn1
//! SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }
//! ```
//! Source: RFC 5280 section 4.1.2.7; RSA RFC 8017 appendix A.1.1; elliptic curves RFC 5480 section 2.

use crate::asn1::{Element, Reader, tag};

use super::super::algorithm::{AlgorithmId, PssParameters, nist_signature};
use super::super::oids;
use super::Verification;
use super::rsa::{RsaKey, RsaUse};

/// A public key as far as it could be understood.
#[derive(Debug, Clone, Copy)]
pub(super) enum PublicKey<'a> {
    Rsa(RsaKey<'a>),
    /// A named curve and the octets of the point (SEC 1 section 2.3.3).
    Ec {
        curve: Curve,
        point: &'a [u8],
    },
    /// A curve given by its numbers instead of its name. Whoever chooses the generator owns a private key for
    /// any public key, so Windows refuses these (CVE-2020-0601). The size of the field is kept, in bits.
    ExplicitEc {
        bits: u32,
    },
    /// DSA with the size of p in bits, 0 when the parameters are inherited.
    Dsa {
        bits: u32,
    },
    /// Another algorithm.
    Other {
        oid: &'a [u8],
        /// Why it is not verified.
        reason: &'static str,
    },
}

/// A named curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
    /// Known by name and size in bits, not verified.
    Other(&'static str, u32),
}

/// Curves by object identifier.
const CURVES: [(&[u8], Curve); 11] = [
    (oids::P256, Curve::P256),
    (oids::P384, Curve::P384),
    (oids::P521, Curve::P521),
    (oids::P192, Curve::Other("P-192", 192)),
    (oids::P224, Curve::Other("P-224", 224)),
    (oids::SECP256K1, Curve::Other("secp256k1", 256)),
    (oids::BRAINPOOL_P256R1, Curve::Other("brainpoolP256r1", 256)),
    (oids::BRAINPOOL_P320R1, Curve::Other("brainpoolP320r1", 320)),
    (oids::BRAINPOOL_P384R1, Curve::Other("brainpoolP384r1", 384)),
    (oids::BRAINPOOL_P512R1, Curve::Other("brainpoolP512r1", 512)),
    (oids::SM2, Curve::Other("SM2", 256)),
];

impl Curve {
    /// The name that NIST or the curve's own specification uses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
            Curve::Other(name, _) => name,
        }
    }

    /// Size of the field in bits.
    pub(super) fn bits(self) -> u32 {
        match self {
            Curve::P256 => 256,
            Curve::P384 => 384,
            Curve::P521 => 521,
            Curve::Other(_, bits) => bits,
        }
    }
}

impl<'a> PublicKey<'a> {
    /// Takes a SubjectPublicKeyInfo apart; `None` when it is malformed. Lengths may be BER, because old
    /// certificates have them; nothing may follow where the grammar ends.
    pub(super) fn parse(spki: &'a [u8]) -> Option<Self> {
        let mut outer = Reader::new(spki);
        let mut fields = outer.expect(tag::SEQUENCE).ok()?.children();
        let algorithm = AlgorithmId::parse(fields.any().ok()?).ok()?;
        let key = fields.expect(tag::BIT_STRING).ok()?.bit_string().ok()?;
        if !outer.is_empty() || !fields.is_empty() {
            return None;
        }
        match algorithm.oid {
            oids::RSA_ENCRYPTION | oids::X500_RSA => RsaKey::parse(key, RsaUse::Any).map(PublicKey::Rsa),
            oids::RSASSA_PSS => Self::pss_key(key, &algorithm),
            oids::EC_PUBLIC_KEY => Self::ec_key(key, &algorithm),
            oids::DSA | oids::OIW_DSA => Some(PublicKey::Dsa { bits: dsa_bits(&algorithm) }),
            oid => {
                let reason = match oid {
                    oids::ED25519 => "Ed25519",
                    oids::ED448 => "Ed448",
                    _ => nist_signature(oid).unwrap_or("public key algorithm not known"),
                };
                Some(PublicKey::Other { oid, reason })
            }
        }
    }

    /// A key that is bound to RSASSA-PSS; with parameters also to a hash and a salt length (RFC 4055 section 1.2).
    fn pss_key(key: &'a [u8], algorithm: &AlgorithmId<'a>) -> Option<Self> {
        let allowed = match algorithm.parameters {
            None => RsaUse::Pss,
            Some(_) => match PssParameters::parse(algorithm) {
                Ok(parameters) => RsaUse::PssWith(parameters),
                Err(Verification::Unsupported(reason)) => {
                    return Some(PublicKey::Other { oid: algorithm.oid, reason });
                }
                Err(_) => return None,
            },
        };
        RsaKey::parse(key, allowed).map(PublicKey::Rsa)
    }

    /// ```asn1
    /// ECParameters ::= CHOICE { namedCurve OBJECT IDENTIFIER, implicitCurve NULL, specifiedCurve SEQUENCE }
    /// ```
    fn ec_key(point: &'a [u8], algorithm: &AlgorithmId<'a>) -> Option<Self> {
        let other = |reason| Some(PublicKey::Other { oid: algorithm.oid, reason });
        match algorithm.parameters {
            Some(Element { tag: tag::OID, content, .. }) => match CURVES.iter().find(|row| row.0 == content) {
                Some(row) => Some(PublicKey::Ec { curve: row.1, point }),
                None => other("elliptic curve not known"),
            },
            Some(parameters) if parameters.tag == tag::SEQUENCE => {
                Some(PublicKey::ExplicitEc { bits: explicit_field_bits(parameters).unwrap_or(0) })
            }
            Some(Element { tag: tag::NULL, .. }) | None => other("elliptic curve not named"),
            Some(_) => None,
        }
    }
}

/// The bits of the prime in SpecifiedECDomain (SEC 1 appendix C.2):
///
/// ```asn1
/// SpecifiedECDomain ::= SEQUENCE { version INTEGER, fieldID SEQUENCE { fieldType OBJECT IDENTIFIER,
///     parameters ANY }, ... }
/// ```
fn explicit_field_bits(parameters: Element<'_>) -> Option<u32> {
    let mut fields = parameters.children();
    fields.expect(tag::INTEGER).ok()?;
    let mut field = fields.expect(tag::SEQUENCE).ok()?.children();
    field.expect(tag::OID).ok()?;
    bit_length(unsigned(field.expect(tag::INTEGER).ok()?)?)
}

/// The bits of p in Dss-Parms ::= SEQUENCE { p INTEGER, q INTEGER, g INTEGER } (RFC 3279 section 2.3.2).
fn dsa_bits(algorithm: &AlgorithmId<'_>) -> u32 {
    let p = algorithm.parameters.and_then(|element| element.children().expect(tag::INTEGER).ok());
    p.and_then(unsigned).and_then(bit_length).unwrap_or(0)
}

/// The octets of a non-negative INTEGER without leading zeros; empty for zero, `None` for a negative one.
pub(super) fn unsigned(integer: Element<'_>) -> Option<&[u8]> {
    if *integer.content.first()? & 0x80 != 0 {
        return None;
    }
    let zeros = integer.content.iter().take_while(|octet| **octet == 0).count();
    integer.content.get(zeros..)
}

/// Bits of a number without leading zero octets; `None` beyond 2^32 bits.
pub(super) fn bit_length(octets: &[u8]) -> Option<u32> {
    let Some((first, rest)) = octets.split_first() else { return Some(0) };
    let top = 8u32.saturating_sub(first.leading_zeros());
    u32::try_from(rest.len()).ok()?.checked_mul(8)?.checked_add(top)
}
