//! Facts: which digest matches, which signature holds, which paths exist, what a timestamp proves.
//!
//! No policy lives here: nothing is expired, trusted or forbidden in this room. Its results carry what the
//! judge needs to decide, and nothing that was not computed from the bytes.

mod disallowed;
mod issuers;
mod kernel;
mod known;
mod paths;
mod pool;
mod revocation;
mod signature;
mod timestamp;
mod tree;
mod work;

pub use issuers::issuers_among;
pub use kernel::{CrossFact, Crosses, cross_certificates};
pub use known::{CertificateDigests, KnownCertificate, Memo};
pub use paths::{Budget, Path, PathEnd, Paths, search as search_paths};
pub use pool::{CertificateSource, Pool, PoolCertificate};
pub use revocation::{ListFact, ListKind, ListPlace, ListSigner, ListSource, RevocationFacts, SignerPath};
pub use revocation::{crl_is_of_issuer, crl_speaks_for, response_answers, response_is_signed};
pub use signature::{AttributeFault, ContentFacts, DigestFact, FileDigests, SignatureFacts, SignerFacts, signer_facts};
pub use timestamp::{TimestampFacts, TimestampFault, TimestampKind};
pub use tree::{MAX_SIGNATURES, Malformed, ParsedSignature, SignatureBody, SignedContent, parse_tree};

pub use work::Work;

use crate::container::Blob;
use crate::trust::{RevocationLists, TrustStore};

/// Lists and shared caches that verification reads.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'t> {
    /// Roots.
    pub trust: &'t TrustStore,
    /// Certificates that may serve as intermediates, DER.
    pub intermediates: &'t [Vec<u8>],
    /// Certificates that were downloaded for this file, DER; they may serve as intermediates too.
    pub downloaded: &'t [Vec<u8>],
    /// Revocation lists.
    pub revocation: &'t RevocationLists,
    /// What is remembered from file to file.
    pub memo: &'t Memo,
    /// What this file may still cost.
    pub work: &'t Work,
}

/// The paths of a certificate by itself, with what revocation lists say of them.
#[must_use]
pub fn certificate_paths<'a>(pool: &Pool<'a>, index: usize, lists: Lists<'a>) -> Paths<'a> {
    let mut paths = search_paths(pool, index, lists, Budget::default());
    revocation::attach(&mut paths, pool, &[], lists);
    paths
}

/// Establishes the facts of every signature of a file: first the primary one, then the others in file order.
#[must_use]
pub fn facts<'a>(
    tree: &'a [ParsedSignature<'a>],
    blobs: &'a [Blob],
    digests: &FileDigests,
    lists: Lists<'a>,
) -> Vec<SignatureFacts<'a>> {
    tree.iter().map(|signature| signature::establish(signature, tree, blobs, digests, lists)).collect()
}
