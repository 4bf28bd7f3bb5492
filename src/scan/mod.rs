//! Paths become bytes become records.

mod answer;
mod catalogs;
mod certificate;
mod digests;
mod file;
mod files;
mod identity;
mod inspect;
mod kernel;
mod kind;
mod options;
mod pages;
mod pass;
mod run;
mod scanner;
mod shelf;
mod store;
mod supply;
mod tally;
mod walk;
mod worker;

pub use answer::vocabulary;
pub use files::{FileSource, standard_input};
pub use options::{HashMode, Options};
pub use run::Scan;
pub use scanner::Scanner;
pub use store::{DigestStore, Store, StoreCounts, StoreKey};
pub use supply::{Need, OcspSubject, Supplied, Supplier, Wanted};
pub use tally::{Progress, Tally};
pub use walk::{Globs, Target, WalkOptions};
