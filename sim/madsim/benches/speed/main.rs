//! How quick a simulated network is: `cargo bench -p zmq-sim-madsim`.
//!
//! Several rounds, in which all take their turns; the median of each. Rates are by time of the clock and by time of the
//! processor: on a machine that has other things to do the second is the truer one.

mod others;
mod ours;

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// One thing that is measured.
struct Subject {
    name: &'static str,
    unit: &'static str,
    /// What is wanted of it, by the processor's time.
    goal: Option<f64>,
    /// Does it, and gives how much that was.
    run: fn() -> f64,
}

const SUBJECTS: [Subject; 11] = [
    Subject {
        name: "World under madsim, 2 nodes",
        unit: "round trips/s",
        goal: Some(0.8e6),
        run: || ours::streams(2, 100_000),
    },
    Subject {
        name: "madsim's own network, 2 nodes",
        unit: "round trips/s",
        goal: None,
        run: || others::madsim(2, 100_000),
    },
    Subject { name: "turmoil, 2 nodes", unit: "round trips/s", goal: None, run: || others::turmoil(2, 10_000) },
    Subject {
        name: "World under madsim, 100 nodes",
        unit: "round trips/s",
        goal: Some(0.7e6),
        run: || ours::streams(100, 1000),
    },
    Subject {
        name: "madsim's own network, 100 nodes",
        unit: "round trips/s",
        goal: None,
        run: || others::madsim(100, 1000),
    },
    Subject { name: "turmoil, 100 nodes", unit: "round trips/s", goal: None, run: || others::turmoil(100, 20) },
    Subject {
        name: "REQ/REP over tcp",
        unit: "round trips/s",
        goal: Some(0.2e6),
        run: || ours::requests("tcp", 30_000),
    },
    Subject { name: "REQ/REP over ipc", unit: "round trips/s", goal: None, run: || ours::requests("ipc", 30_000) },
    Subject {
        name: "REQ/REP over inproc",
        unit: "round trips/s",
        goal: None,
        run: || ours::requests("inproc", 100_000),
    },
    Subject {
        name: "5 nodes, a star with heartbeats each second",
        unit: "x real time",
        goal: Some(1e4),
        run: || ours::heartbeats(ours::Shape::Star),
    },
    Subject {
        name: "5 nodes, each with each, heartbeats each second",
        unit: "x real time",
        goal: Some(1e4),
        run: || ours::heartbeats(ours::Shape::Mesh),
    },
];

const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` asks for none.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut rates = vec![Vec::new(); SUBJECTS.len()];
    for _ in 0..ROUNDS {
        for (subject, rates) in SUBJECTS.iter().zip(&mut rates) {
            let (clock, processor) = (Instant::now(), processor());
            let much = (subject.run)();
            rates.push((much / clock.elapsed().as_secs_f64(), much / (self::processor() - processor)));
        }
    }
    println!("{:48} {:>14} {:>14} {:>10}", "", "by the clock", "by processor", "goal");
    for (subject, rates) in SUBJECTS.iter().zip(&rates) {
        let by_clock = median(rates.iter().map(|(rate, _)| *rate));
        let by_processor = median(rates.iter().map(|(_, rate)| *rate));
        let goal = subject.goal.map_or(String::new(), |goal| format!("{goal:.0}"));
        println!("{:48} {by_clock:>14.0} {by_processor:>14.0} {goal:>10} {}", subject.name, subject.unit);
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Seconds that the processor worked for this process.
fn processor() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
