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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use socket2::SockRef;
    use zmq_core::options::KeepAlive;

    use super::*;

    fn everything() -> TcpOptions {
        TcpOptions {
            send_buffer: Some(20_000),
            recv_buffer: Some(30_000),
            type_of_service: 0x28,
            priority: Some(5),
            keep_alive: KeepAlive {
                probing: Probing::On,
                count: Some(3),
                idle: Some(Duration::from_secs(70)),
                interval: Some(Duration::from_secs(11)),
            },
            device: None,
            max_retransmission: Some(Duration::from_millis(4321)),
            busy_poll: None,
        }
    }

    /// What the system says of a socket; Linux doubles the buffers.
    fn seen(socket: &SockRef<'_>) -> Vec<u128> {
        let mut seen = vec![
            u128::from(socket.keepalive().unwrap()),
            socket.tcp_keepalive_time().unwrap().as_secs().into(),
            socket.tcp_keepalive_interval().unwrap().as_secs().into(),
            socket.tcp_keepalive_retries().unwrap().into(),
        ];
        #[cfg(target_os = "linux")]
        seen.extend([
            socket.send_buffer_size().unwrap() as u128,
            socket.recv_buffer_size().unwrap() as u128,
            socket.tcp_user_timeout().unwrap().map_or(0, |time| time.as_millis()),
        ]);
        seen
    }

    #[test]
    fn the_system_is_told_every_option_on_both_sides() {
        let mut expected = vec![1, 70, 11, 3];
        if cfg!(target_os = "linux") {
            expected.extend([40_000, 60_000, 4321]);
        }
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let listener = listen(&host.parse().unwrap(), 5, &everything()).unwrap();
            let at = listener.local_addr().unwrap();
            let client = start_connecting(&at, None, &everything()).unwrap();
            let (server, _) = loop {
                match listener.accept() {
                    Err(why) if why.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                    accepted => break accepted.unwrap(),
                }
            };
            for socket in [&client, &server] {
                assert_eq!(seen(&SockRef::from(socket)), expected, "{host}");
            }
            #[cfg(target_os = "linux")]
            assert_eq!(SockRef::from(&client).priority().unwrap(), 5);
            let service = if at.is_ipv6() {
                sockopt::ipv6_tclass(&client).unwrap()
            } else {
                sockopt::ip_tos(&client).unwrap().into()
            };
            assert_eq!(service, 0x28);
        }
    }

    #[test]
    fn without_options_the_system_has_its_way() {
        let plain = TcpOptions::default();
        let listener = listen(&"127.0.0.1:0".parse().unwrap(), 5, &plain).unwrap();
        let bare = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(seen(&SockRef::from(&listener)), seen(&SockRef::from(&bare)));
        let off = KeepAlive { probing: Probing::Off, ..everything().keep_alive };
        let off = listen(&"127.0.0.1:0".parse().unwrap(), 5, &TcpOptions { keep_alive: off, ..plain }).unwrap();
        assert!(!SockRef::from(&off).keepalive().unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_that_there_is_not_is_an_error() {
        let at = "127.0.0.1:0".parse().unwrap();
        let with = |device: &str| TcpOptions { device: Some(device.into()), ..TcpOptions::default() };
        assert_eq!(listen(&at, 5, &with("no-such-device")).unwrap_err().raw_os_error(), Some(19));
        assert!(listen(&at, 5, &with("lo")).is_ok());
    }
}
