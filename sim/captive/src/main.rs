//! The child that carries a plan out, as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    zmq_captive::host::main()
}
