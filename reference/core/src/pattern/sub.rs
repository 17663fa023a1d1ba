//! SUB: receives what it subscribed to (29/PUBSUB).
//!
//! ```text
//!   recv ◄── does any topic match? ◄── FairQueue ◄── the publisher whose turn it is
//!   Subscribe, Unsubscribe ──► publishers, which filter as well
//! ```
//!
//! It never sends. What a publisher sends unasked, or sent before it learned of a cancellation, is dropped silently. A
//! full queue is not: the publisher is held up, and drops at its end (adjudication A49).

use std::sync::Arc;

use super::{Pattern, PatternOption, Switch, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::Upstream;
use crate::routing::topics::{Certainty, Topics};
use crate::socket::{Attachment, Effects, Patience, PeerId, PeerInfo, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Sub::new(shared))
}

pub(super) struct Sub {
    publishers: Upstream,
    filter: Filter,
}

/// What it is subscribed to. How often is known to `Shared::wanted`. The topics are the application's own, so they need
/// no secret seed.
struct Filter {
    topics: Topics<()>,
    /// Whether what matches is dropped, and the rest received.
    inverted: Switch,
}

impl Filter {
    // spec: PUBSUB-SUB-10
    #[inline]
    fn passes(&self, message: &Message) -> bool {
        self.topics.prefixes(message.first(), Certainty::Octets).next().is_some() == (self.inverted == Switch::Off)
    }
}

impl Sub {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let filter = Filter { topics: Topics::seeded(0), inverted: Switch::Off };
        Self { publishers: Upstream::new(shared), filter }
    }
}

impl Pattern for Sub {
    // spec: PUBSUB-SUB-01, PUBSUB-SUB-03
    fn attach(&mut self, peer: Attachment, effects: &mut Effects) {
        mark!("PUBSUB-SUB-01", "PUBSUB-SUB-03");
        self.publishers.attach(peer, effects);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.publishers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.publishers.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: PUBSUB-SUB-02
    fn send(&mut self, message: Message, _effects: &mut Effects) -> Result<(), Unsent> {
        Err(Unsent { message, why: SendError::Unsupported })
    }

    // spec: PUBSUB-SUB-08, PUBSUB-SUB-09, PUBSUB-SUB-10, PUBSUB-SUB-11
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        let mut patience = Patience::default();
        loop {
            let message = self.publishers.pop(effects).ok_or(RecvError::WouldBlock)?;
            if self.filter.passes(&message) {
                return Ok(message);
            }
            if patience.is_over(effects) {
                return Err(RecvError::WouldBlock);
            }
        }
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.publishers.sender()
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        false
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        let filter = &self.filter;
        self.publishers.has_message(|message| filter.passes(message), effects)
    }

    // spec: PUBSUB-SUB-12
    fn set(&mut self, option: PatternOption, effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::Subscribe(topic) => {
                if self.publishers.subscribe(&topic, effects) {
                    self.filter.topics.get_or_insert_with(&topic, || ());
                }
            }
            PatternOption::Unsubscribe(topic) => {
                if self.publishers.cancel(&topic, effects)
                    && let Some(entry) = self.filter.topics.find(&topic)
                {
                    self.filter.topics.remove(entry);
                }
            }
            PatternOption::InvertMatching(inverted) => self.filter.inverted = inverted,
            _ => return Err(Unsupported),
        }
        Ok(())
    }
}
