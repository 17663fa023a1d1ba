use super::*;

const EXAMPLE: &str = r#"
title = "PUSH goes on after a partition"
seed = 7

[[host]]
name = "works"
[[host]]
name = "office"

[[socket]]
name = "source"
host = "office"
type = "PUSH"
connect = ["tcp://works:5555"]
options = { sndhwm = 10, linger = { for = "1s" }, reconnect-ivl = "100ms" }
[[socket]]
name = "sink"
host = "works"
type = "PULL"
bind = ["tcp://*:5555"]

[[actor]]
name = "source"
sockets = ["source"]
do = [{ send = { count = 100, every = "10ms" } }, { wait = "1s" }, { close = {} }]
[[actor]]
name = "sink"
sockets = ["sink"]
do = [{ recv = { count = 100 } }]

[[fault]]
at = "200ms"
for = "5s"
what = { partition = { between = ["office", "works"], flow = "hold" } }
[[fault]]
after = { socket = { name = "source", event = "sent", nth = 10 } }
what = { reset = { between = ["office", "works"] } }

[[expect]]
delivered = { from = "source", to = "sink" }
"#;

#[test]
fn a_plan_is_written_as_it_is_read() {
    let plan: Plan = toml::from_str(EXAMPLE).unwrap();
    let again: Plan = toml::from_str(&toml::to_string(&plan).unwrap()).unwrap();
    assert_eq!(plan, again);
    assert_eq!(
        plan.faults[0].what,
        FaultKind::Partition {
            between: ["office".into(), "works".into()],
            flow: Flow::Hold,
            direction: Direction::Both,
        }
    );
    assert_eq!(plan.home_of(ActorIndex(1)), plan.host("works"));
}

#[test]
fn what_a_plan_does_not_know_is_refused_by_its_name() {
    let misspelt = EXAMPLE.replace("reconnect-ivl", "reconnect-interval");
    let why = toml::from_str::<Plan>(&misspelt).unwrap_err().to_string();
    assert!(why.contains("reconnect-interval") && why.contains("reconnect-ivl"), "{why}");
}
