//! `sigscan correlate`: records of many machines in, what they share out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::args::CorrelateArgs;
use super::sandbox;
use crate::hunt::{Correlator, KEYS_SCHEMA, KeysLine, LeadsTo, Publishers, hides_data};
use crate::judge::{Reason, Status};
use crate::output::{JsonLines, Output};
use crate::record::{FINDING_SCHEMA, Keys, RECORD_SCHEMA, Severity};
use crate::scan::Tally;

/// The longest line that is read; a record of a file with very many certificates has a few megabytes.
const MAX_LINE: u64 = 64 << 20;

/// What correlation reads of a record or of a line of keys; whatever else they hold is passed over, so that records of
/// newer versions can be read.
#[derive(Deserialize)]
struct Input {
    schema: String,
    path: Option<String>,
    path_hex: Option<String>,
    host: Option<String>,
    status: Option<Status>,
    reason: Option<Reason>,
    /// Of a line of keys; a record says it in its other reasons.
    leads_to: Option<LeadsTo>,
    /// Of a record, which always has them.
    other_reasons: Option<Vec<Known>>,
    #[serde(default)]
    self_signed: bool,
    /// Of a line of keys; a record says it in its findings.
    #[serde(default)]
    hides_data: bool,
    #[serde(default)]
    findings: Vec<Found>,
    /// Of a line of keys, as are the next; a record says it in its version resource.
    #[serde(default)]
    names_signer: bool,
    publisher: Option<String>,
    version_info: Option<Version>,
    signer: Option<Name>,
    claimed_signer: Option<Name>,
    sha256: Option<String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    #[serde(default)]
    authentihash: BTreeMap<String, String>,
    #[serde(default)]
    keys: Keys,
}

/// A reason, or one of a newer version.
#[derive(Deserialize)]
#[serde(untagged)]
enum Known {
    Reason(Reason),
    Other(IgnoredAny),
}

/// A finding about one file.
#[derive(Deserialize)]
struct Found {
    code: String,
    severity: Severity,
}

/// A version resource.
#[derive(Deserialize)]
struct Version {
    company: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Certificate { common_name: Option<String>, organization: Option<String>, subject: String },
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        match name {
            Name::Text(text) => text,
            Name::Certificate { common_name, subject, .. } => common_name.unwrap_or(subject),
        }
    }
}

impl Input {
    /// The line of keys that this stands for; `None` where something is missing.
    fn keys_line(mut self, publishers: &Publishers) -> Option<KeysLine> {
        let company = self.version_info.and_then(|version| version.company);
        let signer = self.signer.or(self.claimed_signer);
        let names_signer = match (&signer, &company) {
            (Some(Name::Certificate { common_name, organization, .. }), Some(company)) => {
                publishers.same(company, &[organization.as_deref(), common_name.as_deref()])
            }
            _ => self.names_signer,
        };
        let (status, reason) = (self.status?, self.reason?);
        // With a reason that is not known here nothing is known of them all.
        let others: Option<Vec<Reason>> = self.other_reasons.and_then(|others| {
            let known = |other| if let Known::Reason(reason) = other { Some(reason) } else { None };
            others.into_iter().map(known).collect()
        });
        Some(KeysLine {
            schema: KEYS_SCHEMA.to_owned(),
            path: self.path?,
            path_hex: self.path_hex,
            host: self.host,
            status,
            reason,
            leads_to: self.leads_to.or_else(|| KeysLine::told_by(status, reason, others.as_deref()?)),
            self_signed: self.self_signed,
            hides_data: self.hides_data || self.findings.iter().any(|found| hides_data(&found.code, found.severity)),
            names_signer,
            publisher: self.publisher.or_else(|| publishers.named(&company?).map(str::to_owned)),
            signer: signer.map(String::from),
            sha256: self.sha256.or_else(|| self.hashes.remove("sha256")),
            authentihash: self.authentihash,
            keys: self.keys,
        })
    }
}

/// Runs the subcommand; whether a finding was at or above `--fail-on`, or a sentence for a person.
pub(super) fn run(args: &CorrelateArgs, out: &mut dyn Write) -> Result<bool, String> {
    let sandbox = sandbox::enter(&sandbox::Needs::reading(args.records.clone()), args.no_sandbox);
    if args.verbose {
        eprintln!("Sandbox: {sandbox}");
    }
    let mut correlator = Correlator::new();
    let mut problems = Vec::new();
    for path in &args.records {
        let name = path.display();
        let read = if path == Path::new("-") {
            lines(&mut io::stdin().lock(), &mut correlator)
        } else {
            File::open(path).and_then(|file| lines(&mut BufReader::with_capacity(1 << 20, file), &mut correlator))
        };
        match read {
            Ok(None) => {}
            Ok(Some((number, 1))) => problems.push(format!("{name}: line {number} is no record")),
            Ok(Some((number, more))) => problems.push(format!("{name}: {more} lines are no records, first {number}")),
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    let (entries, findings) = correlator.finish();
    let failed = findings.iter().any(|finding| args.fail_on.is_some_and(|fail_on| fail_on.hit_by(finding.severity)));
    let mut output = JsonLines::new(out);
    let written = entries.iter().try_for_each(|entry| output.line(&entry.line()));
    let written = written.and_then(|()| findings.iter().try_for_each(|finding| output.finding(finding)));
    match written.and_then(|()| output.finish(&Tally::default())) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(format!("writing the output: {error}")),
        _ => {}
    }
    if problems.is_empty() { Ok(failed) } else { Err(problems.join("\n  ")) }
}

/// Reads every line; the number of the first that is no record, and how many there are.
fn lines(mut reader: &mut dyn BufRead, correlator: &mut Correlator) -> io::Result<Option<(u64, u64)>> {
    let mut line = Vec::new();
    let mut number = 0u64;
    let mut bad: Option<(u64, u64)> = None;
    loop {
        line.clear();
        if (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(bad);
        }
        number = number.saturating_add(1);
        if line.iter().all(u8::is_ascii_whitespace) || take(&line, correlator) {
            continue;
        }
        let (first, count) = bad.unwrap_or((number, 0));
        bad = Some((first, count.saturating_add(1)));
    }
}

/// Takes a record or a line of keys, and passes over findings, which are found anew.
fn take(line: &[u8], correlator: &mut Correlator) -> bool {
    let Ok(input) = serde_json::from_slice::<Input>(line) else { return false };
    match input.schema.as_str() {
        FINDING_SCHEMA => true,
        RECORD_SCHEMA | KEYS_SCHEMA => {
            input.keys_line(correlator.publishers()).map(|line| correlator.add_line(&line)).is_some()
        }
        _ => false,
    }
}
