//! CRLs: which speak of a certificate, who signed them, and what deltas change.

use std::cmp::Reverse;

use super::{
    Inquiry, Issuer, Level, ListFact, ListKind, ListPlace, ListSigner, ListSource, MAX_CANDIDATES, RevocationFacts,
    proves_nothing, weak_hash,
};
use crate::crypto::Verification;
use crate::trust::CrlState;
use crate::x509::crl::{
    CertificateList, CrlIndex, DistributionPoint, Reasons, RevocationReason, RevokedEntry, Scope, distribution_points,
};
use crate::x509::{Certificate, same_name, significant_octets};

/// Issuers of CRLs that one certificate may name beside its own.
const MAX_CRL_ISSUERS: usize = 8;

/// A list that might speak of the certificate.
struct Candidate<'c, 'l> {
    place: ListPlace,
    list: CertificateList<'l>,
    state: &'c CrlState,
    scope: Scope<'l>,
    /// The reasons that it answers for, or why it does not.
    covers: Result<Reasons, &'static str>,
    /// Its authority key identifier is not the issuer's key identifier. The signature decides; CAs have been certified
    /// anew with another identifier for the same key.
    key_differs: bool,
    /// Whether it has an entry for the certificate; asked only where there are many.
    named: bool,
}

/// The key that confirmed a list, and the delegate whose it is where it is not the issuer's own.
pub(super) type Signed = (Vec<u8>, Option<Box<ListSigner>>);

/// A list that counts, with what its combination with others depends on.
struct Examined {
    fact: ListFact,
    issuer: Vec<u8>,
    /// The key that confirmed it.
    spki: Vec<u8>,
    /// The issuing distribution point as it stands.
    scope: Option<Vec<u8>>,
    number: Option<Vec<u8>>,
    /// Of a delta, the number of the CRL since which it lists changes.
    delta_of: Option<Vec<u8>>,
    /// Of a delta, that the certificate is to be taken off the list.
    removes: bool,
}

impl<'a> Inquiry<'_, 'a> {
    pub(super) fn ask_crls(
        &mut self,
        certificate: &Certificate<'_>,
        issuer: &Issuer<'_>,
        level: Level,
        facts: &mut RevocationFacts,
    ) {
        let points = distribution_points(certificate);
        let mut names = vec![certificate.issuer];
        for name in points.iter().flat_map(|point| &point.crl_issuers) {
            if names.len() <= MAX_CRL_ISSUERS && !names.iter().any(|known| same_name(known, name)) {
                names.push(name);
            }
        }
        let mut examined = Vec::new();
        let (store, bags) = (self.lists.revocation, self.bags);
        let from_files = names
            .iter()
            .flat_map(|name| store.by_issuer(name))
            .filter_map(|loaded| Some((ListPlace::File(loaded.source.clone()), loaded.view()?, &loaded.state)));
        let in_bags = bags.iter().flat_map(|bag| &bag.crls);
        let in_bags = in_bags.filter(|(list, _)| names.iter().any(|name| same_name(name, list.issuer)));
        let from_bags = in_bags.map(|(list, state)| (ListPlace::Bag, list.clone(), state));
        // Where a name has been used for long there are many lists by its other keys.
        let of_key = |(place, candidate): &(usize, Candidate<'_, '_>)| {
            *place < MAX_CANDIDATES || !candidate.key_differs || candidate.named
        };
        let files = candidates(from_files, certificate, issuer, &points).into_iter().enumerate().filter(of_key);
        // Whoever made the file chose what is in its bags, and left out what he liked.
        let bags = candidates(from_bags, certificate, issuer, &points).into_iter().take(MAX_CANDIDATES);
        let mut believed = 0usize;
        for candidate in files.map(|(_, candidate)| candidate).chain(bags) {
            let given = candidate.place != ListPlace::Bag;
            if given && believed >= MAX_CANDIDATES {
                continue;
            }
            match self.examine(&candidate, certificate, issuer, level) {
                Ok(list) => {
                    believed = believed.saturating_add(usize::from(given));
                    examined.push(list);
                }
                Err(why) => facts.cannot_use(candidate.source(), why),
            }
        }
        facts.lists.extend(with_deltas(examined));
    }

    /// What one list says, or why it says nothing.
    fn examine(
        &mut self,
        candidate: &Candidate<'_, '_>,
        certificate: &Certificate<'_>,
        issuer: &Issuer<'_>,
        level: Level,
    ) -> Result<Examined, String> {
        let Candidate { list, state, scope, .. } = candidate;
        if let Some(oid) = &scope.unknown_critical {
            return Err(format!("its critical extension {oid} is not supported"));
        }
        if let (true, Err(why)) = (scope.attribute_only, candidate.covers) {
            return Err(why.to_owned());
        }
        if !scope.indirect && !same_name(list.issuer, certificate.issuer) {
            return Err("it is of another issuer and does not say that it is indirect".to_owned());
        }
        let (spki, signer) = self.signed_by(candidate, certificate, issuer, level)?;
        let index = state.indexed(list);
        if index.names_issuers() && !scope.indirect {
            return Err("an entry names another issuer, and the list does not say that it is indirect".to_owned());
        }
        let entry = index.find(list, certificate.issuer, certificate.serial);
        let entry = entry.map_err(|_| "it lists one serial number too often".to_owned())?;
        let removes = scope.delta.is_some() && entry.is_some_and(is_removal);
        let entry = entry.filter(|entry| !entry.unknown_critical && !removes);
        Ok(Examined {
            fact: ListFact {
                source: candidate.source(),
                this_update: list.this_update,
                next_update: list.next_update,
                partial: partial(candidate.covers, index)
                    .map(str::to_owned)
                    .or_else(|| weak_hash(&list.signature_algorithm).map(proves_nothing)),
                reasons: candidate.covers.unwrap_or(Reasons::NONE),
                entry,
                signer,
                signer_ends: None,
            },
            issuer: list.issuer.to_vec(),
            spki,
            scope: scope.raw.map(<[u8]>::to_vec),
            number: list.number().map(|number| significant_octets(number).to_vec()),
            delta_of: scope.delta.map(|number| significant_octets(number).to_vec()),
            removes,
        })
    }

    /// Who signed a list.
    fn signed_by(
        &mut self,
        candidate: &Candidate<'_, '_>,
        certificate: &Certificate<'_>,
        issuer: &Issuer<'_>,
        level: Level,
    ) -> Result<Signed, String> {
        let Candidate { list, state, key_differs, .. } = candidate;
        let mut why = "no certificate of its signer is at hand".to_owned();
        if same_name(list.issuer, certificate.issuer) {
            if issuer.crl_sign_denied {
                why = "the issuer's certificate may not sign revocation lists".to_owned();
            } else if !self.lists.work.spend(issuer.spki) {
                return Err(OUT_OF_WORK.to_owned());
            } else {
                why = match state.verify(list, issuer.spki) {
                    Verification::Good(_) => return Ok((issuer.spki.to_vec(), None)),
                    Verification::Bad if *key_differs => "another key of that issuer made it".to_owned(),
                    Verification::Bad => "the issuer's key did not sign it, and no delegate's".to_owned(),
                    Verification::Unsupported(what) | Verification::Refused(what) => {
                        format!("its signature cannot be verified: {what}")
                    }
                };
            }
        }
        self.delegate(list, state, issuer, level).map_err(|better| better.unwrap_or(why))
    }
}

pub(super) const OUT_OF_WORK: &str = "the limit of public-key work was reached";

impl Candidate<'_, '_> {
    fn source(&self) -> ListSource {
        let kind = if self.scope.delta.is_some() { ListKind::DeltaCrl } else { ListKind::Crl };
        ListSource { kind, place: self.place.clone() }
    }
}

/// The lists to be looked at. If there are many, those that name the certificate go first, then those that cover it, those by the
/// right key, the latest.
fn candidates<'c, 'l>(
    lists: impl Iterator<Item = (ListPlace, CertificateList<'l>, &'c CrlState)>,
    certificate: &Certificate<'_>,
    issuer: &Issuer<'_>,
    points: &[DistributionPoint<'_>],
) -> Vec<Candidate<'c, 'l>> {
    let mut found: Vec<Candidate<'c, 'l>> = lists
        .map(|(place, list, state)| {
            let scope = list.scope();
            let covers = scope.covers(list.issuer, certificate, points);
            let key_differs = matches!((list.authority_key_identifier(), issuer.key_identifier),
                (Some(authority), Some(subject)) if authority != subject);
            Candidate { place, list, state, scope, covers, key_differs, named: false }
        })
        .collect();
    if found.len() > MAX_CANDIDATES {
        for candidate in &mut found {
            let entry =
                candidate.state.indexed(&candidate.list).find(&candidate.list, certificate.issuer, certificate.serial);
            candidate.named = !matches!(entry, Ok(None));
        }
        found.sort_by_cached_key(|candidate| {
            let Candidate { list, covers, key_differs, named, .. } = candidate;
            (!named, covers.is_err(), *key_differs, Reverse(list.this_update), Reverse(list.signature.to_vec()))
        });
    }
    found
}

/// Why a list that does not name the certificate says nothing about it.
fn partial(covers: Result<Reasons, &'static str>, index: &CrlIndex) -> Option<&'static str> {
    match covers {
        Err(why) => Some(why),
        Ok(_) if index.cut => Some("its entries cannot be read to the end"),
        Ok(_) if index.unknown_critical => Some("an entry has a critical extension that is not supported"),
        Ok(_) => None,
    }
}

fn is_removal(entry: RevokedEntry) -> bool {
    entry.reason == Some(RevocationReason::REMOVE_FROM_CRL)
}

/// Lists together with the deltas that change them: one more for each delta whose base is there. Deltas without it are
/// believed for what they list.
fn with_deltas(examined: Vec<Examined>) -> Vec<ListFact> {
    let (deltas, bases): (Vec<Examined>, Vec<Examined>) =
        examined.into_iter().partition(|list| list.delta_of.is_some());
    let mut facts: Vec<ListFact> = Vec::new();
    for delta in deltas {
        let fitting = bases.iter().filter(|base| changes(&delta, base));
        facts.push(match fitting.max_by_key(|base| base.fact.this_update) {
            Some(base) => combined(delta, base),
            None => {
                let mut fact = delta.fact;
                fact.partial = Some("it is a delta list, and the list that it changes is not at hand".to_owned());
                fact
            }
        });
    }
    facts.extend(bases.into_iter().map(|base| base.fact));
    facts
}

/// Whether a delta may be combined with a complete list. Source: RFC 5280 section 5.2.4.
fn changes(delta: &Examined, base: &Examined) -> bool {
    let at_least = |number: &[u8], least: &[u8]| (number.len(), number) >= (least.len(), least);
    let (Some(number), Some(since)) = (&base.number, &delta.delta_of) else { return false };
    let before = delta.number.as_ref().is_some_and(|later| at_least(later, number));
    before
        && at_least(number, since)
        && delta.spki == base.spki
        && delta.scope == base.scope
        && same_name(&delta.issuer, &base.issuer)
}

/// What both say together, as of the delta. Only a hold can be taken back; every other entry stands.
fn combined(delta: Examined, base: &Examined) -> ListFact {
    let held = base.fact.entry.is_some_and(|entry| entry.reason == Some(RevocationReason::HOLD));
    let entry = match delta.fact.entry {
        Some(entry) => Some(entry),
        None if delta.removes && held => None,
        None => base.fact.entry,
    };
    ListFact { entry, partial: delta.fact.partial.or_else(|| base.fact.partial.clone()), ..delta.fact }
}
