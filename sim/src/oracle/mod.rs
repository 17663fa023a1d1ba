//! Oracles: what a run shows, held against what the patterns promise.
//!
//! Each oracle is a small model of one promise and reads the history alone: what applications did and saw, what was done to
//! them, what libraries told of their connections. What may be lost, and when, stands there with its clause. Where a
//! history leaves open whether something was allowed, it was allowed.
//!
//! | oracle | promise |
//! |---|---|
//! | `torn`, `invented`, `duplicates`, `order` | messages come whole, once, as they were sent and in their order |
//! | `delivery` | what was taken is not lost but with a connection, a socket or a process |
//! | `subscription` | subscribers get what they subscribed to, all of it, and nothing else |
//! | `alternation`, `reply` | requests and replies take turns and belong together |
//! | `addressee`, `identity`, `pair` | messages go to whom they are for |
//! | `hwm`, `conflate` | queues hold what they are told to, neither more nor less; one that keeps the last keeps the last |
//! | `linger`, `termination` | closing waits as long as it was told to |
//! | `connection`, `handshake`, `heartbeat`, `reconnect` | connections end with a cause, dead ones are found, new ones are made at a fair pace |
//! | `security` | nobody talks who is not let in |
//! | `liveness`, `resources`, `expectation`, `crash` | after the healing all comes back; nothing is left; the scenario's own promises |

mod addressee;
mod conflate;
mod connection;
mod delivery;
mod facts;
mod hwm;
mod integrity;
mod linger;
mod liveness;
mod order;
mod reconnect;
mod reply;
mod severed;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use facts::{Active, Change, End, Facts, Get, Hop, HopKind, LifeIndex, Refusal};

use crate::actor::message::MessageId;
use crate::engine::Run;
use crate::plan::Plan;
pub use crate::violation::{Kind, Violation};

/// The clauses of specifications that oracles hold every run against, in the order of their ids.
// spec: EXPAIR-PAIR-01, EXPAIR-PAIR-07, EXPAIR-PAIR-09, EXPAIR-PAIR-10, PIPELINE-PUSH-08
// spec: PIPELINE-PUSH-11, PIPELINE-PUSH-12, PUBSUB-PUB-13, PUBSUB-SUB-11, PUBSUB-SUB-12
// spec: PUBSUB-XPUB-11, PUBSUB-XSUB-14, REQREP-DEALER-07, REQREP-DEALER-10, REQREP-DEALER-11
// spec: REQREP-REP-03, REQREP-REP-08, REQREP-REP-10, REQREP-REP-12, REQREP-REQ-02
// spec: REQREP-REQ-04, REQREP-REQ-07, REQREP-REQ-08, REQREP-REQ-09, REQREP-REQ-10
// spec: REQREP-ROUTER-06, REQREP-ROUTER-07, REQREP-ROUTER-12, REQREP-ROUTER-13, REQREP-ROUTER-14
// spec: ZAP-FIELD-07, ZMTP31-ERROR-03, ZMTP31-ERROR-04, ZMTP31-ERROR-05, ZMTP31-ERROR-06
// spec: ZMTP31-ERROR-07, ZMTP31-MSGS-01, ZMTP31-PING-11, ZMTP31-PING-13, ZMTP31-SEM-02
// spec: ZMTP31-SEM-03, ZMTP31-SEM-04, ZMTP31-SEM-05, ZMTP31-SEM-06, ZMTP31-SEM-07
// spec: ZMTP31-SOCKTYPE-21, ZMTP31-SUBS-01
#[rustfmt::skip]
pub const ALWAYS: &[&str] = &[
    "EXPAIR-PAIR-01", "EXPAIR-PAIR-07", "EXPAIR-PAIR-09", "EXPAIR-PAIR-10", "PIPELINE-PUSH-08",
    "PIPELINE-PUSH-11", "PIPELINE-PUSH-12", "PUBSUB-PUB-13", "PUBSUB-SUB-11", "PUBSUB-SUB-12",
    "PUBSUB-XPUB-11", "PUBSUB-XSUB-14", "REQREP-DEALER-07", "REQREP-DEALER-10", "REQREP-DEALER-11",
    "REQREP-REP-03", "REQREP-REP-08", "REQREP-REP-10", "REQREP-REP-12", "REQREP-REQ-02",
    "REQREP-REQ-04", "REQREP-REQ-07", "REQREP-REQ-08", "REQREP-REQ-09", "REQREP-REQ-10",
    "REQREP-ROUTER-06", "REQREP-ROUTER-07", "REQREP-ROUTER-12", "REQREP-ROUTER-13", "REQREP-ROUTER-14",
    "ZAP-FIELD-07", "ZMTP31-ERROR-03", "ZMTP31-ERROR-04", "ZMTP31-ERROR-05", "ZMTP31-ERROR-06",
    "ZMTP31-ERROR-07", "ZMTP31-MSGS-01", "ZMTP31-PING-11", "ZMTP31-PING-13", "ZMTP31-SEM-02",
    "ZMTP31-SEM-03", "ZMTP31-SEM-04", "ZMTP31-SEM-05", "ZMTP31-SEM-06", "ZMTP31-SEM-07",
    "ZMTP31-SOCKTYPE-21", "ZMTP31-SUBS-01",
];

/// All promises that a run did not keep: crashes first, then what is wrong in the order in which it happened, then what
/// never happened.
#[must_use]
pub fn judge(plan: &Plan, run: &Run) -> Vec<Violation> {
    let facts = Facts::of(plan, run);
    let mut found = Findings::default();
    liveness::crash(&facts, &mut found);
    integrity::judge(&facts, &mut found);
    order::judge(&facts, &mut found);
    delivery::judge(&facts, &mut found);
    subscription::judge(&facts, &mut found);
    reply::judge(&facts, &mut found);
    addressee::judge(&facts, &mut found);
    hwm::judge(&facts, &mut found);
    conflate::judge(&facts, &mut found);
    linger::judge(&facts, &mut found);
    connection::judge(&facts, &mut found);
    liveness::judge(&facts, &mut found);
    let mut all = found.0;
    let rank = |kind: Kind| match kind {
        Kind::Crash => 0,
        Kind::Safety => 1,
        Kind::Liveness => 2,
    };
    all.sort_by_key(|violation| (rank(violation.kind), violation.entries.first().copied().unwrap_or(usize::MAX)));
    all
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Findings(Vec<Violation>);

/// Of one kind of finding this many are told; the rest says the same.
const ENOUGH: usize = 20;

impl Findings {
    /// Something wrong happened.
    fn wrong(&mut self, oracle: &'static str, clause: &'static str, text: String, at: Evidence) {
        self.push(Violation { oracle, clause, kind: Kind::Safety, text, entries: at.entries, messages: at.messages });
    }

    /// Something right never happened.
    fn missing(&mut self, oracle: &'static str, clause: &'static str, text: String, at: Evidence) {
        self.push(Violation { oracle, clause, kind: Kind::Liveness, text, entries: at.entries, messages: at.messages });
    }

    fn push(&mut self, violation: Violation) {
        let alike = self.0.iter().filter(|other| other.symptom() == violation.symptom()).count();
        if alike < ENOUGH {
            self.0.push(violation);
        }
    }
}

/// Where a finding shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    entries: Vec<usize>,
    messages: Vec<MessageId>,
}

impl Evidence {
    fn none() -> Self {
        Self::default()
    }

    fn entry(mut self, entry: usize) -> Self {
        self.entries.push(entry);
        self
    }

    fn message(mut self, id: MessageId) -> Self {
        self.messages.push(id);
        self
    }

    fn get(self, get: &Get<'_>) -> Self {
        let with = self.entry(get.entry);
        match get.id {
            Some(id) => with.message(id),
            None => with,
        }
    }

    fn hop(self, hop: &Hop) -> Self {
        self.entry(hop.entry).message(hop.id)
    }
}
