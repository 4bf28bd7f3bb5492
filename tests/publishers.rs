//! The catalogue of publishers: made from checked-in facts and the embedded store, and never stale.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lab::ca::{CODE_SIGNING, COMMON_NAME, COUNTRY, Cert, Crl, ORGANIZATION, aki, crl_number, dn_of, eku, name};
use lab::cast::{authority, self_signed};
use lab::catalog::{MEMBER_V2, catalog, list, raw};
use lab::catalogue::AT;
use lab::cms::{Signature, nested};
use lab::der::{Der, printable, utf8};
use lab::keys::{Hash, Key};
use lab::pe::{Pe, authentihash, graft, resources_of, sign};
use lab::version::Version;
use serde_json::{Value, json};
use sigscan::hunt::build_catalogue;
use sigscan::trust::{CatalogIndex, TrustStore};
use sigscan::{Options, Scanner, Time};

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn facts() -> String {
    fs::read_to_string(root("data/publishers.tsv")).unwrap()
}

#[test]
fn the_catalogue_is_made_from_the_facts() {
    let built = build_catalogue(&facts(), &TrustStore::embedded()).unwrap();
    let path = root("data/catalogue.tsv");
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        fs::write(&path, &built).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == built, "data/catalogue.tsv is stale: SIGSCAN_BLESS=1 writes it anew");
}

/// Sources are those that `data/README.md` describes.
#[test]
fn every_fact_has_a_source_and_occurs_once() {
    let facts = facts();
    let mut seen = BTreeSet::new();
    for line in facts.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        assert!(seen.insert(fields[..3].to_vec()), "twice: {line}");
        for source in fields[3].split("; ") {
            let word = source.split(' ').next().unwrap();
            let known = ["applocker", "corpus", "hijacklibs", "homebysix", "loldrivers", "peers", "strontic"];
            assert!(known.contains(&word), "{line}");
            assert!(!(word == "homebysix" || word == "applocker") || fields[2] == "?", "a name says no issuer: {line}");
        }
    }
    let publishers: BTreeSet<&str> = seen.iter().map(|fact| fact[0]).collect();
    assert!(publishers.len() >= 200, "{}", publishers.len());
}

/// A file signed with this certificate, with these beside it in the bag.
fn signed(cert: &Cert, key: Key, bag: &[Cert]) -> Vec<u8> {
    let mut signature = Signature::with(cert.der(), key);
    signature.certs = std::iter::once(cert).chain(bag).map(Cert::der).collect();
    sign(&Pe::pe32().bytes(), &signature)
}

/// A publisher's certificate from an authority with this name.
fn issued(subject: Der, issuer: &Der) -> Cert {
    let cert = Cert::own(subject, Key::Leaf, &[0x10]).valid("20240101000000Z", "20280101000000Z");
    cert.with(eku(&[CODE_SIGNING])).by(issuer, Key::Other)
}

/// Findings about publishers' names in a file, as code, severity and evidence; `trusted` is the only root that counts.
fn found(file: &[u8], trusted: Option<&Cert>) -> Vec<(String, String, Value)> {
    let store = trusted.map_or_else(TrustStore::empty, |root| {
        let facts = sigscan::trust::root_from_certificate(&root.der()).unwrap();
        TrustStore::from_roots(&sigscan::trust::Provenance::default(), &[facts])
    });
    let scanner = Scanner::with_trust(Options::at(Time::parse_rfc3339(AT).unwrap()), store);
    let record = serde_json::to_value(scanner.scan_bytes("file", file)).unwrap();
    let names = ["S114", "S115", "S128", "S129"];
    let findings = record["findings"].as_array().into_iter().flatten();
    let findings = findings.filter(|finding| names.contains(&finding["code"].as_str().unwrap()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.map(|found| (text(&found["code"]), text(&found["severity"]), found["evidence"].clone())).collect()
}

fn unknown(severity: &str, names: [&str; 3], trusted: bool, known: u64) -> Vec<(String, String, Value)> {
    let evidence = json!({"publisher": names[0], "organization": names[1], "issuer": names[2],
        "issuer_trusted": trusted, "issuers_known": known});
    vec![("S128".to_owned(), severity.to_owned(), evidence)]
}

#[test]
fn a_known_publisher_under_an_unknown_issuer_is_named() {
    let strange = dn_of("Somebody", "Strange Code Signing CA");
    let root = authority(strange.clone(), Key::Other, 9);
    let google = issued(dn_of("Google LLC", "Google LLC"), &strange);
    let names = ["Google", "Google LLC", "Strange Code Signing CA"];
    // Its own root that nobody trusts, no chain at all, and a root that is trusted.
    let whole = signed(&google, Key::Leaf, std::slice::from_ref(&root));
    assert_eq!(found(&whole, None), unknown("high", names, false, 3));
    assert_eq!(found(&signed(&google, Key::Leaf, &[]), None), unknown("medium", names, false, 3));
    assert_eq!(found(&whole, Some(&root)), unknown("low", names, true, 3));
    // Microsoft has authorities of its own: no other trusted one issues in its name.
    let microsoft = signed(&issued(dn_of("Microsoft Corporation", "Tool"), &strange), Key::Leaf, &[]);
    let names = ["Microsoft", "Microsoft Corporation", "Strange Code Signing CA"];
    assert_eq!(found(&microsoft, Some(&root)), unknown("medium", names, true, 15));
    // A name that is in the catalogue without issuers: only a root that somebody made for it counts.
    let zoho = issued(dn_of("Zoho Corporation Private Limited", "Zoho"), &strange);
    let names = ["Zoho", "Zoho Corporation Private Limited", "Strange Code Signing CA"];
    let whole = signed(&zoho, Key::Leaf, std::slice::from_ref(&root));
    assert_eq!(found(&whole, None), unknown("high", names, false, 0));
    assert_eq!(found(&signed(&zoho, Key::Leaf, &[]), None), []);
    assert_eq!(found(&whole, Some(&root)), []);
}

#[test]
fn a_known_issuer_and_an_unknown_publisher_are_no_finding() {
    let known = dn_of("DigiCert Inc", "DigiCert SHA2 Assured ID Code Signing CA");
    // The name of a known issuer with a root behind it that counts.
    let above = authority(known.clone(), Key::Other, 9);
    let google = issued(dn_of("GOOGLE LLC", "Google LLC"), &known);
    assert_eq!(found(&signed(&google, Key::Leaf, &[]), Some(&above)), []);
    let root = authority(dn_of("Somebody", "Some CA"), Key::Other, 9);
    let other = issued(dn_of("Fixture", "Fixture Publisher"), &root.subject);
    assert_eq!(found(&signed(&other, Key::Leaf, std::slice::from_ref(&root)), None), []);
    assert_eq!(found(&signed(&other, Key::Leaf, &[]), Some(&root)), []);
}

/// Anybody can write an issuer's name into a certificate and sign it with a key of his own.
#[test]
fn a_known_issuer_that_is_only_named_is_no_issuer() {
    let named = |severity: &str, names: [&str; 3], known: u64| {
        let mut found = unknown(severity, names, false, known);
        found[0].2["issuer_named_only"] = json!(true);
        found
    };
    let pca = dn_of("Microsoft Corporation", "Microsoft Code Signing PCA 2011");
    let microsoft = issued(dn_of("Microsoft Corporation", "Microsoft Corporation"), &pca);
    let names = ["Microsoft", "Microsoft Corporation", "Microsoft Code Signing PCA 2011"];
    assert_eq!(found(&signed(&microsoft, Key::Leaf, &[]), None), named("medium", names, 15));
    // Below a root that somebody made for it, which bears the issuer's name or stands above it.
    let own = authority(pca.clone(), Key::Other, 9);
    assert_eq!(found(&signed(&microsoft, Key::Leaf, &[own]), None), named("high", names, 15));
    let root = authority(dn_of("Contoso", "Contoso Root 7"), Key::Root, 9);
    let inter = authority(pca, Key::Other, 8).by(&root.subject, Key::Root);
    assert_eq!(found(&signed(&microsoft, Key::Leaf, &[inter.clone(), root.clone()]), None), named("high", names, 15));
    assert_eq!(found(&signed(&microsoft, Key::Leaf, std::slice::from_ref(&inter)), None), named("medium", names, 15));
    assert_eq!(found(&signed(&microsoft, Key::Leaf, &[inter]), Some(&root)), []);
    // Whoever signs under public authorities may have forgotten their certificate.
    let digicert = dn_of("DigiCert Inc", "DigiCert SHA2 Assured ID Code Signing CA");
    let google = issued(dn_of("GOOGLE LLC", "Google LLC"), &digicert);
    let names = ["Google", "GOOGLE LLC", "DigiCert SHA2 Assured ID Code Signing CA"];
    assert_eq!(found(&signed(&google, Key::Leaf, &[]), None), named("low", names, 3));
}

fn look_alike(organization: &str) -> Der {
    name(&[(COUNTRY, printable("XX")), (ORGANIZATION, utf8(organization)), (COMMON_NAME, printable("Setup"))])
}

#[test]
fn a_name_that_only_looks_like_a_known_one_is_named_whoever_vouches_for_it() {
    let root = authority(dn_of("Somebody", "Some CA"), Key::Other, 9);
    let imitates = |shown: &str, known: &str| {
        vec![("S129".to_owned(), "high".to_owned(), json!({"name": shown, "publisher": known}))]
    };
    for (shown, known) in [
        ("Gооgle LLC", "Google LLC"),
        ("1ntel Corporation", "Intel Corporation"),
        ("Apple lnc.", "Apple Inc."),
        ("Microsoft Corporatlon", "Microsoft Corporation"),
        ("Ⅿicrosoft Corporation", "Microsoft Corporation"),
        ("𝖦𝗈𝗈𝗀𝗅𝖾 LLC", "Google LLC"),
    ] {
        let file = signed(&issued(look_alike(shown), &root.subject), Key::Leaf, std::slice::from_ref(&root));
        assert_eq!(found(&file, Some(&root)), imitates(shown, known));
        assert_eq!(found(&file, None), imitates(shown, known));
    }
    // Vouching for itself it is S114 as well.
    let own = found(&signed(&self_signed(look_alike("Mоzilla Corporation")), Key::Other, &[]), None);
    let codes: Vec<_> = own.iter().map(|(code, severity, _)| (code.as_str(), severity.as_str())).collect();
    assert_eq!(codes, [("S114", "high"), ("S129", "high")]);
}

#[test]
fn a_publisher_without_a_root_is_known_by_the_catalogue() {
    let own = signed(&self_signed(dn_of("Google LLC", "Google LLC")), Key::Other, &[]);
    let evidence = json!({"name": "Google LLC", "publisher": "Google LLC"});
    assert_eq!(found(&own, None), [("S114".to_owned(), "high".to_owned(), evidence)]);
    // A common name that is nobody else's, as it stands in the certificate of nearly every program of Windows.
    let windows = self_signed(name(&[(COMMON_NAME, printable("Microsoft Windows"))]));
    let evidence = json!({"name": "Microsoft Windows", "publisher": "Microsoft Windows"});
    let expected = [("S114".to_owned(), "high".to_owned(), evidence)];
    assert_eq!(found(&signed(&windows, Key::Other, &[]), None), expected);
    let nobody = signed(&self_signed(dn_of("Nobody GmbH", "Nobody")), Key::Other, &[]);
    assert_eq!(found(&nobody, None), []);
}

/// The name and organisation of Microsoft's root without locality and state: not its subject, and not its key.
#[test]
fn a_root_that_reads_like_a_known_one_is_named() {
    let clone = authority(dn_of("Microsoft Corporation", "Microsoft Root Certificate Authority 2010"), Key::Other, 9);
    let leaf = issued(dn_of("Fixture", "Fixture Publisher"), &clone.subject);
    let found = found(&signed(&leaf, Key::Leaf, &[clone]), None);
    let [(code, severity, evidence)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((code.as_str(), severity.as_str()), ("S115", "high"));
    assert_eq!(evidence["imitates"], "Microsoft Root Certificate Authority 2010");
}

/// What a file says of itself that pretends to be Microsoft's, in one way or another.
const CLAIMS: [Version; 3] = [
    Version { strings: &[("CompanyName", "Microsoft Corporation"), ("LegalCopyright", "(c) Somebody")], fixed: [0; 4] },
    Version { strings: &[("CompanyName", "Micrоsoft Corp.")], fixed: [0; 4] },
    Version {
        strings: &[("CompanyName", "Tools"), ("LegalCopyright", "© Microsoft Corporation. All rights reserved.")],
        fixed: [0; 4],
    },
];

/// What names nobody of the catalogue, or names somebody beside others.
const NO_CLAIMS: [Version; 3] = [
    Version {
        strings: &[("CompanyName", "Fixture Publisher"), ("ProductName", "Microsoft Corporation")],
        fixed: [0; 4],
    },
    Version { strings: &[("LegalCopyright", "Copyright (C) Microsoft Corporation and others")], fixed: [0; 4] },
    Version { strings: &[("CompanyName", ""), ("LegalCopyright", "Copyright (C) 2001")], fixed: [0; 4] },
];

fn claiming(version: &Version) -> Vec<u8> {
    let mut pe = Pe::pe32();
    pe.sections.truncate(1);
    pe.sections.push(resources_of(0x2000, 0x400, 0x600, version));
    pe.bytes()
}

/// Status, severity and evidence of S125 under a root that is trusted, with these catalogs if any.
fn claimed(file: &[u8], root: &Cert, catalogs: Option<Vec<u8>>) -> (String, Option<(String, Value)>) {
    let facts = sigscan::trust::root_from_certificate(&root.der()).unwrap();
    let store = TrustStore::from_roots(&sigscan::trust::Provenance::default(), &[facts]);
    let mut scanner = Scanner::with_trust(Options::at(Time::parse_rfc3339(AT).unwrap()), store);
    if let Some(catalog) = catalogs {
        scanner = scanner.with_catalogs(CatalogIndex::from_bytes(vec![(PathBuf::from("a.cat"), catalog)]));
    }
    let record = serde_json::to_value(scanner.scan_bytes("file", file)).unwrap();
    let codes: Vec<&str> =
        record["findings"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect();
    assert!(codes.is_sorted(), "{codes:?}");
    let found = record["findings"].as_array().unwrap().iter().find(|found| found["code"] == "S125");
    let found = found.map(|found| (found["severity"].as_str().unwrap().to_owned(), found["evidence"].clone()));
    (record["status"].as_str().unwrap().to_owned(), found)
}

#[test]
fn a_version_resource_that_names_another_publisher_is_as_bad_as_the_signature() {
    let root = authority(dn_of("Somebody", "Some CA"), Key::Other, 9);
    let by = |organization: &str, common_name: &str| {
        let cert = issued(dn_of(organization, common_name), &root.subject);
        Signature { certs: vec![cert.der(), root.der()], ..Signature::with(cert.der(), Key::Leaf) }
    };
    let own = |organization: &str| {
        let cert = self_signed(dn_of(organization, organization));
        Signature { certs: vec![cert.der()], ..Signature::with(cert.der(), Key::Other) }
    };
    let stray = |organization: &str| {
        let cert = issued(dn_of(organization, organization), &dn_of("Nobody", "Nobody's CA"));
        Signature { certs: vec![cert.der()], ..Signature::with(cert.der(), Key::Leaf) }
    };
    let plain = claiming(&CLAIMS[0]);
    let verdict = |file: &[u8]| {
        let (status, found) = claimed(file, &root, None);
        (status, found.map(|(severity, _)| severity))
    };
    let is = |status: &str, severity: Option<&str>| (status.to_owned(), severity.map(str::to_owned));
    let signed = |signature: &Signature| sign(&plain, signature);
    assert_eq!(verdict(&signed(&by("Fixture", "Fixture"))), is("Valid", Some("low")));
    assert_eq!(verdict(&signed(&by("MICROSOFT CORP", "Tool"))), is("Valid", None));
    assert_eq!(verdict(&signed(&own("Fixture"))), is("Untrusted", Some("high")));
    assert_eq!(verdict(&signed(&own("Microsoft Corporation"))), is("Untrusted", Some("high")));
    assert_eq!(verdict(&signed(&stray("Fixture"))), is("Untrusted", Some("high")));
    assert_eq!(verdict(&signed(&stray("Microsoft Corporation"))), is("Untrusted", None));
    let donor = sign(&Pe::pe32().bytes(), &by("Fixture", "Fixture"));
    assert_eq!(verdict(&graft(&donor, &plain)), is("Invalid", Some("high")));
    // The signer is the one that the resource names; that the signature is broken is another finding's to tell.
    let donor = sign(&Pe::pe32().bytes(), &by("Microsoft Corporation", "Tool"));
    assert_eq!(verdict(&graft(&donor, &plain)), is("Invalid", None));
    // Who cuts a file off inside of its signature takes the signer's name with it.
    let mut cut = signed(&by("Microsoft Corporation", "Tool"));
    cut.truncate(cut.len() - 400);
    assert_eq!(verdict(&cut), is("Invalid", Some("low")));
    let old = issued(dn_of("Fixture", "Fixture"), &root.subject).valid("20200101000000Z", "20210101000000Z");
    let old = Signature { certs: vec![old.der(), root.der()], ..Signature::with(old.der(), Key::Leaf) };
    assert_eq!(verdict(&signed(&old)), is("Expired", Some("medium")));
    // A name that only begins like that one is another, however much of it is shown.
    let longer = format!("Microsoft Corporation{}x", " ".repeat(5000));
    assert_eq!(verdict(&signed(&by(&longer, "Tool"))), is("Valid", Some("low")));
    // Neither a list of the authority's own nor a short key makes it one that is trusted.
    let founder = authority(dn_of("Nobody", "Nobody's CA"), Key::CloneInter, 9);
    let founded = |organization: &str, key: Key, revoked: bool| {
        let cert = Cert { spki: key.spki(), ..issued(dn_of(organization, organization), &founder.subject) };
        let cert = cert.by(&founder.subject, Key::CloneInter);
        let list = Crl::by(founder.subject.clone(), Key::CloneInter).with(aki(&Key::CloneInter.id()));
        let list = list.with(crl_number(1)).lists(&cert.serial, "20250101000000Z", &[]).der();
        let crls = if revoked { vec![list] } else { Vec::new() };
        Signature { certs: vec![cert.der(), founder.der()], crls, ..Signature::with(cert.der(), key) }
    };
    for organization in ["Fixture", "Microsoft Corporation"] {
        let by = |key: Key, revoked: bool| verdict(&signed(&founded(organization, key, revoked)));
        assert_eq!(by(Key::Leaf, false), is("Untrusted", Some("high")));
        assert_eq!(by(Key::Leaf, true), is("Revoked", Some("high")));
        assert_eq!(by(Key::Rsa512, false), is("Untrusted", Some("high")));
    }
    // Microsoft signs what others wrote for Windows.
    let google = Version { strings: &[("CompanyName", "Google Inc.")], fixed: [0; 4] };
    let driver = by("Microsoft Corporation", "Microsoft Windows Hardware Compatibility Publisher");
    assert_eq!(verdict(&sign(&claiming(&google), &driver)), is("Valid", None));
    assert_eq!(verdict(&sign(&claiming(&google), &by("Fixture", "Fixture"))), is("Valid", Some("low")));
    // Its maker's own signature, of a test certificate, may stand in front of Microsoft's.
    let test =
        Cert::own(dn_of("Fixture", "Fixture Test"), Key::Other, &[0x52]).valid("20240101000000Z", "20280101000000Z");
    let tested = |inner: &Signature| {
        let signature = Signature::with(test.clone().with(eku(&[CODE_SIGNING])).der(), Key::Other);
        sign(&claiming(&google), &signature.add(nested(vec![inner.build(&claiming(&google))])))
    };
    assert_eq!(verdict(&tested(&driver)), is("Untrusted", None));
    assert_eq!(verdict(&tested(&by("Fixture", "Fixture"))), is("Untrusted", Some("high")));
}

#[test]
fn an_unsigned_file_may_be_signed_through_a_catalog() {
    let root = authority(dn_of("Somebody", "Some CA"), Key::Other, 9);
    let cert = issued(dn_of("Fixture", "Fixture"), &root.subject);
    let signature = || Signature { certs: vec![cert.der(), root.der()], ..Signature::with(cert.der(), Key::Leaf) };
    let evidence = |which: usize, signer: Value, note: Value| {
        let text = |key: &str| CLAIMS[which].strings.iter().find(|string| string.0 == key).map(|string| string.1);
        let copyright = text("LegalCopyright").filter(|_| which == 2);
        json!({"publisher": "Microsoft", "company": text("CompanyName"), "legal_copyright": copyright,
            "signer": signer, "note": note})
    };
    for (which, version) in CLAIMS.iter().enumerate() {
        let file = claiming(version);
        let found = |severity: &str, evidence: Value| Some((severity.to_owned(), evidence));
        let unknown = found("low", evidence(which, Value::Null, json!("catalog_unknown")));
        assert_eq!(claimed(&file, &root, None), ("Unsigned".to_owned(), unknown));
        let strange = catalog(list(MEMBER_V2, &[raw(&[7; 32])]), signature());
        let unlisted = found("medium", evidence(which, Value::Null, Value::Null));
        assert_eq!(claimed(&file, &root, Some(strange)), ("Unsigned".to_owned(), unlisted));
        // Listed by somebody who is not Microsoft.
        let listing = catalog(list(MEMBER_V2, &[raw(&authentihash(&file, Hash::Sha256))]), signature());
        let listed = found("low", evidence(which, json!("Fixture"), Value::Null));
        assert_eq!(claimed(&file, &root, Some(listing)), ("Valid".to_owned(), listed));
    }
    for version in &NO_CLAIMS {
        assert_eq!(claimed(&claiming(version), &root, None), ("Unsigned".to_owned(), None));
    }
}
