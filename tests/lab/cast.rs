//! The authorities and publishers that the fixtures share. Everything not said here is as in [`Cert::own`].
//!
//! | who | valid | remarks |
//! |---|---|---|
//! | root, TSA root | 2000–2045 | `testdata/pki/root.pem`, `tsa-root.pem`: the trust store of every fixture unless it says otherwise |
//! | intermediate | 2000–2040 | CA, keyCertSign |
//! | publisher | 2024–2028 | codeSigning |
//! | TSA | 2000–2040 | timeStamping, critical |

use super::ca::*;
use super::der::{Der, elements, pem, split};
use super::keys::{Hash, Key};

pub fn root_name() -> Der {
    dn("Fixture Root")
}
pub fn inter_name() -> Der {
    dn("Fixture Issuing CA")
}
pub fn publisher_name() -> Der {
    dn("Fixture Publisher")
}
pub fn tsa_root_name() -> Der {
    dn("Fixture Time Root")
}

/// A certificate of an authority that calls itself `subject`, self-signed until [`Cert::by`].
pub fn authority(subject: Der, key: Key, serial: u8) -> Cert {
    Cert::own(subject, key, &[serial]).with(ca(None)).with(key_usage(&[5, 6])).with(ski(&key.id()))
}

pub fn root() -> Cert {
    authority(root_name(), Key::Root, 1)
}

pub fn inter() -> Cert {
    let issuing = authority(inter_name(), Key::Inter, 2).valid("20000101000000Z", "20400101000000Z");
    issuing.by(&root_name(), Key::Root).with(aki(&Key::Root.id()))
}

/// A publisher's certificate from the intermediate, with another key if need be.
pub fn publisher(key: Key) -> Cert {
    let cert = Cert::own(publisher_name(), key, &[0x10, 0x20, 0x30]).valid("20240101000000Z", "20280101000000Z");
    let cert = cert.with(key_usage(&[0])).with(eku(&[CODE_SIGNING])).with(ski(&key.id()));
    cert.by(&inter_name(), Key::Inter).with(aki(&Key::Inter.id()))
}

pub fn leaf() -> Cert {
    publisher(Key::Leaf)
}

/// The publisher's previous certificate: over since 2023.
pub fn expired_leaf() -> Cert {
    let mut cert = leaf().valid("20200101000000Z", "20230101000000Z");
    cert.serial = vec![0x10, 0x20, 0x2f];
    cert
}

/// The same publisher with a codeSigning certificate that nobody but itself vouches for.
pub fn self_signed(subject: Der) -> Cert {
    Cert::own(subject, Key::Other, &[0x51])
        .valid("20240101000000Z", "20280101000000Z")
        .with(key_usage(&[0]))
        .with(eku(&[CODE_SIGNING]))
}

pub fn tsa_root() -> Cert {
    authority(tsa_root_name(), Key::TsaRoot, 3)
}

pub fn tsa() -> Cert {
    let cert = Cert::own(dn("Fixture Time Stamping"), Key::Tsa, &[0x74]).valid("20000101000000Z", "20400101000000Z");
    let cert = cert.with(key_usage(&[0])).with(eku_critical(&[TIME_STAMPING])).with(ski(&Key::Tsa.id()));
    cert.by(&tsa_root_name(), Key::TsaRoot).with(aki(&Key::TsaRoot.id()))
}

/// A root whose life ended in 2020, whose own signature is MD2 and wrong: a trusted root is believed for its key, and
/// its signature over itself proves nothing.
pub fn old_root() -> Cert {
    let mut cert = authority(dn("Fixture Old Root"), Key::Other, 4).valid("20000101000000Z", "20200101000000Z");
    cert.hash = Hash::Md2;
    cert.broken = true;
    cert
}

/// A trusted root on a named curve, the target of the explicit-curve forgery.
pub fn ec_root() -> Cert {
    authority(dn("Fixture Curve Root"), Key::P256, 5)
}

pub fn kernel_root_name() -> Der {
    dn("Fixture Kernel Root")
}
pub fn verification_root_name() -> Der {
    dn("Fixture Code Verification Root")
}

/// Stands for the root of Microsoft's that the kernel accepts.
pub fn kernel_root() -> Cert {
    authority(kernel_root_name(), Key::P384, 6)
}

/// Stands for Microsoft Code Verification Root. Nobody trusts it for anything else.
pub fn verification_root() -> Cert {
    authority(verification_root_name(), Key::Other, 7)
}

/// What `testdata/kernel/` holds.
pub fn kernel_roots() -> Vec<(&'static str, Der)> {
    vec![("code-verification-root", verification_root().der())]
}

/// What `testdata/pki/` holds.
pub fn trusted() -> Vec<(&'static str, Der)> {
    vec![
        ("root", root().der()),
        ("tsa-root", tsa_root().der()),
        ("old-root", old_root().der()),
        ("ec-root", ec_root().der()),
        ("kernel-root", kernel_root().der()),
        ("self-signed", self_signed(dn_of("Microsoft Corporation", "Microsoft Corporation")).der()),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// CERT_SIGNATURE_HASH_PROP_ID: the hash of what the issuer signed, under the hash of its signature.
pub fn signature_hash(cert: &Cert) -> Vec<u8> {
    let der = cert.der();
    cert.hash.digest(elements(split(&der).0)[0])
}

/// What `testdata/disallowed/` holds: lists with one entry each, in every spelling.
pub fn disallowed() -> Vec<(String, Vec<u8>)> {
    let sha1 = |cert: &Cert| hex(&Hash::Sha1.digest(&cert.der()));
    let sha256 = |cert: &Cert| hex(&Hash::Sha256.digest(&cert.der()));
    let spaced =
        |hex: String| hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":");
    let lists = [
        ("leaf-sha1", format!("# The publisher.\n\n{} # its thumbprint\n", spaced(sha1(&leaf())).to_uppercase())),
        ("leaf-sha256", sha256(&leaf())),
        ("leaf-tbs", format!("tbs:{}\r\n", hex(&signature_hash(&leaf())))),
        ("leaf-spki", format!("spki:{}\n", hex(&Hash::Sha256.digest(&leaf().spki)))),
        ("inter", sha1(&inter())),
        ("inter-tbs", format!("tbs: {}\n", hex(&signature_hash(&inter())))),
        ("root", sha256(&root())),
        ("root-tbs", format!("tbs:{}\n", hex(&signature_hash(&root())))),
        ("root-spki", format!("spki:{}\n", hex(&Hash::Sha1.digest(&root().spki)))),
        ("tsa", sha1(&tsa())),
        ("stranger", sha1(&expired_leaf())),
    ];
    let mut files: Vec<_> = lists.into_iter().map(|(stem, text)| (format!("{stem}.txt"), text.into_bytes())).collect();
    files.push(("leaf.pem".to_owned(), pem(&leaf().der())));
    files
}
