//! Whether a list or a response is the answer to the question that was asked, before the judge sees it.

use super::ocsp::is_responder;
use crate::asn1::oids;
use crate::crypto::{AlgorithmId, verify_signature};
use crate::x509::crl::{CertificateList, distribution_points};
use crate::x509::ocsp::{BasicResponse, Match, Matcher, OcspResponse};
use crate::x509::{Certificate, same_name};

/// Whether a CRL (DER) is of the issuer of a certificate (DER), or of a cRLIssuer that one of its distribution points names. The
/// judge passes all others by without a word, because any number of them may be at hand.
#[must_use]
pub fn crl_is_of_issuer(der: &[u8], certificate: &[u8]) -> bool {
    let (Ok(list), Ok(certificate)) = (CertificateList::parse(der), Certificate::parse(certificate)) else {
        return false;
    };
    let points = distribution_points(&certificate);
    let mut names = points.iter().flat_map(|point| &point.crl_issuers).chain([&certificate.issuer]);
    names.any(|name| same_name(name, list.issuer))
}

/// Whether the key in this SubjectPublicKeyInfo signed a complete CRL (DER) whose scope fits the certificate (DER). Lists of
/// delegates are not recognised.
#[must_use]
pub fn crl_speaks_for(der: &[u8], certificate: &[u8], issuer: &[u8]) -> bool {
    let (Ok(list), Ok(certificate)) = (CertificateList::parse(der), Certificate::parse(certificate)) else {
        return false;
    };
    let scope = list.scope();
    let points = distribution_points(&certificate);
    let understood = scope.unknown_critical.is_none() && scope.delta.is_none();
    understood
        && scope.covers(list.issuer, &certificate, &points).is_ok()
        && holds(issuer, &list.signature_algorithm, list.tbs, list.signature)
}

/// Whether an OCSP response (DER) answers for the certificate of this serial number that was issued under this name with this
/// key: its CertID corresponds to the one in the request (RFC 6960 section 3.2). One whose name alone is another passes too: it
/// may be another spelling, which the judge knows.
#[must_use]
pub fn response_answers(der: &[u8], issuer_name: &[u8], issuer_key: &[u8], serial: &[u8]) -> bool {
    let Some(basic) = basic(der) else { return false };
    let names = [issuer_name];
    let mut matcher = Matcher::new(&names, issuer_key, serial);
    basic.answers.iter().any(|answer| matcher.compare(&answer.id) != Match::Nothing)
}

/// Whether an OCSP response (DER) is signed by the key that issued under this name, or by a responder whom that one certified
/// for it (RFC 6960 section 4.2.2.2). Whether the responder's certificate is revoked is not asked.
#[must_use]
pub fn response_is_signed(der: &[u8], issuer_name: &[u8], issuer_key: &[u8]) -> bool {
    let Some(basic) = basic(der) else { return false };
    let by = |spki: &[u8]| holds(spki, &basic.signature_algorithm, basic.tbs, basic.signature);
    if is_responder(basic.responder, issuer_name, issuer_key) {
        return by(issuer_key);
    }
    let mut responders = basic.certificates.iter().filter_map(|raw| Certificate::parse(raw).ok());
    responders.any(|one| {
        is_responder(basic.responder, one.subject, one.spki)
            && same_name(one.issuer, issuer_name)
            && one.extended_key_usage().is_some_and(|usages| usages.contains(&oids::EKU_OCSP_SIGNING))
            && basic.produced_at.is_some_and(|moment| one.valid_at(moment))
            && holds(issuer_key, &one.signature_algorithm, one.tbs, one.signature)
            && by(one.spki)
    })
}

fn basic(der: &[u8]) -> Option<BasicResponse<'_>> {
    OcspResponse::parse(der).ok().and_then(|response| response.basic)
}

fn holds(spki: &[u8], algorithm: &AlgorithmId<'_>, tbs: &[u8], signature: &[u8]) -> bool {
    verify_signature(spki, algorithm, None, tbs, signature).is_good()
}
