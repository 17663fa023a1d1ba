//! Which versions of ZMTP a library speaks, found out on the wire: a bare TCP connection to one of its sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use zmq_libzmq::{Context, Error, Flags, Library, Socket, names};

/// How long a library may take to answer on loopback before it counts as not speaking that version.
const PATIENCE: Duration = Duration::from_millis(500);

/// The versions, newest first.
pub(super) fn zmtp_versions(library: &Library) -> Result<Vec<String>, Error> {
    let context = Context::new(library)?;
    let socket = context.socket(names::DEALER)?;
    socket.set_int(names::LINGER, 0)?;
    socket.bind("tcp://127.0.0.1:*")?;
    let endpoint = socket.last_endpoint()?;
    let address = endpoint.trim_start_matches("tcp://");
    let mut versions = Vec::new();
    if let Some((3, minor)) = version_3(address) {
        versions.extend((0..=minor.min(9)).rev().map(|minor| format!("3.{minor}")));
    }
    if speaks_2(address) {
        versions.push("2.0".into());
    }
    if speaks_1(address, &socket) {
        versions.push("1.0".into());
    }
    Ok(versions)
}

const SIGNATURE: &[u8] = &[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];

/// Greets as 3.1 with NULL, and reads the version that comes back.
fn version_3(address: &str) -> Option<(u8, u8)> {
    let mut greeting = [0; 64];
    greeting[..10].copy_from_slice(SIGNATURE);
    greeting[10..16].copy_from_slice(&[3, 1, b'N', b'U', b'L', b'L']);
    let head = exchange(address, &greeting)?;
    Some((head[10], head[11]))
}

/// Greets as 2.0; a library that falls back answers with its socket type where a minor version would stand.
fn speaks_2(address: &str) -> bool {
    const DEALER: u8 = 5;
    let mut greeting = SIGNATURE.to_vec();
    // Revision 1 is ZMTP 2.0; then the socket type, and an empty routing id as a frame.
    greeting.extend([1, DEALER, 0, 0]);
    exchange(address, &greeting).is_some_and(|head| head[11] == DEALER)
}

/// Says an empty routing id and one message in 1.0's framing, and sees whether the message is delivered.
fn speaks_1(address: &str, socket: &Socket) -> bool {
    let Some(mut link) = connect(address) else {
        return false;
    };
    if link.write_all(&[1, 0, 2, 0, b'1']).is_err() {
        return false;
    }
    let patience = i32::try_from(PATIENCE.as_millis()).unwrap_or(i32::MAX);
    let received = socket.set_int(names::RCVTIMEO, patience).and_then(|()| socket.recv_part(Flags::NONE, &[]));
    received.is_ok_and(|part| part.bytes == b"1")
}

/// The first 12 octets that answer these.
fn exchange(address: &str, octets: &[u8]) -> Option<[u8; 12]> {
    let mut link = connect(address)?;
    link.write_all(octets).ok()?;
    let mut head = [0; 12];
    link.read_exact(&mut head).ok()?;
    Some(head)
}

fn connect(address: &str) -> Option<TcpStream> {
    let link = TcpStream::connect_timeout(&address.parse().ok()?, PATIENCE).ok()?;
    link.set_read_timeout(Some(PATIENCE)).ok()?;
    link.set_nodelay(true).ok()?;
    Some(link)
}
