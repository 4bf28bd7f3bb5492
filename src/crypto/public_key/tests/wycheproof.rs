//! Project Wycheproof: every vector set whose hash exists here, with exact expectations.
//!
//! Policy for vectors that are "acceptable": the only ones are DigestInfo without NULL, and they are good with
//! [`Deviation::MISSING_NULL`]. Valid is good without deviation, invalid is bad.

use ::wycheproof::{HashFunction, TestResult, ecdsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::super::rsa::{RsaKey, verify_pkcs1_opened};
use super::*;

fn hash(function: HashFunction) -> Option<DigestAlgorithm> {
    Some(match function {
        HashFunction::Sha1 => DigestAlgorithm::Sha1,
        HashFunction::Sha2_224 => DigestAlgorithm::Sha224,
        HashFunction::Sha2_256 => DigestAlgorithm::Sha256,
        HashFunction::Sha2_384 => DigestAlgorithm::Sha384,
        HashFunction::Sha2_512 => DigestAlgorithm::Sha512,
        _ => return None,
    })
}

fn expected(result: TestResult) -> Verification {
    match result {
        TestResult::Valid => Verification::Good(Deviation::NONE),
        TestResult::Acceptable => Verification::Good(Deviation::MISSING_NULL),
        TestResult::Invalid => Verification::Bad,
    }
}

fn rsa_key(spki: &[u8]) -> RsaKey<'_> {
    match PublicKey::parse(spki) {
        Some(PublicKey::Rsa(key)) => key,
        other => panic!("not an RSA key: {other:?}"),
    }
}

/// Runs the sets whose key size is accepted by `sizes`: every good vector, and every `step`-th bad one, through
/// our own exponentiation alone; of the bad ones, a third of those also through the public function, which falls back
/// on the same exponentiation. All of them would take a minute in a build without optimisation. Returns how many
/// vectors went through the public function and through the exponentiation.
fn pkcs1(sizes: impl Fn(usize) -> bool, step: usize) -> (usize, usize) {
    let (mut public, mut own) = (0, 0);
    for name in rsa_pkcs1_verify::TestName::all() {
        let set = rsa_pkcs1_verify::TestSet::load(name).unwrap();
        for group in set.test_groups.iter().filter(|group| sizes(group.key_size)) {
            let Some(hash) = hash(group.hash) else { continue };
            let algorithm = rsa_algorithm(hash);
            for test in &group.tests {
                let value = digest(hash, &test.msg).unwrap();
                let context = format!("{name:?} {} {}", test.tc_id, test.comment);
                if !test.result.must_fail() || test.tc_id.is_multiple_of(step) {
                    let key = rsa_key(&group.der);
                    let verdict = verify_pkcs1_opened(&key, hash, value.as_bytes(), &test.sig);
                    assert_eq!(verdict, expected(test.result), "own path: {context}");
                    assert_eq!(key.bits() as usize, group.key_size);
                    own += 1;
                }
                if !test.result.must_fail() || test.tc_id.is_multiple_of(step * 3) {
                    let verdict = verify_signature(&group.der, &algorithm.view(), None, &test.msg, &test.sig);
                    assert_eq!(verdict, expected(test.result), "{context}");
                    public += 1;
                }
            }
        }
    }
    (public, own)
}

#[test]
fn rsa_pkcs1_2048_every_vector() {
    assert_eq!(pkcs1(|bits| bits == 2048, 1), (370, 1034));
}

#[test]
fn rsa_pkcs1_above_2048_sampled() {
    assert_eq!(pkcs1(|bits| bits == 3072, 2), (152, 401));
    assert_eq!(pkcs1(|bits| bits == 4096, 4), (87, 210));
    assert_eq!(pkcs1(|bits| bits == 8192, 16), (39, 72));
}

#[test]
fn rsa_pss_every_vector_up_to_3072_and_sampled_above() {
    let (mut run, mut skipped_groups) = (0, 0);
    for name in rsa_pss_verify::TestName::all() {
        let set = rsa_pss_verify::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let mgf1 = group.mgf_hash.and_then(hash);
            let (Some(hash), Some(mgf1_hash)) = (hash(group.hash), mgf1) else {
                skipped_groups += 1;
                continue;
            };
            let algorithm = pss_algorithm(&PssParameters { hash, mgf1_hash, salt_len: group.salt_size });
            let step = if group.key_size > 3072 { 4 } else { 1 };
            for test in group.tests.iter().filter(|test| test.tc_id.is_multiple_of(step)) {
                let verdict = verify_signature(&group.der, &algorithm.view(), None, &test.msg, &test.sig);
                assert_eq!(verdict, expected(test.result), "{name:?} {} {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    // The skipped groups use SHA-512/224, SHA-512/256 and SHAKE, which Windows does not know.
    assert_eq!((run, skipped_groups), (1779, 7));
}

#[test]
fn ecdsa_every_vector_of_the_nist_curves() {
    let mut run = 0;
    for name in ecdsa::TestName::all() {
        let text = format!("{name:?}");
        let curve = ["Secp256r1", "Secp384r1", "Secp521r1"].iter().any(|curve| text.contains(curve));
        if !curve || text.contains("P1363") {
            continue;
        }
        let set = ecdsa::TestSet::load(name).unwrap();
        for group in &set.test_groups {
            let Some(hash) = hash(group.hash) else { continue };
            let algorithm = ecdsa_algorithm(hash);
            for test in &group.tests {
                let verdict = verify_signature(&group.der, &algorithm.view(), None, &test.msg, &test.sig);
                assert_eq!(verdict, expected(test.result), "{name:?} {} {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    // P-256 with SHA-256 and SHA-512, P-384 with SHA-256, SHA-384 and SHA-512, P-521 with SHA-512.
    assert_eq!(run, 484 + 554 + 472 + 504 + 542 + 542);
}
