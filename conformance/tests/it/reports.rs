//! From a stream of events through gate, embargo and every report, and back from the file.

#![expect(clippy::unwrap_used, reason = "functions of tests fail by panicking, as tests do")]

use std::path::{Path, PathBuf};

use zmqspec::diff::Diff;
use zmqspec::event::{Event, RunFinished, RunStarted, Standing};
use zmqspec::expect::{CaseJudged, Expectations, Gate, Selection, update};
use zmqspec::report::{
    Annotations, Colour, Console, ConsoleStyle, Ending, Fanout, Jsonl, Junit, Markdown, Output, Progress,
    RequirementText, Verbosity, read_events,
};

/// Files written by version 1 of the schema stay readable, and mean the same when written again.
#[test]
fn a_file_of_schema_version_1_is_read_and_written_alike() {
    let text = std::fs::read_to_string(sample()).unwrap();
    let events = read_events(&sample()).unwrap();
    assert_eq!(events.len(), text.lines().count());
    for (event, line) in events.iter().zip(text.lines()) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_value(event).unwrap(), value);
    }
}

#[test]
fn the_reports_of_one_run_agree_and_keep_the_embargo() {
    let run = report(EXPECTATIONS, Selection::Complete);
    let finished = &run.finished;
    let reported: usize = finished.standing.values().sum();
    assert_eq!(reported, finished.conformance.values().sum::<usize>());
    assert_eq!(reported + finished.embargoed, 9);
    assert_eq!((finished.embargoed, finished.embargoed_differing, finished.dead_expectations.len()), (1, 1, 1));
    assert_eq!(finished.exit_code, 1);
    for (name, text) in &run.files {
        assert!(!text.contains("empty-name") && !text.contains("SIGABRT"), "{name} tells of the embargoed case");
        assert!(text.contains("zmtp/gone"), "{name} names the dead expectation");
    }
    let text = |wanted: &str| &run.files.iter().find(|(name, _)| *name == wanted).unwrap().1;
    assert!(text("console").contains("1 result withheld under embargo"));
    assert!(text("console").contains("1 embargoed result differs"));
    assert_eq!(text("junit").matches("<testcase ").count(), reported + 2, "case runs, a dead entry, the embargo");
    assert_eq!(text("jsonl").matches("\"case-finished\"").count(), reported);
    assert_eq!(text("markdown").matches("<details>").count(), text("console").matches("  rerun").count());
}

#[test]
fn a_partial_run_finds_nothing_dead() {
    let run = report(EXPECTATIONS, Selection::Partial);
    assert!(run.finished.dead_expectations.is_empty());
}

#[test]
fn the_file_of_a_run_feeds_diff_and_update() {
    let old = report(EXPECTATIONS, Selection::Complete);
    let new = report(HEADER, Selection::Complete);
    let diff = Diff::of("old", &old.events, "new", &new.events);
    assert_eq!((diff.differences.len(), diff.exit_code()), (1, 0), "only the embargoed case is new: {diff:?}");

    let first = update("known.toml", HEADER, &new.events).unwrap();
    assert!(first.added > 0 && first.without_reason == first.added);
    assert!(Expectations::parse("known.toml", &first.text).is_err(), "a person must give the reasons");
    let filled = first.text.replace("reason = \"\"", "reason = \"decided by a person\"");
    let run = report(&filled, Selection::Complete);
    assert_eq!(run.finished.exit_code, 0, "{:?}", run.finished);
    assert_eq!(run.finished.standing.get(Standing::Expected.word()), Some(&first.added));
}

const HEADER: &str = "edition = 1\nsubject = \"libzmq\"\n";

const EXPECTATIONS: &str = r#"edition = 1
subject = "libzmq"

[[expect]]
case = "zmtp/command/empty-*"
revision = 1
conformance = "fail"
fingerprint = "another"
reason = "not published yet"
embargo = true

[[expect]]
case = "zmtp/gone"
revision = 1
conformance = "fail"
fingerprint = "f"
reason = "dead"
"#;

struct Reported {
    files: Vec<(&'static str, String)>,
    events: Vec<Event>,
    finished: RunFinished,
}

/// What a runner does with the cases of the sample.
fn report(expectations: &str, selection: Selection) -> Reported {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let mut events = read_events(&sample()).unwrap();
    events.retain(|event| !matches!(event, Event::RunFinished(_) | Event::HarnessError(_)));
    let started = started(&events);
    let expectations = Expectations::parse("known.toml", expectations).unwrap();
    let today = jiff::civil::date(2026, 11, 22);
    let mut gate = Gate::new(Some(expectations), &started.subject, today, selection);
    let requirement = |_: &str| None::<RequirementText>;
    let (mut console, mut annotations) = (Vec::new(), Vec::new());
    let style =
        ConsoleStyle { colour: Colour::Off, progress: Progress::Lines, verbosity: Verbosity::Verbose, width: 80 };
    let mut fanout = Fanout::new(gate.embargo());
    fanout.add(Console::new(&mut console, style, &requirement));
    fanout.add(Annotations::new(&mut annotations));
    fanout.add(Jsonl::create(&path("jsonl")).unwrap());
    fanout.add(Junit::new(Output::create(&path("junit")).unwrap(), &requirement));
    fanout.add(Markdown::new(Output::create(&path("markdown")).unwrap(), &requirement));
    for event in &mut events {
        if let Event::CaseFinished(case) = event {
            let judgement = gate.judge(&CaseJudged {
                run: &case.run,
                revision: case.revision,
                provisional: case.provisional,
                verdict: &case.verdict,
                fingerprint: case.failure.as_ref().map(|failure| failure.fingerprint.as_str()),
            });
            case.standing = judgement.standing;
            case.expected_because = judgement.because;
        }
        fanout.on(event).unwrap();
    }
    let finished = fanout.end(Ending { findings: gate.finish(), not_run: 0, millis: 1 }).unwrap();
    drop(fanout);
    let read = |name: &'static str| (name, std::fs::read_to_string(path(name)).unwrap());
    let mut files: Vec<_> = ["jsonl", "junit", "markdown"].map(read).into();
    files.push(("console", String::from_utf8(console).unwrap()));
    files.push(("annotations", String::from_utf8(annotations).unwrap()));
    let events = read_events(&path("jsonl")).unwrap();
    Reported { files, events, finished }
}

fn started(events: &[Event]) -> RunStarted {
    let Some(Event::RunStarted(started)) = events.first() else { panic!("no run-started") };
    (**started).clone()
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/events.v1.jsonl")
}
