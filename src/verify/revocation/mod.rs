//! What revocation lists and OCSP responses say of the certificates of a path. Whether one is current, and what a date
//! means for the moment that counts, is the judge's to say.

mod crl;
mod ocsp;
mod signed;
mod signer;

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Lists;
use super::paths::{Path, PathEnd, Paths};
use super::pool::Pool;
use crate::asn1::Time;
use crate::cms::SignedData;
use crate::crypto::{AlgorithmId, DigestAlgorithm, hash_for_signature};
use crate::trust::{CrlState, Root, SignedState};
use crate::x509::Certificate;
use crate::x509::crl::{CertificateList, NextUpdate, Reasons, RevokedEntry};
use crate::x509::ocsp::{BasicResponse, OcspResponse};

pub use signed::{crl_is_of_issuer, crl_speaks_for, response_answers, response_is_signed};

/// Lists of each source, and responses of each, that speak for one certificate. A bag is looked at no further. From files as many
/// are passed by as nobody entitled has signed, until the file's public-key work is used up: what anybody can write is not to
/// take the place of what the user gave.
const MAX_CANDIDATES: usize = 16;

/// Reasons why something could not be used that are kept for one certificate.
const MAX_UNUSABLE: usize = 2 * MAX_CANDIDATES;

/// CRLs and OCSP responses of a bag with what was found out about them.
#[derive(Debug, Default)]
pub(super) struct BagLists<'a> {
    crls: Vec<(CertificateList<'a>, CrlState)>,
    responses: Vec<(BasicResponse<'a>, SignedState)>,
}

impl<'a> BagLists<'a> {
    pub(super) fn of(data: &SignedData<'a>) -> BagLists<'a> {
        let crls = data.crls.iter().filter_map(|element| CertificateList::parse(element.raw).ok());
        let responses = data.ocsp_responses.iter().filter_map(|element| OcspResponse::parse(element.raw).ok()?.basic);
        BagLists {
            crls: crls.map(|list| (list, CrlState::default())).collect(),
            responses: responses.map(|response| (response, SignedState::default())).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.crls.is_empty() && self.responses.is_empty()
    }
}

/// Everything that revocation lists and OCSP responses say of one certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationFacts {
    /// What whoever may speak for the issuer has signed, the latest first.
    pub lists: Vec<ListFact>,
    /// What bears the issuer's name and proves nothing about the certificate, with why.
    pub unusable: Vec<(ListSource, String)>,
}

impl RevocationFacts {
    fn cannot_use(&mut self, source: ListSource, why: String) {
        if self.unusable.len() < MAX_UNUSABLE {
            self.unusable.push((source, why));
        }
    }
}

/// What a list is and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSource {
    /// What it is.
    pub kind: ListKind,
    /// Where it came from.
    pub place: ListPlace,
}

/// Kinds of revocation data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// A CRL that is complete for its scope.
    Crl,
    /// A delta CRL, alone or together with the CRL that it changes.
    DeltaCrl,
    /// An OCSP response.
    Ocsp,
}

/// Where a list came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListPlace {
    /// The bag of the signature or of the timestamp.
    Bag,
    /// A file.
    File(String),
}

/// What one list or response says of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFact {
    /// What it is and where it came from.
    pub source: ListSource,
    /// When it was made.
    pub this_update: Option<Time>,
    /// When the next one was due.
    pub next_update: NextUpdate,
    /// Why its silence proves nothing, although it is signed as it must be.
    pub partial: Option<String>,
    /// The reasons that its silence excludes.
    pub reasons: Reasons,
    /// Its entry for the certificate.
    pub entry: Option<RevokedEntry>,
    /// Who signed it, where that is not the issuer's own key. The judge says whether that certificate counts.
    pub signer: Option<Box<ListSigner>>,
    /// When the certificate of a delegated responder ends, which may answer no longer then, whatever the answer says.
    pub signer_ends: Option<Time>,
}

impl ListFact {
    /// Whether it is out of date at `now`, or whoever made it is. A response without nextUpdate cannot be believed to be current (RFC 5019 section
    /// 4), a CRL without one never becomes stale.
    #[must_use]
    pub fn is_stale(&self, now: Time) -> bool {
        let open = self.source.kind == ListKind::Ocsp && self.next_update == NextUpdate::Absent;
        open || self.next_update.is_stale(now) || self.signer_ends.is_some_and(|end| end < now)
    }
}

/// A delegated signer of CRLs: its certificate may sign them and has the name of the CRL's issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListSigner {
    /// Its paths to the root that the certificate in question leads to.
    pub paths: Vec<SignerPath>,
}

/// The hash of a list's or a certificate's signature, if others than its signer can find octets of the same hash.
fn weak_hash(algorithm: &AlgorithmId<'_>) -> Option<DigestAlgorithm> {
    let hash = hash_for_signature(algorithm, None);
    hash.filter(|hash| matches!(hash, DigestAlgorithm::Md2 | DigestAlgorithm::Md4 | DigestAlgorithm::Md5))
}

/// Why a list that is signed with a weak hash clears nothing. What it lists is believed: that is the safe side.
fn proves_nothing(hash: DigestAlgorithm) -> String {
    format!("it is signed with {}, so that its silence proves nothing", hash.name())
}

/// One path of a delegated signer, to the same root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerPath {
    /// Indices into the pool, the signer first, the root not among them.
    pub certificates: Vec<usize>,
    /// What lists say of each. Those of delegates do not count here.
    pub revocation: Vec<RevocationFacts>,
}

/// What the facts about one path are gathered from.
struct Inquiry<'i, 'a> {
    pool: &'i Pool<'a>,
    bags: &'i [&'i BagLists<'a>],
    lists: Lists<'a>,
    /// The root that the path leads to.
    root: Option<Root<'a>>,
    /// Delegated signers that were met, by their index in the pool and the root's thumbprint.
    signers: HashMap<(usize, &'a [u8]), ListSigner>,
}

/// Who asks, which says whose lists count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// A certificate of the signature's path: the issuer's and its delegates'.
    Path,
    /// A delegated signer with this index: the issuer's and its own. Another delegate's would lead on without end.
    Signer(usize),
    /// An OCSP responder: the issuer's.
    Responder,
}

/// Who issued a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Issuer<'a> {
    name: &'a [u8],
    spki: &'a [u8],
    key_identifier: Option<&'a [u8]>,
    /// Its certificate says that it does not sign CRLs.
    crl_sign_denied: bool,
}

/// Adds to every path what is known of its certificates. Without any list or response nothing is added.
pub(super) fn attach<'a>(paths: &mut Paths<'a>, pool: &Pool<'a>, bags: &[&BagLists<'a>], lists: Lists<'a>) {
    if lists.revocation.is_empty() && bags.iter().all(|bag| bag.is_empty()) {
        return;
    }
    let mut known: HashMap<(usize, Issuer<'a>, &'a [u8]), RevocationFacts> = HashMap::new();
    let mut inquiry = Inquiry { pool, bags, lists, root: None, signers: HashMap::new() };
    for path in &mut paths.list {
        let mut facts = Vec::new();
        inquiry.root = root_of(path);
        let root = inquiry.root.map_or(&[][..], |root| root.thumbprint_sha256);
        for (position, index) in path.certificates.iter().enumerate() {
            let Some(certificate) = pool.certificate(*index) else { break };
            if is_root(path, position) {
                break;
            }
            let Some(issuer) = issuer(path, pool, position) else {
                facts.push(RevocationFacts::default());
                break;
            };
            let key = (*index, issuer, root);
            let found = match known.get(&key) {
                Some(found) => found.clone(),
                None => {
                    let found = inquiry.of_certificate(certificate, &issuer, Level::Path);
                    known.insert(key, found.clone());
                    found
                }
            };
            facts.push(found);
        }
        path.revocation = Some(facts);
    }
}

fn root_of<'a>(path: &Path<'a>) -> Option<Root<'a>> {
    match path.end {
        PathEnd::Anchor { root, .. } => Some(root),
        _ => None,
    }
}

/// The last certificate of a path is its root where it is the store's own, or confirms itself.
fn is_root(path: &Path<'_>, position: usize) -> bool {
    let last = position.saturating_add(1) == path.certificates.len();
    last && matches!(path.end, PathEnd::Anchor { in_bag: true, .. } | PathEnd::SelfSigned)
}

/// Who issued the certificate at a position of the path. Of a root only the store's own facts count: a copy of its
/// certificate that a file brings along could say anything beside name and key.
fn issuer<'a>(path: &Path<'a>, pool: &Pool<'a>, position: usize) -> Option<Issuer<'a>> {
    let above = position.saturating_add(1);
    match (path.certificates.get(above), path.end) {
        (Some(_), PathEnd::Anchor { root, in_bag: true }) if is_root(path, above) => Some(of_root(&root)),
        (None, PathEnd::Anchor { root, in_bag: false }) => Some(of_root(&root)),
        (Some(index), _) => {
            let issuer = pool.certificate(*index)?;
            Some(Issuer {
                name: issuer.subject,
                spki: issuer.spki,
                key_identifier: issuer.subject_key_identifier(),
                crl_sign_denied: issuer.key_usage().is_some_and(|usage| !usage.crl_sign),
            })
        }
        (None, _) => None,
    }
}

fn of_root<'a>(root: &Root<'a>) -> Issuer<'a> {
    Issuer { name: root.subject, spki: root.spki, key_identifier: root.key_identifier, crl_sign_denied: false }
}

impl<'a> Inquiry<'_, 'a> {
    fn of_certificate(&mut self, certificate: &Certificate<'_>, issuer: &Issuer<'_>, level: Level) -> RevocationFacts {
        let mut facts = RevocationFacts::default();
        self.ask_crls(certificate, issuer, level, &mut facts);
        self.ask_responses(certificate, issuer, &mut facts);
        facts.lists.sort_by_key(|fact| Reverse(fact.this_update));
        facts
    }
}
