//! The person's side: what a scan looks like to somebody who reads it.
//!
//! Part of the library so that tests reach it; not part of what the library promises.

pub mod page;
pub mod progress;
pub mod story;
pub mod style;
pub mod summary;
pub mod table;
pub mod words;
