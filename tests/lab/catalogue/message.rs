//! Algorithms, CMS and ASN.1: traps T20 to T39, and nested signatures.

use super::{Fixture, signed};
use crate::lab::ca::*;
use crate::lab::cast::{self, leaf};
use crate::lab::cms::*;
use crate::lab::der::*;
use crate::lab::keys::{Hash, Key, Scheme};
use crate::lab::pe::*;

pub fn fixtures() -> Vec<Fixture> {
    [algorithms(), spellings(), attributes(), broken(), identifiers(), bags(), nesting()]
        .into_iter()
        .flatten()
        .collect()
}

fn hashed(hash: Hash) -> Vec<u8> {
    signed(Signature { hash, ..Signature::default() })
}

fn curved(key: Key, hash: Hash) -> Vec<u8> {
    signed(Signature { hash, ..Signature::by(key) })
}

fn algorithms() -> Vec<Fixture> {
    vec![
        Fixture::new("rsa-md5.exe", "", "RSA, MD5 throughout the signature", || hashed(Hash::Md5)).valid(),
        Fixture::new("rsa-sha1.exe", "", "RSA, SHA-1", || hashed(Hash::Sha1)).valid(),
        Fixture::new("rsa-sha224.exe", "", "RSA, SHA-224", || hashed(Hash::Sha224)).valid(),
        Fixture::new("rsa-sha384.exe", "", "RSA, SHA-384", || hashed(Hash::Sha384)).valid(),
        Fixture::new("rsa-sha512.exe", "", "RSA, SHA-512", || hashed(Hash::Sha512)).valid(),
        Fixture::new("rsa-1024.exe", "", "RSA of 1024 bits, which is long enough for Windows", || {
            signed(Signature::by(Key::Rsa1024))
        })
        .valid(),
        Fixture::new("rsa-pss.exe", "T26", "RSASSA-PSS", || {
            signed(Signature { scheme: Scheme::Pss, ..Signature::default() })
        })
        .valid(),
        Fixture::new("rsa-no-null.exe", "T25", "DigestInfo without NULL inside the RSA block", || {
            signed(Signature { scheme: Scheme::Pkcs1NoNull, ..Signature::default() })
        })
        .valid(),
        Fixture::new(
            "rsa-raw-hash.exe",
            "T27",
            "bare hash inside the RSA block, which only old timestamps may have",
            || signed(Signature { hash: Hash::Sha1, scheme: Scheme::RawHash, ..Signature::default() }),
        )
        .invalid("signer-signature"),
        Fixture::new("ecdsa-p256.exe", "T26", "ECDSA on P-256", || curved(Key::P256, Hash::Sha256)).valid(),
        Fixture::new("ecdsa-p384.exe", "T26", "ECDSA on P-384", || curved(Key::P384, Hash::Sha384)).valid(),
        Fixture::new("ecdsa-p521.exe", "T26", "ECDSA on P-521", || curved(Key::P521, Hash::Sha512)).valid(),
        Fixture::new("sig-alg-sha256-rsa.exe", "T26", "signatureAlgorithm sha256WithRSAEncryption", || {
            signed(Signature { sig_alg: Some(alg_null(Hash::Sha256.rsa_oid())), ..Signature::default() })
        })
        .valid(),
        Fixture::new("sig-alg-ec-public-key.exe", "T26", "signatureAlgorithm id-ecPublicKey", || {
            signed(Signature { sig_alg: Some(alg("1.2.840.10045.2.1")), ..Signature::by(Key::P256) })
        })
        .valid(),
        Fixture::new("sig-alg-oiw-sha1-rsa.exe", "T25", "signatureAlgorithm 1.3.14.3.2.29", || {
            let sig_alg = Some(alg_null("1.3.14.3.2.29"));
            signed(Signature { hash: Hash::Sha1, sig_alg, ..Signature::default() })
        })
        .valid(),
        Fixture::new(
            "digest-alg-sha1-rsa.exe",
            "T25",
            "sha1WithRSAEncryption where the signer's digest belongs",
            || {
                let digest_alg = Some(alg_null(Hash::Sha1.rsa_oid()));
                signed(Signature { hash: Hash::Sha1, digest_alg, ..Signature::default() })
            },
        )
        .valid(),
        Fixture::new("file-alg-sha1-rsa.exe", "T25", "sha1WithRSAEncryption where the file's digest belongs", || {
            let file_alg = Some(alg_null(Hash::Sha1.rsa_oid()));
            signed(Signature { hash: Hash::Sha1, file_alg, ..Signature::default() })
        })
        .valid(),
        Fixture::new("no-null-parameters.exe", "T25", "digest algorithms without parameters", || {
            let bare = Some(alg(Hash::Sha256.oid()));
            signed(Signature { file_alg: bare.clone(), digest_alg: bare, ..Signature::default() })
        })
        .valid(),
        Fixture::new("several-digest-algorithms.exe", "T25", "two digestAlgorithms, one of them unused", || {
            signed(Signature { digest_algs: Some(vec![Hash::Sha1.alg(), Hash::Sha256.alg()]), ..Signature::default() })
        })
        .valid(),
        Fixture::new("file-md2.exe", "", "file digest MD2", || {
            signed(Signature { file_hash: Some(Hash::Md2), ..Signature::default() })
        })
        .invalid("bad-algorithm"),
        Fixture::new("file-md4.exe", "", "file digest MD4", || {
            signed(Signature { file_hash: Some(Hash::Md4), ..Signature::default() })
        })
        .invalid("bad-algorithm"),
        Fixture::new("file-sha3.exe", "T25", "file digest SHA3-256 by its name, which only new Windows knows", || {
            signed(Signature { file_alg: Some(alg("2.16.840.1.101.3.4.2.8")), ..Signature::default() })
        })
        .judged("Error", "unsupported-algorithm"),
        Fixture::new("dsa.exe", "T26", "DSA key and dsa-with-sha1", dsa)
            .judged("Error", "unsupported-algorithm")
            .others_open(),
        Fixture::new("unknown-curve.exe", "T37", "key on the named curve secp256k1", || {
            let mut cert = cast::publisher(Key::P256);
            cert.spki = seq(&[seq(&[oid("1.2.840.10045.2.1"), oid("1.3.132.0.10")]), bits(&Key::P256.point())]);
            signed(Signature::with(cert.der(), Key::P256))
        })
        .judged("Error", "unsupported-algorithm")
        .others_open(),
    ]
}

/// A signature that claims to be DSA (RFC 3279 §2.3.2); nobody can verify its value, and nobody should say it is wrong.
fn dsa() -> Vec<u8> {
    let params = seq(&[uint(&[0x5b; 128]), uint(&[0x5d; 20]), small(2)]);
    let mut cert = leaf();
    cert.spki = seq(&[seq(&[oid("1.2.840.10040.4.1"), params]), bits(&uint(&[0x21; 128]))]);
    let sig_alg = Some(alg("1.2.840.10040.4.3"));
    let bend_signature = |value: &mut Vec<u8>| *value = seq(&[uint(&[0x11; 20]), uint(&[0x13; 20])]);
    signed(Signature { hash: Hash::Sha1, sig_alg, bend_signature, ..Signature::with(cert.der(), Key::Leaf) })
}

fn spellings() -> Vec<Fixture> {
    vec![
        Fixture::new("ber-indefinite.exe", "T28", "indefinite lengths from ContentInfo to the certificates", || {
            signed(Signature { spelling: Spelling::Indefinite, ..Signature::default() })
        })
        .valid(),
        Fixture::new("ber-pieces.exe", "T28", "signature value as a constructed OCTET STRING", || {
            signed(Signature { spelling: Spelling::PiecedSignature, ..Signature::default() })
        })
        .valid(),
        Fixture::new("content-long-lengths.exe", "T21", "signed content whose lengths are not minimal", || {
            signed(Signature { long_lengths: true, ..Signature::default() })
        })
        .valid(),
        Fixture::new(
            "content-other-type.exe",
            "",
            "SpcIndirectData of type individualCodeSigning, as fwupd has it",
            || signed(Signature { data_type: SPC_INDIVIDUAL_PURPOSE, ..Signature::default() }),
        )
        .valid(),
        Fixture::new("signed-data-v3.exe", "T24", "SignedData version 3", || {
            signed(Signature { version: 3, ..Signature::default() })
        })
        .valid(),
        Fixture::new("content-octet-string.exe", "T24", "SignedData version 3, content in an OCTET STRING", || {
            signed(Signature { version: 3, wrapped: true, ..Signature::default() })
        })
        .valid(),
        Fixture::new("signer-info-v0.exe", "T24", "SignerInfo version 0", || {
            signed(Signature { signer_version: 0, ..Signature::default() })
        })
        .valid(),
        Fixture::new(
            "signer-info-v3-key-id.exe",
            "T24",
            "SignerInfo version 3, signer named by key identifier",
            || {
                let sid = Some(ctx_prim(0, &Key::Leaf.id()));
                signed(Signature { version: 3, signer_version: 3, sid, ..Signature::default() })
            },
        )
        .valid(),
    ]
}

fn attributes() -> Vec<Fixture> {
    vec![
        Fixture::new("attributes-unsorted.exe", "T20", "signed attributes not in DER order", || {
            bent(|attrs| {
                attrs.sort();
                attrs.reverse();
            })
        })
        .valid(),
        Fixture::new("attributes-non-minimal.exe", "T20", "a signed attribute whose length is not minimal", || {
            bent(|attrs| attrs[2] = tlv_long_length(0x30, split(&attrs[2]).0))
        })
        .valid(),
        Fixture::new("message-digest-missing.exe", "T22", "no messageDigest attribute", || {
            bent(|attrs| drop(attrs.remove(1)))
        })
        .invalid("signer-signature"),
        Fixture::new("message-digest-empty.exe", "T22 T39", "messageDigest attribute without a value", || {
            bent(|attrs| attrs[1] = attribute(MESSAGE_DIGEST, &[]))
        })
        .invalid("signer-signature"),
        Fixture::new("message-digest-wrong.exe", "T22", "messageDigest of something else, properly signed", || {
            bent(|attrs| attrs[1] = attribute(MESSAGE_DIGEST, &[octets(&[0x5a; 32])]))
        })
        .invalid("signer-signature"),
        Fixture::new("message-digest-twice.exe", "T22", "a right messageDigest attribute and a wrong one", || {
            bent(|attrs| attrs.push(attribute(MESSAGE_DIGEST, &[octets(&[0x5a; 32])])))
        })
        .invalid("signer-signature"),
        Fixture::new("message-digest-two-values.exe", "T22", "a messageDigest attribute of two values", || {
            bent(|attrs| {
                let right = elements(split(elements(split(&attrs[1]).0)[1]).0)[0].to_vec();
                attrs[1] = attribute(MESSAGE_DIGEST, &[right, octets(&[0x5a; 32])]);
            })
        })
        .invalid("signer-signature"),
        Fixture::new("content-type-attribute-wrong.exe", "T22", "contentType attribute says data", || {
            bent(|attrs| attrs[0] = attribute(CONTENT_TYPE, &[oid(DATA)]))
        })
        .invalid("signer-signature"),
        Fixture::new("unsigned-attribute-empty.exe", "T39", "nested-signature attribute without a value", || {
            signed(Signature::default().add(nested(Vec::new())))
        })
        .valid(),
        Fixture::new(
            "unsigned-attribute-unknown.exe",
            "T39",
            "a vendor's tag in an unknown unauthenticated attribute",
            || signed(Signature::default().add(|_| attribute("2.999.4", &[octets(b"tag=42")]))),
        )
        .valid(),
        Fixture::new("opus-bmp.exe", "T35", "programme name as BMPString", || {
            signed(Signature { opus: opus(Some(bmp_string("Größe 7")), None), ..Signature::default() })
        })
        .valid()
        .fact("/signatures/0/program_name", "Größe 7"),
        Fixture::new("opus-ascii.exe", "T35", "programme name as ASCII string", || {
            signed(Signature {
                opus: opus(Some(ascii_string("Plain")), Some("https://plain.example/")),
                ..Signature::default()
            })
        })
        .valid()
        .fact("/signatures/0/program_name", "Plain")
        .fact("/signatures/0/more_info", "https://plain.example/"),
        Fixture::new("opus-empty.exe", "T35", "empty SpcSpOpusInfo", || {
            signed(Signature { opus: opus(None, None), ..Signature::default() })
        })
        .valid()
        .fact("/signatures/0/program_name", "null"),
        Fixture::new("opus-odd-tag.exe", "T35", "programme name under a tag that SpcString does not have", || {
            signed(Signature { opus: opus(Some(utf8("Odd")), None), ..Signature::default() })
        })
        .valid(),
    ]
}

fn bent(bend_attrs: fn(&mut Vec<Der>)) -> Vec<u8> {
    signed(Signature { bend_attrs, ..Signature::default() })
}

fn broken() -> Vec<Fixture> {
    vec![
        Fixture::new("signature-flipped.exe", "", "one bit of the signature value flipped", || {
            signed(Signature { bend_signature: |value| flip(value), ..Signature::default() })
        })
        .invalid("signer-signature"),
        Fixture::new("attribute-flipped.exe", "T20", "one bit of the signed programme name flipped", || {
            signed(Signature { bend_signed: |attrs| *attrs.last_mut().unwrap() ^= 1, ..Signature::default() })
        })
        .invalid("signer-signature"),
        Fixture::new("digest-short.exe", "T38", "signed digest: the right one's first half", || {
            bent_digest(|d| d.truncate(16))
        })
        .invalid("bad-digest"),
        Fixture::new("digest-long.exe", "T38", "signed digest: the right one and a byte more", || {
            bent_digest(|d| d.push(0))
        })
        .invalid("bad-digest"),
        Fixture::new("digest-empty.exe", "T38", "signed digest: nothing", || bent_digest(Vec::clear))
            .invalid("bad-digest"),
        Fixture::new("no-signer.exe", "T39", "no SignerInfo", || {
            signed(Signature { signers: 0, ..Signature::default() })
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("two-signers.exe", "", "two SignerInfos", || {
            signed(Signature { signers: 2, ..Signature::default() })
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("not-signed-data.exe", "", "a PKCS#7 of type data", || {
            with_pkcs7(|_| seq(&[oid(DATA), ctx(0, &octets(b"hello"))]))
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("content-data.exe", "", "SignedData over plain data", || {
            signed(Signature { content_type: DATA, content: Some(octets(b"hello")), ..Signature::default() })
        })
        .invalid("malformed")
        .others_open(),
        Fixture::new("pkcs7-garbage.exe", "", "a PKCS#7 entry that holds no ASN.1", || with_pkcs7(|_| vec![0xa5; 256]))
            .invalid("malformed")
            .others_open(),
        Fixture::new("pkcs7-cut.exe", "", "a PKCS#7 cut short inside an entry that is not", || {
            with_pkcs7(|pkcs7| pkcs7[..pkcs7.len() / 2].to_vec())
        })
        .invalid("malformed")
        .others_open(),
    ]
}

fn bent_digest(bend_digest: fn(&mut Vec<u8>)) -> Vec<u8> {
    signed(Signature { bend_digest, ..Signature::default() })
}

fn with_pkcs7(bend: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let image = padded(&Pe::pe32().bytes());
    attach(&image, &entry(&bend(&Signature::default().build(&image))))
}

/// A publisher's certificate with these serial octets.
fn numbered(serial: &[u8]) -> Vec<u8> {
    let mut cert = leaf();
    cert.serial = serial.to_vec();
    signed(Signature::with(cert.der(), Key::Leaf))
}

/// An attacker's certificate with the publisher's serial number and another issuer.
fn same_serial() -> Cert {
    let mut cert = cast::self_signed(dn("Impostor"));
    cert.serial = leaf().serial;
    cert
}

fn identifiers() -> Vec<Fixture> {
    vec![
        Fixture::new("serial-negative.exe", "T29", "negative serial number", || numbered(&[0x80, 1, 2, 3]))
            .valid()
            .fact("/signer/serial", "80010203"),
        Fixture::new("serial-leading-zeros.exe", "T29", "serial number with needless leading zeros", || {
            numbered(&[0, 0, 0x12, 0x34])
        })
        .valid()
        .fact("/signer/serial", "1234"),
        Fixture::new(
            "signer-id-other-string-type.exe",
            "T70 T29",
            "SignerInfo spells the issuer in UTF8String, the certificate in PrintableString",
            || {
                let named = name(&[
                    (COUNTRY, printable("XX")),
                    (ORGANIZATION, utf8(CAST_ORGANIZATION)),
                    (COMMON_NAME, utf8("Fixture Issuing CA")),
                ]);
                let sid = Some(seq(&[named, int_raw(&leaf().serial)]));
                signed(Signature { sid, ..Signature::default() })
            },
        )
        .valid(),
        Fixture::new("serial-long.exe", "T29", "serial number of 40 octets", || numbered(&[0x42; 40])).valid(),
        Fixture::new(
            "decoy-serial.exe",
            "T30",
            "another issuer's certificate with the signer's serial number comes first",
            || {
                let mut signature = Signature::default();
                signature.certs.insert(0, same_serial().der());
                signed(signature)
            },
        )
        .valid()
        .fact("/signer/common_name", "Fixture Publisher"),
        Fixture::new(
            "decoy-publisher.exe",
            "T30",
            "an impostor signs beside the publisher's certificate of equal serial",
            || {
                let mut signature = Signature::with(same_serial().der(), Key::Other);
                signature.certs.insert(0, leaf().der());
                signed(signature)
            },
        )
        .untrusted("self-signed")
        .fact("/signer/common_name", "Impostor"),
    ]
}

fn bags() -> Vec<Fixture> {
    vec![
        Fixture::new("no-certificates.exe", "T39", "no certificates at all", || {
            signed(Signature { certs: Vec::new(), ..Signature::default() })
        })
        .invalid("no-signer-cert"),
        Fixture::new("signer-certificate-missing.exe", "T30", "everybody's certificate but the signer's", || {
            signed(Signature { certs: vec![cast::inter().der(), cast::root().der()], ..Signature::default() })
        })
        .invalid("no-signer-cert"),
        Fixture::new(
            "junk-certificates.exe",
            "T32",
            "forty dummy, cut, v1 and short-key certificates around the real two",
            || {
                let mut signature = Signature::default();
                let junk: Vec<Der> = (0..40).map(junk).collect();
                signature.certs = [&junk[..20], &signature.certs, &junk[20..]].concat();
                signed(signature)
            },
        )
        .valid(),
        Fixture::new("crl-in-bag.exe", "T34", "a CRL in the bag that revokes nobody", || {
            let crls = vec![Crl::by(cast::inter_name(), Key::Inter).der()];
            signed(Signature { crls, ..Signature::default() })
        })
        .valid()
        .revocation("unknown")
        .told("/signatures/0/chain/0/revocation/status", "good")
        .told("/signatures/0/chain/1/revocation/status", "unknown"),
    ]
}

/// The small PE32 with a primary signature that nests others over the same image.
fn nesting_file(primary: Signature, inner: impl Fn(&[u8]) -> Vec<Der>) -> Vec<u8> {
    let image = padded(&Pe::pe32().bytes());
    let inner = inner(&image);
    sign(&image, &primary.add(nested(inner)))
}

fn sha1() -> Signature {
    Signature { hash: Hash::Sha1, ..Signature::default() }
}

fn spoiled() -> Signature {
    Signature { bend_signature: |value| flip(value), ..Signature::by(Key::P256) }
}

fn nesting() -> Vec<Fixture> {
    vec![
        Fixture::new("nested-one.exe", "T36", "SHA-256 nested in SHA-1, the usual dual signature", || {
            nesting_file(sha1(), |image| vec![Signature::default().build(image)])
        })
        .valid()
        .fact("/signatures/0/status", "Valid")
        .fact("/signatures/1/status", "Valid"),
        Fixture::new(
            "nested-three-levels.exe",
            "T36",
            "a signature in a signature in a signature in a signature",
            || {
                nesting_file(sha1(), |image| {
                    let third = Signature::by(Key::P384).build(image);
                    let second = Signature::by(Key::P256).add(nested(vec![third])).build(image);
                    vec![Signature::default().add(nested(vec![second])).build(image)]
                })
            },
        )
        .valid()
        .fact("/signatures/3/status", "Valid"),
        Fixture::new("nested-two-values.exe", "T36", "two nested signatures side by side", || {
            nesting_file(sha1(), |image| vec![Signature::default().build(image), Signature::by(Key::P256).build(image)])
        })
        .valid()
        .fact("/signatures/1/status", "Valid")
        .fact("/signatures/2/status", "Valid"),
        Fixture::new("nested-broken.exe", "T66", "sound primary, broken nested signature", || {
            nesting_file(sha1(), |image| vec![spoiled().build(image)])
        })
        .valid()
        .fact("/signatures/1/reason", "signer-signature")
        .valid()
        .with_flags(&["--signature", "any"])
        .valid()
        .with_flags(&["--signature", "best"])
        .invalid("signer-signature")
        .others_open()
        .with_flags(&["--signature", "all"]),
        Fixture::new("nested-in-broken.exe", "T66", "broken primary, sound nested signature", || {
            nesting_file(spoiled(), |image| vec![Signature::default().build(image)])
        })
        .invalid("signer-signature")
        .fact("/signatures/1/status", "Valid")
        .valid()
        .others_open()
        .with_flags(&["--signature", "any"])
        .valid()
        .others_open()
        .with_flags(&["--signature", "best"])
        .invalid("signer-signature")
        .others_open()
        .with_flags(&["--signature", "all"]),
        Fixture::new("nested-garbage.exe", "T36", "nested-signature attribute whose value is no signature", || {
            nesting_file(sha1(), |_| vec![octets(b"not a signature")])
        })
        .valid(),
    ]
}
