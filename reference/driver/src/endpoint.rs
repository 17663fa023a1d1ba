//! Endpoints as text: `tcp://HOST:PORT`, `ipc://PATH`, `inproc://NAME`.
//!
//! To add a transport that carries octets:
//!
//! 1. Here: a variant of [`Endpoint`], how it is read and written, and whether one can connect to it.
//! 2. In `runtime/address.rs` a variant of [`Address`]; in `runtime/tokio_runtime/` a [`Link`](crate::runtime::Link) and a
//!    [`Listener`](crate::runtime::Listener) for it, as `link.rs` and `listener.rs` have them for tcp and ipc.
//! 3. Where the compiler then misses an arm: `to_bind` and `to_dial` in `address.rs`. Where it does not: what the suite's
//!    adapter of the reference declares.
//!
//! Nothing above a link knows what it is made of: carrier, session and core stay as they are. A transport without octets
//! joins the pipes of two sockets instead, as `joining` of the core does.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use crate::runtime::{Address, IpcAddress};

/// Where a socket binds or connects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// TCP.
    Tcp {
        /// To bind: `*` for all addresses of this machine, an address, the name of a network interface, or a name. To
        /// connect: an address or a name. Without the brackets of an IPv6 address; that may have a zone: `fe80::1%eth0`.
        host: String,
        /// 0, also written `*`, has the system choose; only to bind.
        port: u16,
        /// Where to connect from, written before a semicolon: `tcp://SOURCE:PORT;HOST:PORT`.
        source: Option<TcpSource>,
    },
    /// A socket of the same machine.
    Ipc(IpcName),
    /// Another socket of the same context.
    Inproc(String),
}

/// Where a tcp connection comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TcpSource {
    /// As the host that one binds to.
    pub host: String,
    /// 0, also written `*`, has the system choose.
    pub port: u16,
}

/// What is behind `ipc://`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum IpcName {
    /// A path, absolute or of the working directory.
    Path(String),
    /// A name that is in no file system, written behind `@`. Linux only.
    Abstract(String),
    /// `*`: a file in a new folder for temporary ones, which goes with the listener; only to bind.
    Anywhere,
}

/// What is no endpoint, or none for this purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is no `://`.
    #[error("expected an endpoint such as tcp://127.0.0.1:5555, came \"{0}\"")]
    NoScheme(String),
    /// A transport that is not here.
    #[error("expected tcp, ipc or inproc, came the transport \"{0}\"")]
    Scheme(String),
    /// A transport that none of our socket types can use.
    #[error("expected tcp, ipc or inproc: no socket type that is here can use the transport \"{0}\"")]
    Incompatible(String),
    /// There is no port, or it is none.
    #[error("expected HOST:PORT with a port of 1 to 65535, or * to bind, came \"{0}\"")]
    Port(String),
    /// There is no host, or it is none.
    #[error("expected a host before the port, came \"{0}\"")]
    Host(String),
    /// `*` or port 0 are only for binding.
    #[error("expected a host and a port, or a path, to connect to, came \"{0}\", which is only to bind")]
    Wildcard(String),
    /// A source address is only for connecting.
    #[error("expected an endpoint to bind, came \"{0}\" with the address that a connection would come from")]
    Source(String),
    /// An inproc or ipc endpoint has a name.
    #[error("expected a name behind {0}")]
    NoName(&'static str),
    /// An ipc endpoint has to have room in the system's address.
    #[error("expected a path of at most {most} octets, came one of {came}")]
    TooLong {
        /// Octets of the path that was given.
        came: usize,
        /// Octets that the system has room for.
        most: usize,
    },
}

impl EndpointError {
    /// The number that libzmq gives for this on Linux.
    #[must_use]
    pub const fn errno(&self) -> i32 {
        const EINVAL: i32 = 22;
        const ENAMETOOLONG: i32 = 36;
        const EPROTONOSUPPORT: i32 = 93;
        const ENOCOMPATPROTO: i32 = 156_384_764;
        match self {
            Self::Scheme(_) => EPROTONOSUPPORT,
            Self::Incompatible(_) => ENOCOMPATPROTO,
            Self::TooLong { .. } => ENAMETOOLONG,
            Self::NoScheme(_)
            | Self::Port(_)
            | Self::Host(_)
            | Self::Wildcard(_)
            | Self::Source(_)
            | Self::NoName(_) => EINVAL,
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let Some((scheme, rest)) = text.split_once("://") else { return Err(EndpointError::NoScheme(text.into())) };
        match scheme {
            "inproc" if rest.is_empty() => Err(EndpointError::NoName("inproc://")),
            "inproc" => Ok(Self::Inproc(rest.into())),
            "ipc" => ipc_name(rest).map(Self::Ipc),
            "tcp" => {
                let (source, target) = match rest.split_once(';') {
                    Some((source, target)) => (Some(host_and_port(source)?), target),
                    None => (None, rest),
                };
                let (host, port) = host_and_port(target)?;
                Ok(Self::Tcp { host, port, source: source.map(|(host, port)| TcpSource { host, port }) })
            }
            "udp" => Err(EndpointError::Incompatible(scheme.into())),
            _ => Err(EndpointError::Scheme(scheme.into())),
        }
    }
}

fn ipc_name(name: &str) -> Result<IpcName, EndpointError> {
    if name.len() > IpcAddress::MAX_OCTETS {
        return Err(EndpointError::TooLong { came: name.len(), most: IpcAddress::MAX_OCTETS });
    }
    match name.strip_prefix('@') {
        _ if name.is_empty() => Err(EndpointError::NoName("ipc://")),
        Some("") => Err(EndpointError::NoName("ipc://@")),
        Some(name) => Ok(IpcName::Abstract(name.into())),
        None if name == "*" => Ok(IpcName::Anywhere),
        None => Ok(IpcName::Path(name.into())),
    }
}

/// A host without its brackets, and a port.
pub(crate) fn host_and_port(text: &str) -> Result<(String, u16), EndpointError> {
    let Some((host, port)) = text.rsplit_once(':') else { return Err(EndpointError::Port(text.into())) };
    let digits = port.bytes().all(|octet| octet.is_ascii_digit());
    let port = match port {
        "*" => 0,
        port if digits => port.parse().map_err(|_| EndpointError::Port(text.into()))?,
        _ => return Err(EndpointError::Port(text.into())),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let of_a_name = |character: char| character.is_alphanumeric() || ".-_%:@".contains(character);
    let begins = bare.starts_with(|first: char| first.is_alphanumeric() || "_:".contains(first));
    let is_name = bare == "*" || (begins && bare.chars().all(of_a_name));
    if !is_name || (bare.contains(':') && bare.len() == host.len()) {
        return Err(EndpointError::Host(text.into()));
    }
    Ok((bare.into(), port))
}

impl Endpoint {
    /// The endpoint of an address.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(address) if address.scope_id() != 0 => format!("{}%{}", address.ip(), address.scope_id()),
            SocketAddr::V4(_) | SocketAddr::V6(_) => address.ip().to_string(),
        };
        Self::Tcp { host, port: address.port(), source: None }
    }

    /// The endpoint of an address; `None` for one that has no name. What is no text in it is replaced.
    #[must_use]
    pub fn at(address: &Address) -> Option<Self> {
        match address {
            Address::Tcp(address) => Some(Self::of(*address)),
            Address::Ipc(IpcAddress::Path(path)) => Some(Self::Ipc(IpcName::Path(path.to_string_lossy().into_owned()))),
            Address::Ipc(IpcAddress::Abstract(name)) => {
                Some(Self::Ipc(IpcName::Abstract(String::from_utf8_lossy(name).into_owned())))
            }
            Address::Ipc(IpcAddress::Anywhere | IpcAddress::Unnamed) => None,
        }
    }

    /// The same, if one can connect to it.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Wildcard`].
    pub fn to_connect(self) -> Result<Self, EndpointError> {
        match &self {
            Self::Tcp { host, port, .. } if host == "*" || *port == 0 => Err(EndpointError::Wildcard(self.to_string())),
            Self::Ipc(IpcName::Anywhere) => Err(EndpointError::Wildcard(self.to_string())),
            Self::Tcp { .. } | Self::Ipc(IpcName::Path(_) | IpcName::Abstract(_)) | Self::Inproc(_) => Ok(self),
        }
    }

    /// The same, if one can bind to it.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Source`].
    pub fn to_bind(self) -> Result<Self, EndpointError> {
        match &self {
            Self::Tcp { source: Some(_), .. } => Err(EndpointError::Source(self.to_string())),
            Self::Tcp { source: None, .. } | Self::Ipc(_) | Self::Inproc(_) => Ok(self),
        }
    }

    /// Whether the text says where it is, and leaves nothing to the system.
    pub(crate) fn is_definite(&self) -> bool {
        match self {
            Self::Tcp { port, .. } => *port != 0,
            Self::Ipc(name) => *name != IpcName::Anywhere,
            Self::Inproc(_) => true,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        match self {
            Self::Tcp { host, port, source } => {
                f.write_str("tcp://")?;
                if let Some(TcpSource { host, port }) = source {
                    write!(f, "{}:{port};", bracketed(host))?;
                }
                write!(f, "{}:{port}", bracketed(host))
            }
            Self::Ipc(IpcName::Path(path)) => write!(f, "ipc://{path}"),
            Self::Ipc(IpcName::Abstract(name)) => write!(f, "ipc://@{name}"),
            Self::Ipc(IpcName::Anywhere) => f.write_str("ipc://*"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_they_are_written() {
        for text in [
            "tcp://127.0.0.1:5555",
            "tcp://[::1]:80",
            "tcp://[fe80::1%eth0]:80",
            "tcp://a.example:65535",
            "tcp://lo:0;[::1]:5",
            "inproc://a b:c",
            "tcp://*:0",
            "ipc:///run/a b",
            "ipc://relative",
            "ipc://@name",
            "ipc://*",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
        assert_eq!("tcp://*:*".parse(), Ok(Endpoint::Tcp { host: "*".into(), port: 0, source: None }));
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_what_was_expected() {
        let refused = |text: &str| text.parse::<Endpoint>().unwrap_err().to_string();
        insta::assert_snapshot!(
            ["", "localhost:1", "foo://x:1", "udp://x:1", "tcp://x", "tcp://:1", "tcp://x:", "tcp://x:+1", "tcp://x:65536", "tcp://::1:5", "tcp://a b:5", "tcp://-a:5", "tcp://a;b:5", "inproc://", "ipc://", "ipc://@"]
                .map(|text| format!("{text:?}: {}", refused(text)))
                .join("\n"),
            @r#"
        "": expected an endpoint such as tcp://127.0.0.1:5555, came ""
        "localhost:1": expected an endpoint such as tcp://127.0.0.1:5555, came "localhost:1"
        "foo://x:1": expected tcp, ipc or inproc, came the transport "foo"
        "udp://x:1": expected tcp, ipc or inproc: no socket type that is here can use the transport "udp"
        "tcp://x": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x"
        "tcp://:1": expected a host before the port, came ":1"
        "tcp://x:": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x:"
        "tcp://x:+1": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x:+1"
        "tcp://x:65536": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "x:65536"
        "tcp://::1:5": expected a host before the port, came "::1:5"
        "tcp://a b:5": expected a host before the port, came "a b:5"
        "tcp://-a:5": expected a host before the port, came "-a:5"
        "tcp://a;b:5": expected HOST:PORT with a port of 1 to 65535, or * to bind, came "a"
        "inproc://": expected a name behind inproc://
        "ipc://": expected a name behind ipc://
        "ipc://@": expected a name behind ipc://@
        "#
        );
        assert!("tcp://*:1".parse::<Endpoint>().unwrap().to_connect().is_err());
        assert!("tcp://x:*".parse::<Endpoint>().unwrap().to_connect().is_err());
        assert!("ipc://*".parse::<Endpoint>().unwrap().to_connect().is_err());
        assert!("tcp://x:1;y:2".parse::<Endpoint>().unwrap().to_bind().is_err());
    }

    #[test]
    fn an_ipc_path_fits_into_the_address_of_the_system() {
        let most = IpcAddress::MAX_OCTETS;
        assert!(format!("ipc://{}", "p".repeat(most)).parse::<Endpoint>().is_ok());
        let too_long = format!("ipc://{}", "p".repeat(most + 1)).parse::<Endpoint>().unwrap_err();
        assert_eq!((too_long.errno(), &too_long), (36, &EndpointError::TooLong { came: most + 1, most }));
    }
}
