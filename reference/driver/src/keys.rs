//! New keys of CURVE.

use std::io;

use zmq_core::mechanism::curve::{KEY_OCTETS, KeyPair};

/// A new pair of CURVE keys, made of the system's random octets.
///
/// libzmq's `zmq_curve_keypair`; [`PublicKey::to_z85`](crate::PublicKey::to_z85) writes a key as text.
///
/// # Errors
///
/// If the system has no random octets.
pub fn new_keys() -> io::Result<KeyPair> {
    let mut random = [0; KEY_OCTETS];
    getrandom::fill(&mut random).map_err(|why| io::Error::other(why.to_string()))?;
    Ok(KeyPair::generate(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pairs_are_alike() {
        let [one, other] = [new_keys().unwrap(), new_keys().unwrap()];
        assert_ne!(one.public(), other.public());
        assert_ne!(one.public().octets(), &[0; KEY_OCTETS]);
    }
}
