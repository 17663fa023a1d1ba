//! ZeroMQ sockets on tokio.

pub mod runtime;
