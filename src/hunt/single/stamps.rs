//! What the file's own dates say against those of its signature.

use serde_json::json;

use super::{FileFacts, finding};
use crate::asn1::Time;
use crate::record::{Finding, Severity};
use crate::verify::DigestFact;

/// A day, in seconds: clocks of build machines and of time authorities may differ, and zones be mistaken.
const DAY: i64 = 86_400;

/// The earliest time that a verified timestamp of the deciding signature states.
fn stamped(facts: &FileFacts<'_>) -> Option<Time> {
    let (signature, shown) = facts.deciding()?;
    let stamps = signature.content.as_ref()?.timestamps.iter().zip(&shown.timestamps);
    stamps.filter(|(_, shown)| shown.verified).filter_map(|(facts, _)| facts.time).min()
}

/// S103: by its header the file was built after it was signed.
pub(super) fn signed_before_built(facts: &FileFacts<'_>) -> Option<Finding> {
    let signed = stamped(facts)?;
    let built = facts.built().filter(|built| built.0 > signed.0.saturating_add(DAY))?;
    let content = facts.deciding()?.0.content.as_ref()?;
    let severity = if content.digest == DigestFact::Match { Severity::Low } else { Severity::High };
    let evidence = [
        ("built", json!(built.to_rfc3339())),
        ("signed", json!(signed.to_rfc3339())),
        ("days", json!(built.0.saturating_sub(signed.0) / DAY)),
    ];
    finding("S103", Some(severity), &evidence)
}

/// 2015-07-29: Windows loads drivers whose signer's certificate is older without Microsoft's own signature.
const KERNEL_POLICY: Time = Time(1_438_128_000);

/// S119: a driver signed under an old certificate by somebody who set a clock back.
pub(super) fn backdated_driver(facts: &FileFacts<'_>) -> Option<Finding> {
    facts.pe.filter(|pe| !pe.driver_signs().is_empty())?;
    let leaf = facts.leaf()?;
    let end = leaf.not_after.filter(|end| *end < facts.now)?;
    leaf.not_before.filter(|start| *start < KERNEL_POLICY)?;
    let (signature, shown) = facts.deciding()?;
    let later = latest_stamp(facts).filter(|built| *built > end);
    // An authority cannot have confirmed a time before it had its certificate.
    let young = signature.content.as_ref()?.timestamps.iter().find_map(|stamp| {
        let authority = stamp.pool.certificate(stamp.certificate?)?;
        Some((stamp.time?, authority.not_before?)).filter(|(time, start)| time < start)
    });
    let verified = shown.timestamps.iter().any(|stamp| stamp.verified);
    let mut reasons = Vec::new();
    if later.is_some() {
        reasons.push("built-after-certificate");
    }
    if young.is_some() {
        reasons.push("authority-younger-than-time");
    }
    if !verified {
        reasons.push(if shown.timestamps.is_empty() { "no-timestamp" } else { "timestamp-not-verified" });
    }
    let severity = match reasons.as_slice() {
        [] => return None,
        ["no-timestamp"] => Severity::Medium,
        _ => Severity::High,
    };
    let evidence = [
        ("reasons", json!(reasons)),
        ("not_before", json!(leaf.not_before.map(Time::to_rfc3339))),
        ("not_after", json!(end.to_rfc3339())),
        ("built", json!(latest_stamp(facts).map(Time::to_rfc3339))),
        ("stated", json!(shown.timestamps.first().and_then(|stamp| stamp.time.as_ref()))),
    ];
    finding("S119", Some(severity), &evidence)
}

/// The latest moment that the header or the debug directory states, unless those are no times.
fn latest_stamp(facts: &FileFacts<'_>) -> Option<Time> {
    let debug = &facts.remains.debug;
    let stamps = debug.stamps.iter().filter(|_| !debug.reproducible).map(|stamp| Time(i64::from(*stamp)));
    facts.built().into_iter().chain(stamps.filter(|stamp| facts.is_plausible(*stamp))).max()
}
