//! The octets of ZMTP: frames, greetings, commands, properties (37/ZMTP, 23/ZMTP); what older versions write otherwise.

pub mod command;
pub mod greeting;
pub mod metadata;
pub(crate) mod old;

use std::ops::Deref;

/// Flags of a frame. The other bits are reserved: zero when sent, not looked at when received.
// spec: ZMTP31-FRAMING-04
pub(crate) mod flag {
    /// More frames of the same message follow.
    pub(crate) const MORE: u8 = 1;
    /// The length has eight octets instead of one.
    pub(crate) const LONG: u8 = 2;
    /// The frame is a command.
    pub(crate) const COMMAND: u8 = 4;
}

/// What stands in front of a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) flags: u8,
    /// Octets of the body, below 2^63.
    pub(crate) body: u64,
    /// Octets of the header itself, 2 or 9.
    pub(crate) octets: usize,
}

/// A length with the top bit set: no frame can be that long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LengthOverflow(pub(crate) u64);

impl Header {
    /// Longest header.
    pub(crate) const MAX_OCTETS: usize = 9;

    /// Reads a header; `None` while octets are missing.
    #[inline]
    pub(crate) fn parse(octets: &[u8]) -> Result<Option<Self>, LengthOverflow> {
        let [flags, short, rest @ ..] = octets else { return Ok(None) };
        if flags & flag::LONG == 0 {
            return Ok(Some(Self { flags: *flags, body: u64::from(*short), octets: 2 }));
        }
        let Some(low) = rest.first_chunk::<7>() else { return Ok(None) };
        let [b, c, d, e, f, g, h] = *low;
        let body = u64::from_be_bytes([*short, b, c, d, e, f, g, h]);
        if body >> 63 == 0 {
            Ok(Some(Self { flags: *flags, body, octets: Self::MAX_OCTETS }))
        } else {
            Err(LengthOverflow(body))
        }
    }

    /// The shortest header for a body of that length.
    // spec: ZMTP31-MECH-08, ZMTP31-MECH-09
    #[inline]
    pub(crate) fn octets(flags: u8, body: usize) -> HeaderOctets {
        if let Ok(short) = u8::try_from(body) {
            HeaderOctets { octets: [flags, short, 0, 0, 0, 0, 0, 0, 0], len: 2 }
        } else {
            let [a, b, c, d, e, f, g, h] = (body as u64).to_be_bytes();
            HeaderOctets { octets: [flags | flag::LONG, a, b, c, d, e, f, g, h], len: Self::MAX_OCTETS }
        }
    }
}

/// A header as it stands on the wire.
#[derive(Clone, Copy)]
pub(crate) struct HeaderOctets {
    octets: [u8; Header::MAX_OCTETS],
    len: usize,
}

impl Deref for HeaderOctets {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written(flags in 0u8..8, body in 0usize..100_000) {
            let flags = flags & !flag::LONG;
            let octets = Header::octets(flags, body);
            let header = Header::parse(&octets).unwrap().unwrap();
            prop_assert_eq!((header.flags & !flag::LONG, header.body, header.octets), (flags, body as u64, octets.len()));
            prop_assert_eq!(header.octets == 2, body < 256);
            for cut in 0..octets.len() {
                prop_assert_eq!(Header::parse(&octets[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn a_length_of_2_to_the_63_is_none() {
        assert_eq!(Header::parse(&[2, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(LengthOverflow(1 << 63)));
        let longest = Header::parse(&[2, 0x7f, 255, 255, 255, 255, 255, 255, 255]).unwrap().unwrap();
        assert_eq!(longest.body, (1 << 63) - 1);
    }

    #[test]
    fn a_short_body_may_come_in_a_long_frame() {
        let header = Header::parse(&[2, 0, 0, 0, 0, 0, 0, 0, 5]).unwrap().unwrap();
        assert_eq!((header.body, header.octets), (5, 9));
    }
}
