//! An actor: its steps, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use super::forwarding::Forwarding;
use super::message::{self, MessageId, Shape};
use super::op::{Failure, Op, Outcome};
use super::opening;
use super::receiving::Receiving;
use super::requesting::Requesting;
use super::sending::Sending;
use super::serving::Serving;
use super::settling::Settling;
use crate::history::{Call, History, What, Who};
use crate::plan::{ActorIndex, Plan, SocketIndex, SocketType, Step};
use crate::time::Time;

/// One actor of a plan.
#[derive(Debug)]
pub struct Actor {
    plan: Arc<Plan>,
    index: ActorIndex,
    who: Who,
    step: usize,
    doing: Option<Doing>,
    number: u32,
    since: Time,
    finished: bool,
}

/// What an actor does now.
#[derive(Debug)]
enum Doing {
    Sending(Sending),
    Receiving(Receiving),
    Requesting(Requesting),
    Serving(Serving),
    Forwarding(Forwarding),
    Settling(Settling),
    /// Sleeps, or waits for a message.
    Sleeping,
    /// Single operations; the first of them is being done.
    Plain(VecDeque<Op>),
}

/// What a step sees of the run.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) plan: &'a Arc<Plan>,
    pub(super) index: ActorIndex,
    pub(super) who: Who,
    pub(super) now: Time,
    /// When the operation that has ended was begun.
    pub(super) since: Time,
    pub(super) history: &'a mut History,
    number: &'a mut u32,
}

impl Stage<'_> {
    pub(super) fn note(&mut self, socket: SocketIndex, call: Call) {
        let what = What::Call { who: self.who, socket: Some(socket), since: self.since, call };
        self.history.note(self.now, what);
    }

    pub(super) fn failed(&mut self, socket: SocketIndex, call: &str, why: Failure) {
        self.note(socket, Call::Failed { call: call.to_owned(), errno: why.errno, why: why.why });
    }

    /// The next message of this actor.
    pub(super) fn message(&mut self, shape: Shape<'_>) -> (MessageId, Vec<Vec<u8>>) {
        let id = MessageId { actor: self.index, life: self.who.life, number: *self.number };
        *self.number += 1;
        (id, message::frames(self.plan, id, shape))
    }

    pub(super) fn socket_type(&self, socket: SocketIndex) -> SocketType {
        self.plan[socket].socket_type
    }

    /// Whether everything is healed.
    pub(super) fn is_healed(&self) -> bool {
        self.now >= Time::START + self.plan.heal.0
    }
}

impl Actor {
    /// An actor in the how manieth life of its host.
    ///
    /// # Panics
    ///
    /// If the plan was not checked: an actor has a socket of a host.
    #[must_use]
    pub fn new(plan: &Arc<Plan>, index: ActorIndex, life: u16) -> Self {
        let host = plan.home_of(index).expect("a checked plan gives each actor a socket of a host");
        let who = Who { actor: Some(index), host, life };
        let plan = Arc::clone(plan);
        Self { plan, index, who, step: 0, doing: None, number: 0, since: Time::START, finished: false }
    }

    /// Who it is.
    #[must_use]
    pub const fn who(&self) -> Who {
        self.who
    }

    /// What to do next, after what was done before has ended so; [`Outcome::Begin`] at the beginning.
    pub fn next(&mut self, now: Time, last: Outcome, history: &mut History) -> Op {
        let plan = Arc::clone(&self.plan);
        let mut last = last;
        loop {
            let mut stage = Stage {
                plan: &plan,
                index: self.index,
                who: self.who,
                now,
                since: self.since,
                history,
                number: &mut self.number,
            };
            if let Some(doing) = &mut self.doing {
                if let Some(op) = doing.next(&mut stage, std::mem::replace(&mut last, Outcome::Begin)) {
                    self.since = now;
                    return op;
                }
                self.doing = None;
            }
            let Some(step) = plan[self.index].r#do.get(self.step) else {
                if !std::mem::replace(&mut self.finished, true) {
                    history.note(now, What::Finished(self.who));
                }
                return Op::Finished;
            };
            self.step += 1;
            self.since = now;
            let (doing, op) = begin(step, &mut stage);
            self.doing = Some(doing);
            if let Some(op) = op {
                return op;
            }
        }
    }

    /// What it is doing, in words: for those who wait for it.
    #[must_use]
    pub fn position(&self) -> String {
        let of = &self.plan[self.index];
        if self.finished {
            return format!("{}: finished", of.name);
        }
        let step = self.step.saturating_sub(1);
        let what = of.r#do.get(step).map_or_else(|| "nothing".to_owned(), Step::name);
        format!("{}: step {} of {}, {what}, since {}", of.name, step + 1, of.r#do.len(), self.since)
    }
}

/// Begins a step: what is done now, and the first operation where the step itself does not say it.
fn begin(step: &Step, stage: &mut Stage<'_>) -> (Doing, Option<Op>) {
    let meant = |named: &Option<String>| {
        stage.plan.meant(stage.index, named.as_deref()).expect("a checked plan names sockets that there are")
    };
    let plain = |ops: Vec<Op>| {
        let ops = VecDeque::from(ops);
        let first = ops.front().cloned();
        (Doing::Plain(ops), first)
    };
    match step {
        Step::Send(send) => (Doing::Sending(Sending::new(meant(&send.socket), send, stage.now)), None),
        Step::Recv(recv) => (Doing::Receiving(Receiving::new(meant(&recv.socket), recv, stage.now)), None),
        Step::Request(request) => (Doing::Requesting(Requesting::new(meant(&request.socket), request)), None),
        Step::Serve(serve) => (Doing::Serving(Serving::new(meant(&serve.socket), serve)), None),
        Step::Forward { front, back, r#for } => {
            let until = r#for.map(|span| stage.now + span.0);
            let sides = [meant(&Some(front.clone())), meant(&Some(back.clone()))];
            (Doing::Forwarding(Forwarding::new(sides, until)), None)
        }
        Step::Settle { socket } => (Doing::Settling(Settling::new(meant(socket), stage)), None),
        Step::Poll { socket, r#for } => {
            let deadline = r#for.map(|span| stage.now + span.0);
            (Doing::Sleeping, Some(Op::Poll { sockets: vec![meant(socket)], deadline }))
        }
        Step::Wait(span) => (Doing::Sleeping, Some(Op::Sleep(stage.now + span.0))),
        Step::Bind(at) => plain(vec![Op::Bind(meant(&at.socket), at.endpoint.clone())]),
        Step::Connect(at) => plain(vec![Op::Connect(meant(&at.socket), at.endpoint.clone())]),
        Step::Unbind(at) => plain(vec![Op::Unbind(meant(&at.socket), at.endpoint.clone())]),
        Step::Disconnect(at) => plain(vec![Op::Disconnect(meant(&at.socket), at.endpoint.clone())]),
        Step::Subscribe(to) => plain(vec![Op::Subscribe(meant(&to.socket), to.topic.clone())]),
        Step::Unsubscribe(to) => plain(vec![Op::Unsubscribe(meant(&to.socket), to.topic.clone())]),
        Step::Close { socket, linger } => plain(vec![Op::Close(meant(socket), *linger)]),
        Step::Open { socket } => plain(opening::of_socket(stage.plan, meant(socket))),
    }
}

impl Doing {
    /// The next operation; `None` if the step is over. [`Outcome::Begin`] only where nothing was done yet.
    fn next(&mut self, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
        match self {
            Self::Sending(sending) => sending.next(stage, last),
            Self::Receiving(receiving) => receiving.next(stage, last),
            Self::Requesting(requesting) => requesting.next(stage, last),
            Self::Serving(serving) => serving.next(stage, last),
            Self::Forwarding(forwarding) => forwarding.next(stage, last),
            Self::Settling(settling) => settling.next(stage, last),
            Self::Sleeping => None,
            Self::Plain(ops) => next_plain(ops, stage, last),
        }
    }
}

/// Takes note of the operation that has ended, and gives the next one. A bind that failed is made again, as at the start.
pub(super) fn next_plain(ops: &mut VecDeque<Op>, stage: &mut Stage<'_>, last: Outcome) -> Option<Op> {
    if let Some(op) = ops.pop_front() {
        let again = matches!((&op, &last), (Op::Bind(..), Outcome::Failed(_)));
        if let Some((socket, call)) = opening::call(&op, last) {
            stage.note(socket, call);
        }
        if again {
            ops.push_front(op);
            ops.push_front(Op::Sleep(stage.now + opening::AGAIN));
        }
    }
    ops.front().cloned()
}
