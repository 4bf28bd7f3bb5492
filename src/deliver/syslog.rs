//! A batch as one connection of syslog messages: RFC 5424 in the octet-counting frames of RFC 6587 section 3.4.1, which are
//! those of RFC 5425 over TLS.
//!
//! Syslog has no acknowledgement. What comes closest: after the last message this side closes its half of the connection and
//! waits for the receiver to close the other. A receiver does that when it has read to the end; one that ends with octets
//! unread resets the connection on the usual systems. So a batch counts as sent if the end is orderly, and is sent again
//! otherwise. Whether the receiver kept what it read is known to nobody but the receiver.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::destination::Destination;
use super::segment::{Entry, Header};
use super::sender::Failure;
use crate::Time;
use crate::online::{Host, Tls};

/// Longest wait for a connection, for one write, and for one read; less where the whole ends earlier.
const IDLE: Duration = Duration::from_secs(10);
/// For one batch together.
const TOTAL: Duration = Duration::from_secs(60);
/// "log audit" (13), "informational" (6): RFC 5424 section 6.2.1.
const PRIORITY: u8 = 13 * 8 + 6;

/// Sends the lines over a connection of their own; `Ok` once the receiver closed it in order after having read to its end.
pub(super) fn send(to: &Destination, tls: &Tls, header: &Header, entries: &[Entry]) -> Result<(), Failure> {
    send_within(TOTAL, to, tls, header, entries)
}

fn send_within(
    total: Duration,
    to: &Destination,
    tls: &Tls,
    header: &Header,
    entries: &[Entry],
) -> Result<(), Failure> {
    let Destination::Syslog { host, tls: secured, .. } = to else {
        return Err(Failure::Stop("no syslog receiver".to_owned()));
    };
    let later = |error: std::io::Error| Failure::later(words(&error));
    let deadline = Deadline { begun: Instant::now(), total };
    let mut socket = Timed { socket: connect(&to.addresses(IDLE), &deadline)?, deadline };
    let frames = frames(header, entries);
    if !secured {
        write(&mut socket, &frames)?;
        socket.socket.shutdown(Shutdown::Write).map_err(later)?;
        return end(&mut socket);
    }
    let name = match host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    };
    let no_tls = || Failure::Stop("TLS is not available".to_owned());
    let config = tls.clone().ok_or_else(no_tls)?;
    let connection = ClientConnection::new(config, ServerName::try_from(name).map_err(|_| no_tls())?);
    let mut stream = StreamOwned::new(connection.map_err(|_| no_tls())?, socket);
    write(&mut stream, &frames)?;
    stream.conn.send_close_notify();
    stream.flush().map_err(later)?;
    stream.sock.socket.shutdown(Shutdown::Write).map_err(later)?;
    end(&mut stream)
}

fn connect(addresses: &[SocketAddr], deadline: &Deadline) -> Result<TcpStream, Failure> {
    let mut addresses = addresses.iter().take(4);
    let reached = addresses.find_map(|address| TcpStream::connect_timeout(address, deadline.wait().ok()?).ok());
    reached.ok_or_else(|| Failure::later("no connection".to_owned()))
}

/// Errors in words that are the same on every system.
fn words(error: &std::io::Error) -> String {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return "no trusted TLS connection".to_owned();
    }
    if is_late(error) {
        return TooLate.to_string();
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "the receiver fell silent".to_owned(),
        _ => "the connection ended early".to_owned(),
    }
}

fn is_late(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooLate>())
}

/// The batch took longer than it may.
#[derive(Debug)]
struct TooLate;

impl std::fmt::Display for TooLate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it took too long")
    }
}

impl std::error::Error for TooLate {}

/// When the batch began, and how long it may take.
struct Deadline {
    begun: Instant,
    total: Duration,
}

impl Deadline {
    /// How long to wait for the next thing.
    fn wait(&self) -> std::io::Result<Duration> {
        let left = self.total.saturating_sub(self.begun.elapsed());
        if left.is_zero() { Err(std::io::Error::other(TooLate)) } else { Ok(left.min(IDLE)) }
    }

    /// What an error that came of waiting means: the receiver was silent for long, or there was no more time.
    fn blame(&self, error: std::io::Error) -> std::io::Error {
        let waited = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
        if waited && self.wait().is_err() { std::io::Error::other(TooLate) } else { error }
    }
}

/// A connection of which nothing lasts beyond the deadline, TLS's own exchanges included.
struct Timed {
    socket: TcpStream,
    deadline: Deadline,
}

impl Read for Timed {
    fn read(&mut self, block: &mut [u8]) -> std::io::Result<usize> {
        self.socket.set_read_timeout(Some(self.deadline.wait()?))?;
        self.socket.read(block).map_err(|error| self.deadline.blame(error))
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.socket.set_write_timeout(Some(self.deadline.wait()?))?;
        self.socket.write(octets).map_err(|error| self.deadline.blame(error))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.socket.flush()
    }
}

fn write(stream: &mut impl Write, octets: &[u8]) -> Result<(), Failure> {
    let written = octets.chunks(64 << 10).try_for_each(|part| stream.write_all(part)).and_then(|()| stream.flush());
    written.map_err(|error| Failure::later(words(&error)))
}

/// Waits for the receiver's end; what it says before is thrown away.
fn end(stream: &mut impl Read) -> Result<(), Failure> {
    let mut block = [0u8; 4096];
    loop {
        match stream.read(&mut block) {
            Ok(0) => return Ok(()),
            // TCP ended in order without the close_notify that many receivers leave out.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                return Err(Failure::later("the receiver did not close the connection after the end".to_owned()));
            }
            Err(error) => return Err(Failure::later(words(&error))),
        }
    }
}

/// `<PRI>1 TIMESTAMP HOSTNAME sigscan - FORMAT - MSG`, each after its length (RFC 5424 section 6). The message is UTF-8
/// without a byte order mark (MSG-ANY): parsers of LEEF and CEF look for their first word right there.
fn frames(header: &Header, entries: &[Entry]) -> Vec<u8> {
    // PRINTUSASCII of at most 255 (HOSTNAME) and 32 (MSGID), else the NILVALUE.
    let printable = |text: &str, limit: usize| {
        let fits = (1..=limit).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { text.to_owned() } else { "-".to_owned() }
    };
    let host = printable(header.host.as_deref().unwrap_or_default(), 255);
    let format = printable(&header.format, 32);
    let mut octets = Vec::new();
    for entry in entries {
        let time = Time(i64::try_from(entry.time).unwrap_or(i64::MAX)).to_string();
        let head = format!("<{PRIORITY}>1 {time} {host} sigscan - {format} - ");
        let length = head.len().saturating_add(entry.line.len());
        octets.extend_from_slice(format!("{length} {head}").as_bytes());
        octets.extend_from_slice(&entry.line);
    }
    octets
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// An octet now and then, which never becomes a TLS record, until the other side has gone.
    #[test]
    fn a_receiver_that_trickles_holds_nobody_beyond_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = std::thread::spawn(move || {
            for _ in 0..2 {
                let (mut socket, _) = listener.accept().unwrap();
                let record = [0x16, 0x03, 0x03, 0x3f, 0xff].into_iter().chain(std::iter::repeat_n(0, 2000));
                for octet in record {
                    if socket.write_all(&[octet]).is_err() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        });
        let header = Header { spool: 1, format: "leef".to_owned(), host: None };
        let entries = [Entry { time: 1_780_272_000, line: b"x".to_vec() }];
        for scheme in ["syslogs", "syslog"] {
            let to: Destination = format!("{scheme}://{address}").parse().unwrap();
            let sent = send_within(Duration::from_millis(300), &to, &crate::online::embedded_tls(), &header, &entries);
            assert_eq!(sent, Err(Failure::later("it took too long".to_owned())), "{scheme}");
        }
        receiver.join().unwrap();
    }

    #[test]
    fn frames_count_octets_and_headers_hold_no_text_of_strangers() {
        let entry = |line: &str| Entry { time: 1_780_272_000, line: line.as_bytes().to_vec() };
        let header = |host: Option<&str>| Header { spool: 1, format: "leef".to_owned(), host: host.map(str::to_owned) };
        let text = |host| String::from_utf8(frames(&header(host), &[entry("LEEF:é"), entry("x")])).unwrap();
        let expected = "56 <110>1 2026-06-01T00:00:00Z pc1 sigscan - leef - LEEF:é\
                        50 <110>1 2026-06-01T00:00:00Z pc1 sigscan - leef - x";
        assert_eq!(text(Some("pc1")), expected);
        assert!(text(Some("a b\n")).starts_with("54 <110>1 2026-06-01T00:00:00Z - sigscan - leef - LEEF:é"));
        assert!(text(None).contains("Z - sigscan"));
    }
}
