//! Revocation: trap T63, and CRLs in the bag (T34). The lists are those of `testdata/crl/` (`cast::crls`).
//!
//! The rule (README of the product's specification, §2): a revocationDate before or equal to the verified timestamp, or no
//! timestamp, is `Revoked`; reason codes and invalidityDate change nothing; a list must be current to clear anybody, and a
//! stale one is believed for what it lists; a time authority's revocation is reported and decides nothing.

use super::{Fixture, signed};
use crate::lab::cast;
use crate::lab::cms::Signature;
use crate::lab::stamp::Token;

const LEAF_STATUS: &str = "/signatures/0/chain/0/revocation/status";
const LEAF_SOURCE: &str = "/signatures/0/chain/0/revocation/source";
const LEAF_DATE: &str = "/signatures/0/chain/0/revocation/revoked_at";
const LEAF_REASON: &str = "/signatures/0/chain/0/revocation/reason";
const LEAF_STALE: &str = "/signatures/0/chain/0/revocation/stale";
const INTER_STATUS: &str = "/signatures/0/chain/1/revocation/status";
const ODD: &str = "/anomalies/0/code";

const BEFORE: &[&str] = &["--crl", "root.pem", "--crl", "leaf-before.crl"];
const CLEAR: &[&str] = &["--crl", "root.pem", "--crl", "clear.crl"];

impl Fixture {
    fn revoked(self, flags: &'static [&'static str]) -> Fixture {
        self.judged("Revoked", "cert-revoked").with_flags(flags).revocation("revoked")
    }

    fn unknown(self, flags: &'static [&'static str]) -> Fixture {
        self.valid().with_flags(flags).revocation("unknown")
    }

    fn good(self, flags: &'static [&'static str]) -> Fixture {
        self.valid().with_flags(flags).revocation("good")
    }

    /// A list that must not be used, and says why.
    fn unusable(self, flags: &'static [&'static str]) -> Fixture {
        self.unknown(flags).told(LEAF_STATUS, "unknown").told(ODD, "crl-unusable")
    }
}

pub fn fixtures() -> Vec<Fixture> {
    vec![unstamped(), stamped(), bag()]
}

fn unstamped() -> Fixture {
    Fixture::new("revocable.exe", "T63", "no timestamp, under lists of every kind", || signed(Signature::default()))
        .valid()
        .untrusted("revocation-unknown")
        .with_flags(&["--require-revocation"])
        .good(CLEAR)
        .told(LEAF_STATUS, "good")
        .told(LEAF_SOURCE, "file:clear.crl")
        .told(INTER_STATUS, "good")
        .told("/signatures/0/chain/2/revocation", "null")
        .good(&["--require-revocation", "--crl", "root.pem", "--crl", "clear.crl"])
        .unknown(&["--crl", "clear.crl"])
        .told(LEAF_STATUS, "good")
        .told(INTER_STATUS, "unknown")
        .untrusted("revocation-unknown")
        .with_flags(&["--require-revocation", "--crl", "clear.crl"])
        .revocation("unknown")
        .revoked(BEFORE)
        .told(LEAF_STATUS, "revoked")
        .told(LEAF_DATE, "2025-03-01T11:59:59Z")
        .told(LEAF_REASON, "keyCompromise")
        .told("/signatures/0/chain/0/revocation/invalidity_date", "2025-02-01T00:00:00Z")
        .told("/hresult", "0x800B010C")
        // Without a timestamp the date does not matter.
        .revoked(&["--crl", "root.pem", "--crl", "leaf-after.crl"])
        .revoked(&["--crl", "inter-revoked.crl", "--crl", "clear.crl"])
        .told(LEAF_STATUS, "good")
        .told(INTER_STATUS, "revoked")
        .revoked(&["--crl", "root.pem", "--crl", "stale-listing.crl"])
        .told(LEAF_STALE, "true")
        .told(ODD, "crl-stale")
        .unknown(&["--crl", "root.pem", "--crl", "stale-silent.crl"])
        .told(LEAF_STATUS, "unknown")
        .told(LEAF_STALE, "true")
        .unusable(&["--crl", "root.pem", "--crl", "future.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "wrong-signature.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "wrong-key.crl"])
        .unknown(&["--crl", "root.pem", "--crl", "wrong-issuer.crl"])
        .told(LEAF_STATUS, "unknown")
        .told(LEAF_SOURCE, "null")
        .unusable(&["--crl", "root.pem", "--crl", "indirect.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "foreign-entry.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "attributes.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "some-reasons.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "part.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "delta.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "unknown-critical.crl"])
        // A hold counts while it lasts, and is over when a later whole list no longer has it.
        .revoked(&["--crl", "root.pem", "--crl", "leaf-hold.crl"])
        .good(&["--crl", "root.pem", "--crl", "leaf-hold.crl", "--crl", "clear.crl"])
}

fn stamped() -> Fixture {
    let build = || signed(Signature::default().add(Token::at("20250301120000Z").attribute()));
    Fixture::new("revocable-token.exe", "T63", "timestamp of 2025-03-01T12:00:00Z, under lists of every kind", build)
        .valid()
        .revoked(BEFORE)
        .told(LEAF_DATE, "2025-03-01T11:59:59Z")
        .revoked(&["--crl", "root.pem", "--crl", "leaf-at.crl"])
        .told(LEAF_REASON, "superseded")
        .good(&["--crl", "root.pem", "--crl", "leaf-after.crl"])
        .told(LEAF_STATUS, "good")
        .told(LEAF_DATE, "2025-03-01T12:00:01Z")
        .told(LEAF_REASON, "keyCompromise")
        .told(ODD, "revoked-later")
        .good(&["--crl", "root.pem", "--crl", "clear.crl", "--crl", "tsa.crl"])
        .told("/signatures/0/timestamps/0/chain/0/revocation/status", "revoked")
        .told("/timestamp/verified", "true")
        .told(ODD, "timestamp-revoked")
        .revoked(&["--crl", "inter-revoked.crl", "--crl", "clear.crl"])
}

fn bag() -> Fixture {
    Fixture::new("revoked-by-bag.exe", "T34 T63", "a CRL in the bag that revokes the signer", || {
        signed(Signature { crls: vec![cast::leaf_before().der()], ..Signature::default() })
    })
    .judged("Revoked", "cert-revoked")
    .revocation("revoked")
    .fact(LEAF_SOURCE, "bag")
}
