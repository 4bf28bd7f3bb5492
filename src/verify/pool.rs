//! The certificates that may take part in chains, each decoded once and leniently.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::asn1::Error;
use crate::cms::{SignedData, SignerId};
use crate::x509::{Certificate, normalised_name, same_name, significant_octets};

/// Where a certificate of a chain came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateSource {
    /// The signature's own bag.
    Signature,
    /// The bag of a timestamp token.
    Timestamp,
    /// The bag of the signature that this one is nested in, or that a timestamp belongs to.
    Outer,
    /// A file given by the user.
    Intermediates,
    /// The trust store.
    TrustStore,
    /// A file whose certificates are to be judged.
    Given,
    /// Downloaded for this file.
    Online,
}

/// One certificate with its fate.
#[derive(Debug)]
pub struct PoolCertificate<'a> {
    /// The bytes as they stand.
    pub raw: &'a [u8],
    /// Offset in the blob, for certificates of a bag.
    pub offset: usize,
    /// Where it came from.
    pub source: CertificateSource,
    /// The decoded view, or why there is none.
    pub parsed: Result<Certificate<'a>, Error>,
}

/// Certificates in the order in which they are preferred, indexed by normalised subject.
#[derive(Debug, Default)]
pub struct Pool<'a> {
    /// The certificates; the first `own` are those of the signature's own bag.
    pub certificates: Vec<PoolCertificate<'a>>,
    own: Option<usize>,
    by_subject: HashMap<Cow<'a, [u8]>, Namesakes<'a>>,
    known: HashSet<&'a [u8]>,
}

/// Certificates with one subject: all in order, and by subject key identifier.
#[derive(Debug, Default)]
struct Namesakes<'a> {
    all: Vec<usize>,
    by_key: HashMap<Option<&'a [u8]>, Vec<usize>>,
}

impl<'a> Pool<'a> {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Pool::default()
    }

    /// Adds the bag of a SignedData. Only the first bag added can hold the signer.
    pub fn add_bag(&mut self, data: &SignedData<'a>, source: CertificateSource) {
        for element in &data.certificates {
            self.add(element.raw, element.offset, source);
        }
        self.own.get_or_insert(self.certificates.len());
    }

    /// Adds one certificate unless the same bytes are there already.
    pub fn add(&mut self, raw: &'a [u8], offset: usize, source: CertificateSource) {
        // Within the own bag duplicates are kept out too; the signer is then the first of equal ones.
        if !self.known.insert(raw) {
            return;
        }
        let parsed = Certificate::parse(raw);
        if let Ok(certificate) = &parsed {
            let same = self.by_subject.entry(normalised_name(certificate.subject)).or_default();
            let index = self.certificates.len();
            same.all.push(index);
            same.by_key.entry(certificate.subject_key_identifier()).or_default().push(index);
        }
        self.certificates.push(PoolCertificate { raw, offset, source, parsed });
    }

    /// The decoded certificate at an index.
    #[must_use]
    pub fn certificate(&self, index: usize) -> Option<&Certificate<'a>> {
        self.certificates.get(index)?.parsed.as_ref().ok()
    }

    /// Certificates that may have issued one with this issuer and authority key identifier: those with that key
    /// identifier, then those with none. Without an authority key identifier, every namesake.
    pub(super) fn issuers(&self, issuer: &[u8], authority: Option<&'a [u8]>) -> impl Iterator<Item = usize> + '_ {
        let namesakes = self.by_subject.get(normalised_name(issuer).as_ref());
        let lists = namesakes.map(|namesakes| match authority {
            None => [Some(&namesakes.all), None],
            Some(_) => [namesakes.by_key.get(&authority), namesakes.by_key.get(&None)],
        });
        lists.into_iter().flatten().flatten().flatten().copied()
    }

    /// The signer's certificate: the first of its own bag that has the named issuer and serial number, or key
    /// identifier. What is verified is what is shown (T30).
    #[must_use]
    pub fn signer(&self, sid: &SignerId<'_>) -> Option<usize> {
        self.find(sid, 0..self.own.unwrap_or(0))
    }

    /// Like [`Pool::signer`] over the whole pool: authorities' certificates may lie in the outer bag.
    #[must_use]
    pub fn authority(&self, sid: &SignerId<'_>) -> Option<usize> {
        self.find(sid, 0..self.certificates.len())
    }

    /// Octet for octet first; only when there is no such certificate, by what the issuer's name means (T70).
    fn find(&self, sid: &SignerId<'_>, range: std::ops::Range<usize>) -> Option<usize> {
        let first = |fits: &dyn Fn(&Certificate<'a>) -> bool| {
            range.clone().find(|index| self.certificate(*index).is_some_and(fits))
        };
        match sid {
            SignerId::IssuerAndSerial { issuer, serial } => {
                first(&|known| known.issuer == *issuer && same_integer(known.serial, serial))
                    .or_else(|| first(&|known| same_integer(known.serial, serial) && same_name(known.issuer, issuer)))
            }
            SignerId::KeyIdentifier(identifier) => first(&|known| known.subject_key_identifier() == Some(*identifier)),
        }
    }
}

/// Equality of INTEGER octets, needless leading octets apart.
fn same_integer(left: &[u8], right: &[u8]) -> bool {
    significant_octets(left) == significant_octets(right)
}
