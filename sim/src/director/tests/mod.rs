//! Each kind of fault on plain streams: before, during, after.

mod hosts;
mod network;
mod stage;
mod triggers;
