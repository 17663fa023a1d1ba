//! zmq-libzmq
