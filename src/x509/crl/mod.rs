//! Certificate revocation lists: a view over the bytes, and an index of serial numbers that is made on first use.
//!
//! A list of tens of megabytes is never turned into objects: the index costs eight octets an entry, and an entry is
//! read again from its place when somebody asks for it.

mod index;
mod scope;

use super::MAX_EXTENSIONS;
use super::certificate::{Extension, extension};
use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, Time, decode_time, oids, tag};
use crate::crypto::AlgorithmId;

pub use index::{CrlIndex, TooManyEntries};
pub use scope::{DistributionPoint, PointName, Reasons, Scope, distribution_points};

/// A view of a CRL.
///
/// ```text
/// CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
/// TBSCertList ::= SEQUENCE { version INTEGER OPTIONAL, signature, issuer Name, thisUpdate Time,
///   nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF SEQUENCE { userCertificate INTEGER,
///   revocationDate Time, crlEntryExtensions Extensions OPTIONAL } OPTIONAL, crlExtensions [0] OPTIONAL }
/// ```
/// Source: RFC 5280 section 5.1.
#[derive(Debug, Clone)]
pub struct CertificateList<'a> {
    /// The whole list as it stands.
    pub raw: &'a [u8],
    /// The TBSCertList element, which is what the issuer signed.
    pub tbs: &'a [u8],
    /// The issuer Name element.
    pub issuer: &'a [u8],
    /// When it was made; `None` when the text is no moment.
    pub this_update: Option<Time>,
    /// When the next one is due.
    pub next_update: NextUpdate,
    /// The CRL extensions.
    pub extensions: Vec<Extension<'a>>,
    /// The signature algorithm of the outer sequence.
    pub signature_algorithm: AlgorithmId<'a>,
    /// The signature value's octets.
    pub signature: &'a [u8],
    /// Content of revokedCertificates; empty when it is absent.
    entries: &'a [u8],
}

/// State of nextUpdate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextUpdate {
    /// RFC 5280 demands it, X.509 does not: such a list never becomes stale.
    Absent,
    /// It is there and no moment.
    Unreadable,
    /// The moment.
    At(Time),
}

impl NextUpdate {
    /// The moment, if there is one.
    #[must_use]
    pub fn time(self) -> Option<Time> {
        match self {
            NextUpdate::At(time) => Some(time),
            _ => None,
        }
    }

    /// Whether a list is out of date at `now`.
    #[must_use]
    pub fn is_stale(self, now: Time) -> bool {
        match self {
            NextUpdate::Absent => false,
            NextUpdate::Unreadable => true,
            NextUpdate::At(time) => time < now,
        }
    }
}

/// What a list says of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedEntry {
    /// revocationDate; `None` when it is no moment.
    pub date: Option<Time>,
    /// reasonCode.
    pub reason: Option<RevocationReason>,
    /// invalidityDate.
    pub invalidity_date: Option<Time>,
    /// A critical entry extension that is not understood: the entry means something unknown.
    pub unknown_critical: bool,
}

/// CRLReason. Source: RFC 5280 section 5.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevocationReason(pub u8);

impl RevocationReason {
    /// removeFromCRL, which only delta CRLs may say.
    pub const REMOVE_FROM_CRL: RevocationReason = RevocationReason(8);
    /// certificateHold, the one reason that an issuer takes back.
    pub const HOLD: RevocationReason = RevocationReason(6);

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => "unknown",
        }
    }
}

impl<'a> CertificateList<'a> {
    /// Reads a CRL that fills `raw`; bytes after it are ignored. The entries are not looked at.
    ///
    /// # Errors
    /// When the structure cannot be delimited.
    pub fn parse(raw: &'a [u8]) -> Result<CertificateList<'a>, Error> {
        let outer = Reader::new(raw).expect(tag::SEQUENCE)?;
        let mut parts = outer.children();
        let tbs = parts.expect(tag::SEQUENCE)?;
        let algorithm = parts.expect(tag::SEQUENCE)?;
        // As in certificates: unused bits make it no signature, which is for whoever verifies it to say.
        let signature = parts.expect(tag::BIT_STRING)?.bit_string().unwrap_or(&[]);

        let mut fields = tbs.children();
        fields.optional(tag::INTEGER)?;
        fields.expect(tag::SEQUENCE)?;
        let issuer = fields.expect(tag::SEQUENCE)?;
        let this_update = moment(fields.any()?)?;
        let next_update = match fields.rest().first() {
            Some(&(tag::UTC_TIME | tag::GENERALIZED_TIME)) => {
                decode_time(&fields.any()?).map_or(NextUpdate::Unreadable, NextUpdate::At)
            }
            _ => NextUpdate::Absent,
        };
        let entries = fields.optional(tag::SEQUENCE)?.map_or(&[][..], |list| list.content);
        let extensions = match fields.optional(tag::context_constructed(0))? {
            Some(wrapper) => extensions(wrapper.children().expect(tag::SEQUENCE)?)?,
            None => Vec::new(),
        };
        Ok(CertificateList {
            raw: outer.raw,
            tbs: tbs.raw,
            issuer: issuer.raw,
            this_update,
            next_update,
            extensions,
            signature_algorithm: AlgorithmId::parse(algorithm)?,
            signature,
            entries,
        })
    }

    fn extension(&self, oid: Oid<'_>) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// keyIdentifier of the authority key identifier.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&'a [u8]> {
        let value = self.extension(oids::AUTHORITY_KEY_IDENTIFIER)?.value;
        let mut fields = Reader::new(value).expect(tag::SEQUENCE).ok()?.children();
        Some(fields.optional(tag::context(0)).ok()??.content)
    }

    /// The CRL's number, content octets.
    #[must_use]
    pub fn number(&self) -> Option<&'a [u8]> {
        let value = self.extension(oids::CRL_NUMBER)?.value;
        Some(Reader::new(value).expect(tag::INTEGER).ok()?.content)
    }
}

fn moment(element: Element<'_>) -> Result<Option<Time>, Error> {
    match element.tag {
        tag::UTC_TIME | tag::GENERALIZED_TIME => Ok(decode_time(&element)),
        found => Err(element.error(ErrorKind::UnexpectedTag { expected: tag::UTC_TIME, found })),
    }
}

pub(super) fn extensions(list: Element<'_>) -> Result<Vec<Extension<'_>>, Error> {
    let mut found = Vec::new();
    let mut items = list.children();
    while let Some(item) = items.next()? {
        if found.len() >= MAX_EXTENSIONS {
            return Err(item.error(ErrorKind::BadValue));
        }
        found.push(extension(item.expect(tag::SEQUENCE)?)?);
    }
    Ok(found)
}

/// The Name elements of the directoryNames among GeneralNames; other kinds and what cannot be read are passed over.
fn directory_names(mut names: Reader<'_>) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Ok(Some(name)) = names.next() {
        if name.tag == tag::context_constructed(4)
            && let Ok(name) = name.children().expect(tag::SEQUENCE)
        {
            found.push(name.raw);
        }
    }
    found
}

#[cfg(test)]
mod tests;
