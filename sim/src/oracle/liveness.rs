//! After the healing everything comes back, in bounded time; nothing is left behind; and the scenario's own promises.

use std::collections::BTreeSet;
use std::time::Duration;

use super::severed::Severed;
use super::{Evidence, Facts, Findings, HopKind};
use crate::engine::Ending;
use crate::history::{Call, What};
use crate::plan::{ActorIndex, Amount, Expect, Linger, Plan, SocketIndex, SocketType};
use crate::settle::{Duty, DutyKind};
use crate::time::Time;
use crate::topology::carries;
use crate::violation::{Kind, Violation};

/// The implementation must not die.
pub(super) fn crash(facts: &Facts<'_>, found: &mut Findings) {
    if let Ending::Crashed(why) = &facts.run.ending {
        found.push(Violation {
            oracle: "crash",
            clause: "ZMTP31-ERROR-03",
            kind: Kind::Crash,
            text: format!("the implementation died: {why}"),
            entries: facts.run.history.entries.len().checked_sub(1).into_iter().collect(),
            messages: Vec::new(),
        });
    }
}

pub(super) fn judge(facts: &Facts<'_>, found: &mut Findings) {
    endings(facts, found);
    left_behind(facts, found);
    for expect in &facts.plan.expects {
        promise(facts, expect, found);
    }
}

fn endings(facts: &Facts<'_>, found: &mut Findings) {
    let (positions, how) = match &facts.run.ending {
        Ending::Finished | Ending::Crashed(_) => return,
        Ending::OutOfTime(positions) => (positions, "the time was over"),
        Ending::Deadlock(positions) => (positions, "nothing could happen any more"),
    };
    let stuck = Stuck::of(facts.plan, positions);
    let pending: Vec<&Duty> = facts.run.history.settlement.duties().collect();
    let severed = Severed::of(facts);
    let is_excused = |duty: &Duty| stuck.excuses(facts, duty) || has_no_place(facts, duty) || severed.excuses(duty);
    for duty in pending.iter().filter(|duty| !is_excused(duty)) {
        found.missing("liveness", clause(facts.plan, duty), told(facts, duty, how), Evidence::none());
    }
    // Others wait for what is pending.
    if !pending.is_empty() {
        return;
    }
    let waiting: Vec<&str> = stuck.unexcused(facts).collect();
    // All are reached, and what was under way to them was still coming: only the limit was short.
    if stuck.all_settle() && last_received(facts) + NEARLY >= facts.end {
        return;
    }
    if !waiting.is_empty() {
        let text = format!("{how} and not all had come to their end: {}", waiting.join("; "));
        found.missing("liveness", "ZMTP31-SEM-03", text, Evidence::none());
    } else if positions.iter().all(|position| is_finished(position)) && !may_linger_forever(facts) {
        let text = format!("{how} before all contexts were terminated: {}", positions.join("; "));
        found.missing("termination", "ZMQ_LINGER", text, Evidence::none());
    }
}

/// Whether a place of one of these could not be bound or connected to, by a step that is not tried again.
fn has_no_place(facts: &Facts<'_>, duty: &Duty) -> bool {
    facts.run.history.entries.iter().any(|entry| match &entry.what {
        What::Call { who, socket: Some(socket), call: Call::Failed { call, .. }, .. } => {
            let opens = matches!(call.as_str(), "bind" | "connect" | "open");
            let of_step = who.actor.is_some();
            opens && of_step && (duty.from.contains(socket) || duty.to.contains(socket) || is_device(facts, *socket))
        }
        _ => false,
    })
}

fn is_device(facts: &Facts<'_>, socket: SocketIndex) -> bool {
    facts.topology.devices().iter().any(|device| device.contains(&socket))
}

/// How long before the limit somebody may still receive, and be all but done.
const NEARLY: Duration = Duration::from_secs(5);

fn last_received(facts: &Facts<'_>) -> Time {
    facts.gets.last().map_or(Time::START, |get| get.at)
}

fn is_finished(position: &str) -> bool {
    position.ends_with(": finished") || !position.contains(": step ")
}

/// A socket that was told to wait for ever may do so, if not all is received that it took.
fn may_linger_forever(facts: &Facts<'_>) -> bool {
    let forever = |socket: SocketIndex| {
        matches!(facts.plan[socket].options.linger, None | Some(Linger::Forever))
            && !matches!(facts.plan[socket].socket_type, SocketType::Sub | SocketType::Pull)
    };
    facts.hops.iter().any(|hop| forever(facts.socket_of(hop.life)) && facts.gets_of(hop.id).next().is_none())
}

/// Which clause makes a peer that is there again be reached.
fn clause(plan: &Plan, duty: &Duty) -> &'static str {
    let from = duty.from.first().map(|socket| plan[*socket].socket_type);
    match (duty.kind, from) {
        // Publishers reach those again who say what they want again.
        (DutyKind::Probe, Some(SocketType::Pub | SocketType::XPub)) => "PUBSUB-SUB-12",
        (DutyKind::Answer, _) => "REQREP-REP-10",
        (DutyKind::Probe, _) => "ZMTP31-ERROR-05",
    }
}

/// Who should have been reached, and what is known of why not.
fn told(facts: &Facts<'_>, duty: &Duty, how: &str) -> String {
    let names = |sockets: &BTreeSet<SocketIndex>| {
        sockets.iter().map(|socket| facts.plan[*socket].name.as_str()).collect::<Vec<_>>().join(" or ")
    };
    let what = match duty.kind {
        DutyKind::Probe => "no probe",
        DutyKind::Answer => "no answer to a probe",
    };
    let healed = facts.run.history.entries.iter().find(|entry| matches!(entry.what, What::AllHealed));
    let since = healed.map_or(Time::START, |entry| entry.at);
    let taken = facts
        .hops
        .iter()
        .filter(|hop| hop.kind == HopKind::Probe && duty.from.contains(&facts.socket_of(hop.life)))
        .count();
    let mut why = match (taken, duty.kind) {
        (0, DutyKind::Probe) => "the sender's library took none".to_owned(),
        (0, DutyKind::Answer) => "none was given".to_owned(),
        (taken, _) => format!("{taken} were taken by the sender's library"),
    };
    for socket in duty.from.iter().chain(&duty.to) {
        let last = facts.lives_of(*socket).filter_map(|(_, life)| life.events.last()).last();
        if let Some(event) = last {
            why.push_str(&format!(
                ", {} was last told {:?} ({}) at {}",
                facts.plan[*socket].name, event.name, event.endpoint, event.at
            ));
        }
    }
    format!(
        "{what} of {} came to {} after all was healed at {since}, until {how} at {}: {why}",
        names(&duty.from),
        names(&duty.to),
        facts.end
    )
}

/// Who was still doing what.
struct Stuck<'a> {
    /// Actors and the names of their steps, with what was said of them.
    actors: Vec<(ActorIndex, &'a str, &'a str)>,
}

impl<'a> Stuck<'a> {
    fn of(plan: &Plan, positions: &'a [String]) -> Self {
        let actors = positions
            .iter()
            .filter_map(|position| {
                let (name, rest) = position.split_once(": step ")?;
                // `2 of 5, recv, since t+1s`
                let step = rest.split(", ").nth(1)?;
                Some((plan.actor(name)?, step, position.as_str()))
            })
            .collect();
        Self { actors }
    }

    /// Whether an actor may wait for ever in a step: for a message that may be lost, or for room that may never come.
    fn may_wait(&self, facts: &Facts<'_>, actor: ActorIndex, step: &str) -> bool {
        let may_lose = !facts.plan.faults.is_empty();
        may_lose && matches!(step, "recv" | "poll" | "request" | "send" | "forward" | "serve")
            || step == "send" && self.nobody_makes_room(facts, actor)
    }

    /// Whether all who could receive from a sender do something else, and its queue may be full: two who send to each
    /// other before they receive wait for each other.
    // spec: EXPAIR-PAIR-09, REQREP-DEALER-10, PIPELINE-PUSH-11
    fn nobody_makes_room(&self, facts: &Facts<'_>, sender: ActorIndex) -> bool {
        let plan = facts.plan;
        let uses = |actor: ActorIndex, socket: SocketIndex| {
            plan[actor].sockets.iter().any(|name| plan.socket(name) == Some(socket))
        };
        let reads = |socket: SocketIndex| {
            let receives = |step: &str| !matches!(step, "send" | "wait");
            self.actors.iter().any(|(actor, step, _)| uses(*actor, socket) && receives(step))
        };
        let mut from = SocketIndex::all(plan).filter(|socket| uses(sender, *socket));
        from.all(|socket| {
            let of_type = plan[socket].socket_type;
            let peers = facts.topology.peers(socket);
            let mut receivers = peers.into_iter().filter(|peer| carries(of_type, plan[*peer].socket_type)).peekable();
            receivers.peek().is_some() && receivers.all(|peer| !reads(peer) && may_be_full(facts, socket, peer))
        })
    }

    /// Whether it is for one who may wait that a duty was not done.
    fn excuses(&self, facts: &Facts<'_>, duty: &Duty) -> bool {
        self.actors.iter().filter(|(_, step, _)| matches!(*step, "recv" | "poll" | "request" | "send")).any(
            |(actor, step, _)| {
                let uses = facts.plan[*actor].sockets.iter().filter_map(|name| facts.plan.socket(name));
                self.may_wait(facts, *actor, step)
                    && uses.into_iter().any(|socket| duty.from.contains(&socket) || duty.to.contains(&socket))
            },
        )
    }

    /// Whether those who are not done do nothing but settle.
    fn all_settle(&self) -> bool {
        self.actors.iter().all(|(_, step, _)| matches!(*step, "settle" | "serve" | "forward"))
    }

    fn unexcused(&self, facts: &'a Facts<'_>) -> impl Iterator<Item = &'a str> {
        self.actors
            .iter()
            .filter(move |(actor, step, _)| !self.may_wait(facts, *actor, step))
            .map(|(_, _, position)| *position)
    }
}

/// Whether so much of what one socket took was not received by another that no room may be left: half of the smaller mark
/// is enough, for room is told of in batches.
fn may_be_full(facts: &Facts<'_>, from: SocketIndex, to: SocketIndex) -> bool {
    let mark = |hwm: Option<u32>| match hwm.unwrap_or(1000) {
        0 => usize::MAX,
        hwm => (usize::try_from(hwm).unwrap_or(usize::MAX) / 2).max(1),
    };
    let waiting = facts
        .hops
        .iter()
        .filter(|hop| facts.socket_of(hop.life) == from)
        .filter(|hop| !facts.gets_of(hop.id).any(|get| facts.socket_of(get.life) == to))
        .count();
    waiting >= mark(facts.plan[from].options.sndhwm).min(mark(facts.plan[to].options.rcvhwm))
}

/// What was there at the beginning is there at the end.
fn left_behind(facts: &Facts<'_>, found: &mut Findings) {
    if facts.run.ending != Ending::Finished {
        return;
    }
    for left in facts.run.left.iter().filter(|left| left.count > 0) {
        let text = format!("{} has {} {} left when its context is terminated", left.host, left.count, left.what);
        found.wrong("resources", "ZMQ_LINGER", text, Evidence::none());
    }
}

/// What the scenario promises.
fn promise(facts: &Facts<'_>, expect: &Expect, found: &mut Findings) {
    match expect {
        Expect::Delivered { from, to, amount, within } => {
            let (Some(from), to) = (facts.plan.actor(from), to.as_ref().and_then(|to| facts.plan.actor(to))) else {
                return;
            };
            let mut all = 0;
            let mut missing = Vec::new();
            let own = |hop: &&super::Hop| hop.kind == HopKind::Own && hop.who.actor == Some(from);
            for hop in facts.hops.iter().filter(own) {
                all += 1;
                let in_time = facts.gets_of(hop.id).any(|get| {
                    to.is_none_or(|to| get.who.actor == Some(to))
                        && within.is_none_or(|within| get.at.saturating_since(hop.since) <= within.0)
                });
                if !in_time {
                    missing.push(hop);
                }
            }
            let came = all - missing.len();
            let enough = match amount {
                Amount::All => missing.is_empty(),
                Amount::AtLeast(least) => came >= usize::try_from(*least).unwrap_or(usize::MAX),
            };
            if !enough {
                let wanted = match amount {
                    Amount::All => "all".to_owned(),
                    Amount::AtLeast(least) => format!("at least {least}"),
                };
                let text = format!(
                    "of the {all} messages of {}, {came} were delivered{} and {wanted} were promised; missing: {}",
                    facts.plan[from].name,
                    within.map(|within| format!(" within {within}")).unwrap_or_default(),
                    facts.names(missing.iter().map(|hop| hop.id))
                );
                let mut evidence = Evidence::none();
                for hop in missing.iter().take(5) {
                    evidence = evidence.hop(hop);
                }
                found.wrong("expectation", "delivered", text, evidence);
            }
        }
        Expect::Done { actor, by } => {
            let Some(index) = facts.plan.actor(actor) else { return };
            let done = facts.run.history.entries.iter().find_map(|entry| match &entry.what {
                What::Finished(who) if who.actor == Some(index) => Some(entry.at),
                _ => None,
            });
            if done.is_none_or(|done| done > Time::START + by.0) {
                let when = done.map_or("never was".to_owned(), |done| format!("was at {done}"));
                let text = format!("{actor} was promised to be done by {} and {when}", Time::START + by.0);
                found.missing("expectation", "done", text, Evidence::none());
            }
        }
        Expect::Withheld { from, to } => {
            let (Some(from), Some(to)) = (facts.plan.actor(from), facts.plan.actor(to)) else { return };
            let theirs = facts.gets.iter().filter(|get| get.who.actor == Some(to));
            for get in theirs.filter(|get| get.id.is_some_and(|id| id.actor == from)) {
                let (from, to) = (&facts.plan[from].name, &facts.plan[to].name);
                let text = format!("{to} received a message of {from} at {}; none were promised", get.at);
                found.wrong("expectation", "withheld", text, Evidence::none().get(get));
            }
        }
        Expect::NoFailures { actor } => {
            let Some(index) = facts.plan.actor(actor) else { return };
            for (entry, what) in facts.run.history.entries.iter().enumerate() {
                if let What::Call { who, call: Call::Failed { call, why, .. }, .. } = &what.what
                    && who.actor == Some(index)
                {
                    let text = format!("{call} of {actor} failed at {}: {why}; no failures were promised", what.at);
                    found.wrong("expectation", "no-failures", text, Evidence::none().entry(entry));
                }
            }
        }
    }
}
