//! Revocation lists and OCSP responses from files: read once, found by issuer, understood when somebody asks.

mod loaded;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::LoadError;
use super::load::{files_below, source_name};
use crate::crypto::{DigestAlgorithm, digest};
use crate::x509::crl::CertificateList;
use crate::x509::ocsp::{OcspResponse, key_octets};
use crate::x509::{integer_octets, normalised_name};

pub use loaded::{CrlState, LoadedCrl, LoadedResponse, SignedState};

/// All lists and responses of one run together may have this many octets, and so may any one file: the largest CRLs of code
/// signing CAs have a few megabytes, those of the whole web a few hundred.
pub const MAX_REVOCATION_BYTES: u64 = 256 << 20;

/// Files are read together until they have this many octets, so that what is of no use does not fill the memory.
const BATCH_OCTETS: u64 = 64 << 20;

/// Another thread is worth its start from this many files on.
const FILES_A_THREAD: usize = 16;

/// The revocation lists and OCSP responses that a scan may use.
#[derive(Debug, Default)]
pub struct RevocationLists {
    crls: Vec<LoadedCrl>,
    by_issuer: HashMap<Vec<u8>, Vec<usize>>,
    responses: Vec<LoadedResponse>,
    /// By issuerKeyHash and serial number: which responses answer.
    by_id: HashMap<(Vec<u8>, Vec<u8>), Vec<usize>>,
    hashes: BTreeSet<DigestAlgorithm>,
    /// By length and last octets, which end a signature: what may be the same.
    known: HashMap<(usize, Vec<u8>), Vec<Known>>,
    octets: u64,
    /// Lists that were joined, in the order in which they are asked.
    parts: Vec<Arc<RevocationLists>>,
}

#[derive(Debug, Clone, Copy)]
enum Known {
    Crl(usize),
    Response(usize),
}

/// What was found in a file: how many of each, those that were there already included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// CRLs.
    pub crls: usize,
    /// OCSP responses that answer something; a responder's refusal is none.
    pub responses: usize,
    /// Those of them that were not taken, because [`MAX_REVOCATION_BYTES`] would have been exceeded.
    pub too_large: usize,
}

impl Found {
    /// Whether there was nothing of use.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.crls == 0 && self.responses == 0
    }
}

/// One thing of use in a file, cut out.
enum Item {
    Crl(Vec<u8>),
    Response(Vec<u8>),
}

impl RevocationLists {
    /// No lists.
    #[must_use]
    pub fn new() -> RevocationLists {
        RevocationLists::default()
    }

    /// Everything of use in files and folders; see [`RevocationLists::read`].
    ///
    /// # Errors
    /// As [`RevocationLists::read`].
    pub fn load(paths: &[PathBuf]) -> Result<RevocationLists, LoadError> {
        let mut lists = RevocationLists::new();
        lists.read(paths)?;
        Ok(lists)
    }

    /// Adds every CRL and OCSP response in files and folders, DER or PEM, told apart by content. Other files in a folder
    /// are passed over.
    ///
    /// # Errors
    /// When a path cannot be read or holds neither, or when there is more than [`MAX_REVOCATION_BYTES`].
    pub fn read(&mut self, paths: &[PathBuf]) -> Result<(), LoadError> {
        for path in paths {
            let mut found = false;
            let (mut batch, mut octets) = (Vec::new(), 0u64);
            for file in files_below(path)? {
                let length = std::fs::metadata(&file).map_err(|error| LoadError::Io(file.clone(), error))?.len();
                if octets.saturating_add(length) > BATCH_OCTETS || !self.has_room_for(octets.saturating_add(length)) {
                    found |= self.add_files(path, std::mem::take(&mut batch))?;
                    octets = 0;
                }
                if !self.has_room_for(length) {
                    return Err(too_large(&file));
                }
                octets = octets.saturating_add(length);
                batch.push((file, length));
            }
            found |= self.add_files(path, batch)?;
            if !found {
                return Err(LoadError::NoRevocationList(path.clone()));
            }
        }
        Ok(())
    }

    /// Reads files on every core and adds what they hold in their order; whether that was anything.
    fn add_files(&mut self, given: &Path, batch: Vec<(PathBuf, u64)>) -> Result<bool, LoadError> {
        let mut found = false;
        for ((file, _), items) in batch.iter().zip(read_all(&batch)) {
            let items = items.map_err(|error| LoadError::Io(file.clone(), error))?;
            let told = self.add_items(&source_name(given, file), items);
            if told.too_large > 0 {
                return Err(too_large(file));
            }
            found |= !told.is_empty();
        }
        Ok(found)
    }

    fn has_room_for(&self, length: u64) -> bool {
        self.octets.saturating_add(length) <= MAX_REVOCATION_BYTES
    }

    /// Adds what the octets of one file hold: a CRL or an OCSP response in DER, or any number of them in PEM (`X509 CRL`,
    /// `OCSP RESPONSE`). What is there already is not kept twice. Records name `source`.
    pub fn add_bytes(&mut self, source: &str, bytes: Vec<u8>) -> Found {
        self.add_items(source, items_in(bytes))
    }

    fn add_items(&mut self, source: &str, items: Vec<Item>) -> Found {
        let mut found = Found::default();
        for item in items {
            let octets = match &item {
                Item::Crl(bytes) => {
                    found.crls = found.crls.saturating_add(1);
                    bytes
                }
                Item::Response(bytes) => {
                    found.responses = found.responses.saturating_add(1);
                    bytes
                }
            };
            if !self.has_room_for(octets.len() as u64) {
                found.too_large = found.too_large.saturating_add(1);
                continue;
            }
            let key = (octets.len(), octets.get(octets.len().saturating_sub(32)..).unwrap_or_default().to_vec());
            if self.knows(&key, octets) {
                continue;
            }
            self.octets = self.octets.saturating_add(octets.len() as u64);
            let place = match item {
                Item::Crl(bytes) => self.add_crl(source, bytes),
                Item::Response(bytes) => self.add_response(source, bytes),
            };
            self.known.entry(key).or_default().push(place);
        }
        found
    }

    fn knows(&self, key: &(usize, Vec<u8>), octets: &[u8]) -> bool {
        let bytes = |known: &Known| match known {
            Known::Crl(index) => self.crls.get(*index).map(|crl| &crl.bytes),
            Known::Response(index) => self.responses.get(*index).map(|response| &response.bytes),
        };
        self.known.get(key).is_some_and(|places| places.iter().filter_map(bytes).any(|known| known == octets))
    }

    fn add_crl(&mut self, source: &str, bytes: Vec<u8>) -> Known {
        let index = self.crls.len();
        if let Ok(list) = CertificateList::parse(&bytes) {
            self.by_issuer.entry(normalised_name(list.issuer).into_owned()).or_default().push(index);
        }
        self.crls.push(LoadedCrl { source: source.to_owned(), state: CrlState::default(), bytes });
        Known::Crl(index)
    }

    fn add_response(&mut self, source: &str, bytes: Vec<u8>) -> Known {
        let index = self.responses.len();
        let basic = OcspResponse::parse(&bytes).ok().and_then(|response| response.basic);
        for answer in basic.iter().flat_map(|basic| &basic.answers) {
            let key = (answer.id.issuer_key_hash.to_vec(), integer_octets(answer.id.serial).to_vec());
            let places = self.by_id.entry(key).or_default();
            if places.last() != Some(&index) {
                places.push(index);
            }
            self.hashes.extend(answer.id.algorithm);
        }
        self.responses.push(LoadedResponse { source: source.to_owned(), state: SignedState::default(), bytes });
        Known::Response(index)
    }

    /// Several lists as one, without copying any.
    #[must_use]
    pub fn join(parts: Vec<Arc<RevocationLists>>) -> RevocationLists {
        let flat = parts
            .into_iter()
            .flat_map(|part| part.parts.iter().map(Arc::clone).chain([Arc::clone(&part)]).collect::<Vec<_>>());
        RevocationLists { parts: flat.collect(), ..RevocationLists::default() }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each().all(|lists| lists.crls.is_empty() && lists.responses.is_empty())
    }

    /// How many CRLs there are.
    #[must_use]
    pub fn crls(&self) -> usize {
        self.each().fold(0, |sum, lists| sum.saturating_add(lists.crls.len()))
    }

    /// How many OCSP responses there are.
    #[must_use]
    pub fn responses(&self) -> usize {
        self.each().fold(0, |sum, lists| sum.saturating_add(lists.responses.len()))
    }

    /// The lists whose issuer has this name, by meaning (RFC 5280 section 7.1).
    pub fn by_issuer(&self, name: &[u8]) -> impl Iterator<Item = &LoadedCrl> {
        let name = normalised_name(name).into_owned();
        self.each().flat_map(move |lists| {
            let found = lists.by_issuer.get(&name);
            found.into_iter().flatten().filter_map(|index| lists.crls.get(*index))
        })
    }

    /// The responses that answer about this serial number under this issuer's key, in the order in which they were added.
    pub fn about(&self, spki: &[u8], serial: &[u8]) -> Vec<&LoadedResponse> {
        let Some(key) = key_octets(spki) else { return Vec::new() };
        self.each().flat_map(|lists| lists.about_here(key, integer_octets(serial))).collect()
    }

    fn about_here(&self, key: &[u8], serial: &[u8]) -> Vec<&LoadedResponse> {
        if self.responses.is_empty() {
            return Vec::new();
        }
        let hashes = self.hashes.iter().filter_map(|algorithm| digest(*algorithm, key));
        let places = hashes.filter_map(|hash| self.by_id.get(&(hash.as_bytes().to_vec(), serial.to_vec())));
        let indices: BTreeSet<usize> = places.flatten().copied().collect();
        indices.into_iter().filter_map(|index| self.responses.get(index)).collect()
    }

    /// These lists and those that were joined into them, which have none joined into them.
    fn each(&self) -> impl Iterator<Item = &RevocationLists> {
        std::iter::once(self).chain(self.parts.iter().map(Arc::as_ref))
    }
}

/// The first list or response among octets, DER.
#[must_use]
pub fn first_revocation_object(bytes: Vec<u8>) -> Option<Vec<u8>> {
    items_in(bytes).into_iter().next().map(|item| match item {
        Item::Crl(octets) | Item::Response(octets) => octets,
    })
}

fn too_large(file: &Path) -> LoadError {
    let mib = MAX_REVOCATION_BYTES >> 20;
    LoadError::TooLarge(file.to_owned(), format!("revocation lists may have {mib} MiB together"))
}

/// What files hold, in their order. The largest are begun first, so that none of them is left for the end.
fn read_all(files: &[(PathBuf, u64)]) -> Vec<std::io::Result<Vec<Item>>> {
    let read = |file: &Path| std::fs::read(file).map(items_in);
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(files.len() / FILES_A_THREAD);
    if threads < 2 {
        return files.iter().map(|(file, _)| read(file)).collect();
    }
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|index| files.get(*index).map(|(_, length)| Reverse(*length)));
    let results: Vec<OnceLock<std::io::Result<Vec<Item>>>> = files.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let (Some((file, _)), Some(result)) = (files.get(*index), results.get(*index)) {
                        let _ = result.set(read(file));
                    }
                }
            });
        }
    });
    // Every place was filled: a thread that panicked has ended the scope with its panic.
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(|| Ok(Vec::new()))).collect()
}

/// Everything of use in a file: PEM blocks, or one object in DER.
fn items_in(mut bytes: Vec<u8>) -> Vec<Item> {
    if let Some((length, item)) = recognise(&bytes) {
        bytes.truncate(length);
        return vec![item(bytes)];
    }
    let blocks = pem::parse_many(&bytes).unwrap_or_default();
    let labels = ["X509 CRL", "CRL", "OCSP RESPONSE"];
    let wanted = blocks.into_iter().filter(|block| labels.contains(&block.tag())).map(pem::Pem::into_contents);
    wanted
        .filter_map(|mut bytes| {
            let (length, item) = recognise(&bytes)?;
            bytes.truncate(length);
            Some(item(bytes))
        })
        .collect()
}

/// How octets become an item.
type Wrap = fn(Vec<u8>) -> Item;

/// What begins at the first octet, and how many octets it has.
fn recognise(bytes: &[u8]) -> Option<(usize, Wrap)> {
    if let Ok(list) = CertificateList::parse(bytes) {
        return Some((list.raw.len(), Item::Crl));
    }
    let response = OcspResponse::parse(bytes).ok()?;
    response.basic.map(|_| (response.raw.len(), Item::Response as Wrap))
}
