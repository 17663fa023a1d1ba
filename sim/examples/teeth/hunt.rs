//! Seeds are tried until an oracle speaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use zmq_sim::engine::{Engine, Recording};
use zmq_sim::{oracle, swarm};

/// Tries the seeds of the command line, `FIRST LAST`, and prints `found SEED ORACLE CLAUSE: WHAT` or `missed`.
pub(crate) fn main(engine: &dyn Engine) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let (Some(first), Some(last)) = (number(0), number(1)) else {
        eprintln!("expected the first and the last seed, got {arguments:?}");
        return ExitCode::from(2);
    };
    let seeds = first..last;
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new(None::<(u64, String)>);
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let so_far = found.lock().expect("nobody panics with it").as_ref().map(|(seed, _)| *seed);
                    if seed >= seeds.end || so_far.is_some_and(|found| found < seed) {
                        return;
                    }
                    if let Some(what) = try_seed(engine, seed) {
                        let mut found = found.lock().expect("nobody panics with it");
                        if found.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                            *found = Some((seed, what));
                        }
                    }
                }
            });
        }
    });
    match found.into_inner().expect("nobody panics with it") {
        Some((seed, what)) => println!("found {seed} {what}"),
        None => println!("missed"),
    }
    ExitCode::SUCCESS
}

/// What the first oracle says that has something to say.
fn try_seed(engine: &dyn Engine, seed: u64) -> Option<String> {
    let plan = swarm::draw(seed);
    if engine.lacks(&plan).is_some() {
        return None;
    }
    let run = catch_unwind(AssertUnwindSafe(|| engine.run(&plan, Recording::Network)));
    let Ok(run) = run else { return Some("crash: a panic".to_owned()) };
    let violation = oracle::judge(&plan, &run).into_iter().next()?;
    Some(format!("{} {}: {}", violation.oracle, violation.clause, violation.text))
}
