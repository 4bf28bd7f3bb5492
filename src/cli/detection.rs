//! What people read of a detection, and of a run over files of events.

use std::collections::BTreeMap;

use super::words::{self, Verdict, grouped, plural, severity, short};
use crate::enrich::events::{Detection, DetectionType, FileCounts, moment};
use crate::enrich::evtx::Totals;
use crate::judge::Status;
use crate::output::escape::for_terminal;
use crate::record::{EventReference, Evidence, FileFate, SignatureState, Witness};

/// Characters of a command line or a script that are shown.
const MAX_COMMAND: usize = 240;
/// Where everything but the severity starts.
const INDENT: &str = "         ";

/// One detection for a person: what, on which file, why, who, and where and when, a line each; then an empty line.
#[must_use]
pub fn shown(detection: &Detection) -> String {
    let mut lines = vec![format!(
        "{:<9}{}  {}",
        severity(detection.severity).1,
        for_terminal(&detection.title),
        detection.attack.join(" "),
    )];
    let mut line = |text: String| {
        if !text.is_empty() {
            lines.push(format!("{INDENT}{}", for_terminal(&text)));
        }
    };
    line(detection.target.clone().unwrap_or_default());
    line(detection.signature.as_ref().map(|state| signature(state, detection.evidence.as_ref())).unwrap_or_default());
    line(detection.evidence.as_ref().map(beside).unwrap_or_default());
    line(detection.store.as_ref().map(|store| store_of(detection, store)).unwrap_or_default());
    line(detection.command_line.as_deref().map(command).unwrap_or_default());
    line(program(detection));
    line(remarks(detection).join(", "));
    line(origin(&detection.event, detection.user.as_deref()));
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}

/// The verdict, the name, and whose word that is.
fn signature(state: &SignatureState, evidence: Option<&Evidence>) -> String {
    let verdict = match state.reason {
        Some(reason) => {
            let why = Some(short(reason)).filter(|why| !why.is_empty());
            let word = Verdict::of(state.status, reason).word();
            why.map_or_else(|| word.to_owned(), |why| format!("{word} ({why})"))
        }
        None => state.status.name().to_owned(),
    };
    let held = match state.status {
        // Nobody but the certificate itself says that this is its owner's name.
        Status::Untrusted => "calls itself",
        _ if state.signer_verified => "signed by",
        _ => "names",
    };
    let mut text = format!("{verdict}, {held} “{}”", state.signer);
    match state.from {
        Witness::Event => text.push_str(", says the event"),
        Witness::File => {
            let path = evidence.and_then(|evidence| evidence.path.as_deref()).unwrap_or_default();
            text.push_str(&format!(", judged from {path}"));
        }
    }
    if !state.findings.is_empty() {
        text.push_str(&format!("; findings {}", state.findings.join(" ")));
    }
    text
}

/// What else there is to say of the file and the event.
fn beside(evidence: &Evidence) -> String {
    let mut parts = Vec::new();
    if evidence.disagrees {
        let words = evidence.event.as_ref().and_then(|words| words.status.as_deref()).unwrap_or_default();
        let status = evidence.status.map(|status| format!(", the file is {}", status.name()));
        parts.push(format!("the event says {words}{}", status.unwrap_or_default()));
    } else if evidence.file == FileFate::Changed {
        let status = evidence.status.map(|status| status.name()).unwrap_or_default();
        parts.push(format!("the file there now is {status}"));
    }
    parts.extend(evidence.note.clone());
    let text = parts.join("; ");
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn store_of(detection: &Detection, store: &str) -> String {
    match (&detection.thumbprint_sha1, &detection.known_root) {
        (Some(thumbprint), Some(root)) => {
            format!("store {store}, certificate {thumbprint}, called “{root}” by Microsoft")
        }
        (Some(thumbprint), None) => format!("store {store}, certificate {thumbprint}"),
        (None, _) => format!("store {store}"),
    }
}

fn command(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = text.chars().take(MAX_COMMAND).collect();
    if shown.len() < text.len() { format!("{shown} …") } else { shown }
}

/// Who did it, and who started that.
fn program(detection: &Detection) -> String {
    let image = detection.image.as_deref().filter(|image| Some(*image) != detection.target.as_deref());
    match (image, detection.parent_image.as_deref()) {
        (Some(image), Some(parent)) => format!("by {image}, started by {parent}"),
        (Some(image), None) => format!("by {image}"),
        (None, Some(parent)) => format!("started by {parent}"),
        (None, None) => String::new(),
    }
}

fn remarks(detection: &Detection) -> Vec<String> {
    let flags = [
        (detection.renamed, "the program goes by another name"),
        (detection.suspicious_parent, "started from a shell, a script or the desktop"),
        (detection.has_pfx, "names a file of keys"),
        (detection.no_timestamp, "signs without a timestamp"),
    ];
    let mut remarks: Vec<String> =
        flags.iter().filter(|(flag, _)| *flag == Some(true)).map(|(_, text)| (*text).to_owned()).collect();
    let command = detection.command_line.as_deref().map(command).unwrap_or_default().to_lowercase();
    let unseen = detection.cmdlets.iter().filter(|name| !command.contains(&name.to_lowercase()));
    remarks.extend(unseen.cloned());
    remarks
}

/// When and where it happened, and where that is written.
fn origin(event: &EventReference, user: Option<&str>) -> String {
    let readable = |time: &str| moment(time).map_or_else(|| time.to_owned(), |time| words::moment(&time.to_rfc3339()));
    let time = event.time.as_deref().map(readable);
    let number = event.id.map(|id| format!("event {id}")).or_else(|| event.name.clone());
    let place = match event.record {
        Some(record) => format!("record {record} of {}", event.source),
        None => format!("no. {} of {}", event.position, event.source),
    };
    let parts = [time, event.host.clone(), user.map(str::to_owned), number, Some(place)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// What was read and found in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Files of events that were read.
    pub files: u64,
    /// Events.
    pub events: u64,
    /// Parts of the input that are no events, or could not be read.
    pub unread: u64,
    /// Events with more fields than are read.
    pub cut: u64,
    /// Chunks of event logs that are not what their writer left.
    pub damaged: u64,
    /// Detections that were left out because somebody said so.
    pub excluded: u64,
    /// Detections that are milder than those that are shown.
    pub hidden: u64,
    /// Detections by type.
    pub found: BTreeMap<DetectionType, u64>,
    /// What became of the files that events name; none if nobody said where files are.
    pub named: Option<FileCounts>,
}

impl EventCounts {
    /// Counts a file that was read.
    pub fn add(&mut self, events: u64, unread: u64, cut: u64, damaged: u64) {
        self.files = self.files.saturating_add(1);
        self.events = self.events.saturating_add(events);
        self.unread = self.unread.saturating_add(unread);
        self.cut = self.cut.saturating_add(cut);
        self.damaged = self.damaged.saturating_add(damaged);
    }
}

/// What a person reads of a file that was not read whole, with the first thing that was wrong.
#[must_use]
pub fn incomplete(name: &str, unread: u64, cut: u64, log: &Totals, problem: &str) -> String {
    let chunks =
        (log.damaged > 0).then(|| format!("{} of {} damaged", log.damaged, plural(log.chunks, "chunk", "chunks")));
    let unread = (unread > 0).then(|| format!("{} not read", grouped(unread)));
    let cut = (cut > 0).then(|| format!("{} not completely read", grouped(cut)));
    let counts: Vec<String> = unread.into_iter().chain(cut).chain(chunks).collect();
    let problem: String = problem.chars().take(200).collect();
    for_terminal(&format!("{name}: {}; first {problem}", counts.join(", "))).into_owned()
}

/// What a person reads at the end: a line for events and one for files.
#[must_use]
pub fn summary(counts: &EventCounts) -> String {
    let total: u64 = counts.found.values().sum();
    let mut text = format!(
        "{} in {}, {}",
        plural(counts.events, "event", "events"),
        plural(counts.files, "file", "files"),
        plural(total, "detection", "detections"),
    );
    for (kind, count) in &counts.found {
        text.push_str(&format!(", {} {kind:?}", grouped(*count)));
    }
    let others = [
        (counts.excluded, "excluded"),
        (counts.hidden, "milder"),
        (counts.unread, "not read"),
        (counts.cut, "not completely read"),
        (
            counts.damaged,
            if counts.damaged == 1 { "chunk of event logs damaged" } else { "chunks of event logs damaged" },
        ),
    ];
    push_counts(&mut text, &others);
    text.push('\n');
    if let Some(named) = &counts.named {
        let mut line = format!("events that name files: {} judged", grouped(named.judged));
        let others = [
            (named.changed, "another file now"),
            (named.missing, "not found"),
            (named.not_judged, "not judged"),
            (named.held, "called broken by the event and sound"),
            (named.expired_since, "expired since"),
        ];
        push_counts(&mut line, &others);
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn push_counts(text: &mut String, counts: &[(u64, &str)]) {
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {} {what}", grouped(*count)));
    }
}
