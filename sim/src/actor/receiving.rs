//! Receiving.

use super::op::{Op, Outcome};
use super::program::Stage;
use crate::history::{Call, Received};
use crate::plan::{Recv, SocketIndex};
use crate::time::Time;

/// A `recv` step.
#[derive(Debug)]
pub(super) struct Receiving {
    socket: SocketIndex,
    step: Recv,
    until: Option<Time>,
    left: Option<u32>,
}

impl Receiving {
    pub(super) fn new(socket: SocketIndex, step: &Recv, now: Time) -> Self {
        let until = step.r#for.map(|span| now + span.0);
        Self { socket, step: step.clone(), until, left: step.count }
    }

    pub(super) fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        let mut pause = None;
        // Messages that are there already must not keep it beyond its time.
        let over = last != Outcome::Begin && self.until.is_some_and(|until| stage.now >= until);
        match last {
            Outcome::Received(frames) => {
                let received = Received::read(stage.plan, &frames);
                stage.note(self.socket, Call::Received(received));
                self.left = self.left.map(|left| left.saturating_sub(1));
                pause = self.step.every;
            }
            Outcome::TimedOut => {
                stage.note(self.socket, Call::RecvTimedOut);
                return None;
            }
            Outcome::Cancelled => stage.note(self.socket, Call::RecvCancelled),
            Outcome::Failed(why) => {
                stage.failed(self.socket, "recv", why);
                return None;
            }
            Outcome::Begin | Outcome::Done | Outcome::Ready(_) => {}
        }
        if self.left == Some(0) || over {
            return None;
        }
        if let Some(pause) = pause {
            return Some(Op::Sleep(stage.now + pause.0));
        }
        Some(Op::Recv { socket: self.socket, deadline: self.until, cancel_after: self.step.cancel_after })
    }
}
