//! What carries plans out.

use serde::Serialize;

use crate::history::History;
use crate::plan::Plan;

/// Carries plans out: the bare loop, the library in a simulated world or on real sockets, a captive libzmq.
pub trait Engine: Send + Sync {
    /// Its name: `bare`, `madsim`, `tokio`, `libzmq`.
    fn name(&self) -> &str;

    /// What of the plan it cannot do, in words; nothing: all.
    fn lacks(&self, plan: &Plan) -> Option<String>;

    /// What of the plan it passes over, in words, a sentence each: what it cannot do and what no promise depends on.
    fn ignores(&self, _: &Plan) -> Vec<String> {
        Vec::new()
    }

    /// Carries a plan out. The same plan gives the same run.
    fn run(&self, plan: &Plan, recording: Recording) -> Run;
}

/// How much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recording {
    /// The history and the hash of everything.
    #[default]
    History,
    /// Also what happened in the network.
    Network,
    /// Also the octets of packets.
    Octets,
}

/// What came of a plan.
#[derive(Debug)]
pub struct Run {
    /// What the applications saw.
    pub history: History,
    /// The hash of all that happened, in its order: equal for equal plans.
    pub hash: u64,
    /// What happened in the network, if it was recorded. Its hosts have the numbers of [`HostIndex`](crate::plan::HostIndex).
    pub network: Option<zmq_world::Trace>,
    /// How it ended.
    pub ending: Ending,
    /// What was still there at the end, when every context was terminated.
    pub left: Vec<Leftover>,
    /// Clauses that were reached, by their ids.
    pub reached: Vec<&'static str>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All actors are done and all contexts terminated.
    Finished,
    /// The plan's limit came first; who was doing what.
    OutOfTime(Vec<String>),
    /// Nothing can ever happen any more; who waits for what.
    Deadlock(Vec<String>),
    /// The implementation panicked or died.
    Crashed(String),
}

/// Something that a host has left when its context is terminated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// Where.
    pub host: String,
    /// What: `streams`, `listeners`, `timers`, `tasks` …
    pub what: String,
    /// How many.
    pub count: usize,
}
