//! What the signatures of a stock of files vouch for, read without sigscan, and whether a Valid file holds nothing else.
//!
//! A signature vouches for octets, not for places: a change may move them, and may put one file's signature on another
//! file. So the octets themselves are remembered, all that belong together under one digest:
//!
//! * the file's covered octets with the content that states their digest, the signed attributes and the signature;
//! * each certificate's TBSCertificate with the signature below it, of chains that are Valid;
//! * a timestamp's content, attributes and signature with the signature that it stamps.
//!
//! Whatever is Valid after a change must consist of such, and of nothing else: everything that differs is then covered by
//! no signature, and [`differences`] names it.

use std::collections::{BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};
use sigscan::Record;
use sigscan::judge::Status;
use sigscan::record::{ChainCertificate, Signature};

type Key = [u8; 32];

/// Deeper elements are not followed.
const DEPTH: usize = 64;

/// An element of BER.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element<'f> {
    pub tag: u8,
    pub raw: &'f [u8],
    pub content: &'f [u8],
}

/// The element at the start, and what follows it.
fn element(octets: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let &tag = octets.first()?;
    let mut at = 1;
    if tag & 0x1f == 0x1f {
        // A tag of several octets (X.690 section 8.1.2.4); sigscan reads no longer ones either.
        while octets.get(at)? & 0x80 != 0 {
            at += 1;
        }
        at += 1;
    }
    if at > 7 || depth > DEPTH {
        return None;
    }
    let &first = octets.get(at)?;
    at += 1;
    let (from, length) = match first {
        0..=0x7f => (at, usize::from(first)),
        0x80 => {
            let mut rest = &octets[at..];
            while !rest.starts_with(&[0, 0]) {
                rest = element(rest, depth + 1)?.1;
            }
            let stop = octets.len() - rest.len();
            return Some((Element { tag, raw: &octets[..stop + 2], content: &octets[at..stop] }, &rest[2..]));
        }
        _ => {
            let count = usize::from(first & 0x7f);
            let digits = octets.get(at..at + count)?;
            let length = digits.iter().try_fold(0usize, |sum, digit| {
                sum.checked_mul(256).map(|sum| sum | usize::from(*digit)).filter(|sum| *sum <= octets.len())
            });
            (at + count, length?)
        }
    };
    let content = octets.get(from..from.checked_add(length)?)?;
    Some((Element { tag, raw: &octets[..from + length], content }, &octets[from + length..]))
}

/// Elements up to the first that cannot be delimited.
fn children(octets: &[u8]) -> Vec<Element<'_>> {
    let mut found = Vec::new();
    let mut rest = octets;
    while let Some((child, after)) = element(rest, 0) {
        found.push(child);
        rest = after;
    }
    found
}

/// The octets of an OCTET STRING, in one piece or in several; of anything else its content.
fn joined(element: &Element<'_>, depth: usize) -> Vec<u8> {
    if element.tag != 0x24 || depth > DEPTH {
        return element.content.to_vec();
    }
    children(element.content).iter().flat_map(|piece| joined(piece, depth + 1)).collect()
}

fn key(parts: &[&[u8]]) -> Key {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// A SignerInfo.
struct Signer<'f> {
    attributes: &'f [u8],
    signature: Vec<u8>,
    unsigned: Option<Element<'f>>,
}

impl<'f> Signer<'f> {
    fn read(info: &Element<'f>) -> Option<Signer<'f>> {
        let mut fields = children(info.content).into_iter().skip(3).peekable();
        let attributes = fields.next_if(|field| field.tag == 0xa0).map_or(&[][..], |field| field.raw);
        let signature = joined(&fields.nth(1)?, 0);
        Some(Signer { attributes, signature, unsigned: fields.next().filter(|field| field.tag == 0xa1) })
    }
}

/// A SignedData with one signer.
pub struct Message<'f> {
    /// The ContentInfo.
    pub raw: &'f [u8],
    kind: &'f [u8],
    content: Vec<u8>,
    /// Elements of the bag of certificates.
    bag: Vec<Element<'f>>,
    signer: Signer<'f>,
}

/// Content octets of object identifiers.
const NESTED: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 4, 1];
const TOKEN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 3, 3, 1];
const SIGNING_TIME_TOKEN: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 14];
const COUNTER: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 6];

impl<'f> Message<'f> {
    /// The ContentInfo at the start of these octets.
    #[must_use]
    pub fn read(octets: &'f [u8]) -> Option<Message<'f>> {
        let info = element(octets, 0)?.0;
        let wrapper = *children(info.content).get(1)?;
        let data = *children(wrapper.content).first()?;
        let mut fields = children(data.content).into_iter().skip(2).peekable();
        let inner = children(fields.next()?.content);
        let (kind, content) = (inner.first()?.content, *children(inner.get(1)?.content).first()?);
        let bag = fields.next_if(|field| field.tag == 0xa0).map(|bag| children(bag.content)).unwrap_or_default();
        let _ = fields.next_if(|field| field.tag == 0xa1);
        let signer = Signer::read(children(fields.next()?.content).first()?)?;
        Some(Message { raw: info.raw, kind, content: joined(&content, 0), bag, signer })
    }

    /// Values of unsigned attributes of these kinds.
    fn attached(&self, kinds: &[&[u8]]) -> Vec<(bool, Element<'f>)> {
        let attributes = self.signer.unsigned.map(|set| children(set.content)).unwrap_or_default();
        let mut found = Vec::new();
        for attribute in attributes {
            if let [kind, values, ..] = children(attribute.content)[..]
                && kinds.contains(&kind.content)
            {
                found.extend(children(values.content).into_iter().map(|value| (kind.content == COUNTER, value)));
            }
        }
        found
    }

    fn signed(&self, covered: &Key) -> Key {
        key(&[covered, self.kind, &self.content, self.signer.attributes, &self.signer.signature])
    }

    /// One key for each timestamp, in file order.
    fn stamps(&self) -> Vec<Key> {
        let stamp = |(counter, value): (bool, Element<'f>)| {
            let stamped = self.signer.signature.as_slice();
            if counter {
                let by = Signer::read(&value)?;
                return Some(key(&[stamped, by.attributes, &by.signature]));
            }
            let token = Message::read(value.raw)?;
            Some(key(&[stamped, token.kind, &token.content, token.signer.attributes, &token.signer.signature]))
        };
        self.attached(&[TOKEN, SIGNING_TIME_TOKEN, COUNTER]).into_iter().filter_map(stamp).collect()
    }

    /// Every certificate in it, in its timestamps and in what is nested in it.
    fn certificates(&self, depth: usize) -> Vec<&'f [u8]> {
        let mut found: Vec<&[u8]> = self.bag.iter().map(|one| one.raw).collect();
        if depth < 8 {
            for (_, value) in self.attached(&[TOKEN, SIGNING_TIME_TOKEN, NESTED]) {
                found.extend(Message::read(value.raw).map(|inner| inner.certificates(depth + 1)).unwrap_or_default());
            }
        }
        found
    }
}

/// TBSCertificate and signature of a certificate.
fn certified(raw: &[u8]) -> Option<Key> {
    let fields = children(element(raw, 0)?.0.content);
    let [tbs, _, signature, ..] = fields[..] else { return None };
    // The first octet of a BIT STRING counts the bits that are not used.
    Some(key(&[tbs.raw, signature.content.get(1..)?]))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn thumbprint(raw: &[u8]) -> String {
    hex(&Sha256::digest(raw))
}

/// Where the fields of a PE file are that no digest covers.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    pub checksum: usize,
    pub directory: usize,
    pub table: usize,
    pub size: usize,
}

fn number(file: &[u8], at: usize, length: usize) -> Option<usize> {
    let octets = file.get(at..at.checked_add(length)?)?;
    Some(octets.iter().rev().fold(0, |sum, octet| sum << 8 | usize::from(*octet)))
}

/// Reads them; nothing where the file is no PE file with a security directory that is not zero in both halves.
#[must_use]
pub fn fields(file: &[u8]) -> Option<Fields> {
    let pe = number(file, 0x3c, 4)?;
    let optional = pe + 24;
    if file.get(..2)? != b"MZ" || file.get(pe..pe + 4)? != b"PE\0\0" {
        return None;
    }
    let count = optional
        + match number(file, optional, 2)? {
            0x10b => 92,
            0x20b => 108,
            _ => return None,
        };
    let directory = count + 4 + 4 * 8;
    if number(file, count, 4)? < 5 {
        return None;
    }
    let (table, size) = (number(file, directory, 4)?, number(file, directory + 4, 4)?);
    // Two signs together: the entry lies behind the optional header's stated end, and leads out of the file.
    let overlaid = directory + 8 > optional + number(file, optional - 4, 2)? && table >= file.len();
    ((table, size) != (0, 0) && !overlaid).then_some(Fields { checksum: optional + 64, directory, table, size })
}

/// The digest of the octets that an Authenticode digest covers; nothing where the table leads out of the file.
fn covered(file: &[u8]) -> Option<Key> {
    let at = fields(file)?;
    let end = at.table.checked_add(at.size)?;
    let parts = [
        file.get(..at.checksum)?,
        file.get(at.checksum + 4..at.directory)?,
        file.get(at.directory + 8..at.table)?,
        file.get(end..)?,
    ];
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Some(hasher.finalize().into())
}

/// A catalog covers itself.
const ITSELF: Key = [0; 32];

/// What a stock of sound signatures vouches for.
#[derive(Default)]
pub struct Vouched {
    signed: HashSet<Key>,
    certified: HashSet<Key>,
    /// Certificates that need no second look: as they were, octet for octet.
    thumbprints: HashSet<String>,
    stamped: HashMap<Key, BTreeSet<String>>,
}

impl Vouched {
    /// Learns from an undamaged file and its record; `others` are certificates that may stand in chains.
    pub fn learn(&mut self, file: &[u8], record: &Record, others: &[Vec<u8>]) {
        let Some(covered) = (if is_pe(file) { covered(file) } else { Some(ITSELF) }) else { return };
        for signature in record.signatures.iter().filter(|one| one.signer.is_some()) {
            let Some(message) = at(file, signature) else { continue };
            // Its trust may fail for a reason that a change takes away, such as a timestamp that is broken.
            self.signed.insert(message.signed(&covered));
            let stamps = message.stamps();
            for (number, stamp) in signature.timestamps.iter().enumerate().filter(|(_, stamp)| stamp.fault.is_none()) {
                let keys =
                    if stamps.len() == signature.timestamps.len() { &stamps[number..=number] } else { &stamps[..] };
                for key in keys {
                    self.stamped.entry(*key).or_default().extend(stamp.time.clone());
                }
            }
            let verified = signature.timestamps.iter().filter(|stamp| stamp.verified).flat_map(|stamp| &stamp.chain);
            let chain = signature.chain.iter().filter(|_| signature.status == Status::Valid);
            let mut known: Vec<&[u8]> = certificates_of(file, record);
            known.extend(others.iter().map(Vec::as_slice));
            let known: HashMap<String, &[u8]> = known.into_iter().map(|raw| (thumbprint(raw), raw)).collect();
            for one in chain.chain(verified) {
                self.thumbprints.insert(one.thumbprint_sha256.clone());
                self.certified.extend(known.get(&one.thumbprint_sha256).and_then(|raw| certified(raw)));
            }
        }
    }

    /// How many signatures, certificates and timestamps it knows.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        [self.signed.len(), self.certified.len(), self.stamped.len()]
    }

    /// Why this file should not be Valid; `at` is the moment as of which it was judged.
    ///
    /// # Errors
    /// What it rests on that no signature of the stock vouches for.
    pub fn check(&self, file: &[u8], record: &Record, moment: &str) -> Result<(), String> {
        let signature = record.signatures.first().ok_or("Valid without a signature")?;
        if signature.status != Status::Valid {
            return Err("Valid by another than the first signature".to_owned());
        }
        let covered = if is_pe(file) { covered(file).ok_or("no table")? } else { ITSELF };
        let message = at(file, signature).ok_or("a signature that cannot be followed")?;
        if !self.signed.contains(&message.signed(&covered)) {
            return Err("file, content, attributes or signature were never signed together".to_owned());
        }
        let bags = certificates_of(file, record);
        self.check_chain(&signature.chain, &bags)?;
        let signer = record.signer.as_ref().ok_or("Valid without a signer")?;
        let leaf = signature.chain.first().ok_or("Valid without a chain")?;
        if (&signer.subject, &signer.serial, &signer.thumbprint_sha256)
            != (&leaf.subject, &leaf.serial, &leaf.thumbprint_sha256)
        {
            return Err("another signer than the chain's".to_owned());
        }
        match record.timestamp.as_ref().filter(|stamp| stamp.verified) {
            Some(stamp) => {
                let time = stamp.time.as_deref().ok_or("a verified timestamp without a time")?;
                let keys = message.stamps();
                if !keys.iter().any(|key| self.stamped.get(key).is_some_and(|times| times.contains(time))) {
                    return Err(format!("{time} was never stamped on this signature"));
                }
                let used = signature.timestamps.iter().find(|stamp| stamp.used).ok_or("no timestamp is used")?;
                self.check_chain(&used.chain, &bags)
            }
            None => {
                let (from, to) = (leaf.not_before.as_deref(), leaf.not_after.as_deref());
                let alive = from.is_some_and(|from| from <= moment) && to.is_some_and(|to| moment <= to);
                alive.then_some(()).ok_or_else(|| "out of its validity, and not stamped".to_owned())
            }
        }
    }

    fn check_chain(&self, chain: &[ChainCertificate], bags: &[&[u8]]) -> Result<(), String> {
        for one in chain.iter().filter(|one| !self.thumbprints.contains(&one.thumbprint_sha256)) {
            let found = bags.iter().find(|raw| thumbprint(raw) == one.thumbprint_sha256);
            let known = found.and_then(|raw| certified(raw)).is_some_and(|key| self.certified.contains(&key));
            if !known {
                return Err(format!("a certificate that nobody issued: {}", one.subject));
            }
        }
        Ok(())
    }
}

/// Whether it is to be judged as a PE file.
#[must_use]
pub fn is_pe(file: &[u8]) -> bool {
    file.starts_with(b"MZ")
}

fn at<'f>(file: &'f [u8], signature: &Signature) -> Option<Message<'f>> {
    Message::read(file.get(usize::try_from(signature.offset).ok()?..)?)
}

fn certificates_of<'f>(file: &'f [u8], record: &Record) -> Vec<&'f [u8]> {
    record.signatures.iter().filter_map(|one| at(file, one)).flat_map(|message| message.certificates(0)).collect()
}

/// What differs between a file and what became of it, where both are Valid: nothing of it is covered by a signature.
#[must_use]
pub fn differences(before: (&[u8], &Record), after: (&[u8], &Record)) -> String {
    if before.0 == after.0 {
        return "nothing".to_owned();
    }
    let read = |(file, record): (&'_ [u8], &Record)| {
        record.signatures.first().and_then(|one| at(file, one).map(|m| m.raw.to_vec()))
    };
    let (Some(old), Some(new)) = (read(before), read(after)) else { return "nothing could be read before".to_owned() };
    let (Some(old), Some(new)) = (Message::read(&old), Message::read(&new)) else {
        return "nothing could be read before".to_owned();
    };
    let mut found = Vec::new();
    if old.raw != new.raw {
        let certificates = old.bag != new.bag;
        let unsigned = old.signer.unsigned.map(|set| set.raw) != new.signer.unsigned.map(|set| set.raw);
        let signed = old.signed(&ITSELF) != new.signed(&ITSELF);
        found.extend(signed.then_some("another's signature"));
        found.extend(certificates.then_some("certificates"));
        found.extend(unsigned.then_some("unsigned attributes"));
        found.extend((!signed && !certificates && !unsigned).then_some("frame"));
    } else {
        found.push("around the signature");
    }
    found.join(" and ")
}
