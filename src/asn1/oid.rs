//! OBJECT IDENTIFIER values, compared as the content octets that stand in the file.

/// The content octets of an OBJECT IDENTIFIER (X.690 section 8.19). Equality of octets is equality of
/// identifiers for every minimal encoding; a non-minimal one matches nothing, as in Windows.
pub type Oid<'a> = &'a [u8];

/// Whether the octets are an identifier at all: at least one arc, none of them cut off or padded in front (X.690 section
/// 8.19.2).
#[must_use]
pub fn is_well_formed_oid(oid: Oid<'_>) -> bool {
    let mut begins = true;
    for octet in oid {
        if begins && *octet == 0x80 {
            return false;
        }
        begins = octet & 0x80 == 0;
    }
    begins && !oid.is_empty()
}

/// Dotted decimal form. Octets that are not a well-formed identifier come out as `hex:` and their hex digits,
/// as do arcs beyond 64 bits.
#[must_use]
pub fn oid_to_string(oid: Oid<'_>) -> String {
    dotted(oid).unwrap_or_else(|| format!("hex:{}", crate::hex::lower(oid.get(..64).unwrap_or(oid))))
}

fn dotted(oid: Oid<'_>) -> Option<String> {
    let mut text = String::new();
    let mut arc: u64 = 0;
    let mut first = true;
    let (last, _) = oid.split_last()?;
    if last & 0x80 != 0 || oid.len() > 64 {
        return None;
    }
    for byte in oid {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if first {
            // X.690 section 8.19.4: the first subidentifier is 40 * arc1 + arc2, arc1 at most 2.
            let arc1 = (arc / 40).min(2);
            text = format!("{arc1}.{}", arc.checked_sub(arc1.checked_mul(40)?)?);
            first = false;
        } else {
            text.push_str(&format!(".{arc}"));
        }
        arc = 0;
    }
    Some(text)
}

/// Content octets of an identifier in dotted decimal form; `None` when the text is none. Source: X.690 section 8.19.
#[must_use]
pub fn oid_from_text(text: &str) -> Option<Vec<u8>> {
    let number =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u64>().ok()).flatten();
    let mut parts = text.split('.').map(number);
    let (first, second) = (parts.next()??, parts.next()??);
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut octets = Vec::new();
    let start = first.checked_mul(40)?.checked_add(second)?;
    for arc in std::iter::once(Some(start)).chain(parts) {
        let arc = arc?;
        let groups = u64::BITS.saturating_sub(arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let low = u8::try_from((arc >> group.saturating_mul(7)) & 0x7f).ok()?;
            octets.push(if group > 0 { low | 0x80 } else { low });
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::{is_well_formed_oid, oid_from_text, oid_to_string};

    #[test]
    fn arcs_are_neither_cut_off_nor_padded() {
        for good in [&[0x2a][..], &[0x00], &[0x2a, 0x86, 0x48], &[0x81, 0x80, 0x00], &[0x2a, 0x82, 0x80, 0x01]] {
            assert!(is_well_formed_oid(good), "{good:02x?}");
        }
        for bad in [&[][..], &[0x80], &[0x81], &[0x80, 0x01], &[0x2a, 0x80, 0x01], &[0x2a, 0x86], &[0x2a, 0x86, 0x80]] {
            assert!(!is_well_formed_oid(bad), "{bad:02x?}");
        }
    }

    #[test]
    fn texts_become_octets() {
        for text in ["1.2.840.113549.1.7.2", "2.5.29.37.0", "2.999.3", "0.0", "1.39", "2.48.18446744073709551615"] {
            assert_eq!(oid_to_string(&oid_from_text(text).unwrap()), text);
        }
        for text in ["", "1", "3.1", "1.40", "1.2.", "1..2", "1.2.x", "1.2.+3", "1.2.18446744073709551616"] {
            assert_eq!(oid_from_text(text), None, "{text}");
        }
    }

    #[test]
    fn dotted_forms() {
        assert_eq!(oid_to_string(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]), "1.2.840.113549.1.7.2");
        assert_eq!(oid_to_string(&[0x55, 0x1d, 0x25, 0x00]), "2.5.29.37.0");
        assert_eq!(oid_to_string(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(oid_to_string(&[0x2a, 0x86]), "hex:2a86");
        assert_eq!(oid_to_string(&[]), "hex:");
    }
}
