//! The shipped async library in a simulated world.
//!
//! ```text
//!   plan ──► director ──► World ◄── WorldRuntime ◄── zmq_reference: contexts, sockets, tasks ◄── actors, apps
//!                           │                                                    ▲
//!                           └── wakes, one after the other, when nothing can run ┘ (an Executor says when)
//! ```
//!
//! [`runtime::WorldRuntime`] is the library's runtime seam over a [`zmq_world::World`], for any [`executor::Executor`];
//! [`Library`] carries plans out with it. [`app`] puts a user's own `async fn` on the hosts of a plan. What an executor is,
//! is left open: madsim is one.

pub mod app;
mod engine;
pub mod executor;
pub mod link;
mod listener;
pub mod net;
pub mod process;
pub mod runtime;
mod timer;
pub mod trouble;

pub use engine::{Library, RealTokio, Simulator};
