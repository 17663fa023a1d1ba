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
//!
//! With [`PatternOption::ReqRelaxed`] a request gives up the one before, whatever its state. With
//! [`PatternOption::ReqCorrelate`] each has a number in front of the delimiter, which a REP or ROUTER gives back as a part
//! of the envelope, so that a late reply to a request that was given up is told from the right one.

use std::sync::Arc;

use super::{Pattern, PatternOption, Switch, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::RoundRobin;
use crate::socket::{Attachment, Effects, Inbound, Patience, PeerId, PeerInfo, PeerMap, Pop, Shared};

#[expect(clippy::needless_pass_by_value, reason = "each pattern is given its own, and most keep it")]
pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Req::new(&shared))
}

struct Req {
    state: State,
    receivers: RoundRobin,
    inbound: PeerMap<Inbound>,
    /// Who sent the reply that was handed over last.
    sender: Option<PeerInfo>,
    relaxed: Switch,
    correlate: Switch,
    /// The number of the next request that has one. The first is drawn at random, so that a reply to a socket that was
    /// here before under the same routing id is not taken for one to this.
    next: u32,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Awaiting {
        from: PeerId,
        number: Option<Number>,
    },
    ReplyReady {
        reply: Message,
        sender: PeerInfo,
    },
    Lost,
}

/// A request's number, as it is in the first frame. Only its equality counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number([u8; 4]);

/// What was found in the pipe of the peer that was asked.
enum Found {
    Reply(Message, PeerInfo),
    Nothing,
    Gone,
}

impl Pattern for Req {
    // spec: REQREP-REQ-01
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("REQREP-REQ-01");
        self.receivers.attach(peer.peer, peer.outbound);
        self.inbound.insert(peer.peer, peer.inbound);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.receivers.detach(peer, effects);
        match &self.state {
            // Its reply may have arrived before it went.
            State::Awaiting { from, .. } if *from == peer => {}
            State::Idle | State::Awaiting { .. } | State::ReplyReady { .. } | State::Lost => {
                self.inbound.remove(peer);
            }
        }
    }

    fn readable(&mut self, _peer: PeerId, _effects: &mut Effects) {}

    fn writable(&mut self, peer: PeerId) {
        self.receivers.writable(peer);
    }

    // spec: REQREP-REQ-02, REQREP-REQ-03, REQREP-REQ-05, REQREP-REQ-06, REQREP-REQ-07, REQREP-REQ-08
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        if !self.may_send(effects) {
            mark!("REQREP-REQ-02");
            return Err(Unsent { message, why: SendError::OutOfTurn });
        }
        while let Some((peer, outbound)) = self.receivers.turn(effects) {
            match drop_all(self.inbound.get_mut(peer), effects) {
                Asked::Listens => {
                    let number = match self.correlate {
                        Switch::Off => {
                            outbound.push_enveloped(Frame::EMPTY, message, effects);
                            None
                        }
                        Switch::On => {
                            let number = Number(self.next.to_be_bytes());
                            self.next = self.next.wrapping_add(1);
                            let mut message = message;
                            message.push_front(Frame::EMPTY);
                            outbound.push_enveloped(Frame::copy_of(&number.0), message, effects);
                            Some(number)
                        }
                    };
                    let before = std::mem::replace(&mut self.state, State::Awaiting { from: peer, number });
                    self.give_up(&before);
                    return Ok(());
                }
                // The next attempt finds another peer, if there is one.
                Asked::Floods => break,
                Asked::Gone => self.forget(peer, effects),
            }
        }
        mark!("REQREP-REQ-07", "REQREP-REQ-08");
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
        self.may_send(effects) && self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        self.look(effects);
        matches!(self.state, State::ReplyReady { .. })
    }

    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::ReqRelaxed(relaxed) => self.relaxed = relaxed,
            PatternOption::ReqCorrelate(correlate) => self.correlate = correlate,
            _ => return Err(Unsupported),
        }
        Ok(())
    }
}

impl Req {
    fn new(shared: &Shared) -> Self {
        Self {
            state: State::Idle,
            receivers: RoundRobin::default(),
            inbound: PeerMap::default(),
            sender: None,
            relaxed: Switch::Off,
            correlate: Switch::Off,
            next: shared.drawn(),
        }
    }

    /// Whether it is time for a request: none is under way, or it may be given up.
    fn may_send(&mut self, effects: &mut Effects) -> bool {
        self.look(effects);
        match self.state {
            State::Idle | State::Lost => true,
            State::Awaiting { .. } | State::ReplyReady { .. } => self.relaxed == Switch::On,
        }
    }

    /// What was known of a request before another took its place: the pipe from a peer that went meanwhile was kept for
    /// its reply.
    fn give_up(&mut self, before: &State) {
        match before {
            State::Awaiting { from, .. } if !self.receivers.has(*from) => {
                self.inbound.remove(*from);
            }
            State::Idle | State::Awaiting { .. } | State::ReplyReady { .. } | State::Lost => {}
        }
    }

    /// Looks whether the reply is there.
    fn look(&mut self, effects: &mut Effects) {
        let State::Awaiting { from, number } = self.state else { return };
        match self.find_reply(from, number, effects) {
            Found::Reply(reply, sender) => self.state = State::ReplyReady { reply, sender },
            Found::Nothing => {}
            Found::Gone => {
                self.forget(from, effects);
                self.state = State::Lost;
            }
        }
    }

    fn find_reply(&mut self, from: PeerId, number: Option<Number>, effects: &mut Effects) -> Found {
        let Some(inbound) = self.inbound.get_mut(from) else { return Found::Gone };
        let mut patience = Patience::default();
        loop {
            match inbound.pop(effects) {
                Pop::Message(message) => {
                    if let Some(reply) = without_envelope(message, number) {
                        return Found::Reply(reply, inbound.info().clone());
                    }
                    if patience.is_over(effects) {
                        return Found::Nothing;
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
    /// It sends faster than it is worth to listen.
    Floods,
    /// It will not answer any more.
    Gone,
}

/// Drops what a peer sent before it is asked: it answers nothing.
fn drop_all(inbound: Option<&mut Inbound>, effects: &mut Effects) -> Asked {
    let Some(inbound) = inbound else { return Asked::Gone };
    let mut patience = Patience::default();
    loop {
        match inbound.pop(effects) {
            Pop::Message(_) if patience.is_over(effects) => return Asked::Floods,
            Pop::Message(_) => {
                mark!("REQREP-REQ-10");
            }
            Pop::Empty => return Asked::Listens,
            Pop::End => return Asked::Gone,
        }
    }
}

/// The reply behind the number of its request, if that has one, and the delimiter; `None` if either is not there, or
/// nothing is behind them.
fn without_envelope(message: Message, number: Option<Number>) -> Option<Message> {
    let behind_number = match number {
        None => message,
        Some(number) => match message.split_first() {
            Ok((first, rest)) if *first == number.0 => rest,
            Ok(_) | Err(_) => return None,
        },
    };
    match behind_number.split_first() {
        Ok((delimiter, reply)) if delimiter.is_empty() => Some(reply),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
