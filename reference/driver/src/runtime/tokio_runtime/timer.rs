//! A timer of tokio's, told instants of ours.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant as Clock;

use tokio::runtime::Handle;
use tokio::time::Sleep;
use zmq_core::time::Instant;

use super::gate::Gate;
use crate::runtime::Timer;

/// Tokio counts in milliseconds and rounds up; so does this.
pub(super) struct TokioTimer {
    started: Clock,
    handle: Handle,
    end: Option<Arc<Gate>>,
    deadline: Instant,
    /// None until the first deadline, so that a timer costs nothing before it is used.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TokioTimer {
    /// A timer of the runtime of `handle`, whose instants count from `started`.
    ///
    /// `end` says whether that has ended, where it may.
    pub(super) fn new(started: Clock, handle: Handle, end: Option<Arc<Gate>>) -> Self {
        Self { started, handle, end, deadline: Instant::FAR_FUTURE, sleep: None }
    }
}

impl Timer for TokioTimer {
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let Some(at) = self.started.checked_add(deadline.since_start()) else {
            // Past what the system's clock can say, which is as good as never.
            self.deadline = deadline;
            self.sleep = None;
            return Poll::Pending;
        };
        // Tokio panics where a timer is polled behind the end of its runtime.
        let end = self.end.clone();
        let open = end.as_deref().map(Gate::pass);
        if let Some(None) = open {
            return Poll::Pending;
        }
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if self.deadline != deadline {
                    sleep.as_mut().reset(at.into());
                }
                sleep
            }
            unarmed @ None => {
                let _registers_here = self.handle.enter();
                unarmed.insert(Box::pin(tokio::time::sleep_until(at.into())))
            }
        };
        self.deadline = deadline;
        sleep.as_mut().poll(cx)
    }
}

impl fmt::Debug for TokioTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioTimer").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
