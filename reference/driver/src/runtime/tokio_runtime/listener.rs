//! A listening tcp socket whose readiness a reactor knows.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::link::TcpLink;
use crate::runtime::{Link, Listener};

/// A non-blocking listener, and the reactors that its connections may go to.
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
        Poll::Ready(Ok(Box::new(TcpLink::accepted(stream)?)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    fn descriptor(&self) -> Option<i32> {
        Some(self.listener.as_raw_fd())
    }
}
