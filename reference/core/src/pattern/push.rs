//! PUSH: distributes messages over its peers, each in turn (30/PIPELINE).
//!
//! ```text
//!   send ──► RoundRobin ──► the peer whose turn it is, of those with room
//! ```
//!
//! It never receives. What a peer sends all the same is dropped, so that the peer's link goes on.

use std::sync::Arc;

use super::Pattern;
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::{FairQueue, RoundRobin};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Push::default())
}

#[derive(Default)]
struct Push {
    receivers: RoundRobin,
    unwanted: FairQueue,
}

impl Pattern for Push {
    // spec: PIPELINE-PUSH-01, PIPELINE-PUSH-04
    fn attach(&mut self, peer: Attachment, effects: &mut Effects) {
        mark!("PIPELINE-PUSH-01", "PIPELINE-PUSH-04");
        self.receivers.attach(peer.peer, peer.outbound);
        self.unwanted.attach(peer.peer, peer.inbound);
        self.unwanted.discard(effects);
    }

    // spec: PIPELINE-PUSH-06
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        mark!("PIPELINE-PUSH-06");
        self.receivers.detach(peer, effects);
        self.unwanted.discard(effects);
    }

    fn readable(&mut self, peer: PeerId, effects: &mut Effects) {
        self.unwanted.readable(peer);
        self.unwanted.discard(effects);
    }

    fn writable(&mut self, peer: PeerId) {
        self.receivers.writable(peer);
    }

    // spec: PIPELINE-PUSH-03, PIPELINE-PUSH-08, PIPELINE-PUSH-09, PIPELINE-PUSH-10, PIPELINE-PUSH-11, PIPELINE-PUSH-12
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match self.receivers.push(message, effects) {
            Ok(_) => Ok(()),
            Err(message) => {
                mark!("PIPELINE-PUSH-10", "PIPELINE-PUSH-11", "PIPELINE-PUSH-12");
                Err(Unsent { message, why: SendError::WouldBlock })
            }
        }
    }

    // spec: PIPELINE-PUSH-02
    fn recv(&mut self, _effects: &mut Effects) -> Result<Message, RecvError> {
        Err(RecvError::Unsupported)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        None
    }

    fn can_send(&mut self, effects: &mut Effects) -> bool {
        self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, _effects: &mut Effects) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::Bench;

    fn bench() -> Bench<Push> {
        Bench::new(SocketType::Push, |_| Push::default())
    }

    // spec: PIPELINE-PUSH-01, PIPELINE-PUSH-03, PIPELINE-PUSH-09
    #[test]
    fn messages_go_to_the_peers_in_turn_as_they_are() {
        let mut push = bench();
        let mut peers = [push.peer(0), push.peer(0), push.peer(0)];
        for number in 0..9 {
            push.send(["", &number.to_string(), ""]).unwrap();
        }
        for (i, peer) in peers.iter_mut().enumerate() {
            assert_eq!(peer.recv_all(), [i, i + 3, i + 6].map(|number| Message::from(["", &number.to_string(), ""])));
        }
    }

    // spec: PIPELINE-PUSH-02
    #[test]
    fn it_only_sends() {
        let mut push = bench();
        push.peer(0).send("x");
        assert_eq!(push.recv(), Err(RecvError::Unsupported));
        assert!(!push.can_recv());
    }

    // spec: PIPELINE-PUSH-04, PIPELINE-PUSH-08, PIPELINE-PUSH-10, PIPELINE-PUSH-11, PIPELINE-PUSH-12
    #[test]
    fn what_there_is_no_room_for_is_not_taken_and_all_else_arrives() {
        let mut push = bench();
        assert_eq!(push.send("nobody"), Err(SendError::WouldBlock));
        let (mut slow, mut quick) = (push.peer(1), push.peer(4));
        let taken = (0..8).filter(|number: &i32| push.send(number.to_string()).is_ok()).count();
        assert_eq!((taken, push.can_send()), (5, false));
        assert_eq!((slow.recv_all().len(), quick.recv_all().len()), (1, 4));
        assert!(push.can_send());
    }

    // spec: PIPELINE-PUSH-06
    #[test]
    fn a_peer_that_is_gone_gets_nothing_and_leaves_nothing() {
        let mut push = bench();
        let (mut gone, mut stays) = (push.peer(0), push.peer(0));
        push.settle();
        gone.send("never read");
        gone.close();
        push.settle();
        assert_eq!((push.pattern.receivers.len(), push.pattern.unwanted.len()), (1, 1));
        push.send("a").unwrap();
        push.send("b").unwrap();
        assert_eq!(stays.recv_all(), ["a", "b"].map(Message::from));
        assert_eq!(push.peer(0).peer.index(), gone.peer.index());
    }

    #[test]
    fn what_peers_send_is_dropped_so_that_they_can_go_on() {
        let mut push = bench();
        let mut peer = push.peer(2);
        for _ in 0..10 {
            assert!(peer.send("x") && peer.send(["", "x"]));
            assert!(!peer.send("no room"));
            push.send("job").unwrap();
            peer.recv_all();
        }
        assert_eq!(peer.wakes.rooms(), 10);
    }
}
