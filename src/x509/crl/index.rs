//! Where each serial number of a list stands: made in one walk and linear time, eight octets an entry.

use std::hash::{BuildHasher, RandomState};

use super::{CertificateList, RevocationReason, RevokedEntry, directory_names, extensions};
use crate::asn1::{Element, Error, Reader, decode_time, oids, tag};
use crate::x509::certificate::{extension, integer_octets};
use crate::x509::normalised_name;

/// Entries of one serial number that are looked at; honest lists have one, indirect ones one for each issuer.
const MAX_SAME_SERIAL: usize = 4096;

/// Where each serial number of a list stands, and what is odd about its entries.
#[derive(Debug, Default)]
pub struct CrlIndex {
    /// Makes buckets unforeseeable, so that no hostile list can put everything into one. It changes no answer.
    key: u64,
    /// By bucket, where its entries begin in `places`; one more at the end.
    starts: Vec<u32>,
    /// Offsets of entries by bucket, within one in the order of the list.
    places: Vec<u32>,
    /// Offsets of the entries that name an issuer (certificateIssuer), for themselves and those that follow.
    issuers: Vec<u32>,
    /// An entry has a critical extension that is not understood.
    pub unknown_critical: bool,
    /// The entries could not be read to the end.
    pub cut: bool,
}

/// What stands behind the dates of entries and was found to say nothing that changes how a list is read. Most entries of
/// most lists end in one of a few reason codes, octet for octet, and are walked once.
#[derive(Debug, Default)]
struct PlainExtensions<'a>(Vec<&'a [u8]>);

impl PlainExtensions<'_> {
    const MOST: usize = 12;
}

/// Buckets of a large list. As many as entries would fill more memory than a processor keeps at hand, and filling them would
/// cost several times what walking the list costs; with these a million entries are 64 to a bucket, looked through in
/// some microseconds.
const MAX_BUCKETS: usize = 1 << 14;

/// A serial number is listed more often than is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyEntries;

impl CrlIndex {
    /// Walks the entries once.
    #[must_use]
    pub fn build(list: &CertificateList<'_>) -> CrlIndex {
        let mut index = CrlIndex { key: RandomState::new().hash_one(0u8) | 1, ..CrlIndex::default() };
        let mut hashed: Vec<(u32, u32)> = Vec::new();
        let mut items = Reader::new(list.entries);
        let mut plain = PlainExtensions::default();
        loop {
            let offset = items.offset();
            let item = match items.next() {
                Ok(None) => break,
                Ok(Some(item)) => item,
                Err(_) => {
                    index.cut = true;
                    break;
                }
            };
            match u32::try_from(offset)
                .ok()
                .and_then(|offset| Some((index.note(item, offset, &mut plain).ok()?, offset)))
            {
                Some((serial, offset)) => hashed.push((bucket_hash(index.key, serial), offset)),
                None => index.cut = true,
            }
        }
        index.issuers.shrink_to_fit();
        index.distribute(&hashed);
        index
    }

    /// A counting sort by bucket: of every bucket first its size, then its beginning, then its entries in order.
    fn distribute(&mut self, hashed: &[(u32, u32)]) {
        let buckets = hashed.len().next_power_of_two().min(MAX_BUCKETS);
        self.starts = vec![0; buckets.saturating_add(1)];
        let bucket = |hash: u32| usize::try_from(hash).unwrap_or(0) & buckets.saturating_sub(1);
        for (hash, _) in hashed {
            if let Some(size) = self.starts.get_mut(bucket(*hash).saturating_add(1)) {
                *size = size.saturating_add(1);
            }
        }
        let mut sum = 0u32;
        for start in &mut self.starts {
            sum = sum.saturating_add(*start);
            *start = sum;
        }
        self.places = vec![0; hashed.len()];
        // Backwards, each start moves from its bucket's end to its beginning.
        for (hash, offset) in hashed.iter().rev() {
            let Some(end) = self.starts.get_mut(bucket(*hash).saturating_add(1)) else { continue };
            *end = end.saturating_sub(1);
            if let Some(place) = usize::try_from(*end).ok().and_then(|at| self.places.get_mut(at)) {
                *place = *offset;
            }
        }
        // Now every start stands one place too far up, and the first of them is free for the end.
        self.starts.rotate_left(1);
        if let Some(last) = self.starts.last_mut() {
            *last = sum;
        }
    }

    /// Entries that could be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether an entry names the issuer of its certificate, which only indirect lists may.
    #[must_use]
    pub fn names_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Looks at one entry; the serial number as it is compared.
    fn note<'a>(&mut self, item: Element<'a>, offset: u32, plain: &mut PlainExtensions<'a>) -> Result<&'a [u8], Error> {
        let mut fields = item.expect(tag::SEQUENCE)?.children();
        let serial = fields.expect(tag::INTEGER)?;
        fields.any()?;
        let rest = fields.remaining();
        if rest.is_empty() || plain.0.contains(&rest) {
            return Ok(integer_octets(serial.content));
        }
        let before = (self.issuers.len(), self.unknown_critical);
        if let Some(list) = fields.optional(tag::SEQUENCE)? {
            let mut items = list.children();
            while let Some(item) = items.next()? {
                let extension = extension(item.expect(tag::SEQUENCE)?)?;
                if extension.oid == oids::CERTIFICATE_ISSUER && self.issuers.last() != Some(&offset) {
                    self.issuers.push(offset);
                }
                self.unknown_critical |= extension.critical && !KNOWN_IN_ENTRIES.contains(&extension.oid);
            }
        }
        if before == (self.issuers.len(), false) && !self.unknown_critical && plain.0.len() < PlainExtensions::MOST {
            plain.0.push(rest);
        }
        Ok(integer_octets(serial.content))
    }

    /// The entry of a certificate in the list that the index was made of; of several, the earliest date.
    ///
    /// # Errors
    /// When the serial number is listed more often than is looked at.
    pub fn find(
        &self,
        list: &CertificateList<'_>,
        issuer: &[u8],
        serial: &[u8],
    ) -> Result<Option<RevokedEntry>, TooManyEntries> {
        let wanted = integer_octets(serial);
        let bucket = usize::try_from(bucket_hash(self.key, wanted)).unwrap_or(0) & self.starts.len().saturating_sub(2);
        let start = |bucket: usize| self.starts.get(bucket).and_then(|start| usize::try_from(*start).ok());
        let range = start(bucket).zip(start(bucket.saturating_add(1)));
        let places = range.and_then(|(from, to)| self.places.get(from..to)).unwrap_or_default();
        let (mut best, mut seen): (Option<RevokedEntry>, usize) = (None, 0);
        let normal = normalised_name(issuer);
        let ours = |name: &[u8]| name == issuer || normalised_name(name) == normal;
        // Entries in a row have one issuer, whose names may be many: they are read once, and count like entries.
        let mut told: Option<(Option<u32>, bool)> = None;
        for place in places.iter().filter(|place| serial_at(list, **place) == wanted) {
            if seen >= MAX_SAME_SERIAL {
                return Err(TooManyEntries);
            }
            seen = seen.saturating_add(1);
            let naming = self.naming(*place);
            let ours = match (told, naming) {
                (Some((known, ours)), _) if known == naming => ours,
                (_, None) => ours(list.issuer),
                (_, Some(at)) => {
                    let names = issuers_at(list, at);
                    seen = seen.saturating_add(names.len());
                    if seen > MAX_SAME_SERIAL {
                        return Err(TooManyEntries);
                    }
                    names.into_iter().any(ours)
                }
            };
            told = Some((naming, ours));
            if !ours {
                continue;
            }
            if let Some(entry) = entry_at(list, *place)
                && best.is_none_or(|known| entry.date < known.date)
            {
                best = Some(entry);
            }
        }
        Ok(best)
    }

    /// Where the issuer of the certificate at a place is named: at the entry that names one last, else by the list itself
    /// (RFC 5280 section 5.3.3).
    fn naming(&self, place: u32) -> Option<u32> {
        let named = self.issuers.partition_point(|known| *known <= place).checked_sub(1);
        named.and_then(|at| self.issuers.get(at)).copied()
    }
}

const KNOWN_IN_ENTRIES: &[&[u8]] = &[oids::CRL_REASON, oids::INVALIDITY_DATE, oids::CERTIFICATE_ISSUER];

/// Spreads serial numbers over buckets; without the key nobody can foresee which share one.
fn bucket_hash(key: u64, serial: &[u8]) -> u32 {
    let mut hash = key;
    for chunk in serial.chunks(8) {
        let value = chunk.iter().fold(0u64, |value, octet| (value << 8) | u64::from(*octet));
        hash = (hash.rotate_left(23) ^ value).wrapping_mul(key);
        hash ^= hash >> 32;
    }
    u32::try_from(hash.wrapping_mul(key) >> 32).unwrap_or(0)
}

fn element_at<'a>(list: &CertificateList<'a>, offset: u32) -> Option<Element<'a>> {
    let rest = usize::try_from(offset).ok().and_then(|offset| list.entries.get(offset..))?;
    Reader::new(rest).next().ok()?
}

fn serial_at<'a>(list: &CertificateList<'a>, offset: u32) -> &'a [u8] {
    let serial = element_at(list, offset).and_then(|entry| entry.children().expect(tag::INTEGER).ok());
    serial.map_or(&[], |serial| integer_octets(serial.content))
}

/// Names in the certificateIssuer of the entry at a place; none where it cannot be read, so that it is nobody's.
fn issuers_at<'a>(list: &CertificateList<'a>, offset: u32) -> Vec<&'a [u8]> {
    let found = || {
        let mut fields = element_at(list, offset)?.children();
        fields.expect(tag::INTEGER).ok()?;
        fields.any().ok()?;
        let known = extensions(fields.optional(tag::SEQUENCE).ok()??).ok()?;
        let extension = known.iter().find(|extension| extension.oid == oids::CERTIFICATE_ISSUER)?;
        Some(directory_names(Reader::new(extension.value).expect(tag::SEQUENCE).ok()?.children()))
    };
    found().unwrap_or_default()
}

fn entry_at(list: &CertificateList<'_>, offset: u32) -> Option<RevokedEntry> {
    let mut fields = element_at(list, offset)?.children();
    fields.expect(tag::INTEGER).ok()?;
    let date = decode_time(&fields.any().ok()?);
    let mut entry = RevokedEntry { date, reason: None, invalidity_date: None, unknown_critical: false };
    let Ok(Some(list)) = fields.optional(tag::SEQUENCE) else { return Some(entry) };
    for extension in extensions(list).unwrap_or_default() {
        match extension.oid {
            oids::CRL_REASON => {
                // ENUMERATED, one octet.
                let value = Reader::new(extension.value).expect(0x0a).ok();
                entry.reason = value.and_then(|value| value.content.first()).map(|code| RevocationReason(*code));
            }
            oids::INVALIDITY_DATE => {
                entry.invalidity_date = Reader::new(extension.value).any().ok().and_then(|value| decode_time(&value));
            }
            other => entry.unknown_critical |= extension.critical && !KNOWN_IN_ENTRIES.contains(&other),
        }
    }
    Some(entry)
}
