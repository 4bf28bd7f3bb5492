//! Digests and public-key verification.
//!
//! This room is handed bytes that other rooms delimited, and answers two questions: what is the digest of
//! these bytes, and does this key confirm this signature over them. It knows nothing of certificates, trust
//! or time. An answer "good" always means that the mathematics was done; what cannot be computed here is
//! [`Verification::Unsupported`] and what Windows itself refuses is [`Verification::Refused`].
//!
//! RSA and elliptic curves go through aws-lc. What aws-lc declines on principle (keys below 1024 or above 8192
//! bits, MD5, MD2 and SHA-224, a DigestInfo without NULL) goes through a modular exponentiation of our own
//! over public values, where the expected encoding is built and compared as a whole and never parsed.

mod algorithm;
pub mod digest;
mod hasher;
mod interleaved;
mod memo;
pub mod oids;
pub mod public_key;
mod sha;

pub use algorithm::{AlgorithmId, PssParameters, Scheme, hash_for_signature, signature_name, signature_scheme};
pub use digest::{DigestAlgorithm, DigestValue};
pub use hasher::{Hasher, MultiHasher, digest, update_together};
pub use memo::SignatureMemo;
pub use public_key::{
    Deviation, KeyInfo, MAX_RSA_BITS, Verification, effort, is_short_rsa, key_info, verify_digest, verify_raw_hash_rsa,
    verify_signature,
};
