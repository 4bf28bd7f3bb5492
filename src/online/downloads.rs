//! From what files need to what could be had of it: each thing once a run, from the cache where that is fresh.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::cache::{Cache, Meta};
use super::client::{Ask, Client, FetchError, Fetched, Limits, Validators};
use super::keep::Keep;
use super::url::Url;
use crate::asn1::Time;
use crate::cms::SignedData;
use crate::crypto::DigestAlgorithm;
use crate::scan::{Need, OcspSubject, Supplied, Supplier, Wanted};
use crate::trust::{MAX_REVOCATION_BYTES, RevocationLists, certificates_in, first_revocation_object};
use crate::verify::{crl_is_of_issuer, crl_speaks_for, issuers_among, response_answers, response_is_signed};
use crate::x509::crl::CertificateList;
use crate::x509::ocsp::{OcspResponse, cert_id, request};

/// Questions whose answers are remembered during a run; with more, all are forgotten.
const MAX_REMEMBERED: usize = 1 << 16;
/// Certificates that are taken from one answer.
const MAX_CERTIFICATES: usize = 64;
/// Octets of the nonce of an OCSP request (RFC 9654 section 2.1 recommends 32).
const NONCE: usize = 32;
/// How long an answer that says nothing of it is used without asking again: certificates do not change.
const FRESH_CERTIFICATE: u64 = 7 * 24 * 3600;
const FRESH_OTHER: u64 = 3600;

/// What came of the downloads of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Answers with a body.
    pub downloads: u64,
    /// Octets of them.
    pub bytes: u64,
    /// Answers that what the cache had is still current.
    pub unchanged: u64,
    /// Taken from the cache without asking.
    pub cached: u64,
    /// URLs that gave nothing, with why.
    pub failures: BTreeMap<String, String>,
    /// More failures than are listed.
    pub more_failures: u64,
}

/// Failures that are listed.
const MAX_FAILURES: usize = 1000;

/// The supplier that asks the network.
#[derive(Debug)]
pub struct Downloads {
    client: Client,
    cache: Option<Cache>,
    keep: Option<Keep>,
    live: bool,
    remembered: Mutex<Remembered>,
    totals: Mutex<Totals>,
}

/// What, where, and of whom.
type Question = (Wanted, String, Option<OcspSubject>);

#[derive(Debug, Default)]
struct Remembered {
    answers: HashMap<Question, Arc<OnceLock<Result<Item, Failure>>>>,
    octets: u64,
}

/// A download that holds what it was asked for.
#[derive(Debug, Clone)]
struct Item {
    certificates: Arc<Vec<Vec<u8>>>,
    revocation: Option<Arc<RevocationLists>>,
    /// When it was got, in seconds since 1970.
    fetched: u64,
    /// The list or response itself, where it is to be kept.
    octets: Arc<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Debug, Clone)]
struct Failure {
    why: String,
    /// The server was not even asked, because it had failed before or the run ends: later it may answer.
    passing: bool,
}

impl From<String> for Failure {
    fn from(why: String) -> Failure {
        Failure { why, passing: false }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Failure {
        Failure { why: error.to_string(), passing: matches!(error, FetchError::LeftAlone(_) | FetchError::Stopped) }
    }
}

impl Downloads {
    /// Downloads through this client, with a cache if there is one.
    #[must_use]
    pub fn new(client: Client, cache: Option<Cache>) -> Downloads {
        Downloads { client, cache, keep: None, live: false, remembered: Mutex::default(), totals: Mutex::default() }
    }

    /// Files are judged as of the moment at which something was got for them, where that is later than the scan's.
    #[must_use]
    pub fn live(mut self) -> Downloads {
        self.live = true;
        self
    }

    /// Keeps everything that was got in a folder, too.
    #[must_use]
    pub fn keeping(mut self, keep: Keep) -> Downloads {
        self.keep = Some(keep);
        self
    }

    /// What came of it so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lock_totals().clone()
    }

    /// Entries of the cache that could not be read.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.cache.as_ref().map_or(0, Cache::damaged)
    }

    /// The folder in which everything is kept, to be finished.
    #[must_use]
    pub fn keep(&self) -> Option<&Keep> {
        self.keep.as_ref()
    }

    fn lock_totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to one question, asked once a run.
    fn answer(&self, need: &Need, text: &str) -> Result<Item, Failure> {
        let question = (need.wanted, text.to_owned(), need.ocsp.clone());
        let asked = question.clone();
        let cell = {
            let mut remembered = self.lock_remembered();
            if remembered.answers.len() >= MAX_REMEMBERED || remembered.octets > MAX_REVOCATION_BYTES {
                *remembered = Remembered::default();
            }
            Arc::clone(remembered.answers.entry(question).or_default())
        };
        let answer = cell.get_or_init(|| {
            let found = self.download(need, text);
            if let Err(failure) = &found {
                self.note_failure(text, &failure.why);
            }
            found
        });
        if matches!(answer, Err(Failure { passing: true, .. })) {
            let mut remembered = self.lock_remembered();
            if remembered.answers.get(&asked).is_some_and(|other| Arc::ptr_eq(other, &cell)) {
                remembered.answers.remove(&asked);
            }
        }
        answer.clone()
    }

    fn note_failure(&self, url: &str, why: &str) {
        let mut totals = self.lock_totals();
        if totals.failures.len() < MAX_FAILURES {
            totals.failures.insert(printable(url), why.to_owned());
        } else {
            totals.more_failures = totals.more_failures.saturating_add(1);
        }
    }

    fn download(&self, need: &Need, text: &str) -> Result<Item, Failure> {
        let url = Url::parse(text).map_err(FetchError::Url)?;
        let (bytes, fetched) = self.octets(need, &url)?;
        let mut remembered = self.lock_remembered();
        remembered.octets = remembered.octets.saturating_add(bytes.len() as u64);
        drop(remembered);
        let mut item = Item { certificates: Arc::default(), revocation: None, fetched, octets: Arc::default() };
        if need.wanted == Wanted::Issuer {
            item.certificates = Arc::new(certificates(&bytes));
        } else {
            if self.keep.is_some() {
                item.octets = Arc::new(bytes.clone());
            }
            let mut lists = RevocationLists::new();
            lists.add_bytes(&url.to_string(), bytes);
            item.revocation = Some(Arc::new(lists));
        }
        Ok(item)
    }

    /// Keeps what an answer holds of what was wanted. Whoever chose the URL of an issuer may have put anything beside it.
    fn put_away(&self, need: &Need, url: &str, item: &Item) -> Result<(), Failure> {
        let Some(keep) = &self.keep else { return Ok(()) };
        let wanted = match need.wanted {
            Wanted::Issuer => issuers_among(&need.certificate, &item.certificates),
            Wanted::Crl | Wanted::Ocsp => vec![item.octets.to_vec()],
        };
        for octets in wanted {
            let kept = keep.write(need.wanted, &octets, item.fetched);
            let kept = kept.map_err(|error| Failure::from(error.kind().to_string()))?;
            keep.note(need, &printable(url), &kept);
        }
        Ok(())
    }

    /// The octets, which hold what was wanted, and since when they are known: fresh from the cache, or asked for, or from the cache
    /// although it is not fresh because nobody answers. The judge sees how old a list is. What does not answer the question is never
    /// fresh, whatever it says of itself: one false answer would silence a server for as long.
    fn octets(&self, need: &Need, url: &Url) -> Result<(Vec<u8>, u64), Failure> {
        let question = question(need, url);
        let limits = if need.wanted == Wanted::Crl { Limits::LARGE } else { Limits::SMALL };
        let known = self.cache.as_ref().and_then(|cache| cache.load(&question, &url.to_string(), limits.bytes));
        let known = known.and_then(|(meta, bytes)| Some((meta, wanted_octets(need, bytes).ok()?)));
        let now = seconds();
        // An entry is as hostile as a download: it may say of itself what it likes.
        let current = |bytes: &[u8]| next_update(need.wanted, bytes).is_none_or(|end| now < end);
        let fresh = |(meta, bytes): &&(Meta, Vec<u8>)| meta.is_fresh(now) && current(bytes) && is_answer(need, bytes);
        if let Some((meta, bytes)) = known.as_ref().filter(fresh) {
            let mut totals = self.lock_totals();
            totals.cached = totals.cached.saturating_add(1);
            return Ok((bytes.clone(), meta.fetched));
        }
        match (self.ask(need, url, limits, known.as_ref().map(|known| &known.0)), known) {
            (Ok(Fetched::Body { bytes, validators, fresh }), _) => {
                let until = fresh_until(need.wanted, &bytes, now, fresh.map(|fresh| fresh.as_secs()));
                self.store(&question, &Meta::new(&url.to_string(), now, until, validators, &bytes), &bytes);
                let mut totals = self.lock_totals();
                totals.downloads = totals.downloads.saturating_add(1);
                totals.bytes = totals.bytes.saturating_add(bytes.len() as u64);
                Ok((bytes, seconds()))
            }
            (Ok(Fetched::NotModified { fresh }), Some((meta, bytes))) => {
                let until = fresh_until(need.wanted, &bytes, now, fresh.map(|fresh| fresh.as_secs()));
                self.store(&question, &Meta::new(&meta.url, now, until, meta.validators(), &bytes), &bytes);
                let mut totals = self.lock_totals();
                totals.unchanged = totals.unchanged.saturating_add(1);
                Ok((bytes, seconds()))
            }
            (Err(Failure { why, .. }), Some((meta, bytes))) => {
                self.note_failure(&url.to_string(), &format!("{why}; what the cache had was used"));
                Ok((bytes, meta.fetched.min(now)))
            }
            (Ok(Fetched::NotModified { .. }), None) => Err(FetchError::Protocol.into()),
            (Err(failure), None) => Err(failure),
        }
    }

    fn store(&self, question: &str, meta: &Meta, bytes: &[u8]) {
        if let Some(cache) = &self.cache {
            // A full disk costs another download next time and nothing else.
            let _ = cache.store(question, meta, bytes);
        }
    }

    /// Asks the server, and looks whether the answer holds what was wanted.
    fn ask(&self, need: &Need, url: &Url, limits: Limits, known: Option<&Meta>) -> Result<Fetched, Failure> {
        let Some(subject) = &need.ocsp else {
            let validators = known.map(Meta::validators).filter(|known| *known != Validators::default());
            let unvouched = need.wanted == Wanted::Issuer;
            let ask = Ask { url, limits, validators: validators.as_ref(), post: None, unvouched };
            return cut_down(need, self.client.ask(ask)?);
        };
        let mut nonce = [0u8; NONCE];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| Failure::from("no random numbers".to_owned()))?;
        // SHA-1 is what every responder knows (RFC 5019 section 2.1.1); it names the issuer here and protects nothing.
        let id = cert_id(DigestAlgorithm::Sha1, &subject.issuer, &subject.spki, &subject.serial);
        let id = id.ok_or_else(|| Failure::from("the issuer's key is malformed".to_owned()))?;
        let body = request(&[id], Some(&nonce));
        let post = Some(("application/ocsp-request", body.as_slice()));
        let ask = Ask { url, limits, validators: None, post, unvouched: false };
        let fetched = cut_down(need, self.client.ask(ask)?)?;
        if let Fetched::Body { bytes, .. } = &fetched {
            // Responders that make their answers in advance leave the nonce out (RFC 5019 section 4).
            let basic = OcspResponse::parse(bytes).ok().and_then(|response| response.basic);
            if basic.and_then(|basic| basic.nonce()).is_some_and(|answered| answered != nonce) {
                return Err(Failure::from("the answer has the nonce of another request".to_owned()));
            }
        }
        Ok(fetched)
    }
}

impl Supplier for Downloads {
    fn supply(&self, need: &Need) -> Supplied {
        let mut supplied = Supplied::default();
        for url in &need.urls {
            if supplied.tried > 0 && need.until.is_some_and(|until| Instant::now() >= until) {
                return supplied;
            }
            supplied.tried = supplied.tried.saturating_add(1);
            let answer = self.answer(need, url).and_then(|item| self.put_away(need, url, &item).map(|()| item));
            match answer {
                Ok(item) => {
                    supplied.certificates = item.certificates.to_vec();
                    supplied.revocation = item.revocation;
                    supplied.source = printable(url);
                    supplied.moment = i64::try_from(item.fetched).ok().map(Time).filter(|_| self.live);
                    return supplied;
                }
                Err(Failure { why, .. }) => supplied.failures.push((printable(url), why)),
            }
        }
        supplied
    }

    fn stop_with(&self, stop: &Arc<AtomicBool>) {
        self.client.stop_with(stop);
    }
}

/// What identifies a question in the cache.
fn question(need: &Need, url: &Url) -> String {
    let id = need
        .ocsp
        .as_ref()
        .and_then(|subject| cert_id(DigestAlgorithm::Sha256, &subject.issuer, &subject.spki, &subject.serial));
    let id = crate::hex::lower(&id.unwrap_or_default());
    format!("{} {url} {id}", need.wanted.title())
}

/// An answer with nothing in it but what was wanted.
fn cut_down(need: &Need, fetched: Fetched) -> Result<Fetched, Failure> {
    Ok(match fetched {
        Fetched::Body { bytes, validators, fresh } => {
            Fetched::Body { bytes: wanted_octets(need, bytes)?, validators, fresh }
        }
        unchanged @ Fetched::NotModified { .. } => unchanged,
    })
}

/// The octets of what was wanted: of lists and responses one, as DER. An error page with status 200 holds none, and what is about
/// others would be passed by without a word.
fn wanted_octets(need: &Need, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let wanted = need.wanted;
    if wanted == Wanted::Issuer {
        let none = certificates(&bytes).is_empty();
        return if none { Err("the answer holds no certificate".to_owned()) } else { Ok(bytes) };
    }
    let refusal = OcspResponse::parse(&bytes).ok().map(|response| response.status.name());
    let octets = first_revocation_object(bytes);
    let fits = |octets: &Vec<u8>| CertificateList::parse(octets).is_ok() == (wanted == Wanted::Crl);
    let octets = octets.filter(fits).ok_or_else(|| match (wanted, refusal) {
        (Wanted::Crl, _) => "the answer holds no CRL".to_owned(),
        (_, Some(status)) => format!("the responder's answer is {status}"),
        (_, None) => "the answer holds no OCSP response".to_owned(),
    })?;
    match &need.ocsp {
        Some(subject) if !response_answers(&octets, &subject.issuer, &subject.spki, &subject.serial) => {
            Err("the answer is for another certificate".to_owned())
        }
        None if !crl_is_of_issuer(&octets, &need.certificate) => Err("the list is of another issuer".to_owned()),
        _ => Ok(octets),
    }
}

/// Whether something answers the question as far as can be told without a judge: a certificate issued the one in question, the
/// issuer signed a list that covers it, or a response itself or through a responder. Lists of delegates are not recognised here:
/// they are asked for again each time. Whether any of them counts is the judge's to say.
fn is_answer(need: &Need, bytes: &[u8]) -> bool {
    match &need.ocsp {
        Some(subject) => response_is_signed(bytes, &subject.issuer, &subject.spki),
        None if need.wanted == Wanted::Crl => crl_speaks_for(bytes, &need.certificate, &need.issuer_key),
        None => !issuers_among(&need.certificate, &certificates(bytes)).is_empty(),
    }
}

/// Certificates in DER, PEM or a PKCS#7 bag, which is what caIssuers may name (RFC 5280 section 4.2.2.1).
fn certificates(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = certificates_in(bytes);
    if let Ok(data) = SignedData::parse(bytes, 0) {
        found.extend(data.certificates.iter().map(|element| element.raw.to_vec()));
    }
    found.truncate(MAX_CERTIFICATES);
    found
}

/// Until when octets are used without asking again: no longer than they say of themselves, nor than the server says.
fn fresh_until(wanted: Wanted, bytes: &[u8], now: u64, told: Option<u64>) -> u64 {
    let next = match wanted {
        Wanted::Issuer => Some(now.saturating_add(told.unwrap_or(FRESH_CERTIFICATE))),
        Wanted::Crl | Wanted::Ocsp => next_update(wanted, bytes),
    };
    let told = told.map(|seconds| now.saturating_add(seconds));
    match (next, told) {
        (Some(next), Some(told)) => next.min(told),
        (None, None) => now.saturating_add(FRESH_OTHER),
        (next, told) => next.or(told).unwrap_or(now),
    }
}

/// When a list or a response says that there is a newer one; certificates do not say.
fn next_update(wanted: Wanted, bytes: &[u8]) -> Option<u64> {
    match wanted {
        Wanted::Issuer => None,
        Wanted::Crl => CertificateList::parse(bytes).ok().and_then(|list| seconds_of(list.next_update.time())),
        Wanted::Ocsp => {
            let basic = OcspResponse::parse(bytes).ok().and_then(|response| response.basic);
            let answers = basic.map(|basic| basic.answers).unwrap_or_default();
            answers.iter().filter_map(|answer| seconds_of(answer.next_update.time())).min()
        }
    }
}

fn seconds_of(time: Option<Time>) -> Option<u64> {
    time.map(|time| u64::try_from(time.0).unwrap_or(0))
}

/// The clock. What is fresh depends on it, and no verdict does.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

/// A URL as a certificate spells it, without anything that a terminal would obey.
pub(super) fn printable(url: &str) -> String {
    url.chars().take(300).map(|c| if matches!(c, '\x20'..='\x7e') { c } else { '?' }).collect()
}
