//! Serving: what comes is answered.

use std::time::Duration;

use super::message::{MessageId, Shape};
use super::op::{Op, Outcome};
use super::program::Stage;
use super::sending::note_sending;
use crate::history::{Call, Received, Sent};
use crate::plan::{Serve, SocketIndex, SocketType};

/// How often it looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);
/// How long a reply waits for room.
const PATIENCE: Duration = Duration::from_secs(1);

/// A `serve` step.
#[derive(Debug)]
pub(super) struct Serving {
    socket: SocketIndex,
    step: Serve,
    left: Option<u32>,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting,
    /// The answer is being worked out.
    Working(Received),
    Answering(Sent),
}

impl Serving {
    pub(super) fn new(socket: SocketIndex, step: &Serve) -> Self {
        Self { socket, step: step.clone(), left: step.count, state: State::Waiting }
    }

    pub(super) fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Waiting => match last {
                Outcome::Received(frames) => {
                    let received = Received::read(stage.plan, &frames);
                    stage.note(self.socket, Call::Received(received.clone()));
                    if let (Some(work), Some(_)) = (self.step.work, received.id()) {
                        self.state = State::Working(received);
                        return Some(Op::Sleep(stage.now + work.0));
                    }
                    if let Some(op) = self.answer(stage, &received) {
                        return Some(op);
                    }
                }
                Outcome::Failed(why) => {
                    stage.failed(self.socket, "recv", why);
                    return None;
                }
                Outcome::Begin | Outcome::Done | Outcome::Ready(_) | Outcome::TimedOut | Outcome::Cancelled => {}
            },
            State::Working(received) => {
                if let Some(op) = self.answer(stage, &received) {
                    return Some(op);
                }
            }
            State::Answering(sent) => {
                self.left = self.left.map(|left| left.saturating_sub(1));
                note_sending(stage, self.socket, sent, last);
            }
        }
        let over = match self.left {
            Some(left) => left == 0,
            None => stage.is_healed() && stage.history.settlement.is_over(),
        };
        if over {
            return None;
        }
        Some(Op::Recv { socket: self.socket, deadline: Some(stage.now + LOOK), cancel_after: None })
    }

    /// The answer; `None` if there is nothing to answer: nobody's message.
    fn answer(&mut self, stage: &mut Stage<'_>, received: &Received) -> Option<Op> {
        let asked: Option<MessageId> = received.id();
        // A REP has to answer whatever came; others need not.
        if asked.is_none() && stage.socket_type(self.socket) != SocketType::Rep {
            return None;
        }
        let parts = u8::try_from(received.parts.len()).unwrap_or(u8::MAX);
        let (id, frames) = stage.message(Shape { topic: "", parts, size: 0, answers: asked });
        let to = match stage.socket_type(self.socket) {
            SocketType::Router => received.envelope.first().cloned(),
            _ => None,
        };
        let probe = asked.is_some_and(|asked| stage.history.settlement.is_probe(asked));
        let all = received.envelope.iter().cloned().chain(frames).collect();
        self.state = State::Answering(Sent { id, answers: asked, topic: String::new(), to, parts, probe });
        let deadline = Some(stage.now + PATIENCE);
        Some(Op::Send { socket: self.socket, frames: all, deadline, cancel_after: None })
    }
}
