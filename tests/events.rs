//! Files of events in, detections out: what the published detections of T1553.002 and T1036.001 expect, in every shape
//! that events come in, and what nobody expects.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "lab/attack.rs"]
mod attack;
#[path = "lab/eventlog.rs"]
mod eventlog;
#[path = "events/formats.rs"]
mod formats;
#[path = "events/join.rs"]
mod join;
#[path = "events/logs.rs"]
mod logs;
#[path = "events/people.rs"]
mod people;
#[path = "events/tuning.rs"]
mod tuning;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use sigscan::enrich::event::Event;
use sigscan::enrich::evtx::Totals;

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn events(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.arg("events").args(arguments).current_dir(root("testdata/events")).stdin(Stdio::null()).output().unwrap()
}

fn detections(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every detection in one line: type, severity, number of the event, and what tells it from its neighbours.
fn told(output: &Output) -> Vec<String> {
    let told = |found: &Value| {
        let text = |key: &str| found[key].as_str().unwrap_or("").to_owned();
        let mut words = vec![text("detection_type"), text("severity"), found["event"]["id"].to_string()];
        for key in ["suspicious_parent", "has_pfx", "no_timestamp", "renamed"] {
            if found[key] == json!(true) {
                words.push(key.to_owned());
            }
        }
        words.extend(found["cmdlets"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()));
        words.push(text("store"));
        let target = text("target");
        words.push(target.rsplit('\\').next().unwrap().to_owned());
        words.retain(|word| !word.is_empty() && word != "null");
        words.join(" ")
    };
    detections(output).iter().map(told).collect()
}

const TEST_1: [&str; 4] = [
    "PowershellCodeSigning high 1 suspicious_parent New-SelfSignedCertificate",
    "PowershellCodeSigning high 4104 New-SelfSignedCertificate Export-PfxCertificate",
    "SuspiciousCertFileCreation high 11 df00tech-codesign.pfx",
    "SigntoolSigning high 1 suspicious_parent has_pfx no_timestamp",
];

/// Test 1 of T1553.002, the same in every shape that events come in.
#[test]
fn a_certificate_is_made_and_signs_whoever_tells_of_it() {
    let shapes = ["test1.event.jsonl", "test1.winlogbeat.jsonl", "test1.nxlog.jsonl", "test1.xml", "test1.array.json"];
    let run = |shape: &str| events(&["--quiet", shape]);
    for shape in shapes {
        let output = run(shape);
        assert_eq!((told(&output), output.status.code()), (TEST_1.map(String::from).to_vec(), Some(0)), "{shape}");
    }
    let without_source = |shape: &str| {
        let mut found = detections(&run(shape));
        found.iter_mut().for_each(|found| found["event"]["source"] = Value::Null);
        found
    };
    for shape in shapes {
        assert_eq!(without_source(shape), without_source("test1.event.jsonl"), "{shape}");
    }
}

/// Test 2: a certificate enters the store of the machine, and test 3: that of the user, and a script is signed.
#[test]
fn a_certificate_becomes_trusted() {
    let expected = [
        "PowershellCodeSigning high 4104 New-SelfSignedCertificate",
        "SuspiciousCertFileCreation medium 11 df00tech-publisher.cer",
        "CertutilImport high 1 suspicious_parent TrustedPublisher",
        "CertStoreRegistryMod high 13 TrustedPublisher Blob",
    ];
    assert_eq!(told(&events(&["-q", "test2.winlogbeat.jsonl"])), expected);
    let expected = [
        "SuspiciousCertFileCreation medium 11 df00tech-sign-test.cer",
        "CertutilImport high 1 suspicious_parent TrustedPublisher",
        "CertStoreRegistryMod high 13 TrustedPublisher Blob",
        "PowershellCodeSigning high 4104 Set-AuthenticodeSignature",
    ];
    assert_eq!(told(&events(&["-q", "test3.xml"])), expected);
}

/// A detection, whole.
#[test]
fn a_detection_says_everything_that_the_event_does() {
    let found = detections(&events(&["-q", "test3.xml"])).remove(2);
    let target = r"HKCU\SOFTWARE\Microsoft\SystemCertificates\TrustedPublisher\Certificates\0123456789ABCDEF0123456789ABCDEF01234567\Blob";
    let expected = json!({
        "schema": "sigscan.detection/1",
        "detection_type": "CertStoreRegistryMod",
        "title": "A certificate enters a store of trusted ones",
        "severity": "high",
        "confidence": "high",
        "attack": ["T1553.002"],
        "event": {
            "time": "2026-05-04T03:02:03.1234567Z", "host": "WS01.example.test", "provider": "Microsoft-Windows-Sysmon",
            "id": 13, "record": 123, "source": "test3.xml", "position": 4
        },
        "user": r"EXAMPLE\alice",
        "image": r"C:\Windows\System32\certutil.exe",
        "target": target,
        "store": "TrustedPublisher",
        "thumbprint_sha1": "0123456789abcdef0123456789abcdef01234567",
    });
    assert_eq!(found, expected);
}

/// T1036.001: exactly the loads whose signature names somebody and does not hold.
#[test]
fn loads_whose_signature_does_not_hold_are_found_by_the_event_alone() {
    let expected = [
        "InvalidCodeSignature high 7 invalid.dll",
        "InvalidCodeSignature low 7 expired.dll",
        "InvalidCodeSignature high 7 revoked.dll",
        "InvalidCodeSignature medium 7 untrusted.dll",
        "InvalidCodeSignature high 6 old.sys",
    ];
    let output = events(&["-q", "loads.event.jsonl"]);
    assert_eq!(told(&output), expected);
    let state = json!({
        "from": "event", "status": "Invalid", "reason": null, "signer": "Contoso Invalid", "signer_verified": false
    });
    assert_eq!(detections(&output)[0]["signature"], state);
}

#[test]
fn falcon_and_the_security_log_tell_the_same() {
    let output = events(&["-q", "falcon.jsonl", "--min-severity", "info"]);
    let expected = [
        "SigntoolSigning medium has_pfx",
        "CertutilImport high suspicious_parent has_pfx",
        "SuspiciousCertFileCreation high key.p12",
        "CertStoreRegistryMod high AuthRoot 0123456789ABCDEF0123456789ABCDEF01234567",
        "CertStoreRegistryMod info Root ROOT",
    ];
    assert_eq!(told(&output), expected);
    assert_eq!(detections(&output)[0]["event"]["name"], "ProcessRollup2");
    assert_eq!(told(&events(&["-q", "security.event.jsonl"])), ["CertutilImport high 4688 suspicious_parent Root"]);
}

#[test]
fn what_is_known_to_be_harmless_is_left_out() {
    let count =
        |arguments: &[&str]| detections(&events(&[&["-q", "--min-severity", "info"], arguments].concat())).len();
    assert_eq!(count(&["falcon.jsonl"]), 5);
    assert_eq!(count(&["falcon.jsonl", "--exclude-image", "WUAUCLT.exe"]), 4);
    assert_eq!(count(&["falcon.jsonl", "--exclude-parent", "msbuild.exe"]), 4);
    assert_eq!(count(&["falcon.jsonl", "--exclude-path", r"*\Downloads\*"]), 4);
    assert_eq!(count(&["falcon.jsonl", "--exclude-host", "ws*"]), 0);
    // A name is proven by an expired signature only: who forges one may not hide behind it.
    assert_eq!(count(&["loads.event.jsonl", "--exclude-signer", "contoso*"]), 3);
}

/// Windows adds the roots of Microsoft's programme itself, and opens the keys of its stores for writing all the time.
#[test]
fn roots_that_windows_knows_are_told_from_others() {
    let store = |name: &str, below: &str| {
        let key = format!(r"HKLM\SOFTWARE\Microsoft\SystemCertificates\{name}{below}");
        json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 12, "EventType": "CreateKey", "TargetObject": key })
    };
    let root_2010 = r"\Certificates\3B1EFD3A66EA28B16697394703A72CA340A05BD5";
    let cloned = r"\Certificates\1F3D38F280635F275BE92B87CF83E40E40458400";
    let lines = [
        store("AuthRoot", root_2010),
        store("ROOT", cloned),
        store("TrustedPublisher", root_2010),
        store("ROOT", r"\Certificates"),
        store("ROOT", r"\CRLs"),
    ];
    let log = tempfile::NamedTempFile::new().unwrap();
    fs::write(log.path(), lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let found = detections(&events(&["-q", log.path().to_str().unwrap(), "--min-severity", "info"]));
    let told: Vec<Value> = found
        .iter()
        .map(|found| json!([found["severity"], found["store"], found["known_root"], found["attack"]]))
        .collect();
    let expected = json!([
        ["low", "AuthRoot", "Microsoft Root Certificate Authority 2010", ["T1553.002", "T1553.004"]],
        ["high", "Root", null, ["T1553.002", "T1553.004"]],
        ["high", "TrustedPublisher", null, ["T1553.002"]],
        ["info", "Root", null, ["T1553.002", "T1553.004"]],
        ["info", "Root", null, ["T1553.002", "T1553.004"]],
    ]);
    assert_eq!(Value::from(told), expected);
    assert_eq!(detections(&events(&["-q", log.path().to_str().unwrap()])).len(), 3);
}

#[test]
fn the_exit_code_tells_and_the_summary_counts() {
    let code = |arguments: &[&str]| events(arguments).status.code();
    assert_eq!(code(&["-q", "test2.winlogbeat.jsonl", "--fail-on", "high"]), Some(1));
    assert_eq!(code(&["-q", "test2.winlogbeat.jsonl", "--fail-on", "critical"]), Some(0));
    assert_eq!(code(&["-q", "missing.evtx"]), Some(2));
    assert_eq!(code(&["-q", "falcon.jsonl", "--exclude-host", "[a"]), Some(2));
    let output = events(&["falcon.jsonl", "--exclude-parent", "msbuild.exe"]);
    let expected = "7 events in 1 file, 3 detections, 1 CertutilImport, 1 SuspiciousCertFileCreation, \
        1 CertStoreRegistryMod, 1 excluded, 1 milder\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

/// What a writer may do to a log: cut off, nested, endless, and not a log at all. Nothing is lost beside it.
#[test]
fn hostile_input_costs_what_is_hostile_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read_to_string(root("testdata/events/falcon.jsonl")).unwrap();
    let good = good.lines().next().unwrap();
    let run = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let output = events(&[path.to_str().unwrap()]);
        let summary = String::from_utf8(output.stderr.clone()).unwrap();
        (detections(&output).len(), output.status.code().unwrap(), summary.lines().last().unwrap_or("").to_owned())
    };
    let found = |not_read: &str| (1, 0, format!("1 event in 1 file, 1 detection, 1 SigntoolSigning{not_read}"));
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "1");
    assert_eq!(run("deep.jsonl", format!("{deep}\n{good}\n").as_bytes()), found(", 1 not read"));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(9 << 20));
    assert_eq!(run("long.jsonl", format!("{long}\n{good}\n").as_bytes()), found(", 1 not read"));
    assert_eq!(run("array.json", format!("[{long},{good}]").as_bytes()), found(", 1 not read"));
    assert_eq!(run("cut.jsonl", format!("{good}\n{}", &good[..40]).as_bytes()), found(", 1 not read"));
    assert_eq!(run("bom.jsonl", format!("\u{feff}{good}\r\n\r\n").as_bytes()), found(""));
    // A command line in words, and what makes an event of it behind them; more fields than any event has are told.
    let (start, fields) = (good.strip_suffix('}').unwrap(), good.strip_prefix('{').unwrap());
    let words = format!("\"process\":{{\"args\":[{}\"x\"]}}", "\"a\",".repeat(3000));
    assert_eq!(run("before.jsonl", format!("{{{words},{fields}\n").as_bytes()), found(""));
    assert_eq!(run("behind.jsonl", format!("{start},{words}}}\n").as_bytes()), found(""));
    let many: Vec<String> = (0..2100).map(|number| format!("\"k{number}\":0")).collect();
    let filled = format!("{start},\"x\":{{{}}}}}\n{good}\n", many.join(","));
    let told = "2 events in 1 file, 1 detection, 1 SigntoolSigning, 1 not completely read";
    assert_eq!(run("filled.jsonl", filled.as_bytes()), (1, 0, told.to_owned()));
    let utf16: Vec<u8> = format!("\u{feff}{good}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(run("utf16.jsonl", &utf16), found(""));
    let xml = fs::read_to_string(root("testdata/events/test3.xml")).unwrap();
    let nested = format!("<Event>{}{}</Event>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let endless = format!("<Event><EventData><Data Name='x'>{}</Data></EventData></Event>", "y".repeat(9 << 20));
    let entity = "<!DOCTYPE x [<!ENTITY a 'b'>]><Event><EventData><Data Name='x'>&a;</Data></EventData></Event>";
    let output = run("hostile.xml", format!("{nested}\n{endless}\n{entity}\n{xml}").as_bytes());
    assert_eq!((output.0, output.1), (4, 0));
    assert!(output.2.ends_with(", 3 not read"), "{}", output.2);
    assert_eq!(run("cut.xml", &xml.as_bytes()[..xml.len() - 600]).0, 3);
    assert_eq!(run("nothing", b"").2, "0 events in 1 file, 0 detections");
    assert_eq!(run("text.txt", b"no events").1, 2);
    assert_eq!(run("empty.evtx", b"ElfFile\0").1, 2);
}

/// A line of a log is shown on terminals: nothing in it may give orders to one.
#[test]
fn standard_input_is_read_and_nothing_in_it_reaches_a_terminal_raw() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(["events", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let line = json!({ "EventID": 11, "TargetFilename": "C:\\Temp\\\u{1b}[2J\u{202e}a.pfx" });
    writeln!(child.stdin.take().unwrap(), "{line}").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r"C:\\Temp\\\u001b[2J\u202ea.pfx"), "{text}");
}

/// Writes the checked-in copy when blessing, else says that it is stale.
#[test]
fn the_schema_is_current_and_every_detection_follows_it() {
    let current =
        Command::new(env!("CARGO_BIN_EXE_sigscan")).args(["generate", "detection-schema"]).output().unwrap().stdout;
    let path = root("schema/detection.schema.json");
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    assert!(fs::read(&path).unwrap() == current, "{} is stale: SIGSCAN_BLESS=1 writes it anew", path.display());
    let validator = jsonschema::validator_for(&serde_json::from_slice(&current).unwrap()).unwrap();
    let files = ["test1.xml", "test2.winlogbeat.jsonl", "loads.event.jsonl", "falcon.jsonl", "security.event.jsonl"];
    let found = detections(&events(&[&["-q"], &files[..]].concat()));
    assert_eq!(found.len(), 4 + 4 + 5 + 4 + 1);
    for found in &found {
        assert!(validator.is_valid(found), "{found}");
    }
}

/// Every record of a log, as events; what could not be read; and the totals, if it is a log.
fn records(bytes: &[u8]) -> (Vec<Event>, Vec<String>, Option<Totals>) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let (mut events, mut unread) = (Vec::new(), Vec::new());
    let read = sigscan::enrich::evtx::read(file, &mut |record| {
        match record {
            Ok(value) => events.push(Event::from_json(&value).unwrap()),
            Err(message) => unread.push(message),
        }
        Ok(())
    });
    (events, unread, read.ok())
}

/// A real log of Sysmon, its first chunk.
#[test]
fn a_windows_event_log_is_read_whole() {
    let (events, unread, totals) = records(&fs::read(root("testdata/events/sysmon.evtx")).unwrap());
    assert_eq!((events.len(), unread), (41, Vec::<String>::new()));
    let whole = Totals { chunks: 1, records: 41, ..Totals::default() };
    assert_eq!(totals, Some(whole));
    for event in &events {
        assert_eq!(event.provider, "Microsoft-Windows-Sysmon");
        assert_eq!(event.channel, "Microsoft-Windows-Sysmon/Operational");
        assert!(event.id.is_some() && event.host.is_some() && event.time.is_some() && !event.fields.is_empty());
    }
    let numbers: Vec<u64> = events.iter().filter_map(|event| event.record).collect();
    assert_eq!(numbers, (numbers[0]..numbers[0] + 41).collect::<Vec<u64>>());
}

/// A log that was cut off: what is there of it is read, or it is none.
#[test]
fn a_log_that_was_cut_off_is_no_log_or_loses_its_last_chunk() {
    let whole = fs::read(root("testdata/events/sysmon.evtx")).unwrap();
    for length in [0, 8, 127, 128, 4095] {
        assert_eq!(records(&whole[..length]).2, None, "{length}");
    }
    for length in [4096, 4097, 40_000, 69_631] {
        let (events, unread, totals) = records(&whole[..length]);
        assert_eq!((events.len(), totals.map(|totals| totals.damaged)), (0, Some(1)), "{length}");
        assert_eq!(unread.len(), 1);
        assert!(unread[0].starts_with("the log is cut off: "), "{unread:?}");
    }
}
