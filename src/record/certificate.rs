//! What is said of a certificate that is judged by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::note_chains;
use super::chain::{chain, revocation_status, signer, time_text};
use super::shown::note_cut_certificate;
use super::{Anomaly, AppliedPolicy, ChainCertificate, Reason, Revocation, Signer, Status, TrustStoreName};
use crate::asn1::Time;
use crate::judge::{CertificateVerdict, Purpose};
use crate::trust::{Limit, LimitDate, Root, TrustStore};
use crate::verify::{PathEnd, Paths, Pool};
use crate::x509::usage_text;

/// The value of [`CertificateReport::schema`].
pub const CERTIFICATE_SCHEMA: &str = "sigscan.certificate/1";

/// Everything that sigscan says about one certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateReport {
    /// `sigscan.certificate/1`.
    pub schema: String,
    /// The file that holds it, as given.
    pub path: String,
    /// What it was to be trusted for: `code-signing`, `time-stamping` or `any`.
    pub purpose: String,
    /// The status: `Valid` is trusted.
    pub status: Status,
    /// The reason that decided.
    pub reason: Reason,
    /// What Windows' chain policy would return; null for `Error`.
    pub hresult: Option<String>,
    /// All other reasons that hold, in table order.
    pub other_reasons: Vec<Reason>,
    /// The certificate; null when it cannot be read.
    pub certificate: Option<Signer>,
    /// The path that was judged, the certificate first.
    pub chain: Vec<ChainCertificate>,
    /// What is known of revocation.
    pub revocation: Revocation,
    /// The trusted root that the path ends in, with what it is trusted for; null when it ends elsewhere.
    pub root: Option<RootReport>,
    /// What was odd but harmless.
    pub anomalies: Vec<Anomaly>,
    /// The moment as of which it was judged.
    pub judged_at: String,
    /// The policy used.
    pub policy: AppliedPolicy,
    /// The trust store used.
    pub trust_store: TrustStoreName,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A root with its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootReport {
    /// The name that the root programme gives it.
    pub friendly_name: Option<String>,
    /// Built into Windows, and exempt from everything below.
    pub built_in: bool,
    /// Member of Microsoft's root programme.
    pub program: bool,
    /// Usages that it is trusted for by name; null is every usage.
    pub usages: Option<Vec<String>>,
    /// Certificates issued from a date on are not trusted.
    pub not_before: Option<RootLimit>,
    /// Signatures made from a date on are not trusted.
    pub disabled: Option<RootLimit>,
}

/// A dated limit of a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootLimit {
    /// The date; null is since ever.
    pub from: Option<String>,
    /// Usages that the limit is about; null is every usage.
    pub usages: Option<Vec<String>>,
}

/// Everything that a report is made of.
#[derive(Debug)]
pub struct CertificateInputs<'i, 'a> {
    /// The certificates that may take part, the one in question first.
    pub pool: &'i Pool<'a>,
    /// Its paths.
    pub paths: &'i Paths<'a>,
    /// The verdict.
    pub verdict: &'i CertificateVerdict,
    /// What it was judged for.
    pub purpose: Purpose,
    /// The moment.
    pub now: Time,
    /// The policy used.
    pub policy: AppliedPolicy,
    /// The store used.
    pub trust: &'i TrustStore,
}

fn empty(
    path: &str,
    purpose: Purpose,
    reason: Reason,
    now: Time,
    policy: AppliedPolicy,
    trust: &TrustStore,
) -> CertificateReport {
    CertificateReport {
        schema: CERTIFICATE_SCHEMA.to_owned(),
        path: path.to_owned(),
        purpose: purpose.name().to_owned(),
        status: reason.status(),
        reason,
        hresult: reason.hresult(),
        other_reasons: Vec::new(),
        certificate: None,
        chain: Vec::new(),
        revocation: Revocation::NotChecked,
        root: None,
        anomalies: Vec::new(),
        judged_at: now.to_rfc3339(),
        policy,
        trust_store: TrustStoreName::of(trust),
        problem: None,
    }
}

/// The report on something that stands in the place of a certificate and is none.
#[must_use]
pub fn unreadable_certificate(
    path: &str,
    purpose: Purpose,
    problem: String,
    now: Time,
    policy: AppliedPolicy,
    trust: &TrustStore,
) -> CertificateReport {
    CertificateReport { problem: Some(problem), ..empty(path, purpose, Reason::Malformed, now, policy, trust) }
}

/// Builds the report on a certificate that was judged.
#[must_use]
pub fn certificate_report(path: &str, inputs: &CertificateInputs<'_, '_>) -> CertificateReport {
    let verdict = inputs.verdict;
    let mut report = empty(path, inputs.purpose, verdict.reason, inputs.now, inputs.policy, inputs.trust);
    report.other_reasons = verdict.other_reasons.clone();
    report.certificate = inputs.pool.text(0).map(signer);
    report.chain = chain(inputs.pool, inputs.paths, &verdict.chain);
    if let Some((status, _)) = verdict.chain.revocation.as_ref() {
        report.revocation = revocation_status(*status);
    }
    let judged = verdict.chain.path.and_then(|index| inputs.paths.list.get(index));
    if let Some(PathEnd::Anchor { root, .. }) = judged.map(|path| path.end) {
        report.root = Some(root_report(&root));
    }
    let mut note = |code: &str, message: String| {
        let anomaly = Anomaly::new(code, message);
        if !report.anomalies.contains(&anomaly) {
            report.anomalies.push(anomaly);
        }
    };
    if inputs.paths.exhausted {
        note("path-limit", "the search for chains stopped at its documented limit".to_owned());
    }
    let told = report.chain.iter().map(|certificate| (certificate, false));
    note_chains(told, std::iter::once(&verdict.chain), &mut note);
    report.anomalies.extend(note_cut_certificate(report.certificate.as_ref(), &report.chain));
    report
}

fn root_report(root: &Root<'_>) -> RootReport {
    let exempt = root.built_in;
    let usages =
        |list: Option<crate::trust::OidList<'_>>| list.map(|list| list.iter().map(usage_text).collect::<Vec<String>>());
    let limit = |limit: &Limit<'_>| match limit.date {
        LimitDate::At(date) => Some(RootLimit { from: time_text(Some(date)), usages: usages(limit.usages) }),
        LimitDate::Absent if limit.usages.is_some() => Some(RootLimit { from: None, usages: usages(limit.usages) }),
        LimitDate::Absent | LimitDate::Cleared => None,
    };
    RootReport {
        friendly_name: root.friendly_name.map(str::to_owned),
        built_in: root.built_in,
        program: root.program,
        usages: usages(root.usages).filter(|_| !exempt),
        not_before: limit(&root.not_before_limit).filter(|_| !exempt),
        disabled: limit(&root.disabled).filter(|_| !exempt),
    }
}

/// The JSON Schema of [`CertificateReport`], draft 2020-12.
#[must_use]
pub fn certificate_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<CertificateReport>().to_value()
}
