//! Character strings, decoded leniently for display; names are compared in the way of [`crate::x509::same_name`].

use super::{Element, tag};

/// Text of a string element. UTF8String is decoded with replacement characters, BMPString as UTF-16BE,
/// UniversalString as UTF-32BE, everything else as Windows does: octets as Latin-1.
/// `None` for an element that is not a character string.
#[must_use]
pub fn decode_string(element: &Element<'_>) -> Option<String> {
    match element.tag {
        tag::UTF8_STRING => Some(String::from_utf8_lossy(element.content).into_owned()),
        tag::BMP_STRING => Some(bmp_to_string(element.content)),
        tag::UNIVERSAL_STRING => Some(
            element
                .content
                .chunks(4)
                .map(|unit| {
                    let value = unit.iter().fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
                    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
                })
                .collect(),
        ),
        tag::PRINTABLE_STRING | tag::TELETEX_STRING | tag::IA5_STRING | tag::VISIBLE_STRING | 0x12 | 0x19 | 0x1b => {
            // Many issuers put UTF-8 into these types; Latin-1 is the fallback that loses nothing.
            Some(match std::str::from_utf8(element.content) {
                Ok(text) => text.to_owned(),
                Err(_) => element.content.iter().map(|byte| char::from(*byte)).collect(),
            })
        }
        _ => None,
    }
}

/// UTF-16BE text with replacement characters for lone surrogates and an odd last octet.
#[must_use]
pub fn bmp_to_string(octets: &[u8]) -> String {
    let units = octets.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0xfffd,
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;

    #[test]
    fn every_string_type_decodes() {
        let cases: [(&[u8], &str); 6] = [
            (&[0x0c, 0x03, b'a', 0xc3, 0xa9], "aé"),
            (&[0x1e, 0x04, 0x00, b'a', 0x20, 0xac], "a€"),
            (&[0x1e, 0x03, 0x00, b'a', 0x20], "a\u{fffd}"),
            (&[0x1c, 0x04, 0x00, 0x01, 0xf6, 0x00], "😀"),
            (&[0x14, 0x02, b'a', 0xe9], "aé"),
            (&[0x13, 0x02, b'o', b'k'], "ok"),
        ];
        for (bytes, text) in cases {
            assert_eq!(decode_string(&Reader::new(bytes).any().unwrap()).as_deref(), Some(text));
        }
        assert_eq!(decode_string(&Reader::new(&[0x02, 0x01, 0x00]).any().unwrap()), None);
    }
}
