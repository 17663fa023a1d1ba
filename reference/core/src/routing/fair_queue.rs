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
use crate::pipe::Read;
use crate::socket::{Effects, Inbound, Patience, PeerId, PeerInfo, PeerMap, Pop};

/// The pipes from all peers.
#[derive(Default)]
pub struct FairQueue {
    senders: PeerMap<Sender>,
    /// Those that may have something, in the order of their turns.
    line: VecDeque<PeerId>,
    /// Taken from the pipe of the first in line to see whether there is one, not handed over yet.
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

    /// The pipe from this peer has something again: messages, or its end.
    pub fn readable(&mut self, peer: PeerId) {
        let Some(sender) = self.senders.get_mut(peer) else { return };
        if sender.place == Place::Quiet {
            sender.place = Place::InLine;
            self.line.push_back(peer);
        }
    }

    /// The next message; `None` if there is none now.
    #[inline(always)]
    pub fn pop(&mut self, effects: &mut Effects) -> Option<Message> {
        if self.kept.is_none() {
            // The straight way: the first in line has a message. What is returned is put together at the return, from
            // words in registers.
            let &peer = self.line.front()?;
            let sender = self.senders.get_mut(peer).expect("a peer leaves the line before it is removed");
            if let Read::Frame(head) = sender.inbound.read(effects) {
                if head.has_more() {
                    let message = sender.inbound.pop_rest(head, effects);
                    self.end_turn(peer);
                    return Some(message);
                }
                self.end_turn(peer);
                return Some(Message::new(head));
            }
        }
        self.pop_slowly(effects)
    }

    #[cold]
    #[inline(never)]
    fn pop_slowly(&mut self, effects: &mut Effects) -> Option<Message> {
        loop {
            match self.turn(effects) {
                Turn::Message(_, message) => return Some(message),
                Turn::Ended(_) => {}
                Turn::Nothing => return None,
            }
        }
    }

    /// As [`Self::pop`], and who sent it.
    #[inline]
    pub fn pop_from(&mut self, effects: &mut Effects) -> Option<(PeerId, Message)> {
        loop {
            match self.turn(effects) {
                Turn::Message(peer, message) => return Some((peer, message)),
                Turn::Ended(_) => {}
                Turn::Nothing => return None,
            }
        }
    }

    #[inline]
    fn end_turn(&mut self, peer: PeerId) {
        if self.line.len() > 1 {
            self.line.rotate_left(1);
        }
        match &mut self.last {
            Last::Peer(last) => *last = peer,
            last @ (Last::Nobody | Last::Gone(_)) => *last = Last::Peer(peer),
        }
    }

    /// As [`Self::pop`], for those who have to know when a peer has come to its end.
    #[inline]
    pub fn turn(&mut self, effects: &mut Effects) -> Turn {
        let turn = match self.kept.take() {
            Some((peer, message)) => Turn::Message(peer, message),
            None => self.next(effects),
        };
        if let Turn::Message(peer, _) = turn {
            self.end_turn(peer);
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

    /// Drops what there is, if there is not too much of it: for sockets that do not receive, whose peers should not be held up all the same.
    #[inline]
    pub fn discard(&mut self, effects: &mut Effects) {
        self.kept = None;
        let mut patience = Patience::default();
        while self.next(effects) != Turn::Nothing && !patience.is_over(effects) {}
    }

    /// The next message is that of the first in line, whose turn is over when it is handed over.
    #[inline]
    fn next(&mut self, effects: &mut Effects) -> Turn {
        while let Some(&peer) = self.line.front() {
            let sender = self.senders.get_mut(peer).expect("a peer leaves the line before it is removed");
            match sender.inbound.pop(effects) {
                Pop::Message(message) => return Turn::Message(peer, message),
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

    /// Nothing more is wanted of this peer, nor what it has sent already.
    pub fn forget(&mut self, peer: PeerId) {
        if matches!(self.kept, Some((of, _)) if of == peer) {
            self.kept = None;
        }
        self.line.retain(|waiting| *waiting != peer);
        self.remove(peer);
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

    /// The peer that sent the message that was handed over last, if it is still there.
    #[must_use]
    pub fn last(&self) -> Option<PeerId> {
        match self.last {
            Last::Peer(peer) => Some(peer),
            Last::Nobody | Last::Gone(_) => None,
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::sync::Arc;

    use super::*;
    use crate::options::Options;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::{Far, letters, peer};
    use crate::socket::{Letter, Shared};

    struct Scene {
        shared: Arc<Shared>,
        queue: FairQueue,
        peers: Vec<Far>,
        effects: Effects,
    }

    impl Scene {
        fn new() -> Self {
            let shared = Arc::new(Shared::new(SocketType::Pull, Options::default(), 1));
            Self { shared, queue: FairQueue::default(), peers: Vec::new(), effects: Effects::default() }
        }

        fn attach(&mut self, hwm: u32) -> usize {
            let (attachment, far) = peer(&self.shared, "", hwm);
            self.queue.attach(attachment.peer, attachment.inbound);
            // The other end has no part here.
            drop(attachment.outbound);
            self.peers.push(far);
            self.peers.len() - 1
        }

        fn settle(&mut self) {
            for letter in letters(&self.shared) {
                if let Letter::Readable(peer) = letter {
                    self.queue.readable(peer);
                }
            }
        }

        fn turn(&mut self) -> Turn {
            self.settle();
            self.queue.turn(&mut self.effects)
        }
    }

    #[test]
    fn the_end_of_a_peer_is_reported_once_and_its_info_outlives_it() {
        let mut scene = Scene::new();
        let peer = scene.attach(0);
        let id = scene.peers[peer].peer;
        scene.peers[peer].send("a");
        scene.peers[peer].close();
        assert_eq!(scene.turn(), Turn::Message(id, Message::from("a")));
        assert_eq!([scene.turn(), scene.turn()], [Turn::Ended(id), Turn::Nothing]);
        assert!(scene.queue.is_empty());
        assert!(scene.queue.sender().is_some());
    }

    #[test]
    fn peers_without_messages_are_not_in_the_line() {
        let mut scene = Scene::new();
        for _ in 0..1000 {
            scene.attach(0);
        }
        assert_eq!(scene.turn(), Turn::Nothing);
        assert!(scene.queue.line.is_empty());
        scene.peers[500].send("a");
        scene.settle();
        assert_eq!(scene.queue.line, [scene.peers[500].peer]);
    }

    #[test]
    fn a_message_that_was_looked_at_is_still_there() {
        let mut scene = Scene::new();
        let peer = scene.attach(0);
        assert!(!scene.queue.has_message(&mut scene.effects));
        scene.peers[peer].send("a");
        scene.peers[peer].send("b");
        scene.settle();
        assert!(scene.queue.has_message(&mut scene.effects));
        assert!(scene.queue.has_message(&mut scene.effects));
        let popped: Vec<_> = std::iter::from_fn(|| scene.queue.pop_from(&mut scene.effects)).map(|(_, m)| m).collect();
        assert_eq!(popped, ["a", "b"].map(Message::from));
    }

    #[test]
    fn to_look_for_a_message_takes_nobodys_turn() {
        let mut scene = Scene::new();
        let (first, second) = (scene.attach(0), scene.attach(0));
        scene.peers[first].send("one");
        scene.peers[first].send("three");
        scene.settle();
        assert!(scene.queue.has_message(&mut scene.effects));
        scene.peers[second].send("two");
        let turns = [scene.turn(), scene.turn(), scene.turn()];
        let [first, second] = [scene.peers[first].peer, scene.peers[second].peer];
        let expected = [(first, "one"), (second, "two"), (first, "three")];
        assert_eq!(turns, expected.map(|(peer, body)| Turn::Message(peer, Message::from(body))));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Attach,
        Send(usize, usize),
        Close(usize),
        Pop,
        Look,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => Just(Step::Attach),
            4 => (0..8_usize, 1..4_usize).prop_map(|(peer, n)| Step::Send(peer, n)),
            1 => (0..8_usize).prop_map(Step::Close),
            8 => Just(Step::Pop),
            2 => Just(Step::Look),
        ]
    }

    proptest! {
        /// While a peer waits with a message, no other has more than one turn. What each sends comes whole, in order.
        #[test]
        fn nobody_starves_and_nothing_is_lost(steps in vec(step(), 0..200)) {
            let mut scene = Scene::new();
            scene.attach(0);
            // Messages of each peer, sent and received; the turns of others for which each one has waited.
            let mut sent = vec![0];
            let mut received = vec![0];
            let mut waited = vec![vec![]];
            let mut open = vec![true];
            let pops = vec![Step::Pop; 8 * 200];
            for step in steps.into_iter().chain(pops) {
                match step {
                    Step::Attach if scene.peers.len() < 8 => {
                        scene.attach(3);
                        sent.push(0);
                        received.push(0);
                        waited.push(vec![]);
                        open.push(true);
                    }
                    Step::Send(peer, n) if peer < sent.len() && open[peer] => {
                        for _ in 0..n {
                            if scene.peers[peer].send(["part".into(), sent[peer].to_string()]) {
                                sent[peer] += 1;
                            }
                        }
                        scene.settle();
                    }
                    Step::Close(peer) if peer < sent.len() && open[peer] => {
                        open[peer] = false;
                        scene.peers[peer].close();
                    }
                    Step::Attach | Step::Send(..) | Step::Close(_) => {}
                    Step::Look => {
                        scene.settle();
                        prop_assert_eq!(scene.queue.has_message(&mut scene.effects), sent != received);
                    }
                    Step::Pop => {
                        scene.settle();
                        let Some((from, message)) = scene.queue.pop_from(&mut scene.effects) else {
                            prop_assert_eq!(&sent, &received);
                            continue;
                        };
                        let from = scene.peers.iter().position(|far| far.peer == from).unwrap();
                        prop_assert_eq!(message, Message::from(["part".into(), received[from].to_string()]));
                        received[from] += 1;
                        waited[from].clear();
                        for other in (0..sent.len()).filter(|other| *other != from) {
                            if sent[other] > received[other] {
                                prop_assert!(!waited[other].contains(&from), "{} waits, {} has two turns", other, from);
                                waited[other].push(from);
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(&sent, &received);
            prop_assert_eq!(scene.queue.len(), open.iter().filter(|open| **open).count());
        }
    }
}
