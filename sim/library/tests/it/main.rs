//! Plans on real sockets, in real time.

use zmq_sim::engine::{Ending, Engine, Recording};
use zmq_sim::oracle;
use zmq_sim::plan::Plan;
use zmq_sim_library::RealTokio;

fn plan(transport: &str, faults: &str) -> Plan {
    let (host, bind, connect) = match transport {
        "tcp" => ("there", "tcp://*:5555", "tcp://here:5555"),
        "ipc" => ("here", "ipc://meeting", "ipc://meeting"),
        "abstract" => ("here", "ipc://@meeting", "ipc://@meeting"),
        other => panic!("{other}"),
    };
    let text = format!(
        r#"
        title = "on real sockets"
        heal = "1s"
        limit = "20s"
        [[host]]
        name = "here"
        [[host]]
        name = "there"
        [[socket]]
        name = "sink"
        host = "here"
        type = "PULL"
        bind = ["{bind}"]
        [[socket]]
        name = "source"
        host = "{host}"
        type = "PUSH"
        connect = ["{connect}"]
        [[actor]]
        name = "sink"
        sockets = ["sink"]
        do = [{{ settle = {{}} }}]
        [[actor]]
        name = "source"
        sockets = ["source"]
        do = [{{ send = {{ count = 50, every = "10ms", cancel-after = 2 }} }}, {{ settle = {{}} }}]
        {faults}
        "#
    );
    toml::from_str(&text).unwrap_or_else(|why| panic!("{why}"))
}

fn carried_out(plan: &Plan) {
    assert_eq!(RealTokio.lacks(plan), None);
    let run = RealTokio.run(plan, Recording::History);
    assert_eq!((&run.ending, &run.left), (&Ending::Finished, &Vec::new()));
    assert_eq!(oracle::judge(plan, &run), []);
}

#[test]
fn a_plan_without_faults() {
    for transport in ["tcp", "ipc", "abstract"] {
        carried_out(&plan(transport, ""));
    }
}

#[test]
fn a_process_that_dies_and_comes_back_and_one_that_connects_twice() {
    carried_out(&plan(
        "tcp",
        r#"
        [[fault]]
        at = "200ms"
        for = "200ms"
        what = { down = { host = "here", how = "kill" } }
        [[fault]]
        at = "500ms"
        what = { duplicate-connect = { socket = "source" } }
        "#,
    ));
}

#[test]
fn what_it_lacks_is_said() {
    let faults = r#"
        [[fault]]
        at = "200ms"
        what = { partition = { between = ["here", "there"] } }
    "#;
    let lacks = RealTokio.lacks(&plan("tcp", faults));
    assert_eq!(
        lacks.as_deref(),
        Some("real sockets have no faults but processes that are killed and duplicate connects")
    );
}
