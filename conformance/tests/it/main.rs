//! Integration tests: one binary, a module for each part.

mod adapter_libzmq;
mod adapter_process;
mod adapter_protocol;
mod adapters_outside;
