//! Roots from files: PEM and DER certificates, folders of them, and Microsoft's `authroot.stl`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::disallowed::signature_hash;
use super::{LimitDate, Provenance, RevocationLists, RootFacts, TrustStore};
use crate::asn1::{Oid, Reader, Time, oids, tag};
use crate::cms::SignedData;
use crate::verify::{CertificateSource, Lists, Memo, Pool, Work, signer_facts};
use crate::x509::Certificate;
use crate::x509::ctl::{Ctl, CtlEntry};

/// A list file larger than this is refused; `authroot.stl` has 200 KB and all its certificates 1.2 MB.
const MAX_FILE: u64 = 64 << 20;

/// Why roots could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// A file could not be read.
    Io(PathBuf, std::io::Error),
    /// A path holds neither certificates nor a trust list.
    Nothing(PathBuf),
    /// A path holds no disallowed list.
    NoDisallowedList(PathBuf),
    /// A line of a list of hashes is none.
    BadLine(PathBuf, usize),
    /// A file is not the kind of list that it was given as.
    Unreadable(PathBuf, String),
    /// A store file is damaged, or of another version.
    Damaged(PathBuf),
    /// A path holds no revocation list.
    NoRevocationList(PathBuf),
    /// There is more than may be loaded.
    TooLarge(PathBuf, String),
    /// A path holds no catalog.
    NoCatalog(PathBuf),
    /// More than a documented limit.
    TooMany(PathBuf, String),
    /// A trust list is not to be believed.
    Refused(PathBuf, String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            LoadError::Nothing(path) => write!(f, "{}: no certificate and no trust list in it", path.display()),
            LoadError::NoDisallowedList(path) => {
                write!(f, "{}: no disallowed list, no certificate and no list of hashes in it", path.display())
            }
            LoadError::Unreadable(path, why) => write!(f, "{}: {why}", path.display()),
            LoadError::BadLine(path, line) => {
                write!(f, "{}: line {line} is neither a thumbprint nor a tbs: or spki: hash", path.display())
            }
            LoadError::Damaged(path) => {
                write!(
                    f,
                    "{}: the store file is damaged or of another version: nothing in it is trusted",
                    path.display()
                )
            }
            LoadError::NoRevocationList(path) => write!(f, "{}: no revocation list in it", path.display()),
            LoadError::TooLarge(path, why) => write!(f, "{}: too much to load: {why}", path.display()),
            LoadError::NoCatalog(path) => write!(f, "{}: no catalog in it", path.display()),
            LoadError::TooMany(path, what) => write!(f, "{}: {what}", path.display()),
            LoadError::Refused(path, why) => write!(f, "{}: the trust list is refused: {why}", path.display()),
        }
    }
}

impl std::error::Error for LoadError {}

/// Builds a store from files and folders: certificates, root lists, and store files. Certificates that a root list names
/// get the list's properties; all others count for every usage and without dates.
///
/// # Errors
/// When a path cannot be read, holds nothing, or a list's own signature does not lead to a Microsoft root
/// that is built into Windows.
pub fn load_paths(paths: &[PathBuf]) -> Result<TrustStore, LoadError> {
    Loaded::from_paths(paths)?.into_store(paths)
}

/// What files hold that may become a store.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Certificates, DER, by their SHA-256.
    pub certificates: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Signed trust lists, and where they are. Nothing of them is believed yet.
    pub lists: Vec<(PathBuf, Vec<u8>)>,
    /// Store files.
    pub stores: Vec<TrustStore>,
}

impl Loaded {
    /// Reads files and folders.
    ///
    /// # Errors
    /// When a path cannot be read or holds nothing of the kind, or a store file is damaged.
    pub fn from_paths(paths: &[PathBuf]) -> Result<Loaded, LoadError> {
        let mut loaded = Loaded::default();
        for path in paths {
            let mut found = false;
            for file in files_below(path)? {
                let bytes = read_limited(&file)?;
                found |= loaded.add(file, bytes)?;
            }
            if !found {
                return Err(LoadError::Nothing(path.clone()));
            }
        }
        Ok(loaded)
    }

    /// Adds what a file holds; false when it holds nothing of the kind.
    ///
    /// # Errors
    /// When it is a damaged store file.
    pub fn add(&mut self, file: PathBuf, bytes: Vec<u8>) -> Result<bool, LoadError> {
        if bytes.starts_with(b"SIGROOT") {
            self.stores.push(TrustStore::from_file(bytes).map_err(|_| LoadError::Damaged(file))?);
            return Ok(true);
        }
        if ctl_content(&bytes).is_some() {
            self.lists.push((file, bytes));
            return Ok(true);
        }
        let found = certificates_in(&bytes);
        let any = !found.is_empty();
        self.certificates.extend(found.into_iter().map(|der| (Sha256::digest(&der).to_vec(), der)));
        Ok(any)
    }

    fn into_store(self, paths: &[PathBuf]) -> Result<TrustStore, LoadError> {
        let Loaded { certificates, lists, stores } = self;
        let anchors = TrustStore::embedded();
        let mut roots: Vec<RootFacts> = Vec::new();
        let mut provenance = Provenance { name: describe(paths), ..Provenance::default() };
        let mut listed = BTreeSet::new();
        let mut read = Vec::new();
        for (file, bytes) in &lists {
            read.push(ctl_from_stl(bytes, &anchors).map_err(|why| LoadError::Refused(file.clone(), why))?);
        }
        // Of several lists the latest counts, as for Windows, which has one. What only an older one names is in no programme any more.
        let latest = read.iter().map(|ctl| (ctl.this_update, ctl.sequence_number)).max();
        for ctl in &read {
            let (facts, _) = roots_from_ctl(ctl, certificates.values().map(Vec::as_slice));
            listed.extend(facts.iter().map(|root| root.thumbprint_sha256.clone()));
            if roots.is_empty() && latest == Some((ctl.this_update, ctl.sequence_number)) {
                provenance.date = ctl.this_update.map(Time::to_rfc3339).unwrap_or_default();
                provenance.sequence = ctl.sequence_number.map(crate::x509::serial_to_hex).unwrap_or_default();
                roots.extend(facts);
            }
        }
        for (thumbprint, der) in &certificates {
            if !listed.contains(thumbprint) {
                roots.extend(root_from_certificate(der));
            }
        }
        provenance.sources = paths.iter().map(|path| path.display().to_string()).collect();
        let alone = certificates.is_empty() && lists.is_empty();
        let made = if alone { TrustStore::empty() } else { TrustStore::from_roots(&provenance, &roots) };
        Ok(stores.into_iter().fold(made, TrustStore::with))
    }
}

/// Every certificate in files and folders, DER, sorted and without repetition.
///
/// # Errors
/// When a path cannot be read.
pub fn certificates_below(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, LoadError> {
    let mut certificates = BTreeSet::new();
    for path in paths {
        for file in files_below(path)? {
            certificates.extend(certificates_in(&read_limited(&file)?));
        }
    }
    Ok(certificates.into_iter().collect())
}

/// `folder/below/file.crl` for a file found through `.../folder`, with slashes on every system.
pub(super) fn source_name(given: &Path, file: &Path) -> String {
    let below = given.parent().and_then(|parent| file.strip_prefix(parent).ok()).unwrap_or(file);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn describe(paths: &[PathBuf]) -> String {
    let names: Vec<String> =
        paths.iter().map(|path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()).collect();
    names.join(", ")
}

/// The file itself, or the files below a folder in path order; links inside a folder are not followed.
pub(super) fn files_below(path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() || (entry.depth() == 0 && entry.path().is_file()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(path).to_owned();
                return Err(LoadError::Io(path, error.into()));
            }
        }
    }
    Ok(files)
}

pub(super) fn read_limited(path: &Path) -> Result<Vec<u8>, LoadError> {
    let io = |error| LoadError::Io(path.to_owned(), error);
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > MAX_FILE {
        return Err(LoadError::Refused(path.to_owned(), format!("{length} bytes exceed the limit of {MAX_FILE}")));
    }
    std::fs::read(path).map_err(io)
}

/// Every certificate in a file: PEM blocks, or one DER certificate.
#[must_use]
pub fn certificates_in(bytes: &[u8]) -> Vec<Vec<u8>> {
    if let Ok(certificate) = Certificate::parse(bytes) {
        return vec![certificate.raw.to_vec()];
    }
    let blocks = pem::parse_many(bytes).unwrap_or_default();
    let labels = ["CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE"];
    blocks
        .iter()
        .filter(|block| labels.contains(&block.tag()))
        .filter_map(|block| Certificate::parse(block.contents()).ok().map(|certificate| certificate.raw.to_vec()))
        .collect()
}

/// How many blocks begin in a PEM file (RFC 7468) that seem to be called certificates, in whatever spelling: who counts fewer
/// certificates has not read all that was meant.
#[must_use]
pub fn certificate_blocks(text: &[u8]) -> usize {
    let text = text.to_ascii_uppercase();
    let labels = memchr::memmem::find_iter(&text, b"-----BEGIN").map(|at| {
        let line = text.get(at.saturating_add(10)..).unwrap_or(&[]);
        line.split(|octet| matches!(octet, b'-' | b'\r' | b'\n')).next().unwrap_or(&[]).trim_ascii()
    });
    labels.filter(|label| label.ends_with(b"CERTIFICATE")).count()
}

/// The facts of a root given as a certificate: every usage, no dates. `None` when it does not decode.
#[must_use]
pub fn root_from_certificate(der: &[u8]) -> Option<RootFacts> {
    let certificate = Certificate::parse(der).ok()?;
    Some(RootFacts {
        subject: certificate.subject.to_vec(),
        spki: certificate.spki.to_vec(),
        key_identifier: certificate.subject_key_identifier().map(<[u8]>::to_vec),
        serial: certificate.serial.to_vec(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        thumbprint_sha1: Sha1::digest(der).to_vec(),
        thumbprint_sha256: Sha256::digest(der).to_vec(),
        name_constraints: certificate.extension(oids::NAME_CONSTRAINTS).map(|extension| extension.value.to_vec()),
        signature_hash: signature_hash(&certificate),
        end_entity: is_end_entity(&certificate),
        ..RootFacts::default()
    })
}

/// Whether a certificate says that it is no authority's.
fn is_end_entity(certificate: &Certificate<'_>) -> bool {
    certificate.basic_constraints().is_some_and(|basic| !basic.is_ok_and(|basic| basic.ca))
        || certificate.key_usage().is_some_and(|usage| !usage.key_cert_sign)
}

pub(super) fn ctl_content(bytes: &[u8]) -> Option<SignedData<'_>> {
    SignedData::parse(bytes, 0).ok().filter(|data| data.content_type == oids::MS_CTL)
}

/// The usages that a signed list claims to be for; none when the bytes are no such list. Nothing is verified.
#[must_use]
pub fn claimed_usages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let content = ctl_content(bytes).and_then(|data| data.content);
    let usages = content.and_then(|content| Ctl::parse(content.raw).ok()).map(|ctl| ctl.subject_usage);
    usages.unwrap_or_default().into_iter().map(<[u8]>::to_vec).collect()
}

/// The trust list in a file, after the checks that make it believable: its signature verifies, and its signer
/// carries the root list usage and chains, at the list's own date, to a Microsoft root built into Windows.
///
/// # Errors
/// Why it is not believed, for a person.
pub fn ctl_from_stl<'a>(bytes: &'a [u8], anchors: &TrustStore) -> Result<Ctl<'a>, String> {
    believed_ctl(bytes, anchors, oids::EKU_ROOT_LIST_SIGNER, "root list")
}

/// A list for this use: both the list's usage and that of its signer's certificate.
pub(super) fn believed_ctl<'a>(
    bytes: &'a [u8],
    anchors: &TrustStore,
    usage: Oid<'_>,
    what: &str,
) -> Result<Ctl<'a>, String> {
    let data = ctl_content(bytes).ok_or("it is no signed trust list")?;
    let content = data.content.ok_or("it is empty")?;
    let ctl = Ctl::parse(content.raw).map_err(|error| error.to_string())?;
    if !ctl.subject_usage.contains(&usage) {
        return Err(format!("it is no {what}"));
    }
    let [signer] = data.signers.as_slice() else { return Err("it does not have one signer".to_owned()) };
    let mut pool = Pool::new();
    pool.add_bag(&data, CertificateSource::Signature);
    let index = pool.signer(&signer.sid).ok_or("its signer's certificate is missing")?;
    let certificate = pool.certificate(index).ok_or("its signer's certificate cannot be read")?;
    let facts = signer_facts(signer, oids::MS_CTL, Some(content.content), Some(certificate.spki));
    if !facts.holds() {
        return Err("its signature does not verify".to_owned());
    }
    let moment = ctl.this_update.ok_or("it has no date")?;
    let memo = Memo::default();
    let work = Work::default();
    let revocation = RevocationLists::new();
    let lists = Lists {
        trust: anchors,
        intermediates: &[],
        downloaded: &[],
        revocation: &revocation,
        memo: &memo,
        work: &work,
    };
    crate::judge::list_signer_is_trusted(&pool, index, lists, moment, usage)?;
    Ok(ctl)
}

/// Property numbers of `wincrypt.h` (`CERT_*_PROP_ID`).
mod property {
    pub const ENHKEY_USAGE: u32 = 9;
    pub const FRIENDLY_NAME: u32 = 11;
    pub const NAME_CONSTRAINTS: u32 = 84;
    pub const DISALLOWED_FILETIME: u32 = 104;
    pub const DISALLOWED_ENHKEY_USAGE: u32 = 122;
    pub const NOT_BEFORE_FILETIME: u32 = 126;
    pub const NOT_BEFORE_ENHKEY_USAGE: u32 = 127;
}

/// The roots that a list names and whose certificates are at hand, and how many entries have none.
pub fn roots_from_ctl<'c>(ctl: &Ctl<'_>, certificates: impl Iterator<Item = &'c [u8]>) -> (Vec<RootFacts>, usize) {
    let mut entries: BTreeMap<&[u8], &CtlEntry<'_>> =
        ctl.entries.iter().map(|entry| (entry.identifier, entry)).collect();
    let mut roots = Vec::new();
    // Identifiers are made with the list's own subjectAlgorithm; Microsoft's lists use SHA-1.
    let algorithm = crate::crypto::DigestAlgorithm::from_oid(ctl.subject_algorithm.oid);
    for der in certificates {
        let Some(identifier) = algorithm.and_then(|algorithm| crate::crypto::digest(algorithm, der)) else { continue };
        let sha256 = Sha256::digest(der);
        if !entries.get(identifier.as_bytes()).is_some_and(|entry| entry.fits(&sha256)) {
            continue;
        }
        let Some(entry) = entries.remove(identifier.as_bytes()) else { continue };
        if let Some(root) = root_from_certificate(der) {
            roots.push(with_properties(root, entry));
        }
    }
    (roots, entries.len())
}

pub(super) fn with_properties(mut root: RootFacts, entry: &CtlEntry<'_>) -> RootFacts {
    let usages = |number| entry.property(number).map(usage_list);
    let date = |number| match entry.property(number) {
        None => LimitDate::Absent,
        Some([]) => LimitDate::Cleared,
        // A date that cannot be read limits from the beginning of time: believing less is the safe side.
        Some(octets) => LimitDate::At(filetime(octets).unwrap_or(Time(i64::MIN))),
    };
    root.program = true;
    root.usages = usages(property::ENHKEY_USAGE);
    root.not_before_limit = date(property::NOT_BEFORE_FILETIME);
    root.not_before_usages = usages(property::NOT_BEFORE_ENHKEY_USAGE);
    root.disabled = date(property::DISALLOWED_FILETIME);
    root.disabled_usages = usages(property::DISALLOWED_ENHKEY_USAGE);
    root.friendly_name = entry.property(property::FRIENDLY_NAME).map(utf16);
    if let Some(constraints) = entry.property(property::NAME_CONSTRAINTS) {
        root.name_constraints = Some(constraints.to_vec());
    }
    root
}

fn filetime(octets: &[u8]) -> Option<Time> {
    octets.first_chunk::<8>().and_then(|bytes| Time::from_filetime(u64::from_le_bytes(*bytes)))
}

fn utf16(octets: &[u8]) -> String {
    let units = octets.chunks_exact(2).filter_map(|pair| pair.first_chunk::<2>().map(|unit| u16::from_le_bytes(*unit)));
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

/// SEQUENCE OF OBJECT IDENTIFIER. A list that cannot be read allows, or limits, nothing beyond what was read.
fn usage_list(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut list = Vec::new();
    if let Ok(sequence) = Reader::new(octets).expect(tag::SEQUENCE) {
        let mut items = sequence.children();
        while let Ok(Some(item)) = items.next() {
            list.push(item.content.to_vec());
        }
    }
    list
}
