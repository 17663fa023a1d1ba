//! ZeroMQ sockets on tokio.
