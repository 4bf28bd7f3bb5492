//! The world moves while it is scanned: files change, go away and cannot be read, and processes are told to stop. Nothing
//! of that is silent, nothing of it becomes a verdict, and nothing of it touches another file's record.

#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "program/mod.rs"]
mod program;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use program::{scanner, testdata};
use serde_json::Value;
use sigscan::container::{MemorySource, Source};
use sigscan::{HashMode, Options, Scanner, Time};

const AT: &str = "2026-06-01T00:00:00Z";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(testdata().join("fixtures").join(name)).unwrap()
}

fn sigscan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sigscan")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Runs the program from a shell that first does something to itself.
fn after(first: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{first}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_sigscan")]);
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Status and reason by path.
fn verdicts(output: &Output) -> BTreeMap<String, String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records = records.filter(|record| record["schema"] == "sigscan.record/1");
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    records.map(|it| (word(&it["path"]), format!("{}/{}", word(&it["status"]), word(&it["reason"])))).collect()
}

/// A disk that fails, or a file that ends early, at one of its reads.
struct Failing<'a> {
    whole: MemorySource<'a>,
    /// Reads that still succeed.
    left: AtomicUsize,
    /// What the others give: an error, or nothing.
    error: Option<io::ErrorKind>,
}

impl Source for Failing<'_> {
    fn len(&self) -> u64 {
        self.whole.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return self.whole.read_at(buffer, offset);
        }
        self.error.map_or(Ok(0), |kind| Err(kind.into()))
    }
}

#[test]
fn a_read_that_fails_is_an_error_whichever_it_is() {
    let slow = scanner(&["root", "tsa-root"], AT, &[]);
    let judges = [slow, {
        let options = Options { hashes: HashMode::All, ..Options::at(Time::parse_rfc3339(AT).unwrap()) };
        Scanner::with_trust(options, program::trusting(&["root", "tsa-root"]))
    }];
    for name in ["pe32.exe", "unsigned-pe32.exe", "nested-broken.exe", "catalog-v2.cat"] {
        let octets = match fs::read(testdata().join("fixtures").join(name)) {
            Ok(octets) => octets,
            Err(_) => panic!("no fixture {name}"),
        };
        for judge in &judges {
            let counter = Failing { whole: MemorySource(&octets), left: AtomicUsize::new(usize::MAX), error: None };
            let sound = judge.scan_source(name, &counter);
            let reads = usize::MAX - counter.left.load(Ordering::Relaxed);
            assert!(reads >= 2, "{name}: {reads}");
            for good in 0..reads {
                let failing = |error| Failing { whole: MemorySource(&octets), left: AtomicUsize::new(good), error };
                let record = judge.scan_source(name, &failing(Some(io::ErrorKind::Other)));
                assert_eq!((record.status.name(), record.reason.code()), ("Error", "io"), "{name}: read {good}");
                // A file that ends where it had more is not what it was; where only what is told beside the verdict was
                // missed, the verdict stands.
                let record = judge.scan_source(name, &failing(None));
                let verdict = (record.status.name(), record.reason.code());
                let stands = verdict == (sound.status.name(), sound.reason.code());
                assert!(stands || verdict == ("Error", "changed-while-reading"), "{name}: read {good}: {verdict:?}");
            }
        }
    }
}

#[test]
fn a_folder_that_changes_all_the_time_gives_whole_records_and_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (signed, unsigned) = (fixture("pe32.exe"), fixture("unsigned-pe32.exe"));
    let steady = folder.path().join("steady");
    fs::create_dir(&steady).unwrap();
    for number in 0..40 {
        fs::write(steady.join(format!("{number:02}.exe")), &signed).unwrap();
    }
    let moving = folder.path().join("moving");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0usize;
            while !stop.load(Ordering::Relaxed) {
                let below = moving.join(format!("d{}", round % 5));
                let _ = fs::create_dir_all(&below);
                let file = below.join(format!("f{}.exe", round % 7));
                match round % 6 {
                    0 => drop(fs::write(&file, &signed)),
                    1 => drop(fs::write(&file, &unsigned)),
                    2 => drop(
                        fs::OpenOptions::new()
                            .append(true)
                            .open(&file)
                            .map(|mut it| io::Write::write(&mut it, &signed)),
                    ),
                    3 => drop(fs::OpenOptions::new().write(true).open(&file).map(|it| it.set_len(700))),
                    4 => drop(fs::rename(&file, below.join("g.exe"))),
                    _ => drop(fs::remove_dir_all(&below)),
                }
                round += 1;
            }
        });
        for _ in 0..15 {
            let output = sigscan(&[folder.path().to_str().unwrap(), "--json", "--quiet", "--at", AT]);
            assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
            let found = verdicts(&output);
            let calm = found.iter().filter(|(path, _)| path.contains("/steady/"));
            assert_eq!(
                calm.map(|(_, verdict)| verdict.as_str()).collect::<Vec<_>>(),
                ["Untrusted/chain-incomplete"; 40]
            );
            for (path, verdict) in &found {
                let known = [
                    "Untrusted/chain-incomplete",
                    "Unsigned/no-signature",
                    "Invalid/malformed",
                    "Invalid/bad-digest",
                    "Error/not-found",
                    "Error/changed-while-reading",
                    "Error/io",
                ];
                assert!(known.contains(&verdict.as_str()), "{path}: {verdict}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn names_of_every_kind_are_scanned_or_named_as_errors() {
    let folder = tempfile::tempdir().unwrap();
    let signed = fixture("pe32.exe");
    let longest = "n".repeat(251) + ".exe";
    fs::write(folder.path().join(&longest), &signed).unwrap();
    let odd = PathBuf::from(std::ffi::OsStr::from_bytes(b"\xff\xfe\x80.exe"));
    fs::write(folder.path().join(&odd), &signed).unwrap();
    fs::write(folder.path().join("a\nb\x1b[2J.exe"), &signed).unwrap();
    // Deeper than the system takes in one name: two folders of half the depth, one moved into the other.
    let half = || (0..12).map(|_| "d".repeat(200)).collect::<PathBuf>();
    let (upper, lower) = (folder.path().join("u").join(half()), folder.path().join("l").join(half()));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(&lower).unwrap();
    fs::rename(folder.path().join("l"), upper.join("l")).unwrap();
    let output = sigscan(&[folder.path().to_str().unwrap(), "--json", "--at", AT]);
    assert_eq!(output.status.code(), Some(0));
    let found = verdicts(&output);
    assert_eq!(found.values().filter(|verdict| *verdict == "Untrusted/chain-incomplete").count(), 3, "{found:?}");
    let (path, verdict) = found.iter().find(|(path, _)| path.contains("ddd")).unwrap();
    assert!(verdict == "Error/io" && path.len() > 4000, "{verdict}");
    assert_eq!(found.len(), 4);
}

#[test]
fn loops_of_links_end() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.exe"), fixture("pe32.exe")).unwrap();
    symlink(folder.path(), folder.path().join("self")).unwrap();
    symlink("two", folder.path().join("one")).unwrap();
    symlink("one", folder.path().join("two")).unwrap();
    for (option, links) in [("--quiet", "3"), ("--follow", "1")] {
        let output = sigscan(&[folder.path().to_str().unwrap(), "--json", "--at", AT, option]);
        assert_eq!(output.status.code(), Some(0));
        let found = verdicts(&output);
        let good = found.values().filter(|verdict| *verdict == "Untrusted/chain-incomplete").count();
        assert_eq!(good, 1, "{option} {links}: {found:?}");
        let followed = found.values().filter(|verdict| verdict.starts_with("Error/")).count();
        assert_eq!(followed, if option == "--follow" { 2 } else { 0 }, "{found:?}");
    }
}

#[test]
fn files_of_the_kernel_end_the_scan_like_any_other() {
    let own = format!("/proc/{}", std::process::id());
    if !Path::new(&own).exists() {
        return; // no such system here
    }
    for folder in [own.as_str(), "/dev"] {
        let start = Instant::now();
        let output = sigscan(&[folder, "--json", "--quiet", "--no-correlate"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(start.elapsed() < Duration::from_secs(60), "{folder}: {:?}", start.elapsed());
        assert!(verdicts(&output).values().all(|verdict| !verdict.starts_with("Valid")));
    }
}

#[test]
fn a_disk_that_is_full_is_a_failure_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = testdata().join("fixtures");
    let scan = [fixtures.to_str().unwrap(), "--include", "p*.exe", "--at", AT, "--quiet", "--json"];
    if Path::new("/dev/full").exists() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sigscan")).args(scan).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(said(&output), "sigscan: writing the output: No space left on device (os error 28)\n");
    }
    // A limit of the file's size stands for a full disk: 4 blocks of 512 octets.
    let path = folder.path().join("records.jsonl");
    let output = after("trap '' XFSZ; ulimit -f 4", &[&scan[..6], &["--output", path.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(said(&output), "sigscan: writing the output: File too large (os error 27)\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "neither half a file nor a temporary one");
}

#[test]
fn without_descriptors_files_are_errors_and_the_rest_is_judged() {
    let fixtures = testdata().join("fixtures");
    let scan = [fixtures.to_str().unwrap(), "--include", "p*.exe", "--at", AT, "--quiet", "--json", "--jobs", "2"];
    let whole = verdicts(&sigscan(&scan));
    for limit in [4, 5, 6, 7, 8, 12] {
        let output = after(&format!("ulimit -n {limit}"), &scan);
        let found = verdicts(&output);
        match output.status.code() {
            Some(0) => {
                let other = |path: &String, verdict: &String| whole.get(path) != Some(verdict) && verdict != "Error/io";
                assert!(!found.iter().any(|(path, verdict)| other(path, verdict)), "{limit}: {found:?}");
                let root = |path: &String| path == fixtures.to_str().unwrap();
                assert!(found.len() == whole.len() || found.keys().any(root), "{limit}: {}", found.len());
            }
            code => assert!(code == Some(2) && !said(&output).is_empty() && found.is_empty(), "{limit}: {code:?}"),
        }
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_scan_that_is_told_to_stop_says_what_it_has_and_what_it_has_not() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.exe"), fixture("pe32.exe")).unwrap();
    // Takes minutes to hash, and is left in the middle.
    let endless = fs::File::create(folder.path().join("b.exe")).unwrap();
    endless.set_len(1 << 40).unwrap();
    io::Write::write_all(&mut &endless, &fixture("unsigned-pe32.exe")).unwrap();
    // Whoever runs these tests to outlive a terminal has every program in them outlive it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("1").trim();
    let hangup = Some("HUP").filter(|_| u64::from_str_radix(ignored, 16).unwrap() & 1 == 0);
    let signals = [Some("INT"), Some("TERM"), hangup, Some("HUP TERM")];
    for (name, code) in signals.into_iter().zip([130, 143, 129, 143]).filter_map(|(name, code)| Some((name?, code))) {
        let mut command = Command::new("sh");
        // As nohup starts it: what follows then is the next signal's.
        let trap = if name == "HUP TERM" { "trap '' HUP; " } else { "" };
        let script = format!("{trap}exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_sigscan")]);
        command.args([folder.path().to_str().unwrap(), "--json", "--at", AT, "--jobs", "1"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = io::BufReader::new(child.stdout.take().unwrap());
        io::BufRead::read_line(&mut output, &mut line).unwrap();
        assert!(line.contains("\"status\":\"Untrusted\""), "{line}");
        name.split(' ').for_each(|name| signal(&child, name));
        let start = Instant::now();
        io::Read::read_to_string(&mut output, &mut line).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(start.elapsed() < Duration::from_secs(20), "{name}: {:?}", start.elapsed());
        assert_eq!((ended.status.code(), ended.status.signal()), (Some(code), None), "{name}");
        let told = said(&ended);
        assert!(told.ends_with("Interrupted: the scan is not complete. 1 file was found and not judged.\n"), "{told}");
        assert_eq!(line.lines().filter(|line| line.contains("sigscan.record/1")).count(), 1, "{line}");
    }
}

/// That a run was held to this, and whether it was: an older kernel, or another system, holds less and says so.
fn held(told: &str, to: &str) -> bool {
    let known = format!("Sandbox: Landlock: {to}");
    assert!(told == known || told.starts_with("Sandbox: none (") || told.contains("old kernel"), "{told}");
    told == known
}

#[test]
fn what_a_scan_does_not_need_it_gives_up_and_still_does_all_that_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("a.exe"), fixture("pe32.exe")).unwrap();
    symlink(outside.join("a.exe"), inside.join("link.exe")).unwrap();
    let (path, link) = (inside.to_str().unwrap(), inside.join("link.exe"));
    let state = |arguments: &[&str]| {
        let output = sigscan(&[arguments, &["--json", "--at", AT, "--verbose"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let said = said(&output);
        (said.lines().next().unwrap().to_owned(), verdicts(&output).into_values().collect::<Vec<_>>())
    };
    let one = ["Untrusted/chain-incomplete".to_owned()];
    let (told, found) = state(&[path, "--follow"]);
    held(&told, "reads anything, writes no file, runs nothing, no TCP");
    assert_eq!(found, one);
    let (told, found) = state(&[link.to_str().unwrap()]);
    held(&told, "reads only what was named, writes no file, runs nothing, no TCP");
    assert_eq!(found, one);
    let cache = folder.path().join("cache");
    let (told, found) = state(&[path, "--follow", "--online", "--online-cache", cache.to_str().unwrap()]);
    held(&told, "reads anything, writes only where it was told to, runs nothing, network allowed");
    assert_eq!(found, one);
    let (told, found) = state(&[path, "--follow", "--no-sandbox"]);
    assert_eq!((told.as_str(), found.as_slice()), ("Sandbox: none (--no-sandbox)", &one[..]));
    // What is written is written.
    let records = outside.join("records.jsonl");
    let output =
        sigscan(&[outside.to_str().unwrap(), "--include", "a.exe", "--at", AT, "--output", records.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(fs::read_to_string(&records).unwrap().contains("chain-incomplete"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(["-", "--json", "--at", AT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    io::Write::write_all(&mut child.stdin.take().unwrap(), &fixture("pe32.exe")).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(verdicts(&output).into_values().collect::<Vec<_>>(), one);
}

/// A program of 1 GiB that takes no room on the disk and seconds to read.
fn vast(path: &Path) {
    let file = fs::File::create(path).unwrap();
    file.set_len(1 << 30).unwrap();
    io::Write::write_all(&mut &file, &fixture("unsigned-pe32.exe")).unwrap();
}

/// Waits until a process has a file open.
fn opened(child: &Child, path: &Path) {
    let start = Instant::now();
    let folder = format!("/proc/{}/fd", child.id());
    let is_open = || {
        let links = fs::read_dir(&folder).into_iter().flatten().flatten().map(|item| fs::read_link(item.path()));
        links.into_iter().any(|link| link.is_ok_and(|link| link == path))
    };
    while !is_open() {
        assert!(start.elapsed() < Duration::from_secs(60), "it was never opened, or read too fast");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What becomes of a vast file to which something is done while it is read.
#[cfg(target_os = "linux")]
fn while_it_is_read(act: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("vast.exe");
    vast(&path);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.arg(&path).args(["--json", "--quiet", "--at", AT]).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    opened(&child, &path);
    act(&path);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    verdicts(&output).into_values().next().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_truncated_while_it_is_read_has_changed() {
    let shorter = |path: &Path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1 << 20).unwrap();
    assert_eq!(while_it_is_read(shorter), "Error/changed-while-reading");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_grows_while_it_is_read_has_changed() {
    let longer = |path: &Path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(2 << 30).unwrap();
    assert_eq!(while_it_is_read(longer), "Error/changed-while-reading");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_is_rewritten_while_it_is_read_has_changed() {
    let same_length = |path: &Path| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"other", 1 << 20).unwrap();
    };
    assert_eq!(while_it_is_read(same_length), "Error/changed-while-reading");
}

/// The name may point to something else, or to nothing, or be closed to others: what was opened is what is judged.
#[test]
#[cfg(target_os = "linux")]
fn a_file_whose_name_is_replaced_deleted_or_closed_while_it_is_read_is_judged_as_it_was_opened() {
    let replaced = |path: &Path| {
        let other = path.with_file_name("other");
        fs::write(&other, fixture("pe32.exe")).unwrap();
        fs::rename(&other, path).unwrap();
    };
    assert_eq!(while_it_is_read(replaced), "Unsigned/no-signature");
    assert_eq!(while_it_is_read(|path| fs::remove_file(path).unwrap()), "Unsigned/no-signature");
    let closed = |path: &Path| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    };
    assert_eq!(while_it_is_read(closed), "Unsigned/no-signature");
}

/// A walk that is 512 results ahead of the slowest file waits, and what vanishes until it goes on is told.
#[test]
#[cfg(target_os = "linux")]
fn what_vanishes_before_its_turn_is_an_error_and_the_walk_is_never_far_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let (first, gone) = (root.join("a"), root.join("z"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&gone).unwrap();
    fs::write(gone.join("a.exe"), fixture("pe32.exe")).unwrap();
    vast(&first.join("0.exe"));
    let small = |number: usize| first.join(format!("f{number:03}.exe"));
    for number in 0..700 {
        fs::write(small(number), fixture("unsigned-pe32.exe")).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.arg(&root).args(["--json", "--quiet", "--at", AT, "--jobs", "2"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    opened(&child, &first.join("0.exe"));
    fs::remove_dir_all(&gone).unwrap();
    fs::remove_file(small(650)).unwrap();
    fs::remove_file(small(651)).unwrap();
    assert!(Command::new("mkfifo").arg(small(651)).status().unwrap().success());
    fs::remove_file(small(652)).unwrap();
    fs::create_dir(small(652)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let found = verdicts(&output);
    let verdict = |path: &Path| found.get(path.to_str().unwrap()).map(String::as_str);
    assert_eq!(verdict(&first.join("0.exe")), Some("Unsigned/no-signature"));
    assert_eq!(verdict(&small(650)), Some("Error/not-found"));
    assert_eq!(verdict(&small(651)), Some("Error/io"));
    assert_eq!(verdict(&small(652)), Some("Error/io"));
    assert_eq!(verdict(&gone), Some("Error/not-found"));
    assert_eq!(found.len(), 702, "everything that was met is told");
}

#[test]
fn sockets_and_pipes_are_counted_and_named_ones_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, pipe) = (folder.path().join("s.exe"), folder.path().join("p.exe"));
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = sigscan(&[folder.path().to_str().unwrap(), "--json", "--at", AT]);
    assert_eq!((output.status.code(), verdicts(&output).len()), (Some(0), 0));
    let output = sigscan(&[folder.path().to_str().unwrap(), "--at", AT]);
    let told = String::from_utf8(output.stdout.clone()).unwrap() + &said(&output);
    assert!(told.contains("Not judged: 2 special files"), "{told}");
    for path in [&socket, &pipe, &PathBuf::from("/dev/null")] {
        let output = sigscan(&[path.to_str().unwrap(), "--json", "--quiet", "--at", AT]);
        assert_eq!(verdicts(&output).into_values().collect::<Vec<_>>(), ["Error/io"], "{path:?}");
    }
}

/// Mounts of a folder into itself, where the system lets a test do that without being root.
#[test]
#[cfg(target_os = "linux")]
fn a_folder_that_is_mounted_into_itself_is_walked_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("in/loop")).unwrap();
    fs::write(root.join("a.exe"), fixture("pe32.exe")).unwrap();
    let script = "mount --bind \"$1\" \"$1/in/loop\" && mount --rbind \"$1\" \"$1/in/loop/in/loop\" \
                  && exec \"$0\" \"$1\" --json --at 2026-06-01T00:00:00Z";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_sigscan")]);
    let Ok(output) = command.arg(&root).stdin(Stdio::null()).output() else { return };
    if output.status.code() != Some(0) && output.stdout.is_empty() {
        return println!("this system does not let a test mount: {}", said(&output));
    }
    let found = verdicts(&output);
    let seen = ["a.exe", "in/loop/a.exe", "in/loop/in/loop/a.exe"].map(|name| root.join(name));
    for path in &seen {
        assert_eq!(
            found.get(path.to_str().unwrap()).map(String::as_str),
            Some("Untrusted/chain-incomplete"),
            "{path:?}"
        );
    }
    assert!(found.len() >= 3 && found.len() < 10, "{found:?}");
}

/// An event that names a file of this machine, which no option speaks of.
fn load_of(path: &Path) -> String {
    let data =
        serde_json::json!({ "ImageLoaded": path, "Signed": "true", "Signature": "x", "SignatureStatus": "Expired" });
    serde_json::json!({ "EventID": 7, "Provider": "Microsoft-Windows-Sysmon", "EventData": data }).to_string()
}

#[test]
fn events_lead_to_no_file_that_nobody_named() {
    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("root"), folder.path().join("out"));
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(&outside).unwrap();
    let secret = outside.join("thief.exe");
    fs::write(&secret, fixture("thief.exe")).unwrap();
    fs::write(root.join("thief.exe"), fixture("thief.exe")).unwrap();
    let log = folder.path().join("log.jsonl");
    let below = load_of(Path::new(r"C:\thief.exe"));
    fs::write(&log, format!("{}\n{below}\n", load_of(&secret))).unwrap();
    let evidence = |more: &[&str]| {
        let named = [log.to_str().unwrap(), "--root", root.to_str().unwrap(), "--at", AT, "--verbose"];
        let output = sigscan(&[&["events"], &named[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let detections = String::from_utf8(output.stdout.clone()).unwrap();
        let found = detections.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found: Vec<Value> = found.map(|found| found["evidence"]["file"].clone()).collect();
        (said(&output).lines().next().unwrap().to_owned(), found)
    };
    let (told, found) = evidence(&["--no-sandbox"]);
    assert_eq!(
        (told.as_str(), found),
        ("Sandbox: none (--no-sandbox)", vec!["unconfirmed".into(), "unconfirmed".into()])
    );
    let (told, found) = evidence(&[]);
    if held(&told, "reads only what was named, writes no file, runs nothing, no TCP") {
        assert_eq!(found, ["not-judged", "unconfirmed"]);
    }
    // Records of an earlier scan are named, too.
    let records = folder.path().join("records.jsonl");
    let scan = sigscan(&[secret.to_str().unwrap(), "--at", AT, "--output", records.to_str().unwrap()]);
    assert_eq!(scan.status.code(), Some(0), "{}", said(&scan));
    let (_, found) = evidence(&["--records", records.to_str().unwrap()]);
    assert_eq!(found, ["unconfirmed", "unconfirmed"]);
}

#[test]
fn enrich_reads_what_events_name_and_correlate_what_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (file, log, input) =
        (folder.path().join("thief.exe"), folder.path().join("log"), folder.path().join("events.jsonl"));
    fs::write(&file, fixture("thief.exe")).unwrap();
    fs::write(&input, load_of(&file)).unwrap();
    let enriched = |more: &[&str]| {
        let named = ["enrich", input.to_str().unwrap(), "--at", AT, "--verbose", "--log-file", log.to_str().unwrap()];
        let output = sigscan(&[&named, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(line["sigscan"]["reason"], "bad-digest");
        said(&output)
    };
    let first = enriched(&[]);
    held(first.lines().next().unwrap(), "reads anything, writes no file, runs nothing, no TCP");
    let second = enriched(&["--no-sandbox"]);
    assert!(
        second.starts_with("Sandbox: none (--no-sandbox)\nsigscan: 1 of 1 lines enriched; 1 Invalid; "),
        "{second}"
    );
    assert_eq!(fs::read_to_string(&log).unwrap(), first + &second);

    let records = folder.path().join("records.jsonl");
    let scan = sigscan(&[file.to_str().unwrap(), "--at", AT, "--output", records.to_str().unwrap()]);
    assert_eq!(scan.status.code(), Some(0), "{}", said(&scan));
    let correlated = |more: &[&str]| {
        let output = sigscan(&[&["correlate", records.to_str().unwrap(), "--verbose"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(String::from_utf8(output.stdout.clone()).unwrap().lines().count(), 1);
        said(&output)
    };
    held(correlated(&[]).trim_end(), "reads only what was named, writes no file, runs nothing, no TCP");
    assert_eq!(correlated(&["--no-sandbox"]), "Sandbox: none (--no-sandbox)\n");
}
