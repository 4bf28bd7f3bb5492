//! Where a file that an event names lies on this machine.
//!
//! Events name files as Windows does: `C:\Windows\x.dll`, `\Device\HarddiskVolume3\Windows\x.dll`,
//! `\??\C:\Windows\x.dll`, `\SystemRoot\x.dll`. Rules say where which of them is mounted. Names are compared without
//! case, as NTFS does, and `..` is resolved before a rule is looked for, so that it never leads out of a mount.
//!
//! Sources: Microsoft, "Naming Files, Paths, and Namespaces"; "Introduction to MS-DOS Device Names" (`\??\`).

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::fold::folded;

/// Folders whose names are remembered; a Windows installation has about a hundred thousand, events name few of them.
const MAX_FOLDERS: usize = 4096;
/// Names of one folder that are remembered; larger folders are read each time.
const MAX_NAMES: usize = 65_536;

/// A rule could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRule(String);

impl std::fmt::Display for BadRule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for BadRule {}

/// One rule: what begins with these components lies below this folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    from: Vec<String>,
    to: PathBuf,
}

impl PathRule {
    /// The folder that it leads to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.to
    }
}

impl std::str::FromStr for PathRule {
    type Err = BadRule;

    /// `PREFIX=FOLDER`, such as `C:\=/mnt/c`, `\Device\HarddiskVolume3\=/mnt/c` or, for every volume,
    /// `\Device\HarddiskVolume*\=/mnt/c`.
    fn from_str(text: &str) -> Result<PathRule, BadRule> {
        let Some((from, to)) = text.split_once('=').filter(|(from, to)| !from.is_empty() && !to.is_empty()) else {
            return Err(BadRule(r"PREFIX=FOLDER, such as C:\=/mnt/c".to_owned()));
        };
        let components = Named::parse(from).map(|named| named.components);
        let Some(from) = components else {
            return Err(BadRule(format!(r"{from}: no prefix such as C:\ or \Device\HarddiskVolume3\")));
        };
        Ok(PathRule { from, to: PathBuf::from(to) })
    }
}

/// Why a name leads to no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// The name is no absolute path.
    NotAbsolute,
    /// No rule says where it is mounted.
    NotMapped,
    /// There is no such file.
    Missing,
    /// Several files differ from the name and from each other only in case.
    Ambiguous,
    /// A link leads out of the mount.
    Outside,
    /// There is a name, and it is no text.
    Unreadable,
    /// There is a digest, and it cannot be read.
    Digest,
}

impl Unresolved {
    /// A sentence for a person.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Unresolved::NotAbsolute => "the event names no absolute path",
            Unresolved::NotMapped => "no --path-map says where this path is",
            Unresolved::Missing => "there is no such file below the mapped folder",
            Unresolved::Ambiguous => "several files of this name differ only in case",
            Unresolved::Outside => "a link leads out of the mapped folder",
            Unresolved::Unreadable => "the event's file name cannot be read",
            Unresolved::Digest => "the digest that the event states cannot be read",
        }
    }
}

/// Rules, and what has been learnt of folders.
#[derive(Debug, Default)]
pub struct PathMap {
    rules: Vec<PathRule>,
    folders: Mutex<HashMap<PathBuf, Folder>>,
}

/// The names in a folder as they were when it was last changed.
#[derive(Debug)]
struct Folder {
    modified: Option<SystemTime>,
    names: HashMap<String, Match>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Match {
    One(OsString),
    Several,
}

impl PathMap {
    /// A map by these rules; the longest prefix that fits counts.
    #[must_use]
    pub fn new(mut rules: Vec<PathRule>) -> PathMap {
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.from.len()));
        PathMap { rules, folders: Mutex::default() }
    }

    /// Whether there are rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The file that an event names, as it is called on this machine.
    ///
    /// # Errors
    /// Why there is none.
    pub fn resolve(&self, name: &str) -> Result<PathBuf, Unresolved> {
        let named = Named::parse(name).ok_or(Unresolved::NotAbsolute)?;
        let fitting = self.rules.iter().find_map(|rule| Some((rule, strip(&named.components, &rule.from)?)));
        let Some((rule, below)) = fitting else {
            // This machine's own names need no rule.
            let own = Path::new(name).is_absolute() && (cfg!(windows) || !named.windows);
            return if own { exists(PathBuf::from(name)) } else { Err(Unresolved::NotMapped) };
        };
        let found = self.below(&rule.to, below)?;
        inside(&rule.to, &found)?;
        Ok(found)
    }

    /// What a scan of the mounted folder calls the file that an event names, whether it is there or not; `None` where no rule
    /// says where it would be.
    #[must_use]
    pub fn mapped(&self, name: &str) -> Option<PathBuf> {
        let named = Named::parse(name)?;
        let fitting = self.rules.iter().find_map(|rule| Some((rule, strip(&named.components, &rule.from)?)));
        let (rule, below) = fitting?;
        Some(below.iter().fold(rule.to.components().collect(), |path: PathBuf, component| path.join(component)))
    }

    /// Walks down from a folder, each name as it stands, else without regard to case.
    fn below(&self, mount: &Path, components: &[String]) -> Result<PathBuf, Unresolved> {
        // Joined one by one: exactly one separator, and nothing in a component can start anew at the root.
        let exact = components.iter().fold(mount.to_path_buf(), |path, component| path.join(component));
        if fs::symlink_metadata(&exact).is_ok() {
            return Ok(exact);
        }
        let mut path = mount.to_path_buf();
        for component in components {
            let next = path.join(component);
            path = if fs::symlink_metadata(&next).is_ok() { next } else { path.join(self.entry(&path, component)?) };
        }
        Ok(path)
    }

    /// The entry of a folder that is called so, case aside.
    fn entry(&self, folder: &Path, name: &str) -> Result<OsString, Unresolved> {
        let metadata = fs::metadata(folder).map_err(|_| Unresolved::Missing)?;
        let modified = metadata.modified().ok();
        let wanted = folded(name);
        let pick = |names: &HashMap<String, Match>| match names.get(&wanted) {
            None => Err(Unresolved::Missing),
            Some(Match::Several) => Err(Unresolved::Ambiguous),
            Some(Match::One(name)) => Ok(name.clone()),
        };
        // Whatever failed while it held the lock, what it left are names that were read.
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(folder).filter(|known| modified.is_some() && known.modified == modified) {
            return pick(&known.names);
        }
        let names = names_in(folder).map_err(|_| Unresolved::Missing)?;
        let picked = pick(&names);
        if folders.len() >= MAX_FOLDERS {
            folders.clear();
        }
        if names.len() <= MAX_NAMES {
            folders.insert(folder.to_path_buf(), Folder { modified, names });
        }
        picked
    }
}

fn names_in(folder: &Path) -> io::Result<HashMap<String, Match>> {
    let mut names = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(text) = name.to_str() else { continue };
        names
            .entry(folded(text))
            .and_modify(|found| *found = Match::Several)
            .or_insert_with(|| Match::One(name.clone()));
    }
    Ok(names)
}

fn exists(path: PathBuf) -> Result<PathBuf, Unresolved> {
    if fs::symlink_metadata(&path).is_ok() { Ok(path) } else { Err(Unresolved::Missing) }
}

/// Links within a mount may lead anywhere within it. Only names with links are looked at twice.
fn inside(mount: &Path, found: &Path) -> Result<(), Unresolved> {
    let real = found.canonicalize().map_err(|_| Unresolved::Missing)?;
    let root = mount.canonicalize().map_err(|_| Unresolved::Missing)?;
    if real.starts_with(&root) { Ok(()) } else { Err(Unresolved::Outside) }
}

/// What is left of `path` behind `prefix`, if it begins so. In the name of a device `*` stands for any digits.
fn strip<'p>(path: &'p [String], prefix: &[String]) -> Option<&'p [String]> {
    let head = path.get(..prefix.len())?;
    let same = |(component, wanted): (&String, &String)| {
        folded(component) == folded(wanted)
            || wanted.strip_suffix('*').is_some_and(|stem| {
                let digits = component.get(stem.len()..).unwrap_or_default();
                let alike = component.get(..stem.len()).is_some_and(|start| folded(start) == folded(stem));
                alike && !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
            })
    };
    head.iter().zip(prefix).all(same).then(|| path.get(prefix.len()..).unwrap_or_default())
}

/// An absolute path in components, the first of which says what it is relative to: `C:`, `\Device`, `\\server`
/// or `/`.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    components: Vec<String>,
    windows: bool,
}

impl Named {
    fn parse(name: &str) -> Option<Named> {
        if name.contains('\0') {
            return None;
        }
        if name.starts_with('/') {
            return Some(Named { components: normal("/".to_owned(), name.split('/')), windows: false });
        }
        let starts = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let rest = |prefix: &str| name.get(prefix.len()..).unwrap_or_default();
        for prefix in [r"\??\", r"\\?\", r"\\.\", r"\DosDevices\", r"\GLOBAL??\"] {
            if starts(prefix) {
                let rest = rest(prefix);
                let share = rest.get(..4).filter(|start| start.eq_ignore_ascii_case(r"UNC\"));
                return match share {
                    Some(_) => Named::share(rest.get(4..)?),
                    None => Named::drive(rest),
                };
            }
        }
        // Where Windows lies is a convention; `--path-map \SystemRoot\=...` says it where it is not kept.
        for prefix in [r"\SystemRoot\", r"%SystemRoot%\", r"%windir%\"] {
            if starts(prefix) {
                return Some(Named::system_root(rest(prefix)));
            }
        }
        if starts(r"\Device\") {
            let mut parts = rest(r"\Device\").split(['\\', '/']);
            let device = parts.next().filter(|device| !device.is_empty() && *device != "." && *device != "..")?;
            let mut components = normal(device.to_owned(), parts);
            components.insert(0, r"\Device".to_owned());
            return Some(Named { components, windows: true });
        }
        if let Some(share) = name.strip_prefix(r"\\") {
            return Named::share(share);
        }
        Named::drive(name)
    }

    fn system_root(rest: &str) -> Named {
        let parts = std::iter::once("Windows").chain(rest.split(['\\', '/']));
        Named { components: normal("C:".to_owned(), parts), windows: true }
    }

    fn drive(name: &str) -> Option<Named> {
        let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
        let rest = name.get(1..)?.strip_prefix(':')?;
        // `C:x` is relative to wherever somebody was on that drive.
        if !rest.is_empty() && !rest.starts_with(['\\', '/']) {
            return None;
        }
        let components = normal(format!("{}:", letter.to_ascii_uppercase()), rest.split(['\\', '/']));
        Some(Named { components, windows: true })
    }

    fn share(rest: &str) -> Option<Named> {
        let mut parts = rest.split(['\\', '/']);
        let server = parts.next().filter(|server| !server.is_empty() && *server != "." && *server != "..")?;
        // The share belongs to the root: `..` stops there.
        let share = parts.next().filter(|share| !share.is_empty() && *share != "." && *share != "..");
        let Some(share) = share else { return Some(Named { components: vec![format!(r"\\{server}")], windows: true }) };
        let mut components = normal(share.to_owned(), parts);
        components.insert(0, format!(r"\\{server}"));
        Some(Named { components, windows: true })
    }
}

/// The components without `.`, empty ones and `..`, which stops at the root as on Windows.
fn normal<'n>(root: String, parts: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut components = vec![root];
    for part in parts {
        match part {
            "" | "." => {}
            ".." if components.len() > 1 => drop(components.pop()),
            ".." => {}
            name => components.push(name.to_owned()),
        }
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    fn components(name: &str) -> Option<Vec<String>> {
        Named::parse(name).map(|named| named.components)
    }

    #[test]
    fn names_of_windows_become_components() {
        let cases: &[(&str, &[&str])] = &[
            (r"C:\Windows\x.dll", &["C:", "Windows", "x.dll"]),
            (r"c:/Windows//x.dll", &["C:", "Windows", "x.dll"]),
            (r"\??\C:\x", &["C:", "x"]),
            (r"\\?\C:\x", &["C:", "x"]),
            (r"\DosDevices\d:\x", &["D:", "x"]),
            (r"\SystemRoot\System32\x.sys", &["C:", "Windows", "System32", "x.sys"]),
            (r"%systemroot%\x", &["C:", "Windows", "x"]),
            (r"\SystemRoot\..\x", &["C:", "x"]),
            (r"\Device\HarddiskVolume3\x", &[r"\Device", "HarddiskVolume3", "x"]),
            (r"\Device\HarddiskVolume3\..\..\x", &[r"\Device", "HarddiskVolume3", "x"]),
            (r"\\server\share\..\x", &[r"\\server", "share", "x"]),
            (r"\\?\UNC\server\share\x", &[r"\\server", "share", "x"]),
            (r"C:\a\..\..\..\b\.\c", &["C:", "b", "c"]),
            ("/usr/../../etc/x", &["/", "etc", "x"]),
        ];
        for (name, wanted) in cases {
            assert_eq!(components(name).unwrap(), *wanted, "{name}");
        }
        for name in ["", "x.dll", r"Windows\x", "C:x", "1:\\x", "C:\\a\0b", r"\Device\..\x", r"\\?\x", r"\x"] {
            assert_eq!(components(name), None, "{name:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_become_those_of_a_scan_of_the_mount_without_a_look_at_it() {
        let rules = [r"C:\=/no/mount/", r"\Device\HarddiskVolume*\=./image"];
        let map = PathMap::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
        let mapped = |name: &str| map.mapped(name).map(|path| path.display().to_string());
        assert_eq!(mapped(r"c:\..\Windows\x.dll").as_deref(), Some("/no/mount/Windows/x.dll"));
        assert_eq!(mapped(r"\Device\HarddiskVolume3\x").as_deref(), Some("./image/x"));
        assert_eq!((mapped(r"D:\x"), mapped("x"), mapped("/no/mount/x")), (None, None, None));
    }

    #[cfg(unix)]
    #[test]
    fn names_lead_to_files_below_the_mount_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let mount = root.join("c");
        fs::create_dir_all(mount.join("Windows/System32")).unwrap();
        for name in ["c/Windows/System32/Driver.SYS", "c/Windows/a", "c/Windows/A", "outside"] {
            fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(root.join("outside"), mount.join("link")).unwrap();
        std::os::unix::fs::symlink(mount.join("Windows/a"), mount.join("inner")).unwrap();
        for slash in ["", "/"] {
            let rules =
                [format!(r"C:\={}{slash}", mount.display()), format!(r"\Device\HarddiskVolume*\={}", mount.display())];
            let map = PathMap::new(rules.iter().map(|rule| rule.parse().unwrap()).collect());
            let driver = mount.join("Windows/System32/Driver.SYS");
            for name in [
                r"C:\WINDOWS\system32\driver.sys",
                r"\SystemRoot\System32\Driver.SYS",
                r"\Device\HarddiskVolume12\windows\SYSTEM32\driver.sys",
                r"\??\c:\..\..\windows\system32\driver.sys",
            ] {
                assert_eq!(map.resolve(name), Ok(driver.clone()), "{name}");
                assert_eq!(map.resolve(name), Ok(driver.clone()), "{name} again");
            }
            assert_eq!(map.resolve(r"C:\Windows\A"), Ok(mount.join("Windows/A")));
            assert_eq!(map.resolve(r"C:\WINDOWS\a"), Ok(mount.join("Windows/a")));
            assert_eq!(map.resolve(r"C:\inner"), Ok(mount.join("inner")));
            for (name, why) in [
                (r"C:\link", Unresolved::Outside),
                (r"C:\..\outside", Unresolved::Missing),
                (r"D:\x", Unresolved::NotMapped),
                (r"\Device\HarddiskVolume\Windows\a", Unresolved::NotMapped),
                (r"\Device\HarddiskVolume1x\Windows\a", Unresolved::NotMapped),
                (r"C:\Windows\b", Unresolved::Missing),
                ("driver.sys", Unresolved::NotAbsolute),
            ] {
                assert_eq!(map.resolve(name), Err(why), "{name}");
            }
        }
        fs::write(mount.join("Windows/System32/aa"), "").unwrap();
        fs::write(mount.join("Windows/System32/aA"), "").unwrap();
        let map = PathMap::new(vec![format!(r"C:\={}", mount.display()).parse().unwrap()]);
        assert_eq!(map.resolve(r"C:\Windows\System32\AA"), Err(Unresolved::Ambiguous));
        assert_eq!(PathMap::default().resolve(r"C:\Windows\a"), Err(Unresolved::NotMapped));
        // What NTFS keeps apart from a letter is no case of it.
        fs::write(mount.join("Windows/System32/\u{212a}ernel32.dll"), "").unwrap();
        fs::write(mount.join("Windows/System32/u\u{17f}er32.dll"), "").unwrap();
        let map = PathMap::new(vec![format!(r"C:\={}", mount.display()).parse().unwrap()]);
        for name in ["kernel32.dll", "KERNEL32.DLL", "user32.dll", "USER32.DLL"] {
            assert_eq!(map.resolve(&format!(r"C:\Windows\System32\{name}")), Err(Unresolved::Missing), "{name}");
        }
        let kelvin = mount.join("Windows/System32/\u{212a}ernel32.dll");
        assert_eq!(map.resolve("C:\\windows\\SYSTEM32\\\u{212a}ERNEL32.DLL"), Ok(kelvin));
        let own = mount.join("Windows/a");
        assert_eq!(PathMap::default().resolve(own.to_str().unwrap()), Ok(own));
    }

    #[test]
    fn rules_that_say_nothing_are_refused() {
        for rule in ["", "=", r"C:\", r"C:\=", "=/mnt", "Windows=/mnt"] {
            assert!(rule.parse::<PathRule>().is_err(), "{rule}");
        }
    }
}
