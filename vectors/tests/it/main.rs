//! Integration tests of the vectors: the data against schema and linter, and what both say about planted defects.

mod data;
mod defects;
mod loading;
