//! All of it in one folder, with honest files between: nobody's record changes because of what lies beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::program::testdata;
use super::{KEEP, crowds, numbers, sets};

/// Every test that judges files, here made to write them.
const HOSTILE: &[fn()] = &[
    super::ten_thousand_namesakes_of_the_issuer,
    super::ten_thousand_namesakes_of_the_signer,
    super::ten_thousand_signers,
    super::signatures_in_signatures,
    super::signatures_times_timestamps_times_certificates,
    super::everybody_certifies_everybody,
    super::sets_of_a_hundred_thousand,
    super::names_against_constraints,
    super::sections_without_end,
    super::page_hashes_without_end,
    super::a_signature_larger_than_the_limit,
    super::depth_without_end,
    super::zero_length_everything,
    crowds::a_crowd_of_one_vast_name_and_one_key,
    crowds::a_crowd_around_five_hundred_timestamps,
    crowds::a_crowd_of_one_name_and_one_key_identifier,
    crowds::a_vast_certificate_and_thirty_possible_issuers,
    crowds::timestamps_over_a_vast_signature_value,
    crowds::quadratic_name_constraints,
    crowds::distribution_points_of_half_a_million_names,
    numbers::keys_of_64_kilobits,
    numbers::the_largest_keys_with_the_largest_exponents,
    numbers::object_identifiers_of_a_megabyte,
    numbers::integers_of_a_megabyte,
    numbers::chains_of_twelve_and_of_thirteen,
    sets::a_million_digest_algorithms,
    sets::a_million_attributes,
    sets::a_million_values_of_an_attribute,
    sets::a_million_certificates,
    sets::a_million_signers,
    sets::a_million_parts_of_a_name,
    sets::a_million_extensions_and_a_million_things_in_one,
    sets::a_million_revoked_serial_numbers,
    sets::a_million_revocation_lists,
    sets::ocsp_responses_without_end,
    sets::a_million_members_of_a_catalog,
    sets::a_hundred_timestamps,
    sets::a_hundred_entries_in_the_certificate_table,
    sets::a_million_levels,
    sets::a_tree_of_signatures,
    sets::page_hashes_as_long_as_the_file,
];

/// Records by path, as they stand.
fn records(folder: &Path) -> BTreeMap<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigscan"));
    let stores = ["root", "tsa-root"].map(|stem| testdata().join(format!("pki/{stem}.pem")));
    command.arg(folder).args(["--json", "--quiet", "--jobs", "2", "--at", super::lab::catalogue::AT]);
    for store in &stores {
        command.arg("--trust-store").arg(store);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("{\"schema\":\"sigscan.record/1\""));
    let path =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].as_str().unwrap().to_owned();
    lines.map(|line| (path(line), line.to_owned())).collect()
}

/// `SIGSCAN_KEEP=FOLDER` keeps the files, to be looked at and measured.
#[test]
fn none_changes_the_result_of_another_file() {
    let kept = std::env::var_os("SIGSCAN_KEEP").map(std::path::PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    // Hostile files come before the honest ones and after them, in the order of names and in that of the disk.
    let (first, honest, last) = (folder.join("a"), folder.join("honest"), folder.join("z"));
    for one in [&first, &honest, &last] {
        fs::create_dir_all(one).unwrap();
    }
    for (number, write) in HOSTILE.iter().enumerate() {
        KEEP.set(Some(if number % 2 == 0 { first.clone() } else { last.clone() }));
        write();
    }
    KEEP.set(None);
    let mut fixtures = 0;
    for item in fs::read_dir(testdata().join("fixtures")).unwrap() {
        let path = item.unwrap().path();
        if path.is_file() {
            fs::copy(&path, honest.join(path.file_name().unwrap())).unwrap();
            fixtures += 1;
        }
    }
    let alone = records(&honest);
    assert!(alone.len() > 200 && fixtures >= alone.len(), "{} of {fixtures}", alone.len());
    let all = records(&folder);
    let hostile = all.len() - alone.len();
    let written = [&first, &last].map(|one| fs::read_dir(one).unwrap().count()).into_iter().sum::<usize>();
    assert_eq!(hostile, written);
    for (path, record) in &alone {
        assert_eq!(Some(record), all.get(path), "{path}");
    }
}
