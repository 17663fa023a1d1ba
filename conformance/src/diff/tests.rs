use super::*;
use crate::event::Failure;
use crate::report::sample;

#[test]
fn every_kind_of_change_in_text_and_markdown() {
    let diff = everything();
    insta::assert_snapshot!("text", diff.to_text());
    insta::assert_snapshot!("markdown", diff.to_markdown());
    insta::assert_snapshot!("json", diff.to_json().unwrap());
}

#[test]
fn old_against_new_verdict() {
    let verdicts = [
        ("pass", sample::passed("a")),
        ("variant v", sample::variant("a", "v")),
        ("variant w", sample::variant("a", "w")),
        ("unsupported", sample::unsupported("a")),
        ("fail f", sample::failed("a")),
        ("fail g", reason("a", "g")),
        ("crashed", sample::crashed("a")),
    ];
    let mut table = format!("{:<14}", "old \\ new");
    table.extend(verdicts.iter().map(|(name, _)| format!("{name:<16}")));
    for (name, old) in &verdicts {
        table += &format!("\n{name:<14}");
        for (_, new) in &verdicts {
            let diff = compare(vec![old.clone()], vec![new.clone()]);
            let change = diff.differences.first().map_or("-".to_owned(), |one| format!("{:?}", one.change));
            let mark = if diff.exit_code() == 1 { "!" } else { "" };
            table += &format!("{:<16}", format!("{change}{mark}"));
            assert_eq!(diff.same + diff.differences.len(), 1);
        }
    }
    let table: Vec<_> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn a_run_is_the_same_as_itself() {
    let events = sample::whole_run();
    let diff = Diff::of("a", &events, "b", &events);
    assert_eq!((diff.differences.len(), diff.exit_code(), diff.same), (0, 0, diff.new.reported));
}

#[test]
fn fin_and_rst_are_one_close_and_open_is_another() {
    let close = |close| {
        let mut case = sample::passed("a");
        case.verdict.close = close;
        case
    };
    let change = |old, new| compare(vec![close(old)], vec![close(new)]).differences.first().map(|one| one.change);
    assert_eq!(change(Some(Close::Fin), Some(Close::Rst)), None);
    assert_eq!(change(Some(Close::Rst), Some(Close::Open)), Some(Change::OtherEnd));
    assert_eq!(change(Some(Close::Open), None), Some(Change::OtherEnd));
}

#[test]
fn a_provisional_case_is_told_and_no_regression() {
    let diff = compare(vec![sample::passed("a")], vec![sample::provisional("a")]);
    assert_eq!((diff.differences.len(), diff.exit_code()), (1, 0));
    assert!(diff.to_text().contains("(not gating)"));
}

#[test]
fn vanished_and_new_cases_add_up() {
    let diff = compare(
        vec![sample::passed("a"), sample::passed("b"), sample::passed("c")],
        vec![sample::passed("b"), sample::passed("d")],
    );
    let count = |change| diff.differences.iter().filter(|one| one.change == change).count();
    assert_eq!((count(Change::Vanished), count(Change::New), diff.same), (2, 1, 1));
    assert_eq!(diff.same + diff.differences.len() - count(Change::Vanished), diff.new.reported);
    assert_eq!(diff.exit_code(), 1);
}

#[test]
fn an_unreadable_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("old.jsonl");
    assert!(Diff::of_files(&missing, &missing).unwrap_err().to_string().contains("old.jsonl: expected"));
}

fn everything() -> Diff {
    let mut moved = sample::passed("zmtp/close/moved");
    moved.verdict.close = Some(Close::Timeout);
    let mut changed = reason("zmtp/fail/other", "step 5: silence | `x`");
    changed.revision = 2;
    let old = vec![
        sample::passed("zmtp/same"),
        sample::passed("zmtp/pass/fails"),
        sample::passed("zmtp/pass/provisional"),
        sample::passed("zmtp/pass/unsupported"),
        sample::passed("zmtp/gone"),
        sample::failed("zmtp/fail/other"),
        sample::failed("zmtp/fail/crashes"),
        sample::failed("zmtp/fixed"),
        sample::variant("zmtp/variant", "v"),
        sample::passed("zmtp/close/moved"),
    ];
    let new = vec![
        sample::passed("zmtp/same"),
        sample::failed("zmtp/pass/fails"),
        sample::provisional("zmtp/pass/provisional"),
        sample::unsupported("zmtp/pass/unsupported"),
        changed,
        sample::crashed("zmtp/fail/crashes"),
        sample::passed("zmtp/fixed"),
        sample::passed("zmtp/new"),
        sample::variant("zmtp/variant", "w"),
        moved,
    ];
    let (old, mut new) = (events(old), events(new));
    if let Some(Event::RunStarted(started)) = new.first_mut() {
        started.subject.version = "4.3.6".to_owned();
        started.profile = "strict".to_owned();
        started.run = vec!["zmtp/*".to_owned()];
    }
    new.pop();
    Diff::of("old.jsonl", &old, "new.jsonl", &new)
}

fn reason(case: &str, fingerprint: &str) -> CaseFinished {
    let failure = Failure { fingerprint: fingerprint.to_owned(), ..sample::failure() };
    CaseFinished { failure: Some(failure), ..sample::failed(case) }
}

fn compare(old: Vec<CaseFinished>, new: Vec<CaseFinished>) -> Diff {
    Diff::of("old", &events(old), "new", &events(new))
}

fn events(cases: Vec<CaseFinished>) -> Vec<Event> {
    let mut events = vec![Event::RunStarted(Box::new(sample::started()))];
    events.extend(cases.into_iter().map(|case| Event::CaseFinished(Box::new(case))));
    events.push(Event::RunFinished(sample::finished()));
    events
}

#[test]
fn of_repetitions_the_deviating_one_counts() {
    for new in [vec![sample::failed("a"), sample::passed("a")], vec![sample::passed("a"), sample::failed("a")]] {
        let diff = compare(vec![sample::passed("a")], new);
        assert_eq!((diff.exit_code(), diff.new.reported), (1, 1));
    }
}
