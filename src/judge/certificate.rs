//! A certificate by itself: whether a chain of it is trusted for a purpose.

use crate::verify::{Paths, Pool};

use super::Policy;
use super::chain::{ChainVerdict, Moment, Purpose, judge_paths};
use super::revocation::RevocationStatus;
use super::rules::Rules;
use super::table::{Reason, Status, first_in_table};

/// The verdict on one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateVerdict {
    /// Status; `Valid` is trusted.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// All other reasons that hold, in table order.
    pub other_reasons: Vec<Reason>,
    /// Its chain.
    pub chain: ChainVerdict,
}

/// Judges the paths of a certificate as of the policy's moment. Revocation counts for every purpose: Windows ignores
/// that of a time authority only for the sake of what was signed with it.
#[must_use]
pub fn judge_certificate(
    pool: &Pool<'_>,
    paths: &Paths<'_>,
    purpose: Purpose,
    over_budget: bool,
    policy: &Policy,
) -> CertificateVerdict {
    let rules = Rules { time_authority_revocation: true, ..policy.rules.clone() };
    let chain = judge_paths(pool, paths, purpose, Moment::now(policy.now), &rules);
    let mut reasons = chain.reasons.clone();
    if over_budget && !reasons.is_empty() {
        reasons = vec![Reason::Limit];
    }
    let known = matches!(chain.revocation, Some((RevocationStatus::Good | RevocationStatus::Revoked, _)));
    reasons.extend((policy.require_revocation && !known).then_some(Reason::RevocationUnknown));
    let (reason, other_reasons) = first_in_table(reasons);
    CertificateVerdict { status: reason.status(), reason, other_reasons, chain }
}
