//! LEEF and CEF: keys as files and findings have them, and the rest of the detection as JSON in one field.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::Value;

use super::super::event::{boolean, confidence_name, evidence_within, file_name, finding_severity};
use super::super::identity::severity_name;
use super::super::{Cef, Leef, cef, leef};
use super::{DetectionFormat, Told};

impl<W: Write> DetectionFormat for Leef<W> {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        let detection = told.detection;
        let mut line = leef::Line::new(&told.event_id(), &told.moment);
        let mut field = |key: &str, value: Option<&str>| line.field(key, value.unwrap_or_default());
        let flag = |flag: Option<bool>| flag.map(boolean);
        field("sev", Some(&finding_severity(detection.severity).to_string()));
        field("DetectionType", Some(told.kind()));
        field("DetectionSeverity", Some(severity_name(detection.severity)));
        field("FindingTitle", Some(&detection.title));
        field("Confidence", Some(confidence_name(detection.confidence)));
        field("MitreTechnique", Some(&detection.attack.join(",")));
        field("hostname", told.origin.host.as_deref());
        field("usrName", detection.user.as_deref());
        field("CommandLine", detection.command_line.as_deref());
        field("SuspiciousParent", flag(detection.suspicious_parent));
        field("HasPfx", flag(detection.has_pfx));
        field("NoTimestamp", flag(detection.no_timestamp));
        field("Renamed", flag(detection.renamed));
        field("Cmdlets", Some(&detection.cmdlets.join(",")));
        field("Store", detection.store.as_deref());
        field("KnownRoot", detection.known_root.as_deref());
        let state = detection.signature.as_ref();
        let thumbprint = detection.thumbprint_sha1.as_deref();
        field("Thumbprint", thumbprint.or_else(|| state?.thumbprint_sha1.as_deref()));
        field("SignatureStatus", state.map(|state| state.status.name()));
        field("Reason", state.and_then(|state| state.reason).map(|reason| reason.code()));
        field("Signer", state.map(|state| state.signer.as_str()));
        field("SignerVerified", state.map(|state| boolean(state.signer_verified)));
        field("FindingIDs", Some(&state.map(|state| state.findings.join(",")).unwrap_or_default()));
        field("filename", told.file().map(file_name));
        field("SHA256", told.sha256());
        field("Evidence", Some(&evidence_within(&proof(told), leef::VALUE_LIMIT)));
        let mut path = |key: &str, value: Option<&str>| line.limited(key, value.unwrap_or_default(), leef::PATH_LIMIT);
        path("filepath", told.file());
        path("RegistryKey", told.registry_key());
        path("Image", detection.image.as_deref());
        path("ParentImage", detection.parent_image.as_deref());
        line.write(self.writer())
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

/// The event, and what the file says beside it: what has no key of its own.
fn proof(told: &Told<'_>) -> BTreeMap<String, Value> {
    let mut details = told.details();
    details.retain(|name, _| matches!(name.as_str(), "event" | "evidence"));
    details
}

impl<W: Write> DetectionFormat for Cef<W> {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        let detection = told.detection;
        let mut line = cef::Line::new(&told.event_id(), &detection.title, finding_severity(detection.severity));
        line.start(&told.moment, &told.origin);
        let state = detection.signature.as_ref();
        let record = detection.event.record.map(|record| record.to_string());
        let mut field = |key: &str, value: Option<&str>| line.field(key, value.unwrap_or_default(), cef::TEXT);
        field("reason", state.and_then(|state| state.reason).map(|reason| reason.code()));
        field("suser", detection.user.as_deref());
        field("sproc", detection.image.as_deref());
        field("fname", told.file().map(file_name));
        field("filePath", told.file());
        field("fileHash", told.sha256());
        field("externalId", record.as_deref());
        let mut custom =
            |key: &str, label: &str, value: Option<&str>| line.custom(key, label, value.unwrap_or_default());
        custom("cs1", "SignatureStatus", state.map(|state| state.status.name()));
        custom("cs2", "Signer", state.map(|state| state.signer.as_str()));
        custom("flexString1", "SignerVerified", state.map(|state| boolean(state.signer_verified)));
        custom("cs3", "MitreTechnique", Some(&detection.attack.join(",")));
        custom("cs4", "Confidence", Some(confidence_name(detection.confidence)));
        custom("cs5", "CommandLine", detection.command_line.as_deref());
        custom("cs6", "Details", Some(&evidence_within(&beside(told), cef::CUSTOM)));
        custom("flexString2", "RegistryKey", told.registry_key());
        line.write(self.writer())
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

/// What has no key of its own in CEF.
fn beside(told: &Told<'_>) -> BTreeMap<String, Value> {
    let mut details = told.details();
    details.retain(|name, _| !matches!(name.as_str(), "user" | "image" | "command_line" | "target"));
    details
}
