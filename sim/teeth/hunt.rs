//! Seeds are tried until an oracle speaks, or all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use zmq_sim::engine::{Engine, Recording};
use zmq_sim::{oracle, swarm};

/// So many seeds of each oracle are named.
const SOME: usize = 8;

/// What was found so far.
#[derive(Default)]
struct Found {
    /// The least seed that shows something, and what it shows first.
    first: Option<(u64, String)>,
    /// Seeds in which each oracle spoke.
    oracles: BTreeMap<&'static str, BTreeSet<u64>>,
}

/// Tries the seeds of the command line, `FIRST LAST`, and prints `found SEED ORACLE CLAUSE: WHAT` or `missed`. With `every`
/// behind them it goes on to the last, and prints for each oracle in how many seeds it spoke, and the first of these.
pub(crate) fn main(engine: &dyn Engine) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let (Some(first), Some(last)) = (number(0), number(1)) else {
        eprintln!("expected the first and the last seed, got {arguments:?}");
        return ExitCode::from(2);
    };
    let every = arguments.get(2).is_some_and(|word| word == "every");
    let next = AtomicU64::new(first);
    let found = Mutex::new(Found::default());
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let so_far = found.lock().expect("nobody panics with it").first.as_ref().map(|(seed, _)| *seed);
                    if seed >= last || !every && so_far.is_some_and(|found| found < seed) {
                        return;
                    }
                    let seen = try_seed(engine, seed);
                    let mut found = found.lock().expect("nobody panics with it");
                    if let Some((_, what)) = seen.first()
                        && found.first.as_ref().is_none_or(|(earlier, _)| seed < *earlier)
                    {
                        found.first = Some((seed, what.clone()));
                    }
                    for (oracle, _) in seen {
                        found.oracles.entry(oracle).or_default().insert(seed);
                    }
                }
            });
        }
    });
    let found = found.into_inner().expect("nobody panics with it");
    match found.first {
        Some((seed, what)) => println!("found {seed} {what}"),
        None => println!("missed"),
    }
    for (oracle, seeds) in found.oracles.iter().filter(|_| every) {
        let some: Vec<String> = seeds.iter().take(SOME).map(u64::to_string).collect();
        println!("{oracle} {}: {}", seeds.len(), some.join(" "));
    }
    ExitCode::SUCCESS
}

/// What oracles say: each by its name, and in words.
fn try_seed(engine: &dyn Engine, seed: u64) -> Vec<(&'static str, String)> {
    let plan = swarm::draw(seed);
    if engine.lacks(&plan).is_some() {
        return Vec::new();
    }
    let run = catch_unwind(AssertUnwindSafe(|| engine.run(&plan, Recording::History)));
    let Ok(run) = run else { return vec![("crash", "crash: a panic".to_owned())] };
    let said = |violation: oracle::Violation| {
        let text = format!("{} {}: {}", violation.oracle, violation.clause, violation.text);
        (violation.oracle, text)
    };
    oracle::judge(&plan, &run).into_iter().map(said).collect()
}
