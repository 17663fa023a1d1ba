//! `teeth`: cases under saboteurs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Refusal;
use super::check::{PATIENCE, level_of, library, unusable};
use super::options::TeethOptions;
use super::voice::print_line;
use crate::exit::Exit;
use crate::run::plan::{self, Gate};
use crate::run::play::{Profile, Setting};
use crate::run::teeth::{Bitten, bite, every, named};
use crate::run::worker::Start;
use crate::subject::SubjectSpec;

/// A step that waits in vain, because a saboteur swallowed what it waits for, need not wait long.
const PATIENCE_NAMED: Duration = Duration::from_millis(700);
/// Looking for teeth, a wrong guess costs little.
const PATIENCE_EVERY: Duration = Duration::from_millis(250);

pub(super) fn run(options: &TeethOptions) -> Result<u8, Refusal> {
    let library = library(options.select.cases.as_deref())?;
    let plan = plan::plan(&library, &level_of, &options.select.selection(), Gate::Must, Profile::Interop)
        .map_err(|none| Refusal::new(Exit::NothingMatched, none))?;
    let bites = if options.every { every(&plan) } else { named(&plan) }.map_err(Refusal::usage)?;
    if bites.is_empty() {
        return Err(Refusal::new(Exit::NothingMatched, "none of the selected cases names a saboteur"));
    }
    let spec: SubjectSpec = options.subject.parse().map_err(|error| unusable(&error))?;
    let launch = spec.launch(&[]).map_err(|error| unusable(&error))?;
    let start = Start { launch, hello_within: PATIENCE * 5 };
    let patience = if options.every { PATIENCE_EVERY } else { PATIENCE_NAMED };
    let setting = Setting { patience, ..Setting::default() };
    let bitten = bite(&plan, &bites, &start, &setting, usize::from(options.jobs));
    let line = |bitten: &Bitten| {
        let run = &plan[bitten.bite.planned].run;
        let how = bitten.fingerprint.as_deref().unwrap_or("no failure");
        format!("{run}  {}  {} ({how})", bitten.bite.saboteur.name, bitten.verdict)
    };
    if options.every {
        bitten.iter().filter(|bitten| bitten.noticed()).for_each(|bitten| print_line(&line(bitten)));
        let mut noticed: BTreeMap<usize, bool> = BTreeMap::new();
        for one in &bitten {
            *noticed.entry(one.bite.planned).or_default() |= one.noticed();
        }
        for (planned, _) in noticed.iter().filter(|(_, noticed)| !**noticed) {
            print_line(&format!("{}  nothing fails it", plan[*planned].case.id));
        }
        return Ok(Exit::AsExpected.code());
    }
    let missed: Vec<&Bitten> = bitten.iter().filter(|bitten| !bitten.noticed()).collect();
    missed.iter().for_each(|bitten| print_line(&format!("unnoticed: {}", line(bitten))));
    let unsupported =
        missed.iter().filter(|bitten| bitten.verdict.conformance == crate::verdict::Conformance::Unsupported).count();
    print_line(&format!(
        "{} sins committed, {} noticed, {unsupported} not committable on this subject",
        bitten.len(),
        bitten.len() - missed.len()
    ));
    Ok(if missed.len() == unsupported { Exit::AsExpected } else { Exit::Differs }.code())
}
