//! Cases as data: what a case file says, checked and turned into values.
//!
//! `docs/src/write-a-case.md` describes the format. A file under `conformance/cases/` holds the cases of one area;
//! [`library::Library`] reads them, [`step`] holds the steps, [`parse`] their sentences, [`lint`] what is demanded of
//! a case beyond being readable.

pub mod file;
pub mod library;
pub mod lint;
pub mod octets;
pub mod parse;
pub mod security;
pub mod select;
pub mod step;
mod words;
