//! Round-robin: each message to one peer that has room, each such peer in turn.
//!
//! ```text
//!   writable ──► [ peers with room, in a circle ] ──front──► takes a message ──► back of the circle
//!                                                   ├─ full ────► out of the circle, until it is writable
//!                                                   └─ closed ──► gone for good
//! ```
//!
//! A peer leaves the circle only after its pipe was asked for room and said no, which is what makes it tell when it has
//! some. So where no peer is left in the circle, every one of them will tell.

use std::collections::VecDeque;

use crate::message::Message;
use crate::socket::{Effects, Outbound, PeerId, PeerMap};

/// The pipes to all peers.
#[derive(Default)]
pub struct RoundRobin {
    receivers: PeerMap<Receiver>,
    /// Those that had room when they were asked last, in the order of their turns.
    circle: VecDeque<PeerId>,
}

struct Receiver {
    outbound: Outbound,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    InCircle,
    Full,
}

impl RoundRobin {
    /// A peer has come. Its first turn is behind those of the others.
    pub fn attach(&mut self, peer: PeerId, outbound: Outbound) {
        self.receivers.insert(peer, Receiver { outbound, place: Place::InCircle });
        self.circle.push_back(peer);
    }

    /// A peer is gone. What is in its pipe already may still be sent.
    pub fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        let Some(mut receiver) = self.receivers.remove(peer) else { return };
        receiver.outbound.close(effects);
        if receiver.place == Place::InCircle {
            self.circle.retain(|other| *other != peer);
        }
    }

    /// Whether this peer is there.
    #[must_use]
    pub fn has(&self, peer: PeerId) -> bool {
        self.receivers.get(peer).is_some()
    }

    /// The pipe to this peer has room again.
    pub fn writable(&mut self, peer: PeerId) {
        let Some(receiver) = self.receivers.get_mut(peer) else { return };
        if receiver.place == Place::Full {
            receiver.place = Place::InCircle;
            self.circle.push_back(peer);
        }
    }

    /// Gives the message to the peer whose turn it is.
    ///
    /// # Errors
    ///
    /// The message, if no peer has room.
    #[inline(always)]
    pub fn push(&mut self, message: Message, effects: &mut Effects) -> Result<PeerId, Message> {
        // The straight way: the first of the circle has room.
        if let Some(&peer) = self.circle.front()
            && let Some(receiver) = self.receivers.get_mut(peer)
            && !receiver.outbound.is_closed()
            && receiver.outbound.has_room()
        {
            receiver.outbound.push(message, effects);
            if self.circle.len() > 1 {
                self.circle.rotate_left(1);
            }
            return Ok(peer);
        }
        self.push_slowly(message, effects)
    }

    #[cold]
    fn push_slowly(&mut self, message: Message, effects: &mut Effects) -> Result<PeerId, Message> {
        match self.turn(effects) {
            Some((peer, outbound)) => {
                outbound.push(message, effects);
                Ok(peer)
            }
            None => Err(message),
        }
    }

    /// The peer whose turn it is and the pipe to it, which has room; with that its turn is over. `None` if no peer has
    /// room: `Pattern::writable` or `Pattern::attach` will be called when one has.
    #[inline]
    pub fn turn(&mut self, effects: &mut Effects) -> Option<(PeerId, &mut Outbound)> {
        let peer = self.front(effects)?;
        if self.circle.len() > 1 {
            self.circle.rotate_left(1);
        }
        self.receivers.get_mut(peer).map(|receiver| (peer, &mut receiver.outbound))
    }

    /// Whether [`Self::push`] would succeed.
    #[inline]
    pub fn has_room(&mut self, effects: &mut Effects) -> bool {
        self.front(effects).is_some()
    }

    /// Turns the circle to a peer that has room.
    #[inline]
    fn front(&mut self, effects: &mut Effects) -> Option<PeerId> {
        while let Some(&peer) = self.circle.front() {
            let receiver = self.receivers.get_mut(peer).expect("a peer leaves the circle when it is removed");
            if receiver.outbound.is_closed() {
                self.detach(peer, effects);
            } else if receiver.outbound.has_room() {
                return Some(peer);
            } else {
                receiver.place = Place::Full;
                self.circle.pop_front();
            }
        }
        None
    }

    /// Number of peers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.receivers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.receivers.is_empty()
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
        circle: RoundRobin,
        peers: Vec<Far>,
        effects: Effects,
    }

    impl Scene {
        fn new() -> Self {
            let shared = Arc::new(Shared::new(SocketType::Push, Options::default(), 1));
            Self { shared, circle: RoundRobin::default(), peers: Vec::new(), effects: Effects::default() }
        }

        fn attach(&mut self, hwm: u32) {
            let (attachment, far) = peer(&self.shared, "", hwm);
            self.circle.attach(attachment.peer, attachment.outbound);
            self.peers.push(far);
        }

        fn settle(&mut self) {
            for letter in letters(&self.shared) {
                match letter {
                    Letter::Writable(peer) => self.circle.writable(peer),
                    Letter::Detached(peer) => self.circle.detach(peer, &mut self.effects),
                    Letter::Attached(_) | Letter::Readable(_) => {}
                }
            }
        }

        fn push(&mut self, number: usize) -> Option<usize> {
            self.settle();
            let taken = self.circle.push(Message::from(number.to_string()), &mut self.effects).ok()?;
            Some(self.peers.iter().position(|far| far.peer == taken).unwrap())
        }
    }

    #[test]
    fn a_full_peer_is_out_of_the_circle_until_it_has_read() {
        let mut scene = Scene::new();
        scene.attach(1);
        scene.attach(0);
        let turns: Vec<_> = (0..4).map(|number| scene.push(number).unwrap()).collect();
        assert_eq!(turns, [0, 1, 1, 1]);
        assert_eq!(scene.circle.circle, [scene.peers[1].peer]);
        scene.peers[0].recv().unwrap();
        assert_eq!([scene.push(4), scene.push(5), scene.push(6)], [Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn a_peer_that_is_gone_is_removed_told_or_not() {
        let mut scene = Scene::new();
        for _ in 0..4 {
            scene.attach(0);
        }
        scene.peers[0].close_untold();
        scene.peers[1].close();
        assert_eq!([scene.push(0), scene.push(1), scene.push(2)], [Some(2), Some(3), Some(2)]);
        assert_eq!(scene.circle.len(), 2);
    }

    #[test]
    fn to_ask_for_room_takes_nobodys_turn() {
        let mut scene = Scene::new();
        assert!(!scene.circle.has_room(&mut scene.effects));
        scene.attach(0);
        scene.attach(0);
        assert!(scene.circle.has_room(&mut scene.effects));
        assert!(scene.circle.has_room(&mut scene.effects));
        assert_eq!([scene.push(0), scene.push(1)], [Some(0), Some(1)]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Attach(u32),
        Push,
        Read(usize),
        Close(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => (0..4_u32).prop_map(Step::Attach),
            12 => Just(Step::Push),
            6 => (0..6_usize).prop_map(Step::Read),
            1 => (0..6_usize).prop_map(Step::Close),
        ]
    }

    proptest! {
        /// Peers that always have room get equal shares, and no other gets more. A message is refused only if no peer
        /// has room; each one taken arrives once, in order.
        #[test]
        fn shares_are_equal_and_nothing_taken_is_lost(steps in vec(step(), 0..300)) {
            let mut scene = Scene::new();
            let mut marks = Vec::<u32>::new();
            // For each peer: messages in its pipe, and shares since a peer came last.
            let mut waiting = Vec::<VecDeque<usize>>::new();
            let mut shares = Vec::<usize>::new();
            let mut open = Vec::<bool>::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Attach(hwm) if marks.len() < 6 => {
                        scene.attach(hwm);
                        marks.push(hwm);
                        waiting.push(VecDeque::new());
                        shares.push(0);
                        open.push(true);
                        shares.fill(0);
                    }
                    Step::Push => match scene.push(number) {
                        Some(peer) => {
                            prop_assert!(open[peer] && (marks[peer] == 0 || waiting[peer].len() < marks[peer] as usize));
                            waiting[peer].push_back(number);
                            shares[peer] += 1;
                            for other in (0..marks.len()).filter(|other| open[*other] && marks[*other] == 0) {
                                prop_assert!(shares[peer] <= shares[other] + 1, "{} of {:?}", peer, shares);
                            }
                        }
                        None => for peer in (0..marks.len()).filter(|peer| open[*peer]) {
                            // Room is told of in batches, of half the mark.
                            prop_assert!(marks[peer] > 0 && waiting[peer].len() > marks[peer] as usize / 2);
                        },
                    },
                    Step::Read(peer) if peer < marks.len() && open[peer] => {
                        let expected = waiting[peer].pop_front().map(|number| Message::from(number.to_string()));
                        prop_assert_eq!(scene.peers[peer].recv(), expected);
                    }
                    Step::Close(peer) if peer < marks.len() && open[peer] => {
                        open[peer] = false;
                        scene.peers[peer].close();
                    }
                    Step::Attach(_) | Step::Read(_) | Step::Close(_) => {}
                }
            }
        }
    }
}
