//! The person's side: flags, tables, the story of one file, progress, exit codes.
//!
//! Not part of the library's promises: it exists for the binary and its tests.

mod args;
mod explain;
mod generate;
mod report;
mod run;
mod trust;

pub use args::Cli;
pub use run::main;
