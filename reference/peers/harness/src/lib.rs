//! What the two programs of this crate share: the peers as processes, and how they are built and found.

mod cast;
mod jeromq;
pub mod peers;

pub use cast::{Broken, Cast};
