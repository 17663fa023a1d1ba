//! What a program runs on: a process in a simulated world, or this machine.

use std::sync::Arc;
use std::task::{Context, Poll};

use zmq_core::time::Instant;
use zmq_reference::runtime::{BoxFuture, Timer};
use zmq_sim::time::Time;

use crate::app::Host;
use crate::process::Process;
use crate::timer::WorldTimer;

/// What a program needs of where it runs.
pub(super) trait Machine: Send + Sync {
    /// Runs a task until it ends, or the process does.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// True time.
    fn now(&self) -> Time;

    /// A timer that is told true time.
    fn timer(&self) -> Box<dyn TrueTimer>;

    /// Somebody is done with something that the course of the run may wait for.
    fn progress(&self);

    /// An endpoint of the plan, as the library is to be told it.
    fn endpoint(&self, of_plan: &str) -> String;

    /// Itself, as a user's program sees it, where such can run.
    fn host(&self, name: &str, life: u16) -> Option<Host>;

    /// How many tasks of the process have not ended.
    fn tasks(&self) -> usize;

    /// The process ends: its tasks are dropped.
    fn end(&self);
}

/// A timer that is told true time.
pub(super) trait TrueTimer: Send {
    /// Ready from then on.
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Time) -> Poll<()>;
}

/// A process in a simulated world.
pub(super) struct OnWorld(pub(super) Arc<Process>);

impl Machine for OnWorld {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.0.net().lock().world.now().as_nanos())
    }

    fn timer(&self) -> Box<dyn TrueTimer> {
        Box::new(ByHostClock(WorldTimer::new(&self.0)))
    }

    fn progress(&self) {
        self.0.net().signs.progress();
    }

    fn endpoint(&self, of_plan: &str) -> String {
        of_plan.to_owned()
    }

    fn host(&self, name: &str, life: u16) -> Option<Host> {
        Some(Host::new(&self.0, name, life))
    }

    fn tasks(&self) -> usize {
        self.0.tasks()
    }

    fn end(&self) {
        self.0.end();
    }
}

/// It rings by the host's clock, and is set again if that was ahead.
struct ByHostClock(WorldTimer);

impl TrueTimer for ByHostClock {
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Time) -> Poll<()> {
        loop {
            let (now, host_now) = self.0.clocks();
            if at <= now {
                return Poll::Ready(());
            }
            let deadline = Instant::from_nanos(host_now).saturating_add(at.saturating_since(now));
            if self.0.poll_until(cx, deadline).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
