//! Octets as hexadecimal digits.

/// Two lower-case digits for each octet.
pub(crate) fn lower(octets: &[u8]) -> String {
    digits(octets, |digit| digit)
}

/// Two upper-case digits for each octet.
pub(crate) fn upper(octets: &[u8]) -> String {
    digits(octets, |digit| digit.to_ascii_uppercase())
}

fn digits(octets: &[u8], case: impl Fn(char) -> char) -> String {
    // Records are full of digests: a formatter for each octet costs as much as reading a certificate.
    let mut text = String::with_capacity(octets.len().saturating_mul(2));
    for octet in octets {
        for nibble in [octet >> 4, octet & 15] {
            text.push(case(char::from_digit(u32::from(nibble), 16).unwrap_or('0')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_has_two_digits() {
        for octet in 0..=u8::MAX {
            assert_eq!(lower(&[octet]), format!("{octet:02x}"));
            assert_eq!(upper(&[octet, 0]), format!("{octet:02X}00"));
        }
        assert_eq!(lower(&[]), "");
    }
}
