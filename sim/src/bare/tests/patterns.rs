//! Every pattern over every transport, with nothing wrong: all arrives, once, and nothing is left.

use super::*;

/// Two hosts for tcp, one for what stays within a host.
fn scene(transport: &str, server: &str, client: &str, actors: &str) -> String {
    let (bound, connected, other) = match transport {
        "tcp" => ("tcp://*:5555", "tcp://server:5555", "client"),
        "ipc" => ("ipc:///tmp/x", "ipc:///tmp/x", "server"),
        "abstract" => ("ipc://@x", "ipc://@x", "server"),
        _ => ("inproc://x", "inproc://x", "server"),
    };
    let client_host = if other == "client" { "[[host]]\nname = \"client\"\n" } else { "" };
    format!(
        r#"
title = "a pattern"
seed = 11
limit = "60s"
heal = "1s"
[[host]]
name = "server"
{client_host}
[[socket]]
name = "bound"
host = "server"
bind = ["{bound}"]
{server}
[[socket]]
name = "connected"
host = "{other}"
connect = ["{connected}"]
{client}
{actors}
"#
    )
}

const TRANSPORTS: [&str; 4] = ["tcp", "ipc", "abstract", "inproc"];

#[test]
fn push_reaches_pull() {
    for transport in TRANSPORTS {
        let run = play_well(&scene(
            transport,
            "type = \"PULL\"",
            "type = \"PUSH\"",
            r#"
[[actor]]
name = "source"
sockets = ["connected"]
do = [{ send = { count = 500, size = 100, parts = 3 } }]
[[actor]]
name = "sink"
sockets = ["bound"]
do = [{ recv = { count = 500 } }]
"#,
        ));
        let received = received(&run, 1);
        assert_eq!(received.len(), 500, "{transport}");
        assert!(received.values().all(|times| *times == 1));
    }
}

#[test]
fn requests_have_their_replies() {
    for (client, server) in [("REQ", "REP"), ("REQ", "ROUTER"), ("DEALER", "REP"), ("DEALER", "ROUTER")] {
        for transport in TRANSPORTS {
            let run = play_well(&scene(
                transport,
                &format!("type = \"{server}\""),
                &format!("type = \"{client}\""),
                r#"
[[actor]]
name = "client"
sockets = ["connected"]
do = [{ request = { count = 200, size = 10 } }]
[[actor]]
name = "server"
sockets = ["bound"]
do = [{ serve = { count = 200 } }]
"#,
            ));
            assert_eq!(received(&run, 0).len(), 200, "{client} {server} {transport}");
        }
    }
}

#[test]
fn subscribers_get_what_they_want() {
    for (publisher, subscriber) in [("PUB", "SUB"), ("XPUB", "SUB"), ("PUB", "XSUB"), ("XPUB", "XSUB")] {
        for transport in TRANSPORTS {
            let run = play_well(&scene(
                transport,
                &format!("type = \"{publisher}\""),
                &format!("type = \"{subscriber}\"\nsubscribe = [\"news.\"]"),
                r#"
[[actor]]
name = "publisher"
sockets = ["bound"]
do = [{ wait = "1s" }, { send = { count = 100, topics = ["news.", "sport."] } }]
[[actor]]
name = "subscriber"
sockets = ["connected"]
do = [{ recv = { count = 50 } }, { recv = { for = "1s" } }]
"#,
            ));
            assert_eq!(received(&run, 1).len(), 50, "{publisher} {subscriber} {transport}: {}", story(&run));
        }
    }
}

#[test]
fn pairs_and_dealers_talk_both_ways() {
    for kind in ["PAIR", "DEALER"] {
        for transport in TRANSPORTS {
            let run = play_well(&scene(
                transport,
                &format!("type = \"{kind}\""),
                &format!("type = \"{kind}\""),
                r#"
[[actor]]
name = "one"
sockets = ["bound"]
do = [{ send = { count = 50 } }, { recv = { count = 50 } }]
[[actor]]
name = "other"
sockets = ["connected"]
do = [{ send = { count = 50 } }, { recv = { count = 50 } }]
"#,
            ));
            assert_eq!((received(&run, 0).len(), received(&run, 1).len()), (50, 50), "{kind} {transport}");
        }
    }
}
