//! What the author of an event, or of a file, may not do: choose whose verdict an event gets, or write one.

use serde_json::{Value, json};

use super::{mapped, out};

/// A line as readers take it that put something else for half of a surrogate pair.
fn read(line: &str) -> Value {
    serde_json::from_str(&line.replace(r"\ud800", "?")).unwrap()
}

/// Status, reason and what went wrong, of each line.
fn verdicts(arguments: &[&str], input: &str) -> Vec<Value> {
    let output = String::from_utf8(out(arguments, input.as_bytes())).unwrap();
    let events = output.lines().map(read);
    events
        .map(|event| {
            let said = event.get("$!").unwrap_or(&event).get("sigscan").cloned().unwrap_or_default();
            json!([said["status"], said["reason"], said["error"]["message"]])
        })
        .collect()
}

/// A name that nobody can read says which file is loaded, and that is not the process.
#[test]
fn a_name_that_cannot_be_read_never_gets_the_verdict_of_another_file() {
    let process = r#""Image":"C:\\pe32.exe","process":{"executable":"C:\\pe32.exe"}"#;
    let names = [r#""C:\\x\ud800.dll""#, r#"["C:\\thief.exe"]"#, r#"{"x":"C:\\thief.exe"}"#];
    let events: Vec<String> = names
        .iter()
        .flat_map(|name| {
            [
                format!(r#"{{"EventID":7,"EventData":{{{process},"ImageLoaded":{name}}}}}"#),
                format!(r#"{{"EventID":11,"TargetFilename":{name},{process}}}"#),
                format!(r#"{{"dll":{{"path":{name}}},{process}}}"#),
            ]
        })
        .collect();
    let unreadable = json!(["Error", "not-found", "the event's file name cannot be read"]);
    let mapped = mapped();
    let common = ["--path-map", mapped.as_str(), "--compact"];
    assert_eq!(verdicts(&common, &events.join("\n")), vec![unreadable.clone(); 9]);
    let merged = out(&[&common[..], &["--merge", "ecs"]].concat(), events[2].as_bytes());
    let merged = read(std::str::from_utf8(&merged).unwrap());
    assert_eq!((&merged["sigscan"]["reason"], &merged["dll"].get("code_signature")), (&json!("not-found"), &None));
    let trees: Vec<String> = events.iter().map(|event| format!(r#"{{"msg":"x",{process},"$!":{event}}}"#)).collect();
    let rsyslog = [&common[..], &["--protocol", "rsyslog"]].concat();
    assert_eq!(verdicts(&rsyslog, &trees.join("\n")), vec![unreadable; 9]);
    // A number is no name, and says nothing of the process either.
    let number = format!(r#"{{"ImageLoaded":7,{process}}}"#);
    assert_eq!(out(&common, number.as_bytes()), number.as_bytes());
    assert_eq!(out(&rsyslog, format!(r#"{{{process},"$!":{number}}}"#).as_bytes()), b"{}");
    // What says nothing stands in nobody's way.
    let nothing = [r#""-""#, r#""""#, "null"].map(|name| format!(r#"{{"ImageLoaded":{name},{process}}}"#)).join("\n");
    assert_eq!(verdicts(&common, &nothing), vec![json!(["Valid", "ok", null]); 3]);
}

/// Cells of ours that a table brings along are forged, whether a row gets a verdict or not.
#[test]
fn no_row_of_a_table_says_a_verdict_of_its_own() {
    let whole = out(&["--protocol", "csv"], b"path\n");
    let ours = String::from_utf8(whole).unwrap().trim_end().trim_start_matches("path,").to_owned();
    let forged = "Valid,".repeat(ours.split(',').count());
    let some = ["sigscan.status,sigscan.Signer", "Valid,Microsoft Corporation", ","];
    let mapped = mapped();
    let arguments = ["--protocol", "csv", "--compact", "--path-map", mapped.as_str()];
    let cases = [
        // All of our columns are there, and no file is.
        (format!("path,{ours},x\n,{forged}y\n"), format!("path,{ours},x\n,{}y\n", ",".repeat(23))),
        (format!("path,{ours},x\r\n,Valid\r\n"), format!("path,{ours},x\r\n{}\r\n", ",".repeat(24))),
    ];
    for (input, wanted) in cases {
        assert_eq!(String::from_utf8(out(&arguments, input.as_bytes())).unwrap(), wanted);
    }
    // A row that is none of this table's, to whoever cuts off what is too much.
    let input = "sigscan.status,path\nValid,C:\\pe32.exe,\"x,\ny\"\r\n";
    let output = String::from_utf8(out(&arguments, input.as_bytes())).unwrap();
    assert_eq!(output.split_once('\n').unwrap().1, ",C:\\pe32.exe,\"x,\ny\"\r\n");
    // No room is left for a verdict.
    let full = "z".repeat(65_520);
    for (head, cells, gone) in [(some[0], some[1], some[2]), (&ours, forged.trim_end_matches(','), &",".repeat(22))] {
        let input = format!("path,{head},x\nC:\\pe32.exe,{cells},{full}\n");
        let output = String::from_utf8(out(&arguments, input.as_bytes())).unwrap();
        let row = output.split_once('\n').unwrap().1;
        assert!(row == format!("C:\\pe32.exe,{gone},{full}\n"), "{}", row.replace(&full, "z"));
    }
    // What stands in a lookup is its owner's.
    let lookup = "path,status,x\n,Valid,y\n,Valid\n";
    assert_eq!(out(&["--protocol", "splunk-lookup"], lookup.as_bytes()), lookup.as_bytes());
}

/// rsyslog puts the members of the answer over those of the message.
#[test]
fn no_message_of_rsyslog_s_keeps_a_verdict_of_its_own() {
    let mapped = mapped();
    let arguments = ["--protocol", "rsyslog", "--compact", "--path-map", mapped.as_str()];
    let answer = |arguments: &[&str], message: &str| String::from_utf8(out(arguments, message.as_bytes())).unwrap();
    let cases = [
        (r#"{"msg":"x","$!":{"sigscan":{"status":"Valid"}}}"#, r#"{"$!":{"sigscan":null}}"#),
        (
            r#"{"msg":"x","$!":{"sigscan.status":"Valid","sigscan\u002ereason":"ok","sigscanned":1}}"#,
            r#"{"$!":{"sigscan":null,"sigscan.status":null,"sigscan\u002ereason":null}}"#,
        ),
        (r#"{"msg":"x","$!":{"ImageLoaded":7,"\u0073igscan":1}}"#, r#"{"$!":{"sigscan":null}}"#),
        (r#"{"msg":"x","$!":{"sigscanned":1}}"#, "{}"),
        (r#"{"msg":"x","sigscan":{"status":"Valid"}}"#, "{}"),
        (r#"{"msg":"x","$!":"sigscan"}"#, "{}"),
    ];
    for (message, wanted) in cases {
        assert_eq!(answer(&arguments, message), wanted, "{message}");
    }
    let forged = r#"{"$!":{"sig.status":"Valid","ImageLoaded":"C:\\thief.exe"}}"#;
    let judged = answer(&[&arguments[..], &["--target-field", "sig"]].concat(), forged);
    let judged: Value = serde_json::from_str(&judged).unwrap();
    let tree = &judged["$!"];
    assert_eq!((&tree["sig"]["status"], tree.get("sig.status")), (&json!("Invalid"), Some(&Value::Null)));
    assert_eq!(answer(&[&arguments[..], &["--target-field", "sig"]].concat(), cases[0].0), "{}");
    // More parts than an answer has room for.
    let parts: String = (0..6000).map(|number| format!(r#","sigscan.{number}":0"#)).collect();
    let full = format!(r#"{{"$!":{{"ImageLoaded":"C:\\thief.exe"{parts}}}}}"#);
    let full: Value = serde_json::from_str(&answer(&arguments, &full)).unwrap();
    let tree = full["$!"].as_object().unwrap();
    assert_eq!((tree.len(), tree.values().all(Value::is_null)), (6001, true));
}

#[test]
fn a_cell_that_cannot_be_read_never_gets_the_verdict_of_another_column() {
    let input = b"Image,ImageLoaded,sigscan.status\nC:\\pe32.exe,C:\\\xff.dll,\nC:\\pe32.exe,-,\n";
    let output = out(&["--protocol", "csv", "--path-map", &mapped()], input);
    let rows: Vec<&[u8]> = output.split(|byte| *byte == b'\n').skip(1).collect();
    assert!(rows[0].starts_with(b"C:\\pe32.exe,C:\\\xff.dll,Error,"), "{}", String::from_utf8_lossy(rows[0]));
    assert!(String::from_utf8_lossy(rows[0]).contains(",the event's file name cannot be read,"));
    assert!(rows[1].starts_with(b"C:\\pe32.exe,-,Valid,"), "{}", String::from_utf8_lossy(rows[1]));
    let lookup = out(&["--protocol", "splunk-lookup", "--path-map", &mapped()], b"path,status\nC:\\\xff,\n");
    assert_eq!(lookup, b"path,status\nC:\\\xff,Error\n");
}
