//! What a sweep has come by: clauses that oracles hold every run against (*always*), clauses whose code some run reached
//! (*sometimes*), and those that none did.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::engine::Run;
use crate::oracle::ALWAYS;

/// The clauses that runs reached, over a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    runs: u64,
    reached: BTreeMap<&'static str, u64>,
}

/// All clauses that have a mark in the code of the core: what can be reached at all.
#[must_use]
pub const fn reachable() -> &'static [&'static str] {
    zmq_core::marks::ALL
}

impl Coverage {
    /// One more run.
    pub fn add(&mut self, run: &Run) {
        self.add_reached(&run.reached);
    }

    /// One more run, which reached these clauses.
    pub fn add_reached(&mut self, reached: &[&'static str]) {
        self.runs += 1;
        for clause in reached {
            *self.reached.entry(clause).or_default() += 1;
        }
    }

    /// What other runs have reached as well.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        for (clause, runs) in &other.reached {
            *self.reached.entry(clause).or_default() += runs;
        }
    }

    /// Runs so far.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Clauses that were reached, and by how many runs, in the order of their ids.
    pub fn sometimes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.reached.iter().map(|(clause, runs)| (*clause, *runs))
    }

    /// Clauses with a mark that no run reached, in the order of their ids.
    pub fn never(&self) -> impl Iterator<Item = &'static str> {
        reachable().iter().copied().filter(|clause| !self.reached.contains_key(clause))
    }

    /// A table for people: what was reached and how often, what never, what is always held.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let reached = self.reached.len();
        let _ = writeln!(text, "clauses reached: {reached} of {}, in {} runs", reachable().len(), self.runs);
        for (clause, runs) in self.sometimes() {
            let share = (runs * 100).checked_div(self.runs).unwrap_or(0);
            let _ = writeln!(text, "  {clause:<22} {runs:>9} runs {share:>4} %");
        }
        lines(&mut text, "never reached", self.never());
        lines(&mut text, "held against every run", ALWAYS.iter().copied());
        text
    }
}

fn lines(text: &mut String, title: &str, clauses: impl Iterator<Item = &'static str>) {
    let all: Vec<_> = clauses.collect();
    let _ = writeln!(text, "{title}: {}", all.len());
    for row in all.chunks(5) {
        let _ = writeln!(text, "  {}", row.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reached_and_what_never_was_is_told() {
        let mut coverage = Coverage::default();
        coverage.add_reached(&["ZMTP31-PING-05", "ZMTP31-SUBS-09"]);
        let mut other = Coverage::default();
        other.add_reached(&["ZMTP31-PING-05"]);
        coverage.merge(&other);
        assert_eq!(coverage.runs(), 2);
        assert_eq!(coverage.sometimes().collect::<Vec<_>>(), [("ZMTP31-PING-05", 2), ("ZMTP31-SUBS-09", 1)]);
        assert_eq!(coverage.never().count(), reachable().len() - 2);
        let table = coverage.table();
        assert!(table.contains("ZMTP31-PING-05                 2 runs  100 %"), "{table}");
        assert!(table.contains("never reached"), "{table}");
    }
}
