//! Certificate signatures verified before: the same few CA certificates come with thousands of files.

use std::collections::HashMap;
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use super::{AlgorithmId, Verification, verify_signature};

/// Shards keep workers from waiting for each other.
const SHARDS: usize = 16;
/// Entries in a shard; a full shard is emptied, so hostile files can cost time and never memory or truth.
const CAPACITY: usize = 4096;

/// A bounded, shared table of results, keyed by the SHA-256 of everything that goes into a verification.
#[derive(Debug, Default)]
pub struct SignatureMemo {
    shards: [Mutex<HashMap<[u8; 32], Verification>>; SHARDS],
}

impl SignatureMemo {
    /// [`verify_signature`], computed at most once for the same inputs while the table remembers them.
    pub fn verify(&self, spki: &[u8], algorithm: &AlgorithmId<'_>, message: &[u8], signature: &[u8]) -> Verification {
        let mut hasher = Sha256::new();
        let parameters = algorithm.parameters.map_or(&[][..], |element| element.raw);
        for part in [spki, algorithm.oid, parameters, message, signature] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let key: [u8; 32] = hasher.finalize().into();
        let index = usize::from(key.first().copied().unwrap_or(0)).checked_rem(SHARDS).unwrap_or(0);
        let Some(shard) = self.shards.get(index) else {
            return verify_signature(spki, algorithm, None, message, signature);
        };
        // A poisoned lock only means that another worker panicked between two whole operations.
        let lock = || shard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return *known;
        }
        let result = verify_signature(spki, algorithm, None, message, signature);
        let mut table = lock();
        if table.len() >= CAPACITY {
            table.clear();
        }
        table.insert(key, result);
        result
    }
}
