//! Message parts between the protocol's words and octets, for the adapters that are built into this binary.

use sha2::{Digest, Sha256};

use super::protocol::{ErrorReply, LARGE_PART, Part};
use super::serve::argument;

/// No part that the harness asks to fill is longer.
const FILL_LIMIT: usize = 1 << 30;

/// Lower-case hex.
pub(super) fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        text.push(char::from(DIGITS[usize::from(octet >> 4)]));
        text.push(char::from(DIGITS[usize::from(octet & 15)]));
    }
    text
}

/// The octets, or `None` if this is not an even number of hex digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// The octets of the parts that a `send` brings: at least one.
pub(super) fn octets(parts: &[Part]) -> Result<Vec<Vec<u8>>, ErrorReply> {
    if parts.is_empty() {
        return Err(argument("expected at least one part".into()));
    }
    parts.iter().map(part_octets).collect()
}

fn part_octets(part: &Part) -> Result<Vec<u8>, ErrorReply> {
    match part {
        Part::Hex(text) => unhex(text).ok_or_else(|| argument("a part is not an even number of hex digits".into())),
        Part::Fill { fill, len } => match unhex(fill).as_deref() {
            Some([octet]) if *len <= FILL_LIMIT => Ok(vec![*octet; *len]),
            Some([_]) => Err(argument(format!("`fill`: expected at most {FILL_LIMIT} octets, came {len}"))),
            _ => Err(argument(format!("`fill`: expected two hex digits, came `{fill}`"))),
        },
        Part::Digest { .. } => Err(argument("a part to send is hex or `fill`, came a digest".into())),
    }
}

/// A received part as a reply has it: a long one as its digest.
pub(super) fn reported(octets: &[u8]) -> Part {
    if octets.len() > LARGE_PART {
        Part::Digest { len: octets.len(), sha256: hex(&Sha256::digest(octets)) }
    } else {
        Part::Hex(hex(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_there_and_back_and_refuses_what_is_none() {
        assert_eq!(unhex(&hex(&[0, 0x7f, 0xff])), Some(vec![0, 0x7f, 0xff]));
        assert_eq!((unhex("abc"), unhex("+f"), unhex("zz"), unhex("é")), (None, None, None, None));
    }

    #[test]
    fn a_fill_is_one_octet_repeated_and_a_digest_cannot_be_sent() {
        let fill = |fill: &str, len| octets(&[Part::Fill { fill: fill.into(), len }]);
        assert_eq!(fill("5a", 3), Ok(vec![b"ZZZ".to_vec()]));
        assert!(fill("5a5a", 3).is_err() && fill("5", 3).is_err() && fill("00", FILL_LIMIT + 1).is_err());
        assert!(octets(&[]).is_err());
        assert!(octets(&[reported(&[0; LARGE_PART + 1])]).is_err());
        assert_eq!(reported(&[0; LARGE_PART]), Part::Hex("00".repeat(LARGE_PART)));
    }
}
