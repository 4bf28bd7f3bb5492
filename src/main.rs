//! The `sigscan` program: arguments, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sigscan::guard::quieten();
    ExitCode::from(sigscan::cli::main())
}
