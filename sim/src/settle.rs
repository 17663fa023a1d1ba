//! Settling: after the healing, everybody who has to be reached is reached by a probe.

use std::collections::{BTreeMap, BTreeSet};

use crate::actor::message::MessageId;
use crate::history::Received;
use crate::plan::{Plan, SocketIndex, SocketType, Step};

/// Who has to reach whom, and has not yet.
#[derive(Debug, Clone, Default)]
pub struct Settlement {
    pending: BTreeSet<(SocketIndex, SocketIndex)>,
    probes: BTreeMap<MessageId, SocketIndex>,
}

impl Settlement {
    /// Between sockets that are joined by endpoints of the plan, and whose actors settle.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let settles: BTreeSet<SocketIndex> = SocketIndex::all(plan).filter(|socket| settles(plan, *socket)).collect();
        let mut pending = BTreeSet::new();
        for connecting in SocketIndex::all(plan) {
            for bound in SocketIndex::all(plan) {
                if !joined(plan, connecting, bound) || !settles.contains(&connecting) || !settles.contains(&bound) {
                    continue;
                }
                for (from, to) in [(connecting, bound), (bound, connecting)] {
                    if reaches(plan[from].socket_type, plan[to].socket_type) {
                        pending.insert((from, to));
                    }
                }
            }
        }
        Self { pending, probes: BTreeMap::new() }
    }

    /// A probe was sent by a socket.
    pub fn probe_sent(&mut self, id: MessageId, from: SocketIndex) {
        self.probes.insert(id, from);
    }

    /// A message was received by a socket.
    pub fn received(&mut self, received: &Received, at: SocketIndex) {
        if let Some(from) = received.id().and_then(|id| self.probes.get(&id)) {
            self.pending.remove(&(*from, at));
        }
    }

    /// Whether the message is a probe.
    #[must_use]
    pub fn is_probe(&self, id: MessageId) -> bool {
        self.probes.contains_key(&id)
    }

    /// Whether everybody is reached.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.pending.is_empty()
    }

    /// Who still has to reach whom.
    pub fn pending(&self) -> impl Iterator<Item = (SocketIndex, SocketIndex)> {
        self.pending.iter().copied()
    }

    /// Whether this socket still has to reach somebody.
    #[must_use]
    pub fn wants_from(&self, socket: SocketIndex) -> bool {
        self.pending.iter().any(|(from, _)| *from == socket)
    }
}

/// Whether an actor of the socket settles it.
fn settles(plan: &Plan, socket: SocketIndex) -> bool {
    crate::plan::ActorIndex::all(plan).any(|actor| {
        plan[actor].r#do.iter().any(|step| match step {
            Step::Settle { socket: named } => plan.meant(actor, named.as_deref()) == Some(socket),
            Step::Serve(serve) if serve.count.is_none() => plan.meant(actor, serve.socket.as_deref()) == Some(socket),
            _ => false,
        })
    })
}

/// Whether one connects to where the other is bound.
#[must_use]
pub fn joined(plan: &Plan, connecting: SocketIndex, bound: SocketIndex) -> bool {
    plan[connecting].connect.iter().any(|to| plan[bound].bind.iter().any(|at| meets(plan, connecting, to, bound, at)))
}

fn meets(plan: &Plan, connecting: SocketIndex, to: &str, bound: SocketIndex, at: &str) -> bool {
    let same_host = plan[connecting].host == plan[bound].host;
    match (to.split_once("://"), at.split_once("://")) {
        (Some(("tcp", to)), Some(("tcp", at))) => match (to.rsplit_once(':'), at.rsplit_once(':')) {
            (Some((host, port)), Some((_, bound_port))) => host == plan[bound].host && port == bound_port,
            _ => false,
        },
        (Some((scheme, to)), Some((other, at))) => same_host && scheme == other && to == at,
        _ => false,
    }
}

/// Whether messages of one type go to the other by themselves. Answers follow their questions.
fn reaches(from: SocketType, to: SocketType) -> bool {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
    matches!(
        (from, to),
        (Push, Pull)
            | (Pub | XPub, Sub | XSub)
            | (Req, Rep | Router)
            | (Dealer, Rep | Router | Dealer)
            | (Pair, Pair)
            | (Rep | Router, Req | Dealer)
    )
}
