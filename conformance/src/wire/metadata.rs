//! Metadata of READY: name length, name, four octets of value size, value; to the end of the body.

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Name, of any octets.
    pub name: Vec<u8>,
    /// Value, of any octets.
    pub value: Vec<u8>,
}

/// Properties on the wire, in the order given.
///
/// Names longer than 255 octets get a length octet that lies, as everywhere in this codec.
#[must_use]
pub fn encode(properties: &[Property]) -> Vec<u8> {
    let mut octets = Vec::new();
    for property in properties {
        octets.push(property.name.len().to_be_bytes()[size_of::<usize>() - 1]);
        octets.extend_from_slice(&property.name);
        let size = u32::try_from(property.value.len()).unwrap_or(u32::MAX);
        octets.extend_from_slice(&size.to_be_bytes());
        octets.extend_from_slice(&property.value);
    }
    octets
}

/// Reads properties to the end of `octets`.
///
/// # Errors
/// Says which field goes beyond the end.
pub fn decode(mut octets: &[u8]) -> Result<Vec<Property>, String> {
    let mut properties = Vec::new();
    while let Some((&length, rest)) = octets.split_first() {
        let count = properties.len() + 1;
        let (name, rest) = rest
            .split_at_checked(usize::from(length))
            .ok_or_else(|| format!("name of property {count} has {length} octets, {} are left", rest.len()))?;
        let (size, rest) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| format!("value size of property {count} needs 4 octets, {} are left", rest.len()))?;
        let size = u32::from_be_bytes(*size);
        let (value, rest) = usize::try_from(size)
            .ok()
            .and_then(|size| rest.split_at_checked(size))
            .ok_or_else(|| format!("value of property {count} has {size} octets, {} are left", rest.len()))?;
        properties.push(Property { name: name.to_vec(), value: value.to_vec() });
        octets = rest;
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_is_the_inverse_of_encoding(
            pairs in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..9), proptest::collection::vec(any::<u8>(), 0..9)), 0..4)
        ) {
            let properties: Vec<_> = pairs.into_iter().map(|(name, value)| Property { name, value }).collect();
            prop_assert_eq!(decode(&encode(&properties)), Ok(properties));
        }
    }

    #[test]
    fn a_truncated_property_is_named() {
        assert_eq!(decode(&[3, b'a']), Err("name of property 1 has 3 octets, 1 are left".to_owned()));
        assert_eq!(decode(&[1, b'a', 0]), Err("value size of property 1 needs 4 octets, 1 are left".to_owned()));
        assert_eq!(decode(&[1, b'a', 0, 0, 0, 2, 9]), Err("value of property 1 has 2 octets, 1 are left".to_owned()));
    }
}
