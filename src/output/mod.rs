//! Records leave: one file a format, each behind the same trait.
//!
//! Whatever comes out of a file under examination is hostile until its sink has escaped it: [`escape`] holds
//! the rules, and every format applies its own.

mod csv;
pub mod escape;
mod filter;
mod json;
mod jsonl;
#[cfg(test)]
pub(crate) mod samples;

use std::io;

pub use self::csv::Csv;
pub use filter::{Filtered, StatusFilter, UnknownStatus};
pub use json::JsonArray;
pub use jsonl::JsonLines;

use crate::record::Record;
use crate::scan::Tally;

/// A sink for records in one format.
pub trait Output {
    /// Takes the next record. Structured formats write it at once.
    ///
    /// # Errors
    /// Errors of writing.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Ends the output after the last record.
    ///
    /// # Errors
    /// Errors of writing.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}
