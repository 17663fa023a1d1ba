//! The plan of a run: which case runs, in which order, and which of them gate.

use super::play::Profile;
use crate::case::file::{Case, Class};
use crate::case::library::Library;
use crate::case::select::{NoMatch, Selection};
use crate::event::RunId;

/// One run to be done.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The case.
    pub case: Case,
    /// The run of it.
    pub run: RunId,
    /// Highest level among its requirements.
    pub level: &'static str,
    /// Whether a deviation is red.
    pub gates: bool,
}

/// The lowest level whose deviations are red.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Gate {
    /// Everything.
    May,
    /// MUST and SHOULD.
    Should,
    /// MUST only; grammar counts as MUST.
    #[default]
    Must,
}

/// Plans the runs of a selection; `level_of` gives the level of a requirement.
///
/// # Errors
/// A pattern that matches nothing.
pub fn plan(
    library: &Library,
    level_of: &dyn Fn(&str) -> Option<Gate>,
    selection: &Selection,
    gate: Gate,
    profile: Profile,
) -> Result<Vec<Planned>, NoMatch> {
    let selected = selection.select(library.cases())?;
    Ok(selected
        .into_iter()
        .map(|(i, run)| {
            let case = library.cases()[i].clone();
            let level = level(&case, level_of);
            let by_class = match case.class {
                Class::Spec => true,
                Class::Defacto => profile == Profile::Interop,
                // Red on survival only; a contested or variant verdict is accepted by the gate as it is.
                Class::Either | Class::Robust => true,
            };
            Planned { level: word(level), gates: by_class && level >= gate && !case.provisional, case, run }
        })
        .collect())
}

fn level(case: &Case, level_of: &dyn Fn(&str) -> Option<Gate>) -> Gate {
    case.checks.iter().filter_map(|id| level_of(id)).max().unwrap_or(Gate::Must)
}

fn word(level: Gate) -> &'static str {
    match level {
        Gate::Must => "must",
        Gate::Should => "should",
        Gate::May => "may",
    }
}
