//! MESSAGE: what a frame becomes once the handshake is over.
//!
//! ```text
//!   frame header │ 7 MESSAGE │ nonce, 8 │ tag, 16 │ flags, octets of the frame: encrypted
//! ```
//!
//! The outer frame is one of a message, not a command, and carries no MORE: libzmq sends it so, and takes nothing else
//! (adjudication A37). Of what comes, the inner flags alone count: the outer header is not protected by anything.

use super::boxes::{BoxKey, Direction, TAG_OCTETS};
use super::{MESSAGE, Numbers, SHORT_OCTETS, cut_short, data_of, forged, prefix};
use crate::mechanism::Violation;
use crate::wire::Header;

/// Flags of a frame within MESSAGE, which are not those of a frame on the wire.
pub(crate) mod flag {
    /// More frames of the same message follow.
    pub(crate) const MORE: u8 = 1;
    /// The frame is a command. libzmq's addition: the RFC knows messages only.
    pub(crate) const COMMAND: u8 = 2;
}

/// Which end of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It sent HELLO.
    Client,
    /// It sent WELCOME.
    Server,
}

/// The traffic of one connection, in both directions.
pub(crate) struct Cipher {
    sending: Direction,
    receiving: Direction,
    sent: Numbers,
    received: Numbers,
}

/// Octets of the name of the command with its length.
const NAME_OCTETS: usize = 1 + MESSAGE.len();
/// Octets of the body in front of what is encrypted.
const CLEAR_OCTETS: usize = NAME_OCTETS + SHORT_OCTETS + TAG_OCTETS;
/// Octets of a header for bodies of up to 255.
const SHORT_HEADER_OCTETS: usize = 2;
/// Octets of the flags.
const FLAGS_OCTETS: usize = 1;

impl Cipher {
    /// The numbers go on where those of the handshake ended.
    // spec: CURVE-MSG-03, CURVE-MSG-04
    pub(super) fn new(key: &BoxKey, end: End, sent: Numbers, received: Numbers) -> Self {
        let (ours, theirs) = match end {
            End::Client => (prefix::MESSAGE_OF_CLIENT, prefix::MESSAGE_OF_SERVER),
            End::Server => (prefix::MESSAGE_OF_SERVER, prefix::MESSAGE_OF_CLIENT),
        };
        Self { sending: key.direction(ours), receiving: key.direction(theirs), sent, received }
    }

    /// Octets by which the body of a MESSAGE is longer than that of the frame in it.
    pub(crate) const AROUND_OCTETS: u64 = (CLEAR_OCTETS + FLAGS_OCTETS) as u64;

    /// Octets of the whole frame, its header included, for a plain one with a body of `len`.
    #[inline]
    pub(crate) const fn sealed_octets(len: usize) -> usize {
        let body = CLEAR_OCTETS + FLAGS_OCTETS + len;
        body + if body <= u8::MAX as usize { SHORT_HEADER_OCTETS } else { Header::MAX_OCTETS }
    }

    /// Writes the whole frame into `to`, which has exactly [`Self::sealed_octets`]. `flags` are those of [`flag`].
    ///
    /// # Errors
    ///
    /// [`Violation::Exhausted`] after 2^64 - 1 commands: the connection ends.
    // spec: CURVE-GRAM-09, CURVE-GRAM-10, CURVE-MSG-02, CURVE-MSG-05, CURVE-MSG-06, ZCURVE-FLOW-03
    #[inline]
    pub(crate) fn seal(&mut self, flags: u8, body: &[u8], to: &mut [u8]) -> Result<(), Violation> {
        const LENGTH: &str = "the caller has made room for what sealed_octets says";
        debug_assert_eq!(to.len(), Self::sealed_octets(body.len()), "{LENGTH}");
        let number = self.sent.next()?.to_be_bytes();
        let header = Header::octets(0, CLEAR_OCTETS + FLAGS_OCTETS + body.len());
        let (front, rest) = to.split_at_mut(header.len());
        front.copy_from_slice(&header);
        let (name, rest) = rest.split_first_chunk_mut().expect(LENGTH);
        let (nonce, rest) = rest.split_first_chunk_mut().expect(LENGTH);
        let (tag, octets) = rest.split_first_chunk_mut().expect(LENGTH);
        let (first, plain) = octets.split_first_mut().expect(LENGTH);
        *name = *b"\x07MESSAGE";
        *nonce = number;
        *first = flags;
        plain.copy_from_slice(body);
        *tag = self.sending.seal(number, octets);
        Ok(())
    }

    /// Octets that [`Self::open`] writes for the body of a MESSAGE of `len` octets: flags, and the body of a frame. `None`
    /// if it is too short for that.
    #[inline]
    pub(crate) const fn opened_octets(len: usize) -> Option<usize> {
        if len < CLEAR_OCTETS + FLAGS_OCTETS { None } else { Some(len - CLEAR_OCTETS) }
    }

    /// Opens the body of a MESSAGE, which begins with its name, into `to`, which has exactly [`Self::opened_octets`]: the
    /// flags of [`flag`], and the body of a frame.
    ///
    /// # Errors
    ///
    /// The [`Violation`]: the connection ends, and what is in `to` must not be looked at.
    // spec: CURVE-MSG-02, CURVE-MSG-05, CURVE-MSG-07, CURVE-READY-06, CURVE-NONCE-04, CURVE-NONCE-08
    #[inline]
    pub(crate) fn open(&mut self, body: &[u8], to: &mut [u8]) -> Result<(), Violation> {
        let data = data_of(body, MESSAGE)?;
        let short = || cut_short(MESSAGE);
        let (number, data) = data.split_first_chunk().ok_or_else(short)?;
        let (tag, octets) = data.split_first_chunk().ok_or_else(short)?;
        if octets.is_empty() || octets.len() != to.len() {
            return Err(short());
        }
        let nonce = u64::from_be_bytes(*number);
        self.received.follows(nonce, MESSAGE)?;
        self.receiving.open(*number, tag, octets, to).map_err(|_| forged(MESSAGE))?;
        self.received = Numbers(nonce);
        match to.first() {
            Some(flags) if flags & !(flag::MORE | flag::COMMAND) != 0 => {
                Err(Violation::Malformed { command: MESSAGE, what: "it has flags that nobody has given a meaning" })
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
impl Cipher {
    /// As if it had sent nothing yet.
    pub(super) fn rewind(&mut self) {
        self.sent = Numbers(0);
    }

    /// So that it can send once more.
    pub(super) fn wind_to_the_last(&mut self) {
        self.sent = Numbers(u64::MAX - 1);
    }
}
