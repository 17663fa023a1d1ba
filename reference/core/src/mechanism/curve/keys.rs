//! Keys of CURVE: 32 octets each, as they are or as 40 characters of Z85.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::boxes;
use crate::z85::{self, Z85Error};

/// Octets of a key.
pub const KEY_OCTETS: usize = 32;

/// What is no key, or no pair of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither 32 octets nor 40 characters.
    #[error("expected a key of 32 octets or of 40 characters, came {0}")]
    Length(usize),
    /// 40 characters that are no Z85.
    #[error("expected a key in Z85: {0}")]
    Z85(#[from] Z85Error),
    /// The public key is that of another secret key.
    #[error("the public key is not that of the secret key")]
    Mismatch,
}

/// A public key: it says who somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_OCTETS]);

/// A secret key. It is wiped from memory when it is dropped, is compared in constant time, and shows nothing in
/// traces.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; KEY_OCTETS]);

/// A secret key with its public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl PublicKey {
    /// The key of these octets.
    #[must_use]
    pub const fn from_octets(octets: [u8; KEY_OCTETS]) -> Self {
        Self(octets)
    }

    /// The key of 40 characters of Z85.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`], [`KeyError::Z85`].
    pub fn from_z85(text: &str) -> Result<Self, KeyError> {
        let mut octets = [0; KEY_OCTETS];
        read_z85(text, &mut octets)?;
        Ok(Self(octets))
    }

    /// The key of 32 octets as they are, or of 40 characters of Z85.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`], [`KeyError::Z85`].
    pub fn parse(key: &[u8]) -> Result<Self, KeyError> {
        let mut octets = [0; KEY_OCTETS];
        read(key, &mut octets)?;
        Ok(Self(octets))
    }

    /// The octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; KEY_OCTETS] {
        &self.0
    }

    /// 40 characters of Z85.
    #[must_use]
    pub fn to_z85(&self) -> String {
        z85::encode(&self.0).expect("32 octets are 8 groups of 4")
    }
}

/// In Z85.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_z85())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl SecretKey {
    /// The key of these octets. Any 32 octets are one; the bits that X25519 fixes need not be set.
    #[must_use]
    pub const fn from_octets(octets: [u8; KEY_OCTETS]) -> Self {
        Self(octets)
    }

    /// The key of 40 characters of Z85.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`], [`KeyError::Z85`].
    pub fn from_z85(text: &str) -> Result<Self, KeyError> {
        let mut key = Self([0; KEY_OCTETS]);
        read_z85(text, &mut key.0)?;
        Ok(key)
    }

    /// The key of 32 octets as they are, or of 40 characters of Z85.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`], [`KeyError::Z85`].
    pub fn parse(key: &[u8]) -> Result<Self, KeyError> {
        let mut parsed = Self([0; KEY_OCTETS]);
        read(key, &mut parsed.0)?;
        Ok(parsed)
    }

    /// The octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; KEY_OCTETS] {
        &self.0
    }

    /// 40 characters of Z85, which are wiped from memory when they are dropped.
    #[must_use]
    pub fn to_z85(&self) -> Zeroizing<String> {
        Zeroizing::new(z85::encode(&self.0).expect("32 octets are 8 groups of 4"))
    }

    /// The public key that belongs to it. One scalar multiplication, some 20 µs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(boxes::public_of(&self.0))
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

/// Says that it is one, and nothing of it.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl KeyPair {
    /// A pair made of 32 random octets, which must be unpredictable and be used for nothing else.
    #[must_use]
    pub fn generate(random: [u8; KEY_OCTETS]) -> Self {
        let random = Zeroizing::new(random);
        Self::of(SecretKey(*random))
    }

    /// The pair of a secret key. One scalar multiplication, some 20 µs.
    #[must_use]
    pub fn of(secret: SecretKey) -> Self {
        Self { public: secret.public(), secret }
    }

    /// The pair of two keys that were kept apart.
    ///
    /// # Errors
    ///
    /// [`KeyError::Mismatch`] if they do not belong together.
    pub fn new(public: PublicKey, secret: SecretKey) -> Result<Self, KeyError> {
        let pair = Self::of(secret);
        if pair.public == public { Ok(pair) } else { Err(KeyError::Mismatch) }
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret key.
    #[must_use]
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

/// Characters of a key in Z85.
const KEY_CHARACTERS: usize = KEY_OCTETS / 4 * 5;

fn read(key: &[u8], to: &mut [u8; KEY_OCTETS]) -> Result<(), KeyError> {
    if let Ok(octets) = key.try_into() {
        *to = octets;
        return Ok(());
    }
    match std::str::from_utf8(key) {
        Ok(text) => read_z85(text, to),
        Err(error) if key.len() == KEY_CHARACTERS => Err(Z85Error::Digit { at: error.valid_up_to() }.into()),
        Err(_) => Err(KeyError::Length(key.len())),
    }
}

fn read_z85(text: &str, to: &mut [u8; KEY_OCTETS]) -> Result<(), KeyError> {
    if text.len() != KEY_CHARACTERS {
        return Err(KeyError::Length(text.len()));
    }
    Ok(z85::decode_into(text, to)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The pair of libzmq's manual pages for its server.
    const PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    const SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

    #[test]
    fn keys_are_read_as_octets_and_as_text() {
        let public = PublicKey::from_z85(PUBLIC).unwrap();
        assert_eq!(PublicKey::parse(PUBLIC.as_bytes()), Ok(public));
        assert_eq!(PublicKey::parse(public.octets()), Ok(public));
        assert_eq!(PublicKey::from_octets(*public.octets()), public);
        assert_eq!(public.to_z85(), PUBLIC);
        let secret = SecretKey::from_z85(SECRET).unwrap();
        assert_eq!(SecretKey::parse(SECRET.as_bytes()).as_ref(), Ok(&secret));
        assert_eq!(SecretKey::parse(secret.octets()).as_ref(), Ok(&secret));
        assert_eq!(secret.to_z85().as_str(), SECRET);
    }

    #[test]
    fn a_pair_belongs_together() {
        let (public, secret) = (PublicKey::from_z85(PUBLIC).unwrap(), SecretKey::from_z85(SECRET).unwrap());
        assert_eq!(KeyPair::of(secret.clone()).public(), &public);
        assert!(KeyPair::new(public, secret).is_ok());
        assert_eq!(KeyPair::new(public, SecretKey::from_octets([1; 32])), Err(KeyError::Mismatch));
        let made = KeyPair::generate([7; 32]);
        assert_eq!((made.public(), made.secret().octets()), (&made.secret().public(), &[7; 32]));
    }

    /// The pair of Bob in RFC 7748, section 6.1.
    #[test]
    fn the_public_key_is_that_of_x25519() {
        let secret = *b"\x5d\xab\x08\x7e\x62\x4a\x8a\x4b\x79\xe1\x7f\x8b\x83\x80\x0e\xe6\
            \x6f\x3b\xb1\x29\x26\x18\xb6\xfd\x1c\x2f\x8b\x27\xff\x88\xe0\xeb";
        let public = *b"\xde\x9e\xdb\x7d\x7b\x7d\xc1\xb4\xd3\x5b\x61\xc2\xec\xe4\x35\x37\
            \x3f\x83\x43\xc8\x5b\x78\x67\x4d\xad\xfc\x7e\x14\x6f\x88\x2b\x4f";
        assert_eq!(SecretKey::from_octets(secret).public(), PublicKey::from_octets(public));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for n in (0..70).filter(|n| ![32, 40].contains(n)) {
            assert_eq!(PublicKey::parse(&vec![b'0'; n]), Err(KeyError::Length(n)));
            assert_eq!(SecretKey::parse(&vec![0xff; n]), Err(KeyError::Length(n)));
        }
        assert_eq!(PublicKey::parse(&[b' '; 40]), Err(KeyError::Z85(Z85Error::Digit { at: 0 })));
        assert_eq!(PublicKey::parse(&[0xff; 40]), Err(KeyError::Z85(Z85Error::Digit { at: 0 })));
        assert_eq!(PublicKey::from_z85(&"#".repeat(40)), Err(KeyError::Z85(Z85Error::Overflow { at: 0 })));
        assert_eq!(PublicKey::from_z85(&"0".repeat(32)), Err(KeyError::Length(32)));
    }

    #[test]
    fn nothing_of_a_secret_key_is_shown() {
        let pair = KeyPair::of(SecretKey::from_z85(SECRET).unwrap());
        assert_eq!(format!("{:?}", pair.secret()), "SecretKey(..)");
        assert_eq!(format!("{pair:?}"), format!("KeyPair {{ public: PublicKey({PUBLIC}), secret: SecretKey(..) }}"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(octets: [u8; 32]) {
            let (public, secret) = (PublicKey::from_octets(octets), SecretKey::from_octets(octets));
            prop_assert_eq!(PublicKey::from_z85(&public.to_z85()).unwrap(), public);
            prop_assert_eq!(SecretKey::from_z85(&secret.to_z85()).unwrap(), secret);
        }
    }
}
