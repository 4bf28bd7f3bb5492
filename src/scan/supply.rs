//! What a file's certificates say is to be had elsewhere, and what somebody got of it before the file is judged.
//!
//! Needs come from the very facts and verdicts that judging makes, in rounds: first the issuers that a chain lacks, then
//! revocation lists of the certificates below the trusted root that nothing answers for, leaf first, then OCSP. A chain
//! without a trusted root is not asked about: whoever made it would choose whom sigscan calls. The chain of the first signature
//! goes before all others, so that nothing beside it uses up its URLs.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::anomaly::Anomaly;
use crate::asn1::Time;
use crate::judge::{CertificateRevocation, ChainVerdict, RevocationStatus, SignatureVerdict};
use crate::trust::RevocationLists;
use crate::verify::{ListPlace, Path, PathEnd, Paths, Pool, SignatureFacts, issuers_among};
use crate::x509::{Certificate, serial_to_hex};

/// Rounds in which issuers are looked for: the issuer, its issuer, and that one's.
const ISSUER_ROUNDS: usize = 3;
/// URLs that are asked for one file. A doubly signed file with two timestamps has about 20.
const MAX_URLS: usize = 48;

/// No issuer is asked for longer after the first of a file: nobody vouches yet for whoever chose the URLs, and servers that take
/// their time would hold a worker for as long. A question that is begun may last as long again.
const ISSUER_TIME: Duration = Duration::from_secs(30);

/// Who needs something: the first signature's signer, its timestamps, all other signatures.
const TURNS: usize = 3;

/// What something is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// A certificate of the issuer.
    Issuer,
    /// A revocation list of the issuer.
    Crl,
    /// What an OCSP responder says.
    Ocsp,
}

impl Wanted {
    /// What it is, for a person.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Wanted::Issuer => "issuer",
            Wanted::Crl => "CRL",
            Wanted::Ocsp => "OCSP response",
        }
    }
}

/// What identifies a certificate to an OCSP responder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OcspSubject {
    /// The certificate's own issuer Name element.
    pub issuer: Vec<u8>,
    /// Its issuer's SubjectPublicKeyInfo element.
    pub spki: Vec<u8>,
    /// Content octets of its serial number.
    pub serial: Vec<u8>,
}

/// One thing that would help to judge a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub wanted: Wanted,
    /// Where it may be, in the order in which to ask, as the certificate spells it.
    pub urls: Vec<String>,
    /// Serial number of the certificate that needs it, as records show it.
    pub serial: String,
    /// SHA-256 of that certificate.
    pub thumbprint_sha256: String,
    /// SubjectPublicKeyInfo of whoever issued that certificate; empty where the issuer is what is wanted.
    pub issuer_key: Vec<u8>,
    /// Whom to ask a responder about.
    pub ocsp: Option<OcspSubject>,
    /// The certificate itself, DER.
    pub certificate: Vec<u8>,
    /// When no further URL is asked, if that is limited.
    pub until: Option<Instant>,
}

/// What is needed next.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Whose turn it is.
    turn: usize,
    list: Vec<Need>,
}

/// What came of a need.
#[derive(Debug, Clone, Default)]
pub struct Supplied {
    /// Certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Revocation lists or responses.
    pub revocation: Option<Arc<RevocationLists>>,
    /// The URL that they are from. Printable ASCII.
    pub source: String,
    /// URLs of the need that were asked, or refused, each with why it gave nothing. Printable ASCII.
    pub failures: Vec<(String, String)>,
    /// When it was got, if the file is to be judged as of no earlier moment: an answer that was made for the question is
    /// later than the beginning of a scan.
    pub moment: Option<Time>,
    /// How many URLs of the need have had their turn, the failed ones included.
    pub tried: usize,
}

/// Who gets what a file needs. It may be asked from many threads at once, and gives one answer to one question during a
/// scan, so that records do not depend on the order of files.
pub trait Supplier: Debug + Send + Sync {
    /// Gets it, or says why not.
    fn supply(&self, need: &Need) -> Supplied;

    /// Gets nothing more once somebody sets this flag; the first that is given counts.
    fn stop_with(&self, _: &Arc<AtomicBool>) {}
}

/// Everything that was got for one file.
#[derive(Debug, Default)]
pub(super) struct Supplement {
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) revocation: Vec<Arc<RevocationLists>>,
    /// Notes for the record.
    pub(super) anomalies: Vec<Anomaly>,
    /// The latest moment at which something was got, if that counts.
    pub(super) moment: Option<Time>,
    asked: BTreeSet<(Wanted, String, Option<OcspSubject>)>,
    /// How often each has asked for issuers.
    issuer_rounds: [usize; TURNS],
    /// When no further issuer is asked for; set with the first one.
    issuers_until: Option<Instant>,
}

impl Supplement {
    /// The revocation lists to judge by: those given, and those that were got.
    pub(super) fn lists(&self, given: &Arc<RevocationLists>) -> Arc<RevocationLists> {
        if self.revocation.is_empty() {
            return Arc::clone(given);
        }
        let parts = std::iter::once(given).chain(&self.revocation).map(Arc::clone);
        Arc::new(RevocationLists::join(parts.collect()))
    }

    /// Asks for these needs; false when nothing was asked.
    pub(super) fn fill(&mut self, supplier: &dyn Supplier, needs: Needs) -> bool {
        let Needs { turn, list: needs } = needs;
        if let (true, Some(rounds)) =
            (needs.iter().any(|need| need.wanted == Wanted::Issuer), self.issuer_rounds.get_mut(turn))
        {
            *rounds = rounds.saturating_add(1);
        }
        let before = self.asked.len();
        for mut need in needs {
            need.urls.retain(|url| !self.asked.contains(&(need.wanted, url.clone(), need.ocsp.clone())));
            if need.urls.is_empty() {
                continue; // another certificate of this round needed the same
            }
            need.urls.truncate(MAX_URLS.saturating_sub(self.asked.len()));
            if need.urls.is_empty() {
                let message = format!("more than {MAX_URLS} downloads would be needed");
                self.anomalies.push(Anomaly::new("download-limit", message));
                return false;
            }
            if need.wanted == Wanted::Issuer {
                need.until = self.issuers_until.or_else(|| Instant::now().checked_add(ISSUER_TIME));
                self.issuers_until = need.until;
            }
            if need.until.is_some_and(|until| Instant::now() >= until) {
                self.pass_over(&need);
            } else {
                self.take(&need, supplier.supply(&need));
            }
        }
        self.asked.len() > before
    }

    /// Counts the URLs of an issuer as asked, because there is no time left.
    fn pass_over(&mut self, need: &Need) {
        self.asked.extend(need.urls.iter().map(|url| (need.wanted, url.clone(), None)));
        let message = format!("issuers were asked for for more than {} seconds", ISSUER_TIME.as_secs());
        let note = Anomaly::new("download-limit", message);
        if !self.anomalies.contains(&note) {
            self.anomalies.push(note);
        }
    }

    fn take(&mut self, need: &Need, supplied: Supplied) {
        // Whatever a supplier says, one URL has had its turn: so the rounds end.
        let tried = supplied.tried.max(1);
        self.asked.extend(need.urls.iter().take(tried).map(|url| (need.wanted, url.clone(), need.ocsp.clone())));
        let mut failed = |url: &str, why: &str| {
            let what = need.wanted.title();
            let message = format!("no {what} for certificate {} from {url}: {why}", need.serial);
            self.anomalies.push(Anomaly::new("download-failed", message));
        };
        for (url, why) in &supplied.failures {
            failed(url, why);
        }
        if !supplied.certificates.is_empty() {
            let issuers = issuers_among(&need.certificate, &supplied.certificates);
            if issuers.is_empty() {
                failed(&supplied.source, "none of the certificates there issued it");
            }
            self.certificates.extend(issuers);
        }
        self.revocation.extend(supplied.revocation);
        self.moment = self.moment.max(supplied.moment);
    }

    /// What is needed by the first that needs anything: issuers, as long as they may be asked for, and revocation once no issuer is
    /// missing.
    pub(super) fn needs(&self, facts: &[SignatureFacts<'_>], verdicts: &[SignatureVerdict]) -> Needs {
        let turns = chains(facts, verdicts);
        let mut needs =
            turns.iter().enumerate().map(|(turn, chains)| Needs { turn, list: self.needs_of(turn, chains) });
        needs.find(|needs| !needs.list.is_empty()).unwrap_or_default()
    }

    fn needs_of(&self, turn: usize, chains: &[Chain<'_, '_>]) -> Vec<Need> {
        let mut issuers = Vec::new();
        let mut revocation = Vec::new();
        for (pool, paths, verdict) in chains {
            let Some(path) = verdict.path.and_then(|index| paths.list.get(index)) else { continue };
            match path.end {
                PathEnd::Incomplete | PathEnd::BadSignature => issuers.extend(self.issuer(pool, path)),
                PathEnd::Anchor { .. } => revocation.extend(self.revocation(pool, path, verdict)),
                PathEnd::SelfSigned | PathEnd::TooLong => {}
            }
        }
        let rounds = self.issuer_rounds.get(turn).copied().unwrap_or(ISSUER_ROUNDS);
        if issuers.is_empty() || rounds >= ISSUER_ROUNDS { revocation } else { issuers }
    }

    fn issuer(&self, pool: &Pool<'_>, path: &Path<'_>) -> Option<Need> {
        let certificate = pool.certificate(*path.certificates.last()?)?;
        self.need(Wanted::Issuer, certificate, &certificate.issuer_urls(), &[], None)
    }

    /// What would answer for the certificates below the root of a path that nothing answers for yet.
    fn revocation(&self, pool: &Pool<'_>, path: &Path<'_>, verdict: &ChainVerdict) -> Vec<Need> {
        let mut needs = Vec::new();
        for (position, index) in path.certificates.iter().enumerate() {
            let Some(certificate) = pool.certificate(*index) else { break };
            let Some(spki) = issuer_key(pool, path, position) else { break };
            let known = verdict.revocation.as_ref().and_then(|(_, list)| list.get(position));
            if known.is_some_and(is_answered) {
                continue;
            }
            let subject = OcspSubject {
                issuer: certificate.issuer.to_vec(),
                spki: spki.to_vec(),
                serial: certificate.serial.to_vec(),
            };
            // A CRL serves for all certificates of its issuer and tells nobody which one is looked at.
            let crl = self.need(Wanted::Crl, certificate, &certificate.crl_urls(), spki, None);
            needs.extend(
                crl.or_else(|| self.need(Wanted::Ocsp, certificate, &certificate.ocsp_urls(), spki, Some(subject))),
            );
        }
        needs
    }

    fn need(
        &self,
        wanted: Wanted,
        certificate: &Certificate<'_>,
        urls: &[&str],
        issuer_key: &[u8],
        ocsp: Option<OcspSubject>,
    ) -> Option<Need> {
        let mut left: Vec<String> = Vec::new();
        for url in urls {
            if !self.asked.contains(&(wanted, (*url).to_owned(), ocsp.clone()))
                && !left.iter().any(|known| known == url)
            {
                left.push((*url).to_owned());
            }
        }
        let thumbprint_sha256 =
            crate::crypto::digest(crate::crypto::DigestAlgorithm::Sha256, certificate.raw)?.to_string();
        let serial = serial_to_hex(certificate.serial);
        let certificate = certificate.raw.to_vec();
        (!left.is_empty()).then_some(Need {
            wanted,
            urls: left,
            serial,
            thumbprint_sha256,
            issuer_key: issuer_key.to_vec(),
            ocsp,
            certificate,
            until: None,
        })
    }
}

/// A chain with its verdict.
type Chain<'f, 'a> = (&'f Pool<'a>, &'f Paths<'a>, &'f ChainVerdict);

/// Every chain of a file, by whose turn it is.
fn chains<'f, 'a>(facts: &'f [SignatureFacts<'a>], verdicts: &'f [SignatureVerdict]) -> [Vec<Chain<'f, 'a>>; TURNS] {
    let (mut signer, mut stamps, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (place, (facts, verdict)) in facts.iter().zip(verdicts).enumerate() {
        let (Some(content), Some(chain)) = (&facts.content, &verdict.chain) else { continue };
        let own = (&content.pool, &content.paths, chain);
        let judged = content.timestamps.iter().zip(&verdict.timestamps);
        let stamped = judged.map(|(stamp, judged)| (&stamp.pool, &stamp.paths, &judged.chain));
        if place == 0 {
            signer.push(own);
            stamps.extend(stamped);
        } else {
            others.push(own);
            others.extend(stamped);
        }
    }
    [signer, stamps, others]
}

/// Whether nobody has to be asked about a certificate. A list that clears it and came with the file is no answer: whoever made the
/// file chose which list that is.
fn is_answered(known: &CertificateRevocation) -> bool {
    match known.status {
        RevocationStatus::Unknown => false,
        RevocationStatus::Revoked => true,
        RevocationStatus::Good => known.source.as_ref().is_none_or(|source| source.place != ListPlace::Bag),
    }
}

/// The key of the issuer of the certificate at a position; `None` for the root itself.
fn issuer_key<'a>(pool: &Pool<'a>, path: &Path<'a>, position: usize) -> Option<&'a [u8]> {
    let above = position.saturating_add(1);
    match (path.certificates.get(above), path.end) {
        (None, PathEnd::Anchor { root, in_bag: false }) => Some(root.spki),
        (Some(index), _) => pool.certificate(*index).map(|issuer| issuer.spki),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Has nothing, and counts how often it was asked.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Supplier for Counting {
        fn supply(&self, need: &Need) -> Supplied {
            self.0.fetch_add(1, Ordering::Relaxed);
            Supplied { tried: need.urls.len(), ..Supplied::default() }
        }
    }

    #[test]
    fn no_issuer_is_asked_for_when_the_time_is_over_and_the_rest_is() {
        let need = |wanted, url: &str| Need {
            wanted,
            urls: vec![url.to_owned()],
            serial: "1".to_owned(),
            thumbprint_sha256: String::new(),
            issuer_key: Vec::new(),
            ocsp: None,
            certificate: Vec::new(),
            until: None,
        };
        let (supplier, mut supplement) = (Counting::default(), Supplement::default());
        let fill = |supplement: &mut Supplement, wanted, urls: &[&str]| {
            let list = urls.iter().map(|url| need(wanted, url)).collect();
            (supplement.fill(&supplier, Needs { turn: 0, list }), supplier.0.load(Ordering::Relaxed))
        };
        assert_eq!(fill(&mut supplement, Wanted::Issuer, &["a", "b"]), (true, 2));
        assert!(supplement.issuers_until.is_some_and(|until| until > Instant::now()));
        supplement.issuers_until = Some(Instant::now());
        assert_eq!(fill(&mut supplement, Wanted::Issuer, &["c", "d"]), (true, 2), "the next round comes");
        assert_eq!(fill(&mut supplement, Wanted::Issuer, &["c", "d"]), (false, 2), "and no other");
        assert_eq!(fill(&mut supplement, Wanted::Crl, &["c"]), (true, 3));
        let notes: Vec<&str> = supplement.anomalies.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(notes, ["issuers were asked for for more than 30 seconds"]);
    }
}
