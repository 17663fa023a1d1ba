//! The greeting: 64 octets with which each end of a connection says what it speaks.
//!
//! ```text
//!   0         10      11      12           32         33        64
//!   signature  major   minor   mechanism    as-server  filler
//! ```

use crate::options::AsServer;

/// Octets of a whole greeting.
pub const GREETING_OCTETS: usize = 64;
/// Octets of the signature.
pub const SIGNATURE_OCTETS: usize = 10;
/// Octets of a mechanism's name with its padding.
const MECHANISM_OCTETS: usize = 20;

/// Octets of the signature and the major version.
pub const OPENING_OCTETS: usize = SIGNATURE_OCTETS + 1;
/// Our major version.
pub const MAJOR: u8 = 3;

/// What is sent at once: the signature, which to a peer of 1.0 is the header of a frame with our identity.
///
/// The major version waits until the peer shows that it sends a signature, too; what follows waits for its version,
/// because a peer of 1.0 or 2.0 has none of it.
// spec: ZMTP31-BACK-06, ZMTP20-INTEROP-02
#[must_use]
pub fn signature(identity_octets: usize) -> [u8; SIGNATURE_OCTETS] {
    mark!("ZMTP31-BACK-06");
    let [a, b, c, d, e, f, g, h] = (identity_octets as u64 + 1).to_be_bytes();
    [0xff, a, b, c, d, e, f, g, h, 0x7f]
}

/// What follows the major version: minor version, mechanism, as-server, filler.
// spec: PLAIN-ROLE-01
#[must_use]
pub(crate) fn rest(mechanism: &str, role: AsServer) -> [u8; GREETING_OCTETS - OPENING_OCTETS] {
    let mut rest = [0; GREETING_OCTETS - OPENING_OCTETS];
    rest[0] = 1;
    rest[1..=mechanism.len()].copy_from_slice(mechanism.as_bytes());
    rest[1 + MECHANISM_OCTETS] = match role {
        AsServer::Server => 1,
        AsServer::Client => 0,
    };
    rest
}

/// How much of a greeting has come, as far as one can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Not enough to know.
    Incomplete,
    /// A peer of ZMTP 1.0, which sends no signature.
    Unversioned,
    /// A whole signature, and nothing behind it.
    Signature,
    /// A peer of this major version, 3 or more.
    Version3(u8),
    /// A peer of an older version that has a signature: its revision octet.
    Older(u8),
}

/// Reads the first octets of a greeting.
// spec: ZMTP31-VERSION-03, ZMTP31-VERSION-08, ZMTP31-BACK-07, ZMTP31-BACK-08, ZMTP31-BACK-09
#[must_use]
pub fn opening(octets: &[u8]) -> Opening {
    match octets {
        [] => Opening::Incomplete,
        [first, ..] if *first != 0xff => Opening::Unversioned,
        [_, _, _, _, _, _, _, _, _, last, ..] if last & 1 == 0 => Opening::Unversioned,
        [_, _, _, _, _, _, _, _, _, _] => Opening::Signature,
        [_, _, _, _, _, _, _, _, _, _, major, ..] if *major >= 3 => Opening::Version3(*major),
        [_, _, _, _, _, _, _, _, _, _, major, ..] => Opening::Older(*major),
        _ => Opening::Incomplete,
    }
}

/// The version, as far as it changes what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 13/ZMTP: frames of their own kind, and nothing but an identity before them.
    V1_0,
    /// 15/ZMTP: frames of 3.x, no commands, no mechanism.
    V2_0,
    /// 23/ZMTP: subscriptions are messages, there is no PING.
    V3_0,
    /// 37/ZMTP, and what a later version understands of it.
    V3_1,
}

/// What a whole greeting of version 3 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// What both ends speak.
    pub version: Version,
    /// Name of the mechanism, padded with zeros.
    pub mechanism: [u8; MECHANISM_OCTETS],
}

impl Greeting {
    /// Reads a whole greeting whose [`opening`] is that of version 3.
    ///
    /// Padding, filler and as-server are not looked at.
    // spec: ZMTP31-VERSION-07, ZMTP31-VERSION-09
    #[must_use]
    pub fn parse(octets: &[u8; GREETING_OCTETS]) -> Self {
        let (major, minor) = (octets[10], octets[11]);
        let version = if major == 3 && minor == 0 { Version::V3_0 } else { Version::V3_1 };
        let mut mechanism = [0; MECHANISM_OCTETS];
        mechanism.copy_from_slice(&octets[12..12 + MECHANISM_OCTETS]);
        Self { version, mechanism }
    }

    /// Whether it names this mechanism, and nothing behind it.
    #[must_use]
    pub fn names(&self, mechanism: &str) -> bool {
        let (name, padding) = self.mechanism.split_at(mechanism.len());
        name == mechanism.as_bytes() && padding.iter().all(|octet| *octet == 0)
    }

    /// The name as text, for messages.
    #[must_use]
    pub fn mechanism_text(&self) -> String {
        let end = self.mechanism.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
        self.mechanism[..end].escape_ascii().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> [u8; GREETING_OCTETS] {
        let mut octets = [0; GREETING_OCTETS];
        octets[..SIGNATURE_OCTETS].copy_from_slice(&signature(0));
        octets[SIGNATURE_OCTETS] = MAJOR;
        octets[OPENING_OCTETS..].copy_from_slice(&rest("NULL", AsServer::Client));
        octets
    }

    #[test]
    fn our_own_greeting_is_understood() {
        let greeting = Greeting::parse(&ours());
        assert_eq!(opening(&ours()), Opening::Version3(3));
        assert_eq!(greeting.version, Version::V3_1);
        assert!(greeting.names("NULL") && !greeting.names("NUL") && !greeting.names("PLAIN"));
        assert_eq!(greeting.mechanism_text(), "NULL");
    }

    #[test]
    fn the_version_is_known_from_the_eleventh_octet_on() {
        for n in 1..SIGNATURE_OCTETS {
            assert_eq!(opening(&ours()[..n]), Opening::Incomplete, "{n}");
        }
        assert_eq!(opening(&ours()[..SIGNATURE_OCTETS]), Opening::Signature);
        assert_eq!(opening(&ours()[..OPENING_OCTETS]), Opening::Version3(3));
        assert_eq!(opening(b"GET / HTTP/1.1"), Opening::Unversioned);
        assert_eq!(opening(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0]), Opening::Unversioned);
        assert_eq!(opening(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1]), Opening::Older(1));
    }

    // spec: ZMTP31-BACK-06, ZMTP20-INTEROP-02
    #[test]
    fn the_padding_is_the_length_of_a_frame_of_1_0() {
        assert_eq!(signature(0), [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]);
        assert_eq!(signature(255), [0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0x7f]);
    }

    #[test]
    fn a_later_version_is_taken_for_3_1() {
        let mut octets = ours();
        octets[10] = 4;
        octets[11] = 0;
        assert_eq!(Greeting::parse(&octets).version, Version::V3_1);
        octets[10] = 3;
        assert_eq!(Greeting::parse(&octets).version, Version::V3_0);
    }
}
