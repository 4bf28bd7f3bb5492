//! Detections as Detection Findings (2004). A `process` of the schema has to have a number or an identity, which detections
//! do not keep: programs and command lines are among the `data` of the evidence.

use std::io::{self, Write};

use serde_json::json;

use super::super::identity::{Object, put, severity_name};
use super::super::ocsf::{Ocsf, finding, fingerprint, named_file};
use super::{DetectionFormat, Told};

impl<W: Write> DetectionFormat for Ocsf<W> {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()> {
        self.line(&event(told))
    }

    fn end(&mut self) -> io::Result<()> {
        self.flush()
    }
}

fn event(told: &Told<'_>) -> Object {
    let details = told.details();
    let mut event = finding(&told.alert(&details), &told.id, &told.moment, &told.origin);
    let mut evidence = Object::new();
    if let Some(path) = told.file() {
        let mut file = named_file(path);
        put(&mut file, "hashes", told.sha256().and_then(|digest| fingerprint("sha256", digest)).map(|it| json!([it])));
        put(&mut evidence, "file", file);
    }
    put(&mut evidence, "reg_key", told.registry_key().map(|path| json!({ "path": path })));
    put(
        &mut evidence,
        "user",
        told.detection.user.as_deref().filter(|name| !name.is_empty()).map(|name| json!({ "name": name })),
    );
    // Required: one of them at least.
    evidence.insert("data".to_owned(), json!(details));
    put(&mut event, "evidences", json!([evidence]));
    let severity = severity_name(told.detection.severity);
    let said = json!({ "type": told.kind(), "severity": severity, "confidence": told.detection.confidence });
    put(&mut event, "unmapped", json!({ "sigscan": { "detection": said } }));
    event
}
