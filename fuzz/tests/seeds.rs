//! The bodies over their seeds, and over a few thousand changes of them, with the stable compiler.

use sigscan_fuzz::{TARGETS, der, seeds};

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
