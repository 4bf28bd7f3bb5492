//! The options of `sigscan trust`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::asn1::{Oid, Time, oids};
use crate::cli::check::CheckArgs;
use crate::cli::judging::moment;
use crate::online::AllowedHost;

/// Options of `sigscan trust`.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// What to show or make [default: where the store comes from]
    #[command(subcommand)]
    pub command: Option<TrustCommand>,
    /// Look at the roots in PATH instead of the embedded store: certificates (PEM, DER), an authroot.stl with its
    /// certificates, a store file, or a folder
    #[arg(long, value_name = "PATH", global = true)]
    pub trust_store: Vec<PathBuf>,
    /// Distrust what the lists in PATH name
    #[arg(long, value_name = "PATH", global = true)]
    pub disallowed: Vec<PathBuf>,
}

/// What `sigscan trust` does.
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// List roots with their usages and dates
    List(ListArgs),
    /// Show one root: everything that is known of it, and what it is trusted for
    Show(ShowArgs),
    /// Show which roots two stores do not share, and what they say differently of those that they do
    Diff(DiffArgs),
    /// Write the facts of every root
    Export(ExportArgs),
    /// Say whether certificates are trusted, and why
    Check(Box<CheckArgs>),
    /// Make a store file from a newer root list of Microsoft's, and from what the current store knows of its roots
    Update(UpdateArgs),
    /// Make a store file from Microsoft's root list (how data/roots.bin is made)
    Build(BuildArgs),
}

/// What a root may be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Usage {
    /// Signing code
    CodeSigning,
    /// Stamping time
    TimeStamping,
}

impl Usage {
    /// Both.
    pub const ALL: [Usage; 2] = [Usage::CodeSigning, Usage::TimeStamping];

    /// Its identifiers, of which one is enough.
    pub fn oids(self) -> &'static [Oid<'static>] {
        match self {
            Usage::CodeSigning => &[oids::EKU_CODE_SIGNING],
            Usage::TimeStamping => &[oids::EKU_TIME_STAMPING, oids::EKU_MS_TIME_STAMP_SIGNING],
        }
    }

    /// A label before what is said of it.
    pub fn label(self) -> &'static str {
        match self {
            Usage::CodeSigning => "Code",
            Usage::TimeStamping => "Stamps",
        }
    }

    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Usage::CodeSigning => "code signing",
            Usage::TimeStamping => "time stamping",
        }
    }
}

/// Options of `sigscan trust list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only roots that are trusted for USAGE
    #[arg(long, value_name = "USAGE")]
    pub usage: Option<Usage>,
    /// Only roots that are trusted at this moment (RFC 3339, or a date): valid, and neither disabled nor taken back
    #[arg(long, visible_alias = "at", value_name = "TIME", value_parser = moment)]
    pub trusted_at: Option<Time>,
    /// Only roots that a date limits
    #[arg(long)]
    pub limited: bool,
    /// One JSON object a root, a line each
    #[arg(long)]
    pub json: bool,
}

/// Options of `sigscan trust show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A thumbprint (SHA-1 or SHA-256, or its first 8 digits or more), or a part of a name
    #[arg(value_name = "THUMBPRINT|NAME")]
    pub root: String,
    /// What it is trusted for at this moment (RFC 3339, or a date) instead of now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Time>,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of `sigscan trust diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The older store: a path as for --trust-store, or `embedded`
    #[arg(value_name = "A")]
    pub old: PathBuf,
    /// The newer store
    #[arg(value_name = "B")]
    pub new: PathBuf,
    /// One JSON object a difference, a line each
    #[arg(long)]
    pub json: bool,
}

/// Options of `sigscan trust export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Format
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub format: ExportFormat,
    /// The certificates themselves instead, PEM: only of roots that were loaded from certificates, since a store holds
    /// facts and no certificates
    #[arg(long, conflicts_with = "format", requires = "trust_store")]
    pub pem: bool,
}

/// Formats of exported facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object a root, a line each
    Jsonl,
    /// Comma-separated values
    Csv,
}

/// Options of `sigscan trust update`.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    /// Microsoft's signed root list: authroot.stl, a folder that holds it, the authrootstl.cab
    /// that Microsoft ships it in, or an http(s) address
    #[arg(long, value_name = "FILE|FOLDER|URL")]
    pub from: String,
    /// Certificates (PEM, DER) or a folder of them, for roots that are new in the list; repeatable
    #[arg(long, value_name = "PATH")]
    pub certificates: Vec<PathBuf>,
    /// Where to write the store
    #[arg(long, short, value_name = "STORE")]
    pub output: PathBuf,
    /// Take a list that is older than the current one
    #[arg(long)]
    pub allow_rollback: bool,
    /// Let this server be asked although its address is private, or its port is not 80 or 443
    #[arg(long, value_name = "NAME[:PORT]")]
    pub allow_host: Vec<AllowedHost>,
}

/// Options of `sigscan trust build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Microsoft's signed root list, authroot.stl
    #[arg(long, value_name = "FILE")]
    pub list: PathBuf,
    /// The list's certificates, PEM
    #[arg(long, value_name = "FILE")]
    pub certificates: PathBuf,
    /// Roots that are built into Windows, PEM
    #[arg(long, value_name = "FILE")]
    pub built_in: PathBuf,
    /// Where the ingredients come from; repeatable
    #[arg(long, value_name = "TEXT")]
    pub source: Vec<String>,
    /// Where to write the store
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}
