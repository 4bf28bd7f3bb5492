//! What is kept of lists and responses that were loaded, and what is found out about them while a scan goes on.

use std::sync::{Mutex, OnceLock, PoisonError};

use crate::crypto::{
    AlgorithmId, DigestAlgorithm, DigestValue, Verification, digest, hash_for_signature, verify_digest,
};
use crate::x509::crl::{CertificateList, CrlIndex};
use crate::x509::ocsp::{BasicResponse, OcspResponse};

/// Keys for which the signature of one list was checked; more than one only if CAs of one name have several keys.
const REMEMBERED_KEYS: usize = 64;

/// Which keys confirm the signature of one signed object. However many keys are asked for, its bytes are hashed once.
#[derive(Debug, Default)]
pub struct SignedState {
    digest: OnceLock<Option<(DigestAlgorithm, DigestValue)>>,
    verified: Mutex<Vec<(Vec<u8>, Verification)>>,
}

impl SignedState {
    /// Whether this key signed these octets; the same object has to be given each time.
    pub fn verify(&self, tbs: &[u8], algorithm: &AlgorithmId<'_>, signature: &[u8], spki: &[u8]) -> Verification {
        // A poisoned lock only means that another worker panicked between two whole operations.
        let lock = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = lock().iter().find(|(key, _)| key == spki) {
            return *known;
        }
        let made = self.digest.get_or_init(|| {
            let hash = hash_for_signature(algorithm, None)?;
            Some((hash, digest(hash, tbs)?))
        });
        let result = match made {
            Some((hash, value)) => verify_digest(spki, algorithm, *hash, value.as_bytes(), signature),
            None => Verification::Unsupported("its signature algorithm"),
        };
        let mut known = lock();
        if known.len() >= REMEMBERED_KEYS {
            known.clear();
        }
        known.push((spki.to_vec(), result));
        result
    }
}

/// What was found out about a list so far: its index, and which keys confirm it.
#[derive(Debug, Default)]
pub struct CrlState {
    index: OnceLock<CrlIndex>,
    signed: SignedState,
}

impl CrlState {
    /// The index of the list that this is the state of.
    pub fn indexed(&self, list: &CertificateList<'_>) -> &CrlIndex {
        self.index.get_or_init(|| CrlIndex::build(list))
    }

    /// Whether this key signed the list.
    pub fn verify(&self, list: &CertificateList<'_>, spki: &[u8]) -> Verification {
        self.signed.verify(list.tbs, &list.signature_algorithm, list.signature, spki)
    }
}

/// One list from a file.
#[derive(Debug)]
pub struct LoadedCrl {
    /// The file's name, with the folder it was given by and what lies between.
    pub source: String,
    /// What was found out about it.
    pub state: CrlState,
    pub(super) bytes: Vec<u8>,
}

impl LoadedCrl {
    /// The list.
    #[must_use]
    pub fn view(&self) -> Option<CertificateList<'_>> {
        CertificateList::parse(&self.bytes).ok()
    }
}

/// One OCSP response from a file.
#[derive(Debug)]
pub struct LoadedResponse {
    /// The file's name, with the folder it was given by and what lies between.
    pub source: String,
    /// What was found out about it.
    pub state: SignedState,
    pub(super) bytes: Vec<u8>,
}

impl LoadedResponse {
    /// The response.
    #[must_use]
    pub fn view(&self) -> Option<BasicResponse<'_>> {
        OcspResponse::parse(&self.bytes).ok()?.basic
    }
}
