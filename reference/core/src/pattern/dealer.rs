//! DEALER: any message to any peer, in any order (28/REQREP).
//!
//! ```text
//!   send ──► RoundRobin ──► the peer whose turn it is, of those with room
//!   recv ◄── FairQueue  ◄── the peer whose turn it is, of those with messages
//! ```
//!
//! Messages pass as they are. Those of a peer that is gone are received all the same (adjudication A51).

use std::sync::Arc;

use super::Pattern;
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::{FairQueue, RoundRobin};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Dealer::default())
}

#[derive(Default)]
struct Dealer {
    receivers: RoundRobin,
    senders: FairQueue,
}

impl Pattern for Dealer {
    // spec: REQREP-DEALER-01, REQREP-DEALER-03
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("REQREP-DEALER-01", "REQREP-DEALER-03");
        self.receivers.attach(peer.peer, peer.outbound);
        self.senders.attach(peer.peer, peer.inbound);
    }

    // spec: REQREP-DEALER-05
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        mark!("REQREP-DEALER-05");
        self.receivers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.senders.readable(peer);
    }

    fn writable(&mut self, peer: PeerId) {
        self.receivers.writable(peer);
    }

    // spec: REQREP-DEALER-02, REQREP-DEALER-07, REQREP-DEALER-08, REQREP-DEALER-09, REQREP-DEALER-10, REQREP-DEALER-11
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match self.receivers.push(message, effects) {
            Ok(_) => Ok(()),
            Err(message) => {
                mark!("REQREP-DEALER-09", "REQREP-DEALER-10", "REQREP-DEALER-11");
                Err(Unsent { message, why: SendError::WouldBlock })
            }
        }
    }

    // spec: REQREP-DEALER-12, REQREP-DEALER-13
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.senders.pop(effects).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.senders.sender()
    }

    fn can_send(&mut self, effects: &mut Effects) -> bool {
        self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        self.senders.has_message(effects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::Bench;

    fn bench() -> Bench<Dealer> {
        Bench::new(SocketType::Dealer, |_| Dealer::default())
    }

    // spec: REQREP-DEALER-01, REQREP-DEALER-02, REQREP-DEALER-08, REQREP-DEALER-12, REQREP-DEALER-13
    #[test]
    fn messages_go_out_and_come_in_by_turns_as_they_are() {
        let mut dealer = bench();
        let mut peers = [dealer.peer(0), dealer.peer(0), dealer.peer(0)];
        for peer in &mut peers {
            peer.send(["", "first", ""]);
            peer.send("second");
        }
        for _ in 0..3 {
            dealer.send(["", "x", ""]).unwrap();
        }
        for peer in &mut peers {
            assert_eq!(peer.recv_all(), [Message::from(["", "x", ""])]);
        }
        let mut expected = vec![Message::from(["", "first", ""]); 3];
        expected.extend(vec![Message::from("second"); 3]);
        assert_eq!(dealer.recv_all(), expected);
        assert_eq!(dealer.sender().as_deref(), Some("peer 2"));
    }

    // spec: REQREP-DEALER-03, REQREP-DEALER-07, REQREP-DEALER-09, REQREP-DEALER-10, REQREP-DEALER-11
    #[test]
    fn a_full_peer_is_passed_over_and_nothing_taken_is_lost() {
        let mut dealer = bench();
        assert_eq!([dealer.send("a"), dealer.send("b")], [Err(SendError::WouldBlock); 2]);
        let (mut slow, mut quick) = (dealer.peer(1), dealer.peer(3));
        let taken: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().filter(|body| dealer.send(*body).is_ok()).collect();
        assert_eq!(taken, ["a", "b", "c", "d"]);
        slow.send("in");
        assert!(dealer.can_recv() && !dealer.can_send());
        assert_eq!(dealer.recv(), Ok(Message::from("in")));
        assert_eq!(slow.recv_all(), [Message::from("a")]);
        assert_eq!(quick.recv_all(), ["b", "c", "d"].map(Message::from));
        assert!(dealer.can_send());
    }

    // spec: REQREP-DEALER-05
    #[test]
    fn a_peer_that_is_gone_gets_nothing_and_its_messages_are_received() {
        let mut dealer = bench();
        let (mut gone, mut stays) = (dealer.peer(0), dealer.peer(0));
        dealer.send("lost with it").unwrap();
        gone.send("in");
        gone.close();
        dealer.settle();
        assert_eq!(dealer.pattern.receivers.len(), 1);
        dealer.send("a").unwrap();
        dealer.send("b").unwrap();
        assert_eq!(stays.recv_all(), ["a", "b"].map(Message::from));
        assert_eq!(dealer.recv_all(), [Message::from("in")]);
        assert_eq!(dealer.pattern.senders.len(), 1);
    }
}
