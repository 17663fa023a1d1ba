//! Overrides of the C library's functions that put a program's threads, clock, randomness, names and descriptors under
//! a seed: preloaded, an unmodified libzmq and the program around it run the same way every time.
//!
//! ```text
//!   program, libzmq, libstdc++ …
//!        │ calls of the C library, rdtsc
//!        ▼
//!   threads locks clock tsc entropy names readiness sockets bytes      the functions, by kind
//!        │ each a scheduling point
//!        ▼
//!   baton ── schedule ── run ── faults ── trace                        who is next, and what time it is
//!        │
//!        ▼
//!   the kernel: descriptors are real, nobody waits in it
//! ```
//!
//! Outside of a run, in threads that are not in it, and in children of a fork, every call is passed through.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#![expect(unsafe_code, reason = "functions of the C library are taken over, and the kernel is called")]

mod address;
mod baton;
mod bytes;
mod clock;
pub mod control;
mod descriptors;
mod draw;
mod entropy;
pub mod faults;
mod locks;
mod names;
mod processes;
mod readiness;
mod real;
mod run;
mod schedule;
mod sockets;
pub mod sys;
mod threads;
pub mod trace;
mod tsc;

/// How a process ends that can never go on.
pub const STUCK: i32 = 125;

#[used]
#[unsafe(link_section = ".init_array")]
static LOADED: extern "C" fn() = control::loaded;

#[used]
#[unsafe(link_section = ".fini_array")]
static UNLOADED: extern "C" fn() = control::unloaded;
