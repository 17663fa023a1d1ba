//! The gate: what a verdict means once the known deviations are taken into account.

use jiff::civil::Date;

use super::{Entry, Expectations, RunPattern};
use crate::event::{RunId, Standing, SubjectIdentity};
use crate::verdict::{Conformance, Survival, Verdict};

/// How much of the suite a run executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Every case run that the profile has for this subject.
    Complete,
    /// Cut down by `--run`, `--skip`, `--tier`, `--level`, `--shard` or a time limit.
    Partial,
}

/// One case run that ended, as the gate sees it.
#[derive(Debug, Clone, Copy)]
pub struct CaseJudged<'a> {
    /// Which run.
    pub run: &'a RunId,
    /// Revision of the case.
    pub revision: u32,
    /// Whether the case is still provisional.
    pub provisional: bool,
    /// What happened.
    pub verdict: &'a Verdict,
    /// Fingerprint of the failure, where there is one.
    pub fingerprint: Option<&'a str>,
}

/// What the gate makes of a case run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Red or not, and how.
    pub standing: Standing,
    /// For an expected deviation the entry's reason; where an entry did not match, which entry and how it differs.
    pub because: Option<String>,
    /// Whether the result must stay out of every report.
    pub embargoed: bool,
}

/// What the gate finds when the run is over. Both lists are red, one line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateFindings {
    /// Entries that cover no case run of a complete selection.
    pub dead: Vec<String>,
    /// Entries past their date.
    pub expired: Vec<String>,
}

/// Holds the case runs of one run against the expectations.
#[derive(Debug)]
pub struct Gate {
    name: String,
    rules: Vec<Rule>,
    embargo: Embargo,
    today: Date,
    selection: Selection,
}

/// An entry whose condition holds for the subject.
#[derive(Debug)]
struct Rule {
    entry: Entry,
    location: String,
    covered: usize,
}

impl Gate {
    /// A gate for one run. Without expectations every deviation is red.
    #[must_use]
    pub fn new(
        expectations: Option<Expectations>,
        subject: &SubjectIdentity,
        today: Date,
        selection: Selection,
    ) -> Self {
        let embargo = expectations.as_ref().map(Embargo::of).unwrap_or_default();
        let (name, entries) = expectations.map_or_else(Default::default, |file| (file.name, file.entries));
        let rules = entries.into_iter().filter(|entry| entry.when.holds(subject)).map(|entry| Rule {
            location: format!("{name}:{}", entry.line),
            entry,
            covered: 0,
        });
        Self { rules: rules.collect(), name, embargo, today, selection }
    }

    /// Name of the expectations, as it stands in the run's first event.
    #[must_use]
    pub fn expectations(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| !name.is_empty())
    }

    /// What must stay out of every report.
    #[must_use]
    pub fn embargo(&self) -> Embargo {
        self.embargo.clone()
    }

    /// Turns the run into a partial one: the time limit came before its end.
    pub fn cut_short(&mut self) {
        self.selection = Selection::Partial;
    }

    /// Judges one case run.
    pub fn judge(&mut self, case: &CaseJudged<'_>) -> Judgement {
        let embargoed = self.embargo.covers(case.run);
        let rule = self.rules.iter_mut().find(|rule| rule.entry.covers.covers(case.run));
        let (standing, because) = match rule {
            Some(rule) => {
                rule.covered += 1;
                rule.judge(case)
            }
            None if case.verdict.is_accepted_unasked() => (Standing::Ok, None),
            None => (Standing::Unexpected, None),
        };
        let standing = if case.provisional && standing.is_red() { Standing::NotGating } else { standing };
        Judgement { standing, because, embargoed }
    }

    /// What remains to be said when the run is over.
    ///
    /// An entry is dead if its condition holds and it covers nothing of a complete selection. With a partial
    /// selection nothing can be known about what was not executed: no entry is dead, and only those that covered a
    /// case run are held to their date.
    #[must_use]
    pub fn finish(&self) -> GateFindings {
        let looked_at = |rule: &&Rule| match self.selection {
            Selection::Complete => true,
            Selection::Partial => rule.covered > 0,
        };
        let considered = || self.rules.iter().filter(looked_at);
        GateFindings {
            dead: considered().filter(|rule| rule.covered == 0).map(Rule::dead).collect(),
            expired: considered().filter_map(|rule| rule.expired(self.today)).collect(),
        }
    }
}

impl Rule {
    fn judge(&self, case: &CaseJudged<'_>) -> (Standing, Option<String>) {
        let entry = &self.entry;
        let matches = entry.outcome.allows(case.verdict, case.fingerprint);
        if matches && entry.revision == case.revision {
            return (Standing::Expected, Some(entry.reason.clone()));
        }
        let wanted = format!("{} expects {}", self.location, entry.outcome);
        let passed = match case.verdict.conformance {
            Conformance::Pass => true,
            Conformance::Variant => !entry.outcome.is_pin(),
            Conformance::Fail | Conformance::Contested | Conformance::Unsupported | Conformance::Inconclusive => false,
        };
        if passed && !matches && case.verdict.survival == Survival::Ok {
            let text = format!("{wanted}, and it came out as {}: remove the entry", case.verdict);
            return (Standing::UnexpectedPass, Some(text));
        }
        let text = if entry.revision == case.revision {
            let fingerprint = case.fingerprint.map(|text| format!(" `{text}`")).unwrap_or_default();
            format!("{wanted}; came {}{fingerprint}", case.verdict)
        } else {
            format!(
                "{wanted} at revision {}; the case changed to revision {}: review it, then mend the entry",
                entry.revision, case.revision
            )
        };
        (Standing::DifferentFailure, Some(text))
    }

    /// The entry in words; its case is not named while it is under embargo.
    fn name(&self) -> String {
        if self.entry.embargo {
            format!("{}: an entry under embargo", self.location)
        } else {
            format!("{}: `{}`", self.location, self.entry.covers)
        }
    }

    fn dead(&self) -> String {
        format!("{} covers no case run; remove the entry, or mend its case, role or zmtp", self.name())
    }

    fn expired(&self, today: Date) -> Option<String> {
        let last_day = self.entry.expires.filter(|last_day| *last_day < today)?;
        Some(format!("{} expired on {last_day}; decide anew: remove the entry, or set another date", self.name()))
    }
}

/// Which case runs must stay out of every report.
///
/// The condition of an entry is not consulted: a neighbouring build may have the same flaw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Embargo(Vec<RunPattern>);

impl Embargo {
    /// The entries under embargo of a file.
    #[must_use]
    pub fn of(expectations: &Expectations) -> Self {
        let held_back = expectations.entries.iter().filter(|entry| entry.embargo);
        Self(held_back.map(|entry| entry.covers.clone()).collect())
    }

    /// Both embargoes.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether the case run's result must stay out of every report.
    #[must_use]
    pub fn covers(&self, run: &RunId) -> bool {
        self.0.iter().any(|pattern| pattern.covers(run))
    }
}

#[cfg(test)]
mod tests;
