//! What revocation lists say of the certificates of a path. Whether a list is current, and what a date means for the
//! moment that counts, is the judge's to say.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::paths::{Path, PathEnd, Paths};
use super::pool::Pool;
use super::work::Work;
use crate::asn1::Time;
use crate::cms::SignedData;
use crate::crypto::Verification;
use crate::trust::{CrlState, RevocationLists, Root};
use crate::x509::crl::{CertificateList, NextUpdate, RevokedEntry, Scope};
use crate::x509::{Certificate, same_name};

/// Lists of one issuer, of each source, whose signature is checked for one certificate. Those by the right key go first,
/// of them those that list it, then the latest ones.
const MAX_CANDIDATES: usize = 16;

/// CRLs of a bag with what was found out about them.
#[derive(Debug, Default)]
pub(super) struct BagCrls<'a> {
    lists: Vec<(CertificateList<'a>, CrlState)>,
}

impl<'a> BagCrls<'a> {
    pub(super) fn of(data: &SignedData<'a>) -> BagCrls<'a> {
        let parsed = data.crls.iter().filter_map(|element| CertificateList::parse(element.raw).ok());
        BagCrls { lists: parsed.map(|list| (list, CrlState::default())).collect() }
    }
}

/// Everything that revocation lists say of one certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationFacts {
    /// Lists that the issuer's key confirms, the latest first.
    pub lists: Vec<ListFact>,
    /// Lists of this issuer's name that prove nothing about the certificate, with why.
    pub unusable: Vec<(CrlSource, String)>,
}

/// Where a list came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CrlSource {
    /// The bag of the signature or of the timestamp.
    Bag,
    /// A file.
    File(String),
}

/// What one list says of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFact {
    /// Where it came from.
    pub source: CrlSource,
    /// When it was made.
    pub this_update: Option<Time>,
    /// When the next one was due.
    pub next_update: NextUpdate,
    /// Why its silence proves nothing, although the issuer signed it.
    pub partial: Option<String>,
    /// Its entry for the certificate.
    pub entry: Option<RevokedEntry>,
}

struct Candidate<'c, 'a> {
    source: CrlSource,
    list: CertificateList<'a>,
    state: &'c CrlState,
    entry: Option<RevokedEntry>,
    /// Its authority key identifier is not the issuer's key identifier. The signature decides; CAs have been certified
    /// anew with another identifier for the same key.
    key_differs: bool,
}

/// Adds to every path what the lists say of its certificates. Without any list nothing is added.
pub(super) fn attach<'a>(
    paths: &mut Paths<'a>,
    pool: &Pool<'a>,
    bags: &[&BagCrls<'a>],
    lists: &RevocationLists,
    work: &Work,
) {
    if lists.is_empty() && bags.iter().all(|bag| bag.lists.is_empty()) {
        return;
    }
    let mut known: HashMap<(usize, &'a [u8]), RevocationFacts> = HashMap::new();
    for path in &mut paths.list {
        let mut facts = Vec::new();
        for (position, index) in path.certificates.iter().enumerate() {
            let Some(certificate) = pool.certificate(*index) else { break };
            if is_root(path, position) {
                break;
            }
            let Some(issuer) = issuer(path, pool, position) else {
                facts.push(RevocationFacts::default());
                break;
            };
            let found = known
                .entry((*index, issuer.spki))
                .or_insert_with(|| of_certificate(certificate, &issuer, bags, lists, work));
            facts.push(found.clone());
        }
        path.revocation = Some(facts);
    }
}

/// The last certificate of a path is its root where it is the store's own, or confirms itself.
fn is_root(path: &Path<'_>, position: usize) -> bool {
    let last = position.saturating_add(1) == path.certificates.len();
    last && matches!(path.end, PathEnd::Anchor { in_bag: true, .. } | PathEnd::SelfSigned)
}

struct Issuer<'a> {
    spki: &'a [u8],
    key_identifier: Option<&'a [u8]>,
    /// Its certificate says that it does not sign CRLs.
    crl_sign_denied: bool,
}

/// Who issued the certificate at a position of the path. Of a root only the store's own facts count: a copy of its
/// certificate that a file brings along could say anything beside name and key.
fn issuer<'a>(path: &Path<'a>, pool: &Pool<'a>, position: usize) -> Option<Issuer<'a>> {
    let above = position.saturating_add(1);
    match (path.certificates.get(above), path.end) {
        (Some(_), PathEnd::Anchor { root, in_bag: true }) if is_root(path, above) => Some(of_root(&root)),
        (None, PathEnd::Anchor { root, in_bag: false }) => Some(of_root(&root)),
        (Some(index), _) => {
            let issuer = pool.certificate(*index)?;
            Some(Issuer {
                spki: issuer.spki,
                key_identifier: issuer.subject_key_identifier(),
                crl_sign_denied: issuer.key_usage().is_some_and(|usage| !usage.crl_sign),
            })
        }
        (None, _) => None,
    }
}

fn of_root<'a>(root: &Root<'a>) -> Issuer<'a> {
    Issuer { spki: root.spki, key_identifier: root.key_identifier, crl_sign_denied: false }
}

fn of_certificate(
    certificate: &Certificate<'_>,
    issuer: &Issuer<'_>,
    bags: &[&BagCrls<'_>],
    lists: &RevocationLists,
    work: &Work,
) -> RevocationFacts {
    let mut facts = RevocationFacts::default();
    let from_files = lists
        .by_issuer(certificate.issuer)
        .filter_map(|loaded| Some((CrlSource::File(loaded.source.clone()), loaded.view()?, &loaded.state)));
    let in_bags = bags.iter().flat_map(|bag| &bag.lists).filter(|entry| same_name(entry.0.issuer, certificate.issuer));
    let from_bags = in_bags.map(|(list, state)| (CrlSource::Bag, list.clone(), state));
    // The user's own lists first: what a file brings along can never take their place.
    gather(certificate, issuer, from_files.collect(), work, &mut facts);
    gather(certificate, issuer, from_bags.collect(), work, &mut facts);
    facts.lists.sort_by_key(|fact| Reverse(fact.this_update));
    facts
}

fn gather(
    certificate: &Certificate<'_>,
    issuer: &Issuer<'_>,
    lists: Vec<(CrlSource, CertificateList<'_>, &CrlState)>,
    work: &Work,
    facts: &mut RevocationFacts,
) {
    let mut candidates: Vec<Candidate<'_, '_>> = lists
        .into_iter()
        .map(|(source, list, state)| {
            let entry = state.indexed(&list).find(&list, certificate.serial);
            let key_differs = matches!((list.authority_key_identifier(), issuer.key_identifier),
                (Some(authority), Some(subject)) if authority != subject);
            Candidate { source, list, state, entry, key_differs }
        })
        .collect();
    candidates.sort_by_key(|candidate| {
        let list = &candidate.list;
        let hint = (candidate.key_differs, candidate.entry.is_none(), Reverse(list.this_update));
        (hint, Reverse(list.signature))
    });
    for candidate in candidates.into_iter().take(MAX_CANDIDATES) {
        match examine(&candidate, certificate, issuer, work) {
            Ok(fact) => facts.lists.push(fact),
            Err(why) => facts.unusable.push((candidate.source, why)),
        }
    }
}

/// What one list says, or why it says nothing.
fn examine(
    candidate: &Candidate<'_, '_>,
    certificate: &Certificate<'_>,
    issuer: &Issuer<'_>,
    work: &Work,
) -> Result<ListFact, String> {
    let Candidate { source, list, state, entry, key_differs } = candidate;
    if issuer.crl_sign_denied {
        return Err("the issuer's certificate may not sign revocation lists".to_owned());
    }
    if !work.spend(issuer.spki) {
        return Err("the limit of public-key work was reached".to_owned());
    }
    match state.verify(list, issuer.spki) {
        Verification::Good(_) => {}
        Verification::Bad if *key_differs => return Err("another key of that issuer made it".to_owned()),
        Verification::Bad => {
            return Err("the issuer's key did not sign it (delegated signers are not supported)".to_owned());
        }
        Verification::Unsupported(what) | Verification::Refused(what) => {
            return Err(format!("its signature cannot be verified: {what}"));
        }
    }
    let index = state.indexed(list);
    let scope = list.scope();
    if let Some(oid) = &scope.unknown_critical {
        return Err(format!("its critical extension {oid} is not supported"));
    }
    if scope.indirect || index.foreign_entries {
        return Err("it is indirect (lists certificates of several issuers), which is not supported".to_owned());
    }
    if scope.attribute_only {
        return Err("it covers attribute certificates only".to_owned());
    }
    let removed = |entry: &&RevokedEntry| {
        scope.delta && entry.reason == Some(crate::x509::crl::RevocationReason::REMOVE_FROM_CRL)
    };
    let entry = entry.as_ref().filter(|entry| !entry.unknown_critical && !removed(entry));
    let mut partial = partial(&scope, certificate).map(str::to_owned);
    if index.cut {
        partial.get_or_insert_with(|| "its entries cannot be read to the end".to_owned());
    }
    if index.unknown_critical {
        partial.get_or_insert_with(|| "an entry has a critical extension that is not supported".to_owned());
    }
    Ok(ListFact {
        source: source.clone(),
        this_update: list.this_update,
        next_update: list.next_update,
        partial,
        entry: entry.copied(),
    })
}

/// Why a list that does not name the certificate says nothing about it (RFC 5280 section 6.3.3).
fn partial(scope: &Scope<'_>, certificate: &Certificate<'_>) -> Option<&'static str> {
    let is_ca = certificate.basic_constraints().is_some_and(|basic| basic.is_ok_and(|basic| basic.ca));
    match () {
        () if scope.delta => Some("it is a delta CRL, which is not supported"),
        () if scope.some_reasons => Some("it covers some reasons only, which is not supported"),
        () if scope.user_only && is_ca => Some("it covers end entities only"),
        () if scope.ca_only && !is_ca => Some("it covers CAs only"),
        () if !scope.names_point_of(certificate) => Some("it belongs to another distribution point"),
        () => None,
    }
}
