//! Findings as they leave: about one file in its record, about several files in lines of their own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown;

/// The value of [`FindingLine::schema`].
pub const FINDING_SCHEMA: &str = "sigscan.finding/1";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Unusual.
    Low,
    /// Suspicious.
    Medium,
    /// Probably hostile.
    High,
    /// Hostile, with proof.
    Critical,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A hint.
    Low,
    /// Likely.
    Medium,
    /// Very likely.
    High,
    /// Proven by the bytes.
    Proof,
}

/// A finding about one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable code.
    pub code: String,
    /// Title.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// What proves it.
    pub evidence: BTreeMap<String, serde_json::Value>,
    /// Other files concerned.
    pub related: Vec<String>,
}

/// A finding about several files, a line of its own after the last record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingLine {
    /// `sigscan.finding/1`.
    pub schema: String,
    /// Stable code.
    pub code: String,
    /// Title.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// What proves it.
    pub evidence: BTreeMap<String, serde_json::Value>,
    /// Every path.
    pub members: Vec<String>,
    /// The machine of each member, in their order; absent where no member has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Option<String>>,
    /// The file whose signature it is, if known.
    pub donor: Option<String>,
    /// The donor's machine, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub donor_host: Option<String>,
}

/// So many members are told where all are too many.
const FEW_MEMBERS: usize = 1000;

impl FindingLine {
    /// What fits however many files it is about: the first of them, and how many there are.
    #[must_use]
    pub fn least(&self) -> FindingLine {
        let mut evidence = BTreeMap::from([("all_members".to_owned(), self.members.len().into())]);
        let texts = self.evidence.iter().filter(|(_, value)| !value.is_array() && !value.is_object());
        evidence.extend(texts.map(|(name, value)| {
            let text = value.as_str().map(|text| shown(text).into());
            (name.clone(), text.unwrap_or_else(|| value.clone()))
        }));
        FindingLine {
            schema: self.schema.clone(),
            code: self.code.clone(),
            title: self.title.clone(),
            severity: self.severity,
            confidence: self.confidence,
            attack: self.attack.clone(),
            evidence,
            members: self.members.iter().take(FEW_MEMBERS).cloned().collect(),
            hosts: self.hosts.iter().take(FEW_MEMBERS).cloned().collect(),
            donor: self.donor.clone(),
            donor_host: self.donor_host.clone(),
        }
    }
}

/// The JSON Schema of [`FindingLine`], draft 2020-12.
#[must_use]
pub fn finding_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<FindingLine>().to_value()
}
