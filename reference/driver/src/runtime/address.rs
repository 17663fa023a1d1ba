//! Addresses of links: what an endpoint comes down to once names are looked up.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a listener listens, and where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A stream between processes of one machine.
    Ipc(IpcAddress),
}

/// The address of a unix stream socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IpcAddress {
    /// A file. Of at most [`IpcAddress::MAX_OCTETS`] octets.
    Path(PathBuf),
    /// A name outside of the file system, which ends with its last socket. Linux only.
    Abstract(Vec<u8>),
    /// A file in a folder that the listener makes for it, which only this user enters. Only to listen at.
    Anywhere,
    /// An end that was given no name: that of whoever connects.
    Unnamed,
}

impl IpcAddress {
    /// Octets of a path, or of an abstract name and its `@`: what the system's address has room for.
    pub const MAX_OCTETS: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl Address {
    /// The address of a tcp socket.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Ipc(_) => None,
        }
    }
}

/// As an endpoint.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Ipc(IpcAddress::Path(path)) => write!(f, "ipc://{}", path.display()),
            Self::Ipc(IpcAddress::Abstract(name)) => write!(f, "ipc://@{}", String::from_utf8_lossy(name)),
            Self::Ipc(IpcAddress::Anywhere) => f.write_str("ipc://*"),
            Self::Ipc(IpcAddress::Unnamed) => f.write_str("ipc://"),
        }
    }
}

/// Who is at the other end of an ipc link, as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// The process; `None` where the system does not tell.
    pub process: Option<i32>,
    /// The effective user.
    pub user: u32,
    /// The effective group.
    pub group: u32,
}
