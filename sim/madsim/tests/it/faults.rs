//! Plans with faults end well: who comes back is reached again, and nothing is left behind.

use super::plans::{plan, run, told};
use zmq_sim::history::What;
use zmq_sim::plan::Plan;

/// Sources on one host, sinks on another, each settled after the healing.
pub(crate) fn workers(faults: &str) -> Plan {
    plan(&format!(
        r#"
        title = "workers"
        seed = 5
        heal = "20s"
        [[host]]
        name = "office"
        [[host]]
        name = "works"
        [[host]]
        name = "shop"
        [[socket]]
        name = "source"
        host = "office"
        type = "PUSH"
        connect = ["tcp://works:5555", "tcp://shop:5555"]
        options = {{ heartbeat-ivl = "1s", linger = {{ for = "1s" }} }}
        [[socket]]
        name = "works"
        host = "works"
        type = "PULL"
        bind = ["tcp://*:5555"]
        options.heartbeat-ivl = "1s"
        [[socket]]
        name = "shop"
        host = "shop"
        type = "PULL"
        bind = ["tcp://*:5555"]
        options.heartbeat-ivl = "1s"
        [[socket]]
        name = "client"
        host = "shop"
        type = "REQ"
        connect = ["tcp://office:80"]
        options = {{ linger = "discard" }}
        [[socket]]
        name = "server"
        host = "office"
        type = "REP"
        bind = ["tcp://*:80"]
        [[actor]]
        name = "source"
        sockets = ["source"]
        do = [{{ send = {{ count = 200, every = "50ms", timeout = "1s" }} }}, {{ settle = {{}} }}]
        [[actor]]
        name = "works"
        sockets = ["works"]
        do = [{{ settle = {{}} }}]
        [[actor]]
        name = "shop"
        sockets = ["shop"]
        do = [{{ settle = {{}} }}]
        [[actor]]
        name = "client"
        sockets = ["client"]
        do = [{{ request = {{ count = 100, timeout = "1s", every = "100ms" }} }}, {{ settle = {{}} }}]
        [[actor]]
        name = "server"
        sockets = ["server"]
        do = [{{ serve = {{}} }}]
        {faults}
        "#
    ))
}

#[test]
fn none() {
    run(&workers(""));
}

#[test]
fn partitions() {
    for flow in ["drop", "hold"] {
        run(&workers(&format!(
            r#"
            [[fault]]
            at = "2s"
            for = "5s"
            what = {{ partition = {{ between = ["office", "works"], flow = "{flow}" }} }}
            "#
        )));
    }
}

#[test]
fn resets_and_half_open_connections() {
    for what in ["reset", "half-open", "stall"] {
        run(&workers(&format!(
            r#"
            [[fault]]
            at = "2s"
            for = "5s"
            what = {{ {what} = {{ between = ["office", "shop"] }} }}
            "#
        )));
    }
}

#[test]
fn processes_that_die_and_come_back() {
    for how in ["kill", "power-loss"] {
        for host in ["office", "shop"] {
            let plan = workers(&format!(
                r#"
                [[fault]]
                at = "2s"
                for = "3s"
                what = {{ down = {{ host = "{host}", how = "{how}" }} }}
                [[fault]]
                at = "9s"
                for = "1s"
                what = {{ down = {{ host = "{host}", how = "{how}", other-address = true }} }}
                "#
            ));
            let run = run(&plan);
            let lives = run.history.entries.iter().filter(|entry| matches!(entry.what, What::Up(..))).count();
            assert_eq!(lives, 2, "{}", told(&plan, &run));
        }
    }
}

#[test]
fn all_else_that_goes_wrong() {
    run(&workers(
        r#"
        [[fault]]
        at = "1s"
        for = "2s"
        what = { torn = { host = "office", at-most = 3 } }
        [[fault]]
        at = "2s"
        for = "2s"
        what = { pause = { host = "shop" } }
        [[fault]]
        at = "3s"
        for = "4s"
        what = { tiny-buffers = { host = "works", octets = 100 } }
        [[fault]]
        at = "5s"
        for = "2s"
        what = { no-descriptors = { host = "office" } }
        [[fault]]
        at = "5s"
        what = { reset = { between = ["office", "shop"] } }
        [[fault]]
        at = "8s"
        for = "1s"
        what = { refuse-accept = { host = "works" } }
        [[fault]]
        at = "8100ms"
        what = { reset = { between = ["office", "works"] } }
        [[fault]]
        at = "10s"
        what = { clock-jump = { host = "office", by = "1h" } }
        [[fault]]
        at = "11s"
        what = { duplicate-connect = { socket = "source" } }
        [[fault]]
        at = "12s"
        for = "3s"
        what = { name = { name = "office", change = "fails" } }
        "#,
    ));
}
