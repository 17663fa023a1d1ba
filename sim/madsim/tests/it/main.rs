//! The shipped library under madsim, in a simulated world.

mod faults;
mod patterns;
mod plans;
