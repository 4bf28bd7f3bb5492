//! Whose signature is this really? Facts and records become findings.
//!
//! A finding never changes a status: it says what a status cannot, that a signature, a certificate or a version
//! resource belongs to somebody else, and to whom. [`table`] holds one row for each kind of finding; [`Correlator`]
//! compares files with each other. This room knows records and nothing of how they were made or are shown.

mod baseline;
mod catalogue;
mod clones;
mod correlate;
mod donors;
mod entry;
mod leads;
mod letters;
mod names;
mod rules;
mod single;
mod table;

pub use baseline::{BASELINE_SCHEMA, Baseline, BaselineLine, baseline_schema, path_below};
pub use catalogue::{Publishers, build_catalogue};
pub use correlate::Correlator;
pub use entry::{Entry, KEYS_SCHEMA, KeysLine, entry_schema, hides_data};
pub use leads::LeadsTo;
pub use single::{FileFacts, FoundDigests, KnownNames, claim_findings, donor_in_catalog, file_findings};
pub use table::{Row, row, rows};
