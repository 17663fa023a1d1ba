//! Whole runs against the system's libzmq: what options make of them, and what comes on stdout.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{ChildStdout, Stdio};

use super::{Came, Place, events, of_kind, run_id};

const PULL: &str = "pipeline/pull/delivers-*-octets";
/// A clause that every released libzmq breaks.
const DEVIATION: &str = "zmtp/greeting/answers-another-mechanism-with-its-whole-greeting@binds@3.1";

fn pull() -> Place {
    Place::with_cases(&["pipeline/pull.toml"])
}

fn check<'w>(place: &Place, words: &[&'w str]) -> Came {
    let words: Vec<&'w str> =
        ["check", "libzmq", "--cases", "cases", "--expect", "none"].iter().chain(words).copied().collect();
    place.run(&words)
}

fn ran(place: &Place, name: &str) -> Vec<String> {
    of_kind(&place.events(name), "case-finished").into_iter().map(run_id).collect()
}

#[test]
fn shards_together_run_everything_once() {
    let place = pull();
    check(&place, &["--run", PULL, "--json", "all"]).expect(0);
    let mut parts = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        check(&place, &["--run", PULL, "--shard", shard, "--json", "part"]).expect(0);
        parts.extend(ran(&place, "part"));
    }
    let mut all = ran(&place, "all");
    assert!(all.len() > 20, "{all:?}");
    all.sort();
    parts.sort();
    assert_eq!(parts, all);
}

#[test]
fn one_run_can_be_named_exactly() {
    let place = pull();
    check(
        &place,
        &[
            "--run",
            "pipeline/pull/delivers-0-octets@binds@3.1",
            "--repeat",
            "3",
            "--level",
            "should",
            "--profile",
            "strict",
            "--json",
            "run",
        ],
    )
    .expect(0);
    assert_eq!(ran(&place, "run"), ["pipeline/pull/delivers-0-octets@binds@3.1"]);
    let events = place.events("run");
    assert_eq!(events[0]["profile"], "strict");
    assert_eq!(events[0]["options"], serde_json::json!(["--cases", "cases", "--level", "should"]));
}

#[test]
fn a_run_without_time_counts_what_it_leaves_out() {
    let place = pull();
    let came = check(&place, &["--run", PULL, "--max-time", "0", "--json", "run"]).expect(4);
    let events = place.events("run");
    assert_eq!(events.last().unwrap()["not_run"], events[0]["planned"]);
    assert!(came.stdout.contains("not executed"), "{}", came.stdout);
}

#[test]
fn a_wrapper_and_a_pause_without_a_person_do_no_harm() {
    let place = pull();
    let came = check(
        &place,
        &["--run", "pipeline/pull/delivers-0-octets@binds@3.1", "--wrap", "env WRAPPED=1", "--pause-before", "1"],
    )
    .expect(0);
    assert!(
        came.stderr.starts_with("paused before step 1 (`peer handshakes`); the subject is process "),
        "{}",
        came.stderr
    );
    assert_eq!(came.stderr.lines().count(), 1);
}

#[test]
fn two_subjects_are_checked_one_after_the_other() {
    let place = pull();
    let came = place
        .run(&[
            "check",
            "libzmq",
            "libzmq",
            "--cases",
            "cases",
            "--expect",
            "none",
            "--run",
            "pipeline/pull/delivers-0-octets",
        ])
        .expect(0);
    assert_eq!(came.stdout.matches("zmqspec 0.").count(), 2, "{}", came.stdout);
    assert_eq!(came.stdout.matches("4 case runs: 4 ok").count(), 2, "{}", came.stdout);
}

#[test]
fn json_on_stdout_is_nothing_but_events() {
    let place = pull();
    let came = check(&place, &["--run", "pipeline/pull/delivers-0-octets", "--json", "-"]).expect(0);
    assert_eq!(of_kind(&events(&came.stdout), "case-finished").len(), 4);
    assert!(came.stderr.contains("4 case runs: 4 ok"), "{}", came.stderr);
}

#[test]
fn a_saboteur_changes_verdicts() {
    let place = pull();
    let words = ["--run", "pipeline/pull/delivers-what-its-peer-sends@binds@3.1", "--deadline-scale", "0.5"];
    check(&place, &words).expect(0);
    let sabotaged: Vec<&str> =
        words.into_iter().chain(["--saboteur", "drops-the-first-part-delivered", "--json", "run"]).collect();
    check(&place, &sabotaged).expect(1);
    let events = place.events("run");
    assert_eq!(of_kind(&events, "case-finished")[0]["verdict"]["conformance"], "fail");
}

#[test]
fn a_saved_deviation_can_be_replayed() {
    let place = Place::with_cases(&["zmtp/greeting.toml"]);
    let came = check(&place, &["--run", DEVIATION, "--save", "saved"]).expect(1);
    let wide: Vec<&str> = came.stdout.lines().filter(|line| line.chars().count() > 80 && !unbreakable(line)).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let file = format!("saved/{}.json", DEVIATION.replace('/', "+"));
    let again = place.run(&["replay", &file]).expect(0);
    assert!(again.stdout.contains("peer sent: the same 64 octets"), "{}", again.stdout);
    let other = format!("exec:'{}' adapter libzmq", env!("CARGO_BIN_EXE_zmqspec"));
    place.run(&["replay", &file, "--subject", &other]).expect(0);
    let healed = place.read(&file).replace("\"conformance\": \"fail\"", "\"conformance\": \"pass\"");
    place.write("healed.json", healed);
    place.run(&["replay", "healed.json"]).expect(1);
}

/// A command to copy and a heading are one word to whoever copies them.
fn unbreakable(line: &str) -> bool {
    line.trim_start().starts_with("rerun") || line.starts_with("RED ")
}

/// Runs a verb whose reader leaves after one line; gives the exit code and stderr.
fn left_alone(place: &Place, words: &[&str]) -> (Option<i32>, String) {
    let mut child = place.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader: BufReader<ChildStdout> = BufReader::with_capacity(1, child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

#[test]
fn a_reader_that_goes_away_changes_no_exit_code() {
    let place = Place::with_cases(&["zmtp/greeting.toml"]);
    check(&place, &["--run", DEVIATION, "--save", "saved", "--json", "run"]).expect(1);
    let file = format!("saved/{}.json", DEVIATION.replace('/', "+"));
    let run = ["check", "libzmq", "--cases", "cases", "--expect", "none", "--run", "zmtp/greeting/*mechanism*"];
    let json: Vec<&str> = run.into_iter().chain(["--json", "-"]).collect();
    let codes: BTreeMap<&str, (Option<i32>, String)> = [
        ("check", left_alone(&place, &run)),
        ("list", left_alone(&place, &["list", "--cases", "cases", "--json"])),
        ("replay", left_alone(&place, &["replay", &file])),
        ("update", left_alone(&place, &["expect", "update", "run", "new.toml"])),
    ]
    .into();
    assert_eq!(
        codes.values().map(|(code, _)| *code).collect::<Vec<_>>(),
        [Some(1), Some(0), Some(0), Some(1)],
        "{codes:?}"
    );
    assert!(
        codes.values().all(|(_, stderr)| !stderr.contains("panicked") && !stderr.contains("annot write")),
        "{codes:?}"
    );
    let (code, stderr) = left_alone(&place, &json);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("exit 1:"), "what is for people is whole: {stderr}");
}

#[test]
fn a_full_disk_is_told() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("skipped: expected /dev/full, found none");
        return;
    };
    let place = pull();
    let output = place.command(&["list", "--cases", "cases"]).stdout(full).output().unwrap();
    let came = Came::of(&output).expect(5);
    assert!(
        came.stderr.starts_with("zmqspec: expected to write to stdout, came: No space left on device"),
        "{}",
        came.stderr
    );
    let came = check(&place, &["--run", "pipeline/pull/delivers-0-octets", "--json", "/dev/full"]).expect(5);
    assert_eq!(came.stderr, "zmqspec: cannot write a report: No space left on device (os error 28)\n");
}
