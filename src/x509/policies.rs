//! The extensions of certificate policies, leniently and within bounds.

use super::Certificate;
use crate::asn1::{Error, ErrorKind, Oid, Reader, oids, tag};

/// More policies, or mappings, than this in one extension are unreadable: real ones have a handful, and processing costs
/// time and memory for each.
pub const MAX_POLICIES: usize = 512;

/// PolicyConstraints. Source: RFC 5280 section 4.2.1.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyConstraints {
    /// Certificates that may follow before an acceptable policy is needed.
    pub require_explicit_policy: Option<u32>,
    /// Certificates that may follow before policies are no longer mapped.
    pub inhibit_policy_mapping: Option<u32>,
}

/// What was to be read is there and cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl From<Error> for Unreadable {
    fn from(_: Error) -> Self {
        Unreadable
    }
}

impl<'a> Certificate<'a> {
    /// Policy identifiers; `None` when the extension is absent. Qualifiers are not looked at: none changes a verdict.
    /// Source: RFC 5280 section 4.2.1.4.
    #[must_use]
    pub fn policies(&self) -> Option<Result<Vec<Oid<'a>>, Unreadable>> {
        let value = self.extension(oids::CERTIFICATE_POLICIES)?.value;
        Some(items(value, &mut |mut item| Ok(item.expect(tag::OID)?.content)))
    }

    /// Pairs of the issuer's and the subject's policy; empty when the extension is absent. Source: RFC 5280 section
    /// 4.2.1.5.
    ///
    /// # Errors
    /// When the extension cannot be read.
    pub fn policy_mappings(&self) -> Result<Vec<(Oid<'a>, Oid<'a>)>, Unreadable> {
        let Some(extension) = self.extension(oids::POLICY_MAPPINGS) else { return Ok(Vec::new()) };
        items(extension.value, &mut |mut item| Ok((item.expect(tag::OID)?.content, item.expect(tag::OID)?.content)))
    }

    /// Policy constraints; none when the extension is absent.
    ///
    /// # Errors
    /// When the extension cannot be read.
    pub fn policy_constraints(&self) -> Result<PolicyConstraints, Unreadable> {
        let mut constraints = PolicyConstraints::default();
        let Some(extension) = self.extension(oids::POLICY_CONSTRAINTS) else { return Ok(constraints) };
        let mut fields = Reader::new(extension.value).expect(tag::SEQUENCE)?.children();
        while let Some(field) = fields.next()? {
            let number = Some(field.small_unsigned()?);
            match field.tag {
                0x80 => constraints.require_explicit_policy = number,
                0x81 => constraints.inhibit_policy_mapping = number,
                _ => return Err(Unreadable),
            }
        }
        Ok(constraints)
    }

    /// Certificates that may follow before anyPolicy stands for nothing; `None` when the extension is absent. Source: RFC
    /// 5280 section 4.2.1.14.
    ///
    /// # Errors
    /// When the extension cannot be read.
    pub fn inhibit_any_policy(&self) -> Result<Option<u32>, Unreadable> {
        let Some(extension) = self.extension(oids::INHIBIT_ANY_POLICY) else { return Ok(None) };
        Ok(Some(Reader::new(extension.value).expect(tag::INTEGER)?.small_unsigned()?))
    }
}

/// SEQUENCE OF SEQUENCE, each read by `read`.
fn items<'a, T>(value: &'a [u8], read: &mut dyn FnMut(Reader<'a>) -> Result<T, Error>) -> Result<Vec<T>, Unreadable> {
    let mut items = Reader::new(value).expect(tag::SEQUENCE)?.children();
    let mut list = Vec::new();
    while let Some(item) = items.next()? {
        if list.len() >= MAX_POLICIES {
            return Err(item.error(ErrorKind::BadValue).into());
        }
        list.push(read(item.expect(tag::SEQUENCE)?.children())?);
    }
    Ok(list)
}
