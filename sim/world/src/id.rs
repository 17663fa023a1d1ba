//! Names of what is in a world. None is used twice within a run.

use std::fmt;

/// A host, numbered from 0 in the order in which they were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) u32);

impl HostId {
    /// The number of the host.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The end that dialled.
    Dialler,
    /// The end that was accepted.
    Acceptor,
}

impl Side {
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Dialler => 0,
            Self::Acceptor => 1,
        }
    }

    /// The end at the other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Acceptor,
            Self::Acceptor => Self::Dialler,
        }
    }
}

/// One end of a connection: what a process has a descriptor of. Ordered by when the connection was dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub(crate) serial: u32,
    pub(crate) side: Side,
    pub(crate) slot: u32,
}

impl StreamId {
    /// The number of the connection, the same at both ends; from 1 in the order of dialling.
    #[must_use]
    pub const fn connection(self) -> u32 {
        self.serial
    }

    /// Which end this is.
    #[must_use]
    pub const fn side(self) -> Side {
        self.side
    }

    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        Self { side: self.side.other(), ..self }
    }
}

/// `c7a` for the end that dialled the seventh connection, `c7b` for the other.
impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.side {
            Side::Dialler => 'a',
            Side::Acceptor => 'b',
        };
        write!(f, "c{}{end}", self.serial)
    }
}

macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// Its number, counted through the run.
            #[must_use]
            pub const fn number(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    )*};
}

numbered! {
    /// A listening socket.
    ListenerId "l";
    /// A question for the addresses of a name.
    LookupId "q";
    /// A datagram socket.
    DatagramId "d";
}

/// A timer of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId {
    pub(crate) serial: u64,
    pub(crate) slot: u32,
}

impl fmt::Display for TimerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.serial)
    }
}

/// Something that somebody may have waited for. It says that a state *may* have changed since it was last looked at, and
/// is told whoever asked; never twice for one change. One may come for something that was closed meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wake {
    /// Octets, the end or an error came.
    Readable(StreamId),
    /// A write that was cut short, or found no room, has room; or there is an error.
    Writable(StreamId),
    /// [`crate::World::dialled`] has an answer.
    Dialled(StreamId),
    /// A connection waits to be accepted.
    Acceptable(ListenerId),
    /// The timer is over, and is gone.
    Timer(TimerId),
    /// [`crate::World::resolved`] has an answer.
    Resolved(LookupId),
    /// A datagram, or an error, waits.
    Arrived(DatagramId),
    /// The time of [`crate::World::alarm`], with the tag that was given.
    Alarm(u64),
}
