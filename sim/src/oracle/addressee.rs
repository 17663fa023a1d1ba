//! Messages come to whom they are for: along a way of the plan, to the routing id that was named, to the one peer of a PAIR,
//! and to nobody who is not let in.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Facts, Findings, Get, Hop, LifeIndex};
use crate::plan::{SocketIndex, SocketType};
use crate::topology::{Admission, admission, carries};

/// An engine may tell of a connection a little later than it was there; nanoseconds.
const TOLD_LATE: u64 = 50_000_000;

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for get in &facts.gets {
        by_a_way(facts, get, found);
        by_its_id(facts, get, found);
    }
    identities(facts, found);
    for router in SocketIndex::all(facts.plan).filter(|of| facts.plan[*of].socket_type == SocketType::Router) {
        first_come(facts, router, found);
    }
    for hop in &facts.hops {
        known(facts, hop, found);
    }
    for life in (0..facts.lives.len()).map(LifeIndex).filter(|life| facts.type_of(*life) == SocketType::Pair) {
        one_peer(facts, life, found);
    }
}

/// Whoever receives is joined with somebody who has sent it, by sockets that talk to each other and let each other in.
// spec: ZMTP31-MECH-07, ZMTP31-SOCKTYPE-21
fn by_a_way(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    let at = facts.socket_of(get.life);
    let Some(id) = get.id else { return };
    let senders: BTreeSet<SocketIndex> = facts.hops_of(id).map(|hop| facts.socket_of(hop.life)).collect();
    if senders.is_empty() {
        return;
    }
    let of_type = |socket: SocketIndex| facts.plan[socket].socket_type;
    let joined: Vec<_> = senders.iter().copied().filter(|from| facts.topology.are_joined(*from, at)).collect();
    let name = || id.name(facts.plan);
    let tell = |why: String| format!("{} received {} at {}, {why}", facts.name(get.life), name(), get.at);
    if joined.is_empty() {
        let from = &facts.plan[*senders.first().expect("there are senders")].name;
        let text = tell(format!("which {from} sent: there is no way from there to here"));
        found.wrong("addressee", "ZMTP31-SEM-02", text, Evidence::none().get(get));
        return;
    }
    // Over inproc nobody asks for the type.
    let by_network =
        facts.topology.paths().iter().any(|path| path.inproc && [path.bound, path.connecting].contains(&at));
    let talking: Vec<_> = joined.iter().copied().filter(|from| carries(of_type(*from), of_type(at))).collect();
    if talking.is_empty() && !by_network {
        let text = tell("over a connection of socket types that do not talk to each other".to_owned());
        found.wrong("addressee", "ZMTP31-SOCKTYPE-21", text, Evidence::none().get(get));
        return;
    }
    let secret = |from: &SocketIndex| {
        facts.topology.between_two(*from, at).all(|path| !path.inproc)
            && admission(facts.plan, *from, at) == Admission::Denied
    };
    if talking.iter().all(secret) && !talking.is_empty() {
        let text = tell(format!("of {}, which it does not let in", facts.plan[talking[0]].name));
        found.wrong("security", "ZAP-FIELD-07", text, Evidence::none().get(get));
    }
}

/// What a ROUTER sent to an id comes to the peer of that id.
// spec: REQREP-ROUTER-11, REQREP-ROUTER-12
fn by_its_id(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    let at = facts.socket_of(get.life);
    let Some(id) = get.id else { return };
    let hops: Vec<&Hop> =
        facts.hops_of(id).filter(|hop| facts.topology.are_joined(facts.socket_of(hop.life), at)).collect();
    let [hop] = hops.as_slice() else { return };
    let Some(to) = hop.to.as_deref().filter(|_| facts.type_of(hop.life) == SocketType::Router) else { return };
    let named = named(facts, to);
    let is_right = if named.is_empty() {
        // An id that the ROUTER has made itself: whose messages came under it is known from what came.
        let mut of_id = facts.gets.iter().filter(|get| get.life == hop.life && get.received.first_frame() == Some(to));
        of_id.any(|other| sources(facts, other).contains(&at))
    } else {
        named.contains(&at)
    };
    if !is_right {
        let text = format!(
            "{} received {} at {}, which {} sent to {:?}",
            facts.name(get.life),
            id.name(facts.plan),
            get.at,
            facts.name(hop.life),
            String::from_utf8_lossy(to)
        );
        found.wrong("addressee", "REQREP-ROUTER-12", text, Evidence::none().hop(hop).get(get));
    }
}

/// A ROUTER that has to say so takes nothing for somebody who has never been there (`ZMQ_ROUTER_MANDATORY`).
// spec: REQREP-ROUTER-13
fn known(facts: &Facts<'_>, hop: &Hop, found: &mut Findings) {
    let router = facts.socket_of(hop.life);
    let is_mandatory = facts.plan[router].options.router_mandatory == Some(true);
    let Some(to) = hop.to.as_deref().filter(|_| is_mandatory && facts.has_events) else { return };
    let named = named(facts, to);
    let by_network = |peer: &SocketIndex| facts.topology.between_two(router, *peer).all(|path| !path.inproc);
    // It answers whom it has heard.
    if named.is_empty() || hop.answers.is_some() || !named.iter().all(by_network) {
        return;
    }
    let had_a_connection = named.iter().flat_map(|peer| facts.lives_of(*peer)).any(|(_, life)| {
        let told = |event: &super::facts::Event| {
            matches!(event.name.as_str(), "connected" | "accepted" | "handshake-succeeded")
        };
        life.events.iter().any(|event| told(event) && event.at.as_nanos() <= hop.at.as_nanos() + TOLD_LATE)
    });
    if !had_a_connection {
        let text = format!(
            "{} took {} for {:?} at {}, who has never been there, and was to say so",
            facts.name(hop.life),
            hop.id.name(facts.plan),
            String::from_utf8_lossy(to),
            hop.at
        );
        found.wrong("addressee", "REQREP-ROUTER-13", text, Evidence::none().hop(hop));
    }
}

/// Sockets that have this routing id.
fn named(facts: &Facts<'_>, id: &[u8]) -> Vec<SocketIndex> {
    let has = |socket: &SocketIndex| {
        facts.plan[*socket].options.routing_id.as_deref().is_some_and(|own| own.as_bytes() == id)
    };
    SocketIndex::all(facts.plan).filter(has).collect()
}

/// Who can have sent what came to a socket.
fn sources(facts: &Facts<'_>, get: &Get<'_>) -> Vec<SocketIndex> {
    let at = facts.socket_of(get.life);
    let Some(id) = get.id else { return Vec::new() };
    facts.hops_of(id).map(|hop| facts.socket_of(hop.life)).filter(|from| facts.topology.are_joined(*from, at)).collect()
}

/// What a ROUTER calls its peers: by their own ids where they have some, by one for each, by the same for a whole connection.
// spec: REQREP-ROUTER-06, REQREP-ROUTER-07, REQREP-ROUTER-09
fn identities(facts: &Facts<'_>, found: &mut Findings) {
    let mut of_peer: BTreeMap<(LifeIndex, LifeIndex), &Get<'_>> = BTreeMap::new();
    let mut of_id: BTreeMap<(LifeIndex, Vec<u8>), (&Get<'_>, SocketIndex)> = BTreeMap::new();
    for get in facts.gets.iter().filter(|get| facts.type_of(get.life) == SocketType::Router) {
        let at = facts.socket_of(get.life);
        let Some(id) = get.id else { continue };
        let hops: Vec<&Hop> =
            facts.hops_of(id).filter(|hop| facts.topology.are_joined(facts.socket_of(hop.life), at)).collect();
        let [hop] = hops.as_slice() else { continue };
        let from = facts.socket_of(hop.life);
        let router = facts.name(get.life);
        let Some(called) = get.received.first_frame() else { continue };
        if let Some(own) = &facts.plan[from].options.routing_id {
            if own.as_bytes() != called {
                let text = format!(
                    "{router} received {} at {} under {:?}, and {} has the routing id {own:?}",
                    id.name(facts.plan),
                    get.at,
                    String::from_utf8_lossy(called),
                    facts.name(hop.life)
                );
                found.wrong("identity", "REQREP-ROUTER-07", text, Evidence::none().get(get));
            }
            continue;
        }
        if let Some((before, other)) = of_id.insert((get.life, called.to_vec()), (get, from))
            && other != from
        {
            let text = format!(
                "{router} called {} and {} by the same id at {} and {}",
                facts.plan[other].name, facts.plan[from].name, before.at, get.at
            );
            found.wrong("identity", "REQREP-ROUTER-06", text, Evidence::none().get(before).get(get));
        }
        if let Some(before) = of_peer.insert((get.life, hop.life), get)
            && before.received.first_frame() != Some(called)
            && facts.ways(from, at) == 1
            && !facts.may_have_lost(&[get.life, hop.life], facts.life(hop.life).opened, get.at)
        {
            let text = format!(
                "{router} called {} by another id at {} than at {}, over the same connection",
                facts.name(hop.life),
                get.at,
                before.at
            );
            found.wrong("identity", "REQREP-ROUTER-06", text, Evidence::none().get(before).get(get));
        }
    }
}

/// Of several that have the same id, the one that has it keeps it, where it is not to be taken over.
// spec: REQREP-ROUTER-06
fn first_come(facts: &Facts<'_>, router: SocketIndex, found: &mut Findings) {
    let links = facts.plan.links.iter().map(|rule| &rule.is).chain([&facts.plan.network]);
    let is_slow = links.into_iter().any(|link| link.bandwidth.is_some() || link.loss.is_some() || link.mtu.is_some());
    if !facts.has_events || is_slow || facts.plan[router].options.router_handover == Some(true) {
        return;
    }
    let id = |socket: SocketIndex| facts.plan[socket].options.routing_id.as_ref();
    let peers = facts.topology.peers(router);
    for one in &peers {
        let rivals: Vec<_> = peers.iter().filter(|other| *other != one && id(**other) == id(*one)).collect();
        let is_alone = |socket: &SocketIndex| {
            facts.topology.peers(*socket).len() == 1
                && facts.ways(*socket, router) == 1
                && facts.plan[*socket].bind.is_empty()
        };
        if id(*one).is_none() || rivals.is_empty() || !is_alone(one) || !rivals.iter().all(|rival| is_alone(rival)) {
            continue;
        }
        let Some((life, of)) = facts.lives_of(*one).next() else { continue };
        let Some(got) = of.events.iter().find(|event| event.name == "handshake-succeeded") else { continue };
        let Some(lost) = of.events.iter().find(|event| event.entry > got.entry && event.is_loss()) else { continue };
        let comes_later = |rival: &SocketIndex| {
            let mut events = facts.lives_of(*rival).flat_map(|(_, of)| &of.events);
            events
                .find(|event| event.name == "connected")
                .is_none_or(|event| event.at > got.at + facts.worst_latency() * 2)
        };
        let ends = facts.lives_of(router).map(|(_, of)| of).chain([of]);
        let mut ends = ends.flat_map(|of| of.given_up.iter().copied().chain(of.ended.map(|ended| ended.at)));
        let has_cause = facts.faults.iter().any(|active| active.from <= lost.at)
            || lost.at >= facts.closing
            || ends.any(|at| at <= lost.at);
        if !has_cause && rivals.into_iter().all(comes_later) {
            let text = format!(
                "{} was the first at {} with its routing id and lost its connection ({}) at {}: another with the same id \
                 came, and was not to take it over",
                facts.name(life),
                facts.plan[router].name,
                lost.endpoint,
                lost.at
            );
            found.wrong("identity", "REQREP-ROUTER-06", text, Evidence::none().entry(lost.entry));
        }
    }
}

/// A PAIR does not listen to a second peer while it has its first.
// spec: EXPAIR-PAIR-01, EXPAIR-PAIR-11
fn one_peer(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let mut heard: Vec<(SocketIndex, &Get<'_>)> = Vec::new();
    for get in facts.gets.iter().filter(|get| get.life == life) {
        let [from] = sources(facts, get)[..] else { continue };
        let again = heard.iter().position(|(peer, _)| *peer == from);
        if let Some(first) = again
            && let Some((other, between)) = heard.get(first + 1)
        {
            let before = heard[first].1;
            // The one that it had may be gone and come again.
            if !facts.may_have_lost(&[life], before.at, get.at) {
                let text = format!(
                    "{} received of {} at {} between messages of {}, which was its peer all the time",
                    facts.name(life),
                    facts.plan[*other].name,
                    between.at,
                    facts.plan[from].name
                );
                found.wrong("pair", "EXPAIR-PAIR-01", text, Evidence::none().get(between).get(get));
            }
        }
        heard.retain(|(peer, _)| *peer != from);
        heard.push((from, get));
    }
}
