//! CURVE: both ends prove who they are, and nothing but lengths and times is seen on the wire (25/ZMTP-CURVE,
//! 26/CurveZMQ).
//!
//! ```text
//!   client   c, C           server   s, S            long-term keys; the client knows S
//!            c', C'                  s', S'          transient keys of one connection
//!
//!   HELLO     C', box of zeros (C' → S)             ──►   ExpectHello
//!   ExpectWelcome   ◄──   WELCOME   box of S' and the cookie (S → C')
//!   INITIATE  cookie, box of C, vouch and metadata (C' → S')   ──►   ExpectInitiate
//!             vouch: box of C' and S (C → S')                        Initiated: may C come in?
//!   ExpectReady     ◄──   READY     box of metadata (S' → C')
//!   Cipher   ◄──►   MESSAGE   box of flags and octets (C' ↔ S')   ◄──►   Cipher
//! ```
//!
//! Machines without I/O: randomness and the time are arguments. Between HELLO and INITIATE a server keeps a key that opens
//! the cookie, and nothing of the client or of its own transient keys: those are in the cookie.
//!
//! Failures say which command, not which of its boxes: the peer is told nothing at all.

mod boxes;
mod cipher;
mod client;
mod keys;
mod server;
mod steps;

pub(crate) use cipher::{Cipher, flag as inner};
pub(crate) use client::{ExpectReady, ExpectWelcome};
pub use keys::{KEY_OCTETS, KeyError, KeyPair, PublicKey, SecretKey};
pub(crate) use server::{ExpectHello, ExpectInitiate, Initiated};
pub(crate) use steps::{Asking, SEED_OCTETS, begin as start, on_hello, on_initiate, on_ready, on_welcome};

use super::{Violation, data_of};
use boxes::TAG_OCTETS;

/// The name of the mechanism in greetings and requests of ZAP.
pub(crate) const NAME: &str = "CURVE";

const HELLO: &str = "HELLO";
const WELCOME: &str = "WELCOME";
const INITIATE: &str = "INITIATE";
const READY: &str = "READY";
const MESSAGE: &str = "MESSAGE";

/// Prefixes of nonces, which keep the boxes of one key apart.
mod prefix {
    // spec: CURVE-HELLO-08
    pub(super) const HELLO: &[u8; 16] = b"CurveZMQHELLO---";
    // spec: CURVE-WELCOME-03
    pub(super) const WELCOME: &[u8; 8] = b"WELCOME-";
    // spec: CURVE-COOKIE-01
    pub(super) const COOKIE: &[u8; 8] = b"COOKIE--";
    // spec: CURVE-INIT-04
    pub(super) const INITIATE: &[u8; 16] = b"CurveZMQINITIATE";
    // spec: CURVE-VOUCH-01
    pub(super) const VOUCH: &[u8; 8] = b"VOUCH---";
    // spec: CURVE-READY-02
    pub(super) const READY: &[u8; 16] = b"CurveZMQREADY---";
    // spec: CURVE-MSG-03
    pub(super) const MESSAGE_OF_CLIENT: &[u8; 16] = b"CurveZMQMESSAGEC";
    // spec: CURVE-MSG-03
    pub(super) const MESSAGE_OF_SERVER: &[u8; 16] = b"CurveZMQMESSAGES";
}

/// The first octets of HELLO's data: version 1.0.
// spec: CURVE-HELLO-03
const VERSION: [u8; 2] = [1, 0];
/// Zeros in HELLO, which make it longer than the WELCOME it asks for.
// spec: CURVE-HELLO-04
const PADDING_OCTETS: usize = 72;
/// Zeros in the box of HELLO.
// spec: CURVE-HELLO-09
const SIGNED: [u8; 64] = [0; 64];
/// Octets of a short nonce on the wire.
const SHORT_OCTETS: usize = 8;
/// Octets of a long nonce on the wire.
const LONG_OCTETS: usize = 16;
/// Octets of a cookie: a nonce, and a box of C' and s'.
// spec: CURVE-GRAM-03
const COOKIE_OCTETS: usize = LONG_OCTETS + TAG_OCTETS + 2 * KEY_OCTETS;
/// Octets of a vouch: a nonce, and a box of C' and S.
// spec: CURVE-GRAM-05
const VOUCH_OCTETS: usize = LONG_OCTETS + TAG_OCTETS + 2 * KEY_OCTETS;

/// The short nonces that one end has used.
#[derive(Debug)]
struct Numbers(u64);

impl Numbers {
    /// The next one, from 1 on.
    // spec: CURVE-NONCE-01, CURVE-NONCE-02, CURVE-NONCE-05, CURVE-NONCE-06
    #[inline]
    fn next(&mut self) -> Result<u64, Violation> {
        self.0 = self.0.checked_add(1).ok_or(Violation::Exhausted)?;
        Ok(self.0)
    }

    /// One that came in `command`: it has to be above all before it. Gaps are allowed (adjudication A32).
    // spec: CURVE-NONCE-03, CURVE-NONCE-04, CURVE-NONCE-07, CURVE-NONCE-08
    #[inline]
    fn follows(&self, nonce: u64, command: &'static str) -> Result<(), Violation> {
        if nonce > self.0 { Ok(()) } else { Err(Violation::Sequence { command, nonce, last: self.0 }) }
    }
}

/// Appends the name of a command, as its body begins.
fn begin(name: &'static str, to: &mut Vec<u8>) {
    to.push(u8::try_from(name.len()).expect("names of commands are short"));
    to.extend_from_slice(name.as_bytes());
}

/// Takes `N` octets off the front of the data of `command`.
fn take<'a, const N: usize>(data: &mut &'a [u8], command: &'static str) -> Result<&'a [u8; N], Violation> {
    let (taken, rest) = data.split_first_chunk().ok_or_else(|| cut_short(command))?;
    *data = rest;
    Ok(taken)
}

/// Takes a short nonce off the front of the data of `command`.
fn take_number(data: &mut &[u8], command: &'static str) -> Result<u64, Violation> {
    take::<SHORT_OCTETS>(data, command).map(|octets| u64::from_be_bytes(*octets))
}

/// Takes a key off the front of what is in a box of `command`.
fn take_key(data: &mut &[u8], command: &'static str) -> Result<PublicKey, Violation> {
    take(data, command).map(|octets| PublicKey::from_octets(*octets))
}

const fn cut_short(command: &'static str) -> Violation {
    Violation::Malformed { command, what: "it is too short" }
}

const fn too_long(command: &'static str) -> Violation {
    Violation::Malformed { command, what: "it is too long" }
}

const fn forged(command: &'static str) -> Violation {
    Violation::Cryptographic { command }
}

#[cfg(test)]
mod tests;
