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

/// 100-nanosecond intervals since 1601, as FILETIME octets, of a day's or another moment: `2026-03-01T00:00:00Z`.
pub fn filetime(moment: &str) -> [u8; 8] {
    let number = |range: std::ops::Range<usize>| moment[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Days since 1970-01-01 by the Gregorian calendar, with years that begin in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + number(11..13) * 3_600 + number(14..16) * 60 + number(17..19);
    u64::try_from((seconds + 11_644_473_600) * 10_000_000).unwrap().to_le_bytes()
}
