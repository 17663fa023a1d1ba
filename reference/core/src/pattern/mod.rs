//! Patterns: what a socket type does with messages. One file for each.
//!
//! A pattern is the application's side of a socket. It is called under the socket's lock, never waits, and knows peers
//! only by the two ends of their pipes.

mod dealer;
mod option;
mod pair;
mod publish;
#[cfg(test)]
mod pubsub_options_tests;
#[cfg(test)]
mod pubsub_tests;
mod pull;
mod push;
mod rep;
mod req;
mod router;
mod stream;
mod sub;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
mod xpub;
mod xsub;

pub use option::{Manual, PatternOption, Switch, Unsupported, Verbosity};

use crate::error::{RecvError, Unsent};
use crate::message::Message;
use crate::socket::{Attachment, Effects, PeerId, PeerInfo};

/// The application's side of a socket.
///
/// After each call the caller runs the [`Effects`], when it holds no lock any more.
pub trait Pattern: Send {
    /// A peer has come: both ends of its pipes, and who it is.
    fn attach(&mut self, peer: Attachment, effects: &mut Effects);

    /// A peer is gone: nothing more can be sent to it. What it sent is still received, up to the end of its pipe.
    fn detach(&mut self, peer: PeerId, effects: &mut Effects);

    /// The pipe from this peer has something again: messages, or its end.
    fn readable(&mut self, peer: PeerId, effects: &mut Effects);

    /// The pipe to this peer has room again.
    fn writable(&mut self, peer: PeerId);

    /// Takes a message for whom it is meant, as a whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Unsent`]: the message, and why it was not taken. [`crate::error::SendError::WouldBlock`] if a later attempt can
    /// succeed; the pattern has seen to it that `writable` or `attach` will be called then.
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent>;

    /// The next message.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if one may come; `readable` will be called then.
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError>;

    /// Who sent the message that `recv` gave last; `None` before the first, and for peers that are gone.
    fn sender(&self) -> Option<&PeerInfo>;

    /// Whether `send` of a proper message would succeed now.
    fn can_send(&mut self, effects: &mut Effects) -> bool;

    /// Whether `recv` would succeed now. A message that had to be taken from a pipe to know is kept for `recv`.
    fn can_recv(&mut self, effects: &mut Effects) -> bool;

    /// Sets an option that only some patterns have.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] if this pattern does not have it.
    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}
