//! REP: one request in, one reply back to whoever asked, strictly in turn (28/REQREP).
//!
//! ```text
//!   Waiting --request--> RequestReady --recv--> Answering --send--> Waiting
//! ```
//!
//! Requests are taken from the peers in turn. The envelope, which is all up to the first empty frame, is kept and put
//! before the reply; a request without it, or with nothing behind it, is dropped. A reply is never waited for: it is
//! dropped if its peer is gone or its pipe is full.

use std::sync::Arc;

use super::Pattern;
use crate::error::{RecvError, SendError, Unsent};
use crate::frame::Frame;
use crate::message::Message;
use crate::routing::{FairQueue, FanOut};
use crate::socket::{Attachment, Effects, Patience, PeerId, PeerInfo, Shared};

pub(super) fn make(_shared: Arc<Shared>) -> Box<dyn Pattern> {
    Box::new(Rep::default())
}

#[derive(Default)]
struct Rep {
    state: State,
    requests: FairQueue,
    replies: FanOut,
}

#[derive(Default)]
enum State {
    #[default]
    Waiting,
    RequestReady {
        request: Message,
        back: WayBack,
    },
    Answering(WayBack),
}

/// Where the reply goes.
struct WayBack {
    peer: PeerId,
    /// The envelope without its delimiter; nothing if a REQ asks directly.
    addresses: Vec<Frame>,
}

impl Pattern for Rep {
    // spec: REQREP-REP-01
    fn attach(&mut self, peer: Attachment, _effects: &mut Effects) {
        mark!("REQREP-REP-01");
        self.requests.attach(peer.peer, peer.inbound);
        self.replies.attach(peer.peer, peer.outbound);
    }

    fn detach(&mut self, peer: PeerId, effects: &mut Effects) {
        self.replies.detach(peer, effects);
    }

    fn readable(&mut self, peer: PeerId, _effects: &mut Effects) {
        self.requests.readable(peer);
    }

    fn writable(&mut self, _peer: PeerId) {}

    // spec: REQREP-REP-02, REQREP-REP-03, REQREP-REP-09, REQREP-REP-10, REQREP-REP-11, REQREP-REP-12
    fn send(&mut self, message: Message, effects: &mut Effects) -> Result<(), Unsent> {
        match std::mem::take(&mut self.state) {
            State::Answering(back) => {
                self.reply(back, message, effects);
                Ok(())
            }
            early @ (State::Waiting | State::RequestReady { .. }) => {
                self.state = early;
                Err(Unsent { message, why: SendError::OutOfTurn })
            }
        }
    }

    // spec: REQREP-REP-02, REQREP-REP-03, REQREP-REP-05, REQREP-REP-08
    fn recv(&mut self, effects: &mut Effects) -> Result<Message, RecvError> {
        let (back, request) = match std::mem::take(&mut self.state) {
            State::Waiting => self.next_request(effects).ok_or(RecvError::WouldBlock)?,
            State::RequestReady { request, back } => (back, request),
            answering @ State::Answering(_) => {
                mark!("REQREP-REP-03", "REQREP-REP-08");
                self.state = answering;
                return Err(RecvError::OutOfTurn);
            }
        };
        self.state = State::Answering(back);
        Ok(request)
    }

    fn sender(&self) -> Option<&PeerInfo> {
        self.requests.sender()
    }

    fn can_send(&mut self, _effects: &mut Effects) -> bool {
        matches!(self.state, State::Answering(_))
    }

    fn can_recv(&mut self, effects: &mut Effects) -> bool {
        match &self.state {
            State::Waiting => match self.next_request(effects) {
                Some((back, request)) => {
                    self.state = State::RequestReady { request, back };
                    true
                }
                None => false,
            },
            State::RequestReady { .. } => true,
            State::Answering(_) => false,
        }
    }
}

impl Rep {
    fn next_request(&mut self, effects: &mut Effects) -> Option<(WayBack, Message)> {
        let mut patience = Patience::default();
        loop {
            let (peer, message) = self.requests.pop_from(effects)?;
            if let Some((addresses, request)) = open(message) {
                return Some((WayBack { peer, addresses }, request));
            }
            if patience.is_over(effects) {
                return None;
            }
        }
    }

    fn reply(&mut self, back: WayBack, message: Message, effects: &mut Effects) {
        let Some(outbound) = self.replies.with_room(back.peer) else {
            mark!("REQREP-REP-11", "REQREP-REP-12");
            return;
        };
        match Message::from_frames(back.addresses) {
            None => outbound.push_enveloped(Frame::EMPTY, message, effects),
            Some(mut reply) => {
                mark!("REQREP-REP-09", "REQREP-REP-10");
                reply.push(Frame::EMPTY);
                message.into_iter().for_each(|frame| reply.push(frame));
                outbound.push(reply, effects);
            }
        }
    }
}

/// Divides a request into the addresses before its delimiter and the data behind it; `None` if there is no delimiter,
/// or nothing behind it.
// spec: REQREP-REP-04, REQREP-REP-06, REQREP-REP-07
fn open(message: Message) -> Option<(Vec<Frame>, Message)> {
    let delimiter = message.iter().position(|frame| frame.is_empty())?;
    if delimiter == 0 {
        return message.split_first().ok().map(|(_, request)| (Vec::new(), request));
    }
    mark!("REQREP-REP-04", "REQREP-REP-06", "REQREP-REP-07");
    let mut frames = message.into_iter();
    let addresses = frames.by_ref().take(delimiter).collect();
    let request = Message::from_frames(frames.skip(1))?;
    Some((addresses, request))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::pattern::table::SocketType;
    use crate::pattern::testing::{Bench, Far, table};

    fn bench() -> Bench<Rep> {
        Bench::new(SocketType::Rep, |_| Rep::default())
    }

    fn message(parts: &[&str]) -> Message {
        Message::from_frames(parts.iter().map(|part| Frame::from(*part))).unwrap()
    }

    struct Scene {
        rep: Bench<Rep>,
        asker: Far,
    }

    fn waiting() -> Scene {
        let mut rep = bench();
        let asker = rep.peer(0);
        Scene { rep, asker }
    }

    fn request_ready() -> Scene {
        let mut scene = waiting();
        scene.asker.send(["", "q"]);
        assert!(scene.rep.can_recv());
        scene
    }

    fn answering() -> Scene {
        let mut scene = request_ready();
        scene.rep.recv().unwrap();
        scene
    }

    fn state(scene: &mut Scene) -> String {
        scene.rep.settle();
        let name = match scene.rep.pattern.state {
            State::Waiting => "Waiting",
            State::RequestReady { .. } => "RequestReady",
            State::Answering(_) => "Answering",
        };
        name.into()
    }

    // spec: REQREP-REP-03, REQREP-REP-08, REQREP-REP-11
    #[test]
    fn transitions() {
        let transitions = table(
            &[("Waiting", waiting), ("RequestReady", request_ready), ("Answering", answering)],
            &[
                ("send", |scene| format!("{:?} {:?}", scene.rep.send("r"), scene.asker.recv_all())),
                ("recv", |scene| format!("{:?}", scene.rep.recv())),
                ("can send", |scene| scene.rep.can_send().to_string()),
                ("can receive", |scene| scene.rep.can_recv().to_string()),
                ("a request comes, recv", |scene| {
                    scene.asker.send(["", "q2"]);
                    format!("{:?}", scene.rep.recv())
                }),
                ("a request comes, can receive", |scene| {
                    scene.asker.send(["", "q2"]);
                    scene.rep.can_recv().to_string()
                }),
                ("the asker goes, send", |scene| {
                    scene.asker.close();
                    format!("{:?}", scene.rep.send("r"))
                }),
                ("the asker goes, recv", |scene| {
                    scene.asker.close();
                    format!("{:?}", scene.rep.recv())
                }),
            ],
            state,
        );
        insta::assert_snapshot!(transitions);
    }

    // spec: REQREP-REP-02, REQREP-REP-04, REQREP-REP-06, REQREP-REP-07, REQREP-REP-09
    #[test]
    fn the_envelope_up_to_the_first_empty_frame_is_kept_and_put_back() {
        let mut scene = waiting();
        for envelope in [vec![""], vec!["a", ""], vec!["a", "b", "c", ""]] {
            for data in [vec!["q"], vec![""], vec!["", "q", "", "q", ""]] {
                scene.asker.send(message(&[&envelope[..], &data[..]].concat()));
                assert_eq!(scene.rep.recv(), Ok(message(&data)));
                assert_eq!(scene.rep.sender().as_deref(), Some("peer 0"));
                scene.rep.send(["", "r", ""]).unwrap();
                assert_eq!(scene.asker.recv(), Some(message(&[&envelope[..], &["", "r", ""]].concat())));
            }
        }
    }

    // spec: REQREP-REP-04
    #[test]
    fn a_request_without_delimiter_or_body_is_dropped() {
        let mut scene = waiting();
        for malformed in [&["q"][..], &["a", "b", "q"], &[""], &["a", ""]] {
            scene.asker.send(message(malformed));
        }
        assert!(!scene.rep.can_recv());
        scene.asker.send(["a", "", "good"]);
        assert_eq!(scene.rep.recv(), Ok(Message::from("good")));
    }

    // spec: REQREP-REP-01, REQREP-REP-05, REQREP-REP-10
    #[test]
    fn peers_are_served_in_turn_and_each_gets_its_reply() {
        let mut rep = bench();
        let mut peers = [rep.peer(0), rep.peer(0), rep.peer(0)];
        for (i, peer) in peers.iter_mut().enumerate() {
            for _ in 0..3 {
                peer.send(["hop", "", &i.to_string()]);
            }
        }
        for turn in 0..9 {
            let request = rep.recv().unwrap();
            assert_eq!(request, Message::from((turn % 3).to_string()));
            rep.send(request).unwrap();
        }
        for (i, peer) in peers.iter_mut().enumerate() {
            assert_eq!(peer.recv_all(), vec![Message::from(["hop", "", &i.to_string()]); 3]);
        }
    }

    // spec: REQREP-REP-12
    #[test]
    fn a_reply_that_has_no_room_is_dropped() {
        let mut rep = bench();
        let mut asker = rep.peer(1);
        for reply in ["a", "b", "c"] {
            asker.send(["", "q"]);
            rep.recv().unwrap();
            assert!(rep.can_send());
            assert_eq!(rep.send(reply), Ok(()));
        }
        assert_eq!(asker.recv_all(), [Message::from(["", "a"])]);
    }

    // spec: REQREP-REP-11
    #[test]
    fn the_reply_to_a_peer_that_is_gone_goes_to_nobody() {
        let mut scene = answering();
        scene.asker.close();
        scene.rep.settle();
        let mut second = scene.rep.peer(0);
        second.send(["", "q"]);
        assert_eq!(scene.rep.send("lost"), Ok(()));
        assert_eq!(scene.rep.recv(), Ok(Message::from("q")));
        scene.rep.send("r").unwrap();
        assert_eq!(second.recv_all(), [Message::from(["", "r"])]);
        assert_eq!(scene.rep.peer(0).peer.index(), scene.asker.peer.index(), "nothing is left of the first");
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![Just(String::new()), "[a-c]{1,2}"]
    }

    proptest! {
        /// Whatever the parts: what is before the first empty one comes back before the reply, what is behind it is
        /// handed over.
        #[test]
        fn opening_a_request_divides_it_at_the_first_empty_part(parts in vec(part(), 1..8)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let opened = open(message(&parts));
            let mut around = parts.splitn(2, |part| part.is_empty());
            let (before, behind) = (around.next().unwrap(), around.next().unwrap_or_default());
            let expected = (!behind.is_empty())
                .then(|| (before.iter().map(|part| Frame::from(*part)).collect::<Vec<_>>(), message(behind)));
            prop_assert_eq!(opened, expected);
        }
    }
}
