//! Where sockets are.

use std::fmt;
use std::net::SocketAddr;

/// Where a socket is, or is to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// An IP address and a port. Port 0 has the host choose.
    Tcp(SocketAddr),
    /// A path in the host's file system. Each host has its own.
    Path(String),
    /// A name in the host's abstract namespace, which vanishes with its listener.
    Abstract(Vec<u8>),
    /// An end of a connection of that host that was never bound: who dials a path or an abstract name.
    Unnamed,
}

/// As endpoints are written: `127.0.0.1:5555`, `/tmp/path`, `@name`, and `(unnamed)`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Path(path) => path.fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
            Self::Unnamed => f.write_str("(unnamed)"),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// Who is at the other end of a connection by path or abstract name, as `SO_PEERCRED` has it: who dialled, or who called
/// `listen`, at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credentials {
    /// The process. A host's process has a new one after each restart.
    pub process: u32,
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}
