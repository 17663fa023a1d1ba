//! What a library took for one receiver is not lost, but with a connection, a socket or a process.
//!
//! | lost with | says |
//! |---|---|
//! | the connection that carried it, or had it queued | 28, 30, 31: a peer's queue goes with it |
//! | the receiver's socket or process | what it had not handed over goes with it |
//! | the sender's process | nothing is kept outside of it |
//! | the sender's socket, closed with a linger that was too short | `ZMQ_LINGER` |

use std::collections::BTreeMap;

use super::{End, Evidence, Facts, Findings, Hop, HopKind, LifeIndex};
use crate::plan::{Linger, SocketIndex, SocketType};
use crate::time::Time;
use crate::topology::carries;

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for life in (0..facts.lives.len()).map(LifeIndex) {
        let Some(clause) = clause_of(facts.type_of(life)) else { continue };
        let Some(stage) = Stage::of(facts, life) else { continue };
        stage.judge(clause, found);
    }
    holes(facts, found);
}

/// Which clause keeps what such a socket took.
fn clause_of(of: SocketType) -> Option<&'static str> {
    match of {
        SocketType::Push => Some("PIPELINE-PUSH-12"),
        SocketType::Dealer => Some("REQREP-DEALER-11"),
        SocketType::Req => Some("REQREP-REQ-08"),
        SocketType::Pair => Some("EXPAIR-PAIR-10"),
        // These drop by their own rules, or have a pipe for each peer that ends with it.
        SocketType::Rep
        | SocketType::Router
        | SocketType::Pub
        | SocketType::Sub
        | SocketType::XPub
        | SocketType::XSub
        | SocketType::Pull
        | SocketType::Stream => None,
    }
}

/// One sender's life, and all who may receive of it.
struct Stage<'a> {
    facts: &'a Facts<'a>,
    life: LifeIndex,
    receivers: Vec<SocketIndex>,
}

impl<'a> Stage<'a> {
    /// `None`: it cannot be said what is lost.
    fn of(facts: &'a Facts<'a>, life: LifeIndex) -> Option<Self> {
        let socket = facts.socket_of(life);
        let options = &facts.plan[socket].options;
        let of_type = facts.type_of(life);
        let receivers: Vec<_> = facts
            .topology
            .peers(socket)
            .into_iter()
            .filter(|peer| carries(of_type, facts.plan[*peer].socket_type))
            .collect();
        let conflates = |socket: &SocketIndex| facts.plan[*socket].options.conflate == Some(true);
        let limits = |socket: &SocketIndex| facts.plan[*socket].options.maxmsgsize.is_some();
        let unclear = options.conflate == Some(true)
            || receivers.is_empty()
            || receivers.iter().any(|peer| conflates(peer) || limits(peer))
            // A REP drops what has no delimiter, and whether a message has one is not seen here.
            || of_type == SocketType::Dealer && receivers.iter().any(|peer| is_rep(facts, *peer))
            // Which of several gets through to a PAIR is nobody's business.
            || of_type == SocketType::Pair
                && (receivers.len() != 1 || facts.topology.peers(receivers[0]).len() != 1)
            // With relaxed requests an earlier one may be dropped on its way.
            || of_type == SocketType::Req && options.req_relaxed == Some(true);
        (!unclear).then_some(Self { facts, life, receivers })
    }

    fn judge(&self, clause: &'static str, found: &mut Findings) {
        let facts = self.facts;
        let lost = facts.hops_at(self.life).filter(|hop| hop.kind != HopKind::Probe && !self.arrived(hop));
        for hop in lost {
            if !self.may_be_lost(hop) {
                let text = format!(
                    "{} took {} at {} and nobody received it, although no connection, socket or process that could \
                     have had it was lost since",
                    facts.name(self.life),
                    hop.id.name(facts.plan),
                    hop.at
                );
                found.wrong("delivery", clause, text, Evidence::none().hop(hop));
            }
        }
    }

    fn arrived(&self, hop: &Hop) -> bool {
        self.facts.gets_of(hop.id).any(|get| self.receivers.contains(&self.facts.socket_of(get.life)))
    }

    fn may_be_lost(&self, hop: &Hop) -> bool {
        let facts = self.facts;
        let sender = facts.life(self.life);
        // Once it is closed, connections end in good order: when all is sent.
        let until = match sender.ended {
            None => facts.closing,
            Some(ended) => match ended.how {
                End::Down => return true,
                End::Terminated => facts.closing,
                End::Closed(linger) => {
                    if !self.lingers_long_enough(linger, hop, ended.at) {
                        return true;
                    }
                    ended.at
                }
            },
        };
        let mut ends: Vec<_> = self
            .receivers
            .iter()
            .flat_map(|peer| facts.lives_of(*peer))
            .map(|(life, _)| life)
            .filter(|life| facts.life(*life).ended.is_none_or(|ended| ended.at >= hop.since))
            .collect();
        ends.push(self.life);
        let receiver_ended = ends
            .iter()
            .filter(|life| **life != self.life)
            .any(|life| facts.life(*life).ended.is_some_and(|ended| ended.at < facts.closing));
        let just_before = Time::from_nanos(until.as_nanos().saturating_sub(1));
        receiver_ended || facts.may_have_lost(&ends, hop.since, just_before) || !self.is_drained(hop)
    }

    /// Whether a close with this linger leaves time to send all that is taken: it does if it is without end, or long and
    /// nothing goes wrong meanwhile.
    fn lingers_long_enough(&self, linger: Option<Linger>, hop: &Hop, closed: Time) -> bool {
        let facts = self.facts;
        let linger = linger.or(facts.plan[facts.socket_of(self.life)].options.linger).unwrap_or(Linger::Forever);
        match linger {
            Linger::Discard => false,
            Linger::For(span) => {
                let enough = facts.worst_latency() * 20 + std::time::Duration::from_secs(2);
                span.0 >= enough && facts.is_calm(hop.since, closed + span.0) && self.knows_a_receiver(hop)
            }
            Linger::Forever => true,
        }
    }

    /// Whether a connection had been made by then: something sent before was received.
    fn knows_a_receiver(&self, hop: &Hop) -> bool {
        self.facts
            .hops_at(self.life)
            .filter(|other| other.entry < hop.entry)
            .any(|other| self.facts.gets_of(other.id).any(|get| get.at <= hop.at))
    }

    /// Whether all that can come has come: a later probe of the same socket reached each of those who receive, or nothing
    /// ever went wrong and whoever receives waited in vain for more.
    fn is_drained(&self, hop: &Hop) -> bool {
        let facts = self.facts;
        let probed = |peer: &SocketIndex| {
            facts
                .hops_at(self.life)
                .filter(|probe| probe.kind == HopKind::Probe && probe.since >= hop.at)
                .any(|probe| facts.gets_of(probe.id).any(|get| facts.socket_of(get.life) == *peer))
        };
        if self.receivers.iter().all(|peer| probed(peer) && facts.ways(facts.socket_of(self.life), *peer) == 1) {
            return true;
        }
        let settled = facts.run.history.settlement.is_over() && facts.run.ending == crate::engine::Ending::Finished;
        facts.plan.faults.is_empty()
            && settled
            && self.receivers.iter().all(|peer| facts.reads_to_the_end(*peer))
            && self.receivers.iter().all(|peer| facts.life_is_reached(self.life, *peer))
    }
}

fn is_rep(facts: &Facts<'_>, socket: SocketIndex) -> bool {
    facts.plan[socket].socket_type == SocketType::Rep
}

impl Facts<'_> {
    /// Whether anything of this life was ever received by that socket.
    fn life_is_reached(&self, life: LifeIndex, by: SocketIndex) -> bool {
        self.hops_at(life).any(|hop| self.gets_of(hop.id).any(|get| self.socket_of(get.life) == by))
    }
}

/// With one receiver and one way to it, what was sent between two messages that came has come as well, whatever happened
/// before the first and after the second.
// spec: ZMTP31-SEM-07
fn holes(facts: &Facts<'_>, found: &mut Findings) {
    for life in (0..facts.lives.len()).map(LifeIndex) {
        let Some(clause) = clause_of(facts.type_of(life)) else { continue };
        let Some(stage) = Stage::of(facts, life) else { continue };
        let [only] = stage.receivers.as_slice() else { continue };
        if facts.ways(facts.socket_of(life), *only) != 1 {
            continue;
        }
        let mut rows: BTreeMap<_, Vec<&Hop>> = BTreeMap::new();
        for hop in facts.hops_at(life) {
            rows.entry(hop.who).or_default().push(hop);
        }
        for row in rows.values() {
            row_holes(&stage, row, clause, found);
        }
    }
}

fn row_holes(stage: &Stage<'_>, row: &[&Hop], clause: &'static str, found: &mut Findings) {
    let facts = stage.facts;
    let came = |hop: &Hop| facts.gets_of(hop.id).find(|get| stage.receivers.contains(&facts.socket_of(get.life)));
    // What came next behind each place.
    let mut next = None;
    for (place, hop) in row.iter().enumerate().rev() {
        match came(hop) {
            Some(get) => next = Some((place, get)),
            None => {
                let Some((_, later)) = next else { continue };
                // Of a peer that lost its power the connection lives on here for a while, beside the next one.
                let are_several = facts.life(stage.life).connections(hop.since, later.at) > 1;
                if facts.may_have_lost(&[stage.life, later.life], hop.since, later.at)
                    || facts.life(later.life).opened > hop.since
                    || are_several
                {
                    continue;
                }
                let text = format!(
                    "{} took {} at {} and it never came, although {} that was sent behind it came over the same \
                     connection at {}",
                    facts.name(stage.life),
                    hop.id.name(facts.plan),
                    hop.at,
                    later.id.map(|id| id.name(facts.plan)).unwrap_or_default(),
                    later.at
                );
                found.wrong("delivery", clause, text, Evidence::none().hop(hop).get(later));
            }
        }
    }
}
