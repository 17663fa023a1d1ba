//! Two runs compared: what a pull request changed.
//!
//! The comparison looks at verdicts and not at standings: a deviation that an expectation covers is as new as one that
//! none covers. FIN and RST count as the same close, as they do at the gate.

mod run;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::event::{CaseFinished, Event, RunId};
use crate::exit::Exit;
use crate::report::{ReadError, read_events};
use crate::verdict::{Close, Conformance, Survival, Verdict};

pub use run::Run;
use run::warnings;

/// What became of a case run from the old run to the new one. Regressions come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Was accepted, deviates now; or deviated, and now takes the process or another connection with it.
    NewlyFailing,
    /// Was executed, and is declared unsupported now: where regressions hide.
    Unsupported,
    /// Was reported, and is missing now.
    Vanished,
    /// Deviates in another way.
    OtherReason,
    /// Deviated, is accepted now.
    Fixed,
    /// Was not there before.
    New,
    /// Accepted both times, with another outcome.
    OtherVariant,
    /// The same outcome, but another close or another survival.
    OtherEnd,
}

impl Change {
    /// Every change, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::NewlyFailing,
        Self::Unsupported,
        Self::Vanished,
        Self::OtherReason,
        Self::Fixed,
        Self::New,
        Self::OtherVariant,
        Self::OtherEnd,
    ];

    /// Whether the new run is worse for it.
    #[must_use]
    pub fn is_regression(self) -> bool {
        match self {
            Self::NewlyFailing | Self::Unsupported | Self::Vanished | Self::OtherReason => true,
            Self::Fixed | Self::New | Self::OtherVariant | Self::OtherEnd => false,
        }
    }

    /// The words that stand in reports.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NewlyFailing => "newly failing",
            Self::Unsupported => "no longer supported",
            Self::Vanished => "vanished",
            Self::OtherReason => "fails for another reason",
            Self::Fixed => "fixed",
            Self::New => "new case",
            Self::OtherVariant => "another variant",
            Self::OtherEnd => "another close or survival",
        }
    }
}

/// One side of a case run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// What happened.
    pub verdict: Verdict,
    /// The way of failing, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Revision of the case.
    pub revision: u32,
    /// Whether the case was provisional.
    pub provisional: bool,
}

/// One case run that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// How it differs.
    pub change: Change,
    /// Which run.
    pub run: RunId,
    /// In the old run; absent if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Side>,
    /// In the new run; absent if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Side>,
}

impl Difference {
    /// Whether it makes the comparison exit with 1. A case that is provisional on either side never does.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        let provisional = [&self.old, &self.new].into_iter().flatten().any(|side| side.provisional);
        self.change.is_regression() && !provisional
    }
}

/// Two runs compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The old run.
    pub old: Run,
    /// The new run.
    pub new: Run,
    /// What must be known before the differences are believed: other subjects, profiles, selections, cut runs.
    pub warnings: Vec<String>,
    /// Number of case runs that came out the same.
    pub same: usize,
    /// Differences, regressions first, then by case run.
    pub differences: Vec<Difference>,
}

impl Diff {
    /// Reads two files of events and compares them.
    ///
    /// # Errors
    ///
    /// One of the files cannot be read as events.
    pub fn of_files(old: &Path, new: &Path) -> Result<Self, ReadError> {
        let (old_events, new_events) = (read_events(old)?, read_events(new)?);
        Ok(Self::of(&old.display().to_string(), &old_events, &new.display().to_string(), &new_events))
    }

    /// Compares the events of two runs; the names stand in the report.
    #[must_use]
    pub fn of(old_name: &str, old: &[Event], new_name: &str, new: &[Event]) -> Self {
        let (old_sides, new_sides) = (sides(old), sides(new));
        let gone = old_sides.iter().filter(|(run, _)| !new_sides.contains_key(*run)).map(|(run, side)| Difference {
            change: Change::Vanished,
            run: (*run).clone(),
            old: Some(side.clone()),
            new: None,
        });
        let here = new_sides.iter().filter_map(|(run, side)| {
            let before = old_sides.get(run);
            let change = before.map_or(Some(Change::New), |before| change(before, side))?;
            Some(Difference { change, run: (*run).clone(), old: before.cloned(), new: Some(side.clone()) })
        });
        let mut differences: Vec<_> = gone.chain(here).collect();
        differences.sort_by(|a, b| (a.change, &a.run).cmp(&(b.change, &b.run)));
        let changed = differences.iter().filter(|one| one.new.is_some()).count();
        let old = Run::of(old_name, old, old_sides.len());
        let new = Run::of(new_name, new, new_sides.len());
        Self { warnings: warnings(&old, &new), same: new_sides.len() - changed, differences, old, new }
    }

    /// Number of differences that are regressions.
    #[must_use]
    pub fn regressions(&self) -> usize {
        self.differences.iter().filter(|one| one.is_regression()).count()
    }

    /// 1 if there is any regression, otherwise 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let exit = if self.regressions() > 0 { Exit::Differs } else { Exit::AsExpected };
        exit.code()
    }

    /// As JSON, for programs.
    ///
    /// # Errors
    ///
    /// None that can be met: every field has a form in JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Whole<'a> {
            schema: u32,
            regressions: usize,
            #[serde(flatten)]
            diff: &'a Diff,
        }
        serde_json::to_string_pretty(&Whole { schema: DIFF_SCHEMA, regressions: self.regressions(), diff: self })
    }
}

/// Version of what [`Diff::to_json`] writes.
const DIFF_SCHEMA: u32 = 1;

fn change(old: &Side, new: &Side) -> Option<Change> {
    let (was, is) = (&old.verdict, &new.verdict);
    let unsupported = |verdict: &Verdict| verdict.conformance == Conformance::Unsupported;
    let same_outcome = was.conformance == is.conformance && was.variant == is.variant;
    if unsupported(is) && is.survival == Survival::Ok {
        return if unsupported(was) { other_end(was, is) } else { Some(Change::Unsupported) };
    }
    match (was.is_accepted_unasked(), is.is_accepted_unasked()) {
        (true, false) => Some(Change::NewlyFailing),
        (false, true) => Some(Change::Fixed),
        (true, true) if !same_outcome => Some(Change::OtherVariant),
        (false, false) if was.survival == Survival::Ok && is.survival != Survival::Ok => Some(Change::NewlyFailing),
        (false, false) if was.conformance != is.conformance || old.fingerprint != new.fingerprint => {
            Some(Change::OtherReason)
        }
        (true, true) | (false, false) => other_end(was, is),
    }
}

fn other_end(was: &Verdict, is: &Verdict) -> Option<Change> {
    let close = |verdict: &Verdict| match verdict.close {
        Some(Close::Rst) => Some(Close::Fin),
        close => close,
    };
    (close(was) != close(is) || was.survival != is.survival).then_some(Change::OtherEnd)
}

/// Case runs by their id. Of repetitions, one that deviated outweighs one that did not.
fn sides(events: &[Event]) -> BTreeMap<&RunId, Side> {
    let mut sides = BTreeMap::new();
    for event in events {
        match event {
            Event::CaseFinished(case) => {
                let kept = sides.entry(&case.run).or_insert_with(|| side(case));
                if !case.verdict.is_accepted_unasked() {
                    *kept = side(case);
                }
            }
            Event::RunStarted(_) | Event::SubjectReplaced(_) | Event::HarnessError(_) | Event::RunFinished(_) => {}
        }
    }
    sides
}

fn side(case: &CaseFinished) -> Side {
    Side {
        verdict: case.verdict.clone(),
        fingerprint: case.failure.as_ref().map(|failure| failure.fingerprint.clone()),
        revision: case.revision,
        provisional: case.provisional,
    }
}

#[cfg(test)]
mod tests;
