//! Paths become bytes become records.

mod catalogs;
mod certificate;
mod digests;
mod file;
mod files;
mod inspect;
mod kernel;
mod options;
mod pages;
mod pass;
mod run;
mod scanner;
mod supply;
mod tally;
mod walk;
mod worker;

pub use files::{FileSource, standard_input};
pub use options::{HashMode, Options};
pub use run::Scan;
pub use scanner::Scanner;
pub use supply::{Need, OcspSubject, Supplied, Supplier, Wanted};
pub use tally::{Progress, Tally};
pub use walk::{Globs, Target, WalkOptions};
