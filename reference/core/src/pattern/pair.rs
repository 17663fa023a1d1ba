//! PAIR: one peer, both ways (31/EXPAIR).
//!
//! ```text
//!   Alone --attach--> Paired --detach--> Alone
//!                       └─ attach of another: refused
//! ```
//!
//! A new peer is taken when the first is gone. What the first has sent is received before anything of the second
//! (adjudication A51).

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::socket::{Attachment, Effects, Inbound, Outbound, PeerId, PeerInfo, Pop, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Pair::default())
}

#[derive(Default)]
struct Pair {
    state: State,
    /// The peer's pipe last; before it those of earlier peers, of which the end was not found yet.
    inbound: VecDeque<(PeerId, Inbound)>,
    /// Taken from its pipe to see whether there is one, not handed over yet.
    kept: Option<(PeerId, Message)>,
    last: Option<PeerId>,
}

#[derive(Default)]
enum State {
    #[default]
    Alone,
    Paired {
        peer: PeerId,
        outbound: Outbound,
    },
}

impl Pattern for Pair {
    // spec: EXPAIR-PAIR-01, EXPAIR-PAIR-03
    fn attach(&mut self, mut peer: Attachment, effects: &mut Effects) {
        match &mut self.state {
            // The other end sees both of its pipes closed, and hangs up.
            State::Paired { outbound, .. } if !outbound.is_closed() => peer.outbound.close(effects),
            State::Paired { outbound: gone, .. } => {
                gone.close(effects);
                self.pair_with(peer);
            }
            State::Alone => self.pair_with(peer),
        }
    }

    // spec: EXPAIR-PAIR-05
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        match &mut self.state {
            State::Paired { peer: current, outbound } if *current == peer => {
                outbound.close(effects);
                self.state = State::Alone;
            }
            // One that was refused.
            State::Paired { .. } | State::Alone => {}
        }
    }

    fn readable(&mut self, _peer: PeerId) {}

    fn writable(&mut self, _peer: PeerId) {}

    // spec: EXPAIR-PAIR-02, EXPAIR-PAIR-07, EXPAIR-PAIR-08, EXPAIR-PAIR-09, EXPAIR-PAIR-10
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match self.with_room() {
            Some(outbound) => {
                outbound.push(message, effects);
                Ok(())
            }
            None => Err(Unsent { message, why: SendError::WouldBlock }),
        }
    }

    // spec: EXPAIR-PAIR-11, EXPAIR-PAIR-12
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        let (peer, message) = self.kept.take().or_else(|| self.next(effects)).ok_or(RecvError::WouldBlock)?;
        self.last = Some(peer);
        Ok(message)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        let last = self.last?;
        self.inbound.iter().find(|(peer, _)| *peer == last).map(|(_, inbound)| inbound.info())
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        self.with_room().is_some()
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        if self.kept.is_none() {
            self.kept = self.next(effects);
        }
        self.kept.is_some()
    }

    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}

impl Pair {
    fn pair_with(&mut self, peer: Attachment) {
        self.inbound.push_back((peer.peer, peer.inbound));
        self.state = State::Paired { peer: peer.peer, outbound: peer.outbound };
    }

    /// The pipe to the peer, if there is one and it has room.
    #[inline]
    fn with_room(&mut self) -> Option<&mut Outbound> {
        match &mut self.state {
            State::Paired { outbound, .. } => (!outbound.is_closed() && outbound.has_room()).then_some(outbound),
            State::Alone => None,
        }
    }

    #[inline]
    fn next(&mut self, effects: &mut Effects) -> Option<(PeerId, Message)> {
        while let Some((peer, inbound)) = self.inbound.front_mut() {
            match inbound.pop(effects) {
                Pop::Message(message) => return Some((*peer, message)),
                Pop::Empty => return None,
                Pop::End => {
                    self.inbound.pop_front();
                }
            }
        }
        None
    }
}
