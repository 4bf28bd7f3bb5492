//! What is known to be harmless and left out.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::detection::{Detection, SignatureState, Witness};
use crate::judge::Status;

/// Patterns as a person writes them: `*` and `?` match anything, case does not matter.
#[derive(Debug, Clone, Default)]
pub struct TuningArguments {
    /// Files and registry keys.
    pub paths: Vec<String>,
    /// Signers.
    pub signers: Vec<String>,
    /// Programs that act.
    pub images: Vec<String>,
    /// Programs that start them.
    pub parents: Vec<String>,
    /// Machines.
    pub hosts: Vec<String>,
}

/// Patterns, compiled.
#[derive(Debug, Clone, Default)]
pub struct Tuning {
    paths: GlobSet,
    signers: GlobSet,
    images: GlobSet,
    parents: GlobSet,
    hosts: GlobSet,
}

impl Tuning {
    /// Compiles patterns.
    ///
    /// # Errors
    /// The first that is not well formed, in a sentence.
    pub fn new(arguments: &TuningArguments) -> Result<Tuning, String> {
        let set = |patterns: &[String], option: &str| set(patterns).map_err(|error| format!("{option}: {error}"));
        Ok(Tuning {
            paths: set(&arguments.paths, "--exclude-path")?,
            signers: set(&arguments.signers, "--exclude-signer")?,
            images: set(&arguments.images, "--exclude-image")?,
            parents: set(&arguments.parents, "--exclude-parent")?,
            hosts: set(&arguments.hosts, "--exclude-host")?,
        })
    }

    /// Whether a detection is known to be harmless.
    #[must_use]
    pub fn excludes(&self, detection: &Detection) -> bool {
        let path = |set: &GlobSet, path: &Option<String>| path.as_deref().is_some_and(|path| names(set, path));
        path(&self.paths, &detection.target)
            || path(&self.images, &detection.image)
            || path(&self.parents, &detection.parent_image)
            || detection.event.host.as_deref().is_some_and(|host| self.hosts.is_match(host))
            || detection.signature.as_ref().is_some_and(|state| self.knows(state))
    }

    /// Whether a signer is excluded. By name only where the name is proven: an intact signature of an expired
    /// certificate, whether the file shows it or Windows said so. Anybody may put any name into a certificate that nobody vouches for, so that takes the certificate's
    /// SHA-1.
    fn knows(&self, state: &SignatureState) -> bool {
        let by_thumbprint =
            state.thumbprint_sha1.as_deref().is_some_and(|thumbprint| self.signers.is_match(thumbprint));
        let intact = state.signer_verified || state.from == Witness::Event;
        let proven = state.status == Status::Expired && intact;
        state.signer_verified && by_thumbprint || proven && self.signers.is_match(&state.signer)
    }
}

fn set(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.replace('\\', "/");
        set.add(GlobBuilder::new(&pattern).case_insensitive(true).literal_separator(false).build()?);
    }
    set.build()
}

/// Whether a pattern matches the whole path or its last component.
fn names(set: &GlobSet, path: &str) -> bool {
    let path = path.replace('\\', "/");
    set.is_match(&path) || path.rsplit('/').next().is_some_and(|name| set.is_match(name))
}
