//! The command line. Help text, man page and completions all come from these definitions.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::deliver::{DeliveryArgs, SendArgs};
use super::enrich::EnrichArgs;
use super::events::EventsArgs;
use super::fetch::FetchArgs;
use super::judging::JudgingArgs;
use super::trust::TrustArgs;
use crate::judge::Status;
use crate::output::{Format, LookupKey};
use crate::record::{Reason, Record, Severity};

/// Check Authenticode signatures offline: true statuses, with the reason and the proof.
#[derive(Debug, Parser)]
#[command(name = "sigscan", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Exit status: 0 the scan ran; 1 something at or above --fail-on was found; 2 wrong usage, a \
    failure of sigscan itself, or a named path that does not exist; 130 interrupted, 143 terminated.\n\n\
    Examples:\n  sigscan suspicious.exe            the story of one file's signature\n  \
    sigscan /mnt/image --json         one JSON record per signable file\n  \
    sigscan /mnt/image --status invalid,revoked,untrusted,expired")]
pub struct Cli {
    /// What to do instead of scanning.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A scan.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// Where its records go.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
}

/// Everything that is not a scan.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show which roots are trusted and where the list comes from
    Trust(TrustArgs),
    /// Explain a reason code, or list them all
    Explain(ExplainArgs),
    /// Find signatures, certificates and timestamps that files share and should not
    Hunt(Box<HuntArgs>),
    /// Learn what a known-good folder holds, for --baseline
    Baseline(Box<BaselineArgs>),
    /// Compare records of many scans: reads JSON Lines, writes keys and findings
    Correlate(CorrelateArgs),
    /// Find signing, planted certificates and loads of broken signatures in Windows event logs and streams of events
    Events(Box<EventsArgs>),
    /// Add what is known of the files that events name to the events: reads a line, writes a line
    Enrich(Box<EnrichArgs>),
    /// Download what a scan would need into a folder, to scan on a machine without network
    Fetch(Box<FetchArgs>),
    /// Send what a spool holds that an earlier run could not send
    Send(SendArgs),
    /// Print the man page, shell completions or the JSON Schema of records
    Generate(GenerateArgs),
}

/// Options of a scan.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Files and folders to scan; `-` is one file's bytes on standard input
    #[arg(required_unless_present = "files_from", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read names of files from FILE (`-` is standard input), one a line
    #[arg(long, value_name = "FILE", help_heading = "Which files")]
    pub files_from: Option<PathBuf>,
    /// Names in --files-from end with NUL instead of a line break
    #[arg(short = '0', long, requires = "files_from", help_heading = "Which files")]
    pub null: bool,
    /// Report every file, also those that cannot carry a signature or whose format is not read yet
    #[arg(long, help_heading = "Which files")]
    pub all: bool,
    /// Report files too that cannot carry a signature and that a catalog lists: every file is read
    #[arg(long, help_heading = "Which files")]
    pub listed: bool,
    /// Follow symbolic links inside folders
    #[arg(short = 'L', long, help_heading = "Which files")]
    pub follow: bool,
    /// Only files that match GLOB, in any case: against the name, or against the path below the folder if GLOB has a slash. A
    /// slash at the end means all that is in such a folder
    #[arg(long, value_name = "GLOB", help_heading = "Which files")]
    pub include: Vec<String>,
    /// Leave out files and folders that match GLOB, in any case
    #[arg(long, value_name = "GLOB", help_heading = "Which files")]
    pub exclude: Vec<String>,

    /// JSON Lines, short for --format jsonl
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,
    /// Output format [default: the story for one file, else a table]
    #[arg(long, value_name = "FORMAT", value_parser = FormatArg::parser(), help_heading = "Output")]
    pub format: Option<FormatArg>,
    /// What --format lookup has one row for: sha256 (default) or path
    #[arg(long, value_name = "KEY", value_parser = lookup_key(), requires = "format", help_heading = "Output")]
    pub lookup_key: Option<LookupKey>,
    /// Show only these statuses (comma separated): valid, invalid, expired, revoked, untrusted, self-signed,
    /// unsigned, error
    #[arg(long, value_name = "STATUS", value_delimiter = ',', help_heading = "Output")]
    pub status: Vec<String>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: ColorArg,
    /// Compare with what a known-good folder held: findings S131 to S134. FILE is from `sigscan baseline build`
    #[arg(long, value_name = "FILE", help_heading = "Judgement")]
    pub baseline: Vec<PathBuf>,
    /// Do not compare files with each other: no findings about several files, and no memory for each file
    #[arg(long, help_heading = "Output")]
    pub no_correlate: bool,
    /// No summary and no progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Say on standard error what the scan was held to, and what for
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// Keep what the scan does not need: by default it reads only below the given paths and connects to nothing (Linux)
    #[arg(long, help_heading = "Which files")]
    pub no_sandbox: bool,
    /// Exit with 1 if a file has this status or a worse one, or a finding of this severity or a worse one.
    /// Statuses, worst first: invalid, revoked, untrusted, expired, error, unsigned
    #[arg(long, value_name = "STATUS|SEVERITY", value_parser = FailOn::parse, help_heading = "Output")]
    pub fail_on: Option<FailOn>,

    /// How files are judged.
    #[command(flatten)]
    pub judging: JudgingArgs,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatArg {
    /// A table for people, worst first.
    Table,
    /// A format for programs.
    For(Format),
}

impl FormatArg {
    /// The formats that detections in events have a place in.
    pub(super) fn of_detections() -> impl TypedValueParser<Value = Format> {
        let formats = Format::ALL.into_iter().filter(|format| format.takes_detections());
        PossibleValuesParser::new(formats.map(|format| PossibleValue::new(format.name()))).map(|word| {
            let named = Format::ALL.into_iter().find(|format| format.name() == word);
            named.unwrap_or(Format::Jsonl)
        })
    }

    fn parser() -> impl TypedValueParser<Value = FormatArg> {
        let table = PossibleValue::new("table").help("A table for people, worst first");
        let formats = Format::ALL.map(|format| PossibleValue::new(format.name()).help(format.title()));
        PossibleValuesParser::new(std::iter::once(table).chain(formats)).map(|word| {
            let named = Format::ALL.into_iter().find(|format| format.name() == word);
            named.map_or(FormatArg::Table, FormatArg::For)
        })
    }
}

fn lookup_key() -> impl TypedValueParser<Value = LookupKey> {
    PossibleValuesParser::new(LookupKey::ALL.map(LookupKey::name)).map(|word| match word.as_str() {
        "path" => LookupKey::Path,
        _ => LookupKey::Sha256,
    })
}

/// Colour choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What makes a scan fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// A status at least this bad.
    Status(Status),
    /// A finding at least this severe.
    Severity(Severity),
}

impl FailOn {
    pub(super) fn parse(text: &str) -> Result<FailOn, String> {
        let wanted = text.to_ascii_lowercase();
        let status = Status::WORST_FIRST.iter().find(|status| status.name().to_ascii_lowercase() == wanted);
        if let Some(status) = status.filter(|status| **status != Status::Valid) {
            return Ok(FailOn::Status(*status));
        }
        Ok(FailOn::Severity(match wanted.as_str() {
            "self-signed" => return Ok(FailOn::Status(Status::Untrusted)),
            "info" => Severity::Info,
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            "high" => Severity::High,
            "critical" => Severity::Critical,
            _ => {
                let known = "invalid, revoked, untrusted, expired, error, unsigned, info, low, medium, high, critical";
                return Err(format!("one of {known}"));
            }
        }))
    }

    /// The mildest severity that makes a scan fail, where findings do.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            FailOn::Severity(severity) => Some(severity),
            FailOn::Status(_) => None,
        }
    }

    /// Whether this record makes the scan fail.
    #[must_use]
    pub fn hit(self, record: &Record) -> bool {
        match self {
            FailOn::Status(status) => record.status.severity() >= status.severity(),
            FailOn::Severity(_) => record.findings.iter().any(|finding| self.hit_by(finding.severity)),
        }
    }

    /// Whether a finding of this severity makes the scan fail.
    #[must_use]
    pub fn hit_by(self, found: Severity) -> bool {
        matches!(self, FailOn::Severity(severity) if found >= severity)
    }
}

/// Options of `sigscan hunt`.
#[derive(Debug, Args)]
pub struct HuntArgs {
    /// A scan.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// Where its records go.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// Show findings of this severity and worse ones [default: low]
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub min_severity: Option<Severity>,
}

/// Options of `sigscan baseline`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: BaselineCommand,
}

/// What `sigscan baseline` does.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Scan a known-good folder and write what it holds as JSON Lines (schema sigscan.baseline/1)
    Build(BuildArgs),
}

/// Options of `sigscan baseline build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// A scan of one folder.
    #[command(flatten)]
    pub scan: ScanArgs,
    /// Write to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Options of `sigscan correlate`.
#[derive(Debug, Args)]
pub struct CorrelateArgs {
    /// Files of records, or of keys from an earlier run, one JSON object a line; `-` is standard input
    #[arg(required = true, value_name = "RECORDS")]
    pub records: Vec<PathBuf>,
    /// Exit with 1 if there is a finding of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", value_parser = FailOn::parse)]
    pub fail_on: Option<FailOn>,
    /// Say on standard error what the run was held to
    #[arg(short, long)]
    pub verbose: bool,
    /// Keep what the run does not need: by default it reads only RECORDS, writes no file and connects to nothing (Linux)
    #[arg(long)]
    pub no_sandbox: bool,
}

/// Options of `sigscan explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A reason such as bad-digest, a finding such as X201, `policy` for what each policy changes, or `kernel` for what
    /// the kernel says of drivers; without one the tables of reasons and findings are printed
    #[arg(value_parser = explained)]
    pub code: Option<Explained>,
}

/// Options of `sigscan generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// What to print
    pub what: GenerateWhat,
}

/// What can be generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GenerateWhat {
    /// JSON Schema of records
    Schema,
    /// JSON Schema of findings about several files
    FindingSchema,
    /// JSON Schema of the lines of keys that `sigscan correlate` writes
    KeysSchema,
    /// The JSON Schema of a baseline's lines
    BaselineSchema,
    /// JSON Schema of the detections that `sigscan events` writes
    DetectionSchema,
    /// The page of all findings (Markdown)
    Findings,
    /// JSON Schema of what `sigscan trust check --json` prints
    CertificateSchema,
    /// Man page (roff)
    Man,
    /// Completions for bash
    Bash,
    /// Completions for zsh
    Zsh,
    /// Completions for fish
    Fish,
    /// Completions for PowerShell
    Powershell,
}

/// Something that can be explained.
#[derive(Debug, Clone, Copy)]
pub enum Explained {
    /// A reason for a status.
    Reason(Reason),
    /// A kind of finding.
    Finding(&'static crate::hunt::Row),
    /// What each policy changes.
    Policies,
    /// What the kernel says of drivers.
    Kernel,
}

fn explained(text: &str) -> Result<Explained, String> {
    match text.to_ascii_lowercase().as_str() {
        "policy" | "policies" => return Ok(Explained::Policies),
        "kernel" => return Ok(Explained::Kernel),
        _ => {}
    }
    let reason = crate::judge::TABLE.iter().find(|row| row.code == text.to_ascii_lowercase());
    reason
        .map(|row| Explained::Reason(row.reason))
        .or_else(|| crate::hunt::row(text).map(Explained::Finding))
        .ok_or_else(|| "no such code; `sigscan explain` lists them".to_owned())
}

pub(super) fn severity(text: &str) -> Result<Severity, String> {
    match FailOn::parse(text) {
        Ok(FailOn::Severity(severity)) => Ok(severity),
        _ => Err("one of info, low, medium, high, critical".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn failures() {
        assert_eq!(FailOn::parse("Untrusted"), Ok(FailOn::Status(Status::Untrusted)));
        assert_eq!(FailOn::parse("high"), Ok(FailOn::Severity(Severity::High)));
        assert!(FailOn::parse("valid").is_err() && FailOn::parse("").is_err());
    }
}
