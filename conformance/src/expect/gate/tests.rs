use jiff::civil::date;

use super::*;
use crate::event::Role;
use crate::verdict::Close;

#[test]
fn verdicts_against_entries() {
    // Every verdict that matters against every kind of entry, as one table.
    let verdicts = [
        ("pass", verdict(Conformance::Pass, None, Survival::Ok), None),
        ("pass, crashed", verdict(Conformance::Pass, None, Survival::Crashed), Some("exit")),
        ("variant a", verdict(Conformance::Variant, Some("a"), Survival::Ok), None),
        ("variant b", verdict(Conformance::Variant, Some("b"), Survival::Ok), None),
        ("fail f", verdict(Conformance::Fail, None, Survival::Ok), Some("f")),
        ("fail g", verdict(Conformance::Fail, None, Survival::Ok), Some("g")),
        ("fail f, harmed", verdict(Conformance::Fail, None, Survival::Harmed), Some("f")),
        ("contested c", verdict(Conformance::Contested, Some("c"), Survival::Ok), Some("c")),
        ("unsupported", verdict(Conformance::Unsupported, None, Survival::Ok), Some("no")),
        ("inconclusive", verdict(Conformance::Inconclusive, None, Survival::Ok), Some("i")),
    ];
    let entries = [
        ("no entry", None),
        ("expects fail f", Some("conformance = \"fail\"\nfingerprint = \"f\"\nrevision = 1")),
        ("expects fail f at revision 2", Some("conformance = \"fail\"\nfingerprint = \"f\"\nrevision = 2")),
        ("pins variant a", Some("conformance = \"variant\"\nvariant = \"a\"\nrevision = 1")),
        ("pins contested", Some("conformance = \"contested\"\nrevision = 1")),
    ];
    let mut table = String::new();
    for (entry_name, entry) in entries {
        table += &format!("{entry_name}\n");
        for (name, verdict, fingerprint) in &verdicts {
            let mut gate = gate(&entry.map(on_case).into_iter().collect::<Vec<_>>().concat(), Selection::Complete);
            let run = run("a/b", Role::Binds);
            let judged = CaseJudged { run: &run, revision: 1, provisional: false, verdict, fingerprint: *fingerprint };
            let judgement = gate.judge(&judged);
            let because = judgement.because.unwrap_or_default();
            table += &format!("  {name:<16}{:<18}{because}\n", format!("{:?}", judgement.standing));
            assert!(!judgement.embargoed);
            let provisional = gate.judge(&CaseJudged { provisional: true, ..judged });
            assert!(!provisional.standing.is_red(), "{entry_name} {name}");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn closed_takes_fin_and_rst_and_a_named_close_only_itself() {
    let closes = [None, Some(Close::Fin), Some(Close::Rst), Some(Close::Open), Some(Close::Timeout)];
    for (rule, allowed) in [("closed", 0b110), ("fin", 0b10), ("rst", 0b100), ("open", 0b1000), ("timeout", 0b10000)] {
        for (i, close) in closes.iter().enumerate() {
            let entry = format!("conformance = \"fail\"\nfingerprint = \"f\"\nrevision = 1\nclose = \"{rule}\"");
            let mut gate = gate(&on_case(&entry), Selection::Complete);
            let verdict = Verdict { close: *close, ..verdict(Conformance::Fail, None, Survival::Ok) };
            let standing = judge(&mut gate, "a/b", &verdict, Some("f")).standing;
            let fits = allowed >> i & 1 == 1;
            assert_eq!(standing == Standing::Expected, fits, "{rule} against {close:?}");
            assert_eq!(standing == Standing::DifferentFailure, !fits, "{rule} against {close:?}");
        }
    }
}

#[test]
fn an_entry_that_covers_nothing_is_dead_only_when_everything_ran() {
    let entries = [FAIL, &FAIL.replace("a/b", "a/gone"), &FAIL.replace("a/b\"", "a/c\"\nwhen = { os = [\"plan9\"] }")];
    for (selection, dead) in [(Selection::Complete, 1), (Selection::Partial, 0)] {
        let mut gate = gate(&entries.concat(), selection);
        judge(&mut gate, "a/b", &verdict(Conformance::Fail, None, Survival::Ok), Some("f"));
        let findings = gate.finish();
        assert_eq!(findings.dead.len(), dead, "{selection:?}");
        assert!(findings.expired.is_empty());
    }
    let mut gate = gate(&entries.concat(), Selection::Complete);
    insta::assert_snapshot!(gate.finish().dead.join("\n"));
    gate.cut_short();
    assert_eq!(gate.finish(), GateFindings::default());
}

#[test]
fn an_entry_is_good_on_its_last_day_and_red_after_it() {
    for (last_day, expired) in [("2026-11-21", 1), ("2026-11-22", 0), ("2026-11-23", 0)] {
        for selection in [Selection::Complete, Selection::Partial] {
            let mut gate = gate(&format!("{FAIL}expires = {last_day}\n"), selection);
            let judgement = judge(&mut gate, "a/b", &verdict(Conformance::Fail, None, Survival::Ok), Some("f"));
            assert_eq!(judgement.standing, Standing::Expected);
            let findings = gate.finish();
            assert_eq!((findings.expired.len(), findings.dead.len()), (expired, 0), "{last_day}");
        }
    }
    let unseen = gate(&format!("{FAIL}expires = 2020-01-01\n"), Selection::Partial);
    assert_eq!(unseen.finish(), GateFindings::default());
}

#[test]
fn a_condition_keeps_an_entry_away_from_other_builds() {
    for (when, standing) in [
        ("version = \">=4.3.5\"", Standing::Expected),
        ("version = \"<4.3.5\"", Standing::Unexpected),
        ("features = [\"draft\"]", Standing::Expected),
        ("features = [\"draft\", \"curve\"]", Standing::Unexpected),
        ("os = [\"macos\", \"linux\"]", Standing::Expected),
        ("sha256 = [\"0000000000000000000000000000000000000000000000000000000000000000\"]", Standing::Unexpected),
    ] {
        let mut gate = gate(&format!("{FAIL}when = {{ {when} }}\n"), Selection::Complete);
        let judgement = judge(&mut gate, "a/b", &verdict(Conformance::Fail, None, Survival::Ok), Some("f"));
        assert_eq!(judgement.standing, standing, "{when}");
        assert!(gate.finish().dead.is_empty());
    }
}

#[test]
fn an_embargo_holds_for_other_builds_too_and_names_no_case() {
    let text = format!("{FAIL}embargo = true\nexpires = 2020-01-01\nwhen = {{ version = \"<4\" }}\n");
    let mut elsewhere = gate(&text, Selection::Complete);
    let fail = verdict(Conformance::Fail, None, Survival::Ok);
    let judgement = judge(&mut elsewhere, "a/b", &fail, Some("f"));
    assert_eq!((judgement.standing, judgement.embargoed), (Standing::Unexpected, true));
    assert!(elsewhere.embargo().covers(&run("a/b", Role::Connects)));
    assert!(!elsewhere.embargo().covers(&run("a/c", Role::Connects)));

    let here = gate(&text.replace("<4", ">4"), Selection::Complete);
    let findings = here.finish();
    assert_eq!((findings.dead.len(), findings.expired.len()), (1, 1));
    assert!(!format!("{findings:?}").contains("a/b"));
}

const FAIL: &str =
    "\n[[expect]]\ncase = \"a/b\"\nreason = \"known\"\nconformance = \"fail\"\nfingerprint = \"f\"\nrevision = 1\n";

fn on_case(fields: &str) -> String {
    format!("\n[[expect]]\ncase = \"a/b\"\nreason = \"known\"\n{fields}\n")
}

fn gate(entries: &str, selection: Selection) -> Gate {
    let file = format!("edition = 1\nsubject = \"libzmq\"\n{entries}");
    let subject = SubjectIdentity {
        version: "4.3.5".to_owned(),
        features: vec!["draft".to_owned()],
        os: "linux".to_owned(),
        ..SubjectIdentity::default()
    };
    Gate::new(Some(Expectations::parse("x.toml", &file).unwrap()), &subject, date(2026, 11, 22), selection)
}

fn judge(gate: &mut Gate, case: &str, verdict: &Verdict, fingerprint: Option<&str>) -> Judgement {
    let run = run(case, Role::Binds);
    gate.judge(&CaseJudged { run: &run, revision: 1, provisional: false, verdict, fingerprint })
}

fn run(case: &str, role: Role) -> RunId {
    RunId { case: case.to_owned(), role, zmtp: "3.1".to_owned() }
}

fn verdict(conformance: Conformance, variant: Option<&str>, survival: Survival) -> Verdict {
    Verdict { conformance, variant: variant.map(str::to_owned), close: None, survival }
}
