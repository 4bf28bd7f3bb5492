//! One line in, one line out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::fields::{MAX_COMPACT, Shape, Written, least};
use super::json::{Object, quoted};
use super::machine::Machine;
use super::merge::Form;
use super::rows::Columns;
use super::subject::{Mention, NamedFields, Subject, subject};
use super::verdicts::{Verdict, Verdicts};
use crate::guard::guarded;
use crate::judge::Status;

/// How lines come in and go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// A JSON object a line, and the same object out.
    #[default]
    Ndjson,
    /// What rsyslog's mmexternal speaks: a message in, the properties to be changed out.
    Rsyslog,
    /// A table: a row in, the same row with columns behind it out.
    Csv,
    /// What Splunk's external lookups speak: a table in, the same table with its empty cells filled out.
    SplunkLookup,
}

impl Protocol {
    /// Whether rows of a table come in, with the header first.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self, Protocol::Csv | Protocol::SplunkLookup)
    }
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Lines in and out; the header of a table is none.
    pub lines: AtomicU64,
    /// Lines that got a verdict.
    pub enriched: AtomicU64,
    /// Lines that are no JSON object, or no row of the table, and went through as they were.
    pub malformed: AtomicU64,
    /// Lines that name no file.
    pub without_file: AtomicU64,
    /// Lines that were too long to be looked at.
    pub too_long: AtomicU64,
    /// Lines with a verdict that did not fit into [`MAX_COMPACT`], and went through as they were.
    pub no_room: AtomicU64,
    /// Lines on which sigscan itself failed.
    pub failed: AtomicU64,
    /// Verdicts by status, in the order of [`Status::WORST_FIRST`].
    pub statuses: [AtomicU64; Status::WORST_FIRST.len()],
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Adds verdicts to lines.
#[derive(Debug)]
pub struct Enricher {
    /// Who judges.
    verdicts: Verdicts<Written>,
    /// Fields that somebody named.
    pub(super) fields: NamedFields,
    /// Where the verdict goes.
    pub(super) target: String,
    /// How much of it.
    pub(super) shape: Shape,
    /// How lines come in and go out.
    pub(super) protocol: Protocol,
    /// What was counted.
    pub counts: Counts,
    /// The header of a table, once it was met.
    pub(super) columns: OnceLock<Columns>,
}

impl Enricher {
    /// An enricher that asks these verdicts, which are written for this protocol, and adds them as `target`.
    #[must_use]
    pub fn new(
        verdicts: Verdicts<Written>,
        fields: NamedFields,
        target: String,
        shape: Shape,
        protocol: Protocol,
    ) -> Enricher {
        let (counts, columns) = (Counts::default(), OnceLock::new());
        Enricher { verdicts, fields, target, shape, protocol, counts, columns }
    }

    /// Appends what becomes of a line, which has no line end, to `out`. A panic would be a defect of sigscan; it must not
    /// take the stream with it, so that such a line comes out as it was.
    pub fn line(&self, line: &[u8], out: &mut Vec<u8>, buffer: &mut Vec<u8>) {
        count(&self.counts.lines);
        let start = out.len();
        if guarded(|| self.answer(line, out, buffer)).is_err() {
            count(&self.counts.failed);
            out.truncate(start);
            self.unchanged(line, out);
        }
    }

    fn answer(&self, line: &[u8], out: &mut Vec<u8>, buffer: &mut Vec<u8>) {
        if self.protocol.is_table() {
            return self.row(line, out, buffer);
        }
        let Some(event) = Object::parse(line) else {
            count(&self.counts.malformed);
            return self.unchanged(line, out);
        };
        let verdict = match self.protocol {
            Protocol::Rsyslog => self.in_message(&event, buffer).map(|verdict| (verdict, "")),
            _ => match subject(&event, &self.fields) {
                Mention::File(subject) => {
                    let subject = self.placed(subject, [&event]);
                    Some((self.judged(&subject, buffer), subject.ecs))
                }
                Mention::NoFile | Mention::Nothing => None,
            },
        };
        let Some((verdict, ecs)) = verdict else {
            count(&self.counts.without_file);
            return self.disowned(&event, line, out);
        };
        let whole = self.with_verdict(&event, &verdict, ecs);
        match whole.filter(|text| self.fits(text.len())).or_else(|| self.with_least(&event, &verdict)) {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => {
                count(&self.counts.no_room);
                self.disowned(&event, line, out);
            }
        }
    }

    /// The line with all that is said of the file, which ECS calls so in this event.
    fn with_verdict(&self, event: &Object<'_>, verdict: &Verdict<Written>, ecs: &str) -> Option<String> {
        match &verdict.text {
            Written::Json(text) => Some(self.with_target(event, text)),
            Written::Forms(forms) => Some(Form::among(forms, ecs)?.merged_into(event, &self.target)),
            Written::Cells(_) => None,
        }
    }

    /// The line with the least that can be said, if it has room for that.
    fn with_least(&self, event: &Object<'_>, verdict: &Verdict<Written>) -> Option<String> {
        let little = least(verdict.status.name(), verdict.reason.code());
        Some(self.with_target(event, &little)).filter(|text| self.fits(text.len()))
    }

    fn with_target(&self, event: &Object<'_>, value: &str) -> String {
        match self.protocol {
            // rsyslog puts the members of the answer over those of the message.
            Protocol::Rsyslog => {
                let parts = tree(event).map(|tree| tree.parts_taken_back(&self.target)).unwrap_or_default();
                format!(r#"{{"$!":{{{}:{value}{parts}}}}}"#, quoted(&self.target))
            }
            _ => event.with_member(&self.target, value),
        }
    }

    /// Whether a line of this length may leave.
    pub(super) fn fits(&self, length: usize) -> bool {
        self.shape == Shape::Whole || length <= MAX_COMPACT
    }

    /// The verdict of a file that a message names: in its tree, beside it, or in its text, which may be JSON behind the
    /// cookie of CEE. Sources: rsyslog, "mmexternal", "External plugin interface"; Lumberjack, "CEE/Lumberjack".
    fn in_message(&self, message: &Object<'_>, buffer: &mut Vec<u8>) -> Option<Arc<Verdict<Written>>> {
        let tree = tree(message);
        for object in tree.as_ref().into_iter().chain([message]) {
            match subject(object, &self.fields) {
                Mention::File(subject) => return Some(self.judged(&self.placed(subject, [object, message]), buffer)),
                Mention::NoFile => return None,
                Mention::Nothing => {}
            }
        }
        let text = message.text("msg")?;
        let text = text.trim_start();
        let event = Object::parse(text.strip_prefix("@cee:").unwrap_or(text).as_bytes())?;
        match subject(&event, &self.fields) {
            Mention::File(subject) => Some(self.judged(&self.placed(subject, [&event, message]), buffer)),
            Mention::NoFile | Mention::Nothing => None,
        }
    }

    /// The file on the machine that the first of these names, if that matters.
    fn placed<'e, 'o, const N: usize>(&self, subject: Subject<'e>, events: [&Object<'o>; N]) -> Subject<'e> {
        if !self.verdicts.ask_for_machines() {
            return subject;
        }
        let machine = events.iter().fold(Machine::Unsaid, |machine, event| machine.or(|| Machine::of(event)));
        Subject { machine, ..subject }
    }

    /// The verdict of a file; where finding it fails by a defect of sigscan, `Error` like a scan's.
    pub(super) fn judged(&self, subject: &Subject<'_>, buffer: &mut Vec<u8>) -> Arc<Verdict<Written>> {
        let verdict = guarded(|| self.verdicts.of(subject, buffer)).unwrap_or_else(|caught| {
            count(&self.counts.failed);
            Arc::new(self.verdicts.failure(&caught))
        });
        count(&self.counts.enriched);
        let position = Status::WORST_FIRST.iter().position(|status| *status == verdict.status);
        if let Some(counter) = position.and_then(|position| self.counts.statuses.get(position)) {
            count(counter);
        }
        verdict
    }

    /// Part of a line that is too long to be looked at, with its end if it has one.
    pub(super) fn long(&self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        match self.protocol {
            Protocol::Rsyslog if last => out.extend_from_slice(if bytes.ends_with(b"\n") { b"{}\n" } else { b"{}" }),
            Protocol::Rsyslog => {}
            Protocol::Ndjson | Protocol::Csv | Protocol::SplunkLookup => out.extend_from_slice(bytes),
        }
    }

    /// An event that gets nothing: as it was, but for what it says in our name.
    fn disowned(&self, event: &Object<'_>, line: &[u8], out: &mut Vec<u8>) {
        let text = match self.protocol {
            Protocol::Rsyslog => {
                let forged = tree(event).is_some_and(|tree| tree.without(&self.target).is_some());
                forged.then(|| self.with_target(event, "null"))
            }
            _ => event.without(&self.target),
        };
        match text {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => self.unchanged(line, out),
        }
    }

    /// A line that gets nothing: the line itself, or no change.
    fn unchanged(&self, line: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(if self.protocol == Protocol::Rsyslog { b"{}" } else { line });
    }
}

/// The properties of a message of rsyslog's that leave with it.
fn tree<'m>(message: &Object<'m>) -> Option<Object<'m>> {
    message.find("$!").and_then(|found| found.object(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Time;
    use crate::enrich::fields::verdict;
    use crate::enrich::paths::PathMap;
    use crate::enrich::records::Records;
    use crate::scan::{Options, Scanner};

    /// An enricher whose rendering fails for files whose name says so.
    fn fragile(protocol: Protocol) -> Enricher {
        let scanner = Scanner::new(Options::at(Time::parse_rfc3339("2026-06-01").unwrap()));
        let render = Box::new(|record: &crate::record::Record| {
            assert!(!record.path.contains("poison"), "a defect");
            (Written::Json(verdict(record, Shape::Compact)), 100)
        });
        let verdicts = Verdicts::new(scanner, PathMap::default(), Records::default(), render, 1 << 20);
        Enricher::new(verdicts, NamedFields::default(), "sigscan".to_owned(), Shape::Compact, protocol)
    }

    #[test]
    fn a_defect_costs_one_line_its_verdict_and_the_stream_goes_on() {
        for protocol in [Protocol::Ndjson, Protocol::Rsyslog] {
            let enricher = fragile(protocol);
            let answer = |name: &str| -> serde_json::Value {
                let mut out = Vec::new();
                enricher.line(format!(r#"{{"Image":"{name}"}}"#).as_bytes(), &mut out, &mut Vec::new());
                let line: serde_json::Value = serde_json::from_slice(&out).unwrap();
                let said = if protocol == Protocol::Rsyslog { &line["$!"]["sigscan"] } else { &line["sigscan"] };
                serde_json::json!([said["status"], said["reason"], said["error"]["message"]])
            };
            let missing = serde_json::json!(["Error", "not-found", "no --path-map says where this path is"]);
            let message = "sigscan failed on this file: a defect of sigscan, please report it";
            let failed = |line: &serde_json::Value| {
                let said = line[2].as_str().unwrap();
                let place = said.strip_prefix(message).unwrap_or_else(|| panic!("{said}"));
                // Where it was is known once a test of this program asked for that.
                assert!(place.is_empty() || place.starts_with(" (src/enrich/line.rs:"), "{place}");
                line[0] == "Error" && line[1] == "io"
            };
            assert_eq!(answer("C:/fine"), missing);
            assert!(failed(&answer("C:/poison")));
            assert_eq!(answer("C:/fine"), missing);
            assert_eq!(enricher.counts.failed.load(Ordering::Relaxed), 1);
            assert_eq!(enricher.counts.lines.load(Ordering::Relaxed), 3);
        }
    }
}
