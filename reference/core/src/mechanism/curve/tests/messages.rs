//! The traffic: what is sealed is opened, once, by the other end, in order.

use super::*;
use crate::wire::Header;

/// A whole frame of MESSAGE.
pub(super) fn seal(cipher: &mut Cipher, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0xee; Cipher::sealed_octets(body.len())];
    cipher.seal(flags, body, &mut frame).unwrap();
    frame
}

/// What is behind the header of a frame, all of it.
pub(super) fn body_of(frame: &[u8]) -> &[u8] {
    let header = Header::parse(frame).unwrap().unwrap();
    assert_eq!(header.body, (frame.len() - header.octets) as u64);
    &frame[header.octets..]
}

/// The flags, and the octets of the frame.
pub(super) fn open(cipher: &mut Cipher, body: &[u8]) -> Outcome<Vec<u8>> {
    let mut plain = vec![0xee; Cipher::opened_octets(body.len()).unwrap_or(1)];
    cipher.open(body, &mut plain)?;
    Ok(plain)
}

fn number_of(frame: &[u8]) -> u64 {
    u64::from_be_bytes(*body_of(frame)[8..].first_chunk().unwrap())
}

// spec: CURVE-MSG-07, CURVE-NONCE-04, CURVE-NONCE-08
#[test]
fn no_message_with_a_changed_bit_is_taken() {
    let (client, server, _) = Cast::new().handshake();
    let mut ends = [client, server];
    for from in [0, 1] {
        let frame = seal(&mut ends[from], 0, b"some octets");
        let to = &mut ends[1 - from];
        for (at, bit, changed) in damaged(body_of(&frame)) {
            assert!(open(to, &changed).is_err(), "octet {at}, bit {bit}");
        }
        assert!(open(to, body_of(&frame)).is_ok());
    }
}

// spec: CURVE-NONCE-01, CURVE-NONCE-03, CURVE-NONCE-04, CURVE-NONCE-05, CURVE-NONCE-07, CURVE-NONCE-08
#[test]
fn the_numbers_of_messages_rise_from_those_of_the_handshake() {
    let (client, server, _) = Cast::new().handshake();
    let mut ends = [client, server];
    for (from, first) in [(0, 3), (1, 2)] {
        let frames = [b"a", b"b", b"c"].map(|octet| seal(&mut ends[from], 0, octet));
        assert_eq!(frames.each_ref().map(|frame| number_of(frame)), [first, first + 1, first + 2]);
        let to = &mut ends[1 - from];
        let why = |nonce, last| Some(Violation::Sequence { command: MESSAGE, nonce, last });
        assert_eq!(open(to, body_of(&frames[0])).err(), None);
        assert_eq!(open(to, body_of(&frames[0])).err(), why(first, first), "a replay");
        assert_eq!(open(to, body_of(&frames[2])).err(), None, "a gap");
        assert_eq!(open(to, body_of(&frames[1])).err(), why(first + 1, first + 2), "out of order");
    }
}

// spec: CURVE-NONCE-03, CURVE-NONCE-07
#[test]
fn no_end_may_use_a_number_of_the_handshake_again() {
    let (mut client, mut server, _) = Cast::new().handshake();
    client.rewind();
    server.rewind();
    let expected = |last| Some(Violation::Sequence { command: MESSAGE, nonce: 1, last });
    let (of_client, of_server) = (seal(&mut client, 0, b""), seal(&mut server, 0, b""));
    assert_eq!(open(&mut server, body_of(&of_client)).err(), expected(2));
    assert_eq!(open(&mut client, body_of(&of_server)).err(), expected(1));
}

// spec: CURVE-NONCE-02, CURVE-NONCE-06
#[test]
fn when_the_numbers_are_used_up_the_connection_is_over() {
    let (mut client, mut server, _) = Cast::new().handshake();
    client.wind_to_the_last();
    let last = seal(&mut client, 0, b"last");
    assert_eq!(number_of(&last), u64::MAX);
    assert_eq!(open(&mut server, body_of(&last)).unwrap(), b"\0last");
    let mut to = vec![0; Cipher::sealed_octets(0)];
    for _ in 0..2 {
        assert_eq!(client.seal(0, b"", &mut to), Err(Violation::Exhausted));
    }
    assert_eq!(to, vec![0; to.len()]);
}

// spec: CURVE-MSG-03
#[test]
fn what_an_end_said_does_not_come_back_to_it() {
    let (mut client, mut server, _) = Cast::new().handshake();
    for end in [&mut client, &mut server] {
        let _ = seal(end, 0, b"so that the number is a new one");
        let frame = seal(end, 0, b"echo");
        assert_eq!(open(end, body_of(&frame)).err(), Some(forged(MESSAGE)));
    }
}

// spec: CURVE-GRAM-10, CURVE-MSG-05, CURVE-MSG-06
#[test]
fn only_the_flags_that_mean_something_are_taken() {
    let (mut client, mut server, _) = Cast::new().handshake();
    for flags in 0..=255 {
        let frame = seal(&mut client, flags, b"x");
        let taken = open(&mut server, body_of(&frame));
        assert_eq!(taken.is_ok(), flags & !(flag::MORE | flag::COMMAND) == 0, "{flags:x}");
    }
}

// spec: CURVE-GRAM-09, CURVE-MSG-02, ZCURVE-FLOW-03
#[test]
fn an_empty_frame_takes_33_octets_and_nothing_shorter_is_a_message() {
    let (mut client, mut server, _) = Cast::new().handshake();
    let frame = seal(&mut client, 0, b"");
    assert_eq!((frame[0], frame[1], body_of(&frame).len()), (0, 33, 33));
    for n in 0..33 {
        assert_eq!(Cipher::opened_octets(n), None, "{n}");
        assert!(open(&mut server, &body_of(&frame)[..n]).is_err(), "{n}");
    }
    assert_eq!(Cipher::opened_octets(33), Some(1));
    assert_eq!(open(&mut server, body_of(&frame)).unwrap(), [0]);
    let longest_short = seal(&mut client, 0, &[7; 222]);
    assert_eq!((&longest_short[..2], longest_short.len()), (&[0, 255][..], 257));
    let shortest_long = seal(&mut client, 0, &[7; 223]);
    assert_eq!((&shortest_long[..9], shortest_long.len()), (&[2, 0, 0, 0, 0, 0, 0, 1, 0][..], 265));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // spec: CURVE-MSG-04, CURVE-MSG-06
    #[test]
    fn what_was_sealed_is_opened(
        frames in prop::collection::vec((0u8..4, prop::collection::vec(any::<u8>(), 0..600)), 1..20),
        long in 0usize..100_000,
    ) {
        let (client, server, _) = Cast::new().handshake();
        let mut ends = [client, server];
        let long = (0, vec![7; long]);
        for (flags, body) in frames.iter().chain([&long]) {
            for from in [0, 1] {
                let frame = seal(&mut ends[from], *flags, body);
                let plain = open(&mut ends[1 - from], body_of(&frame)).unwrap();
                prop_assert_eq!((plain[0], &plain[1..]), (*flags, &body[..]));
            }
        }
    }
}
