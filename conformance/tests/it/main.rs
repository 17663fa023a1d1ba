//! Integration tests of zmqspec.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod repository;
