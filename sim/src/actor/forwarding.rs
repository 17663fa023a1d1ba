//! Forwarding: a device between two sockets.

use std::time::Duration;

use super::op::{Op, Outcome};
use super::program::Stage;
use crate::history::{Call, Received};
use crate::plan::SocketIndex;
use crate::time::Time;

/// How often it looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);

/// A `forward` step.
#[derive(Debug)]
pub(super) struct Forwarding {
    sides: [SocketIndex; 2],
    until: Option<Time>,
    state: State,
}

#[derive(Debug)]
enum State {
    Polling,
    /// What this side has is being received.
    Taking(usize),
    /// What the other side had is being sent by this one.
    Giving(usize, Received),
}

impl Forwarding {
    pub(super) fn new(sides: [SocketIndex; 2], until: Option<Time>) -> Self {
        Self { sides, until, state: State::Polling }
    }

    pub(super) fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        match (std::mem::replace(&mut self.state, State::Polling), last) {
            (State::Polling, Outcome::Ready(socket)) => {
                let side = usize::from(socket == self.sides[1]);
                self.state = State::Taking(side);
                let deadline = Some(stage.now);
                return Some(Op::Recv { socket: self.sides[side], deadline, cancel_after: None });
            }
            (State::Taking(side), Outcome::Received(frames)) => {
                let received = Received::read(stage.plan, &frames);
                stage.note(self.sides[side], Call::Received(received.clone()));
                self.state = State::Giving(1 - side, received);
                let socket = self.sides[1 - side];
                return Some(Op::Send { socket, frames, deadline: self.until, cancel_after: None });
            }
            (State::Giving(side, received), Outcome::Done) => {
                stage.note(self.sides[side], Call::PassedOn(received));
            }
            (State::Giving(side, _), Outcome::Failed(why)) => stage.failed(self.sides[side], "send", why),
            (State::Polling | State::Taking(_), Outcome::Failed(why)) => {
                stage.failed(self.sides[0], "recv", why);
                return None;
            }
            (State::Polling | State::Taking(_) | State::Giving(..), _) => {}
        }
        let over = match self.until {
            Some(until) => stage.now >= until,
            None => stage.is_healed() && stage.history.settlement.is_over(),
        };
        if over {
            return None;
        }
        let look = stage.now + LOOK;
        let deadline = Some(self.until.map_or(look, |until| until.min(look)));
        Some(Op::Poll { sockets: self.sides.to_vec(), deadline })
    }
}
