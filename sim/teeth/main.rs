//! Draws scenarios from seeds and plays them in the bare loop until an oracle speaks, and says which: for
//! `ci/sim_teeth.py`, which builds it with a rule of the reference broken.

use std::process::ExitCode;

use zmq_sim::bare::Bare;

mod hunt;

fn main() -> ExitCode {
    hunt::main(&Bare)
}
