//! Options of PUB, XPUB, SUB and XSUB.

use super::publish::Publish;
use super::sub::Sub;
use super::table::SocketType;
use super::testing::{Bench, Far};
use super::xpub::XPub;
use super::xsub::XSub;
use super::{Manual, Pattern, PatternOption, Switch, Unsupported, Verbosity};
use crate::error::SendError;
use crate::frame::Frame;
use crate::message::Message;
use crate::options::TOPIC_OCTETS;
use crate::socket::{Change, Interests};

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

fn manual(manual: Manual) -> Bench<XPub> {
    let mut bench = xpub();
    bench.set(PatternOption::XPubManual(manual)).unwrap();
    bench
}

fn subscribe_to(topic: &str) -> Change {
    Change::Subscribe(Frame::from(topic))
}

fn cancel(topic: &str) -> Change {
    Change::Cancel(Frame::from(topic))
}

/// What a link does when its peer tells of a change.
fn tell<P: Pattern>(bench: &Bench<P>, far: &mut Far, change: &Change) {
    let passed_on = bench.shared.interests().apply(far.peer, change);
    if passed_on && bench.shared.socket_type() == SocketType::XPub {
        assert!(far.send(Message::new(Interests::notice(change))));
    }
}

fn grant(bench: &mut Bench<XPub>, topic: &str) {
    bench.set(PatternOption::Subscribe(topic.into())).unwrap();
}

fn texts(messages: &[Message]) -> Vec<String> {
    let text =
        |message: &Message| message.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>().join("|");
    messages.iter().map(text).collect()
}

fn received<P: Pattern>(bench: &mut Bench<P>) -> Vec<String> {
    texts(&bench.recv_all())
}

// ---- by hand ----

#[test]
// spec: PUBSUB-XPUB-14, PUBSUB-XPUB-15
fn by_hand_every_request_is_received_and_none_takes_effect() {
    let mut bench = manual(Manual::On);
    let mut far = bench.peer(0);
    for change in [subscribe_to("A"), subscribe_to("A"), cancel("A"), cancel("never asked for")] {
        tell(&bench, &mut far, &change);
    }
    assert_eq!(received(&mut bench), ["\\x01A", "\\x01A", "\\x00A", "\\x00never asked for"]);
    bench.send("A1").unwrap();
    assert_eq!(far.recv_all(), []);
    assert_eq!(bench.shared.topics(), Some(0));
}

#[test]
// spec: PUBSUB-XPUB-14
fn what_is_granted_is_for_whom_asked_last() {
    let mut bench = manual(Manual::On);
    let (mut a, mut b) = (bench.peer(0), bench.peer(0));
    tell(&bench, &mut a, &subscribe_to("A"));
    bench.recv().unwrap();
    grant(&mut bench, "X");
    tell(&bench, &mut b, &subscribe_to("B"));
    bench.recv().unwrap();
    grant(&mut bench, "X2");
    grant(&mut bench, "Y");
    bench.set(PatternOption::Unsubscribe("Y".into())).unwrap();
    for subject in ["A1", "B1", "X1", "X2", "Y1"] {
        bench.send(subject).unwrap();
    }
    assert_eq!((texts(&a.recv_all()), texts(&b.recv_all())), (vec!["X1".into(), "X2".into()], vec!["X2".into()]));
    assert_eq!(bench.shared.topics(), Some(2));
}

#[test]
fn nothing_is_granted_to_whom_is_gone_or_without_the_option() {
    let mut bench = manual(Manual::On);
    let mut far = bench.peer(0);
    tell(&bench, &mut far, &subscribe_to("A"));
    bench.recv().unwrap();
    far.close();
    assert_eq!(received(&mut bench), ["\\x00A"]);
    grant(&mut bench, "A");
    assert_eq!(bench.shared.topics(), Some(0));
    bench.set(PatternOption::XPubManual(Manual::Off)).unwrap();
    assert_eq!(bench.set(PatternOption::Subscribe("A".into())), Err(Unsupported));
    assert_eq!(bench.set(PatternOption::Unsubscribe("A".into())), Err(Unsupported));
}

#[test]
// spec: PUBSUB-XPUB-17
fn by_hand_what_who_is_gone_had_asked_for_is_cancelled() {
    let mut bench = manual(Manual::On);
    let (mut goes, mut stays) = (bench.peer(0), bench.peer(0));
    for topic in ["A", "A", "B", "C"] {
        tell(&bench, &mut goes, &subscribe_to(topic));
        bench.recv().unwrap();
        grant(&mut bench, "X");
    }
    tell(&bench, &mut stays, &subscribe_to("A"));
    bench.recv().unwrap();
    grant(&mut bench, "X");
    tell(&bench, &mut goes, &cancel("C"));
    assert_eq!(bench.shared.interests().octets(goes.peer), 3 * (TOPIC_OCTETS + 1));
    bench.recv().unwrap();
    for topic in bench.shared.interests().forget(goes.peer) {
        goes.send(Message::new(Interests::notice(&Change::Cancel(topic))));
    }
    goes.close();
    assert_eq!(received(&mut bench), ["\\x00A", "\\x00B"]);
    bench.send("X1").unwrap();
    assert_eq!(stays.recv_all().len(), 1);
}

#[test]
// spec: PUBSUB-XPUB-17
fn with_everything_each_topic_of_whom_is_gone_is_cancelled() {
    for (verbosity, expected) in
        [(Verbosity::Everything, vec!["\\x00A", "\\x00B"]), (Verbosity::Subscriptions, vec!["\\x00B"])]
    {
        let mut bench = xpub();
        bench.set(PatternOption::XPubVerbosity(verbosity)).unwrap();
        let (mut goes, mut stays) = (bench.peer(0), bench.peer(0));
        tell(&bench, &mut goes, &subscribe_to("A"));
        tell(&bench, &mut goes, &subscribe_to("B"));
        tell(&bench, &mut stays, &subscribe_to("A"));
        bench.recv_all();
        goes.close();
        assert_eq!(received(&mut bench), expected);
    }
}

#[test]
fn a_last_value_goes_to_the_newcomer_alone() {
    let mut bench = manual(Manual::LastValue);
    let (mut old, mut new) = (bench.peer(0), bench.peer(0));
    tell(&bench, &mut old, &subscribe_to("A"));
    bench.recv().unwrap();
    grant(&mut bench, "A");
    bench.send("A0").unwrap();
    tell(&bench, &mut new, &subscribe_to("A"));
    bench.recv().unwrap();
    grant(&mut bench, "A");
    bench.send("A1").unwrap();
    bench.send("A2").unwrap();
    assert_eq!(texts(&old.recv_all()), ["A0", "A2"]);
    assert_eq!(texts(&new.recv_all()), ["A1", "A2"]);

    tell(&bench, &mut new, &cancel("A"));
    bench.recv().unwrap();
    bench.send("A3").unwrap();
    assert_eq!((old.recv_all().len(), new.recv_all().len()), (1, 1), "a cancellation makes no newcomer");
    tell(&bench, &mut new, &subscribe_to("B"));
    bench.recv().unwrap();
    bench.send("A4").unwrap();
    assert_eq!((old.recv_all().len(), texts(&new.recv_all())), (0, vec!["A4".into()]));
    tell(&bench, &mut new, &subscribe_to("B"));
    bench.recv().unwrap();
    new.close();
    bench.send("A5").unwrap();
    assert_eq!(texts(&old.recv_all()), ["A5"], "who is gone is no newcomer");
}

#[test]
fn by_hand_without_last_values_there_are_no_newcomers() {
    let mut bench = manual(Manual::On);
    let (mut old, mut new) = (bench.peer(0), bench.peer(0));
    for far in [&mut old, &mut new] {
        tell(&bench, far, &subscribe_to("A"));
        bench.recv().unwrap();
        grant(&mut bench, "A");
    }
    bench.send("A1").unwrap();
    assert_eq!((old.recv_all().len(), new.recv_all().len()), (1, 1));
}

// ---- without drops ----

fn no_drop<P: Pattern>(bench: &mut Bench<P>) {
    assert_eq!(bench.set(PatternOption::NoDrop(Switch::On)), Ok(()));
    let (mut slow, mut quick, mut other) = (bench.peer(1), bench.peer(0), bench.peer(1));
    tell(bench, &mut slow, &subscribe_to("A"));
    tell(bench, &mut quick, &subscribe_to("A"));
    tell(bench, &mut other, &subscribe_to("B"));
    bench.send("A1").unwrap();
    assert_eq!(bench.send(["A2", "body"]), Err(SendError::WouldBlock));
    bench.send("B1").unwrap();
    bench.send("C1").unwrap();
    assert_eq!(texts(&quick.recv_all()), ["A1"], "to all or to nobody");
    assert_eq!(texts(&slow.recv_all()), ["A1"]);
    bench.send("A2").unwrap();
    assert_eq!(bench.send("A3"), Err(SendError::WouldBlock));
    slow.close_untold();
    bench.send("A3").unwrap();
    assert_eq!(texts(&quick.recv_all()), ["A2", "A3"], "nobody waits for whom is gone");
    assert_eq!(texts(&other.recv_all()), ["B1"]);
}

#[test]
// spec: PUBSUB-PUB-12, PUBSUB-XPUB-10
fn without_drops_a_message_waits_for_all_who_want_it() {
    no_drop(&mut publisher());
    no_drop(&mut xpub());
}

#[test]
fn without_drops_a_subscriber_that_was_let_go_of_holds_nothing_up() {
    let mut bench = xpub();
    bench.set(PatternOption::NoDrop(Switch::On)).unwrap();
    let mut far = bench.peer(1);
    tell(&bench, &mut far, &subscribe_to(""));
    bench.send("A1").unwrap();
    bench.shared.detach(far.peer);
    bench.send("A2").unwrap();
    assert_eq!(texts(&far.recv_all()), ["A1"]);
}

// ---- inverted ----

#[test]
// spec: PUBSUB-PUB-11, PUBSUB-XPUB-09
fn inverted_a_message_goes_to_those_who_did_not_subscribe_to_it() {
    let mut bench = publisher();
    bench.set(PatternOption::InvertMatching(Switch::On)).unwrap();
    let (mut a, mut b, mut none) = (bench.peer(0), bench.peer(0), bench.peer(0));
    tell(&bench, &mut a, &subscribe_to("A"));
    tell(&bench, &mut b, &subscribe_to("A"));
    tell(&bench, &mut b, &subscribe_to("B"));
    for subject in ["A1", "B1", "C1"] {
        bench.send(subject).unwrap();
    }
    assert_eq!(texts(&a.recv_all()), ["B1", "C1"]);
    assert_eq!(texts(&b.recv_all()), ["C1"]);
    assert_eq!(texts(&none.recv_all()), ["A1", "B1", "C1"]);
    bench.set(PatternOption::InvertMatching(Switch::Off)).unwrap();
    bench.send("A1").unwrap();
    assert_eq!((a.recv_all().len(), none.recv_all().len()), (1, 0));
}

#[test]
// spec: PUBSUB-SUB-10
fn inverted_a_subscriber_drops_what_it_subscribed_to() {
    let mut bench = sub();
    bench.set(PatternOption::InvertMatching(Switch::On)).unwrap();
    bench.set(PatternOption::Subscribe("A".into())).unwrap();
    let mut far = bench.peer(0);
    for subject in ["A1", "B1", "A2", ""] {
        far.send(subject);
    }
    assert!(bench.can_recv());
    assert_eq!(received(&mut bench), ["B1", ""]);
    assert_eq!(xsub().set(PatternOption::InvertMatching(Switch::On)), Ok(()));
}

// ---- XSUB ----

#[test]
// spec: PUBSUB-XSUB-15
fn parts_behind_a_request_are_requests_up_to_the_first_that_is_none() {
    for (only_first, topics, rest) in [(Switch::Off, 2, vec!["x|\\x01C"]), (Switch::On, 1, vec!["\\x01B|x|\\x01C"])] {
        let mut bench = xsub();
        bench.set(PatternOption::OnlyFirstSubscribe(only_first)).unwrap();
        let mut far = bench.peer(0);
        bench.send(["\u{1}A", "\u{1}B", "x", "\u{1}C"]).unwrap();
        assert_eq!(bench.shared.topics(), Some(topics));
        assert_eq!(texts(&far.recv_all()), rest);
        bench.send(["x", "\u{1}D"]).unwrap();
        assert_eq!((bench.shared.topics(), texts(&far.recv_all())), (Some(topics), vec!["x|\\x01D".into()]));
    }
    let mut bench = xsub();
    bench.send(["\u{1}A", "\u{1}B", "\0A"]).unwrap();
    assert_eq!(bench.shared.topics(), Some(1));
}

#[test]
fn topics_are_counted_once_and_only_where_there_are_any() {
    let mut bench = sub();
    for topic in ["A", "A", "AB", ""] {
        bench.set(PatternOption::Subscribe(topic.into())).unwrap();
    }
    assert_eq!(bench.shared.topics(), Some(3));
    bench.set(PatternOption::Unsubscribe("A".into())).unwrap();
    assert_eq!(bench.shared.topics(), Some(3));
    bench.set(PatternOption::Unsubscribe("A".into())).unwrap();
    assert_eq!(bench.shared.topics(), Some(2));

    let mut bench = publisher();
    let (mut a, mut b) = (bench.peer(0), bench.peer(0));
    tell(&bench, &mut a, &subscribe_to("A"));
    tell(&bench, &mut b, &subscribe_to("A"));
    tell(&bench, &mut b, &subscribe_to("B"));
    assert_eq!(bench.shared.topics(), Some(2));
    let push = crate::socket::Shared::new(SocketType::Push, crate::options::Options::default(), 1);
    assert_eq!(push.topics(), None);
}
