//! RFC 3161 tokens.

use super::SignedData;
use crate::asn1::{Element, Error, Reader, Stamped, decode_gen_time, oids, tag};
use crate::crypto::AlgorithmId;

/// The fields of TSTInfo that a verifier needs.
///
/// ```text
/// TSTInfo ::= SEQUENCE { version, policy, messageImprint MessageImprint, serialNumber, genTime, ... }
/// MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
/// ```
/// Source: RFC 3161 section 2.4.2.
#[derive(Debug, Clone)]
pub struct TstInfo<'a> {
    /// Hash of the imprint.
    pub imprint_algorithm: AlgorithmId<'a>,
    /// The imprint.
    pub imprint: &'a [u8],
    /// Content octets of the token's serial number.
    pub serial: &'a [u8],
    /// When the authority says it signed; `None` where that is not written as RFC 3161 wants it.
    pub gen_time: Option<Stamped>,
}

impl<'a> TstInfo<'a> {
    /// Reads the octets of the token's content.
    ///
    /// # Errors
    /// When the structure cannot be delimited.
    pub fn parse(octets: &'a [u8]) -> Result<TstInfo<'a>, Error> {
        let mut fields = Reader::new(octets).expect(tag::SEQUENCE)?.children();
        fields.expect(tag::INTEGER)?;
        fields.expect(tag::OID)?;
        let mut imprint = fields.expect(tag::SEQUENCE)?.children();
        let imprint_algorithm = AlgorithmId::parse(imprint.expect(tag::SEQUENCE)?)?;
        let hashed = imprint.expect(tag::OCTET_STRING)?.content;
        let serial = fields.expect(tag::INTEGER)?.content;
        let gen_time = decode_gen_time(&fields.any()?);
        Ok(TstInfo { imprint_algorithm, imprint: hashed, serial, gen_time })
    }
}

/// The SignedData of a timestamp attribute value, and whether the signer stored the authority's whole
/// TimeStampResp (`SEQUENCE { status PKIStatusInfo, timeStampToken }`, RFC 3161 section 2.4.2) instead of the token.
///
/// # Errors
/// When neither can be delimited.
pub fn token<'a>(value: &Element<'a>) -> Result<(SignedData<'a>, bool), Error> {
    let mut fields = value.expect(tag::SEQUENCE)?.children();
    let first = fields.any()?;
    if first.tag == tag::SEQUENCE {
        let inner = fields.any()?;
        return Ok((SignedData::parse(inner.raw, inner.offset)?, true));
    }
    Ok((SignedData::parse(value.raw, value.offset)?, false))
}

/// Whether a content type is that of a timestamp token.
#[must_use]
pub fn is_tst_info(content_type: &[u8]) -> bool {
    content_type == oids::TST_INFO
}
