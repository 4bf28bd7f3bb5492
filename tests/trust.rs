//! Disallowed lists and store files: what is believed of them, and what the program does with them.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::Path;

use lab::cast;
use lab::catalogue::AT;
use lab::der::{alg, split};
use lab::keys::Hash;
use lab::trustlist::{DISALLOWED_LIST, ROOT_LIST_SIGNER, TrustList};
use sigscan::trust::{Disallowed, Provenance, RootFacts, TrustStore, root_from_certificate};
use sigscan::{Options, Scanner, Time};

/// The cast's roots, the publisher's as one that is built into Windows.
fn anchors() -> TrustStore {
    let root = |der: &[u8]| RootFacts { built_in: true, ..root_from_certificate(der).unwrap() };
    let roots = [root(&cast::root().der()), root_from_certificate(&cast::tsa_root().der()).unwrap()];
    TrustStore::from_roots(&Provenance::default(), &roots)
}

fn load(folder: &Path) -> Result<Disallowed, String> {
    Disallowed::load(&[folder.to_owned()], &anchors()).map_err(|error| error.to_string())
}

/// The lists of a folder with these files.
fn lists(files: &[(&str, Vec<u8>)]) -> Result<Disallowed, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let loaded = load(folder.path());
    loaded.map_err(|message| message.replace(&format!("{}/", folder.path().display()), ""))
}

/// `Status/reason`, and what the certificates of the chain are named by.
fn judged(fixture: &str, disallowed: Disallowed) -> (String, Vec<String>) {
    let bytes = fs::read(program::testdata().join("fixtures").join(fixture)).unwrap();
    let options = Options::at(Time::parse_rfc3339(AT).unwrap());
    let record = Scanner::with_trust(options, anchors().with_disallowed(disallowed)).scan_bytes("file", &bytes);
    let chain = record.signatures[0].chain.iter().enumerate();
    let named = chain.filter_map(|(place, one)| one.disallowed.as_ref().map(|by| format!("{place} {}", by.kind)));
    (program::verdict(&record).0, named.collect())
}

const DISTRUST: &str = "Untrusted/explicit-distrust";

/// CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID: MD5 of the octets of the key's BIT STRING.
fn key_md5(spki: &[u8]) -> Vec<u8> {
    let content = split(spki).0;
    let key = lab::der::elements(content)[1];
    Hash::Md5.digest(&split(key).0[1..])
}

#[test]
fn microsofts_disallowed_list_names_certificates_by_signature_hash_and_key() {
    let sound = |list: TrustList| lists(&[("disallowedcert.stl", list.stl())]).unwrap();
    let of = |hash: &[u8]| sound(TrustList::disallowed(&[&[7; 20], hash, &[9; 16]]));
    let cases = [
        (of(&cast::signature_hash(&cast::leaf())), "0 signature hash"),
        (of(&cast::signature_hash(&cast::inter())), "1 signature hash"),
        (of(&cast::signature_hash(&cast::root())), "2 signature hash"),
        (of(&key_md5(&cast::leaf().spki)), "0 public key MD5"),
        (of(&key_md5(&cast::inter().spki)), "1 public key MD5"),
        (of(&key_md5(&cast::root().spki)), "2 public key MD5"),
    ];
    for (list, named) in cases {
        assert_eq!(judged("disallowed.exe", list), (DISTRUST.to_owned(), vec![named.to_owned()]));
    }
    // A thumbprint in that list is no signature hash, and nobody's.
    assert_eq!(judged("disallowed.exe", of(&Hash::Sha1.digest(&cast::leaf().der()))).0, "Valid/ok");
    // The list's own algorithm says what its entries are.
    let by_thumbprint = |hash: Hash| {
        let entry = hash.digest(&cast::leaf().der());
        sound(TrustList { algorithm: hash.alg(), ..TrustList::disallowed(&[&entry]) })
    };
    for hash in [Hash::Sha1, Hash::Sha256] {
        assert_eq!(judged("disallowed.exe", by_thumbprint(hash)).1, ["0 thumbprint"]);
    }
    let by_key = TrustList {
        algorithm: alg("1.3.6.1.4.1.311.10.11.25"),
        ..TrustList::disallowed(&[&key_md5(&cast::leaf().spki)])
    };
    assert_eq!(judged("disallowed.exe", sound(by_key)).1, ["0 public key MD5"]);
}

#[test]
fn entries_of_no_known_kind_are_counted() {
    let hash = cast::signature_hash(&cast::leaf());
    let list = TrustList::disallowed(&[&hash, &[1; 15], &[2; 33], &[], &[3; 20]]);
    let loaded = lists(&[("disallowedcert.stl", list.stl())]).unwrap();
    let [described] = loaded.lists() else { panic!("one list") };
    assert_eq!((described.entries, described.unreadable), (2, 3));
    assert_eq!(described.sequence.as_deref(), Some("1401"));
    assert!(described.title().ends_with("/disallowedcert.stl of 2025-10-01T00:00:00Z"), "{}", described.title());
    let other = TrustList { algorithm: alg("1.2.3.4"), ..list };
    let refused = "disallowedcert.stl: the trust list is refused: its entries are made by 1.2.3.4";
    assert_eq!(lists(&[("disallowedcert.stl", other.stl())]).unwrap_err(), refused);
}

#[test]
fn a_disallowed_list_is_believed_for_its_signature_its_usage_and_its_root() {
    let hash = cast::signature_hash(&cast::leaf());
    let sound = TrustList::disallowed(&[&hash]);
    let refusal = |list: &TrustList| lists(&[("list.stl", list.stl())]).unwrap_err();
    let refused = |why: &str| format!("list.stl: the trust list is refused: {why}");
    assert_eq!(refusal(&TrustList { broken: true, ..sound.clone() }), refused("its signature does not verify"));
    let usages: &[&str] = &[ROOT_LIST_SIGNER, lab::ca::CODE_SIGNING];
    let wrong_signer = TrustList { signer_usages: usages, ..sound.clone() };
    assert_eq!(refusal(&wrong_signer), refused("its signer may not sign such lists"));
    // Under the embedded store, whose built-in roots are Microsoft's, the cast may not sign lists.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.stl");
    fs::write(&path, sound.stl()).unwrap();
    let stranger = Disallowed::load(std::slice::from_ref(&path), &TrustStore::embedded()).unwrap_err().to_string();
    assert!(stranger.ends_with("its signer does not chain to a root that is built into Windows"), "{stranger}");
    // Another list, when named itself; beside others in a folder it is passed over.
    let roots = TrustList { usage: ROOT_LIST_SIGNER, signer_usages: &[DISALLOWED_LIST], ..sound.clone() };
    fs::write(&path, roots.stl()).unwrap();
    assert!(load(&path).unwrap_err().ends_with("it is no disallowed list"));
    let both = [("authroot.stl", roots.stl()), ("disallowedcert.stl", sound.stl()), ("readme", b"# hi".to_vec())];
    assert_eq!(lists(&both).unwrap().lists().len(), 1);
}

#[test]
fn of_several_lists_of_microsofts_the_latest_counts() {
    let (leaf, inter) = (cast::signature_hash(&cast::leaf()), cast::signature_hash(&cast::inter()));
    let old = TrustList::disallowed(&[&leaf]).stl();
    let new = TrustList { this_update: "20260101000000Z", ..TrustList::disallowed(&[&inter]) }.stl();
    for files in [[("a.stl", old.clone()), ("b.stl", new.clone())], [("a.stl", new.clone()), ("b.stl", old.clone())]] {
        let loaded = lists(&files).unwrap();
        let superseded: Vec<bool> = loaded.lists().iter().map(|list| list.superseded).collect();
        assert_eq!(superseded, if files[0].1 == old { [true, false] } else { [false, true] });
        assert_eq!(judged("disallowed.exe", loaded).1, ["1 signature hash"]);
    }
}

#[test]
fn lists_of_ones_own_say_which_line_is_wrong_and_folders_hold_what_they_hold() {
    let thumbprint = format!("{}\n", "0".repeat(40));
    let bad = lists(&[("own.txt", format!("# mine\n{thumbprint}0123\n").into_bytes())]).unwrap_err();
    assert_eq!(bad, "own.txt: line 3 is neither a thumbprint nor a tbs: or spki: hash");
    let passed_over = [("notes.txt", b"nothing to see\n".to_vec()), ("own.txt", thumbprint.into_bytes())];
    assert_eq!(lists(&passed_over).unwrap().lists().len(), 1);
    let nothing = lists(&[("notes.txt", b"nothing to see\n".to_vec())]).unwrap_err();
    assert!(nothing.ends_with("no disallowed list, no certificate and no list of hashes in it"), "{nothing}");
}
