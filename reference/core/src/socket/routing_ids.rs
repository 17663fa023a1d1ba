//! The peers of a ROUTER by their routing ids. No two of them have the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::effects::IoSide;
use super::peer::PeerId;
use crate::frame::Frame;
use crate::pattern::Switch;

/// Whom a routing id stands for.
pub struct RoutingIds {
    peers: BTreeMap<Box<[u8]>, Holder>,
    next: u32,
    /// Whether a newcomer takes an id over from the peer that has it.
    pub handover: Switch,
    /// What the next peer that is connected to is called, whatever it says.
    pub next_connect: Option<Frame>,
}

struct Holder {
    peer: PeerId,
    io: Arc<dyn IoSide>,
}

/// The id is that of another peer, who keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken(pub PeerId);

impl RoutingIds {
    /// No peers; generated ids count from `first`.
    #[must_use]
    pub const fn new(first: u32) -> Self {
        Self { peers: BTreeMap::new(), next: first, handover: Switch::Off, next_connect: None }
    }

    /// The peer gets the id that it asks for. If it is taken over from another, that one's I/O side is returned: it has
    /// to be told, when no lock is held any more, and finds that it [`Self::holds`] the id no longer.
    ///
    /// # Errors
    ///
    /// [`Taken`] if another peer has it, and handover is off.
    // spec: REQREP-ROUTER-06, REQREP-ROUTER-07
    pub fn claim(&mut self, id: &[u8], peer: PeerId, io: &Arc<dyn IoSide>) -> Result<Option<Arc<dyn IoSide>>, Taken> {
        mark!("REQREP-ROUTER-07");
        if let Some(holder) = self.peers.get(id).filter(|holder| holder.peer != peer)
            && self.handover == Switch::Off
        {
            return Err(Taken(holder.peer));
        }
        let before = self.peers.insert(id.into(), Holder { peer, io: Arc::clone(io) });
        Ok(before.filter(|holder| holder.peer != peer).map(|holder| holder.io))
    }

    /// An id for a peer that has none: zero, and a number that no other has.
    pub fn generate(&mut self, peer: PeerId, io: &Arc<dyn IoSide>) -> Frame {
        loop {
            let [a, b, c, d] = self.next.to_be_bytes();
            self.next = self.next.wrapping_add(1);
            let id = [0, a, b, c, d];
            if !self.peers.contains_key(&id[..]) {
                self.peers.insert(id.into(), Holder { peer, io: Arc::clone(io) });
                return Frame::copy_of(&id);
            }
        }
    }

    /// Whom this id stands for.
    #[must_use]
    pub fn find(&self, id: &[u8]) -> Option<PeerId> {
        self.peers.get(id).map(|holder| holder.peer)
    }

    /// Whether the id still stands for this peer.
    #[must_use]
    pub fn holds(&self, id: &[u8], peer: PeerId) -> bool {
        self.find(id) == Some(peer)
    }

    /// The peer is gone, and the id free, unless another has taken it over.
    pub fn release(&mut self, id: &[u8], peer: PeerId) {
        if self.holds(id, peer) {
            self.peers.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::PeerIds;

    struct Nobody;

    impl IoSide for Nobody {
        fn messages_waiting(&self) {}
        fn room_made(&self) {}
    }

    fn scene() -> (RoutingIds, Arc<dyn IoSide>, [PeerId; 2]) {
        let ids = Arc::<PeerIds>::default();
        let (first, second) = (ids.lease(), ids.lease());
        (RoutingIds::new(u32::MAX), Arc::new(Nobody), [first.id(), second.id()])
    }

    // spec: REQREP-ROUTER-06
    #[test]
    fn an_id_is_that_of_one_peer_until_it_is_released() {
        let (mut ids, io, [a, b]) = scene();
        assert!(ids.claim(b"x", a, &io).is_ok_and(|before| before.is_none()));
        assert_eq!(ids.claim(b"x", b, &io).err(), Some(Taken(a)));
        ids.release(b"x", b);
        assert_eq!(ids.find(b"x"), Some(a));
        ids.release(b"x", a);
        assert!(ids.claim(b"x", b, &io).is_ok());
    }

    #[test]
    fn with_handover_the_newcomer_takes_the_id_and_the_other_can_tell() {
        let (mut ids, io, [a, b]) = scene();
        ids.handover = Switch::On;
        assert!(ids.claim(b"x", a, &io).is_ok());
        assert!(ids.claim(b"x", b, &io).is_ok_and(|before| before.is_some()));
        assert!(ids.holds(b"x", b) && !ids.holds(b"x", a));
        ids.release(b"x", a);
        assert!(ids.holds(b"x", b));
    }

    #[test]
    fn generated_ids_begin_with_zero_and_differ() {
        let (mut ids, io, [a, b]) = scene();
        assert_eq!(ids.generate(a, &io), [0, 255, 255, 255, 255]);
        assert_eq!(ids.generate(b, &io), [0, 0, 0, 0, 0]);
    }
}
