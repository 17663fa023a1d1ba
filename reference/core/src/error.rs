//! Errors of the caller: what a socket refuses at once, and libzmq's number for each.

use std::fmt;

use crate::message::Message;

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No peer can take it now.
    #[error("no peer has room for the message now")]
    WouldBlock,
    /// The socket's protocol does not allow to send now: REQ before its reply, REP before a request.
    #[error("the socket cannot send now, it has to receive first")]
    OutOfTurn,
    /// There is no peer of that routing id.
    #[error("there is no peer of this routing id")]
    Unroutable,
    /// The message lacks what the pattern needs: a routing id in front of the body.
    #[error("expected {expected}, came a message of {parts} parts")]
    Malformed {
        /// What the message needs.
        expected: &'static str,
        /// How many parts it has.
        parts: usize,
    },
    /// Sockets of this type never send.
    #[error("sockets of this type cannot send")]
    Unsupported,
    /// The socket or its context was closed.
    #[error("the socket's context was terminated")]
    Terminated,
    /// The time is over.
    #[error("no peer had room for the message within the time")]
    TimedOut,
}

/// Why there is no message.
///
/// A whole word, so that a `Result` of a message is moved by words: to look at a single octet of it costs more than to
/// receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[repr(u64)]
pub enum RecvError {
    /// Nothing has arrived.
    #[error("there is no message now")]
    WouldBlock,
    /// The socket's protocol does not allow to receive now: REQ before its request, REP before its reply.
    #[error("the socket cannot receive now, it has to send first")]
    OutOfTurn,
    /// Sockets of this type never receive.
    #[error("sockets of this type cannot receive")]
    Unsupported,
    /// The socket or its context was closed.
    #[error("the socket's context was terminated")]
    Terminated,
    /// The time is over.
    #[error("no message arrived within the time")]
    TimedOut,
}

/// A message that was not sent, and why. It is whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Unsent {
    /// The message, as it was given.
    pub message: Message,
    /// Why it was not sent.
    pub why: SendError,
}

impl fmt::Debug for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.message, self.why)
    }
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl std::error::Error for Unsent {}

/// libzmq's numbers begin here where the system has none.
const HAUSNUMERO: i32 = 156_384_712;

/// Numbers of Linux, and of libzmq for what Linux has no word for.
mod errno {
    pub(super) const EAGAIN: i32 = 11;
    pub(super) const EINVAL: i32 = 22;
    pub(super) const ENOTSUP: i32 = 95;
    pub(super) const EHOSTUNREACH: i32 = 113;
    pub(super) const EFSM: i32 = super::HAUSNUMERO + 51;
    pub(super) const ETERM: i32 = super::HAUSNUMERO + 53;
}

impl SendError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub const fn errno(self) -> i32 {
        match self {
            Self::WouldBlock | Self::TimedOut => errno::EAGAIN,
            Self::OutOfTurn => errno::EFSM,
            Self::Unroutable => errno::EHOSTUNREACH,
            Self::Malformed { .. } => errno::EINVAL,
            Self::Unsupported => errno::ENOTSUP,
            Self::Terminated => errno::ETERM,
        }
    }
}

impl RecvError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub const fn errno(self) -> i32 {
        match self {
            Self::WouldBlock | Self::TimedOut => errno::EAGAIN,
            Self::OutOfTurn => errno::EFSM,
            Self::Unsupported => errno::ENOTSUP,
            Self::Terminated => errno::ETERM,
        }
    }
}
