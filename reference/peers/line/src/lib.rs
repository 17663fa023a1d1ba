//! What every peer's program does alike: the command line, the measuring loops, the scripts of interoperation.
//!
//! ```text
//! peer ROLE ENDPOINT BIND|CONNECT SIZE COUNT [--mode local|threads|blocking] [--payload copied|shared]
//!      [--queues default|unlimited] [--security null|plain|curve] [--zap none|handler] [--client known|stranger]
//!      [--fans N] [--topics N] [--cpus LIST] [--within SECONDS] [--library PATH] [--preload PATH]
//! ```
//!
//! A peer prints lines on stdout: `ready ENDPOINT` once it listens or connects, then what its role finds (`rate`,
//! `latency`, `memory`, `synced`, `subscribed`, `sent`, `refused`, `ok`), or `failed WHY`, or `unsupported WHY`. It reads
//! `go` on stdin, and ends when stdin does, so nothing outlives the program that started it; it ends by itself after
//! `--within` seconds.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 3 the library lacks what was asked for.

mod bench;
mod command;
mod fans;
mod interop;
pub mod keys;
mod library;
mod steer;
pub mod zap;

use std::process::ExitCode;

pub use command::{Mode, PayloadKind, Queues, Security, Settings, Side, Zap};
pub use library::{Kind, Library, Socket, Trouble, ready_now};

use command::{Command, Role};
use steer::Steer;

/// Runs the peer that the process's arguments ask for.
#[must_use]
pub fn main<L: Library>() -> ExitCode {
    let command = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(why) => {
            eprintln!("{}: {why}", L::NAME);
            return ExitCode::from(2);
        }
    };
    // Before any thread starts, since a thread inherits what its maker may run on.
    if let Err(why) = steer::pin(&command.cpus) {
        eprintln!("{}: {why}", L::NAME);
        return ExitCode::from(2);
    }
    steer::raise_descriptors();
    let steer = Steer::start(command.within);
    let done = match command.role {
        Role::Throughput | Role::Latency | Role::Push | Role::Pull | Role::Req | Role::Rep => {
            bench::run::<L>(&command, &steer)
        }
        Role::Publish | Role::Subscribe | Role::Accept | Role::Dial => fans::run::<L>(&command, &steer),
        Role::Interop(part) => interop::run::<L>(part, &command, &steer),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Trouble::Failed(why)) => {
            steer::say(&format!("failed {why}"));
            ExitCode::FAILURE
        }
        Err(Trouble::Unsupported(why)) => {
            steer::say(&format!("unsupported {why}"));
            ExitCode::from(3)
        }
    }
}
