//! A plan is tried: an engine carries it out, and the oracles say what is wrong with what came of it.
//!
//! Each trial has a thread of its own, so that nothing of one run is there in the next, and so that an engine which
//! panics ends its run and no other.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread;

use crate::determinism::{Difference, first_difference};
use crate::engine::{Ending, Engine, Recording, Run};
use crate::history::History;
use crate::oracle;
use crate::plan::Plan;
use crate::violation::Violation;

/// Octets of the stack that a run has.
const STACK: usize = 64 << 20;
/// What the threads of runs are called.
const THREAD: &str = "simulated run";

/// What judges a run.
pub type Judge<'a> = dyn Fn(&Plan, &Run) -> Vec<Violation> + Sync + 'a;

/// An engine, and who judges what it does.
#[derive(Clone, Copy)]
pub struct Trial<'a> {
    engine: &'a dyn Engine,
    judge: &'a Judge<'a>,
}

/// What came of a trial.
#[derive(Debug)]
pub struct Tried {
    /// What happened.
    pub run: Run,
    /// What is wrong with it, the first first.
    pub violations: Vec<Violation>,
}

impl<'a> Trial<'a> {
    /// Judged by the oracles.
    #[must_use]
    pub fn new(engine: &'a dyn Engine) -> Self {
        Self { engine, judge: &oracle::judge }
    }

    /// With a judge of one's own.
    #[must_use]
    pub fn judged_by(engine: &'a dyn Engine, judge: &'a Judge<'a>) -> Self {
        Self { engine, judge }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &'a dyn Engine {
        self.engine
    }

    /// Carries the plan out, on a fresh thread, and judges. A panic of the engine is [`Ending::Crashed`].
    ///
    /// # Panics
    ///
    /// If the system has no thread to give, or if the judge panics.
    #[must_use]
    pub fn attempt(&self, plan: &Plan, recording: Recording) -> Tried {
        let run = on_a_fresh_thread(|| self.run(plan, recording)).unwrap_or_else(|why| crashed(plan, why));
        let violations = (self.judge)(plan, &run);
        Tried { run, violations }
    }

    /// Carries the plan out twice, one run after the other on the same thread: what the first leaves behind would show
    /// in the second. Gives the first run, and what was other in the second.
    ///
    /// # Panics
    ///
    /// As [`Self::attempt`].
    #[must_use]
    pub fn twice(&self, plan: &Plan, recording: Recording) -> (Tried, Option<Difference>) {
        let two_runs = |recording| (self.run(plan, recording), self.run(plan, recording));
        let both = on_a_fresh_thread(|| {
            let (one, other) = two_runs(recording);
            let mut difference = (one.hash != other.hash).then(|| first_difference(&one, &other));
            if difference.is_some() && recording < Recording::Network {
                // Once more, to see what was first; what does not come again was seen at least once.
                let (one, other) = two_runs(Recording::Network);
                if one.hash != other.hash {
                    difference = Some(first_difference(&one, &other));
                }
            }
            (one, difference)
        });
        let (run, difference) = match both {
            Ok(both) => both,
            Err(why) => (crashed(plan, why), None),
        };
        let violations = (self.judge)(plan, &run);
        (Tried { run, violations }, difference)
    }
}

impl Trial<'_> {
    /// Engines may catch a panic, to keep what was seen until then: its place is known here.
    fn run(&self, plan: &Plan, recording: Recording) -> Run {
        let mut run = self.engine.run(plan, recording);
        if let (Ending::Crashed(why), Some(place)) = (&mut run.ending, PLACE.take()) {
            *why = format!("panicked at {place}: {why}");
        }
        run
    }
}

/// Does it on a thread of its own. A panic comes back as its text and place.
fn on_a_fresh_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    note_panics_of_runs();
    let both = || {
        let done = panic::catch_unwind(panic::AssertUnwindSafe(work));
        done.map_err(|payload| {
            let place = PLACE.take().unwrap_or_else(|| "an unknown place".to_owned());
            format!("panicked at {place}: {}", text_of(payload.as_ref()))
        })
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(THREAD.into()).stack_size(STACK).spawn_scoped(scope, both);
        thread.expect("the system has a thread for a run").join().expect("panics of a run are caught within it")
    })
}

fn crashed(plan: &Plan, why: String) -> Run {
    Run {
        history: History::new(plan),
        hash: 0,
        network: None,
        ending: Ending::Crashed(why),
        left: Vec::new(),
        reached: Vec::new(),
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of runs are findings, not news for the terminal: their place is kept, and nothing is printed. Those of other
/// threads go to the hook that was there before.
fn note_panics_of_runs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if thread::current().name().is_some_and(|name| name.starts_with(THREAD)) {
                let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
                PLACE.set(place);
            } else {
                before(info);
            }
        }));
    });
}
