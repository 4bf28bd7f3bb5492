//! Which files: named ones and those below folders, in path order.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

use crate::fold::folded;

/// What to scan.
#[derive(Debug, Clone)]
pub enum Target {
    /// A file or a folder.
    Path(PathBuf),
    /// A name from a list: always reported, folders walked.
    Listed(PathBuf),
    /// Standard input.
    StandardInput,
}

/// How folders are walked.
#[derive(Debug, Clone, Default)]
pub struct WalkOptions {
    /// Follow symbolic links inside folders.
    pub follow: bool,
    /// Report every file, signable or not.
    pub all: bool,
    /// Report files that cannot carry a signature if a catalog lists them.
    pub listed: bool,
    /// Only files that match one of these; empty means all.
    pub include: Globs,
    /// Neither files nor folders that match one of these.
    pub exclude: Globs,
}

/// A set of patterns, without case: images of Windows have names in any. One without a slash is matched against the name of a file
/// or folder, one with a slash against the path below the scanned folder. A slash at the end says that a folder is meant, with all
/// that is in it; one at the beginning that nothing stands before it.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    names: GlobSet,
    paths: GlobSet,
}

impl Globs {
    /// Compiles patterns.
    ///
    /// # Errors
    /// The first pattern that is not well formed, with the reason.
    pub fn new(patterns: &[String]) -> Result<Globs, globset::Error> {
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for pattern in patterns {
            let glob = |text: &str| GlobBuilder::new(&folded(text)).case_insensitive(true).build();
            let folder = pattern.trim_end_matches('/');
            let below = folder.trim_start_matches("./").trim_start_matches('/');
            let anchored = folder.contains('/');
            let set = if anchored { &mut paths } else { &mut names };
            set.add(glob(below)?);
            if folder.len() < pattern.len() {
                paths.add(glob(&format!("{below}/**"))?);
                if !anchored {
                    paths.add(glob(&format!("**/{below}/**"))?);
                }
            }
        }
        Ok(Globs { names: names.build()?, paths: paths.build()? })
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    fn matches(&self, root: &Path, path: &Path) -> bool {
        if self.is_empty() {
            return false; // taking a path apart is much of what a walk costs
        }
        let below = path.strip_prefix(root).unwrap_or(path);
        path.file_name().is_some_and(|name| is_match(&self.names, name)) || is_match(&self.paths, below.as_os_str())
    }
}

/// The set itself knows the case of ASCII letters only.
fn is_match(set: &GlobSet, name: &OsStr) -> bool {
    match name.to_str() {
        Some(text) if !text.is_ascii() => set.is_match(folded(text)),
        _ => set.is_match(name),
    }
}

/// What a walk meets.
#[derive(Debug)]
pub(super) enum Met {
    /// A regular file; `named` ones are always reported.
    File { path: PathBuf, named: bool },
    /// Standard input.
    StandardInput,
    /// Something that could not be entered or looked at.
    Failed { path: PathBuf, error: std::io::Error, named: bool },
    /// A symbolic link that is not followed.
    Link,
    /// A device, socket or pipe.
    Special,
    /// Left out by the patterns.
    Excluded,
    /// A folder that was not entered, likewise.
    ExcludedFolder,
}

/// Walks the targets in order, each folder in path order (names compared as octets), until `emit` says stop.
pub(super) fn walk(targets: &[Target], options: &WalkOptions, emit: &mut dyn FnMut(Met) -> bool) {
    for target in targets {
        let go_on = match target {
            Target::StandardInput => emit(Met::StandardInput),
            Target::Path(path) | Target::Listed(path) => walk_path(path, options, emit),
        };
        if !go_on {
            return;
        }
    }
}

fn walk_path(path: &Path, options: &WalkOptions, emit: &mut dyn FnMut(Met) -> bool) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => walk_folder(path, options, emit),
        Ok(_) => emit(Met::File { path: path.to_owned(), named: true }),
        Err(error) => emit(Met::Failed { path: path.to_owned(), error, named: true }),
    }
}

fn walk_folder(root: &Path, options: &WalkOptions, emit: &mut dyn FnMut(Met) -> bool) -> bool {
    let excluded = |entry: &DirEntry| entry.depth() > 0 && options.exclude.matches(root, entry.path());
    // Files of one folder have one path up to their names, so that whole paths are in the order of the names.
    let walk = WalkDir::new(root).follow_links(options.follow);
    let mut entries = walk.sort_by(|one, two| octets(one).cmp(octets(two))).into_iter();
    while let Some(entry) = entries.next() {
        let met = match entry {
            Ok(entry) if entry.file_type().is_dir() => {
                if !excluded(&entry) {
                    continue;
                }
                entries.skip_current_dir();
                Met::ExcludedFolder
            }
            Ok(entry) => classify(entry, root, options),
            Err(error) if error.loop_ancestor().is_some() => Met::Link,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                Met::Failed { path, error: error.into(), named: false }
            }
        };
        if !emit(met) {
            return false;
        }
    }
    true
}

fn octets(entry: &DirEntry) -> &[u8] {
    entry.path().as_os_str().as_encoded_bytes()
}

fn classify(entry: DirEntry, root: &Path, options: &WalkOptions) -> Met {
    let kind = entry.file_type();
    if kind.is_symlink() {
        return Met::Link;
    }
    if !kind.is_file() {
        return Met::Special;
    }
    let path = entry.path();
    let wanted = options.include.is_empty() || options.include.matches(root, path);
    if !wanted || options.exclude.matches(root, path) {
        return Met::Excluded;
    }
    Met::File { path: entry.into_path(), named: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_no_case_and_slashes_around_them_say_where_and_what() {
        let matches = |pattern: &str, path: &str| {
            let globs = Globs::new(&[pattern.to_owned()]).unwrap();
            globs.matches(Path::new("/mnt"), &Path::new("/mnt").join(path))
        };
        for pattern in ["users", "Users", "USERS/", "/Users", "/Users/", "./Users"] {
            assert!(matches(pattern, "Users"), "{pattern}");
            assert!(!matches(pattern, "Users2"), "{pattern}");
            // Below a folder everything belongs to it, whoever asks only for files.
            assert_eq!(matches(pattern, "Users/alice/a.exe"), pattern.ends_with('/'), "{pattern}");
            let anywhere = !pattern.starts_with(['/', '.']);
            assert_eq!(matches(pattern, "old/Users"), anywhere, "{pattern}");
        }
        assert!(matches("USERS/", "old/Users/a.exe") && !matches("/Users/", "old/Users/a.exe"));
        assert!(matches("*.EXE", "a/b.exe") && matches("*.exe", "a/B.Exe") && !matches("*.exe", "a/b.dll"));
        assert!(matches("users/*/Temp", "Users/alice/TEMP") && !matches("users/*/Temp", "Users/alice/TMP"));
        assert!(
            matches("ÄRGER.exe", "ärger.exe")
                && matches("ärger/**", "Ärger/a.exe")
                && !matches("arger.exe", "ärger.exe")
        );
    }
}
