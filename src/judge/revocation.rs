//! What revocation lists mean for one certificate at the moment that counts.

use crate::asn1::Time;
use crate::verify::{CrlSource, ListFact, Path, PathEnd, RevocationFacts};
use crate::x509::crl::{RevocationReason, RevokedEntry};

use super::chain::Moment;

/// What is known of a certificate's revocation, once somebody asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationStatus {
    /// Not revoked at the moment that counts, by a complete and current list.
    Good,
    /// Revoked at the moment that counts.
    Revoked,
    /// No list answers.
    Unknown,
}

/// The verdict on one certificate's revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRevocation {
    /// The verdict.
    pub status: RevocationStatus,
    /// The list that it rests on, or that came closest.
    pub source: Option<CrlSource>,
    /// When that list was made.
    pub this_update: Option<Time>,
    /// When its successor was due.
    pub next_update: Option<Time>,
    /// Its successor is overdue.
    pub stale: bool,
    /// Its entry for the certificate: with [`RevocationStatus::Good`], one that came after the timestamp.
    pub entry: Option<RevokedEntry>,
    /// Lists of the issuer's name that could not be used, or not for this, and why.
    pub unusable: Vec<(CrlSource, String)>,
}

/// certificateHold, the one reason that an issuer takes back.
const HOLD: RevocationReason = RevocationReason(6);

/// Judges the certificates of a path below its root; `None` when nobody asked.
pub(super) fn judge_revocation(path: &Path<'_>, moment: Moment) -> Option<Vec<CertificateRevocation>> {
    Some(path.revocation.as_ref()?.iter().map(|facts| judge_certificate(facts, moment)).collect())
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

/// A list must be time-valid now, whatever the moment that counts (`semantics.md` section 3.2); one that is out of date
/// is still believed for what it lists, because a listing is not undone, and never for its silence.
fn judge_certificate(facts: &RevocationFacts, moment: Moment) -> CertificateRevocation {
    let mut unusable = facts.unusable.clone();
    let mut usable = Vec::new();
    for list in &facts.lists {
        match list.this_update {
            Some(made) if made <= moment.now => usable.push(list),
            Some(_) => unusable.push((list.source.clone(), "it is not valid yet".to_owned())),
            None => unusable.push((list.source.clone(), "it states no date".to_owned())),
        }
    }
    let stale = |list: &ListFact| list.next_update.is_stale(moment.now);
    let silent = || usable.iter().copied().filter(|list| list.entry.is_none());
    let clear = silent().find(|list| list.partial.is_none() && !stale(list));
    let listed = last_word(&usable).filter(|(list, entry)| {
        let released = clear.is_some_and(|clear| clear.this_update > list.this_update);
        !(released && entry.reason == Some(HOLD))
    });
    if let Some((list, entry)) = listed {
        // An entry without a readable date counts since ever: believing less is the safe side.
        let later = matches!((moment.timestamp, entry.date), (Some(stamp), Some(date)) if date > stamp);
        let status = match later {
            false => RevocationStatus::Revoked,
            true if stale(list) || list.partial.is_some() => RevocationStatus::Unknown,
            true => RevocationStatus::Good,
        };
        return verdict(status, Some(list), Some(entry), stale(list), unusable);
    }
    for (list, why) in silent().filter_map(|list| Some((list, list.partial.as_ref()?))) {
        unusable.push((list.source.clone(), why.clone()));
    }
    if let Some(list) = clear {
        return verdict(RevocationStatus::Good, Some(list), None, false, unusable);
    }
    let closest = silent().find(|list| list.partial.is_none());
    verdict(RevocationStatus::Unknown, closest, None, closest.is_some(), unusable)
}

/// The entry of the latest list that names the certificate; of lists made at one moment, the earliest date.
fn last_word<'f>(latest_first: &[&'f ListFact]) -> Option<(&'f ListFact, RevokedEntry)> {
    let mut naming = latest_first.iter().filter_map(|list| Some((*list, list.entry?)));
    let first = naming.next()?;
    naming.take_while(|(list, _)| list.this_update == first.0.this_update).chain([first]).min_by_key(|(_, e)| e.date)
}

fn verdict(
    status: RevocationStatus,
    list: Option<&ListFact>,
    entry: Option<RevokedEntry>,
    stale: bool,
    unusable: Vec<(CrlSource, String)>,
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
