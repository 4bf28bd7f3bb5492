//! The network as an attacker would have it: every refusal and every limit, on loopback and nowhere else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "lab/mod.rs"]
mod lab;
mod web;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::cast;
use lab::keys::Key;
use sigscan::online::{Ask, Client, FetchError, Fetched, Limits, Pace, Refusal, Url, UrlError, Validators, get};
use web::{Names, Server, pace};

fn body(bytes: &[u8]) -> Option<(u16, String, Vec<u8>)> {
    Some((200, String::new(), bytes.to_vec()))
}

fn redirect(to: &str) -> Option<(u16, String, Vec<u8>)> {
    Some((302, format!("location: {to}\r\n"), Vec::new()))
}

/// Limits that a test can wait for.
fn quick() -> Limits {
    Limits {
        bytes: 1000,
        total: Duration::from_millis(600),
        connect: Duration::from_millis(500),
        idle: Duration::from_millis(200),
    }
}

#[test]
fn nothing_is_sent_but_what_the_protocol_needs() {
    let server = Server::start(|_| body(b"found"));
    assert_eq!(server.client().get(&server.url("/ca.crl?x=1"), Limits::SMALL), Ok(b"found".to_vec()));
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("GET", "/ca.crl?x=1"));
    let mut headers = asked[0].headers.clone();
    headers.sort();
    let agent = format!("sigscan/{}", env!("CARGO_PKG_VERSION"));
    let expected = [("host", server.address.to_string()), ("user-agent", agent)];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn loopback_is_refused_unless_it_is_allowed_by_name() {
    let server = Server::start(|_| body(b"secret"));
    let refused = Err(FetchError::Refused(Refusal::Port));
    assert_eq!(get(&server.url("/"), Limits::SMALL), refused);
    let kind = |url: &str| get(url, Limits::SMALL).unwrap_err().to_string();
    assert_eq!(kind("http://127.0.0.1/"), "refused: the host's address is loopback");
    assert_eq!(kind("http://[::1]/"), "refused: the host's address is loopback");
    assert_eq!(kind("http://10.1.2.3/ca.crl"), "refused: the host's address is private");
    assert_eq!(kind("http://169.254.169.254/latest/meta-data/"), "refused: the host's address is link-local");
    assert_eq!(kind("https://[::ffff:192.168.0.1]/"), "refused: the host's address is private");
    assert_eq!(kind("file:///etc/passwd"), "refused: only http and https are asked");
    assert_eq!(kind("ldap://ldap.example/cn=ca"), "refused: only http and https are asked");
    assert_eq!(kind("http://a:b@crl.example/"), "refused: the URL has credentials in it");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_name_is_judged_by_what_it_resolves_to() {
    let server = Server::start(|_| body(b"secret"));
    let port = server.address.port();
    for (addresses, kind) in [
        (&["169.254.169.254"][..], "link-local"),
        (&["fd00:ec2::254"], "private"),
        (&["127.0.0.1"], "loopback"),
        (&["8.8.8.8", "10.0.0.1"], "private"),
    ] {
        let client = Client::default().with_resolver(Names::new(&[addresses]));
        let refused = Err(FetchError::Refused(Refusal::Address(kind)));
        assert_eq!(client.get("http://crl.example/ca.crl", Limits::SMALL), refused);
    }
    // Allowed by its name and its port, it is asked, and only there.
    let client = Client::new(vec![format!("crl.example:{port}").parse().unwrap()], pace())
        .with_resolver(Names::new(&[&["127.0.0.1"]]));
    assert_eq!(client.get(&format!("http://crl.example:{port}/"), Limits::SMALL), Ok(b"secret".to_vec()));
    let refused = Err(FetchError::Refused(Refusal::Address("loopback")));
    assert_eq!(client.get("http://other.example/", Limits::SMALL), refused);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(server.asked()[0].header("host"), Some(&*format!("crl.example:{port}")));
}

#[test]
fn a_name_is_resolved_once_so_that_it_cannot_change_its_meaning() {
    // Another server listens where the name leads the second time: it would be asked if the name were resolved again.
    let server = Server::start(|_| body(b"first"));
    let port = server.address.port();
    let trap = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
    trap.set_nonblocking(true).unwrap();
    let names = Names::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let client = Client::new(vec![format!("crl.example:{port}").parse().unwrap()], pace());
    let client = client.with_resolver(Arc::clone(&names) as Arc<dyn sigscan::online::Resolver>);
    assert_eq!(client.get(&format!("http://crl.example:{port}/"), Limits::SMALL), Ok(b"first".to_vec()));
    assert_eq!(*names.count.lock().unwrap(), 1);
    assert!(trap.accept().is_err(), "nobody asks the second address");
}

#[test]
fn every_step_of_a_redirect_is_looked_at_anew() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/file" => redirect("file:///etc/passwd"),
        "/metadata" => redirect("http://169.254.169.254/latest/meta-data/"),
        "/private" => redirect("http://10.0.0.1/"),
        "/port" => redirect("http://8.8.8.8:25/"),
        "/credentials" => redirect("http://a:b@crl.example/"),
        "/name" => redirect("http://inside.example/"),
        "/one" => redirect("two"),
        "/two" => redirect("/three"),
        "/three" => redirect("?four"),
        "/three?four" => body(b"arrived"),
        "/zero" => redirect("/one"),
        "/loop" => redirect("/loop"),
        "/nowhere" => Some((302, String::new(), Vec::new())),
        _ => None,
    });
    let client = server.client().with_resolver(Names::new(&[&["192.168.7.7"]]));
    let get = |path: &str| client.get(&server.url(path), Limits::SMALL);
    assert_eq!(get("/file"), Err(FetchError::Url(UrlError::Scheme)));
    assert_eq!(get("/metadata"), Err(FetchError::Refused(Refusal::Address("link-local"))));
    assert_eq!(get("/private"), Err(FetchError::Refused(Refusal::Address("private"))));
    assert_eq!(get("/port"), Err(FetchError::Refused(Refusal::Port)));
    assert_eq!(get("/credentials"), Err(FetchError::Url(UrlError::Credentials)));
    assert_eq!(get("/name"), Err(FetchError::Refused(Refusal::Address("private"))));
    assert_eq!(get("/one"), Ok(b"arrived".to_vec()));
    assert_eq!(get("/zero"), Err(FetchError::Redirects), "three redirects and no fourth");
    assert_eq!(get("/loop"), Err(FetchError::Redirects));
    assert_eq!(server.targets().iter().filter(|target| *target == "/loop").count(), 4);
    assert_eq!(get("/nowhere"), Err(FetchError::Status(302)));
    assert_eq!(get("/missing"), Err(FetchError::Status(404)));
}

#[test]
fn an_endless_body_ends_at_the_limit() {
    let server = Server::raw(|asked, stream| {
        let framing =
            if asked.target == "/chunked" { "transfer-encoding: chunked\r\n" } else { "connection: close\r\n" };
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{framing}\r\n").as_bytes());
        let chunk = if asked.target == "/chunked" { &b"100\r\n"[..] } else { b"" };
        let end = if asked.target == "/chunked" { &b"\r\n"[..] } else { b"" };
        while stream.write_all(&[chunk, &[7; 256], end].concat()).is_ok() {}
    });
    for path in ["/chunked", "/plain"] {
        assert_eq!(server.client().get(&server.url(path), quick()), Err(FetchError::TooLarge(1000)), "{path}");
    }
}

#[test]
fn an_enormous_length_is_refused_before_anything_is_read() {
    let server = Server::raw(|asked, stream| {
        let length = if asked.target == "/huge" { "18446744073709551615" } else { "1001" };
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes());
        std::thread::sleep(Duration::from_secs(2));
    });
    for path in ["/huge", "/just"] {
        let start = Instant::now();
        assert_eq!(server.client().get(&server.url(path), quick()), Err(FetchError::TooLarge(1000)), "{path}");
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn headers_without_end_are_no_http() {
    let server = Server::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n").is_ok() {}
    });
    assert_eq!(server.client().get(&server.url("/"), quick()), Err(FetchError::Protocol));
    let server = Server::raw(|_, stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n\r\n");
    });
    assert_eq!(server.client().get(&server.url("/"), quick()), Err(FetchError::Protocol));
}

#[test]
fn silence_and_slowness_end_in_time() {
    let server = Server::raw(|asked, stream| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";
        match asked.target.as_str() {
            "/mute" => std::thread::sleep(Duration::from_secs(3)),
            "/stall" => {
                let _ = stream.write_all(head).and_then(|()| stream.write_all(&[7; 100]));
                std::thread::sleep(Duration::from_secs(3));
            }
            "/drip" => {
                let _ = stream.write_all(head);
                while stream.write_all(b"7").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            "/drip-head" => {
                while stream.write_all(b"H").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
            _ => {
                let _ = stream.write_all(head).and_then(|()| stream.write_all(&[7; 100]));
            }
        }
    });
    let cases = [
        ("/mute", FetchError::Idle),
        ("/stall", FetchError::Idle),
        ("/drip", FetchError::Slow),
        ("/cut", FetchError::Cut),
    ];
    for (path, expected) in cases {
        let start = Instant::now();
        assert_eq!(server.client().get(&server.url(path), quick()), Err(expected), "{path}");
        assert!(start.elapsed() < Duration::from_secs(2), "{path}: {:?}", start.elapsed());
    }
    let start = Instant::now();
    assert!(server.client().get(&server.url("/drip-head"), quick()).is_err());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_server_that_failed_is_not_asked_again_within_the_back_off() {
    let server = Server::start(|asked| match asked.target.as_str() {
        "/busy" => Some((503, String::new(), Vec::new())),
        "/missing" => None,
        _ => body(b"there"),
    });
    let client = Client::new(vec![server.allowed()], Pace { back_off: Duration::from_millis(300), ..pace() });
    let get = |path: &str| client.get(&server.url(path), Limits::SMALL);
    assert_eq!(get("/missing"), Err(FetchError::Status(404)));
    assert_eq!(get("/a"), Ok(b"there".to_vec()), "a missing thing is no failing server");
    assert_eq!(get("/busy"), Err(FetchError::Status(503)));
    assert_eq!(get("/a"), Err(FetchError::LeftAlone(Box::new(FetchError::Status(503)))));
    assert_eq!(server.asked().len(), 3);
    std::thread::sleep(Duration::from_millis(350));
    assert_eq!(get("/a"), Ok(b"there".to_vec()));
    assert_eq!(server.asked().len(), 4);
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(vec![closed.to_string().parse().unwrap()], pace());
    assert_eq!(client.get(&format!("http://{closed}/"), Limits::SMALL), Err(FetchError::Connect));
}

#[test]
fn who_is_silent_where_nobody_vouches_is_left_alone_by_such_questions_only() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, and says nothing
    let address = silent.local_addr().unwrap();
    let server = Server::start(move |asked| match asked.target.as_str() {
        "/busy" => Some((503, String::new(), Vec::new())),
        "/away" => Some((302, format!("location: http://{address}/\r\n"), Vec::new())),
        _ => body(b"there"),
    });
    let allowed = vec![server.allowed(), address.to_string().parse().unwrap()];
    let client = Client::new(allowed, pace());
    let limits = Limits { idle: Duration::from_millis(50), ..Limits::SMALL };
    let ask = |url: &str, unvouched| {
        let url = Url::parse(url).unwrap();
        client.ask(Ask { url: &url, limits, validators: None, post: None, unvouched }).map(|_| ())
    };
    let there = format!("http://{address}/");
    // Neither a status nor what a redirect leads to is held against anybody.
    assert_eq!(ask(&server.url("/busy"), true), Err(FetchError::Status(503)));
    assert_eq!(ask(&server.url("/a"), true), Ok(()));
    assert_eq!(ask(&server.url("/away"), true), Err(FetchError::Idle));
    assert_eq!(ask(&there, true), Err(FetchError::Idle));
    let left_alone = Err(FetchError::LeftAlone(Box::new(FetchError::Idle)));
    assert_eq!(ask(&there, true), left_alone);
    assert_eq!(ask(&there, false), Err(FetchError::Idle), "vouched for, it is asked");
    assert_eq!(ask(&there, false), left_alone);
}

#[test]
fn nothing_is_asked_once_the_run_is_to_end() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let server = Server::start(|_| body(b"there"));
    let client = server.client();
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    client.stop_with(&stop);
    let get = || client.get(&server.url("/a"), Limits::SMALL);
    assert_eq!(get(), Ok(b"there".to_vec()));
    stop.store(true, Ordering::Relaxed);
    assert_eq!(get(), Err(FetchError::LeftAlone(Box::new(FetchError::Stopped))));
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn what_is_known_is_asked_for_with_its_validators() {
    let server = Server::start(|asked| match asked.header("if-none-match") {
        Some("\"v1\"") => Some((304, "cache-control: max-age=60\r\n".to_owned(), Vec::new())),
        _ => {
            Some((200, "etag: \"v1\"\r\nlast-modified: Sat, 01 Mar 2025 12:00:00 GMT\r\n".to_owned(), b"new".to_vec()))
        }
    });
    let (client, url) = (server.client(), Url::parse(&server.url("/ca.crl")).unwrap());
    let ask =
        |validators| client.ask(Ask { url: &url, limits: Limits::SMALL, validators, post: None, unvouched: false });
    let validators = Validators { etag: Some("\"v1\"".into()), modified: Some("Sat, 01 Mar 2025 12:00:00 GMT".into()) };
    let first = Fetched::Body { bytes: b"new".to_vec(), validators: validators.clone(), fresh: None };
    assert_eq!(ask(None), Ok(first));
    assert_eq!(ask(Some(&validators)), Ok(Fetched::NotModified { fresh: Some(Duration::from_secs(60)) }));
    assert_eq!(server.asked()[1].header("if-modified-since"), Some("Sat, 01 Mar 2025 12:00:00 GMT"));
}

#[test]
fn tls_trusts_no_server_that_the_root_programme_does_not() {
    // Whatever answers in the clear is no TLS server; nothing of the request is sent to it.
    let server = Server::start(|_| body(b"plain"));
    let url = server.url("/").replacen("http:", "https:", 1);
    assert_eq!(server.client().get(&url, quick()), Err(FetchError::Idle));
    assert_eq!(server.asked().len(), 0);
}

/// A TLS server at `crl.example` whose certificate the fixtures' root issued, for one connection after the other.
fn tls_server(names: &'static str, answer: String) -> std::net::SocketAddr {
    use rustls::pki_types::{CertificateDer, PrivatePkcs1KeyDer};
    let certificate = cast::root()
        .clone()
        .without("2.5.29.19")
        .without("2.5.29.15")
        .with(lab::ca::eku(&[lab::ca::SERVER_AUTH]))
        .with(lab::ca::dns_name(names));
    let certificate = lab::ca::Cert { subject: lab::ca::dn("crl.example"), ..certificate };
    let certificate = lab::ca::Cert { spki: Key::Leaf.spki(), ..certificate }.without("2.5.29.14").der();
    let key = PrivatePkcs1KeyDer::from(include_bytes!("lab/keys/rsa2048-leaf.der").to_vec());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut request = [0u8; 4096];
            if std::io::Read::read(&mut stream, &mut request).is_ok_and(|count| count > 0) {
                let _ = stream.write_all(answer.as_bytes());
                let _ = stream.flush();
            }
        }
    });
    address
}

#[test]
fn tls_believes_the_named_server_under_a_trusted_root_and_no_other() {
    let root = |stem: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/pki/{stem}.pem"));
        sigscan::trust::load_paths(&[path]).unwrap()
    };
    let plain = Server::start(|_| body(b"open"));
    let found = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret".to_owned();
    let ask = |names: &'static str, trusted: Option<&str>, answer: &str| {
        let address = tls_server(names, answer.to_owned());
        let allowed = vec![format!("crl.example:{}", address.port()).parse().unwrap()];
        let mut client = Client::new(allowed, pace()).with_resolver(Names::new(&[&["127.0.0.1"]]));
        if let Some(stem) = trusted {
            client = client.with_tls_roots(&root(stem));
        }
        client.get(&format!("https://crl.example:{}/", address.port()), Limits::SMALL)
    };
    let get = |names, trusted| ask(names, trusted, &found);
    assert_eq!(get("crl.example", Some("root")), Ok(b"secret".to_vec()));
    assert_eq!(get("other.example", Some("root")), Err(FetchError::Tls));
    assert_eq!(get("crl.example", Some("tsa-root")), Err(FetchError::Tls));
    assert_eq!(get("crl.example", None), Err(FetchError::Tls), "the embedded roots do not know it");
    // What was asked over TLS is never asked in the open.
    let open = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", plain.url("/"));
    assert_eq!(ask("crl.example", Some("root"), &open), Err(FetchError::Downgrade));
    assert_eq!(plain.asked().len(), 0);
}
