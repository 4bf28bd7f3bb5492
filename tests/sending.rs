//! Records are sent: receivers on loopback die, come back, lie, stall and refuse, and every record arrives at least once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

#[path = "lab/mod.rs"]
mod lab;
mod web;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lab::cast;
use lab::cms::Signature;
use lab::keys::Key;
use lab::pe::{Pe, sign};
use serde_json::Value;
use sigscan::deliver::{Delivery, Destination, Envelope, Outcome, Post, TooLarge};
use web::{Asked, Server};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

fn quick(to: &str) -> Delivery {
    let mut delivery = Delivery::to(to.parse::<Destination>().unwrap());
    delivery.patience = Duration::from_secs(5);
    delivery.batch_records = 10;
    delivery
}

/// Sends lines `{"n":0}` and so on.
fn send(folder: &Path, delivery: Delivery, numbers: std::ops::Range<u32>) -> Outcome {
    let post = Post::open(folder, delivery, 1 << 30).unwrap();
    let mut lines = post.lines(Envelope::Json, "jsonl", Some("pc1"));
    for number in numbers {
        lines.write_all(format!("{{\"n\":{number}}}\n").as_bytes()).unwrap();
    }
    lines.flush().unwrap();
    drop(lines);
    post.finish(&AtomicBool::new(false)).unwrap()
}

fn text(asked: &Asked) -> String {
    let mut text = String::new();
    match asked.header("content-encoding") {
        Some("gzip") => flate2::read::GzDecoder::new(asked.body.as_slice()).read_to_string(&mut text).unwrap(),
        _ => asked.body.as_slice().read_to_string(&mut text).unwrap(),
    };
    text
}

/// The numbers that lines have, and for each the identifiers that came with it.
fn numbers(text: &str) -> BTreeMap<u64, Vec<String>> {
    let mut numbers: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let id = value["delivery_id"].as_str().unwrap().to_owned();
        numbers.entry(value["n"].as_u64().unwrap()).or_default().push(id);
    }
    numbers
}

/// Every one of them is there, all copies have one identifier, and no two share one.
fn complete(found: &BTreeMap<u64, Vec<String>>, count: u64) {
    assert_eq!(found.keys().copied().collect::<Vec<u64>>(), (0..count).collect::<Vec<u64>>());
    let mut all: Vec<&String> = found.values().map(|ids| &ids[0]).collect();
    assert!(found.values().all(|ids| ids.iter().all(|id| *id == ids[0] && id.len() == 32)));
    all.sort();
    all.dedup();
    assert_eq!(all.len() as u64, count);
}

fn fine() -> Option<(u16, String, Vec<u8>)> {
    Some((200, String::new(), b"{\"text\":\"Success\",\"code\":0}".to_vec()))
}

#[test]
fn batches_are_posted_with_what_the_receiver_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| fine());
    let mut delivery = quick(&format!("http://{}/ingest?x=1", server.address));
    delivery.token = Some("secret".to_owned());
    let outcome = send(folder.path(), delivery, 0..25);
    assert_eq!(outcome, Outcome { sent: 25, ..Outcome::default() });
    let asked = server.asked();
    let sizes: Vec<usize> = asked.iter().map(|asked| text(asked).lines().count()).collect();
    assert!(sizes.iter().all(|size| *size <= 10) && sizes.len() >= 3, "{sizes:?}");
    complete(&numbers(&asked.iter().map(text).collect::<String>()), 25);
    for asked in &asked {
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/ingest?x=1"));
        assert_eq!(asked.header("authorization"), Some("Bearer secret"));
        assert_eq!(asked.header("content-type"), Some("application/x-ndjson"));
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "lock" || name == "acknowledged"), "{left:?}");
}

#[test]
fn a_receiver_that_dies_before_it_answers_gets_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicUsize::new(0);
    let server = Server::raw(move |_, stream| match count.fetch_add(1, Ordering::SeqCst) {
        1 => {} // took it, and died
        2 => stream.write_all(b"HTTP/1.1 200").unwrap(),
        3 => stream.write_all(b"\x16\x03\x01 what?\r\n\r\n").unwrap(),
        4 => stream.write_all(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\ncontent-length: 0\r\n\r\n").unwrap(),
        _ => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap(),
    });
    let mut delivery = quick(&format!("http://{}/", server.address));
    delivery.patience = Duration::from_secs(20);
    let outcome = send(folder.path(), delivery, 0..30);
    assert_eq!((outcome.sent, outcome.pending, outcome.repeated), (30, 0, 4));
    let found = numbers(&server.asked().iter().map(text).collect::<String>());
    complete(&found, 30);
    assert_eq!(found.values().filter(|ids| ids.len() == 5).count(), 10, "one batch came five times");
}

#[test]
fn what_could_not_be_sent_is_sent_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let mut delivery = quick(&format!("http://{nobody}/"));
    delivery.patience = Duration::from_millis(100);
    let outcome = send(folder.path(), delivery, 0..15);
    assert_eq!((outcome.sent, outcome.pending, outcome.problem.as_deref()), (0, 15, Some("no connection")));
    let server = Server::start(|_| fine());
    let outcome = send(folder.path(), quick(&format!("http://{}/", server.address)), 15..20);
    assert_eq!((outcome.sent, outcome.pending), (20, 0));
    complete(&numbers(&server.asked().iter().map(text).collect::<String>()), 20);
}

#[test]
fn a_record_that_is_refused_for_good_is_kept_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|asked| {
        let poison = text(asked).contains("\"n\":13,");
        if poison { Some((400, String::new(), b"{\"code\":6}".to_vec())) } else { fine() }
    });
    let outcome = send(folder.path(), quick(&format!("http://{}/", server.address)), 0..30);
    let why = "the receiver answered with status 400".to_owned();
    let expected = Outcome { sent: 29, rejected: 1, problem: Some(why), ..Outcome::default() };
    assert_eq!(outcome, expected);
    let kept = fs::read_to_string(folder.path().join("rejected.lines")).unwrap();
    assert_eq!(numbers(&kept).into_keys().collect::<Vec<u64>>(), [13]);
}

#[test]
fn a_receiver_that_refuses_everything_takes_nothing_out_of_the_spool() {
    for (status, headers, why) in [
        (400, "", "the receiver answered with status 400, to 3 records one after the other"),
        (401, "", "the receiver answered with status 401: the token is missing or not accepted"),
        (404, "", "the receiver answered with status 404"),
        (307, "Location: /other\r\n", "the receiver answered with status 307: redirects are not followed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let other = Server::start(|_| fine());
        let location = headers.replace("/other", &format!("http://{}/", other.address));
        let server = Server::start(move |_| Some((status, location.clone(), Vec::new())));
        let outcome = send(folder.path(), quick(&format!("http://{}/", server.address)), 0..8);
        assert_eq!((outcome.sent, outcome.rejected, outcome.pending), (0, 0, 8), "{status}");
        assert_eq!(outcome.problem.as_deref(), Some(why));
        assert!(other.asked().is_empty());
        assert!(!folder.path().join("rejected.lines").exists());
    }
}

/// Answers 400 to whatever holds one of these numbers.
fn refusing(numbers: std::ops::Range<u64>) -> Server {
    Server::start(move |asked| {
        let wrong = self::numbers(&text(asked)).into_keys().any(|number| numbers.contains(&number));
        if wrong { Some((400, String::new(), Vec::new())) } else { fine() }
    })
}

fn rejected(folder: &Path) -> Vec<u64> {
    let kept = fs::read_to_string(folder.join("rejected.lines")).unwrap_or_default();
    numbers(&kept).into_keys().collect()
}

#[test]
fn a_crowd_that_is_refused_holds_nobody_up_either() {
    let whole = |server: &Server| {
        let mut delivery = quick(&format!("http://{}/", server.address));
        delivery.batch_records = 100;
        delivery
    };
    // The first that there are, and more than anybody would try one by one.
    for (crowd, all) in [(0..5, 30), (0..45, 90), (10..55, 60)] {
        let folder = tempfile::tempdir().unwrap();
        let server = refusing(crowd.clone());
        let outcome = send(folder.path(), whole(&server), 0..all);
        let (count, all) = (crowd.end - crowd.start, u64::from(all));
        assert_eq!((outcome.sent, outcome.rejected, outcome.pending), (all - count, count, 0), "{crowd:?}");
        assert_eq!(rejected(folder.path()), crowd.collect::<Vec<u64>>());
        let taken = server.asked().iter().map(text).collect::<String>();
        assert!((0..all).all(|number| numbers(&taken).contains_key(&number)));
    }
    // Nor in small requests, behind which there is nothing of the same one.
    let folder = tempfile::tempdir().unwrap();
    let server = refusing(0..25);
    let outcome = send(folder.path(), quick(&format!("http://{}/", server.address)), 0..30);
    assert_eq!((outcome.sent, outcome.rejected, outcome.pending), (5, 25, 0));
}

#[test]
fn what_was_acknowledged_is_remembered_when_everything_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = |server: &Server| {
        let mut delivery = quick(&format!("http://{}/", server.address));
        delivery.batch_records = 100;
        delivery
    };
    let outcome = send(folder.path(), whole(&refusing(0..0)), 0..5);
    assert_eq!((outcome.sent, outcome.pending), (5, 0));
    let outcome = send(folder.path(), whole(&refusing(0..100)), 5..40);
    assert_eq!((outcome.sent, outcome.rejected, outcome.pending), (0, 0, 35));
    let why = "the receiver answered with status 400, to 20 records one after the other";
    assert_eq!(outcome.problem.as_deref(), Some(why));
    // One that it takes, far behind, tells that it was the others.
    let outcome = send(folder.path(), whole(&refusing(0..40)), 40..41);
    assert_eq!((outcome.sent, outcome.rejected, outcome.pending), (1, 35, 0));
    assert_eq!(rejected(folder.path()), (5..40).collect::<Vec<u64>>());
}

#[test]
fn a_line_that_is_too_large_is_told_and_those_after_it_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| fine());
    let delivery = quick(&format!("http://{}/", server.address));
    let post = Post::open(folder.path(), delivery, 1 << 30).unwrap();
    let mut lines = post.lines(Envelope::Json, "jsonl", None);
    let huge = [&b"{\"n\":7,\"x\":\""[..], &vec![b'x'; 64 << 20], b"\"}\n"].concat();
    lines.write_all(b"{\"n\":0}\n").unwrap();
    assert!(TooLarge::is_why(&lines.write_all(&huge).unwrap_err()));
    lines.write_all(b"{\"n\":1}\n").unwrap();
    let failed: Vec<_> = huge.chunks(1 << 20).filter_map(|part| lines.write_all(part).err()).collect();
    assert_eq!(failed.iter().map(TooLarge::is_why).collect::<Vec<_>>(), [true]);
    lines.write_all(b"{\"n\":2}\n").unwrap();
    drop(lines);
    let outcome = post.finish(&AtomicBool::new(false)).unwrap();
    assert_eq!(outcome, Outcome { sent: 3, oversized: 2, ..Outcome::default() });
    complete(&numbers(&server.asked().iter().map(text).collect::<String>()), 3);
}

#[test]
fn a_certificate_of_two_million_control_characters_stops_no_scan() {
    let folder = tempfile::tempdir().unwrap();
    let scanned = folder.path().join("scanned");
    fs::create_dir(&scanned).unwrap();
    let subject = lab::ca::name(&[(lab::ca::COMMON_NAME, lab::der::utf8(&"\u{1}".repeat(2_000_000)))]);
    let own = cast::self_signed(subject).der();
    let signature = Signature { certs: vec![own.clone()], ..Signature::with(own, Key::Other) };
    fs::write(scanned.join("a.exe"), sign(&Pe::pe32().bytes(), &signature)).unwrap();
    fs::copy(testdata("fixtures/pe32.exe"), scanned.join("b.exe")).unwrap();
    let server = Server::start(|_| fine());
    let url = format!("http://{}/", server.address);
    let spool = folder.path().join("spool");
    let words = [scanned.to_str().unwrap(), "--no-correlate", "--send", &url, "--spool", spool.to_str().unwrap()];
    let output = sigscan(&words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().last()), (Some(0), Some(&*format!("Sent: 2 records to {url}"))));
    let all = server.asked().iter().map(text).collect::<String>();
    let records: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = records.iter().map(|record| record["path"].as_str().unwrap().rsplit('/').next()).collect();
    assert_eq!(names, [Some("a.exe"), Some("b.exe")]);
    assert_eq!(records[0]["signer"]["common_name"], "\u{1}".repeat(4096) + "…");
    assert_eq!(records[0]["signer"]["subject"], format!("CN={}…", "\u{1}".repeat(4093)));
    let anomalies = records[0]["anomalies"].as_array().unwrap().iter();
    assert_eq!(anomalies.filter(|anomaly| anomaly["code"] == "name-cut").count(), 1);
}

#[test]
fn the_answer_of_a_receiver_costs_nothing_however_long_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let begun = Instant::now();
    let outcome = send(folder.path(), quick(&format!("http://{}/", server.address)), 0..10);
    assert_eq!((outcome.sent, outcome.pending), (10, 0));
    assert!(begun.elapsed() < Duration::from_secs(5));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {} // a header without an end
    });
    let mut delivery = quick(&format!("http://{}/", server.address));
    delivery.patience = Duration::from_millis(100);
    assert_eq!(send(folder.path(), delivery, 0..10).pending, 10);
}

/// The messages in RFC 6587 octet-counting frames.
fn messages(mut octets: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while !octets.is_empty() {
        let blank = octets.iter().position(|octet| *octet == b' ').unwrap();
        let length: usize = std::str::from_utf8(&octets[..blank]).unwrap().parse().unwrap();
        let Some(message) = octets.get(blank + 1..blank + 1 + length) else { break };
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        octets = &octets[blank + 1 + length..];
    }
    messages
}

fn body(message: &str) -> &str {
    let fields: Vec<&str> = message.splitn(8, ' ').collect();
    assert_eq!((fields[0], fields[2], fields[3], fields[4]), ("<110>1", "pc1", "sigscan", "-"));
    assert_eq!((fields[5], fields[6], fields[1].len()), ("jsonl", "-", 20));
    fields[7]
}

#[test]
fn syslog_that_is_reset_in_the_middle_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut octets = Vec::new();
            if number == 1 {
                let mut block = [0; 100];
                let count = stream.read(&mut block).unwrap();
                octets.extend_from_slice(&block[..count]);
                std::thread::sleep(Duration::from_millis(100)); // unread octets are there when it ends: a reset
            } else {
                stream.read_to_end(&mut octets).unwrap();
            }
            log.lock().unwrap().push(messages(&octets));
        }
    });
    let outcome = send(folder.path(), quick(&format!("syslog://{address}")), 0..30);
    assert_eq!((outcome.sent, outcome.pending, outcome.repeated), (30, 0, 1));
    let received = received.lock().unwrap();
    let bodies: Vec<&str> = received.iter().flatten().map(|message| body(message)).collect();
    complete(&numbers(&bodies.join("\n")), 30);
}

#[test]
fn syslog_over_tls_believes_a_private_authority_and_no_other() {
    let address_name =
        lab::ca::extension("2.5.29.17", false, &lab::der::seq(&[lab::der::ctx_prim(7, &[127, 0, 0, 1])]));
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    let config = tls_config(address_name);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut octets = Vec::new();
            if stream.read_to_end(&mut octets).is_ok() {
                log.lock().unwrap().extend(messages(&octets));
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
            let _ = stream.sock.shutdown(Shutdown::Both);
        }
    });
    let run = |stem: &str| {
        let folder = tempfile::tempdir().unwrap();
        let roots = sigscan::trust::load_paths(&[testdata(&format!("pki/{stem}.pem"))]).unwrap();
        let mut delivery = quick(&format!("syslogs://{address}")).with_tls_roots(&roots);
        delivery.patience = Duration::from_millis(100);
        send(folder.path(), delivery, 0..12)
    };
    let outcome = run("tsa-root");
    assert_eq!((outcome.pending, outcome.problem.as_deref()), (12, Some("no trusted TLS connection")));
    assert!(received.lock().unwrap().is_empty());
    assert_eq!(run("root"), Outcome { sent: 12, ..Outcome::default() });
    let received = received.lock().unwrap();
    let bodies: Vec<&str> = received.iter().map(|message| body(message)).collect();
    complete(&numbers(&bodies.join("\n")), 12);
}

fn tls_config(name: lab::der::Der) -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::{CertificateDer, PrivatePkcs1KeyDer};
    let certificate = cast::root().clone().without("2.5.29.19").without("2.5.29.15");
    let certificate = certificate.with(lab::ca::eku(&[lab::ca::SERVER_AUTH])).with(name);
    let certificate = lab::ca::Cert { subject: lab::ca::dn("siem.example"), ..certificate };
    let certificate = lab::ca::Cert { spki: Key::Leaf.spki(), ..certificate }.without("2.5.29.14").der();
    let key = PrivatePkcs1KeyDer::from(include_bytes!("lab/keys/rsa2048-leaf.der").to_vec());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![CertificateDer::from(certificate)], key.into());
    Arc::new(config.unwrap())
}

fn sigscan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    command.args(arguments).env("SIGSCAN_TOKEN", "from-environment").output().unwrap()
}

#[test]
fn a_scan_sends_what_it_would_print() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| fine());
    let url = format!("http://{}/", server.address);
    let spool = folder.path().join("spool");
    let spool = spool.to_str().unwrap();
    let fixtures = testdata("fixtures/pe32.exe");
    let scan = [fixtures.to_str().unwrap(), "--at", "2026-06-01"];
    let output = sigscan(&[&scan[..], &["--send", &url, "--spool", spool, "--no-gzip"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, format!("sigscan: the token goes to {url} without encryption\nSent: 1 record to {url}\n"));
    let asked = server.asked();
    assert_eq!(asked[0].header("authorization"), Some("Bearer from-environment"));
    let printed = String::from_utf8(sigscan(&[&scan[..], &["--json"]].concat()).stdout).unwrap();
    let sent = text(&asked[0]);
    let (record, id) = sent.rsplit_once(",\"delivery_id\":\"").unwrap();
    assert_eq!(format!("{record}}}\n"), printed);
    assert_eq!(id.len(), 32 + 3);
    let token = folder.path().join("token");
    fs::write(&token, "from-file\n").unwrap();
    let output = sigscan(&["send", "--send", &url, "--spool", spool, "--token-file", token.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(server.asked().len(), 1, "nothing was left");
    for (wrong, why) in [
        (vec!["--format", "json"], "--send takes formats of lines that stand alone, and json is none"),
        (vec!["--format", "table"], "--send needs a format for programs: --format FORMAT"),
    ] {
        let output = sigscan(&[&scan[..], &["--send", &url, "--spool", spool], &wrong].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(why));
    }
    assert_eq!(sigscan(&[&scan[..], &["--send", &url]].concat()).status.code(), Some(2), "no spool");
    let _ = TcpStream::connect(server.address);
}

/// A line as it was before it was sent, and the identifier that it was sent with.
fn unmarked(format: &str, mut value: Value) -> (Value, String) {
    let id = match format {
        "splunk-hec" => {
            let fields = value.as_object_mut().unwrap().remove("fields").unwrap();
            assert_eq!(fields.as_object().unwrap().len(), 1);
            fields["delivery_id"].clone()
        }
        "logscale" => value["events"][0]["attributes"].as_object_mut().unwrap().remove("delivery_id").unwrap(),
        _ => value.as_object_mut().unwrap().remove("delivery_id").unwrap(),
    };
    (value, id.as_str().unwrap().to_owned())
}

#[test]
fn every_format_of_lines_arrives_as_it_would_be_printed() {
    let files = testdata("scenarios/sigthief");
    for format in ["jsonl", "splunk-hec", "logscale", "sysmon", "ecs", "ocsf", "leef", "cef"] {
        arrives(&[files.to_str().unwrap(), "--at", "2026-06-01", "--host", "pc-1"], format, 6);
    }
}

#[test]
fn detections_arrive_as_they_would_be_printed() {
    let log = testdata("events/attack.jsonl");
    for format in ["jsonl", "splunk-hec", "logscale", "ecs", "ocsf", "leef", "cef"] {
        arrives(&["events", log.to_str().unwrap()], format, 6);
    }
}

/// What these arguments print in this format, at least so many lines, is what a receiver gets, each with an identifier of its
/// own.
fn arrives(arguments: &[&str], format: &str, least: usize) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let server = Server::start(|_| fine());
    let url = format!("http://{}/", server.address);
    let run = [arguments, &["--quiet", "--format", format]].concat();
    let send = ["--send", &url, "--spool", spool.to_str().unwrap()];
    let output = sigscan(&[&run[..], &send].concat());
    assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    let sent: String = server.asked().iter().map(text).collect();
    let printed = String::from_utf8(sigscan(&run).stdout).unwrap();
    let ids: Vec<String> = if ["leef", "cef"].contains(&format) {
        let separator = if format == "leef" { "\tdelivery_id=" } else { " delivery_id=" };
        let (arrived, ids): (Vec<&str>, _) =
            sent.lines().map(|line| line.rsplit_once(separator).unwrap()).map(|(a, b)| (a, b.to_owned())).unzip();
        assert_eq!(arrived, printed.lines().collect::<Vec<_>>(), "{format}");
        ids
    } else {
        let wanted: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let arrived: Vec<Value> = match format {
            // An array a request, of which there may be several.
            "logscale" => {
                let arrays = server.asked().iter().map(text).collect::<Vec<_>>();
                arrays.iter().flat_map(|array| serde_json::from_str::<Vec<Value>>(array).unwrap()).collect()
            }
            _ => sent.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        };
        let (arrived, ids): (Vec<Value>, _) = arrived.into_iter().map(|value| unmarked(format, value)).unzip();
        assert_eq!(arrived, wanted, "{format}");
        ids
    };
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), printed.lines().count(), "{format}");
    assert!(ids.len() >= least && ids.iter().all(|id| id.len() == 32), "{format}: {ids:?}");
}

#[test]
fn a_scan_that_is_killed_has_its_records_in_the_spool() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, stalled) = std::sync::mpsc::channel();
    let begun = Mutex::new(begun);
    let server = Server::raw(move |_, _| {
        let _ = begun.lock().unwrap().send(());
        std::thread::sleep(Duration::from_secs(30));
    });
    let spool = folder.path().join("spool");
    let (url, spool) = (format!("http://{}/", server.address), spool.to_str().unwrap());
    let fixtures = testdata("fixtures");
    let scan = [fixtures.to_str().unwrap(), "--include", "p*.exe", "--at", "2026-06-01", "--no-correlate", "--quiet"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    let sending = ["--send", &url, "--spool", spool, "--batch-records", "1"];
    let mut child = command.args(scan).args(sending).spawn().unwrap();
    stalled.recv_timeout(Duration::from_secs(30)).unwrap();
    let expected = String::from_utf8(sigscan(&[&scan[..], &["--json"]].concat()).stdout).unwrap();
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    let server = Server::start(|_| fine());
    let url = format!("http://{}/", server.address);
    let output = sigscan(&["send", "--send", &url, "--spool", spool]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8(output.stderr).unwrap());
    let sent: String = server.asked().iter().map(text).collect();
    let bare = |line: &str| format!("{}}}", line.rsplit_once(",\"delivery_id\":").unwrap().0);
    let sent: Vec<String> = sent.lines().map(bare).collect();
    let expected: Vec<&str> = expected.lines().take(sent.len()).collect();
    assert!(!sent.is_empty() && sent == expected, "the first {} without a gap", sent.len());
}

#[test]
fn an_interrupt_ends_the_wait_for_a_receiver_that_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::raw(|_, _| std::thread::sleep(Duration::from_secs(30)));
    let post = Post::open(folder.path(), quick(&format!("http://{}/", server.address)), 1 << 30).unwrap();
    let mut lines = post.lines(Envelope::Json, "jsonl", None);
    lines.write_all(b"{\"n\":0}\n").unwrap();
    drop(lines);
    let interrupted = Arc::new(AtomicBool::new(false));
    let later = Arc::clone(&interrupted);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        later.store(true, Ordering::Release);
    });
    let begun = Instant::now();
    assert_eq!(post.finish(&interrupted).unwrap(), Outcome { pending: 1, ..Outcome::default() });
    assert!(begun.elapsed() < Duration::from_secs(5));
}
