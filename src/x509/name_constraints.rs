//! Name constraints: which names an issuer may certify. Source: RFC 5280 sections 4.2.1.10 and 6.1.4.

use super::Certificate;
use super::name::{normalised, normalised_within};
use crate::asn1::{Element, Error, ErrorKind, Reader, oids, tag};
use std::borrow::Cow;

/// Why a certificate falls outside an issuer's name constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintViolation {
    /// A name is excluded, or is of a permitted kind and under none of the permitted subtrees.
    Name,
    /// The constraints cannot be read, or they are about a kind of name that the certificate carries and either of the two
    /// is malformed or of a kind that sigscan cannot compare.
    Unreadable,
}

/// Comparisons after which the answer is [`ConstraintViolation::Unreadable`]: the product of hostile
/// constraints and names must not grow without bound.
const MAX_COMPARISONS: usize = 20_000;
/// More names, or subtrees, than this are unreadable: each is decoded.
const MAX_NAMES: usize = 4_096;

/// Kinds of GeneralName (RFC 5280 section 4.2.1.6) as context tags.
const RFC822: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// Octets that a check of this certificate against constraints decodes, by which callers bound their work.
#[must_use]
pub fn name_octets(certificate: &Certificate<'_>) -> usize {
    let alternative = certificate.extension(oids::SUBJECT_ALT_NAME).map_or(0, |extension| extension.value.len());
    certificate.subject.len().saturating_add(alternative)
}

/// Checks the names of `certificate` against a NameConstraints value.
///
/// Names checked: the subject as a directory name, e-mail attributes of the subject, and every name of the
/// subject alternative name extension.
///
/// # Errors
/// The violation found first.
pub fn check_name_constraints(constraints: &[u8], certificate: &Certificate<'_>) -> Result<(), ConstraintViolation> {
    let (permitted, excluded) = subtrees(constraints).map_err(|_| ConstraintViolation::Unreadable)?;
    let names = names(certificate).map_err(|_| ConstraintViolation::Unreadable)?;
    if names.len().saturating_mul(permitted.len().saturating_add(excluded.len())) > MAX_COMPARISONS {
        return Err(ConstraintViolation::Unreadable);
    }
    for (kind, name) in &names {
        for (_, base) in excluded.iter().filter(|base| base.0 == *kind) {
            match compare(*kind, name, base) {
                None => return Err(ConstraintViolation::Unreadable),
                Some(Relation { touches: true, .. }) => return Err(ConstraintViolation::Name),
                Some(_) => {}
            }
        }
        let (mut constrained, mut inside) = (false, false);
        for (_, base) in permitted.iter().filter(|base| base.0 == *kind) {
            constrained = true;
            inside |= compare(*kind, name, base).ok_or(ConstraintViolation::Unreadable)?.within;
        }
        if constrained && !inside {
            return Err(ConstraintViolation::Name);
        }
    }
    Ok(())
}

type Subtrees<'a> = Vec<(u8, Cow<'a, [u8]>)>;

/// ```text
/// NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, excludedSubtrees [1] OPTIONAL }
/// GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] INTEGER DEFAULT 0, maximum [1] INTEGER OPTIONAL }
/// ```
/// RFC 5280 gives minimum and maximum no meaning: a subtree that uses them is unreadable.
fn subtrees(value: &[u8]) -> Result<(Subtrees<'_>, Subtrees<'_>), Error> {
    let mut permitted = Vec::new();
    let mut excluded = Vec::new();
    let mut fields = Reader::new(value).expect(tag::SEQUENCE)?.children();
    while let Some(field) = fields.next()? {
        let list = match field.tag {
            0xa0 => &mut permitted,
            0xa1 => &mut excluded,
            _ => return Err(field.error(ErrorKind::BadValue)),
        };
        let mut items = field.children();
        while let Some(item) = items.next()? {
            let mut parts = item.expect(tag::SEQUENCE)?.children();
            let base = general_name(&parts.any()?)?;
            let minimum = parts.optional(tag::context(0))?;
            if minimum.is_some_and(|number| number.content != [0]) || !parts.is_empty() || list.len() >= MAX_NAMES {
                return Err(item.error(ErrorKind::BadValue));
            }
            list.push(base);
        }
    }
    Ok((permitted, excluded))
}

/// Kind and comparable octets: a directory name becomes its normalised form, made once, other kinds their content.
fn general_name<'a>(name: &Element<'a>) -> Result<(u8, Cow<'a, [u8]>), Error> {
    match name.tag {
        DIRECTORY => Ok((DIRECTORY, Cow::Owned(normalised(name.children().any()?.raw)?))),
        kind => Ok((kind, Cow::Borrowed(name.content))),
    }
}

fn names<'a>(certificate: &Certificate<'a>) -> Result<Subtrees<'a>, Error> {
    let mut list = Vec::new();
    if Reader::new(certificate.subject).expect(tag::SEQUENCE)?.content.is_empty() {
        // An empty subject is under every subtree.
    } else {
        list.push((DIRECTORY, Cow::Owned(normalised(certificate.subject)?)));
    }
    let mut rdns = Reader::new(certificate.subject).expect(tag::SEQUENCE)?.children();
    while let Some(rdn) = rdns.next()? {
        let mut items = rdn.children();
        while let Some(item) = items.next()? {
            let mut parts = item.children();
            if parts.expect(tag::OID)?.content == oids::AT_EMAIL {
                list.push((RFC822, Cow::Borrowed(parts.any()?.content)));
            }
        }
    }
    if let Some(extension) = certificate.extension(oids::SUBJECT_ALT_NAME) {
        let mut items = Reader::new(extension.value).expect(tag::SEQUENCE)?.children();
        while let Some(item) = items.next()? {
            if list.len() >= MAX_NAMES {
                return Err(item.error(ErrorKind::BadValue));
            }
            list.push(general_name(&item)?);
        }
    }
    Ok(list)
}

/// How a name relates to a subtree. Only a wildcard can touch a subtree without lying within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Relation {
    /// Everything that the name stands for lies in the subtree.
    within: bool,
    /// Something that it stands for does.
    touches: bool,
}

impl From<bool> for Relation {
    fn from(within: bool) -> Relation {
        Relation { within, touches: within }
    }
}

/// `None` when either is malformed, or of a kind that sigscan cannot compare.
fn compare(kind: u8, name: &[u8], base: &[u8]) -> Option<Relation> {
    match kind {
        DIRECTORY => Some(normalised_within(name, base).into()),
        DNS => host_relation(name, base),
        RFC822 => mailbox_within(name, base).map(Relation::from),
        URI => uri_within(name, base).map(Relation::from),
        IP => address_within(name, base).map(Relation::from),
        _ => None,
    }
}

/// A host name of letters, digits, hyphens and underscores in labels that are not empty.
fn is_host(name: &[u8]) -> bool {
    let label = |label: &[u8]| {
        !label.is_empty() && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.split(|byte| *byte == b'.').all(label)
}

/// Equal, or with labels added on the left.
fn host_within(name: &[u8], base: &[u8]) -> bool {
    let Some(start) = name.len().checked_sub(base.len()) else { return false };
    let Some((head, tail)) = name.split_at_checked(start) else { return false };
    tail.eq_ignore_ascii_case(base) && (head.is_empty() || head.ends_with(b"."))
}

/// A leading period in a DNS subtree is not RFC 5280's, and common; it means the same as none. A wildcard, of which the
/// standard says nothing, stands for one label: some of these names may be excluded (CVE-2025-61727).
fn host_relation(name: &[u8], base: &[u8]) -> Option<Relation> {
    let base = base.strip_prefix(b".").unwrap_or(base);
    let (wildcard, host) = name.strip_prefix(b"*.").map_or((false, name), |rest| (true, rest));
    if !is_host(host) || !(base.is_empty() || is_host(base)) {
        return None;
    }
    let within = base.is_empty() || host_within(host, base);
    let parent = base.iter().position(|byte| *byte == b'.').and_then(|at| base.get(at.saturating_add(1)..));
    let one_of_them = wildcard && parent.is_some_and(|parent| parent.eq_ignore_ascii_case(host));
    Some(Relation { within, touches: within || one_of_them })
}

/// The base is a mailbox, a host, or (with a leading dot) a domain. RFC 5280 sections 4.2.1.10 and 7.5: the local part is
/// compared exactly.
fn mailbox_within(name: &[u8], base: &[u8]) -> Option<bool> {
    let (local, host) = mailbox(name)?;
    if base.contains(&b'@') {
        let (base_local, base_host) = mailbox(base)?;
        return Some(local == base_local && host.eq_ignore_ascii_case(base_host));
    }
    domain_or_host(host, base)
}

/// Local part and host. A second `@` may only stand in a quoted local part (RFC 2821 section 4.1.2).
fn mailbox(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.iter().rposition(|byte| *byte == b'@')?;
    let (local, host) = (name.get(..at)?, name.get(at.saturating_add(1)..)?);
    let quoted = local.len() > 1 && local.starts_with(b"\"") && local.ends_with(b"\"");
    let sound = !local.is_empty() && (quoted || !local.contains(&b'@')) && is_host(host);
    sound.then_some((local, host))
}

/// The base is one host, or with a leading dot everything below it; an empty one is everything.
fn domain_or_host(host: &[u8], base: &[u8]) -> Option<bool> {
    let domain = base.strip_prefix(b".");
    if base.is_empty() {
        return Some(true);
    }
    if !is_host(domain.unwrap_or(base)) {
        return None;
    }
    Some(match domain {
        Some(domain) => host.len() > domain.len() && host_within(host, domain),
        None => host.eq_ignore_ascii_case(base),
    })
}

/// The host of the URI counts. One without a host, or with an address in its place, is to be rejected (RFC 5280 section
/// 4.2.1.10).
fn uri_within(name: &[u8], base: &[u8]) -> Option<bool> {
    let start = name.windows(3).position(|part| part == b"://")?.saturating_add(3);
    let authority = name.get(start..)?.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    let host = authority.rsplit(|byte| *byte == b'@').next()?;
    let host = host.split(|byte| *byte == b':').next()?;
    let last = host.rsplit(|byte| *byte == b'.').next()?;
    if !is_host(host) || last.iter().all(u8::is_ascii_digit) {
        return None;
    }
    domain_or_host(host, base)
}

/// An address of four or sixteen octets; the base adds a mask, whose bits stand without a gap (RFC 4632).
fn address_within(name: &[u8], base: &[u8]) -> Option<bool> {
    if !matches!(name.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return None;
    }
    let (network, mask) = base.split_at(base.len() / 2);
    let zeros = mask.iter().rev().take_while(|octet| **octet == 0).count();
    let ones = mask.get(..mask.len().saturating_sub(zeros))?;
    let whole = ones.split_last().is_none_or(|(last, before)| {
        before.iter().all(|octet| *octet == 0xff) && last.leading_ones().saturating_add(last.trailing_zeros()) == 8
    });
    if !whole {
        return None;
    }
    let same = || name.iter().zip(network).zip(mask).all(|((n, b), m)| n & m == b & m);
    Some(name.len() == network.len() && same())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(kind: u8, name: &str, base: &str) -> Option<bool> {
        compare(kind, name.as_bytes(), base.as_bytes()).map(|relation| relation.within)
    }

    #[test]
    fn hosts() {
        for (name, base, expected) in [
            ("a.example.com", "example.com", Some(true)),
            ("EXAMPLE.com", "example.com", Some(true)),
            ("badexample.com", "example.com", Some(false)),
            ("a.example.com", ".example.com", Some(true)),
            ("anything", "", Some(true)),
            ("*.example.com", "example.com", Some(true)),
            (".example.com", "example.com", None),
            ("example.com.", "example.com", None),
            ("a..example.com", "example.com", None),
            ("", "example.com", None),
            ("a.*.example.com", "example.com", None),
            ("a.example.com", "*.example.com", None),
        ] {
            assert_eq!(within(DNS, name, base), expected, "{name} {base}");
        }
        let wildcard = |base: &str| compare(DNS, b"*.example.com", base.as_bytes()).unwrap();
        assert_eq!(wildcard("bar.example.com"), Relation { within: false, touches: true });
        assert_eq!(wildcard("a.bar.example.com"), Relation { within: false, touches: false });
        assert_eq!(wildcard("other.com"), Relation { within: false, touches: false });
    }

    #[test]
    fn mailboxes() {
        for (name, base, expected) in [
            ("joe@example.com", "example.com", Some(true)),
            ("joe@mail.example.com", "example.com", Some(false)),
            ("joe@mail.example.com", ".example.com", Some(true)),
            ("joe@example.com", ".example.com", Some(false)),
            ("joe@EXAMPLE.com", "joe@example.com", Some(true)),
            ("Joe@example.com", "joe@example.com", Some(false)),
            ("\"a@b\"@example.com", "example.com", Some(true)),
            ("joe", "example.com", None),
            ("a@b@example.com", "example.com", None),
            ("@example.com", "example.com", None),
            ("joe@example.com", "@example.com", None),
        ] {
            assert_eq!(within(RFC822, name, base), expected, "{name} {base}");
        }
    }

    #[test]
    fn uris() {
        for (name, base, expected) in [
            ("http://host.example.com/index.html", ".example.com", Some(true)),
            ("http://example.com/", ".example.com", Some(false)),
            ("http://example.com", "example.com", Some(true)),
            ("ftp://user:word@example.com:21/x@other.org", "example.com", Some(true)),
            ("http://host.example.com?x://y", "example.com", Some(false)),
            ("http://10.0.0.1/", "example.com", None),
            ("http://[::1]/", "example.com", None),
            ("mailto:joe@example.com", "example.com", None),
            ("urn:x", "example.com", None),
            ("http:///x", "example.com", None),
        ] {
            assert_eq!(within(URI, name, base), expected, "{name} {base}");
        }
    }

    #[test]
    fn addresses() {
        let ten = [10, 0, 0, 0, 255, 0, 0, 0];
        assert_eq!(address_within(&[10, 1, 2, 3], &ten), Some(true));
        assert_eq!(address_within(&[11, 1, 2, 3], &ten), Some(false));
        assert_eq!(address_within(&[10, 1, 4, 3], &[10, 1, 2, 0, 255, 255, 254, 0]), Some(false));
        assert_eq!(address_within(&[10, 1, 3, 3], &[10, 1, 2, 0, 255, 255, 254, 0]), Some(true));
        assert_eq!(address_within(&[0; 16], &ten), Some(false));
        assert_eq!(address_within(&[1; 4], &[0; 8]), Some(true));
        assert_eq!(address_within(&[1; 16], &[0; 32]), Some(true));
        assert_eq!(address_within(&[10, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 255, 0]), None);
        assert_eq!(address_within(&[10, 1, 2, 3], &[10, 0, 0, 0, 253, 0, 0, 0]), None);
        assert_eq!(address_within(&[10, 1, 2], &ten), None);
        assert_eq!(address_within(&[10, 1, 2, 3], &[10, 0, 0, 0]), None);
    }

    #[test]
    fn unknown_kinds_are_never_compared() {
        assert_eq!(compare(0xa0, b"x", b"x"), None);
        assert_eq!(compare(0x88, b"x", b"x"), None);
    }
}
