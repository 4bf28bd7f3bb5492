//! What revocation lists and OCSP responses mean for one certificate at the moment that counts.

use crate::asn1::Time;
use crate::trust::Root;
use crate::verify::{ListFact, ListKind, ListSigner, ListSource, Path, PathEnd, Pool, RevocationFacts};
use crate::x509::crl::{Reasons, RevocationReason, RevokedEntry};

use super::chain::{Moment, NameBudget, signs_lists};

/// What is known of a certificate's revocation, once somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationStatus {
    /// Not revoked at the moment that counts, by a complete and current list or response.
    Good,
    /// Revoked at the moment that counts.
    Revoked,
    /// Nothing answers.
    Unknown,
}

/// The verdict on one certificate's revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRevocation {
    /// The verdict.
    pub status: RevocationStatus,
    /// The list that it rests on, or that came closest.
    pub source: Option<ListSource>,
    /// When that list was made.
    pub this_update: Option<Time>,
    /// When its successor was due.
    pub next_update: Option<Time>,
    /// Its successor is overdue.
    pub stale: bool,
    /// Its entry for the certificate: with [`RevocationStatus::Good`], one that came after the timestamp.
    pub entry: Option<RevokedEntry>,
    /// Lists of the issuer's name that could not be used, or not for this, and why.
    pub unusable: Vec<(ListSource, String)>,
}

/// Judges the certificates of a path below its root; `None` when nobody asked. `own_word` says that the path is that of the
/// time authority which states the moment: see [`outlived`].
pub(super) fn judge_revocation(
    pool: &Pool<'_>,
    path: &Path<'_>,
    moment: Moment,
    own_word: bool,
    names: &NameBudget,
) -> Option<Vec<CertificateRevocation>> {
    let root = match path.end {
        PathEnd::Anchor { root, .. } => Some(root),
        _ => None,
    };
    let signers = Signers { pool, root, path: &path.certificates, own_word, names };
    Some(path.revocation.as_ref()?.iter().map(|facts| judge_certificate(facts, moment, &signers)).collect())
}

/// The verdict on a whole path: the worst of its certificates.
pub(super) fn overall(path: &Path<'_>, certificates: &[CertificateRevocation]) -> RevocationStatus {
    let any = |status| certificates.iter().any(|certificate| certificate.status == status);
    let anchored = matches!(path.end, PathEnd::Anchor { .. });
    match () {
        () if any(RevocationStatus::Revoked) => RevocationStatus::Revoked,
        // Nobody can revoke what nobody issued: a path that leads to no root has no good answer.
        () if any(RevocationStatus::Unknown) || !anchored => RevocationStatus::Unknown,
        () => RevocationStatus::Good,
    }
}

/// What delegated signers are judged by.
struct Signers<'s, 'a> {
    pool: &'s Pool<'a>,
    /// What comparing their names may still cost.
    names: &'s NameBudget,
    root: Option<Root<'a>>,
    /// The moment that counts is known from somebody on the path.
    own_word: bool,
    /// The certificates of the path, whose revocation is judged with it.
    path: &'s [usize],
}

impl Signers<'_, '_> {
    /// Whether a delegate counts: one of its paths was sound when it made the list, and nothing on it is revoked. Its
    /// own facts hold no delegates, so this goes one level deep.
    fn refuse(&self, signer: &ListSigner, made: Time, now: Time) -> Option<&'static str> {
        let moment = Moment::now(now);
        let mut why = "its signer's certificate does not lead to the same root";
        for path in &signer.paths {
            if !self.root.is_some_and(|root| signs_lists(self.pool, &path.certificates, root, made, self.names)) {
                why = "its signer's certificate had no valid path when it was made";
                continue;
            }
            let own = path.certificates.iter().zip(&path.revocation).filter(|(index, _)| !self.path.contains(index));
            let told: Vec<_> = own.map(|(_, facts)| judge_certificate(facts, moment, self).status).collect();
            if told.contains(&RevocationStatus::Revoked) {
                why = "its signer's certificate is revoked";
            } else if told.contains(&RevocationStatus::Unknown) {
                why = "nothing says whether its signer's certificate is revoked";
            } else {
                return None;
            }
        }
        Some(why)
    }
}

/// Whether what was stamped before a revocation outlives it, as far as its reason goes. Somebody else's timestamp tells when a
/// signature was made. A time authority tells it itself, and whoever has stolen its key, or an issuer's of it, writes any
/// date: its tokens stay good only if the reason rules that out, and without a reason they do not. Source: RFC 3161 section 4.
fn outlived(entry: &RevokedEntry, own_word: bool) -> bool {
    // unspecified, affiliationChanged, superseded, cessationOfOperation
    !own_word || entry.reason.is_some_and(|reason| matches!(reason.0, 0 | 3 | 4 | 5))
}

/// A list must be time-valid now, whatever the moment that counts (`semantics.md` section 3.2); one that is out of date, or
/// does not say when it was made, is still believed for what it lists, because a listing is not undone, and never for its
/// silence.
fn judge_certificate(facts: &RevocationFacts, moment: Moment, signers: &Signers<'_, '_>) -> CertificateRevocation {
    let mut unusable = facts.unusable.clone();
    let mut usable = Vec::new();
    for list in &facts.lists {
        let refused = match list.this_update {
            Some(made) if made <= moment.now => {
                list.signer.as_ref().and_then(|signer| signers.refuse(signer, made, moment.now))
            }
            Some(_) => Some("it is not valid yet"),
            // Whether a delegate could sign then is not known either, and what names a later day is of a later day.
            None => {
                let past = |entry: RevokedEntry| entry.date.is_none_or(|date| date <= moment.now);
                let believed = list.signer.is_none() && list.entry.is_some_and(past);
                (!believed).then_some("it states no date")
            }
        };
        match refused {
            None => usable.push(list),
            Some(why) => unusable.push((list.source.clone(), why.to_owned())),
        }
    }
    let stale = |list: &ListFact| list.is_stale(moment.now);
    let silent: Vec<&ListFact> = usable.iter().copied().filter(|list| list.entry.is_none()).collect();
    let clear = cleared_by(silent.iter().copied().filter(|list| list.partial.is_none() && !stale(list)));
    let listed = last_word(&usable, clear, signers.own_word);
    // Other reasons may have an earlier date in another list.
    let current = || silent.iter().filter(|list| list.partial.is_none() && !stale(list));
    let covered = |list: &ListFact| current().fold(list.reasons, |sum, other| sum.or(other.reasons)) == Reasons::ALL;
    if let Some((list, entry)) = listed {
        // An entry without a readable date counts since ever: believing less is the safe side.
        let later = matches!((moment.timestamp, entry.date), (Some(stamp), Some(date)) if date > stamp);
        let undated = list.this_update.is_none();
        let status = match later && outlived(&entry, signers.own_word) {
            false => RevocationStatus::Revoked,
            true if undated || stale(list) || list.partial.is_some() || !covered(list) => RevocationStatus::Unknown,
            true => RevocationStatus::Good,
        };
        return verdict(status, Some(list), Some(entry), stale(list), unusable);
    }
    for (list, why) in silent.iter().filter_map(|list| Some((list, list.partial.as_ref()?))) {
        unusable.push((list.source.clone(), why.clone()));
    }
    if let Some(list) = clear {
        return verdict(RevocationStatus::Good, Some(list), None, false, unusable);
    }
    let some = silent.iter().filter(|list| list.partial.is_none() && list.reasons != Reasons::ALL);
    unusable.extend(some.map(|list| (list.source.clone(), "it covers some reasons only".to_owned())));
    let closest = silent.iter().copied().find(|list| list.partial.is_none() && list.reasons == Reasons::ALL);
    verdict(RevocationStatus::Unknown, closest, None, closest.is_some(), unusable)
}

/// The list whose silence clears: the latest that covers every reason, or, where only several together do, the oldest of
/// them, because no more is known than when it was made.
fn cleared_by<'f>(latest_first: impl Iterator<Item = &'f ListFact>) -> Option<&'f ListFact> {
    let mut together = Reasons::NONE;
    let mut oldest = None;
    for list in latest_first {
        if list.reasons == Reasons::ALL {
            return Some(list);
        }
        let more = together.or(list.reasons);
        if more != together {
            (together, oldest) = (more, Some(list));
        }
    }
    oldest.filter(|_| together == Reasons::ALL)
}

/// The entry that counts. A later list has the last word on what an earlier one says only where it could have said all of it:
/// of the same reasons at least, and complete. Of what stands, what no timestamp outlives counts, then the earliest date; a hold
/// stands until a list is silent. What is later than a list without a date is not known.
fn last_word<'f>(
    usable: &[&'f ListFact],
    clear: Option<&ListFact>,
    own_word: bool,
) -> Option<(&'f ListFact, RevokedEntry)> {
    let follows =
        |later: &ListFact, list: &ListFact| list.this_update.is_some() && later.this_update > list.this_update;
    let released = |list: &ListFact, entry: &RevokedEntry| {
        entry.reason == Some(RevocationReason::HOLD) && clear.is_some_and(|clear| follows(clear, list))
    };
    let naming = usable.iter().filter_map(|list| Some((*list, list.entry?)));
    let naming: Vec<(&ListFact, RevokedEntry)> = naming.filter(|(list, entry)| !released(list, entry)).collect();
    let outdated = |list: &ListFact| {
        naming.iter().any(|(later, _)| {
            follows(later, list) && later.partial.is_none() && later.reasons.or(list.reasons) == later.reasons
        })
    };
    let standing = naming.iter().filter(|(list, _)| !outdated(list));
    let rank = |(list, entry): &&(&ListFact, RevokedEntry)| {
        (outlived(entry, own_word), entry.date, list.source.kind == ListKind::DeltaCrl)
    };
    standing.min_by_key(rank).copied()
}

fn verdict(
    status: RevocationStatus,
    list: Option<&ListFact>,
    entry: Option<RevokedEntry>,
    stale: bool,
    unusable: Vec<(ListSource, String)>,
) -> CertificateRevocation {
    CertificateRevocation {
        status,
        source: list.map(|list| list.source.clone()),
        this_update: list.and_then(|list| list.this_update),
        next_update: list.and_then(|list| list.next_update.time()),
        stale,
        entry,
        unusable,
    }
}
