//! Adapters: processes that drive one implementation for the harness.
//!
//! [`protocol`] is what passes over their stdio.

pub mod protocol;
