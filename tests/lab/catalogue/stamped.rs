//! Timestamps: traps T23, T27 and T50 to T57.

use super::{Fixture, signed};
use crate::lab::ca::*;
use crate::lab::cast;
use crate::lab::cms::{SIGNING_TIME, Signature};
use crate::lab::der::*;
use crate::lab::keys::{Hash, Key, Scheme};
use crate::lab::pe::{Pe, sign};
use crate::lab::stamp::{Counter, TST_INFO, Token};

/// While the publisher's certificate was valid, and while its previous one was.
const NOW: &str = "20250301120000Z";
const THEN: &str = "20220301120000Z";

pub fn fixtures() -> Vec<Fixture> {
    [tokens(), counters(), after_expiry(), several(), authorities(), moments()].into_iter().flatten().collect()
}

/// The publisher's signature with a token; expects the token's own bag to be enough.
fn stamped(token: Token) -> Vec<u8> {
    signed(Signature::default().add(token.attribute()))
}

/// The publisher's signature with a counter-signature and the authority's certificate in the bag.
fn countersigned(counter: Counter) -> Vec<u8> {
    signed(with_tsa(Signature::default()).add(counter.attribute()))
}

fn with_tsa(mut signature: Signature) -> Signature {
    signature.certs.push(cast::tsa().der());
    signature
}

/// A signature by the certificate that ended in 2023.
fn expired() -> Signature {
    with_tsa(Signature::with(cast::expired_leaf().der(), Key::Leaf))
}

fn token() -> Token {
    Token::at(NOW)
}

fn counter() -> Counter {
    Counter::at(NOW)
}

fn wrong(imprint: &mut [u8]) {
    imprint[0] ^= 1;
}

fn tokens() -> Vec<Fixture> {
    vec![
        Fixture::new("token.exe", "", "RFC 3161 token", || stamped(token()))
            .valid()
            .fact("/timestamp/time", "2025-03-01T12:00:00Z")
            .fact("/timestamp/kind", "rfc3161")
            .fact("/timestamp/verified", "true"),
        Fixture::new("token-imprint-sha1.exe", "T51", "token whose imprint is SHA-1 over a SHA-256 signature", || {
            stamped(Token { imprint: Hash::Sha1, ..token() })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("token-imprint-sha512.exe", "T51", "token with imprint and signature in SHA-512", || {
            stamped(Token { imprint: Hash::Sha512, hash: Hash::Sha512, ..token() })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new(
            "token-attribute-certificate.exe",
            "T32",
            "token with a v1 attribute certificate, as Microsoft makes it",
            || stamped(Token { attribute_certificate: true, ..token() }),
        )
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("token-outer-bag.exe", "T52", "TSA's certificate only in the signature's bag", || {
            signed(with_tsa(Signature::default()).add(Token { certs: Vec::new(), ..token() }.attribute()))
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("token-pieces.exe", "T28", "TSTInfo in a constructed OCTET STRING of indefinite length", || {
            stamped(Token { pieces: true, ..token() })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("token-wrong-imprint.exe", "T54", "intact token of another signature", || {
            stamped(Token { bend_imprint: |imprint| wrong(imprint), ..token() })
        })
        .invalid("timestamp-invalid"),
        Fixture::new("token-short-imprint.exe", "T38", "imprint is the right one's first half", || {
            stamped(Token { bend_imprint: |imprint| imprint.truncate(16), ..token() })
        })
        .invalid("timestamp-invalid"),
        Fixture::new("token-empty-imprint.exe", "T38", "imprint of no length", || {
            stamped(Token { bend_imprint: Vec::clear, ..token() })
        })
        .invalid("timestamp-invalid"),
        Fixture::new("token-broken.exe", "T54", "token whose signature is broken", || {
            stamped(Token { broken: true, ..token() })
        })
        .invalid("timestamp-invalid"),
    ]
}

fn counters() -> Vec<Fixture> {
    vec![
        Fixture::new("counter.exe", "T50", "PKCS#9 counter-signature, SHA-1", || countersigned(counter()))
            .valid()
            .fact("/timestamp/time", "2025-03-01T12:00:00Z")
            .fact("/timestamp/kind", "pkcs9")
            .fact("/timestamp/verified", "true"),
        Fixture::new("counter-sha256.exe", "T50", "PKCS#9 counter-signature, SHA-256", || {
            countersigned(Counter { hash: Hash::Sha256, ..counter() })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new(
            "counter-raw-sha1.exe",
            "T27",
            "counter-signature of the bare SHA-1 hash, as VeriSign made them",
            || countersigned(Counter { scheme: Scheme::RawHash, ..counter() }),
        )
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("counter-raw-md5.exe", "T27", "counter-signature of the bare MD5 hash", || {
            countersigned(Counter { scheme: Scheme::RawHash, hash: Hash::Md5, ..counter() })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new(
            "counter-raw-sha256.exe",
            "T27",
            "counter-signature of a bare SHA-256 hash, which never was legacy",
            || countersigned(Counter { scheme: Scheme::RawHash, hash: Hash::Sha256, ..counter() }),
        )
        .invalid("timestamp-invalid"),
        Fixture::new("counter-no-content-type.exe", "T23", "counter-signature without contentType", || {
            countersigned(Counter { content_type: None, ..counter() })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new(
            "counter-tst-info.exe",
            "T50 T23",
            "counter-signature whose contentType is TSTInfo, as Certum makes them",
            || countersigned(Counter { content_type: Some(TST_INFO), ..counter() }),
        )
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("counter-wrong-digest.exe", "T50", "counter-signature over something else", || {
            countersigned(Counter { wrong_digest: true, ..counter() })
        })
        .invalid("timestamp-invalid"),
        Fixture::new("counter-broken.exe", "T54", "counter-signature whose signature is broken", || {
            countersigned(Counter { broken: true, ..counter() })
        })
        .invalid("timestamp-invalid"),
    ]
}

fn after_expiry() -> Vec<Fixture> {
    vec![
        Fixture::new("expired-token.exe", "", "signer expired, token from its life", || {
            // Built the day before, as its header says.
            sign(&Pe { built: 0x621c_1080, ..Pe::pe32() }.bytes(), &expired().add(Token::at(THEN).attribute()))
        })
        .valid()
        .fact("/timestamp/time", "2022-03-01T12:00:00Z"),
        Fixture::new("expired-counter.exe", "", "signer expired, counter-signature from its life", || {
            signed(expired().add(Counter::at(THEN).attribute()))
        })
        .valid()
        .fact("/timestamp/time", "2022-03-01T12:00:00Z"),
        Fixture::new("expired-token-wrong-imprint.exe", "T54", "signer expired, token of another signature", || {
            signed(expired().add(Token { bend_imprint: |imprint| wrong(imprint), ..Token::at(THEN) }.attribute()))
        })
        .expired("cert-expired")
        .others(&["timestamp-invalid"]),
        Fixture::new("expired-token-broken.exe", "T54", "signer expired, token's signature broken", || {
            signed(expired().add(Token { broken: true, ..Token::at(THEN) }.attribute()))
        })
        .expired("cert-expired")
        .others(&["timestamp-invalid"]),
        Fixture::new("expired-counter-broken.exe", "T54", "signer expired, counter-signature broken", || {
            signed(expired().add(Counter { broken: true, ..Counter::at(THEN) }.attribute()))
        })
        .expired("cert-expired")
        .others(&["timestamp-invalid"]),
        Fixture::new(
            "expired-token-untrusted.exe",
            "T54",
            "signer expired, token from an authority that nobody trusts",
            || signed(expired().add(Token::at(THEN).from(self_made_tsa().der()).attribute())),
        )
        .expired("cert-expired")
        .others_open(),
        Fixture::new(
            "expired-token-wrong-usage.exe",
            "T56",
            "signer expired, token from a certificate for code signing",
            || signed(expired().add(Token::at(THEN).from(tsa_for(&[CODE_SIGNING]).der()).attribute())),
        )
        .expired("cert-expired")
        .others_open(),
        Fixture::new("expired-signing-time.exe", "T55", "signer expired, its own signingTime says 2022", || {
            let bend_attrs = |attrs: &mut Vec<Der>| attrs.push(attribute(SIGNING_TIME, &[utc_time(THEN)]));
            signed(Signature { bend_attrs, ..expired() })
        })
        .expired("cert-expired")
        .fact("/timestamp", "null"),
        Fixture::new("lifetime-expired.exe", "T57", "lifetime signing, expired, token from its life", || {
            let cert = cast::expired_leaf().without(EKU).with(eku(&[CODE_SIGNING, LIFETIME_SIGNING]));
            signed(Signature::with(cert.der(), Key::Leaf).add(Token::at(THEN).attribute()))
        })
        .expired("lifetime-expired"),
        Fixture::new("root-expired-token.exe", "T60 T33", "root ended in 2020, token from before", || {
            let cert = cast::leaf().valid("20180101000000Z", "20280101000000Z").without(AUTHORITY_KEY_ID);
            let cert = cert.by(&cast::old_root().subject, Key::Other).with(aki(&Key::Other.id()));
            let mut signature = Signature::with(cert.der(), Key::Leaf);
            signature.certs.truncate(1);
            signed(signature.add(Token::at("20190601000000Z").attribute()))
        })
        .trusting(&["old-root", "tsa-root"])
        .valid(),
    ]
}

fn several() -> Vec<Fixture> {
    vec![
        Fixture::new(
            "token-and-counter.exe",
            "T53",
            "counter-signature of 2024 and token of 2025: the token counts",
            || {
                let signature = with_tsa(Signature::default());
                signed(signature.add(Counter::at("20240601000000Z").attribute()).add(token().attribute()))
            },
        )
        .valid()
        .fact("/timestamp/time", "2025-03-01T12:00:00Z")
        .fact("/timestamp/kind", "rfc3161"),
        Fixture::new("two-tokens.exe", "T53", "two tokens, the later one first: the earlier counts", || {
            let signature = Signature::default().add(token().attribute());
            signed(signature.add(Token::at("20240601000000Z").attribute()))
        })
        .valid()
        .fact("/timestamp/time", "2024-06-01T00:00:00Z"),
        Fixture::new("broken-token-and-counter.exe", "T53", "broken token beside a sound counter-signature", || {
            let signature = with_tsa(Signature::default()).add(Token { broken: true, ..token() }.attribute());
            signed(signature.add(counter().attribute()))
        })
        .valid()
        .fact("/timestamp/kind", "pkcs9"),
        Fixture::new("expired-broken-token-and-counter.exe", "T53", "the same with a signer that has expired", || {
            let signature = expired().add(Token { broken: true, ..Token::at(THEN) }.attribute());
            signed(signature.add(Counter::at(THEN).attribute()))
        })
        .valid()
        .fact("/timestamp/kind", "pkcs9"),
        Fixture::new(
            "untrusted-token-and-counter.exe",
            "T53",
            "token of no trusted authority beside a sound counter-signature",
            || {
                let signature = with_tsa(Signature::default()).add(token().from(self_made_tsa().der()).attribute());
                signed(signature.add(counter().attribute()))
            },
        )
        .valid()
        .fact("/timestamp/kind", "pkcs9"),
    ]
}

/// A TSA that vouches for itself, as HookSigntool runs one.
fn self_made_tsa() -> Cert {
    Cert::own(dn("Self Made Time"), Key::Tsa, &[0x77]).with(eku_critical(&[TIME_STAMPING]))
}

fn tsa_for(usages: &[&str]) -> Cert {
    cast::tsa().without(EKU).with(eku(usages))
}

fn authorities() -> Vec<Fixture> {
    vec![
        Fixture::new("tsa-untrusted.exe", "T56", "token from an authority that nobody trusts", || {
            stamped(token().from(self_made_tsa().der()))
        })
        .untrusted("timestamp-untrusted"),
        Fixture::new("tsa-wrong-usage.exe", "T56", "token from a certificate for code signing", || {
            stamped(token().from(tsa_for(&[CODE_SIGNING]).der()))
        })
        .untrusted("timestamp-untrusted"),
        Fixture::new("tsa-no-usage.exe", "T56", "token from a certificate without extended key usage", || {
            stamped(token().from(cast::tsa().without(EKU).der()))
        })
        .untrusted("timestamp-untrusted"),
        Fixture::new("tsa-usage-not-critical.exe", "T56", "timeStamping usage that is not critical", || {
            stamped(token().from(tsa_for(&[TIME_STAMPING]).der()))
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("tsa-expired-now.exe", "T56", "TSA's certificate ended after it made the token", || {
            stamped(token().from(cast::tsa().valid("20200101000000Z", "20250601000000Z").der()))
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new("tsa-expired-then.exe", "T56", "TSA's certificate ended before it made the token", || {
            stamped(token().from(cast::tsa().valid("20200101000000Z", "20250201000000Z").der()))
        })
        .untrusted("timestamp-untrusted"),
        Fixture::new("tsa-ecdsa.exe", "", "token signed with ECDSA on P-256", || {
            let mut cert = cast::tsa();
            cert.spki = Key::P256.spki();
            stamped(Token { key: Key::P256, ..token().from(cert.without(SUBJECT_KEY_ID).der()) })
        })
        .valid()
        .fact("/timestamp/verified", "true"),
        Fixture::new(
            "tsa-root-not-for-code.exe",
            "T59",
            "publisher under the time root, which a PEM file trusts for all",
            || {
                let cert = cast::leaf().by(&cast::tsa_root_name(), Key::TsaRoot).without(AUTHORITY_KEY_ID);
                signed(Signature::with(cert.der(), Key::Leaf))
            },
        )
        .valid(),
    ]
}

/// A publisher with a short key, whose certificate spans the cut-off of 2010.
fn short_key_at(moment: &'static str) -> Vec<u8> {
    let cert = cast::publisher(Key::Rsa512).valid("20050101000000Z", "20280101000000Z");
    signed(Signature::with(cert.der(), Key::Rsa512).add(Token::at(moment).attribute()))
}

fn moments() -> Vec<Fixture> {
    vec![
        Fixture::new("token-before-validity.exe", "", "token older than the signer's certificate", || {
            stamped(Token::at("20190101000000Z"))
        })
        .expired("timestamp-outside-validity"),
        Fixture::new("token-after-validity.exe", "", "signer expired, token from after its life", || {
            signed(expired().add(token().attribute()))
        })
        .expired("timestamp-outside-validity")
        .others_open(),
        Fixture::new("rsa-512-token-2009.exe", "", "signer's key of 512 bits, token from before 2010", || {
            short_key_at("20090601000000Z")
        })
        .valid(),
        Fixture::new("rsa-512-token-2012.exe", "", "signer's key of 512 bits, token from after 2010", || {
            short_key_at("20120601000000Z")
        })
        .untrusted("weak-signature"),
        Fixture::new("tampered-token.exe", "T67", "tampered file whose token still holds", || {
            let mut file = stamped(token());
            file[0x210] ^= 1;
            file
        })
        .invalid("bad-digest"),
        Fixture::new(
            "token-and-counter-wrong.exe",
            "T53",
            "counter-signature and token at once, both of another signature",
            || {
                let signature = with_tsa(Signature::default());
                let signature = signature.add(Counter { wrong_digest: true, ..counter() }.attribute());
                signed(signature.add(Token { bend_imprint: |imprint| wrong(imprint), ..token() }.attribute()))
            },
        )
        .invalid("timestamp-invalid"),
    ]
}
