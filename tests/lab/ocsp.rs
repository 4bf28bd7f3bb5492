//! OCSP responses, sound and unsound (RFC 6960 §4.2.1).

use super::der::*;
use super::keys::{Hash, Key};

/// What a responder says.
#[derive(Clone, Copy)]
pub enum Said {
    Good,
    /// Since when, and why.
    Revoked(&'static str, u8),
    Unknown,
}

/// A response that is about to be written. Every member may be bent before [`Ocsp::der`].
#[derive(Clone)]
pub struct Ocsp {
    pub key: Key,
    /// The ResponderID.
    pub responder: Der,
    /// The hash of CertIDs.
    pub hash: Hash,
    /// The hash that is signed.
    pub signed_hash: Hash,
    pub this_update: &'static str,
    pub next_update: Option<&'static str>,
    pub answers: Vec<Der>,
    pub exts: Vec<Der>,
    pub certs: Vec<Der>,
    /// Flips a bit of the finished signature.
    pub broken: bool,
    /// Sends this status and nothing else.
    pub refusal: Option<u8>,
}

impl Ocsp {
    /// A response of 2026-05-31 for two weeks by whoever has this key.
    pub fn by(key: Key) -> Ocsp {
        Ocsp {
            key,
            responder: ctx(2, &octets(&key_hash(Hash::Sha1, key))),
            hash: Hash::Sha1,
            signed_hash: Hash::Sha256,
            this_update: "20260531000000Z",
            next_update: Some("20260614000000Z"),
            answers: Vec::new(),
            exts: Vec::new(),
            certs: Vec::new(),
            broken: false,
            refusal: None,
        }
    }

    pub fn sha256(key: Key) -> Ocsp {
        Ocsp { hash: Hash::Sha256, ..Ocsp::by(key) }
    }

    pub fn named(mut self, name: &Der) -> Ocsp {
        self.responder = ctx(1, name);
        self
    }

    /// The dates of the answers that follow.
    pub fn valid(mut self, this_update: &'static str, next_update: Option<&'static str>) -> Ocsp {
        (self.this_update, self.next_update) = (this_update, next_update);
        self
    }

    /// Answers for the certificate that an issuer of this name and key gave this serial number.
    pub fn about(mut self, issuer: &Der, key: Key, serial: &[u8], said: Said) -> Ocsp {
        let id = seq(&[
            self.hash.alg(),
            octets(&self.hash.digest(issuer)),
            octets(&key_hash(self.hash, key)),
            int_raw(serial),
        ]);
        let status = match said {
            Said::Good => ctx_prim(0, &[]),
            Said::Revoked(date, reason) => ctx(1, &[generalized_time(date), ctx(0, &tlv(0x0a, &[reason]))].concat()),
            Said::Unknown => ctx_prim(2, &[]),
        };
        let next = self.next_update.map(|next| ctx(0, &generalized_time(next))).unwrap_or_default();
        self.answers.push(seq(&[id, status, generalized_time(self.this_update), next]));
        self
    }

    pub fn der(&self) -> Der {
        if let Some(status) = self.refusal {
            return seq(&[tlv(0x0a, &[status])]);
        }
        let algorithm = self.key.sig_alg(self.key.scheme(), self.signed_hash);
        let extensions = if self.exts.is_empty() { Der::new() } else { ctx(1, &seq(&self.exts)) };
        let produced = generalized_time(self.this_update);
        let tbs = seq(&[self.responder.clone(), produced, seq(&self.answers), extensions]);
        let mut signature = self.key.sign(self.key.scheme(), self.signed_hash, &tbs);
        if self.broken {
            let middle = signature.len() / 2;
            signature[middle] ^= 1;
        }
        let certs = if self.certs.is_empty() { Der::new() } else { ctx(0, &seq(&self.certs)) };
        let basic = seq(&[tbs, algorithm, bits(&signature), certs]);
        let typed = seq(&[oid("1.3.6.1.5.5.7.48.1.1"), octets(&basic)]);
        seq(&[tlv(0x0a, &[0]), ctx(0, &typed)])
    }
}

/// Hash of the octets of a public key, without the head of its BIT STRING.
fn key_hash(hash: Hash, key: Key) -> Vec<u8> {
    let spki = key.spki();
    let public = elements(split(&spki).0)[1].to_vec();
    hash.digest(&split(&public).0[1..])
}
