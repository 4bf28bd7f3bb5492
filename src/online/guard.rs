//! Which addresses may be connected to. A certificate's maker must not be able to point sigscan at the machine that it
//! runs on, at the network around it, or at a cloud's metadata service.
//!
//! The addresses that are connected to are those that were looked at: a name is resolved once.

use std::fmt::{self, Debug};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use super::url::{Host, Url, host_and_port, parse_host};

/// More addresses of one name than this are not looked at, and a name with more is not asked.
const MAX_ADDRESSES: usize = 16;

/// From a name to addresses. Injected, so that a test can let a name mean anything.
pub trait Resolver: Debug + Send + Sync {
    /// The addresses of a name, within `timeout`. An empty list says that the name has none.
    fn resolve(&self, name: &str, timeout: Duration) -> Vec<IpAddr>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: &str, timeout: Duration) -> Vec<IpAddr> {
        let (sender, receiver) = mpsc::channel();
        // The system's look-up cannot be interrupted; it ends by itself after its own timeouts.
        let name = name.to_owned();
        std::thread::spawn(move || {
            let found = (name.as_str(), 80).to_socket_addrs().map(|list| list.map(|address| address.ip()).collect());
            let _ = sender.send(found.unwrap_or_default());
        });
        receiver.recv_timeout(timeout).unwrap_or_default()
    }
}

/// A server that may be asked whatever its address: `NAME`, or `NAME:PORT` for a port other than 80 and 443.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    host: Host,
    port: Option<u16>,
}

impl std::str::FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<AllowedHost, String> {
        let wanted = || "a host name or an address, with :PORT for a port other than 80 and 443".to_owned();
        let (host, port) = host_and_port(text).map_err(|_| wanted())?;
        Ok(AllowedHost { host: parse_host(host).map_err(|_| wanted())?, port })
    }
}

impl AllowedHost {
    fn allows(&self, url: &Url) -> bool {
        self.host == url.host && self.port.map_or(is_web(url.port), |port| port == url.port)
    }
}

fn is_web(port: u16) -> bool {
    matches!(port, 80 | 443)
}

/// Why a server is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A port other than 80 and 443.
    Port,
    /// The name has no address.
    Unresolved,
    /// The name has too many addresses.
    Crowd,
    /// One of its addresses is of a kind that is not connected to.
    Address(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Port => f.write_str("refused: a port other than 80 and 443"),
            Refusal::Unresolved => f.write_str("the host's name does not resolve"),
            Refusal::Crowd => write!(f, "refused: the host has more than {MAX_ADDRESSES} addresses"),
            Refusal::Address(kind) => write!(f, "refused: the host's address is {kind}"),
        }
    }
}

/// The addresses that may be connected to for this URL, every one of them looked at.
///
/// # Errors
/// When the port or any of the addresses is refused: a name that means a public and a private server is a trap.
pub fn admit(
    url: &Url,
    allowed: &[AllowedHost],
    resolver: &dyn Resolver,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, Refusal> {
    let by_name = allowed.iter().any(|entry| entry.allows(url));
    if !by_name && !is_web(url.port) {
        return Err(Refusal::Port);
    }
    let addresses = match &url.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => resolver.resolve(name, timeout),
    };
    if addresses.is_empty() {
        return Err(Refusal::Unresolved);
    }
    if addresses.len() > MAX_ADDRESSES {
        return Err(Refusal::Crowd);
    }
    let refused = addresses.iter().find_map(|address| forbidden(*address)).filter(|_| !by_name);
    match refused {
        Some(kind) => Err(Refusal::Address(kind)),
        None => Ok(addresses.into_iter().map(|address| SocketAddr::new(address, url.port)).collect()),
    }
}

/// What keeps an address from being connected to; `None` for a public one.
///
/// Sources: the IANA special-purpose address registries (RFC 6890 as updated), and the metadata addresses of the large
/// clouds.
#[must_use]
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address),
        IpAddr::V6(address) => forbidden_v6(address),
    }
}

/// First address, prefix length, what it is.
const V4: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "of a carrier's own network"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(168, 63, 129, 16), 32, "of a metadata service"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "broadcast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |start: Ipv4Addr, length: u32| {
        let shift = 32u32.saturating_sub(length);
        address.to_bits() >> shift == start.to_bits() >> shift
    };
    V4.iter().find(|(start, length, _)| within(*start, *length)).map(|row| row.2)
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let tail = || {
        let [.., a, b, c, d] = address.octets();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // Mapped (RFC 4291 section 2.5.5.2) and the well-known prefix of NAT64 (RFC 6052), which is how a network
        // without IPv4 sees public servers: the address within decides.
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => forbidden_v4(tail()),
        // Compatible addresses (RFC 4291 section 2.5.5.1) are deprecated and lead nowhere public.
        [0, 0, 0, 0, 0, 0, _, _] => Some(forbidden_v4(tail()).unwrap_or("reserved")),
        [0x2002, high, low, ..] => {
            let bits = (u32::from(high) << 16) | u32::from(low);
            forbidden_v4(Ipv4Addr::from_bits(bits))
        }
        [0x2001, 0xdb8, ..] => Some("for documentation"),
        [0x3fff, second, ..] if second < 0x1000 => Some("for documentation"),
        [0x2001, 2, 0, ..] => Some("for benchmarks"),
        // Teredo, ORCHID and other protocol assignments of 2001::/23.
        [0x2001, second, ..] if second < 0x200 => Some("reserved"),
        [first, ..] if first & 0xfe00 == 0xfc00 => Some("private"),
        [first, ..] if first & 0xffc0 == 0xfe80 => Some("link-local"),
        [first, ..] if first & 0xffc0 == 0xfec0 => Some("private"),
        [first, ..] if first & 0xff00 == 0xff00 => Some("multicast"),
        // Only 2000::/3 is given out to public servers (RFC 4291 section 2.4).
        [first, ..] if first & 0xe000 == 0x2000 => None,
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_that_is_not_public_is_named() {
        let cases = [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "of a carrier's own network"),
            ("100.127.255.255", "of a carrier's own network"),
            ("127.0.0.1", "loopback"),
            ("127.255.0.9", "loopback"),
            ("168.63.129.16", "of a metadata service"),
            ("169.254.169.254", "link-local"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.192", "reserved"),
            ("192.0.2.1", "for documentation"),
            ("192.168.1.1", "private"),
            ("198.19.0.1", "for benchmarks"),
            ("198.51.100.7", "for documentation"),
            ("203.0.113.7", "for documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::127.0.0.1", "loopback"),
            ("::8.8.8.8", "reserved"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::ffff:169.254.169.254", "link-local"),
            ("64:ff9b::10.0.0.1", "private"),
            ("64:ff9b:1::8.8.8.8", "reserved"),
            ("2002:7f00:1::", "loopback"),
            ("2002:a9fe:a9fe::1", "link-local"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"),
            ("2001:2::1", "for benchmarks"),
            ("2001:db8::1", "for documentation"),
            ("3fff::1", "for documentation"),
            ("fc00::1", "private"),
            ("fd00:ec2::254", "private"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "private"),
            ("ff02::1", "multicast"),
            ("5f00::1", "reserved"),
            ("4000::1", "reserved"),
        ];
        for (text, kind) in cases {
            assert_eq!(forbidden(text.parse().unwrap()), Some(kind), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_free() {
        let cases = [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "3ffe::1",
        ];
        for text in cases {
            assert_eq!(forbidden(text.parse().unwrap()), None, "{text}");
        }
    }

    #[derive(Debug)]
    struct Fixed(Vec<IpAddr>);

    impl Resolver for Fixed {
        fn resolve(&self, _: &str, _: Duration) -> Vec<IpAddr> {
            self.0.clone()
        }
    }

    fn asked(url: &str, allowed: &[&str], addresses: &[&str]) -> Result<Vec<SocketAddr>, Refusal> {
        let allowed: Vec<AllowedHost> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        let resolver = Fixed(addresses.iter().map(|text| text.parse().unwrap()).collect());
        admit(&Url::parse(url).unwrap(), &allowed, &resolver, Duration::from_secs(1))
    }

    #[test]
    fn one_forbidden_address_is_enough_to_refuse_a_name() {
        let public = vec!["8.8.8.8:80".parse().unwrap()];
        assert_eq!(asked("http://a.example/", &[], &["8.8.8.8"]), Ok(public));
        let trap = asked("http://a.example/", &[], &["8.8.8.8", "169.254.169.254"]);
        assert_eq!(trap, Err(Refusal::Address("link-local")));
        assert_eq!(asked("http://a.example/", &[], &[]), Err(Refusal::Unresolved));
        assert_eq!(asked("http://a.example/", &[], &["8.8.8.8"; 17]), Err(Refusal::Crowd));
    }

    #[test]
    fn a_name_is_allowed_with_its_port_and_no_other() {
        let loopback: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let at = |url, allowed: &[&str]| asked(url, allowed, &["127.0.0.1"]);
        assert_eq!(at("http://a.example:8080/", &["a.example:8080"]), Ok(vec![loopback]));
        assert_eq!(at("http://a.example:8080/", &["A.Example.:8080"]), Ok(vec![loopback]));
        assert_eq!(at("http://127.0.0.1:8080/", &["127.0.0.1:8080"]), Ok(vec![loopback]));
        assert_eq!(at("http://a.example:8080/", &["a.example"]), Err(Refusal::Port));
        assert_eq!(at("http://a.example:8081/", &["a.example:8080"]), Err(Refusal::Port));
        assert_eq!(at("http://a.example/", &["a.example:8080"]), Err(Refusal::Address("loopback")));
        assert_eq!(at("http://b.a.example/", &["a.example"]), Err(Refusal::Address("loopback")));
        assert!(at("https://a.example/", &["a.example"]).is_ok());
        assert!("http://a.example".parse::<AllowedHost>().is_err() && "".parse::<AllowedHost>().is_err());
    }
}
