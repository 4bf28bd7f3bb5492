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
