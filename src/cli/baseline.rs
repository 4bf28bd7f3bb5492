//! `sigscan baseline build`: what a known-good folder holds, to compare others with.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use super::args::{BaselineArgs, BaselineCommand};
use super::run;
use crate::hunt::{Baseline, BaselineLine, path_below};
use crate::scan::Target;

/// Scans the folder and writes a line for each of its files, in the order of their paths.
///
/// # Errors
/// Wrong usage, and errors of writing.
pub(super) fn run(args: &BaselineArgs) -> Result<u8, String> {
    let BaselineCommand::Build(build) = &args.command;
    let scan = &build.scan;
    let [folder] = scan.paths.as_slice() else { return Err("baseline build takes one folder".to_owned()) };
    if !folder.is_dir() {
        return Err(format!("{}: not a folder", folder.display()));
    }
    if scan.json || scan.format.is_some() || scan.files_from.is_some() {
        return Err("baseline build has one format and takes a folder: no --format, --json or --files-from".to_owned());
    }
    let root = folder.to_string_lossy();
    let root = root.trim_end_matches(['/', '\\']);
    let failed = |error: io::Error| format!("writing the baseline: {error}");
    let mut out: Box<dyn Write> = match &build.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("--output {}: {error}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let code = run::each_record(scan, &mut |record| {
        let line = path_below(root, &record.path).and_then(|path| BaselineLine::of(record, path));
        let Some(line) = line else { return Ok(()) };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")
    });
    match code.and_then(|code| out.flush().map(|()| code)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        result => result.map_err(failed),
    }
}

/// What `--baseline` names, for a scan of these targets.
///
/// # Errors
/// A file that cannot be read or is no baseline.
pub(super) fn load(paths: &[PathBuf], targets: &[Target]) -> Result<Option<Baseline>, String> {
    if paths.is_empty() {
        return Ok(None);
    }
    let mut baseline = Baseline::default();
    for path in paths {
        let read = File::open(path).and_then(|file| baseline.read(&mut BufReader::new(file)));
        read.map_err(|error| format!("--baseline {}: {error}", path.display()))?;
    }
    let folders = targets.iter().filter_map(|target| match target {
        Target::Path(path) if path.is_dir() => Some(path.to_string_lossy().into_owned()),
        _ => None,
    });
    Ok(Some(baseline.below(folders)))
}
