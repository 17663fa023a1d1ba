//! The greeting: signature(10) version(2) mechanism(20) as-server(1) filler(31).

/// Length of a ZMTP 3.x greeting in octets.
pub const GREETING: usize = 64;
/// Length of the signature in octets.
pub const SIGNATURE: usize = 10;

/// A protocol version as the greeting carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Octet 10.
    pub major: u8,
    /// Octet 11.
    pub minor: u8,
}

impl Version {
    /// ZMTP 1.0 (13/ZMTP).
    pub const V1_0: Self = Self { major: 1, minor: 0 };
    /// ZMTP 2.0 (15/ZMTP).
    pub const V2_0: Self = Self { major: 2, minor: 0 };
    /// ZMTP 3.0 (23/ZMTP).
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// ZMTP 3.1 (37/ZMTP).
    pub const V3_1: Self = Self { major: 3, minor: 1 };
    /// Every version that a raw peer speaks, the newest first.
    pub const SPOKEN: [Self; 4] = [Self::V3_1, Self::V3_0, Self::V2_0, Self::V1_0];
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl std::str::FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a version such as 3.1, found {text:?}");
        let (major, minor) = text.split_once('.').ok_or_else(wrong)?;
        Ok(Self { major: major.parse().map_err(|_| wrong())?, minor: minor.parse().map_err(|_| wrong())? })
    }
}

/// What a raw peer says in its greeting. Every field can be wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Octets 0 to 9.
    pub signature: [u8; SIGNATURE],
    /// Octets 10 and 11.
    pub version: Version,
    /// Octets 12 to 31.
    pub mechanism: [u8; 20],
    /// Octet 32.
    pub as_server: u8,
    /// Octets 33 to 63.
    pub filler: [u8; 31],
}

impl Greeting {
    /// A faultless NULL greeting of a version.
    #[must_use]
    pub fn null(version: Version) -> Self {
        let mut mechanism = [0; 20];
        mechanism[..4].copy_from_slice(b"NULL");
        Self { signature: [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f], version, mechanism, as_server: 0, filler: [0; 31] }
    }

    /// The 64 octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(GREETING);
        octets.extend_from_slice(&self.signature);
        octets.extend_from_slice(&[self.version.major, self.version.minor]);
        octets.extend_from_slice(&self.mechanism);
        octets.push(self.as_server);
        octets.extend_from_slice(&self.filler);
        octets
    }

    /// Reads 64 octets; any octets make a greeting.
    #[must_use]
    pub fn decode(octets: &[u8; GREETING]) -> Self {
        let mut greeting = Self::null(Version { major: octets[10], minor: octets[11] });
        greeting.signature.copy_from_slice(&octets[..10]);
        greeting.mechanism.copy_from_slice(&octets[12..32]);
        greeting.as_server = octets[32];
        greeting.filler.copy_from_slice(&octets[33..]);
        greeting
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn null_greeting_has_the_octets_of_the_document() {
        let octets = Greeting::null(Version::V3_1).encode();
        assert_eq!(super::super::hex(&octets), format!("ff{}7f03014e554c4c{}", "00".repeat(8), "00".repeat(48)));
    }

    proptest! {
        #[test]
        fn decoding_is_the_inverse_of_encoding(octets in proptest::array::uniform32(any::<u8>())) {
            let mut whole = [0; GREETING];
            whole[..32].copy_from_slice(&octets);
            whole[32..].copy_from_slice(&octets);
            prop_assert_eq!(Greeting::decode(&whole).encode(), whole.to_vec());
        }
    }
}
