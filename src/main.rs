//! Placeholder until the command line room is built.
fn main() {}
