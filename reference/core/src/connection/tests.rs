use proptest::prelude::*;

use super::*;
use crate::message::Message;
use crate::options::RoutingId;

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

/// A whole stream of an older PUSH. Each number says in which form the next frame is written: a long length where a short
/// one would do, and in 1.0 lengths of zero before it.
fn older_stream(version: Version, messages: &[Message], forms: &[u8]) -> Vec<u8> {
    let mut octets = match version {
        Version::V1_0 => b"\x04\0bob".to_vec(),
        _ => b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\x03bob".to_vec(),
    };
    let mut forms = forms.iter().cycle();
    for message in messages {
        for (at, frame) in message.iter().enumerate() {
            let form = forms.next().copied().unwrap_or(0);
            let (more, long) = (u8::from(at + 1 < message.parts()), form & 1 == 1);
            let len = frame.len() as u64;
            match version {
                Version::V1_0 => {
                    octets.extend(std::iter::repeat_n(0, usize::from(form >> 1)));
                    match u8::try_from(len + 1) {
                        Ok(short) if short != 0xff && !long => octets.extend([short, more]),
                        _ => octets.extend([&[0xff][..], &(len + 1).to_be_bytes(), &[more]].concat()),
                    }
                }
                _ => match u8::try_from(len) {
                    Ok(short) if !long => octets.extend([more, short]),
                    _ => octets.extend([&[more | 2][..], &len.to_be_bytes()].concat()),
                },
            }
            octets.extend_from_slice(frame);
        }
    }
    octets
}

/// How frames are taken of a connection.
#[derive(Clone, Copy)]
enum Taken {
    OneByOne,
    InBulk,
}

/// What a PULL gets of a stream that comes in pieces: who the peer is, and frames with whether more follow.
fn pulled(octets: &[u8], cuts: &[usize], taken: Taken) -> (Option<Version>, Vec<(Frame, bool)>) {
    let mut pull = connection(SocketType::Pull);
    let (mut version, mut frames) = (None, Vec::new());
    let mut cuts = cuts.iter().copied().cycle();
    let mut rest = octets;
    while !rest.is_empty() {
        let spare = pull.spare();
        let n = cuts.next().unwrap_or(usize::MAX).clamp(1, rest.len()).min(spare.len());
        spare[..n].copy_from_slice(&rest[..n]);
        pull.fill(n, Instant::START);
        rest = &rest[n..];
        loop {
            if let Taken::InBulk = taken {
                let take = |frame: Frame| {
                    frames.push((frame.clone(), frame.has_more()));
                    ControlFlow::Continue(())
                };
                pull.take_frames(take).unwrap();
            }
            match pull.next().unwrap() {
                Some(Incoming::Ready(peer)) => version = peer.version,
                Some(Incoming::Frame(frame)) => frames.push((frame.clone(), frame.has_more())),
                Some(Incoming::Ask(_) | Incoming::Change(_)) => panic!("only frames were sent"),
                None => break,
            }
        }
    }
    (version, frames)
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
    messages_of(prop_oneof![0usize..40, 250usize..260, 8000usize..9000, 60_000usize..140_000])
}

fn messages_of(size: impl Strategy<Value = usize>) -> impl Strategy<Value = Vec<Message>> {
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

    /// The same of whole streams of older peers, greeting and all, in every form that a length may have.
    // spec: ZMTP10-FRAME-01, ZMTP10-FRAME-02, ZMTP10-FRAME-04, ZMTP10-FRAME-06, ZMTP10-FRAME-09
    // spec: ZMTP20-FRAME-01, ZMTP20-FRAME-02, ZMTP20-FRAME-03, ZMTP20-FRAME-05
    #[test]
    fn streams_of_older_peers_may_be_cut_anywhere(
        messages in messages_of(prop_oneof![4 => 0usize..40, 4 => 250usize..260, 1 => 8000usize..9000]),
        forms in prop::collection::vec(0u8..6, 1..8),
        cuts in prop::collection::vec(prop_oneof![1usize..6, 1usize..70_000], 1..8),
    ) {
        let expected: Vec<_> = messages.iter().flat_map(|message| {
            let last = message.parts() - 1;
            message.iter().enumerate().map(move |(i, frame)| (frame.clone(), i < last))
        }).collect();
        for version in [Version::V1_0, Version::V2_0] {
            let octets = older_stream(version, &messages, &forms);
            for taken in [Taken::OneByOne, Taken::InBulk] {
                prop_assert_eq!(&pulled(&octets, &[usize::MAX], taken), &(Some(version), expected.clone()));
                prop_assert_eq!(&pulled(&octets, &cuts, taken), &(Some(version), expected.clone()));
            }
        }
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

/// A connection of ours with the identity `me`, whose peer is of an older version.
fn to_older(socket_type: SocketType, greeting: &[u8]) -> Connection {
    let options = Options { routing_id: Some(RoutingId::new(b"me").unwrap()), ..Options::default() };
    let mut connection = Connection::new(socket_type, options, Seed::default(), Instant::START);
    assert!(matches!(arrive(&mut connection, greeting, &[]).as_deref(), Ok([Incoming::Ready(_)])));
    connection
}

// spec: ZMTP20-GREET-01, ZMTP20-INTEROP-02, ZMTP20-INTEROP-05, ZMTP20-FRAME-04, ZMTP20-FRAME-06
#[test]
fn a_peer_of_2_0_gets_its_greeting_and_frames() {
    let mut push_socket = to_older(SocketType::Push, b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x07\0\0");
    assert_eq!(written(&mut push_socket), b"\xff\0\0\0\0\0\0\0\x03\x7f\x03\x08\0\x02me");
    push(&mut push_socket, &Message::from(["a", ""]));
    assert_eq!(written(&mut push_socket), b"\x01\x01a\0\0");
}

// spec: ZMTP10-CONN-02, ZMTP10-FRAME-02, ZMTP10-FRAME-07, ZMTP10-FRAME-08, ZMTP20-INTEROP-02, ZMTP20-INTEROP-06
#[test]
fn a_peer_of_1_0_gets_an_identity_and_frames() {
    let mut push_socket = to_older(SocketType::Push, b"\x01\0");
    assert_eq!(written(&mut push_socket), b"\xff\0\0\0\0\0\0\0\x03\x7fme");
    push(&mut push_socket, &Message::from(["a", ""]));
    assert_eq!(written(&mut push_socket), b"\x02\x01a\x01\0");
}

// spec: ZMTP20-PUBSUB-01, ZMTP20-PUBSUB-02, ZMTP10-BCAST-02
#[test]
fn older_publishers_are_told_by_messages_or_not_at_all() {
    let told = |greeting: &[u8]| {
        let mut sub = to_older(SocketType::XSub, greeting);
        let greeting = written(&mut sub);
        sub.push_change(&Change::Subscribe("a".into()));
        sub.push_change(&Change::Cancel("a".into()));
        (greeting, written(&mut sub))
    };
    let (greeting, octets) = told(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x01\0\0");
    assert_eq!((greeting[11], &octets[..]), (2, &b"\0\x02\x01a\0\x02\0a"[..]), "it says that it is a SUB");
    assert_eq!(told(b"\x01\0").1, b"");
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
