//! ZeroMQ sockets: the reference implementation of zmqspec on tokio.
//!
//! ```
//! use zmq_reference::{Context, SocketType};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let context = Context::new()?;
//! let server = context.socket(SocketType::Rep)?;
//! let endpoint = server.bind("tcp://127.0.0.1:*").await?;
//! let client = context.socket(SocketType::Req)?;
//! client.connect(&endpoint.to_string())?;
//!
//! client.send("hello").await?;
//! assert_eq!(server.recv().await?.first(), &"hello");
//! server.send(["two", "parts"]).await?;
//! assert_eq!(client.recv().await?.parts(), 2);
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! [`blocking`] has the same for programs without a runtime. Options, linger, threads and what is bounded are explained
//! in the book: `docs/src/reference.md`.

mod address;
mod any;
pub mod blocking;
mod carrier;
mod context;
mod context_options;
mod dialer;
mod endpoint;
mod error;
#[cfg(unix)]
mod event_fd;
mod keys;
mod listener;
mod live;
mod monitor;
#[cfg(unix)]
pub mod numbered;
mod pace;
mod places;
#[cfg(unix)]
mod poller;
pub mod proxy;
pub mod runtime;
mod socket;
mod socks;
pub mod trouble;
mod zap;

pub use context::{Context, SocketError};
pub use context_options::{ContextOptions, ThreadOptions};
pub use endpoint::{Endpoint, EndpointError, IpcName, TcpSource};
pub use error::{EndpointFailed, OptionError, is_terminated};
pub use keys::new_keys;
pub use monitor::{Event, EventKind, EventMask, EventVersion, Monitor, MonitorType, Side, SystemError};
#[cfg(unix)]
pub use poller::{PollError, Poller, Ready, Token};
pub use proxy::{Proxy, ProxyError, Statistics};
#[cfg(unix)]
pub use runtime::watch::Interest;
pub use socket::Socket;
pub use zmq_core::connection::{HandshakeFailure, PeerMisbehaved};
pub use zmq_core::error::{RecvError, SendError, Unsent};
pub use zmq_core::mechanism::curve::{KeyError, KeyPair, PublicKey, SecretKey};
pub use zmq_core::options::{
    AcceptFilter, Curve, CurveClient, Heartbeat, Hwm, KeepAlive, Linger, Login, Network, NetworkError, Octets, Options,
    Plain, Probing, Reconnect, ReconnectStop, RouterNotify, RoutingId, RoutingIdError, Security, SocksProxy,
    TcpOptions, ZapDomain, ZapEnforcement,
};
pub use zmq_core::pattern::table::SocketType;
pub use zmq_core::pattern::{Manual, PatternOption, Switch, Verbosity};
pub use zmq_core::socket::{PeerInfo, Properties};
pub use zmq_core::{Frame, Message};

/// The examples of README and book are compiled and run with the tests.
#[cfg(doctest)]
#[allow(rustdoc::invalid_codeblock_attributes, reason = "`sh exit=1` is read by ci/doc_commands.py")]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/src/reference.md")]
mod documents {}
