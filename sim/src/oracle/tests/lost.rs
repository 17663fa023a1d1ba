//! Lost messages and what is said of them.

use super::script::Script;
use crate::explain::{Death, lost};
use crate::history::Call;
use crate::plan::Linger;
use crate::time::Time;

const PIPE: &str = r#"
    { name = "push", host = "a", type = "PUSH", connect = ["tcp://b:1"] },
    { name = "pull", host = "b", type = "PULL", bind = ["tcp://*:1"] },
"#;
const NEWS: &str = r#"
    { name = "pub", host = "a", type = "PUB", bind = ["tcp://*:1"], options = { sndhwm = 4 } },
    { name = "sub", host = "b", type = "SUB", connect = ["tcp://a:1"], subscribe = ["a"] },
"#;
const RESET: &str = "fault = [{ at = \"1s\", what = { reset = { between = [\"a\", \"b\"] } } }]";

const fn at(millis: u64) -> Time {
    Time::from_nanos(millis * 1_000_000)
}

#[track_caller]
fn deaths(script: &mut Script, expected: &[Death]) -> String {
    let plan = script.plan.clone();
    let all = lost(&plan, script.run());
    let found: Vec<Death> = all.iter().map(|message| message.death.clone()).collect();
    assert_eq!(found, expected);
    all.iter().map(|message| format!("{message}\n")).collect()
}

fn connected(more: &str) -> Script {
    let mut script = Script::with(PIPE, more);
    script.at(5).event("push", "handshake-succeeded").event("pull", "handshake-succeeded");
    script
}

#[test]
fn what_dies_with_a_connection_names_it_and_the_fault() {
    let mut script = connected(RESET);
    script.at(10).sent("push", 0).sent("push", 1).at(20).received("pull", "push", 0);
    script.at(30).fault(0).healed(0).event("push", "disconnected").at(40).finished("pull");
    let text = deaths(&mut script, &[Death::WithConnection(at(30))]);
    insta::assert_snapshot!(text, @r"
    push.0#1 (taken by push at t+10ms, missed by pull) died with a connection that was lost at t+30ms (at 1s: connections between a and b are reset)
      allowed by PIPELINE-PUSH-06
      kept by no option: what a connection carries goes with it; have it acknowledged and send it again (REQ, DEALER)
    ");
}

#[test]
fn what_dies_at_a_close_names_the_linger() {
    let mut script = connected("");
    script.at(10).sent("push", 0).at(20).closed("push", Some(Linger::Discard)).at(30).finished("pull");
    let text = deaths(&mut script, &[Death::AtClose(at(20))]);
    assert!(text.contains("allowed by ZMQ_LINGER") && text.contains("kept by a longer linger"), "{text}");
    let mut script = connected("");
    script.at(10).sent("push", 0).at(20).closed("pull", None).at(30).finished("pull");
    deaths(&mut script, &[Death::InClosedReceiver(at(20))]);
}

#[test]
fn what_nobody_could_get_and_what_nobody_fetched() {
    let mut script = Script::new(PIPE);
    script.at(5).event("push", "connect-delayed").at(10).sent("push", 0).at(30).finished("push");
    deaths(&mut script, &[Death::NeverConnected]);
    let mut script = connected("");
    script.at(10).sent("push", 0).at(30).finished("push");
    deaths(&mut script, &[Death::NotReceived]);
}

#[test]
fn of_what_a_publisher_drops_each_subscriber_is_told() {
    let mut script = Script::new(NEWS);
    script.at(1).published("pub", 0, "a").published("pub", 1, "b");
    script.at(5).event("sub", "handshake-succeeded");
    script.at(10).published("pub", 2, "a").at(15).received("sub", "pub", 2).at(20);
    (3..9).for_each(|number| {
        script.published("pub", number, "a");
    });
    script.at(30);
    (3..7).for_each(|number| {
        script.received("sub", "pub", number);
    });
    let text = deaths(
        &mut script,
        &[Death::NoSubscription, Death::NoSubscription, Death::AtHighWaterMark, Death::AtHighWaterMark],
    );
    assert!(text.contains("pub.0#0 (taken by pub at t+1ms, missed by sub)"), "{text}");
    assert!(text.contains("pub.0#1 (taken by pub at t+1ms) died at the publisher"), "{text}");
}

#[test]
fn a_router_drops_for_nobody() {
    let sockets = r#"
        { name = "router", host = "a", type = "ROUTER", bind = ["tcp://*:1"] },
        { name = "one", host = "b", type = "DEALER", connect = ["tcp://a:1"], options = { routing-id = "one" } },
    "#;
    let mut script = Script::new(sockets);
    script.at(10).routed("router", 0, "one").at(20).call("one", Call::RecvTimedOut);
    let text = deaths(&mut script, &[Death::NoSuchPeer]);
    assert!(text.contains("router-mandatory"), "{text}");
}
