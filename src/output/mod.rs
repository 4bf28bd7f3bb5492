//! Records leave: one file a format, each behind the same trait.

pub mod escape;

use std::io;

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
