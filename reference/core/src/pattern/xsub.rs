//! XSUB: a SUB that subscribes by sending, and may speak to its publishers (29/PUBSUB).
//!
//! ```text
//!   send ──┬─ first part begins with 1 ──► subscribes to the rest of that part
//!          ├─ first part begins with 0 ──► cancels
//!          └─ anything else ────────────► every publisher that has room
//!   recv ◄── FairQueue ◄── the publisher whose turn it is
//! ```
//!
//! A request is one part, as 23/ZMTP has it in a frame of its own. A part behind it may be another one, unless
//! [`PatternOption::OnlyFirstSubscribe`] is set; from the first part that is none the rest goes to every publisher as a
//! message. No part behind that is a request, whatever it begins with: a message is never torn. (libzmq tears it, unless
//! the option is set.) Sending never waits. What publishers send is received unfiltered, as a proxy needs it: filtering is
//! theirs.

use std::sync::Arc;

use super::{Pattern, PatternOption, Switch, Unsupported};
use crate::error::{RecvError, Unsent};
use crate::message::Message;
use crate::routing::Upstream;
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(XSub::new(shared))
}

pub(super) struct XSub {
    publishers: Upstream,
    only_first: Switch,
}

impl XSub {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { publishers: Upstream::new(shared), only_first: Switch::Off }
    }
}

impl Pattern for XSub {
    // spec: PUBSUB-XSUB-01, PUBSUB-XSUB-02
    fn attach(&mut self, peer: Attachment, effects: &mut Effects) {
        mark!("PUBSUB-XSUB-01", "PUBSUB-XSUB-02");
        self.publishers.attach(peer, effects);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.publishers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.publishers.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: PUBSUB-XSUB-11, PUBSUB-XSUB-12, PUBSUB-XSUB-13, PUBSUB-XSUB-14, PUBSUB-XSUB-15, PUBSUB-XSUB-16
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        let mut rest = message;
        loop {
            match rest.first().split_first() {
                Some((1, topic)) => {
                    self.publishers.subscribe(topic, effects);
                }
                Some((0, topic)) => {
                    self.publishers.cancel(topic, effects);
                }
                Some(_) | None => break,
            }
            match rest.split_first() {
                Ok((_request, behind)) => rest = behind,
                Err(_request) => return Ok(()),
            }
            if self.only_first == Switch::On {
                break;
            }
        }
        self.publishers.push_to_all(&rest, effects);
        Ok(())
    }

    // spec: PUBSUB-XSUB-07, PUBSUB-XSUB-08, PUBSUB-XSUB-09, PUBSUB-XSUB-10
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.publishers.pop(effects).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.publishers.sender()
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        true
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        self.publishers.has_message(|_| true, effects)
    }

    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::OnlyFirstSubscribe(only_first) => self.only_first = only_first,
            PatternOption::XSubVerboseUnsubscribe(verbose) => self.publishers.set_verbose(verbose),
            // It receives what publishers send.
            PatternOption::InvertMatching(_) => {}
            _ => return Err(Unsupported),
        }
        Ok(())
    }
}
