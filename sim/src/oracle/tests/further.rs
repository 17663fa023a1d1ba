//! More oracles, each with a history that trips it, and one beside it that does not.

use super::script::Script;
use crate::engine::Ending;
use crate::history::Call;

const LATEST: &str = r#"
    { name = "push", host = "a", type = "PUSH", connect = ["tcp://b:1"], options = { linger = "discard" } },
    { name = "pull", host = "b", type = "PULL", bind = ["tcp://*:1"], options = { conflate = true, linger = "discard" } },
"#;
const SETTLED: &str = r#"actor = [
    { name = "push", sockets = ["push"], do = [] },
    { name = "pull", sockets = ["pull"], do = [{ settle = {} }] },
]"#;
const BOTH: &str = r#"
    { name = "router", host = "a", type = "ROUTER", bind = ["tcp://*:1"] },
    { name = "one", host = "b", type = "DEALER", connect = ["tcp://a:1"], options = { routing-id = "x" } },
    { name = "two", host = "c", type = "DEALER", connect = ["tcp://a:1"], options = { routing-id = "x" } },
"#;
const RELAXED: &str = r#"
    { name = "req", host = "a", type = "REQ", connect = ["tcp://b:1"], options = { req-relaxed = true } },
    { name = "rep", host = "b", type = "REP", bind = ["tcp://*:1"] },
"#;

const RESET: &str = "fault = [{ at = \"0s\", what = { reset = { between = [\"a\", \"b\"] } } }]";

#[test]
fn what_was_replaced_does_not_come() {
    let received = |at: u64, faults: &str| {
        let mut script = Script::with(LATEST, faults);
        script.at(10).event("pull", "handshake-succeeded");
        script.at(20).sent("push", 0).at(1000).sent("push", 1);
        script.at(at).received("pull", "push", 0).at(at + 10).received("pull", "push", 1);
        script
    };
    received(900, "").is_green();
    // The second may still be under way.
    received(1001, "").is_green();
    received(5000, "").trips("conflate ZMQ_CONFLATE");
    let mut late = received(5000, RESET);
    late.at(0).fault(0);
    late.is_green();
    // Without the option every message comes.
    let mut all = Script::new(&LATEST.replace("conflate = true, ", ""));
    all.at(10).event("pull", "handshake-succeeded").at(20).sent("push", 0).sent("push", 1);
    all.at(5000).received("pull", "push", 0).received("pull", "push", 1).is_green();
}

#[test]
fn the_last_message_comes() {
    let with = |comes: bool| {
        let mut script = Script::with(LATEST, SETTLED);
        script.at(10).event("pull", "handshake-succeeded");
        script.at(20).sent("push", 0).sent("push", 1).at(30).received("pull", "push", 0);
        if comes {
            script.received("pull", "push", 1);
        }
        script.at(60_000).finished("pull").terminated("a", 60_000).terminated("b", 60_000);
        script.run().ending = Ending::Finished;
        script
    };
    with(true).is_green();
    with(false).trips("conflate ZMQ_CONFLATE");
}

#[test]
fn who_keeps_the_last_has_room() {
    let mut script = Script::new(&LATEST.replace("{ linger", "{ conflate = true, linger"));
    script.at(20).sent("push", 0).at(40).since(30).refused("push", 1).trips("conflate ZMQ_CONFLATE");
    let mut script = Script::new(&LATEST.replace("{ linger", "{ conflate = true, immediate = true, linger"));
    script.at(40).since(30).refused("push", 1).is_green();
}

#[test]
fn attempts_do_not_wait_too_long() {
    let sockets = |options: &str| LATEST.replacen("linger", &format!("{options}, linger"), 1);
    let tried = |options: &str, gaps: &[u64]| {
        let mut script = Script::with(&sockets(options), RESET);
        let mut now = 100;
        script.at(now).event("push", "connect-retried");
        for gap in gaps {
            now += gap;
            script.at(now).event("push", "connect-delayed").event("push", "connect-retried");
        }
        script
    };
    tried("reconnect-ivl = \"100ms\"", &[100, 199]).is_green();
    tried("reconnect-ivl = \"100ms\"", &[100, 300]).trips("reconnect ZMQ_RECONNECT_IVL");
    let growing = "reconnect-ivl = \"100ms\", reconnect-ivl-max = \"800ms\"";
    tried(growing, &[100, 200, 400, 800, 800]).is_green();
    tried(growing, &[100, 200, 400, 1600]).trips("reconnect ZMQ_RECONNECT_IVL");
    // Behind a connection it begins anew.
    let mut again = tried(growing, &[100, 200]);
    again.at(800).event("push", "connected").at(900).fault(0).healed(0).event("push", "disconnected");
    again.event("push", "connect-retried");
    again.at(1700).event("push", "connect-delayed").trips("reconnect ZMQ_RECONNECT_IVL");
}

#[test]
fn a_peer_is_dead_when_its_time_to_live_is_over() {
    let sockets = LATEST.replace("conflate = true", "heartbeat-ivl = \"1s\", heartbeat-ttl = \"2s\"");
    let partition = "fault = [{ at = \"5s\", for = \"20s\", what = { partition = { between = [\"a\", \"b\"] } } }]";
    let noticed = |at: u64| {
        let mut script = Script::with(&sockets, partition);
        script.at(10).event("push", "connected").event("push", "handshake-succeeded");
        script.at(5000).fault(0).at(at).event("push", "disconnected").at(25_000).healed(0).at(60_000).finished("push");
        script
    };
    noticed(8500).is_green();
    noticed(20_000).trips("heartbeat ZMTP31-PING-13");
}

#[test]
fn the_first_of_an_id_keeps_it() {
    let kicked = |comes: u64, closed: bool| {
        let mut script = Script::new(BOTH);
        script.at(10).event("one", "connected").at(20).event("one", "handshake-succeeded");
        script.at(comes).event("two", "connected");
        if closed {
            script.at(comes + 5).closed("one", None);
        }
        script.at(comes + 10).event("one", "disconnected");
        script
    };
    kicked(1000, false).trips("identity REQREP-ROUTER-06");
    kicked(1000, true).is_green();
    // Which of them was the first is not for them to see.
    kicked(21, false).is_green();
}

#[test]
fn what_came_before_the_request_is_no_reply_to_it() {
    let replied = |asked_again: u64| {
        let mut script = Script::new(RELAXED);
        let asked = script.id("req", 0);
        script.at(5).event("req", "handshake-succeeded");
        script.at(10).sent("req", 0).at(20).received("rep", "req", 0).answered("rep", 0, asked);
        script.at(asked_again).sent("req", 1).at(asked_again + 10).received("req", "rep", 0);
        script
    };
    replied(21).is_green();
    replied(500).trips("reply REQREP-REQ-10");
}

#[test]
fn a_sub_hands_over_what_it_is_subscribed_to() {
    let sockets = |of: &str| {
        format!(
            "{{ name = \"pub\", host = \"a\", type = \"PUB\", bind = [\"tcp://*:1\"] }},
            {{ name = \"sub\", host = \"b\", type = \"{of}\", connect = [\"tcp://a:1\"], subscribe = [\"a\", \"b\"] }},"
        )
    };
    let cancelled = |of: &str| {
        let mut script = Script::new(&sockets(of));
        script.at(10).published("pub", 0, "a").at(11).call("sub", Call::Unsubscribe("a".into()));
        script.at(12).received("sub", "pub", 0);
        script
    };
    cancelled("SUB").trips("subscription ZMQ_SUBSCRIBE");
    // Its publisher does not know of it yet.
    cancelled("XSUB").is_green();
}

#[test]
fn a_router_that_has_to_say_so_takes_nothing_for_nobody() {
    let routed = |mandatory: bool, at: u64| {
        let sockets = BOTH.replace("bind = [", &format!("options = {{ router-mandatory = {mandatory} }}, bind = ["));
        let mut script = Script::new(&sockets);
        script.at(0).event("one", "connect-delayed");
        if at > 500 {
            script.at(500).event("one", "connected");
        }
        script.at(at).routed("router", 0, "x");
        if at <= 500 {
            script.at(700).event("one", "connected");
        }
        script
    };
    routed(true, 400).trips("addressee REQREP-ROUTER-13");
    routed(true, 600).is_green();
    routed(false, 400).is_green();
}
