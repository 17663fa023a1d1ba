//! The reference's errors in the words of the protocol.

use zmq_reference::{EndpointFailed, RecvError, SendError, SocketError};

use crate::adapter::protocol::{ErrorClass, ErrorReply};

fn refused(class: ErrorClass, errno: &str, error: &dyn std::error::Error) -> ErrorReply {
    ErrorReply { class, errno: errno.to_owned(), native: error.to_string() }
}

pub(super) fn send(error: SendError) -> ErrorReply {
    let (class, errno) = match error {
        SendError::WouldBlock | SendError::TimedOut => (ErrorClass::WouldBlock, "EAGAIN"),
        SendError::OutOfTurn => (ErrorClass::State, "EFSM"),
        SendError::Unroutable => (ErrorClass::Unroutable, "EHOSTUNREACH"),
        SendError::Malformed { .. } => (ErrorClass::Argument, "EINVAL"),
        SendError::Unsupported => (ErrorClass::Unsupported, "ENOTSUP"),
        SendError::Terminated => (ErrorClass::Terminated, "ETERM"),
    };
    refused(class, errno, &error)
}

pub(super) fn recv(error: RecvError) -> ErrorReply {
    let (class, errno) = match error {
        RecvError::WouldBlock | RecvError::TimedOut => (ErrorClass::WouldBlock, "EAGAIN"),
        RecvError::OutOfTurn => (ErrorClass::State, "EFSM"),
        RecvError::Unsupported => (ErrorClass::Unsupported, "ENOTSUP"),
        RecvError::Terminated => (ErrorClass::Terminated, "ETERM"),
    };
    refused(class, errno, &error)
}

pub(super) fn endpoint(error: &EndpointFailed) -> ErrorReply {
    const EPROTONOSUPPORT: i32 = 93;
    let (class, errno) = match error {
        EndpointFailed::Endpoint(why) if why.errno() == EPROTONOSUPPORT => (ErrorClass::Unsupported, "EPROTONOSUPPORT"),
        EndpointFailed::Endpoint(_) | EndpointFailed::Incompatible { .. } => (ErrorClass::Argument, "EINVAL"),
        EndpointFailed::Listen { why, .. } => match why.kind() {
            std::io::ErrorKind::AddrInUse => (ErrorClass::Argument, "EADDRINUSE"),
            std::io::ErrorKind::AddrNotAvailable => (ErrorClass::Argument, "EADDRNOTAVAIL"),
            std::io::ErrorKind::PermissionDenied => (ErrorClass::Argument, "EACCES"),
            _ => (ErrorClass::Other, ""),
        },
        EndpointFailed::NoDevice(_) => (ErrorClass::Argument, "ENODEV"),
        EndpointFailed::NoIoThread => (ErrorClass::Argument, "EMTHREAD"),
        EndpointFailed::NameTaken(_) => (ErrorClass::Argument, "EADDRINUSE"),
        EndpointFailed::NoLink { .. } => (ErrorClass::Argument, "ENOCOMPATPROTO"),
        EndpointFailed::NotThere(_) => (ErrorClass::Argument, "ENOENT"),
        EndpointFailed::MonitorTransport(_) => (ErrorClass::Unsupported, "EPROTONOSUPPORT"),
        EndpointFailed::Terminated => (ErrorClass::Terminated, "ETERM"),
    };
    refused(class, errno, error)
}

pub(super) fn socket(error: SocketError) -> ErrorReply {
    let (class, errno) = match error {
        SocketError::Terminated => (ErrorClass::Terminated, "ETERM"),
        SocketError::TooMany { .. } => (ErrorClass::Other, "EMFILE"),
    };
    refused(class, errno, &error)
}
