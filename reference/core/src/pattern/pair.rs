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

use super::Pattern;
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
        mark!("EXPAIR-PAIR-01");
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
                mark!("EXPAIR-PAIR-05");
                outbound.close(effects);
                self.state = State::Alone;
            }
            // One that was refused.
            State::Paired { .. } | State::Alone => {}
        }
    }

    fn readable(&mut self, _peer: PeerId, _effects: &mut Effects) {}

    fn writable(&mut self, _peer: PeerId) {}

    // spec: EXPAIR-PAIR-02, EXPAIR-PAIR-07, EXPAIR-PAIR-08, EXPAIR-PAIR-09, EXPAIR-PAIR-10
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match self.with_room() {
            Some(outbound) => {
                outbound.push(message, effects);
                Ok(())
            }
            None => {
                mark!("EXPAIR-PAIR-08", "EXPAIR-PAIR-09", "EXPAIR-PAIR-10");
                Err(Unsent { message, why: SendError::WouldBlock })
            }
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
}

impl Pair {
    fn pair_with(&mut self, peer: Attachment) {
        mark!("EXPAIR-PAIR-03");
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::{Bench, Far, table};

    fn bench() -> Bench<Pair> {
        Bench::new(SocketType::Pair, |_| Pair::default())
    }

    /// A PAIR, and the peer that it has, had, or would have.
    struct Scene {
        pair: Bench<Pair>,
        peers: Vec<Far>,
    }

    impl Scene {
        fn another(&mut self) {
            let another = self.pair.peer(1);
            self.peers.push(another);
        }

        fn first(&mut self) -> &mut Far {
            &mut self.peers[0]
        }
    }

    fn alone() -> Scene {
        Scene { pair: bench(), peers: Vec::new() }
    }

    fn paired() -> Scene {
        let mut scene = alone();
        scene.another();
        scene
    }

    fn full() -> Scene {
        let mut scene = paired();
        scene.pair.send("fills the pipe").unwrap();
        scene
    }

    fn left() -> Scene {
        let mut scene = paired();
        scene.first().send("last words");
        scene.first().close();
        scene
    }

    fn state(scene: &mut Scene) -> String {
        scene.pair.settle();
        let pattern = &mut scene.pair.pattern;
        match (&mut pattern.state, pattern.inbound.len()) {
            (State::Alone, 0) => "Alone".into(),
            (State::Alone, left) => format!("Alone, {left} left"),
            (State::Paired { peer, outbound }, pipes) => {
                let room = if outbound.has_room() { "" } else { ", full" };
                let left = if pipes == 1 { String::new() } else { format!(", {} left", pipes - 1) };
                format!("Paired with {peer:?}{room}{left}")
            }
        }
    }

    // spec: EXPAIR-PAIR-01, EXPAIR-PAIR-05, EXPAIR-PAIR-08
    #[test]
    fn transitions() {
        let transitions = table(
            &[
                ("Alone", alone),
                ("Paired with peer 0", paired),
                ("Paired with peer 0, full", full),
                ("Alone, 1 left", left),
            ],
            &[
                ("send", |scene| format!("{:?}", scene.pair.send("m"))),
                ("recv", |scene| format!("{:?}", scene.pair.recv())),
                ("recv twice", |scene| format!("{:?}", [scene.pair.recv(), scene.pair.recv()][1])),
                ("can send", |scene| scene.pair.can_send().to_string()),
                ("can receive", |scene| scene.pair.can_recv().to_string()),
                ("another peer comes", |scene| {
                    scene.another();
                    scene.pair.settle();
                    let refused = scene.peers.last_mut().is_some_and(Far::sees_end);
                    if refused { "refused".into() } else { "taken".into() }
                }),
                ("another comes, and goes", |scene| {
                    scene.another();
                    scene.peers.last_mut().map(Far::close);
                    String::new()
                }),
                ("the peer goes", |scene| {
                    scene.peers.first_mut().map(Far::close);
                    String::new()
                }),
                ("the peer goes, another comes", |scene| {
                    scene.peers.first_mut().map(Far::close);
                    scene.another();
                    String::new()
                }),
                ("the pipes end, another comes", |scene| {
                    scene.peers.first_mut().map(Far::close_untold);
                    scene.another();
                    String::new()
                }),
            ],
            state,
        );
        insta::assert_snapshot!(transitions);
    }

    // spec: EXPAIR-PAIR-02, EXPAIR-PAIR-11, EXPAIR-PAIR-12
    #[test]
    fn messages_pass_as_they_are_both_ways() {
        let mut pair = bench();
        let mut peer = pair.peer(0);
        let message = Message::from([&b""[..], b"\x01A", b"", b"end", b""]);
        pair.send(message.clone()).unwrap();
        peer.send(message.clone());
        peer.send("next");
        assert_eq!(peer.recv(), Some(message.clone()));
        assert!(pair.can_recv() && pair.can_recv());
        assert_eq!(pair.recv(), Ok(message));
        assert_eq!(pair.recv(), Ok(Message::from("next")));
        assert!(!pair.can_recv() && peer.recv().is_none());
        assert_eq!(pair.sender().as_deref(), Some("peer 0"));
    }

    // spec: EXPAIR-PAIR-03, EXPAIR-PAIR-07, EXPAIR-PAIR-09, EXPAIR-PAIR-10
    #[test]
    fn a_full_pipe_takes_nothing_more_and_holds_up_no_receiving() {
        let mut pair = bench();
        assert_eq!(pair.send("nobody"), Err(SendError::WouldBlock));
        let mut peer = pair.peer(2);
        let taken: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|body| pair.send(*body).is_ok()).collect();
        assert_eq!(taken, ["a", "b"]);
        peer.send("in");
        assert_eq!(pair.recv(), Ok(Message::from("in")));
        assert_eq!(peer.recv_all(), ["a", "b"].map(Message::from));
        assert!(pair.can_send());
    }

    // spec: EXPAIR-PAIR-01, EXPAIR-PAIR-05
    #[test]
    fn what_the_first_peer_sent_comes_before_what_the_second_sends() {
        let mut pair = bench();
        let mut first = pair.peer(0);
        first.send("one");
        first.send("two");
        assert!(pair.can_recv());
        first.close();
        let mut second = pair.peer(0);
        pair.send("to the second").unwrap();
        assert_eq!(second.recv_all(), [Message::from("to the second")]);
        second.send("three");
        assert_eq!([pair.recv(), pair.recv()], ["one", "two"].map(|body| Ok(Message::from(body))));
        assert_eq!(pair.sender().as_deref(), Some("peer 0"));
        assert!(pair.can_recv());
        assert_eq!(pair.sender(), None, "its pipe has ended");
        assert_eq!(pair.recv(), Ok(Message::from("three")));
        assert_eq!(pair.sender().as_deref(), Some("peer 1"));
    }

    proptest! {
        /// Peers come and go: all that those who were taken have sent is received, in the order of peers.
        #[test]
        fn nothing_of_its_peers_is_lost_and_nothing_of_others_comes(steps in vec(0..4_u8, 0..60)) {
            let mut pair = bench();
            let (mut sent, mut received) = (Vec::new(), Vec::new());
            let mut peer: Option<Far> = None;
            for (number, step) in steps.into_iter().enumerate() {
                let message = Message::from(number.to_string());
                match (step, &mut peer) {
                    (0, None) => peer = Some(pair.peer(0)),
                    (0, Some(_)) => {
                        let mut refused = pair.peer(0);
                        refused.send(message);
                        pair.settle();
                        prop_assert!(refused.sees_end());
                        refused.close();
                    }
                    (1, Some(far)) => {
                        far.send(message.clone());
                        sent.push(message);
                    }
                    (2, Some(far)) => {
                        far.close();
                        peer = None;
                    }
                    (3, _) => received.extend(pair.recv()),
                    _ => prop_assert_eq!(pair.can_send(), peer.is_some()),
                }
            }
            received.extend(pair.recv_all());
            prop_assert_eq!(sent, received);
        }
    }
}
