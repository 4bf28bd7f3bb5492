//! Delegated signers of CRLs.
//!
//! Source: RFC 5280 section 6.3.3 (f): the signer's certificate has the name of the CRL's issuer, may sign CRLs, and leads to
//! the same trust anchor as the certificate in question.

use super::crl::{OUT_OF_WORK, Signed};
use super::{Inquiry, Issuer, Level, ListSigner, RevocationFacts, SignerPath, issuer, root_of};
use crate::trust::CrlState;
use crate::verify::paths::{Budget, search};
use crate::verify::pool::CertificateSource;
use crate::x509::crl::CertificateList;
use crate::x509::same_name;

/// Certificates of one name that are tried as the signer of one list.
const MAX_SIGNERS: usize = 8;

/// Paths of one signer that are kept.
const MAX_SIGNER_PATHS: usize = 4;

impl<'a> Inquiry<'_, 'a> {
    /// The delegate that signed a list; else why there is none, if that is worth more than what is known already.
    pub(super) fn delegate(
        &mut self,
        list: &CertificateList<'_>,
        state: &CrlState,
        known: &Issuer<'_>,
        level: Level,
    ) -> Result<Signed, Option<String>> {
        if let Some(root) = self.root.filter(|root| same_name(root.subject, list.issuer) && root.spki != known.spki) {
            if !self.lists.work.spend(root.spki) {
                return Err(Some(OUT_OF_WORK.to_owned()));
            }
            if state.verify(list, root.spki).is_good() {
                return Ok((root.spki.to_vec(), None));
            }
        }
        let mut why = None;
        let authority = list.authority_key_identifier();
        let pool = self.pool;
        let namesakes = pool.named(list.issuer).iter();
        let namesakes = namesakes.filter_map(|index| Some((*index, pool.certificate(*index)?)));
        let others = namesakes.filter(|(index, certificate)| {
            let fits = match (authority, certificate.subject_key_identifier()) {
                (Some(authority), Some(subject)) => authority == subject,
                _ => true,
            };
            let allowed = match level {
                // Its own key has been tried, unless this path's certificate for it may not sign lists.
                Level::Path => certificate.spki != known.spki || known.crl_sign_denied,
                // Not where it bears its issuer's name: it would clear itself of what that one's own key says.
                Level::Signer(own) => *index == own && !certificate.is_self_issued(),
                Level::Responder => false,
            };
            fits && allowed
        });
        let mut others: Vec<_> = others.collect();
        // A file can bring along any number of them: the user's own come first, and those that are left out are not nothing.
        others.sort_by_key(|(index, _)| pool.source(*index) != Some(CertificateSource::Intermediates));
        for (index, certificate) in others.iter().copied().take(MAX_SIGNERS) {
            if !self.lists.work.spend(certificate.spki) {
                return Err(Some(OUT_OF_WORK.to_owned()));
            }
            if !state.verify(list, certificate.spki).is_good() {
                continue;
            }
            if self.lists.trust.disallowed().find(certificate).is_some() {
                why = Some("its signer's certificate is on the disallowed list".to_owned());
                continue;
            }
            // RFC 5280 section 4.2.1.3 demands the extension of whoever signs CRLs.
            if !certificate.key_usage().is_some_and(|usage| usage.crl_sign) {
                why = Some("its signer's certificate may not sign revocation lists".to_owned());
                continue;
            }
            if matches!(level, Level::Signer(_)) {
                return Ok((certificate.spki.to_vec(), None));
            }
            let signer = self.signer(index);
            if signer.paths.is_empty() {
                why = Some("its signer's certificate does not lead to the same root".to_owned());
                continue;
            }
            return Ok((certificate.spki.to_vec(), Some(Box::new(signer))));
        }
        if others.len() > MAX_SIGNERS {
            self.lists.work.give_up();
            return Err(Some(OUT_OF_WORK.to_owned()));
        }
        Err(why)
    }

    /// A certificate as the signer of lists: its paths to the root in question.
    fn signer(&mut self, index: usize) -> ListSigner {
        let Some(root) = self.root else { return ListSigner::default() };
        let key = (index, root.thumbprint_sha256);
        if let Some(known) = self.signers.get(&key) {
            return known.clone();
        }
        let budget = Budget { signatures: 32, candidates: 8, paths: 8, length: 8 };
        let found = search(self.pool, index, self.lists, budget);
        let same =
            |candidate: &crate::trust::Root<'_>| candidate.spki == root.spki && candidate.subject == root.subject;
        let mut signer = ListSigner::default();
        for path in found.list.iter().filter(|path| path.unverified.is_empty()).take(MAX_SIGNER_PATHS) {
            let disallowed = self.lists.trust.disallowed();
            let mut certificates = path.certificates.iter().filter_map(|index| self.pool.certificate(*index));
            let distrusted = certificates.any(|certificate| disallowed.find(certificate).is_some());
            if distrusted || !root_of(path).is_some_and(|end| same(&end)) {
                continue;
            }
            let mut kept = SignerPath { certificates: Vec::new(), revocation: Vec::new() };
            for (position, index) in path.certificates.iter().enumerate() {
                if super::is_root(path, position) {
                    break;
                }
                let certificate = self.pool.certificate(*index).cloned();
                let facts = match (certificate, issuer(path, self.pool, position)) {
                    (Some(certificate), Some(above)) => {
                        self.of_certificate(&certificate, &above, Level::Signer(*index))
                    }
                    _ => RevocationFacts::default(),
                };
                kept.certificates.push(*index);
                kept.revocation.push(facts);
            }
            signer.paths.push(kept);
        }
        if found.exhausted && signer.paths.is_empty() {
            self.lists.work.give_up();
        }
        self.signers.insert(key, signer.clone());
        signer
    }
}
