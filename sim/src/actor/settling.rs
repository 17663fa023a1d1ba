//! Settling: probes until everybody is reached, then whatever is still on its way.

use std::time::Duration;

use super::message::Shape;
use super::op::{Op, Outcome};
use super::program::Stage;
use super::requesting::Requesting;
use super::sending::note_sending;
use crate::history::{Call, Received, Sent};
use crate::plan::{Plan, Request, Retry, SocketIndex, SocketType, Step};
use crate::time::{Span, Time};

/// From one probe to the next.
const PACE: Duration = Duration::from_millis(100);
/// How long nothing may come before it counts as all.
const QUIET: Duration = Duration::from_secs(2);
/// How long the reply to a probe is waited for.
const PATIENCE: Span = Span::millis(2000);

/// A `settle` step.
#[derive(Debug)]
pub(super) struct Settling {
    socket: SocketIndex,
    can: Can,
    topics: Vec<String>,
    turn: usize,
    sending: Option<Sent>,
    next_probe: Time,
    quiet_since: Time,
    requesting: Option<Requesting>,
}

/// What the socket can do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Can {
    Send,
    Recv,
    Both,
    /// In turn only.
    Ask,
}

impl Settling {
    pub(super) fn new(socket: SocketIndex, stage: &Stage<'_>) -> Self {
        use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, XPub, XSub};
        let can = match stage.socket_type(socket) {
            Push | Pub => Can::Send,
            Pull | Sub | XSub | Rep | Router | Stream => Can::Recv,
            Dealer | Pair | XPub => Can::Both,
            Req => Can::Ask,
        };
        Self {
            socket,
            can,
            topics: topics(stage.plan),
            turn: 0,
            sending: None,
            next_probe: Time::START + stage.plan.heal.0,
            quiet_since: stage.now,
            requesting: None,
        }
    }

    pub(super) fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        if let Some(requesting) = &mut self.requesting {
            if let Some(op) = requesting.next(stage, last) {
                return Some(op);
            }
            self.requesting = None;
        } else if let Some(sent) = self.sending.take() {
            note_sending(stage, self.socket, sent, last);
        } else {
            match last {
                Outcome::Received(frames) => {
                    let received = Received::read(stage.plan, &frames);
                    // What libraries tell by messages, such as subscriptions, is never over while connections come and go.
                    if received.id().is_some() {
                        self.quiet_since = stage.now;
                    }
                    stage.note(self.socket, Call::Received(received));
                }
                Outcome::Failed(why) => {
                    stage.failed(self.socket, "recv", why);
                    return None;
                }
                Outcome::Begin | Outcome::Done | Outcome::Ready(_) | Outcome::TimedOut | Outcome::Cancelled => {}
            }
        }
        let over = stage.is_healed() && stage.history.settlement.is_over();
        if over && (self.can == Can::Send || self.can == Can::Ask || stage.now >= self.quiet_since + QUIET) {
            return None;
        }
        let due = stage.now >= self.next_probe && stage.history.settlement.wants_from(self.socket);
        match self.can {
            Can::Send if due => Some(self.probe(stage)),
            Can::Both if due => Some(self.probe(stage)),
            Can::Ask if due => {
                self.next_probe = stage.now + PACE;
                let timeout = Some(PATIENCE);
                let step = Request { count: 1, timeout, retry: Retry::Next, ..Request::default() };
                let mut requesting = Requesting::probe(self.socket, step);
                let op = requesting.next(stage, Outcome::Begin);
                self.requesting = Some(requesting);
                op
            }
            Can::Send | Can::Ask => Some(Op::Sleep(self.next_probe.max(stage.now + PACE))),
            Can::Recv | Can::Both => {
                Some(Op::Recv { socket: self.socket, deadline: Some(stage.now + PACE), cancel_after: None })
            }
        }
    }

    fn probe(&mut self, stage: &mut Stage<'_>) -> Op {
        self.next_probe = stage.now + PACE;
        let topic = self.topics.get(self.turn % self.topics.len().max(1)).cloned().unwrap_or_default();
        self.turn += 1;
        let (id, mut frames) = stage.message(Shape { topic: &topic, parts: 1, size: 0, answers: None });
        if stage.socket_type(self.socket) == SocketType::Dealer {
            frames.insert(0, Vec::new());
        }
        self.sending = Some(Sent { id, answers: None, topic, to: None, parts: 1, probe: true });
        Op::Send { socket: self.socket, frames, deadline: Some(stage.now + PACE), cancel_after: None }
    }
}

/// All topics that anybody subscribes to in the plan.
fn topics(plan: &Plan) -> Vec<String> {
    let of_sockets = plan.sockets.iter().flat_map(|socket| socket.subscribe.iter());
    let steps = plan.actors.iter().flat_map(|actor| actor.r#do.iter());
    let of_steps = steps.filter_map(|step| match step {
        Step::Subscribe(to) => Some(&to.topic),
        _ => None,
    });
    let mut all: Vec<String> = of_sockets.chain(of_steps).cloned().collect();
    all.sort();
    all.dedup();
    all
}
