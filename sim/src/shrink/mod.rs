//! Shrinking: from a plan that fails to a small one that fails the same way.
//!
//! ```text
//!   faults ──► hosts, sockets, actors ──► steps ──► entries of lists ──► numbers ──► times ──► options ──┐
//!     ▲                                                                                                │
//!     └──────────────────────────── again, until a whole round changes nothing ◄────────────────────────┘
//! ```
//!
//! A smaller plan counts only if it fails the same way: the same oracle, by the same clause. Where faults are left, what
//! is smaller in anything but its faults has to succeed without them: otherwise it fails because somebody who was
//! needed is gone, and that is another failure. At the end no single part can be left out, and no value made simpler.

mod parts;
mod removal;
mod simpler;
mod tree;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::time::{Duration, Instant};

use parts::{Layer, Part, without};
use removal::Removal;
use simpler::Values;

use crate::engine::Recording;
use crate::hash::Fingerprint;
use crate::history::What;
use crate::plan::{FaultIndex, Plan};
use crate::time::Time;
use crate::trial::{Trial, Tried};
use crate::violation::{Kind, Symptom, Violation};

/// How much may be spent.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Plans that are carried out.
    pub replays: u32,
    /// Time on the clock of the machine.
    pub time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { replays: 2000, time: Duration::from_secs(60) }
    }
}

/// How far a shrinking is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is being tried: `faults`, `steps`, `times` …
    pub trying: &'a str,
    /// Plans that were carried out.
    pub replays: u32,
    /// The smallest plan that fails so far.
    pub plan: &'a Plan,
}

/// What came of a shrinking.
#[derive(Debug)]
pub struct Shrunk {
    /// The smallest plan that was found.
    pub plan: Plan,
    /// How it fails, and how the plan at the beginning did.
    pub symptom: Symptom,
    /// That failure of the smallest plan.
    pub violation: Violation,
    /// Plans that were carried out.
    pub replays: u32,
    /// Plans that were carried out until the faults were as few as they became in the first pass.
    pub replays_for_faults: u32,
    /// Whether each single part, and each simpler value, was tried on this plan; if not, the budget was over before.
    pub minimal: Minimal,
}

/// Whether a plan is as small as can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Minimal {
    /// No single part can be left out, and no value be simpler by itself.
    Proved,
    /// No fault can be left out, no span be simpler. Hosts, steps and numbers stayed: without a fault nothing tells the
    /// failure from that of a plan in which somebody is gone.
    InFaultsAndTimes,
    /// The budget was over before that was known.
    BudgetOver,
}

/// The plan to be shrunk does not fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a plan that fails, came one that keeps every promise")]
pub struct Succeeds;

/// Shrinks a plan by its first violation.
///
/// # Errors
///
/// If it does not fail.
pub fn shrink(
    trial: &Trial<'_>,
    plan: &Plan,
    budget: Budget,
    on: &mut dyn FnMut(Progress<'_>),
) -> Result<Shrunk, Succeeds> {
    let tried = trial.attempt(plan, Recording::History);
    let violation = tried.violations.first().cloned().ok_or(Succeeds)?;
    let mut search = Search {
        trial,
        budget,
        begun: Instant::now(),
        replays: 1,
        symptom: violation.symptom(),
        best: plan.clone(),
        violation,
        outcomes: BTreeMap::new(),
        on,
        over: false,
    };
    search.faults_that_came_too_late(&tried);
    let mut replays_for_faults = None;
    loop {
        let before = search.best.clone();
        for layer in Layer::ALL {
            if layer == Layer::Faults || search.is_controlled() {
                search.leave_out(layer);
            }
            replays_for_faults.get_or_insert(search.replays);
        }
        for values in Values::ALL {
            if values == Values::Spans || search.is_controlled() {
                search.simplify(values);
            }
        }
        if search.over || search.best == before {
            break;
        }
    }
    Ok(Shrunk {
        replays: search.replays,
        replays_for_faults: replays_for_faults.unwrap_or(search.replays),
        minimal: match (search.over, search.is_controlled()) {
            (true, _) => Minimal::BudgetOver,
            (false, true) => Minimal::Proved,
            (false, false) => Minimal::InFaultsAndTimes,
        },
        symptom: search.symptom,
        violation: search.violation,
        plan: search.best,
    })
}

struct Search<'s, 'o> {
    trial: &'s Trial<'s>,
    budget: Budget,
    begun: Instant,
    replays: u32,
    symptom: Symptom,
    /// The smallest plan that fails so far, and how it does.
    best: Plan,
    violation: Violation,
    /// What came of plans that were tried.
    outcomes: BTreeMap<u64, Option<Violation>>,
    on: &'o mut dyn FnMut(Progress<'_>),
    over: bool,
}

/// What a plan is smaller in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Smaller {
    InFaults,
    Otherwise,
}

impl Search<'_, '_> {
    /// Whether a smaller plan that fails fails for the same reason. A promise of the scenario, or the end of a step, is also
    /// missed where nobody is left who would see to it; only a plan that succeeds without its faults shows that it is not so.
    fn is_controlled(&self) -> bool {
        let slips = self.symptom.oracle == "expectation" || self.violation.kind == Kind::Liveness && !self.settles();
        !slips || !self.best.faults.is_empty()
    }

    /// Whether it is about peers that do not reach each other: whom that concerns is known from the plan.
    fn settles(&self) -> bool {
        self.symptom.oracle == "liveness" && self.violation.text.contains("probe")
    }

    /// Leaves out what had not begun when the failure was there.
    fn faults_that_came_too_late(&mut self, tried: &Tried) {
        let entries = &tried.run.history.entries;
        let Some(failed) = self.violation.entries.iter().min().and_then(|entry| entries.get(*entry)) else { return };
        let begun: BTreeSet<FaultIndex> = entries
            .iter()
            .take_while(|entry| entry.at <= failed.at)
            .filter_map(|entry| match &entry.what {
                What::Fault(fault) => Some(*fault),
                _ => None,
            })
            .collect();
        let all: Vec<FaultIndex> = FaultIndex::all(&self.best).collect();
        if failed.at == Time::START || begun.len() == all.len() {
            return;
        }
        let mut early = self.best.clone();
        let keep = all.iter().zip(early.faults).filter(|(index, _)| begun.contains(index));
        early.faults = keep.map(|(_, fault)| fault).collect();
        self.take_if_it_fails(early, Smaller::InFaults, Layer::Faults.name());
    }

    /// Leaves out parts of a layer, until each that is left is needed.
    fn leave_out(&mut self, layer: Layer) {
        let plan = self.best.clone();
        let parts = layer.parts(&plan);
        if layer == Layer::Faults && parts.len() > 1 {
            let none = Plan { faults: Vec::new(), ..plan.clone() };
            if self.take_if_it_fails(none, Smaller::InFaults, layer.name()) {
                return;
            }
        }
        let mut removal = Removal::new(likelihoods(layer, parts.len()));
        while let Some(places) = removal.next() {
            let left: BTreeSet<usize> = removal.left().filter(|place| !places.contains(place)).collect();
            let out: Vec<&Part> =
                (0..).zip(&parts).filter(|(at, _)| !left.contains(at)).map(|(_, part)| part).collect();
            let smaller = if layer == Layer::Faults { Smaller::InFaults } else { Smaller::Otherwise };
            let fails = without(&plan, &out).is_some_and(|rest| self.take_if_it_fails(rest, smaller, layer.name()));
            if self.over {
                return;
            }
            if fails { removal.not_needed(&places) } else { removal.needed(&places) }
        }
    }

    /// Makes values simpler, each as far as it goes.
    fn simplify(&mut self, values: Values) {
        for path in values.places(&self.best) {
            while let Some(()) = self.simplify_at(values, &path) {
                if self.over {
                    return;
                }
            }
        }
    }

    /// Takes the first simpler value that fails; nothing: there is none.
    fn simplify_at(&mut self, values: Values, path: &tree::Path) -> Option<()> {
        let in_faults = path.first().is_some_and(|key| key == "fault");
        let smaller = if in_faults { Smaller::InFaults } else { Smaller::Otherwise };
        let simpler = values.simpler(&self.best, path);
        simpler.into_iter().find_map(|plan| self.take_if_it_fails(plan, smaller, values.name()).then_some(()))
    }

    /// Makes the plan the smallest one, if it fails in the same way.
    fn take_if_it_fails(&mut self, plan: Plan, smaller: Smaller, trying: &str) -> bool {
        if plan == self.best {
            return true;
        }
        let Some(violation) = self.failure(&plan, trying) else { return false };
        if smaller == Smaller::Otherwise && !plan.faults.is_empty() {
            let control = Plan { faults: Vec::new(), ..plan.clone() };
            if self.over || self.failure(&control, trying).is_some() {
                return false;
            }
        }
        (self.best, self.violation) = (plan, violation);
        true
    }

    /// How the plan fails, if it does in the same way.
    fn failure(&mut self, plan: &Plan, trying: &str) -> Option<Violation> {
        let key = key_of(plan);
        if let Some(known) = self.outcomes.get(&key) {
            return known.clone();
        }
        self.over |= self.replays >= self.budget.replays || self.begun.elapsed() >= self.budget.time;
        if self.over || !is_sound(plan) || self.trial.engine().lacks(plan).is_some() {
            return None;
        }
        self.replays += 1;
        (self.on)(Progress { trying, replays: self.replays, plan: &self.best });
        let tried = self.trial.attempt(plan, Recording::History);
        let same = tried.violations.into_iter().find(|violation| violation.symptom() == self.symptom);
        self.outcomes.insert(key, same.clone());
        same
    }
}

/// Whether the plan can be carried out at all.
fn is_sound(plan: &Plan) -> bool {
    !plan.actors.is_empty() && plan.check().is_ok()
}

/// How likely each is needed. Few faults are; most of what people wrote into a scenario is.
fn likelihoods(layer: Layer, count: usize) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "there are few parts")]
    let one = match layer {
        Layer::Faults => (3.0 / count.max(1) as f64).clamp(0.02, 0.5),
        Layer::Cast | Layer::Steps => 0.4,
        Layer::Entries => 0.25,
    };
    vec![one; count]
}

fn key_of(plan: &Plan) -> u64 {
    let mut hash = Fingerprint::default();
    hash.write(format!("{plan:?}").as_bytes());
    hash.finish()
}

#[cfg(test)]
mod tests;
