//! The one way to the network: every download goes through [`Client::ask`].

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::guard::{AllowedHost, Refusal, Resolver, SystemResolver, admit};
use super::throttle::{Pace, Throttle};
use super::transport::{Allowance, Answer, EMBEDDED, Question, Tls, exchange, trusting};
use super::url::{Scheme, Url, UrlError};
use crate::trust::TrustStore;

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// Longest validator (ETag, Last-Modified) that is kept and sent back.
const MAX_VALIDATOR: usize = 256;

/// What one download may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the body.
    pub bytes: u64,
    /// From the first look-up to the last octet, redirects included.
    pub total: Duration,
    /// For a connection, TLS included.
    pub connect: Duration,
    /// Between two octets.
    pub idle: Duration,
}

impl Limits {
    /// A certificate, an OCSP response, or another thing of at most 1 MiB.
    pub const SMALL: Limits = Limits {
        bytes: 1 << 20,
        total: Duration::from_secs(30),
        connect: Duration::from_secs(10),
        idle: Duration::from_secs(10),
    };
    /// A CRL or another list of at most 64 MiB.
    pub const LARGE: Limits = Limits { bytes: 64 << 20, total: Duration::from_secs(120), ..Limits::SMALL };
}

/// Why a download failed, in words that are the same for the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The URL, or one that it redirects to, may not be asked.
    Url(UrlError),
    /// The server may not be asked.
    Refused(Refusal),
    /// No connection.
    Connect,
    /// TLS failed, or the server's certificate is not trusted.
    Tls,
    /// The server fell silent.
    Idle,
    /// The whole took too long.
    Slow,
    /// The connection ended early.
    Cut,
    /// What came back is not HTTP.
    Protocol,
    /// More octets than allowed.
    TooLarge(u64),
    /// Another status than 200.
    Status(u16),
    /// Too many redirects.
    Redirects,
    /// A redirect from https to http.
    Downgrade,
    /// The server failed like this shortly before, and was not asked.
    LeftAlone(Box<FetchError>),
    /// The run is to end.
    Stopped,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Url(error) => write!(f, "refused: {error}"),
            FetchError::Refused(refusal) => write!(f, "{refusal}"),
            FetchError::Connect => f.write_str("no connection"),
            FetchError::Tls => f.write_str("no trusted TLS connection"),
            FetchError::Idle => f.write_str("the server fell silent"),
            FetchError::Slow => f.write_str("it took too long"),
            FetchError::Cut => f.write_str("the connection ended early"),
            FetchError::Protocol => f.write_str("the answer is not HTTP"),
            FetchError::TooLarge(limit) => write!(f, "the answer has more than {limit} bytes"),
            FetchError::Status(status) => write!(f, "the server answered with status {status}"),
            FetchError::Redirects => write!(f, "more than {MAX_REDIRECTS} redirects"),
            FetchError::Downgrade => f.write_str("refused: a redirect from https to http"),
            FetchError::LeftAlone(error) => write!(f, "{error}"),
            FetchError::Stopped => f.write_str("the scan was ended early"),
        }
    }
}

impl std::error::Error for FetchError {}

impl FetchError {
    /// Whether the server is at fault, so that it is left alone for a while.
    fn blames_server(&self) -> bool {
        match self {
            FetchError::Connect | FetchError::Tls | FetchError::Idle | FetchError::Slow => true,
            FetchError::Cut | FetchError::Protocol => true,
            FetchError::Status(status) => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// Whether it took its time, which whoever chose the URL can make it do.
    fn is_slow(&self) -> bool {
        matches!(self, FetchError::Connect | FetchError::Tls | FetchError::Idle | FetchError::Slow)
    }
}

/// What makes a request conditional: what an earlier answer said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// ETag.
    pub etag: Option<String>,
    /// Last-Modified.
    pub modified: Option<String>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// What to ask for.
    pub url: &'a Url,
    /// What it may cost.
    pub limits: Limits,
    /// What an earlier answer said of itself.
    pub validators: Option<&'a Validators>,
    /// Content type and body of a POST.
    pub post: Option<(&'a str, &'a [u8])>,
    /// Whether nobody vouches for whoever chose the URL. How a server fails at such a question is held against it at such questions
    /// only, and only where it took its time.
    pub unvouched: bool,
}

/// A download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// What the validators belong to is still current.
    NotModified {
        /// How long the answer says that it may be used without asking again.
        fresh: Option<Duration>,
    },
    /// The body, with what makes the next request for it conditional.
    Body {
        /// The octets.
        bytes: Vec<u8>,
        /// What the answer says of itself.
        validators: Validators,
        /// How long the answer says that it may be used without asking again.
        fresh: Option<Duration>,
    },
}

/// The client: address guard, pace, time and size limits, redirects. It may be used from many threads at once.
#[derive(Debug)]
pub struct Client {
    allowed: Vec<AllowedHost>,
    resolver: Arc<dyn Resolver>,
    throttle: Throttle,
    tls: Tls,
    stop: OnceLock<Arc<AtomicBool>>,
}

impl Default for Client {
    fn default() -> Self {
        Client::new(Vec::new(), Pace::default())
    }
}

impl Client {
    /// A client that may ask these servers whatever their addresses, and every other one at public addresses.
    #[must_use]
    pub fn new(allowed: Vec<AllowedHost>, pace: Pace) -> Client {
        let (throttle, stop) = (Throttle::new(pace), OnceLock::new());
        Client { allowed, resolver: Arc::new(SystemResolver), throttle, tls: EMBEDDED.clone(), stop }
    }

    /// Nothing more is asked once somebody sets this flag; the first that is given counts.
    pub fn stop_with(&self, stop: &Arc<AtomicBool>) {
        let _ = self.stop.set(Arc::clone(stop));
    }

    fn is_stopped(&self) -> bool {
        self.stop.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// The same client with another source of addresses.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolver>) -> Client {
        self.resolver = resolver;
        self
    }

    /// The same client, trusting the roots of this store, and no others, for https.
    #[must_use]
    pub fn with_tls_roots(mut self, store: &TrustStore) -> Client {
        self.tls = trusting(store);
        self
    }

    /// Downloads what a URL names.
    ///
    /// # Errors
    /// Why it could not be had; never anything that a server said.
    pub fn get(&self, url: &str, limits: Limits) -> Result<Vec<u8>, FetchError> {
        let url = Url::parse(url).map_err(FetchError::Url)?;
        match self.ask(Ask { url: &url, limits, validators: None, post: None, unvouched: false })? {
            Fetched::Body { bytes, .. } => Ok(bytes),
            Fetched::NotModified { .. } => Err(FetchError::Protocol), // nobody asked whether
        }
    }

    /// One request, its redirects included.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn ask(&self, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let mut deadline = None;
        let mut url = ask.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.hop(&url, &ask, &mut deadline)?;
            let fresh = answer.cache_control.as_deref().and_then(freshness);
            match (answer.status, answer.location) {
                (200, _) => {
                    let validators = Validators { etag: validator(answer.etag), modified: validator(answer.modified) };
                    return Ok(Fetched::Body { bytes: answer.body, validators, fresh });
                }
                (304, _) if ask.validators.is_some() => return Ok(Fetched::NotModified { fresh }),
                // A question that has a body is for the server that was named, and for no other.
                (301 | 302 | 303 | 307 | 308, Some(location)) if ask.post.is_none() => {
                    let next = url.join(&location).map_err(FetchError::Url)?;
                    if url.scheme == Scheme::Https && next.scheme == Scheme::Http {
                        return Err(FetchError::Downgrade);
                    }
                    url = next;
                }
                (status, _) => return Err(FetchError::Status(status)),
            }
        }
        Err(FetchError::Redirects)
    }

    /// One exchange. The time of all begins with the first one's turn, so that no server is blamed for a wait for others.
    fn hop(&self, url: &Url, ask: &Ask<'_>, deadline: &mut Option<Instant>) -> Result<Answer, FetchError> {
        let server = format!("{}://{}", url.scheme.name(), url.server());
        let first = deadline.is_none();
        let within = || Instant::now().checked_add(ask.limits.total).ok_or(FetchError::Slow);
        let patience = deadline.map_or_else(within, Ok)?;
        let permit = self.throttle.enter(&server, ask.unvouched.then_some(patience), &|| self.is_stopped());
        let permit = permit.map_err(|error| FetchError::LeftAlone(Box::new(error)))?;
        let deadline = *deadline.insert(if first { within()? } else { patience });
        let left = || deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        let left = || left().ok_or(FetchError::Slow);
        let Limits { bytes, connect, idle, .. } = ask.limits;
        let timeout = connect.min(left()?);
        let addresses = admit(url, &self.allowed, self.resolver.as_ref(), timeout).map_err(FetchError::Refused)?;
        let question = Question {
            url,
            etag: ask.validators.and_then(|known| known.etag.as_deref()),
            modified: ask.validators.and_then(|known| known.modified.as_deref()),
            post: ask.post,
        };
        let allowance = Allowance { total: left()?, connect, idle, bytes };
        let answer = exchange(question, &addresses, allowance, &self.tls, &|| self.is_stopped());
        let failure = match &answer {
            Ok(answer) => {
                Some(FetchError::Status(answer.status)).filter(|error| answer.status != 200 && error.blames_server())
            }
            Err(error) => Some(error.clone()).filter(FetchError::blames_server),
        };
        // Whoever chose an unvouched URL chose what it redirects to, and how much time that has left.
        if !ask.unvouched || (first && failure.as_ref().is_none_or(FetchError::is_slow)) {
            permit.note(failure.as_ref());
        }
        answer
    }
}

/// A validator that can be sent back as it came.
fn validator(text: Option<String>) -> Option<String> {
    text.filter(|text| text.len() <= MAX_VALIDATOR && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)))
}

/// How long Cache-Control lets an answer be used without asking again (RFC 9111 section 5.2.2); `None` says nothing.
fn freshness(header: &str) -> Option<Duration> {
    let directives = || header.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    if directives().any(|directive| directive.starts_with("no-cache") || directive == "no-store") {
        return Some(Duration::ZERO);
    }
    directives().find_map(|directive| {
        let seconds = directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok()?;
        Some(Duration::from_secs(seconds))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_says_how_long() {
        assert_eq!(freshness("public, Max-Age=3600"), Some(Duration::from_secs(3600)));
        assert_eq!(freshness("max-age=3600, no-cache"), Some(Duration::ZERO));
        assert_eq!(freshness("max-age=99999999999999999999999"), None);
        assert_eq!(freshness("public"), None);
    }
}
