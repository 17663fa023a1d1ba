//! Scenarios out of a seed alone, by swarm testing.
//!
//! First it is drawn which things exist at all, and only then how much of each: a plan with few kinds of faults and few
//! options reaches states which one with a little of everything never does. Every plan ends in such a way that its
//! liveness can be judged: all hosts come back, all sockets settle, nothing waits for a message that may be lost, and
//! where a host may vanish without a word its peers have heartbeats.

mod build;
mod course;
mod faults;
mod network;
mod options;
mod pattern;
mod program;

use std::fmt;
use std::str::FromStr;

use crate::plan::Plan;

pub use faults::{Among, KINDS, fault};

use build::Build;

/// The number of this generator: what a seed draws is the same as long as it stays.
pub const GENERATOR: u32 = 1;

/// A seed as it is written, `g1:7`: with the number of the generator that understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{GENERATOR}:{}", self.0)
    }
}

/// Why a text is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSeed {
    /// It does not look like one.
    #[error("{0:?} is no seed: expected g{GENERATOR}: and a number, such as g{GENERATOR}:7")]
    Malformed(String),
    /// Another generator made it.
    #[error(
        "{0:?} is a seed of another generator: this one draws g{GENERATOR}. Save the plan with the program that has it"
    )]
    OtherGenerator(String),
}

impl FromStr for Seed {
    type Err = NoSeed;

    fn from_str(text: &str) -> Result<Self, NoSeed> {
        let malformed = || NoSeed::Malformed(text.to_owned());
        let (generator, seed) = text.split_once(':').ok_or_else(malformed)?;
        let generator: u32 = generator.strip_prefix('g').and_then(|g| g.parse().ok()).ok_or_else(malformed)?;
        let seed = seed.parse().map_err(|_| malformed())?;
        if generator == GENERATOR { Ok(Self(seed)) } else { Err(NoSeed::OtherGenerator(text.to_owned())) }
    }
}

/// The plan of a seed. It passes [`Plan::check`].
#[must_use]
pub fn draw(seed: u64) -> Plan {
    drawn(seed).plan
}

/// What was drawn for a seed, as a table of two columns.
#[must_use]
pub fn table(seed: u64) -> String {
    let rows = drawn(seed).table;
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, what)| format!("{name:width$}  {what}\n")).collect()
}

fn drawn(seed: u64) -> Build {
    let mut build = Build::new(seed);
    pattern::draw(&mut build);
    network::draw(&mut build);
    let kinds = course::kinds(&mut build);
    let kinds = options::told_at_both_ends(&build, kinds);
    options::draw(&mut build, &kinds);
    course::faults(&mut build, &kinds);
    course::trouble(&mut build);
    build
}

#[cfg(test)]
mod tests;
