//! Facts, a moment and a policy become a status and its reasons.
//!
//! The only room that knows precedence: [`table`] lists the reasons in the order in which they decide.

mod certificate;
mod chain;
mod kernel;
mod policies;
mod profile;
mod revocation;
mod rules;
mod signature;
mod table;

pub use certificate::{CertificateVerdict, judge_certificate};
pub use chain::{ChainVerdict, Moment, Problem, Purpose, judge_paths, list_signer_is_trusted};
pub use kernel::{
    Cross, DriverContext, KernelReason, KernelRules, KernelSignature, Loads, kernel_answer, kernel_signature,
    states_policy,
};
pub use policies::InitialPolicies;
pub use profile::{Profile, SETTINGS, Setting, SettingRow};
pub use revocation::{CertificateRevocation, RevocationStatus};
pub use rules::Rules;
pub use signature::{ChosenTimestamp, Layout, SignatureVerdict, TimestampVerdict, judge_signature};
pub use table::{Reason, Row, Status, TABLE, first_in_table};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asn1::Time;

/// Which signature gives the file its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignaturePolicy {
    /// The first one, as Windows does.
    #[default]
    Primary,
    /// Valid when any signature is; else the primary's status.
    Any,
    /// The worst of all.
    All,
    /// The best of all.
    Best,
}

/// What judging depends on besides the facts.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The moment that counts as now.
    pub now: Time,
    /// Which signature decides.
    pub signature: SignaturePolicy,
    /// Bytes behind the PKCS#7 break the signature (EnableCertPaddingCheck).
    pub strict_padding: bool,
    /// A signature is trusted only if no certificate of its chain is known or feared to be revoked.
    pub require_revocation: bool,
    /// What path validation demands.
    pub rules: Rules,
}

/// Index of the signature that gives the file its status.
#[must_use]
pub fn deciding_signature(verdicts: &[SignatureVerdict], policy: SignaturePolicy) -> Option<usize> {
    let rank = |verdict: &SignatureVerdict| verdict.status.severity();
    let indexed = || verdicts.iter().enumerate();
    match policy {
        SignaturePolicy::Primary => (!verdicts.is_empty()).then_some(0),
        SignaturePolicy::Any => match indexed().find(|(_, verdict)| verdict.status == Status::Valid) {
            Some((index, _)) => Some(index),
            None => (!verdicts.is_empty()).then_some(0),
        },
        // Among equals the first one: max_by_key would take the last.
        SignaturePolicy::All => indexed().rev().max_by_key(|(_, verdict)| rank(verdict)).map(|(index, _)| index),
        SignaturePolicy::Best => indexed().min_by_key(|(_, verdict)| rank(verdict)).map(|(index, _)| index),
    }
}

/// Whether a catalog that lists a file gives the file its status: when the catalog verifies, and also when there is
/// nothing else to go by, because a file that a catalog lists is not unsigned (`semantics.md` section 0.2, row 1).
/// What could not be read in the file itself (`embedded` is the reason of its status) is not nothing.
#[must_use]
pub fn catalog_decides(catalog: Status, embedded: Reason) -> bool {
    catalog == Status::Valid || matches!(embedded, Reason::NoSignature | Reason::UnsupportedSubject)
}
