//! Requests: one is asked, its reply awaited, then the next.

use std::collections::VecDeque;

use super::message::{MessageId, Shape};
use super::op::{Op, Outcome};
use super::opening;
use super::program::{Stage, next_plain};
use super::sending::note_sending;
use crate::history::{Call, Received, Sent};
use crate::plan::{Linger, Request, Retry, SocketIndex, SocketType};
use crate::time::Time;

/// A `request` step.
#[derive(Debug)]
pub(super) struct Requesting {
    socket: SocketIndex,
    step: Request,
    left: u32,
    state: State,
    probe: bool,
}

#[derive(Debug)]
enum State {
    /// The next request is to be sent.
    Ready,
    /// It is being sent, until then.
    Asking { sent: Sent, until: Option<Time> },
    /// Its reply is awaited, until then.
    Awaiting { asked: MessageId, until: Option<Time> },
    /// The socket is closed and made again.
    Reopening(VecDeque<Op>),
}

impl Requesting {
    pub(super) fn new(socket: SocketIndex, step: &Request) -> Self {
        Self { socket, step: step.clone(), left: step.count, state: State::Ready, probe: false }
    }

    /// A single request, after the healing.
    pub(super) fn probe(socket: SocketIndex, step: Request) -> Self {
        Self { socket, left: 1, step, state: State::Ready, probe: true }
    }

    pub(super) fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Ready => {}
            State::Asking { sent, until } => {
                let asked = sent.id;
                let is_sent = last == Outcome::Done;
                let is_over = matches!(last, Outcome::Failed(_));
                note_sending(stage, self.socket, sent, last);
                if is_over {
                    return self.without_reply(stage);
                }
                if !is_sent {
                    return self.without_reply(stage);
                }
                return Some(self.awaits(asked, until));
            }
            State::Awaiting { asked, until } => match last {
                Outcome::Received(frames) => {
                    let received = Received::read(stage.plan, &frames);
                    let is_ours = received.answers() == Some(asked);
                    stage.note(self.socket, Call::Received(received));
                    if !is_ours {
                        return Some(self.awaits(asked, until));
                    }
                    self.left = self.left.saturating_sub(1);
                    if let Some(every) = self.step.every.filter(|_| self.left > 0) {
                        return Some(Op::Sleep(stage.now + every.0));
                    }
                }
                Outcome::TimedOut => {
                    stage.note(self.socket, Call::RecvTimedOut);
                    return self.without_reply(stage);
                }
                Outcome::Failed(why) => {
                    stage.failed(self.socket, "recv", why);
                    return self.without_reply(stage);
                }
                Outcome::Begin | Outcome::Done | Outcome::Ready(_) | Outcome::Cancelled => {
                    return Some(self.awaits(asked, until));
                }
            },
            State::Reopening(mut ops) => {
                if let Some(op) = next_plain(&mut ops, stage, last) {
                    self.state = State::Reopening(ops);
                    return Some(op);
                }
            }
        }
        if self.left == 0 { None } else { Some(self.ask(stage)) }
    }

    fn ask(&mut self, stage: &mut Stage<'_>) -> Op {
        let shape = Shape { topic: "", parts: 1, size: self.step.size, answers: None };
        let (id, mut frames) = stage.message(shape);
        if stage.socket_type(self.socket) == SocketType::Dealer {
            // As a REQ would: who answers may be a REP.
            frames.insert(0, Vec::new());
        }
        let until = self.step.timeout.map(|timeout| stage.now + timeout.0);
        let sent = Sent { id, answers: None, topic: String::new(), to: None, parts: 1, probe: self.probe };
        self.state = State::Asking { sent, until };
        Op::Send { socket: self.socket, frames, deadline: until, cancel_after: None }
    }

    fn awaits(&mut self, asked: MessageId, until: Option<Time>) -> Op {
        self.state = State::Awaiting { asked, until };
        Op::Recv { socket: self.socket, deadline: until, cancel_after: None }
    }

    fn without_reply(&mut self, stage: &mut Stage<'_>) -> Option<Op> {
        let options = &stage.plan[self.socket].options;
        let stuck = stage.socket_type(self.socket) == SocketType::Req && options.req_relaxed != Some(true);
        if self.step.retry == Retry::Next {
            self.left = self.left.saturating_sub(1);
        }
        if self.step.retry == Retry::Reopen || stuck {
            let mut ops = VecDeque::from([Op::Close(self.socket, Some(Linger::Discard))]);
            ops.extend(opening::of_socket(stage.plan, self.socket));
            let first = ops.front().cloned();
            self.state = State::Reopening(ops);
            return first;
        }
        if self.left == 0 { None } else { Some(self.ask(stage)) }
    }
}
