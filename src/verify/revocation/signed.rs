//! Whether a list or a response is signed at all by whom it should be, before it is asked about any certificate.

use crate::crypto::{AlgorithmId, verify_signature};
use crate::x509::Certificate;
use crate::x509::crl::CertificateList;
use crate::x509::ocsp::OcspResponse;

/// Whether the key in this SubjectPublicKeyInfo signed a CRL (DER). Lists of delegates are not recognised.
#[must_use]
pub fn crl_is_signed(der: &[u8], issuer: &[u8]) -> bool {
    CertificateList::parse(der).is_ok_and(|list| holds(issuer, &list.signature_algorithm, list.tbs, list.signature))
}

/// Whether the key in this SubjectPublicKeyInfo signed an OCSP response (DER), or a certificate in it whose key did. Whether that
/// one may answer (RFC 6960 section 4.2.2.2) is not asked.
#[must_use]
pub fn response_is_signed(der: &[u8], issuer: &[u8]) -> bool {
    let Some(basic) = OcspResponse::parse(der).ok().and_then(|response| response.basic) else { return false };
    let by = |spki: &[u8]| holds(spki, &basic.signature_algorithm, basic.tbs, basic.signature);
    let mut responders = basic.certificates.iter().filter_map(|raw| Certificate::parse(raw).ok());
    by(issuer) || responders.any(|one| holds(issuer, &one.signature_algorithm, one.tbs, one.signature) && by(one.spki))
}

fn holds(spki: &[u8], algorithm: &AlgorithmId<'_>, tbs: &[u8], signature: &[u8]) -> bool {
    verify_signature(spki, algorithm, None, tbs, signature).is_good()
}
