//! Data that vendors are known to put where no signature covers it, so that one signed installer can be personalised.
//!
//! Sources: google/omaha `common/certificate_tag/certificate_tag.go` and `omaha/base/apply_tag.cc` (layouts of the tag,
//! identifier of the extension); Microsoft, "Caveats for Authenticode Code Signing" (2014) and vcsjones.com,
//! "Authenticode Stuffing Tricks" (2016) (who uses which place).

use crate::asn1::oids;
use crate::x509::Certificate;

/// Octets of a tag's text that are kept.
const MAX_TEXT: usize = 256;

/// How tags begin, and whose they are: two octets of length, big-endian, and the text follow.
const MARKS: [(&[u8], &str); 2] = [(b"Gact2.0Omaha", "Omaha"), (b"Gact", "Omaha, old form")];

/// How the text of a tag without such a head begins, within its first octets, and whose it is. The links from which
/// personalised installers come (`dl-web.dropbox.com/installer?...&tag=DBPREAUTH::chrome::...`) quote it.
const WORDS: [(&[u8], &str); 1] = [(b"DBPREAUTH::", "Dropbox")];

/// Octets before such a word, or before a mark within an attribute's value.
const HEAD: usize = 64;

/// Octets of the longest text that is taken for a tag's: those of real ones have some hundred.
const LONGEST: usize = 2048;

/// A vendor's tag: a mark and a text that is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    /// Whose it is and what it says, at most 256 octets of it.
    pub(super) text: String,
    /// Nothing but zeros follows it: somebody could put the mark before a payload.
    pub(super) alone: bool,
}

impl Tag {
    /// The tag of this text if it is one, `end` octets behind the start of something of which `length` octets are not
    /// the zeros at its end.
    fn new(name: &str, text: &[u8], end: usize, length: u64) -> Option<Tag> {
        let shown = std::str::from_utf8(text.get(..MAX_TEXT).unwrap_or(text)).ok()?;
        let told = text.len() <= LONGEST && text.iter().all(is_printable);
        told.then(|| Tag { text: format!("{name}: {shown}"), alone: length <= end as u64 })
    }
}

fn is_printable(octet: &u8) -> bool {
    (0x20..0x7f).contains(octet)
}

/// The tag with which something begins, of which these are the first octets, 4 KiB if it has them, and which has `length` of
/// them up to the last one that is not zero.
pub(super) fn vendor_tag(octets: &[u8], length: u64) -> Option<Tag> {
    let marked = MARKS.iter().find_map(|(mark, name)| {
        let (stated, rest) = octets.strip_prefix(*mark)?.split_first_chunk::<2>()?;
        let text = rest.get(..usize::from(u16::from_be_bytes(*stated)))?;
        let end = mark.len().saturating_add(stated.len()).saturating_add(text.len());
        Tag::new(name, text, end, length)
    });
    marked.or_else(|| {
        WORDS.iter().find_map(|(word, name)| {
            let start = place(octets, word)?;
            let rest = octets.get(start..)?;
            let text = rest.split(|octet| !is_printable(octet)).next()?;
            Tag::new(name, text, start.saturating_add(text.len()), length)
        })
    })
}

/// How many octets there are up to the last one that is not zero.
fn filled(octets: &[u8]) -> u64 {
    octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| (last as u64).saturating_add(1))
}

/// Octets of a certificate that has an extension for a tag and nothing else of size.
const TAGGED: usize = 2048;

/// The tag in a certificate that is there for nothing else: alone only if the certificate has no room elsewhere.
pub(super) fn certificate_tag(certificate: &Certificate<'_>) -> Option<Tag> {
    let extension = certificate.extensions.iter().find(|extension| extension.oid == oids::OMAHA_TAG)?;
    let (octets, length) = (extension.value, filled(extension.value));
    // An installer that was not personalised yet has room for a tag, and zeros in it.
    let empty = || (length == 0).then(|| Tag { text: "Omaha, empty: ".to_owned(), alone: true });
    let tag = vendor_tag(octets, length).or_else(empty)?;
    let spare = certificate.raw.len().saturating_sub(octets.len()) > TAGGED;
    Some(Tag { alone: tag.alone && !spare, ..tag })
}

/// The tag in the value of an unsigned attribute: the octets of a string, or the value itself.
pub(super) fn attribute_tag(value: &[u8]) -> Option<Tag> {
    let start = MARKS.iter().find_map(|(mark, _)| place(value, mark)).unwrap_or(0);
    let octets = value.get(start..)?;
    vendor_tag(octets, filled(octets))
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
        let told = |octets: &[u8]| vendor_tag(octets, filled(octets)).map(|tag| (tag.text, tag.alone));
        let tag = [b"Gact2.0Omaha\0\x07appguid".as_slice(), &[0; 9]].concat();
        assert_eq!(told(&tag), Some(("Omaha: appguid".to_owned(), true)));
        // A payload behind the tag is no part of it, in these octets or behind them.
        assert_eq!(told(b"Gact\0\x02ab~~"), Some(("Omaha, old form: ab".to_owned(), false)));
        assert_eq!(vendor_tag(&tag, 4097).map(|tag| tag.alone), Some(false));
        // A length that leads behind the end, a text that is too long, and one that is none.
        assert_eq!(told(b"Gact\xff\xffab"), None);
        let long = |length: usize| {
            let stated = u16::try_from(length).unwrap().to_be_bytes();
            told(&[b"Gact".as_slice(), &stated, &vec![b'a'; length]].concat()).map(|tag| (tag.0.len(), tag.1))
        };
        assert_eq!(long(LONGEST), Some(("Omaha, old form: ".len() + MAX_TEXT, true)));
        assert_eq!(long(LONGEST + 1), None);
        assert_eq!(told(b"Gact\0\x02a\x90"), None);
        let dropbox = Some(("Dropbox: DBPREAUTH::msie::abc".to_owned(), true));
        assert_eq!(told(b"..DBPREAUTH::msie::abc\0\0"), dropbox);
        assert_eq!(told(b"DBPREAUTH::msie::abc\0\x90").map(|tag| tag.1), Some(false));
        assert_eq!(told(&[b"DBPREAUTH::".as_slice(), &[b'a'; LONGEST]].concat()), None);
        assert_eq!(told(&[&[0; HEAD][..], b"DBPREAUTH::msie::abc"].concat()), None);
        assert_eq!(attribute_tag(b"\x04\x0bGact\0\x02ab").unwrap().text, "Omaha, old form: ab");
        for none in [b"".as_slice(), b"Gact", b"Gact\0", b"gact\0\x02ab", b"DBPREAUTH:"] {
            assert_eq!(told(none), None);
            assert_eq!(attribute_tag(none), None);
        }
    }
}
