//! Non-blocking tcp sockets with our options, before a reactor knows them.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketType, sockopt};

/// A listening socket with `SO_REUSEADDR`, so that a restarted program gets its port back at once.
pub(super) fn listen(at: &SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = socket(at)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, at)?;
    net::listen(&socket, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(TcpListener::from(socket))
}

/// A socket that is on its way to `to`: it is connected when it becomes writable without an error.
pub(super) fn start_connecting(to: &SocketAddr) -> io::Result<TcpStream> {
    let socket = socket(to)?;
    match net::connect(&socket, to) {
        // Interrupted, the attempt goes on just as when it is in progress.
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Has the kernel send RST when the socket is closed.
pub(super) fn reset_on_close(stream: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(stream, Some(std::time::Duration::ZERO))?)
}

fn socket(of: &SocketAddr) -> io::Result<OwnedFd> {
    let family = match of {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    #[cfg(target_os = "linux")]
    let socket = {
        use rustix::net::SocketFlags;
        net::socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?
    };
    #[cfg(not(target_os = "linux"))]
    let socket = {
        let socket = net::socket(family, SocketType::STREAM, None)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        socket
    };
    Ok(socket)
}
