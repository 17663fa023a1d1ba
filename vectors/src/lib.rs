//! zmq-vectors
