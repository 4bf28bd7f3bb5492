//! `sigscan fetch`: everything that a scan of these files would download, in a folder to be carried elsewhere.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::args::ScanArgs;
use super::online::{downloads, summary};
use super::run::run_silently;
use super::words::plural;
use crate::online::{DryRun, Keep, MANIFEST};
use crate::scan::Supplier;

/// Options of `sigscan fetch`.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Where to write what was downloaded
    #[arg(long, short, value_name = "FOLDER", required_unless_present = "dry_run")]
    pub output: Option<PathBuf>,
    /// List the URLs that are known without asking any, and connect to nothing
    #[arg(long, conflicts_with = "output")]
    pub dry_run: bool,
    /// The scan that it is for.
    #[command(flatten)]
    pub scan: ScanArgs,
}

/// Fetches, or lists what would be fetched.
///
/// # Errors
/// A message for the user.
pub(super) fn run(args: &FetchArgs, out: &mut dyn Write) -> Result<u8, String> {
    let scan = &args.scan;
    if scan.json || scan.format.is_some() || !scan.status.is_empty() || scan.fail_on.is_some() {
        return Err("fetch judges nothing: it takes no --json, --format, --status or --fail-on".to_owned());
    }
    let Some(folder) = &args.output else {
        let listed = Arc::new(DryRun::default());
        let (code, _) = run_silently(scan, Arc::clone(&listed) as Arc<dyn Supplier>)?;
        let written = listed.urls().iter().try_for_each(|line| {
            writeln!(out, "{}\t{}\tfor certificate {}", line.url, line.wanted.title(), line.serial)
        });
        return written.and_then(|()| out.flush()).map_or_else(failed_pipe, |()| Ok(code));
    };
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let downloads = Arc::new(downloads(&scan.judging.network)?.keeping(Keep::open(folder).map_err(failed)?));
    let (code, judged) = run_silently(scan, Arc::clone(&downloads) as Arc<dyn Supplier>)?;
    let lines = downloads.keep().map_or(Ok(0), Keep::finish).map_err(failed)?;
    if !scan.quiet {
        let files = plural(judged, "file", "files");
        let noted = plural(lines as u64, "line", "lines");
        eprint!("{files} looked at; {} has {noted}\n{}", folder.join(MANIFEST).display(), summary(&downloads));
    }
    Ok(code)
}

/// A reader that has seen enough closes the pipe; that is no failure.
fn failed_pipe(error: io::Error) -> Result<u8, String> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(0) } else { Err(format!("writing the list: {error}")) }
}
