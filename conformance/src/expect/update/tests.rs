use super::*;
use crate::event::{Failure, HarnessError, Role, Standing};
use crate::report::sample;
use crate::verdict::Conformance;

#[test]
fn what_holds_stays_what_does_not_goes_and_what_is_new_needs_a_reason() {
    let cases = vec![
        sample::failed("zmtp/stays"),
        sample::passed("zmtp/fixed"),
        reason("zmtp/other-reason", "step 9: silence"),
        sample::crashed("zmtp/new"),
        sample::provisional("zmtp/not-gating"),
        // Splits: one role passes now.
        sample::failed("zmtp/half"),
        connects(sample::passed("zmtp/half")),
        // One entry for both roles, one for one of them.
        sample::failed("zmtp/both"),
        connects(sample::failed("zmtp/both")),
        sample::passed("zmtp/one"),
        connects(sample::failed("zmtp/one")),
        // Known for an older version.
        sample::failed("zmtp/older"),
    ];
    let update = update("x.toml", OLD, &events(cases, |_| {})).unwrap();
    insta::assert_snapshot!("diff", update.diff);
    assert_eq!((update.kept, update.removed, update.added, update.without_reason), (4, 4, 6, 5));
    assert!(update.notes.is_empty());

    let error = Expectations::parse("x.toml", &update.text).unwrap_err().to_string();
    assert!(error.contains("expected a reason in words"), "{error}");
    let filled = update.text.replace("reason = \"\"", "reason = \"a person said so\"");
    assert_eq!(Expectations::parse("x.toml", &filled).unwrap().entries.len(), 10);
}

#[test]
fn a_second_update_of_the_same_run_changes_nothing() {
    let cases = || vec![sample::failed("a/b"), connects(sample::failed("a/b")), sample::crashed("a/c")];
    let first = update("x.toml", "", &events(cases(), complete)).unwrap();
    assert_eq!((first.added, first.without_reason), (2, 2));
    let filled = first.text.replace("reason = \"\"", "reason = \"a person said so\"");
    let second = update("x.toml", &filled, &events(cases(), complete)).unwrap();
    assert_eq!((second.text.as_str(), second.diff.as_str()), (filled.as_str(), ""));
}

#[test]
fn a_partial_run_does_not_split_what_it_did_not_see_whole() {
    let old = &format!("edition = 1\nsubject = \"libzmq\"\n{}", entry("zmtp/*", ""));
    let cases = || vec![sample::failed("zmtp/a"), sample::passed("zmtp/b")];
    let partial = update("x.toml", old, &events(cases(), |run| run.run = vec!["zmtp/?".to_owned()])).unwrap();
    assert_eq!((partial.diff.as_str(), partial.notes.len()), ("", 1));
    let whole = update("x.toml", old, &events(cases(), complete)).unwrap();
    assert_eq!((whole.removed, whole.added, whole.without_reason), (1, 1, 0));
    assert!(whole.text.contains("case = \"zmtp/a\"") && !whole.text.contains("zmtp/b"));
}

#[test]
fn an_entry_under_embargo_is_left_alone() {
    let old = &format!("edition = 1\nsubject = \"libzmq\"\n{}", entry("zmtp/a", "embargo = true\n"));
    let update = update("x.toml", old, &events(vec![sample::passed("zmtp/b")], complete)).unwrap();
    assert_eq!(update.diff, "");
}

#[test]
fn comments_set_apart_and_text_that_looks_like_an_entry_stay() {
    let old = "# File.\nedition = 1\nsubject = \"libzmq\"\n\n# Section one.\n\n# Of a.\n[[expect]] # here\ncase = \"a\"\n\
               revision = 1\nconformance = \"fail\"\nfingerprint = \"f\"\nreason = \"\"\"\nlong\n[[expect]]\n# not a comment\n\"\"\"\n\n\
               # Section two.\n\n[[expect]]\ncase = \"b\"\nrevision = 1\nconformance = \"fail\"\nfingerprint = \"f\"\nreason = \"r\"\n";
    let new = update("x.toml", old, &events(vec![sample::passed("a")], complete)).unwrap().text;
    assert!(new.contains("# File.") && new.contains("# Section one.") && new.contains("# Section two."), "{new}");
    assert!(!new.contains("# Of a.") && !new.contains("long") && !new.contains("not a comment"), "{new}");
    assert_eq!(Expectations::parse("x", &new).unwrap().entries.len(), 1);
}

#[test]
fn a_run_that_cannot_be_relied_upon_is_refused() {
    let good = events(vec![sample::passed("a")], complete);
    let mut broken = good.clone();
    broken.insert(1, Event::HarnessError(HarnessError { run: None, text: "the adapter wrote `x`".to_owned() }));
    let errors = [
        update("x.toml", "", &[]).unwrap_err(),
        update("x.toml", "", &broken).unwrap_err(),
        update("x.toml", "edition = 1\nsubject = \"other\"\n", &good).unwrap_err(),
        update("x.toml", "edition = 3\n", &good).unwrap_err(),
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"));
}

const OLD: &str = r#"# Known of libzmq.
edition = 1
subject = "libzmq"

# Greeting.

# Seen since 4.2.
[[expect]]
case = "zmtp/stays"
revision = 1
conformance = "fail"
fingerprint = "step 3: received instead of close"
reason = "stays as it is"

# Was mended.
[[expect]]
case = "zmtp/fixed"
revision = 1
conformance = "fail"
fingerprint = "step 3: received instead of close"
reason = "will be mended"

[[expect]]
case = "zmtp/other-reason"
revision = 1
conformance = "fail"
fingerprint = "step 3: received instead of close"
reason = "said of step 3"

[[expect]]
case = "zmtp/half"
revision = 1
conformance = "fail"
fingerprint = "step 3: received instead of close"
reason = "holds for one role"
link = "https://example.org/1"
expires = 2027-01-01
when = { version = ">=4.3.5" }

[[expect]]
case = "zmtp/older"
revision = 1
conformance = "fail"
fingerprint = "step 1"
reason = "of an older version"
when = { version = "<4.3.5" }

[[expect]]
case = "zmtp/dead"
revision = 1
conformance = "fail"
fingerprint = "f"
reason = "its case is gone"

[[expect]]
case = "zmtp/not-executed"
revision = 1
conformance = "fail"
fingerprint = "f"
reason = "was not seen"

[[expect]]
case = "zmtp/not-gating"
revision = 7
conformance = "fail"
fingerprint = "f"
reason = "provisional"
"#;

fn entry(case: &str, more: &str) -> String {
    format!(
        "[[expect]]\ncase = \"{case}\"\nrevision = 1\nconformance = \"fail\"\nreason = \"known\"\n\
         fingerprint = \"step 3: received instead of close\"\n{more}"
    )
}

fn reason(case: &str, fingerprint: &str) -> CaseFinished {
    let failure = Failure { fingerprint: fingerprint.to_owned(), ..sample::failure() };
    CaseFinished { failure: Some(failure), ..sample::failed(case) }
}

fn connects(mut case: CaseFinished) -> CaseFinished {
    case.run.role = Role::Connects;
    assert!(case.standing == Standing::Ok || case.verdict.conformance == Conformance::Fail);
    case
}

fn complete(_: &mut RunStarted) {}

fn events(cases: Vec<CaseFinished>, change: impl Fn(&mut RunStarted)) -> Vec<Event> {
    let mut started = RunStarted { skip: Vec::new(), ..sample::started() };
    change(&mut started);
    let dead = vec!["x.toml:48: `zmtp/dead` covers no case run; remove the entry".to_owned()];
    let mut events = vec![Event::RunStarted(Box::new(started))];
    events.extend(cases.into_iter().map(|case| Event::CaseFinished(Box::new(case))));
    events.push(Event::RunFinished(RunFinished { dead_expectations: dead, ..sample::finished() }));
    events
}
