//! Every pattern, over every transport, without faults: all is delivered, however calls are cancelled.

use zmq_sim::engine::Run;
use zmq_sim::plan::{Plan, Step};

use super::plans::{plan, received, run, sent};

/// Two sockets, `a` bound and `b` connected, and what their actors do. Ends of ipc and inproc are on one host.
fn pair(transport: &str, [a, b]: [&str; 2], [does_a, does_b]: [&str; 2]) -> Plan {
    let (host_b, bind, connect) = match transport {
        "tcp" => ("there", "tcp://*:5555", "tcp://here:5555"),
        "ipc" => ("here", "ipc:///tmp/meeting", "ipc:///tmp/meeting"),
        "abstract" => ("here", "ipc://@meeting", "ipc://@meeting"),
        "inproc" => ("here", "inproc://meeting", "inproc://meeting"),
        other => panic!("{other}"),
    };
    plan(&format!(
        r#"
        title = '''{a} and {b} over {transport}'''
        seed = 3
        [[host]]
        name = "here"
        [[host]]
        name = "there"
        [[socket]]
        name = "a"
        host = "here"
        bind = ["{bind}"]
        {a}
        [[socket]]
        name = "b"
        host = "{host_b}"
        connect = ["{connect}"]
        {b}
        [[actor]]
        name = "a"
        sockets = ["a"]
        do = [{does_a}]
        [[actor]]
        name = "b"
        sockets = ["b"]
        do = [{does_b}]
        "#
    ))
}

const TRANSPORTS: [&str; 4] = ["tcp", "ipc", "abstract", "inproc"];

/// All that either has sent has come to the other, in order.
fn all_delivered(plan: &Plan, run: &Run) {
    assert_eq!(received(plan, run, "a"), sent(plan, run, "b"), "{}", plan.title);
    assert_eq!(received(plan, run, "b"), sent(plan, run, "a"), "{}", plan.title);
}

#[test]
fn one_way() {
    for transport in TRANSPORTS {
        for (a, b) in [("PULL", "PUSH"), ("PAIR", "PAIR"), ("DEALER", "DEALER"), ("ROUTER", "DEALER")] {
            let types = [format!("type = {a:?}"), format!("type = {b:?}")];
            let does = ["{ recv = { count = 50 } }", "{ send = { count = 50, parts = 3, size = 2000 } }"];
            let plan = pair(transport, [&types[0], &types[1]], does);
            let run = run(&plan);
            all_delivered(&plan, &run);
            assert_eq!(received(&plan, &run, "a").len(), 50);
        }
    }
}

#[test]
fn publications_after_subscriptions() {
    for transport in TRANSPORTS {
        for (a, b) in [("PUB", "SUB"), ("PUB", "XSUB"), ("XPUB", "SUB"), ("XPUB", "XSUB")] {
            let types = [format!("type = {a:?}"), format!("type = {b:?}\nsubscribe = [\"news\"]")];
            let does = [
                r#"{ wait = "1s" }, { send = { count = 20, topics = ["news.", "weather."] } }"#,
                "{ recv = { count = 10 } }",
            ];
            let plan = pair(transport, [&types[0], &types[1]], does);
            let run = run(&plan);
            assert_eq!(received(&plan, &run, "b").len(), 10, "{}", plan.title);
        }
    }
}

#[test]
fn requests_and_replies() {
    for transport in TRANSPORTS {
        for (a, b) in [("REP", "REQ"), ("ROUTER", "REQ"), ("REP", "DEALER"), ("ROUTER", "DEALER")] {
            let types = [format!("type = {a:?}"), format!("type = {b:?}")];
            let does = ["{ serve = { count = 30 } }", "{ request = { count = 30, size = 100 } }"];
            let plan = pair(transport, [&types[0], &types[1]], does);
            let run = run(&plan);
            all_delivered(&plan, &run);
            assert_eq!(received(&plan, &run, "b").len(), 30);
        }
    }
}

#[test]
fn peers_that_know_each_other() {
    let plain = |server: bool| match server {
        true => r#"options.security = { mechanism = "PLAIN", server = true, zap-domain = "d", allowed = ["me"] }"#,
        false => r#"options.security = { mechanism = "PLAIN", name = "me", password = "secret" }"#,
    };
    let curve = |server: bool| match server {
        true => {
            r#"options.security = { mechanism = "CURVE", server = true, name = "s", zap-domain = "d", allowed = ["me"] }"#
        }
        false => r#"options.security = { mechanism = "CURVE", name = "me", server-name = "s" }"#,
    };
    let options: [&dyn Fn(bool) -> &'static str; 2] = [&plain, &curve];
    for option in options {
        for transport in ["tcp", "ipc"] {
            let types = [format!("type = \"PULL\"\n{}", option(true)), format!("type = \"PUSH\"\n{}", option(false))];
            let does = ["{ recv = { count = 20 } }", "{ send = { count = 20 } }"];
            let plan = pair(transport, [&types[0], &types[1]], does);
            all_delivered(&plan, &run(&plan));
        }
    }
}

#[test]
fn who_is_not_allowed_gets_nothing_in() {
    let server = r#"options.security = { mechanism = "PLAIN", server = true, zap-domain = "d", allowed = ["you"] }"#;
    let client = r#"options = { linger = "discard", security = { mechanism = "PLAIN", name = "me" } }"#;
    let types = [format!("type = \"PULL\"\n{server}"), format!("type = \"PUSH\"\n{client}")];
    let does = [r#"{ recv = { for = "5s" } }"#, r#"{ send = { count = 5 } }, { wait = "5s" }"#];
    let plan = pair("tcp", [&types[0], &types[1]], does);
    let run = run(&plan);
    assert_eq!(sent(&plan, &run, "b").len(), 5);
    assert_eq!(received(&plan, &run, "a"), Vec::<String>::new());
}

#[test]
fn a_device_passes_on_both_ways() {
    let plan = plan(
        r#"
        title = "a device"
        [[host]]
        name = "client"
        [[host]]
        name = "device"
        [[host]]
        name = "server"
        [[socket]]
        name = "client"
        host = "client"
        type = "REQ"
        connect = ["tcp://device:1"]
        [[socket]]
        name = "front"
        host = "device"
        type = "ROUTER"
        bind = ["tcp://*:1"]
        [[socket]]
        name = "back"
        host = "device"
        type = "DEALER"
        bind = ["tcp://*:2"]
        [[socket]]
        name = "server"
        host = "server"
        type = "REP"
        connect = ["tcp://device:2"]
        [[actor]]
        name = "a"
        sockets = ["client"]
        do = [{ request = { count = 20 } }]
        [[actor]]
        name = "device"
        sockets = ["front", "back"]
        do = [{ forward = { front = "front", back = "back", for = "10s" } }]
        [[actor]]
        name = "b"
        sockets = ["server"]
        do = [{ serve = { count = 20 } }]
        "#,
    );
    let run = run(&plan);
    all_delivered(&plan, &run);
    assert_eq!(received(&plan, &run, "a").len(), 20);
}

/// A send that was cancelled is never delivered, and a receive that was cancelled loses nothing.
#[test]
fn calls_are_dropped_at_every_poll() {
    for transport in TRANSPORTS {
        for after in 1..6 {
            let types = ["type = \"PULL\"\noptions.rcvhwm = 1", "type = \"PUSH\"\noptions.sndhwm = 1"];
            let does = [
                format!(r#"{{ recv = {{ count = 30, every = "3ms", cancel-after = {after} }} }}"#),
                format!("{{ send = {{ count = 30, size = 3000, cancel-after = {after} }} }}"),
            ];
            let plan = pair(transport, types, [&does[0], &does[1]]);
            all_delivered(&plan, &run(&plan));
        }
    }
}

/// Of the seeds of one plan some go other ways: the order of what is ready is drawn.
#[test]
fn seeds_differ() {
    let does = ["{ serve = { count = 5 } }", "{ request = { count = 5 } }"];
    let mut plan = pair("inproc", ["type = \"REP\"", "type = \"REQ\""], does);
    plan.actors.push(zmq_sim::plan::Actor { name: "c".into(), sockets: vec!["a".into()], r#do: Vec::new() });
    plan.actors[2].r#do.push(Step::Wait(zmq_sim::time::Span::millis(1)));
    let hashes: std::collections::BTreeSet<u64> = (0..8)
        .map(|seed| {
            plan.seed = seed;
            run(&plan).hash
        })
        .collect();
    assert_eq!(hashes.len(), 8);
}
