//! Fair queuing: one message of each peer that has one, in turn.
//!
//! ```text
//!   readable ──► [ peers that may have something ] ──front──► its next message ──► back of the line
//!                                                     ├─ empty ──► out of the line, until it is readable
//!                                                     └─ end ────► gone for good
//! ```
//!
//! Peers that have nothing are not looked at: ten thousand silent ones cost nothing.

use std::collections::VecDeque;

use crate::message::Message;
use crate::socket::{Effects, Inbound, PeerId, PeerInfo, PeerMap, Pop};

/// The pipes from all peers.
#[derive(Default)]
pub struct FairQueue {
    senders: PeerMap<Sender>,
    /// Those that may have something, in the order of their turns.
    line: VecDeque<PeerId>,
    /// Taken from its pipe to see whether there is one, not handed over yet.
    kept: Option<(PeerId, Message)>,
    last: Last,
}

struct Sender {
    inbound: Inbound,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    InLine,
    Quiet,
}

/// Who sent the message that was handed over last.
#[derive(Default)]
enum Last {
    #[default]
    Nobody,
    Peer(PeerId),
    Gone(PeerInfo),
}

/// What one turn brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// A message, and who sent it.
    Message(PeerId, Message),
    /// This peer is gone, and its last message was taken. Its id may soon be another's.
    Ended(PeerId),
    /// No peer has anything; `Pattern::readable` will be called when one has.
    Nothing,
}

/// What the next turn will bring.
#[derive(Debug, PartialEq, Eq)]
pub enum Look<'a> {
    /// This message, which stays.
    Message(&'a Message),
    /// This peer is gone; it is not told again.
    Ended(PeerId),
    /// No peer has anything; `Pattern::readable` will be called when one has.
    Nothing,
}

impl FairQueue {
    /// A peer has come. It gets a turn at once, whatever it was told to be readable before.
    pub fn attach(&mut self, peer: PeerId, inbound: Inbound) {
        self.senders.insert(peer, Sender { inbound, place: Place::InLine });
        self.line.push_back(peer);
    }

    /// The pipe from this peer has something again, or the peer is gone and the end of its pipe should be found.
    pub fn readable(&mut self, peer: PeerId) {
        let Some(sender) = self.senders.get_mut(peer) else { return };
        if sender.place == Place::Quiet {
            sender.place = Place::InLine;
            self.line.push_back(peer);
        }
    }

    /// The next message, and who sent it; `None` if there is none now.
    #[inline]
    pub fn pop(&mut self, effects: &mut Effects) -> Option<(PeerId, Message)> {
        loop {
            match self.turn(effects) {
                Turn::Message(peer, message) => return Some((peer, message)),
                Turn::Ended(_) => {}
                Turn::Nothing => return None,
            }
        }
    }

    /// As [`Self::pop`], for those who have to know when a peer has come to its end.
    #[inline]
    pub fn turn(&mut self, effects: &mut Effects) -> Turn {
        if let Some((peer, message)) = self.kept.take() {
            self.last = Last::Peer(peer);
            return Turn::Message(peer, message);
        }
        let turn = self.next(effects);
        if let Turn::Message(peer, _) = turn {
            self.last = Last::Peer(peer);
        }
        turn
    }

    /// Whether [`Self::pop`] would give a message. If it has to be taken from its pipe to know, it is kept.
    pub fn has_message(&mut self, effects: &mut Effects) -> bool {
        while self.kept.is_none() {
            match self.next(effects) {
                Turn::Message(peer, message) => self.kept = Some((peer, message)),
                Turn::Ended(_) => {}
                Turn::Nothing => return false,
            }
        }
        true
    }

    /// As [`Self::turn`], but a message stays for the next turn.
    pub fn look(&mut self, effects: &mut Effects) -> Look<'_> {
        if self.kept.is_none() {
            match self.next(effects) {
                Turn::Message(peer, message) => self.kept = Some((peer, message)),
                Turn::Ended(peer) => return Look::Ended(peer),
                Turn::Nothing => return Look::Nothing,
            }
        }
        self.kept.as_ref().map_or(Look::Nothing, |(_, message)| Look::Message(message))
    }

    /// Drops the message that [`Self::look`] showed.
    pub fn drop_kept(&mut self) {
        self.kept = None;
    }

    /// Drops all there is: for sockets that do not receive, whose peers should not be held up all the same.
    #[inline]
    pub fn discard(&mut self, effects: &mut Effects) {
        self.kept = None;
        while self.next(effects) != Turn::Nothing {}
    }

    #[inline]
    fn next(&mut self, effects: &mut Effects) -> Turn {
        while let Some(&peer) = self.line.front() {
            let sender = self.senders.get_mut(peer).expect("a peer leaves the line before it is removed");
            match sender.inbound.pop(effects) {
                Pop::Message(message) => {
                    self.line.rotate_left(1);
                    return Turn::Message(peer, message);
                }
                Pop::Empty => {
                    sender.place = Place::Quiet;
                    self.line.pop_front();
                }
                Pop::End => {
                    self.line.pop_front();
                    self.remove(peer);
                    return Turn::Ended(peer);
                }
            }
        }
        Turn::Nothing
    }

    fn remove(&mut self, peer: PeerId) {
        let Some(sender) = self.senders.remove(peer) else { return };
        if matches!(self.last, Last::Peer(last) if last == peer) {
            self.last = Last::Gone(sender.inbound.info().clone());
        }
    }

    /// Who sent the message that was handed over last.
    #[must_use]
    pub fn sender(&self) -> Option<&PeerInfo> {
        match &self.last {
            Last::Nobody => None,
            Last::Peer(peer) => self.senders.get(*peer).map(|sender| sender.inbound.info()),
            Last::Gone(info) => Some(info),
        }
    }

    /// Number of peers whose end was not found yet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.senders.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.senders.is_empty()
    }
}
