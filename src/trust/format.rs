//! The store's file format: facts about roots, indexed by subject so that nothing is decoded that no chain needs.
//!
//! ```text
//! store   := "SIGROOT3" SHA-256(everything after it) header-length:u32 header:JSON count:u32 index record*
//! index   := count * (first 8 octets of SHA-256(normalised subject), record offset:u32), sorted by hash, then offset
//! record  := length:u32 field*
//! field   := kind:u8 length:u32 octets
//! ```
//! Numbers are little-endian; record offsets count from the first record. The embedded store is opened without a look
//! at the checksum, which a test makes; a file of the user's is refused unless the checksum and every record are
//! sound, because a flipped bit in a date could trust more than was meant. The checksum finds damage, not forgery:
//! whoever may write the file decides what is trusted.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Limit, LimitDate, OidList, Root};
use crate::asn1::Time;
use crate::x509::normalised_name;

const MAGIC: &[u8; 8] = b"SIGROOT3";

/// Where a store comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the store.
    pub name: String,
    /// Date of the list it was made from, RFC 3339; empty without a list.
    pub date: String,
    /// What it was made from, with versions.
    pub sources: Vec<String>,
    /// Sequence number of the list, hexadecimal; empty without a list.
    pub sequence: String,
    /// Roots that the list names and whose certificates nobody had: identifiers, hexadecimal. Nothing trusts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// How many roots it holds.
    pub roots: usize,
    /// How many of them are members of the root programme.
    pub program: usize,
    /// How many of them are built into Windows.
    pub built_in: usize,
}

/// The owned facts of one root, before encoding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)] // the fields are those of `Root`, which documents them
pub struct RootFacts {
    pub subject: Vec<u8>,
    pub spki: Vec<u8>,
    pub key_identifier: Option<Vec<u8>>,
    pub serial: Vec<u8>,
    pub not_before: Option<Time>,
    pub not_after: Option<Time>,
    pub thumbprint_sha1: Vec<u8>,
    pub thumbprint_sha256: Vec<u8>,
    pub friendly_name: Option<String>,
    pub name_constraints: Option<Vec<u8>>,
    pub signature_hash: Option<Vec<u8>>,
    pub built_in: bool,
    pub program: bool,
    pub usages: Option<Vec<Vec<u8>>>,
    pub not_before_limit: LimitDate,
    pub not_before_usages: Option<Vec<Vec<u8>>>,
    pub disabled: LimitDate,
    pub disabled_usages: Option<Vec<Vec<u8>>>,
    pub end_entity: bool,
}

/// Why bytes are no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatError;

impl std::fmt::Display for FormatError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a sigscan trust store")
    }
}

impl std::error::Error for FormatError {}

mod kind {
    pub const SUBJECT: u8 = 1;
    pub const SPKI: u8 = 2;
    pub const KEY_IDENTIFIER: u8 = 3;
    pub const SERIAL: u8 = 4;
    pub const NOT_BEFORE: u8 = 5;
    pub const NOT_AFTER: u8 = 6;
    pub const SHA1: u8 = 7;
    pub const SHA256: u8 = 8;
    pub const FRIENDLY_NAME: u8 = 9;
    pub const USAGES: u8 = 10;
    pub const NOT_BEFORE_LIMIT: u8 = 11;
    pub const NOT_BEFORE_USAGES: u8 = 12;
    pub const DISABLED: u8 = 13;
    pub const DISABLED_USAGES: u8 = 14;
    pub const NAME_CONSTRAINTS: u8 = 15;
    pub const FLAGS: u8 = 16;
    pub const SIGNATURE_HASH: u8 = 17;
}

const FLAG_BUILT_IN: u8 = 1;
const FLAG_PROGRAM: u8 = 2;
const FLAG_END_ENTITY: u8 = 4;

/// Encodes a store. Roots are sorted by thumbprint, so the same facts give the same file.
#[must_use]
pub fn encode(provenance: &Provenance, roots: &[RootFacts]) -> Vec<u8> {
    let mut roots: Vec<&RootFacts> = roots.iter().collect();
    roots.sort_by(|left, right| left.thumbprint_sha256.cmp(&right.thumbprint_sha256));
    let mut described = provenance.clone();
    described.roots = roots.len();
    described.program = roots.iter().filter(|root| root.program).count();
    described.built_in = roots.iter().filter(|root| root.built_in).count();
    let header = serde_json::to_vec(&described).unwrap_or_default();

    let mut records = Vec::new();
    let mut index: Vec<([u8; 8], u32)> = Vec::new();
    for root in roots {
        index.push((subject_hash(&normalised_name(&root.subject)), length_of(&records)));
        let fields = encode_root(root);
        records.extend_from_slice(&length_of(&fields).to_le_bytes());
        records.extend_from_slice(&fields);
    }
    index.sort_unstable();

    let mut store = Vec::new();
    store.extend_from_slice(&length_of(&header).to_le_bytes());
    store.extend_from_slice(&header);
    store.extend_from_slice(&u32::try_from(index.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (hash, offset) in index {
        store.extend_from_slice(&hash);
        store.extend_from_slice(&offset.to_le_bytes());
    }
    store.extend_from_slice(&records);
    [MAGIC.as_slice(), Sha256::digest(&store).as_slice(), store.as_slice()].concat()
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn encode_root(root: &RootFacts) -> Vec<u8> {
    let mut out = Vec::new();
    let mut field = |kind: u8, octets: &[u8]| {
        out.push(kind);
        out.extend_from_slice(&length_of(octets).to_le_bytes());
        out.extend_from_slice(octets);
    };
    field(kind::SUBJECT, &root.subject);
    field(kind::SPKI, &root.spki);
    field(kind::SERIAL, &root.serial);
    field(kind::SHA1, &root.thumbprint_sha1);
    field(kind::SHA256, &root.thumbprint_sha256);
    let built_in = if root.built_in { FLAG_BUILT_IN } else { 0 };
    let program = if root.program { FLAG_PROGRAM } else { 0 };
    let end_entity = if root.end_entity { FLAG_END_ENTITY } else { 0 };
    field(kind::FLAGS, &[built_in | program | end_entity]);
    let optional = [
        (kind::KEY_IDENTIFIER, &root.key_identifier),
        (kind::NAME_CONSTRAINTS, &root.name_constraints),
        (kind::SIGNATURE_HASH, &root.signature_hash),
    ];
    for (kind, octets) in optional {
        if let Some(octets) = octets {
            field(kind, octets);
        }
    }
    for (kind, time) in [(kind::NOT_BEFORE, root.not_before), (kind::NOT_AFTER, root.not_after)] {
        if let Some(time) = time {
            field(kind, &time.0.to_le_bytes());
        }
    }
    if let Some(name) = &root.friendly_name {
        field(kind::FRIENDLY_NAME, name.as_bytes());
    }
    for (kind, limit) in [(kind::NOT_BEFORE_LIMIT, root.not_before_limit), (kind::DISABLED, root.disabled)] {
        match limit {
            LimitDate::Absent => {}
            LimitDate::Cleared => field(kind, &[]),
            LimitDate::At(time) => field(kind, &time.0.to_le_bytes()),
        }
    }
    let lists = [
        (kind::USAGES, &root.usages),
        (kind::NOT_BEFORE_USAGES, &root.not_before_usages),
        (kind::DISABLED_USAGES, &root.disabled_usages),
    ];
    for (kind, list) in lists {
        if let Some(list) = list {
            field(kind, &encode_list(list));
        }
    }
    out
}

fn encode_list(list: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for oid in list {
        if let Ok(length) = u8::try_from(oid.len()) {
            out.push(length);
            out.extend_from_slice(oid);
        }
    }
    out
}

fn subject_hash(normalised: &[u8]) -> [u8; 8] {
    let digest = Sha256::digest(normalised);
    digest.first_chunk::<8>().copied().unwrap_or_default()
}

/// Where the parts of an opened store lie. Parsed once; records are decoded when a chain asks for them.
#[derive(Debug, Clone)]
pub struct StoreLayout {
    /// Where the store comes from.
    pub provenance: Provenance,
    index: Range<usize>,
}

/// A store, opened.
#[derive(Debug, Clone, Copy)]
pub struct StoreView<'t> {
    index: &'t [u8],
    records: &'t [u8],
}

/// Octets of an index entry.
const ENTRY: usize = 12;
/// Octets of the checksum.
const CHECKSUM: usize = 32;

impl StoreLayout {
    /// Opens a store.
    ///
    /// # Errors
    /// When the bytes are no store or are cut off before the records.
    pub fn parse(bytes: &[u8]) -> Result<StoreLayout, FormatError> {
        let (_, rest) =
            bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(CHECKSUM)).ok_or(FormatError)?;
        let (length, rest) = take_u32(rest).ok_or(FormatError)?;
        let (header, rest) = rest.split_at_checked(length).ok_or(FormatError)?;
        let provenance = serde_json::from_slice(header).map_err(|_| FormatError)?;
        let (count, rest) = take_u32(rest).ok_or(FormatError)?;
        let size = count.checked_mul(ENTRY).filter(|size| *size <= rest.len()).ok_or(FormatError)?;
        let start = bytes.len().saturating_sub(rest.len());
        Ok(StoreLayout { provenance, index: start..start.saturating_add(size) })
    }

    /// Whether the bytes that this layout was parsed from are those that were written, and every root can be read.
    #[must_use]
    pub fn is_sound(&self, bytes: &[u8]) -> bool {
        let checked = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(CHECKSUM));
        let roots = self.view(bytes).roots();
        checked.is_some_and(|(checksum, rest)| Sha256::digest(rest).as_slice() == checksum)
            && roots.len() == self.provenance.roots
            && roots.len() == self.index.len() / ENTRY
    }

    /// The view of the bytes that this layout was parsed from.
    #[must_use]
    pub fn view<'t>(&self, bytes: &'t [u8]) -> StoreView<'t> {
        StoreView {
            index: bytes.get(self.index.clone()).unwrap_or(&[]),
            records: bytes.get(self.index.end..).unwrap_or(&[]),
        }
    }
}

impl<'t> StoreView<'t> {
    /// The roots with this subject, by meaning (RFC 5280 section 7.1). `normalised` is the same name as
    /// [`normalised_name`] has it.
    pub fn by_name(&self, subject: &[u8], normalised: &[u8]) -> Vec<Root<'t>> {
        let wanted = subject_hash(normalised);
        let (entries, _) = self.index.as_chunks::<ENTRY>();
        let start = entries.partition_point(|entry| entry.get(..8) < Some(&wanted[..]));
        entries
            .iter()
            .skip(start)
            .take_while(|entry| entry.get(..8) == Some(&wanted[..]))
            .filter_map(|entry| self.root_at(entry))
            .filter(|root| root.subject == subject || *normalised_name(root.subject) == *normalised)
            .collect()
    }

    /// All roots in thumbprint order.
    pub fn roots(&self) -> Vec<Root<'t>> {
        let mut roots: Vec<_> = self.index.chunks_exact(ENTRY).filter_map(|entry| self.root_at(entry)).collect();
        roots.sort_by(|left, right| left.thumbprint_sha256.cmp(right.thumbprint_sha256));
        roots
    }

    fn root_at(&self, entry: &[u8]) -> Option<Root<'t>> {
        let (offset, _) = take_u32(entry.get(8..)?)?;
        let (length, rest) = take_u32(self.records.get(offset..)?)?;
        decode_root(rest.get(..length)?)
    }
}

fn take_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head) as usize, rest))
}

fn decode_root(record: &[u8]) -> Option<Root<'_>> {
    let mut root = Root {
        subject: &[],
        spki: &[],
        key_identifier: None,
        serial: &[],
        not_before: None,
        not_after: None,
        thumbprint_sha1: &[],
        thumbprint_sha256: &[],
        friendly_name: None,
        name_constraints: None,
        signature_hash: None,
        built_in: false,
        program: false,
        usages: None,
        not_before_limit: Limit::default(),
        disabled: Limit::default(),
        end_entity: false,
    };
    let mut rest = record;
    while let Some((kind, tail)) = rest.split_first() {
        let (length, tail) = take_u32(tail)?;
        let (octets, tail) = tail.split_at_checked(length)?;
        rest = tail;
        match *kind {
            kind::SUBJECT => root.subject = octets,
            kind::SPKI => root.spki = octets,
            kind::KEY_IDENTIFIER => root.key_identifier = Some(octets),
            kind::SERIAL => root.serial = octets,
            kind::NOT_BEFORE => root.not_before = Some(time(octets)?),
            kind::NOT_AFTER => root.not_after = Some(time(octets)?),
            kind::SHA1 => root.thumbprint_sha1 = octets,
            kind::SHA256 => root.thumbprint_sha256 = octets,
            kind::FRIENDLY_NAME => root.friendly_name = std::str::from_utf8(octets).ok(),
            kind::USAGES => root.usages = Some(OidList(octets)),
            kind::NOT_BEFORE_LIMIT => root.not_before_limit.date = limit_date(octets)?,
            kind::NOT_BEFORE_USAGES => root.not_before_limit.usages = Some(OidList(octets)),
            kind::DISABLED => root.disabled.date = limit_date(octets)?,
            kind::DISABLED_USAGES => root.disabled.usages = Some(OidList(octets)),
            kind::NAME_CONSTRAINTS => root.name_constraints = Some(octets),
            kind::SIGNATURE_HASH => root.signature_hash = Some(octets),
            kind::FLAGS => {
                let flags = *octets.first()?;
                root.built_in = flags & FLAG_BUILT_IN != 0;
                root.program = flags & FLAG_PROGRAM != 0;
                root.end_entity = flags & FLAG_END_ENTITY != 0;
            }
            _ => return None, // a field that this version does not know could limit the root: do not trust it
        }
    }
    // A root without a key can verify nothing.
    (!root.spki.is_empty()).then_some(root)
}

fn time(octets: &[u8]) -> Option<Time> {
    octets.first_chunk::<8>().map(|bytes| Time(i64::from_le_bytes(*bytes)))
}

fn limit_date(octets: &[u8]) -> Option<LimitDate> {
    if octets.is_empty() { Some(LimitDate::Cleared) } else { time(octets).map(LimitDate::At) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(subject: &[u8], thumbprint: u8) -> RootFacts {
        RootFacts {
            subject: subject.to_vec(),
            spki: vec![1, thumbprint],
            thumbprint_sha256: vec![thumbprint; 32],
            friendly_name: Some("name".to_owned()),
            usages: Some(vec![vec![1, 2], vec![3]]),
            not_before_limit: LimitDate::Cleared,
            disabled: LimitDate::At(Time(-5)),
            program: true,
            end_entity: thumbprint == 3,
            ..RootFacts::default()
        }
    }

    #[test]
    fn facts_survive_the_format_and_are_found_by_subject() {
        let store = encode(&Provenance::default(), &[facts(b"b", 2), facts(b"a", 1), facts(b"b", 3)]);
        let layout = StoreLayout::parse(&store).unwrap();
        assert_eq!(layout.provenance.roots, 3);
        let view = layout.view(&store);
        let found = view.by_name(b"b", b"b");
        assert_eq!(found.iter().map(|root| root.thumbprint_sha256[0]).collect::<Vec<_>>(), vec![2, 3]);
        assert_eq!(found[0].not_before_limit.date, LimitDate::Cleared);
        assert_eq!(found[0].disabled.date, LimitDate::At(Time(-5)));
        assert!(found[0].usages.unwrap().contains(&[3]));
        assert!(found[0].program && !found[0].built_in);
        assert_eq!(found.iter().map(|root| root.end_entity).collect::<Vec<_>>(), vec![false, true]);
        assert!(view.by_name(b"c", b"c").is_empty());
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let store = encode(&Provenance::default(), &[facts(b"a", 1), facts(b"b", 2)]);
        assert!(StoreLayout::parse(&store).unwrap().is_sound(&store));
        for at in 0..store.len() {
            let mut damaged = store.clone();
            damaged[at] ^= 1;
            assert!(!StoreLayout::parse(&damaged).is_ok_and(|layout| layout.is_sound(&damaged)), "octet {at}");
        }
    }

    #[test]
    fn damage_yields_fewer_roots_and_no_crash() {
        let store = encode(&Provenance::default(), &[facts(b"a", 1), facts(b"b", 2)]);
        for length in 0..store.len() {
            if let Ok(layout) = StoreLayout::parse(&store[..length]) {
                assert!(layout.view(&store[..length]).roots().len() < 2);
            }
        }
        assert!(StoreLayout::parse(&[b"SIGROOT3".as_slice(), &[0; 32], b"\xff\xff\xff\xff"].concat()).is_err());
    }
}
