//! Detections as alerts of the Elastic Common Schema. The whole detection is below `sigscan.detection`, but for a time that
//! could be read, which is `@timestamp`: an index wants one type a field.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::ecs::{Ecs, add_finding, add_related_host, head};
use super::super::identity::{Object, Place, put};
use super::{DetectionFormat, Told};
use crate::judge::Status;
use crate::output::elastic_status;
use crate::record::{DetectionType, SignatureState};

impl<W: Write> DetectionFormat for Ecs<W> {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        self.line(&event(told))
    }

    fn end(&mut self) -> io::Result<()> {
        self.flush()
    }
}

fn event(told: &Told<'_>) -> Object {
    let detection = told.detection;
    let mut event = head(&told.moment, &told.origin);
    let details = told.details();
    add_finding(&mut event, &told.alert(&details), &told.id);
    let (category, kind) = match detection.detection_type {
        DetectionType::SigntoolSigning | DetectionType::CertutilImport | DetectionType::PowershellCodeSigning => {
            ("process", "info")
        }
        DetectionType::CertStoreRegistryMod => ("registry", "change"),
        DetectionType::InvalidCodeSignature => ("file", "info"),
        DetectionType::SuspiciousCertFileCreation => ("file", "creation"),
    };
    if let Some(said) = event.get_mut("event").and_then(Value::as_object_mut) {
        put(said, "dataset", "sigscan.detection");
        put(said, "action", "event-detection");
        put(said, "category", json!([category, "intrusion_detection"]));
        put(said, "type", json!([kind]));
    }
    put(&mut event, "user", user(detection.user.as_deref()));
    put(&mut event, "process", process(told));
    put(&mut event, "file", file(told));
    put(&mut event, "registry", told.registry_key().map(|path| json!({ "path": path })));
    put(&mut event, "related", told.sha256().map(|digest| json!({ "hash": [digest] })));
    let mut said = Object::from_iter(details);
    put(&mut said, "type", told.kind());
    if let Some(event) = said.get_mut("event").and_then(Value::as_object_mut).filter(|_| told.timed) {
        event.remove("time");
    }
    put(&mut said, "severity", super::super::identity::severity_name(detection.severity));
    put(&mut said, "confidence", json!(detection.confidence));
    put(&mut event, "sigscan", json!({ "detection": said }));
    add_related_host(&mut event, &told.origin);
    event
}

/// `DOMAIN\name` comes apart.
fn user(name: Option<&str>) -> Object {
    let mut user = Object::new();
    if let Some(name) = name {
        let (domain, own) = name.split_once('\\').map_or((None, name), |(domain, own)| (Some(domain), own));
        put(&mut user, "name", own);
        put(&mut user, "domain", domain);
    }
    user
}

fn process(told: &Told<'_>) -> Object {
    let named = |path: Option<&str>| {
        let mut process = Object::new();
        put(&mut process, "executable", path);
        put(&mut process, "name", path.map(|path| Place::of(path).name));
        process
    };
    let mut process = named(told.detection.image.as_deref());
    // A script is no command line of the program that runs it.
    let script = told.detection.detection_type == DetectionType::PowershellCodeSigning && process.is_empty();
    put(&mut process, "command_line", told.detection.command_line.as_deref().filter(|_| !script));
    put(&mut process, "parent", named(told.detection.parent_image.as_deref()));
    process
}

fn file(told: &Told<'_>) -> Object {
    let mut file = Object::new();
    let Some(path) = told.file() else { return file };
    let place = Place::of(path);
    put(&mut file, "path", path);
    put(&mut file, "name", place.name);
    put(&mut file, "directory", place.directory);
    put(&mut file, "extension", place.extension);
    put(&mut file, "drive_letter", place.drive.map(String::from));
    put(&mut file, "type", "file");
    put(&mut file, "hash", told.sha256().map(|digest| json!({ "sha256": digest })));
    put(&mut file, "code_signature", told.detection.signature.as_ref().map(code_signature));
    file
}

/// A status that the event alone states has no reason, and Elastic's word for it only where that does not matter.
fn code_signature(state: &SignatureState) -> Object {
    let mut said = Object::new();
    put(&mut said, "exists", true);
    put(&mut said, "trusted", false);
    let word = match (state.status, state.reason) {
        (status, Some(reason)) => elastic_status(status, reason),
        (Status::Expired, None) => Some("errorExpired"),
        (Status::Revoked, None) => Some("errorRevoked"),
        (_, None) => None,
    };
    put(&mut said, "status", word);
    put(&mut said, "subject_name", state.signer.as_str());
    said
}
