//! Authenticode signatures, judged offline.

pub mod asn1;
