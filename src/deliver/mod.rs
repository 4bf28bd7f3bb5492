//! Records on their way out of the machine or into a file: whole or not at all, and never lost on the way.
//!
//! The room takes what a format of [`crate::output`] writes and knows nothing of records. Only `cli` calls it.

mod file;

pub use file::AtomicFile;
