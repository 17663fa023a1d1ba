//! `zmqspec sim` with a libzmq: the system's.

use super::{Came, Place};

/// A worker that is killed loses what it has taken; the scenario promises otherwise. Nothing in it needs a link that is slow.
const LOSSES: &str = r#"
title = "a worker is killed"

[[host]]
name = "office"
[[host]]
name = "works"

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
at = "1s"
what = { reset = { between = ["office", "works"] } }
[[fault]]
at = "2s..3s"
for = "1s"
what = { down = { host = "works", how = "kill" } }

[[expect]]
delivered = { from = "source" }
"#;

/// The hash in what `sim run` prints.
fn hash(came: &Came) -> String {
    came.stdout.split("hash ").nth(1).unwrap_or_else(|| panic!("{came:?}"))[..16].to_owned()
}

fn kept() -> String {
    LOSSES.replace("[[expect]]\ndelivered = { from = \"source\" }", "")
}

#[test]
fn a_plan_is_the_same_run_of_libzmq_in_every_process() {
    let place = Place::new();
    place.write("worker.toml", kept());
    let run =
        |words: &[&str]| place.run(&[&["sim", "run", "worker.toml", "--impl", "libzmq"], words].concat()).expect(0);
    let (one, twice) = (run(&[]), run(&["--twice"]));
    assert!(one.stdout.contains("\n  engine libzmq, "), "{one:?}");
    assert!(one.stderr.starts_with("libzmq is /") && one.stderr.contains(", version "), "{one:?}");
    assert_eq!(hash(&one), hash(&twice));
    assert_ne!(hash(&one), hash(&run(&["--seed", "1"])));
    assert_ne!(hash(&one), hash(&run(&["--trouble"])));
    place.write("troubled.toml", format!("trouble = true\n{}", kept()));
    assert_eq!(
        hash(&run(&["--trouble"])),
        hash(&place.run(&["sim", "run", "troubled.toml", "--impl", "libzmq"]).expect(0))
    );
}

#[test]
fn a_failure_of_libzmq_is_found_saved_run_again_and_shrunk() {
    let place = Place::new();
    place.write("worker.toml", LOSSES);
    let words = ["sim", "sweep", "worker.toml", "--seeds", "7..9", "--impl", "libzmq", "--trouble"];
    let sweep = place.run(&words).expect(6);
    let saved = "failures/a-worker-is-killed-7.toml";
    for line in [
        "  rerun     zmqspec sim run worker.toml --seed 7 --impl libzmq --trouble",
        &format!("  next      zmqspec sim shrink {saved} --impl libzmq --trouble"),
    ] {
        assert!(sweep.stdout.contains(line), "{line} is not in {}", sweep.stdout);
    }
    let text = place.read(saved);
    assert!(text.contains("# engine: libzmq\n") && text.contains("\ntrouble = true\n"), "{text}");
    // The file has the trouble in it.
    let again = place.run(&["sim", "run", saved, "--save", "again", "--impl", "libzmq"]).expect(6);
    assert_eq!(hash(&sweep), hash(&again));
    let shrunk = place.run(&["sim", "shrink", saved, "--impl", "libzmq", "--out", "small.toml"]).expect(0);
    assert!(shrunk.stdout.starts_with("1 fault, 2 hosts, 2 sockets, "), "{}", shrunk.stdout);
    assert!(shrunk.stdout.contains("next: zmqspec sim run small.toml --impl libzmq"), "{}", shrunk.stdout);
    let lost = place.run(&["sim", "explain", "small.toml", "--lost", "--impl", "libzmq"]).expect(6);
    assert!(lost.stdout.starts_with("source.0#") && lost.stdout.contains("works is killed"), "{lost:?}");
    let words = ["sim", "trace", "small.toml", "--words", "--html", "run.html", "--impl", "libzmq"];
    let trace = place.run(&words).expect(6);
    assert!(trace.stdout.contains("source.0#0") && place.read("run.html").contains("<html"), "{trace:?}");
}

#[test]
fn libzmq_and_the_reference_are_compared() {
    let place = Place::new();
    place.write("worker.toml", kept());
    let came = place.run(&["sim", "compare", "worker.toml", "--impl", "libzmq"]).expect(0);
    let first = came.stdout.lines().next().unwrap();
    assert!(first.starts_with("0  a worker is killed: ") && first.ends_with(" between bare and libzmq"), "{came:?}");
    let many = place.run(&["sim", "compare", "worker.toml", "--seeds", "0..5", "--impl", "libzmq"]).expect(0);
    assert!(many.stdout.contains("5 plans compared, "), "{many:?}");
    assert!(!many.stdout.contains("  gap  ") && !many.stdout.contains("  broken  "), "{many:?}");
}

#[test]
fn what_a_plan_has_and_a_captive_libzmq_has_not_is_said() {
    let place = Place::new();
    let network = "\n[network]\nlatency = { min = \"1s\", max = \"2s\" }\nbandwidth = 9000\n[[host]]";
    place.write("slow.toml", kept().replacen("\n[[host]]", network, 1));
    let came = place.run(&["sim", "run", "slow.toml", "--impl", "libzmq"]).expect(0);
    assert!(came.stderr.contains("bandwidth") && came.stderr.contains("latency"), "{came:?}");
    let swept = place.run(&["sim", "sweep", "slow.toml", "--seeds", "0..2", "--impl", "libzmq"]).expect(0);
    assert_eq!(swept.stderr.matches("latency").count(), 1, "{swept:?}");
    let quick = place.run(&["sim", "run", "slow.toml"]).expect(0);
    assert_eq!(quick.stderr, "");
}

#[test]
fn real_sockets_carry_plans_out_and_nothing_is_promised_of_a_second_time() {
    let place = Place::new();
    let plain = kept();
    let plain = &plain[..plain.find("[[fault]]").unwrap()];
    place.write("plain.toml", plain.replace("20s", "1s").replace("title =", "heal = \"1s\"\ntitle ="));
    let came = place.run(&["sim", "run", "plain.toml", "--engine", "tokio"]).expect(0);
    assert!(came.stdout.contains("engine tokio, ") && came.stderr.contains("may not come again"), "{came:?}");
}

#[test]
fn who_cannot_be_simulated_is_refused() {
    let place = Place::new();
    place.write("folder/no-library.so", "no library");
    place.write("plan.toml", kept());
    place.write("drifts.toml", kept().replace("name = \"works\"\n", "name = \"works\"\nclock-drift = 5\n"));
    let lines: [(i32, &[&str]); 14] = [
        (2, &["sim", "run", "g1:7", "--impl", "exec:python3 x.py"]),
        (2, &["sim", "run", "g1:7", "--impl", "libzm"]),
        (2, &["sim", "run", "g1:7", "--impl", "libzmq@9.9"]),
        (3, &["sim", "run", "g1:7", "--impl", "libzmq@4.3.5"]),
        (3, &["sim", "run", "g1:7", "--impl", "libzmq:nowhere/libzmq.so"]),
        (3, &["sim", "run", "g1:7", "--impl", "libzmq:folder/no-library.so"]),
        (2, &["sim", "run", "g1:7", "--impl", "libzmq", "--engine", "bare"]),
        (2, &["sim", "run", "g1:7", "--engine", "tokio", "--twice"]),
        (2, &["sim", "sweep", "--seeds", "0..1", "--engine", "tokio", "--twice"]),
        (2, &["sim", "shrink", "plan.toml", "--engine", "tokio"]),
        (2, &["sim", "compare", "plan.toml"]),
        (2, &["sim", "compare", "--impl", "libzmq@9.9", "--seeds", "0..1"]),
        (2, &["sim", "compare", "plan.toml", "--impl", "reference"]),
        (2, &["sim", "sweep", "--seeds", "0..1", "--impl", "tcp://h:1?type=REP"]),
    ];
    let mut text = String::new();
    for (code, words) in lines {
        let came = place.run(words).expect(code);
        assert_eq!((came.stdout.as_str(), came.stderr.lines().count()), ("", 1), "{came:?}");
        text += &format!("$ zmqspec {}\n{}", words.join(" "), came.stderr);
    }
    let drifts = place.run(&["sim", "run", "drifts.toml", "--impl", "libzmq"]).expect(4);
    text += &format!("$ zmqspec sim run drifts.toml --impl libzmq\n{}\n", drifts.stderr.lines().last().unwrap());
    insta::assert_snapshot!(text);
}
