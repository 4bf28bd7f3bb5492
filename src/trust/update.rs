//! A store made anew from a newer root list of Microsoft's and what an older store knows of its roots.

use std::collections::BTreeMap;

use super::load::{root_from_certificate, with_properties};
use super::{Limit, LimitDate, OidList, Provenance, Root, RootFacts, TrustStore, ctl_from_stl, encode};
use crate::asn1::Time;
use crate::crypto::{DigestAlgorithm, digest};
use crate::x509::ctl::{Ctl, CtlEntry};
use crate::x509::serial_to_hex;

/// What an update is made of.
#[derive(Debug)]
pub struct Update<'u> {
    /// The new list, `authroot.stl`.
    pub list: &'u [u8],
    /// Certificates for roots that are new in it, DER.
    pub certificates: &'u [Vec<u8>],
    /// The store so far: its built-in roots decide whether the list is believed, and its facts serve for the roots that it
    /// knows.
    pub current: &'u TrustStore,
    /// A list from after this moment is refused.
    pub now: Time,
    /// Whether an older list than the current one is taken.
    pub allow_rollback: bool,
    /// Where list and certificates come from, for the provenance.
    pub sources: Vec<String>,
}

/// What came out.
#[derive(Debug)]
pub struct Updated {
    /// The store file.
    pub store: Vec<u8>,
    /// Its header.
    pub provenance: Provenance,
    /// Roots that the store so far did not know.
    pub added: usize,
    /// Roots of the store so far that the list no longer names.
    pub removed: usize,
}

/// Makes the store.
///
/// # Errors
/// Why the list is refused, for a person.
pub fn update(update: &Update<'_>) -> Result<Updated, String> {
    let ctl = ctl_from_stl(update.list, update.current)?;
    let date = ctl.this_update.ok_or("it has no date")?;
    if date > update.now {
        return Err(format!("it is of {date}, which is yet to come"));
    }
    if !update.allow_rollback {
        not_older(&ctl, date, update.current)?;
    }
    let (mut roots, missing) = listed(&ctl, update);
    let known: Vec<&Vec<u8>> = roots.iter().map(|root| &root.thumbprint_sha256).collect();
    let current = distinct(update.current);
    let added = known.iter().filter(|thumbprint| !current.contains_key(thumbprint.as_slice())).count();
    let unlisted: Vec<&Root<'_>> =
        current.iter().filter(|(thumbprint, _)| !known.contains(thumbprint)).map(|(_, root)| root).collect();
    let all = unlisted.len();
    // Roots that Windows holds by itself stay whatever the list says, and so do those that never were the programme's.
    let kept: Vec<RootFacts> = unlisted
        .into_iter()
        .filter(|root| root.built_in || !root.program)
        .map(|root| RootFacts { program: false, ..owned(root) })
        .collect();
    let removed = all.saturating_sub(kept.len());
    roots.extend(kept);
    let name = update.current.provenance().find(|part| !part.date.is_empty()).map(|part| part.name.clone());
    let provenance = Provenance {
        name: name.unwrap_or_else(|| "Microsoft root programme".to_owned()),
        date: date.to_rfc3339(),
        sequence: ctl.sequence_number.map(serial_to_hex).unwrap_or_default(),
        sources: update.sources.clone(),
        missing,
        ..Provenance::default()
    };
    let store = encode(&provenance, &roots);
    let made = TrustStore::from_file(store.clone()).map_err(|error| error.to_string())?;
    let provenance = made.provenance().next().cloned().unwrap_or(provenance);
    Ok(Updated { store, provenance, added, removed })
}

/// Refuses a list that is older than the one that the store was made from, by its date or by its number.
fn not_older(ctl: &Ctl<'_>, date: Time, current: &TrustStore) -> Result<(), String> {
    for part in current.provenance() {
        let older_date = Time::parse_rfc3339(&part.date).is_some_and(|known| date < known);
        let sequence = ctl.sequence_number.map(serial_to_hex).unwrap_or_default();
        // Hexadecimal without leading zeros: the longer number is the larger one.
        let older_number = (sequence.len(), &sequence) < (part.sequence.len(), &part.sequence);
        if older_date || (!sequence.is_empty() && older_number) {
            return Err(format!(
                "it is of {date} (sequence {sequence}), older than the store's of {} (sequence {})",
                part.date, part.sequence
            ));
        }
    }
    Ok(())
}

/// The roots of a store by SHA-256, the first of each.
fn distinct(store: &TrustStore) -> BTreeMap<Vec<u8>, Root<'_>> {
    let mut roots = BTreeMap::new();
    for root in store.roots() {
        roots.entry(root.thumbprint_sha256.to_vec()).or_insert(root);
    }
    roots
}

/// The roots that the list names with its properties, and the identifiers of those that nobody knows.
fn listed(ctl: &Ctl<'_>, update: &Update<'_>) -> (Vec<RootFacts>, Vec<String>) {
    let algorithm = DigestAlgorithm::from_oid(ctl.subject_algorithm.oid);
    let mut facts: BTreeMap<Vec<u8>, RootFacts> = BTreeMap::new();
    for root in distinct(update.current).values() {
        let identifier = match algorithm {
            Some(DigestAlgorithm::Sha1) => root.thumbprint_sha1,
            Some(DigestAlgorithm::Sha256) => root.thumbprint_sha256,
            _ => continue,
        };
        facts.insert(identifier.to_vec(), owned(root));
    }
    for der in update.certificates {
        let identifier = algorithm.and_then(|algorithm| digest(algorithm, der));
        if let (Some(identifier), Some(root)) = (identifier, root_from_certificate(der)) {
            let built_in = facts.get(identifier.as_bytes()).is_some_and(|known| known.built_in);
            facts.insert(identifier.as_bytes().to_vec(), RootFacts { built_in, ..root });
        }
    }
    let (mut roots, mut missing) = (Vec::new(), Vec::new());
    for entry in &ctl.entries {
        match facts.get(entry.identifier).filter(|root| entry.fits(&root.thumbprint_sha256)) {
            Some(root) => roots.push(with_properties(root.clone(), entry)),
            None => missing.push(hex(entry)),
        }
    }
    (roots, missing)
}

fn hex(entry: &CtlEntry<'_>) -> String {
    crate::hex::lower(entry.identifier)
}

/// A root's facts as they stand in the store. Name constraints that an older list laid on it stay, because what comes from
/// the certificate and what from a list is not told apart: they can only trust less.
fn owned(root: &Root<'_>) -> RootFacts {
    let list = |list: Option<OidList<'_>>| list.map(|list| list.iter().map(<[u8]>::to_vec).collect());
    let limit = |limit: &Limit<'_>| -> (LimitDate, Option<Vec<Vec<u8>>>) { (limit.date, list(limit.usages)) };
    let (not_before_limit, not_before_usages) = limit(&root.not_before_limit);
    let (disabled, disabled_usages) = limit(&root.disabled);
    RootFacts {
        subject: root.subject.to_vec(),
        spki: root.spki.to_vec(),
        key_identifier: root.key_identifier.map(<[u8]>::to_vec),
        serial: root.serial.to_vec(),
        not_before: root.not_before,
        not_after: root.not_after,
        thumbprint_sha1: root.thumbprint_sha1.to_vec(),
        thumbprint_sha256: root.thumbprint_sha256.to_vec(),
        friendly_name: root.friendly_name.map(str::to_owned),
        name_constraints: root.name_constraints.map(<[u8]>::to_vec),
        signature_hash: root.signature_hash.map(<[u8]>::to_vec),
        built_in: root.built_in,
        program: root.program,
        usages: list(root.usages),
        not_before_limit,
        not_before_usages,
        disabled,
        disabled_usages,
        end_entity: root.end_entity,
    }
}
