//! What a monitor tells: kinds of events, where they happened, and libzmq's numbers for both.

use std::fmt;
use std::io;

use zmq_core::connection::{HandshakeFailure, PeerMisbehaved};

use crate::endpoint::Endpoint;
use crate::runtime::{Address, Link};

/// Something that happened to a connection or an endpoint.
#[derive(Debug, Clone)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// The endpoint that was bound or connected.
    pub endpoint: Endpoint,
    /// Whether that was bound or connected.
    pub side: Side,
    /// The address of our end of the connection, where there is one.
    pub local: Option<String>,
    /// The address of the peer's end, where there is one.
    pub remote: Option<String>,
    /// The number of the descriptor concerned, where there is one. It may be closed by now, and mean another.
    pub descriptor: Option<i32>,
    /// Events that were lost before this one because nobody read them.
    pub lost: u64,
}

/// How a connection, or the attempt at one, came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The endpoint was bound, the peer connects.
    Bound,
    /// The endpoint was connected to.
    Connected,
}

/// What happened. The names are libzmq's.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// Bound.
    Listening,
    /// The system refused to bind.
    BindFailed(SystemError),
    /// A connection came in.
    Accepted,
    /// A connection that came in could not be taken.
    AcceptFailed(SystemError),
    /// A connection was made.
    Connected,
    /// An attempt to connect did not succeed at once, and goes on.
    ConnectDelayed,
    /// The next attempt to connect comes after so many milliseconds.
    ConnectRetried(u64),
    /// The handshake is over: messages can go.
    HandshakeSucceeded,
    /// The connection was lost during the handshake, and why.
    HandshakeInterrupted(SystemError),
    /// The handshake failed, and why.
    HandshakeFailed(PeerMisbehaved),
    /// A connection ended, and why.
    Disconnected(String),
    /// A listener, or what an attempt to connect had made, was closed.
    Closed,
}

/// An error of the system, as far as an event tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// The system's number; libzmq's on Linux where the system gave none.
    pub errno: i32,
    /// The system's words.
    pub text: String,
}

impl From<&io::Error> for SystemError {
    fn from(error: &io::Error) -> Self {
        const EIO: i32 = 5;
        let errno = error.raw_os_error().unwrap_or(match error.kind() {
            io::ErrorKind::NotFound => 2,
            io::ErrorKind::PermissionDenied => 13,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => EPIPE,
            io::ErrorKind::ConnectionReset => 104,
            io::ErrorKind::TimedOut => ETIMEDOUT,
            io::ErrorKind::ConnectionRefused => 111,
            _ => EIO,
        });
        Self { errno, text: error.to_string() }
    }
}

/// A peer that closes in the middle, in Linux's numbers.
const EPIPE: i32 = 32;
/// Something that took too long, in Linux's numbers.
const ETIMEDOUT: i32 = 110;
/// A connection that is being made, in Linux's numbers.
const EINPROGRESS: i32 = 115;

impl SystemError {
    /// The peer closed the connection.
    pub(crate) fn peer_closed() -> Self {
        Self { errno: EPIPE, text: "the peer closed the connection".into() }
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl EventKind {
    /// libzmq's name in lower case, without the prefix.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::BindFailed(_) => "bind_failed",
            Self::Accepted => "accepted",
            Self::AcceptFailed(_) => "accept_failed",
            Self::Connected => "connected",
            Self::ConnectDelayed => "connect_delayed",
            Self::ConnectRetried(_) => "connect_retried",
            Self::HandshakeSucceeded => "handshake_succeeded",
            Self::HandshakeInterrupted(_) => "handshake_failed_no_detail",
            Self::HandshakeFailed(why) => match why.handshake_failure() {
                HandshakeFailure::NoDetail(_) => "handshake_failed_no_detail",
                HandshakeFailure::Protocol(_) => "handshake_failed_protocol",
                HandshakeFailure::Auth(_) => "handshake_failed_auth",
            },
            Self::Disconnected(_) => "disconnected",
            Self::Closed => "closed",
        }
    }

    /// libzmq's bit.
    #[must_use]
    pub fn bit(&self) -> u64 {
        match self {
            Self::Connected => 0x0001,
            Self::ConnectDelayed => 0x0002,
            Self::ConnectRetried(_) => 0x0004,
            Self::Listening => 0x0008,
            Self::BindFailed(_) => 0x0010,
            Self::Accepted => 0x0020,
            Self::AcceptFailed(_) => 0x0040,
            Self::Closed => 0x0080,
            Self::Disconnected(_) => 0x0200,
            Self::HandshakeInterrupted(_) => 0x0800,
            Self::HandshakeSucceeded => 0x1000,
            Self::HandshakeFailed(why) => match why.handshake_failure() {
                HandshakeFailure::NoDetail(_) => 0x0800,
                HandshakeFailure::Protocol(_) => 0x2000,
                HandshakeFailure::Auth(_) => 0x4000,
            },
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BindFailed(why) | Self::AcceptFailed(why) | Self::HandshakeInterrupted(why) => {
                write!(f, "{}: {why}", self.name())
            }
            Self::Disconnected(why) => write!(f, "{}: {why}", self.name()),
            Self::HandshakeFailed(why) => write!(f, "{}: {why}", self.name()),
            Self::ConnectRetried(millis) => write!(f, "{} in {millis} ms", self.name()),
            Self::Listening
            | Self::Accepted
            | Self::Connected
            | Self::ConnectDelayed
            | Self::HandshakeSucceeded
            | Self::Closed => f.write_str(self.name()),
        }
    }
}

impl Event {
    /// libzmq's number for what happened: a descriptor (-1 if there is none), an errno, a time in milliseconds, a code of
    /// a failed handshake, or 0.
    #[must_use]
    pub fn value(&self) -> i64 {
        match &self.kind {
            EventKind::Listening
            | EventKind::Accepted
            | EventKind::Connected
            | EventKind::Closed
            | EventKind::Disconnected(_) => self.descriptor.unwrap_or(-1).into(),
            EventKind::BindFailed(why) | EventKind::AcceptFailed(why) | EventKind::HandshakeInterrupted(why) => {
                why.errno.into()
            }
            EventKind::ConnectDelayed => EINPROGRESS.into(),
            EventKind::ConnectRetried(millis) => i64::try_from(*millis).unwrap_or(i64::MAX),
            EventKind::HandshakeSucceeded => 0,
            EventKind::HandshakeFailed(why) => match why.handshake_failure() {
                HandshakeFailure::NoDetail(errno) => errno.into(),
                HandshakeFailure::Protocol(code) => code.into(),
                HandshakeFailure::Auth(status) => status.into(),
            },
        }
    }

    /// What libzmq calls our end in an event: the address, or the endpoint where that is bound; empty if there is none.
    #[must_use]
    pub fn local_text(&self) -> String {
        match (&self.local, self.side) {
            (Some(local), _) => local.clone(),
            (None, Side::Bound) => self.endpoint.to_string(),
            (None, Side::Connected) => String::new(),
        }
    }

    /// What libzmq calls the other end in an event: the endpoint that was connected to, or the peer's address; empty if
    /// there is none.
    #[must_use]
    pub fn remote_text(&self) -> String {
        match self.side {
            Side::Connected => self.endpoint.to_string(),
            Side::Bound => self.remote.clone().unwrap_or_default(),
        }
    }

    /// What the first form of events calls the endpoint: our end where that is bound, or what was connected to.
    #[must_use]
    pub fn endpoint_text(&self) -> String {
        match self.side {
            Side::Bound => self.local_text(),
            Side::Connected => self.remote_text(),
        }
    }
}

/// An address as an endpoint, if it has a name.
fn text(address: io::Result<Address>) -> Option<String> {
    Endpoint::at(&address.ok()?).map(|endpoint| endpoint.to_string())
}

/// Where something happens, told with each event.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(super) endpoint: Endpoint,
    pub(super) side: Side,
    pub(super) local: Option<String>,
    pub(super) remote: Option<String>,
    pub(super) descriptor: Option<i32>,
}

impl At {
    /// An endpoint at which we listen, or tried to.
    pub(crate) fn bound(endpoint: &Endpoint, descriptor: Option<i32>) -> Self {
        Self { endpoint: endpoint.clone(), side: Side::Bound, local: None, remote: None, descriptor }
    }

    /// An endpoint that is dialled.
    pub(crate) fn dialled(endpoint: &Endpoint) -> Self {
        Self { endpoint: endpoint.clone(), side: Side::Connected, local: None, remote: None, descriptor: None }
    }

    /// A connection.
    pub(crate) fn link(endpoint: &Endpoint, side: Side, link: &dyn Link) -> Self {
        Self {
            endpoint: endpoint.clone(),
            side,
            local: text(link.local_addr()),
            remote: text(link.peer_addr()),
            descriptor: link.descriptor(),
        }
    }
}
