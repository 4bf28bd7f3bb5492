//! The URLs that may be asked: a narrow reading of RFC 3986, because whoever made a certificate chose them.
//!
//! What two programs could read differently is refused rather than guessed: credentials, hosts that are numbers in
//! disguise, control characters, percent signs in hosts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest URL that is looked at; those of real certificates have fewer than 150 octets.
const MAX_LENGTH: usize = 2048;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain, as nearly every CRL and certificate is published: they carry their own signatures.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port where none is given.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// Whom a URL names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A DNS name, lower case, without a final dot.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A URL that may be asked, as far as its text goes. It prints in one spelling, which is printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    /// How.
    pub scheme: Scheme,
    /// Whom.
    pub host: Host,
    /// Where.
    pub port: u16,
    /// What: path and query, beginning with a slash.
    pub target: String,
}

/// Why a text is no URL that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Longer than 2,048 octets.
    TooLong,
    /// Characters that no URL has.
    Characters,
    /// Neither http nor https.
    Scheme,
    /// A name or a password stands before the host.
    Credentials,
    /// No host, or one that is neither a name nor an address in its usual spelling.
    Host,
    /// No port number.
    Port,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UrlError::TooLong => "the URL has more than 2048 octets",
            UrlError::Characters => "the URL has characters that no URL has",
            UrlError::Scheme => "only http and https are asked",
            UrlError::Credentials => "the URL has credentials in it",
            UrlError::Host => "the host is neither a name nor an address in its usual spelling",
            UrlError::Port => "the port is no port number",
        })
    }
}

impl std::error::Error for UrlError {}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.target)
    }
}

impl Url {
    /// Reads an absolute URL. A fragment is dropped, a space becomes `%20` (some authorities publish such URLs).
    ///
    /// # Errors
    /// Why it may not be asked.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let text = text.trim_matches(' ');
        if text.len() > MAX_LENGTH {
            return Err(UrlError::TooLong);
        }
        if !text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) || text.contains(['\\', '"', '<', '>', '`', '^']) {
            return Err(UrlError::Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(UrlError::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(UrlError::Credentials);
        }
        let (host, port) = host_and_port(authority)?;
        let target = target.split('#').next().unwrap_or_default().replace(' ', "%20");
        let target = if target.starts_with('/') { target } else { format!("/{target}") };
        Ok(Url { scheme, host: parse_host(host)?, port: port.unwrap_or(scheme.default_port()), target })
    }

    /// The URL that a Location header of this one's answer names.
    ///
    /// # Errors
    /// Why it may not be asked.
    pub fn join(&self, location: &str) -> Result<Url, UrlError> {
        let scheme_end = location.find(':').unwrap_or(usize::MAX);
        let path_start = location.find(['/', '?', '#']).unwrap_or(usize::MAX);
        if scheme_end < path_start {
            return Url::parse(location);
        }
        if location.starts_with("//") {
            return Url::parse(&format!("{}:{location}", self.scheme.name()));
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let target = match location.chars().next() {
            Some('/') => location.to_owned(),
            Some('?') => format!("{path}{location}"),
            _ => format!("{folder}/{location}"),
        };
        let mut port = String::new();
        if self.port != self.scheme.default_port() {
            port = format!(":{}", self.port);
        }
        Url::parse(&format!("{}://{}{port}{target}", self.scheme.name(), self.host))
    }

    /// Whom to ask, where: the name of what is limited and backed off from together.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// `name`, `name:80`, `[::1]:80`.
pub(crate) fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let after_address = authority.rfind(']').map_or(0, |at| at.saturating_add(1));
    let (name, port) = match authority.get(after_address..).and_then(|rest| rest.find(':')) {
        Some(colon) => authority.split_at_checked(after_address.saturating_add(colon)).ok_or(UrlError::Port)?,
        None => return Ok((authority, None)),
    };
    let digits = port.get(1..).unwrap_or_default();
    if digits.is_empty() {
        return Ok((name, None)); // RFC 3986 section 3.2.3 allows an empty port
    }
    if digits.len() > 5 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    match digits.parse::<u16>() {
        Ok(0) | Err(_) => Err(UrlError::Port),
        Ok(port) => Ok((name, Some(port))),
    }
}

/// A name, or an address in its usual spelling: `127.1`, `0x7f000001`, `2130706433` and `0177.0.0.1` are neither.
pub(crate) fn parse_host(text: &str) -> Result<Host, UrlError> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().map(|address| Host::Address(address.into())).map_err(|_| UrlError::Host);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if name.len() > 253 || number || !name.split('.').all(label) {
        return Err(UrlError::Host);
    }
    Ok(Host::Name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Result<String, UrlError> {
        Url::parse(text).map(|url| url.to_string())
    }

    #[test]
    fn what_is_read_prints_in_one_spelling() {
        let cases = [
            ("http://crl.example/ca.crl", "http://crl.example/ca.crl"),
            ("HTTP://CRL.Example.:80/A b.crl?x=1#top", "http://crl.example/A%20b.crl?x=1"),
            ("https://crl.example:443", "https://crl.example/"),
            ("http://crl.example:/a", "http://crl.example/a"),
            ("https://crl.example:80?q", "https://crl.example:80/?q"),
            ("http://192.0.2.1:8080/x", "http://192.0.2.1:8080/x"),
            ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
            ("http://a_b-c.example/x", "http://a_b-c.example/x"),
        ];
        for (text, expected) in cases {
            assert_eq!(spelled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let cases = [
            ("file:///etc/passwd", UrlError::Scheme),
            ("ldap://dc.example/cn=ca?certificateRevocationList", UrlError::Scheme),
            ("ftp://crl.example/ca.crl", UrlError::Scheme),
            ("//crl.example/ca.crl", UrlError::Scheme),
            ("crl.example/ca.crl", UrlError::Scheme),
            ("http:/crl.example/ca.crl", UrlError::Scheme),
            ("http://user@crl.example/", UrlError::Credentials),
            ("http://crl.example:80@127.0.0.1/", UrlError::Credentials),
            ("http:///ca.crl", UrlError::Host),
            ("http://2130706433/", UrlError::Host),
            ("http://0x7f000001/", UrlError::Host),
            ("http://0x7f.0.0.1/", UrlError::Host),
            ("http://127.1/", UrlError::Host),
            ("http://0177.0.0.1/", UrlError::Host),
            ("http://127.0.0.0x1/", UrlError::Host),
            ("http://127.0.0.1./", UrlError::Host),
            ("http://a..example/", UrlError::Host),
            ("http://127%2e0.0.1/", UrlError::Host),
            ("http://[fe80::1%25eth0]/", UrlError::Host),
            ("http://[::1/", UrlError::Port),
            ("http://::1/", UrlError::Port),
            ("http://crl.example:0/", UrlError::Port),
            ("http://crl.example:65536/", UrlError::Port),
            ("http://crl.example:+80/", UrlError::Port),
            ("http://crl.example/\r\nHost: x", UrlError::Characters),
            ("http://crl.example\\@127.0.0.1/", UrlError::Characters),
            ("http://crl.exämple/", UrlError::Characters),
            ("http://crl.example/\u{1b}[2J", UrlError::Characters),
        ];
        for (text, expected) in cases {
            assert_eq!(Url::parse(text), Err(expected), "{text}");
        }
        assert_eq!(spelled(&format!("http://crl.example/{}", "a".repeat(2048))), Err(UrlError::TooLong));
    }

    #[test]
    fn a_location_is_relative_to_what_was_asked() {
        let asked = Url::parse("http://crl.example:8080/a/b.crl?c=d").unwrap();
        let cases = [
            ("https://other.example/x", "https://other.example/x"),
            ("//other.example/x", "http://other.example/x"),
            ("/x", "http://crl.example:8080/x"),
            ("x.crl", "http://crl.example:8080/a/x.crl"),
            ("?e", "http://crl.example:8080/a/b.crl?e"),
        ];
        for (location, expected) in cases {
            assert_eq!(asked.join(location).map(|url| url.to_string()).as_deref(), Ok(expected), "{location}");
        }
        assert_eq!(asked.join("file:///etc/passwd"), Err(UrlError::Scheme));
        assert_eq!(asked.join("javascript:alert(1)"), Err(UrlError::Scheme));
    }
}
