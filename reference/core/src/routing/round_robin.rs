//! Round-robin: each message to one peer that has room, each such peer in turn.
//!
//! ```text
//!   writable ──► [ peers with room, in a circle ] ──front──► takes a message ──► back of the circle
//!                                                   ├─ full ────► out of the circle, until it is writable
//!                                                   └─ closed ──► gone for good
//! ```
//!
//! A peer leaves the circle only after its pipe was asked for room and said no, which is what makes it tell when it has
//! some. So where no peer is left in the circle, every one of them will tell.

use std::collections::VecDeque;

use crate::message::Message;
use crate::socket::{Effects, Outbound, PeerId, PeerMap};

/// The pipes to all peers.
#[derive(Default)]
pub struct RoundRobin {
    receivers: PeerMap<Receiver>,
    /// Those that had room when they were asked last, in the order of their turns.
    circle: VecDeque<PeerId>,
}

struct Receiver {
    outbound: Outbound,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    InCircle,
    Full,
}

impl RoundRobin {
    /// A peer has come. Its first turn is behind those of the others.
    pub fn attach(&mut self, peer: PeerId, outbound: Outbound) {
        self.receivers.insert(peer, Receiver { outbound, place: Place::InCircle });
        self.circle.push_back(peer);
    }

    /// A peer is gone. What is in its pipe already may still be sent.
    pub fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        let Some(mut receiver) = self.receivers.remove(peer) else { return };
        receiver.outbound.close(effects);
        if receiver.place == Place::InCircle {
            self.circle.retain(|other| *other != peer);
        }
    }

    /// The pipe to this peer has room again.
    pub fn writable(&mut self, peer: PeerId) {
        let Some(receiver) = self.receivers.get_mut(peer) else { return };
        if receiver.place == Place::Full {
            receiver.place = Place::InCircle;
            self.circle.push_back(peer);
        }
    }

    /// Gives the message to the peer whose turn it is.
    ///
    /// # Errors
    ///
    /// The message, if no peer has room.
    #[inline]
    pub fn push(&mut self, message: Message, effects: &mut Effects) -> Result<PeerId, Message> {
        match self.turn(effects) {
            Some((peer, outbound)) => {
                outbound.push(message, effects);
                Ok(peer)
            }
            None => Err(message),
        }
    }

    /// The peer whose turn it is and the pipe to it, which has room; with that its turn is over. `None` if no peer has
    /// room: `Pattern::writable` or `Pattern::attach` will be called when one has.
    #[inline]
    pub fn turn(&mut self, effects: &mut Effects) -> Option<(PeerId, &mut Outbound)> {
        let peer = self.front(effects)?;
        self.circle.rotate_left(1);
        self.receivers.get_mut(peer).map(|receiver| (peer, &mut receiver.outbound))
    }

    /// Whether [`Self::push`] would succeed.
    #[inline]
    pub fn has_room(&mut self, effects: &mut Effects) -> bool {
        self.front(effects).is_some()
    }

    /// Turns the circle to a peer that has room.
    #[inline]
    fn front(&mut self, effects: &mut Effects) -> Option<PeerId> {
        while let Some(&peer) = self.circle.front() {
            let receiver = self.receivers.get_mut(peer).expect("a peer leaves the circle when it is removed");
            if receiver.outbound.is_closed() {
                self.detach(peer, effects);
            } else if receiver.outbound.has_room() {
                return Some(peer);
            } else {
                receiver.place = Place::Full;
                self.circle.pop_front();
            }
        }
        None
    }

    /// Number of peers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.receivers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.receivers.is_empty()
    }
}
