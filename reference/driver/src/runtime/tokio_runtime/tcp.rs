//! Non-blocking tcp sockets with our options, before a reactor knows them.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{self, AddressFamily, sockopt};
use zmq_core::options::{Probing, TcpOptions};

use super::unconnected::{socket, start};

/// A listening socket with `SO_REUSEADDR`, so that a restarted program gets its port back at once.
pub(super) fn listen(at: &SocketAddr, backlog: u32, options: &TcpOptions) -> io::Result<TcpListener> {
    let socket = configured(at, options)?;
    if at.is_ipv6() {
        // One listener for both, whatever the system's default is.
        sockopt::set_ipv6_v6only(&socket, false)?;
    }
    sockopt::set_socket_reuseaddr(&socket, true)?;
    net::bind(&socket, at)?;
    net::listen(&socket, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(TcpListener::from(socket))
}

/// A socket that is on its way to `to`: it is connected when it becomes writable without an error.
pub(super) fn start_connecting(
    to: &SocketAddr,
    source: Option<SocketAddr>,
    options: &TcpOptions,
) -> io::Result<TcpStream> {
    let socket = configured(to, options)?;
    if let Some(source) = source {
        // A port of our choice must be usable again for the next attempt.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        net::bind(&socket, &source)?;
    }
    start(net::connect(&socket, to))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Has the kernel send RST when the socket is closed.
pub(super) fn reset_on_close(stream: impl AsFd) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(stream, Some(std::time::Duration::ZERO))?)
}

/// A socket with what has to be said before it listens or connects. What is accepted inherits it.
fn configured(of: &SocketAddr, options: &TcpOptions) -> io::Result<OwnedFd> {
    let family = if of.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = socket(family)?;
    // Buffers before all else: the window that is offered depends on them.
    if let Some(octets) = options.send_buffer {
        sockopt::set_socket_send_buffer_size(&socket, octets as usize)?;
    }
    if let Some(octets) = options.recv_buffer {
        sockopt::set_socket_recv_buffer_size(&socket, octets as usize)?;
    }
    if options.type_of_service != 0 {
        if of.is_ipv6() {
            sockopt::set_ipv6_tclass(&socket, options.type_of_service.into())?;
        } else {
            sockopt::set_ip_tos(&socket, options.type_of_service)?;
        }
    }
    keep_alive(&socket, options)?;
    of_linux(&socket, options)?;
    Ok(socket)
}

fn keep_alive(socket: &OwnedFd, options: &TcpOptions) -> io::Result<()> {
    match options.keep_alive.probing {
        Probing::System => return Ok(()),
        Probing::Off => return Ok(sockopt::set_socket_keepalive(socket, false)?),
        Probing::On => sockopt::set_socket_keepalive(socket, true)?,
    }
    if let Some(count) = options.keep_alive.count {
        sockopt::set_tcp_keepcnt(socket, count)?;
    }
    if let Some(idle) = options.keep_alive.idle {
        sockopt::set_tcp_keepidle(socket, idle)?;
    }
    if let Some(interval) = options.keep_alive.interval {
        sockopt::set_tcp_keepintvl(socket, interval)?;
    }
    Ok(())
}

/// What only Linux has. Elsewhere it is passed over, as by libzmq.
#[cfg(target_os = "linux")]
fn of_linux(socket: &OwnedFd, options: &TcpOptions) -> io::Result<()> {
    let in_u32 = |number: u128| u32::try_from(number).unwrap_or(u32::MAX);
    if let Some(time) = options.max_retransmission {
        sockopt::set_tcp_user_timeout(socket, in_u32(time.as_millis()))?;
    }
    let socket = socket2::SockRef::from(socket);
    if let Some(priority) = options.priority {
        socket.set_priority(priority)?;
    }
    if let Some(device) = &options.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    if let Some(time) = options.busy_poll {
        socket.set_busy_poll(in_u32(time.as_micros()))?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux it fails")]
fn of_linux(_: &OwnedFd, _: &TcpOptions) -> io::Result<()> {
    Ok(())
}
