//! What a peer can do wrong. Each closes that one connection and nothing else.

use crate::pattern::table::SocketType;
use crate::wire::metadata::MetadataError;

/// The remote end is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerMisbehaved {
    /// It speaks a version that is not spoken here.
    #[error("expected a peer of ZMTP 3, came one of {0}")]
    Version(OldVersion),
    /// It has another mechanism.
    #[error("expected the mechanism {expected}, came \"{came}\"")]
    Mechanism {
        /// Ours.
        expected: &'static str,
        /// The peer's.
        came: String,
    },
    /// It says that it refuses the handshake.
    #[error("the peer refuses the handshake: \"{reason}\"")]
    Refused {
        /// Its words.
        reason: String,
    },
    /// A frame during the handshake that has no place there.
    #[error("expected READY, came {came}")]
    Handshake {
        /// What came.
        came: String,
    },
    /// Metadata that is none.
    #[error("READY: {0}")]
    Metadata(#[from] MetadataError),
    /// READY does not say what kind of socket the peer is.
    #[error("READY without Socket-Type")]
    NoSocketType,
    /// Sockets of these types do not talk to each other.
    #[error("a {ours} does not talk to a socket of type \"{theirs}\"")]
    SocketType {
        /// Our type.
        ours: SocketType,
        /// The peer's.
        theirs: String,
    },
    /// Its routing id is too long.
    #[error("expected an identity of at most 255 octets, came {0}")]
    Identity(usize),
    /// Another peer of this ROUTER has its routing id.
    #[error("the identity \"{0}\" is that of another peer")]
    IdentityTaken(String),
    /// A frame is longer than allowed.
    #[error("a frame of {octets} octets, longer than the {limit} allowed")]
    FrameTooLong {
        /// What its header says.
        octets: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A message has more parts than allowed.
    #[error("a message of more than {limit} parts")]
    TooManyParts {
        /// What is allowed.
        limit: u32,
    },
    /// Its subscriptions take more memory than allowed.
    #[error("subscriptions of {octets} octets, more than the {limit} allowed")]
    TooManySubscriptions {
        /// What they take.
        octets: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A subscription or cancellation comes between the frames of a message (adjudication A12).
    #[error("a subscription between the frames of a message")]
    ChangeInMessage,
    /// A heartbeat that is none.
    #[error("a {name} with {octets} octets of data, expected {expected}")]
    Heartbeat {
        /// PING or PONG.
        name: &'static str,
        /// What came.
        octets: usize,
        /// What there may be.
        expected: &'static str,
    },
    /// The handshake was not finished in time.
    #[error("the handshake was not finished within {0:?}")]
    HandshakeTimeout(std::time::Duration),
    /// It was silent for longer than heartbeats allow.
    #[error("the peer was silent for {0:?}")]
    Silent(std::time::Duration),
}

/// A version of the protocol before 3.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldVersion {
    /// ZMTP 1.0, or no ZMTP at all: there is no signature.
    Unversioned,
    /// The revision that the signature is followed by: 0 is ZMTP 1.0, 1 and 2 are ZMTP 2.0.
    Revision(u8),
}

impl std::fmt::Display for OldVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unversioned => f.write_str("ZMTP 1.0, or something that is no ZMTP"),
            Self::Revision(0) => f.write_str("ZMTP 1.0"),
            Self::Revision(revision) => write!(f, "ZMTP 2.0 (revision {revision})"),
        }
    }
}

impl PeerMisbehaved {
    /// The reason that an ERROR command gives the peer, where the RFC asks for one.
    // spec: ZMTP31-SOCKTYPE-21
    #[must_use]
    pub fn error_reason(&self) -> Option<&'static str> {
        match self {
            Self::SocketType { .. } | Self::NoSocketType => Some("Invalid-socket-type"),
            Self::Identity(_) | Self::IdentityTaken(_) => Some("Invalid-identity"),
            Self::Version(_)
            | Self::Mechanism { .. }
            | Self::Refused { .. }
            | Self::Handshake { .. }
            | Self::Metadata(_)
            | Self::FrameTooLong { .. }
            | Self::TooManyParts { .. }
            | Self::TooManySubscriptions { .. }
            | Self::ChangeInMessage
            | Self::Heartbeat { .. }
            | Self::HandshakeTimeout(_)
            | Self::Silent(_) => None,
        }
    }
}
