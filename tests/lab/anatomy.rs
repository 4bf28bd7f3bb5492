//! Which octet of a finished file is what: the other half of the generator's knowledge, for tests that damage files.
//!
//! A reader of its own, simpler than the program's: it follows the definitions straight down and gives up (`None`) on
//! whatever the generator writes only to be refused.

use super::cast;
use super::cms::{SIGNED_DATA, SPC_NESTED_SIGNATURE};
use super::der::oid;
use super::pe::{Offsets, TYPE_PKCS7};
use super::stamp::{COUNTER_SIGNATURE, RFC3161_COUNTER_SIGN};

/// Whose octet it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Owner {
    File,
    /// The first signature, which gives the file its status.
    Primary,
    /// A signature in a further table entry.
    Second,
    Nested,
    /// A timestamp of the primary signature.
    Stamp,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// Covered by the file's digest.
    Hashed,
    CheckSum,
    /// The security directory's entry.
    Directory,
    /// dwLength, wRevision, wCertificateType of an entry.
    Length,
    Revision,
    Kind,
    /// Behind a PKCS#7 in its entry.
    Padding,
    /// Tags, lengths, versions and identifiers that no signature covers.
    Frame,
    /// What the messageDigest attribute covers: SpcIndirectDataContent or TSTInfo.
    Content,
    /// TBSCertificate of a certificate that every path needs and the store does not hold.
    Certificate,
    /// The issuer's signature below it.
    CertificateSignature,
    /// Certificates that are not needed.
    Spare,
    SignedAttributes,
    Signature,
    /// Unauthenticated attributes, apart from what is a signature or timestamp itself.
    Unsigned,
}

impl Part {
    /// Whether a signature vouches for it, so that no change of it may be overlooked.
    pub fn is_protected(self) -> bool {
        use Part::{Certificate, CertificateSignature, Content, Hashed, Signature, SignedAttributes};
        matches!(self, Hashed | Content | Certificate | CertificateSignature | SignedAttributes | Signature)
    }
}

pub type Label = (Owner, Part);

/// Every octet's label, if the file has a certificate table with a signature that can be followed.
pub fn anatomy(file: &[u8]) -> Option<Vec<Label>> {
    let at = Offsets::of(file);
    let directory = at.directory?;
    let (table, size) = at.table(file);
    if size < 8 || table + size > file.len() {
        return None;
    }
    let mut labels = Labels { of: vec![(Owner::File, Part::Hashed); file.len()], file };
    labels.set(at.checksum, at.checksum + 4, (Owner::File, Part::CheckSum));
    labels.set(directory, directory + 8, (Owner::File, Part::Directory));
    labels.set(table, table + size, (Owner::File, Part::Padding));
    let mut entry = table;
    let mut owner = Owner::Primary;
    while entry + 8 <= table + size {
        let length = u32::from_le_bytes(file[entry..entry + 4].try_into().ok()?) as usize;
        let kind = u16::from_le_bytes(file[entry + 6..entry + 8].try_into().ok()?);
        if length < 8 || entry + length > table + size {
            break;
        }
        labels.set(entry, entry + 4, (owner, Part::Length));
        labels.set(entry + 4, entry + 6, (owner, Part::Revision));
        labels.set(entry + 6, entry + 8, (owner, Part::Kind));
        if kind == TYPE_PKCS7 {
            labels.set(entry + 8, entry + length, (owner, Part::Padding));
            labels.message(element(file, entry + 8)?, owner)?;
            owner = Owner::Second;
        } else {
            labels.set(entry + 8, entry + length, (owner, Part::Spare));
        }
        entry = (entry + length).next_multiple_of(8);
    }
    (owner == Owner::Second).then_some(labels.of)
}

/// Every octet's label of a catalog, which is nothing but its signature.
pub fn anatomy_of_catalog(file: &[u8]) -> Option<Vec<Label>> {
    let mut labels = Labels { of: vec![(Owner::File, Part::Padding); file.len()], file };
    labels.message(element(file, 0)?, Owner::Primary)?;
    Some(labels.of)
}

/// An element by its offsets: whole, and content.
#[derive(Clone, Copy)]
struct Element {
    tag: u8,
    start: usize,
    body: usize,
    stop: usize,
    end: usize,
}

fn element(file: &[u8], start: usize) -> Option<Element> {
    let (tag, length) = (*file.get(start)?, *file.get(start + 1)?);
    let (body, length) = match length {
        0x80 => {
            let body = start + 2;
            let mut stop = body;
            while file.get(stop..stop + 2)? != [0, 0] {
                stop = element(file, stop)?.end;
            }
            return Some(Element { tag, start, body, stop, end: stop + 2 });
        }
        short @ 0..=0x7f => (start + 2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            let octets = file.get(start + 2..start + 2 + count)?;
            (start + 2 + count, octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)))
        }
    };
    let stop = body.checked_add(length).filter(|stop| *stop <= file.len())?;
    Some(Element { tag, start, body, stop, end: stop })
}

fn children(file: &[u8], parent: Element) -> Option<Vec<Element>> {
    let mut found = Vec::new();
    let mut at = parent.body;
    while at < parent.stop {
        let child = element(file, at)?;
        at = child.end;
        found.push(child);
    }
    Some(found)
}

struct Labels<'f> {
    of: Vec<Label>,
    file: &'f [u8],
}

impl Labels<'_> {
    fn set(&mut self, start: usize, end: usize, label: Label) {
        self.of[start..end].fill(label);
    }

    fn raw(&self, element: Element) -> &[u8] {
        &self.file[element.start..element.end]
    }

    /// ContentInfo.
    fn message(&mut self, info: Element, owner: Owner) -> Option<()> {
        self.set(info.start, info.end, (owner, Part::Frame));
        let [kind, wrapper] = children(self.file, info)?[..] else { return None };
        if self.raw(kind) != oid(SIGNED_DATA) {
            return None;
        }
        let data = *children(self.file, wrapper)?.first()?;
        let fields = children(self.file, data)?;
        let content = *children(self.file, *fields.get(2)?)?.get(1)?;
        let content = *children(self.file, content)?.first()?;
        self.octets(content, (owner, Part::Content))?;
        let signer = *children(self.file, *fields.last()?)?.first()?;
        let sid = *children(self.file, signer)?.get(1)?;
        if let Some(bag) = fields.iter().find(|field| field.tag == 0xa0) {
            self.bag(*bag, sid, owner)?;
        }
        self.signer(signer, owner)
    }

    /// The content octets, piece by piece where it is in pieces; a SEQUENCE is one piece.
    fn octets(&mut self, element: Element, label: Label) -> Option<()> {
        if element.tag == 0x24 {
            return children(self.file, element)?.into_iter().try_for_each(|piece| self.octets(piece, label));
        }
        self.set(element.body, element.stop, label);
        Some(())
    }

    /// Follows the signer's certificate upwards as long as there is exactly one issuer in the bag.
    fn bag(&mut self, bag: Element, sid: Element, owner: Owner) -> Option<()> {
        self.set(bag.body, bag.stop, (owner, Part::Spare));
        let held: Vec<Vec<u8>> = cast::trusted().into_iter().map(|(_, der)| der).collect();
        let certificates: Vec<Names> = children(self.file, bag)?
            .into_iter()
            .filter(|one| one.tag == 0x30 && !held.iter().any(|known| known == self.raw(*one)))
            .filter_map(|one| self.names(one))
            // A cross-certificate of a root that is trusted by itself: no path needs it.
            .filter(|one| {
                self.raw(one.subject) == [0x30, 0] || !held.iter().any(|known| contains(known, self.raw(one.subject)))
            })
            .collect();
        // The authority of a timestamp may lie in the bag of the signature that it stamps.
        let tsa = cast::tsa().der();
        for one in &certificates {
            if owner == Owner::Primary && self.raw(one.whole) == tsa {
                self.certificate(one, Owner::Stamp, false);
            }
        }
        let named = |one: &&Names| match sid.tag {
            0x80 => contains(self.raw(one.tbs), &self.file[sid.body..sid.stop]),
            _ => self.file[sid.body..sid.stop] == [self.raw(one.issuer), self.raw(one.serial)].concat(),
        };
        let mut signers = certificates.iter().filter(named);
        let (mut next, again) = (signers.next(), signers.next());
        if again.is_some() {
            return Some(());
        }
        let mut left = certificates.len();
        // A nested signature finds its signer in its own bag only, a timestamp in the bag around it, too.
        let mut only_here = owner != Owner::Stamp;
        while let Some(one) = next.filter(|_| left > 0) {
            self.certificate(one, owner, only_here);
            only_here = !matches!(owner, Owner::Nested | Owner::Stamp);
            let issuers: Vec<&Names> =
                certificates.iter().filter(|other| self.raw(other.subject) == self.raw(one.issuer)).collect();
            next = if let [only] = issuers[..] { Some(only) } else { None };
            left -= 1;
        }
        Some(())
    }

    /// A certificate of a chain; where another bag will do, a second copy of it makes neither of them needed.
    fn certificate(&mut self, one: &Names, owner: Owner, only_here: bool) {
        let whole = self.raw(one.whole);
        if !only_here && self.file.windows(whole.len()).filter(|window| *window == whole).count() > 1 {
            return;
        }
        self.set(one.whole.start, one.whole.end, (owner, Part::Frame));
        self.set(one.tbs.start, one.tbs.end, (owner, Part::Certificate));
        self.set(one.signature.body + 1, one.signature.stop, (owner, Part::CertificateSignature));
    }

    fn names(&self, whole: Element) -> Option<Names> {
        let [tbs, _, signature] = children(self.file, whole)?[..] else { return None };
        let mut fields = children(self.file, tbs)?;
        if fields.first()?.tag == 0xa0 {
            fields.remove(0);
        }
        let [serial, _, issuer, _, subject, ..] = fields[..] else { return None };
        Some(Names { whole, tbs, serial, issuer, subject, signature })
    }

    fn signer(&mut self, signer: Element, owner: Owner) -> Option<()> {
        self.set(signer.start, signer.end, (owner, Part::Frame));
        let fields = children(self.file, signer)?;
        for (index, field) in fields.into_iter().enumerate() {
            match field.tag {
                0xa0 if index > 1 => self.set(field.start, field.end, (owner, Part::SignedAttributes)),
                0x04 | 0x24 if index > 1 => self.octets(field, (owner, Part::Signature))?,
                0xa1 => self.unsigned(field, owner)?,
                _ => {}
            }
        }
        Some(())
    }

    fn unsigned(&mut self, set: Element, owner: Owner) -> Option<()> {
        self.set(set.start, set.end, (owner, Part::Unsigned));
        for attribute in children(self.file, set)? {
            let [kind, values] = children(self.file, attribute)?[..] else { return None };
            for value in children(self.file, values)? {
                let kind = self.raw(kind);
                if kind == oid(SPC_NESTED_SIGNATURE) {
                    self.message(value, Owner::Nested)?;
                } else if owner == Owner::Primary && kind == oid(RFC3161_COUNTER_SIGN) {
                    self.message(value, Owner::Stamp)?;
                } else if owner == Owner::Primary && kind == oid(COUNTER_SIGNATURE) {
                    self.signer(value, Owner::Stamp)?;
                }
            }
        }
        Some(())
    }
}

/// The elements of a certificate that chains are made of.
struct Names {
    whole: Element,
    tbs: Element,
    serial: Element,
    issuer: Element,
    subject: Element,
    signature: Element,
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Whether a file has something in the place of a signature: a PE file whose directory counts a security entry that is
/// not zero in both halves. Everything else carries no signature, whatever it carried before.
pub fn carries_signature(file: &[u8]) -> bool {
    let word = |at: usize| file.get(at..at + 4).map(|four| u32::from_le_bytes(four.try_into().unwrap()) as usize);
    let half = |at: usize| file.get(at..at + 2).map(|two| usize::from(u16::from_le_bytes(two.try_into().unwrap())));
    let entry = || {
        let pe = word(0x3c)?;
        let optional = pe + 24;
        if file.get(..2)? != b"MZ" || file.get(pe..pe + 4)? != b"PE\0\0" {
            return None;
        }
        let count = match half(optional)? {
            0x10b => optional + 92,
            0x20b => optional + 108,
            _ => return None,
        };
        let entry = count + 4 + 4 * 8;
        if word(count)? < 5 {
            return None;
        }
        let (offset, size) = (word(entry)?, word(entry + 4)?);
        // Two signs together: the entry lies behind the optional header's stated end, and leads out of the file.
        let overlaid = entry + 8 > optional + half(optional - 4)? && offset >= file.len();
        (!overlaid).then_some((offset, size))
    };
    entry().is_some_and(|entry| entry != (0, 0))
}
