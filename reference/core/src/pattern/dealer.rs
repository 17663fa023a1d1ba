//! DEALER: any message to any peer, in any order (28/REQREP).
//!
//! ```text
//!   send ──► RoundRobin ──► the peer whose turn it is, of those with room
//!   recv ◄── FairQueue  ◄── the peer whose turn it is, of those with messages
//! ```
//!
//! Messages pass as they are. Those of a peer that is gone are received all the same (adjudication A51).

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::{FairQueue, RoundRobin};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Dealer::default())
}

#[derive(Default)]
struct Dealer {
    receivers: RoundRobin,
    senders: FairQueue,
}

impl Pattern for Dealer {
    // spec: REQREP-DEALER-01, REQREP-DEALER-03
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        self.receivers.attach(peer.peer, peer.outbound);
        self.senders.attach(peer.peer, peer.inbound);
    }

    // spec: REQREP-DEALER-05
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.receivers.detach(peer, effects);
        self.senders.readable(peer);
    }

    fn readable(&mut self, peer: PeerId) {
        self.senders.readable(peer);
    }

    fn writable(&mut self, peer: PeerId) {
        self.receivers.writable(peer);
    }

    // spec: REQREP-DEALER-02, REQREP-DEALER-07, REQREP-DEALER-08, REQREP-DEALER-09, REQREP-DEALER-10, REQREP-DEALER-11
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match self.receivers.push(message, effects) {
            Ok(_) => Ok(()),
            Err(message) => Err(Unsent { message, why: SendError::WouldBlock }),
        }
    }

    // spec: REQREP-DEALER-12, REQREP-DEALER-13
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.senders.pop(effects).map(|(_, message)| message).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.senders.sender()
    }

    fn can_send(&mut self, effects: &mut Effects) -> bool {
        self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        self.senders.has_message(effects)
    }

    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}
