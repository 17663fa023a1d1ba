//! XPUB: a PUB whose application sees subscriptions, and messages of its subscribers (29/PUBSUB).
//!
//! ```text
//!   send ──► as PUB
//!   recv ◄── FairQueue ◄── subscriptions (1 and the topic), cancellations (0 and the topic), messages, as they came
//! ```
//!
//! By the time that the application receives a subscription, it has taken effect; with [`PatternOption::XPubManual`] it
//! takes effect when, and as, the application says. When a subscriber is gone, and its
//! last message was received, the topics that nobody else holds are cancelled.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Manual, Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::{Downstream, FromBelow};
use crate::socket::{Attachment, Change, Effects, Interests, PeerId, PeerInfo, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(XPub::new(shared))
}

pub(super) struct XPub {
    shared: Arc<Shared>,
    subscribers: Downstream,
    /// Topics of subscribers that are gone, which the application is to be told of.
    cancelled: VecDeque<Frame>,
    last: Last,
    manual: Manual,
    /// Who alone gets the next message: it subscribed, and the others have the last value already.
    newcomer: Option<PeerId>,
}

/// What was received last.
enum Last {
    Message,
    /// What nobody sent: the sender is gone.
    Cancellation,
}

impl XPub {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let subscribers = Downstream::new(Arc::clone(&shared));
        Self {
            shared,
            subscribers,
            cancelled: VecDeque::new(),
            last: Last::Message,
            manual: Manual::Off,
            newcomer: None,
        }
    }
}

impl Pattern for XPub {
    // spec: PUBSUB-XPUB-01, PUBSUB-XPUB-02
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("PUBSUB-XPUB-01", "PUBSUB-XPUB-02");
        self.subscribers.attach(peer);
    }

    // spec: PUBSUB-XPUB-04
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        mark!("PUBSUB-XPUB-04");
        self.subscribers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.subscribers.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: PUBSUB-XPUB-10, PUBSUB-XPUB-11
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        let published = match self.newcomer.filter(|newcomer| self.subscribers.is_there(*newcomer)) {
            None => self.subscribers.publish(message, effects),
            Some(newcomer) => self.subscribers.publish_to(newcomer, message, effects),
        };
        match published {
            Ok(()) => {
                self.newcomer = None;
                Ok(())
            }
            Err(message) => Err(Unsent { message, why: SendError::WouldBlock }),
        }
    }

    // spec: PUBSUB-XPUB-12, PUBSUB-XPUB-13, PUBSUB-XPUB-15, PUBSUB-XPUB-17
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        loop {
            if let Some(topic) = self.cancelled.pop_front() {
                self.last = Last::Cancellation;
                return Ok(Message::new(Interests::notice(&Change::Cancel(topic))));
            }
            match self.subscribers.turn(effects) {
                FromBelow::Message(message) => {
                    self.last = Last::Message;
                    if self.manual == Manual::LastValue && message.first().first() == Some(&1) {
                        self.newcomer = self.subscribers.last();
                    }
                    return Ok(message);
                }
                FromBelow::Gone(topics) => self.cancelled = topics.into(),
                FromBelow::Nothing => return Err(RecvError::WouldBlock),
            }
        }
    }

    fn sender(&self) -> Option<&PeerInfo> {
        match self.last {
            Last::Message => self.subscribers.sender(),
            Last::Cancellation => None,
        }
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        true
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        while self.cancelled.is_empty() {
            match self.subscribers.look(effects) {
                FromBelow::Message(_) => return true,
                FromBelow::Gone(topics) => self.cancelled = topics.into(),
                FromBelow::Nothing => return false,
            }
        }
        true
    }

    // spec: PUBSUB-XPUB-16
    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::XPubVerbosity(verbosity) => self.shared.interests().verbosity = verbosity,
            PatternOption::XPubManual(manual) => {
                self.manual = manual;
                self.shared.interests().manual = manual;
                self.newcomer = None;
            }
            PatternOption::Subscribe(topic) => return self.grant(&Change::Subscribe(Frame::from(topic))),
            PatternOption::Unsubscribe(topic) => return self.grant(&Change::Cancel(Frame::from(topic))),
            other => return self.subscribers.set(&other),
        }
        Ok(())
    }
}

impl XPub {
    /// Grants a topic, or takes it back, to whom the last message came from.
    fn grant(&mut self, change: &Change) -> Result<(), Unsupported> {
        if self.manual == Manual::Off {
            return Err(Unsupported);
        }
        let asked = match self.last {
            Last::Message => self.subscribers.last(),
            Last::Cancellation => None,
        };
        if let Some(peer) = asked {
            self.shared.interests().grant(peer, change);
        }
        Ok(())
    }
}
