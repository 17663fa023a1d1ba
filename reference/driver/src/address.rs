//! From endpoints to addresses: names, interfaces, families.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use zmq_core::options::{Options, SocksProxy};

use crate::endpoint::{Endpoint, IpcName, TcpSource, host_and_port};
use crate::error::EndpointFailed;
use crate::runtime::{Address, Family, IpcAddress, Runtime};

/// The address to listen at.
pub(crate) async fn to_bind(
    runtime: &dyn Runtime,
    endpoint: &Endpoint,
    options: &Options,
) -> Result<Address, EndpointFailed> {
    match endpoint {
        Endpoint::Tcp { host, port, .. } => match of_this_machine(runtime, host, *port, options).await {
            Ok(Some(address)) => Ok(address.into()),
            Ok(None) => Err(EndpointFailed::NoDevice(endpoint.to_string())),
            Err(why) => Err(EndpointFailed::Listen { endpoint: endpoint.to_string(), why }),
        },
        Endpoint::Ipc(name) => Ok(Address::Ipc(ipc(name))),
        Endpoint::Inproc(_) => unreachable!("inproc has no addresses"),
    }
}

/// The addresses to try in turn. Looked up at each attempt: a name may have come to mean another address.
pub(crate) async fn to_dial(runtime: &dyn Runtime, endpoint: &Endpoint, options: &Options) -> io::Result<Vec<Address>> {
    match endpoint {
        Endpoint::Tcp { host, port, .. } => {
            let mut found = runtime.resolve(host, *port).await?;
            found.retain(|address| options.ipv6 || address.is_ipv4());
            if found.is_empty() {
                return Err(io::Error::new(ErrorKind::AddrNotAvailable, "the host has no address of IPv4"));
            }
            Ok(found.into_iter().map(Address::Tcp).collect())
        }
        Endpoint::Ipc(name) => Ok(vec![Address::Ipc(ipc(name))]),
        Endpoint::Inproc(_) => unreachable!("inproc has no addresses"),
    }
}

/// The addresses of a proxy.
pub(crate) async fn of_proxy(runtime: &dyn Runtime, proxy: &SocksProxy, options: &Options) -> io::Result<Vec<Address>> {
    let (host, port) = host_and_port(&proxy.address).map_err(io::Error::other)?;
    to_dial(runtime, &Endpoint::Tcp { host, port, source: None }, options).await
}

/// The address that a connection comes from, of the family of the one that it goes to.
pub(crate) async fn source(
    runtime: &dyn Runtime,
    source: &TcpSource,
    to: SocketAddr,
    options: &Options,
) -> io::Result<SocketAddr> {
    let options = Options { ipv6: to.is_ipv6(), ..options.clone() };
    let found = of_this_machine(runtime, &source.host, source.port, &options).await?;
    found.ok_or_else(|| {
        io::Error::new(ErrorKind::AddrNotAvailable, "there is no such interface or host to connect from")
    })
}

/// The address of this machine that a host stands for: `*`, an address, the name of an interface, a name.
async fn of_this_machine(
    runtime: &dyn Runtime,
    host: &str,
    port: u16,
    options: &Options,
) -> io::Result<Option<SocketAddr>> {
    let found = if host == "*" {
        Some(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
    } else if let Ok(address) = host.parse::<IpAddr>() {
        Some(SocketAddr::new(address, port))
    } else if let Some(mut address) = runtime.interface(host, if options.ipv6 { Family::Any } else { Family::V4 })? {
        address.set_port(port);
        Some(address)
    } else {
        let found = runtime.resolve(host, port).await.unwrap_or_default();
        // As libzmq, IPv4 first: a name that means both is listened at where everybody reaches it.
        let v4 = found.iter().find(|address| address.is_ipv4());
        v4.or(found.first()).copied()
    };
    Ok(match found {
        Some(SocketAddr::V6(_)) if !options.ipv6 => None,
        Some(SocketAddr::V4(address)) if options.ipv6 => Some(SocketAddr::new(
            if address.ip().is_unspecified() {
                Ipv6Addr::UNSPECIFIED.into()
            } else {
                address.ip().to_ipv6_mapped().into()
            },
            port,
        )),
        found => found,
    })
}

fn ipc(name: &IpcName) -> IpcAddress {
    match name {
        IpcName::Path(path) => IpcAddress::Path(path.into()),
        IpcName::Abstract(name) => IpcAddress::Abstract(name.as_bytes().to_vec()),
        IpcName::Anywhere => IpcAddress::Anywhere,
    }
}
