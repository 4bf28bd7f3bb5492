//! SignerInfo: who signed, with what, over which attributes.

use std::borrow::Cow;

use cms::signed_data as strict;
use x509_cert::der::Decode;

use super::AttributeSet;
use crate::asn1::{Element, Error, ErrorKind, Reader, tag};
use crate::crypto::AlgorithmId;

/// How a SignerInfo names its certificate. Source: RFC 5652 section 5.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerId<'a> {
    /// Issuer Name element and content octets of the serial number.
    IssuerAndSerial {
        /// The issuer Name element.
        issuer: &'a [u8],
        /// Content octets of the serial number.
        serial: &'a [u8],
    },
    /// Octets of the subject key identifier.
    KeyIdentifier(&'a [u8]),
}

/// A view of a SignerInfo.
///
/// ```text
/// SignerInfo ::= SEQUENCE { version, sid SignerIdentifier, digestAlgorithm, signedAttrs [0] IMPLICIT OPTIONAL,
///   signatureAlgorithm, signature OCTET STRING, unsignedAttrs [1] IMPLICIT OPTIONAL }
/// ```
/// Source: RFC 5652 section 5.3. Versions 0, 1 and 3 occur in the wild and are all accepted.
#[derive(Debug, Clone)]
pub struct SignerInfo<'a> {
    /// The whole SignerInfo.
    pub raw: &'a [u8],
    /// Offset in the signature.
    pub offset: usize,
    /// Version as encoded.
    pub version: u32,
    /// The signer's certificate by name.
    pub sid: SignerId<'a>,
    /// Digest algorithm of the attributes (or of the content where there are none).
    pub digest_algorithm: AlgorithmId<'a>,
    /// Signed attributes.
    pub signed_attributes: Option<AttributeSet<'a>>,
    /// Signature algorithm.
    pub signature_algorithm: AlgorithmId<'a>,
    /// Signature octets (Microsoft: encryptedDigest).
    pub signature: Cow<'a, [u8]>,
    /// Unsigned attributes; `None` also when they cannot be delimited, see `unsigned_error`.
    pub unsigned_attributes: Option<AttributeSet<'a>>,
    /// Why the unsigned attributes, or what stands behind them, could not be read.
    pub unsigned_error: Option<Error>,
    /// Why a strict DER reading (the `cms` crate) refuses this SignerInfo although its facts can be read.
    pub der_objection: Option<String>,
}

impl<'a> SignerInfo<'a> {
    /// Reads a SignerInfo.
    ///
    /// # Errors
    /// When anything but the unsigned attributes cannot be delimited.
    pub fn parse(element: Element<'a>) -> Result<SignerInfo<'a>, Error> {
        let mut fields = element.expect(tag::SEQUENCE)?.children();
        let version = fields.expect(tag::INTEGER)?.small_unsigned()?;
        let sid = signer_id(fields.any()?)?;
        let digest_algorithm = AlgorithmId::parse(fields.expect(tag::SEQUENCE)?)?;
        let signed_attributes = match fields.optional(tag::context_constructed(0))? {
            Some(set) => Some(AttributeSet::parse(set)?),
            None => None,
        };
        let signature_algorithm = AlgorithmId::parse(fields.expect(tag::SEQUENCE)?)?;
        let signature = fields.any()?.octet_string()?;
        let (unsigned_attributes, unsigned_error) = unsigned(&mut fields);
        Ok(SignerInfo {
            raw: element.raw,
            offset: element.offset,
            version,
            sid,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
            unsigned_attributes,
            unsigned_error,
            der_objection: strict::SignerInfo::from_der(element.raw).err().map(|error| error.to_string()),
        })
    }

    /// Why a decoder of the whole structure refuses it although what was signed can be read. Attributes beyond those that
    /// are read are no fault of the signature.
    #[must_use]
    pub fn unsound(&self) -> Option<Error> {
        self.unsigned_error.filter(|error| error.kind != ErrorKind::TooMany)
    }
}

/// Unsigned attributes are covered by no signature: damage there is a fact beside the signature and hides nothing of it.
fn unsigned<'a>(fields: &mut Reader<'a>) -> (Option<AttributeSet<'a>>, Option<Error>) {
    match fields.next() {
        Ok(None) => (None, None),
        Ok(Some(set)) if set.tag == tag::context_constructed(1) => match AttributeSet::parse(set) {
            Ok(attributes) => (Some(attributes), fields.end().err()),
            Err(error) => (None, Some(error)),
        },
        Ok(Some(other)) => {
            let kind = ErrorKind::UnexpectedTag { expected: tag::context_constructed(1), found: other.tag };
            (None, Some(other.error(kind)))
        }
        Err(error) => (None, Some(error)),
    }
}

fn signer_id<'a>(element: Element<'a>) -> Result<SignerId<'a>, Error> {
    if element.tag == tag::context(0) {
        return Ok(SignerId::KeyIdentifier(element.content));
    }
    if element.tag == tag::context_constructed(0) {
        return Ok(SignerId::KeyIdentifier(element.children().expect(tag::OCTET_STRING)?.content));
    }
    let mut parts = element.expect(tag::SEQUENCE)?.children();
    let issuer = parts.expect(tag::SEQUENCE)?.raw;
    let serial = parts.expect(tag::INTEGER)?.content;
    parts.end()?;
    Ok(SignerId::IssuerAndSerial { issuer, serial })
}
