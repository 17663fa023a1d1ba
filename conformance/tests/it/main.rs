<<<<<<< HEAD
//! Integration tests of zmqspec.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod repository;
=======
//! What the crate promises from outside, in one binary.

mod reports;
>>>>>>> gate
