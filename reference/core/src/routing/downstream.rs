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
use crate::pattern::{PatternOption, Switch, Unsupported};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

/// The pipes to and from all subscribers.
pub struct Downstream {
    shared: Arc<Shared>,
    pipes: FanOut,
    from: FairQueue,
    choice: Choice,
    /// Whom a message goes to, where that has to be known before it goes to anybody.
    chosen: Vec<PeerId>,
}

/// How subscribers are chosen for a message. What every one of them gets who wants it and has room needs no choice.
#[derive(Default)]
struct Choice {
    inverted: Switch,
    no_drop: Switch,
}

impl Choice {
    #[inline]
    fn is_plain(&self) -> bool {
        self.inverted == Switch::Off && self.no_drop == Switch::Off
    }
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
        Self {
            shared,
            pipes: FanOut::default(),
            from: FairQueue::default(),
            choice: Choice::default(),
            chosen: Vec::new(),
        }
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

    /// Sets an option that PUB and XPUB have.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] for the options of others.
    pub fn set(&mut self, option: &PatternOption) -> Result<(), Unsupported> {
        match option {
            PatternOption::NoDrop(no_drop) => self.choice.no_drop = *no_drop,
            PatternOption::InvertMatching(inverted) => self.choice.inverted = *inverted,
            PatternOption::OnlyFirstSubscribe(only_first) => self.shared.interests().only_first = *only_first,
            _ => return Err(Unsupported),
        }
        Ok(())
    }

    /// Sends the message to everybody who wants it and has room, and drops it for the rest; with
    /// [`PatternOption::NoDrop`], to all who want it or to nobody.
    ///
    /// # Errors
    ///
    /// The message, with that option, if somebody who wants it has no room. `Pattern::writable` will be called then.
    // spec: PUBSUB-PUB-08, PUBSUB-PUB-10, PUBSUB-PUB-11, PUBSUB-PUB-12, PUBSUB-PUB-13
    // spec: PUBSUB-XPUB-06, PUBSUB-XPUB-08, PUBSUB-XPUB-09, PUBSUB-XPUB-10, PUBSUB-XPUB-11
    // spec: ZMTP31-SUBS-01, ZMTP30-SUBS-01
    #[inline]
    pub fn publish(&mut self, message: Message, effects: &mut Effects) -> Result<(), Message> {
        if !self.choice.is_plain() {
            self.choose(&message);
            return self.push_to_chosen(message, effects);
        }
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
        } else if last.is_some() {
            mark!("PUBSUB-PUB-12", "PUBSUB-PUB-13");
        }
        Ok(())
    }

    /// As [`Self::publish`], to nobody but one.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`].
    pub fn publish_to(&mut self, only: PeerId, message: Message, effects: &mut Effects) -> Result<(), Message> {
        self.choose(&message);
        self.chosen.retain(|subscriber| *subscriber == only);
        self.push_to_chosen(message, effects)
    }

    fn choose(&mut self, message: &Message) {
        let chosen = &mut self.chosen;
        chosen.clear();
        self.shared.interests().matches(message.first(), |subscriber| chosen.push(subscriber));
        if self.choice.inverted == Switch::On {
            chosen.sort_unstable();
            let others = self.pipes.peers().filter(|peer| chosen.binary_search(peer).is_err()).collect();
            *chosen = others;
        }
    }

    fn push_to_chosen(&mut self, message: Message, effects: &mut Effects) -> Result<(), Message> {
        let pipes = &mut self.pipes;
        // Nobody waits for a subscriber that is gone.
        let is_full = |subscriber: &PeerId| {
            pipes.get_mut(*subscriber).is_some_and(|outbound| !outbound.has_ended() && !outbound.has_room())
        };
        if self.choice.no_drop == Switch::On && self.chosen.iter().any(is_full) {
            mark!("PUBSUB-XPUB-10");
            return Err(message);
        }
        for subscriber in &self.chosen {
            self.pipes.push_shared(*subscriber, &message, effects);
        }
        Ok(())
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

    /// Whether anything sent to this subscriber may arrive.
    #[must_use]
    pub fn is_there(&mut self, subscriber: PeerId) -> bool {
        self.pipes.get_mut(subscriber).is_some_and(|outbound| !outbound.has_ended())
    }

    /// The subscriber that sent the last message, if it is still there.
    #[must_use]
    pub fn last(&self) -> Option<PeerId> {
        self.from.last()
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
