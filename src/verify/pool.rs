//! The certificates that may take part in chains, each decoded once and leniently.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::asn1::Error;
use crate::cms::{SignedData, SignerId};
use crate::x509::{Certificate, normalised_name, significant_octets};

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

/// Certificates in the order in which they are preferred, indexed by normalised names. Every name is normalised once, when
/// its certificate is added: a search compares numbers, whatever the size of the names.
#[derive(Debug, Default)]
pub struct Pool<'a> {
    /// The certificates; the first `own` are those of the signature's own bag.
    pub certificates: Vec<PoolCertificate<'a>>,
    own: Option<usize>,
    /// The number of each name that occurs.
    names: HashMap<Cow<'a, [u8]>, usize>,
    /// By certificate, the numbers of its names; `None` where it cannot be read.
    identities: Vec<Option<Identity>>,
    /// By name, the certificates that it is the subject of.
    namesakes: Vec<Namesakes<'a>>,
    known: HashSet<&'a [u8]>,
}

/// The numbers of a certificate's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    subject: usize,
    issuer: usize,
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
        let identity = parsed.as_ref().ok().map(|certificate| {
            let (subject, issuer) = (self.number(certificate.subject), self.number(certificate.issuer));
            certificate.know_self_issued(subject == issuer);
            let index = self.certificates.len();
            if let Some(same) = self.namesakes.get_mut(subject) {
                same.all.push(index);
                same.by_key.entry(certificate.subject_key_identifier()).or_default().push(index);
            }
            Identity { subject, issuer }
        });
        self.identities.push(identity);
        self.certificates.push(PoolCertificate { raw, offset, source, parsed });
    }

    /// The number of a name, a new one if need be.
    fn number(&mut self, name: &'a [u8]) -> usize {
        let next = self.namesakes.len();
        let number = *self.names.entry(normalised_name(name)).or_insert(next);
        if number == next {
            self.namesakes.push(Namesakes::default());
        }
        number
    }

    /// The decoded certificate at an index.
    #[must_use]
    pub fn certificate(&self, index: usize) -> Option<&Certificate<'a>> {
        self.certificates.get(index)?.parsed.as_ref().ok()
    }

    fn identity(&self, index: usize) -> Option<Identity> {
        self.identities.get(index).copied().flatten()
    }

    /// Whether two certificates are of one subject with one key, whatever else they say.
    pub(super) fn same_entity(&self, left: usize, right: usize) -> bool {
        let subject = |index| self.identity(index).map(|identity| identity.subject);
        let key = |index| self.certificate(index).map(|certificate| certificate.spki);
        subject(left).is_some() && subject(left) == subject(right) && key(left) == key(right)
    }

    /// The certificates with this subject.
    pub(super) fn named(&self, subject: &[u8]) -> &[usize] {
        self.namesakes(subject).map_or(&[], |namesakes| &namesakes.all)
    }

    fn namesakes(&self, subject: &[u8]) -> Option<&Namesakes<'a>> {
        self.namesakes.get(*self.names.get(normalised_name(subject).as_ref())?)
    }

    /// Certificates that may have issued one with this issuer and authority key identifier: those with that key
    /// identifier, then those with none. Without an authority key identifier, every namesake.
    pub(super) fn issuers(&self, issuer: &[u8], authority: Option<&'a [u8]>) -> impl Iterator<Item = usize> + '_ {
        let lists = self.namesakes(issuer).map(|namesakes| match authority {
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
        let first = |fits: &dyn Fn(usize, &Certificate<'a>) -> bool| {
            range.clone().find(|index| self.certificate(*index).is_some_and(|known| fits(*index, known)))
        };
        match sid {
            SignerId::IssuerAndSerial { issuer, serial } => {
                first(&|_, known| known.issuer == *issuer && same_integer(known.serial, serial)).or_else(|| {
                    let name = *self.names.get(normalised_name(issuer).as_ref())?;
                    let named = |index| self.identity(index).is_some_and(|identity| identity.issuer == name);
                    first(&|index, known| named(index) && same_integer(known.serial, serial))
                })
            }
            SignerId::KeyIdentifier(identifier) => {
                first(&|_, known| known.subject_key_identifier() == Some(*identifier))
            }
        }
    }
}

/// Equality of INTEGER octets, needless leading octets apart.
fn same_integer(left: &[u8], right: &[u8]) -> bool {
    significant_octets(left) == significant_octets(right)
}
