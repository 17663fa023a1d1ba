//! Runs against the reference that is built into the program.

use super::{Place, of_kind};

const CASES: &[&str] = &["pipeline/pull.toml", "reqrep/rep.toml"];
const SELECTED: &[&str] = &["--run", "pipeline/pull/delivers-*-octets", "reqrep/rep/serves-*"];

fn words<'w>(before: &[&'w str], after: &[&'w str]) -> Vec<&'w str> {
    before.iter().chain(SELECTED).chain(after).copied().collect()
}

#[test]
fn without_a_subject_the_reference_is_checked_and_the_header_says_so() {
    let place = Place::with_cases(CASES);
    let came = place.run(&words(&["check", "--cases", "cases"], &["--json", "run"])).expect(0);
    let header = "  subject       reference (built in, as no subject was named)\n";
    assert!(came.stdout.contains(header) && came.stdout.contains("checks zmqspec-reference "), "{}", came.stdout);
    assert!(came.stdout.contains("  expectations  none\n"), "{}", came.stdout);
    let events = place.events("run");
    assert_eq!(events[0]["subject"]["spec"], "reference");
    let cases = of_kind(&events, "case-finished");
    assert!(cases.len() > 20, "{cases:?}");
    assert!(cases.iter().all(|case| case["verdict"]["conformance"] == "pass"), "{cases:?}");
}

#[test]
fn a_reference_that_is_named_needs_no_remark() {
    let place = Place::with_cases(CASES);
    let came = place.run(&words(&["check", "reference", "--cases", "cases"], &[])).expect(0);
    assert!(came.stdout.contains("  subject       reference\n"), "{}", came.stdout);
}

#[test]
fn the_drills_of_its_adapter_are_shown() {
    let came = Place::new().run(&["subject", "verify", "reference"]).expect(0);
    assert!(came.stdout.lines().count() > 20 && !came.stdout.contains("FAIL"), "{}", came.stdout);
}
