//! OCSP responses: which answer for a certificate, and whether whoever signed them may.

use std::cmp::Reverse;

use super::crl::OUT_OF_WORK;
use super::{
    Inquiry, Issuer, Level, ListFact, ListKind, ListPlace, ListSource, MAX_CANDIDATES, RevocationFacts, proves_nothing,
    weak_hash,
};
use crate::asn1::{Reader, Time, decode_time, oid_to_string, oids};
use crate::crypto::{DigestAlgorithm, Verification, digest, is_short_rsa};
use crate::trust::SignedState;
use crate::x509::crl::{Reasons, RevokedEntry};
use crate::x509::ocsp::{BasicResponse, CertStatus, Match, Matcher, ResponderId, SingleResponse, key_octets};
use crate::x509::{Certificate, Extension, same_name};

/// A response that answers for the certificate, with the answer that counts.
struct Candidate<'c, 'l> {
    place: ListPlace,
    response: BasicResponse<'l>,
    state: &'c SignedState,
    answer: Result<SingleResponse<'l>, &'static str>,
}

impl<'a> Inquiry<'_, 'a> {
    pub(super) fn ask_responses(
        &mut self,
        certificate: &Certificate<'_>,
        issuer: &Issuer<'_>,
        facts: &mut RevocationFacts,
    ) {
        let names = [certificate.issuer, issuer.name];
        let mut matcher = Matcher::new(&names, issuer.spki, certificate.serial);
        let loaded = self.lists.revocation.about(issuer.spki, certificate.serial);
        let loaded =
            loaded.into_iter().filter_map(|one| Some((ListPlace::File(one.source.clone()), one.view()?, &one.state)));
        let files = candidates(loaded, &mut matcher);
        let mut believed = 0usize;
        let in_bags = self.bags;
        let in_bags = in_bags.iter().flat_map(|bag| &bag.responses);
        let bags = candidates(in_bags.map(|(one, state)| (ListPlace::Bag, one.clone(), state)), &mut matcher);
        for candidate in files.iter().chain(bags.iter().take(MAX_CANDIDATES)) {
            if candidate.place != ListPlace::Bag && believed >= MAX_CANDIDATES {
                continue;
            }
            let source = ListSource { kind: ListKind::Ocsp, place: candidate.place.clone() };
            match self.examine_response(candidate, issuer, &source) {
                Ok(fact) => {
                    believed = believed.saturating_add(1);
                    facts.lists.push(fact);
                }
                Err(why) => facts.cannot_use(source, why),
            }
        }
    }

    fn examine_response(
        &mut self,
        candidate: &Candidate<'_, '_>,
        issuer: &Issuer<'_>,
        source: &ListSource,
    ) -> Result<ListFact, String> {
        let Candidate { response, state, answer, .. } = candidate;
        let answer = answer.as_ref().map_err(|why| (*why).to_owned())?;
        if let Some(unknown) = unknown_critical(&response.extensions).or_else(|| unknown_critical(&answer.extensions)) {
            return Err(format!("its critical extension {} is not supported", oid_to_string(unknown.oid)));
        }
        let signer_ends = self.authorised(response, state, issuer)?;
        let weak = weak_hash(&response.signature_algorithm);
        let (entry, partial) = match answer.status {
            CertStatus::Good => (None, weak.map(proves_nothing)),
            CertStatus::Unknown => (None, Some("the responder does not know the certificate".to_owned())),
            CertStatus::Revoked { date, reason } => {
                let invalidity_date = invalidity_date(&answer.extensions);
                (Some(RevokedEntry { date, reason, invalidity_date, unknown_critical: false }), None)
            }
        };
        Ok(ListFact {
            source: source.clone(),
            this_update: answer.this_update,
            next_update: answer.next_update,
            partial,
            reasons: Reasons::ALL,
            entry,
            signer: None,
            signer_ends,
        })
    }

    /// Whether the issuer signed a response, or somebody whom it authorised, and until when that one was. Source: RFC 6960
    /// sections 4.2.2.2 and 3.2.
    fn authorised(
        &mut self,
        response: &BasicResponse<'_>,
        state: &SignedState,
        issuer: &Issuer<'_>,
    ) -> Result<Option<Time>, String> {
        let work = self.lists.work;
        let holds = |spki: &[u8]| {
            if !work.spend(spki) {
                return Err(OUT_OF_WORK.to_owned());
            }
            match state.verify(response.tbs, &response.signature_algorithm, response.signature, spki) {
                Verification::Good(_) => Ok(()),
                Verification::Bad => Err("its signature is wrong".to_owned()),
                Verification::Unsupported(what) | Verification::Refused(what) => {
                    Err(format!("its signature cannot be verified: {what}"))
                }
            }
        };
        if is_responder(response.responder, issuer.name, issuer.spki) {
            return holds(issuer.spki).map(|()| None);
        }
        let mut why = "the certificate of its responder is not in it".to_owned();
        for raw in &response.certificates {
            let Ok(responder) = Certificate::parse(raw) else { continue };
            if !is_responder(response.responder, responder.subject, responder.spki) {
                continue;
            }
            match self.is_delegate(&responder, response.produced_at, issuer).and_then(|()| holds(responder.spki)) {
                Ok(()) => return Ok(responder.not_after),
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    /// Whether the issuer itself says, with the key that issued the certificate in question, that this one may answer.
    fn is_delegate(
        &mut self,
        responder: &Certificate<'_>,
        produced_at: Option<Time>,
        issuer: &Issuer<'_>,
    ) -> Result<(), String> {
        let refuse = |why: &str| Err(format!("its responder may not answer: {why}"));
        if !same_name(responder.issuer, issuer.name) {
            return refuse("its certificate is of another issuer");
        }
        if !responder.extended_key_usage().is_some_and(|usages| usages.contains(&oids::EKU_OCSP_SIGNING)) {
            return refuse("its certificate is not for OCSP signing");
        }
        if !responder.unknown_critical_extensions().is_empty() {
            return refuse("its certificate has a critical extension that is not supported");
        }
        if !produced_at.is_some_and(|moment| responder.valid_at(moment)) {
            return refuse("its certificate was not valid when it answered");
        }
        if self.lists.trust.disallowed().find(responder).is_some() {
            return refuse("its certificate is on the disallowed list");
        }
        let algorithm = &responder.signature_algorithm;
        if is_short_rsa(responder.spki) || weak_hash(algorithm).is_some() {
            return refuse("its key or its certificate's signature is too weak");
        }
        if !self.lists.work.verify(issuer.spki, algorithm, responder.tbs) {
            return Err(OUT_OF_WORK.to_owned());
        }
        if !self.lists.memo.verify(issuer.spki, algorithm, responder.tbs, responder.signature).is_good() {
            return refuse("the issuer's key did not sign its certificate");
        }
        // Without id-pkix-ocsp-nocheck its certificate may itself be revoked (RFC 6960 section 4.2.2.2.1).
        if responder.extension(oids::OCSP_NO_CHECK).is_none() {
            let mut own = RevocationFacts::default();
            self.ask_crls(responder, issuer, Level::Responder, &mut own);
            if own.lists.iter().any(|list| list.entry.is_some()) {
                return refuse("its certificate is revoked");
            }
        }
        Ok(())
    }
}

/// Responses that answer for the certificate: if there are many, those that say revoked go first, then the latest.
fn candidates<'c, 'l>(
    responses: impl Iterator<Item = (ListPlace, BasicResponse<'l>, &'c SignedState)>,
    matcher: &mut Matcher<'_>,
) -> Vec<Candidate<'c, 'l>> {
    let mut found: Vec<Candidate<'c, 'l>> = responses
        .filter_map(|(place, response, state)| {
            let answer = answer(&response, matcher)?;
            Some(Candidate { place, response, state, answer })
        })
        .collect();
    if found.len() > MAX_CANDIDATES {
        found.sort_by_cached_key(|candidate| {
            let rank = candidate.answer.as_ref().ok().map(precedence);
            (rank.is_none(), rank, Reverse(candidate.response.signature.to_vec()))
        });
    }
    found
}

/// Smaller goes first.
fn precedence(answer: &SingleResponse<'_>) -> (bool, Reverse<Option<Time>>) {
    (!matches!(answer.status, CertStatus::Revoked { .. }), Reverse(answer.this_update))
}

/// What a response says of the certificate: if several things, the worst, then the latest. `None` when it speaks of others.
fn answer<'l>(
    response: &BasicResponse<'l>,
    matcher: &mut Matcher<'_>,
) -> Option<Result<SingleResponse<'l>, &'static str>> {
    let mut namesake = false;
    let mut fitting: Vec<&SingleResponse<'l>> = Vec::new();
    for answer in &response.answers {
        match matcher.compare(&answer.id) {
            Match::Certificate => fitting.push(answer),
            Match::OtherName => namesake = true,
            Match::Nothing => {}
        }
    }
    match fitting.into_iter().min_by_key(|answer| precedence(answer)) {
        Some(answer) => Some(Ok(answer.clone())),
        None => namesake.then_some(Err("it answers for a certificate of an issuer of another name")),
    }
}

pub(super) fn is_responder(id: ResponderId<'_>, name: &[u8], spki: &[u8]) -> bool {
    match id {
        ResponderId::Name(given) => same_name(given, name),
        ResponderId::Key(hash) => {
            let own = key_octets(spki).and_then(|key| digest(DigestAlgorithm::Sha1, key));
            own.is_some_and(|own| own.as_bytes() == hash)
        }
    }
}

fn unknown_critical<'e, 'l>(extensions: &'e [Extension<'l>]) -> Option<&'e Extension<'l>> {
    const KNOWN: &[&[u8]] = &[oids::OCSP_NONCE, oids::CRL_REASON, oids::INVALIDITY_DATE];
    extensions.iter().find(|extension| extension.critical && !KNOWN.contains(&extension.oid))
}

fn invalidity_date(extensions: &[Extension<'_>]) -> Option<Time> {
    let extension = extensions.iter().find(|extension| extension.oid == oids::INVALIDITY_DATE)?;
    decode_time(&Reader::new(extension.value).any().ok()?)
}
