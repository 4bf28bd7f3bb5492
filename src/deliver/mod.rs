//! Records on their way out of the machine or into a file: whole or not at all, and never lost on the way.
//!
//! The room takes what a format of [`crate::output`] writes and knows nothing of records. Only `cli` calls it. A record that
//! is to be sent goes into a spool on disk first; a thread of its own sends what the spool holds, so that judging waits for
//! the disk and never for the network. Every record arrives at least once, and carries an identifier that is the same for
//! all its copies.

mod destination;
mod envelope;
mod file;
mod http;
mod lines;
mod segment;
mod sender;
mod spool;
mod syslog;
#[cfg(test)]
mod tests;

pub use destination::Destination;
pub use envelope::Envelope;
pub use file::AtomicFile;
pub use lines::{Lines, Post, TooLarge};
pub use sender::{Delivery, Outcome};
