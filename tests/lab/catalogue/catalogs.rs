//! Security catalogs, and files that they list: traps T6, T83 and T85.

use super::{Fixture, signed};
use crate::lab::ca::dn;
use crate::lab::cast;
use crate::lab::catalog::*;
use crate::lab::cms::Signature;
use crate::lab::der::Der;
use crate::lab::keys::{Hash, Key};
use crate::lab::pe::*;

pub fn fixtures() -> Vec<Fixture> {
    [catalogs(), listed()].into_iter().flatten().collect()
}

const TEXT: &[u8] = b"[Version]\r\nCatalogFile = catalog-v2.cat\r\n";

/// Unsigned, and of a length that is no multiple of eight.
fn odd() -> Vec<u8> {
    Pe { overlay: b"listed".to_vec(), ..Pe::pe64() }.bytes()
}

fn self_signed() -> Signature {
    Signature::with(cast::self_signed(dn("Nobody")).der(), Key::Other)
}

/// Signed by nobody that is trusted, and listed.
fn untrusted_exe() -> Vec<u8> {
    signed(self_signed())
}

fn members_v1() -> Vec<Der> {
    let other = Hash::Sha1.digest(b"another file");
    vec![
        tagged(&other, Hash::Sha1),
        named("no digest but a name", &authentihash(&padded(&odd()), Hash::Sha1), Hash::Sha1),
    ]
}

fn members_v2() -> Vec<Der> {
    let files = [authentihash(&padded(&odd()), Hash::Sha256), authentihash(&untrusted_exe(), Hash::Sha256)];
    let mut members: Vec<Der> = files.iter().map(|digest| raw(digest)).collect();
    members.push(raw(&Hash::Sha256.digest(TEXT)));
    members.push(raw(&Hash::Sha1.digest(b"another file")));
    members
}

fn version_2(signature: Signature) -> Vec<u8> {
    catalog(list(MEMBER_V2, &members_v2()), signature)
}

fn catalogs() -> Vec<Fixture> {
    vec![
        Fixture::new("catalog-v1.cat", "T83", "catalog of version 1, members in SHA-1", || {
            catalog(list(MEMBER_V1, &members_v1()), Signature::default())
        })
        .valid()
        .fact("/format", "cat")
        .fact("/signer/common_name", "Fixture Publisher")
        .fact("/signatures/0/digest_algorithm", "sha256")
        .fact("/signatures/0/entry", "null")
        .fact("/authentihash", "{}"),
        Fixture::new("catalog-v2.cat", "T83", "catalog of version 2, members in SHA-256 and SHA-1", || {
            version_2(Signature::default())
        })
        .valid()
        .fact("/format", "cat"),
        Fixture::new("catalog-tampered.cat", "T83", "a member was changed after signing", || {
            let mut file = version_2(Signature::default());
            let digest = Hash::Sha1.digest(b"another file");
            let at = file.windows(20).position(|window| window == digest).unwrap();
            file[at] ^= 1;
            file
        })
        .invalid("signer-signature")
        .fact("/signer", "null")
        .fact("/claimed_signer/common_name", "Fixture Publisher"),
        Fixture::new("catalog-untrusted.cat", "T85", "signed by a certificate that vouches for itself", || {
            version_2(self_signed())
        })
        .untrusted("self-signed"),
        Fixture::new("catalog-expired.cat", "T85", "signed with a certificate that is over, no timestamp", || {
            version_2(Signature::with(cast::expired_leaf().der(), Key::Leaf))
        })
        .expired("cert-expired"),
        Fixture::new("catalog-zeros.cat", "", "five zero octets follow the catalog", || {
            [version_2(Signature::default()), vec![0; 5]].concat()
        })
        .valid()
        .fact("/anomalies/0/code", "zeros-after-catalog"),
        Fixture::new("catalog-junk.cat", "", "octets that are not zero follow the catalog", || {
            [version_2(Signature::default()), b"\0\0junk".to_vec()].concat()
        })
        .invalid("malformed"),
        Fixture::new("catalog-unsigned.cat", "", "a catalog that nobody signed", || {
            version_2(Signature { signers: 0, certs: Vec::new(), ..Signature::default() })
        })
        .judged("Unsigned", "no-signature"),
        Fixture::new("catalog-in-table.exe", "", "a catalog's list in the certificate table of a program", || {
            signed(Signature {
                content_type: CTL,
                content: Some(list(MEMBER_V2, &members_v2())),
                ..Signature::default()
            })
        })
        .invalid("malformed"),
        Fixture::new("signature.p7", "", "a program's signature, extracted: recognised and not read", || {
            Signature::default().build(&padded(&Pe::pe32().bytes()))
        })
        .judged("Error", "unsupported-format")
        .fact("/format", "pkcs7"),
    ]
}

fn listed() -> Vec<Fixture> {
    vec![
        Fixture::new("listed-odd.exe", "T6 T83", "unsigned, of odd length, listed by its padded digest", odd)
            .valid()
            .with_flags(&["--catalog", "catalog-v2.cat"])
            .fact("/catalog", "catalog-v2.cat")
            .fact("/signer/common_name", "Fixture Publisher")
            .fact("/catalog_signature/status", "Valid")
            .fact("/keys/pkcs7_sha256", "null")
            .valid()
            .with_flags(&["--catalog", "catalog-v1.cat"])
            .judged("Unsigned", "no-signature")
            .invalid("signer-signature")
            .with_flags(&["--catalog", "catalog-tampered.cat"])
            .untrusted("self-signed")
            .with_flags(&["--catalog", "catalog-untrusted.cat"])
            .expired("cert-expired")
            .with_flags(&["--catalog", "catalog-expired.cat"])
            .valid()
            .with_flags(&["--catalog", "catalog-untrusted.cat", "catalog-v2.cat"]),
        Fixture::new("listed-signed.exe", "T85", "its own signature is not trusted, a catalog's is", untrusted_exe)
            .valid()
            .with_flags(&["--catalog", "catalog-v2.cat"])
            .fact("/signatures/0/status", "Untrusted")
            .fact("/self_signed", "false")
            .untrusted("self-signed")
            .untrusted("self-signed")
            .with_flags(&["--catalog", "catalog-expired.cat"]),
        Fixture::new("listed.inf", "T83", "text, listed by the digest of the whole file", || TEXT.to_vec())
            .valid()
            .with_flags(&["--catalog", "catalog-v2.cat"])
            .fact("/format", "other")
            .judged("Unsigned", "unsupported-subject")
            .judged("Unsigned", "unsupported-subject")
            .with_flags(&["--catalog", "catalog-v1.cat"]),
    ]
}
