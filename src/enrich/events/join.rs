//! The file that an event speaks of, judged.

use super::detection::{SignatureState, Witness};
use crate::judge::Status;
use crate::record::Record;

/// Finds the file of a Windows path and judges it; `None` where it is out of reach.
pub type Judge<'j> = dyn FnMut(&str) -> Option<Judged> + 'j;

/// What detections need of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The signature's state; `None` if nothing in the file names a signer.
    pub state: Option<SignatureState>,
    /// The status.
    pub status: Status,
    /// SHA-256 of the file, lowercase.
    pub sha256: Option<String>,
}

impl Judged {
    /// Takes what is needed of a record.
    #[must_use]
    pub fn of(record: &Record) -> Judged {
        let sha256 = record.hashes.get("sha256").cloned();
        let signer = record.signer.as_ref().map(|signer| (signer, true));
        let signer = signer.or_else(|| record.claimed_signer.as_ref().map(|signer| (signer, false)));
        let state = signer.map(|(signer, verified)| SignatureState {
            from: Witness::File,
            status: record.status,
            reason: Some(record.reason),
            signer: signer.common_name.clone().unwrap_or_else(|| signer.subject.clone()),
            signer_verified: verified,
            thumbprint_sha1: Some(signer.thumbprint_sha1.clone()),
            sha256: sha256.clone(),
            path: Some(record.path.clone()),
            file_changed: None,
        });
        Judged { state, status: record.status, sha256 }
    }

    /// Whether these are the bytes that an event speaks of: `None` if it does not say. `hashes` is Sysmon's
    /// `SHA1=..,MD5=..,SHA256=..`.
    #[must_use]
    pub fn is_same(&self, hashes: Option<&str>) -> Option<bool> {
        let hash = sha256_of(hashes?)?;
        Some(self.sha256.as_deref()?.eq_ignore_ascii_case(hash))
    }
}

/// The SHA-256 in Sysmon's list of digests.
fn sha256_of(hashes: &str) -> Option<&str> {
    let pairs = hashes.split(',').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("SHA256"));
    found.next().map(|(_, hash)| hash.trim()).filter(|hash| hash.len() == 64)
}
