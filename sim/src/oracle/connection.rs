//! Connections, by what libraries tell of them: they end with a cause, dead ones are found in time, handshakes end (37/ZMTP,
//! heartbeats and error handling; `ZMQ_HEARTBEAT_IVL`, `ZMQ_HANDSHAKE_IVL`).
//!
//! Engines without events are not judged here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::{Active, Event};
use super::{Evidence, Facts, Findings, LifeIndex, reconnect};
use crate::plan::{Direction, FaultKind, HostEvent, SocketIndex, SocketOptions, SocketType};
use crate::topology::{Admission, Path, admission, talk};

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    if !facts.has_events {
        return;
    }
    for life in (0..facts.lives.len()).map(LifeIndex) {
        lost_without_cause(facts, life, found);
        if facts.has_own_time(facts.socket_of(life)) {
            // Its timers are where its clock is.
            continue;
        }
        silence(facts, life, found);
        endless_handshake(facts, life, found);
        reconnect::judge(facts, life, found);
        unadmitted(facts, life, found);
    }
}

/// Whether nothing of the plan but a fault could end a connection of this socket.
fn is_peaceful(facts: &Facts<'_>, socket: SocketIndex) -> bool {
    let worst = facts.worst_latency();
    let patient = |socket: SocketIndex| {
        let options = &facts.plan[socket].options;
        let long = |span: Option<crate::time::Span>, times: u32| {
            span.is_none_or(|span| span.0.is_zero() || facts.in_true_time(socket, span.0) >= worst * times)
        };
        let interval = options.heartbeat_ivl.filter(|ivl| !ivl.0.is_zero());
        let ttl = options.heartbeat_ttl.filter(|ttl| !ttl.0.is_zero()).filter(|_| interval.is_some());
        long(interval.and(options.heartbeat_timeout).or(interval), 10)
            && ttl.is_none_or(|ttl| {
                // The other side's clock measures it.
                interval.is_none_or(|ivl| ttl.0.mul_f64(0.5) >= facts.in_true_time(socket, ivl.0) + worst * 10)
            })
            && long(options.handshake_ivl, 20)
            && options.maxmsgsize.is_none()
            && options.security.is_none()
            && options.router_handover != Some(true)
    };
    let peers = facts.topology.peers(socket);
    let of_type = facts.plan[socket].socket_type;
    let ids = |router: SocketIndex| {
        let mut ids: Vec<_> = facts
            .topology
            .peers(router)
            .into_iter()
            .filter_map(|peer| facts.plan[peer].options.routing_id.clone())
            .collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        ids.len() == all && facts.plan.links.iter().all(|rule| rule.is.loss.is_none())
    };
    // One that has no heartbeats of its own answers nothing while its application does not read.
    let says_so = |one: SocketIndex, other: SocketIndex| {
        beats(&facts.plan[one].options).is_none()
            || beats(&facts.plan[other].options).is_some()
            || matches!(facts.plan[other].socket_type, SocketType::Push | SocketType::Pub)
    };
    patient(socket)
        && facts.plan.network.loss.is_none()
        && peers.iter().all(|peer| {
            patient(*peer)
                && says_so(socket, *peer)
                && says_so(*peer, socket)
                && talk(of_type, facts.plan[*peer].socket_type)
                && facts.ways(socket, *peer) == 1
                && (of_type != SocketType::Router || ids(socket))
                && (facts.plan[*peer].socket_type != SocketType::Router || ids(*peer))
                && (of_type != SocketType::Pair || facts.topology.peers(*peer).len() == 1)
        })
        && (of_type != SocketType::Pair || peers.len() == 1)
        && of_type != SocketType::Stream
}

/// A connection that was ready ends when somebody ends it, or something goes wrong.
// spec: ZMTP31-PING-11, ZMTP31-ERROR-04
fn lost_without_cause(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    if !is_peaceful(facts, socket) {
        return;
    }
    let of = facts.life(life);
    let Some(event) = of.events.iter().find(|event| event.name == "disconnected") else { return };
    let peers = facts.topology.peers(socket);
    let all = peers.iter().flat_map(|peer| facts.lives_of(*peer)).map(|(_, of)| of).chain([of]);
    let mut ends = all.flat_map(|of| of.given_up.iter().copied().chain(of.ended.map(|ended| ended.at)));
    let around: Vec<SocketIndex> = peers.iter().copied().chain([socket]).collect();
    let has_cause = facts.faults.iter().any(|active| active.from <= event.at && facts.concerns(active, &around))
        || event.at >= facts.closing
        || ends.any(|at| at <= event.at);
    if !has_cause {
        let beats = peers.iter().chain([&socket]).any(|end| facts.plan[*end].options.heartbeat_ivl.is_some());
        let (oracle, clause) = if beats { ("heartbeat", "ZMTP31-PING-11") } else { ("connection", "ZMTP31-ERROR-04") };
        let text = format!(
            "{} lost its connection ({}) at {} although nothing had gone wrong and nobody had closed anything",
            facts.name(life),
            event.endpoint,
            event.at
        );
        found.wrong(oracle, clause, text, Evidence::none().entry(event.entry));
    }
}

/// A peer that says nothing more is found out by heartbeats.
// spec: ZMTP31-PING-13
fn silence(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    let of = facts.life(life);
    let ways: Vec<&Path> =
        facts.topology.paths().iter().filter(|path| [path.bound, path.connecting].contains(&socket)).collect();
    let [way] = ways.as_slice() else { return };
    let peer = if way.bound == socket { way.connecting } else { way.bound };
    // Who has none of its own is told by the peer how long the peer may be silent.
    let told = || {
        let ttl = facts.plan[peer].options.heartbeat_ttl.map(|ttl| ttl.0).filter(|ttl| !ttl.is_zero())?;
        beats(&facts.plan[peer].options).map(|(interval, _)| (facts.in_true_time(peer, interval), ttl))
    };
    let Some((interval, timeout)) = beats(&facts.plan[socket].options).or_else(told) else { return };
    // One that hears what is not read by its application is not silent, and it is not for us to see whether it does.
    let only_sends = matches!(facts.type_of(life), SocketType::Push | SocketType::Pub);
    if way.inproc || !only_sends {
        return;
    }
    // By then the peer has told of its time to live.
    let first = interval.mul_f64(1.5) + facts.worst_latency() * 2;
    for active in facts.faults.iter().filter(|active| cuts(facts, active, socket, peer)) {
        let settled = |event: &&Event| event.at < active.from;
        let last = of.events.iter().rev().find(|event| settled(event));
        let is_ready = last.is_some_and(|event| event.name == "handshake-succeeded" && event.at + first < active.from);
        let others = facts.faults.iter().any(|other| {
            other.fault != active.fault
                && facts.concerns(other, &[socket, peer])
                && other.from <= active.to
                && other.to + Duration::from_secs(5) >= active.from
        });
        let within = facts.in_true_time(socket, (interval + timeout).mul_f64(1.05))
            + facts.worst_latency() * 2
            + Duration::from_secs(1);
        let due = active.from + within;
        let too_short = due >= active.to || due >= facts.closing || of.ended.is_some_and(|ended| ended.at <= due);
        if !is_ready || others || too_short {
            continue;
        }
        let noticed = of.events.iter().any(|event| event.is_loss() && event.at >= active.from && event.at <= due);
        if !noticed {
            let text = format!(
                "{} went on with a peer of which nothing came since {}: with a heartbeat every {} and a timeout of {} it \
                 is dead by {due}",
                facts.name(life),
                active.from,
                crate::time::Span(interval),
                crate::time::Span(timeout),
            );
            found.missing("heartbeat", "ZMTP31-PING-13", text, Evidence::none());
        }
    }
}

/// Interval and timeout of a socket's heartbeats, if it has any.
fn beats(options: &SocketOptions) -> Option<(Duration, Duration)> {
    let interval = options.heartbeat_ivl.map(|ivl| ivl.0).filter(|ivl| !ivl.is_zero())?;
    let timeout = options.heartbeat_timeout.map(|span| span.0).filter(|span| !span.is_zero()).unwrap_or(interval);
    Some((interval, timeout))
}

/// Whether nothing gets from one socket's host to the other's and back while a fault lasts.
fn cuts(facts: &Facts<'_>, active: &Active, one: SocketIndex, other: SocketIndex) -> bool {
    let hosts = [&facts.plan[one].host, &facts.plan[other].host];
    let are = |between: &[String; 2]| {
        hosts[0] != hosts[1] && between.iter().all(|name| hosts.contains(&name)) && between[0] != between[1]
    };
    match &facts.plan[active.fault].what {
        FaultKind::Partition { between, direction: Direction::Both, .. } => are(between),
        FaultKind::HalfOpen { between } | FaultKind::Stall { between } => are(between),
        FaultKind::Down { host, how: HostEvent::PowerLoss, .. } => *host == *hosts[1] && hosts[0] != hosts[1],
        FaultKind::Partition { .. }
        | FaultKind::Swizzle { .. }
        | FaultKind::Reset { .. }
        | FaultKind::SlowLink { .. }
        | FaultKind::TinyBuffers { .. }
        | FaultKind::Torn { .. }
        | FaultKind::DuplicateConnect { .. }
        | FaultKind::Down { .. }
        | FaultKind::Pause { .. }
        | FaultKind::NoDescriptors { .. }
        | FaultKind::RefuseAccept { .. }
        | FaultKind::Name { .. }
        | FaultKind::ClockJump { .. } => false,
    }
}

/// Endpoints of this life that are connected to once, so that their events follow one another.
pub(super) fn single<'a>(facts: &'a Facts<'_>, life: LifeIndex) -> BTreeMap<&'a str, Vec<&'a Event>> {
    let of = facts.life(life);
    let name = &facts.plan[of.socket].name;
    let doubled = facts.plan.faults.iter().any(|fault| match &fault.what {
        FaultKind::DuplicateConnect { socket } => socket == name,
        _ => false,
    });
    let mut by_endpoint: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    if doubled || !facts.plan[of.socket].bind.is_empty() {
        return by_endpoint;
    }
    for event in &of.events {
        by_endpoint.entry(&event.endpoint).or_default().push(event);
    }
    by_endpoint.retain(|endpoint, _| of.connects.iter().filter(|(_, to)| to == endpoint).count() == 1);
    by_endpoint
}

/// A handshake ends: well, or within its time.
fn endless_handshake(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    let of = facts.life(life);
    let limit = facts.plan[socket].options.handshake_ivl.map_or(Duration::from_secs(30), |ivl| ivl.0);
    if limit.is_zero() || !of.given_up.is_empty() {
        return;
    }
    let until = of.ended.map_or(facts.closing, |ended| ended.at.min(facts.closing));
    for (endpoint, events) in single(facts, life) {
        for (place, event) in events.iter().enumerate().filter(|(_, event)| event.name == "connected") {
            let due = event.at + facts.in_true_time(socket, limit.mul_f64(1.05)) + Duration::from_secs(1);
            if due >= until {
                continue;
            }
            let ended = events[place + 1..].iter().any(|next| next.at <= due);
            if !ended {
                let text = format!(
                    "{} was connected to {endpoint} at {} and its handshake was neither over nor given up at {due}; it \
                     may take {}",
                    facts.name(life),
                    event.at,
                    crate::time::Span(limit)
                );
                found.missing("handshake", "ZMQ_HANDSHAKE_IVL", text, Evidence::none().entry(event.entry));
            }
        }
    }
}

/// A handshake with a peer that security keeps out does not succeed.
fn unadmitted(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    let peers = facts.topology.peers(socket);
    let all_denied = !peers.is_empty()
        && peers.iter().all(|peer| {
            admission(facts.plan, socket, *peer) == Admission::Denied
                && facts.topology.between_two(socket, *peer).all(|path| !path.inproc)
        });
    if !all_denied {
        return;
    }
    if let Some(event) = facts.life(life).events.iter().find(|event| event.name == "handshake-succeeded") {
        let text = format!(
            "{} finished a handshake ({}) at {}, and none of its peers is to be let in",
            facts.name(life),
            event.endpoint,
            event.at
        );
        found.wrong("security", "ZAP-FIELD-07", text, Evidence::none().entry(event.entry));
    }
}
