//! Files and catalogs that were made so that a catalog would vouch for what it does not list, and lists that would be evaded.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

#[path = "lab/mod.rs"]
mod lab;
mod program;

use std::fs;
use std::path::Path;

use lab::ca::{
    AUTHORITY_KEY_ID, CODE_SIGNING, Cert, Crl, OCSP_SIGNING, SUBJECT_KEY_ID, aki, dn, eku, ocsp_no_check, ski,
};
use lab::cast::{authority, inter, inter_name, leaf, root_name, tsa, tsa_root_name};
use lab::catalog::{CATALOG_LIST, MEMBER_V2, catalog, list, raw};
use lab::cms::{Signature, flip, nested};
use lab::der::*;
use lab::keys::{Hash, Key};
use lab::ocsp::{Ocsp, Said};
use lab::pe::*;
use lab::stamp::Token;
use program::command::{judged, verdict};
use program::testdata;
use serde_json::Value;

const TEXT: &[u8] = b"[Version]\r\nProvider = somebody\r\n";

/// A catalog that lists the image, a text and the file of no length, each by the digest that Windows would list.
fn listing(folder: &Path) {
    let digests = [authentihash(&image(), Hash::Sha256), Hash::Sha256.digest(TEXT), Hash::Sha256.digest(b"")];
    let members: Vec<Der> = digests.iter().map(|digest| raw(digest)).collect();
    fs::write(folder.join("list.cat"), catalog(list(MEMBER_V2, &members), Signature::default())).unwrap();
}

/// `octets` in the place of a table, at `at`.
fn with_table(file: &[u8], at: usize, octets: &[u8]) -> Vec<u8> {
    let mut out = [&file[..at], octets, &file[at..]].concat();
    point(&mut out, at as u32, octets.len() as u32);
    out
}

#[test]
fn what_a_table_hides_is_in_no_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    listing(folder);
    let by = |file: &[u8]| verdict(folder, file, &["--catalog", "list.cat"]);
    assert_eq!(by(&image()), "Valid/ok");
    assert_eq!(by(TEXT), "Valid/ok");
    // In front of a section's octets, which then are others.
    let section = Offsets::of(&image()).sections(&image())[0].0;
    assert_eq!(by(&with_table(&image(), section, &[0xcc; 64])), "Invalid/malformed");
    let signature = entry(&Signature::default().build(&image()));
    assert_eq!(by(&with_table(&image(), section, &signature)), "Invalid/malformed");
    // In front of everything, headers included: what is left is the listed text.
    let mut all = padded(&Pe::pe32().bytes());
    let length = all.len() as u32;
    point(&mut all, 0, length);
    assert_eq!(by(&[&all[..], TEXT].concat()), "Invalid/malformed");
    assert_eq!(by(&all), "Invalid/malformed");
    // Behind the image, where it belongs, it hides nothing, whatever is in it.
    assert_eq!(by(&attach(&image(), &[0xcc; 64])), "Valid/ok");
    // With something behind it, it does.
    assert_eq!(by(&[attach(&image(), &[0xcc; 64]), vec![0xcc; 8]].concat()), "Invalid/malformed");
}

/// Windows looks a cabinet up by what its subject interface package digests, whatever list has the digest of the whole file.
#[test]
fn a_cabinet_is_in_no_catalog_by_the_digest_of_the_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cabinet = [&b"MSCF"[..], &[0; 60]].concat();
    let installer = [&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1][..], &[0; 60]].concat();
    let members = [&cabinet, &installer].map(|file| raw(&Hash::Sha256.digest(file)));
    fs::write(folder.join("list.cat"), catalog(list(MEMBER_V2, &members), Signature::default())).unwrap();
    let of = |file: &[u8]| {
        let record = judged(folder, file, &["--catalog", "list.cat"]);
        ["status", "reason", "catalog"].map(|key| record[key].as_str().unwrap().to_owned()).join(" ")
    };
    assert_eq!(of(&cabinet), "Error unsupported-format not-checked");
    assert_eq!(of(&installer), "Valid ok list.cat");
    assert_eq!(of(&[&installer[..], &[0]].concat()), "Error unsupported-format none");
}

/// What says that a list is a catalog may stand behind thousands of digest algorithms, or among other usages.
#[test]
fn a_catalog_says_late_that_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let member = || seq(&[raw(&authentihash(&image(), Hash::Sha256))]);
    let of_usages = |usages: &[Der]| {
        let fields =
            [seq(usages), octets(&[7; 16]), utc_time("20250301120000Z"), seq(&[oid(MEMBER_V2), null()]), member()];
        seq(&fields)
    };
    let mut usages: Vec<Der> = (20..60).map(|last| oid(&format!("1.3.6.1.4.1.311.10.3.{last}"))).collect();
    let others = of_usages(&usages);
    usages.push(oid(CATALOG_LIST));
    let of = |algorithms: usize, list: Der| {
        let digest_algs = Some(vec![Hash::Sha256.alg(); algorithms]);
        let file = catalog(list, Signature { digest_algs, ..Signature::default() });
        fs::write(folder.join("late.cat"), &file).unwrap();
        let itself = judged(folder, &file, &[]);
        let format = itself["format"].as_str().unwrap().to_owned();
        let listed = (format == "cat").then(|| verdict(folder, &image(), &["--catalog", "late.cat"]));
        (format, itself["status"].as_str().unwrap().to_owned(), listed)
    };
    let is_one = ("cat".to_owned(), "Valid".to_owned(), Some("Valid/ok".to_owned()));
    let is_none = ("pkcs7".to_owned(), "Error".to_owned(), None);
    assert_eq!(of(1, of_usages(&usages)), is_one);
    assert_eq!(of(400, of_usages(&usages)), is_one);
    assert_eq!(of(4000, of_usages(&usages[40..])), is_one);
    assert_eq!(of(5000, of_usages(&usages[40..])), is_none);
    assert_eq!(of(1, others), is_none);
}

/// The octets that a program's digest covers, as a file: its digest is the program's, and it is another program.
#[test]
fn a_program_is_listed_by_what_authenticode_covers_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let at = Offsets::of(&image());
    let directory = at.directory.unwrap();
    let covered = [&image()[..at.checksum], &image()[at.checksum + 4..directory], &image()[directory + 8..]].concat();
    assert_eq!(Hash::Sha256.digest(&covered), authentihash(&image(), Hash::Sha256));
    listing(folder);
    for hashes in ["none", "sha256", "all"] {
        let options = ["--catalog", "list.cat", "--hashes", hashes];
        assert_eq!(verdict(folder, &covered, &options), "Unsigned/no-signature");
        assert_eq!(verdict(folder, &image(), &options), "Valid/ok");
    }
}

/// Anybody can put a genuine catalog into the unsigned attributes of a list that he made.
#[test]
fn a_catalog_is_believed_by_the_signature_over_its_list() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let genuine = catalog(list(MEMBER_V2, &[raw(&Hash::Sha256.digest(TEXT))]), Signature::default());
    let forged = Signature { bend_signature: |value| flip(value), ..Signature::default() }.add(nested(vec![genuine]));
    let members = [raw(&authentihash(&image(), Hash::Sha256))];
    let forged = catalog(list(MEMBER_V2, &members), forged);
    fs::write(folder.join("forged.cat"), &forged).unwrap();
    for policy in ["primary", "any", "best", "all"] {
        let options = ["--catalog", "forged.cat", "--signature", policy];
        assert_eq!(verdict(folder, &image(), &options), "Invalid/signer-signature", "{policy}");
        assert_eq!(verdict(folder, &forged, &["--signature", policy]), "Invalid/signer-signature", "{policy}");
    }
}

#[test]
fn a_signed_catalog_does_not_become_unsigned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sound = catalog(list(MEMBER_V2, &[raw(&Hash::Sha256.digest(TEXT))]), Signature::default());
    assert_eq!(verdict(folder, &sound, &[]), "Valid/ok");
    assert_eq!(verdict(folder, &extended(&sound, &[1, 0], &set(&[])), &[]), "Invalid/malformed");
    let unsigned = catalog(list(MEMBER_V2, &[]), Signature { signers: 0, ..Signature::default() });
    assert_eq!(verdict(folder, &unsigned, &[]), "Unsigned/no-signature");
    assert_eq!(verdict(folder, &extended(&unsigned, &[1, 0], &set(&[])), &[]), "Invalid/malformed");
}

/// Other length forms, another outer algorithm: octets that nobody signed, and another thumbprint.
#[test]
fn a_certificate_that_is_spelled_otherwise_is_disallowed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let der = leaf().der();
    fs::write(folder.join("leaf.pem"), pem(&der)).unwrap();
    let hex = |digest: Vec<u8>| digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    fs::write(folder.join("sha1.txt"), hex(Hash::Sha1.digest(&der))).unwrap();
    let [tbs, algorithm, value] = elements(split(&der).0)[..] else { unreachable!() };
    let spelled = [
        tlv_long_length(0x30, split(&der).0),
        [tbs, &seq(&[elements(split(algorithm).0)[0].to_vec()]), value].concat(),
        [tbs, algorithm, &tlv_long_length(0x03, split(value).0)].concat(),
    ];
    let [longer, other, value] = spelled;
    for (name, cert) in
        [("as it is", der.clone()), ("length", longer), ("algorithm", seq(&[other])), ("value", seq(&[value]))]
    {
        let certs = vec![cert, inter().der()];
        let file = sign(&image(), &Signature { certs, ..Signature::by(Key::Leaf) });
        assert_eq!(verdict(folder, &file, &[]), "Valid/ok", "{name}");
        for list in ["leaf.pem", "sha1.txt"] {
            assert_eq!(verdict(folder, &file, &["--disallowed", list]), "Untrusted/explicit-distrust", "{name} {list}");
        }
    }
}

/// Below a page of SectionAlignment the file is mapped as it stands, table included.
#[test]
fn a_program_that_begins_in_its_table_is_signed_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let of = |alignment: u32, subsystem: u16, entry_point: u32| {
        let mut file = padded(&Pe { alignment: (alignment, 0x200), subsystem, ..Pe::pe64() }.bytes());
        let at = Offsets::of(&file).checksum - 64 + 16;
        let address = file.len() as u32 + entry_point;
        file[at..at + 4].copy_from_slice(&address.to_le_bytes());
        let file = attach(&file, &entry(&Signature::default().build(&file)));
        let record = judged(folder.path(), &file, &[]);
        (record["reason"].as_str().unwrap().to_owned(), table_anomalies(&record).join(" "))
    };
    let sound = || ("ok".to_owned(), String::new());
    assert_eq!(of(0x200, 3, 0x20), ("malformed".to_owned(), "entry-in-table".to_owned()));
    assert_eq!(of(0x200, 3, 0x20_0000), sound(), "behind the file");
    assert_eq!(of(0x1000, 3, 0x20), sound(), "mapped by sections");
    assert_eq!(of(0x200, 10, 0x20), sound(), "firmware maps by sections whatever the alignment");
}

/// The program, below a page of SectionAlignment or not, with a data directory that many octets from its table, and signed.
fn with_directory(pe: &Pe, library: bool, index: usize, (from_table, size): (i32, u32)) -> Vec<u8> {
    let mut file = padded(&pe.bytes());
    let at = Offsets::of(&file);
    if library {
        put16(&mut file, at.checksum - 64 - 2, 0x2022);
    }
    put32(&mut file, at.checksum - 64 + 16, 0x200);
    let address = file.len() as u32;
    put32(&mut file, at.directory_count + 4 + 8 * index, address.wrapping_add_signed(from_table));
    put32(&mut file, at.directory_count + 8 + 8 * index, size);
    attach(&file, &entry(&Signature::default().build(&file)))
}

/// Imports, callbacks, exports and whatever else the loader reads: below a page of SectionAlignment addresses are offsets.
#[test]
fn what_a_program_without_sections_reads_from_its_table_is_signed_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let of = |pe: &Pe, library: bool, index: usize, place: (i32, u32)| {
        let record = judged(folder.path(), &with_directory(pe, library, index, place), &[]);
        (record["reason"].as_str().unwrap().to_owned(), table_anomalies(&record).join(" "))
    };
    let sound = || ("ok".to_owned(), String::new());
    let hidden = || ("malformed".to_owned(), "directory-in-table".to_owned());
    for alone in [Pe::pe32(), Pe::pe64()] {
        let flat = Pe { alignment: (0x20, 0x20), ..alone.clone() };
        for index in (0..16).filter(|index| *index != 4) {
            assert_eq!(of(&flat, false, index, (0x20, 40)), hidden(), "{index}");
            assert_eq!(of(&alone, false, index, (0x20, 40)), sound(), "{index}");
        }
        // To the table, into it, at its start without a size, behind the file.
        for (place, expected) in
            [((-8, 8), sound()), ((-8, 9), hidden()), ((0, 0), hidden()), ((0x20_0000, 40), sound())]
        {
            assert_eq!(of(&flat, false, 9, place), expected, "{place:?}");
        }
        // Windows starts no firmware, and loads it as a library all the same.
        for (subsystem, library, expected) in
            [(10, false, sound()), (10, true, hidden()), (16, true, hidden()), (3, true, hidden())]
        {
            let pe = Pe { subsystem, ..flat.clone() };
            assert_eq!(of(&pe, library, 1, (0x20, 40)), expected, "{subsystem} {library}");
        }
    }
}

/// A file that is all headers, of which SizeOfOptionalHeader counts those up to the security directory entry. The loader reads as
/// many data directories as NumberOfRvaAndSizes says, and the others are the table's first entry.
#[test]
fn a_header_that_goes_on_in_the_table_is_signed_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let of = |count: u32, callbacks: u32, alignment: u32| {
        let mut file = Pe { alignment: (alignment, alignment), sections: Vec::new(), ..Pe::pe64() }.bytes();
        let at = Offsets::of(&file);
        let end = at.directory.unwrap() + 8;
        file.truncate(end);
        let optional = at.checksum - 64;
        put16(&mut file, optional - 4, (end - optional) as u16);
        for (field, value) in [(16, 0x40), (60, end as u32)] {
            put32(&mut file, optional + field, value);
        }
        put32(&mut file, at.directory_count, count);
        let mut others = [0; 80];
        put32(&mut others, 8 * 4 - 8, callbacks);
        let first = win_certificate(88, REVISION_2, TYPE_X509, &others);
        let table = [first, entry(&Signature::default().build(&file))].concat();
        let record = judged(folder.path(), &attach(&file, &table), &[]);
        (record["reason"].as_str().unwrap().to_owned(), table_anomalies(&record).join(" "))
    };
    let told = |reason: &str, codes: &str| (reason.to_owned(), format!("table-entry-type{codes}"));
    assert_eq!(of(5, 0, 0x1000), told("ok", ""));
    assert_eq!(of(6, 0, 0x1000), told("malformed", " table-in-headers"));
    assert_eq!(of(16, 0, 0x1000), told("malformed", " table-in-headers"));
    assert_eq!(of(16, 0x200, 0x1000), told("malformed", " table-in-headers"));
    assert_eq!(of(16, 0x200, 4), told("malformed", " directory-in-table table-in-headers"));
}

/// A section's header that lies over CheckSum or the entry of the table, neither of which is digested.
#[test]
fn a_section_header_in_what_is_left_out_is_signed_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let of_size = |size: u16, sections: u16| {
        let mut file = padded(&Pe::pe32().bytes());
        let optional = Offsets::of(&file).checksum - 64;
        put16(&mut file, optional - 4, size);
        put16(&mut file, optional - 18, sections);
        file
    };
    for (size, sections, reason, codes) in [
        (28, 1, "malformed", "fields-overlaid"),
        (28, 0, "malformed", "fields-overlaid"),
        (68, 1, "malformed", "fields-overlaid"),
        (135, 1, "malformed", "fields-overlaid"),
        (136, 1, "ok", ""),
    ] {
        let file = of_size(size, sections);
        let signed = attach(&file, &entry(&Signature::default().build(&file)));
        let record = judged(folder, &signed, &[]);
        assert_eq!((record["reason"].as_str().unwrap(), table_anomalies(&record).join(" ").as_str()), (reason, codes));
        // Unsigned, it is in no catalog either: what its section may do is not in its digest.
        let listed = list(MEMBER_V2, &[raw(&authentihash(&file, Hash::Sha256))]);
        fs::write(folder.join("size.cat"), catalog(listed, Signature::default())).unwrap();
        let expected = if reason == "ok" { "Valid/ok" } else { "Unsigned/no-signature" };
        assert_eq!(verdict(folder, &file, &["--catalog", "size.cat"]), expected, "{size} {sections}");
    }
}

/// Who has an ECDSA signature (r, s) has (r, n - s), too, which is as good and gives the certificate another thumbprint.
#[test]
fn a_certificate_with_the_other_ecdsa_signature_is_disallowed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let root = authority(dn("Fixture Curve Root"), Key::P256, 5);
    let leaf = Cert::own(dn("Fixture Publisher"), Key::Leaf, &[1]).valid("20240101000000Z", "20280101000000Z");
    let der = leaf.with(eku(&[CODE_SIGNING])).by(&dn("Fixture Curve Root"), Key::P256).der();
    fs::write(folder.join("root.pem"), pem(&root.der())).unwrap();
    fs::write(folder.join("leaf.pem"), pem(&der)).unwrap();
    let [tbs, algorithm, value] = elements(split(&der).0)[..] else { unreachable!() };
    let [r, s] = elements(split(&split(value).0[1..]).0)[..] else { unreachable!() };
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let octets = |text: &str| (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
    let mut twin: Vec<u8> = octets(order);
    let mut borrow = 0i16;
    let mut number = split(s).0.to_vec();
    number.reverse();
    for (at, octet) in twin.iter_mut().rev().enumerate() {
        let digit = i16::from(*octet) - i16::from(*number.get(at).unwrap_or(&0)) - borrow;
        borrow = i16::from(digit < 0);
        *octet = (digit & 0xff) as u8;
    }
    let twin = tlv(2, &[&[0][..usize::from(twin[0] >= 0x80)], &twin].concat());
    let value = tlv(3, &[&[0][..], &seq(&[r.to_vec(), twin])].concat());
    let other = seq(&[tbs.to_vec(), algorithm.to_vec(), value]);
    assert_ne!(other, der);
    for cert in [der, other] {
        let file = sign(&image(), &Signature { certs: vec![cert.clone()], ..Signature::with(cert, Key::Leaf) });
        let root = ["--trust-store", "root.pem"];
        assert_eq!(verdict(folder, &file, &root), "Valid/ok");
        let both = [&root[..], &["--disallowed", "leaf.pem"]].concat();
        assert_eq!(verdict(folder, &file, &both), "Untrusted/explicit-distrust");
    }
}

/// What follows the first signature in the table takes no verdict away, and never costs more than one signature may.
#[test]
fn later_entries_hide_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let table = entry(&Signature::default().build(&image()));
    let many = |count: usize, size: usize| entry(&tlv_long_length(0x30, &vec![0; size])).repeat(count);
    let vast = attach(&image(), &[&table[..], &many(1, 17 << 20)].concat());
    let together = attach(&image(), &[&table[..], &many(5, 4 << 20)].concat());
    for file in [vast, together] {
        let record = judged(folder, &file, &[]);
        assert_eq!(record["status"], "Valid");
        let codes: Vec<&str> =
            record["anomalies"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert!(codes.contains(&"table-entries"), "{codes:?}");
    }
    let strangers = entry_of(REVISION_2, 1, &[]).repeat(64);
    assert_eq!(verdict(folder, &attach(&image(), &[&strangers[..], &table].concat()), &[]), "Error/limit");
}

/// Of a list that the user gave and somebody else than the issuer signed: junk that the file brings along takes no candidate's
/// place.
#[test]
fn a_crowd_of_namesakes_does_not_hide_who_signed_a_given_list() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let of = |name: &str| testdata().join(name).to_str().unwrap().to_owned();
    let given = [of("crl/root.pem"), of("crl/delegated-leaf-before.crl"), of("intermediates/crl-signer.pem")];
    let options = ["--crl", &given[0], "--crl", &given[1], "--intermediates", &given[2]];
    for count in [0, 7, 8, 40] {
        let junk =
            (0..count).map(|number| Cert::own(inter_name(), Key::Other, &[0x0d, number]).without(SUBJECT_KEY_ID).der());
        let certs = [leaf().der(), inter().der()].into_iter().chain(junk).collect();
        let file = sign(&image(), &Signature { certs, ..Signature::default() });
        assert_eq!(verdict(folder, &file, &options), "Revoked/cert-revoked", "{count}");
    }
}

/// Junk in a timestamp's bag may cost the search for its authority's chain all that it may try. What is not known then is no
/// reason to call the authority untrusted, or the signer expired.
#[test]
fn a_crowd_around_a_time_authority_is_a_limit_and_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let name = dn("Fixture Stamping CA");
    let issuing =
        authority(name.clone(), Key::P256, 0x51).by(&tsa_root_name(), Key::TsaRoot).with(aki(&Key::TsaRoot.id()));
    let stamping = tsa().without(AUTHORITY_KEY_ID).by(&name, Key::P256).with(aki(&Key::P256.id())).der();
    for (count, told) in [(0, "Valid/ok"), (31, "Valid/ok"), (32, "Error/limit")] {
        let junk = (0..count).map(|number: u8| {
            let mut cert = Cert::own(name.clone(), Key::Other, &[0x01, number]).with(ski(&Key::P256.id()));
            cert.spki[60] ^= number + 1;
            cert.by(&tsa_root_name(), Key::Other).der()
        });
        let mut token = Token::at("20250301120000Z").from(stamping.clone());
        token.certs.extend(junk);
        token.certs.push(issuing.der());
        let file = sign(&image(), &Signature::default().add(token.attribute()));
        let record = judged(folder.path(), &file, &[]);
        let found = format!("{}/{}", record["status"].as_str().unwrap(), record["reason"].as_str().unwrap());
        let codes: Vec<&str> =
            record["anomalies"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert_eq!((found.as_str(), codes.contains(&"path-limit")), (told, count == 32), "{count} {codes:?}");
    }
}

/// A signed file with fields of its second section set before: VirtualSize, SizeOfRawData, PointerToRawData.
fn with_section(virtual_size: u32, size: u32, raw: u32) -> Vec<u8> {
    let mut file = padded(&Pe { overlay: vec![0x90; 0x1000], ..Pe::pe64() }.bytes());
    let row = Offsets::of(&file).checksum - 64 + 240 + 40;
    for (at, value) in [(8, virtual_size), (16, size), (20, raw)] {
        file[row + at..row + at + 4].copy_from_slice(&value.to_le_bytes());
    }
    attach(&file, &entry(&Signature::default().build(&file)))
}

/// What is odd about the place of the table.
fn table_anomalies(record: &Value) -> Vec<&str> {
    let codes = record["anomalies"].as_array().unwrap().iter().map(|anomaly| anomaly["code"].as_str().unwrap());
    let known = ["entry-in-table", "directory-in-table", "fields-overlaid"];
    codes.filter(|code| code.starts_with("table-") || known.contains(code)).collect()
}

/// The digest leaves the table out, so that anybody may change what is loaded from there.
#[test]
fn code_that_is_loaded_from_the_table_is_signed_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let table = padded(&Pe { overlay: vec![0x90; 0x1000], ..Pe::pe64() }.bytes()).len() as u32;
    let of = |file: &[u8]| {
        let record = judged(folder, file, &[]);
        let who = if record["signatures"][0]["claimed_signer"].is_object() { "claimed" } else { "proven" };
        let reason = record["reason"].as_str().unwrap().to_owned();
        (reason, who, table_anomalies(&record).join(" "))
    };
    let inside = |reason: &str, code: &str| (reason.to_owned(), "claimed", code.to_owned());
    assert_eq!(of(&with_section(0x400, 0x400, table)), inside("malformed", "table-in-section"));
    assert_eq!(of(&with_section(0, 0x1008, table - 0x1000)), inside("malformed", "table-in-section"));
    // Raw data that goes on into the table, of which the loader takes a page and no more; and none at all.
    let sound = || ("ok".to_owned(), "proven", String::new());
    assert_eq!(of(&with_section(0x1000, 0x1008, table - 0x1000)), sound());
    assert_eq!(of(&with_section(0x1001, 0x1008, table - 0x1000)), inside("malformed", "table-in-section"));
    assert_eq!(of(&with_section(0x2000, table + 0x100, 0)), sound());
    // Behind the end there is nothing to be loaded, but sectors are read whole.
    let length = with_section(0, 0, 0).len() as u32;
    assert_eq!(of(&with_section(0x400, 0x400, length.next_multiple_of(0x200))), sound());
    assert_eq!(of(&with_section(8, 8, length - 8)), inside("malformed", "table-in-section"));
    assert_eq!(of(&with_section(8, 8, length)), inside("malformed", "table-in-section"));
    // Headers that are loaded with a part of the table.
    let mut file = padded(&Pe::pe64().bytes());
    let at = Offsets::of(&file).checksum - 4;
    let header_size = file.len() as u32 + 8;
    file[at..at + 4].copy_from_slice(&header_size.to_le_bytes());
    let file = attach(&file, &entry(&Signature::default().build(&file)));
    assert_eq!(of(&file), inside("malformed", "table-in-headers"));
}

/// Whose certificate is over answers for nobody any more, whatever dates he writes.
#[test]
fn an_expired_responder_clears_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let file = sign(&image(), &Signature::default());
    let root_list = Crl::by(root_name(), Key::Root).with(aki(&Key::Root.id())).der();
    fs::write(folder.join("root.crl"), root_list).unwrap();
    let lists = ["--ocsp", "leaf.ocsp", "--crl", "root.crl", "--require-revocation"];
    for (end, expected) in [("20260602000000Z", "Valid/ok"), ("20260531235959Z", "Untrusted/revocation-unknown")] {
        let responder = Cert::own(dn("Fixture Responder"), Key::Other, &[0x0c]).valid("20260101000000Z", end);
        let responder = responder.with(eku(&[OCSP_SIGNING])).with(ocsp_no_check()).by(&inter_name(), Key::Inter);
        let response = Ocsp { certs: vec![responder.der()], ..Ocsp::by(Key::Other) };
        let response = response.about(&inter_name(), Key::Inter, &leaf().serial, Said::Good);
        fs::write(folder.join("leaf.ocsp"), response.der()).unwrap();
        assert_eq!(verdict(folder, &file, &lists), expected, "{end}");
    }
}
