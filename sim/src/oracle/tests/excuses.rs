//! What looks like a broken promise and is none, each beside the one that is.

use super::script::Script;
use crate::engine::Ending;
use crate::history::Call;
use crate::plan::Linger;

/// What happened in one instant is in the order of the entries: a queue that is read later in it was full before.
#[test]
fn a_queue_may_be_full_within_an_instant() {
    let sockets = r#"
        { name = "pub", host = "a", type = "PUB", bind = ["inproc://x"], options = { sndhwm = 2 } },
        { name = "sub", host = "a", type = "SUB", connect = ["inproc://x"], subscribe = ["a"] },
    "#;
    let missed = |read_in_time: bool| {
        let mut script = Script::new(sockets);
        script.at(10).published("pub", 0, "a").received("sub", "pub", 0).published("pub", 1, "a");
        if read_in_time {
            script.received("sub", "pub", 1).published("pub", 2, "a");
        } else {
            script.published("pub", 2, "a").received("sub", "pub", 1);
        }
        script.published("pub", 3, "a").received("sub", "pub", 3);
        script
    };
    missed(false).is_green();
    missed(true).trips("subscription PUBSUB-SUB-11");
}

/// Two who send before they receive wait for each other, once their queues are full.
#[test]
fn two_who_only_send_wait_for_each_other() {
    let sockets = r#"
        { name = "one", host = "a", type = "PAIR", bind = ["inproc://x"], options = { sndhwm = 2, rcvhwm = 2 } },
        { name = "two", host = "a", type = "PAIR", connect = ["inproc://x"], options = { sndhwm = 2, rcvhwm = 2 } },
    "#;
    let actors = r#"actor = [
        { name = "one", sockets = ["one"], do = [{ send = { count = 9 } }, { settle = {} }] },
        { name = "two", sockets = ["two"], do = [{ send = { count = 9 } }, { settle = {} }] },
    ]"#;
    let stuck = |sent: u32, other: &str| {
        let mut script = Script::with(sockets, actors);
        script.at(10).sent_all("one", 0..sent).sent_all("two", 0..sent);
        let positions = ["one: step 1 of 2, send, since t+0s".to_owned(), format!("two: {other}, since t+0s")];
        script.run().ending = Ending::Deadlock(positions.to_vec());
        script
    };
    stuck(4, "step 1 of 2, send").is_green();
    // One of them reads.
    stuck(4, "step 2 of 2, settle").trips("liveness ZMTP31-ERROR-05");
    // There is room.
    stuck(0, "step 1 of 2, send").trips("liveness ZMTP31-ERROR-05");
}

/// Who is parted over inproc is not joined again, unless it connects again.
#[test]
fn nobody_is_joined_again_over_inproc() {
    let with = |endpoint: &str| {
        format!(
            r#"{{ name = "req", host = "a", type = "REQ", bind = ["{endpoint}"] }},
            {{ name = "rep", host = "a", type = "REP", connect = ["{endpoint}"] }},"#
        )
    };
    let actors = r#"actor = [
        { name = "req", sockets = ["req"], do = [{ request = { count = 1, timeout = "1s" } }, { settle = {} }] },
        { name = "rep", sockets = ["rep"], do = [{ serve = {} }] },
    ]"#;
    let parted = |endpoint: &str, is_closed: bool, again: bool| {
        let mut script = Script::with(&with(endpoint), actors);
        script.at(1000);
        if is_closed {
            script.closed("req", Some(Linger::Discard)).call("req", Call::Open);
            script.call("req", Call::Bind(endpoint.into()));
        }
        if again {
            script.at(1001).call("rep", Call::Connect(endpoint.into()));
        }
        let positions = ["req: step 2 of 2, settle, since t+1s", "rep: step 1 of 1, serve, since t+0s"];
        script.run().ending = Ending::OutOfTime(positions.map(str::to_owned).to_vec());
        script.symptoms()
    };
    let missing = ["liveness ZMTP31-ERROR-05", "liveness REQREP-REP-10"];
    assert!(parted("inproc://x", true, false).is_empty());
    assert_eq!(parted("inproc://x", false, false), missing);
    assert_eq!(parted("inproc://x", true, true), missing);
    assert_eq!(parted("ipc://x", true, false), missing);
}

/// Who lost its power has nothing of a connection that goes on for the other, beside the next one: what was sent on it is
/// lost with it, although it is told of later.
#[test]
fn a_connection_to_nobody_goes_on_for_a_while() {
    let sockets = r#"
        { name = "one", host = "a", type = "DEALER", bind = ["tcp://*:1"] },
        { name = "two", host = "b", type = "DEALER", connect = ["tcp://a:1"] },
    "#;
    let hole = |again: bool| {
        let mut script = Script::new(sockets);
        script.at(10).event("one", "accepted").event("one", "handshake-succeeded");
        script.at(20).sent("one", 0).at(30).received("two", "one", 0);
        script.at(40).sent("one", 1);
        if again {
            script.at(50).event("one", "accepted").event("one", "handshake-succeeded");
        }
        script.at(60).sent("one", 2).at(70).received("two", "one", 2);
        if again {
            script.at(900).event("one", "disconnected");
        }
        script.symptoms().into_iter().filter(|symptom| symptom.starts_with("delivery")).collect::<Vec<_>>()
    };
    assert!(hole(true).is_empty());
    assert_eq!(hole(false), ["delivery REQREP-DEALER-11"]);
}

/// A PAIR that connects before its last connection is over refuses the new one itself.
#[test]
fn a_pair_that_has_a_peer_refuses_the_next() {
    let sockets = r#"
        { name = "one", host = "a", type = "PAIR", bind = ["tcp://*:1"] },
        { name = "two", host = "b", type = "PAIR", connect = ["tcp://a:1"] },
    "#;
    let actors = r#"actor = [
        { name = "one", sockets = ["one"], do = [{ settle = {} }] },
        { name = "two", sockets = ["two"], do = [{ settle = {} }] },
    ]"#;
    let again = |is_over: bool| {
        let mut script = Script::with(sockets, actors);
        script.at(10).event("two", "connected").at(20).call("two", Call::Disconnect("tcp://a:1".into()));
        if is_over {
            script.at(30).event("two", "disconnected");
        }
        script.at(40).call("two", Call::Connect("tcp://a:1".into()));
        let positions = ["one: step 1 of 1, settle, since t+1s", "two: step 1 of 1, settle, since t+1s"];
        script.run().ending = Ending::OutOfTime(positions.map(str::to_owned).to_vec());
        script.symptoms().into_iter().filter(|symptom| symptom.starts_with("liveness")).collect::<Vec<_>>()
    };
    assert!(again(false).is_empty());
    assert_eq!(again(true), ["liveness ZMTP31-ERROR-05"]);
}

/// Connections of one routing id that a ROUTER hands over take it from each other without end.
#[test]
fn a_routing_id_that_is_taken_over_again_and_again_demands_nothing() {
    let sockets = |options: &str| {
        format!(
            r#"{{ name = "router", host = "a", type = "ROUTER", bind = ["tcp://*:1"], options = {{ {options} }} }},
            {{ name = "dealer", host = "b", type = "DEALER", connect = ["tcp://a:1"], options = {{ routing-id = "x" }} }},"#
        )
    };
    let more = |fault: &str| {
        format!(
            r#"actor = [
                {{ name = "router", sockets = ["router"], do = [{{ serve = {{}} }}] }},
                {{ name = "dealer", sockets = ["dealer"], do = [{{ settle = {{}} }}] }},
            ]
            {fault}"#
        )
    };
    let twice = r#"fault = [{ at = "1s", what = { duplicate-connect = { socket = "dealer" } } }]"#;
    let pending = |options: &str, fault: &str| {
        let script = Script::with(&sockets(options), &more(fault));
        crate::settle::Settlement::of(&script.plan).duties().count()
    };
    assert_eq!(pending("router-handover = true", twice), 0);
    assert_eq!(pending("router-handover = true", ""), 2);
    assert_eq!(pending("", twice), 2);
}
