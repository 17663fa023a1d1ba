//! Z85: octets as printable text, five characters for four octets (32/Z85).

/// What can neither be encoded nor decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Z85Error {
    /// The octets are no whole groups of four. To pad them is the application's task.
    #[error("expected a multiple of 4 octets, came {0}")]
    Octets(usize),
    /// The text is no whole groups of five characters.
    #[error("expected a multiple of 5 characters, came {0} octets")]
    Characters(usize),
    /// An octet of the text is no digit of Z85.
    #[error("octet {at} of the text is no digit of Z85")]
    Digit {
        /// Its place, from 0.
        at: usize,
    },
    /// Five digits stand for more than four octets can hold.
    #[error("the five digits from octet {at} on are above 2^32 - 1")]
    Overflow {
        /// The place of the first of them, from 0.
        at: usize,
    },
}

/// Octets of a group.
const OCTETS: usize = 4;
/// Characters of a group.
const CHARACTERS: usize = 5;
/// Values of a digit.
const BASE: u32 = 85;

/// The digits by their values.
// spec: Z85-CODEC-04
const DIGITS: &[u8; BASE as usize] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The values by their digits, [`NO_DIGIT`] for every other octet.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0_u8;
    while (value as usize) < DIGITS.len() {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

const NO_DIGIT: u8 = 255;

/// The text for `octets`, a quarter longer than they are. No octets are no text.
///
/// # Errors
///
/// [`Z85Error::Octets`] if their number is no multiple of four.
// spec: Z85-CODEC-01, Z85-CODEC-05, Z85-CODEC-06, Z85-CODEC-07
pub fn encode(octets: &[u8]) -> Result<String, Z85Error> {
    let (groups, rest) = octets.as_chunks::<OCTETS>();
    if !rest.is_empty() {
        return Err(Z85Error::Octets(octets.len()));
    }
    let mut text = String::with_capacity(groups.len() * CHARACTERS);
    for group in groups {
        let mut number = u32::from_be_bytes(*group);
        let mut digits = [0; CHARACTERS];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(number % BASE) as usize];
            number /= BASE;
        }
        text.extend(digits.map(char::from));
    }
    Ok(text)
}

/// The octets that `text` stands for. No text is no octets.
///
/// # Errors
///
/// [`Z85Error`] for what no octets are encoded as.
// spec: Z85-CODEC-02, Z85-SEC-01
pub fn decode(text: &str) -> Result<Vec<u8>, Z85Error> {
    let mut octets = vec![0; text.len() / CHARACTERS * OCTETS];
    decode_into(text, &mut octets)?;
    Ok(octets)
}

/// Writes the octets that `text` stands for into `to`, which has as many.
///
/// # Errors
///
/// As [`decode`]; [`Z85Error::Characters`] also if `to` is of another length.
// spec: Z85-CODEC-08, Z85-CODEC-09
pub(crate) fn decode_into(text: &str, to: &mut [u8]) -> Result<(), Z85Error> {
    let (groups, rest) = text.as_bytes().as_chunks::<CHARACTERS>();
    let (places, behind) = to.as_chunks_mut::<OCTETS>();
    if !rest.is_empty() || !behind.is_empty() || groups.len() != places.len() {
        return Err(Z85Error::Characters(text.len()));
    }
    for (index, (group, place)) in groups.iter().zip(places).enumerate() {
        let start = index * CHARACTERS;
        let mut number = 0_u64;
        for (at, character) in (start..).zip(group) {
            let value = VALUES[usize::from(*character)];
            if value == NO_DIGIT {
                return Err(Z85Error::Digit { at });
            }
            number = number * u64::from(BASE) + u64::from(value);
        }
        let number = u32::try_from(number).map_err(|_| Z85Error::Overflow { at: start })?;
        *place = number.to_be_bytes();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // spec: Z85-CODEC-05, Z85-CODEC-08, Z85-SEC-01
        #[test]
        fn what_was_encoded_is_decoded(groups in prop::collection::vec(any::<[u8; 4]>(), 0..40)) {
            let octets = groups.concat();
            let text = encode(&octets).unwrap();
            prop_assert_eq!(text.len() * 4, octets.len() * 5);
            prop_assert_eq!(decode(&text).unwrap(), octets);
        }

        /// A text that can be decoded is the only one for its octets.
        #[test]
        fn whatever_comes_is_refused_or_encoded_the_same(text in "[ -~]{0,20}") {
            if let Ok(octets) = decode(&text) {
                prop_assert_eq!(encode(&octets).unwrap(), text);
            }
        }

        // spec: Z85-SEC-01
        #[test]
        fn no_text_at_all_does_harm(text in "\\PC{0,12}") {
            let _ = decode(&text);
        }
    }

    // spec: Z85-VECTOR-01
    #[test]
    fn the_example_of_the_rfc_holds_both_ways() {
        let octets = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        assert_eq!(encode(&octets).unwrap(), "HelloWorld");
        assert_eq!(decode("HelloWorld").unwrap(), octets);
    }

    // spec: Z85-CODEC-04
    #[test]
    fn every_value_has_its_digit_and_every_other_octet_is_refused() {
        let digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
        for (value, digit) in (0..85).zip(digits.chars()) {
            assert_eq!(encode(&[0, 0, 0, value]).unwrap(), format!("0000{digit}"));
            assert_eq!(decode(&format!("0000{digit}")).unwrap(), [0, 0, 0, value]);
        }
        for other in (0..128_u8).map(char::from).filter(|character| !digits.contains(*character)) {
            assert_eq!(decode(&format!("0000000{other}00")), Err(Z85Error::Digit { at: 7 }), "{other:?}");
        }
        assert_eq!(decode("é000"), Err(Z85Error::Digit { at: 0 }));
    }

    // spec: Z85-CODEC-01, Z85-CODEC-02
    #[test]
    fn only_whole_groups_are_taken() {
        for n in 0..13 {
            let expected = if n % 4 == 0 { Ok(n / 4 * 5) } else { Err(Z85Error::Octets(n)) };
            assert_eq!(encode(&[7; 13][..n]).map(|text| text.len()), expected);
            let expected = if n % 5 == 0 { Ok(n / 5 * 4) } else { Err(Z85Error::Characters(n)) };
            assert_eq!(decode(&"0".repeat(n)).map(|octets| octets.len()), expected);
        }
    }

    // spec: Z85-CODEC-06, Z85-CODEC-07, Z85-CODEC-08, Z85-CODEC-09
    #[test]
    fn a_group_is_a_number_with_its_high_end_first_and_fits_32_bits() {
        assert_eq!(encode(&[0, 0, 0, 1]).unwrap(), "00001");
        assert_eq!(decode("00001").unwrap(), [0, 0, 0, 1]);
        assert_eq!(encode(&[0xff; 4]).unwrap(), "%nSc0");
        assert_eq!(decode("%nSc0").unwrap(), [0xff; 4]);
        assert_eq!(decode("00000%nSc1"), Err(Z85Error::Overflow { at: 5 }));
        assert_eq!(decode("#####"), Err(Z85Error::Overflow { at: 0 }));
    }
}
