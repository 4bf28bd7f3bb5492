//! The same events as JSON lines, XML and EVTX: made by code that is checked in, read completely, and told alike.
//!
//! `SIGSCAN_BLESS=1 cargo test --test events` writes `testdata/events/attack.*` anew.

use std::fs;
use std::io::Write;

use serde_json::{Value, json};

use super::{attack, detections, eventlog, events, records, root, told};

const SHAPES: [&str; 3] = ["attack.jsonl", "attack.xml", "attack.evtx"];

fn made(shape: &str) -> Vec<u8> {
    let all = attack::events();
    match shape {
        "attack.jsonl" => eventlog::json_lines(&all).into_bytes(),
        "attack.xml" => eventlog::xml(&all).into_bytes(),
        _ => eventlog::evtx(&all, 1000),
    }
}

#[test]
fn the_files_are_what_the_generator_makes() {
    for shape in SHAPES {
        let path = root("testdata/events").join(shape);
        if std::env::var_os("SIGSCAN_BLESS").is_some() {
            fs::write(&path, made(shape)).unwrap();
        }
        assert!(fs::read(&path).ok() == Some(made(shape)), "{shape} is stale: SIGSCAN_BLESS=1 writes it anew");
    }
}

/// Tests 1 to 3 of both techniques, by the events alone.
const BY_EVENTS: [&str; 16] = [
    "PowershellCodeSigning high 1 suspicious_parent New-SelfSignedCertificate",
    "PowershellCodeSigning high 4104 New-SelfSignedCertificate Export-PfxCertificate",
    "SuspiciousCertFileCreation high 11 df00tech-codesign.pfx",
    "SigntoolSigning high 1 suspicious_parent has_pfx no_timestamp",
    "PowershellCodeSigning high 4104 New-SelfSignedCertificate",
    "SuspiciousCertFileCreation medium 11 df00tech-publisher.cer",
    "CertutilImport high 1 suspicious_parent TrustedPublisher",
    "CertStoreRegistryMod high 13 TrustedPublisher Blob",
    "SuspiciousCertFileCreation medium 11 df00tech-sign-test.cer",
    "CertutilImport high 1 suspicious_parent TrustedPublisher",
    "CertStoreRegistryMod high 13 TrustedPublisher Blob",
    "PowershellCodeSigning high 4104 Set-AuthenticodeSignature",
    "InvalidCodeSignature medium 7 test_signed.exe",
    "PowershellCodeSigning high 4104 New-SelfSignedCertificate",
    "InvalidCodeSignature high 6 gone.sys",
    "CertutilImport high 4688 suspicious_parent Root",
];

/// The same with the files at hand: what was written, started and loaded is judged.
const BY_FILES: [&str; 6] = [
    "InvalidCodeSignature medium 11 df00tech-test.exe",
    "InvalidCodeSignature high 1 suspicious_parent test_signed.exe",
    "InvalidCodeSignature high 7 test_signed.exe",
    "InvalidCodeSignature high 11 copied.exe",
    "InvalidCodeSignature high 7 copied.exe",
    "InvalidCodeSignature high 7 expired.exe",
];

#[test]
fn each_shape_tells_of_the_published_tests() {
    for shape in SHAPES {
        let output = events(&[shape]);
        assert_eq!(told(&output), BY_EVENTS, "{shape}");
        let summary = String::from_utf8(output.stderr).unwrap();
        assert!(summary.starts_with("30 events in 1 file, 16 detections, 2 InvalidCodeSignature, "), "{summary}");
        assert!(!summary.contains("not read"), "{summary}");
    }
}

fn without_source(mut found: Vec<Value>) -> Vec<Value> {
    found.iter_mut().for_each(|found| found["event"]["source"] = Value::Null);
    found
}

#[test]
fn each_shape_tells_the_same_with_the_files_and_without() {
    let drive = tempfile::tempdir().unwrap();
    for (place, file) in attack::FILES {
        let place = drive.path().join(place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(root("testdata").join(file), place).unwrap();
    }
    let pki = ["root", "tsa-root"].map(|name| root(&format!("testdata/pki/{name}.pem")).to_str().unwrap().to_owned());
    let arguments = [
        &["--root", drive.path().to_str().unwrap(), "--at", "2026-06-01", "-q"][..],
        &["--trust-store", &pki[0], "--trust-store", &pki[1]],
    ]
    .concat();
    let alone = |shape: &str| without_source(detections(&events(&["-q", shape])));
    let joined = |shape: &str| events(&[&[shape], arguments.as_slice()].concat());
    for shape in &SHAPES[1..] {
        assert_eq!(alone(shape), alone(SHAPES[0]), "{shape}");
        assert_eq!(
            without_source(detections(&joined(shape))),
            without_source(detections(&joined(SHAPES[0]))),
            "{shape}"
        );
    }
    let told: Vec<String> = told(&joined("attack.evtx"));
    let invalid: Vec<&str> =
        told.iter().map(String::as_str).filter(|told| told.starts_with("InvalidCodeSignature")).collect();
    assert_eq!(invalid, [&BY_FILES[..], &["InvalidCodeSignature high 6 gone.sys"]].concat());
    assert_eq!(told.len(), 16 - 2 + 7);
}

/// Every record is read, whatever the number of chunks, and none is damaged.
#[test]
fn chunks_are_read_to_their_ends() {
    let mut many = Vec::new();
    while many.len() < 200 {
        many.extend(attack::events());
    }
    for per_chunk in [1, 7, 1000] {
        let log = eventlog::evtx(&many[..if per_chunk == 1 { 10 } else { 200 }], per_chunk);
        let count = if per_chunk == 1 { 10 } else { 200 };
        let (found, unread, totals) = records(&log);
        assert_eq!((found.len(), unread), (count, Vec::<String>::new()), "{per_chunk}");
        let totals = totals.unwrap();
        assert_eq!((totals.records, totals.damaged, totals.missing), (count as u64, 0, 0));
        assert_eq!(totals.chunks as usize, (log.len() - 4096) / 65_536);
        assert_eq!(found[count - 1].record, Some(count as u64));
    }
}

/// What is wrong with a chunk is counted and said, and the others are read.
#[test]
fn each_damaged_chunk_is_counted_and_said() {
    let all: Vec<_> = attack::events();
    let whole = eventlog::evtx(&all, 10);
    let chunk = |number: usize| 4096 + number * 65_536;
    type Damage = fn(&mut [u8]);
    let cases: [(&str, Damage, usize, usize, u64, &str); 8] = [
        ("another magic", |chunk| chunk[0] = b'x', 20, 1, 0, "chunk number 1"),
        ("a wrong checksum", |chunk| chunk[60] ^= 1, 30, 0, 0, "chunk 1: a checksum is wrong"),
        ("a record's checksum", |chunk| chunk[52] ^= 1, 30, 0, 0, "chunk 1: a checksum is wrong"),
        (
            "a last record that is the first",
            |chunk| {
                chunk.copy_within(24..32, 32);
                eventlog::seal(chunk);
            },
            21,
            0,
            9,
            "chunk 1: 9 of 10 records are not there",
        ),
        (
            "free space from the start",
            |chunk| {
                chunk[48..52].copy_from_slice(&512u32.to_le_bytes());
                eventlog::seal(chunk);
            },
            20,
            0,
            10,
            "chunk 1: 10 of 10 records are not there",
        ),
        (
            "names outside",
            |chunk| {
                chunk[128..132].copy_from_slice(&70_000u32.to_le_bytes());
                eventlog::seal(chunk);
            },
            20,
            1,
            9,
            "chunk 1: ",
        ),
        (
            "an unknown token in a record",
            |chunk| {
                chunk[512 + 24 + 4] = 0x3f;
                eventlog::seal(chunk);
            },
            29,
            1,
            0,
            "record",
        ),
        ("nothing", |chunk| chunk.fill(0), 20, 0, 0, ""),
    ];
    for (name, damage, read, unread, missing, problem) in cases {
        let mut log = whole.clone();
        damage(&mut log[chunk(1)..chunk(2)]);
        let (found, problems, totals) = records(&log);
        let totals = totals.unwrap();
        assert_eq!((found.len(), problems.len(), totals.missing), (read, unread, missing), "{name}: {totals:?}");
        let first = totals.problem.unwrap_or_default().to_lowercase();
        assert!(first.contains(problem), "{name}: {first}");
        let hurt = !matches!(name, "nothing" | "an unknown token in a record");
        assert_eq!(totals.damaged, u64::from(hurt), "{name}");
    }
    let mut log = whole.clone();
    log[chunk(1)] = b'x';
    log[chunk(2) + 60] ^= 1;
    let path = tempfile::NamedTempFile::new().unwrap();
    path.as_file().write_all(&log).unwrap();
    let output = events(&[path.path().to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(said.contains(": 1 not read, 2 of 3 chunks damaged; first "), "{said}");
    assert!(said.ends_with(", 1 not read, 2 chunks of event logs damaged\n"), "{said}");
}

/// Whatever was changed in a log, reading it ends soon, prints nothing, and loses no record without a word.
#[test]
fn mutated_logs_lose_nothing_silently() {
    let made = eventlog::evtx(&attack::events(), 1000);
    let real = fs::read(root("testdata/events/sysmon.evtx")).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    };
    let (mut read, mut unread) = (0usize, 0usize);
    for round in 0..80 {
        let (log, count) = if round % 2 == 0 { (&made, 30) } else { (&real, 41) };
        let mut log = log.clone();
        for _ in 0..=next() % 8 {
            let place = 4096 + if next() % 8 == 0 { next() % 512 } else { 512 + next() % 24_000 };
            log[place] = [0, 0xff, log[place] ^ (1 << (next() % 8)), next() as u8][next() % 4];
        }
        if round % 4 < 2 {
            eventlog::seal(&mut log[4096..]);
        }
        let started = std::time::Instant::now();
        let (found, problems, totals) = records(&log);
        let totals = totals.unwrap();
        assert!(started.elapsed().as_secs() < 20, "{round}");
        let stated = found.len() + problems.len() + totals.missing as usize;
        assert!(stated >= count || totals.damaged > 0, "{round}: {totals:?}");
        read += found.len();
        unread += problems.len();
    }
    assert!(read > 1_000 && unread > 40, "{read} {unread}");
}

/// Panics that are caught stay off standard error; others do not.
#[test]
fn only_panics_that_nobody_catches_are_reported() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static REPORTED: AtomicUsize = AtomicUsize::new(0);
    use sigscan::guard::{guarded, quieten};
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>().is_some_and(|text| text.starts_with("on purpose")) {
            REPORTED.fetch_add(1, Ordering::SeqCst);
        } else {
            report(panic);
        }
    }));
    quieten();
    quieten();
    assert_eq!(guarded(|| 7), Ok(7));
    let place = guarded(|| -> u8 { panic!("on purpose: caught") }).unwrap_err().place.unwrap();
    assert!(place.starts_with("tests/events/logs.rs:"), "{place}");
    assert_eq!(guarded(|| guarded(|| -> u8 { panic!("on purpose: caught inside") }).is_err()), Ok(true));
    assert_eq!(REPORTED.load(Ordering::SeqCst), 0);
    let thread = std::thread::spawn(|| panic!("on purpose: nobody catches it"));
    assert!(thread.join().is_err());
    assert!(std::panic::catch_unwind(|| panic!("on purpose: after a guarded one")).is_err());
    assert_eq!(REPORTED.load(Ordering::SeqCst), 2);
}

/// What the log says of itself is what sigscan reads of it.
#[test]
fn a_record_reads_as_the_event_that_was_written() {
    let (found, ..) = records(&made("attack.evtx"));
    let last = &found[24];
    assert_eq!((last.id, last.provider.as_str()), (Some(4688), "Microsoft-Windows-Security-Auditing"));
    assert_eq!(last.get("CommandLine"), Some(r"certutil.exe -addstore Root C:\Temp\𝔯oot.cer"));
    assert_eq!(json!([last.host, last.time]), json!(["WS01.example.test", "2026-05-04T03:02:24.0000000Z"]));
}
