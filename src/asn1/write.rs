//! Writing the little that has to be written: requests, and names to compare with.

/// One DER element (X.690 section 10.1) around the parts of its content.
#[must_use]
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
    let mut out = Vec::with_capacity(length.saturating_add(6));
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let needless = octets.iter().take_while(|octet| **octet == 0).count();
            let significant = octets.get(needless..).unwrap_or_default();
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
            out.extend_from_slice(significant);
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_size_are_written_as_der() {
        for (length, head) in
            [(0, &[4, 0][..]), (127, &[4, 127]), (128, &[4, 0x81, 128]), (70_000, &[4, 0x83, 1, 0x11, 0x70])]
        {
            let bytes = element(4, &[&vec![0; length]]);
            assert_eq!((bytes.len(), bytes.starts_with(head)), (length + head.len(), true));
        }
    }
}
