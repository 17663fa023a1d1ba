//! Greetings of ZMTP 2.0 and 1.0.
//!
//! ```text
//! 2.0  FF size(8) 7F  revision  socket type  00 length identity      the size is that of the identity, plus one
//! 1.0  length flags identity                                         who also speaks 2.0 begins with FF size(8) 7F
//! ```

use super::dialect::{Dialect, OPENING_V2};
use super::frame::{Decoded, Frame};
use super::greeting::SIGNATURE;

/// Socket types by their octet in a 2.0 greeting; XPUB and XSUB appear as PUB and SUB.
const TYPES: [&str; 9] = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH"];

/// The octet of a socket type in a 2.0 greeting.
#[must_use]
pub fn type_octet(kind: &str) -> Option<u8> {
    let shown = match kind {
        "XPUB" => "PUB",
        "XSUB" => "SUB",
        other => other,
    };
    TYPES.iter().position(|known| *known == shown).and_then(|at| u8::try_from(at).ok())
}

/// The socket type of an octet.
#[must_use]
pub fn type_name(octet: u8) -> Option<&'static str> {
    TYPES.get(usize::from(octet)).copied()
}

/// A greeting as a subject wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyGreeting {
    /// All of it.
    pub octets: Vec<u8>,
    /// Revision and socket type; absent in 1.0.
    pub revision_and_type: Option<(u8, u8)>,
    /// The frame with the identity.
    pub identity: Frame,
}

/// What the front of a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Greeted {
    /// A whole greeting.
    Whole(EarlyGreeting),
    /// More octets are needed.
    Incomplete,
    /// What stands in the place of the identity is no frame that anybody would send.
    Broken,
}

/// Longest identity that a subject is expected to send.
const LONGEST: usize = 64 << 10;

/// Reads a greeting of 2.0 or 1.0 from the front of `octets`.
#[must_use]
pub fn decode(dialect: Dialect, octets: &[u8]) -> Greeted {
    let opening = match dialect {
        Dialect::V2 => OPENING_V2,
        Dialect::V1 | Dialect::V3 => 0,
    };
    let Some(frames) = octets.get(opening..) else { return Greeted::Incomplete };
    match dialect.decode(frames, LONGEST) {
        Decoded::Frame(identity, taken) => Greeted::Whole(EarlyGreeting {
            octets: octets[..opening + taken].to_vec(),
            revision_and_type: (opening > 0).then(|| (octets[SIGNATURE], octets[SIGNATURE + 1])),
            identity,
        }),
        Decoded::Incomplete => Greeted::Incomplete,
        Decoded::TooLarge(_) | Decoded::Void(_) => Greeted::Broken,
    }
}

/// A faultless greeting of 2.0 or 1.0.
#[must_use]
pub fn encode(dialect: Dialect, type_octet: u8, identity: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    if dialect == Dialect::V2 {
        octets.push(0xff);
        octets.extend_from_slice(&(identity.len() as u64 + 1).to_be_bytes());
        octets.extend_from_slice(&[0x7f, 1, type_octet]);
    }
    octets.extend(dialect.encode(&Frame { flags: 0, body: identity.to_vec() }));
    octets
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    #[test]
    fn greetings_have_the_octets_of_the_documents() {
        assert_eq!(hex(&encode(Dialect::V2, 5, b"")), "ff00000000000000017f01050000");
        assert_eq!(hex(&encode(Dialect::V2, 8, b"abc")), "ff00000000000000047f01080003616263");
        assert_eq!(hex(&encode(Dialect::V1, 5, b"")), "0100");
        assert_eq!(hex(&encode(Dialect::V1, 5, b"abc")), "0400616263");
        assert_eq!((type_octet("XSUB"), type_octet("PUSH"), type_octet("STREAM")), (Some(2), Some(8), None));
        assert_eq!((type_name(0), type_name(9)), (Some("PAIR"), None));
    }

    #[test]
    fn a_greeting_is_whole_behind_its_identity() {
        for (dialect, pair) in [(Dialect::V2, Some((1, 6))), (Dialect::V1, None)] {
            let octets = encode(dialect, 6, b"bob");
            for cut in 0..octets.len() {
                assert_eq!(decode(dialect, &octets[..cut]), Greeted::Incomplete);
            }
            let Greeted::Whole(greeting) = decode(dialect, &[&octets[..], &[0, 0]].concat()) else {
                panic!("not whole")
            };
            assert_eq!((&greeting.octets, greeting.revision_and_type), (&octets, pair));
            assert_eq!(greeting.identity, Frame { flags: 0, body: b"bob".to_vec() });
        }
        let overlaid = [0xff, 0, 0, 0, 0, 0, 0, 0, 4, 0x7f, b'b', b'o', b'b'];
        let Greeted::Whole(greeting) = decode(Dialect::V1, &overlaid) else { panic!("not whole") };
        assert_eq!(greeting.identity, Frame { flags: 0x7f, body: b"bob".to_vec() });
        assert_eq!(decode(Dialect::V1, &[0]), Greeted::Broken);
    }
}
