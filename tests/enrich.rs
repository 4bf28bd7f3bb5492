//! `sigscan enrich` as pipelines meet it: a line in, a line out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "enrich/authors.rs"]
mod authors;
#[path = "enrich/records.rs"]
mod records;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn enrich(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(["enrich", "--at", "2026-06-01T00:00:00Z"]);
    for root in ["pki/root.pem", "pki/tsa-root.pem"] {
        command.arg("--trust-store").arg(testdata(root));
    }
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Child {
    enrich(arguments).spawn().unwrap()
}

/// What comes out for this input, with nothing on standard error.
fn out(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = start(arguments);
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(stderr).unwrap(), "");
    assert!(status.success(), "{status}");
    writer.join().unwrap().unwrap();
    stdout
}

fn mapped() -> String {
    format!(r"C:\={}", testdata("fixtures").display())
}

/// Fixtures with their verdicts, the worst mixed with the best.
const FILES: [(&str, &str, &str); 4] = [
    ("pe32.exe", "Valid", "ok"),
    ("THIEF.EXE", "Invalid", "bad-digest"),
    ("unsigned-pe64.exe", "Unsigned", "no-signature"),
    ("missing.exe", "Error", "not-found"),
];

#[test]
fn every_line_comes_out_in_order_with_its_verdict_and_is_otherwise_the_same() {
    let mut input = Vec::new();
    let mut starts = Vec::new();
    for number in 0..2000 {
        let (name, ..) = FILES[number % FILES.len()];
        let start =
            format!(r#"{{"n":{number}.00, "EventID":7,"EventData":{{"ImageLoaded":"c:\\{name}","z":1,"a":[1e2]}}"#);
        input.extend_from_slice(format!("{start}}}\n").as_bytes());
        starts.push(start);
    }
    for jobs in ["1", "4"] {
        let output = String::from_utf8(out(&["--jobs", jobs, "--compact", "--path-map", &mapped()], &input)).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.len(), 2000);
        for (number, line) in lines.iter().enumerate() {
            let (_, status, reason) = FILES[number % FILES.len()];
            assert!(line.starts_with(&format!("{},\"sigscan\":{{", starts[number])), "{line}");
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&event["sigscan"]["status"], &event["sigscan"]["reason"]),
                (&json!(status), &json!(reason)),
                "{line}"
            );
        }
    }
}

#[test]
fn what_is_no_event_comes_out_byte_for_byte() {
    let long = format!("{{\"ImageLoaded\":\"C:\\\\pe32.exe\",\"x\":\"{}\"}}\n", "y".repeat(5000));
    let input =
        [b"\n[]\nplain \xff text\r\n{\"a\":1}\r\n".as_slice(), long.as_bytes(), b"{\"ImageLoaded\":7}\n{\"half"]
            .concat();
    let arguments = ["--path-map", &mapped(), "--max-line", "4096"];
    assert_eq!(out(&arguments, &input), input);
    let rsyslog = ["--path-map", &mapped(), "--max-line", "4096", "--protocol", "rsyslog"];
    assert_eq!(out(&rsyslog, &input), b"{}\n{}\n{}\n{}\n{}\n{}\n{}");
    assert_eq!(out(&arguments, b""), b"");
    let log = tempfile::NamedTempFile::new().unwrap();
    out(&[arguments.as_slice(), &["--log-file", log.path().to_str().unwrap()]].concat(), &input);
    let text = std::fs::read_to_string(log.path()).unwrap();
    let (sandbox, text) = text.split_once('\n').unwrap();
    assert!(sandbox.starts_with("Sandbox: "), "{sandbox}");
    assert!(
        text.starts_with("sigscan: 0 of 7 lines enriched; 4 not JSON objects; 2 without a file; 1 too long; "),
        "{text}"
    );
}

#[test]
fn the_whole_record_is_added_unless_less_is_asked_for_and_forged_verdicts_give_way() {
    let line = br#"{"sigscan":{"status":"Valid"},"Image":"C:\\thief.exe"}"#;
    let output: Value = serde_json::from_slice(&out(&["--path-map", &mapped()], line)).unwrap();
    let mut wanted: Value =
        serde_json::from_slice(&std::fs::read(testdata("fixtures/thief.exe.json")).unwrap()).unwrap();
    wanted["path"] = json!(testdata("fixtures/thief.exe").to_str().unwrap());
    assert_eq!(output["sigscan"]["status"], wanted["status"]);
    assert_eq!(output["sigscan"]["signatures"], wanted["signatures"]);
    assert_eq!(output["sigscan"]["path"], wanted["path"]);
    let other: Value = serde_json::from_slice(&out(&["--path-map", &mapped(), "--target-field", "sig"], line)).unwrap();
    assert_eq!((&other["sigscan"], &other["sig"]["status"]), (&json!({"status": "Valid"}), &json!("Invalid")));
}

/// A reader of the stream must not take for a verdict what the event's author wrote.
#[test]
fn events_without_a_verdict_say_nothing_in_its_name() {
    let forged = r#""sigscan" : {"status":"Valid"}, "sigscan.reason":"ok", "sigscanned":1"#;
    let mended = r#""sigscan" : null, "sigscan.reason":null, "sigscanned":1"#;
    let full = "y".repeat(65_530);
    let lines = |said: &str| format!("{{ {said} }}\r\n{{{said},\"Image\":\"C:\\\\pe32.exe\",\"x\":\"{full}\"}}\n");
    let mapped = mapped();
    let common = ["--path-map", &mapped, "--compact"];
    for merge in [&[][..], &["--merge", "ecs"], &["--merge", "sysmon"]] {
        let arguments = [&common, merge].concat();
        let output = String::from_utf8(out(&arguments, lines(forged).as_bytes())).unwrap();
        assert!(output == lines(mended), "{merge:?}: {}", output.replace(&full, "y"));
    }
    let elsewhere = out(&[&common[..], &["--target-field", "sig"]].concat(), lines(forged).as_bytes());
    assert!(elsewhere == lines(forged).as_bytes());
}

#[test]
fn verdicts_are_merged_under_the_names_that_rules_know() {
    let value = |merge: &str, line: &str| -> Value {
        serde_json::from_slice(&out(&["--merge", merge, "--path-map", &mapped()], line.as_bytes())).unwrap()
    };
    let load = r#"{"winlog":{"event_id":7,"event_data":{"ImageLoaded":"C:\\thief.exe","SignatureStatus":"Valid"}}}"#;
    let event = value("sysmon", load);
    let data = &event["winlog"]["event_data"];
    let ours = ["Signed", "SignerVerified", "Signature"].map(|name| (data.get(name), &event["sigscan"][name]));
    let claimed = &record("thief.exe")["claimed_signer"]["common_name"];
    assert_eq!(ours, [(None, &json!("false")), (None, &json!("false")), (None, claimed)]);
    assert_eq!((&data["SignatureStatus"], &event["sigscan"]["SignatureStatus"]), (&json!("Valid"), &json!("Invalid")));
    let alone = value("sysmon", r#"{"EventData":{"ImageLoaded":"C:\\thief.exe"}}"#);
    assert_eq!((&alone["EventData"]["Signed"], &alone["EventData"]["Signature"]), (&json!("false"), claimed));
    let event = value("ecs", load);
    assert_eq!(event["winlog"]["event_data"].as_object().unwrap().len(), 2);
    assert_eq!(event["dll"]["code_signature"]["status"], "errorBadDigest");
    assert_eq!(event["dll"]["hash"]["sha256"], record("thief.exe")["hashes"]["sha256"]);
    assert_eq!((&event["sigscan"]["status"], event.get("file")), (&json!("Invalid"), None));
    let start = r#"{"process":{"executable":"C:\\pe32.exe","pid":1}}"#;
    assert_eq!(value("ecs", start)["process"]["code_signature"]["trusted"], true);
    let gone = value("ecs", r#"{"process":{"executable":"C:\\gone.exe","pid":1}}"#);
    assert_eq!(
        (&gone["process"], &gone["sigscan"]["reason"]),
        (&json!({"executable": "C:\\gone.exe", "pid": 1}), &json!("not-found"))
    );
    let refused: [&[&str]; 5] = [
        &["--merge", "ecs", "--protocol", "csv"],
        &["--merge", "ecs", "--target-field", "dll"],
        &["--target-field", "a.b"],
        &["--target-field", ".", "--merge", "sysmon"],
        &["--target-field", "sig.", "--protocol", "csv"],
    ];
    for arguments in refused {
        let refused = enrich(arguments).output().unwrap();
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0));
    }
}

/// The record of a fixture.
fn record(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(testdata(&format!("fixtures/{name}.json"))).unwrap()).unwrap()
}

#[test]
fn a_windows_event_log_comes_out_as_lines_with_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("Windows/system32/services.exe", "pe32.exe"),
        ("Windows/syswow64/ping.exe", "pe32.exe"),
        ("Windows/SoftwareDistribution/Download/Install/AM_Delta.exe", "thief.exe"),
    ];
    for (name, fixture) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::copy(testdata("fixtures").join(fixture), file).unwrap();
    }
    let map = format!(r"C:\={}", folder.path().display());
    let log = testdata("events/sysmon.evtx");
    let output = out(&[log.to_str().unwrap(), "--path-map", &map, "--compact", "--jobs", "2"], b"");
    let events: Vec<Value> =
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> =
        events.iter().map(|event| event["Event"]["System"]["EventRecordID"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (numbers[0]..numbers[0] + 41).collect::<Vec<u64>>());
    let mut found = std::collections::BTreeMap::new();
    for event in &events {
        let data = &event["Event"]["EventData"];
        let named = ["ImageLoaded", "TargetFilename", "Image"].iter().find_map(|name| data[name].as_str());
        let name = named.map(|name| name.rsplit('\\').next().unwrap());
        assert_eq!(named.is_some(), event.get("sigscan").is_some(), "{event}");
        *found.entry((event["sigscan"]["status"].as_str(), name)).or_insert(0) += 1;
    }
    let count = |status, name| found.get(&(Some(status), Some(name))).copied();
    assert_eq!((count("Valid", "services.exe"), count("Invalid", "AM_Delta.exe")), (Some(3), Some(1)));
    // The events state the digests of other programs.
    assert_eq!(count("Error", "PING.EXE"), Some(21));
    assert_eq!(found.get(&(None, None)), Some(&5));
    assert_eq!(
        found.iter().filter(|((status, _), _)| *status == Some("Error")).map(|(_, count)| count).sum::<i32>(),
        32
    );
    let other = enrich(&[log.to_str().unwrap(), "--protocol", "rsyslog"]).output().unwrap();
    assert_eq!((other.status.code(), other.stdout.len()), (Some(2), 0));
}

#[test]
fn what_of_a_damaged_log_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("damaged.evtx");
    let mut bytes = std::fs::read(testdata("events/sysmon.evtx")).unwrap();
    bytes[4096..4104].fill(0);
    std::fs::write(&log, bytes).unwrap();
    let output = enrich(&[log.to_str().unwrap()]).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert!(told.contains("damaged.evtx: 1 parts not read, the first: "), "{told}");
}

#[test]
fn a_baseline_says_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (good, now) = (folder.path().join("good"), folder.path().join("now"));
    for (path, fixture) in [(&good, "pe32.exe"), (&now, "unsigned-pe64.exe")] {
        std::fs::create_dir_all(path.join("App")).unwrap();
        std::fs::copy(testdata("fixtures").join(fixture), path.join("App/a.exe")).unwrap();
    }
    let baseline = folder.path().join("baseline.jsonl");
    let built = Command::new(env!("CARGO_BIN_EXE_sigscan"))
        .args(["baseline", "build", "--at", "2026-06-01T00:00:00Z", "--output"])
        .args([&baseline, &good])
        .status()
        .unwrap();
    assert!(built.success());
    let map = format!(r"C:\={}", now.display());
    let codes = |arguments: &[&str]| -> Value {
        let line = br#"{"Image":"c:\\app\\A.EXE"}"#;
        let arguments = [&["--compact", "--path-map", &map], arguments].concat();
        let event: Value = serde_json::from_slice(&out(&arguments, line)).unwrap();
        event["sigscan"]["finding_codes"].clone()
    };
    let baseline = baseline.to_str().unwrap();
    assert_eq!((codes(&[]), codes(&["--baseline", baseline])), (json!([]), json!(["S134"])));
    // Another name of the same file is another file to a baseline, whichever of them comes first.
    std::fs::hard_link(now.join("App/a.exe"), now.join("App/b.exe")).unwrap();
    for order in [["a", "b"], ["b", "a"]] {
        let lines = order.map(|name| format!(r#"{{"Image":"C:\\App\\{name}.exe"}}"#)).join("\n");
        let common = ["--jobs", "1", "--compact", "--path-map", &map, "--baseline", baseline];
        let output = String::from_utf8(out(&common, lines.as_bytes())).unwrap();
        for (line, name) in output.lines().zip(order) {
            let said = &serde_json::from_str::<Value>(line).unwrap()["sigscan"];
            let path = now.join(format!("App/{name}.exe"));
            let codes = if name == "a" { json!(["S134"]) } else { json!([]) };
            assert_eq!((&said["path"], &said["finding_codes"]), (&json!(path.to_str().unwrap()), &codes), "{line}");
        }
    }
}

/// A record as a hostile file makes it: names of invisible characters, findings and chains without end.
fn hostile_record() -> Value {
    let mut hostile = record("thief.exe");
    let name = "\u{e0041}\u{202e}=\"\\\n".repeat(2000);
    for field in ["subject", "common_name", "organization", "issuer", "serial"] {
        hostile["claimed_signer"][field] = json!(name);
    }
    hostile["path"] = json!(r"C:\hostile.exe");
    hostile["version_info"] = json!({ "company": name, "product": name, "description": name,
        "original_filename": name, "file_version": name });
    hostile["catalog"] = json!(name);
    let certificate = hostile["signatures"][0]["chain"][0].clone();
    hostile["signatures"][0]["chain"] = json!(vec![certificate; 1000]);
    let finding = json!({ "code": "S101", "title": "x", "severity": "high", "confidence": "proof", "attack": [],
        "evidence": {}, "related": [] });
    hostile["findings"] = json!(vec![finding; 200]);
    hostile["anomalies"] = json!([]);
    hostile
}

#[test]
fn compact_lines_fit_into_64_kib_in_every_protocol_whatever_the_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("records.jsonl");
    std::fs::write(&records, serde_json::to_string(&hostile_record()).unwrap()).unwrap();
    let ways: [&[&str]; 6] = [
        &[],
        &["--merge", "ecs"],
        &["--merge", "sysmon"],
        &["--protocol", "rsyslog"],
        &["--protocol", "csv"],
        &["--protocol", "splunk-lookup"],
    ];
    // A short event, one of 60 KiB, one with room for a status only, and some with none.
    let lengths = [10usize, 61_440, 65_430, 65_530, 65_535, 70_000];
    for way in ways {
        let table = way.contains(&"csv") || way.contains(&"splunk-lookup");
        let line = |length: usize| {
            let (before, after) =
                if table { ("C:\\hostile.exe,", ",") } else { ("{\"Image\":\"C:\\\\hostile.exe\",\"x\":\"", "\"}") };
            format!("{before}{}{after}\n", "y".repeat(length.saturating_sub(before.len() + after.len())))
        };
        let header = if table { "path,x,status\n" } else { "" };
        let input = lengths.iter().fold(header.to_owned(), |input, length| input + &line(*length));
        let output = out(&[way, &["--compact", "--records", records.to_str().unwrap()]].concat(), input.as_bytes());
        let output = String::from_utf8(output).unwrap();
        let lines: Vec<&str> = output.split_inclusive('\n').skip(usize::from(table)).collect();
        assert_eq!(lines.len(), lengths.len(), "{way:?}");
        for (length, answer) in lengths.into_iter().zip(&lines) {
            let event = line(length);
            assert!(answer.len() <= 65_536.max(event.len()), "{way:?} {length}: {}", answer.len());
            let judged = answer.contains("Invalid");
            // The answer to rsyslog does not repeat the event.
            let room = way.contains(&"rsyslog") || length < 65_500;
            assert_eq!(
                (judged, *answer == event),
                (room, !room),
                "{way:?} {length}: {}",
                &answer[..200.min(answer.len())]
            );
        }
        let named = lines[0].contains("S101") || way.contains(&"splunk-lookup");
        assert!(named, "{way:?}: a short event has room for the findings, {}", lines[0].len());
    }
}

#[test]
fn compact_lines_say_as_much_as_there_is_room_for() {
    for length in [10usize, 61_440, 65_000, 65_460] {
        let line = format!("{{\"x\":\"{}\",\"Image\":\"C:\\\\pe32.exe\"}}", "y".repeat(length));
        let output = out(&["--path-map", &mapped(), "--compact"], line.as_bytes());
        let event: Value = serde_json::from_slice(&output).unwrap();
        assert_eq!(event["sigscan"]["status"], "Valid");
        assert_eq!(event["sigscan"].get("signer").is_some(), length <= 61_440, "{length}");
        assert!(output.len() < 65_536, "{}", output.len());
    }
}

/// A table, each row with its cells, and the verdicts that the fixtures have.
fn table(output: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(output);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn a_table_gets_columns_behind_it_and_is_otherwise_the_same() {
    let rows = [
        "1,\"C:\\pe32.exe\",\"two\nlines, \"\"quoted\"\"\"\r\n",
        "2,C:\\THIEF.EXE, kept \n",
        "3,,no file\n",
        "4,C:\\gone.exe\n",
        "\n",
        "5,C:\\pe32.exe,x,too many\n",
        "6,C:\\pe32.exe,\"never closed",
    ];
    let input = format!("\u{feff}n,ImageLoaded,\"no,te\"\r\n{}", rows.concat());
    for jobs in ["1", "3"] {
        let output = out(&["--protocol", "csv", "--path-map", &mapped(), "--jobs", jobs], input.as_bytes());
        let output = String::from_utf8(output).unwrap();
        let (header, mut rest) = output.split_once("\r\n").unwrap();
        let added = "sigscan.status,sigscan.hresult,sigscan.subject,sigscan.revocation,sigscan.sha256,sigscan.error,\
                     sigscan.SignatureStatus,sigscan.Signed,sigscan.SysmonSignatureStatus,sigscan.Signer,\
                     sigscan.SignerVerified,sigscan.reason,sigscan.self_signed,sigscan.issuer,sigscan.serial,\
                     sigscan.thumbprint_sha1,sigscan.thumbprint_sha256,sigscan.not_after,sigscan.signing_time,\
                     sigscan.signing_time_verified,sigscan.authentihash_sha256,sigscan.findings,sigscan.judged_at";
        assert_eq!(header, format!("\u{feff}n,ImageLoaded,\"no,te\",{added}"));
        // What stands before our cells, and what ours begin and end with.
        let answers = [
            (rows[0].trim_end(), ",Valid,0x00000000,", ",2026-06-01T00:00:00Z\r\n"),
            (rows[1].trim_end_matches('\n'), ",Invalid,0x80096010,", ",2026-06-01T00:00:00Z\n"),
            (rows[2].trim_end(), &",".repeat(23), "\n"),
            // A short row is filled up, so that ours are in their columns.
            ("4,C:\\gone.exe,", ",Error,,,not-checked,,there is no such file below the mapped folder,", "Z\n"),
            ("", "", "\n"),
            (rows[5].trim_end(), "", "\n"),
            (rows[6], "", ""),
        ];
        for (before, from, to) in answers {
            let after = rest.strip_prefix(before).unwrap().strip_prefix(from).unwrap();
            let end = after.find(to).unwrap() + to.len();
            assert!(!after[..end - to.len()].contains('\n'), "{after}");
            rest = &after[end..];
        }
        assert_eq!(rest, "");
    }
    assert_eq!(out(&["--protocol", "csv"], b""), b"");
}

#[test]
fn columns_of_ours_that_are_there_are_replaced() {
    let input = "sigscan.status,Image,sigscan.reason\nValid,C:\\thief.exe,ok\nValid,,ok\n";
    let rows = table(&out(&["--protocol", "csv", "--path-map", &mapped()], input.as_bytes()));
    assert_eq!(rows[0].len(), 3 + 21);
    assert_eq!(rows[1][..3], ["Invalid", "C:\\thief.exe", "bad-digest"]);
    assert_eq!(rows[2][..3], ["", "", ""]);
}

#[test]
fn splunk_gets_its_table_back_with_the_empty_cells_filled_out() {
    let record: Value = serde_json::from_slice(&std::fs::read(testdata("fixtures/thief.exe.json")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("records.jsonl");
    std::fs::write(&records, serde_json::to_string(&record).unwrap()).unwrap();
    let (digest, claimed) = (record["hashes"]["sha256"].as_str().unwrap(), &record["claimed_signer"]["common_name"]);
    let input = format!(
        "path,sha256,status,Signer,other,SignerVerified\n\
         C:\\THIEF.exe,,,,,\n\
         \"C:\\thief.exe\",,\"\",kept,\"\",true\n\
         ,{digest},,,x,\n\
         ,,,,x,\n\
         C:\\gone.exe\n"
    );
    let arguments = ["--protocol", "splunk-lookup", "--path-map", &mapped(), "--records", records.to_str().unwrap()];
    let output = String::from_utf8(out(&arguments, input.as_bytes())).unwrap();
    let signer = claimed.as_str().unwrap();
    let wanted = format!(
        "path,sha256,status,Signer,other,SignerVerified\n\
         C:\\THIEF.exe,{digest},Invalid,{signer},,false\n\
         \"C:\\thief.exe\",{digest},Invalid,kept,\"\",true\n\
         ,{digest},Invalid,{signer},x,false\n\
         ,,,,x,\n\
         C:\\gone.exe,,Error,,,\n"
    );
    assert_eq!(output, wanted);
}

#[test]
fn a_sender_that_waits_for_each_answer_gets_it() {
    let mut child = start(&["--path-map", &mapped(), "--protocol", "rsyslog", "--compact"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let messages = [
        (r#"{"msg":" @cee: {\"ImageLoaded\":\"C:\\\\pe32.exe\"}"}"#, Some("Valid")),
        (r#"{"msg":"x","$!":{"winlog":{"event_data":{"ImageLoaded":"C:\\thief.exe"}}}}"#, Some("Invalid")),
        (r#"{"msg":"nothing"}"#, None),
        (r#"{"ImageLoaded":"C:\\gone.exe"}"#, Some("Error")),
        ("no message", None),
    ];
    for (message, status) in messages.iter().cycle().take(50) {
        writeln!(stdin, "{message}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        match status {
            Some(status) => assert_eq!(answer["$!"]["sigscan"]["status"], *status, "{message}"),
            None => assert_eq!(answer, json!({})),
        }
        assert!(answer.as_object().unwrap().keys().all(|key| key == "$!"));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly_although_input_stays_open() {
    let mut child = start(&["--path-map", &mapped()]);
    let mut stdin = child.stdin.take().unwrap();
    drop(child.stdout.take());
    stdin.write_all(b"{\"Image\":\"C:\\\\pe32.exe\"}\n").unwrap();
    let status = child.wait().unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
    drop(stdin);
}

#[test]
fn a_file_that_is_not_the_event_s_has_no_verdict_and_records_of_others_are_found_by_digest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(testdata("fixtures/pe32.exe"), folder.path().join("a.exe")).unwrap();
    let map = format!(r"C:\={}", folder.path().display());
    let digest = |name: &str| record(name)["hashes"]["sha256"].as_str().unwrap().to_owned();
    let event = |name: &str, digest: &str| {
        format!("{{\"ImageLoaded\":\"C:\\\\{name}\",\"Hashes\":\"MD5=00,SHA256={digest}\"}}\n")
    };
    let input = [
        event("a.exe", &digest("pe32.exe").to_uppercase()),
        event("a.exe", &digest("thief.exe")),
        event("gone.exe", &digest("pe32.exe")),
        event("gone.exe", &digest("thief.exe")),
    ]
    .concat();
    let statuses = |arguments: &[&str]| -> Vec<String> {
        let output = String::from_utf8(out(arguments, input.as_bytes())).unwrap();
        let values = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        values
            .map(|event| format!("{}/{}", event["sigscan"]["status"], event["sigscan"]["reason"]).replace('"', ""))
            .collect()
    };
    let (valid, invalid, missing) = ("Valid/ok", "Invalid/bad-digest", "Error/not-found");
    // The third file is gone: that another one of its bytes was judged a moment ago is no answer.
    assert_eq!(statuses(&["--jobs", "1", "--path-map", &map]), [valid, missing, missing, missing]);
    let records = folder.path().join("records.jsonl");
    std::fs::write(&records, serde_json::to_string(&record("thief.exe")).unwrap()).unwrap();
    let with = ["--jobs", "1", "--path-map", &map, "--records", records.to_str().unwrap()];
    assert_eq!(statuses(&with), [valid, invalid, missing, invalid]);
}

/// An event that knows its file by an older digest, or a scan that makes none: the file has to have it all the same.
#[test]
fn whatever_digest_an_event_states_its_file_has_to_have() {
    let all = ["--hashes", "all", "--json", "--at", "2026-06-01"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    let scanned = command.arg(testdata("fixtures/pe32.exe")).args(all).output().unwrap().stdout;
    let scanned: Value = serde_json::from_slice(scanned.split(|octet| *octet == b'\n').next().unwrap()).unwrap();
    let digest = |kind: &str| scanned["hashes"][kind].as_str().unwrap().to_owned();
    let map = mapped();
    for (label, kind) in [("SHA1", "sha1"), ("MD5", "md5"), ("SHA256", "sha256")] {
        let other = digest(kind).chars().rev().collect::<String>();
        let event = |digest: &str| format!("{{\"ImageLoaded\":\"C:\\\\pe32.exe\",\"Hashes\":\"{label}={digest}\"}}\n");
        let input = [event(&digest(kind)), event(&other), event(&digest(kind))].concat();
        for hashes in ["none", "sha256", "all"] {
            let output = out(&["--jobs", "1", "--path-map", &map, "--hashes", hashes], input.as_bytes());
            let lines = String::from_utf8(output).unwrap();
            let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let reasons: Vec<&str> = events.iter().map(|event| event["sigscan"]["reason"].as_str().unwrap()).collect();
            assert_eq!(reasons, ["ok", "not-found", "ok"], "{label} --hashes {hashes}");
        }
    }
}
