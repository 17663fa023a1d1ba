//! The same plan with two implementations: what their applications saw otherwise, and whether they may.
//!
//! | a difference is | if |
//! |---|---|
//! | broken on one side | that side breaks a promise, and the other does not |
//! | allowed | a clause leaves it open: both keep all promises |
//! | open | no clause says anything of it: a gap of the specification |
//!
//! Compared is which messages came to whom, in which order from one sender, how many were taken of each actor, which calls
//! failed, and how the runs ended. Times are not, nor how messages of several senders mix, nor how often a receive came to
//! nothing: two networks never have the same pace. What follows from another difference is not told again: no answer
//! without a request.

mod calls;
mod messages;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::actor::message::MessageId;
use crate::engine::{Ending, Run};
use crate::oracle::Facts;
use crate::plan::Plan;
use crate::violation::{Symptom, Violation};

/// One of the two.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its name, for texts.
    pub name: &'a str,
    /// What it did.
    pub run: &'a Run,
    /// What oracles say of that.
    pub violations: &'a [Violation],
}

/// Something that is otherwise on the one side than on the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What, in words.
    pub text: String,
    /// Whether it may be.
    pub verdict: Verdict,
}

/// Whether a difference may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A side breaks a promise that the other keeps.
    Broken {
        /// The name of that side.
        by: String,
        /// The first such violation.
        violation: Violation,
    },
    /// This leaves it open: a clause of the ledger, an option of libzmq.
    Allowed(&'static str),
    /// Nothing that is known says anything of it.
    Open,
}

impl Verdict {
    /// In a word: `broken`, `promise`, `allowed`, `gap`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            // What only the plan promises is no clause's.
            Self::Broken { violation, .. } if violation.oracle == "expectation" => "promise",
            Self::Broken { .. } => "broken",
            Self::Allowed(_) => "allowed",
            Self::Open => "gap",
        }
    }

    /// The clause.
    #[must_use]
    pub fn clause(&self) -> &'static str {
        match self {
            Self::Broken { violation, .. } => violation.clause,
            Self::Allowed(clause) => clause,
            Self::Open => "none",
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Broken { .. } => 0,
            Self::Open => 1,
            Self::Allowed(_) => 2,
        }
    }
}

/// In one line.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<18} {}", self.verdict.word(), self.verdict.clause(), self.text)
    }
}

/// All that is otherwise: what is broken first, then gaps, then what is allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The differences.
    pub differences: Vec<Difference>,
    /// How both sides fail: no difference.
    pub common: Vec<Violation>,
}

/// Compares two runs of a plan.
#[must_use]
pub fn compare(plan: &Plan, sides: [Side<'_>; 2]) -> Comparison {
    let mut found = Comparison::default();
    let symptoms = sides.map(|side| side.violations.iter().map(Violation::symptom).collect::<BTreeSet<Symptom>>());
    for (place, side) in sides.iter().enumerate() {
        let mut told = BTreeSet::new();
        for violation in side.violations.iter().filter(|violation| told.insert(violation.symptom())) {
            if symptoms[1 - place].contains(&violation.symptom()) {
                if place == 0 {
                    found.common.push(violation.clone());
                }
                continue;
            }
            let alike = side.violations.iter().filter(|other| other.symptom() == violation.symptom()).count();
            let more = if alike > 1 { format!(" ({} more of the kind)", alike - 1) } else { String::new() };
            found.differences.push(Difference {
                text: format!("with {} only: {}{more}", side.name, violation.text),
                verdict: Verdict::Broken { by: side.name.to_owned(), violation: violation.clone() },
            });
        }
    }
    endings(&sides, &mut found);
    // Behind a crash everything is missing.
    if !sides.iter().any(|side| matches!(side.run.ending, Ending::Crashed(_))) {
        let facts = sides.map(|side| Facts::of(plan, side.run));
        let told = sides.map(|side| side.violations.iter().flat_map(|violation| violation.messages.clone()).collect());
        let pair = Pair { plan, names: sides.map(|side| side.name), runs: sides.map(|side| side.run), facts, told };
        found.differences.extend(messages::differences(&pair));
        found.differences.extend(calls::differences(&pair));
    }
    found.differences.sort_by_key(|difference| difference.verdict.rank());
    found
}

/// Both runs, for all that is compared.
struct Pair<'a> {
    plan: &'a Plan,
    names: [&'a str; 2],
    runs: [&'a Run; 2],
    facts: [Facts<'a>; 2],
    /// Messages of which an oracle has spoken.
    told: [BTreeSet<MessageId>; 2],
}

fn kind(ending: &Ending) -> &'static str {
    match ending {
        Ending::Finished => "came to its end",
        Ending::OutOfTime(_) => "was not at its end when the time was over",
        Ending::Deadlock(_) => "came to a point where nothing could happen any more",
        Ending::Crashed(_) => "died",
    }
}

fn endings(sides: &[Side<'_>; 2], found: &mut Comparison) {
    let [one, other] = sides.map(|side| kind(&side.run.ending));
    let is_told = found.differences.iter().any(|difference| match &difference.verdict {
        Verdict::Broken { violation, .. } => violation.kind != crate::violation::Kind::Safety,
        Verdict::Allowed(_) | Verdict::Open => false,
    });
    if one == other || is_told {
        return;
    }
    let pending = sides.iter().find_map(|side| match &side.run.ending {
        Ending::OutOfTime(who) | Ending::Deadlock(who) => Some(who.join("; ")),
        Ending::Finished | Ending::Crashed(_) => None,
    });
    // A socket that lingers without end may keep its process, if nobody takes what it has.
    let lingers = pending.as_ref().is_some_and(|who| who.contains("terminating"));
    found.differences.push(Difference {
        text: format!(
            "the run {one} with {}, and {other} with {}: {}",
            sides[0].name,
            sides[1].name,
            pending.unwrap_or_default()
        ),
        verdict: if lingers { Verdict::Allowed("ZMQ_LINGER") } else { Verdict::Open },
    });
}

#[cfg(test)]
mod tests;
