//! No captive libzmq in this build.

use std::process::ExitCode;

use zmq_sim::engine::Engine;

use crate::cli::Refusal;
use crate::cli::voice::complain;
use crate::exit::Exit;
use crate::subject::Libzmq;

const WHY: &str = "expected a zmqspec that can hold a libzmq captive, found one that cannot: it takes Linux on x86-64 with glibc, and the \
                   feature captive";

/// The verb of the child that carries plans out.
pub(in crate::cli) fn host() -> ExitCode {
    complain(WHY);
    ExitCode::from(Exit::NoSubject.code())
}

/// Refuses.
pub(super) fn engine(_: &Libzmq) -> Result<Box<dyn Engine>, Refusal> {
    Err(Refusal::new(Exit::NoSubject, WHY))
}
