//! A safe face over a libzmq loaded at run time.
//!
//! The library is chosen by path when the program runs, so one build can drive any libzmq from 4.0 on. Symbols that
//! came later are optional: what is absent is reported as an absent feature, not as a failed load.
//!
//! ```no_run
//! use zmq_libzmq::{Context, Flags, Library};
//!
//! let library = Library::open(None)?;
//! let context = Context::new(&library)?;
//! let socket = context.socket(zmq_libzmq::names::REP)?;
//! socket.bind("tcp://127.0.0.1:*")?;
//! let request = socket.recv_part(Flags::NONE, &[])?;
//! # let _ = request;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Socket`] may move to another thread and is never shared: it is `Send`, not `Sync`.
#![expect(unsafe_code, reason = "every call into a library loaded at run time is foreign")]

mod context;
mod descriptor;
mod error;
mod library;
mod message;
mod monitor;
pub mod names;
mod socket;
mod symbols;

pub use context::Context;
pub use descriptor::Descriptor;
pub use error::Error;
pub use library::{Library, LoadError, Version};
pub use message::Message;
pub use monitor::{Monitor, MonitorEvent};
pub use socket::{Flags, Received, Socket};
