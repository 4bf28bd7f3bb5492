//! From arguments to exit code.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGTERM};

use super::args::{Cli, Command, FailOn, FormatArg, HuntArgs, ScanArgs};
use super::cache::Kept;
use super::deliver::{self, DeliveryArgs};
use super::judging::{HashArg, JudgingArgs};
use super::report::Report;
use super::trust::TrustCommand;
use super::{baseline, check, correlate, enrich, events, explain, fetch, generate, online, sandbox, trust};
use crate::asn1::Time;
use crate::container::ContainerLimits;
use crate::hidden::is_hidden;
use crate::judge::InitialPolicies;
use crate::online::Downloads;
use crate::output::escape::for_terminal;
use crate::output::{Format, LookupKey};
use crate::record::{Record, Severity};
use crate::scan::{Globs, HashMode, Options, Progress, Scan, Scanner, Supplier, Tally, Target, WalkOptions};
use crate::trust::{
    BlockLists, CatalogFolder, CatalogIndex, ListKind, RevocationLists, TrustStore, catalog_folders_below,
    certificates_below, load_paths,
};

/// Wrong usage, or sigscan itself failed.
pub(super) const FAILURE: u8 = 2;
/// Something at or above `--fail-on` was found.
pub(super) const FOUND: u8 = 1;
/// Ended by SIGINT, SIGTERM or SIGHUP: 128 and the signal's number, as shells say it.
const INTERRUPTED: u8 = 130;
#[cfg(unix)]
const TERMINATED: u8 = 143;
#[cfg(unix)]
const HUNG_UP: u8 = 129;

/// Runs the command line and returns the exit code.
#[must_use]
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A name that begins with a dash is told as it is, colours and all; without them, escape sequences go as well.
            if std::env::args_os().any(|word| word.to_string_lossy().contains(is_hidden)) {
                let plain = error.render().to_string();
                let lines: Vec<_> = plain.lines().map(for_terminal).collect();
                eprintln!("{}", lines.join("\n"));
            } else {
                let _ = error.print();
            }
            return if error.use_stderr() { FAILURE } else { 0 };
        }
    };
    LazyLock::force(&OUTLIVES_TERMINAL);
    let outcome = match &cli.command {
        None => scan(&cli.scan, &cli.delivery, None),
        Some(Command::Hunt(args)) => scan(&args.scan, &args.delivery, Some(args)),
        Some(Command::Baseline(args)) => baseline::run(args),
        Some(Command::Fetch(args)) => fetch::run(args, &mut BufWriter::new(io::stdout().lock())),
        Some(Command::Enrich(args)) => enrich::run(args),
        Some(Command::Correlate(args)) => {
            correlate::run(args, &mut BufWriter::new(io::stdout().lock())).map(|failed| if failed { FOUND } else { 0 })
        }
        Some(Command::Send(args)) => deliver::run(args).map(|complete| if complete { 0 } else { FAILURE }),
        Some(Command::Events(args)) => events::run(args),
        Some(command) => side_command(command),
    };
    outcome.unwrap_or_else(|message| {
        // Names on the command line are often those that somebody else gave his files. Lists of ours go on at two blanks.
        let lines: Vec<_> = message.split("\n  ").map(for_terminal).collect();
        eprintln!("sigscan: {}", lines.join("\n  "));
        FAILURE
    })
}

fn side_command(command: &Command) -> Result<u8, String> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = |result: io::Result<()>| result.or_else(closed_pipe).map_err(|error| error.to_string());
    let mut code = 0;
    match command {
        Command::Trust(args) => match &args.command {
            Some(TrustCommand::Check(check)) => {
                code = if check::run(check, args.store()?, &mut out)? { 0 } else { FOUND };
            }
            _ => trust::run(args, &mut out)?,
        },
        Command::Explain(args) => written(explain::run(args, &mut out))?,
        // No side commands: they have exit codes of their own.
        Command::Hunt(_) | Command::Baseline(_) | Command::Correlate(_) | Command::Fetch(_) => {}
        Command::Enrich(_) | Command::Events(_) | Command::Send(_) => {}
        Command::Generate(args) => written(generate::run(args, &mut out))?,
    }
    written(out.flush()).map(|()| code)
}

/// A reader that has seen enough closes the pipe; that is no failure.
pub(super) fn closed_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// What a run comes to whose reader went away before everything was judged: who asked whether something is found must not
/// hear that nothing is.
pub(super) fn reader_gone(asked: bool, found: bool) -> Result<u8, String> {
    match (asked, found) {
        (false, _) => Ok(0),
        (true, true) => Ok(FOUND),
        (true, false) => Err("--fail-on: the reader of the output went away before everything was judged".to_owned()),
    }
}

/// Scans; `hunt` has what was asked for if findings are to be shown and not files.
fn scan(args: &ScanArgs, delivery: &DeliveryArgs, hunt: Option<&HuntArgs>) -> Result<u8, String> {
    let started = Instant::now();
    let targets = targets(args)?;
    let structured = args.json || args.format.is_some();
    let view = match hunt {
        _ if !structured && delivery.given() => View::Structured(Format::Jsonl),
        Some(hunt) if !structured => View::Hunt(hunt.min_severity.unwrap_or(Severity::Low)),
        _ => View::choose(args, &targets),
    };
    lookup_usage(args, view)?;
    findings_usage(args, hunt, view)?;
    let mut report = Report::new(args, delivery, view)?;
    let mut scanner = scanner(&args.judging, people(args, view))?;
    if !args.quiet {
        list_notes(&scanner).for_each(|note| eprint!("{note}"));
    }
    if let Some(baseline) = baseline::load(&args.baseline, &targets)? {
        scanner = scanner.with_baseline(baseline);
    }
    if let Some(index) = catalogs(args, &targets)? {
        report.catalogs = Some(index.len() as u64);
        scanner = scanner.with_catalogs(index);
    } else if args.listed {
        return Err("--listed: there are no catalogs to look files up in".to_owned());
    }
    let downloads = online_downloads(&args.judging)?;
    if let Some(downloads) = &downloads {
        scanner = scanner.with_supplier(Arc::clone(downloads) as Arc<dyn Supplier>);
    }
    let kept = Kept::open(&args.judging.cache);
    scanner = kept.given_to(scanner);
    say(args, &kept.note);
    let sandbox = sandbox::enter(&sandbox::Needs::of(args, delivery, &targets), args.no_sandbox);
    if args.verbose {
        eprintln!("Sandbox: {sandbox}");
    }
    let (walk, stop) = (walk_options(args)?, stop_on_interrupt());
    if let Some(downloads) = &downloads {
        downloads.stop_with(&stop);
    }
    let progress = Arc::new(Progress::default());
    let run = Scan {
        scanner: &scanner,
        targets: &targets,
        walk: &walk,
        jobs: jobs(&args.judging),
        progress: &progress,
        stop: &stop,
    };
    report.start_progress(args, &progress);
    let result = run.run(&mut |record| report.record(record));
    report.stop_progress();
    let tally = match result {
        Ok(tally) => tally,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            return reader_gone(args.fail_on.is_some(), report.failed);
        }
        Err(error) => return Err(format!("writing the output: {error}")),
    };
    let interrupted = stop.load(Ordering::Relaxed);
    match report.finish(&tally, started.elapsed(), interrupted) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(format!("writing the output: {error}")),
        _ => {}
    }
    if let Some(downloads) = downloads.filter(|_| !args.quiet) {
        eprint!("{}", online::summary(&downloads));
    }
    say(args, &kept.finish());
    let failed = report.failed;
    let sent = report.deliver(&delivery.sending, &stop, args.quiet)?;
    Ok(exit_code(&tally, failed, stop.load(Ordering::Relaxed), sent))
}

/// Judges everything for what its certificates need, and shows nothing; gives the exit code and how many were judged.
pub(super) fn run_silently(args: &ScanArgs, supplier: Arc<dyn Supplier>) -> Result<(u8, u64), String> {
    let targets = targets(args)?;
    let kept = Kept::open(&args.judging.cache);
    say(args, &kept.note);
    let mut scanner =
        kept.given_to(scanner(&args.judging, people(args, View::Table))?).with_supplier(Arc::clone(&supplier));
    if let Some(index) = catalogs(args, &targets)? {
        scanner = scanner.with_catalogs(index);
    }
    let (walk, stop, progress) = (walk_options(args)?, stop_on_interrupt(), Progress::default());
    supplier.stop_with(&stop);
    let run = Scan {
        scanner: &scanner,
        targets: &targets,
        walk: &walk,
        jobs: jobs(&args.judging),
        progress: &progress,
        stop: &stop,
    };
    let tally = run.run(&mut |_| Ok(())).map_err(|error| error.to_string())?;
    say(args, &kept.finish());
    Ok((exit_code(&tally, false, stop.load(Ordering::Relaxed), true), tally.records))
}

/// Judges everything as a structured scan does, and gives each record to `take`; gives the exit code.
pub(super) fn each_record(args: &ScanArgs, take: &mut dyn FnMut(&Record) -> io::Result<()>) -> io::Result<u8> {
    let usage = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    let targets = targets(args).map_err(usage)?;
    let kept = Kept::open(&args.judging.cache);
    say(args, &kept.note);
    let mut scanner = kept.given_to(scanner(&args.judging, false).map_err(usage)?);
    if let Some(index) = catalogs(args, &targets).map_err(usage)? {
        scanner = scanner.with_catalogs(index);
    }
    let walk = walk_options(args).map_err(usage)?;
    let (stop, progress) = (stop_on_interrupt(), Progress::default());
    let run = Scan {
        scanner: &scanner,
        targets: &targets,
        walk: &walk,
        jobs: jobs(&args.judging),
        progress: &progress,
        stop: &stop,
    };
    let tally = run.run(take)?;
    say(args, &kept.finish());
    Ok(exit_code(&tally, false, stop.load(Ordering::Relaxed), true))
}

/// Says something on standard error, unless nothing is to be said.
fn say(args: &ScanArgs, text: &str) {
    if !args.quiet {
        eprint!("{text}");
    }
}

/// Whether people see the result, who need fewer digests. A baseline is compared by digests and version resources, which
/// the table for people has no need of by itself.
fn people(args: &ScanArgs, view: View) -> bool {
    matches!(view, View::Table) && args.baseline.is_empty()
}

fn walk_options(args: &ScanArgs) -> Result<WalkOptions, String> {
    Ok(WalkOptions {
        follow: args.follow,
        all: args.all,
        listed: args.listed,
        include: Globs::new(&args.include).map_err(|error| format!("--include: {error}"))?,
        exclude: Globs::new(&args.exclude).map_err(|error| format!("--exclude: {error}"))?,
    })
}

/// The exit code for the signal that ended the run, if it was none of the user's own.
static ENDED_WITH: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// Whether whoever started this process wants it to outlive the terminal, as `nohup` does. Looked at before anything is given
/// up that is needed to look. Source: Linux, proc_pid_status(5), `SigIgn`: a bit for each signal, SIGHUP is the first.
static OUTLIVES_TERMINAL: LazyLock<bool> = LazyLock::new(|| {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
});

/// A flag that the user's interrupt sets, SIGTERM, which services are ended with, and SIGHUP, when the terminal is gone.
pub(super) fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&stop);
    // A second handler in one process is the only failure, and then somebody else ends the scan.
    let _ = ctrlc::set_handler(move || handler.store(true, Ordering::Relaxed));
    #[cfg(unix)]
    for (signal, code) in [(SIGTERM, TERMINATED), (SIGHUP, HUNG_UP)] {
        if signal == SIGHUP && *OUTLIVES_TERMINAL {
            continue;
        }
        // Only signals that nobody may handle are refused.
        let _ = signal_hook::flag::register_usize(signal, Arc::clone(&ENDED_WITH), code.into());
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    stop
}

/// What a run says that a signal ended.
pub(super) fn interrupted_code() -> u8 {
    match u8::try_from(ENDED_WITH.load(Ordering::Relaxed)) {
        Ok(code) if code > 0 => code,
        _ => INTERRUPTED,
    }
}

fn exit_code(tally: &Tally, failed: bool, interrupted: bool, sent: bool) -> u8 {
    match () {
        () if interrupted => interrupted_code(),
        () if tally.missing > 0 || !sent => FAILURE,
        () if failed => FOUND,
        () => 0,
    }
}

/// Files named by the arguments, in their order: paths first, then the list.
fn targets(args: &ScanArgs) -> Result<Vec<Target>, String> {
    let mut targets: Vec<Target> = Vec::new();
    for path in &args.paths {
        targets.push(if path == Path::new("-") { Target::StandardInput } else { Target::Path(path.clone()) });
    }
    if let Some(list) = &args.files_from {
        let standard_input = list == Path::new("-");
        if standard_input && targets.iter().any(|target| matches!(target, Target::StandardInput)) {
            return Err("standard input cannot be both a file and the list of files".to_owned());
        }
        let failed = |error: io::Error| format!("--files-from {}: {error}", list.display());
        let names = if standard_input {
            names(&mut io::stdin().lock(), args.null, MAX_NAMES)
        } else {
            std::fs::File::open(list).and_then(|file| {
                let length = file.metadata()?.len();
                if length > MAX_NAMES { Err(too_long(MAX_NAMES)) } else { names(&mut &file, args.null, MAX_NAMES) }
            })
        };
        targets.extend(names.map_err(failed)?.into_iter().map(Target::Listed));
    }
    Ok(targets)
}

/// Longest list of names that is read; a million long paths fit.
const MAX_NAMES: u64 = 1 << 30;

fn too_long(most: u64) -> io::Error {
    io::Error::other(format!("the list is longer than {most} bytes"))
}

fn names(reader: &mut dyn Read, null: bool, most: u64) -> io::Result<Vec<PathBuf>> {
    let mut bytes = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_long(most)); // the rest would be left out, and the last name be another's
    }
    let end = if null { 0 } else { b'\n' };
    let lines = bytes.split(|byte| *byte == end).filter(|line| !line.is_empty());
    let named = lines.map(|line| if null { path_from(line) } else { path_of_line(line) });
    Ok(named.filter(|path| !path.as_os_str().is_empty()).collect())
}

/// A list that comes from Windows has a carriage return at the end of each line, and elsewhere a name may end with one.
fn path_of_line(line: &[u8]) -> PathBuf {
    let exact = path_from(line);
    let is_there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    match line.strip_suffix(b"\r").map(path_from) {
        Some(without) if !is_there(&exact) && (without.as_os_str().is_empty() || is_there(&without)) => without,
        _ => exact,
    }
}

#[cfg(unix)]
fn path_from(octets: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(octets))
}

#[cfg(not(unix))]
fn path_from(octets: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(octets).into_owned())
}

pub(super) fn jobs(args: &JudgingArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    args.jobs.map_or_else(cores, usize::from)
}

/// Who judges, as the arguments say; people see fewer digests by default.
pub(super) fn scanner(args: &JudgingArgs, people: bool) -> Result<Scanner, String> {
    let load = |paths: &[PathBuf]| load_paths(paths).map_err(|error| error.to_string());
    let mut trust = match args.trust_store.as_slice() {
        [] => TrustStore::embedded(),
        paths => load(paths)?,
    };
    if !args.add_root.is_empty() {
        trust = trust.with(load(&args.add_root)?);
    }
    if !args.disallowed.is_empty() {
        trust = trust::distrusting(trust, &args.disallowed)?;
    }
    let intermediates = certificates_below(&args.intermediates).map_err(|error| error.to_string())?;
    let revocation = revocation_lists(&args.crl, &args.ocsp)?;
    let hashes = match args.hashes {
        Some(HashArg::None) => HashMode::None,
        Some(HashArg::Sha256) => HashMode::Sha256,
        Some(HashArg::All) => HashMode::All,
        None if people => HashMode::None,
        None => HashMode::Sha256,
    };
    let options = Options {
        now: args.at.unwrap_or_else(now),
        signature: args.signature.into(),
        strict_padding: args.strict_padding,
        require_revocation: args.require_revocation,
        profile: args.policy.into(),
        certificate_policies: InitialPolicies::default(),
        hashes,
        findings: !args.no_findings,
        version_info: !people,
        max_size: args.max_size,
        limits: ContainerLimits { signature_size: args.max_signature_size, ..ContainerLimits::default() },
        host: args.host.clone(),
    };
    let listed = |lists: &[_], option: &str| BlockLists::load(lists).map_err(|error| format!("{option} {error}"));
    if args.allowlist.iter().any(|(kind, _)| *kind == ListKind::Wdac) {
        return Err("--allowlist wdac: only what a policy denies is read, and that is nothing wanted".to_owned());
    }
    if !args.allowlist.is_empty() && args.blocklist.is_empty() {
        return Err("--allowlist needs --blocklist: it takes back what a block-list says, and there is none".to_owned());
    }
    let (blocked, allowed) = (listed(&args.blocklist, "--blocklist")?, listed(&args.allowlist, "--allowlist")?);
    let scanner = Scanner::with_trust(options, trust).with_intermediates(intermediates).with_revocation(revocation);
    Ok(scanner.with_blocklists(blocked, allowed))
}

/// How many entries each block-list has; of a policy what is used, and what is not and why.
pub(super) fn list_notes(scanner: &Scanner) -> impl Iterator<Item = String> {
    scanner.blocked().notes().iter().map(|note| format!("sigscan: --blocklist {}\n", for_terminal(note)))
}

/// What `--crl` and `--ocsp` name.
pub(super) fn revocation_lists(crl: &[PathBuf], ocsp: &[PathBuf]) -> Result<RevocationLists, String> {
    let mut lists = RevocationLists::new();
    lists.read(crl).map_err(|error| format!("--crl {error}"))?;
    lists.read(ocsp).map_err(|error| format!("--ocsp {error}"))?;
    Ok(lists)
}

/// The catalogs that the arguments name and those of the Windows roots among the scanned folders.
fn catalogs(args: &ScanArgs, targets: &[Target]) -> Result<Option<CatalogIndex>, String> {
    let folders = targets.iter().filter_map(|target| match target {
        Target::Path(path) | Target::Listed(path) => Some(path.as_path()),
        Target::StandardInput => None,
    });
    catalogs_of(&args.judging, folders, args.follow, args.quiet)
}

/// The same for folders; links below them count if they are to be followed, and `quiet` says nothing of damaged catalogs.
pub(super) fn catalogs_of<'f>(
    args: &JudgingArgs,
    folders: impl Iterator<Item = &'f Path>,
    follow: bool,
    quiet: bool,
) -> Result<Option<CatalogIndex>, String> {
    let named: Vec<PathBuf> = args.catalog.iter().chain(&args.catroot).cloned().collect();
    let mut found: Vec<CatalogFolder> = Vec::new();
    if !args.no_catroot {
        found.extend(folders.flat_map(|folder| catalog_folders_below(folder, follow)));
        found.sort();
        found.dedup();
    }
    if named.is_empty() && found.is_empty() {
        return Ok(None);
    }
    let index = CatalogIndex::load(&named, &found).map_err(|error| error.to_string())?;
    if index.is_empty() {
        return Ok(None); // a folder that is called CatRoot and holds no catalog
    }
    if index.damaged() > 0 && !quiet {
        eprintln!("sigscan: {} of the catalogs could not be read, or not to their ends", index.damaged());
    }
    Ok(Some(index))
}

/// What may be downloaded, if anything may.
pub(super) fn online_downloads(args: &JudgingArgs) -> Result<Option<Arc<Downloads>>, String> {
    if !args.online && (args.network.online_cache.is_some() || !args.network.allow_host.is_empty()) {
        return Err("--allow-host and --online-cache need --online".to_owned());
    }
    Ok(match (args.online, args.at) {
        (false, _) => None,
        (true, None) => Some(Arc::new(online::downloads(&args.network)?.live())),
        (true, Some(_)) => Some(Arc::new(online::downloads(&args.network)?)),
    })
}

/// The only place where sigscan looks at the clock for a judgement.
pub(super) fn now() -> Time {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    Time(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// A look-up table without its keys would be empty, and `--lookup-key` for something else would be forgotten silently.
fn lookup_usage(args: &ScanArgs, view: View) -> Result<(), String> {
    match view {
        View::Structured(Format::Lookup(LookupKey::Sha256)) if args.judging.hashes == Some(HashArg::None) => {
            Err("--format lookup is keyed by SHA-256, which --hashes none leaves out; --lookup-key path".to_owned())
        }
        View::Structured(Format::Lookup(_)) => Ok(()),
        _ if args.lookup_key.is_some() => Err("--lookup-key needs --format lookup".to_owned()),
        _ => Ok(()),
    }
}

/// What asks for findings and gets none would be taken for the answer that there are none.
fn findings_usage(args: &ScanArgs, hunt: Option<&HuntArgs>, view: View) -> Result<(), String> {
    let without = args.judging.no_findings;
    let fails_on_findings = args.fail_on.and_then(FailOn::severity).is_some();
    let says = |text: &str| Err(text.to_owned());
    match hunt {
        Some(_) if without => says("--no-findings leaves nothing that hunt could show"),
        _ if without && fails_on_findings => {
            says("--fail-on with a severity needs findings, which --no-findings leaves out; a status needs none")
        }
        Some(hunt) if hunt.min_severity.is_some() && !matches!(view, View::Hunt(_)) => {
            says("--min-severity is for the list of findings that people read; formats for programs have all of them")
        }
        _ => Ok(()),
    }
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// The story of one file.
    Story,
    /// A table for people.
    Table,
    /// Findings of at least this severity, for people.
    Hunt(Severity),
    /// A format for programs.
    Structured(Format),
}

impl View {
    /// Whether what files have in common is shown.
    pub(super) fn correlates(self) -> bool {
        matches!(self, View::Hunt(_) | View::Structured(_))
    }

    fn choose(args: &ScanArgs, targets: &[Target]) -> View {
        match args.format {
            _ if args.json => View::Structured(Format::Jsonl),
            Some(FormatArg::Table) => View::Table,
            Some(FormatArg::For(Format::Lookup(key))) => {
                View::Structured(Format::Lookup(args.lookup_key.unwrap_or(key)))
            }
            Some(FormatArg::For(format)) => View::Structured(format),
            None => match targets {
                [Target::StandardInput] => View::Story,
                [Target::Path(path) | Target::Listed(path)] if !path.is_dir() => View::Story,
                _ => View::Table,
            },
        }
    }
}
