//! A short run of `mass`: some ten thousand damaged signatures and files, judged as before, and none of them wrongly.
//! `SIGSCAN_BLESS=1` writes the table anew; failures are none whatever the table says.

use std::path::Path;

use sigscan_fuzz::host::{ALL, AT, Host, VALID};
use sigscan_fuzz::mass::{Mode, Outcome, Run, Stock};
use sigscan_fuzz::vouched::{Vouched, differences};

#[test]
fn damage_is_judged_as_before_and_never_wrongly() {
    let stock = Stock::fixtures();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let run = Run { stock: &stock, seed: 20_260_601, jobs, failures: None };
    let mut all = Outcome::default();
    all.take(run.cases(Mode::Signatures, 0..20_000));
    all.take(run.cases(Mode::Files, 0..10_000));
    assert_eq!(all.failures, 0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mass.tsv");
    let table = format!("# what\tdamage\tstatus, and what differs in a file that is Valid\thow many\n{}", all.table());
    if std::env::var_os("SIGSCAN_BLESS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(&path).unwrap());
}

fn host(name: &str) -> &'static Host {
    VALID.iter().find(|host| host.name == name).unwrap()
}

fn vouched() -> Vouched {
    let mut vouched = Vouched::default();
    ALL.iter().for_each(|host| vouched.learn(&host.octets, &host.record, &[]));
    vouched
}

/// Octets of a part of a file in the table of `tests/mutation.rs`, which has them from the fixtures' generator.
fn octets(name: &str, wanted: &str) -> usize {
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/mutation.tsv")).unwrap();
    let mut sum = 0;
    for line in table.lines() {
        let row: Vec<&str> = line.split('\t').collect();
        let [file, owner, part, flips, ..] = row[..] else { continue };
        if file == name && wanted == format!("{owner} {part}") {
            sum += flips.parse::<usize>().unwrap();
        }
    }
    sum
}

/// A program that overlooked damage would give the sound file's record: what that is held against must notice. Every octet
/// that is signed is noticed, and beside those only the heads of what is signed as a whole.
#[test]
fn every_changed_octet_that_is_signed_is_noticed() {
    let vouched = vouched();
    for (name, heads) in HEADS {
        let host = host(name);
        assert_eq!(vouched.check(&host.octets, &host.record, AT), Ok(()), "{name}");
        let noticed = (0..host.octets.len())
            .filter(|at| {
                let mut file = host.octets.clone();
                file[*at] ^= 0x01;
                vouched.check(&file, &host.record, AT).is_err()
            })
            .count();
        let signed = ["Content", "SignedAttributes", "Signature"];
        let parts: Vec<String> =
            ["Primary", "Stamp"].iter().flat_map(|owner| signed.map(|part| format!("{owner} {part}"))).collect();
        assert_eq!(
            noticed,
            octets(name, "File Hashed") + parts.iter().map(|part| octets(name, part)).sum::<usize>() + heads,
            "{name}"
        );
    }
}

/// Octets without which a signature cannot be followed at all: tags and lengths on the way, the table's place, object
/// identifiers.
const HEADS: [(&str, usize); 2] = [("ecdsa-p256.exe", 48), ("token.exe", 114)];

/// An end of contents becomes an element of a two-octet tag, which sigscan reads past: no signed octet is another one.
#[test]
fn a_tag_of_several_octets_is_followed() {
    let host = host("ber-indefinite.exe");
    let mut file = host.octets.clone();
    let at = file.len() - 8;
    assert_eq!(file[at - 2..], [0; 10]);
    file[at] = 0xff;
    assert_eq!(vouched().check(&file, &host.record, AT), Ok(()));
    // One that never ends is not.
    file[at..].fill(0xff);
    assert_eq!(vouched().check(&file, &host.record, AT).unwrap_err(), "a signature that cannot be followed");
}

#[test]
fn a_chain_with_a_certificate_that_nobody_issued_is_noticed() {
    let (vouched, host) = (vouched(), host("pe32.exe"));
    let mut record = host.record.clone();
    // As if the program had believed a certificate that was changed: its thumbprint is another.
    record.signatures[0].chain[0].thumbprint_sha256 = "00".repeat(32);
    let wrong = vouched.check(&host.octets, &record, AT).unwrap_err();
    assert!(wrong.starts_with("a certificate that nobody issued: CN="), "{wrong}");
}

#[test]
fn a_moment_that_nobody_stamped_is_noticed() {
    let (vouched, host) = (vouched(), host("expired-token.exe"));
    assert_eq!(vouched.check(&host.octets, &host.record, AT), Ok(()));
    let mut record = host.record.clone();
    record.timestamp.as_mut().unwrap().time = Some("2022-03-02T12:00:00Z".to_owned());
    assert!(vouched.check(&host.octets, &record, AT).unwrap_err().ends_with("was never stamped on this signature"));
    record.timestamp = None;
    assert_eq!(vouched.check(&host.octets, &record, AT).unwrap_err(), "out of its validity, and not stamped");
}

#[test]
fn what_may_differ_has_a_name() {
    let host = host("pe32.exe");
    let named = |at: usize| {
        let mut file = host.octets.clone();
        file[at] ^= 0x01;
        differences((&host.octets, &host.record), (&file, &host.record))
    };
    assert_eq!(differences((&host.octets, &host.record), (&host.octets, &host.record)), "nothing");
    assert_eq!(named(host.checksum), "around the signature");
    assert_eq!(named(host.table + 4), "around the signature");
    assert_eq!(named(host.table + 8 + 25), "frame");
}
