use super::*;
use crate::plan::FaultKind;
use crate::toy::{self, Toy};

fn shrunk(plan: &Plan, budget: Budget) -> Result<Shrunk, Succeeds> {
    shrink(&Trial::judged_by(&Toy, &toy::judge), plan, budget, &mut |_| {})
}

fn failing() -> impl Iterator<Item = Plan> {
    let fails = |plan: &Plan| {
        let tried = Trial::judged_by(&Toy, &toy::judge).attempt(plan, Recording::History);
        !tried.violations.is_empty()
    };
    (0..).map(|seed| toy::plan(seed, 60)).filter(fails)
}

#[test]
fn sixty_faults_come_down_to_the_three_that_matter() {
    let mut left = Vec::new();
    let mut replays = Vec::new();
    for plan in failing().take(41) {
        let shrunk = shrunk(&plan, Budget { replays: 100, ..Budget::default() }).unwrap();
        left.push(shrunk.plan.faults.len());
        replays.push(shrunk.replays_for_faults);
    }
    left.sort_unstable();
    replays.sort_unstable();
    assert!(left[20] <= 4 && left[40] <= 8, "{left:?}");
    assert!(replays[20] <= 60, "{replays:?}");
}

#[test]
fn what_is_left_is_small_in_every_way() {
    let plan = failing().next().unwrap();
    let shrunk = shrunk(&plan, Budget::default()).unwrap();
    assert_eq!(shrunk.minimal, Minimal::Proved);
    assert_eq!(shrunk.symptom.to_string(), "no-loss REQREP-REQ-01");
    insta::assert_snapshot!(format!(
        "{}\n{}",
        words::plan(&shrunk.plan).join("\n"),
        crate::saved::written(&shrunk.plan)
    ));
}

#[test]
fn no_single_part_can_be_left_out() {
    let trial = Trial::judged_by(&Toy, &toy::judge);
    for plan in failing().take(5) {
        let shrunk = shrunk(&plan, Budget::default()).unwrap();
        for layer in Layer::ALL {
            for part in layer.parts(&shrunk.plan) {
                let Some(rest) = without(&shrunk.plan, &[&part]).filter(is_sound) else { continue };
                let fails = !trial.attempt(&rest, Recording::History).violations.is_empty();
                assert!(!fails || rest == shrunk.plan, "{part:?} could be left out of {:#?}", shrunk.plan);
            }
        }
    }
}

#[test]
fn a_plan_that_succeeds_is_refused() {
    assert_eq!(shrunk(&toy::plan(0, 0), Budget::default()).unwrap_err(), Succeeds);
}

#[test]
fn a_host_goes_with_all_that_names_it() {
    let mut plan = toy::plan(3, 0);
    let between = ["server".to_owned(), "c1".to_owned()];
    let fault =
        |what: FaultKind| crate::plan::Fault { at: crate::time::Span::default(), after: None, r#for: None, what };
    plan.faults.push(fault(FaultKind::Reset { between }));
    plan.faults.push(fault(FaultKind::Pause { host: "c1".into() }));
    plan.faults.push(fault(FaultKind::Pause { host: "c2".into() }));
    plan.faults.push(fault(FaultKind::Swizzle { hosts: vec!["c1".into(), "c2".into()] }));
    plan.faults.push(fault(FaultKind::DuplicateConnect { socket: "c1".into() }));
    let rest = without(&plan, &[&Part::Host("c1".into())]).unwrap();
    assert!(rest.host("c1").is_none() && rest.socket("c1").is_none() && rest.actor("c1").is_none());
    assert_eq!(
        rest.faults.iter().map(|fault| &fault.what).collect::<Vec<_>>(),
        [&FaultKind::Pause { host: "c2".into() }, &FaultKind::Swizzle { hosts: vec!["c2".into()] }]
    );
    assert_eq!(rest.actors.len(), plan.actors.len() - 1);
}

#[test]
fn the_budget_is_kept() {
    let plan = failing().next().unwrap();
    let shrunk = shrunk(&plan, Budget { replays: 10, ..Budget::default() }).unwrap();
    assert!(shrunk.replays <= 10 && shrunk.minimal == Minimal::BudgetOver);
}
