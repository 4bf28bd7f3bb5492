//! `sigscan enrich`: events in, the same events with what is known of the files that they name out.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::baseline;
use super::cache::Kept;
use super::judging::{JudgingArgs, size};
use super::run::{catalogs_of, jobs, list_notes, online_downloads, scanner};
use super::sandbox;
use super::words::grouped;
use crate::enrich::evtx::{self, Unread};
use crate::enrich::fields::{Shape, Written, cells, verdict};
use crate::enrich::line::{Counts, Enricher, Protocol};
use crate::enrich::merge::{Merge, forms};
use crate::enrich::paths::{PathMap, PathRule};
use crate::enrich::records::Records;
use crate::enrich::stream;
use crate::enrich::subject::NamedFields;
use crate::enrich::verdicts::Verdicts;
use crate::guard;
use crate::judge::Status;
use crate::output::escape::for_terminal;
use crate::scan::Target;

/// Options of `sigscan enrich`.
#[derive(Debug, Args)]
pub struct EnrichArgs {
    /// Read events from FILE instead of standard input; of a Windows event log (EVTX), each event becomes a line of JSON
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How events come in and go out
    #[arg(long, value_name = "PROTOCOL", default_value = "ndjson", help_heading = "Events")]
    pub protocol: ProtocolArg,
    /// The field that names the file, with dots between levels; the first that is there counts [default: the fields of
    /// Sysmon, Security 4688, ECS and Falcon events]
    #[arg(long, value_name = "FIELD", help_heading = "Events")]
    pub path_field: Vec<String>,
    /// The field that states the file's SHA-256, SHA-1 or MD5, or several as Sysmon writes them
    #[arg(long, value_name = "FIELD", help_heading = "Events")]
    pub hash_field: Vec<String>,
    /// Files whose names begin with PREFIX lie in FOLDER, such as 'C:\=/mnt/c' or '\Device\HarddiskVolume3\=/mnt/c'
    #[arg(long, value_name = "PREFIX=FOLDER", help_heading = "Events")]
    pub path_map: Vec<PathRule>,
    /// Where a file is out of reach, use its record in FILE (JSON Lines of a scan), found by digest or else by path
    #[arg(long, value_name = "FILE", help_heading = "Events")]
    pub records: Vec<PathBuf>,
    /// The field that gets the verdict, a name without dots; what an event already has there is replaced
    #[arg(long, value_name = "FIELD", default_value = "sigscan", help_heading = "Events")]
    pub target_field: String,
    /// Merge the verdict into the events under the names of ecs (code_signature, hash, pe of dll, process or file) or sysmon
    /// (SignatureStatus and the like). What an event says already stays; what of ours has no room there, and the status,
    /// goes below the target field
    #[arg(long, value_name = "NAMES", help_heading = "Events")]
    pub merge: Option<MergeArg>,
    /// Add the most important fields only, and keep lines below 64 KiB where the event itself leaves room
    #[arg(long, help_heading = "Events")]
    pub compact: bool,
    /// Pass lines longer than SIZE through as they are
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "16M", help_heading = "Events")]
    pub max_line: u64,
    /// Memory for verdicts of files that may be named again
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "128M", help_heading = "Events")]
    pub cache_size: u64,
    /// Say at the end on standard error what was done: nothing is written there otherwise
    #[arg(short, long, help_heading = "Events")]
    pub verbose: bool,
    /// Keep what the run does not need: by default it writes no file, runs nothing and connects to nothing (Linux)
    #[arg(long, help_heading = "Events")]
    pub no_sandbox: bool,
    /// Append to FILE at the end what was done, and problems
    #[arg(long, value_name = "FILE", help_heading = "Events")]
    pub log_file: Option<PathBuf>,
    /// Compare with what a known-good folder held: findings S131 to S134. FILE is from `sigscan baseline build`, and its
    /// paths are those below the folders of --path-map
    #[arg(long, value_name = "FILE", help_heading = "Judgement")]
    pub baseline: Vec<PathBuf>,
    /// How files are judged.
    #[command(flatten)]
    pub judging: JudgingArgs,
}

/// Protocols by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProtocolArg {
    /// One JSON object a line, and the same object with a field more
    Ndjson,
    /// For rsyslog's mmexternal: a message a line, and the properties to set
    Rsyslog,
    /// A table with a header, and the same table with columns behind it: those of --format lookup
    Csv,
    /// For Splunk's external lookups: a table with a header, and the same table with empty cells filled out
    SplunkLookup,
}

impl From<ProtocolArg> for Protocol {
    fn from(value: ProtocolArg) -> Self {
        match value {
            ProtocolArg::Ndjson => Protocol::Ndjson,
            ProtocolArg::Rsyslog => Protocol::Rsyslog,
            ProtocolArg::Csv => Protocol::Csv,
            ProtocolArg::SplunkLookup => Protocol::SplunkLookup,
        }
    }
}

/// Names to merge by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MergeArg {
    /// Elastic Common Schema
    Ecs,
    /// Sysmon's events 6 and 7
    Sysmon,
}

impl From<MergeArg> for Merge {
    fn from(value: MergeArg) -> Self {
        match value {
            MergeArg::Ecs => Merge::Ecs,
            MergeArg::Sysmon => Merge::Sysmon,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// A sentence for a person.
pub(super) fn run(args: &EnrichArgs) -> Result<u8, String> {
    let started = Instant::now();
    let kept = Kept::open(&args.judging.cache);
    let (enricher, notes) = enricher(args, &kept)?;
    let enricher = Arc::new(enricher);
    // A defect costs a line its verdict and is counted; shippers take what is on standard error for an answer.
    guard::silence();
    let mut log = match &args.log_file {
        Some(path) => {
            let open = OpenOptions::new().create(true).append(true).open(path);
            Some(open.map_err(|error| format!("--log-file {}: {error}", path.display()))?)
        }
        None => None,
    };
    let mut needs = sandbox::Needs::reading_everything();
    needs.judge(&args.judging);
    let sandbox = sandbox::enter(&needs, args.no_sandbox);
    let unread = Unread::default();
    let input = input(args, &unread)?;
    let mut output = BufWriter::with_capacity(1 << 18, io::stdout());
    let longest = usize::try_from(args.max_line).unwrap_or(usize::MAX);
    let ended = stream::run(&enricher, input, &mut output, jobs(&args.judging), longest);
    let text = format!("Sandbox: {sandbox}\n{notes}{}", kept.note)
        + &statistics(&enricher.counts, Protocol::from(args.protocol).is_table(), started.elapsed())
        + &kept.finish();
    let problem = match ended {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Some(error.to_string()),
        _ => None,
    };
    if let Some(log) = &mut log {
        let problem = problem.iter().map(|problem| format!("sigscan: {problem}\n")).collect::<String>();
        // Events matter more than the log: a full disk must not end the pipeline.
        let _ = log.write_all(format!("{text}{problem}").as_bytes());
    }
    if args.verbose {
        eprint!("{text}");
    }
    if let (count @ 1.., first) = unread.parts() {
        // Nobody takes a log from a pipeline, so this is for a person, who has to know that events are missing.
        let name = args.file.as_deref().unwrap_or(Path::new("-")).display().to_string();
        eprintln!("sigscan: {}: {count} parts not read, the first: {}", for_terminal(&name), for_terminal(&first));
    }
    // What is left in the buffer cannot be written any more if writing has failed.
    let (_, _) = output.into_parts();
    problem.map_or(Ok(0), Err)
}

/// What is read: standard input, a file of lines, or a log as lines.
fn input(args: &EnrichArgs, unread: &Unread) -> Result<Box<dyn Read + Send>, String> {
    let Some(path) = args.file.as_deref().filter(|path| *path != Path::new("-")) else {
        return Ok(Box::new(io::stdin()));
    };
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::open(path).map_err(failed)?;
    // What cannot be read twice, such as a pipe with a name, is no log.
    let is_log = file.metadata().map_err(failed)?.is_file() && evtx::is_log(&mut file).map_err(failed)?;
    match args.protocol {
        _ if !is_log => Ok(Box::new(file)),
        ProtocolArg::Ndjson => Ok(Box::new(evtx::Lines::of(file, unread.clone()))),
        _ => Err(format!("{}: events of a Windows event log need --protocol ndjson", path.display())),
    }
}

/// A folder that is not there has no files. Where records are given it may be gone: they know what was in it.
pub(super) fn mounted(rules: &[PathRule], records: &[PathBuf]) -> Result<(), String> {
    match rules.iter().find(|rule| records.is_empty() && !rule.folder().is_dir()) {
        Some(rule) => Err(format!("--path-map {}: no folder", rule.folder().display())),
        None => Ok(()),
    }
}

/// What cannot be meant.
fn usage(args: &EnrichArgs) -> Result<(), String> {
    mounted(&args.path_map, &args.records)?;
    match args.merge {
        Some(_) if args.protocol != ProtocolArg::Ndjson => Err("--merge needs --protocol ndjson".to_owned()),
        Some(MergeArg::Ecs) if ["file", "dll", "process", "related"].contains(&args.target_field.as_str()) => {
            Err(format!("--merge ecs has fields of its own below {}: choose another --target-field", args.target_field))
        }
        // To whoever flattens objects, `a.b` is what another member says within `a`.
        _ if args.target_field.contains('.') => {
            Err(format!("--target-field {}: a name with a dot may be a part of another field", args.target_field))
        }
        _ => Ok(()),
    }
}

/// The enricher, and what it says of its lists.
fn enricher(args: &EnrichArgs, kept: &Kept) -> Result<(Enricher, String), String> {
    usage(args)?;
    let shape = if args.compact { Shape::Compact } else { Shape::Whole };
    let mut scanner = kept.given_to(scanner(&args.judging, false)?);
    let notes = list_notes(&scanner).collect();
    let folders = args.path_map.iter().map(|rule| Target::Path(rule.folder().to_path_buf()));
    if let Some(baseline) = baseline::load(&args.baseline, &folders.collect::<Vec<_>>())? {
        scanner = scanner.with_baseline(baseline);
    }
    if let Some(index) = catalogs_of(&args.judging, args.path_map.iter().map(PathRule::folder), false, true)? {
        scanner = scanner.with_catalogs(index);
    }
    if let Some(downloads) = online_downloads(&args.judging)? {
        scanner = scanner.with_supplier(downloads);
    }
    let (protocol, merge) = (Protocol::from(args.protocol), args.merge.map(Merge::from));
    let render = Box::new(move |record: &crate::record::Record| {
        let written = match merge {
            Some(merge) => Written::Forms(forms(record, merge, shape)),
            None if protocol.is_table() => Written::Cells(cells(record, shape)),
            None => Written::Json(verdict(record, shape)),
        };
        let weight = written.weight();
        (written, weight)
    });
    let records = Records::open(&args.records)?;
    let cache = usize::try_from(args.cache_size).unwrap_or(usize::MAX);
    let verdicts = Verdicts::new(scanner, PathMap::new(args.path_map.clone()), records, render, cache)
        .of_host(args.judging.host.as_deref());
    let fields = NamedFields { path: args.path_field.clone(), hash: args.hash_field.clone() };
    Ok((Enricher::new(verdicts, fields, args.target_field.clone(), shape, protocol), notes))
}

fn statistics(counts: &Counts, table: bool, elapsed: Duration) -> String {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let lines = get(&counts.lines);
    let others = [
        (get(&counts.malformed), if table { "not rows of the table" } else { "not JSON objects" }),
        (get(&counts.without_file), "without a file"),
        (get(&counts.too_long), "too long"),
        (get(&counts.no_room), "without room for a verdict"),
        (get(&counts.failed), "failed by a defect of sigscan"),
    ];
    let mut parts = vec![format!("{} of {} lines enriched", grouped(get(&counts.enriched)), grouped(lines))];
    parts.extend(others.iter().filter(|other| other.0 > 0).map(|(count, what)| format!("{} {what}", grouped(*count))));
    let statuses = Status::WORST_FIRST.iter().zip(&counts.statuses).filter(|(_, count)| get(count) > 0);
    let statuses: Vec<String> =
        statuses.map(|(status, count)| format!("{} {}", grouped(get(count)), status.name())).collect();
    if !statuses.is_empty() {
        parts.push(statuses.join(", "));
    }
    parts.push(format!("{:.1} s", elapsed.as_secs_f64()));
    format!("sigscan: {}\n", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::args::Cli;

    /// An option that decides a verdict decides it wherever files are judged.
    #[test]
    fn no_option_that_judges_is_missing() {
        let program = Cli::command();
        let enrich = program.find_subcommand("enrich").unwrap();
        let judging = |heading: &str| matches!(heading, "Judgement" | "Network" | "Work");
        let own = ["max_size", "host", "hashes", "no_findings"];
        let mut compared = 0;
        for wanted in program.get_arguments() {
            if !wanted.get_help_heading().is_some_and(judging) && !own.contains(&wanted.get_id().as_str()) {
                continue;
            }
            let found = enrich.get_arguments().find(|argument| argument.get_id() == wanted.get_id());
            let found = found.unwrap_or_else(|| panic!("{} is missing", wanted.get_id()));
            assert_eq!(found.get_default_values(), wanted.get_default_values(), "{}", wanted.get_id());
            compared += 1;
        }
        assert!(compared > 20, "{compared}");
    }
}
