//! Endpoints, as far as simulated hosts have them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use zmq_world::{Address, HostId, World};

use crate::actor::Failure;

/// Where a socket binds or connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `tcp://HOST:PORT`.
    Tcp {
        /// A name, an address, or `*`.
        host: String,
        /// 0, also written `*`: any.
        port: u16,
    },
    /// `ipc://PATH` or `ipc://@NAME`.
    Ipc(Address),
    /// `inproc://NAME`.
    Inproc(String),
}

const EINVAL: i32 = 22;
const ENODEV: i32 = 19;
const EPROTONOSUPPORT: i32 = 93;

impl Endpoint {
    /// Reads an endpoint.
    ///
    /// # Errors
    ///
    /// A [`Failure`] with libzmq's number.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let refused = |errno, what: &str| Failure { errno, why: format!("expected {what}, came \"{text}\"") };
        match text.split_once("://") {
            Some(("tcp", rest)) => {
                let no_port = || refused(EINVAL, "tcp://HOST:PORT");
                let (host, port) = rest.rsplit_once(':').ok_or_else(no_port)?;
                let port = if port == "*" { 0 } else { port.parse().map_err(|_| no_port())? };
                let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                if host.is_empty() { Err(no_port()) } else { Ok(Self::Tcp { host: host.to_owned(), port }) }
            }
            Some(("ipc" | "inproc", "" | "@")) => Err(refused(EINVAL, "a name behind ://")),
            Some(("ipc", rest)) => Ok(Self::Ipc(match rest.strip_prefix('@') {
                Some(name) => Address::Abstract(name.as_bytes().to_vec()),
                None => Address::Path(rest.to_owned()),
            })),
            Some(("inproc", rest)) => Ok(Self::Inproc(rest.to_owned())),
            Some(_) => Err(refused(EPROTONOSUPPORT, "tcp, ipc or inproc")),
            None => Err(refused(EINVAL, "an endpoint such as tcp://host:5555")),
        }
    }

    /// Whether one can connect to it.
    pub(super) fn check_to_connect(&self) -> Result<(), Failure> {
        match self {
            Self::Tcp { host, port } if host == "*" || *port == 0 => {
                Err(Failure { errno: EINVAL, why: format!("{self} is only to bind") })
            }
            Self::Tcp { .. } | Self::Ipc(_) | Self::Inproc(_) => Ok(()),
        }
    }

    /// Where to listen on that host.
    ///
    /// # Panics
    ///
    /// For inproc, which has no addresses.
    pub(super) fn to_bind(&self, world: &World, host: HostId) -> Result<Address, Failure> {
        match self {
            Self::Ipc(address) => Ok(address.clone()),
            Self::Inproc(_) => unreachable!("inproc has no addresses"),
            Self::Tcp { host: at, port } => {
                let ours = || world.host_name(host) == at;
                let ip = match at.parse::<IpAddr>() {
                    Ok(ip) => Some(ip),
                    Err(_) if at == "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
                    Err(_) if at == "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
                    Err(_) => world.addresses(host).first().copied().filter(|_| ours()),
                };
                let failed = || Failure { errno: ENODEV, why: format!("{at} is no address of this host") };
                Ok(Address::Tcp(SocketAddr::new(ip.ok_or_else(failed)?, *port)))
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ipc(address) => write!(f, "ipc://{address}"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_they_are_written() {
        for text in ["tcp://server:5555", "tcp://*:0", "tcp://[::1]:80", "ipc://a/b", "ipc://@name", "inproc://x"] {
            assert_eq!(Endpoint::read(text).unwrap().to_string(), text);
        }
        assert_eq!(Endpoint::read("tcp://*:*").unwrap().to_string(), "tcp://*:0");
        for (text, errno) in
            [("server:1", 22), ("tcp://server", 22), ("tcp://:1", 22), ("ipc://", 22), ("udp://x:1", 93)]
        {
            assert_eq!(Endpoint::read(text).unwrap_err().errno, errno, "{text}");
        }
    }
}
