//! The zero-copy reader: [`Reader`] walks siblings, [`Element`] is one of them with its original bytes.

use std::borrow::Cow;

use super::{Oid, is_well_formed_oid};

/// How deep indefinite-length and constructed-string nesting is followed. Real signatures need three levels;
/// the cap bounds the work of re-scanning nested indefinite lengths to `MAX_DEPTH` passes over the input.
pub const MAX_DEPTH: usize = 32;

/// Deepest nesting of strings in pieces. Each level is delimited anew, and the pieces may be millions; one level is what
/// encoders write.
pub const MAX_STRING_DEPTH: usize = 4;

/// Identifier octets (X.690 section 8.1.2) as they stand in the file, for the tags that signatures use.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING, primitive.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING, primitive.
    pub const OCTET_STRING: u8 = 0x04;
    /// OCTET STRING, constructed (BER only).
    pub const OCTET_STRING_CONSTRUCTED: u8 = 0x24;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// PrintableString.
    pub const PRINTABLE_STRING: u8 = 0x13;
    /// TeletexString (T61String).
    pub const TELETEX_STRING: u8 = 0x14;
    /// IA5String.
    pub const IA5_STRING: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// VisibleString.
    pub const VISIBLE_STRING: u8 = 0x1a;
    /// UniversalString (UTF-32BE).
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    /// BMPString (UTF-16BE).
    pub const BMP_STRING: u8 = 0x1e;
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: u8 = 0x30;
    /// SET and SET OF.
    pub const SET: u8 = 0x31;

    /// Context-specific tag `[n]`, primitive encoding.
    #[must_use]
    pub const fn context(n: u8) -> u8 {
        0x80 | (n & 0x1f)
    }

    /// Context-specific tag `[n]`, constructed encoding.
    #[must_use]
    pub const fn context_constructed(n: u8) -> u8 {
        0xa0 | (n & 0x1f)
    }
}

/// Why bytes could not be delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The element's header or content reaches beyond the bytes that hold it.
    Truncated,
    /// A length that no encoding allows: reserved octet 0xff, more than eight length octets, or an
    /// indefinite length on a primitive element.
    BadLength,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Another tag than the grammar allows here.
    UnexpectedTag {
        /// The identifier octet that the grammar wants.
        expected: u8,
        /// The identifier octet in the file.
        found: u8,
    },
    /// The sequence ended where the grammar wants another element.
    Missing {
        /// The identifier octet that the grammar wants.
        expected: u8,
    },
    /// The content octets are not a value of their type.
    BadValue,
    /// An element follows those that the type has.
    Surplus,
    /// More elements than are read.
    TooMany,
}

/// A delimiting error and where it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// Byte offset from the start of the outermost slice given to [`Reader::new`].
    pub offset: usize,
    /// What was wrong there.
    pub kind: ErrorKind,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            ErrorKind::Truncated => write!(f, "an ASN.1 element reaches beyond its container")?,
            ErrorKind::BadLength => write!(f, "an ASN.1 length is not well formed")?,
            ErrorKind::TooDeep => write!(f, "ASN.1 nesting is deeper than {MAX_DEPTH} levels")?,
            ErrorKind::UnexpectedTag { expected, found } => {
                write!(f, "ASN.1 tag 0x{found:02x} stands where 0x{expected:02x} belongs")?;
            }
            ErrorKind::Missing { expected } => write!(f, "an ASN.1 element with tag 0x{expected:02x} is missing")?,
            ErrorKind::BadValue => write!(f, "an ASN.1 value is not well formed")?,
            ErrorKind::Surplus => write!(f, "an ASN.1 element follows that its type does not have")?,
            ErrorKind::TooMany => write!(f, "more ASN.1 elements than are read")?,
        }
        write!(f, " (offset {})", self.offset)
    }
}

impl std::error::Error for Error {}

/// One delimited element, with its original bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// First identifier octet. A multi-octet tag keeps its first octet (low five bits all ones), which no
    /// grammar here ever expects.
    pub tag: u8,
    /// Identifier, length, content and, for an indefinite length, end-of-contents octets.
    pub raw: &'a [u8],
    /// Content octets.
    pub content: &'a [u8],
    /// Offset of `raw` from the start of the outermost slice.
    pub offset: usize,
    /// True when the length is indefinite or not minimal: legal in BER, forbidden in DER.
    pub ber: bool,
}

impl<'a> Element<'a> {
    /// Offset of `content` from the start of the outermost slice.
    #[must_use]
    pub fn content_offset(&self) -> usize {
        // The content is a sub-slice of raw: header length = distance between the two starts.
        let header = (self.content.as_ptr() as usize).saturating_sub(self.raw.as_ptr() as usize);
        self.offset.saturating_add(header)
    }

    /// A reader over the children of a constructed element.
    #[must_use]
    pub fn children(&self) -> Reader<'a> {
        Reader { rest: self.content, offset: self.content_offset() }
    }

    /// Fails unless the element has this identifier octet.
    pub fn expect(self, expected: u8) -> Result<Self, Error> {
        if self.tag == expected {
            Ok(self)
        } else {
            Err(Error { offset: self.offset, kind: ErrorKind::UnexpectedTag { expected, found: self.tag } })
        }
    }

    /// An error at this element.
    #[must_use]
    pub fn error(&self, kind: ErrorKind) -> Error {
        Error { offset: self.offset, kind }
    }

    /// Whether the identifier octet says "constructed".
    #[must_use]
    pub fn is_constructed(&self) -> bool {
        self.tag & 0x20 != 0
    }

    /// The octets of an OCTET STRING in either encoding; the segments of a constructed one (X.690 section
    /// 8.7.3) are joined. Works for implicitly tagged octet strings too, because only the constructed bit counts.
    pub fn octets(&self) -> Result<Cow<'a, [u8]>, Error> {
        if !self.is_constructed() {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut joined = Vec::new();
        let mut stack = vec![self.children()];
        while let Some(mut reader) = stack.pop() {
            let Some(segment) = reader.next()? else { continue };
            stack.push(reader);
            match segment.tag {
                tag::OCTET_STRING => joined.extend_from_slice(segment.content),
                tag::OCTET_STRING_CONSTRUCTED if stack.len() < MAX_STRING_DEPTH => stack.push(segment.children()),
                tag::OCTET_STRING_CONSTRUCTED => return Err(segment.error(ErrorKind::TooDeep)),
                found => {
                    let kind = ErrorKind::UnexpectedTag { expected: tag::OCTET_STRING, found };
                    return Err(segment.error(kind));
                }
            }
        }
        Ok(Cow::Owned(joined))
    }

    /// The octets of an OCTET STRING and of nothing else, in one piece or in several as BER allows (X.690 section 8.7).
    pub fn octet_string(&self) -> Result<Cow<'a, [u8]>, Error> {
        match self.tag {
            tag::OCTET_STRING_CONSTRUCTED => self.octets(),
            _ => self.expect(tag::OCTET_STRING)?.octets(),
        }
    }

    /// The content of an INTEGER as a small unsigned number.
    pub fn small_unsigned(&self) -> Result<u32, Error> {
        let mut value: u32 = 0;
        if self.content.is_empty() || self.content.first().is_some_and(|b| b & 0x80 != 0) {
            return Err(self.error(ErrorKind::BadValue));
        }
        for byte in self.content {
            value = value
                .checked_mul(256)
                .and_then(|v| v.checked_add(u32::from(*byte)))
                .ok_or_else(|| self.error(ErrorKind::BadValue))?;
        }
        Ok(value)
    }

    /// The octets of a BIT STRING without the leading count of unused bits, which must be zero.
    pub fn bit_string(&self) -> Result<&'a [u8], Error> {
        match self.content.split_first() {
            Some((0, bits)) => Ok(bits),
            _ => Err(self.error(ErrorKind::BadValue)),
        }
    }
}

/// Walks the elements of one level.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `bytes`; offsets in errors and elements count from there.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, offset: 0 }
    }

    /// Like [`Reader::new`], with offsets that count from `offset`.
    #[must_use]
    pub fn at(bytes: &'a [u8], offset: usize) -> Self {
        Reader { rest: bytes, offset }
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Offset of the next element.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The octets that have not been read.
    #[must_use]
    pub fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    /// True when nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, or `None` at the end.
    #[allow(clippy::should_implement_trait)] // fallible, so not an Iterator: errors end the walk by `?`
    pub fn next(&mut self) -> Result<Option<Element<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let element = delimit(self.rest, self.offset)?;
        let (_, rest) = self.rest.split_at_checked(element.raw.len()).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.offset = self.offset.saturating_add(element.raw.len());
        Ok(Some(element))
    }

    /// The next element, which must be there and have this identifier octet.
    pub fn expect(&mut self, expected: u8) -> Result<Element<'a>, Error> {
        match self.next()? {
            Some(element) => element.expect(expected),
            None => Err(Error { offset: self.offset, kind: ErrorKind::Missing { expected } }),
        }
    }

    /// The content octets of the next element, which must be a well-formed OBJECT IDENTIFIER.
    pub fn oid(&mut self) -> Result<Oid<'a>, Error> {
        let element = self.expect(tag::OID)?;
        if is_well_formed_oid(element.content) { Ok(element.content) } else { Err(element.error(ErrorKind::BadValue)) }
    }

    /// The next element if it has this identifier octet; otherwise nothing is consumed.
    pub fn optional(&mut self, wanted: u8) -> Result<Option<Element<'a>>, Error> {
        if self.rest.first() == Some(&wanted) { self.next() } else { Ok(None) }
    }

    /// That nothing is left: no type here is extensible, and a decoder that knows the type refuses what follows its fields.
    ///
    /// # Errors
    /// [`ErrorKind::Surplus`] at the first octet that is left.
    pub fn end(&self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error { offset: self.offset, kind: ErrorKind::Surplus }) }
    }

    /// The next element, whatever its tag.
    pub fn any(&mut self) -> Result<Element<'a>, Error> {
        self.next()?.ok_or(Error { offset: self.offset, kind: ErrorKind::Missing { expected: 0 } })
    }
}

/// Header of an element: identifier octet, header length, content length (`None` = indefinite), BER-ness.
struct Header {
    tag: u8,
    header_len: usize,
    content_len: Option<usize>,
    ber: bool,
}

fn header(bytes: &[u8], offset: usize) -> Result<Header, Error> {
    let error = |kind| Error { offset, kind };
    let truncated = || error(ErrorKind::Truncated);
    let tag = *bytes.first().ok_or_else(truncated)?;
    let mut at: usize = 1;
    if tag & 0x1f == 0x1f {
        // Multi-octet tag (X.690 section 8.1.2.4): skip to the octet without the continuation bit.
        loop {
            let octet = *bytes.get(at).ok_or_else(truncated)?;
            at = at.saturating_add(1);
            if octet & 0x80 == 0 {
                break;
            }
            if at > 6 {
                return Err(error(ErrorKind::BadLength));
            }
        }
    }
    let first = *bytes.get(at).ok_or_else(truncated)?;
    at = at.saturating_add(1);
    if first < 0x80 {
        return Ok(Header { tag, header_len: at, content_len: Some(usize::from(first)), ber: false });
    }
    if first == 0x80 {
        if tag & 0x20 == 0 {
            return Err(error(ErrorKind::BadLength));
        }
        return Ok(Header { tag, header_len: at, content_len: None, ber: true });
    }
    let count = usize::from(first & 0x7f);
    // Leading zero octets are legal BER, so up to eight octets are read; 0xff is reserved.
    if count > 8 {
        return Err(error(ErrorKind::BadLength));
    }
    let end = at.saturating_add(count);
    let octets = bytes.get(at..end).ok_or_else(truncated)?;
    let length = octets.iter().fold(0u64, |value, octet| (value << 8) | u64::from(*octet));
    let minimal = octets.first() != Some(&0) && length >= 0x80;
    let length = usize::try_from(length).map_err(|_| truncated())?;
    Ok(Header { tag, header_len: end, content_len: Some(length), ber: !minimal })
}

/// Delimits the element at the start of `bytes`.
fn delimit(bytes: &[u8], offset: usize) -> Result<Element<'_>, Error> {
    let head = header(bytes, offset)?;
    let truncated = Error { offset, kind: ErrorKind::Truncated };
    let (content_end, total) = match head.content_len {
        Some(length) => {
            let end = head.header_len.checked_add(length).ok_or(truncated)?;
            (end, end)
        }
        None => {
            let end = end_of_contents(bytes, head.header_len, offset)?;
            (end, end.saturating_add(2))
        }
    };
    let raw = bytes.get(..total).ok_or(truncated)?;
    let content = bytes.get(head.header_len..content_end).ok_or(truncated)?;
    Ok(Element { tag: head.tag, raw, content, offset, ber: head.ber })
}

/// Position of the end-of-contents octets that close the indefinite-length content starting at `start`.
/// Definite-length siblings are stepped over whole; nested indefinite ones only deepen a counter.
fn end_of_contents(bytes: &[u8], start: usize, offset: usize) -> Result<usize, Error> {
    let mut at = start;
    let mut depth = 1usize;
    loop {
        let here = offset.saturating_add(at);
        let rest = bytes.get(at..).unwrap_or(&[]);
        if rest.starts_with(&[0, 0]) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Ok(at);
            }
            at = at.saturating_add(2);
            continue;
        }
        let head = header(rest, here)?;
        match head.content_len {
            Some(length) => {
                at = at
                    .checked_add(head.header_len)
                    .and_then(|v| v.checked_add(length))
                    .filter(|end| *end <= bytes.len())
                    .ok_or(Error { offset: here, kind: ErrorKind::Truncated })?;
            }
            None => {
                depth = depth.saturating_add(1);
                if depth > MAX_DEPTH {
                    return Err(Error { offset: here, kind: ErrorKind::TooDeep });
                }
                at = at.saturating_add(head.header_len);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Result<Element<'_>, Error> {
        Reader::new(bytes).any()
    }

    #[test]
    fn definite_lengths_in_all_forms_delimit_the_same_content() {
        for (bytes, ber) in [
            (&[0x04, 0x02, 0xaa, 0xbb][..], false),
            (&[0x04, 0x81, 0x02, 0xaa, 0xbb][..], true),
            (&[0x04, 0x88, 0, 0, 0, 0, 0, 0, 0, 2, 0xaa, 0xbb][..], true),
        ] {
            let element = one(bytes).unwrap();
            assert_eq!((element.content, element.ber, element.raw), (&[0xaa, 0xbb][..], ber, bytes));
        }
    }

    #[test]
    fn indefinite_lengths_nest_and_end_at_their_own_marker() {
        let bytes = [0x30, 0x80, 0x30, 0x80, 0x02, 0x01, 0x05, 0, 0, 0x04, 0x02, 0, 0, 0, 0, 0xff];
        let element = one(&bytes).unwrap();
        assert_eq!(element.raw.len(), 15);
        assert_eq!(element.content_offset(), 2);
        let mut children = element.children();
        assert_eq!(children.expect(tag::SEQUENCE).unwrap().content, &[0x02, 0x01, 0x05]);
        assert_eq!(children.expect(tag::OCTET_STRING).unwrap().content, &[0, 0]);
        assert!(children.is_empty());
    }

    #[test]
    fn hostile_lengths_are_refused() {
        let cases: [(&[u8], ErrorKind); 6] = [
            (&[0x30], ErrorKind::Truncated),
            (&[0x30, 0x05, 0x00], ErrorKind::Truncated),
            (&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], ErrorKind::Truncated),
            (&[0x30, 0xff], ErrorKind::BadLength),
            (&[0x04, 0x80, 0x00, 0x00], ErrorKind::BadLength),
            (&[0x30, 0x80, 0x04, 0x00], ErrorKind::Truncated),
        ];
        for (bytes, kind) in cases {
            assert_eq!(
                one(bytes),
                Err(Error { offset: if bytes.len() == 4 && bytes[0] == 0x30 { 4 } else { 0 }, kind })
            );
        }
        let deep = [[0x30, 0x80]; 100].concat();
        assert_eq!(one(&deep).unwrap_err().kind, ErrorKind::TooDeep);
    }

    #[test]
    fn multi_octet_tags_are_stepped_over() {
        let bytes = [0x3f, 0x81, 0x01, 0x01, 0xaa, 0x05, 0x00];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.any().unwrap().content, &[0xaa]);
        assert_eq!(reader.expect(tag::NULL).unwrap().offset, 5);
    }

    #[test]
    fn constructed_octet_strings_are_joined() {
        let bytes = [0x24, 0x80, 0x04, 0x01, 0xaa, 0x24, 0x03, 0x04, 0x01, 0xbb, 0x04, 0x01, 0xcc, 0, 0];
        assert_eq!(&*one(&bytes).unwrap().octets().unwrap(), &[0xaa, 0xbb, 0xcc]);
        let wrong = [0x24, 0x03, 0x02, 0x01, 0x00];
        assert!(one(&wrong).unwrap().octets().is_err());
        let nested = |levels: usize| {
            let mut bytes = [0x24, 0x80].repeat(levels);
            bytes.extend([0x04, 0x01, 0xaa]);
            bytes.extend(vec![0; 2 * levels]);
            bytes
        };
        let octets = |levels| one(&nested(levels)).unwrap().octets().map(Cow::into_owned);
        assert_eq!(octets(MAX_STRING_DEPTH), Ok(vec![0xaa]));
        assert_eq!(octets(MAX_STRING_DEPTH + 1).unwrap_err().kind, ErrorKind::TooDeep);
    }
}
