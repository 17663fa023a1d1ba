//! What went over the network of a run, as pictures need it: packets, connections, and what became of hosts and links.

use std::net::SocketAddr;

use crate::plan::HostIndex;
use crate::time::Time;

/// Everything, in the order in which it happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    pub(crate) events: Vec<Event>,
    /// By their numbers.
    pub(crate) connections: Vec<Connection>,
    /// Whether octets of packets were kept.
    pub(crate) has_octets: bool,
}

/// Two ends that talked, or tried to.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// Counted through the run.
    pub(crate) number: u32,
    /// By [`Side`].
    pub(crate) addresses: [Address; 2],
}

/// Where an end is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// tcp.
    Tcp(SocketAddr),
    /// A path, or an abstract name with its `@`, or nothing: the end of a host's own connection.
    Local(String),
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) connection: u32,
    pub(crate) side: Side,
}

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Dialler,
    Acceptor,
}

impl Side {
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Dialler => 0,
            Self::Acceptor => 1,
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Acceptor,
            Self::Acceptor => Self::Dialler,
        }
    }

    /// The letter behind a connection's number: `c7a` dialled.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Dialler => 'a',
            Self::Acceptor => 'b',
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at: Time,
    pub(crate) what: What,
}

/// What.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// A packet was sent, or sent again, or let go on after it was held.
    Packet(Packet),
    /// A packet that was under way arrived where nobody could take it.
    Lost { end: End, why: &'static str },
    /// A datagram was sent.
    Datagram(Datagram),
    /// An end has a new state.
    End(End, EndState),
    /// Something of a host's system, in words behind its name.
    Host(HostIndex, String),
    /// A link began to do something else with packets.
    Link { from: HostIndex, to: HostIndex, does: &'static str },
}

/// States of an end, as they are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndState {
    Dialled,
    Established,
    Accepted,
    Finished,
    Closed,
    Broken,
}

impl EndState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dialled => "dialled",
            Self::Established => "established",
            Self::Accepted => "accepted",
            Self::Finished => "finished",
            Self::Closed => "closed",
            Self::Broken => "broken",
        }
    }
}

/// A packet of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) from: HostIndex,
    pub(crate) to: HostIndex,
    /// Who sent it.
    pub(crate) end: End,
    pub(crate) kind: Kind,
    pub(crate) fate: Fate,
    /// Its octets, if they were kept.
    pub(crate) octets: Vec<u8>,
}

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Syn,
    SynAck,
    Established,
    /// Octets from this offset on, of what that end writes; none: a probe of the window.
    Data {
        offset: u64,
        len: u32,
    },
    /// The end, behind so many octets.
    Fin {
        offset: u64,
    },
    Rst,
    Ack,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn-ack",
            Self::Established => "ack-of-syn",
            Self::Data { .. } => "data",
            Self::Fin { .. } => "fin",
            Self::Rst => "rst",
            Self::Ack => "ack",
        }
    }
}

/// A datagram to one receiver.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) from: HostIndex,
    pub(crate) to: HostIndex,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) len: u32,
    pub(crate) fate: Fate,
    pub(crate) octets: Vec<u8>,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives then.
    Arrives(Time),
    /// It is lost, and why.
    Lost(&'static str),
    /// It waits in front of the link, and is told of again when it goes on.
    Held,
}

impl Network {
    /// The connection of that number.
    pub(crate) fn connection(&self, number: u32) -> Option<&Connection> {
        let place = self.connections.binary_search_by_key(&number, |connection| connection.number).ok()?;
        self.connections.get(place)
    }
}

impl Address {
    /// Whether an endpoint, as it was bound or connected, leads here.
    pub(crate) fn is_at(&self, endpoint: &str) -> bool {
        match (self, endpoint.split_once("://")) {
            (Self::Tcp(address), Some(("tcp", at))) => {
                at.rsplit_once(':').is_some_and(|(_, port)| port == address.port().to_string())
            }
            (Self::Local(path), Some(("ipc", at))) => path == at || path.ends_with(&format!("/{at}")),
            _ => false,
        }
    }
}
