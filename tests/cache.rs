//! `--cache`: a record is the same with and without it, whatever became of the file, and of the cache.

#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod lab;

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use lab::cms::Signature;
use lab::pe::{Pe, sign};
use serde_json::Value;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// What every scan here is told: moment and roots of the fixtures, records for programs.
fn always() -> Vec<String> {
    let roots = ["root", "tsa-root"].map(|stem| testdata(&format!("pki/{stem}.pem")).display().to_string());
    let [root, stamps] = roots;
    ["--at", "2026-06-01T00:00:00Z", "--json", "--trust-store", &root, "--trust-store", &stamps]
        .map(str::to_owned)
        .into()
}

/// A folder of files, and a cache beside it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        Place { folder }
    }

    /// The usual files: signed, signed with another's signature, unsigned, and one that cannot be signed.
    fn usual() -> Place {
        let place = Place::new();
        for name in ["pe32.exe", "thief.exe", "unsigned-pe64.exe"] {
            fs::copy(testdata("fixtures").join(name), place.file(name)).unwrap();
        }
        fs::write(place.file("notes.txt"), "MZ is mentioned here").unwrap();
        place
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files().join(name)
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.args(always()).arg(self.files()).args(options).stdin(Stdio::null());
        command
    }

    fn without(&self, options: &[&str]) -> String {
        let output = self.command(options).output().unwrap();
        assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A scan with the cache whose records are those of one without it; what it said.
    fn told(&self, options: &[&str]) -> String {
        self.told_by(&mut self.command(&[options, &["--cache-settle", "0"]].concat()), &self.without(options))
    }

    fn told_by(&self, command: &mut Command, expected: &str) -> String {
        let output = command.arg("--cache").arg(self.cache()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), expected);
        said(&output)
    }

    /// The same, of files that lay still since they were written: what is written from now on has another time of change.
    fn told_later(&self, options: &[&str]) -> String {
        let said = self.told(options);
        std::thread::sleep(Duration::from_millis(50));
        said
    }

    /// What is said where the cache is not usable as it is.
    fn note(&self, why: &str) -> String {
        format!("sigscan: --cache {}: {why}\n", self.cache().display())
    }

    fn record(&self, name: &str) -> Value {
        let path = self.file(name).display().to_string();
        let lines = self.without(&[]);
        let mut records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.find(|record| record["path"] == path.as_str()).unwrap()
    }

    fn verdict(&self, name: &str) -> String {
        let record = self.record(name);
        format!("{}/{}", record["status"].as_str().unwrap(), record["reason"].as_str().unwrap())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn none_of(files: u32) -> String {
    format!("Cache: 0 of {files} files not read anew, {files} kept for the next time\n")
}

fn all_of(files: u32) -> String {
    format!("Cache: {files} of {files} files not read anew\n")
}

/// A signed file in which there is room for changes that no sample of a few octets shows.
fn large() -> Vec<u8> {
    let overlay: Vec<u8> = (0..100_000u32).map(|at| (at.wrapping_mul(at) % 251) as u8).collect();
    sign(&Pe { overlay, ..Pe::pe64() }.bytes(), &Signature::default())
}

/// Every fixture, in every way that changes what is computed over a file.
#[test]
fn a_record_is_the_same_with_and_without_a_cache() {
    let place = Place::new();
    for entry in fs::read_dir(testdata("fixtures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end != "json") {
            fs::copy(&path, place.file(path.file_name().unwrap().to_str().unwrap())).unwrap();
        }
    }
    let catalog = testdata("fixtures/catalog-v2.cat").display().to_string();
    let list = format!("wdac:{}", testdata("blocklists/policy.xml").display());
    let ways: [&[&str]; 7] = [
        &[],
        &["--hashes", "all"],
        &["--hashes", "none", "--no-findings"],
        &["--all"],
        &["--catalog", &catalog, "--listed"],
        &["--quiet", "--blocklist", &list],
        &["--policy", "kernel", "--jobs", "1"],
    ];
    let counts = |said: &str| {
        let numbers: Vec<u64> = said.split(|c: char| !c.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect();
        (numbers[0], numbers[1], numbers.get(2).copied())
    };
    let mut asked = Vec::new();
    for way in ways {
        let first = place.told(way);
        let second = place.told(way);
        if way.contains(&"--quiet") {
            assert_eq!((first.as_str(), second.as_str()), ("", ""));
            continue;
        }
        let (recalled, all, kept) = counts(&first);
        assert_eq!(recalled + kept.unwrap_or_default(), all, "{way:?}: {first}");
        assert_eq!(counts(&second), (all, all, None), "{way:?}: {second}");
        asked.push((recalled, all));
    }
    let files = fs::read_dir(place.files()).unwrap().count() as u64;
    let (_, all) = asked[0];
    assert!(all > 270 && all <= files, "{all} of {files}");
    assert_eq!(asked[0].0, 0);
    assert_eq!(asked[5], asked[0].max((all, all)), "a policy changes nothing that is read");
}

#[test]
fn the_second_scan_reads_nothing_anew() {
    let place = Place::usual();
    assert_eq!(place.told(&[]), none_of(4));
    assert_eq!(fs::metadata(place.cache()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(place.told(&[]), all_of(4));
    // A file that cannot be signed is asked for its times alone, unless it is to be reported.
    assert_eq!(place.told(&["--all"]), "Cache: 3 of 4 files not read anew, 1 kept for the next time\n");
    assert_eq!(place.told(&["--all"]), all_of(4));
    assert_eq!(place.told(&["--quiet"]), "");
}

#[test]
fn the_time_of_judgement_and_the_lists_are_those_of_the_scan() {
    let place = Place::usual();
    assert_eq!(place.told(&[]), none_of(4));
    let verdicts = |options: &[&str]| {
        let output = place.command(options).arg("--cache").arg(place.cache()).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let record: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        (
            said_last(&output.stderr),
            format!("{}/{}", record["status"].as_str().unwrap(), record["reason"].as_str().unwrap()),
        )
    };
    let signed = place.file("pe32.exe").display().to_string();
    assert_eq!(verdicts(&[]), (all_of(4), "Valid/ok".to_owned()));
    let listed = place.folder.path().join("list.txt");
    let thumbprint = place.record("pe32.exe")["signer"]["thumbprint_sha1"].as_str().unwrap().to_owned();
    fs::write(&listed, thumbprint).unwrap();
    let distrusted = verdicts(&["--disallowed", listed.to_str().unwrap()]);
    assert_eq!(distrusted, (all_of(4), "Untrusted/explicit-distrust".to_owned()), "{signed}");
}

fn said_last(stderr: &[u8]) -> String {
    String::from_utf8(stderr.to_vec()).unwrap()
}

#[test]
fn whatever_changes_a_file_is_noticed() {
    let place = Place::new();
    let (signed, steady) = (place.file("signed.exe"), place.file("steady.exe"));
    fs::write(&signed, large()).unwrap();
    fs::write(&steady, large()).unwrap();
    let one_anew = "Cache: 1 of 2 files not read anew, 1 kept for the next time\n";
    assert_eq!(place.told_later(&[]), none_of(2));
    assert_eq!((place.told_later(&[]), place.verdict("signed.exe")), (all_of(2), "Valid/ok".to_owned()));
    // Touched: another time, the same octets.
    let open = || File::options().write(true).open(&signed).unwrap();
    open().set_modified(SystemTime::now() - Duration::from_secs(9_000)).unwrap();
    assert_eq!((place.told_later(&[]), place.told_later(&[])), (one_anew.to_owned(), all_of(2)));
    // An octet far from both ends, and the time of modification as it was: only the time of change tells.
    let modified = fs::metadata(&signed).unwrap().modified().unwrap();
    let file = open();
    file.write_all_at(&[0xff], 60_000).unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    assert_eq!(fs::metadata(&signed).unwrap().modified().unwrap(), modified);
    assert_eq!(
        (place.told_later(&[]), place.verdict("signed.exe")),
        (one_anew.to_owned(), "Invalid/bad-digest".to_owned())
    );
    assert_eq!(place.told_later(&[]), all_of(2));
    // Longer, shorter, and another file under the name.
    let length = fs::metadata(&signed).unwrap().len();
    open().write_all_at(&[0; 16], length).unwrap();
    assert_eq!((place.told_later(&[]), place.told_later(&[])), (one_anew.to_owned(), all_of(2)));
    open().set_len(length - 20_000).unwrap();
    assert_eq!(place.verdict("signed.exe"), "Invalid/malformed");
    assert_eq!((place.told_later(&[]), place.told_later(&[])), (one_anew.to_owned(), all_of(2)));
    fs::write(place.file("new"), large()).unwrap();
    fs::rename(place.file("new"), &signed).unwrap();
    assert_eq!((place.told_later(&[]), place.verdict("signed.exe")), (one_anew.to_owned(), "Valid/ok".to_owned()));
    // A file that could not be signed and can be now.
    fs::write(&signed, "text").unwrap();
    assert_eq!((place.told_later(&[]), place.told_later(&[])), (one_anew.to_owned(), all_of(2)));
    fs::write(&signed, large()).unwrap();
    assert_eq!((place.told_later(&[]), place.verdict("signed.exe")), (one_anew.to_owned(), "Valid/ok".to_owned()));
    // Permissions and names change the time, and nothing else.
    fs::set_permissions(&steady, Permissions::from_mode(0o640)).unwrap();
    assert_eq!((place.told_later(&[]), place.told_later(&[])), (one_anew.to_owned(), all_of(2)));
}

#[test]
fn other_options_ask_other_questions() {
    let place = Place::usual();
    assert_eq!(place.told(&[]), none_of(4));
    let three = "Cache: 1 of 4 files not read anew, 3 kept for the next time\n";
    assert_eq!(place.told(&["--hashes", "all"]), three);
    assert_eq!(place.told(&["--hashes", "all"]), all_of(4));
    assert_eq!(place.told(&[]), all_of(4));
    // Unsigned files have nothing to be read for then.
    assert_eq!(place.told(&["--hashes", "none"]), "Cache: 1 of 3 files not read anew, 2 kept for the next time\n");
    assert_eq!(place.told(&["--hashes", "none"]), all_of(3));
}

#[test]
fn hard_links_are_one_file() {
    let place = Place::new();
    fs::write(place.file("a.exe"), large()).unwrap();
    fs::hard_link(place.file("a.exe"), place.file("b.exe")).unwrap();
    assert_eq!(place.told_later(&["--jobs", "1"]), "Cache: 1 of 2 files not read anew, 1 kept for the next time\n");
    assert_eq!(place.told_later(&[]), all_of(2));
    File::options().write(true).open(place.file("b.exe")).unwrap().write_all_at(&[0xff], 60_000).unwrap();
    assert_eq!(place.told(&["--jobs", "1"]), "Cache: 1 of 2 files not read anew, 1 kept for the next time\n");
    assert_eq!(place.verdict("a.exe"), "Invalid/bad-digest");
}

#[test]
fn a_file_that_changed_lately_is_read_and_not_kept() {
    let place = Place::usual();
    let waiting = |settle: &[&str]| place.told_by(&mut place.command(settle), &place.without(&[]));
    let nothing = "Cache: 0 of 4 files not read anew, 0 kept for the next time\n";
    assert_eq!(waiting(&[]), nothing);
    assert_eq!(waiting(&["--cache-settle", "3600"]), nothing);
    // From the future.
    let file = File::options().write(true).open(place.file("pe32.exe")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(86_400)).unwrap();
    assert_eq!(place.told(&[]), "Cache: 0 of 4 files not read anew, 3 kept for the next time\n");
    assert_eq!(place.told(&[]), "Cache: 3 of 4 files not read anew, 0 kept for the next time\n");
}

#[test]
fn a_cache_that_cannot_be_used_costs_nothing_but_a_note() {
    let place = Place::usual();
    let refused = |why: &str| assert_eq!(place.told(&[]), place.note(&format!("{why}; nothing is kept")));
    let cache = place.cache();
    fs::create_dir(&cache).unwrap();
    refused("it is a folder");
    fs::remove_dir(&cache).unwrap();
    symlink(place.folder.path().join("elsewhere"), &cache).unwrap();
    refused("it is a symbolic link");
    assert!(!place.folder.path().join("elsewhere").exists());
    fs::remove_file(&cache).unwrap();
    assert!(Command::new("mkfifo").arg(&cache).status().unwrap().success());
    refused("it is not a regular file");
    fs::remove_file(&cache).unwrap();
    for text in ["notes about something else\n".repeat(100), "x".to_owned(), "MZ".repeat(5000)] {
        fs::write(&cache, &text).unwrap();
        refused("it is no cache of sigscan's, and is left as it is");
        assert_eq!(fs::read_to_string(&cache).unwrap(), text);
    }
    fs::remove_file(&cache).unwrap();
    assert_eq!(place.told(&[]), none_of(4));
    for mode in [0o620, 0o602, 0o666] {
        fs::set_permissions(&cache, Permissions::from_mode(mode)).unwrap();
        refused(&format!("others may write it (mode {mode:o})"));
    }
    fs::set_permissions(&cache, Permissions::from_mode(0o000)).unwrap();
    match File::open(&cache) {
        Ok(_) => assert_eq!(place.told(&[]), all_of(4)), // the superuser
        Err(error) => refused(&error.to_string()),
    }
    fs::set_permissions(&cache, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.told(&[]), all_of(4));
    if chown(&cache, Some(65_534), None).is_ok() {
        refused("it belongs to another user");
    }
    fs::remove_file(&cache).unwrap();
    fs::remove_dir_all(place.folder.path().join("nowhere")).unwrap_err();
    let output = place.command(&["--cache", "/nonexistent/cache"]).output().unwrap();
    let expected = "sigscan: --cache /nonexistent/cache: No such file or directory (os error 2); nothing is kept\n";
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), expected));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), place.without(&[]));
}

/// Every octet is flipped in the tests of the cache itself; here a few, for what a user sees.
#[test]
fn a_damaged_cache_is_made_anew() {
    let place = Place::usual();
    assert_eq!(place.told(&[]), none_of(4));
    let whole = fs::read(place.cache()).unwrap();
    let anew = place.note("it is damaged: it is made anew") + &none_of(4);
    for at in [16, 20, 511, 512, 530, 1023, 1024, 1030, 1100, 1500, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(place.cache(), damaged).unwrap();
        assert_eq!(place.told(&[]), anew, "{at}");
        assert_eq!(place.told(&[]), all_of(4), "{at}");
    }
    for length in [16, 512, 1023, 1024, 1100, whole.len() - 1] {
        fs::write(place.cache(), &whole[..length]).unwrap();
        assert_eq!(place.told(&[]), anew, "{length}");
    }
    fs::write(place.cache(), b"").unwrap();
    assert_eq!(place.told(&[]), none_of(4));
    // What an interrupted run left behind.
    let mut file = File::options().append(true).open(place.cache()).unwrap();
    file.write_all(&[0x55; 5000]).unwrap();
    assert_eq!(place.told(&[]), all_of(4));
    // Of a version that this one does not know.
    let mut other = whole.clone();
    let header = other[..504].to_vec();
    other[20] ^= 1;
    let seal = sigscan::crypto::digest(sigscan::crypto::DigestAlgorithm::Sha256, &other[..504]).unwrap();
    other[504..512].copy_from_slice(&seal.as_bytes()[..8]);
    assert_ne!(other[..504], header);
    fs::write(place.cache(), other).unwrap();
    assert_eq!(place.told(&[]), place.note("it is from another version of sigscan: it is made anew") + &none_of(4));
    assert_eq!(place.told(&[]), all_of(4));
}

#[test]
fn one_scan_at_a_time_uses_a_cache() {
    let place = Place::usual();
    assert_eq!(place.told(&[]), none_of(4));
    let (held, _) = sigscan::cache::Cache::open(&place.cache(), || 0, 0).unwrap();
    let before = fs::read(place.cache()).unwrap();
    assert_eq!(place.told(&[]), place.note("another process is using it; nothing is kept"));
    assert_eq!(fs::read(place.cache()).unwrap(), before);
    drop(held);
    assert_eq!(place.told(&[]), all_of(4));
    // Many at once: each has its records, and whoever comes second does without.
    let expected = place.without(&[]);
    let start = || {
        place
            .command(&["--cache-settle", "0"])
            .arg("--cache")
            .arg(place.cache())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..6).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap()),
            (Some(0), expected.clone())
        );
        let busy = place.note("another process is using it; nothing is kept");
        assert!([busy, all_of(4)].contains(&said(&output)), "{}", said(&output));
    }
    assert_eq!(place.told(&[]), all_of(4));
}

/// A stream of events keeps a process alive as long as a test likes.
#[test]
fn a_kill_loses_only_what_was_not_committed() {
    let place = Place::new();
    for name in ["a.exe", "b.exe", "c.exe"] {
        fs::write(place.file(name), large()).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.arg("enrich").args(always().into_iter().filter(|word| word != "--json"));
    command.arg("--path-map").arg(format!("C:\\={}", place.files().display()));
    command.arg("--cache").arg(place.cache()).args(["--cache-settle", "0"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut events, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(answers).lines();
    let mut judged = |name: &str| {
        writeln!(events, r#"{{"EventID":7,"EventData":{{"ImageLoaded":"C:\\{name}"}}}}"#).unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["sigscan"]["status"], "Valid", "{answer}");
    };
    judged("a.exe");
    std::thread::sleep(Duration::from_millis(2100));
    judged("b.exe"); // comes late enough to be written, with what came before it
    judged("c.exe");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.told(&[]), "Cache: 2 of 3 files not read anew, 1 kept for the next time\n");
    assert_eq!(place.told(&[]), all_of(3));
}

/// A limit on the size of files stands for a disk that is full.
#[test]
fn a_full_disk_costs_the_cache_and_no_record() {
    let place = Place::usual();
    let expected = place.without(&[]);
    let limited = |blocks: &str, empty: bool| {
        if empty {
            let _ = fs::remove_file(place.cache());
        }
        let mut command = Command::new("bash");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_sigscan")]);
        command.args(always()).arg(place.files()).args(["--cache-settle", "0"]).stdin(Stdio::null());
        place.told_by(&mut command, &expected)
    };
    // No room for anything.
    assert_eq!(limited("0", true), place.note("File too large (os error 27); nothing is kept"));
    // Room for an empty cache: blocks have 1,024 octets.
    let kept = "Cache: 0 of 4 files not read anew, 4 kept for the next time\n".to_owned();
    let full = place.note("File too large (os error 27); not everything is kept");
    assert_eq!(limited("1", true), kept + &full);
    assert_eq!(fs::metadata(place.cache()).unwrap().len(), 1024);
    assert_eq!(place.told(&[]), none_of(4));
    // What was there before is there still.
    let length = fs::metadata(place.cache()).unwrap().len();
    assert!(length < 2048);
    fs::write(place.file("one-more.exe"), large()).unwrap();
    let expected = place.without(&[]);
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_sigscan")]);
    command.args(always()).arg(place.files()).args(["--cache-settle", "0"]).stdin(Stdio::null());
    let told = place.told_by(&mut command, &expected);
    assert_eq!(told, "Cache: 4 of 5 files not read anew, 1 kept for the next time\n".to_owned() + &full);
    assert_eq!(place.told(&[]), "Cache: 4 of 5 files not read anew, 1 kept for the next time\n");
}

#[test]
fn every_command_that_judges_files_has_a_cache() {
    let place = Place::usual();
    let files = place.files().display().to_string();
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.args(words).args(always().into_iter().filter(|word| word != "--json"));
        command.arg("--cache").arg(place.cache()).args(["--cache-settle", "0"]).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        said(&output).lines().rfind(|line| line.starts_with("Cache: ")).map(|line| format!("{line}\n"))
    };
    let build = ["baseline", "build", &files];
    assert_eq!((run(&build), run(&build)), (Some(none_of(4)), Some(all_of(4))));
    assert_eq!(run(&["hunt", &files, "--json"]), Some(all_of(4)));
    // People see fewer digests.
    let unsigned_unread = Some("Cache: 1 of 3 files not read anew, 2 kept for the next time\n".to_owned());
    assert_eq!((run(&[&files]), run(&[&files])), (unsigned_unread, Some(all_of(3))));
    assert_eq!(run(&["fetch", "--dry-run", &files]), Some(all_of(3)));
    let events = place.folder.path().join("events.jsonl");
    fs::write(&events, "{\"EventID\":7,\"EventData\":{\"ImageLoaded\":\"C:\\\\thief.exe\",\"Signed\":\"true\"}}\n")
        .unwrap();
    let map = format!("C:\\={files}");
    assert_eq!(
        run(&["events", events.to_str().unwrap(), "--path-map", &map]),
        Some("Cache: 1 of 1 file not read anew\n".to_owned())
    );
}
