//! Authenticode signatures, judged offline.

pub mod asn1;
pub mod crypto;
