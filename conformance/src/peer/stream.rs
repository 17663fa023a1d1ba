//! The streams over which raw peers meet a subject: tcp, and ipc.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

/// A connected stream.
#[derive(Debug)]
pub enum Stream {
    /// Of `tcp://`.
    Tcp(TcpStream),
    /// Of `ipc://`.
    Ipc(UnixStream),
}

/// A listener of the harness.
#[derive(Debug)]
pub enum Listener {
    /// Of `tcp://`.
    Tcp(TcpListener),
    /// Of `ipc://`.
    Ipc(UnixListener),
}

impl Stream {
    /// Makes reads and writes return at once, and small writes leave at once.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn prepare(&self) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)
            }
            Self::Ipc(stream) => stream.set_nonblocking(true),
        }
    }

    /// Ends both directions. That the other side did so before is no error here.
    pub fn shutdown(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Ipc(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Ipc(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(octets),
            Self::Ipc(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Ipc(stream) => stream.flush(),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Ipc(stream) => stream.as_fd(),
        }
    }
}

impl Listener {
    /// The next connection.
    ///
    /// # Errors
    /// Those of `accept`; `WouldBlock` if there is none yet.
    pub fn accept(&self) -> std::io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Self::Ipc(listener) => listener.accept().map(|(stream, _)| Stream::Ipc(stream)),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Ipc(listener) => listener.as_fd(),
        }
    }
}
