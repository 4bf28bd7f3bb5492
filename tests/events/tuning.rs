//! The false positives that the published detections warn of, each left out by an option, and nothing beside it.

use std::fs;

use serde_json::{Value, json};

use super::join::{Drive, hash, load};
use super::{detections, events};

const SIGNTOOL: &str = r"C:\Kits\signtool.exe";
const CERTUTIL: &str = r"C:\Windows\System32\certutil.exe";

fn process(host: &str, image: &str, command: &str, parent: &str) -> Value {
    json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 1, "Hostname": host, "Image": image,
        "CommandLine": command, "ParentImage": parent, "User": r"EXAMPLE\builder" })
}

fn registry(image: &str, store: &str) -> Value {
    let target = format!(
        r"HKLM\SOFTWARE\Microsoft\SystemCertificates\{store}\Certificates\00112233445566778899AABBCCDDEEFF00112233\Blob"
    );
    json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 13, "Hostname": "WS01", "Image": image,
        "TargetObject": target })
}

fn written(image: &str, target: &str) -> Value {
    json!({ "SourceName": "Microsoft-Windows-Sysmon", "EventID": 11, "Hostname": "WS01", "Image": image,
        "TargetFilename": target })
}

/// What is left of these events: the positions of their detections.
fn left(lines: &[Value], arguments: &[&str]) -> Vec<u64> {
    let log = tempfile::NamedTempFile::new().unwrap();
    fs::write(log.path(), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let output = events(&[&["-q", log.path().to_str().unwrap()], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    detections(&output).iter().map(|found| found["event"]["position"].as_u64().unwrap()).collect()
}

#[test]
fn signing_on_build_servers_and_the_same_elsewhere() {
    let sign = "signtool sign /f release.pfx /tr http://time app.exe";
    let lines = [
        process("BUILD01", SIGNTOOL, sign, r"C:\Windows\explorer.exe"),
        process("BUILD01", SIGNTOOL, sign, r"C:\Windows\System32\cmd.exe"),
        process("WS01", SIGNTOOL, sign, r"C:\Windows\System32\cmd.exe"),
        process("WS01", SIGNTOOL, sign, r"C:\Program Files\MSBuild\MSBuild.exe"),
        process("BUILD01", CERTUTIL, "certutil -addstore Root x.cer", r"C:\Windows\System32\cmd.exe"),
    ];
    assert_eq!(left(&lines, &[]), [1, 2, 3, 4, 5]);
    assert_eq!(left(&lines, &["--exclude-host", "build*"]), [3, 4]);
    // A build server that plants roots is another matter.
    assert_eq!(left(&lines, &["--exclude", "host=build*, type=SigntoolSigning"]), [3, 4, 5]);
    assert_eq!(left(&lines, &["--exclude-parent", "msbuild.exe"]), [1, 2, 3, 5]);
    let rule = r"type=SigntoolSigning,user=builder,command=*release.pfx /tr *,parent=*\cmd.exe";
    assert_eq!(left(&lines, &["--exclude", rule]), [1, 4, 5]);
}

#[test]
fn certificates_that_agents_and_software_distribution_import() {
    let import = "certutil -importpfx x.pfx";
    let lines = [
        process("WS01", CERTUTIL, import, r"C:\Program Files\Venafi\agent.exe"),
        process("WS01", CERTUTIL, "certutil -addstore TrustedPublisher x.cer", r"C:\Windows\CCM\CcmExec.exe"),
        process("WS01", CERTUTIL, import, r"C:\Windows\System32\cmd.exe"),
        registry(r"C:\Program Files\Venafi\agent.exe", "TrustedPublisher"),
        registry(r"C:\Windows\System32\wuauclt.exe", "AuthRoot"),
        registry(r"C:\Users\x\wuauclt.exe", "Root"),
    ];
    assert_eq!(left(&lines, &["--exclude-parent", r"*\Venafi\*", "--exclude-image", r"*\venafi\*"]), [2, 3, 5, 6]);
    assert_eq!(left(&lines, &["--exclude-parent", "ccmexec.exe"]), [1, 3, 4, 5, 6]);
    assert_eq!(left(&lines, &["--exclude-image", r"C:\Windows\System32\wuauclt.exe"]), [1, 2, 3, 4, 6]);
    let rule = "image=wuauclt.exe, store=AuthRoot";
    assert_eq!(left(&lines, &["--exclude", rule]), [1, 2, 3, 4, 6]);
}

#[test]
fn certificate_files_that_security_agents_write() {
    let agent = r"C:\Program Files\CrowdStrike\CSFalconService.exe";
    let lines = [
        written(agent, r"C:\Users\x\AppData\Local\Temp\inspect.cer"),
        written(r"C:\evil.exe", r"C:\Users\x\AppData\Local\Temp\inspect.cer"),
        written(r"C:\evil.exe", r"C:\ProgramData\Agent, Inc\ssl.crt"),
    ];
    assert_eq!(left(&lines, &["--exclude-image", r"C:\Program Files\CrowdStrike\*"]), [2, 3]);
    assert_eq!(left(&lines, &["--exclude-path", r"C:\ProgramData\Agent, Inc\*"]), [1, 2]);
    // A comma belongs to the pattern unless a key follows.
    assert_eq!(left(&lines, &["--exclude", r"path=C:\ProgramData\Agent, Inc\*, image=evil.exe"]), [1, 2]);
}

/// Own software whose certificate has expired, drivers that carry test signatures, quarantines and sandboxes.
#[test]
fn signatures_that_are_known_not_to_hold() {
    let drive = Drive::new();
    let unavailable = ["false", "-", "Unavailable"];
    let expired = hash("scenarios/expired/built-before.exe")[0].clone();
    let self_signed = hash("scenarios/t1036.001-test-1/test_signed.exe")[0].clone();
    let temp = r"C:\Users\alice\AppData\Local\Temp";
    let mut sandboxed = load(&format!(r"{temp}\copied.exe"), "", unavailable);
    sandboxed["Image"] = json!(r"C:\Program Files\Sandbox\sandbox.exe");
    let lines = [
        load(r"C:\Tools\built-before.exe", &expired, unavailable),
        load(&format!(r"{temp}\test_signed.exe"), &self_signed, unavailable),
        sandboxed,
    ];
    let left = |arguments: &[&str]| -> Vec<u64> {
        let (found, _) = drive.found(&lines, arguments);
        found.iter().map(|found| found["event"]["position"].as_u64().unwrap()).collect()
    };
    assert_eq!(left(&[]), [1, 2, 3]);
    assert_eq!(left(&["--exclude-signer", "Fixture Publisher"]), [2, 3]);
    // Anybody may call a certificate so; its digest is its own.
    assert_eq!(left(&["--exclude-signer", "Microsoft*"]), [1, 2, 3]);
    let (found, _) = drive.found(&lines, &[]);
    let thumbprint = found[1]["signature"]["thumbprint_sha1"].as_str().unwrap().to_uppercase();
    assert_eq!(left(&["--exclude-signer", &thumbprint]), [1, 3]);
    let rule = format!(r"signer={thumbprint}, path=*\Temp\*, type=InvalidCodeSignature");
    assert_eq!(left(&["--exclude", &rule]), [1, 3]);
    assert_eq!(left(&["--exclude-image", "sandbox.exe"]), [1, 2]);
    assert_eq!(left(&["--exclude-path", r"C:\Users\*\Temp\copied.exe"]), [1, 2]);
}

#[test]
fn rules_that_would_leave_out_nothing_are_refused() {
    for (rule, said) in [
        ("BUILD01", "KEY is one of type, host, user"),
        ("machine=x", "KEY is one of"),
        ("host=", "empty"),
        ("type=Signtool", "type is one of InvalidCodeSignature, SigntoolSigning"),
        ("host=[a", "unclosed"),
    ] {
        let output = events(&["-q", "falcon.jsonl", "--exclude", rule]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{rule}");
        assert!(error.starts_with(&format!("sigscan: --exclude {rule}: ")) && error.contains(said), "{error}");
    }
}
