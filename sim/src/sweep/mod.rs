//! A sweep: many seeds, one after the other or side by side; what comes out is in the order of the seeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::determinism::Difference;
use crate::engine::Recording;
use crate::plan::Plan;
use crate::trial::{Trial, Tried};

/// What gives the plan of a seed, or says why there is none.
pub type Draw<'a> = dyn Fn(u64) -> Result<Plan, String> + Sync + 'a;

/// A sweep.
#[derive(Clone, Copy)]
pub struct Sweep<'a> {
    /// How plans are carried out and judged.
    pub trial: Trial<'a>,
    /// What gives the plan of a seed.
    pub draw: &'a Draw<'a>,
    /// No seed is begun after this time.
    pub time: Option<Duration>,
    /// Plans that are carried out side by side, at least one.
    pub jobs: usize,
    /// What follows a failure.
    pub failure: AfterFailure,
    /// How often each plan is carried out.
    pub times: Times,
    /// No seed is begun after this is set.
    pub interrupted: &'a AtomicBool,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// The failing seed is the last.
    Stop,
    /// The sweep goes on.
    GoOn,
}

/// How often each plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Twice, one run after the other, which have to be the same.
    Twice,
}

/// What came of one seed.
#[derive(Debug)]
pub struct Done {
    /// The seed.
    pub seed: u64,
    /// The hash of its run; none: there was no run.
    pub hash: Option<u64>,
    /// Clauses that were reached.
    pub reached: Vec<&'static str>,
    /// How it went.
    pub came: Came,
}

/// How a seed went.
#[derive(Debug)]
pub enum Came {
    /// Every promise was kept.
    Kept,
    /// A promise was not kept.
    Failed(Box<(Plan, Tried)>),
    /// The second run was not the first.
    Differed(Box<(Plan, Difference)>),
    /// There is no plan, or the engine cannot do what is in it, in words.
    NotDone(String),
}

impl Came {
    /// Whether the sweep has found something.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Differed(_) => true,
            Self::Kept | Self::NotDone(_) => false,
        }
    }
}

/// Why a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All seeds are done.
    AllDone,
    /// A failure was the last.
    Failed,
    /// Its time was over.
    OutOfTime,
    /// It was interrupted.
    Interrupted,
}

impl Sweep<'_> {
    /// Sweeps over seeds, and tells of each in their order.
    pub fn over(&self, seeds: Range<u64>, tell: &mut dyn FnMut(Done)) -> Ended {
        let begun = Instant::now();
        let (next, stopped) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
        let out_of_time = || self.time.is_some_and(|time| begun.elapsed() >= time);
        let (send, receive) = mpsc::channel();
        let mut failed = false;
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let send = send.clone();
                let (next, stopped, seeds) = (&next, &stopped, &seeds);
                scope.spawn(move || {
                    let on_order = || stopped.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed);
                    while !on_order() && !out_of_time() {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            break;
                        }
                        let done = self.one(seed);
                        if done.came.is_failure() && self.failure == AfterFailure::Stop {
                            stopped.store(true, Ordering::Relaxed);
                        }
                        if send.send(done).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            // Seeds begin in their order, so those before a failing one are done or under way.
            let mut waiting = BTreeMap::new();
            let mut expected = seeds.start;
            for done in receive {
                waiting.insert(done.seed, done);
                while let Some(done) = waiting.remove(&expected) {
                    expected += 1;
                    if failed && self.failure == AfterFailure::Stop {
                        continue;
                    }
                    failed |= done.came.is_failure();
                    tell(done);
                }
            }
        });
        if failed && self.failure == AfterFailure::Stop {
            Ended::Failed
        } else if next.load(Ordering::Relaxed) >= seeds.end {
            Ended::AllDone
        } else if self.interrupted.load(Ordering::Relaxed) {
            Ended::Interrupted
        } else {
            Ended::OutOfTime
        }
    }

    /// Carries out what a seed draws.
    fn one(&self, seed: u64) -> Done {
        let not_done = |why| Done { seed, hash: None, reached: Vec::new(), came: Came::NotDone(why) };
        let plan = match (self.draw)(seed) {
            Ok(plan) => plan,
            Err(why) => return not_done(why),
        };
        if let Some(lacks) = self.trial.engine().lacks(&plan) {
            return not_done(lacks);
        }
        let (mut tried, difference) = match self.times {
            Times::Once => (self.trial.attempt(&plan, Recording::History), None),
            Times::Twice => self.trial.twice(&plan, Recording::History),
        };
        let (hash, reached) = (Some(tried.run.hash), std::mem::take(&mut tried.run.reached));
        let came = match difference {
            Some(difference) => Came::Differed(Box::new((plan, difference))),
            None if tried.violations.is_empty() => Came::Kept,
            None => Came::Failed(Box::new((plan, tried))),
        };
        Done { seed, hash, reached, came }
    }
}

#[cfg(test)]
mod tests;
