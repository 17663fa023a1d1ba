//! PUSH: distributes messages over its peers, each in turn (30/PIPELINE).
//!
//! ```text
//!   send ──► RoundRobin ──► the peer whose turn it is, of those with room
//! ```
//!
//! It never receives. What a peer sends all the same is dropped, so that the peer's link goes on.

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::{FairQueue, RoundRobin};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Push::default())
}

#[derive(Default)]
struct Push {
    receivers: RoundRobin,
    unwanted: FairQueue,
}

impl Pattern for Push {
    // spec: PIPELINE-PUSH-01, PIPELINE-PUSH-04
    fn attach(&mut self, peer: Attachment, effects: &mut Effects) {
        self.receivers.attach(peer.peer, peer.outbound);
        self.unwanted.attach(peer.peer, peer.inbound);
        self.unwanted.discard(effects);
    }

    // spec: PIPELINE-PUSH-06
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.receivers.detach(peer, effects);
        self.unwanted.readable(peer);
        self.unwanted.discard(effects);
    }

    fn readable(&mut self, peer: PeerId) {
        self.unwanted.readable(peer);
    }

    fn writable(&mut self, peer: PeerId) {
        self.receivers.writable(peer);
    }

    // spec: PIPELINE-PUSH-03, PIPELINE-PUSH-08, PIPELINE-PUSH-09, PIPELINE-PUSH-10, PIPELINE-PUSH-11, PIPELINE-PUSH-12
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        self.unwanted.discard(effects);
        match self.receivers.push(message, effects) {
            Ok(_) => Ok(()),
            Err(message) => Err(Unsent { message, why: SendError::WouldBlock }),
        }
    }

    // spec: PIPELINE-PUSH-02
    fn recv(&mut self, _effects: &mut Effects) -> Result<Message, RecvError> {
        Err(RecvError::Unsupported)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        None
    }

    fn can_send(&mut self, effects: &mut Effects) -> bool {
        self.unwanted.discard(effects);
        self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, _effects: &mut Effects) -> bool {
        false
    }

    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}
