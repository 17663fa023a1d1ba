//! Plans that a swarm draws: whatever they are, nothing is violated.

use zmq_sim::determinism::first_difference;
use zmq_sim::engine::{Engine, Recording};
use zmq_sim::{oracle, swarm};

use super::plans::told;

/// Seeds of this test: `SEEDS=0..1000` for others.
fn seeds() -> std::ops::Range<u64> {
    let said = std::env::var("SEEDS").ok();
    let bounds = said.as_deref().and_then(|said| said.split_once("..")).map(|(from, to)| (from.parse(), to.parse()));
    match bounds {
        Some((Ok(from), Ok(to))) => from..to,
        _ => 0..60,
    }
}

#[test]
fn nothing_is_violated() {
    let engine = zmq_sim_madsim::engine();
    let mut bad = Vec::new();
    for seed in seeds() {
        let mut plan = swarm::draw(seed);
        plan.trouble = seed % 2 == 1;
        let run = engine.run(&plan, Recording::History);
        let again = engine.run(&plan, Recording::Network);
        if run.hash != again.hash {
            let run = engine.run(&plan, Recording::Network);
            panic!("seed {seed}: {}", first_difference(&run, &again));
        }
        let violations = oracle::judge(&plan, &run);
        if let Some(first) = violations.first() {
            bad.push(format!("seed {seed}, {}: {:?}\n{first}", plan.title, run.ending));
            if std::env::var_os("TOLD").is_some() {
                bad.push(told(&plan, &run));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
