//! Where only the last message is kept, an older one does not come when a newer one is there, and the last one comes
//! (`ZMQ_CONFLATE`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Evidence, Facts, Findings, Get, Hop, LifeIndex};
use crate::engine::Ending;
use crate::history::{Call, What};
use crate::plan::{SocketIndex, SocketType};
use crate::time::Time;
use crate::topology::carries;

/// How long no fault may have lasted, so that nothing is late for one that is over.
const CALM: Duration = Duration::from_secs(20);
/// What a settled receiver still waits for.
const QUIET: Duration = Duration::from_secs(2);

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for life in (0..facts.lives.len()).map(LifeIndex) {
        let socket = facts.socket_of(life);
        if keeps_one(facts, socket) {
            waits(facts, life, found);
        }
        let receivers = facts.topology.peers(socket);
        let mut receivers = receivers.into_iter().filter(|peer| carries(facts.type_of(life), type_of(facts, *peer)));
        let (Some(receiver), None) = (receivers.next(), receivers.next()) else { continue };
        if facts.ways(socket, receiver) != 1 || has_a_slow_link(facts) {
            continue;
        }
        if keeps_one(facts, receiver) {
            stale(facts, life, receiver, found);
        }
        if keeps_one(facts, receiver) || keeps_one(facts, socket) {
            the_last(facts, life, receiver, found);
        }
    }
}

fn type_of(facts: &Facts<'_>, socket: SocketIndex) -> SocketType {
    facts.plan[socket].socket_type
}

/// Whether the pipes of a socket keep one message: of other types than these they do not, whatever the option says.
fn keeps_one(facts: &Facts<'_>, socket: SocketIndex) -> bool {
    use SocketType::{Dealer, Pub, Pull, Push, Sub};
    facts.plan[socket].options.conflate == Some(true)
        && matches!(type_of(facts, socket), Dealer | Pub | Pull | Push | Sub)
}

/// Where octets wait for their turn, what is late says nothing.
fn has_a_slow_link(facts: &Facts<'_>) -> bool {
    let links = facts.plan.links.iter().map(|rule| &rule.is).chain([&facts.plan.network]);
    links.into_iter().any(|link| link.bandwidth.is_some() || link.loss.is_some() || link.mtu.is_some())
}

/// There is always room: what is new takes the place of what is old.
fn waits(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let of = facts.life(life);
    let options = &facts.plan[of.socket].options;
    let has_pipe = |at: Time| options.immediate != Some(true) && of.connects.iter().any(|(since, _)| *since <= at);
    if !of.given_up.is_empty() || facts.plan[of.socket].connect.iter().any(|to| to.starts_with("inproc")) {
        return;
    }
    for (entry, what) in facts.run.history.entries.iter().enumerate() {
        let What::Call { socket: Some(on), since, call: Call::SendTimedOut(id), .. } = &what.what else { continue };
        if *on == of.socket && of.lives_at(what.at) && has_pipe(*since) {
            let text = format!(
                "{} kept {} waiting until {}: it keeps the last message only, so there is room for each",
                facts.name(life),
                id.name(facts.plan),
                what.at
            );
            found.wrong("conflate", "ZMQ_CONFLATE", text, Evidence::none().entry(entry).message(*id));
        }
    }
}

/// A message that was replaced by one that had come long before does not come any more.
fn stale(facts: &Facts<'_>, life: LifeIndex, receiver: SocketIndex, found: &mut Findings) {
    let under_way = facts.worst_latency() * 2;
    let mut before: BTreeMap<LifeIndex, (&Hop, &Get<'_>)> = BTreeMap::new();
    for get in facts.gets.iter().filter(|get| facts.socket_of(get.life) == receiver) {
        let Some(hop) = get.id.and_then(|id| facts.hops_of(id).find(|hop| hop.life == life)) else { continue };
        let Some((older, got)) = before.insert(get.life, (hop, get)) else { continue };
        let calm_since = Time::from_nanos(hop.since.as_nanos().saturating_sub(nanos(CALM)));
        let was_there = hop.entry > older.entry
            && hop.at + under_way < got.since
            && is_calm(facts, life, receiver, calm_since, got.since)
            && !facts.may_have_lost(&[life, get.life], older.since, got.since)
            && is_connected(facts, get.life, hop.since);
        if was_there {
            let text = format!(
                "{} received {} at {} although {}, which {} had sent at {}, was there already and had replaced it",
                facts.name(get.life),
                older.id.name(facts.plan),
                got.at,
                hop.id.name(facts.plan),
                facts.name(life),
                hop.at,
            );
            found.wrong("conflate", "ZMQ_CONFLATE", text, Evidence::none().get(got).get(get));
        }
    }
}

/// What nothing replaces comes.
fn the_last(facts: &Facts<'_>, life: LifeIndex, receiver: SocketIndex, found: &mut Findings) {
    let settled = facts.run.history.settlement.is_over() && facts.run.ending == Ending::Finished;
    if !settled || !facts.reads_to_the_end(receiver) || facts.life(life).ended.is_some_and(|end| end.at < facts.closing)
    {
        return;
    }
    // A publisher's last message may have been for nobody.
    if !matches!(facts.type_of(life), SocketType::Push | SocketType::Dealer) {
        return;
    }
    let Some(last) = facts.hops_at(life).last() else { return };
    let Some(reader) = facts.lives_of(receiver).map(|(life, _)| life).last() else { return };
    let arrived = facts.gets_of(last.id).any(|get| facts.socket_of(get.life) == receiver);
    let in_time = last.at + facts.worst_latency() * 2 < facts.closing && facts.worst_latency() * 2 < QUIET;
    let calm_since = Time::from_nanos(last.since.as_nanos().saturating_sub(nanos(CALM)));
    let lives = facts.life(reader).opened < last.since && facts.life(reader).lives_at(facts.closing);
    if !arrived
        && in_time
        && lives
        && is_connected(facts, reader, last.since)
        && is_calm(facts, life, receiver, calm_since, facts.closing)
        && !facts.may_have_lost(&[life, reader], last.since, Time::from_nanos(facts.closing.as_nanos() - 1))
    {
        let text = format!(
            "{} took {} at {} as its last message, which nothing could replace, and {} never received it",
            facts.name(life),
            last.id.name(facts.plan),
            last.at,
            facts.name(reader)
        );
        found.wrong("conflate", "ZMQ_CONFLATE", text, Evidence::none().hop(last));
    }
}

/// Whether nothing goes wrong between two sockets meanwhile.
fn is_calm(facts: &Facts<'_>, life: LifeIndex, receiver: SocketIndex, from: Time, to: Time) -> bool {
    let ends = [facts.socket_of(life), receiver];
    !facts.faults.iter().any(|active| active.from <= to && active.to >= from && facts.concerns(active, &ends))
}

/// Whether the last that was told of connections before was that there is one.
fn is_connected(facts: &Facts<'_>, life: LifeIndex, at: Time) -> bool {
    let last = facts.life(life).events.iter().rev().find(|event| event.at < at);
    last.is_some_and(|event| event.name == "handshake-succeeded")
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
