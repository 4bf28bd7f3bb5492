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

/// Longest wait for a connection, for one write, and for one read.
const IDLE: Duration = Duration::from_secs(10);
/// For one batch together.
const TOTAL: Duration = Duration::from_secs(60);
/// "log audit" (13), "informational" (6): RFC 5424 section 6.2.1.
const PRIORITY: u8 = 13 * 8 + 6;

/// Sends the lines over a connection of their own; `Ok` once the receiver closed it in order after having read to its end.
pub(super) fn send(to: &Destination, tls: &Tls, header: &Header, entries: &[Entry]) -> Result<(), Failure> {
    let Destination::Syslog { host, tls: secured, .. } = to else {
        return Err(Failure::Stop("no syslog receiver".to_owned()));
    };
    let later = |error: std::io::Error| Failure::later(words(&error));
    let deadline = Deadline(Instant::now());
    let socket = connect(&to.addresses(IDLE))?;
    socket.set_read_timeout(Some(IDLE)).and_then(|()| socket.set_write_timeout(Some(IDLE))).map_err(later)?;
    let frames = frames(header, entries);
    if !secured {
        let mut socket = socket;
        deadline.write(&mut socket, &frames)?;
        socket.shutdown(Shutdown::Write).map_err(later)?;
        return deadline.end(&mut socket);
    }
    let name = match host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    };
    let no_tls = || Failure::Stop("TLS is not available".to_owned());
    let config = tls.clone().ok_or_else(no_tls)?;
    let connection = ClientConnection::new(config, ServerName::try_from(name).map_err(|_| no_tls())?);
    let mut stream = StreamOwned::new(connection.map_err(|_| no_tls())?, socket);
    deadline.write(&mut stream, &frames)?;
    stream.conn.send_close_notify();
    stream.flush().map_err(later)?;
    stream.sock.shutdown(Shutdown::Write).map_err(later)?;
    deadline.end(&mut stream)
}

fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let reached = addresses.iter().take(4).find_map(|address| TcpStream::connect_timeout(address, IDLE).ok());
    reached.ok_or_else(|| Failure::later("no connection".to_owned()))
}

/// Errors in words that are the same on every system.
fn words(error: &std::io::Error) -> String {
    if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) {
        return "no trusted TLS connection".to_owned();
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "the receiver fell silent".to_owned(),
        _ => "the connection ended early".to_owned(),
    }
}

/// When the batch began.
struct Deadline(Instant);

impl Deadline {
    fn check(&self) -> Result<(), Failure> {
        if self.0.elapsed() > TOTAL { Err(Failure::later("it took too long".to_owned())) } else { Ok(()) }
    }

    fn write(&self, stream: &mut impl Write, octets: &[u8]) -> Result<(), Failure> {
        for part in octets.chunks(64 << 10) {
            self.check()?;
            stream.write_all(part).map_err(|error| Failure::later(words(&error)))?;
        }
        stream.flush().map_err(|error| Failure::later(words(&error)))
    }

    /// Waits for the receiver's end; what it says before is thrown away.
    fn end(&self, stream: &mut impl Read) -> Result<(), Failure> {
        let mut block = [0u8; 4096];
        loop {
            self.check()?;
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
    use super::*;

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
