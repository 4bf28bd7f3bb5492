//! Certificate trust lists like Microsoft's (`authroot.stl`, `disallowedcert.stl`), signed by the cast.
//!
//! Their signer's root is the cast's own; who wants them believed has to say that this root is built into Windows, in the
//! store of anchors that the program is given.

use super::ca::{EKU, eku};
use super::cast;
use super::cms::Signature;
use super::der::*;
use super::keys::{Hash, Key};

pub const CTL: &str = "1.3.6.1.4.1.311.10.1";
pub const ROOT_LIST_SIGNER: &str = "1.3.6.1.4.1.311.10.3.9";
pub const DISALLOWED_LIST: &str = "1.3.6.1.4.1.311.10.3.30";
/// szOID_DISALLOWED_HASH (`wincrypt.h`).
pub const DISALLOWED_HASH: &str = "1.3.6.1.4.1.311.10.11.15";

/// CERT_*_PROP_ID under 1.3.6.1.4.1.311.10.11.
pub fn property(number: u32, value: &[u8]) -> Der {
    attribute(&format!("1.3.6.1.4.1.311.10.11.{number}"), &[octets(value)])
}

/// A list that is about to be signed.
#[derive(Clone)]
pub struct TrustList {
    pub usage: &'static str,
    pub sequence: u32,
    pub this_update: &'static str,
    pub algorithm: Der,
    /// Identifiers with their properties.
    pub entries: Vec<(Vec<u8>, Vec<Der>)>,
    /// Usages of the signer's certificate.
    pub signer_usages: &'static [&'static str],
    pub broken: bool,
}

impl TrustList {
    /// A root list of 2025-10-01 without entries.
    pub fn roots() -> TrustList {
        TrustList {
            usage: ROOT_LIST_SIGNER,
            sequence: 0x1401,
            this_update: "20251001000000Z",
            algorithm: Hash::Sha1.alg(),
            entries: Vec::new(),
            signer_usages: &[ROOT_LIST_SIGNER],
            broken: false,
        }
    }

    /// A disallowed list of the same day, as Microsoft makes them.
    pub fn disallowed(hashes: &[&[u8]]) -> TrustList {
        TrustList {
            usage: DISALLOWED_LIST,
            algorithm: alg(DISALLOWED_HASH),
            signer_usages: &[DISALLOWED_LIST],
            entries: hashes.iter().map(|hash| (hash.to_vec(), Vec::new())).collect(),
            ..TrustList::roots()
        }
    }

    /// Adds a root.
    pub fn root(mut self, certificate: &[u8], properties: &[Der]) -> TrustList {
        self.entries.push((Hash::Sha1.digest(certificate), properties.to_vec()));
        self
    }

    /// The list as a file.
    pub fn stl(&self) -> Der {
        let entry = |(identifier, properties): &(Vec<u8>, Vec<Der>)| match properties.as_slice() {
            [] => seq(&[octets(identifier)]),
            properties => seq(&[octets(identifier), set(properties)]),
        };
        let entries: Vec<Der> = self.entries.iter().map(entry).collect();
        let content = seq(&[
            seq(&[oid(self.usage)]),
            small(self.sequence),
            generalized_time(self.this_update),
            self.algorithm.clone(),
            seq(&entries),
        ]);
        let cert = cast::leaf().without(EKU).with(eku(self.signer_usages));
        let bend_signature: fn(&mut Vec<u8>) = if self.broken { |value| super::cms::flip(value) } else { |_| () };
        let signature = Signature::with(cert.der(), Key::Leaf);
        Signature { content_type: CTL, content: Some(content), bend_signature, ..signature }.build_for(&[], &[])
    }
}
