//! The file of expectations written anew from a run: what still holds stays, with its comments, order and reason; what
//! no longer holds goes; what is new comes with an empty reason, which the loader refuses until a person fills it in.

mod draft;
mod edit;
mod unified;

use std::collections::BTreeMap;

use super::{Entry, ExpectError, Expectations, When};
use crate::event::{CaseFinished, Event, RunFinished, RunStarted, SubjectIdentity};
use draft::Draft;
use unified::{Edit, applied, unified};

/// The new file, and what a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The new text.
    pub text: String,
    /// From the old text to the new, for review; empty if nothing changed.
    pub diff: String,
    /// Entries kept.
    pub kept: usize,
    /// Entries removed.
    pub removed: usize,
    /// Entries added.
    pub added: usize,
    /// How many of those added still need a reason.
    pub without_reason: usize,
    /// What could not be decided from this run, one line each.
    pub notes: Vec<String>,
}

/// Why no new file was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// The old file is unsound.
    #[error(transparent)]
    Expectations(#[from] ExpectError),
    /// The run cannot be relied upon for this file.
    #[error("{0}")]
    Run(String),
}

/// Makes the new text of the file `name`, whose old text may be empty, from the events of a run.
///
/// Entries for other builds, entries under embargo and entries for cases that the run did not execute stay as they
/// are. An entry that covers nothing goes only if the run itself found it dead.
///
/// # Errors
///
/// The old file is unsound, is for another subject, or the harness failed during the run.
pub fn update(name: &str, old: &str, events: &[Event]) -> Result<Update, UpdateError> {
    let run = Run::of(events)?;
    let subject = &run.started.subject.name;
    let base = if old.trim().is_empty() {
        format!("edition = 1\nsubject = {}\n", draft::quoted(subject))
    } else {
        old.to_owned()
    };
    let expectations = Expectations::parse(name, &base)?;
    if expectations.subject != *subject {
        return Err(UpdateError::Run(format!(
            "{name}:{}: expected subject = \"{subject}\", the subject of the run, came \"{}\"; choose the other file",
            expectations.subject_line, expectations.subject
        )));
    }
    let mut plan = Plan::default();
    for entry in &expectations.entries {
        plan.place(&expectations, entry, &run);
    }
    for case in run.cases.iter().filter(|case| !case.provisional && !case.verdict.is_accepted_unasked()) {
        let covered = |entry: &Entry| entry.covers.covers(&case.run) && entry.when.holds(&run.started.subject);
        if !plan.kept.iter().any(covered) && !plan.drafts.iter().any(|(drafted, _)| drafted.run == case.run) {
            let before = plan.removed.iter().find(|entry| covered(entry));
            plan.drafts.push((case, Draft::of_case(case, before.map(|entry| entry.reason.as_str()))));
        }
    }
    let added = draft::grouped(&plan.drafts, &run.cases, &plan.kept, &run.started.subject);
    let removed: Vec<_> = plan.removed.iter().map(|entry| entry.line).collect();
    let lines: Vec<_> = expectations.entries.iter().map(|entry| entry.line).collect();
    let texts: Vec<_> = added.iter().map(|entry| entry.text.clone()).collect();
    let mut edits = edit::edits(&base, &lines, &removed, &texts);
    if old.trim().is_empty() {
        edits = edits
            .into_iter()
            .map(|edit| match edit {
                Edit::Keep(line) | Edit::Add(line) => Edit::Add(line),
                Edit::Remove(line) => Edit::Remove(line),
            })
            .collect();
    }
    Ok(Update {
        text: applied(&edits),
        diff: unified(name, &edits),
        kept: plan.kept.len(),
        removed: removed.len(),
        added: added.len(),
        without_reason: added.iter().filter(|entry| entry.needs_reason).count(),
        notes: plan.notes,
    })
}

/// What is used of a run.
struct Run<'a> {
    started: &'a RunStarted,
    /// Case runs, without repetitions; one that deviated outweighs one that did not.
    cases: Vec<&'a CaseFinished>,
    finished: Option<&'a RunFinished>,
}

impl<'a> Run<'a> {
    fn of(events: &'a [Event]) -> Result<Self, UpdateError> {
        let Some(Event::RunStarted(started)) = events.first() else {
            let text = "expected the events of a run, came none that begins one; repeat the run with --json FILE";
            return Err(UpdateError::Run(text.to_owned()));
        };
        let mut cases = BTreeMap::new();
        let mut finished = None;
        for event in events {
            match event {
                Event::CaseFinished(case) => {
                    let kept = cases.entry(&case.run).or_insert(&**case);
                    if !case.verdict.is_accepted_unasked() {
                        *kept = case;
                    }
                }
                Event::HarnessError(error) => {
                    return Err(UpdateError::Run(format!(
                        "expected a run without harness errors, came: {}; mend that and repeat the run",
                        error.text
                    )));
                }
                Event::RunFinished(last) => finished = Some(last),
                Event::RunStarted(_) | Event::SubjectReplaced(_) => {}
            }
        }
        Ok(Self { started, cases: cases.into_values().collect(), finished })
    }

    /// Whether the events themselves say that not everything was executed.
    fn is_visibly_partial(&self) -> bool {
        let cut = self.finished.is_none_or(|finished| finished.not_run > 0);
        cut || !self.started.run.is_empty() || !self.started.skip.is_empty() || self.started.shard.is_some()
    }

    /// Whether the gate found the entry dead: only it knew the whole selection.
    fn found_dead(&self, entry: &Entry) -> bool {
        let quoted = format!("`{}`", entry.covers);
        self.finished.is_some_and(|finished| finished.dead_expectations.iter().any(|dead| dead.contains(&quoted)))
    }
}

/// What becomes of each entry.
#[derive(Default)]
struct Plan<'a> {
    kept: Vec<Entry>,
    removed: Vec<Entry>,
    drafts: Vec<(&'a CaseFinished, Draft)>,
    notes: Vec<String>,
}

impl<'a> Plan<'a> {
    fn place(&mut self, expectations: &Expectations, entry: &Entry, run: &Run<'a>) {
        let subject: &SubjectIdentity = &run.started.subject;
        if entry.embargo || !entry.when.holds(subject) {
            return self.kept.push(entry.clone());
        }
        let covered: Vec<_> = run.cases.iter().copied().filter(|case| entry.covers.covers(&case.run)).collect();
        if covered.is_empty() {
            let list = if run.found_dead(entry) { &mut self.removed } else { &mut self.kept };
            return list.push(entry.clone());
        }
        let matches = |case: &&CaseFinished| {
            let fingerprint = case.failure.as_ref().map(|failure| failure.fingerprint.as_str());
            entry.revision == case.revision && entry.outcome.allows(&case.verdict, fingerprint)
        };
        // What a provisional case does is never red, so it decides nothing here.
        if covered.iter().all(|case| case.provisional || matches(case)) {
            return self.kept.push(entry.clone());
        }
        let matching: Vec<_> = covered.into_iter().filter(matches).collect();
        if !matching.is_empty() && run.is_visibly_partial() {
            self.notes.push(format!(
                "{}: `{}` holds for some case runs only; kept, because this run did not execute everything it may cover",
                expectations.location(entry),
                entry.covers
            ));
            return self.kept.push(entry.clone());
        }
        self.removed.push(entry.clone());
        self.drafts.extend(matching.into_iter().map(|case| (case, Draft::of_entry(entry))));
    }
}

/// Conditions for a new entry, from the widest to the narrowest.
fn conditions(subject: &SubjectIdentity) -> Vec<When> {
    let version = super::Version::of_subject(&subject.version)
        .and_then(|version| super::VersionRange::parse(&format!("={version}")).ok());
    let by_version = When { version, ..When::default() };
    let by_os = When { os: vec![subject.os.clone()], ..by_version.clone() };
    let by_file = When { sha256: subject.sha256.iter().cloned().collect(), ..by_os.clone() };
    vec![When::default(), by_version, by_os, by_file]
}

#[cfg(test)]
mod tests;
