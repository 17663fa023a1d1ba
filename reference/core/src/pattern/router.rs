//! ROUTER: each message comes from a routing id and goes to a routing id (28/REQREP).
//!
//! ```text
//!   send [id, body..] ──► ByIdentity ──► the peer of that id, which gets [body..]
//!   recv [id, body..] ◄── FairQueue  ◄── the peer whose turn it is, which sent [body..]
//! ```
//!
//! A message for nobody, or for whom there is no room, is dropped; with [`PatternOption::RouterMandatory`] it is
//! refused. An address without a body is no message, and refused always.

use std::sync::Arc;

use super::{Pattern, PatternOption, Switch, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::{ByIdentity, FairQueue, Turn, Undelivered};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, PeerMap, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Router::new(shared))
}

struct Router {
    receivers: ByIdentity,
    senders: FairQueue,
    /// The routing ids of all peers whose messages may still come.
    ids: PeerMap<Frame>,
    /// Taken from its pipe to see whether there is one, not handed over yet.
    kept: Option<Message>,
    mandatory: Switch,
}

impl Router {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            receivers: ByIdentity::new(shared),
            senders: FairQueue::default(),
            ids: PeerMap::default(),
            kept: None,
            mandatory: Switch::Off,
        }
    }

    // spec: REQREP-ROUTER-08, REQREP-ROUTER-09
    #[inline]
    fn next(&mut self, effects: &mut Effects) -> Option<Message> {
        loop {
            match self.senders.turn(effects) {
                Turn::Message(peer, mut message) => {
                    let id = self.ids.get(peer).expect("a peer's id is kept until its pipe has ended");
                    message.push_front(id.clone());
                    return Some(message);
                }
                Turn::Ended(peer) => {
                    self.ids.remove(peer);
                }
                Turn::Nothing => return None,
            }
        }
    }
}

impl Pattern for Router {
    // spec: REQREP-ROUTER-01, REQREP-ROUTER-02, REQREP-ROUTER-06, REQREP-ROUTER-07
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        self.ids.insert(peer.peer, peer.routing_id);
        self.senders.attach(peer.peer, peer.inbound);
        self.receivers.attach(peer.peer, peer.outbound);
    }

    // spec: REQREP-ROUTER-04
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.senders.readable(peer);
        self.receivers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId) {
        self.senders.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: REQREP-ROUTER-11, REQREP-ROUTER-12, REQREP-ROUTER-13, REQREP-ROUTER-14
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        let (id, body) = match message.split_first() {
            Ok(divided) => divided,
            Err(message) => {
                let why = SendError::Malformed { expected: "a routing id and a body", parts: 1 };
                return Err(Unsent { message, why });
            }
        };
        let (mut message, why) = match self.receivers.push(&id, body, effects) {
            Ok(()) => return Ok(()),
            Err(Undelivered::Unroutable(body)) => (body, SendError::Unroutable),
            Err(Undelivered::Full(body)) => (body, SendError::WouldBlock),
        };
        match self.mandatory {
            Switch::Off => Ok(()),
            Switch::On => {
                message.push_front(id);
                Err(Unsent { message, why })
            }
        }
    }

    // spec: REQREP-ROUTER-10
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.kept.take().or_else(|| self.next(effects)).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.senders.sender()
    }

    /// With [`PatternOption::RouterMandatory`], whether there is room for a message to anybody.
    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        match self.mandatory {
            Switch::Off => true,
            Switch::On => self.receivers.any_has_room(),
        }
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        if self.kept.is_none() {
            self.kept = self.next(effects);
        }
        self.kept.is_some()
    }

    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::RouterMandatory(mandatory) => {
                self.mandatory = mandatory;
                Ok(())
            }
            PatternOption::Subscribe(_) | PatternOption::Unsubscribe(_) | PatternOption::XPubVerbosity(_) => {
                Err(Unsupported)
            }
        }
    }
}
