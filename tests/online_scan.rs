//! Scans that may use the network: what they ask, what they believe, and what they do when nobody answers. The
//! authorities' servers are on loopback, and the certificates name them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "online_scan/hostile.rs"]
mod hostile;
#[path = "lab/mod.rs"]
mod lab;
mod web;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use lab::ca::{ACCESS_CA_ISSUERS, ACCESS_OCSP, Cert, Crl, aki, crl_points, info_access};
use lab::cast;
use lab::cms::Signature;
use lab::der::{octets, oid, seq};
use lab::keys::Key;
use lab::ocsp::{Ocsp, Said};
use lab::pe::{Pe, sign};
use lab::stamp::Token;
use sigscan::online::{Cache, Downloads, Totals};
use sigscan::record::Revocation;
use sigscan::{Options, Record, Scanner, Time};
use web::{Asked, Server};

const LEAF: [u8; 3] = [0x10, 0x20, 0x30];

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// A list that stays current for as long as anybody will run this test.
fn current(list: Crl) -> Crl {
    list.valid("20260501000000Z", "20490101000000Z")
}

fn inter_crl() -> Crl {
    current(Crl::by(cast::inter_name(), Key::Inter).with(aki(&Key::Inter.id())))
}

fn root_crl() -> Vec<u8> {
    current(Crl::by(cast::root_name(), Key::Root).with(aki(&Key::Root.id()))).der()
}

/// The publisher's certificate as its authority at `base` would issue it.
fn leaf(base: &str) -> Cert {
    let access = [(ACCESS_CA_ISSUERS, format!("{base}/inter.crt")), (ACCESS_OCSP, format!("{base}/ocsp"))];
    let access: Vec<(&str, &str)> = access.iter().map(|(method, url)| (*method, url.as_str())).collect();
    cast::leaf().with(info_access(&access)).with(crl_points(&[&format!("{base}/inter.crl")]))
}

fn inter(base: &str) -> Vec<u8> {
    cast::inter().with(crl_points(&[&format!("{base}/root.crl")])).der()
}

/// A program whose signature brings no certificate but the signer's.
fn program(leaf: &Cert) -> Vec<u8> {
    let mut signature = Signature::with(leaf.der(), Key::Leaf);
    signature.certs = vec![leaf.der()];
    sign(&Pe::pe32().bytes(), &signature)
}

fn base(asked: &Asked) -> String {
    format!("http://{}", asked.header("host").unwrap())
}

type Reply = Option<(u16, String, Vec<u8>)>;

fn body(bytes: Vec<u8>) -> Reply {
    Some((200, String::new(), bytes))
}

/// What the authority's server answers when all is well and nobody is revoked.
fn well(asked: &Asked) -> Reply {
    match asked.target.as_str() {
        "/inter.crt" => body(inter(&base(asked))),
        "/inter.crl" => body(inter_crl().der()),
        "/root.crl" => body(root_crl()),
        _ => None,
    }
}

fn scanner(roots: &[&str]) -> Scanner {
    let files: Vec<PathBuf> = roots.iter().map(|stem| testdata(&format!("pki/{stem}.pem"))).collect();
    let trust = if files.is_empty() {
        sigscan::trust::TrustStore::empty()
    } else {
        sigscan::trust::load_paths(&files).unwrap()
    };
    Scanner::with_trust(Options::at(Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()), trust)
}

fn online(server: &Server, cache: Option<&Path>) -> Arc<Downloads> {
    Arc::new(Downloads::new(server.client(), cache.map(|folder| Cache::open(folder, 1 << 20).unwrap())))
}

/// The program judged with this server's help.
fn judged(server: &Server, program: &[u8]) -> Record {
    scanner(&["root", "tsa-root"]).with_supplier(online(server, None)).scan_bytes("program.exe", program)
}

fn verdict(record: &Record) -> (&'static str, &'static str, Revocation) {
    (record.status.name(), record.reason.code(), record.revocation)
}

fn notes(record: &Record) -> Vec<(&str, &str)> {
    record.anomalies.iter().map(|anomaly| (anomaly.code.as_str(), anomaly.message.as_str())).collect()
}

#[test]
fn nothing_is_asked_unless_somebody_asks_for_it() {
    let server = Server::start(well);
    let record = scanner(&["root"]).scan_bytes("program.exe", &program(&leaf(&server.url(""))));
    assert_eq!(verdict(&record), ("Untrusted", "chain-incomplete", Revocation::NotChecked));
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn issuers_and_lists_are_downloaded_and_believed_by_their_signatures() {
    let server = Server::start(well);
    let record = judged(&server, &program(&leaf(&server.url(""))));
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Good));
    assert_eq!(notes(&record), []);
    // No OCSP: the lists answer, and tell nobody which certificate is looked at.
    assert_eq!(server.targets(), ["/inter.crl", "/inter.crt", "/root.crl"]);
    let chain = serde_json::to_value(&record.signatures[0].chain).unwrap();
    let source = |place: &str| chain.pointer(place).unwrap().as_str().unwrap().to_owned();
    assert_eq!([source("/0/source"), source("/1/source")], ["signature", "online"]);
    assert_eq!(source("/0/revocation/source"), format!("online:{}", server.url("/inter.crl")));
    assert_eq!(source("/1/revocation/source"), format!("online:{}", server.url("/root.crl")));
}

#[test]
fn who_is_listed_is_revoked() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/inter.crl" => body(inter_crl().lists(&LEAF, "20250301115959Z", &[]).der()),
        _ => well(asked),
    });
    let record = judged(&server, &program(&leaf(&server.url(""))));
    assert_eq!(verdict(&record), ("Revoked", "cert-revoked", Revocation::Revoked));
}

#[test]
fn a_failed_download_is_unknown_and_no_failed_scan() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/inter.crl" => body(b"<html>down for maintenance</html>".to_vec()),
        "/ocsp" => None,
        _ => well(asked),
    });
    let program = program(&leaf(&server.url("")));
    let record = judged(&server, &program);
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Unknown));
    let expected = [
        ("inter.crl", "CRL", "the answer holds no CRL"),
        ("ocsp", "OCSP response", "the server answered with status 404"),
    ];
    let expected = expected.map(|(file, what, why)| {
        let url = server.url(&format!("/{file}"));
        ("download-failed", format!("no {what} for certificate 102030 from {url}: {why}"))
    });
    assert_eq!(notes(&record), expected.each_ref().map(|(code, message)| (*code, message.as_str())));
    assert_eq!(server.targets(), ["/inter.crl", "/inter.crt", "/ocsp", "/root.crl"]);
    let mut options = Options::at(Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap());
    options.require_revocation = true;
    let trust = sigscan::trust::load_paths(&[testdata("pki/root.pem")]).unwrap();
    let strict = Scanner::with_trust(options, trust).with_supplier(online(&server, None));
    let record = strict.scan_bytes("program.exe", &program);
    assert_eq!(verdict(&record), ("Untrusted", "revocation-unknown", Revocation::Unknown));
}

#[test]
fn what_a_certificate_names_is_refused_like_any_other_url() {
    let server = Server::start(well);
    let access = |urls: &[&str]| {
        let urls: Vec<(&str, &str)> = urls.iter().map(|url| (ACCESS_CA_ISSUERS, *url)).collect();
        program(&cast::leaf().with(info_access(&urls)))
    };
    let inside = server.url("/inter.crt");
    let urls = [
        "ldap://dc.example/cn=ca",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/\u{1b}[2J",
        "http://169.254.169.254/latest",
        inside.as_str(),
    ];
    // Nobody allowed this server by name.
    let downloads = Arc::new(Downloads::new(sigscan::online::Client::default(), None));
    let record = scanner(&["root"]).with_supplier(downloads).scan_bytes("program.exe", &access(&urls));
    assert_eq!(verdict(&record), ("Untrusted", "chain-incomplete", Revocation::NotChecked));
    let why = [
        ("ldap://dc.example/cn=ca", "refused: only http and https are asked"),
        ("file:///etc/passwd", "refused: only http and https are asked"),
        ("http://169.254.169.254/latest/?[2J", "refused: the URL has characters that no URL has"),
        ("http://169.254.169.254/latest", "refused: the host's address is link-local"),
        (inside.as_str(), "refused: a port other than 80 and 443"),
    ];
    let expected = why.map(|(url, why)| format!("no issuer for certificate 102030 from {url}: {why}"));
    assert_eq!(notes(&record), expected.each_ref().map(|message| ("download-failed", message.as_str())));
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_false_issuer_changes_nothing() {
    let server = Server::start(|asked| match asked.target.as_str() {
        // The right name, and another key.
        "/inter.crt" => body(cast::authority(cast::inter_name(), Key::Other, 9).der()),
        _ => well(asked),
    });
    let record = judged(&server, &program(&leaf(&server.url(""))));
    assert_eq!(verdict(&record), ("Untrusted", "chain-incomplete", Revocation::NotChecked));
    let url = server.url("/inter.crt");
    let note = format!("no issuer for certificate 102030 from {url}: none of the certificates there issued it");
    assert_eq!(notes(&record), [("download-failed", note.as_str())]);
    assert_eq!(server.targets(), ["/inter.crt"]);
}

#[test]
fn issuers_of_issuers_are_looked_for_three_times() {
    // Every authority is issued by the next one, and only the last by a root; all share one key.
    let name = |number: usize| lab::ca::dn(&format!("Fixture Link {number}"));
    let link = move |base: &str, number: usize, last: usize| {
        let cert = cast::authority(name(number), Key::Inter, u8::try_from(number).unwrap());
        let access = info_access(&[(ACCESS_CA_ISSUERS, &format!("{base}/{}", number + 1))]);
        match number == last {
            true => cert.by(&cast::root_name(), Key::Root).with(aki(&Key::Root.id())),
            false => cert.by(&name(number + 1), Key::Inter).with(access),
        }
    };
    for (last, reason, asked) in [(3, "ok", &["/1", "/2", "/3"][..]), (4, "chain-incomplete", &["/1", "/2", "/3"])] {
        let server = Server::start(move |asked| {
            let number: usize = asked.target[1..].parse().ok()?;
            body(link(&base(asked), number, last).der())
        });
        let access = info_access(&[(ACCESS_CA_ISSUERS, &server.url("/1"))]);
        let leaf = cast::leaf().without(lab::ca::AUTHORITY_KEY_ID).by(&name(1), Key::Inter).with(access);
        assert_eq!(judged(&server, &program(&leaf)).reason.code(), reason, "{last}");
        assert_eq!(server.targets(), asked);
    }
}

#[test]
fn time_authorities_are_asked_about_too() {
    let tsa_crl = || current(Crl::by(cast::tsa_root_name(), Key::TsaRoot).with(aki(&Key::TsaRoot.id()))).der();
    let server = Server::start(move |asked| match asked.target.as_str() {
        "/tsa.crl" => body(tsa_crl()),
        _ => well(asked),
    });
    let tsa = cast::tsa().with(crl_points(&[&server.url("/tsa.crl")])).der();
    let leaf = leaf(&server.url(""));
    let mut signature = Signature::with(leaf.der(), Key::Leaf).add(Token::at("20250301120000Z").from(tsa).attribute());
    signature.certs = vec![leaf.der()];
    let record = judged(&server, &sign(&Pe::pe32().bytes(), &signature));
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Good));
    assert_eq!(server.targets(), ["/inter.crl", "/inter.crt", "/root.crl", "/tsa.crl"]);
    let stamp = serde_json::to_value(&record.signatures[0].timestamps[0].chain[0].revocation).unwrap();
    assert_eq!(stamp["status"], "good");
}

#[test]
fn a_chain_without_a_trusted_root_is_not_asked_about() {
    let server = Server::start(well);
    let leaf = leaf(&server.url(""));
    let mut signature = Signature::with(leaf.der(), Key::Leaf);
    signature.certs = vec![leaf.der(), inter(&server.url("")), cast::root().der()];
    let record = scanner(&[])
        .with_supplier(online(&server, None))
        .scan_bytes("program.exe", &sign(&Pe::pe32().bytes(), &signature));
    assert_eq!(verdict(&record), ("Untrusted", "untrusted-root", Revocation::NotChecked));
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn one_question_is_asked_once_a_run_however_many_ask_it() {
    let server = Server::start(well);
    let program = program(&leaf(&server.url("")));
    let scanner = scanner(&["root"]).with_supplier(online(&server, None));
    let first = scanner.scan_bytes("program.exe", &program);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(scanner.scan_bytes("program.exe", &program), first));
        }
    });
    assert_eq!(server.targets(), ["/inter.crl", "/inter.crt", "/root.crl"]);
}

#[test]
fn the_cache_serves_the_next_run_without_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(well);
    let program = program(&leaf(&server.url("")));
    let run = || {
        let downloads = online(&server, Some(folder.path()));
        let record = scanner(&["root"]).with_supplier(Arc::clone(&downloads) as _).scan_bytes("program.exe", &program);
        (record, downloads.totals())
    };
    let (first, totals) = run();
    assert_eq!((totals.downloads, totals.cached), (3, 0));
    let (second, totals) = run();
    assert_eq!(totals, Totals { cached: 3, ..Totals::default() });
    assert_eq!(second, first);
    assert_eq!(server.asked().len(), 3);
    // Whoever shares the folder with others that run at the same time gets the same.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(run().0, first));
        }
    });
    assert_eq!(server.asked().len(), 3);
    // A damaged entry is asked for again.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    assert_eq!(run().0, first);
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn what_is_not_fresh_is_asked_for_conditionally_and_used_if_nobody_answers() {
    let folder = tempfile::tempdir().unwrap();
    let down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let refuses = Arc::clone(&down);
    let server = Server::start(move |asked| {
        if refuses.load(std::sync::atomic::Ordering::SeqCst) {
            return Some((503, String::new(), Vec::new()));
        }
        let (_, _, bytes) = well(asked)?;
        let head = "etag: \"v1\"\r\ncache-control: max-age=0\r\n".to_owned();
        match asked.header("if-none-match") {
            Some("\"v1\"") => Some((304, head, Vec::new())),
            _ => Some((200, head, bytes)),
        }
    });
    let program = program(&leaf(&server.url("")));
    let run = || {
        let downloads = online(&server, Some(folder.path()));
        let record = scanner(&["root"]).with_supplier(Arc::clone(&downloads) as _).scan_bytes("program.exe", &program);
        (record, downloads.totals())
    };
    let (first, totals) = run();
    assert_eq!((verdict(&first), totals.downloads), (("Valid", "ok", Revocation::Good), 3));
    let (second, totals) = run();
    assert_eq!((second, totals), (first.clone(), Totals { unchanged: 3, ..Totals::default() }));
    assert_eq!(server.asked().len(), 6);
    down.store(true, std::sync::atomic::Ordering::SeqCst);
    let (third, totals) = run();
    assert_eq!(third, first);
    assert_eq!(totals.failures.len(), 3);
    let why = totals.failures.get(&server.url("/inter.crl")).map(String::as_str);
    assert_eq!(why, Some("the server answered with status 503; what the cache had was used"));
    assert_eq!(server.asked().len(), 8, "a server that fails is asked for one list");
}

/// The program with the fixtures' root and moment.
fn sigscan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sigscan"))
        .args(arguments)
        .args(["--at", "2026-06-01T00:00:00Z", "--trust-store"])
        .arg(testdata("pki/root.pem"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Status, reason and revocation of the one record that was printed.
fn told(output: &Output) -> (String, String, String) {
    let record: serde_json::Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    let member = |name: &str| record[name].as_str().unwrap().to_owned();
    (member("status"), member("reason"), member("revocation"))
}

fn owned(status: &str, reason: &str, revocation: &str) -> (String, String, String) {
    (status.to_owned(), reason.to_owned(), revocation.to_owned())
}

#[test]
fn the_command_line_scans_online_and_says_what_it_asked() {
    let server = Server::start(well);
    let folder = tempfile::tempdir().unwrap();
    let (file, cache) = (folder.path().join("program.exe"), folder.path().join("cache"));
    std::fs::write(&file, program(&leaf(&server.url("")))).unwrap();
    let (file, cache, host) = (file.to_str().unwrap(), cache.to_str().unwrap(), server.address.to_string());
    let plain = sigscan(&[file, "--json"]);
    assert_eq!(told(&plain), owned("Untrusted", "chain-incomplete", "not-checked"));
    assert_eq!(text(&plain.stderr), "");
    assert_eq!(server.asked().len(), 0);
    let refused = sigscan(&[file, "--json", "--online", "--online-cache", cache]);
    assert_eq!((refused.status.code(), server.asked().len()), (Some(0), 0));
    let url = server.url("/inter.crt");
    let summary = format!("Online: 0 downloads (0 bytes), 1 failed\n  {url}: refused: a port other than 80 and 443\n");
    assert_eq!(text(&refused.stderr), summary);
    let options = ["--online", "--online-cache", cache, "--allow-host", &host];
    let online = sigscan(&[&[file, "--json"][..], &options].concat());
    assert_eq!(told(&online), owned("Valid", "ok", "good"));
    assert!(text(&online.stderr).starts_with("Online: 3 downloads ("), "{}", text(&online.stderr));
    let again = sigscan(&[&[file, "--json"][..], &options].concat());
    assert_eq!(text(&again.stderr), "Online: 0 downloads (0 bytes), 3 from the cache\n");
    assert_eq!(again.stdout, online.stdout);
    let quiet = sigscan(&[&[file, "--json", "--quiet"][..], &options].concat());
    assert_eq!(text(&quiet.stderr), "");
    assert_eq!(sigscan(&[file, "--allow-host", &host]).status.code(), Some(2));
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn what_is_fetched_serves_a_scan_without_network() {
    let server = Server::start(well);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, kept, cache, host) = (path("program.exe"), path("kept"), path("cache"), server.address.to_string());
    std::fs::write(&file, program(&leaf(&server.url("")))).unwrap();
    let options = ["--allow-host", &host, "--online-cache", &cache];
    let dry = sigscan(&[&["fetch", &file, "--dry-run"][..], &options].concat());
    assert_eq!(dry.status.code(), Some(0));
    assert_eq!(text(&dry.stdout), format!("{}\tissuer\tfor certificate 102030\n", server.url("/inter.crt")));
    assert_eq!(server.asked().len(), 0);
    assert!(!Path::new(&cache).exists());
    let fetched = sigscan(&[&["fetch", &file, "--output", &kept][..], &options].concat());
    assert_eq!(fetched.status.code(), Some(0), "{}", text(&fetched.stderr));
    assert_eq!(server.targets(), ["/inter.crl", "/inter.crt", "/root.crl"]);
    let manifest = std::fs::read_to_string(Path::new(&kept).join("manifest.jsonl")).unwrap();
    let notes: Vec<serde_json::Value> = manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let shown: Vec<[&str; 3]> =
        notes.iter().map(|note| ["url", "what", "certificate_serial"].map(|key| note[key].as_str().unwrap())).collect();
    let urls = ["/inter.crl", "/inter.crt", "/root.crl"].map(|path| server.url(path));
    assert_eq!(shown, [[urls[0].as_str(), "CRL", "102030"], [&urls[1], "issuer", "102030"], [&urls[2], "CRL", "2"]]);
    for note in &notes {
        let bytes = std::fs::read(Path::new(&kept).join(note["file"].as_str().unwrap())).unwrap();
        let found = sigscan::crypto::digest(sigscan::crypto::DigestAlgorithm::Sha256, &bytes).unwrap();
        assert_eq!(note["sha256"], found.to_string());
        assert!(note["file"].as_str().unwrap().starts_with(&found.to_string()[..32]));
    }
    drop(server);
    let offline = sigscan(&[&file, "--json", "--crl", &kept, "--intermediates", &kept]);
    assert_eq!(told(&offline), owned("Valid", "ok", "good"));
    let missing = path("missing.exe");
    assert_eq!(sigscan(&["fetch", &missing, "--dry-run"]).status.code(), Some(2));
    assert_eq!(sigscan(&["fetch", &file]).status.code(), Some(2));
    assert_eq!(sigscan(&["fetch", &file, "--dry-run", "--json"]).status.code(), Some(2));
}

/// A program whose signer's authority answers over OCSP alone, and the server's answer to that question.
fn responding(answer: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) -> (Server, Vec<u8>) {
    let server = Server::start(move |asked| match asked.target.as_str() {
        "/ocsp" => answer(&asked.body),
        _ => well(asked),
    });
    let access = [(ACCESS_CA_ISSUERS, server.url("/inter.crt")), (ACCESS_OCSP, server.url("/ocsp"))];
    let access: Vec<(&str, &str)> = access.iter().map(|(method, url)| (*method, url.as_str())).collect();
    let program = program(&cast::leaf().with(info_access(&access)));
    (server, program)
}

/// What the authority itself says of a serial number, with a nonce if there is one.
fn response(serial: &[u8], said: Said, nonce: Option<&[u8]>) -> Reply {
    let mut response = Ocsp::by(Key::Inter).valid("20260501000000Z", Some("20490101000000Z")).about(
        &cast::inter_name(),
        Key::Inter,
        serial,
        said,
    );
    if let Some(nonce) = nonce {
        response.exts.push(seq(&[oid("1.3.6.1.5.5.7.48.1.2"), octets(&octets(nonce))]));
    }
    body(response.der())
}

/// The nonce stands at the end of the request.
fn nonce(request: &[u8]) -> &[u8] {
    request.last_chunk::<32>().unwrap()
}

#[test]
fn a_responder_is_asked_with_a_nonce_where_no_list_answers() {
    let (server, program) = responding(|request| response(&LEAF, Said::Good, Some(nonce(request))));
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let downloads = online(&server, Some(folder.path()));
        scanner(&["root"]).with_supplier(downloads).scan_bytes("program.exe", &program)
    };
    let record = run();
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Good));
    assert_eq!(notes(&record), []);
    let source = serde_json::to_value(&record.signatures[0].chain[0].revocation).unwrap()["source"].clone();
    assert_eq!(source, format!("online:{}", server.url("/ocsp")));
    assert_eq!(server.targets(), ["/inter.crt", "/ocsp", "/root.crl"]);
    let asked = server.asked().into_iter().find(|asked| asked.target == "/ocsp").unwrap();
    assert_eq!((asked.method.as_str(), asked.header("content-type")), ("POST", Some("application/ocsp-request")));
    let mut names: Vec<String> = asked.headers.into_iter().map(|header| header.0).collect();
    names.sort();
    assert_eq!(names, ["content-length", "content-type", "host", "user-agent"]);
    assert_eq!(run(), record);
    assert_eq!(server.asked().len(), 3, "the cache answers the second time");
}

#[test]
fn what_a_responder_says_counts_and_what_it_does_not_say_is_unknown() {
    let moment = "20250301115959Z";
    let (server, program) = responding(move |request| response(&LEAF, Said::Revoked(moment, 1), Some(nonce(request))));
    assert_eq!(verdict(&judged(&server, &program)), ("Revoked", "cert-revoked", Revocation::Revoked));
    let (server, program) = responding(|_| response(&LEAF, Said::Good, None));
    let made_in_advance = judged(&server, &program);
    assert_eq!(verdict(&made_in_advance), ("Valid", "ok", Revocation::Good), "without a nonce");
    let unknown = ("Valid", "ok", Revocation::Unknown);
    let refusal = Ocsp { refusal: Some(3), ..Ocsp::by(Key::Inter) }.der();
    let cases: [(Reply, &str); 5] = [
        (response(&[0x77], Said::Good, None), "the answer is for another certificate"),
        (response(&LEAF, Said::Good, Some(&[7; 32])), "the answer has the nonce of another request"),
        (body(refusal), "the responder's answer is tryLater"),
        (body(b"good".to_vec()), "the answer holds no OCSP response"),
        // A question about a certificate is for the responder that the certificate names, and for no other.
        (Some((307, "location: /elsewhere\r\n".to_owned(), Vec::new())), "the server answered with status 307"),
    ];
    for (reply, why) in cases {
        let (server, program) = responding(move |_| reply.clone());
        let record = judged(&server, &program);
        assert_eq!(verdict(&record), unknown, "{why}");
        let note = format!("no OCSP response for certificate 102030 from {}: {why}", server.url("/ocsp"));
        assert_eq!(notes(&record), [("download-failed", note.as_str())]);
        assert_eq!(server.targets(), ["/inter.crt", "/ocsp", "/root.crl"]);
    }
}

#[test]
fn what_is_asked_during_a_scan_is_judged_as_of_then() {
    // The answer is a second later than the scan's moment, as one that is made for the question.
    let server = Server::start(|asked| match asked.target.as_str() {
        "/ocsp" => {
            let response = Ocsp::by(Key::Inter).valid("20260601000001Z", Some("20490101000000Z"));
            body(response.about(&cast::inter_name(), Key::Inter, &LEAF, Said::Good).der())
        }
        _ => well(asked),
    });
    let access = [(ACCESS_CA_ISSUERS, server.url("/inter.crt")), (ACCESS_OCSP, server.url("/ocsp"))];
    let access: Vec<(&str, &str)> = access.iter().map(|(method, url)| (*method, url.as_str())).collect();
    let leaf = cast::leaf().valid("20240101000000Z", "20400101000000Z").with(info_access(&access));
    let program = program(&leaf);
    let fixed = judged(&server, &program);
    assert_eq!((fixed.revocation, fixed.judged_at.as_str()), (Revocation::Unknown, "2026-06-01T00:00:00Z"));
    let live = Arc::new(Downloads::new(server.client(), None).live());
    let record = scanner(&["root"]).with_supplier(live).scan_bytes("program.exe", &program);
    assert_eq!(verdict(&record), ("Valid", "ok", Revocation::Good));
    assert!(record.judged_at.as_str() > "2026-06-01T00:00:01Z", "{}", record.judged_at);
}
