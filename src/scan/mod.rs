//! Paths become bytes become records.

mod inspect;
mod pass;

pub use inspect::{HashMode, Options, Scanner};
