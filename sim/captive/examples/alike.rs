//! Runs each plan twice, in two processes, and compares: no two runs of a seed may differ, and no two seeds be alike.
//!
//! `alike FROM..TO LIBRARY[:PRELOAD]…`: for each library, over tcp, ipc and inproc, without faults and with all of
//! them. Prints a line for each and ends with 1 if anything differed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use zmq_captive::{Libzmq, Rates, first_difference};
use zmq_sim::engine::{Ending, Engine as _, Recording, Run};
use zmq_sim::plan::Plan;

const STREAMS: &str = include_str!("../tests/plans/streams.toml");
const INPROC: &str = include_str!("../tests/plans/inproc.toml");

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seeds = arguments.next().and_then(|seeds| {
        let (from, to) = seeds.split_once("..")?;
        Some(from.parse::<u64>().ok()?..to.parse::<u64>().ok()?)
    });
    let (Some(seeds), libraries) = (seeds, arguments.collect::<Vec<_>>()) else {
        eprintln!("usage: alike FROM..TO LIBRARY[:PRELOAD]…");
        return ExitCode::from(2);
    };
    let mut differ = 0;
    for library in &libraries {
        for transport in ["tcp", "ipc", "inproc"] {
            for (name, rates) in [("no fault", Rates::NONE), ("all faults", Rates::ALL)] {
                differ += matrix(library, transport, name, rates, seeds.clone());
            }
        }
    }
    if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn plan(transport: &str, rates: Rates, seed: u64) -> Plan {
    let text = match transport {
        "inproc" => INPROC.to_owned(),
        "ipc" => {
            STREAMS.replace("tcp://*:", "ipc://at-").replace("tcp://inn:", "ipc://at-").replace("\"road\"", "\"inn\"")
        }
        _ => STREAMS.to_owned(),
    };
    let mut plan: Plan = toml::from_str(&text).expect("the plan is compiled in, and a test reads it");
    if rates == Rates::NONE {
        plan.faults.clear();
    }
    if transport != "tcp" {
        // There is one host, so nothing lies between two.
        plan.hosts.truncate(1);
        plan.faults.retain(|fault| !format!("{fault:?}").contains("between"));
    }
    plan.seed = seed;
    plan
}

fn matrix(library: &str, transport: &str, name: &str, rates: Rates, seeds: Range<u64>) -> usize {
    let mut files = library.split(':').map(PathBuf::from);
    let (library, preloads) = (files.next().unwrap_or_default(), files.collect::<Vec<_>>());
    let child = std::env::current_exe().expect("the system knows this program");
    let child = child.ancestors().nth(2).expect("examples lie in a folder").join("zmq-captive-host");
    let engine = || {
        let engine = Libzmq::new(&library, &preloads, vec![child.clone().into()]);
        engine.unwrap_or_else(|why| panic!("{why}")).with_rates(rates)
    };
    let engines = [engine(), engine()];
    let (mut differ, mut endings, mut hashes) = (0, [0_u64; 4], BTreeSet::new());
    let begun = Instant::now();
    let count = seeds.end.saturating_sub(seeds.start).max(1);
    for seed in seeds {
        let plan = plan(transport, rates, seed);
        let [one, other] = [0, 1].map(|place: usize| engines[place].run(&plan, Recording::History));
        hashes.insert((one.hash, one.history.hash()));
        endings[kind(&one)] += 1;
        if one.hash != other.hash || one.ending != other.ending {
            differ += 1;
            let events = [0, 1].map(|place: usize| engines[place].run_with_events(&plan).1);
            let at = first_difference(&events[0], &events[1]);
            println!("  seed {seed} differs: {:?}, {:?}; with events: {at:?}", one.ending, other.ending);
        }
    }
    let each = begun.elapsed().as_secs_f64() * 500.0 / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    println!(
        "{:40} {transport:7} {name:11} {count} seeds twice, {differ} differ, {} traces, {each:.0} ms each; \
         finished, late, deadlock, crashed: {endings:?}",
        library.file_name().unwrap_or_default().to_string_lossy(),
        hashes.len(),
    );
    differ
}

fn kind(run: &Run) -> usize {
    match &run.ending {
        Ending::Finished => 0,
        Ending::OutOfTime(_) => 1,
        Ending::Deadlock(_) => 2,
        Ending::Crashed(why) => {
            println!("  {why}");
            3
        }
    }
}
