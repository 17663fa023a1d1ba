//! What a socket does by itself at the beginning and the end of connections, and which types have what of it.

use super::Options;
use crate::frame::Frame;
use crate::pattern::table::SocketType;
use crate::pipe::Keep;

/// What a ROUTER's application is told of its peers by messages: the routing id, and an empty part.
///
/// Peers of the same context (inproc) are not told of, as in libzmq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RouterNotify {
    /// That a handshake is done. Comes before the peer's first message.
    pub connects: bool,
    /// That a connection whose handshake was done is lost. Comes behind the peer's last message.
    pub disconnects: bool,
}

/// Octets that are a message by themselves.
pub type Octets = Box<[u8]>;

impl Options {
    /// What the pipes of a socket of this type keep.
    #[must_use]
    pub const fn keeps(&self, socket_type: SocketType) -> Keep {
        use SocketType::{Dealer, Pub, Pull, Push, Sub};
        if self.conflate && matches!(socket_type, Dealer | Pub | Pull | Push | Sub) { Keep::Latest } else { Keep::All }
    }

    /// What a socket of this type sends over each connection before all else.
    pub fn first_messages(&self, socket_type: SocketType) -> impl Iterator<Item = Frame> {
        use SocketType::{Dealer, Pub, Rep, Req, Router, XPub};
        let hello = self.hello_message.as_deref().filter(|_| matches!(socket_type, Router | Dealer | Rep));
        let probe = (self.probe_router && matches!(socket_type, Router | Dealer | Req)).then_some(&[][..]);
        let welcome = self.welcome_message.as_deref().filter(|_| matches!(socket_type, Pub | XPub));
        [hello, probe, welcome].into_iter().flatten().map(Frame::copy_of)
    }

    /// What a socket of this type receives when the connection of a peer that had connected to it is lost.
    #[must_use]
    pub fn disconnect_message(&self, socket_type: SocketType) -> Option<Frame> {
        let message = self.disconnect_message.as_deref().filter(|_| socket_type == SocketType::Router);
        message.map(Frame::copy_of)
    }

    /// What a socket of this type receives when a connection that it had made is lost.
    #[must_use]
    pub fn hiccup_message(&self, socket_type: SocketType) -> Option<Frame> {
        let message = self.hiccup_message.as_deref().filter(|_| socket_type == SocketType::Dealer);
        message.map(Frame::copy_of)
    }
}
