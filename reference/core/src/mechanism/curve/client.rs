//! The client's handshake: HELLO, then [`ExpectWelcome`], INITIATE, then [`ExpectReady`].

use zeroize::Zeroizing;

use super::boxes::{BoxKey, Nonce, TAG_OCTETS};
use super::cipher::{Cipher, End};
use super::keys::{KEY_OCTETS, KeyPair, PublicKey};
use super::{
    COOKIE_OCTETS, HELLO, INITIATE, LONG_OCTETS, Numbers, PADDING_OCTETS, READY, SIGNED, VERSION, VOUCH_OCTETS,
    WELCOME, begin, cut_short, data_of, forged, prefix, take, take_key, take_number, too_long,
};
use crate::mechanism::Violation;

/// HELLO is sent, WELCOME is awaited.
pub(crate) struct ExpectWelcome {
    keys: KeyPair,
    server: PublicKey,
    transient: KeyPair,
    /// Between C' and S.
    key: BoxKey,
    vouch_nonce: [u8; LONG_OCTETS],
    sent: Numbers,
}

/// INITIATE is sent, READY is awaited.
pub(crate) struct ExpectReady {
    /// Between C' and S'.
    key: BoxKey,
    sent: Numbers,
}

impl ExpectWelcome {
    /// Random octets that a handshake needs: a transient secret key, and the vouch's nonce.
    pub(crate) const RANDOM: usize = KEY_OCTETS + LONG_OCTETS;

    /// Appends the body of HELLO. Two scalar multiplications.
    ///
    /// # Errors
    ///
    /// [`Violation::Cryptographic`] for a server key of low order, under which nothing would be secret.
    // spec: CURVE-HELLO-01, CURVE-HELLO-02, CURVE-HELLO-05, CURVE-GRAM-01, ZCURVE-FLOW-01, ZCURVE-FLOW-03
    pub(crate) fn begin(
        keys: KeyPair,
        server: PublicKey,
        random: &[u8; Self::RANDOM],
        hello: &mut Vec<u8>,
    ) -> Result<Self, Violation> {
        mark!("CURVE-HELLO-01", "CURVE-HELLO-02", "CURVE-GRAM-01");
        let (transient, vouch_nonce) = random.split_first_chunk().expect("48 octets");
        let transient = KeyPair::generate(*transient);
        let vouch_nonce = *vouch_nonce.first_chunk().expect("48 octets");
        let key = BoxKey::between(transient.secret(), &server).ok_or(forged(HELLO))?;
        let mut sent = Numbers(0);
        let number = sent.next()?;
        begin(HELLO, hello);
        hello.extend_from_slice(&VERSION);
        hello.extend_from_slice(&[0; PADDING_OCTETS]);
        hello.extend_from_slice(transient.public().octets());
        hello.extend_from_slice(&number.to_be_bytes());
        key.seal(&Nonce::short(prefix::HELLO, number), &SIGNED, hello);
        Ok(Self { keys, server, transient, key, vouch_nonce, sent })
    }

    /// WELCOME has come: appends the body of INITIATE, with our metadata in it. Two scalar multiplications.
    ///
    /// # Errors
    ///
    /// The [`Violation`]: the connection ends.
    // spec: CURVE-WELCOME-07, CURVE-INIT-01, CURVE-INIT-02, CURVE-INIT-03, CURVE-INIT-05, CURVE-GRAM-04
    pub(crate) fn on_welcome(
        mut self,
        body: &[u8],
        metadata: &[u8],
        initiate: &mut Vec<u8>,
    ) -> Result<ExpectReady, Violation> {
        mark!("CURVE-WELCOME-07", "CURVE-INIT-01", "CURVE-GRAM-04");
        let (transient_server, cookie) = self.open(body)?;
        let number = self.sent.next()?;
        let key = BoxKey::between(self.transient.secret(), &transient_server).ok_or(forged(WELCOME))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(KEY_OCTETS + VOUCH_OCTETS + metadata.len()));
        plain.extend_from_slice(self.keys.public().octets());
        self.vouch(&transient_server, &mut plain)?;
        plain.extend_from_slice(metadata);
        begin(INITIATE, initiate);
        initiate.extend_from_slice(&cookie);
        initiate.extend_from_slice(&number.to_be_bytes());
        key.seal(&Nonce::short(prefix::INITIATE, number), &plain, initiate);
        Ok(ExpectReady { key, sent: self.sent })
    }

    /// S' and the cookie.
    // spec: CURVE-GRAM-02
    fn open(&self, body: &[u8]) -> Result<(PublicKey, [u8; COOKIE_OCTETS]), Violation> {
        const BOX_OCTETS: usize = TAG_OCTETS + KEY_OCTETS + COOKIE_OCTETS;
        let mut data = data_of(body, WELCOME)?;
        let nonce = Nonce::long(prefix::WELCOME, take(&mut data, WELCOME)?);
        let sealed: &[u8; BOX_OCTETS] = take(&mut data, WELCOME)?;
        if !data.is_empty() {
            return Err(too_long(WELCOME));
        }
        let plain = self.key.open(&nonce, sealed).map_err(|_| forged(WELCOME))?;
        let mut rest = plain.as_slice();
        Ok((take_key(&mut rest, WELCOME)?, *take(&mut rest, WELCOME)?))
    }

    /// C says that C' is its own, to this server alone.
    // spec: CURVE-VOUCH-02, CURVE-VOUCH-03, CURVE-GRAM-05
    fn vouch(&self, transient_server: &PublicKey, to: &mut Vec<u8>) -> Result<(), Violation> {
        mark!("CURVE-VOUCH-02", "CURVE-GRAM-05");
        let key = BoxKey::between(self.keys.secret(), transient_server).ok_or(forged(WELCOME))?;
        let mut plain = [0; 2 * KEY_OCTETS];
        plain[..KEY_OCTETS].copy_from_slice(self.transient.public().octets());
        plain[KEY_OCTETS..].copy_from_slice(self.server.octets());
        to.extend_from_slice(&self.vouch_nonce);
        key.seal(&Nonce::long(prefix::VOUCH, &self.vouch_nonce), &plain, to);
        Ok(())
    }
}

impl ExpectReady {
    /// READY has come: the server's metadata, and what messages are sealed and opened with.
    ///
    /// # Errors
    ///
    /// The [`Violation`]: the connection ends.
    // spec: CURVE-READY-04, CURVE-GRAM-07, CURVE-NONCE-07
    pub(crate) fn on_ready(self, body: &[u8]) -> Result<(Vec<u8>, Cipher), Violation> {
        mark!("CURVE-READY-04", "CURVE-GRAM-07");
        let mut data = data_of(body, READY)?;
        // The first of the server's numbers: there is none before it, and it may be 0.
        let number = take_number(&mut data, READY)?;
        if data.len() < TAG_OCTETS {
            return Err(cut_short(READY));
        }
        let nonce = Nonce::short(prefix::READY, number);
        let metadata = self.key.open(&nonce, data).map_err(|_| forged(READY))?;
        Ok((metadata.to_vec(), Cipher::new(&self.key, End::Client, self.sent, Numbers(number))))
    }
}
