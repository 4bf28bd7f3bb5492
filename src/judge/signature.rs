//! One signature judged: its timestamps first, because they set the moment, then everything else.

use crate::asn1::{Time, oids};
use crate::crypto::Verification;
use crate::verify::{
    AttributeFault, ContentFacts, DigestFact, SignatureFacts, TimestampFacts, TimestampFault, TimestampKind,
};

use super::Policy;
use super::chain::{ChainVerdict, Moment, Purpose, judge_paths};
use super::revocation::RevocationStatus;
use super::table::{Reason, Status, first_in_table};

/// The verdict on one timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampVerdict {
    /// Intact and from an authority that was trusted for stamping time at the stated time.
    pub usable: bool,
    /// The authority's chain.
    pub chain: ChainVerdict,
}

/// The timestamp that sets the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChosenTimestamp {
    /// Index in the signature's timestamps.
    pub index: usize,
    /// Its time.
    pub time: Time,
}

/// The verdict on one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureVerdict {
    /// Status.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// All other reasons that hold, in table order.
    pub other_reasons: Vec<Reason>,
    /// The signature over these bytes holds, whatever the trust: digest and SignerInfo signature.
    pub holds: bool,
    /// The signer's chain.
    pub chain: Option<ChainVerdict>,
    /// Timestamps, as in the facts.
    pub timestamps: Vec<TimestampVerdict>,
    /// The timestamp in use.
    pub timestamp: Option<ChosenTimestamp>,
}

/// What the container says of the signature's place in the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout {
    /// The certificate table does not end the file, as Windows wants it to (MS12-024), or a part of the image lies in it.
    pub table_inside: bool,
    /// The place of the signature is not as the format demands; the signature was salvaged to be shown.
    pub malformed: bool,
}

/// Judges one signature.
#[must_use]
pub fn judge_signature(facts: &SignatureFacts<'_>, layout: Layout, policy: &Policy) -> SignatureVerdict {
    let Some(content) = &facts.content else {
        return verdict(vec![Reason::Malformed], false, None, Vec::new(), None);
    };
    let timestamps: Vec<TimestampVerdict> =
        content.timestamps.iter().map(|stamp| judge_timestamp(stamp, policy)).collect();
    let chosen = choose(&content.timestamps, &timestamps);
    let timestamp = chosen.map(|stamp| stamp.time);
    let moment = Moment { at: timestamp.unwrap_or(policy.now), now: policy.now, timestamp };
    let mut reasons = intact(content);
    if facts.over_budget {
        // What was not verified is neither good nor bad; only a digest that differs is certain.
        reasons.retain(|reason| *reason == Reason::BadDigest);
        if reasons.is_empty() {
            return verdict(vec![Reason::Limit], false, None, timestamps, None);
        }
    }
    // A table that is not behind everything else takes what lies in its place out of the digest.
    let holds = reasons.is_empty() && !layout.malformed && !layout.table_inside;
    if layout.malformed {
        reasons.push(Reason::Malformed);
    }
    if layout.table_inside && !reasons.iter().any(|reason| matches!(reason, Reason::BadDigest | Reason::BadAlgorithm)) {
        reasons.push(Reason::Malformed);
    }
    if content.body.unsound.is_some() && !reasons.contains(&Reason::Malformed) {
        reasons.push(Reason::Malformed);
    }
    if policy.strict_padding && facts.tail.first_nonzero.is_some() {
        reasons.push(Reason::CertPadding);
    }
    let chain = content
        .certificate
        .map(|_| judge_paths(&content.pool, &content.paths, Purpose::CodeSigning, moment, &policy.rules));
    if let Some(chain) = &chain {
        // A search that ran out of budget says nothing about a signature that is broken anyway.
        reasons.extend(chain.reasons.iter().copied().filter(|reason| holds || *reason != Reason::Limit));
    }
    if let (Some(chain), true) = (&chain, policy.require_revocation) {
        let known = matches!(chain.revocation, Some((RevocationStatus::Good | RevocationStatus::Revoked, _)));
        reasons.extend((!known).then_some(Reason::RevocationUnknown));
    }
    reasons.extend(lifetime(content, policy.now));
    if chosen.is_none() && !content.timestamps.is_empty() {
        let expired = reasons.iter().any(|reason| reason.status() == Status::Expired);
        reasons.extend(unusable_timestamp(&content.timestamps));
        let uncertain = !expired && is_unsupported(&content.timestamps, &timestamps);
        reasons.extend(uncertain.then_some(Reason::UnsupportedAlgorithm));
        // An authority whose search was cut short, or whose chain cannot be computed here, is neither trusted nor untrusted.
        let mut searches = content.timestamps.iter().zip(&timestamps).filter(|(facts, _)| facts.fault.is_none());
        let cut = searches.any(|(_, stamp)| stamp.chain.reasons.contains(&Reason::Limit));
        reasons.extend((cut && holds).then_some(Reason::Limit));
    }
    verdict(reasons, holds, chain, timestamps, chosen)
}

fn verdict(
    reasons: Vec<Reason>,
    holds: bool,
    chain: Option<ChainVerdict>,
    timestamps: Vec<TimestampVerdict>,
    timestamp: Option<ChosenTimestamp>,
) -> SignatureVerdict {
    let (reason, other_reasons) = first_in_table(reasons);
    SignatureVerdict { status: reason.status(), reason, other_reasons, holds, chain, timestamps, timestamp }
}

/// What breaks the signature itself: digest, attributes, the signer's key.
fn intact(content: &ContentFacts<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    match content.digest {
        DigestFact::Match | DigestFact::Inside => {}
        DigestFact::Mismatch => reasons.push(Reason::BadDigest),
        DigestFact::Refused(_) => reasons.push(Reason::BadAlgorithm),
        DigestFact::Unknown => reasons.push(Reason::UnsupportedAlgorithm),
    }
    match content.signer.attributes {
        Ok(()) => {}
        Err(AttributeFault::UnknownDigest) => reasons.push(Reason::UnsupportedAlgorithm),
        Err(_) => reasons.push(Reason::SignerSignature),
    }
    match content.signer.signature {
        None => reasons.push(Reason::NoSignerCert),
        Some(Verification::Good(_)) => {}
        Some(Verification::Bad) => reasons.push(Reason::SignerSignature),
        Some(Verification::Unsupported(_)) => reasons.push(Reason::UnsupportedAlgorithm),
        Some(Verification::Refused(_)) => reasons.push(Reason::BadAlgorithm),
    }
    reasons
}

/// A signer with the lifetime-signing usage asks that its signatures die with its certificate, timestamp or
/// not. Source: Microsoft Authenticode PE format, "Time Stamping"; `wincrypt.h`, szOID_KP_LIFETIME_SIGNING.
fn lifetime(content: &ContentFacts<'_>, now: Time) -> Option<Reason> {
    let signer = content.certificate.and_then(|index| content.pool.certificate(index))?;
    let asks = signer.extended_key_usage()?.contains(&oids::EKU_LIFETIME_SIGNING);
    (asks && signer.not_after.is_none_or(|end| now > end)).then_some(Reason::LifetimeExpired)
}

/// A timestamp is judged at its own time. Its authority's later expiry or loss of trust takes nothing back.
fn judge_timestamp(facts: &TimestampFacts<'_>, policy: &Policy) -> TimestampVerdict {
    let chain = match facts.time {
        Some(time) if facts.certificate.is_some() => {
            let moment = Moment { at: time, now: policy.now, timestamp: Some(time) };
            judge_paths(&facts.pool, &facts.paths, Purpose::TimeStamping, moment, &policy.rules)
        }
        _ => ChainVerdict::pathless(),
    };
    TimestampVerdict { usable: facts.fault.is_none() && chain.is_trusted(), chain }
}

/// A usable RFC 3161 token goes before a usable counter-signature; among equals the earliest counts.
fn choose(facts: &[TimestampFacts<'_>], verdicts: &[TimestampVerdict]) -> Option<ChosenTimestamp> {
    let usable = facts.iter().zip(verdicts).enumerate().filter(|(_, (_, verdict))| verdict.usable);
    usable
        .filter_map(|(index, (facts, _))| facts.time.map(|time| (facts.kind == TimestampKind::Pkcs9, time, index)))
        .min()
        .map(|(_, time, index)| ChosenTimestamp { index, time })
}

/// Timestamps are there and none is usable. On a signer that is out of its validity the status is `Expired`
/// by its own row. On one that still is valid a broken timestamp is worse than an intact, untrusted one, and none of the
/// two is said where all that is wrong is that sigscan cannot compute it.
fn unusable_timestamp(facts: &[TimestampFacts<'_>]) -> Option<Reason> {
    let intact = facts.iter().any(|facts| facts.fault.is_none());
    let unsupported = facts.iter().any(|facts| matches!(facts.fault, Some(TimestampFault::Unsupported(_))));
    match (intact, unsupported) {
        (true, _) => Some(Reason::TimestampUntrusted),
        (false, true) => None,
        (false, false) => Some(Reason::TimestampInvalid),
    }
}

/// Whether one of the timestamps, or the chain of its authority, rests on what cannot be computed here, so that Windows might
/// find it usable. That makes no expired signer anything else: what is not verified extends nothing.
fn is_unsupported(facts: &[TimestampFacts<'_>], verdicts: &[TimestampVerdict]) -> bool {
    facts.iter().zip(verdicts).any(|(facts, verdict)| match facts.fault {
        None => verdict.chain.reasons.first() == Some(&Reason::UnsupportedAlgorithm),
        Some(fault) => matches!(fault, TimestampFault::Unsupported(_)),
    })
}
