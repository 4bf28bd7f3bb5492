//! Files out of reach, known from records of earlier scans: whose record counts, and what counts instead of none.

use serde_json::{Value, json};

use super::{out, record, testdata};

/// A folder with records: of a fixture, as if it had lain under this path on this machine.
struct Known {
    folder: tempfile::TempDir,
}

impl Known {
    fn new(entries: &[(&str, &str, Option<&str>)]) -> Known {
        let lines = entries.iter().map(|(fixture, path, host)| {
            let mut record = record(fixture);
            record["path"] = json!(path);
            if let Some(host) = host {
                record["host"] = json!(host);
            }
            format!("{record}\n")
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("records.jsonl"), lines.collect::<String>()).unwrap();
        std::fs::create_dir(folder.path().join("gone")).unwrap();
        Known { folder }
    }

    /// Status, reason and message of each of these lines, whose drive C is an empty folder.
    fn said(&self, arguments: &[&str], lines: &[String]) -> Vec<String> {
        let (records, map) = (self.folder.path().join("records.jsonl"), self.map());
        let common = ["--compact", "--path-map", &map, "--records", records.to_str().unwrap()];
        said(&[&common, arguments].concat(), lines)
    }

    fn map(&self) -> String {
        format!(r"C:\={}", self.folder.path().join("gone").display())
    }
}

fn said(arguments: &[&str], lines: &[String]) -> Vec<String> {
    let output = String::from_utf8(out(arguments, (lines.join("\n") + "\n").as_bytes())).unwrap();
    let told = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let said = &event["sigscan"];
        let words = [&said["status"], &said["reason"], &said["error"]["message"]];
        words.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join(" ")
    };
    output.lines().map(told).collect()
}

fn started(name: &str, host: Option<&str>) -> String {
    let mut event = json!({ "EventID": 4688, "EventData": { "NewProcessName": name } });
    if let Some(host) = host {
        event["Computer"] = json!(host);
    }
    event.to_string()
}

const MISSING: &str = "Error not-found there is no such file below the mapped folder";

/// Two machines have different files under one path; the order of their records decides nothing.
#[test]
fn a_record_of_one_machine_says_nothing_of_another_s_file() {
    let (a, b) = (("pe32.exe", r"C:\tool.exe", Some("A")), ("thief.exe", r"C:\tool.exe", Some("B")));
    let hosts = [Some("a"), Some("B.corp.example"), Some("C"), None];
    let lines = hosts.map(|host| started(r"C:\TOOL.exe", host));
    let others = format!("{MISSING}; records of this path are of other machines");
    let differ = format!("{MISSING}; records of this path are of files that differ");
    for entries in [[a, b], [b, a]] {
        let wanted = ["Valid ok", "Invalid bad-digest", &others, &differ];
        assert_eq!(Known::new(&entries).said(&[], &lines), wanted);
    }
    let one = Known::new(&[a]);
    assert_eq!(one.said(&[], &lines), ["Valid ok", &others, &others, "Valid ok"]);
    // Whoever writes events without a machine's name says once which one it is.
    assert_eq!(one.said(&["--host", "b"], &lines), ["Valid ok", &others, &others, &others]);
    // A digest says which file it is wherever it lies.
    let digest = record("pe32.exe")["hashes"]["sha256"].as_str().unwrap().to_owned();
    let event = json!({ "Computer": "B", "ImageLoaded": r"C:\tool.exe", "Hashes": format!("SHA256={digest}") });
    assert_eq!(one.said(&[], &[event.to_string()]), ["Valid ok"]);
    let unreadable = json!({ "Computer": ["A"], "Image": r"C:\tool.exe" });
    assert_eq!(one.said(&[], &[unreadable.to_string()]), [others]);
}

#[test]
fn records_that_name_no_machine_and_differ_answer_nothing() {
    let (one, other) = (("pe32.exe", r"C:\tool.exe", None), ("thief.exe", r"C:\tool.exe", None));
    let lines = [started(r"C:\tool.exe", Some("B")), started(r"C:\tool.exe", None)];
    assert_eq!(Known::new(&[one, one]).said(&[], &lines), ["Valid ok", "Valid ok"]);
    let differ = format!("{MISSING}; records of this path are of files that differ");
    for entries in [[one, other], [other, one]] {
        assert_eq!(Known::new(&entries).said(&[], &lines), [differ.as_str(), &differ]);
    }
}

/// Rows of a search are of many machines.
#[test]
fn rows_of_a_table_are_answered_for_their_own_machine() {
    let known = Known::new(&[("pe32.exe", r"C:\tool.exe", Some("A")), ("thief.exe", r"C:\tool.exe", Some("B"))]);
    let (records, map) = (known.folder.path().join("records.jsonl"), known.map());
    let arguments = ["--protocol", "splunk-lookup", "--path-map", &map, "--records", records.to_str().unwrap()];
    for column in ["host", "dest", "ComputerName"] {
        let input = format!("path,{column},status,reason\nC:\\tool.exe,a,,\nC:\\tool.exe,B,,\nC:\\tool.exe,,,\n");
        let wanted = format!(
            "path,{column},status,reason\nC:\\tool.exe,a,Valid,ok\nC:\\tool.exe,B,Invalid,bad-digest\n\
             C:\\tool.exe,,Error,not-found\n"
        );
        assert_eq!(String::from_utf8(out(&arguments, input.as_bytes())).unwrap(), wanted);
    }
}

/// A scan of a mounted image knows its files by their names below the mount.
#[cfg(unix)]
#[test]
fn records_of_a_mounted_image_are_found_when_it_is_no_longer_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let mount = folder.path().join("mnt");
    let path = |name: &str| mount.join(name).display().to_string();
    let (file, own) = (path("Temp/a.exe"), path("own.exe"));
    let known =
        Known::new(&[("pe32.exe", &file, None), ("pe32.exe", &own, Some("A")), ("thief.exe", r"C:\b.exe", None)]);
    let maps = [format!(r"C:\={}/", mount.display()), format!(r"\Device\HarddiskVolume*\={}", mount.display())];
    let records = known.folder.path().join("records.jsonl");
    let arguments =
        ["--compact", "--path-map", &maps[0], "--path-map", &maps[1], "--records", records.to_str().unwrap()];
    let lines = [
        started(r"c:\TEMP\a.exe", Some("B")),
        started(r"\Device\HarddiskVolume3\Temp\A.EXE", None),
        started(r"C:\own.exe", Some("A")),
        started(r"C:\own.exe", Some("B")),
        started(r"C:\b.exe", None),
        started(r"D:\Temp\a.exe", None),
    ];
    let wanted = [
        "Valid ok",
        "Valid ok",
        "Valid ok",
        &format!("{MISSING}; records of this path are of other machines"),
        "Invalid bad-digest",
        "Error not-found no --path-map says where this path is",
    ];
    assert_eq!(said(&arguments, &lines), wanted);
}

/// What happened to be judged before is no answer to what is asked next.
#[test]
fn answers_depend_on_no_other_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(testdata("fixtures/pe32.exe"), folder.path().join("a.exe")).unwrap();
    let map = format!(r"C:\={}", folder.path().display());
    let digest = record("pe32.exe")["hashes"]["sha256"].as_str().unwrap().to_owned();
    let here = started(r"C:\a.exe", None);
    let gone = json!({ "ImageLoaded": r"C:\gone.exe", "Hashes": format!("SHA256={digest}") }).to_string();
    let lines = [gone.clone(), here.clone(), gone.clone(), here, gone];
    for jobs in ["1", "4"] {
        let wanted = [MISSING, "Valid ok", MISSING, "Valid ok", MISSING];
        assert_eq!(said(&["--compact", "--jobs", jobs, "--path-map", &map], &lines), wanted);
    }
}

/// A digest that nobody can read does not mean whatever lies under the name today.
#[test]
fn a_digest_that_cannot_be_read_leads_to_no_verdict() {
    let digest = record("pe32.exe")["hashes"]["sha256"].as_str().unwrap().to_owned();
    let md5 = "0123456789abcdef0123456789abcdef";
    let map = super::mapped();
    let unread = "Error not-found the digest that the event states cannot be read";
    let changed = "Error not-found the file of this name has another MD5 now than the event states";
    let cases = [
        (json!(format!("sha256:{digest}")), "Valid ok"),
        (json!(format!("SHA256 = {digest}")), "Valid ok"),
        (json!(format!("MD5={md5}|SHA256={digest}")), "Valid ok"),
        (json!(format!("MD5={md5}")), changed),
        (json!(format!("IMPHASH={md5}")), "Valid ok"),
        (json!(null), "Valid ok"),
        (json!("-"), "Valid ok"),
        (json!("deadbeef"), unread),
        (json!("sha256:12…"), unread),
        (json!(format!("SHA256=12,MD5={md5}")), unread),
        (json!([digest]), unread),
        (json!(7), unread),
    ];
    let lines: Vec<String> = cases
        .iter()
        .map(|(hashes, _)| json!({ "ImageLoaded": r"C:\pe32.exe", "Hashes": hashes }).to_string())
        .collect();
    let wanted: Vec<&str> = cases.iter().map(|(_, wanted)| *wanted).collect();
    assert_eq!(said(&["--compact", "--path-map", &map], &lines), wanted);
    let input = "path,sha256,status,error\nC:\\pe32.exe,deadbeef,,\n,deadbeef,,\n";
    let output = out(&["--protocol", "splunk-lookup", "--path-map", &map], input.as_bytes());
    let row = "C:\\pe32.exe,deadbeef,Error,the digest that the event states cannot be read\n,deadbeef,,\n";
    assert_eq!(String::from_utf8(output).unwrap(), format!("path,sha256,status,error\n{row}"));
}

/// A folder that is not there holds nothing, and whoever mistyped it would hear that of every file.
#[test]
fn a_mapped_folder_that_is_not_there_is_refused_unless_records_know_what_was_in_it() {
    let child = super::start(&["--path-map", r"C:\=/no/such/folder"]);
    let output = child.wait_with_output().unwrap();
    let why = "sigscan: --path-map /no/such/folder: no folder\n";
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(2), why));
}
