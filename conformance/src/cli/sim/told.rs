//! What is said of a run, and what is saved of one that fails.

use std::path::{Path, PathBuf};

use zmq_sim::plan::Plan;
use zmq_sim::render::{Last, Picture};
use zmq_sim::saved::{self, Origin};
use zmq_sim::time::Span;
use zmq_sim::trial::Tried;
use zmq_sim::violation::{Kind, Violation};

use super::engines::Carrier;
use super::source::Source;
use crate::cli::Refusal;
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::report::text::{counted, printable, shell_quote, wrap};

/// Columns of what is printed.
const WIDTH: usize = 100;

/// Events about a violation that are printed.
const EVENTS: usize = 30;

/// What is to be said of one plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'t> {
    pub(super) source: &'t Source,
    pub(super) seed: u64,
    pub(super) carrier: &'t Carrier,
    pub(super) plan: &'t Plan,
    pub(super) tried: &'t Tried,
}

impl Telling<'_> {
    fn name(&self) -> String {
        self.source.seed_word(self.seed)
    }

    /// A run that kept every promise.
    pub(super) fn kept(&self) -> Vec<String> {
        vec![format!("{}  {}: every promise kept", self.name(), printable(&self.plan.title)), self.facts()]
    }

    fn facts(&self) -> String {
        let entries = &self.tried.run.history.entries;
        let end = entries.last().map_or(0, |entry| entry.at.as_nanos() / 1_000_000);
        let engine = self.carrier.word();
        let (events, end) = (counted(entries.len(), "event"), Span::millis(end));
        format!("  engine {engine}, {events} until t+{end}, hash {:016x}", self.tried.run.hash)
    }

    /// Saves the plan of a run that failed.
    pub(super) fn save(&self, folder: &Path) -> Result<PathBuf, Refusal> {
        let first = &self.tried.violations[0];
        let name = self.name();
        let origin = Origin {
            seed: Some(&name),
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("ZMQSPEC_COMMIT"),
            engine: &self.carrier.word(),
            hash: self.tried.run.hash,
        };
        let file = folder.join(saved::file_name(&self.plan.title, &name));
        let text = saved::failing(self.plan, first, origin);
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
        written.map_err(|error| {
            Refusal::usage(format!("expected to save the plan as {}, came: {error}", file.display()))
        })?;
        Ok(file)
    }

    /// A run that failed: which promise, the events before, what to type.
    pub(super) fn failed(&self, file: Option<&Path>) -> Vec<String> {
        let [first, others @ ..] = &self.tried.violations[..] else { return self.kept() };
        let mut lines = vec![format!("FAILED {}  {}", self.name(), printable(&self.plan.title)), self.facts()];
        let mut field = |label: &str, text: &str| {
            for (at, line) in wrap(&printable(text), WIDTH - 12).into_iter().enumerate() {
                lines.push(format!("  {:<10}{line}", if at == 0 { label } else { "" }));
            }
        };
        field(first.kind.word(), &first.text);
        field("clause", &clause(first));
        if !others.is_empty() {
            let names: Vec<String> = others.iter().take(5).map(|violation| violation.symptom().to_string()).collect();
            let more = if others.len() > names.len() { " …" } else { "" };
            field("also", &format!("{}: {}{more}", counted(others.len(), "violation"), names.join(", ")));
        }
        let engine = self.carrier.words();
        field("rerun", &format!("zmqspec sim run {}{engine}", self.source.words(self.seed)));
        if let Some(file) = file {
            let file = shell_quote(&file.display().to_string());
            field("saved", &file);
            field("next", &format!("zmqspec sim shrink {file}{engine}"));
        }
        let picture = Picture::new(self.plan, &self.tried.run, &self.tried.violations);
        lines.push(format!("  the events about it, {EVENTS} at most"));
        lines.extend(picture.words(Last::Events(EVENTS)).lines().map(|line| format!("    {line}")));
        lines
    }
}

/// The clause, with what the ledger says of it.
fn clause(violation: &Violation) -> String {
    let found = Ledger::embedded().find(violation.clause);
    let text = found.map(|requirement| format!(": {}", requirement.text)).unwrap_or_default();
    format!("{}{text}", violation.clause)
}

/// The exit code for a run.
pub(super) fn exit_of(violations: &[Violation]) -> Exit {
    match violations.first().map(|violation| violation.kind) {
        None => Exit::AsExpected,
        Some(Kind::Safety) => Exit::Safety,
        Some(Kind::Liveness) => Exit::Liveness,
        Some(Kind::Crash) => Exit::Crash,
    }
}
