//! How far shrinking comes with a bug that needs a few of sixty faults: faults left, replays and time, over many seeds that
//! fail.
//!
//!     cargo bench -p zmq-sim --bench shrink [-- SEEDS [--engine NAME]]
//!
//! The bug is planted in the judge, over what a real engine did: a client whose third connection, or a later one, is lost
//! before its handshake is done counts as broken for good. So two connections have to be lost before, and something has to
//! hit the few milliseconds of a handshake. Nothing is planted in what is carried out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use zmq_sim::bare::Bare;
use zmq_sim::engine::{Engine, Recording, Run};
use zmq_sim::hash::Fingerprint;
use zmq_sim::history::What;
use zmq_sim::plan::{Direction, Fault, FaultKind, Flow, HostEvent, Plan};
use zmq_sim::shrink::{Budget, Minimal, shrink};
use zmq_sim::time::Span;
use zmq_sim::trial::Trial;
use zmq_sim::violation::{Kind, Violation};

/// Faults of each plan.
const FAULTS: u64 = 60;
/// Clients of each plan.
const CLIENTS: u64 = 8;
/// How long faults begin, in milliseconds.
const LONG: u64 = 6000;

fn main() {
    let wanted: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(200);
    let bounded = Budget { replays: 100, time: Duration::from_secs(5) };
    let unbounded = Budget { replays: 5000, time: Duration::from_secs(60) };
    println!("{FAULTS} faults, {CLIENTS} clients, {wanted} failing seeds; medians, with the ninth tenth behind them");
    println!("| engine | budget | faults left | hosts left | replays | seconds | proved minimal |");
    println!("|---|---|---|---|---|---|---|");
    for (name, budget) in [("100 replays, 5 s", bounded), ("none", unbounded)] {
        row(&Bare, name, wanted, budget);
    }
}

fn row(engine: &dyn Engine, name: &str, wanted: usize, budget: Budget) {
    let trial = Trial::judged_by(engine, &judge);
    let failing = (0..).map(plan).filter(|plan| !trial.attempt(plan, Recording::History).violations.is_empty());
    let (mut faults, mut hosts, mut replays, mut millis) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut proved = 0;
    for plan in failing.take(wanted) {
        let begun = Instant::now();
        let shrunk = shrink(&trial, &plan, budget, &mut |_| {}).expect("it failed a moment ago");
        millis.push(begun.elapsed().as_millis());
        faults.push(shrunk.plan.faults.len());
        hosts.push(shrunk.plan.hosts.len());
        replays.push(shrunk.replays);
        proved += usize::from(shrunk.minimal == Minimal::Proved);
    }
    let seconds =
        spread(&mut millis.iter().map(|millis| format!("{:7.3}", *millis as f64 / 1000.0)).collect::<Vec<_>>());
    println!(
        "| {} | {name} | {} | {} | {} | {seconds} | {proved} of {wanted} |",
        engine.name(),
        spread(&mut faults),
        spread(&mut hosts),
        spread(&mut replays)
    );
}

/// The median and the ninth tenth.
fn spread<T: Ord + ToString>(all: &mut [T]) -> String {
    all.sort_unstable();
    let at = |tenths: usize| all.get(all.len() * tenths / 10).map(|one| one.to_string().trim().to_owned());
    format!("{} ({})", at(5).unwrap_or_default(), at(9).unwrap_or_default())
}

/// Clients that ask a server, and faults of every kind between them, drawn by key.
fn plan(seed: u64) -> Plan {
    let draw = |fault: u64, what: u64, below: u64| {
        let mut key = Fingerprint::default();
        [seed, fault, what, 0].iter().for_each(|part| key.fold(*part));
        std::hash::Hasher::finish(&key) % below
    };
    let mut text = format!(
        "title = \"clients and a server\"\nseed = {seed}\nlimit = \"20s\"\nheal = \"9s\"\n[[host]]\nname = \"server\"\n\
         [[socket]]\nname = \"server\"\nhost = \"server\"\ntype = \"ROUTER\"\nbind = [\"tcp://*:5555\"]\n\
         options = {{ linger = \"discard\" }}\n[[actor]]\nname = \"server\"\nsockets = [\"server\"]\n\
         do = [{{ serve = {{}} }}]\n"
    );
    for client in 0..CLIENTS {
        text.push_str(&format!(
            "[[host]]\nname = \"c{client}\"\n[[socket]]\nname = \"c{client}\"\nhost = \"c{client}\"\ntype = \"DEALER\"\n\
             connect = [\"tcp://server:5555\"]\n\
             options = {{ linger = \"discard\", reconnect-ivl = \"50ms\", heartbeat-ivl = \"300ms\" }}\n\
             [[actor]]\nname = \"c{client}\"\nsockets = [\"c{client}\"]\n\
             do = [{{ request = {{ count = 100, every = \"50ms\", timeout = \"500ms\" }} }}]\n"
        ));
    }
    let mut plan: Plan = toml::from_str(&text).expect("the text is a plan");
    plan.faults = (0..FAULTS).map(|fault| drawn(&|what, below| draw(fault, what, below))).collect();
    plan
}

fn drawn(draw: &dyn Fn(u64, u64) -> u64) -> Fault {
    let client = format!("c{}", draw(0, CLIENTS));
    let between = ["server".to_owned(), client.clone()];
    let long = Some(Span::millis(10 + draw(1, 400)));
    let flow = if draw(2, 2) == 0 { Flow::Drop } else { Flow::Hold };
    let (what, r#for) = match draw(3, 8) {
        0..3 => (FaultKind::Reset { between }, None),
        3 => (FaultKind::Partition { between, flow, direction: Direction::Both }, long),
        4 => (FaultKind::SlowLink { between, latency: Span::millis(5 + draw(4, 50)), bandwidth: None }, long),
        5 => (FaultKind::Pause { host: client }, long),
        6 => (FaultKind::Stall { between }, long),
        _ => {
            let (how, restart, other_address) = (HostEvent::Kill, true, false);
            (FaultKind::Down { host: client, how, restart, other_address }, long)
        }
    };
    Fault { at: Span::millis(draw(5, LONG)), after: None, r#for, what }
}

/// The planted bug.
fn judge(_: &Plan, run: &Run) -> Vec<Violation> {
    let mut lost: BTreeMap<_, u32> = BTreeMap::new();
    let mut halves = BTreeMap::new();
    for (place, entry) in run.history.entries.iter().enumerate() {
        let What::Monitor { socket, event, .. } = &entry.what else { continue };
        match event.as_str() {
            "connected" => {
                halves.insert(*socket, true);
            }
            "handshake-succeeded" => {
                halves.insert(*socket, false);
            }
            "disconnected" | "closed" | "handshake-failed-no-detail" => {
                let before = lost.entry(*socket).or_default();
                if *before >= 2 && halves.get(socket) == Some(&true) {
                    return vec![Violation {
                        oracle: "planted",
                        clause: "ZMTP31-SEM-03",
                        kind: Kind::Safety,
                        text: "a third connection is lost within its handshake".to_owned(),
                        entries: vec![place],
                        messages: Vec::new(),
                    }];
                }
                if halves.insert(*socket, false).is_some() {
                    *before += 1;
                }
            }
            _ => {}
        }
    }
    Vec::new()
}
