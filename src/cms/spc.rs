//! The structures that Authenticode puts into CMS.
//!
//! Source: Microsoft "Windows Authenticode Portable Executable Signature Format" (2008), sections
//! "Authenticode-Specific Structures in the PKCS#7 SignedData".

use std::borrow::Cow;

use crate::asn1::{Element, Error, ErrorKind, MAX_STRING_DEPTH, Oid, Reader, bmp_to_string, oids, tag};
use crate::crypto::{AlgorithmId, DigestAlgorithm};

/// SpcIndirectDataContent: what was signed, by digest.
///
/// ```text
/// SpcIndirectDataContent ::= SEQUENCE { data SpcAttributeTypeAndOptionalValue, messageDigest DigestInfo }
/// ```
#[derive(Debug, Clone)]
pub struct SpcIndirectData<'a> {
    /// Type of the signed subject (SpcPeImageData for PE files).
    pub data_type: Oid<'a>,
    /// Value that belongs to the type.
    pub data_value: Option<Element<'a>>,
    /// Digest algorithm of the file.
    pub digest_algorithm: AlgorithmId<'a>,
    /// Digest of the file.
    pub digest: &'a [u8],
    /// What the messageDigest attribute covers: the content octets of the SEQUENCE, or of the OCTET STRING around it.
    pub content: &'a [u8],
}

/// Types of the subject that signatures of PE files state: Microsoft's, and what pesign writes by mistake.
const PE_SUBJECTS: [&[u8]; 2] = [oids::SPC_PE_IMAGE_DATA, oids::SPC_INDIVIDUAL_CODE_SIGNING];

impl<'a> SpcIndirectData<'a> {
    /// Whether this is the digest of a PE file. Another kind of file may well be digested in another way and have the same
    /// digest: the octets of a program may be, in UTF-16, the text of a script that somebody was made to sign.
    #[must_use]
    pub fn is_of_pe(&self) -> bool {
        PE_SUBJECTS.contains(&self.data_type)
    }

    /// Reads the content of a SignedData.
    ///
    /// # Errors
    /// When the structure cannot be delimited.
    pub fn parse(element: Element<'a>) -> Result<SpcIndirectData<'a>, Error> {
        let (sequence, content) = unwrap(element)?;
        let mut fields = sequence.children();
        let mut data = fields.expect(tag::SEQUENCE)?.children();
        let data_type = data.expect(tag::OID)?.content;
        let data_value = data.next()?;
        let mut info = fields.expect(tag::SEQUENCE)?.children();
        let digest_algorithm = AlgorithmId::parse(info.expect(tag::SEQUENCE)?)?;
        let digest = info.expect(tag::OCTET_STRING)?.content;
        Ok(SpcIndirectData { data_type, data_value, digest_algorithm, digest, content })
    }

    /// The page hash list of SpcPeImageData, if there is one: algorithm and entries.
    ///
    /// ```text
    /// SpcPeImageData ::= SEQUENCE { flags BIT STRING, file [0] EXPLICIT SpcLink }
    /// SpcLink ::= CHOICE { url [0], moniker [1] SpcSerializedObject, file [2] SpcString }
    /// SpcSerializedObject ::= SEQUENCE { classId OCTET STRING, serializedData OCTET STRING }
    /// serializedData holds SET OF SEQUENCE { OBJECT IDENTIFIER, SET OF OCTET STRING }
    /// ```
    #[must_use]
    pub fn page_hashes(&self) -> Option<PageHashList<'a>> {
        if self.data_type != oids::SPC_PE_IMAGE_DATA {
            return None;
        }
        let mut fields = self.data_value?.children();
        fields.optional(tag::BIT_STRING).ok()?;
        let link = fields.optional(tag::context_constructed(0)).ok()??.children().any().ok()?;
        let moniker = link.expect(tag::context_constructed(1)).ok()?;
        let mut object = moniker.children();
        object.expect(tag::OCTET_STRING).ok()?;
        let data = object.expect(tag::OCTET_STRING).ok()?.content;
        let mut attributes = Reader::new(data).expect(tag::SET).ok()?.children();
        while let Ok(Some(attribute)) = attributes.next() {
            let mut parts = attribute.children();
            let algorithm = match parts.expect(tag::OID).ok()?.content {
                oids::SPC_PAGE_HASHES_V1 => DigestAlgorithm::Sha1,
                oids::SPC_PAGE_HASHES_V2 => DigestAlgorithm::Sha256,
                _ => continue,
            };
            let bytes = parts.expect(tag::SET).ok()?.children().expect(tag::OCTET_STRING).ok()?.content;
            return Some(PageHashList { algorithm, bytes });
        }
        None
    }
}

/// The SEQUENCE and the octets that are digested. PKCS#7 has the SEQUENCE bare (RFC 2315 section 9.1), CMS inside
/// an OCTET STRING, all of whose octets are digested (RFC 5652 sections 5.2 and 5.4).
pub(super) fn unwrap<'a>(mut element: Element<'a>) -> Result<(Element<'a>, &'a [u8]), Error> {
    for _ in 0..MAX_STRING_DEPTH {
        if element.tag != tag::OCTET_STRING_CONSTRUCTED {
            break;
        }
        // In a single piece only: several would have to be joined, and no signer is known to split 100 octets.
        let mut pieces = element.children();
        let piece = pieces.any()?;
        if !pieces.is_empty() {
            return Err(element.error(ErrorKind::BadValue));
        }
        element = piece;
    }
    match element.tag {
        tag::OCTET_STRING => Ok((element.children().expect(tag::SEQUENCE)?, element.content)),
        _ => Ok((element.expect(tag::SEQUENCE)?, element.content)),
    }
}

/// Page hashes as they stand: entries of a little-endian file offset (4 octets) and a digest, the last one
/// being the end of the hashed image with a digest of zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHashList<'a> {
    /// SHA-1 (version 1) or SHA-256 (version 2).
    pub algorithm: DigestAlgorithm,
    /// The entries.
    pub bytes: &'a [u8],
}

impl<'a> PageHashList<'a> {
    /// Offset and digest of one entry.
    #[must_use]
    pub fn entry(self, index: usize) -> Option<(u32, &'a [u8])> {
        let size = self.algorithm.output_len().saturating_add(4);
        let start = index.checked_mul(size)?;
        let entry = self.bytes.get(start..start.checked_add(size)?)?;
        let (offset, digest) = entry.split_first_chunk::<4>()?;
        Some((u32::from_le_bytes(*offset), digest))
    }

    /// How many whole entries there are, the terminating one included.
    #[must_use]
    pub fn len(self) -> usize {
        self.bytes.len().checked_div(self.algorithm.output_len().saturating_add(4)).unwrap_or(0)
    }

    /// Whether there is no whole entry.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether the list is a whole number of entries.
    #[must_use]
    pub fn is_whole(self) -> bool {
        let size = self.algorithm.output_len().saturating_add(4);
        self.bytes.len().checked_rem(size) == Some(0)
    }
}

/// SpcSpOpusInfo: the name and link that the signer attached.
///
/// ```text
/// SpcSpOpusInfo ::= SEQUENCE { programName [0] EXPLICIT SpcString OPTIONAL, moreInfo [1] EXPLICIT SpcLink OPTIONAL }
/// SpcString ::= CHOICE { unicode [0] IMPLICIT BMPString, ascii [1] IMPLICIT IA5String }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpcOpusInfo {
    /// Program name.
    pub program_name: Option<String>,
    /// Link to more information.
    pub more_info: Option<String>,
}

impl SpcOpusInfo {
    /// Reads the attribute value leniently; what cannot be read stays `None`.
    #[must_use]
    pub fn parse(value: &Element<'_>) -> SpcOpusInfo {
        let mut info = SpcOpusInfo::default();
        let mut fields = value.children();
        while let Ok(Some(field)) = fields.next() {
            let inner = field.children().next().ok().flatten();
            match (field.tag, inner) {
                (0xa0, Some(text)) => info.program_name = spc_string(&text),
                (0xa1, Some(link)) => info.more_info = spc_link(&link),
                _ => {}
            }
        }
        info
    }
}

fn spc_string(element: &Element<'_>) -> Option<String> {
    match element.tag {
        // Some signers write the universal tags instead of the implicit ones.
        0x80 | tag::BMP_STRING => Some(bmp_to_string(element.content)),
        0x81 | tag::IA5_STRING | tag::UTF8_STRING => Some(String::from_utf8_lossy(element.content).into_owned()),
        _ => None,
    }
}

fn spc_link(element: &Element<'_>) -> Option<String> {
    match element.tag {
        0x80 => Some(String::from_utf8_lossy(element.content).into_owned()),
        0xa2 => spc_string(&element.children().next().ok()??),
        _ => None,
    }
}

/// Identifiers of SpcStatementType: individual or commercial code signing.
///
/// # Errors
/// When the value is no SEQUENCE OF OBJECT IDENTIFIER.
pub fn statement_types<'a>(value: &Element<'a>) -> Result<Vec<Oid<'a>>, Error> {
    let mut items = value.expect(tag::SEQUENCE)?.children();
    let mut list = Vec::new();
    while let Some(item) = items.next()? {
        if list.len() >= 16 {
            return Err(item.error(ErrorKind::BadValue));
        }
        list.push(item.expect(tag::OID)?.content);
    }
    Ok(list)
}

/// The octets that the messageDigest attribute of a SignedData covers: for an OCTET STRING its octets, for
/// anything else (PKCS#7 1.5) the content octets as they stand, tag and length left out.
///
/// # Errors
/// When a constructed OCTET STRING cannot be joined.
pub fn digested_content<'a>(content: &Element<'a>) -> Result<Cow<'a, [u8]>, Error> {
    match content.tag {
        tag::OCTET_STRING | tag::OCTET_STRING_CONSTRUCTED => content.octets(),
        _ => Ok(Cow::Borrowed(content.content)),
    }
}
