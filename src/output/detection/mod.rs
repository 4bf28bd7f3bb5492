//! Detections in events (`sigscan events`), in the formats in which findings leave, with the same names for the same
//! things. What a format has no name for goes below `sigscan` or into one field of details.

mod body;
mod ecs;
mod lines;
mod ocsf;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::event::{Alert, event_id};
use super::identity::identity;
use super::json::JsonArray;
use super::{Cef, Ecs, Format, JsonLines, Leef, LogScale, Ocsf, Origin, SplunkHec};
use crate::record::{Detection, DetectionType};

/// A sink for detections in one format.
pub trait Detections {
    /// Takes the next detection and writes it at once.
    ///
    /// # Errors
    /// Errors of writing.
    fn detection(&mut self, detection: &Detection) -> io::Result<()>;

    /// Ends the output after the last one.
    ///
    /// # Errors
    /// Errors of writing.
    fn finish(&mut self) -> io::Result<()>;
}

impl Format {
    /// Whether it has a place for detections in events.
    #[must_use]
    pub fn takes_detections(self) -> bool {
        use Format::{Cef, Ecs, Json, Jsonl, Leef, LogScale, Ocsf, SplunkHec};
        matches!(self, Jsonl | Json | Leef | Cef | SplunkHec | LogScale | Ecs | Ocsf)
    }

    /// A sink that writes detections in this format to `writer`; `None` for a format that is about files only.
    pub fn open_detections<W: Write + 'static>(self, origin: &Origin, writer: W) -> Option<Box<dyn Detections>> {
        fn events<F: DetectionFormat + 'static>(origin: &Origin, format: F) -> Option<Box<dyn Detections>> {
            Some(Box::new(Events { format, origin: origin.clone() }))
        }
        match self {
            Format::Jsonl => Some(Box::new(JsonLines::new(writer))),
            Format::Json => Some(Box::new(JsonArray::new(writer))),
            Format::Leef => events(origin, Leef::lines(writer)),
            Format::Cef => events(origin, Cef::lines(writer)),
            Format::SplunkHec => events(origin, SplunkHec::lines(writer)),
            Format::LogScale => events(origin, LogScale::lines(writer)),
            Format::Ecs => events(origin, Ecs::lines(writer)),
            Format::Ocsf => events(origin, Ocsf::lines(writer)),
            Format::Csv | Format::Lookup(_) | Format::Sysmon | Format::Sarif | Format::Mde => None,
        }
    }
}

impl<W: Write> Detections for JsonLines<W> {
    fn detection(&mut self, detection: &Detection) -> io::Result<()> {
        self.line(detection)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end()
    }
}

impl<W: Write> Detections for JsonArray<W> {
    fn detection(&mut self, detection: &Detection) -> io::Result<()> {
        self.element(detection)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.end()
    }
}

/// How a format spells a detection.
trait DetectionFormat {
    fn told(&mut self, told: &Told<'_>) -> io::Result<()>;

    fn end(&mut self) -> io::Result<()>;
}

struct Events<F> {
    format: F,
    origin: Origin,
}

impl<F: DetectionFormat> Detections for Events<F> {
    fn detection(&mut self, detection: &Detection) -> io::Result<()> {
        self.format.told(&Told::of(detection, &self.origin))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.format.end()
    }
}

/// Seconds since 1970 of 2001 to 2286: milliseconds of 13 digits, which LEEF demands. An event that states another year
/// has a clock, or an author, that nobody should sort by.
const PLAUSIBLE: std::ops::Range<i64> = 1_000_000_000..10_000_000_000;

/// A detection, with what its event says of time and machine brought into one shape.
struct Told<'d> {
    detection: &'d Detection,
    /// When the event happened, or as of when files are judged where it does not say; RFC 3339.
    moment: String,
    /// Whether that is the event's.
    timed: bool,
    /// The machine of the event, or of all events.
    origin: Origin,
    /// The same whenever the same is told of the same event.
    id: String,
}

impl<'d> Told<'d> {
    fn of(detection: &'d Detection, origin: &Origin) -> Told<'d> {
        let happened =
            detection.event.moment().filter(|time| PLAUSIBLE.contains(&time.0)).map(|time| time.to_rfc3339());
        let timed = happened.is_some();
        let moment = happened.or_else(|| origin.judged_at.clone()).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
        let host = detection.event.host.clone().or_else(|| origin.host.clone());
        let origin = Origin { host, judged_at: Some(moment.clone()) };
        let id = id(detection, &origin);
        Told { detection, moment, timed, origin, id }
    }

    /// The name of its kind.
    fn kind(&self) -> &'static str {
        self.detection.detection_type.name()
    }

    /// What its event is called where findings are `SIG-X201`.
    fn event_id(&self) -> String {
        event_id(self.kind())
    }

    /// The file that it is about, where it is about one.
    fn file(&self) -> Option<&'d str> {
        self.detection
            .target
            .as_deref()
            .filter(|_| self.detection.detection_type != DetectionType::CertStoreRegistryMod)
    }

    /// The registry key that it is about, where it is about one.
    fn registry_key(&self) -> Option<&'d str> {
        self.detection
            .target
            .as_deref()
            .filter(|_| self.detection.detection_type == DetectionType::CertStoreRegistryMod)
    }

    /// SHA-256 of the file of the event, where that was at hand.
    fn sha256(&self) -> Option<&'d str> {
        self.detection.file_digest()
    }

    /// Everything but what every format has a name for, by the names of the detection.
    fn details(&self) -> BTreeMap<String, Value> {
        const ELSEWHERE: [&str; 6] = ["schema", "detection_type", "title", "severity", "confidence", "attack"];
        let whole = json!(self.detection);
        let members = whole.as_object().into_iter().flatten();
        let kept = members.filter(|(name, value)| !ELSEWHERE.contains(&name.as_str()) && !value.is_null());
        kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect()
    }

    /// The detection as a finding about no file that was scanned.
    fn alert<'a>(&'a self, evidence: &'a BTreeMap<String, Value>) -> Alert<'a> {
        Alert {
            code: self.kind(),
            title: &self.detection.title,
            severity: self.detection.severity,
            confidence: self.detection.confidence,
            attack: &self.detection.attack,
            evidence,
            record: None,
            members: &[],
            donor: None,
        }
    }
}

/// Members of objects that are null say nothing. Detections are two levels deep.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// Of what was detected and in which event: a log that was copied holds the same events, one without numbers is known by
/// its name and the position in it.
fn id(detection: &Detection, origin: &Origin) -> String {
    let event = &detection.event;
    let place: Cow<'_, str> = match event.record {
        Some(record) => Cow::Owned(record.to_string()),
        None => Cow::Owned(format!("{}#{}", event.source, event.position)),
    };
    let number = event.id.map(|id| id.to_string()).unwrap_or_default();
    let state = detection.signature.as_ref();
    identity(&[
        origin.host.as_deref().unwrap_or_default(),
        event.time.as_deref().unwrap_or_default(),
        &event.provider,
        &number,
        &place,
        detection.detection_type.name(),
        detection.target.as_deref().unwrap_or_default(),
        detection.command_line.as_deref().unwrap_or_default(),
        state.map_or("", |state| state.status.name()),
        state.and_then(|state| state.reason).map_or("", |reason| reason.code()),
    ])
}
