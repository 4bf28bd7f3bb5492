//! One signature judged: its timestamps first, because they set the moment, then everything else.

use crate::asn1::{Time, oids};
use crate::crypto::Verification;
use crate::verify::{
    AttributeFault, ContentFacts, DigestFact, SignatureFacts, TimestampFacts, TimestampFault, TimestampKind,
};

use super::Policy;
use super::chain::{ChainVerdict, Moment, Purpose, judge_paths, would_be_trusted};
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
    let moment = match chosen.and_then(|chosen| content.timestamps.get(chosen.index)) {
        Some(stamp) => stated(stamp, policy),
        None => Moment::now(policy.now),
    };
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
    let pairs = || content.timestamps.iter().zip(&timestamps);
    let sound = reasons.is_empty();
    // The budget may have ended behind a timestamp that is usable: one that was not looked at could be the better one.
    let cut = facts.timestamps_over_budget || (chosen.is_none() && pairs().any(is_cut));
    let only_chain = chain.as_ref().filter(|chain| chain.reasons == reasons);
    let open = sound
        || only_chain.is_some_and(|chain| could_lift(chain, content, pairs().filter(|pair| is_cut(*pair)), policy));
    reasons.extend((cut && open).then_some(Reason::Limit));
    if chosen.is_none() && pairs().next().is_some() {
        reasons.extend((sound && pairs().any(is_uncomputable)).then_some(Reason::UnsupportedAlgorithm));
        reasons.extend(unusable_timestamp(pairs()));
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

/// The moment that a timestamp states.
fn stated(stamp: &TimestampFacts<'_>, policy: &Policy) -> Moment {
    Moment {
        at: stamp.time.unwrap_or(policy.now),
        later: stamp.later && stamp.time.is_some(),
        now: policy.now,
        timestamp: stamp.time,
    }
}

/// A timestamp is judged at its own time. Its authority's later expiry or loss of trust takes nothing back.
fn judge_timestamp(facts: &TimestampFacts<'_>, policy: &Policy) -> TimestampVerdict {
    let chain = match facts.time {
        Some(_) if facts.certificate.is_some() => {
            judge_paths(&facts.pool, &facts.paths, Purpose::TimeStamping, stated(facts, policy), &policy.rules)
        }
        _ => ChainVerdict::pathless(),
    };
    TimestampVerdict { usable: facts.fault.is_none() && chain.is_trusted(), chain }
}

/// A usable RFC 3161 token goes before a usable counter-signature; among equals the earliest counts.
fn choose(facts: &[TimestampFacts<'_>], verdicts: &[TimestampVerdict]) -> Option<ChosenTimestamp> {
    let usable = facts.iter().zip(verdicts).enumerate().filter(|(_, (_, verdict))| verdict.usable);
    usable
        .filter_map(|(index, (facts, _))| {
            facts.time.map(|time| (facts.kind == TimestampKind::Pkcs9, time, facts.later, index))
        })
        .min()
        .map(|(_, time, _, index)| ChosenTimestamp { index, time })
}

// Nobody signs what timestamps stand in a signature, so whoever has the file adds any. Therefore:
//
// * A timestamp cures nothing but time. Where anything else is wrong (digest, chain, usage, distrust), none is asked for, and
//   no timestamp, whatever it is, makes that better known or less certain.
// * One that was looked at and cannot be computed here extends no life, as any other that is not verified: expired, revoked or
//   disabled stays what it is. Only on a signer with whom nothing is wrong it decides, because all that is left to say would be
//   that the timestamp is broken, and that is not known. For that its authority has to be one that Windows might accept:
//   anybody can name an algorithm that nobody knows, and nobody but an authority has a chain to a trusted root.
// * One that was not looked at, because the budget of work ended or the search for its authority's chain was cut short, may be
//   an ordinary one. Where it would make everything right, if it were sound, nothing is said but the limit; revoked is said
//   all the same, because who was revoked has to prove that he signed before.

/// A timestamp with its verdict.
type Stamp<'s, 'a> = (&'s TimestampFacts<'a>, &'s TimestampVerdict);

/// Timestamps are there and none is usable. On a signer that is out of its validity the status is `Expired`
/// by its own row. On one that still is valid a broken timestamp is worse than an intact, untrusted one, and none of the
/// two is said where all that is wrong is that sigscan cannot compute it, or was not allowed to.
fn unusable_timestamp<'s, 'a: 's>(stamps: impl Iterator<Item = Stamp<'s, 'a>> + Clone) -> Option<Reason> {
    let broken = |fault| !matches!(fault, TimestampFault::Unsupported(_) | TimestampFault::OverBudget);
    let any = |is: &dyn Fn(Stamp<'s, 'a>) -> bool| stamps.clone().any(is);
    match () {
        () if any(&|(facts, _)| facts.fault.is_none()) => Some(Reason::TimestampUntrusted),
        () if any(&|stamp| is_uncomputable(stamp) || is_cut(stamp)) => None,
        () if any(&|(facts, _)| facts.fault.is_some_and(broken)) => Some(Reason::TimestampInvalid),
        // Of none it is known whether it is intact, and no authority is trusted.
        () => Some(Reason::TimestampUntrusted),
    }
}

/// Whether Windows might find a timestamp usable that rests, itself or by its authority's chain, on what cannot be computed
/// here: all that can be said against the chain is the same.
fn is_uncomputable((facts, verdict): Stamp<'_, '_>) -> bool {
    let chain = &verdict.chain;
    let possible = chain.path.is_some() && chain.reasons.iter().all(|reason| *reason == Reason::UnsupportedAlgorithm);
    match facts.fault {
        None => possible && !chain.reasons.is_empty(),
        Some(fault) => possible && matches!(fault, TimestampFault::Unsupported(_)),
    }
}

/// Whether a timestamp, or the chain of its authority, was not looked at to the end.
fn is_cut((facts, verdict): Stamp<'_, '_>) -> bool {
    match facts.fault {
        Some(TimestampFault::OverBudget) => true,
        None | Some(TimestampFault::Unsupported(_)) => verdict.chain.reasons.contains(&Reason::Limit),
        Some(_) => false,
    }
}

/// Whether one of these timestamps would leave nothing wrong with the signer's chain, if it were usable.
fn could_lift<'s, 'a: 's>(
    chain: &ChainVerdict,
    content: &ContentFacts<'_>,
    mut stamps: impl Iterator<Item = Stamp<'s, 'a>>,
    policy: &Policy,
) -> bool {
    let lifts = |(facts, _): Stamp<'s, 'a>| {
        facts.time.is_some() && would_be_trusted(&content.pool, &content.paths, stated(facts, policy), &policy.rules)
    };
    !chain.reasons.contains(&Reason::CertRevoked) && stamps.any(lifts)
}
