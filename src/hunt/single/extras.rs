//! What a file carries beside its signed content: certificates that nothing needs, a second format, a wrong checksum.

use std::cell::OnceCell;
use std::collections::HashSet;

use serde_json::json;

use super::certificates::described;
use super::content::{digest_differs, hidden_data};
use super::tags::certificate_tag;
use super::{FileFacts, finding};
use crate::asn1::{oid_to_string, oids};
use crate::container::pe::GuestKind;
use crate::record::{Finding, Severity};
use crate::verify::{CertificateSource, ContentFacts, Paths, Pool, SignatureFacts};
use crate::x509::{Certificate, Extension};

/// Octets of an unknown extension from which on it is cargo rather than a certificate's own.
const CARGO: usize = 1024;

/// S110: a certificate that no signer and no timestamp needs.
pub(super) fn superfluous_certificate(facts: &FileFacts<'_>) -> Option<Finding> {
    let needed = Needed::of(facts)?;
    let mut found: Vec<(Severity, &Certificate<'_>, Option<&Extension<'_>>)> = Vec::new();
    for content in facts.signatures.iter().filter_map(|signature| signature.content.as_ref()) {
        let own = content.pool.certificates.iter().enumerate();
        let own = own.filter(|(_, entry)| entry.source == CertificateSource::Signature);
        for (index, certificate) in own.filter_map(|(index, entry)| Some((index, entry.parsed.as_ref().ok()?))) {
            if needed.includes(content, index, certificate) {
                continue;
            }
            let (cargo, tag) = (cargo(certificate), certificate_tag(certificate));
            let severity = match cargo {
                Some(_) if tag.as_ref().is_some_and(|tag| tag.alone) => Severity::Info,
                Some(_) => Severity::Medium,
                None if needed.is_related(facts, &content.pool, index) => continue,
                None => Severity::Low,
            };
            found.push((severity, certificate, cargo));
        }
    }
    // One certificate is enough for a tag: several are room for something else.
    let is_tag = |one: &&mut (Severity, _, _)| one.0 == Severity::Info;
    if found.iter_mut().filter(is_tag).count() > 1 {
        found.iter_mut().filter(is_tag).for_each(|one| one.0 = Severity::Medium);
    }
    // What stands in timestamps is their authorities' affair, unless it carries something.
    let stamps = facts.signatures.iter().filter_map(|signature| signature.content.as_ref());
    let stamps = stamps.flat_map(|content| &content.timestamps).flat_map(|stamp| &stamp.pool.certificates);
    let own = stamps.filter(|entry| entry.source == CertificateSource::Timestamp);
    for certificate in own.filter_map(|entry| entry.parsed.as_ref().ok()) {
        if let Some(extension) = cargo(certificate).filter(|_| !needed.holds(certificate)) {
            found.push((Severity::Medium, certificate, Some(extension)));
        }
    }
    let count = found.len();
    let (severity, certificate, cargo) =
        found.into_iter().reduce(|worst, next| if next.0 > worst.0 { next } else { worst })?;
    let mut evidence = described(certificate).to_vec();
    evidence.push(("certificates", json!(count)));
    evidence.push(("extension", json!(cargo.map(|extension| oid_to_string(extension.oid)))));
    evidence.push(("length", json!(cargo.map(|extension| extension.value.len()))));
    evidence.push(("known_tag", json!(certificate_tag(certificate).map(|tag| tag.text))));
    finding("S110", Some(severity), &evidence)
}

/// The vendor's tag if there is one, else the first extension that is too large and unknown.
fn cargo<'c, 'a>(certificate: &'c Certificate<'a>) -> Option<&'c Extension<'a>> {
    let large = |extension: &&Extension<'_>| extension.value.len() > CARGO && oids::title(extension.oid).is_none();
    let tag = certificate.extensions.iter().find(|extension| extension.oid == oids::OMAHA_TAG);
    tag.or_else(|| certificate.extensions.iter().find(large))
}

/// Certificates on some path of a signature or timestamp, and the names that occur there; gathered when a certificate is
/// not on the paths of its own signature, where nearly all are.
struct Needed<'f> {
    signatures: &'f [SignatureFacts<'f>],
    octets: OnceCell<HashSet<&'f [u8]>>,
    names: OnceCell<HashSet<&'f [u8]>>,
}

impl<'f> Needed<'f> {
    /// `None` where not every path was looked at.
    fn of(facts: &FileFacts<'f>) -> Option<Needed<'f>> {
        let needed = Needed { signatures: facts.signatures, octets: OnceCell::new(), names: OnceCell::new() };
        let whole = needed.searches().all(|(_, paths)| !paths.exhausted);
        whole.then_some(needed)
    }

    /// The searches for paths of all signatures and timestamps.
    fn searches(&self) -> impl Iterator<Item = (&'f Pool<'f>, &'f Paths<'f>)> {
        let contents = self.signatures.iter().filter_map(|signature| signature.content.as_ref());
        contents.flat_map(|content| {
            let stamps = content.timestamps.iter().map(|stamp| (&stamp.pool, &stamp.paths));
            std::iter::once((&content.pool, &content.paths)).chain(stamps)
        })
    }

    /// Every certificate on a path, by its pool and index.
    fn on_paths(&self) -> impl Iterator<Item = (&'f Pool<'f>, usize)> {
        self.searches().flat_map(|(pool, paths)| {
            paths.list.iter().flat_map(move |path| path.certificates.iter().map(move |index| (pool, *index)))
        })
    }

    /// Whether a certificate of this signature's bag is on some path.
    fn includes(&self, content: &ContentFacts<'_>, index: usize, certificate: &Certificate<'_>) -> bool {
        content.paths.list.iter().any(|path| path.certificates.contains(&index)) || self.holds(certificate)
    }

    /// Whether a certificate is on some path.
    fn holds(&self, certificate: &Certificate<'_>) -> bool {
        let octets = || {
            let certificates = self.on_paths().filter_map(|(pool, index)| pool.certificate(index));
            certificates.map(|certificate| certificate.raw).collect()
        };
        self.octets.get_or_init(octets).contains(certificate.raw)
    }

    /// Whether the certificate is of an authority that also vouches for what is needed, or is issued by one, or by a
    /// root of the store: publishers add cross-certificates, roots and last year's certificates.
    fn is_related(&self, facts: &FileFacts<'_>, pool: &Pool<'_>, index: usize) -> bool {
        let names = || self.on_paths().filter_map(|(pool, index)| pool.names(index)).flatten().collect();
        let needed = self.names.get_or_init(names);
        let raw = pool.certificate(index).map(|certificate| [certificate.subject, certificate.issuer]);
        raw.into_iter().flatten().zip(pool.names(index).into_iter().flatten()).any(|(name, normalised)| {
            needed.contains(normalised)
                || !facts.trust.by_name(name, normalised).is_empty()
                || !facts.known().keys_of(name).is_empty()
        })
    }
}

/// S111: the file is something else too.
pub(super) fn second_format(facts: &FileFacts<'_>) -> Option<Finding> {
    let guest = facts.remains.guest?;
    let kind = match guest.kind {
        GuestKind::Zip => "zip",
        GuestKind::Script => "script",
    };
    let severity = if guest.covered { Severity::Info } else { Severity::High };
    let evidence =
        [("kind", json!(kind)), ("offset", json!(guest.offset)), ("covered_by_digest", json!(guest.covered))];
    finding("S111", Some(severity), &evidence)
}

/// S112: CheckSum is not that of the file.
pub(super) fn wrong_checksum(facts: &FileFacts<'_>) -> Option<Finding> {
    let (pe, computed) = (facts.pe?, facts.remains.checksum?);
    // Windows asks for it where it loads drivers; for anything else 0 means that nobody filled it in.
    let expected = pe.checksum != 0 || !pe.driver_signs().is_empty();
    if !expected || pe.checksum == computed {
        return None;
    }
    let hidden = || hidden_data(facts).is_some_and(|found| found.severity > Severity::Info);
    let severity = if digest_differs(facts).is_some() || hidden() { Severity::Medium } else { Severity::Info };
    let evidence =
        [("stated", json!(format!("{:#010x}", pe.checksum))), ("computed", json!(format!("{computed:#010x}")))];
    finding("S112", Some(severity), &evidence)
}
