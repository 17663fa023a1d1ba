//! Frames: flags, size of one or eight octets, body. Messages and commands are made of them.

/// Flag bits of ZMTP 2.0 and 3.x.
pub mod flag {
    /// More frames of this message follow.
    pub const MORE: u8 = 1;
    /// The size has eight octets.
    pub const LONG: u8 = 2;
    /// The frame is a command.
    pub const COMMAND: u8 = 4;
    /// Bits that have to be zero.
    pub const RESERVED: u8 = 0xf8;
}

/// One frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The flags octet, reserved bits included.
    pub flags: u8,
    /// The body.
    pub body: Vec<u8>,
}

impl Frame {
    /// Whether the COMMAND bit is set.
    #[must_use]
    pub fn is_command(&self) -> bool {
        self.flags & flag::COMMAND != 0
    }

    /// Whether the MORE bit is set.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.flags & flag::MORE != 0
    }

    /// Name and data of a command body; `None` if the name does not fit into the body.
    #[must_use]
    pub fn command(&self) -> Option<(&[u8], &[u8])> {
        let (length, rest) = self.body.split_first()?;
        rest.split_at_checked(usize::from(*length))
    }

    /// The frame on the wire, with the size form that its LONG bit says; a body over 255 octets without that bit gets
    /// a size octet that lies.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(9 + self.body.len());
        octets.push(self.flags);
        if self.flags & flag::LONG != 0 {
            octets.extend_from_slice(&(self.body.len() as u64).to_be_bytes());
        } else {
            octets.push(self.body.len().to_be_bytes()[size_of::<usize>() - 1]);
        }
        octets.extend_from_slice(&self.body);
        octets
    }

    /// A frame in its shortest form.
    #[must_use]
    pub fn minimal(flags: u8, body: Vec<u8>) -> Self {
        let form = if body.len() > 255 { flag::LONG } else { 0 };
        Self { flags: flags | form, body }
    }
}

/// A whole message in the shortest form.
#[must_use]
pub fn message(parts: &[Vec<u8>]) -> Vec<u8> {
    let last = parts.len().saturating_sub(1);
    parts
        .iter()
        .enumerate()
        .flat_map(|(i, part)| Frame::minimal(if i < last { flag::MORE } else { 0 }, part.clone()).encode())
        .collect()
}

/// A command in the shortest form: name length, name, data.
#[must_use]
pub fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut body = vec![name.len().to_be_bytes()[size_of::<usize>() - 1]];
    body.extend_from_slice(name);
    body.extend_from_slice(data);
    Frame::minimal(flag::COMMAND, body).encode()
}

/// What the front of a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole frame, and the number of octets it took.
    Frame(Frame, usize),
    /// More octets are needed.
    Incomplete,
    /// A size that no buffer of ours will hold.
    TooLarge(u64),
    /// A length of zero in so many octets: in ZMTP 1.0 it does not even have room for flags.
    Void(usize),
}

/// Reads one frame from the front of `octets`; bodies above `limit` octets are refused unread.
#[must_use]
pub fn decode(octets: &[u8], limit: usize) -> Decoded {
    let Some((&flags, rest)) = octets.split_first() else { return Decoded::Incomplete };
    let (size, header) = if flags & flag::LONG != 0 {
        let Some((size, _)) = rest.split_first_chunk::<8>() else { return Decoded::Incomplete };
        (u64::from_be_bytes(*size), 9)
    } else {
        let Some(&size) = rest.first() else { return Decoded::Incomplete };
        (u64::from(size), 2)
    };
    let Ok(length) = usize::try_from(size) else { return Decoded::TooLarge(size) };
    if length > limit {
        return Decoded::TooLarge(size);
    }
    match octets.get(header..header + length) {
        Some(body) => Decoded::Frame(Frame { flags, body: body.to_vec() }, header + length),
        None => Decoded::Incomplete,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hex;
    use super::*;

    #[test]
    fn messages_take_the_shortest_form() {
        assert_eq!(hex(&message(&[b"a".to_vec(), vec![]])), "0101610000");
        assert_eq!(&message(&[vec![7; 255]])[..3], &[0, 255, 7]);
        assert_eq!(&message(&[vec![7; 256]])[..10], &[2, 0, 0, 0, 0, 0, 0, 1, 0, 7]);
    }

    #[test]
    fn a_command_carries_its_name_length() {
        assert_eq!(hex(&command(b"PING", &[0, 0])), "04070450494e470000");
    }

    #[test]
    fn a_size_beyond_the_limit_is_refused_before_the_body_comes() {
        assert_eq!(decode(&[2, 0x80, 0, 0, 0, 0, 0, 0, 0], 1 << 20), Decoded::TooLarge(1 << 63));
    }

    proptest! {
        #[test]
        fn decoding_is_the_inverse_of_encoding(flags in 0u8..8, body in proptest::collection::vec(any::<u8>(), 0..600)) {
            let frame = Frame::minimal(flags & !flag::LONG, body);
            let octets = frame.encode();
            prop_assert_eq!(decode(&octets, 1 << 20), Decoded::Frame(frame, octets.len()));
            prop_assert_eq!(decode(&octets[..octets.len() - 1], 1 << 20), Decoded::Incomplete);
        }
    }
}
