use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::pattern::table::SocketType;
use crate::pattern::testing::{Bench, Far, table};

fn bench() -> Bench<Req> {
    Bench::new(SocketType::Req, |shared| Req::new(&shared))
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

// spec: REQREP-REQ-02
#[test]
fn a_relaxed_one_gives_up_the_request_before_and_what_came_of_it() {
    for before in [awaiting, reply_ready, lost] {
        let mut scene = before();
        scene.req.set(PatternOption::ReqRelaxed(Switch::On)).unwrap();
        assert!(scene.req.can_send());
        scene.req.send("q2").unwrap();
        assert_eq!(scene.other.recv_all(), [Message::from(["", "q2"])]);
        scene.asked.send(["", "late"]);
        assert_eq!(scene.req.recv(), Err(RecvError::WouldBlock), "only the peer that was asked last answers");
        scene.other.send(["", "r2"]);
        assert_eq!(scene.req.recv(), Ok(Message::from("r2")));
        assert_eq!(scene.req.recv(), Err(RecvError::OutOfTurn));
    }
}

#[test]
fn a_relaxed_one_that_finds_no_room_still_awaits_the_reply() {
    let mut req = bench();
    req.set(PatternOption::ReqRelaxed(Switch::On)).unwrap();
    let mut peer = req.peer(1);
    req.send("q").unwrap();
    assert_eq!((req.can_send(), req.send("q2")), (false, Err(SendError::WouldBlock)));
    peer.send(["", "r"]);
    assert_eq!(req.recv(), Ok(Message::from("r")));
}

#[test]
fn a_request_that_is_given_up_leaves_nothing_of_a_peer_that_went() {
    let mut scene = awaiting();
    scene.req.set(PatternOption::ReqRelaxed(Switch::On)).unwrap();
    let gone = scene.asked.peer;
    scene.req.shared.detach(gone);
    scene.req.send("q2").unwrap();
    assert!(scene.req.pattern.inbound.get(gone).is_none());
}

// spec: REQREP-REQ-03, REQREP-REQ-04, REQREP-REQ-05
#[test]
fn a_correlated_reply_has_the_number_of_its_request() {
    let mut req = bench();
    req.set(PatternOption::ReqRelaxed(Switch::On)).unwrap();
    req.set(PatternOption::ReqCorrelate(Switch::On)).unwrap();
    let mut peer = req.peer(0);
    let mut numbers = Vec::new();
    for body in ["q1", "q2"] {
        req.send([body, ""]).unwrap();
        let request = peer.recv().unwrap();
        let (number, rest) = request.split_first().unwrap();
        assert_eq!((number.len(), rest), (4, Message::from(["", body, ""])));
        numbers.push(number);
    }
    assert_ne!(numbers[0], numbers[1]);
    let reply = |number: &Frame, parts: &[&str]| {
        let parts = parts.iter().copied().map(Frame::from);
        Message::from_frames(std::iter::once(number.clone()).chain(parts)).unwrap()
    };
    peer.send(reply(&numbers[0], &["", "late"]));
    peer.send(["", "without number"]);
    peer.send(reply(&numbers[1], &["without delimiter"]));
    peer.send(reply(&numbers[1], &[""]));
    assert_eq!(req.recv(), Err(RecvError::WouldBlock));
    peer.send(reply(&numbers[1], &["", "r", ""]));
    assert_eq!(req.recv(), Ok(Message::from(["r", ""])));
}

/// A request keeps the form in which it was sent.
#[test]
fn correlation_begins_with_the_next_request() {
    let mut scene = awaiting();
    scene.req.set(PatternOption::ReqCorrelate(Switch::On)).unwrap();
    scene.asked.send(["", "r"]);
    assert_eq!(scene.req.recv(), Ok(Message::from("r")));
    assert_eq!(scene.req.set(PatternOption::NoDrop(Switch::On)), Err(Unsupported));
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
