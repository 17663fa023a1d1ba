//! Stream sockets that nobody has connected yet.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketType};

/// A non-blocking stream socket that a started program does not inherit.
pub(super) fn socket(family: AddressFamily) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let socket = {
        use rustix::net::SocketFlags;
        net::socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?
    };
    #[cfg(not(target_os = "linux"))]
    let socket = {
        let socket = net::socket(family, SocketType::STREAM, None)?;
        adopt(&socket)?;
        socket
    };
    Ok(socket)
}

/// Makes a socket of somebody else's one that a reactor can take.
pub(super) fn adopt(socket: &OwnedFd) -> io::Result<()> {
    rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(socket, true)?;
    Ok(())
}

/// What a call to connect without waiting means.
pub(super) fn start(connecting: Result<(), Errno>) -> io::Result<()> {
    match connecting {
        // Interrupted, the attempt goes on just as when it is in progress.
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
