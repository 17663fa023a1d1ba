//! The world from outside.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they are")]

mod laws;
mod streams;
mod table;
