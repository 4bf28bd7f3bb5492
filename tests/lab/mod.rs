//! The lab: everything needed to make signed, oddly signed and falsely signed PE files from nothing.
//!
//! It depends on hash functions, big integers and curve arithmetic, and on nothing of sigscan: what the fixtures
//! should be judged is written from the specification, and a mistake in the program's readers cannot hide in the
//! writers. Bytes are built from small functions that return `Vec<u8>`; nothing reads the clock, a random source or
//! the environment, so the same source gives the same bytes everywhere.
//!
//! Bottom up: [`der`] writes ASN.1, [`keys`] signs, [`ca`] makes certificates, [`cast`] holds the authorities and
//! publishers that all fixtures share, [`cms`] and [`stamp`] make signatures and timestamps, [`catalog`] and
//! [`trustlist`] make lists to sign, [`pe`] (with [`version`]
//! and [`pages`]) makes files to sign, and [`catalogue`] lists the fixtures with what each must be judged,
//! [`scenarios`] what tools of attackers leave behind, [`hunted`] files that only findings tell from honest ones.
//! [`anatomy`] says which octet of a
//! finished file is what, for tests that damage them.

#![allow(
    dead_code,
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod anatomy;
pub mod ca;
pub mod cast;
pub mod catalog;
pub mod catalogue;
pub mod cms;
pub mod der;
pub mod hunted;
pub mod keys;
pub mod ocsp;
pub mod pages;
pub mod pe;
pub mod revoked;
pub mod scenarios;
pub mod stamp;
pub mod trustlist;
pub mod version;
