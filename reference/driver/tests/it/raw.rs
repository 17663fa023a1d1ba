//! A peer made of octets: it has an encoder of its own and keeps no rule.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

use zmq_reference::{Endpoint, IpcName};

/// A greeting of ZMTP 3.1 with the mechanism NULL.
pub(crate) fn greeting() -> Vec<u8> {
    greeting_of("NULL")
}

/// A greeting of ZMTP 3.1.
pub(crate) fn greeting_of(mechanism: &str) -> Vec<u8> {
    let mut octets = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
    octets.extend_from_slice(mechanism.as_bytes());
    octets.resize(64, 0);
    octets
}

/// A frame with a header that tells the truth.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = match u8::try_from(body.len()) {
        Ok(len) => vec![flags, len],
        Err(_) => header(flags, body.len() as u64),
    };
    octets.extend_from_slice(body);
    octets
}

/// A long header that claims so many octets.
pub(crate) fn header(flags: u8, claims: u64) -> Vec<u8> {
    let mut octets = vec![flags | LONG];
    octets.extend_from_slice(&claims.to_be_bytes());
    octets
}

pub(crate) fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = vec![u8::try_from(name.len()).unwrap()];
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    frame(COMMAND, &body)
}

pub(crate) fn ready(socket_type: &str) -> Vec<u8> {
    let mut data = b"\x0bSocket-Type".to_vec();
    data.extend_from_slice(&u32::try_from(socket_type.len()).unwrap().to_be_bytes());
    data.extend_from_slice(socket_type.as_bytes());
    command("READY", &data)
}

pub(crate) const MORE: u8 = 1;
const LONG: u8 = 2;
pub(crate) const COMMAND: u8 = 4;

/// A connection, and how many octets went into it.
pub(crate) struct Raw {
    pub(crate) stream: Stream,
    pub(crate) written: u64,
}

/// What it goes over.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self::Ipc(stream)
    }
}

impl Stream {
    pub(crate) fn set_read_timeout(&self, time: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(time)),
            Self::Ipc(stream) => stream.set_read_timeout(Some(time)),
        }
        .unwrap();
    }

    pub(crate) fn tcp(self) -> TcpStream {
        match self {
            Self::Tcp(stream) => stream,
            Self::Ipc(_) => panic!("it is one of tcp"),
        }
    }

    fn set_write_timeout(&self, time: Duration) {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(time)),
            Self::Ipc(stream) => stream.set_write_timeout(Some(time)),
        }
        .unwrap();
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Ipc(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(octets),
            Self::Ipc(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Raw {
    pub(crate) fn connect(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Tcp { host, port, .. } => Self::on(TcpStream::connect((host.as_str(), *port)).unwrap()),
            Endpoint::Ipc(IpcName::Path(path)) => Self::on(UnixStream::connect(path).unwrap()),
            Endpoint::Ipc(IpcName::Abstract(name)) => {
                Self::on(UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap())
            }
            Endpoint::Ipc(IpcName::Anywhere) | Endpoint::Inproc(_) => panic!("there is no link to {endpoint}"),
        }
    }

    /// A peer on a link that stands.
    pub(crate) fn on(stream: impl Into<Stream>) -> Self {
        let stream = stream.into();
        stream.set_write_timeout(Duration::from_millis(200));
        stream.set_read_timeout(Duration::from_secs(10));
        Self { stream, written: 0 }
    }

    /// A peer of that type whose handshake is over.
    pub(crate) fn handshaken(endpoint: &Endpoint, socket_type: &str) -> Self {
        let mut raw = Self::connect(endpoint);
        assert_eq!(raw.write(&[greeting(), ready(socket_type)].concat()), Wrote::All);
        raw.read_handshake();
        raw
    }

    /// Reads the other's greeting and READY.
    pub(crate) fn read_handshake(&mut self) {
        let mut octets = [0; 66];
        self.stream.read_exact(&mut octets).unwrap();
        assert_eq!(octets[64], COMMAND, "expected READY, came {octets:02x?}");
        let mut body = vec![0; octets[65].into()];
        self.stream.read_exact(&mut body).unwrap();
        assert!(body.starts_with(b"\x05READY"), "{}", body.escape_ascii());
    }

    /// Writes all of it, unless the other end takes no more or has closed.
    pub(crate) fn write(&mut self, mut octets: &[u8]) -> Wrote {
        while !octets.is_empty() {
            match self.stream.write(octets) {
                Ok(n) => {
                    self.written += n as u64;
                    octets = &octets[n..];
                }
                Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => return Wrote::Stuck,
                Err(_) => return Wrote::Closed,
            }
        }
        Wrote::All
    }

    /// Waits until the other end has closed; whether it did within the time.
    pub(crate) fn is_closed_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(time);
        let mut ignored = [0; 4096];
        loop {
            match self.stream.read(&mut ignored) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(why) => return why.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    }

    pub(crate) fn finish(&self) {
        let _ = match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Ipc(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Has the connection end with RST; over ipc, which has none, at once.
    pub(crate) fn reset(self) {
        match &self.stream {
            Stream::Tcp(stream) => rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).unwrap(),
            Stream::Ipc(_) => {}
        }
    }
}

/// How far a write came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    All,
    /// The other end does not read.
    Stuck,
    Closed,
}

/// The same numbers each time: xorshift64.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `n`.
    pub(crate) fn below(&mut self, n: u64) -> usize {
        usize::try_from(self.next() % n).unwrap()
    }

    pub(crate) fn octets(&mut self, n: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()).flatten().take(n).collect()
    }
}
