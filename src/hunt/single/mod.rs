//! Findings about one file: what its signature, its certificates and its layout give away by themselves.

mod cargo;
mod certificates;
mod claims;
mod content;
mod extras;
mod listed;
mod publishers;
mod stamps;
mod tags;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

pub use claims::claim_findings;
pub use content::donor_in_catalog;
pub use publishers::KnownNames;

use super::table::row;
use crate::asn1::Time;
use crate::container::pe::version::VersionInfo;
use crate::container::pe::{PeFacts, Remains};
use crate::crypto::{DigestAlgorithm, DigestValue};
use crate::record::{Finding, Record, Severity, shown};
use crate::trust::{BlockLists, TrustStore};
use crate::verify::{Memo, SignatureFacts};
use crate::x509::{Certificate, CertificateText};

/// The digests of a file that were computed, to be reported or not.
#[derive(Debug, Clone, Copy)]
pub struct FoundDigests<'f> {
    /// Of the whole file.
    pub file: &'f BTreeMap<DigestAlgorithm, DigestValue>,
    /// What Authenticode digests.
    pub authentihash: &'f BTreeMap<DigestAlgorithm, DigestValue>,
    /// Of the first page.
    pub first_page: &'f BTreeMap<DigestAlgorithm, DigestValue>,
}

/// Everything that the rules may look at.
#[derive(Debug, Clone, Copy)]
pub struct FileFacts<'f> {
    /// The record as far as it is known.
    pub record: &'f Record,
    /// The facts of its signatures, as in the record.
    pub signatures: &'f [SignatureFacts<'f>],
    /// Index of the signature that gave the status.
    pub deciding: Option<usize>,
    /// PE layout, for PE files.
    pub pe: Option<&'f PeFacts>,
    /// What lies around the certificate table.
    pub remains: &'f Remains,
    /// The version resource, as far as it is needed.
    pub version: Option<&'f VersionInfo>,
    /// Its digests.
    pub digests: FoundDigests<'f>,
    /// What others warn of.
    pub blocked: &'f BlockLists,
    /// What is wanted all the same.
    pub allowed: &'f BlockLists,
    /// The store whose names are known.
    pub trust: &'f TrustStore,
    /// Publishers' names, from that store: made when somebody first asks.
    pub names: &'f OnceLock<KnownNames>,
    /// What is remembered from file to file.
    pub memo: &'f Memo,
    /// The moment that counts as now.
    pub now: Time,
}

impl<'f> FileFacts<'f> {
    /// The facts of the signature that gave the status, and its place in the record.
    fn deciding(&self) -> Option<(&'f SignatureFacts<'f>, &'f crate::record::Signature)> {
        let index = self.deciding?;
        Some((self.signatures.get(index)?, self.record.signatures.get(index)?))
    }

    /// The signer's certificate of that signature.
    fn leaf(&self) -> Option<&'f Certificate<'f>> {
        let content = self.deciding()?.0.content.as_ref()?;
        content.pool.certificate(content.certificate?)
    }

    /// The same certificate in words.
    fn leaf_text(&self) -> Option<&'f CertificateText> {
        let content = self.deciding()?.0.content.as_ref()?;
        content.pool.text(content.certificate?)
    }

    /// The first of the signer's names, its organisation before its common name, in which `look` sees something.
    fn name_with<'s, T>(&self, look: impl Fn(&'f str) -> Option<T> + 's) -> Option<(&'f str, T)> {
        let text = self.leaf_text()?;
        let names = [text.organization.as_deref(), text.common_name.as_deref()];
        names.into_iter().flatten().find_map(|name| Some((name, look(name)?)))
    }

    /// The names that impostors like to bear.
    fn known(&self) -> &'f KnownNames {
        self.names.get_or_init(|| KnownNames::of(self.trust))
    }

    /// Whether this anomaly was noted.
    fn has(&self, code: &str) -> bool {
        self.record.anomalies.iter().any(|anomaly| anomaly.code == code)
    }

    /// The name in the signature, verified or claimed.
    fn signer(&self) -> Value {
        let signer = self.record.signer.as_ref().or(self.record.claimed_signer.as_ref());
        signer.map_or(Value::Null, |signer| signer.common_name.clone().unwrap_or_else(|| signer.subject.clone()).into())
    }

    /// COFF TimeDateStamp as a moment, unless it is no plausible one: reproducible builds store a hash there.
    fn built(&self) -> Option<Time> {
        let stamp = Time(i64::from(self.pe?.timestamp));
        (!self.remains.debug.reproducible && self.is_plausible(stamp)).then_some(stamp)
    }

    /// Whether a PE file can have been made then.
    fn is_plausible(&self, stamp: Time) -> bool {
        stamp >= PLAUSIBLE && stamp <= self.now
    }
}

/// 1995-01-01: no PE file is older.
const PLAUSIBLE: Time = Time(788_918_400);

type Rule = fn(&FileFacts<'_>) -> Option<Finding>;

/// In the order of their codes, which is the order of findings in a record.
const RULES: &[Rule] = &[
    content::digest_differs,
    content::page_hashes_of_another_file,
    stamps::signed_before_built,
    content::previous_table,
    content::table_geometry,
    content::hidden_data,
    content::data_after_table,
    content::unsigned_data,
    extras::superfluous_certificate,
    extras::second_format,
    extras::wrong_checksum,
    certificates::foreign_self_signature,
    certificates::publisher_by_own_account,
    certificates::known_authority_unknown_key,
    certificates::not_for_code,
    content::tool_marks,
    certificates::broken_timestamp,
    stamps::backdated_driver,
    certificates::expired_without_timestamp,
    certificates::weak_cryptography,
    listed::on_a_blocklist,
    certificates::withdrawn,
    content::forged_version,
    content::mixed_signatures,
    publishers::unknown_issuer,
    publishers::look_alike,
];

/// What the rules find in one file.
#[must_use]
pub fn file_findings(facts: &FileFacts<'_>) -> Vec<Finding> {
    let listed = !facts.blocked.is_empty();
    if !listed
        && facts.record.signatures.is_empty()
        && facts.record.version_info.is_none()
        && facts.record.anomalies.is_empty()
    {
        return Vec::new(); // an unsigned file without anything to be odd about
    }
    RULES.iter().filter_map(|rule| rule(facts)).collect()
}

/// A finding of the table's row; `None` for a code without one, which a test rules out.
pub(super) fn finding(code: &str, severity: Option<Severity>, evidence: &[(&str, Value)]) -> Option<Finding> {
    let row = row(code)?;
    let told = |value: &Value| match value {
        Value::String(text) => Value::String(shown(text)),
        other => other.clone(),
    };
    Some(Finding {
        code: row.code.to_owned(),
        title: row.title.to_owned(),
        severity: severity.unwrap_or(row.severity),
        confidence: row.confidence,
        attack: row.attack.iter().map(|technique| (*technique).to_owned()).collect(),
        evidence: evidence.iter().map(|(name, value)| ((*name).to_owned(), told(value))).collect(),
        related: Vec::new(),
    })
}
