//! Listening sockets that somebody else made.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, sockopt};
use tokio::runtime::Handle;

use super::listener::{IpcAcceptor, TcpAcceptor};
use super::unconnected::adopt;
use crate::runtime::Listener;

/// A listener of a socket that listens already, whatever its address. Its file, if it has one, is whoever's made it.
pub(super) fn listener(given: OwnedFd, handle: &Handle, all: Vec<Handle>) -> io::Result<Box<dyn Listener>> {
    adopt(&given)?;
    let family = rustix::net::getsockname(&given)?.address_family();
    #[cfg(target_os = "linux")]
    if !sockopt::socket_acceptconn(&given)? {
        return Err(ErrorKind::InvalidInput.into());
    }
    match family {
        AddressFamily::INET | AddressFamily::INET6 => Ok(Box::new(TcpAcceptor::register(given.into(), handle, all)?)),
        AddressFamily::UNIX => Ok(Box::new(IpcAcceptor::register(given.into(), None, handle, all)?)),
        _ => Err(ErrorKind::Unsupported.into()),
    }
}
