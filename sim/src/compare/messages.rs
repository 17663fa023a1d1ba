//! Which messages came to whom, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Pair, Verdict};
use crate::actor::message::MessageId;
use crate::explain::{LostMessage, lost};
use crate::oracle::{End, Facts, Hop, HopKind};
use crate::plan::{ActorIndex, SocketIndex, SocketType};

/// A message, whichever implementation carried it. Answers are numbered as they are given, so that an answer is known by
/// what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Own(MessageId),
    Answer { by: ActorIndex, to: MessageId },
}

impl Key {
    const fn of(id: MessageId, answers: Option<MessageId>) -> Self {
        match answers {
            None => Self::Own(id),
            Some(to) => Self::Answer { by: id.actor, to },
        }
    }

    const fn by(self) -> ActorIndex {
        match self {
            Self::Own(id) => id.actor,
            Self::Answer { by, .. } => by,
        }
    }
}

/// What one side did with messages.
struct Carried<'a> {
    facts: &'a Facts<'a>,
    made: BTreeMap<Key, &'a Hop>,
    /// How often it came to a socket at which actors receive.
    came: BTreeMap<(SocketIndex, Key), u32>,
    lost: BTreeMap<MessageId, Vec<LostMessage>>,
}

impl<'a> Carried<'a> {
    fn of(pair: &'a Pair<'a>, side: usize) -> Self {
        let facts = &pair.facts[side];
        let probes: BTreeSet<MessageId> =
            facts.hops.iter().filter(|hop| hop.kind == HopKind::Probe).map(|hop| hop.id).collect();
        let is_probe = |id: MessageId, answers: Option<MessageId>| {
            probes.contains(&id) || answers.is_some_and(|to| probes.contains(&to))
        };
        let own = facts.hops.iter().filter(|hop| hop.kind == HopKind::Own && !is_probe(hop.id, hop.answers));
        let made = own.map(|hop| (Key::of(hop.id, hop.answers), hop)).collect();
        let mut came = BTreeMap::new();
        for get in &facts.gets {
            let (at, answers) = (facts.socket_of(get.life), get.received.answers());
            let Some(id) = get.id.filter(|id| !is_probe(*id, answers)) else { continue };
            if !facts.topology.devices().iter().any(|device| device.contains(&at)) {
                *came.entry((at, Key::of(id, answers))).or_default() += 1;
            }
        }
        let mut by_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for message in lost(pair.plan, pair.runs[side]) {
            by_id.entry(message.id).or_default().push(message);
        }
        Self { facts, made, came, lost: by_id }
    }

    fn count(&self, at: (SocketIndex, Key)) -> u32 {
        self.came.get(&at).copied().unwrap_or_default()
    }

    /// Why it did not come there, although it was taken.
    fn why_not(&self, at: SocketIndex, key: Key, hop: &Hop) -> (Verdict, String) {
        let of_type = self.facts.type_of(hop.life);
        let elsewhere = self.came.keys().find(|(socket, other)| *other == key && *socket != at);
        if let (Some(available), Some((socket, _))) = (available(of_type), elsewhere) {
            let name = &self.facts.plan[*socket].name;
            return (Verdict::Allowed(available), format!("went to {name}: who is available is a matter of time"));
        }
        let name = &self.facts.plan[at].name;
        let mut lost = self.lost.get(&hop.id).into_iter().flatten().rev();
        // Whom it did not reach is the one in question, or a device on the way.
        let devices = || self.facts.topology.devices().iter().flatten().map(|socket| &self.facts.plan[*socket].name);
        let death = lost.find(|lost| {
            lost.missed_by.as_ref().is_none_or(|missed| missed == name || devices().any(|of| of == missed))
        });
        match death {
            Some(lost) if lost.death.clause() == "none" => (Verdict::Open, "died, nobody knows where".to_owned()),
            Some(lost) => (Verdict::Allowed(lost.death.clause()), format!("died {}", lost.death.words())),
            None if matches!(of_type, SocketType::Pub | SocketType::XPub) => {
                (Verdict::Allowed("PUBSUB-PUB-10"), format!("was published when {name} did not want it"))
            }
            None if self.died_within_a_device(hop.id) => {
                (Verdict::Allowed("a fault of the plan"), "was with a device whose process ended".to_owned())
            }
            None => (Verdict::Open, "did not come, and was not lost".to_owned()),
        }
    }

    /// Whether it was received by a device last, which did not live to pass it on.
    fn died_within_a_device(&self, id: MessageId) -> bool {
        let last = self.facts.gets_of(id).last();
        last.is_some_and(|get| {
            let life = self.facts.life(get.life);
            self.facts.topology.devices().iter().any(|device| device.contains(&life.socket))
                && life.ended.is_some_and(|ended| ended.how == End::Down)
        })
    }
}

/// By which clause one of several receivers gets a message.
const fn available(of: SocketType) -> Option<&'static str> {
    match of {
        SocketType::Push => Some("PIPELINE-PUSH-08"),
        SocketType::Dealer => Some("REQREP-DEALER-07"),
        SocketType::Req => Some("REQREP-REQ-06"),
        SocketType::Pair
        | SocketType::Pub
        | SocketType::Sub
        | SocketType::Rep
        | SocketType::Router
        | SocketType::Pull
        | SocketType::XPub
        | SocketType::XSub
        | SocketType::Stream => None,
    }
}

/// Differences of one kind are told as one.
type Group = (SocketIndex, ActorIndex, usize, &'static str, &'static str);

pub(super) fn differences(pair: &Pair<'_>) -> Vec<Difference> {
    let sides = [0, 1].map(|side| Carried::of(pair, side));
    let mut groups: BTreeMap<Group, (Vec<String>, String, Verdict)> = BTreeMap::new();
    let all: BTreeSet<(SocketIndex, Key)> = sides.iter().flat_map(|side| side.came.keys().copied()).collect();
    for (at, key) in all {
        let counts = sides.each_ref().map(|side| side.count((at, key)));
        let is_told =
            (0..2).any(|side| sides[side].made.get(&key).is_some_and(|hop| pair.told[side].contains(&hop.id)));
        if counts[0] == counts[1] || is_told {
            continue;
        }
        let (more, less) = if counts[0] > counts[1] { (0, 1) } else { (1, 0) };
        let (verdict, why) = match (counts[less], sides[less].made.get(&key)) {
            (0, Some(hop)) => sides[less].why_not(at, key, hop),
            // It was not even sent, which calls tell.
            (0, None) => continue,
            (few, _) => {
                (Verdict::Open, format!("came {few} times there, {} times with {}", counts[more], pair.names[more]))
            }
        };
        let group = (at, key.by(), less, verdict.word(), verdict.clause());
        let name = sides[more].made.get(&key).map_or_else(|| format!("{key:?}"), |hop| hop.id.name(pair.plan));
        groups.entry(group).or_insert_with(|| (Vec::new(), why, verdict)).0.push(name);
    }
    let told = groups.into_iter().map(|((at, by, less, ..), (names, why, verdict))| {
        let (at, by) = (&pair.plan[at].name, &pair.plan[by].name);
        let [few, many] = [pair.names[less], pair.names[1 - less]];
        let (count, first) = (names.len(), &names[0]);
        let text = if count == 1 {
            format!("{at} received {first} of {by} with {many} only; with {few} it {why}")
        } else {
            format!("{at} received {count} messages of {by} with {many} only, {first} the first; with {few} that {why}")
        };
        Difference { text, verdict }
    });
    let mut all: Vec<Difference> = told.collect();
    all.extend(orders(pair));
    all
}

/// Where messages of one sender came in another order than they were sent, on one side only. Whoever must not do that is
/// told by an oracle; what is left came over several connections or ways.
fn orders(pair: &Pair<'_>) -> Option<Difference> {
    let [one, other] = [0, 1].map(|side| inversion(&pair.facts[side]));
    let (side, (first, second, at)) = match (one, other) {
        (Some(inversion), None) => (0, inversion),
        (None, Some(inversion)) => (1, inversion),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    if pair.told[side].contains(&first) || pair.told[side].contains(&second) {
        return None;
    }
    let [first, second] = [first, second].map(|id| id.name(pair.plan));
    let text = format!(
        "{} received {second} before {first} with {} only: over several connections or ways",
        pair.plan[at].name, pair.names[side]
    );
    Some(Difference { text, verdict: Verdict::Allowed("ZMTP31-SEM-07") })
}

/// Two messages of one sender, the later of which was received first, and where.
fn inversion(facts: &Facts<'_>) -> Option<(MessageId, MessageId, SocketIndex)> {
    let sent: BTreeMap<MessageId, usize> =
        facts.hops.iter().filter(|hop| hop.kind == HopKind::Own).map(|hop| (hop.id, hop.entry)).collect();
    let mut latest: BTreeMap<_, MessageId> = BTreeMap::new();
    for get in &facts.gets {
        let Some((id, place)) = get.id.and_then(|id| Some((id, sent.get(&id)?))) else { continue };
        let row = (get.life, get.who, id.actor, id.life);
        match latest.get(&row) {
            Some(before) if sent[before] > *place => return Some((id, *before, facts.socket_of(get.life))),
            Some(_) | None => latest.insert(row, id),
        };
    }
    None
}
