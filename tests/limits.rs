//! Every limit of the README and every trap has a test, and `tests/limits.tsv` says which. Limits that belong to no other
//! test's subject are hit here.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use lab::ca::{AUTHORITY_KEY_ID, Cert, Crl, aki, crl_points, key_usage, ski};
use lab::cast::{authority, inter, inter_name, leaf, root_name};
use lab::cms::Signature;
use lab::der::Der;
use lab::keys::{Hash, Key};
use lab::ocsp::{Ocsp, Said};
use lab::pe::{Pe, authentihash, padded, sign};
use program::{scanner, testdata, trusting, verdict};
use sigscan::record::Revocation;
use sigscan::scan::{Need, Supplied, Supplier};
use sigscan::trust::CatalogIndex;
use sigscan::{Options, Record, Scanner, Time};

const AT: &str = lab::catalogue::AT;

/// The items that may stand in the first column of a row about a trap or about the world.
const CONTRACT: &[&str] = &[
    "deep nesting",
    "65,535 sections",
    "SET of a million elements",
    "10,000 certificates",
    "10,000 signers",
    "certificates that all share a name",
    "quadratic name constraints",
    "huge OIDs and integers",
    "RSA keys of 64 kbit with giant exponents",
    "zip bombs of nested signatures",
    "page-hash lists as long as the file",
    "none changes another file's result",
    "files truncated while being read",
    "files grown while being read",
    "files replaced while being read",
    "files deleted while being read",
    "files made unreadable while being read",
    "directories that vanish",
    "FIFOs",
    "sockets",
    "devices",
    "/proc",
    "symlink loops",
    "mount loops",
    "names that are not UTF-8",
    "names of 255 bytes",
    "paths beyond PATH_MAX",
    "output pipe closed",
    "disk full on --output",
    "SIGINT",
    "SIGTERM",
    "out of file descriptors",
    "read errors from a failing disk",
    "the summary counts everything that was not judged",
];

fn root_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first column of the README's table of limits.
fn limits_of_the_readme() -> Vec<String> {
    let text = fs::read_to_string(root_folder().join("README.md")).unwrap();
    let (_, table) = text.split_once("| limit | value | when it is hit |\n|---|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().to_owned()).collect()
}

/// The text of every Rust file below a folder.
fn sources(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|item| item.unwrap().path());
    let text = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => fs::read_to_string(&path).unwrap(),
        _ => String::new(),
    };
    paths.map(text).collect()
}

#[test]
fn every_limit_and_every_trap_names_tests_that_exist() {
    let text = fs::read_to_string(root_folder().join("tests/limits.tsv")).unwrap();
    let code = sources(&root_folder().join("src")) + &sources(&root_folder().join("tests"));
    let limits = limits_of_the_readme();
    assert!(limits.len() > 35);
    let known: BTreeSet<&str> = limits.iter().map(String::as_str).chain(CONTRACT.iter().copied()).collect();
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [item, tests] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("two columns: {line}") };
        assert!(known.contains(item), "{item} is neither a limit of the README nor a trap");
        assert!(found.insert(item), "{item} stands there twice");
        assert!(!tests.is_empty(), "{item} is covered by nothing");
        for name in tests.split(' ') {
            assert!(code.contains(&format!("fn {name}()")), "{item}: there is no test {name}");
        }
    }
    let missing: Vec<_> = known.difference(&found).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

fn image() -> Vec<u8> {
    padded(&Pe::pe32().bytes())
}

fn judged(file: &[u8]) -> Record {
    scanner(&["root", "tsa-root"], AT, &[]).scan_bytes("file", file)
}

fn sigscan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sigscan")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Sixteen lists of a bag are asked about one certificate: those that list it, then the latest.
#[test]
fn of_seventeen_revocation_lists_sixteen_are_checked() {
    let sound = Crl::by(inter_name(), Key::Inter).with(aki(&Key::Inter.id()));
    let forged = Crl { broken: true, ..sound.clone().valid("20260515000000Z", "20270501000000Z") };
    for (forgeries, known) in [(15, Revocation::Good), (16, Revocation::Unknown)] {
        // Each forgery is another list: its number differs.
        let others = (0..forgeries).map(|number| forged.clone().with(lab::ca::crl_number(number)).der());
        let crls = others.chain([sound.der(), root_list()]).collect();
        let record = judged(&sign(&image(), &Signature { crls, ..Signature::default() }));
        assert_eq!((verdict(&record).0.as_str(), record.revocation), ("Valid/ok", known), "{forgeries}");
    }
}

/// So that nothing else is unknown.
fn root_list() -> Der {
    Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())).der()
}

/// A response by a delegate: sixteen certificates in it are looked at.
#[test]
fn of_seventeen_responders_sixteen_are_looked_at() {
    let responder = |key: Key| {
        let cert =
            Cert::own(lab::ca::dn("Fixture Responder"), key, &[0x0c]).valid("20260401000000Z", "20270401000000Z");
        let cert = cert.with(key_usage(&[0])).with(lab::ca::eku(&[lab::ca::OCSP_SIGNING])).with(ski(&key.id()));
        cert.with(lab::ca::ocsp_no_check()).by(&inter_name(), Key::Inter).with(aki(&Key::Inter.id())).der()
    };
    for (others, known) in [(15, Revocation::Good), (16, Revocation::Unknown)] {
        let certs = [vec![responder(Key::Other); others], vec![responder(Key::P256)]].concat();
        let response = Ocsp { certs, ..Ocsp::by(Key::P256).named(&lab::ca::dn("Fixture Responder")) };
        let response = response.about(&inter_name(), Key::Inter, &lab::revoked::LEAF, Said::Good).der();
        let crls = vec![lab::cms::ocsp_in_bag(&response), root_list()];
        let record = judged(&sign(&image(), &Signature { crls, ..Signature::default() }));
        assert_eq!((verdict(&record).0.as_str(), record.revocation), ("Valid/ok", known), "{others}");
    }
}

/// A list signed by a delegate: eight certificates of its issuer's name are tried.
#[test]
fn of_nine_delegates_eight_are_tried() {
    let delegate = |key: Key, serial: u8| {
        let cert = Cert::own(inter_name(), key, &[0x0d, serial]).with(key_usage(&[6])).with(ski(&key.id()));
        cert.by(&root_name(), Key::Root).with(aki(&Key::Root.id()))
    };
    let list = Crl::by(inter_name(), Key::P256).der();
    for (others, told) in [(7, ("Valid/ok", Revocation::Good)), (8, ("Error/limit", Revocation::NotChecked))] {
        let mut certs = vec![leaf().der(), inter().der()];
        certs.extend((0..others).map(|serial| delegate(Key::Other, serial).der()));
        certs.push(delegate(Key::P256, 100).der());
        let crls = vec![list.clone(), root_list()];
        let record = judged(&sign(&image(), &Signature { certs, crls, ..Signature::default() }));
        assert_eq!((verdict(&record).0.as_str(), record.revocation), told, "{others}");
    }
}

/// Catalogs that list a file and do not verify stand before the one that does.
#[test]
fn of_catalogs_that_list_a_file_256_are_tried() {
    let image = image();
    let digest = authentihash(&image, Hash::Sha256);
    let members = [lab::catalog::raw(&digest)];
    let catalog = |signature| lab::catalog::catalog(lab::catalog::list(lab::catalog::MEMBER_V2, &members), signature);
    let alone = lab::cast::self_signed(lab::ca::dn("Nobody")).der();
    let false_one = catalog(Signature { certs: vec![alone.clone()], ..Signature::with(alone, Key::Other) });
    let true_one = catalog(Signature::default());
    for (others, expected) in [(255, "Valid/ok"), (256, "Untrusted/self-signed")] {
        let named = (0..others).map(|number| (PathBuf::from(format!("{number:03}.cat")), false_one.clone()));
        let all = named.chain([(PathBuf::from("999.cat"), true_one.clone())]).collect();
        let judge = scanner(&["root", "tsa-root"], AT, &[]).with_catalogs(CatalogIndex::from_bytes(all));
        let record = judge.scan_bytes("file", &image);
        assert_eq!(verdict(&record).0, expected, "{others}");
        let told = record.anomalies.iter().filter(|anomaly| anomaly.code == "catalog-limit").count();
        assert_eq!(told, usize::from(others == 256), "{others}");
    }
}

#[test]
fn a_catalog_beyond_64_mib_is_not_indexed_and_a_warning_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large.cat");
    let program = testdata().join("fixtures/listed-odd.exe");
    fs::copy(testdata().join("fixtures/catalog-v2.cat"), folder.path().join("small.cat")).unwrap();
    for (length, hit) in [(64 << 20, true), ((64 << 20) + 1, false)] {
        fs::copy(testdata().join("fixtures/catalog-v2.cat"), &large).unwrap();
        fs::OpenOptions::new().write(true).open(&large).unwrap().set_len(length).unwrap();
        let output = sigscan(&["--catroot", folder.path().to_str().unwrap(), program.to_str().unwrap(), "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(!said(&output).contains("1 of the catalogs could not be read"), hit, "{length}: {}", said(&output));
    }
}

#[test]
fn a_blocklist_beyond_64_mib_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.txt");
    fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    let program = testdata().join("fixtures/pe32.exe");
    let list = format!("hashes:{}", path.display());
    let output = sigscan(&["hunt", program.to_str().unwrap(), "--blocklist", &list]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(said(&output).contains("huge.txt"), "{}", said(&output));
}

#[test]
fn a_line_of_more_than_64_mib_is_no_record_and_the_next_one_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines.jsonl");
    let program = testdata().join("fixtures/pe32.exe");
    let record = sigscan(&[program.to_str().unwrap(), "--json", "--at", AT, "--no-correlate"]).stdout;
    let mut file = fs::File::create(&path).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
    file.write_all(b"\n").unwrap();
    file.write_all(&record).unwrap();
    let output = sigscan(&["correlate", path.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("pe32.exe") && said(&output).contains('1'), "{text}\n{}", said(&output));
}

/// An event with 512 levels below it gets its verdict, one with 513 comes out as it was.
#[test]
fn an_event_of_more_than_512_levels_comes_out_as_it_was() {
    let event = |levels: usize| {
        let deep = "[".repeat(levels) + &"]".repeat(levels);
        format!("{{\"EventID\":7,\"ImageLoaded\":\"C:\\\\nothing.exe\",\"x\":{deep}}}\n")
    };
    for (levels, judged) in [(512, true), (513, false)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
        let map = format!("C:\\={}", testdata().join("fixtures").display());
        command.args(["enrich", "--path-map", &map]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(event(levels).as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert_eq!((line != event(levels), line.contains("\"sigscan\"")), (judged, judged), "{levels}");
    }
}

/// Who is asked notes it and has nothing.
#[derive(Debug, Default)]
struct Asked(Mutex<BTreeSet<String>>);

impl Supplier for Asked {
    fn supply(&self, need: &Need) -> Supplied {
        self.0.lock().unwrap().extend(need.urls.iter().cloned());
        Supplied { tried: need.urls.len(), ..Supplied::default() }
    }
}

/// A chain of eight certificates, each of which names eight places.
#[test]
fn for_one_file_48_urls_are_asked() {
    let name = |level: usize| lab::ca::dn(&format!("Level {level}"));
    let urls = |level: usize| {
        let urls: Vec<String> = (0..8).map(|number| format!("http://ca{level}.example/{number}.crl")).collect();
        crl_points(&urls.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let cert = leaf().without(AUTHORITY_KEY_ID).with(urls(9)).by(&name(0), Key::P256).der();
    let mut certs = vec![cert.clone()];
    for level in 0..7 {
        let by = authority(name(level), Key::P256, 1 + level as u8).without("2.5.29.14").with(urls(level));
        certs.push(if level == 6 { by.by(&root_name(), Key::Root) } else { by.by(&name(level + 1), Key::P256) }.der());
    }
    let file = sign(&image(), &Signature { certs, ..Signature::with(cert, Key::Leaf) });
    let asked = Arc::new(Asked::default());
    let judge = Scanner::with_trust(Options::at(Time::parse_rfc3339(AT).unwrap()), trusting(&["root", "tsa-root"]));
    let record = judge.with_supplier(asked.clone()).scan_bytes("file", &file);
    assert_eq!(verdict(&record).0, "Valid/ok");
    assert!(record.anomalies.iter().any(|anomaly| anomaly.code == "download-limit"), "{:?}", record.anomalies);
    assert_eq!(asked.0.lock().unwrap().len(), 48);
}
