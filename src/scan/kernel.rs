//! Drivers: what their signatures, and those of catalogs, say to the kernel.

use super::scanner::Scanner;
use crate::container::{Format, Presence, Subject};
use crate::judge::{self, DriverContext, KernelReason, KernelRules, Setting, SignatureVerdict};
use crate::record::{Driver, KernelFacts, Record};
use crate::trust::KernelRoots;
use crate::verify::{self, Crosses, SignatureFacts, Work};

/// Where signatures are weighed, and for the status under the kernel's policy, the strictest rules count.
const DECIDING: KernelRules = KernelRules::Windows11;

impl Scanner {
    /// Judges drivers by other roots than Microsoft's.
    #[must_use]
    pub fn with_kernel_roots(mut self, roots: KernelRoots) -> Scanner {
        self.kernel_roots = roots;
        self
    }

    /// What every signature says to the kernel. Only drivers, and the catalogs that may list them, are asked.
    pub(super) fn kernel_facts(
        &self,
        subject: &Subject,
        format: Format,
        facts: &[SignatureFacts<'_>],
        verdicts: &[SignatureVerdict],
        work: &Work,
    ) -> Vec<KernelFacts> {
        let driver = subject.pe.as_ref().is_some_and(|pe| !pe.driver_signs().is_empty());
        if !driver && format != Format::Cat {
            return Vec::new();
        }
        let (roots, now) = (&self.kernel_roots, self.options.now);
        let said = facts.iter().zip(verdicts).map(|(facts, verdict)| {
            let content = facts.content.as_ref();
            let crosses = match content {
                Some(content) => verify::cross_certificates(&content.pool, &content.paths, roots, &self.memo, work),
                None => Crosses::default(),
            };
            KernelFacts::new(judge::kernel_signature(content, verdict, &crosses, roots, now), content)
        });
        said.collect()
    }

    /// The driver that a file is, if it is one.
    pub(super) fn driver(&self, subject: &Subject, facts: &[KernelFacts]) -> Option<Driver> {
        let pe = subject.pe.as_ref().filter(|pe| !pe.driver_signs().is_empty())?;
        let without = match subject.signatures {
            Presence::Limit { .. } => KernelReason::NotJudged,
            Presence::Malformed { .. } => KernelReason::SignatureNotValid,
            _ => KernelReason::NoSignature,
        };
        let context = DriverContext { x86: pe.is_x86(), catalogs_checked: false, without };
        Some(Driver { signs: pe.driver_signs(), context, facts: facts.to_vec() })
    }

    /// Whether the kernel's answer is the status of this driver.
    pub(super) fn kernel_decides(&self) -> bool {
        self.options.profile.has(Setting::KernelDecides)
    }

    /// Writes the kernel's answer into a driver's record, and its status where the policy wants that.
    pub(super) fn conclude(&self, record: &mut Record, driver: Option<&Driver>) {
        let Some(driver) = driver else { return };
        let kernel = driver.kernel();
        if self.kernel_decides() {
            record.decided_by_kernel(kernel.windows_11_24h2.loads);
        }
        record.kernel = Some(kernel);
    }
}

/// The signature that the kernel likes best, the first among equals.
pub(super) fn kernel_choice(facts: &[KernelFacts]) -> Option<usize> {
    let ranked = facts.iter().enumerate().rev();
    ranked.max_by_key(|(_, facts)| facts.signature.answer().loads(DECIDING)).map(|(index, _)| index)
}

/// Whether a catalog's signature decides over those of the driver itself: it does where it pleases the kernel more,
/// and where there is no other.
pub(super) fn catalog_pleases(catalog: &KernelFacts, own: &[KernelFacts]) -> bool {
    let loads = |facts: &KernelFacts| facts.signature.answer().loads(DECIDING);
    own.iter().map(loads).max().is_none_or(|best| loads(catalog) > best)
}
