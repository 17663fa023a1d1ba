//! Proof of teeth: each case is run under the saboteurs that its `killed_by` names, and has to fail.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::plan::Planned;
use super::play::Setting;
use super::worker::{Start, Worker};
use crate::sabotage::{self, Saboteur};
use crate::verdict::{Conformance, Survival, Verdict};

/// One bite: a run under a saboteur.
#[derive(Debug, Clone)]
pub struct Bite {
    /// Index into the plan.
    pub planned: usize,
    /// The saboteur.
    pub saboteur: Saboteur,
}

/// What came of a bite.
#[derive(Debug, Clone)]
pub struct Bitten {
    /// The bite.
    pub bite: Bite,
    /// What the sabotaged run came to.
    pub verdict: Verdict,
    /// How it failed, if it did.
    pub fingerprint: Option<String>,
}

impl Bitten {
    /// Whether the case noticed: it failed, or survival did. That it never got to its point is not enough.
    #[must_use]
    pub fn noticed(&self) -> bool {
        matches!(self.verdict.conformance, Conformance::Fail | Conformance::Contested)
            || self.verdict.survival != Survival::Ok
    }
}

/// The bites that the data of the cases asks for.
///
/// # Errors
/// A name that no saboteur bears.
pub fn named(plan: &[Planned]) -> Result<Vec<Bite>, String> {
    let mut bites = Vec::new();
    for (i, planned) in plan.iter().enumerate() {
        for name in &planned.case.killed_by {
            let saboteur = sabotage::find(name).map_err(|why| format!("{}: {why}", planned.case.source))?;
            bites.push(Bite { planned: i, saboteur });
        }
    }
    Ok(bites)
}

/// The first run of every written case under every saboteur: how new teeth are found. Cases that one entry of a file
/// makes by `each` share their `killed_by`; the first of them stands for all.
///
/// # Errors
/// The saboteurs' data is broken.
pub fn every(plan: &[Planned]) -> Result<Vec<Bite>, String> {
    let all = sabotage::all()?;
    let mut written = BTreeSet::new();
    let first: Vec<usize> = (0..plan.len()).filter(|i| written.insert(plan[*i].case.source.clone())).collect();
    Ok(first
        .into_iter()
        .flat_map(|planned| all.iter().map(move |saboteur| Bite { planned, saboteur: saboteur.clone() }))
        .collect())
}

/// Carries bites out on `jobs` workers and returns them in order.
pub fn bite(plan: &[Planned], bites: &[Bite], start: &Start, setting: &Setting, jobs: usize) -> Vec<Bitten> {
    let next = AtomicUsize::new(0);
    let bitten = Mutex::new(Vec::with_capacity(bites.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, bites.len().max(1)) {
            scope.spawn(|| {
                let mut worker = Worker::new(start, None);
                while let Some((i, bite)) = take(&next, bites) {
                    let setting = Setting { saboteur: Some(bite.saboteur.clone()), ..setting.clone() };
                    let done = worker.work(&plan[bite.planned], &setting, 1);
                    let fingerprint = done.played.failure.map(|failure| failure.fingerprint);
                    let result = Bitten { bite: bite.clone(), verdict: done.played.verdict, fingerprint };
                    bitten.lock().unwrap_or_else(PoisonError::into_inner).push((i, result));
                }
            });
        }
    });
    let mut bitten = bitten.into_inner().unwrap_or_else(PoisonError::into_inner);
    bitten.sort_by_key(|(i, _)| *i);
    bitten.into_iter().map(|(_, result)| result).collect()
}

fn take<'b>(next: &AtomicUsize, bites: &'b [Bite]) -> Option<(usize, &'b Bite)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    bites.get(i).map(|bite| (i, bite))
}
