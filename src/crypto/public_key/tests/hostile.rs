//! Keys and parameters that are hostile, refused or out of reach: never good, never a panic.

use super::super::modpow::mod_exp;
use super::*;

fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = der(tag::SEQUENCE, &[&der(tag::INTEGER, &[&[0], modulus]), &der(tag::INTEGER, &[exponent])]);
    der(tag::SEQUENCE, &[&algorithm(oids::RSA_ENCRYPTION, NULL).0, &der(tag::BIT_STRING, &[&[0], &key])])
}

/// All ways into the room with one key.
fn every_way(key: &[u8], signature: &[u8]) -> Vec<Verification> {
    let pss = PssParameters { hash: DigestAlgorithm::Sha1, mgf1_hash: DigestAlgorithm::Sha1, salt_len: 0 };
    let algorithms = [
        rsa_algorithm(DigestAlgorithm::Sha1),
        rsa_algorithm(DigestAlgorithm::Md5),
        pss_algorithm(&pss),
        ecdsa_algorithm(DigestAlgorithm::Sha256),
    ];
    let value = digest(DigestAlgorithm::Sha1, b"abc").unwrap();
    assert!(!verify_raw_hash_rsa(key, value.as_bytes(), signature));
    algorithms.iter().map(|algorithm| verify_signature(key, &algorithm.view(), None, b"abc", signature)).collect()
}

#[test]
fn rsa_numbers_that_cannot_be_computed_with() {
    let modulus = [0xc5; 128];
    let mut even = modulus;
    even[127] = 0xc4;
    let e = [1, 0, 1];
    let bad: [(&[u8], &[u8]); 9] = [
        (&even, &e),
        (&[], &e),
        (&[0; 128], &e),
        (&[1], &e),
        (&modulus, &[0]),
        (&modulus, &[1]),
        (&modulus, &[2]),
        (&modulus, &[1, 0, 0]),
        // A negative exponent.
        (&modulus, &[0xff, 1]),
    ];
    for (modulus, exponent) in bad {
        for size in [modulus.len(), 128, 1, 0] {
            let verdicts = every_way(&rsa_spki(modulus, exponent), &vec![1; size]);
            assert_eq!(verdicts, [Verification::Bad; 4], "{modulus:x?} {exponent:x?}");
        }
    }
    // A signature not below the modulus.
    assert_eq!(every_way(&rsa_spki(&modulus, &e), &[0xff; 128])[0], Verification::Bad);
    assert_eq!(every_way(&rsa_spki(&modulus, &e), &modulus)[0], Verification::Bad);
}

/// With exponent 1 the encoded message is its own signature, so the key proves nothing.
#[test]
fn exponent_one_is_refused_though_it_would_verify() {
    let value = digest(DigestAlgorithm::Sha1, b"abc").unwrap();
    let info = super::super::rsa::digest_info(DigestAlgorithm::Sha1, value.as_bytes(), true);
    let signature = [&[0, 1], vec![0xff; 128 - 3 - info.len()].as_slice(), &[0], &info].concat();
    assert_eq!(every_way(&rsa_spki(&[0xc5; 128], &[1]), &signature), [Verification::Bad; 4]);
}

#[test]
fn numbers_beyond_the_bounds_are_unsupported_and_cost_nothing() {
    let unsupported = Verification::Unsupported("RSA modulus above 16384 bits");
    assert_eq!(every_way(&rsa_spki(&[0xc5; 2049], &[3]), &[1; 2049])[..3], [unsupported; 3]);
    assert_eq!(every_way(&rsa_spki(&[0xc5; 60_000], &[3]), &[1; 2049])[..3], [unsupported; 3]);
    let unsupported = Verification::Unsupported("RSA exponent above 64 bits");
    assert_eq!(every_way(&rsa_spki(&[0xc5; 128], &[1; 9]), &[1; 128])[..3], [unsupported; 3]);
    assert_eq!(every_way(&rsa_spki(&[0xc5; 128], &[0x7f; 128]), &[1; 128])[..3], [unsupported; 3]);
    // The largest modulus is computed with.
    assert_eq!(every_way(&rsa_spki(&[0xc5; 2048], &[3]), &[1; 2048]), [Verification::Bad; 4]);
}

/// An exponent of 64 bits, all of them set, takes seven times as many multiplications as the usual one.
#[test]
fn what_a_key_costs_grows_with_its_length_and_its_exponent() {
    let rsa = |octets: usize, exponent: &[u8]| effort(&rsa_spki(&vec![0xc5; octets], exponent));
    let largest = [&[0][..], &[0xff; 8]].concat();
    for (octets, exponent, cost) in [
        (256, &[1, 0, 1][..], 4),
        (128, &[1, 0, 1], 1),
        (256, &[3], 4),
        (512, &[1, 0, 1], 16),
        (2048, &[1, 0, 1], 256),
        (256, &largest, 32),
        (1024, &largest, 512),
        (2048, &largest, 2048),
        (2049, &largest, 8),
        (256, &[1; 9], 4),
    ] {
        assert_eq!(rsa(octets, exponent), cost, "{octets} {exponent:x?}");
    }
    let costs = [P256_KEY, P521_KEY, P256_EXPLICIT_KEY, "3000"].map(|key| effort(&unhex(key)));
    assert_eq!(costs, [12, 100, 8, 8]);
    assert!(
        is_short_rsa(&unhex(RSA_512_KEY)) && !is_short_rsa(&unhex(RSA_1024_KEY)) && !is_short_rsa(&unhex(P256_KEY))
    );
}

/// Every cut of every key, and every single octet changed, through every way in.
#[test]
fn cut_and_changed_keys_never_verify_something_else() {
    let signature = unhex(P256_SHA1);
    for key in [RSA_512_KEY, P256_KEY, P256_EXPLICIT_KEY] {
        let key = unhex(key);
        for cut in 0..key.len() {
            for verdict in every_way(&key[..cut], &signature) {
                assert_eq!(verdict, Verification::Bad);
            }
            assert_eq!(key_info(&key[..cut]), None);
            for value in [0, 0x80, 0xff, key[cut] ^ 1] {
                let mut changed = key.clone();
                changed[cut] = value;
                assert!(every_way(&changed, &signature).iter().all(|verdict| !verdict.is_good()));
                let _ = key_info(&changed);
            }
        }
    }
}

/// CVE-2020-0601: the same P-256 key with the curve spelt out. The mathematics would hold.
#[test]
fn explicit_curve_parameters_are_refused() {
    let refused = Verification::Refused("explicit elliptic curve parameters");
    let ecdsa = ecdsa_algorithm(DigestAlgorithm::Sha256);
    assert_eq!(abc(P256_KEY, &ecdsa, None, P256_SHA256), GOOD);
    assert_eq!(abc(P256_EXPLICIT_KEY, &ecdsa, None, P256_SHA256), refused);
    // Refused whatever the signature algorithm says, and even when the parameters are an empty SEQUENCE.
    let point = unhex(P256_COMPRESSED_POINT);
    let by_hand = ec_spki(&der(tag::SEQUENCE, &[]), &point);
    for key in [unhex(P256_EXPLICIT_KEY), by_hand] {
        assert_eq!(every_way(&key, &unhex(P256_SHA256)), [refused; 4]);
        let unknown = algorithm(&[0x2a, 3], &[]);
        assert_eq!(verify_signature(&key, &unknown.view(), None, b"abc", &[]), refused);
        assert!(key_info(&key).unwrap().explicit_curve);
    }
}

#[test]
fn what_cannot_be_verified_is_named() {
    let sha256 = ecdsa_algorithm(DigestAlgorithm::Sha256);
    let with_key = |key: &[u8]| verify_signature(key, &sha256.view(), None, b"abc", &unhex(P256_SHA256));
    for (curve, name) in [
        (oids::SECP256K1, "secp256k1"),
        (oids::P224, "P-224"),
        (oids::P192, "P-192"),
        (oids::BRAINPOOL_P256R1, "brainpoolP256r1"),
        (&[0x2a, 3][..], "elliptic curve not known"),
    ] {
        let key = ec_spki(&der(tag::OID, &[curve]), &unhex(P256_COMPRESSED_POINT));
        assert_eq!(with_key(&key), Verification::Unsupported(name));
        assert_eq!(key_info(&key).unwrap().kind, "ec");
    }
    for parameters in [&[][..], NULL] {
        assert_eq!(with_key(&ec_spki(parameters, &[4])), Verification::Unsupported("elliptic curve not named"));
    }
    let bits = der(tag::BIT_STRING, &[&[0, 2, 1, 5]]);
    let spki = |algorithm: Algorithm| der(tag::SEQUENCE, &[&algorithm.0, &bits]);
    let dss = der(tag::SEQUENCE, &[&der(tag::INTEGER, &[&[0], &[0xc5; 128]])]);
    let dsa = spki(algorithm(oids::DSA, &dss));
    assert_eq!(with_key(&dsa), Verification::Unsupported("DSA"));
    assert_eq!(key_info(&dsa).map(|info| (info.kind, info.bits)), Some(("dsa".into(), 1024)));
    assert_eq!(with_key(&spki(algorithm(oids::ED25519, &[]))), Verification::Unsupported("Ed25519"));
    let ml_dsa = [oids::NIST_SIGNATURES, &[18]].concat();
    assert_eq!(with_key(&spki(algorithm(&ml_dsa, &[]))), Verification::Unsupported("ML-DSA-65"));
    let other = spki(algorithm(&[0x2a, 3], &[]));
    assert_eq!(with_key(&other), Verification::Unsupported("public key algorithm not known"));
    assert_eq!(key_info(&other).unwrap().kind, "1.2.3");

    let by = |oid: &[u8]| abc(RSA_1024_KEY, &algorithm(oid, NULL), Some(DigestAlgorithm::Sha1), RSA_1024_SHA1);
    assert_eq!(by(oids::DSA_WITH_SHA1), Verification::Unsupported("DSA"));
    assert_eq!(by(&ml_dsa), Verification::Unsupported("ML-DSA-65"));
    assert_eq!(by(&[0x2a, 3]), Verification::Unsupported("signature algorithm not known"));
    assert_eq!(by(oids::MD4_WITH_RSA), Verification::Refused("MD4"));
    assert_eq!(by(oids::OIW_MD4_WITH_RSA), Verification::Refused("MD4"));
}

#[test]
fn a_key_bound_to_pss_verifies_only_that() {
    let outer = unhex(RSA_1025_KEY);
    let mut fields = Reader::new(&outer).any().unwrap().children();
    fields.any().unwrap();
    let bits = fields.any().unwrap().raw;
    let spki = |parameters: &Algorithm| der(tag::SEQUENCE, &[&parameters.0, bits]);
    let used = PssParameters { hash: DigestAlgorithm::Sha256, mgf1_hash: DigestAlgorithm::Sha1, salt_len: 11 };
    let verify = |key: &[u8], algorithm: &Algorithm, signature: &str| {
        verify_signature(key, &algorithm.view(), None, b"abc", &unhex(signature))
    };
    let bound = |salt_len| spki(&pss_algorithm(&PssParameters { salt_len, ..used }));
    let unbound = spki(&algorithm(oids::RSASSA_PSS, &[]));
    for (key, verdict) in [(&unbound, GOOD), (&bound(11), GOOD), (&bound(0), GOOD), (&bound(12), Verification::Bad)] {
        assert_eq!(verify(key, &pss_algorithm(&used), RSA_1025_PSS), verdict);
        assert_eq!(verify(key, &rsa_algorithm(DigestAlgorithm::Sha256), RSA_1025_SHA256), Verification::Bad);
    }
}

/// Octets that anybody can make again: SHA-256 over a label and a counter, cut and masked to so many bits.
fn stream(label: &str, bits: usize) -> Vec<u8> {
    let len = bits.div_ceil(8);
    let block = |i: u32| digest(DigestAlgorithm::Sha256, &[label.as_bytes(), &i.to_be_bytes()].concat()).unwrap();
    let mut octets: Vec<u8> = (0..).flat_map(|i| block(i).as_bytes().to_vec()).take(len).collect();
    octets[0] &= 0xff >> (len * 8 - bits);
    octets
}

/// Against Python's pow(); the answers are the first 8 octets of the result's SHA-256.
#[test]
fn exponentiation_known_answers() {
    for (bits, exponent, answer) in [
        (8, 0x3, "ef2d127de37b942b"),
        (63, 0x3, "a9ccedef84328709"),
        (64, 0x10001, "42675a709dab3d92"),
        (65, 0x11, "7978649ecb385aaf"),
        (128, 0xffff_ffff_ffff_ffff, "66fce21e4a2eae90"),
        (1000, 0x3, "08a8e8856e1c660a"),
        (2047, 0x10001, "37ea93ffd623590c"),
        (4096, 0x10001, "c733b3a617202e39"),
        (16384, 0x8000_0000_0000_0001, "b8363c56fdbb21de"),
    ] {
        let mut modulus = stream(&format!("n{bits}"), bits);
        modulus[0] |= 1 << ((bits - 1) % 8);
        *modulus.last_mut().unwrap() |= 1;
        let mut base = stream(&format!("b{bits}"), bits);
        base[0] &= !(1 << ((bits - 1) % 8));
        let power = mod_exp(&base, exponent, &modulus).unwrap();
        assert_eq!(power.len(), modulus.len());
        let value = digest(DigestAlgorithm::Sha256, &power).unwrap().to_string();
        assert_eq!(value[..16], *answer, "{bits} bits");
    }
    // Edges: zero, one and minus one; base not below the modulus; modulus even, one, zero or padded.
    assert_eq!(mod_exp(&[0, 0], 3, &[0x80, 1]), Some(vec![0, 0]));
    assert_eq!(mod_exp(&[0, 1], 3, &[0x80, 1]), Some(vec![0, 1]));
    assert_eq!(mod_exp(&[0x80, 0], 3, &[0x80, 1]), Some(vec![0x80, 0]));
    assert_eq!(mod_exp(&[0x80, 0], 2, &[0x80, 1]), Some(vec![0, 1]));
    let max = [0xff; 16];
    let mut minus_one = max;
    minus_one[15] = 0xfe;
    assert_eq!(mod_exp(&minus_one, 5, &max), Some(minus_one.to_vec()));
    for (base, modulus) in
        [(&[3][..], &[3][..]), (&[0], &[1]), (&[1], &[4]), (&[0], &[0]), (&[0], &[]), (&[1], &[0, 3]), (&[1; 9], &[3])]
    {
        assert_eq!(mod_exp(base, 3, modulus), None);
    }
    assert_eq!(mod_exp(&[2], 0, &[5]), None);
}
