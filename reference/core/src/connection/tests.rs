use proptest::prelude::*;

use super::*;
use crate::message::Message;

/// Everything that `connection` wants to write.
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

/// Lets `octets` arrive in pieces; what comes of it.
fn arrive(connection: &mut Connection, octets: &[u8], cuts: &[usize]) -> Result<Vec<Incoming>, PeerMisbehaved> {
    let mut incoming = Vec::new();
    let mut rest = octets;
    let mut cuts = cuts.iter().copied().cycle();
    while !rest.is_empty() {
        let spare = connection.spare();
        let n = cuts.next().unwrap_or(usize::MAX).clamp(1, rest.len()).min(spare.len());
        spare[..n].copy_from_slice(&rest[..n]);
        connection.fill(n, Instant::START);
        rest = &rest[n..];
        while let Some(next) = connection.next()? {
            incoming.push(next);
        }
    }
    Ok(incoming)
}

fn connection(socket_type: SocketType) -> Connection {
    Connection::new(socket_type, Options::default(), Seed::default(), Instant::START)
}

/// Two connections that have shaken hands.
fn pair(a: SocketType, b: SocketType) -> (Connection, Connection) {
    let (mut a, mut b) = (connection(a), connection(b));
    let mut ready = 0;
    for _ in 0..4 {
        let octets = written(&mut a);
        ready += arrive(&mut b, &octets, &[]).unwrap().len();
        let octets = written(&mut b);
        ready += arrive(&mut a, &octets, &[]).unwrap().len();
    }
    assert_eq!(ready, 2);
    (a, b)
}

fn push(connection: &mut Connection, message: &Message) {
    let last = message.parts() - 1;
    for (i, frame) in message.iter().enumerate() {
        connection.push(if i < last { frame.clone().more() } else { frame.clone() });
    }
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let size = prop_oneof![0usize..40, 250usize..260, 8000usize..9000, 60_000usize..140_000];
    let frame = (size, any::<u8>()).prop_map(|(size, octet)| Frame::copy_of(&vec![octet; size]));
    let message = prop::collection::vec(frame, 1..4).prop_map(|frames| Message::from_frames(frames).unwrap());
    prop::collection::vec(message, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// How the network cuts a byte stream never changes the frames it carries.
    #[test]
    fn decoding_ignores_read_boundaries(messages in messages(), cuts in prop::collection::vec(1usize..70_000, 1..8)) {
        let (mut a, mut b) = pair(SocketType::Push, SocketType::Pull);
        for message in &messages {
            push(&mut a, message);
        }
        let octets = written(&mut a);
        let incoming = arrive(&mut b, &octets, &cuts).unwrap();
        let mut expected = Vec::new();
        for message in &messages {
            let last = message.parts() - 1;
            expected.extend(message.iter().enumerate().map(|(i, frame)| (frame.clone(), i < last)));
        }
        let came: Vec<_> = incoming
            .into_iter()
            .map(|incoming| match incoming {
                Incoming::Frame(frame) => { let more = frame.has_more(); (frame, more) }
                Incoming::Ask(_) | Incoming::Ready(_) | Incoming::Change(_) => panic!("only frames were sent"),
            })
            .collect();
        prop_assert_eq!(came, expected);
    }

    /// A handshake may be torn at any octet.
    #[test]
    fn handshakes_ignore_read_boundaries(cuts in prop::collection::vec(1usize..20, 1..8)) {
        let (mut a, mut b) = (connection(SocketType::Dealer), connection(SocketType::Router));
        let mut ready = 0;
        for _ in 0..4 {
            let octets = written(&mut a);
            ready += arrive(&mut b, &octets, &cuts).unwrap().len();
            let octets = written(&mut b);
            ready += arrive(&mut a, &octets, &cuts).unwrap().len();
        }
        prop_assert_eq!(ready, 2);
    }

    /// Whatever comes in place of a greeting, a READY or traffic is taken or refused.
    #[test]
    fn noise_never_panics(octets in prop::collection::vec(any::<u8>(), 0..300), after in 0usize..3) {
        let mut connection = connection(SocketType::XPub);
        let mut peer = Connection::new(SocketType::Sub, Options::default(), Seed::default(), Instant::START);
        for _ in 0..after {
            let octets = written(&mut peer);
            arrive(&mut connection, &octets, &[]).unwrap();
            let octets = written(&mut connection);
            arrive(&mut peer, &octets, &[]).unwrap();
        }
        let _ = arrive(&mut connection, &octets, &[7]);
    }
}

#[test]
fn subscriptions_are_commands() {
    let (mut sub, mut publisher) = pair(SocketType::Sub, SocketType::Pub);
    sub.push_change(&Change::Subscribe("a".into()));
    sub.push_change(&Change::Cancel("".into()));
    let octets = written(&mut sub);
    assert_eq!(octets, b"\x04\x0b\x09SUBSCRIBEa\x04\x07\x06CANCEL");
    let expected = [Incoming::Change(Change::Subscribe("a".into())), Incoming::Change(Change::Cancel("".into()))];
    assert_eq!(arrive(&mut publisher, &octets, &[]).unwrap(), expected);
}

#[test]
fn a_peer_of_3_0_gets_subscriptions_as_messages() {
    let mut sub = connection(SocketType::Sub);
    let mut octets = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    octets.extend(b"NULL");
    octets.resize(64, 0);
    octets.extend(b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03PUB");
    assert!(matches!(&arrive(&mut sub, &octets, &[]).unwrap()[..], [Incoming::Ready(_)]));
    written(&mut sub);
    sub.push_change(&Change::Subscribe("a".into()));
    sub.push_change(&Change::Cancel("a".into()));
    assert_eq!(written(&mut sub), b"\x00\x02\x01a\x00\x02\x00a");
}

#[test]
fn a_handshake_has_its_time() {
    let mut connection = connection(SocketType::Pull);
    let at = connection.deadline().unwrap();
    assert!(connection.handle_timeout(at.saturating_sub(std::time::Duration::from_nanos(1))).is_ok());
    assert!(matches!(connection.handle_timeout(at), Err(PeerMisbehaved::HandshakeTimeout(_))));
}

#[test]
fn a_peer_of_the_wrong_kind_is_told_so() {
    let (mut pull, mut sub) = (connection(SocketType::Pull), connection(SocketType::Sub));
    let mut refused = None;
    for _ in 0..3 {
        let octets = written(&mut sub);
        refused = refused.or(arrive(&mut pull, &octets, &[]).err());
        let octets = written(&mut pull);
        let _ = arrive(&mut sub, &octets, &[]);
    }
    let expected = PeerMisbehaved::SocketType { ours: SocketType::Pull, theirs: "SUB".into() };
    assert_eq!(refused, Some(expected));
}

#[test]
fn a_message_has_no_more_parts_than_allowed() {
    let options = Options { max_parts: 3.try_into().unwrap(), ..Options::default() };
    let mut pull = Connection::new(SocketType::Pull, options, Seed::default(), Instant::START);
    let mut greeting = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL".to_vec();
    greeting.resize(64, 0);
    greeting.extend(b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH");
    arrive(&mut pull, &greeting, &[]).unwrap();
    assert_eq!(arrive(&mut pull, b"\x01\0\x01\0\0\0\x01\0\x01\0\0\0", &[]).unwrap().len(), 6);
    let refused = arrive(&mut pull, b"\x01\0\x01\0\x01\0\0\0", &[]).unwrap_err();
    assert_eq!(refused, PeerMisbehaved::TooManyParts { limit: 3 });
}
