//! Messages come whole, as they were sent, and once (37/ZMTP, semantics of messages).

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Facts, Findings, Get, HopKind, LifeIndex, Refusal};
use crate::actor::message::{MessageId, Part};
use crate::history::{Call, What};
use crate::plan::{SocketIndex, SocketType};
use crate::topology::carries;

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    for get in &facts.gets {
        whole(facts, get, found);
        as_sent(facts, get, found);
    }
    invented(facts, found);
    once(facts, found);
}

/// All parts of one message, in their order, each as it was.
// spec: ZMTP31-MSGS-01, ZMTP31-SEM-04
fn whole(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    let at = facts.name(get.life);
    let Some(id) = get.id else {
        stray(facts, get, found);
        return;
    };
    let name = id.name(facts.plan);
    let evidence = || Evidence::none().get(get);
    let mut expected = 0;
    for (place, part) in get.received.parts.iter().enumerate() {
        match part {
            Part::Foreign(octets) => {
                let text = format!(
                    "{at} received {name} at {} with {} octets as its part {place} that no actor made",
                    get.at,
                    octets.len()
                );
                found.wrong("torn", "ZMTP31-SEM-04", text, evidence());
                return;
            }
            Part::Of { id: other, part, parts, whole, .. } => {
                if *other != id {
                    let other = other.name(facts.plan);
                    let text = format!(
                        "{at} received at {} one message made of parts of {name} and of {other}: parts of a message \
                         come together or not at all",
                        get.at
                    );
                    found.wrong("torn", "ZMTP31-SEM-04", text, evidence());
                    return;
                }
                if usize::from(*part) != place {
                    let text = format!(
                        "{at} received {name} at {} with its part {part} where its part {place} was expected",
                        get.at
                    );
                    found.wrong("torn", "ZMTP31-MSGS-01", text, evidence());
                    return;
                }
                if !whole {
                    let text = format!("{at} received {name} at {} with other octets than were sent", get.at);
                    found.wrong("torn", "ZMTP31-MSGS-01", text, evidence());
                    return;
                }
                expected = usize::from(*parts);
            }
        }
    }
    let came = get.received.parts.len();
    if came != expected {
        let text = format!("{at} received {came} parts of {name} at {}, which has {expected}", get.at);
        found.wrong("torn", "ZMTP31-MSGS-01", text, evidence());
    }
}

/// What no actor made: subscriptions for an XPUB, what a STREAM tells of its peers, an empty probe for a ROUTER. Nothing else
/// comes of nothing.
fn stray(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    let frames: Vec<&[u8]> = get
        .received
        .parts
        .iter()
        .map(|part| match part {
            Part::Foreign(octets) => octets.as_slice(),
            Part::Of { .. } => &[],
        })
        .collect();
    let probes = |socket: SocketIndex| facts.plan[socket].options.probe_router == Some(true);
    let of = facts.socket_of(get.life);
    let permitted = match facts.type_of(get.life) {
        SocketType::XPub => matches!(frames.as_slice(), [notice] if matches!(notice.first(), Some(0 | 1))),
        SocketType::Stream => true,
        // A message of nothing but envelopes is a probe of somebody who says that it is there.
        SocketType::Router | SocketType::Dealer | SocketType::Rep => {
            frames.last().is_some_and(|last| last.is_empty())
                && (facts.topology.peers(of).into_iter().any(probes) || !facts.topology.devices().is_empty())
        }
        SocketType::Req
        | SocketType::Pub
        | SocketType::Sub
        | SocketType::XSub
        | SocketType::Push
        | SocketType::Pull
        | SocketType::Pair => false,
    };
    if !permitted {
        let octets: usize = frames.iter().map(|frame| frame.len()).sum();
        let text = format!(
            "{} received a message of {} parts and {octets} octets at {} that no actor made",
            facts.name(get.life),
            frames.len(),
            get.at
        );
        found.wrong("invented", "ZMTP31-SEM-04", text, Evidence::none().get(get));
    }
}

/// Topic, answer and number of parts as the sender said; and of those that were sent at all.
fn as_sent(facts: &Facts<'_>, get: &Get<'_>, found: &mut Findings) {
    let Some(id) = get.id else { return };
    let at = facts.name(get.life);
    if let Some((entry, refusal)) = facts.refused.get(&id) {
        let why = match refusal {
            Refusal::TimedOut => "was given back for want of room",
            Refusal::Cancelled => "was cancelled",
        };
        let text = format!("{at} received {} at {}, whose sending {why}", id.name(facts.plan), get.at);
        found.wrong("invented", "ZMTP31-SEM-05", text, Evidence::none().entry(*entry).get(get));
        return;
    }
    let Some(own) = facts.hops_of(id).find(|hop| hop.kind != HopKind::PassedOn) else { return };
    let Some(Part::Of { topic, parts, answers, .. }) = get.received.parts.first() else { return };
    if *topic != own.topic || *parts != own.parts || *answers != own.answers {
        let text = format!(
            "{at} received {} at {} as another message than {} sent",
            id.name(facts.plan),
            get.at,
            facts.name(own.life)
        );
        found.wrong("torn", "ZMTP31-MSGS-01", text, Evidence::none().hop(own).get(get));
    }
}

/// Nothing is received that nobody sent.
fn invented(facts: &Facts<'_>, found: &mut Findings) {
    // The sending that an actor's process died with: whether the library took the message, nobody noted.
    let mut unfinished = BTreeSet::new();
    let mut last: BTreeMap<(crate::plan::ActorIndex, u16), u32> = BTreeMap::new();
    let mut failures: BTreeSet<(crate::plan::ActorIndex, u16)> = BTreeSet::new();
    let mut numbers =
        facts.hops.iter().filter(|hop| hop.kind != HopKind::PassedOn).map(|hop| hop.id).collect::<Vec<_>>();
    numbers.extend(facts.refused.keys());
    for id in numbers {
        let highest = last.entry((id.actor, id.life)).or_default();
        *highest = (*highest).max(id.number);
    }
    for entry in &facts.run.history.entries {
        if let What::Call { who, call: Call::Failed { call, .. }, .. } = &entry.what
            && call == "send"
            && let Some(actor) = who.actor
        {
            failures.insert((actor, who.life));
        }
    }
    for get in &facts.gets {
        let Some(id) = get.id else { continue };
        if facts.hops_of.contains_key(&id) || facts.refused.contains_key(&id) {
            continue;
        }
        let highest = last.get(&(id.actor, id.life));
        let next = highest.map_or(0, |highest| highest + 1);
        // Calls that were under way in the end, and those that failed, have left no word of their message.
        let was_under_way = id.number <= next || failures.contains(&(id.actor, id.life));
        if was_under_way && unfinished.insert(id) {
            continue;
        }
        if !was_under_way {
            let text = format!(
                "{} received {} at {}, which nobody has sent",
                facts.name(get.life),
                id.name(facts.plan),
                get.at
            );
            found.wrong("invented", "ZMTP31-SEM-04", text, Evidence::none().get(get));
        }
    }
}

/// Each message comes once: to one receiver, where it is sent to one; to each subscriber once for each way to it.
// spec: ZMTP31-SEM-06, ZMTP31-SUBS-08
fn once(facts: &Facts<'_>, found: &mut Findings) {
    for (id, places) in &facts.gets_of {
        if places.len() < 2 {
            continue;
        }
        let gets: Vec<&Get<'_>> = places.iter().map(|place| &facts.gets[*place]).collect();
        by_receiver(facts, *id, &gets, found);
        by_sender(facts, *id, &gets, found);
    }
}

/// One socket gets no more of a message than all that is sent to it.
fn by_receiver(facts: &Facts<'_>, id: MessageId, gets: &[&Get<'_>], found: &mut Findings) {
    let mut count: BTreeMap<SocketIndex, Vec<&Get<'_>>> = BTreeMap::new();
    for get in gets {
        count.entry(facts.socket_of(get.life)).or_default().push(get);
    }
    for (socket, gets) in count.into_iter().filter(|(_, gets)| gets.len() > 1) {
        let copies: usize = facts
            .hops_of(id)
            .map(|hop| match facts.type_of(hop.life) {
                // Each connection is a subscriber of its own.
                SocketType::Pub | SocketType::XPub | SocketType::XSub => facts.ways(facts.socket_of(hop.life), socket),
                _ => usize::from(facts.topology.are_joined(facts.socket_of(hop.life), socket)),
            })
            .sum();
        if copies > 0 && gets.len() > copies {
            tell(facts, id, &gets, "ZMTP31-SEM-06", found);
        }
    }
}

/// A message for one is received by one.
fn by_sender(facts: &Facts<'_>, id: MessageId, gets: &[&Get<'_>], found: &mut Findings) {
    let mut sent = 0;
    let mut receivers: BTreeSet<SocketIndex> = BTreeSet::new();
    for hop in facts.hops_of(id) {
        if matches!(facts.type_of(hop.life), SocketType::Pub | SocketType::XPub | SocketType::XSub) {
            return;
        }
        sent += 1;
        let from = facts.socket_of(hop.life);
        let can = |peer: &SocketIndex| carries(facts.plan[from].socket_type, facts.plan[*peer].socket_type);
        receivers.extend(facts.topology.peers(from).into_iter().filter(can));
    }
    let came: Vec<&Get<'_>> =
        gets.iter().copied().filter(|get| receivers.contains(&facts.socket_of(get.life))).collect();
    let several: BTreeSet<LifeIndex> = came.iter().map(|get| get.life).collect();
    // One receiver that gets it twice is told of already.
    if sent > 0 && came.len() > sent && several.len() > 1 {
        tell(facts, id, &came, "ZMTP31-SEM-06", found);
    }
}

fn tell(facts: &Facts<'_>, id: MessageId, gets: &[&Get<'_>], clause: &'static str, found: &mut Findings) {
    let places: Vec<String> = gets.iter().map(|get| format!("{} at {}", facts.name(get.life), get.at)).collect();
    let text = format!("{} was received {} times: by {}", id.name(facts.plan), gets.len(), places.join(", by "));
    let mut evidence = Evidence::none().message(id);
    for get in gets {
        evidence = evidence.entry(get.entry);
    }
    // The first time was right.
    evidence.entries.remove(0);
    found.wrong("duplicates", clause, text, evidence);
}
