//! What tasks see of everything around them: the world, and who in it is whose.

use std::collections::BTreeMap;

use zmq_core::connection::HandshakeFailure;
use zmq_core::mechanism::zap::{Answer, Request};
use zmq_core::time::Instant;
use zmq_world::{HostId, ListenerId, LookupId, StreamId, TimerId, World};

use super::SocketKey;

/// Answers for the handler of ZAP of a host.
pub(super) type Zap = Box<dyn FnMut(HostId, &Request) -> Answer>;

/// The surroundings of tasks.
pub(super) struct Io {
    pub(super) world: World,
    /// Tasks by the numbers of what they have.
    streams: Vec<u32>,
    listeners: Vec<u32>,
    lookups: Vec<u32>,
    timers: BTreeMap<TimerId, u32>,
    /// What monitors are told.
    pub(super) events: Vec<Event>,
    /// Accepted, and still without a task of their own: by the task of the listener.
    pub(super) born: Vec<StreamId>,
    pub(super) zap: Zap,
}

/// What a monitor is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The socket.
    pub socket: SocketKey,
    /// What happened.
    pub kind: EventKind,
    /// The endpoint that was bound or connected.
    pub endpoint: String,
}

/// What happened. The names are libzmq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Bound.
    Listening,
    /// The system refused to bind.
    BindFailed,
    /// A connection came in.
    Accepted,
    /// A connection that came in could not be taken.
    AcceptFailed,
    /// A connection was made.
    Connected,
    /// An attempt to connect did not succeed at once, and goes on.
    ConnectDelayed,
    /// There will be another attempt to connect.
    ConnectRetried,
    /// Messages can go.
    HandshakeSucceeded,
    /// The connection was lost during the handshake.
    HandshakeInterrupted,
    /// The peer broke the protocol in the handshake.
    HandshakeBroken,
    /// The peer was not let in, or did not let us in.
    HandshakeDenied,
    /// A connection ended.
    Disconnected,
    /// A listener, or what an attempt to connect had made, was closed.
    Closed,
}

impl EventKind {
    /// libzmq's name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::BindFailed => "bind-failed",
            Self::Accepted => "accepted",
            Self::AcceptFailed => "accept-failed",
            Self::Connected => "connected",
            Self::ConnectDelayed => "connect-delayed",
            Self::ConnectRetried => "connect-retried",
            Self::HandshakeSucceeded => "handshake-succeeded",
            Self::HandshakeInterrupted => "handshake-failed-no-detail",
            Self::HandshakeBroken => "handshake-failed-protocol",
            Self::HandshakeDenied => "handshake-failed-auth",
            Self::Disconnected => "disconnected",
            Self::Closed => "closed",
        }
    }

    /// A handshake that failed.
    pub(super) fn failed(why: &HandshakeFailure) -> Self {
        match why {
            HandshakeFailure::NoDetail(_) => Self::HandshakeInterrupted,
            HandshakeFailure::Protocol(_) => Self::HandshakeBroken,
            HandshakeFailure::Auth(_) => Self::HandshakeDenied,
        }
    }
}

/// A timer of a task.
#[derive(Debug)]
pub(super) struct Armed {
    at: Instant,
    id: TimerId,
}

/// No task.
const NOBODY: u32 = u32::MAX;

impl Io {
    pub(super) fn new(world: World) -> Self {
        Self {
            world,
            streams: Vec::new(),
            listeners: Vec::new(),
            lookups: Vec::new(),
            timers: BTreeMap::new(),
            events: Vec::new(),
            born: Vec::new(),
            zap: Box::new(|_, _| Answer::NoHandler),
        }
    }

    /// What the host's clock says, as the core wants it.
    #[inline]
    pub(super) fn now(&self, host: HostId) -> Instant {
        Instant::from_nanos(self.world.host_now(host))
    }

    pub(super) fn random(&mut self, host: HostId) -> u32 {
        let mut octets = [0; 4];
        self.world.random(host, &mut octets);
        u32::from_le_bytes(octets)
    }

    /// Whatever concerns the stream is that task's business.
    pub(super) fn own_stream(&mut self, stream: StreamId, task: u32) {
        own(&mut self.streams, stream_place(stream), task);
    }

    pub(super) fn own_listener(&mut self, listener: ListenerId, task: u32) {
        own(&mut self.listeners, listener.number() as usize, task);
    }

    pub(super) fn own_lookup(&mut self, lookup: LookupId, task: u32) {
        own(&mut self.lookups, lookup.number() as usize, task);
    }

    #[inline]
    pub(super) fn owner_of_stream(&self, stream: StreamId) -> Option<u32> {
        owner(&self.streams, stream_place(stream))
    }

    pub(super) fn owner_of_listener(&self, listener: ListenerId) -> Option<u32> {
        owner(&self.listeners, listener.number() as usize)
    }

    pub(super) fn owner_of_lookup(&self, lookup: LookupId) -> Option<u32> {
        owner(&self.lookups, lookup.number() as usize)
    }

    /// The timer is over: whose it was.
    pub(super) fn take_timer(&mut self, timer: TimerId) -> Option<u32> {
        self.timers.remove(&timer)
    }

    /// Has the task run at `at` at the latest. A timer that is over earlier is left alone: deadlines move away with each
    /// message, and to look once in vain is cheaper.
    #[inline]
    pub(super) fn arm(&mut self, timer: &mut Option<Armed>, host: HostId, task: u32, at: Instant) {
        if timer.as_ref().is_none_or(|timer| timer.at > at) && at != Instant::FAR_FUTURE {
            self.disarm(timer);
            let id = self.world.set_timer(host, at.as_nanos());
            self.timers.insert(id, task);
            *timer = Some(Armed { at, id });
        }
    }

    pub(super) fn disarm(&mut self, timer: &mut Option<Armed>) {
        if let Some(timer) = timer.take() {
            self.timers.remove(&timer.id);
            self.world.cancel_timer(timer.id);
        }
    }

    /// Forgets the timers of tasks whose host has none any more.
    pub(super) fn forget_timers(&mut self, of: impl Fn(u32) -> bool) {
        self.timers.retain(|_, task| !of(*task));
    }
}

fn stream_place(stream: StreamId) -> usize {
    stream.connection() as usize * 2 + usize::from(stream.side() == zmq_world::Side::Acceptor)
}

fn own(tasks: &mut Vec<u32>, place: usize, task: u32) {
    if tasks.len() <= place {
        tasks.resize(place + 1, NOBODY);
    }
    tasks[place] = task;
}

fn owner(tasks: &[u32], place: usize) -> Option<u32> {
    tasks.get(place).copied().filter(|task| *task != NOBODY)
}
