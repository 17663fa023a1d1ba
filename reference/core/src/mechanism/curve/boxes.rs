//! Boxes: `crypto_box` and `crypto_secretbox` of NaCl, which CurveZMQ is made of, from the primitives of others.
//!
//! ```text
//!   secret, public ──X25519, HSalsa20──► BoxKey ──HSalsa20 over 16 octets of nonce──► Direction ──► Salsa20, Poly1305
//! ```
//!
//! All that the nonces of a [`Direction`] have in common is gone through once, so that a message does without one of the
//! two or three blocks of Salsa20 that a short one costs.
//!
//! This file alone names the crates behind it.

use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use salsa20::Salsa20;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use subtle::ConstantTimeEq;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use super::keys::{KEY_OCTETS, PublicKey, SecretKey};

/// Octets that a box is longer than what is in it.
pub(super) const TAG_OCTETS: usize = 16;

/// In front of the octets of a box.
pub(super) type Tag = [u8; TAG_OCTETS];

/// What keeps two boxes under one key apart, 24 octets.
pub(super) struct Nonce([u8; 24]);

/// A box that was not made with this key and nonce, or was changed since.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// What opens and seals boxes.
pub(super) struct BoxKey(Zeroizing<[u8; KEY_OCTETS]>);

/// A key for boxes whose nonces have their first 16 octets in common.
pub(super) struct Direction(Zeroizing<[u8; KEY_OCTETS]>);

/// The public key of a secret one.
pub(super) fn public_of(secret: &[u8; KEY_OCTETS]) -> [u8; KEY_OCTETS] {
    x25519_dalek::PublicKey::from(&StaticSecret::from(*secret)).to_bytes()
}

impl Nonce {
    /// That of a command or message: its own prefix, and a number.
    // spec: CURVE-FLOW-08
    pub(super) fn short(prefix: &[u8; 16], number: u64) -> Self {
        let mut octets = [0; 24];
        octets[..16].copy_from_slice(prefix);
        octets[16..].copy_from_slice(&number.to_be_bytes());
        Self(octets)
    }

    /// That of a box which is made once: its own prefix, and random octets.
    // spec: CURVE-FLOW-08
    pub(super) fn long(prefix: &[u8; 8], random: &[u8; 16]) -> Self {
        let mut octets = [0; 24];
        octets[..8].copy_from_slice(prefix);
        octets[8..].copy_from_slice(random);
        Self(octets)
    }

    fn first(&self) -> &[u8; 16] {
        self.0.first_chunk().expect("24 octets")
    }

    fn last(&self) -> [u8; 8] {
        *self.0.last_chunk().expect("24 octets")
    }
}

impl BoxKey {
    /// The key that both ends know: one by its secret key and the other's public one, the other the other way round. One
    /// scalar multiplication.
    ///
    /// `None` for a public key of low order, with which everybody knows the result.
    pub(super) fn between(secret: &SecretKey, public: &PublicKey) -> Option<Self> {
        let secret = StaticSecret::from(*secret.octets());
        let shared = secret.diffie_hellman(&x25519_dalek::PublicKey::from(*public.octets()));
        shared.was_contributory().then(|| Self(subkey(shared.as_bytes(), &[0; 16])))
    }

    /// A key that one end alone knows.
    pub(super) const fn own(key: Zeroizing<[u8; KEY_OCTETS]>) -> Self {
        Self(key)
    }

    /// The key for nonces that begin with these octets.
    pub(super) fn direction(&self, first: &[u8; 16]) -> Direction {
        Direction(subkey(&self.0, first))
    }

    /// Appends the box with `plain` in it.
    pub(super) fn seal(&self, nonce: &Nonce, plain: &[u8], to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&[0; TAG_OCTETS]);
        to.extend_from_slice(plain);
        let (tag, octets) = to[start..].split_first_chunk_mut().expect("they were appended");
        *tag = self.direction(nonce.first()).seal(nonce.last(), octets);
    }

    /// What is in a box; wiped from memory when it is dropped.
    pub(super) fn open(&self, nonce: &Nonce, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Forged> {
        let (tag, octets) = sealed.split_first_chunk().ok_or(Forged)?;
        let mut plain = Zeroizing::new(vec![0; octets.len()]);
        self.direction(nonce.first()).open(nonce.last(), tag, octets, &mut plain)?;
        Ok(plain)
    }
}

impl Direction {
    /// Encrypts `octets` where they lie; what is to stand in front of them.
    #[inline]
    pub(super) fn seal(&self, nonce: [u8; 8], octets: &mut [u8]) -> Tag {
        let (mut stream, key) = self.stream(nonce);
        stream.apply_keystream(octets);
        tag(&key, octets)
    }

    /// Decrypts `from` into `to`, which is as long; leaves it alone if `from` is forged.
    #[inline]
    pub(super) fn open(&self, nonce: [u8; 8], expected: &Tag, from: &[u8], to: &mut [u8]) -> Result<(), Forged> {
        let (mut stream, key) = self.stream(nonce);
        if !bool::from(tag(&key, from).ct_eq(expected)) {
            return Err(Forged);
        }
        stream.apply_keystream_b2b(from, to);
        Ok(())
    }

    /// The stream behind its first 32 octets, and these: the key of the tag.
    #[inline]
    fn stream(&self, nonce: [u8; 8]) -> (Salsa20, Zeroizing<[u8; KEY_OCTETS]>) {
        let mut stream = Salsa20::new((&*self.0).into(), &nonce.into());
        let mut key = Zeroizing::new([0; KEY_OCTETS]);
        stream.apply_keystream(&mut *key);
        (stream, key)
    }
}

/// Poly1305 of what is in a box. The whole blocks go in together, which is what its vector units are for.
fn tag(key: &[u8; KEY_OCTETS], octets: &[u8]) -> Tag {
    let mut poly = Poly1305::new(key.into());
    let (blocks, rest) = poly1305::Block::slice_as_chunks(octets);
    poly.update(blocks);
    poly.compute_unpadded(rest).into()
}

fn subkey(key: &[u8; KEY_OCTETS], input: &[u8; 16]) -> Zeroizing<[u8; KEY_OCTETS]> {
    let mut subkey = Zeroizing::new([0; KEY_OCTETS]);
    subkey.copy_from_slice(&salsa20::hsalsa::<U10>(key.into(), input.into()));
    subkey
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> BoxKey {
        BoxKey::own(Zeroizing::new([3; 32]))
    }

    #[test]
    fn a_box_opens_to_what_was_sealed_and_no_changed_octet_does() {
        for n in [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200, 1000] {
            let plain: Vec<u8> = (0..n).map(|i| (i % 251) as u8).collect();
            let nonce = Nonce::short(b"CurveZMQMESSAGEC", 7);
            let mut sealed = Vec::new();
            key().seal(&nonce, &plain, &mut sealed);
            assert_eq!(sealed.len(), plain.len() + TAG_OCTETS);
            assert_eq!(key().open(&nonce, &sealed).as_deref(), Ok(&plain), "{n}");
            for at in 0..sealed.len() {
                sealed[at] ^= 1 << (at % 8);
                assert_eq!(key().open(&nonce, &sealed), Err(Forged), "{n}, octet {at}");
                sealed[at] ^= 1 << (at % 8);
            }
            assert_eq!(key().open(&Nonce::short(b"CurveZMQMESSAGEC", 8), &sealed), Err(Forged));
            assert_eq!(key().open(&Nonce::short(b"CurveZMQMESSAGES", 7), &sealed), Err(Forged));
        }
        assert_eq!(key().open(&Nonce::long(b"VOUCH---", &[0; 16]), &[0; 15]), Err(Forged));
    }

    #[test]
    fn both_ends_come_to_the_same_key() {
        let (ours, theirs) = (SecretKey::from_octets([1; 32]), SecretKey::from_octets([2; 32]));
        let a = BoxKey::between(&ours, &theirs.public()).unwrap();
        let b = BoxKey::between(&theirs, &ours.public()).unwrap();
        assert_eq!(a.0, b.0);
    }

    /// All points of low order: the small subgroup of the curve and of its twist, and what is the same modulo the prime.
    #[test]
    fn a_public_key_of_low_order_makes_no_key() {
        let field = |low: u8| {
            let mut octets = [0xff; 32];
            (octets[0], octets[31]) = (low, 0x7f);
            octets
        };
        let mut one = [0; 32];
        one[0] = 1;
        let order_eight = *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
            \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00";
        let the_other = *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
            \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57";
        for point in [[0; 32], one, field(0xec), field(0xed), field(0xee), order_eight, the_other] {
            for top in [0, 0x80] {
                let mut point = point;
                point[31] |= top;
                let public = PublicKey::from_octets(point);
                assert!(BoxKey::between(&SecretKey::from_octets([1; 32]), &public).is_none(), "{public}");
            }
        }
    }
}
