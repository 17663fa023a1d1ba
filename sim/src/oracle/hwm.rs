//! Queues hold what they are told to: exactly, where nothing leaves them (28, 30, 31; `ZMQ_SNDHWM`, `ZMQ_IMMEDIATE`).

use std::collections::BTreeSet;

use super::{Evidence, Facts, Findings, Hop, LifeIndex, Refusal};
use crate::history::{Call, What};
use crate::plan::{FaultKind, SocketType};
use crate::time::Time;
use crate::topology::carries;

/// An engine may tell of a connection a little later than it was there; nanoseconds.
const TOLD_LATE: u64 = 50_000_000;

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for life in (0..facts.lives.len()).map(LifeIndex) {
        if let Some(clauses) = Clauses::of(facts.type_of(life)) {
            alone(facts, life, clauses, found);
            inproc(facts, life, clauses, found);
            empty(facts, life, clauses, found);
        } else {
            never_waits(facts, life, found);
        }
    }
}

/// What a type that waits for room says.
#[derive(Clone, Copy)]
struct Clauses {
    /// Without room nothing more is taken.
    full: &'static str,
    /// With room it is.
    room: &'static str,
}

impl Clauses {
    fn of(of: SocketType) -> Option<Self> {
        let (full, room) = match of {
            SocketType::Push => ("PIPELINE-PUSH-11", "PIPELINE-PUSH-08"),
            SocketType::Dealer => ("REQREP-DEALER-10", "REQREP-DEALER-07"),
            SocketType::Req => ("REQREP-REQ-07", "REQREP-REQ-07"),
            SocketType::Pair => ("EXPAIR-PAIR-09", "EXPAIR-PAIR-07"),
            SocketType::Rep
            | SocketType::Router
            | SocketType::Pub
            | SocketType::Sub
            | SocketType::XPub
            | SocketType::XSub
            | SocketType::Pull
            | SocketType::Stream => return None,
        };
        Some(Self { full, room })
    }
}

/// A mark; `None`: without limit.
fn mark(hwm: Option<u32>) -> Option<usize> {
    match hwm.unwrap_or(1000) {
        0 => None,
        hwm => usize::try_from(hwm).ok(),
    }
}

/// Before any connection is made, each endpoint that is connected to holds as much as its mark, and a socket that is only
/// bound holds nothing.
fn alone(facts: &Facts<'_>, life: LifeIndex, clauses: Clauses, found: &mut Findings) {
    let of = facts.life(life);
    let socket = facts.socket_of(life);
    let options = &facts.plan[socket].options;
    let peers = facts.topology.peers(socket);
    let inproc =
        facts.topology.paths().iter().any(|path| path.inproc && [path.bound, path.connecting].contains(&socket));
    let by_inproc = inproc || of.connects.iter().any(|(_, to)| to.starts_with("inproc"));
    if by_inproc || options.conflate == Some(true) || facts.type_of(life) == SocketType::Req {
        return;
    }
    // Whether there was a connection is known by events, or because there was nobody all the time.
    let nobody = peers.iter().all(|peer| facts.lives_of(*peer).next().is_none());
    if !facts.has_events && !nobody {
        return;
    }
    let made = ["connected", "accepted", "handshake-succeeded"];
    let first = of.events.iter().filter(|event| made.contains(&event.name.as_str())).map(|event| event.at).min();
    let until = first.map_or(u64::MAX, |at| at.as_nanos().saturating_sub(TOLD_LATE));
    let until = Time::from_nanos(until);
    let holds = |at: Time| -> Option<usize> {
        let immediate = options.immediate == Some(true);
        let endpoints: BTreeSet<&str> =
            of.connects.iter().filter(|(since, _)| *since <= at && !immediate).map(|(_, to)| to.as_str()).collect();
        // A PAIR has one peer, whoever else it connects to.
        let pipes = if facts.type_of(life) == SocketType::Pair { endpoints.len().min(1) } else { endpoints.len() };
        Some(pipes * mark(options.sndhwm)?)
    };
    let doubled = facts.plan.faults.iter().any(|fault| match &fault.what {
        FaultKind::DuplicateConnect { socket: named } => facts.plan.socket(named) == Some(socket),
        _ => false,
    });
    let unsure = doubled || of.connects.len() != of.connects.iter().map(|(_, to)| to).collect::<BTreeSet<_>>().len();
    if unsure || !of.given_up.is_empty() {
        return;
    }
    let mut taken = 0;
    for hop in facts.hops_at(life).filter(|hop| hop.at < until) {
        taken += 1;
        if let Some(limit) = holds(hop.at)
            && taken > limit
        {
            let text = format!(
                "{} took {} at {} as its message number {taken} and has room for {limit}: no connection was made yet",
                facts.name(life),
                hop.id.name(facts.plan),
                hop.at
            );
            found.wrong("hwm", clauses.full, text, Evidence::none().hop(hop));
            return;
        }
    }
    refused_with_room(facts, life, clauses, until, &holds, found);
}

fn refused_with_room(
    facts: &Facts<'_>,
    life: LifeIndex,
    clauses: Clauses,
    until: Time,
    holds: &dyn Fn(Time) -> Option<usize>,
    found: &mut Findings,
) {
    let socket = facts.socket_of(life);
    for (entry, what) in facts.run.history.entries.iter().enumerate() {
        let What::Call { socket: Some(on), since, call: Call::SendTimedOut(id), .. } = &what.what else { continue };
        if *on != socket || !facts.life(life).lives_at(what.at) || what.at >= until {
            continue;
        }
        let taken = facts.hops_at(life).filter(|hop| hop.at <= *since).count();
        // What others were sending meanwhile may have had the room.
        let meanwhile = facts.hops_at(life).filter(|hop| hop.at > *since && hop.at <= what.at).count();
        let limit = holds(*since).unwrap_or(usize::MAX);
        if taken + meanwhile < limit {
            let text = format!(
                "{} had no room for {} at {} although it held {taken} messages and has room for {}",
                facts.name(life),
                id.name(facts.plan),
                what.at,
                if limit == usize::MAX { "any number".to_owned() } else { limit.to_string() }
            );
            found.wrong("hwm", clauses.room, text, Evidence::none().entry(entry).message(*id));
        }
    }
}

/// Over inproc both marks together are what fits, for nothing lies between.
fn inproc(facts: &Facts<'_>, life: LifeIndex, clauses: Clauses, found: &mut Findings) {
    let socket = facts.socket_of(life);
    let [peer] = facts.topology.peers(socket).into_iter().collect::<Vec<_>>()[..] else { return };
    let mut ways = facts.topology.between_two(socket, peer);
    let (Some(way), None) = (ways.next(), ways.next()) else { return };
    let conflates = [socket, peer].iter().any(|end| facts.plan[*end].options.conflate == Some(true));
    if !way.inproc || conflates || !carries(facts.type_of(life), facts.plan[peer].socket_type) {
        return;
    }
    // The other's life has to be one all the time.
    let lives: Vec<_> = facts.lives_of(peer).map(|(life, _)| life).collect();
    let ([other], true) = (lives.as_slice(), facts.lives_of(socket).count() == 1) else { return };
    let (Some(ours), Some(theirs)) = (mark(facts.plan[socket].options.sndhwm), mark(facts.plan[peer].options.rcvhwm))
    else {
        return;
    };
    let limit = ours + theirs;
    let ours_came = |get: &&super::Get<'_>| {
        get.life == *other && get.id.is_some_and(|id| facts.hops_of(id).any(|hop| hop.life == life))
    };
    let mut received: Vec<Time> = facts.gets.iter().filter(ours_came).map(|get| get.since).collect();
    received.sort();
    for (taken, hop) in facts.hops_at(life).enumerate() {
        let gone = received.partition_point(|since| *since <= hop.at);
        let inside = (taken + 1).saturating_sub(gone);
        if inside > limit {
            let text = format!(
                "{} took {} at {} with {inside} messages on the way, and {ours} and {theirs} are all that the two ends hold",
                facts.name(life),
                hop.id.name(facts.plan),
                hop.at
            );
            found.wrong("hwm", clauses.full, text, Evidence::none().hop(hop));
            return;
        }
    }
}

/// Where all that was taken has been received, over a connection that lasts, there is room.
fn empty(facts: &Facts<'_>, life: LifeIndex, clauses: Clauses, found: &mut Findings) {
    let socket = facts.socket_of(life);
    if facts.type_of(life) == SocketType::Req {
        return;
    }
    for (entry, what) in facts.run.history.entries.iter().enumerate() {
        let What::Call { socket: Some(on), since, call: Call::SendTimedOut(id), .. } = &what.what else { continue };
        if *on != socket || !facts.life(life).lives_at(what.at) {
            continue;
        }
        let before: Vec<&Hop> = facts.hops_at(life).filter(|hop| hop.at <= *since).collect();
        let meanwhile = facts.hops_at(life).any(|hop| hop.at > *since && hop.at <= what.at);
        let received = |hop: &&Hop| facts.gets_of(hop.id).map(|get| (get.at, get.life)).min();
        let all: Option<Vec<_>> = before.iter().map(received).collect();
        let (Some(all), false) = (all, meanwhile) else { continue };
        let Some(first) = before.first() else { continue };
        let mut ends: Vec<LifeIndex> = all.iter().map(|(_, life)| *life).collect();
        ends.push(life);
        let gone = all.iter().all(|(at, _)| *at < *since);
        if gone && !facts.may_have_lost(&ends, first.since, what.at) {
            let text = format!(
                "{} had no room for {} at {} although all that it had taken was received before, and it is connected",
                facts.name(life),
                id.name(facts.plan),
                what.at
            );
            found.wrong("hwm", clauses.room, text, Evidence::none().entry(entry).message(*id));
        }
    }
}

/// Those that never wait for room.
// spec: PUBSUB-PUB-13, PUBSUB-XPUB-11, PUBSUB-XSUB-14, REQREP-ROUTER-14, REQREP-REP-12
fn never_waits(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let options = &facts.plan[facts.socket_of(life)].options;
    let clause = match facts.type_of(life) {
        SocketType::Pub | SocketType::XPub if options.xpub_nodrop == Some(true) => return,
        SocketType::Router if options.router_mandatory == Some(true) => return,
        SocketType::Pub => "PUBSUB-PUB-13",
        SocketType::XPub => "PUBSUB-XPUB-11",
        SocketType::XSub => "PUBSUB-XSUB-14",
        SocketType::Router => "REQREP-ROUTER-14",
        SocketType::Rep => "REQREP-REP-12",
        SocketType::Req
        | SocketType::Dealer
        | SocketType::Sub
        | SocketType::Push
        | SocketType::Pull
        | SocketType::Pair
        | SocketType::Stream => return,
    };
    for (id, (entry, refusal)) in &facts.refused {
        let What::Call { socket: Some(on), .. } = &facts.run.history.entries[*entry].what else { continue };
        let at = facts.run.history.entries[*entry].at;
        if *refusal == Refusal::TimedOut && *on == facts.socket_of(life) && facts.life(life).lives_at(at) {
            let text = format!("{} kept {} waiting until {at}: it never waits", facts.name(life), id.name(facts.plan));
            found.wrong("hwm", clause, text, Evidence::none().entry(*entry).message(*id));
        }
    }
}
