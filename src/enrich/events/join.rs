//! The file that an event speaks of: whether it is at hand, whether it is the one of the event, and what it is worth.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::stated::{HashKind, Stated};
use crate::asn1::Time;
use crate::judge::{Reason, Status};
use crate::record::{ChainCertificate, Record, Revocation, Severity, SignatureState, Signer, Witness};

/// A file as an event names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'n> {
    /// Its path on the machine of the event.
    pub path: &'n str,
    /// Digests as Sysmon writes them: `SHA1=..,MD5=..,SHA256=..,IMPHASH=..`.
    pub hashes: Option<&'n str>,
    /// The machine of the event.
    pub host: Option<&'n str>,
}

impl Named<'_> {
    /// The digests that the event states and that can be read; none at all where a stronger one than these cannot.
    #[must_use]
    pub fn digests(&self) -> Vec<(HashKind, String)> {
        let stated = self.hashes.map(Stated::of_text).unwrap_or_default();
        if stated.is_unreadable() { Vec::new() } else { stated.hashes }
    }
}

/// What became of the search for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// Nobody said where files are.
    NotSought,
    /// It is not there, with a sentence that says why.
    Missing(String),
    /// A file of this name is there and has other digests than the event states.
    Changed(Arc<Judged>),
    /// It is there and could not be judged, with a sentence that says why.
    NotJudged(String),
    /// It was judged; `same` if its digest is the event's, else the event states none that could be compared.
    Judged {
        /// What it is worth.
        judged: Arc<Judged>,
        /// Whether these are the event's bytes for certain.
        same: bool,
    },
}

/// Why an event is not worth a detection although it, or the file of today, calls the signature broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// The file is the one of the event and its signature holds.
    Holds,
    /// Its certificate has expired since, and nothing else is wrong with it.
    ExpiredSince,
}

/// Finds files of events and judges them.
pub trait Judge {
    /// What is known of a file.
    fn judge(&mut self, file: &Named<'_>) -> Joined;

    /// Told of each signature that was found to be in order after all.
    fn cleared(&mut self, _why: Cleared) {}
}

/// For events alone: no files are at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoFiles;

impl Judge for NoFiles {
    fn judge(&mut self, _file: &Named<'_>) -> Joined {
        Joined::NotSought
    }
}

/// What detections need of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The status.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// The signature's state; `None` if nothing in the file names a signer.
    pub state: Option<SignatureState>,
    /// The worst of its findings.
    pub worst_finding: Option<Severity>,
    /// What is known of revocation.
    pub revocation: Revocation,
    /// From when to when every certificate of a signature was valid that nothing is wrong with but its age.
    pub was_valid: Option<(Time, Time)>,
    /// Where the file is on this machine.
    pub path: String,
    /// The same in octets, where the text cannot say it.
    pub path_octets: Option<String>,
    /// Digests of the file that were computed.
    pub digests: Vec<(HashKind, String)>,
    /// What went wrong, if it was not judged.
    pub problem: Option<String>,
}

impl Judged {
    /// Takes what is needed of a record.
    #[must_use]
    pub fn of(record: &Record) -> Judged {
        let kinds = [("sha256", HashKind::Sha256), ("sha1", HashKind::Sha1), ("md5", HashKind::Md5)];
        let digests = kinds.iter().filter_map(|(name, kind)| Some((*kind, record.hashes.get(*name)?.clone())));
        Judged {
            status: record.status,
            reason: record.reason,
            state: state(record),
            worst_finding: record.findings.iter().map(|finding| finding.severity).max(),
            revocation: record.revocation,
            was_valid: was_valid(record),
            path: record.path.clone(),
            path_octets: record.path_hex.clone(),
            digests: digests.collect(),
            problem: record.error.as_ref().map(|error| error.message.clone()),
        }
    }

    /// A digest that was computed.
    #[must_use]
    pub fn digest(&self, kind: HashKind) -> Option<&str> {
        self.digests.iter().find(|(known, _)| *known == kind).map(|(_, digest)| digest.as_str())
    }

    /// The file's path, if it can be told from the record.
    #[must_use]
    pub fn local_path(&self) -> Option<PathBuf> {
        self.path_octets.is_none().then(|| PathBuf::from(&self.path))
    }

    /// How much memory it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let state = self.state.as_ref().map_or(0, |state| state.signer.len().saturating_add(256));
        self.path.len().saturating_add(state).saturating_add(512)
    }
}

fn state(record: &Record) -> Option<SignatureState> {
    let signer = record.signer.as_ref().map(|signer| (signer, true));
    let (signer, verified) = signer.or_else(|| record.claimed_signer.as_ref().map(|signer| (signer, false)))?;
    Some(SignatureState {
        from: Witness::File,
        status: record.status,
        reason: Some(record.reason),
        signer: signer.common_name.clone().unwrap_or_else(|| signer.subject.clone()),
        signer_verified: verified,
        thumbprint_sha1: Some(signer.thumbprint_sha1.clone()),
        findings: record.findings.iter().map(|finding| finding.code.clone()).collect(),
    })
}

/// When an expired signature was in order: within the validity of every certificate of its chain, if it is without a
/// timestamp and nothing else is wrong. A timestamp that does not count would have broken it then.
fn was_valid(record: &Record) -> Option<(Time, Time)> {
    let only_expired = record.reason == Reason::CertExpired && record.other_reasons.is_empty();
    if !only_expired || record.timestamp.is_some() {
        return None;
    }
    let signer = record.signer.as_ref()?;
    let chains = record.signatures.iter().chain(&record.catalog_signature);
    let chain = chains.filter(|signature| names(signature.signer.as_ref(), signer)).map(|signature| &signature.chain);
    let chain = chain.into_iter().find(|chain| !chain.is_empty())?;
    let span = |certificate: &ChainCertificate| -> Option<(Time, Time)> {
        let time = |text: &Option<String>| text.as_deref().and_then(Time::parse_rfc3339);
        Some((time(&certificate.not_before)?, time(&certificate.not_after)?))
    };
    let spans: Option<Vec<(Time, Time)>> = chain.iter().map(span).collect();
    spans?.into_iter().reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)))
}

fn names(one: Option<&Signer>, other: &Signer) -> bool {
    one.is_some_and(|one| one.thumbprint_sha256 == other.thumbprint_sha256)
}
