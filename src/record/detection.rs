//! Detections in events: one a line of what `sigscan events` writes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confidence, Severity, shown};
use crate::asn1::Time;
use crate::judge::{Reason, Status};

/// The version of [`Detection`].
pub const DETECTION_SCHEMA: &str = "sigscan.detection/1";

/// What was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DetectionType {
    /// A signature is there and does not hold, on an image that was loaded, started or written.
    InvalidCodeSignature,
    /// `signtool.exe` signs a file.
    SigntoolSigning,
    /// `certutil.exe` imports a certificate or a key, or touches the stores of trusted ones.
    CertutilImport,
    /// A certificate or a key is written where any user may write.
    SuspiciousCertFileCreation,
    /// A certificate is put into a store of trusted ones through the registry.
    CertStoreRegistryMod,
    /// PowerShell makes a certificate, exports a key or signs a script.
    PowershellCodeSigning,
}

impl DetectionType {
    /// All of them.
    pub const ALL: [DetectionType; 6] = [
        DetectionType::InvalidCodeSignature,
        DetectionType::SigntoolSigning,
        DetectionType::CertutilImport,
        DetectionType::SuspiciousCertFileCreation,
        DetectionType::CertStoreRegistryMod,
        DetectionType::PowershellCodeSigning,
    ];

    /// The name in detections.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DetectionType::InvalidCodeSignature => "InvalidCodeSignature",
            DetectionType::SigntoolSigning => "SigntoolSigning",
            DetectionType::CertutilImport => "CertutilImport",
            DetectionType::SuspiciousCertFileCreation => "SuspiciousCertFileCreation",
            DetectionType::CertStoreRegistryMod => "CertStoreRegistryMod",
            DetectionType::PowershellCodeSigning => "PowershellCodeSigning",
        }
    }

    /// A title for a person.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            DetectionType::InvalidCodeSignature => "An image was loaded whose signature does not hold",
            DetectionType::SigntoolSigning => "signtool signs a file",
            DetectionType::CertutilImport => "certutil imports a certificate",
            DetectionType::SuspiciousCertFileCreation => "A certificate file in a folder that users may write to",
            DetectionType::CertStoreRegistryMod => "A certificate enters a store of trusted ones",
            DetectionType::PowershellCodeSigning => "PowerShell makes, exports or uses a signing certificate",
        }
    }

    /// The ATT&CK technique.
    #[must_use]
    pub fn technique(self) -> &'static str {
        if self == DetectionType::InvalidCodeSignature { "T1036.001" } else { "T1553.002" }
    }
}

/// One detection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// `sigscan.detection/1`.
    pub schema: String,
    /// What was detected.
    pub detection_type: DetectionType,
    /// The same for a person.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// The event that tells of it.
    pub event: EventReference,
    /// The account, as the event states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The program that acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Its command line, or the script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// The program that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_image: Option<String>,
    /// A shell, a script host or the desktop started it; for processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspicious_parent: Option<bool>,
    /// The command line names a file of keys (`.pfx`, `.p12`); for processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_pfx: Option<bool>,
    /// signtool signs without asking an authority for the time: neither `/tr` nor `/t`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_timestamp: Option<bool>,
    /// The program carries another name than its version resource states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed: Option<bool>,
    /// PowerShell's commands that were found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub cmdlets: Vec<String>,
    /// The file or the registry key that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The store of certificates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// SHA-1 of the certificate, from the registry key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint_sha1: Option<String>,
    /// The root of Microsoft's programme, or of Windows, that has this SHA-1: Windows adds those itself. What is below the
    /// key may be another certificate all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_root: Option<String>,
    /// The signature that does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureState>,
    /// What the file itself says, and whether the event says the same; where files were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Detection {
    /// What fits whatever the event holds: its texts no longer than those of certificates, and no evidence.
    #[must_use]
    pub fn least(&self) -> Detection {
        let few = |text: &Option<String>| text.as_deref().map(shown);
        let event = &self.event;
        Detection {
            schema: self.schema.clone(),
            detection_type: self.detection_type,
            title: self.title.clone(),
            severity: self.severity,
            confidence: self.confidence,
            attack: self.attack.clone(),
            event: EventReference {
                time: few(&event.time),
                host: few(&event.host),
                provider: shown(&event.provider),
                id: event.id,
                name: few(&event.name),
                record: event.record,
                source: shown(&event.source),
                position: event.position,
            },
            user: few(&self.user),
            image: few(&self.image),
            command_line: few(&self.command_line),
            parent_image: few(&self.parent_image),
            suspicious_parent: self.suspicious_parent,
            has_pfx: self.has_pfx,
            no_timestamp: self.no_timestamp,
            renamed: self.renamed,
            cmdlets: self.cmdlets.clone(),
            target: few(&self.target),
            store: few(&self.store),
            thumbprint_sha1: few(&self.thumbprint_sha1),
            known_root: few(&self.known_root),
            signature: self.signature.as_ref().map(|state| SignatureState {
                signer: shown(&state.signer),
                thumbprint_sha1: few(&state.thumbprint_sha1),
                ..state.clone()
            }),
            evidence: None,
        }
    }

    /// SHA-256 of the event's file, where that was at hand and is not known to be another one.
    #[must_use]
    pub fn file_digest(&self) -> Option<&str> {
        let evidence = self.evidence.as_ref()?;
        let sought = matches!(evidence.file, FileFate::Same | FileFate::Unconfirmed);
        evidence.sha256.as_deref().filter(|_| sought)
    }
}

/// Where an event was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventReference {
    /// When it happened, as the event states it.
    pub time: Option<String>,
    /// The machine.
    pub host: Option<String>,
    /// Who wrote it; empty if it does not say.
    pub provider: String,
    /// Its number.
    pub id: Option<u32>,
    /// Falcon's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number of the record in its log.
    pub record: Option<u64>,
    /// The file that was read.
    pub source: String,
    /// Position in that file, from 1.
    pub position: u64,
}

impl EventReference {
    /// When it happened; none where the event does not say so in a way that is known.
    #[must_use]
    pub fn moment(&self) -> Option<Time> {
        moment(self.time.as_deref()?)
    }
}

/// Who says what of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureState {
    /// Whose word it is.
    pub from: Witness,
    /// The status.
    pub status: Status,
    /// Why; null when the event says it.
    pub reason: Option<Reason>,
    /// The signer's name.
    pub signer: String,
    /// The signature over these bytes holds, so that the name is the signer's own; false when only the event names it.
    pub signer_verified: bool,
    /// SHA-1 of the signer's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbprint_sha1: Option<String>,
    /// Codes of the findings about the file.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<String>,
}

/// What the file that the event names says, and what the event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What became of the search for the file.
    pub file: FileFate,
    /// The file on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// SHA-256 of that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The status of that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What the event says of the signature, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventWords>,
    /// The event's words amount to another status than the file of the event has.
    pub disagrees: bool,
    /// What a reader should know, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What became of the search for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFate {
    /// It was judged, and its digest is the one that the event states.
    Same,
    /// It was judged, and the event states no digest to compare.
    Unconfirmed,
    /// The file there now has another digest.
    Changed,
    /// It was not found.
    Missing,
    /// It was found and could not be judged.
    NotJudged,
}

/// What an event says of a signature, as it writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventWords {
    /// Whether there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its signer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

/// Whose word a status is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Witness {
    /// The file was found and judged.
    File,
    /// The event states it.
    Event,
}

/// The JSON Schema of [`Detection`], draft 2020-12.
#[must_use]
pub fn detection_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.into_root_schema_for::<Detection>().to_value()
}

/// A moment as events write it: RFC 3339, Sysmon's `2026-05-04 03:02:03.123` in UTC, or seconds or milliseconds since
/// 1970.
#[must_use]
pub fn moment(text: &str) -> Option<Time> {
    if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return Time::from_seconds(if text.len() > 11 { number.checked_div(1000)? } else { number });
    }
    Time::parse_rfc3339(text).or_else(|| Time::parse_rfc3339(&format!("{}Z", text.replacen(' ', "T", 1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_events_are_understood() {
        let wanted = Time::parse_rfc3339("2026-05-04T03:02:03Z");
        for text in ["2026-05-04T03:02:03.1234567Z", "2026-05-04 03:02:03.123", "1777863723", "1777863723456"] {
            assert_eq!(moment(text), wanted, "{text}");
        }
        for text in ["", "yesterday", "99999999999999999999", "2026-13-01 00:00:00"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
