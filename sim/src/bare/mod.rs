//! The bare loop: plans on the machines of the core, without threads, futures or a clock. The quickest engine there is.
//!
//! ```text
//!   actors ──► core sockets ═ pipes ═ sessions ──► streams of the world
//!      ▲           │ rings               ▲  │ rings
//!      └── Net: who was rung runs next, drawn by (seed, who, how often) ──► World::next
//! ```
//!
//! [`Net`] is the loop alone, for those who write their workload against [`zmq_core::socket::Socket`] themselves.

mod bell;
mod calls;
mod carried;
mod dialler;
mod draws;
mod endpoint;
mod io;
mod net;
mod player;
mod slot;
mod sockets;
mod task;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use endpoint::Endpoint;
pub use io::{Event, EventKind};
pub use net::{Net, Step, User};
pub use sockets::SocketKey;

use crate::engine::{Ending, Engine, Recording, Run};
use crate::plan::Plan;
use player::Player;

/// The engine of the bare loop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bare;

impl Engine for Bare {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn lacks(&self, _plan: &Plan) -> Option<String> {
        None
    }

    fn run(&self, plan: &Plan, recording: Recording) -> Run {
        zmq_core::marks::begin();
        let mut player = Player::new(&Arc::new(plan.clone()), recording);
        let ending = catch_unwind(AssertUnwindSafe(|| player.play()));
        let ending = ending.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Ending::Crashed(text.unwrap_or("a panic without words").to_owned())
        });
        player.into_run(ending, recording)
    }
}
