//! Ways that are gone for good, so that nobody has to be reached by them.
//!
//! A PAIR has one peer. Where it connects while an earlier connection still sends what was taken for it, the new one is refused,
//! by the PAIR itself, and an endpoint that it refused is not dialled again.
//!
//! A socket that connects over inproc is joined with whoever is bound to the name, or is the first to be bound. When that
//! one is closed the two are parted for good, whoever is bound to the name later: there is no connection that could be
//! lost, and so nothing is dialled again.

use super::{End, Facts};
use crate::plan::{SocketIndex, SocketType};
use crate::settle::Duty;
use crate::topology::{Path, Topology};

/// Ways that are gone.
pub(super) struct Severed {
    topology: Topology,
    parted: Vec<Path>,
}

impl Severed {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let topology = Topology::in_the_end(facts.plan);
        let is_gone = |path: &&Path| if path.inproc { is_parted(facts, path) } else { is_refused(facts, path) };
        let parted = topology.paths().iter().filter(is_gone).copied().collect();
        Self { topology, parted }
    }

    /// Whether all ways of a duty are gone. Behind a device any way that is gone may have been the one.
    pub(super) fn excuses(&self, duty: &Duty) -> bool {
        let mut is_straight = false;
        for (from, to) in duty.from.iter().flat_map(|from| duty.to.iter().map(move |to| (*from, *to))) {
            let mut ways = self.topology.between_two(from, to).peekable();
            if ways.peek().is_some() {
                is_straight = true;
                if ways.all(|way| self.parted.contains(way)) {
                    return true;
                }
            }
        }
        let is_of = |socket: SocketIndex| {
            let passes = self.topology.devices().iter().any(|device| device.contains(&socket));
            passes || duty.from.contains(&socket) || duty.to.contains(&socket)
        };
        !is_straight && self.parted.iter().any(|way| is_of(way.connecting) || is_of(way.bound))
    }
}

/// Whether the bound end of a way was closed behind the last time that the other end connected.
fn is_parted(facts: &Facts<'_>, way: &Path) -> bool {
    let Some((_, of)) = facts.lives_of(way.connecting).last() else { return false };
    let to = &facts.plan[way.bound].bind;
    let joined = of.connects.iter().filter(|(_, endpoint)| to.contains(endpoint)).map(|(since, _)| *since).max();
    joined.is_some_and(|joined| {
        facts.lives_of(way.bound).any(|(_, bound)| {
            bound.ended.is_some_and(|ended| matches!(ended.how, End::Closed(_)) && ended.at >= joined)
        })
    })
}

/// Whether a PAIR connected while it had a peer, so that it refused the new one.
// spec: EXPAIR-PAIR-01
fn is_refused(facts: &Facts<'_>, way: &Path) -> bool {
    let Some((_, of)) = facts.lives_of(way.connecting).last() else { return false };
    let Some((since, _)) = of.connects.last() else { return false };
    let is_pair = facts.plan[way.connecting].socket_type == SocketType::Pair;
    is_pair && of.connects.len() > 1 && of.connections(*since, *since) > 0
}
