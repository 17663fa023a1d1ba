//! The table of socket types: what the rest of the core has to know of each pattern.
//!
//! To add a type:
//!
//! 1. Here: a variant of [`SocketType`], and its line in [`TABLE`] at the same place. The handshake, sessions and inproc
//!    go by the line: whom it talks to, whether it says its routing id, which way subscriptions go. By its name they know
//!    only XPUB, which is told of subscriptions.
//! 2. Its file in `pattern/`: a [`Pattern`] made of what is in [`crate::routing`], and a `make`. `push.rs` is the
//!    shortest one that sends, `pull.rs` the shortest that receives. Its `mod` line is in `pattern/mod.rs`.
//! 3. For the suite: its requirements in `docs/spec`, a folder of cases, and libzmq's number of the type where the
//!    compiler misses it, in the adapter of the reference.

use std::fmt;
use std::sync::Arc;

use super::Pattern;
use crate::socket::Shared;

/// The type of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketType {
    /// One peer, both ways (31/EXPAIR).
    Pair,
    /// Publishes to subscribers (29/PUBSUB).
    Pub,
    /// Subscribes to publishers (29/PUBSUB).
    Sub,
    /// Asks, one question at a time (28/REQREP).
    Req,
    /// Answers, one question at a time (28/REQREP).
    Rep,
    /// Talks to any peer, in any order (28/REQREP).
    Dealer,
    /// Talks to the peer that the first part names (28/REQREP).
    Router,
    /// Collects work (30/PIPELINE).
    Pull,
    /// Distributes work (30/PIPELINE).
    Push,
    /// A PUB that sees the subscriptions (29/PUBSUB).
    XPub,
    /// A SUB that subscribes by messages (29/PUBSUB).
    XSub,
    /// Talks to peers that speak no ZMTP: octets of tcp, by peer.
    Stream,
}

/// What a socket type is to the machines of a link.
pub struct Rules {
    /// The type.
    pub socket_type: SocketType,
    /// Its name in the property `Socket-Type`.
    pub name: &'static str,
    /// The types that it may talk to.
    pub peers: &'static [SocketType],
    /// Whether READY says its routing id.
    pub identity: Identity,
    /// From when on a peer that is connected to can be sent messages.
    pub attach: Attach,
    /// Which way subscriptions go.
    pub subscriptions: Direction,
    /// What is spoken on its links.
    pub protocol: Protocol,
    /// Whether its peers have ids.
    pub naming: Naming,
    /// Makes the pattern.
    pub make: fn(Arc<Shared>) -> Box<dyn Pattern>,
}

/// What is spoken on the links of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// ZMTP.
    Zmtp,
    /// Nothing: octets go and come as they are.
    Raw,
}

/// Whether peers have ids, by which the application names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Each peer has one: its own, the application's, or one that is made for it.
    ById,
    /// Peers have no names.
    Nameless,
}

/// Whether READY says the routing id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It does, if one is set.
    Said,
    /// It does not.
    Unsaid,
}

/// From when on a peer that is connected to can be sent messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attach {
    /// From `connect` on: messages wait for the connection.
    AtConnect,
    /// When the handshake has told who the peer is.
    AtHandshake,
}

/// Which way subscriptions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// There are none.
    None,
    /// To the peer.
    ToPeer,
    /// From the peer.
    FromPeer,
}

use Attach::{AtConnect, AtHandshake};
use Identity::{Said, Unsaid};
use Naming::{ById, Nameless};
use Protocol::{Raw, Zmtp};
use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Stream, Sub, XPub, XSub};

/// One line for each type.
#[rustfmt::skip]
pub static TABLE: [Rules; 12] = [
    Rules { socket_type: Pair,   name: "PAIR",   peers: &[Pair],                identity: Unsaid, attach: AtConnect,   subscriptions: Direction::None,     protocol: Zmtp, naming: Nameless, make: super::pair::make },
    Rules { socket_type: Pub,    name: "PUB",    peers: &[Sub, XSub],           identity: Unsaid, attach: AtConnect,   subscriptions: Direction::FromPeer, protocol: Zmtp, naming: Nameless, make: super::publish::make },
    Rules { socket_type: Sub,    name: "SUB",    peers: &[Pub, XPub],           identity: Unsaid, attach: AtConnect,   subscriptions: Direction::ToPeer,   protocol: Zmtp, naming: Nameless, make: super::sub::make },
    Rules { socket_type: Req,    name: "REQ",    peers: &[Rep, Router],         identity: Said,   attach: AtConnect,   subscriptions: Direction::None,     protocol: Zmtp, naming: Nameless, make: super::req::make },
    Rules { socket_type: Rep,    name: "REP",    peers: &[Req, Dealer],         identity: Unsaid, attach: AtConnect,   subscriptions: Direction::None,     protocol: Zmtp, naming: Nameless, make: super::rep::make },
    Rules { socket_type: Dealer, name: "DEALER", peers: &[Rep, Dealer, Router], identity: Said,   attach: AtConnect,   subscriptions: Direction::None,     protocol: Zmtp, naming: Nameless, make: super::dealer::make },
    Rules { socket_type: Router, name: "ROUTER", peers: &[Req, Dealer, Router], identity: Said,   attach: AtHandshake, subscriptions: Direction::None,     protocol: Zmtp, naming: ById,     make: super::router::make },
    Rules { socket_type: Pull,   name: "PULL",   peers: &[Push],                identity: Unsaid, attach: AtConnect,   subscriptions: Direction::None,     protocol: Zmtp, naming: Nameless, make: super::pull::make },
    Rules { socket_type: Push,   name: "PUSH",   peers: &[Pull],                identity: Unsaid, attach: AtConnect,   subscriptions: Direction::None,     protocol: Zmtp, naming: Nameless, make: super::push::make },
    Rules { socket_type: XPub,   name: "XPUB",   peers: &[Sub, XSub],           identity: Unsaid, attach: AtConnect,   subscriptions: Direction::FromPeer, protocol: Zmtp, naming: Nameless, make: super::xpub::make },
    Rules { socket_type: XSub,   name: "XSUB",   peers: &[Pub, XPub],           identity: Unsaid, attach: AtConnect,   subscriptions: Direction::ToPeer,   protocol: Zmtp, naming: Nameless, make: super::xsub::make },
    Rules { socket_type: Stream, name: "STREAM", peers: &[],                    identity: Unsaid, attach: AtConnect,   subscriptions: Direction::None,     protocol: Raw,  naming: ById,     make: super::stream::make },
];

impl SocketType {
    /// The line of the table.
    #[must_use]
    pub fn rules(self) -> &'static Rules {
        &TABLE[self as usize]
    }

    /// The name, as it stands in the property `Socket-Type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.rules().name
    }

    /// The type of that name, which is in capitals.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|rules| rules.name == name).map(|rules| rules.socket_type)
    }

    /// Whether a socket of this type may talk to one of the other.
    #[must_use]
    pub fn talks_to(self, other: Self) -> bool {
        self.rules().peers.contains(&other)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_the_line_of_its_number() {
        for (i, rules) in TABLE.iter().enumerate() {
            assert_eq!(rules.socket_type as usize, i);
            assert_eq!(SocketType::of_name(rules.name), Some(rules.socket_type));
        }
    }

    #[test]
    fn whom_one_may_talk_to_may_talk_back() {
        for rules in &TABLE {
            for peer in rules.peers {
                assert!(peer.talks_to(rules.socket_type), "{} and {}", rules.name, peer);
            }
        }
    }
}
