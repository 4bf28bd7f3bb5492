//! One exchange with one server: connect to an address that was looked at, ask, read no more than is allowed.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::pki_types::{Der, ServerName, TrustAnchor};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::config::{AutoHeaderValue, Config};
use ureq::http::{Request, Response, Uri, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector, Transport, TransportAdapter,
};
use ureq::{Agent, Body, Timeout};

use super::client::{FetchError, Limits};
use super::url::Url;
use crate::asn1::{Reader, oids, tag};
use crate::trust::{LimitDate, TrustStore};

/// Octets of status line and headers; real ones have fewer than 1,000.
const MAX_HEADERS: usize = 16 << 10;
/// Octets that are read at a time.
const BLOCK: usize = 16 << 10;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) url: &'q Url,
    /// If-None-Match.
    pub(super) etag: Option<&'q str>,
    /// If-Modified-Since.
    pub(super) modified: Option<&'q str>,
    /// Content type and body of a POST.
    pub(super) post: Option<(&'q str, &'q [u8])>,
}

/// What this exchange may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    pub(super) total: Duration,
    pub(super) connect: Duration,
    pub(super) idle: Duration,
    pub(super) bytes: u64,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Location, for redirects.
    pub(super) location: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) cache_control: Option<String>,
    /// The body of a 200; no other is read.
    pub(super) body: Vec<u8>,
}

/// Asks once. Nothing is sent but what the protocol needs; no proxy, no cookie, no redirect, no second address look-up.
pub(super) fn exchange(
    question: Question<'_>,
    addresses: &[SocketAddr],
    allowance: Allowance,
    tls: &Tls,
    stop: &dyn Fn() -> bool,
) -> Result<Answer, FetchError> {
    let agent = agent(addresses, allowance, tls);
    let mut request = Request::builder().uri(question.url.to_string());
    for (name, value) in [(header::IF_NONE_MATCH, question.etag), (header::IF_MODIFIED_SINCE, question.modified)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let response = match question.post {
        Some((kind, body)) => {
            let request = request.method("POST").header(header::CONTENT_TYPE, kind).body(body);
            agent.run(request.map_err(|_| FetchError::Protocol)?)
        }
        None => agent.run(request.body(()).map_err(|_| FetchError::Protocol)?),
    };
    answer(response.map_err(|error| failure(&error))?, allowance.bytes, stop)
}

/// What a receiver said of what was posted to it.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) status: u16,
    /// Retry-After.
    pub(crate) retry_after: Option<String>,
}

/// Posts once to a receiver that a person named; as [`exchange`], but no body of an answer is read.
pub(crate) fn post(
    url: &Url,
    headers: &[(&str, String)],
    body: &[u8],
    addresses: &[SocketAddr],
    limits: Limits,
    tls: &Tls,
) -> Result<Taken, FetchError> {
    let Limits { total, connect, idle, bytes } = limits;
    let agent = agent(addresses, Allowance { total, connect, idle, bytes }, tls);
    let mut request = Request::builder().uri(url.to_string()).method("POST");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let response = agent.run(request.body(body).map_err(|_| FetchError::Protocol)?);
    let response = response.map_err(|error| failure(&error))?;
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok(Taken { status: response.status().as_u16(), retry_after: retry_after.map(str::to_owned) })
}

/// A client for one exchange.
fn agent(addresses: &[SocketAddr], allowance: Allowance, tls: &Tls) -> Agent {
    let config = Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("sigscan/", env!("CARGO_PKG_VERSION")))
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .max_response_header_size(MAX_HEADERS)
        .timeout_global(Some(allowance.total))
        .timeout_connect(Some(allowance.connect))
        .timeout_per_read(Some(allowance.idle))
        .timeout_per_write(Some(allowance.idle))
        .build();
    let connector = ().chain(TcpConnector::default()).chain(TlsConnector(tls.clone()));
    Agent::with_parts(config, connector, Admitted(addresses.to_vec()))
}

fn answer(mut response: Response<Body>, limit: u64, stop: &dyn Fn() -> bool) -> Result<Answer, FetchError> {
    let text = |name| response.headers().get(&name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer = Answer {
        status: response.status().as_u16(),
        location: text(header::LOCATION),
        etag: text(header::ETAG),
        modified: text(header::LAST_MODIFIED),
        cache_control: text(header::CACHE_CONTROL),
        body: Vec::new(),
    };
    if answer.status != 200 {
        return Ok(answer);
    }
    if response.body().content_length().is_some_and(|length| length > limit) {
        return Err(FetchError::TooLarge(limit));
    }
    let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut block = vec![0u8; BLOCK];
    loop {
        let count = reader.read(&mut block).map_err(|error| read_failure(&error))?;
        let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else { return Ok(answer) };
        if stop() {
            return Err(FetchError::Stopped);
        }
        if (answer.body.len() as u64).saturating_add(count as u64) > limit {
            return Err(FetchError::TooLarge(limit));
        }
        answer.body.extend_from_slice(bytes);
    }
}

/// Errors in words that are the same on every system.
fn failure(error: &ureq::Error) -> FetchError {
    match error {
        ureq::Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => FetchError::Idle,
        ureq::Error::Timeout(_) => FetchError::Slow,
        ureq::Error::Io(error) => read_failure(error),
        ureq::Error::Tls(_) => FetchError::Tls,
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => FetchError::Connect,
        _ => FetchError::Protocol,
    }
}

fn read_failure(error: &std::io::Error) -> FetchError {
    let inner = error.get_ref();
    if let Some(inner) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return failure(inner);
    }
    if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
        return FetchError::Tls;
    }
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => FetchError::Idle,
        ErrorKind::ConnectionRefused
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable
        | ErrorKind::PermissionDenied => FetchError::Connect,
        _ => FetchError::Cut,
    }
}

/// "Resolves" every name to the addresses that were looked at.
#[derive(Debug)]
struct Admitted(Vec<SocketAddr>);

impl Resolver for Admitted {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut list = self.empty();
        for address in self.0.iter().take(16) {
            list.push(*address);
        }
        Ok(list)
    }
}

/// How TLS is spoken, and whom it trusts; `None` speaks none.
pub(crate) type Tls = Option<Arc<ClientConfig>>;

/// TLS on top of a connection, where the URL asks for it.
#[derive(Debug)]
struct TlsConnector(Tls);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let refused = || ureq::Error::Tls("TLS");
        let config = self.0.clone().ok_or_else(refused)?;
        let host = details.uri.host().ok_or_else(refused)?.trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| refused())?;
        let mut connection = ClientConnection::new(config, name).map_err(|_| refused())?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream: StreamOwned::new(connection, socket) })))
    }
}

struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

/// TLS that trusts the embedded store's roots for servers: what Windows would trust, the same on every machine, and no
/// second list to keep up to date.
pub(super) static EMBEDDED: LazyLock<Tls> = LazyLock::new(|| trusting(&TrustStore::embedded()));

/// TLS that trusts the embedded roots.
pub(crate) fn embedded_tls() -> Tls {
    EMBEDDED.clone()
}

/// TLS 1.2 and 1.3 with the provider that verifies signatures already, trusting this store's roots for servers.
pub(crate) fn trusting(store: &TrustStore) -> Tls {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let roots = RootCertStore { roots: server_roots(store) };
    Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// The store's roots that the programme trusts for servers without a date from which on it does not.
fn server_roots(store: &TrustStore) -> Vec<TrustAnchor<'static>> {
    let content =
        |element| Reader::new(element).expect(tag::SEQUENCE).ok().map(|element| Der::from(element.content.to_vec()));
    let free = |limit: crate::trust::Limit<'_>| !matches!(limit.date, LimitDate::At(_)) && limit.usages.is_none();
    let fits = |root: &crate::trust::Root<'_>| {
        let usage = root.usages.is_none_or(|list| list.contains(oids::EKU_SERVER_AUTH));
        // Roots that are in Windows and in no programme any more are from times before TLS 1.2.
        (root.program || !root.built_in) && usage && free(root.disabled) && free(root.not_before_limit)
    };
    let roots = store.roots();
    let anchors = roots.iter().filter(|root| fits(root)).filter_map(|root| {
        let name_constraints = match root.name_constraints {
            Some(constraints) => Some(content(constraints)?),
            None => None,
        };
        Some(TrustAnchor {
            subject: content(root.subject)?,
            subject_public_key_info: content(root.spki)?,
            name_constraints,
        })
    });
    anchors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_roots_for_servers_serve_for_tls() {
        let roots = server_roots(&TrustStore::embedded());
        assert!(roots.len() > 100, "{}", roots.len());
        assert!(EMBEDDED.is_some());
    }
}
