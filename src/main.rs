//! The `sigscan` program: arguments, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(sigscan::cli::main())
}
