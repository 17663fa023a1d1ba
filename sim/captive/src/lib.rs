//! A real libzmq, unmodified, carries plans out under a seed: any build that can be loaded.
//!
//! ```text
//!   Libzmq (an engine) ── plan ──► child: preloaded interposer, libzmq, actors as threads
//!          ▲                                   │
//!          └──── history, hash, ending ◄───────┘  JSON lines
//! ```
//!
//! The child is this program, started once more: what is preloaded overrides functions of the C library, and the
//! program itself exports none of them. A failed assertion of libzmq ends the child, and is an ending of the run.
#![expect(unsafe_code, reason = "functions of the preloaded library are foreign")]

mod control;
mod engine;
pub mod host;
mod job;
mod preload;
mod program;
mod survey;

pub use engine::{Libzmq, Unusable};
pub use job::{Event, Rates, first_difference};
pub use preload::Interposer;
pub use program::{Events, Outcome, Program};
pub use survey::{Doubt, survey};
