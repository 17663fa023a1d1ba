//! Sending messages of one's own.

use super::message::{MessageId, Shape};
use super::op::{Op, Outcome};
use super::program::Stage;
use crate::history::{Call, Sent};
use crate::plan::{Send, SocketIndex, SocketType};
use crate::time::Time;

/// A `send` step.
#[derive(Debug)]
pub(super) struct Sending {
    socket: SocketIndex,
    step: Send,
    begun: Time,
    done: u32,
    under_way: Option<Sent>,
}

impl Sending {
    pub(super) fn new(socket: SocketIndex, step: &Send, now: Time) -> Self {
        Self { socket, step: step.clone(), begun: now, done: 0, under_way: None }
    }

    pub(super) fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        if let Some(sent) = self.under_way.take() {
            self.done += u32::from(last != Outcome::Cancelled);
            note_sending(stage, self.socket, sent, last);
        }
        if self.done >= self.step.count {
            return None;
        }
        if let Some(every) = self.step.every {
            let due = self.begun + every.0 * self.done;
            if stage.now < due {
                return Some(Op::Sleep(due));
            }
        }
        let turn = usize::try_from(self.done).unwrap_or(usize::MAX);
        let in_turn = |of: &[String]| of.get(turn % of.len().max(1)).cloned();
        let topic = in_turn(&self.step.topics).unwrap_or_default();
        let shape = Shape { topic: &topic, parts: self.step.parts, size: self.step.size, answers: None };
        let (id, mut frames) = stage.message(shape);
        let mut to = None;
        if stage.socket_type(self.socket) == SocketType::Router
            && let Some(id) = in_turn(&self.step.to)
        {
            frames.insert(0, id.clone().into_bytes());
            to = Some(id.into_bytes());
        }
        self.under_way = Some(Sent { id, answers: None, topic, to, parts: self.step.parts.max(1), probe: false });
        let deadline = self.step.timeout.map(|timeout| stage.now + timeout.0);
        Some(Op::Send { socket: self.socket, frames, deadline, cancel_after: self.step.cancel_after })
    }
}

/// Takes note of how the sending of a message ended.
pub(super) fn note_sending(stage: &mut Stage<'_>, socket: SocketIndex, sent: Sent, outcome: Outcome) {
    let id: MessageId = sent.id;
    match outcome {
        Outcome::Done => stage.note(socket, Call::Sent(sent)),
        Outcome::TimedOut => stage.note(socket, Call::SendTimedOut(id)),
        Outcome::Cancelled => stage.note(socket, Call::SendCancelled(id)),
        Outcome::Failed(why) => stage.failed(socket, "send", why),
        Outcome::Begin | Outcome::Received(_) | Outcome::Ready(_) => {}
    }
}
