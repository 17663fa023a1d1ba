//! Single operations of actors, on the library's sockets.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use zmq_reference::{EndpointFailed, Frame, Linger, Message, OptionError, SendError, Socket, SocketType, Unsent};
use zmq_sim::actor::{Failure, Op, Outcome};
use zmq_sim::options;
use zmq_sim::plan::{self, SocketIndex};
use zmq_sim::time::Time;

use super::machine::TrueTimer;
use super::program::Program;
use super::watchers;

/// A call that is to be dropped is polled at least so often.
const TICK: Duration = Duration::from_millis(1);

impl Program {
    /// Does it, and says how it ended.
    pub(super) async fn carry_out(self: &Arc<Self>, op: Op) -> Outcome {
        match op {
            Op::Open(socket) => self.open_socket(socket),
            Op::Bind(socket, at) => match self.socket(socket) {
                Ok(socket) => done(socket.bind(&self.machine.endpoint(&at)).await.map(drop)),
                Err(failed) => failed,
            },
            Op::Connect(socket, to) => {
                self.with(socket, |socket| done(socket.connect(&self.machine.endpoint(&to)).map(drop)))
            }
            Op::Unbind(socket, at) => self.with(socket, |socket| done(socket.unbind(&self.machine.endpoint(&at)))),
            Op::Disconnect(socket, to) => {
                self.with(socket, |socket| done(socket.disconnect(&self.machine.endpoint(&to))))
            }
            Op::Subscribe(socket, topic) => self.with(socket, |socket| subscribe(socket, 1, &topic)),
            Op::Unsubscribe(socket, topic) => self.with(socket, |socket| subscribe(socket, 0, &topic)),
            Op::Send { socket, frames, deadline, cancel_after } => {
                self.send(socket, frames, Limits { deadline, cancel_after }).await
            }
            Op::Recv { socket, deadline, cancel_after } => self.recv(socket, Limits { deadline, cancel_after }).await,
            Op::Poll { sockets, deadline } => self.poll(&sockets, deadline).await,
            Op::Sleep(until) => {
                let mut timer = self.timer();
                poll_fn(|cx| timer.poll_until(cx, until)).await;
                Outcome::Done
            }
            Op::Close(socket, linger) => {
                let closed = self.sockets().remove(&socket);
                match closed {
                    Some(closed) => {
                        closed.close(linger.map(linger_of));
                        Outcome::Done
                    }
                    None => not_open(),
                }
            }
            Op::Finished => Outcome::Done,
        }
    }

    fn open_socket(self: &Arc<Self>, index: SocketIndex) -> Outcome {
        let made = match options::of(&self.shared.plan, index) {
            Ok(made) => made,
            Err(senseless) => return Outcome::Failed(senseless),
        };
        let socket = match self.context().socket_with(made.socket_type, made.options) {
            Ok(socket) => socket,
            Err(why) => return failed(why.errno(), &why),
        };
        for option in made.then {
            if let Err(why) = socket.set(option) {
                return failed(why.errno(), &why);
            }
        }
        watchers::start_monitor(self, index, &socket);
        self.sockets().insert(index, socket);
        Outcome::Done
    }

    async fn send(&self, index: SocketIndex, frames: Vec<Vec<u8>>, limits: Limits) -> Outcome {
        let socket = match self.socket(index) {
            Ok(socket) => socket,
            Err(failed) => return failed,
        };
        let message = Message::from_frames(frames.into_iter().map(Frame::from)).expect("actors send at least a frame");
        if limits.deadline.is_some_and(|deadline| deadline <= self.now()) {
            return match socket.try_send(message) {
                Ok(()) => Outcome::Done,
                Err(Unsent { why: SendError::WouldBlock, .. }) => Outcome::TimedOut,
                Err(unsent) => failed(unsent.why.errno(), &unsent.why),
            };
        }
        match self.within(limits, socket.send(message)).await {
            Ended::Itself(Ok(())) => Outcome::Done,
            Ended::Itself(Err(unsent)) => failed(unsent.why.errno(), &unsent.why),
            Ended::TimedOut => Outcome::TimedOut,
            Ended::Cancelled => Outcome::Cancelled,
        }
    }

    async fn recv(&self, index: SocketIndex, limits: Limits) -> Outcome {
        let socket = match self.socket(index) {
            Ok(socket) => socket,
            Err(failed) => return failed,
        };
        match self.within(limits, socket.recv()).await {
            Ended::Itself(Ok(message)) => Outcome::Received(message.iter().map(|frame| frame.to_vec()).collect()),
            Ended::Itself(Err(why)) => failed(why.errno(), &why),
            Ended::TimedOut => Outcome::TimedOut,
            Ended::Cancelled => Outcome::Cancelled,
        }
    }

    async fn poll(&self, sockets: &[SocketIndex], deadline: Option<Time>) -> Outcome {
        let mut open = Vec::new();
        for index in sockets {
            match self.socket(*index) {
                Ok(socket) => open.push((*index, socket)),
                Err(failed) => return failed,
            }
        }
        let waits = open.iter().map(|(index, socket)| (*index, Box::pin(socket.readable())));
        let mut waits: Vec<_> = waits.collect();
        let first = poll_fn(|cx| {
            let mut ready = waits.iter_mut().filter_map(|(index, wait)| match wait.as_mut().poll(cx) {
                Poll::Ready(()) => Some(*index),
                Poll::Pending => None,
            });
            ready.next().map_or(Poll::Pending, Poll::Ready)
        });
        match self.within(Limits { deadline, cancel_after: None }, first).await {
            Ended::Itself(index) => Outcome::Ready(index),
            Ended::TimedOut => Outcome::TimedOut,
            Ended::Cancelled => Outcome::Cancelled,
        }
    }

    /// A call, until it ends, its time is over, or it was polled so often. It is dropped on the next occasion to poll it:
    /// when it was woken, or after a while.
    async fn within<T>(&self, limits: Limits, call: impl Future<Output = T>) -> Ended<T> {
        let mut call = pin!(call);
        let Limits { deadline, cancel_after } = limits;
        if deadline.is_none() && cancel_after.is_none() {
            return Ended::Itself(call.await);
        }
        let mut timer = self.timer();
        let mut ticking = self.timer();
        let mut tick = self.now() + TICK;
        let mut left = cancel_after;
        poll_fn(|cx| {
            if left == Some(0) {
                return Poll::Ready(Ended::Cancelled);
            }
            if let Poll::Ready(done) = call.as_mut().poll(cx) {
                return Poll::Ready(Ended::Itself(done));
            }
            if let Some(deadline) = deadline
                && timer.poll_until(cx, deadline).is_ready()
            {
                return Poll::Ready(Ended::TimedOut);
            }
            if let Some(left) = &mut left {
                *left = left.saturating_sub(1);
                tick = tick.max(self.now() + TICK);
                let _ = ticking.poll_until(cx, tick);
            }
            Poll::Pending
        })
        .await
    }

    fn socket(&self, index: SocketIndex) -> Result<Socket, Outcome> {
        self.sockets().get(&index).cloned().ok_or_else(not_open)
    }

    fn with(&self, index: SocketIndex, call: impl FnOnce(&Socket) -> Outcome) -> Outcome {
        match self.socket(index) {
            Ok(socket) => call(&socket),
            Err(failed) => failed,
        }
    }

    fn timer(&self) -> Box<dyn TrueTimer> {
        self.machine.timer()
    }
}

/// What ends a call before it ends itself.
#[derive(Debug, Clone, Copy)]
struct Limits {
    deadline: Option<Time>,
    cancel_after: Option<u32>,
}

/// How a call ended.
enum Ended<T> {
    Itself(T),
    TimedOut,
    Cancelled,
}

/// XSUB subscribes by messages, as its protocol has it.
fn subscribe(socket: &Socket, kind: u8, topic: &str) -> Outcome {
    if socket.socket_type() == SocketType::XSub {
        let mut frame = vec![kind];
        frame.extend_from_slice(topic.as_bytes());
        return match socket.try_send(frame) {
            Ok(()) => Outcome::Done,
            Err(unsent) => failed(unsent.why.errno(), &unsent.why),
        };
    }
    let done: Result<(), OptionError> = if kind == 1 { socket.subscribe(topic) } else { socket.unsubscribe(topic) };
    match done {
        Ok(()) => Outcome::Done,
        Err(why) => failed(why.errno(), &why),
    }
}

fn done(result: Result<(), EndpointFailed>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(why) => failed(why.errno(), &why),
    }
}

fn failed(errno: i32, why: &dyn std::fmt::Display) -> Outcome {
    Outcome::Failed(Failure { errno, why: why.to_string() })
}

/// An operation on a socket that was closed before.
fn not_open() -> Outcome {
    const ENOTSOCK: i32 = 88;
    failed(ENOTSOCK, &"the socket is closed")
}

fn linger_of(linger: plan::Linger) -> Linger {
    match linger {
        plan::Linger::Discard => Linger::Discard,
        plan::Linger::For(span) => Linger::For(span.0),
        plan::Linger::Forever => Linger::Forever,
    }
}
