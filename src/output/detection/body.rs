//! Bodies for Splunk's HTTP Event Collector and for LogScale: the detection as `sigscan events` writes it, so that one query
//! finds both, and beside it the names of Splunk's Common Information Model (Endpoint) and those of a scan's events.

use std::io::{self, Write};

use serde::Serialize;

use super::super::event::{PRODUCT, boolean, file_name};
use super::super::{LogScale, SplunkHec};
use super::{DetectionFormat, Told};
use crate::record::Detection;

/// Names that are no member of a detection.
#[derive(Serialize)]
struct Body<'t> {
    vendor_product: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest: Option<&'t str>,
    category: &'static str,
    signature_id: String,
    mitre_technique_id: &'t [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_path: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_process_path: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_path: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_hash: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry_path: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "SignatureStatus")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "Signer")]
    signer: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "SignerVerified")]
    signer_verified: Option<&'static str>,
    #[serde(flatten)]
    detection: &'t Detection,
}

impl<'t> Body<'t> {
    fn of(told: &'t Told<'_>) -> Body<'t> {
        let detection = told.detection;
        let state = detection.signature.as_ref();
        Body {
            vendor_product: PRODUCT,
            dest: told.origin.host.as_deref(),
            category: "code-signing",
            signature_id: told.event_id(),
            mitre_technique_id: &detection.attack,
            process: detection.command_line.as_deref(),
            process_path: detection.image.as_deref(),
            parent_process_path: detection.parent_image.as_deref(),
            file_path: told.file(),
            file_name: told.file().map(file_name),
            file_hash: told.sha256(),
            registry_path: told.registry_key(),
            status: state.map(|state| state.status.name()),
            signer: state.map(|state| state.signer.as_str()),
            signer_verified: state.map(|state| boolean(state.signer_verified)),
            detection,
        }
    }
}

impl<W: Write> DetectionFormat for SplunkHec<W> {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        self.envelope("sigscan:detection", &told.moment, told.origin.host.as_deref(), Body::of(told))
    }

    fn end(&mut self) -> io::Result<()> {
        self.flush()
    }
}

impl<W: Write> DetectionFormat for LogScale<W> {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        self.group("detection", &told.moment, Body::of(told))
    }

    fn end(&mut self) -> io::Result<()> {
        self.flush()
    }
}
