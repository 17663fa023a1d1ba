//! What a peer can do wrong, or what keeps it out. Each closes that one connection and nothing else.

use crate::mechanism::Violation;
use crate::mechanism::zap::{ReplyError, Status};
use crate::pattern::table::SocketType;
use crate::wire::metadata::MetadataError;

/// The remote end is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerMisbehaved {
    /// It speaks a version that is not spoken here, or not by a socket that has to know whom it talks to.
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
    #[error("expected a command of the handshake, came {came}")]
    Handshake {
        /// What came.
        came: String,
    },
    /// It breaks the rules of the mechanism.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The handler of ZAP does not let it in.
    #[error("the handler of ZAP says {}", status.as_str())]
    Denied {
        /// The handler's word.
        status: Status,
    },
    /// The handler of ZAP has not replied as it has to, so that the peer does not come in.
    #[error("the handler of ZAP: {0}")]
    ZapReply(ReplyError),
    /// There is no handler of ZAP, and without one the peer does not come in.
    #[error("there is no handler of ZAP")]
    NoZapHandler,
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
    /// A peer of 2.0 says that more frames belong to its identity.
    #[error("expected an identity of one frame, came one that goes on")]
    IdentityParts,
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
    /// The revision that the signature is followed by: 1 and 2 are ZMTP 2.0, 0 is none that there is.
    Revision(u8),
}

impl std::fmt::Display for OldVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unversioned => f.write_str("ZMTP 1.0, or something that is no ZMTP"),
            Self::Revision(0) => f.write_str("revision 0, which there is not"),
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
            // A temporary refusal is silent: ERROR would keep the peer from coming again (adjudication A41).
            Self::Denied { status: Status::Denied } => Some("400"),
            Self::Denied { status: Status::Internal } => Some("500"),
            Self::Denied { status: Status::Temporary | Status::Success } => None,
            Self::Version(_)
            | Self::Mechanism { .. }
            | Self::Refused { .. }
            | Self::Handshake { .. }
            | Self::Violation(_)
            | Self::ZapReply(_)
            | Self::NoZapHandler
            | Self::Metadata(_)
            | Self::FrameTooLong { .. }
            | Self::TooManyParts { .. }
            | Self::TooManySubscriptions { .. }
            | Self::ChangeInMessage
            | Self::IdentityParts
            | Self::Heartbeat { .. }
            | Self::HandshakeTimeout(_)
            | Self::Silent(_) => None,
        }
    }

    /// What libzmq's monitor would say, if this ended a handshake.
    #[must_use]
    pub fn handshake_failure(&self) -> HandshakeFailure {
        match self {
            Self::Denied { status } => HandshakeFailure::Auth(match status {
                Status::Success => 200,
                Status::Temporary => 300,
                Status::Denied => 400,
                Status::Internal => 500,
            }),
            Self::Refused { reason } => match reason.as_str() {
                "300" => HandshakeFailure::Auth(300),
                "400" => HandshakeFailure::Auth(400),
                "500" => HandshakeFailure::Auth(500),
                _other => HandshakeFailure::Protocol(protocol::UNSPECIFIED),
            },
            Self::NoZapHandler => HandshakeFailure::NoDetail(protocol::EFAULT),
            Self::HandshakeTimeout(_) => HandshakeFailure::NoDetail(protocol::ETIMEDOUT),
            Self::Mechanism { .. } => HandshakeFailure::Protocol(protocol::MECHANISM),
            Self::Handshake { .. } => HandshakeFailure::Protocol(protocol::UNEXPECTED),
            Self::Metadata(_) | Self::NoSocketType | Self::SocketType { .. } | Self::Identity(_) => {
                HandshakeFailure::Protocol(protocol::METADATA)
            }
            Self::Violation(violation) => HandshakeFailure::Protocol(match violation {
                Violation::Unexpected { .. } => protocol::UNEXPECTED,
                Violation::Malformed { command, .. } => match *command {
                    "MESSAGE" => protocol::MALFORMED + 1,
                    "HELLO" => protocol::MALFORMED + 2,
                    "INITIATE" => protocol::MALFORMED + 3,
                    "ERROR" => protocol::MALFORMED + 4,
                    "READY" => protocol::MALFORMED + 5,
                    "WELCOME" => protocol::MALFORMED + 6,
                    _other => protocol::MALFORMED,
                },
                Violation::Cryptographic { .. } => protocol::CRYPTOGRAPHIC,
                Violation::Sequence { .. } | Violation::Exhausted => protocol::SEQUENCE,
            }),
            Self::ZapReply(reply) => HandshakeFailure::Protocol(match reply {
                ReplyError::Delimiter(_) => protocol::ZAP,
                ReplyError::Parts(_) | ReplyError::TooLong(_) => protocol::ZAP + 1,
                ReplyError::RequestId => protocol::ZAP + 2,
                ReplyError::Version => protocol::ZAP + 3,
                ReplyError::Status => protocol::ZAP + 4,
                ReplyError::Metadata => protocol::ZAP + 5,
            }),
            Self::Version(_)
            | Self::IdentityParts
            | Self::IdentityTaken(_)
            | Self::FrameTooLong { .. }
            | Self::TooManyParts { .. }
            | Self::TooManySubscriptions { .. }
            | Self::ChangeInMessage
            | Self::Heartbeat { .. }
            | Self::Silent(_) => HandshakeFailure::Protocol(protocol::UNSPECIFIED),
        }
    }
}

/// How a handshake failed, in the three events of libzmq's monitor and with their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// `HANDSHAKE_FAILED_NO_DETAIL`: a number of errno.
    NoDetail(i32),
    /// `HANDSHAKE_FAILED_PROTOCOL`: one of the numbers `ZMQ_PROTOCOL_ERROR_*`.
    Protocol(u32),
    /// `HANDSHAKE_FAILED_AUTH`: a status of ZAP.
    Auth(u16),
}

/// libzmq's numbers.
mod protocol {
    pub(super) const UNSPECIFIED: u32 = 0x1000_0000;
    pub(super) const UNEXPECTED: u32 = 0x1000_0001;
    pub(super) const SEQUENCE: u32 = 0x1000_0002;
    /// Unspecified; MESSAGE, HELLO, INITIATE, ERROR, READY, WELCOME follow.
    pub(super) const MALFORMED: u32 = 0x1000_0011;
    pub(super) const METADATA: u32 = 0x1000_0018;
    pub(super) const CRYPTOGRAPHIC: u32 = 0x1100_0001;
    pub(super) const MECHANISM: u32 = 0x1100_0002;
    /// Unspecified; malformed reply, bad request id, bad version, bad status, bad metadata follow.
    pub(super) const ZAP: u32 = 0x2000_0000;
    pub(super) const EFAULT: i32 = 14;
    pub(super) const ETIMEDOUT: i32 = 110;
}
