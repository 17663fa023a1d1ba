use std::io::IoSlice;
use std::time::Duration;

use super::super::*;
use crate::dial::{Dial, Why};
use crate::mechanism::curve::KeyPair;
use crate::mechanism::zap::{Reply, Status};
use crate::message::Message;
use crate::options::{Heartbeat, Reconnect, Security, ZapDomain, ZapEnforcement};

fn written(connection: &mut Connection) -> Vec<u8> {
    let mut octets = Vec::new();
    while connection.has_output() {
        let mut slices = [IoSlice::new(&[]); Connection::SLICES];
        let n = connection.slices(&mut slices);
        let from = octets.len();
        slices[..n].iter().for_each(|slice| octets.extend_from_slice(slice));
        let n = octets.len() - from;
        connection.sent(n);
    }
    octets
}

/// Lets `octets` arrive, `cut` at a time; what comes of it.
fn arrive(connection: &mut Connection, octets: &[u8], cut: usize) -> Result<Vec<Incoming>, PeerMisbehaved> {
    let mut incoming = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let spare = connection.spare();
        let n = cut.min(rest.len()).min(spare.len());
        spare[..n].copy_from_slice(&rest[..n]);
        connection.fill(n, Instant::START);
        rest = &rest[n..];
        while let Some(next) = connection.next()? {
            incoming.push(next);
        }
    }
    Ok(incoming)
}

fn keys(octet: u8) -> KeyPair {
    KeyPair::generate([octet; 32])
}

fn connection(socket_type: SocketType, options: Options, octet: u8) -> Connection {
    let seed = Seed::draw(&options.security, |octets| octets.fill(octet));
    Connection::new(socket_type, options, seed, Instant::START)
}

fn server_options() -> Options {
    // Nobody is asked: encryption without authentication.
    let zap_enforcement = ZapEnforcement::Enforced;
    Options { security: Security::curve_server(keys(1)), zap_enforcement, ..Options::default() }
}

fn client_options() -> Options {
    Options { security: Security::curve_client(keys(2), *keys(1).public()), ..Options::default() }
}

/// Lets two connections talk until both are silent; what each brings.
fn talk(
    a: &mut Connection,
    b: &mut Connection,
    cut: usize,
) -> (Result<Vec<Incoming>, PeerMisbehaved>, Result<Vec<Incoming>, PeerMisbehaved>) {
    let (mut at_a, mut at_b) = (Ok(Vec::new()), Ok(Vec::new()));
    let gather = |all: &mut Result<Vec<Incoming>, PeerMisbehaved>, came: Result<Vec<Incoming>, PeerMisbehaved>| match (
        &mut *all, came,
    ) {
        (Ok(all), Ok(came)) => all.extend(came),
        (Ok(_), Err(why)) => *all = Err(why),
        (Err(_), _) => {}
    };
    while a.has_output() || b.has_output() {
        let octets = written(a);
        gather(&mut at_b, arrive(b, &octets, cut));
        let octets = written(b);
        gather(&mut at_a, arrive(a, &octets, cut));
    }
    (at_a, at_b)
}

/// A server and a client that have shaken hands.
fn pair(server: SocketType, client: SocketType, cut: usize) -> (Connection, Connection) {
    let mut server = connection(server, server_options(), 3);
    let mut client = connection(client, client_options(), 4);
    let (at_server, at_client) = talk(&mut server, &mut client, cut);
    assert!(matches!(at_server.unwrap()[..], [Incoming::Ready(_)]) && server.is_ready());
    assert!(matches!(at_client.unwrap()[..], [Incoming::Ready(_)]) && client.is_ready());
    (server, client)
}

fn push(connection: &mut Connection, message: &Message) {
    let last = message.parts() - 1;
    for (i, frame) in message.iter().enumerate() {
        connection.push(if i < last { frame.clone().more() } else { frame.clone() });
    }
}

fn frames(incoming: Vec<Incoming>) -> Vec<(Vec<u8>, bool)> {
    let frame = |incoming| match incoming {
        Incoming::Frame(frame) => (frame.to_vec(), frame.has_more()),
        Incoming::Ask(_) | Incoming::Ready(_) | Incoming::Change(_) => panic!("only frames were sent"),
    };
    incoming.into_iter().map(frame).collect()
}

// spec: CURVE-MSG-01, CURVE-MSG-04, CURVE-MSG-06
#[test]
fn messages_of_all_sizes_go_both_ways_whatever_the_cuts() {
    for cut in [1, 7, 333, usize::MAX] {
        let (mut server, mut client) = pair(SocketType::Router, SocketType::Dealer, cut);
        let sizes = [0, 1, 30, 31, 221, 222, 223, 255, 256, 8192, 8193, 70_000, 200_000];
        for size in sizes {
            let message = Message::from([vec![7; size], Vec::new(), vec![8; 3]]);
            let expected = vec![(vec![7; size], true), (Vec::new(), true), (vec![8; 3], false)];
            push(&mut server, &message);
            push(&mut client, &message);
            let octets = written(&mut server);
            assert!(size < 4 || !octets.windows(4).any(|window| window == [7; 4]), "nothing is in the clear");
            assert_eq!(frames(arrive(&mut client, &octets, cut).unwrap()), expected);
            let octets = written(&mut client);
            assert_eq!(frames(arrive(&mut server, &octets, cut).unwrap()), expected);
            server.relax();
            client.relax();
        }
    }
}

#[test]
fn commands_of_traffic_are_in_boxes_too() {
    let (mut publisher, mut sub) = pair(SocketType::Pub, SocketType::Sub, usize::MAX);
    let changes = [Change::Subscribe("weather".into()), Change::Cancel("weather".into())];
    changes.iter().for_each(|change| sub.push_change(change));
    let octets = written(&mut sub);
    assert!(!octets.windows(7).any(|window| window == b"weather"));
    let came = arrive(&mut publisher, &octets, usize::MAX).unwrap();
    assert_eq!(came, changes.map(Incoming::Change));

    let interval = Some(std::time::Duration::from_secs(1));
    let heartbeat = Heartbeat { interval, ..Heartbeat::default() };
    let mut server = connection(SocketType::Pull, Options { heartbeat, ..server_options() }, 3);
    let mut client = connection(SocketType::Push, client_options(), 4);
    let _ready = talk(&mut server, &mut client, usize::MAX);
    server.handle_timeout(server.deadline().unwrap()).unwrap();
    let ping = written(&mut server);
    assert!(!ping.windows(4).any(|window| window == b"PING"));
    assert_eq!(arrive(&mut client, &ping, usize::MAX).unwrap(), []);
    let pong = written(&mut client);
    assert!(!pong.is_empty() && !pong.windows(4).any(|window| window == b"PONG"));
    assert_eq!(arrive(&mut server, &pong, usize::MAX).unwrap(), []);
    assert!(!server.has_output() && server.is_ready());
}

// spec: CURVE-READY-06
#[test]
fn nothing_in_the_clear_is_taken_once_there_are_boxes() {
    for clear in [&b"\x00\x02hi"[..], b"\x04\x05\x04PONG", b"\x04\x0b\x09SUBSCRIBEa", b"\x04\x05\x05READY", b"\x00\x00"]
    {
        let (mut server, mut client) = pair(SocketType::Pull, SocketType::Push, usize::MAX);
        for connection in [&mut server, &mut client] {
            assert!(matches!(arrive(connection, clear, usize::MAX), Err(PeerMisbehaved::Violation(_))), "{clear:?}");
            assert!(!connection.is_ready());
        }
    }
}

// spec: CURVE-NONCE-04, CURVE-NONCE-08, CURVE-MSG-07
#[test]
fn what_is_repeated_or_changed_ends_the_connection() {
    let (mut pull, mut push_side) = pair(SocketType::Pull, SocketType::Push, usize::MAX);
    push(&mut push_side, &"once".into());
    let octets = written(&mut push_side);
    assert_eq!(arrive(&mut pull, &octets, usize::MAX).unwrap().len(), 1);
    let again = arrive(&mut pull, &octets, usize::MAX).unwrap_err();
    assert!(matches!(again, PeerMisbehaved::Violation(crate::mechanism::Violation::Sequence { .. })), "{again}");
    // The length in the header is protected by the box: octet 1 makes it longer, and nothing is whole.
    for i in 2..octets.len() {
        let (mut pull, mut push_side) = pair(SocketType::Pull, SocketType::Push, usize::MAX);
        push(&mut push_side, &"once".into());
        let mut octets = written(&mut push_side);
        octets[i] ^= 0x10;
        assert!(arrive(&mut pull, &octets, usize::MAX).is_err(), "octet {i}");
    }
}

#[test]
fn what_has_no_room_is_kept_open_and_comes_once() {
    let (mut router, mut dealer) = pair(SocketType::Router, SocketType::Dealer, usize::MAX);
    push(&mut dealer, &"first".into());
    push(&mut dealer, &"second".into());
    let octets = written(&mut dealer);
    router.spare()[..octets.len()].copy_from_slice(&octets);
    router.fill(octets.len(), Instant::START);
    for _ in 0..3 {
        assert_eq!(router.next_without_room(), Ok(None));
        assert!(router.waits_for_room());
    }
    assert_eq!(router.next(), Ok(Some(Incoming::Frame("first".into()))));
    assert!(!router.waits_for_room());
    assert_eq!(router.next_without_room(), Ok(None));
    assert_eq!(router.next(), Ok(Some(Incoming::Frame("second".into()))));
    assert_eq!(router.next(), Ok(None));
    assert!(!router.waits_for_room());
}

#[test]
fn the_limit_is_that_of_the_frame_and_not_of_its_box() {
    for (octets, fits) in [(100, true), (101, false)] {
        let options = Options { max_frame_octets: Some(100), ..server_options() };
        let mut pull = connection(SocketType::Pull, options, 3);
        let mut push_side = connection(SocketType::Push, client_options(), 4);
        // The handshake has a limit of its own.
        let _ready = talk(&mut pull, &mut push_side, usize::MAX);
        assert!(pull.is_ready() && push_side.is_ready());
        push(&mut push_side, &vec![1; octets].into());
        let octets_on_wire = written(&mut push_side);
        let came = arrive(&mut pull, &octets_on_wire, usize::MAX);
        if fits {
            assert_eq!(came.unwrap().len(), 1);
        } else {
            assert_eq!(came, Err(PeerMisbehaved::FrameTooLong { octets: 101, limit: 100 }));
        }
    }
}

// spec: ZAP-CURVE-01, ZAP-CURVE-02, ZAP-REQ-06, CURVE-FLOW-07, CURVE-AUTH-01
#[test]
fn the_handler_is_asked_for_the_key_before_ready_goes_out() {
    for (status, comes_in) in [(Status::Success, true), (Status::Denied, false), (Status::Temporary, false)] {
        let domain = Some(ZapDomain::new("global").unwrap());
        let options = Options { zap_domain: domain, ..server_options() };
        let mut server = connection(SocketType::Router, options, 3);
        let routing_id = Some(crate::options::RoutingId::new(b"me").unwrap());
        let mut client = connection(SocketType::Dealer, Options { routing_id, ..client_options() }, 4);
        let (asked, at_client) = talk(&mut server, &mut client, usize::MAX);
        let [Incoming::Ask(request)] = &asked.unwrap()[..] else { panic!("the handler is asked") };
        assert!(at_client.unwrap().is_empty() && !client.is_ready());
        let parts: Vec<_> = request.message(b"1").iter().map(|part| part.to_vec()).collect();
        let key = *keys(2).public();
        let expected: [&[u8]; 8] = [b"", b"1.0", b"1", b"global", b"", b"me", b"CURVE", key.octets()];
        assert_eq!(parts, expected);
        let reply = Reply { status, text: Vec::new(), user_id: b"joe".to_vec(), metadata: Vec::new() };
        let answered = server.answer(Answer::Replied(Ok(reply)));
        let (_, at_client) = talk(&mut server, &mut client, usize::MAX);
        if comes_in {
            let Ok(Some(Incoming::Ready(peer))) = answered else { panic!("{answered:?}") };
            assert_eq!(peer.properties[0], ("User-Id".to_owned(), b"joe".to_vec()));
            assert!(client.is_ready());
        } else {
            assert_eq!(answered, Err(PeerMisbehaved::Denied { status }));
            match status {
                Status::Denied => {
                    assert_eq!(at_client, Err(PeerMisbehaved::Refused { reason: "400".into() }));
                }
                _ => assert_eq!(at_client, Ok(Vec::new())),
            }
        }
    }
}

/// Whoever is not the server that the client wants, or has no key at all, gets nowhere.
#[test]
fn keys_that_do_not_fit_end_the_handshake() {
    let stranger = Options { security: Security::curve_client(keys(2), *keys(9).public()), ..Options::default() };
    let mut server = connection(SocketType::Pull, server_options(), 3);
    let mut client = connection(SocketType::Push, stranger, 4);
    let (at_server, _) = talk(&mut server, &mut client, usize::MAX);
    let violation = crate::mechanism::Violation::Cryptographic { command: "HELLO" };
    assert_eq!(at_server, Err(PeerMisbehaved::Violation(violation)));
}

// spec: CURVE-FLOW-04
#[test]
fn a_client_that_an_error_refused_does_not_come_again_with_its_keys() {
    let mut refusal = Vec::new();
    crate::wire::command::write(b"ERROR", b"\x0cinvalid keys", &mut refusal);
    for initiated in [false, true] {
        let mut server = connection(SocketType::Router, server_options(), 3);
        let mut client = connection(SocketType::Dealer, client_options(), 4);
        arrive(&mut client, &written(&mut server), usize::MAX).unwrap();
        arrive(&mut server, &written(&mut client), usize::MAX).unwrap();
        arrive(&mut client, &written(&mut server), usize::MAX).unwrap();
        if initiated {
            arrive(&mut server, &written(&mut client), usize::MAX).unwrap();
            arrive(&mut client, &written(&mut server), usize::MAX).unwrap();
        }
        let why = arrive(&mut client, &refusal, usize::MAX).unwrap_err();
        assert_eq!(why, PeerMisbehaved::Refused { reason: "invalid keys".into() });
        let reconnect = Reconnect { interval: Some(Duration::from_millis(1)), ..Reconnect::default() };
        assert_eq!(Dial::new(reconnect).wait(Why::ended(Some(&why.into()), false), 0), None, "{initiated}");
    }
}
