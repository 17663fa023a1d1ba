//! A toy engine for the tests of what stands above engines: clients ask a server over links that a plan breaks.
//!
//! Planted: a reset that hits a client while its request waits for the end of a partition loses the request for good, from
//! the client's second reset on. So three faults are needed: a reset, a partition, and a reset within it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{Ending, Engine, Recording, Run};
use crate::hash::Fingerprint;
use crate::history::{Call, History, What, Who};
use crate::plan::{Fault, FaultIndex, FaultKind, HostIndex, Plan};
use crate::time::{Span, Time};
use crate::violation::{Kind, Violation};
use std::hash::Hasher;

/// Engine over plans of [`plan`].
pub(crate) struct Toy;

/// Clients of the plan.
const CLIENTS: usize = 8;
/// How long clients go on asking.
const LONG: u64 = 3_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Cut(usize, FaultIndex),
    Mend(usize),
    Reset(usize, FaultIndex),
    Ask(usize),
    Answered(usize, u32),
}

/// A number for a key: the same for the same key.
pub(crate) fn keyed(key: &[u64]) -> u64 {
    let mut hash = Fingerprint::default();
    key.iter().for_each(|part| hash.fold(*part));
    hash.fold(0);
    hash.finish()
}

/// Eight clients and a server; faults at random, as a seed says.
pub(crate) fn plan(seed: u64, faults: u64) -> Plan {
    let mut text = format!("title = \"clients and a server\"\nseed = {seed}\n[[host]]\nname = \"server\"\n");
    text.push_str("[[socket]]\nname = \"server\"\nhost = \"server\"\ntype = \"REP\"\nbind = [\"tcp://*:5555\"]\n");
    text.push_str("[[actor]]\nname = \"server\"\nsockets = [\"server\"]\ndo = [{ serve = {} }]\n");
    for client in 0..CLIENTS {
        text.push_str(&format!(
            "[[host]]\nname = \"c{client}\"\n[[socket]]\nname = \"c{client}\"\nhost = \"c{client}\"\ntype = \"REQ\"\n\
             connect = [\"tcp://server:5555\"]\n[[actor]]\nname = \"c{client}\"\nsockets = [\"c{client}\"]\n\
             do = [{{ request = {{ count = 1000, every = \"7ms\" }} }}]\n"
        ));
    }
    let mut plan: Plan = toml::from_str(&text).unwrap();
    for n in 0..faults {
        let draw = |what: u64, below: u64| keyed(&[seed, n, what]) % below;
        let between = ["server".to_owned(), format!("c{}", draw(0, 8))];
        let (what, long) = if draw(1, 2) == 0 {
            (FaultKind::Reset { between }, None)
        } else {
            let long = Span(Duration::from_micros(10_000 + draw(2, 140_000)));
            (FaultKind::Partition { between, flow: Default::default(), direction: Default::default() }, Some(long))
        };
        let at = Span(Duration::from_micros(draw(3, LONG)));
        plan.faults.push(Fault { at, after: None, r#for: long, what });
    }
    plan
}

impl Engine for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn lacks(&self, _: &Plan) -> Option<String> {
        None
    }

    fn run(&self, plan: &Plan, _: Recording) -> Run {
        assert!(plan.title != "panics", "as planned");
        let mut history = History::new(plan);
        let who = |client: usize| Who { actor: None, host: HostIndex(u16::try_from(client).unwrap()), life: 0 };
        let clients: Vec<usize> = (0..CLIENTS).filter(|client| plan.host(&format!("c{client}")).is_some()).collect();
        let mut events: BTreeSet<(u64, u64, Event)> = BTreeSet::new();
        let mut order = 0;
        let mut add = |events: &mut BTreeSet<(u64, u64, Event)>, at: u64, event: Event| {
            order += 1;
            events.insert((at, order, event));
        };
        for index in FaultIndex::all(plan) {
            let Fault { at, r#for, what, .. } = &plan[index];
            let at = u64::try_from(at.0.as_micros()).unwrap();
            let of = |between: &[String; 2]| between[1][1..].parse::<usize>().unwrap();
            match what {
                FaultKind::Partition { between, .. } => {
                    let long = r#for.map_or(LONG, |long| u64::try_from(long.0.as_micros()).unwrap());
                    add(&mut events, at, Event::Cut(of(between), index));
                    add(&mut events, at + long, Event::Mend(of(between)));
                }
                FaultKind::Reset { between } => add(&mut events, at, Event::Reset(of(between), index)),
                other => unreachable!("the toy has no {other:?}"),
            }
        }
        clients.iter().for_each(|client| add(&mut events, 0, Event::Ask(*client)));
        let (mut cut, mut epoch, mut waits) = ([0_i32; CLIENTS], [0_u32; CLIENTS], [false; CLIENTS]);
        let (mut resets, mut done, mut lost) = ([0_u32; CLIENTS], [0_u64; CLIENTS], [false; CLIENTS]);
        let latency = |client: usize, n: u64, way: u64| 1000 + keyed(&[plan.seed, client as u64, n, way]) % 20_000;
        while let Some((at, _, event)) = events.pop_first() {
            if at > LONG {
                break;
            }
            let now = Time::from_nanos(at * 1000);
            match event {
                Event::Cut(client, _) | Event::Mend(client) | Event::Reset(client, _) if !clients.contains(&client) => {
                }
                Event::Cut(client, index) => {
                    cut[client] += 1;
                    history.note(now, What::Fault(index));
                }
                Event::Mend(client) => {
                    cut[client] -= 1;
                    if cut[client] == 0 && std::mem::take(&mut waits[client]) {
                        let way = latency(client, done[client], 0) + latency(client, done[client], 1);
                        add(&mut events, at + way, Event::Answered(client, epoch[client]));
                    }
                }
                Event::Ask(client) if lost[client] => {}
                Event::Ask(client) if cut[client] > 0 => waits[client] = true,
                Event::Ask(client) => {
                    let way = latency(client, done[client], 0) + latency(client, done[client], 1);
                    add(&mut events, at + way, Event::Answered(client, epoch[client]));
                }
                Event::Answered(client, of) if of == epoch[client] => {
                    done[client] += 1;
                    history.note(now, What::Call { who: who(client), socket: None, since: now, call: Call::Open });
                    add(&mut events, at + latency(client, done[client], 2), Event::Ask(client));
                }
                Event::Answered(..) => {}
                Event::Reset(client, index) => {
                    history.note(now, What::Fault(index));
                    resets[client] += 1;
                    epoch[client] += 1;
                    if waits[client] && resets[client] >= 2 && done[client] % 3 == 1 {
                        lost[client] = true;
                        history.note(now, What::Finished(who(client)));
                    } else {
                        waits[client] = false;
                        add(&mut events, at + latency(client, done[client], 3), Event::Ask(client));
                    }
                }
            }
        }
        Run {
            hash: history.hash(),
            history,
            network: None,
            ending: Ending::Finished,
            left: Vec::new(),
            reached: vec!["REQREP-REQ-01"],
        }
    }
}

/// Notices a request that is lost, and a crash.
pub(crate) fn judge(_: &Plan, run: &Run) -> Vec<Violation> {
    let violation = |kind, text: String, entries| Violation {
        oracle: if kind == Kind::Crash { "crash" } else { "no-loss" },
        clause: "REQREP-REQ-01",
        kind,
        text,
        entries,
        messages: Vec::new(),
    };
    if let Ending::Crashed(why) = &run.ending {
        return vec![violation(Kind::Crash, why.clone(), Vec::new())];
    }
    let mut entries = run.history.entries.iter().enumerate();
    let lost = entries.find(|(_, entry)| matches!(entry.what, What::Finished(_)));
    lost.map(|(at, _)| violation(Kind::Safety, "a request is lost".into(), vec![at])).into_iter().collect()
}
