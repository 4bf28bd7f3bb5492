//! Revocation: trap T63, and CRLs in the bag (T34). The lists are those of `testdata/crl/` and `testdata/ocsp/`
//! (`revoked.rs`).
//!
//! The rule (README of the product's specification, §2): a revocationDate before or equal to the verified timestamp, or no
//! timestamp, is `Revoked`; reason codes and invalidityDate change nothing; a list must be current to clear anybody, and a
//! stale one is believed for what it lists; a time authority's revocation is reported and decides nothing.

use super::{Fixture, signed};
use crate::lab::ca::distribution_points;
use crate::lab::cast;
use crate::lab::cms::{Signature, ocsp_in_bag};
use crate::lab::keys::Key;
use crate::lab::revoked::{full_name, leaf_before, response};
use crate::lab::stamp::Token;

const LEAF_STATUS: &str = "/signatures/0/chain/0/revocation/status";
const LEAF_SOURCE: &str = "/signatures/0/chain/0/revocation/source";
const LEAF_DATE: &str = "/signatures/0/chain/0/revocation/revoked_at";
const LEAF_REASON: &str = "/signatures/0/chain/0/revocation/reason";
const LEAF_STALE: &str = "/signatures/0/chain/0/revocation/stale";
const LEAF_KIND: &str = "/signatures/0/chain/0/revocation/kind";
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

    /// A response that must not be used, and says why.
    fn refused(self, flags: &'static [&'static str]) -> Fixture {
        self.unknown(flags).told(LEAF_STATUS, "unknown").told(ODD, "ocsp-unusable")
    }

    /// A list that must not be used, and says why.
    fn unusable(self, flags: &'static [&'static str]) -> Fixture {
        self.unknown(flags).told(LEAF_STATUS, "unknown").told(ODD, "crl-unusable")
    }
}

pub fn fixtures() -> Vec<Fixture> {
    let unstamped = responses(parts(deltas(delegates(unstamped()))));
    vec![unstamped, stamped(), bag(), response_in_bag(), partitioned()]
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
        // An entry of an indirect list that names no issuer is the list's own issuer's (RFC 5280 §5.3.3).
        .revoked(&["--crl", "root.pem", "--crl", "indirect.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "foreign-entry.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "attributes.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "some-reasons.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "part.crl"])
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
        .revoked(&["--crl", "root.pem", "--ocsp", "revoked-before.ocsp"])
        .told(LEAF_KIND, "ocsp")
        .told(LEAF_DATE, "2025-03-01T11:59:59Z")
        .revoked(&["--crl", "root.pem", "--ocsp", "revoked-at.ocsp"])
        .told(LEAF_REASON, "superseded")
        .good(&["--crl", "root.pem", "--ocsp", "revoked-after.ocsp"])
        .told(LEAF_STATUS, "good")
        .told(LEAF_DATE, "2025-03-01T12:00:01Z")
        .told(ODD, "revoked-later")
        // Revoked later for one reason; nobody says whether it was revoked earlier for another.
        .unknown(&["--crl", "root.pem", "--crl", "reasons-5-8-leaf-after.crl"])
        .told(LEAF_DATE, "2025-03-01T12:00:01Z")
        .good(&["--crl", "root.pem", "--crl", "reasons-5-8-leaf-after.crl", "--crl", "reasons-1-4.crl"])
        .told(LEAF_DATE, "2025-03-01T12:00:01Z")
        .good(&["--crl", "root.pem", "--crl", "clear.crl", "--crl", "tsa.crl"])
        .told("/signatures/0/timestamps/0/chain/0/revocation/status", "revoked")
        .told("/timestamp/verified", "true")
        .told(ODD, "timestamp-revoked")
        .revoked(&["--crl", "inter-revoked.crl", "--crl", "clear.crl"])
}

fn bag() -> Fixture {
    Fixture::new("revoked-by-bag.exe", "T34 T63", "a CRL in the bag that revokes the signer", || {
        signed(Signature { crls: vec![leaf_before().der()], ..Signature::default() })
    })
    .judged("Revoked", "cert-revoked")
    .revocation("revoked")
    .fact(LEAF_SOURCE, "bag")
}

/// Who may sign for the intermediate: RFC 5280 §6.3.3 (f).
fn delegates(fixture: Fixture) -> Fixture {
    fixture
        .good(&["--crl", "root.pem", "--crl", "delegated.crl", "--intermediates", "crl-signer.pem"])
        .told(LEAF_SOURCE, "file:delegated.crl")
        .told(LEAF_KIND, "crl")
        .revoked(&["--crl", "root.pem", "--crl", "delegated-leaf-before.crl", "--intermediates", "crl-signer.pem"])
        .told(LEAF_DATE, "2025-03-01T11:59:59Z")
        .unusable(&["--crl", "root.pem", "--crl", "delegated.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "delegated.crl", "--intermediates", "crl-signer-without-usage.pem"])
        .unusable(&["--crl", "root.pem", "--crl", "delegated.crl", "--intermediates", "crl-signer-of-another-root.pem"])
        .unusable(&["--crl", "root.pem", "--crl", "delegated.crl", "--intermediates", "crl-signer-expired.pem"])
        .unusable(&["--crl", "signer-revoked.crl", "--crl", "delegated.crl", "--intermediates", "crl-signer.pem"])
        .told(INTER_STATUS, "good")
        // Nobody says whether the delegate is revoked.
        .unusable(&["--crl", "delegated.crl", "--intermediates", "crl-signer.pem"])
        .told(INTER_STATUS, "unknown")
}

/// RFC 5280 §5.2.4.
fn deltas(fixture: Fixture) -> Fixture {
    fixture
        .unusable(&["--crl", "root.pem", "--crl", "delta.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "delta-removes.crl"])
        .good(&["--crl", "root.pem", "--crl", "clear.crl", "--crl", "delta.crl"])
        .told(LEAF_KIND, "delta-crl")
        .told(LEAF_SOURCE, "file:delta.crl")
        .revoked(&["--crl", "root.pem", "--crl", "clear.crl", "--crl", "delta-adds.crl"])
        .told(LEAF_SOURCE, "file:delta-adds.crl")
        // A delta without its base is believed for what it lists.
        .revoked(&["--crl", "root.pem", "--crl", "delta-adds.crl"])
        .good(&["--crl", "root.pem", "--crl", "leaf-hold.crl", "--crl", "delta-removes.crl"])
        .told(LEAF_SOURCE, "file:delta-removes.crl")
        // Only a hold is taken back.
        .revoked(&["--crl", "root.pem", "--crl", "leaf-after.crl", "--crl", "delta-removes.crl"])
        .told(LEAF_REASON, "keyCompromise")
        // A current delta makes its base current.
        .good(&["--crl", "root.pem", "--crl", "stale-silent.crl", "--crl", "delta.crl"])
        .told(LEAF_STALE, "false")
        .unknown(&["--crl", "root.pem", "--crl", "stale-silent.crl", "--crl", "delta-stale.crl"])
        .told(LEAF_STALE, "true")
        // Changes since a later list than the one that is there.
        .unknown(&["--crl", "root.pem", "--crl", "stale-silent.crl", "--crl", "delta-of-later.crl"])
        .told(LEAF_STALE, "true")
}

/// Lists for some reasons only: complete together (RFC 5280 §6.3.3 (e) and (l)).
fn parts(fixture: Fixture) -> Fixture {
    fixture
        .unusable(&["--crl", "root.pem", "--crl", "reasons-1-4.crl"])
        .unusable(&["--crl", "root.pem", "--crl", "reasons-5-8.crl"])
        .good(&["--crl", "root.pem", "--crl", "reasons-1-4.crl", "--crl", "reasons-5-8.crl"])
        .told(LEAF_SOURCE, "file:reasons-1-4.crl")
}

/// RFC 6960.
fn responses(fixture: Fixture) -> Fixture {
    fixture
        .good(&["--crl", "root.pem", "--ocsp", "good.ocsp"])
        .told(LEAF_KIND, "ocsp")
        .told(LEAF_SOURCE, "file:good.ocsp")
        .told("/signatures/0/chain/0/revocation/this_update", "2026-05-31T00:00:00Z")
        .told("/signatures/0/chain/0/revocation/next_update", "2026-06-14T00:00:00Z")
        .good(&["--ocsp", "inter-good.ocsp", "--ocsp", "good-sha256.ocsp"])
        .told(LEAF_KIND, "ocsp")
        .told(INTER_STATUS, "good")
        .revoked(&["--crl", "root.pem", "--ocsp", "revoked-after.ocsp"])
        .told(LEAF_REASON, "keyCompromise")
        // What one source lists, the silence of another does not undo.
        .revoked(&["--crl", "root.pem", "--crl", "leaf-after.crl", "--ocsp", "good.ocsp"])
        .told(LEAF_KIND, "crl")
        .refused(&["--crl", "root.pem", "--ocsp", "unknown.ocsp"])
        .told(LEAF_SOURCE, "null")
        .unknown(&["--crl", "root.pem", "--ocsp", "expired.ocsp"])
        .told(LEAF_STALE, "true")
        .told(ODD, "ocsp-stale")
        .revoked(&["--crl", "root.pem", "--ocsp", "expired-revoked.ocsp"])
        .told(LEAF_STALE, "true")
        // RFC 5019 §4: without nextUpdate nobody can tell that it is current.
        .unknown(&["--crl", "root.pem", "--ocsp", "open-ended.ocsp"])
        .told(ODD, "ocsp-stale")
        .refused(&["--crl", "root.pem", "--ocsp", "future.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "wrong-signature.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "wrong-name.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "critical.ocsp"])
        .unknown(&["--crl", "root.pem", "--ocsp", "wrong-key.ocsp"])
        .told(LEAF_STATUS, "unknown")
        .told(ODD, "null")
        .unknown(&["--crl", "root.pem", "--ocsp", "wrong-serial.ocsp"])
        .told(LEAF_STATUS, "unknown")
        .good(&["--crl", "root.pem", "--ocsp", "delegated.ocsp"])
        .told(LEAF_KIND, "ocsp")
        .good(&["--crl", "root.pem", "--ocsp", "delegated-checked.ocsp"])
        // The list names the responder, and is itself silent about the publisher.
        .good(&["--crl", "root.pem", "--crl", "responder-revoked.crl", "--ocsp", "delegated-checked.ocsp"])
        .told(LEAF_KIND, "crl")
        .told(ODD, "ocsp-unusable")
        .good(&["--crl", "root.pem", "--crl", "responder-revoked.crl", "--ocsp", "delegated.ocsp"])
        .told(LEAF_KIND, "ocsp")
        .refused(&["--crl", "root.pem", "--ocsp", "delegated-without-usage.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "delegated-expired.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "delegated-by-another.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "delegated-forged.ocsp"])
        .refused(&["--crl", "root.pem", "--ocsp", "delegated-missing.ocsp"])
}

fn response_in_bag() -> Fixture {
    Fixture::new("revoked-by-response.exe", "T34 T63", "an OCSP response in the bag that revokes the signer", || {
        let crls = vec![ocsp_in_bag(&response("revoked-before"))];
        signed(Signature { crls, ..Signature::default() })
    })
    .judged("Revoked", "cert-revoked")
    .revocation("revoked")
    .fact(LEAF_SOURCE, "bag")
    .fact(LEAF_KIND, "ocsp")
}

/// A list counts for its own part only (RFC 5280 §6.3.3 (b) (2) (i)).
fn partitioned() -> Fixture {
    Fixture::new("partitioned.exe", "T63", "signer's revocation is published in a part of its CA's list", || {
        let cert = cast::leaf().with(distribution_points(&[full_name("part-1.crl")]));
        signed(Signature::with(cert.der(), Key::Leaf))
    })
    .valid()
    .good(&["--crl", "root.pem", "--crl", "part-1.crl"])
    .told(LEAF_SOURCE, "file:part-1.crl")
    .unusable(&["--crl", "root.pem", "--crl", "part.crl"])
    .good(&["--crl", "root.pem", "--crl", "clear.crl"])
}
