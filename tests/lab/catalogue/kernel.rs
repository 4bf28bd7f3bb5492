//! Drivers, as the kernel sees them, and policies by name.

use super::{Fixture, signed};
use crate::lab::ca::*;
use crate::lab::cast::{self, inter, kernel_root_name, leaf, root_name, verification_root_name};
use crate::lab::catalog::{MEMBER_V2, catalog, list, raw};
use crate::lab::cms::{Signature, nested};
use crate::lab::der::Der;
use crate::lab::keys::{Hash, Key};
use crate::lab::pe::*;
use crate::lab::stamp::Token;

const NOW: &str = "20250301120000Z";
const WHQL: &str = "1.3.6.1.4.1.311.10.3.5";
const ATTESTED: &str = "1.3.6.1.4.1.311.10.3.5.1";
const EXTENDED: &str = "1.3.6.1.4.1.311.10.3.39";
const COMPONENT: &str = "1.3.6.1.4.1.311.10.3.6";
const ELAM: &str = "1.3.6.1.4.1.311.61.4.1";
const EV: &str = "2.23.140.1.3";
const ANY_POLICY: &str = "2.5.29.32.0";

const KERNEL: &[&str] = &["--policy", "kernel"];
const WITH_KERNEL: &[&str] = &["root", "tsa-root", "kernel-root"];

pub fn fixtures() -> Vec<Fixture> {
    [microsoft(), cross_signed(), refused(), several(), policies_by_name(), extended_validation()]
        .into_iter()
        .flatten()
        .collect()
}

fn driver() -> Pe {
    Pe { subsystem: 1, ..Pe::pe64() }
}

fn driver_signed(signature: &Signature) -> Vec<u8> {
    sign(&driver().bytes(), signature)
}

/// By the one who stands for Microsoft, with these usages beside code signing.
fn hardware(usages: &[&str]) -> Signature {
    let usages: Vec<&str> = usages.iter().copied().chain([CODE_SIGNING]).collect();
    let cert = leaf().without(EKU).without(AUTHORITY_KEY_ID).with(eku(&usages));
    let cert = cert.by(&kernel_root_name(), Key::P384).with(aki(&Key::P384.id()));
    let mut signature = Signature::with(cert.der(), Key::Leaf);
    signature.certs.truncate(1);
    signature
}

/// The fixtures' root, vouched for by the one who stands for Microsoft Code Verification Root.
fn cross(subject: &Der, key: Key, signer: Key) -> Der {
    let cert = Cert::own(subject.clone(), key, &[0x66]).valid("20110222000000Z", "20260222000000Z");
    let cert = cert.with(ca(None)).with(key_usage(&[5, 6])).with(ski(&key.id()));
    cert.by(&verification_root_name(), signer).der()
}

fn under_cross(issued: &str, cross: Der) -> Signature {
    let mut signature = Signature::with(leaf().valid(issued, "20280101000000Z").der(), Key::Leaf);
    signature.certs.push(cross);
    signature
}

fn good_cross() -> Der {
    cross(&root_name(), Key::Root, Key::Other)
}

fn stamped(signature: Signature) -> Signature {
    signature.add(Token::at(NOW).attribute())
}

/// `loads` and the reasons, in all versions of Windows.
fn says(fixture: Fixture, loads: &str, reasons: &str) -> Fixture {
    says_ten(fixture, loads, reasons)
        .fact("/kernel/windows_11_24h2/loads", loads)
        .fact("/kernel/windows_11_24h2/reasons", reasons)
}

/// The same in Windows 10.
fn says_ten(fixture: Fixture, loads: &str, reasons: &str) -> Fixture {
    fixture
        .fact("/kernel/windows_10_1607/loads", loads)
        .fact("/kernel/windows_10_1607/reasons", reasons)
        .fact("/kernel/windows_10_1803/loads", loads)
        .fact("/kernel/windows_10_1803/reasons", reasons)
}

/// A driver under a cross-certificate that Windows 10 loads. Windows 11 asks whether Microsoft lists it.
fn says_early(fixture: Fixture) -> Fixture {
    says_ten(fixture, "yes", r#"["cross-signed-early"]"#)
        .fact("/kernel/windows_11_24h2/loads", "depends")
        .fact("/kernel/windows_11_24h2/reasons", r#"["cross-signed-early","catalogs-not-checked"]"#)
}

fn microsoft() -> Vec<Fixture> {
    let whql = Fixture::new("driver-whql.sys", "", "driver with the usages of tested hardware", || {
        driver_signed(&hardware(&[WHQL, EXTENDED]))
    });
    let attested = Fixture::new("driver-attested.sys", "", "driver that Microsoft signed without tests", || {
        driver_signed(&hardware(&[WHQL, ATTESTED]))
    });
    let component = Fixture::new("driver-component.sys", "", "driver of Windows itself, an early one", || {
        driver_signed(&hardware(&[COMPONENT, ELAM]))
    });
    let bare = Fixture::new("driver-microsoft.sys", "", "Microsoft's root, and no usage of drivers", || {
        driver_signed(&hardware(&[]))
    });
    vec![
        says(whql.trusting(WITH_KERNEL).valid(), "yes", r#"["whql"]"#)
            .fact("/kernel/driver", r#"["native-subsystem"]"#)
            .fact("/kernel/whql", "true")
            .fact("/kernel/extended_verification", "true")
            .fact("/kernel/attested", "false")
            .fact("/kernel/cross_certificate", "null")
            .fact("/kernel/leaf_before_2015_07_29", "null")
            .fact("/policy/name", "windows")
            .valid()
            .with_flags(KERNEL)
            .told("/policy/name", "kernel"),
        says(attested.trusting(WITH_KERNEL).valid(), "yes", r#"["attested"]"#)
            .fact("/kernel/whql", "true")
            .fact("/kernel/attested", "true"),
        says(component.trusting(WITH_KERNEL).valid(), "yes", r#"["windows-component"]"#)
            .fact("/kernel/windows_component", "true")
            .fact("/kernel/elam", "true"),
        says(bare.trusting(WITH_KERNEL).valid(), "depends", r#"["microsoft-root-only","catalogs-not-checked"]"#)
            .fact("/kernel/microsoft_root", "true")
            .untrusted("kernel-policy")
            .with_flags(KERNEL),
    ]
}

fn cross_signed() -> Vec<Fixture> {
    let early =
        Fixture::new("driver-cross-early.sys", "", "cross-signed, certificate of 2015-07-28, timestamp", || {
            driver_signed(&stamped(under_cross("20150728235959Z", good_cross())))
        });
    let late = Fixture::new("driver-cross-late.sys", "", "cross-signed, certificate of 2015-07-29, timestamp", || {
        driver_signed(&stamped(under_cross("20150729000000Z", good_cross())))
    });
    let over = Fixture::new(
        "driver-cross-over.sys",
        "",
        "cross-signed without timestamp: the cross-certificate is over",
        || driver_signed(&under_cross("20150728235959Z", good_cross())),
    );
    let forged =
        Fixture::new("driver-cross-forged.sys", "", "names the cross root as issuer, signed by another key", || {
            driver_signed(&stamped(under_cross("20150728235959Z", cross(&root_name(), Key::Root, Key::Inter))))
        });
    let other = Fixture::new(
        "driver-cross-other.sys",
        "",
        "a sound cross-certificate of an authority of another chain",
        || driver_signed(&stamped(under_cross("20150728235959Z", cross(&dn("Elsewhere Root"), Key::Tsa, Key::Other)))),
    );
    let crowd = Fixture::new(
        "driver-cross-crowd.sys",
        "",
        "behind certificates that merely say to be the cross-certificate",
        || {
            let mut signature = under_cross("20150728235959Z", good_cross());
            let forged = Cert::own(root_name(), Key::Root, &[0x67]).by(&verification_root_name(), Key::Other);
            let foreign = Cert { subject: dn("Elsewhere Root"), ..forged.clone() };
            let crowd = (0..12).flat_map(|serial| [&forged, &foreign].map(|cert| cert.der_unsigned(serial)));
            signature.certs.splice(2..2, crowd);
            driver_signed(&stamped(signature))
        },
    );
    let unlisted =
        Fixture::new("driver-cross-alone.sys", "", "cross-signed under a root that programs do not trust", || {
            driver_signed(&stamped(under_cross("20150728235959Z", good_cross())))
        });
    vec![
        says_early(early.trusting(WITH_KERNEL).valid())
            .fact("/kernel/leaf_before_2015_07_29", "true")
            .fact("/kernel/cross_certificate/not_after", "2026-02-22T00:00:00Z")
            .fact("/kernel/microsoft_root", "false")
            .untrusted("kernel-policy")
            .with_flags(KERNEL),
        says_early(crowd.trusting(WITH_KERNEL).valid()),
        says(late.trusting(WITH_KERNEL).valid(), "depends", r#"["cross-signed-late","catalogs-not-checked"]"#)
            .fact("/kernel/leaf_before_2015_07_29", "false")
            .untrusted("kernel-policy")
            .with_flags(KERNEL),
        says(over.trusting(WITH_KERNEL).valid(), "depends", r#"["cross-signed-expired","catalogs-not-checked"]"#),
        says(forged.trusting(WITH_KERNEL).valid(), "depends", r#"["no-kernel-root","catalogs-not-checked"]"#)
            .fact("/kernel/cross_certificate", "null"),
        says(other.trusting(WITH_KERNEL).valid(), "depends", r#"["no-kernel-root","catalogs-not-checked"]"#)
            .fact("/kernel/cross_certificate", "null"),
        says_early(unlisted.trusting(&["tsa-root", "kernel-root"]).untrusted("chain-incomplete"))
            .untrusted("chain-incomplete")
            .with_flags(KERNEL)
            .told("/signatures/0/status", "Untrusted"),
    ]
}

fn refused() -> Vec<Fixture> {
    let foreign =
        Fixture::new("driver-whql-foreign.sys", "", "the usages of tested hardware, under an ordinary root", || {
            driver_signed(&Signature::with(leaf().without(EKU).with(eku(&[WHQL, CODE_SIGNING])).der(), Key::Leaf))
        });
    let tampered = Fixture::new("driver-whql-tampered.sys", "", "changed after Microsoft signed it", || {
        let mut file = driver_signed(&hardware(&[WHQL]));
        file[0x210] ^= 1;
        file
    });
    let small = Fixture::new("driver-unsigned-x86.sys", "", "32-bit driver without a signature", || {
        Pe { subsystem: 1, ..Pe::pe32() }.bytes()
    });
    vec![
        says(foreign.trusting(WITH_KERNEL).valid(), "depends", r#"["no-kernel-root","catalogs-not-checked"]"#)
            .fact("/kernel/whql", "false")
            .fact("/kernel/microsoft_root", "false"),
        says(
            tampered.trusting(WITH_KERNEL).invalid("bad-digest"),
            "depends",
            r#"["signature-not-valid","catalogs-not-checked"]"#,
        )
        .fact("/kernel/whql", "false")
        .invalid("bad-digest")
        .with_flags(KERNEL),
        says(
            small.trusting(WITH_KERNEL).judged("Unsigned", "no-signature"),
            "depends",
            r#"["no-signature","catalogs-not-checked","32-bit"]"#,
        )
        .judged("Unsigned", "no-signature")
        .with_flags(KERNEL),
    ]
}

/// A driver that only a catalog signs.
fn listed() -> Vec<u8> {
    Pe { overlay: b"a driver that is listed".to_vec(), ..driver() }.bytes()
}

fn several() -> Vec<Fixture> {
    let both = Fixture::new("driver-nested.sys", "", "its maker's signature first, Microsoft's nested in it", || {
        let image = padded(&driver().bytes());
        let inner = hardware(&[WHQL, ATTESTED]).build(&image);
        sign(&driver().bytes(), &Signature::default().add(nested(vec![inner])))
    });
    let catalog_of = Fixture::new("driver.cat", "", "catalog of a driver package, signed by Microsoft", || {
        let members = [raw(&authentihash(&padded(&listed()), Hash::Sha256))];
        catalog(list(MEMBER_V2, &members), hardware(&[WHQL, ATTESTED]))
    });
    let through = Fixture::new("driver-listed.sys", "", "driver without a signature of its own, in a catalog", listed);
    vec![
        says(both.trusting(WITH_KERNEL).valid(), "yes", r#"["attested"]"#)
            .fact("/signer/issuer", "CN=Fixture Issuing CA, O=Sigscan Fixtures, C=XX")
            .valid()
            .with_flags(KERNEL)
            .told("/signer/issuer", "CN=Fixture Kernel Root, O=Sigscan Fixtures, C=XX"),
        catalog_of.trusting(WITH_KERNEL).valid().fact("/kernel", "null"),
        says(through.trusting(WITH_KERNEL).valid().with_flags(&["--catalog", "driver.cat"]), "yes", r#"["attested"]"#)
            .valid()
            .with_flags(&["--policy", "kernel", "--catalog", "driver.cat"])
            .told("/catalog", "driver.cat")
            .judged("Unsigned", "no-signature")
            .with_flags(&["--policy", "kernel", "--catalog", "catalog-v2.cat"])
            .told("/kernel/windows_10_1803/loads", "no")
            .told("/kernel/windows_10_1803/reasons", r#"["no-signature"]"#),
    ]
}

fn policies_by_name() -> Vec<Fixture> {
    let strict = &["--policy", "windows-strict"];
    vec![
        Fixture::new("policy-kernel-program.exe", "", "no driver: the kernel's policy has nothing to say", || {
            signed(Signature::default())
        })
        .valid()
        .fact("/kernel", "null")
        .valid()
        .with_flags(KERNEL)
        .untrusted("revocation-unknown")
        .with_flags(strict)
        .told("/policy/name", "windows-strict")
        .told("/policy/strict_padding", "true")
        .told("/policy/require_revocation", "true")
        .valid()
        .with_flags(&["--policy", "rfc5280"])
        .told("/policy/name", "rfc5280")
        .untrusted("revocation-unknown")
        .with_flags(&["--policy", "rfc5280", "--require-revocation"]),
    ]
}

fn extended_validation() -> Vec<Fixture> {
    fn by(stated: &[&str], above: Option<&str>) -> Vec<u8> {
        let issuer = above.into_iter().fold(inter(), |inter, policy| inter.with(policies(&[policy])));
        let cert = leaf().with(policies(stated)).der();
        signed(Signature { certs: vec![cert.clone(), issuer.der()], ..Signature::with(cert, Key::Leaf) })
    }
    vec![
        Fixture::new("policy-ev.exe", "", "EV code signing, and an authority for any policy", || {
            by(&[EV, "1.2.3.4"], Some(ANY_POLICY))
        })
        .valid()
        .fact("/ev_code_signing", "true")
        .fact("/signatures/0/chain/0/policies", r#"["EV code signing","1.2.3.4"]"#)
        .fact("/signatures/0/chain/1/policies", r#"["any policy"]"#),
        Fixture::new("policy-ev-not-above.exe", "", "EV code signing, and an authority that states no policy", || {
            by(&[EV], None)
        })
        .valid()
        .fact("/ev_code_signing", "false"),
        Fixture::new("policy-ov.exe", "", "OV code signing", || by(&["2.23.140.1.4.1"], Some(ANY_POLICY)))
            .valid()
            .fact("/ev_code_signing", "false")
            .fact("/signatures/0/chain/0/policies", r#"["OV code signing"]"#),
        Fixture::new("policy-ev-self-signed.exe", "", "EV code signing by its own account", || {
            let cert = cast::self_signed(dn("Nobody")).with(policies(&[EV]));
            signed(Signature::with(cert.der(), Key::Other))
        })
        .untrusted("self-signed")
        .fact("/ev_code_signing", "false"),
    ]
}
