//! What ZMTP 1.0 (13) and 2.0 (15) write otherwise than 3.x: the header of a frame, and the octet for a socket's type.
//!
//! ```text
//!   1.0   length  flags  body       length counts the flags: 1 to 254, or FF and eight octets
//!   2.0   flags  length  body       as 3.x, without commands
//! ```

use super::{Header, LengthOverflow, flag};
use crate::pattern::table::SocketType;

/// In place of a length of 1.0: eight octets of length follow.
const LONG: u8 = 0xff;

/// What stands at the front of octets of 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// A frame begins.
    Frame(Header),
    /// A length of zero: no frame, to be passed over. So many octets.
    Nothing(usize),
}

/// Reads the header of a frame of 1.0; `None` while octets are missing.
///
/// # Errors
///
/// [`LengthOverflow`] for a length of 2^63 or more.
// spec: ZMTP10-FRAME-02, ZMTP10-FRAME-04, ZMTP10-FRAME-06
pub(crate) fn front(octets: &[u8]) -> Result<Option<Front>, LengthOverflow> {
    let (length, octets_of_length, rest) = match octets {
        [] => return Ok(None),
        [LONG, rest @ ..] => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (u64::from_be_bytes(*length), 9, rest),
            None => return Ok(None),
        },
        [length, rest @ ..] => (u64::from(*length), 1, rest),
    };
    if length >> 63 != 0 {
        return Err(LengthOverflow(length));
    }
    let Some(body) = length.checked_sub(1) else { return Ok(Some(Front::Nothing(octets_of_length))) };
    let Some(flags) = rest.first() else { return Ok(None) };
    // The other bits are reserved, and mean nothing: there are neither commands nor flags for the length.
    Ok(Some(Front::Frame(Header { flags: flags & flag::MORE, body, octets: octets_of_length + 1 })))
}

/// The header of the frame that is in front; `None` also while there is none.
///
/// # Errors
///
/// As [`front`].
pub(crate) fn parse_frame(octets: &[u8]) -> Result<Option<Header>, LengthOverflow> {
    match front(octets)? {
        Some(Front::Frame(header)) => Ok(Some(header)),
        Some(Front::Nothing(_)) | None => Ok(None),
    }
}

/// The header of 1.0 for a body of that length, the shortest that there is.
// spec: ZMTP10-FRAME-03, ZMTP10-FRAME-05, ZMTP10-FRAME-07, ZMTP10-FRAME-08
pub(crate) fn header(flags: u8, body: usize) -> ([u8; 10], usize) {
    let length = body as u64 + 1;
    match u8::try_from(length) {
        Ok(short) if short != LONG => ([short, flags, 0, 0, 0, 0, 0, 0, 0, 0], 2),
        Ok(_) | Err(_) => {
            let [a, b, c, d, e, f, g, h] = length.to_be_bytes();
            ([LONG, a, b, c, d, e, f, g, h, flags], 10)
        }
    }
}

/// How a socket says its type to a peer of 2.0; `None` for types that 2.0 does not know.
// spec: ZMTP20-GREET-04, ZMTP20-PUBSUB-01
pub(crate) fn octet_of(socket_type: SocketType) -> Option<u8> {
    match socket_type {
        SocketType::Pair => Some(0),
        SocketType::Pub | SocketType::XPub => Some(1),
        SocketType::Sub | SocketType::XSub => Some(2),
        SocketType::Req => Some(3),
        SocketType::Rep => Some(4),
        SocketType::Dealer => Some(5),
        SocketType::Router => Some(6),
        SocketType::Pull => Some(7),
        SocketType::Push => Some(8),
        SocketType::Stream => None,
    }
}

/// The type that a peer of 2.0 says it has.
///
/// 9 and 10 are in no document, but libzmq and its translations say them for XPUB and XSUB (adjudication A59).
#[must_use]
pub(crate) fn type_of(octet: u8) -> Option<SocketType> {
    match octet {
        0 => Some(SocketType::Pair),
        1 => Some(SocketType::Pub),
        2 => Some(SocketType::Sub),
        3 => Some(SocketType::Req),
        4 => Some(SocketType::Rep),
        5 => Some(SocketType::Dealer),
        6 => Some(SocketType::Router),
        7 => Some(SocketType::Pull),
        8 => Some(SocketType::Push),
        9 => Some(SocketType::XPub),
        10 => Some(SocketType::XSub),
        11..=u8::MAX => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::table::TABLE;

    fn frame(flags: u8, body: u64, octets: usize) -> Front {
        Front::Frame(Header { flags, body, octets })
    }

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written(more in any::<bool>(), body in prop_oneof![0usize..600, 250usize..258, 0usize..1 << 40]) {
            let flags = u8::from(more);
            let (octets, len) = header(flags, body);
            prop_assert_eq!(front(&octets[..len]), Ok(Some(frame(flags, body as u64, len))));
            prop_assert_eq!(len == 2, body < 254);
            for cut in 0..len {
                prop_assert_eq!(front(&octets[..cut]), Ok(None));
            }
        }

        #[test]
        fn whatever_comes_is_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = front(&octets);
        }
    }

    // spec: ZMTP10-FRAME-02, ZMTP10-FRAME-05, ZMTP10-FRAME-06
    #[test]
    fn the_length_counts_the_flags() {
        assert_eq!(front(&[1, 0]), Ok(Some(frame(0, 0, 2))));
        assert_eq!(front(&[3, 1, b'h', b'i']), Ok(Some(frame(1, 2, 2))));
        assert_eq!(front(&[0xff, 0, 0, 0, 0, 0, 0, 0, 3, 0]), Ok(Some(frame(0, 2, 10))));
        assert_eq!(header(0, 253), ([0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0], 2));
        assert_eq!(header(1, 254), ([0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 1], 10));
    }

    // spec: ZMTP10-FRAME-04
    #[test]
    fn a_length_of_zero_is_passed_over() {
        assert_eq!(front(&[0]), Ok(Some(Front::Nothing(1))));
        assert_eq!(front(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0]), Ok(Some(Front::Nothing(9))));
    }

    #[test]
    fn a_length_of_2_to_the_63_is_none() {
        assert_eq!(front(&[0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(LengthOverflow(1 << 63)));
        assert_eq!(front(&[0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0]), Ok(Some(frame(0, (1 << 63) - 2, 10))));
    }

    // spec: ZMTP10-CONN-08
    #[test]
    fn reserved_flags_mean_nothing() {
        assert_eq!(front(&[2, 0xfe, b'x']), Ok(Some(frame(0, 1, 2))));
        assert_eq!(front(&[2, 0xff, b'x']), Ok(Some(frame(1, 1, 2))));
    }

    // spec: ZMTP20-GREET-04, ZMTP20-PUBSUB-01
    #[test]
    fn types_have_the_octets_of_2_0() {
        for rules in &TABLE {
            let Some(octet) = octet_of(rules.socket_type) else { continue };
            let said = match rules.socket_type {
                SocketType::XPub => SocketType::Pub,
                SocketType::XSub => SocketType::Sub,
                other => other,
            };
            assert_eq!(type_of(octet), Some(said));
        }
        assert_eq!((octet_of(SocketType::Pair), octet_of(SocketType::Push)), (Some(0), Some(8)));
        assert_eq!((type_of(9), type_of(11)), (Some(SocketType::XPub), None));
    }
}
