//! One certificate, delimited once, its fields kept as the spans that stand in the file.

use std::sync::OnceLock;

use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, Time, decode_time, tag};
use crate::crypto::AlgorithmId;

use super::same_name;

/// A view of an X.509 certificate.
///
/// ```text
/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
/// TBSCertificate ::= SEQUENCE { version [0] DEFAULT v1, serialNumber, signature, issuer, validity, subject,
///   subjectPublicKeyInfo, issuerUniqueID [1] OPTIONAL, subjectUniqueID [2] OPTIONAL, extensions [3] OPTIONAL }
/// ```
/// Source: RFC 5280 section 4.1. Every version, serial number and string type is accepted here.
#[derive(Debug, Clone)]
pub struct Certificate<'a> {
    /// The whole certificate as it stands.
    pub raw: &'a [u8],
    /// The TBSCertificate element, which is what the issuer signed.
    pub tbs: &'a [u8],
    /// Version as encoded: 0 is v1, 2 is v3.
    pub version: u32,
    /// Content octets of the serial number.
    pub serial: &'a [u8],
    /// The issuer Name element.
    pub issuer: &'a [u8],
    /// The subject Name element.
    pub subject: &'a [u8],
    /// First moment of validity; `None` when the text in the certificate is no moment.
    pub not_before: Option<Time>,
    /// Last moment of validity; `None` when the text in the certificate is no moment.
    pub not_after: Option<Time>,
    /// The SubjectPublicKeyInfo element.
    pub spki: &'a [u8],
    /// The extensions in file order, at most [`MAX_EXTENSIONS`].
    pub extensions: Vec<Extension<'a>>,
    /// The signature algorithm of the outer sequence, the one that verifiers use.
    pub signature_algorithm: AlgorithmId<'a>,
    /// Whether the algorithm inside the TBSCertificate is the same, octet for octet (RFC 5280 section 4.1.1.2).
    pub algorithms_agree: bool,
    /// The signature value's octets; empty when the value is no sequence of octets.
    pub signature: &'a [u8],
    /// Whether any length above the extensions is not DER.
    pub ber: bool,
    /// Whether both names are the same, once somebody asked.
    self_issued: OnceLock<bool>,
}

/// More extensions than this are not read; real certificates have fewer than 20.
pub const MAX_EXTENSIONS: usize = 256;

/// One extension. Source: RFC 5280 section 4.2.
#[derive(Debug, Clone, Copy)]
pub struct Extension<'a> {
    /// Which extension.
    pub oid: Oid<'a>,
    /// Whether a verifier that does not know it must refuse the certificate.
    pub critical: bool,
    /// Content octets of extnValue, the DER of the extension itself.
    pub value: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate that fills `raw`; bytes after it are ignored.
    ///
    /// # Errors
    /// When the structure cannot be delimited. Field values are not validated.
    pub fn parse(raw: &'a [u8]) -> Result<Certificate<'a>, Error> {
        let outer = Reader::new(raw).expect(tag::SEQUENCE)?;
        let mut parts = outer.children();
        let tbs = parts.expect(tag::SEQUENCE)?;
        let algorithm = parts.expect(tag::SEQUENCE)?;
        // No signature has unused bits. One that claims some is none, which is its issuer's affair to refute, and no reason
        // to know nothing of the certificate.
        let signature = parts.expect(tag::BIT_STRING)?.bit_string().unwrap_or(&[]);
        parts.end()?;

        let mut fields = tbs.children();
        let version = match fields.optional(tag::context_constructed(0))? {
            Some(wrapper) => wrapper.children().expect(tag::INTEGER)?.small_unsigned()?,
            None => 0,
        };
        let serial = fields.expect(tag::INTEGER)?;
        let inner_algorithm = fields.expect(tag::SEQUENCE)?;
        let issuer = fields.expect(tag::SEQUENCE)?;
        let mut validity = fields.expect(tag::SEQUENCE)?.children();
        let (not_before, not_after) = (validity.any()?, validity.any()?);
        let subject = fields.expect(tag::SEQUENCE)?;
        let spki = fields.expect(tag::SEQUENCE)?;
        Ok(Certificate {
            raw: outer.raw,
            tbs: tbs.raw,
            version,
            serial: serial.content,
            issuer: issuer.raw,
            subject: subject.raw,
            not_before: decode_time(&not_before),
            not_after: decode_time(&not_after),
            spki: spki.raw,
            extensions: extensions(fields)?,
            signature_algorithm: AlgorithmId::parse(algorithm)?,
            algorithms_agree: algorithm.raw == inner_algorithm.raw,
            signature,
            ber: outer.ber || tbs.ber,
            self_issued: OnceLock::new(),
        })
    }

    /// The first extension with this identifier.
    #[must_use]
    pub fn extension(&self, oid: Oid<'_>) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// Whether an extension occurs twice, which RFC 5280 section 4.2 forbids.
    #[must_use]
    pub fn has_repeated_extension(&self) -> bool {
        let mut seen = std::collections::HashSet::new();
        !self.extensions.iter().all(|extension| seen.insert(extension.oid))
    }

    /// Whether the certificate names itself as its issuer; nothing is verified.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        *self.self_issued.get_or_init(|| same_name(self.issuer, self.subject))
    }

    /// Spares [`Certificate::is_self_issued`] the comparison where the caller has made it.
    pub(crate) fn know_self_issued(&self, is: bool) {
        self.self_issued.get_or_init(|| is);
    }

    /// Whether `moment` lies within the validity, both ends included. A validity that cannot be read holds never.
    #[must_use]
    pub fn valid_at(&self, moment: Time) -> bool {
        matches!((self.not_before, self.not_after), (Some(from), Some(to)) if from <= moment && moment <= to)
    }
}

/// A serial number as upper-case hexadecimal without leading zeros; `0` for zero. Negative numbers keep
/// their two's complement octets.
#[must_use]
pub fn serial_to_hex(serial: &[u8]) -> String {
    let text = crate::hex::upper(serial.get(..64).unwrap_or(serial));
    let trimmed = text.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

/// Octets of an INTEGER without needless leading zeros: some software copies a serial number and drops or adds one
/// (T29).
#[must_use]
pub fn significant_octets(mut octets: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = octets {
        if rest.is_empty() {
            break;
        }
        octets = rest;
    }
    octets
}

/// Octets of an INTEGER without those that change no value, so that equal numbers have equal octets: leading zeros of a
/// positive number, leading 0xff of a negative one, as `CertCompareIntegerBlob` (Microsoft) leaves them out.
#[must_use]
pub fn integer_octets(mut octets: &[u8]) -> &[u8] {
    while let [first @ (0x00 | 0xff), rest @ ..] = octets {
        if rest.first().is_none_or(|next| (first ^ next) & 0x80 != 0) {
            break;
        }
        octets = rest;
    }
    octets
}

fn extensions<'a>(mut fields: Reader<'a>) -> Result<Vec<Extension<'a>>, Error> {
    let mut list = Vec::new();
    while let Some(field) = fields.next()? {
        if field.tag != tag::context_constructed(3) {
            continue; // issuerUniqueID, subjectUniqueID, or junk that changes nothing
        }
        let mut items = field.children().expect(tag::SEQUENCE)?.children();
        while let Some(item) = items.next()? {
            if list.len() >= MAX_EXTENSIONS {
                return Err(item.error(ErrorKind::BadValue));
            }
            list.push(extension(item.expect(tag::SEQUENCE)?)?);
        }
        break;
    }
    Ok(list)
}

pub(super) fn extension(item: Element<'_>) -> Result<Extension<'_>, Error> {
    let mut parts = item.children();
    let oid = parts.expect(tag::OID)?.content;
    // DER wants 0xff for TRUE; any non-zero octet is TRUE in BER (X.690 section 8.2.2).
    let critical = parts.optional(tag::BOOLEAN)?.is_some_and(|flag| flag.content.iter().any(|byte| *byte != 0));
    let value = parts.expect(tag::OCTET_STRING)?.content;
    Ok(Extension { oid, critical, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_print_without_leading_zeros() {
        assert_eq!(serial_to_hex(&[0x00, 0x9a, 0x0b]), "9A0B");
        assert_eq!(serial_to_hex(&[0x00]), "0");
        assert_eq!(serial_to_hex(&[]), "0");
        assert_eq!(serial_to_hex(&[0xff]), "FF");
    }

    #[test]
    fn equal_integers_have_equal_octets_and_no_others() {
        for (octets, least) in [
            (&[][..], &[][..]),
            (&[0, 0], &[0]),
            (&[0, 0, 0x7f], &[0x7f]),
            (&[0, 0x80], &[0, 0x80]),
            (&[0xff, 0xff], &[0xff]),
            (&[0xff, 0x80], &[0x80]),
            (&[0xff, 0x7f], &[0xff, 0x7f]),
        ] {
            assert_eq!(integer_octets(octets), least);
        }
    }
}
