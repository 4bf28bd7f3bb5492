//! `sigscan generate`: everything that is made from one definition.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::{Cli, GenerateArgs, GenerateWhat};
use crate::enrich::events::detection_schema;
use crate::hunt::{baseline_schema, entry_schema};
use crate::record::{certificate_schema, finding_schema, record_schema};

/// Prints what was asked for.
///
/// # Errors
/// Errors of writing.
pub(super) fn run(args: &GenerateArgs, out: &mut dyn Write) -> io::Result<()> {
    let shell = match args.what {
        GenerateWhat::Schema => return pretty(&record_schema(), out),
        GenerateWhat::FindingSchema => return pretty(&finding_schema(), out),
        GenerateWhat::BaselineSchema => return pretty(&baseline_schema(), out),
        GenerateWhat::KeysSchema => return pretty(&entry_schema(), out),
        GenerateWhat::DetectionSchema => return pretty(&detection_schema(), out),
        GenerateWhat::Findings => return out.write_all(super::explain::page().as_bytes()),
        GenerateWhat::CertificateSchema => return pretty(&certificate_schema(), out),
        GenerateWhat::Man => return clap_mangen::Man::new(Cli::command()).render(out),
        GenerateWhat::Bash => Shell::Bash,
        GenerateWhat::Zsh => Shell::Zsh,
        GenerateWhat::Fish => Shell::Fish,
        GenerateWhat::Powershell => Shell::PowerShell,
    };
    clap_complete::generate(shell, &mut Cli::command(), "sigscan", out);
    Ok(())
}

fn pretty(value: &serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
