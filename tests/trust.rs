//! Disallowed lists and store files: what is believed of them, and what the program does with them.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "lab/mod.rs"]
mod lab;
#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lab::cast;
use lab::catalogue::AT;
use lab::der::{alg, oid, split};
use lab::keys::Hash;
use lab::trustlist::{DISALLOWED_LIST, ROOT_LIST_SIGNER, TrustList, filetime, property};
use sigscan::trust::{Disallowed, LimitDate, Provenance, RootFacts, TrustStore, Update, encode, root_from_certificate};
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

fn sigscan(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sigscan")).args(args).current_dir(folder).output().unwrap()
}

/// What the program writes, once it has succeeded.
fn said(args: &[&str], folder: &Path) -> String {
    let output = sigscan(args, folder);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What it complains about, once it has failed.
fn complaint(args: &[&str], folder: &Path) -> String {
    let output = sigscan(args, folder);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert!(output.stdout.is_empty(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A folder with a store file of the cast's roots, the publisher's bent.
fn store_in(folder: &Path, name: &str, roots: &[RootFacts]) -> PathBuf {
    let date = "2025-10-01T00:00:00Z".to_owned();
    let provenance = Provenance { name: name.to_owned(), date, sequence: "1401".to_owned(), ..Provenance::default() };
    let path = folder.join(name);
    fs::write(&path, encode(&provenance, roots)).unwrap();
    path
}

fn usage(dotted: &str) -> Vec<u8> {
    split(&oid(dotted)).0.to_vec()
}

fn built_in_root() -> RootFacts {
    RootFacts { built_in: true, ..root_from_certificate(&cast::root().der()).unwrap() }
}

fn time_root() -> RootFacts {
    root_from_certificate(&cast::tsa_root().der()).unwrap()
}

/// The root for curves, limited in every way.
fn limited_root() -> RootFacts {
    RootFacts {
        program: true,
        friendly_name: Some("Curve\u{1b}[31m\u{202e}".to_owned()),
        usages: Some(vec![usage(lab::ca::CODE_SIGNING)]),
        not_before_limit: LimitDate::At(Time::parse_rfc3339("2024-05-01T00:00:00Z").unwrap()),
        disabled: LimitDate::At(Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()),
        disabled_usages: Some(vec![usage(lab::ca::CODE_SIGNING)]),
        ..root_from_certificate(&cast::ec_root().der()).unwrap()
    }
}

#[test]
fn a_damaged_store_file_is_an_error_and_trusts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = store_in(folder.path(), "lab.store", &[built_in_root(), time_root()]);
    let file = program::testdata().join("fixtures/disallowed.exe");
    let scan = ["--json", "--at", AT, "--trust-store", "lab.store", file.to_str().unwrap()];
    assert!(said(&scan, folder.path()).contains(r#""status":"Valid""#));
    let sound = fs::read(&path).unwrap();
    let refused = "sigscan: lab.store: the store file is damaged or of another version: nothing in it is trusted\n";
    for at in (0..sound.len()).step_by(101).chain([7, 8, 39, 40, sound.len() - 1]) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x20;
        fs::write(&path, &damaged).unwrap();
        let said = complaint(&scan, folder.path());
        // A file that does not even begin like one is no store file, and no certificate either.
        let none = "sigscan: lab.store: no certificate and no trust list in it\n";
        assert_eq!(said, if at < 7 { none } else { refused }, "octet {at}");
    }
    for length in [40, 60, sound.len() - 1] {
        fs::write(&path, &sound[..length]).unwrap();
        assert_eq!(complaint(&scan, folder.path()), refused, "{length} octets");
    }
}

#[test]
fn two_stores_are_compared_field_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let freed = RootFacts { disabled: LimitDate::Cleared, not_before_limit: LimitDate::Absent, ..limited_root() };
    store_in(folder.path(), "old", &[built_in_root(), limited_root()]);
    store_in(folder.path(), "new", &[freed, time_root()]);
    let expected = "\
- CN=Fixture Root, O=Sigscan Fixtures, C=XX
    sha1 ROOT
+ CN=Fixture Time Root, O=Sigscan Fixtures, C=XX
    sha1 TSA
~ CN=Fixture Curve Root, O=Sigscan Fixtures, C=XX
    sha1 CURVE
    not_before
      - 2024-05-01T00:00:00Z: all
      + -
    disabled
      - 2026-01-01T00:00:00Z: code signing
      + cleared: code signing
1 removed, 1 added, 1 changed
";
    let sha1 = |cert: &lab::ca::Cert| -> String {
        Hash::Sha1.digest(&cert.der()).iter().map(|octet| format!("{octet:02x}")).collect()
    };
    let expected = expected.replace("ROOT", &sha1(&cast::root())).replace("TSA", &sha1(&cast::tsa_root()));
    let expected = expected.replace("CURVE", &sha1(&cast::ec_root()));
    assert_eq!(said(&["trust", "diff", "old", "new"], folder.path()), expected);
    assert_eq!(said(&["trust", "diff", "old", "old"], folder.path()), "0 removed, 0 added, 0 changed\n");
    let lines = said(&["trust", "diff", "old", "new", "--json"], folder.path());
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let words: Vec<&str> = lines.iter().map(|line| line["change"].as_str().unwrap()).collect();
    assert_eq!(words, ["removed", "added", "changed"]);
    let fields = serde_json::json!({
        "not_before": { "old": { "from": "2024-05-01T00:00:00Z", "usages": null }, "new": null },
        "disabled": {
            "old": { "from": "2026-01-01T00:00:00Z", "usages": ["code signing"] },
            "new": { "from": "cleared", "usages": ["code signing"] },
        },
    });
    assert_eq!(lines[2]["fields"], fields);
}

#[test]
fn roots_are_listed_by_what_they_are_trusted_for() {
    let folder = tempfile::tempdir().unwrap();
    store_in(folder.path(), "lab", &[built_in_root(), limited_root(), time_root()]);
    let listed = |options: &[&str]| -> Vec<String> {
        let args = [&["trust", "list", "--trust-store", "lab"], options].concat();
        let names = said(&args, folder.path());
        names
            .lines()
            .filter_map(|line| line.strip_prefix("CN=Fixture ")?.split(',').next())
            .map(str::to_owned)
            .collect()
    };
    let (root, curve, time) = ("Root", "Curve Root", "Time Root");
    assert_eq!(listed(&[]), [curve, root, time]);
    assert_eq!(listed(&["--usage", "time-stamping"]), [root, time]);
    assert_eq!(listed(&["--usage", "code-signing", "--limited"]), [curve]);
    assert_eq!(listed(&["--usage", "code-signing", "--trusted-at", "2025-12-31T23:59:59Z"]), [curve, root, time]);
    assert_eq!(listed(&["--usage", "code-signing", "--at", "2026-01-01"]), [root, time]);
    assert_eq!(listed(&["--at", "2050-01-01"]), [""; 0]);
}

#[test]
fn one_root_is_shown_with_what_limits_it_and_nothing_that_a_terminal_obeys() {
    let folder = tempfile::tempdir().unwrap();
    store_in(folder.path(), "lab", &[built_in_root(), limited_root(), time_root()]);
    let show = |root: &str, at: &str| said(&["trust", "show", root, "--trust-store", "lab", "--at", at], folder.path());
    let text = show("Fixture Curve", "2025-06-01");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    let head: Vec<&str> = text.lines().take(5).collect();
    let expected = [
        "CN=Fixture Curve Root, O=Sigscan Fixtures, C=XX",
        "",
        "Code         Trusted for code signing, within limits.",
        "             Certificates issued from 2024-05-01T00:00:00Z on are not trusted; older ones are.",
        "             It will be disabled from 2026-01-01T00:00:00Z on: only signatures with a timestamp from before count then.",
    ];
    assert_eq!(head, expected);
    assert!(show("Fixture Curve", "2026-06-01").contains("Not trusted for code signing made now."));
    assert!(show("Fixture Root", "2026-06-01").contains("exempt from usages and dates"));
    let several = complaint(&["trust", "show", "fixture", "--trust-store", "lab"], folder.path());
    assert!(several.starts_with("sigscan: 3 roots are called fixture; name one by its thumbprint:\n  "), "{several}");
    assert_eq!(
        complaint(&["trust", "show", "nobody", "--trust-store", "lab"], folder.path()),
        "sigscan: no root of the store is called nobody\n"
    );
}

#[test]
fn facts_are_exported_and_certificates_only_where_there_are_some() {
    let folder = tempfile::tempdir().unwrap();
    store_in(folder.path(), "lab", &[limited_root(), time_root()]);
    let lines = said(&["trust", "export", "--trust-store", "lab"], folder.path());
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(first["disabled"]["from"], "2026-01-01T00:00:00Z");
    assert_eq!(first["signature_hash"].as_str().unwrap().len(), 64);
    let rows = said(&["trust", "export", "--trust-store", "lab", "--format", "csv"], folder.path());
    assert!(rows.starts_with("subject,friendly_name,thumbprint_sha1,"), "{rows}");
    assert_eq!(rows.lines().count(), 3);
    fs::write(folder.path().join("root.pem"), lab::der::pem(&cast::root().der())).unwrap();
    let both = ["trust", "export", "--pem", "--trust-store", "lab", "--trust-store", "root.pem"];
    let output = sigscan(&both, folder.path());
    assert_eq!(output.stdout, lab::der::pem(&cast::root().der()));
    let left_out = "sigscan: 2 roots of the store are known by their facts alone, and not written\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), left_out);
}

#[test]
fn the_program_takes_microsofts_list_from_whom_its_store_says_is_microsoft() {
    let folder = tempfile::tempdir().unwrap();
    store_in(folder.path(), "lab.store", &[built_in_root(), time_root()]);
    let hash = cast::signature_hash(&cast::leaf());
    fs::write(folder.path().join("disallowedcert.stl"), TrustList::disallowed(&[&hash, &[1; 15]]).stl()).unwrap();
    let file = program::testdata().join("fixtures/disallowed.exe");
    let file = file.to_str().unwrap();
    let lists = ["--disallowed", "disallowedcert.stl", "--at", AT, "--json", file];
    let output = sigscan(&[&["--trust-store", "lab.store"], &lists[..]].concat(), folder.path());
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&record["status"], &record["reason"]), (&"Untrusted".into(), &"explicit-distrust".into()));
    let list = "disallowedcert.stl of 2025-10-01T00:00:00Z";
    assert_eq!(record["trust_store"]["disallowed"], serde_json::json!([list]));
    let warning = "sigscan: disallowedcert.stl: 1 entry is no hash that is known here, and distrusts nothing\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), warning);
    // The embedded store knows Microsoft's roots, and those alone.
    let refused = "sigscan: --disallowed disallowedcert.stl: the trust list is refused: its signer does not chain to a \
                   root that is built into Windows\n";
    assert_eq!(complaint(&lists, folder.path()), refused);
    let trust = said(&["trust", "--trust-store", "lab.store", "--disallowed", "disallowedcert.stl"], folder.path());
    assert!(trust.ends_with(&format!("distrusting {list}: 1 entry, 1 more that is no hash known here\n")), "{trust}");
}

/// The store that updates start from: the publisher's root is built into Windows and of the programme, like two others.
fn programme(folder: &Path) {
    let root = RootFacts { program: true, ..built_in_root() };
    store_in(folder, "lab.store", &[root, RootFacts { program: true, ..time_root() }, limited_root()]);
}

/// A later list: one root has left, one is disabled, one is new, and of one nobody has the certificate.
fn later_list() -> TrustList {
    let disabled = property(104, &filetime("2026-03-01T00:00:00Z"));
    let later = TrustList { this_update: "20260101000000Z", sequence: 0x1402, ..TrustList::roots() };
    let later = later.root(&cast::root().der(), &[]).root(&cast::tsa_root().der(), &[disabled]);
    later.root(&newcomer(), &[]).root(&cast::old_root().der(), &[])
}

fn newcomer() -> Vec<u8> {
    cast::self_signed(lab::ca::dn("Fixture Newcomer")).der()
}

fn sha1_hex(der: &[u8]) -> String {
    Hash::Sha1.digest(der).iter().map(|octet| format!("{octet:02x}")).collect()
}

const UPDATE: [&str; 8] =
    ["trust", "update", "--trust-store", "lab.store", "--certificates", "new.pem", "--output", "new.store"];

#[test]
fn a_newer_list_makes_a_store_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    programme(folder.path());
    fs::write(folder.path().join("new.pem"), lab::der::pem(&newcomer())).unwrap();
    fs::write(folder.path().join("authroot.stl"), later_list().stl()).unwrap();
    let expected = format!(
        "\
new.store: lab.store of 2026-01-01T00:00:00Z
  sequence   1402
  roots      3, 3 of the programme, 1 built in
  new        1
  removed    1
  missing    1 root of the list, which --certificates did not give and which nothing trusts:
    {}
",
        sha1_hex(&cast::old_root().der())
    );
    let update = |from: &str| said(&[&UPDATE, &["--from", from][..]].concat(), folder.path());
    assert_eq!(update("authroot.stl"), expected);
    let diff = said(&["trust", "diff", "lab.store", "new.store"], folder.path());
    let expected_diff = format!(
        "\
- CN=Fixture Curve Root, O=Sigscan Fixtures, C=XX
    sha1 {}
+ CN=Fixture Newcomer, O=Sigscan Fixtures, C=XX
    sha1 {}
~ CN=Fixture Time Root, O=Sigscan Fixtures, C=XX
    sha1 {}
    disabled
      - -
      + 2026-03-01T00:00:00Z: all
1 removed, 1 added, 1 changed
",
        sha1_hex(&cast::ec_root().der()),
        sha1_hex(&newcomer()),
        sha1_hex(&cast::tsa_root().der())
    );
    assert_eq!(diff, expected_diff);
    let store = TrustStore::from_file(fs::read(folder.path().join("new.store")).unwrap()).unwrap();
    let provenance = store.provenance().next().unwrap();
    assert_eq!(provenance.missing, [sha1_hex(&cast::old_root().der())]);
    let known = "what was known of its roots: lab.store of 2025-10-01T00:00:00Z";
    assert_eq!(provenance.sources, ["authroot.stl", "new.pem", known]);
    // `sigscan trust` says it, too.
    let trust = said(&["trust", "--trust-store", "new.store"], folder.path());
    assert!(trust.contains("  missing    1 root of the list, not trusted\n"), "{trust}");

    // The same from a folder with the certificate beside the list, and from a cabinet as Microsoft ships it.
    let beside = folder.path().join("beside");
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("authroot.stl"), later_list().stl()).unwrap();
    fs::write(beside.join("new.crt"), newcomer()).unwrap();
    fs::write(beside.join("disallowedcert.stl"), TrustList::disallowed(&[&[1; 20]]).stl()).unwrap();
    let alone = ["trust", "update", "--trust-store", "lab.store", "--output", "new.store", "--from", "beside"];
    assert_eq!(said(&alone, folder.path()), expected);
    fs::write(folder.path().join("authrootstl.cab"), cabinet("authroot.stl", &later_list().stl())).unwrap();
    assert_eq!(update("authrootstl.cab"), expected);
}

fn cabinet(name: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut builder = cab::CabinetBuilder::new();
    builder.add_folder(cab::CompressionType::MsZip).add_file(name);
    let mut writer = builder.build(std::io::Cursor::new(Vec::new())).unwrap();
    while let Some(mut file) = writer.next_file().unwrap() {
        file.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn what_is_not_believable_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    programme(folder.path());
    fs::write(folder.path().join("new.pem"), lab::der::pem(&newcomer())).unwrap();
    fs::write(folder.path().join("new.store"), b"as it was").unwrap();
    let refused = |list: &[u8]| {
        fs::write(folder.path().join("list"), list).unwrap();
        let said = complaint(&[&UPDATE, &["--from", "list"][..]].concat(), folder.path());
        assert_eq!(fs::read(folder.path().join("new.store")).unwrap(), b"as it was");
        said.strip_prefix("sigscan: list: ").unwrap().trim_end().to_owned()
    };
    let why = |why: &str| format!("the root list is refused: {why}");
    let later = later_list();
    assert_eq!(refused(&TrustList { broken: true, ..later.clone() }.stl()), why("its signature does not verify"));
    let no_signer = TrustList { signer_usages: &[DISALLOWED_LIST], ..later.clone() };
    assert_eq!(refused(&no_signer.stl()), why("its signer may not sign such lists"));
    assert_eq!(refused(&TrustList::disallowed(&[]).stl()), why("it is no root list"));
    assert_eq!(refused(b"nothing"), why("it is no signed trust list"));
    assert!(refused(&cabinet("readme.txt", b"nothing")).ends_with("no trust list in the cabinet"));
    // The file's place among the uncompressed octets, behind header (36) and folder (8) and the file's size (4).
    let mut beyond = cabinet("authroot.stl", &later.stl());
    beyond[48..52].copy_from_slice(&0x7fff_0000u32.to_le_bytes());
    assert_eq!(refused(&beyond), "the cabinet cannot be read: an offset in it lies outside");
    assert!(refused(b"MSCF, and then nothing").starts_with("the cabinet cannot be read: "));
    // Under the embedded store the cast is nobody.
    fs::write(folder.path().join("list"), later.stl()).unwrap();
    let refusal = complaint(&["trust", "update", "--from", "list", "--output", "new.store"], folder.path());
    assert!(refusal.contains("its signer does not chain to a root that is built into Windows"), "{refusal}");
    // SHA-1 alone does not make a root: where the list says the SHA-256 too, it has to fit.
    let other = property(98, &[7; 32]);
    let forged = TrustList { this_update: "20260101000000Z", ..TrustList::roots() };
    fs::write(folder.path().join("list"), forged.root(&newcomer(), &[other]).stl()).unwrap();
    let made = said(&[&UPDATE, &["--from", "list"][..]].concat(), folder.path());
    assert!(made.contains("missing    1 root"), "{made}");
}

#[test]
fn an_older_list_is_refused_unless_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    programme(folder.path());
    fs::write(folder.path().join("new.pem"), lab::der::pem(&newcomer())).unwrap();
    let update = [&UPDATE, &["--from", "list"][..]].concat();
    let older_date = TrustList { this_update: "20250930235959Z", sequence: 0x1500, ..TrustList::roots() };
    let older_number = TrustList { this_update: "20260101000000Z", sequence: 0x1400, ..TrustList::roots() };
    let cases =
        [(older_date, "2025-09-30T23:59:59Z (sequence 1500)"), (older_number, "2026-01-01T00:00:00Z (sequence 1400)")];
    for (list, said_of_it) in cases {
        fs::write(folder.path().join("list"), list.root(&cast::root().der(), &[]).stl()).unwrap();
        let expected = format!(
            "sigscan: list: the root list is refused: it is of {said_of_it}, older than the store's of \
             2025-10-01T00:00:00Z (sequence 1401); --allow-rollback takes it all the same\n"
        );
        assert_eq!(complaint(&update, folder.path()), expected);
        assert!(!folder.path().join("new.store").exists());
    }
    let taken = said(&[&update[..], &["--allow-rollback"]].concat(), folder.path());
    assert!(taken.starts_with("new.store: lab.store of 2026-01-01T00:00:00Z\n  sequence   1400\n"), "{taken}");
    // The same list again is none that is older.
    let same = TrustList::roots().root(&cast::root().der(), &[]);
    fs::write(folder.path().join("list"), same.stl()).unwrap();
    assert!(said(&update, folder.path()).starts_with("new.store: "));
}

#[test]
fn a_list_from_the_future_is_refused() {
    let list = TrustList { this_update: "20260601000001Z", ..TrustList::roots() }.stl();
    let current = anchors();
    let made = |now: &str| {
        let now = Time::parse_rfc3339(now).unwrap();
        let (certificates, sources) = (&[][..], Vec::new());
        sigscan::trust::update(&Update {
            list: &list,
            certificates,
            current: &current,
            now,
            allow_rollback: false,
            sources,
        })
    };
    assert_eq!(made(AT).unwrap_err(), "it is of 2026-06-01T00:00:01Z, which is yet to come");
    // Roots that never were the programme's stay: the one built into Windows, and the one given as a certificate.
    assert_eq!(made("2026-06-01T00:00:01Z").unwrap().provenance.roots, 2);
}

#[test]
fn a_list_is_downloaded_only_from_whom_one_may_ask() {
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().unwrap();
    programme(folder.path());
    fs::write(folder.path().join("new.pem"), lab::der::pem(&newcomer())).unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = server.local_addr().unwrap().to_string();
    let url = format!("http://{host}/authroot.stl");
    let update = [&UPDATE, &["--from", &url][..]].concat();
    let refusal = complaint(&update, folder.path());
    assert!(refusal.starts_with(&format!("sigscan: {url}: ")), "{refusal}");
    assert!(!folder.path().join("new.store").exists());
    let list = later_list().stl();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        assert!(request[..length].starts_with(b"GET /authroot.stl HTTP/1.1\r\n"));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", list.len());
        stream.write_all(&[head.as_bytes(), &list].concat()).unwrap();
    });
    let made = said(&[&update[..], &["--allow-host", &host]].concat(), folder.path());
    assert!(made.starts_with("new.store: lab.store of 2026-01-01T00:00:00Z\n"), "{made}");
    serving.join().unwrap();
}
