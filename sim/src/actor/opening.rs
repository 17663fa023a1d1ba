//! How a process begins: its sockets are made, in the order of the plan, before its actors start.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::op::{Op, Outcome};
use crate::history::{Call, History, What, Who};
use crate::plan::{HostIndex, Plan, SocketIndex};
use crate::time::Time;

/// How long a process waits before it binds again to what was in use.
pub(super) const AGAIN: Duration = Duration::from_millis(100);

/// The beginning of a host's process. An engine carries out what it says until [`Op::Finished`], then starts the actors.
#[derive(Debug)]
pub struct Opening {
    who: Who,
    left: VecDeque<Op>,
    doing: Option<Op>,
    since: Time,
}

impl Opening {
    /// Of a host, in the how manieth life.
    #[must_use]
    pub fn new(plan: &Arc<Plan>, host: HostIndex, life: u16) -> Self {
        let mut left = VecDeque::new();
        for socket in SocketIndex::all(plan).filter(|socket| plan.host_of(*socket) == Some(host)) {
            left.extend(of_socket(plan, socket));
        }
        Self { who: Who { actor: None, host, life }, left, doing: None, since: Time::START }
    }

    /// What to do next, after what was done before has ended so.
    pub fn next(&mut self, now: Time, last: Outcome, history: &mut History) -> Op {
        if let Some(op) = self.doing.take() {
            let again = matches!((&op, &last), (Op::Bind(..), Outcome::Failed(_)));
            if let Some((socket, call)) = call(&op, last) {
                history.note(now, What::Call { who: self.who, socket: Some(socket), since: self.since, call });
            }
            if again {
                self.left.push_front(op);
                self.since = now;
                return Op::Sleep(now + AGAIN);
            }
        }
        self.since = now;
        let Some(op) = self.left.pop_front() else { return Op::Finished };
        self.doing = Some(op.clone());
        op
    }
}

/// What makes a socket.
pub(super) fn of_socket(plan: &Plan, socket: SocketIndex) -> Vec<Op> {
    let of = &plan[socket];
    let mut ops = vec![Op::Open(socket)];
    ops.extend(of.subscribe.iter().map(|topic| Op::Subscribe(socket, topic.clone())));
    ops.extend(of.bind.iter().map(|at| Op::Bind(socket, at.clone())));
    ops.extend(of.connect.iter().map(|to| Op::Connect(socket, to.clone())));
    ops
}

/// An operation that is no sending or receiving, as an entry of the history.
pub(super) fn call(op: &Op, outcome: Outcome) -> Option<(SocketIndex, Call)> {
    let (socket, call, name) = match op {
        Op::Open(socket) => (*socket, Call::Open, "open"),
        Op::Bind(socket, at) => (*socket, Call::Bind(at.clone()), "bind"),
        Op::Connect(socket, to) => (*socket, Call::Connect(to.clone()), "connect"),
        Op::Unbind(socket, at) => (*socket, Call::Unbind(at.clone()), "unbind"),
        Op::Disconnect(socket, to) => (*socket, Call::Disconnect(to.clone()), "disconnect"),
        Op::Subscribe(socket, topic) => (*socket, Call::Subscribe(topic.clone()), "subscribe"),
        Op::Unsubscribe(socket, topic) => (*socket, Call::Unsubscribe(topic.clone()), "unsubscribe"),
        Op::Close(socket, linger) => (*socket, Call::Close(*linger), "close"),
        Op::Send { .. } | Op::Recv { .. } | Op::Poll { .. } | Op::Sleep(_) | Op::Finished => return None,
    };
    match outcome {
        Outcome::Failed(why) => Some((socket, Call::Failed { call: name.to_owned(), errno: why.errno, why: why.why })),
        _ => Some((socket, call)),
    }
}
