//! `sigscan explain`: what a reason code means, from the decision table itself.

use std::io::{self, Write};

use super::args::ExplainArgs;
use crate::judge::{Row, TABLE};

/// Prints one row, or all.
///
/// # Errors
/// Errors of writing.
pub(super) fn run(args: &ExplainArgs, out: &mut dyn Write) -> io::Result<()> {
    match args.code {
        Some(reason) => {
            let row = reason.row();
            writeln!(out, "{}\n\n  {}.\n", row.code, capitalised(row.meaning))?;
            writeln!(out, "  status   {}", row.status.name())?;
            writeln!(out, "  HRESULT  {}", hresult(row))
        }
        None => {
            writeln!(out, "Reasons in the order in which they decide; the first that holds gives the status.\n")?;
            writeln!(out, "{:<26} {:<10} {:<11} meaning", "reason", "status", "HRESULT")?;
            for row in TABLE {
                writeln!(out, "{:<26} {:<10} {:<11} {}", row.code, row.status.name(), hresult(row), row.meaning)?;
            }
            Ok(())
        }
    }
}

fn hresult(row: &Row) -> String {
    row.reason.hresult().unwrap_or_else(|| "-".to_owned())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
