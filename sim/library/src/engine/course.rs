//! The course of a run: the world goes on when nothing else can.

use std::future::poll_fn;
use std::hash::Hasher;
use std::sync::{Arc, Mutex};

use zmq_sim::director::{self, Director};
use zmq_sim::engine::{Ending, Leftover, Recording, Run};
use zmq_sim::hash::Fingerprint;
use zmq_sim::history::History;
use zmq_sim::plan::{HostIndex, Plan};
use zmq_world::{Keep, Resources, Time};

use super::program::{Phase, Program, Shared};
use super::stage::{OnHost, OnStage};
use crate::app::Apps;
use crate::executor::{Executor, Idle};
use crate::net::{Net, Released};
use crate::trouble::Trouble;

/// A run whose tasks are polled so often while nothing happens in the world is caught in a loop.
const POLLS: u64 = 5_000_000;

/// Carries a plan out.
pub(super) async fn run(plan: Arc<Plan>, apps: Apps, executor: Arc<dyn Executor>, recording: Recording) -> Run {
    zmq_core::marks::begin();
    let _trouble = plan.trouble.then(|| Trouble::of(plan.seed));
    let (mut world, ids) = director::world_of(&plan);
    world.trace().keep(match recording {
        Recording::History => Keep::Hash,
        Recording::Network => Keep::Events,
        Recording::Octets => Keep::Octets,
    });
    let net = Net::new(world);
    let history = Mutex::new(History::new(&plan));
    let shared = Arc::new(Shared { plan: Arc::clone(&plan), history, apps });
    let mut hosts: Vec<OnHost> = ids.into_iter().map(OnHost::new).collect();
    let mut idle = executor.idle();
    let ending = play(&net, &shared, &executor, &mut hosts, &mut *idle).await;
    let left = match ending {
        Ending::Finished => leftovers(&plan, &net, &hosts),
        Ending::OutOfTime(_) | Ending::Deadlock(_) | Ending::Crashed(_) => Vec::new(),
    };
    for host in &mut hosts {
        if let Some(program) = host.program.take() {
            program.end();
        }
    }
    let waiting = net.lock().waiting.clear();
    drop(waiting);
    // What was taken away from its tasks has them end.
    poll_fn(|cx| idle.poll_idle(cx)).await;
    let history = std::mem::replace(&mut *shared.history(), History::new(&plan));
    let mut state = net.lock();
    let trace = state.world.trace();
    let mut hash = Fingerprint::default();
    for number in [trace.hash(), trace.count(), history.hash()] {
        hash.fold(number);
    }
    let network = (recording != Recording::History).then(|| trace.clone());
    Run { history, hash: hash.finish(), network, ending, left, reached: zmq_core::marks::take() }
}

async fn play(
    net: &Arc<Net>,
    shared: &Arc<Shared>,
    executor: &Arc<dyn Executor>,
    hosts: &mut Vec<OnHost>,
    idle: &mut dyn Idle,
) -> Ending {
    let plan = &shared.plan;
    let mut director = Director::new(plan);
    let limit = Time::from_nanos(u64::try_from(plan.limit.0.as_nanos()).unwrap_or(u64::MAX));
    {
        let mut stage = OnStage::new(net, shared, executor, hosts);
        director.begin(&mut stage);
        for host in HostIndex::all(plan) {
            if !director.is_down(host) {
                stage.start(host);
            }
        }
    }
    let mut is_ending = false;
    let mut polls = 0;
    let mut alarm = None;
    loop {
        poll_fn(|cx| idle.poll_idle(cx)).await;
        if let Some(why) = net.signs.crashed() {
            return Ending::Crashed(why);
        }
        let polled = net.signs.polls();
        if polled - polls > POLLS {
            return Ending::Crashed(format!("{POLLS} polls while nothing happened: tasks wake each other for ever"));
        }
        polls = polled;
        {
            let mut stage = OnStage::new(net, shared, executor, hosts);
            match alarm.take() {
                Some(tag) => director.alarm(tag, &mut stage),
                None => director.watch(&mut stage),
            }
        }
        if net.signs.take_progress() {
            match end(hosts, &mut is_ending) {
                End::NotYet => {}
                End::Begins => continue,
                End::Over => return Ending::Finished,
            }
        }
        alarm = match net.release(limit) {
            Released::Wakes => None,
            Released::Alarm(tag) => Some(tag),
            Released::NothingYet => return Ending::OutOfTime(pending(hosts)),
            Released::Nothing => return Ending::Deadlock(pending(hosts)),
        };
    }
}

/// How near the end is.
pub(super) enum End {
    NotYet,
    /// A context is being terminated from now on.
    Begins,
    Over,
}

/// Terminates all contexts as soon as all actors of all hosts that are up are done.
pub(super) fn end(hosts: &[OnHost], is_ending: &mut bool) -> End {
    *is_ending |= up(hosts).all(|program| program.is_finished());
    if !*is_ending {
        return End::NotYet;
    }
    if up(hosts).all(|program| program.phase() == Phase::Terminated) {
        return End::Over;
    }
    let mut near = End::NotYet;
    for program in up(hosts).filter(|program| program.is_finished() && program.phase() == Phase::Acting) {
        program.terminate();
        near = End::Begins;
    }
    near
}

pub(super) fn up(hosts: &[OnHost]) -> impl Iterator<Item = &Arc<Program>> {
    hosts.iter().filter_map(|host| host.program.as_ref())
}

pub(super) fn pending(hosts: &[OnHost]) -> Vec<String> {
    up(hosts).flat_map(|program| program.pending()).collect()
}

/// What hosts that are up have left although their contexts are terminated.
fn leftovers(plan: &Plan, net: &Net, hosts: &[OnHost]) -> Vec<Leftover> {
    let mut left = Vec::new();
    for (index, host) in HostIndex::all(plan).zip(hosts) {
        let Some(program) = &host.program else { continue };
        let of = net.lock().world.resources(host.id);
        let Resources { streams, listeners, timers, lookups, datagrams, paths } = of;
        let tasks = u32::try_from(program.machine.tasks()).unwrap_or(u32::MAX);
        let all = [
            ("streams", streams),
            ("listeners", listeners),
            ("timers", timers),
            ("lookups", lookups),
            ("datagrams", datagrams),
            ("paths", paths),
            ("tasks", tasks),
        ];
        for (what, count) in all.into_iter().filter(|(_, count)| *count > 0) {
            let (host, count) = (plan[index].name.clone(), usize::try_from(count).unwrap_or(usize::MAX));
            left.push(Leftover { host, what: what.to_owned(), count });
        }
    }
    left
}
