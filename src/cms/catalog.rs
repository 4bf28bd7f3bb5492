//! Security catalogs: a signed list of the digests of many files.
//!
//! A catalog is a SignedData whose content is a certificate trust list (see [`Ctl`]) with the subject usage
//! 1.3.6.1.4.1.311.12.1.1. Its subjectAlgorithm says what a member's identifier is:
//!
//! * 1.3.6.1.4.1.311.12.1.2 (version 1): a tag in UTF-16, for most tools the digest in hexadecimal with a NUL;
//! * 1.3.6.1.4.1.311.12.1.3 (version 2): the octets of the digest, SHA-1 or SHA-256 by their number.
//!
//! In both a member may carry SpcIndirectDataContent as an attribute, with the digest and its algorithm; where it
//! does, that is the digest of the member. Source: Microsoft `mscat.h`, `wintrust.h`; real catalogs.

use super::spc::{SpcIndirectData, unwrap};
use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, oids, tag};
use crate::crypto::DigestAlgorithm;
use crate::x509::ctl::Ctl;

/// The list of a catalog, its members kept as spans.
#[derive(Debug, Clone)]
pub struct CatalogList<'a> {
    /// What the messageDigest attribute covers.
    pub content: &'a [u8],
    /// What identifiers of members are.
    pub subject_algorithm: Oid<'a>,
    members: Option<Reader<'a>>,
}

/// The digest by which a catalog lists a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberDigest {
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl MemberDigest {
    /// A digest of one of the two algorithms that catalogs use.
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm, octets: &[u8]) -> Option<MemberDigest> {
        match algorithm {
            DigestAlgorithm::Sha1 => Some(MemberDigest::Sha1(octets.try_into().ok()?)),
            DigestAlgorithm::Sha256 => Some(MemberDigest::Sha256(octets.try_into().ok()?)),
            _ => None,
        }
    }

    /// A digest whose algorithm follows from its length.
    fn by_length(octets: &[u8]) -> Option<MemberDigest> {
        match octets.len() {
            20 => MemberDigest::new(DigestAlgorithm::Sha1, octets),
            32 => MemberDigest::new(DigestAlgorithm::Sha256, octets),
            _ => None,
        }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        match self {
            MemberDigest::Sha1(_) => DigestAlgorithm::Sha1,
            MemberDigest::Sha256(_) => DigestAlgorithm::Sha256,
        }
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            MemberDigest::Sha1(octets) => octets,
            MemberDigest::Sha256(octets) => octets,
        }
    }
}

impl<'a> CatalogList<'a> {
    /// Reads the content of a SignedData of type 1.3.6.1.4.1.311.10.1; members are delimited by [`Self::members`].
    ///
    /// # Errors
    /// When the list's head cannot be delimited or it is a list for another use.
    pub fn parse(element: Element<'a>) -> Result<CatalogList<'a>, Error> {
        let (sequence, content) = unwrap(element)?;
        let (head, members) = Ctl::head(sequence)?;
        if !head.subject_usage.contains(&oids::CATALOG_LIST) {
            return Err(sequence.error(ErrorKind::BadValue));
        }
        Ok(CatalogList { content, subject_algorithm: head.subject_algorithm.oid, members })
    }

    /// The digest of each member, in file order; `None` for a member without one that can be read. The walk ends at
    /// the first member that cannot be delimited, which is an error.
    pub fn members(&self) -> impl Iterator<Item = Result<Option<MemberDigest>, Error>> + use<'a> {
        let mut rest = self.members;
        let algorithm = self.subject_algorithm;
        std::iter::from_fn(move || {
            let next = rest.as_mut()?.next();
            let member = match next {
                Ok(None) => return None,
                Ok(Some(element)) => member(element, algorithm),
                Err(error) => Err(error),
            };
            if member.is_err() {
                rest = None;
            }
            Some(member)
        })
    }
}

fn member(element: Element<'_>, algorithm: Oid<'_>) -> Result<Option<MemberDigest>, Error> {
    let mut fields = element.expect(tag::SEQUENCE)?.children();
    let identifier = fields.expect(tag::OCTET_STRING)?.content;
    if let Some(set) = fields.optional(tag::SET)? {
        let mut attributes = set.children();
        while let Some(attribute) = attributes.next()? {
            let mut parts = attribute.expect(tag::SEQUENCE)?.children();
            if parts.expect(tag::OID)?.content != oids::SPC_INDIRECT_DATA {
                continue;
            }
            let value = parts.expect(tag::SET)?.children().next()?;
            if let Some(indirect) = value.and_then(|value| SpcIndirectData::parse(value).ok()) {
                let known = DigestAlgorithm::from_oid(indirect.digest_algorithm.oid);
                return Ok(known.and_then(|known| MemberDigest::new(known, indirect.digest)));
            }
        }
    }
    Ok(match algorithm {
        oids::CATALOG_MEMBER_V2 => MemberDigest::by_length(identifier),
        _ => from_tag(identifier),
    })
}

/// The digest in a tag of version 1: hexadecimal in UTF-16, little-endian, with or without a NUL.
fn from_tag(tag: &[u8]) -> Option<MemberDigest> {
    let mut digits = [0u8; 64];
    let mut count = 0usize;
    for unit in tag.chunks_exact(2) {
        let digit = match unit {
            [0, 0] => break,
            [low, 0] => char::from(*low).to_digit(16)?,
            _ => return None,
        };
        *digits.get_mut(count)? = u8::try_from(digit).ok()?;
        count = count.saturating_add(1);
    }
    let digits = digits.get(..count)?;
    let octets: Vec<u8> = digits.chunks_exact(2).filter_map(|pair| Some((pair.first()? << 4) | pair.get(1)?)).collect();
    if count & 1 == 0 { MemberDigest::by_length(&octets) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_digests_in_hexadecimal_or_nothing() {
        let tag = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(from_tag(&tag(&"aB".repeat(20))), Some(MemberDigest::Sha1([0xab; 20])));
        assert_eq!(from_tag(&tag(&("01".repeat(32) + "\0"))), Some(MemberDigest::Sha256([1; 32])));
        for text in ["", "driver.sys", "ab", &"a".repeat(39), &"a".repeat(66)] {
            assert_eq!(from_tag(&tag(text)), None, "{text}");
        }
    }
}
