//! Tests of the simulator from outside.

mod regressions;
