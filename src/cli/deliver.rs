//! Where records go: standard output, a file that appears when it is complete, or a receiver.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use super::judging::size;
use super::run::stop_on_interrupt;
use super::words::{grouped, plural};
use crate::deliver::{AtomicFile, Delivery, Destination, Outcome, Post, TooLarge};
use crate::output::Output;
use crate::record::{FindingLine, Record};
use crate::scan::Tally;
use crate::trust::load_paths;

/// Longest token file that is read.
const MAX_TOKEN: usize = 16 << 10;

/// Where records go.
#[derive(Debug, Args)]
pub struct DeliveryArgs {
    /// Write to FILE, which appears, or is replaced, when the scan is complete [format: jsonl unless --format says else]
    #[arg(long, value_name = "FILE", conflicts_with = "send", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Sending.
    #[command(flatten)]
    pub sending: SendArgs,
}

/// How records are sent.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// Send records to URL: http(s):// (a POST of many lines; Splunk HEC with --format splunk-hec, LogScale with --format
    /// logscale), syslog:// or syslogs:// (RFC 5424 over TCP or TLS). A token comes from SIGSCAN_TOKEN or --token-file
    #[arg(long, value_name = "URL", requires = "spool", help_heading = "Delivery")]
    pub send: Option<Destination>,
    /// Keep records in DIR until the receiver has taken them; what is left from earlier runs is sent first
    #[arg(long, value_name = "DIR", requires = "send", help_heading = "Delivery")]
    pub spool: Option<PathBuf>,
    /// Read the receiver's token from FILE
    #[arg(long, value_name = "FILE", requires = "send", help_heading = "Delivery")]
    pub token_file: Option<PathBuf>,
    /// Trust the certificates in FILE, and no others, for the receiver's TLS [default: the embedded roots]
    #[arg(long, value_name = "FILE", requires = "send", help_heading = "Delivery")]
    pub ca_file: Option<PathBuf>,
    /// Do not compress what is posted
    #[arg(long, requires = "send", help_heading = "Delivery")]
    pub no_gzip: bool,
    /// Most records in one request
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Delivery")]
    pub batch_records: u32,
    /// Most bytes in one request before compression; a record that has more goes alone
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = size, help_heading = "Delivery")]
    pub batch_bytes: u64,
    /// After the scan, leave in the spool what could not be sent when nothing succeeded for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 60, help_heading = "Delivery")]
    pub send_wait: u32,
    /// Largest spool; a scan that fills it waits a minute for room, and fails
    #[arg(long, value_name = "SIZE", default_value = "8G", value_parser = size, help_heading = "Delivery")]
    pub spool_size: u64,
}

impl DeliveryArgs {
    /// Whether records go somewhere else than to standard output.
    pub(super) fn given(&self) -> bool {
        self.output.is_some() || self.sending.send.is_some()
    }
}

/// The file that `--output` names, not yet visible.
pub(super) fn create(path: &Path) -> Result<AtomicFile, String> {
    AtomicFile::create(path).map_err(|error| format!("--output {}: {error}", path.display()))
}

/// Sends the least of what is too large to be sent.
pub(super) struct Fitting<O>(pub(super) O);

impl<O: Output> Output for Fitting<O> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match self.0.record(record) {
            Err(error) if TooLarge::is_why(&error) => self.0.record(&record.least()),
            done => done,
        }
    }

    fn finding(&mut self, finding: &FindingLine) -> io::Result<()> {
        match self.0.finding(finding) {
            Err(error) if TooLarge::is_why(&error) => self.0.finding(&finding.least()),
            done => done,
        }
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.0.finish(tally)
    }
}

/// Begins to send, if that is asked for.
pub(super) fn open(args: &SendArgs, quiet: bool) -> Result<Option<Post>, String> {
    let (Some(to), Some(spool)) = (&args.send, &args.spool) else { return Ok(None) };
    let mut delivery = Delivery::to(to.clone());
    if let Some(path) = &args.ca_file {
        let roots = load_paths(std::slice::from_ref(path)).map_err(|error| format!("--ca-file: {error}"))?;
        delivery = delivery.with_tls_roots(&roots);
    }
    delivery.token = token(args.token_file.as_deref())?;
    if delivery.token.is_some() && to.is_open() && !quiet {
        eprintln!("sigscan: the token goes to {to} without encryption");
    }
    delivery.gzip = !args.no_gzip;
    delivery.batch_records = args.batch_records as usize;
    delivery.batch_octets = usize::try_from(args.batch_bytes).unwrap_or(usize::MAX);
    delivery.patience = Duration::from_secs(args.send_wait.into());
    let post = Post::open(spool, delivery, args.spool_size);
    post.map(Some).map_err(|error| format!("--spool {}: {error}", spool.display()))
}

/// The token from the file, else from the environment. It is never on the command line, which everybody can read.
fn token(file: Option<&Path>) -> Result<Option<String>, String> {
    let text = match file {
        Some(path) => {
            let failed = |error: io::Error| format!("--token-file {}: {error}", path.display());
            let text = std::fs::read_to_string(path).map_err(failed)?;
            if text.trim().is_empty() {
                return Err(format!("--token-file {}: it is empty", path.display()));
            }
            text
        }
        None => std::env::var("SIGSCAN_TOKEN").unwrap_or_default(),
    };
    let token = text.trim();
    if token.len() > MAX_TOKEN || !token.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err("the token is none: it has blanks, line breaks or other characters that no token has".to_owned());
    }
    Ok(Some(token.to_owned()).filter(|token| !token.is_empty()))
}

/// Waits until all is sent, or until `interrupted` is set; whether all was.
pub(super) fn finish(post: Post, args: &SendArgs, interrupted: &AtomicBool, quiet: bool) -> Result<bool, String> {
    let outcome = post.finish(interrupted).map_err(|error| format!("the spool: {error}"))?;
    let text = describe(&outcome, args);
    let complete = outcome.pending == 0 && outcome.rejected == 0 && outcome.damaged == 0;
    if !quiet || !complete {
        eprint!("{text}");
    }
    Ok(complete)
}

fn describe(outcome: &Outcome, args: &SendArgs) -> String {
    let (Some(to), Some(spool)) = (&args.send, &args.spool) else { return String::new() };
    let spool = spool.display();
    let mut text = format!("Sent: {} to {to}", plural(outcome.sent, "record", "records"));
    if outcome.repeated > 0 {
        text.push_str(&format!(", {} after a failure", plural(outcome.repeated, "attempt", "attempts")));
    }
    text.push('\n');
    if outcome.rejected > 0 {
        let count = grouped(outcome.rejected);
        text.push_str(&format!("  {count} refused for good, kept in {spool}/rejected.lines\n"));
    }
    if outcome.oversized > 0 {
        text.push_str(&format!(
            "  {} too large to be sent: only the least of each went\n",
            plural(outcome.oversized, "record", "records")
        ));
    }
    if outcome.damaged > 0 {
        text.push_str(&format!(
            "  {} of the spool damaged, kept as {spool}/*.damaged\n",
            plural(outcome.damaged, "segment", "segments")
        ));
    }
    if outcome.pending > 0 {
        let count = grouped(outcome.pending);
        text.push_str(&format!("  {count} not sent yet: sigscan send --spool {spool} --send URL goes on\n"));
    }
    if let Some(problem) = outcome.problem.as_ref().filter(|_| outcome.pending > 0 || outcome.rejected > 0) {
        text.push_str(&format!("  {problem}\n"));
    }
    text
}

/// `sigscan send`: sends what a spool holds.
pub(super) fn run(args: &SendArgs) -> Result<bool, String> {
    if let Some(spool) = args.spool.as_ref().filter(|spool| !spool.is_dir()) {
        return Err(format!("--spool {}: no folder: a scan with --spool makes one", spool.display()));
    }
    let interrupted = stop_on_interrupt();
    match open(args, false)? {
        Some(post) => finish(post, args, &interrupted, false),
        None => Err("send needs --spool DIR and --send URL".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;

    use super::*;
    use crate::output::{JsonLines, samples};
    use crate::record::{Anomaly, Confidence, Severity};

    /// Takes lines of up to 8,000 octets.
    #[derive(Default)]
    struct Narrow(Vec<u8>);

    impl Write for &mut Narrow {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            if octets.len() > 8000 {
                return Err(io::Error::other(TooLarge));
            }
            self.0.extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_least_of_what_is_too_large_is_sent() {
        let (small, mut large) = (samples::hostile(), samples::valid());
        large.anomalies.push(Anomaly::new("x", "y".repeat(10_000)));
        let finding = FindingLine {
            schema: "sigscan.finding/1".to_owned(),
            code: "X207".to_owned(),
            title: "x".to_owned(),
            severity: Severity::Info,
            confidence: Confidence::Proof,
            attack: Vec::new(),
            evidence: BTreeMap::from([("files".to_owned(), 2000.into())]),
            members: (0..2000).map(|number| format!("{number}.exe")).collect(),
            hosts: Vec::new(),
            donor: None,
            donor_host: None,
        };
        let mut narrow = Narrow::default();
        let mut output = Fitting(JsonLines::new(&mut narrow));
        output.record(&small).unwrap();
        output.record(&large).unwrap();
        assert!(TooLarge::is_why(&output.finding(&finding).unwrap_err()), "1,000 paths do not fit here either");
        drop(output);
        let lines: Vec<&[u8]> = narrow.0.split_inclusive(|octet| *octet == b'\n').collect();
        let [first, second] = lines.as_slice() else { panic!("{} lines", lines.len()) };
        assert_eq!(serde_json::from_slice::<Record>(first).unwrap(), small);
        let least = serde_json::from_slice::<Record>(second).unwrap();
        assert_eq!((&least.path, least.status, least.reason), (&large.path, large.status, large.reason));
        assert_eq!((&least.hashes, &least.keys), (&large.hashes, &large.keys));
        assert_eq!((least.signatures.len(), least.anomalies[0].code.as_str()), (0, "record-too-large"));
        let few = finding.least();
        assert_eq!((few.members.len(), &few.evidence["all_members"]), (1000, &2000.into()));
        assert_eq!(few.members[..], finding.members[..1000]);
    }
}
