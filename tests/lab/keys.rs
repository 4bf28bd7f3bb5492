//! Fixed keys and deterministic signing.
//!
//! The keys under `keys/` were made once (`testdata/README.md` has the commands) and protect nothing. RSA is plain
//! modular exponentiation over an encoded message that is built here, because fixtures need messages that no
//! cryptographic library agrees to sign: raw hashes, DigestInfo without NULL, PSS with a fixed salt.

use super::der::{Der, alg, alg_null, bits, ctx, elements, int_raw, octets, oid, seq, small, split, uint};
use num_bigint::BigUint;
use sha2::Digest;
use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

/// RSA signatures by key and encoded message.
type Made = BTreeMap<(Key, Vec<u8>), Vec<u8>>;

/// What was signed already: nearly every fixture repeats the same few certificates.
static MADE: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);

/// r and s in a row; the three curve crates have the same face but no common trait worth naming.
macro_rules! ecdsa {
    ($curve:ident, $scalar:expr, $digest:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashSigner;
        let key = $curve::ecdsa::SigningKey::from_slice($scalar).unwrap();
        let signature: $curve::ecdsa::Signature = key.sign_prehash($digest).unwrap();
        signature.to_bytes().to_vec()
    }};
}

/// The hash functions that Authenticode has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    Md2,
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Hash::Md2 => md2::Md2::digest(data).to_vec(),
            Hash::Md4 => md4::Md4::digest(data).to_vec(),
            Hash::Md5 => md5::Md5::digest(data).to_vec(),
            Hash::Sha1 => sha1::Sha1::digest(data).to_vec(),
            Hash::Sha224 => sha2::Sha224::digest(data).to_vec(),
            Hash::Sha256 => sha2::Sha256::digest(data).to_vec(),
            Hash::Sha384 => sha2::Sha384::digest(data).to_vec(),
            Hash::Sha512 => sha2::Sha512::digest(data).to_vec(),
        }
    }

    pub fn oid(self) -> &'static str {
        match self {
            Hash::Md2 => "1.2.840.113549.2.2",
            Hash::Md4 => "1.2.840.113549.2.4",
            Hash::Md5 => "1.2.840.113549.2.5",
            Hash::Sha1 => "1.3.14.3.2.26",
            Hash::Sha224 => "2.16.840.1.101.3.4.2.4",
            Hash::Sha256 => "2.16.840.1.101.3.4.2.1",
            Hash::Sha384 => "2.16.840.1.101.3.4.2.2",
            Hash::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }

    /// `xxxWithRSAEncryption` (RFC 8017 appendix C, RFC 2313).
    pub fn rsa_oid(self) -> &'static str {
        match self {
            Hash::Md2 => "1.2.840.113549.1.1.2",
            Hash::Md4 => "1.2.840.113549.1.1.3",
            Hash::Md5 => "1.2.840.113549.1.1.4",
            Hash::Sha1 => "1.2.840.113549.1.1.5",
            Hash::Sha224 => "1.2.840.113549.1.1.14",
            Hash::Sha256 => "1.2.840.113549.1.1.11",
            Hash::Sha384 => "1.2.840.113549.1.1.12",
            Hash::Sha512 => "1.2.840.113549.1.1.13",
        }
    }

    /// `ecdsa-with-SHAx` (RFC 5758).
    pub fn ecdsa_oid(self) -> &'static str {
        match self {
            Hash::Sha224 => "1.2.840.10045.4.3.1",
            Hash::Sha256 => "1.2.840.10045.4.3.2",
            Hash::Sha384 => "1.2.840.10045.4.3.3",
            Hash::Sha512 => "1.2.840.10045.4.3.4",
            _ => "1.2.840.10045.4.1",
        }
    }

    /// The AlgorithmIdentifier as Windows writes it, with NULL.
    pub fn alg(self) -> Der {
        alg_null(self.oid())
    }
}

/// How a signature value is made from a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    Pkcs1,
    /// The same with a DigestInfo whose AlgorithmIdentifier has no parameters (RFC 8017 §9.2 note 1).
    Pkcs1NoNull,
    /// PKCS#1 v1.5 padding around the bare hash, as legacy VeriSign timestamps have it.
    RawHash,
    /// RSASSA-PSS with a fixed salt of the hash's length (RFC 8017 §8.1).
    Pss,
    /// ECDSA with the nonce of RFC 6979.
    Ecdsa,
}

/// One of the checked-in keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    Root,
    Inter,
    Leaf,
    TsaRoot,
    Tsa,
    Other,
    Rsa1024,
    Rsa512,
    P256,
    P384,
    P521,
    Rsa4096,
    /// Of those who copy the chain of the others.
    CloneRoot,
    CloneInter,
    CloneLeaf,
}

impl Key {
    fn file(self) -> &'static [u8] {
        match self {
            Key::Root => include_bytes!("keys/rsa2048-root.der"),
            Key::Inter => include_bytes!("keys/rsa2048-inter.der"),
            Key::Leaf => include_bytes!("keys/rsa2048-leaf.der"),
            Key::TsaRoot => include_bytes!("keys/rsa2048-tsa-root.der"),
            Key::Tsa => include_bytes!("keys/rsa2048-tsa.der"),
            Key::Other => include_bytes!("keys/rsa2048-other.der"),
            Key::Rsa1024 => include_bytes!("keys/rsa1024.der"),
            Key::Rsa512 => include_bytes!("keys/rsa512.der"),
            Key::P256 => include_bytes!("keys/p256.der"),
            Key::P384 => include_bytes!("keys/p384.der"),
            Key::P521 => include_bytes!("keys/p521.der"),
            Key::Rsa4096 => include_bytes!("keys/rsa4096.der"),
            Key::CloneRoot => include_bytes!("keys/rsa2048-clone-root.der"),
            Key::CloneInter => include_bytes!("keys/rsa2048-clone-inter.der"),
            Key::CloneLeaf => include_bytes!("keys/rsa2048-clone-leaf.der"),
        }
    }

    pub fn is_ec(self) -> bool {
        matches!(self, Key::P256 | Key::P384 | Key::P521)
    }

    /// The usual scheme of the key's kind.
    pub fn scheme(self) -> Scheme {
        if self.is_ec() { Scheme::Ecdsa } else { Scheme::Pkcs1 }
    }

    /// SubjectPublicKeyInfo (RFC 3279 §2.3.1, RFC 5480 §2).
    pub fn spki(self) -> Der {
        match self.curve() {
            None => {
                let [_, n, e, ..] = self.numbers()[..] else { panic!("not an RSA key file") };
                let public = seq(&[int_raw(n), int_raw(e)]);
                seq(&[alg_null("1.2.840.113549.1.1.1"), bits(&public)])
            }
            Some(curve) => seq(&[seq(&[oid("1.2.840.10045.2.1"), oid(curve)]), bits(&self.point())]),
        }
    }

    fn curve(self) -> Option<&'static str> {
        match self {
            Key::P256 => Some("1.2.840.10045.3.1.7"),
            Key::P384 => Some("1.3.132.0.34"),
            Key::P521 => Some("1.3.132.0.35"),
            _ => None,
        }
    }

    /// The contents of the key file's members: RSAPrivateKey (RFC 8017 §A.1.2) or ECPrivateKey (RFC 5915).
    fn numbers(self) -> Vec<&'static [u8]> {
        elements(split(self.file()).0).into_iter().map(|element| split(element).0).collect()
    }

    /// The uncompressed public point of an EC key.
    pub fn point(self) -> Vec<u8> {
        let public = split(self.numbers()[3]).0;
        public[1..].to_vec()
    }

    /// The private number of an EC key.
    pub fn scalar(self) -> &'static [u8] {
        self.numbers()[1]
    }

    /// The subject key identifier that certificates of this key carry: SHA-1 of the key's bits (RFC 5280 §4.2.1.2).
    pub fn id(self) -> Vec<u8> {
        let spki = self.spki();
        let key_bits = split(elements(split(&spki).0)[1]).0;
        Hash::Sha1.digest(&key_bits[1..])
    }

    /// The signature's AlgorithmIdentifier as certificates carry it.
    pub fn sig_alg(self, scheme: Scheme, hash: Hash) -> Der {
        match scheme {
            Scheme::Ecdsa => alg(hash.ecdsa_oid()),
            Scheme::Pss => seq(&[oid("1.2.840.113549.1.1.10"), pss_params(hash)]),
            Scheme::RawHash => alg_null("1.2.840.113549.1.1.1"),
            Scheme::Pkcs1 | Scheme::Pkcs1NoNull => alg_null(hash.rsa_oid()),
        }
    }

    /// Signs a message. The same key, scheme, hash and message give the same octets.
    pub fn sign(self, scheme: Scheme, hash: Hash, message: &[u8]) -> Vec<u8> {
        let digest = hash.digest(message);
        match scheme {
            Scheme::Ecdsa => self.ecdsa(&digest),
            Scheme::Pkcs1 => self.rsa(|len| pkcs1(len, &seq(&[hash.alg(), octets(&digest)]))),
            Scheme::Pkcs1NoNull => self.rsa(|len| pkcs1(len, &seq(&[alg(hash.oid()), octets(&digest)]))),
            Scheme::RawHash => self.rsa(|len| pkcs1(len, &digest)),
            Scheme::Pss => self.rsa(|len| pss(len, hash, &digest)),
        }
    }

    fn rsa(self, encode: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
        let [_, n, _, d, ..] = self.numbers()[..] else { panic!("not an RSA key file") };
        let (n, d) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(d));
        let len = n.bits().div_ceil(8) as usize;
        let encoded = encode(len);
        if let Some(known) = MADE.lock().unwrap().get(&(self, encoded.clone())) {
            return known.clone();
        }
        let value = BigUint::from_bytes_be(&encoded).modpow(&d, &n).to_bytes_be();
        let signature = [vec![0; len - value.len()], value].concat();
        MADE.lock().unwrap().insert((self, encoded), signature.clone());
        signature
    }

    fn ecdsa(self, digest: &[u8]) -> Vec<u8> {
        let half = self.scalar().len();
        let pair = match self {
            Key::P256 => ecdsa!(p256, self.scalar(), digest),
            Key::P384 => ecdsa!(p384, self.scalar(), digest),
            Key::P521 => ecdsa!(p521, self.scalar(), digest),
            other => panic!("{other:?} is not an EC key"),
        };
        seq(&[uint(&pair[..half]), uint(&pair[half..])])
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2) around whatever is to be signed.
fn pkcs1(len: usize, payload: &[u8]) -> Vec<u8> {
    let fill = vec![0xff; len - payload.len() - 3];
    [&[0, 1], fill.as_slice(), &[0], payload].concat()
}

/// RSASSA-PSS-params (RFC 8017 §A.2.3).
pub fn pss_params(hash: Hash) -> Der {
    let mgf = seq(&[oid("1.2.840.113549.1.1.8"), hash.alg()]);
    let salt_len = small(hash.digest(b"").len() as u32);
    seq(&[ctx(0, &hash.alg()), ctx(1, &mgf), ctx(2, &salt_len)])
}

/// EMSA-PSS (RFC 8017 §9.1.1) for moduli whose length is a multiple of eight bits.
fn pss(len: usize, hash: Hash, digest: &[u8]) -> Vec<u8> {
    let salt = vec![0x5a; digest.len()];
    let h = hash.digest(&[vec![0; 8], digest.to_vec(), salt.clone()].concat());
    let db_len = len - h.len() - 1;
    let padding = vec![0; db_len - salt.len() - 1];
    let db = [padding, vec![1], salt].concat();
    let mut masked: Vec<u8> = db.iter().zip(mgf1(hash, &h, db_len)).map(|(byte, mask)| byte ^ mask).collect();
    masked[0] &= 0x7f;
    [masked, h, vec![0xbc]].concat()
}

/// MGF1 (RFC 8017 §B.2.1).
fn mgf1(hash: Hash, seed: &[u8], len: usize) -> Vec<u8> {
    let blocks = (0u32..).map(|counter| hash.digest(&[seed, &counter.to_be_bytes()].concat()));
    blocks.flatten().take(len).collect()
}

/// P-256 spelled out (SEC 1 C.2), with a base point of one's own choice, and that same point as public key.
pub fn explicit_curve_spki(point: &[u8]) -> Der {
    let hex = |text: &str| BigUint::parse_bytes(text.as_bytes(), 16).unwrap().to_bytes_be();
    let p = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let a = hex("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc");
    let b = hex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
    let n = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let field = seq(&[oid("1.2.840.10045.1.1"), uint(&p)]);
    let curve = seq(&[octets(&a), octets(&b)]);
    let params = seq(&[small(1), field, curve, octets(point), uint(&n), small(1)]);
    seq(&[seq(&[oid("1.2.840.10045.2.1"), params]), bits(point)])
}

/// ECDSA with SHA-256 over P-256 where the generator is the key's own public point: the private key is then one, and
/// anybody can sign. The nonce is fixed; there is nothing to protect.
pub fn sign_on_own_generator(key: Key, message: &[u8]) -> Vec<u8> {
    use p256::elliptic_curve::{PrimeField, ops::Reduce, point::AffineCoordinates};
    let generator = p256::PublicKey::from_sec1_bytes(&key.point()).unwrap().to_projective();
    let nonce = p256::Scalar::from(0x5167_5ca2u64);
    let reduce = |bytes: &[u8]| {
        let field: p256::FieldBytes = bytes.try_into().unwrap();
        <p256::Scalar as Reduce<p256::FieldBytes>>::reduce(&field)
    };
    let r = reduce(&(generator * nonce).to_affine().x());
    let z = reduce(&Hash::Sha256.digest(message));
    let s = nonce.invert().unwrap() * (z + r);
    seq(&[uint(&r.to_repr()), uint(&s.to_repr())])
}
