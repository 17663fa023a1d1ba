//! The runner: workers side by side, results in the order of the plan.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::plan::Planned;
use super::play::Setting;
use super::worker::{Done, Start, Worker};
use crate::adapter::process::Adapter;
use crate::adapter::protocol::Hello;
use crate::case::file::Tier;

/// How to run a plan.
#[derive(Debug, Clone)]
pub struct Options {
    /// Workers side by side.
    pub jobs: usize,
    /// How often each case runs.
    pub repeat: usize,
    /// When to begin no more cases.
    pub max_time: Option<Duration>,
    /// What surrounds every case.
    pub setting: Setting,
}

/// Runs a plan and hands each result to `each`, in the order of the plan. Returns how many were not run because the
/// time was up or `stop` was raised.
pub fn run(
    plan: &[Planned],
    start: &Start,
    first: (Adapter, Hello),
    options: &Options,
    stop: &AtomicBool,
    mut each: impl FnMut(usize, Done),
) -> usize {
    let begun = Instant::now();
    let order = order(plan);
    let next = AtomicUsize::new(0);
    let first = Mutex::new(Some(first));
    let (results, arriving) = mpsc::channel();
    let mut delivered = 0;
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, plan.len().max(1)) {
            let (results, next, first, order) = (results.clone(), &next, &first, &order);
            scope.spawn(move || {
                let started = first.lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut worker = Worker::new(start, started);
                loop {
                    let late = options.max_time.is_some_and(|limit| begun.elapsed() >= limit);
                    if late || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    let done = worker.work(&plan[index], &options.setting, options.repeat);
                    if results.send((index, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        let mut waiting = BTreeMap::new();
        for (index, done) in arriving {
            waiting.insert(index, done);
            while let Some(done) = waiting.remove(&delivered) {
                each(delivered, done);
                delivered += 1;
            }
        }
        // A worker that stopped early leaves a gap; what came behind it is delivered all the same.
        for (index, done) in waiting {
            each(index, done);
            delivered += 1;
        }
    });
    plan.len() - delivered
}

/// Cases bound to a clock begin first: what waits costs nothing beside what works, and much behind it.
fn order(plan: &[Planned]) -> Vec<usize> {
    let (clock, others): (Vec<usize>, Vec<usize>) =
        (0..plan.len()).partition(|&index| plan[index].case.tier == Tier::Clock);
    clock.into_iter().chain(others).collect()
}
