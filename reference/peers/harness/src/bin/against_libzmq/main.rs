//! Measures libraries against libzmq.
//!
//! Absolute figures of one machine mean little; what counts is the ratio to libzmq inside one run. So every library is
//! measured once per repetition, in an order that turns with each, and the ratio is taken per repetition.

mod machine;
mod measure;
mod options;
mod report;
mod rows;
mod stats;

use std::process::ExitCode;

use peer_harness::Broken;
use peer_harness::peers::{self, Found, PINNED, Peer, SYSTEM};

use machine::{Machine, Placement};
use measure::measure;
use options::Options;
use report::{Outcome, Report, RowReport};
use rows::Row;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1), &peers::names()) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        println!("{}\n\nlibraries: {}", options::USAGE, peers::names().join(", "));
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let rows: Vec<Row> = rows::all().into_iter().filter(|row| options.wants_row(&row.id)).collect();
    if rows.is_empty() {
        return Err(format!("no row matches {:?}; there are: {}", options.rows, ids(&rows::all())));
    }
    let machine = Machine::here();
    let placement = machine.placement();
    let (found, base) = gather(options)?;
    for remark in &found.remarks {
        eprintln!("{remark}");
    }
    println!("{machine}\ncompared to {base}\n");
    let mut report = Report::new(&machine, &placement, options, &found, &base);
    for row in rows {
        let row = run_row(row, &found.peers, &placement, options);
        print!("{}", row.text(&base));
        report.rows.push(row);
        // After each row, so that a run that is broken off leaves what it has.
        report.write(options)?;
    }
    Ok(())
}

/// The peers to measure, and which of them the others are compared to.
fn gather(options: &Options) -> Result<(Found, String), String> {
    let pinned = format!("libzmq-{PINNED}");
    let mut found = peers::gather(&|name| name == pinned || options.wants_library(name));
    let mut base = pinned;
    if !found.peers.iter().any(|peer| peer.name == base) {
        base = SYSTEM.into();
        found.remarks.push("compared to the system's libzmq instead".into());
        if !found.peers.iter().any(|peer| peer.name == base) {
            found.peers.extend(peers::gather(&|name| name == base).peers);
        }
    }
    if !found.peers.iter().any(|peer| peer.name == base) {
        return Err(format!("nothing to compare to:\n{}", found.remarks.join("\n")));
    }
    // The base first: it is what a ratio needs.
    found.peers.sort_by_key(|peer| peer.name != base);
    Ok((found, base))
}

fn run_row(row: Row, peers: &[Peer], placement: &Placement, options: &Options) -> RowReport {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for peer in peers {
        outcomes.push(match calibrate(&row, peer, placement, options) {
            Ok(count) => Outcome::Measured { count, values: Vec::new() },
            Err(broken) => Outcome::not_measured(&broken),
        });
    }
    for repetition in 0..options.repetitions {
        for turn in 0..peers.len() {
            let at = (turn + repetition) % peers.len();
            let (peer, outcome) = (&peers[at], &mut outcomes[at]);
            let Outcome::Measured { count, values } = outcome else { continue };
            match measure(&row, peer, *count, placement, options.payload) {
                Ok(value) => values.push(Some(value)),
                Err(Broken::Unsupported(_, why)) => *outcome = Outcome::Unsupported(why),
                Err(Broken::Failed(who, why)) => {
                    eprintln!("{}: {who} in repetition {}: {why}", row.id, repetition + 1);
                    values.push(None);
                }
            }
        }
    }
    let cells = peers.iter().map(|peer| peer.name.clone()).zip(outcomes).collect();
    RowReport { row, cells }
}

/// How many messages take about as long as a measurement should.
fn calibrate(row: &Row, peer: &Peer, placement: &Placement, options: &Options) -> Result<usize, Broken> {
    let mut count = row.first_count;
    // The first is cold and short, so its answer is asked for once more.
    for _ in 0..2 {
        let value = measure(row, peer, count, placement, options.payload)?;
        count = row.count_for(value, options.seconds);
    }
    Ok(count)
}

fn ids(rows: &[Row]) -> String {
    rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>().join(", ")
}
