//! Fan-out: a message to each of several peers, as far as they have room.

use crate::message::Message;
use crate::socket::{Effects, Outbound, PeerId, PeerMap};

/// The pipes to all peers, found by peer.
#[derive(Default)]
pub struct FanOut {
    pipes: PeerMap<Outbound>,
}

/// What became of a message for one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the pipe.
    Taken,
    /// There was no room, or there is no such peer: for this peer it is dropped.
    Dropped,
}

impl FanOut {
    /// A peer has come.
    pub fn attach(&mut self, peer: PeerId, outbound: Outbound) {
        self.pipes.insert(peer, outbound);
    }

    /// A peer is gone. What is in its pipe already may still be sent.
    pub fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        if let Some(mut outbound) = self.pipes.remove(peer) {
            outbound.close(effects);
        }
    }

    /// A message that goes to other peers as well.
    #[inline]
    pub fn push_shared(&mut self, peer: PeerId, message: &Message, effects: &mut Effects) -> Pushed {
        match self.with_room(peer) {
            Some(outbound) => {
                outbound.push_shared(message, effects);
                Pushed::Taken
            }
            None => {
                mark!("PUBSUB-PUB-12", "PUBSUB-PUB-13");
                Pushed::Dropped
            }
        }
    }

    /// A message that goes to every peer.
    pub fn push_to_all(&mut self, message: &Message, effects: &mut Effects) {
        for (_, outbound) in self.pipes.iter_mut() {
            if outbound.has_room() {
                outbound.push_shared(message, effects);
            }
        }
    }

    /// The pipe to this peer, if there is room for a message. If not, `Pattern::writable` will be called.
    #[inline]
    pub fn with_room(&mut self, peer: PeerId) -> Option<&mut Outbound> {
        let outbound = self.pipes.get_mut(peer)?;
        outbound.has_room().then_some(outbound)
    }

    /// All peers, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.pipes.iter().map(|(peer, _)| peer)
    }

    /// The pipe to this peer, whether it has room or not.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, peer: PeerId) -> Option<&mut Outbound> {
        self.pipes.get_mut(peer)
    }

    /// Whether any peer has room. If not, all of them were asked, hence each tells when it has.
    pub fn any_has_room(&mut self) -> bool {
        self.pipes.iter_mut().any(|(_, outbound)| outbound.has_room())
    }

    /// Number of peers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.pipes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pipes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::options::Options;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::{letters, peer};
    use crate::socket::{Letter, Shared};

    #[test]
    fn where_nobody_has_room_everybody_tells_when_there_is() {
        let shared = Arc::new(Shared::new(SocketType::Router, Options::default(), 1));
        let (mut fan_out, mut effects) = (FanOut::default(), Effects::default());
        let mut fars = [(); 3].map(|()| {
            let (attachment, far) = peer(&shared, "", 1);
            fan_out.attach(attachment.peer, attachment.outbound);
            far
        });
        fan_out.push_to_all(&Message::from("a"), &mut effects);
        assert!(!fan_out.any_has_room());
        for far in &mut fars {
            far.recv();
            assert!(matches!(letters(&shared).pop_front(), Some(Letter::Writable(peer)) if peer == far.peer));
        }
    }

    #[test]
    fn each_peer_gets_what_it_has_room_for() {
        let shared = Arc::new(Shared::new(SocketType::Pub, Options::default(), 1));
        let (mut fan_out, mut effects) = (FanOut::default(), Effects::default());
        let (small, mut small_far) = peer(&shared, "", 1);
        let (large, mut large_far) = peer(&shared, "", 0);
        let (small_id, large_id) = (small.peer, large.peer);
        fan_out.attach(small_id, small.outbound);
        fan_out.attach(large_id, large.outbound);

        let message = Message::from(["a", ""]);
        fan_out.push_to_all(&message, &mut effects);
        assert_eq!(fan_out.push_shared(small_id, &message, &mut effects), Pushed::Dropped);
        assert_eq!(fan_out.push_shared(large_id, &message, &mut effects), Pushed::Taken);
        fan_out.push_to_all(&message, &mut effects);
        assert!(fan_out.any_has_room());
        assert_eq!(small_far.recv_all().len(), 1);
        assert_eq!(large_far.recv_all(), vec![message.clone(); 3]);

        fan_out.detach(large_id, &mut effects);
        assert_eq!(fan_out.push_shared(large_id, &message, &mut effects), Pushed::Dropped);
        assert!(large_far.sees_end());
        assert_eq!((large_far.wakes.messages(), large_far.wakes.closes()), (0, 0), "nobody is told under the lock");
        effects.run();
        assert_eq!((large_far.wakes.messages(), large_far.wakes.closes()), (1, 1));
        assert_eq!(fan_out.len(), 1);
    }
}
