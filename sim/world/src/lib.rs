//! A network of simulated hosts as a pure data structure: calls and events in, wakes out.
//!
//! A [`World`] has hosts, a link for each direction between two of them, TCP-like streams, sockets at paths and abstract
//! names, datagrams, names, and a clock and timers for each host. It has no clock, thread, randomness or I/O of its own:
//! one seed and the same calls are the same run, octet for octet, in every process. [`World::trace`] has a hash of it.
//!
//! Streams, listeners and datagram sockets behave as those of Linux: what a call's documentation says is Linux's, and a
//! table of behaviours is held against real sockets by the tests.
//!
//! ```
//! use std::io::IoSlice;
//! use zmq_world::{Address, Listen, Wake, World};
//!
//! let mut world = World::new(7);
//! let server = world.add_host("server", &["10.0.0.1".parse()?]);
//! let client = world.add_host("client", &["10.0.0.2".parse()?]);
//! let at = Address::Tcp("10.0.0.1:5555".parse()?);
//! let listener = world.listen(server, &at, &Listen::default())?;
//! let stream = world.dial(client, &at, None)?;
//! while let Some(wake) = world.next() {
//!     match wake {
//!         Wake::Dialled(stream) => {
//!             world.write(stream, &[IoSlice::new(b"hello")])?;
//!         }
//!         Wake::Acceptable(listener) => {
//!             world.accept(listener)?;
//!         }
//!         Wake::Readable(stream) => {
//!             let mut into = [0; 16];
//!             let len = world.read(stream, &mut into)?;
//!             assert_eq!(&into[..len], b"hello");
//!         }
//!         _ => {}
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod between;
mod connection;
mod datagram;
mod draw;
mod errno;
mod event;
mod fault;
mod handshake;
mod host;
mod id;
mod link;
mod listener;
mod names;
mod ring;
mod stream;
mod time;
mod timer;
mod trace;
mod transfer;
mod world;

pub use address::{Address, Credentials};
pub use datagram::Loop;
pub use errno::Errno;
pub use host::{Condition, Limits, Resources, Reuse, Torn};
pub use id::{DatagramId, HostId, ListenerId, LookupId, Side, StreamId, TimerId, Wake};
pub use link::{Bandwidth, Fate, Flow, Latency, Link, Why};
pub use listener::Listen;
pub use time::Time;
pub use trace::{Endpoints, Keep, PacketKind, Trace, TraceEvent, What};
pub use world::World;
