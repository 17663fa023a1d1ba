//! As `teeth` of zmq-sim, for the shipped library under madsim.

use std::process::ExitCode;

#[path = "../../teeth/hunt.rs"]
mod hunt;

fn main() -> ExitCode {
    hunt::main(&zmq_sim_madsim::engine())
}
