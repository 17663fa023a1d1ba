//! A tcp connection whose readiness a reactor knows.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::net::Shutdown;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use super::tcp;
use crate::runtime::{Close, Link};

/// A non-blocking stream, registered for both directions once and for all.
#[derive(Debug)]
pub(super) struct TcpLink {
    stream: TcpStream,
}

impl TcpLink {
    /// Registers a non-blocking stream with the reactor of `handle`.
    pub(super) fn register(stream: std::net::TcpStream, handle: &Handle) -> io::Result<Self> {
        let _registers_here = handle.enter();
        Ok(Self { stream: TcpStream::from_std(stream)? })
    }

    /// A stream that was accepted, with our options.
    pub(super) fn accepted(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// Ready when a connection begun by [`tcp::start_connecting`] stands, or has failed.
    pub(super) fn poll_connected(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            if let Some(error) = self.stream.take_error()? {
                return Poll::Ready(Err(error));
            }
            let connected = self.stream.try_io(Interest::WRITABLE, || match self.stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => Err(ErrorKind::WouldBlock.into()),
                result => result,
            });
            match connected {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result.map(drop)),
            }
        }
    }

    /// Reads without waiting. `WouldBlock` also when no bytes are known to be there.
    fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut read = Err(ErrorKind::WouldBlock.into());
        // What is told to tokio decides about readiness only. A short read has drained the link just as one that would
        // block. Bytes that arrive after it raise readiness anew: tokio takes back what it knew before the read, no more,
        // and never the peer's end.
        let _readiness = self.stream.try_io(Interest::READABLE, || {
            read = loop {
                match rustix::io::read(&self.stream, &mut *buf) {
                    Err(Errno::INTR) => {}
                    result => break result.map_err(io::Error::from),
                }
            };
            match &read {
                Ok(n) if 0 < *n && *n < buf.len() => Err(ErrorKind::WouldBlock.into()),
                Err(error) => Err(error.kind().into()),
                Ok(_) => Ok(()),
            }
        });
        read
    }
}

impl Link for TcpLink {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_read_ready(cx)
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        debug_assert!(!buf.is_empty(), "a read of nothing looks like the peer's end");
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.try_read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn try_writev(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            // The system takes a single slice faster when it need not look for others.
            let written = match bufs {
                [only] => self.stream.try_write(only),
                bufs => self.stream.try_write_vectored(bufs),
            };
            match written {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_write_ready(cx)
    }

    fn close(&self, how: Close) -> io::Result<()> {
        match how {
            Close::Finish => match rustix::net::shutdown(&self.stream, Shutdown::Write) {
                // The peer was faster.
                Ok(()) | Err(Errno::NOTCONN) => Ok(()),
                Err(errno) => Err(errno.into()),
            },
            Close::Reset => tcp::reset_on_close(&self.stream),
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    fn descriptor(&self) -> Option<i32> {
        Some(self.stream.as_raw_fd())
    }
}
