//! Paths become bytes become records.

mod catalogs;
mod certificate;
mod files;
mod inspect;
mod kernel;
mod pass;
mod run;
mod supply;
mod tally;
mod walk;

pub use files::{FileSource, Stamp, standard_input};
pub use inspect::{HashMode, Options, Scanner};
pub use run::Scan;
pub use supply::{Need, OcspSubject, Supplied, Supplier, Wanted};
pub use tally::{Progress, Tally};
pub use walk::{Globs, Target, WalkOptions};
