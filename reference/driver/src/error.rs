//! Errors of `bind`, `connect` and options; those of sending and receiving are the core's.

use std::io;

use zmq_core::error::{RecvError, SendError, Unsent};
use zmq_core::pattern::table::SocketType;
use zmq_core::socket::joining::NotJoined;

use crate::context::SocketError;
use crate::endpoint::EndpointError;
use crate::proxy::ProxyError;

/// Why an endpoint was not bound, connected, unbound or disconnected.
#[derive(Debug, thiserror::Error)]
pub enum EndpointFailed {
    /// The text is no endpoint.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system refuses to listen there, or to resolve the name.
    #[error("cannot listen at {endpoint}: {why}")]
    Listen {
        /// Where.
        endpoint: String,
        /// The system's words.
        why: io::Error,
    },
    /// This machine has no network interface or address of that name.
    #[error("cannot listen at {0}: there is no such network interface or host")]
    NoDevice(String),
    /// The context has no I/O thread that this socket may use.
    #[error(
        "the context has no I/O thread for this socket; expected io_threads of 1 or more, and an affinity to one of them"
    )]
    NoIoThread,
    /// Somebody of the same context is bound to this name.
    #[error("{0} is bound already")]
    NameTaken(String),
    /// Sockets of these types do not talk to each other.
    #[error("a {ours} does not talk to the {theirs} that is bound to {endpoint}")]
    Incompatible {
        /// This socket.
        ours: SocketType,
        /// The other.
        theirs: SocketType,
        /// The other's endpoint.
        endpoint: String,
    },
    /// A STREAM has octets for a link, and there is none at such an endpoint.
    #[error("a {socket_type} needs a link, which {endpoint} is not")]
    NoLink {
        /// The socket's type.
        socket_type: SocketType,
        /// The endpoint.
        endpoint: String,
    },
    /// This socket is not bound or connected there.
    #[error("the socket has nothing at {0}; expected the endpoint as bind or connect gave it back")]
    NotThere(String),
    /// Events are sent over inproc only.
    #[error("expected an inproc endpoint for monitor events, came {0}")]
    MonitorTransport(String),
    /// The socket is closed, or its context.
    #[error("the socket's context was terminated")]
    Terminated,
}

impl EndpointFailed {
    /// Of a name of inproc.
    pub(crate) fn not_joined(why: NotJoined, name: &str) -> Self {
        let endpoint = format!("inproc://{name}");
        match why {
            NotJoined::NameTaken => Self::NameTaken(endpoint),
            NotJoined::Incompatible { ours, theirs } => Self::Incompatible { ours, theirs, endpoint },
            NotJoined::NoLink(socket_type) => Self::NoLink { socket_type, endpoint },
        }
    }

    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub fn errno(&self) -> i32 {
        const ENOENT: i32 = 2;
        const EINVAL: i32 = 22;
        const EPROTONOSUPPORT: i32 = 93;
        const ENODEV: i32 = 19;
        const EADDRINUSE: i32 = 98;
        const EADDRNOTAVAIL: i32 = 99;
        const ENOCOMPATPROTO: i32 = 156_384_764;
        const ETERM: i32 = 156_384_765;
        const EMTHREAD: i32 = 156_384_766;
        match self {
            Self::Endpoint(error) => error.errno(),
            Self::Listen { why, .. } => match why.kind() {
                io::ErrorKind::InvalidInput => EINVAL,
                _ => why.raw_os_error().unwrap_or(EADDRNOTAVAIL),
            },
            Self::NoDevice(_) => ENODEV,
            Self::NoIoThread => EMTHREAD,
            Self::NameTaken(_) => EADDRINUSE,
            Self::Incompatible { .. } => EINVAL,
            Self::NoLink { .. } => ENOCOMPATPROTO,
            Self::NotThere(_) => ENOENT,
            Self::MonitorTransport(_) => EPROTONOSUPPORT,
            Self::Terminated => ETERM,
        }
    }
}

/// Why an option was not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Sockets of this type do not have it.
    #[error("sockets of type {0} do not have the option")]
    Unsupported(SocketType),
    /// The value is outside of what the option may be.
    #[error("expected {expected}, came {came}")]
    Value {
        /// What it may be.
        expected: &'static str,
        /// What was given.
        came: String,
    },
    /// The socket is closed, or its context.
    #[error("the socket's context was terminated")]
    Terminated,
}

impl OptionError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub const fn errno(&self) -> i32 {
        const EINVAL: i32 = 22;
        const ETERM: i32 = 156_384_765;
        match self {
            Self::Unsupported(_) | Self::Value { .. } => EINVAL,
            Self::Terminated => ETERM,
        }
    }
}

/// Whether an error of any kind of this library says that a socket was closed, or its context: what ends most loops.
///
/// ```
/// use zmq_reference::blocking::Socket;
/// use zmq_reference::is_terminated;
///
/// fn echo(socket: &Socket) -> Result<(), Box<dyn std::error::Error>> {
///     Ok(socket.send(socket.recv()?)?)
/// }
///
/// fn serve(socket: &Socket) -> Result<(), Box<dyn std::error::Error>> {
///     loop {
///         match echo(socket) {
///             Ok(()) => {}
///             Err(why) if is_terminated(&*why) => return Ok(()),
///             Err(why) => return Err(why),
///         }
///     }
/// }
/// ```
#[must_use]
pub fn is_terminated(why: &(dyn std::error::Error + 'static)) -> bool {
    let ended = |errno: i32| errno == RecvError::Terminated.errno();
    why.downcast_ref().is_some_and(|why: &RecvError| ended(why.errno()))
        || why.downcast_ref().is_some_and(|why: &Unsent| ended(why.why.errno()))
        || why.downcast_ref().is_some_and(|why: &SendError| ended(why.errno()))
        || why.downcast_ref().is_some_and(|why: &EndpointFailed| ended(why.errno()))
        || why.downcast_ref().is_some_and(|why: &OptionError| ended(why.errno()))
        || why.downcast_ref().is_some_and(|why: &SocketError| ended(why.errno()))
        || why.downcast_ref().is_some_and(|why: &ProxyError| ended(why.errno()))
        || is_of_unix(why, ended)
}

#[cfg(unix)]
fn is_of_unix(why: &(dyn std::error::Error + 'static), ended: impl Fn(i32) -> bool) -> bool {
    why.downcast_ref().is_some_and(|why: &crate::poller::PollError| ended(why.errno()))
        || why.downcast_ref().is_some_and(|why: &crate::numbered::NumberedError| ended(why.errno()))
}

#[cfg(not(unix))]
fn is_of_unix(_why: &(dyn std::error::Error + 'static), _ended: impl Fn(i32) -> bool) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn the_end_is_known_in_every_kind_of_error() {
        let ends: [Box<dyn Error>; 10] = [
            Box::new(RecvError::Terminated),
            Box::new(SendError::Terminated),
            Box::new(Unsent { message: "m".into(), why: SendError::Terminated }),
            Box::new(EndpointFailed::Terminated),
            Box::new(OptionError::Terminated),
            Box::new(SocketError::Terminated),
            Box::new(ProxyError::Terminated),
            Box::new(ProxyError::Recv(RecvError::Terminated)),
            Box::new(crate::poller::PollError::Terminated),
            Box::new(crate::numbered::NumberedError::Terminated),
        ];
        for why in ends {
            assert!(is_terminated(&*why), "{why:?}");
        }
        let others: [Box<dyn Error>; 5] = [
            Box::new(RecvError::TimedOut),
            Box::new(Unsent { message: "m".into(), why: SendError::OutOfTurn }),
            Box::new(OptionError::Unsupported(SocketType::Pub)),
            Box::new(crate::poller::PollError::Endless),
            Box::new(io::Error::other("another library's")),
        ];
        for why in others {
            assert!(!is_terminated(&*why), "{why:?}");
        }
    }

    #[test]
    fn options_have_the_numbers_of_libzmq() {
        let value = OptionError::Value { expected: "1", came: "2".to_owned() };
        let errors = [OptionError::Unsupported(SocketType::Pub), value, OptionError::Terminated];
        assert_eq!(errors.map(|error| error.errno()), [22, 22, 156_384_765]);
    }
}
