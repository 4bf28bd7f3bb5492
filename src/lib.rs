//! Authenticode signatures, judged offline.

pub mod anomaly;
pub mod asn1;
pub mod cms;
pub mod container;
pub mod crypto;
pub mod judge;
pub mod trust;
pub mod verify;
pub mod x509;
