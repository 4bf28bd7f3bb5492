//! Octets of a signature that nothing signs and that its format has no use for.

use crate::asn1::{Element, oids};
use crate::cms::timestamp::token;
use crate::cms::{Attribute, AttributeSet, SignedData, SignerInfo};
use crate::x509::Certificate;
use crate::x509::crl::CertificateList;
use crate::x509::ocsp::OcspResponse;

/// Octets of the longest signature value: RSA with 16,384 bits.
const SIGNATURE: usize = 2048;
/// Octets of the largest certificate that is taken for one, and nothing else: with many names, seven kilobytes.
const CERTIFICATE: usize = 16 * 1024;
/// The same of what a bag of certificates holds beside them: one attribute certificate in Microsoft's timestamps.
const OTHER: usize = 4096;
/// Headers, versions and algorithm identifiers of a SignedData or a SignerInfo, and those of a certificate or list.
const FRAME: usize = 96;
const ENVELOPE: usize = 32;
/// Structures inside one another that are looked into: timestamps and nested signatures. What lies in more is unexplained.
const MAX_PARTS: usize = 64;

/// A structure that is looked into.
enum Part<'a> {
    Data(SignedData<'a>),
    Signer(SignerInfo<'a>),
}

/// How many octets of a table entry's SignedData are neither signed content, signed attributes, certificates, lists, names,
/// signature values, nor unsigned attributes of its own of a kind that no signing tool writes, which are found by themselves.
/// Of a real file some hundred octets remain.
pub(super) fn unexplained(data: &SignedData<'_>, signer: &SignerInfo<'_>) -> usize {
    let mut parts = Vec::new();
    let unknown = signer.unsigned_attributes.iter().flat_map(|set| &set.attributes).filter(|one| is_unknown(one));
    let unknown = unknown.map(|attribute| attribute.raw.len()).fold(0, usize::saturating_add);
    let mut explained = of_data(data).saturating_add(of_signer(signer, &mut parts)).saturating_add(unknown);
    let mut at = 0usize;
    // A work list and no recursion: nesting is the attacker's to choose.
    while at < parts.len().min(MAX_PARTS) {
        let mut inner = Vec::new();
        explained = explained.saturating_add(match parts.get(at) {
            Some(Part::Signer(signer)) => of_signer(signer, &mut inner),
            Some(Part::Data(data)) => {
                let signers = data.signers.iter().map(|signer| of_signer(signer, &mut inner));
                signers.fold(of_data(data), usize::saturating_add)
            }
            None => 0,
        });
        parts.extend(inner);
        at = at.saturating_add(1);
    }
    data.raw.len().saturating_sub(explained)
}

fn of_data(data: &SignedData<'_>) -> usize {
    let content = data.content.map_or(0, |content| content.raw.len());
    let certificates = data.certificates.iter().filter_map(|element| Certificate::parse(element.raw).ok());
    let certificates = certificates.map(|one| signed(one.tbs.len().min(CERTIFICATE), one.signature));
    let crls = data.crls.iter().filter_map(|element| CertificateList::parse(element.raw).ok());
    let crls = crls.map(|list| signed(list.tbs.len(), list.signature));
    let responses = data.ocsp_responses.iter().filter(|element| OcspResponse::parse(element.raw).is_ok());
    let responses = responses.map(|element| element.raw.len());
    let other = data.other_octets.min(OTHER);
    [FRAME, content, other].into_iter().chain(certificates).chain(crls).chain(responses).fold(0, usize::saturating_add)
}

fn of_signer<'a>(signer: &SignerInfo<'a>, parts: &mut Vec<Part<'a>>) -> usize {
    let name = match signer.sid {
        crate::cms::SignerId::IssuerAndSerial { issuer, serial } => issuer.len().saturating_add(serial.len()),
        crate::cms::SignerId::KeyIdentifier(identifier) => identifier.len(),
    };
    let attributes = signer.signed_attributes.iter().flat_map(|set| &set.attributes);
    let attributes = attributes.map(|attribute| attribute.raw.len()).fold(name, usize::saturating_add);
    let attributes = attributes.saturating_add(FRAME);
    if let Some(set) = &signer.unsigned_attributes {
        look_into(set, parts);
    }
    signed(attributes, &signer.signature)
}

/// What is signed, with its signature.
fn signed(octets: usize, signature: &[u8]) -> usize {
    octets.saturating_add(signature.len().min(SIGNATURE)).saturating_add(ENVELOPE)
}

fn is_unknown(attribute: &Attribute<'_>) -> bool {
    !super::content::KNOWN_ATTRIBUTES.contains(&attribute.oid)
}

fn look_into<'a>(set: &AttributeSet<'a>, parts: &mut Vec<Part<'a>>) {
    for attribute in set.attributes.iter().filter(|attribute| !is_unknown(attribute)) {
        let mut values = attribute.values();
        while let Ok(Some(value)) = values.next() {
            if parts.len() < MAX_PARTS {
                parts.extend(inside(attribute.oid, &value));
            }
        }
    }
}

/// The structure in a value of a known attribute.
fn inside<'a>(kind: &[u8], value: &Element<'a>) -> Option<Part<'a>> {
    let of_signer = || SignerInfo::parse(*value).ok().map(Part::Signer);
    match kind {
        oids::NESTED_SIGNATURE => SignedData::parse(value.raw, value.offset).ok().map(Part::Data),
        oids::COUNTER_SIGNATURE => of_signer(),
        _ => token(value).ok().map(|(data, _)| Part::Data(data)).or_else(of_signer),
    }
}
