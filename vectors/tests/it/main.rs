//! Integration tests of the vectors: the data against schema and linter, and what both say about planted defects.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod data;
mod defects;
mod loading;
