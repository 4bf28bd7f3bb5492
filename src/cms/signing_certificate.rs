//! The signing-certificate attributes, by which a signature binds the certificate that its key belongs to.

use std::borrow::Cow;

use crate::asn1::{Element, Error, Oid, oids, tag};
use crate::crypto::{AlgorithmId, DigestAlgorithm};

/// The first certificate that such an attribute names: that of the signer.
///
/// ```text
/// SigningCertificate ::= SEQUENCE { certs SEQUENCE OF ESSCertID, policies OPTIONAL }
/// ESSCertID ::= SEQUENCE { certHash OCTET STRING, issuerSerial OPTIONAL }
/// SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, policies OPTIONAL }
/// ESSCertIDv2 ::= SEQUENCE { hashAlgorithm DEFAULT sha256, certHash OCTET STRING, issuerSerial OPTIONAL }
/// ```
/// Sources: RFC 2634 section 5.4, RFC 5035 sections 3 and 4. A certificate's hash says all that its issuer and serial number
/// would, so that these are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningCertificate<'a> {
    /// Of the certificate's hash; `None` when it is not known here.
    pub algorithm: Option<DigestAlgorithm>,
    /// The hash of the whole certificate.
    pub hash: Cow<'a, [u8]>,
}

impl<'a> SigningCertificate<'a> {
    /// Both attributes, by their type.
    pub const ATTRIBUTES: [Oid<'static>; 2] = [oids::SIGNING_CERTIFICATE, oids::SIGNING_CERTIFICATE_V2];

    /// Reads the value of the attribute of this type.
    ///
    /// # Errors
    /// When the first certificate's hash cannot be delimited.
    pub fn parse(attribute: Oid<'_>, value: &Element<'a>) -> Result<SigningCertificate<'a>, Error> {
        let mut certificates = value.expect(tag::SEQUENCE)?.children().expect(tag::SEQUENCE)?.children();
        let mut fields = certificates.expect(tag::SEQUENCE)?.children();
        let algorithm = if attribute == oids::SIGNING_CERTIFICATE {
            Some(DigestAlgorithm::Sha1)
        } else {
            match fields.optional(tag::SEQUENCE)? {
                Some(named) => DigestAlgorithm::from_oid(AlgorithmId::parse(named)?.oid),
                None => Some(DigestAlgorithm::Sha256),
            }
        };
        Ok(SigningCertificate { algorithm, hash: fields.any()?.octet_string()? })
    }
}
