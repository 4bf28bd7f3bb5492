//! Which of some certificates vouch for another one.

use super::Work;
use crate::crypto::verify_signature;
use crate::x509::{Certificate, same_name};

/// Those of `candidates` (DER) that issued `subject` (DER), or one that did, by name and by signature, in the order in
/// which that is found. A certificate that merely bears the issuer's name is not among them: it could turn a chain that
/// lacks its issuer into one whose signatures are wrong.
#[must_use]
pub fn issuers_among(subject: &[u8], candidates: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let work = Work::default();
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut left: Vec<&Vec<u8>> = candidates.iter().collect();
    let mut below = vec![subject.to_vec()];
    while let Some(lower) = below.pop() {
        let Ok(lower) = Certificate::parse(&lower) else { continue };
        left.retain(|candidate| {
            let issued = issued(&lower, candidate, &work);
            if issued {
                found.push((*candidate).clone());
                below.push((*candidate).clone());
            }
            !issued
        });
    }
    found
}

fn issued(lower: &Certificate<'_>, candidate: &[u8], work: &Work) -> bool {
    let Ok(issuer) = Certificate::parse(candidate) else { return false };
    same_name(lower.issuer, issuer.subject)
        && work.verify(issuer.spki, &lower.signature_algorithm, lower.tbs)
        && verify_signature(issuer.spki, &lower.signature_algorithm, None, lower.tbs, lower.signature).is_good()
}
