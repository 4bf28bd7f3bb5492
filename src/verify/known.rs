//! What is worked out once for a certificate that many files carry: its names in comparable form, its words, its digests,
//! and which keys verify it.
//!
//! Nothing here decides anything: each answer is a function of the certificate's octets (and of a key's), so that a file
//! is judged alike whatever was judged before it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use super::Work;
use crate::crypto::{AlgorithmId, SignatureMemo, Verification};
use crate::x509::{Certificate, CertificateText, folded_common_name, normalised_name, significant_octets};

/// Keys for which a certificate remembers whether it verifies under them; nearly all have one issuer.
const KEYS: usize = 4;

/// A key longer than this is not remembered: RSA with 8,192 bits has 1,062 octets.
const KEY_OCTETS: usize = 1_100;

/// What is known of one certificate beyond the places of its fields. Hostile files have thousands in each of many pools, so
/// what few of them are asked for is kept apart.
#[derive(Debug)]
pub struct KnownCertificate {
    subject: Arc<[u8]>,
    issuer: Arc<[u8]>,
    text: OnceLock<Box<CertificateText>>,
    digests: OnceLock<Box<CertificateDigests>>,
    verified: Mutex<Vec<(Box<[u8]>, Verification)>>,
}

/// SHA-256 of parts of a certificate, by which files with related signers find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateDigests {
    /// Of the TBSCertificate.
    pub tbs: [u8; 32],
    /// Of the SubjectPublicKeyInfo.
    pub spki: [u8; 32],
    /// Of the issuer's common name, or of its whole Name where it has none, and the serial number, as
    /// [`crate::record::Keys::issuer_serial_key`] has them.
    pub issuer_serial: [u8; 32],
    /// Of the subject Name as [`normalised_name`] has it: another string type makes no other name.
    pub subject: [u8; 32],
}

impl KnownCertificate {
    /// What is worked out of a certificate, the rest being for whoever asks.
    pub(super) fn of(certificate: &Certificate<'_>) -> Arc<KnownCertificate> {
        let subject: Arc<[u8]> = normalised_name(certificate.subject).into();
        let issuer = normalised_name(certificate.issuer);
        let issuer = if *issuer == *subject { Arc::clone(&subject) } else { issuer.into() };
        let (text, digests, verified) = (OnceLock::new(), OnceLock::new(), Mutex::default());
        Arc::new(KnownCertificate { subject, issuer, text, digests, verified })
    }

    /// Takes names from whoever has the same ones already. What is shared with other files keeps its own.
    pub(super) fn share_names(this: &mut Arc<Self>, shared: impl Fn(&[u8]) -> Option<Arc<[u8]>>) {
        let Some(own) = Arc::get_mut(this) else { return };
        for name in [&mut own.subject, &mut own.issuer] {
            if let Some(known) = shared(name) {
                *name = known;
            }
        }
    }

    /// The subject as [`normalised_name`] has it.
    #[must_use]
    pub fn subject(&self) -> &Arc<[u8]> {
        &self.subject
    }

    /// The issuer as [`normalised_name`] has it.
    #[must_use]
    pub fn issuer(&self) -> &Arc<[u8]> {
        &self.issuer
    }

    /// Its words. `certificate` is the one that this is about.
    pub(super) fn text(&self, certificate: &Certificate<'_>) -> &CertificateText {
        self.text.get_or_init(|| Box::new(CertificateText::of(certificate)))
    }

    /// Its digests. `certificate` is the one that this is about.
    pub(super) fn digests(&self, certificate: &Certificate<'_>) -> &CertificateDigests {
        let digests = || CertificateDigests {
            tbs: Sha256::digest(certificate.tbs).into(),
            spki: Sha256::digest(certificate.spki).into(),
            issuer_serial: Sha256::new()
                .chain_update(folded_common_name(certificate.issuer).as_deref().unwrap_or(&self.issuer))
                .chain_update([0])
                .chain_update(significant_octets(certificate.serial))
                .finalize()
                .into(),
            subject: Sha256::digest(&self.subject).into(),
        };
        self.digests.get_or_init(|| Box::new(digests()))
    }

    /// Whether its signature verifies under this key. `certificate` is the one that this is about.
    pub(super) fn verify(&self, certificate: &Certificate<'_>, spki: &[u8], memo: &SignatureMemo) -> Verification {
        if let Some((_, known)) = unpoisoned(&self.verified).iter().find(|(key, _)| **key == *spki) {
            return *known;
        }
        let found = memo.verify(spki, &certificate.signature_algorithm, certificate.tbs, certificate.signature);
        let mut verified = unpoisoned(&self.verified);
        if verified.len() < KEYS && spki.len() <= KEY_OCTETS {
            verified.push((spki.into(), found));
        }
        found
    }

    /// The most octets of memory that it can come to, its words included as they are.
    fn octets(&self) -> usize {
        let text = self.text.get().map_or(0, |text| text.octets());
        let names = self.subject.len().saturating_add(self.issuer.len());
        let (digests, keys) = (size_of::<CertificateDigests>(), KEYS.saturating_mul(KEY_OCTETS));
        [text, names, digests, keys].into_iter().fold(size_of::<Self>(), usize::saturating_add)
    }
}

/// What is remembered from file to file, for all workers: certificates, and which signatures verified.
#[derive(Debug, Default)]
pub struct Memo {
    pub(super) certificates: CertificateMemo,
    pub(super) signatures: SignatureMemo,
}

impl Memo {
    /// [`crate::crypto::verify_signature`], computed at most once for the same inputs while they are remembered.
    pub fn verify(&self, spki: &[u8], algorithm: &AlgorithmId<'_>, message: &[u8], signature: &[u8]) -> Verification {
        self.signatures.verify(spki, algorithm, message, signature)
    }
}

/// A lock whose holder panicked guards whole values all the same: every change under it is one push or one insertion.
fn unpoisoned<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shards keep workers from waiting for each other.
const SHARDS: usize = 16;

/// Octets that a shard holds: in all 16 MiB, some two thousand certificates. A whole Windows has a few hundred.
const ROOM: usize = 1 << 20;

/// A longer certificate is not kept. Real ones have one to three thousand octets.
const LONGEST: usize = 16 * 1024;

/// Certificates of many files, for all workers.
///
/// It is bounded, and what hostile files put into it can take nothing but time: a file may add as many as [`Work`] lets it,
/// and when a shard is full, those go that no second file has asked for.
#[derive(Debug, Default)]
pub struct CertificateMemo {
    /// Keyed anew in every run, so that nobody can make certificates that collide.
    hashing: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    files: AtomicU64,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<u64, Entry>,
    octets: usize,
}

#[derive(Debug)]
struct Entry {
    raw: Box<[u8]>,
    known: Arc<KnownCertificate>,
    octets: usize,
    /// The file that brought it.
    file: u64,
    /// Whether another file asked for it since room was last made.
    asked: bool,
}

impl Shard {
    /// Whether there is room for so many octets, once those that nobody asked for are gone.
    fn has_room(&mut self, octets: usize) -> bool {
        if self.octets.saturating_add(octets) > ROOM {
            self.entries.retain(|_, entry| std::mem::take(&mut entry.asked));
            self.octets = self.entries.values().map(|entry| entry.octets).sum();
        }
        self.octets.saturating_add(octets) <= ROOM
    }
}

impl CertificateMemo {
    /// What is known of a certificate, worked out if no file had it yet.
    pub(super) fn get(&self, certificate: &Certificate<'_>, work: &Work) -> Arc<KnownCertificate> {
        let raw = certificate.raw;
        let fresh = || KnownCertificate::of(certificate);
        if raw.len() > LONGEST {
            return fresh();
        }
        let hash = self.hashing.hash_one(raw);
        let index = usize::try_from(hash).unwrap_or(0).checked_rem(SHARDS).unwrap_or(0);
        let Some(shard) = self.shards.get(index) else { return fresh() };
        let file = work.number(|| self.files.fetch_add(1, Ordering::Relaxed));
        if let Some(entry) = unpoisoned(shard).entries.get_mut(&hash).filter(|entry| *entry.raw == *raw) {
            entry.asked |= entry.file != file;
            return Arc::clone(&entry.known);
        }
        let known = fresh();
        if work.may_remember() {
            known.text(certificate); // now, because it counts
            let octets = known.octets().saturating_add(raw.len()).saturating_add(size_of::<Entry>());
            let mut shard = unpoisoned(shard);
            // Whoever was faster stays, and so does whoever has this hash by chance.
            if !shard.entries.contains_key(&hash) && shard.has_room(octets) {
                shard.octets = shard.octets.saturating_add(octets);
                let (raw, known) = (raw.into(), Arc::clone(&known));
                shard.entries.insert(hash, Entry { raw, known, octets, file, asked: false });
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::element;

    /// A certificate with this serial number and so many octets in its signature.
    fn certificate(serial: u64, padding: usize) -> Vec<u8> {
        let (oid, bits) = (element(0x06, &[&[0x2a]]), element(0x03, &[&[0, 1]]));
        let (algorithm, empty) = (element(0x30, &[&oid]), element(0x30, &[]));
        let time = element(0x17, &[b"260101000000Z"]);
        let validity = element(0x30, &[&time, &time]);
        let spki = element(0x30, &[&algorithm, &bits]);
        let number = element(0x02, &[&serial.to_be_bytes()]);
        let tbs = element(0x30, &[&number, &algorithm, &empty, &validity, &empty, &spki]);
        element(0x30, &[&tbs, &algorithm, &element(0x03, &[&[0], &vec![0x5a; padding]])])
    }

    fn held(memo: &CertificateMemo) -> (usize, usize) {
        let shards = || memo.shards.iter().map(unpoisoned);
        (shards().map(|shard| shard.entries.len()).sum(), shards().map(|shard| shard.octets).sum())
    }

    #[test]
    fn a_certificate_is_worked_out_once() {
        let memo = CertificateMemo::default();
        let (one, two) = (certificate(1, 10), certificate(2, 10));
        let get = |raw: &[u8]| memo.get(&Certificate::parse(raw).unwrap(), &Work::default());
        let first = get(&one);
        assert!(Arc::ptr_eq(&first, &get(&one.clone())));
        assert!(!Arc::ptr_eq(&first, &get(&two)));
        let parsed = Certificate::parse(&one).unwrap();
        assert_eq!(first.text(&parsed), &CertificateText::of(&parsed));
        assert_eq!(held(&memo).0, 2);
    }

    /// One file with a crowd of certificates, and a crowd of such files, between two files with a certificate that matters.
    #[test]
    fn strangers_do_not_drive_out_what_other_files_need() {
        let memo = CertificateMemo::default();
        let common = certificate(u64::MAX, 10);
        let common = Certificate::parse(&common).unwrap();
        let known = memo.get(&common, &Work::default());
        for file in 0..40u64 {
            assert!(Arc::ptr_eq(&known, &memo.get(&common, &Work::default())), "file {file}");
            let work = Work::default();
            for number in 0..500u64 {
                let raw = certificate(file * 500 + number, 4_000);
                let certificate = Certificate::parse(&raw).unwrap();
                // What one file has twice is no more worth for that.
                memo.get(&certificate, &work);
                memo.get(&certificate, &work);
            }
            assert!(held(&memo).1 <= SHARDS * ROOM);
        }
        assert!(Arc::ptr_eq(&known, &memo.get(&common, &Work::default())));
        let (entries, octets) = held(&memo);
        assert!(entries > 1_000 && octets > SHARDS * ROOM / 2, "{entries} {octets}");
    }

    #[test]
    fn one_file_adds_what_it_may_and_nothing_too_long() {
        let memo = CertificateMemo::default();
        let work = Work::default();
        for number in 0..500 {
            memo.get(&Certificate::parse(&certificate(number, 10)).unwrap(), &work);
        }
        assert_eq!(held(&memo).0, crate::verify::work::REMEMBERED);
        let memo = CertificateMemo::default();
        memo.get(&Certificate::parse(&certificate(1, LONGEST)).unwrap(), &Work::default());
        assert_eq!(held(&memo).0, 0);
    }

    #[test]
    fn answers_for_a_key_are_those_for_that_key() {
        let raw = certificate(1, 10);
        let certificate = Certificate::parse(&raw).unwrap();
        let (known, memo) = (KnownCertificate::of(&certificate), SignatureMemo::default());
        let fresh = |spki: &[u8]| {
            let algorithm = &certificate.signature_algorithm;
            crate::crypto::verify_signature(spki, algorithm, None, certificate.tbs, certificate.signature)
        };
        let keys: Vec<Vec<u8>> = (0..10u8).map(|octet| vec![octet; usize::from(octet) * 200]).collect();
        for key in keys.iter().chain(&keys) {
            assert_eq!(known.verify(&certificate, key, &memo), fresh(key));
        }
        assert_eq!(unpoisoned(&known.verified).len(), KEYS);
    }
}
