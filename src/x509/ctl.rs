//! Certificate trust lists: Microsoft's root list (`authroot.stl`) and disallowed list.
//!
//! ```text
//! CertificateTrustList ::= SEQUENCE { version INTEGER DEFAULT v1, subjectUsage SEQUENCE OF OID,
//!   listIdentifier OCTET STRING OPTIONAL, sequenceNumber INTEGER OPTIONAL, ctlThisUpdate Time,
//!   ctlNextUpdate Time OPTIONAL, subjectAlgorithm AlgorithmIdentifier,
//!   trustedSubjects SEQUENCE OF TrustedSubject OPTIONAL, ctlExtensions [0] EXPLICIT Extensions OPTIONAL }
//! TrustedSubject ::= SEQUENCE { subjectIdentifier OCTET STRING, subjectAttributes SET OF Attribute OPTIONAL }
//! ```
//! Source: Microsoft [MS-CAESO] and `wincrypt.h` (CTL_INFO); property numbers are `CERT_*_PROP_ID`.

use crate::asn1::{Element, Error, Oid, Reader, Time, decode_time, tag};
use crate::crypto::AlgorithmId;

/// Prefix of 1.3.6.1.4.1.311.10.11, under which the last arc is a certificate property number.
const PROPERTY_PREFIX: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x0a, 0x0b];

/// A trust list, its entries kept as spans.
#[derive(Debug, Clone)]
pub struct Ctl<'a> {
    /// What the list is for.
    pub subject_usage: Vec<Oid<'a>>,
    /// Content octets of the sequence number, if any.
    pub sequence_number: Option<&'a [u8]>,
    /// When this list was made.
    pub this_update: Option<Time>,
    /// The algorithm that makes subject identifiers.
    pub subject_algorithm: AlgorithmId<'a>,
    /// The entries in file order.
    pub entries: Vec<CtlEntry<'a>>,
}

/// One trusted subject.
#[derive(Debug, Clone)]
pub struct CtlEntry<'a> {
    /// Octets of the subject identifier, for the root list the SHA-1 of the certificate.
    pub identifier: &'a [u8],
    /// Certificate properties: number (`CERT_*_PROP_ID`) and octets.
    pub properties: Vec<(u32, &'a [u8])>,
}

impl<'a> CtlEntry<'a> {
    /// Octets of a property; `Some(&[])` is a property that has been cleared.
    #[must_use]
    pub fn property(&self, number: u32) -> Option<&'a [u8]> {
        self.properties.iter().find(|(known, _)| *known == number).map(|(_, value)| *value)
    }
}

/// CERT_SHA256_HASH_PROP_ID (`wincrypt.h`), which Microsoft's root list has beside the SHA-1 of each certificate.
const SHA256_HASH: u32 = 98;

impl CtlEntry<'_> {
    /// Whether the entry may be about the certificate with this SHA-256: it says the same, or nothing. A list's own
    /// identifiers are SHA-1, and that alone no longer names one certificate.
    #[must_use]
    pub fn fits(&self, sha256: &[u8]) -> bool {
        self.property(SHA256_HASH).is_none_or(|stated| stated == sha256)
    }
}

impl<'a> Ctl<'a> {
    /// Reads the content of a SignedData of type 1.3.6.1.4.1.311.10.1.
    ///
    /// # Errors
    /// When the structure cannot be delimited; attributes that are no certificate property are passed over.
    pub fn parse(content: &'a [u8]) -> Result<Ctl<'a>, Error> {
        let (mut list, subjects) = Ctl::head(Reader::new(content).expect(tag::SEQUENCE)?)?;
        if let Some(mut subjects) = subjects {
            while let Some(subject) = subjects.next()? {
                list.entries.push(entry(subject.expect(tag::SEQUENCE)?.children())?);
            }
        }
        Ok(list)
    }

    /// Reads everything before the entries, and gives a reader over those: lists with very many need not hold them.
    ///
    /// # Errors
    /// When the structure cannot be delimited.
    pub fn head(sequence: Element<'a>) -> Result<(Ctl<'a>, Option<Reader<'a>>), Error> {
        let mut fields = sequence.expect(tag::SEQUENCE)?.children();
        fields.optional(tag::INTEGER)?;
        let mut usages = fields.expect(tag::SEQUENCE)?.children();
        let mut subject_usage = Vec::new();
        while let Some(usage) = usages.next()? {
            subject_usage.push(usage.expect(tag::OID)?.content);
        }
        fields.optional(tag::OCTET_STRING)?;
        let sequence_number = fields.optional(tag::INTEGER)?.map(|number| number.content);
        let this_update = decode_time(&fields.any()?);
        if fields.optional(tag::UTC_TIME)?.is_none() {
            fields.optional(tag::GENERALIZED_TIME)?;
        }
        let subject_algorithm = AlgorithmId::parse(fields.expect(tag::SEQUENCE)?)?;
        let subjects = fields.optional(tag::SEQUENCE)?.map(|subjects| subjects.children());
        Ok((Ctl { subject_usage, sequence_number, this_update, subject_algorithm, entries: Vec::new() }, subjects))
    }
}

fn entry<'a>(mut fields: Reader<'a>) -> Result<CtlEntry<'a>, Error> {
    let identifier = fields.expect(tag::OCTET_STRING)?.content;
    let mut properties = Vec::new();
    if let Some(attributes) = fields.optional(tag::SET)? {
        let mut attributes = attributes.children();
        while let Some(attribute) = attributes.next()? {
            let mut parts = attribute.expect(tag::SEQUENCE)?.children();
            let oid = parts.expect(tag::OID)?.content;
            let values = parts.expect(tag::SET)?;
            let value = values.children().next()?;
            if let (Some(number), Some(value)) = (property_number(oid), value) {
                properties.push((number, value.content));
            }
        }
    }
    Ok(CtlEntry { identifier, properties })
}

fn property_number(oid: Oid<'_>) -> Option<u32> {
    let arc = oid.strip_prefix(PROPERTY_PREFIX)?;
    let mut number: u32 = 0;
    for byte in arc {
        number = number.checked_mul(128)?.checked_add(u32::from(byte & 0x7f))?;
    }
    Some(number)
}
