//! Paths, roots, usages and validity without timestamps: traps T31 to T33, T37, T58 to T70.

use super::{Fixture, signed};
use crate::lab::ca::*;
use crate::lab::cast::{self, authority, inter, inter_name, leaf, root_name};
use crate::lab::cms::Signature;
use crate::lab::der::*;
use crate::lab::keys::{Hash, Key, explicit_curve_spki, sign_on_own_generator};

pub fn fixtures() -> Vec<Fixture> {
    [validity(), trust(), paths(), usages(), constraints(), strength()].into_iter().flatten().collect()
}

/// Signed by a publisher's certificate; the usual intermediate is in the bag.
fn by(cert: &Cert) -> Vec<u8> {
    signed(Signature::with(cert.der(), Key::Leaf))
}

/// Signed by a publisher's certificate with these others in the bag.
fn by_with(cert: &Cert, others: &[Cert]) -> Vec<u8> {
    let mut signature = Signature::with(cert.der(), Key::Leaf);
    signature.certs = std::iter::once(cert).chain(others).map(Cert::der).collect();
    signed(signature)
}

/// The same certificate from another issuer, whose key identifier it names.
fn from(cert: Cert, issuer: &Der, key: Key) -> Cert {
    cert.by(issuer, key).without(AUTHORITY_KEY_ID).with(aki(&key.id()))
}

/// A root that nobody trusts.
fn elsewhere() -> Cert {
    authority(dn("Elsewhere Root"), Key::Other, 0x61)
}

fn validity() -> Vec<Fixture> {
    vec![
        Fixture::new("expired.exe", "T55", "signer's certificate ended in 2023, no timestamp", || {
            by(&cast::expired_leaf())
        })
        .expired("cert-expired")
        .valid()
        .when("2022-06-01T00:00:00Z"),
        Fixture::new("not-yet-valid.exe", "", "signer's certificate begins in 2027", || {
            by(&leaf().valid("20270101000000Z", "20300101000000Z"))
        })
        .expired("cert-not-yet-valid"),
        Fixture::new("intermediate-expired.exe", "", "intermediate ended in 2025, signer still valid", || {
            by_with(&leaf(), &[inter().valid("20000101000000Z", "20250101000000Z")])
        })
        .expired("cert-expired"),
        Fixture::new("generalized-times.exe", "", "validity in GeneralizedTime, before and after 2050", || {
            let mut cert = leaf();
            cert.not_before = generalized_time("20240101000000Z");
            cert.not_after = generalized_time("20600101000000Z");
            by(&cert)
        })
        .valid(),
        Fixture::new(
            "root-expired.exe",
            "T60 T33",
            "trusted root ended in 2020; its own signature is MD2 and wrong",
            || by_with(&from(leaf(), &cast::old_root().subject, Key::Other), &[]),
        )
        .trusting(&["old-root", "tsa-root"])
        .expired("cert-expired"),
    ]
}

fn microsoft() -> Cert {
    cast::self_signed(dn_of("Microsoft Corporation", "Microsoft Corporation"))
}

fn own(cert: &Cert) -> Vec<u8> {
    let mut signature = Signature::with(cert.der(), Key::Other);
    signature.certs.truncate(1);
    signed(signature)
}

fn trust() -> Vec<Fixture> {
    vec![
        Fixture::new("self-signed.exe", "T65", "self-signed as Microsoft Corporation", || own(&microsoft()))
            .untrusted("self-signed")
            .fact("/self_signed", "true")
            .fact("/signer/common_name", "Microsoft Corporation"),
        Fixture::new("self-signed-trusted.exe", "T59", "self-signed by a certificate that the store holds", || {
            own(&microsoft())
        })
        .trusting(&["self-signed"])
        .valid()
        .fact("/self_signed", "true"),
        Fixture::new("self-signed-expired.exe", "T67", "self-signed and expired: trust is named before time", || {
            own(&microsoft().valid("20200101000000Z", "20230101000000Z"))
        })
        .untrusted("self-signed")
        .others(&["cert-expired"]),
        Fixture::new(
            "self-issued-foreign-signature.exe",
            "T65",
            "names itself as issuer, signed by another key",
            || {
                let mut cert = microsoft();
                cert.signer = Key::Inter;
                own(&cert)
            },
        )
        .invalid("cert-signature")
        .fact("/self_signed", "false"),
        Fixture::new("carbon-copy.exe", "T65", "names a known issuer, verifies under its own key", || {
            let mut cert = cast::self_signed(dn("www.shop.example"));
            cert.issuer = dn_of("Well Known", "Well Known TLS CA");
            own(&cert)
        })
        .untrusted("chain-incomplete")
        .fact("/self_signed", "false"),
        Fixture::new("untrusted-root.exe", "T59", "whole chain to a root that is not trusted", || {
            by_with(&from(leaf(), &elsewhere().subject, Key::Other), &[elsewhere()])
        })
        .untrusted("untrusted-root"),
        Fixture::new(
            "untrusted-expired.exe",
            "T67",
            "root not trusted, signer expired: trust is named before time",
            || by_with(&from(cast::expired_leaf(), &elsewhere().subject, Key::Other), &[elsewhere()]),
        )
        .untrusted("untrusted-root")
        .others(&["cert-expired"]),
        Fixture::new(
            "tampered-untrusted-expired.exe",
            "T67",
            "the same, tampered with: the digest is named first",
            || {
                let cert = from(cast::expired_leaf(), &elsewhere().subject, Key::Other);
                let mut file = by_with(&cert, &[elsewhere()]);
                file[0x210] ^= 1;
                file
            },
        )
        .invalid("bad-digest")
        .others(&["untrusted-root", "cert-expired"]),
        Fixture::new(
            "root-same-name-in-bag.exe",
            "T59",
            "a root with the trusted root's name and another key, in the bag",
            || by_with(&leaf(), &[from(inter(), &root_name(), Key::Other), authority(root_name(), Key::Other, 1)]),
        )
        .untrusted("untrusted-root"),
        Fixture::new(
            "root-same-name-absent.exe",
            "T59",
            "issued by a key that only has the trusted root's name",
            || by_with(&leaf(), &[inter().by(&root_name(), Key::Other).without(AUTHORITY_KEY_ID)]),
        )
        .untrusted("chain-incomplete"),
        Fixture::new("root-same-name-key-id.exe", "T59", "the same, and the key identifier says which key", || {
            by_with(&leaf(), &[from(inter(), &root_name(), Key::Other)])
        })
        .untrusted("chain-incomplete"),
        Fixture::new(
            "explicit-curve.exe",
            "T37",
            "trusted curve root's key on a generator of the forger's choice",
            forged_curve,
        )
        .trusting(&["ec-root", "tsa-root"])
        .untrusted("untrusted-root")
        .others_open(),
    ]
}

/// CVE-2020-0601: a root with the trusted root's name and public point, whose explicit parameters make that point the
/// generator, so that the private key is one.
fn forged_curve() -> Vec<u8> {
    let mut fake = cast::ec_root();
    fake.spki = explicit_curve_spki(&Key::P256.point());
    fake.serial = vec![0x66];
    let cert = from(leaf(), &fake.subject, Key::P256).der();
    let forged = |cert: &[u8]| {
        let members = elements(split(cert).0);
        let value = sign_on_own_generator(Key::P256, members[0]);
        seq(&[members[0].to_vec(), members[1].to_vec(), bits(&value)])
    };
    let mut signature = Signature::with(forged(&cert), Key::Leaf);
    signature.certs = vec![forged(&cert), forged(&fake.der())];
    signed(signature)
}

fn paths() -> Vec<Fixture> {
    vec![
        Fixture::new("missing-intermediate.exe", "", "the signer's issuer is nowhere", || by_with(&leaf(), &[]))
            .untrusted("chain-incomplete"),
        Fixture::new("root-in-bag.exe", "", "the trusted root comes along", || {
            by_with(&leaf(), &[inter(), cast::root()])
        })
        .valid(),
        Fixture::new("certificate-signature.exe", "", "signer's certificate does not verify under its issuer", || {
            let mut cert = leaf();
            cert.broken = true;
            by(&cert)
        })
        .invalid("cert-signature"),
        Fixture::new(
            "intermediate-signature.exe",
            "",
            "intermediate does not verify under the root of its key id",
            || {
                let mut issuing = inter();
                issuing.broken = true;
                by_with(&leaf(), &[issuing])
            },
        )
        .invalid("cert-signature"),
        Fixture::new(
            "cross-good-last.exe",
            "T31",
            "two cross-certificates of one intermediate, the bad path first",
            || {
                let dead_end = from(inter(), &elsewhere().subject, Key::Other);
                by_with(&leaf(), &[dead_end, elsewhere(), inter()])
            },
        )
        .valid(),
        Fixture::new("cross-good-first.exe", "T31", "the same with the good path first", || {
            let dead_end = from(inter(), &elsewhere().subject, Key::Other);
            by_with(&leaf(), &[inter(), dead_end, elsewhere()])
        })
        .valid(),
        Fixture::new(
            "cross-same-name.exe",
            "T31",
            "two intermediates of one name, told apart by key identifier",
            || {
                let namesake = from(authority(inter_name(), Key::P256, 9), &root_name(), Key::Root);
                by_with(&leaf(), &[namesake, inter()])
            },
        )
        .valid(),
        Fixture::new("cross-loop.exe", "T31", "two authorities certify each other and nobody else does", || {
            by_with(&from(leaf(), &cross_name(1), Key::P256), &cross_pair())
        })
        .untrusted("chain-incomplete"),
        Fixture::new(
            "cross-loop-with-exit.exe",
            "T31",
            "two authorities certify each other, the root one of them",
            || {
                let exit = from(authority(cross_name(2), Key::P384, 0x23), &root_name(), Key::Root);
                by_with(&from(leaf(), &cross_name(1), Key::P256), &[cross_pair().to_vec(), vec![exit]].concat())
            },
        )
        .valid(),
        Fixture::new(
            "names-other-string-type.exe",
            "T70",
            "issuer in UTF8String, the issuer's own name in PrintableString",
            || {
                let named = name(&[
                    (COUNTRY, printable("XX")),
                    (ORGANIZATION, utf8(CAST_ORGANIZATION)),
                    (COMMON_NAME, utf8("Fixture Issuing CA")),
                ]);
                by(&leaf().by(&named, Key::Inter))
            },
        )
        .valid(),
        Fixture::new("names-case-and-space.exe", "T70", "issuer in capitals and with more white space", || {
            let named = name(&[
                (COUNTRY, printable("xx")),
                (ORGANIZATION, printable(" SIGSCAN  fixtures")),
                (COMMON_NAME, printable("FIXTURE Issuing CA ")),
            ]);
            by(&leaf().by(&named, Key::Inter))
        })
        .valid(),
        Fixture::new("names-root-other-string-type.exe", "T70", "the root named in BMPString and UTF8String", || {
            let named = name(&[
                (COUNTRY, printable("XX")),
                (ORGANIZATION, utf8(CAST_ORGANIZATION)),
                (COMMON_NAME, bmp("Fixture Root")),
            ]);
            by_with(&leaf(), &[inter().by(&named, Key::Root)])
        })
        .valid(),
        Fixture::new(
            "names-one-letter-less.exe",
            "T70",
            "right key, right key identifier, issuer's name without its last letter",
            || by(&leaf().by(&dn("Fixture Issuing C"), Key::Inter)),
        )
        .untrusted("chain-incomplete"),
        Fixture::new("names-one-value-two.exe", "T70", "issuer's common name cut into two attributes", || {
            let named = name(&[
                (COUNTRY, printable("XX")),
                (ORGANIZATION, printable(CAST_ORGANIZATION)),
                (COMMON_NAME, printable("Fixture")),
                (COMMON_NAME, printable("Issuing CA")),
            ]);
            by(&leaf().by(&named, Key::Inter))
        })
        .untrusted("chain-incomplete"),
        Fixture::new("names-self-issued-other-string-type.exe", "T70 T65", "self-signed, issuer in UTF8String", || {
            let mut cert = microsoft();
            let (one, two) = (utf8("Microsoft Corporation"), utf8("microsoft corporation"));
            cert.issuer = name(&[(COUNTRY, printable("XX")), (ORGANIZATION, one), (COMMON_NAME, two)]);
            own(&cert)
        })
        .untrusted("self-signed")
        .fact("/self_signed", "true"),
        Fixture::new("names-bmp.exe", "T70", "subject in BMPString", || {
            let mut cert = leaf();
            cert.subject = name(&[(COMMON_NAME, bmp("Verlag Größe"))]);
            by(&cert)
        })
        .valid()
        .fact("/signer/common_name", "Verlag Größe"),
        Fixture::new(
            "names-teletex.exe",
            "T70",
            "subject in TeletexString, which everybody fills with Latin-1",
            || {
                let mut cert = leaf();
                cert.subject = name(&[(COMMON_NAME, tlv(0x14, b"Gr\xf6\xdfe"))]);
                by(&cert)
            },
        )
        .valid()
        .fact("/signer/common_name", "Größe"),
    ]
}

fn cross_name(number: u8) -> Der {
    dn(&format!("Fixture Cross {number}"))
}

/// Authority 1 by 2, and 2 by 1.
fn cross_pair() -> [Cert; 2] {
    [
        from(authority(cross_name(1), Key::P256, 0x21), &cross_name(2), Key::P384),
        from(authority(cross_name(2), Key::P384, 0x22), &cross_name(1), Key::P256),
    ]
}

fn with_usages(usages: &[&str]) -> Cert {
    leaf().without(EKU).with(eku(usages))
}

fn usages() -> Vec<Fixture> {
    vec![
        Fixture::new("usage-none.exe", "T58", "signer without extended key usage: every usage", || {
            by(&leaf().without(EKU))
        })
        .valid(),
        Fixture::new("usage-any.exe", "T58", "signer with anyExtendedKeyUsage", || by(&with_usages(&[ANY_USAGE])))
            .valid(),
        Fixture::new("usage-server.exe", "T58", "a TLS server's certificate signs code", || {
            by(&with_usages(&[SERVER_AUTH]))
        })
        .untrusted("wrong-usage"),
        Fixture::new("usage-time-stamping.exe", "T58", "a TSA's certificate signs code", || {
            by(&with_usages(&[TIME_STAMPING]))
        })
        .untrusted("wrong-usage"),
        Fixture::new("usage-intermediate-code.exe", "T58", "intermediate for code signing only", || {
            by_with(&leaf(), &[inter().with(eku(&[CODE_SIGNING]))])
        })
        .valid(),
        Fixture::new("usage-intermediate-server.exe", "T58", "intermediate for TLS servers only", || {
            by_with(&leaf(), &[inter().with(eku(&[SERVER_AUTH]))])
        })
        .untrusted("wrong-usage"),
        Fixture::new("key-usage-encipherment.exe", "T58", "critical key usage without digitalSignature", || {
            by(&leaf().without("2.5.29.15").with(key_usage(&[2])))
        })
        .valid(),
        Fixture::new("signer-v1.exe", "T58", "signer's certificate is version 1, without extensions", || {
            let mut cert = leaf();
            cert.version = None;
            cert.exts = Vec::new();
            by(&cert)
        })
        .valid(),
        Fixture::new("usage-lifetime.exe", "T57", "lifetime signing, still alive", || {
            by(&with_usages(&[CODE_SIGNING, LIFETIME_SIGNING]))
        })
        .valid(),
    ]
}

/// The usual chain under an intermediate with these name constraints.
fn constrained(cert: &Cert, permitted: &[Der], excluded: &[Der]) -> Vec<u8> {
    by_with(cert, &[inter().with(name_constraints(permitted, excluded))])
}

fn organization(value: Der) -> Der {
    name(&[(COUNTRY, printable("XX")), (ORGANIZATION, value)])
}

/// A second intermediate below the usual one.
fn sub() -> Cert {
    from(authority(dn("Fixture Sub CA"), Key::P256, 0x31), &inter_name(), Key::Inter)
}

fn limited(path_len: u32) -> Cert {
    inter().without(BASIC_CONSTRAINTS).with(ca(Some(path_len)))
}

fn constraints() -> Vec<Fixture> {
    vec![
        Fixture::new("intermediate-not-ca.exe", "", "intermediate without basic constraints", || {
            by_with(&leaf(), &[inter().without(BASIC_CONSTRAINTS)])
        })
        .untrusted("basic-constraints"),
        Fixture::new("publisher-as-issuer.exe", "", "one publisher's certificate issues another", || {
            let mut issuer = cast::publisher(Key::P256);
            issuer.subject = dn("Fixture Reseller");
            by_with(&from(leaf(), &issuer.subject, Key::P256), &[issuer, inter()])
        })
        .untrusted("basic-constraints"),
        Fixture::new("path-length-0.exe", "", "another intermediate below one of path length 0", || {
            by_with(&from(leaf(), &sub().subject, Key::P256), &[sub(), limited(0)])
        })
        .untrusted("path-len"),
        Fixture::new("path-length-1.exe", "", "another intermediate below one of path length 1", || {
            by_with(&from(leaf(), &sub().subject, Key::P256), &[sub(), limited(1)])
        })
        .valid(),
        Fixture::new("names-permitted.exe", "", "signer inside the permitted names", || {
            constrained(&leaf(), &[organization(printable(CAST_ORGANIZATION))], &[])
        })
        .valid(),
        Fixture::new(
            "names-permitted-other-string-type.exe",
            "T70",
            "permitted name in UTF8String, signer in PrintableString",
            || constrained(&leaf(), &[organization(utf8(CAST_ORGANIZATION))], &[]),
        )
        .valid(),
        Fixture::new("names-not-permitted.exe", "", "signer outside the permitted names", || {
            constrained(&leaf(), &[organization(printable("Somebody Else"))], &[])
        })
        .untrusted("name-constraint"),
        Fixture::new("names-excluded.exe", "", "signer inside the excluded names", || {
            constrained(&leaf(), &[], &[organization(printable(CAST_ORGANIZATION))])
        })
        .untrusted("name-constraint"),
        Fixture::new("critical-unknown.exe", "", "unknown critical extension in the signer's certificate", || {
            by(&leaf().with(unknown_critical()))
        })
        .untrusted("critical-ext"),
        Fixture::new("critical-unknown-intermediate.exe", "", "unknown critical extension in the intermediate", || {
            by_with(&leaf(), &[inter().with(unknown_critical())])
        })
        .untrusted("critical-ext"),
        Fixture::new("policies.exe", "", "CA/Browser Forum code-signing policy", || {
            by(&leaf().with(policies(&["2.23.140.1.4.1"])))
        })
        .valid(),
    ]
}

fn certified_with(hash: Hash) -> Vec<u8> {
    let mut cert = leaf();
    cert.hash = hash;
    by(&cert)
}

fn strength() -> Vec<Fixture> {
    vec![
        Fixture::new("certificate-sha1.exe", "", "signer's certificate signed with SHA-1", || {
            certified_with(Hash::Sha1)
        })
        .valid(),
        Fixture::new(
            "certificate-md5.exe",
            "T33",
            "signer's certificate signed with MD5, root not of the programme",
            || certified_with(Hash::Md5),
        )
        .valid(),
        Fixture::new("certificate-md2.exe", "T33", "signer's certificate signed with MD2", || {
            certified_with(Hash::Md2)
        })
        .untrusted("weak-signature"),
        Fixture::new("certificate-md4.exe", "T33", "signer's certificate signed with MD4", || {
            certified_with(Hash::Md4)
        })
        .untrusted("weak-signature"),
        Fixture::new("rsa-512.exe", "", "signer's key is RSA of 512 bits", || signed(Signature::by(Key::Rsa512)))
            .untrusted("weak-signature"),
        Fixture::new("rsa-512-intermediate.exe", "", "intermediate's key is RSA of 512 bits", || {
            let weak = from(authority(dn("Fixture Short CA"), Key::Rsa512, 0x41), &root_name(), Key::Root);
            by_with(&from(leaf(), &weak.subject, Key::Rsa512), &[weak])
        })
        .untrusted("weak-signature"),
    ]
}
