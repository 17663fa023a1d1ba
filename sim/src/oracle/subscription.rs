//! Subscribers get what they subscribed to, all of it once that is known to the publisher, and nothing else (29/PUBSUB).
//!
//! A subscription is on its way for a while, and so is its end; a connection that is lost takes both with it, and what was
//! under way. When a publisher knows of one is known for sure only from what comes of it: a message that matches no other.
//! From there on nothing is missing until the subscription ends, the connection is lost, or the queue is full.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Change, Evidence, Facts, Findings, Get, Hop, HopKind, LifeIndex};
use crate::history::Who;
use crate::plan::{SocketIndex, SocketType};

/// How long the end of a subscription may be on its way without any trouble.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for get in &facts.gets {
        wanted(facts, get, found);
    }
    for life in (0..facts.lives.len()).map(LifeIndex) {
        match facts.type_of(life) {
            SocketType::Pub | SocketType::XPub => publisher(facts, life, found),
            SocketType::Router => router(facts, life, found),
            SocketType::Req
            | SocketType::Rep
            | SocketType::Dealer
            | SocketType::Sub
            | SocketType::XSub
            | SocketType::Push
            | SocketType::Pull
            | SocketType::Pair
            | SocketType::Stream => {}
        }
    }
}

fn inverts(facts: &Facts<'_>, socket: SocketIndex) -> bool {
    facts.plan[socket].options.invert_matching == Some(true)
}

/// Whether the application says what its subscribers get.
fn grants(facts: &Facts<'_>, socket: SocketIndex) -> bool {
    facts.plan[socket].options.xpub_manual == Some(true)
}

/// What comes was subscribed to.
// spec: PUBSUB-PUB-11, ZMTP31-SUBS-01, ZMTP31-SUBS-06
fn wanted(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    if !matches!(facts.type_of(get.life), SocketType::Sub | SocketType::XSub) {
        return;
    }
    let at = facts.socket_of(get.life);
    let Some(id) = get.id else { return };
    let mut hops = facts
        .hops_of(id)
        .filter(|hop| matches!(facts.type_of(hop.life), SocketType::Pub | SocketType::XPub))
        .filter(|hop| facts.topology.are_joined(facts.socket_of(hop.life), at))
        .peekable();
    let Some(first) = hops.peek() else { return };
    let topic = first.topic.as_str();
    // Both have to say so; if only one does, it is for them to know what comes of it.
    let at_will = |socket: SocketIndex| inverts(facts, socket) || grants(facts, socket);
    if inverts(facts, at) || hops.any(|hop| at_will(facts.socket_of(hop.life))) {
        return;
    }
    let life = facts.life(get.life);
    // A SUB filters what it hands over.
    let held_before = life.holds(topic, life.opened, get.at);
    if facts.type_of(get.life) == SocketType::Sub && held_before && !life.holds(topic, get.since, get.at) {
        let text = format!(
            "{} handed over {} with topic {topic:?} at {} and held no subscription any more that matches it",
            facts.name(get.life),
            id.name(facts.plan),
            get.at
        );
        found.wrong("subscription", "ZMQ_SUBSCRIBE", text, Evidence::none().get(get));
        return;
    }
    let since = facts.hops_of(id).map(|hop| hop.since).min().unwrap_or(get.since);
    if life.holds(topic, since, get.at) {
        return;
    }
    let ever = life.holds(topic, life.opened, get.at);
    // The end of a subscription may be held up by anything that holds packets up.
    let ended = life
        .subscriptions
        .iter()
        .filter(|change| {
            change.change == Change::Cancelled && topic.starts_with(&change.topic) && change.since <= get.at
        })
        .map(|change| change.at)
        .max();
    if let (true, Some(ended)) = (ever, ended)
        && (!facts.is_calm(ended, since) || since.saturating_since(ended) < ON_ITS_WAY + facts.worst_latency())
    {
        return;
    }
    let why = if ever { "which it had cancelled long before" } else { "which it never subscribed to" };
    let text =
        format!("{} received {} with topic {topic:?} at {}, {why}", facts.name(get.life), id.name(facts.plan), get.at);
    found.wrong("subscription", "ZMTP31-SUBS-01", text, Evidence::none().get(get));
}

/// To each of its subscribers, all that it is known to want.
// spec: PUBSUB-PUB-12, PUBSUB-SUB-11
fn publisher(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    if facts.plan[socket].options.conflate == Some(true) || inverts(facts, socket) || grants(facts, socket) {
        return;
    }
    for peer in facts.topology.peers(socket) {
        let options = &facts.plan[peer].options;
        let is_plain = facts.ways(socket, peer) == 1
            && options.conflate != Some(true)
            && options.maxmsgsize.is_none()
            && !inverts(facts, peer);
        if !is_plain || !matches!(facts.plan[peer].socket_type, SocketType::Sub | SocketType::XSub) {
            continue;
        }
        for (subscriber, of) in facts.lives_of(peer) {
            let mut topics: Vec<&str> = of.subscriptions.iter().map(|change| change.topic.as_str()).collect();
            topics.sort_unstable();
            topics.dedup();
            let rows = Row::all(facts, life, |hop| topics.iter().any(|topic| hop.topic.starts_with(topic)));
            for row in rows.values() {
                for topic in &topics {
                    Known { facts, publisher: life, subscriber, topic, topics: &topics }.judge(row, found);
                }
            }
        }
    }
}

/// Messages in a row, of one who sends.
struct Row;

impl Row {
    fn all<'a>(facts: &'a Facts<'_>, life: LifeIndex, which: impl Fn(&Hop) -> bool) -> BTreeMap<Who, Vec<&'a Hop>> {
        let mut rows: BTreeMap<Who, Vec<&Hop>> = BTreeMap::new();
        for hop in facts.hops_at(life).filter(|hop| which(hop)) {
            rows.entry(hop.who).or_default().push(hop);
        }
        rows
    }
}

/// One subscription of one subscriber at one publisher.
struct Known<'a> {
    facts: &'a Facts<'a>,
    publisher: LifeIndex,
    subscriber: LifeIndex,
    topic: &'a str,
    /// All topics that the subscriber ever subscribed to.
    topics: &'a [&'a str],
}

impl Known<'_> {
    fn judge(&self, row: &[&Hop], found: &mut Findings) {
        let facts = self.facts;
        let came: Vec<Option<&Get<'_>>> = row.iter().map(|hop| self.came(hop)).collect();
        // The place of the last message that shows that the publisher knows of this subscription.
        let mut shown: Option<usize> = None;
        for (place, hop) in row.iter().enumerate() {
            if let Some(get) = came[place] {
                if self.shows(hop, get) {
                    shown = Some(place);
                }
                continue;
            }
            let Some(shown) = shown.filter(|_| hop.topic.starts_with(self.topic)) else { continue };
            let Some(later) = came[place + 1..].iter().find_map(|get| *get) else { break };
            let from = row[shown].since;
            if !self.is_held(from, later.at) || facts.may_have_lost(&[self.publisher, self.subscriber], from, later.at)
            {
                continue;
            }
            if may_be_full(facts, self.publisher, self.subscriber, row, &came, place) {
                continue;
            }
            let text = format!(
                "{} missed {} with topic {:?}, which {} sent at {}: it had subscribed to {:?}, had received {} before and \
                 received {} after it, over the same connection, and its queue was not full",
                facts.name(self.subscriber),
                hop.id.name(facts.plan),
                hop.topic,
                facts.name(self.publisher),
                hop.at,
                self.topic,
                row[shown].id.name(facts.plan),
                later.id.map(|id| id.name(facts.plan)).unwrap_or_default(),
            );
            found.wrong("subscription", "PUBSUB-SUB-11", text, Evidence::none().hop(hop).get(later));
        }
    }

    fn came(&self, hop: &Hop) -> Option<&Get<'_>> {
        self.facts.gets_of(hop.id).find(|get| get.life == self.subscriber)
    }

    /// Whether this message could come for no other subscription, while this one was held.
    fn shows(&self, hop: &Hop, get: &Get<'_>) -> bool {
        let only = self.topics.iter().filter(|topic| hop.topic.starts_with(**topic)).eq([&self.topic]);
        only && self.is_held(hop.since, get.at) && !self.is_being_cancelled(hop.since)
    }

    /// Whether an earlier subscription to the same topic may still count at the publisher, for its end is on its way.
    fn is_being_cancelled(&self, at: crate::time::Time) -> bool {
        let facts = self.facts;
        let mut ends =
            facts.life(self.subscriber).subscriptions.iter().filter(|change| {
                change.topic == self.topic && change.change == Change::Cancelled && change.since <= at
            });
        ends.any(|end| at.saturating_since(end.at) < ON_ITS_WAY + facts.worst_latency() || !facts.is_calm(end.at, at))
    }

    /// Whether the subscription was held all the time between these.
    fn is_held(&self, from: crate::time::Time, to: crate::time::Time) -> bool {
        let mut count = 0_i64;
        for change in self.facts.life(self.subscriber).subscriptions.iter().filter(|change| change.topic == self.topic)
        {
            match change.change {
                Change::Subscribed if change.at <= from => count += 1,
                Change::Subscribed => {}
                Change::Cancelled if change.since <= to => count = (count - 1).max(0),
                Change::Cancelled => {}
            }
        }
        count > 0
    }
}

/// Whether the queue towards a receiver may have been full when the message at this place was sent: half of the
/// high-water mark is enough, for room is told of in batches.
fn may_be_full(
    facts: &Facts<'_>,
    from: LifeIndex,
    to: LifeIndex,
    row: &[&Hop],
    came: &[Option<&Get<'_>>],
    place: usize,
) -> bool {
    let mark = |hwm: Option<u32>| match hwm.unwrap_or(1000) {
        0 => usize::MAX,
        hwm => (usize::try_from(hwm).unwrap_or(usize::MAX) / 2).max(1),
    };
    let (from, to) = (facts.socket_of(from), facts.socket_of(to));
    let send = mark(facts.plan[from].options.sndhwm);
    // Dropping at the receiver's mark is permitted as well (adjudication A49).
    let recv = mark(facts.plan[to].options.rcvhwm);
    let now = row[place].since;
    // Much happens in one instant: there, the order of the entries says what was before.
    let is_before = |get: &Get<'_>| get.at <= now && get.entry < row[place].entry;
    let arrived = came[..place].iter().rposition(|get| get.is_some_and(is_before));
    let under_way = place - arrived.map_or(0, |arrived| arrived + 1);
    // Messages of others in the same queue are counted by their number altogether.
    let others = facts
        .hops
        .iter()
        .filter(|hop| hop.who != row[place].who && facts.socket_of(hop.life) == from)
        .filter(|hop| hop.at <= now && now.saturating_since(hop.at) < Duration::from_secs(60))
        .count();
    under_way + others >= send.min(recv)
}

/// A ROUTER's messages to one that is there and has room are not dropped.
// spec: REQREP-ROUTER-12
fn router(facts: &Facts<'_>, life: LifeIndex, found: &mut Findings) {
    let socket = facts.socket_of(life);
    for (row, to) in rows_by_address(facts, life) {
        let came: Vec<Option<&Get<'_>>> = row
            .iter()
            .map(|hop| facts.gets_of(hop.id).find(|get| facts.topology.are_joined(socket, facts.socket_of(get.life))))
            .collect();
        let mut shown: Option<usize> = None;
        for (place, hop) in row.iter().enumerate() {
            if came[place].is_some() {
                shown = Some(place);
                continue;
            }
            let (Some(before), Some(later)) = (shown, came[place + 1..].iter().find_map(|get| *get)) else { continue };
            let peer = later.life;
            let conflates = facts.plan[facts.socket_of(peer)].options.conflate == Some(true);
            let limits = facts.plan[facts.socket_of(peer)].options.maxmsgsize.is_some();
            // A REQ drops what it did not ask for.
            if conflates
                || limits
                || matches!(facts.type_of(peer), SocketType::Req)
                || came[before].is_none_or(|get| get.life != peer)
                || facts.ways(socket, facts.socket_of(peer)) != 1
                || hop.kind == HopKind::PassedOn
                || facts.may_have_lost(&[life, peer], row[before].since, later.at)
                || may_be_full(facts, life, peer, &row, &came, place)
            {
                continue;
            }
            let text = format!(
                "{} sent {} to {:?} at {}, which is {} and was connected all the time, and it never came",
                facts.name(life),
                hop.id.name(facts.plan),
                String::from_utf8_lossy(&to),
                hop.at,
                facts.name(peer),
            );
            found.wrong("delivery", "REQREP-ROUTER-12", text, Evidence::none().hop(hop).get(later));
        }
    }
}

fn rows_by_address<'a>(facts: &'a Facts<'_>, life: LifeIndex) -> Vec<(Vec<&'a Hop>, Vec<u8>)> {
    let mut rows: BTreeMap<(Who, Vec<u8>), Vec<&Hop>> = BTreeMap::new();
    for hop in facts.hops_at(life) {
        if let Some(to) = &hop.to {
            rows.entry((hop.who, to.clone())).or_default().push(hop);
        }
    }
    rows.into_iter().map(|((_, to), row)| (row, to)).collect()
}
