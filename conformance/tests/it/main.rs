//! What the crate promises from outside, in one binary: a module for each part.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adapter_libzmq;
mod adapter_process;
mod adapter_protocol;
mod adapter_reference;
mod adapters_outside;
mod cli;
mod options_of_libzmq;
mod reports;
mod repository;
mod suite;
