//! What calls fail with: the errors of the sockets of Linux.

use std::io;

/// Why a call failed. Each is one error of Linux, whose name its documentation gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Errno {
    /// `EAGAIN`: not now; a wake will tell.
    #[error("would block")]
    WouldBlock,
    /// `ECONNREFUSED`: nobody listens there.
    #[error("connection refused")]
    Refused,
    /// `ECONNRESET`: the peer reset the connection.
    #[error("connection reset by peer")]
    Reset,
    /// `EPIPE`: this direction has ended.
    #[error("broken pipe")]
    BrokenPipe,
    /// `ETIMEDOUT`: the peer did not answer for too long.
    #[error("timed out")]
    TimedOut,
    /// `EADDRINUSE`: somebody has the address.
    #[error("address in use")]
    InUse,
    /// `EADDRNOTAVAIL`: the address is not of this host, or no port is free.
    #[error("address not available")]
    NotAvailable,
    /// `EHOSTUNREACH`: there is no way there.
    #[error("host unreachable")]
    Unreachable,
    /// `EMFILE`: the process has all descriptors that it may have.
    #[error("too many open files")]
    TooManyFiles,
    /// `ENOENT`: there is no such path; or no such name, where a name was looked up.
    #[error("not found")]
    NotFound,
    /// `EINVAL`: the arguments make no sense.
    #[error("invalid argument")]
    Invalid,
    /// `ENOTCONN`: there is no peer.
    #[error("not connected")]
    NotConnected,
    /// `ECONNABORTED`: the connection was gone before it was accepted.
    #[error("connection aborted")]
    Aborted,
    /// `EMSGSIZE`: longer than a datagram may be.
    #[error("message too long")]
    TooLong,
    /// `EDESTADDRREQ`: a datagram without a destination.
    #[error("destination address required")]
    NoDestination,
    /// `EAI_AGAIN`: the name server gave no answer; asking again may help.
    #[error("temporary failure in name resolution")]
    NameServer,
    /// `EBADF`: closed before, or of a process that died.
    #[error("bad file descriptor")]
    Closed,
}

impl Errno {
    /// The kind that the standard library has for it.
    #[must_use]
    pub const fn kind(self) -> io::ErrorKind {
        match self {
            Self::WouldBlock => io::ErrorKind::WouldBlock,
            Self::Refused => io::ErrorKind::ConnectionRefused,
            Self::Reset => io::ErrorKind::ConnectionReset,
            Self::BrokenPipe => io::ErrorKind::BrokenPipe,
            Self::TimedOut => io::ErrorKind::TimedOut,
            Self::InUse => io::ErrorKind::AddrInUse,
            Self::NotAvailable => io::ErrorKind::AddrNotAvailable,
            Self::Unreachable => io::ErrorKind::HostUnreachable,
            Self::NotFound => io::ErrorKind::NotFound,
            Self::Invalid => io::ErrorKind::InvalidInput,
            Self::NotConnected => io::ErrorKind::NotConnected,
            Self::Aborted => io::ErrorKind::ConnectionAborted,
            Self::TooManyFiles | Self::TooLong | Self::NoDestination | Self::NameServer | Self::Closed => {
                io::ErrorKind::Other
            }
        }
    }

    /// The number that Linux has for it on x86-64 and ARM; `None` for [`Self::NameServer`], which is the resolver's.
    #[must_use]
    pub const fn raw(self) -> Option<i32> {
        Some(match self {
            Self::WouldBlock => 11,
            Self::Refused => 111,
            Self::Reset => 104,
            Self::BrokenPipe => 32,
            Self::TimedOut => 110,
            Self::InUse => 98,
            Self::NotAvailable => 99,
            Self::Unreachable => 113,
            Self::TooManyFiles => 24,
            Self::NotFound => 2,
            Self::Invalid => 22,
            Self::NotConnected => 107,
            Self::Aborted => 103,
            Self::TooLong => 90,
            Self::NoDestination => 89,
            Self::Closed => 9,
            Self::NameServer => return None,
        })
    }
}

/// With the number of Linux inside, where this runs on Linux, so that code which looks at it sees what it would see.
impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        match errno.raw() {
            Some(raw) if cfg!(target_os = "linux") => Self::from_raw_os_error(raw),
            Some(_) | None => Self::new(errno.kind(), errno),
        }
    }
}
