//! Boxes, nonces and keys of 26/CurveZMQ, each command a pure function of what goes into it.
//!
//! As everywhere in this codec a writer takes what it is given: any nonce, any prefix, any key. What is wrong with a
//! command is said by [`crate::peer::curve`], and what that means by a case.

use dryoc::classic::crypto_box::{crypto_box_easy, crypto_box_open_easy};
use dryoc::classic::crypto_core::crypto_scalarmult_base;
use sha2::{Digest as _, Sha256};

/// A public or a secret key: 32 octets.
pub type Key = [u8; 32];

/// Octets that a box adds to what is in it.
pub const MAC: usize = 16;
/// Octets of a HELLO body, its name included.
pub const HELLO: usize = 200;
/// Octets of a WELCOME body.
pub const WELCOME: usize = 168;
/// Octets of a cookie.
pub const COOKIE: usize = 96;
/// Octets of a vouch: a long nonce, and a box of two keys.
pub const VOUCH: usize = 96;
/// Fewest octets of an INITIATE body.
pub const INITIATE: usize = 257;
/// Fewest octets of a READY body.
pub const READY: usize = 30;
/// Fewest octets of a MESSAGE body.
pub const MESSAGE: usize = 33;

/// Prefixes of nonces: 16 octets before a short nonce, 8 before a long one.
pub mod prefix {
    /// Of the box in HELLO.
    pub const HELLO: &[u8] = b"CurveZMQHELLO---";
    /// Of the box in WELCOME.
    pub const WELCOME: &[u8] = b"WELCOME-";
    /// Of the box in INITIATE.
    pub const INITIATE: &[u8] = b"CurveZMQINITIATE";
    /// Of the vouch.
    pub const VOUCH: &[u8] = b"VOUCH---";
    /// Of the box in READY.
    pub const READY: &[u8] = b"CurveZMQREADY---";
    /// Of a MESSAGE from the client.
    pub const FROM_CLIENT: &[u8] = b"CurveZMQMESSAGEC";
    /// Of a MESSAGE from the server.
    pub const FROM_SERVER: &[u8] = b"CurveZMQMESSAGES";
}

/// A key pair of the harness. Its keys protect nothing and may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The public key.
    pub public: Key,
    /// The secret key.
    pub secret: Key,
}

impl Pair {
    /// The pair of a name: the same in every run.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let secret = digest(&["key", name]);
        let mut public = [0; 32];
        crypto_scalarmult_base(&mut public, &secret);
        Self { public, secret }
    }
}

/// Octets that are different for each sequence of words, and the same in every run.
#[must_use]
pub fn digest(words: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.len().to_be_bytes());
        hash.update(word.as_bytes());
    }
    hash.finalize().into()
}

/// A nonce: prefix and counter, or prefix and random octets; cut or filled with zeros to 24 octets.
#[must_use]
pub fn nonce(prefix: &[u8], rest: &[u8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    let start = nonce.len() - rest.len();
    for (to, from) in nonce[..start].iter_mut().zip(prefix) {
        *to = *from;
    }
    nonce[start..].copy_from_slice(rest);
    nonce
}

/// A box from one key to another.
#[must_use]
pub fn seal(plain: &[u8], nonce: &[u8; 24], to: &Key, by: &Key) -> Vec<u8> {
    let mut sealed = vec![0; plain.len() + MAC];
    crypto_box_easy(&mut sealed, plain, nonce, to, by).expect("the room is exactly what a box of this length takes");
    sealed
}

/// What is in a box; `None` if it was not made with these keys and this nonce.
#[must_use]
pub fn open(sealed: &[u8], nonce: &[u8; 24], from: &Key, to: &Key) -> Option<Vec<u8>> {
    let mut plain = vec![0; sealed.len().checked_sub(MAC)?];
    crypto_box_open_easy(&mut plain, sealed, nonce, from, to).ok().map(|()| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{hex, unhex};
    use super::*;

    /// Known answers, computed with libsodium.
    #[test]
    fn boxes_and_public_keys_have_the_octets_of_libsodium() {
        let secret = |first: u8| -> Key { std::array::from_fn(|at| first + u8::try_from(at).unwrap()) };
        let public = |secret: &Key| {
            let mut public = [0; 32];
            crypto_scalarmult_base(&mut public, secret);
            public
        };
        let (ours, theirs) = (secret(0), secret(32));
        assert_eq!(hex(&public(&ours)), "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f");
        let number = nonce(prefix::HELLO, &1u64.to_be_bytes());
        let sealed = unhex("60f4009a38f1fcb94ec7ecb2049ba5d7d81570a0c22a6e55").unwrap();
        assert_eq!(seal(&[0; 8], &number, &public(&theirs), &ours), sealed);
        assert_eq!(open(&sealed, &number, &public(&ours), &theirs), Some(vec![0; 8]));
    }

    #[test]
    fn a_nonce_is_prefix_and_counter() {
        assert_eq!(&nonce(prefix::HELLO, &1u64.to_be_bytes()), b"CurveZMQHELLO---\0\0\0\0\0\0\0\x01");
        assert_eq!(nonce(prefix::VOUCH, &[7; 16])[..9], *b"VOUCH---\x07");
        assert_eq!(nonce(b"A", &[7; 8])[..2], *b"A\0");
    }

    proptest! {
        #[test]
        fn a_box_opens_with_its_keys_and_nonce_only(plain in proptest::collection::vec(any::<u8>(), 0..80), octet in 0usize..1000) {
            let (a, b, c) = (Pair::of("a"), Pair::of("b"), Pair::of("c"));
            let number = nonce(prefix::READY, &9u64.to_be_bytes());
            let sealed = seal(&plain, &number, &b.public, &a.secret);
            prop_assert_eq!(open(&sealed, &number, &a.public, &b.secret), Some(plain));
            prop_assert_eq!(open(&sealed, &number, &c.public, &b.secret), None);
            prop_assert_eq!(open(&sealed, &nonce(prefix::READY, &8u64.to_be_bytes()), &a.public, &b.secret), None);
            let mut flipped = sealed.clone();
            let at = octet % flipped.len();
            flipped[at] ^= 1;
            prop_assert_eq!(open(&flipped, &number, &a.public, &b.secret), None);
        }
    }
}
