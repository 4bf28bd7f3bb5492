//! Every path from a certificate to where it ends, within a budget.
//!
//! Candidates for an issuer match by name and, where both sides have one, by key identifier; a candidate counts
//! when the signature verifies under its key, which is computed once for each certificate and key. Those with the right key
//! identifier go first, and of them those whose own issuer bears a root's name, so that a crowd of cross-certificates
//! does not stand before the way out. Roots match by key, never by name alone, and no certificate is a root because it bears both. Loops end because no
//! (subject, key) pair occurs twice in a path (RFC 4158 section 5.2).

use std::collections::HashMap;
use std::rc::Rc;

use super::{Lists, Pool, RevocationFacts, disallowed};
use crate::crypto::Verification;
use crate::trust::{DisallowedEntry, Root};
use crate::x509::Certificate;

/// Bounds of one path search.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Signature verifications. Real searches need fewer than ten.
    pub signatures: usize,
    /// Signature verifications for one certificate's issuer among namesakes, so that a crowd of them behind the
    /// right one cannot use up what the rest of its path needs.
    pub candidates: usize,
    /// Paths kept.
    pub paths: usize,
    /// Certificates in a path, the root not counted. Windows' own default is of the same order.
    pub length: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { signatures: 200, candidates: 32, paths: 64, length: 12 }
    }
}

/// How a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // a root is a view of 250 bytes, and the budget keeps paths few
pub enum PathEnd<'a> {
    /// At a root of the trust store. `in_bag` says that the last certificate of the path is the root itself.
    Anchor {
        /// The root.
        root: Root<'a>,
        /// Whether the path's last certificate is that root.
        in_bag: bool,
    },
    /// At a certificate that verifies under its own key, names itself as issuer, and is no root of the store.
    SelfSigned,
    /// No issuer was found.
    Incomplete,
    /// Issuers were found and the certificate verifies under none of them.
    BadSignature,
    /// The path is longer than the budget allows.
    TooLong,
}

/// One path.
#[derive(Debug, Clone)]
pub struct Path<'a> {
    /// Indices into the pool, the end entity first.
    pub certificates: Vec<usize>,
    /// Links whose signature could not be computed or is refused on principle: index of the lower
    /// certificate in `certificates` and what was found.
    pub unverified: Vec<(usize, Verification)>,
    /// How it ends.
    pub end: PathEnd<'a>,
    /// What revocation lists say of its certificates below the root, in their order; `None` without any list.
    pub revocation: Option<Vec<RevocationFacts>>,
    /// Which of its certificates are on a disallowed list, by position; a root of the store that is not among them
    /// counts as the next one.
    pub disallowed: Vec<(usize, DisallowedEntry)>,
}

/// The result of a search.
#[derive(Debug, Clone, Default)]
pub struct Paths<'a> {
    /// The paths found, in a fixed order.
    pub list: Vec<Path<'a>>,
    /// Whether the budget ran out before every path was looked at.
    pub exhausted: bool,
    /// Signatures of certificates that were verified.
    pub signatures: usize,
}

/// Number of the issuer's name, and authority key identifier of a certificate.
type IssuerId<'a> = (usize, Option<&'a [u8]>);

struct Search<'s, 'a> {
    pool: &'s Pool<'a>,
    lists: Lists<'a>,
    budget: Budget,
    found: Paths<'a>,
    work: Vec<Partial>,
    /// What was found out: by certificate and key.
    verified: HashMap<(usize, &'a [u8]), Verification>,
    /// Who may have issued certificates with this issuer and authority key identifier, in the order to try them.
    issuers: HashMap<IssuerId<'a>, Rc<[usize]>>,
    /// By certificate, whether its issuer bears a root's name.
    below_root: HashMap<usize, bool>,
}

#[derive(Clone)]
struct Partial {
    certificates: Vec<usize>,
    unverified: Vec<(usize, Verification)>,
}

/// Finds the paths that start at the certificate `leaf` of the pool.
#[must_use]
pub fn search<'a>(pool: &Pool<'a>, leaf: usize, lists: Lists<'a>, budget: Budget) -> Paths<'a> {
    let start = Partial { certificates: vec![leaf], unverified: Vec::new() };
    let mut search = Search {
        pool,
        lists,
        budget,
        found: Paths::default(),
        work: vec![start],
        verified: HashMap::new(),
        issuers: HashMap::new(),
        below_root: HashMap::new(),
    };
    // Depth first over an explicit stack. Whatever is popped ends in at least one path, so `work` never needs more than
    // (path length x paths) entries, and the search takes no more steps than that.
    while let Some(partial) = search.work.pop() {
        if search.found.list.len() >= budget.paths {
            search.found.exhausted = true;
            break;
        }
        search.extend(partial);
    }
    disallowed::attach(&mut search.found, pool, lists.trust.disallowed());
    search.found
}

impl<'s, 'a> Search<'s, 'a> {
    fn extend(&mut self, partial: Partial) {
        let Some(&last) = partial.certificates.last() else { return };
        let Some(certificate) = self.pool.certificate(last) else { return };
        let itself = self.roots_that_are(last, certificate);
        if !itself.is_empty() {
            for root in itself {
                self.finish(partial.clone(), PathEnd::Anchor { root, in_bag: true });
            }
            return;
        }
        let mut progress = false;
        let mut failed = false;
        let roots = self.root_candidates(last, certificate);
        for (root, key_matches) in roots {
            match self.verify(last, root.spki) {
                None => break,
                Some(Verification::Bad) => failed |= key_matches,
                Some(verification) => {
                    progress = true;
                    let end = PathEnd::Anchor { root, in_bag: false };
                    self.finish(note(partial.clone(), verification), end);
                }
            }
        }
        if certificate.is_self_issued() {
            match self.verify(last, certificate.spki) {
                None => {}
                Some(Verification::Bad) => failed = true,
                Some(_) => {
                    // What cannot be computed ends here all the same: nothing above it could be a root.
                    progress = true;
                    self.finish(partial.clone(), PathEnd::SelfSigned);
                }
            }
        }
        let (went_on, any_failed) = self.pool_candidates(&partial, last, certificate);
        if !(progress || went_on) {
            let end = if failed || any_failed { PathEnd::BadSignature } else { PathEnd::Incomplete };
            self.finish(partial, end);
        }
    }

    /// Goes on with every certificate of the pool that may have issued `certificate`.
    fn pool_candidates(&mut self, partial: &Partial, last: usize, certificate: &Certificate<'a>) -> (bool, bool) {
        let (mut progress, mut failed) = (false, false);
        // Keys that do not verify it: a crowd may bear one key, and is passed by without a look at it.
        // There are no more of them than verifications in a search.
        let mut wrong: Vec<usize> = Vec::new();
        let mut next = Vec::new();
        let mut tried = 0usize;
        let pool = self.pool;
        // One more than can be kept, so that the search notices what it leaves out.
        let room = self.budget.paths.saturating_sub(self.found.list.len()).saturating_add(1);
        for &index in self.issuers(last, certificate).iter() {
            let key = pool.key(index);
            if key.is_some_and(|key| wrong.contains(&key)) {
                continue;
            }
            if partial.certificates.iter().any(|known| pool.same_entity(*known, index)) {
                continue;
            }
            let Some(issuer) = pool.certificate(index) else { continue };
            if next.len() >= room {
                break;
            }
            let known = self.verified.contains_key(&(last, issuer.spki));
            if !known && tried >= self.budget.candidates {
                self.found.exhausted = true;
                break;
            }
            tried = tried.saturating_add(usize::from(!known));
            match self.verify(last, issuer.spki) {
                None => break,
                Some(Verification::Bad) => {
                    failed = true;
                    wrong.extend(key);
                }
                Some(verification) => {
                    progress = true;
                    let mut longer = note(partial.clone(), verification);
                    longer.certificates.push(index);
                    next.push(longer);
                }
            }
        }
        if progress && partial.certificates.len() >= self.budget.length {
            self.finish(partial.clone(), PathEnd::TooLong);
            return (true, failed);
        }
        // The stack is last in, first out: reversed, so that file order decides.
        self.work.extend(next.into_iter().rev());
        (progress, failed)
    }

    /// Who may have issued a certificate, in the order to try them. Copies of the store's roots are left out where the store's
    /// own are tried.
    fn issuers(&mut self, index: usize, certificate: &Certificate<'a>) -> Rc<[usize]> {
        let Some(name) = self.pool.issuer(index) else { return Rc::default() };
        let key = (name, certificate.authority_key_identifier());
        if let Some(known) = self.issuers.get(&key) {
            return Rc::clone(known);
        }
        let pool = self.pool;
        let mut ranked: Vec<((bool, bool), usize)> = Vec::new();
        for index in pool.issuers(key.0, key.1) {
            let Some(issuer) = pool.certificate(index) else { continue };
            if self.stands_in_the_store(index, issuer, key.1) {
                continue;
            }
            let below_root = self.is_below_root(index, issuer);
            let unidentified = key.1.is_some() && issuer.subject_key_identifier().is_none();
            ranked.push(((unidentified, !below_root), index));
        }
        ranked.sort_by_key(|(rank, _)| *rank); // stable: file order decides among equals
        let list: Rc<[usize]> = ranked.into_iter().map(|(_, index)| index).collect();
        self.issuers.insert(key, Rc::clone(&list));
        list
    }

    /// Whether a root of the store with this issuer's name and key is tried for certificates with this authority key
    /// identifier.
    fn stands_in_the_store(&self, index: usize, issuer: &Certificate<'a>, authority: Option<&[u8]>) -> bool {
        issuer.is_self_issued()
            && self.roots_alike(index, issuer).iter().any(|root| key_identifiers_allow(authority, root.key_identifier))
    }

    /// Whether an issuer's own issuer bears a root's name. Found out once for each.
    fn is_below_root(&mut self, index: usize, issuer: &Certificate<'a>) -> bool {
        if let Some(known) = self.below_root.get(&index) {
            return *known;
        }
        let found = !self.roots_named(index, issuer.issuer, 1).is_empty();
        self.below_root.insert(index, found);
        found
    }

    fn finish(&mut self, partial: Partial, end: PathEnd<'a>) {
        let Partial { certificates, unverified } = partial;
        self.found.list.push(Path { certificates, unverified, end, revocation: None, disallowed: Vec::new() });
    }

    /// The store's roots that this certificate is: the same octets, or, where a root was renewed, the same name and key and a
    /// good signature under that key. A name and a key alone prove nothing, because anybody can copy them.
    fn roots_that_are(&mut self, index: usize, certificate: &Certificate<'a>) -> Vec<Root<'a>> {
        let alike = self.roots_alike(index, certificate);
        let same: Vec<_> = alike.iter().copied().filter(|root| root.is(certificate)).collect();
        if !same.is_empty() || alike.is_empty() || !certificate.is_self_issued() {
            return same;
        }
        let renewed = self.verify(index, certificate.spki).is_some_and(Verification::is_good);
        if renewed { alike } else { same }
    }

    /// The store's roots with the name and the key of this certificate.
    fn roots_alike(&self, index: usize, certificate: &Certificate<'a>) -> Vec<Root<'a>> {
        let mut named = self.roots_named(index, certificate.subject, 0);
        named.retain(|root| root.spki == certificate.spki);
        named
    }

    /// The store's roots with the subject (`which` is 0) or issuer (1) of a certificate, `name`.
    fn roots_named(&self, index: usize, name: &[u8], which: usize) -> Vec<Root<'a>> {
        let normalised = self.pool.names(index).and_then(|names| names.get(which).copied());
        normalised.map_or_else(Vec::new, |normalised| self.lists.trust.by_name(name, normalised))
    }

    fn root_candidates(&self, index: usize, certificate: &Certificate<'a>) -> Vec<(Root<'a>, bool)> {
        let named = self.roots_named(index, certificate.issuer, 1);
        let authority = certificate.authority_key_identifier();
        named
            .into_iter()
            .filter(|root| key_identifiers_allow(authority, root.key_identifier))
            .map(|root| (root, authority.is_some() && authority == root.key_identifier))
            .collect()
    }

    /// `None` when the budget is used up.
    fn verify(&mut self, index: usize, spki: &'a [u8]) -> Option<Verification> {
        if let Some(known) = self.verified.get(&(index, spki)) {
            return Some(*known);
        }
        let (certificate, known) = self.pool.known(index)?;
        if self.found.signatures >= self.budget.signatures
            || !self.lists.work.verify(spki, &certificate.signature_algorithm, certificate.tbs)
        {
            self.found.exhausted = true;
            return None;
        }
        self.found.signatures = self.found.signatures.saturating_add(1);
        let found = known.verify(certificate, spki, &self.lists.memo.signatures);
        self.verified.insert((index, spki), found);
        Some(found)
    }
}

/// Notes a link that is neither good nor bad.
fn note(mut partial: Partial, verification: Verification) -> Partial {
    if !verification.is_good() {
        let lower = partial.certificates.len().saturating_sub(1);
        partial.unverified.push((lower, verification));
    }
    partial
}

fn key_identifiers_allow(authority: Option<&[u8]>, issuer: Option<&[u8]>) -> bool {
    authority.is_none() || issuer.is_none() || authority == issuer
}
