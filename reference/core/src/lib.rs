//! ZeroMQ without I/O.

pub mod time;
