//! `subject verify`: drills an adapter until its author knows that its results will be the implementation's own.
//!
//! Each drill asks one thing of the protocol and says, if it fails, what was expected, what came and what to do. A
//! drill that the declared capabilities rule out is skipped with the reason.

mod bench;
mod limits;
mod manners;
mod sockets;

use std::fmt;
use std::time::Duration;

use crate::adapter::process::Launch;
use bench::Bench;

/// One drill and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// What the adapter should do, in a few words.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a drill ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As the protocol demands.
    Ok,
    /// Not tried, for this reason.
    Skipped(String),
    /// Otherwise.
    Failed(Failed),
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What the protocol demands.
    pub expected: String,
    /// What came.
    pub came: String,
    /// What the author can do.
    pub remedy: String,
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Ok => write!(f, "ok    {}", self.name),
            Outcome::Skipped(why) => write!(f, "skip  {}: {why}", self.name),
            Outcome::Failed(Failed { expected, came, remedy }) => {
                write!(f, "FAIL  {}: expected {expected}; came {came}; {remedy}", self.name)
            }
        }
    }
}

/// Whether every drill ended well.
#[must_use]
pub fn passed(drills: &[Drill]) -> bool {
    drills.iter().all(|drill| !matches!(drill.outcome, Outcome::Failed(_)))
}

/// Runs every drill; `report` sees each as it ends. `hello_within` is how long a start may take.
pub fn verify(launch: &Launch, hello_within: Duration, mut report: impl FnMut(&Drill)) -> Vec<Drill> {
    let mut bench = Bench::new(launch, hello_within);
    let mut drills = Vec::new();
    let mut run = |name: String, outcome: Outcome| {
        let drill = Drill { name, outcome };
        report(&drill);
        drills.push(drill);
    };
    let greeted = bench.run(manners::greets);
    let stop = matches!(greeted, Outcome::Failed(_));
    run("greets with a well-formed hello".into(), greeted);
    if stop {
        return drills;
    }
    for (name, drill) in DRILLS {
        let outcome = bench.run(drill);
        run((*name).to_owned(), outcome);
    }
    for trip in sockets::TRIPS {
        let outcome = bench.run(|bench| sockets::round_trip(bench, trip));
        run(format!("carries a message and its answer between {} and {}", trip.binds, trip.connects), outcome);
    }
    let outcome = bench.run(manners::ends_with_stdin);
    run("ends when stdin ends".into(), outcome);
    drills
}

type Step = fn(&mut Bench<'_>) -> bench::Done;

const DRILLS: &[(&str, Step)] = &[
    ("refuses an unknown request as unsupported", manners::refuses_an_unknown_request),
    ("survives a line that is not JSON", manners::survives_rubbish),
    ("refuses a request without its fields as argument", manners::refuses_missing_fields),
    ("refuses an unknown socket as argument", manners::refuses_an_unknown_socket),
    ("refuses an unknown socket type as unsupported", manners::refuses_an_unknown_type),
    ("refuses an unknown option as unsupported", manners::refuses_an_unknown_option),
    ("refuses a second socket of the same name as argument", manners::refuses_a_taken_name),
    ("answers would-block when nothing comes in time", limits::times_out),
    ("serves one socket while another is blocked", limits::is_not_blocked),
    ("replies with the endpoint that it bound", sockets::resolves_the_endpoint),
    ("keeps parts, empty ones too", sockets::keeps_parts),
    ("leaves a message half sent with `more`", sockets::sends_more),
    ("reports a large part as length and digest", sockets::digests_large_parts),
    ("polls", sockets::polls),
    ("reports monitor events, counted from 1", sockets::monitors),
    ("releases a blocked recv when its context ends", limits::term_releases),
    ("resets while a recv is blocked", limits::resets_while_blocked),
    ("holds no more descriptors after many resets", limits::leaks_no_descriptors),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_is_one_line() {
        let drills = [
            Drill { name: "greets".into(), outcome: Outcome::Ok },
            Drill { name: "polls".into(), outcome: Outcome::Skipped("no such verb".into()) },
            Drill {
                name: "greets".into(),
                outcome: Outcome::Failed(Failed {
                    expected: "a reply".into(),
                    came: "none".into(),
                    remedy: "reply".into(),
                }),
            },
        ];
        insta::assert_snapshot!(drills.iter().map(Drill::to_string).collect::<Vec<_>>().join("\n"));
        assert!(!passed(&drills) && passed(&drills[..2]));
    }
}
