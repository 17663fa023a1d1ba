//! Downstream: what PUB and XPUB have of their subscribers.
//!
//! ```text
//!   publish ──► Interests: who wants it? ──► FanOut ──► each of them that has room
//!   turn    ◄── FairQueue ◄── what subscribers send; and that one is gone
//! ```
//!
//! What a subscriber wants is put into [`Interests`](crate::socket::Interests) by its link, or by the subscriber itself
//! where none lies between (inproc). Either way it ends here: when the pipe from a subscriber has come to its end.

use std::sync::Arc;

use super::fair_queue::{FairQueue, Look, Turn};
use super::fan_out::FanOut;
use crate::frame::Frame;
use crate::message::Message;
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

/// The pipes to and from all subscribers.
pub struct Downstream {
    shared: Arc<Shared>,
    pipes: FanOut,
    from: FairQueue,
}

/// What comes from below.
#[derive(Debug, PartialEq, Eq)]
pub enum FromBelow {
    /// A message of a subscriber, or what its link tells of its subscriptions.
    Message(Message),
    /// A subscriber is gone for good; nobody wants these topics any more.
    Gone(Vec<Frame>),
    /// Nothing now; `Pattern::readable` will be called when there is something.
    Nothing,
}

impl Downstream {
    /// No subscribers.
    #[must_use]
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, pipes: FanOut::default(), from: FairQueue::default() }
    }

    /// A subscriber has come.
    pub fn attach(&mut self, subscriber: Attachment) {
        self.pipes.attach(subscriber.peer, subscriber.outbound);
        self.from.attach(subscriber.peer, subscriber.inbound);
    }

    /// Nothing can be sent to this subscriber any more. Its pipe stays, closed, until the end of the other one: the id
    /// must not be another's while [`Shared::interests`] knows it.
    pub fn detach(&mut self, subscriber: PeerId, effects: &mut Effects) {
        if let Some(outbound) = self.pipes.get_mut(subscriber) {
            outbound.close(effects);
        }
        self.from.readable(subscriber);
    }

    /// What a subscriber wants ends at once, not behind its last message: for those who show nothing of either.
    pub fn retire(&mut self, subscriber: PeerId) {
        self.shared.interests().retire(subscriber);
    }

    /// The pipe from this subscriber has something again.
    pub fn readable(&mut self, subscriber: PeerId) {
        self.from.readable(subscriber);
    }

    /// Sends the message to everybody who wants it and has room, and drops it for the rest.
    // spec: PUBSUB-PUB-08, PUBSUB-PUB-10, PUBSUB-PUB-11, PUBSUB-PUB-12, PUBSUB-PUB-13
    // spec: PUBSUB-XPUB-06, PUBSUB-XPUB-08, PUBSUB-XPUB-09, PUBSUB-XPUB-10, PUBSUB-XPUB-11
    // spec: ZMTP31-SUBS-01, ZMTP30-SUBS-01
    #[inline]
    pub fn publish(&mut self, message: Message, effects: &mut Effects) {
        let pipes = &mut self.pipes;
        // The last one gets the message itself, which is then not cloned for one subscriber.
        let mut last = None;
        self.shared.interests().matches(message.first(), |subscriber| {
            if let Some(before) = last.replace(subscriber) {
                pipes.push_shared(before, &message, effects);
            }
        });
        if let Some(outbound) = last.and_then(|last| pipes.with_room(last)) {
            outbound.push(message, effects);
        }
    }

    /// What comes next from a subscriber.
    #[inline]
    pub fn turn(&mut self, effects: &mut Effects) -> FromBelow {
        match self.from.turn(effects) {
            Turn::Message(_, message) => FromBelow::Message(message),
            Turn::Ended(subscriber) => FromBelow::Gone(self.forget(subscriber, effects)),
            Turn::Nothing => FromBelow::Nothing,
        }
    }

    /// As [`Self::turn`], but a message stays for the next turn, and an empty one stands for it here.
    pub fn look(&mut self, effects: &mut Effects) -> FromBelow {
        match self.from.look(effects) {
            Look::Message(_) => FromBelow::Message(Message::new(Frame::EMPTY)),
            Look::Ended(subscriber) => FromBelow::Gone(self.forget(subscriber, effects)),
            Look::Nothing => FromBelow::Nothing,
        }
    }

    // spec: PUBSUB-PUB-05, PUBSUB-XPUB-04
    fn forget(&mut self, subscriber: PeerId, effects: &mut Effects) -> Vec<Frame> {
        let gone = self.shared.interests().retire(subscriber);
        self.pipes.detach(subscriber, effects);
        gone
    }

    /// Who sent the last message.
    #[must_use]
    pub fn sender(&self) -> Option<&PeerInfo> {
        self.from.sender()
    }

    /// Number of subscribers of which anything is left.
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
