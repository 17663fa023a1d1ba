//! Whether a plan makes sense: what is named is there, sockets can do what is asked of them, faults have something to act on.

mod actors;
mod endpoint;
mod faults;
mod names;
mod network;
mod sockets;

use super::Plan;
pub(crate) use names::nearest;

/// What makes a plan meaningless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Senseless {
    /// Where, in words: `actor "source", step 2`.
    pub at: String,
    /// Where in the file: keys and places from 0, divided by points: `actor.0.do.1.send.count`.
    pub path: String,
    /// What was expected, what is there, and what to do.
    pub what: String,
}

/// Collects what makes no sense.
#[derive(Debug, Default)]
struct Findings {
    all: Vec<Senseless>,
    at: String,
    path: String,
}

impl Findings {
    /// What is found from here on is there.
    fn at(&mut self, at: String, path: String) {
        self.at = at;
        self.path = path;
    }

    /// Something is found, at this key of what is looked at.
    fn say(&mut self, key: &str, what: String) {
        let path = if key.is_empty() { self.path.clone() } else { format!("{}.{key}", self.path) };
        self.all.push(Senseless { at: self.at.clone(), path, what });
    }
}

impl Plan {
    /// Whether the plan makes sense. Engines carry out checked plans only.
    ///
    /// # Errors
    ///
    /// All that makes none, in the order of the file's parts.
    pub fn check(&self) -> Result<(), Vec<Senseless>> {
        let mut findings = Findings::default();
        network::check(self, &mut findings);
        sockets::check(self, &mut findings);
        actors::check(self, &mut findings);
        faults::check(self, &mut findings);
        if findings.all.is_empty() { Ok(()) } else { Err(findings.all) }
    }
}

#[cfg(test)]
mod tests;
