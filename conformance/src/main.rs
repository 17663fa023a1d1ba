//! The `zmqspec` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    zmqspec::cli::main()
}
