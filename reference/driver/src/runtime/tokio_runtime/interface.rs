//! The addresses of network interfaces.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::runtime::Family;

/// The first address of an interface in a family, with port 0.
pub(super) fn address(name: &str, family: Family) -> io::Result<Option<SocketAddr>> {
    let (mut v4, mut v6) = (None, None);
    for of in nix::ifaddrs::getifaddrs()?.filter(|of| of.interface_name == name) {
        let Some(address) = of.address else { continue };
        if let Some(address) = address.as_sockaddr_in() {
            v4.get_or_insert(SocketAddr::V4(SocketAddrV4::new(address.ip(), 0)));
        } else if let Some(address) = address.as_sockaddr_in6() {
            v6.get_or_insert(SocketAddr::V6(SocketAddrV6::new(address.ip(), 0, 0, address.scope_id())));
        }
    }
    Ok(match family {
        Family::V4 => v4,
        Family::Any => v6.or(v4),
    })
}
