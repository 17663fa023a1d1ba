//! One line for each event: what all pictures are made of, and what is written as JSON.

use serde::Serialize;

/// One event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    /// True time, nanoseconds since the start.
    pub(crate) at: u64,
    /// What it is.
    #[serde(flatten)]
    pub(crate) what: What,
    /// In plain words.
    pub(crate) text: String,
    /// Names of the messages that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) messages: Vec<String>,
}

/// What an event is. Hosts, actors, sockets are named as in the plan.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum What {
    /// A call of an application is over.
    Call {
        host: String,
        /// None: the process itself, which makes its sockets.
        #[serde(skip_serializing_if = "Option::is_none")]
        actor: Option<String>,
        life: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        socket: Option<String>,
        /// When it was made.
        since: u64,
        call: &'static str,
        ended: Ended,
    },
    /// A packet of a stream was sent, or sent again, or let go on after it was held.
    Packet {
        from: String,
        to: String,
        connection: u32,
        side: &'static str,
        kind: &'static str,
        /// Of the first octet, in what that end writes.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<u64>,
        octets: u32,
        /// What the octets say.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        carries: Vec<String>,
        /// The same octets were sent before.
        again: bool,
        /// The messages are not read from the octets, which are sealed, but from their order and length.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        guessed: bool,
        #[serde(flatten)]
        fate: Fate,
    },
    /// A datagram was sent to one receiver.
    Datagram {
        from: String,
        to: String,
        octets: u32,
        #[serde(flatten)]
        fate: Fate,
    },
    /// A packet that was under way arrived where nobody could take it.
    Lost {
        /// Where it arrived.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        connection: u32,
        /// The end that had sent it.
        side: &'static str,
        why: &'static str,
    },
    /// An end of a connection has a new state.
    Connection {
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        connection: u32,
        side: &'static str,
        state: &'static str,
    },
    /// A library told of a connection.
    Monitor { host: String, socket: String, life: u16, name: String },
    /// A fault begins or ends.
    Fault { fault: u16, phase: Phase, hosts: Vec<String> },
    /// All faults are over.
    Healed,
    /// Something of a host.
    Host { host: String, state: HostState },
    /// A link does something else with packets.
    Link { from: String, to: String, does: &'static str },
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ended {
    /// As wanted.
    Done,
    /// Without what it was for: its time was over, or it was dropped.
    Empty,
    /// With an error.
    Failed,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "kebab-case")]
pub(crate) enum Fate {
    /// It arrives then.
    Arrives { arrives: u64 },
    /// It does not arrive.
    Lost { why: &'static str },
    /// It waits, and is told of again when it goes on.
    Held,
}

/// Where in its course a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// It begins.
    Begins,
    /// It ends.
    Ends,
}

/// What becomes of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HostState {
    /// Its process is gone.
    Down,
    /// Its process begins.
    Up,
    /// Something else.
    Note,
}

impl What {
    /// Where it happens, for a column.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Call { host, .. } | Self::Monitor { host, .. } | Self::Host { host, .. } => host.clone(),
            Self::Packet { from, to, .. } | Self::Datagram { from, to, .. } | Self::Link { from, to, .. } => {
                format!("{from} → {to}")
            }
            Self::Connection { host, .. } | Self::Lost { host, .. } => host.clone().unwrap_or_default(),
            Self::Fault { .. } | Self::Healed => String::new(),
        }
    }

    /// The mark in front of it: what goes wrong is to be seen at once.
    pub(crate) const fn mark(&self) -> char {
        match self {
            Self::Fault { phase: Phase::Begins, .. } | Self::Host { state: HostState::Down, .. } => '⚡',
            Self::Packet { fate: Fate::Lost { .. }, .. }
            | Self::Datagram { fate: Fate::Lost { .. }, .. }
            | Self::Lost { .. }
            | Self::Call { ended: Ended::Failed, .. } => '✗',
            Self::Packet { fate: Fate::Held, .. } | Self::Datagram { fate: Fate::Held, .. } => '…',
            Self::Fault { phase: Phase::Ends, .. }
            | Self::Host { state: HostState::Up | HostState::Note, .. }
            | Self::Healed
            | Self::Packet { fate: Fate::Arrives { .. }, .. }
            | Self::Datagram { fate: Fate::Arrives { .. }, .. }
            | Self::Call { ended: Ended::Done | Ended::Empty, .. }
            | Self::Connection { .. }
            | Self::Monitor { .. }
            | Self::Link { .. } => ' ',
        }
    }
}
