//! What the crate promises from outside, in one binary.

mod reports;
