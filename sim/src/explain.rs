//! Lost messages, explained: where each died, which clause allows it, and what would have kept it.
//!
//! A library owes nobody a word about what it loses, so this is inferred from what is known around it: connections that
//! were lost after the message was taken, sockets and processes that ended, queues that may have been full,
//! subscriptions that were not there. The earliest that could have been its death is named.

use std::fmt;

use serde::Serialize;

use crate::actor::message::MessageId;
use crate::engine::Run;
use crate::oracle::{Active, End, Facts, Get, Hop, HopKind, LifeIndex};
use crate::plan::{Linger, Plan, SocketIndex, SocketType, Step};
use crate::shrink::words;
use crate::time::Time;
use crate::topology::{Admission, admission, carries, talk};

/// A message that was taken and not received by one who should have had it, or by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostMessage {
    /// Which.
    pub id: MessageId,
    /// Its name.
    pub name: String,
    /// The socket that took it last: that of its sender, or of a device.
    pub taken_by: String,
    /// When it was taken.
    pub taken: Time,
    /// The entry of the history that says so.
    pub entry: usize,
    /// Who should have received it; none: whoever comes next.
    pub missed_by: Option<String>,
    /// Where it died, and when.
    pub death: Death,
    /// The fault behind it, in words.
    pub fault: Option<String>,
}

/// Where a message died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// Nobody wanted it, or the publisher did not know yet that somebody does.
    NoSubscription,
    /// It was dropped in front of a full queue.
    AtHighWaterMark,
    /// A later message took its place.
    Conflated,
    /// There was no peer of that routing id.
    NoSuchPeer,
    /// Whoever had asked was gone.
    AskerGone,
    /// Whoever had asked did not wait for the answer any more.
    GivenUp,
    /// It had no delimiter, and a REP takes nothing else.
    NoDelimiter,
    /// It was under way, or queued, on a connection that was lost then.
    WithConnection(Time),
    /// It lay in the queue of a receiver whose socket was closed then.
    InClosedReceiver(Time),
    /// It lay in the queue of a receiver whose process ended then.
    InDeadReceiver(Time),
    /// It was not sent yet when its sender's socket was closed, with too short a linger.
    AtClose(Time),
    /// It was not sent yet when its sender's process ended.
    InDeadSender(Time),
    /// No connection was ever let in that could have carried it.
    NotLetIn,
    /// There was never a connection that could have carried it: it was never sent.
    NeverConnected,
    /// It lay in the receiver's queue to the end: nobody received any more.
    NotReceived,
    /// Nothing is known that would allow it: the oracles have more to say.
    Unexplained,
}

impl Death {
    /// The clause that allows it: of the ledger, or an option of libzmq.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        match self {
            Self::NoSubscription => "PUBSUB-PUB-10",
            Self::AtHighWaterMark => "PUBSUB-PUB-12",
            Self::Conflated => "ZMQ_CONFLATE",
            Self::NoSuchPeer => "REQREP-ROUTER-13",
            Self::AskerGone => "REQREP-REP-11",
            Self::GivenUp => "REQREP-REQ-10",
            Self::NoDelimiter => "REQREP-REP-04",
            Self::WithConnection(_) => "PIPELINE-PUSH-06",
            Self::InClosedReceiver(_) | Self::InDeadReceiver(_) => "PIPELINE-PULL-06",
            Self::AtClose(_) | Self::InDeadSender(_) | Self::NeverConnected => "ZMQ_LINGER",
            Self::NotLetIn => "ZMTP31-MECH-07",
            Self::NotReceived => "PIPELINE-PULL-09",
            Self::Unexplained => "none",
        }
    }

    /// What would have kept it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoSubscription => {
                "publish after the subscription is known (an XPUB is told of it), or keep the last value for latecomers"
            }
            Self::AtHighWaterMark => "a larger sndhwm or rcvhwm, or xpub-nodrop, which makes the publisher wait",
            Self::Conflated => "no conflate",
            Self::NoSuchPeer => "router-mandatory, which makes the send fail instead",
            Self::AskerGone | Self::GivenUp => {
                "the request sent again: req-relaxed with req-correlate, or a new socket"
            }
            Self::NoDelimiter => "an empty part in front, as a REQ puts it there",
            Self::WithConnection(_) => {
                "no option: what a connection carries goes with it; have it acknowledged and send it again (REQ, DEALER)"
            }
            Self::InClosedReceiver(_) => "receiving until nothing comes before the close",
            Self::InDeadReceiver(_) => "no option: have it acknowledged and send it again (REQ, DEALER)",
            Self::AtClose(_) => "a longer linger",
            Self::InDeadSender(_) => "no option: terminate the context before the process ends",
            Self::NotLetIn => "keys or a password that the server knows",
            Self::NeverConnected => {
                "immediate, which makes the sender wait for a connection, and a linger that is long enough"
            }
            Self::NotReceived => "receiving until nothing comes",
            Self::Unexplained => "nothing: it should not have been lost",
        }
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::NoSubscription => "at the publisher: nobody was known to want it".into(),
            Self::AtHighWaterMark => "in front of a full queue".into(),
            Self::Conflated => "in the queue, replaced by a later one".into(),
            Self::NoSuchPeer => "at the ROUTER: no peer of that routing id was connected".into(),
            Self::AskerGone => "at the REP: whoever had asked was gone".into(),
            Self::GivenUp => "at the REQ, which did not wait for it any more".into(),
            Self::NoDelimiter => "at the REP, for want of a delimiter".into(),
            Self::WithConnection(at) => format!("with a connection that was lost at {at}"),
            Self::InClosedReceiver(at) => format!("in the queue of the receiver, which was closed at {at}"),
            Self::InDeadReceiver(at) => format!("in the queue of the receiver, whose process ended at {at}"),
            Self::AtClose(at) => format!("in the queue of the sender, which was closed at {at}"),
            Self::InDeadSender(at) => format!("in the queue of the sender, whose process ended at {at}"),
            Self::NotLetIn => "in the queue of the sender: its peers do not let each other in".into(),
            Self::NeverConnected => "in the queue of the sender: no connection was ever made".into(),
            Self::NotReceived => "in the queue of the receiver: nobody received any more".into(),
            Self::Unexplained => "nobody knows where".into(),
        }
    }

    const fn time(&self) -> Option<Time> {
        match self {
            Self::WithConnection(at)
            | Self::InClosedReceiver(at)
            | Self::InDeadReceiver(at)
            | Self::AtClose(at)
            | Self::InDeadSender(at) => Some(*at),
            Self::NoSubscription
            | Self::AtHighWaterMark
            | Self::Conflated
            | Self::NoSuchPeer
            | Self::AskerGone
            | Self::GivenUp
            | Self::NoDelimiter
            | Self::NotLetIn
            | Self::NeverConnected
            | Self::NotReceived
            | Self::Unexplained => None,
        }
    }
}

/// In three lines.
impl fmt::Display for LostMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (taken by {} at {}", self.name, self.taken_by, self.taken)?;
        if let Some(receiver) = &self.missed_by {
            write!(f, ", missed by {receiver}")?;
        }
        write!(f, ") died {}", self.death.words())?;
        if let Some(fault) = &self.fault {
            write!(f, " ({fault})")?;
        }
        write!(f, "\n  allowed by {}\n  kept by {}", self.death.clause(), self.death.remedy())
    }
}

/// All messages of a run that were taken and never received, in the order in which they were taken. Probes are left out. Of
/// a publisher's message each subscriber is told of that held a matching subscription and missed it.
#[must_use]
pub fn lost(plan: &Plan, run: &Run) -> Vec<LostMessage> {
    let facts = Facts::of(plan, run);
    let mut all = Vec::new();
    for hop in facts.hops.iter().filter(|hop| hop.kind != HopKind::Probe) {
        match facts.type_of(hop.life) {
            SocketType::Pub | SocketType::XPub => published(&facts, hop, &mut all),
            _ => sent(&facts, hop, &mut all),
        }
    }
    all
}

fn message(facts: &Facts<'_>, hop: &Hop, missed_by: Option<SocketIndex>, death: Death) -> LostMessage {
    let fault = death.time().and_then(|at| fault_behind(facts, hop.since, at));
    LostMessage {
        id: hop.id,
        name: hop.id.name(facts.plan),
        taken_by: facts.name(hop.life).to_owned(),
        taken: hop.at,
        entry: hop.entry,
        missed_by: missed_by.map(|socket| facts.plan[socket].name.clone()),
        death,
        fault,
    }
}

/// The last fault that began before a message's death and was not over long before it was taken.
fn fault_behind(facts: &Facts<'_>, taken: Time, died: Time) -> Option<String> {
    let near = |active: &&Active| active.from <= died && active.to >= taken;
    let active = facts.faults.iter().filter(near).max_by_key(|active| active.from)?;
    Some(words::fault(&facts.plan[active.fault]))
}

/// Of a publisher: by each who wanted it.
fn published(facts: &Facts<'_>, hop: &Hop, all: &mut Vec<LostMessage>) {
    let publisher = facts.socket_of(hop.life);
    let mut wanted = false;
    for peer in facts.topology.peers(publisher) {
        if !talk(facts.type_of(hop.life), facts.plan[peer].socket_type) {
            continue;
        }
        let got = facts.gets_of(hop.id).any(|get| facts.socket_of(get.life) == peer);
        let holder =
            facts.lives_of(peer).find(|(_, life)| life.lives_at(hop.at) && life.holds(&hop.topic, hop.since, hop.at));
        wanted |= got || holder.is_some();
        if let (false, Some((subscriber, life))) = (got, holder) {
            let conflates = [publisher, peer].iter().any(|end| facts.plan[*end].options.conflate == Some(true));
            let ready = life.events.iter().rev().find(|event| event.at <= hop.at);
            let is_connected = !facts.has_events || ready.is_some_and(|event| event.name == "handshake-succeeded");
            let death = if conflates {
                Death::Conflated
            } else if !is_connected {
                Death::NoSubscription
            } else {
                let ends = [(hop.life, Side::Sender), (subscriber, Side::Receiver)];
                match earliest(facts, hop, &ends) {
                    Some(death) if !is_backlogged(facts, hop, subscriber) => death,
                    _ if is_backlogged(facts, hop, subscriber) => Death::AtHighWaterMark,
                    _ if knew(facts, hop, subscriber) => Death::Unexplained,
                    _ => Death::NoSubscription,
                }
            };
            all.push(message(facts, hop, Some(peer), death));
        }
    }
    if !wanted && facts.gets_of(hop.id).next().is_none() {
        all.push(message(facts, hop, None, Death::NoSubscription));
    }
}

/// Whether so much was under way to a subscriber that its queue may have been full.
fn is_backlogged(facts: &Facts<'_>, hop: &Hop, subscriber: LifeIndex) -> bool {
    let mark = |hwm: Option<u32>| match hwm.unwrap_or(1000) {
        0 => usize::MAX,
        hwm => (usize::try_from(hwm).unwrap_or(usize::MAX) / 2).max(1),
    };
    let send = mark(facts.plan[facts.socket_of(hop.life)].options.sndhwm);
    let recv = mark(facts.plan[facts.socket_of(subscriber)].options.rcvhwm);
    let life = facts.life(subscriber);
    let under_way = facts
        .hops_at(hop.life)
        .filter(|other| other.entry < hop.entry && life.holds(&other.topic, other.since, other.at))
        .filter(|other| {
            let is_before = |get: &Get<'_>| get.at <= hop.since && get.entry < hop.entry;
            !facts.gets_of(other.id).any(|get| get.life == subscriber && is_before(get))
        })
        .count();
    under_way >= send.min(recv)
}

/// Whether anything of a publisher came to a subscriber before.
fn knew(facts: &Facts<'_>, hop: &Hop, subscriber: LifeIndex) -> bool {
    facts
        .hops_at(hop.life)
        .filter(|other| other.entry < hop.entry)
        .any(|other| facts.gets_of(other.id).any(|get| get.life == subscriber && get.at <= hop.since))
}

/// To one of several.
fn sent(facts: &Facts<'_>, hop: &Hop, all: &mut Vec<LostMessage>) {
    let from = facts.socket_of(hop.life);
    let of_type = facts.type_of(hop.life);
    let receivers: Vec<SocketIndex> =
        facts.topology.peers(from).into_iter().filter(|peer| carries(of_type, facts.plan[*peer].socket_type)).collect();
    if facts.gets_of(hop.id).any(|get| receivers.contains(&facts.socket_of(get.life))) {
        return;
    }
    let only = if let [only] = receivers.as_slice() { Some(*only) } else { None };
    all.push(message(facts, hop, only, death_of(facts, hop, &receivers)));
}

fn death_of(facts: &Facts<'_>, hop: &Hop, receivers: &[SocketIndex]) -> Death {
    let from = facts.socket_of(hop.life);
    let of_type = facts.type_of(hop.life);
    let is = |socket: SocketIndex, kind: SocketType| facts.plan[socket].socket_type == kind;
    let conflates = |socket: SocketIndex| facts.plan[socket].options.conflate == Some(true);
    if !receivers.is_empty() && receivers.iter().all(|peer| admission(facts.plan, from, *peer) == Admission::Denied) {
        return Death::NotLetIn;
    }
    let plain = hop.kind == HopKind::Own && hop.answers.is_none() && was_sent_plainly(facts, hop);
    if of_type == SocketType::Dealer && plain && receivers.iter().all(|peer| is(*peer, SocketType::Rep)) {
        return Death::NoDelimiter;
    }
    if conflates(from) || receivers.iter().any(|peer| conflates(*peer)) {
        return Death::Conflated;
    }
    let mut ends = vec![(hop.life, Side::Sender)];
    for (life, of) in receivers.iter().flat_map(|peer| facts.lives_of(*peer)) {
        if of.ended.is_none_or(|ended| ended.at >= hop.since) {
            ends.push((life, Side::Receiver));
        }
    }
    let earliest = earliest(facts, hop, &ends);
    match (of_type, earliest) {
        (SocketType::Router, _) if !was_there(facts, hop) => Death::NoSuchPeer,
        (SocketType::Rep, Some(Death::WithConnection(_) | Death::InDeadReceiver(_) | Death::InClosedReceiver(_))) => {
            Death::AskerGone
        }
        (SocketType::Rep | SocketType::Router, None) if asker_is(facts, hop, SocketType::Req) => Death::GivenUp,
        (SocketType::Router, None) => Death::AtHighWaterMark,
        (_, Some(death)) => death,
        (_, None) if facts.has_events && !ever_connected(facts, hop.life) => Death::NeverConnected,
        (_, None) if !receivers.iter().all(|peer| facts.reads_to_the_end(*peer)) => Death::NotReceived,
        (_, None) => Death::Unexplained,
    }
}

/// Which end of the way a socket is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Sender,
    Receiver,
}

/// What could have been a message's death, the first of it.
fn earliest(facts: &Facts<'_>, hop: &Hop, ends: &[(LifeIndex, Side)]) -> Option<Death> {
    let mut all: Vec<(Time, u8, Death)> = Vec::new();
    for (life, side) in ends {
        let of = facts.life(*life);
        for event in
            of.events.iter().filter(|event| event.is_loss() && event.at >= hop.since && event.at < facts.closing)
        {
            all.push((event.at, 1, Death::WithConnection(event.at)));
        }
        for at in of.given_up.iter().filter(|at| **at >= hop.since) {
            all.push((*at, 1, Death::WithConnection(*at)));
        }
        let Some(ended) = of.ended.filter(|ended| ended.at >= hop.since) else { continue };
        let death = match (side, ended.how) {
            (Side::Sender, End::Closed(linger)) => {
                let own = facts.plan[of.socket].options.linger;
                if linger.or(own).unwrap_or(Linger::Forever) == Linger::Forever {
                    continue;
                }
                Death::AtClose(ended.at)
            }
            (Side::Sender, End::Terminated) => match facts.plan[of.socket].options.linger {
                None | Some(Linger::Forever) => continue,
                Some(Linger::Discard | Linger::For(_)) => Death::AtClose(ended.at),
            },
            (Side::Sender, End::Down) => Death::InDeadSender(ended.at),
            (Side::Receiver, End::Closed(_) | End::Terminated) => Death::InClosedReceiver(ended.at),
            (Side::Receiver, End::Down) => Death::InDeadReceiver(ended.at),
        };
        // Of what happens at once, the end of a process is the cause and the rest follows.
        all.push((ended.at, 0, death));
    }
    all.into_iter().min_by_key(|(at, rank, _)| (*at, *rank)).map(|(_, _, death)| death)
}

/// Whether the actor sent it by a step that puts no delimiter in front.
fn was_sent_plainly(facts: &Facts<'_>, hop: &Hop) -> bool {
    hop.who.actor.is_some_and(|actor| {
        let steps = &facts.plan[actor].r#do;
        !steps.iter().any(|step| matches!(step, Step::Request(_) | Step::Serve(_)))
    })
}

/// Whether the peer that a ROUTER names was known to it at that time.
fn was_there(facts: &Facts<'_>, hop: &Hop) -> bool {
    let Some(to) = hop.to.as_deref() else { return true };
    let heard =
        facts.gets.iter().any(|get| get.life == hop.life && get.at <= hop.at && get.received.first_frame() == Some(to));
    let reached = facts
        .hops_at(hop.life)
        .filter(|other| other.to.as_deref() == Some(to) && other.entry < hop.entry)
        .any(|other| facts.gets_of(other.id).next().is_some());
    heard || reached
}

fn asker_is(facts: &Facts<'_>, hop: &Hop, kind: SocketType) -> bool {
    hop.answers.is_some_and(|asked| facts.hops_of(asked).any(|request| facts.type_of(request.life) == kind))
}

fn ever_connected(facts: &Facts<'_>, life: LifeIndex) -> bool {
    facts.life(life).events.iter().any(|event| event.name == "handshake-succeeded")
}
