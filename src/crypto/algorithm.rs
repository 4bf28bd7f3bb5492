//! AlgorithmIdentifier: which mathematics a signature algorithm asks for, over which hash.

use crate::asn1::{Element, Error, Reader, tag};

use super::digest::DigestAlgorithm;
use super::oids;
use super::public_key::{Deviation, Verification};

/// ```asn1
/// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY DEFINED BY algorithm OPTIONAL }
/// ```
/// Source: RFC 5280 section 4.1.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmId<'a> {
    /// Content octets of the object identifier.
    pub oid: &'a [u8],
    /// The parameters as they stand, NULL included.
    pub parameters: Option<Element<'a>>,
}

impl<'a> AlgorithmId<'a> {
    /// Reads the SEQUENCE. Fails when the element is another type, when the object identifier is missing or
    /// when something follows the parameters.
    pub fn parse(element: Element<'a>) -> Result<Self, Error> {
        let mut fields = element.expect(tag::SEQUENCE)?.children();
        let oid = fields.oid()?;
        let parameters = fields.next()?;
        fields.end()?;
        Ok(AlgorithmId { oid, parameters })
    }

    /// The parameters, unless they are absent or NULL.
    fn meaningful_parameters(&self) -> Option<Element<'a>> {
        self.parameters.filter(|element| element.tag != tag::NULL)
    }
}

/// The mathematics that a signature algorithm asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1,
    /// RSASSA-PSS (RFC 8017 section 8.1); the parameters name the hash.
    RsaPss,
    /// ECDSA (FIPS 186-5 section 6).
    Ecdsa,
    /// ECDSA whose parameters name the hash.
    EcdsaSpecified,
    /// A bare digest identifier where a signature algorithm belongs: the key decides.
    ByKey,
    /// Recognised, named, and not verified here.
    Unverified(&'static str),
}

/// Signature identifiers with their scheme and the hash that they name.
#[rustfmt::skip]
const SCHEMES: [(&[u8], Scheme, Option<DigestAlgorithm>); 31] = [
    (oids::RSA_ENCRYPTION, Scheme::RsaPkcs1, None),
    (oids::X500_RSA, Scheme::RsaPkcs1, None),
    (oids::MD2_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Md2)),
    (oids::MD4_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Md4)),
    (oids::MD5_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Md5)),
    (oids::SHA1_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Sha1)),
    (oids::SHA224_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Sha224)),
    (oids::SHA256_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Sha256)),
    (oids::SHA384_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Sha384)),
    (oids::SHA512_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Sha512)),
    (oids::OIW_MD4_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Md4)),
    (oids::OIW_MD4_WITH_RSA_ENCRYPTION, Scheme::RsaPkcs1, Some(DigestAlgorithm::Md4)),
    (oids::OIW_MD5_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Md5)),
    (oids::OIW_SHA1_WITH_RSA, Scheme::RsaPkcs1, Some(DigestAlgorithm::Sha1)),
    (oids::RSASSA_PSS, Scheme::RsaPss, None),
    (oids::EC_PUBLIC_KEY, Scheme::Ecdsa, None),
    (oids::ECDSA_WITH_SHA1, Scheme::Ecdsa, Some(DigestAlgorithm::Sha1)),
    (oids::ECDSA_WITH_SHA224, Scheme::Ecdsa, Some(DigestAlgorithm::Sha224)),
    (oids::ECDSA_WITH_SHA256, Scheme::Ecdsa, Some(DigestAlgorithm::Sha256)),
    (oids::ECDSA_WITH_SHA384, Scheme::Ecdsa, Some(DigestAlgorithm::Sha384)),
    (oids::ECDSA_WITH_SHA512, Scheme::Ecdsa, Some(DigestAlgorithm::Sha512)),
    (oids::ECDSA_WITH_SPECIFIED, Scheme::EcdsaSpecified, None),
    (oids::DSA, Scheme::Unverified("DSA"), None),
    (oids::DSA_WITH_SHA1, Scheme::Unverified("DSA"), Some(DigestAlgorithm::Sha1)),
    (oids::OIW_DSA, Scheme::Unverified("DSA"), None),
    (oids::OIW_DSA_WITH_SHA, Scheme::Unverified("DSA"), None),
    (oids::OIW_DSA_WITH_SHA1, Scheme::Unverified("DSA"), Some(DigestAlgorithm::Sha1)),
    (oids::ED25519, Scheme::Unverified("Ed25519"), None),
    (oids::ED448, Scheme::Unverified("Ed448"), None),
    (oids::SM2_WITH_SM3, Scheme::Unverified("SM2"), None),
    (oids::SM2, Scheme::Unverified("SM2"), None),
];

/// The scheme of a signature identifier (content octets) and the hash that the identifier itself names.
/// `None` for an identifier that is not known at all.
#[must_use]
pub fn signature_scheme(oid: &[u8]) -> Option<(Scheme, Option<DigestAlgorithm>)> {
    if let Some(row) = SCHEMES.iter().find(|row| row.0 == oid) {
        return Some((row.1, row.2));
    }
    if let Some(hash) = DigestAlgorithm::from_hash_oid(oid) {
        return Some((Scheme::ByKey, Some(hash)));
    }
    nist_signature(oid).map(|name| (Scheme::Unverified(name), None))
}

/// Names below the NIST arc (Computer Security Objects Register, sigAlgs), for signatures and keys alike.
pub(super) fn nist_signature(oid: &[u8]) -> Option<&'static str> {
    match oid.strip_prefix(oids::NIST_SIGNATURES)? {
        [1..=8] => Some("DSA"),
        [9..=12] => Some("ECDSA with SHA-3"),
        [13..=16] => Some("RSA with SHA-3"),
        [17] => Some("ML-DSA-44"),
        [18] => Some("ML-DSA-65"),
        [19] => Some("ML-DSA-87"),
        [20..=31] => Some("SLH-DSA"),
        _ => None,
    }
}

/// The hash over which this signature is made, so that a caller can compute it in advance for
/// [`super::verify_digest`]. `digest_hint` is SignerInfo.digestAlgorithm, which counts where it is given. `None` when the
/// signature cannot be verified anyway, or when neither the identifier nor the hint names a hash.
#[must_use]
pub fn hash_for_signature(
    algorithm: &AlgorithmId<'_>,
    digest_hint: Option<DigestAlgorithm>,
) -> Option<DigestAlgorithm> {
    Plan::new(algorithm, digest_hint).ok().map(|plan| plan.hash)
}

/// A signature algorithm as people write it: `RSA-SHA256`, `ECDSA-SHA384`, `RSA-PSS`; dotted decimal where it is
/// not known.
#[must_use]
pub fn signature_name(oid: &[u8]) -> String {
    let Some((scheme, hash)) = signature_scheme(oid) else { return crate::asn1::oid_to_string(oid) };
    let family = match scheme {
        Scheme::RsaPkcs1 => "RSA",
        Scheme::RsaPss => "RSA-PSS",
        Scheme::Ecdsa | Scheme::EcdsaSpecified => "ECDSA",
        Scheme::ByKey => "key's own",
        Scheme::Unverified(name) => name,
    };
    match hash {
        Some(hash) => format!("{family}-{}", hash.name().to_uppercase()),
        None => family.to_owned(),
    }
}

/// RSASSA-PSS-params (RFC 8017 appendix A.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PssParameters {
    /// hashAlgorithm: the hash of the message.
    pub hash: DigestAlgorithm,
    /// The hash inside MGF1.
    pub mgf1_hash: DigestAlgorithm,
    /// saltLength in octets.
    pub salt_len: usize,
}

impl PssParameters {
    /// What an empty SEQUENCE stands for.
    const DEFAULT: Self = PssParameters { hash: DigestAlgorithm::Sha1, mgf1_hash: DigestAlgorithm::Sha1, salt_len: 20 };

    /// Reads the parameters; absent parameters are all defaults.
    ///
    /// ```asn1
    /// RSASSA-PSS-params ::= SEQUENCE {
    ///     hashAlgorithm    [0] HashAlgorithm    DEFAULT sha1,
    ///     maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1,
    ///     saltLength       [2] INTEGER          DEFAULT 20,
    ///     trailerField     [3] TrailerField     DEFAULT trailerFieldBC }
    /// ```
    ///
    /// The error is the verdict on the signature: `Bad` for malformed parameters, `Unsupported` for a hash or a
    /// mask generation function that is not implemented.
    pub fn parse(algorithm: &AlgorithmId<'_>) -> Result<Self, Verification> {
        let mut result = Self::DEFAULT;
        let Some(parameters) = algorithm.parameters else { return Ok(result) };
        let mut fields = parameters.expect(tag::SEQUENCE).map_err(malformed)?.children();
        if let Some(field) = fields.optional(tag::context_constructed(0)).map_err(malformed)? {
            result.hash = hash_algorithm(explicit(field)?)?;
        }
        if let Some(field) = fields.optional(tag::context_constructed(1)).map_err(malformed)? {
            let generator = AlgorithmId::parse(explicit(field)?).map_err(malformed)?;
            if generator.oid != oids::MGF1 {
                return Err(Verification::Unsupported("RSASSA-PSS mask generation function other than MGF1"));
            }
            result.mgf1_hash = hash_algorithm(generator.parameters.ok_or(Verification::Bad)?)?;
        }
        if let Some(field) = fields.optional(tag::context_constructed(2)).map_err(malformed)? {
            result.salt_len = usize::try_from(explicit_number(field)?).map_err(|_| Verification::Bad)?;
        }
        if let Some(field) = fields.optional(tag::context_constructed(3)).map_err(malformed)? {
            // Only trailerFieldBC (1) exists.
            if explicit_number(field)? != 1 {
                return Err(Verification::Bad);
            }
        }
        if fields.is_empty() { Ok(result) } else { Err(Verification::Bad) }
    }

    /// Whether a signature with these parameters may be made with a key that is bound to `key` (RFC 4055
    /// section 3.3): same hashes, and a salt that is not shorter.
    #[must_use]
    pub fn allowed_by(&self, key: &PssParameters) -> bool {
        self.hash == key.hash && self.mgf1_hash == key.mgf1_hash && self.salt_len >= key.salt_len
    }
}

fn malformed(_: Error) -> Verification {
    Verification::Bad
}

/// The one element inside an explicit tag.
fn explicit(field: Element<'_>) -> Result<Element<'_>, Verification> {
    let mut inside = field.children();
    let element = inside.any().map_err(malformed)?;
    if inside.is_empty() { Ok(element) } else { Err(Verification::Bad) }
}

fn explicit_number(field: Element<'_>) -> Result<u32, Verification> {
    let number = explicit(field)?.expect(tag::INTEGER).map_err(malformed)?;
    number.small_unsigned().map_err(malformed)
}

/// A hash function's AlgorithmIdentifier, with parameters absent or NULL (RFC 4055 section 2.1).
fn hash_algorithm(element: Element<'_>) -> Result<DigestAlgorithm, Verification> {
    let algorithm = AlgorithmId::parse(element).map_err(malformed)?;
    if algorithm.meaningful_parameters().is_some() {
        return Err(Verification::Bad);
    }
    DigestAlgorithm::from_hash_oid(algorithm.oid).ok_or(Verification::Unsupported("hash function not known"))
}

/// How a key's mathematics is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// RSASSA-PKCS1-v1_5, RSA keys only.
    Pkcs1,
    /// RSASSA-PSS, RSA keys only.
    Pss(PssParameters),
    /// ECDSA, elliptic curve keys only.
    Ecdsa,
    /// PKCS #1 for an RSA key, ECDSA for an elliptic curve key.
    ByKey,
}

/// Everything that the AlgorithmIdentifier decides before a key is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) padding: Padding,
    /// Hash of the message.
    pub(super) hash: DigestAlgorithm,
    /// What is already known to be unusual.
    pub(super) deviation: Deviation,
}

impl Plan {
    /// A SignerInfo's signature is made over the digest by its digestAlgorithm (RFC 5652 sections 5.4 and 5.6), whatever its
    /// signature identifier names beside. Where parameters of the mathematics itself say the hash, both have to agree (RFC
    /// 4056 section 3). The error is the verdict on the signature.
    pub(super) fn new(algorithm: &AlgorithmId<'_>, hint: Option<DigestAlgorithm>) -> Result<Self, Verification> {
        let unknown = Verification::Unsupported("signature algorithm not known");
        let (scheme, named) = signature_scheme(algorithm.oid).ok_or(unknown)?;
        let (padding, named) = match scheme {
            Scheme::RsaPkcs1 => (Padding::Pkcs1, named),
            Scheme::Ecdsa => (Padding::Ecdsa, named),
            Scheme::ByKey => (Padding::ByKey, named),
            Scheme::RsaPss => {
                let parameters = PssParameters::parse(algorithm)?;
                (Padding::Pss(parameters), Some(parameters.hash))
            }
            Scheme::EcdsaSpecified => {
                let parameters = algorithm.parameters.ok_or(Verification::Bad)?;
                (Padding::Ecdsa, Some(hash_algorithm(parameters)?))
            }
            Scheme::Unverified(name) => return Err(Verification::Unsupported(name)),
        };
        let differs = named.is_some() && hint.is_some() && named != hint;
        if differs && matches!(scheme, Scheme::RsaPss | Scheme::EcdsaSpecified) {
            return Err(Verification::Bad);
        }
        let mut deviation = Deviation::NONE;
        if scheme == Scheme::ByKey {
            deviation = deviation.with(Deviation::BARE_DIGEST_OID);
        }
        if differs {
            deviation = deviation.with(Deviation::HASH_NOT_AS_DECLARED);
        }
        let hash = hint.or(named).ok_or(Verification::Unsupported("signature without a hash algorithm"))?;
        let inside = if let Padding::Pss(parameters) = padding { Some(parameters.mgf1_hash) } else { None };
        if [Some(hash), named, inside].contains(&Some(DigestAlgorithm::Md4)) {
            return Err(Verification::Refused("MD4"));
        }
        Ok(Plan { padding, hash, deviation })
    }
}

/// Reads an AlgorithmIdentifier that stands alone, for tests and callers that carved it.
impl<'a> TryFrom<&'a [u8]> for AlgorithmId<'a> {
    type Error = Error;

    fn try_from(bytes: &'a [u8]) -> Result<Self, Error> {
        AlgorithmId::parse(Reader::new(bytes).any()?)
    }
}
