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

use std::sync::Arc;

use super::{Pattern, PatternOption, Unsupported};
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::RoundRobin;
use crate::socket::{Attachment, Effects, Inbound, Patience, PeerId, PeerInfo, PeerMap, Pop, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Req::default())
}

#[derive(Default)]
struct Req {
    state: State,
    receivers: RoundRobin,
    inbound: PeerMap<Inbound>,
    /// Who sent the reply that was handed over last.
    sender: Option<PeerInfo>,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Awaiting {
        from: PeerId,
    },
    ReplyReady {
        reply: Message,
        sender: PeerInfo,
    },
    Lost,
}

/// What was found in the pipe of the peer that was asked.
enum Found {
    Reply(Message, PeerInfo),
    Nothing,
    Gone,
}

impl Pattern for Req {
    // spec: REQREP-REQ-01
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        self.receivers.attach(peer.peer, peer.outbound);
        self.inbound.insert(peer.peer, peer.inbound);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.receivers.detach(peer, effects);
        match &self.state {
            // Its reply may have arrived before it went.
            State::Awaiting { from } if *from == peer => {}
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
        if !self.is_free(effects) {
            return Err(Unsent { message, why: SendError::OutOfTurn });
        }
        while let Some((peer, outbound)) = self.receivers.turn(effects) {
            match drop_all(self.inbound.get_mut(peer), effects) {
                Asked::Listens => {
                    outbound.push_enveloped(Frame::EMPTY, message, effects);
                    self.state = State::Awaiting { from: peer };
                    return Ok(());
                }
                // The next attempt finds another peer, if there is one.
                Asked::Floods => break,
                Asked::Gone => self.forget(peer, effects),
            }
        }
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
        self.is_free(effects) && self.receivers.has_room(effects)
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        self.look(effects);
        matches!(self.state, State::ReplyReady { .. })
    }

    fn set(&mut self, _option: PatternOption, _effects: &mut Effects) -> Result<(), Unsupported> {
        Err(Unsupported)
    }
}

impl Req {
    /// Whether no request is under way.
    fn is_free(&mut self, effects: &mut Effects) -> bool {
        self.look(effects);
        match self.state {
            State::Idle | State::Lost => true,
            State::Awaiting { .. } | State::ReplyReady { .. } => false,
        }
    }

    /// Looks whether the reply is there.
    fn look(&mut self, effects: &mut Effects) {
        let State::Awaiting { from } = self.state else { return };
        match self.find_reply(from, effects) {
            Found::Reply(reply, sender) => self.state = State::ReplyReady { reply, sender },
            Found::Nothing => {}
            Found::Gone => {
                self.forget(from, effects);
                self.state = State::Lost;
            }
        }
    }

    fn find_reply(&mut self, from: PeerId, effects: &mut Effects) -> Found {
        let Some(inbound) = self.inbound.get_mut(from) else { return Found::Gone };
        let mut patience = Patience::default();
        loop {
            match inbound.pop(effects) {
                Pop::Message(message) => {
                    if let Some(reply) = without_delimiter(message) {
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
            Pop::Message(_) => {}
            Pop::Empty => return Asked::Listens,
            Pop::End => return Asked::Gone,
        }
    }
}

/// The reply behind the delimiter; `None` if there is no delimiter, or nothing behind it.
fn without_delimiter(message: Message) -> Option<Message> {
    match message.split_first() {
        Ok((delimiter, reply)) if delimiter.is_empty() => Some(reply),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::{Bench, Far, table};

    fn bench() -> Bench<Req> {
        Bench::new(SocketType::Req, |_| Req::default())
    }

    /// A REQ and two peers, of which the first is asked first.
    struct Scene {
        req: Bench<Req>,
        asked: Far,
        other: Far,
    }

    fn idle() -> Scene {
        let mut req = bench();
        let (asked, other) = (req.peer(0), req.peer(0));
        Scene { req, asked, other }
    }

    fn awaiting() -> Scene {
        let mut scene = idle();
        scene.req.send("q").unwrap();
        scene
    }

    fn reply_ready() -> Scene {
        let mut scene = awaiting();
        scene.asked.send(["", "r"]);
        scene
    }

    fn lost() -> Scene {
        let mut scene = awaiting();
        scene.asked.close();
        scene.asked = scene.req.peer(0);
        scene
    }

    fn state(scene: &mut Scene) -> String {
        scene.req.can_recv();
        let name = match scene.req.pattern.state {
            State::Idle => "Idle",
            State::Awaiting { .. } => "Awaiting",
            State::ReplyReady { .. } => "ReplyReady",
            State::Lost => "Lost",
        };
        name.into()
    }

    // spec: REQREP-REQ-02
    #[test]
    fn transitions() {
        let transitions = table(
            &[("Idle", idle), ("Awaiting", awaiting), ("ReplyReady", reply_ready), ("Lost", lost)],
            &[
                ("send", |scene| format!("{:?}", scene.req.send("q2"))),
                ("recv", |scene| format!("{:?}", scene.req.recv())),
                ("can send", |scene| scene.req.can_send().to_string()),
                ("can receive", |scene| scene.req.can_recv().to_string()),
                ("the peer replies", |scene| {
                    scene.asked.send(["", "r2"]);
                    String::new()
                }),
                ("the peer replies without delimiter", |scene| {
                    scene.asked.send(["r2"]);
                    String::new()
                }),
                ("another peer replies", |scene| {
                    scene.other.send(["", "stray"]);
                    String::new()
                }),
                ("the peer goes", |scene| {
                    scene.asked.close();
                    String::new()
                }),
                ("the peer replies and goes", |scene| {
                    scene.asked.send(["", "r2"]);
                    scene.asked.close();
                    String::new()
                }),
                ("the pipes of the peer end", |scene| {
                    scene.asked.close_untold();
                    String::new()
                }),
                ("another peer goes", |scene| {
                    scene.other.close();
                    String::new()
                }),
            ],
            state,
        );
        insta::assert_snapshot!(transitions);
    }

    // spec: REQREP-REQ-03, REQREP-REQ-05
    #[test]
    fn a_request_goes_out_behind_one_empty_delimiter() {
        let mut scene = idle();
        scene.req.send(["one", "", "three"]).unwrap();
        assert_eq!(scene.asked.recv_all(), [Message::from(["", "one", "", "three"])]);
        assert_eq!(scene.other.recv_all(), []);
    }

    // spec: REQREP-REQ-04
    #[test]
    fn a_reply_is_delivered_without_its_delimiter_and_not_at_all_without_one() {
        let mut scene = awaiting();
        for malformed in [vec!["r"], vec!["x", "r"], vec![""], vec!["id", "", "r"]] {
            let message = Message::from_frames(malformed.into_iter().map(Frame::from)).unwrap();
            scene.asked.send(message);
            assert_eq!(scene.req.recv(), Err(RecvError::WouldBlock));
        }
        scene.asked.send(["", "", "r", ""]);
        assert_eq!(scene.req.recv(), Ok(Message::from(["", "r", ""])));
        assert_eq!(scene.req.sender().as_deref(), Some("peer 0"));
    }

    // spec: REQREP-REQ-01, REQREP-REQ-06
    #[test]
    fn requests_go_to_all_peers_in_turn() {
        let mut req = bench();
        let mut peers = [req.peer(0), req.peer(0), req.peer(0)];
        for turn in 0..6 {
            req.send("q").unwrap();
            assert_eq!(peers[turn % 3].recv_all().len(), 1);
            peers[turn % 3].send(["", "r"]);
            req.recv().unwrap();
        }
    }

    // spec: REQREP-REQ-07, REQREP-REQ-08
    #[test]
    fn without_a_peer_with_room_a_request_is_given_back() {
        let mut req = bench();
        assert_eq!(req.send("q"), Err(SendError::WouldBlock));
        let mut peer = req.peer(1);
        assert_eq!(req.send("first"), Ok(()));
        peer.send(["", "r"]);
        req.recv().unwrap();
        assert!(!req.can_send());
        assert_eq!(req.send("second"), Err(SendError::WouldBlock));
        assert_eq!(peer.recv(), Some(Message::from(["", "first"])));
        assert!(req.can_send());
        assert_eq!(req.send("second"), Ok(()));
        assert_eq!(peer.recv(), Some(Message::from(["", "second"])));
    }

    // spec: REQREP-REQ-09, REQREP-REQ-10
    #[test]
    fn what_others_send_is_no_reply_then_or_later() {
        let mut scene = awaiting();
        scene.other.send(["", "stray"]);
        assert_eq!(scene.req.recv(), Err(RecvError::WouldBlock));
        scene.asked.send(["", "r"]);
        scene.asked.send(["", "again"]);
        assert_eq!(scene.req.recv(), Ok(Message::from("r")));
        scene.req.send("q").unwrap();
        assert_eq!(scene.req.recv(), Err(RecvError::WouldBlock));
        scene.other.send(["", "right"]);
        assert_eq!(scene.req.recv(), Ok(Message::from("right")));
        scene.req.send("q").unwrap();
        assert_eq!(scene.req.recv(), Err(RecvError::WouldBlock));
    }

    #[test]
    fn a_peer_whose_pipes_have_ended_is_not_asked() {
        let mut scene = idle();
        scene.asked.close_untold();
        scene.req.send("q").unwrap();
        assert_eq!(scene.other.recv_all(), [Message::from(["", "q"])]);

        let mut scene = idle();
        scene.asked.end();
        scene.req.send("q").unwrap();
        assert_eq!(scene.other.recv_all(), [Message::from(["", "q"])]);
        assert!(scene.asked.sees_end());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Send,
        Recv,
        Look,
        Replies(usize),
        Stray(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Send),
            Just(Step::Recv),
            Just(Step::Look),
            (0..3_usize).prop_map(Step::Replies),
            (0..3_usize).prop_map(Step::Stray),
        ]
    }

    proptest! {
        /// At most one request is under way, and what is received is the first reply of the peer that it went to.
        #[test]
        fn a_reply_is_that_of_the_peer_that_was_asked(steps in vec(step(), 0..200)) {
            let mut req = bench();
            let mut peers = [req.peer(0), req.peer(0), req.peer(0)];
            let mut turn = 0;
            // Whom it asked, and its first reply.
            let mut asked: Option<(usize, Option<Message>)> = None;
            for (number, step) in steps.into_iter().enumerate() {
                let text = number.to_string();
                match step {
                    Step::Send => {
                        let expected = if asked.is_some() { Err(SendError::OutOfTurn) } else { Ok(()) };
                        prop_assert_eq!(req.send(text.as_str()), expected);
                        if expected.is_ok() {
                            asked = Some((turn, None));
                            turn = (turn + 1) % 3;
                        }
                    }
                    Step::Recv => match asked.take() {
                        None => prop_assert_eq!(req.recv(), Err(RecvError::OutOfTurn)),
                        Some((_, Some(reply))) => prop_assert_eq!(req.recv(), Ok(reply)),
                        waiting @ Some((_, None)) => {
                            asked = waiting;
                            prop_assert_eq!(req.recv(), Err(RecvError::WouldBlock));
                        }
                    },
                    Step::Look => {
                        prop_assert_eq!(req.can_recv(), matches!(&asked, Some((_, Some(_)))));
                        prop_assert_eq!(req.can_send(), asked.is_none());
                    }
                    Step::Replies(peer) => {
                        peers[peer].send(["", text.as_str()]);
                        if let Some((from, reply @ None)) = &mut asked && *from == peer {
                            *reply = Some(Message::from(text));
                        }
                    }
                    Step::Stray(peer) => {
                        peers[peer].send([text.as_str(), "", "x"]);
                    }
                }
            }
        }
    }
}
