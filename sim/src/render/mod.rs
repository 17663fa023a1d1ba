//! Pictures of a run: in words, as a sequence diagram, for Wireshark, for Perfetto, as JSON.
//!
//! ```text
//!   history ──┐                        ┌──► words          the last events, for people who are in a hurry
//!             ├──► Picture: one line ──┼──► HTML           sequence diagram in one file
//!   network ──┘    for each event      ├──► pcapng         for Wireshark
//!                                      ├──► Perfetto       Chrome's trace format
//!                                      └──► JSON lines     for programs
//! ```
//!
//! A picture is made of a run and nothing else: equal runs have equal pictures, octet for octet. How much there is to see
//! depends on what was recorded: with [`Recording::History`](crate::engine::Recording) the calls and faults, with `Network`
//! the packets, with `Octets` what is in them.

mod bands;
mod focus;
mod html;
mod json;
mod line;
mod lines;
mod network;
mod pcapng;
mod perfetto;
mod recorded;
mod speech;
mod streams;
mod words;
mod zmtp;

#[cfg(test)]
pub(crate) mod fixture;

use crate::engine::Run;
use crate::plan::Plan;
use crate::time::Time;
use crate::violation::Violation;

use line::Line;
use network::Network;
use streams::Streams;

pub use words::Last;

/// A run, ready to be shown.
#[derive(Debug)]
pub struct Picture<'a> {
    plan: &'a Plan,
    run: &'a Run,
    violations: &'a [Violation],
    network: Network,
    streams: Streams,
    lines: Vec<Line>,
    /// The line of each entry of the history.
    of_entry: Vec<usize>,
    /// The line of each event of the network.
    of_event: Vec<usize>,
}

impl<'a> Picture<'a> {
    /// Of a run of a plan, with what is wrong with it.
    #[must_use]
    pub fn new(plan: &'a Plan, run: &'a Run, violations: &'a [Violation]) -> Self {
        let network = run.network.as_ref().map(Network::from).unwrap_or_default();
        Self::with(plan, run, network, violations)
    }

    fn with(plan: &'a Plan, run: &'a Run, network: Network, violations: &'a [Violation]) -> Self {
        let streams = Streams::read(plan, &run.history, &network);
        let (lines, of_entry, of_event) = lines::of(plan, &run.history, &network, &streams);
        Self { plan, run, violations, network, streams, lines, of_entry, of_event }
    }

    /// The line at which something is found to be wrong: the last of those that show it, or that are about its messages.
    fn line_of(&self, violation: &Violation) -> Option<usize> {
        let shown = violation.entries.iter().filter_map(|entry| self.of_entry.get(*entry).copied()).max();
        let names: Vec<String> = violation.messages.iter().map(|id| id.name(self.plan)).collect();
        let about = self.lines.iter().rposition(|line| line.messages.iter().any(|name| names.contains(name)));
        shown.max(about).or(self.lines.len().checked_sub(1))
    }
}

/// A point of time in seconds, to the microsecond, so that columns align.
fn clock(at: Time) -> String {
    let micros = at.as_nanos() / 1000;
    format!("t+{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
}

/// A span in nanoseconds with three digits that count.
fn span(nanos: u64) -> String {
    let (scale, unit) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, rest) = (nanos / scale, nanos % scale * 1000 / scale);
    let digits = match whole {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let rest = format!("{rest:03}");
    let rest = rest[..digits].trim_end_matches('0');
    if rest.is_empty() { format!("{whole}{unit}") } else { format!("{whole}.{rest}{unit}") }
}

#[cfg(test)]
mod tests;
