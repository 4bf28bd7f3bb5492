//! Explicit distrust: trap T67. The lists are those of `testdata/disallowed/` (`cast::disallowed`).
//!
//! The rule (README of the product's specification, §2; `semantics.md` §0.2 row 5 and §4.3): any certificate of the chain
//! that a list names makes the file `Untrusted`, `explicit-distrust`, whatever the time and whatever else is wrong with
//! the chain, the digest and the signature apart. A time authority that is named stamps nothing.

use super::{Fixture, signed};
use crate::lab::cast;
use crate::lab::cms::{Signature, flip};
use crate::lab::stamp::Token;

const ODD: &str = "/anomalies/0/code";
const STORE: &str = "/trust_store/disallowed/0";

impl Fixture {
    fn distrusted(self, flags: &'static [&'static str]) -> Fixture {
        self.untrusted("explicit-distrust").with_flags(flags).told("/hresult", "0x800B0111").told(ODD, "disallowed")
    }

    /// The certificate at this place of the chain is named by an entry of this kind in this list.
    fn named(self, place: [&'static str; 4], list: &str, kind: &str) -> Fixture {
        let [problem, by_list, by_kind, below] = place;
        let fixture = self.told(problem, "explicit-distrust").told(by_list, list).told(by_kind, kind);
        fixture.told(below, "[]").told(STORE, list)
    }
}

/// Pointers to the problem, the list and the kind of entry at a place of the chain, and to the problems at another.
const AT_LEAF: [&str; 4] = [
    "/signatures/0/chain/0/problems/0",
    "/signatures/0/chain/0/disallowed/list",
    "/signatures/0/chain/0/disallowed/kind",
    "/signatures/0/chain/1/problems",
];
const AT_INTER: [&str; 4] = [
    "/signatures/0/chain/1/problems/0",
    "/signatures/0/chain/1/disallowed/list",
    "/signatures/0/chain/1/disallowed/kind",
    "/signatures/0/chain/0/problems",
];
const AT_ROOT: [&str; 4] = [
    "/signatures/0/chain/2/problems/0",
    "/signatures/0/chain/2/disallowed/list",
    "/signatures/0/chain/2/disallowed/kind",
    "/signatures/0/chain/1/problems",
];

pub fn fixtures() -> Vec<Fixture> {
    vec![unstamped(), stamped(), expired(), broken()]
}

fn unstamped() -> Fixture {
    Fixture::new("disallowed.exe", "T67", "no timestamp, under disallowed lists of every kind", || {
        signed(Signature::default())
    })
    .valid()
    .distrusted(&["--disallowed", "leaf-sha1.txt"])
    .named(AT_LEAF, "leaf-sha1.txt", "thumbprint")
    .distrusted(&["--disallowed", "leaf-sha256.txt"])
    .named(AT_LEAF, "leaf-sha256.txt", "thumbprint")
    .distrusted(&["--disallowed", "leaf.pem"])
    .named(AT_LEAF, "leaf.pem", "thumbprint")
    .distrusted(&["--disallowed", "leaf-tbs.txt"])
    .named(AT_LEAF, "leaf-tbs.txt", "signature hash")
    .distrusted(&["--disallowed", "leaf-spki.txt"])
    .named(AT_LEAF, "leaf-spki.txt", "public key hash")
    .distrusted(&["--disallowed", "inter.txt"])
    .named(AT_INTER, "inter.txt", "thumbprint")
    .distrusted(&["--disallowed", "inter-tbs.txt"])
    .named(AT_INTER, "inter-tbs.txt", "signature hash")
    .distrusted(&["--disallowed", "root.txt"])
    .named(AT_ROOT, "root.txt", "thumbprint")
    .distrusted(&["--disallowed", "root-tbs.txt"])
    .named(AT_ROOT, "root-tbs.txt", "signature hash")
    .distrusted(&["--disallowed", "root-spki.txt"])
    .named(AT_ROOT, "root-spki.txt", "public key hash")
    // A list that names somebody else changes nothing, and the record says that it was in use.
    .valid()
    .with_flags(&["--disallowed", "stranger.txt"])
    .told(STORE, "stranger.txt")
    .told("/signatures/0/chain/0/disallowed", "null")
    .told("/anomalies", "[]")
    // Explicit distrust is an earlier row than revocation.
    .distrusted(&["--disallowed", "leaf-sha1.txt", "--crl", "root.pem", "--crl", "leaf-before.crl"])
    .others(&["cert-revoked"])
    .revocation("revoked")
}

fn stamped() -> Fixture {
    let build = || signed(Signature::default().add(Token::at("20250301120000Z").attribute()));
    Fixture::new("disallowed-token.exe", "T67", "timestamp of 2025-03-01T12:00:00Z, under disallowed lists", build)
        .valid()
        .distrusted(&["--disallowed", "leaf-sha1.txt"])
        .named(AT_LEAF, "leaf-sha1.txt", "thumbprint")
        .told("/timestamp/verified", "true")
        .untrusted("timestamp-untrusted")
        .with_flags(&["--disallowed", "tsa.txt"])
        .told(ODD, "disallowed")
        .told("/timestamp/verified", "false")
        .told("/signatures/0/timestamps/0/chain/0/problems/0", "explicit-distrust")
        .told("/signatures/0/timestamps/0/chain/0/disallowed/list", "tsa.txt")
}

fn expired() -> Fixture {
    let build = || {
        let signature = Signature::with(cast::expired_leaf().der(), crate::lab::keys::Key::Leaf);
        signed(signature.add(Token::at("20220301120000Z").attribute()))
    };
    Fixture::new("disallowed-expired-token.exe", "T67", "signer over since 2023, timestamp of 2022, under lists", build)
        .valid()
        // By its key, whichever of its certificates it signs with.
        .distrusted(&["--disallowed", "leaf-spki.txt"])
        .named(AT_LEAF, "leaf-spki.txt", "public key hash")
        .expired("cert-expired")
        .others(&["timestamp-untrusted"])
        .with_flags(&["--disallowed", "tsa.txt"])
}

fn broken() -> Fixture {
    Fixture::new("disallowed-signature-broken.exe", "T67", "the signer's signature is wrong, under a list", || {
        signed(Signature { bend_signature: |value| flip(value), ..Signature::default() })
    })
    .invalid("signer-signature")
    .invalid("signer-signature")
    .others(&["explicit-distrust"])
    .with_flags(&["--disallowed", "leaf-sha1.txt"])
    .told("/signatures/0/chain/0/disallowed/list", "leaf-sha1.txt")
}
