//! Tests of the public functions on signatures that Wycheproof does not have, and on hostile keys.

#![allow(clippy::arithmetic_side_effects)] // tests may overflow: they would panic, and fail

mod hostile;
mod vectors;
mod wycheproof;

use super::super::algorithm::{PssParameters, hash_for_signature};
use super::super::oids;
use super::*;
use crate::asn1::{Reader, tag};
use vectors::*;

/// An AlgorithmIdentifier with its bytes.
struct Algorithm(Vec<u8>);

impl Algorithm {
    fn view(&self) -> AlgorithmId<'_> {
        AlgorithmId::try_from(self.0.as_slice()).unwrap()
    }
}

/// One DER element.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        len @ ..0x80 => vec![len as u8],
        len @ ..0x100 => vec![0x81, len as u8],
        len => vec![0x82, (len >> 8) as u8, len as u8],
    };
    [&[tag], length.as_slice(), &content].concat()
}

fn algorithm(oid: &[u8], parameters: &[u8]) -> Algorithm {
    Algorithm(der(tag::SEQUENCE, &[&der(tag::OID, &[oid]), parameters]))
}

const NULL: &[u8] = &[5, 0];

fn rsa_algorithm(hash: DigestAlgorithm) -> Algorithm {
    let oid = match hash {
        DigestAlgorithm::Md2 => oids::MD2_WITH_RSA,
        DigestAlgorithm::Md4 => oids::MD4_WITH_RSA,
        DigestAlgorithm::Md5 => oids::MD5_WITH_RSA,
        DigestAlgorithm::Sha1 => oids::SHA1_WITH_RSA,
        DigestAlgorithm::Sha224 => oids::SHA224_WITH_RSA,
        DigestAlgorithm::Sha256 => oids::SHA256_WITH_RSA,
        DigestAlgorithm::Sha384 => oids::SHA384_WITH_RSA,
        DigestAlgorithm::Sha512 => oids::SHA512_WITH_RSA,
    };
    algorithm(oid, NULL)
}

fn ecdsa_algorithm(hash: DigestAlgorithm) -> Algorithm {
    let oid = match hash {
        DigestAlgorithm::Sha1 => oids::ECDSA_WITH_SHA1,
        DigestAlgorithm::Sha224 => oids::ECDSA_WITH_SHA224,
        DigestAlgorithm::Sha256 => oids::ECDSA_WITH_SHA256,
        DigestAlgorithm::Sha384 => oids::ECDSA_WITH_SHA384,
        DigestAlgorithm::Sha512 => oids::ECDSA_WITH_SHA512,
        other => panic!("no ECDSA identifier for {other}"),
    };
    algorithm(oid, &[])
}

fn pss_algorithm(parameters: &PssParameters) -> Algorithm {
    let hash = algorithm(parameters.hash.oid(), NULL).0;
    let mgf1 = algorithm(oids::MGF1, &algorithm(parameters.mgf1_hash.oid(), NULL).0).0;
    let salt = der(tag::INTEGER, &[&[0], &[parameters.salt_len as u8]]);
    let fields = [&hash, &mgf1, &salt].into_iter().enumerate();
    let fields = fields.map(|(n, field)| der(tag::context_constructed(n as u8), &[field]));
    algorithm(oids::RSASSA_PSS, &der(tag::SEQUENCE, &[&fields.collect::<Vec<_>>().concat()]))
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Verifies a signature of "abc".
fn abc(key: &str, algorithm: &Algorithm, hint: Option<DigestAlgorithm>, signature: &str) -> Verification {
    let (key, signature) = (unhex(key), unhex(signature));
    let verdict = verify_signature(&key, &algorithm.view(), hint, b"abc", &signature);
    // A changed message, a changed signature and a shorter or longer one are never good.
    let never = |verdict: Verification| assert!(!verdict.is_good());
    never(verify_signature(&key, &algorithm.view(), hint, b"abd", &signature));
    for position in [0, signature.len() / 2, signature.len() - 1] {
        let mut changed = signature.clone();
        changed[position] ^= 1;
        never(verify_signature(&key, &algorithm.view(), hint, b"abc", &changed));
    }
    never(verify_signature(&key, &algorithm.view(), hint, b"abc", &signature[1..]));
    never(verify_signature(&key, &algorithm.view(), hint, b"abc", &[&[0], signature.as_slice()].concat()));
    // The same by digest.
    if let Some(hash) = hash_for_signature(&algorithm.view(), hint) {
        let value = digest(hash, b"abc").unwrap();
        let by_digest = verify_digest(&key, &algorithm.view(), hash, value.as_bytes(), &signature);
        assert_eq!(by_digest.is_good(), verdict.is_good());
        let longer = [value.as_bytes(), &[0]].concat();
        never(verify_digest(&key, &algorithm.view(), hash, &longer, &signature));
        never(verify_digest(&key, &algorithm.view(), hash, &longer[1..], &signature));
        never(verify_digest(&key, &algorithm.view(), hash, &[], &signature));
    }
    verdict
}

const GOOD: Verification = Verification::Good(Deviation::NONE);

#[test]
fn rsa_sizes_and_hashes_that_only_old_chains_have() {
    use DigestAlgorithm::*;
    for (key, hash, signature) in [
        (RSA_512_KEY, Md2, RSA_512_MD2),
        (RSA_512_KEY, Md5, RSA_512_MD5),
        (RSA_512_KEY, Sha1, RSA_512_SHA1),
        (RSA_1024_KEY, Md5, RSA_1024_MD5),
        (RSA_1024_KEY, Sha1, RSA_1024_SHA1),
        (RSA_1024_KEY, Sha224, RSA_1024_SHA224),
        (RSA_1024_KEY, Sha384, RSA_1024_SHA384),
        (RSA_1025_KEY, Sha256, RSA_1025_SHA256),
    ] {
        assert_eq!(abc(key, &rsa_algorithm(hash), None, signature), GOOD, "{hash}");
        // CMS: rsaEncryption, with the hash from elsewhere; and a bare digest identifier.
        assert_eq!(abc(key, &algorithm(oids::RSA_ENCRYPTION, NULL), Some(hash), signature), GOOD, "{hash}");
        let bare = Verification::Good(Deviation::BARE_DIGEST_OID);
        assert_eq!(abc(key, &algorithm(hash.oid(), &[]), Some(hash), signature), bare, "{hash}");
    }
    assert_eq!(abc(RSA_1024_KEY, &algorithm(oids::OIW_SHA1_WITH_RSA, &[]), None, RSA_1024_SHA1), GOOD);
    assert_eq!(abc(RSA_1024_KEY, &algorithm(oids::OIW_MD5_WITH_RSA, &[]), None, RSA_1024_MD5), GOOD);
}

#[test]
fn digest_info_without_null_is_good_and_noted() {
    let noted = Verification::Good(Deviation::MISSING_NULL);
    assert_eq!(abc(RSA_1024_KEY, &rsa_algorithm(DigestAlgorithm::Sha1), None, RSA_1024_NO_NULL_SHA1), noted);
    assert_eq!(abc(RSA_1024_KEY, &rsa_algorithm(DigestAlgorithm::Md5), None, RSA_1024_NO_NULL_MD5), noted);
    assert_eq!(Deviation::MISSING_NULL.notes().count(), 1);
}

#[test]
fn the_hash_that_is_declared_counts_and_a_difference_is_noted() {
    use DigestAlgorithm::{Sha1, Sha256, Sha512};
    let noted = Verification::Good(Deviation::HASH_NOT_AS_DECLARED);
    let (key, signature) = (unhex(RSA_1024_KEY), unhex(RSA_1024_SHA1));
    let verify = |named, declared| verify_signature(&key, &rsa_algorithm(named).view(), declared, b"abc", &signature);
    assert_eq!(verify(Sha256, Some(Sha1)), noted);
    assert_eq!(verify(Sha1, Some(Sha256)), Verification::Bad);
    assert_eq!(verify(Sha256, None), Verification::Bad);
    assert_eq!(verify(Sha1, None), GOOD);
    let sha1 = rsa_algorithm(Sha1);
    assert_eq!(hash_for_signature(&sha1.view(), Some(Sha256)), Some(Sha256));
    // A bare digest identifier is no more than a name, either.
    let bare = Verification::Good(Deviation::HASH_NOT_AS_DECLARED.with(Deviation::BARE_DIGEST_OID));
    assert_eq!(verify_signature(&key, &algorithm(Sha512.oid(), &[]).view(), Some(Sha1), b"abc", &signature), bare);
    // By digest, the other hash cannot be made up for.
    for (named, given) in [(Sha1, Sha256), (Sha256, Sha1)] {
        let value = digest(given, b"abc").unwrap();
        let verdict = verify_digest(&key, &rsa_algorithm(named).view(), given, value.as_bytes(), &signature);
        assert_eq!(verdict, Verification::Bad);
    }
}

/// Parameters that say the hash are a part of the mathematics, so that another declaration is a contradiction.
#[test]
fn a_hash_in_parameters_has_to_be_the_declared_one() {
    use DigestAlgorithm::{Sha1, Sha256};
    let pss = pss_algorithm(&PssParameters { hash: Sha256, mgf1_hash: Sha1, salt_len: 11 });
    let specified = algorithm(oids::ECDSA_WITH_SPECIFIED, &algorithm(Sha256.oid(), &[]).0);
    for (key, algorithm, signature) in [(RSA_1025_KEY, &pss, RSA_1025_PSS), (P256_KEY, &specified, P256_SHA256)] {
        for (declared, told) in [(None, GOOD), (Some(Sha256), GOOD), (Some(Sha1), Verification::Bad)] {
            assert_eq!(abc(key, algorithm, declared, signature), told, "{declared:?}");
        }
        assert_eq!(hash_for_signature(&algorithm.view(), Some(Sha1)), None);
    }
}

#[test]
fn a_certificate_must_name_its_hash() {
    let verdict = abc(RSA_1024_KEY, &algorithm(oids::RSA_ENCRYPTION, NULL), None, RSA_1024_SHA1);
    assert_eq!(verdict, Verification::Unsupported("signature without a hash algorithm"));
}

#[test]
fn pss_parameters_are_taken_exactly() {
    use DigestAlgorithm::*;
    let right = PssParameters { hash: Sha256, mgf1_hash: Sha1, salt_len: 11 };
    // 1025 bits: the encoded message is one octet shorter than the modulus.
    assert_eq!(abc(RSA_1025_KEY, &pss_algorithm(&right), Some(Sha256), RSA_1025_PSS), GOOD);
    for wrong in [
        PssParameters { salt_len: 10, ..right },
        PssParameters { salt_len: 12, ..right },
        PssParameters { salt_len: 200, ..right },
        PssParameters { mgf1_hash: Sha256, ..right },
        PssParameters { hash: Sha1, ..right },
        PssParameters { hash: Sha512, ..right },
    ] {
        assert_eq!(abc(RSA_1025_KEY, &pss_algorithm(&wrong), None, RSA_1025_PSS), Verification::Bad);
    }
    // A PKCS #1 v1.5 signature is no PSS signature, nor the other way round.
    assert_eq!(abc(RSA_1025_KEY, &pss_algorithm(&right), None, RSA_1025_SHA256), Verification::Bad);
    assert_eq!(abc(RSA_1025_KEY, &rsa_algorithm(Sha256), None, RSA_1025_PSS), Verification::Bad);
}

#[test]
fn pss_defaults_are_sha1_and_twenty() {
    let default = PssParameters { hash: DigestAlgorithm::Sha1, mgf1_hash: DigestAlgorithm::Sha1, salt_len: 20 };
    let parse = |parameters: &[u8]| PssParameters::parse(&algorithm(oids::RSASSA_PSS, parameters).view());
    assert_eq!(parse(&[]), Ok(default));
    assert_eq!(parse(&[0x30, 0]), Ok(default));
    // saltLength 5 alone; trailerField 1 and 2; trailing field; NULL.
    assert_eq!(parse(&[0x30, 5, 0xa2, 3, 2, 1, 5]), Ok(PssParameters { salt_len: 5, ..default }));
    assert_eq!(parse(&[0x30, 5, 0xa3, 3, 2, 1, 1]), Ok(default));
    assert_eq!(parse(&[0x30, 5, 0xa3, 3, 2, 1, 2]), Err(Verification::Bad));
    assert_eq!(parse(&[0x30, 2, 5, 0]), Err(Verification::Bad));
    assert_eq!(parse(&[5, 0]), Err(Verification::Bad));
}

/// RFC 8017 section 9.1.2 works on emBits; where that is a whole number of octets less than the modulus, the octet
/// in front must be zero.
#[test]
fn pss_bits_above_the_encoded_message_must_be_zero() {
    let sha256 = DigestAlgorithm::Sha256;
    let algorithm = pss_algorithm(&PssParameters { hash: sha256, mgf1_hash: sha256, salt_len: 0 });
    assert_eq!(abc(RSA_1025_PSS_KEY, &algorithm, None, RSA_1025_PSS_EMPTY_SALT), GOOD);
    assert_eq!(abc(RSA_1025_PSS_KEY, &algorithm, None, RSA_1025_PSS_SURPLUS), Verification::Bad);
}

/// RFC 8017 section 9.2: at least eight octets of padding.
#[test]
fn pkcs1_padding_has_at_least_eight_octets() {
    let sha1 = rsa_algorithm(DigestAlgorithm::Sha1);
    assert_eq!(abc(RSA_368_KEY, &sha1, None, RSA_368_SHA1), GOOD);
    assert_eq!(abc(RSA_360_KEY, &sha1, None, RSA_360_SHA1), Verification::Bad);
}

#[test]
fn raw_hash_counter_signatures() {
    let key = unhex(RSA_1024_KEY);
    let sha1 = digest(DigestAlgorithm::Sha1, b"abc").unwrap();
    let md5 = digest(DigestAlgorithm::Md5, b"abc").unwrap();
    let sha256 = digest(DigestAlgorithm::Sha256, b"abc").unwrap();
    assert!(verify_raw_hash_rsa(&key, sha1.as_bytes(), &unhex(RSA_1024_RAW_SHA1)));
    assert!(verify_raw_hash_rsa(&key, md5.as_bytes(), &unhex(RSA_1024_RAW_MD5)));
    // Only where the old services did it.
    assert!(!verify_raw_hash_rsa(&key, sha256.as_bytes(), &unhex(RSA_1024_RAW_SHA256)));
    assert!(!verify_raw_hash_rsa(&key, md5.as_bytes(), &unhex(RSA_1024_RAW_SHA1)));
    assert!(!verify_raw_hash_rsa(&key, sha1.as_bytes(), &unhex(RSA_1024_SHA1)));
    assert!(!verify_raw_hash_rsa(&key, &sha1.as_bytes()[..16], &unhex(RSA_1024_RAW_SHA1)));
    assert!(!verify_raw_hash_rsa(&key, &[], &unhex(RSA_1024_RAW_SHA1)));
    assert!(!verify_raw_hash_rsa(&unhex(P256_KEY), sha1.as_bytes(), &unhex(RSA_1024_RAW_SHA1)));
    // And never through the ordinary function.
    assert_eq!(abc(RSA_1024_KEY, &rsa_algorithm(DigestAlgorithm::Sha1), None, RSA_1024_RAW_SHA1), Verification::Bad);
}

/// Bleichenbacher 2006: with exponent 3, a cube root makes the leading octets come out right; everything after
/// the digest is garbage.
#[test]
fn cube_root_forgeries_are_refused() {
    let sha1 = rsa_algorithm(DigestAlgorithm::Sha1);
    assert_eq!(abc(RSA_E3_KEY, &sha1, None, RSA_E3_SHA1), GOOD);
    assert_eq!(abc(RSA_E3_KEY, &sha1, None, FORGED_DIGEST_INFO), Verification::Bad);
    let value = digest(DigestAlgorithm::Sha1, b"abc").unwrap();
    let key = unhex(RSA_E3_KEY);
    assert!(!verify_raw_hash_rsa(&key, value.as_bytes(), &unhex(FORGED_RAW_HASH)));
    // The forgeries are well made: a verifier that stops at the digest would accept them.
    let Some(PublicKey::Rsa(rsa)) = PublicKey::parse(&key) else { panic!("not an RSA key") };
    let opened = rsa.open(&unhex(FORGED_RAW_HASH)).unwrap();
    assert_eq!(&opened[..11], &[0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 0]);
    assert_eq!(&opened[11..31], value.as_bytes());
}

#[test]
fn every_nist_curve_takes_every_hash() {
    use DigestAlgorithm::*;
    for (key, signatures) in [
        (P256_KEY, [P256_MD5, P256_SHA1, P256_SHA224, P256_SHA256, P256_SHA384, P256_SHA512]),
        (P384_KEY, [P384_MD5, P384_SHA1, P384_SHA224, P384_SHA256, P384_SHA384, P384_SHA512]),
        (P521_KEY, [P521_MD5, P521_SHA1, P521_SHA224, P521_SHA256, P521_SHA384, P521_SHA512]),
    ] {
        for (hash, signature) in [Md5, Sha1, Sha224, Sha256, Sha384, Sha512].into_iter().zip(signatures) {
            assert_eq!(abc(key, &algorithm(oids::EC_PUBLIC_KEY, &[]), Some(hash), signature), GOOD, "{hash}");
            let specified = algorithm(oids::ECDSA_WITH_SPECIFIED, &algorithm(hash.oid(), &[]).0);
            assert_eq!(abc(key, &specified, None, signature), GOOD, "{hash}");
            if hash != Md5 {
                assert_eq!(abc(key, &ecdsa_algorithm(hash), Some(hash), signature), GOOD, "{hash}");
            }
        }
    }
}

/// Puts another point, or other parameters, into a key.
fn ec_spki(parameters: &[u8], point: &[u8]) -> Vec<u8> {
    der(tag::SEQUENCE, &[&algorithm(oids::EC_PUBLIC_KEY, parameters).0, &der(tag::BIT_STRING, &[&[0], point])])
}

#[test]
fn compressed_points_are_accepted_and_other_forms_are_not() {
    for (curve, compressed, key, signature) in [
        (oids::P256, P256_COMPRESSED_POINT, P256_KEY, P256_SHA256),
        (oids::P384, P384_COMPRESSED_POINT, P384_KEY, P384_SHA256),
        (oids::P521, P521_COMPRESSED_POINT, P521_KEY, P521_SHA256),
    ] {
        let compressed = unhex(compressed);
        let sha256 = ecdsa_algorithm(DigestAlgorithm::Sha256);
        let verify = |point: &[u8]| {
            let key = ec_spki(&der(tag::OID, &[curve]), point);
            verify_signature(&key, &sha256.view(), None, b"abc", &unhex(signature))
        };
        assert_eq!(verify(&compressed), GOOD);
        // The mirrored point is another key.
        let mut mirrored = compressed.clone();
        mirrored[0] ^= 1;
        assert_eq!(verify(&mirrored), Verification::Bad);
        // Infinity, nothing, hybrid form, a cut point, and a whole SubjectPublicKeyInfo in place of a point.
        let key = unhex(key);
        let uncompressed = &key[key.len() - 2 * compressed.len() + 1..];
        assert_eq!(verify(uncompressed), GOOD);
        let mut hybrid = uncompressed.to_vec();
        hybrid[0] = 6 | (uncompressed[uncompressed.len() - 1] & 1);
        for point in [&[0][..], &[], &hybrid, &compressed[1..], &uncompressed[..uncompressed.len() - 1], &key] {
            assert_eq!(verify(point), Verification::Bad);
        }
    }
}

#[test]
fn algorithm_and_key_must_be_of_one_kind() {
    let sha1 = DigestAlgorithm::Sha1;
    assert_eq!(abc(P256_KEY, &rsa_algorithm(sha1), None, P256_SHA1), Verification::Bad);
    assert_eq!(abc(RSA_1024_KEY, &ecdsa_algorithm(sha1), None, RSA_1024_SHA1), Verification::Bad);
    // A bare digest identifier leaves it to the key.
    let bare = Verification::Good(Deviation::BARE_DIGEST_OID);
    assert_eq!(abc(P256_KEY, &algorithm(oids::SHA1, NULL), Some(sha1), P256_SHA1), bare);
}

#[test]
fn keys_are_described() {
    let info = |key: &str| key_info(&unhex(key)).map(|info| (info.kind, info.bits, info.curve, info.explicit_curve));
    assert_eq!(info(RSA_1025_KEY), Some(("rsa".into(), 1025, None, false)));
    assert_eq!(info(P521_KEY), Some(("ec".into(), 521, Some("P-521"), false)));
    assert_eq!(info(P256_EXPLICIT_KEY), Some(("ec".into(), 256, None, true)));
    assert_eq!(info("3000"), None);
}

#[test]
fn spki_reader_is_strict_about_its_end() {
    let key = unhex(RSA_1024_KEY);
    assert!(key_info(&key).is_some());
    assert!(key_info(&[key.as_slice(), &[0]].concat()).is_none());
    assert_eq!(Reader::new(&key).any().unwrap().raw.len(), key.len());
}
