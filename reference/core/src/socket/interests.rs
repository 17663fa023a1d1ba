//! What the subscribers of a PUB or XPUB want.

use super::peer::PeerId;
use super::wanted::Change;
use crate::frame::Frame;
use crate::pattern::Verbosity;
use crate::routing::subscriptions::{Added, Removed, Subscriptions};

/// The subscriptions of all peers of one socket.
#[derive(Default)]
pub struct Interests {
    subscriptions: Subscriptions,
    /// Which changes an XPUB's application is told.
    pub verbosity: Verbosity,
    /// For each index of a peer: generations before this one are retired.
    retired: Vec<u32>,
}

impl Interests {
    /// Nobody wants anything. For the seed see [`Subscriptions::seeded`].
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { subscriptions: Subscriptions::seeded(seed), ..Self::default() }
    }

    /// A peer's subscription or cancellation takes effect. Returns whether an XPUB passes it on. That of a retired peer
    /// has none.
    // spec: PUBSUB-PUB-14, PUBSUB-XPUB-14, PUBSUB-XPUB-16
    pub fn apply(&mut self, peer: PeerId, change: &Change) -> bool {
        if self.is_retired(peer) {
            return false;
        }
        match change {
            Change::Subscribe(topic) => match self.subscriptions.add(topic, peer) {
                Added::First => true,
                Added::Another | Added::Again => self.verbosity != Verbosity::Changes,
            },
            Change::Cancel(topic) => match self.subscriptions.remove(topic, peer) {
                Removed::Last => true,
                Removed::NotLast => self.verbosity == Verbosity::Everything,
                Removed::Unknown => false,
            },
        }
    }

    /// A connection is gone, and with it what the peer subscribed to: over the next connection it subscribes anew, and
    /// identical subscriptions are counted. These topics are wanted by nobody any more.
    pub fn forget(&mut self, peer: PeerId) -> Vec<Frame> {
        let mut gone = Vec::new();
        self.subscriptions.remove_peer(peer, |topic| gone.push(Frame::copy_of(topic)));
        gone
    }

    /// A peer is gone for good: as [`Self::forget`], and what it still tells is ignored. Where no link lies between two
    /// sockets, the subscriber may do so until it learns that it was let go of.
    pub fn retire(&mut self, peer: PeerId) -> Vec<Frame> {
        if self.retired.len() <= peer.index() {
            self.retired.resize(peer.index() + 1, 0);
        }
        let retired = &mut self.retired[peer.index()];
        *retired = (*retired).max(peer.generation.saturating_add(1));
        self.forget(peer)
    }

    fn is_retired(&self, peer: PeerId) -> bool {
        self.retired.get(peer.index()).is_some_and(|retired| peer.generation < *retired)
    }

    /// What a peer's subscriptions take in memory, about, in octets.
    #[must_use]
    pub fn octets(&self, peer: PeerId) -> usize {
        self.subscriptions.octets(peer)
    }

    /// Calls `found` once for each peer that wants a message whose first part is `subject`.
    #[inline]
    pub fn matches(&mut self, subject: &[u8], found: impl FnMut(PeerId)) {
        self.subscriptions.matches(subject, found);
    }

    /// How an XPUB's application is told of a change: one octet, 1 or 0, and the topic.
    // spec: PUBSUB-XPUB-15
    #[must_use]
    pub fn notice(change: &Change) -> Frame {
        let (first, topic) = match change {
            Change::Subscribe(topic) => (1, topic),
            Change::Cancel(topic) => (0, topic),
        };
        let mut notice = Vec::with_capacity(1 + topic.len());
        notice.push(first);
        notice.extend_from_slice(topic);
        Frame::from(notice)
    }
}
