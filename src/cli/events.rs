//! `sigscan events`: files of events in, detections out.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use walkdir::WalkDir;

use super::args::{FailOn, severity};
use super::cache::Kept;
use super::detection::{EventCounts, incomplete, shown, summary};
use super::judging::{JudgingArgs, size};
use super::run::{catalogs_of, online_downloads, scanner};
use crate::enrich::events::{Detection, Files, Judge, NoFiles, Tuning, TuningArguments, detect, input};
use crate::enrich::evtx::Totals;
use crate::enrich::paths::{PathMap, PathRule};
use crate::enrich::records::Records;
use crate::output::JsonLines;
use crate::output::escape::for_terminal;
use crate::record::Severity;

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
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Leave out what is milder than SEVERITY
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = severity, help_heading = "Output")]
    pub min_severity: Severity,
    /// Exit with 1 if there is a detection of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", value_parser = FailOn::parse, help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    /// No summary
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
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
    /// How files are judged.
    #[command(flatten)]
    pub judging: JudgingArgs,
}

/// Runs the subcommand; whether a detection was at or above `--fail-on`, or a sentence for a person.
pub(super) fn run(args: &EventsArgs, out: &mut dyn Write) -> Result<bool, String> {
    let tuning = Tuning::new(&TuningArguments {
        paths: args.exclude_path.clone(),
        signers: args.exclude_signer.clone(),
        images: args.exclude_image.clone(),
        parents: args.exclude_parent.clone(),
        hosts: args.exclude_host.clone(),
        rules: args.exclude.clone(),
    })?;
    let kept = Kept::open(&args.judging.cache);
    let mut files = files(args, &kept)?;
    let people = io::stdout().is_terminal() && !args.json;
    let mut run =
        Run { args, tuning, people, counts: EventCounts::default(), failed: false, problems: Vec::new(), out };
    let written = {
        let judge: &mut dyn Judge = match &mut files {
            Some(files) => files,
            None => &mut NoFiles,
        };
        args.files.iter().try_for_each(|path| run.path(path, judge)).and_then(|()| run.out.flush())
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(format!("writing the output: {error}")),
        _ => {}
    }
    run.counts.named = files.map(|files| files.counts);
    let cache = format!("{}{}", kept.note, kept.finish());
    if !args.quiet {
        eprint!("{}{cache}", summary(&run.counts));
    }
    if run.problems.is_empty() { Ok(run.failed) } else { Err(run.problems.join("\nsigscan: ")) }
}

/// Where files of events are and how they are judged; none if nobody said where they are.
fn files(args: &EventsArgs, kept: &Kept) -> Result<Option<Files>, String> {
    let mut rules = args.path_map.clone();
    if let Some(root) = &args.root {
        let text = root.to_str().filter(|_| root.is_dir());
        let text = text.ok_or_else(|| format!("--root {}: no folder, or a name that is not UTF-8", root.display()))?;
        for prefix in [r"C:\", r"\Device\HarddiskVolume*\"] {
            let rule = format!("{prefix}={text}").parse::<PathRule>();
            rules.push(rule.map_err(|error| format!("--root {}: {error}", root.display()))?);
        }
    }
    if rules.is_empty() && args.records.is_empty() {
        return Ok(None);
    }
    let mut scanner = kept.given_to(scanner(&args.judging, false)?);
    if let Some(index) = catalogs_of(&args.judging, rules.iter().map(PathRule::folder), args.quiet)? {
        scanner = scanner.with_catalogs(index);
    }
    if let Some(downloads) = online_downloads(&args.judging)? {
        scanner = scanner.with_supplier(downloads);
    }
    let cache = usize::try_from(args.cache_size).unwrap_or(usize::MAX);
    Ok(Some(Files::new(scanner, PathMap::new(rules), Records::open(&args.records)?, cache)))
}

struct Run<'r> {
    args: &'r EventsArgs,
    tuning: Tuning,
    people: bool,
    counts: EventCounts,
    failed: bool,
    problems: Vec<String>,
    out: &'r mut dyn Write,
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
        let (mut position, mut unread, mut first) = (0u64, 0u64, None);
        let mut writing = Ok(());
        let read = input::read_path(path, &mut |event| {
            position = position.saturating_add(1);
            match event {
                Ok(event) => {
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
        let events = position.saturating_sub(unread);
        let log = match read {
            Ok(log) => log.unwrap_or_default(),
            Err(error) => {
                self.problems.push(format!("{}: {}", for_terminal(&name), for_terminal(&error.to_string())));
                Totals::default()
            }
        };
        unread = unread.saturating_add(log.missing);
        self.counts.add(events, unread, log.damaged);
        if let Some(problem) = log.problem.as_ref().or(first.as_ref()).filter(|_| !self.args.quiet) {
            eprintln!("{}", incomplete(&name, unread, &log, problem));
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
        if self.people {
            self.out.write_all(shown(detection).as_bytes())
        } else {
            JsonLines::new(&mut *self.out).line(detection)
        }
    }
}
