//! Actors: what the applications of a plan do, as machines without I/O.
//!
//! An engine asks an actor what to do, does it, and tells how it ended. So every engine plays the same programs, and an
//! engine is no more than a translation of [`Op`]s.

mod forwarding;
pub mod message;
mod op;
mod opening;
mod program;
mod receiving;
mod requesting;
mod sending;
mod serving;
mod settling;

pub use op::{Failure, Op, Outcome};
pub use opening::Opening;
pub use program::Actor;
