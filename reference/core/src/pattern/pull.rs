//! PULL: collects the messages of its peers, one of each in turn (30/PIPELINE).
//!
//! ```text
//!   recv ◄── FairQueue ◄── the peer whose turn it is, of those with messages
//! ```
//!
//! It never sends. Messages of a peer that is gone are received all the same (adjudication A51).

use std::sync::Arc;

use super::Pattern;
use crate::error::{RecvError, SendError, Unsent};
use crate::message::Message;
use crate::routing::{FairQueue, FanOut};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Pull::default())
}

#[derive(Default)]
struct Pull {
    senders: FairQueue,
    /// The ways to the peers, never used: to drop one would end the link.
    unused: FanOut,
}

impl Pattern for Pull {
    // spec: PIPELINE-PULL-01, PIPELINE-PULL-04
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("PIPELINE-PULL-01", "PIPELINE-PULL-04");
        self.senders.attach(peer.peer, peer.inbound);
        self.unused.attach(peer.peer, peer.outbound);
    }

    // spec: PIPELINE-PULL-06
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        mark!("PIPELINE-PULL-06");
        self.unused.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.senders.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: PIPELINE-PULL-02
    fn send(&mut self, message: Message, _effects: &mut Effects) -> Result<(), Unsent> {
        Err(Unsent { message, why: SendError::Unsupported })
    }

    // spec: PIPELINE-PULL-03, PIPELINE-PULL-08, PIPELINE-PULL-09
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.senders.pop(effects).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.senders.sender()
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        false
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

    fn bench() -> Bench<Pull> {
        Bench::new(SocketType::Pull, |_| Pull::default())
    }

    // spec: PIPELINE-PULL-01, PIPELINE-PULL-03, PIPELINE-PULL-04, PIPELINE-PULL-08, PIPELINE-PULL-09
    #[test]
    fn messages_of_all_peers_come_in_turn_as_they_are() {
        let mut pull = bench();
        let mut peers = [pull.peer(0), pull.peer(2), pull.peer(0)];
        for (i, peer) in peers.iter_mut().enumerate() {
            while peer.send(["", &i.to_string(), ""]) && i == 1 {}
        }
        peers[0].send("last");
        let expected = ["0", "1", "2"].map(|i| Message::from(["", i, ""]));
        assert_eq!([pull.recv(), pull.recv(), pull.recv()], expected.clone().map(Ok));
        assert_eq!(pull.sender().as_deref(), Some("peer 2"));
        assert_eq!(pull.recv(), Ok(Message::from("last")));
        assert_eq!(pull.recv_all(), [expected[1].clone()]);
    }

    // spec: PIPELINE-PULL-02
    #[test]
    fn it_only_receives() {
        let mut pull = bench();
        let mut peer = pull.peer(0);
        assert_eq!(pull.send("x"), Err(SendError::Unsupported));
        assert!(!pull.can_send());
        assert!(!peer.sees_end());
    }

    // spec: PIPELINE-PULL-06
    #[test]
    fn what_a_peer_sent_before_it_went_is_received() {
        let mut pull = bench();
        let mut peer = pull.peer(0);
        peer.send("a");
        peer.send("b");
        assert!(pull.can_recv());
        peer.close();
        assert_eq!(pull.recv_all(), ["a", "b"].map(Message::from));
        assert_eq!(pull.sender().as_deref(), Some("peer 0"));
        assert!(!pull.can_recv());
        assert_eq!((pull.pattern.senders.len(), pull.pattern.unused.len()), (0, 0));
    }
}
