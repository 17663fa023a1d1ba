//! The harness's own codec: octets of ZMTP 3.x, 2.0 and 1.0, written and read without any help from an implementation.
//!
//! It is written for a peer that must be able to say anything: encoders take every field as it is, decoders report
//! what they saw instead of judging it. What is wrong is decided by a case, not here.

pub mod annotate;
pub mod curve;
pub mod dialect;
pub mod early;
pub mod frame;
pub mod greeting;
pub mod metadata;

/// Lower-case hex without separators.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut out, octet| {
        let _ = write!(out, "{octet:02x}");
        out
    })
}

/// Octets of a hex string.
///
/// # Errors
/// Says which character is not a hex digit, or that the number of digits is odd.
pub fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(c))
        .collect::<Result<_, _>>()
        .map_err(|c| format!("expected hex digits, found {c:?}"))?;
    if digits.len() % 2 == 1 {
        return Err(format!("expected an even number of hex digits, found {}", digits.len()));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// Octets as a reader wants to see them: printable ASCII in quotes, everything else as hex, long runs cut.
#[must_use]
pub fn show(octets: &[u8]) -> String {
    const LONGEST: usize = 48;
    let shown = &octets[..octets.len().min(LONGEST)];
    let text = if octets.is_empty() {
        "\"\"".to_owned()
    } else if shown.iter().all(|octet| matches!(octet, 0x20..=0x7e) && *octet != b'"') {
        format!("\"{}\"", String::from_utf8_lossy(shown))
    } else {
        format!("<{}>", hex(shown))
    };
    if octets.len() > LONGEST { format!("{text}… ({} octets)", octets.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_unhex_are_inverse() {
        assert_eq!(unhex(&hex(b"\x00\xffA")), Ok(vec![0, 0xff, 0x41]));
        assert_eq!(unhex("0"), Err("expected an even number of hex digits, found 1".to_owned()));
        assert_eq!(unhex("0g"), Err("expected hex digits, found 'g'".to_owned()));
    }

    #[test]
    fn octets_are_shown_as_text_where_they_are_text() {
        assert_eq!(show(b"hello"), "\"hello\"");
        assert_eq!(show(b""), "\"\"");
        assert_eq!(show(&[0, b'A']), "<0041>");
        assert!(show(&[b'a'; 100]).ends_with("… (100 octets)"));
    }
}
