//! The certificates that may take part in chains, each decoded once and leniently.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::asn1::Error;
use crate::cms::{SignedData, SignerId};
use crate::trust::Root;
use crate::x509::{Certificate, CertificateText, integer_octets, normalised_name};

use super::known::{CertificateDigests, KnownCertificate};

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
    /// What is known of it beside that; `None` where it cannot be read.
    known: Option<Arc<KnownCertificate>>,
}

/// Certificates in the order in which they are preferred, indexed by normalised names. Every name is normalised once, when
/// its certificate is added: a search compares numbers, whatever the size of the names.
#[derive(Debug, Default)]
pub struct Pool<'a> {
    /// The certificates; the first `own` are those of the signature's own bag.
    pub certificates: Vec<PoolCertificate<'a>>,
    own: Option<usize>,
    /// The number of each name that occurs.
    names: HashMap<Arc<[u8]>, usize>,
    /// The number of each SubjectPublicKeyInfo that occurs.
    keys: HashMap<&'a [u8], usize>,
    /// By certificate, the numbers of its names; `None` where it cannot be read.
    identities: Vec<Option<Identity>>,
    /// By name, the certificates that it is the subject of.
    namesakes: Vec<Namesakes<'a>>,
    known: HashSet<&'a [u8]>,
}

/// The numbers of a certificate's names and of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    subject: usize,
    issuer: usize,
    key: usize,
}

/// Certificates with one subject: all in order, and by subject key identifier.
#[derive(Debug, Default)]
struct Namesakes<'a> {
    all: Vec<usize>,
    by_key: HashMap<Option<&'a [u8]>, Vec<usize>>,
}

/// Tells what is known of a certificate.
pub(super) type Know<'k> = &'k dyn Fn(&Certificate<'_>) -> Arc<KnownCertificate>;

impl<'a> Pool<'a> {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Pool::default()
    }

    /// Adds the bag of a SignedData. Only the first bag added can hold the signer.
    pub fn add_bag(&mut self, data: &SignedData<'a>, source: CertificateSource) {
        self.add_bag_known(data, source, &KnownCertificate::of);
    }

    /// [`Pool::add_bag`], where `know` tells what is known of a certificate.
    pub(super) fn add_bag_known(&mut self, data: &SignedData<'a>, source: CertificateSource, know: Know<'_>) {
        for element in &data.certificates {
            self.add_known(element.raw, element.offset, source, know);
        }
        self.own.get_or_insert(self.certificates.len());
    }

    /// Adds one certificate unless the same bytes are there already.
    pub fn add(&mut self, raw: &'a [u8], offset: usize, source: CertificateSource) {
        self.add_known(raw, offset, source, &KnownCertificate::of);
    }

    /// [`Pool::add`], where `know` tells what is known of a certificate.
    pub(super) fn add_known(&mut self, raw: &'a [u8], offset: usize, source: CertificateSource, know: Know<'_>) {
        // Within the own bag duplicates are kept out too; the signer is then the first of equal ones.
        if !self.known.insert(raw) {
            return;
        }
        let parsed = Certificate::parse(raw);
        let mut known = parsed.as_ref().ok().map(know);
        if let Some(known) = &mut known {
            // A crowd may bear one vast name.
            let shared = |name: &[u8]| self.names.get_key_value(name).map(|(known, _)| Arc::clone(known));
            KnownCertificate::share_names(known, shared);
        }
        let identity = parsed.as_ref().ok().zip(known.as_ref()).map(|(certificate, known)| {
            let (subject, issuer) = (self.number(known.subject()), self.number(known.issuer()));
            certificate.know_self_issued(subject == issuer);
            let index = self.certificates.len();
            if let Some(same) = self.namesakes.get_mut(subject) {
                same.all.push(index);
                same.by_key.entry(certificate.subject_key_identifier()).or_default().push(index);
            }
            let next = self.keys.len();
            Identity { subject, issuer, key: *self.keys.entry(certificate.spki).or_insert(next) }
        });
        self.identities.push(identity);
        self.certificates.push(PoolCertificate { raw, offset, source, parsed, known });
    }

    /// The number of a name, a new one if need be.
    fn number(&mut self, name: &Arc<[u8]>) -> usize {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let next = self.namesakes.len();
        self.names.insert(Arc::clone(name), next);
        self.namesakes.push(Namesakes::default());
        next
    }

    /// The decoded certificate at an index.
    #[must_use]
    pub fn certificate(&self, index: usize) -> Option<&Certificate<'a>> {
        self.certificates.get(index)?.parsed.as_ref().ok()
    }

    /// Where the certificate at an index came from.
    pub(super) fn source(&self, index: usize) -> Option<CertificateSource> {
        self.certificates.get(index).map(|entry| entry.source)
    }

    /// The decoded certificate at an index, and what else is known of it.
    pub(super) fn known(&self, index: usize) -> Option<(&Certificate<'a>, &KnownCertificate)> {
        let entry = self.certificates.get(index)?;
        Some((entry.parsed.as_ref().ok()?, entry.known.as_deref()?))
    }

    /// The words of a certificate; `None` where it cannot be read.
    #[must_use]
    pub fn text(&self, index: usize) -> Option<&CertificateText> {
        self.known(index).map(|(certificate, known)| known.text(certificate))
    }

    /// The digests of a certificate's parts; `None` where it cannot be read.
    #[must_use]
    pub fn digests(&self, index: usize) -> Option<&CertificateDigests> {
        self.known(index).map(|(certificate, known)| known.digests(certificate))
    }

    /// Subject and issuer of a certificate as [`normalised_name`] has them; `None` where it cannot be read.
    #[must_use]
    pub fn names(&self, index: usize) -> Option<[&[u8]; 2]> {
        self.known(index).map(|(_, known)| [&**known.subject(), &**known.issuer()])
    }

    fn identity(&self, index: usize) -> Option<Identity> {
        self.identities.get(index).copied().flatten()
    }

    /// Whether two certificates are of one subject with one key, whatever else they say.
    pub(super) fn same_entity(&self, left: usize, right: usize) -> bool {
        let entity = |index| self.identity(index).map(|identity| (identity.subject, identity.key));
        entity(left).is_some() && entity(left) == entity(right)
    }

    /// The number of a certificate's key.
    pub(super) fn key(&self, index: usize) -> Option<usize> {
        self.identity(index).map(|identity| identity.key)
    }

    /// The certificates with this subject.
    pub(super) fn named(&self, subject: &[u8]) -> &[usize] {
        self.namesakes(subject).map_or(&[], |namesakes| &namesakes.all)
    }

    /// Where the pool has a root of the store itself.
    pub(crate) fn copies_of<'s>(&'s self, root: &'s Root<'_>) -> impl Iterator<Item = usize> + 's {
        let named = self.named(root.subject).iter().copied();
        named.filter(|index| self.certificate(*index).is_some_and(|certificate| root.is(certificate)))
    }

    fn namesakes(&self, subject: &[u8]) -> Option<&Namesakes<'a>> {
        self.namesakes.get(*self.names.get(normalised_name(subject).as_ref())?)
    }

    /// The number of a certificate's issuer's name.
    pub(super) fn issuer(&self, index: usize) -> Option<usize> {
        self.identity(index).map(|identity| identity.issuer)
    }

    /// Certificates that may have issued one with this issuer (by number) and authority key identifier: those with that
    /// key identifier, then those with none. Without an authority key identifier, every namesake.
    pub(super) fn issuers(&self, issuer: usize, authority: Option<&'a [u8]>) -> impl Iterator<Item = usize> + '_ {
        let lists = self.namesakes.get(issuer).map(|namesakes| match authority {
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

/// Equality of numbers, as INTEGERs: needless leading octets apart, and signs not.
fn same_integer(left: &[u8], right: &[u8]) -> bool {
    integer_octets(left) == integer_octets(right)
}
