//! The transition table of a connection: what each state makes of what may come.

use std::fmt::Write;

use super::*;
use crate::wire::command::{error_data, write};
use crate::wire::metadata;

fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    write(name, data, &mut octets);
    octets
}

fn ready(socket_type: &str) -> Vec<u8> {
    let mut data = Vec::new();
    metadata::write("Socket-Type", socket_type.as_bytes(), &mut data);
    command(name::READY, &data)
}

fn greeting(major: u8, minor: u8, mechanism: &str) -> Vec<u8> {
    let mut octets = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, major, minor];
    octets.extend(mechanism.as_bytes());
    octets.resize(GREETING_OCTETS, 0);
    octets
}

/// Named octets that a peer may send.
fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("10 octets", greeting(3, 1, "NULL")[..10].to_vec()),
        ("greeting 3.1", greeting(3, 1, "NULL")),
        ("greeting 3.0", greeting(3, 0, "NULL")),
        ("greeting 4.0", greeting(4, 0, "NULL")),
        ("PLAIN", greeting(3, 1, "PLAIN")),
        ("2.0", greeting(1, 8, "")[..12].to_vec()),
        ("2.0, whole", [&greeting(1, 8, "")[..12], b"\0\x03bob\0\x01x"].concat()),
        ("2.0 of a SUB", greeting(1, 2, "")[..12].to_vec()),
        ("2.0 of no type", greeting(1, 11, "")[..12].to_vec()),
        ("revision 2", greeting(2, 8, "")[..12].to_vec()),
        ("revision 0", greeting(0, 8, "")[..12].to_vec()),
        ("1.0, whole", b"\x04\0bob\x02\0x".to_vec()),
        ("1.0, long length", b"\xff\0\0\0\0\0\0\0\x04\0bob".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("READY", ready("PUSH")),
        ("READY of a SUB", ready("SUB")),
        ("READY without type", command(name::READY, b"")),
        ("READY cut off", command(name::READY, b"\x0bSocket-Type\0\0\0\x09PUSH")),
        ("ERROR", command(name::ERROR, &error_data("no"))),
        ("PING", command(name::PING, b"\0\0ctx")),
        ("PING without TTL", command(name::PING, b"")),
        ("SUBSCRIBE", command(name::SUBSCRIBE, b"a")),
        ("another command", command(b"OTHER", b"")),
        ("no command", vec![4, 0]),
        ("message", b"\x00\x02hi".to_vec()),
        ("half a message", b"\x01\x02hi".to_vec()),
        ("length 2^63", b"\x02\x80\0\0\0\0\0\0\0".to_vec()),
    ]
}

/// A connection that has come as far as its name says.
fn states() -> Vec<(&'static str, Vec<u8>)> {
    let greeted = greeting(3, 1, "NULL");
    let traffic = [greeted.clone(), ready("PUSH")].concat();
    let old = greeting(1, 8, "");
    vec![
        ("opening", vec![]),
        ("version", greeted[..10].to_vec()),
        ("greeting", greeted[..11].to_vec()),
        ("ready", greeted),
        ("traffic", traffic),
        ("type 2.0", old[..11].to_vec()),
        ("identity 2.0", old[..12].to_vec()),
        ("traffic 2.0", [&old[..12], &[0, 0]].concat()),
        ("identity 1.0", vec![4, 0, b'b']),
        ("traffic 1.0", vec![1, 0]),
    ]
}

fn feed(connection: &mut Connection, octets: &[u8]) -> Result<Vec<String>, PeerMisbehaved> {
    let spare = connection.spare();
    spare[..octets.len()].copy_from_slice(octets);
    connection.fill(octets.len(), Instant::START);
    let mut came = Vec::new();
    while let Some(next) = connection.next()? {
        came.push(match next {
            Incoming::Ask(request) => format!("{request:?}"),
            Incoming::Ready(peer) => {
                let socket_type = peer.socket_type.map_or("of some type", SocketType::name);
                format!("peer {socket_type} {:?}", peer.version.expect("it speaks ZMTP"))
            }
            Incoming::Frame(frame) => format!("{frame:?}"),
            Incoming::Change(change) => format!("{change:?}"),
        });
    }
    Ok(came)
}

fn sent(connection: &mut Connection) -> String {
    let mut slices = [IoSlice::new(&[]); Connection::SLICES];
    let n = connection.slices(&mut slices);
    let octets: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.iter().copied()).collect();
    connection.sent(octets.len());
    match &octets[..] {
        [] => String::new(),
        [0xff, ..] | [1, b'N', ..] | [3, 1, b'N', ..] => " writes its greeting".into(),
        octets => format!(" writes \"{}\"", octets.escape_ascii()),
    }
}

// spec: ZMTP10-CONN-02, ZMTP10-FRAME-02, ZMTP20-COMPAT-08, ZMTP20-COMPAT-10, ZMTP20-GREET-03, ZMTP20-GREET-05
// spec: ZMTP20-INTEROP-03, ZMTP20-INTEROP-04
#[test]
fn what_each_state_makes_of_what_comes() {
    let mut table = String::new();
    for (state, before) in states() {
        for (name, octets) in inputs() {
            // In the state `greeting` the first 11 octets are there already.
            let octets =
                if state == "greeting" && octets.len() == GREETING_OCTETS { &octets[11..] } else { &octets[..] };
            let mut connection = Connection::new(SocketType::Pull, Options::default(), Seed::default(), Instant::START);
            sent(&mut connection);
            feed(&mut connection, &before).expect("a state is reached by what is right");
            sent(&mut connection);
            let outcome = feed(&mut connection, octets);
            let sent = sent(&mut connection);
            let to = match connection.state {
                State::Opening(_) => "opening",
                State::Version(_) => "version",
                State::Old(_) => "old",
                State::Greeting(_) => "greeting",
                State::Mechanism(..) => "ready",
                State::Asking(..) => "asking",
                State::Traffic(_) => "traffic",
                State::Sealed(_) => "sealed",
                State::RawStart | State::Raw => "raw",
                State::Closing => "closing",
            };
            let outcome = match outcome {
                Ok(came) => came.join(", "),
                Err(why) => format!("refused: {why}"),
            };
            let _ = writeln!(table, "{state:12} {name:18} -> {to:8} {outcome}{sent}");
        }
    }
    insta::assert_snapshot!(table);
}
