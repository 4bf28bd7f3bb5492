//! What others warn of.

use std::collections::BTreeSet;

use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{FileFacts, finding};
use crate::hunt::entry::{hex, octets};
use crate::record::{Finding, Severity};
use crate::trust::{BlockLists, ListEntry, Named, issuer_serial_key, signature_hash};
use crate::x509::{Certificate, Name, serial_to_hex};

/// S122: the file, its signer or an issuer is on a list.
pub(super) fn on_a_blocklist(facts: &FileFacts<'_>) -> Option<Finding> {
    if facts.blocked.is_empty() {
        return None;
    }
    let keys = keys(facts);
    let (by, key, entry) = look_up(facts.blocked, &keys)?;
    let allowed = look_up(facts.allowed, &keys).map(|(_, _, entry)| entry);
    let of_signer = matches!(by, Named::Tbs | Named::Thumbprint | Named::IssuerSerial);
    let verified = facts.record.signer.is_some();
    let severity = match () {
        () if allowed.is_some() => Severity::Info,
        // A copied signature says nothing of the file that carries it, but that somebody copied it.
        () if of_signer && !verified => entry.severity.min(Severity::Medium),
        () => entry.severity,
    };
    let value = match by {
        Named::IssuerSerial => String::from_utf8_lossy(key).replace('\0', "/"),
        _ => hex(key),
    };
    let evidence = [
        ("list", json!(entry.list)),
        ("by", json!(by.word())),
        ("value", json!(value)),
        ("name", json!(entry.name)),
        ("reason", json!(entry.reason)),
        ("reference", json!(entry.reference)),
        ("signer_verified", if of_signer { json!(verified) } else { json!(null) }),
        ("allowed", json!(allowed.map(|entry| format!("{}: {}", entry.list, entry.reason)))),
    ];
    finding("S122", Some(severity), &evidence)
}

fn look_up<'l, 'k>(lists: &'l BlockLists, keys: &'k [(Named, Vec<u8>)]) -> Option<(Named, &'k [u8], &'l ListEntry)> {
    keys.iter().find_map(|(by, key)| Some((*by, key.as_slice(), lists.find(*by, key)?)))
}

/// Everything by which the file may be listed: what is its own first, then its signer, then the issuers.
fn keys(facts: &FileFacts<'_>) -> Vec<(Named, Vec<u8>)> {
    let mut keys = Vec::new();
    let digests = |values: &mut dyn Iterator<Item = &String>| -> Vec<Vec<u8>> {
        values.filter_map(|text| octets(text)).map(Vec::from).collect()
    };
    keys.extend(digests(&mut facts.record.authentihash.values()).into_iter().map(|key| (Named::Authentihash, key)));
    keys.extend(digests(&mut facts.record.hashes.values()).into_iter().map(|key| (Named::File, key)));
    if let Some(leaf) = facts.leaf() {
        keys.push((Named::Thumbprint, Sha1::digest(leaf.raw).to_vec()));
        keys.push((Named::Thumbprint, Sha256::digest(leaf.raw).to_vec()));
        keys.extend(signature_hashes(leaf));
        if let Some(issuer) = Name::decode(leaf.issuer).get("CN") {
            keys.push((Named::IssuerSerial, issuer_serial_key(issuer, &serial_to_hex(leaf.serial))));
        }
    }
    let content = facts.deciding().and_then(|(signature, _)| signature.content.as_ref());
    if let Some(content) = content {
        let above: BTreeSet<usize> =
            content.paths.list.iter().flat_map(|path| path.certificates.iter().copied()).collect();
        let above = above.iter().filter(|index| Some(**index) != content.certificate);
        let issuers = above.filter_map(|index| content.pool.certificate(*index));
        keys.extend(issuers.flat_map(signature_hashes));
    }
    keys
}

/// Lists name a TBSCertificate by the hash of the certificate's own signature (WDAC) or by SHA-256 whatever that is.
fn signature_hashes(certificate: &Certificate<'_>) -> Vec<(Named, Vec<u8>)> {
    let own = signature_hash(certificate);
    let fixed = [Sha256::digest(certificate.tbs).to_vec(), Sha1::digest(certificate.tbs).to_vec()];
    own.into_iter().chain(fixed).map(|key| (Named::Tbs, key)).collect()
}
