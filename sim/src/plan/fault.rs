//! What goes wrong, and when.

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    /// When, after the start or after the event.
    #[serde(default)]
    pub at: Span,
    /// The event that starts it; none: the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Trigger>,
    /// How long it lasts, where it is something that lasts ([`FaultKind::lasts`]); none: until the healing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#for: Option<Span>,
    /// What.
    pub what: FaultKind,
}

/// What starts a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Trigger {
    /// Something of a socket happens for the n-th time.
    Socket {
        /// The socket.
        name: String,
        /// What.
        event: SocketEvent,
        /// The how manieth.
        #[serde(default = "one")]
        nth: u32,
    },
    /// So many octets have gone from one host to another: a connection is cut at a byte.
    Octets {
        /// From there.
        from: String,
        /// To there.
        to: String,
        /// How many, since the start.
        count: u64,
    },
}

const fn one() -> u32 {
    1
}

/// What can happen to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketEvent {
    /// A message was sent by the application.
    Sent,
    /// A message was received by the application.
    Received,
    /// A stream to or from one of its endpoints was made.
    Connected,
    /// The application closed it.
    Closed,
}

/// What happens to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostEvent {
    /// Its process is killed: the system closes what it had.
    Kill,
    /// It loses power: nobody is told.
    PowerLoss,
}

/// Faults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum FaultKind {
    /// Nothing gets through between two hosts, or it gets through late.
    Partition {
        /// The two hosts.
        between: [String; 2],
        /// What becomes of packets.
        #[serde(default)]
        flow: Flow,
        /// Which way.
        #[serde(default)]
        direction: Direction,
    },
    /// A drawn part of the hosts is cut off from all others, one by one, and comes back in another order.
    Swizzle {
        /// Of these hosts.
        hosts: Vec<String>,
    },
    /// Streams between two hosts are reset.
    Reset {
        /// The two hosts.
        between: [String; 2],
    },
    /// Streams between two hosts end without anybody being told: both sides are half-open. When the fault is over, what
    /// lies between them says so, by a reset.
    HalfOpen {
        /// The two hosts.
        between: [String; 2],
    },
    /// Streams that are there between two hosts carry nothing until the fault is over. New ones do.
    Stall {
        /// The two hosts.
        between: [String; 2],
    },
    /// A link is slow.
    SlowLink {
        /// The two hosts.
        between: [String; 2],
        /// Latency in addition.
        latency: Span,
        /// Octets a second.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bandwidth: Option<u64>,
    },
    /// The buffers of a host's streams are tiny.
    TinyBuffers {
        /// The host.
        host: String,
        /// Octets of each.
        octets: u32,
    },
    /// Reads and writes of a host are cut short.
    Torn {
        /// The host.
        host: String,
        /// Octets that one call takes at most, at least 1; how many is drawn.
        at_most: u32,
    },
    /// A socket connects to the first of its endpoints once more.
    DuplicateConnect {
        /// The socket.
        socket: String,
    },
    /// A host goes down, and comes back after `for`. Where several do so to one host, when the last of them is over.
    Down {
        /// The host.
        host: String,
        /// How.
        how: HostEvent,
        /// Whether it comes back at all. If not, the healing leaves it down.
        #[serde(default = "yes")]
        restart: bool,
        /// With another address than before; its name leads there.
        #[serde(default)]
        other_address: bool,
    },
    /// The process of a host stands still; its system goes on.
    Pause {
        /// The host.
        host: String,
    },
    /// A host's process may have no more descriptors than it has at that moment.
    NoDescriptors {
        /// The host.
        host: String,
    },
    /// A host refuses every connection.
    RefuseAccept {
        /// The host.
        host: String,
    },
    /// A name leads elsewhere, or nowhere.
    Name {
        /// The name.
        name: String,
        /// What becomes of it.
        change: NameChange,
    },
    /// A host's clock jumps ahead.
    ClockJump {
        /// The host.
        host: String,
        /// By how much.
        by: Span,
    },
}

const fn yes() -> bool {
    true
}

impl FaultKind {
    /// Its name, as it is written in a scenario.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Partition { .. } => "partition",
            Self::Swizzle { .. } => "swizzle",
            Self::Reset { .. } => "reset",
            Self::HalfOpen { .. } => "half-open",
            Self::Stall { .. } => "stall",
            Self::SlowLink { .. } => "slow-link",
            Self::TinyBuffers { .. } => "tiny-buffers",
            Self::Torn { .. } => "torn",
            Self::DuplicateConnect { .. } => "duplicate-connect",
            Self::Down { .. } => "down",
            Self::Pause { .. } => "pause",
            Self::NoDescriptors { .. } => "no-descriptors",
            Self::RefuseAccept { .. } => "refuse-accept",
            Self::Name { .. } => "name",
            Self::ClockJump { .. } => "clock-jump",
        }
    }

    /// Whether it lasts for a while. What does not happens once, and is over.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        match self {
            Self::Reset { .. } | Self::DuplicateConnect { .. } | Self::ClockJump { .. } => false,
            Self::Partition { .. }
            | Self::Swizzle { .. }
            | Self::HalfOpen { .. }
            | Self::Stall { .. }
            | Self::SlowLink { .. }
            | Self::TinyBuffers { .. }
            | Self::Torn { .. }
            | Self::Down { .. }
            | Self::Pause { .. }
            | Self::NoDescriptors { .. }
            | Self::RefuseAccept { .. }
            | Self::Name { .. } => true,
        }
    }
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// They are lost, and sent again by tcp.
    #[default]
    Drop,
    /// They wait for the end of the fault.
    Hold,
}

/// Which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// From the first to the second only.
    Forth,
    /// From the second to the first only.
    Back,
}

/// What becomes of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameChange {
    /// It cannot be found.
    Fails,
    /// Looking it up takes so long.
    Slow(Span),
    /// It leads to this host.
    LeadsTo(String),
}
