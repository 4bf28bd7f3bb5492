//! Distinguished names: compared as octets, shown as text.

use crate::asn1::{Oid, Reader, decode_string, oid_to_string, oids, tag};

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
