//! The root programme's properties, exactly at their dates; and which trust lists are believed.
//!
//! Source: Microsoft's "Deprecation Definitions" and the root list's own property numbers. Fixtures' facts that matter
//! here: the publisher's certificate starts on 2024-01-01, the token says 2025-03-01T12:00:00Z, and everything is
//! judged as of 2026-06-01 unless a case says otherwise.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use lab::ca::{AUTHORITY_KEY_ID, Cert, EKU, aki, eku};
use lab::cast;
use lab::catalogue::AT;
use lab::cms::Signature;
use lab::der::{Der, attribute, generalized_time, octets, oid, seq, small, split};
use lab::keys::{Hash, Key};
use lab::pe::{Pe, sign};
use lab::stamp::Token;
use sigscan::trust::{
    LimitDate, Provenance, RootFacts, TrustStore, ctl_from_stl, root_from_certificate, roots_from_ctl,
};
use sigscan::{Options, Scanner, Time};

const CODE: &str = lab::ca::CODE_SIGNING;
const STAMPS: &str = lab::ca::TIME_STAMPING;
const SERVERS: &str = lab::ca::SERVER_AUTH;

fn at(date: &str) -> LimitDate {
    LimitDate::At(Time::parse_rfc3339(date).unwrap())
}

fn usages(list: &[&str]) -> Option<Vec<Vec<u8>>> {
    Some(list.iter().map(|usage| split(&oid(usage)).0.to_vec()).collect())
}

fn facts(cert: &Cert) -> RootFacts {
    root_from_certificate(&cert.der()).unwrap()
}

/// The publisher's root as a member of the programme, with these properties.
fn code_root(bend: impl Fn(&mut RootFacts)) -> Vec<RootFacts> {
    let mut root = RootFacts { program: true, ..facts(&cast::root()) };
    bend(&mut root);
    vec![root, facts(&cast::tsa_root())]
}

/// The same for the time authority's root.
fn time_root(bend: impl Fn(&mut RootFacts)) -> Vec<RootFacts> {
    let mut root = RootFacts { program: true, ..facts(&cast::tsa_root()) };
    bend(&mut root);
    vec![facts(&cast::root()), root]
}

fn judged_at(moment: &str, file: &[u8], roots: &[RootFacts]) -> String {
    let store = TrustStore::from_roots(&Provenance::default(), roots);
    let scanner = Scanner::with_trust(Options::at(Time::parse_rfc3339(moment).unwrap()), store);
    let (first, others) = program::verdict(&scanner.scan_bytes("file", file));
    std::iter::once(first.as_str()).chain(others).collect::<Vec<_>>().join(" ")
}

fn judged(file: &[u8], roots: &[RootFacts]) -> String {
    judged_at(AT, file, roots)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(program::testdata().join("fixtures").join(name)).unwrap()
}

const OK: &str = "Valid/ok";
const NOT_BEFORE: &str = "Untrusted/root-not-before";
const DISABLED: &str = "Untrusted/root-disabled";

#[test]
fn certificates_issued_from_a_date_on_are_not_trusted() {
    let cases = [
        (at("2023-12-31T23:59:59Z"), None, NOT_BEFORE),
        (at("2024-01-01T00:00:00Z"), None, NOT_BEFORE),
        (at("2024-01-01T00:00:01Z"), None, OK),
        (at("2023-12-31T23:59:59Z"), usages(&[CODE]), NOT_BEFORE),
        (at("2023-12-31T23:59:59Z"), usages(&[SERVERS, CODE]), NOT_BEFORE),
        (at("2023-12-31T23:59:59Z"), usages(&[SERVERS]), OK),
        (at("2023-12-31T23:59:59Z"), usages(&[]), OK),
        // An empty FILETIME is a property that Microsoft took back, usages or not.
        (LimitDate::Cleared, None, OK),
        (LimitDate::Cleared, usages(&[CODE]), OK),
        // Usages without any date: since ever.
        (LimitDate::Absent, usages(&[CODE]), NOT_BEFORE),
        (LimitDate::Absent, usages(&[SERVERS]), OK),
        (LimitDate::Absent, None, OK),
    ];
    for (date, covered, expected) in cases {
        let roots = code_root(|root| {
            root.not_before_limit = date;
            root.not_before_usages.clone_from(&covered);
        });
        assert_eq!(judged(&fixture("pe32.exe"), &roots), expected, "{date:?} {covered:?}");
        // It is the certificate's date that counts; a timestamp neither helps nor hurts.
        assert_eq!(judged(&fixture("token.exe"), &roots), expected, "{date:?} {covered:?} with timestamp");
    }
}

#[test]
fn signatures_from_a_date_on_are_not_trusted() {
    // (date, usages, verdict without timestamp, verdict with one of 2025-03-01T12:00:00Z)
    let cases = [
        (at("2025-03-01T11:59:59Z"), None, DISABLED, DISABLED),
        (at("2025-03-01T12:00:00Z"), None, DISABLED, DISABLED),
        (at("2025-03-01T12:00:01Z"), None, DISABLED, OK),
        (at(AT), None, DISABLED, OK),
        (at("2026-06-01T00:00:01Z"), None, OK, OK),
        (at("2025-01-01T00:00:00Z"), usages(&[CODE]), DISABLED, DISABLED),
        (at("2025-01-01T00:00:00Z"), usages(&[SERVERS, STAMPS]), OK, OK),
        (LimitDate::Cleared, None, OK, OK),
        (LimitDate::Cleared, usages(&[CODE]), OK, OK),
        (LimitDate::Absent, usages(&[CODE]), DISABLED, DISABLED),
        (LimitDate::Absent, usages(&[SERVERS]), OK, OK),
        (LimitDate::Absent, None, OK, OK),
    ];
    for (date, covered, alone, stamped) in cases {
        let roots = code_root(|root| {
            root.disabled = date;
            root.disabled_usages.clone_from(&covered);
        });
        assert_eq!(judged(&fixture("pe32.exe"), &roots), alone, "{date:?} {covered:?}");
        assert_eq!(judged(&fixture("token.exe"), &roots), stamped, "{date:?} {covered:?} with timestamp");
        // A timestamp that is not verified saves nothing.
        let broken = judged(&fixture("token-broken.exe"), &roots);
        assert_eq!(broken.contains("root-disabled"), alone == DISABLED, "{date:?} {covered:?}: {broken}");
    }
}

#[test]
fn a_root_counts_for_its_usages_only() {
    let cases = [
        (None, OK),
        (usages(&[CODE]), OK),
        (usages(&[SERVERS, CODE]), OK),
        (usages(&[SERVERS]), "Untrusted/root-eku"),
        (usages(&[STAMPS]), "Untrusted/root-eku"),
        (usages(&[]), "Untrusted/root-eku"),
    ];
    for (allowed, expected) in cases {
        let roots = code_root(|root| root.usages.clone_from(&allowed));
        assert_eq!(judged(&fixture("pe32.exe"), &roots), expected, "{allowed:?}");
        // Losing a usage is no matter of dates: "independent of whether it was timestamped".
        assert_eq!(judged(&fixture("token.exe"), &roots), expected, "{allowed:?} with timestamp");
    }
}

#[test]
fn all_that_holds_is_said_in_the_tables_order() {
    let roots = code_root(|root| {
        root.disabled = at("2020-01-01T00:00:00Z");
        root.not_before_limit = at("2020-01-01T00:00:00Z");
        root.usages = usages(&[SERVERS]);
    });
    let all = "Untrusted/root-eku root-not-before root-disabled";
    assert_eq!(judged(&fixture("pe32.exe"), &roots), all);
    // As of a moment before the root was disabled, the other two still hold; the signer did not exist yet.
    let then = judged_at("2019-06-01T00:00:00Z", &fixture("pe32.exe"), &roots);
    assert_eq!(then, "Untrusted/root-eku root-not-before cert-not-yet-valid");
}

#[test]
fn roots_built_into_windows_are_exempt() {
    let roots = code_root(|root| {
        root.disabled = at("2020-01-01T00:00:00Z");
        root.not_before_limit = at("2020-01-01T00:00:00Z");
        root.usages = usages(&[SERVERS]);
        root.built_in = true;
    });
    assert_eq!(judged(&fixture("pe32.exe"), &roots), OK);
    assert_eq!(judged(&fixture("certificate-md5.exe"), &roots), OK);
}

#[test]
fn the_time_authoritys_root_is_judged_at_the_stamped_moment() {
    type Bend = fn(&mut RootFacts);
    let cases: [(Bend, bool); 10] = [
        (|_| (), true),
        (|root| root.usages = usages(&[STAMPS]), true),
        (|root| root.usages = usages(&[CODE]), false),
        (|root| root.disabled = at("2022-03-01T12:00:00Z"), false),
        // Disabled later: it still vouches for older stamps.
        (|root| root.disabled = at("2022-03-01T12:00:01Z"), true),
        (
            |root| {
                root.disabled = at("2020-01-01T00:00:00Z");
                root.disabled_usages = usages(&[CODE]);
            },
            true,
        ),
        (
            |root| {
                root.disabled = at("2020-01-01T00:00:00Z");
                root.disabled_usages = usages(&[STAMPS]);
            },
            false,
        ),
        // The authority's certificate is of 2000-01-01.
        (|root| root.not_before_limit = at("2000-01-01T00:00:00Z"), false),
        (|root| root.not_before_limit = at("2000-01-01T00:00:01Z"), true),
        (|root| root.not_before_limit = LimitDate::Cleared, true),
    ];
    for (number, (bend, usable)) in cases.into_iter().enumerate() {
        // The signer is over since 2023, the token says 2022-03-01T12:00:00Z.
        let expected = if usable { OK } else { "Expired/cert-expired timestamp-untrusted" };
        assert_eq!(judged(&fixture("expired-token.exe"), &time_root(bend)), expected, "case {number}");
    }
}

/// The publisher, with a certificate that spans the cut-offs, stamped then.
fn stamped(cert: Cert, key: Key, moment: &'static str) -> Vec<u8> {
    let cert = cert.valid("20050101000000Z", "20280101000000Z");
    sign(&Pe::pe32().bytes(), &Signature::with(cert.der(), key).add(Token::at(moment).attribute()))
}

#[test]
fn md5_below_a_programme_root_ends_in_march_2009() {
    let weak = "Untrusted/weak-signature";
    let mut cert = cast::leaf();
    cert.hash = Hash::Md5;
    let (program, enterprise) = (code_root(|_| ()), code_root(|root| root.program = false));
    let cases = [
        (fixture("certificate-md5.exe"), weak),
        (stamped(cert.clone(), Key::Leaf, "20090228235959Z"), OK),
        (stamped(cert, Key::Leaf, "20090301000000Z"), weak),
    ];
    for (file, expected) in cases {
        assert_eq!(judged(&file, &program), expected);
        assert_eq!(judged(&file, &enterprise), OK);
    }
    assert_eq!(judged(&fixture("certificate-sha1.exe"), &program), OK);
}

#[test]
fn short_keys_end_in_2010_whatever_the_root() {
    let weak = "Untrusted/weak-signature";
    let file = |moment| stamped(cast::publisher(Key::Rsa512), Key::Rsa512, moment);
    for roots in [code_root(|_| ()), code_root(|root| root.program = false), code_root(|root| root.built_in = true)] {
        assert_eq!(judged(&fixture("rsa-512.exe"), &roots), weak);
        assert_eq!(judged(&file("20091231235959Z"), &roots), OK);
        assert_eq!(judged(&file("20100101000000Z"), &roots), weak);
        assert_eq!(judged(&fixture("rsa-1024.exe"), &roots), OK);
    }
    // Trusted roots are no exception.
    let short = cast::authority(lab::ca::dn("Fixture Short Root"), Key::Rsa512, 8);
    let cert = cast::leaf().without(AUTHORITY_KEY_ID).by(&short.subject, Key::Rsa512).with(aki(&Key::Rsa512.id()));
    let roots = [facts(&short), facts(&cast::tsa_root())];
    assert_eq!(judged(&stamped(cert.clone(), Key::Leaf, "20091231235959Z"), &roots), OK);
    assert_eq!(judged(&stamped(cert, Key::Leaf, "20100101000000Z"), &roots), weak);
}

/// CERT_*_PROP_ID under 1.3.6.1.4.1.311.10.11.
fn property(number: u32, value: &[u8]) -> Der {
    attribute(&format!("1.3.6.1.4.1.311.10.11.{number}"), &[octets(value)])
}

/// 100-nanosecond intervals since 1601.
fn filetime(date: &str) -> [u8; 8] {
    let unix = Time::parse_rfc3339(date).unwrap().0;
    u64::try_from((unix + 11_644_473_600) * 10_000_000).unwrap().to_le_bytes()
}

const ROOT_LIST_SIGNER: &str = "1.3.6.1.4.1.311.10.3.9";
const DISALLOWED_LIST: &str = "1.3.6.1.4.1.311.10.3.30";
const CTL: &str = "1.3.6.1.4.1.311.10.1";

/// A root list with one entry.
fn list(usage: &str, properties: &[Der]) -> Der {
    let identifier = Hash::Sha1.digest(&cast::root().der());
    let entry = seq(&[octets(&identifier), lab::der::set(properties)]);
    seq(&[seq(&[oid(usage)]), small(0x1401), generalized_time("20251001000000Z"), Hash::Sha1.alg(), seq(&[entry])])
}

/// The list, signed by a certificate for these usages.
fn signed_list(content: Der, signer_usages: &[&str]) -> Signature {
    let cert = cast::leaf().without(EKU).with(eku(signer_usages));
    Signature { content_type: CTL, content: Some(content), ..Signature::with(cert.der(), Key::Leaf) }
}

/// Why a list is not believed when the publisher's root is built into Windows, or not.
fn refusal(list: &[u8], built_in: bool) -> Option<String> {
    let root = RootFacts { built_in, ..facts(&cast::root()) };
    let anchors = TrustStore::from_roots(&Provenance::default(), &[root]);
    ctl_from_stl(list, &anchors).err()
}

#[test]
fn a_list_is_believed_for_its_signature_and_its_signers_usage() {
    let nothing = Pe::pe32().bytes();
    let sound = signed_list(list(ROOT_LIST_SIGNER, &[]), &[ROOT_LIST_SIGNER]);
    assert_eq!(refusal(&sound.build(&nothing), true), None);
    assert!(refusal(&sound.build(&nothing), false).unwrap().contains("built into Windows"));
    let other_usage = signed_list(list(ROOT_LIST_SIGNER, &[]), &[CODE, DISALLOWED_LIST]);
    assert!(refusal(&other_usage.build(&nothing), true).unwrap().contains("may not sign"));
    let other_list = signed_list(list(DISALLOWED_LIST, &[]), &[ROOT_LIST_SIGNER]);
    assert!(refusal(&other_list.build(&nothing), true).unwrap().contains("no root list"));
    let broken = Signature { bend_signature: |value| lab::cms::flip(value), ..sound };
    assert!(refusal(&broken.build(&nothing), true).unwrap().contains("does not verify"));
    // The list is judged at its own date: before the signer's certificate began, nobody could sign it.
    let mut early = cast::leaf().valid("20260101000000Z", "20280101000000Z").without(EKU);
    early = early.with(eku(&[ROOT_LIST_SIGNER]));
    let content = Some(list(ROOT_LIST_SIGNER, &[]));
    let early = Signature { content_type: CTL, content, ..Signature::with(early.der(), Key::Leaf) };
    assert!(refusal(&early.build(&nothing), true).is_some());
    let code = fixture("pe32.exe");
    assert!(refusal(&code, true).is_some());
}

#[test]
fn a_lists_properties_arrive_at_the_root() {
    let two = seq(&[oid(CODE), oid(STAMPS)]);
    let name: Vec<u8> = "Root\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let properties = [
        property(9, &two),
        property(11, &name),
        property(104, &filetime("2025-03-01T12:00:01Z")),
        property(122, &seq(&[oid(CODE)])),
        property(126, &[]),
        property(127, &seq(&[oid(SERVERS)])),
        property(4_711, b"unknown"),
    ];
    let bytes = signed_list(list(ROOT_LIST_SIGNER, &properties), &[ROOT_LIST_SIGNER]).build(&Pe::pe32().bytes());
    let anchors =
        TrustStore::from_roots(&Provenance::default(), &[RootFacts { built_in: true, ..facts(&cast::root()) }]);
    let ctl = ctl_from_stl(&bytes, &anchors).unwrap();
    assert_eq!(ctl.this_update.unwrap().to_rfc3339(), "2025-10-01T00:00:00Z");
    let certificates = [cast::root().der(), cast::tsa_root().der()];
    let (roots, missing) = roots_from_ctl(&ctl, certificates.iter().map(Vec::as_slice));
    let expected = RootFacts {
        program: true,
        friendly_name: Some("Root".to_owned()),
        usages: usages(&[CODE, STAMPS]),
        disabled: at("2025-03-01T12:00:01Z"),
        disabled_usages: usages(&[CODE]),
        not_before_limit: LimitDate::Cleared,
        not_before_usages: usages(&[SERVERS]),
        ..facts(&cast::root())
    };
    assert_eq!((roots, missing), (vec![expected], 0));
    // A list entry whose certificate is not at hand is counted, never guessed.
    assert_eq!(roots_from_ctl(&ctl, std::iter::empty()), (Vec::new(), 1));
}

#[test]
fn the_embedded_store_keeps_the_programmes_limits() {
    let store = TrustStore::embedded();
    assert_eq!(store.date(), "2026-10-23T23:18:35Z");
    // It is opened without a look at its checksum; as a file it would not be.
    let file = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/roots.bin")).unwrap();
    assert_eq!(TrustStore::from_file(file).unwrap().roots().len(), 557);
    let roots = store.roots();
    let root = |start: &str| {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        *roots.iter().find(|root| hex(root.thumbprint_sha1).starts_with(start)).unwrap_or_else(|| panic!("{start}"))
    };
    let code = split(&oid(CODE)).0.to_vec();
    // Microsoft Root Certificate Authority of 2001: dated by the list, built in all the same.
    let microsoft = root("cdd4eeae6000");
    assert!(microsoft.built_in && microsoft.program);
    assert_eq!(microsoft.disabled.date, at("2021-08-01T00:00:00Z"));
    // VeriSign G5: the disabling of August 2023 was taken back, which an empty FILETIME says.
    let verisign = root("4eb6d578");
    assert_eq!(verisign.disabled.date, LimitDate::Cleared);
    assert!(!verisign.built_in);
    // VeriSign Time Stamping CA: time stamps only, and none from 2018-04-29 on.
    let stamps = root("18f7c1fcc309");
    assert!(stamps.usages.is_some_and(|list| !list.contains(&code)));
    assert!(matches!(stamps.disabled.date, LimitDate::At(date) if date.to_rfc3339().starts_with("2018-04-")));
    // Not in the list, but built into Windows: the timestamp root of 1997.
    assert!(!root("245c97df7514").program);
    // By this hash of its TBSCertificate a disallowed list would name it; the certificate is not in the store.
    assert_eq!(verisign.signature_hash.map(<[u8]>::len), Some(20));
    assert_eq!(roots.iter().filter(|root| root.signature_hash.is_none()).count(), 7);
    // Found by name under every spelling, with the right key only.
    let found = store.by_subject(microsoft.subject);
    assert!(found.contains(&microsoft));
}
