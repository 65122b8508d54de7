//! Parse, run, print error and hint, exit code.
use std::process::ExitCode;

fn main() -> ExitCode {
    gemledger::cli::main()
}
