//! Where records go: standard output, or a file that appears when it is complete.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::deliver::AtomicFile;

/// Where records go.
#[derive(Debug, Args)]
pub struct DeliveryArgs {
    /// Write to FILE, which appears, or is replaced, when the scan is complete [format: jsonl unless --format says else]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
}

impl DeliveryArgs {
    /// Whether records go somewhere else than to standard output.
    pub(super) fn given(&self) -> bool {
        self.output.is_some()
    }
}

/// The file that `--output` names, not yet visible.
pub(super) fn create(path: &Path) -> Result<AtomicFile, String> {
    AtomicFile::create(path).map_err(|error| format!("--output {}: {error}", path.display()))
}
