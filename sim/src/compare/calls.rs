//! How many messages were taken of each actor, and which calls failed.

use std::collections::BTreeMap;

use super::{Difference, Pair, Verdict};
use crate::history::{Call, What, Who};
use crate::oracle::{Facts, HopKind, Refusal};
use crate::plan::{ActorIndex, FaultKind, HostIndex, Plan, SocketIndex, SocketType, Step};

pub(super) fn differences(pair: &Pair<'_>) -> Vec<Difference> {
    let taken = ActorIndex::all(pair.plan).filter_map(|actor| taken(pair, actor));
    taken.chain(failures(pair)).collect()
}

/// What became of one actor's sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sends {
    taken: usize,
    timed_out: usize,
    cancelled: usize,
}

impl Sends {
    fn of(facts: &Facts<'_>, actor: ActorIndex) -> Self {
        let own = facts.hops.iter().filter(|hop| hop.kind == HopKind::Own && hop.id.actor == actor);
        let refused = |why| facts.refused.iter().filter(|(id, (_, how))| id.actor == actor && *how == why).count();
        Self { taken: own.count(), timed_out: refused(Refusal::TimedOut), cancelled: refused(Refusal::Cancelled) }
    }

    fn words(self) -> String {
        let mut words = format!("{} messages were taken", self.taken);
        for (count, what) in [(self.timed_out, "timed out"), (self.cancelled, "were cancelled")] {
            if count > 0 {
                words.push_str(&format!(", {count} {what}"));
            }
        }
        words
    }
}

/// How many messages of one actor were taken. Whoever answers or passes on does so for others.
fn taken(pair: &Pair<'_>, actor: ActorIndex) -> Option<Difference> {
    let plan = pair.plan;
    let follows = plan[actor].r#do.iter().any(|step| matches!(step, Step::Serve(_) | Step::Forward { .. }));
    let [one, other] = [0, 1].map(|side| Sends::of(&pair.facts[side], actor));
    if follows || one == other {
        return None;
    }
    let verdict = match (waits(plan, actor), goes_down(plan, actor)) {
        (Some(clause), _) => Verdict::Allowed(clause),
        (None, true) => Verdict::Allowed("a fault of the plan"),
        (None, false) => Verdict::Open,
    };
    let name = &plan[actor].name;
    let [here, there] = pair.names;
    let text = format!("of {name} {} with {here}, and {} with {there}", one.words(), other.words());
    Some(Difference { text, verdict })
}

/// The clause by which a socket of an actor may make it wait, so that it sends less in its time.
fn waits(plan: &Plan, actor: ActorIndex) -> Option<&'static str> {
    let sockets = plan[actor].sockets.iter().filter_map(|socket| plan.socket(socket));
    let mut clauses = sockets.filter_map(|socket| match plan[socket].socket_type {
        SocketType::Push => Some("PIPELINE-PUSH-10"),
        SocketType::Dealer => Some("REQREP-DEALER-09"),
        SocketType::Req => Some("REQREP-REQ-07"),
        SocketType::Pair => Some("EXPAIR-PAIR-08"),
        SocketType::Rep
        | SocketType::Router
        | SocketType::Pub
        | SocketType::Sub
        | SocketType::XPub
        | SocketType::XSub
        | SocketType::Pull
        | SocketType::Stream => None,
    });
    clauses.next()
}

fn goes_down(plan: &Plan, actor: ActorIndex) -> bool {
    let home = plan.home_of(actor);
    plan.faults.iter().any(|fault| match &fault.what {
        FaultKind::Down { host, .. } => plan.host(host) == home,
        _ => false,
    })
}

/// A call that failed: whose, of what, which, how.
type Failed<'a> = (Option<ActorIndex>, HostIndex, Option<SocketIndex>, &'a str, i32);

fn failed<'a>(facts: &Facts<'a>) -> BTreeMap<Failed<'a>, (&'a str, usize)> {
    let mut all = BTreeMap::new();
    for (place, entry) in facts.run.history.entries.iter().enumerate() {
        if let What::Call { who: Who { actor, host, .. }, socket, call: Call::Failed { call, errno, why }, .. } =
            &entry.what
        {
            all.entry((*actor, *host, *socket, call.as_str(), *errno)).or_insert((why.as_str(), place));
        }
    }
    all
}

fn failures(pair: &Pair<'_>) -> Vec<Difference> {
    let sides = [0, 1].map(|side| failed(&pair.facts[side]));
    let mut differences = Vec::new();
    for (side, other) in [(0, 1), (1, 0)] {
        for (what, (why, place)) in sides[side].iter().filter(|(what, _)| !sides[other].contains_key(*what)) {
            let (actor, host, socket, call, _) = *what;
            let plan = pair.plan;
            let who = actor.map_or(&plan[host].name, |actor| &plan[actor].name);
            let on = socket.map(|socket| format!(" on {}", plan[socket].name)).unwrap_or_default();
            let otherwise = sides[other].keys().find(|(a, h, s, c, _)| (*a, *h, *s, *c) == (actor, host, socket, call));
            let there = match otherwise.and_then(|key| sides[other].get(key)) {
                Some((why, _)) => format!("with {} it was {why:?}", pair.names[other]),
                None => format!("it never failed with {}", pair.names[other]),
            };
            let text = format!("{call} of {who}{on} failed with {}: {why:?}; {there}", pair.names[side]);
            let verdict = match clause(&pair.facts[side], *what, *place) {
                Some(clause) => Verdict::Allowed(clause),
                None => Verdict::Open,
            };
            differences.push(Difference { text, verdict });
        }
    }
    differences
}

/// What lets a call fail on one side and not on the other.
fn clause(facts: &Facts<'_>, (_, host, socket, call, errno): Failed<'_>, place: usize) -> Option<&'static str> {
    /// libzmq's number of "the operation cannot be accomplished in the current state".
    const EFSM: i32 = 156_384_763;
    const EMFILE: i32 = 24;
    let of_type = socket.map(|socket| facts.plan[socket].socket_type);
    match (call, of_type, errno) {
        ("send", Some(SocketType::Router), _) => Some("REQREP-ROUTER-13"),
        ("send", Some(SocketType::Rep), _) if errno != EFSM => Some("REQREP-REP-11"),
        (_, _, EMFILE) if has_no_descriptors(facts, host, place) => Some("a fault of the plan"),
        _ => None,
    }
}

fn has_no_descriptors(facts: &Facts<'_>, host: HostIndex, place: usize) -> bool {
    let at = facts.run.history.entries[place].at;
    let name = &facts.plan[host].name;
    facts.plan[host].descriptors.is_some()
        || facts.faults.iter().any(|active| match &facts.plan[active.fault].what {
            FaultKind::NoDescriptors { host } => host == name && active.from <= at,
            _ => false,
        })
}
