//! Signed and unsigned attributes, kept in file order with their original bytes.

use std::borrow::Cow;

use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, tag};

/// More attributes than this make the set unreadable; real signatures have fewer than ten.
const MAX_ATTRIBUTES: usize = 1024;

/// One attribute. `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }`
/// Source: RFC 5652 section 5.3.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    /// Which attribute.
    pub oid: Oid<'a>,
    /// The SET of values.
    pub values: Element<'a>,
    /// The whole attribute.
    pub raw: &'a [u8],
    /// Offset in the signature.
    pub offset: usize,
}

impl<'a> Attribute<'a> {
    /// A reader over the values.
    #[must_use]
    pub fn values(&self) -> Reader<'a> {
        self.values.children()
    }

    /// The only value.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub fn single_value(&self) -> Result<Element<'a>, Error> {
        let mut values = self.values();
        let value = values.any()?;
        if values.is_empty() { Ok(value) } else { Err(self.values.error(ErrorKind::BadValue)) }
    }
}

/// A set of attributes.
#[derive(Debug, Clone)]
pub struct AttributeSet<'a> {
    element: Element<'a>,
    /// The attributes in file order.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> AttributeSet<'a> {
    /// Reads the attributes inside an implicitly tagged SET.
    pub(crate) fn parse(element: Element<'a>) -> Result<AttributeSet<'a>, Error> {
        let mut attributes = Vec::new();
        let mut items = element.children();
        while let Some(item) = items.next()? {
            if attributes.len() >= MAX_ATTRIBUTES {
                return Err(item.error(ErrorKind::TooMany));
            }
            let mut parts = item.expect(tag::SEQUENCE)?.children();
            let oid = parts.oid()?;
            let values = parts.expect(tag::SET)?;
            parts.end()?;
            // A value that cannot be delimited hides itself and all that follow: a timestamp, another signature.
            let mut each = values.children();
            while each.next()?.is_some() {}
            attributes.push(Attribute { oid, values, raw: item.raw, offset: item.offset });
        }
        Ok(AttributeSet { element, attributes })
    }

    /// The bytes that the signature covers: the set as it stands, its identifier octet changed from `[0]` to
    /// SET and nothing re-ordered or re-encoded (RFC 5652 section 5.4).
    #[must_use]
    pub fn signed_bytes(&self) -> Cow<'a, [u8]> {
        let mut bytes = self.element.raw.to_vec();
        if let Some(first) = bytes.first_mut() {
            *first = tag::SET;
        }
        Cow::Owned(bytes)
    }

    /// All attributes of one type.
    pub fn all<'s>(&'s self, oid: &'s [u8]) -> impl Iterator<Item = &'s Attribute<'a>> {
        self.attributes.iter().filter(move |attribute| attribute.oid == oid)
    }

    /// The attribute of one type, which must be there once.
    ///
    /// # Errors
    /// `None` when absent, `Some(offset)` of the second one when repeated.
    pub fn one<'s>(&'s self, oid: &'s [u8]) -> Result<&'s Attribute<'a>, Option<usize>> {
        let mut found = self.all(oid);
        match (found.next(), found.next()) {
            (Some(attribute), None) => Ok(attribute),
            (_, Some(second)) => Err(Some(second.offset)),
            (None, None) => Err(None),
        }
    }
}
