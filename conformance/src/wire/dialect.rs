//! How frames are cut in the versions of ZMTP: 3.x, 2.0 and 1.0.
//!
//! ```text
//! 3.x  greeting of 64          then flags size(1|8) body, READY first
//! 2.0  signature(10) 01 type   then flags size(1|8) body, the identity first
//! 1.0                          nothing but length(1|FF 8) flags body, the identity first; the length counts the flags
//! ```

use super::frame::{Decoded, Frame, decode, flag};
use super::greeting::{GREETING, Version};

/// Octets of a ZMTP 2.0 greeting before the frame with the identity.
pub const OPENING_V2: usize = 12;

/// A way of cutting frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// ZMTP 1.0 (13/ZMTP).
    V1,
    /// ZMTP 2.0 (15/ZMTP).
    V2,
    /// ZMTP 3.0 and 3.1.
    #[default]
    V3,
}

impl Dialect {
    /// The dialect of a version.
    #[must_use]
    pub fn of(version: Version) -> Self {
        match version.major {
            0 | 1 => Self::V1,
            2 => Self::V2,
            _ => Self::V3,
        }
    }

    /// Octets of a connection before its first frame.
    #[must_use]
    pub fn opening(self) -> usize {
        match self {
            Self::V1 => 0,
            Self::V2 => OPENING_V2,
            Self::V3 => GREETING,
        }
    }

    /// Reads one frame from the front of `octets`; bodies above `limit` octets are refused unread.
    #[must_use]
    pub fn decode(self, octets: &[u8], limit: usize) -> Decoded {
        match self {
            Self::V2 | Self::V3 => decode(octets, limit),
            Self::V1 => decode_v1(octets, limit),
        }
    }

    /// The frame in its shortest form.
    #[must_use]
    pub fn encode(self, frame: &Frame) -> Vec<u8> {
        match self {
            Self::V2 | Self::V3 => Frame::minimal(frame.flags & !flag::LONG, frame.body.clone()).encode(),
            Self::V1 if frame.body.len() + 1 < usize::from(FF) => {
                let length = frame.body.len().to_be_bytes()[size_of::<usize>() - 1] + 1;
                [&[length, frame.flags], frame.body.as_slice()].concat()
            }
            Self::V1 => self.encode_long(frame),
        }
    }

    /// The frame with a size of eight octets.
    #[must_use]
    pub fn encode_long(self, frame: &Frame) -> Vec<u8> {
        match self {
            Self::V2 | Self::V3 => Frame { flags: frame.flags | flag::LONG, body: frame.body.clone() }.encode(),
            Self::V1 => {
                let length = (frame.body.len() as u64 + 1).to_be_bytes();
                [&[FF], length.as_slice(), &[frame.flags], frame.body.as_slice()].concat()
            }
        }
    }

    /// A whole message in the shortest form.
    #[must_use]
    pub fn message(self, parts: &[Vec<u8>]) -> Vec<u8> {
        let last = parts.len().saturating_sub(1);
        let frame = |(i, part): (usize, &Vec<u8>)| {
            self.encode(&Frame { flags: if i < last { flag::MORE } else { 0 }, body: part.clone() })
        };
        parts.iter().enumerate().flat_map(frame).collect()
    }
}

/// In place of a length it says that the length follows in eight octets.
const FF: u8 = 0xff;

fn decode_v1(octets: &[u8], limit: usize) -> Decoded {
    let Some((&first, rest)) = octets.split_first() else { return Decoded::Incomplete };
    let (length, header) = if first == FF {
        let Some((length, _)) = rest.split_first_chunk::<8>() else { return Decoded::Incomplete };
        (u64::from_be_bytes(*length), 9)
    } else {
        (u64::from(first), 1)
    };
    let Some(size) = length.checked_sub(1) else { return Decoded::Void(header) };
    let Some(body) = usize::try_from(size).ok().filter(|body| *body <= limit) else {
        return Decoded::TooLarge(size);
    };
    match octets.get(header..=header + body) {
        Some(frame) => Decoded::Frame(Frame { flags: frame[0], body: frame[1..].to_vec() }, header + 1 + body),
        None => Decoded::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hex;
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::V1, Dialect::V2, Dialect::V3];

    #[test]
    fn each_dialect_has_its_form() {
        let parts = [b"a".to_vec(), vec![]];
        assert_eq!(ALL.map(|dialect| hex(&dialect.message(&parts))), ["0201610100", "0101610000", "0101610000"]);
        let frame = |length| Frame { flags: 0, body: vec![7; length] };
        assert_eq!(Dialect::V1.encode(&frame(253))[..3], [254, 0, 7]);
        assert_eq!(Dialect::V1.encode(&frame(254))[..11], [0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 7]);
        assert_eq!(Dialect::V2.encode(&frame(256))[..10], [2, 0, 0, 0, 0, 0, 0, 1, 0, 7]);
    }

    #[test]
    fn a_length_of_zero_has_no_room_for_flags() {
        assert_eq!(Dialect::V1.decode(&[0, 1, 0], 9), Decoded::Void(1));
        assert_eq!(Dialect::V1.decode(&[0xff, 0, 0, 0, 0, 0, 0, 0, 0], 9), Decoded::Void(9));
        assert_eq!(Dialect::V1.decode(&[0xff; 9], 9), Decoded::TooLarge(u64::MAX - 1));
    }

    proptest! {
        #[test]
        fn decoding_is_the_inverse_of_encoding(
            more in any::<bool>(), body in proptest::collection::vec(any::<u8>(), 0..600)
        ) {
            let frame = Frame { flags: u8::from(more), body };
            for dialect in ALL {
                for octets in [dialect.encode(&frame), dialect.encode_long(&frame)] {
                    let Decoded::Frame(mut found, taken) = dialect.decode(&octets, 1 << 20) else {
                        return Err(TestCaseError::fail("no frame"));
                    };
                    found.flags &= !flag::LONG;
                    prop_assert_eq!((&found, taken), (&frame, octets.len()));
                    prop_assert_eq!(dialect.decode(&octets[..octets.len() - 1], 1 << 20), Decoded::Incomplete);
                }
            }
        }
    }
}
