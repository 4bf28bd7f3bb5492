//! Data that vendors are known to put where no signature covers it, so that one signed installer can be personalised.
//!
//! Sources: google/omaha `common/certificate_tag/certificate_tag.go` and `omaha/base/apply_tag.cc` (layouts of the tag,
//! identifier of the extension); Microsoft, "Caveats for Authenticode Code Signing" (2014) and vcsjones.com,
//! "Authenticode Stuffing Tricks" (2016) (who uses which place).

use crate::asn1::oids;
use crate::x509::Extension;

/// Octets of a tag's text that are kept.
const MAX_TEXT: usize = 256;

/// How tags begin, and whose they are: two octets of length, big-endian, and the text follow.
const MARKS: [(&[u8], &str); 2] = [(b"Gact2.0Omaha", "Omaha"), (b"Gact", "Omaha, old form")];

/// How the text of a tag without such a head begins, within its first octets, and whose it is. The links from which
/// personalised installers come (`dl-web.dropbox.com/installer?...&tag=DBPREAUTH::chrome::...`) quote it.
const WORDS: [(&[u8], &str); 1] = [(b"DBPREAUTH::", "Dropbox")];

/// Octets before such a word, or before a mark within an attribute's value.
const HEAD: usize = 64;

/// A vendor's tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// Whose it is and what it says, at most 256 octets of it; octets that are no text are replaced.
    pub(super) text: String,
    /// Nothing but zeros follows it: somebody could put the mark before a payload.
    pub(super) alone: bool,
}

impl Tag {
    fn new(name: &str, text: &[u8], rest: &[u8]) -> Tag {
        let shown = String::from_utf8_lossy(text.get(..MAX_TEXT).unwrap_or(text));
        Tag { text: format!("{name}: {shown}"), alone: rest.iter().all(|octet| *octet == 0) }
    }
}

/// The tag with which these octets begin.
pub(super) fn vendor_tag(octets: &[u8]) -> Option<Tag> {
    let marked = MARKS.iter().find_map(|(mark, name)| {
        let (length, rest) = octets.strip_prefix(*mark)?.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (text, rest) = rest.split_at(length);
        Some(Tag::new(name, text, rest))
    });
    marked.or_else(|| {
        WORDS.iter().find_map(|(word, name)| {
            let rest = octets.get(place(octets, word)?..)?;
            let end = rest.iter().position(|octet| !(0x20..0x7f).contains(octet)).unwrap_or(rest.len());
            let (text, rest) = rest.split_at(end);
            Some(Tag::new(name, text, rest))
        })
    })
}

/// The tag in an extension of a certificate that is there for nothing else.
pub(super) fn certificate_tag(extension: &Extension<'_>) -> Option<Tag> {
    if extension.oid != oids::OMAHA_TAG {
        return None;
    }
    // An installer that was not personalised yet has room for a tag, and zeros in it.
    Some(vendor_tag(extension.value).unwrap_or_else(|| Tag::new("Omaha, empty", &[], extension.value)))
}

/// The tag in the first value of an unsigned attribute: the octets of a string, or the value itself.
pub(super) fn attribute_tag(value: &[u8]) -> Option<Tag> {
    let start = MARKS.iter().find_map(|(mark, _)| place(value, mark)).unwrap_or(0);
    vendor_tag(value.get(start..)?)
}

/// Where a mark lies in the head.
fn place(octets: &[u8], mark: &[u8]) -> Option<usize> {
    octets.get(..octets.len().min(HEAD))?.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_by_their_beginnings() {
        let told = |octets: &[u8]| vendor_tag(octets).map(|tag| (tag.text, tag.alone));
        let tag = [b"Gact2.0Omaha\0\x07appguid".as_slice(), &[0; 9]].concat();
        assert_eq!(told(&tag), Some(("Omaha: appguid".to_owned(), true)));
        // A payload behind the tag is no part of it.
        assert_eq!(told(b"Gact\0\x02ab~~"), Some(("Omaha, old form: ab".to_owned(), false)));
        // A length that leads behind the end, and a text that is bounded.
        assert_eq!(told(b"Gact\xff\xffab"), Some(("Omaha, old form: ab".to_owned(), true)));
        let long = [b"Gact\xff\xff".as_slice(), &[b'a'; 5000]].concat();
        assert_eq!(told(&long).unwrap().0.len(), "Omaha, old form: ".len() + MAX_TEXT);
        let dropbox = Some(("Dropbox: DBPREAUTH::msie::abc".to_owned(), true));
        assert_eq!(told(b"..DBPREAUTH::msie::abc\0\0"), dropbox);
        assert_eq!(told(&[&[0; HEAD][..], b"DBPREAUTH::msie::abc"].concat()), None);
        assert_eq!(attribute_tag(b"\x04\x0bGact\0\x02ab").unwrap().text, "Omaha, old form: ab");
        for none in [b"".as_slice(), b"Gact", b"Gact\0", b"gact\0\x02ab", b"DBPREAUTH:"] {
            assert_eq!(vendor_tag(none), None);
            assert_eq!(attribute_tag(none), None);
        }
    }
}
