//! From what files need to what could be had of it: each thing once a run, from the cache where that is fresh.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::cache::{Cache, Meta};
use super::client::{Ask, Client, FetchError, Fetched, Limits, Validators};
use super::keep::{Keep, Kept};
use super::url::Url;
use crate::asn1::Time;
use crate::cms::SignedData;
use crate::crypto::DigestAlgorithm;
use crate::scan::{Need, OcspSubject, Supplied, Supplier, Wanted};
use crate::trust::{MAX_REVOCATION_BYTES, RevocationLists, certificates_in};
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
    answers: HashMap<Question, Arc<OnceLock<Result<Item, String>>>>,
    octets: u64,
}

/// A download that holds what it was asked for.
#[derive(Debug, Clone)]
struct Item {
    certificates: Arc<Vec<Vec<u8>>>,
    revocation: Option<Arc<RevocationLists>>,
    /// When it was got.
    fetched: Option<Time>,
    /// The file that it was kept in.
    kept: Option<Kept>,
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
    fn answer(&self, need: &Need, text: &str) -> Result<Item, String> {
        let question = (need.wanted, text.to_owned(), need.ocsp.clone());
        let cell = {
            let mut remembered = self.lock_remembered();
            if remembered.answers.len() >= MAX_REMEMBERED || remembered.octets > MAX_REVOCATION_BYTES {
                *remembered = Remembered::default();
            }
            Arc::clone(remembered.answers.entry(question).or_default())
        };
        let answer = cell.get_or_init(|| {
            let found = self.download(need, text);
            if let Err(why) = &found {
                self.note_failure(text, why);
            }
            found
        });
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

    fn download(&self, need: &Need, text: &str) -> Result<Item, String> {
        let url = Url::parse(text).map_err(|error| FetchError::Url(error).to_string())?;
        let (bytes, fetched) = self.octets(need, &url)?;
        let mut remembered = self.lock_remembered();
        remembered.octets = remembered.octets.saturating_add(bytes.len() as u64);
        drop(remembered);
        let kept = match &self.keep {
            Some(keep) => Some(keep.write(need.wanted, &bytes, fetched).map_err(|error| error.kind().to_string())?),
            None => None,
        };
        let mut item = Item {
            certificates: Arc::default(),
            revocation: None,
            fetched: i64::try_from(fetched).ok().map(Time),
            kept,
        };
        if need.wanted == Wanted::Issuer {
            item.certificates = Arc::new(certificates(&bytes));
        } else {
            let mut lists = RevocationLists::new();
            lists.add_bytes(&url.to_string(), bytes);
            item.revocation = Some(Arc::new(lists));
        }
        Ok(item)
    }

    /// The octets, which hold what was wanted, and since when they are known: fresh from the cache, or asked for, or from the cache although it is not
    /// fresh because nobody answers. The judge sees how old a list is.
    fn octets(&self, need: &Need, url: &Url) -> Result<(Vec<u8>, u64), String> {
        let question = question(need, url);
        let limits = if need.wanted == Wanted::Crl { Limits::LARGE } else { Limits::SMALL };
        let known = self.cache.as_ref().and_then(|cache| cache.load(&question, &url.to_string(), limits.bytes));
        let known = known.filter(|(_, bytes)| holds(need.wanted, bytes).is_ok());
        let now = seconds();
        if let Some((meta, bytes)) = known.as_ref().filter(|(meta, _)| meta.is_fresh(now)) {
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
            (Err(why), Some((meta, bytes))) => {
                self.note_failure(&url.to_string(), &format!("{why}; what the cache had was used"));
                Ok((bytes, meta.fetched))
            }
            (Ok(Fetched::NotModified { .. }), None) => Err(FetchError::Protocol.to_string()),
            (Err(why), None) => Err(why),
        }
    }

    fn store(&self, question: &str, meta: &Meta, bytes: &[u8]) {
        if let Some(cache) = &self.cache {
            // A full disk costs another download next time and nothing else.
            let _ = cache.store(question, meta, bytes);
        }
    }

    /// Asks the server, and looks whether the answer holds what was wanted.
    fn ask(&self, need: &Need, url: &Url, limits: Limits, known: Option<&Meta>) -> Result<Fetched, String> {
        let Some(subject) = &need.ocsp else {
            let validators = known.map(Meta::validators).filter(|known| *known != Validators::default());
            let ask = Ask { url, limits, validators: validators.as_ref(), post: None };
            let fetched = self.client.ask(ask).map_err(|error| error.to_string())?;
            if let Fetched::Body { bytes, .. } = &fetched {
                holds(need.wanted, bytes)?;
            }
            return Ok(fetched);
        };
        let mut nonce = [0u8; NONCE];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| "no random numbers".to_owned())?;
        // SHA-1 is what every responder knows (RFC 5019 section 2.1.1); it names the issuer here and protects nothing.
        let id = cert_id(DigestAlgorithm::Sha1, &subject.issuer, &subject.spki, &subject.serial);
        let body = request(&[id.ok_or("the issuer's key is malformed")?], Some(&nonce));
        let ask = Ask { url, limits, validators: None, post: Some(("application/ocsp-request", &body)) };
        let fetched = self.client.ask(ask).map_err(|error| error.to_string())?;
        if let Fetched::Body { bytes, .. } = &fetched {
            holds(need.wanted, bytes)?;
            // Responders that make their answers in advance leave the nonce out (RFC 5019 section 4).
            let basic = OcspResponse::parse(bytes).ok().and_then(|response| response.basic);
            if basic.and_then(|basic| basic.nonce()).is_some_and(|answered| answered != nonce) {
                return Err("the answer has the nonce of another request".to_owned());
            }
        }
        Ok(fetched)
    }
}

impl Supplier for Downloads {
    fn supply(&self, need: &Need) -> Supplied {
        let mut supplied = Supplied::default();
        for url in &need.urls {
            supplied.tried = supplied.tried.saturating_add(1);
            match self.answer(need, url) {
                Ok(item) => {
                    if let (Some(keep), Some(kept)) = (&self.keep, &item.kept) {
                        keep.note(need, &printable(url), kept);
                    }
                    supplied.certificates = item.certificates.to_vec();
                    supplied.revocation = item.revocation;
                    supplied.source = printable(url);
                    supplied.moment = item.fetched.filter(|_| self.live);
                    return supplied;
                }
                Err(why) => supplied.failures.push((printable(url), why)),
            }
        }
        supplied
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

/// Whether octets hold what was wanted. An error page with status 200 does not.
fn holds(wanted: Wanted, bytes: &[u8]) -> Result<(), String> {
    let lists = |bytes: &[u8]| RevocationLists::new().add_bytes("", bytes.to_vec());
    match wanted {
        Wanted::Issuer if certificates(bytes).is_empty() => Err("the answer holds no certificate".to_owned()),
        Wanted::Crl if lists(bytes).crls == 0 => Err("the answer holds no CRL".to_owned()),
        Wanted::Ocsp if lists(bytes).responses == 0 => Err(match OcspResponse::parse(bytes) {
            Ok(response) => format!("the responder's answer is {}", response.status.name()),
            Err(_) => "the answer holds no OCSP response".to_owned(),
        }),
        _ => Ok(()),
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
        Wanted::Crl => CertificateList::parse(bytes).ok().and_then(|list| seconds_of(list.next_update.time())),
        Wanted::Ocsp => {
            let basic = OcspResponse::parse(bytes).ok().and_then(|response| response.basic);
            let answers = basic.map(|basic| basic.answers).unwrap_or_default();
            answers.iter().filter_map(|answer| seconds_of(answer.next_update.time())).min()
        }
    };
    let told = told.map(|seconds| now.saturating_add(seconds));
    match (next, told) {
        (Some(next), Some(told)) => next.min(told),
        (None, None) => now.saturating_add(FRESH_OTHER),
        (next, told) => next.or(told).unwrap_or(now),
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
