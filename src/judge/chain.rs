//! One path judged for one purpose at one moment.

use std::cell::Cell;
use std::cmp::Reverse;

use crate::asn1::{Oid, Time, oids};
use crate::crypto::{DigestAlgorithm, Verification, hash_for_signature, is_short_rsa, signature_scheme};
use crate::trust::{Limit, LimitDate, Root};
use crate::verify::{Budget, Lists, Path, PathEnd, Paths, Pool};
use crate::x509::{Certificate, check_name_constraints, name_octets};

use super::policies::check_policies;
use super::revocation::{CertificateRevocation, RevocationStatus, judge_revocation, overall};
use super::rules::Rules;
use super::table::{Reason, first_in_table};

/// What a chain is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signing code.
    CodeSigning,
    /// Stamping time.
    TimeStamping,
    /// Nothing in particular: no usage is demanded, and a root counts that is trusted for something.
    Any,
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Purpose::CodeSigning => "code-signing",
            Purpose::TimeStamping => "time-stamping",
            Purpose::Any => "any",
        }
    }

    /// Usages of which one is enough. Source: `semantics.md` sections 3.3 and 5.1.
    fn usages(self) -> &'static [Oid<'static>] {
        match self {
            Purpose::CodeSigning => &[oids::EKU_CODE_SIGNING],
            Purpose::TimeStamping => &[oids::EKU_TIME_STAMPING, oids::EKU_MS_TIME_STAMP_SIGNING],
            Purpose::Any => &[],
        }
    }
}

/// The moment at which a chain is judged.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Validity is asked for this moment: the timestamp's, or now.
    pub at: Time,
    /// It is a part of a second later than `at`, and so no longer the last second of a validity.
    pub later: bool,
    /// The moment that counts as now: for it, revocation lists must be current.
    pub now: Time,
    /// The verified timestamp, if there is one.
    pub timestamp: Option<Time>,
}

impl Moment {
    /// Now, without a timestamp.
    #[must_use]
    pub fn now(now: Time) -> Moment {
        Moment { at: now, later: false, now, timestamp: None }
    }
}

/// What is wrong with one certificate of a path: its position (the root of the store counts as the last) and why.
pub type Problem = (usize, Reason);

/// The verdict on the best path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainVerdict {
    /// Index of the path in the search's list; `None` when there is no path at all.
    pub path: Option<usize>,
    /// Everything that is wrong with it, in table order; empty when nothing is.
    pub reasons: Vec<Reason>,
    /// The same, certificate by certificate.
    pub problems: Vec<Problem>,
    /// What is known of revocation: on the whole, and certificate by certificate below the root. `None` when there was
    /// no list to ask.
    pub revocation: Option<(RevocationStatus, Vec<CertificateRevocation>)>,
}

impl ChainVerdict {
    /// The verdict where there is no path.
    #[must_use]
    pub fn pathless() -> ChainVerdict {
        let reasons = vec![Reason::ChainIncomplete];
        ChainVerdict { path: None, reasons, problems: Vec::new(), revocation: None }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.path.is_some() && self.reasons.is_empty()
    }
}

/// Judges every path and keeps the best: one with which nothing is wrong, then one to a trusted root of which only an algorithm
/// cannot be computed here, so that Windows might find nothing wrong with it; then the one whose first failing row is the last
/// in the table, then the one with fewer reasons, then the shorter one, then the first found.
#[must_use]
pub fn judge_paths(
    pool: &Pool<'_>,
    paths: &Paths<'_>,
    purpose: Purpose,
    moment: Moment,
    rules: &Rules,
) -> ChainVerdict {
    judge_within(pool, paths, purpose, moment, rules, NameBudget::of)
}

/// Whether a signer's chain would be trusted at a moment of which many are asked, and so with a time authority's budget of names:
/// beyond it the answer is no.
pub(super) fn would_be_trusted(pool: &Pool<'_>, paths: &Paths<'_>, moment: Moment, rules: &Rules) -> bool {
    let small = |_| NameBudget::of(Purpose::TimeStamping);
    judge_within(pool, paths, Purpose::CodeSigning, moment, rules, small).is_trusted()
}

fn judge_within(
    pool: &Pool<'_>,
    paths: &Paths<'_>,
    purpose: Purpose,
    moment: Moment,
    rules: &Rules,
    budget: impl Fn(Purpose) -> NameBudget,
) -> ChainVerdict {
    let (names, list_names) = (budget(purpose), budget(purpose));
    let judged = paths.list.iter().enumerate().map(|(index, path)| {
        let mut problems = judge_path(pool, path, purpose, moment, rules, &names);
        // The revocation of a time authority is reported and, as in Windows, decides nothing unless the rules say so.
        let stamps = purpose == Purpose::TimeStamping;
        let decides = !stamps || rules.time_authority_revocation;
        let revocation = judge_revocation(pool, path, moment, stamps && decides, &list_names);
        let revocation = revocation.map(|list| (overall(path, &list), list));
        if let Some((_, list)) = revocation.as_ref().filter(|_| decides) {
            let revoked = list.iter().enumerate().filter(|(_, one)| one.status == RevocationStatus::Revoked);
            problems.extend(revoked.map(|(position, _)| (position, Reason::CertRevoked)));
        }
        let (first, rest) = first_in_table(problems.iter().map(|problem| problem.1).collect());
        let reasons: Vec<Reason> = std::iter::once(first).chain(rest).filter(|reason| *reason != Reason::Ok).collect();
        // Smaller is better: uncertain before wrong, a late first failure, few reasons, few certificates, found early.
        let wrong = !reasons.is_empty() && reasons != [Reason::UnsupportedAlgorithm];
        let rank = (wrong, Reverse(first.position()), reasons.len(), path.certificates.len(), index);
        (rank, ChainVerdict { path: Some(index), reasons, problems, revocation })
    });
    let Some((_, mut best)) = judged.min_by_key(|(rank, _)| *rank) else {
        return ChainVerdict::pathless();
    };
    // A distrusted end entity is part of every path, also of those that were not looked at.
    let certain = best.problems.contains(&(0, Reason::ExplicitDistrust));
    if paths.exhausted && !best.reasons.is_empty() && !certain {
        // An unfinished search without a trusted path is no proof that there is none.
        best.reasons = vec![Reason::Limit];
    }
    best
}

fn judge_path(
    pool: &Pool<'_>,
    path: &Path<'_>,
    purpose: Purpose,
    moment: Moment,
    rules: &Rules,
    names: &NameBudget,
) -> Vec<Problem> {
    let certificates: Vec<&Certificate<'_>> =
        path.certificates.iter().filter_map(|index| pool.certificate(*index)).collect();
    let mut reasons = Vec::new();
    let (root, in_bag) = match path.end {
        PathEnd::Anchor { root, in_bag } => (Some(root), in_bag),
        _ => (None, false),
    };
    let last = certificates.len().saturating_sub(1);
    reasons.extend(end_reason(path, certificates.len()).map(|reason| (last, reason)));
    // The root is judged by the store's facts, not by a copy of its certificate in the bag.
    let below = if in_bag { certificates.len().saturating_sub(1) } else { certificates.len() };
    let subjects: Vec<&Certificate<'_>> = certificates.iter().take(below.max(1)).copied().collect();
    // Distrust does not ask for the moment: no timestamp saves what is on a disallowed list.
    reasons.extend(path.disallowed.iter().map(|(position, _)| (*position, Reason::ExplicitDistrust)));
    links(path, root.is_some(), &certificates, &mut reasons);
    time(&subjects, root, moment, &mut reasons);
    let own_usage = usage(&subjects, purpose, rules, &mut reasons);
    form(&subjects, rules, &mut reasons);
    constraints(&subjects, root, names, &mut reasons);
    reasons.extend(check_policies(&subjects, &rules.policies).err().map(|position| (position, Reason::Policy)));
    strength(&subjects, root, purpose, moment, &mut reasons);
    if let (Some(root), Some(leaf)) = (root, certificates.first()) {
        let limits = root_limits(&root, leaf, own_usage, purpose, moment);
        reasons.extend(limits.into_iter().map(|reason| (subjects.len(), reason)));
    }
    reasons
}

fn end_reason(path: &Path<'_>, length: usize) -> Option<Reason> {
    match path.end {
        PathEnd::Anchor { .. } => None,
        PathEnd::SelfSigned if length == 1 => Some(Reason::SelfSigned),
        PathEnd::SelfSigned => Some(Reason::UntrustedRoot),
        PathEnd::Incomplete | PathEnd::TooLong => Some(Reason::ChainIncomplete),
        PathEnd::BadSignature => Some(Reason::CertSignature),
    }
}

/// Links that were not computed only matter on the way to a trusted root: any other path fails anyway.
fn links(path: &Path<'_>, anchored: bool, certificates: &[&Certificate<'_>], reasons: &mut Vec<Problem>) {
    for (lower, verification) in &path.unverified {
        let hash = certificates.get(*lower).and_then(|certificate| certificate_hash(certificate));
        match verification {
            Verification::Unsupported(_) if anchored => reasons.push((*lower, Reason::UnsupportedAlgorithm)),
            Verification::Refused(_) if anchored && hash != Some(DigestAlgorithm::Md4) => {
                reasons.push((*lower, Reason::BadAlgorithm));
            }
            _ => {}
        }
    }
}

fn time(subjects: &[&Certificate<'_>], root: Option<Root<'_>>, moment: Moment, reasons: &mut Vec<Problem>) {
    for (index, certificate) in subjects.iter().enumerate() {
        let reason = validity(certificate.not_before, certificate.not_after, moment);
        match reason {
            Some(_) if index == 0 && moment.timestamp.is_some() => {
                reasons.push((index, Reason::TimestampOutsideValidity));
            }
            other => reasons.extend(other.map(|reason| (index, reason))),
        }
    }
    if let Some(root) = root {
        let reason = validity(root.not_before, root.not_after, moment);
        reasons.extend(reason.map(|reason| (subjects.len(), reason)));
    }
}

fn validity(not_before: Option<Time>, not_after: Option<Time>, moment: Moment) -> Option<Reason> {
    let at = moment.at;
    match (not_before, not_after) {
        (_, Some(end)) if at > end || (moment.later && at == end) => Some(Reason::CertExpired),
        (Some(start), _) if at < start => Some(Reason::CertNotYetValid),
        (Some(_), Some(_)) => None,
        // A validity that cannot be read never holds.
        _ => Some(Reason::CertExpired),
    }
}

/// Usage of the chain's own certificates: an EKU or application policy extension that is present must allow
/// it, on the end entity and on every CA below the root. Timestamping must be allowed by name on the end
/// entity. Returns whether the usage is allowed.
fn usage(subjects: &[&Certificate<'_>], purpose: Purpose, rules: &Rules, reasons: &mut Vec<Problem>) -> bool {
    if purpose == Purpose::Any {
        return true;
    }
    let wanted = purpose.usages();
    let mut chain_allows = true;
    for (index, certificate) in subjects.iter().enumerate() {
        let mut allowed = true;
        let lists = [certificate.extended_key_usage(), certificate.application_policies()];
        if index == 0 && purpose == Purpose::TimeStamping && lists.iter().all(Option::is_none) {
            allowed = false;
        }
        let any = index > 0 || (purpose == Purpose::CodeSigning && rules.any_usage);
        for list in lists.iter().flatten() {
            let fits = list.iter().any(|oid| wanted.contains(oid) || (any && *oid == oids::EKU_ANY));
            allowed &= fits;
        }
        if index == 0 {
            allowed &= end_entity_usage(certificate, purpose, rules);
        }
        if !allowed {
            reasons.push((index, Reason::WrongUsage));
        }
        chain_allows &= allowed;
    }
    chain_allows
}

/// What the rules demand of the end entity beside the usage itself.
fn end_entity_usage(certificate: &Certificate<'_>, purpose: Purpose, rules: &Rules) -> bool {
    // RFC 5280 section 4.2.1.12 names digitalSignature for code signing, and either bit for time stamping.
    let signs = certificate
        .key_usage()
        .is_none_or(|usage| usage.digital_signature || (purpose == Purpose::TimeStamping && usage.non_repudiation));
    let alone = || {
        let critical = certificate.extension(oids::EXTENDED_KEY_USAGE).is_some_and(|extension| extension.critical);
        critical && certificate.extended_key_usage().is_some_and(|list| list.len() == 1)
    };
    (signs || !rules.end_entity_key_usage)
        && (purpose != Purpose::TimeStamping || !rules.time_stamping_alone || alone())
}

/// Demands on the form of certificates that Windows does not make.
fn form(subjects: &[&Certificate<'_>], rules: &Rules, reasons: &mut Vec<Problem>) {
    for (index, certificate) in subjects.iter().enumerate() {
        let odd = (rules.same_algorithm && !certificate.algorithms_agree)
            || (rules.extensions_need_v3 && certificate.version != 2 && !certificate.extensions.is_empty())
            || (rules.single_extensions && certificate.has_repeated_extension());
        if odd {
            reasons.push((index, Reason::Malformed));
        }
    }
}

/// Basic constraints, path length, critical extensions and name constraints of the certificates below the root.
fn constraints(subjects: &[&Certificate<'_>], root: Option<Root<'_>>, budget: &NameBudget, reasons: &mut Vec<Problem>) {
    let mut intermediates_below = 0u32;
    for (index, certificate) in subjects.iter().enumerate() {
        if !certificate.unknown_critical_extensions().is_empty() {
            reasons.push((index, Reason::CriticalExt));
        }
        if index == 0 {
            continue;
        }
        match certificate.basic_constraints() {
            Some(Ok(basic)) if basic.ca => {
                if basic.path_len.is_some_and(|limit| intermediates_below > limit) {
                    reasons.push((index, Reason::PathLen));
                }
            }
            _ => reasons.push((index, Reason::BasicConstraints)),
        }
        // An end entity's certificate that issues another one is row 13, not row 11: that one is about extended
        // usages only (`semantics.md` section 0.2 and "EE cert used as issuer" in section 5.1).
        if certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign) {
            reasons.push((index, Reason::BasicConstraints));
        }
        if let Some(extension) = certificate.extension(oids::NAME_CONSTRAINTS) {
            names(extension.value, subjects.get(..index).unwrap_or(subjects), budget, reasons);
        }
        if !certificate.is_self_issued() {
            intermediates_below = intermediates_below.saturating_add(1);
        }
    }
    let Some(root) = root else { return };
    // What is trusted as the signer itself is trusted for nothing that it issues; renewed, it has the same key.
    if root.end_entity && subjects.iter().any(|certificate| certificate.spki != root.spki) {
        reasons.push((subjects.len(), Reason::BasicConstraints));
    }
    if let Some(constraints) = root.name_constraints {
        names(constraints, subjects, budget, reasons);
    }
}

/// Octets of constraints and names that the paths of one certificate may make the judge decode. Honest chains need a few
/// kilobytes; hostile ones could combine every CA's constraints with every certificate's names.
#[derive(Debug)]
pub(super) struct NameBudget(Cell<usize>);

impl NameBudget {
    /// Less for time stamping: a signature has one signer, and may have many timestamps.
    fn of(purpose: Purpose) -> NameBudget {
        NameBudget(Cell::new(if purpose == Purpose::TimeStamping { 256 << 10 } else { 4 << 20 }))
    }

    fn spend(&self, octets: usize) -> bool {
        let left = self.0.get().checked_sub(octets);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Name constraints bind every certificate below; self-issued CAs are exempt (RFC 5280 section 6.1.4 (b)).
fn names(constraints: &[u8], below: &[&Certificate<'_>], budget: &NameBudget, reasons: &mut Vec<Problem>) {
    for (index, certificate) in below.iter().enumerate() {
        if index > 0 && certificate.is_self_issued() {
            continue;
        }
        let affordable = budget.spend(constraints.len().saturating_add(name_octets(certificate)));
        if !affordable || check_name_constraints(constraints, certificate).is_err() {
            reasons.push((index, Reason::NameConstraint));
        }
    }
}

/// 2010-01-01 (WeakRsaPubKeyTime) and 2009-03-01 (KB2862973): signatures timestamped before stay accepted.
const SHORT_KEYS_UNTIL: Time = Time(1_262_304_000);
const MD5_UNTIL: Time = Time(1_235_865_600);

/// Weak cryptography as `semantics.md` section 3.4 gives it. A root's own signature is never looked at.
fn strength(
    subjects: &[&Certificate<'_>],
    root: Option<Root<'_>>,
    purpose: Purpose,
    moment: Moment,
    reasons: &mut Vec<Problem>,
) {
    let stamped_before = |limit| moment.timestamp.is_some_and(|time| time < limit);
    let keys = subjects.iter().map(|certificate| certificate.spki).chain(root.map(|root| root.spki));
    // Whoever has computed a time authority's short key says when that was, so its own word excuses nothing.
    if purpose == Purpose::TimeStamping || !stamped_before(SHORT_KEYS_UNTIL) {
        let weak = keys.enumerate().filter(|(_, spki)| is_short_rsa(spki));
        reasons.extend(weak.map(|(index, _)| (index, Reason::WeakSignature)));
    }
    let program = root.is_some_and(|root| root.program && !root.built_in);
    for (index, certificate) in subjects.iter().enumerate() {
        if certificate.is_self_issued() && root.is_none_or(|root| root.spki == certificate.spki) {
            continue; // a root's own signature proves nothing either way, trusted or not
        }
        let weak = match certificate_hash(certificate) {
            Some(DigestAlgorithm::Md2 | DigestAlgorithm::Md4) => true,
            Some(DigestAlgorithm::Md5) => program && !stamped_before(MD5_UNTIL),
            _ => false,
        };
        if weak {
            reasons.push((index, Reason::WeakSignature));
        }
    }
}

/// The hash that a certificate's signature is made over, which parameters may say instead of the identifier; of one that is
/// not verified here, what its identifier names.
fn certificate_hash(certificate: &Certificate<'_>) -> Option<DigestAlgorithm> {
    let algorithm = &certificate.signature_algorithm;
    hash_for_signature(algorithm, None).or_else(|| signature_scheme(algorithm.oid).and_then(|(_, hash)| hash))
}

/// The root programme's properties. Source: `semantics.md` section 4.2; roots built into Windows are exempt.
fn root_limits(
    root: &Root<'_>,
    leaf: &Certificate<'_>,
    own_usage: bool,
    purpose: Purpose,
    moment: Moment,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if root.built_in {
        return reasons;
    }
    let wanted = purpose.usages();
    // A limit on some usages leaves a root that is trusted for something.
    let allows = |list: crate::trust::OidList<'_>| wanted.iter().any(|oid| list.contains(oid));
    let own_usage = own_usage && purpose != Purpose::Any;
    // Where the chain's own certificates exclude the usage already, the root has nothing left to exclude.
    if own_usage && root.usages.is_some_and(|list| !allows(list) && !list.contains(oids::EKU_ANY)) {
        reasons.push(Reason::RootEku);
    }
    let covers = |limit: &Limit<'_>| limit.usages.is_none_or(allows);
    let hit = match root.not_before_limit.date {
        LimitDate::At(date) => covers(&root.not_before_limit) && leaf.not_before.is_none_or(|issued| issued >= date),
        LimitDate::Cleared => false,
        LimitDate::Absent => root.not_before_limit.usages.is_some_and(allows),
    };
    if hit {
        reasons.push(Reason::RootNotBefore);
    }
    let hit = match root.disabled.date {
        LimitDate::At(date) => {
            covers(&root.disabled) && moment.at >= date && moment.timestamp.is_none_or(|time| time >= date)
        }
        LimitDate::Cleared => false,
        LimitDate::Absent => root.disabled.usages.is_some_and(allows),
    };
    if hit {
        reasons.push(Reason::RootDisabled);
    }
    reasons
}

/// Whether a delegated signer of CRLs had a sound path to this root at a moment: everything but the usages counts. Indices
/// are the pool's, the signer first, the root not among them.
pub(super) fn signs_lists(
    pool: &Pool<'_>,
    certificates: &[usize],
    root: Root<'_>,
    at: Time,
    budget: &NameBudget,
) -> bool {
    let subjects: Vec<&Certificate<'_>> = certificates.iter().filter_map(|index| pool.certificate(*index)).collect();
    let mut reasons = Vec::new();
    let moment = Moment::now(at);
    time(&subjects, Some(root), moment, &mut reasons);
    constraints(&subjects, Some(root), budget, &mut reasons);
    strength(&subjects, Some(root), Purpose::Any, moment, &mut reasons);
    !subjects.is_empty() && reasons.is_empty()
}

/// Whether the signer of a trust list carries a usage and chains to a Microsoft root built into Windows at
/// the list's own moment.
///
/// # Errors
/// Why not, for a person.
pub fn list_signer_is_trusted<'a>(
    pool: &Pool<'a>,
    signer: usize,
    lists: Lists<'a>,
    moment: Time,
    wanted: Oid<'_>,
) -> Result<(), String> {
    let leaf = pool.certificate(signer).ok_or("its signer's certificate cannot be read")?;
    if !leaf.extended_key_usage().is_some_and(|list| list.contains(&wanted)) {
        return Err("its signer may not sign such lists".to_owned());
    }
    let paths = crate::verify::search_paths(pool, signer, lists, Budget::default());
    let sound = paths.list.iter().any(|path| {
        let PathEnd::Anchor { root, in_bag } = path.end else { return false };
        let certificates: Vec<&Certificate<'_>> =
            path.certificates.iter().filter_map(|index| pool.certificate(*index)).collect();
        let below = if in_bag { certificates.len().saturating_sub(1) } else { certificates.len() };
        let subjects: Vec<&Certificate<'_>> = certificates.into_iter().take(below).collect();
        let mut reasons = Vec::new();
        let at = Moment::now(moment);
        time(&subjects, Some(root), at, &mut reasons);
        constraints(&subjects, Some(root), &NameBudget::of(Purpose::Any), &mut reasons);
        strength(&subjects, Some(root), Purpose::Any, at, &mut reasons);
        root.built_in && path.unverified.is_empty() && !subjects.is_empty() && reasons.is_empty()
    });
    if sound { Ok(()) } else { Err("its signer does not chain to a root that is built into Windows".to_owned()) }
}
