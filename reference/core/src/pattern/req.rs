//! REQ: one request out, one reply back, strictly in turn (28/REQREP).
//!
//! ```text
//!   Idle --send--> Awaiting --reply of that peer--> ReplyReady --recv--> Idle
//!                     └─ that peer is gone --> Lost --send--> Awaiting
//! ```
//!
//! A request goes to the peer whose turn it is, behind an empty delimiter. Only that peer can answer: nobody else is
//! listened to, and what a peer sent unasked is dropped when it is asked.
//!
//! The RFC has no rule for a reply that can never come (adjudication A52). Here the request is given up: `recv` waits
//! as it would in libzmq, and `send` is allowed again, which in libzmq it is not. A peer that was connected to is not
//! gone while it is dialled again.

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::RoundRobin;
use crate::socket::{Attachment, Effects, Inbound, PeerId, PeerInfo, PeerMap, Pop, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Req::default())
}

#[derive(Default)]
struct Req {
    state: State,
    receivers: RoundRobin,
    inbound: PeerMap<Inbound>,
    /// Who sent the reply that was handed over last.
    sender: Option<PeerInfo>,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Awaiting {
        from: PeerId,
    },
    ReplyReady {
        reply: Message,
        sender: PeerInfo,
    },
    Lost,
}

/// What was found in the pipe of the peer that was asked.
enum Found {
    Reply(Message, PeerInfo),
    Nothing,
    Gone,
}

impl Pattern for Req {
    // spec: REQREP-REQ-01
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        self.receivers.attach(peer.peer, peer.outbound);
        self.inbound.insert(peer.peer, peer.inbound);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.receivers.detach(peer, effects);
        match &self.state {
            // Its reply may have arrived before it went.
            State::Awaiting { from } if *from == peer => {}
            State::Idle | State::Awaiting { .. } | State::ReplyReady { .. } | State::Lost => {
                self.inbound.remove(peer);
            }
        }
    }

    fn readable(&mut self, _peer: PeerId) {}

    fn writable(&mut self, peer: PeerId) {
        self.receivers.writable(peer);
    }

    // spec: REQREP-REQ-02, REQREP-REQ-03, REQREP-REQ-05, REQREP-REQ-06, REQREP-REQ-07, REQREP-REQ-08
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        if !self.is_free(effects) {
            return Err(Unsent { message, why: SendError::OutOfTurn });
        }
        while let Some((peer, outbound)) = self.receivers.turn(effects) {
            match drop_all(self.inbound.get_mut(peer), effects) {
                Asked::Listens => {
                    outbound.push_enveloped(Frame::EMPTY, message, effects);
                    self.state = State::Awaiting { from: peer };
                    return Ok(());
                }
                Asked::Gone => self.forget(peer, effects),
            }
        }
        Err(Unsent { message, why: SendError::WouldBlock })
    }

    // spec: REQREP-REQ-02, REQREP-REQ-04, REQREP-REQ-09, REQREP-REQ-10
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.look(effects);
        match std::mem::take(&mut self.state) {
            State::Idle => Err(RecvError::OutOfTurn),
            State::ReplyReady { reply, sender } => {
                self.sender = Some(sender);
                Ok(reply)
            }
            waiting @ (State::Awaiting { .. } | State::Lost) => {
                self.state = waiting;
                Err(RecvError::WouldBlock)
            }
        }
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.sender.as_ref()
    }

    fn can_send(&mut self, effects: &mut Effects) -> bool {
        self.is_free(effects) && self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        self.look(effects);
        matches!(self.state, State::ReplyReady { .. })
    }

    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}

impl Req {
    /// Whether no request is under way.
    fn is_free(&mut self, effects: &mut Effects) -> bool {
        self.look(effects);
        match self.state {
            State::Idle | State::Lost => true,
            State::Awaiting { .. } | State::ReplyReady { .. } => false,
        }
    }

    /// Looks whether the reply is there.
    fn look(&mut self, effects: &mut Effects) {
        let State::Awaiting { from } = self.state else { return };
        match self.find_reply(from, effects) {
            Found::Reply(reply, sender) => self.state = State::ReplyReady { reply, sender },
            Found::Nothing => {}
            Found::Gone => {
                self.forget(from, effects);
                self.state = State::Lost;
            }
        }
    }

    fn find_reply(&mut self, from: PeerId, effects: &mut Effects) -> Found {
        let Some(inbound) = self.inbound.get_mut(from) else { return Found::Gone };
        loop {
            match inbound.pop(effects) {
                Pop::Message(message) => {
                    if let Some(reply) = without_delimiter(message) {
                        return Found::Reply(reply, inbound.info().clone());
                    }
                }
                Pop::Empty => return Found::Nothing,
                Pop::End => return Found::Gone,
            }
        }
    }

    fn forget(&mut self, peer: PeerId, effects: &mut Effects) {
        self.inbound.remove(peer);
        self.receivers.detach(peer, effects);
    }
}

/// A peer that is to be asked.
enum Asked {
    Listens,
    /// It will not answer any more.
    Gone,
}

/// Drops what a peer sent before it is asked: it answers nothing.
fn drop_all(inbound: Option<&mut Inbound>, effects: &mut Effects) -> Asked {
    let Some(inbound) = inbound else { return Asked::Gone };
    loop {
        match inbound.pop(effects) {
            Pop::Message(_) => {}
            Pop::Empty => return Asked::Listens,
            Pop::End => return Asked::Gone,
        }
    }
}

/// The reply behind the delimiter; `None` if there is no delimiter, or nothing behind it.
fn without_delimiter(message: Message) -> Option<Message> {
    match message.split_first() {
        Ok((delimiter, reply)) if delimiter.is_empty() => Some(reply),
        Ok(_) | Err(_) => None,
    }
}
