//! Certificate policies: RFC 5280 section 6.1 over a graph whose size is bounded by the certificates' own.
//!
//! The standard describes a tree, which mappings can make grow exponentially with the length of a path (CVE-2023-0464).
//! Here every level holds each policy once, with the policies of the level above that it comes from; equal nodes of the
//! tree are one node, and nothing recurs.

use std::collections::{BTreeMap, BTreeSet};

use crate::asn1::{Oid, oid_from_text, oids};
use crate::x509::{Certificate, Unreadable};

/// The initial settings of policy processing (RFC 5280 section 6.1.1). The default demands nothing: any policy will do
/// and none is needed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitialPolicies {
    /// user-initial-policy-set, content octets of OBJECT IDENTIFIERs; empty is any-policy.
    pub acceptable: BTreeSet<Vec<u8>>,
    /// initial-explicit-policy: the path must be valid for an acceptable policy.
    pub explicit: bool,
    /// initial-policy-mapping-inhibit.
    pub inhibit_mapping: bool,
    /// initial-any-policy-inhibit.
    pub inhibit_any: bool,
}

impl InitialPolicies {
    /// Adds an acceptable policy in dotted decimal form; false when it is none.
    #[must_use]
    pub fn accept(&mut self, dotted: &str) -> bool {
        let octets = oid_from_text(dotted);
        octets.is_some_and(|octets| {
            self.acceptable.insert(octets);
            true
        })
    }
}

/// Policies that hold at one depth of the path.
#[derive(Debug, Default)]
struct Level<'a> {
    /// Each policy with the policies of the level above that it comes from; none means that it comes from anyPolicy.
    nodes: BTreeMap<Oid<'a>, BTreeSet<Oid<'a>>>,
    /// Whether anyPolicy holds too.
    any: bool,
}

impl Level<'_> {
    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && !self.any
    }
}

/// The state variables of RFC 5280 section 6.1.2: certificates that may follow before each comes into force.
#[derive(Debug, Clone, Copy)]
struct Counters {
    explicit_policy: u32,
    policy_mapping: u32,
    inhibit_any: u32,
}

/// Processes the policies of the certificates below the root, the end entity first.
///
/// # Errors
/// The position of the certificate at which the path fails.
pub(super) fn check_policies(subjects: &[&Certificate<'_>], initial: &InitialPolicies) -> Result<(), usize> {
    let start = |inhibited: bool| if inhibited { 0 } else { u32::MAX };
    let mut counters = Counters {
        explicit_policy: start(initial.explicit),
        policy_mapping: start(initial.inhibit_mapping),
        inhibit_any: start(initial.inhibit_any),
    };
    let mut levels: Vec<Level<'_>> = Vec::with_capacity(subjects.len());
    let mut expected = Level { nodes: BTreeMap::new(), any: true };
    for (position, certificate) in subjects.iter().enumerate().rev() {
        let failed = |_: Unreadable| position;
        let end_entity = position == 0;
        let self_issued = certificate.is_self_issued();
        let any_allowed = counters.inhibit_any > 0 || (!end_entity && self_issued);
        let mut level = with_policies(expected, certificate, any_allowed).map_err(failed)?;
        if level.is_empty() && counters.explicit_policy == 0 {
            return Err(position);
        }
        if end_entity {
            wrap_up(&mut counters, certificate).map_err(failed)?;
            expected = Level::default();
        } else {
            expected = map(&mut level, certificate, counters.policy_mapping > 0).map_err(failed)?;
            prepare(&mut counters, certificate, self_issued).map_err(failed)?;
        }
        levels.push(level);
    }
    if counters.explicit_policy > 0 || is_acceptable(&levels, &initial.acceptable) { Ok(()) } else { Err(0) }
}

/// RFC 5280 section 6.1.3 (d) and (e): what is left of the expected policies under the certificate's own.
fn with_policies<'a>(
    mut expected: Level<'a>,
    certificate: &Certificate<'a>,
    any_allowed: bool,
) -> Result<Level<'a>, Unreadable> {
    let Some(policies) = certificate.policies() else { return Ok(Level::default()) };
    let own: BTreeSet<Oid<'a>> = policies?.into_iter().collect();
    let any = any_allowed && own.contains(oids::ANY_POLICY);
    if !any {
        expected.nodes.retain(|policy, _| own.contains(policy));
    }
    if expected.any {
        for policy in own.into_iter().filter(|policy| *policy != oids::ANY_POLICY) {
            expected.nodes.entry(policy).or_default();
        }
    }
    expected.any &= any;
    Ok(expected)
}

/// RFC 5280 section 6.1.4 (a) and (b): the policies that the next certificate may have. Where mapping is inhibited,
/// policies that would have been mapped end here.
fn map<'a>(level: &mut Level<'a>, certificate: &Certificate<'a>, allowed: bool) -> Result<Level<'a>, Unreadable> {
    let mappings = certificate.policy_mappings()?;
    if mappings.iter().any(|(issuer, subject)| *issuer == oids::ANY_POLICY || *subject == oids::ANY_POLICY) {
        return Err(Unreadable);
    }
    let mapped: BTreeSet<Oid<'a>> = mappings.iter().map(|(issuer, _)| *issuer).collect();
    if !allowed {
        level.nodes.retain(|policy, _| !mapped.contains(policy));
    } else if level.any {
        for policy in mapped.iter().copied() {
            level.nodes.entry(policy).or_default();
        }
    }
    let mut next = Level { nodes: BTreeMap::new(), any: level.any };
    for policy in level.nodes.keys().filter(|policy| !mapped.contains(*policy)) {
        next.nodes.entry(policy).or_default().insert(policy);
    }
    for (issuer, subject) in mappings.iter().filter(|(issuer, _)| level.nodes.contains_key(issuer)) {
        next.nodes.entry(subject).or_default().insert(issuer);
    }
    Ok(next)
}

/// RFC 5280 section 6.1.4 (h) to (j).
fn prepare(counters: &mut Counters, certificate: &Certificate<'_>, self_issued: bool) -> Result<(), Unreadable> {
    if !self_issued {
        for counter in [&mut counters.explicit_policy, &mut counters.policy_mapping, &mut counters.inhibit_any] {
            *counter = counter.saturating_sub(1);
        }
    }
    let constraints = certificate.policy_constraints()?;
    let lower = |counter: &mut u32, limit: Option<u32>| *counter = limit.unwrap_or(u32::MAX).min(*counter);
    lower(&mut counters.explicit_policy, constraints.require_explicit_policy);
    lower(&mut counters.policy_mapping, constraints.inhibit_policy_mapping);
    lower(&mut counters.inhibit_any, certificate.inhibit_any_policy()?);
    Ok(())
}

/// RFC 5280 section 6.1.5 (a) and (b).
fn wrap_up(counters: &mut Counters, certificate: &Certificate<'_>) -> Result<(), Unreadable> {
    counters.explicit_policy = counters.explicit_policy.saturating_sub(1);
    if certificate.policy_constraints()?.require_explicit_policy == Some(0) {
        counters.explicit_policy = 0;
    }
    Ok(())
}

/// RFC 5280 section 6.1.5 (g): whether a policy of the end entity leads up to an acceptable one. What counts is the
/// name that a policy has where it comes from anyPolicy, that is in the domain of the root.
fn is_acceptable(levels: &[Level<'_>], acceptable: &BTreeSet<Vec<u8>>) -> bool {
    let Some(last) = levels.last().filter(|level| !level.is_empty()) else { return false };
    if last.any || acceptable.is_empty() || acceptable.contains(oids::ANY_POLICY) {
        return true;
    }
    let mut reached: BTreeSet<Oid<'_>> = last.nodes.keys().copied().collect();
    for level in levels.iter().rev() {
        let mut above = BTreeSet::new();
        for policy in reached {
            let Some(parents) = level.nodes.get(policy) else { continue };
            if parents.is_empty() && acceptable.contains(policy) {
                return true;
            }
            above.extend(parents.iter().copied());
        }
        reached = above;
    }
    false
}
