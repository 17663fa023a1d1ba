//! Timers of a world, on the clock of their process' host.

use std::sync::Arc;
use std::task::{Context, Poll};

use zmq_core::time::Instant;
use zmq_reference::runtime::Timer;
use zmq_sim::time::Time;
use zmq_world::{TimerId, Wake};

use crate::process::Process;

/// A timer of a process. One that is put off stays as it is in the world, and looks again when its earlier time comes:
/// heartbeats and timeouts are put off far more often than they come.
#[derive(Debug)]
pub(crate) struct WorldTimer {
    process: Arc<Process>,
    armed: Option<(TimerId, Instant)>,
}

impl WorldTimer {
    pub(crate) fn new(process: &Arc<Process>) -> Self {
        Self { process: Arc::clone(process), armed: None }
    }

    /// True time, and what the host's clock says.
    pub(crate) fn clocks(&self) -> (Time, u64) {
        let world = &self.process.net().lock().world;
        (Time::from_nanos(world.now().as_nanos()), world.host_now(self.process.host()))
    }
}

impl Timer for WorldTimer {
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let state = &mut *self.process.net().lock();
        let now = Instant::from_nanos(state.world.host_now(self.process.host()));
        if deadline <= now {
            return Poll::Ready(());
        }
        if let Some((timer, at)) = self.armed
            && (at > deadline || at <= now)
        {
            state.world.cancel_timer(timer);
            state.waiting.take(Wake::Timer(timer));
            self.armed = None;
        }
        if deadline == Instant::FAR_FUTURE && self.armed.is_none() {
            return Poll::Pending;
        }
        let (timer, _) = *self
            .armed
            .get_or_insert_with(|| (state.world.set_timer(self.process.host(), deadline.as_nanos()), deadline));
        state.waiting.until_over(timer, cx.waker());
        Poll::Pending
    }
}

impl Drop for WorldTimer {
    fn drop(&mut self) {
        let Some((timer, _)) = self.armed.filter(|_| !self.process.is_dead()) else { return };
        let waker = {
            let state = &mut *self.process.net().lock();
            state.world.cancel_timer(timer);
            state.waiting.take(Wake::Timer(timer))
        };
        drop(waker);
    }
}
