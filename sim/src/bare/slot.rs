//! One thread of an application: a program, and the call that it is in.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::calls::{Line, Waiting};
use super::draws;
use super::net::User;
use super::player::{AT_ONCE, Player};
use super::sockets::not_open;
use crate::actor::{Actor, Failure, Op, Opening, Outcome};
use crate::history::History;
use crate::options;
use crate::plan::{ActorIndex, HostIndex, Plan, SocketIndex};
use crate::time::Time;

/// From one look of a call that will be dropped to the next, if nothing wakes it.
const LOOK: Duration = Duration::from_millis(1);

/// One thread of an application.
pub(super) struct Slot {
    pub(super) user: User,
    pub(super) host: HostIndex,
    pub(super) life: u16,
    pub(super) alarm: Option<Time>,
    program: Program,
    state: State,
}

/// What it does.
pub(super) enum Program {
    /// Makes the sockets of its process.
    Opening(Opening),
    /// Is an actor of the plan.
    Actor(Box<Actor>),
}

enum State {
    /// It has not begun.
    New,
    /// It makes this call next, at that time.
    Next(Time, Op),
    Sleeping(Time),
    Waiting(Call),
    Finished,
}

/// A call that was made.
enum Begun {
    Ended(Outcome),
    GoesOn(State),
}

struct Call {
    waiting: Waiting,
    deadline: Option<Time>,
    /// How often it may still look before it is dropped.
    looks: Option<u32>,
}

impl Program {
    pub(super) fn opening(plan: &Arc<Plan>, host: HostIndex, life: u16) -> Self {
        Self::Opening(Opening::new(plan, host, life))
    }

    pub(super) fn actor(plan: &Arc<Plan>, actor: ActorIndex, life: u16) -> Self {
        Self::Actor(Box::new(Actor::new(plan, actor, life)))
    }

    /// A name for its draws.
    pub(super) fn name<'a>(&self, plan: &'a Plan) -> Option<&'a str> {
        match self {
            Self::Opening(_) => None,
            Self::Actor(actor) => actor.who().actor.map(|actor| plan[actor].name.as_str()),
        }
    }

    fn next(&mut self, now: Time, last: Outcome, history: &mut History) -> Op {
        match self {
            Self::Opening(opening) => opening.next(now, last, history),
            Self::Actor(actor) => actor.next(now, last, history),
        }
    }
}

impl Slot {
    pub(super) const fn new(user: User, host: HostIndex, life: u16, program: Program) -> Self {
        Self { user, host, life, alarm: None, program, state: State::New }
    }

    pub(super) const fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    pub(super) fn position(&self, plan: &Plan) -> String {
        match &self.program {
            Program::Opening(_) => format!("{}: makes its sockets", plan[self.host].name),
            Program::Actor(actor) => actor.position(),
        }
    }
}

impl State {
    /// How the call has ended; if it has not, when to look again.
    fn look(&mut self, now: Time, waker: &Waker) -> Result<Outcome, Option<Time>> {
        match self {
            Self::Sleeping(until) if now < *until => Err(Some(*until)),
            Self::Sleeping(_) => Ok(Outcome::Done),
            Self::Waiting(call) => call.look(now, waker),
            Self::New | Self::Next(..) | Self::Finished => Err(None),
        }
    }
}

impl Call {
    fn look(&mut self, now: Time, waker: &Waker) -> Result<Outcome, Option<Time>> {
        if self.looks == Some(0) {
            // It is dropped, and if it was woken, the next in line is.
            self.waiting.leave();
            return Ok(Outcome::Cancelled);
        }
        if let Some(outcome) = self.waiting.look(waker) {
            return Ok(outcome);
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.waiting.leave();
            return Ok(Outcome::TimedOut);
        }
        if let Some(looks) = &mut self.looks {
            *looks -= 1;
            let again = now + LOOK;
            return Err(Some(self.deadline.map_or(again, |deadline| deadline.min(again))));
        }
        Err(self.deadline)
    }
}

impl Player {
    /// A user's turn: it makes its next call, or looks whether that in which it is can end. If so, it is told at once, so
    /// that what is noted is noted when it happens; the call behind it is a turn of its own, and others come in between.
    pub(super) fn run(&mut self, user: User) {
        let index = user.number();
        let now = self.now();
        if !self.slots.get(index).is_some_and(|slot| self.is_alive(slot)) {
            return;
        }
        let slot = &mut self.slots[index];
        let host = slot.host;
        let begun = match std::mem::replace(&mut slot.state, State::New) {
            State::New => Begun::Ended(Outcome::Begin),
            State::Next(at, op) if now < at => {
                slot.state = State::Next(at, op);
                return self.remind(index, at);
            }
            State::Next(_, op) => self.begin(host, op),
            waits @ (State::Sleeping(_) | State::Waiting(_) | State::Finished) => Begun::GoesOn(waits),
        };
        let outcome = match begun {
            Begun::Ended(outcome) => Ok(outcome),
            Begun::GoesOn(mut state) => {
                let looked = state.look(now, self.net.waker(user));
                self.slots[index].state = state;
                looked
            }
        };
        match outcome {
            Ok(outcome) => self.tell(index, outcome),
            Err(Some(again)) => self.remind(index, again),
            Err(None) => {}
        }
    }

    /// Tells the program how its call has ended, and asks for the next.
    fn tell(&mut self, index: usize, outcome: Outcome) {
        let now = self.now();
        let at = match outcome {
            Outcome::Failed(_) | Outcome::TimedOut | Outcome::Cancelled => now + AT_ONCE,
            Outcome::Begin | Outcome::Done | Outcome::Received(_) | Outcome::Ready(_) => now,
        };
        let slot = &mut self.slots[index];
        match slot.program.next(now, outcome, &mut self.history) {
            Op::Finished => {
                slot.state = State::Finished;
                self.may_be_over = true;
                if let Program::Opening(_) = slot.program {
                    let host = slot.host;
                    self.opened(host);
                }
            }
            op => {
                slot.state = State::Next(at, op);
                self.net.waker(slot.user).wake_by_ref();
            }
        }
    }

    fn begin(&mut self, host: HostIndex, op: Op) -> Begun {
        let done = |result: Result<(), Failure>| Begun::Ended(result.map_or_else(Outcome::Failed, |()| Outcome::Done));
        match op {
            Op::Open(socket) => done(self.open(host, socket)),
            Op::Bind(socket, at) => done(self.with(host, socket, |net, key| net.bind(key, &at))),
            Op::Connect(socket, to) => done(self.with(host, socket, |net, key| net.connect(key, &to))),
            Op::Unbind(socket, at) => done(self.with(host, socket, |net, key| net.unbind(key, &at))),
            Op::Disconnect(socket, to) => done(self.with(host, socket, |net, key| net.disconnect(key, &to))),
            Op::Subscribe(socket, to) => done(self.with(host, socket, |net, key| net.subscribe(key, &to))),
            Op::Unsubscribe(socket, to) => done(self.with(host, socket, |net, key| net.unsubscribe(key, &to))),
            Op::Close(socket, linger) => {
                let closed = self.with(host, socket, |net, key| {
                    net.close(key, linger.map(options::linger));
                    Ok(())
                });
                self.process(host).sockets.remove(&socket);
                done(closed)
            }
            Op::Send { socket, frames, deadline, cancel_after } => match self.line(host, socket) {
                Ok(socket) => waits(Waiting::sending(socket, frames), deadline, cancel_after),
                Err(why) => done(Err(why)),
            },
            Op::Recv { socket, deadline, cancel_after } => match self.line(host, socket) {
                Ok(socket) => waits(Waiting::Receiving(Line::new(socket)), deadline, cancel_after),
                Err(why) => done(Err(why)),
            },
            Op::Poll { sockets, deadline } => {
                let lines = sockets.into_iter().map(|socket| Ok((socket, Line::new(self.line(host, socket)?))));
                match lines.collect() {
                    Ok(lines) => waits(Waiting::Polling(lines), deadline, None),
                    Err(why) => done(Err(why)),
                }
            }
            Op::Sleep(until) => Begun::GoesOn(State::Sleeping(until)),
            Op::Finished => Begun::GoesOn(State::Finished),
        }
    }

    fn open(&mut self, host: HostIndex, socket: SocketIndex) -> Result<(), Failure> {
        let made = options::of(&self.plan, socket)?;
        let life = self.process(host).life;
        let name = draws::name((&self.plan[socket].name, life));
        let key = self.net.open(self.host_id(host), name, made)?;
        if let Some(before) = self.process(host).sockets.insert(socket, key) {
            self.net.close(before, None);
        }
        Ok(())
    }

    fn with(
        &mut self,
        host: HostIndex,
        socket: SocketIndex,
        call: impl FnOnce(&mut super::net::Net, super::SocketKey) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let key = self.process(host).sockets.get(&socket).copied().ok_or_else(not_open)?;
        call(&mut self.net, key)
    }

    fn line(&mut self, host: HostIndex, socket: SocketIndex) -> Result<Arc<zmq_core::socket::Socket>, Failure> {
        let key = self.process(host).sockets.get(&socket).copied().ok_or_else(not_open)?;
        self.net.socket(key).map(Arc::clone).ok_or_else(not_open)
    }
}

const fn waits(waiting: Waiting, deadline: Option<Time>, looks: Option<u32>) -> Begun {
    Begun::GoesOn(State::Waiting(Call { waiting, deadline, looks }))
}
