//! The bodies over their seeds, and over a few thousand changes of them, with the stable compiler.

use sigscan_fuzz::{TARGETS, der, seeds};
use x509_cert::der::Decode;

#[test]
fn every_body_takes_its_seeds_and_changes_of_them() {
    for target in TARGETS {
        let octets = seeds::of(target.name);
        assert!(!octets.is_empty(), "{} has no seeds", target.name);
        for seed in &octets {
            (target.body)(seed);
        }
        if target.der {
            for number in 0..500u32 {
                let seed = &octets[number as usize % octets.len()];
                if let Some(changed) = der::mutated(seed, number, 1 << 20) {
                    (target.body)(&changed);
                }
            }
        }
    }
}

#[test]
fn every_target_has_its_file() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

/// What fuzzing found the targets wrong about: readers that sigscan is compared with take needless octets in an identifier.
#[test]
fn a_padded_identifier_is_no_difference() {
    let sound = std::fs::read(sigscan_fuzz::host::testdata().join("pki/root.pem")).unwrap();
    let sound = sigscan::trust::certificates_in(&sound).remove(0);
    // sha256WithRSAEncryption without NULL, which leaves room for two more octets in the identifier.
    let plain = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00];
    let padded = [0x06, 0x0b, 0x2a, 0x80, 0x86, 0x48, 0x80, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let at = sound.windows(plain.len()).rposition(|window| window == plain).unwrap();
    let mut changed = sound.clone();
    changed[at..at + padded.len()].copy_from_slice(&padded);
    assert!(x509_cert::Certificate::from_der(&changed).is_ok());
    assert!(sigscan::x509::Certificate::parse(&changed).is_err());
    sigscan_fuzz::run("certificate", &changed);
}
