//! What captivity costs: round trips, scheduling points and short scenarios a second. The medians of several rounds.
//!
//! `cargo bench -p zmq-captive`; `ZMQSPEC_CAPTIVE_LIBRARIES` as for the tests.

use std::path::{Path, PathBuf};
use std::time::Instant;

use zmq_captive::{Libzmq, Rates};
use zmq_sim::engine::{Ending, Engine as _, Recording};
use zmq_sim::plan::Plan;

const ROUNDS: u64 = 5;
const ROUND_TRIPS: u32 = 5000;
const SCENARIOS: u64 = 100;

const PLAN: &str = r#"
title = "Round trips"
heal = "0s"
limit = "1h"
[[host]]
name = "inn"
[[socket]]
name = "asks"
host = "inn"
type = "REQ"
connect = ["ENDPOINT"]
[[socket]]
name = "answers"
host = "inn"
type = "REP"
bind = ["ENDPOINT"]
[[actor]]
name = "guest"
sockets = ["asks"]
do = [{ request = { count = COUNT } }]
[[actor]]
name = "host"
sockets = ["answers"]
do = [{ serve = { count = COUNT } }]
"#;

fn main() {
    let system = zmq_libzmq::Library::open(None).expect("the system has a libzmq").path().to_owned();
    let more = std::env::var("ZMQSPEC_CAPTIVE_LIBRARIES").unwrap_or_default();
    let more = more.split_whitespace().map(|one| one.split(':').map(PathBuf::from).collect::<Vec<_>>());
    for files in std::iter::once(vec![system]).chain(more) {
        let Some((library, preloads)) = files.split_first() else { continue };
        println!("{}", library.display());
        for endpoint in ["tcp://127.0.0.1:5555", "ipc://desk", "inproc://desk"] {
            round_trips(library, preloads, endpoint);
        }
        scenarios(library, preloads);
    }
}

fn engine(library: &Path, preloads: &[PathBuf]) -> Libzmq {
    Libzmq::new(library, preloads, vec![env!("CARGO_BIN_EXE_zmq-captive-host").into()]).expect("it works here")
}

/// Whole runs, less runs in which there is next to nothing to do.
fn round_trips(library: &Path, preloads: &[PathBuf], endpoint: &str) {
    let engine = engine(library, preloads);
    let timed = |count: u32, seed: u64| {
        let text = PLAN.replace("ENDPOINT", endpoint).replace("COUNT", &count.to_string());
        let mut plan: Plan = toml::from_str(&text).expect("the plan is compiled in");
        plan.seed = seed;
        let begun = Instant::now();
        let run = engine.run(&plan, Recording::History);
        assert_eq!(run.ending, Ending::Finished);
        begun.elapsed().as_secs_f64()
    };
    let rate = |seed| f64::from(ROUND_TRIPS - 1) / (timed(ROUND_TRIPS, seed) - timed(1, seed)).max(1e-9);
    let rates: Vec<f64> = (0..ROUNDS).map(rate).collect();
    println!("  {endpoint:22} {:8.0} REQ/REP round trips/s", median(rates));
}

/// Short scenarios, on two processors.
fn scenarios(library: &Path, preloads: &[PathBuf]) {
    let engine = engine(library, preloads).with_rates(Rates::ALL);
    let text = include_str!("../tests/plans/streams.toml");
    let plan: Plan = toml::from_str(text).expect("the plan is compiled in");
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for first in 0..2 {
            let (engine, plan) = (&engine, &plan);
            scope.spawn(move || {
                for seed in (first..SCENARIOS).step_by(2) {
                    engine.run(&Plan { seed, ..plan.clone() }, Recording::History);
                }
            });
        }
    });
    let took = begun.elapsed().as_secs_f64();
    let thousand = took * 1000.0 / f64::from(u32::try_from(SCENARIOS).unwrap_or(u32::MAX));
    println!("  1,000 scenarios of two hosts with all faults, on two threads: {thousand:.0} s");
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}
