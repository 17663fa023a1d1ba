//! Tasks: what goes on beside the application's calls. A listener, an endpoint that is dialled, a peer that was accepted.

use std::sync::Arc;
use std::time::Duration;

use zmq_core::options::Options;
use zmq_core::session::Origin;
use zmq_core::socket::Shared;
use zmq_core::time::Instant;
use zmq_world::{Errno, HostId, ListenerId, StreamId};

use super::SocketKey;
use super::bell::Bell;
use super::carried::Carried;
use super::dialler::Dialler;
use super::io::{Armed, Event, EventKind, Io};

/// How long no connection is accepted after the system could not give one: it lacks descriptors, or memory.
const SHORTAGE: Duration = Duration::from_millis(50);

/// A task.
pub(super) struct Task {
    pub(super) me: Me,
    pub(super) timer: Option<Armed>,
    /// The world has said that its stream may have something to read, and it was not read to its end since.
    pub(super) is_readable: bool,
    /// Its endpoint is given up: what waits is sent, then it ends.
    pub(super) is_stopping: bool,
    pub(super) kind: Kind,
}

/// Who a task is.
pub(super) struct Me {
    pub(super) token: u32,
    pub(super) host: HostId,
    pub(super) socket: SocketKey,
    pub(super) endpoint: String,
    pub(super) bell: Arc<Bell>,
    /// The same in every run in which there is such a task, whatever else there is.
    pub(super) name: u64,
    /// How often it ran.
    pub(super) runs: u64,
}

pub(super) enum Kind {
    Listener(Listener),
    Dialler(Box<Dialler>),
    Accepted(Option<Carried>),
}

/// Whether the task goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    GoesOn,
    Ends,
}

/// What a task sees while it runs.
pub(super) struct Cx<'a> {
    pub(super) io: &'a mut Io,
    pub(super) me: &'a Me,
    pub(super) timer: &'a mut Option<Armed>,
    pub(super) is_stopping: bool,
    pub(super) is_readable: &'a mut bool,
}

impl Cx<'_> {
    #[inline]
    pub(super) fn now(&self) -> Instant {
        self.io.now(self.me.host)
    }

    /// Has the task run at that time at the latest.
    #[inline]
    pub(super) fn arm(&mut self, at: Instant) {
        self.io.arm(self.timer, self.me.host, self.me.token, at);
    }

    pub(super) fn emit(&mut self, kind: EventKind) {
        self.io.events.push(Event { socket: self.me.socket, kind, endpoint: self.me.endpoint.clone() });
    }
}

impl Task {
    #[inline]
    pub(super) fn run(&mut self, io: &mut Io) -> Flow {
        self.me.runs += 1;
        let Self { me, timer, is_readable, is_stopping, kind } = self;
        let mut cx = Cx { io, me, timer, is_stopping: *is_stopping, is_readable };
        match kind {
            Kind::Accepted(carried) => {
                let Some(outcome) = carried.as_mut().and_then(|carried| carried.run(&mut cx)) else {
                    return Flow::GoesOn;
                };
                if let Some(carried) = carried.take() {
                    // The peer is gone with its connection.
                    drop(carried.end(&mut cx, &outcome));
                }
                Flow::Ends
            }
            Kind::Dialler(dialler) => dialler.run(&mut cx),
            Kind::Listener(listener) => {
                listener.run(&mut cx);
                Flow::GoesOn
            }
        }
    }
}

/// A listener.
pub(super) struct Listener {
    pub(super) id: ListenerId,
    /// Nothing is accepted until then.
    pause: Option<Instant>,
}

impl Listener {
    pub(super) const fn new(id: ListenerId) -> Self {
        Self { id, pause: None }
    }

    fn run(&mut self, cx: &mut Cx<'_>) {
        if let Some(until) = self.pause {
            if cx.now() < until {
                return cx.arm(until);
            }
            self.pause = None;
        }
        loop {
            match cx.io.world.accept(self.id) {
                Ok(stream) => cx.io.born.push(stream),
                Err(Errno::WouldBlock | Errno::Closed) => return,
                Err(_) => {
                    cx.emit(EventKind::AcceptFailed);
                    let until = cx.now() + SHORTAGE;
                    self.pause = Some(until);
                    return cx.arm(until);
                }
            }
        }
    }
}

/// What becomes of a stream that was accepted.
pub(super) fn accepted(cx: &mut Cx<'_>, shared: &Arc<Shared>, stream: StreamId) -> Kind {
    let options: Arc<Options> = shared.options();
    cx.emit(EventKind::Accepted);
    Kind::Accepted(Some(Carried::new(cx, shared, &options, None, (Origin::Accepted, stream))))
}
