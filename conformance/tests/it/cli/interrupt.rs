//! Ctrl-C in the middle of a run: what was found is reported, the run is not green, and no process is left.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::wayward::{SELECTED, wayward};
use super::{Came, Place, of_kind};

/// Far more than a loaded machine needs.
const LONG: Duration = Duration::from_secs(60);

/// A run whose subject waits, in the middle of a case, for the file `go`.
fn waiting(place: &Place, reports: &[&str]) -> Child {
    let subject = wayward("waits");
    let mut words = vec!["check", &subject, "--jobs", "1", "--expect", "none", "--deadline-scale", "100"];
    words.extend(reports);
    words.extend(SELECTED);
    let child = place.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the subject waits", || place.path("folder/reached").exists());
    child
}

pub(super) fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Waits for something that has to come; a deadline only ends a test that has failed.
pub(super) fn until(what: &str, mut there: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !there() {
        assert!(Instant::now() < deadline, "expected: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs; one that is dead and not yet reaped does not.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

fn all_gone(place: &Place) {
    let pids = place.read("folder/pids");
    assert!(pids.lines().count() >= 2, "the adapter and the one behind it: {pids}");
    for pid in pids.lines() {
        until("no process is left", || !runs(pid));
    }
}

#[test]
fn one_interrupt_ends_the_run_after_the_case() {
    let place = Place::with_cases(&["pipeline/pull.toml", "reqrep/rep.toml"]);
    let child = waiting(&place, &["--json", "run.jsonl", "--junit", "run.xml", "--markdown", "run.md"]);
    interrupt(&child);
    place.write("folder/go", "");
    let came = Came::of(&child.wait_with_output().unwrap()).expect(5);
    let events = place.events("run.jsonl");
    let last = events.last().unwrap();
    assert!(last["not_run"].as_u64().unwrap() > 0, "{last}");
    let errors = of_kind(&events, "harness-error");
    assert!(errors.len() == 1 && errors[0]["text"].as_str().unwrap().contains("an interrupt"), "{errors:?}");
    assert!(came.stdout.contains("not executed"), "{}", came.stdout);
    assert!(place.read("run.xml").trim_end().ends_with("</testsuites>"));
    assert!(place.read("run.md").contains("not executed"));
    all_gone(&place);
}

#[test]
fn a_second_interrupt_ends_everything_at_once() {
    let place = Place::with_cases(&["pipeline/pull.toml", "reqrep/rep.toml"]);
    let mut child = waiting(&place, &[]);
    // Two signals may become one, so they are sent until the program has ended. The subject never goes on.
    let mut code = None;
    until("the program ends", || {
        code = child.try_wait().unwrap();
        if code.is_none() {
            interrupt(&child);
        }
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(130));
    all_gone(&place);
}
