//! Subjects that misbehave in the middle of a run: the run goes on, the deed is told where it belongs, nothing is lost.

use std::process::Command;

use serde_json::Value;

use super::{Place, of_kind, run_id};

/// What a deed has to come to in the events and reports of the run.
struct Expected {
    /// Survival of the run in which the deed is done; `None` if there is nothing to see.
    survival: Option<&'static str>,
    /// Way of failing, without the step; `None` as above.
    slug: Option<&'static str>,
    /// How the process ended by itself.
    exit: Option<&'static str>,
    /// What the failure shows of stderr.
    last_words: Option<&'static str>,
    harness_errors: usize,
    code: i32,
}

const UNSEEN: Expected =
    Expected { survival: None, slug: None, exit: None, last_words: None, harness_errors: 0, code: 0 };
const ASSERTION: Option<&str> = Some("Assertion failed: check () (wayward.cpp:7)");

/// The command of an adapter that misbehaves once, in the fourth of the cases selected by [`run`].
pub(super) fn wayward(deed: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/adapters/wayward.py");
    let zmqspec = env!("CARGO_BIN_EXE_zmqspec");
    format!("exec:python3 '{script}' {deed} 7 folder '{zmqspec}' adapter libzmq")
}

pub(super) const SELECTED: [&str; 5] =
    ["--cases", "cases", "--run", "pipeline/pull/delivers-*-octets", "reqrep/rep/serves-*"];

fn run(deed: &str, expected: &Expected) {
    let place = Place::with_cases(&["pipeline/pull.toml", "reqrep/rep.toml"]);
    let subject = wayward(deed);
    let mut words = vec!["check", &subject, "--jobs", "1", "--expect", "none"];
    words.extend(["--json", "run.jsonl", "--junit", "run.xml", "--markdown", "run.md"]);
    words.extend(SELECTED);
    let came = place.run(&words).expect(expected.code);
    assert_eq!(came.stderr, "");
    assert!(place.path("folder/done").exists(), "the deed was done");
    let events = place.events("run.jsonl");
    let odd: Vec<&Value> =
        of_kind(&events, "case-finished").into_iter().filter(|case| case["verdict"]["conformance"] != "pass").collect();
    let replaced = of_kind(&events, "subject-replaced");
    let errors = of_kind(&events, "harness-error");
    assert_eq!(odd.len(), usize::from(expected.slug.is_some()), "every other case passes: {odd:?}");
    assert_eq!(replaced.len(), odd.len(), "{replaced:?}");
    assert_eq!(errors.len(), expected.harness_errors, "{errors:?}");
    reports(&place, &events);
    for case in odd {
        let failure = &case["failure"];
        assert_eq!(case["verdict"]["survival"].as_str(), expected.survival);
        let fingerprint = failure["fingerprint"].as_str().unwrap();
        assert_eq!(
            fingerprint.split_once(':').map_or(Some(fingerprint), |(_, slug)| Some(slug)),
            expected.slug,
            "{case}"
        );
        assert_eq!(failure["exit"].as_str(), expected.exit);
        let last = |of: &Value| of["stderr_tail"].as_array().and_then(|tail| Some(tail.last()?.as_str()?.to_owned()));
        assert_eq!(last(failure).as_deref(), expected.last_words, "{case}");
        assert_eq!(replaced[0]["after"], case["run"]);
        assert_eq!(replaced[0]["why"], failure["came"], "it is replaced for the deed, and for nothing that came of it");
        assert_eq!(replaced[0]["exit"].as_str(), expected.exit);
        assert!(errors.iter().all(|error| error["run"] == case["run"]), "{errors:?}");
        told(&place, &came.stdout, &run_id(case), expected);
    }
}

/// Console, JUnit and Markdown name the case, how the process ended and what it said last.
fn told(place: &Place, console: &str, run: &str, expected: &Expected) {
    let words = [expected.exit, expected.last_words];
    for text in [console, &place.read("run.xml"), &place.read("run.md")] {
        assert!(text.contains(run), "{text}");
        for word in words.into_iter().flatten() {
            let escaped = word.replace('<', "&lt;");
            assert!(text.contains(word) || text.contains(&escaped), "expected {word:?} in\n{text}");
        }
    }
}

/// JUnit is well-formed XML with a test case for every run; Markdown closes what it opens.
fn reports(place: &Place, events: &[Value]) {
    let script = "import sys, xml.etree.ElementTree as tree\nprint(len(tree.parse(sys.argv[1]).getroot().findall('.//testcase')))";
    let parsed = Command::new("python3").args(["-c", script]).arg(place.path("run.xml")).output().unwrap();
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
    let cases = of_kind(events, "case-finished").len();
    let testcases: usize = String::from_utf8_lossy(&parsed.stdout).trim().parse().unwrap();
    let outside = of_kind(events, "harness-error").iter().filter(|error| error.get("run").is_none()).count();
    assert!(testcases >= cases && testcases <= cases + outside + 1, "{testcases} test cases for {cases} runs");
    let markdown = place.read("run.md");
    let fences = markdown.lines().filter(|line| line.trim_start().starts_with("```")).count();
    assert_eq!(fences % 2, 0, "{markdown}");
    assert_eq!(markdown.matches("<details").count(), markdown.matches("</details>").count(), "{markdown}");
}

#[test]
fn an_abort_is_a_crash_with_its_signal() {
    let crash = Expected {
        survival: Some("crashed"),
        slug: Some("crashed"),
        exit: Some("signal 6 (SIGABRT)"),
        last_words: ASSERTION,
        code: 1,
        ..UNSEEN
    };
    run("aborts", &crash);
}

#[test]
fn an_exit_is_a_crash_with_its_status() {
    let crash = Expected {
        survival: Some("crashed"),
        slug: Some("crashed"),
        exit: Some("exit status 3"),
        last_words: ASSERTION,
        code: 1,
        ..UNSEEN
    };
    run("exits", &crash);
}

#[test]
fn no_answer_is_a_wedge() {
    run(
        "hangs",
        &Expected { survival: Some("wedged"), slug: Some("wedged"), last_words: ASSERTION, code: 1, ..UNSEEN },
    );
}

#[test]
fn a_closed_stdout_is_a_wedge() {
    run("closes-stdout", &Expected { survival: Some("wedged"), slug: Some("wedged"), code: 1, ..UNSEEN });
}

#[test]
fn a_fault_is_a_crash_of_a_process_that_lives_on() {
    run("faults", &Expected { survival: Some("crashed"), slug: Some("crashed"), code: 1, ..UNSEEN });
}

#[test]
fn a_line_that_is_no_protocol_is_a_harness_error() {
    run("prints", &Expected { survival: Some("ok"), slug: Some("adapter"), harness_errors: 1, code: 5, ..UNSEEN });
}

#[test]
fn a_flood_of_such_lines_is_one_harness_error() {
    run(
        "floods-stdout",
        &Expected { survival: Some("ok"), slug: Some("adapter"), harness_errors: 1, code: 5, ..UNSEEN },
    );
}

#[test]
fn much_on_stderr_harms_nobody() {
    run("floods-stderr", &UNSEEN);
}
