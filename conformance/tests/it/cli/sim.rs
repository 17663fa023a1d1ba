//! `zmqspec sim`: seeds, plans and scenarios from outside.

use std::path::Path;
use std::process::Stdio;

use super::interrupt::{interrupt, until};
use super::{Came, Place};

/// A worker that is killed loses what it has taken and not yet worked on; the scenario promises otherwise. The other faults
/// do not matter.
const LOSSES: &str = r#"
title = "a worker is killed"

[[host]]
name = "office"
[[host]]
name = "works"
[[host]]
name = "elsewhere"

[[socket]]
name = "source"
host = "office"
type = "PUSH"
connect = ["tcp://works:5555"]
[[socket]]
name = "sink"
host = "works"
type = "PULL"
bind = ["tcp://*:5555"]

[[actor]]
name = "source"
sockets = ["source"]
do = [{ send = { count = 60 } }, { settle = {} }]
[[actor]]
name = "sink"
sockets = ["sink"]
do = [{ recv = { for = "20s", every = "100ms" } }, { settle = {} }]

[[fault]]
at = "100ms"
for = "200ms"
what = { slow-link = { between = ["office", "works"], latency = "20ms" } }
[[fault]]
at = "2s..3s"
for = "1s"
what = { down = { host = "works", how = "kill" } }
[[fault]]
at = "4s"
for = "1s"
what = { pause = { host = "elsewhere" } }

[[expect]]
delivered = { from = "source" }
"#;

/// The hash in what `sim run` prints.
fn hash(came: &Came) -> String {
    came.stdout.split("hash ").nth(1).unwrap_or_else(|| panic!("{came:?}"))[..16].to_owned()
}

#[test]
fn a_seed_is_the_same_run_in_every_form() {
    let place = Place::new();
    let by_seed = place.run(&["sim", "run", "g1:3"]).expect(0);
    assert!(by_seed.stdout.starts_with("g1:3  "), "{by_seed:?}");
    let drawn = place.run(&["sim", "draw", "g1:3"]).expect(0);
    place.write("drawn.toml", &drawn.stdout);
    let by_file = place.run(&["sim", "run", "drawn.toml", "--twice"]).expect(0);
    assert_eq!(hash(&by_seed), hash(&by_file));
    let other = place.run(&["sim", "run", "drawn.toml", "--seed", "4"]).expect(0);
    assert_ne!(hash(&by_seed), hash(&other));
}

#[test]
fn a_sweep_comes_out_alike_in_every_process_with_any_number_of_jobs() {
    let place = Place::new();
    let sweep = |jobs: &str, file: &str| {
        let words = ["sim", "sweep", "--seeds", "2..8", "--keep-going", "--jobs", jobs, "--report", "--json", file];
        let came = place.run(&words);
        (came.code, came.stdout, place.read(file))
    };
    let (code, stdout, lines) = sweep("1", "one.jsonl");
    assert_eq!((code, stdout.clone(), lines.clone()), sweep("3", "three.jsonl"));
    assert_eq!(lines.lines().count(), 6);
    assert!(lines.starts_with(r#"{"hash":""#) && lines.contains(r#""seed":"g1:2""#), "{lines}");
    let (reached, never) = stdout.split_once("\nnever reached: ").unwrap_or_else(|| panic!("{stdout}"));
    assert!(reached.contains("ZMTP31-NULL-09"), "{stdout}");
    let never: Vec<&str> = never.lines().filter(|line| line.starts_with("       0  ")).collect();
    assert!(never.len() > 5 && never.iter().all(|line| !reached.contains(&line[10..32])), "{stdout}");
    assert!(stdout.lines().last().unwrap().starts_with("6 runs: "), "{stdout}");
}

#[test]
fn a_failure_is_found_saved_run_again_and_shrunk() {
    let place = Place::new();
    place.write("worker.toml", LOSSES);
    let sweep = place.run(&["sim", "sweep", "worker.toml", "--seeds", "7..9"]).expect(6);
    let saved = "failures/a-worker-is-killed-7.toml";
    for line in [
        "FAILED 7  a worker is killed",
        "  rerun     zmqspec sim run worker.toml --seed 7",
        &format!("  saved     {saved}"),
        &format!("  next      zmqspec sim shrink {saved}"),
        "  the events about it, 30 at most\n    ",
        "1 run: 1 failure, ",
    ] {
        assert!(sweep.stdout.contains(line), "{line} is not in {}", sweep.stdout);
    }
    assert!(place.read(saved).contains("# expects: expectation delivered\n"), "{}", place.read(saved));
    let again = place.run(&["sim", "run", saved, "--save", "again"]).expect(6);
    assert_eq!(hash(&sweep), hash(&again));

    let shrunk = place.run(&["sim", "shrink", saved]).expect(0);
    assert!(shrunk.stdout.starts_with("1 fault, 2 hosts, 2 sockets, "), "{}", shrunk.stdout);
    assert!(
        shrunk.stdout.contains("works is killed") && shrunk.stdout.contains("from 3 faults, 3 hosts"),
        "{shrunk:?}"
    );
    let small = "failures/a-worker-is-killed-7.shrunk.toml";
    place.run(&["sim", "run", small]).expect(6);
    let words = ["--words", "--html", "run.html", "--pcap", "run.pcapng", "--perfetto", "run.perfetto.json"];
    let trace = place.run(&[&["sim", "trace", small], &words[..]].concat()).expect(6);
    assert!(trace.stdout.contains("source.0#0") && place.read("run.html").contains("<html"), "{trace:?}");
    assert!(std::fs::read(place.path("run.pcapng")).unwrap().starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
    let lost = place.run(&["sim", "explain", small, "--lost"]).expect(6);
    assert!(lost.stdout.starts_with("source.0#0 (taken by source"), "{lost:?}");
    // Shrunk again, it stays as it is.
    let before = place.read(small);
    place.run(&["sim", "shrink", small, "--out", "twice.toml"]).expect(0);
    let plan = |text: &str| text[text.find("title = ").unwrap()..].to_owned();
    assert_eq!(plan(&before), plan(&place.read("twice.toml")));
}

/// A plan that takes minutes: heartbeats, for days.
const LONG: &str = r#"
title = "heartbeats for days"
limit = "900h"

[[host]]
name = "office"
[[host]]
name = "works"

[[socket]]
name = "source"
host = "office"
type = "PUSH"
connect = ["tcp://works:5555"]
options = { heartbeat-ivl = "1ms" }
[[socket]]
name = "sink"
host = "works"
type = "PULL"
bind = ["tcp://*:5555"]

[[actor]]
name = "source"
sockets = ["source"]
do = [{ wait = "1h..800h" }]
"#;

#[test]
fn an_interrupted_sweep_reports_what_it_has_in_the_middle_of_a_plan() {
    let place = Place::new();
    place.write("long.toml", LONG);
    let words = ["sim", "sweep", "long.toml", "--seeds", "0..1000", "--report", "--json", "lines.jsonl"];
    let child = place.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let threads = Path::new("/proc").join(child.id().to_string()).join("task");
    let is_of_a_run = |thread: std::fs::DirEntry| {
        std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.starts_with("simulated run"))
    };
    until("a plan is under way", || std::fs::read_dir(&threads).unwrap().flatten().any(is_of_a_run));
    interrupt(&child);
    let came = Came::of(&child.wait_with_output().unwrap()).expect(5);
    assert!(came.stdout.contains("never reached: "), "{came:?}");
    assert!(came.stdout.ends_with("; interrupted\n"), "{came:?}");
    assert!(came.stderr.contains("came an interrupt"), "{came:?}");
    let lines = place.read("lines.jsonl");
    assert!(lines.is_empty() || lines.ends_with("}\n"), "{lines}");
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let place = Place::new();
    place.write("folder/no-plan.toml", "title = \"none\"\n[[host]]\nnmae = \"a\"\n");
    place.write("good.toml", LOSSES.replace("[[expect]]\ndelivered = { from = \"source\" }", ""));
    let lines: [(i32, &[&str]); 10] = [
        (2, &["sim"]),
        (2, &["sim", "runn", "g1:7"]),
        (2, &["sim", "run", "seven"]),
        (2, &["sim", "run", "g2:7"]),
        (2, &["sim", "run", "g1:7", "--seed", "8"]),
        (2, &["sim", "run", "folder/no-plan.toml"]),
        (2, &["sim", "sweep"]),
        (2, &["sim", "sweep", "--seeds", "9..3"]),
        (2, &["sim", "sweep", "--seeds", "0..1", "--jobs", "0"]),
        (4, &["sim", "shrink", "good.toml"]),
    ];
    let mut text = String::new();
    for (code, words) in lines {
        let came = place.run(words).expect(code);
        assert_eq!((came.stdout.as_str(), came.stderr.lines().count()), ("", 1), "{came:?}");
        text += &format!("$ zmqspec {}\n{}", words.join(" "), came.stderr);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn built_in_scenarios_go_by_their_names() {
    let place = Place::new();
    let list = place.run(&["sim", "list"]).expect(0);
    assert!(list.stdout.lines().count() >= 25, "{}", list.stdout);
    let name = list.stdout.lines().next().unwrap().split(' ').next().unwrap();
    place.run(&["sim", "draw", name]).expect(0);
    let schema = place.run(&["sim", "schema"]).expect(0);
    jsonschema::validator_for(&serde_json::from_str(&schema.stdout).unwrap()).unwrap();
}
