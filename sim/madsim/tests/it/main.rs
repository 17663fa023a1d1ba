//! The shipped library under madsim, in a simulated world.

mod apps;
mod determinism;
mod faults;
mod patterns;
mod plans;
mod swarm;
mod symbols;
mod trouble;
