//! The engine: a plan, carried out by the library's own sockets and tasks.

mod course;
mod machine;
mod ops;
mod program;
mod real;
mod stage;
mod watchers;

use std::sync::Arc;

use zmq_reference::runtime::BoxFuture;
use zmq_sim::engine::{Engine, Recording, Run};
use zmq_sim::plan::Plan;

pub use real::RealTokio;

use crate::app::Apps;
use crate::executor::Executor;

/// A simulator of tasks.
pub trait Simulator: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Runs what `main` makes, and all tasks that it starts, on a thread of its own; the order of ready tasks follows from
    /// the seed. Panics where one of them does.
    fn run<T: Send + 'static>(
        &self,
        seed: u64,
        main: impl FnOnce(Arc<dyn Executor>) -> BoxFuture<'static, T> + Send + 'static,
    ) -> T;
}

/// Carries plans out with the library under a simulator of tasks.
#[derive(Debug, Clone, Copy)]
pub struct Library<S>(pub S);

impl<S: Simulator> Library<S> {
    /// Carries a plan out together with programs of the user's, [`crate::app`].
    pub fn run_with(&self, plan: &Plan, apps: &Apps, recording: Recording) -> Run {
        let (plan, apps) = (Arc::new(plan.clone()), apps.clone());
        self.0.run(plan.seed, move |executor| Box::pin(course::run(plan, apps, executor, recording)))
    }
}

impl<S: Simulator> Engine for Library<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    /// Nothing: it has every transport and pattern of plans.
    fn lacks(&self, _: &Plan) -> Option<String> {
        None
    }

    fn run(&self, plan: &Plan, recording: Recording) -> Run {
        self.run_with(plan, &Apps::default(), recording)
    }
}
