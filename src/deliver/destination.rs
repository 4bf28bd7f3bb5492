//! Where to: the URL that a person typed, read as narrowly as every other.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::online::{Host, Resolver, SystemResolver, Url, UrlError, host_and_port, parse_host};

/// A receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A POST to this URL.
    Http(Url),
    /// Syslog over TCP.
    Syslog {
        /// Whom.
        host: Host,
        /// Where: 514, or 6514 with TLS (RFC 5425 section 4.1), unless another is given.
        port: u16,
        /// Over TLS.
        tls: bool,
    },
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Destination, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", ""));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => return Url::parse(text).map(Destination::Http).map_err(|error| error.to_string()),
            "syslog" => false,
            "syslogs" => true,
            _ => return Err("a URL that begins with http://, https://, syslog:// or syslogs://".to_owned()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let of_url = |error: UrlError| error.to_string();
        if authority.contains('@') {
            return Err(of_url(UrlError::Credentials));
        }
        let (host, port) = host_and_port(authority).map_err(of_url)?;
        let port = port.unwrap_or(if tls { 6514 } else { 514 });
        Ok(Destination::Syslog { host: parse_host(host).map_err(of_url)?, port, tls })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The query may hold what is nobody's business.
            Destination::Http(url) => {
                let path = url.target.split('?').next().unwrap_or_default();
                write!(f, "{}://{}{path}", url.scheme.name(), url.server())
            }
            Destination::Syslog { host, port, tls } => {
                write!(f, "{}://{host}:{port}", if *tls { "syslogs" } else { "syslog" })
            }
        }
    }
}

impl Destination {
    /// Its addresses, whatever they are: whoever names a receiver means it.
    pub(super) fn addresses(&self, timeout: Duration) -> Vec<SocketAddr> {
        let (host, port) = match self {
            Destination::Http(url) => (&url.host, url.port),
            Destination::Syslog { host, port, .. } => (host, *port),
        };
        let addresses: Vec<IpAddr> = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => SystemResolver.resolve(name, timeout),
        };
        addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()
    }

    /// Whether what is sent can be read on the way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Destination::Http(url) => url.scheme == crate::online::Scheme::Http,
            Destination::Syslog { tls, .. } => !tls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_named_by_urls() {
        let spelled = |text: &str| text.parse::<Destination>().map(|destination| destination.to_string());
        let cases = [
            ("https://siem.example/services/collector?channel=1", "https://siem.example:443/services/collector"),
            ("http://127.0.0.1:8088/", "http://127.0.0.1:8088/"),
            ("syslog://QRadar.example", "syslog://qradar.example:514"),
            ("syslogs://[::1]/", "syslogs://[::1]:6514"),
            ("SYSLOG://192.0.2.1:1514", "syslog://192.0.2.1:1514"),
        ];
        for (text, expected) in cases {
            assert_eq!(spelled(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "ftp://a/",
            "siem.example",
            "syslog://",
            "syslog://a/b",
            "syslog://u:p@a",
            "https://token@a/",
            "syslog://a:0",
        ] {
            assert!(spelled(text).is_err(), "{text}");
        }
    }
}
