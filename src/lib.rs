//! Authenticode signatures, judged offline.

pub mod anomaly;
pub mod asn1;
#[doc(hidden)]
pub mod cli;
pub mod cms;
pub mod container;
pub mod crypto;
pub mod judge;
pub mod output;
pub mod record;
pub mod scan;
pub mod trust;
pub mod verify;
pub mod x509;

pub use asn1::Time;
pub use record::Record;
pub use scan::{HashMode, Options, Scanner};
