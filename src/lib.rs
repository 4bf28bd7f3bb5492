//! Authenticode signatures, judged offline on any machine: what Windows would say of a file, and why.
//!
//! ```
//! use sigscan::{Options, Scanner, Time};
//! use sigscan::record::{Reason, Status};
//!
//! let moment = Time::parse_rfc3339("2026-06-01T00:00:00Z").unwrap();
//! let scanner = Scanner::new(Options::at(moment));
//! let record = scanner.scan_bytes("notes.txt", b"no program at all");
//! assert_eq!((record.status, record.reason), (Status::Unsigned, Reason::UnsupportedSubject));
//! ```
//!
//! # What is promised
//!
//! * A [`Record`] is a pure function of the file's bytes, the lists (roots, intermediates), the [`Options`] and the
//!   moment in them. Judging neither prints nor reads the clock, the environment or the network;
//!   [`online`] does, for whoever calls it.
//! * Every byte of a file is treated as hostile: no panic, no recursion, bounded memory and time.
//! * What could not be verified is never `Valid`, and what could not be read is never `Unsigned`.
//!
//! # What is not
//!
//! * Revocation is known only as far as the lists that the caller gives ([`Scanner::with_revocation`]) or the file
//!   brings along say, or as a [`scan::Supplier`] that the caller gives can tell.
//! * Only PE files and security catalogs are judged, and any file that a catalog lists; other kinds of signed files are
//!   recognised and named as not read yet.
//! * Nobody observed Windows to write this: the rules come from its documentation and from real files, and
//!   `tests/corpus` holds the evidence.
//!
//! # The rooms
//!
//! A file walks through [`scan`] (paths to bytes) → [`container`] (where a signature lives) → [`asn1`], [`cms`],
//! [`x509`] (what its bytes say) → [`verify`] with [`crypto`] and [`trust`] (what holds) → [`judge`] (what that means)
//! → [`record`] (what leaves) → [`output`]. [`hunt`] compares records with each other.
//! [`enrich`] reads events of Windows machines, and [`cache`] keeps digests between scans.
//! [`online`] and [`deliver`] are the only rooms that connect to anything, and only `cli` asks them to.

pub mod anomaly;
pub mod asn1;
pub mod cache;
#[doc(hidden)]
pub mod cli;
pub mod cms;
pub mod container;
pub mod crypto;
pub mod deliver;
pub mod enrich;
mod fold;
#[doc(hidden)]
pub mod guard;
mod hex;
mod hidden;
pub mod hunt;
pub mod judge;
pub mod online;
pub mod output;
pub mod record;
pub mod scan;
pub mod trust;
pub mod verify;
pub mod x509;

pub use asn1::Time;
pub use record::Record;
pub use scan::{HashMode, Options, Scanner};
