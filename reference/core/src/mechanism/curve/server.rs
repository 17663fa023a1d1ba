//! The server's handshake: [`ExpectHello`], WELCOME, then [`ExpectInitiate`], [`Initiated`] until it is known whether the
//! client may come in, and READY.

use std::time::Duration;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::boxes::{BoxKey, Nonce, TAG_OCTETS};
use super::cipher::{Cipher, End};
use super::keys::{KEY_OCTETS, KeyPair, PublicKey, SecretKey};
use super::{
    COOKIE_OCTETS, HELLO, INITIATE, LONG_OCTETS, Numbers, PADDING_OCTETS, READY, SIGNED, VERSION, VOUCH_OCTETS,
    WELCOME, begin, cut_short, data_of, forged, prefix, take, take_key, take_number, too_long,
};
use crate::mechanism::Violation;
use crate::time::Instant;

/// How long a cookie can be used.
// spec: CURVE-COOKIE-03
const COOKIE_LASTS: Duration = Duration::from_secs(60);

/// HELLO is awaited. Nothing was calculated for the client yet.
pub(crate) struct ExpectHello {
    keys: KeyPair,
    random: Zeroizing<[u8; Self::RANDOM]>,
}

/// WELCOME is sent, INITIATE is awaited. Of the client there is only its number here: its transient key and ours are in
/// the cookie.
pub(crate) struct ExpectInitiate {
    server: PublicKey,
    cookie_key: BoxKey,
    cookie_ends: Instant,
    received: Numbers,
}

/// The client has proved who it is; whether it may come in is not said yet.
pub(crate) struct Initiated {
    client: PublicKey,
    metadata: Vec<u8>,
    /// Between S' and C'.
    key: BoxKey,
    received: Numbers,
}

impl ExpectHello {
    /// Random octets that a handshake needs: a transient secret key, the key of the cookie, and nonces of WELCOME and of the
    /// cookie.
    pub(crate) const RANDOM: usize = 2 * KEY_OCTETS + 2 * LONG_OCTETS;

    /// Begins, with the server's long-term keys. No scalar multiplication.
    pub(crate) fn begin(keys: KeyPair, random: &[u8; Self::RANDOM]) -> Self {
        Self { keys, random: Zeroizing::new(*random) }
    }

    /// HELLO has come: appends the body of WELCOME. Two scalar multiplications, of which none is made before the cheap
    /// tests are passed, and one before it is known that the client has the secret key of C'.
    ///
    /// # Errors
    ///
    /// The [`Violation`]: the connection ends.
    // spec: CURVE-HELLO-10, CURVE-HELLO-11, CURVE-HELLO-12, CURVE-HELLO-13, CURVE-WELCOME-01, CURVE-WELCOME-02
    pub(crate) fn on_hello(
        self,
        body: &[u8],
        now: Instant,
        welcome: &mut Vec<u8>,
    ) -> Result<ExpectInitiate, Violation> {
        mark!("CURVE-HELLO-10", "CURVE-WELCOME-01", "CURVE-GRAM-02");
        let (client, number, sealed) = parse_hello(body)?;
        let key = BoxKey::between(self.keys.secret(), &client).ok_or(forged(HELLO))?;
        let signed = key.open(&Nonce::short(prefix::HELLO, number), sealed).map_err(|_| forged(HELLO))?;
        if !bool::from(signed.ct_eq(&SIGNED)) {
            return Err(forged(HELLO));
        }

        let mut random = self.random.as_slice();
        let transient = KeyPair::generate(*take(&mut random, HELLO)?);
        let cookie_key = BoxKey::own(Zeroizing::new(*take(&mut random, HELLO)?));
        let cookie_nonce: &[u8; LONG_OCTETS] = take(&mut random, HELLO)?;
        let welcome_nonce: &[u8; LONG_OCTETS] = take(&mut random, HELLO)?;

        let mut plain = Vec::with_capacity(KEY_OCTETS + COOKIE_OCTETS);
        plain.extend_from_slice(transient.public().octets());
        bake(&client, transient.secret(), &cookie_key, cookie_nonce, &mut plain);
        begin(WELCOME, welcome);
        welcome.extend_from_slice(welcome_nonce);
        // spec: CURVE-WELCOME-04
        key.seal(&Nonce::long(prefix::WELCOME, welcome_nonce), &plain, welcome);
        Ok(ExpectInitiate {
            server: *self.keys.public(),
            cookie_key,
            cookie_ends: now + COOKIE_LASTS,
            received: Numbers(number),
        })
    }
}

/// C', the number, and the box.
// spec: CURVE-HELLO-02, CURVE-HELLO-03, CURVE-HELLO-04
fn parse_hello(body: &[u8]) -> Result<(PublicKey, u64, &[u8; TAG_OCTETS + SIGNED.len()]), Violation> {
    let malformed = |what| Violation::Malformed { command: HELLO, what };
    let mut data = data_of(body, HELLO)?;
    if *take(&mut data, HELLO)? != VERSION {
        return Err(malformed("its version is not 1.0"));
    }
    if *take(&mut data, HELLO)? != [0; PADDING_OCTETS] {
        return Err(malformed("its padding is not zero"));
    }
    let client = take_key(&mut data, HELLO)?;
    // The first of the client's numbers: there is none before it, and it may be 0.
    let number = take_number(&mut data, HELLO)?;
    let sealed = take(&mut data, HELLO)?;
    if data.is_empty() { Ok((client, number, sealed)) } else { Err(too_long(HELLO)) }
}

/// Appends a cookie.
// spec: CURVE-COOKIE-01, CURVE-COOKIE-02, CURVE-COOKIE-04
fn bake(client: &PublicKey, secret: &SecretKey, key: &BoxKey, nonce: &[u8; LONG_OCTETS], to: &mut Vec<u8>) {
    mark!("CURVE-COOKIE-01", "CURVE-COOKIE-02");
    let mut plain = Zeroizing::new([0; 2 * KEY_OCTETS]);
    plain[..KEY_OCTETS].copy_from_slice(client.octets());
    plain[KEY_OCTETS..].copy_from_slice(secret.octets());
    to.extend_from_slice(nonce);
    key.seal(&Nonce::long(prefix::COOKIE, nonce), plain.as_slice(), to);
}

impl ExpectInitiate {
    /// INITIATE has come. Two scalar multiplications, of which none is made before the cookie is known to be ours, and
    /// one before it is known that the client has the secret key of C'.
    ///
    /// # Errors
    ///
    /// The [`Violation`]: the connection ends.
    // spec: CURVE-INIT-02, CURVE-INIT-03, CURVE-INIT-06, CURVE-NONCE-03, CURVE-NONCE-04, CURVE-COOKIE-03
    pub(crate) fn on_initiate(self, body: &[u8], now: Instant) -> Result<Initiated, Violation> {
        mark!("CURVE-INIT-02", "CURVE-COOKIE-03");
        let mut data = data_of(body, INITIATE)?;
        let cookie = take(&mut data, INITIATE)?;
        let number = take_number(&mut data, INITIATE)?;
        if data.len() < TAG_OCTETS + KEY_OCTETS + VOUCH_OCTETS {
            return Err(cut_short(INITIATE));
        }
        self.received.follows(number, INITIATE)?;
        if self.cookie_ends <= now {
            return Err(Violation::Malformed { command: INITIATE, what: "its cookie is too old" });
        }
        let (transient_client, secret) = self.open(cookie)?;

        let key = BoxKey::between(&secret, &transient_client).ok_or(forged(INITIATE))?;
        let plain = key.open(&Nonce::short(prefix::INITIATE, number), data).map_err(|_| forged(INITIATE))?;
        let mut plain = plain.as_slice();
        let client = take_key(&mut plain, INITIATE)?;
        let vouch = take(&mut plain, INITIATE)?;
        self.check(vouch, &client, &transient_client, &secret)?;
        Ok(Initiated { client, metadata: plain.to_vec(), key, received: Numbers(number) })
    }

    /// C' and s'.
    fn open(&self, cookie: &[u8; COOKIE_OCTETS]) -> Result<(PublicKey, SecretKey), Violation> {
        let mut cookie = cookie.as_slice();
        let nonce = Nonce::long(prefix::COOKIE, take(&mut cookie, INITIATE)?);
        let plain = self.cookie_key.open(&nonce, cookie).map_err(|_| forged(INITIATE))?;
        let mut plain = plain.as_slice();
        let client = take_key(&mut plain, INITIATE)?;
        Ok((client, SecretKey::from_octets(*take(&mut plain, INITIATE)?)))
    }

    /// Whether C vouches for C', and to us.
    // spec: CURVE-VOUCH-04, CURVE-GRAM-05
    fn check(
        &self,
        vouch: &[u8; VOUCH_OCTETS],
        client: &PublicKey,
        transient_client: &PublicKey,
        secret: &SecretKey,
    ) -> Result<(), Violation> {
        mark!("CURVE-VOUCH-04");
        let mut vouch = vouch.as_slice();
        let nonce = Nonce::long(prefix::VOUCH, take(&mut vouch, INITIATE)?);
        let key = BoxKey::between(secret, client).ok_or(forged(INITIATE))?;
        let plain = key.open(&nonce, vouch).map_err(|_| forged(INITIATE))?;
        let (theirs, ours) = plain.split_at(KEY_OCTETS);
        let same = theirs.ct_eq(transient_client.octets()) & ours.ct_eq(self.server.octets());
        if bool::from(same) { Ok(()) } else { Err(forged(INITIATE)) }
    }
}

impl Initiated {
    /// C: who the client is.
    // spec: CURVE-FLOW-07, CURVE-AUTH-01
    pub(crate) const fn client(&self) -> &PublicKey {
        &self.client
    }

    /// The metadata of INITIATE.
    pub(crate) fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// The client may come in: appends the body of READY, with our metadata in it; what messages are sealed and opened
    /// with.
    // spec: CURVE-AUTH-03, CURVE-READY-01, CURVE-READY-03, CURVE-GRAM-07
    pub(crate) fn ready(self, metadata: &[u8], ready: &mut Vec<u8>) -> Cipher {
        mark!("CURVE-READY-01", "CURVE-READY-03");
        let mut sent = Numbers(0);
        let number = sent.next().expect("the first number");
        begin(READY, ready);
        ready.extend_from_slice(&number.to_be_bytes());
        self.key.seal(&Nonce::short(prefix::READY, number), metadata, ready);
        Cipher::new(&self.key, End::Server, sent, self.received)
    }
}
