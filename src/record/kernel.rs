//! What the kernel of Windows would say of a driver, in the driver's record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Record, shown};
use crate::container::pe::DriverSign;
use crate::judge::{self, DriverContext, KernelReason, KernelRules, KernelSignature, Loads, Reason};
use crate::verify::ContentFacts;

/// What kernel-mode code signing makes of a driver, under any policy. It is no status: WinVerifyTrust knows nothing of it.
/// Flags are true if any signature says so, the one of the catalog included.
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// Why the file counts as a driver. The native subsystem also holds for the few programs that run before the
    /// Windows subsystem does, such as `smss.exe`.
    pub driver: Vec<DriverSign>,
    /// A signature that holds leads to one of Microsoft's roots that the kernel accepts. The next five flags need that.
    pub microsoft_root: bool,
    /// Usage "Windows Hardware Driver Verification".
    pub whql: bool,
    /// Usage "Windows Hardware Driver Attested Verification": signed by Microsoft without tests.
    pub attested: bool,
    /// Usage "Windows Hardware Driver Extended Verification".
    pub extended_verification: bool,
    /// Usage "Early Launch Antimalware".
    pub elam: bool,
    /// Usage "Windows System Component Verification".
    pub windows_component: bool,
    /// The certificate by which Microsoft Code Verification Root vouches for an authority of the signer.
    pub cross_certificate: Option<CrossCertificate>,
    /// Whether the signer's certificate under a cross-certificate was issued before 2015-07-29; null without one.
    pub leaf_before_2015_07_29: Option<bool>,
    /// Would Windows 10 version 1607, 1703 or 1709 load it?
    pub windows_10_1607: KernelAnswer,
    /// Would Windows 10 version 1803 or later load it? Microsoft documents the same rules for both.
    pub windows_10_1803: KernelAnswer,
    /// Would Windows 11 version 24H2 or later, or Windows Server 2025, load it with the updates of April 2026? Under a
    /// cross-certificate these load only what Microsoft lists, once the machine has ended its evaluation.
    pub windows_11_24h2: KernelAnswer,
}

/// Whether Windows would load a driver, with Secure Boot on and on a fresh installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelAnswer {
    /// `yes`, `no`, or `depends`: on the machine, or on what was not looked at.
    pub loads: Loads,
    /// Why; `sigscan explain kernel` says what each means.
    pub reasons: Vec<KernelReason>,
}

/// A cross-certificate. Its signature was verified under the key of Microsoft Code Verification Root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossCertificate {
    /// The authority that it vouches for.
    pub subject: String,
    /// Who vouches.
    pub issuer: String,
    /// SHA-1 of the certificate.
    pub thumbprint_sha1: String,
    /// End of its validity; null when unreadable.
    pub not_after: Option<String>,
}

/// What one signature says to the kernel, with the cross-certificate as records show it.
#[derive(Debug, Clone)]
pub(crate) struct KernelFacts {
    pub(crate) signature: KernelSignature,
    pub(crate) cross: Option<CrossCertificate>,
}

impl KernelFacts {
    pub(crate) fn new(signature: KernelSignature, content: Option<&ContentFacts<'_>>) -> KernelFacts {
        let text = signature.cross.and_then(|cross| content?.pool.text(cross.certificate));
        let cross = text.map(|text| CrossCertificate {
            subject: shown(&text.subject),
            issuer: shown(&text.issuer),
            thumbprint_sha1: text.thumbprint_sha1.clone(),
            not_after: text.not_after.clone(),
        });
        KernelFacts { signature, cross }
    }
}

/// A driver and what its signatures say.
#[derive(Debug, Clone)]
pub(crate) struct Driver {
    pub(crate) signs: Vec<DriverSign>,
    pub(crate) context: DriverContext,
    /// In the order of the record's signatures; that of the catalog comes last.
    pub(crate) facts: Vec<KernelFacts>,
}

impl Driver {
    /// The answer of all its signatures together.
    pub(crate) fn kernel(&self) -> Kernel {
        let signatures: Vec<&KernelSignature> = self.facts.iter().map(|facts| &facts.signature).collect();
        let any = |flag: fn(&KernelSignature) -> bool| signatures.iter().any(|signature| flag(signature));
        let crosses = || self.facts.iter().filter_map(|facts| Some((facts.signature.cross?, facts.cross.as_ref()?)));
        let best = crosses().max_by_key(|(cross, _)| (cross.in_time, cross.early));
        let answer = |rules| {
            let (loads, reasons) = judge::kernel_answer(&signatures, self.context, rules);
            KernelAnswer { loads, reasons }
        };
        let windows_10 = answer(KernelRules::Windows10);
        Kernel {
            driver: self.signs.clone(),
            microsoft_root: any(|signature| signature.microsoft_root),
            whql: any(|signature| signature.whql),
            attested: any(|signature| signature.attested),
            extended_verification: any(|signature| signature.extended_verification),
            elam: any(|signature| signature.elam),
            windows_component: any(|signature| signature.windows_component),
            cross_certificate: best.map(|(_, shown)| shown.clone()),
            leaf_before_2015_07_29: best.map(|(cross, _)| cross.early),
            windows_10_1607: windows_10.clone(),
            windows_10_1803: windows_10,
            windows_11_24h2: answer(KernelRules::Windows11),
        }
    }
}

impl Record {
    /// Under the kernel's policy its answer decides. A driver that is not sure to load is never Valid; one that is sure to load
    /// is, whichever of its signatures the kernel accepts.
    pub(crate) fn decided_by_kernel(&mut self, loads: Loads) {
        let reason = match loads {
            Loads::Yes => Reason::Ok,
            _ if self.reason == Reason::Ok => Reason::KernelPolicy,
            _ => return,
        };
        self.reason = reason;
        self.status = reason.status();
        self.hresult = reason.hresult();
        self.other_reasons.clear();
        self.error = None;
    }
}

/// The signer's certificate, by a chain of certificates that a trusted root confirms, is of the CA/Browser Forum's policy
/// for EV code signing: every certificate below the root states it (or any policy), as RFC 5280 section 6.1 demands.
pub(super) fn ev_code_signing(content: &ContentFacts<'_>, verdict: &judge::SignatureVerdict) -> bool {
    verdict.holds && judge::states_policy(content, verdict, crate::asn1::oids::POLICY_EV_CODE_SIGNING)
}
