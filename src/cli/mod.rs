//! The person's side: flags, tables, the story of one file, progress, exit codes.
//!
//! Part of the library so that tests reach it; not part of what the library promises.

mod args;
mod baseline;
mod cache;
mod check;
mod correlate;
mod deliver;
pub mod detection;
mod enrich;
mod events;
mod explain;
mod fetch;
mod generate;
mod hunt;
mod judging;
mod online;
pub mod page;
pub mod progress;
mod report;
mod run;
mod sandbox;
pub mod story;
pub mod style;
pub mod summary;
pub mod table;
mod trust;
pub mod words;

pub use args::Cli;
pub use run::main;
