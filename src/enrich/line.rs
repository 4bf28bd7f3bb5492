//! One line in, one line out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fields::{MAX_COMPACT, Shape, least};
use super::json::{Object, object_of};
use super::subject::{NamedFields, Subject, subject};
use super::verdicts::{Verdict, Verdicts};
use crate::judge::Status;

/// How lines come in and go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// A JSON object a line, and the same object out.
    #[default]
    Ndjson,
    /// What rsyslog's mmexternal speaks: a message in, the properties to be changed out.
    Rsyslog,
}

/// What was counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Lines in and out.
    pub lines: AtomicU64,
    /// Lines that got a verdict.
    pub enriched: AtomicU64,
    /// Lines that are no JSON object and went through as they were.
    pub not_json: AtomicU64,
    /// Lines that name no file.
    pub without_file: AtomicU64,
    /// Lines that were too long to be looked at.
    pub too_long: AtomicU64,
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
    pub verdicts: Verdicts<String>,
    /// Fields that somebody named.
    pub fields: NamedFields,
    /// Where the verdict goes.
    pub target: String,
    /// How much of it.
    pub shape: Shape,
    /// How lines come in and go out.
    pub protocol: Protocol,
    /// What was counted.
    pub counts: Counts,
}

impl Enricher {
    /// Appends what becomes of a line, which has no line end, to `out`.
    pub fn line(&self, line: &[u8], out: &mut Vec<u8>, buffer: &mut Vec<u8>) {
        count(&self.counts.lines);
        let Some(event) = Object::parse(line) else {
            count(&self.counts.not_json);
            return self.unchanged(line, out);
        };
        match self.protocol {
            Protocol::Ndjson => match subject(&event, &self.fields) {
                Some(subject) => {
                    let verdict = self.judged(&subject, buffer);
                    let mut text = event.with_member(&self.target, &verdict.text);
                    if self.shape == Shape::Compact && text.len() > MAX_COMPACT {
                        let little = least(verdict.status.name(), verdict.reason.code());
                        text = event.with_member(&self.target, &little);
                    }
                    out.extend_from_slice(text.as_bytes());
                }
                None => self.without_file(line, out),
            },
            Protocol::Rsyslog => match self.in_message(&event, buffer) {
                Some(verdict) => {
                    let tree = object_of(&[(self.target.clone(), verdict.text.clone())]);
                    out.extend_from_slice(object_of(&[("$!".to_owned(), tree)]).as_bytes());
                }
                None => self.without_file(line, out),
            },
        }
    }

    /// The verdict of a file that a message names: in its tree, beside it, or in its text, which may be JSON behind the
    /// cookie of CEE. Sources: rsyslog, "mmexternal", "External plugin interface"; Lumberjack, "CEE/Lumberjack".
    fn in_message(&self, message: &Object<'_>, buffer: &mut Vec<u8>) -> Option<Arc<Verdict<String>>> {
        let tree = message.find("$!").and_then(|found| found.object(message));
        let found =
            tree.as_ref().and_then(|tree| subject(tree, &self.fields)).or_else(|| subject(message, &self.fields));
        if let Some(subject) = found {
            return Some(self.judged(&subject, buffer));
        }
        let text = message.text("msg")?;
        let text = text.trim_start();
        let event = Object::parse(text.strip_prefix("@cee:").unwrap_or(text).as_bytes())?;
        let subject = subject(&event, &self.fields)?;
        Some(self.judged(&subject, buffer))
    }

    fn judged(&self, subject: &Subject<'_>, buffer: &mut Vec<u8>) -> Arc<Verdict<String>> {
        let verdict = self.verdicts.of(subject, buffer);
        count(&self.counts.enriched);
        let position = Status::WORST_FIRST.iter().position(|status| *status == verdict.status);
        if let Some(counter) = position.and_then(|position| self.counts.statuses.get(position)) {
            count(counter);
        }
        verdict
    }

    fn without_file(&self, line: &[u8], out: &mut Vec<u8>) {
        count(&self.counts.without_file);
        self.unchanged(line, out);
    }

    /// Part of a line that is too long to be looked at, with its end if it has one.
    pub(super) fn long(&self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        match self.protocol {
            Protocol::Ndjson => out.extend_from_slice(bytes),
            Protocol::Rsyslog if last => out.extend_from_slice(if bytes.ends_with(b"\n") { b"{}\n" } else { b"{}" }),
            Protocol::Rsyslog => {}
        }
    }

    /// A line that gets nothing: the line itself, or no change.
    pub(super) fn unchanged(&self, line: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(match self.protocol {
            Protocol::Ndjson => line,
            Protocol::Rsyslog => b"{}",
        });
    }
}
