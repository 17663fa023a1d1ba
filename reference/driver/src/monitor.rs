//! Monitor events: what happens to a socket's connections.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use zmq_core::connection::{HandshakeFailure, PeerMisbehaved};
use zmq_core::socket::Parking;

use crate::endpoint::Endpoint;

/// Events that wait for their reader. Further ones push the oldest out, and are counted.
const KEPT: usize = 10_000;

/// Something that happened to a connection or an endpoint.
#[derive(Debug, Clone)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// The endpoint that was bound or connected.
    pub endpoint: Endpoint,
    /// The peer's address, where there is one.
    pub peer: Option<String>,
    /// Events that were lost before this one because nobody read them.
    pub lost: u64,
}

/// What happened. The names are libzmq's.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// Bound.
    Listening,
    /// A connection came in.
    Accepted,
    /// A connection that came in could not be taken.
    AcceptFailed(String),
    /// A connection was made.
    Connected,
    /// The next attempt to connect comes after so many milliseconds.
    ConnectRetried(u64),
    /// The handshake is over: messages can go.
    HandshakeSucceeded,
    /// The handshake failed, and why.
    HandshakeFailed(PeerMisbehaved),
    /// A connection ended, and why.
    Disconnected(String),
    /// An endpoint was given up.
    Closed,
}

impl EventKind {
    /// libzmq's name in lower case, without the prefix.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Accepted => "accepted",
            Self::AcceptFailed(_) => "accept_failed",
            Self::Connected => "connected",
            Self::ConnectRetried(_) => "connect_retried",
            Self::HandshakeSucceeded => "handshake_succeeded",
            Self::HandshakeFailed(why) => match why.handshake_failure() {
                HandshakeFailure::NoDetail(_) => "handshake_failed_no_detail",
                HandshakeFailure::Protocol(_) => "handshake_failed_protocol",
                HandshakeFailure::Auth(_) => "handshake_failed_auth",
            },
            Self::Disconnected(_) => "disconnected",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptFailed(why) | Self::Disconnected(why) => write!(f, "{}: {why}", self.name()),
            Self::HandshakeFailed(why) => write!(f, "{}: {why}", self.name()),
            Self::ConnectRetried(millis) => write!(f, "{} in {millis} ms", self.name()),
            Self::Listening | Self::Accepted | Self::Connected | Self::HandshakeSucceeded | Self::Closed => {
                f.write_str(self.name())
            }
        }
    }
}

/// The events of one socket from the moment on at which this was made.
pub struct Monitor {
    events: Arc<Events>,
}

#[derive(Default)]
pub(crate) struct Events {
    queue: Mutex<Queue>,
    readers: Parking,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    lost: u64,
    ended: bool,
}

impl Monitor {
    pub(crate) fn new(events: Arc<Events>) -> Self {
        Self { events }
    }

    /// The next event; `None` when the socket is closed and all were read.
    pub async fn recv(&self) -> Option<Event> {
        let mut ticket = self.events.readers.ticket();
        std::future::poll_fn(|cx| {
            if let Some(next) = self.events.next() {
                return Poll::Ready(next);
            }
            ticket.park(cx.waker());
            self.events.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// The next event, if it has happened already.
    #[must_use]
    pub fn try_recv(&self) -> Option<Event> {
        self.events.next().flatten()
    }
}

impl Events {
    pub(crate) fn emit(&self, kind: EventKind, endpoint: &Endpoint, peer: Option<String>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.events.len() == KEPT {
            queue.events.pop_front();
            queue.lost += 1;
        }
        let lost = std::mem::take(&mut queue.lost);
        queue.events.push_back(Event { kind, endpoint: endpoint.clone(), peer, lost });
        drop(queue);
        self.readers.wake_one();
    }

    pub(crate) fn end(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.readers.wake_all();
    }

    /// `None`: not yet; `Some(None)`: never again.
    fn next(&self) -> Option<Option<Event>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.events.pop_front() {
            Some(event) => Some(Some(event)),
            None if queue.ended => Some(None),
            None => None,
        }
    }
}
