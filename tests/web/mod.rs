//! A small HTTP server on loopback, real down to the sockets, that answers whatever a test wants.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects)]

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sigscan::online::{AllowedHost, Client, Pace, Resolver};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub target: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

type Answer = dyn Fn(&Asked, &mut TcpStream) + Send + Sync;

/// A server that lives as long as its owner.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// A server that writes its answers itself.
    pub fn raw(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server { address: listener.local_addr().unwrap(), asked: Arc::default(), stop: Arc::default() };
        let (asked, stop, answer) = (Arc::clone(&server.asked), Arc::clone(&server.stop), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (asked, answer): (_, Arc<Answer>) = (Arc::clone(&asked), answer.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &asked, &*answer));
            }
        });
        server
    }

    /// A server of fixed answers: status, further header lines, body; `None` is a 404.
    pub fn start(answer: impl Fn(&Asked) -> Option<(u16, String, Vec<u8>)> + Send + Sync + 'static) -> Server {
        Server::raw(move |asked, stream| {
            let (status, headers, body) = answer(asked).unwrap_or((404, String::new(), b"no".to_vec()));
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        })
    }

    /// `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The targets that were asked so far, sorted.
    pub fn targets(&self) -> Vec<String> {
        let mut targets: Vec<String> = self.asked().into_iter().map(|asked| asked.target).collect();
        targets.sort();
        targets
    }

    /// What allows a client to ask this server by its address.
    pub fn allowed(&self) -> AllowedHost {
        self.address.to_string().parse().unwrap()
    }

    /// A client that may ask this server, and does not wait between two questions.
    pub fn client(&self) -> Client {
        Client::new(vec![self.allowed()], pace())
    }
}

pub fn pace() -> Pace {
    Pace { interval: Duration::ZERO, ..Pace::default() }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, answer: &Answer) {
    let mut bytes = Vec::new();
    let mut block = [0u8; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&block[..count]),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|header| header.0 == "content-length").map_or(0, |header| header.1.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let count = stream.read(&mut block).unwrap();
        body.extend_from_slice(&block[..count]);
    }
    let asked = Asked { method: first.next().unwrap().into(), target: first.next().unwrap().into(), headers, body };
    log.lock().unwrap().push(asked.clone());
    answer(&asked, &mut stream);
}

/// A resolver that gives one address after the other, and the last one for ever; it counts how often it is asked.
#[derive(Debug)]
pub struct Names {
    pub answers: Vec<Vec<IpAddr>>,
    pub count: Mutex<usize>,
}

impl Names {
    pub fn new(answers: &[&[&str]]) -> Arc<Names> {
        let parsed = answers.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Names { answers: parsed.collect(), count: Mutex::new(0) })
    }
}

impl Resolver for Names {
    fn resolve(&self, _: &str, _: Duration) -> Vec<IpAddr> {
        let mut count = self.count.lock().unwrap();
        let answer = self.answers.get(*count).or(self.answers.last()).unwrap().clone();
        *count += 1;
        answer
    }
}
