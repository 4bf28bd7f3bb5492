//! `sigscan events`: files of events in, detections out.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::FailOn;
use crate::enrich::events::{Detection, DetectionType, Judged, Tuning, TuningArguments, detect, input};
use crate::output::JsonLines;
use crate::output::escape::for_terminal;

/// Options of `sigscan events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Windows event logs (EVTX), or events as JSON or XML; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// JSON Lines, also on a terminal
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Exit with 1 if there is a detection of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", value_parser = FailOn::parse, help_heading = "Output")]
    pub fail_on: Option<FailOn>,
    /// No summary
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
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
}

/// What was read and found.
#[derive(Default)]
struct Counts {
    events: u64,
    unread: u64,
    excluded: u64,
    found: BTreeMap<DetectionType, u64>,
}

/// Runs the subcommand; whether a detection was at or above `--fail-on`, or a sentence for a person.
pub(super) fn run(args: &EventsArgs, out: &mut dyn Write) -> Result<bool, String> {
    let tuning = Tuning::new(&TuningArguments {
        paths: args.exclude_path.clone(),
        signers: args.exclude_signer.clone(),
        images: args.exclude_image.clone(),
        parents: args.exclude_parent.clone(),
        hosts: args.exclude_host.clone(),
    })?;
    let people = io::stdout().is_terminal() && !args.json;
    let mut run = Run { args, tuning, people, counts: Counts::default(), failed: false, problems: Vec::new(), out };
    let written = args.files.iter().try_for_each(|path| run.file(path)).and_then(|()| run.out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(format!("writing the output: {error}")),
        _ => {}
    }
    if !args.quiet {
        eprint!("{}", summary(&run.counts));
    }
    if run.problems.is_empty() { Ok(run.failed) } else { Err(run.problems.join("\nsigscan: ")) }
}

struct Run<'r> {
    args: &'r EventsArgs,
    tuning: Tuning,
    people: bool,
    counts: Counts,
    failed: bool,
    problems: Vec<String>,
    out: &'r mut dyn Write,
}

impl Run<'_> {
    /// Reads one file; errors are those of writing, what cannot be read is remembered.
    fn file(&mut self, path: &Path) -> io::Result<()> {
        let name = path.display().to_string();
        let (mut position, mut unread, mut first) = (0u64, 0u64, None);
        let mut writing = Ok(());
        let read = input::read_path(path, &mut |event| {
            position = position.saturating_add(1);
            match event {
                Ok(event) => {
                    let judge = &mut |_: &str| -> Option<Judged> { None };
                    for detection in detect(&event, &name, position, judge) {
                        writing = self.take(&detection);
                        if writing.is_err() {
                            return Err(io::Error::other("stopped"));
                        }
                    }
                }
                Err(message) => {
                    unread = unread.saturating_add(1);
                    first.get_or_insert((position, message));
                }
            }
            Ok(())
        });
        writing?;
        self.counts.events = self.counts.events.saturating_add(position.saturating_sub(unread));
        self.counts.unread = self.counts.unread.saturating_add(unread);
        if let Err(error) = read {
            self.problems.push(format!("{}: {}", for_terminal(&name), for_terminal(&error.to_string())));
        }
        if let Some((position, message)) = first.filter(|_| !self.args.quiet) {
            let message: String = message.chars().take(200).collect();
            let (name, message) = (for_terminal(&name), for_terminal(&message));
            eprintln!("{name}: {unread} not read, the first at {position}: {message}");
        }
        Ok(())
    }

    fn take(&mut self, detection: &Detection) -> io::Result<()> {
        if self.tuning.excludes(detection) {
            self.counts.excluded = self.counts.excluded.saturating_add(1);
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

/// What a person reads of a detection: two or three lines.
fn shown(detection: &Detection) -> String {
    let text = |text: &Option<String>| text.as_deref().map(|text| for_terminal(text).into_owned());
    let event = &detection.event;
    let number = event.id.map_or_else(|| event.name.clone().unwrap_or_default(), |id| id.to_string());
    let mut shown = format!(
        "{:<9}{}  {}\n",
        super::words::severity(detection.severity).1,
        for_terminal(&detection.title),
        detection.attack.join(" "),
    );
    let origin = [text(&event.time), text(&event.host), text(&detection.user), Some(format!("event {number}"))];
    let origin: Vec<String> = origin.into_iter().flatten().collect();
    shown.push_str(&format!("         {}\n", for_terminal(&origin.join("  "))));
    if let Some(state) = &detection.signature {
        let held = if state.signer_verified { "signed by" } else { "names" };
        let signer = for_terminal(&state.signer);
        shown.push_str(&format!("         {}, {held} “{signer}”\n", state.status.name()));
    }
    for detail in [text(&detection.target), text(&detection.command_line), text(&detection.image)].into_iter().flatten()
    {
        let detail: String = detail.chars().take(240).collect();
        shown.push_str(&format!("         {detail}\n"));
    }
    shown.push('\n');
    shown
}

fn summary(counts: &Counts) -> String {
    let total: u64 = counts.found.values().sum();
    let mut text = format!("{} events read, {total} detections", counts.events);
    for (kind, count) in &counts.found {
        text.push_str(&format!(", {count} {kind:?}"));
    }
    for (count, what) in [(counts.excluded, "excluded"), (counts.unread, "not read")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push('\n');
    text
}
