//! OBJECT IDENTIFIER values, compared as the content octets that stand in the file.

/// The content octets of an OBJECT IDENTIFIER (X.690 section 8.19). Equality of octets is equality of
/// identifiers for every minimal encoding; a non-minimal one matches nothing, as in Windows.
pub type Oid<'a> = &'a [u8];

/// Dotted decimal form. Octets that are not a well-formed identifier come out as `hex:` and their hex digits,
/// as do arcs beyond 64 bits.
#[must_use]
pub fn oid_to_string(oid: Oid<'_>) -> String {
    dotted(oid).unwrap_or_else(|| {
        let mut text = String::from("hex:");
        for byte in oid.iter().take(64) {
            text.push_str(&format!("{byte:02x}"));
        }
        text
    })
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

#[cfg(test)]
mod tests {
    use super::oid_to_string;

    #[test]
    fn dotted_forms() {
        assert_eq!(oid_to_string(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]), "1.2.840.113549.1.7.2");
        assert_eq!(oid_to_string(&[0x55, 0x1d, 0x25, 0x00]), "2.5.29.37.0");
        assert_eq!(oid_to_string(&[0x88, 0x37, 0x03]), "2.999.3");
        assert_eq!(oid_to_string(&[0x2a, 0x86]), "hex:2a86");
        assert_eq!(oid_to_string(&[]), "hex:");
    }
}
