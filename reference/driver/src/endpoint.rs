//! Endpoints: `tcp://HOST:PORT` and `inproc://NAME`.
//!
//! To add a transport that carries octets, such as ipc:
//!
//! 1. Here: a variant of [`Endpoint`], how it is read and written, and whether one can connect to it.
//! 2. In `runtime/mod.rs`: what [`Runtime::listen`](crate::runtime::Runtime::listen) and
//!    [`Runtime::dial`](crate::runtime::Runtime::dial) take besides a socket address. In `runtime/tokio_runtime/`: a
//!    [`Link`](crate::runtime::Link) and a [`Listener`](crate::runtime::Listener) for it, as `link.rs` and `listener.rs`
//!    have them for tcp.
//! 3. Where the compiler then misses an arm: `Socket::bind` and `Socket::connect` in `socket.rs`. Where it does not:
//!    `Dialer::dial` in `dialer.rs`, `listen` in `listener.rs`, and what the suite's adapter of the reference declares.
//!
//! Nothing above a link knows what it is made of: carrier, session and core stay as they are. A transport without octets
//! joins the pipes of two sockets instead, as `inproc.rs` does.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Where a socket binds or connects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// TCP.
    Tcp {
        /// A name, an address (IPv6 in brackets), or `*` for all of this machine's.
        host: String,
        /// 0, also written `*`, has the system choose; only to bind.
        port: u16,
    },
    /// Another socket of the same context.
    Inproc(String),
}

/// What is no endpoint, or none for this purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is no `://`.
    #[error("expected an endpoint such as tcp://127.0.0.1:5555, came \"{0}\"")]
    NoScheme(String),
    /// A transport that is not here.
    #[error("expected tcp or inproc, came the transport \"{0}\"")]
    Scheme(String),
    /// There is no port, or it is none.
    #[error("expected HOST:PORT with a port of 1 to 65535, or * to bind, came \"{0}\"")]
    Port(String),
    /// There is no host.
    #[error("expected a host before the port, came \"{0}\"")]
    Host(String),
    /// `*` or port 0 are only for binding.
    #[error("expected a host and a port to connect to, came \"{0}\", which is only to bind")]
    Wildcard(String),
    /// An inproc endpoint has a name.
    #[error("expected a name behind inproc://")]
    NoName,
}

impl EndpointError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub const fn errno(&self) -> i32 {
        const EINVAL: i32 = 22;
        const EPROTONOSUPPORT: i32 = 93;
        match self {
            Self::Scheme(_) => EPROTONOSUPPORT,
            Self::NoScheme(_) | Self::Port(_) | Self::Host(_) | Self::Wildcard(_) | Self::NoName => EINVAL,
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let Some((scheme, rest)) = text.split_once("://") else { return Err(EndpointError::NoScheme(text.into())) };
        match scheme {
            "inproc" if rest.is_empty() => Err(EndpointError::NoName),
            "inproc" => Ok(Self::Inproc(rest.into())),
            "tcp" => {
                let Some((host, port)) = rest.rsplit_once(':') else { return Err(EndpointError::Port(rest.into())) };
                let digits = port.bytes().all(|octet| octet.is_ascii_digit());
                let port = match port {
                    "*" => 0,
                    port if digits => port.parse().map_err(|_| EndpointError::Port(rest.into()))?,
                    _ => return Err(EndpointError::Port(rest.into())),
                };
                let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                if bare.is_empty() || (bare.contains(':') && bare.len() == host.len()) {
                    return Err(EndpointError::Host(rest.into()));
                }
                Ok(Self::Tcp { host: bare.into(), port })
            }
            _ => Err(EndpointError::Scheme(scheme.into())),
        }
    }
}

impl Endpoint {
    /// The endpoint of an address.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        Self::Tcp { host: address.ip().to_string(), port: address.port() }
    }

    /// The same, if one can connect to it.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Wildcard`].
    pub fn to_connect(self) -> Result<Self, EndpointError> {
        match &self {
            Self::Tcp { host, port } if host == "*" || *port == 0 => Err(EndpointError::Wildcard(self.to_string())),
            Self::Tcp { .. } | Self::Inproc(_) => Ok(self),
        }
    }
}

/// The address that a host stands for without asking anybody.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    match host {
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        host => host.parse::<Ipv4Addr>().map(IpAddr::from).or_else(|_| host.parse::<Ipv6Addr>().map(IpAddr::from)).ok(),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_they_are_written() {
        for text in ["tcp://127.0.0.1:5555", "tcp://[::1]:80", "tcp://a.example:65535", "inproc://a b:c", "tcp://*:0"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        assert_eq!("tcp://*:*".parse(), Ok(Endpoint::Tcp { host: "*".into(), port: 0 }));
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_what_was_expected() {
        let refused = |text: &str| text.parse::<Endpoint>().unwrap_err().to_string();
        insta::assert_snapshot!(
            ["", "localhost:1", "udp://x:1", "tcp://x", "tcp://:1", "tcp://x:", "tcp://x:+1", "tcp://x:65536", "tcp://::1:5", "inproc://"]
                .map(|text| format!("{text:?}: {}", refused(text)))
                .join("\n"),
            @r#"
        "": expected an endpoint such as tcp://127.0.0.1:5555, came ""
        "localhost:1": expected an endpoint such as tcp://127.0.0.1:5555, came "localhost:1"
        "udp://x:1": expected tcp or inproc, came the transport "udp"
        "tcp://x": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x"
        "tcp://:1": expected a host before the port, came ":1"
        "tcp://x:": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x:"
        "tcp://x:+1": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x:+1"
        "tcp://x:65536": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x:65536"
        "tcp://::1:5": expected a host before the port, came "::1:5"
        "inproc://": expected a name behind inproc://
        "#
        );
        assert!("tcp://*:1".parse::<Endpoint>().unwrap().to_connect().is_err());
        assert!("tcp://x:*".parse::<Endpoint>().unwrap().to_connect().is_err());
    }
}
