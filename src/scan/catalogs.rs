//! From the digests of a file to the catalog that signs it.
//!
//! The index only says where to look. A catalog is read when the first file seems to be in it, judged like any other
//! file, and believed to list a digest only if the bytes that were judged do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::pass::Digests;
use super::scanner::Scanner;
use crate::anomaly::Anomaly;
use crate::cms::SignedData;
use crate::cms::catalog::{CatalogList, MemberDigest};
use crate::container::{ListedBy, MemorySource};
use crate::crypto::DigestAlgorithm;
use crate::judge::Status;
use crate::record::{KernelFacts, Record, Signature};
use crate::trust::CatalogIndex;

/// Catalogs that are tried for one file, of those that list it; Windows' own files are listed in one or two.
const MAX_CANDIDATES: usize = 256;
/// Members of judged catalogs that are kept, at 33 bytes each; when there are more, the cache starts anew.
const MAX_KEPT_MEMBERS: usize = 1 << 20;
/// Judged catalogs that are kept, at about 20 KiB each.
const MAX_KEPT: usize = 1024;

/// The index and the catalogs judged so far.
#[derive(Debug)]
pub(super) struct Catalogs {
    pub(super) index: CatalogIndex,
    judged: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    catalogs: BTreeMap<u32, Arc<JudgedCatalog>>,
    members: usize,
}

/// A catalog, judged.
#[derive(Debug)]
pub(super) struct JudgedCatalog {
    /// Its record, as if it had been scanned.
    pub(super) record: Record,
    /// Its deciding signature.
    pub(super) signature: Option<Signature>,
    /// What that says to the kernel of the drivers that it lists.
    pub(super) kernel: Option<KernelFacts>,
    /// The digests that it lists, sorted.
    members: Vec<MemberDigest>,
}

/// What was found for one file.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    /// The catalog that speaks for the file.
    pub(super) hit: Option<Arc<JudgedCatalog>>,
    /// What could not be read, or was not.
    pub(super) anomalies: Vec<Anomaly>,
    /// Whether a catalog that may list the file was not looked at.
    pub(super) missed: bool,
}

impl Catalogs {
    pub(super) fn new(index: CatalogIndex) -> Catalogs {
        Catalogs { index, judged: Mutex::default() }
    }

    /// The catalog that lists a file by this kind of digest: the first one that verifies, else the first one. SHA-256 is tried
    /// before SHA-1, and catalogs in the order of the index. A digest of the other kind proves nothing: what a program's
    /// headers leave out of its Authenticode digest is for whoever made it to choose.
    pub(super) fn look_up(&self, scanner: &Scanner, digests: &Digests, by: ListedBy) -> Lookup {
        let mut lookup = self.search(scanner, wanted(digests, by));
        lookup.missed |= by == ListedBy::Unread;
        lookup
    }

    /// The same for digests of whatever kind.
    pub(super) fn search(&self, scanner: &Scanner, digests: impl Iterator<Item = MemberDigest>) -> Lookup {
        let mut lookup = Lookup::default();
        let mut tried: Vec<u32> = Vec::new();
        for digest in digests {
            for catalog in self.index.candidates(&digest) {
                if tried.contains(&catalog) {
                    continue;
                }
                if tried.len() >= MAX_CANDIDATES {
                    let message = format!("catalogs that list the file after the first {MAX_CANDIDATES} were not read");
                    lookup.anomalies.push(Anomaly::new("catalog-limit", message));
                    lookup.missed = true;
                    return lookup;
                }
                let judged = match self.judged(scanner, catalog) {
                    Ok(judged) => judged,
                    Err(message) => {
                        tried.push(catalog);
                        lookup.anomalies.push(Anomaly::new("catalog-unreadable", message));
                        lookup.missed = true;
                        continue;
                    }
                };
                if judged.members.binary_search(&digest).is_err() {
                    continue; // it is no longer what it was when it was indexed
                }
                tried.push(catalog);
                if judged.record.status == Status::Valid {
                    lookup.hit = Some(judged);
                    return lookup;
                }
                lookup.hit.get_or_insert(judged);
            }
        }
        lookup
    }

    /// The catalog from the cache, or read and judged now. Two threads may judge the same one; both get the same.
    fn judged(&self, scanner: &Scanner, catalog: u32) -> Result<Arc<JudgedCatalog>, String> {
        let cache = || self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judged) = cache().catalogs.get(&catalog) {
            return Ok(Arc::clone(judged));
        }
        let name = self.index.name(catalog).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = self.index.read(catalog).map_err(|error| format!("{name}: {error}"))?;
        let (record, signature, kernel) = scanner.judge_catalog(&name, &MemorySource(&bytes));
        let judged = Arc::new(JudgedCatalog { record, signature, kernel, members: members(&bytes) });
        let mut cache = cache();
        if cache.members.saturating_add(judged.members.len()) > MAX_KEPT_MEMBERS || cache.catalogs.len() >= MAX_KEPT {
            *cache = Cache::default();
        }
        cache.members = cache.members.saturating_add(judged.members.len());
        cache.catalogs.insert(catalog, Arc::clone(&judged));
        Ok(judged)
    }
}

fn wanted(digests: &Digests, by: ListedBy) -> impl Iterator<Item = MemberDigest> + '_ {
    let found = match by {
        ListedBy::Authentihash => Some(&digests.authentihash),
        ListedBy::File => Some(&digests.file),
        ListedBy::Nothing | ListedBy::Unread => None,
    };
    let algorithms = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha1];
    algorithms.into_iter().filter_map(move |algorithm| MemberDigest::new(algorithm, found?.get(&algorithm)?.as_bytes()))
}

fn members(bytes: &[u8]) -> Vec<MemberDigest> {
    let list = SignedData::parse(bytes, 0).ok().and_then(|data| CatalogList::parse(data.content?).ok());
    let mut members: Vec<MemberDigest> =
        list.iter().flat_map(CatalogList::members).filter_map(|member| member.ok().flatten()).collect();
    members.sort_unstable();
    members
}
