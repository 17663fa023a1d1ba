use super::*;
use crate::plan::{FaultKind, Step};
use crate::time::Span;

const WORKERS: &str = r#"
title = "workers come and go, 1..5 of them"

[let]
workers = "2..5"
hwm = { any = [1, 2, 1000], weights = [3, 1, 1] }

[[host]]
name = "office"

[[host]]
name = "worker{n}"
count = "{workers}"
clock-drift = { maybe = "-500..500" }

[[socket]]
name = "tasks"
host = "office"
type = "PUSH"
connect = ["tcp://worker{*}:5555"]
options = { sndhwm = "{hwm}", linger = { for = "0s..2s" } }

[[socket]]
name = "pull{n}"
count = "{workers}"
host = "worker{n}"
type = "PULL"
bind = ["tcp://*:5555"]
options = { rcvhwm = "{hwm}" }

[[actor]]
name = "boss"
sockets = ["tasks"]
do = [{ send = { count = { log = "1..1000" }, every = { any = ["1ms..10ms", "0s"] } } }, { settle = {} }]

[[actor]]
name = "hand"
count = "{workers}"
sockets = ["pull{n}"]
do = [{ recv = { for = "1s..5s" } }, { settle = {} }]

[[fault]]
count = "0..4"
at = "0s..20s"
for = { log = "1ms..8s" }
what = { pause = { host = "worker{any}" } }

[[fault]]
count = 2
at = "1s..2s"
what = { partition = { between = ["worker{any}", "worker{any}"] } }

[[fault]]
count = "0..5"
draw = ["reset", "down", "stall"]
"#;

fn read(text: &str) -> Scenario {
    Scenario::read(text).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn a_scenario_in_which_nothing_is_drawn_is_a_plan() {
    let plan = crate::swarm::draw(3);
    let text = toml::to_string(&plan).unwrap();
    let scenario = read(&text);
    assert_eq!(scenario.seed(), Some(3));
    assert_eq!(scenario.draw(3).unwrap(), plan);
    assert_eq!(scenario.draw(4).unwrap(), Plan { seed: 4, ..plan });
}

#[test]
fn values_are_drawn_within_their_ranges_and_all_over_them() {
    let scenario = read(WORKERS);
    let (mut counts, mut marks, mut drifts) = ([0; 6], Vec::new(), 0);
    for seed in 0..200 {
        let plan = scenario.draw(seed).unwrap();
        assert_eq!(plan.title, "workers come and go, 1..5 of them");
        let workers = plan.hosts.len() - 1;
        counts[workers] += 1;
        assert_eq!((plan.sockets.len(), plan.actors.len()), (workers + 1, workers + 1));
        let to: Vec<String> = (1..=workers).map(|number| format!("tcp://worker{number}:5555")).collect();
        assert_eq!(plan.sockets[0].connect, to);
        assert_eq!(plan.sockets[workers].host, format!("worker{workers}"));
        let mark = plan.sockets[0].options.sndhwm.unwrap();
        assert!(plan.sockets[1..].iter().all(|socket| socket.options.rcvhwm == Some(mark)), "drawn once");
        marks.push(mark);
        drifts += plan.hosts[1..].iter().filter(|host| host.clock_drift.is_some()).count();
        let Step::Send(send) = &plan.actors[0].r#do[0] else { panic!("{plan:?}") };
        assert!((1..=1000).contains(&send.count));
        let every = send.every.unwrap();
        assert!(every == Span::default() || (Span::millis(1)..=Span::millis(10)).contains(&every), "{every}");
        for fault in &plan.faults {
            if let FaultKind::Partition { between, .. } = &fault.what {
                assert_ne!(between[0], between[1]);
                assert!((Span::millis(1000)..=Span::millis(2000)).contains(&fault.at));
            }
        }
        let drawn = |plan: &Plan| {
            plan.faults.iter().filter(|fault| matches!(fault.what.name(), "reset" | "down" | "stall")).count()
        };
        assert!(plan.faults.len() - drawn(&plan) <= 6 && drawn(&plan) <= 5);
    }
    assert_eq!(counts[..2], [0, 0]);
    assert!(counts[2..].iter().all(|count| (25..80).contains(count)), "{counts:?}");
    let ones = marks.iter().filter(|mark| **mark == 1).count();
    assert!((90..150).contains(&ones), "{ones} of 200 at a weight of 3 in 5");
    assert!((200..500).contains(&drifts), "{drifts}");
}

#[test]
fn another_line_leaves_the_other_draws_alone() {
    let before = read(WORKERS);
    let more = WORKERS
        .replace("[let]", "[let]\nother = \"1..9\"")
        .replace("[[host]]\nname = \"office\"", "[[host]]\nname = \"more\"\nclock-drift = \"1..100\"\n[[host]]\nname = \"office\"")
        .replace("do = [{ recv", "do = [{ wait = \"1ms..1s\" }, { recv")
        .replace("[[fault]]\ncount = 2", "[[fault]]\nat = \"1s..9s\"\nwhat = { reset = { between = [\"office\", \"worker{any}\"] } }\n[[fault]]\ncount = 2");
    let after = read(&more);
    for seed in 0..20 {
        let (mut before, mut after) = (before.draw(seed).unwrap(), after.draw(seed).unwrap());
        assert!(after.hosts.iter().any(|host| host.name == "more"));
        after.hosts.retain(|host| host.name != "more");
        for actor in &mut after.actors {
            actor.r#do.retain(|step| !matches!(step, Step::Wait(_)));
        }
        // What is drawn among hosts may be the one that is new.
        let others = |plan: &mut Plan| plan.faults.retain(|fault| matches!(fault.what.name(), "pause" | "partition"));
        others(&mut before);
        others(&mut after);
        assert_eq!(before, after);
    }
}

#[test]
fn seeds_differ() {
    let scenario = read(WORKERS);
    let plans: Vec<Plan> = (0..30).map(|seed| scenario.draw(seed).unwrap()).collect();
    for (index, plan) in plans.iter().enumerate() {
        assert!(plans[..index].iter().all(|other| other.sockets != plan.sockets || other.faults != plan.faults));
    }
}

/// What stands there, what stands there instead.
const MISTAKES: &[(&str, &str)] = &[
    ("title = \"workers", "title = workers"),
    ("title = \"workers come and go, 1..5 of them\"", "tilte = \"x\""),
    ("workers = \"2..5\"", "workers = \"5..2\""),
    ("workers = \"2..5\"", "workers = \"2..\""),
    ("workers = \"2..5\"", "workers = \"2..5s\""),
    ("workers = \"2..5\"", "workers = \"2..5000\""),
    ("workers = \"2..5\"", "workers = \"few\""),
    ("workers = \"2..5\"", "any = 3\nworkers = 2"),
    ("weights = [3, 1, 1]", "weights = [3, 1]"),
    ("weights = [3, 1, 1]", "chance = 3"),
    ("any = [1, 2, 1000]", "any = 3"),
    ("maybe = \"-500..500\"", "maybe = 7, percent = 200"),
    ("[[host]]\nname = \"office\"", "[host]\nname = \"office\"\n[[hosts]]"),
    ("name = \"worker{n}\"", "name = \"worker\"\nclock-drfit = 3"),
    ("type = \"PUSH\"", "type = \"PSUH\""),
    ("\"tcp://worker{*}:5555\"", "\"tcp://wroker{*}:5555\""),
    ("[\"tcp://worker{*}:5555\"]", "\"tcp://worker{*}:5555\""),
    ("host = \"office\"", "host = \"worker{*}\""),
    ("host = \"office\"", "host = \"offce\""),
    ("sndhwm = \"{hwm}\"", "sndhwm = \"{hmw}\""),
    ("sndhwm = \"{hwm}\"", "sndhwm = \"many\""),
    ("sndhwm = \"{hwm}\"", "sndhwm = -1"),
    ("linger = { for = \"0s..2s\" }", "linger = \"for\""),
    ("linger = { for = \"0s..2s\" }", "linger = { discard = {}, forever = {} }"),
    ("linger = { for = \"0s..2s\" }", "linger = { for = 3 }"),
    ("name = \"boss\"", "name = \"boss{n}\""),
    ("{ log = \"1..1000\" }", "{ log = 3 }"),
    ("do = [{ send", "do = [{ sned"),
    (
        "{ settle = {} }]\n\n[[actor]]\nname = \"hand\"",
        "{ settle = { socket = \"pull1\" } }]\n\n[[actor]]\nname = \"hand\"",
    ),
    ("recv = { for = \"1s..5s\" }", "recv = {}"),
    ("at = \"0s..20s\"", "at = \"0s..40s\""),
    ("at = \"0s..20s\"", "at = 2024-01-01"),
    ("host = \"worker{any}\"", "hst = \"worker{any}\""),
    ("draw = [\"reset\"", "draw = [\"rest\""),
    ("draw = [\"reset\"", "what = { reset = { between = [\"office\", \"worker1\"] } }\ndraw = [\"reset\""),
    ("count = 2\nat", "count = -2\nat"),
];

#[test]
fn mistakes_are_found_with_their_line_and_column() {
    let mut all = String::new();
    for (right, wrong) in MISTAKES {
        assert!(WORKERS.contains(right), "{right} is not there");
        let error = Scenario::read(&WORKERS.replacen(right, wrong, 1)).expect_err(wrong);
        let line = wrong.lines().last().unwrap_or_default();
        all += &format!("{line}\n    {}\n", error.to_string().replace('\n', "\n    "));
    }
    insta::assert_snapshot!(all);
}
