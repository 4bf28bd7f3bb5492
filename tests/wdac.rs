//! App Control policies as block-lists: which files they name, by which rule, and what the user is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)] // tests may overflow: they would panic, and fail

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lab::cast::{inter, leaf, root, signature_hash};
use lab::cms::Signature;
use lab::keys::{Hash, Key};
use lab::pe::{Pe, resources_of, sign};
use lab::version::Version;
use serde_json::{Value, json};
use sigscan::Scanner;
use sigscan::trust::{BlockLists, ListKind};

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// A policy that denies all its Deny rules and signers in one scenario: 131 for drivers, 12 for programs.
fn policy(scenario: u8, file_rules: &str, signers: &str) -> String {
    let ids = |text: &str, element: &str| -> Vec<String> {
        let start = format!("<{element} ID=\"");
        text.split(start.as_str()).skip(1).map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let denied: String = ids(signers, "Signer").iter().map(|id| format!("<DeniedSigner SignerId=\"{id}\"/>")).collect();
    let files: String = ids(file_rules, "Deny").iter().map(|id| format!("<FileRuleRef RuleID=\"{id}\"/>")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<SiPolicy xmlns=\"urn:schemas-microsoft-com:sipolicy\">\n\
         <EKUs><EKU ID=\"ID_EKU_CODE\" Value=\"01082B06010505070303\"/></EKUs><FileRules>\
         <Allow ID=\"ID_ALLOW_ALL\" FriendlyName=\"Allow everything else\" FileName=\"*\"/>{file_rules}</FileRules>\
         <Signers>{signers}</Signers><SigningScenarios><SigningScenario Value=\"{scenario}\" ID=\"ID_SIGNINGSCENARIO_A\">\
         <ProductSigners><DeniedSigners>{denied}</DeniedSigners><FileRulesRef><FileRuleRef RuleID=\"ID_ALLOW_ALL\"/>{files}\
         </FileRulesRef></ProductSigners></SigningScenario></SigningScenarios></SiPolicy>"
    )
}

fn signer(certificate: &[u8], conditions: &str) -> String {
    let root = hex(certificate);
    format!(
        "<Signer ID=\"ID_SIGNER_A\" Name=\"Some CA\"><CertRoot Type=\"TBS\" Value=\"{root}\"/>{conditions}</Signer>"
    )
}

struct Lists {
    folder: tempfile::TempDir,
}

impl Lists {
    fn new() -> Lists {
        Lists { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn scanner(&self, lists: &[(ListKind, &str, &str)]) -> Scanner {
        let lists: Vec<_> = lists.iter().map(|(kind, name, text)| (*kind, self.write(name, text))).collect();
        let scanner = program::scanner(&["root", "tsa-root"], lab::catalogue::AT, &[]);
        scanner.with_blocklists(BlockLists::load(&lists).unwrap(), BlockLists::default())
    }
}

/// S122 of a file under one policy: its severity and evidence.
fn found(policy: &str, file: &[u8]) -> Option<(String, Value)> {
    let lists = Lists::new();
    listed(&lists.scanner(&[(ListKind::Wdac, "SiPolicy.xml", policy)]), file)
}

fn listed(scanner: &Scanner, file: &[u8]) -> Option<(String, Value)> {
    let record = serde_json::to_value(scanner.scan_bytes("file", file)).unwrap();
    let findings = record["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["code"] == "S122")?;
    Some((finding["severity"].as_str().unwrap().to_owned(), finding["evidence"].clone()))
}

/// What S122 has of a rule of the policy above.
fn evidence(rule: [&str; 2], by: &str, value: &str, scenario: &str, signer_verified: Option<bool>) -> Value {
    json!({"list": "SiPolicy.xml", "rule": rule[0], "by": by, "value": value, "name": rule[1], "scenario": scenario,
        "signer_verified": signer_verified, "allowed": null})
}

const TOOL: Version = Version {
    strings: &[
        ("CompanyName", "Somebody"),
        ("FileDescription", "Reads and writes memory"),
        ("InternalName", "tool"),
        ("OriginalFilename", "Tool.sys"),
        ("ProductName", "Some Tools"),
    ],
    fixed: [0x0001_0002, 0x0003_0004, 0, 0],
};

/// A driver that says of itself that it is `Tool.sys` 1.2.3.4.
fn driver() -> Vec<u8> {
    let mut pe = Pe { subsystem: 1, ..Pe::pe64() };
    pe.sections[1] = resources_of(0x2000, 0x400, 0x400, &TOOL);
    pe.bytes()
}

fn signed(image: &[u8]) -> Vec<u8> {
    sign(
        image,
        &Signature {
            certs: vec![leaf().der(), inter().der(), root().der()],
            ..Signature::with(leaf().der(), Key::Leaf)
        },
    )
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(program::testdata().join("fixtures").join(name)).unwrap()
}

/// The digest of the first page, as the specification says it: the headers without CheckSum, the security directory entry
/// and the table, filled up to 4096 octets.
fn first_page(file: &[u8], hash: Hash) -> Vec<u8> {
    let at = u32::from_le_bytes(file[0x3c..0x40].try_into().unwrap()) as usize + 24;
    let wide = file[at..at + 2] == [0x0b, 0x02];
    let (checksum, entry) = (at + 64, at + if wide { 112 } else { 96 } + 32);
    let headers = u32::from_le_bytes(file[at + 60..at + 64].try_into().unwrap()) as usize;
    let mut page = [&file[..checksum], &file[checksum + 4..entry], &file[entry + 8..headers]].concat();
    page.resize(page.len() + 4096 - headers, 0);
    hash.digest(&page)
}

#[test]
fn every_digest_that_windows_asks_for_is_looked_up() {
    let file = signed(&driver());
    let deny = |digest: &str| {
        policy(131, &format!("<Deny ID=\"ID_DENY_A\" FriendlyName=\"tool.sys Hash\" Hash=\"{digest}\"/>"), "")
    };
    let scanner = program::scanner(&["root"], lab::catalogue::AT, &[]);
    let record = scanner.scan_bytes("file", &file);
    let sha256 = record.authentihash["sha256"].clone();
    let rule = ["ID_DENY_A", "tool.sys Hash"];
    let by = |by: &str, value: &str| Some(("high".to_owned(), evidence(rule, by, value, "kernel", None)));
    assert_eq!(found(&deny(&sha256.to_uppercase()), &file), by("authentihash", &sha256));
    // A SHA-1 that the record does not have by itself is computed for the list, and not reported.
    let unsigned = Hash::Sha1.digest(&{
        let image = driver();
        let at = u32::from_le_bytes(image[0x3c..0x40].try_into().unwrap()) as usize + 24;
        [&image[..at + 64], &image[at + 68..at + 144], &image[at + 152..]].concat()
    });
    let sha1 = hex(&unsigned).to_lowercase();
    assert_eq!(found(&deny(&sha1), &file), by("authentihash", &sha1));
    assert_eq!(found(&deny(&sha1), &driver()), by("authentihash", &sha1));
    let lists = Lists::new();
    let scanner = lists.scanner(&[(ListKind::Wdac, "SiPolicy.xml", &deny(&sha1))]);
    assert_eq!(scanner.scan_bytes("file", &file).authentihash.keys().collect::<Vec<_>>(), ["sha256"]);
    for hash in [Hash::Sha1, Hash::Sha256] {
        let digest = hex(&first_page(&file, hash)).to_lowercase();
        assert_eq!(found(&deny(&digest), &file), by("first-page", &digest));
    }
    assert_eq!(found(&deny(&"0".repeat(64)), &file), None);
    // The digest of a whole PE file is none that Windows asks for.
    assert_eq!(found(&deny(&hex(&Hash::Sha256.digest(&file))), &file), None);
}

#[test]
fn the_first_page_is_the_first_entry_of_a_list_of_page_hashes() {
    let file = fixture("pages-sha256.exe");
    let digest = first_page(&file, Hash::Sha256);
    assert!(file.windows(36).any(|entry| entry[..4] == [0; 4] && entry[4..] == digest));
    let deny = format!("<Deny ID=\"ID_DENY_P\" FriendlyName=\"p\" Hash=\"{}\"/>", hex(&digest));
    let value = hex(&digest).to_lowercase();
    let expected = evidence(["ID_DENY_P", "p"], "first-page", &value, "user", None);
    assert_eq!(found(&policy(12, &deny, ""), &file), Some(("high".to_owned(), expected)));
}

#[test]
fn attributes_of_the_version_resource_name_a_file_signed_or_not() {
    let deny = |conditions: &str| {
        policy(131, &format!("<Deny ID=\"ID_DENY_TOOL\" FriendlyName=\"Some tool\" {conditions}/>"), "")
    };
    let by = |value: &str| {
        let expected = evidence(["ID_DENY_TOOL", "Some tool"], "file-attributes", value, "kernel", None);
        Some(("high".to_owned(), expected))
    };
    let ranged = "FileName=\"TOOL.SYS\" MinimumFileVersion=\"0.0.0.0\" MaximumFileVersion=\"1.2.3.4\"";
    let value = "FileName=tool.sys; version 1.2.3.4 is in 0.0.0.0 to 1.2.3.4";
    for file in [driver(), signed(&driver())] {
        assert_eq!(found(&deny(ranged), &file), by(value));
        assert_eq!(found(&deny("InternalName=\"Tool\""), &file), by("InternalName=tool"));
        assert_eq!(found(&deny("ProductName=\"Some Tools\""), &file), by("ProductName=some tools"));
        let description = "FileDescription=\"Reads and writes memory\"";
        assert_eq!(found(&deny(description), &file), by("FileDescription=reads and writes memory"));
        assert_eq!(found(&deny(&ranged.replace("1.2.3.4", "1.2.3.3")), &file), None);
    }
    // The kernel's scenario says nothing of a program, and a program's nothing of a driver.
    let program = fixture("pe32.exe");
    assert_eq!(found(&deny("FileName=\"fixture.exe\""), &program), None);
    let user = deny("FileName=\"fixture.exe\"").replace("\"131\"", "\"12\"");
    let expected = evidence(["ID_DENY_TOOL", "Some tool"], "file-attributes", "FileName=fixture.exe", "user", None);
    assert_eq!(found(&user, &program), Some(("high".to_owned(), expected)));
    assert_eq!(found(&deny(ranged).replace("\"131\"", "\"12\""), &driver()), None);
}

#[test]
fn signers_are_named_by_certificates_of_their_chain_and_a_copied_one_is_worth_less() {
    let by = |certificate: &[u8], matched: &str, verified: bool| {
        let severity = if verified { "high" } else { "medium" };
        let value = hex(certificate).to_lowercase();
        let mut expected = evidence(["ID_SIGNER_A", "Some CA"], "tbs", &value, "user", Some(verified));
        if !matched.is_empty() {
            expected["matched"] = json!(matched);
        }
        Some((severity.to_owned(), expected))
    };
    let (leaf, inter) = (signature_hash(&leaf()), signature_hash(&inter()));
    let deny = |certificate: &[u8], conditions: &str| policy(12, "", &signer(certificate, conditions));
    let (honest, thief) = (fixture("pe32.exe"), fixture("thief.exe"));
    assert_eq!(found(&deny(&leaf, ""), &honest), by(&leaf, "", true));
    assert_eq!(found(&deny(&leaf, ""), &thief), by(&leaf, "", false));
    assert_eq!(found(&deny(&leaf, ""), &fixture("self-signed.exe")), None);
    let publisher = "<CertPublisher Value=\"Fixture Publisher\"/>";
    assert_eq!(found(&deny(&inter, publisher), &honest), by(&inter, "CertPublisher=Fixture Publisher", true));
    assert_eq!(found(&deny(&inter, publisher), &thief), by(&inter, "CertPublisher=Fixture Publisher", false));
    assert_eq!(found(&deny(&inter, "<CertPublisher Value=\"Fixture\"/>"), &honest), None);
    assert_eq!(found(&deny(&inter, "<CertOemID Value=\"Fixture\"/>"), &honest), by(&inter, "CertOemID=Fixture", true));
    assert_eq!(found(&deny(&inter, "<CertOemID Value=\"Other\"/>"), &honest), None);
    let usage = "<CertEKU ID=\"ID_EKU_CODE\"/>";
    assert_eq!(found(&deny(&inter, usage), &honest), by(&inter, "CertEKU=1.3.6.1.5.5.7.3.3", true));
    let attributes = |maximum: &str| {
        let rule = format!(
            "<FileAttrib ID=\"ID_FILEATTRIB_F\" FriendlyName=\"f\" FileName=\"fixture.exe\" MinimumFileVersion=\"0.0.0.0\" \
             MaximumFileVersion=\"{maximum}\"/>"
        );
        policy(12, &rule, &signer(&inter, "<FileAttribRef RuleID=\"ID_FILEATTRIB_F\"/>"))
    };
    let value = "FileName=fixture.exe; version 1.2.3.4 is in 0.0.0.0 to 1.2.3.4";
    assert_eq!(found(&attributes("1.2.3.4"), &honest), by(&inter, value, true));
    assert_eq!(found(&attributes("1.2.3.3"), &honest), None);
    // A nested signature is one of the file's.
    assert_eq!(found(&deny(&leaf, ""), &fixture("nested-one.exe")), by(&leaf, "", true));
    // The kernel's signers are those of drivers.
    assert_eq!(found(&deny(&leaf, "").replace("\"12\"", "\"131\""), &honest), None);
    let native = found(&deny(&leaf, "").replace("\"12\"", "\"131\""), &fixture("native.sys")).unwrap();
    assert_eq!((native.0.as_str(), &native.1["scenario"]), ("high", &json!("kernel")));
}

#[test]
fn the_policy_of_the_documents_names_drivers_and_no_program() {
    let text = fs::read_to_string(program::testdata().join("blocklists/policy.xml")).unwrap();
    let by_hash = found(&text, &fixture("native.sys")).unwrap();
    assert_eq!((by_hash.0.as_str(), &by_hash.1["rule"]), ("high", &json!("ID_DENY_NATIVE_SHA256")));
    let another = Pe { subsystem: 1, built: 0x6600_0001, ..Pe::pe32() };
    let by_signer = found(&text, &signed(&another.bytes())).unwrap();
    assert_eq!((by_signer.1["rule"].clone(), by_signer.1["by"].clone()), (json!("ID_SIGNER_FIXTURE"), json!("tbs")));
    assert_eq!(found(&text, &driver()).unwrap().1["rule"], "ID_DENY_TOOL");
    assert_eq!(found(&text, &fixture("pe32.exe")), None);
}

#[test]
fn the_worst_of_several_lists_is_told_and_the_others_are_named() {
    let lists = Lists::new();
    let leaf = hex(&signature_hash(&leaf()));
    let deny = policy(12, "<Deny ID=\"ID_DENY_F\" FriendlyName=\"f\" FileName=\"fixture.exe\"/>", "");
    let csv =
        |severity: &str| format!("type,value,name,reason,severity,reference\ntbs,{leaf},Somebody,stolen,{severity},\n");
    let both = |severity: &str| {
        let csv = csv(severity);
        let scanner = lists.scanner(&[(ListKind::Csv, "own.csv", &csv), (ListKind::Wdac, "SiPolicy.xml", &deny)]);
        let (severity, evidence) = listed(&scanner, &fixture("pe32.exe")).unwrap();
        (severity, evidence["list"].clone(), evidence["also"].clone())
    };
    assert_eq!(both("critical"), ("critical".to_owned(), json!("own.csv"), json!(["SiPolicy.xml: ID_DENY_F"])));
    assert_eq!(both("high"), ("high".to_owned(), json!("own.csv"), json!(["SiPolicy.xml: ID_DENY_F"])));
    assert_eq!(both("low"), ("high".to_owned(), json!("SiPolicy.xml"), json!(["own.csv: Somebody"])));
}

#[test]
fn the_program_says_what_of_a_policy_it_uses_and_refuses_what_it_cannot_read() {
    let lists = Lists::new();
    let rules = "<Deny ID=\"ID_DENY_F\" FriendlyName=\"Some fixture\" FileName=\"fixture.exe\"/>\
                 <Deny ID=\"ID_DENY_P\" FilePath=\"%OSDRIVE%\\x\\*\"/>";
    lists.write("SiPolicy.xml", &policy(12, rules, ""));
    lists.write("SiPolicy.p7b", "\x30\u{82}");
    fs::write(lists.folder.path().join("SiPolicy.p7b"), b"\x30\x82\x01\x00").unwrap();
    lists.write("paths.xml", &policy(12, "<Deny ID=\"ID_DENY_P\" FilePath=\"x\"/>", ""));
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        command.current_dir(lists.folder.path()).stdin(Stdio::null()).args(words);
        command.args(["--json", "--at", "2026-06-01"]).arg(program::testdata().join("fixtures/unsigned-pe32.exe"));
        let output = command.output().unwrap();
        let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        (output.status.code(), out, error.lines().next().unwrap_or_default().to_owned())
    };
    let (code, out, note) = run(&["--blocklist", "wdac:SiPolicy.xml"]);
    assert_eq!(code, Some(0));
    let record: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&record["findings"][0]["code"], &record["findings"][0]["evidence"]["rule"]),
        (&json!("S122"), &json!("ID_DENY_F"))
    );
    let told = "rules used: 0 by hash, 1 by file attributes, 0 by signer; not used: 1 by file path, 1 that allow";
    assert_eq!(note, format!("sigscan: --blocklist SiPolicy.xml: {told}"));
    assert_eq!(run(&["--blocklist", "wdac:SiPolicy.xml", "--quiet"]).2, "");
    // People read the same finding, though their table needs no version resource.
    let mut hunt = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    hunt.current_dir(lists.folder.path()).args(["hunt", "--blocklist", "wdac:SiPolicy.xml"]);
    let shown = hunt.arg(program::testdata().join("fixtures/unsigned-pe32.exe")).output().unwrap();
    assert!(String::from_utf8(shown.stdout).unwrap().contains("Some fixture"));
    let refused = |words: &[&str]| {
        let (code, out, error) = run(words);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        error
    };
    assert_eq!(
        refused(&["--blocklist", "wdac:SiPolicy.p7b"]),
        "sigscan: --blocklist SiPolicy.p7b: it is a signed binary policy (PKCS#7); the policy's XML is read"
    );
    assert_eq!(
        refused(&["--blocklist", "wdac:paths.xml"]),
        "sigscan: --blocklist paths.xml: it denies nothing that can be looked for: rules used: 0 by hash, \
         0 by file attributes, 0 by signer; not used: 1 by file path, 1 that allow"
    );
    assert_eq!(
        refused(&["--allowlist", "wdac:SiPolicy.xml"]),
        "sigscan: --allowlist wdac: only what a policy denies is read, and that is nothing wanted"
    );
}
