//! Cross-certificates: which authorities of a signature the kernel's own root vouches for.

use super::{Memo, Pool, Work};
use crate::trust::KernelRoots;

/// Certificates that name the root as their issuer and are looked at; a driver brings one.
const MAX_TRIED: usize = 16;

/// A certificate that a root of [`KernelRoots::cross`] signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossFact {
    /// Index in the pool.
    pub certificate: usize,
    /// Index of the root.
    pub root: usize,
}

/// The certificates of a pool whose signature verifies under the key of one of the cross roots. What the budget
/// does not allow to verify is left out, and so never counts.
#[must_use]
pub fn cross_certificates(pool: &Pool<'_>, roots: &KernelRoots, memo: &Memo, work: &Work) -> Vec<CrossFact> {
    let pairs = (0..pool.certificates.len()).filter_map(|index| {
        let certificate = pool.certificate(index)?;
        let root = roots.cross().iter().position(|root| root.is_named(certificate.issuer))?;
        Some((index, root, certificate))
    });
    let signed = pairs.take(MAX_TRIED).filter(|(_, root, certificate)| {
        roots.cross().get(*root).is_some_and(|root| {
            work.verify(root.spki(), &certificate.signature_algorithm, certificate.tbs)
                && memo
                    .verify(root.spki(), &certificate.signature_algorithm, certificate.tbs, certificate.signature)
                    .is_good()
        })
    });
    signed.map(|(certificate, root, _)| CrossFact { certificate, root }).collect()
}
