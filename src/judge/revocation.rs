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

/// Judges the certificates of a path below its root; `None` when nobody asked.
pub(super) fn judge_revocation(
    pool: &Pool<'_>,
    path: &Path<'_>,
    moment: Moment,
    names: &NameBudget,
) -> Option<Vec<CertificateRevocation>> {
    let root = match path.end {
        PathEnd::Anchor { root, .. } => Some(root),
        _ => None,
    };
    let signers = Signers { pool, root, path: &path.certificates, names };
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
    /// The certificates of the path, whose revocation is judged with it.
    path: &'s [usize],
}

impl Signers<'_, '_> {
    /// Whether a delegate counts: one of its paths was sound when it made the list, and nothing on it is revoked. Its
    /// own facts hold no delegates, so this goes one level deep.
    fn refuse(&self, signer: &ListSigner, made: Time, now: Time) -> Option<&'static str> {
        let moment = Moment { at: now, now, timestamp: None };
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

/// A list must be time-valid now, whatever the moment that counts (`semantics.md` section 3.2); one that is out of date
/// is still believed for what it lists, because a listing is not undone, and never for its silence.
fn judge_certificate(facts: &RevocationFacts, moment: Moment, signers: &Signers<'_, '_>) -> CertificateRevocation {
    let mut unusable = facts.unusable.clone();
    let mut usable = Vec::new();
    for list in &facts.lists {
        let refused = match list.this_update {
            Some(made) if made <= moment.now => {
                list.signer.as_ref().and_then(|signer| signers.refuse(signer, made, moment.now))
            }
            Some(_) => Some("it is not valid yet"),
            None => Some("it states no date"),
        };
        match refused {
            None => usable.push(list),
            Some(why) => unusable.push((list.source.clone(), why.to_owned())),
        }
    }
    let stale = |list: &ListFact| list.is_stale(moment.now);
    let silent: Vec<&ListFact> = usable.iter().copied().filter(|list| list.entry.is_none()).collect();
    let clear = cleared_by(silent.iter().copied().filter(|list| list.partial.is_none() && !stale(list)));
    let listed = last_word(&usable, clear);
    // Other reasons may have an earlier date in another list.
    let current = || silent.iter().filter(|list| list.partial.is_none() && !stale(list));
    let covered = |list: &ListFact| current().fold(list.reasons, |sum, other| sum.or(other.reasons)) == Reasons::ALL;
    if let Some((list, entry)) = listed {
        // An entry without a readable date counts since ever: believing less is the safe side.
        let later = matches!((moment.timestamp, entry.date), (Some(stamp), Some(date)) if date > stamp);
        let status = match later {
            false => RevocationStatus::Revoked,
            true if stale(list) || list.partial.is_some() || !covered(list) => RevocationStatus::Unknown,
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
/// of the same reasons at least, and complete. Of what stands, the earliest date counts; a hold stands until a list is silent.
fn last_word<'f>(usable: &[&'f ListFact], clear: Option<&ListFact>) -> Option<(&'f ListFact, RevokedEntry)> {
    let released = |list: &ListFact, entry: &RevokedEntry| {
        entry.reason == Some(RevocationReason::HOLD) && clear.is_some_and(|clear| clear.this_update > list.this_update)
    };
    let naming = usable.iter().filter_map(|list| Some((*list, list.entry?)));
    let naming: Vec<(&ListFact, RevokedEntry)> = naming.filter(|(list, entry)| !released(list, entry)).collect();
    let outdated = |list: &ListFact| {
        naming.iter().any(|(later, _)| {
            later.this_update > list.this_update
                && later.partial.is_none()
                && later.reasons.or(list.reasons) == later.reasons
        })
    };
    let standing = naming.iter().filter(|(list, _)| !outdated(list));
    standing.min_by_key(|(list, entry)| (entry.date, list.source.kind == ListKind::DeltaCrl)).copied()
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
