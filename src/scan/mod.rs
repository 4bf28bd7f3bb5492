//! Paths become bytes become records.

mod inspect;
mod pass;
mod tally;

pub use inspect::{HashMode, Options, Scanner};
pub use tally::{Progress, Tally};
