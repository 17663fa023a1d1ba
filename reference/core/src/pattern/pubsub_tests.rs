//! PUB, XPUB, SUB and XSUB: each against the far ends of its pipes, and against each other without a link (inproc).

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::publish::Publish;
use super::sub::Sub;
use super::table::SocketType;
use super::testing::{Bench, Far};
use super::xpub::XPub;
use super::xsub::XSub;
use super::{Pattern, PatternOption, Switch, Unsupported, Verbosity};
use crate::error::{RecvError, SendError};
use crate::frame::Frame;
use crate::message::Message;
use crate::pipe::{Limits, pipe};
use crate::socket::{Attachment, Change, Inbound, Interests, IoSide, Lease, Outbound, PeerId, PeerInfo, Shared};

fn publisher() -> Bench<Publish> {
    Bench::new(SocketType::Pub, Publish::new)
}

fn xpub() -> Bench<XPub> {
    Bench::new(SocketType::XPub, XPub::new)
}

fn sub() -> Bench<Sub> {
    Bench::new(SocketType::Sub, Sub::new)
}

fn xsub() -> Bench<XSub> {
    Bench::new(SocketType::XSub, XSub::new)
}

fn subscribe_to(topic: &str) -> Change {
    Change::Subscribe(Frame::from(topic))
}

fn cancel(topic: &str) -> Change {
    Change::Cancel(Frame::from(topic))
}

fn option(subscribe: &str) -> PatternOption {
    PatternOption::Subscribe(subscribe.into())
}

/// What a link does when its peer tells of a change: to XPUB it is passed on.
fn tell<P: Pattern>(bench: &Bench<P>, far: &mut Far, change: &Change) {
    let passed_on = bench.shared.interests().apply(far.peer, change);
    if passed_on && bench.shared.socket_type() == SocketType::XPub {
        assert!(far.send(Message::new(Interests::notice(change))));
    }
}

/// What the application receives, as text.
fn received<P: Pattern>(bench: &mut Bench<P>) -> Vec<String> {
    bench.recv_all().iter().map(text).collect()
}

fn text(message: &Message) -> String {
    message.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>().join("|")
}

fn texts(messages: &[Message]) -> Vec<String> {
    messages.iter().map(text).collect()
}

// ---- PUB and XPUB ----

#[test]
// spec: PUBSUB-PUB-01, PUBSUB-PUB-08, PUBSUB-PUB-10, PUBSUB-PUB-11, ZMTP31-SUBS-01, ZMTP30-SUBS-01
fn pub_sends_each_what_it_subscribed_to_and_one_copy() {
    let mut bench = publisher();
    let (mut a, mut b, mut c) = (bench.peer(10), bench.peer(10), bench.peer(10));
    tell(&bench, &mut a, &subscribe_to("A"));
    for topic in ["B", "B1", ""] {
        tell(&bench, &mut b, &subscribe_to(topic));
    }
    bench.send(["A1", "x", ""]).unwrap();
    bench.send(["B1"]).unwrap();
    bench.send(["x", "A"]).unwrap();
    assert_eq!(texts(&a.recv_all()), ["A1|x|"]);
    assert_eq!(texts(&b.recv_all()), ["A1|x|", "B1", "x|A"]);
    assert_eq!(texts(&c.recv_all()), [""; 0]);
}

#[test]
// spec: PUBSUB-PUB-03, PUBSUB-PUB-12, PUBSUB-PUB-13, PUBSUB-XPUB-02, PUBSUB-XPUB-10, PUBSUB-XPUB-11
fn a_full_subscriber_loses_messages_and_others_do_not() {
    let mut bench = publisher();
    bench.send("to nobody").unwrap();
    let (mut slow, mut quick) = (bench.peer(2), bench.peer(0));
    tell(&bench, &mut slow, &subscribe_to(""));
    tell(&bench, &mut quick, &subscribe_to(""));
    for i in 0..5 {
        assert!(bench.can_send());
        bench.send([i.to_string(), "body".into()]).unwrap();
    }
    assert_eq!(texts(&slow.recv_all()), ["0|body", "1|body"]);
    assert_eq!(quick.recv_all().len(), 5);
    bench.send("again").unwrap();
    assert_eq!(texts(&slow.recv_all()), ["again"]);
}

#[test]
// spec: PUBSUB-PUB-02, PUBSUB-PUB-07, PUBSUB-PUB-14, PUBSUB-PUB-15
fn pub_shows_and_keeps_nothing_of_what_subscribers_send() {
    let mut bench = publisher();
    let mut far = bench.peer(2);
    tell(&bench, &mut far, &subscribe_to("B"));
    for _ in 0..10 {
        assert!(far.send("hello"), "the pipe is emptied");
        assert!(far.send(["x", "B"]));
        assert_eq!(bench.recv(), Err(RecvError::Unsupported));
        assert!(!bench.can_recv());
    }
    bench.send("B1").unwrap();
    assert_eq!(texts(&far.recv_all()), ["B1"]);
    assert_eq!(bench.set(option("A")), Err(Unsupported));
}

#[test]
// spec: PUBSUB-PUB-05
fn pub_lets_go_of_who_is_gone() {
    let mut bench = publisher();
    let (mut told, mut untold) = (bench.peer(2), bench.peer(2));
    tell(&bench, &mut told, &subscribe_to("A"));
    tell(&bench, &mut untold, &subscribe_to("A"));
    told.close();
    untold.close_untold();
    bench.send("A1").unwrap();
    for far in [&told, &untold] {
        assert!(!bench.shared.interests().apply(far.peer, &subscribe_to("A")), "too late");
    }
    let mut found = 0;
    bench.shared.interests().matches(b"A1", |_| found += 1);
    assert_eq!(found, 0);
    let (old, index) = (told.peer, told.peer.index());
    drop((told, untold));
    let (one, other) = (bench.peer(2), bench.peer(2));
    assert!([&one, &other].iter().any(|far| far.peer.index() == index), "the id is free");
    assert!([&one, &other].iter().all(|far| far.peer != old));
    assert!(bench.shared.interests().apply(one.peer, &subscribe_to("A")), "the new peer is another");
}

#[test]
// spec: PUBSUB-XPUB-12, PUBSUB-XPUB-13, PUBSUB-XPUB-14, PUBSUB-XPUB-15
fn xpub_receives_requests_and_messages_in_their_order() {
    let mut bench = xpub();
    let (mut a, mut b) = (bench.peer(10), bench.peer(10));
    tell(&bench, &mut a, &subscribe_to("A"));
    a.send(["hello", "x"]);
    tell(&bench, &mut a, &cancel("A"));
    b.send("b1");
    b.send("b2");
    assert!(bench.can_recv());
    assert_eq!(received(&mut bench), ["\\x01A", "b1", "hello|x", "b2", "\\x00A"]);
    assert!(!bench.can_recv());
    assert_eq!(bench.recv(), Err(RecvError::WouldBlock));
}

#[test]
// spec: PUBSUB-XPUB-16
fn xpub_passes_on_what_it_is_told_to() {
    for (verbosity, expected) in [
        (Verbosity::Changes, &["\\x01A", "\\x00A"][..]),
        (Verbosity::Subscriptions, &["\\x01A", "\\x01A", "\\x01A", "\\x00A"]),
        (Verbosity::Everything, &["\\x01A", "\\x01A", "\\x01A", "\\x00A", "\\x00A", "\\x00A"]),
    ] {
        let mut bench = xpub();
        bench.set(PatternOption::XPubVerbosity(verbosity)).unwrap();
        let (mut a, mut b) = (bench.peer(10), bench.peer(10));
        let mut all = Vec::new();
        for change in [subscribe_to("A"), cancel("A")] {
            for far in [&mut a, &mut b] {
                tell(&bench, far, &change);
                all.extend(received(&mut bench));
                if far.peer.index() == 0 {
                    tell(&bench, far, &change);
                    all.extend(received(&mut bench));
                }
            }
        }
        tell(&bench, &mut a, &cancel("stranger"));
        all.extend(received(&mut bench));
        assert_eq!(all, expected, "{verbosity:?}");
    }
}

#[test]
// spec: PUBSUB-XPUB-04, PUBSUB-XPUB-17
fn xpub_cancels_for_who_is_gone_behind_its_last_message() {
    let mut bench = xpub();
    let (mut a, mut b) = (bench.peer(10), bench.peer(10));
    tell(&bench, &mut a, &subscribe_to("A"));
    tell(&bench, &mut b, &subscribe_to("B"));
    tell(&bench, &mut a, &subscribe_to("B"));
    a.send("last");
    a.close();
    assert_eq!(received(&mut bench), ["\\x01A", "\\x01B", "last", "\\x00A"]);
    assert_eq!(bench.sender(), None, "nobody sent the cancellation");
    b.send("b");
    assert_eq!(received(&mut bench), ["b"]);
    assert_eq!(bench.sender().as_deref(), Some("peer 1"));
    b.close_untold();
    assert!(bench.can_recv());
    assert_eq!(received(&mut bench), ["\\x00B"]);
}

// ---- SUB and XSUB ----

/// What a link would tell its publisher now, when it has taken so many messages from the pipe.
fn told(shared: &Shared, peer: PeerId, taken: u64) -> Vec<Change> {
    std::iter::from_fn(|| shared.wanted().next_change(peer, taken)).collect()
}

#[test]
// spec: PUBSUB-SUB-01, PUBSUB-SUB-08, PUBSUB-SUB-09, PUBSUB-SUB-10, PUBSUB-SUB-11
fn sub_receives_what_it_subscribed_to_of_each_in_turn() {
    let mut bench = sub();
    bench.set(option("A")).unwrap();
    let (mut a, mut b) = (bench.peer(10), bench.peer(10));
    for message in [Message::from("A1"), "B".into(), "".into(), ["x", "A"].into(), ["A2", "", "x"].into()] {
        a.send(message);
    }
    b.send("no");
    b.send("A of b");
    assert!(bench.can_recv());
    assert_eq!(received(&mut bench), ["A1", "A of b", "A2||x"]);
    b.send("no");
    assert!(!bench.can_recv());
    bench.set(option("")).unwrap();
    b.send("");
    assert_eq!(received(&mut bench), [""]);
}

#[test]
// spec: PUBSUB-SUB-03
fn a_full_publisher_holds_up_no_other() {
    let mut bench = sub();
    bench.set(option("")).unwrap();
    let (mut full, mut other) = (bench.peer(2), bench.peer(2));
    assert_eq!([(); 4].map(|()| full.send("f")), [true, true, false, false]);
    assert!(other.send("o1") && other.send("o2"));
    assert_eq!(received(&mut bench), ["f", "o1", "f", "o2"]);
    assert!(full.send("f") && other.send("o"));
}

#[test]
// spec: PUBSUB-SUB-02
fn sub_never_sends() {
    let mut bench = sub();
    let _far = bench.peer(1);
    assert_eq!(bench.send("x"), Err(SendError::Unsupported));
    assert!(!bench.can_send());
}

#[test]
// spec: PUBSUB-SUB-12, ZMTP31-SUBS-09, ZMTP30-SUBS-09
fn sub_counts_and_tells_the_first_and_the_last() {
    let mut bench = sub();
    let mut far = bench.peer(10);
    let io: Arc<dyn IoSide> = far.wakes.clone();
    bench.set(option("before")).unwrap();
    bench.shared.wanted().link_ready(far.peer, Arc::clone(&io));
    for set in [option("A"), option("A"), PatternOption::Unsubscribe("A".into()), option("B")] {
        bench.set(set).unwrap();
    }
    assert_eq!(told(&bench.shared, far.peer, 0), [subscribe_to("before"), subscribe_to("A"), subscribe_to("B")]);
    far.send("A1");
    assert_eq!(received(&mut bench), ["A1"]);
    for topic in ["A", "A", "stranger"] {
        bench.set(PatternOption::Unsubscribe(topic.into())).unwrap();
    }
    assert_eq!(told(&bench.shared, far.peer, 0), [cancel("A")]);
    assert_eq!(far.wakes.messages(), 1, "the link is woken to tell it");
    far.send("A2");
    assert_eq!(received(&mut bench), [""; 0]);
    bench.shared.wanted().link_ready(far.peer, io);
    assert_eq!(told(&bench.shared, far.peer, 0), [subscribe_to("B"), subscribe_to("before")], "of a new connection");
}

#[test]
// spec: PUBSUB-XSUB-07, PUBSUB-XSUB-08, PUBSUB-XSUB-09, PUBSUB-XSUB-10
fn xsub_receives_unfiltered() {
    let mut bench = xsub();
    let (mut a, mut b) = (bench.peer(10), bench.peer(10));
    a.send("a1");
    a.send(["\u{1}a2", "x"]);
    b.send("");
    assert!(bench.can_recv());
    assert_eq!(received(&mut bench), ["a1", "", "\\x01a2|x"]);
    assert_eq!(bench.sender().as_deref(), Some("peer 0"));
    assert_eq!(bench.set(option("A")), Err(Unsupported));
}

#[test]
// spec: PUBSUB-XSUB-02, PUBSUB-XSUB-11, PUBSUB-XSUB-12, PUBSUB-XSUB-13, PUBSUB-XSUB-14
fn xsub_sends_to_every_publisher_that_has_room() {
    let mut bench = xsub();
    bench.send("to nobody").unwrap();
    let (mut slow, mut quick) = (bench.peer(1), bench.peer(0));
    for message in [Message::from(["hello", "\u{1}B", "\0A"]), "".into(), "\u{ff}".into()] {
        assert!(bench.can_send());
        bench.send(message).unwrap();
    }
    assert_eq!(texts(&slow.recv_all()), ["hello|\\x01B|\\x00A"]);
    assert_eq!(quick.recv_all().len(), 3);
    assert_eq!(bench.shared.wanted().topics().count(), 0);
}

#[test]
// spec: PUBSUB-XSUB-15, PUBSUB-XSUB-16
fn xsub_tells_requests_in_their_order_with_messages() {
    let mut bench = xsub();
    let mut far = bench.peer(0);
    bench.settle();
    bench.shared.wanted().link_ready(far.peer, far.wakes.clone());
    for message in ["\u{1}A", "hello", "\0A", "\0stranger", "\u{1}B", "end", "\u{1}"] {
        bench.send(message).unwrap();
    }
    assert_eq!(told(&bench.shared, far.peer, 0), [subscribe_to("A")]);
    assert_eq!(text(&far.recv().unwrap()), "hello");
    assert_eq!(told(&bench.shared, far.peer, 1), [cancel("A"), subscribe_to("B")]);
    assert_eq!(text(&far.recv().unwrap()), "end");
    assert!(bench.shared.wanted().has_change(far.peer));
    assert_eq!(told(&bench.shared, far.peer, 2), [subscribe_to("")]);
    assert_eq!(far.recv(), None, "requests pass through no pipe");
}

#[test]
// spec: PUBSUB-XSUB-15
fn xsub_takes_the_first_part_alone_for_a_request_if_it_is_told_to() {
    let mut bench = xsub();
    bench.set(PatternOption::OnlyFirstSubscribe(Switch::On)).unwrap();
    let mut far = bench.peer(0);
    bench.send(["\u{1}A", "\u{1}B", "x"]).unwrap();
    assert_eq!(bench.shared.wanted().topics().collect::<Vec<_>>(), [b"A"]);
    assert_eq!(texts(&far.recv_all()), ["\\x01B|x"]);
}

// ---- without a link ----

/// The other socket, as this one has it for an I/O side.
struct Other {
    shared: Arc<Shared>,
    us: PeerId,
}

impl IoSide for Other {
    fn messages_waiting(&self) {
        self.shared.readable(self.us);
    }

    fn room_made(&self) {
        self.shared.writable(self.us);
    }
}

/// Joins two sockets of one context; gives what each calls the other.
fn join(upper: &Arc<Shared>, lower: &Arc<Shared>, hwm: u32) -> (PeerId, PeerId) {
    let (of_upper, of_lower) = (upper.peers().lease(), lower.peers().lease());
    let (down_writer, down_reader) = pipe(Limits::messages(hwm));
    let (up_writer, up_reader) = pipe(Limits::messages(hwm));
    let attach = |to: &Arc<Shared>, lease: &Arc<Lease>, other: &Arc<Shared>, us: PeerId, writer, reader| {
        let io: Arc<dyn IoSide> = Arc::new(Other { shared: Arc::clone(other), us });
        to.attach(Attachment {
            peer: lease.id(),
            outbound: Outbound::new(writer, Arc::clone(&io), Arc::clone(lease)),
            inbound: Inbound::new(reader, io, Arc::clone(lease), PeerInfo::default()),
            routing_id: Frame::EMPTY,
            inproc: Some((Arc::clone(other), us)),
        });
    };
    attach(upper, &of_upper, lower, of_lower.id(), down_writer, up_reader);
    attach(lower, &of_lower, upper, of_upper.id(), up_writer, down_reader);
    (of_upper.id(), of_lower.id())
}

#[test]
// spec: PUBSUB-XPUB-13, PUBSUB-XPUB-14, PUBSUB-XPUB-15, PUBSUB-XPUB-17, PUBSUB-SUB-12
fn without_a_link_a_subscriber_tells_its_publisher_itself() {
    let (mut upper, mut lower) = (xpub(), xsub());
    lower.send("\u{1}before").unwrap();
    join(&upper.shared, &lower.shared, 1);
    lower.send("\u{1}A").unwrap();
    lower.send("hello").unwrap();
    lower.send("\0before").unwrap();
    assert_eq!(received(&mut upper), ["\\x01before", "\\x01A", "\\x00before"], "and no room for the message");
    lower.send("hello").unwrap();
    upper.send("before").unwrap();
    upper.send("A1").unwrap();
    assert_eq!(received(&mut lower), ["A1"]);
    drop(lower);
    assert_eq!(received(&mut upper), ["hello", "\\x00A"]);
}

#[test]
// spec: PUBSUB-PUB-05, PUBSUB-PUB-14, PUBSUB-PUB-15
fn without_a_link_pub_is_told_and_shows_nothing() {
    let (mut upper, mut lower) = (publisher(), sub());
    let (of_upper, of_lower) = join(&upper.shared, &lower.shared, 10);
    lower.set(option("A")).unwrap();
    upper.send("A1").unwrap();
    upper.send("B1").unwrap();
    assert_eq!(received(&mut lower), ["A1"]);
    // The publisher lets go first; what the subscriber tells until it learns of it has no effect.
    upper.shared.detach(of_upper);
    upper.settle();
    lower.set(option("B")).unwrap();
    lower.shared.detach(of_lower);
    lower.set(option("C")).unwrap();
    let mut found = 0;
    upper.shared.interests().matches(b"A", |_| found += 1);
    upper.shared.interests().matches(b"B", |_| found += 1);
    assert_eq!(found, 0);
    assert!(upper.can_send());
    assert_eq!(upper.shared.peers().lease().id().index(), of_upper.index(), "the id is free");
}

#[test]
fn without_a_link_nothing_is_left_of_sockets_that_come_and_go() {
    let mut upper = xpub();
    for i in 0..50 {
        let mut lower = sub();
        lower.set(option("A")).unwrap();
        let (of_upper, _) = join(&upper.shared, &lower.shared, 10);
        lower.settle();
        assert_eq!(received(&mut upper), ["\\x01A"]);
        assert_eq!(of_upper.index(), 0, "the id of subscriber {i} is free again");
        drop(lower);
        assert_eq!(received(&mut upper), ["\\x00A"]);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Subscribe(usize, String),
    Cancel(usize, String),
    Publish(String),
    Receive(usize),
    Replace(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let topic = || "[ab]{0,3}";
    prop_oneof![
        3 => (0..3_usize, topic()).prop_map(|(who, topic)| Step::Subscribe(who, topic)),
        2 => (0..3_usize, topic()).prop_map(|(who, topic)| Step::Cancel(who, topic)),
        4 => topic().prop_map(Step::Publish),
        2 => (0..3_usize).prop_map(Step::Receive),
        1 => (0..3_usize).prop_map(Step::Replace),
    ]
}

/// A subscriber as it should be.
#[derive(Default)]
struct Model {
    topics: BTreeMap<String, u32>,
    queue: Vec<String>,
}

impl Model {
    fn wants(&self, subject: &str) -> bool {
        self.topics.keys().any(|topic| subject.starts_with(topic.as_str()))
    }
}

proptest! {
    /// A PUB and three SUBs agree with lists of topics and queues, whoever comes and goes.
    #[test]
    fn pub_and_sub_agree_with_a_model(steps in vec(step(), 0..80)) {
        let mut upper = publisher();
        let fresh = || {
            let mut lower = sub();
            join(&upper.shared, &lower.shared, 0);
            lower.settle();
            (lower, Model::default())
        };
        let mut lowers: Vec<_> = (0..3).map(|_| fresh()).collect();
        for step in steps {
            match step {
                Step::Subscribe(who, topic) => {
                    let (lower, model) = &mut lowers[who];
                    lower.set(PatternOption::Subscribe(topic.clone().into())).unwrap();
                    *model.topics.entry(topic).or_default() += 1;
                }
                Step::Cancel(who, topic) => {
                    let (lower, model) = &mut lowers[who];
                    lower.set(PatternOption::Unsubscribe(topic.clone().into())).unwrap();
                    if let Some(count) = model.topics.get_mut(&topic) {
                        *count -= 1;
                        model.topics.retain(|_, count| *count > 0);
                    }
                }
                Step::Publish(subject) => {
                    upper.send(subject.as_str()).unwrap();
                    for (_, model) in &mut lowers {
                        if model.wants(&subject) {
                            model.queue.push(subject.clone());
                        }
                    }
                }
                Step::Receive(who) => {
                    let (lower, model) = &mut lowers[who];
                    let queue = std::mem::take(&mut model.queue);
                    let expected: Vec<_> = queue.into_iter().filter(|subject| model.wants(subject)).collect();
                    prop_assert_eq!(received(lower), expected);
                }
                Step::Replace(who) => {
                    let mut lower = sub();
                    join(&upper.shared, &lower.shared, 0);
                    lower.settle();
                    lowers[who] = (lower, Model::default());
                }
            }
        }
    }
}
