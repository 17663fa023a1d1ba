//! Any plan ends, and is the same run each time.

use proptest::prelude::*;

use super::*;
use crate::actor::message::Part;

/// Two types that talk, and what their actors do: the bound side first.
const KINDS: [(&str, &str, &str, &str); 8] = [
    ("PULL", "PUSH", "recv = { for = \"20s\" }", "send = { count = COUNT, parts = 2, timeout = \"1s\" }"),
    (
        "PUSH",
        "PULL",
        "send = { count = COUNT, every = \"7ms\", timeout = \"1s\" }",
        "recv = { for = \"20s\", every = \"3ms\" }",
    ),
    ("REP", "REQ", "serve = {}", "request = { count = COUNT, timeout = \"500ms\", retry = \"reopen\" }"),
    ("ROUTER", "DEALER", "serve = {}", "request = { count = COUNT, timeout = \"500ms\", retry = \"again\" }"),
    ("ROUTER", "REQ", "serve = {}", "request = { count = COUNT, timeout = \"300ms\" }"),
    ("PUB", "SUB", "send = { count = COUNT, every = \"10ms\", topics = [\"a\", \"b\"] }", "recv = { for = \"15s\" }"),
    (
        "XPUB",
        "XSUB",
        "send = { count = COUNT, every = \"10ms\", topics = [\"a\"] }",
        "recv = { for = \"15s\", cancel-after = 2 }",
    ),
    ("PAIR", "PAIR", "send = { count = COUNT, timeout = \"1s\", cancel-after = 1 }", "recv = { for = \"10s\" }"),
];

const FAULTS: [&str; 14] = [
    "reset = { between = [\"server\", \"client\"] }",
    "partition = { between = [\"server\", \"client\"] }",
    "partition = { between = [\"server\", \"client\"], flow = \"hold\", direction = \"forth\" }",
    "half-open = { between = [\"server\", \"client\"] }",
    "stall = { between = [\"server\", \"client\"] }",
    "slow-link = { between = [\"server\", \"client\"], latency = \"300ms\", bandwidth = 2000 }",
    "tiny-buffers = { host = \"server\", octets = 20 }",
    "torn = { host = \"client\", at-most = 3 }",
    "duplicate-connect = { socket = \"connected\" }",
    "down = { host = \"server\", how = \"kill\" }",
    "down = { host = \"client\", how = \"power-loss\", other-address = true }",
    "pause = { host = \"client\" }",
    "refuse-accept = { host = \"server\" }",
    "clock-jump = { host = \"client\", by = \"5s\" }",
];

const OPTIONS: [&str; 8] = [
    "sndhwm = 1",
    "rcvhwm = 1",
    "immediate = true",
    "heartbeat-ivl = \"300ms\"",
    "handshake-ivl = \"500ms\"",
    "reconnect-ivl = \"20ms\"",
    "reconnect-ivl-max = \"1s\"",
    "connect-timeout = \"700ms\"",
];

fn plan() -> impl Strategy<Value = String> {
    let fault = (0..FAULTS.len(), 0..8_000_u32, 1..4_000_u32);
    let options = || proptest::sample::subsequence(OPTIONS.to_vec(), 0..5);
    let faults = proptest::collection::vec(fault, 0..8);
    let transport = prop_oneof![4 => Just("tcp"), 1 => Just("ipc"), 1 => Just("inproc")];
    (any::<u32>(), 0..KINDS.len(), 1..60_u32, faults, options(), options(), transport).prop_map(
        |(seed, kind, count, faults, of_bound, of_connected, transport)| {
            let (bound, connected, first, second) = KINDS[kind];
            let (at, to, host) = match transport {
                "tcp" => ("tcp://*:5555", "tcp://server:5555", "client"),
                "ipc" => ("ipc:///x", "ipc:///x", "server"),
                _ => ("inproc://x", "inproc://x", "server"),
            };
            let subscribe = if connected.ends_with("SUB") { "subscribe = [\"a\"]" } else { "" };
            let options = |options: &[&str]| [&["linger = { for = \"2s\" }"], options].concat().join(", ");
            let faults: String = faults
                .iter()
                .map(|(what, at, span)| {
                    format!("[[fault]]\nat = \"{at}ms\"\nfor = \"{span}ms\"\nwhat = {{ {} }}\n", FAULTS[*what])
                })
                .collect();
            format!(
                r#"
title = "any"
seed = {seed}
limit = "90s"
heal = "10s"
[[host]]
name = "server"
[[host]]
name = "client"
[[socket]]
name = "bound"
host = "server"
type = "{bound}"
bind = ["{at}"]
options = {{ {} }}
[[socket]]
name = "connected"
host = "{host}"
type = "{connected}"
connect = ["{to}"]
{subscribe}
options = {{ {} }}
[[actor]]
name = "bound"
sockets = ["bound"]
do = [{{ {} }}, {{ settle = {{}} }}]
[[actor]]
name = "connected"
sockets = ["connected"]
do = [{{ {} }}, {{ settle = {{}} }}]
{faults}"#,
                options(&of_bound),
                options(&of_connected),
                first.replace("COUNT", &count.to_string()),
                second.replace("COUNT", &count.to_string()),
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever goes wrong: nothing panics, all comes to an end, nothing is left, nobody receives what nobody sent, and
    /// no message is torn or comes twice over one connection.
    #[test]
    fn any_plan_ends_well(text in plan()) {
        let run = play(&text);
        prop_assert_eq!(&run.ending, &Ending::Finished, "{}\n{}", text, story(&run));
        prop_assert_eq!(&run.left, &vec![], "{}", text);
        for (_, _, _, call) in run.history.calls() {
            if let Call::Received(message) = call {
                for (place, part) in message.parts.iter().enumerate() {
                    let whole = matches!(part, Part::Of { part, parts, whole: true, .. }
                        if usize::from(*part) == place && usize::from(*parts) == message.parts.len());
                    let notice = matches!(part, Part::Foreign(octets) if matches!(octets.first(), Some(0 | 1)));
                    prop_assert!(whole || notice, "{}: {:?}", text, message);
                }
            }
        }
    }
}
