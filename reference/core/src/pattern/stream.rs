//! STREAM: octets of peers that speak no ZMTP, each peer under an id of its own (libzmq's ZMQ_STREAM; no RFC).
//!
//! ```text
//!   send [id, octets] ──► ByIdentity ──► written to that peer as they are
//!   send [id, empty]  ──► what was sent before is written, then the connection is closed
//!   recv [id, octets] ◄── FairQueue  ◄── what one read brought, 1 to 8192 octets
//!   recv [id, empty]  ◄── the peer is connected, or it is gone
//! ```
//!
//! Octets have no limits between them: what was sent in two messages may be received in one, and the other way round.
//! A message for nobody is refused. Whom the application has closed, it hears of no more.

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::{ByIdentity, FairQueue, Turn, Undelivered};
use crate::socket::{Attachment, Effects, PeerId, PeerInfo, PeerMap, Shared};

pub(super) fn make(shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Stream::new(shared))
}

struct Stream {
    shared: Arc<Shared>,
    receivers: ByIdentity,
    senders: FairQueue,
    /// The ids of all peers whose octets may still come.
    ids: PeerMap<Frame>,
    /// Taken from its pipe to see whether there is one, not handed over yet.
    kept: Option<(PeerId, Message)>,
}

impl Stream {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            receivers: ByIdentity::new(Arc::clone(&shared)),
            shared,
            senders: FairQueue::default(),
            ids: PeerMap::default(),
            kept: None,
        }
    }

    fn next(&mut self, effects: &mut Effects) -> Option<(PeerId, Message)> {
        loop {
            match self.senders.turn(effects) {
                Turn::Message(peer, mut message) => {
                    let id = self.ids.get(peer).expect("a peer's id is kept until its pipe has ended");
                    message.push_front(id.clone());
                    return Some((peer, message));
                }
                Turn::Ended(peer) => {
                    self.ids.remove(peer);
                }
                Turn::Nothing => return None,
            }
        }
    }

    /// The application has done with a peer: what it has not received yet is dropped, as with libzmq.
    fn close(&mut self, id: &[u8], effects: &mut Effects) -> Result<(), SendError> {
        let peer = self.receivers.close(id, effects).ok_or(SendError::Unroutable)?;
        self.senders.forget(peer);
        self.ids.remove(peer);
        self.kept.take_if(|(of, _)| *of == peer);
        Ok(())
    }
}

impl Pattern for Stream {
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        self.ids.insert(peer.peer, peer.routing_id);
        self.senders.attach(peer.peer, peer.inbound);
        self.receivers.attach(peer.peer, peer.outbound);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.receivers.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.senders.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        let parts = message.parts();
        if parts != 2 {
            let why = SendError::Malformed { expected: "a routing id and one part of octets", parts };
            return Err(Unsent { message, why });
        }
        let (id, body) = message.split_first().expect("it has two parts");
        let refused = if body.first().is_empty() {
            self.close(&id, effects).map_err(|why| (body, why))
        } else {
            self.receivers.push(&id, body, effects).map_err(|undelivered| match undelivered {
                Undelivered::Unroutable(body) => (body, SendError::Unroutable),
                Undelivered::Full(body) => (body, SendError::WouldBlock),
            })
        };
        refused.map_err(|(mut message, why)| {
            message.push_front(id);
            Unsent { message, why }
        })
    }

    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        let next = self.kept.take().or_else(|| self.next(effects));
        next.map(|(_, message)| message).ok_or(RecvError::WouldBlock)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.senders.sender()
    }

    /// As with libzmq, always: which peer has room is known when it is named.
    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        true
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        if self.kept.is_none() {
            self.kept = self.next(effects);
        }
        self.kept.is_some()
    }

    fn set(&mut self, option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        match option {
            PatternOption::ConnectRoutingId(id) => {
                self.shared.routing_ids().next_connect = Some(id);
                Ok(())
            }
            PatternOption::RouterMandatory(_)
            | PatternOption::RouterHandover(_)
            | PatternOption::Subscribe(_)
            | PatternOption::Unsubscribe(_)
            | PatternOption::ReqRelaxed(_)
            | PatternOption::ReqCorrelate(_)
            | PatternOption::XPubVerbosity(_)
            | PatternOption::XPubManual(_)
            | PatternOption::NoDrop(_)
            | PatternOption::OnlyFirstSubscribe(_)
            | PatternOption::InvertMatching(_)
            | PatternOption::XSubVerboseUnsubscribe(_) => Err(Unsupported),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::Bench;

    fn bench() -> Bench<Stream> {
        Bench::new(SocketType::Stream, Stream::new)
    }

    #[test]
    fn octets_come_from_an_id_and_go_to_an_id() {
        let mut stream = bench();
        let (mut amy, mut bob) = (stream.peer_of_id("amy", 0), stream.peer_of_id("bob", 0));
        amy.send("GET /");
        assert!(stream.can_recv());
        assert_eq!(stream.recv(), Ok(Message::from(["amy", "GET /"])));
        assert_eq!(stream.sender().as_deref(), Some("peer 0"));
        stream.send(["bob", "hello"]).unwrap();
        assert_eq!(bob.recv_all(), [Message::from("hello")]);
        assert_eq!(amy.recv_all(), []);
    }

    #[test]
    fn an_empty_part_closes_the_peer_behind_what_was_sent() {
        let mut stream = bench();
        let (mut amy, mut bob) = (stream.peer_of_id("amy", 1), stream.peer_of_id("bob", 0));
        stream.send(["amy", "last words"]).unwrap();
        amy.send("unread");
        bob.send("to be read");
        assert_eq!(stream.send(["amy", ""]), Ok(()), "however full its pipe is");
        assert_eq!(amy.wakes.closes(), 1);
        assert_eq!(amy.recv(), Some(Message::from("last words")));
        assert!(amy.sees_end());
        assert_eq!(stream.recv_all(), [Message::from(["bob", "to be read"])]);
        assert_eq!(stream.send(["amy", "x"]), Err(SendError::Unroutable));
        assert_eq!(stream.send(["amy", ""]), Err(SendError::Unroutable));
        amy.close();
        stream.settle();
        assert_eq!((stream.pattern.ids.len(), stream.pattern.senders.len()), (1, 1));
        let again = stream.peer_of_id("amy", 0);
        assert_eq!(again.peer.index(), amy.peer.index(), "nothing is left of the first");
    }

    #[test]
    fn what_was_looked_at_is_dropped_with_its_peer() {
        let mut stream = bench();
        let mut amy = stream.peer_of_id("amy", 0);
        amy.send("one");
        assert!(stream.can_recv());
        stream.send(["amy", ""]).unwrap();
        assert!(!stream.can_recv());
        assert_eq!(stream.recv(), Err(RecvError::WouldBlock));
    }

    #[test]
    fn a_message_is_refused_whole() {
        let mut stream = bench();
        assert!(stream.can_send());
        let mut bob = stream.peer_of_id("bob", 1);
        assert_eq!(stream.send(["nobody", "x"]), Err(SendError::Unroutable));
        assert_eq!(stream.send(["nobody", ""]), Err(SendError::Unroutable));
        assert!(matches!(stream.send("bob"), Err(SendError::Malformed { parts: 1, .. })));
        assert!(matches!(stream.send(["bob", "a", "b"]), Err(SendError::Malformed { parts: 3, .. })));
        assert_eq!(stream.send(["bob", "a"]), Ok(()));
        assert_eq!(stream.send(["bob", "b"]), Err(SendError::WouldBlock));
        assert_eq!(bob.recv_all(), [Message::from("a")]);
        assert_eq!(stream.send(["bob", "b"]), Ok(()));
    }

    #[test]
    fn what_a_peer_sent_is_received_when_it_is_gone() {
        let mut stream = bench();
        let mut bob = stream.peer_of_id("bob", 0);
        bob.send("one");
        bob.send("");
        bob.close();
        assert_eq!(stream.send(["bob", "x"]), Err(SendError::Unroutable));
        assert_eq!(stream.recv_all(), [Message::from(["bob", "one"]), Message::from(["bob", ""])]);
        assert_eq!((stream.pattern.ids.len(), stream.pattern.senders.len()), (0, 0));
    }

    #[test]
    fn it_has_no_options_of_others() {
        assert_eq!(bench().set(PatternOption::Subscribe(Vec::new())), Err(Unsupported));
        assert_eq!(bench().set(PatternOption::ConnectRoutingId("x".into())), Ok(()));
    }
}
