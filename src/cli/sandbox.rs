//! What a run does not need, it gives up before the first input is read (Linux: Landlock): it reads below the given paths,
//! writes where it was told to, executes nothing, and connects to nothing. Scans, `hunt`, `events` and `correlate` know
//! beforehand what they read. `enrich` does not: an event may name any file of this machine.
//!
//! Source: Linux, Documentation/userspace-api/landlock.rst. Landlock holds the calling thread and those that it starts later;
//! the thread that sends (`--send`) runs before and is not held.

use std::path::{Path, PathBuf};

use super::args::ScanArgs;
use super::deliver::DeliveryArgs;
use super::judging::JudgingArgs;
use super::online;
use crate::scan::Target;

/// What may still be done.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Files and folders that are read; what is not there is left out.
    pub(super) read: Vec<PathBuf>,
    /// Whether anything may be read.
    pub(super) everything: bool,
    /// Folders in which files are made, written, renamed and removed.
    pub(super) write: Vec<PathBuf>,
    /// Whether something is asked over the network.
    pub(super) network: bool,
}

/// Listed names beyond this are not told one by one to the kernel.
const MOST_RULES: usize = 1000;

impl Needs {
    /// What is read and written from now on. Lists are read already, but for catalogs, which are opened when a file asks:
    /// those that were found by themselves lie below the targets, unless links are followed, and then everything is read.
    pub(super) fn of(args: &ScanArgs, delivery: &DeliveryArgs, targets: &[Target]) -> Needs {
        let mut needs = Needs::default();
        for target in targets {
            match target {
                Target::Path(path) | Target::Listed(path) => needs.read.push(path.clone()),
                // What comes through a pipe goes into a file without a name first.
                Target::StandardInput => needs.write.push(std::env::temp_dir()),
            }
        }
        needs.judge(&args.judging);
        needs.deliver(delivery);
        needs.everything |= args.follow || needs.read.len() > MOST_RULES;
        needs
    }

    /// What reads nothing but these files and folders, and writes to standard output.
    pub(super) fn reading(paths: impl IntoIterator<Item = PathBuf>) -> Needs {
        let read: Vec<PathBuf> = paths.into_iter().collect();
        Needs { everything: read.len() > MOST_RULES, read, ..Needs::default() }
    }

    /// What reads whatever an event names.
    pub(super) fn reading_everything() -> Needs {
        Needs { everything: true, ..Needs::default() }
    }

    /// What judging asks for beside the files themselves.
    pub(super) fn judge(&mut self, judging: &JudgingArgs) {
        self.read.extend(judging.catalog.iter().chain(&judging.catroot).cloned());
        if judging.online {
            // Names are looked up with whatever the system has for it, and libraries that it loads.
            self.network = true;
            self.everything = true;
            self.write.extend(online::cache_folder(&judging.network));
        }
    }

    /// Where results go, if not to standard output.
    pub(super) fn deliver(&mut self, delivery: &DeliveryArgs) {
        if let Some(name) = &delivery.output {
            self.write_beside(name);
        }
        self.write.extend(delivery.sending.spool.clone());
    }

    /// A file that appears under this name.
    fn write_beside(&mut self, name: &Path) {
        let name = std::fs::canonicalize(name).unwrap_or_else(|_| name.to_owned());
        let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
        self.write.push(folder.unwrap_or(Path::new(".")).to_owned());
    }
}

/// Gives up everything else unless `keep` says otherwise, for this thread and those that it starts. What came of it, as a
/// sentence: an old kernel holds less, and other systems nothing.
pub(super) fn enter(needs: &Needs, keep: bool) -> String {
    if keep { "none (--no-sandbox)".to_owned() } else { give_up(needs) }
}

#[cfg(target_os = "linux")]
fn give_up(needs: &Needs) -> String {
    match held::enter(needs) {
        Ok(sentence) => sentence,
        Err(error) => format!("none ({error})"),
    }
}

/// Nothing of the kind here.
#[cfg(not(target_os = "linux"))]
fn give_up(_: &Needs) -> String {
    "none on this system".to_owned()
}

#[cfg(target_os = "linux")]
mod held {
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    };

    use super::Needs;

    /// Of Linux 6.12; what an older kernel does not know is left out.
    const KNOWN: ABI = ABI::V6;

    pub(super) fn enter(needs: &Needs) -> Result<String, RulesetError> {
        let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
        rules = rules.handle_access(AccessFs::from_all(KNOWN))?.scope(Scope::from_all(KNOWN))?;
        if !needs.network {
            rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
        }
        let mut rules = rules.create()?;
        let root = [PathBuf::from("/")];
        for path in if needs.everything { &root } else { needs.read.as_slice() } {
            rules = allow(rules, path, AccessFs::ReadFile | AccessFs::ReadDir)?;
        }
        let writing = AccessFs::ReadFile
            | AccessFs::ReadDir
            | AccessFs::WriteFile
            | AccessFs::Truncate
            | AccessFs::MakeReg
            | AccessFs::MakeDir
            | AccessFs::RemoveFile
            | AccessFs::RemoveDir
            | AccessFs::Refer;
        for path in &needs.write {
            rules = allow(rules, path, writing)?;
        }
        let read = if needs.everything { "reads anything" } else { "reads only what was named" };
        let write = if needs.write.is_empty() { "writes no file" } else { "writes only where it was told to" };
        let network = if needs.network { "network allowed" } else { "no TCP" };
        let kept = format!("{read}, {write}, runs nothing, {network}");
        Ok(match rules.restrict_self()?.ruleset {
            RulesetStatus::FullyEnforced => format!("Landlock: {kept}"),
            RulesetStatus::PartiallyEnforced => format!("Landlock, as far as this old kernel knows it: {kept}"),
            RulesetStatus::NotEnforced => "none (this kernel has no Landlock)".to_owned(),
        })
    }

    /// What is not there needs no permission.
    fn allow(rules: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
        match PathFd::new(path) {
            // What is about folders cannot be given for anything else, and would look like an old kernel.
            Ok(fd) if !path.is_dir() => rules.add_rule(PathBeneath::new(fd, access & AccessFs::from_file(KNOWN))),
            Ok(fd) => rules.add_rule(PathBeneath::new(fd, access)),
            Err(_) => Ok(rules),
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::{self, File};
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// In a thread of its own, because nothing gives back what was given up.
    fn inside<T: Send>(needs: &Needs, act: impl FnOnce(&str) -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| act(&enter(needs, false))).join().unwrap())
    }

    #[test]
    fn what_is_not_needed_cannot_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, outer) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(&outer).unwrap();
        for place in [&inner, &outer] {
            fs::write(place.join("file"), "x").unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut needs = Needs { read: vec![inner.clone(), folder.path().join("missing")], ..Needs::default() };
        let kinds = inside(&needs, |state| {
            if !state.starts_with("Landlock:") {
                return None; // this kernel cannot hold anybody
            }
            assert_eq!(state, "Landlock: reads only what was named, writes no file, runs nothing, no TCP");
            assert_eq!(fs::read(inner.join("file")).unwrap(), b"x");
            let kind = |error: std::io::Error| error.kind();
            Some([
                fs::read(outer.join("file")).map(drop).map_err(kind),
                fs::read_dir(&outer).map(drop).map_err(kind),
                File::create(inner.join("new")).map(drop).map_err(kind),
                fs::remove_file(inner.join("file")).map_err(kind),
                TcpStream::connect(address).map(drop).map_err(kind),
                TcpListener::bind("127.0.0.1:0").map(drop).map_err(kind),
                std::process::Command::new("/bin/true").status().map(drop).map_err(kind),
            ])
        });
        let Some(kinds) = kinds else { return };
        assert_eq!(kinds, [Err(ErrorKind::PermissionDenied); 7]);
        needs.write_beside(&outer.join("result"));
        needs.network = true;
        inside(&needs, |state| {
            let told =
                "Landlock: reads only what was named, writes only where it was told to, runs nothing, network allowed";
            assert_eq!(state, told);
            fs::write(outer.join("new"), "y").unwrap();
            fs::rename(outer.join("new"), outer.join("result")).unwrap();
            TcpStream::connect(address).unwrap();
            assert_eq!(fs::write(inner.join("new"), "y").unwrap_err().kind(), ErrorKind::PermissionDenied);
        });
    }

    #[test]
    fn a_file_by_itself_makes_no_kernel_look_old() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("file"), folder.path().join("other"));
        for path in [&file, &other] {
            fs::write(path, "x").unwrap();
        }
        let told = |path: &Path| {
            inside(&Needs { read: vec![path.to_owned()], ..Needs::default() }, |state| {
                let reads = [&file, &other].map(|path| fs::read(path).is_ok());
                (state.to_owned(), reads)
            })
        };
        let (of_folder, both) = told(folder.path());
        assert_eq!(both, [true; 2]);
        let (of_file, reads) = told(&file);
        assert_eq!(of_file, of_folder);
        assert_eq!(reads, [true, !of_file.starts_with("Landlock")]);
    }

    /// `enrich`: any file may be named, and none is written or run.
    #[test]
    fn what_reads_anything_writes_and_runs_nothing_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kinds = inside(&Needs::reading_everything(), |state| {
            if !state.starts_with("Landlock:") {
                return None;
            }
            assert_eq!(state, "Landlock: reads anything, writes no file, runs nothing, no TCP");
            assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"x");
            let kind = |error: std::io::Error| error.kind();
            Some([
                File::create(folder.path().join("new")).map(drop).map_err(kind),
                File::options().append(true).open(folder.path().join("file")).map(drop).map_err(kind),
                TcpStream::connect(address).map(drop).map_err(kind),
                std::process::Command::new("/bin/true").status().map(drop).map_err(kind),
            ])
        });
        let Some(kinds) = kinds else { return };
        assert_eq!(kinds, [Err(ErrorKind::PermissionDenied); 4]);
        assert_eq!(enter(&Needs::default(), true), "none (--no-sandbox)");
    }
}
