//! Events joined with the files that they name: whose word counts, and what is said of the other.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha1::Digest;

use super::{detections, events, root};

/// The system drive of a machine, with the files of the four scenarios that leave a PE, and others.
pub struct Drive {
    folder: tempfile::TempDir,
}

const FILES: [(&str, &str); 9] = [
    ("Users/alice/AppData/Local/Temp/test_signed.exe", "scenarios/t1036.001-test-1/test_signed.exe"),
    ("Users/alice/AppData/Local/Temp/source.exe", "scenarios/t1036.001-test-2/source.exe"),
    ("Users/alice/AppData/Local/Temp/copied.exe", "scenarios/t1036.001-test-2/copied.exe"),
    ("Users/alice/AppData/Local/Temp/expired.exe", "scenarios/t1036.001-test-3/expired.exe"),
    ("Users/alice/AppData/Local/Temp/df00tech-test.exe", "scenarios/t1553.002-test-1/df00tech-test.exe"),
    ("Windows/System32/drivers/Driver.SYS", "scenarios/hooksigntool/driver.sys"),
    ("Tools/plain.exe", "scenarios/sigthief/host.exe"),
    ("Tools/revocable.exe", "fixtures/revocable.exe"),
    ("Tools/built-before.exe", "scenarios/expired/built-before.exe"),
];
const TEMP: &str = r"C:\Users\alice\AppData\Local\Temp";

impl Drive {
    pub fn new() -> Drive {
        Drive::with(&FILES)
    }

    /// A drive with these files, and the test data that they are.
    pub fn with(files: &[(&str, &str)]) -> Drive {
        let folder = tempfile::tempdir().unwrap();
        for (place, file) in files {
            let place = folder.path().join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(root("testdata").join(file), place).unwrap();
        }
        Drive { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is found in these events, with the files below this drive.
    pub fn found(&self, lines: &[Value], arguments: &[&str]) -> (Vec<Value>, String) {
        let log = tempfile::NamedTempFile::new().unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(log.path(), text).unwrap();
        let drive = self.folder.path().to_str().unwrap();
        let mut words = vec![log.path().to_str().unwrap(), "--root", drive];
        let roots = ["pki/root.pem", "pki/tsa-root.pem"].map(|name| root("testdata").join(name));
        roots.iter().for_each(|root| words.extend(["--trust-store", root.to_str().unwrap()]));
        if !arguments.contains(&"--at") {
            words.extend(["--at", "2026-06-01"]);
        }
        words.extend(arguments);
        let output = events(&words);
        let summary = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{summary}");
        (detections(&output), summary)
    }
}

pub fn hash(path: &str) -> [String; 3] {
    let bytes = fs::read(root("testdata").join(path)).unwrap();
    let text = |digest: &[u8]| digest.iter().map(|octet| format!("{octet:02X}")).collect::<String>();
    [
        format!("SHA256={}", text(&sha2::Sha256::digest(&bytes))),
        format!("SHA1={}", text(&sha1::Sha1::digest(&bytes))),
        format!("MD5={}", text(&md5::Md5::digest(&bytes))),
    ]
}

pub fn load(path: &str, hashes: &str, words: [&str; 3]) -> Value {
    let [signed, signature, status] = words;
    json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 7, "Hostname": "WS01", "Image": r"C:\Windows\rundll32.exe",
        "UtcTime": "2026-05-04 03:02:03.123", "ImageLoaded": path, "Hashes": hashes, "Signed": signed,
        "Signature": signature, "SignatureStatus": status })
}

pub const UNAVAILABLE: [&str; 3] = ["false", "-", "Unavailable"];

/// Who says what of the signature, in one line.
fn told(found: &Value) -> String {
    let (state, evidence) = (&found["signature"], &found["evidence"]);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!(
        "{} {} {} {}/{} {} {}{}",
        text(&found["severity"]),
        text(&found["confidence"]),
        text(&state["from"]),
        text(&state["status"]),
        text(&state["reason"]),
        text(&state["signer"]),
        text(&evidence["file"]),
        if evidence["disagrees"] == json!(true) { " disagrees" } else { "" },
    )
}

/// The tests of T1036.001 as their page expects them, with nothing but `Unavailable` from Sysmon, which is what it writes
/// for everything that Windows does not confirm: the files tell.
#[test]
fn loads_are_judged_by_their_files() {
    let drive = Drive::new();
    let lines = [
        ("t1036.001-test-1", "test_signed.exe"),
        ("t1036.001-test-2", "source.exe"),
        ("t1036.001-test-2", "copied.exe"),
        ("t1036.001-test-3", "expired.exe"),
    ]
    .map(|(scenario, name)| {
        let hashes = hash(&format!("scenarios/{scenario}/{name}")).join(",");
        load(&format!(r"{TEMP}\{}", name.to_uppercase()), &hashes, UNAVAILABLE)
    });
    let (found, summary) = drive.found(&lines, &[]);
    let expected = [
        "high proof file Untrusted/self-signed Microsoft Corporation same",
        "high proof file Invalid/bad-digest Fixture Publisher same",
        "high proof file Untrusted/self-signed Expired Test same",
    ];
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(found[1]["signature"]["findings"], json!(["S101"]));
    assert!(summary.ends_with("events that name files: 4 judged\n"), "{summary}");
    // Without the files, these events say nothing.
    let log = drive.path("log.jsonl");
    fs::write(&log, lines.map(|line| line.to_string()).join("\n")).unwrap();
    assert_eq!(detections(&events(&["-q", log.to_str().unwrap()])), Vec::<Value>::new());
}

/// A detection that rests on the file, whole.
#[test]
fn what_the_file_says_stands_beside_what_the_event_says() {
    let drive = Drive::new();
    let hashes = hash("scenarios/t1036.001-test-1/test_signed.exe");
    let line = load(
        r"\Device\HarddiskVolume3\users\ALICE\AppData\Local\Temp\test_signed.exe",
        &hashes[0],
        ["true", "Microsoft Corporation", "Valid"],
    );
    let (mut found, _) = drive.found(&[line], &[]);
    let mut found = found.remove(0);
    let thumbprint = found["signature"]["thumbprint_sha1"].take();
    assert_eq!(thumbprint.as_str().unwrap().len(), 40);
    let file = drive.path("Users/alice/AppData/Local/Temp/test_signed.exe");
    let expected = json!({
        "schema": "sigscan.detection/1",
        "detection_type": "InvalidCodeSignature",
        "title": "An image was loaded whose signature does not hold",
        "severity": "high",
        "confidence": "proof",
        "attack": ["T1036.001"],
        "event": { "time": "2026-05-04 03:02:03.123", "host": "WS01", "provider": "Microsoft-Windows-Sysmon", "id": 7,
            "record": null, "source": found["event"]["source"], "position": 1 },
        "image": r"C:\Windows\rundll32.exe",
        "target": r"\Device\HarddiskVolume3\users\ALICE\AppData\Local\Temp\test_signed.exe",
        "signature": { "from": "file", "status": "Untrusted", "reason": "self-signed", "signer": "Microsoft Corporation",
            "signer_verified": true, "thumbprint_sha1": null, "findings": ["S114"] },
        "evidence": { "file": "same", "path": file.to_str().unwrap(),
            "sha256": hashes[0].trim_start_matches("SHA256=").to_lowercase(), "status": "Untrusted",
            "event": { "signed": "true", "status": "Valid", "signer": "Microsoft Corporation" }, "disagrees": true },
    });
    assert_eq!(found, expected);
}

/// Paths as each log writes them lead to the same file.
#[test]
fn paths_of_windows_lead_to_the_file_whatever_their_shape() {
    let drive = Drive::new();
    let paths = [
        r"C:\Windows\System32\drivers\driver.sys",
        r"c:\WINDOWS\system32\DRIVERS\DRIVER.sys",
        r"\SystemRoot\System32\drivers\driver.sys",
        r"\??\C:\Windows\System32\drivers\driver.sys",
        r"\Device\HarddiskVolume12\Windows\System32\drivers\driver.sys",
    ];
    let lines =
        paths.map(|path| json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 6, "ImageLoaded": path }));
    let (found, _) = drive.found(&lines, &[]);
    assert_eq!(found.len(), paths.len());
    for (found, path) in found.iter().zip(paths) {
        assert_eq!(found["target"], path);
        assert_eq!(found["title"], "A driver was loaded whose signature does not hold");
        assert_eq!(told(found), "high high file Expired/cert-expired Fixture Publisher unconfirmed", "{path}");
        let note = "the event states no digest to compare, so the file may be another one by now";
        assert_eq!(found["evidence"]["note"], note);
    }
    let elsewhere = [r"D:\Windows\System32\drivers\driver.sys", r"driver.sys", r"\\server\share\driver.sys"];
    let lines = elsewhere.map(|path| json!({ "EventID": 6, "ImageLoaded": path }));
    let (found, summary) = drive.found(&lines, &[]);
    assert_eq!(
        (found.len(), summary.ends_with("events that name files: 0 judged, 3 not found\n")),
        (0, true),
        "{summary}"
    );
    let map = format!(r"D:\={}", drive.path("").display());
    assert_eq!(drive.found(&lines, &["--path-map", &map]).0.len(), 1);
}

/// Process starts of each log, and files that were written.
#[test]
fn programs_that_start_and_files_that_are_written_are_judged_too() {
    let drive = Drive::new();
    let copied = hash("scenarios/t1036.001-test-2/copied.exe");
    let path = format!(r"{TEMP}\copied.exe");
    let device = format!(r"\Device\HarddiskVolume2{}", path.trim_start_matches("C:"));
    let sha256 = copied[0].trim_start_matches("SHA256=");
    let lines = [
        json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 1, "Image": path, "Hashes": copied.join(","),
            "ParentImage": r"C:\Windows\explorer.exe", "CommandLine": "copied.exe" }),
        json!({ "SourceName": "Microsoft-Windows-Security-Auditing", "EventID": 4688, "NewProcessName": path }),
        json!({ "event_simpleName": "ProcessRollup2", "ImageFileName": device, "SHA256HashData": sha256 }),
        json!({ "process": { "executable": path, "hash": { "sha256": sha256 } }, "winlog": { "event_id": 1,
            "provider_name": "Microsoft-Windows-Sysmon" } }),
        json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 11, "TargetFilename": path, "Image": r"C:\p.exe" }),
        json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 29, "TargetFilename": path, "Hashes": copied[0] }),
        json!({ "event_simpleName": "PeFileWritten", "TargetFileName": device, "SHA256HashData": sha256 }),
        json!({ "EventID": 11, "TargetFilename": format!(r"{TEMP}\source.exe") }),
        json!({ "EventID": 1, "Image": r"C:\Tools\plain.exe" }),
    ];
    let (found, summary) = drive.found(&lines, &[]);
    let titles: Vec<String> = found
        .iter()
        .map(|found| format!("{} {}", found["title"], found["evidence"]["file"]).replace('"', ""))
        .collect();
    let started = "A program was started whose signature does not hold";
    let written = "A file was written whose signature does not hold";
    let fates = ["same", "unconfirmed", "same", "same"].map(|fate| format!("{started} {fate}"));
    let written = ["unconfirmed", "same", "same"].map(|fate| format!("{written} {fate}"));
    assert_eq!(titles, [fates.as_slice(), &written].concat());
    assert!(found.iter().all(|found| found["signature"]["status"] == "Invalid"));
    assert_eq!(found[0]["parent_image"], r"C:\Windows\explorer.exe");
    assert!(summary.ends_with("events that name files: 9 judged\n"), "{summary}");
}

/// The event's own words count where the file is gone, is another one, or cannot know better.
#[test]
fn the_event_s_own_words_count_where_the_file_cannot_tell() {
    let drive = Drive::new();
    let copied = hash("scenarios/t1036.001-test-2/copied.exe").join(",");
    let source = format!(r"{TEMP}\source.exe");
    let expired = ["true", "Example Tools GmbH", "Expired"];
    let lines = [
        load(&format!(r"{TEMP}\gone.exe"), &copied, expired),
        load(&format!(r"{TEMP}\gone.exe"), &copied, UNAVAILABLE),
        load(&source, &copied, expired),
        load(&source, &copied, UNAVAILABLE),
        load(&source, "", expired),
        load(r"C:\Tools\plain.exe", &hash("scenarios/sigthief/host.exe")[0], expired),
        load(r"C:\Tools\revocable.exe", &hash("fixtures/revocable.exe")[0], ["true", "Someone", "Revoked"]),
        load(r"C:\Tools", "", expired),
    ];
    let (found, summary) = drive.found(&lines, &[]);
    let expected = [
        (
            "low medium event Expired/- Example Tools GmbH missing",
            "there is no such file below the mapped folder; the event's own words count",
        ),
        (
            "low medium event Expired/- Example Tools GmbH changed",
            "the file there now has another digest than the event states; the event's own words count",
        ),
        (
            "low medium event Expired/- Example Tools GmbH unconfirmed disagrees",
            "the event states no digest to compare, so the file may be another one by now",
        ),
        (
            "low medium event Expired/- Example Tools GmbH same disagrees",
            "the file has no signature of its own and no catalog at hand lists it; the event's own words count",
        ),
        (
            "high medium event Revoked/- Someone same disagrees",
            "no revocation list at hand says so or otherwise; the event's own words count",
        ),
        (
            "low medium event Expired/- Example Tools GmbH not-judged",
            "the file was not judged: not a regular file; the event's own words count",
        ),
    ];
    let told: Vec<(String, &str)> =
        found.iter().map(|found| (told(found), found["evidence"]["note"].as_str().unwrap())).collect();
    assert_eq!(told.iter().map(|(told, note)| (told.as_str(), *note)).collect::<Vec<_>>(), expected);
    assert_eq!(found[1]["evidence"]["status"], "Valid");
    let counts = "events that name files: 3 judged, 2 another file now, 2 not found, 1 not judged\n";
    assert!(summary.ends_with(counts), "{summary}");
    // A list that knows better than the event.
    let crl = root("testdata/crl");
    let lists = ["root.pem", "leaf-after.crl"].map(|name| crl.join(name));
    let [one, other] = lists.each_ref().map(|list| list.to_str().unwrap());
    let (found, _) = drive.found(&lines[6..7], &["--crl", one, "--crl", other]);
    assert_eq!(found.len(), 1, "revoked at a later moment, without a timestamp: {found:?}");
    assert_eq!(told_of(&found[0]), "file Revoked");
}

fn told_of(found: &Value) -> String {
    format!("{} {}", found["signature"]["from"], found["signature"]["status"]).replace('"', "")
}

/// What the event calls broken is in order, or was in order when it happened: nothing is reported, and that is counted.
#[test]
fn sound_files_clear_their_events_and_that_is_counted() {
    let drive = Drive::new();
    let source = hash("scenarios/t1036.001-test-2/source.exe")[0].clone();
    let before = hash("scenarios/expired/built-before.exe")[0].clone();
    let place = r"C:\Tools\built-before.exe";
    let mut while_valid = load(place, &before, UNAVAILABLE);
    while_valid["UtcTime"] = json!("2022-12-31 23:59:59.000");
    let lines = [
        load(&format!(r"{TEMP}\source.exe"), &source, ["true", "x", "Untrusted"]),
        while_valid,
        load(place, &before, UNAVAILABLE),
    ];
    let (found, summary) = drive.found(&lines, &[]);
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        ["medium proof file Expired/cert-expired Fixture Publisher same"]
    );
    let counts = "events that name files: 3 judged, 1 called broken by the event and sound, 1 expired since\n";
    assert!(summary.ends_with(counts), "{summary}");
}

/// An event without digests names whatever had that name then: a file of today that has expired since, and was sound before,
/// takes nothing back of what the event says.
#[test]
fn an_expired_file_clears_no_event_that_may_mean_another_one() {
    let drive = Drive::new();
    let place = r"C:\Tools\built-before.exe";
    let line = |status: &str, signer: &str, driver: bool| {
        let mut line = load(place, "", ["true", signer, status]);
        line["UtcTime"] = json!("2022-01-02 03:04:05.000");
        line["EventID"] = json!(if driver { 6 } else { 7 });
        line
    };
    let unconfirmed = "the event states no digest to compare, so the file may be another one by now";
    let cases = [("Invalid", "high"), ("Revoked", "high"), ("Untrusted", "medium"), ("Expired", "low")];
    for (status, severity) in cases {
        for driver in [false, true] {
            let (found, summary) = drive.found(&[line(status, "Evil Corp", driver)], &[]);
            let disagrees = if status == "Expired" { "" } else { " disagrees" };
            let severity = if driver { "high" } else { severity };
            let wanted = format!("{severity} medium event {status}/- Evil Corp unconfirmed{disagrees}");
            assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [wanted], "{summary}");
            assert_eq!(found[0]["evidence"]["note"], unconfirmed);
            assert!(summary.ends_with("events that name files: 1 judged\n"), "{summary}");
        }
        // Whoever is not named by the event is by the file.
        let mut nobody = line(status, "x", false);
        nobody.as_object_mut().unwrap().remove("Signature");
        let (found, _) = drive.found(&[nobody], &[]);
        let disagrees = if status == "Expired" { "" } else { " disagrees" };
        let wanted = format!("medium high file Expired/cert-expired Fixture Publisher unconfirmed{disagrees}");
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), [wanted]);
    }
    // What the event does not call broken was in order when it was loaded.
    for status in ["Valid", "Unavailable", "Unsigned"] {
        let (found, summary) = drive.found(&[line(status, "Fixture Publisher", false)], &[]);
        assert_eq!(found, Vec::<Value>::new());
        assert!(summary.ends_with("events that name files: 1 judged, 1 expired since\n"), "{summary}");
    }
    let mut same = line("Untrusted", "Evil Corp", false);
    same["Hashes"] = json!(hash("scenarios/expired/built-before.exe")[0]);
    let (found, summary) = drive.found(&[same], &[]);
    assert_eq!(found, Vec::<Value>::new());
    assert!(summary.ends_with("events that name files: 1 judged, 1 expired since\n"), "{summary}");
}

/// SHA-1 and MD5 tell files apart where the event states nothing better.
#[test]
fn weak_digests_are_compared_where_there_are_no_others() {
    let drive = Drive::new();
    let [_, sha1, md5] = hash("scenarios/t1036.001-test-2/copied.exe");
    let [_, other_sha1, other_md5] = hash("scenarios/t1036.001-test-2/source.exe");
    let place = format!(r"{TEMP}\copied.exe");
    let imphash = format!("IMPHASH={}", "0A".repeat(16));
    let cases = [
        (sha1, "same"),
        (format!("{md5},{imphash}"), "same"),
        (other_sha1, "changed"),
        (other_md5, "changed"),
        (imphash, "unconfirmed"),
        (format!("MD5={}", "0".repeat(32)), "unconfirmed"),
        ("SHA256=12".to_owned(), "unconfirmed"),
    ];
    for (hashes, fate) in cases {
        let (found, _) = drive.found(&[load(&place, &hashes, ["true", "Somebody", "Untrusted"])], &[]);
        assert_eq!(found[0]["evidence"]["file"], fate, "{hashes}");
        assert_eq!(found[0]["signature"]["from"], if fate == "changed" { "event" } else { "file" });
    }
}

/// A file that was renamed, or is gone: a record of an earlier scan knows it by its digest.
#[test]
fn renamed_files_are_found_by_digest_in_records() {
    let drive = Drive::new();
    let folder = drive.path("Users/alice/AppData/Local/Temp");
    let hashes = hash("scenarios/t1036.001-test-2/copied.exe").join(",");
    let line = load(&format!(r"{TEMP}\copied.exe"), &hashes, UNAVAILABLE);
    fs::rename(folder.join("copied.exe"), folder.join("svchost.exe")).unwrap();
    assert_eq!(drive.found(std::slice::from_ref(&line), &[]).0, Vec::<Value>::new());
    let records = drive.path("records.jsonl");
    let mut scan = std::process::Command::new(env!("CARGO_BIN_EXE_sigscan"));
    scan.arg(&folder).args(["--json", "--quiet", "--at", "2026-06-01"]);
    for name in ["pki/root.pem", "pki/tsa-root.pem"] {
        scan.arg("--trust-store").arg(root("testdata").join(name));
    }
    fs::write(&records, scan.output().unwrap().stdout).unwrap();
    let records = ["--records", records.to_str().unwrap()];
    let (found, _) = drive.found(std::slice::from_ref(&line), &records);
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        ["high proof file Invalid/bad-digest Fixture Publisher same"]
    );
    assert_eq!(Path::new(found[0]["evidence"]["path"].as_str().unwrap()), folder.join("svchost.exe"));
    // Something else under the old name changes nothing.
    fs::copy(folder.join("source.exe"), folder.join("copied.exe")).unwrap();
    assert_eq!(drive.found(&[line], &records).0.len(), 1);
}

/// What lay under a path on one machine says nothing of what was started on another, and what was judged before says nothing
/// of a file that is not there.
#[test]
fn records_speak_for_the_machine_that_they_name() {
    let drive = Drive::new();
    let path = drive.path("records.jsonl");
    let copied = "Users/alice/AppData/Local/Temp/copied.exe";
    let mut scan = std::process::Command::new(env!("CARGO_BIN_EXE_sigscan"));
    scan.arg(drive.path(copied)).args(["--json", "--quiet", "--at", "2026-06-01", "--host", "WS07"]);
    for name in ["pki/root.pem", "pki/tsa-root.pem"] {
        scan.arg("--trust-store").arg(root("testdata").join(name));
    }
    fs::write(&path, scan.output().unwrap().stdout).unwrap();
    let away = drive.path("away.exe");
    fs::rename(drive.path(copied), &away).unwrap();
    let line = |host: Option<&str>| {
        let mut line = load(&format!(r"{TEMP}\copied.exe"), "", UNAVAILABLE);
        line["Hostname"] = json!(host);
        line
    };
    let records = ["--records", path.to_str().unwrap()];
    let count = |host: Option<&str>, arguments: &[&str]| {
        let (found, summary) = drive.found(&[line(host)], &[&records, arguments].concat());
        let fate = if summary.contains("1 not found") { "missing" } else { "judged" };
        (found.iter().map(told).collect::<Vec<_>>(), fate)
    };
    let found = vec!["high high file Invalid/bad-digest Fixture Publisher unconfirmed".to_owned()];
    assert_eq!(count(Some("ws07.example.test"), &[]), (found.clone(), "judged"));
    assert_eq!(count(None, &[]), (found, "judged"));
    assert_eq!(count(None, &["--host", "WS08"]), (Vec::new(), "missing"));
    assert_eq!(count(Some("WS08"), &[]), (Vec::new(), "missing"));
    // The bytes that are gone lie elsewhere, and were judged there.
    let hashes = hash("scenarios/t1036.001-test-2/copied.exe").join(",");
    let lines =
        [load(r"C:\away.exe", &hashes, UNAVAILABLE), load(&format!(r"{TEMP}\copied.exe"), &hashes, UNAVAILABLE)];
    let turned = [lines[1].clone(), lines[0].clone()];
    for lines in [lines, turned] {
        let (found, summary) = drive.found(&lines, &[]);
        assert_eq!(found.len(), 1, "{summary}");
        assert!(summary.ends_with("events that name files: 1 judged, 1 not found\n"), "{summary}");
    }
}

/// However often a file is named, and however, it is worth the same, with little memory for verdicts too.
#[test]
fn verdicts_are_remembered() {
    let drive = Drive::new();
    let hashes = hash("scenarios/t1036.001-test-2/copied.exe").join(",");
    let lines: Vec<Value> = (0..300)
        .map(|number| {
            let name = if number % 2 == 0 { "copied.exe" } else { "COPIED.EXE" };
            load(&format!(r"{TEMP}\{name}"), &hashes, UNAVAILABLE)
        })
        .collect();
    let (found, summary) = drive.found(&lines, &["--cache-size", "64k"]);
    assert_eq!(found.len(), 300);
    assert!(summary.ends_with("events that name files: 300 judged\n"), "{summary}");
    let states: Vec<&Value> = found.iter().map(|found| &found["signature"]).collect();
    assert!(states.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_root_that_is_no_folder_is_refused() {
    let output = events(&["falcon.jsonl", "--root", "/no/such/folder"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--root /no/such/folder: no folder"));
}
