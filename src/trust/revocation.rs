//! Revocation lists from files: read once, found by issuer, understood when somebody asks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use super::LoadError;
use super::load::files_below;
use crate::crypto::{DigestAlgorithm, DigestValue, Verification, digest, hash_for_signature, verify_digest};
use crate::x509::crl::{CertificateList, CrlIndex};
use crate::x509::normalised_name;

/// All lists of one run together may have this many octets, and so may any one file: the largest CRLs of code signing
/// CAs have a few megabytes, those of the whole web a few hundred.
pub const MAX_REVOCATION_BYTES: u64 = 256 << 20;

/// Keys for which the signature of one list was checked; more than one only if CAs of one name have several keys.
const REMEMBERED_KEYS: usize = 64;

/// What was found out about a list so far: its index, the digest of what was signed, which keys confirm it.
#[derive(Debug, Default)]
pub struct CrlState {
    index: OnceLock<CrlIndex>,
    digest: OnceLock<Option<(DigestAlgorithm, DigestValue)>>,
    verified: Mutex<Vec<(Vec<u8>, Verification)>>,
}

impl CrlState {
    /// The index of the list that this is the state of.
    pub fn indexed(&self, list: &CertificateList<'_>) -> &CrlIndex {
        self.index.get_or_init(|| CrlIndex::build(list))
    }

    /// Whether this key signed the list. However many keys are asked for, its bytes are hashed once.
    pub fn verify(&self, list: &CertificateList<'_>, spki: &[u8]) -> Verification {
        // A poisoned lock only means that another worker panicked between two whole operations.
        let lock = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = lock().iter().find(|(key, _)| key == spki) {
            return *known;
        }
        let algorithm = &list.signature_algorithm;
        let made = self.digest.get_or_init(|| {
            let hash = hash_for_signature(algorithm, None)?;
            Some((hash, digest(hash, list.tbs)?))
        });
        let result = match made {
            Some((hash, value)) => verify_digest(spki, algorithm, *hash, value.as_bytes(), list.signature),
            None => Verification::Unsupported("signature algorithm of a CRL"),
        };
        let mut known = lock();
        if known.len() >= REMEMBERED_KEYS {
            known.clear();
        }
        known.push((spki.to_vec(), result));
        result
    }
}

/// One list from a file.
#[derive(Debug)]
pub struct LoadedCrl {
    /// The file's name, with the folder it was given by and what lies between.
    pub source: String,
    /// What was found out about it.
    pub state: CrlState,
    bytes: Vec<u8>,
}

impl LoadedCrl {
    /// The list.
    #[must_use]
    pub fn view(&self) -> Option<CertificateList<'_>> {
        CertificateList::parse(&self.bytes).ok()
    }
}

/// The revocation lists that a scan may use.
#[derive(Debug, Default)]
pub struct RevocationLists {
    lists: Vec<LoadedCrl>,
    by_issuer: HashMap<Vec<u8>, Vec<usize>>,
    known: HashSet<[u8; 32]>,
    octets: u64,
}

impl RevocationLists {
    /// No lists.
    #[must_use]
    pub fn new() -> RevocationLists {
        RevocationLists::default()
    }

    /// Reads every CRL in files and folders: DER, or PEM blocks `X509 CRL`. Other files in a folder are passed over.
    ///
    /// # Errors
    /// When a path cannot be read or holds no CRL, or when there is more than [`MAX_REVOCATION_BYTES`].
    pub fn load(paths: &[PathBuf]) -> Result<RevocationLists, LoadError> {
        let mut lists = RevocationLists::new();
        for path in paths {
            let mut found = false;
            for file in files_below(path)? {
                let io = |error| LoadError::Io(file.clone(), error);
                let length = std::fs::metadata(&file).map_err(io)?.len();
                lists.room_for(&file, length)?;
                let source = source_name(path, &file);
                for crl in crls_in(std::fs::read(&file).map_err(io)?) {
                    found = true;
                    lists.room_for(&file, crl.len() as u64)?;
                    lists.add(source.clone(), crl);
                }
            }
            if !found {
                return Err(LoadError::NoRevocationList(path.clone()));
            }
        }
        Ok(lists)
    }

    fn room_for(&self, file: &Path, length: u64) -> Result<(), LoadError> {
        if self.octets.saturating_add(length) <= MAX_REVOCATION_BYTES {
            return Ok(());
        }
        let mib = MAX_REVOCATION_BYTES >> 20;
        Err(LoadError::TooLarge(file.to_owned(), format!("revocation lists may have {mib} MiB together")))
    }

    /// Adds one CRL in DER, unless the same bytes are there already or cannot be read as one.
    pub fn add(&mut self, source: String, crl: Vec<u8>) {
        let Ok(list) = CertificateList::parse(&crl) else { return };
        let issuer = normalised_name(list.issuer).into_owned();
        if !self.known.insert(Sha256::digest(&crl).into()) {
            return;
        }
        self.octets = self.octets.saturating_add(crl.len() as u64);
        self.by_issuer.entry(issuer).or_default().push(self.lists.len());
        self.lists.push(LoadedCrl { source, state: CrlState::default(), bytes: crl });
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// The lists whose issuer has this name, by meaning (RFC 5280 section 7.1).
    pub fn by_issuer(&self, name: &[u8]) -> impl Iterator<Item = &LoadedCrl> {
        let found = self.by_issuer.get(normalised_name(name).as_ref());
        found.into_iter().flatten().filter_map(|index| self.lists.get(*index))
    }
}

/// `folder/below/file.crl` for a file found through `.../folder`, with slashes on every system.
fn source_name(given: &Path, file: &Path) -> String {
    let below = given.parent().and_then(|parent| file.strip_prefix(parent).ok()).unwrap_or(file);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// Every CRL in a file: PEM blocks, or one in DER.
fn crls_in(bytes: Vec<u8>) -> Vec<Vec<u8>> {
    if let Some(length) = CertificateList::parse(&bytes).ok().map(|list| list.raw.len()) {
        let mut bytes = bytes;
        bytes.truncate(length);
        return vec![bytes];
    }
    let blocks = pem::parse_many(&bytes).unwrap_or_default();
    let crls = blocks.into_iter().filter(|block| matches!(block.tag(), "X509 CRL" | "CRL"));
    crls.map(pem::Pem::into_contents).filter(|crl| CertificateList::parse(crl).is_ok()).collect()
}
