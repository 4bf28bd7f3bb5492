//! The hunt as its users meet it: files in, findings out, whatever the order and the partition.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(words).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// The words of a scan with the fixtures' roots and moment.
fn judging() -> Vec<String> {
    let mut words = vec!["--at".to_owned(), "2026-06-01T00:00:00Z".to_owned(), "--quiet".to_owned()];
    for pem in ["testdata/pki/root.pem", "testdata/pki/tsa-root.pem"] {
        words.extend(["--trust-store".to_owned(), root(pem).display().to_string()]);
    }
    words
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn lines(text: &str, schema: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["schema"] == schema).collect()
}

/// A quarantine folder: an honest file, its signature on three others, and two that have nothing to do with it.
fn quarantine(donor: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        (donor, "tool.exe"),
        ("thief.exe", "invoice.exe"),
        ("thief-unaligned.exe", "report.exe"),
        ("thief-over-signed.exe", "setup.exe"),
        ("self-signed.exe", "own.exe"),
        ("carbon-copy.exe", "shop.exe"),
    ] {
        fs::copy(root("testdata/fixtures").join(from), folder.path().join(to)).unwrap();
    }
    folder
}

fn remove(folder: &tempfile::TempDir, names: &[&str]) {
    names.iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
}

/// Findings with the folder cut off their paths.
fn findings(folder: &Path, output: &Output) -> Vec<Value> {
    let prefix = format!("{}/", folder.display());
    let short = text(output).replace(&prefix, "");
    lines(&short, "sigscan.finding/1")
}

#[test]
fn every_structured_scan_ends_with_what_the_files_share() {
    let folder = quarantine("pe32.exe");
    let output = program(&["--json"]).args(judging()).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let found = findings(folder.path(), &output);
    let codes: Vec<&Value> = found.iter().map(|found| &found["code"]).collect();
    assert_eq!(codes, ["X201", "X208"], "{found:#?}");
    assert_eq!(found[0]["severity"], "critical");
    assert_eq!(found[0]["attack"], json!(["T1036.001"]));
    assert_eq!(found[0]["members"], json!(["invoice.exe", "report.exe", "setup.exe", "tool.exe"]));
    assert_eq!(found[0]["donor"], "tool.exe");
    assert_eq!(found[0]["evidence"]["contents"], 4);
    assert_eq!(found[0]["evidence"]["carriers"], 3);
    assert_eq!(found[0]["evidence"]["signer"], "Fixture Publisher");
    let all = text(&output);
    assert!(all.lines().last().unwrap().contains("sigscan.finding/1"), "findings come last");
    // As one JSON array the finding is the last element; without correlation there is none.
    let array = program(&["--format", "json"]).args(judging()).arg(folder.path()).output().unwrap();
    let array: Value = serde_json::from_slice(&array.stdout).unwrap();
    assert_eq!(array.as_array().unwrap().last().unwrap()["code"], "X208");
    let plain = program(&["--json", "--no-correlate"]).args(judging()).arg(folder.path()).output().unwrap();
    assert_eq!(lines(&text(&plain), "sigscan.finding/1"), [Value::Null; 0]);
    assert_eq!(lines(&text(&plain), "sigscan.record/1"), lines(&all, "sigscan.record/1"));
}

#[test]
fn an_unsigned_donor_is_named() {
    let folder = quarantine("unsigned-pe32.exe");
    // The lab signed the donor's content more than once: those copies would be donors too.
    remove(&folder, &["own.exe", "shop.exe", "report.exe", "setup.exe"]);
    let output = program(&["--json"]).args(judging()).arg(folder.path()).output().unwrap();
    let found = findings(folder.path(), &output);
    let short: Vec<_> = found.iter().map(|f| (&f["code"], &f["members"], &f["donor"])).collect();
    assert_eq!(short, [(&json!("X203"), &json!(["invoice.exe", "tool.exe"]), &json!("tool.exe"))]);
}

#[test]
fn findings_fail_a_scan_when_asked() {
    let folder = quarantine("pe32.exe");
    for (word, code) in [("critical", Some(1)), ("high", Some(1)), ("revoked", Some(1))] {
        let output = program(&["--json", "--fail-on", word]).args(judging()).arg(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), code, "{word}");
    }
    remove(&folder, &["invoice.exe", "own.exe", "shop.exe", "report.exe", "setup.exe"]);
    let output = program(&["--json", "--fail-on", "info"]).args(judging()).arg(folder.path()).output().unwrap();
    assert_eq!((output.status.code(), lines(&text(&output), "sigscan.finding/1").len()), (Some(0), 0));
}

#[test]
fn a_person_reads_who_carries_whose_signature() {
    let folder = quarantine("pe32.exe");
    let output = program(&["hunt", "--min-severity", "high"]).args(judging()).arg(folder.path()).output().unwrap();
    let shown = text(&output).replace(&format!("{}/", folder.path().display()), "");
    let expected = "\
CRITICAL X201 One signature, several contents
  donor    Valid        tool.exe
  files    Invalid      invoice.exe
           Invalid      report.exe
           Invalid      setup.exe
  proof    signer “Fixture Publisher”, carriers 3, contents 4, pkcs7 4c96e269…

CRITICAL S113 Certificate signed by itself that names another issuer
  files    Untrusted    shop.exe
  proof    certificate 374fcb7b…, issuer “CN=Well Known TLS CA, O=Well Known, C=XX”, serial “51”, subject “CN=www.shop.example, O=Sigscan Fixtures, C=XX”

HIGH     X208 Cloned version resource
  donor    Valid        tool.exe
  files    Invalid      invoice.exe
           Invalid      report.exe
           Invalid      setup.exe
  proof    signer “Fixture Publisher”, falsely signed 3, originals 1, signed by others 0, unsigned 0, version res d6e0c512…

HIGH     S101 Signature does not match content
  files    3 whose signature others carry, too: named above

HIGH     S114 Self-signed in the name of a known publisher
  files    Self-signed  own.exe
  proof    name “Microsoft Corporation”, publisher “Microsoft Corporation”

HIGH     S104 An older certificate table lies before the new one
  files    Invalid      setup.exe
  proof    offset 2048, size 2480

6 findings (2 critical, 4 high) among 6 files; 2 milder ones that --min-severity info shows
";
    assert_eq!(shown, expected);
    let nothing = program(&["hunt", "--min-severity", "critical"]).args(judging()).arg(root("src")).output().unwrap();
    assert_eq!(text(&nothing), "0 findings among 0 files\n");
}

/// Words of a scan that says on standard error what it has to.
fn aloud() -> Vec<String> {
    judging().into_iter().filter(|word| word != "--quiet").collect()
}

/// No finding among files that nobody judged is no answer.
#[test]
fn a_hunt_says_what_it_did_not_judge() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["pe32.exe", "thief.exe"] {
        fs::copy(root("testdata/fixtures").join(name), folder.path().join(name)).unwrap();
    }
    let hunt = |arguments: &[&str]| {
        let output = program(&["hunt"]).args(aloud()).args(arguments).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        let (_, said) = said.split_once('\n').unwrap(); // with how long it took
        (text(&output), said.to_owned(), output.status.code())
    };
    let basis =
        "  Trusting root.pem, tsa-root.pem, as of 2026-06-01 00:00:00 UTC; revocation and catalogs not checked\n";
    let told = format!(
        "  Error        2  limit reached\n    ./pe32.exe: the file has 4528 bytes, more than the limit of 10\n    \
         ./thief.exe: the file has 4544 bytes, more than the limit of 10\n{basis}"
    );
    assert_eq!(hunt(&[".", "--max-size", "10"]), ("0 findings among 2 files\n".to_owned(), told, Some(0)));
    let told = format!("  Error        1  no such file\n    nowhere: No such file or directory (os error 2)\n{basis}");
    assert_eq!(hunt(&["nowhere"]), ("0 findings among 1 file\n".to_owned(), told, Some(2)));
}

/// What nobody would get is refused, with what to do instead.
#[test]
fn options_that_would_do_nothing_are_refused() {
    let refused = |arguments: &[&str]| {
        let output = program(arguments).args(judging()).arg(root("testdata/fixtures/pe32.exe")).output().unwrap();
        assert_eq!((output.status.code(), text(&output).as_str()), (Some(2), ""), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let milder =
        "sigscan: --min-severity is for the list of findings that people read; formats for programs have all of them\n";
    for format in [&["--json"][..], &["--format", "csv"], &["--format", "table"]] {
        assert_eq!(refused(&[&["hunt", "--min-severity", "high"], format].concat()), milder);
    }
    assert_eq!(refused(&["hunt", "--no-findings"]), "sigscan: --no-findings leaves nothing that hunt could show\n");
    assert_eq!(
        refused(&["--json", "--no-findings", "--fail-on", "high"]),
        "sigscan: --fail-on with a severity needs findings, which --no-findings leaves out; a status needs none\n"
    );
    let list = root("testdata/blocklists/policy.xml");
    assert_eq!(
        refused(&["--json", "--allowlist", &format!("csv:{}", list.display())]),
        "sigscan: --allowlist needs --blocklist: it takes back what a block-list says, and there is none\n"
    );
    let mut allowed = program(&["--json", "--no-findings", "--fail-on", "invalid"]);
    let status = allowed.args(judging()).arg(root("testdata/fixtures/thief.exe")).output().unwrap().status.code();
    assert_eq!(status, Some(1), "a status needs no findings");
}

/// A payload behind a signature that holds: the table does not look like that of any other Valid file.
#[test]
fn a_valid_file_with_a_payload_does_not_look_like_others() {
    let folder = root("testdata/scenarios/sigflip");
    let scan = |arguments: &[&str]| {
        let output = program(arguments).args(aloud()).current_dir(&folder).output().unwrap();
        (text(&output), String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    let (table, said, code) = scan(&[".", "--fail-on", "critical"]);
    assert_eq!(code, Some(1));
    let rows: Vec<String> = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(rows.contains(&"Valid critical finding Fixture Publisher ./injected.exe".to_owned()), "{table}");
    assert!(rows.contains(&"Valid Fixture Publisher ./tool.exe".to_owned()), "{table}");
    assert!(said.contains("\n  Findings: 1 critical; sigscan hunt shows them\n"), "{said}");
    let (story, ..) = scan(&["injected.exe"]);
    let told = story.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("These bytes are the ones that were signed, except 55 bytes that nobody signed (see"),
        "{story}"
    );
    assert!(told.contains("“Fixture Publisher” signed these bytes, except 55 bytes that nobody signed CN="), "{story}");
    let (story, ..) = scan(&["tool.exe"]);
    let told = story.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("✔ “Fixture Publisher” signed exactly these bytes CN="), "{story}");
}

/// The same path on two machines is two files.
#[test]
fn members_of_many_machines_name_theirs() {
    let folder = quarantine("pe32.exe");
    remove(&folder, &["own.exe", "shop.exe", "report.exe", "setup.exe"]);
    let on = |host: Option<&str>, from: &str, to: &str| {
        fs::copy(root("testdata/fixtures").join(from), folder.path().join("tool.exe")).unwrap();
        let mut program = program(&["--json"]);
        let host: Vec<&str> = host.into_iter().flat_map(|host| ["--host", host]).collect();
        let scan = program.args(host).args(judging()).arg(folder.path().join("tool.exe")).output().unwrap();
        let path = folder.path().join(to);
        fs::write(&path, &scan.stdout).unwrap();
        path
    };
    let named = [on(Some("WS02"), "thief.exe", "two"), on(Some("WS01"), "pe32.exe", "one")];
    let unnamed = on(None, "thief-unaligned.exe", "three");
    let correlated = |files: &[PathBuf]| {
        let output = program(&["correlate"]).args(files).output().unwrap();
        findings(folder.path(), &output)
    };
    let found = correlated(&named);
    let codes: Vec<&Value> = found.iter().map(|found| &found["code"]).collect();
    assert_eq!(codes, ["X201", "X208"], "{found:#?}");
    assert_eq!((&found[0]["code"], &found[0]["members"]), (&json!("X201"), &json!(["tool.exe", "tool.exe"])));
    assert_eq!(found[0]["hosts"], json!(["WS01", "WS02"]));
    assert_eq!((&found[0]["donor"], &found[0]["donor_host"]), (&json!("tool.exe"), &json!("WS01")));
    let found = correlated(&[&named[..], &[unnamed]].concat());
    assert_eq!(found[0]["hosts"], json!(["WS01", "WS02", null]));
    let lines = text(&program(&["correlate"]).args(&named).output().unwrap());
    let hosts: Vec<Value> = self::lines(&lines, "sigscan.keys/1").iter().map(|line| line["host"].clone()).collect();
    assert_eq!(hosts, ["WS01", "WS02"]);
}

#[test]
fn correlation_depends_on_neither_order_nor_partition() {
    let scan = program(&["--json"]).args(judging()).arg(root("testdata/fixtures")).output().unwrap();
    let all = text(&scan);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let correlate = |files: &[PathBuf]| {
        let output = program(&["correlate"]).args(files).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        text(&output)
    };
    let whole = correlate(&[write("all", all.clone())]);
    assert_eq!(lines(&whole, "sigscan.finding/1"), lines(&all, "sigscan.finding/1"), "a scan finds the same");
    assert!(lines(&whole, "sigscan.finding/1").len() > 5);
    let keys = lines(&whole, "sigscan.keys/1");
    assert_eq!(keys.len(), lines(&all, "sigscan.record/1").len(), "every record is carried on");
    let validator = jsonschema::validator_for(&serde_json::from_slice(&generated("keys-schema")).unwrap()).unwrap();
    assert!(keys.iter().all(|line| validator.is_valid(line)));
    // Halves, each correlated by itself, and then their results together.
    let records: Vec<&str> = all.lines().collect();
    let part = |name: &str, keep: &dyn Fn(usize) -> bool| {
        let kept = records.iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, line)| format!("{line}\n"));
        write(name, kept.collect())
    };
    let middle = records.len() / 2;
    let halves = [part("first", &|index| index < middle), part("second", &|index| index >= middle)];
    let halves = halves.map(|half| write(&format!("{}-keys", half.display()), correlate(std::slice::from_ref(&half))));
    assert_eq!(correlate(&halves), whole);
    // Thirds, shuffled: every line goes to the part that its length names, backwards.
    let thirds = [0, 1, 2].map(|rest| {
        let mut kept: Vec<&str> = records.iter().copied().filter(|line| line.len() % 3 == rest).collect();
        kept.reverse();
        write(&format!("third-{rest}"), kept.join("\n"))
    });
    let [one, two, three] = thirds;
    assert_eq!(correlate(&[three.clone(), one.clone(), two.clone()]), whole);
    let mixed = write("mixed", correlate(&[two]));
    assert_eq!(correlate(&[one, mixed.clone(), three, mixed]), whole, "what comes twice counts once");
}

#[test]
fn lines_that_are_no_records_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd");
    fs::write(&path, "{\"schema\":\"sigscan.record/1\"}\n\nnot JSON\n{\"schema\":\"sigscan.finding/1\"}\n[]\n")
        .unwrap();
    let output = program(&["correlate"]).arg(&path).output().unwrap();
    assert_eq!((output.status.code(), text(&output).as_str()), (Some(2), ""));
    let message = format!("sigscan: {}: 3 lines are no records, first 1\n", path.display());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), message);
}

fn generated(what: &str) -> Vec<u8> {
    program(&["generate", what]).output().unwrap().stdout
}

/// Writes the checked-in copy when blessing, else says that it is stale.
#[test]
fn the_checked_in_schemas_and_the_page_of_findings_are_current() {
    for (what, path) in [
        ("finding-schema", "schema/finding.schema.json"),
        ("keys-schema", "schema/keys.schema.json"),
        ("baseline-schema", "schema/baseline.schema.json"),
        ("findings", "docs/findings.md"),
    ] {
        let current = generated(what);
        if std::env::var_os("SIGSCAN_BLESS").is_some() {
            fs::write(root(path), &current).unwrap();
        }
        assert!(fs::read(root(path)).unwrap() == current, "{path} is stale: SIGSCAN_BLESS=1 writes it anew");
    }
    let schema: Value = serde_json::from_slice(&generated("finding-schema")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let scan = program(&["--json"]).args(judging()).arg(root("testdata/fixtures")).output().unwrap();
    let found = lines(&text(&scan), "sigscan.finding/1");
    assert!(!found.is_empty() && found.iter().all(|line| validator.is_valid(line)));
}

#[test]
fn a_finding_is_explained() {
    let output = program(&["explain", "x206"]).output().unwrap();
    let expected = "\
X206  One timestamp on several signatures

  severity    high
  confidence  proof
  ATT&CK      T1553.002

  Given when
    Files carry the same timestamp token on signatures that differ, be it one
    of several.

  Why it matters
    A timestamp is made over one signature. On any other one it proves
    nothing, and was put there to look old.

  What to do
    Trust the timestamp of the file whose record says that it is verified, and
    no other.

  What else it may be
    None known.

  References
    https://www.rfc-editor.org/rfc/rfc3161#section-2.4.2
";
    assert_eq!(text(&output), expected);
}

/// Codes and severities of the findings that a fixture's record must have, from what was done to the file; `None` where
/// the fixture is honest. Written from the table of findings, not from the program.
const FIXTURES: &[(&str, &[(&str, &str)])] = &[
    ("pe32.exe", &[]),
    ("token.exe", &[]),
    ("counter.exe", &[]),
    ("nested.exe", &[]),
    ("unsigned-pe32.exe", &[]),
    ("thief.exe", &[("S101", "high")]),
    ("thief-unaligned.exe", &[("S101", "high"), ("S105", "medium")]),
    ("thief-over-signed.exe", &[("S101", "high"), ("S104", "high"), ("S112", "medium")]),
    ("tampered-section.exe", &[("S101", "high"), ("S112", "medium")]),
    ("bytes-after-table.exe", &[("S101", "high"), ("S108", "high"), ("S112", "medium")]),
    ("padding-payload.exe", &[("S106", "critical")]),
    ("padding-zeros.exe", &[]),
    ("carbon-copy.exe", &[("S113", "critical")]),
    ("self-signed.exe", &[("S114", "high")]),
    ("root-same-name-in-bag.exe", &[("S115", "critical")]),
    ("usage-server.exe", &[("S116", "high")]),
    ("expired.exe", &[("S120", "high")]),
    ("expired-token.exe", &[]),
    ("token-wrong-imprint.exe", &[("S118", "high")]),
    ("tsa-untrusted.exe", &[("S118", "medium")]),
    ("rsa-1024.exe", &[("S121", "low")]),
    ("revoked-by-bag.exe", &[("S124", "high")]),
    ("unsigned-attribute-unknown.exe", &[("S109", "medium")]),
    ("checksum-wrong.exe", &[("S112", "info")]),
];

#[test]
fn each_trick_is_found_and_honest_files_have_no_findings() {
    let paths: Vec<PathBuf> = FIXTURES.iter().map(|(name, _)| root("testdata/fixtures").join(name)).collect();
    let output = program(&["--json"]).args(judging()).args(&paths).output().unwrap();
    let records = lines(&text(&output), "sigscan.record/1");
    assert_eq!(records.len(), FIXTURES.len());
    for (record, (name, expected)) in records.iter().zip(FIXTURES) {
        let found = record["findings"].as_array().unwrap().iter();
        let found: Vec<_> = found.map(|f| (f["code"].as_str().unwrap(), f["severity"].as_str().unwrap())).collect();
        assert_eq!(&found, expected, "{name}");
    }
    let plain = program(&["--json", "--no-findings"]).args(judging()).args(&paths).output().unwrap();
    let mut stripped = records.clone();
    stripped.iter_mut().for_each(|record| record["findings"] = json!([]));
    assert_eq!(lines(&text(&plain), "sigscan.record/1"), stripped, "a finding changes nothing else");
    assert_eq!(lines(&text(&plain), "sigscan.finding/1"), [Value::Null; 0]);
}

#[test]
fn lists_name_files_and_signers_and_an_allowlist_stays_visible() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        format!("csv:{}", folder.path().join(name).display())
    };
    let pe32 = root("testdata/fixtures/pe32.exe");
    let thief = root("testdata/fixtures/thief.exe");
    let honest = root("testdata/fixtures/self-signed.exe");
    let scan = |words: &[&str]| {
        let output = program(&["--json"]).args(judging()).args(words).args([&pe32, &thief, &honest]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let records = lines(&text(&output), "sigscan.record/1");
        let listed = |record: &Value| {
            let findings = record["findings"].as_array().unwrap();
            findings.iter().find(|finding| finding["code"] == "S122").cloned().unwrap_or_default()
        };
        records.iter().map(listed).collect::<Vec<_>>()
    };
    assert_eq!(scan(&[]), [Value::Null, Value::Null, Value::Null]);
    let plain = program(&["--json"]).args(judging()).arg(&pe32).output().unwrap();
    let record = lines(&text(&plain), "sigscan.record/1").remove(0);
    let thumbprint = record["signer"]["thumbprint_sha1"].as_str().unwrap();
    let digest = record["authentihash"]["sha256"].as_str().unwrap();
    // A signer: the file whose signature holds is worse than the one that carries a copy.
    let header = "type,value,name,reason,severity,reference\n";
    let by_signer =
        write("signer.csv", &format!("{header}thumbprint,{thumbprint},Fixture Publisher,stolen,critical,\n"));
    let found = scan(&["--blocklist", &by_signer]);
    assert_eq!((&found[0]["severity"], &found[0]["evidence"]["signer_verified"]), (&json!("critical"), &json!(true)));
    assert_eq!((&found[1]["severity"], &found[1]["evidence"]["signer_verified"]), (&json!("medium"), &json!(false)));
    assert_eq!(found[0]["evidence"]["list"], "signer.csv");
    assert_eq!(found[0]["evidence"]["reason"], "stolen");
    assert_eq!(found[2], Value::Null);
    // A content, and by issuer and serial number as lists have them.
    let by_content = write("content.csv", &format!("{header}authentihash,{digest},tool,vulnerable,,\n"));
    assert_eq!(scan(&["--blocklist", &by_content])[0]["severity"], "high");
    let by_number = write("number.csv", &format!("{header}issuer-serial,Fixture Issuing CA/00:10:20:30,x,y,,\n"));
    assert_eq!(scan(&["--blocklist", &by_number])[0]["evidence"]["by"], "issuer-serial");
    // Wanted all the same.
    let allowed = write("allowed.csv", &format!("{header}thumbprint,{thumbprint},ours,our own test key,,\n"));
    let found = scan(&["--blocklist", &by_signer, "--allowlist", &allowed]);
    assert_eq!(found[0]["severity"], "info");
    assert_eq!(found[0]["evidence"]["allowed"], "allowed.csv: our own test key");
    // A copy of a wanted signature makes nothing harmless, the file's own digest does.
    assert_eq!((&found[1]["severity"], &found[1]["evidence"]["allowed"]), (&json!("medium"), &Value::Null));
    let copied = |list: &str| &scan(&["--blocklist", &by_signer, "--allowlist", list])[1]["severity"] == "info";
    let thief_record = program(&["--json"]).args(judging()).arg(&thief).output().unwrap();
    let thief_digest = lines(&text(&thief_record), "sigscan.record/1").remove(0)["authentihash"]["sha256"].clone();
    let thief_digest = thief_digest.as_str().unwrap();
    assert!(copied(&write("copy.csv", &format!("{header}authentihash,{thief_digest},ours,x,,\n"))));
    assert!(!copied(&write(
        "number-too.csv",
        &format!("{header}issuer-serial,Fixture Issuing CA/00:10:20:30,x,y,,\n")
    )));
    // A list that is none stops the scan before it starts.
    let broken = write("broken.csv", "type,value\nrumour,x\n");
    let output = program(&["--json", "--blocklist", &broken]).args(judging()).arg(&pe32).output().unwrap();
    assert_eq!((output.status.code(), text(&output).as_str()), (Some(2), ""));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.ends_with("broken.csv: line 2: \"rumour\" is no type of entry\n"), "{said}");
}
