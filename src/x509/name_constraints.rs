//! Name constraints: which names an issuer may certify. Source: RFC 5280 sections 4.2.1.10 and 6.1.4.

use super::Certificate;
use super::name::same_relative_name;
use crate::asn1::{Element, Error, Reader, oids, tag};

/// Why a certificate falls outside an issuer's name constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstraintViolation {
    /// A name is excluded, or is of a permitted kind and under none of the permitted subtrees.
    Name,
    /// The constraints cannot be read, or constrain a kind of name that sigscan cannot compare and the
    /// certificate carries such a name.
    Unreadable,
}

/// Comparisons after which the answer is [`ConstraintViolation::Unreadable`]: the product of hostile
/// constraints and names must not grow without bound.
const MAX_COMPARISONS: usize = 100_000;

/// Kinds of GeneralName (RFC 5280 section 4.2.1.6) as context tags.
const RFC822: u8 = 0x81;
const DNS: u8 = 0x82;
const DIRECTORY: u8 = 0xa4;
const IP: u8 = 0x87;

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
        let same_kind = |(base_kind, _): &&(u8, &[u8])| base_kind == kind;
        let excluded_here = excluded.iter().filter(same_kind);
        let mut permitted_here = permitted.iter().filter(same_kind).peekable();
        let known = matches!(*kind, RFC822 | DNS | DIRECTORY | IP);
        if !known && (permitted_here.peek().is_some() || excluded.iter().any(|base| base.0 == *kind)) {
            return Err(ConstraintViolation::Unreadable);
        }
        if excluded_here.into_iter().any(|(_, base)| within(*kind, name, base)) {
            return Err(ConstraintViolation::Name);
        }
        if permitted_here.peek().is_some() && !permitted_here.any(|(_, base)| within(*kind, name, base)) {
            return Err(ConstraintViolation::Name);
        }
    }
    Ok(())
}

type Subtrees<'a> = Vec<(u8, &'a [u8])>;

fn subtrees(value: &[u8]) -> Result<(Subtrees<'_>, Subtrees<'_>), Error> {
    let mut permitted = Vec::new();
    let mut excluded = Vec::new();
    let mut fields = Reader::new(value).expect(tag::SEQUENCE)?.children();
    while let Some(field) = fields.next()? {
        let list = if field.tag == tag::context_constructed(0) { &mut permitted } else { &mut excluded };
        let mut items = field.children();
        while let Some(item) = items.next()? {
            let base = item.expect(tag::SEQUENCE)?.children().any()?;
            list.push(general_name(&base)?);
        }
    }
    Ok((permitted, excluded))
}

/// Kind and comparable octets: a directory name becomes its Name element, other kinds their content.
fn general_name<'a>(name: &Element<'a>) -> Result<(u8, &'a [u8]), Error> {
    if name.tag == DIRECTORY { Ok((DIRECTORY, name.children().any()?.raw)) } else { Ok((name.tag, name.content)) }
}

fn names<'a>(certificate: &Certificate<'a>) -> Result<Subtrees<'a>, Error> {
    let mut list = Vec::new();
    if Reader::new(certificate.subject).expect(tag::SEQUENCE)?.content.is_empty() {
        // An empty subject is under every subtree.
    } else {
        list.push((DIRECTORY, certificate.subject));
    }
    let mut rdns = Reader::new(certificate.subject).expect(tag::SEQUENCE)?.children();
    while let Some(rdn) = rdns.next()? {
        let mut items = rdn.children();
        while let Some(item) = items.next()? {
            let mut parts = item.children();
            if parts.expect(tag::OID)?.content == oids::AT_EMAIL {
                list.push((RFC822, parts.any()?.content));
            }
        }
    }
    if let Some(extension) = certificate.extension(oids::SUBJECT_ALT_NAME) {
        let mut items = Reader::new(extension.value).expect(tag::SEQUENCE)?.children();
        while let Some(item) = items.next()? {
            list.push(general_name(&item)?);
        }
    }
    Ok(list)
}

fn within(kind: u8, name: &[u8], base: &[u8]) -> bool {
    match kind {
        DIRECTORY => directory_within(name, base).unwrap_or(false),
        DNS => host_within(name, base),
        RFC822 => mailbox_within(name, base),
        IP => address_within(name, base),
        _ => false,
    }
}

/// A name is within a subtree when the subtree's RDNs are its first RDNs.
fn directory_within(name: &[u8], base: &[u8]) -> Result<bool, Error> {
    let mut name = Reader::new(name).expect(tag::SEQUENCE)?.children();
    let mut base = Reader::new(base).expect(tag::SEQUENCE)?.children();
    while let Some(wanted) = base.next()? {
        match name.next()? {
            Some(found) if same_relative_name(&found, &wanted) => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn host_within(name: &[u8], base: &[u8]) -> bool {
    let base = base.strip_prefix(b".").unwrap_or(base);
    if base.is_empty() {
        return true;
    }
    let Some(start) = name.len().checked_sub(base.len()) else { return false };
    let Some((head, tail)) = name.split_at_checked(start) else { return false };
    tail.eq_ignore_ascii_case(base) && (head.is_empty() || head.ends_with(b"."))
}

/// The base is a mailbox, a host, or (with a leading dot) a domain. RFC 5280 section 4.2.1.10.
fn mailbox_within(name: &[u8], base: &[u8]) -> bool {
    let Some(at) = name.iter().rposition(|byte| *byte == b'@') else { return false };
    let host = name.get(at.saturating_add(1)..).unwrap_or(&[]);
    if base.contains(&b'@') {
        return name.eq_ignore_ascii_case(base);
    }
    if base.starts_with(b".") {
        return host.len() >= base.len() && host_within(host, base);
    }
    host.eq_ignore_ascii_case(base)
}

fn address_within(name: &[u8], base: &[u8]) -> bool {
    if base.len() != name.len().saturating_mul(2) {
        return false;
    }
    let (network, mask) = base.split_at(name.len());
    name.iter().zip(network).zip(mask).all(|((n, b), m)| n & m == b & m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_mailboxes() {
        assert!(host_within(b"a.example.com", b"example.com"));
        assert!(host_within(b"EXAMPLE.com", b"example.com"));
        assert!(!host_within(b"badexample.com", b"example.com"));
        assert!(mailbox_within(b"joe@example.com", b"example.com"));
        assert!(!mailbox_within(b"joe@mail.example.com", b"example.com"));
        assert!(mailbox_within(b"joe@mail.example.com", b".example.com"));
        assert!(!mailbox_within(b"joe", b"example.com"));
        assert!(address_within(&[10, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 0, 0]));
        assert!(!address_within(&[11, 1, 2, 3], &[10, 0, 0, 0, 255, 0, 0, 0]));
    }
}
