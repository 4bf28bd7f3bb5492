//! Writing ASN.1: DER by default, and the BER spellings that real signatures contain (X.690).

/// One encoded element, or several in a row.
pub type Der = Vec<u8>;

/// Any tag with a minimal definite length.
pub fn tlv(tag: u8, body: &[u8]) -> Der {
    let mut out = vec![tag];
    match body.len() {
        n @ 0..=0x7f => out.push(n as u8),
        n @ 0x80..=0xff => out.extend([0x81, n as u8]),
        n @ 0x100..=0xffff => out.extend([0x82, (n >> 8) as u8, n as u8]),
        n => out.extend([0x83, (n >> 16) as u8, (n >> 8) as u8, n as u8]),
    }
    out.extend(body);
    out
}

/// The same element with a length of four octets, which BER allows and DER forbids (X.690 §10.1).
pub fn tlv_long_length(tag: u8, body: &[u8]) -> Der {
    let mut out = vec![tag, 0x84];
    out.extend((body.len() as u32).to_be_bytes());
    out.extend(body);
    out
}

/// A constructed element of indefinite length, closed by end-of-contents octets (X.690 §8.1.3.6).
pub fn tlv_indefinite(tag: u8, body: &[u8]) -> Der {
    [&[tag, 0x80], body, &[0, 0]].concat()
}

pub fn seq(parts: &[Der]) -> Der {
    tlv(0x30, &parts.concat())
}

/// A SET whose elements stay as given; DER would sort them.
pub fn set(parts: &[Der]) -> Der {
    tlv(0x31, &parts.concat())
}

/// A SET OF in DER order (X.690 §11.6).
pub fn set_sorted(parts: &[Der]) -> Der {
    let mut parts = parts.to_vec();
    parts.sort();
    set(&parts)
}

/// An object identifier from dotted text.
pub fn oid(dotted: &str) -> Der {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut body = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let groups = (1..10).find(|n| arc >> (7 * n) == 0).unwrap();
        for group in (0..groups).rev() {
            let more = if group == 0 { 0 } else { 0x80 };
            body.push(((arc >> (7 * group)) & 0x7f) as u8 | more);
        }
    }
    tlv(0x06, &body)
}

/// An INTEGER with exactly these content octets, minimal or not, negative or not.
pub fn int_raw(body: &[u8]) -> Der {
    tlv(0x02, body)
}

/// A non-negative INTEGER from big-endian octets.
pub fn uint(bytes: &[u8]) -> Der {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = &bytes[first..];
    if digits.first().is_none_or(|byte| byte & 0x80 != 0) {
        return int_raw(&[&[0], digits].concat());
    }
    int_raw(digits)
}

pub fn small(value: u32) -> Der {
    uint(&value.to_be_bytes())
}

pub fn boolean(value: bool) -> Der {
    tlv(0x01, &[if value { 0xff } else { 0 }])
}

pub fn null() -> Der {
    tlv(0x05, &[])
}

pub fn octets(body: &[u8]) -> Der {
    tlv(0x04, body)
}

/// An OCTET STRING in pieces (X.690 §8.7.3), as streaming encoders write it.
pub fn octets_in_pieces(body: &[u8], piece: usize) -> Der {
    let pieces: Vec<Der> = body.chunks(piece).map(octets).collect();
    tlv_indefinite(0x24, &pieces.concat())
}

/// A BIT STRING of whole octets.
pub fn bits(body: &[u8]) -> Der {
    tlv(0x03, &[&[0], body].concat())
}

/// A named BIT STRING such as KeyUsage: bit 0 is the highest of the first octet, trailing zeros are cut.
pub fn named_bits(set_bits: &[u8]) -> Der {
    let highest = set_bits.iter().copied().max().unwrap_or(0) as usize;
    let mut body = vec![0u8; highest / 8 + 1];
    for bit in set_bits {
        body[*bit as usize / 8] |= 0x80 >> (bit % 8);
    }
    tlv(0x03, &[&[(7 - highest % 8) as u8], body.as_slice()].concat())
}

pub fn printable(text: &str) -> Der {
    tlv(0x13, text.as_bytes())
}

pub fn utf8(text: &str) -> Der {
    tlv(0x0c, text.as_bytes())
}

pub fn teletex(text: &str) -> Der {
    tlv(0x14, text.as_bytes())
}

pub fn bmp(text: &str) -> Der {
    tlv(0x1e, &utf16_be(text))
}

/// UTF-16 in network order: the content of a BMPString.
pub fn utf16_be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// `YYYYMMDDhhmmssZ` as UTCTime up to 2049 and as GeneralizedTime from then on (RFC 5280 §4.1.2.5).
pub fn time(moment: &str) -> Der {
    if moment < "2050" { utc_time(moment) } else { generalized_time(moment) }
}

pub fn utc_time(moment: &str) -> Der {
    tlv(0x17, &moment.as_bytes()[2..])
}

pub fn generalized_time(moment: &str) -> Der {
    tlv(0x18, moment.as_bytes())
}

/// Context tag, constructed: EXPLICIT, or IMPLICIT over something constructed.
pub fn ctx(number: u8, body: &[u8]) -> Der {
    tlv(0xa0 | number, body)
}

/// Context tag, primitive: IMPLICIT over something primitive.
pub fn ctx_prim(number: u8, body: &[u8]) -> Der {
    tlv(0x80 | number, body)
}

/// AlgorithmIdentifier with NULL parameters.
pub fn alg_null(dotted: &str) -> Der {
    seq(&[oid(dotted), null()])
}

/// AlgorithmIdentifier without parameters.
pub fn alg(dotted: &str) -> Der {
    seq(&[oid(dotted)])
}

/// Attribute ::= SEQUENCE { type, SET OF value }.
pub fn attribute(dotted: &str, values: &[Der]) -> Der {
    seq(&[oid(dotted), set(values)])
}

/// The content of the element that starts at the front of `input`, and what follows it. Definite lengths only: the
/// lab reads back nothing but its own key files and certificates.
pub fn split(input: &[u8]) -> (&[u8], &[u8]) {
    let (header, length) = match input[1] {
        short @ 0..=0x7f => (2, short as usize),
        long => {
            let count = (long & 0x7f) as usize;
            (2 + count, input[2..2 + count].iter().fold(0, |sum, byte| sum << 8 | *byte as usize))
        }
    };
    input[header..].split_at(length)
}

/// The elements inside a constructed element's content, each with its own tag and length.
pub fn elements(mut content: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !content.is_empty() {
        let rest = split(content).1;
        found.push(&content[..content.len() - rest.len()]);
        content = rest;
    }
    found
}

/// The same element with something more at the end of the constructed one that `path` leads to: the index of the child at
/// each level, counted from the last where it is negative.
pub fn extended(element: &[u8], path: &[isize], more: &[u8]) -> Der {
    let content = split(element).0;
    let Some((&step, below)) = path.split_first() else { return tlv(element[0], &[content, more].concat()) };
    let mut children: Vec<Der> = elements(content).into_iter().map(<[u8]>::to_vec).collect();
    let child = children.len().wrapping_add_signed(step) % children.len().max(1);
    children[child] = extended(&children[child], below, more);
    tlv(element[0], &children.concat())
}

/// A certificate in PEM (RFC 7468).
pub fn pem(der: &[u8]) -> Vec<u8> {
    pem_block("CERTIFICATE", der)
}

/// The same for another kind of content.
pub fn pem_block(label: &str, der: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for group in der.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        let letters = (0..4).map(|at| ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]);
        text.extend(letters.take(group.len() + 1));
        text.extend(std::iter::repeat_n(b'=', 3 - group.len()));
    }
    let lines = text.chunks(64).flat_map(|line| [line, b"\n"].concat());
    let (head, tail) = (format!("-----BEGIN {label}-----\n"), format!("-----END {label}-----\n"));
    head.into_bytes().into_iter().chain(lines).chain(tail.into_bytes()).collect()
}
