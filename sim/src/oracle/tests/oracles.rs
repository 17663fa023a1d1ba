//! Each oracle has a history that trips it, and one beside it that does not.

use super::script::Script;
use crate::actor::message::{Shape, frames};
use crate::engine::{Ending, Leftover};
use crate::history::Call;
use crate::plan::Linger;
use crate::time::Span;

const PIPE: &str = r#"
    { name = "push", host = "a", type = "PUSH", connect = ["tcp://b:1"], options = { sndhwm = 3, linger = "discard" } },
    { name = "pull", host = "b", type = "PULL", bind = ["tcp://*:1"], options = { linger = "discard" } },
"#;
const NEWS: &str = r#"
    { name = "pub", host = "a", type = "PUB", bind = ["tcp://*:1"] },
    { name = "sub", host = "b", type = "SUB", connect = ["tcp://a:1"], subscribe = ["a", "b"] },
"#;
const ASKING: &str = r#"
    { name = "req", host = "a", type = "REQ", connect = ["tcp://b:1"] },
    { name = "other", host = "c", type = "REQ", connect = ["tcp://b:1"] },
    { name = "rep", host = "b", type = "REP", bind = ["tcp://*:1"] },
"#;
const ROUTED: &str = r#"
    { name = "router", host = "a", type = "ROUTER", bind = ["tcp://*:1"] },
    { name = "one", host = "b", type = "DEALER", connect = ["tcp://a:1"], options = { routing-id = "one" } },
    { name = "two", host = "c", type = "DEALER", connect = ["tcp://a:1"] },
"#;
const PARTITION: &str = "fault = [{ at = \"1s\", for = \"20s\", what = { partition = { between = [\"a\", \"b\"] } } }]";

const RESET: &str = "fault = [{ at = \"1s\", what = { reset = { between = [\"a\", \"b\"] } } }]";

fn pipe() -> Script {
    pipe_with("")
}

fn pipe_with(more: &str) -> Script {
    let mut script = Script::with(PIPE, more);
    script.at(10).event("push", "connected").event("push", "handshake-succeeded");
    script.event("pull", "accepted").event("pull", "handshake-succeeded");
    script
}

#[test]
fn messages_come_whole() {
    let mut script = pipe();
    let mut sent = script.message("push", 0);
    sent.parts = 3;
    script.at(20).call("push", Call::Sent(sent));
    let frames = script.frames("push", 0);
    let with = |frames: &[Vec<u8>]| {
        let mut script = pipe();
        let mut sent = script.message("push", 0);
        sent.parts = 3;
        script.at(20).call("push", Call::Sent(sent));
        script.sent("push", 1).at(30).received_frames("pull", frames);
        script.received("pull", "push", 1);
        script
    };
    with(&frames).is_green();
    let swapped = [frames[0].clone(), frames[2].clone(), frames[1].clone()];
    with(&swapped).trips("torn ZMTP31-MSGS-01");
    with(&frames[..2]).trips("torn ZMTP31-MSGS-01");
    with(&frames[1..]).trips("torn ZMTP31-MSGS-01");
    let mut changed = frames.clone();
    *changed[1].last_mut().unwrap() = b'y';
    with(&changed).trips("torn ZMTP31-MSGS-01");
    let mut mixed = frames.clone();
    mixed[2] = script.frames("push", 1)[0].clone();
    with(&mixed).trips("torn ZMTP31-SEM-04");
    let mut foreign = frames;
    foreign.push(b"what".to_vec());
    with(&foreign).trips("torn ZMTP31-SEM-04");
}

#[test]
fn nothing_comes_of_nothing() {
    let mut script = pipe();
    script.at(20).sent("push", 0).at(30).received("pull", "push", 0);
    // It was under way when its process died; whether it was taken, nobody knows.
    script.received("pull", "push", 1).is_green();
    script.received("pull", "push", 7).trips("invented ZMTP31-SEM-04");

    let mut script = pipe();
    script.at(20).received_frames("pull", &[b"nobody's".to_vec()]).trips("invented ZMTP31-SEM-04");

    let mut script = pipe();
    script.at(20).sent("push", 0).at(25).refused("push", 1);
    script.at(30).received("pull", "push", 0).is_green();
    script.received("pull", "push", 1);
    assert!(script.symptoms().contains(&"invented ZMTP31-SEM-05".to_owned()));
}

#[test]
fn an_xpub_gets_subscriptions_and_nothing_else_of_nothing() {
    let sockets = NEWS.replace("\"PUB\"", "\"XPUB\"");
    let mut script = Script::new(&sockets);
    script.at(10).received_frames("pub", &[b"\x01a".to_vec()]).is_green();
    script.received_frames("pub", &[b"\x02a".to_vec()]).trips("invented ZMTP31-SEM-04");
}

#[test]
fn messages_come_once() {
    let mut script = pipe();
    script.at(20).sent("push", 0).at(30).received("pull", "push", 0).is_green();
    script.at(40).received("pull", "push", 0).trips("duplicates ZMTP31-SEM-06");

    // A subscriber with two connections gets everything twice.
    let mut script = Script::new(NEWS);
    script.at(20).published("pub", 0, "a").at(30).received("sub", "pub", 0).received("sub", "pub", 0);
    script.trips("duplicates ZMTP31-SEM-06");
    let mut script = Script::new(&NEWS.replace("[\"tcp://a:1\"]", "[\"tcp://a:1\", \"tcp://a:1\"]"));
    script.at(20).published("pub", 0, "a").at(30).received("sub", "pub", 0).received("sub", "pub", 0);
    script.is_green();
}

#[test]
fn messages_come_in_order() {
    let both = |lost: bool| {
        let mut script = pipe_with(RESET);
        script.at(20).sent("push", 0).sent("push", 1);
        if lost {
            script.at(25).fault(0).healed(0).event("pull", "disconnected");
        }
        script.at(30).received("pull", "push", 1).received("pull", "push", 0);
        script
    };
    both(false).trips("order ZMTP31-SEM-07");
    // What came over the first connection waits beside what came over the second.
    both(true).is_green();
}

#[test]
fn what_was_taken_comes() {
    let lost = |event: Option<(u64, &str)>| {
        let mut script = pipe_with(RESET);
        if event.is_some() {
            script.at(15).fault(0).healed(0);
        }
        if let Some((at @ ..20, event)) = event {
            script.at(at).event("push", event);
        }
        script.at(20).sent_all("push", 0..3).at(30).received("pull", "push", 0);
        if let Some((at @ 20.., event)) = event {
            script.at(at).event("push", event);
        }
        script.at(40).received("pull", "push", 2);
        script
    };
    lost(None).trips("delivery PIPELINE-PUSH-12");
    lost(Some((35, "disconnected"))).is_green();
    // Before it was taken, nothing of it could be lost.
    lost(Some((15, "disconnected"))).trips("delivery PIPELINE-PUSH-12");
}

#[test]
fn a_probe_that_comes_shows_that_all_before_it_should_have() {
    // With two ways between them the probe may have taken the other one.
    let tail = |ways: &str, sent_at: u64| {
        let mut script = Script::new(&PIPE.replace("[\"tcp://b:1\"]", ways));
        script.at(10).event("push", "handshake-succeeded").at(29_000).probed("push", 1);
        script.at(sent_at).sent("push", 0);
        script.at(30_000).probed("push", 2).at(30_010).received("pull", "push", 1).received("pull", "push", 2);
        script.at(40_000).closed("push", Some(Linger::Discard)).at(50_000).finished("pull");
        script
    };
    tail("[\"tcp://b:1\"]", 29_500).trips("delivery PIPELINE-PUSH-12");
    tail("[\"tcp://b:1\", \"tcp://b:1\"]", 29_500).is_green();
    // Behind the last probe it may still have been under way.
    let mut script = pipe();
    script.at(20).probed("push", 0).at(30).received("pull", "push", 0).at(40).sent("push", 1);
    script.at(50).closed("push", Some(Linger::Discard)).at(60).finished("pull").is_green();
}

#[test]
fn subscribers_get_what_they_asked_for_and_no_more() {
    let mut script = Script::new(NEWS);
    script.at(20).published("pub", 0, "a1").published("pub", 1, "c1").at(30).received("sub", "pub", 0);
    script.is_green();
    script.received("sub", "pub", 1).trips("subscription ZMTP31-SUBS-01");
}

#[test]
fn a_subscription_ends_a_little_later_than_it_is_cancelled() {
    // What a SUB filters by itself, an XSUB's application sees.
    let cancelled = |then: u64| {
        let mut script = Script::new(&NEWS.replace("\"SUB\"", "\"XSUB\""));
        script.at(1000).call("sub", Call::Unsubscribe("a".into()));
        script.at(then).published("pub", 0, "a1").at(then + 10).received("sub", "pub", 0);
        script
    };
    cancelled(1500).is_green();
    cancelled(30_000).trips("subscription ZMTP31-SUBS-01");
}

#[test]
fn once_a_subscription_is_known_nothing_is_missing() {
    let hole = |middle: &str, event: Option<&str>| {
        let mut script = Script::with(NEWS, RESET);
        script.at(5).event("sub", "handshake-succeeded");
        script.at(10).published("pub", 0, "a0").at(20).received("sub", "pub", 0);
        script.at(30).published("pub", 1, middle);
        if let Some(event) = event {
            script.at(35).fault(0).healed(0).event("sub", event);
        }
        script.at(40).published("pub", 2, "a2").at(50).received("sub", "pub", 2);
        script
    };
    hole("a1", None).trips("subscription PUBSUB-SUB-11");
    // Whether the publisher knew of the other subscription, nothing shows.
    hole("b1", None).is_green();
    hole("a1", Some("disconnected")).is_green();
}

#[test]
fn a_full_queue_drops() {
    let slow = |hwm: u32, missing: std::ops::Range<u32>| {
        let mut script = Script::new(
            &NEWS.replace("bind = [\"tcp://*:1\"]", &format!("bind = [\"tcp://*:1\"], options = {{ sndhwm = {hwm} }}")),
        );
        script.at(10).published("pub", 0, "a").at(20).received("sub", "pub", 0);
        script.at(30);
        (1..20).for_each(|number| {
            script.published("pub", number, "a");
        });
        script.at(40);
        (1..20).filter(|number| !missing.contains(number)).for_each(|number| {
            script.received("sub", "pub", number);
        });
        script.at(50).published("pub", 20, "a").at(60).received("sub", "pub", 20);
        script
    };
    slow(10, 12..20).is_green();
    slow(10, 2..4).trips("subscription PUBSUB-SUB-11");
    slow(100, 12..20).trips("subscription PUBSUB-SUB-11");
}

#[test]
fn requests_and_replies_take_turns() {
    let mut script = Script::new(ASKING);
    let asked = script.id("req", 0);
    script.at(10).sent("req", 0).at(20).received("rep", "req", 0).answered("rep", 0, asked);
    script.at(30).received("req", "rep", 0).sent("req", 1).is_green();
    script.at(40).sent("req", 2).trips("alternation REQREP-REQ-02");

    let mut script = Script::new(ASKING);
    script.at(10).sent("req", 0).sent("other", 0).at(20).received("rep", "req", 0).is_green();
    script.at(30).received("rep", "other", 0).trips("alternation REQREP-REP-08");
}

#[test]
fn a_reply_belongs_to_its_request_and_its_requester() {
    let replied = |to: &str, at: &str| {
        let mut script = Script::new(ASKING);
        let asked = script.id(to, 0);
        script.at(10).sent("req", 0).sent("other", 0).at(20).received("rep", "req", 0).answered("rep", 0, asked);
        script.at(30).received(at, "rep", 0);
        script
    };
    replied("req", "req").is_green();
    assert!(replied("req", "other").symptoms().contains(&"reply REQREP-REP-10".to_owned()));
    assert_eq!(replied("other", "req").symptoms(), ["reply REQREP-REQ-09", "reply REQREP-REP-10"]);
}

#[test]
fn a_reply_that_is_waited_for_comes() {
    let waited = |until: u64| {
        let mut script = Script::new(ASKING);
        let asked = script.id("req", 0);
        script.at(5).event("req", "handshake-succeeded");
        script.at(10).sent("req", 0).at(20).received("rep", "req", 0).answered("rep", 0, asked);
        script.at(until).since(10).call("req", Call::RecvTimedOut);
        script
    };
    waited(60).is_green();
    waited(20_000).trips("reply REQREP-REQ-04");
}

#[test]
fn a_router_reaches_whom_it_names() {
    let mut script = Script::new(ROUTED);
    script.at(10).routed("router", 0, "one").at(20).received("one", "router", 0).is_green();
    script.at(30).routed("router", 1, "one").at(40).received("two", "router", 1);
    script.trips("addressee REQREP-ROUTER-12");
}

#[test]
fn a_router_calls_its_peers_by_their_ids() {
    let mut script = Script::new(ROUTED);
    script.at(5).event("one", "handshake-succeeded");
    script.at(10).sent("one", 0).at(20).received_under("router", "one", "one", 0);
    script.at(30).sent("two", 0).at(40).received_under("router", "\0two", "two", 0).is_green();
    let mut wrong = Script::new(ROUTED);
    wrong.at(10).sent("one", 0).at(20).received_under("router", "\0one", "one", 0);
    wrong.trips("identity REQREP-ROUTER-07");
    script.at(50).sent("two", 1).at(60).received_under("router", "\0new", "two", 1);
    script.trips("identity REQREP-ROUTER-06");
}

#[test]
fn a_router_with_room_drops_nothing_for_a_peer_that_is_there() {
    let hole = |event: Option<&str>| {
        let mut script = Script::with(ROUTED, RESET);
        script.at(5).event("one", "handshake-succeeded");
        script.at(10).routed("router", 0, "one").at(20).received("one", "router", 0);
        script.at(30).routed("router", 1, "one");
        if let Some(event) = event {
            script.at(35).fault(0).healed(0).event("one", event);
        }
        script.at(40).routed("router", 2, "one").at(50).received("one", "router", 2);
        script
    };
    hole(None).trips("delivery REQREP-ROUTER-12");
    hole(Some("disconnected")).is_green();
}

#[test]
fn messages_take_ways_of_the_plan() {
    let mut script = Script::new(&PIPE.replace("tcp://b:1", "tcp://c:1"));
    script.at(10).sent("push", 0).at(20).received("pull", "push", 0).trips("addressee ZMTP31-SEM-02");
    let mut script = Script::new(&PIPE.replace("\"PULL\"", "\"SUB\""));
    script.at(10).sent("push", 0).at(20).received("pull", "push", 0).trips("addressee ZMTP31-SOCKTYPE-21");
}

#[test]
fn nobody_talks_who_is_not_let_in() {
    let with = |allowed: &str| {
        let sockets = format!(
            r#"{{ name = "push", host = "a", type = "PUSH", connect = ["tcp://b:1"], options = {{ security = {{ mechanism = "CURVE", name = "eve", server-name = "bob" }} }} }},
            {{ name = "pull", host = "b", type = "PULL", bind = ["tcp://*:1"], options = {{ security = {{ mechanism = "CURVE", server = true, name = "bob", zap-domain = "d", allowed = ["{allowed}"] }} }} }},"#
        );
        let mut script = Script::new(&sockets);
        script.at(10).sent("push", 0).at(20).received("pull", "push", 0);
        script
    };
    with("eve").is_green();
    with("amy").trips("security ZAP-FIELD-07");
}

#[test]
fn a_pair_listens_to_one_peer() {
    let sockets = r#"
        { name = "pair", host = "a", type = "PAIR", bind = ["tcp://*:1"] },
        { name = "one", host = "b", type = "PAIR", connect = ["tcp://a:1"] },
        { name = "two", host = "c", type = "PAIR", connect = ["tcp://a:1"] },
    "#;
    let heard = |lost: bool| {
        let mut script = Script::with(sockets, RESET);
        script.at(5).event("pair", "handshake-succeeded");
        script.at(10).sent("one", 0).sent("one", 1).sent("two", 0);
        script.at(20).received("pair", "one", 0);
        if lost {
            script.at(25).fault(0).healed(0).event("pair", "disconnected");
        }
        script.at(30).received("pair", "two", 0).received("pair", "one", 1);
        script
    };
    heard(false).trips("pair EXPAIR-PAIR-01");
    heard(true).is_green();
}

#[test]
fn a_queue_holds_its_mark_exactly() {
    let mut script = Script::new(PIPE);
    script.at(5).event("push", "connect-delayed");
    script.at(10).sent_all("push", 0..3).is_green();
    script.at(20).refused("push", 3).is_green();
    script.at(30).sent("push", 4).trips("hwm PIPELINE-PUSH-11");
    let mut script = Script::new(PIPE);
    script.at(5).event("push", "connect-delayed");
    script.at(10).sent_all("push", 0..2).at(20).refused("push", 2).trips("hwm PIPELINE-PUSH-08");
}

#[test]
fn with_immediate_nothing_waits_for_a_peer_that_is_not_there() {
    let mut script = Script::new(&PIPE.replace("sndhwm = 3", "immediate = true"));
    script.at(5).event("push", "connect-delayed");
    script.at(20).refused("push", 0).is_green();
    script.at(30).sent("push", 1).trips("hwm PIPELINE-PUSH-11");
}

#[test]
fn over_inproc_both_marks_are_what_fits() {
    let sockets = r#"
        { name = "push", host = "a", type = "PUSH", connect = ["inproc://x"], options = { sndhwm = 3 } },
        { name = "pull", host = "a", type = "PULL", bind = ["inproc://x"], options = { rcvhwm = 2 } },
    "#;
    let mut script = Script::new(sockets);
    script.at(10).sent_all("push", 0..5).is_green();
    script.at(20).sent("push", 5).trips("hwm PIPELINE-PUSH-11");
}

#[test]
fn an_empty_queue_has_room() {
    let waits = |received: u32| {
        let mut script = pipe();
        script.at(20).sent_all("push", 0..3).at(30);
        (0..received).for_each(|number| {
            script.received("pull", "push", number);
        });
        script.at(900).since(400).refused("push", 3);
        script
    };
    waits(2).is_green();
    waits(3).trips("hwm PIPELINE-PUSH-08");
}

#[test]
fn publishers_never_wait() {
    let mut script = Script::new(NEWS);
    script.at(10).refused("pub", 0).trips("hwm PUBSUB-PUB-13");
    let mut script = Script::new(
        &NEWS.replace("bind = [\"tcp://*:1\"]", "bind = [\"tcp://*:1\"], options = { xpub-nodrop = true }"),
    );
    script.at(10).refused("pub", 0).is_green();
}

#[test]
fn termination_is_bounded_by_linger() {
    let mut script = pipe();
    script.at(500).terminated("a", 400).is_green();
    let mut script = pipe();
    script.at(5000).terminated("a", 400).trips("termination ZMQ_LINGER");
    let mut script = Script::new(&PIPE.replace("\"discard\"", "{ for = \"5s\" }"));
    script.at(5000).terminated("a", 400).is_green();
}

#[test]
fn connections_end_with_a_cause() {
    let mut script = pipe();
    script.at(20).event("push", "disconnected").trips("connection ZMTP31-ERROR-04");
    let beats = PIPE
        .replace("bind = [\"tcp://*:1\"], options = {", "bind = [\"tcp://*:1\"], options = { heartbeat-ivl = \"1s\",");
    let mut script = Script::new(&beats);
    script.at(20).event("push", "disconnected").trips("heartbeat ZMTP31-PING-11");
    // One that does not read answers nothing either.
    let mut script = Script::new(&PIPE.replace("sndhwm = 3", "heartbeat-ivl = \"1s\""));
    script.at(20).event("push", "disconnected").is_green();
    let mut script = Script::with(PIPE, PARTITION);
    script.at(10).fault(0).at(20).event("push", "disconnected").is_green();
    let mut script = pipe();
    script.at(15).closed("pull", None).at(20).event("push", "disconnected").is_green();
}

#[test]
fn heartbeats_find_dead_peers_in_time() {
    let sockets = PIPE.replace("sndhwm = 3", "heartbeat-ivl = \"1s\"");
    let noticed = |at: u64| {
        let mut script = Script::with(&sockets, PARTITION);
        script.at(10).event("push", "connected").event("push", "handshake-succeeded");
        script.at(5000).fault(0).at(at).event("push", "disconnected").at(25_000).healed(0).at(60_000).finished("push");
        script
    };
    noticed(7500).is_green();
    noticed(20_000).trips("heartbeat ZMTP31-PING-13");
}

#[test]
fn handshakes_end() {
    let sockets = PIPE.replace("sndhwm = 3", "handshake-ivl = \"2s\"");
    let ended = |at: u64| {
        let mut script = Script::with(&sockets, PARTITION);
        script.at(5).fault(0).at(10).event("push", "connected").at(at).event("push", "disconnected");
        script.at(60_000).finished("push");
        script
    };
    ended(2010).is_green();
    ended(9000).trips("handshake ZMQ_HANDSHAKE_IVL");
}

#[test]
fn attempts_keep_their_distance() {
    let tried = |options: &str, gaps: &[u64]| {
        let mut script = Script::new(&PIPE.replace("sndhwm = 3", options));
        let mut now = 100;
        for gap in gaps {
            now += gap;
            script.at(now).event("push", "connect-retried");
        }
        script
    };
    tried("reconnect-ivl = \"100ms\"", &[0, 100, 130]).is_green();
    tried("reconnect-ivl = \"100ms\"", &[0, 20]).trips("reconnect ZMTP31-ERROR-06");
    let growing = "reconnect-ivl = \"100ms\", reconnect-ivl-max = \"400ms\"";
    tried(growing, &[0, 100, 200, 400, 400]).is_green();
    tried(growing, &[0, 100, 100, 100]).trips("reconnect ZMTP31-ERROR-07");
}

#[test]
fn all_comes_back_and_nothing_is_left() {
    let actors = r#"actor = [
        { name = "push", sockets = ["push"], do = [{ settle = {} }] },
        { name = "pull", sockets = ["pull"], do = [{ settle = {} }] },
    ]"#;
    let mut script = Script::with(PIPE, actors);
    script.run().ending = Ending::OutOfTime(vec!["push: step 1 of 1, settle, since t+1s".into()]);
    script.trips("liveness ZMTP31-ERROR-05");
    let text = script.judged()[0].text.clone();
    assert!(text.contains("no probe of push came to pull"), "{text}");
    let mut script = Script::with(PIPE, actors);
    script.at(30_000).probed("push", 0).at(30_010).received("pull", "push", 0).is_green();
    script.run().left.push(Leftover { host: "a".into(), what: "timers".into(), count: 2 });
    script.trips("resources ZMQ_LINGER");
    let mut script = pipe();
    script.run().ending = Ending::Crashed("index out of bounds".into());
    script.trips("crash ZMTP31-ERROR-03");
    let mut script = pipe();
    script.run().ending = Ending::Deadlock(vec!["pull: step 1 of 1, recv, since t+1s".into()]);
    script.trips("liveness ZMTP31-SEM-03");
}

#[test]
fn promises_of_the_scenario_are_kept() {
    let expects = r#"expect = [
        { delivered = { from = "push", to = "pull", within = "1s" } },
        { done = { actor = "push", by = "1s" } },
        { no-failures = { actor = "pull" } },
    ]"#;
    let run = |received_at: u64, done_at: u64, fails: bool| {
        let mut script = Script::with(PIPE, expects);
        script.at(20).sent("push", 0);
        script.at(done_at).finished("push").at(received_at).received("pull", "push", 0);
        if fails {
            script.call("pull", Call::Failed { call: "recv".into(), errno: 4, why: "interrupted".into() });
        }
        script
    };
    run(500, 400, false).is_green();
    run(2500, 400, false).trips("expectation delivered");
    run(500, 1400, false).trips("expectation done");
    run(500, 400, true).trips("expectation no-failures");
    let withheld = r#"expect = [{ withheld = { from = "push", to = "pull" } }]"#;
    let mut script = Script::with(PIPE, withheld);
    script.at(20).sent("push", 0).is_green();
    script.at(30).received("pull", "push", 0).trips("expectation withheld");
}

#[test]
fn spans_and_frames_are_what_the_tests_take_them_for() {
    let script = pipe();
    let shape = Shape { topic: "", parts: 2, size: 40, answers: None };
    let made = frames(&script.plan, script.id("push", 0), shape);
    assert!(made.iter().all(|frame| super::script::is_of_actor(&script.plan, frame)));
    assert_eq!(Span::millis(5).to_string(), "5ms");
}
