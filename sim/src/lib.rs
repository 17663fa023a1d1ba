//! Simulated ZeroMQ networks: any reconnect or queueing bug, by its seed.
//!
//! ```text
//!   scenario ── seed ──► plan ──► engine: actors, faults ──► history, trace ──► oracles ──► violations
//!                                                                                  │
//!                                              shrink ◄── the plan that fails ◄────┘
//! ```
//!
//! A [`plan::Plan`] is data: who is there, what they do, what goes wrong. An [`engine::Engine`] carries it out and gives a
//! [`history::History`]: what the applications saw. Everything else judges, shortens or draws what came out.

pub mod actor;
pub mod bare;
pub mod compare;
pub mod determinism;
pub mod director;
pub mod draw;
pub mod engine;
pub mod explain;
pub mod hash;
pub mod history;
pub mod marks;
pub mod options;
pub mod oracle;
pub mod plan;
pub mod render;
pub mod saved;
pub mod scenario;
pub mod settle;
pub mod shrink;
pub mod swarm;
pub mod sweep;
pub mod time;
pub mod topology;
pub mod trial;
pub mod violation;

#[cfg(test)]
mod toy;
