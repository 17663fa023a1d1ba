//! The world from outside.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they are")]

mod datagrams;
mod faults;
mod laws;
mod pair;
mod places;
mod streams;
mod table;
