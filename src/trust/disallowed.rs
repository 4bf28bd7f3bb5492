//! What is distrusted by name: Microsoft's disallowed list (`disallowedcert.stl`) and lists of the user's own.
//!
//! A list names certificates by hashes. Which hash an entry is says the list: Microsoft's by its subjectAlgorithm, a
//! text file by a prefix. Nothing is hashed for a list that is not loaded, and only the hashes that the loaded lists
//! use are computed.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::load::{
    believed_ctl, certificate_blocks, certificates_in, ctl_content, files_below, read_limited, source_name,
};
use super::{LoadError, Root, TrustStore};
use crate::asn1::{Oid, Reader, Time, oids, tag};
use crate::crypto::{DigestAlgorithm, digest, hash_for_signature, signature_scheme};
use crate::x509::ctl::Ctl;
use crate::x509::{Certificate, serial_to_hex};

/// All lists together may have this many entries; Microsoft's has 20.
const MAX_ENTRIES: usize = 1_000_000;

/// Which hash an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// Of the whole certificate.
    Thumbprint,
    /// CERT_SIGNATURE_HASH_PROP_ID: of the TBSCertificate element, under the hash of the certificate's own signature
    /// (`wincrypt.h`; CryptHashToBeSigned).
    SignatureHash,
    /// CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID: MD5 of the octets in the subjectPublicKey BIT STRING.
    PublicKeyMd5,
    /// Of the SubjectPublicKeyInfo element.
    KeyInfo,
}

impl EntryKind {
    /// What a person calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Thumbprint => "thumbprint",
            EntryKind::SignatureHash => "signature hash",
            EntryKind::PublicKeyMd5 => "public key MD5",
            EntryKind::KeyInfo => "public key hash",
        }
    }
}

/// One list that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DisallowedList {
    /// Name of its file, with the folder it was given by and what lies between.
    pub name: String,
    /// When a signed list was made.
    pub date: Option<Time>,
    /// Sequence number of a signed list, hexadecimal.
    pub sequence: Option<String>,
    /// Its entries, those that are not readable left out.
    pub entries: usize,
    /// Entries that are no hash of any kind that the list may hold, and so distrust nothing.
    pub unreadable: usize,
    /// A later list of Microsoft's is there, and this one is not used.
    pub superseded: bool,
}

impl DisallowedList {
    /// `NAME`, or `NAME of DATE`, as records state it.
    #[must_use]
    pub fn title(&self) -> String {
        match self.date {
            Some(date) => format!("{} of {}", self.name, date.to_rfc3339()),
            None => self.name.clone(),
        }
    }
}

/// Why a certificate is distrusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisallowedEntry {
    /// [`DisallowedList::title`] of the list.
    pub list: String,
    /// Which hash the entry is.
    pub kind: EntryKind,
    /// The entry, lowercase hexadecimal.
    pub value: String,
}

/// Everything that is distrusted by name in one run.
#[derive(Debug, Clone, Default)]
pub struct Disallowed {
    lists: Vec<DisallowedList>,
    entries: HashMap<Vec<u8>, Vec<(EntryKind, usize)>>,
    /// The hashes that have to be computed; of signature hashes, which follow the certificate, that there are some.
    wanted: BTreeSet<(EntryKind, Option<DigestAlgorithm>)>,
}

impl Disallowed {
    /// Reads lists from files and folders: signed ones of Microsoft's, certificates (PEM or DER), and text files of
    /// hashes. Files in a folder that are none of these are passed over. A signed list is believed only if its signer
    /// chains to a root of `anchors` that is built into Windows. Of several lists of Microsoft's the latest counts, as
    /// Windows has only one.
    ///
    /// # Errors
    /// When a path cannot be read or holds no list, when a signed list is not believed, when a line of a text is no hash.
    pub fn load(paths: &[PathBuf], anchors: &TrustStore) -> Result<Disallowed, LoadError> {
        let mut disallowed = Disallowed::default();
        let mut latest: Option<(Microsofts, usize)> = None;
        for path in paths {
            let before = disallowed.lists.len();
            for file in files_below(path)? {
                let bytes = read_limited(&file)?;
                let name = source_name(path, &file);
                match list_in(&file, &bytes, anchors, &file == path)? {
                    None => {}
                    Some(Content::Entries(entries)) => disallowed.add(name, entries),
                    Some(Content::Microsofts(list)) => disallowed.add_microsofts(name, list, &mut latest),
                }
                if disallowed.count() > MAX_ENTRIES {
                    let limit = format!("disallowed lists may have {MAX_ENTRIES} entries together");
                    return Err(LoadError::TooMany(file, limit));
                }
            }
            if disallowed.lists.len() == before {
                return Err(LoadError::NoDisallowedList(path.clone()));
            }
        }
        if let Some((list, index)) = latest {
            disallowed.enter(index, list.entries);
        }
        Ok(disallowed)
    }

    fn count(&self) -> usize {
        self.lists.iter().fold(0usize, |sum, list| sum.saturating_add(list.entries))
    }

    fn add(&mut self, name: String, entries: Vec<Entry>) {
        let index = self.lists.len();
        self.lists.push(DisallowedList { name, entries: entries.len(), ..DisallowedList::default() });
        self.enter(index, entries);
    }

    /// Describes a list of Microsoft's; its entries count once it is known to be the latest.
    fn add_microsofts(&mut self, name: String, list: Microsofts, latest: &mut Option<(Microsofts, usize)>) {
        let superseded = latest.as_ref().is_some_and(|(known, _)| list.date <= known.date);
        let index = self.lists.len();
        self.lists.push(DisallowedList {
            name,
            date: list.date,
            sequence: list.sequence.as_deref().map(serial_to_hex),
            entries: list.entries.len(),
            unreadable: list.unreadable,
            superseded,
        });
        if superseded {
            return;
        }
        let old = latest.replace((list, index)).and_then(|(_, old)| self.lists.get_mut(old));
        if let Some(old) = old {
            old.superseded = true;
        }
    }

    fn enter(&mut self, index: usize, entries: Vec<Entry>) {
        for entry in entries {
            for kind in entry.kinds {
                let by_length = match kind {
                    EntryKind::SignatureHash | EntryKind::PublicKeyMd5 => None,
                    EntryKind::Thumbprint | EntryKind::KeyInfo => algorithm_of(entry.value.len()),
                };
                self.wanted.insert((*kind, by_length));
                self.entries.entry(entry.value.clone()).or_default().push((*kind, index));
            }
        }
    }

    /// Whether no certificate is distrusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The lists, in the order in which they were given.
    #[must_use]
    pub fn lists(&self) -> &[DisallowedList] {
        &self.lists
    }

    /// The entry that names this certificate, if there is one.
    #[must_use]
    pub fn find(&self, certificate: &Certificate<'_>) -> Option<DisallowedEntry> {
        let respelled = certificate.respelled();
        self.wanted.iter().find_map(|(kind, algorithm)| {
            let value = match (kind, algorithm) {
                (EntryKind::SignatureHash, _) => signature_hash(certificate),
                (EntryKind::Thumbprint, Some(algorithm)) => {
                    let spellings = std::iter::once(certificate.raw).chain(respelled.iter().map(Vec::as_slice));
                    return spellings
                        .filter_map(|octets| hash(*algorithm, octets))
                        .find_map(|key| self.entry(*kind, &key));
                }
                (EntryKind::KeyInfo, Some(algorithm)) => hash(*algorithm, certificate.spki),
                (EntryKind::PublicKeyMd5, _) => key_md5(certificate.spki),
                (EntryKind::Thumbprint | EntryKind::KeyInfo, None) => None,
            };
            self.entry(*kind, &value?)
        })
    }

    /// The entry that names this root, known by the store's facts alone.
    #[must_use]
    pub fn find_root(&self, root: &Root<'_>) -> Option<DisallowedEntry> {
        self.wanted.iter().find_map(|(kind, algorithm)| {
            let value = match (kind, algorithm) {
                (EntryKind::Thumbprint, Some(DigestAlgorithm::Sha1)) => Some(root.thumbprint_sha1.to_vec()),
                (EntryKind::Thumbprint, Some(DigestAlgorithm::Sha256)) => Some(root.thumbprint_sha256.to_vec()),
                (EntryKind::KeyInfo, Some(algorithm)) => hash(*algorithm, root.spki),
                (EntryKind::PublicKeyMd5, _) => key_md5(root.spki),
                (EntryKind::SignatureHash, _) => root.signature_hash.map(<[u8]>::to_vec),
                (EntryKind::Thumbprint | EntryKind::KeyInfo, _) => None,
            };
            self.entry(*kind, &value?)
        })
    }

    fn entry(&self, kind: EntryKind, value: &[u8]) -> Option<DisallowedEntry> {
        let (_, index) = self.entries.get(value)?.iter().find(|(known, _)| *known == kind)?;
        let value = crate::hex::lower(value);
        Some(DisallowedEntry { list: self.lists.get(*index)?.title(), kind, value })
    }
}

fn hash(algorithm: DigestAlgorithm, bytes: &[u8]) -> Option<Vec<u8>> {
    digest(algorithm, bytes).map(|value| value.as_bytes().to_vec())
}

/// CERT_SIGNATURE_HASH_PROP_ID of a certificate; `None` when its signature's hash is not known.
#[must_use]
pub fn signature_hash(certificate: &Certificate<'_>) -> Option<Vec<u8>> {
    let algorithm = &certificate.signature_algorithm;
    let by_name = || signature_scheme(algorithm.oid).and_then(|(_, hash)| hash);
    hash(hash_for_signature(algorithm, None).or_else(by_name)?, certificate.tbs)
}

fn key_md5(spki: &[u8]) -> Option<Vec<u8>> {
    let mut parts = Reader::new(spki).expect(tag::SEQUENCE).ok()?.children();
    parts.expect(tag::SEQUENCE).ok()?;
    // The first octet counts unused bits; no key has any.
    let (_, key) = parts.expect(tag::BIT_STRING).ok()?.content.split_first()?;
    hash(DigestAlgorithm::Md5, key)
}

/// The hash of certificates that has this many octets.
fn algorithm_of(length: usize) -> Option<DigestAlgorithm> {
    let known = [DigestAlgorithm::Md5, DigestAlgorithm::Sha1, DigestAlgorithm::Sha256, DigestAlgorithm::Sha384];
    known.into_iter().chain([DigestAlgorithm::Sha512]).find(|algorithm| algorithm.output_len() == length)
}

/// A hash and what it may be.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    value: Vec<u8>,
    kinds: &'static [EntryKind],
}

/// A signed list, understood.
struct Microsofts {
    date: Option<Time>,
    sequence: Option<Vec<u8>>,
    entries: Vec<Entry>,
    unreadable: usize,
}

enum Content {
    Entries(Vec<Entry>),
    Microsofts(Microsofts),
}

/// What is distrusted by a file; `None` when it is no such list. A file that was named itself has to be one.
fn list_in(file: &Path, bytes: &[u8], anchors: &TrustStore, named: bool) -> Result<Option<Content>, LoadError> {
    let refused = |why: String| LoadError::Refused(file.to_owned(), why);
    let unreadable = |why: String| LoadError::Unreadable(file.to_owned(), why);
    if let Some(data) = ctl_content(bytes) {
        let content = data.content.map(|content| Ctl::parse(content.raw));
        let disallows = matches!(&content, Some(Ok(ctl)) if ctl.subject_usage.contains(&oids::EKU_DISALLOWED_LIST));
        if !disallows && !named {
            return Ok(None); // another list, such as authroot.stl beside it
        }
        let ctl = disallowed_from_stl(bytes, anchors).map_err(refused)?;
        return microsofts(&ctl).map(|list| Some(Content::Microsofts(list))).map_err(refused);
    }
    let entry =
        |der: &[u8]| Some(Entry { value: hash(DigestAlgorithm::Sha256, der)?, kinds: &[EntryKind::Thumbprint] });
    if let Ok(certificate) = Certificate::parse(bytes) {
        // What stands behind it was meant to be distrusted, too.
        return match bytes.len().saturating_sub(certificate.raw.len()) {
            0 => Ok(entry(certificate.raw).map(|entry| Content::Entries(vec![entry]))),
            behind => Err(unreadable(format!("{behind} octets stand behind its certificate"))),
        };
    }
    let Some(text) = text_of(bytes) else { return Ok(None) };
    let certificates = certificates_in(text.as_bytes());
    if certificates.len() != certificate_blocks(text.as_bytes()) {
        return Err(unreadable("a PEM block in it is no certificate that can be read".to_owned()));
    }
    let mut entries: Vec<Entry> = certificates.iter().filter_map(|der| entry(der)).collect();
    let lines = Lines::read(&text, !entries.is_empty());
    entries.extend(lines.entries);
    match lines.bad {
        Some(line) if !entries.is_empty() || lines.meant => Err(LoadError::BadLine(file.to_owned(), line)),
        _ => Ok((!entries.is_empty()).then_some(Content::Entries(entries))),
    }
}

/// A file as text: UTF-8, or UTF-16 with its mark, as PowerShell's redirection writes it.
fn text_of(bytes: &[u8]) -> Option<String> {
    let units = |from: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes.get(2..)?.as_chunks::<2>();
        String::from_utf16(&units.iter().copied().map(from).collect::<Vec<_>>()).ok().filter(|_| rest.is_empty())
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => Some(std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').to_owned()),
    }
}

/// Microsoft's disallowed list, after the checks that make it believable.
///
/// # Errors
/// Why it is not believed, for a person.
pub fn disallowed_from_stl<'a>(bytes: &'a [u8], anchors: &TrustStore) -> Result<Ctl<'a>, String> {
    believed_ctl(bytes, anchors, oids::EKU_DISALLOWED_LIST, "disallowed list")
}

/// The entries by the list's own subjectAlgorithm. Microsoft's list has szOID_DISALLOWED_HASH, which is the number of
/// CERT_SIGNATURE_HASH_PROP_ID; "the CERT_SIGNATURE_HASH_PROP_ID and CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID
/// properties are used for disallowed hashes" (`wincrypt.h`), so that an entry of 16 octets may be either.
fn microsofts(ctl: &Ctl<'_>) -> Result<Microsofts, String> {
    let algorithm: Oid<'_> = ctl.subject_algorithm.oid;
    let thumbprint = DigestAlgorithm::from_oid(algorithm).map(DigestAlgorithm::output_len);
    let kinds = |length: usize| -> &'static [EntryKind] {
        match (algorithm, thumbprint) {
            (_, Some(wanted)) if length == wanted => &[EntryKind::Thumbprint],
            (_, Some(_)) => &[],
            (oids::CERT_SIGNATURE_HASH, _) if length == 16 => &[EntryKind::PublicKeyMd5, EntryKind::SignatureHash],
            (oids::CERT_SIGNATURE_HASH, _) if algorithm_of(length).is_some() => &[EntryKind::SignatureHash],
            (oids::CERT_SUBJECT_PUBLIC_KEY_MD5_HASH, _) if length == 16 => &[EntryKind::PublicKeyMd5],
            _ => &[],
        }
    };
    if thumbprint.is_none() && ![oids::CERT_SIGNATURE_HASH, oids::CERT_SUBJECT_PUBLIC_KEY_MD5_HASH].contains(&algorithm)
    {
        return Err(format!("its entries are made by {}", crate::asn1::oid_to_string(algorithm)));
    }
    let read = |value: &[u8]| Entry { value: value.to_vec(), kinds: kinds(value.len()) };
    let all: Vec<Entry> = ctl.entries.iter().map(|entry| read(entry.identifier)).collect();
    let (entries, unreadable): (Vec<Entry>, Vec<Entry>) = all.into_iter().partition(|entry| !entry.kinds.is_empty());
    let sequence = ctl.sequence_number.map(<[u8]>::to_vec);
    Ok(Microsofts { date: ctl.this_update, sequence, entries, unreadable: unreadable.len() })
}

/// What the lines of a text say outside its PEM blocks. `#` starts a comment.
#[derive(Debug, Default)]
struct Lines {
    entries: Vec<Entry>,
    /// The number of the first line that is no entry.
    bad: Option<usize>,
    /// Whether some such line looks as if it was meant as one.
    meant: bool,
}

impl Lines {
    /// Reads a text. What explains `certificates` in it (RFC 7468 section 5.2) is no line of a list, unless it looks like one.
    fn read(text: &str, certificates: bool) -> Lines {
        let mut lines = Lines::default();
        let mut in_block = false;
        for (number, whole) in text.lines().enumerate() {
            if in_block || whole.starts_with("-----BEGIN ") {
                in_block = !whole.starts_with("-----END ");
                continue;
            }
            let line = whole.split('#').next().unwrap_or_default().trim();
            let explains = certificates && (whole.starts_with(char::is_whitespace) || !is_like_a_hash(line));
            if line.is_empty() || explains {
                continue;
            }
            match entry_of(line) {
                Some(entry) => lines.entries.push(entry),
                None => {
                    lines.bad = lines.bad.or(Some(number.saturating_add(1)));
                    lines.meant |= is_like_a_hash(line);
                }
            }
            if lines.entries.len() > MAX_ENTRIES {
                break;
            }
        }
        lines
    }
}

/// Whether somebody may have meant a hash.
fn is_like_a_hash(line: &str) -> bool {
    let digits = line.bytes().filter(u8::is_ascii_hexdigit).count();
    let prefixed = line.starts_with("tbs:") || line.starts_with("spki:");
    prefixed || (digits >= 24 && line.bytes().all(|octet| octet.is_ascii_hexdigit() || b": -".contains(&octet)))
}

/// `[tbs:|spki:]HEX`; colons and spaces between octets are as good as none.
fn entry_of(line: &str) -> Option<Entry> {
    let (kinds, hex, lengths): (&'static [EntryKind], &str, &[usize]) = match line.split_once(':') {
        Some(("tbs", rest)) => (&[EntryKind::SignatureHash], rest, &[16, 20, 32, 48, 64]),
        Some(("spki", rest)) => (&[EntryKind::KeyInfo], rest, &[20, 32]),
        _ => (&[EntryKind::Thumbprint], line, &[20, 32]),
    };
    let digits: Vec<u8> = hex.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let value: Vec<u8> = digits.chunks(2).map(octet).collect::<Option<_>>()?;
    (lengths.contains(&value.len()) && digits.len().is_multiple_of(2)).then_some(Entry { value, kinds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_which_hash_they_are() {
        let thumbprint = "4E:B6:D5:78:49:9B:1C:CF:5F:58:1E:AD:56:BE:3D:9B:67:44:A5:E5";
        let entry = entry_of(thumbprint).unwrap();
        assert_eq!((entry.value.len(), entry.kinds), (20, [EntryKind::Thumbprint].as_slice()));
        assert_eq!(entry_of(&format!("tbs:{}", "0a".repeat(48))).unwrap().kinds, [EntryKind::SignatureHash]);
        assert_eq!(entry_of(&format!("spki:{}", "0a ".repeat(32))).unwrap().kinds, [EntryKind::KeyInfo]);
        for bad in
            ["4eb6", "g".repeat(40).as_str(), "tbs:00", "md5:00", &"0".repeat(41), &format!("spki:{}", "0".repeat(96))]
        {
            assert_eq!(entry_of(bad), None, "{bad}");
        }
        let lines = Lines::read(&format!("# mine\n\n{thumbprint} # stolen\nnonsense\n"), false);
        assert_eq!((lines.entries.len(), lines.bad, lines.meant), (1, Some(4), false));
    }

    fn read(file: &str, bytes: &[u8]) -> Result<usize, String> {
        let found =
            list_in(Path::new(file), bytes, &TrustStore::embedded(), false).map_err(|error| error.to_string())?;
        Ok(found.map_or(0, |content| match content {
            Content::Entries(entries) => entries.len(),
            Content::Microsofts(_) => usize::MAX,
        }))
    }

    #[test]
    fn a_list_counts_whole_or_is_refused() {
        let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pki");
        let [one, two] = ["root.pem", "tsa-root.pem"].map(|name| std::fs::read_to_string(pki.join(name)).unwrap());
        let der = certificates_in(one.as_bytes()).remove(0);
        let thumbprint = "4eb6d578499b1ccf5f581ead56be3d9b6744a5e5";
        let utf16: Vec<u8> = format!("\u{feff}{thumbprint}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = format!("\u{feff}{thumbprint}\r\n").encode_utf16().flat_map(u16::to_be_bytes).collect();
        let cut = two.replacen("MII", "MI", 1);
        // A block of another spelling is one that no decoder reads, and was meant all the same.
        let indented = two.replace("-----BEGIN", "-----BEGIN ");
        let small = two.replace("CERTIFICATE", "certificate");
        let unread = "a PEM block in it is no certificate that can be read".to_owned();
        let explained = format!("subject=CN = Root\n    00:b6:9a\n{one}\nand more\n{two}");
        for (text, entries) in [
            (der.as_slice(), 1),
            (format!("{one}{two}").as_bytes(), 2),
            (explained.as_bytes(), 2),
            (format!("{thumbprint}\n{one}").as_bytes(), 2),
            (format!("{one}{thumbprint}").as_bytes(), 2),
            (&utf16, 1),
            (&big, 1),
            (format!("\u{feff}{thumbprint}").as_bytes(), 1),
            (b"what this folder is for", 0),
            (b"\xff\xfe\x00", 0),
        ] {
            assert_eq!(read("list", text), Ok(entries), "{}", String::from_utf8_lossy(text));
        }
        for (text, why) in [
            ([der.as_slice(), &der].concat(), format!("{} octets stand behind its certificate", der.len())),
            (format!("{one}{cut}").into_bytes(), unread.clone()),
            (format!("{one}{indented}").into_bytes(), unread.clone()),
            (format!("{one}{small}").into_bytes(), unread),
            (format!("{one}{thumbprint}0").into_bytes(), "line 21".to_owned()),
            (format!("{thumbprint}0\n").into_bytes(), "line 1 is".to_owned()),
            (b"tbs:00\n".to_vec(), "line 1 is".to_owned()),
            (format!("{thumbprint}\nnonsense").into_bytes(), "line 2 is".to_owned()),
        ] {
            let said = read("list", &text).unwrap_err();
            assert!(said.contains(&why), "{said}: {why}");
        }
    }
}
