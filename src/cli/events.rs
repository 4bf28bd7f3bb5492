//! `sigscan events`: files of events in, detections out.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use walkdir::WalkDir;

use super::args::{FailOn, FormatArg, severity};
use super::cache::Kept;
use super::deliver::{self, DeliveryArgs};
use super::detection::{EventCounts, incomplete, shown, summary};
use super::enrich::mounted;
use super::judging::{JudgingArgs, size};
use super::report::standard_output_is_a_file;
use super::run::{
    FAILURE, FOUND, catalogs_of, interrupted_code, online_downloads, reader_gone, scanner, stop_on_interrupt,
};
use super::sandbox;
use crate::deliver::{AtomicFile, Envelope, Post, TooLarge};
use crate::enrich::events::{Detection, Files, Judge, NoFiles, Tuning, TuningArguments, detect, input};
use crate::enrich::evtx::Totals;
use crate::enrich::paths::{PathMap, PathRule};
use crate::enrich::records::Records;
use crate::online::Downloads;
use crate::output::escape::for_terminal;
use crate::output::{Detections, Format, Origin};
use crate::record::Severity;
use crate::scan::Supplier;

/// Options of `sigscan events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Windows event logs (EVTX), or events as JSON or XML, and folders of them; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// Judge the files that events name: they lie below DIR, where the machine's system drive is mounted (C:\ and every
    /// \Device\HarddiskVolumeN\)
    #[arg(long, value_name = "DIR", help_heading = "Files of events")]
    pub root: Option<PathBuf>,
    /// Files whose names begin with PREFIX lie in FOLDER, such as 'D:\=/mnt/d' or '\Device\HarddiskVolume4\=/mnt/d'
    #[arg(long, value_name = "PREFIX=FOLDER", help_heading = "Files of events")]
    pub path_map: Vec<PathRule>,
    /// Where a file is out of reach, use its record in FILE (JSON Lines of a scan), found by digest or else by path
    #[arg(long, value_name = "FILE", help_heading = "Files of events")]
    pub records: Vec<PathBuf>,
    /// Memory for verdicts of files that may be named again
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "128M", help_heading = "Files of events")]
    pub cache_size: u64,
    /// JSON Lines, also on a terminal
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,
    /// Write detections for a SIEM, as a scan writes findings
    #[arg(long, value_name = "FORMAT", value_parser = FormatArg::of_detections(), help_heading = "Output")]
    pub format: Option<Format>,
    /// Leave out what is milder than SEVERITY
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = severity, help_heading = "Output")]
    pub min_severity: Severity,
    /// Exit with 1 if there is a detection of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", value_parser = FailOn::parse, help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    /// No summary
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Say on standard error what the run was held to
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// Keep what the run does not need: by default it reads only PATH and below --root and --path-map, and connects to
    /// nothing (Linux)
    #[arg(long, help_heading = "Files of events")]
    pub no_sandbox: bool,
    /// Leave out what meets every condition of RULE, such as 'host=BUILD*, type=SigntoolSigning': KEY=GLOB with the keys
    /// type, host, user, image, parent, command, path, store and signer, separated by commas
    #[arg(long, value_name = "RULE", help_heading = "Tuning")]
    pub exclude: Vec<String>,
    /// Leave out files, folders and registry keys that match GLOB (`*` matches everything, backslashes too)
    #[arg(long, value_name = "GLOB", help_heading = "Tuning")]
    pub exclude_path: Vec<String>,
    /// Leave out what this signer signed: a name, for signatures that have only expired, or the SHA-1 of a certificate
    #[arg(long, value_name = "GLOB", help_heading = "Tuning")]
    pub exclude_signer: Vec<String>,
    /// Leave out what this program does (path or name), such as a certificate agent or wuauclt.exe
    #[arg(long, value_name = "GLOB", help_heading = "Tuning")]
    pub exclude_image: Vec<String>,
    /// Leave out what this program starts, such as a build or a software distribution service
    #[arg(long, value_name = "GLOB", help_heading = "Tuning")]
    pub exclude_parent: Vec<String>,
    /// Leave out this machine, such as a build server
    #[arg(long, value_name = "GLOB", help_heading = "Tuning")]
    pub exclude_host: Vec<String>,
    /// Where detections go.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// How files are judged.
    #[command(flatten)]
    pub judging: JudgingArgs,
}

/// Runs the subcommand; the exit code, or a sentence for a person.
pub(super) fn run(args: &EventsArgs) -> Result<u8, String> {
    if args.judging.jobs.is_some() {
        return Err("--jobs: events are read one after the other".to_owned());
    }
    let tuning = Tuning::new(&TuningArguments {
        paths: args.exclude_path.clone(),
        signers: args.exclude_signer.clone(),
        images: args.exclude_image.clone(),
        parents: args.exclude_parent.clone(),
        hosts: args.exclude_host.clone(),
        rules: args.exclude.clone(),
    })?;
    let kept = Kept::open(&args.judging.cache);
    let ((mut files, downloads), mut needs) = files(args, &kept)?;
    needs.deliver(&args.delivery);
    let mut sink = Sink::open(args)?;
    let sandbox = sandbox::enter(&needs, args.no_sandbox);
    if args.verbose {
        eprintln!("Sandbox: {sandbox}");
    }
    // What is sent is in the spool already, whenever the run ends; a file that is not whole must not stay behind.
    let stop = if args.delivery.output.is_some() { stop_on_interrupt() } else { Arc::default() };
    if let Some(downloads) = &downloads {
        downloads.stop_with(&stop);
    }
    let counts = EventCounts::default();
    let mut run = Run { args, tuning, counts, failed: false, problems: Vec::new(), sink: &mut sink, stop: &stop };
    let written = {
        let judge: &mut dyn Judge = match &mut files {
            Some(files) => files,
            None => &mut NoFiles,
        };
        args.files.iter().try_for_each(|path| run.path(path, judge))
    };
    let Run { mut counts, failed, problems, .. } = run;
    let interrupted = stop.load(Ordering::Relaxed);
    let cut = matches!(&written, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
    match written.and_then(|()| sink.finish(interrupted)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(format!("writing the output: {error}")),
        _ => {}
    }
    counts.named = files.map(|files| files.counts);
    let cache = format!("{}{}", kept.note, kept.finish());
    if !args.quiet {
        eprint!("{}{cache}", summary(&counts));
    }
    let sent = sink.deliver(args)?;
    if interrupted {
        eprintln!("Interrupted: the detections are not complete.");
        return Ok(interrupted_code());
    }
    match () {
        () if !problems.is_empty() => Err(problems.join("\n  ")),
        () if !sent => Ok(FAILURE),
        () if cut => reader_gone(args.fail_on.is_some(), failed),
        () if failed => Ok(FOUND),
        () => Ok(0),
    }
}

/// Where detections go.
enum Sink {
    /// To a person.
    Person(BufWriter<StdoutLock<'static>>),
    /// To a program, with the file that is to appear or the receiver that they are sent to.
    Program { output: Box<dyn Detections>, file: Option<AtomicFile>, post: Option<Post> },
}

impl Sink {
    fn open(args: &EventsArgs) -> Result<Sink, String> {
        let delivery = &args.delivery;
        if io::stdout().is_terminal() && !args.json && args.format.is_none() && !delivery.given() {
            return Ok(Sink::Person(BufWriter::new(io::stdout().lock())));
        }
        let format = args.format.unwrap_or(Format::Jsonl);
        let judged_at = args.judging.at.unwrap_or_else(super::run::now).to_rfc3339();
        let origin = Origin { host: args.judging.host.clone(), judged_at: Some(judged_at) };
        let file = delivery.output.as_deref().map(deliver::create).transpose()?;
        let post = deliver::open(&delivery.sending, args.quiet)?;
        let name = format.name();
        let output = match (&file, &post) {
            (Some(file), _) => {
                let writer = file.writer().map_err(|error| format!("--output: {error}"))?;
                format.open_detections(&origin, writer)
            }
            (None, Some(post)) => {
                let none = || format!("--send takes formats of lines that stand alone, and {name} is none");
                let envelope = Envelope::of(name).ok_or_else(none)?;
                format.open_detections(&origin, post.lines(envelope, name, origin.host.as_deref()))
            }
            (None, None) => {
                // Who reads a pipe gets a detection when it is there, whatever comes after it and however long that takes.
                let room = if standard_output_is_a_file() { 64 * 1024 } else { 0 };
                format.open_detections(&origin, BufWriter::with_capacity(room, io::stdout().lock()))
            }
        };
        let output = output.ok_or_else(|| format!("--format {name}: it has no place for detections"))?;
        Ok(Sink::Program { output, file, post })
    }

    fn take(&mut self, detection: &Detection) -> io::Result<()> {
        match self {
            Sink::Person(out) => out.write_all(shown(detection).as_bytes()),
            Sink::Program { output, .. } => match output.detection(detection) {
                Err(error) if TooLarge::is_why(&error) => output.detection(&detection.least()),
                done => done,
            },
        }
    }

    /// Ends the output; a file appears unless the run was interrupted.
    fn finish(&mut self, interrupted: bool) -> io::Result<()> {
        match self {
            Sink::Person(out) => out.flush(),
            Sink::Program { output, file, .. } => {
                output.finish()?;
                file.take().filter(|_| !interrupted).map_or(Ok(()), AtomicFile::commit)
            }
        }
    }

    /// Waits until what was sent has arrived; whether all has.
    fn deliver(self, args: &EventsArgs) -> Result<bool, String> {
        match self {
            Sink::Program { output, post: Some(post), .. } => {
                drop(output); // nothing writes to the spool any more
                deliver::finish(post, &args.delivery.sending, &stop_on_interrupt(), args.quiet)
            }
            _ => Ok(true),
        }
    }
}

/// How files of events are judged, none if nobody said where they are, and what downloads for them.
type Judged = (Option<Files>, Option<Arc<Downloads>>);

/// Where files of events are and how they are judged; and what is read.
fn files(args: &EventsArgs, kept: &Kept) -> Result<(Judged, sandbox::Needs), String> {
    let mut rules = args.path_map.clone();
    if let Some(root) = &args.root {
        let text = root.to_str().filter(|_| root.is_dir());
        let text = text.ok_or_else(|| format!("--root {}: no folder, or a name that is not UTF-8", root.display()))?;
        for prefix in [r"C:\", r"\Device\HarddiskVolume*\"] {
            let rule = format!("{prefix}={text}").parse::<PathRule>();
            rules.push(rule.map_err(|error| format!("--root {}: {error}", root.display()))?);
        }
    }
    mounted(&rules, &args.records)?;
    let folders = rules.iter().map(|rule| rule.folder().to_owned());
    let mut needs = sandbox::Needs::reading(args.files.iter().cloned().chain(folders));
    if rules.is_empty() && args.records.is_empty() {
        return Ok(((None, None), needs));
    }
    needs.judge(&args.judging);
    let mut scanner = kept.given_to(scanner(&args.judging, false)?);
    if let Some(index) = catalogs_of(&args.judging, rules.iter().map(PathRule::folder), false, args.quiet)? {
        scanner = scanner.with_catalogs(index);
    }
    let downloads = online_downloads(&args.judging)?;
    if let Some(downloads) = &downloads {
        scanner = scanner.with_supplier(Arc::clone(downloads) as Arc<dyn Supplier>);
    }
    let cache = usize::try_from(args.cache_size).unwrap_or(usize::MAX);
    let files = Files::new(scanner, PathMap::new(rules), Records::open(&args.records)?, cache);
    Ok(((Some(files), downloads), needs))
}

struct Run<'r> {
    args: &'r EventsArgs,
    tuning: Tuning,
    counts: EventCounts,
    failed: bool,
    problems: Vec<String>,
    sink: &'r mut Sink,
    /// Set when the run is to end early.
    stop: &'r AtomicBool,
}

impl Run<'_> {
    /// Reads one file, or all files of events below a folder in path order.
    fn path(&mut self, path: &Path, judge: &mut dyn Judge) -> io::Result<()> {
        if path == Path::new("-") || !path.is_dir() {
            return self.file(path, judge);
        }
        for entry in WalkDir::new(path).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() && input::is_events(entry.path()) => {
                    self.file(entry.path(), judge)?;
                }
                Ok(_) => {}
                Err(error) => self.problems.push(for_terminal(&error.to_string()).into_owned()),
            }
        }
        Ok(())
    }

    /// Reads one file; errors are those of writing, what cannot be read is remembered.
    fn file(&mut self, path: &Path, judge: &mut dyn Judge) -> io::Result<()> {
        let name = path.display().to_string();
        let (mut position, mut unread, mut cut, mut first) = (0u64, 0u64, 0u64, None);
        let mut writing = Ok(());
        let read = input::read_path(path, &mut |event| {
            position = position.saturating_add(1);
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("stopped"));
            }
            match event {
                Ok(mut event) => {
                    event.host = event.host.or_else(|| self.args.judging.host.clone());
                    if event.cut {
                        cut = cut.saturating_add(1);
                        first.get_or_insert_with(|| format!("at {position}: an event with too many fields"));
                    }
                    for detection in detect(&event, &name, position, judge) {
                        writing = self.take(&detection);
                        if writing.is_err() {
                            return Err(io::Error::other("stopped"));
                        }
                    }
                }
                Err(message) => {
                    unread = unread.saturating_add(1);
                    first.get_or_insert_with(|| format!("at {position}: {message}"));
                }
            }
            Ok(())
        });
        writing?;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let events = position.saturating_sub(unread);
        let log = match read {
            Ok(log) => log.unwrap_or_default(),
            Err(error) => {
                self.problems.push(format!("{}: {}", for_terminal(&name), for_terminal(&error.to_string())));
                Totals::default()
            }
        };
        unread = unread.saturating_add(log.missing);
        self.counts.add(events, unread, cut, log.damaged);
        if let Some(problem) = log.problem.as_ref().or(first.as_ref()).filter(|_| !self.args.quiet) {
            eprintln!("{}", incomplete(&name, unread, cut, &log, problem));
        }
        Ok(())
    }

    fn take(&mut self, detection: &Detection) -> io::Result<()> {
        if self.tuning.excludes(detection) {
            self.counts.excluded = self.counts.excluded.saturating_add(1);
            return Ok(());
        }
        if detection.severity < self.args.min_severity {
            self.counts.hidden = self.counts.hidden.saturating_add(1);
            return Ok(());
        }
        let count = self.counts.found.entry(detection.detection_type).or_default();
        *count = count.saturating_add(1);
        self.failed |= self.args.fail_on.is_some_and(|fail_on| fail_on.hit_by(detection.severity));
        self.sink.take(detection)
    }
}
