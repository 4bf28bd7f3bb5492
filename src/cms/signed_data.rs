//! SignedData: content, certificates and signers of one PKCS#7 blob.

use super::SignerInfo;
use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, oids, tag};
use crate::crypto::AlgorithmId;

/// Certificates beyond this many in one bag are not looked at. The largest honest bags hold about ten; the
/// cap bounds the work that one signature can cause.
pub const MAX_CERTIFICATES: usize = 4096;

/// CRLs, and OCSP responses, beyond this many in one bag are not looked at; honest bags hold one for each CA.
pub const MAX_CRLS: usize = 64;

/// SignerInfos beyond this many are not delimited: Authenticode allows exactly one.
const MAX_SIGNERS: usize = 16;

/// A view of a ContentInfo that holds a SignedData.
///
/// ```text
/// ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT ANY }
/// SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, certificates [0] IMPLICIT OPTIONAL,
///   crls [1] IMPLICIT OPTIONAL, signerInfos SET }
/// ```
/// Source: RFC 5652 section 5.1. Versions are reported, never required.
#[derive(Debug, Clone)]
pub struct SignedData<'a> {
    /// The ContentInfo element: the PKCS#7 without what may follow it.
    pub raw: &'a [u8],
    /// Version as encoded.
    pub version: u32,
    /// Type of the encapsulated content.
    pub content_type: Oid<'a>,
    /// The content element inside `[0]`: a SEQUENCE in Authenticode (PKCS#7 1.5), an OCTET STRING in CMS.
    pub content: Option<Element<'a>>,
    /// Certificates of the bag, undecoded, in file order, attribute certificates and other kinds left out.
    pub certificates: Vec<Element<'a>>,
    /// Elements of the bag that are no X.509 certificates (v1 attribute certificates of Microsoft's TSA...).
    pub other_certificates: usize,
    /// How many octets they have.
    pub other_octets: usize,
    /// Whether the bag held more than [`MAX_CERTIFICATES`].
    pub certificates_truncated: bool,
    /// Why the rest of the certificate bag could not be delimited.
    pub certificates_error: Option<Error>,
    /// Why a decoder of the whole structure refuses it although what was signed can be read: an element where the type has
    /// none (behind the content, the SignedData or its signers), or a set that cannot be delimited. The signers are asked
    /// themselves.
    pub unsound: Option<Error>,
    /// CRLs of the bag, undecoded, in file order.
    pub crls: Vec<Element<'a>>,
    /// OCSP responses of the bag, undecoded, in file order; other kinds of revocation information are left out.
    pub ocsp_responses: Vec<Element<'a>>,
    /// The signers.
    pub signers: Vec<SignerInfo<'a>>,
    /// How many elements the set of signers holds (capped count).
    pub signer_count: usize,
    /// Whether any structure above the attributes is BER and not DER.
    pub ber: bool,
}

impl<'a> SignedData<'a> {
    /// Reads the ContentInfo at the start of `bytes`; what follows it is left to the caller.
    ///
    /// # Errors
    /// When the blob is no SignedData or its skeleton cannot be delimited. A broken certificate bag is noted
    /// in `certificates_error` and hides nothing else.
    pub fn parse(bytes: &'a [u8], offset: usize) -> Result<SignedData<'a>, Error> {
        let outer = Reader::at(bytes, offset).expect(tag::SEQUENCE)?;
        let mut fields = outer.children();
        let kind = fields.expect(tag::OID)?;
        if kind.content != oids::SIGNED_DATA {
            return Err(kind.error(ErrorKind::BadValue));
        }
        let explicit = fields.expect(tag::context_constructed(0))?;
        let mut unsound = fields.end().err();
        let mut wrapped = explicit.children();
        let body = wrapped.expect(tag::SEQUENCE)?;
        unsound = unsound.or(wrapped.end().err());
        let mut fields = body.children();
        let version = fields.expect(tag::INTEGER)?.small_unsigned()?;
        unsound = unsound.or(all_algorithms(fields.expect(tag::SET)?).err());
        let encapsulated = fields.expect(tag::SEQUENCE)?;
        let mut parts = encapsulated.children();
        let content_type = parts.expect(tag::OID)?.content;
        let content = match parts.optional(tag::context_constructed(0))? {
            Some(wrapper) => {
                let mut wrapped = wrapper.children();
                let content = wrapped.next()?;
                unsound = unsound.or(wrapped.end().err());
                content
            }
            None => None,
        };
        unsound = unsound.or(parts.end().err());
        let mut data = SignedData {
            raw: outer.raw,
            version,
            content_type,
            content,
            certificates: Vec::new(),
            other_certificates: 0,
            other_octets: 0,
            certificates_truncated: false,
            certificates_error: None,
            unsound,
            crls: Vec::new(),
            ocsp_responses: Vec::new(),
            signers: Vec::new(),
            signer_count: 0,
            ber: outer.ber || explicit.ber || body.ber || encapsulated.ber,
        };
        if let Some(bag) = fields.optional(tag::context_constructed(0))? {
            data.ber |= bag.ber;
            data.read_bag(bag);
        }
        if let Some(bag) = fields.optional(tag::context_constructed(1))? {
            data.read_crls(bag);
        }
        let signers = fields.expect(tag::SET)?;
        data.ber |= signers.ber;
        data.read_signers(signers)?;
        data.unsound = data.unsound.or(fields.end().err());
        Ok(data)
    }

    fn read_bag(&mut self, bag: Element<'a>) {
        let mut items = bag.children();
        loop {
            match items.next() {
                Ok(None) => return,
                Ok(Some(item)) if item.tag == tag::SEQUENCE => {
                    if self.certificates.len() >= MAX_CERTIFICATES {
                        self.certificates_truncated = true;
                        return;
                    }
                    self.certificates.push(item);
                }
                Ok(Some(other)) => {
                    self.other_certificates = self.other_certificates.saturating_add(1);
                    self.other_octets = self.other_octets.saturating_add(other.raw.len());
                }
                Err(error) => {
                    self.certificates_error = Some(error);
                    self.unsound = self.unsound.or(self.certificates_error);
                    return;
                }
            }
        }
    }

    /// `RevocationInfoChoice ::= CHOICE { crl CertificateList, other [1] IMPLICIT SEQUENCE { otherRevInfoFormat OBJECT
    /// IDENTIFIER, otherRevInfo ANY } }`, a set of which (RFC 5652 section 10.2.1) may hold OCSP responses (RFC 5940). A
    /// broken set hides nothing else.
    fn read_crls(&mut self, bag: Element<'a>) {
        const OTHER: u8 = tag::context_constructed(1);
        let mut items = bag.children();
        loop {
            let item = match items.next() {
                Ok(Some(item)) => item,
                Ok(None) => return,
                Err(error) => {
                    self.unsound = self.unsound.or(Some(error));
                    return;
                }
            };
            match item.tag {
                tag::SEQUENCE if self.crls.len() < MAX_CRLS => self.crls.push(item),
                OTHER if self.ocsp_responses.len() < MAX_CRLS => {
                    let mut parts = item.children();
                    let kind = parts.expect(tag::OID).is_ok_and(|kind| kind.content == oids::OCSP_REVOCATION_INFO);
                    self.ocsp_responses.extend(parts.next().ok().flatten().filter(|_| kind));
                }
                _ => {}
            }
        }
    }

    fn read_signers(&mut self, set: Element<'a>) -> Result<(), Error> {
        let mut items = set.children();
        while let Some(item) = items.next()? {
            self.signer_count = self.signer_count.saturating_add(1);
            if self.signer_count > MAX_SIGNERS {
                return Ok(());
            }
            self.signers.push(SignerInfo::parse(item)?);
        }
        Ok(())
    }
}

/// That a set holds AlgorithmIdentifiers and nothing else. Which ones is nobody's concern: the SignerInfo says what was used.
fn all_algorithms(set: Element<'_>) -> Result<(), Error> {
    let mut items = set.children();
    while let Some(item) = items.next()? {
        AlgorithmId::parse(item)?;
    }
    Ok(())
}
