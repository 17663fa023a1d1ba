//! The `zmqspec` command.

fn main() {}
