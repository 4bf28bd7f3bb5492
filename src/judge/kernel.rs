//! What the kernel of Windows would say of a driver: facts first, then an answer with its reasons.
//!
//! Source: Microsoft "Driver Signing Policy" (windows-driver-docs, kernel-mode-code-signing-policy), cited as `semantics.md`
//! section 5.3. WinVerifyTrust knows nothing of it, and code integrity is not documented beyond that page: where the
//! answer hangs on the machine (Secure Boot, an upgrade from an older Windows) it is [`Loads::Depends`]. Test signing mode,
//! hypervisor-protected code integrity and the list of vulnerable drivers are outside of what a file can tell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asn1::{Oid, Time, oids};
use crate::trust::KernelRoots;
use crate::verify::{ContentFacts, Crosses, Path, PathEnd};
use crate::x509::{Certificate, same_name};

use super::signature::SignatureVerdict;
use super::table::{Reason, Status};

/// 2015-07-29: cross-signed drivers whose certificate was issued before stay permitted.
const CUTOFF: Time = Time(1_438_128_000);

/// Whether Windows would load a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Loads {
    /// No.
    No,
    /// On some machines, or nobody can tell from the file.
    Depends,
    /// Yes, as far as its signature is concerned.
    Yes,
}

/// Whose rules for drivers. Windows 11 from version 24H2 on and Windows Server 2025 have others since the updates of
/// April 2026: under a cross-certificate only those drivers load that Microsoft lists, once the machine has ended its
/// evaluation ("Removing trust for the cross-signed driver program", Windows IT Pro Blog, 2026-03-26).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelRules {
    /// Windows 10 from version 1607 on, and Windows 11 before that.
    Windows10,
    /// Windows 11 from version 24H2 on, with those updates.
    Windows11,
}

/// Why Windows would load a driver, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // each is explained by KernelReason::meaning
pub enum KernelReason {
    Whql,
    Attested,
    WindowsComponent,
    CrossSignedEarly,
    MicrosoftRootOnly,
    CrossSignedLate,
    CrossSignedExpired,
    NotJudged,
    CatalogsNotChecked,
    #[serde(rename = "32-bit")]
    ThirtyTwoBit,
    CrossCertificateExpired,
    NoKernelRoot,
    SignatureNotValid,
    NoSignature,
}

impl KernelReason {
    /// Every reason: those for yes, those for "depends", those for no.
    pub const ALL: [KernelReason; 14] = [
        KernelReason::Whql,
        KernelReason::Attested,
        KernelReason::WindowsComponent,
        KernelReason::CrossSignedEarly,
        KernelReason::MicrosoftRootOnly,
        KernelReason::CrossSignedLate,
        KernelReason::CrossSignedExpired,
        KernelReason::NotJudged,
        KernelReason::CatalogsNotChecked,
        KernelReason::ThirtyTwoBit,
        KernelReason::CrossCertificateExpired,
        KernelReason::NoKernelRoot,
        KernelReason::SignatureNotValid,
        KernelReason::NoSignature,
    ];

    /// The word that records carry.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// What it says of loading.
    #[must_use]
    pub fn loads(self, rules: KernelRules) -> Loads {
        match (self, rules) {
            (KernelReason::CrossSignedEarly, KernelRules::Windows11) => Loads::Depends,
            _ => self.row().1,
        }
    }

    /// What it means, for a person.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, Loads, &'static str) {
        use Loads::{Depends, No, Yes};
        match self {
            KernelReason::Whql => ("whql", Yes, "Microsoft signed it after tests (WHQL)"),
            KernelReason::Attested => {
                ("attested", Yes, "Microsoft signed it on its maker's word; Windows Server does not load such drivers")
            }
            KernelReason::WindowsComponent => ("windows-component", Yes, "Microsoft signed it as a part of Windows"),
            KernelReason::CrossSignedEarly => (
                "cross-signed-early",
                Yes,
                "its maker signed it under a cross-certificate, with a certificate issued before 2015-07-29; Windows 11 24H2 \
                 and later, with the updates of April 2026, load only those of them that Microsoft lists",
            ),
            KernelReason::MicrosoftRootOnly => (
                "microsoft-root-only",
                Depends,
                "it leads to a root that the kernel accepts, but names no usage of drivers; Microsoft does not say \
                 whether that is enough",
            ),
            KernelReason::CrossSignedLate => (
                "cross-signed-late",
                Depends,
                "its maker signed it under a cross-certificate, with a certificate issued since 2015-07-29: it loads with \
                 Secure Boot off, or where Windows was upgraded from a version before 1607",
            ),
            KernelReason::CrossSignedExpired => (
                "cross-signed-expired",
                Depends,
                "its maker signed it under a cross-certificate, with a certificate issued before 2015-07-29, and nothing \
                 but time speaks against it; Windows was seen to load such drivers, and Microsoft does not say so",
            ),
            KernelReason::NotJudged => ("not-judged", Depends, "a signature could not be judged"),
            KernelReason::CatalogsNotChecked => {
                ("catalogs-not-checked", Depends, "a catalog may hold another signature of it, and none was looked at")
            }
            KernelReason::ThirtyTwoBit => {
                ("32-bit", Depends, "32-bit Windows asks for no signature while Secure Boot is off")
            }
            KernelReason::CrossCertificateExpired => (
                "cross-certificate-expired",
                No,
                "the cross-certificate or its root was out of its validity at the moment that counts, and the signer's \
                 certificate was issued since 2015-07-29",
            ),
            KernelReason::NoKernelRoot => {
                ("no-kernel-root", No, "it leads neither to a root of Microsoft's nor through a cross-certificate")
            }
            KernelReason::SignatureNotValid => ("signature-not-valid", No, "its signature is not valid"),
            KernelReason::NoSignature => ("no-signature", No, "it has no signature"),
        }
    }
}

/// What one signature says to the kernel.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KernelSignature {
    /// What is wrong with it otherwise, in table order.
    pub reasons: Vec<Reason>,
    /// It holds and leads to one of Microsoft's roots. The usages below count only then.
    pub microsoft_root: bool,
    /// Its signer's certificate carries the usage "Windows Hardware Driver Verification".
    pub whql: bool,
    /// "Windows Hardware Driver Attested Verification".
    pub attested: bool,
    /// "Windows Hardware Driver Extended Verification".
    pub extended_verification: bool,
    /// "Early Launch Antimalware".
    pub elam: bool,
    /// "Windows System Component Verification".
    pub windows_component: bool,
    /// It holds and goes through a cross-certificate.
    pub cross: Option<Cross>,
    /// Not every certificate was looked at that may be a cross-certificate.
    pub unfinished: bool,
}

/// The cross-certificate of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cross {
    /// Index in the pool.
    pub certificate: usize,
    /// It and its root were valid at the moment that counts.
    pub in_time: bool,
    /// The signer's certificate was issued before 2015-07-29.
    pub early: bool,
}

/// What a signature with this verdict says to the kernel. `crosses` are the cross-certificates in its pool.
#[must_use]
pub fn kernel_signature(
    content: Option<&ContentFacts<'_>>,
    verdict: &SignatureVerdict,
    crosses: &Crosses,
    roots: &KernelRoots,
    now: Time,
) -> KernelSignature {
    let all = std::iter::once(verdict.reason).chain(verdict.other_reasons.iter().copied());
    let reasons = all.filter(|reason| *reason != Reason::Ok).collect();
    let unfinished = crosses.exhausted;
    let mut said = KernelSignature { reasons, unfinished, ..KernelSignature::default() };
    let judged = content.and_then(|content| {
        let path = content.paths.list.get(verdict.chain.as_ref()?.path?)?;
        Some((content, path, content.pool.certificate(*path.certificates.first()?)?))
    });
    let Some((content, path, leaf)) = judged.filter(|_| verdict.holds) else { return said };
    let ends = |root: &crate::trust::Root<'_>| roots.is_microsoft(root.thumbprint_sha1);
    said.microsoft_root = matches!(&path.end, PathEnd::Anchor { root, .. } if ends(root)) && path.unverified.is_empty();
    if said.microsoft_root {
        let usages = leaf.extended_key_usage().unwrap_or_default();
        let carries = |usage: &[u8]| usages.contains(&usage);
        said.whql = carries(oids::EKU_WHQL);
        said.attested = carries(oids::EKU_WHQL_ATTESTED);
        said.extended_verification = carries(oids::EKU_EV_WHQL);
        said.elam = carries(oids::EKU_ELAM);
        said.windows_component = carries(oids::EKU_SYSTEM_COMPONENT);
    }
    let at = verdict.timestamp.map_or(now, |chosen| chosen.time);
    let fitting = crosses.found.iter().filter_map(|fact| {
        let certificate = content.pool.certificate(fact.certificate)?;
        let root = roots.cross().get(fact.root)?;
        let in_time = certificate.valid_at(at) && root.valid_at(at);
        let early = leaf.not_before.is_some_and(|issued| issued < CUTOFF);
        let cross = Cross { certificate: fact.certificate, in_time, early };
        (path.unverified.is_empty() && vouches(certificate, path, content)).then_some(cross)
    });
    // One that was in time goes before one that was not.
    said.cross = fitting.max_by_key(|cross| (cross.in_time, std::cmp::Reverse(cross.certificate)));
    said
}

/// Whether a cross-certificate is of an authority of the path: same name and same key.
fn vouches(cross: &Certificate<'_>, path: &Path<'_>, content: &ContentFacts<'_>) -> bool {
    let same = |subject: &[u8], spki: &[u8]| spki == cross.spki && same_name(subject, cross.subject);
    let above = path.certificates.iter().skip(1).filter_map(|index| content.pool.certificate(*index));
    let ends = match &path.end {
        PathEnd::Anchor { root, .. } => same(root.subject, root.spki),
        _ => false,
    };
    ends || above.into_iter().any(|authority| same(authority.subject, authority.spki))
}

impl KernelSignature {
    /// What the kernel would say of a driver with this signature alone.
    #[must_use]
    pub fn answer(&self) -> KernelReason {
        if self.reasons.iter().any(|reason| reason.status() == Status::Error) {
            return KernelReason::NotJudged;
        }
        match self.cross {
            _ if self.microsoft_root && self.reasons.is_empty() => match () {
                () if self.attested => KernelReason::Attested,
                () if self.whql => KernelReason::Whql,
                () if self.windows_component => KernelReason::WindowsComponent,
                () => KernelReason::MicrosoftRootOnly,
            },
            Some(cross) if self.reasons.iter().all(|reason| forgiven(*reason)) => match cross {
                Cross { in_time: true, early: true, .. } => KernelReason::CrossSignedEarly,
                Cross { in_time: true, early: false, .. } => KernelReason::CrossSignedLate,
                Cross { in_time: false, early: true, .. } => KernelReason::CrossSignedExpired,
                Cross { in_time: false, early: false, .. } => KernelReason::CrossCertificateExpired,
            },
            Some(Cross { early: true, .. })
                if self.reasons.iter().all(|reason| forgiven(*reason) || of_time(*reason)) =>
            {
                KernelReason::CrossSignedExpired
            }
            _ if !self.reasons.iter().all(|reason| forgiven(*reason) || of_time(*reason)) => {
                KernelReason::SignatureNotValid
            }
            _ if self.unfinished => KernelReason::NotJudged,
            _ if !self.reasons.is_empty() => KernelReason::SignatureNotValid,
            _ => KernelReason::NoKernelRoot,
        }
    }
}

/// Under a cross-certificate the kernel's own root vouches for the authority: what the root programme of user mode
/// makes of the authority's own root does not count.
fn forgiven(reason: Reason) -> bool {
    use Reason::{ChainIncomplete, RootDisabled, RootEku, RootNotBefore, UntrustedRoot};
    matches!(reason, UntrustedRoot | ChainIncomplete | RootEku | RootNotBefore | RootDisabled)
}

/// What stands in the way because of time alone: a certificate that is over, or a timestamp that proves nothing. Sysmon's events
/// tell of drivers that were loaded all the same, with the status Expired (`semantics.md` section 1.1).
fn of_time(reason: Reason) -> bool {
    use Reason::{CertExpired, TimestampInvalid, TimestampOutsideValidity, TimestampUntrusted};
    matches!(reason, CertExpired | TimestampOutsideValidity | TimestampInvalid | TimestampUntrusted)
}

/// Whether the signer's certificate states a certificate policy, and every authority between it and a trusted root
/// states it, too, or any policy (RFC 5280 section 6.1.3 (d), without policy mappings).
#[must_use]
pub fn states_policy(content: &ContentFacts<'_>, verdict: &SignatureVerdict, policy: Oid<'_>) -> bool {
    let path = verdict.chain.as_ref().and_then(|chain| content.paths.list.get(chain.path?));
    let Some((path, PathEnd::Anchor { in_bag, .. })) = path.map(|path| (path, path.end)) else { return false };
    let below = path.certificates.len().saturating_sub(usize::from(in_bag));
    let states = |(position, index): (usize, &usize)| {
        let stated = content.pool.certificate(*index).and_then(Certificate::certificate_policies);
        let fits = |oid: &Oid<'_>| *oid == policy || (position > 0 && *oid == oids::ANY_POLICY);
        stated.is_some_and(|list| list.iter().any(fits))
    };
    below > 0 && path.unverified.is_empty() && path.certificates.iter().take(below).enumerate().all(states)
}

/// What is known beside the signatures of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriverContext {
    /// It is for 32-bit Windows on x86.
    pub x86: bool,
    /// Catalogs were looked at.
    pub catalogs_checked: bool,
    /// What to say where there is no signature that could be read: [`KernelReason::NoSignature`], or why not.
    pub without: KernelReason,
}

/// The answer over all signatures of a driver, and its reasons. One signature that the kernel accepts is enough.
#[must_use]
pub fn kernel_answer(
    signatures: &[&KernelSignature],
    context: DriverContext,
    rules: KernelRules,
) -> (Loads, Vec<KernelReason>) {
    let answers = || signatures.iter().map(|signature| signature.answer());
    let best = answers().map(|reason| reason.loads(rules)).max().unwrap_or(context.without.loads(rules));
    let mut reasons: Vec<KernelReason> = Vec::new();
    for reason in answers().filter(|reason| reason.loads(rules) == best) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push(context.without);
    }
    if best == Loads::Yes {
        return (best, reasons);
    }
    reasons.extend((!context.catalogs_checked).then_some(KernelReason::CatalogsNotChecked));
    reasons.extend(context.x86.then_some(KernelReason::ThirtyTwoBit));
    let loads = reasons.iter().map(|reason| reason.loads(rules)).max().unwrap_or(best);
    (loads, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(signature: &KernelSignature) -> (Loads, Vec<KernelReason>) {
        kernel_answer(
            &[signature],
            DriverContext { x86: false, catalogs_checked: true, without: KernelReason::NoSignature },
            KernelRules::Windows10,
        )
    }

    #[test]
    fn every_reason_stands_once_and_is_spelled_as_records_spell_it() {
        for reason in KernelReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
            assert_eq!(KernelReason::ALL.iter().filter(|other| other.code() == reason.code()).count(), 1);
        }
    }

    #[test]
    fn what_is_broken_is_never_loaded_for_its_usages() {
        let microsoft = KernelSignature { microsoft_root: true, whql: true, ..KernelSignature::default() };
        assert_eq!(alone(&microsoft), (Loads::Yes, vec![KernelReason::Whql]));
        for reason in [Reason::BadDigest, Reason::CertRevoked, Reason::CertExpired, Reason::ExplicitDistrust] {
            let broken = KernelSignature { reasons: vec![reason], ..microsoft.clone() };
            assert_eq!(alone(&broken), (Loads::No, vec![KernelReason::SignatureNotValid]));
            if reason == Reason::CertExpired {
                continue; // a matter of time, below
            }
            let cross = Some(Cross { certificate: 0, in_time: true, early: true });
            let broken = KernelSignature { cross, ..broken };
            assert_eq!(alone(&broken), (Loads::No, vec![KernelReason::SignatureNotValid]), "{reason:?}");
        }
    }

    #[test]
    fn whether_an_early_cross_signed_driver_loads_after_its_time_is_not_sure() {
        use Reason::{
            CertExpired, CertNotYetValid, CertRevoked, LifetimeExpired, RootDisabled, TimestampInvalid,
            TimestampOutsideValidity, TimestampUntrusted, UntrustedRoot, WeakSignature,
        };
        let answer = |in_time, early, reasons: &[Reason]| {
            let cross = Some(Cross { certificate: 0, in_time, early });
            alone(&KernelSignature { cross, reasons: reasons.to_vec(), ..KernelSignature::default() })
        };
        let unsure = || (Loads::Depends, vec![KernelReason::CrossSignedExpired]);
        let no = |reason| (Loads::No, vec![reason]);
        for reason in [CertExpired, TimestampOutsideValidity, TimestampInvalid, TimestampUntrusted] {
            assert_eq!(answer(true, true, &[reason]), unsure(), "{reason:?}");
            assert_eq!(answer(false, true, &[UntrustedRoot, reason]), unsure(), "{reason:?}");
            // Neither a later certificate nor anything else beside it is a matter of time.
            assert_eq!(answer(true, false, &[reason]), no(KernelReason::SignatureNotValid), "{reason:?}");
            for worse in [CertRevoked, WeakSignature, CertNotYetValid, LifetimeExpired] {
                assert_eq!(answer(true, true, &[worse, reason]), no(KernelReason::SignatureNotValid), "{worse:?}");
            }
        }
        assert_eq!(answer(false, true, &[]), unsure());
        assert_eq!(answer(false, true, &[RootDisabled]), unsure());
        assert_eq!(answer(false, false, &[]), no(KernelReason::CrossCertificateExpired));
        assert_eq!(answer(true, true, &[]), (Loads::Yes, vec![KernelReason::CrossSignedEarly]));
        let none = KernelSignature { reasons: vec![CertExpired], ..KernelSignature::default() };
        assert_eq!(alone(&none), no(KernelReason::SignatureNotValid));
    }

    #[test]
    fn windows_11_is_not_sure_of_what_windows_10_loads_under_a_cross_certificate() {
        let context = DriverContext { x86: false, catalogs_checked: true, without: KernelReason::NoSignature };
        let early = Some(Cross { certificate: 0, in_time: true, early: true });
        let early = KernelSignature { cross: early, ..KernelSignature::default() };
        let tested = KernelSignature { microsoft_root: true, whql: true, ..KernelSignature::default() };
        let answer = |signatures: &[&KernelSignature]| kernel_answer(signatures, context, KernelRules::Windows11);
        assert_eq!(answer(&[&early]), (Loads::Depends, vec![KernelReason::CrossSignedEarly]));
        assert_eq!(answer(&[&early, &tested]), (Loads::Yes, vec![KernelReason::Whql]));
        for reason in KernelReason::ALL {
            let same = reason.loads(KernelRules::Windows10) == reason.loads(KernelRules::Windows11);
            assert_eq!(same, reason != KernelReason::CrossSignedEarly);
        }
    }

    #[test]
    fn the_better_of_two_signatures_counts_and_unknowns_are_named() {
        let none = KernelSignature::default();
        let cross = Some(Cross { certificate: 0, in_time: true, early: false });
        let late = KernelSignature { cross, reasons: vec![Reason::RootNotBefore], ..KernelSignature::default() };
        let unsure = DriverContext { x86: true, catalogs_checked: false, without: KernelReason::NoSignature };
        assert_eq!(
            kernel_answer(&[&none, &late], unsure, KernelRules::Windows10),
            (
                Loads::Depends,
                vec![KernelReason::CrossSignedLate, KernelReason::CatalogsNotChecked, KernelReason::ThirtyTwoBit]
            )
        );
        assert_eq!(
            kernel_answer(&[], unsure, KernelRules::Windows10),
            (
                Loads::Depends,
                vec![KernelReason::NoSignature, KernelReason::CatalogsNotChecked, KernelReason::ThirtyTwoBit]
            )
        );
        assert_eq!(alone(&none), (Loads::No, vec![KernelReason::NoKernelRoot]));
        let unread = DriverContext { x86: false, catalogs_checked: true, without: KernelReason::NotJudged };
        assert_eq!(kernel_answer(&[], unread, KernelRules::Windows10), (Loads::Depends, vec![KernelReason::NotJudged]));
    }
}
