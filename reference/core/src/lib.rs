//! ZeroMQ without I/O.
