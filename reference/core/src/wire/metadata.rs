//! Properties: the names and values that READY brings.

/// What is no list of properties.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// A name or value ends behind the list.
    #[error("a property ends {missing} octets behind the metadata")]
    CutOff {
        /// Octets that are missing.
        missing: u64,
    },
    /// A property has no name.
    #[error("a property without a name")]
    NoName,
    /// A name has an octet that is neither letter, digit nor one of `-_.+`.
    #[error("the property name \"{0}\", which has octets that no name has")]
    BadName(String),
}

/// Reads a list of properties, in their order.
///
/// # Errors
///
/// [`MetadataError`] if it is none; nothing of it counts then.
// spec: ZMTP31-READY-02, ZMTP31-READY-03, ZMTP31-READY-05
pub fn parse(mut octets: &[u8]) -> Result<Vec<(String, Vec<u8>)>, MetadataError> {
    let mut properties = Vec::new();
    while let Some((length, rest)) = octets.split_first() {
        let (name, rest) = split(rest, u64::from(*length))?;
        if name.is_empty() {
            return Err(MetadataError::NoName);
        }
        if !name.iter().all(|octet| octet.is_ascii_alphanumeric() || b"-_.+".contains(octet)) {
            return Err(MetadataError::BadName(name.escape_ascii().to_string()));
        }
        let (length, rest) = split(rest, 4)?;
        let length = length.iter().fold(0, |length, octet| length << 8 | u64::from(*octet));
        let (value, rest) = split(rest, length)?;
        properties.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        octets = rest;
    }
    Ok(properties)
}

fn split(octets: &[u8], at: u64) -> Result<(&[u8], &[u8]), MetadataError> {
    let length = usize::try_from(at).unwrap_or(usize::MAX);
    octets
        .split_at_checked(length)
        .ok_or_else(|| MetadataError::CutOff { missing: at.saturating_sub(octets.len() as u64) })
}

/// Appends a property.
///
/// # Panics
///
/// If the name has more than 255 octets or the value more than 2^31 - 1.
pub fn write(name: &str, value: &[u8], to: &mut Vec<u8>) {
    to.push(u8::try_from(name.len()).expect("names are checked where they are set"));
    to.extend_from_slice(name.as_bytes());
    let length = i32::try_from(value.len()).expect("values are checked where they are set");
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(value);
}

/// The value of the first property of that name; case does not matter.
// spec: ZMTP31-READY-06, ZMTP31-META-02
#[must_use]
pub fn find<'a>(properties: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a [u8]> {
    properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn properties_are_read_as_they_were_written(
            properties in prop::collection::vec(("[a-zA-Z0-9_.+-]{1,255}", prop::collection::vec(any::<u8>(), 0..300)), 0..5),
        ) {
            let mut octets = Vec::new();
            for (name, value) in &properties {
                write(name, value, &mut octets);
            }
            prop_assert_eq!(parse(&octets).unwrap(), properties);
        }

        #[test]
        fn whatever_comes_is_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&octets);
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let mut octets = Vec::new();
        write("Name", b"value", &mut octets);
        for cut in 1..octets.len() {
            assert!(matches!(parse(&octets[..cut]), Err(MetadataError::CutOff { .. })), "{cut}");
        }
        assert_eq!(parse(&[0, 0, 0, 0, 0]), Err(MetadataError::NoName));
        assert_eq!(parse(b"\x01 \0\0\0\0"), Err(MetadataError::BadName(" ".into())));
        assert_eq!(parse(b"\x01a\xff\xff\xff\xff"), Err(MetadataError::CutOff { missing: 0xffff_ffff }));
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let properties = vec![("socket-TYPE".into(), b"SUB".to_vec()), ("Socket-Type".into(), b"PUB".to_vec())];
        assert_eq!(find(&properties, "Socket-Type"), Some(&b"SUB"[..]));
        assert_eq!(find(&properties, "Identity"), None);
    }
}
