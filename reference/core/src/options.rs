//! Options of a socket, each a type with its unit and range.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

mod accept;
mod by_itself;
mod security;
mod tcp;

pub use accept::{AcceptFilter, Network, NetworkError};
pub use by_itself::{Octets, RouterNotify};
pub(crate) use security::AsServer;
pub use security::{
    Curve, CurveClient, Login, LoginTooLong, Plain, Security, ZapDomain, ZapDomainError, ZapEnforcement,
};
pub use tcp::{KeepAlive, Probing, TcpOptions};

use crate::frame::Frame;

/// The high-water mark: how many whole messages a pipe holds in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hwm {
    /// As many as memory has room for.
    Unlimited,
    /// This many.
    Messages(NonZeroU32),
}

impl Hwm {
    /// libzmq's default, 1000 messages.
    pub const DEFAULT: Self = Self::messages(1000);

    /// A limit of `n` messages; 0 stands for none, as in libzmq.
    #[must_use]
    pub const fn messages(n: u32) -> Self {
        match NonZeroU32::new(n) {
            Some(n) => Self::Messages(n),
            None => Self::Unlimited,
        }
    }

    /// The number of messages; 0 for unlimited.
    #[must_use]
    pub const fn get(self) -> u32 {
        match self {
            Self::Unlimited => 0,
            Self::Messages(n) => n.get(),
        }
    }

    /// What two pipe ends hold together, where nothing lies between them (inproc).
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Messages(a), Self::Messages(b)) => Self::messages(a.get().saturating_add(b.get())),
            (Self::Unlimited, Self::Messages(_) | Self::Unlimited) | (Self::Messages(_), Self::Unlimited) => {
                Self::Unlimited
            }
        }
    }
}

/// How long unsent messages are kept trying after their socket was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// They are dropped at once.
    Discard,
    /// They have this long.
    For(Duration),
    /// Until they are sent.
    Forever,
}

/// A routing id: 1 to 255 octets, of which the first is not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingId(Frame);

/// What is no routing id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoutingIdError {
    /// 0 or more than 255 octets.
    #[error("expected a routing id of 1 to 255 octets, came {0}")]
    Length(usize),
    /// Ids that begin with zero are those that a ROUTER makes itself.
    #[error("expected a routing id that does not begin with a zero octet")]
    LeadingZero,
}

impl RoutingId {
    /// Checks what an application or a peer calls a routing id.
    ///
    /// # Errors
    ///
    /// [`RoutingIdError`] for what is none.
    pub fn new(octets: &[u8]) -> Result<Self, RoutingIdError> {
        match octets {
            [] => Err(RoutingIdError::Length(0)),
            [0, ..] => Err(RoutingIdError::LeadingZero),
            octets if octets.len() > 255 => Err(RoutingIdError::Length(octets.len())),
            octets => Ok(Self(Frame::copy_of(octets))),
        }
    }

    /// The id as the first frame of a message.
    #[must_use]
    pub fn frame(&self) -> Frame {
        self.0.clone()
    }

    /// The octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// PING and what follows from it (37/ZMTP, connection heartbeating).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heartbeat {
    /// A PING is sent after this much time; none are sent if `None`.
    pub interval: Option<Duration>,
    /// How long the peer may be silent after a PING; the interval if `None`.
    pub timeout: Option<Duration>,
    /// What the peer is told to bear of our silence, in steps of 100 ms, at most 6553.5 s; zero says nothing.
    pub ttl: Duration,
}

/// When a dropped connection is dialled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    /// Time before the next attempt; `None`: never again.
    pub interval: Option<Duration>,
    /// The interval is doubled with every failed attempt up to this; `None`: it stays and is jittered.
    pub interval_max: Option<Duration>,
    /// What ends the dialling for good.
    pub stop: ReconnectStop,
}

/// What ends the dialling of an endpoint for good. By default nothing of this does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReconnectStop {
    /// The system there refuses the connection (tcp).
    pub on_refusal: bool,
    /// A handshake fails, or is not finished in time.
    pub on_failed_handshake: bool,
    /// The endpoint is disconnected: what was not sent by then is lost, unless a connection stands that takes it.
    pub after_disconnect: bool,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self { interval: Some(Duration::from_millis(100)), interval_max: None, stop: ReconnectStop::default() }
    }
}

/// What a connection and its pipes need to know. A change holds for what is bound or connected after it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Messages that wait for each peer.
    pub send_hwm: Hwm,
    /// Messages of each peer that wait for the application.
    pub recv_hwm: Hwm,
    /// Octets of each peer that may wait for the application before reading pauses; `None`: the HWM alone counts. Each part
    /// of a message behind its first counts 32 octets more, which is what it costs.
    pub recv_bytes: Option<NonZeroUsize>,
    /// A message of more parts closes the connection.
    pub max_parts: NonZeroU32,
    /// What happens to unsent messages at close.
    pub linger: Linger,
    /// How a ROUTER addresses this socket.
    pub routing_id: Option<RoutingId>,
    /// Application properties for READY: names that begin with `X-`, and their values.
    pub metadata: Vec<(String, Vec<u8>)>,
    /// A connection that is not ready after this is closed; `None`: it has for ever.
    pub handshake_timeout: Option<Duration>,
    /// Dialling is given up after this; `None`: the system decides.
    pub connect_timeout: Option<Duration>,
    /// A longer frame of a message closes the connection; `None`: no limit. With 0 only empty frames are taken.
    pub max_frame_octets: Option<u64>,
    /// Memory that one peer's subscriptions may take at a PUB or XPUB, in octets: the topics and [`TOPIC_OCTETS`] for
    /// each. One that wants more is disconnected; `None`: no limit.
    pub max_subscription_octets: Option<NonZeroUsize>,
    /// Heartbeats.
    pub heartbeat: Heartbeat,
    /// Reconnecting.
    pub reconnect: Reconnect,
    /// Messages are queued only for connections that are ready.
    pub immediate: bool,
    /// STREAM: an empty message tells that a peer is connected, and another that it is gone.
    pub stream_notify: bool,
    /// Pending connections of a listener that the system may hold.
    pub backlog: u32,
    /// The mechanism. A peer of any other is refused.
    pub security: Security,
    /// The domain in requests to the handler of ZAP. NULL asks the handler only where there is one.
    pub zap_domain: Option<ZapDomain>,
    /// Whether NULL and CURVE need a handler of ZAP.
    pub zap_enforcement: ZapEnforcement,
    /// Whether tcp names and addresses may be of IPv6. If not, only those of IPv4 are there.
    pub ipv6: bool,
    /// What the system is told about tcp sockets.
    pub tcp: TcpOptions,
    /// Whose connections are accepted.
    pub accept: AcceptFilter,
    /// I/O threads that carry connections of this socket: bit n stands for thread n; 0 for all of them.
    pub affinity: u64,
    /// The SOCKS5 proxy through which tcp is connected.
    pub socks: Option<SocksProxy>,
    /// DEALER, PULL, PUSH, PUB, SUB: each pipe keeps the last message only, whatever its high-water mark. Other types
    /// ignore it. Over inproc it is enough that either side says so.
    pub conflate: bool,
    /// ROUTER, DEALER, REQ: an empty message is the first that a peer gets over each connection, so that a ROUTER learns
    /// of us. Other types ignore it.
    pub probe_router: bool,
    /// ROUTER: what the application is told of connections.
    pub router_notify: RouterNotify,
    /// ROUTER, DEALER, REP: what a peer gets first over each connection, before a probe. It passes by the pattern and the
    /// high-water mark: a ROUTER puts no routing id to it, a REP no envelope.
    pub hello_message: Option<Octets>,
    /// PUB, XPUB: what a subscriber gets first over each connection, whatever it subscribed to. A SUB shows it to its
    /// application if it subscribed to what it begins with.
    pub welcome_message: Option<Octets>,
    /// ROUTER: what is received in the name of a peer that had connected to us when its connection is lost, or over
    /// inproc when it is closed, behind its last message.
    pub disconnect_message: Option<Octets>,
    /// DEALER: what is received in the name of a peer that we had connected to when the connection is lost and will be
    /// dialled again.
    pub hiccup_message: Option<Octets>,
}

/// A SOCKS5 proxy. It looks the names up that are connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksProxy {
    /// Its HOST:PORT; an IPv6 address is in brackets.
    pub address: String,
    /// User and password, of 1 to 255 octets each; `None`: it is told that we have none.
    pub login: Option<(String, String)>,
}

/// Octets of one peer that wait for the application before reading pauses: half of a second-level cache.
const RECV_BYTES: NonZeroUsize = NonZeroUsize::new(1 << 20).expect("not zero");

/// Parts of one message. Each takes 32 octets of memory for as few as 2 on the wire.
const MAX_PARTS: NonZeroU32 = NonZeroU32::new(1 << 16).expect("not zero");

/// What a topic of one subscriber takes, about, beside its own octets: a slot of the table of topics with place for 46 of
/// them, half a slot that is free, and an entry in the list of who holds it.
pub const TOPIC_OCTETS: usize = 128;

/// Half a million topics of some octets each: five times what must survive a reconnect.
const SUBSCRIPTION_OCTETS: NonZeroUsize = NonZeroUsize::new(64 << 20).expect("not zero");

impl Default for Options {
    /// libzmq's defaults; [`Options::recv_bytes`] of 1 MiB, 65,536 [`Options::max_parts`], and
    /// [`Options::max_subscription_octets`] of 64 MiB.
    fn default() -> Self {
        Self {
            send_hwm: Hwm::DEFAULT,
            recv_hwm: Hwm::DEFAULT,
            recv_bytes: Some(RECV_BYTES),
            linger: Linger::Forever,
            routing_id: None,
            metadata: Vec::new(),
            handshake_timeout: Some(Duration::from_secs(30)),
            connect_timeout: None,
            max_frame_octets: None,
            max_parts: MAX_PARTS,
            max_subscription_octets: Some(SUBSCRIPTION_OCTETS),
            heartbeat: Heartbeat::default(),
            reconnect: Reconnect::default(),
            immediate: false,
            stream_notify: true,
            backlog: 100,
            security: Security::Null,
            zap_domain: None,
            zap_enforcement: ZapEnforcement::Lenient,
            ipv6: false,
            tcp: TcpOptions::default(),
            accept: AcceptFilter::default(),
            affinity: 0,
            socks: None,
            conflate: false,
            probe_router: false,
            router_notify: RouterNotify::default(),
            hello_message: None,
            welcome_message: None,
            disconnect_message: None,
            hiccup_message: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_routing_id_is_1_to_255_octets_and_begins_with_no_zero() {
        assert_eq!(RoutingId::new(b""), Err(RoutingIdError::Length(0)));
        assert_eq!(RoutingId::new(b"\0x"), Err(RoutingIdError::LeadingZero));
        assert_eq!(RoutingId::new(&[1; 256]), Err(RoutingIdError::Length(256)));
        assert_eq!(RoutingId::new(&[1; 255]).unwrap().as_slice(), [1; 255]);
    }

    #[test]
    fn unlimited_wins_where_two_marks_meet() {
        assert_eq!(Hwm::messages(2).and(Hwm::messages(3)), Hwm::messages(5));
        assert_eq!(Hwm::messages(0).and(Hwm::messages(3)), Hwm::Unlimited);
        assert_eq!(Hwm::messages(u32::MAX).and(Hwm::messages(1)).get(), u32::MAX);
    }
}
