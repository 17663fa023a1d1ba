//! Listening sockets whose readiness a reactor knows.

use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Handle;

use super::ipc::{self, File};
use super::link::StreamLink;
use crate::runtime::{Address, IpcAddress, Link, Listener};

/// A non-blocking tcp listener, and the reactors that its connections may go to.
#[derive(Debug)]
pub(super) struct TcpAcceptor {
    listener: TcpListener,
    reactors: Vec<Handle>,
}

impl TcpAcceptor {
    /// Registers a non-blocking listener with the reactor of `handle`.
    pub(super) fn register(
        listener: std::net::TcpListener,
        handle: &Handle,
        reactors: Vec<Handle>,
    ) -> io::Result<Self> {
        let _registers_here = handle.enter();
        Ok(Self { listener: TcpListener::from_std(listener)?, reactors })
    }
}

impl Listener for TcpAcceptor {
    fn poll_accept(&self, cx: &mut Context<'_>, index: usize) -> Poll<io::Result<Box<dyn Link>>> {
        // Tokio registers the new stream with the reactor that is entered, whichever one polls.
        let _registers_here = self.reactors[index % self.reactors.len()].enter();
        let (stream, _) = ready!(self.listener.poll_accept(cx))?;
        stream.set_nodelay(true)?;
        Poll::Ready(Ok(Box::new(StreamLink::new(stream))))
    }

    fn local_addr(&self) -> io::Result<Address> {
        self.listener.local_addr().map(Address::Tcp)
    }

    fn descriptor(&self) -> Option<i32> {
        Some(self.listener.as_raw_fd())
    }
}

/// A non-blocking ipc listener, and the reactors that its connections may go to.
#[derive(Debug)]
pub(super) struct IpcAcceptor {
    listener: UnixListener,
    address: IpcAddress,
    reactors: Vec<Handle>,
    _file: Option<File>,
}

impl IpcAcceptor {
    /// Registers a non-blocking listener with the reactor of `handle`. `file` goes with it.
    pub(super) fn register(
        listener: std::os::unix::net::UnixListener,
        file: Option<File>,
        handle: &Handle,
        reactors: Vec<Handle>,
    ) -> io::Result<Self> {
        let address = ipc::address(&rustix::net::getsockname(&listener)?.try_into()?);
        let _registers_here = handle.enter();
        Ok(Self { listener: UnixListener::from_std(listener)?, address, reactors, _file: file })
    }
}

impl Listener for IpcAcceptor {
    fn poll_accept(&self, cx: &mut Context<'_>, index: usize) -> Poll<io::Result<Box<dyn Link>>> {
        let _registers_here = self.reactors[index % self.reactors.len()].enter();
        let (stream, _) = ready!(self.listener.poll_accept(cx))?;
        Poll::Ready(Ok(Box::new(StreamLink::new(stream))))
    }

    fn local_addr(&self) -> io::Result<Address> {
        Ok(Address::Ipc(self.address.clone()))
    }

    fn descriptor(&self) -> Option<i32> {
        Some(self.listener.as_raw_fd())
    }
}
