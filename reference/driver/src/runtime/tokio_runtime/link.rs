//! A connection whose readiness a reactor knows: tcp, or a unix stream.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, AsRawFd};
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::Shutdown;
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::Handle;

use super::{ipc, tcp};
use crate::runtime::{Address, Close, Credentials, IpcAddress, Link};

/// A non-blocking stream, registered for both directions once and for all.
#[derive(Debug)]
pub(super) struct StreamLink<S> {
    stream: S,
}

/// What streams of tokio have in common, which has no trait for it.
pub(super) trait Stream: AsFd + AsRawFd + Send + Sync + fmt::Debug {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R>;
    fn try_write(&self, buf: &[u8]) -> io::Result<usize>;
    fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;
    fn take_error(&self) -> io::Result<Option<io::Error>>;
    fn local_addr(&self) -> io::Result<Address>;
    fn peer_addr(&self) -> io::Result<Address>;
    fn credentials(&self) -> Option<Credentials>;
}

macro_rules! same_methods {
    () => {
        #[inline]
        fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_read_ready(cx)
        }

        #[inline]
        fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_write_ready(cx)
        }

        #[inline]
        fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
            self.try_io(interest, f)
        }

        #[inline]
        fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
            self.try_write(buf)
        }

        #[inline]
        fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            self.try_write_vectored(bufs)
        }

        fn take_error(&self) -> io::Result<Option<io::Error>> {
            self.take_error()
        }
    };
}

impl Stream for TcpStream {
    same_methods!();

    fn local_addr(&self) -> io::Result<Address> {
        self.local_addr().map(Address::Tcp)
    }

    fn peer_addr(&self) -> io::Result<Address> {
        self.peer_addr().map(Address::Tcp)
    }

    fn credentials(&self) -> Option<Credentials> {
        None
    }
}

impl Stream for UnixStream {
    same_methods!();

    fn local_addr(&self) -> io::Result<Address> {
        Ok(Address::Ipc(ipc::address(&rustix::net::getsockname(self)?.try_into()?)))
    }

    fn peer_addr(&self) -> io::Result<Address> {
        Ok(match rustix::net::getpeername(self)? {
            Some(peer) => Address::Ipc(ipc::address(&peer.try_into()?)),
            None => Address::Ipc(IpcAddress::Unnamed),
        })
    }

    fn credentials(&self) -> Option<Credentials> {
        let peer = self.peer_cred().ok()?;
        Some(Credentials { process: peer.pid(), user: peer.uid(), group: peer.gid() })
    }
}

impl StreamLink<TcpStream> {
    /// Registers a non-blocking stream with the reactor of `handle`.
    pub(super) fn register(stream: std::net::TcpStream, handle: &Handle) -> io::Result<Self> {
        let _registers_here = handle.enter();
        TcpStream::from_std(stream).map(Self::new)
    }
}

impl StreamLink<UnixStream> {
    /// Registers a non-blocking stream with the reactor of `handle`.
    pub(super) fn register(stream: std::os::unix::net::UnixStream, handle: &Handle) -> io::Result<Self> {
        let _registers_here = handle.enter();
        UnixStream::from_std(stream).map(Self::new)
    }
}

impl<S: Stream> StreamLink<S> {
    /// A stream that a reactor knows.
    pub(super) const fn new(stream: S) -> Self {
        Self { stream }
    }

    /// Ready when a connection begun by `start_connecting` stands, or has failed.
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

impl<S: Stream> Link for StreamLink<S> {
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

    fn is_gone(&self) -> bool {
        let ends = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        let mut asked = [PollFd::new(&self.stream, PollFlags::RDHUP)];
        poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok() && asked[0].revents().intersects(ends)
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

    fn local_addr(&self) -> io::Result<Address> {
        self.stream.local_addr()
    }

    fn peer_addr(&self) -> io::Result<Address> {
        self.stream.peer_addr()
    }

    fn credentials(&self) -> Option<Credentials> {
        self.stream.credentials()
    }

    fn descriptor(&self) -> Option<i32> {
        Some(self.stream.as_raw_fd())
    }
}
