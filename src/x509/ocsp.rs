//! OCSP: views over responses, and the octets of requests.
//!
//! Reading judges nothing: whether a response is signed by somebody who may sign it, and whether it is current, is said
//! elsewhere. Writing is a pure function: whoever asks a responder brings the nonce and compares it afterwards.

use super::certificate::{Extension, integer_octets};
use super::crl::{NextUpdate, RevocationReason, extensions};
use crate::asn1::{Element, Error, ErrorKind, Reader, Time, decode_time, element, oids, tag};
use crate::crypto::{AlgorithmId, DigestAlgorithm, DigestValue, digest};

/// Answers beyond this many in one response are not looked at; honest responders give one, or one for each CA of a chain.
pub const MAX_ANSWERS: usize = 1024;

/// Certificates beyond this many in one response are not looked at; honest ones bring one, or a short chain.
pub const MAX_RESPONDER_CERTIFICATES: usize = 16;

/// ENUMERATED.
const ENUMERATED: u8 = 0x0a;

/// OCSPResponseStatus. Source: RFC 6960 section 4.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseStatus(pub u32);

impl ResponseStatus {
    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "successful",
            1 => "malformedRequest",
            2 => "internalError",
            3 => "tryLater",
            5 => "sigRequired",
            6 => "unauthorized",
            _ => "unknown",
        }
    }
}

/// A view of what a responder sent.
///
/// ```text
/// OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT SEQUENCE {
///   responseType OBJECT IDENTIFIER, response OCTET STRING } OPTIONAL }
/// ```
/// Source: RFC 6960 section 4.2.1.
#[derive(Debug, Clone)]
pub struct OcspResponse<'a> {
    /// The whole response as it stands.
    pub raw: &'a [u8],
    /// Whether the responder answered at all.
    pub status: ResponseStatus,
    /// The answer; `None` where there is none, or one of another type than id-pkix-ocsp-basic.
    pub basic: Option<BasicResponse<'a>>,
}

/// The signed part of a response.
///
/// ```text
/// BasicOCSPResponse ::= SEQUENCE { tbsResponseData ResponseData, signatureAlgorithm AlgorithmIdentifier,
///   signature BIT STRING, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
/// ResponseData ::= SEQUENCE { version [0] EXPLICIT DEFAULT v1, responderID, producedAt GeneralizedTime,
///   responses SEQUENCE OF SingleResponse, responseExtensions [1] EXPLICIT Extensions OPTIONAL }
/// ```
/// Source: RFC 6960 section 4.2.1.
#[derive(Debug, Clone)]
pub struct BasicResponse<'a> {
    /// The ResponseData element, which is what the responder signed.
    pub tbs: &'a [u8],
    /// Who says that it signed.
    pub responder: ResponderId<'a>,
    /// When it signed; `None` when the text is no moment.
    pub produced_at: Option<Time>,
    /// The answers, one a certificate.
    pub answers: Vec<SingleResponse<'a>>,
    /// Extensions of the whole response.
    pub extensions: Vec<Extension<'a>>,
    /// The signature algorithm.
    pub signature_algorithm: AlgorithmId<'a>,
    /// The signature's octets.
    pub signature: &'a [u8],
    /// The certificates that the responder sent along, undecoded.
    pub certificates: Vec<&'a [u8]>,
}

/// `ResponderID ::= CHOICE { byName [1] Name, byKey [2] OCTET STRING }`, the latter the SHA-1 of the key's octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponderId<'a> {
    /// The Name element.
    Name(&'a [u8]),
    /// SHA-1 of the public key's octets.
    Key(&'a [u8]),
}

/// The answer about one certificate.
///
/// ```text
/// SingleResponse ::= SEQUENCE { certID CertID, certStatus CHOICE { good [0] NULL, revoked [1] RevokedInfo,
///   unknown [2] NULL }, thisUpdate GeneralizedTime, nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL,
///   singleExtensions [1] EXPLICIT Extensions OPTIONAL }
/// ```
#[derive(Debug, Clone)]
pub struct SingleResponse<'a> {
    /// Which certificate.
    pub id: CertId<'a>,
    /// What is said of it.
    pub status: CertStatus,
    /// When this was known to be so; `None` when the text is no moment.
    pub this_update: Option<Time>,
    /// When more will be known.
    pub next_update: NextUpdate,
    /// Extensions of this answer.
    pub extensions: Vec<Extension<'a>>,
}

/// CertStatus, whose RevokedInfo is `SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT CRLReason
/// OPTIONAL }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// Since when; `None` when it is no moment.
        date: Option<Time>,
        /// Why.
        reason: Option<RevocationReason>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// ```text
/// CertID ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING, issuerKeyHash OCTET STRING,
///   serialNumber INTEGER }
/// ```
/// Source: RFC 6960 section 4.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertId<'a> {
    /// The hash; `None` when it is not known.
    pub algorithm: Option<DigestAlgorithm>,
    /// Hash of the issuer's Name element, as it stands in the certificate.
    pub issuer_name_hash: &'a [u8],
    /// Hash of the issuer's public key octets.
    pub issuer_key_hash: &'a [u8],
    /// Content octets of the serial number.
    pub serial: &'a [u8],
}

impl<'a> OcspResponse<'a> {
    /// Reads a response that fills `raw`; bytes after it are ignored.
    ///
    /// # Errors
    /// When the structure cannot be delimited.
    pub fn parse(raw: &'a [u8]) -> Result<OcspResponse<'a>, Error> {
        let outer = Reader::new(raw).expect(tag::SEQUENCE)?;
        let mut fields = outer.children();
        let status = ResponseStatus(fields.expect(ENUMERATED)?.small_unsigned()?);
        let mut response = OcspResponse { raw: outer.raw, status, basic: None };
        let Some(wrapper) = fields.optional(tag::context_constructed(0))? else {
            return match fields.next()? {
                None => Ok(response),
                Some(junk) => Err(junk.error(ErrorKind::BadValue)),
            };
        };
        let mut parts = wrapper.children().expect(tag::SEQUENCE)?.children();
        let kind = parts.expect(tag::OID)?.content;
        let octets = parts.expect(tag::OCTET_STRING)?;
        if kind == oids::OCSP_BASIC_RESPONSE {
            response.basic = Some(BasicResponse::parse(octets.children().expect(tag::SEQUENCE)?)?);
        }
        Ok(response)
    }
}

impl<'a> BasicResponse<'a> {
    fn parse(element: Element<'a>) -> Result<BasicResponse<'a>, Error> {
        let mut parts = element.children();
        let tbs = parts.expect(tag::SEQUENCE)?;
        let signature_algorithm = AlgorithmId::parse(parts.expect(tag::SEQUENCE)?)?;
        // As in certificates: unused bits make it no signature, which is for whoever verifies it to say.
        let signature = parts.expect(tag::BIT_STRING)?.bit_string().unwrap_or(&[]);
        let mut certificates = Vec::new();
        if let Some(wrapper) = parts.optional(tag::context_constructed(0))? {
            let mut items = wrapper.children().expect(tag::SEQUENCE)?.children();
            while let Some(item) = items.next()?.filter(|_| certificates.len() < MAX_RESPONDER_CERTIFICATES) {
                certificates.push(item.raw);
            }
        }
        let mut fields = tbs.children();
        fields.optional(tag::context_constructed(0))?;
        let responder = responder_id(fields.any()?)?;
        let produced_at = decode_time(&fields.expect(tag::GENERALIZED_TIME)?);
        let mut answers = Vec::new();
        let mut items = fields.expect(tag::SEQUENCE)?.children();
        while let Some(item) = items.next()?.filter(|_| answers.len() < MAX_ANSWERS) {
            answers.push(SingleResponse::parse(item.expect(tag::SEQUENCE)?)?);
        }
        let extensions = explicit_extensions(&mut fields)?;
        Ok(BasicResponse {
            tbs: tbs.raw,
            responder,
            produced_at,
            answers,
            extensions,
            signature_algorithm,
            signature,
            certificates,
        })
    }

    /// The nonce, to be compared with the one in the request. Source: RFC 9654 section 2.1. An old responder's, whose
    /// octets are not wrapped in an OCTET STRING, is given as it stands.
    #[must_use]
    pub fn nonce(&self) -> Option<&'a [u8]> {
        let value = self.extensions.iter().find(|extension| extension.oid == oids::OCSP_NONCE)?.value;
        let inner = Reader::new(value).expect(tag::OCTET_STRING).ok();
        Some(inner.filter(|inner| inner.raw.len() == value.len()).map_or(value, |inner| inner.content))
    }
}

fn responder_id(element: Element<'_>) -> Result<ResponderId<'_>, Error> {
    const BY_NAME: u8 = tag::context_constructed(1);
    const BY_KEY: u8 = tag::context_constructed(2);
    match element.tag {
        BY_NAME => Ok(ResponderId::Name(element.children().expect(tag::SEQUENCE)?.raw)),
        BY_KEY => Ok(ResponderId::Key(element.children().expect(tag::OCTET_STRING)?.content)),
        found => Err(element.error(ErrorKind::UnexpectedTag { expected: BY_NAME, found })),
    }
}

/// `[1] EXPLICIT Extensions OPTIONAL`.
fn explicit_extensions<'a>(fields: &mut Reader<'a>) -> Result<Vec<Extension<'a>>, Error> {
    match fields.optional(tag::context_constructed(1))? {
        Some(wrapper) => extensions(wrapper.children().expect(tag::SEQUENCE)?),
        None => Ok(Vec::new()),
    }
}

impl<'a> SingleResponse<'a> {
    fn parse(element: Element<'a>) -> Result<SingleResponse<'a>, Error> {
        let mut fields = element.children();
        let id = CertId::parse(fields.expect(tag::SEQUENCE)?)?;
        let status = cert_status(fields.any()?)?;
        let this_update = decode_time(&fields.expect(tag::GENERALIZED_TIME)?);
        let next_update = match fields.optional(tag::context_constructed(0))? {
            Some(wrapper) => decode_time(&wrapper.children().any()?).map_or(NextUpdate::Unreadable, NextUpdate::At),
            None => NextUpdate::Absent,
        };
        let extensions = explicit_extensions(&mut fields)?;
        Ok(SingleResponse { id, status, this_update, next_update, extensions })
    }
}

fn cert_status(element: Element<'_>) -> Result<CertStatus, Error> {
    const GOOD: u8 = tag::context(0);
    const REVOKED: u8 = tag::context_constructed(1);
    const UNKNOWN: u8 = tag::context(2);
    match element.tag {
        GOOD if element.content.is_empty() => Ok(CertStatus::Good),
        UNKNOWN => Ok(CertStatus::Unknown),
        REVOKED => {
            let mut fields = element.children();
            let date = decode_time(&fields.any()?);
            let code = match fields.optional(tag::context_constructed(0))? {
                Some(wrapper) => wrapper.children().expect(ENUMERATED)?.content.first().copied(),
                None => None,
            };
            Ok(CertStatus::Revoked { date, reason: code.map(RevocationReason) })
        }
        _ => Err(element.error(ErrorKind::BadValue)),
    }
}

impl<'a> CertId<'a> {
    fn parse(element: Element<'a>) -> Result<CertId<'a>, Error> {
        let mut fields = element.children();
        let algorithm = AlgorithmId::parse(fields.expect(tag::SEQUENCE)?)?;
        let issuer_name_hash = fields.expect(tag::OCTET_STRING)?.content;
        let issuer_key_hash = fields.expect(tag::OCTET_STRING)?.content;
        let serial = fields.expect(tag::INTEGER)?.content;
        let algorithm = DigestAlgorithm::from_hash_oid(algorithm.oid);
        Ok(CertId { algorithm, issuer_name_hash, issuer_key_hash, serial })
    }
}

/// Compares CertIDs with one certificate, and computes each hash once however many there are.
#[derive(Debug)]
pub struct Matcher<'m> {
    names: &'m [&'m [u8]],
    key: Option<&'m [u8]>,
    serial: &'m [u8],
    /// By algorithm, the hash of the key and those of the names.
    known: Vec<(DigestAlgorithm, Option<DigestValue>, Vec<DigestValue>)>,
}

/// What a CertID has to do with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It names it.
    Certificate,
    /// Key and serial number fit, the issuer's name does not.
    OtherName,
    /// It names another.
    Nothing,
}

impl<'m> Matcher<'m> {
    /// For the certificate of this serial number that an issuer of this key issued; `names` are the issuer's Name elements,
    /// as they stand in the certificate and in the issuer's own.
    #[must_use]
    pub fn new(names: &'m [&'m [u8]], spki: &'m [u8], serial: &'m [u8]) -> Matcher<'m> {
        Matcher { names, key: key_octets(spki), serial: integer_octets(serial), known: Vec::new() }
    }

    /// What this CertID has to do with the certificate.
    pub fn compare(&mut self, id: &CertId<'_>) -> Match {
        let Some(algorithm) = id.algorithm.filter(|_| integer_octets(id.serial) == self.serial) else {
            return Match::Nothing;
        };
        if !self.known.iter().any(|known| known.0 == algorithm) {
            let hash = |bytes| digest(algorithm, bytes);
            self.known.push((
                algorithm,
                self.key.and_then(hash),
                self.names.iter().filter_map(|name| hash(name)).collect(),
            ));
        }
        let known = self.known.iter().find(|known| known.0 == algorithm);
        let key_fits = known.and_then(|known| known.1).is_some_and(|hash| hash.as_bytes() == id.issuer_key_hash);
        let name_fits = known.is_some_and(|known| known.2.iter().any(|hash| hash.as_bytes() == id.issuer_name_hash));
        match (key_fits, name_fits) {
            (true, true) => Match::Certificate,
            (true, false) => Match::OtherName,
            (false, _) => Match::Nothing,
        }
    }
}

/// The octets that issuerKeyHash and byKey are hashes of: subjectPublicKey without tag, length and count of unused bits.
/// `None` when the SubjectPublicKeyInfo is malformed.
#[must_use]
pub fn key_octets(spki: &[u8]) -> Option<&[u8]> {
    let mut fields = Reader::new(spki).expect(tag::SEQUENCE).ok()?.children();
    fields.expect(tag::SEQUENCE).ok()?;
    fields.expect(tag::BIT_STRING).ok()?.bit_string().ok()
}

/// The DER of a CertID for [`request`]: `issuer` is the certificate's own issuer Name element, `spki` its issuer's
/// SubjectPublicKeyInfo, `serial` the content octets of its serial number. Responders know SHA-1 (RFC 5019 section 2.1.1
/// demands it) and, more and more, SHA-256. `None` when the key is malformed or the hash is not known.
#[must_use]
pub fn cert_id(algorithm: DigestAlgorithm, issuer: &[u8], spki: &[u8], serial: &[u8]) -> Option<Vec<u8>> {
    let name_hash = digest(algorithm, issuer)?;
    let key_hash = digest(algorithm, key_octets(spki)?)?;
    let identifier = element(tag::SEQUENCE, &[&element(tag::OID, &[algorithm.oid()]), &element(tag::NULL, &[])]);
    let hash = |value: DigestValue| element(tag::OCTET_STRING, &[value.as_bytes()]);
    Some(element(tag::SEQUENCE, &[&identifier, &hash(name_hash), &hash(key_hash), &element(tag::INTEGER, &[serial])]))
}

/// The DER of an unsigned OCSPRequest for certificates given by [`cert_id`], with a nonce if there is one (1 to 128
/// octets, RFC 9654 section 2.1).
///
/// ```text
/// OCSPRequest ::= SEQUENCE { tbsRequest SEQUENCE { version [0] DEFAULT v1, requestorName [1] OPTIONAL,
///   requestList SEQUENCE OF SEQUENCE { reqCert CertID, singleRequestExtensions [0] OPTIONAL },
///   requestExtensions [2] EXPLICIT Extensions OPTIONAL }, optionalSignature [0] OPTIONAL }
/// ```
/// Source: RFC 6960 section 4.1.1.
#[must_use]
pub fn request(certificates: &[Vec<u8>], nonce: Option<&[u8]>) -> Vec<u8> {
    let list: Vec<u8> = certificates.iter().flat_map(|id| element(tag::SEQUENCE, &[id])).collect();
    let extensions = nonce.map_or_else(Vec::new, |nonce| {
        let value = element(tag::OCTET_STRING, &[&element(tag::OCTET_STRING, &[nonce])]);
        let extension = element(tag::SEQUENCE, &[&element(tag::OID, &[oids::OCSP_NONCE]), &value]);
        element(tag::context_constructed(2), &[&element(tag::SEQUENCE, &[&extension])])
    });
    element(tag::SEQUENCE, &[&element(tag::SEQUENCE, &[&element(tag::SEQUENCE, &[&list]), &extensions])])
}

#[cfg(test)]
mod tests;
