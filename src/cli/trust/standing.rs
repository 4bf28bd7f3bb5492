//! What a root is trusted for, and in words why not for more.
//!
//! The rules are those by which chains are judged (`judge::chain`; Microsoft's "Deprecation Definitions"); here they are
//! asked of the root alone, without a chain below it.

use super::args::Usage;
use crate::asn1::Time;
use crate::trust::{Limit, LimitDate, OidList, Root};

/// Since when a dated property holds for a usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// Without a date: always.
    Ever,
    /// From this moment on.
    At(Time),
}

/// A limit as far as it is about one usage.
pub(super) fn limit_for(limit: &Limit<'_>, usage: Usage) -> Option<Since> {
    let named = limit.usages.map(|list| names(list, usage));
    match limit.date {
        LimitDate::At(date) => named.unwrap_or(true).then_some(Since::At(date)),
        LimitDate::Absent => named.unwrap_or(false).then_some(Since::Ever),
        LimitDate::Cleared => None,
    }
}

fn names(list: OidList<'_>, usage: Usage) -> bool {
    usage.oids().iter().any(|oid| list.contains(oid))
}

/// Whether the programme lists the usage for this root.
pub(super) fn allows(root: &Root<'_>, usage: Usage) -> bool {
    let any = |list: OidList<'_>| names(list, usage) || list.contains(crate::asn1::oids::EKU_ANY);
    root.built_in || root.usages.is_none_or(any)
}

/// Whether a date limits the root for this usage.
pub(super) fn limited(root: &Root<'_>, usage: Usage) -> bool {
    !root.built_in && (limit_for(&root.not_before_limit, usage).is_some() || limit_for(&root.disabled, usage).is_some())
}

/// Whether something that is signed at this moment, by a certificate that is old enough, is trusted.
pub(super) fn trusted_at(root: &Root<'_>, usage: Usage, at: Time) -> bool {
    let valid = matches!((root.not_before, root.not_after), (Some(from), Some(to)) if from <= at && at <= to);
    let disabled = match limit_for(&root.disabled, usage) {
        None => false,
        Some(Since::Ever) => true,
        Some(Since::At(date)) => at >= date,
    };
    let none_issued = limit_for(&root.not_before_limit, usage) == Some(Since::Ever);
    valid && allows(root, usage) && (root.built_in || !(disabled || none_issued))
}

/// What the root is trusted for at this moment, as sentences: a verdict, and what limits it.
pub(super) fn sentences(root: &Root<'_>, usage: Usage, at: Time) -> Vec<String> {
    let name = usage.name();
    let ended = root.not_after.is_none_or(|end| at > end);
    let end = root.not_after.map_or_else(|| "an unreadable date".to_owned(), Time::to_rfc3339);
    let over = || format!("Its certificate ended on {end}: only what was timestamped before counts.");
    if root.built_in {
        let mut said = vec![format!("Trusted for {name}: it is built into Windows, and exempt from usages and dates.")];
        said.extend(ended.then(over));
        return said;
    }
    if !allows(root, usage) {
        return vec![format!(
            "Not trusted for {name}: the root programme does not list that usage, whatever the time."
        )];
    }
    let mut limits = Vec::new();
    match limit_for(&root.not_before_limit, usage) {
        Some(Since::Ever) => limits.push("No certificate below it is trusted, whenever it was issued.".to_owned()),
        Some(Since::At(date)) => {
            limits.push(format!("Certificates issued from {date} on are not trusted; older ones are."));
        }
        None => {}
    }
    match limit_for(&root.disabled, usage) {
        Some(Since::Ever) => limits.push("It is disabled, whenever something was signed.".to_owned()),
        Some(Since::At(date)) => {
            let yet = if at < date { "will be disabled" } else { "is disabled" };
            limits.push(format!("It {yet} from {date} on: only signatures with a timestamp from before count then."));
        }
        None => {}
    }
    limits.extend(ended.then(over));
    if root.not_before.is_none_or(|start| at < start) {
        limits.push("Its certificate is not valid yet.".to_owned());
    }
    let verdict = match (trusted_at(root, usage, at), limits.is_empty()) {
        (true, true) => format!("Trusted for {name}, without limits."),
        (true, false) => format!("Trusted for {name}, within limits."),
        (false, _) => format!("Not trusted for {name} made now."),
    };
    std::iter::once(verdict).chain(limits).collect()
}
