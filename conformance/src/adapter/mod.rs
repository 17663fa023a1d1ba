//! Adapters: processes that drive one implementation for the harness.
//!
//! [`protocol`] is what passes over their stdio, [`process`] the harness's end of it, [`serve`] the request loop of
//! an adapter that is built into this binary, [`libzmq`] the one for libzmq, [`mod@reference`] the one for the reference
//! implementation.

mod failure;
mod inbox;
pub mod libzmq;
mod live;
mod options;
mod owner;
mod parts;
mod poll;
mod probe;
pub mod process;
pub mod protocol;
pub mod reference;
pub mod serve;
mod survey;
mod waits;
