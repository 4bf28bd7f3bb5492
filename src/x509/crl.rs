//! Certificate revocation lists: a view over the bytes, and an index of serial numbers that is made on first use.
//!
//! A list of tens of megabytes is never turned into objects: the index costs eight octets an entry, and an entry is
//! read again from its place when somebody asks for it.

use super::certificate::{Extension, extension, significant_octets};
use super::{Certificate, MAX_EXTENSIONS};
use crate::asn1::{Element, Error, ErrorKind, Oid, Reader, Time, decode_time, oid_to_string, oids, tag};
use crate::crypto::AlgorithmId;

/// A view of a CRL.
///
/// ```text
/// CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
/// TBSCertList ::= SEQUENCE { version INTEGER OPTIONAL, signature, issuer Name, thisUpdate Time,
///   nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF SEQUENCE { userCertificate INTEGER,
///   revocationDate Time, crlEntryExtensions Extensions OPTIONAL } OPTIONAL, crlExtensions [0] OPTIONAL }
/// ```
/// Source: RFC 5280 section 5.1.
#[derive(Debug, Clone)]
pub struct CertificateList<'a> {
    /// The whole list as it stands.
    pub raw: &'a [u8],
    /// The TBSCertList element, which is what the issuer signed.
    pub tbs: &'a [u8],
    /// The issuer Name element.
    pub issuer: &'a [u8],
    /// When it was made; `None` when the text is no moment.
    pub this_update: Option<Time>,
    /// When the next one is due.
    pub next_update: NextUpdate,
    /// The CRL extensions.
    pub extensions: Vec<Extension<'a>>,
    /// The signature algorithm of the outer sequence.
    pub signature_algorithm: AlgorithmId<'a>,
    /// The signature value's octets.
    pub signature: &'a [u8],
    /// Content of revokedCertificates; empty when it is absent.
    entries: &'a [u8],
}

/// State of nextUpdate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextUpdate {
    /// RFC 5280 demands it, X.509 does not: such a list never becomes stale.
    Absent,
    /// It is there and no moment.
    Unreadable,
    /// The moment.
    At(Time),
}

impl NextUpdate {
    /// The moment, if there is one.
    #[must_use]
    pub fn time(self) -> Option<Time> {
        match self {
            NextUpdate::At(time) => Some(time),
            _ => None,
        }
    }

    /// Whether a list is out of date at `now`.
    #[must_use]
    pub fn is_stale(self, now: Time) -> bool {
        match self {
            NextUpdate::Absent => false,
            NextUpdate::Unreadable => true,
            NextUpdate::At(time) => time < now,
        }
    }
}

/// What a list says of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedEntry {
    /// revocationDate; `None` when it is no moment.
    pub date: Option<Time>,
    /// reasonCode.
    pub reason: Option<RevocationReason>,
    /// invalidityDate.
    pub invalidity_date: Option<Time>,
    /// A critical entry extension that is not understood: the entry means something unknown.
    pub unknown_critical: bool,
}

/// CRLReason. Source: RFC 5280 section 5.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevocationReason(pub u8);

impl RevocationReason {
    /// removeFromCRL, which only delta CRLs may say.
    pub const REMOVE_FROM_CRL: RevocationReason = RevocationReason(8);

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => "unknown",
        }
    }
}

/// What a list covers, as far as its extensions say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope<'a> {
    /// Lists changes since another CRL only (deltaCRLIndicator).
    pub delta: bool,
    /// Lists certificates of other issuers too (indirectCRL).
    pub indirect: bool,
    /// Covers attribute certificates only.
    pub attribute_only: bool,
    /// Covers some reasons only.
    pub some_reasons: bool,
    /// Covers end entities only.
    pub user_only: bool,
    /// Covers CAs only.
    pub ca_only: bool,
    /// The distribution point that it belongs to: the content of its DistributionPointName.
    pub distribution_point: Option<&'a [u8]>,
    /// A critical extension that is not understood, or one that cannot be read.
    pub unknown_critical: Option<String>,
}

impl<'a> CertificateList<'a> {
    /// Reads a CRL that fills `raw`; bytes after it are ignored. The entries are not looked at.
    ///
    /// # Errors
    /// When the structure cannot be delimited.
    pub fn parse(raw: &'a [u8]) -> Result<CertificateList<'a>, Error> {
        let outer = Reader::new(raw).expect(tag::SEQUENCE)?;
        let mut parts = outer.children();
        let tbs = parts.expect(tag::SEQUENCE)?;
        let algorithm = parts.expect(tag::SEQUENCE)?;
        let signature = parts.expect(tag::BIT_STRING)?.bit_string()?;

        let mut fields = tbs.children();
        fields.optional(tag::INTEGER)?;
        fields.expect(tag::SEQUENCE)?;
        let issuer = fields.expect(tag::SEQUENCE)?;
        let this_update = moment(fields.any()?)?;
        let next_update = match fields.rest().first() {
            Some(&(tag::UTC_TIME | tag::GENERALIZED_TIME)) => {
                decode_time(&fields.any()?).map_or(NextUpdate::Unreadable, NextUpdate::At)
            }
            _ => NextUpdate::Absent,
        };
        let entries = fields.optional(tag::SEQUENCE)?.map_or(&[][..], |list| list.content);
        let extensions = match fields.optional(tag::context_constructed(0))? {
            Some(wrapper) => extensions(wrapper.children().expect(tag::SEQUENCE)?)?,
            None => Vec::new(),
        };
        Ok(CertificateList {
            raw: outer.raw,
            tbs: tbs.raw,
            issuer: issuer.raw,
            this_update,
            next_update,
            extensions,
            signature_algorithm: AlgorithmId::parse(algorithm)?,
            signature,
            entries,
        })
    }

    fn extension(&self, oid: Oid<'_>) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// keyIdentifier of the authority key identifier.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&'a [u8]> {
        let value = self.extension(oids::AUTHORITY_KEY_IDENTIFIER)?.value;
        let mut fields = Reader::new(value).expect(tag::SEQUENCE).ok()?.children();
        Some(fields.optional(tag::context(0)).ok()??.content)
    }

    /// The CRL's number, content octets.
    #[must_use]
    pub fn number(&self) -> Option<&'a [u8]> {
        let value = self.extension(oids::CRL_NUMBER)?.value;
        Some(Reader::new(value).expect(tag::INTEGER).ok()?.content)
    }

    /// What the list covers. Source: RFC 5280 sections 5.2.4 and 5.2.5.
    #[must_use]
    pub fn scope(&self) -> Scope<'a> {
        const KNOWN: &[&[u8]] = &[
            oids::AUTHORITY_KEY_IDENTIFIER,
            oids::ISSUER_ALT_NAME,
            oids::CRL_NUMBER,
            oids::DELTA_CRL_INDICATOR,
            oids::ISSUING_DISTRIBUTION_POINT,
            oids::FRESHEST_CRL,
            oids::AUTHORITY_INFO_ACCESS,
        ];
        let mut scope = Scope { delta: self.extension(oids::DELTA_CRL_INDICATOR).is_some(), ..Scope::default() };
        let unknown = self.extensions.iter().find(|e| e.critical && !KNOWN.contains(&e.oid));
        scope.unknown_critical = unknown.map(|extension| oid_to_string(extension.oid));
        if let Some(extension) = self.extension(oids::ISSUING_DISTRIBUTION_POINT)
            && issuing_distribution_point(extension.value, &mut scope).is_err()
        {
            scope.unknown_critical.get_or_insert_with(|| oid_to_string(extension.oid));
        }
        scope
    }
}

/// ```text
/// IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0] DistributionPointName OPTIONAL,
///   onlyContainsUserCerts [1], onlyContainsCACerts [2], onlySomeReasons [3], indirectCRL [4],
///   onlyContainsAttributeCerts [5] }
/// ```
fn issuing_distribution_point<'a>(value: &'a [u8], scope: &mut Scope<'a>) -> Result<(), Error> {
    let mut fields = Reader::new(value).expect(tag::SEQUENCE)?.children();
    while let Some(field) = fields.next()? {
        let set = field.content.iter().any(|octet| *octet != 0);
        match field.tag & 0x1f {
            0 => scope.distribution_point = Some(field.content),
            1 => scope.user_only = set,
            2 => scope.ca_only = set,
            3 => scope.some_reasons = true,
            4 => scope.indirect = set,
            5 => scope.attribute_only = set,
            _ => return Err(field.error(ErrorKind::BadValue)),
        }
    }
    Ok(())
}

impl Scope<'_> {
    /// Whether a list of this distribution point covers the certificate: one of the point's names stands in the
    /// certificate's own cRLDistributionPoints (RFC 5280 section 6.3.3 (b) (2) (i)).
    #[must_use]
    pub fn names_point_of(&self, certificate: &Certificate<'_>) -> bool {
        let Some(point) = self.distribution_point else { return true };
        let Some(own) = certificate.extension(oids::CRL_DISTRIBUTION_POINTS) else { return false };
        let names = full_names(point);
        point_names(own.value).is_ok_and(|own| own.iter().any(|name| names.contains(name)))
    }
}

/// GeneralName elements of a DistributionPointName whose content is given; empty for a relative name.
fn full_names(point: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let Ok(Some(names)) = Reader::new(point).optional(tag::context_constructed(0)) else { return found };
    let mut items = names.children();
    while let Ok(Some(item)) = items.next() {
        found.push(item.raw);
    }
    found
}

/// Every name in CRLDistributionPoints (RFC 5280 section 4.2.1.13).
fn point_names(value: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut found = Vec::new();
    let mut points = Reader::new(value).expect(tag::SEQUENCE)?.children();
    while let Some(point) = points.next()? {
        if let Some(name) = point.children().optional(tag::context_constructed(0))? {
            found.extend(full_names(name.content));
        }
    }
    Ok(found)
}

fn moment(element: Element<'_>) -> Result<Option<Time>, Error> {
    match element.tag {
        tag::UTC_TIME | tag::GENERALIZED_TIME => Ok(decode_time(&element)),
        found => Err(element.error(ErrorKind::UnexpectedTag { expected: tag::UTC_TIME, found })),
    }
}

pub(super) fn extensions(list: Element<'_>) -> Result<Vec<Extension<'_>>, Error> {
    let mut found = Vec::new();
    let mut items = list.children();
    while let Some(item) = items.next()? {
        if found.len() >= MAX_EXTENSIONS {
            return Err(item.error(ErrorKind::BadValue));
        }
        found.push(extension(item.expect(tag::SEQUENCE)?)?);
    }
    Ok(found)
}

/// Where each serial number of a list stands, and what is odd about its entries.
#[derive(Debug, Default)]
pub struct CrlIndex {
    /// End of the serial number and offset of its entry, sorted by that end, then by the number, then by offset.
    places: Vec<(u32, u32)>,
    /// An entry names another issuer than the CRL's (certificateIssuer): it and all that follow are foreign.
    pub foreign_entries: bool,
    /// An entry has a critical extension that is not understood.
    pub unknown_critical: bool,
    /// The entries could not be read to the end.
    pub cut: bool,
}

impl CrlIndex {
    /// Walks the entries once.
    #[must_use]
    pub fn build(list: &CertificateList<'_>) -> CrlIndex {
        let mut index = CrlIndex::default();
        let mut items = Reader::new(list.entries);
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
            let (Ok(serial), Ok(offset)) = (index.note(item), u32::try_from(offset)) else {
                index.cut = true;
                continue;
            };
            index.places.push((ending(serial), offset));
        }
        index.places.sort_unstable_by(|left, right| {
            left.0.cmp(&right.0).then_with(|| {
                let serials = (serial_at(list, left.1), serial_at(list, right.1));
                serials.0.cmp(serials.1).then(left.1.cmp(&right.1))
            })
        });
        index.places.shrink_to_fit();
        index
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

    /// Looks at one entry; the serial number as it is compared.
    fn note<'a>(&mut self, item: Element<'a>) -> Result<&'a [u8], Error> {
        let mut fields = item.expect(tag::SEQUENCE)?.children();
        let serial = fields.expect(tag::INTEGER)?;
        fields.any()?;
        if let Some(list) = fields.optional(tag::SEQUENCE)? {
            let mut items = list.children();
            while let Some(item) = items.next()? {
                let extension = extension(item.expect(tag::SEQUENCE)?)?;
                self.foreign_entries |= extension.oid == oids::CERTIFICATE_ISSUER;
                self.unknown_critical |= extension.critical && !KNOWN_IN_ENTRIES.contains(&extension.oid);
            }
        }
        Ok(significant_octets(serial.content))
    }

    /// The entry of a serial number in the list that the index was made of; of several, the earliest date.
    #[must_use]
    pub fn find(&self, list: &CertificateList<'_>, serial: &[u8]) -> Option<RevokedEntry> {
        let wanted = significant_octets(serial);
        let key = ending(wanted);
        let order = |place: &(u32, u32)| place.0.cmp(&key).then_with(|| serial_at(list, place.1).cmp(wanted));
        let first = self.places.partition_point(|place| order(place).is_lt());
        let same = self.places.get(first..)?.iter().take_while(|place| order(place).is_eq());
        same.take(16).filter_map(|place| entry_at(list, place.1)).min_by_key(|entry| entry.date)
    }
}

const KNOWN_IN_ENTRIES: &[&[u8]] = &[oids::CRL_REASON, oids::INVALIDITY_DATE, oids::CERTIFICATE_ISSUER];

/// The last four octets of a serial number, the part in which serial numbers differ most.
fn ending(serial: &[u8]) -> u32 {
    serial.iter().rev().take(4).fold(0, |value, octet| (value << 8) | u32::from(*octet))
}

fn element_at<'a>(list: &CertificateList<'a>, offset: u32) -> Option<Element<'a>> {
    let rest = usize::try_from(offset).ok().and_then(|offset| list.entries.get(offset..))?;
    Reader::new(rest).next().ok()?
}

fn serial_at<'a>(list: &CertificateList<'a>, offset: u32) -> &'a [u8] {
    let serial = element_at(list, offset).and_then(|entry| entry.children().expect(tag::INTEGER).ok());
    serial.map_or(&[], |serial| significant_octets(serial.content))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84][..], &length, content].concat()
    }

    fn entry(serial: &[u8], date: &str, rest: &[u8]) -> Vec<u8> {
        element(0x30, &[element(0x02, serial), element(0x17, date.as_bytes()), rest.to_vec()].concat())
    }

    /// A list of these entries by a nameless issuer, with a signature of no meaning.
    fn list(entries: &[u8]) -> Vec<u8> {
        let algorithm = element(0x30, &[0x06, 0x03, 0x2a, 0x03, 0x04]);
        let dates = [element(0x17, b"260501000000Z"), element(0x17, b"270501000000Z")].concat();
        let tbs = [element(0x02, &[1]), algorithm.clone(), element(0x30, &[]), dates, element(0x30, entries)].concat();
        element(0x30, &[element(0x30, &tbs), algorithm, element(0x03, &[0, 1, 2, 3])].concat())
    }

    #[test]
    fn every_listed_serial_is_found_and_no_other() {
        // Serial numbers that differ only in front of their last four octets, and some that do not.
        let serial = |number: u32| [&number.to_be_bytes()[..], &(number % 7).to_be_bytes()].concat();
        let date = |number: u32| format!("2501010000{:02}Z", number % 60);
        let entries: Vec<u8> = (1..2000).rev().flat_map(|number| entry(&serial(number), &date(number), &[])).collect();
        let bytes = list(&entries);
        let view = CertificateList::parse(&bytes).unwrap();
        let index = CrlIndex::build(&view);
        assert_eq!(
            (index.len(), index.cut, index.foreign_entries, index.unknown_critical),
            (1999, false, false, false)
        );
        for number in 1..2000 {
            let found = index.find(&view, &serial(number)).unwrap();
            assert_eq!(found.date, Time::parse_rfc3339(&format!("2025-01-01T00:00:{:02}Z", number % 60)));
        }
        assert_eq!(index.find(&view, &serial(0)), None);
        assert_eq!(index.find(&view, &serial(2000)), None);
        assert!(index.find(&view, &[&[0, 0][..], &serial(5)].concat()).is_some(), "needless zeros count for nothing");
    }

    #[test]
    fn of_two_entries_the_earlier_date_counts_and_an_unreadable_one_most() {
        let twice = [entry(&[7], "250301000000Z", &[]), entry(&[7], "240301000000Z", &[])].concat();
        let bytes = list(&twice);
        let view = CertificateList::parse(&bytes).unwrap();
        let found = CrlIndex::build(&view).find(&view, &[7]).unwrap();
        assert_eq!(found.date, Time::parse_rfc3339("2024-03-01"));
        let bytes = list(&[twice, entry(&[7], "some day", &[])].concat());
        let view = CertificateList::parse(&bytes).unwrap();
        assert_eq!(CrlIndex::build(&view).find(&view, &[7]).unwrap().date, None);
    }

    #[test]
    fn what_cannot_be_read_to_the_end_says_so_and_keeps_what_can() {
        let good = entry(&[7], "250301000000Z", &[]);
        for junk in [&[0x30, 0x05][..], &[0x02, 0x01, 0x05], &[0x30, 0x00], &[0x30, 0x03, 0x02, 0x01, 0x09]] {
            let bytes = list(&[&good[..], junk].concat());
            let view = CertificateList::parse(&bytes).unwrap();
            let index = CrlIndex::build(&view);
            assert!(index.cut && index.find(&view, &[7]).is_some(), "{junk:02x?}");
        }
        let whole = list(&good);
        for end in 0..whole.len() {
            assert!(CertificateList::parse(whole.get(..end).unwrap()).is_err());
        }
        // Any octet may be anything: the answer differs, and there is one.
        for place in 0..whole.len() {
            for value in [0x00, 0x01, 0x30, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                *damaged.get_mut(place).unwrap() = value;
                if let Ok(view) = CertificateList::parse(&damaged) {
                    let _ = (view.scope(), CrlIndex::build(&view).find(&view, &[7]));
                }
            }
        }
    }
}
