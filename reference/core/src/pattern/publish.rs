//! PUB: sends each message to those who subscribed to it (29/PUBSUB).
//!
//! ```text
//!   send ──► who subscribed to what the first part begins with? ──► each of them that has room
//! ```
//!
//! It never receives, and sending never waits: for a subscriber without room the message is dropped, unless
//! [`PatternOption::NoDrop`] is set. What subscribers
//! send is dropped; what they subscribe to takes effect without the application.

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::{Downstream, FromBelow};
use crate::socket::{Attachment, Effects, Patience, PeerId, PeerInfo, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Publish::new(shared))
}

pub(super) struct Publish {
    subscribers: Downstream,
}

impl Publish {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { subscribers: Downstream::new(shared) }
    }

    /// Drops what subscribers sent, and forgets those that are gone.
    // spec: PUBSUB-PUB-07, PUBSUB-PUB-15
    #[inline]
    fn discard(&mut self, effects: &mut Effects) {
        let mut patience = Patience::default();
        loop {
            match self.subscribers.turn(effects) {
                FromBelow::Message(_) | FromBelow::Gone(_) if patience.is_over(effects) => return,
                FromBelow::Message(_) | FromBelow::Gone(_) => {}
                FromBelow::Nothing => return,
            }
        }
    }
}

impl Pattern for Publish {
    // spec: PUBSUB-PUB-01, PUBSUB-PUB-03
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("PUBSUB-PUB-01", "PUBSUB-PUB-03");
        self.subscribers.attach(peer);
    }

    // spec: PUBSUB-PUB-05
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        mark!("PUBSUB-PUB-05");
        self.subscribers.detach(peer, effects);
        self.subscribers.retire(peer);
        self.discard(effects);
    }

    fn readable(&mut self, peer: PeerId, effects: &mut Effects) {
        self.subscribers.readable(peer);
        self.discard(effects);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: PUBSUB-PUB-12, PUBSUB-PUB-13
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        self.subscribers.publish(message, effects).map_err(|message| Unsent { message, why: SendError::WouldBlock })
    }

    // spec: PUBSUB-PUB-02
    fn recv(&mut self, _effects: &mut Effects) -> Result<Message, RecvError> {
        Err(RecvError::Unsupported)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        None
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        true
    }

    fn can_recv(&mut self, _effects: &mut Effects) -> bool {
        false
    }

    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        self.subscribers.set(&option)
    }
}
