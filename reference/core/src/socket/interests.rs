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
}

impl Interests {
    /// A peer's subscription or cancellation takes effect. Returns whether an XPUB passes it on.
    // spec: PUBSUB-XPUB-05, PUBSUB-XPUB-06
    pub fn apply(&mut self, peer: PeerId, change: &Change) -> bool {
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

    /// A peer is gone; these topics are wanted by nobody any more.
    pub fn forget(&mut self, peer: PeerId) -> Vec<Frame> {
        let mut gone = Vec::new();
        self.subscriptions.remove_peer(peer, |topic| gone.push(Frame::copy_of(topic)));
        gone
    }

    /// Calls `found` once for each peer that wants a message whose first part is `subject`.
    #[inline]
    pub fn matches(&mut self, subject: &[u8], found: impl FnMut(PeerId)) {
        self.subscriptions.matches(subject, found);
    }

    /// How an XPUB's application is told of a change: one octet, 1 or 0, and the topic.
    // spec: PUBSUB-XPUB-05
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
