//! Certificates that copy those of others: CarbonCopy, LimeLighter and ScareCrow, cloned chains, LazySign and makecert,
//! Metasploit's impersonate_ssl, New-SelfSignedCertificate.

use super::{Scenario, honest, host, stamped};
use crate::lab::ca::*;
use crate::lab::cast::{self, authority};
use crate::lab::cms::{Signature, bmp_string, opus};
use crate::lab::der::*;
use crate::lab::keys::{Hash, Key};
use crate::lab::pe::{Pe, resources_of, sign};
use crate::lab::stamp::Counter;
use crate::lab::version::Version;

pub fn scenarios() -> Vec<Scenario> {
    vec![
        carboncopy(),
        carboncopy_of_a_publisher(),
        limelighter(),
        scarecrow(),
        cloned_chain(),
        cloned_microsoft(),
        lazysign(),
        makecert(),
        impersonate_ssl(),
        self_signed(),
        self_signed_as_microsoft(),
    ]
}

fn common_name(text: &str) -> Der {
    name(&[(COMMON_NAME, printable(text))])
}

/// Signed with one certificate in the bag.
fn alone(cert: &Cert, key: Key) -> Signature {
    let mut signature = Signature::with(cert.der(), key);
    signature.certs.truncate(1);
    signature
}

/// What osslsigncode and signtool write without a description.
fn silent(signature: Signature) -> Signature {
    Signature { opus: opus(None, None), ..signature }
}

/// The certificate of a web server, as CarbonCopy copies it: everything but the key and the extensions.
fn copied_leaf() -> Cert {
    let mut cert = Cert::own(dn_of("Shop", "www.shop.example"), Key::Other, &[0x0a, 0x55, 0x01]);
    cert.issuer = dn_of("Well Known", "Well Known TLS CA");
    cert.valid("20260401000000Z", "20260701000000Z")
}

/// On Linux the timestamp server ends up as the publisher's link; on Windows a timestamp is made.
fn carboncopy() -> Scenario {
    let text = |name: &str| Some(bmp_string(name));
    let link = "http://sha256timestamp.ws.symantec.com/sha256/timestamp";
    let linux =
        Signature { opus: opus(text("Notepad Benchmark Util"), Some(link)), ..alone(&copied_leaf(), Key::Other) };
    let windows = Signature { opus: opus(text("MozDef Corp"), None), ..stamped(alone(&copied_leaf(), Key::Other)) };
    Scenario {
        name: "carboncopy",
        files: vec![
            ("host.exe", host("Signed by CarbonCopy").bytes()),
            ("linux.exe", sign(&host("Signed by CarbonCopy").bytes(), &linux)),
            ("windows.exe", sign(&host("Signed by CarbonCopy on Windows").bytes(), &windows)),
        ],
    }
}

/// The same of a publisher's certificate, beside a file that the publisher signed.
fn carboncopy_of_a_publisher() -> Scenario {
    let mut cert = cast::leaf();
    (cert.spki, cert.signer, cert.exts) = (Key::Other.spki(), Key::Other, Vec::new());
    let signature = Signature { opus: opus(Some(bmp_string("MozDef Corp")), None), ..alone(&cert, Key::Other) };
    Scenario {
        name: "carboncopy-publisher",
        files: vec![
            ("copy.exe", sign(&host("Signed with a copied certificate").bytes(), &signature)),
            ("tool.exe", honest("Signed with the certificate that is copied")),
        ],
    }
}

/// LimeLighter's certificate: common names only, of an authority and of a server, 4,096 bits, under its own key.
fn lime() -> Cert {
    let mut cert = Cert::own(common_name("www.shop.example"), Key::Rsa4096, &[0x0a, 0x55, 0x02]);
    cert.issuer = common_name("Well Known TLS CA");
    let cert = cert.valid("20260401000000Z", "20260701000000Z").with(key_usage(&[0, 5]));
    cert.with(eku(&[SERVER_AUTH, CLIENT_AUTH])).with(ca(None))
}

fn limelighter() -> Scenario {
    let plain = host("Signed by LimeLighter").bytes();
    let signature = silent(alone(&lime(), Key::Rsa4096));
    Scenario { name: "limelighter", files: vec![("signed.exe", sign(&plain, &signature)), ("host.exe", plain)] }
}

/// ScareCrow's version resource: a whole path, a company as product, 10 in one file version and 1 in the other.
const SCARECROW: Version = Version {
    strings: &[
        ("CompanyName", "Microsoft Corporation"),
        ("FileDescription", "Adaptive Port Monitor"),
        ("FileVersion", "10.0.19041.1 (WinBuild.160101.0800)"),
        ("InternalName", "APMon.dll.mui"),
        ("OriginalFilename", "C:\\Windows\\System32\\APMon.dll"),
        ("ProductName", "Microsoft Corporation"),
        ("ProductVersion", "10.0.19041.1"),
    ],
    fixed: [0x0001_0000, 0x4a61_0001, 0x000a_0000, 0x4a61_0001],
};

fn scarecrow() -> Scenario {
    let mut loader = host("Signed by ScareCrow");
    loader.sections.push(resources_of(0x2000, 0x400, 0x600, &SCARECROW));
    let loader = Pe { subsystem: 2, ..loader }.bytes();
    let signature = silent(alone(&lime(), Key::Rsa4096));
    // The unsigned loader is kept beside the signed one.
    Scenario { name: "scarecrow", files: vec![("APMon.exe", sign(&loader, &signature)), ("APMon.exe.old", loader)] }
}

/// The publisher's whole chain with fresh keys, serial numbers and dates (New-SelfSignedCertificate -CloneCert).
fn cloned_chain() -> Scenario {
    let root = authority(cast::root_name(), Key::CloneRoot, 0x71);
    let inter = authority(cast::inter_name(), Key::CloneInter, 0x72).by(&cast::root_name(), Key::CloneRoot);
    let inter = inter.with(aki(&Key::CloneRoot.id()));
    let leaf = Cert::own(cast::publisher_name(), Key::CloneLeaf, &[0x73]).valid("20260301000000Z", "20270301000000Z");
    let leaf = leaf.with(key_usage(&[0])).with(eku(&[CODE_SIGNING])).with(ski(&Key::CloneLeaf.id()));
    let leaf = leaf.by(&cast::inter_name(), Key::CloneInter).with(aki(&Key::CloneInter.id()));
    let mut signature = Signature::with(leaf.der(), Key::CloneLeaf);
    signature.certs = vec![leaf.der(), inter.der(), root.der()];
    Scenario {
        name: "cloned-chain",
        files: vec![
            ("cloned.exe", sign(&host("Signed under a cloned root").bytes(), &signature)),
            ("tool.exe", honest("Signed under the root that is cloned")),
        ],
    }
}

fn microsoft(common_name: &str) -> Der {
    let place = [(COUNTRY, "US"), ("2.5.4.8", "Washington"), ("2.5.4.7", "Redmond")];
    let place = place.into_iter().chain([(ORGANIZATION, "Microsoft Corporation"), (COMMON_NAME, common_name)]);
    name(&place.map(|(kind, text)| (kind, printable(text))).collect::<Vec<_>>())
}

/// A root in the name of one that Windows has built in.
fn cloned_microsoft() -> Scenario {
    let root = microsoft("Microsoft Root Certificate Authority 2010");
    let leaf = Cert::own(microsoft("Microsoft Windows"), Key::CloneLeaf, &[0x75]);
    let leaf = leaf.valid("20260301000000Z", "20270301000000Z").with(key_usage(&[0])).with(eku(&[CODE_SIGNING]));
    let leaf = leaf.by(&root, Key::CloneRoot).with(aki(&Key::CloneRoot.id()));
    let mut signature = silent(Signature::with(leaf.der(), Key::CloneLeaf));
    signature.certs = vec![leaf.der(), authority(root, Key::CloneRoot, 0x74).der()];
    Scenario {
        name: "cloned-microsoft-root",
        files: vec![("signed.exe", sign(&host("Signed under another Microsoft").bytes(), &signature))],
    }
}

/// LazySign: makecert `-r` in the name of a company, signtool with a timestamp that is sound.
fn lazysign() -> Scenario {
    let subject = common_name("Microsoft Corporation");
    let serial = [0x5a, 0x11, 0x60, 0xa8, 0x3e, 0x0c, 0x27, 0x9b, 0x4d, 0x92, 0x31, 0x07, 0xc4, 0x55, 0x68, 0x1e];
    let mut cert = Cert::own(subject.clone(), Key::Other, &serial).valid("20250201000000Z", "20391231235959Z");
    cert.hash = Hash::Sha1;
    let cert = cert.with(aki_old(&Key::Other.id(), &subject, &serial));
    let mut signature = silent(alone(&cert, Key::Other));
    signature.certs.push(cast::tsa().der());
    let signature = signature.add(Counter::at(super::SIGNED).attribute());
    Scenario { name: "lazysign", files: vec![("signed.exe", sign(&host("Signed by LazySign").bytes(), &signature))] }
}

/// makecert without options: issued by the well-known "Root Agency", 1,024 bits, MD5.
fn makecert() -> Scenario {
    let mut cert = Cert::own(common_name("Joe's-Software-Emporium"), Key::Rsa1024, &[0x0b, 0x31]);
    cert.hash = Hash::Md5;
    let cert = cert.valid("20250201000000Z", "20391231235959Z").by(&common_name("Root Agency"), Key::Rsa512);
    Scenario {
        name: "makecert",
        files: vec![(
            "signed.exe",
            sign(&host("Signed with what makecert makes").bytes(), &silent(alone(&cert, Key::Rsa1024))),
        )],
    }
}

/// Metasploit's impersonate_ssl: subject and validity copied, issuer as the subject, 1,024 bits, SHA-1.
fn impersonate_ssl() -> Scenario {
    let mut cert = Cert::own(dn_of("Shop", "www.shop.example"), Key::Rsa1024, &[0x0a, 0x55, 0x77]);
    cert.hash = Hash::Sha1;
    let cert = cert.valid("20260401000000Z", "20260701000000Z").with(no_ca()).with(ski(&Key::Rsa1024.id()));
    Scenario {
        name: "impersonate-ssl",
        files: vec![("signed.exe", sign(&host("Signed as a shop").bytes(), &silent(alone(&cert, Key::Rsa1024))))],
    }
}

/// What `New-SelfSignedCertificate -Type CodeSigningCert` makes.
pub fn windows_own(subject: &str, from: &str, to: &str) -> Cert {
    let serial = [0x1c, 0x7e, 0x3a, 0x59, 0x84, 0xd0, 0x22, 0x9f, 0x41, 0x6b, 0x0d, 0xe8, 0x73, 0x95, 0x2a, 0x10];
    let cert = Cert::own(common_name(subject), Key::Other, &serial).valid(from, to);
    cert.with(key_usage(&[0])).with(eku(&[CODE_SIGNING])).with(ski(&Key::Other.id()))
}

fn own(name: &'static str, file: &'static str, cert: &Cert) -> Scenario {
    let signature = silent(alone(cert, Key::Other));
    Scenario { name, files: vec![(file, sign(&host(name).bytes(), &signature))] }
}

/// T1553.002 test 1: New-SelfSignedCertificate, then signtool without a timestamp.
fn self_signed() -> Scenario {
    let cert = windows_own("Code Signing Test", "20260501000000Z", "20270501000000Z");
    own("t1553.002-test-1", "df00tech-test.exe", &cert)
}

/// T1036.001 test 1: the same in the name of Microsoft Corporation.
fn self_signed_as_microsoft() -> Scenario {
    let cert = windows_own("Microsoft Corporation", "20260501000000Z", "20270501000000Z");
    own("t1036.001-test-1", "test_signed.exe", &cert)
}
