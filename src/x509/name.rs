//! Distinguished names: compared by meaning, shown as text.

use std::borrow::Cow;

use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, decode_string, oid_to_string, oids, tag};

/// One attribute of a name, decoded for display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Attributes in file order (usually from country to common name): title and value.
    pub attributes: Vec<(String, String)>,
}

/// More attributes than this are not decoded.
const MAX_ATTRIBUTES: usize = 64;

impl Name {
    /// Decodes a Name element leniently; what cannot be decoded is left out.
    /// Source: RFC 5280 section 4.1.2.4.
    #[must_use]
    pub fn decode(raw: &[u8]) -> Name {
        let mut attributes = Vec::new();
        // Errors end the walk: what was read so far is still worth showing.
        let _ = walk(raw, &mut |oid, value| {
            let title = oids::title(oid).map_or_else(|| oid_to_string(oid), str::to_owned);
            attributes.push((title, value));
        });
        Name { attributes }
    }

    /// Text of the first attribute with this title (`CN`, `O`, ...).
    #[must_use]
    pub fn get(&self, title: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == title).map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Display for Name {
    /// Most specific attribute first, as Windows and RFC 4514 print it; values that hold a separator are quoted.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (title, value)) in self.attributes.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if value.contains([',', '+', '"', '=', '<', '>', ';', '\n', '\r']) || value.starts_with([' ', '#']) {
                write!(f, "{title}=\"{}\"", value.replace('"', "\"\""))?;
            } else {
                write!(f, "{title}={value}")?;
            }
        }
        Ok(())
    }
}

/// A Name element as one line of text.
#[must_use]
pub fn display_name(raw: &[u8]) -> String {
    Name::decode(raw).to_string()
}

/// Names longer than this are compared octet for octet: real ones have a few hundred octets, and the cap bounds
/// what a hostile name costs each time that it is looked up.
const MAX_NORMALISED: usize = 4 * 1024;

/// First octet of a normalised name, so that none equals an untouched one (which starts with a SEQUENCE tag).
const NORMALISED: u8 = 0;
const TEXT: u8 = 1;
const RAW: u8 = 2;

/// Whether two Name elements are the same name (RFC 5280 section 7.1): structure, attribute types and their order
/// are equal, and character strings are equal whatever their string type, case and white space. Unicode
/// compatibility forms are not folded. Names that cannot be read are compared octet for octet.
#[must_use]
pub fn same_name(left: &[u8], right: &[u8]) -> bool {
    left == right || normalised_name(left) == normalised_name(right)
}

/// A Name element in the form in which equal names have equal octets, for indices. See [`same_name`].
#[must_use]
pub fn normalised_name(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.len() > MAX_NORMALISED {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len().saturating_add(64));
    out.push(NORMALISED);
    match normalise(raw, &mut out) {
        Ok(()) => Cow::Owned(out),
        Err(_) => Cow::Borrowed(raw),
    }
}

fn normalise(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let name = Reader::new(raw).expect(tag::SEQUENCE)?;
    let mut rdns = name.children();
    while let Some(rdn) = rdns.next()? {
        normalise_rdn(&rdn, out)?;
    }
    Ok(())
}

/// The normalised form, for names that must be readable.
pub(super) fn normalised(raw: &[u8]) -> Result<Vec<u8>, Error> {
    let name = Reader::new(raw).any()?;
    if raw.len() > MAX_NORMALISED {
        return Err(name.error(ErrorKind::BadValue));
    }
    let mut out = vec![NORMALISED];
    normalise(raw, &mut out)?;
    Ok(out)
}

/// Whether the relative names of `base` are the first ones of `name`, both normalised.
pub(super) fn normalised_within(name: &[u8], base: &[u8]) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.first().is_none_or(|next| *next == tag::SET))
}

/// Every part preceded by its length, so that no two names flow into the same octets.
fn normalise_rdn(rdn: &Element<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut items = rdn.expect(tag::SET)?.children();
    out.push(tag::SET);
    while let Some(item) = items.next()? {
        let mut parts = item.expect(tag::SEQUENCE)?.children();
        let oid = parts.expect(tag::OID)?.content;
        let value = parts.any()?;
        parts.end()?; // or a name with more in it would equal one without
        out.push(tag::SEQUENCE);
        part(out, RAW, |out| out.extend_from_slice(oid));
        // A replacement character stands for octets that could not be decoded: they are left alone, or two
        // different names would become one.
        match decode_string(&value).filter(|text| !text.contains(char::REPLACEMENT_CHARACTER)) {
            Some(text) => part(out, TEXT, |out| fold(&text, out)),
            None => part(out, RAW, |out| out.extend_from_slice(value.raw)),
        }
    }
    Ok(())
}

fn part(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = out.len().saturating_sub(at).saturating_sub(4);
    if let Some(place) = out.get_mut(at..at.saturating_add(4)) {
        place.copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    }
}

/// Lower case, white space trimmed and compressed to single spaces (RFC 4518 sections 2.2 and 2.6.1, whose white
/// space is Unicode's).
fn fold(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        return fold_ascii(text.as_bytes(), out);
    }
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        // Character by character: a word's lower case would depend on its place (final sigma).
        let lower: String = word.chars().flat_map(char::to_lowercase).collect();
        out.extend_from_slice(lower.as_bytes());
    }
}

/// Names are folded for every certificate of every file, and nearly all are ASCII, where no table is needed.
fn fold_ascii(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut between = false;
    for octet in text {
        // White space as Unicode has it below 128: tab to carriage return, space.
        if matches!(octet, 0x09..=0x0d | b' ') {
            between = true;
            continue;
        }
        if std::mem::take(&mut between) && out.len() > start {
            out.push(b' ');
        }
        out.push(octet.to_ascii_lowercase());
    }
}

/// The first common name of a Name element in lower case with single spaces, by which names are the same whose other parts
/// somebody left out. `None` where there is none, and for what [`normalised_name`] leaves alone.
#[must_use]
pub fn folded_common_name(raw: &[u8]) -> Option<Vec<u8>> {
    let text = name_attribute(raw, oids::AT_COMMON_NAME).filter(|_| raw.len() <= MAX_NORMALISED)?;
    let mut folded = Vec::with_capacity(text.len());
    fold(&text, &mut folded);
    (!folded.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER)).then_some(folded)
}

/// Text of the first attribute of this type in a Name element.
#[must_use]
pub fn name_attribute(raw: &[u8], wanted: Oid<'_>) -> Option<String> {
    let mut found = None;
    let _ = walk(raw, &mut |oid, value| {
        if found.is_none() && oid == wanted {
            found = Some(value);
        }
    });
    found
}

fn walk(raw: &[u8], visit: &mut dyn FnMut(Oid<'_>, String)) -> Result<(), crate::asn1::Error> {
    let mut count = 0usize;
    let mut rdns = Reader::new(raw).expect(tag::SEQUENCE)?.children();
    while let Some(rdn) = rdns.next()? {
        let mut items = rdn.children();
        // A relative name without attributes costs as much as one with.
        count = count.saturating_add(usize::from(items.is_empty()));
        if count >= MAX_ATTRIBUTES {
            return Ok(());
        }
        while let Some(item) = items.next()? {
            let mut parts = item.children();
            let oid = parts.expect(tag::OID)?;
            let value = parts.any()?;
            if count >= MAX_ATTRIBUTES {
                return Ok(());
            }
            count = count.saturating_add(1);
            if let Some(text) = decode_string(&value) {
                visit(oid.content, text.trim_end_matches('\0').to_owned());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// A Name with one CN for each (string tag, content).
    fn name(values: &[(u8, &[u8])]) -> Vec<u8> {
        let rdn = |(tag, text): &(u8, &[u8])| {
            let attribute = [element(0x06, &[0x55, 0x04, 0x03]), element(*tag, text)].concat();
            element(0x31, &element(0x30, &attribute))
        };
        element(0x30, &values.iter().flat_map(rdn).collect::<Vec<u8>>())
    }

    #[test]
    fn names_are_equal_whatever_their_string_type_case_and_spaces() {
        let plain = name(&[(0x13, b"Contoso Ltd")]);
        let bmp: Vec<u8> = "contoso LTD".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for other in [(0x0c, &b"Contoso Ltd"[..]), (0x13, b"  CONTOSO \t ltd "), (0x1e, &bmp), (0x14, b"Contoso Ltd")] {
            assert!(same_name(&plain, &name(&[other])));
        }
        assert!(same_name(&name(&[(0x0c, "ÄΣ".as_bytes())]), &name(&[(0x0c, "äσ".as_bytes())])));
        assert!(same_name(&name(&[(0x14, b"\xc4")]), &name(&[(0x0c, "ä".as_bytes())])));
    }

    /// Whatever else a part of a name holds makes it another name.
    #[test]
    fn nothing_in_a_name_is_read_past() {
        let attribute = [element(0x06, &[0x55, 0x04, 0x03]), element(0x13, b"Contoso")].concat();
        let of = |attribute: &[u8]| element(0x30, &element(0x31, &element(0x30, attribute)));
        let (plain, more) = (of(&attribute), of(&[&attribute[..], &[0x05, 0x00]].concat()));
        assert!(!same_name(&plain, &more));
        assert!(same_name(&more, &more));
        assert!(normalised(&plain).is_ok() && normalised(&more).is_err());
    }

    /// What is folded without a table is folded as with it.
    #[test]
    fn ascii_is_folded_like_everything_else() {
        let texts = ["", " ", "a", " A b ", "A\t\u{b}\u{c}\r\nB  C\u{1c}D", "\u{1f} x", "Contoso Ltd."];
        for text in texts {
            let mut folded = Vec::new();
            fold(text, &mut folded);
            let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
            assert_eq!(folded, words.join(" ").as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        let plain = name(&[(0x13, b"ab")]);
        let others = [
            name(&[(0x13, b"abc")]),
            name(&[(0x13, b"a b")]),
            name(&[(0x13, b"a"), (0x13, b"b")]),
            name(&[(0x04, b"ab")]),
            name(&[(0x13, b"ab\0")]),
            name(&[]),
        ];
        for other in &others {
            assert!(!same_name(&plain, other));
        }
        // Octets that are no text do not all become the same replacement character.
        assert!(!same_name(&name(&[(0x0c, b"\xff")]), &name(&[(0x0c, b"\xfe")])));
        // Order and grouping of attributes count.
        assert!(!same_name(&name(&[(0x13, b"a"), (0x13, b"b")]), &name(&[(0x13, b"b"), (0x13, b"a")])));
        // Not strings: case counts.
        assert!(!same_name(&name(&[(0x04, b"A")]), &name(&[(0x04, b"a")])));
    }

    #[test]
    fn unreadable_and_huge_names_are_compared_octet_for_octet() {
        let cut = [0x30, 0x05, 0x31];
        assert!(same_name(&cut, &cut));
        assert_eq!(normalised_name(&cut), Cow::Borrowed(&cut[..]));
        let huge = |text: u8| [&[0x30, 0x82, 0x50, 0x00][..], &vec![text; 0x5000]].concat();
        assert_eq!(normalised_name(&huge(b'a')).len(), 0x5004);
    }

    #[test]
    fn a_subtree_ends_between_relative_names() {
        let whole = normalised(&name(&[(0x13, b"a"), (0x0c, b"B")])).unwrap();
        for (base, within) in [(name(&[(0x0c, b"A")]), true), (name(&[]), true), (name(&[(0x13, b"b")]), false)] {
            assert_eq!(normalised_within(&whole, &normalised(&base).unwrap()), within);
        }
        // A relative name of two attributes is not within the one that holds only the first.
        let attribute = [element(0x06, &[0x55, 0x04, 0x03]), element(0x13, b"a")].concat();
        let both = element(0x30, &element(0x31, &element(0x30, &attribute).repeat(2)));
        let first = normalised(&name(&[(0x13, b"a")])).unwrap();
        assert!(!normalised_within(&normalised(&both).unwrap(), &first));
    }
}
