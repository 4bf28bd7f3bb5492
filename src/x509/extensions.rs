//! The extensions that path validation reads, decoded by `x509-cert` from their carved values, and leniently
//! where that typed decoder refuses what Windows accepts.

use x509_cert::der::Decode;
use x509_cert::ext::pkix;

use super::Certificate;
use crate::asn1::{ErrorKind, Oid, Reader, oids, tag};

/// Basic constraints. Source: RFC 5280 section 4.2.1.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many non-self-issued intermediates may follow; `None` is no limit.
    pub path_len: Option<u32>,
}

/// Key usage bits that matter for code signing. Source: RFC 5280 section 4.2.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage {
    /// May sign data.
    pub digital_signature: bool,
    /// May sign data for which somebody is to answer (nonRepudiation, contentCommitment).
    pub non_repudiation: bool,
    /// May sign certificates.
    pub key_cert_sign: bool,
    /// May sign CRLs.
    pub crl_sign: bool,
}

impl<'a> Certificate<'a> {
    /// Basic constraints; `None` when absent, `Some(Err)` when present and unreadable.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<Result<BasicConstraints, ()>> {
        let value = self.extension(oids::BASIC_CONSTRAINTS)?.value;
        if let Ok(typed) = pkix::BasicConstraints::from_der(value) {
            return Some(Ok(BasicConstraints { ca: typed.ca, path_len: typed.path_len_constraint.map(u32::from) }));
        }
        Some(lenient_basic_constraints(value).map_err(|_| ()))
    }

    /// Key usage; `None` when the extension is absent. An unreadable extension allows nothing.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        let value = self.extension(oids::KEY_USAGE)?.value;
        if let Ok(typed) = pkix::KeyUsage::from_der(value) {
            return Some(KeyUsage {
                digital_signature: typed.digital_signature(),
                non_repudiation: typed.non_repudiation(),
                key_cert_sign: typed.key_cert_sign(),
                crl_sign: typed.crl_sign(),
            });
        }
        // Trailing zero bits and padded encodings are common and mean the same.
        let bits = Reader::new(value).expect(tag::BIT_STRING).ok().and_then(|string| string.content.get(1).copied());
        let bits = bits.unwrap_or(0);
        Some(KeyUsage {
            digital_signature: bits & 0x80 != 0,
            non_repudiation: bits & 0x40 != 0,
            key_cert_sign: bits & 0x04 != 0,
            crl_sign: bits & 0x02 != 0,
        })
    }

    /// Extended key usage identifiers; `None` when the extension is absent. An unreadable extension is an
    /// empty list, which allows nothing.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<Vec<Oid<'a>>> {
        self.extension(oids::EXTENDED_KEY_USAGE).map(|extension| oid_list(extension.value).unwrap_or_default())
    }

    /// Microsoft application policies (1.3.6.1.4.1.311.21.10), which restrict usage like an EKU does.
    #[must_use]
    pub fn application_policies(&self) -> Option<Vec<Oid<'a>>> {
        self.extension(oids::MS_APPLICATION_POLICIES).map(|extension| policy_list(extension.value).unwrap_or_default())
    }

    /// The certificate policies (RFC 5280 section 4.2.1.4) that the certificate states; `None` when the extension is
    /// absent. An unreadable extension states none.
    #[must_use]
    pub fn certificate_policies(&self) -> Option<Vec<Oid<'a>>> {
        self.extension(oids::CERTIFICATE_POLICIES).map(|extension| policy_list(extension.value).unwrap_or_default())
    }

    /// Subject key identifier octets.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&'a [u8]> {
        let value = self.extension(oids::SUBJECT_KEY_IDENTIFIER)?.value;
        Some(Reader::new(value).expect(tag::OCTET_STRING).ok()?.content)
    }

    /// keyIdentifier of the authority key identifier. Source: RFC 5280 section 4.2.1.1.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&'a [u8]> {
        let value = self.extension(oids::AUTHORITY_KEY_IDENTIFIER)?.value;
        let mut fields = Reader::new(value).expect(tag::SEQUENCE).ok()?.children();
        Some(fields.optional(tag::context(0)).ok()??.content)
    }

    /// Critical extensions that neither Windows nor sigscan processes.
    #[must_use]
    pub fn unknown_critical_extensions(&self) -> Vec<Oid<'a>> {
        const KNOWN: &[&[u8]] = &[
            oids::SUBJECT_KEY_IDENTIFIER,
            oids::KEY_USAGE,
            oids::SUBJECT_ALT_NAME,
            oids::ISSUER_ALT_NAME,
            oids::BASIC_CONSTRAINTS,
            oids::NAME_CONSTRAINTS,
            oids::CRL_DISTRIBUTION_POINTS,
            oids::CERTIFICATE_POLICIES,
            oids::POLICY_MAPPINGS,
            oids::AUTHORITY_KEY_IDENTIFIER,
            oids::POLICY_CONSTRAINTS,
            oids::EXTENDED_KEY_USAGE,
            oids::FRESHEST_CRL,
            oids::INHIBIT_ANY_POLICY,
            oids::AUTHORITY_INFO_ACCESS,
            oids::SUBJECT_INFO_ACCESS,
            oids::NETSCAPE_CERT_TYPE,
            oids::MS_CERT_TEMPLATE_NAME,
            oids::MS_CA_VERSION,
            oids::MS_CERT_TEMPLATE,
            oids::MS_APPLICATION_POLICIES,
        ];
        self.extensions.iter().filter(|e| e.critical && !KNOWN.contains(&e.oid)).map(|e| e.oid).collect()
    }
}

fn lenient_basic_constraints(value: &[u8]) -> Result<BasicConstraints, crate::asn1::Error> {
    let mut fields = Reader::new(value).expect(tag::SEQUENCE)?.children();
    let ca = fields.optional(tag::BOOLEAN)?.is_some_and(|flag| flag.content.iter().any(|byte| *byte != 0));
    let path_len = match fields.optional(tag::INTEGER)? {
        Some(number) => Some(number.small_unsigned()?),
        None => None,
    };
    Ok(BasicConstraints { ca, path_len })
}

/// More usages than this in one extension are unreadable; each is looked at for every path.
const MAX_USAGES: usize = 1_024;

fn oid_list(value: &[u8]) -> Result<Vec<Oid<'_>>, crate::asn1::Error> {
    let mut items = Reader::new(value).expect(tag::SEQUENCE)?.children();
    let mut list = Vec::new();
    while let Some(item) = items.next()? {
        if list.len() >= MAX_USAGES {
            return Err(item.error(ErrorKind::BadValue));
        }
        list.push(item.expect(tag::OID)?.content);
    }
    Ok(list)
}

/// SEQUENCE OF PolicyInformation, of which only the identifiers are used.
fn policy_list(value: &[u8]) -> Result<Vec<Oid<'_>>, crate::asn1::Error> {
    let mut items = Reader::new(value).expect(tag::SEQUENCE)?.children();
    let mut list = Vec::new();
    while let Some(item) = items.next()? {
        if list.len() >= MAX_USAGES {
            return Err(item.error(ErrorKind::BadValue));
        }
        list.push(item.expect(tag::SEQUENCE)?.children().expect(tag::OID)?.content);
    }
    Ok(list)
}
