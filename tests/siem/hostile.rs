//! Names that try to break out of every format, in every field that a file or a list can fill.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sigscan::Record;
use sigscan::output::{Format, LookupKey};
use sigscan::record::{FINDING_SCHEMA, Finding, FindingLine};

use super::{cef, envelope, fixture, group, leef, lines, table};

pub fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "two\nlines\r\nand\rmore",
        "tab\tSignatureStatus=Valid\tSigner=Microsoft Corporation",
        "pipe|LEEF:2.0|x|y|1|SIG_VALID|x09|",
        "caret^SignatureStatus=Valid",
        "equals cs1=Valid cs2=Microsoft rt=0",
        "backslash\\",
        "\\=\\|\\n",
        "\"quoted\", 'twice'",
        "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m",
        "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}",
        "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\0g",
        "=HYPERLINK(\"http://x\")",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "  spaces  ",
        "株式会社 Société 😀",
        "\u{fffd}\u{fffd}.exe",
    ]
    .map(str::to_owned)
    .into();
    names.push("株=\t|".repeat(800));
    names.push("\u{1b}".repeat(1200));
    names
}

/// A changed file whose every text is the name.
fn record(name: &str) -> Record {
    let mut record = Record { path: name.to_owned(), path_hex: Some("ff".to_owned()), ..fixture("thief.exe") };
    for signer in record.claimed_signer.iter_mut() {
        signer.subject = name.to_owned();
        signer.common_name = Some(name.to_owned());
        signer.organization = Some(name.to_owned());
        signer.issuer = name.to_owned();
        signer.serial = name.to_owned();
    }
    let version = record.version_info.get_or_insert_default();
    for field in [
        &mut version.company,
        &mut version.product,
        &mut version.description,
        &mut version.original_filename,
        &mut version.file_version,
    ] {
        *field = Some(name.to_owned());
    }
    record.error = Some(sigscan::record::ErrorDetail { kind: record.reason, message: name.to_owned() });
    record.findings = vec![finding(name)];
    record
}

fn evidence(name: &str) -> BTreeMap<String, Value> {
    BTreeMap::from([(name.to_owned(), json!(name)), ("list".to_owned(), json!([name, 1, null]))])
}

fn finding(name: &str) -> Finding {
    let template = fixture("thief.exe").findings.remove(0);
    Finding {
        title: name.to_owned(),
        attack: vec![name.to_owned()],
        evidence: evidence(name),
        related: vec![name.to_owned(); 3],
        ..template
    }
}

fn line(name: &str) -> FindingLine {
    let of = finding(name);
    FindingLine {
        schema: FINDING_SCHEMA.to_owned(),
        code: "X201".to_owned(),
        title: of.title,
        severity: of.severity,
        confidence: of.confidence,
        attack: of.attack,
        evidence: of.evidence,
        members: vec![name.to_owned(); 100],
        hosts: vec![Some(name.to_owned()); 100],
        donor: Some(name.to_owned()),
        donor_host: Some(name.to_owned()),
    }
}

/// What would control a terminal, turn the direction of writing, or stay invisible.
pub fn hides(text: &str) -> bool {
    text.chars().any(|c| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    })
}

#[test]
fn hostile_names_add_no_event_and_no_key() {
    let plain = (record("plain.exe"), line("plain.exe"));
    let keys = |record: &Record, finding: &FindingLine| -> Vec<BTreeSet<String>> {
        let (records, findings) = (std::slice::from_ref(record), std::slice::from_ref(finding));
        let leef = lines(Format::Leef, records, findings).into_iter().map(|line| {
            assert!(!hides(&line), "{line}");
            leef::parse(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")).attributes.into_keys().collect()
        });
        let cef = lines(Format::Cef, records, findings).into_iter().map(|line| {
            assert!(!hides(&line) && !line.contains('\t'), "{line}");
            cef::parse(&line).unwrap_or_else(|error| panic!("{error}: {line:?}")).extension.into_keys().collect()
        });
        leef.chain(cef).collect()
    };
    let wanted = keys(&plain.0, &plain.1);
    assert_eq!(wanted.len(), 6);
    for name in names() {
        assert_eq!(keys(&record(&name), &line(&name)), wanted, "{name:?}");
    }
}

#[test]
fn hostile_names_arrive_as_they_are_where_the_format_can_carry_them() {
    for name in names() {
        let (records, findings) = ([record(&name)], [line(&name)]);
        let leef = leef::parse(&lines(Format::Leef, &records, &[])[0]).unwrap().attributes;
        assert_eq!((leef["SignatureStatus"].as_str(), leef["SignerVerified"].as_str()), ("Invalid", "false"));
        let cef = cef::parse(&lines(Format::Cef, &records, &[])[0]).unwrap().extension;
        assert_eq!((cef["cs1"].as_str(), cef["flexString1"].as_str()), ("Invalid", "false"));
        if !hides(&name) && !name.contains('\t') && name.len() < 1000 {
            assert_eq!((&leef["filepath"], &leef["Signer"]), (&name, &name));
            assert_eq!((&cef["filePath"], &cef["cs2"]), (&name, &name));
        }
        for (at, text) in lines(Format::SplunkHec, &records, &findings).iter().enumerate() {
            assert!(!hides(text) && !text.contains('\t'));
            let event = &envelope(text)["event"];
            if at == 0 {
                assert_eq!((&event["file_path"], &event["Signature"]), (&json!(name), &json!(name)));
                assert_eq!(serde_json::from_value::<Record>(event["record"].clone()).unwrap(), records[0]);
            } else {
                assert_eq!(event["evidence"], serde_json::to_value(evidence(&name)).unwrap());
            }
        }
        let groups = lines(Format::LogScale, &records, &findings);
        assert_eq!(groups.len(), 3);
        for text in &groups {
            assert!(!hides(text));
            group(text);
        }
        let sysmon = lines(Format::Sysmon, &records, &findings);
        assert!(sysmon.len() == 1 && !hides(&sysmon[0]));
        let event: Value = serde_json::from_str(&sysmon[0]).unwrap();
        assert_eq!((&event["ImageLoaded"], &event["Company"]), (&json!(name), &json!(name)));
    }
}

#[test]
fn tables_hold_no_formula_and_no_extra_row() {
    for name in names() {
        for format in [Format::Csv, Format::Lookup(LookupKey::Path), Format::Lookup(LookupKey::Sha256)] {
            let rows = table(format, &[record(&name)]);
            assert_eq!(rows.len(), 2, "{name:?}");
            for cell in &rows[1] {
                assert!(!hides(cell) && !cell.contains('\t'), "{cell:?}");
                assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell:?}");
            }
        }
    }
}
