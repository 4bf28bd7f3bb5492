//! The bodies of the fuzz targets: each takes octets and panics when something is wrong.
//!
//! Whatever the octets are, nothing may panic, hang or grow without bound; that libFuzzer watches. What else must be true
//! stands beside each body. [`seeds`] makes the octets to start from.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod der;
pub mod digests;
pub mod files;
pub mod host;
pub mod mass;
pub mod seeds;
pub mod structures;
pub mod text;
pub mod vouched;

/// A body and what it is called.
pub struct Target {
    pub name: &'static str,
    pub body: fn(&[u8]),
    /// Whether the octets are DER, to be changed as such.
    pub der: bool,
}

const fn plain(name: &'static str, body: fn(&[u8])) -> Target {
    Target { name, body, der: false }
}

const fn der(name: &'static str, body: fn(&[u8])) -> Target {
    Target { name, body, der: true }
}

/// All of them; `fuzz_targets/` has a file for each.
pub const TARGETS: &[Target] = &[
    plain("record", files::record),
    plain("damage", files::damage),
    der("graft", files::graft),
    der("blob", files::blob),
    der("catalog", files::catalog),
    der("asn1", structures::asn1),
    der("signed_data", structures::signed_data),
    der("certificate", structures::certificate),
    der("crl", structures::crl),
    der("ocsp", structures::ocsp),
    der("ctl", structures::ctl),
    der("spc", structures::spc),
    der("timestamp", structures::timestamp),
    plain("version", structures::version),
    plain("digests", digests::digests),
    plain("store", structures::store),
    plain("events", text::events),
    plain("evtx", text::evtx),
    plain("lines", text::lines),
    plain("lists", text::lists),
    plain("url", text::url),
];

/// Runs a target's body.
///
/// # Panics
/// When something is wrong, or no target has this name.
pub fn run(name: &str, octets: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.body)(octets);
}

/// The file of a target: its name, and whether it changes its octets as DER.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        libfuzzer_sys::fuzz_target!(|octets: &[u8]| $crate::run(stringify!($name), octets));
    };
    ($name:ident, der) => {
        libfuzzer_sys::fuzz_target!(|octets: &[u8]| $crate::run(stringify!($name), octets));
        libfuzzer_sys::fuzz_mutator!(|octets: &mut [u8], size: usize, room: usize, seed: u32| {
            // One in four as plain octets, so that what no tree can say is tried too.
            if seed % 4 == 0 {
                return libfuzzer_sys::fuzzer_mutate(octets, size, room);
            }
            match $crate::der::mutated(&octets[..size], seed, room) {
                Some(changed) => {
                    octets[..changed.len()].copy_from_slice(&changed);
                    changed.len()
                }
                None => libfuzzer_sys::fuzzer_mutate(octets, size, room),
            }
        });
    };
}
