//! Spools that were cut off, damaged or forgotten.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::segment::{list, path};
use super::spool::Spool;

/// What a spool still holds, and how many segments could not be read to their ends.
fn waiting(folder: &Path) -> (Vec<String>, u64) {
    let spool = Spool::open(folder).unwrap();
    let mut reader = spool.reader();
    let mut lines = Vec::new();
    for _ in 0..1000 {
        let Some(batch) = reader.batch(2, 1 << 20).unwrap() else {
            if reader.ahead() == 0 {
                break;
            }
            continue;
        };
        assert!((1..=2).contains(&batch.entries.len()));
        lines.extend(batch.entries.into_iter().map(|entry| String::from_utf8(entry.line).unwrap()));
    }
    (lines, reader.damaged)
}

fn write(folder: &Path, lines: &[&str]) {
    let spool = Spool::open(folder).unwrap();
    let mut writer = spool.writer("jsonl", Some("pc1"));
    for line in lines {
        writer.append(1, line.as_bytes()).unwrap();
    }
}

fn only_segment(folder: &Path) -> PathBuf {
    let bases = list(folder).unwrap();
    assert_eq!(bases.len(), 1);
    path(folder, bases[0])
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn what_is_not_acknowledged_is_there_in_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(waiting(folder.path()), (vec![], 0));
    write(folder.path(), &["a", "b", "c"]);
    write(folder.path(), &["d"]);
    assert_eq!(waiting(folder.path()), (owned(&["a", "b", "c", "d"]), 0));
    let spool = Spool::open(folder.path()).unwrap();
    let mut reader = spool.reader();
    reader.acknowledge(2).unwrap();
    drop(spool);
    assert_eq!(waiting(folder.path()), (owned(&["c", "d"]), 0));
    let spool = Spool::open(folder.path()).unwrap();
    let mut reader = spool.reader();
    reader.acknowledge(3).unwrap();
    assert_eq!(list(folder.path()).unwrap(), [3]);
    reader.acknowledge(4).unwrap();
    reader.close().unwrap();
    assert_eq!(list(folder.path()).unwrap(), Vec::<u64>::new());
    assert_eq!(spool.state().octets.load(Ordering::Acquire), 0);
    drop(spool);
    write(folder.path(), &["e"]);
    assert_eq!(list(folder.path()).unwrap(), [4]);
    assert_eq!(waiting(folder.path()), (owned(&["e"]), 0));
}

#[test]
fn a_segment_cut_off_anywhere_keeps_its_whole_entries_and_takes_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["first", "second"]);
    let segment = only_segment(folder.path());
    let whole = fs::read(&segment).unwrap();
    let header = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    let (one, two) = (header + 16 + 5, header + 16 + 5 + 16 + 6);
    assert_eq!(two, whole.len());
    for cut in 0..=whole.len() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path(), 0), &whole[..cut]).unwrap();
        write(folder.path(), &["new"]);
        let mut expected = owned(&["first", "second"]);
        expected.truncate(if cut < one {
            0
        } else if cut < two {
            1
        } else {
            2
        });
        expected.push("new".to_owned());
        assert_eq!(waiting(folder.path()), (expected, 0), "{cut}");
    }
}

#[test]
fn a_changed_octet_hides_what_follows_it_in_its_segment_and_no_more_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["first", "second"]);
    write(folder.path(), &["third"]);
    let segment = path(folder.path(), 0);
    let whole = fs::read(&segment).unwrap();
    let header = whole.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    for at in header..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        fs::write(&segment, &changed).unwrap();
        let expected = if at < header + 21 { owned(&["third"]) } else { owned(&["first", "third"]) };
        assert_eq!(waiting(folder.path()), (expected, 1), "{at}");
        assert_eq!(fs::read(segment.with_extension("damaged")).unwrap(), changed);
    }
}

#[test]
fn an_acknowledgement_that_cannot_be_read_sends_again() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["a", "b"]);
    let spool = Spool::open(folder.path()).unwrap();
    spool.reader().acknowledge(1).unwrap();
    drop(spool);
    assert_eq!(waiting(folder.path()).0, owned(&["b"]));
    for text in ["", "1", "1 00000000\n", "2 83dcefb7\n", "-1 83dcefb7\n"] {
        fs::write(folder.path().join("acknowledged"), text).unwrap();
        assert_eq!(waiting(folder.path()).0, owned(&["a", "b"]), "{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_emptied_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["a", "b"]);
    write(folder.path(), &["c"]);
    // Whoever writes there is told that no space is left.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("acknowledged.new")).unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let mut reader = spool.reader();
    reader.acknowledge(1).unwrap();
    assert_eq!(list(folder.path()).unwrap(), [0, 2]);
    reader.acknowledge(2).unwrap();
    assert_eq!(list(folder.path()).unwrap(), [2]);
    drop(spool);
    assert_eq!(waiting(folder.path()), (owned(&["c"]), 0));
    let spool = Spool::open(folder.path()).unwrap();
    let mut reader = spool.reader();
    reader.acknowledge(3).unwrap();
    assert!(!folder.path().join("acknowledged").exists());
    fs::remove_file(folder.path().join("acknowledged.new")).unwrap();
    reader.close().unwrap();
    assert_eq!(list(folder.path()).unwrap(), Vec::<u64>::new());
    assert!(fs::read_to_string(folder.path().join("acknowledged")).unwrap().starts_with("3 "));
}

#[cfg(unix)]
#[test]
fn a_spool_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("spool");
    write(&folder, &["a"]);
    let spool = Spool::open(&folder).unwrap();
    let mut reader = spool.reader();
    let batch = reader.batch(1, 1).unwrap().unwrap();
    reader.reject(&batch.entries[0]).unwrap();
    reader.acknowledge(1).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut modes: Vec<(String, u32)> =
        names.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), mode(&path))).collect();
    modes.sort();
    let segment = only_segment(&folder).file_name().unwrap().to_str().unwrap().to_owned();
    let mut expected =
        ["acknowledged", "lock", "rejected.lines", segment.as_str()].map(|name| (name.to_owned(), 0o600));
    expected.sort();
    assert_eq!((mode(&folder), modes), (0o700, expected.to_vec()));
}

#[test]
fn one_process_at_a_time_uses_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    assert_eq!(Spool::open(folder.path()).unwrap_err().to_string(), "another sigscan uses it");
    drop(spool);
    assert!(Spool::open(folder.path()).is_ok());
}

#[test]
fn kinds_are_not_mixed_and_the_acknowledgement_of_more_than_there_is_counts_on() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &["a"]);
    let spool = Spool::open(folder.path()).unwrap();
    spool.writer("leef", None).append(1, b"b").unwrap();
    let mut reader = spool.reader();
    let formats = [reader.batch(10, 10).unwrap().unwrap(), reader.batch(10, 10).unwrap().unwrap()];
    assert_eq!(
        formats.map(|batch| (batch.header.format, batch.end)),
        [("jsonl".to_owned(), 1), ("leef".to_owned(), 2)]
    );
    reader.acknowledge(9).unwrap(); // as if a power failure had taken seven
    drop(spool);
    write(folder.path(), &["c"]);
    assert_eq!(waiting(folder.path()), (owned(&["c"]), 0));
}
