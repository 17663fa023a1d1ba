//! What is said about each of the two runs.

use serde::Serialize;

use crate::event::{Event, RunFinished, RunStarted};

/// One run as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The file it was read from.
    pub file: String,
    /// Name and version of the subject, and the start of its sha256.
    pub subject: String,
    /// `interop` or `strict`.
    pub profile: String,
    /// `--run`, `--skip` and `--shard` as given; empty for all.
    pub selection: String,
    /// Version of zmqspec.
    pub zmqspec: String,
    /// Number of case runs reported.
    pub reported: usize,
    /// Number of results withheld under embargo.
    pub embargoed: usize,
    /// Whether the run reached its end, with nothing left to execute.
    pub complete: bool,
}

impl Run {
    pub(super) fn of(file: &str, events: &[Event], reported: usize) -> Self {
        let started: Option<&RunStarted> = events.iter().find_map(|event| match event {
            Event::RunStarted(started) => Some(&**started),
            Event::CaseFinished(_) | Event::SubjectReplaced(_) | Event::HarnessError(_) | Event::RunFinished(_) => None,
        });
        let finished: Option<&RunFinished> = events.iter().find_map(|event| match event {
            Event::RunFinished(finished) => Some(finished),
            Event::RunStarted(_) | Event::CaseFinished(_) | Event::SubjectReplaced(_) | Event::HarnessError(_) => None,
        });
        let text = |part: fn(&RunStarted) -> String| started.map(part).unwrap_or_default();
        Self {
            file: file.to_owned(),
            subject: text(subject),
            profile: text(|started| started.profile.clone()),
            selection: text(selection),
            zmqspec: text(|started| started.zmqspec.clone()),
            reported,
            embargoed: finished.map_or(0, |finished| finished.embargoed),
            complete: finished.is_some_and(|finished| finished.not_run == 0),
        }
    }
}

fn subject(started: &RunStarted) -> String {
    let subject = &started.subject;
    let start = subject.sha256.as_deref().and_then(|sum| sum.get(..12)).map(|sum| format!(" sha256 {sum}"));
    format!("{} {}{}", subject.name, subject.version, start.unwrap_or_default())
}

fn selection(started: &RunStarted) -> String {
    let mut words: Vec<_> = started.run.iter().map(|pattern| format!("--run {pattern}")).collect();
    words.extend(started.skip.iter().map(|pattern| format!("--skip {pattern}")));
    words.extend(started.shard.iter().map(|shard| format!("--shard {shard}")));
    words.join(" ")
}

/// What must be known before the differences are believed.
pub(super) fn warnings(old: &Run, new: &Run) -> Vec<String> {
    let all = |selection: &str| {
        if selection.is_empty() { "all".to_owned() } else { selection.to_owned() }
    };
    let mut warnings = Vec::new();
    let mut differ = |what: &str, old: &str, new: &str| {
        if old != new {
            warnings.push(format!("{what} differs: {old} → {new}"));
        }
    };
    differ("subject", &old.subject, &new.subject);
    differ("profile", &old.profile, &new.profile);
    differ("selection", &all(&old.selection), &all(&new.selection));
    differ("zmqspec", &old.zmqspec, &new.zmqspec);
    for (name, run) in [("old", old), ("new", new)] {
        if !run.complete {
            warnings.push(format!("the {name} run was cut: case runs are missing from its end"));
        }
    }
    if old.embargoed != new.embargoed {
        warnings.push(format!(
            "results under embargo differ in number: {} → {}; what came under embargo looks vanished",
            old.embargoed, new.embargoed
        ));
    }
    warnings
}
