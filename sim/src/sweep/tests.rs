use super::*;
use crate::toy::{self, Toy};

fn sweep(jobs: usize, failure: AfterFailure, seeds: Range<u64>) -> (Vec<Done>, Ended) {
    let interrupted = AtomicBool::new(false);
    let draw = |seed| Ok(toy::plan(seed, 60));
    let trial = Trial::judged_by(&Toy, &toy::judge);
    let sweep = Sweep { trial, draw: &draw, time: None, jobs, failure, times: Times::Twice, interrupted: &interrupted };
    let mut told = Vec::new();
    let ended = sweep.over(seeds, &mut |done| told.push(done));
    (told, ended)
}

fn summary(told: &[Done]) -> Vec<(u64, Option<u64>, bool)> {
    told.iter().map(|done| (done.seed, done.hash, done.came.is_failure())).collect()
}

#[test]
fn what_comes_out_is_the_same_whatever_the_number_of_workers() {
    let (one, ended) = sweep(1, AfterFailure::GoOn, 10..40);
    assert_eq!(ended, Ended::AllDone);
    assert_eq!(one.iter().map(|done| done.seed).collect::<Vec<_>>(), (10..40).collect::<Vec<_>>());
    let failures = one.iter().filter(|done| done.came.is_failure()).count();
    assert!((5..25).contains(&failures), "{failures} of 30 seeds fail");
    let (many, _) = sweep(7, AfterFailure::GoOn, 10..40);
    assert_eq!(summary(&one), summary(&many));
}

#[test]
fn it_stops_at_the_first_seed_that_fails() {
    let (one, ended) = sweep(1, AfterFailure::Stop, 0..1000);
    assert_eq!(ended, Ended::Failed);
    assert!(one.last().unwrap().came.is_failure());
    assert!(one[..one.len() - 1].iter().all(|done| !done.came.is_failure()));
    let (many, _) = sweep(5, AfterFailure::Stop, 0..1000);
    assert_eq!(summary(&one), summary(&many));
}

#[test]
fn a_panic_ends_one_run_and_says_where_it_was() {
    let interrupted = AtomicBool::new(false);
    let title = |seed| if seed == 1 { "panics" } else { "goes on" }.to_owned();
    let draw = |seed| Ok(Plan { title: title(seed), ..toy::plan(seed, 0) });
    let trial = Trial::judged_by(&Toy, &toy::judge);
    let failure = AfterFailure::GoOn;
    let sweep =
        Sweep { trial, draw: &draw, time: None, jobs: 2, failure, times: Times::Once, interrupted: &interrupted };
    let mut told = Vec::new();
    sweep.over(0..3, &mut |done| told.push(done));
    let [Came::Kept, Came::Failed(failed), Came::Kept] = [0, 1, 2].map(|at: usize| &told[at].came) else {
        panic!("{told:?}");
    };
    let text = &failed.1.violations[0].text;
    assert!(text.starts_with("panicked at sim/src/toy.rs:") && text.ends_with(": as planned"), "{text}");
    assert!(failed.1.violations[0].symptom().clause.starts_with("sim/src/toy.rs:"));
}

#[test]
fn no_seed_is_begun_after_the_end_of_time() {
    let interrupted = AtomicBool::new(false);
    let draw = |seed| Ok(toy::plan(seed, 0));
    let trial = Trial::judged_by(&Toy, &toy::judge);
    let (failure, times) = (AfterFailure::Stop, Times::Once);
    let mut sweep =
        Sweep { trial, draw: &draw, time: Some(Duration::ZERO), jobs: 2, failure, times, interrupted: &interrupted };
    assert_eq!(sweep.over(0..3, &mut |done| panic!("{done:?}")), Ended::OutOfTime);
    sweep.time = None;
    interrupted.store(true, Ordering::Relaxed);
    assert_eq!(sweep.over(0..3, &mut |done| panic!("{done:?}")), Ended::Interrupted);
}

/// Its second run in a process is other than its first.
struct Forgetful(AtomicU64);

impl crate::engine::Engine for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn lacks(&self, _: &Plan) -> Option<String> {
        None
    }

    fn run(&self, plan: &Plan, recording: Recording) -> crate::engine::Run {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let mut run = Toy.run(&Plan { seed: plan.seed + before, ..plan.clone() }, recording);
        run.hash = run.history.hash();
        run
    }
}

#[test]
fn what_one_run_leaves_for_the_next_is_found_with_the_first_event_that_differs() {
    let trial = Trial::judged_by(&Toy, &toy::judge);
    assert_eq!(trial.twice(&toy::plan(1, 0), Recording::History).1, None);
    let engine = Forgetful(AtomicU64::new(0));
    let trial = Trial::judged_by(&engine, &toy::judge);
    let (_, difference) = trial.twice(&toy::plan(1, 0), Recording::History);
    let Some(Difference::Event { place: 0, one: Some(one), other: Some(other) }) = difference else {
        panic!("{difference:?}");
    };
    assert!(one != other && one.contains("Call") && other.contains("Call"), "{one}\n{other}");
}
