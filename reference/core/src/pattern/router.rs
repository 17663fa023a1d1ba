//! ROUTER: each message comes from a routing id and goes to a routing id (28/REQREP).
//!
//! ```text
//!   send [id, body..] ──► ByIdentity ──► the peer of that id, which gets [body..]
//!   recv [id, body..] ◄── FairQueue  ◄── the peer whose turn it is, which sent [body..]
//! ```
//!
//! A message for nobody, or for whom there is no room, is dropped; with [`PatternOption::RouterMandatory`] it is
//! refused. An address without a body is no message, and refused always.

use std::sync::Arc;

use super::{Pattern, PatternOption, Switch, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::{ByIdentity, FairQueue, Turn, Undelivered};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, PeerMap, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Router::new(shared))
}

struct Router {
    shared: Arc<Shared>,
    receivers: ByIdentity,
    senders: FairQueue,
    /// The routing ids of all peers whose messages may still come.
    ids: PeerMap<Frame>,
    /// Taken from its pipe to see whether there is one, not handed over yet.
    kept: Option<Message>,
    mandatory: Switch,
}

impl Router {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            receivers: ByIdentity::new(Arc::clone(&shared)),
            shared,
            senders: FairQueue::default(),
            ids: PeerMap::default(),
            kept: None,
            mandatory: Switch::Off,
        }
    }

    // spec: REQREP-ROUTER-08, REQREP-ROUTER-09
    #[inline]
    fn next(&mut self, effects: &mut Effects) -> Option<Message> {
        loop {
            match self.senders.turn(effects) {
                Turn::Message(peer, mut message) => {
                    let id = self.ids.get(peer).expect("a peer's id is kept until its pipe has ended");
                    message.push_front(id.clone());
                    return Some(message);
                }
                Turn::Ended(peer) => {
                    self.ids.remove(peer);
                }
                Turn::Nothing => return None,
            }
        }
    }
}

impl Pattern for Router {
    // spec: REQREP-ROUTER-01, REQREP-ROUTER-02, REQREP-ROUTER-06, REQREP-ROUTER-07
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("REQREP-ROUTER-01", "REQREP-ROUTER-02");
        self.ids.insert(peer.peer, peer.routing_id);
        self.senders.attach(peer.peer, peer.inbound);
        self.receivers.attach(peer.peer, peer.outbound);
    }

    // spec: REQREP-ROUTER-04
    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        mark!("REQREP-ROUTER-04");
        self.receivers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.senders.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: REQREP-ROUTER-11, REQREP-ROUTER-12, REQREP-ROUTER-13, REQREP-ROUTER-14
    #[inline]
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        let (id, body) = match message.split_first() {
            Ok(divided) => divided,
            Err(message) => {
                let why = SendError::Malformed { expected: "a routing id and a body", parts: 1 };
                return Err(Unsent { message, why });
            }
        };
        let (mut message, why) = match self.receivers.push(&id, body, effects) {
            Ok(()) => return Ok(()),
            Err(Undelivered::Unroutable(body)) => {
                mark!("REQREP-ROUTER-13");
                (body, SendError::Unroutable)
            }
            Err(Undelivered::Full(body)) => {
                mark!("REQREP-ROUTER-12", "REQREP-ROUTER-14");
                (body, SendError::WouldBlock)
            }
        };
        match self.mandatory {
            Switch::Off => Ok(()),
            Switch::On => {
                message.push_front(id);
                Err(Unsent { message, why })
            }
        }
    }

    // spec: REQREP-ROUTER-10
    #[inline]
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        self.kept.take().or_else(|| self.next(effects)).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.senders.sender()
    }

    /// With [`PatternOption::RouterMandatory`], whether there is room for a message to anybody.
    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        match self.mandatory {
            Switch::Off => true,
            Switch::On => self.receivers.any_has_room(),
        }
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        if self.kept.is_none() {
            self.kept = self.next(effects);
        }
        self.kept.is_some()
    }

    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::RouterMandatory(mandatory) => self.mandatory = mandatory,
            PatternOption::RouterHandover(handover) => self.shared.routing_ids().handover = handover,
            PatternOption::ConnectRoutingId(id) => self.shared.routing_ids().next_connect = Some(id),
            _ => return Err(Unsupported),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::Bench;

    fn bench() -> Bench<Router> {
        Bench::new(SocketType::Router, Router::new)
    }

    // spec: REQREP-ROUTER-06, REQREP-ROUTER-07, REQREP-ROUTER-09, REQREP-ROUTER-10
    #[test]
    fn the_routing_id_of_its_peer_is_put_before_a_message() {
        let mut router = bench();
        let (mut amy, mut bob) = (router.peer_of_id("amy", 0), router.peer_of_id("bob", 0));
        amy.send(["", "one", ""]);
        assert_eq!(router.recv(), Ok(Message::from(["amy", "", "one", ""])));
        assert_eq!(router.sender().as_deref(), Some("peer 0"));
        bob.send([""]);
        assert!(router.can_recv());
        assert!(router.can_recv());
        assert_eq!(router.recv(), Ok(Message::from(["bob", ""])));
        assert_eq!(router.sender().as_deref(), Some("peer 1"));
        assert!(!router.can_recv());
    }

    // spec: REQREP-ROUTER-11, REQREP-ROUTER-12
    #[test]
    fn the_first_part_says_where_a_message_goes_and_stays_behind() {
        let mut router = bench();
        let (mut amy, mut bob) = (router.peer_of_id("amy", 0), router.peer_of_id("amy\0", 0));
        router.send(["amy\0", "", "to bob"]).unwrap();
        router.send(["amy", "to amy"]).unwrap();
        assert_eq!(amy.recv_all(), [Message::from("to amy")]);
        assert_eq!(bob.recv_all(), [Message::from(["", "to bob"])]);
    }

    // spec: REQREP-ROUTER-13, REQREP-ROUTER-14
    #[test]
    fn a_message_for_nobody_or_without_room_is_dropped() {
        let mut router = bench();
        let mut bob = router.peer_of_id("bob", 1);
        assert!(router.can_send());
        assert_eq!(router.send(["nobody", "stray"]), Ok(()));
        assert_eq!(router.send(["bob", "a"]), Ok(()));
        assert_eq!(router.send(["bob", "b"]), Ok(()));
        assert_eq!(bob.recv_all(), [Message::from("a")]);
        assert!(router.can_send());
    }

    // spec: REQREP-ROUTER-13
    #[test]
    fn with_mandatory_it_is_refused() {
        let mut router = bench();
        assert_eq!(router.set(PatternOption::RouterMandatory(Switch::On)), Ok(()));
        assert!(!router.can_send());
        assert_eq!(router.send(["bob", "a"]), Err(SendError::Unroutable));
        let mut bob = router.peer_of_id("bob", 1);
        assert_eq!(router.send(["bob", "a"]), Ok(()));
        assert_eq!(router.send(["bob", "b"]), Err(SendError::WouldBlock));
        assert!(!router.can_send());
        assert_eq!(bob.recv_all(), [Message::from("a")]);
        assert!(router.can_send());
        assert_eq!(router.send(["bob", "b"]), Ok(()));
        bob.close_untold();
        assert_eq!(router.send(["bob", "c"]), Err(SendError::Unroutable));
    }

    // spec: REQREP-ROUTER-11
    #[test]
    fn an_address_alone_is_no_message() {
        let mut router = bench();
        let mut bob = router.peer_of_id("bob", 0);
        assert!(matches!(router.send("bob"), Err(SendError::Malformed { parts: 1, .. })));
        assert_eq!(bob.recv_all(), []);
    }

    // spec: REQREP-ROUTER-04
    #[test]
    fn what_a_peer_sent_is_received_under_its_id_when_it_is_gone() {
        let mut router = bench();
        let mut old = router.peer_of_id("bob", 0);
        old.send("one");
        old.send("two");
        old.close();
        let mut new = router.peer_of_id("bob", 0);
        new.send("three");
        assert!(router.can_recv());
        assert_eq!(router.send(["bob", "x"]), Ok(()));
        assert_eq!(new.recv_all(), [Message::from("x")]);
        let received: Vec<_> = router.recv_all();
        assert_eq!(received, ["one", "three", "two"].map(|body| Message::from(["bob", body])));
        assert_eq!((router.pattern.ids.len(), router.pattern.senders.len()), (1, 1));
        assert_eq!(router.peer_of_id("amy", 0).peer.index(), old.peer.index(), "nothing is left of the first");
    }

    // spec: REQREP-ROUTER-01, REQREP-ROUTER-02, REQREP-ROUTER-08
    #[test]
    fn peers_are_heard_in_turn_and_a_full_one_holds_up_nobody() {
        let mut router = bench();
        let (mut amy, mut bob) = (router.peer_of_id("amy", 4), router.peer_of_id("bob", 4));
        for _ in 0..4 {
            amy.send("crowd");
            router.send(["amy", "unread"]).unwrap();
        }
        bob.send("lone");
        router.send(["amy", "too many"]).unwrap();
        router.send(["bob", "x"]).unwrap();
        assert_eq!(bob.recv_all(), [Message::from("x")]);
        router.recv().unwrap();
        assert_eq!(router.recv(), Ok(Message::from(["bob", "lone"])));
    }

    #[test]
    fn it_has_no_options_of_others() {
        assert_eq!(bench().set(PatternOption::Subscribe(Vec::new())), Err(Unsupported));
    }
}
