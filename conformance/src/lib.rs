//! zmqspec: the conformance suite for ZeroMQ implementations.
//!
//! The binary is a thin shell around this library; `ARCHITECTURE.md` is the map.

pub mod adapter;
pub mod case;
pub mod cli;
pub mod diff;
pub mod event;
pub mod exit;
pub mod expect;
pub mod ledger;
pub mod peer;
pub mod report;
pub mod run;
pub mod sabotage;
pub mod subject;
pub mod verdict;
pub mod wire;
