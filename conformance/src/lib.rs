//! zmqspec: the conformance suite for ZeroMQ implementations.
//!
//! The binary is a thin shell around this library; `ARCHITECTURE.md` is the map.

pub mod adapter;
pub mod event;
pub mod subject;
pub mod verdict;
