//! Cross-certificates: which authorities of a signature the kernel's own root vouches for.

use std::collections::BTreeSet;

use super::{Memo, PathEnd, Paths, Pool, Work};
use crate::trust::KernelRoots;
use crate::x509::normalised_name;

/// A certificate that a root of [`KernelRoots::cross`] signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossFact {
    /// Index in the pool.
    pub certificate: usize,
    /// Index of the root.
    pub root: usize,
}

/// The cross-certificates of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Crosses {
    /// Those that were found, in the pool's order.
    pub found: Vec<CrossFact>,
    /// Whether the budget ran out before every candidate was verified.
    pub exhausted: bool,
}

/// The certificates of a pool that are of an authority of these paths and whose signature verifies under the key of one of
/// the cross roots. A driver brings one; what merely names the root as its issuer is not looked at.
#[must_use]
pub fn cross_certificates(
    pool: &Pool<'_>,
    paths: &Paths<'_>,
    roots: &KernelRoots,
    memo: &Memo,
    work: &Work,
) -> Crosses {
    let mut crosses = Crosses::default();
    let authorities = Authorities::of(paths);
    for index in 0..pool.certificates.len() {
        let Some(certificate) = pool.certificate(index) else { continue };
        let named = roots.cross().iter().enumerate().find(|(_, root)| root.is_named(certificate.issuer));
        let Some((root, key)) = named.map(|(root, cross)| (root, cross.spki())) else { continue };
        if !authorities.include(pool, index, certificate.spki) {
            continue;
        }
        let (algorithm, signed) = (&certificate.signature_algorithm, certificate.tbs);
        if !work.verify(key, algorithm, signed) {
            crosses.exhausted = true;
            break;
        }
        if memo.verify(key, algorithm, signed, certificate.signature).is_good() {
            crosses.found.push(CrossFact { certificate: index, root });
        }
    }
    crosses
}

/// Who issues on some paths.
struct Authorities<'a> {
    /// Indices in the pool.
    certificates: BTreeSet<usize>,
    /// Names in comparable form and keys of roots.
    roots: BTreeSet<(Vec<u8>, &'a [u8])>,
}

impl<'a> Authorities<'a> {
    fn of(paths: &Paths<'a>) -> Authorities<'a> {
        let certificates = paths.list.iter().flat_map(|path| path.certificates.iter().skip(1).copied()).collect();
        let roots = paths.list.iter().filter_map(|path| match &path.end {
            PathEnd::Anchor { root, .. } => Some((normalised_name(root.subject).into_owned(), root.spki)),
            _ => None,
        });
        Authorities { certificates, roots: roots.collect() }
    }

    /// Whether a certificate has the name and the key of one of them.
    fn include(&self, pool: &Pool<'_>, index: usize, spki: &[u8]) -> bool {
        let subject = pool.names(index).map(|[subject, _]| subject);
        self.certificates.iter().any(|authority| pool.same_entity(*authority, index))
            || self.roots.iter().any(|(name, key)| *key == spki && subject == Some(name.as_slice()))
    }
}
