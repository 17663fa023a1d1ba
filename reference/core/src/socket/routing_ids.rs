//! The peers of a ROUTER by their routing ids. No two of them have the same.

use std::collections::BTreeMap;

use super::peer::PeerId;
use crate::frame::Frame;

/// Whom a routing id stands for.
pub struct RoutingIds {
    peers: BTreeMap<Box<[u8]>, PeerId>,
    next: u32,
}

/// The id is that of another peer, who keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken(pub PeerId);

impl RoutingIds {
    /// No peers; generated ids count from `first`.
    #[must_use]
    pub const fn new(first: u32) -> Self {
        Self { peers: BTreeMap::new(), next: first }
    }

    /// The peer gets the id that it asks for.
    ///
    /// # Errors
    ///
    /// [`Taken`] if another peer has it.
    // spec: REQREP-ROUTER-03
    pub fn claim(&mut self, id: &[u8], peer: PeerId) -> Result<Frame, Taken> {
        match self.peers.get(id) {
            Some(holder) if *holder != peer => Err(Taken(*holder)),
            Some(_) | None => {
                self.peers.insert(id.into(), peer);
                Ok(Frame::copy_of(id))
            }
        }
    }

    /// The peer takes the id over, whoever has it.
    pub fn take_over(&mut self, id: &[u8], peer: PeerId) -> Frame {
        self.peers.insert(id.into(), peer);
        Frame::copy_of(id)
    }

    /// An id for a peer that has none: zero, and a number that no other has.
    pub fn generate(&mut self, peer: PeerId) -> Frame {
        loop {
            let [a, b, c, d] = self.next.to_be_bytes();
            self.next = self.next.wrapping_add(1);
            if let Ok(id) = self.claim(&[0, a, b, c, d], peer) {
                return id;
            }
        }
    }

    /// Whom this id stands for.
    #[must_use]
    pub fn find(&self, id: &[u8]) -> Option<PeerId> {
        self.peers.get(id).copied()
    }

    /// The peer is gone, and the id free, unless another has taken it over.
    pub fn release(&mut self, id: &[u8], peer: PeerId) {
        if self.find(id) == Some(peer) {
            self.peers.remove(id);
        }
    }
}
